// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_syncobj.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_sync.h"
#include "panthor_uobj.h"

#define NO_JOB U32_MAX

struct panthor_sync_job {
	struct drm_panthor_sync_op *ops;
	u32 op_count;

	/*
	 * One of each per WAIT, in the order of the ops: the fence, or the
	 * earlier job of the batch that it will come from.
	 */
	struct dma_fence **deps;
	u32 *dep_jobs;
	u32 dep_count;

	/* Set when the job is armed. */
	struct dma_fence *done_fence;
};

/* One (handle, point) that the batch signals, however often. */
struct panthor_sync_signal {
	struct hlist_node node;
	u32 handle;
	u64 point;
	struct drm_syncobj *syncobj;
	/* What a timeline needs in order to take a point; NULL without one. */
	struct dma_fence_chain *chain;
	/* What the syncobj had on entry, until a job is armed; may be NULL. */
	struct dma_fence *fence;
	/* The latest job that signals this, among those resolved so far. */
	u32 resolved_job;
	/* A job that signals this was armed: there is something to publish. */
	bool armed;
};

static bool is_signal(const struct drm_panthor_sync_op *op)
{
	return op->flags & DRM_PANTHOR_SYNC_OP_SIGNAL;
}

static struct hlist_head *bucket_of(struct panthor_sync_ctx *ctx,
				    const struct drm_panthor_sync_op *op)
{
	return &ctx->signals[(op->handle * 31 + op->timeline_value) %
			     PANTHOR_SYNC_BUCKETS];
}

static struct panthor_sync_signal *
find_signal(struct panthor_sync_ctx *ctx, const struct drm_panthor_sync_op *op)
{
	struct panthor_sync_signal *signal;

	hlist_for_each_entry(signal, bucket_of(ctx, op), node)
	{
		if (signal->handle == op->handle &&
		    signal->point == op->timeline_value)
			return signal;
	}

	return NULL;
}

static int check_op(const struct drm_panthor_sync_op *op)
{
	u32 known = DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_MASK |
		    (u32)DRM_PANTHOR_SYNC_OP_SIGNAL;

	if (op->flags & ~known)
		return -EINVAL;

	switch (op->flags & DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_MASK) {
	case DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ:
		return op->timeline_value ? -EINVAL : 0;
	case DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ:
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * panthor_sync_ctx_init() - begin a batch
 * @ctx: the context; panthor_sync_ctx_fini() is due even if this fails
 * @file: whose syncobj handles the jobs name
 * @job_count: how many jobs the batch has; may be 0
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_sync_ctx_init(struct panthor_sync_ctx *ctx, struct drm_file *file,
			  u32 job_count)
{
	u32 i;

	ctx->file = file;
	ctx->jobs = NULL;
	ctx->job_count = 0;
	for (i = 0; i < PANTHOR_SYNC_BUCKETS; i++)
		INIT_HLIST_HEAD(&ctx->signals[i]);

	if (!job_count)
		return 0;

	ctx->jobs = kvcalloc(job_count, sizeof(*ctx->jobs),
			     GFP_KERNEL | __GFP_NOWARN);
	if (!ctx->jobs)
		return -ENOMEM;

	ctx->job_count = job_count;
	return 0;
}

static void job_cleanup(struct panthor_sync_job *job)
{
	u32 i;

	for (i = 0; i < job->dep_count; i++)
		dma_fence_put(job->deps[i]);
	kvfree(job->deps);
	kvfree(job->dep_jobs);
	kvfree(job->ops);
	dma_fence_put(job->done_fence);
}

static void signal_free(struct panthor_sync_signal *signal)
{
	dma_fence_put(signal->fence);
	dma_fence_chain_free(signal->chain);
	drm_syncobj_put(signal->syncobj);
	kfree(signal);
}

/**
 * panthor_sync_ctx_fini() - end a batch, at whatever point it is
 *
 * Drops everything that was not taken or published.
 */
void panthor_sync_ctx_fini(struct panthor_sync_ctx *ctx)
{
	struct panthor_sync_signal *signal;
	struct hlist_node *next;
	u32 i;

	for (i = 0; i < PANTHOR_SYNC_BUCKETS; i++) {
		hlist_for_each_entry_safe(signal, next, &ctx->signals[i], node)
			signal_free(signal);
	}

	for (i = 0; i < ctx->job_count; i++)
		job_cleanup(&ctx->jobs[i]);
	kvfree(ctx->jobs);
}

/**
 * panthor_sync_ctx_add_job() - read the sync operations of a job
 * @ctx: the context
 * @job: index of the job; once per job
 * @syncs: array of struct drm_panthor_sync_op in user space
 *
 * Return: 0; -EINVAL for a malformed operation; the errors of
 * panthor_uobj_get_array().
 */
int panthor_sync_ctx_add_job(struct panthor_sync_ctx *ctx, u32 job,
			     const struct drm_panthor_obj_array *syncs)
{
	struct panthor_sync_job *sync_job = &ctx->jobs[job];
	int ret;
	u32 i;

	ret = PANTHOR_UOBJ_GET_ARRAY(&sync_job->ops, syncs, timeline_value);
	if (ret)
		return ret;

	sync_job->op_count = syncs->count;

	for (i = 0; i < sync_job->op_count; i++) {
		ret = check_op(&sync_job->ops[i]);
		if (ret)
			return ret;
	}

	return 0;
}

static int add_signal(struct panthor_sync_ctx *ctx,
		      const struct drm_panthor_sync_op *op)
{
	struct panthor_sync_signal *signal;

	if (find_signal(ctx, op))
		return 0;

	signal = kzalloc(sizeof(*signal), GFP_KERNEL);
	if (!signal)
		return -ENOMEM;

	signal->handle = op->handle;
	signal->point = op->timeline_value;
	signal->resolved_job = NO_JOB;

	signal->syncobj = drm_syncobj_find(ctx->file, op->handle);
	if (!signal->syncobj) {
		kfree(signal);
		return -EINVAL;
	}

	if (signal->point) {
		signal->chain = dma_fence_chain_alloc();
		if (!signal->chain) {
			drm_syncobj_put(signal->syncobj);
			kfree(signal);
			return -ENOMEM;
		}
	}

	/* That there is none yet is no error: only a WAIT would mind. */
	if (drm_syncobj_find_fence(ctx->file, op->handle, signal->point, 0,
				   &signal->fence))
		signal->fence = NULL;

	hlist_add_head(&signal->node, bucket_of(ctx, op));
	return 0;
}

/**
 * panthor_sync_ctx_collect_signals() - look up what the batch will signal
 *
 * All jobs have been added.
 *
 * Return: 0; -EINVAL for an unknown syncobj handle; -ENOMEM.
 */
int panthor_sync_ctx_collect_signals(struct panthor_sync_ctx *ctx)
{
	struct panthor_sync_job *job;
	int ret;
	u32 i, j;

	for (i = 0; i < ctx->job_count; i++) {
		job = &ctx->jobs[i];
		for (j = 0; j < job->op_count; j++) {
			if (!is_signal(&job->ops[j]))
				continue;

			ret = add_signal(ctx, &job->ops[j]);
			if (ret)
				return ret;
		}
	}

	return 0;
}

static int add_dep(struct panthor_sync_ctx *ctx, struct panthor_sync_job *job,
		   const struct drm_panthor_sync_op *op)
{
	struct panthor_sync_signal *signal = find_signal(ctx, op);
	struct dma_fence *fence = NULL;
	u32 source = NO_JOB;
	int ret;

	if (!signal) {
		ret = drm_syncobj_find_fence(ctx->file, op->handle,
					     op->timeline_value, 0, &fence);
		if (ret)
			return ret;
	} else if (signal->resolved_job != NO_JOB) {
		source = signal->resolved_job;
	} else if (signal->fence) {
		fence = dma_fence_get(signal->fence);
	} else {
		return -EINVAL;
	}

	job->deps[job->dep_count] = fence;
	job->dep_jobs[job->dep_count] = source;
	job->dep_count++;
	return 0;
}

static int resolve_job(struct panthor_sync_ctx *ctx, u32 job_idx)
{
	struct panthor_sync_job *job = &ctx->jobs[job_idx];
	u32 i, wait_count = 0;
	int ret;

	for (i = 0; i < job->op_count; i++)
		wait_count += !is_signal(&job->ops[i]);

	if (wait_count) {
		job->deps =
			kvcalloc(wait_count, sizeof(*job->deps), GFP_KERNEL);
		job->dep_jobs = kvcalloc(wait_count, sizeof(*job->dep_jobs),
					 GFP_KERNEL);
		if (!job->deps || !job->dep_jobs)
			return -ENOMEM;
	}

	for (i = 0; i < job->op_count; i++) {
		if (is_signal(&job->ops[i]))
			continue;

		ret = add_dep(ctx, job, &job->ops[i]);
		if (ret)
			return ret;
	}

	/* Only from here on: a job does not wait for itself. */
	for (i = 0; i < job->op_count; i++) {
		if (is_signal(&job->ops[i]))
			find_signal(ctx, &job->ops[i])->resolved_job = job_idx;
	}

	return 0;
}

/**
 * panthor_sync_ctx_resolve_waits() - decide what every job waits for
 *
 * A WAIT for what the batch itself signals names the latest earlier job that
 * does, or else what the syncobj had on entry. After this nothing can fail.
 *
 * Return: 0; -ENOENT for an unknown syncobj handle; -EINVAL where the syncobj
 * has no fence, or not that point, yet; -ENOMEM.
 */
int panthor_sync_ctx_resolve_waits(struct panthor_sync_ctx *ctx)
{
	int ret;
	u32 i;

	for (i = 0; i < ctx->job_count; i++) {
		ret = resolve_job(ctx, i);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * panthor_sync_ctx_arm() - give a job its fence
 * @ctx: the context
 * @job: index of the job; in order, once each
 * @done_fence: signals when the job has ended; a reference is taken
 */
void panthor_sync_ctx_arm(struct panthor_sync_ctx *ctx, u32 job,
			  struct dma_fence *done_fence)
{
	struct panthor_sync_job *sync_job = &ctx->jobs[job];
	struct panthor_sync_signal *signal;
	u32 i;

	WARN_ON(sync_job->done_fence);
	sync_job->done_fence = dma_fence_get(done_fence);

	for (i = 0; i < sync_job->op_count; i++) {
		if (!is_signal(&sync_job->ops[i]))
			continue;

		signal = find_signal(ctx, &sync_job->ops[i]);
		dma_fence_put(signal->fence);
		signal->fence = dma_fence_get(done_fence);
		signal->armed = true;
	}
}

/**
 * panthor_sync_ctx_take_deps() - what a job has to wait for
 * @ctx: the context
 * @job: index of the job; all earlier ones have been armed
 * @count_out: how many fences there are
 *
 * Return: the fences; the caller puts each and frees the array with kvfree().
 * NULL if there are none.
 */
struct dma_fence **panthor_sync_ctx_take_deps(struct panthor_sync_ctx *ctx,
					      u32 job, u32 *count_out)
{
	struct panthor_sync_job *sync_job = &ctx->jobs[job];
	struct dma_fence **deps = sync_job->deps;
	u32 i, source;

	for (i = 0; i < sync_job->dep_count; i++) {
		source = sync_job->dep_jobs[i];
		if (source != NO_JOB)
			deps[i] = dma_fence_get(ctx->jobs[source].done_fence);
	}

	*count_out = sync_job->dep_count;
	sync_job->deps = NULL;
	sync_job->dep_count = 0;
	return deps;
}

static void publish_signal(struct panthor_sync_signal *signal)
{
	if (!signal->armed)
		return;

	if (signal->chain) {
		drm_syncobj_add_point(signal->syncobj, signal->chain,
				      signal->fence, signal->point);
		/* It belongs to the syncobj now. */
		signal->chain = NULL;
	} else {
		drm_syncobj_replace_fence(signal->syncobj, signal->fence);
	}
}

/**
 * panthor_sync_ctx_publish() - let the syncobjs have their fences
 *
 * All jobs have been armed and queued. Points of one timeline become visible in
 * the order of the jobs that signal them: a chain wants them to grow.
 */
void panthor_sync_ctx_publish(struct panthor_sync_ctx *ctx)
{
	struct panthor_sync_signal *signal;
	struct panthor_sync_job *job;
	u32 i, j;

	for (i = 0; i < ctx->job_count; i++) {
		job = &ctx->jobs[i];
		for (j = 0; j < job->op_count; j++) {
			if (!is_signal(&job->ops[j]))
				continue;

			signal = find_signal(ctx, &job->ops[j]);
			publish_signal(signal);
			/* Once, however many jobs signal it. */
			signal->armed = false;
		}
	}
}

/**
 * panthor_sync_add_fence() - all objects that @exec has locked are in use
 * @exec: with room reserved for a fence of each
 * @fence: until when
 *
 * Not with drm_exec_for_each_locked_object(): its arguments are not the same in
 * all versions of Linux 6.12.
 */
void panthor_sync_add_fence(struct drm_exec *exec, struct dma_fence *fence)
{
	struct drm_gem_object *obj;
	unsigned long i;

	for (i = 0; (obj = drm_exec_obj(exec, i)); i++)
		dma_resv_add_fence(obj->resv, fence, DMA_RESV_USAGE_BOOKKEEP);
}
