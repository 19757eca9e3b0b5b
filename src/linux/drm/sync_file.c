// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/sync_file.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>

static int sync_file_release(struct inode *inode, struct file *file)
{
	struct sync_file *sync_file = file->private_data;

	dma_fence_remove_callback(sync_file->fence, &sync_file->cb);
	dma_fence_put(sync_file->fence);
	kfree(sync_file);
	return 0;
}

static const struct file_operations sync_file_fops;

static void fence_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct sync_file *sync_file = container_of(cb, struct sync_file, cb);

	linux_file_set_readable(sync_file->file);
}

struct sync_file *sync_file_create(struct dma_fence *fence)
{
	struct sync_file *sync_file = kzalloc(sizeof(*sync_file), GFP_KERNEL);

	if (!sync_file)
		return NULL;
	sync_file->file =
		anon_inode_getfile("sync_file", &sync_file_fops, sync_file, 0);
	if (IS_ERR(sync_file->file)) {
		kfree(sync_file);
		return NULL;
	}
	INIT_LIST_HEAD(&sync_file->cb.node);
	sync_file->fence = dma_fence_get(fence);
	return sync_file;
}

void linux_sync_file_install(struct sync_file *sync_file, int fd)
{
	struct dma_fence *fence = dma_fence_get(sync_file->fence);
	struct file *file = get_file(sync_file->file);

	fd_install(fd, sync_file->file);
	/* Only now: the callback makes installed descriptors readable. */
	if (dma_fence_add_callback(fence, &sync_file->cb, fence_signaled))
		linux_file_set_readable(file);
	fput(file);
	dma_fence_put(fence);
}

struct dma_fence *sync_file_get_fence(int fd)
{
	struct file *file = fget(fd);
	struct dma_fence *fence = NULL;

	if (!file)
		return NULL;
	if (file->f_op == &sync_file_fops)
		fence = dma_fence_get(
			((struct sync_file *)file->private_data)->fence);
	fput(file);
	return fence;
}

/* --------------------------------------------------------------- ioctls -- */

static void get_name(struct sync_file *sync_file, char *name, size_t size)
{
	struct dma_fence *fence = sync_file->fence;

	if (sync_file->user_name[0])
		strscpy(name, sync_file->user_name, size);
	else
		snprintf(name, size, "%s-%s%llu-%lld",
			 fence->ops->get_driver_name(fence),
			 fence->ops->get_timeline_name(fence),
			 (unsigned long long)fence->context,
			 (long long)fence->seqno);
}

int linux_sync_file_give(struct dma_fence *fence, const char *name, int fd,
			 void __user *user, const void *answer, size_t size)
{
	struct sync_file *sync_file = sync_file_create(fence);

	if (!sync_file)
		return -ENOMEM;
	strscpy(sync_file->user_name, name, sizeof(sync_file->user_name));
	if (copy_to_user(user, answer, size)) {
		fput(sync_file->file);
		return -EFAULT;
	}
	linux_sync_file_install(sync_file, fd);
	return 0;
}

static int sync_file_merge(struct sync_file *sync_file, void __user *arg)
{
	struct dma_fence *other, *merged;
	struct sync_merge_data args;
	int ret = -ENOENT;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.flags || args.pad)
		return -EINVAL;
	args.name[sizeof(args.name) - 1] = '\0';
	args.fence = get_unused_fd_flags(O_CLOEXEC);
	if (args.fence < 0)
		return args.fence;

	other = sync_file_get_fence(args.fd2);
	if (other) {
		merged = dma_fence_unwrap_merge(sync_file->fence, other);
		ret = merged ? linux_sync_file_give(merged, args.name,
						    args.fence, arg, &args,
						    sizeof(args)) :
			       -ENOMEM;
		dma_fence_put(merged);
		dma_fence_put(other);
	}
	if (ret)
		put_unused_fd(args.fence);
	return ret;
}

static void fill_fence_info(struct dma_fence *fence,
			    struct sync_fence_info *info)
{
	strscpy(info->obj_name, fence->ops->get_timeline_name(fence),
		sizeof(info->obj_name));
	strscpy(info->driver_name, fence->ops->get_driver_name(fence),
		sizeof(info->driver_name));
	info->status = dma_fence_get_status(fence);
	info->timestamp_ns =
		info->status ? ktime_to_ns(dma_fence_timestamp(fence)) : 0;
}

/*
 * Copies what is to be said of each fence, and the status of all: the first
 * that is not "signalled". A chain may have become shorter since the count.
 */
static int copy_fence_infos(struct sync_file *sync_file,
			    struct sync_file_info *info, unsigned int count)
{
	struct sync_fence_info *infos =
		kcalloc(count, sizeof(*infos), GFP_KERNEL);
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int filled = 0;
	int ret = 0;

	if (!infos)
		return -ENOMEM;
	info->status = 1;
	dma_fence_unwrap_for_each(fence, &cursor, sync_file->fence) {
		fill_fence_info(fence, &infos[filled]);
		if (info->status == 1)
			info->status = infos[filled].status;
		filled++;
	}
	if (copy_to_user(u64_to_user_ptr(info->sync_fence_info), infos,
			 filled * sizeof(*infos)))
		ret = -EFAULT;
	info->num_fences = filled;
	kfree(infos);
	return ret;
}

static int sync_file_info(struct sync_file *sync_file, void __user *arg)
{
	unsigned int count = linux_dma_fence_count(sync_file->fence);
	struct sync_file_info info;
	int ret;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.flags || info.pad)
		return -EINVAL;
	if (!info.num_fences) {
		/* The question was how many there are. */
		info.status = dma_fence_get_status(sync_file->fence);
		info.num_fences = count;
	} else if (info.num_fences < count) {
		return -EINVAL;
	} else {
		ret = copy_fence_infos(sync_file, &info, count);
		if (ret)
			return ret;
	}
	get_name(sync_file, info.name, sizeof(info.name));
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int set_deadline(struct sync_file *sync_file, const void __user *arg)
{
	struct sync_set_deadline args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.pad)
		return -EINVAL;
	dma_fence_set_deadline(sync_file->fence, ns_to_ktime(args.deadline_ns));
	return 0;
}

static long sync_file_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	struct sync_file *sync_file = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case SYNC_IOC_MERGE:
		return sync_file_merge(sync_file, user);
	case SYNC_IOC_FILE_INFO:
		return sync_file_info(sync_file, user);
	case SYNC_IOC_SET_DEADLINE:
		return set_deadline(sync_file, user);
	default:
		return -ENOTTY;
	}
}

/* ---------------------------------------------------------------- files --- */

static const struct file_operations sync_file_fops = {
	.release = sync_file_release,
	.unlocked_ioctl = sync_file_ioctl,
};
