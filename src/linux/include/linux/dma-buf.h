/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: nothing moves. Memory that one driver exports behind a file
 * descriptor and others import.
 */
#ifndef LINUX_DMA_BUF_H
#define LINUX_DMA_BUF_H

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct dma_resv;
struct vm_area_struct;

/* What the exporter does; map and unmap with the reservation held. */
struct dma_buf_ops {
	bool cache_sgt_mapping;
	int (*attach)(struct dma_buf *dmabuf,
		      struct dma_buf_attachment *attach);
	void (*detach)(struct dma_buf *dmabuf,
		       struct dma_buf_attachment *attach);
	struct sg_table *(*map_dma_buf)(struct dma_buf_attachment *attach,
					enum dma_data_direction dir);
	void (*unmap_dma_buf)(struct dma_buf_attachment *attach,
			      struct sg_table *sgt,
			      enum dma_data_direction dir);
	void (*release)(struct dma_buf *dmabuf);
	int (*mmap)(struct dma_buf *dmabuf, struct vm_area_struct *vma);
	int (*vmap)(struct dma_buf *dmabuf, struct iosys_map *map);
	void (*vunmap)(struct dma_buf *dmabuf, struct iosys_map *map);
};

struct dma_buf {
	size_t size;
	struct file *file; /* owns this */
	struct list_head attachments; /* guarded by the reservation */
	const struct dma_buf_ops *ops;
	const char *exp_name;
	void *priv;
	struct dma_resv *resv; /* the exporter's */

	/* Private to src/linux: for importers in other machines. */
	u64 id; /* among the dma-bufs of this process */
	struct mutex share_lock; /* guards what follows until release */
	struct dma_buf_attachment *share; /* NULL: they cannot have it */
	struct sg_table *share_sgt;
};

struct dma_buf_attachment {
	struct dma_buf *dmabuf;
	struct device *dev;
	struct list_head node;
	void *priv;
};

struct dma_buf_export_info {
	const char *exp_name;
	struct module *owner;
	const struct dma_buf_ops *ops;
	size_t size;
	int flags;
	struct dma_resv *resv;
	void *priv;
};

#define DEFINE_DMA_BUF_EXPORT_INFO(name)                                       \
	struct dma_buf_export_info name = { .exp_name = KBUILD_MODNAME,        \
					    .owner = THIS_MODULE }

static inline void get_dma_buf(struct dma_buf *dmabuf)
{
	get_file(dmabuf->file);
}

/* With one reference, on the file. ERR_PTR(-ENOMEM, -EINVAL). */
struct dma_buf *dma_buf_export(const struct dma_buf_export_info *exp_info);
/*
 * A descriptor, which takes over the caller's reference. -EINVAL, -EMFILE. Other
 * machines cannot import it; a driver uses drm_gem_prime_handle_to_fd().
 */
int dma_buf_fd(struct dma_buf *dmabuf, int flags);
/*
 * A reference, also on a dma-buf of another machine. ERR_PTR(-EBADF: no such
 * descriptor, -EINVAL: not one, -EMFILE, -ENOMEM).
 */
struct dma_buf *dma_buf_get(int fd);
void dma_buf_put(struct dma_buf *dmabuf);

struct dma_buf_attachment *dma_buf_attach(struct dma_buf *dmabuf,
					  struct device *dev);
void dma_buf_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);
/* The DMA-mapped pages; takes the reservation. ERR_PTR. */
struct sg_table *
dma_buf_map_attachment_unlocked(struct dma_buf_attachment *attach,
				enum dma_data_direction direction);
void dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *attach,
				       struct sg_table *sg_table,
				       enum dma_data_direction direction);
/* Maps pages from @pgoff on. -EINVAL: beyond the end. */
int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma,
		 unsigned long pgoff);
/* With the reservation held. */
int dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map);
void dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map);

#endif /* LINUX_DMA_BUF_H */
