/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: a DMA address is the physical address, caches are coherent.
 * Stricter: mappings are counted, and those left are reported at shutdown.
 */
#ifndef LINUX_DMA_MAPPING_H
#define LINUX_DMA_MAPPING_H

#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#define DMA_BIT_MASK(n) ((n) == 64 ? ~0ull : (1ull << (n)) - 1)
#define DMA_MAPPING_ERROR (~(dma_addr_t)0)
#define DMA_ATTR_WEAK_ORDERING (1ul << 1)
#define DMA_ATTR_WRITE_COMBINE (1ul << 2)
#define DMA_ATTR_SKIP_CPU_SYNC (1ul << 5)

/* DMA_MAPPING_ERROR: outside the device's mask, or injected. */
dma_addr_t dma_map_page_attrs(struct device *dev, struct page *page,
			      size_t offset, size_t size,
			      enum dma_data_direction dir, unsigned long attrs);
void dma_unmap_page_attrs(struct device *dev, dma_addr_t addr, size_t size,
			  enum dma_data_direction dir, unsigned long attrs);
#define dma_map_page(dev, page, offset, size, dir) \
	dma_map_page_attrs(dev, page, offset, size, dir, 0)
#define dma_unmap_page(dev, addr, size, dir) \
	dma_unmap_page_attrs(dev, addr, size, dir, 0)
/* Of memory that is pages; others are reported and fail. */
dma_addr_t dma_map_single_attrs(struct device *dev, void *ptr, size_t size,
				enum dma_data_direction dir,
				unsigned long attrs);
#define dma_map_single(dev, ptr, size, dir) \
	dma_map_single_attrs(dev, ptr, size, dir, 0)
#define dma_unmap_single(dev, addr, size, dir) \
	dma_unmap_page_attrs(dev, addr, size, dir, 0)

static inline int dma_mapping_error(struct device *dev, dma_addr_t addr)
{
	return addr == DMA_MAPPING_ERROR ? -ENOMEM : 0;
}

/* All or nothing: 0, -EINVAL for an empty table, -ENOMEM, -EIO. */
int dma_map_sgtable(struct device *dev, struct sg_table *sgt,
		    enum dma_data_direction dir, unsigned long attrs);
void dma_unmap_sgtable(struct device *dev, struct sg_table *sgt,
		       enum dma_data_direction dir, unsigned long attrs);

/* The virtual device reads what the CPU wrote: these only order. */
static inline void dma_sync_single_for_device(struct device *dev,
					      dma_addr_t addr, size_t size,
					      enum dma_data_direction dir)
{
	wmb();
}

static inline void dma_sync_single_for_cpu(struct device *dev, dma_addr_t addr,
					   size_t size,
					   enum dma_data_direction dir)
{
	rmb();
}

static inline void dma_sync_sgtable_for_device(struct device *dev,
					       struct sg_table *sgt,
					       enum dma_data_direction dir)
{
	wmb();
}

static inline void dma_sync_sgtable_for_cpu(struct device *dev,
					    struct sg_table *sgt,
					    enum dma_data_direction dir)
{
	rmb();
}

/* -EIO: the machine's RAM reaches beyond the mask. */
int dma_set_mask_and_coherent(struct device *dev, u64 mask);
#define dma_set_mask(dev, mask) dma_set_mask_and_coherent(dev, mask)
#define dma_set_coherent_mask(dev, mask) dma_set_mask_and_coherent(dev, mask)
u64 dma_get_required_mask(struct device *dev);

static inline u64 dma_get_mask(struct device *dev)
{
	return *dev->dma_mask;
}

static inline size_t dma_max_mapping_size(struct device *dev)
{
	return SIZE_MAX;
}

static inline int dma_set_max_seg_size(struct device *dev, unsigned int size)
{
	dev->max_seg_size = size;
	return 0;
}

static inline unsigned int dma_get_max_seg_size(struct device *dev)
{
	return dev->max_seg_size ? dev->max_seg_size : SZ_64K;
}

static inline bool dev_is_dma_coherent(struct device *dev)
{
	return dev->dma_coherent;
}

/* Whole pages, zeroed. */
void *linux_dma_alloc(struct device *dev, size_t size, dma_addr_t *addr_out,
		      gfp_t gfp, struct linux_alloc_site *site);
void linux_dma_free(struct device *dev, size_t size, void *cpu_addr,
		    dma_addr_t addr);
#define dma_alloc_coherent(dev, size, addr_out, gfp) \
	linux_dma_alloc(dev, size, addr_out, gfp, __LINUX_SITE())
#define dma_alloc_wc(dev, size, addr_out, gfp) \
	dma_alloc_coherent(dev, size, addr_out, gfp)
#define dma_free_coherent(dev, size, cpu_addr, addr) \
	linux_dma_free(dev, size, cpu_addr, addr)
#define dma_free_wc(dev, size, cpu_addr, addr) \
	dma_free_coherent(dev, size, cpu_addr, addr)

#endif /* LINUX_DMA_MAPPING_H */
