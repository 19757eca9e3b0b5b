// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "drm_internal.h"

static atomic64_t last_id;

struct dma_buf *dma_buf_export(const struct dma_buf_export_info *exp_info)
{
	struct dma_buf *dmabuf;
	struct file *file;

	if (WARN_ON(!exp_info->resv || !exp_info->ops ||
		    !exp_info->ops->map_dma_buf ||
		    !exp_info->ops->unmap_dma_buf || !exp_info->ops->release))
		return ERR_PTR(-EINVAL);

	dmabuf = kzalloc(sizeof(*dmabuf), GFP_KERNEL);
	if (!dmabuf)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("dmabuf", &linux_dma_buf_fops, dmabuf,
				  exp_info->flags);
	if (IS_ERR(file)) {
		kfree(dmabuf);
		return ERR_CAST(file);
	}
	dmabuf->file = file;
	dmabuf->size = exp_info->size;
	dmabuf->ops = exp_info->ops;
	dmabuf->exp_name = exp_info->exp_name;
	dmabuf->priv = exp_info->priv;
	dmabuf->resv = exp_info->resv;
	INIT_LIST_HEAD(&dmabuf->attachments);
	dmabuf->id = atomic64_inc_return(&last_id);
	mutex_init(&dmabuf->share_lock);
	return dmabuf;
}

int dma_buf_fd(struct dma_buf *dmabuf, int flags)
{
	int fd = get_unused_fd_flags(flags);

	if (fd >= 0)
		fd_install(fd, dmabuf->file);
	return fd;
}

struct dma_buf *dma_buf_get(int fd)
{
	struct file *file;

	if (!linux_fd_valid(fd))
		return ERR_PTR(-EBADF);
	file = fget(fd);
	if (!file)
		return linux_dma_buf_foreign_get(fd);
	if (file->f_op != &linux_dma_buf_fops) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file->private_data;
}

void dma_buf_put(struct dma_buf *dmabuf)
{
	fput(dmabuf->file);
}

/* ---------------------------------------------------------- attachments -- */

struct dma_buf_attachment *dma_buf_attach(struct dma_buf *dmabuf,
					  struct device *dev)
{
	struct dma_buf_attachment *attach;
	int ret;

	attach = kzalloc(sizeof(*attach), GFP_KERNEL);
	if (!attach)
		return ERR_PTR(-ENOMEM);
	attach->dmabuf = dmabuf;
	attach->dev = dev;
	if (dmabuf->ops->attach) {
		ret = dmabuf->ops->attach(dmabuf, attach);
		if (ret) {
			kfree(attach);
			return ERR_PTR(ret);
		}
	}
	dma_resv_lock(dmabuf->resv, NULL);
	list_add(&attach->node, &dmabuf->attachments);
	dma_resv_unlock(dmabuf->resv);
	return attach;
}

void dma_buf_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	dma_resv_lock(dmabuf->resv, NULL);
	list_del(&attach->node);
	dma_resv_unlock(dmabuf->resv);
	if (dmabuf->ops->detach)
		dmabuf->ops->detach(dmabuf, attach);
	kfree(attach);
}

struct sg_table *
dma_buf_map_attachment_unlocked(struct dma_buf_attachment *attach,
				enum dma_data_direction direction)
{
	struct dma_buf *dmabuf = attach->dmabuf;
	struct sg_table *sgt;

	dma_resv_lock(dmabuf->resv, NULL);
	sgt = dmabuf->ops->map_dma_buf(attach, direction);
	dma_resv_unlock(dmabuf->resv);
	return sgt;
}

void dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *attach,
				       struct sg_table *sg_table,
				       enum dma_data_direction direction)
{
	struct dma_buf *dmabuf = attach->dmabuf;

	dma_resv_lock(dmabuf->resv, NULL);
	dmabuf->ops->unmap_dma_buf(attach, sg_table, direction);
	dma_resv_unlock(dmabuf->resv);
}

/* ----------------------------------------------------------- CPU access -- */

int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma,
		 unsigned long pgoff)
{
	unsigned long pages = vma_pages(vma);

	if (!dmabuf->ops->mmap)
		return -EINVAL;
	if (pgoff + pages < pgoff || pgoff + pages > dmabuf->size >> PAGE_SHIFT)
		return -EINVAL;
	vma->vm_pgoff = pgoff;
	return dmabuf->ops->mmap(dmabuf, vma);
}

int dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	dma_resv_assert_held(dmabuf->resv);
	if (!dmabuf->ops->vmap)
		return -EINVAL;
	return dmabuf->ops->vmap(dmabuf, map);
}

void dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	dma_resv_assert_held(dmabuf->resv);
	dmabuf->ops->vunmap(dmabuf, map);
}

/* ------------------------------------------------------ other machines -- */

/*
 * Importers elsewhere do not tell when they attach and detach, so for all of
 * them an attachment is there from the first descriptor on.
 */
static int attach_for_others(struct dma_buf *dmabuf, struct device *dev)
{
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;

	lockdep_assert_held(&dmabuf->share_lock);
	if (dmabuf->share)
		return 0;
	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		dma_buf_detach(dmabuf, attach);
		return PTR_ERR(sgt);
	}
	dmabuf->share = attach;
	dmabuf->share_sgt = sgt;
	return 0;
}

void linux_dma_buf_unshare(struct dma_buf *dmabuf)
{
	if (dmabuf->share) {
		dma_buf_unmap_attachment_unlocked(
			dmabuf->share, dmabuf->share_sgt, DMA_BIDIRECTIONAL);
		dma_buf_detach(dmabuf, dmabuf->share);
	}
	mutex_destroy(&dmabuf->share_lock);
}

/* Where the pages are, to be sent along with @fd. */
static int send_extents(struct dma_buf *dmabuf, unsigned int fd)
{
	struct linux_dma_buf_message message = {
		.writable = (dmabuf->file->f_flags & O_ACCMODE) != O_RDONLY,
		.id = dmabuf->id,
		.size_B = dmabuf->size,
	};
	const struct sg_table *sgt = dmabuf->share_sgt;
	struct linux_dma_buf_extent *extents, *last = NULL;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	extents = kvmalloc_array(sgt->orig_nents, sizeof(*extents), GFP_KERNEL);
	if (!extents)
		return -ENOMEM;
	for_each_sgtable_sg(sgt, sg, i) {
		if (last && last->offset + last->size_B == sg_phys(sg)) {
			last->size_B += sg->length;
			continue;
		}
		last = &extents[message.num_extents++];
		last->offset = sg_phys(sg);
		last->size_B = sg->length;
	}
	ret = linux_dma_buf_send(fd, &message, extents);
	kvfree(extents);
	return ret;
}

int linux_dma_buf_share_fd(struct dma_buf *dmabuf, struct device *dev,
			   unsigned int flags)
{
	int fd, ret;

	if (linux_dma_buf_is_foreign(dmabuf)) {
		fd = linux_dma_buf_foreign_fd(dmabuf, flags);
		if (fd >= 0)
			dma_buf_put(dmabuf);
		return fd;
	}
	fd = get_unused_fd_flags(flags);
	if (fd < 0)
		return fd;
	mutex_lock(&dmabuf->share_lock);
	ret = attach_for_others(dmabuf, dev);
	mutex_unlock(&dmabuf->share_lock);
	/*
	 * Without pages it is for this machine alone: a kernel wants none for a
	 * descriptor, and the buffer may be larger than all RAM.
	 */
	if (!ret)
		ret = send_extents(dmabuf, fd);
	else if (ret == -ENOMEM)
		ret = 0;
	if (ret) {
		put_unused_fd(fd);
		return ret;
	}
	fd_install(fd, dmabuf->file);
	return fd;
}
