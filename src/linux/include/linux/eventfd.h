/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: the process's own eventfds, signalled from here. */
#ifndef LINUX_EVENTFD_H
#define LINUX_EVENTFD_H

struct eventfd_ctx;

/* ERR_PTR(-EBADF, -EINVAL: no eventfd, -ENOMEM, -EMFILE). */
struct eventfd_ctx *eventfd_ctx_fdget(int fd);
void eventfd_ctx_put(struct eventfd_ctx *ctx);
/* Adds 1. Callable with spinlocks held. */
void eventfd_signal(struct eventfd_ctx *ctx);

#endif /* LINUX_EVENTFD_H */
