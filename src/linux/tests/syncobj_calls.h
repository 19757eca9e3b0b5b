/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The syncobj ioctls as calls, and a fence that the test signals itself. */
#ifndef SYNCOBJ_CALLS_H
#define SYNCOBJ_CALLS_H

#include <stdint.h>

struct dma_fence;
struct linux_file;

#define MS 1000000ll
#define FOR_SUBMIT DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define ALL DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define LAST_SUBMITTED DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED

uint32_t syncobj_create(struct linux_file *file, uint32_t flags);
int syncobj_destroy(struct linux_file *file, uint32_t handle);
/* @timeout_ns is relative. */
int syncobj_wait_n(struct linux_file *file, const uint32_t *handles,
		   uint32_t count, uint32_t flags, int64_t timeout_ns,
		   uint32_t *first_out);
int syncobj_wait_one(struct linux_file *file, uint32_t handle, uint32_t flags,
		     int64_t timeout_ns);
int syncobj_wait_point(struct linux_file *file, uint32_t handle, uint64_t point,
		       uint32_t flags, int64_t timeout_ns);
int syncobj_array_ioctl(struct linux_file *file, unsigned long request,
			const uint32_t *handles, uint32_t count);
int syncobj_signal_one(struct linux_file *file, uint32_t handle);
int syncobj_reset_one(struct linux_file *file, uint32_t handle);
int syncobj_signal_point(struct linux_file *file, uint32_t handle,
			 uint64_t point);
uint64_t syncobj_query(struct linux_file *file, uint32_t handle,
		       uint32_t flags);
int syncobj_transfer(struct linux_file *file, uint32_t dst, uint64_t dst_point,
		     uint32_t src, uint64_t src_point, uint32_t flags);
int syncobj_to_fd(struct linux_file *file, uint32_t handle, uint32_t flags,
		  int *fd_out);
int syncobj_from_fd(struct linux_file *file, int fd, uint32_t flags,
		    uint32_t *handle);
struct dma_fence *test_fence_create(void);
/* Submits @fence for a point (0: binary) as a driver does. */
void syncobj_submit(struct linux_file *file, uint32_t handle, uint64_t point,
		    struct dma_fence *fence);

#endif /* SYNCOBJ_CALLS_H */
