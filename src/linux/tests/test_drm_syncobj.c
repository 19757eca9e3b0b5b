// SPDX-License-Identifier: MIT OR GPL-2.0
/* Every syncobj ioctl, with and without somebody on the other side. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "drm_fixture.h"
#include "syncobj_calls.h"

/* --------------------------------------------------------------- binary -- */

static void test_binary(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t empty = syncobj_create(file, 0);
	uint32_t signaled = syncobj_create(file, DRM_SYNCOBJ_CREATE_SIGNALED);
	int64_t start;

	assert_int_equal(syncobj_wait_one(file, signaled, 0, 0), 0);
	/* Nothing was submitted: an error, unless one waits for that too. */
	assert_int_equal(syncobj_wait_one(file, empty, 0, 0), -EINVAL);
	start = fixture_now_ns();
	assert_int_equal(syncobj_wait_one(file, empty, FOR_SUBMIT, 20 * MS),
			 -ETIME);
	assert_true(fixture_now_ns() - start >= 20 * MS);
	assert_int_equal(syncobj_wait_one(file, empty, FOR_SUBMIT, -5 * MS),
			 -ETIME);

	assert_int_equal(syncobj_signal_one(file, empty), 0);
	assert_int_equal(syncobj_wait_one(file, empty, 0, 0), 0);
	assert_int_equal(syncobj_reset_one(file, empty), 0);
	assert_int_equal(syncobj_wait_one(file, empty, 0, 0), -EINVAL);
	/* A binary syncobj has no points. */
	assert_int_equal(syncobj_query(file, signaled, 0), 0);
	assert_int_equal(syncobj_query(file, signaled, LAST_SUBMITTED), 0);
	assert_int_equal(syncobj_wait_point(file, signaled, 1, 0, 0), -EINVAL);
	assert_int_equal(syncobj_wait_point(file, signaled, 0, 0, 0), 0);
	assert_int_equal(syncobj_destroy(file, empty), 0);
	linux_sys_close(file);
}

static void test_pending_fence(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);
	struct dma_fence *fence = test_fence_create();

	syncobj_submit(file, handle, 0, fence);
	assert_int_equal(syncobj_wait_one(file, handle, 0, 0), -ETIME);
	assert_int_equal(syncobj_wait_one(file, handle, 0, 5 * MS), -ETIME);
	/* It is there, which is all that is asked for. */
	assert_int_equal(syncobj_wait_point(file, handle, 0, AVAILABLE, 0), 0);
	dma_fence_signal(fence);
	assert_int_equal(syncobj_wait_one(file, handle, 0, 0), 0);
	dma_fence_put(fence);
	linux_sys_close(file);
}

static void test_wait_any_all(void **state)
{
	struct linux_file *file = fixture_open();
	struct dma_fence *fence = test_fence_create();
	/* More than fit into the dispatcher's inline arrays. */
	uint32_t handles[100], first;

	for (int i = 0; i < 100; i++) {
		handles[i] = syncobj_create(file, 0);
		syncobj_submit(file, handles[i], 0, fence);
	}
	assert_int_equal(syncobj_wait_n(file, handles, 100, 0, 0, &first),
			 -ETIME);
	assert_int_equal(first, 99);
	assert_int_equal(syncobj_signal_one(file, handles[70]), 0);
	assert_int_equal(syncobj_wait_n(file, handles, 100, 0, 0, &first), 0);
	assert_int_equal(first, 70);
	assert_int_equal(syncobj_wait_n(file, handles, 100, ALL, 0, &first),
			 -ETIME);
	dma_fence_signal(fence);
	assert_int_equal(syncobj_wait_n(file, handles, 100, ALL, 0, &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET,
					     handles, 100),
			 0);
	assert_int_equal(syncobj_wait_n(file, handles, 100, 0, 0, &first),
			 -EINVAL);
	dma_fence_put(fence);
	linux_sys_close(file);
}

/* -------------------------------------------------------------- timeline -- */

static void test_timeline(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);

	assert_int_equal(syncobj_query(file, handle, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 1, 0, 0), -EINVAL);
	assert_int_equal(syncobj_signal_point(file, handle, 5), 0);
	assert_int_equal(syncobj_query(file, handle, 0), 5);
	assert_int_equal(syncobj_wait_point(file, handle, 5, 0, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 3, 0, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 6, 0, 0), -EINVAL);
	assert_int_equal(syncobj_wait_point(file, handle, 6, FOR_SUBMIT, 0),
			 -ETIME);
	assert_int_equal(syncobj_signal_point(file, handle, 1ull << 63), 0);
	assert_int_equal(syncobj_query(file, handle, 0), 1ull << 63);
	linux_sys_close(file);
}

/*
 *	point	10	20	30
 *	fence	a	b	c	which signal in the order b, a, c
 */
static void test_timeline_order(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);
	struct dma_fence *a = test_fence_create(), *b = test_fence_create(),
			 *c = test_fence_create();

	syncobj_submit(file, handle, 10, a);
	syncobj_submit(file, handle, 20, b);
	syncobj_submit(file, handle, 30, c);
	assert_int_equal(syncobj_query(file, handle, 0), 0);
	assert_int_equal(syncobj_query(file, handle, LAST_SUBMITTED), 30);
	assert_int_equal(syncobj_wait_point(file, handle, 10, 0, 0), -ETIME);
	assert_int_equal(syncobj_wait_point(file, handle, 30, AVAILABLE, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 31, AVAILABLE, 0),
			 -ETIME);

	/* A point is reached when all before it are. */
	dma_fence_signal(b);
	assert_int_equal(syncobj_query(file, handle, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 20, 0, 0), -ETIME);
	dma_fence_signal(a);
	assert_int_equal(syncobj_query(file, handle, 0), 20);
	assert_int_equal(syncobj_wait_point(file, handle, 20, 0, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 15, 0, 0), 0);
	assert_int_equal(syncobj_wait_point(file, handle, 21, 0, 0), -ETIME);
	dma_fence_signal(c);
	assert_int_equal(syncobj_query(file, handle, 0), 30);
	assert_int_equal(syncobj_wait_point(file, handle, 30, 0, 0), 0);

	dma_fence_put(a);
	dma_fence_put(b);
	dma_fence_put(c);
	linux_sys_close(file);
}

/* A new point walks over those that wait, which TSan makes slow. */
#ifdef __SANITIZE_THREAD__
#define LONG_POINTS 2000
#else
#define LONG_POINTS 10000
#endif

/* Thousands of points, waited for, signalled backwards: no recursion. */
static void test_timeline_long(void **state)
{
	enum { POINTS = LONG_POINTS };
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);
	struct dma_fence **fences =
		kcalloc(POINTS, sizeof(*fences), GFP_KERNEL);
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct drm_syncobj_eventfd args = {
		.handle = handle, .point = POINTS, .fd = event};
	uint64_t count;

	for (int i = 0; i < POINTS; i++) {
		fences[i] = test_fence_create();
		syncobj_submit(file, handle, i + 1, fences[i]);
	}
	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_EVENTFD, &args), 0);
	for (int i = POINTS; i-- > 0;) {
		assert_int_equal(read(event, &count, sizeof(count)), -1);
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(syncobj_query(file, handle, 0), POINTS);
	close(event);
	kfree(fences);
	linux_sys_close(file);
}

/* A point that is not later begins a new timeline, which never goes back. */
static void test_timeline_backwards(void **state)
{
	static const uint64_t points[] = {10, 20, 15};
	struct dma_fence *fences[3];
	struct linux_file *file = fixture_open();
	uint32_t handle = syncobj_create(file, 0);

	assert_int_equal(syncobj_signal_point(file, handle, 10), 0);
	assert_int_equal(syncobj_signal_point(file, handle, 5), 0);
	assert_int_equal(syncobj_query(file, handle, 0), 10);
	assert_int_equal(syncobj_wait_point(file, handle, 10, 0, 0), 0);

	/* What was reached of the old one counts when all of it has. */
	handle = syncobj_create(file, 0);
	for (int i = 0; i < 3; i++) {
		fences[i] = test_fence_create();
		syncobj_submit(file, handle, points[i], fences[i]);
	}
	dma_fence_signal(fences[0]);
	assert_int_equal(syncobj_query(file, handle, 0), 0);
	assert_int_equal(syncobj_query(file, handle, LAST_SUBMITTED), 20);
	dma_fence_signal(fences[2]);
	assert_int_equal(syncobj_query(file, handle, 0), 0);
	dma_fence_signal(fences[1]);
	assert_int_equal(syncobj_query(file, handle, 0), 20);
	for (int i = 0; i < 3; i++)
		dma_fence_put(fences[i]);
	linux_sys_close(file);
}

/* -------------------------------------------------------- other threads -- */

struct later {
	struct linux_file *file;
	uint32_t handle;
	uint64_t point;
	struct dma_fence *submit; /* first, if not NULL */
	int64_t delay_ns;
};

static void *do_later(void *arg)
{
	const struct later *later = arg;

	usleep(later->delay_ns / 1000);
	if (later->submit) {
		syncobj_submit(later->file, later->handle, later->point,
			       later->submit);
		usleep(later->delay_ns / 1000);
		dma_fence_signal(later->submit);
	} else if (later->point) {
		FIXTURE_CHECK(!syncobj_signal_point(later->file, later->handle,
						    later->point));
	} else {
		FIXTURE_CHECK(!syncobj_signal_one(later->file, later->handle));
	}
	return NULL;
}

static void test_wait_before_submit(void **state)
{
	struct linux_file *file = fixture_open();

	for (int variant = 0; variant < 4; variant++) {
		struct later later = {
			.file = file,
			.handle = syncobj_create(file, 0),
			.point = variant & 1 ? 7 : 0,
			.submit = variant & 2 ? test_fence_create() : NULL,
			.delay_ns = 10 * MS,
		};
		int64_t start = fixture_now_ns(), took;
		pthread_t thread;

		assert_int_equal(
			pthread_create(&thread, NULL, do_later, &later), 0);
		assert_int_equal(syncobj_wait_point(file, later.handle,
						    later.point, FOR_SUBMIT,
						    10000 * MS),
				 0);
		took = fixture_now_ns() - start;
		assert_true(took >= (later.submit ? 20 : 10) * MS);
		assert_true(took < 5000 * MS);
		pthread_join(thread, NULL);
		dma_fence_put(later.submit);
	}
	linux_sys_close(file);
}

/* Available as soon as it is submitted, long before it signals. */
static void test_wait_available(void **state)
{
	struct linux_file *file = fixture_open();
	struct later later = {
		.file = file,
		.handle = syncobj_create(file, 0),
		.point = 3,
		.submit = test_fence_create(),
		.delay_ns = 20 * MS,
	};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, do_later, &later), 0);
	assert_int_equal(syncobj_wait_point(file, later.handle, 3, AVAILABLE,
					    10000 * MS),
			 0);
	assert_false(dma_fence_is_signaled(later.submit));
	assert_int_equal(
		syncobj_wait_point(file, later.handle, 3, 0, 10000 * MS), 0);
	pthread_join(thread, NULL);
	dma_fence_put(later.submit);
	linux_sys_close(file);
}

/* Two threads and two timelines, each waiting for the other's next point. */
struct ping_pong {
	struct linux_file *file;
	uint32_t mine, other;
	uint64_t rounds;
	bool first;
};

static void *play(void *arg)
{
	const struct ping_pong *game = arg;

	for (uint64_t i = 1; i <= game->rounds; i++) {
		if (game->first)
			FIXTURE_CHECK(!syncobj_signal_point(game->file,
							    game->mine, i));
		FIXTURE_CHECK(!syncobj_wait_point(game->file, game->other, i,
						  FOR_SUBMIT, 60000 * MS));
		if (!game->first)
			FIXTURE_CHECK(!syncobj_signal_point(game->file,
							    game->mine, i));
	}
	return NULL;
}

static void test_ping_pong(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t a = syncobj_create(file, 0), b = syncobj_create(file, 0);
	struct ping_pong one = {file, a, b, 2000, true};
	struct ping_pong two = {file, b, a, 2000, false};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, play, &two), 0);
	play(&one);
	pthread_join(thread, NULL);
	assert_int_equal(syncobj_query(file, a, 0), 2000);
	assert_int_equal(syncobj_query(file, b, 0), 2000);
	linux_sys_close(file);
}

/* Everything at once on the same few syncobjs; nothing is left afterwards. */
struct chaos {
	struct linux_file *file;
	uint32_t handles[4];
	uint64_t *next_point; /* atomic */
	unsigned int seed;
};

static void *chaos_thread(void *arg)
{
	struct chaos *chaos = arg;

	for (int i = 0; i < 1000; i++) {
		uint32_t a = chaos->handles[rand_r(&chaos->seed) % 4];
		uint32_t b = chaos->handles[rand_r(&chaos->seed) % 4];
		uint64_t point = __atomic_add_fetch(chaos->next_point, 1,
						    __ATOMIC_RELAXED);
		struct dma_fence *fence;
		int ret;

		switch (rand_r(&chaos->seed) % 7) {
		case 0:
			FIXTURE_CHECK(
				!syncobj_signal_point(chaos->file, a, point));
			break;
		case 1:
			ret = syncobj_wait_n(chaos->file, chaos->handles, 4,
					     FOR_SUBMIT, MS, NULL);
			FIXTURE_CHECK(!ret || ret == -ETIME);
			break;
		case 2:
			ret = syncobj_wait_point(chaos->file, a, point - 5,
						 AVAILABLE, MS);
			FIXTURE_CHECK(!ret || ret == -ETIME);
			break;
		case 3:
			ret = syncobj_transfer(chaos->file, a, point, b, 0, 0);
			FIXTURE_CHECK(!ret || ret == -EINVAL);
			break;
		case 4:
			FIXTURE_CHECK(!syncobj_reset_one(chaos->file, a));
			break;
		case 5:
			syncobj_query(chaos->file, a,
				      i & 1 ? LAST_SUBMITTED : 0);
			break;
		default:
			fence = test_fence_create();
			syncobj_submit(chaos->file, a, i & 1 ? point : 0,
				       fence);
			dma_fence_signal(fence);
			dma_fence_put(fence);
		}
	}
	return NULL;
}

static void test_chaos(void **state)
{
	struct linux_file *file = fixture_open();
	struct chaos chaos[3];
	pthread_t threads[3];
	uint64_t next_point = 10;

	for (int i = 0; i < 3; i++) {
		chaos[i].file = file;
		chaos[i].next_point = &next_point;
		chaos[i].seed = 31 + i;
		for (int j = 0; j < 4; j++)
			chaos[i].handles[j] = i ? chaos[0].handles[j]
						: syncobj_create(file, 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, chaos_thread,
						&chaos[i]),
				 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	linux_sys_close(file);
}

/* ------------------------------------------------------------- transfer -- */

static void test_transfer(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t binary = syncobj_create(file, DRM_SYNCOBJ_CREATE_SIGNALED);
	uint32_t timeline = syncobj_create(file, 0),
		 other = syncobj_create(file, 0);
	struct dma_fence *fence = test_fence_create();

	/* Binary to a point, and a point to binary. */
	assert_int_equal(syncobj_transfer(file, timeline, 4, binary, 0, 0), 0);
	assert_int_equal(syncobj_query(file, timeline, 0), 4);
	syncobj_submit(file, timeline, 8, fence);
	assert_int_equal(syncobj_transfer(file, other, 0, timeline, 8, 0), 0);
	assert_int_equal(syncobj_wait_one(file, other, 0, 0), -ETIME);
	/* A point to a point of another timeline. */
	assert_int_equal(syncobj_transfer(file, binary, 100, timeline, 8, 0),
			 0);
	assert_int_equal(syncobj_query(file, binary, LAST_SUBMITTED), 100);
	assert_int_equal(syncobj_query(file, binary, 0), 0);
	dma_fence_signal(fence);
	assert_int_equal(syncobj_wait_one(file, other, 0, 0), 0);
	assert_int_equal(syncobj_query(file, binary, 0), 100);
	/* What has signalled before transfers as signalled. */
	assert_int_equal(syncobj_transfer(file, other, 0, timeline, 2, 0), 0);
	assert_int_equal(syncobj_wait_one(file, other, 0, 0), 0);

	assert_int_equal(syncobj_transfer(file, timeline, 20, timeline, 9, 0),
			 -EINVAL);
	assert_int_equal(syncobj_transfer(file, 99, 1, binary, 0, 0), -ENOENT);
	assert_int_equal(syncobj_transfer(file, timeline, 30, 99, 0, 0),
			 -ENOENT);
	assert_int_equal(syncobj_transfer(file, timeline, 30, other, 0, ALL),
			 -EINVAL);
	dma_fence_put(fence);
	linux_sys_close(file);
}

static void test_transfer_waits_for_submit(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t dst = syncobj_create(file, 0);
	struct later later = {
		.file = file,
		.handle = syncobj_create(file, 0),
		.point = 6,
		.delay_ns = 10 * MS,
	};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, do_later, &later), 0);
	assert_int_equal(
		syncobj_transfer(file, dst, 0, later.handle, 6, FOR_SUBMIT), 0);
	assert_int_equal(syncobj_wait_one(file, dst, 0, 0), 0);
	pthread_join(thread, NULL);
	linux_sys_close(file);
}

/* -------------------------------------------------------- bad arguments -- */

static void test_bad_arguments(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t good = syncobj_create(file, DRM_SYNCOBJ_CREATE_SIGNALED),
		 bad = 99;
	uint32_t mixed[] = {good, bad};
	uint64_t point = 1;
	struct drm_syncobj_create create_args = {.flags = 2};
	struct drm_syncobj_destroy destroy_args = {.handle = good, .pad = 1};
	struct drm_syncobj_handle handle_args = {.handle = good, .pad = 1};
	struct drm_syncobj_array array_args = {
		.handles = (uintptr_t)&good, .count_handles = 1, .pad = 1};
	struct drm_syncobj_timeline_array timeline_args = {
		.handles = (uintptr_t)&good,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.flags = 2,
	};
	struct drm_syncobj_transfer transfer_args = {
		.src_handle = good, .dst_handle = good, .pad = 1};
	struct {
		unsigned long request;
		void *args;
		int ret;
	} cases[] = {
		{DRM_IOCTL_SYNCOBJ_CREATE, &create_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_DESTROY, &destroy_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_RESET, &array_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_SIGNAL, &array_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &timeline_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_QUERY, &timeline_args, -EINVAL},
		{DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer_args, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			linux_sys_ioctl(file, cases[i].request, cases[i].args),
			cases[i].ret);

	assert_int_equal(syncobj_destroy(file, bad), -EINVAL);
	assert_int_equal(syncobj_destroy(file, 0), -EINVAL);
	handle_args.pad = 0;
	handle_args.handle = bad;
	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD,
					 &handle_args),
			 -EINVAL);
	handle_args.flags = 2;
	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD,
					 &handle_args),
			 -EINVAL);

	/* Arrays: an unknown handle anywhere changes nothing. */
	assert_int_equal(
		syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, mixed, 2),
		-ENOENT);
	assert_int_equal(syncobj_wait_one(file, good, 0, 0), 0);
	assert_int_equal(syncobj_wait_n(file, mixed, 2, 0, 0, NULL), -ENOENT);
	assert_int_equal(
		syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, mixed, 0),
		-EINVAL);
	assert_int_equal(
		syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_SIGNAL, NULL, 1),
		-EFAULT);
	assert_int_equal(
		syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_SIGNAL, mixed, 0),
		-EINVAL);

	/* Waiting for nothing is done at once. */
	assert_int_equal(syncobj_wait_n(file, NULL, 0, 0, 0, NULL), 0);
	assert_int_equal(syncobj_wait_one(file, good, AVAILABLE, 0), -EINVAL);
	assert_int_equal(syncobj_wait_one(file, good, 1u << 31, 0), -EINVAL);
	assert_int_equal(syncobj_wait_point(file, good, 0, 1u << 31, 0),
			 -EINVAL);

	timeline_args.flags = 0;
	timeline_args.points = 8;
	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY, &timeline_args),
		-EFAULT);
	assert_int_equal(linux_sys_ioctl(file,
					 DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
					 &timeline_args),
			 -EFAULT);
	timeline_args.count_handles = 0;
	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY, &timeline_args),
		-EINVAL);
	assert_int_equal(linux_sys_ioctl(file,
					 DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
					 &timeline_args),
			 -EINVAL);
	linux_sys_close(file);
}

/* ------------------------------------------------------------- failures -- */

static int everything_step(void *arg)
{
	struct linux_file *file = arg;
	struct drm_syncobj_create args = {
		.flags = DRM_SYNCOBJ_CREATE_SIGNALED,
	};
	uint32_t handle, handles[6];
	int ret, fd, event = eventfd(0, EFD_CLOEXEC);
	struct drm_syncobj_eventfd event_args = {.fd = event, .point = 9};

	ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &args);
	if (ret)
		goto out_close_event;
	handle = args.handle;
	for (int i = 0; i < 6; i++)
		handles[i] = handle;
	event_args.handle = handle;

	ret = syncobj_signal_one(file, handle);
	if (!ret)
		ret = syncobj_signal_point(file, handle, 5);
	if (!ret)
		ret = syncobj_transfer(file, handle, 6, handle, 5, 0);
	if (!ret)
		ret = syncobj_wait_n(file, handles, 6, ALL, 0, NULL);
	if (!ret)
		ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_EVENTFD,
				      &event_args);
	if (!ret)
		ret = syncobj_to_fd(
			file, handle,
			DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, &fd);
	if (!ret) {
		ret = syncobj_from_fd(
			file, fd,
			DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
			&handle);
		close(fd);
	}
	if (!ret)
		ret = syncobj_to_fd(file, handle, 0, &fd);
	if (!ret) {
		uint32_t copy = 0;

		ret = syncobj_from_fd(file, fd, 0, &copy);
		if (!ret)
			assert_int_equal(syncobj_destroy(file, copy), 0);
		close(fd);
	}
	assert_int_equal(syncobj_destroy(file, args.handle), 0);
out_close_event:
	close(event);
	return ret;
}

static void test_failures(void **state)
{
	struct linux_file *file = fixture_open();

	fixture_fail_each(everything_step, file, 200);
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_binary),
		TEST(test_pending_fence),
		TEST(test_wait_any_all),
		TEST(test_timeline),
		TEST(test_timeline_order),
		TEST(test_timeline_long),
		TEST(test_timeline_backwards),
		TEST(test_wait_before_submit),
		TEST(test_wait_available),
		TEST(test_ping_pong),
		TEST(test_chaos),
		TEST(test_transfer),
		TEST(test_transfer_waits_for_submit),
		TEST(test_bad_arguments),
		TEST(test_failures),
	};

	return cmocka_run_group_tests_name("drm syncobj", tests, NULL, NULL);
}