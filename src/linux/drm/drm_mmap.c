// SPDX-License-Identifier: MIT OR GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../core/internal.h"
#include "drm_internal.h"
#include "drm_mmap.h"

/* A stretch of a mapping that shows a stretch of a file of the machine's. */
struct piece {
	unsigned long addr;
	int fd;
	u64 offset;
	unsigned long size_B;
};

struct mapping {
	struct rb_node rb; /* in mappings, by vm_start */
	struct list_head link; /* of those that are to be dropped */
	struct vm_area_struct vma;
	/* A reference, for the object's sake; NULL: the file has one itself. */
	struct drm_device *dev;

	/* While it is being made: what to show, in order of address. */
	struct piece *pieces;
	unsigned int num_pieces;
	unsigned int max_pieces;
};

/* Guards mappings, and the host's mappings wherever those are recorded. */
static DEFINE_MUTEX(mmap_lock);
static struct rb_root mappings = RB_ROOT; /* they do not overlap */

static struct mapping *to_mapping(struct vm_area_struct *vma)
{
	return container_of(vma, struct mapping, vma);
}

/* ----------------------------------------------------------- host calls -- */

static int host_map(unsigned long addr, unsigned long size_B, int prot,
		    int flags, int fd, unsigned long offset, void **addr_out)
{
	void *mapped;

	if (linux_should_fail())
		return -ENOMEM;
	mapped = mmap((void *)addr, size_B, prot, flags, fd, offset);
	if (mapped == MAP_FAILED)
		return -errno;
	if (addr_out)
		*addr_out = mapped;
	return 0;
}

static int host_show(const struct piece *piece, int prot, int flags)
{
	return host_map(piece->addr, piece->size_B, prot,
			MAP_SHARED | MAP_FIXED | (flags & MAP_POPULATE),
			piece->fd, piece->offset, NULL);
}

/*
 * Takes the range out of the program's sight but keeps it for the program, who
 * asked for these very addresses. Shrinks the number of host mappings, so it
 * does not fail for want of one.
 */
static void host_hide(unsigned long addr, unsigned long size_B)
{
	void *mapped = mmap((void *)addr, size_B, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				    MAP_FIXED,
			    -1, 0);

	WARN_ON(mapped == MAP_FAILED);
}

/* -------------------------------------------------------------- records -- */

static bool starts_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mapping, rb)->vma.vm_start <
	       rb_entry(b, struct mapping, rb)->vma.vm_start;
}

/* The first mapping that ends behind @addr, or NULL. */
static struct mapping *first_mapping(unsigned long addr)
{
	struct rb_node *rb = mappings.rb_node;
	struct mapping *found = NULL;

	lockdep_assert_held(&mmap_lock);
	while (rb) {
		struct mapping *mapping = rb_entry(rb, struct mapping, rb);

		if (mapping->vma.vm_end > addr) {
			found = mapping;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found;
}

/* True when dropping the range will leave two parts of one mapping. */
static bool splits(unsigned long start, unsigned long end)
{
	struct mapping *mapping = first_mapping(start);

	return mapping && mapping->vma.vm_start < start &&
	       mapping->vma.vm_end > end;
}

static void trim_front(struct mapping *mapping, unsigned long start)
{
	mapping->vma.vm_pgoff += (start - mapping->vma.vm_start) >> PAGE_SHIFT;
	mapping->vma.vm_start = start;
}

/* @rest becomes what of @mapping lies behind @end. */
static void split_off(struct mapping *mapping, unsigned long end,
		      struct mapping *rest)
{
	rest->vma = mapping->vma;
	rest->dev = mapping->dev;
	if (rest->dev)
		drm_dev_get(rest->dev);
	get_file(rest->vma.vm_file);
	trim_front(rest, end);
	if (rest->vma.vm_ops && rest->vma.vm_ops->open)
		rest->vma.vm_ops->open(&rest->vma);
	rb_add(&rest->rb, &mappings, starts_before);
}

/*
 * Forgets [start, end), which the host does not show any more. Mappings that
 * end with it go to @dropped. Uses up *spare when splits() says so.
 */
static void forget_range(unsigned long start, unsigned long end,
			 struct mapping **spare, struct list_head *dropped)
{
	struct mapping *mapping = first_mapping(start), *next;

	for (; mapping && mapping->vma.vm_start < end; mapping = next) {
		struct vm_area_struct *vma = &mapping->vma;

		next = rb_entry_safe(rb_next(&mapping->rb), struct mapping, rb);
		if (vma->vm_start >= start && vma->vm_end <= end) {
			rb_erase(&mapping->rb, &mappings);
			list_add(&mapping->link, dropped);
			continue;
		}
		if (vma->vm_start < start && vma->vm_end > end) {
			split_off(mapping, end, *spare);
			*spare = NULL;
		}
		if (vma->vm_start < start)
			vma->vm_end = start;
		else
			trim_front(mapping, end);
	}
}

/* The reference on what it showed goes, so this comes after the host's part. */
static void mapping_drop(struct mapping *mapping)
{
	struct vm_area_struct *vma = &mapping->vma;

	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	fput(vma->vm_file);
	if (mapping->dev)
		drm_dev_put(mapping->dev);
	kfree(mapping);
}

static void drop_list(struct list_head *dropped)
{
	struct mapping *mapping, *next;

	list_for_each_entry_safe(mapping, next, dropped, link)
		mapping_drop(mapping);
}

/* --------------------------------------------------------------- unmap --- */

/* linux_munmap(), or, where the host shows something else there already, less. */
static int drop_range(unsigned long addr, size_t size_B, bool replaced)
{
	unsigned long end = addr + PAGE_ALIGN(size_B);
	struct mapping *spare = NULL;
	LIST_HEAD(dropped);
	int ret = 0;

	if (!size_B || offset_in_page(addr) || end <= addr)
		return -EINVAL;

	mutex_lock(&mmap_lock);
	if (splits(addr, end)) {
		spare = kzalloc(sizeof(*spare), GFP_KERNEL);
		if (!spare)
			ret = -ENOMEM;
	}
	if (!ret && !replaced) {
		if (linux_should_fail())
			ret = -ENOMEM;
		else if (munmap((void *)addr, end - addr))
			ret = -errno;
	}
	if (!ret)
		forget_range(addr, end, &spare, &dropped);
	mutex_unlock(&mmap_lock);
	kfree(spare);
	drop_list(&dropped);
	return ret;
}

int linux_munmap(unsigned long addr, size_t size_B)
{
	return drop_range(addr, size_B, false);
}

int linux_forget_mappings(unsigned long addr, size_t size_B)
{
	return drop_range(addr, size_B, true);
}

bool linux_is_mapped(unsigned long addr, size_t size_B)
{
	struct mapping *mapping;
	bool found;

	mutex_lock(&mmap_lock);
	mapping = first_mapping(addr);
	found = mapping && mapping->vma.vm_start < addr + size_B;
	mutex_unlock(&mmap_lock);
	return found;
}

/* ----------------------------------------------------------------- map --- */

static int add_piece(struct vm_area_struct *vma, unsigned long addr, int fd,
		     u64 offset, unsigned long size_B)
{
	struct mapping *mapping = to_mapping(vma);
	struct piece *last = mapping->num_pieces ?
				     &mapping->pieces[mapping->num_pieces - 1] :
				     NULL;
	struct piece *pieces;
	unsigned int max;

	lockdep_assert_held(&mmap_lock);
	if (offset_in_page(addr | size_B) || addr < vma->vm_start ||
	    addr >= vma->vm_end || size_B > vma->vm_end - addr)
		return -EINVAL;
	if (last && addr < last->addr + last->size_B)
		return -EINVAL;
	if (last && addr == last->addr + last->size_B && fd == last->fd &&
	    offset == last->offset + last->size_B) {
		last->size_B += size_B;
		return 0;
	}
	if (mapping->num_pieces == mapping->max_pieces) {
		max = mapping->max_pieces ? 2 * mapping->max_pieces : 4;
		pieces = kvmalloc_array(max, sizeof(*pieces), GFP_KERNEL);
		if (!pieces)
			return -ENOMEM;
		if (mapping->num_pieces)
			memcpy(pieces, mapping->pieces,
			       mapping->num_pieces * sizeof(*pieces));
		kvfree(mapping->pieces);
		mapping->pieces = pieces;
		mapping->max_pieces = max;
	}
	mapping->pieces[mapping->num_pieces++] = (struct piece){
		.addr = addr,
		.fd = fd,
		.offset = offset,
		.size_B = size_B,
	};
	return 0;
}

int linux_vma_show_file(struct vm_area_struct *vma, unsigned long addr, int fd,
			u64 offset, unsigned long size_B)
{
	return add_piece(vma, addr, fd, offset, size_B);
}

int linux_vma_show(struct vm_area_struct *vma, unsigned long addr,
		   unsigned long pfn, unsigned long size_B)
{
	if (!pfn_valid(pfn + (size_B >> PAGE_SHIFT) - 1))
		return -EINVAL;
	return add_piece(vma, addr, linux_machine.ram_fd, PFN_PHYS(pfn),
			 size_B);
}

int io_remap_pfn_range(struct vm_area_struct *vma, unsigned long addr,
		       unsigned long pfn, unsigned long size, pgprot_t prot)
{
	u64 reg = PFN_PHYS(pfn) - LINUX_MMIO_PHYS;
	unsigned long done;
	uint64_t offset;
	int fd, ret;

	if (reg >= LINUX_MMIO_SIZE || size > LINUX_MMIO_SIZE - reg)
		return -EINVAL;
	for (done = 0; done < size; done += PAGE_SIZE) {
		ret = linux_machine.mmio_page ?
			      linux_machine.mmio_page(linux_machine.machine,
						      reg + done, &fd,
						      &offset) :
			      -ENXIO;
		if (!ret)
			ret = add_piece(vma, addr + done, fd, offset,
					PAGE_SIZE);
		if (ret)
			return ret;
	}
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = prot;
	return 0;
}

int vm_insert_page(struct vm_area_struct *vma, unsigned long addr,
		   struct page *page)
{
	return linux_vma_show(vma, addr, page_to_pfn(page), PAGE_SIZE);
}

/* What the file was opened for bounds what its shared mappings may become. */
static bool may_write(const struct file *file, int flags)
{
	return (file->f_flags & O_ACCMODE) != O_RDONLY ||
	       (flags & MAP_TYPE) == MAP_PRIVATE;
}

static vm_flags_t to_vm_flags(const struct file *file, int prot, int flags)
{
	vm_flags_t vm_flags = VM_MAYREAD | VM_MAYEXEC;

	if (may_write(file, flags))
		vm_flags |= VM_MAYWRITE;

	if (prot & PROT_READ)
		vm_flags |= VM_READ;
	if (prot & PROT_WRITE)
		vm_flags |= VM_WRITE;
	if (prot & PROT_EXEC)
		vm_flags |= VM_EXEC;
	if ((flags & MAP_TYPE) != MAP_PRIVATE)
		vm_flags |= VM_SHARED | VM_MAYSHARE;
	return vm_flags;
}

/* The driver left no page out: nothing here could show it one later. */
static bool is_complete(const struct mapping *mapping)
{
	unsigned long shown_B = 0;

	for (unsigned int i = 0; i < mapping->num_pieces; i++)
		shown_B += mapping->pieces[i].size_B;
	return shown_B == mapping->vma.vm_end - mapping->vma.vm_start;
}

/* Of a file that has an inode, which is the node's. */
static struct drm_file *to_drm_file(struct file *file)
{
	return file->private_data;
}

static struct mapping *mapping_create(struct file *file, unsigned long start,
				      size_t size_B, int prot, int flags,
				      u64 offset)
{
	struct mapping *mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);

	if (!mapping)
		return NULL;
	mapping->vma.vm_start = start;
	mapping->vma.vm_end = start + size_B;
	mapping->vma.vm_flags = to_vm_flags(file, prot, flags);
	mapping->vma.vm_page_prot = vm_get_page_prot(mapping->vma.vm_flags);
	mapping->vma.vm_pgoff = offset >> PAGE_SHIFT;
	mapping->vma.vm_file = get_file(file);
	if (file->f_inode) {
		mapping->dev = to_drm_file(file)->minor->dev;
		drm_dev_get(mapping->dev);
	}
	return mapping;
}

/* Asks the driver what to show; on failure the mapping has nothing to close. */
static int ask_driver(struct file *file, struct mapping *mapping)
{
	struct vm_area_struct *vma = &mapping->vma;
	int ret = file->f_op->mmap ? file->f_op->mmap(file, vma) : -ENODEV;

	if (ret) {
		vma->vm_ops = NULL;
		return ret;
	}
	return is_complete(mapping) ? 0 : -ENXIO;
}

static int show_pieces(struct mapping *mapping, int prot, int flags,
		       unsigned int *shown)
{
	for (*shown = 0; *shown < mapping->num_pieces; ++*shown) {
		int ret = host_show(&mapping->pieces[*shown], prot, flags);

		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Maps over [start, start + size_B), which is reserved for us unless @fixed: in
 * that case whatever is there goes, but not before the driver has agreed.
 */
static int map_range(struct file *file, unsigned long start, size_t size_B,
		     int prot, int flags, u64 offset, bool fixed,
		     struct list_head *dropped)
{
	unsigned long end = start + size_B;
	struct mapping *mapping, *spare = NULL;
	unsigned int shown = 0;
	int ret = -ENOMEM;

	lockdep_assert_held(&mmap_lock);
	if (splits(start, end)) {
		spare = kzalloc(sizeof(*spare), GFP_KERNEL);
		if (!spare)
			return -ENOMEM;
	}
	mapping = mapping_create(file, start, size_B, prot, flags, offset);
	if (!mapping)
		goto out_free_spare;
	ret = ask_driver(file, mapping);
	if (!ret)
		ret = show_pieces(mapping, prot, flags, &shown);
	if (ret && shown && fixed)
		host_hide(start, size_B);
	/* Also of a stale mapping, whose owner used a plain munmap(). */
	if (!ret || shown || !fixed)
		forget_range(start, end, &spare, dropped);

	kvfree(mapping->pieces);
	mapping->pieces = NULL;
	if (ret)
		list_add(&mapping->link, dropped);
	else
		rb_add(&mapping->rb, &mappings, starts_before);
out_free_spare:
	kfree(spare);
	return ret;
}

int linux_mmap(struct file *file, unsigned long addr, size_t size_B, int prot,
	       int flags, u64 offset, void **addr_out)
{
	bool fixed = (flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE);
	int type = flags & MAP_TYPE;
	void *start = (void *)addr;
	LIST_HEAD(dropped);
	int ret = 0;

	if (!size_B || offset_in_page(offset) ||
	    (type != MAP_SHARED && type != MAP_SHARED_VALIDATE &&
	     type != MAP_PRIVATE))
		return -EINVAL;
	if ((prot & PROT_WRITE) && !may_write(file, flags))
		return -EACCES;
	if (size_B > LONG_MAX - PAGE_SIZE)
		return -ENOMEM;
	size_B = PAGE_ALIGN(size_B);
	if (fixed && (offset_in_page(addr) || addr + size_B < addr))
		return -EINVAL;

	mutex_lock(&mmap_lock);
	if (!fixed)
		ret = host_map(addr, size_B, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				       (flags & MAP_FIXED_NOREPLACE),
			       -1, 0, &start);
	if (!ret) {
		ret = map_range(file, (unsigned long)start, size_B, prot,
				flags, offset, fixed, &dropped);
		if (ret && !fixed)
			munmap(start, size_B);
	}
	mutex_unlock(&mmap_lock);
	drop_list(&dropped);
	if (!ret)
		*addr_out = start;
	return ret;
}

/* ---------------------------------------------------------------- leaks --- */

int linux_mmap_report_leaks(void)
{
	struct mapping *mapping, *next;
	unsigned long size_B = 0, count = 0;
	LIST_HEAD(dropped);

	mutex_lock(&mmap_lock);
	rbtree_postorder_for_each_entry_safe(mapping, next, &mappings, rb) {
		size_B += mapping->vma.vm_end - mapping->vma.vm_start;
		count++;
		list_add(&mapping->link, &dropped);
	}
	mappings = RB_ROOT;
	mutex_unlock(&mmap_lock);
	drop_list(&dropped);
	if (!count)
		return 0;
	linux_report("%lu mappings of the node, %lu bytes, were never unmapped",
		     count, size_B);
	return 1;
}
