/* SPDX-License-Identifier: MIT */
/*
 * The register file of the GPU: identification, interrupts, GPU commands,
 * clocks. A G610 as it is found in a shipping board.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mali_csf.h"

/* -------------------------------------------------------- interrupts -- */

bool mali_irq_set(struct mali_irq_block *block, uint32_t bits)
{
	uint32_t old = atomic_fetch_or(&block->rawstat, bits);
	uint32_t mask = atomic_load(&block->mask);

	return !(old & mask) && ((old | bits) & mask);
}

void mali_irq_raise(struct mali_gpu *gpu, enum mali_irq line)
{
	mali_irq_fn raise =
		atomic_load_explicit(&gpu->raise, memory_order_acquire);

	if (raise)
		raise(atomic_load_explicit(&gpu->raise_data,
					   memory_order_relaxed),
		      line);
}

void mali_gpu_set_irq_handler(struct mali_gpu *gpu, mali_irq_fn raise,
			      void *data)
{
	atomic_store_explicit(&gpu->raise_data, data, memory_order_relaxed);
	atomic_store_explicit(&gpu->raise, raise, memory_order_release);
}

void mali_gpu_observe_streams(struct mali_gpu *gpu, mali_stream_fn fn,
			      void *data)
{
	gpu->stream_observer.data = data;
	atomic_store_explicit(&gpu->stream_observer.fn, fn,
			      memory_order_release);
}

/* Registers of an interrupt block, by their distance from RAWSTAT. */
enum { IRQ_RAWSTAT = 0, IRQ_CLEAR = 4, IRQ_MASK = 8, IRQ_STAT = 12 };

uint32_t mali_irq_read(struct mali_irq_block *block, uint32_t reg)
{
	switch (reg) {
	case IRQ_RAWSTAT:
		return atomic_load(&block->rawstat);
	case IRQ_MASK:
		return atomic_load(&block->mask);
	case IRQ_STAT:
		return atomic_load(&block->rawstat) & atomic_load(&block->mask);
	default:
		return 0;
	}
}

void mali_irq_write(struct mali_gpu *gpu, enum mali_irq line,
		    struct mali_irq_block *block, uint32_t reg, uint32_t value)
{
	uint32_t old, raw;

	switch (reg) {
	case IRQ_CLEAR:
		atomic_fetch_and(&block->rawstat, ~value);
		if (line == MALI_IRQ_MMU)
			mali_mmu_fault_cleared(gpu, value);
		break;
	case IRQ_MASK:
		/*
		 * Against an mali_irq_set() at the same time: each writes its
		 * word before it reads the other's, so at least one of the two
		 * sees the line become active.
		 */
		old = atomic_exchange(&block->mask, value);
		raw = atomic_load(&block->rawstat);
		if (!(raw & old) && (raw & value))
			mali_irq_raise(gpu, line);
		break;
	default:
		break;
	}
}

/* ------------------------------------------------------ GPU commands -- */

uint64_t mali_now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void reset(struct mali_gpu *gpu)
{
	/* In this order: streams may wait for the MMU. */
	mali_mmu_reset(gpu);
	mali_mcu_reset(gpu->mcu);
	atomic_store(&gpu->gpu_irq.rawstat, 0);
	atomic_store(&gpu->timestamp_offset.half[0], 0);
	atomic_store(&gpu->timestamp_offset.half[1], 0);
	atomic_store(&gpu->reset_time_ns, mali_now_ns());
}

/* A command is complete when this returns; its interrupt tells so. */
static void gpu_command(struct mali_gpu *gpu, uint32_t command)
{
	uint32_t done = 0;

	if (command == MALI_GPU_CMD_SOFT_RESET ||
	    command == MALI_GPU_CMD_HARD_RESET) {
		reset(gpu);
		done = MALI_GPU_IRQ_RESET_COMPLETED;
	} else if ((command & 0xff) == MALI_GPU_CMD_FLUSH_CACHES) {
		/* Host memory is coherent: there is nothing to write back. */
		mali_gpu_count_flush(gpu);
		done = MALI_GPU_IRQ_CLEAN_CACHES_COMPLETED;
	}
	if (done && mali_irq_set(&gpu->gpu_irq, done))
		mali_irq_raise(gpu, MALI_IRQ_GPU);
}

void mali_gpu_count_flush(struct mali_gpu *gpu)
{
	_Atomic uint32_t *id = &gpu->user_page->latest_flush;
	uint32_t old = atomic_load_explicit(id, memory_order_relaxed);

	atomic_fetch_add_explicit(&gpu->flushes, 1, memory_order_relaxed);
	/* 24 bits, and never 0, which means "no flush is known". */
	while (!atomic_compare_exchange_weak(id, &old,
					     old == 0xffffff ? 1 : old + 1))
		;
}

int mali_gpu_user_page_fd(const struct mali_gpu *gpu)
{
	return gpu->user_page_fd;
}

/* --------------------------------------------------------- registers -- */

static uint64_t timestamp(struct mali_gpu *gpu)
{
	uint64_t offset = atomic_load(&gpu->timestamp_offset.half[0]);

	offset |= (uint64_t)atomic_load(&gpu->timestamp_offset.half[1]) << 32;
	return mali_now_ns() + offset;
}

/* Nanoseconds since the reset: this GPU runs at 1 GHz. */
static uint64_t cycle_count(struct mali_gpu *gpu)
{
	return mali_now_ns() - atomic_load(&gpu->reset_time_ns);
}

static uint32_t half_of(uint64_t value, uint32_t offset)
{
	return offset & 4 ? value >> 32 : value;
}

/* Registers that never change. */
static uint32_t virt_features(const struct mali_gpu *gpu)
{
	return (gpu->config.no_absent_stall ? 0 : MALI_GPU_VIRT_ABSENT_STALL) |
	       (gpu->config.null_leaves ? MALI_GPU_VIRT_NULL_LEAVES : 0);
}

static uint32_t read_identification(struct mali_gpu *gpu, uint32_t offset)
{
	switch (offset) {
	case MALI_GPU_ID:
		return 0xa8670005; /* arch 10.8.6, product 7, r0p0 status 5 */
	case MALI_GPU_L2_FEATURES:
		return 0x07120306;
	case MALI_GPU_TILER_FEATURES:
		return 0x809;
	case MALI_GPU_MEM_FEATURES:
		return 0x301;
	case MALI_GPU_MMU_FEATURES:
		return gpu->config.va_bits | gpu->config.pa_bits << 8;
	case MALI_GPU_AS_PRESENT:
		return gpu->config.as_present;
	case MALI_GPU_CSF_ID:
		return 0x040a0412;
	case MALI_GPU_THREAD_MAX_THREADS:
		return 2048;
	case MALI_GPU_THREAD_MAX_WORKGROUP_SIZE:
	case MALI_GPU_THREAD_MAX_BARRIER_SIZE:
		return 1024;
	case MALI_GPU_THREAD_FEATURES:
		return 0x04010000;
	case MALI_GPU_TEXTURE_FEATURES(0):
		return 0xc1ffff9e;
	case MALI_GPU_SHADER_PRESENT:
		return 0x50005;
	case MALI_GPU_TILER_PRESENT:
	case MALI_GPU_L2_PRESENT:
		return 1;
	case MALI_GPU_VIRT_FEATURES:
		return virt_features(gpu);
	case MALI_GPU_COHERENCY_FEATURES:
		return gpu->config.coherent ? 1u << MALI_GPU_COHERENCY_ACE_LITE
					    : 0;
	case MALI_GPU_COHERENCY_PROTOCOL:
		return gpu->config.coherent ? MALI_GPU_COHERENCY_ACE_LITE
					    : MALI_GPU_COHERENCY_NONE;
	default:
		return 0;
	}
}

uint32_t mali_gpu_read32(struct mali_gpu *gpu, uint32_t offset)
{
	if (offset >= MALI_AS(0) && offset < MALI_AS(MALI_MAX_AS))
		return mali_mmu_read(gpu, offset - MALI_AS(0));

	switch (offset) {
	case MALI_GPU_INT_RAWSTAT:
	case MALI_GPU_INT_MASK:
	case MALI_GPU_INT_STAT:
		return mali_irq_read(&gpu->gpu_irq,
				     offset - MALI_GPU_INT_RAWSTAT);
	case MALI_MMU_INT_RAWSTAT:
	case MALI_MMU_INT_MASK:
	case MALI_MMU_INT_STAT:
		return mali_irq_read(&gpu->mmu_irq,
				     offset - MALI_MMU_INT_RAWSTAT);
	case MALI_JOB_INT_RAWSTAT:
	case MALI_JOB_INT_MASK:
	case MALI_JOB_INT_STAT:
		return mali_irq_read(&gpu->mcu->job_irq,
				     offset - MALI_JOB_INT_RAWSTAT);
	case MALI_MCU_STATUS:
		return atomic_load(&gpu->mcu->status);
	case MALI_GPU_TIMESTAMP_OFFSET:
	case MALI_GPU_TIMESTAMP_OFFSET + 4:
		return atomic_load(&gpu->timestamp_offset.half[offset / 4 % 2]);
	case MALI_GPU_TIMESTAMP:
	case MALI_GPU_TIMESTAMP + 4:
		return half_of(timestamp(gpu), offset);
	case MALI_GPU_CYCLE_COUNT:
	case MALI_GPU_CYCLE_COUNT + 4:
		return half_of(cycle_count(gpu), offset);
	case MALI_USER_LATEST_FLUSH_ID:
		return atomic_load_explicit(&gpu->user_page->latest_flush,
					    memory_order_relaxed);
	default:
		return read_identification(gpu, offset);
	}
}

void mali_gpu_write32(struct mali_gpu *gpu, uint32_t offset, uint32_t value)
{
	if (offset >= MALI_AS(0) && offset < MALI_AS(MALI_MAX_AS)) {
		mali_mmu_write(gpu, offset - MALI_AS(0), value);
		return;
	}
	if (offset >= MALI_CSF_DOORBELL(0) &&
	    offset < MALI_CSF_DOORBELL(MALI_CSF_DOORBELL_COUNT)) {
		if (offset % (MALI_CSF_DOORBELL(1) - MALI_CSF_DOORBELL(0)) == 0)
			mali_mcu_doorbell(gpu->mcu,
					  (offset - MALI_CSF_DOORBELL(0)) /
						  (MALI_CSF_DOORBELL(1) -
						   MALI_CSF_DOORBELL(0)));
		return;
	}
	switch (offset) {
	case MALI_GPU_INT_CLEAR:
	case MALI_GPU_INT_MASK:
		mali_irq_write(gpu, MALI_IRQ_GPU, &gpu->gpu_irq,
			       offset - MALI_GPU_INT_RAWSTAT, value);
		break;
	case MALI_MMU_INT_CLEAR:
	case MALI_MMU_INT_MASK:
		mali_irq_write(gpu, MALI_IRQ_MMU, &gpu->mmu_irq,
			       offset - MALI_MMU_INT_RAWSTAT, value);
		break;
	case MALI_JOB_INT_CLEAR:
	case MALI_JOB_INT_MASK:
		mali_irq_write(gpu, MALI_IRQ_JOB, &gpu->mcu->job_irq,
			       offset - MALI_JOB_INT_RAWSTAT, value);
		break;
	case MALI_MCU_CONTROL:
		mali_mcu_control(gpu->mcu, value);
		break;
	case MALI_GPU_CMD:
		gpu_command(gpu, value);
		break;
	case MALI_GPU_TIMESTAMP_OFFSET:
	case MALI_GPU_TIMESTAMP_OFFSET + 4:
		atomic_store(&gpu->timestamp_offset.half[offset / 4 % 2],
			     value);
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------- lifetime -- */

static int check_config(const struct mali_gpu_config *config)
{
	switch (config->pa_bits) {
	case 32:
	case 36:
	case 40:
	case 42:
	case 44:
	case 48:
		break;
	default:
		return -EINVAL;
	}
	if (!config->dram || config->va_bits < 33 || config->va_bits > 48 ||
	    !config->as_present || config->csg_count > MALI_MAX_CSG ||
	    config->cs_count > MALI_MAX_CS ||
	    mali_dram_size(config->dram) > 1ull << config->pa_bits)
		return -EINVAL;
	/* Windows are made of host pages. */
	return sysconf(_SC_PAGESIZE) == MALI_PAGE_SIZE ? 0 : -ENOTSUP;
}

/* The page that processes map: a file of its own, so that it can be handed out
 * without the rest.
 */
static int create_user_page(struct mali_gpu *gpu)
{
	int fd =
		memfd_create("mali-user-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, MALI_PAGE_SIZE))
		goto err_close;
	page = mmap(NULL, MALI_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (page == MAP_FAILED)
		goto err_close;
	/* Nobody else may write it, not even by mapping it once more. */
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)) {
		munmap(page, MALI_PAGE_SIZE);
		goto err_close;
	}
	gpu->user_page = page;
	gpu->user_page_fd = fd;
	atomic_store(&gpu->user_page->latest_flush, 1);
	return 0;

err_close:
	close(fd);
	return -ENOMEM;
}

static void destroy_user_page(struct mali_gpu *gpu)
{
	munmap(gpu->user_page, MALI_PAGE_SIZE);
	close(gpu->user_page_fd);
}

static int create_mcu(struct mali_gpu *gpu)
{
	int ret;

	gpu->mcu = calloc(1, sizeof(*gpu->mcu));
	if (!gpu->mcu)
		return -ENOMEM;
	ret = mali_mcu_init(gpu->mcu, gpu);
	if (ret)
		free(gpu->mcu);
	return ret;
}

static void destroy_mcu(struct mali_gpu *gpu)
{
	mali_mcu_finish(gpu->mcu);
	free(gpu->mcu);
}

int mali_gpu_create(const struct mali_gpu_config *config,
		    struct mali_gpu **gpu_out)
{
	struct mali_gpu *gpu;
	int ret;

	ret = check_config(config);
	if (ret)
		return ret;
	gpu = calloc(1, sizeof(*gpu));
	if (!gpu)
		return -ENOMEM;
	gpu->config = *config;
	if (config->null_leaves && !mali_step_init())
		gpu->config.null_leaves = false;
	if (!gpu->config.csg_count)
		gpu->config.csg_count = 8;
	if (!gpu->config.cs_count)
		gpu->config.cs_count = 8;
	ret = mali_tlb_init(&gpu->tlb, config->tlb_entries);
	if (ret)
		goto err_free;
	ret = mali_null_init(gpu);
	if (ret)
		goto err_tlb;
	ret = create_user_page(gpu);
	if (ret)
		goto err_null;
	ret = create_mcu(gpu);
	if (ret)
		goto err_user_page;
	ret = mali_fault_handler_get();
	if (ret)
		goto err_mcu;
	reset(gpu);
	*gpu_out = gpu;
	return 0;

err_mcu:
	destroy_mcu(gpu);
err_user_page:
	destroy_user_page(gpu);
err_null:
	mali_null_finish(gpu);
err_tlb:
	mali_tlb_finish(&gpu->tlb);
err_free:
	free(gpu);
	return ret;
}

void mali_gpu_destroy(struct mali_gpu *gpu)
{
	if (!gpu)
		return;
	if (gpu->window_count)
		fprintf(stderr, "mali: %u windows were never destroyed\n",
			gpu->window_count);
	/* Releases the streams that wait for the driver. */
	reset(gpu);
	destroy_mcu(gpu);
	destroy_user_page(gpu);
	mali_windows_abandon(gpu);
	mali_fault_handler_put();
	mali_null_finish(gpu);
	mali_tlb_finish(&gpu->tlb);
	free(gpu);
}

void mali_gpu_get_stats(struct mali_gpu *gpu, struct mali_stats *stats_out)
{
	struct mali_stats stats;

	mali_tlb_lock();
	stats = (struct mali_stats){
		.misses = gpu->tlb.misses,
		.stalls = gpu->tlb.stalls,
		.faults = gpu->tlb.faults,
		.absents = gpu->tlb.absents,
		.evictions = gpu->tlb.evictions,
		.invalidations = gpu->tlb.invalidations,
		.entries = gpu->tlb.used,
		.locks = gpu->tlb.locks,
		.locked_B = gpu->tlb.locked_B,
		.host_calls = gpu->tlb.host_calls,
		.null_steps = gpu->null.steps,
		.null_bulks = gpu->null.bulks,
	};
	mali_tlb_unlock();
	stats.flushes =
		atomic_load_explicit(&gpu->flushes, memory_order_relaxed);
	stats.instructions = atomic_load_explicit(&gpu->mcu->instructions,
						  memory_order_relaxed);
	stats.group_starts =
		atomic_load_explicit(&gpu->mcu->starts, memory_order_relaxed);
	/* Not under the lock: the caller's memory might be a window. */
	*stats_out = stats;
}
