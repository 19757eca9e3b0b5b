/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The scheduler: which groups are in the firmware's slots.
 *
 * A tick decides, at once when something changed that it has to know of, and
 * every few milliseconds while there are more groups with work than slots, or
 * than address spaces for their VMs. Higher priorities come first; among equals
 * those that have waited for longest. A group that has nothing to do, or waits
 * for a sync object, keeps its slot until somebody needs it.
 *
 * Locking: panthor_scheduler::lock guards all below that is not a work queue or
 * atomic, the parts of groups that say so, and the group and stream interfaces
 * of the firmware. It is held while the firmware answers requests, and never
 * while waiting for a VM's op_lock: whoever holds that may not take it. Order:
 *
 *	sched->lock > slots_lock;  sched->lock > panthor_queue::lock
 *
 * Tiler heaps grow under locks of their own, op_lock among them, and without
 * this one.
 */
#ifndef PANTHOR_SCHED_H
#define PANTHOR_SCHED_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "panthor_fw.h"

struct panthor_device;
struct panthor_group;
struct panthor_sync_wait;
struct panthor_vm;

#define PANTHOR_PRIORITY_COUNT 4
#define PANTHOR_TICK_MS 10
/* How long the firmware may take to carry out requests. */
#define PANTHOR_CSG_TIMEOUT_MS 500

/* A heap that has run out of chunks, and numbers of render passes. */
struct panthor_tiler_oom {
	u64 heap_va;
	u32 vt_start; /* began */
	u32 vt_end;   /* have their tiling done */
	u32 frag_end; /* are done, and have given back their chunks */
};

struct panthor_scheduler {
	struct panthor_device *ptdev;
	/* What fences depend on. */
	struct workqueue_struct *wq;
	/* What has tiler heaps grow: it allocates, and fences depend on it only
	 * until their jobs time out. */
	struct workqueue_struct *heap_wq;
	/* What frees groups. */
	struct workqueue_struct *cleanup_wq;
	struct delayed_work tick_work;
	struct work_struct events_work;
	atomic_t events; /* bit per slot */

	struct mutex lock;
	struct panthor_group *slots[PANTHOR_FW_MAX_CSGS]; /* references */
	u32 slot_count;
	u32 as_count; /* address spaces for user VMs */
	/* Groups without a slot: with work, the longest wait first; and blocked
	 * ones. */
	struct list_head runnable[PANTHOR_PRIORITY_COUNT];
	struct list_head blocked;
	struct list_head groups;     /* all */
	unsigned long next_rotation; /* jiffies */
	u64 tick;
	bool stopped; /* nothing may talk to the firmware */
	bool gone;    /* and never again */
};

int panthor_sched_init(struct panthor_device *ptdev);
void panthor_sched_fini(struct panthor_device *ptdev);
void panthor_sched_free(struct panthor_device *ptdev);
void panthor_sched_pre_reset(struct panthor_device *ptdev);
void panthor_sched_post_reset(struct panthor_device *ptdev, bool failed);

void panthor_sched_report_fw_events(struct panthor_device *ptdev, u32 events);
void panthor_sched_vm_failed(struct panthor_vm *vm);

void panthor_sched_add_group(struct panthor_group *group);
void panthor_sched_remove_group(struct panthor_group *group);
void panthor_sched_kill_group(struct panthor_group *group);
void panthor_sched_group_has_work(struct panthor_group *group);
void panthor_sched_check_timeout(struct panthor_group *group);
bool panthor_sched_get_wait(struct panthor_group *group, u32 queue,
			    struct panthor_sync_wait *wait_out);
bool panthor_sched_get_oom(struct panthor_group *group, u32 queue,
			   struct panthor_tiler_oom *oom_out);
bool panthor_sched_answer_oom(struct panthor_group *group, u32 queue,
			      u64 chunk);
void panthor_sched_fail_oom(struct panthor_group *group, u32 queue, int error);
void panthor_sched_get_state(struct panthor_group *group, u32 *state_out,
			     u32 *fatal_queues_out);

/* Where a group stands, as panthor_sched_get_place() finds it. */
struct panthor_sched_place {
	int slot;	/* -1: not resident */
	bool idle;	/* resident, with nothing to do */
	bool suspended; /* the suspend buffer has its state */
	bool runnable;	/* waits for a slot */
	bool blocked;	/* has no slot, and all its work waits for memory */
	bool killed, dead;
	bool timedout, innocent;
	u32 fatal_queues;
};

void panthor_sched_get_place(struct panthor_group *group,
			     struct panthor_sched_place *place_out);

/* For panthor_csg.c and panthor_sched.c, under the lock. */
void panthor_sched_kick(struct panthor_scheduler *sched);
void panthor_sched_kill_locked(struct panthor_scheduler *sched,
			       struct panthor_group *group);

int panthor_csg_bind(struct panthor_scheduler *sched, u32 slot,
		     struct panthor_group *group);
void panthor_csg_request(struct panthor_scheduler *sched, u32 slot, u32 state);
void panthor_csg_unbind(struct panthor_scheduler *sched, u32 slot,
			bool suspended);
bool panthor_csg_is_idle(struct panthor_scheduler *sched, u32 slot);
void panthor_csg_process_events(struct panthor_scheduler *sched, u32 slot);
bool panthor_csg_get_oom(struct panthor_scheduler *sched,
			 struct panthor_group *group, u32 index,
			 struct panthor_tiler_oom *oom_out);
bool panthor_csg_answer_oom(struct panthor_scheduler *sched,
			    struct panthor_group *group, u32 index, u64 chunk);

#endif /* PANTHOR_SCHED_H */
