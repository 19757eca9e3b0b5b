/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * altered. File descriptors for files of this kernel. The numbers are
 * descriptors of the process, so that they can be duplicated, polled and closed
 * as usual: each is one end of a socket pair whose other end the kernel holds.
 * That end hears when the last copy was closed, in whatever process. See docs/linux-drm.md for what
 * they cannot do.
 */
#ifndef LINUX_FILE_H
#define LINUX_FILE_H

#include <linux/fs.h>

/* @flags: O_CLOEXEC. -EMFILE, -ENOMEM. Followed by fd_install() or the next. */
int get_unused_fd_flags(unsigned int flags);
void put_unused_fd(unsigned int fd);
/* Gives the caller's reference on @file to the descriptor. */
void fd_install(unsigned int fd, struct file *file);
/* A reference on the file behind @fd; NULL: it is not one of this kernel. */
struct file *fget(unsigned int fd);

/* A file that is no node. ERR_PTR(-ENOMEM). */
struct file *anon_inode_getfile(const char *name,
				const struct file_operations *fops, void *priv,
				int flags);

/* Private to src/linux: */
/* Makes all descriptors of @file readable for poll(). Does not sleep. */
void linux_file_set_readable(struct file *file);
/* Drops the references of descriptors that were closed. May sleep. */
void linux_file_reap(void);
/*
 * Sends one message from the kernel's end of @fd, which is not installed yet, to
 * the program's: @size_B bytes, and up to LINUX_FD_SEND_MAX descriptors, which
 * stay the caller's. Does not sleep. -EMFILE: the host has too many descriptors on
 * their way; -ENOMEM, or what else the host says.
 */
#define LINUX_FD_SEND_MAX 2
int linux_fd_send(unsigned int fd, const void *data, size_t size_B,
		  const int *fds, unsigned int num_fds);
/* True when @fd is an open descriptor of the process. */
bool linux_fd_valid(int fd);

#endif /* LINUX_FILE_H */
