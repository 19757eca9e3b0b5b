// SPDX-License-Identifier: MIT OR GPL-2.0
/* The system calls on the descriptor of a dma-buf. */
#include <linux/dma-buf.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>

#include "drm_internal.h"

/* The end is the size, and the begin is 0: there is nothing else to look for. */
static loff_t dma_buf_file_llseek(struct file *file, loff_t offset, int whence)
{
	struct dma_buf *dmabuf = file->private_data;

	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	return whence == SEEK_END ? (loff_t)dmabuf->size : 0;
}

static int dma_buf_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	return dma_buf_mmap(file->private_data, vma, vma->vm_pgoff);
}

static int dma_buf_release(struct inode *inode, struct file *file)
{
	struct dma_buf *dmabuf = file->private_data;

	linux_dma_buf_unshare(dmabuf);
	WARN_ON(!list_empty(&dmabuf->attachments));
	dmabuf->ops->release(dmabuf);
	kfree(dmabuf);
	return 0;
}

/* --------------------------------------------------------------- ioctls -- */

/*
 * Before the CPU looks, what the device does must have ended. Caches are the
 * same for both, so there is nothing to do after it has.
 */
static int sync_for_cpu(struct dma_buf *dmabuf, const void __user *arg)
{
	struct dma_buf_sync sync;
	long left;

	if (copy_from_user(&sync, arg, sizeof(sync)))
		return -EFAULT;
	if (sync.flags & ~(u64)DMA_BUF_SYNC_VALID_FLAGS_MASK ||
	    !(sync.flags & DMA_BUF_SYNC_RW))
		return -EINVAL;
	if (sync.flags & DMA_BUF_SYNC_END)
		return 0;
	left = dma_resv_wait_timeout(
		dmabuf->resv,
		dma_resv_usage_rw(sync.flags & DMA_BUF_SYNC_WRITE), true,
		MAX_SCHEDULE_TIMEOUT);
	return left < 0 ? (int)left : 0;
}

/* A name is for debugfs and fdinfo, which there are not here: it is checked. */
static int set_name(const char __user *arg)
{
	char *name = strndup_user(arg, DMA_BUF_NAME_LEN);

	if (IS_ERR(name))
		return PTR_ERR(name);
	kfree(name);
	return 0;
}

/* A reference on what an access has to wait for. */
static struct dma_fence *get_fence_before(struct dma_buf *dmabuf, bool write)
{
	struct dma_fence **fences, *merged;
	unsigned int count;
	int ret;

	ret = dma_resv_lock_interruptible(dmabuf->resv, NULL);
	if (ret)
		return ERR_PTR(ret);
	ret = dma_resv_get_fences(dmabuf->resv, dma_resv_usage_rw(write),
				  &count, &fences);
	dma_resv_unlock(dmabuf->resv);
	if (ret)
		return ERR_PTR(ret);
	merged = linux_dma_fence_merge(fences, count);
	while (count--)
		dma_fence_put(fences[count]);
	kfree(fences);
	return merged ? merged : ERR_PTR(-ENOMEM);
}

static bool flags_are_access(u32 flags)
{
	return flags && !(flags & ~(u32)DMA_BUF_SYNC_RW);
}

static int export_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	struct dma_buf_export_sync_file args;
	struct dma_fence *fence;
	int ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!flags_are_access(args.flags))
		return -EINVAL;
	args.fd = get_unused_fd_flags(O_CLOEXEC);
	if (args.fd < 0)
		return args.fd;

	fence = get_fence_before(dmabuf, args.flags & DMA_BUF_SYNC_WRITE);
	ret = PTR_ERR_OR_ZERO(fence);
	if (!ret) {
		ret = linux_sync_file_give(fence, "", args.fd, arg, &args,
					   sizeof(args));
		dma_fence_put(fence);
	}
	if (ret)
		put_unused_fd(args.fd);
	return ret;
}

/* The room must have been reserved for as many before the first is added. */
static int add_fences(struct dma_buf *dmabuf, struct dma_fence *head,
		      enum dma_resv_usage usage)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int count = linux_dma_fence_count(head);
	int ret;

	ret = dma_resv_lock_interruptible(dmabuf->resv, NULL);
	if (ret)
		return ret;
	ret = count ? dma_resv_reserve_fences(dmabuf->resv, count) : 0;
	if (!ret) {
		dma_fence_unwrap_for_each(fence, &cursor, head)
			dma_resv_add_fence(dmabuf->resv, fence, usage);
	}
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

static int import_sync_file(struct dma_buf *dmabuf, const void __user *arg)
{
	struct dma_buf_import_sync_file args;
	struct dma_fence *fence;
	int ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!flags_are_access(args.flags))
		return -EINVAL;
	fence = sync_file_get_fence(args.fd);
	if (!fence)
		return -EINVAL;
	ret = add_fences(dmabuf, fence,
			 args.flags & DMA_BUF_SYNC_WRITE ?
				 DMA_RESV_USAGE_WRITE :
				 DMA_RESV_USAGE_READ);
	dma_fence_put(fence);
	return ret;
}

static long dma_buf_file_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct dma_buf *dmabuf = file->private_data;
	void __user *user = (void __user *)arg;

	/* As a kernel that does not know them: no fence comes from there. */
	if (linux_dma_buf_is_foreign(dmabuf) &&
	    (cmd == DMA_BUF_IOCTL_EXPORT_SYNC_FILE ||
	     cmd == DMA_BUF_IOCTL_IMPORT_SYNC_FILE))
		return -ENOTTY;
	switch (cmd) {
	case DMA_BUF_IOCTL_SYNC:
		return sync_for_cpu(dmabuf, user);
	case DMA_BUF_SET_NAME_A:
	case DMA_BUF_SET_NAME_B:
		return set_name(user);
	case DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
		return export_sync_file(dmabuf, user);
	case DMA_BUF_IOCTL_IMPORT_SYNC_FILE:
		return import_sync_file(dmabuf, user);
	default:
		return -ENOTTY;
	}
}

const struct file_operations linux_dma_buf_fops = {
	.release = dma_buf_release,
	.llseek = dma_buf_file_llseek,
	.mmap = dma_buf_file_mmap,
	.unlocked_ioctl = dma_buf_file_ioctl,
};
