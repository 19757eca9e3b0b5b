// SPDX-License-Identifier: MIT OR GPL-2.0
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../core/internal.h"
#include "drm_internal.h"

static const struct drm_gem_object_funcs drm_gem_shmem_funcs = {
	.free = drm_gem_shmem_object_free,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

void linux_shmem_free_runs(struct drm_gem_shmem_object *shmem)
{
	linux_ram_runs_free(shmem->runs, shmem->num_runs);
	shmem->runs = NULL;
	shmem->num_runs = 0;
}

/* ---------------------------------------------------------------- pages -- */

static int get_pages(struct drm_gem_shmem_object *shmem)
{
	int ret;

	dma_resv_assert_held(shmem->base.resv);
	if (!shmem->pages_use_count)
		linux_shmem_hold(shmem);
	if (!shmem->runs) {
		ret = linux_ram_runs_alloc(shmem->base.size >> PAGE_SHIFT,
					   &shmem->runs, &shmem->num_runs);
		if (ret)
			return ret;
		ret = linux_shmem_swap_in(shmem);
		if (ret) {
			linux_shmem_free_runs(shmem);
			return ret;
		}
	}
	shmem->pages_use_count++;
	return 0;
}

/* The contents have to stay, and where is the swap's affair from now on. */
void drm_gem_shmem_put_pages(struct drm_gem_shmem_object *shmem)
{
	dma_resv_assert_held(shmem->base.resv);
	if (!WARN_ON(!shmem->pages_use_count) && !--shmem->pages_use_count)
		linux_shmem_unhold(shmem);
}

int drm_gem_shmem_pin_locked(struct drm_gem_shmem_object *shmem)
{
	WARN_ON(shmem->base.import_attach);
	return get_pages(shmem);
}

void drm_gem_shmem_unpin_locked(struct drm_gem_shmem_object *shmem)
{
	drm_gem_shmem_put_pages(shmem);
}

int drm_gem_shmem_pin(struct drm_gem_shmem_object *shmem)
{
	int ret = dma_resv_lock_interruptible(shmem->base.resv, NULL);

	if (ret)
		return ret;
	ret = drm_gem_shmem_pin_locked(shmem);
	dma_resv_unlock(shmem->base.resv);
	return ret;
}

void drm_gem_shmem_unpin(struct drm_gem_shmem_object *shmem)
{
	dma_resv_lock(shmem->base.resv, NULL);
	drm_gem_shmem_unpin_locked(shmem);
	dma_resv_unlock(shmem->base.resv);
}

/* -------------------------------------------------------------- objects -- */

static struct drm_gem_shmem_object *create_object(struct drm_device *dev,
						  size_t size, bool private)
{
	struct drm_gem_shmem_object *shmem;
	struct drm_gem_object *obj;
	int ret = 0;

	if (dev->driver->gem_create_object) {
		obj = dev->driver->gem_create_object(dev, size);
		if (IS_ERR(obj))
			return ERR_CAST(obj);
		shmem = to_drm_gem_shmem_obj(obj);
	} else {
		shmem = kzalloc(sizeof(*shmem), GFP_KERNEL);
		if (!shmem)
			return ERR_PTR(-ENOMEM);
		obj = &shmem->base;
	}
	if (!obj->funcs)
		obj->funcs = &drm_gem_shmem_funcs;
	INIT_LIST_HEAD(&shmem->swap_link);

	if (private)
		drm_gem_private_object_init(dev, obj, size);
	else
		ret = drm_gem_object_init(dev, obj, size);
	if (ret)
		goto err_free;
	ret = drm_gem_create_mmap_offset(obj);
	if (ret)
		goto err_release;
	return shmem;

err_release:
	drm_gem_object_release(obj);
err_free:
	kfree(shmem);
	return ERR_PTR(ret);
}

struct drm_gem_shmem_object *drm_gem_shmem_create(struct drm_device *dev,
						  size_t size)
{
	return create_object(dev, PAGE_ALIGN(size), false);
}

static void free_own_sgt(struct drm_gem_shmem_object *shmem)
{
	dma_unmap_sgtable(shmem->base.dev->dev, shmem->sgt, DMA_BIDIRECTIONAL,
			  0);
	sg_free_table(shmem->sgt);
	kfree(shmem->sgt);
	shmem->sgt = NULL;
	drm_gem_shmem_put_pages(shmem);
}

void drm_gem_shmem_free(struct drm_gem_shmem_object *shmem)
{
	struct drm_gem_object *obj = &shmem->base;

	if (obj->import_attach) {
		drm_prime_gem_destroy(obj, shmem->sgt);
	} else {
		dma_resv_lock(obj->resv, NULL);
		WARN_ON(shmem->vmap_use_count);
		if (shmem->sgt)
			free_own_sgt(shmem);
		/* A pin, or a mapping, has no reference on the object. */
		WARN_ON(shmem->pages_use_count);
		dma_resv_unlock(obj->resv);
		linux_shmem_truncate(shmem);
	}
	drm_gem_object_release(obj);
	kfree(shmem);
}

int drm_gem_shmem_madvise(struct drm_gem_shmem_object *shmem, int madv)
{
	dma_resv_assert_held(shmem->base.resv);
	if (shmem->madv >= 0)
		shmem->madv = madv;
	return shmem->madv >= 0;
}

void drm_gem_shmem_purge(struct drm_gem_shmem_object *shmem)
{
	dma_resv_assert_held(shmem->base.resv);
	if (WARN_ON(!drm_gem_shmem_is_purgeable(shmem)))
		return;
	free_own_sgt(shmem);
	shmem->madv = -1;
	/* The kernel would free them one by one, as their users let go. */
	if (!WARN_ON(shmem->pages_use_count))
		linux_shmem_truncate(shmem);
}

/* ------------------------------------------------------------ sg tables -- */

struct sg_table *drm_gem_shmem_get_sg_table(struct drm_gem_shmem_object *shmem)
{
	if (WARN_ON(!shmem->runs))
		return ERR_PTR(-EINVAL);
	return linux_ram_runs_to_sgt(shmem->runs, shmem->num_runs);
}

static struct sg_table *get_sgt_locked(struct drm_gem_shmem_object *shmem)
{
	struct sg_table *sgt;
	int ret;

	if (shmem->sgt)
		return shmem->sgt;
	WARN_ON(shmem->base.import_attach);
	ret = get_pages(shmem);
	if (ret)
		return ERR_PTR(ret);
	sgt = drm_gem_shmem_get_sg_table(shmem);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto err_put_pages;
	}
	ret = dma_map_sgtable(shmem->base.dev->dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (ret)
		goto err_free_sgt;
	shmem->sgt = sgt;
	return sgt;

err_free_sgt:
	sg_free_table(sgt);
	kfree(sgt);
err_put_pages:
	drm_gem_shmem_put_pages(shmem);
	return ERR_PTR(ret);
}

struct sg_table *drm_gem_shmem_get_pages_sgt(struct drm_gem_shmem_object *shmem)
{
	struct sg_table *sgt;
	int ret = dma_resv_lock_interruptible(shmem->base.resv, NULL);

	if (ret)
		return ERR_PTR(ret);
	sgt = get_sgt_locked(shmem);
	dma_resv_unlock(shmem->base.resv);
	return sgt;
}

struct drm_gem_object *
drm_gem_shmem_prime_import_sg_table(struct drm_device *dev,
				    struct dma_buf_attachment *attach,
				    struct sg_table *sgt)
{
	size_t size = PAGE_ALIGN(attach->dmabuf->size);
	struct drm_gem_shmem_object *shmem = create_object(dev, size, true);

	if (IS_ERR(shmem))
		return ERR_CAST(shmem);
	shmem->sgt = sgt;
	return &shmem->base;
}

/* -------------------------------------------------------- kernel mapping -- */

/* One run lies side by side already; several need a view of their own. */
static void *map_runs(struct drm_gem_shmem_object *shmem)
{
	unsigned long num_pages = shmem->base.size >> PAGE_SHIFT, n = 0;
	struct page **pages;
	void *vaddr;

	if (shmem->num_runs == 1)
		return pfn_to_virt(shmem->runs[0].pfn);
	pages = kvmalloc_array(num_pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (unsigned int i = 0; i < shmem->num_runs; i++) {
		for (unsigned long j = 0; j < shmem->runs[i].num_pages; j++)
			pages[n++] = pfn_to_page(shmem->runs[i].pfn + j);
	}
	vaddr = vmap(pages, num_pages, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return vaddr;
}

int drm_gem_shmem_vmap(struct drm_gem_shmem_object *shmem,
		       struct iosys_map *map)
{
	int ret;

	dma_resv_assert_held(shmem->base.resv);
	if (shmem->base.import_attach)
		return dma_buf_vmap(shmem->base.import_attach->dmabuf, map);

	if (!shmem->vmap_use_count) {
		ret = get_pages(shmem);
		if (ret)
			return ret;
		shmem->vaddr = map_runs(shmem);
		if (!shmem->vaddr) {
			drm_gem_shmem_put_pages(shmem);
			return -ENOMEM;
		}
	}
	shmem->vmap_use_count++;
	iosys_map_set_vaddr(map, shmem->vaddr);
	return 0;
}

void drm_gem_shmem_vunmap(struct drm_gem_shmem_object *shmem,
			  struct iosys_map *map)
{
	dma_resv_assert_held(shmem->base.resv);
	if (shmem->base.import_attach) {
		dma_buf_vunmap(shmem->base.import_attach->dmabuf, map);
		return;
	}
	if (WARN_ON(!shmem->vmap_use_count) || --shmem->vmap_use_count)
		return;
	if (shmem->num_runs > 1)
		vunmap(shmem->vaddr);
	shmem->vaddr = NULL;
	drm_gem_shmem_put_pages(shmem);
}

/* ---------------------------------------------------------- user mapping -- */

static void shmem_vm_open(struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = vma->vm_private_data;
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(obj);

	/* The pages are there: another part of this mapping shows them. */
	dma_resv_lock(obj->resv, NULL);
	WARN_ON(!shmem->pages_use_count++);
	dma_resv_unlock(obj->resv);
	drm_gem_vm_open(vma);
}

static void shmem_vm_close(struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = vma->vm_private_data;

	dma_resv_lock(obj->resv, NULL);
	drm_gem_shmem_put_pages(to_drm_gem_shmem_obj(obj));
	dma_resv_unlock(obj->resv);
	drm_gem_vm_close(vma);
}

const struct vm_operations_struct drm_gem_shmem_vm_ops = {
	.open = shmem_vm_open,
	.close = shmem_vm_close,
};

/* The kernel shows pages when they are touched; here all are, at once. */
static int show_runs(struct drm_gem_shmem_object *shmem,
		     struct vm_area_struct *vma)
{
	/* Pages before the mapping, in what is left of the object. */
	unsigned long skip =
		vma->vm_pgoff - drm_vma_node_start(&shmem->base.vma_node);
	unsigned long addr = vma->vm_start;

	for (unsigned int i = 0; i < shmem->num_runs && addr < vma->vm_end;
	     i++) {
		struct linux_ram_run run = shmem->runs[i];
		unsigned long before = min(skip, run.num_pages);
		unsigned long size_B =
			min((run.num_pages - before) << PAGE_SHIFT,
			    vma->vm_end - addr);
		int ret = size_B ? linux_vma_show(vma, addr, run.pfn + before,
						  size_B) :
				   0;

		if (ret)
			return ret;
		skip -= before;
		addr += size_B;
	}
	return 0;
}

int drm_gem_shmem_mmap(struct drm_gem_shmem_object *shmem,
		       struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = &shmem->base;
	int ret;

	if (obj->import_attach) {
		/* The exporter takes references of its own. */
		vma->vm_private_data = NULL;
		vma->vm_ops = NULL;
		ret = dma_buf_mmap(obj->import_attach->dmabuf, vma, 0);
		if (!ret)
			drm_gem_object_put(obj);
		return ret;
	}
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;

	dma_resv_lock(obj->resv, NULL);
	ret = get_pages(shmem);
	if (!ret) {
		ret = show_runs(shmem, vma);
		if (ret)
			drm_gem_shmem_put_pages(shmem);
	}
	dma_resv_unlock(obj->resv);
	if (ret)
		return ret;

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	if (shmem->map_wc)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	return 0;
}
