/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The queue of asynchronous binds of a VM: strictly in order, each job once its
 * fences have signalled. Nothing waits in a thread: the head of the queue has a
 * callback on the next fence it needs.
 *
 * Locking: panthor_bind_queue::lock guards jobs, state and stopped; it is taken
 * in fence callbacks and is a leaf lock. A job that was pushed belongs to the
 * thread that runs the queue.
 */
#ifndef PANTHOR_BIND_QUEUE_H
#define PANTHOR_BIND_QUEUE_H

#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct panthor_bind_batch;
struct panthor_vm;

enum panthor_bind_state {
	PANTHOR_BIND_IDLE,    /* nobody looks at the queue */
	PANTHOR_BIND_RUNNING, /* one thread does */
	PANTHOR_BIND_WAITING, /* a fence callback will queue the work */
};

struct panthor_bind_queue {
	spinlock_t lock;
	struct list_head jobs; /* struct panthor_bind_job */
	enum panthor_bind_state state;
	bool stopped; /* a GPU reset is under way */
	struct work_struct work;
	u64 fence_context;
	/* Of the last fence; guarded by the VM's resv. */
	u64 fence_seqno;
};

struct panthor_bind_fence {
	struct dma_fence base;
	spinlock_t lock;
};

struct panthor_bind_job {
	struct list_head node; /* in panthor_bind_queue::jobs */
	struct panthor_bind_batch *batch;
	u32 first_op, op_count;

	/* Signals when the ops are done. Not initialised before it is armed. */
	struct panthor_bind_fence *fence;
	bool armed;

	/* What the job waits for, in turn, with one callback at a time. */
	struct dma_fence **deps;
	u32 dep_count, next_dep;
	struct dma_fence_cb dep_cb;
};

void panthor_bind_queue_init(struct panthor_bind_queue *queue);
void panthor_bind_queue_fini(struct panthor_bind_queue *queue);
void panthor_bind_queue_stop(struct panthor_vm *vm);
void panthor_bind_queue_start(struct panthor_vm *vm);
void panthor_bind_queue_push(struct panthor_bind_batch *batch);
void panthor_bind_queue_run(struct panthor_vm *vm);

void panthor_bind_job_arm(struct panthor_bind_job *job);
void panthor_bind_batch_destroy(struct panthor_bind_batch *batch);

#endif /* PANTHOR_BIND_QUEUE_H */
