/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Tiler heaps: memory that the tiler takes in chunks while it bins a frame, and
 * gives back when the frame's fragments are done. User space makes a heap, and
 * names it to command streams by the VA of its context; the firmware raises
 * TILER_OOM when a heap has no chunk left, and the scheduler then has it grow.
 *
 * All heaps of a VM are in the VM's pool, which goes, with all heaps, at
 * VM_DESTROY; whoever got the pool before may still use it, in vain.
 *
 * Locking: panthor_heap_pool has a lock of its own, inside, for everything; it
 * comes before the VM's dma_resv and op_lock. All functions may sleep.
 */
#ifndef PANTHOR_HEAP_H
#define PANTHOR_HEAP_H

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct panthor_device;
struct panthor_heap_pool;
struct panthor_vm;

struct panthor_heap_pool *panthor_heap_pool_get(struct panthor_vm *vm,
						bool create);
void panthor_heap_pool_put(struct panthor_heap_pool *pool);
void panthor_heap_pool_destroy(struct panthor_vm *vm);

void panthor_heap_pool_count(struct panthor_heap_pool *pool, u32 *heaps,
			     u32 *chunks);

int panthor_heap_create(struct panthor_heap_pool *pool, u32 initial_chunk_count,
			u32 chunk_size, u32 max_chunks, u32 target_in_flight,
			u64 *heap_ctx_gpu_va, u64 *first_chunk_gpu_va);
int panthor_heap_destroy(struct panthor_heap_pool *pool, u32 id);

int panthor_heap_grow(struct panthor_heap_pool *pool, u64 heap_gpu_va,
		      u32 renderpasses_in_flight, u32 pending_frag_count,
		      u64 *new_chunk_gpu_va);
int panthor_heap_return_chunk(struct panthor_heap_pool *pool, u64 heap_gpu_va,
			      u64 chunk_gpu_va);

int panthor_ioctl_tiler_heap_create(struct drm_device *ddev, void *data,
				    struct drm_file *file);
int panthor_ioctl_tiler_heap_destroy(struct drm_device *ddev, void *data,
				     struct drm_file *file);

#endif /* PANTHOR_HEAP_H */
