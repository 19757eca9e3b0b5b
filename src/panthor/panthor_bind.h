/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * VM_BIND. Synchronous ops run in the caller. An asynchronous ioctl becomes a
 * batch of prepared ops, divided into jobs: an op with sync operations is a job
 * of its own, the ops between two such are one job together, because nobody can
 * tell when one of them is done. So ten thousand binds with a wait in front and
 * a signal behind are three fences.
 */
#ifndef PANTHOR_BIND_H
#define PANTHOR_BIND_H

#include "panthor_bind_queue.h"
#include "panthor_vm.h"

struct drm_device;
struct drm_file;

/* The ops of one ioctl. */
struct panthor_bind_batch {
	struct panthor_vm *vm; /* holds a reference */
	struct panthor_vm_reserve reserve;
	bool reserved;
	struct panthor_vm_op *ops;
	u32 op_count; /* prepared ones */
	u32 job_count;
	u32 jobs_left; /* the thread that runs the queue counts down */
	struct panthor_bind_job jobs[];
};

int panthor_ioctl_vm_bind(struct drm_device *ddev, void *data,
			  struct drm_file *file);

#endif /* PANTHOR_BIND_H */
