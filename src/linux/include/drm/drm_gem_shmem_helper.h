/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * altered: runs of pages in the place of an array. GEM objects in the machine's
 * RAM. Pages appear, zeroed, with the first pin, sg table, vmap or mmap. When
 * the last of these is gone they stay while memory lasts, and go to the swap
 * and come back as needed; but only where the driver has them marked dirty on
 * put, without which the kernel would lose what the device wrote.
 */
#ifndef LINUX_DRM_GEM_SHMEM_HELPER_H
#define LINUX_DRM_GEM_SHMEM_HELPER_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_mm.h>
#include <drm/drm_prime.h>

struct dma_buf_attachment;
struct drm_printer;
struct linux_ram_run;
struct sg_table;

/* Everything but base is guarded by the reservation of base. */
struct drm_gem_shmem_object {
	struct drm_gem_object base;
	unsigned int pages_use_count;
	int madv; /* < 0: purged; > 0: may be */
	/* The DMA-mapped table; one segment per contiguous run of RAM. */
	struct sg_table *sgt;
	void *vaddr;
	unsigned int vmap_use_count;
	bool pages_mark_dirty_on_put : 1;
	bool pages_mark_accessed_on_put : 1; /* no difference here */
	bool map_wc : 1; /* write-combined for the CPU: no difference here */

	/*
	 * Private to the helper: the pages, in the place of the kernel's array
	 * of struct page. NULL: not yet there; imports have none.
	 */
	struct linux_ram_run *runs;
	unsigned int num_runs;
	/* Guarded by the swap's lock. */
	struct list_head swap_link; /* not empty: nobody holds the pages */
	struct drm_mm_node swap_node; /* inserted: the contents are there */
};

#define to_drm_gem_shmem_obj(obj)                                              \
	container_of(obj, struct drm_gem_shmem_object, base)

/*
 * @size is rounded up to pages. ERR_PTR: -EINVAL: more than MAX_LFS_FILESIZE;
 * -ENOSPC: nothing, or more than the space of mmap offsets has; -ENOMEM.
 */
struct drm_gem_shmem_object *drm_gem_shmem_create(struct drm_device *dev,
						  size_t size);
/* For drm_gem_object_funcs::free. */
void drm_gem_shmem_free(struct drm_gem_shmem_object *shmem);

void drm_gem_shmem_put_pages(struct drm_gem_shmem_object *shmem);
int drm_gem_shmem_pin(struct drm_gem_shmem_object *shmem);
void drm_gem_shmem_unpin(struct drm_gem_shmem_object *shmem);
int drm_gem_shmem_pin_locked(struct drm_gem_shmem_object *shmem);
void drm_gem_shmem_unpin_locked(struct drm_gem_shmem_object *shmem);
/* With the reservation held. Mapped into the kernel as one piece. -ENOMEM. */
int drm_gem_shmem_vmap(struct drm_gem_shmem_object *shmem,
		       struct iosys_map *map);
void drm_gem_shmem_vunmap(struct drm_gem_shmem_object *shmem,
			  struct iosys_map *map);
/* -EINVAL: private and writable; -ENOMEM. */
int drm_gem_shmem_mmap(struct drm_gem_shmem_object *shmem,
		       struct vm_area_struct *vma);

/* With the reservation held. 0: it is purged. */
int drm_gem_shmem_madvise(struct drm_gem_shmem_object *shmem, int madv);

static inline bool
drm_gem_shmem_is_purgeable(struct drm_gem_shmem_object *shmem)
{
	return shmem->madv > 0 && !shmem->vmap_use_count && shmem->sgt &&
	       !shmem->base.dma_buf && !shmem->base.import_attach;
}

/*
 * With the reservation held, of one that is purgeable and held by nothing but
 * its sg table: drops the contents, which read as zero the next time.
 */
void drm_gem_shmem_purge(struct drm_gem_shmem_object *shmem);

/* A new, unmapped table of the pages, which must be there. ERR_PTR. */
struct sg_table *
drm_gem_shmem_get_sg_table(struct drm_gem_shmem_object *shmem);
/* The object's own DMA-mapped table; it makes the pages. ERR_PTR. */
struct sg_table *
drm_gem_shmem_get_pages_sgt(struct drm_gem_shmem_object *shmem);

extern const struct vm_operations_struct drm_gem_shmem_vm_ops;

/* There is no debugfs that would print it. */
#define drm_gem_shmem_object_print_info NULL

/* The same as drm_gem_object_funcs. */
static inline void drm_gem_shmem_object_free(struct drm_gem_object *obj)
{
	drm_gem_shmem_free(to_drm_gem_shmem_obj(obj));
}

static inline int drm_gem_shmem_object_pin(struct drm_gem_object *obj)
{
	return drm_gem_shmem_pin_locked(to_drm_gem_shmem_obj(obj));
}

static inline void drm_gem_shmem_object_unpin(struct drm_gem_object *obj)
{
	drm_gem_shmem_unpin_locked(to_drm_gem_shmem_obj(obj));
}

static inline struct sg_table *
drm_gem_shmem_object_get_sg_table(struct drm_gem_object *obj)
{
	return drm_gem_shmem_get_sg_table(to_drm_gem_shmem_obj(obj));
}

static inline int drm_gem_shmem_object_vmap(struct drm_gem_object *obj,
					    struct iosys_map *map)
{
	return drm_gem_shmem_vmap(to_drm_gem_shmem_obj(obj), map);
}

static inline void drm_gem_shmem_object_vunmap(struct drm_gem_object *obj,
					       struct iosys_map *map)
{
	drm_gem_shmem_vunmap(to_drm_gem_shmem_obj(obj), map);
}

static inline int drm_gem_shmem_object_mmap(struct drm_gem_object *obj,
					    struct vm_area_struct *vma)
{
	return drm_gem_shmem_mmap(to_drm_gem_shmem_obj(obj), vma);
}

/* drm_driver::gem_prime_import_sg_table of drivers that use this helper. */
struct drm_gem_object *
drm_gem_shmem_prime_import_sg_table(struct drm_device *dev,
				    struct dma_buf_attachment *attach,
				    struct sg_table *sgt);

#endif /* LINUX_DRM_GEM_SHMEM_HELPER_H */
