/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the device has, for people and tests, in debugfs:
 *
 * files         who has the device open, and how much of what
 * gpuvas        the VMAs of all VMs, as drm_gpuvm prints them
 * translations  what their page tables say, and whether that agrees
 * page_tables   the same as it is stored: table by table
 * gems          all BOs, with their labels
 * slots         the address-space slots of the MMU
 * groups        groups, their rings, and jobs that are not done
 * binds         asynchronous binds that are not done
 *
 * Reading one changes nothing. Locks are held for as long as it takes to look at
 * one thing: a VM's op_lock for one VM, a resv for one BO. Whoever needs that lock
 * waits meanwhile, and eviction passes by what is being looked at.
 */
#ifndef PANTHOR_DEBUGFS_H
#define PANTHOR_DEBUGFS_H

#include <linux/sched.h>
#include <linux/types.h>

struct drm_minor;

/* The process that made something. Constant. */
struct panthor_creator {
	pid_t tgid;
	char comm[TASK_COMM_LEN];
};

/* Names the process that calls. */
void panthor_creator_init(struct panthor_creator *creator);

/* As drm_driver::debugfs_init. */
void panthor_debugfs_init(struct drm_minor *minor);

#endif /* PANTHOR_DEBUGFS_H */
