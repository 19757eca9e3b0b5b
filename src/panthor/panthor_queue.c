// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_group.h"
#include "panthor_kernel_bo.h"
#include "panthor_queue.h"

#define MIN_RINGBUF_SIZE SZ_4K
#define MAX_RINGBUF_SIZE SZ_64K
#define MAX_QUEUE_PRIORITY 15

#define JOB_SLOTS (PANTHOR_RING_JOB_SIZE / SLOT_SIZE)
#define SLOT_SIZE sizeof(u64)

/* ------------------------------------------------------------------ jobs -- */

/**
 * panthor_group_job_create() - a job for a queue of a group, validated
 *
 * Return: the job, which has a reference to the group, or ERR_PTR(-ENOMEM).
 */
struct panthor_group_job *
panthor_group_job_create(struct panthor_group *group,
			 const struct drm_panthor_queue_submit *args)
{
	struct panthor_group_job *job;

	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!job)
		return ERR_PTR(-ENOMEM);

	job->group = panthor_group_get(group);
	job->stream_addr = args->stream_addr;
	job->stream_size = args->stream_size;
	job->latest_flush = args->latest_flush;

	if (panthor_job_init(&job->base,
			     &group->queues[args->queue_index].base)) {
		panthor_group_job_destroy(job);
		return ERR_PTR(-ENOMEM);
	}

	return job;
}

/** panthor_group_job_destroy() - free a job that is in no queue; NULL is fine
 */
void panthor_group_job_destroy(struct panthor_group_job *job)
{
	if (!job)
		return;

	panthor_job_fini(&job->base);
	panthor_group_put(job->group);
	kfree(job);
}

static void finish_job(struct panthor_group_job *job, int error)
{
	struct dma_fence *fence = &job->base.fence->base;

	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal(fence);
	panthor_group_job_destroy(job);
}

/* ------------------------------------------------------------------ ring -- */

static struct panthor_syncobj *syncobj_of(const struct panthor_queue *queue)
{
	struct panthor_syncobj *objs = queue->group->syncobjs->kmap;

	return objs + queue->index;
}

/*
 * The instructions around a stream. The registers are the last four, which
 * streams must not rely on: an address in the first pair, a value in the
 * second.
 */
static void write_job(struct panthor_queue *queue,
		      const struct panthor_group_job *job)
{
	struct panthor_group *group = queue->group;
	u64 addr = group->ptdev->csif_info.cs_reg_count - 4, value = addr + 2;
	u64 sync_va = group->syncobjs->va +
		      queue->index * sizeof(struct panthor_syncobj);
	const u64 instrs[JOB_SLOTS] = {
		/* MOVE32 value, latest_flush */
		2ull << 56 | value << 48 | job->latest_flush,
		/* FLUSH_CACHE2 all, against latest_flush; signals slot 0 */
		36ull << 56 | value << 40 | 2 << 8 | 3 << 4 | 3,
		/* MOVE addr, stream; MOVE32 value, size */
		1ull << 56 | addr << 48 | job->stream_addr,
		2ull << 56 | value << 48 | job->stream_size,
		/* WAIT slot 0 */
		3ull << 56 | 1 << 16,
		/* CALL */
		32ull << 56 | addr << 40 | value << 32,
		/* MOVE addr, sync object; MOVE value, 1 */
		1ull << 56 | addr << 48 | sync_va,
		1ull << 56 | value << 48 | 1,
		/* WAIT for all slots */
		3ull << 56 | 0xff << 16,
		/* SYNC_ADD64, system scope, tells errors */
		51ull << 56 | addr << 40 | value << 32 | 1,
		/* ERROR_BARRIER */
		47ull << 56,
	};
	u64 insert = READ_ONCE(queue->input->insert);

	/* A ring is a multiple of a job: instructions do not wrap. */
	memcpy(queue->ringbuf->kmap + (insert & (queue->ringbuf->size - 1)),
	       instrs, sizeof(instrs));
}

/** panthor_queue_is_empty() - has the GPU executed all there is? */
bool panthor_queue_is_empty(const struct panthor_queue *queue)
{
	return READ_ONCE(queue->output->extract) ==
	       READ_ONCE(queue->input->insert);
}

/* --------------------------------------------------------------- running -- */

static void set_deadline(struct panthor_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	queue->deadline = jiffies + msecs_to_jiffies(PANTHOR_JOB_TIMEOUT_MS);
}

/** panthor_queue_delay_deadline() - the group had to wait for a slot */
void panthor_queue_delay_deadline(struct panthor_queue *queue,
				  unsigned long delay)
{
	spin_lock(&queue->lock);
	queue->deadline += delay;
	spin_unlock(&queue->lock);
}

/** panthor_queue_next_deadline() - when is it due, if it runs anything? */
bool panthor_queue_next_deadline(struct panthor_queue *queue,
				 unsigned long *deadline_out)
{
	bool busy;

	spin_lock(&queue->lock);
	busy = !list_empty(&queue->in_flight);
	*deadline_out = queue->deadline;
	spin_unlock(&queue->lock);

	return busy;
}

/**
 * panthor_queue_set_fault() - an error that the queue goes on from
 *
 * Blames the job that the queue is at.
 */
void panthor_queue_set_fault(struct panthor_queue *queue)
{
	u64 extract = READ_ONCE(queue->output->extract);
	struct panthor_group_job *job;

	spin_lock(&queue->lock);
	list_for_each_entry (job, &queue->in_flight, node) {
		if (job->stream_size && job->ring_end > extract) {
			job->error = -EINVAL;
			break;
		}
	}
	spin_unlock(&queue->lock);
}

/* What the jobs of a dead group that did not end get. */
static int error_of_dead(const struct panthor_queue *queue)
{
	const struct panthor_group *group = queue->group;

	if (group->fatal_queues & BIT(queue->index))
		return -EINVAL;
	return group->timedout ? -ETIMEDOUT : -ECANCELED;
}

/*
 * Takes the first job in flight if its number was reached, or in any case from
 * a dead group.
 */
static struct panthor_group_job *pop_done(struct panthor_queue *queue,
					  u64 reached, bool dead)
{
	struct panthor_group_job *job;

	spin_lock(&queue->lock);
	job = list_first_entry_or_null(&queue->in_flight,
				       struct panthor_group_job, node);
	if (job && job->seqno > reached && !dead)
		job = NULL;
	if (job) {
		list_del(&job->node);
		set_deadline(queue);
		if (job->seqno > reached && !job->error)
			job->error = error_of_dead(queue);
	}
	spin_unlock(&queue->lock);

	return job;
}

/**
 * panthor_queue_complete() - signal the fences of what is done
 *
 * Only by the group's work.
 */
void panthor_queue_complete(struct panthor_queue *queue)
{
	bool dead = READ_ONCE(queue->group->dead);
	struct panthor_syncobj *syncobj = syncobj_of(queue);
	u64 reached = READ_ONCE(syncobj->seqno);
	u32 status = READ_ONCE(syncobj->status);
	struct panthor_group_job *job;

	if (status)
		WRITE_ONCE(syncobj->status, 0);

	while ((job = pop_done(queue, reached, dead))) {
		/* The status belongs to the number it was read with. */
		if (status && job->seqno == reached && job->stream_size)
			job->error = job->error ?: -EINVAL;
		if (job->stream_size)
			queue->slots_used -= JOB_SLOTS;
		finish_job(job, job->error);
	}
}

/*
 * The fence of a job signals while its last instructions, behind SYNC_ADD64, are
 * still to be executed. So one job's worth of slots always stays unused: what is
 * written next must not land on them.
 */
static bool has_room(const struct panthor_queue *queue,
		     const struct panthor_group_job *job)
{
	return !job->stream_size || queue->slots_used + 2 * JOB_SLOTS <=
					    queue->ringbuf->size / SLOT_SIZE;
}

static void start_job(struct panthor_queue *queue,
		      struct panthor_group_job *job)
{
	u64 end = READ_ONCE(queue->input->insert);

	if (job->stream_size) {
		write_job(queue, job);
		queue->slots_used += JOB_SLOTS;
		queue->seqno++;
		end += JOB_SLOTS * SLOT_SIZE;
	}
	job->seqno = queue->seqno;
	job->ring_end = end;

	spin_lock(&queue->lock);
	if (list_empty(&queue->in_flight))
		set_deadline(queue);
	list_add_tail(&job->node, &queue->in_flight);
	spin_unlock(&queue->lock);

	/* Instructions before the position that makes them count. */
	wmb();
	WRITE_ONCE(queue->input->insert, end);
}

/**
 * panthor_queue_start_jobs() - start what has nothing to wait for
 *
 * Only by the group's work. A job of a dead group ends without having begun; a
 * killed one that may still run starts none.
 *
 * Return: whether there is something new in the ring.
 */
bool panthor_queue_start_jobs(struct panthor_queue *queue)
{
	struct panthor_group *group = queue->group;
	struct panthor_job *base = panthor_job_queue_claim(&queue->base), *next;
	bool dead = READ_ONCE(group->dead), started = false;
	struct panthor_group_job *job;

	while (base && panthor_job_is_ready(base)) {
		job = container_of(base, struct panthor_group_job, base);
		if (!dead &&
		    (READ_ONCE(group->killed) || !has_room(queue, job))) {
			panthor_job_queue_release(&queue->base);
			break;
		}

		next = panthor_job_queue_next(&queue->base, base);
		if (dead) {
			finish_job(job, error_of_dead(queue));
		} else {
			started |= job->stream_size != 0;
			start_job(queue, job);
		}
		base = next;
	}

	return started;
}

/** panthor_queue_done() - how many jobs the GPU has ended, for debugfs */
u64 panthor_queue_done(const struct panthor_queue *queue)
{
	return READ_ONCE(syncobj_of(queue)->seqno);
}

/** panthor_queue_collect() - add the jobs that are not done to a list */
void panthor_queue_collect(struct panthor_queue *queue,
			   struct panthor_fence_list *list)
{
	struct panthor_group_job *job;

	spin_lock(&queue->lock);
	list_for_each_entry (job, &queue->in_flight, node)
		panthor_fence_list_add(list, &job->base.fence->base,
				       PANTHOR_FENCE_STARTED);
	spin_unlock(&queue->lock);
	panthor_job_queue_collect(&queue->base, list);
}

/* ------------------------------------------------------------------ init -- */

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "queue";
}

static const struct dma_fence_ops queue_fence_ops = {
	.get_driver_name = panthor_job_fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

static void kick(struct panthor_job_queue *base)
{
	struct panthor_queue *queue =
		container_of(base, struct panthor_queue, base);

	panthor_group_queue_work(queue->group);
}

static const struct panthor_job_queue_ops queue_ops = {
	.fence_ops = &queue_fence_ops,
	.kick = kick,
};

/** panthor_queue_check() - -EINVAL for parameters that are out of range */
int panthor_queue_check(const struct drm_panthor_queue_create *args)
{
	if (args->pad[0] || args->pad[1] || args->pad[2])
		return -EINVAL;
	if (args->ringbuf_size < MIN_RINGBUF_SIZE ||
	    args->ringbuf_size > MAX_RINGBUF_SIZE ||
	    !is_power_of_2(args->ringbuf_size))
		return -EINVAL;
	if (args->priority > MAX_QUEUE_PRIORITY)
		return -EINVAL;
	return 0;
}

/**
 * panthor_queue_init() - set up a queue of a new group
 *
 * Return: 0 or an error; panthor_queue_fini() is due in any case.
 */
int panthor_queue_init(struct panthor_queue *queue, struct panthor_group *group,
		       u32 index, const struct drm_panthor_queue_create *args)
{
	int ret;

	panthor_job_queue_init(&queue->base, &queue_ops);
	queue->group = group;
	queue->index = index;
	queue->priority = args->priority;
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->in_flight);

	queue->ringbuf = panthor_kernel_bo_create(
		group->ptdev, group->vm, args->ringbuf_size,
		DRM_PANTHOR_BO_NO_MMAP,
		DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED,
		PANTHOR_VM_KERNEL_AUTO_VA, "ring buffer");
	if (IS_ERR(queue->ringbuf))
		return PTR_ERR(queue->ringbuf);

	ret = panthor_kernel_bo_vmap(queue->ringbuf);
	if (ret)
		return ret;

	queue->iface_mem = panthor_fw_alloc_queue_iface_mem(
		group->ptdev, &queue->input, &queue->output,
		&queue->input_fw_va, &queue->output_fw_va);
	return PTR_ERR_OR_ZERO(queue->iface_mem);
}

/** panthor_queue_fini() - the inverse; all jobs are done */
void panthor_queue_fini(struct panthor_queue *queue)
{
	/* Never initialised: creating the group failed before. */
	if (!queue->group)
		return;

	WARN_ON(!list_empty(&queue->in_flight));
	panthor_job_queue_fini(&queue->base);
	panthor_kernel_bo_destroy(queue->iface_mem);
	panthor_kernel_bo_destroy(queue->ringbuf);
}
