// SPDX-License-Identifier: MIT OR GPL-2.0
/* System calls on the descriptors of dma-bufs and sync files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm_gem.h>
#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/sync_file.h>

#include "drm_fixture.h"
#include "syncobj_calls.h"

#define PAGE_B 4096ull
#define BO_PAGES 8

/* What SYNC_IOC_FILE_INFO can be asked for here. */
#define MAX_INFOS 4

static int export_bo(struct linux_file *file, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle args = { .handle = handle, .flags = flags };

	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args), 0);
	return args.fd;
}

/* A sync file of @fence, by way of a syncobj. */
static int export_fence(struct linux_file *file, struct dma_fence *fence)
{
	uint32_t handle = syncobj_create(file, 0);
	int fd;

	syncobj_submit(file, handle, 0, fence);
	assert_int_equal(
		syncobj_to_fd(file, handle,
			      DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
			      &fd),
		0);
	assert_int_equal(syncobj_destroy(file, handle), 0);
	return fd;
}

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN);
}

/* ---------------------------------------------------------------- dma-buf -- */

static void test_lseek(void **state)
{
	struct linux_file *file = fixture_open();
	int fd = export_bo(file, fixture_bo(file, BO_PAGES * PAGE_B, NULL), 0);
	const struct {
		int64_t offset;
		int whence, ret;
		int64_t pos;
	} cases[] = {
		{ 0, SEEK_END, 0, BO_PAGES * PAGE_B }, { 0, SEEK_SET, 0, 0 },
		{ 1, SEEK_SET, -EINVAL },	       { -1, SEEK_END, -EINVAL },
		{ 0, SEEK_CUR, -EINVAL },	       { 0, 77, -EINVAL },
	};
	int64_t pos;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pos = 0;
		assert_int_equal(linux_sys_fd_lseek(fd, cases[i].offset,
						    cases[i].whence, &pos),
				 cases[i].ret);
		assert_int_equal(pos, cases[i].pos);
	}
	assert_int_equal(linux_sys_fd_lseek(0, 0, SEEK_END, &pos), -EBADF);
	close(fd);
	assert_int_equal(linux_sys_fd_lseek(fd, 0, SEEK_END, &pos), -EBADF);
	linux_sys_close(file);
}

static void test_mmap_rules(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, BO_PAGES * PAGE_B, NULL);
	int fd = export_bo(file, handle, DRM_RDWR);
	int read_only =
		export_bo(file, fixture_bo(file, PAGE_B, NULL), DRM_CLOEXEC);
	const int rw = PROT_READ | PROT_WRITE;
	const struct {
		const char *what;
		int fd;
		size_t size_B;
		int prot, flags;
		uint64_t offset;
		int ret;
	} cases[] = {
		{ "all", fd, BO_PAGES * PAGE_B, rw, MAP_SHARED, 0, 0 },
		{ "the last page", fd, PAGE_B, rw, MAP_SHARED, 7 * PAGE_B, 0 },
		{ "beyond the end", fd, 2 * PAGE_B, rw, MAP_SHARED, 7 * PAGE_B,
		  -EINVAL },
		{ "far beyond the end", fd, PAGE_B, rw, MAP_SHARED, 1ull << 62,
		  -EINVAL },
		{ "private", fd, PAGE_B, rw, MAP_PRIVATE, 0, -EINVAL },
		{ "to be read only", read_only, PAGE_B, PROT_READ, MAP_SHARED,
		  0, 0 },
		{ "to be written through a descriptor for reading", read_only,
		  PAGE_B, rw, MAP_SHARED, 0, -EACCES },
		{ "no descriptor of the kernel", 0, PAGE_B, rw, MAP_SHARED, 0,
		  -EBADF },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *addr;
		int ret = linux_sys_fd_mmap(cases[i].fd, NULL, cases[i].size_B,
					    cases[i].prot, cases[i].flags,
					    cases[i].offset, &addr);

		if (ret != cases[i].ret)
			fail_msg("%s: %d instead of %d", cases[i].what, ret,
				 cases[i].ret);
		if (!ret)
			assert_int_equal(linux_sys_munmap(addr,
							  cases[i].size_B),
					 0);
	}
	close(read_only);
	close(fd);
	linux_sys_close(file);
}

/* Every page and offset shows what the node's mapping shows there. */
static void test_mmap_contents(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	uint32_t handle = fixture_bo(file, BO_PAGES * PAGE_B, &offset);
	int fd = export_bo(file, handle, DRM_RDWR);
	char *node = fixture_map(file, offset, BO_PAGES * PAGE_B), *buf;

	for (size_t i = 0; i < BO_PAGES; i++)
		memset(node + i * PAGE_B, 'a' + (int)i, PAGE_B);
	for (size_t first = 0; first < BO_PAGES; first++) {
		for (size_t count = 1; count <= BO_PAGES - first; count++) {
			assert_int_equal(
				linux_sys_fd_mmap(fd, NULL, count * PAGE_B,
						  PROT_READ | PROT_WRITE,
						  MAP_SHARED, first * PAGE_B,
						  (void **)&buf),
				0);
			assert_memory_equal(buf, node + first * PAGE_B,
					    count * PAGE_B);
			buf[0]++;
			assert_int_equal(buf[0], node[first * PAGE_B]);
			assert_int_equal(linux_sys_munmap(buf, count * PAGE_B),
					 0);
		}
	}
	assert_int_equal(linux_sys_munmap(node, BO_PAGES * PAGE_B), 0);
	close(fd);
	linux_sys_close(file);
}

/* A mapping is enough to keep a buffer, and its parts are. */
static void test_mapping_keeps_buffer(void **state)
{
	struct linux_file *file = fixture_open();
	int fd = export_bo(file, fixture_bo(file, BO_PAGES * PAGE_B, NULL),
			   DRM_RDWR);
	char *buf;

	assert_int_equal(linux_sys_fd_mmap(fd, NULL, BO_PAGES * PAGE_B,
					   PROT_READ | PROT_WRITE, MAP_SHARED,
					   0, (void **)&buf),
			 0);
	strcpy(buf + 5 * PAGE_B, "kept");
	close(fd);
	linux_sys_close(file);
	assert_int_equal(linux_sys_munmap(buf + PAGE_B, 2 * PAGE_B), 0);
	assert_int_equal(linux_sys_munmap(buf, PAGE_B), 0);
	assert_string_equal(buf + 5 * PAGE_B, "kept");
	assert_int_equal(fixture_driver_stats().bos, 1);
	assert_int_equal(linux_sys_munmap(buf + 3 * PAGE_B, 5 * PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	assert_int_equal(fixture_ram_pages(), 0);
}

static void test_ioctl_arguments(void **state)
{
	struct linux_file *file = fixture_open();
	int fd = export_bo(file, fixture_bo(file, PAGE_B, NULL), DRM_RDWR);
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START };
	struct dma_buf_export_sync_file export = {};
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_RW,
						   .fd = fd };

	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync),
			 -EINVAL);
	sync.flags = DMA_BUF_SYNC_RW | 8;
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync),
			 -EINVAL);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, NULL),
			 -EFAULT);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
					    &export),
			 -EINVAL);
	export.flags = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END;
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
					    &export),
			 -EINVAL);
	/* A descriptor of the kernel, but no sync file. */
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
					    &import),
			 -EINVAL);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_SET_NAME_B, "name"), 0);
	assert_int_equal(
		linux_sys_fd_ioctl(fd, DMA_BUF_SET_NAME_A,
				   "a name of at least thirty-two characters"),
		-EINVAL);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_SET_NAME_B, NULL),
			 -EFAULT);
	assert_int_equal(linux_sys_fd_ioctl(fd, SYNC_IOC_MERGE, &sync),
			 -ENOTTY);
	assert_int_equal(linux_sys_fd_ioctl(0, DMA_BUF_IOCTL_SYNC, &sync),
			 -EBADF);
	close(fd);
	linux_sys_close(file);
}

/* Exports what an access has to wait for; the caller closes it. */
static int fence_before(int fd, uint32_t flags)
{
	struct dma_buf_export_sync_file args = { .flags = flags, .fd = -1 };

	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
					    &args),
			 0);
	return args.fd;
}

static bool must_wait(int fd, uint32_t flags)
{
	int sync_file = fence_before(fd, flags);
	bool ready = readable(sync_file);

	close(sync_file);
	return !ready;
}

static void add_fence(int fd, uint32_t flags, int sync_file)
{
	struct dma_buf_import_sync_file args = { .flags = flags,
						 .fd = sync_file };

	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
					    &args),
			 0);
}

/* Readers wait for writers, and writers for all. */
static void test_implicit_sync(void **state)
{
	struct linux_file *file = fixture_open();
	int fd = export_bo(file, fixture_bo(file, PAGE_B, NULL), DRM_RDWR);
	struct dma_fence *read = test_fence_create(),
			 *write = test_fence_create();
	int read_fd = export_fence(file, read),
	    write_fd = export_fence(file, write);
	struct dma_buf_sync begin = { .flags = DMA_BUF_SYNC_START |
					       DMA_BUF_SYNC_RW };
	struct dma_buf_sync end = { .flags = DMA_BUF_SYNC_END |
					     DMA_BUF_SYNC_RW };

	assert_false(must_wait(fd, DMA_BUF_SYNC_READ));
	assert_false(must_wait(fd, DMA_BUF_SYNC_WRITE));
	add_fence(fd, DMA_BUF_SYNC_READ, read_fd);
	assert_false(must_wait(fd, DMA_BUF_SYNC_READ));
	assert_true(must_wait(fd, DMA_BUF_SYNC_WRITE));
	assert_true(must_wait(fd, DMA_BUF_SYNC_RW));
	add_fence(fd, DMA_BUF_SYNC_WRITE, write_fd);
	assert_true(must_wait(fd, DMA_BUF_SYNC_READ));

	dma_fence_signal(write);
	assert_false(must_wait(fd, DMA_BUF_SYNC_READ));
	assert_true(must_wait(fd, DMA_BUF_SYNC_WRITE));
	/* The end of an access waits for nothing. */
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &end), 0);
	begin.flags = DMA_BUF_SYNC_READ;
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &begin), 0);
	dma_fence_signal(read);
	begin.flags = DMA_BUF_SYNC_WRITE;
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_SYNC, &begin), 0);
	assert_false(must_wait(fd, DMA_BUF_SYNC_RW));

	close(read_fd);
	close(write_fd);
	close(fd);
	dma_fence_put(read);
	dma_fence_put(write);
	linux_sys_close(file);
}

struct reader {
	int fd;
	atomic_t done;
	int ret;
};

static void *begin_reading(void *arg)
{
	struct reader *reader = arg;
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_READ };

	reader->ret = linux_sys_fd_ioctl(reader->fd, DMA_BUF_IOCTL_SYNC, &sync);
	atomic_set(&reader->done, 1);
	return NULL;
}

static void test_sync_waits(void **state)
{
	struct linux_file *file = fixture_open();
	struct reader reader = {
		.fd = export_bo(file, fixture_bo(file, PAGE_B, NULL), DRM_RDWR),
		.ret = 1,
	};
	struct dma_fence *write = test_fence_create();
	int write_fd = export_fence(file, write);
	pthread_t thread;

	add_fence(reader.fd, DMA_BUF_SYNC_WRITE, write_fd);
	assert_int_equal(pthread_create(&thread, NULL, begin_reading, &reader),
			 0);
	usleep(20000);
	assert_false(atomic_read(&reader.done));
	dma_fence_signal(write);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reader.ret, 0);
	close(write_fd);
	close(reader.fd);
	dma_fence_put(write);
	linux_sys_close(file);
}

/* -------------------------------------------------------------- sync file -- */

static int merge(int a, int b, const char *name)
{
	struct sync_merge_data args = { .fd2 = b, .fence = -1 };
	int ret;

	strcpy(args.name, name);
	ret = linux_sys_fd_ioctl(a, SYNC_IOC_MERGE, &args);
	return ret ? ret : args.fence;
}

static struct sync_file_info get_info(int fd, struct sync_fence_info *infos,
				      uint32_t room)
{
	struct sync_file_info info = {
		.num_fences = room,
		.sync_fence_info = (uintptr_t)infos,
	};

	assert_int_equal(linux_sys_fd_ioctl(fd, SYNC_IOC_FILE_INFO, &info), 0);
	return info;
}

static void test_merge(void **state)
{
	struct linux_file *file = fixture_open();
	struct dma_fence *a = test_fence_create(), *b = test_fence_create();
	int a_fd = export_fence(file, a), b_fd = export_fence(file, b);
	struct sync_fence_info infos[MAX_INFOS];
	struct sync_file_info info;
	int both, again;

	both = merge(a_fd, b_fd, "both");
	assert_true(both >= 0);
	/* What is in it already does not count twice. */
	again = merge(both, a_fd, "again");
	info = get_info(again, NULL, 0);
	assert_int_equal(info.num_fences, 2);
	assert_int_equal(info.status, 0);
	assert_string_equal(info.name, "again");

	dma_fence_signal(a);
	assert_true(readable(a_fd));
	assert_false(readable(both));
	info = get_info(both, infos, MAX_INFOS);
	assert_int_equal(info.num_fences, 2);
	assert_int_equal(info.status, 0);
	assert_int_equal(infos[0].status, 1);
	assert_true(infos[0].timestamp_ns > 0);
	assert_int_equal(infos[1].status, 0);
	assert_int_equal(infos[1].timestamp_ns, 0);
	dma_fence_set_error(b, -EIO);
	dma_fence_signal(b);
	assert_true(readable(both));
	assert_true(readable(again));
	info = get_info(both, infos, 2);
	assert_int_equal(info.status, -EIO);
	assert_int_equal(infos[1].status, -EIO);

	close(both);
	close(again);
	close(a_fd);
	close(b_fd);
	dma_fence_put(a);
	dma_fence_put(b);
	linux_sys_close(file);
}

static void test_sync_file_arguments(void **state)
{
	struct linux_file *file = fixture_open();
	struct dma_fence *a = test_fence_create(), *b = test_fence_create();
	int a_fd = export_fence(file, a), b_fd = export_fence(file, b);
	int both = merge(a_fd, b_fd, "");
	struct sync_merge_data args = { .fd2 = b_fd, .flags = 1 };
	struct sync_fence_info one;
	struct sync_file_info info = { .pad = 1 };
	struct sync_set_deadline deadline = { .deadline_ns = 1 };

	assert_int_equal(linux_sys_fd_ioctl(a_fd, SYNC_IOC_MERGE, &args),
			 -EINVAL);
	assert_int_equal(linux_sys_fd_ioctl(a_fd, SYNC_IOC_MERGE, NULL),
			 -EFAULT);
	assert_int_equal(merge(a_fd, 0, ""), -ENOENT);
	assert_int_equal(linux_sys_fd_ioctl(a_fd, SYNC_IOC_FILE_INFO, &info),
			 -EINVAL);
	info = (struct sync_file_info){ .num_fences = 1,
					.sync_fence_info = (uintptr_t)&one };
	assert_int_equal(linux_sys_fd_ioctl(both, SYNC_IOC_FILE_INFO, &info),
			 -EINVAL); /* not enough room */
	info.sync_fence_info = 0;
	assert_int_equal(linux_sys_fd_ioctl(a_fd, SYNC_IOC_FILE_INFO, &info),
			 -EFAULT);
	assert_int_equal(linux_sys_fd_ioctl(a_fd, SYNC_IOC_SET_DEADLINE,
					    &deadline),
			 0);
	deadline.pad = 1;
	assert_int_equal(linux_sys_fd_ioctl(a_fd, SYNC_IOC_SET_DEADLINE,
					    &deadline),
			 -EINVAL);
	/* Without a name of its own it has its fence's. */
	info = get_info(a_fd, &one, 1);
	assert_non_null(strstr(info.name, one.driver_name));
	assert_non_null(strstr(info.name, one.obj_name));
	assert_int_equal(linux_sys_fd_ioctl(a_fd, DMA_BUF_IOCTL_SYNC, &info),
			 -ENOTTY);

	close(both);
	close(a_fd);
	close(b_fd);
	dma_fence_signal(a);
	dma_fence_signal(b);
	dma_fence_put(a);
	dma_fence_put(b);
	linux_sys_close(file);
}

/* An answer that cannot be written: no descriptor is left of it. */
static void test_read_only_arguments(void **state)
{
	struct linux_file *file = fixture_open();
	int fd = export_bo(file, fixture_bo(file, PAGE_B, NULL), DRM_RDWR);
	struct dma_fence *fence = test_fence_create();
	int sync_file = export_fence(file, fence), next = dup(0);
	void *page = mmap(NULL, PAGE_B, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dma_buf_export_sync_file *export = page;
	struct sync_merge_data *args = page;

	close(next);
	export->flags = DMA_BUF_SYNC_RW;
	mprotect(page, PAGE_B, PROT_READ);
	assert_int_equal(linux_sys_fd_ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
					    export),
			 -EFAULT);
	mprotect(page, PAGE_B, PROT_READ | PROT_WRITE);
	*args = (struct sync_merge_data){ .fd2 = sync_file };
	mprotect(page, PAGE_B, PROT_READ);
	assert_int_equal(linux_sys_fd_ioctl(sync_file, SYNC_IOC_MERGE, args),
			 -EFAULT);
	assert_int_equal(dup(0), next);

	close(next);
	munmap(page, PAGE_B);
	close(sync_file);
	close(fd);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	linux_sys_close(file);
}

/* --------------------------------------------------------------- failures -- */

struct failing {
	int fd; /* a dma-buf */
	int sync_file;
	int other;
};

/* All of it, in turn; each that fails has changed nothing. */
static int call_step(void *arg)
{
	struct failing *failing = arg;
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_READ,
						   .fd = failing->sync_file };
	struct sync_fence_info infos[MAX_INFOS];
	struct sync_file_info info = { .num_fences = MAX_INFOS,
				       .sync_fence_info = (uintptr_t)infos };
	void *addr;
	int ret;

	ret = linux_sys_fd_mmap(failing->fd, NULL, PAGE_B, PROT_READ,
				MAP_SHARED, PAGE_B, &addr);
	if (ret)
		return ret;
	ret = linux_sys_munmap(addr, PAGE_B);
	if (ret)
		return linux_sys_munmap(addr, PAGE_B) ? -EIO : ret;
	ret = linux_sys_fd_ioctl(failing->fd, DMA_BUF_SET_NAME_B, "name");
	if (ret)
		return ret;
	ret = linux_sys_fd_ioctl(failing->fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
				 &import);
	if (ret)
		return ret;
	ret = linux_sys_fd_ioctl(failing->fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				 &export);
	if (ret)
		return ret;
	close(export.fd);
	ret = merge(failing->sync_file, failing->other, "merged");
	if (ret < 0)
		return ret;
	close(ret);
	return linux_sys_fd_ioctl(failing->sync_file, SYNC_IOC_FILE_INFO,
				  &info);
}

static void test_failures(void **state)
{
	struct linux_file *file = fixture_open();
	struct dma_fence *a = test_fence_create(), *b = test_fence_create();
	struct failing failing = {
		.fd = export_bo(file, fixture_bo(file, BO_PAGES * PAGE_B, NULL),
				DRM_RDWR),
		.sync_file = export_fence(file, a),
		.other = export_fence(file, b),
	};

	fixture_fail_each(call_step, &failing, 200);
	close(failing.fd);
	close(failing.sync_file);
	close(failing.other);
	dma_fence_signal(a);
	dma_fence_signal(b);
	dma_fence_put(a);
	dma_fence_put(b);
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define TEST_FRAGMENTED(name)                                                  \
	{ #name "_fragmented", name, fixture_setup_fragmented,                 \
	  fixture_teardown, NULL }
	const struct CMUnitTest tests[] = {
		TEST(test_lseek),
		TEST(test_mmap_rules),
		TEST(test_mmap_contents),
		TEST_FRAGMENTED(test_mmap_contents),
		TEST(test_mapping_keeps_buffer),
		TEST(test_ioctl_arguments),
		TEST(test_implicit_sync),
		TEST(test_sync_waits),
		TEST(test_merge),
		TEST(test_sync_file_arguments),
		TEST(test_read_only_arguments),
		TEST(test_failures),
	};

	return cmocka_run_group_tests_name("drm dma-buf", tests, NULL, NULL);
}
