// SPDX-License-Identifier: MIT OR GPL-2.0
/* Syncobjs and descriptors: eventfds, sharing, sync files. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/dma-fence.h>

#include "drm_fixture.h"
#include "syncobj_calls.h"

/* -------------------------------------------------------------- eventfd -- */

static uint64_t event_count(int event)
{
	uint64_t count = 0;

	if (read(event, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

static void test_eventfd(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);
	struct dma_fence *fence = test_fence_create();
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct drm_syncobj_eventfd args = {
		.handle = handle, .point = 5, .fd = event};
	const unsigned int cmd = DRM_IOCTL_SYNCOBJ_EVENTFD;

	assert_int_equal(linux_sys_ioctl(file, cmd, &args), 0);
	args.flags = AVAILABLE;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), 0);
	assert_int_equal(event_count(event), 0);
	syncobj_submit(file, handle, 4, fence);
	assert_int_equal(event_count(event), 0);
	syncobj_submit(file, handle, 5, fence);
	assert_int_equal(event_count(event), 1); /* available */
	dma_fence_signal(fence);
	assert_int_equal(event_count(event), 1); /* signalled */
	/* Too late: at once. */
	args.flags = 0;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), 0);
	assert_int_equal(event_count(event), 1);

	args.flags = ALL;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), -EINVAL);
	args.flags = 0;
	args.pad = 1;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), -EINVAL);
	args.pad = 0;
	args.handle = 99;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), -ENOENT);
	args.handle = handle;
	args.fd = 1000;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), -EBADF);
	args.fd = STDIN_FILENO;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), -EINVAL);

	/* Still waiting when all goes; closed by its owner before. */
	args.fd = event;
	args.point = 1000;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), 0);
	close(event);
	dma_fence_put(fence);
	linux_sys_close(file);
}

/* ---------------------------------------------------------- descriptors -- */

static void test_fd_share(void **state)
{
	struct linux_file *a = fixture_open(), *b = fixture_open();
	uint32_t handle = syncobj_create(a, 0), other = 0;
	int fd;

	assert_int_equal(syncobj_to_fd(a, handle, 0, &fd), 0);
	assert_int_equal(syncobj_from_fd(b, fd, 0, &other), 0);
	close(fd);
	assert_int_equal(syncobj_wait_one(b, other, FOR_SUBMIT, 0), -ETIME);
	assert_int_equal(syncobj_signal_one(a, handle), 0);
	assert_int_equal(syncobj_wait_one(b, other, 0, 0), 0);
	linux_sys_close(a);
	assert_int_equal(syncobj_wait_one(b, other, 0, 0), 0);
	linux_sys_close(b);
}

static int readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN);
}

static void test_sync_file(void **state)
{
	const uint32_t export = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
	const uint32_t import = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
	struct linux_file *a = fixture_open(), *b = fixture_open();
	uint32_t source = syncobj_create(a, 0), target = syncobj_create(b, 0),
		 unknown = 99;
	struct dma_fence *fence = test_fence_create();
	int fd, syncobj_fd;

	/* A sync_file is made of a fence: there must be one. */
	assert_int_equal(syncobj_to_fd(a, source, export, &fd), -EINVAL);
	assert_int_equal(syncobj_to_fd(a, unknown, export, &fd), -ENOENT);
	syncobj_submit(a, source, 0, fence);
	assert_int_equal(syncobj_to_fd(a, source, export, &fd), 0);
	assert_false(readable(fd));
	assert_int_equal(syncobj_from_fd(b, fd, import, &target), 0);
	assert_int_equal(syncobj_from_fd(b, fd, import, &unknown), -ENOENT);
	/* It is that fence, not what the syncobj holds later. */
	assert_int_equal(syncobj_signal_one(a, source), 0);
	assert_int_equal(syncobj_wait_one(b, target, 0, 0), -ETIME);
	dma_fence_signal(fence);
	assert_true(readable(fd));
	assert_int_equal(syncobj_wait_one(b, target, 0, 0), 0);
	close(fd);
	/* Signalled already. */
	assert_int_equal(syncobj_to_fd(a, source, export, &fd), 0);
	assert_true(readable(fd));

	/* Each kind of descriptor is good for its own import only. */
	assert_int_equal(syncobj_to_fd(a, source, 0, &syncobj_fd), 0);
	assert_int_equal(syncobj_from_fd(b, syncobj_fd, import, &target),
			 -EINVAL);
	assert_int_equal(syncobj_from_fd(b, fd, 0, &target), -EINVAL);
	assert_int_equal(syncobj_from_fd(b, STDIN_FILENO, 0, &target), -EINVAL);
	assert_int_equal(syncobj_from_fd(b, -1, import, &target), -EINVAL);
	close(syncobj_fd);
	close(fd);
	dma_fence_put(fence);
	linux_sys_close(a);
	linux_sys_close(b);
}

/* More descriptors than are looked at each time; closed ones give way. */
static void test_many_fds(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);
	int fds[100];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			assert_int_equal(
				syncobj_to_fd(file, handle, 0, &fds[i]), 0);
		for (int i = 0; i < 100; i++) {
			uint32_t copy = 0;

			assert_int_equal(
				syncobj_from_fd(file, fds[i], 0, &copy), 0);
			assert_int_equal(syncobj_destroy(file, copy), 0);
			close(fds[i]);
		}
	}
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_eventfd),
		TEST(test_fd_share),
		TEST(test_sync_file),
		TEST(test_many_fds),
	};

	return cmocka_run_group_tests_name("drm syncobj fd", tests, NULL, NULL);
}
