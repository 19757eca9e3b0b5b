/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * VM_BIND: synchronous ops run in the caller, asynchronous ones on a queue per
 * VM, strictly in order, each job once its fences have signalled. Nothing waits
 * in a thread: the head of a queue has a callback on the next fence it needs.
 *
 * Locking: panthor_bind_queue::lock guards jobs and state; it is taken in fence
 * callbacks and is a leaf lock.
 */
#ifndef PANTHOR_BIND_H
#define PANTHOR_BIND_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct drm_device;
struct drm_file;
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

void panthor_bind_queue_init(struct panthor_bind_queue *queue);
void panthor_bind_queue_fini(struct panthor_bind_queue *queue);
void panthor_bind_queue_stop(struct panthor_vm *vm);
void panthor_bind_queue_start(struct panthor_vm *vm);

int panthor_ioctl_vm_bind(struct drm_device *ddev, void *data,
			  struct drm_file *file);

#endif /* PANTHOR_BIND_H */
