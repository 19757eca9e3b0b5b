// SPDX-License-Identifier: MIT OR GPL-2.0
/* The life of the firmware: boot, watchdog, reset. */
#include <linux/err.h>
#include <linux/firmware.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_fw_priv.h"
#include "panthor_gpu.h"
#include "panthor_host.h"
#include "panthor_regs.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

#define BOOT_TIMEOUT_MS 1000
#define STOP_TIMEOUT_US (100 * 1000)
#define REQUEST_TIMEOUT_MS 1000

/* GPU cycles without progress after which a stream is taken to be stuck. */
#define PROGRESS_TIMEOUT_CYCLES (5ull * 500 * 1024 * 1024)
/* How long nothing runs before shader cores are switched off. */
#define POWEROFF_HYSTERESIS_US 10000
/* How long nothing runs before the driver is told. */
#define IDLE_HYSTERESIS_US 800
/* Where there is no system counter: that of a GPU at its usual clock. */
#define GPU_CLOCK_HZ 1000000000ull

MODULE_FIRMWARE("arm/mali/arch10.8/mali_csffw.bin");

unsigned int panthor_fw_ping_ms = 12000;
unsigned int panthor_fw_patience = 1;

/* ------------------------------------------------------------ interrupts -- */

static irqreturn_t panthor_job_irq_is_raised(int irq, void *data)
{
	return gpu_read(data, JOB_INT_STAT) ? IRQ_WAKE_THREAD : IRQ_NONE;
}

static irqreturn_t panthor_job_irq_handler(int irq, void *data)
{
	struct panthor_device *ptdev = data;
	struct panthor_fw *fw = ptdev->fw;
	u32 status = gpu_read(ptdev, JOB_INT_STAT);

	if (!status)
		return IRQ_NONE;

	/* Before looking at what firmware wrote, so that no event is lost. */
	gpu_write(ptdev, JOB_INT_CLEAR, status);

	if (status & JOB_INT_GLOBAL_IF)
		WRITE_ONCE(fw->booted, true);
	wake_up_all(&fw->ack_wq);
	panthor_sched_report_fw_events(ptdev, status);

	return IRQ_HANDLED;
}

/* ------------------------------------------------------------------ boot -- */

static int start(struct panthor_fw *fw)
{
	struct panthor_device *ptdev = fw->ptdev;
	u32 status;

	WRITE_ONCE(fw->booted, false);
	gpu_write(ptdev, JOB_INT_CLEAR, ~0u);
	gpu_write(ptdev, JOB_INT_MASK, ~0u);
	gpu_write(ptdev, MCU_CONTROL, MCU_CONTROL_AUTO);

	wait_event_timeout(
		fw->ack_wq, READ_ONCE(fw->booted),
		msecs_to_jiffies(BOOT_TIMEOUT_MS * panthor_fw_patience));

	status = gpu_read(ptdev, MCU_STATUS);
	if (READ_ONCE(fw->booted) && status == MCU_STATUS_ENABLED)
		return 0;

	drm_err(&ptdev->base,
		"the firmware does not boot: status %u, interrupts 0x%x\n",
		status, gpu_read(ptdev, JOB_INT_RAWSTAT));
	return -ETIMEDOUT;
}

/* Afterwards nothing that it ran is at work. */
static void stop(struct panthor_fw *fw)
{
	struct panthor_device *ptdev = fw->ptdev;
	u32 status;

	gpu_write(ptdev, JOB_INT_MASK, 0);
	synchronize_irq(ptdev->irqs.job);

	gpu_write(ptdev, MCU_CONTROL, MCU_CONTROL_DISABLE);
	if (gpu_read_poll_timeout_atomic(ptdev, MCU_STATUS, status,
					 status == MCU_STATUS_DISABLED, 10,
					 STOP_TIMEOUT_US * panthor_fw_patience))
		drm_err(&ptdev->base, "the firmware does not stop\n");
}

/* A time as firmware wants it: in 1024 ticks of whatever clock there is. */
static u32 timer_value(u32 us)
{
	u64 rate = panthor_gpu_timestamp_frequency();
	u32 source = 0;

	if (!rate) {
		rate = GPU_CLOCK_HZ;
		source = GLB_TIMER_SOURCE_GPU_COUNTER;
	}

	return source | GLB_TIMER_VAL((u32)DIV_ROUND_UP_ULL(us * rate,
							    1000000ull << 10));
}

/* Tells booted firmware what it may do, and sees that it listens. */
static int configure(struct panthor_fw *fw)
{
	const u32 toggles = GLB_CFG_ALLOC_EN | GLB_CFG_POWEROFF_TIMER |
			    GLB_CFG_PROGRESS_TIMER;
	const u32 levels = GLB_COUNTER_EN | GLB_IDLE_EN;
	struct panthor_device *ptdev = fw->ptdev;
	struct panthor_fw_global_iface *glb = &fw->glb;
	u32 acked;
	int ret;

	WRITE_ONCE(glb->input->core_en_mask, ptdev->gpu_info.shader_present);
	WRITE_ONCE(glb->input->progress_timer, PROGRESS_TIMEOUT_CYCLES >> 10);
	WRITE_ONCE(glb->input->poweroff_timer,
		   timer_value(POWEROFF_HYSTERESIS_US));
	WRITE_ONCE(glb->input->idle_timer, timer_value(IDLE_HYSTERESIS_US));

	panthor_fw_update_reqs(glb, ack_irq_mask,
			       toggles | levels | GLB_PING | GLB_IDLE_EVENT,
			       ~0u);
	panthor_fw_update_reqs(glb, req, levels, levels);
	panthor_fw_toggle_reqs(glb, req, ack, toggles);
	gpu_write(ptdev, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);

	ret = panthor_fw_glb_wait_acks(ptdev, toggles | levels, &acked,
				       REQUEST_TIMEOUT_MS);
	if (ret)
		drm_err(&ptdev->base,
			"the firmware does not take its configuration: 0x%x of "
			"0x%x\n",
			acked, toggles | levels);

	return ret;
}

/* -------------------------------------------------------------- watchdog -- */

static void arm_watchdog(struct panthor_fw *fw)
{
	mod_delayed_work(fw->ptdev->reset.wq, &fw->ping_work,
			 msecs_to_jiffies(panthor_fw_ping_ms));
}

static void ping_work(struct work_struct *work)
{
	struct panthor_fw *fw =
		container_of(work, struct panthor_fw, ping_work.work);
	struct panthor_device *ptdev = fw->ptdev;
	u32 acked;

	panthor_fw_toggle_reqs(&fw->glb, req, ack, GLB_PING);
	gpu_write(ptdev, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);

	if (panthor_fw_glb_wait_acks(ptdev, GLB_PING, &acked,
				     REQUEST_TIMEOUT_MS)) {
		drm_err(&ptdev->base, "the firmware does not answer\n");
		panthor_device_schedule_reset(ptdev);
		return;
	}

	arm_watchdog(fw);
}

/* ----------------------------------------------------------------- reset -- */

static int boot(struct panthor_fw *fw)
{
	int ret;

	ret = start(fw);
	if (!ret)
		ret = panthor_fw_discover(fw);
	if (!ret)
		ret = configure(fw);
	if (!ret)
		arm_watchdog(fw);

	return ret;
}

/**
 * panthor_fw_pre_reset() - stop the firmware, if it still listens
 *
 * On the device's reset queue, before the MMU half stops. Requests get no
 * answer from here on; who waits for one times out.
 */
void panthor_fw_pre_reset(struct panthor_device *ptdev)
{
	cancel_delayed_work_sync(&ptdev->fw->ping_work);
	stop(ptdev->fw);
}

/**
 * panthor_fw_post_reset() - boot the firmware again, from its file
 *
 * After the MMU half has given it its address space back. All that the driver
 * had written to interfaces is forgotten.
 *
 * Return: 0; -ETIMEDOUT or -EINVAL if firmware does not come up as before.
 */
int panthor_fw_post_reset(struct panthor_device *ptdev)
{
	panthor_fw_reload(ptdev->fw);
	return boot(ptdev->fw);
}

/* ------------------------------------------------------------------ life -- */

/** panthor_fw_vm() - the address space of the firmware, in slot 0 */
struct panthor_vm *panthor_fw_vm(struct panthor_device *ptdev)
{
	return ptdev->fw->vm;
}

static void init_ifaces(struct panthor_fw *fw)
{
	u32 csg, cs;

	spin_lock_init(&fw->glb.lock);
	for (csg = 0; csg < PANTHOR_FW_MAX_CSGS; csg++) {
		spin_lock_init(&fw->csgs[csg].lock);
		for (cs = 0; cs < PANTHOR_FW_MAX_CS_PER_CSG; cs++)
			spin_lock_init(&fw->streams[csg][cs].lock);
	}
}

static int create_vm(struct panthor_fw *fw)
{
	int ret;

	fw->vm = panthor_vm_create_mcu(fw->ptdev, PANTHOR_FW_SHARED_START,
				       PANTHOR_FW_SHARED_END);
	if (IS_ERR(fw->vm))
		return PTR_ERR(fw->vm);

	/* For as long as there is firmware. */
	ret = panthor_vm_active(fw->vm);
	if (ret < 0) {
		panthor_vm_put(fw->vm);
		return ret;
	}

	return 0;
}

static void destroy_vm(struct panthor_fw *fw)
{
	panthor_vm_idle(fw->vm);
	panthor_vm_destroy(fw->vm);
	panthor_vm_put(fw->vm);
}

/**
 * panthor_fw_init() - load and boot the firmware
 *
 * Fills in csif_info. The MMU half is up.
 *
 * Return: 0; what request_firmware() gave; -EINVAL for a bad image or
 * interface; -ETIMEDOUT if it does not boot; -ENOMEM; what
 * panthor_request_irq() gave.
 */
int panthor_fw_init(struct panthor_device *ptdev)
{
	struct panthor_fw *fw;
	int ret;

	fw = kvzalloc(sizeof(*fw), GFP_KERNEL);
	if (!fw)
		return -ENOMEM;

	fw->ptdev = ptdev;
	init_waitqueue_head(&fw->ack_wq);
	INIT_DELAYED_WORK(&fw->ping_work, ping_work);
	init_ifaces(fw);
	ptdev->fw = fw;

	ret = create_vm(fw);
	if (ret)
		goto err_free;

	ret = panthor_fw_load(fw);
	if (ret)
		goto err_unload;

	gpu_write(ptdev, JOB_INT_MASK, 0);
	ret = panthor_request_irq(ptdev, "job", ptdev->irqs.job,
				  panthor_job_irq_is_raised,
				  panthor_job_irq_handler);
	if (ret)
		goto err_unload;

	ret = boot(fw);
	if (ret)
		goto err_stop;

	return 0;

err_stop:
	stop(fw);
	panthor_free_irq(ptdev, ptdev->irqs.job);
err_unload:
	panthor_fw_unload(fw);
	destroy_vm(fw);
err_free:
	ptdev->fw = NULL;
	kvfree(fw);
	return ret;
}

/**
 * panthor_fw_unplug() - the inverse
 *
 * Nobody has memory in the firmware's VM any more, and no reset runs.
 */
void panthor_fw_unplug(struct panthor_device *ptdev)
{
	struct panthor_fw *fw = ptdev->fw;

	cancel_delayed_work_sync(&fw->ping_work);
	stop(fw);
	panthor_free_irq(ptdev, ptdev->irqs.job);
	panthor_fw_unload(fw);
	destroy_vm(fw);
	ptdev->fw = NULL;
	kvfree(fw);
}
