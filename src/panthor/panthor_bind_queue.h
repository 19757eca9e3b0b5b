/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The queue of asynchronous binds of a VM. Jobs are executed, not only started,
 * in order: see panthor_job_queue.h.
 */
#ifndef PANTHOR_BIND_QUEUE_H
#define PANTHOR_BIND_QUEUE_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "panthor_job_queue.h"

struct panthor_bind_batch;
struct panthor_vm;

struct panthor_bind_queue {
	struct panthor_job_queue base;
	struct work_struct work;
};

struct panthor_bind_job {
	struct panthor_job base;
	struct panthor_bind_batch *batch;
	u32 first_op, op_count;
};

void panthor_bind_queue_init(struct panthor_bind_queue *queue);
void panthor_bind_queue_fini(struct panthor_bind_queue *queue);
void panthor_bind_queue_push(struct panthor_bind_batch *batch);
void panthor_bind_queue_run(struct panthor_vm *vm);

void panthor_bind_batch_destroy(struct panthor_bind_batch *batch);

#endif /* PANTHOR_BIND_QUEUE_H */
