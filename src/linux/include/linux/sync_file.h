/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: a fence behind a file descriptor, readable for poll() once it
 * signalled.
 */
#ifndef LINUX_SYNC_FILE_H
#define LINUX_SYNC_FILE_H

#include <linux/dma-fence.h>
#include <linux/types.h>

struct file;

struct sync_file {
	struct file *file; /* owns this */
	struct dma_fence *fence;
	struct dma_fence_cb cb;
	char user_name[32]; /* of a merged one; else empty */
};

/* With a reference of its own on @fence; dropped by fput(file). NULL. */
struct sync_file *sync_file_create(struct dma_fence *fence);
/*
 * Gives the caller's reference on sync_file->file to the descriptor, and makes
 * that readable when the fence signals. In the place of fd_install().
 */
void linux_sync_file_install(struct sync_file *sync_file, int fd);
/*
 * For ioctls whose answer has @fd in it, from get_unused_fd_flags(): copies the
 * answer, and makes @fd a sync_file of @fence; @name may be empty. -ENOMEM,
 * -EFAULT: @fd is still unused.
 */
int linux_sync_file_give(struct dma_fence *fence, const char *name, int fd,
			 void __user *user, const void *answer, size_t size);
/* A reference on the fence, or NULL: not a sync_file. */
struct dma_fence *sync_file_get_fence(int fd);

#endif /* LINUX_SYNC_FILE_H */
