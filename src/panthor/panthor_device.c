// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/sizes.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_gpu.h"
#include "panthor_mmu.h"
#include "panthor_reclaim.h"
#include "panthor_regs.h"
#include "panthor_sched.h"

/**
 * panthor_request_irq() - handle an interrupt line
 * @ptdev: the device, which both handlers get as their data
 * @name: of the line
 * @irq: Linux interrupt number
 * @is_raised: IRQ_WAKE_THREAD if the line is active, else IRQ_NONE
 * @handler: runs in a thread, may sleep; the line is masked meanwhile
 *
 * Return: 0 or what request_threaded_irq() returned.
 */
int panthor_request_irq(struct panthor_device *ptdev, const char *name, int irq,
			irq_handler_t is_raised, irq_handler_t handler)
{
	int ret;

	ret = request_threaded_irq(irq, is_raised, handler, IRQF_ONESHOT, name,
				   ptdev);
	if (ret)
		drm_err(&ptdev->base, "interrupt line '%s' (%d): error %d\n",
			name, irq, ret);

	return ret;
}

/** panthor_free_irq() - the inverse; waits for a handler that runs */
void panthor_free_irq(struct panthor_device *ptdev, int irq)
{
	free_irq(irq, ptdev);
}

static void reset_work(struct work_struct *work)
{
	struct panthor_device *ptdev =
		container_of(work, struct panthor_device, reset.work);
	int ret, idx;

	if (!drm_dev_enter(&ptdev->base, &idx))
		return;

	drm_warn(&ptdev->base, "resetting the GPU\n");
	panthor_sched_pre_reset(ptdev);
	panthor_fw_pre_reset(ptdev);
	panthor_mmu_pre_reset(ptdev);

	/* What has gone wrong up to here is cured by what follows. */
	atomic_set(&ptdev->reset.pending, 0);
	ret = panthor_gpu_soft_reset(ptdev);
	panthor_mmu_post_reset(ptdev);
	if (!ret)
		ret = panthor_fw_post_reset(ptdev);
	panthor_sched_post_reset(ptdev, ret != 0);
	drm_dev_exit(idx);

	if (ret) {
		drm_err(&ptdev->base, "giving up on the GPU\n");
		panthor_device_unplug(ptdev);
	}
}

void panthor_device_schedule_reset(struct panthor_device *ptdev)
{
	if (!atomic_cmpxchg(&ptdev->reset.pending, 0, 1))
		queue_work(ptdev->reset.wq, &ptdev->reset.work);
}

/**
 * panthor_device_unplug() - no more ioctls reach the hardware
 *
 * For removal, and for a GPU that does not come back from a reset. May be
 * called more than once.
 */
void panthor_device_unplug(struct panthor_device *ptdev)
{
	mutex_lock(&ptdev->unplug.lock);
	if (!ptdev->unplug.unplugged) {
		ptdev->unplug.unplugged = true;
		drm_dev_unplug(&ptdev->base);
	}
	mutex_unlock(&ptdev->unplug.lock);
}

static int get_resources(struct panthor_device *ptdev,
			 struct platform_device *pdev)
{
	const struct {
		const char *name;
		int *irq;
	} lines[] = {
		{"job", &ptdev->irqs.job},
		{"mmu", &ptdev->irqs.mmu},
		{"gpu", &ptdev->irqs.gpu},
	};
	struct resource *res;
	int irq;
	u32 i;

	ptdev->iomem = devm_platform_get_and_ioremap_resource(pdev, 0, &res);
	if (IS_ERR(ptdev->iomem))
		return PTR_ERR(ptdev->iomem);
	ptdev->phys_addr = res->start;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		irq = platform_get_irq_byname(pdev, lines[i].name);
		if (irq < 0)
			return irq;
		*lines[i].irq = irq;
	}

	ptdev->coherent = device_get_dma_attr(&pdev->dev) == DEV_DMA_COHERENT;
	return 0;
}

static int init_dma(struct panthor_device *ptdev, struct device *dev)
{
	u32 pa_bits = GPU_MMU_FEATURES_PA_BITS(ptdev->gpu_info.mmu_features);
	int ret;

	dma_set_max_seg_size(dev, UINT_MAX);
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(pa_bits));
	if (ret)
		drm_err(&ptdev->base, "no DMA with %u address bits: error %d\n",
			pa_bits, ret);

	return ret;
}

/**
 * panthor_device_init() - bring up everything but the node
 * @ptdev: zeroed, but for its drm_device and uapi
 * @pdev: the platform device
 *
 * Return: 0, or an error, of which the log has the details. On failure nothing
 * is left behind but what the platform device's managed resources release.
 */
int panthor_device_init(struct panthor_device *ptdev,
			struct platform_device *pdev)
{
	int ret;

	mutex_init(&ptdev->unplug.lock);
	spin_lock_init(&ptdev->gems.lock);
	INIT_LIST_HEAD(&ptdev->gems.list);
	INIT_WORK(&ptdev->reset.work, reset_work);
	atomic_set(&ptdev->reset.pending, 1);

	ret = get_resources(ptdev, pdev);
	if (ret)
		return ret;

	ptdev->reset.wq = alloc_ordered_workqueue("panthor-reset", 0);
	if (!ptdev->reset.wq)
		return -ENOMEM;

	ret = panthor_gpu_init(ptdev);
	if (ret)
		goto err_destroy_wq;

	ret = init_dma(ptdev, &pdev->dev);
	if (ret)
		goto err_fini_gpu;

	ptdev->mmu_info.page_size_bitmap = SZ_4K | SZ_2M;

	ret = panthor_reclaim_init(ptdev);
	if (ret)
		goto err_fini_gpu;

	ret = panthor_mmu_init(ptdev);
	if (ret)
		goto err_fini_reclaim;

	ret = panthor_fw_init(ptdev);
	if (ret)
		goto err_fini_mmu;

	ret = panthor_sched_init(ptdev);
	if (ret)
		goto err_unplug_fw;

	atomic_set(&ptdev->reset.pending, 0);
	return 0;

err_unplug_fw:
	panthor_fw_unplug(ptdev);
err_fini_mmu:
	panthor_mmu_fini(ptdev);
err_fini_reclaim:
	panthor_reclaim_fini(ptdev);
err_fini_gpu:
	panthor_gpu_fini(ptdev);
err_destroy_wq:
	destroy_workqueue(ptdev->reset.wq);
	return ret;
}

/**
 * panthor_device_fini() - the inverse of panthor_device_init()
 *
 * The device has been unplugged.
 */
void panthor_device_fini(struct panthor_device *ptdev)
{
	/* From now on a request finds one pending and queues nothing. */
	atomic_set(&ptdev->reset.pending, 1);
	cancel_work_sync(&ptdev->reset.work);

	panthor_sched_fini(ptdev);
	panthor_fw_unplug(ptdev);
	/* It uses the MMU. */
	panthor_reclaim_fini(ptdev);
	/* Ends the work of bind queues, whose failures the scheduler is told of. */
	panthor_mmu_fini(ptdev);
	panthor_sched_free(ptdev);
	panthor_gpu_fini(ptdev);
	destroy_workqueue(ptdev->reset.wq);
	mutex_destroy(&ptdev->unplug.lock);
}

/**
 * panthor_device_mmap_io() - map a device page into a process
 * @ptdev: the device
 * @offset: of the page, from the file's user MMIO offset on
 * @vma: one page, shared, readable only
 *
 * The only page there is begins with LATEST_FLUSH_ID, as the GPU counts it: a
 * process may skip a flush if the number went on since it looked. The GPU has
 * power for as long as the driver is bound, so there is no time at which the
 * page would have to be replaced by another.
 *
 * Return: 0; -EINVAL for another page, size or protection; -ENOMEM.
 */
int panthor_device_mmap_io(struct panthor_device *ptdev, u64 offset,
			   struct vm_area_struct *vma)
{
	if (offset != DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET -
			      DRM_PANTHOR_USER_MMIO_OFFSET)
		return -EINVAL;

	if (vma->vm_end - vma->vm_start != PAGE_SIZE ||
	    (vma->vm_flags & (VM_WRITE | VM_EXEC)) ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYWRITE | VM_MAYEXEC);

	return io_remap_pfn_range(
		vma, vma->vm_start,
		PHYS_PFN(ptdev->phys_addr + CSF_GPU_LATEST_FLUSH_ID), PAGE_SIZE,
		pgprot_noncached(vma->vm_page_prot));
}
