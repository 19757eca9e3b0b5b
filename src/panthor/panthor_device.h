/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The device: what every other file of the driver hangs on, with access to its
 * registers, its interrupt lines, and its reset.
 *
 * Locking: gpu_info, mmu_info, csif_info, coherent, absent_stall, null_leaves, uapi and irqs are written
 * during probe only and read without a lock. Counters are atomic. The reset
 * machinery has its own lock, inside.
 */
#ifndef PANTHOR_DEVICE_H
#define PANTHOR_DEVICE_H

#include <linux/atomic.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_debugfs.h"
#include "panthor_host.h"

struct panthor_fw;
struct panthor_gpu;
struct panthor_group_pool;
struct panthor_mmu;
struct panthor_reclaim;
struct panthor_scheduler;
struct panthor_vm_pool;
struct platform_device;
struct vm_area_struct;

/* Source of panthor_host_get_stats(); the names are those of panthor_stats. */
struct panthor_counters {
	atomic64_t vm_bind_ioctls;
	atomic64_t vm_bind_ops;
	atomic64_t pt_entries_written;
	atomic64_t pt_pages;
	atomic64_t pt_pages_peak;
	atomic64_t vmas;
	atomic64_t evictions;
	atomic64_t restores;
};

struct panthor_device {
	struct drm_device base;

	/* The register window, and where the CPU has it. */
	void __iomem *iomem;
	phys_addr_t phys_addr;

	/* The GPU snoops CPU caches, page-table walks included. */
	bool coherent;
	/* An access to an absent leaf waits instead of failing. */
	bool absent_stall;
	/* PANTHOR_PTE_NULL means something. */
	bool null_leaves;
	enum panthor_uapi uapi;

	/* Linux interrupt numbers. */
	struct {
		int job;
		int mmu;
		int gpu;
	} irqs;

	struct drm_panthor_gpu_info gpu_info;
	struct drm_panthor_csif_info csif_info;
	struct drm_panthor_mmu_info mmu_info;

	struct panthor_gpu *gpu;
	struct panthor_mmu *mmu;
	struct panthor_reclaim *reclaim;
	struct panthor_scheduler *sched;
	struct panthor_fw *fw;

	struct {
		struct workqueue_struct *wq;
		struct work_struct work;
		/*
		 * Non-zero from the request until the work has begun; and
		 * during probe and removal, which have no use for a reset.
		 */
		atomic_t pending;
	} reset;

	struct {
		/* Guards unplugged. */
		struct mutex lock;
		bool unplugged;
	} unplug;

	/* All BOs, in the order in which they were made: for debugfs. */
	struct {
		/* Guards list; a leaf lock. */
		spinlock_t lock;
		struct list_head list; /* panthor_gem_object::all_node */
	} gems;

	struct panthor_counters counters;
};

/* What open() creates, in drm_file::driver_priv. */
struct panthor_file {
	struct panthor_device *ptdev;
	struct panthor_creator creator;
	/* Owns the VMs of the file and its sparse dummy BO. */
	struct panthor_vm_pool *vms;
	struct panthor_group_pool *groups;
	/*
	 * mmap offsets from here on name device pages. Set at open and by
	 * SET_USER_MMIO_OFFSET; READ_ONCE/WRITE_ONCE, no lock.
	 */
	u64 user_mmio_offset;
};

static inline struct panthor_device *to_panthor_device(struct drm_device *ddev)
{
	return container_of(ddev, struct panthor_device, base);
}

int panthor_device_init(struct panthor_device *ptdev,
			struct platform_device *pdev);
void panthor_device_unplug(struct panthor_device *ptdev);
void panthor_device_fini(struct panthor_device *ptdev);

int panthor_device_mmap_io(struct panthor_device *ptdev, u64 offset,
			   struct vm_area_struct *vma);

/*
 * Asks for a GPU reset, from any context that may not sleep. Nothing happens if
 * one is already on its way.
 */
void panthor_device_schedule_reset(struct panthor_device *ptdev);

int panthor_request_irq(struct panthor_device *ptdev, const char *name, int irq,
			irq_handler_t is_raised, irq_handler_t handler);
void panthor_free_irq(struct panthor_device *ptdev, int irq);

/* ------------------------------------------------------ register access -- */

static inline u32 gpu_read(struct panthor_device *ptdev, u32 reg)
{
	return readl(ptdev->iomem + reg);
}

static inline void gpu_write(struct panthor_device *ptdev, u32 reg, u32 value)
{
	writel(value, ptdev->iomem + reg);
}

/* For registers that do not change by themselves. Low word first. */
static inline u64 gpu_read64(struct panthor_device *ptdev, u32 reg)
{
	u32 lo = gpu_read(ptdev, reg);

	return lo | (u64)gpu_read(ptdev, reg + 4) << 32;
}

/* Low word first, as the AS registers want it. */
static inline void gpu_write64(struct panthor_device *ptdev, u32 reg, u64 value)
{
	gpu_write(ptdev, reg, lower_32_bits(value));
	gpu_write(ptdev, reg + 4, upper_32_bits(value));
}

/* For counters: the high word must not have moved while the low was read. */
static inline u64 gpu_read64_counter(struct panthor_device *ptdev, u32 reg)
{
	u32 lo, hi0, hi1;

	do {
		hi0 = gpu_read(ptdev, reg + 4);
		lo = gpu_read(ptdev, reg);
		hi1 = gpu_read(ptdev, reg + 4);
	} while (hi0 != hi1);

	return lo | (u64)hi1 << 32;
}

/*
 * Reads register @reg into @val until @cond holds, spinning. 0, or -ETIMEDOUT
 * after @timeout_us; @cond was evaluated once more by then.
 */
#define gpu_read_poll_timeout_atomic(ptdev, reg, val, cond, delay_us,          \
				     timeout_us)                               \
	read_poll_timeout_atomic(gpu_read, val, cond, delay_us, timeout_us,    \
				 false, ptdev, reg)

#endif /* PANTHOR_DEVICE_H */
