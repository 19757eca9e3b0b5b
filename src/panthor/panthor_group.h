/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Groups: up to 32 queues of command streams that run on one VM and are
 * resident in a slot of the firmware, or not, together.
 *
 * References are held by the file's pool until GROUP_DESTROY, by every job, by
 * the slot that a group is in, and by work that is queued. Groups are freed by
 * a worker, so that a reference may be dropped in any context.
 *
 * A group that is killed starts no more jobs. Once nothing of it can run on the
 * GPU it is dead, and its work signals the fences of all that is left.
 *
 * Locking: what follows the comment in struct panthor_group is guarded by
 * panthor_scheduler::lock; killed, dead and the reasons are also read without
 * it. The queues' jobs belong to panthor_group::work, which is never run twice
 * at a time.
 */
#ifndef PANTHOR_GROUP_H
#define PANTHOR_GROUP_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "panthor_queue.h"

struct drm_device;
struct drm_file;
struct drm_panthor_group_create;
struct drm_panthor_queue_create;
struct panthor_device;
struct panthor_group_pool;
struct panthor_vm;

#define PANTHOR_MAX_GROUPS_PER_FILE 128
#define PANTHOR_GROUP_MAX_QUEUES 32

/* What the GPU adds to when a job of a queue ends; the GPU's layout. */
struct panthor_syncobj {
	u64 seqno;
	u32 status; /* non-zero: a job failed */
	u32 pad;
};

struct panthor_group {
	struct kref refcount;
	struct panthor_device *ptdev;
	struct panthor_vm *vm; /* holds a reference */
	u8 priority;	       /* enum drm_panthor_group_priority */
	u8 max_compute_cores, max_fragment_cores, max_tiler_cores;
	u64 compute_core_mask, fragment_core_mask, tiler_core_mask;

	struct panthor_kernel_bo *suspend_buf, *protm_suspend_buf;
	struct panthor_kernel_bo *syncobjs; /* one per queue */

	u32 queue_count;
	struct panthor_queue *queues;

	struct work_struct work;      /* completes and starts jobs */
	struct work_struct wait_work; /* looks at what a stream waits for */
	struct work_struct oom_work;  /* has tiler heaps grow */
	struct work_struct release_work;
	struct delayed_work timeout_work;

	/* The rest is guarded by panthor_scheduler::lock. */
	struct list_head node;	   /* in panthor_scheduler::groups */
	int slot;		   /* -1: not resident */
	bool suspended;		   /* the suspend buffer has its state */
	bool idle;		   /* resident, with nothing to do */
	struct list_head run_node; /* in runnable or blocked, else empty */
	bool is_runnable;	   /* in runnable: waits for a slot */
	unsigned long wait_since;  /* jiffies, while it is */
	u64 slot_since;		   /* number of the tick that gave the slot */

	bool killed, dead;
	bool timedout, innocent, hung;
	u32 fatal_queues;
};

struct panthor_group *
panthor_group_create(struct panthor_device *ptdev, struct panthor_vm *vm,
		     const struct drm_panthor_group_create *args,
		     const struct drm_panthor_queue_create *queues);

static inline struct panthor_group *
panthor_group_get(struct panthor_group *group)
{
	kref_get(&group->refcount);
	return group;
}

void panthor_group_put(struct panthor_group *group);
void panthor_group_queue_work(struct panthor_group *group);
void panthor_group_queue_wait_work(struct panthor_group *group);
void panthor_group_queue_oom_work(struct panthor_group *group);
void panthor_group_arm_timeout(struct panthor_group *group,
			       unsigned long delay);

struct panthor_group_pool *panthor_group_pool_create(void);
void panthor_group_pool_destroy(struct panthor_group_pool *pool);
struct panthor_group *
panthor_group_pool_get_group(struct panthor_group_pool *pool, u32 handle);
struct panthor_group *
panthor_group_pool_get_next(struct panthor_group_pool *pool, u32 *handle);

int panthor_ioctl_group_create(struct drm_device *ddev, void *data,
			       struct drm_file *file);
int panthor_ioctl_group_destroy(struct drm_device *ddev, void *data,
				struct drm_file *file);
int panthor_ioctl_group_submit(struct drm_device *ddev, void *data,
			       struct drm_file *file);
int panthor_ioctl_group_get_state(struct drm_device *ddev, void *data,
				  struct drm_file *file);

#endif /* PANTHOR_GROUP_H */
