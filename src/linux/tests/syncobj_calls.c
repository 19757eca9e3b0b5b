// SPDX-License-Identifier: MIT OR GPL-2.0
#include <errno.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "drm_fixture.h"
#include "syncobj_calls.h"

uint32_t syncobj_create(struct linux_file *file, uint32_t flags)
{
	struct drm_syncobj_create args = {.flags = flags};

	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &args),
			 0);
	return args.handle;
}

int syncobj_destroy(struct linux_file *file, uint32_t handle)
{
	struct drm_syncobj_destroy args = {.handle = handle};

	return linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

/* @timeout_ns is relative. */
int syncobj_wait_n(struct linux_file *file, const uint32_t *handles,
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

int syncobj_wait_one(struct linux_file *file, uint32_t handle, uint32_t flags,
		     int64_t timeout_ns)
{
	return syncobj_wait_n(file, &handle, 1, flags, timeout_ns, NULL);
}

int syncobj_wait_point(struct linux_file *file, uint32_t handle, uint64_t point,
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

int syncobj_array_ioctl(struct linux_file *file, unsigned long request,
			const uint32_t *handles, uint32_t count)
{
	struct drm_syncobj_array args = {.handles = (uintptr_t)handles,
					 .count_handles = count};

	return linux_sys_ioctl(file, request, &args);
}

int syncobj_signal_one(struct linux_file *file, uint32_t handle)
{
	return syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_SIGNAL, &handle, 1);
}

int syncobj_reset_one(struct linux_file *file, uint32_t handle)
{
	return syncobj_array_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, &handle, 1);
}

int syncobj_signal_point(struct linux_file *file, uint32_t handle,
			 uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

uint64_t syncobj_query(struct linux_file *file, uint32_t handle, uint32_t flags)
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

int syncobj_transfer(struct linux_file *file, uint32_t dst, uint64_t dst_point,
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

int syncobj_to_fd(struct linux_file *file, uint32_t handle, uint32_t flags,
		  int *fd_out)
{
	struct drm_syncobj_handle args = {
		.handle = handle, .flags = flags, .fd = -1};
	int ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	*fd_out = args.fd;
	return ret;
}

int syncobj_from_fd(struct linux_file *file, int fd, uint32_t flags,
		    uint32_t *handle)
{
	struct drm_syncobj_handle args = {
		.handle = *handle, .flags = flags, .fd = fd};
	int ret = linux_sys_ioctl(file, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

/* ---------------------------------------- a fence that the test signals -- */

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

struct dma_fence *test_fence_create(void)
{
	struct test_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	FIXTURE_CHECK(fence);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &test_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	return &fence->base;
}

/* Submits @fence for a point (0: binary) as a driver does. */
void syncobj_submit(struct linux_file *file, uint32_t handle, uint64_t point,
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
