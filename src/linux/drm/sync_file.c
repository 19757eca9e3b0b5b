// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/sync_file.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/slab.h>

static int sync_file_release(struct inode *inode, struct file *file)
{
	struct sync_file *sync_file = file->private_data;

	dma_fence_remove_callback(sync_file->fence, &sync_file->cb);
	dma_fence_put(sync_file->fence);
	kfree(sync_file);
	return 0;
}

static const struct file_operations sync_file_fops = {
	.release = sync_file_release,
};

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
