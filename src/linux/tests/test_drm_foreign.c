// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * dma-bufs of other machines. The other machine is mostly this test, which writes
 * the messages by hand; sometimes it is this kernel, before it booted again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/sync_file.h>

#include "../drm/dma_buf_message.h"
#include "drm_fixture.h"

#define PAGE_B 4096ull

/* ------------------------------------------------------ the other machine -- */

#define OTHER_PAGES 64
#define TABLE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Its RAM; page n begins with 1000 + n. */
static struct {
	int fd;
	char *base;
} other;

static int create_file(uint64_t size_B, unsigned int seals)
{
	int fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size_B), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static volatile uint32_t *other_word(uint64_t page)
{
	return (volatile uint32_t *)(other.base + page * PAGE_B);
}

static int setup(void **state)
{
	other.fd = create_file(OTHER_PAGES * PAGE_B, F_SEAL_SHRINK);
	other.base = mmap(NULL, OTHER_PAGES * PAGE_B, PROT_READ | PROT_WRITE,
			  MAP_SHARED, other.fd, 0);
	assert_true(other.base != MAP_FAILED);
	for (unsigned int i = 0; i < OTHER_PAGES; i++)
		*other_word(i) = 1000 + i;
	return fixture_setup(state);
}

static int setup_fragmented(void **state)
{
	setup(state);
	fixture_shutdown();
	return fixture_setup_fragmented(state);
}

static int teardown(void **state)
{
	int ret = fixture_teardown(state);

	munmap(other.base, OTHER_PAGES * PAGE_B);
	close(other.fd);
	return ret;
}

#define MAX_EXTENTS 8

/* All that makes a message; good_letter() makes one that is right. */
struct letter {
	struct linux_dma_buf_message message;
	struct linux_dma_buf_extent extents[MAX_EXTENTS];
	uint64_t table_B;
	unsigned int table_seals;
	size_t sent_B;
	int ram_fd;
	int num_fds;
	bool swapped; /* the descriptors */
};

/* Pages 9, 3 to 6, 40 and 41, in this order. */
static const unsigned int good_pages[] = { 9, 3, 4, 5, 6, 40, 41 };
#define GOOD_PAGES 7

static struct letter good_letter(void)
{
	return (struct letter){
		.message = { LINUX_DMA_BUF_MAGIC, LINUX_DMA_BUF_VERSION, 1, 17,
			     GOOD_PAGES * PAGE_B, 3 },
		.extents = { { 9 * PAGE_B, PAGE_B },
			     { 3 * PAGE_B, 4 * PAGE_B },
			     { 40 * PAGE_B, 2 * PAGE_B } },
		.table_B = 3 * sizeof(struct linux_dma_buf_extent),
		.table_seals = TABLE_SEALS,
		.sent_B = sizeof(struct linux_dma_buf_message),
		.ram_fd = other.fd,
		.num_fds = 2,
	};
}

static int create_table(const struct letter *letter)
{
	int fd = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)letter->table_B), 0);
	if (letter->table_B)
		assert_true(pwrite(fd, letter->extents,
				   letter->table_B < sizeof(letter->extents) ?
					   letter->table_B :
					   sizeof(letter->extents),
				   0) > 0);
	if (letter->table_seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, letter->table_seals),
				 0);
	return fd;
}

/* The descriptor; *kernel_end_out is the end that stays with its machine. */
static int post(const struct letter *letter, int *kernel_end_out)
{
	char bytes[2 * sizeof(letter->message)] = { 0 };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { bytes, letter->sent_B };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[3] = { letter->ram_fd, create_table(letter), letter->ram_fd };
	int ends[2];

	memcpy(bytes, &letter->message, sizeof(letter->message));
	if (letter->swapped) {
		fds[0] = fds[1];
		fds[1] = fds[2];
	}
	if (letter->num_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(letter->num_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len =
			CMSG_LEN(letter->num_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds,
		       letter->num_fds * sizeof(int));
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    ends),
			 0);
	assert_int_equal(sendmsg(ends[1], &msg, 0), letter->sent_B);
	close(letter->swapped ? fds[0] : fds[1]);
	*kernel_end_out = ends[1];
	return ends[0];
}

static int post_good(int *kernel_end_out)
{
	const struct letter letter = good_letter();

	return post(&letter, kernel_end_out);
}

/* ------------------------------------------------------------ shorthands -- */

static int to_handle(struct linux_file *file, int fd, uint32_t *handle_out)
{
	struct drm_prime_handle args = { .fd = fd };
	int ret = linux_sys_ioctl(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle_out = args.handle;
	return ret;
}

static int to_fd(struct linux_file *file, uint32_t handle, uint32_t flags,
		 int *fd_out)
{
	struct drm_prime_handle args = { .handle = handle, .flags = flags };
	int ret = linux_sys_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*fd_out = args.fd;
	return ret;
}

static bool hung_up(int kernel_end)
{
	struct pollfd pfd = { .fd = kernel_end };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP);
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Of this process: what is left behind is found. */
static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* What a device would load: the first word of a page of an object. */
static volatile uint32_t *device_word(struct linux_file *file, uint32_t handle,
				      unsigned int page)
{
	struct drm_gem_object *obj = fixture_lookup(file, handle);
	struct sg_table *sgt =
		drm_gem_shmem_get_pages_sgt(to_drm_gem_shmem_obj(obj));
	uint64_t skip = page * PAGE_B;
	volatile uint32_t *word = NULL;
	struct scatterlist *sg;
	unsigned int i;

	assert_true(drm_gem_is_imported(obj));
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (!word && skip < sg_dma_len(sg))
			word = fixture_ram(sg_dma_address(sg) + skip);
		skip -= sg_dma_len(sg);
	}
	drm_gem_object_put(obj);
	assert_non_null((void *)word);
	return word;
}

static uint64_t mmap_offset(struct linux_file *file, uint32_t handle)
{
	struct drm_gem_object *obj = fixture_lookup(file, handle);
	uint64_t offset = drm_vma_node_offset_addr(&obj->vma_node);

	drm_gem_object_put(obj);
	return offset;
}

/* ------------------------------------------------------------------ tests -- */

/* The device and processes see each page, in both directions. */
static void test_import(void **state)
{
	int kernel_end, fd = post_good(&kernel_end), before = count_fds();
	struct linux_file *file = fixture_open();
	uint64_t pages = fixture_ram_pages();
	uint32_t handle;
	char *user;

	assert_int_equal(to_handle(file, fd, &handle), 0);
	user = fixture_map(file, mmap_offset(file, handle),
			   GOOD_PAGES * PAGE_B);
	for (unsigned int i = 0; i < GOOD_PAGES; i++) {
		volatile uint32_t *device = device_word(file, handle, i);
		volatile uint32_t *cpu = (uint32_t *)(user + i * PAGE_B);

		assert_int_equal(*device, 1000 + good_pages[i]);
		assert_int_equal(*cpu, 1000 + good_pages[i]);
		device[1] = 1;
		cpu[2] = 2;
		other_word(good_pages[i])[3] = 3;
		assert_int_equal(other_word(good_pages[i])[1], 1);
		assert_int_equal(other_word(good_pages[i])[2], 2);
		assert_int_equal(device[3], 3);
		assert_int_equal(cpu[3], 3);
	}
	assert_int_equal(linux_sys_munmap(user, GOOD_PAGES * PAGE_B), 0);
	assert_int_equal(fixture_ram_pages(), pages + GOOD_PAGES);
	close(fd);
	assert_false(hung_up(kernel_end));
	assert_int_equal(fixture_gem_close(file, handle), 0);
	/* Now the other machine may do with its pages as it likes. */
	assert_true(hung_up(kernel_end));
	assert_int_equal(fixture_ram_pages(), pages);
	assert_int_equal(count_fds(), before - 1);
	assert_int_equal(*other_word(9), 1009);
	close(kernel_end);
	linux_sys_close(file);
}

/* Other descriptors of it lead to the same; another buffer's do not. */
static void test_identity(void **state)
{
	struct linux_file *a = fixture_open(), *b = fixture_open();
	struct letter letter = good_letter();
	int fd[4], kernel_end[3];
	uint32_t first, second, third;

	fd[0] = post(&letter, &kernel_end[0]);
	fd[1] = post(&letter, &kernel_end[1]);
	letter.message.id++;
	fd[2] = post(&letter, &kernel_end[2]);
	fd[3] = dup(fd[1]);
	assert_int_equal(to_handle(a, fd[0], &first), 0);
	assert_int_equal(to_handle(a, fd[0], &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(to_handle(a, fd[3], &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(to_handle(a, fd[2], &third), 0);
	assert_int_not_equal(first, third);
	/* Another file has handles of its own, for the same memory here. */
	assert_int_equal(to_handle(b, fd[1], &second), 0);
	assert_ptr_equal((void *)device_word(a, first, 2),
			 (void *)device_word(b, second, 2));
	assert_ptr_not_equal((void *)device_word(a, first, 2),
			     (void *)device_word(a, third, 2));
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	linux_sys_close(a);
	assert_int_equal(*device_word(b, second, 1), 1003);
	linux_sys_close(b);
	for (int i = 0; i < 3; i++) {
		assert_true(hung_up(kernel_end[i]));
		close(kernel_end[i]);
	}
}

/* Before it is imported, and while it is. */
static void check_calls(int fd)
{
	struct dma_buf_sync sync = { DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	struct dma_buf_export_sync_file export = { DMA_BUF_SYNC_RW, -1 };
	struct dma_buf_import_sync_file import = { DMA_BUF_SYNC_RW, -1 };
	int64_t pos = -1;
	void *user;

	assert_int_equal(linux_sys_fd_lseek(fd, 0, SEEK_END, &pos), 0);
	assert_int_equal(pos, GOOD_PAGES * PAGE_B);
	assert_int_equal(linux_sys_fd_lseek(fd, 1, SEEK_SET, &pos), -EINVAL);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync), 0);
	sync.flags = 0;
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync),
			 -EINVAL);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_SET_NAME_B, "name"), 0);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
					    &export),
			 -ENOTTY);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
					    &import),
			 -ENOTTY);

	/* From the second page of the second extent on. */
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, 4 * PAGE_B,
					   PROT_READ | PROT_WRITE, MAP_SHARED,
					   2 * PAGE_B, &user),
			 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(((uint32_t *)user)[i * PAGE_B / 4],
				 1000 + good_pages[2 + i]);
	assert_int_equal(linux_sys_munmap(user, 4 * PAGE_B), 0);
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_READ,
					   MAP_SHARED, GOOD_PAGES * PAGE_B,
					   &user),
			 -EINVAL);
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_READ,
					   MAP_PRIVATE, 0, &user),
			 -EINVAL);
}

static void test_calls(void **state)
{
	int kernel_end, fd = post_good(&kernel_end);
	struct linux_file *file = fixture_open();
	uint64_t pages = fixture_ram_pages();
	uint32_t handle;

	check_calls(fd);
	/* None of that takes addresses, nor anything that lasts. */
	assert_int_equal(fixture_ram_pages(), pages);
	assert_int_equal(to_handle(file, fd, &handle), 0);
	check_calls(fd);
	linux_sys_close(file);
	check_calls(fd);
	close(fd);
	assert_true(hung_up(kernel_end));
	close(kernel_end);
}

/* What the exporter gave out for reading is read. */
static void test_read_only(void **state)
{
	struct letter letter = good_letter();
	int kernel_end, fd;
	void *user;

	letter.message.writable = 0;
	fd = post(&letter, &kernel_end);
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_WRITE,
					   MAP_SHARED, 0, &user),
			 -EACCES);
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_READ,
					   MAP_SHARED, 0, &user),
			 0);
	assert_int_equal(*(uint32_t *)user, 1009);
	assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
	close(fd);
	close(kernel_end);
}

/* A mapping is all that is left, then a part of it, then nothing. */
static void test_mapping_keeps_it(void **state)
{
	int kernel_end, fd = post_good(&kernel_end);
	struct linux_file *file = fixture_open();
	uint32_t handle;
	char *user;

	assert_int_equal(to_handle(file, fd, &handle), 0);
	user = fixture_map(file, mmap_offset(file, handle),
			   GOOD_PAGES * PAGE_B);
	close(fd);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	linux_sys_close(file);
	assert_int_equal(linux_sys_munmap(user + 2 * PAGE_B, PAGE_B), 0);
	assert_false(hung_up(kernel_end));
	assert_int_equal(*(uint32_t *)(user + 3 * PAGE_B), 1005);
	assert_int_equal(linux_sys_munmap(user, 2 * PAGE_B), 0);
	assert_false(hung_up(kernel_end));
	assert_int_equal(linux_sys_munmap(user + 3 * PAGE_B, 4 * PAGE_B), 0);
	assert_true(hung_up(kernel_end));
	close(kernel_end);
}

/* It is handed on as what it is: another copy of the same descriptor. */
static void test_export_again(void **state)
{
	int kernel_end, fd = post_good(&kernel_end), out;
	struct linux_file *a = fixture_open(), *b = fixture_open();
	uint32_t handle, again;

	assert_int_equal(to_handle(a, fd, &handle), 0);
	assert_int_equal(to_fd(a, handle, DRM_CLOEXEC, &out), 0);
	assert_int_equal(fcntl(out, F_GETFD), FD_CLOEXEC);
	assert_int_equal(inode(out), inode(fd));
	close(out);
	close(fd);
	assert_int_equal(to_fd(a, handle, 0, &out), 0);
	assert_int_equal(fcntl(out, F_GETFD), 0);
	linux_sys_close(a);
	assert_false(hung_up(kernel_end));
	assert_int_equal(to_handle(b, out, &again), 0);
	assert_int_equal(*device_word(b, again, 5), 1040);
	close(out);
	linux_sys_close(b);
	assert_true(hung_up(kernel_end));
	close(kernel_end);
}

/* The other machine is gone; its memory is not. */
static void test_exporter_gone(void **state)
{
	int kernel_end, fd = post_good(&kernel_end);
	struct linux_file *file = fixture_open();
	uint32_t handle;

	close(kernel_end);
	check_calls(fd);
	assert_int_equal(to_handle(file, fd, &handle), 0);
	assert_int_equal(*device_word(file, handle, 0), 1009);
	close(fd);
	assert_int_equal(*device_word(file, handle, 6), 1041);
	linux_sys_close(file);
}

/* More than there are addresses for. */
static void test_too_large(void **state)
{
	struct letter letter = good_letter();
	struct linux_file *file = fixture_open();
	int kernel_end, fd, before;
	uint64_t pages = fixture_ram_pages();
	uint32_t handle;
	int64_t pos;

	letter.ram_fd = create_file(4 * FIXTURE_RAM_B, F_SEAL_SHRINK);
	letter.message.size_B = 2 * FIXTURE_RAM_B;
	letter.message.num_extents = 1;
	letter.table_B = sizeof(letter.extents[0]);
	letter.extents[0].size_B = 2 * FIXTURE_RAM_B;
	fd = post(&letter, &kernel_end);
	before = count_fds();
	assert_int_equal(to_handle(file, fd, &handle), -ENOMEM);
	assert_int_equal(fixture_ram_pages(), pages);
	assert_int_equal(count_fds(), before);
	assert_int_equal(linux_sys_fd_lseek(fd, 0, SEEK_END, &pos), 0);
	assert_int_equal(pos, 2 * FIXTURE_RAM_B);
	close(fd);
	close(kernel_end);
	close(letter.ram_fd);
	linux_sys_close(file);
}

/* ----------------------------------------------------------- bad messages -- */

static void assert_refused(int fd)
{
	struct linux_file *file = fixture_open();
	uint64_t pages = fixture_ram_pages();
	int before = count_fds();
	uint32_t handle;
	int64_t pos;

	assert_int_equal(to_handle(file, fd, &handle), -EINVAL);
	assert_int_equal(linux_sys_fd_lseek(fd, 0, SEEK_END, &pos), -EBADF);
	assert_int_equal(count_fds(), before);
	assert_int_equal(fixture_ram_pages(), pages);
	linux_sys_close(file);
}

static void refuse_letter(const struct letter *letter)
{
	int kernel_end, fd = post(letter, &kernel_end);

	assert_refused(fd);
	close(fd);
	close(kernel_end);
}

#define REFUSE(change)                                                         \
	do {                                                                   \
		struct letter letter = good_letter();                          \
		change;                                                        \
		refuse_letter(&letter);                                        \
	} while (0)

static void test_bad_messages(void **state)
{
	REFUSE(letter.message.magic++);
	REFUSE(letter.message.version++);
	REFUSE(letter.message.version--);
	REFUSE(letter.message.writable = 2);
	REFUSE(letter.message.size_B = 0);
	REFUSE(letter.message.size_B--);
	REFUSE(letter.message.size_B = 1ull << 63);
	REFUSE(letter.message.num_extents = 0);
	REFUSE(letter.message.num_extents = 2);
	REFUSE(letter.message.num_extents = 4);
	REFUSE(letter.message.num_extents = 1ull << 60);
	REFUSE((letter.message.num_extents = 0, letter.table_B = 0));
	/* Cut off, or followed by more. */
	REFUSE(letter.sent_B--);
	REFUSE(letter.sent_B = 8);
	REFUSE(letter.sent_B = 1);
	REFUSE(letter.sent_B++);
	/* Descriptors: none, too few, too many, exchanged. */
	REFUSE(letter.num_fds = 0);
	REFUSE(letter.num_fds = 1);
	REFUSE(letter.num_fds = 3);
	REFUSE(letter.swapped = true);
	/* A table that may change, or is of another size. */
	REFUSE(letter.table_seals = 0);
	REFUSE(letter.table_seals &= ~F_SEAL_WRITE);
	REFUSE(letter.table_seals &= ~F_SEAL_SHRINK);
	REFUSE(letter.table_B++);
	REFUSE(letter.table_B--);
}

static void test_bad_extents(void **state)
{
	const uint64_t end = OTHER_PAGES * PAGE_B;

	/* All good, beside the edges of what is not. */
	struct letter letter = good_letter();
	int kernel_end, fd;
	int64_t pos;

	letter.extents[2].offset = end - 2 * PAGE_B;
	fd = post(&letter, &kernel_end);
	assert_int_equal(linux_sys_fd_lseek(fd, 0, SEEK_END, &pos), 0);
	close(fd);
	close(kernel_end);

	REFUSE(letter.extents[2].offset = end - PAGE_B);
	REFUSE(letter.extents[2].offset = end);
	REFUSE(letter.extents[2].offset = end + PAGE_B);
	REFUSE(letter.extents[2].offset = -PAGE_B);
	REFUSE(letter.extents[1].offset += 8);
	REFUSE(letter.extents[1].size_B -= 8);
	REFUSE(letter.extents[1].size_B = 0);
	REFUSE(letter.extents[1].size_B = 3 * PAGE_B);
	REFUSE(letter.extents[1].size_B = 5 * PAGE_B);
	REFUSE(letter.extents[0].size_B = -PAGE_B);
	/* The sum is right, but not without running over. */
	REFUSE((letter.extents[0].size_B = -PAGE_B,
		letter.extents[1].size_B += 2 * PAGE_B));
}

static void test_bad_files(void **state)
{
	int pipe_fds[2], fd;
	char path[32];

	fd = create_file(OTHER_PAGES * PAGE_B, 0);
	REFUSE(letter.ram_fd = fd);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", other.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	REFUSE(letter.ram_fd = fd);
	close(fd);
	fd = create_file(0, F_SEAL_SHRINK);
	REFUSE(letter.ram_fd = fd);
	close(fd);
	assert_int_equal(pipe(pipe_fds), 0);
	REFUSE(letter.ram_fd = pipe_fds[0]);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* A program's own sockets are none of ours, and stay as they are. */
static void test_other_sockets(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	char text[4096];
	int ends[2];

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(socketpair(AF_UNIX, types[i], 0, ends), 0);
		assert_refused(ends[0]);
		memset(text, 'x', sizeof(text));
		assert_int_equal(send(ends[1], text, 100, 0), 100);
		assert_refused(ends[0]);
		assert_int_equal(recv(ends[0], text, sizeof(text), 0), 100);
		close(ends[1]);
		assert_refused(ends[0]);
		close(ends[0]);
	}
	ends[0] = socket(AF_INET, SOCK_DGRAM, 0);
	if (ends[0] >= 0) {
		assert_refused(ends[0]);
		close(ends[0]);
	}
}

/* ------------------------------------------------------------- failures -- */

static void test_no_descriptors_left(void **state)
{
	struct linux_file *file = fixture_open();
	int filler[64], num = 0, before, ret, i;
	int kernel_end, fd = post_good(&kernel_end);
	struct rlimit limit, tight;
	uint32_t handle;

	/* No number is free below the last one. */
	do {
		assert_true(num < 64);
		filler[num] = dup(fd);
	} while (filler[num++] < kernel_end);
	before = count_fds();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Room for none, for one, and so on. */
	for (i = 0; i < 10; i++) {
		tight = (struct rlimit){ filler[num - 1] + 1 + i,
					 limit.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		ret = to_handle(file, fd, &handle);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (!ret)
			break;
		assert_int_equal(ret, -EMFILE);
		assert_int_equal(count_fds(), before);
	}
	/* The copy, and the two files of the message; some may be in use. */
	assert_in_range(i, 3, 9);
	linux_sys_close(file);
	while (num)
		close(filler[--num]);
	close(fd);
	close(kernel_end);
}

struct step {
	struct linux_file *file;
	int fd;
};

static int import_step(void *arg)
{
	const struct step *step = arg;
	uint64_t pages = fixture_ram_pages();
	int before = count_fds(), out, ret;
	uint32_t handle;
	void *user;

	ret = linux_sys_fd_mmap(step->fd, NULL, 3 * PAGE_B, PROT_READ,
				MAP_SHARED, 0, &user);
	if (ret)
		goto out;
	ret = to_handle(step->file, step->fd, &handle);
	if (ret)
		goto out_unmap;
	ret = to_fd(step->file, handle, DRM_CLOEXEC, &out);
	if (!ret)
		close(out);
	assert_int_equal(fixture_gem_close(step->file, handle), 0);
out_unmap:
	/* Where that is what fails, nothing has changed. */
	if (linux_sys_munmap(user, 3 * PAGE_B))
		assert_int_equal(linux_sys_munmap(user, 3 * PAGE_B), 0);
out:
	assert_int_equal(fixture_ram_pages(), pages);
	assert_int_equal(count_fds(), before);
	return ret;
}

static void test_failures(void **state)
{
	int kernel_end;
	struct step step = { fixture_open(), post_good(&kernel_end) };

	fixture_fail_each(import_step, &step, 200);
	linux_sys_close(step.file);
	close(step.fd);
	assert_true(hung_up(kernel_end));
	close(kernel_end);
}

/* --------------------------------------------------------------- threads -- */

enum { STRESS_ROUNDS = 300, STRESS_BUFFERS = 3 };

struct stress {
	struct linux_file *file;
	const int *fds;
	unsigned int seed;
};

static void *stress_thread(void *arg)
{
	struct stress *stress = arg;

	for (int i = 0; i < STRESS_ROUNDS; i++) {
		int fd = stress->fds[rand_r(&stress->seed) % STRESS_BUFFERS];
		uint32_t handle;
		int64_t pos;
		void *user;
		int ret;

		FIXTURE_CHECK(!linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_READ,
						 MAP_SHARED, PAGE_B, &user));
		FIXTURE_CHECK(*(volatile uint32_t *)user == 1003);
		FIXTURE_CHECK(!to_handle(stress->file, fd, &handle));
		FIXTURE_CHECK(!linux_sys_fd_lseek(fd, 0, SEEK_END, &pos));
		FIXTURE_CHECK(pos == GOOD_PAGES * PAGE_B);
		FIXTURE_CHECK(!linux_sys_munmap(user, PAGE_B));
		/* Another thread may have had the same handle. */
		ret = fixture_gem_close(stress->file, handle);
		FIXTURE_CHECK(!ret || ret == -EINVAL);
	}
	return NULL;
}

static void test_stress(void **state)
{
	struct linux_file *files[2] = { fixture_open(), fixture_open() };
	int fds[STRESS_BUFFERS], kernel_ends[STRESS_BUFFERS];
	struct letter letter = good_letter();
	struct stress stress[4];
	pthread_t threads[4];

	for (int i = 0; i < STRESS_BUFFERS; i++) {
		/* Two of them are the same buffer. */
		letter.message.id = i / 2;
		fds[i] = post(&letter, &kernel_ends[i]);
	}
	for (int i = 0; i < 4; i++) {
		stress[i] = (struct stress){ files[i % 2], fds, 7 + i };
		assert_int_equal(pthread_create(&threads[i], NULL,
						stress_thread, &stress[i]),
				 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	linux_sys_close(files[0]);
	linux_sys_close(files[1]);
	assert_int_equal(fixture_ram_pages(), 0);
	for (int i = 0; i < STRESS_BUFFERS; i++) {
		close(fds[i]);
		assert_true(hung_up(kernel_ends[i]));
		close(kernel_ends[i]);
	}
}

/* ------------------------------------------------------ this kernel's own -- */

/* A BO of four pages that says "mine" in the third, as a descriptor. */
static int export_mine(struct linux_file *file, uint32_t flags)
{
	uint64_t offset;
	uint32_t handle = fixture_bo(file, 4 * PAGE_B, &offset);
	char *user = fixture_map(file, offset, 4 * PAGE_B);
	int fd;

	strcpy(user + 2 * PAGE_B, "mine");
	assert_int_equal(linux_sys_munmap(user, 4 * PAGE_B), 0);
	assert_int_equal(to_fd(file, handle, flags, &fd), 0);
	return fd;
}

/* Pages are there from the export on, and go with the last descriptor. */
static void test_export_pins(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, 4 * PAGE_B, NULL);
	uint64_t pages = fixture_ram_pages();
	int fd;

	assert_int_equal(to_fd(file, handle, DRM_CLOEXEC, &fd), 0);
	assert_int_equal(fixture_ram_pages(), pages + 4);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	linux_sys_close(fixture_open());
	assert_int_equal(fixture_ram_pages(), pages + 4);
	close(fd);
	linux_sys_close(file);
	assert_int_equal(fixture_ram_pages(), pages);
}

/* The next machine is another one, for which the last one's memory is foreign. */
static void check_other_boot(uint32_t flags, enum fixture_ram ram)
{
	struct linux_file *file = fixture_open();
	int fd = export_mine(file, flags);
	uint32_t handle;
	void *user;

	linux_sys_close(file);
	fixture_expect_leaks(1);
	fixture_shutdown();
	fixture_boot(ram);

	file = fixture_open();
	assert_int_equal(to_handle(file, fd, &handle), 0);
	assert_string_equal((char *)device_word(file, handle, 2), "mine");
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_WRITE,
					   MAP_SHARED, 0, &user),
			 flags & DRM_RDWR ? 0 : -EACCES);
	if (flags & DRM_RDWR)
		assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
	close(fd);
	linux_sys_close(file);
}

static void test_other_boot(void **state)
{
	check_other_boot(DRM_CLOEXEC | DRM_RDWR, FIXTURE_RAM_CONTIGUOUS);
	check_other_boot(DRM_CLOEXEC, FIXTURE_RAM_FRAGMENTED);
}

/*
 * What only another process has open is none of this one's leaks, and keeps its
 * contents when the machine goes.
 */
static void test_open_elsewhere(void **state)
{
	struct linux_file *file = fixture_open();
	int fd = export_mine(file, DRM_CLOEXEC | DRM_RDWR), gate[2], status;
	pid_t child;
	void *user;
	char byte;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) ? 1 : 0);
	}
	close(gate[0]);
	/* The child's copy, as a process would get it that imports it. */
	assert_int_equal(linux_sys_fd_mmap(fd, NULL, PAGE_B, PROT_READ,
					   MAP_SHARED, 2 * PAGE_B, &user),
			 0);
	assert_string_equal(user, "mine");
	assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
	close(fd);
	linux_sys_close(file);
	fixture_shutdown();
	close(gate[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture_boot(FIXTURE_RAM_CONTIGUOUS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_FRAGMENTED(name)                                                  \
	cmocka_unit_test_setup_teardown(name, setup_fragmented, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_import),
		TEST_FRAGMENTED(test_import),
		TEST(test_identity),
		TEST(test_calls),
		TEST(test_read_only),
		TEST(test_mapping_keeps_it),
		TEST(test_export_again),
		TEST(test_exporter_gone),
		TEST(test_too_large),
		TEST(test_bad_messages),
		TEST(test_bad_extents),
		TEST(test_bad_files),
		TEST(test_other_sockets),
		TEST(test_no_descriptors_left),
		TEST(test_failures),
		TEST_FRAGMENTED(test_failures),
		TEST(test_stress),
		TEST(test_export_pins),
		TEST(test_other_boot),
		TEST(test_open_elsewhere),
	};

	return cmocka_run_group_tests_name("drm foreign", tests, NULL, NULL);
}
