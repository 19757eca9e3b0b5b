/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful (the kernel has it as asm/barrier.h). ThreadSanitizer knows no
 * fences: there a read-modify-write stands in.
 */
#ifndef LINUX_BARRIER_H
#define LINUX_BARRIER_H

#include <linux/compiler.h>

#ifdef __SANITIZE_THREAD__
extern int linux_tsan_fence;
#define __linux_fence(order) \
	((void)__atomic_fetch_add(&linux_tsan_fence, 1, __ATOMIC_ACQ_REL))
#else
#define __linux_fence(order) __atomic_thread_fence(order)
#endif

#define smp_mb() __linux_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __linux_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __linux_fence(__ATOMIC_RELEASE)
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()
#define smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_store_mb(var, value) \
	__atomic_store_n(&(var), (value), __ATOMIC_SEQ_CST)

/* Towards a device; the virtual GPU is another thread. */
#define mb() smp_mb()
#define rmb() smp_rmb()
#define wmb() smp_wmb()
#define dma_mb() smp_mb()
#define dma_rmb() smp_rmb()
#define dma_wmb() smp_wmb()

#endif /* LINUX_BARRIER_H */
