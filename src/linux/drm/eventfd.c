// SPDX-License-Identifier: MIT OR GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/slab.h>

#include "../core/internal.h"

/* A descriptor of our own for the eventfd: it outlives the program's. */
struct eventfd_ctx {
	int fd;
};

static bool is_eventfd(int fd)
{
	static const char name[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(name)];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target));
	return length == sizeof(name) - 1 && !memcmp(target, name, length);
}

struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	struct eventfd_ctx *ctx;
	int ret;

	if (fcntl(fd, F_GETFD) < 0)
		return ERR_PTR(-EBADF);
	if (!is_eventfd(fd))
		return ERR_PTR(-EINVAL);
	ctx = kmalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	if (linux_should_fail()) {
		ret = -EMFILE;
		goto err_free;
	}
	ctx->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (ctx->fd < 0) {
		ret = -errno;
		goto err_free;
	}
	return ctx;

err_free:
	kfree(ctx);
	return ERR_PTR(ret);
}

void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	close(ctx->fd);
	kfree(ctx);
}

void eventfd_signal(struct eventfd_ctx *ctx)
{
	const uint64_t one = 1;
	ssize_t written;

	/*
	 * Blocks only at a count of 2^64 - 2, which would take centuries of
	 * signals; the program cannot hold us up by not reading.
	 */
	written = write(ctx->fd, &one, sizeof(one));
	WARN_ON_ONCE(written != sizeof(one));
}
