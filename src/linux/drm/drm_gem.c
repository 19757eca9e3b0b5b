// SPDX-License-Identifier: MIT OR GPL-2.0
#include <drm/drm_gem.h>
#include <drm/drm.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "drm_internal.h"

/* -------------------------------------------------------------- objects -- */

void drm_gem_private_object_init(struct drm_device *dev,
				 struct drm_gem_object *obj, size_t size)
{
	BUG_ON(size & (PAGE_SIZE - 1));

	kref_init(&obj->refcount);
	obj->dev = dev;
	obj->handle_count = 0;
	obj->size = size;
	dma_resv_init(&obj->_resv);
	if (!obj->resv)
		obj->resv = &obj->_resv;
	drm_gem_gpuva_init(obj);
	drm_vma_node_reset(&obj->vma_node);
}

int drm_gem_object_init(struct drm_device *dev, struct drm_gem_object *obj,
			size_t size)
{
	if (size > MAX_LFS_FILESIZE)
		return -EINVAL;
	drm_gem_private_object_init(dev, obj, size);
	return 0;
}

void drm_gem_private_object_fini(struct drm_gem_object *obj)
{
	WARN_ON(obj->dma_buf);
	WARN_ON(!list_empty(&obj->gpuva.list));
	dma_resv_fini(&obj->_resv);
}

void drm_gem_object_release(struct drm_gem_object *obj)
{
	drm_gem_private_object_fini(obj);
	drm_gem_free_mmap_offset(obj);
}

void drm_gem_object_free(struct kref *kref)
{
	struct drm_gem_object *obj =
		container_of(kref, struct drm_gem_object, refcount);

	obj->funcs->free(obj);
}

/* -------------------------------------------------------------- handles -- */

void linux_drm_gem_open(struct drm_file *file)
{
	idr_init_base(&file->object_idr, 1);
	spin_lock_init(&file->table_lock);
}

/* A handle of @obj is gone; with the last one its export ends. */
static void handle_put(struct drm_gem_object *obj)
{
	struct drm_device *dev = obj->dev;
	struct dma_buf *exported = NULL;
	bool last;

	mutex_lock(&dev->object_name_lock);
	WARN_ON(!obj->handle_count);
	last = --obj->handle_count == 0;
	if (last) {
		exported = obj->dma_buf;
		/* Drivers look without the lock. */
		WRITE_ONCE(obj->dma_buf, NULL);
	}
	mutex_unlock(&dev->object_name_lock);
	if (exported)
		dma_buf_put(exported);
	if (last)
		drm_gem_object_put(obj);
}

/* Undoes handle_create_tail(), as far as the handle's number allows. */
static void release_handle(struct drm_file *file, u32 handle,
			   struct drm_gem_object *obj)
{
	if (obj->funcs->close)
		obj->funcs->close(obj, file);
	linux_drm_prime_remove_handle(&file->prime, handle);
	drm_vma_node_revoke(&obj->vma_node, file);
	handle_put(obj);
}

void linux_drm_gem_release(struct drm_file *file)
{
	struct drm_gem_object *obj;
	int handle;

	/* The file is closing: nobody else has it. */
	idr_for_each_entry(&file->object_idr, obj, handle)
		release_handle(file, handle, obj);
	idr_destroy(&file->object_idr);
}

int linux_drm_gem_handle_create_tail(struct drm_file *file,
				     struct drm_gem_object *obj, u32 *handlep)
{
	struct drm_device *dev = obj->dev;
	int handle, ret;

	lockdep_assert_held(&dev->object_name_lock);
	if (obj->handle_count++ == 0)
		drm_gem_object_get(obj);
	mutex_unlock(&dev->object_name_lock);

	idr_preload(GFP_KERNEL);
	spin_lock(&file->table_lock);
	/* Reserved only: nobody can look it up before all is in place. */
	handle = idr_alloc(&file->object_idr, NULL, 1, 0, GFP_NOWAIT);
	spin_unlock(&file->table_lock);
	idr_preload_end();
	if (handle < 0) {
		ret = handle;
		goto err_unref;
	}
	ret = drm_vma_node_allow(&obj->vma_node, file);
	if (ret)
		goto err_remove;
	if (obj->funcs->open) {
		ret = obj->funcs->open(obj, file);
		if (ret)
			goto err_revoke;
	}
	spin_lock(&file->table_lock);
	idr_replace(&file->object_idr, obj, handle);
	spin_unlock(&file->table_lock);
	*handlep = handle;
	return 0;

err_revoke:
	drm_vma_node_revoke(&obj->vma_node, file);
err_remove:
	spin_lock(&file->table_lock);
	idr_remove(&file->object_idr, handle);
	spin_unlock(&file->table_lock);
err_unref:
	handle_put(obj);
	return ret;
}

int drm_gem_handle_create(struct drm_file *file_priv,
			  struct drm_gem_object *obj, u32 *handlep)
{
	mutex_lock(&obj->dev->object_name_lock);
	return linux_drm_gem_handle_create_tail(file_priv, obj, handlep);
}

int drm_gem_handle_delete(struct drm_file *filp, u32 handle)
{
	struct drm_gem_object *obj;

	/* The number stays taken until all that goes with it is undone. */
	spin_lock(&filp->table_lock);
	obj = idr_replace(&filp->object_idr, NULL, handle);
	spin_unlock(&filp->table_lock);
	if (IS_ERR_OR_NULL(obj))
		return -EINVAL;

	release_handle(filp, handle, obj);
	spin_lock(&filp->table_lock);
	idr_remove(&filp->object_idr, handle);
	spin_unlock(&filp->table_lock);
	return 0;
}

struct drm_gem_object *drm_gem_object_lookup(struct drm_file *filp, u32 handle)
{
	struct drm_gem_object *obj;

	spin_lock(&filp->table_lock);
	obj = idr_find(&filp->object_idr, handle);
	if (obj)
		drm_gem_object_get(obj);
	spin_unlock(&filp->table_lock);
	return obj;
}

int linux_drm_gem_close_ioctl(struct drm_device *dev, void *data,
			      struct drm_file *file)
{
	struct drm_gem_close *args = data;

	if (!drm_core_check_feature(dev, DRIVER_GEM))
		return -EOPNOTSUPP;
	return drm_gem_handle_delete(file, args->handle);
}

/* ------------------------------------------------------------------ mmap -- */

int drm_gem_create_mmap_offset_size(struct drm_gem_object *obj, size_t size)
{
	return drm_vma_offset_add(obj->dev->vma_offset_manager, &obj->vma_node,
				  size >> PAGE_SHIFT);
}

int drm_gem_create_mmap_offset(struct drm_gem_object *obj)
{
	return drm_gem_create_mmap_offset_size(obj, obj->size);
}

void drm_gem_free_mmap_offset(struct drm_gem_object *obj)
{
	drm_vma_offset_remove(obj->dev->vma_offset_manager, &obj->vma_node);
}

void drm_gem_vm_open(struct vm_area_struct *vma)
{
	drm_gem_object_get(vma->vm_private_data);
}

void drm_gem_vm_close(struct vm_area_struct *vma)
{
	drm_gem_object_put(vma->vm_private_data);
}

int drm_gem_mmap_obj(struct drm_gem_object *obj, unsigned long obj_size,
		     struct vm_area_struct *vma)
{
	int ret;

	if (obj_size < vma->vm_end - vma->vm_start)
		return -EINVAL;
	if (!obj->funcs->mmap)
		return -EINVAL;

	/* The mapping's reference, when all goes well. */
	drm_gem_object_get(obj);
	vma->vm_private_data = obj;
	vma->vm_ops = obj->funcs->vm_ops;
	ret = obj->funcs->mmap(obj, vma);
	if (ret)
		drm_gem_object_put(obj);
	return ret;
}

int drm_gem_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct drm_device *dev = file->minor->dev;
	struct drm_vma_offset_manager *mgr = dev->vma_offset_manager;
	struct drm_gem_object *obj = NULL;
	struct drm_vma_offset_node *node;
	int ret;

	if (drm_dev_is_unplugged(dev))
		return -ENODEV;

	drm_vma_offset_lock_lookup(mgr);
	node = drm_vma_offset_lookup_locked(mgr, vma->vm_pgoff, vma_pages(vma));
	if (node && drm_vma_node_start(node) == vma->vm_pgoff) {
		obj = container_of(node, struct drm_gem_object, vma_node);
		/* Not one that is about to give its offset back. */
		if (!kref_get_unless_zero(&obj->refcount))
			obj = NULL;
	}
	drm_vma_offset_unlock_lookup(mgr);
	if (!obj)
		return -EINVAL;

	ret = drm_vma_node_verify_access(node, file);
	if (!ret)
		ret = drm_gem_mmap_obj(
			obj, drm_vma_node_size(node) << PAGE_SHIFT, vma);
	drm_gem_object_put(obj);
	return ret;
}

/* ------------------------------------------------------------ shorthands -- */

void drm_gem_lock(struct drm_gem_object *obj)
{
	dma_resv_lock(obj->resv, NULL);
}

void drm_gem_unlock(struct drm_gem_object *obj)
{
	dma_resv_unlock(obj->resv);
}

int drm_gem_vmap_unlocked(struct drm_gem_object *obj, struct iosys_map *map)
{
	int ret;

	if (!obj->funcs->vmap)
		return -EOPNOTSUPP;
	drm_gem_lock(obj);
	ret = obj->funcs->vmap(obj, map);
	drm_gem_unlock(obj);
	return ret;
}

void drm_gem_vunmap_unlocked(struct drm_gem_object *obj, struct iosys_map *map)
{
	drm_gem_lock(obj);
	obj->funcs->vunmap(obj, map);
	drm_gem_unlock(obj);
}
