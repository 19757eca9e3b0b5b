/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Queues of jobs that start strictly in order, each once the fences that it
 * waits for have signalled. Nothing waits in a thread: the head of a queue has
 * a callback on the next fence it needs. What a job does is its owner's affair,
 * which embeds struct panthor_job and runs a queue like this:
 *
 *	job = panthor_job_queue_claim(queue);
 *	while (job && panthor_job_is_ready(job)) {
 *		start the job, or panthor_job_queue_release(queue) and give up;
 *		next = panthor_job_queue_next(queue, job);
 *		the job is no longer the queue's;
 *		job = next;
 *	}
 *
 * Only one thread at a time gets past claim. After a job that is not ready the
 * queue must not be touched: another thread may run it already.
 *
 * Locking: panthor_job_queue::lock guards jobs, state and stopped; it is taken
 * in fence callbacks and is a leaf lock but for that of work queues. A job that
 * was pushed belongs to the thread that runs the queue. The numbers of fences
 * are guarded by the resv of the VM that the queue works for.
 */
#ifndef PANTHOR_JOB_QUEUE_H
#define PANTHOR_JOB_QUEUE_H

#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct panthor_job_queue;

struct panthor_job_queue_ops {
	/* Of the fences of its jobs. */
	const struct dma_fence_ops *fence_ops;
	/*
	 * Has the queue run by a worker. Called with the queue's lock held, in
	 * atomic context, while the queue has a job.
	 */
	void (*kick)(struct panthor_job_queue *queue);
};

enum panthor_job_queue_state {
	PANTHOR_JOB_QUEUE_IDLE,	   /* nobody looks at the queue */
	PANTHOR_JOB_QUEUE_RUNNING, /* one thread does */
	PANTHOR_JOB_QUEUE_WAITING, /* a fence callback will kick it */
};

struct panthor_job_queue {
	const struct panthor_job_queue_ops *ops;
	spinlock_t lock;
	struct list_head jobs; /* struct panthor_job */
	enum panthor_job_queue_state state;
	bool stopped; /* start no jobs for now */
	u64 fence_context;
	u64 fence_seqno; /* of the last fence */
};

struct panthor_job_fence {
	struct dma_fence base;
	spinlock_t lock;
};

struct panthor_job {
	struct panthor_job_queue *queue;
	struct list_head node; /* in panthor_job_queue::jobs */

	/* Signals when the job is done. Not initialised before it is armed. */
	struct panthor_job_fence *fence;
	bool armed;

	/* What the job waits for, in turn, with one callback at a time. */
	struct dma_fence **deps;
	u32 dep_count, next_dep;
	struct dma_fence_cb dep_cb;
};

/* Fences of jobs that are not done, for debugfs. */
enum panthor_fence_kind {
	PANTHOR_FENCE_STARTED,	/* of a job that has begun */
	PANTHOR_FENCE_QUEUED,	/* of one that has not */
	PANTHOR_FENCE_WAITS_FOR /* that the job before it in the list waits for */
};

struct panthor_fence_item {
	struct dma_fence *fence; /* a reference */
	enum panthor_fence_kind kind;
};

/*
 * Filled under spinlocks, so that there may turn out to be more than there is
 * room for: then count is what there should have been.
 */
struct panthor_fence_list {
	struct panthor_fence_item *items;
	u32 count, room;
};

int panthor_fence_list_fill(struct panthor_fence_list *list,
			    void (*collect)(struct panthor_fence_list *list,
					    void *data),
			    void *data);
void panthor_fence_list_add(struct panthor_fence_list *list,
			    struct dma_fence *fence,
			    enum panthor_fence_kind kind);
void panthor_fence_list_fini(struct panthor_fence_list *list);

int panthor_job_init(struct panthor_job *job, struct panthor_job_queue *queue);
void panthor_job_fini(struct panthor_job *job);
void panthor_job_arm(struct panthor_job *job);
bool panthor_job_is_ready(struct panthor_job *job);
const char *panthor_job_fence_driver_name(struct dma_fence *fence);

void panthor_job_queue_init(struct panthor_job_queue *queue,
			    const struct panthor_job_queue_ops *ops);
void panthor_job_queue_fini(struct panthor_job_queue *queue);
void panthor_job_queue_stop(struct panthor_job_queue *queue);
void panthor_job_queue_start(struct panthor_job_queue *queue);
void panthor_job_queue_push(struct panthor_job *job);
struct panthor_job *panthor_job_queue_claim(struct panthor_job_queue *queue);
struct panthor_job *panthor_job_queue_next(struct panthor_job_queue *queue,
					   struct panthor_job *done);
void panthor_job_queue_release(struct panthor_job_queue *queue);
void panthor_job_queue_collect(struct panthor_job_queue *queue,
			       struct panthor_fence_list *list);

#endif /* PANTHOR_JOB_QUEUE_H */
