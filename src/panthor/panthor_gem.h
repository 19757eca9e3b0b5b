/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Buffer objects: GEM objects over shmem.
 *
 * The GPU reaches all pages of a BO or none: they are made with its first use,
 * and stay until it is evicted as a whole (panthor_reclaim.h). Whoever needs
 * them to stay is a user of the BO: panthor_gem_use().
 *
 * Locking: flags, evictable and exclusive_vm_root_gem never change once the
 * object has a handle. label.str is guarded by label.lock. Pages, evicted and
 * vm_bos are guarded by the object's dma_resv. users changes from and to -1
 * under that resv, and is atomic otherwise. lru belongs to panthor_reclaim.c.
 * all_node is guarded by panthor_device::gems.lock.
 */
#ifndef PANTHOR_GEM_H
#define PANTHOR_GEM_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include <drm/drm_gem_shmem_helper.h>

#include "panthor_debugfs.h"

struct dma_buf;
struct drm_device;
struct drm_file;
struct panthor_device;
struct panthor_vm;

/* A label's longest length, its NUL included. */
#define PANTHOR_BO_LABEL_MAXLEN 4096

/* The sparse dummy of an open file; sparse VAs repeat every so many bytes. */
#define PANTHOR_DUMMY_BO_SIZE (2u << 20)

struct panthor_gem_object {
	struct drm_gem_shmem_object base;

	/*
	 * NULL, or the root object of the only VM that may map this BO. The BO
	 * shares that object's dma_resv and holds a reference to it: compare
	 * with panthor_vm_root_gem(). Naming the VM itself would keep it alive
	 * after VM_DESTROY.
	 */
	struct drm_gem_object *exclusive_vm_root_gem;

	/* enum drm_panthor_bo_flags */
	u32 flags;

	/* It may lose its pages: has a handle, or is a file's dummy. */
	bool evictable;
	/* A dummy's contents mean nothing. */
	bool dummy;
	/*
	 * Its leaves say that there is no memory. Constant once it is mapped in
	 * a VM.
	 */
	bool null;
	/* The contents are elsewhere. */
	bool evicted;
	/* How many need the pages to stay; -1: there are none. */
	atomic_t users;
	/* In the VMs that know the BO: panthor_vm_bo::bo_node. */
	struct list_head vm_bos;
	/* In one of the lists of panthor_reclaim; empty: in none. */
	struct list_head lru;

	struct panthor_creator creator;
	/* In panthor_device::gems.list; empty: not yet. */
	struct list_head all_node;

	struct {
		struct mutex lock;
		/* NULL or a string of our own. */
		const char *str;
	} label;
};

static inline struct panthor_gem_object *
to_panthor_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj),
			    struct panthor_gem_object, base);
}

static inline size_t panthor_bo_size(const struct panthor_gem_object *bo)
{
	return bo->base.base.size;
}

struct drm_gem_object *panthor_gem_create_object(struct drm_device *ddev,
						 size_t size);
struct drm_gem_object *panthor_gem_import(struct drm_device *ddev,
					  struct dma_buf *dma_buf);
int panthor_gem_create_with_handle(struct drm_file *file,
				   struct panthor_device *ptdev,
				   struct panthor_vm *exclusive_vm, u64 *size_B,
				   u32 flags, u32 *handle_out);

struct panthor_gem_object *
panthor_gem_create_dummy(struct panthor_device *ptdev);
struct panthor_gem_object *
panthor_gem_create_kernel(struct panthor_device *ptdev, struct panthor_vm *vm,
			  size_t size_B, u32 flags, const char *label);

int panthor_gem_use(struct panthor_gem_object *bo);
int panthor_gem_use_locked(struct panthor_gem_object *bo);

/* panthor_gem_unuse() - the inverse of both; any context */
static inline void panthor_gem_unuse(struct panthor_gem_object *bo)
{
	atomic_dec(&bo->users);
}

struct panthor_gem_object *
panthor_gem_get_next(struct panthor_device *ptdev,
		     struct panthor_gem_object *prev);

bool panthor_gem_claim_unused(struct panthor_gem_object *bo);
void panthor_gem_drop_pages(struct panthor_gem_object *bo);

void panthor_gem_set_label(struct panthor_gem_object *bo, const char *label);
int panthor_gem_sync(struct panthor_gem_object *bo, u32 type, u64 offset,
		     u64 size);

int panthor_ioctl_bo_create(struct drm_device *ddev, void *data,
			    struct drm_file *file);
int panthor_ioctl_bo_mmap_offset(struct drm_device *ddev, void *data,
				 struct drm_file *file);
int panthor_ioctl_bo_set_label(struct drm_device *ddev, void *data,
			       struct drm_file *file);
int panthor_ioctl_bo_sync(struct drm_device *ddev, void *data,
			  struct drm_file *file);
int panthor_ioctl_bo_query_info(struct drm_device *ddev, void *data,
				struct drm_file *file);

#endif /* PANTHOR_GEM_H */
