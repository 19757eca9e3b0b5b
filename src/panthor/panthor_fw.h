/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The firmware: a microcontroller (MCU) inside the GPU that schedules command
 * streams, booted by the driver from an image, in an address space of its own
 * (slot 0). What is shared with it is described in panthor_fw_iface.h.
 *
 * Locking: panthor_fw_*_iface::lock guards the writes of its input block, so
 * that requests can be made from several threads; use the two macros below, or
 * hold it. Control blocks do not change after boot. Output blocks belong to the
 * firmware. All functions may sleep unless said otherwise.
 */
#ifndef PANTHOR_FW_H
#define PANTHOR_FW_H

#include <linux/compiler.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "panthor_fw_iface.h"

struct panthor_device;
struct panthor_kernel_bo;
struct panthor_vm;

/* What the driver can use; architecture 10 has no more. */
#define PANTHOR_FW_MAX_CSGS 31
#define PANTHOR_FW_MAX_CS_PER_CSG 32

/* Bit of panthor_fw events that is not a CSG's: the device's interface. */
#define PANTHOR_FW_EVENT_GLB BIT(31)

struct panthor_fw_global_iface {
	const struct panthor_fw_global_control_iface *control;
	struct panthor_fw_global_input_iface *input;
	const struct panthor_fw_global_output_iface *output;
	spinlock_t lock;
};

struct panthor_fw_csg_iface {
	const struct panthor_fw_csg_control_iface *control;
	struct panthor_fw_csg_input_iface *input;
	const struct panthor_fw_csg_output_iface *output;
	/* As the control block has them, which goes while a reset loads it. */
	u32 suspend_size, protm_suspend_size;
	spinlock_t lock;
};

struct panthor_fw_cs_iface {
	const struct panthor_fw_cs_control_iface *control;
	struct panthor_fw_cs_input_iface *input;
	const struct panthor_fw_cs_output_iface *output;
	spinlock_t lock;
};

/* Bits of @in in @mask become what @value has there. */
static inline void panthor_fw_update_word(spinlock_t *lock, u32 *in, u32 value,
					  u32 mask)
{
	spin_lock(lock);
	WRITE_ONCE(*in, (READ_ONCE(*in) & ~mask) | (value & mask));
	spin_unlock(lock);
}

/* Bits of @in in @mask become the opposite of what @out has there. */
static inline void panthor_fw_toggle_word(spinlock_t *lock, u32 *in,
					  const u32 *out, u32 mask)
{
	spin_lock(lock);
	WRITE_ONCE(*in, (READ_ONCE(*in) & ~mask) | (~READ_ONCE(*out) & mask));
	spin_unlock(lock);
}

/* Requests by level: sets @mask of input @in_reg to @val. */
#define panthor_fw_update_reqs(iface, in_reg, val, mask)                       \
	panthor_fw_update_word(&(iface)->lock, &(iface)->input->in_reg, val,   \
			       mask)

/* Requests by edge: makes @mask of @in_reg differ from output @out_reg. */
#define panthor_fw_toggle_reqs(iface, in_reg, out_reg, mask)                   \
	panthor_fw_toggle_word(&(iface)->lock, &(iface)->input->in_reg,        \
			       &(iface)->output->out_reg, mask)

/*
 * Module parameter: how often the watchdog asks whether firmware is alive, in
 * milliseconds. Read when the device is probed or reset, and after each answer.
 */
extern unsigned int panthor_fw_ping_ms;

int panthor_fw_init(struct panthor_device *ptdev);
void panthor_fw_unplug(struct panthor_device *ptdev);
void panthor_fw_pre_reset(struct panthor_device *ptdev);
int panthor_fw_post_reset(struct panthor_device *ptdev);

struct panthor_vm *panthor_fw_vm(struct panthor_device *ptdev);

/* @csg and @cs are below the numbers of csif_info. Never NULL. */
struct panthor_fw_global_iface *
panthor_fw_get_glb_iface(struct panthor_device *ptdev);
struct panthor_fw_csg_iface *
panthor_fw_get_csg_iface(struct panthor_device *ptdev, u32 csg);
struct panthor_fw_cs_iface *
panthor_fw_get_cs_iface(struct panthor_device *ptdev, u32 csg, u32 cs);

int panthor_fw_csg_wait_acks(struct panthor_device *ptdev, u32 csg, u32 mask,
			     u32 *acked, u32 timeout_ms);
int panthor_fw_glb_wait_acks(struct panthor_device *ptdev, u32 mask, u32 *acked,
			     u32 timeout_ms);
void panthor_fw_ring_csg_doorbells(struct panthor_device *ptdev, u32 csg_mask);

struct panthor_kernel_bo *panthor_fw_alloc_queue_iface_mem(
	struct panthor_device *ptdev,
	struct panthor_fw_ringbuf_input_iface **input,
	const struct panthor_fw_ringbuf_output_iface **output, u32 *input_fw_va,
	u32 *output_fw_va);
struct panthor_kernel_bo *
panthor_fw_alloc_suspend_buf_mem(struct panthor_device *ptdev, size_t size);

#endif /* PANTHOR_FW_H */
