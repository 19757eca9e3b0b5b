// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Commands of the GPU control block finish in microseconds, so their end is
 * polled for first, with their interrupt masked: the usual command costs
 * neither a sleep nor an interrupt. Only one that takes longer unmasks its
 * interrupt and sleeps. The line is level triggered: what was raised in between
 * fires as soon as the mask opens, so no completion can be missed.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#ifdef CONFIG_ARM_ARCH_TIMER
#include <clocksource/arm_arch_timer.h>
#endif

#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_gpu.h"
#include "panthor_regs.h"

/* Interrupts that are always wanted. */
#define GPU_INTERRUPTS (GPU_IRQ_FAULT | GPU_IRQ_PROTM_FAULT)

#define GPU_CMD_SPIN_US 20
#define GPU_CMD_TIMEOUT_MS 100

struct panthor_gpu {
	struct panthor_device *ptdev;

	/* One command with a completion to wait for at a time. */
	struct mutex cmd_lock;

	/* Guards int_mask with the register, and acked. */
	spinlock_t irq_lock;
	u32 int_mask;
	/* Completions that the interrupt handler saw and cleared. */
	u32 acked;
	wait_queue_head_t acked_wq;
};

static irqreturn_t panthor_gpu_irq_is_raised(int irq, void *data)
{
	return gpu_read(data, GPU_INT_STAT) ? IRQ_WAKE_THREAD : IRQ_NONE;
}

static irqreturn_t panthor_gpu_irq_handler(int irq, void *data)
{
	struct panthor_device *ptdev = data;
	struct panthor_gpu *gpu = ptdev->gpu;
	u32 status = gpu_read(ptdev, GPU_INT_STAT);
	unsigned long flags;

	if (!status)
		return IRQ_NONE;

	gpu_write(ptdev, GPU_INT_CLEAR, status);

	if (status & GPU_IRQ_FAULT)
		drm_warn(&ptdev->base, "GPU fault 0x%x at 0x%016llx\n",
			 gpu_read(ptdev, GPU_FAULT_STATUS),
			 gpu_read64(ptdev, GPU_FAULT_ADDR));
	if (status & GPU_IRQ_PROTM_FAULT)
		drm_warn(&ptdev->base, "GPU fault in protected mode\n");

	spin_lock_irqsave(&gpu->irq_lock, flags);
	gpu->acked |= status;
	spin_unlock_irqrestore(&gpu->irq_lock, flags);
	wake_up_all(&gpu->acked_wq);

	return IRQ_HANDLED;
}

static void set_int_mask(struct panthor_gpu *gpu, u32 set, u32 clear)
{
	unsigned long flags;

	spin_lock_irqsave(&gpu->irq_lock, flags);
	gpu->int_mask = (gpu->int_mask & ~clear) | set;
	gpu->acked &= ~(set | clear);
	gpu_write(gpu->ptdev, GPU_INT_MASK, gpu->int_mask);
	spin_unlock_irqrestore(&gpu->irq_lock, flags);
}

static bool is_acked(struct panthor_gpu *gpu, u32 event)
{
	unsigned long flags;
	bool acked;

	spin_lock_irqsave(&gpu->irq_lock, flags);
	acked = gpu->acked & event;
	spin_unlock_irqrestore(&gpu->irq_lock, flags);

	return acked;
}

/* The command was issued and did not end soon: sleep until it has. */
static int wait_for_event(struct panthor_gpu *gpu, u32 event)
{
	struct panthor_device *ptdev = gpu->ptdev;
	int ret = 0;

	set_int_mask(gpu, event, 0);

	/* A last look at the register: the interrupt may be late, not the GPU.
	 */
	if (!wait_event_timeout(gpu->acked_wq, is_acked(gpu, event),
				msecs_to_jiffies(GPU_CMD_TIMEOUT_MS)) &&
	    !(gpu_read(ptdev, GPU_INT_RAWSTAT) & event))
		ret = -ETIMEDOUT;

	set_int_mask(gpu, 0, event);

	return ret;
}

/* Issues @cmd, whose end raises interrupt @event, and waits for that end. */
static int run_command(struct panthor_gpu *gpu, u32 cmd, u32 event)
{
	struct panthor_device *ptdev = gpu->ptdev;
	u32 status;
	int ret;

	lockdep_assert_held(&gpu->cmd_lock);

	gpu_write(ptdev, GPU_INT_CLEAR, event);
	gpu_write(ptdev, GPU_CMD, cmd);

	ret = gpu_read_poll_timeout_atomic(ptdev, GPU_INT_RAWSTAT, status,
					   status & event, 1, GPU_CMD_SPIN_US);
	if (ret)
		ret = wait_for_event(gpu, event);

	gpu_write(ptdev, GPU_INT_CLEAR, event);

	return ret;
}

int panthor_gpu_flush_caches(struct panthor_device *ptdev, u32 l2, u32 lsc,
			     u32 other)
{
	struct panthor_gpu *gpu = ptdev->gpu;
	int ret;

	mutex_lock(&gpu->cmd_lock);
	ret = run_command(gpu, GPU_FLUSH_CACHES(l2, lsc, other),
			  GPU_IRQ_CLEAN_CACHES_COMPLETED);
	mutex_unlock(&gpu->cmd_lock);

	if (ret) {
		drm_err(&ptdev->base, "the GPU did not finish a cache flush\n");
		panthor_device_schedule_reset(ptdev);
	}

	return ret;
}

int panthor_gpu_soft_reset(struct panthor_device *ptdev)
{
	struct panthor_gpu *gpu = ptdev->gpu;
	int ret;

	mutex_lock(&gpu->cmd_lock);
	ret = run_command(gpu, GPU_SOFT_RESET, GPU_IRQ_RESET_COMPLETED);
	mutex_unlock(&gpu->cmd_lock);

	if (ret) {
		drm_err(&ptdev->base, "the GPU did not finish a soft reset\n");
		return ret;
	}

	/* Registers are back at their defaults. */
	gpu_write(ptdev, GPU_COHERENCY_PROTOCOL,
		  ptdev->gpu_info.selected_coherency);
	set_int_mask(gpu, GPU_INTERRUPTS, 0);

	return 0;
}

u64 panthor_gpu_timestamp_frequency(void)
{
#ifdef CONFIG_ARM_ARCH_TIMER
	return arch_timer_get_cntfrq();
#else
	return 0;
#endif
}

u64 panthor_gpu_read_timestamp(struct panthor_device *ptdev)
{
	return gpu_read64_counter(ptdev, GPU_TIMESTAMP);
}

u64 panthor_gpu_read_timestamp_offset(struct panthor_device *ptdev)
{
	return gpu_read64(ptdev, GPU_TIMESTAMP_OFFSET);
}

u64 panthor_gpu_read_cycle_count(struct panthor_device *ptdev)
{
	return gpu_read64_counter(ptdev, GPU_CYCLE_COUNT);
}

static void identify(struct panthor_device *ptdev)
{
	struct drm_panthor_gpu_info *info = &ptdev->gpu_info;
	u32 i;

	info->gpu_id = gpu_read(ptdev, GPU_ID);
	info->gpu_rev = gpu_read(ptdev, GPU_REVID);
	info->csf_id = gpu_read(ptdev, GPU_CSF_ID);
	info->l2_features = gpu_read(ptdev, GPU_L2_FEATURES);
	info->tiler_features = gpu_read(ptdev, GPU_TILER_FEATURES);
	info->mem_features = gpu_read(ptdev, GPU_MEM_FEATURES);
	info->mmu_features = gpu_read(ptdev, GPU_MMU_FEATURES);
	info->thread_features = gpu_read(ptdev, GPU_THREAD_FEATURES);
	info->max_threads = gpu_read(ptdev, GPU_THREAD_MAX_THREADS);
	info->thread_max_workgroup_size =
		gpu_read(ptdev, GPU_THREAD_MAX_WORKGROUP_SIZE);
	info->thread_max_barrier_size =
		gpu_read(ptdev, GPU_THREAD_MAX_BARRIER_SIZE);
	info->coherency_features = gpu_read(ptdev, GPU_COHERENCY_FEATURES);
	for (i = 0; i < ARRAY_SIZE(info->texture_features); i++)
		info->texture_features[i] =
			gpu_read(ptdev, GPU_TEXTURE_FEATURES(i));
	info->as_present = gpu_read(ptdev, GPU_AS_PRESENT);
	info->shader_present = gpu_read64(ptdev, GPU_SHADER_PRESENT);
	info->l2_present = gpu_read64(ptdev, GPU_L2_PRESENT);
	info->tiler_present = gpu_read64(ptdev, GPU_TILER_PRESENT);
	info->core_features = gpu_read(ptdev, GPU_CORE_FEATURES);

#if BITS_PER_LONG == 32
	/* A process cannot hold pointers that are wider than its own. */
	if (GPU_MMU_FEATURES_VA_BITS(info->mmu_features) > 32)
		info->mmu_features = (info->mmu_features & ~GENMASK(7, 0)) | 32;
#endif
}

static int select_coherency(struct panthor_device *ptdev)
{
	struct drm_panthor_gpu_info *info = &ptdev->gpu_info;

	if (!ptdev->coherent) {
		info->selected_coherency = GPU_COHERENCY_NONE;
	} else if (info->coherency_features &
		   GPU_COHERENCY_PROT_BIT(ACE_LITE)) {
		info->selected_coherency = GPU_COHERENCY_ACE_LITE;
	} else {
		drm_err(&ptdev->base,
			"the system says that the GPU is coherent, the GPU "
			"does not (features 0x%x)\n",
			info->coherency_features);
		return -EINVAL;
	}

	return 0;
}

/**
 * panthor_gpu_init() - identify the GPU and take its interrupt line
 *
 * Fills in gpu_info, and resets the GPU so that nothing of what ran before is
 * left in it.
 *
 * Return: 0; -ENODEV if no known GPU answers; -EINVAL for an impossible
 * configuration; -ETIMEDOUT; -ENOMEM; what request_threaded_irq() returned.
 */
int panthor_gpu_init(struct panthor_device *ptdev)
{
	struct panthor_gpu *gpu;
	int ret;

	identify(ptdev);
	if (!ptdev->gpu_info.gpu_id ||
	    DRM_PANTHOR_ARCH_MAJOR(ptdev->gpu_info.gpu_id) < 10) {
		drm_err(&ptdev->base, "no GPU with command streams: id 0x%x\n",
			ptdev->gpu_info.gpu_id);
		return -ENODEV;
	}

	ret = select_coherency(ptdev);
	if (ret)
		return ret;

	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return -ENOMEM;

	gpu->ptdev = ptdev;
	mutex_init(&gpu->cmd_lock);
	spin_lock_init(&gpu->irq_lock);
	init_waitqueue_head(&gpu->acked_wq);
	ptdev->gpu = gpu;

	set_int_mask(gpu, 0, 0);
	ret = panthor_request_irq(ptdev, "gpu", ptdev->irqs.gpu,
				  panthor_gpu_irq_is_raised,
				  panthor_gpu_irq_handler);
	if (ret)
		goto err_free;

	ret = panthor_gpu_soft_reset(ptdev);
	if (ret)
		goto err_free_irq;

	drm_info(&ptdev->base,
		 "Mali GPU id 0x%x rev 0x%x, VA %lu bits, PA %lu bits, AS "
		 "0x%x, %s\n",
		 ptdev->gpu_info.gpu_id, ptdev->gpu_info.gpu_rev,
		 GPU_MMU_FEATURES_VA_BITS(ptdev->gpu_info.mmu_features),
		 GPU_MMU_FEATURES_PA_BITS(ptdev->gpu_info.mmu_features),
		 ptdev->gpu_info.as_present,
		 ptdev->coherent ? "coherent" : "not coherent");

	return 0;

err_free_irq:
	set_int_mask(gpu, 0, ~0u);
	panthor_free_irq(ptdev, ptdev->irqs.gpu);
err_free:
	ptdev->gpu = NULL;
	kfree(gpu);
	return ret;
}

/** panthor_gpu_fini() - the inverse; no command may be running */
void panthor_gpu_fini(struct panthor_device *ptdev)
{
	struct panthor_gpu *gpu = ptdev->gpu;

	set_int_mask(gpu, 0, ~0u);
	panthor_free_irq(ptdev, ptdev->irqs.gpu);
	ptdev->gpu = NULL;
	mutex_destroy(&gpu->cmd_lock);
	kfree(gpu);
}
