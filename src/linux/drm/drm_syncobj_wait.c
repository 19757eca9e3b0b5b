// SPDX-License-Identifier: MIT OR GPL-2.0
/* Waiting for syncobjs, by a thread or through an eventfd. */
#include <drm/drm_syncobj.h>
#include <drm/drm.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "drm_internal.h"
#include "drm_syncobj_internal.h"
#include "drm_syncobj_array.h"

/* What one thread waits for. Any callback makes it look at all of it again. */
struct syncobj_waiter {
	wait_queue_head_t wq;
	atomic_t events;
};

/* One syncobj of a wait. */
struct syncobj_wait {
	struct syncobj_waiter *waiter;
	u64 point;
	struct list_head node; /* in cb_list of the syncobj, until then */
	struct dma_fence *fence; /* a reference, once one was submitted */
	struct dma_fence_cb fence_cb;
	bool fence_cb_added;
};

static void waiter_wake(struct syncobj_waiter *waiter)
{
	atomic_inc(&waiter->events);
	wake_up_all(&waiter->wq);
}

static void fence_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	waiter_wake(container_of(cb, struct syncobj_wait, fence_cb)->waiter);
}

/* With syncobj->lock held: takes the fence, if there is one by now. */
static void try_take_fence(struct drm_syncobj *syncobj,
			   struct syncobj_wait *wait)
{
	struct dma_fence *fence;

	lockdep_assert_held(&syncobj->lock);
	if (linux_drm_syncobj_point_fence(syncobj, wait->point, &fence))
		return;
	/* Whoever waits reads it without the lock. */
	smp_store_release(&wait->fence, fence);
	list_del_init(&wait->node);
}

static void start_wait(struct drm_syncobj *syncobj, struct syncobj_wait *wait)
{
	spin_lock(&syncobj->lock);
	list_add_tail(&wait->node, &syncobj->cb_list);
	try_take_fence(syncobj, wait);
	spin_unlock(&syncobj->lock);
}

static void end_wait(struct drm_syncobj *syncobj, struct syncobj_wait *wait)
{
	spin_lock(&syncobj->lock);
	if (!list_empty(&wait->node))
		list_del_init(&wait->node);
	spin_unlock(&syncobj->lock);
	if (wait->fence_cb_added)
		dma_fence_remove_callback(wait->fence, &wait->fence_cb);
	dma_fence_put(wait->fence);
}

/* This one is done; if not, it will call the waiter. */
static bool is_done(struct syncobj_wait *wait, u32 flags)
{
	struct dma_fence *fence = smp_load_acquire(&wait->fence);

	if (!fence)
		return false;
	if (flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE)
		return true;
	if (dma_fence_is_signaled(fence))
		return true;
	if (wait->fence_cb_added)
		return false;
	if (dma_fence_add_callback(fence, &wait->fence_cb, fence_signaled))
		return true;
	wait->fence_cb_added = true;
	return false;
}

/* The wait as a whole is over; *idx_out (may be NULL) is the first one done. */
static bool are_done(struct syncobj_wait *waits, u32 count, u32 flags,
		     u32 *idx_out)
{
	bool all = flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;
	u32 done = 0;

	for (u32 i = 0; i < count; i++) {
		if (!is_done(&waits[i], flags)) {
			if (all)
				return false;
			continue;
		}
		if (done++ == 0 && idx_out)
			*idx_out = i;
		if (!all)
			return true;
	}
	return all;
}

static long wait_loop(struct syncobj_waiter *waiter, struct syncobj_wait *waits,
		      u32 count, u32 flags, long timeout, u32 *idx_out)
{
	for (;;) {
		/* Events from here on are not missed by the test below. */
		int seen = atomic_read_acquire(&waiter->events);

		if (are_done(waits, count, flags, idx_out))
			return timeout ? timeout : 1;
		if (!timeout)
			return -ETIME;
		timeout = wait_event_interruptible_timeout(
			waiter->wq,
			atomic_read_acquire(&waiter->events) != seen, timeout);
	}
}

/*
 * @points may be NULL: all 0. @flags: DRM_SYNCOBJ_WAIT_FLAGS_*. Returns jiffies
 * left, at least 1; -ETIME; -EINVAL when something was not submitted that
 * @flags did not allow for; -ENOMEM.
 */
static long wait_syncobjs(struct drm_syncobj **syncobjs, const u64 *points,
			  u32 count, u32 flags, long timeout,
			  const ktime_t *deadline, u32 *idx_out)
{
	const u32 may_wait = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
			     DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
	struct syncobj_waiter waiter;
	struct syncobj_wait single = {}, *waits = &single;
	struct dma_fence *fence;
	u32 started;
	long ret;

	if (count > 1) {
		waits = kcalloc(count, sizeof(*waits), GFP_KERNEL);
		if (!waits)
			return -ENOMEM;
	}
	init_waitqueue_head(&waiter.wq);
	atomic_set(&waiter.events, 0);

	for (started = 0; started < count; started++) {
		struct syncobj_wait *wait = &waits[started];

		wait->waiter = &waiter;
		wait->point = points ? points[started] : 0;
		INIT_LIST_HEAD(&wait->node);
		start_wait(syncobjs[started], wait);
		fence = smp_load_acquire(&wait->fence);
		if (!fence && !(flags & may_wait)) {
			started++;
			ret = -EINVAL;
			goto out_end;
		}
		if (fence && deadline)
			dma_fence_set_deadline(fence, *deadline);
	}
	ret = wait_loop(&waiter, waits, count, flags, timeout, idx_out);
out_end:
	while (started--)
		end_wait(syncobjs[started], &waits[started]);
	if (waits != &single)
		kfree(waits);
	return ret;
}

long linux_drm_syncobj_wait_available(struct drm_syncobj *syncobj, u64 point,
				      long timeout)
{
	return wait_syncobjs(&syncobj, &point, 1,
			     DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE, timeout,
			     NULL, NULL);
}

/* ------------------------------------------------------------- eventfds -- */

struct syncobj_eventfd {
	struct list_head node; /* in drm_syncobj::ev_fd_list, or nowhere */
	struct eventfd_ctx *ctx;
	struct dma_fence *fence; /* a reference, once there is one */
	struct dma_fence_cb fence_cb;
	u64 point;
	u32 flags;
};

static void eventfd_free(struct syncobj_eventfd *entry)
{
	eventfd_ctx_put(entry->ctx);
	dma_fence_put(entry->fence);
	kfree(entry);
}

static void eventfd_fire(struct syncobj_eventfd *entry)
{
	eventfd_signal(entry->ctx);
	eventfd_free(entry);
}

static void eventfd_fence_signaled(struct dma_fence *fence,
				   struct dma_fence_cb *cb)
{
	eventfd_fire(container_of(cb, struct syncobj_eventfd, fence_cb));
}

/* With syncobj->lock held; @entry may be gone afterwards. */
static void eventfd_try(struct drm_syncobj *syncobj,
			struct syncobj_eventfd *entry)
{
	lockdep_assert_held(&syncobj->lock);
	if (linux_drm_syncobj_point_fence(syncobj, entry->point, &entry->fence))
		return;
	list_del_init(&entry->node);
	if (entry->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE ||
	    dma_fence_add_callback(entry->fence, &entry->fence_cb,
				   eventfd_fence_signaled))
		eventfd_fire(entry);
}

void linux_drm_syncobj_notify(struct drm_syncobj *syncobj)
{
	struct syncobj_eventfd *entry, *next_entry;
	struct syncobj_wait *wait, *next_wait;

	lockdep_assert_held(&syncobj->lock);
	list_for_each_entry_safe(wait, next_wait, &syncobj->cb_list, node) {
		struct syncobj_waiter *waiter = wait->waiter;

		try_take_fence(syncobj, wait);
		/* Its owner cannot leave before we drop the lock. */
		if (list_empty(&wait->node))
			waiter_wake(waiter);
	}
	list_for_each_entry_safe(entry, next_entry, &syncobj->ev_fd_list, node)
		eventfd_try(syncobj, entry);
}

void linux_drm_syncobj_free_eventfds(struct drm_syncobj *syncobj)
{
	struct syncobj_eventfd *entry, *next;

	/* The last reference is gone: no lock needed. */
	list_for_each_entry_safe(entry, next, &syncobj->ev_fd_list, node) {
		list_del(&entry->node);
		eventfd_free(entry);
	}
}

int linux_drm_syncobj_eventfd_ioctl(struct drm_device *dev, void *data,
				    struct drm_file *file)
{
	struct drm_syncobj_eventfd *args = data;
	struct syncobj_eventfd *entry;
	struct drm_syncobj *syncobj;
	int ret;

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ_TIMELINE))
		return -EOPNOTSUPP;
	if (args->flags & ~(u32)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE ||
	    args->pad)
		return -EINVAL;
	syncobj = drm_syncobj_find(file, args->handle);
	if (!syncobj)
		return -ENOENT;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry) {
		ret = -ENOMEM;
		goto err_put;
	}
	entry->ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(entry->ctx)) {
		ret = PTR_ERR(entry->ctx);
		goto err_free;
	}
	entry->point = args->point;
	entry->flags = args->flags;
	spin_lock(&syncobj->lock);
	list_add_tail(&entry->node, &syncobj->ev_fd_list);
	eventfd_try(syncobj, entry);
	spin_unlock(&syncobj->lock);
	drm_syncobj_put(syncobj);
	return 0;

err_free:
	kfree(entry);
err_put:
	drm_syncobj_put(syncobj);
	return ret;
}

/* --------------------------------------------------------------- ioctls -- */

/*
 * Jiffies until an absolute time on the monotonic clock, rounded up; 0 when it
 * has passed.
 */
static long jiffies_until(s64 deadline_ns)
{
	s64 now = ktime_to_ns(ktime_get()), left;
	const s64 jiffy = NSEC_PER_SEC / HZ;

	if (deadline_ns <= now)
		return 0;
	left = deadline_ns - now;
	if (left > (S64_MAX / 2))
		return MAX_SCHEDULE_TIMEOUT;
	return left / jiffy + 1;
}

struct wait_args {
	u64 handles;
	u64 points; /* 0: all points are 0 */
	s64 timeout_ns; /* absolute */
	u32 count;
	u32 flags;
	s64 deadline_ns;
};

static int wait_ioctl(struct drm_file *file, const struct wait_args *args,
		      u32 *first_signaled)
{
	ktime_t deadline = ns_to_ktime(args->deadline_ns);
	struct linux_syncobj_array array;
	u32 idx = ~0u;
	long left;
	int ret;

	if (!args->count)
		return 0;
	ret = linux_syncobj_array_get(file, &array, args->handles, args->count);
	if (ret)
		return ret;
	ret = linux_syncobj_array_get_points(&array, args->points);
	if (ret)
		goto out_put;
	left = wait_syncobjs(
		array.syncobjs, array.points, args->count, args->flags,
		jiffies_until(args->timeout_ns),
		args->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE ? &deadline :
								    NULL,
		&idx);
	ret = left < 0 ? (int)left : 0;
	if (!ret)
		*first_signaled = idx;
out_put:
	linux_syncobj_array_put(&array);
	return ret;
}

int linux_drm_syncobj_wait_ioctl(struct drm_device *dev, void *data,
				 struct drm_file *file)
{
	struct drm_syncobj_wait *args = data;
	const struct wait_args wait = {
		.handles = args->handles,
		.timeout_ns = args->timeout_nsec,
		.count = args->count_handles,
		.flags = args->flags,
		.deadline_ns = args->deadline_nsec,
	};

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ))
		return -EOPNOTSUPP;
	if (args->flags & ~(u32)(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
				 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
				 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE))
		return -EINVAL;
	return wait_ioctl(file, &wait, &args->first_signaled);
}

int linux_drm_syncobj_timeline_wait_ioctl(struct drm_device *dev, void *data,
					  struct drm_file *file)
{
	struct drm_syncobj_timeline_wait *args = data;
	const struct wait_args wait = {
		.handles = args->handles,
		.points = args->points,
		.timeout_ns = args->timeout_nsec,
		.count = args->count_handles,
		.flags = args->flags,
		.deadline_ns = args->deadline_nsec,
	};

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ_TIMELINE))
		return -EOPNOTSUPP;
	if (args->flags & ~(u32)(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
				 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
				 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE |
				 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE))
		return -EINVAL;
	return wait_ioctl(file, &wait, &args->first_signaled);
}
