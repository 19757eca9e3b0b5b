// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Files, and descriptors for them. A descriptor is one end of a socket pair,
 * found again by its inode; the other end stays here, and hangs up when the
 * last copy of the first was closed. Nobody tells us at that moment, so closed
 * descriptors are collected now and then: see linux_file_reap().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../core/internal.h"
#include "drm_internal.h"

struct fd_token {
	struct list_head node;
	dev_t dev; /* of the user's end */
	ino_t ino;
	int kernel_end;
	struct file *file; /* a reference; NULL before fd_install() */
	bool open_here; /* by this process: known at shutdown only */
};

static DEFINE_SPINLOCK(tokens_lock); /* guards what follows */
static LIST_HEAD(tokens);
static unsigned int num_tokens;
static unsigned int reap_at = 16; /* so many that looking around is due */

/* ---------------------------------------------------------------- files -- */

static void file_free(struct kref *kref)
{
	struct file *file = container_of(kref, struct file, f_count);

	if (!file->f_released && file->f_op->release)
		file->f_op->release(file->f_inode, file);
	kfree(file);
}

void fput(struct file *file)
{
	kref_put(&file->f_count, file_free);
}

struct file *anon_inode_getfile(const char *name,
				const struct file_operations *fops, void *priv,
				int flags)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return ERR_PTR(-ENOMEM);
	kref_init(&file->f_count);
	file->f_op = fops;
	file->f_flags = flags;
	file->private_data = priv;
	return file;
}

/* ---------------------------------------------------------- descriptors -- */

bool linux_fd_valid(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The user's end has no open descriptor any more. */
static bool hung_up(const struct fd_token *token)
{
	struct pollfd pfd = { .fd = token->kernel_end };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP);
}

static void token_destroy(struct fd_token *token)
{
	if (token->file)
		fput(token->file);
	close(token->kernel_end);
	kfree(token);
}

void linux_file_reap(void)
{
	struct fd_token *token, *next;
	unsigned long flags;
	LIST_HEAD(dead);

	spin_lock_irqsave(&tokens_lock, flags);
	list_for_each_entry_safe(token, next, &tokens, node) {
		if (!hung_up(token))
			continue;
		list_move(&token->node, &dead);
		num_tokens--;
	}
	/* Twice what survived: as many exports pay for the next look. */
	reap_at = 16 + 2 * num_tokens;
	spin_unlock_irqrestore(&tokens_lock, flags);

	list_for_each_entry_safe(token, next, &dead, node)
		token_destroy(token);
}

/* The token of an open descriptor, or NULL. With tokens_lock held. */
static struct fd_token *find_token(int fd)
{
	struct fd_token *token;
	struct stat st;

	lockdep_assert_held(&tokens_lock);
	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return NULL;
	list_for_each_entry(token, &tokens, node) {
		if (token->ino == st.st_ino && token->dev == st.st_dev &&
		    !hung_up(token))
			return token;
	}
	return NULL;
}

int get_unused_fd_flags(unsigned int fd_flags)
{
	struct fd_token *token;
	unsigned long flags;
	struct stat st;
	bool reap_due;
	int ends[2];
	int ret;

	spin_lock_irqsave(&tokens_lock, flags);
	reap_due = num_tokens >= reap_at;
	spin_unlock_irqrestore(&tokens_lock, flags);
	if (reap_due)
		linux_file_reap();

	token = kzalloc(sizeof(*token), GFP_KERNEL);
	if (!token)
		return -ENOMEM;
	if (linux_should_fail()) {
		ret = -EMFILE;
		goto err_free;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		ret = -errno;
		goto err_free;
	}
	if (fstat(ends[0], &st) ||
	    (!(fd_flags & O_CLOEXEC) && fcntl(ends[0], F_SETFD, 0))) {
		ret = -errno;
		goto err_close;
	}
	token->dev = st.st_dev;
	token->ino = st.st_ino;
	token->kernel_end = ends[1];
	spin_lock_irqsave(&tokens_lock, flags);
	list_add(&token->node, &tokens);
	num_tokens++;
	spin_unlock_irqrestore(&tokens_lock, flags);
	return ends[0];

err_close:
	close(ends[0]);
	close(ends[1]);
err_free:
	kfree(token);
	return ret;
}

void put_unused_fd(unsigned int fd)
{
	struct fd_token *token;
	unsigned long flags;

	spin_lock_irqsave(&tokens_lock, flags);
	token = find_token(fd);
	if (!WARN_ON(!token || token->file)) {
		list_del(&token->node);
		num_tokens--;
	}
	spin_unlock_irqrestore(&tokens_lock, flags);
	close(fd);
	if (token && !token->file)
		token_destroy(token);
}

void fd_install(unsigned int fd, struct file *file)
{
	struct fd_token *token;
	unsigned long flags;

	spin_lock_irqsave(&tokens_lock, flags);
	token = find_token(fd);
	if (!WARN_ON(!token || token->file)) {
		token->file = file;
		file = NULL;
	}
	spin_unlock_irqrestore(&tokens_lock, flags);
	if (file)
		fput(file);
}

struct file *fget(unsigned int fd)
{
	struct fd_token *token;
	struct file *file = NULL;
	unsigned long flags;

	spin_lock_irqsave(&tokens_lock, flags);
	token = find_token(fd);
	if (token && token->file)
		file = get_file(token->file);
	spin_unlock_irqrestore(&tokens_lock, flags);
	return file;
}

void linux_file_set_readable(struct file *file)
{
	struct fd_token *token;
	unsigned long flags;

	spin_lock_irqsave(&tokens_lock, flags);
	list_for_each_entry(token, &tokens, node) {
		/* A full socket is readable, and a closed one does not care. */
		if (token->file == file &&
		    send(token->kernel_end, "", 1,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			continue;
	}
	spin_unlock_irqrestore(&tokens_lock, flags);
}

int linux_fd_send(unsigned int fd, const void *data, size_t size_B,
		  const int *fds, unsigned int num_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(LINUX_FD_SEND_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size_B };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(num_fds * sizeof(int)),
	};
	struct fd_token *token;
	unsigned long flags;
	int ret = 0;

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(num_fds * sizeof(int));
	memcpy(CMSG_DATA(&control.align), fds, num_fds * sizeof(int));
	if (linux_should_fail())
		return -ENOMEM;
	spin_lock_irqsave(&tokens_lock, flags);
	token = find_token(fd);
	if (WARN_ON(!token))
		ret = -EBADF;
	else if (sendmsg(token->kernel_end, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) <
		 0)
		ret = -errno;
	spin_unlock_irqrestore(&tokens_lock, flags);
	/* Linux bounds the descriptors of a user that are on their way. */
	return ret == -ETOOMANYREFS ? -EMFILE : ret;
}

/* ------------------------------------------------------------- shutdown -- */

static void mark_open_here(struct list_head *left, int fd)
{
	struct fd_token *token;
	struct stat st;

	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return;
	list_for_each_entry(token, left, node) {
		if (token->ino == st.st_ino && token->dev == st.st_dev)
			token->open_here = true;
	}
}

/* Which of them are; all, where the host does not say what is open. */
static void find_open_here(struct list_head *left)
{
	DIR *dir = opendir("/proc/self/fd");
	struct fd_token *token;
	struct dirent *entry;

	list_for_each_entry(token, left, node)
		token->open_here = !dir;
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		mark_open_here(left, atoi(entry->d_name));
	closedir(dir);
}

/* What only other processes have open is no leak; they go on seeing memory. */
int linux_file_report_leaks(void)
{
	struct fd_token *token, *next;
	unsigned long flags, count = 0;
	LIST_HEAD(left);

	linux_file_reap();
	spin_lock_irqsave(&tokens_lock, flags);
	list_splice_init(&tokens, &left);
	num_tokens = 0;
	spin_unlock_irqrestore(&tokens_lock, flags);
	if (list_empty(&left))
		return 0;
	find_open_here(&left);
	if (linux_machine.ops->ram_keep_contents)
		linux_machine.ops->ram_keep_contents(linux_machine.machine);
	list_for_each_entry_safe(token, next, &left, node) {
		count += token->open_here;
		token_destroy(token);
	}
	if (!count)
		return 0;
	linux_report("%lu descriptors of this kernel were never closed", count);
	return 1;
}
