/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Between the files of the DRM half. */
#ifndef DRM_INTERNAL_H
#define DRM_INTERNAL_H

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct drm_gem_object;
struct drm_minor;
struct drm_prime_file_private;
struct file;
struct file_operations;
struct inode;

/* drm_managed.c: with the last reference of the device gone. */
void linux_drm_managed_release(struct drm_device *dev);

/* drm_drv.c: the node that is registered now; -ENODEV when none is. */
int linux_drm_node_get(struct inode **inode_out,
		       const struct file_operations **fops_out);
/* A reference on the device behind the node; ERR_PTR(-ENODEV). */
struct drm_minor *linux_drm_minor_acquire(struct inode *inode);

/* drm_gem.c, drm_prime.c, drm_syncobj.c: the state of a file. */
void linux_drm_gem_open(struct drm_file *file);
void linux_drm_gem_release(struct drm_file *file);
void linux_drm_prime_open(struct drm_prime_file_private *prime);
void linux_drm_prime_release(struct drm_prime_file_private *prime);
void linux_drm_syncobj_open(struct drm_file *file);
void linux_drm_syncobj_release(struct drm_file *file);

/* A handle for an object whose device's object_name_lock is held; drops it. */
int linux_drm_gem_handle_create_tail(struct drm_file *file,
				     struct drm_gem_object *obj, u32 *handlep);
/* The file loses @handle: forget which dma-buf it is known as. */
void linux_drm_prime_remove_handle(struct drm_prime_file_private *prime,
				   u32 handle);

/* A contiguous stretch of RAM, short enough for an sg entry. */
struct linux_ram_run {
	unsigned long pfn;
	unsigned long num_pages;
};

/*
 * shmem_swap.c. An object is held or not held, as its pages_use_count says;
 * the reservation is held where that changes.
 */
struct drm_gem_shmem_object;
/* Nobody holds the pages any more: they may be swapped out at any time. */
void linux_shmem_unhold(struct drm_gem_shmem_object *shmem);
/* The inverse. The pages are there where runs is not NULL. */
void linux_shmem_hold(struct drm_gem_shmem_object *shmem);
/* Of an object that is held: fills new runs with what was swapped out. */
int linux_shmem_swap_in(struct drm_gem_shmem_object *shmem);
/* Drops the contents, wherever they are; nobody holds the pages. */
void linux_shmem_truncate(struct drm_gem_shmem_object *shmem);
/* drm_gem_shmem.c */
void linux_shmem_free_runs(struct drm_gem_shmem_object *shmem);

/* dma_buf_file.c: what a dma-buf's descriptor can do. */
extern const struct file_operations linux_dma_buf_fops;

/* drm_sys.c */
struct vm_area_struct;
/*
 * Shows RAM at page-aligned @addr of a mapping whose mmap() is being called,
 * behind what was shown before. -EINVAL: outside, or out of order; -ENOMEM.
 */
int linux_vma_show(struct vm_area_struct *vma, unsigned long addr,
		   unsigned long pfn, unsigned long size_B);
/*
 * At shutdown: says on stderr what is still open or mapped, drops it, and
 * returns how many lines that took.
 */
int linux_drm_report_leaks(void);
/* file.c: the part of it that is about descriptors. */
int linux_file_report_leaks(void);

/* The ioctls of every driver; see the uAPI for their arguments. */
#define LINUX_DRM_IOCTL(name)                                                  \
	int name(struct drm_device *dev, void *data, struct drm_file *file)
LINUX_DRM_IOCTL(linux_drm_gem_close_ioctl);
LINUX_DRM_IOCTL(linux_drm_prime_handle_to_fd_ioctl);
LINUX_DRM_IOCTL(linux_drm_prime_fd_to_handle_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_create_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_destroy_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_handle_to_fd_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_fd_to_handle_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_transfer_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_wait_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_timeline_wait_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_eventfd_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_reset_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_signal_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_timeline_signal_ioctl);
LINUX_DRM_IOCTL(linux_drm_syncobj_query_ioctl);

#endif /* DRM_INTERNAL_H */
