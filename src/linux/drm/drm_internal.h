/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Between the files of the DRM half. */
#ifndef DRM_INTERNAL_H
#define DRM_INTERNAL_H

#include <sys/types.h>

#include <linux/types.h>

#include "dma_buf_message.h"

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

/* ram_runs.c: a contiguous stretch of RAM, short enough for an sg entry. */
struct linux_ram_run {
	unsigned long pfn;
	unsigned long num_pages;
};
struct sg_table;
/*
 * @num_pages zeroed pages, in as few runs as the machine gives; reclaims and
 * sleeps. -ENOMEM.
 */
int linux_ram_runs_alloc(unsigned long num_pages,
			 struct linux_ram_run **runs_out,
			 unsigned int *num_runs_out);
/* NULL and 0 are allowed. */
void linux_ram_runs_free(struct linux_ram_run *runs, unsigned int num_runs);
/* A new, unmapped table. ERR_PTR(-ENOMEM). */
struct sg_table *linux_ram_runs_to_sgt(const struct linux_ram_run *runs,
				       unsigned int num_runs);

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

/* dma_buf.c */
struct dma_buf;
struct device;
/*
 * A descriptor of @dmabuf that other machines can import as well, for which its
 * pages are made and stay where they are until it is released. Takes over the
 * caller's reference, when all goes well. -EMFILE, -ENOMEM, or what the exporter
 * says.
 */
int linux_dma_buf_share_fd(struct dma_buf *dmabuf, struct device *dev,
			   unsigned int flags);
/* Its release: no other machine has it any more. */
void linux_dma_buf_unshare(struct dma_buf *dmabuf);

/* dma_buf_message.c: what goes along with such a descriptor. */
/*
 * Sends it, where @fd is not installed yet; magic and version are filled in.
 * -EMFILE, -ENOMEM, or what else the host says.
 */
int linux_dma_buf_send(unsigned int fd, struct linux_dma_buf_message *message,
		       const struct linux_dma_buf_extent *extents);
/* Whether one seems to be there. Changes nothing, whatever @fd is. */
bool linux_dma_buf_has_message(int fd);
/* What it says, checked. */
struct linux_dma_buf_memory {
	int fd; /* RAM of another machine; ours to close */
	dev_t dev; /* its identity */
	ino_t ino;
	u64 id; /* of the dma-buf among those of that machine */
	bool writable;
	u64 size_B;
	unsigned int num_extents; /* they are in the file, and of this size */
	struct linux_dma_buf_extent *extents;
};
/* -EINVAL: there is none, or it is wrong; -EMFILE; -ENOMEM. */
int linux_dma_buf_receive(int fd, struct linux_dma_buf_memory *memory_out);
void linux_dma_buf_memory_release(struct linux_dma_buf_memory *memory);

/* dma_buf_foreign.c: dma-bufs of other machines. */
bool linux_dma_buf_is_foreign(const struct dma_buf *dmabuf);
/*
 * A reference on the dma-buf of another machine that @fd is a descriptor of: the
 * same one for all descriptors of the same. ERR_PTR(-EINVAL: it is none, -EMFILE,
 * -ENOMEM).
 */
struct dma_buf *linux_dma_buf_foreign_get(int fd);
/* A descriptor of it for the program; no reference goes with it. -EMFILE. */
int linux_dma_buf_foreign_fd(struct dma_buf *dmabuf, unsigned int flags);

/* drm_sys.c */
struct vm_area_struct;
/*
 * Shows RAM at page-aligned @addr of a mapping whose mmap() is being called,
 * behind what was shown before. -EINVAL: outside, or out of order; -ENOMEM.
 */
int linux_vma_show(struct vm_area_struct *vma, unsigned long addr,
		   unsigned long pfn, unsigned long size_B);
/* The same with a file of the host's, which stays open while it is mapped. */
int linux_vma_show_file(struct vm_area_struct *vma, unsigned long addr, int fd,
			u64 offset, unsigned long size_B);
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
