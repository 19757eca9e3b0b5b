/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The sync operations of one ioctl that queues several jobs: WAITs become the
 * fences that a job depends on, SIGNALs receive the fence of their job. Knows
 * nothing of what the jobs do.
 *
 * A context lives on the stack of one ioctl and is used by one thread, in this
 * order; the letters are the phases of docs/panthor.md:
 *
 *	panthor_sync_ctx_init()
 *	panthor_sync_ctx_add_job()          for every job, in queue order
 *	panthor_sync_ctx_collect_signals()  (a)
 *	    the caller locks its objects    (b)
 *	panthor_sync_ctx_resolve_waits()    (c) the last one that can fail
 *	    for every job, in order, the caller creates the job's fence, then
 *	panthor_sync_ctx_arm()              (c)
 *	panthor_sync_ctx_take_deps()            and queues the job, (d)
 *	panthor_sync_ctx_publish()          (e)
 *	panthor_sync_ctx_fini()             always
 *
 * Until publish, no syncobj has changed, so that an error anywhere before
 *leaves nothing behind. No fence of the batch needs to exist before
 *resolve_waits() has succeeded: that a WAIT names an earlier job of the same
 *batch is kept as that job's index until it is armed.
 */
#ifndef PANTHOR_SYNC_H
#define PANTHOR_SYNC_H

#include <linux/list.h>
#include <linux/types.h>

struct dma_fence;
struct drm_exec;
struct drm_file;
struct drm_panthor_obj_array;
struct panthor_sync_job;

#define PANTHOR_SYNC_BUCKETS 64

struct panthor_sync_ctx {
	struct drm_file *file;
	struct panthor_sync_job *jobs; /* job_count of them */
	u32 job_count;
	/* Distinct (handle, point) pairs that jobs signal, hashed. */
	struct hlist_head signals[PANTHOR_SYNC_BUCKETS];
};

int panthor_sync_ctx_init(struct panthor_sync_ctx *ctx, struct drm_file *file,
			  u32 job_count);
void panthor_sync_ctx_fini(struct panthor_sync_ctx *ctx);

int panthor_sync_ctx_add_job(struct panthor_sync_ctx *ctx, u32 job,
			     const struct drm_panthor_obj_array *syncs);
int panthor_sync_ctx_collect_signals(struct panthor_sync_ctx *ctx);
int panthor_sync_ctx_resolve_waits(struct panthor_sync_ctx *ctx);
void panthor_sync_ctx_arm(struct panthor_sync_ctx *ctx, u32 job,
			  struct dma_fence *done_fence);
struct dma_fence **panthor_sync_ctx_take_deps(struct panthor_sync_ctx *ctx,
					      u32 job, u32 *count_out);
void panthor_sync_ctx_publish(struct panthor_sync_ctx *ctx);

void panthor_sync_add_fence(struct drm_exec *exec, struct dma_fence *fence);

#endif /* PANTHOR_SYNC_H */
