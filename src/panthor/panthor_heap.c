// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/align.h>
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_file.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_heap.h"
#include "panthor_kernel_bo.h"
#include "panthor_vm.h"
#include "panthor_vm_pool.h"

#define MAX_HEAPS 128
#define MIN_CHUNK_SIZE SZ_128K
#define MAX_CHUNK_SIZE SZ_8M
/* What firmware keeps of a heap. */
#define CONTEXT_SIZE 32

/* A handle: the VM's id above, the heap's below. */
#define HANDLE_VM_SHIFT 16
#define HANDLE_HEAP_MASK GENMASK(15, 0)

/* What a chunk begins with; the tiler overwrites the rest. */
struct chunk_header {
	u64 next; /* of the heap's list: see chunk_ref(); 0: the last */
	u32 unknown[14];
};

struct panthor_heap_chunk {
	struct list_head node;
	struct panthor_kernel_bo *bo;
};

struct panthor_heap {
	u32 chunk_size;
	u32 max_chunks;
	u32 target_in_flight;
	u32 chunk_count;
	struct list_head chunks; /* newest first, as firmware's list is */
};

struct panthor_heap_pool {
	struct kref refcount;
	struct panthor_device *ptdev;
	u32 context_stride;

	/* Guards all below. */
	struct mutex lock;
	/* NULL once the VM is destroyed: then there are no heaps either. */
	struct panthor_vm *vm;
	struct panthor_kernel_bo *contexts;
	struct panthor_heap *heaps[MAX_HEAPS];
};

/* ---------------------------------------------------------------- chunks -- */

/* A chunk as headers and firmware name it. */
static u64 chunk_ref(const struct panthor_heap *heap,
		     const struct panthor_heap_chunk *chunk)
{
	return (chunk->bo->va & GENMASK_ULL(63, 12)) | heap->chunk_size >> 12;
}

static int init_chunk(struct panthor_heap_chunk *chunk, u64 next)
{
	struct chunk_header *header;
	int ret;

	ret = panthor_kernel_bo_vmap(chunk->bo);
	if (ret)
		return ret;

	header = chunk->bo->kmap;
	memset(header, 0, sizeof(*header));
	header->next = next;
	panthor_kernel_bo_vunmap(chunk->bo);
	return 0;
}

static void free_chunk(struct panthor_heap *heap,
		       struct panthor_heap_chunk *chunk)
{
	heap->chunk_count--;
	list_del(&chunk->node);
	panthor_kernel_bo_destroy(chunk->bo);
	kfree(chunk);
}

/* A new first chunk, which refers to @next. */
static int add_chunk(struct panthor_heap_pool *pool, struct panthor_heap *heap,
		     u64 next)
{
	struct panthor_heap_chunk *chunk;
	int ret;

	lockdep_assert_held(&pool->lock);

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOMEM;

	chunk->bo = panthor_kernel_bo_create(
		pool->ptdev, pool->vm, heap->chunk_size, DRM_PANTHOR_BO_NO_MMAP,
		DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, PANTHOR_VM_KERNEL_AUTO_VA,
		"tiler heap chunk");
	if (IS_ERR(chunk->bo)) {
		ret = PTR_ERR(chunk->bo);
		goto err_free;
	}

	ret = init_chunk(chunk, next);
	if (ret)
		goto err_destroy_bo;

	list_add(&chunk->node, &heap->chunks);
	heap->chunk_count++;
	return 0;

err_destroy_bo:
	panthor_kernel_bo_destroy(chunk->bo);
err_free:
	kfree(chunk);
	return ret;
}

static struct panthor_heap_chunk *first_chunk(struct panthor_heap *heap)
{
	return list_first_entry_or_null(&heap->chunks,
					struct panthor_heap_chunk, node);
}

/* ----------------------------------------------------------------- heaps -- */

static void free_heap(struct panthor_heap *heap)
{
	struct panthor_heap_chunk *chunk;

	while ((chunk = first_chunk(heap)))
		free_chunk(heap, chunk);

	kfree(heap);
}

static struct panthor_heap *create_heap(struct panthor_heap_pool *pool,
					u32 initial_chunk_count, u32 chunk_size,
					u32 max_chunks, u32 target_in_flight)
{
	struct panthor_heap_chunk *last;
	struct panthor_heap *heap;
	int ret;
	u32 i;

	heap = kzalloc(sizeof(*heap), GFP_KERNEL_ACCOUNT);
	if (!heap)
		return ERR_PTR(-ENOMEM);

	heap->chunk_size = chunk_size;
	heap->max_chunks = max_chunks;
	heap->target_in_flight = target_in_flight;
	INIT_LIST_HEAD(&heap->chunks);

	for (i = 0; i < initial_chunk_count; i++) {
		last = first_chunk(heap);
		ret = add_chunk(pool, heap, last ? chunk_ref(heap, last) : 0);
		if (ret) {
			free_heap(heap);
			return ERR_PTR(ret);
		}
	}

	return heap;
}

/* The heap whose context is at @gpu_va, or NULL. */
static struct panthor_heap *find_heap(struct panthor_heap_pool *pool,
				      u64 gpu_va)
{
	u64 offset;

	lockdep_assert_held(&pool->lock);

	if (!pool->vm || gpu_va < pool->contexts->va)
		return NULL;

	offset = gpu_va - pool->contexts->va;
	if (offset >= (u64)MAX_HEAPS * pool->context_stride ||
	    (u32)offset % pool->context_stride)
		return NULL;

	return pool->heaps[(u32)offset / pool->context_stride];
}

/**
 * panthor_heap_create() - create a heap
 * @pool: of the VM
 * @initial_chunk_count: chunks that it has at once, at least 1
 * @chunk_size: bytes, whole pages, 128 KiB to 8 MiB
 * @max_chunks: that it may ever have, at least @initial_chunk_count
 * @target_in_flight: render passes that may use it at a time
 * @heap_ctx_gpu_va: the context, which command streams name the heap by
 * @first_chunk_gpu_va: the first chunk
 *
 * Return: the id in the pool; -EINVAL for arguments out of range, or if the VM
 * is destroyed; -EBUSY if there are 128 heaps; -ENOMEM; -ENOSPC where the
 * kernel's range is full; -ETIMEDOUT if the MMU does not answer.
 */
int panthor_heap_create(struct panthor_heap_pool *pool, u32 initial_chunk_count,
			u32 chunk_size, u32 max_chunks, u32 target_in_flight,
			u64 *heap_ctx_gpu_va, u64 *first_chunk_gpu_va)
{
	struct panthor_heap *heap;
	int ret;
	u32 id;

	if (!initial_chunk_count || initial_chunk_count > max_chunks)
		return -EINVAL;

	if (!PAGE_ALIGNED(chunk_size) || chunk_size < MIN_CHUNK_SIZE ||
	    chunk_size > MAX_CHUNK_SIZE)
		return -EINVAL;

	mutex_lock(&pool->lock);
	for (id = 0; id < MAX_HEAPS && pool->heaps[id]; id++)
		;
	if (!pool->vm)
		ret = -EINVAL;
	else if (id == MAX_HEAPS)
		ret = -EBUSY;
	else
		ret = id;
	if (ret < 0)
		goto out_unlock;

	heap = create_heap(pool, initial_chunk_count, chunk_size, max_chunks,
			   target_in_flight);
	if (IS_ERR(heap)) {
		ret = PTR_ERR(heap);
		goto out_unlock;
	}

	pool->heaps[id] = heap;
	memset(pool->contexts->kmap + id * pool->context_stride, 0,
	       CONTEXT_SIZE);
	*heap_ctx_gpu_va = pool->contexts->va + (u64)id * pool->context_stride;
	*first_chunk_gpu_va = first_chunk(heap)->bo->va;

out_unlock:
	mutex_unlock(&pool->lock);
	return ret;
}

/**
 * panthor_heap_destroy() - destroy a heap; no job uses it any more
 *
 * Jobs that do nevertheless will fault.
 *
 * Return: 0, or -EINVAL for an unknown id.
 */
int panthor_heap_destroy(struct panthor_heap_pool *pool, u32 id)
{
	struct panthor_heap *heap;

	if (id >= MAX_HEAPS)
		return -EINVAL;

	mutex_lock(&pool->lock);
	heap = pool->heaps[id];
	pool->heaps[id] = NULL;
	if (heap)
		free_heap(heap);
	mutex_unlock(&pool->lock);

	return heap ? 0 : -EINVAL;
}

/**
 * panthor_heap_grow() - another chunk for a heap that has run out of them
 * @pool: of the VM
 * @heap_gpu_va: the heap's context
 * @renderpasses_in_flight: render passes that use the heap and have not ended
 * @pending_frag_count: those whose tiling is done: they will return chunks
 * @new_chunk_gpu_va: the chunk as firmware wants it named, for heap_start
 *
 * Return: 0; -EBUSY if the heap is not to grow, but there is something to wait
 * for: more render passes are in flight than it was made for, or it has
 * @max_chunks and fragment jobs are pending; -ENOMEM if there is nothing to
 * wait for, or no memory; -EINVAL if there is no such heap. Firmware is told in
 * all cases but the last, with a chunk of 0.
 */
int panthor_heap_grow(struct panthor_heap_pool *pool, u64 heap_gpu_va,
		      u32 renderpasses_in_flight, u32 pending_frag_count,
		      u64 *new_chunk_gpu_va)
{
	struct panthor_heap *heap;
	int ret;

	mutex_lock(&pool->lock);
	heap = find_heap(pool, heap_gpu_va);
	if (!heap) {
		ret = -EINVAL;
	} else if (renderpasses_in_flight > heap->target_in_flight) {
		ret = -EBUSY;
	} else if (heap->chunk_count >= heap->max_chunks) {
		ret = pending_frag_count ? -EBUSY : -ENOMEM;
	} else {
		/* Firmware links it into its list. */
		ret = add_chunk(pool, heap, 0);
		if (!ret)
			*new_chunk_gpu_va = chunk_ref(heap, first_chunk(heap));
	}
	mutex_unlock(&pool->lock);

	return ret;
}

/**
 * panthor_heap_return_chunk() - take back what panthor_heap_grow() gave
 * @pool: of the VM
 * @heap_gpu_va: the heap's context
 * @chunk_gpu_va: the chunk, of which firmware has not been told
 *
 * Return: 0, or -EINVAL if there is no such heap or chunk.
 */
int panthor_heap_return_chunk(struct panthor_heap_pool *pool, u64 heap_gpu_va,
			      u64 chunk_gpu_va)
{
	struct panthor_heap_chunk *chunk;
	struct panthor_heap *heap;
	int ret = -EINVAL;

	mutex_lock(&pool->lock);
	heap = find_heap(pool, heap_gpu_va);
	if (!heap)
		goto out_unlock;

	list_for_each_entry (chunk, &heap->chunks, node) {
		if (chunk_ref(heap, chunk) == chunk_gpu_va) {
			free_chunk(heap, chunk);
			ret = 0;
			break;
		}
	}

out_unlock:
	mutex_unlock(&pool->lock);
	return ret;
}

/* ----------------------------------------------------------------- pools -- */

/* Contexts do not share cache lines of the GPU. */
static u32 context_stride(const struct panthor_device *ptdev)
{
	u32 line = 1u << (ptdev->gpu_info.l2_features & GENMASK(7, 0));

	return ALIGN(CONTEXT_SIZE, line);
}

static struct panthor_heap_pool *create_pool(struct panthor_vm *vm)
{
	struct panthor_heap_pool *pool;
	int ret;

	pool = kzalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);
	if (!pool)
		return ERR_PTR(-ENOMEM);

	kref_init(&pool->refcount);
	mutex_init(&pool->lock);
	pool->ptdev = vm->ptdev;
	pool->vm = vm;
	pool->context_stride = context_stride(vm->ptdev);
	pool->contexts = panthor_kernel_bo_create(
		vm->ptdev, vm, (u64)MAX_HEAPS * pool->context_stride,
		DRM_PANTHOR_BO_NO_MMAP, DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
		PANTHOR_VM_KERNEL_AUTO_VA, "tiler heap contexts");
	if (IS_ERR(pool->contexts)) {
		ret = PTR_ERR(pool->contexts);
		goto err_free;
	}

	ret = panthor_kernel_bo_vmap(pool->contexts);
	if (ret)
		goto err_destroy_bo;

	return pool;

err_destroy_bo:
	panthor_kernel_bo_destroy(pool->contexts);
err_free:
	mutex_destroy(&pool->lock);
	kfree(pool);
	return ERR_PTR(ret);
}

static void release_pool(struct kref *kref)
{
	struct panthor_heap_pool *pool =
		container_of(kref, struct panthor_heap_pool, refcount);

	mutex_destroy(&pool->lock);
	kfree(pool);
}

/**
 * panthor_heap_pool_get() - the pool of a VM
 * @vm: the VM
 * @create: make it if there is none
 *
 * Return: a reference for panthor_heap_pool_put(), or an ERR_PTR: -ENOENT if
 * there is none; with @create: -EINVAL if the VM is destroyed, or why the pool
 * could not be made, as panthor_kernel_bo_create() says.
 */
struct panthor_heap_pool *panthor_heap_pool_get(struct panthor_vm *vm,
						bool create)
{
	struct panthor_heap_pool *pool;

	mutex_lock(&vm->heaps.lock);
	pool = vm->heaps.pool;
	if (!pool && !create)
		pool = ERR_PTR(-ENOENT);
	else if (!pool && vm->heaps.closed)
		pool = ERR_PTR(-EINVAL);
	else if (!pool)
		pool = create_pool(vm);

	if (!IS_ERR(pool)) {
		vm->heaps.pool = pool;
		kref_get(&pool->refcount);
	}
	mutex_unlock(&vm->heaps.lock);

	return pool;
}

/** panthor_heap_pool_put() - drop a reference */
void panthor_heap_pool_put(struct panthor_heap_pool *pool)
{
	kref_put(&pool->refcount, release_pool);
}

/** panthor_heap_pool_count() - add how many heaps and chunks it has */
void panthor_heap_pool_count(struct panthor_heap_pool *pool, u32 *heaps,
			     u32 *chunks)
{
	u32 i;

	mutex_lock(&pool->lock);
	for (i = 0; i < MAX_HEAPS; i++) {
		if (!pool->heaps[i])
			continue;
		(*heaps)++;
		*chunks += pool->heaps[i]->chunk_count;
	}
	mutex_unlock(&pool->lock);
}

/**
 * panthor_heap_pool_destroy() - destroy all heaps of a VM, which is going
 *
 * There will be no pool again. Whoever has a reference finds no heap.
 */
void panthor_heap_pool_destroy(struct panthor_vm *vm)
{
	struct panthor_heap_pool *pool;
	u32 id;

	mutex_lock(&vm->heaps.lock);
	pool = vm->heaps.pool;
	vm->heaps.pool = NULL;
	vm->heaps.closed = true;
	mutex_unlock(&vm->heaps.lock);

	if (!pool)
		return;

	mutex_lock(&pool->lock);
	for (id = 0; id < MAX_HEAPS; id++) {
		if (pool->heaps[id])
			free_heap(pool->heaps[id]);
		pool->heaps[id] = NULL;
	}
	panthor_kernel_bo_destroy(pool->contexts);
	pool->contexts = NULL;
	pool->vm = NULL;
	mutex_unlock(&pool->lock);

	panthor_heap_pool_put(pool);
}

/* ---------------------------------------------------------------- ioctls -- */

static struct panthor_heap_pool *get_pool(struct drm_file *file, u32 vm_id,
					  bool create)
{
	struct panthor_file *pfile = file->driver_priv;
	struct panthor_heap_pool *pool;
	struct panthor_vm *vm;

	vm = panthor_vm_pool_get_vm(pfile->vms, vm_id);
	if (!vm)
		return ERR_PTR(-EINVAL);

	pool = panthor_heap_pool_get(vm, create);
	panthor_vm_put(vm);
	return pool;
}

/**
 * panthor_ioctl_tiler_heap_create() - TILER_HEAP_CREATE
 *
 * Return: 0; -EINVAL for an unknown VM, then what panthor_heap_pool_get() and
 * panthor_heap_create() say.
 */
int panthor_ioctl_tiler_heap_create(struct drm_device *ddev, void *data,
				    struct drm_file *file)
{
	struct drm_panthor_tiler_heap_create *args = data;
	struct panthor_heap_pool *pool;
	int ret;

	pool = get_pool(file, args->vm_id, true);
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	ret = panthor_heap_create(
		pool, args->initial_chunk_count, args->chunk_size,
		args->max_chunks, args->target_in_flight,
		&args->tiler_heap_ctx_gpu_va, &args->first_heap_chunk_gpu_va);
	panthor_heap_pool_put(pool);
	if (ret < 0)
		return ret;

	args->handle = args->vm_id << HANDLE_VM_SHIFT | ret;
	return 0;
}

/**
 * panthor_ioctl_tiler_heap_destroy() - TILER_HEAP_DESTROY
 *
 * Return: 0; -EINVAL for pad or an unknown VM; -ENOENT if the VM never had a
 * heap; -EINVAL for an unknown heap.
 */
int panthor_ioctl_tiler_heap_destroy(struct drm_device *ddev, void *data,
				     struct drm_file *file)
{
	struct drm_panthor_tiler_heap_destroy *args = data;
	struct panthor_heap_pool *pool;
	int ret;

	if (args->pad)
		return -EINVAL;

	pool = get_pool(file, args->handle >> HANDLE_VM_SHIFT, false);
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	ret = panthor_heap_destroy(pool, args->handle & HANDLE_HEAP_MASK);
	panthor_heap_pool_put(pool);
	return ret;
}
