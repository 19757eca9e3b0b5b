// SPDX-License-Identifier: MIT OR GPL-2.0
#include <drm/drm_prime.h>
#include <drm/drm.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/slab.h>

#include "drm_internal.h"

/* ------------------------------------ which handle a file knows it under -- */

struct prime_member {
	struct list_head link;
	struct dma_buf *dma_buf; /* a reference */
	u32 handle;
};

void linux_drm_prime_open(struct drm_prime_file_private *prime)
{
	mutex_init(&prime->lock);
	INIT_LIST_HEAD(&prime->members);
}

void linux_drm_prime_release(struct drm_prime_file_private *prime)
{
	/* Each went with its handle. */
	WARN_ON(!list_empty(&prime->members));
	mutex_destroy(&prime->lock);
}

static int add_member(struct drm_prime_file_private *prime,
		      struct dma_buf *dma_buf, u32 handle)
{
	struct prime_member *member = kmalloc(sizeof(*member), GFP_KERNEL);

	lockdep_assert_held(&prime->lock);
	if (!member)
		return -ENOMEM;
	get_dma_buf(dma_buf);
	member->dma_buf = dma_buf;
	member->handle = handle;
	list_add(&member->link, &prime->members);
	return 0;
}

static struct prime_member *
member_of_handle(struct drm_prime_file_private *prime, u32 handle)
{
	struct prime_member *member;

	lockdep_assert_held(&prime->lock);
	list_for_each_entry(member, &prime->members, link) {
		if (member->handle == handle)
			return member;
	}
	return NULL;
}

static struct prime_member *
member_of_buf(struct drm_prime_file_private *prime, struct dma_buf *dma_buf)
{
	struct prime_member *member;

	lockdep_assert_held(&prime->lock);
	list_for_each_entry(member, &prime->members, link) {
		if (member->dma_buf == dma_buf)
			return member;
	}
	return NULL;
}

void linux_drm_prime_remove_handle(struct drm_prime_file_private *prime,
				   u32 handle)
{
	struct prime_member *member;

	mutex_lock(&prime->lock);
	member = member_of_handle(prime, handle);
	if (member)
		list_del(&member->link);
	mutex_unlock(&prime->lock);
	if (member) {
		dma_buf_put(member->dma_buf);
		kfree(member);
	}
}

/* -------------------------------------------------------------- exporter -- */

/* Importers count on the pages staying where they are. */
static int prime_attach(struct dma_buf *dma_buf,
			struct dma_buf_attachment *attach)
{
	struct drm_gem_object *obj = dma_buf->priv;
	int ret;

	if (!obj->funcs->get_sg_table)
		return -ENOSYS;
	if (!obj->funcs->pin)
		return 0;
	drm_gem_lock(obj);
	ret = obj->funcs->pin(obj);
	drm_gem_unlock(obj);
	return ret;
}

static void prime_detach(struct dma_buf *dma_buf,
			 struct dma_buf_attachment *attach)
{
	struct drm_gem_object *obj = dma_buf->priv;

	if (!obj->funcs->unpin)
		return;
	drm_gem_lock(obj);
	obj->funcs->unpin(obj);
	drm_gem_unlock(obj);
}

static struct sg_table *prime_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attach->dmabuf->priv;
	struct sg_table *sgt = obj->funcs->get_sg_table(obj);
	int ret;

	if (IS_ERR(sgt))
		return sgt;
	ret = dma_map_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret) {
		sg_free_table(sgt);
		kfree(sgt);
		return ERR_PTR(ret);
	}
	return sgt;
}

static void prime_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			enum dma_data_direction dir)
{
	dma_unmap_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(sgt);
	kfree(sgt);
}

static void prime_release(struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj = dma_buf->priv;
	struct drm_device *dev = obj->dev;

	drm_gem_object_put(obj);
	drm_dev_put(dev);
}

static int prime_mmap(struct dma_buf *dma_buf, struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = dma_buf->priv;

	/* Objects expect an offset of the node. */
	vma->vm_pgoff += drm_vma_node_start(&obj->vma_node);
	return drm_gem_mmap_obj(obj, obj->size, vma);
}

static int prime_vmap(struct dma_buf *dma_buf, struct iosys_map *map)
{
	struct drm_gem_object *obj = dma_buf->priv;

	return obj->funcs->vmap ? obj->funcs->vmap(obj, map) : -EOPNOTSUPP;
}

static void prime_vunmap(struct dma_buf *dma_buf, struct iosys_map *map)
{
	struct drm_gem_object *obj = dma_buf->priv;

	obj->funcs->vunmap(obj, map);
}

static const struct dma_buf_ops prime_dma_buf_ops = {
	.cache_sgt_mapping = true,
	.attach = prime_attach,
	.detach = prime_detach,
	.map_dma_buf = prime_map,
	.unmap_dma_buf = prime_unmap,
	.release = prime_release,
	.mmap = prime_mmap,
	.vmap = prime_vmap,
	.vunmap = prime_vunmap,
};

struct dma_buf *drm_gem_prime_export(struct drm_gem_object *obj, int flags)
{
	struct dma_buf_export_info info = {
		.exp_name = obj->dev->driver->name,
		.ops = &prime_dma_buf_ops,
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};
	struct dma_buf *dma_buf = dma_buf_export(&info);

	if (IS_ERR(dma_buf))
		return dma_buf;
	drm_dev_get(obj->dev);
	drm_gem_object_get(obj);
	return dma_buf;
}

/*
 * A reference on the dma-buf of @obj, which is exported if it is not yet. With
 * the name lock held, so that it happens once.
 */
static struct dma_buf *get_or_export(struct drm_device *dev,
				     struct drm_gem_object *obj, u32 flags)
{
	struct dma_buf *dma_buf;

	lockdep_assert_held(&dev->object_name_lock);
	if (obj->import_attach) {
		dma_buf = obj->import_attach->dmabuf;
		get_dma_buf(dma_buf);
		return dma_buf;
	}
	if (obj->dma_buf) {
		get_dma_buf(obj->dma_buf);
		return obj->dma_buf;
	}
	/* Closed under our feet: nothing would ever end the export. */
	if (!obj->handle_count)
		return ERR_PTR(-ENOENT);
	dma_buf = obj->funcs->export ? obj->funcs->export(obj, flags) :
				       drm_gem_prime_export(obj, flags);
	if (!IS_ERR(dma_buf)) {
		/* The object's own reference lasts as long as its handles. */
		WRITE_ONCE(obj->dma_buf, dma_buf);
		get_dma_buf(dma_buf);
	}
	return dma_buf;
}

/* A reference on the dma-buf that @file knows, from now on, as @handle. */
static struct dma_buf *handle_to_dma_buf(struct drm_device *dev,
					 struct drm_file *file, u32 handle,
					 u32 flags)
{
	struct prime_member *member;
	struct drm_gem_object *obj;
	struct dma_buf *dma_buf;
	int ret;

	mutex_lock(&file->prime.lock);
	obj = drm_gem_object_lookup(file, handle);
	if (!obj) {
		dma_buf = ERR_PTR(-ENOENT);
		goto out_unlock;
	}
	member = member_of_handle(&file->prime, handle);
	if (member) {
		dma_buf = member->dma_buf;
		get_dma_buf(dma_buf);
		goto out_put;
	}
	mutex_lock(&dev->object_name_lock);
	dma_buf = get_or_export(dev, obj, flags);
	mutex_unlock(&dev->object_name_lock);
	if (IS_ERR(dma_buf))
		goto out_put;
	ret = add_member(&file->prime, dma_buf, handle);
	if (ret) {
		dma_buf_put(dma_buf);
		dma_buf = ERR_PTR(ret);
	}
out_put:
	drm_gem_object_put(obj);
out_unlock:
	mutex_unlock(&file->prime.lock);
	return dma_buf;
}

int drm_gem_prime_handle_to_fd(struct drm_device *dev,
			       struct drm_file *file_priv, uint32_t handle,
			       uint32_t flags, int *prime_fd)
{
	struct dma_buf *dma_buf =
		handle_to_dma_buf(dev, file_priv, handle, flags);
	int fd;

	if (IS_ERR(dma_buf))
		return PTR_ERR(dma_buf);
	fd = linux_dma_buf_share_fd(dma_buf, dev->dev, flags & DRM_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(dma_buf);
		return fd;
	}
	*prime_fd = fd;
	return 0;
}

/* -------------------------------------------------------------- importer -- */

struct drm_gem_object *drm_gem_prime_import(struct drm_device *dev,
					    struct dma_buf *dma_buf)
{
	struct dma_buf_attachment *attach;
	struct drm_gem_object *obj;
	struct sg_table *sgt;

	if (dma_buf->ops == &prime_dma_buf_ops) {
		obj = dma_buf->priv;
		if (obj->dev == dev) {
			drm_gem_object_get(obj);
			return obj;
		}
	}
	if (!dev->driver->gem_prime_import_sg_table)
		return ERR_PTR(-EINVAL);

	attach = dma_buf_attach(dma_buf, dev->dev);
	if (IS_ERR(attach))
		return ERR_CAST(attach);
	get_dma_buf(dma_buf);
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		obj = ERR_CAST(sgt);
		goto err_detach;
	}
	obj = dev->driver->gem_prime_import_sg_table(dev, attach, sgt);
	if (IS_ERR(obj))
		goto err_unmap;
	obj->import_attach = attach;
	obj->resv = dma_buf->resv;
	return obj;

err_unmap:
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_BIDIRECTIONAL);
err_detach:
	dma_buf_detach(dma_buf, attach);
	dma_buf_put(dma_buf);
	return obj;
}

void drm_prime_gem_destroy(struct drm_gem_object *obj, struct sg_table *sg)
{
	struct dma_buf_attachment *attach = obj->import_attach;
	struct dma_buf *dma_buf = attach->dmabuf;

	if (sg)
		dma_buf_unmap_attachment_unlocked(attach, sg,
						  DMA_BIDIRECTIONAL);
	dma_buf_detach(dma_buf, attach);
	dma_buf_put(dma_buf);
}

int drm_gem_prime_fd_to_handle(struct drm_device *dev,
			       struct drm_file *file_priv, int prime_fd,
			       uint32_t *handle)
{
	struct dma_buf *dma_buf = dma_buf_get(prime_fd);
	struct prime_member *member;
	struct drm_gem_object *obj;
	int ret = 0;

	if (IS_ERR(dma_buf))
		return PTR_ERR(dma_buf);

	mutex_lock(&file_priv->prime.lock);
	member = member_of_buf(&file_priv->prime, dma_buf);
	if (member) {
		*handle = member->handle;
		goto out_unlock;
	}
	mutex_lock(&dev->object_name_lock);
	obj = dev->driver->gem_prime_import ?
		      dev->driver->gem_prime_import(dev, dma_buf) :
		      drm_gem_prime_import(dev, dma_buf);
	if (IS_ERR(obj)) {
		ret = PTR_ERR(obj);
		mutex_unlock(&dev->object_name_lock);
		goto out_unlock;
	}
	/* An object whose last handle had gone becomes exported again. */
	if (!obj->dma_buf && !obj->import_attach) {
		get_dma_buf(dma_buf);
		WRITE_ONCE(obj->dma_buf, dma_buf);
	}
	/* Unlocks. */
	ret = linux_drm_gem_handle_create_tail(file_priv, obj, handle);
	drm_gem_object_put(obj);
	if (ret)
		goto out_unlock;

	ret = add_member(&file_priv->prime, dma_buf, *handle);
	mutex_unlock(&file_priv->prime.lock);
	if (ret)
		WARN_ON(drm_gem_handle_delete(file_priv, *handle));
	dma_buf_put(dma_buf);
	return ret;

out_unlock:
	mutex_unlock(&file_priv->prime.lock);
	dma_buf_put(dma_buf);
	return ret;
}

/* --------------------------------------------------------------- ioctls -- */

int linux_drm_prime_handle_to_fd_ioctl(struct drm_device *dev, void *data,
				       struct drm_file *file)
{
	struct drm_prime_handle *args = data;

	if (args->flags & ~(u32)(DRM_CLOEXEC | DRM_RDWR))
		return -EINVAL;
	return drm_gem_prime_handle_to_fd(dev, file, args->handle, args->flags,
					  &args->fd);
}

int linux_drm_prime_fd_to_handle_ioctl(struct drm_device *dev, void *data,
				       struct drm_file *file)
{
	struct drm_prime_handle *args = data;

	return drm_gem_prime_fd_to_handle(dev, file, args->fd, &args->handle);
}
