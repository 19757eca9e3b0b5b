/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The GPU control block: identification, caches, soft reset, timestamps. */
#ifndef PANTHOR_GPU_H
#define PANTHOR_GPU_H

#include <linux/types.h>

struct panthor_device;

int panthor_gpu_init(struct panthor_device *ptdev);
void panthor_gpu_fini(struct panthor_device *ptdev);

/*
 * Runs one FLUSH_CACHES command and waits for its end. @l2, @lsc and @other are
 * OR-ed from CACHE_CLEAN and CACHE_INV, or 0. May sleep. 0, or -ETIMEDOUT after
 * 100 ms, in which case a reset has been scheduled.
 */
int panthor_gpu_flush_caches(struct panthor_device *ptdev, u32 l2, u32 lsc,
			     u32 other);

/* -ETIMEDOUT where the GPU does not answer; then it is beyond help. */
int panthor_gpu_soft_reset(struct panthor_device *ptdev);

/* Counter ticks per second; 0 where the platform does not say. */
u64 panthor_gpu_timestamp_frequency(void);
u64 panthor_gpu_read_timestamp(struct panthor_device *ptdev);
u64 panthor_gpu_read_timestamp_offset(struct panthor_device *ptdev);
u64 panthor_gpu_read_cycle_count(struct panthor_device *ptdev);

#endif /* PANTHOR_GPU_H */
