// SPDX-License-Identifier: MIT OR GPL-2.0
#include "fw_fake.h"

#include <stdatomic.h>
#include <string.h>

#include "linux_machine.h"
#include "mali.h"
#include "mali_regs.h"
#include "pt_walker.h"

#define CODE_VA 0x00800000u
#define CODE_TEXT "not really code"
#define MARK_OFFSET 0xf000u /* of a word that it writes, in the section */

#define MCU_CONTROL 0x700
#define MCU_STATUS 0x704
#define JOB_RAWSTAT 0x1000
#define JOB_CLEAR 0x1004
#define JOB_MASK 0x1008
#define JOB_STAT 0x100c
#define DOORBELL0 0x80000
#define GLOBAL_IF (1u << 31)
#define PING (1u << 8)

/* ----------------------------------------------------------------- image -- */

struct entry {
	uint32_t header, flags, va_start, va_end, data_start, data_end;
};

static const struct {
	uint32_t magic;
	uint8_t minor, major;
	uint16_t pad0;
	uint32_t version_hash, pad1, size;
	struct entry shared, code;
	char text[sizeof(CODE_TEXT)];
} image = {
	.magic = 0xc3f13a6e,
	.size = 20 + 2 * sizeof(struct entry),
	.shared = {sizeof(struct entry) << 8, 0xc0000000u | 3u | 2u << 3,
		   FW_FAKE_SHARED, FW_FAKE_SHARED + FW_FAKE_SHARED_SIZE, 0, 0},
	.code = {sizeof(struct entry) << 8, 5u | 1u << 3, CODE_VA,
		 CODE_VA + 0x1000, 68, 68 + sizeof(CODE_TEXT)},
	.text = CODE_TEXT,
};

_Static_assert(offsetof(__typeof__(image), text) == 68, "image");

const void *fw_fake_image(size_t *size_B_out)
{
	*size_B_out = sizeof(image);
	return &image;
}

/* ---------------------------------------------------------------- memory -- */

uint32_t *fw_fake_word(struct fw_fake *fake, uint64_t va)
{
	struct pt_walker walker = {
		.dram = mali_dram_base(fake->dram),
		.dram_size_B = mali_dram_size(fake->dram),
		.va_bits = 48,
	};
	struct pt_walk walk;

	walker.root_pa =
		mali_gpu_read32(fake->gpu, MALI_AS_TRANSTAB(0)) |
		(uint64_t)mali_gpu_read32(fake->gpu, MALI_AS_TRANSTAB(0) + 4)
			<< 32;
	if ((mali_gpu_read32(fake->gpu, MALI_AS_TRANSCFG(0)) &
	     MALI_AS_TRANSCFG_ADRMODE_MASK) !=
	    MALI_AS_TRANSCFG_ADRMODE_AARCH64_4K)
		return NULL;
	walk = pt_walker_walk(&walker, va);
	if (!walk.valid)
		return NULL;
	return (uint32_t *)((char *)mali_dram_base(fake->dram) + walk.pa);
}

static void put(struct fw_fake *fake, uint32_t offset, uint32_t value)
{
	__atomic_store_n(fw_fake_word(fake, FW_FAKE_SHARED + offset), value,
			 __ATOMIC_SEQ_CST);
}

static uint32_t get(struct fw_fake *fake, uint32_t offset)
{
	return __atomic_load_n(fw_fake_word(fake, FW_FAKE_SHARED + offset),
			       __ATOMIC_SEQ_CST);
}

static void put_words(struct fw_fake *fake, uint32_t offset,
		      const uint32_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put(fake, offset + 4 * i, words[i]);
}

/* ------------------------------------------------------------ interrupts -- */

static void raise_irq(struct fw_fake *fake, uint32_t bits)
{
	atomic_fetch_or(&fake->rawstat, bits);
	if (atomic_load(&fake->rawstat) & atomic_load(&fake->mask))
		linux_raise_irq(MALI_IRQ_JOB);
}

/* ------------------------------------------------------------------ boot -- */

static void fill_group(struct fw_fake *fake, uint32_t csg)
{
	uint32_t blocks = FW_FAKE_SHARED + 0xa000 + csg * 0x800;
	const uint32_t group[] = {
		0,	blocks,		 blocks + 0x100,       0x1000,
		0x1000, FW_FAKE_STREAMS, FW_FAKE_STREAM_STRIDE};

	put_words(fake, FW_FAKE_GROUP(csg), group, 7);
	for (uint32_t cs = 0; cs < FW_FAKE_STREAMS; cs++) {
		uint32_t own = blocks + 0x200 + cs * 0x200;
		const uint32_t stream[] = {95u | 8u << 8 | 7u << 16, own,
					   own + 0x100};

		put_words(fake, FW_FAKE_STREAM(csg, cs), stream, 3);
	}
}

static void boot(struct fw_fake *fake)
{
	const uint32_t control[] = {0x01010000,
				    0,
				    FW_FAKE_SHARED + FW_FAKE_GLB_INPUT,
				    FW_FAKE_SHARED + FW_FAKE_GLB_OUTPUT,
				    FW_FAKE_GROUPS,
				    FW_FAKE_GROUP_STRIDE,
				    0,
				    0};
	const uint32_t *code = fw_fake_word(fake, CODE_VA);
	bool clean = true;

	if (atomic_load(&fake->mood) == FW_NO_BOOT || !code ||
	    memcmp(code, CODE_TEXT, sizeof(CODE_TEXT)) ||
	    !fw_fake_word(fake, FW_FAKE_SHARED))
		return;

	for (uint32_t i = 0; i < FW_FAKE_SHARED_SIZE; i += 4)
		clean = clean && !get(fake, i);
	atomic_store(&fake->was_clean, clean);
	put(fake, MARK_OFFSET, 1);

	put_words(fake, 0, control, 8);
	for (uint32_t csg = 0; csg < FW_FAKE_GROUPS; csg++)
		fill_group(fake, csg);
	if (atomic_load(&fake->spoil_offset) != UINT32_MAX)
		put(fake, atomic_load(&fake->spoil_offset),
		    atomic_load(&fake->spoil_value));

	atomic_store(&fake->status,
		     atomic_load(&fake->mood) == FW_FATAL ? 3 : 1);
	atomic_fetch_add(&fake->boots, 1);
	if (atomic_load(&fake->mood) == FW_DEAF_ONCE)
		atomic_store(&fake->mood, FW_FINE);
	raise_irq(fake, GLOBAL_IF);
}

/* Requests to the device: done at once, all of them. */
static void answer(struct fw_fake *fake)
{
	enum fw_fake_mood mood = atomic_load(&fake->mood);
	uint32_t req, changed;

	if (atomic_load(&fake->status) != 1 || mood == FW_DEAF ||
	    mood == FW_DEAF_ONCE)
		return;

	req = get(fake, FW_FAKE_GLB_INPUT);
	changed = req ^ get(fake, FW_FAKE_GLB_OUTPUT);
	if (changed & PING)
		atomic_fetch_add(&fake->pings, 1);
	put(fake, FW_FAKE_GLB_OUTPUT, req);
	put(fake, FW_FAKE_GLB_OUTPUT + 8, get(fake, FW_FAKE_GLB_INPUT + 8));
	if (changed & get(fake, FW_FAKE_GLB_INPUT + 4))
		raise_irq(fake, GLOBAL_IF);
}

/* ------------------------------------------------------------- registers -- */

bool fw_fake_read(struct fw_fake *fake, uint32_t offset, uint32_t *value_out)
{
	switch (offset) {
	case MCU_STATUS:
		*value_out = atomic_load(&fake->status);
		return true;
	case JOB_RAWSTAT:
		*value_out = atomic_load(&fake->rawstat);
		return true;
	case JOB_STAT:
		*value_out =
			atomic_load(&fake->rawstat) & atomic_load(&fake->mask);
		return true;
	default:
		return false;
	}
}

bool fw_fake_write(struct fw_fake *fake, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case MCU_CONTROL:
		if (value)
			boot(fake);
		else
			atomic_store(&fake->status, 0);
		return true;
	case JOB_CLEAR:
		atomic_fetch_and(&fake->rawstat, ~value);
		return true;
	case JOB_MASK:
		atomic_store(&fake->mask, value);
		raise_irq(fake, 0);
		return true;
	case DOORBELL0:
		answer(fake);
		return true;
	case MALI_GPU_CMD:
		if (value == MALI_GPU_CMD_SOFT_RESET) {
			atomic_store(&fake->status, 0);
			atomic_store(&fake->mask, 0);
			atomic_store(&fake->rawstat, 0);
		}
		return false;
	default:
		return false;
	}
}
