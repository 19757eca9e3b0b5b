// SPDX-License-Identifier: MIT OR GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fw_machine.h"
#include "mali_regs.h"
#include "panthor_fw.h"

#define DRAM_B (64ull << 20)

struct fw_machine hw;
static unsigned long warnings;

static uint32_t mmio_read32(void *machine, uint32_t offset)
{
	uint32_t value;

	if (fw_fake_read(&hw.fw, offset, &value))
		return value;
	if (offset == MALI_MMU_INT_STAT && hw.mmu_fault)
		return 1;
	return mali_gpu_read32(hw.gpu, offset);
}

static void mmio_write32(void *machine, uint32_t offset, uint32_t value)
{
	if (offset == MALI_MMU_INT_CLEAR && value & 1)
		hw.mmu_fault = false;
	if (offset == MALI_GPU_CMD && value == MALI_GPU_CMD_SOFT_RESET)
		hw.resets++;
	if (!fw_fake_write(&hw.fw, offset, value))
		mali_gpu_write32(hw.gpu, offset, value);
}

static int ram_alloc(void *machine, uint64_t want_B, uint64_t *pa_out,
		     uint64_t *got_B_out)
{
	return mali_dram_alloc(hw.dram, want_B, pa_out, got_B_out);
}

static void ram_free(void *machine, uint64_t pa, uint64_t size_B)
{
	mali_dram_free(hw.dram, pa, size_B);
}

static void raise_irq(void *data, enum mali_irq line)
{
	linux_raise_irq(line);
}

static int firmware(void *machine, const char *name, const void **data_out,
		    size_t *size_B_out)
{
	if (strcmp(name, "arm/mali/arch10.8/mali_csffw.bin") || !hw.image)
		return -ENOENT;
	*data_out = hw.image;
	*size_B_out = hw.image_size_B;
	return 0;
}

static int mmio_page(void *machine, uint32_t offset, int *fd_out,
		     uint64_t *fd_offset_out)
{
	if (offset != MALI_USER_LATEST_FLUSH_ID || hw.no_user_page)
		return -ENXIO;
	*fd_out = hw.user_page_fd;
	*fd_offset_out = 0;
	return 0;
}

int machine_boot(void **state)
{
	static const struct linux_machine_ops ops = {
		.mmio_read32 = mmio_read32,
		.mmio_write32 = mmio_write32,
		.ram_alloc = ram_alloc,
		.ram_free = ram_free,
	};
	const struct mali_dram_config dram_config = {.size_B = DRAM_B,
						     .fragmented = true};
	struct linux_machine_desc desc = {
		.ops = &ops,
		.ram_size_B = DRAM_B,
		.dma_mask = (1ull << 40) - 1,
		.dma_coherent = true,
		.irq_count = MALI_IRQ_COUNT,
		.firmware = firmware,
		.mmio_page = mmio_page,
	};
	struct mali_gpu_config gpu_config = {
		.va_bits = 48,
		.pa_bits = 40,
		.as_present = 0x7,
		.coherent = true,
	};

	memset(&hw, 0, sizeof(hw));
	warnings = linux_warn_count();
	panthor_fw_ping_ms = 60000;
	panthor_fw_patience = 1;
	hw.image = fw_fake_image(&hw.image_size_B);
	hw.fw.spoil_offset = UINT32_MAX;
	hw.user_page_fd = memfd_create("user page", MFD_CLOEXEC);
	if (hw.user_page_fd < 0 || ftruncate(hw.user_page_fd, MALI_PAGE_SIZE))
		return -1;
	if (mali_dram_create(&dram_config, &hw.dram))
		return -1;
	gpu_config.dram = hw.dram;
	if (mali_gpu_create(&gpu_config, &hw.gpu))
		return -1;
	hw.fw.dram = hw.dram;
	hw.fw.gpu = hw.gpu;
	mali_gpu_set_irq_handler(hw.gpu, raise_irq, NULL);
	desc.ram_base = mali_dram_base(hw.dram);
	desc.ram_fd = mali_dram_fd(hw.dram);
	return linux_boot(&desc);
}

int machine_shutdown(void **state)
{
	struct mali_dram_stats stats;
	int leaks = linux_shutdown();

	close(hw.user_page_fd);
	mali_gpu_destroy(hw.gpu);
	mali_dram_get_stats(hw.dram, &stats);
	mali_dram_destroy(hw.dram);
	return leaks || linux_warn_count() != warnings || stats.allocated_B ? -1
									    : 0;
}

int probe(void)
{
	return panthor_probe(PANTHOR_UAPI_1_9, &hw.ptdev);
}

/* Waits, for seconds at most, until @value is at least @wanted. */
void wait_until(_Atomic u32 *value, u32 wanted)
{
	for (int i = 0; i < 10000 && *value < wanted; i++)
		usleep(1000);

	assert_true(*value >= wanted);
}

u64 dram_used(void)
{
	struct mali_dram_stats stats;

	mali_dram_get_stats(hw.dram, &stats);
	return stats.allocated_B;
}
