/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: no FLINK names, no LRU lists. Faithful otherwise. */
#ifndef LINUX_DRM_GEM_H
#define LINUX_DRM_GEM_H

#include <linux/bits.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_vma_manager.h>

struct drm_device;
struct drm_gem_object;
struct drm_printer;
struct iosys_map;
struct sg_table;
struct vm_area_struct;
struct vm_operations_struct;

/* Optional unless said otherwise. */
struct drm_gem_object_funcs {
	/* Required. Called with the last reference gone. */
	void (*free)(struct drm_gem_object *obj);
	/* A file got, or lost, a handle. */
	int (*open)(struct drm_gem_object *obj, struct drm_file *file);
	void (*close)(struct drm_gem_object *obj, struct drm_file *file);
	void (*print_info)(struct drm_printer *p, unsigned int indent,
			   const struct drm_gem_object *obj);
	struct dma_buf *(*export)(struct drm_gem_object *obj, int flags);
	/* These four are called with the reservation held. */
	int (*pin)(struct drm_gem_object *obj);
	void (*unpin)(struct drm_gem_object *obj);
	int (*vmap)(struct drm_gem_object *obj, struct iosys_map *map);
	void (*vunmap)(struct drm_gem_object *obj, struct iosys_map *map);
	/* Called while the object is pinned. */
	struct sg_table *(*get_sg_table)(struct drm_gem_object *obj);
	/* On success the mapping owns a reference on @obj. */
	int (*mmap)(struct drm_gem_object *obj, struct vm_area_struct *vma);
	const struct vm_operations_struct *vm_ops;
};

struct drm_gem_object {
	struct kref refcount;
	/* Handles of all files; guarded by drm_device::object_name_lock. */
	unsigned handle_count;
	struct drm_device *dev;
	struct drm_vma_offset_node vma_node;
	size_t size; /* bytes, whole pages; constant */
	/* The export, while handles exist; guarded by object_name_lock. */
	struct dma_buf *dma_buf;
	struct dma_buf_attachment *import_attach; /* imported objects */
	struct dma_resv *resv; /* _resv, or one shared with others */
	struct dma_resv _resv;
	struct {
		struct list_head list; /* the driver's: guarded by it */
	} gpuva;
	const struct drm_gem_object_funcs *funcs;
};

#define DRM_GEM_FOPS                                                           \
	.open = drm_open, .release = drm_release, .unlocked_ioctl = drm_ioctl, \
	.compat_ioctl = drm_compat_ioctl, .poll = drm_poll, .read = drm_read,  \
	.llseek = noop_llseek, .mmap = drm_gem_mmap,                           \
	.fop_flags = FOP_UNSIGNED_OFFSET

#define DEFINE_DRM_GEM_FOPS(name)                                              \
	static const struct file_operations name = {                           \
		.owner = THIS_MODULE,                                          \
		DRM_GEM_FOPS,                                                  \
	}

/*
 * Prepares an object in zeroed memory, with one reference; @size is in whole
 * pages. -EINVAL: more than MAX_LFS_FILESIZE. The private one has no limit.
 */
int drm_gem_object_init(struct drm_device *dev, struct drm_gem_object *obj,
			size_t size);
void drm_gem_private_object_init(struct drm_device *dev,
				 struct drm_gem_object *obj, size_t size);
void drm_gem_private_object_fini(struct drm_gem_object *obj);
/* Undoes init and drm_gem_create_mmap_offset(). */
void drm_gem_object_release(struct drm_gem_object *obj);
void drm_gem_object_free(struct kref *kref);

static inline void drm_gem_object_get(struct drm_gem_object *obj)
{
	kref_get(&obj->refcount);
}

/* Accepts NULL. */
static inline void drm_gem_object_put(struct drm_gem_object *obj)
{
	if (obj)
		kref_put(&obj->refcount, drm_gem_object_free);
}

/* A new handle, with a reference of its own. -ENOMEM, or what open() gave. */
int drm_gem_handle_create(struct drm_file *file_priv,
			  struct drm_gem_object *obj, u32 *handlep);
/* -EINVAL: unknown handle. */
int drm_gem_handle_delete(struct drm_file *filp, u32 handle);
/* A reference on the object, or NULL. */
struct drm_gem_object *drm_gem_object_lookup(struct drm_file *filp, u32 handle);

/* Gives the object its offset in the fake space, once. -ENOSPC. */
int drm_gem_create_mmap_offset(struct drm_gem_object *obj);
int drm_gem_create_mmap_offset_size(struct drm_gem_object *obj, size_t size);
void drm_gem_free_mmap_offset(struct drm_gem_object *obj);

/*
 * file_operations::mmap. -EINVAL: no object there, or beyond its end; -EACCES:
 * this file has no handle of it; else what the object's mmap gave.
 */
int drm_gem_mmap(struct file *filp, struct vm_area_struct *vma);
int drm_gem_mmap_obj(struct drm_gem_object *obj, unsigned long obj_size,
		     struct vm_area_struct *vma);
/* vm_operations_struct::open and close: the mapping's reference. */
void drm_gem_vm_open(struct vm_area_struct *vma);
void drm_gem_vm_close(struct vm_area_struct *vma);

/* dma_resv_lock() and unlock of the object's reservation. */
void drm_gem_lock(struct drm_gem_object *obj);
void drm_gem_unlock(struct drm_gem_object *obj);
/* funcs->vmap under the reservation. -EOPNOTSUPP, -ENOMEM. */
int drm_gem_vmap_unlocked(struct drm_gem_object *obj, struct iosys_map *map);
void drm_gem_vunmap_unlocked(struct drm_gem_object *obj, struct iosys_map *map);

static inline bool drm_gem_is_imported(const struct drm_gem_object *obj)
{
	return !!obj->import_attach;
}

static inline void drm_gem_gpuva_init(struct drm_gem_object *obj)
{
	INIT_LIST_HEAD(&obj->gpuva.list);
}

/* As in a kernel without lockdep. */
#define drm_gem_gpuva_set_lock(obj, lock)                                      \
	do {                                                                   \
	} while (0)
#define drm_gem_gpuva_assert_lock_held(obj)                                    \
	do {                                                                   \
	} while (0)

#endif /* LINUX_DRM_GEM_H */
