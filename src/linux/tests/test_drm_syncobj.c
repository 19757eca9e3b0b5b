// SPDX-License-Identifier: MIT OR GPL-2.0
/* Every syncobj ioctl, with and without somebody on the other side. */
#include <errno.h>
#include <poll.h>
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

#define MS 1000000ll
#define FOR_SUBMIT DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define ALL DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define LAST_SUBMITTED DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED

/* --------------------------------------------------------------- ioctls -- */

static uint32_t create(struct linux_file *file, uint32_t flags)
{
	struct drm_syncobj_create args = { .flags = flags };

	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &args),
			 0);
	return args.handle;
}

static int destroy(struct linux_file *file, uint32_t handle)
{
	struct drm_syncobj_destroy args = { .handle = handle };

	return linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

/* @timeout_ns is relative. */
static int wait_n(struct linux_file *file, const uint32_t *handles,
		  uint32_t count, uint32_t flags, int64_t timeout_ns,
		  uint32_t *first_out)
{
	struct drm_syncobj_wait args = {
		.handles = (uintptr_t)handles,
		.timeout_nsec = fixture_now_ns() + timeout_ns,
		.count_handles = count,
		.flags = flags,
		.first_signaled = 99,
	};
	int ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_WAIT, &args);

	if (first_out)
		*first_out = args.first_signaled;
	return ret;
}

static int wait_one(struct linux_file *file, uint32_t handle, uint32_t flags,
		    int64_t timeout_ns)
{
	return wait_n(file, &handle, 1, flags, timeout_ns, NULL);
}

static int wait_point(struct linux_file *file, uint32_t handle, uint64_t point,
		      uint32_t flags, int64_t timeout_ns)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = fixture_now_ns() + timeout_ns,
		.count_handles = 1,
		.flags = flags,
	};

	return linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

static int array_ioctl(struct linux_file *file, unsigned long request,
		       const uint32_t *handles, uint32_t count)
{
	struct drm_syncobj_array args = { .handles = (uintptr_t)handles,
					  .count_handles = count };

	return linux_sys_ioctl(file, request, &args);
}

static int signal_one(struct linux_file *file, uint32_t handle)
{
	return array_ioctl(file, DRM_IOCTL_SYNCOBJ_SIGNAL, &handle, 1);
}

static int reset_one(struct linux_file *file, uint32_t handle)
{
	return array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, &handle, 1);
}

static int signal_point(struct linux_file *file, uint32_t handle,
			uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

static uint64_t query(struct linux_file *file, uint32_t handle, uint32_t flags)
{
	uint64_t point = 12345;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.flags = flags,
	};

	FIXTURE_CHECK(!linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY, &args));
	return point;
}

static int transfer(struct linux_file *file, uint32_t dst, uint64_t dst_point,
		    uint32_t src, uint64_t src_point, uint32_t flags)
{
	struct drm_syncobj_transfer args = {
		.src_handle = src,
		.dst_handle = dst,
		.src_point = src_point,
		.dst_point = dst_point,
		.flags = flags,
	};

	return linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_TRANSFER, &args);
}

static int to_fd(struct linux_file *file, uint32_t handle, uint32_t flags,
		 int *fd_out)
{
	struct drm_syncobj_handle args = { .handle = handle,
					   .flags = flags,
					   .fd = -1 };
	int ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	*fd_out = args.fd;
	return ret;
}

static int from_fd(struct linux_file *file, int fd, uint32_t flags,
		   uint32_t *handle)
{
	struct drm_syncobj_handle args = { .handle = *handle,
					   .flags = flags,
					   .fd = fd };
	int ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

/* ------------------------------------------ a fence that the test signals -- */

struct test_fence {
	struct dma_fence base;
	spinlock_t lock;
};

static const char *test_fence_name(struct dma_fence *fence)
{
	return "test";
}

static const struct dma_fence_ops test_fence_ops = {
	.get_driver_name = test_fence_name,
	.get_timeline_name = test_fence_name,
};

static struct dma_fence *test_fence_create(void)
{
	struct test_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	FIXTURE_CHECK(fence);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &test_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	return &fence->base;
}

/* Submits @fence for a point (0: binary) as a driver does. */
static void submit(struct linux_file *file, uint32_t handle, uint64_t point,
		   struct dma_fence *fence)
{
	struct drm_syncobj *syncobj =
		drm_syncobj_find(linux_file_drm(file), handle);

	FIXTURE_CHECK(syncobj);
	if (point) {
		struct dma_fence_chain *chain = dma_fence_chain_alloc();

		FIXTURE_CHECK(chain);
		drm_syncobj_add_point(syncobj, chain, fence, point);
	} else {
		drm_syncobj_replace_fence(syncobj, fence);
	}
	drm_syncobj_put(syncobj);
}

/* --------------------------------------------------------------- binary -- */

static void test_binary(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t empty = create(file, 0);
	uint32_t signaled = create(file, DRM_SYNCOBJ_CREATE_SIGNALED);
	int64_t start;

	assert_int_equal(wait_one(file, signaled, 0, 0), 0);
	/* Nothing was submitted: an error, unless one waits for that too. */
	assert_int_equal(wait_one(file, empty, 0, 0), -EINVAL);
	start = fixture_now_ns();
	assert_int_equal(wait_one(file, empty, FOR_SUBMIT, 20 * MS), -ETIME);
	assert_true(fixture_now_ns() - start >= 20 * MS);
	assert_int_equal(wait_one(file, empty, FOR_SUBMIT, -5 * MS), -ETIME);

	assert_int_equal(signal_one(file, empty), 0);
	assert_int_equal(wait_one(file, empty, 0, 0), 0);
	assert_int_equal(reset_one(file, empty), 0);
	assert_int_equal(wait_one(file, empty, 0, 0), -EINVAL);
	/* A binary syncobj has no points. */
	assert_int_equal(query(file, signaled, 0), 0);
	assert_int_equal(query(file, signaled, LAST_SUBMITTED), 0);
	assert_int_equal(wait_point(file, signaled, 1, 0, 0), -EINVAL);
	assert_int_equal(wait_point(file, signaled, 0, 0, 0), 0);
	assert_int_equal(destroy(file, empty), 0);
	linux_sys_close(file);
}

static void test_pending_fence(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = create(file, 0);
	struct dma_fence *fence = test_fence_create();

	submit(file, handle, 0, fence);
	assert_int_equal(wait_one(file, handle, 0, 0), -ETIME);
	assert_int_equal(wait_one(file, handle, 0, 5 * MS), -ETIME);
	/* It is there, which is all that is asked for. */
	assert_int_equal(wait_point(file, handle, 0, AVAILABLE, 0), 0);
	dma_fence_signal(fence);
	assert_int_equal(wait_one(file, handle, 0, 0), 0);
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
		handles[i] = create(file, 0);
		submit(file, handles[i], 0, fence);
	}
	assert_int_equal(wait_n(file, handles, 100, 0, 0, &first), -ETIME);
	assert_int_equal(first, 99);
	assert_int_equal(signal_one(file, handles[70]), 0);
	assert_int_equal(wait_n(file, handles, 100, 0, 0, &first), 0);
	assert_int_equal(first, 70);
	assert_int_equal(wait_n(file, handles, 100, ALL, 0, &first), -ETIME);
	dma_fence_signal(fence);
	assert_int_equal(wait_n(file, handles, 100, ALL, 0, &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, handles,
				     100),
			 0);
	assert_int_equal(wait_n(file, handles, 100, 0, 0, &first), -EINVAL);
	dma_fence_put(fence);
	linux_sys_close(file);
}

/* -------------------------------------------------------------- timeline -- */

static void test_timeline(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = create(file, 0);

	assert_int_equal(query(file, handle, 0), 0);
	assert_int_equal(wait_point(file, handle, 1, 0, 0), -EINVAL);
	assert_int_equal(signal_point(file, handle, 5), 0);
	assert_int_equal(query(file, handle, 0), 5);
	assert_int_equal(wait_point(file, handle, 5, 0, 0), 0);
	assert_int_equal(wait_point(file, handle, 3, 0, 0), 0);
	assert_int_equal(wait_point(file, handle, 6, 0, 0), -EINVAL);
	assert_int_equal(wait_point(file, handle, 6, FOR_SUBMIT, 0), -ETIME);
	assert_int_equal(signal_point(file, handle, 1ull << 63), 0);
	assert_int_equal(query(file, handle, 0), 1ull << 63);
	linux_sys_close(file);
}

/*
 *	point	10	20	30
 *	fence	a	b	c	which signal in the order b, a, c
 */
static void test_timeline_order(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = create(file, 0);
	struct dma_fence *a = test_fence_create(), *b = test_fence_create(),
			 *c = test_fence_create();

	submit(file, handle, 10, a);
	submit(file, handle, 20, b);
	submit(file, handle, 30, c);
	assert_int_equal(query(file, handle, 0), 0);
	assert_int_equal(query(file, handle, LAST_SUBMITTED), 30);
	assert_int_equal(wait_point(file, handle, 10, 0, 0), -ETIME);
	assert_int_equal(wait_point(file, handle, 30, AVAILABLE, 0), 0);
	assert_int_equal(wait_point(file, handle, 31, AVAILABLE, 0), -ETIME);

	/* A point is reached when all before it are. */
	dma_fence_signal(b);
	assert_int_equal(query(file, handle, 0), 0);
	assert_int_equal(wait_point(file, handle, 20, 0, 0), -ETIME);
	dma_fence_signal(a);
	assert_int_equal(query(file, handle, 0), 20);
	assert_int_equal(wait_point(file, handle, 20, 0, 0), 0);
	assert_int_equal(wait_point(file, handle, 15, 0, 0), 0);
	assert_int_equal(wait_point(file, handle, 21, 0, 0), -ETIME);
	dma_fence_signal(c);
	assert_int_equal(query(file, handle, 0), 30);
	assert_int_equal(wait_point(file, handle, 30, 0, 0), 0);

	dma_fence_put(a);
	dma_fence_put(b);
	dma_fence_put(c);
	linux_sys_close(file);
}

/* Ten thousand points, waited for, signalled backwards: no recursion. */
static void test_timeline_long(void **state)
{
	enum { POINTS = 10000 };
	struct linux_file *file = fixture_open();
	uint32_t handle = create(file, 0);
	struct dma_fence **fences =
		kcalloc(POINTS, sizeof(*fences), GFP_KERNEL);
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct drm_syncobj_eventfd args = { .handle = handle,
					    .point = POINTS,
					    .fd = event };
	uint64_t count;

	for (int i = 0; i < POINTS; i++) {
		fences[i] = test_fence_create();
		submit(file, handle, i + 1, fences[i]);
	}
	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_EVENTFD,
					 &args),
			 0);
	for (int i = POINTS; i-- > 0;) {
		assert_int_equal(read(event, &count, sizeof(count)), -1);
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(query(file, handle, 0), POINTS);
	close(event);
	kfree(fences);
	linux_sys_close(file);
}

/* A point that is not later begins a new timeline, which never goes back. */
static void test_timeline_backwards(void **state)
{
	static const uint64_t points[] = { 10, 20, 15 };
	struct dma_fence *fences[3];
	struct linux_file *file = fixture_open();
	uint32_t handle = create(file, 0);

	assert_int_equal(signal_point(file, handle, 10), 0);
	assert_int_equal(signal_point(file, handle, 5), 0);
	assert_int_equal(query(file, handle, 0), 10);
	assert_int_equal(wait_point(file, handle, 10, 0, 0), 0);

	/* What was reached of the old one counts when all of it has. */
	handle = create(file, 0);
	for (int i = 0; i < 3; i++) {
		fences[i] = test_fence_create();
		submit(file, handle, points[i], fences[i]);
	}
	dma_fence_signal(fences[0]);
	assert_int_equal(query(file, handle, 0), 0);
	assert_int_equal(query(file, handle, LAST_SUBMITTED), 20);
	dma_fence_signal(fences[2]);
	assert_int_equal(query(file, handle, 0), 0);
	dma_fence_signal(fences[1]);
	assert_int_equal(query(file, handle, 0), 20);
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
		submit(later->file, later->handle, later->point, later->submit);
		usleep(later->delay_ns / 1000);
		dma_fence_signal(later->submit);
	} else if (later->point) {
		FIXTURE_CHECK(!signal_point(later->file, later->handle,
					    later->point));
	} else {
		FIXTURE_CHECK(!signal_one(later->file, later->handle));
	}
	return NULL;
}

static void test_wait_before_submit(void **state)
{
	struct linux_file *file = fixture_open();

	for (int variant = 0; variant < 4; variant++) {
		struct later later = {
			.file = file,
			.handle = create(file, 0),
			.point = variant & 1 ? 7 : 0,
			.submit = variant & 2 ? test_fence_create() : NULL,
			.delay_ns = 10 * MS,
		};
		int64_t start = fixture_now_ns(), took;
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, do_later,
						&later),
				 0);
		assert_int_equal(wait_point(file, later.handle, later.point,
					    FOR_SUBMIT, 10000 * MS),
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
		.handle = create(file, 0),
		.point = 3,
		.submit = test_fence_create(),
		.delay_ns = 20 * MS,
	};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, do_later, &later), 0);
	assert_int_equal(wait_point(file, later.handle, 3, AVAILABLE,
				    10000 * MS),
			 0);
	assert_false(dma_fence_is_signaled(later.submit));
	assert_int_equal(wait_point(file, later.handle, 3, 0, 10000 * MS), 0);
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
			FIXTURE_CHECK(!signal_point(game->file, game->mine, i));
		FIXTURE_CHECK(!wait_point(game->file, game->other, i,
					  FOR_SUBMIT, 60000 * MS));
		if (!game->first)
			FIXTURE_CHECK(!signal_point(game->file, game->mine, i));
	}
	return NULL;
}

static void test_ping_pong(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t a = create(file, 0), b = create(file, 0);
	struct ping_pong one = { file, a, b, 2000, true };
	struct ping_pong two = { file, b, a, 2000, false };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, play, &two), 0);
	play(&one);
	pthread_join(thread, NULL);
	assert_int_equal(query(file, a, 0), 2000);
	assert_int_equal(query(file, b, 0), 2000);
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
			FIXTURE_CHECK(!signal_point(chaos->file, a, point));
			break;
		case 1:
			ret = wait_n(chaos->file, chaos->handles, 4,
				     FOR_SUBMIT, MS, NULL);
			FIXTURE_CHECK(!ret || ret == -ETIME);
			break;
		case 2:
			ret = wait_point(chaos->file, a, point - 5, AVAILABLE,
					 MS);
			FIXTURE_CHECK(!ret || ret == -ETIME);
			break;
		case 3:
			ret = transfer(chaos->file, a, point, b, 0, 0);
			FIXTURE_CHECK(!ret || ret == -EINVAL);
			break;
		case 4:
			FIXTURE_CHECK(!reset_one(chaos->file, a));
			break;
		case 5:
			query(chaos->file, a, i & 1 ? LAST_SUBMITTED : 0);
			break;
		default:
			fence = test_fence_create();
			submit(chaos->file, a, i & 1 ? point : 0, fence);
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
			chaos[i].handles[j] = i ? chaos[0].handles[j] :
						  create(file, 0);
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
	uint32_t binary = create(file, DRM_SYNCOBJ_CREATE_SIGNALED);
	uint32_t timeline = create(file, 0), other = create(file, 0);
	struct dma_fence *fence = test_fence_create();

	/* Binary to a point, and a point to binary. */
	assert_int_equal(transfer(file, timeline, 4, binary, 0, 0), 0);
	assert_int_equal(query(file, timeline, 0), 4);
	submit(file, timeline, 8, fence);
	assert_int_equal(transfer(file, other, 0, timeline, 8, 0), 0);
	assert_int_equal(wait_one(file, other, 0, 0), -ETIME);
	/* A point to a point of another timeline. */
	assert_int_equal(transfer(file, binary, 100, timeline, 8, 0), 0);
	assert_int_equal(query(file, binary, LAST_SUBMITTED), 100);
	assert_int_equal(query(file, binary, 0), 0);
	dma_fence_signal(fence);
	assert_int_equal(wait_one(file, other, 0, 0), 0);
	assert_int_equal(query(file, binary, 0), 100);
	/* What has signalled before transfers as signalled. */
	assert_int_equal(transfer(file, other, 0, timeline, 2, 0), 0);
	assert_int_equal(wait_one(file, other, 0, 0), 0);

	assert_int_equal(transfer(file, timeline, 20, timeline, 9, 0), -EINVAL);
	assert_int_equal(transfer(file, 99, 1, binary, 0, 0), -ENOENT);
	assert_int_equal(transfer(file, timeline, 30, 99, 0, 0), -ENOENT);
	assert_int_equal(transfer(file, timeline, 30, other, 0, ALL), -EINVAL);
	dma_fence_put(fence);
	linux_sys_close(file);
}

static void test_transfer_waits_for_submit(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t dst = create(file, 0);
	struct later later = {
		.file = file,
		.handle = create(file, 0),
		.point = 6,
		.delay_ns = 10 * MS,
	};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, do_later, &later), 0);
	assert_int_equal(transfer(file, dst, 0, later.handle, 6, FOR_SUBMIT),
			 0);
	assert_int_equal(wait_one(file, dst, 0, 0), 0);
	pthread_join(thread, NULL);
	linux_sys_close(file);
}

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
	uint32_t handle = create(file, 0);
	struct dma_fence *fence = test_fence_create();
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct drm_syncobj_eventfd args = { .handle = handle,
					    .point = 5,
					    .fd = event };
	const unsigned int cmd = DRM_IOCTL_SYNCOBJ_EVENTFD;

	assert_int_equal(linux_sys_ioctl(file, cmd, &args), 0);
	args.flags = AVAILABLE;
	assert_int_equal(linux_sys_ioctl(file, cmd, &args), 0);
	assert_int_equal(event_count(event), 0);
	submit(file, handle, 4, fence);
	assert_int_equal(event_count(event), 0);
	submit(file, handle, 5, fence);
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
	uint32_t handle = create(a, 0), other = 0;
	int fd;

	assert_int_equal(to_fd(a, handle, 0, &fd), 0);
	assert_int_equal(from_fd(b, fd, 0, &other), 0);
	close(fd);
	assert_int_equal(wait_one(b, other, FOR_SUBMIT, 0), -ETIME);
	assert_int_equal(signal_one(a, handle), 0);
	assert_int_equal(wait_one(b, other, 0, 0), 0);
	linux_sys_close(a);
	assert_int_equal(wait_one(b, other, 0, 0), 0);
	linux_sys_close(b);
}

static int readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN);
}

static void test_sync_file(void **state)
{
	const uint32_t export = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
	const uint32_t import = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
	struct linux_file *a = fixture_open(), *b = fixture_open();
	uint32_t source = create(a, 0), target = create(b, 0), unknown = 99;
	struct dma_fence *fence = test_fence_create();
	int fd, syncobj_fd;

	/* A sync_file is made of a fence: there must be one. */
	assert_int_equal(to_fd(a, source, export, &fd), -EINVAL);
	assert_int_equal(to_fd(a, unknown, export, &fd), -ENOENT);
	submit(a, source, 0, fence);
	assert_int_equal(to_fd(a, source, export, &fd), 0);
	assert_false(readable(fd));
	assert_int_equal(from_fd(b, fd, import, &target), 0);
	assert_int_equal(from_fd(b, fd, import, &unknown), -ENOENT);
	/* It is that fence, not what the syncobj holds later. */
	assert_int_equal(signal_one(a, source), 0);
	assert_int_equal(wait_one(b, target, 0, 0), -ETIME);
	dma_fence_signal(fence);
	assert_true(readable(fd));
	assert_int_equal(wait_one(b, target, 0, 0), 0);
	close(fd);
	/* Signalled already. */
	assert_int_equal(to_fd(a, source, export, &fd), 0);
	assert_true(readable(fd));

	/* Each kind of descriptor is good for its own import only. */
	assert_int_equal(to_fd(a, source, 0, &syncobj_fd), 0);
	assert_int_equal(from_fd(b, syncobj_fd, import, &target), -EINVAL);
	assert_int_equal(from_fd(b, fd, 0, &target), -EINVAL);
	assert_int_equal(from_fd(b, STDIN_FILENO, 0, &target), -EINVAL);
	assert_int_equal(from_fd(b, -1, import, &target), -EINVAL);
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
	uint32_t handle = create(file, 0);
	int fds[100];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			assert_int_equal(to_fd(file, handle, 0, &fds[i]), 0);
		for (int i = 0; i < 100; i++) {
			uint32_t copy = 0;

			assert_int_equal(from_fd(file, fds[i], 0, &copy), 0);
			assert_int_equal(destroy(file, copy), 0);
			close(fds[i]);
		}
	}
	linux_sys_close(file);
}

/* -------------------------------------------------------- bad arguments -- */

static void test_bad_arguments(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t good = create(file, DRM_SYNCOBJ_CREATE_SIGNALED), bad = 99;
	uint32_t mixed[] = { good, bad };
	uint64_t point = 1;
	struct drm_syncobj_create create_args = { .flags = 2 };
	struct drm_syncobj_destroy destroy_args = { .handle = good, .pad = 1 };
	struct drm_syncobj_handle handle_args = { .handle = good, .pad = 1 };
	struct drm_syncobj_array array_args = {
		.handles = (uintptr_t)&good, .count_handles = 1, .pad = 1
	};
	struct drm_syncobj_timeline_array timeline_args = {
		.handles = (uintptr_t)&good,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.flags = 2,
	};
	struct drm_syncobj_transfer transfer_args = { .src_handle = good,
						      .dst_handle = good,
						      .pad = 1 };
	struct {
		unsigned long request;
		void *args;
		int ret;
	} cases[] = {
		{ DRM_IOCTL_SYNCOBJ_CREATE, &create_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_DESTROY, &destroy_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_RESET, &array_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_SIGNAL, &array_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &timeline_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_QUERY, &timeline_args, -EINVAL },
		{ DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer_args, -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(linux_sys_ioctl(file, cases[i].request,
						 cases[i].args),
				 cases[i].ret);

	assert_int_equal(destroy(file, bad), -EINVAL);
	assert_int_equal(destroy(file, 0), -EINVAL);
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
	assert_int_equal(array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, mixed, 2),
			 -ENOENT);
	assert_int_equal(wait_one(file, good, 0, 0), 0);
	assert_int_equal(wait_n(file, mixed, 2, 0, 0, NULL), -ENOENT);
	assert_int_equal(array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, mixed, 0),
			 -EINVAL);
	assert_int_equal(array_ioctl(file, DRM_IOCTL_SYNCOBJ_SIGNAL, NULL, 1),
			 -EFAULT);
	assert_int_equal(array_ioctl(file, DRM_IOCTL_SYNCOBJ_SIGNAL, mixed, 0),
			 -EINVAL);

	/* Waiting for nothing is done at once. */
	assert_int_equal(wait_n(file, NULL, 0, 0, 0, NULL), 0);
	assert_int_equal(wait_one(file, good, AVAILABLE, 0), -EINVAL);
	assert_int_equal(wait_one(file, good, 1u << 31, 0), -EINVAL);
	assert_int_equal(wait_point(file, good, 0, 1u << 31, 0), -EINVAL);

	timeline_args.flags = 0;
	timeline_args.points = 8;
	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY,
					 &timeline_args),
			 -EFAULT);
	assert_int_equal(linux_sys_ioctl(file,
					 DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
					 &timeline_args),
			 -EFAULT);
	timeline_args.count_handles = 0;
	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY,
					 &timeline_args),
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
	struct drm_syncobj_eventfd event_args = { .fd = event, .point = 9 };

	ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &args);
	if (ret)
		goto out_close_event;
	handle = args.handle;
	for (int i = 0; i < 6; i++)
		handles[i] = handle;
	event_args.handle = handle;

	ret = signal_one(file, handle);
	if (!ret)
		ret = signal_point(file, handle, 5);
	if (!ret)
		ret = transfer(file, handle, 6, handle, 5, 0);
	if (!ret)
		ret = wait_n(file, handles, 6, ALL, 0, NULL);
	if (!ret)
		ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_EVENTFD,
				      &event_args);
	if (!ret)
		ret = to_fd(file, handle,
			    DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
			    &fd);
	if (!ret) {
		ret = from_fd(file, fd,
			      DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
			      &handle);
		close(fd);
	}
	if (!ret)
		ret = to_fd(file, handle, 0, &fd);
	if (!ret) {
		uint32_t copy = 0;

		ret = from_fd(file, fd, 0, &copy);
		if (!ret)
			assert_int_equal(destroy(file, copy), 0);
		close(fd);
	}
	assert_int_equal(destroy(file, args.handle), 0);
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
		TEST(test_eventfd),
		TEST(test_fd_share),
		TEST(test_sync_file),
		TEST(test_many_fds),
		TEST(test_bad_arguments),
		TEST(test_failures),
	};

	return cmocka_run_group_tests_name("drm syncobj", tests, NULL, NULL);
}
