/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The driver's border towards the machine that boots it: module entry points,
 * and what firmware would do on a board. No kernel types are needed to read it.
 */
#ifndef PANTHOR_HOST_H
#define PANTHOR_HOST_H

#include <linux/types.h>

struct drm_file;
struct panthor_device;

enum panthor_uapi {
	PANTHOR_UAPI_1_9 = 0, /* MAP_SPARSE and MMU_INFO */
	PANTHOR_UAPI_1_8_SPARSE, /* MAP_SPARSE, but 1.8 and no MMU_INFO */
	PANTHOR_UAPI_1_8, /* neither */
};

/*
 * Module parameter: how many times as long as usual the firmware may take to boot,
 * to stop and to answer. Where it shares processors with other programs it can be
 * slow and well. To be set before the device is probed.
 */
extern unsigned int panthor_fw_patience;

/*
 * Probes the one device and registers its DRM node; the inverse. @uapi is a
 * module parameter. On failure nothing is left behind.
 */
int panthor_probe(enum panthor_uapi uapi, struct panthor_device **ptdev_out);
void panthor_remove(struct panthor_device *ptdev);

/*
 * Scheduling a VM as firmware does when a group becomes resident: gives it an
 * AS slot and keeps it there until the matching idle call; calls nest. Returns
 * the slot, -EINVAL for an unknown VM, -EBUSY when every slot is in use, -ENOMEM
 * when evicted memory could not be brought back. What is evicted later waits in
 * faults where the GPU can do that, and is not evicted elsewhere.
 * panthor_host_vm_idle() takes the VM reference that active() returned.
 */
struct panthor_vm;
int panthor_host_vm_active(struct drm_file *file, u32 vm_id,
			   struct panthor_vm **vm_out);
void panthor_host_vm_idle(struct panthor_vm *vm);

/* Physical address of the VM's root table; -EINVAL for an unknown VM. */
int panthor_host_vm_root(struct drm_file *file, u32 vm_id, u64 *pa_out);

/* Ids of the VMs that a file has, in ascending order: 0: no higher one. */
u32 panthor_host_next_vm(struct drm_file *file, u32 vm_id);

/* See struct panthor_translation. */
struct panthor_host_range {
	u64 start, end;
	const void *object; /* NULL: nothing that the driver knows of */
	u64 offset;
	bool sparse, readonly, noexec;
	bool agrees; /* with what the driver believes */
};
/*
 * Tells @fn what the page tables of the VM translate in the user's part, by address,
 * with the VM's op_lock held: it must not call back. O(page-table entries).
 * -EINVAL: unknown VM; -EBUSY: asynchronous binds are under way.
 */
int panthor_host_vm_ranges(struct drm_file *file, u32 vm_id,
			   void (*fn)(void *data,
				      const struct panthor_host_range *range),
			   void *data);

/*
 * Where the ring buffers of a group's queues are: how many, up to @count. A job with a
 * stream takes *job_size bytes of its ring. -EINVAL: unknown group.
 */
int panthor_host_group_rings(struct drm_file *file, u32 handle, u64 *ring_vas,
			     u32 count, u32 *job_size);

/*
 * Makes a BO stand for nothing, as the dummies of sparse memory do where the GPU
 * knows null leaves: for user-mode drivers that must do without MAP_SPARSE. To
 * be called before the BO is mapped in a VM. -EINVAL: unknown handle;
 * -EOPNOTSUPP: the GPU knows no null leaves; -EBUSY: it is mapped already.
 */
int panthor_host_bo_set_null(struct drm_file *file, u32 handle);

struct panthor_stats {
	u64 vm_bind_ioctls;
	u64 vm_bind_ops;
	u64 pt_entries_written;
	u64 pt_pages;
	u64 pt_pages_peak;
	u64 vmas;
	u64 evictions; /* BOs that lost their pages */
	u64 restores;  /* BOs that got them back */
};
void panthor_host_get_stats(struct panthor_device *ptdev,
			    struct panthor_stats *stats);

#endif /* PANTHOR_HOST_H */
