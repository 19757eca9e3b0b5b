// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * dma-bufs of other machines, seen through their descriptors: the importer's side
 * of dma_buf_message.h.
 *
 * The memory stays the other machine's. For the device it is laid over RAM of
 * this machine, whose addresses it takes as long as the dma-buf lives; processes
 * map the other machine's file. A copy of the descriptor is kept open: while it
 * is, the other machine keeps the pages where they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "../core/internal.h"
#include "drm_internal.h"

struct foreign {
	struct list_head link; /* in foreigns */
	struct dma_buf *dmabuf;
	int descriptor; /* a copy */
	struct linux_dma_buf_memory memory;
	struct dma_resv resv;
	/* Where it is for the device; guarded by resv. NULL: not yet. */
	struct linux_ram_run *runs;
	unsigned int num_runs;
};

static DEFINE_MUTEX(foreigns_lock); /* guards the list */
static LIST_HEAD(foreigns);

static const struct dma_buf_ops foreign_ops;

bool linux_dma_buf_is_foreign(const struct dma_buf *dmabuf)
{
	return dmabuf->ops == &foreign_ops;
}

/* --------------------------------------------------------- for the device -- */

/* A place in the extents. */
struct cursor {
	const struct linux_dma_buf_extent *extent;
	u64 done_B; /* of this one */
};

/* Lays what comes next over @run. Overlays that were made end with its RAM. */
static int lay_over(const struct foreign *foreign,
		    const struct linux_ram_run *run, struct cursor *cursor)
{
	u64 pa = PFN_PHYS(run->pfn), left_B = PFN_PHYS(run->num_pages);

	while (left_B) {
		u64 size_B = min(left_B,
				 (u64)cursor->extent->size_B - cursor->done_B);
		int ret = linux_should_fail() ?
				  -ENOMEM :
				  linux_machine.ops->ram_overlay(
					  linux_machine.machine, pa, size_B,
					  foreign->memory.fd,
					  cursor->extent->offset +
						  cursor->done_B);

		if (ret)
			return ret;
		pa += size_B;
		left_B -= size_B;
		cursor->done_B += size_B;
		if (cursor->done_B == cursor->extent->size_B)
			*cursor = (struct cursor){ cursor->extent + 1 };
	}
	return 0;
}

static int make_runs(struct foreign *foreign)
{
	struct cursor cursor = { foreign->memory.extents };
	struct linux_ram_run *runs;
	unsigned int num, i;
	int ret;

	dma_resv_assert_held(&foreign->resv);
	if (foreign->runs)
		return 0;
	ret = linux_ram_runs_alloc(foreign->memory.size_B >> PAGE_SHIFT, &runs,
				   &num);
	if (ret)
		return ret;
	for (i = 0; i < num && !ret; i++)
		ret = lay_over(foreign, &runs[i], &cursor);
	if (ret) {
		linux_ram_runs_free(runs, num);
		return ret;
	}
	foreign->runs = runs;
	foreign->num_runs = num;
	return 0;
}

static struct sg_table *foreign_map(struct dma_buf_attachment *attach,
				    enum dma_data_direction dir)
{
	struct foreign *foreign = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret = make_runs(foreign);

	if (ret)
		return ERR_PTR(ret);
	sgt = linux_ram_runs_to_sgt(foreign->runs, foreign->num_runs);
	if (IS_ERR(sgt))
		return sgt;
	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret) {
		sg_free_table(sgt);
		kfree(sgt);
		return ERR_PTR(ret);
	}
	return sgt;
}

/* The addresses stay until the dma-buf goes. */
static void foreign_unmap(struct dma_buf_attachment *attach,
			  struct sg_table *sgt, enum dma_data_direction dir)
{
	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
}

/* --------------------------------------------------------- for processes -- */

static void foreign_vm_open(struct vm_area_struct *vma)
{
	get_dma_buf(vma->vm_private_data);
}

static void foreign_vm_close(struct vm_area_struct *vma)
{
	dma_buf_put(vma->vm_private_data);
}

static const struct vm_operations_struct foreign_vm_ops = {
	.open = foreign_vm_open,
	.close = foreign_vm_close,
};

static int foreign_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	const struct foreign *foreign = dmabuf->priv;
	const struct linux_dma_buf_extent *extent = foreign->memory.extents;
	u64 skip_B = PFN_PHYS(vma->vm_pgoff);
	unsigned long addr = vma->vm_start;

	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	for (; addr < vma->vm_end; extent++) {
		u64 before_B = min(skip_B, (u64)extent->size_B);
		unsigned long size_B =
			min((unsigned long)(extent->size_B - before_B),
			    vma->vm_end - addr);
		int ret = size_B ? linux_vma_show_file(vma, addr,
						       foreign->memory.fd,
						       extent->offset +
							       before_B,
						       size_B) :
				   0;

		if (ret)
			return ret;
		skip_B -= before_B;
		addr += size_B;
	}
	get_dma_buf(dmabuf);
	vma->vm_private_data = dmabuf;
	vma->vm_ops = &foreign_vm_ops;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

/* -------------------------------------------------------------- lifetime -- */

static void foreign_release(struct dma_buf *dmabuf)
{
	struct foreign *foreign = dmabuf->priv;

	mutex_lock(&foreigns_lock);
	list_del(&foreign->link);
	mutex_unlock(&foreigns_lock);
	linux_ram_runs_free(foreign->runs, foreign->num_runs);
	linux_dma_buf_memory_release(&foreign->memory);
	close(foreign->descriptor);
	dma_resv_fini(&foreign->resv);
	kfree(foreign);
}

static const struct dma_buf_ops foreign_ops = {
	.map_dma_buf = foreign_map,
	.unmap_dma_buf = foreign_unmap,
	.release = foreign_release,
	.mmap = foreign_mmap,
};

/* One that is in no list, with a copy of the descriptor. */
static struct foreign *foreign_create(int fd)
{
	struct foreign *foreign = kzalloc(sizeof(*foreign), GFP_KERNEL);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	int ret;

	if (!foreign)
		return ERR_PTR(-ENOMEM);
	if (linux_should_fail()) {
		ret = -EMFILE;
		goto err_free;
	}
	foreign->descriptor = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (foreign->descriptor < 0) {
		ret = -errno;
		goto err_free;
	}
	/* Of the copy: the program may close its own meanwhile. */
	ret = linux_dma_buf_receive(foreign->descriptor, &foreign->memory);
	if (ret)
		goto err_close;
	INIT_LIST_HEAD(&foreign->link);
	dma_resv_init(&foreign->resv);
	info.ops = &foreign_ops;
	info.size = foreign->memory.size_B;
	info.flags = foreign->memory.writable ? O_RDWR : O_RDONLY;
	info.resv = &foreign->resv;
	info.priv = foreign;
	foreign->dmabuf = dma_buf_export(&info);
	if (IS_ERR(foreign->dmabuf)) {
		ret = PTR_ERR(foreign->dmabuf);
		goto err_release;
	}
	return foreign;

err_release:
	dma_resv_fini(&foreign->resv);
	linux_dma_buf_memory_release(&foreign->memory);
err_close:
	close(foreign->descriptor);
err_free:
	kfree(foreign);
	return ERR_PTR(ret);
}

/* A reference on the one that is known and the same, or NULL. */
static struct dma_buf *find(const struct linux_dma_buf_memory *memory)
{
	struct foreign *foreign;

	lockdep_assert_held(&foreigns_lock);
	list_for_each_entry(foreign, &foreigns, link) {
		/* Unless it is about to go. */
		if (foreign->memory.dev == memory->dev &&
		    foreign->memory.ino == memory->ino &&
		    foreign->memory.id == memory->id &&
		    kref_get_unless_zero(&foreign->dmabuf->file->f_count))
			return foreign->dmabuf;
	}
	return NULL;
}

struct dma_buf *linux_dma_buf_foreign_get(int fd)
{
	struct dma_buf *known;
	struct foreign *fresh;

	if (!linux_machine.ops->ram_overlay || !linux_dma_buf_has_message(fd))
		return ERR_PTR(-EINVAL);
	fresh = foreign_create(fd);
	if (IS_ERR(fresh))
		return ERR_CAST(fresh);
	mutex_lock(&foreigns_lock);
	known = find(&fresh->memory);
	if (!known)
		list_add(&fresh->link, &foreigns);
	mutex_unlock(&foreigns_lock);
	if (!known)
		return fresh->dmabuf;
	dma_buf_put(fresh->dmabuf);
	return known;
}

int linux_dma_buf_foreign_fd(struct dma_buf *dmabuf, unsigned int flags)
{
	const struct foreign *foreign = dmabuf->priv;
	int fd;

	if (linux_should_fail())
		return -EMFILE;
	/* Not fcntl(), by which the machine makes descriptors of its own. */
	fd = dup(foreign->descriptor);
	if (fd < 0)
		return -errno;
	if ((flags & O_CLOEXEC) && fcntl(fd, F_SETFD, FD_CLOEXEC)) {
		close(fd);
		return -EMFILE;
	}
	return fd;
}
