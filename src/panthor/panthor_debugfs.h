/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the device has, for people and tests, in debugfs:
 *
 * gpuvas        the VMAs of all VMs, as drm_gpuvm prints them
 * translations  what their page tables say, and whether that agrees
 *
 * A VM's op_lock is held for as long as it takes to look at one VM.
 */
#ifndef PANTHOR_DEBUGFS_H
#define PANTHOR_DEBUGFS_H

struct drm_minor;

/* As drm_driver::debugfs_init. */
void panthor_debugfs_init(struct drm_minor *minor);

#endif /* PANTHOR_DEBUGFS_H */
