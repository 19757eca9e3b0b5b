/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful. A syncobj is a refcounted box with one fence, or a chain of points,
 * in it.
 */
#ifndef LINUX_DRM_SYNCOBJ_H
#define LINUX_DRM_SYNCOBJ_H

#include <linux/dma-fence.h>
#include <linux/dma-fence-chain.h>

struct drm_file;

struct drm_syncobj {
	struct kref refcount;
	struct dma_fence __rcu *fence; /* NULL: nothing submitted yet */
	struct list_head cb_list; /* who waits for a fence to appear */
	struct list_head ev_fd_list; /* eventfds to signal */
	spinlock_t lock; /* guards both lists, and writes of fence */
};

void drm_syncobj_free(struct kref *kref);

static inline void drm_syncobj_get(struct drm_syncobj *obj)
{
	kref_get(&obj->refcount);
}

static inline void drm_syncobj_put(struct drm_syncobj *obj)
{
	kref_put(&obj->refcount, drm_syncobj_free);
}

/* A reference on the fence inside, or NULL. */
static inline struct dma_fence *
drm_syncobj_fence_get(struct drm_syncobj *syncobj)
{
	struct dma_fence *fence;

	rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&syncobj->fence);
	rcu_read_unlock();
	return fence;
}

/* A reference on the syncobj, or NULL for an unknown handle. */
struct drm_syncobj *drm_syncobj_find(struct drm_file *file_private, u32 handle);
/*
 * Appends a timeline point. @chain, from dma_fence_chain_alloc(), belongs to
 * the syncobj afterwards; @fence stays the caller's. Cannot fail.
 */
void drm_syncobj_add_point(struct drm_syncobj *syncobj,
			   struct dma_fence_chain *chain,
			   struct dma_fence *fence, uint64_t point);
/* Puts @fence (may be NULL) in place of what is inside. Cannot fail. */
void drm_syncobj_replace_fence(struct drm_syncobj *syncobj,
			       struct dma_fence *fence);
/*
 * The fence of @point (0: the binary fence). @flags may hold
 * DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, which waits for it for up to 5 s.
 * -ENOENT: unknown handle; -EINVAL: none yet; -ETIME: none within that time.
 */
int drm_syncobj_find_fence(struct drm_file *file_private, u32 handle, u64 point,
			   u64 flags, struct dma_fence **fence);
/* @flags: DRM_SYNCOBJ_CREATE_SIGNALED; @fence may be NULL. -ENOMEM. */
int drm_syncobj_create(struct drm_syncobj **out_syncobj, uint32_t flags,
		       struct dma_fence *fence);
int drm_syncobj_get_handle(struct drm_file *file_private,
			   struct drm_syncobj *syncobj, u32 *handle);
int drm_syncobj_get_fd(struct drm_syncobj *syncobj, int *p_fd);

#endif /* LINUX_DRM_SYNCOBJ_H */
