// SPDX-License-Identifier: MIT OR GPL-2.0
/* Sending and reading the message of dma_buf_message.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../core/internal.h"
#include "dma_buf_message.h"
#include "drm_internal.h"

/* The descriptors of a message, in this order. */
enum { RAM_FD, TABLE_FD, NUM_FDS };

#define TABLE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* ----------------------------------------------------------------- send -- */

static int write_all(int fd, const char *data, size_t size_B)
{
	while (size_B) {
		ssize_t n = write(fd, data, size_B);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		size_B -= (size_t)n;
	}
	return 0;
}

/* A sealed file with the table, or a negative errno. */
static int create_table(const struct linux_dma_buf_extent *extents,
			size_t size_B)
{
	int fd, ret;

	if (linux_should_fail())
		return -EMFILE;
	fd = memfd_create("dma-buf-extents", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, (const char *)extents, size_B);
	if (!ret && fcntl(fd, F_ADD_SEALS, TABLE_SEALS))
		ret = -errno;
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int linux_dma_buf_send(unsigned int fd, struct linux_dma_buf_message *message,
		       const struct linux_dma_buf_extent *extents)
{
	int fds[NUM_FDS] = { linux_machine.ram_fd };
	int ret;

	message->magic = LINUX_DMA_BUF_MAGIC;
	message->version = LINUX_DMA_BUF_VERSION;
	fds[TABLE_FD] = create_table(extents, message->num_extents *
						      sizeof(*extents));
	if (fds[TABLE_FD] < 0)
		return fds[TABLE_FD];
	ret = linux_fd_send(fd, message, sizeof(*message), fds, NUM_FDS);
	close(fds[TABLE_FD]);
	return ret;
}

/* ----------------------------------------------------------------- look -- */

/* Asks nothing that would change a socket of the program's. */
static bool is_unix_socket(int fd)
{
	socklen_t size = sizeof(int);
	int domain;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) &&
	       domain == AF_UNIX;
}

bool linux_dma_buf_has_message(int fd)
{
	uint64_t magic;

	/* Without room for them, descriptors of a message are not copied. */
	return is_unix_socket(fd) &&
	       recv(fd, &magic, sizeof(magic), MSG_PEEK | MSG_DONTWAIT) ==
		       sizeof(magic) &&
	       magic == LINUX_DMA_BUF_MAGIC;
}

static void close_all(int fds[NUM_FDS])
{
	for (int i = 0; i < NUM_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* The descriptors that came along; @fds is -1 where there are fewer. */
static void take_fds(struct msghdr *msg, int fds[NUM_FDS])
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		/* There was no room for more. */
		memcpy(fds, CMSG_DATA(cmsg),
		       min(cmsg->cmsg_len - CMSG_LEN(0),
			   NUM_FDS * sizeof(int)));
	}
}

/* A copy of the message, with copies of its descriptors. */
static int peek(int fd, struct linux_dma_buf_message *message,
		int fds[NUM_FDS])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(NUM_FDS * sizeof(int))];
	} control;
	char more;
	struct iovec iov[] = {
		{ .iov_base = message, .iov_len = sizeof(*message) },
		{ .iov_base = &more, .iov_len = 1 },
	};
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	bool complete;
	ssize_t n;

	for (int i = 0; i < NUM_FDS; i++)
		fds[i] = -1;
	if (linux_should_fail())
		return -EMFILE;
	n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	take_fds(&msg, fds);
	complete = fds[RAM_FD] >= 0 && fds[TABLE_FD] >= 0;
	if (n == sizeof(*message) && complete && !(msg.msg_flags & MSG_CTRUNC))
		return 0;
	close_all(fds);
	/* Fewer than there is room for: this process may have no more. */
	return n == sizeof(*message) && !complete &&
			       (msg.msg_flags & MSG_CTRUNC) ?
		       -EMFILE :
		       -EINVAL;
}

/* ---------------------------------------------------------------- check -- */

static bool has_seals(int fd, int seals)
{
	int found = fcntl(fd, F_GET_SEALS);

	return found >= 0 && (found & seals) == seals;
}

static bool is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

static bool message_is_valid(const struct linux_dma_buf_message *message)
{
	return message->magic == LINUX_DMA_BUF_MAGIC &&
	       message->version == LINUX_DMA_BUF_VERSION &&
	       message->writable <= 1 && message->size_B &&
	       message->size_B <= LLONG_MAX &&
	       !offset_in_page(message->size_B) && message->num_extents &&
	       message->num_extents <= message->size_B >> PAGE_SHIFT &&
	       message->num_extents <= UINT_MAX;
}

/* Each in the file, which has @file_B bytes, and @size_B all together. */
static bool extents_are_valid(const struct linux_dma_buf_extent *extents,
			      u64 num, u64 size_B, u64 file_B)
{
	for (u64 i = 0; i < num; i++) {
		const struct linux_dma_buf_extent *extent = &extents[i];

		if (!extent->size_B ||
		    offset_in_page(extent->offset | extent->size_B) ||
		    extent->offset > file_B ||
		    extent->size_B > file_B - extent->offset ||
		    extent->size_B > size_B)
			return false;
		size_B -= extent->size_B;
	}
	return !size_B;
}

/* The size of a file that stays as it is; 0: it is no such file. */
static u64 sealed_size(int fd, int seals, struct stat *st)
{
	if (fstat(fd, st) || !S_ISREG(st->st_mode) || !has_seals(fd, seals) ||
	    st->st_size < 0)
		return 0;
	return (u64)st->st_size;
}

static int read_table(int fd, struct linux_dma_buf_memory *memory)
{
	size_t size_B = memory->num_extents * sizeof(*memory->extents);
	char *at;

	memory->extents = kvmalloc_array(memory->num_extents,
					 sizeof(*memory->extents), GFP_KERNEL);
	if (!memory->extents)
		return -ENOMEM;
	at = (char *)memory->extents;
	for (off_t done = 0; size_B;) {
		ssize_t n = pread(fd, at + done, size_B, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			kvfree(memory->extents);
			return n < 0 ? -errno : -EINVAL;
		}
		done += n;
		size_B -= (size_t)n;
	}
	return 0;
}

static int check(const struct linux_dma_buf_message *message,
		 const int fds[NUM_FDS], struct linux_dma_buf_memory *memory)
{
	u64 file_B, table_B;
	struct stat st;
	int ret;

	if (!message_is_valid(message))
		return -EINVAL;
	table_B = sealed_size(fds[TABLE_FD], TABLE_SEALS, &st);
	if (table_B != message->num_extents * sizeof(*memory->extents))
		return -EINVAL;
	file_B = sealed_size(fds[RAM_FD], F_SEAL_SHRINK, &st);
	if (!file_B || !is_writable(fds[RAM_FD]))
		return -EINVAL;

	*memory = (struct linux_dma_buf_memory){
		.fd = fds[RAM_FD],
		.dev = st.st_dev,
		.ino = st.st_ino,
		.id = message->id,
		.writable = message->writable,
		.size_B = message->size_B,
		.num_extents = (unsigned int)message->num_extents,
	};
	ret = read_table(fds[TABLE_FD], memory);
	if (ret)
		return ret;
	if (!extents_are_valid(memory->extents, memory->num_extents,
			       memory->size_B, file_B)) {
		kvfree(memory->extents);
		return -EINVAL;
	}
	return 0;
}

int linux_dma_buf_receive(int fd, struct linux_dma_buf_memory *memory_out)
{
	struct linux_dma_buf_message message;
	int fds[NUM_FDS];
	int ret;

	ret = peek(fd, &message, fds);
	if (ret)
		return ret;
	ret = check(&message, fds, memory_out);
	/* That of the RAM is the caller's, when all is well. */
	if (!ret)
		fds[RAM_FD] = -1;
	close_all(fds);
	return ret;
}

void linux_dma_buf_memory_release(struct linux_dma_buf_memory *memory)
{
	kvfree(memory->extents);
	close(memory->fd);
}
