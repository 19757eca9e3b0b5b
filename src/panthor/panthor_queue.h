/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A queue of a group: a ring buffer of command-stream instructions, and the
 * jobs whose instructions are in it. Every job that has a stream adds one to
 * the queue's sync object when it ends; its fence signals when the sync object
 * has reached the job's number. A job without a stream has the number of the
 * one before it.
 *
 * Locking: panthor_queue::lock guards the list of jobs in flight and the
 * deadline; it is a leaf lock. The other state of the ring belongs to the
 * group's work. wait is guarded by panthor_scheduler::lock.
 */
#ifndef PANTHOR_QUEUE_H
#define PANTHOR_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "panthor_job_queue.h"

struct drm_panthor_queue_create;
struct drm_panthor_queue_submit;
struct panthor_fw_ringbuf_input_iface;
struct panthor_fw_ringbuf_output_iface;
struct panthor_group;
struct panthor_kernel_bo;

#define PANTHOR_JOB_TIMEOUT_MS 5000

/* Bytes of the ring for a job: its instructions, rounded up to cache lines. */
#define PANTHOR_RING_JOB_SIZE 128

struct panthor_group_job {
	struct panthor_job base;
	struct panthor_group *group; /* holds a reference */
	struct list_head node;	     /* in panthor_queue::in_flight */

	u64 stream_addr;
	u32 stream_size; /* 0: none */
	u32 latest_flush;

	u64 seqno;    /* the sync object's value when the job is done */
	u64 ring_end; /* where its instructions end, in bytes ever written */
	int error;    /* guarded by the queue's lock */
};

/* What a stream that is not resident waits for. */
struct panthor_sync_wait {
	bool blocked;
	bool is_64, is_greater; /* value > ref, else value <= ref; unsigned */
	u64 va, ref;
};

struct panthor_queue {
	struct panthor_job_queue base;
	struct panthor_group *group;
	u8 priority;

	struct panthor_kernel_bo *ringbuf, *iface_mem;
	struct panthor_fw_ringbuf_input_iface *input;
	const struct panthor_fw_ringbuf_output_iface *output;
	u32 input_fw_va, output_fw_va;
	u32 index;

	u32 slots_used; /* instruction slots of jobs in flight */
	u64 seqno;	/* of the last job in the ring */

	spinlock_t lock;
	struct list_head in_flight; /* struct panthor_group_job */
	unsigned long deadline;	    /* jiffies; of the first in flight */

	struct panthor_sync_wait wait;
};

int panthor_queue_check(const struct drm_panthor_queue_create *args);
int panthor_queue_init(struct panthor_queue *queue, struct panthor_group *group,
		       u32 index, const struct drm_panthor_queue_create *args);
void panthor_queue_fini(struct panthor_queue *queue);

bool panthor_queue_is_empty(const struct panthor_queue *queue);
void panthor_queue_set_fault(struct panthor_queue *queue);
void panthor_queue_delay_deadline(struct panthor_queue *queue,
				  unsigned long delay);
bool panthor_queue_next_deadline(struct panthor_queue *queue,
				 unsigned long *deadline_out);
void panthor_queue_complete(struct panthor_queue *queue);
bool panthor_queue_start_jobs(struct panthor_queue *queue);
u64 panthor_queue_done(const struct panthor_queue *queue);
void panthor_queue_collect(struct panthor_queue *queue,
			   struct panthor_fence_list *list);

struct panthor_group_job *
panthor_group_job_create(struct panthor_group *group,
			 const struct drm_panthor_queue_submit *args);
void panthor_group_job_destroy(struct panthor_group_job *job);

#endif /* PANTHOR_QUEUE_H */
