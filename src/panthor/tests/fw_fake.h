/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Firmware for tests of the driver: it boots, answers requests to the device
 * and nothing else, and can be told to be ill. It stands between the driver
 * and the registers of the virtual Mali; it finds what it shares with the
 * driver by walking the page tables of slot 0.
 */
#ifndef FW_FAKE_H
#define FW_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mali_dram;
struct mali_gpu;

#define FW_FAKE_GROUPS 3
#define FW_FAKE_STREAMS 2

/* Where its blocks are, from the beginning of the shared section. */
#define FW_FAKE_SHARED 0x04000000u
#define FW_FAKE_GROUP_STRIDE 0x200u
#define FW_FAKE_STREAM_STRIDE 0x10u
#define FW_FAKE_GROUP(csg) (0x1000u + (csg)*FW_FAKE_GROUP_STRIDE)
#define FW_FAKE_STREAM(csg, cs)                                                \
	(FW_FAKE_GROUP(csg) + 0x40u + (cs)*FW_FAKE_STREAM_STRIDE)
#define FW_FAKE_GLB_INPUT 0x8000u
#define FW_FAKE_GLB_OUTPUT 0x8800u
#define FW_FAKE_SHARED_SIZE 0x10000u

enum fw_fake_mood {
	FW_FINE,
	FW_NO_BOOT,   /* never says that it has booted */
	FW_FATAL,     /* says so, and is in the fatal state */
	FW_DEAF,      /* boots, and looks at no request */
	FW_DEAF_ONCE, /* the same, until it is booted again */
};

struct fw_fake {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	_Atomic enum fw_fake_mood mood;
	/* A word of the shared section to spoil at boot; UINT32_MAX: none. */
	_Atomic uint32_t spoil_offset;
	_Atomic uint32_t spoil_value;

	_Atomic uint32_t boots, pings;
	/* The shared section, but for what the image says, was zero at boot. */
	_Atomic bool was_clean;

	/* Registers. */
	_Atomic uint32_t status, rawstat, mask;
};

/* The image that fits; its code section must be found at boot. */
const void *fw_fake_image(size_t *size_B_out);

/* True: the register is the firmware's. */
bool fw_fake_read(struct fw_fake *fake, uint32_t offset, uint32_t *value_out);
/* Also to be told of resets of the GPU, which are not its own. */
bool fw_fake_write(struct fw_fake *fake, uint32_t offset, uint32_t value);

/* A word of the firmware's address space, or NULL where nothing is mapped. */
uint32_t *fw_fake_word(struct fw_fake *fake, uint64_t va);

#endif /* FW_FAKE_H */
