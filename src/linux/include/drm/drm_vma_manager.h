/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful, on lists where the kernel has trees. The space of fake file offsets
 * through which mmap() names objects: about 1 TiB, in pages, with the open
 * files that may use each offset.
 */
#ifndef LINUX_DRM_VMA_MANAGER_H
#define LINUX_DRM_VMA_MANAGER_H

#include <drm/drm_mm.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* In pages: from 4 GiB on, for 1 TiB less 256 pages. */
#define DRM_FILE_PAGE_OFFSET_START ((0xFFFFFFFFUL >> PAGE_SHIFT) + 1)
#define DRM_FILE_PAGE_OFFSET_SIZE ((0xFFFFFFFFUL >> PAGE_SHIFT) * 256)

struct drm_file;

struct drm_vma_offset_node {
	spinlock_t vm_lock; /* guards vm_files */
	struct drm_mm_node vm_node; /* guarded by the manager's lock */
	struct list_head vm_files; /* who may map it, with counts */
	void *driver_private;
};

struct drm_vma_offset_manager {
	spinlock_t vm_lock;
	struct drm_mm vm_addr_space_mm;
};

void drm_vma_offset_manager_init(struct drm_vma_offset_manager *mgr,
				 unsigned long page_offset, unsigned long size);
void drm_vma_offset_manager_destroy(struct drm_vma_offset_manager *mgr);
/* The node that contains all of [start, start + pages), or NULL. */
struct drm_vma_offset_node *
drm_vma_offset_lookup_locked(struct drm_vma_offset_manager *mgr,
			     unsigned long start, unsigned long pages);
/* Gives @node an offset; it keeps one that it has. -ENOSPC. */
int drm_vma_offset_add(struct drm_vma_offset_manager *mgr,
		       struct drm_vma_offset_node *node, unsigned long pages);
void drm_vma_offset_remove(struct drm_vma_offset_manager *mgr,
			   struct drm_vma_offset_node *node);
/* Counts: as many revokes as allows take the right away again. -ENOMEM. */
int drm_vma_node_allow(struct drm_vma_offset_node *node, struct drm_file *tag);
void drm_vma_node_revoke(struct drm_vma_offset_node *node,
			 struct drm_file *tag);
bool drm_vma_node_is_allowed(struct drm_vma_offset_node *node,
			     struct drm_file *tag);

static inline void
drm_vma_offset_lock_lookup(struct drm_vma_offset_manager *mgr)
{
	spin_lock(&mgr->vm_lock);
}

static inline void
drm_vma_offset_unlock_lookup(struct drm_vma_offset_manager *mgr)
{
	spin_unlock(&mgr->vm_lock);
}

/* Prepares a node for its first use. */
void drm_vma_node_reset(struct drm_vma_offset_node *node);

static inline unsigned long
drm_vma_node_start(const struct drm_vma_offset_node *node)
{
	return node->vm_node.start;
}

static inline unsigned long drm_vma_node_size(struct drm_vma_offset_node *node)
{
	return node->vm_node.size;
}

/* The offset in bytes, for mmap(); 0 when it has none. */
static inline __u64 drm_vma_node_offset_addr(struct drm_vma_offset_node *node)
{
	return ((__u64)node->vm_node.start) << PAGE_SHIFT;
}

static inline int drm_vma_node_verify_access(struct drm_vma_offset_node *node,
					     struct drm_file *tag)
{
	return drm_vma_node_is_allowed(node, tag) ? 0 : -EACCES;
}

#endif /* LINUX_DRM_VMA_MANAGER_H */
