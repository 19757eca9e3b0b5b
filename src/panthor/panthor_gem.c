// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_prime.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim.h"
#include "panthor_uobj.h"
#include "panthor_vm.h"

#define BO_FLAGS (DRM_PANTHOR_BO_NO_MMAP | DRM_PANTHOR_BO_WB_MMAP)

static bool is_imported(const struct panthor_gem_object *bo)
{
	return bo->base.base.import_attach != NULL;
}

/* Lets debugfs see a BO, of which all is set that never changes. */
static void publish(struct panthor_gem_object *bo)
{
	struct panthor_device *ptdev = to_panthor_device(bo->base.base.dev);

	spin_lock(&ptdev->gems.lock);
	/* An import may find an object that is known already. */
	if (list_empty(&bo->all_node))
		list_add_tail(&bo->all_node, &ptdev->gems.list);
	spin_unlock(&ptdev->gems.lock);
}

static void unpublish(struct panthor_gem_object *bo)
{
	struct panthor_device *ptdev = to_panthor_device(bo->base.base.dev);

	spin_lock(&ptdev->gems.lock);
	list_del(&bo->all_node);
	spin_unlock(&ptdev->gems.lock);
}

/**
 * panthor_gem_get_next() - walk over all BOs of a device
 * @ptdev: the device
 * @prev: the one before, whose reference is dropped; NULL: from the first one on
 *
 * Return: a reference, or NULL behind the last one.
 */
struct panthor_gem_object *
panthor_gem_get_next(struct panthor_device *ptdev,
		     struct panthor_gem_object *prev)
{
	struct panthor_gem_object *found = NULL, *bo;

	spin_lock(&ptdev->gems.lock);
	bo = list_prepare_entry(prev, &ptdev->gems.list, all_node);
	list_for_each_entry_continue (bo, &ptdev->gems.list, all_node) {
		/* One that is being freed waits for the lock. */
		if (kref_get_unless_zero(&bo->base.base.refcount)) {
			found = bo;
			break;
		}
	}
	spin_unlock(&ptdev->gems.lock);

	if (prev)
		drm_gem_object_put(&prev->base.base);
	return found;
}

static void panthor_gem_free(struct drm_gem_object *obj)
{
	struct panthor_gem_object *bo = to_panthor_bo(obj);
	struct drm_gem_object *root = bo->exclusive_vm_root_gem;

	unpublish(bo);
	panthor_reclaim_remove(bo);
	kfree(bo->label.str);
	mutex_destroy(&bo->label.lock);

	drm_gem_shmem_free(&bo->base);
	/* The resv that was in use until here belongs to the root object. */
	if (root)
		drm_gem_object_put(root);
}

/* Nobody else could honour the promise that only one VM maps it. */
static struct dma_buf *panthor_gem_export(struct drm_gem_object *obj, int flags)
{
	if (to_panthor_bo(obj)->exclusive_vm_root_gem)
		return ERR_PTR(-EINVAL);

	return drm_gem_prime_export(obj, flags);
}

/*
 * Refused here as well as in BO_MMAP_OFFSET: every object has an offset, which
 * a process can guess.
 */
static int panthor_gem_mmap(struct drm_gem_object *obj,
			    struct vm_area_struct *vma)
{
	struct panthor_gem_object *bo = to_panthor_bo(obj);
	int ret;

	if (bo->flags & DRM_PANTHOR_BO_NO_MMAP)
		return -EPERM;

	do {
		ret = drm_gem_shmem_object_mmap(obj, vma);
		/* As in panthor_gem_use(). */
	} while (ret == -ENOMEM && bo->exclusive_vm_root_gem &&
		 panthor_reclaim_make_room(to_panthor_device(obj->dev),
					   panthor_bo_size(bo) >> PAGE_SHIFT));

	return ret;
}

static const struct drm_gem_object_funcs panthor_gem_funcs = {
	.free = panthor_gem_free,
	.export = panthor_gem_export,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = panthor_gem_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/**
 * panthor_gem_create_object() - drm_driver::gem_create_object
 *
 * The helpers call it for objects of our own and for imported ones.
 *
 * Return: the object, not yet a GEM object, or ERR_PTR(-ENOMEM).
 */
struct drm_gem_object *panthor_gem_create_object(struct drm_device *ddev,
						 size_t size)
{
	struct panthor_gem_object *bo = kzalloc(sizeof(*bo), GFP_KERNEL);

	if (!bo)
		return ERR_PTR(-ENOMEM);

	bo->base.base.funcs = &panthor_gem_funcs;
	bo->base.map_wc = !to_panthor_device(ddev)->coherent;
	/* What the GPU wrote is not to be lost with the pages. */
	bo->base.pages_mark_dirty_on_put = true;
	mutex_init(&bo->label.lock);
	atomic_set(&bo->users, -1);
	INIT_LIST_HEAD(&bo->vm_bos);
	INIT_LIST_HEAD(&bo->lru);
	INIT_LIST_HEAD(&bo->all_node);
	panthor_creator_init(&bo->creator);

	return &bo->base.base;
}

/** panthor_gem_import() - drm_driver::gem_prime_import */
struct drm_gem_object *panthor_gem_import(struct drm_device *ddev,
					  struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj = drm_gem_prime_import(ddev, dma_buf);

	if (!IS_ERR(obj))
		publish(to_panthor_bo(obj));
	return obj;
}

static struct panthor_gem_object *create_object(struct panthor_device *ptdev,
						size_t size_B, u32 flags,
						struct panthor_vm *exclusive_vm)
{
	struct drm_gem_shmem_object *shmem;
	struct panthor_gem_object *bo;

	shmem = drm_gem_shmem_create(&ptdev->base, size_B);
	if (IS_ERR(shmem))
		return ERR_CAST(shmem);

	bo = to_panthor_bo(&shmem->base);
	bo->flags = flags;
	if (flags & DRM_PANTHOR_BO_WB_MMAP)
		bo->base.map_wc = false;

	if (exclusive_vm) {
		bo->exclusive_vm_root_gem = panthor_vm_root_gem(exclusive_vm);
		drm_gem_object_get(bo->exclusive_vm_root_gem);
		bo->base.base.resv = bo->exclusive_vm_root_gem->resv;
	}

	return bo;
}

/**
 * panthor_gem_create_with_handle() - create a BO for a file
 * @file: gets the handle, which holds the only reference
 * @ptdev: the device
 * @exclusive_vm: the only VM that may map it, or NULL
 * @size_B: bytes wanted; out: as rounded up to whole pages
 * @flags: valid combination of enum drm_panthor_bo_flags
 * @handle_out: the handle
 *
 * No memory is allocated for the contents, which read as zero.
 *
 * Return: 0; -EINVAL for more than a file can hold; -ENOSPC where the range of
 * mmap offsets is exhausted; -ENOMEM.
 */
int panthor_gem_create_with_handle(struct drm_file *file,
				   struct panthor_device *ptdev,
				   struct panthor_vm *exclusive_vm, u64 *size_B,
				   u32 flags, u32 *handle_out)
{
	struct panthor_gem_object *bo;
	int ret;

	bo = create_object(ptdev, *size_B, flags, exclusive_vm);
	if (IS_ERR(bo))
		return PTR_ERR(bo);

	bo->evictable = true;
	publish(bo);
	ret = drm_gem_handle_create(file, &bo->base.base, handle_out);
	if (!ret)
		*size_B = panthor_bo_size(bo);

	drm_gem_object_put(&bo->base.base);
	return ret;
}

/**
 * panthor_gem_create_dummy() - what the sparse mappings of a file show
 *
 * PANTHOR_DUMMY_BO_SIZE bytes, without handle, not mappable by processes, pages
 * only once used.
 *
 * Return: the object, to be dropped with drm_gem_object_put(), or an ERR_PTR.
 */
struct panthor_gem_object *
panthor_gem_create_dummy(struct panthor_device *ptdev)
{
	struct panthor_gem_object *bo;

	bo = create_object(ptdev, PANTHOR_DUMMY_BO_SIZE, DRM_PANTHOR_BO_NO_MMAP,
			   NULL);
	if (!IS_ERR(bo)) {
		bo->evictable = true;
		bo->dummy = true;
		bo->null = ptdev->null_leaves;
		publish(bo);
	}

	return bo;
}

/**
 * panthor_gem_create_kernel() - a BO for the driver's own use
 * @ptdev: the device
 * @vm: the only VM that may map it
 * @size_B: bytes, rounded up to whole pages
 * @flags: enum drm_panthor_bo_flags
 * @label: a string, copied
 *
 * Return: the object, to be dropped with drm_gem_object_put(), or an ERR_PTR.
 */
struct panthor_gem_object *
panthor_gem_create_kernel(struct panthor_device *ptdev, struct panthor_vm *vm,
			  size_t size_B, u32 flags, const char *label)
{
	const char *str = kstrdup(label, GFP_KERNEL);
	struct panthor_gem_object *bo;

	if (!str)
		return ERR_PTR(-ENOMEM);

	bo = create_object(ptdev, size_B, flags, vm);
	if (IS_ERR(bo)) {
		kfree(str);
		return bo;
	}

	bo->label.str = str;
	publish(bo);
	return bo;
}

/* The DMA-mapped table of all pages, as drm_gem_shmem_get_pages_sgt() does. */
static int make_pages(struct panthor_gem_object *bo)
{
	struct drm_gem_shmem_object *shmem = &bo->base;
	struct sg_table *sgt;
	int ret;

	/* An imported BO is pinned by its attachment. */
	if (shmem->sgt)
		return 0;

	ret = drm_gem_shmem_pin_locked(shmem);
	if (ret)
		return ret;

	sgt = drm_gem_shmem_get_sg_table(shmem);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto err_unpin;
	}

	ret = dma_map_sgtable(shmem->base.dev->dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (ret)
		goto err_free_sgt;

	shmem->sgt = sgt;
	return 0;

err_free_sgt:
	sg_free_table(sgt);
	kfree(sgt);
err_unpin:
	drm_gem_shmem_unpin_locked(shmem);
	return ret;
}

/**
 * panthor_gem_use_locked() - make the pages of a BO, and make them stay
 * @bo: the object; its resv is held
 *
 * Where they were evicted, the contents come back with them; what VMs have
 * mapped of the BO is another matter: panthor_vm_bo_use().
 *
 * Return: 0, and then base.sgt stays until panthor_gem_unuse(); -ENOMEM; -EIO.
 */
int panthor_gem_use_locked(struct panthor_gem_object *bo)
{
	int ret;

	dma_resv_assert_held(bo->base.base.resv);

	if (atomic_inc_unless_negative(&bo->users))
		return 0;

	ret = make_pages(bo);
	if (ret)
		return ret;

	if (bo->evicted) {
		bo->evicted = false;
		atomic64_inc(&to_panthor_device(bo->base.base.dev)
				      ->counters.restores);
	}
	atomic_set_release(&bo->users, 1);
	panthor_reclaim_update(bo);
	return 0;
}

/**
 * panthor_gem_use() - the same, without the resv held
 *
 * Return: as panthor_gem_use_locked(), and -EINTR or -ERESTARTSYS.
 */
int panthor_gem_use(struct panthor_gem_object *bo)
{
	struct panthor_device *ptdev = to_panthor_device(bo->base.base.dev);
	int ret;

	do {
		if (atomic_inc_unless_negative(&bo->users))
			return 0;

		ret = dma_resv_lock_interruptible(bo->base.base.resv, NULL);
		if (ret)
			return ret;
		ret = panthor_gem_use_locked(bo);
		dma_resv_unlock(bo->base.base.resv);

		/*
		 * Reclaim has left alone what shares the resv that we held, so
		 * it is asked once more.
		 */
	} while (ret == -ENOMEM && bo->exclusive_vm_root_gem &&
		 panthor_reclaim_make_room(ptdev,
					   panthor_bo_size(bo) >> PAGE_SHIFT));

	return ret;
}

/**
 * panthor_gem_claim_unused() - keep users away from a BO that has none
 * @bo: the object; its resv is held
 *
 * From here on panthor_gem_use() waits for the resv; panthor_gem_drop_pages()
 * is due, or users set to 0 again.
 *
 * Return: whether nobody, a CPU mapping included, needs the pages to stay.
 */
bool panthor_gem_claim_unused(struct panthor_gem_object *bo)
{
	struct drm_gem_shmem_object *shmem = &bo->base;

	dma_resv_assert_held(shmem->base.resv);

	return bo->evictable && !is_imported(bo) &&
	       !READ_ONCE(shmem->base.dma_buf) &&
	       shmem->sgt && shmem->pages_use_count == 1 &&
	       atomic_cmpxchg(&bo->users, 0, -1) == 0;
}

/**
 * panthor_gem_drop_pages() - leave the pages to the kernel, which may swap them
 * @bo: the object, claimed; no VM has its pages mapped, and its resv is held
 *
 * A dummy's are freed at once.
 */
void panthor_gem_drop_pages(struct panthor_gem_object *bo)
{
	struct drm_gem_shmem_object *shmem = &bo->base;

	dma_resv_assert_held(shmem->base.resv);

	if (bo->dummy) {
		drm_gem_shmem_madvise(shmem, 1);
		drm_gem_shmem_purge(shmem);
		/* It is as good as new. */
		shmem->madv = 0;
	} else {
		dma_unmap_sgtable(shmem->base.dev->dev, shmem->sgt,
				  DMA_BIDIRECTIONAL, 0);
		sg_free_table(shmem->sgt);
		kfree(shmem->sgt);
		shmem->sgt = NULL;
		drm_gem_shmem_put_pages(shmem);
	}

	bo->evicted = true;
	panthor_reclaim_update(bo);
}

/**
 * panthor_gem_set_label() - name a BO
 * @bo: the object
 * @label: a string from kmalloc(), which then belongs to @bo, or NULL for none
 */
void panthor_gem_set_label(struct panthor_gem_object *bo, const char *label)
{
	const char *old;

	mutex_lock(&bo->label.lock);
	old = bo->label.str;
	bo->label.str = label;
	mutex_unlock(&bo->label.lock);

	kfree(old);
}

/* Both ends of what @sgt has of [offset, offset + size). */
static void sync_segments(struct device *dev, struct sg_table *sgt, u64 offset,
			  u64 size, bool invalidate)
{
	struct scatterlist *sg;
	dma_addr_t addr;
	u64 len;
	u32 i;

	for_each_sgtable_dma_sg (sgt, sg, i) {
		if (!size)
			break;

		if (offset >= sg_dma_len(sg)) {
			offset -= sg_dma_len(sg);
			continue;
		}

		addr = sg_dma_address(sg) + offset;
		len = min_t(u64, sg_dma_len(sg) - offset, size);
		dma_sync_single_for_device(dev, addr, len, DMA_TO_DEVICE);
		if (invalidate)
			dma_sync_single_for_cpu(dev, addr, len,
						DMA_FROM_DEVICE);

		offset = 0;
		size -= len;
	}
}

/**
 * panthor_gem_sync() - clean, or clean and invalidate, CPU caches of a BO
 * @bo: the object
 * @type: enum drm_panthor_bo_sync_op_type
 * @offset: first byte
 * @size: bytes
 *
 * Return: 0; -EINVAL for a range beyond the BO, an imported BO or an unknown
 * type; -EINTR.
 */
int panthor_gem_sync(struct panthor_gem_object *bo, u32 type, u64 offset,
		     u64 size)
{
	struct drm_gem_shmem_object *shmem = &bo->base;
	int ret;

	if (offset > panthor_bo_size(bo) || size > panthor_bo_size(bo) - offset)
		return -EINVAL;

	if (is_imported(bo))
		return -EINVAL;

	if (type != DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH &&
	    type != DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE)
		return -EINVAL;

	/* A write-combined mapping leaves nothing in the caches. */
	if (shmem->map_wc || !size)
		return 0;

	ret = dma_resv_lock_interruptible(shmem->base.resv, NULL);
	if (ret)
		return ret;

	/* What the device has not been given yet is cleaned when it is. */
	if (shmem->sgt)
		sync_segments(
			shmem->base.dev->dev, shmem->sgt, offset, size,
			type == DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE);

	dma_resv_unlock(shmem->base.resv);
	return 0;
}

/* ---------------------------------------------------------------- ioctls -- */

int panthor_ioctl_bo_create(struct drm_device *ddev, void *data,
			    struct drm_file *file)
{
	struct panthor_device *ptdev = to_panthor_device(ddev);
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_bo_create *args = data;
	struct panthor_vm *vm = NULL;
	int ret;

	if (!args->size || args->pad || (args->flags & ~BO_FLAGS))
		return -EINVAL;

	/* A CPU mapping that must not exist has no cache mode. */
	if ((args->flags & BO_FLAGS) == BO_FLAGS)
		return -EINVAL;

	if (args->exclusive_vm_id) {
		vm = panthor_vm_pool_get_vm(pfile->vms, args->exclusive_vm_id);
		if (!vm)
			return -EINVAL;
	}

	ret = panthor_gem_create_with_handle(file, ptdev, vm, &args->size,
					     args->flags, &args->handle);

	panthor_vm_put(vm);
	return ret;
}

int panthor_ioctl_bo_mmap_offset(struct drm_device *ddev, void *data,
				 struct drm_file *file)
{
	struct drm_panthor_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->pad)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	if (to_panthor_bo(obj)->flags & DRM_PANTHOR_BO_NO_MMAP) {
		ret = -EPERM;
		goto out;
	}

	ret = drm_gem_create_mmap_offset(obj);
	if (!ret)
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);

out:
	drm_gem_object_put(obj);
	return ret;
}

int panthor_ioctl_bo_set_label(struct drm_device *ddev, void *data,
			       struct drm_file *file)
{
	struct drm_panthor_bo_set_label *args = data;
	const char *label = NULL;
	struct drm_gem_object *obj;
	int ret = 0;

	if (args->pad)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	if (args->label) {
		label = strndup_user(u64_to_user_ptr(args->label),
				     PANTHOR_BO_LABEL_MAXLEN);
		if (IS_ERR(label)) {
			ret = PTR_ERR(label);
			/* That is how strndup_user() says "too long". */
			if (ret == -EINVAL)
				ret = -E2BIG;
			goto out;
		}
	}

	panthor_gem_set_label(to_panthor_bo(obj), label);

out:
	drm_gem_object_put(obj);
	return ret;
}

static int sync_one(struct drm_file *file,
		    const struct drm_panthor_bo_sync_op *op)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, op->handle);
	int ret;

	if (!obj)
		return -ENOENT;

	ret = panthor_gem_sync(to_panthor_bo(obj), op->type, op->offset,
			       op->size);
	drm_gem_object_put(obj);
	return ret;
}

int panthor_ioctl_bo_sync(struct drm_device *ddev, void *data,
			  struct drm_file *file)
{
	struct drm_panthor_bo_sync *args = data;
	struct drm_panthor_bo_sync_op *ops;
	int ret;
	u32 i;

	ret = PANTHOR_UOBJ_GET_ARRAY(&ops, &args->ops, size);
	if (ret)
		return ret;

	for (i = 0; i < args->ops.count; i++) {
		ret = sync_one(file, &ops[i]);
		if (ret)
			break;
	}

	kvfree(ops);
	return ret;
}

int panthor_ioctl_bo_query_info(struct drm_device *ddev, void *data,
				struct drm_file *file)
{
	struct drm_panthor_bo_query_info *args = data;
	struct panthor_gem_object *bo;
	struct drm_gem_object *obj;

	if (args->pad)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	bo = to_panthor_bo(obj);
	args->create_flags = bo->flags;
	args->extra_flags = is_imported(bo) ? DRM_PANTHOR_BO_IS_IMPORTED : 0;

	drm_gem_object_put(obj);
	return 0;
}
