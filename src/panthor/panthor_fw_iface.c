// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Finding the interface blocks, and talking through them. What firmware reports
 * is checked before it is used: a VA names a place in the shared section, where
 * the whole block fits, or it is refused.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/jiffies.h>

#include <drm/drm_print.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_fw_priv.h"
#include "panthor_host.h"
#include "panthor_kernel_bo.h"
#include "panthor_regs.h"

/* Registers at the end of a stream's file that jobs do not preserve. */
#define UNPRESERVED_CS_REGS 4

/* Bytes of a ring buffer's interface: one page for each direction. */
#define QUEUE_IFACE_OUTPUT SZ_4K
#define QUEUE_IFACE_SIZE SZ_8K

static_assert(offsetof(struct panthor_fw_global_input_iface, idle_timer) ==
	      0x80);
static_assert(offsetof(struct panthor_fw_csg_input_iface, config) == 0x50);
static_assert(offsetof(struct panthor_fw_csg_output_iface, resource_dep) ==
	      0x1c);
static_assert(offsetof(struct panthor_fw_cs_input_iface, instrbuf_offset_ptr) ==
	      0x50);
static_assert(offsetof(struct panthor_fw_cs_output_iface, fault) == 0x80);
static_assert(offsetof(struct panthor_fw_cs_output_iface, heap_address) ==
	      0xd0);

#define reject(fw, fmt, ...)                                                   \
	({                                                                     \
		drm_err(&(fw)->ptdev->base, "firmware interface: " fmt "\n",   \
			##__VA_ARGS__);                                        \
		-EINVAL;                                                       \
	})

/* ------------------------------------------------------------- discovery -- */

/*
 * The CPU's view of @size_B bytes at @va, in *@cpu. After a reset, which finds
 * it set already: checks that firmware put the block where it was.
 */
static int find_block(struct panthor_fw *fw, const char *what, u64 va,
		      size_t size_B, size_t align, void **cpu)
{
	u32 shared = fw->image.shared;
	const struct panthor_fw_section *section = &fw->image.sections[shared];
	void *found;

	if (va < section->va || va - section->va > section->size - size_B ||
	    !IS_ALIGNED(va, align))
		return reject(fw, "%s of %zu bytes at 0x%llx", what, size_B,
			      va);

	found = fw->sections[shared]->kmap + (va - section->va);
	if (!*cpu)
		*cpu = found;

	return *cpu == found ? 0 : reject(fw, "%s has moved", what);
}

/* find_block() for a pointer of any type. */
#define FIND(fw, what, va, pointer)                                            \
	find_block(fw, what, va, sizeof(*(pointer)), __alignof__(*(pointer)),  \
		   (void **)&(pointer))

static int find_stream(struct panthor_fw *fw, u32 csg, u32 cs, u64 csg_va)
{
	struct panthor_fw_cs_iface *iface = &fw->streams[csg][cs];
	u32 stride = READ_ONCE(fw->csgs[csg].control->stream_stride);
	u32 features;
	int ret;

	ret = FIND(fw, "a stream's control block",
		   csg_va + CS_CONTROL_OFFSET + (u64)cs * stride,
		   iface->control);
	if (ret)
		return ret;

	ret = FIND(fw, "a stream's input", READ_ONCE(iface->control->input_va),
		   iface->input);
	if (!ret)
		ret = FIND(fw, "a stream's output",
			   READ_ONCE(iface->control->output_va), iface->output);
	if (ret)
		return ret;

	features = READ_ONCE(iface->control->features);
	if (CS_FEATURES_WORK_REGS(features) <= UNPRESERVED_CS_REGS ||
	    features != READ_ONCE(fw->streams[0][0].control->features))
		return reject(fw, "features 0x%x of stream %u of group %u",
			      features, cs, csg);

	return 0;
}

static int find_group(struct panthor_fw *fw, u32 csg, bool first)
{
	struct panthor_fw_csg_iface *iface = &fw->csgs[csg];
	u32 stride = READ_ONCE(fw->glb.control->group_stride);
	u64 va = PANTHOR_FW_SHARED_START + CSG_CONTROL_OFFSET +
		 (u64)csg * stride;
	u32 count, suspend_size, protm_suspend_size, cs;
	int ret;

	ret = FIND(fw, "a group's control block", va, iface->control);
	if (ret)
		return ret;

	ret = FIND(fw, "a group's input", READ_ONCE(iface->control->input_va),
		   iface->input);
	if (!ret)
		ret = FIND(fw, "a group's output",
			   READ_ONCE(iface->control->output_va), iface->output);
	if (ret)
		return ret;

	count = READ_ONCE(iface->control->stream_num);
	if (!count || count > PANTHOR_FW_MAX_CS_PER_CSG ||
	    (fw->cs_count && count != fw->cs_count))
		return reject(fw, "%u streams in group %u", count, csg);

	suspend_size = READ_ONCE(iface->control->suspend_size);
	protm_suspend_size = READ_ONCE(iface->control->protm_suspend_size);
	if (fw->cs_count &&
	    (suspend_size != fw->csgs[0].suspend_size ||
	     protm_suspend_size != fw->csgs[0].protm_suspend_size))
		return reject(fw, "suspend buffers of group %u differ", csg);

	fw->cs_count = count;
	/* Others read these, later on. */
	if (first) {
		iface->suspend_size = suspend_size;
		iface->protm_suspend_size = protm_suspend_size;
	}

	for (cs = 0; !ret && cs < count; cs++)
		ret = find_stream(fw, csg, cs, va);

	return ret;
}

static void fill_csif_info(struct panthor_fw *fw)
{
	u32 features = READ_ONCE(fw->streams[0][0].control->features);

	fw->ptdev->csif_info = (struct drm_panthor_csif_info){
		.csg_slot_count = fw->csg_count,
		.cs_slot_count = fw->cs_count,
		.cs_reg_count = CS_FEATURES_WORK_REGS(features),
		.scoreboard_slot_count = CS_FEATURES_SCOREBOARDS(features),
		.unpreserved_cs_reg_count = UNPRESERVED_CS_REGS,
	};
}

/**
 * panthor_fw_discover() - find the interface of firmware that has booted
 *
 * The first time also fills in csif_info. After a reset nothing may differ,
 * since others hold what was found.
 *
 * Return: 0, or -EINVAL if firmware reports something impossible.
 */
int panthor_fw_discover(struct panthor_fw *fw)
{
	bool first = !fw->csg_count;
	u32 version, count, csg;
	int ret;

	ret = FIND(fw, "the control block", PANTHOR_FW_SHARED_START,
		   fw->glb.control);
	if (ret)
		return ret;

	version = READ_ONCE(fw->glb.control->version);
	if (!version)
		return reject(fw, "version 0: it has not begun to work");

	ret = FIND(fw, "the input", READ_ONCE(fw->glb.control->input_va),
		   fw->glb.input);
	if (!ret)
		ret = FIND(fw, "the output",
			   READ_ONCE(fw->glb.control->output_va),
			   fw->glb.output);
	if (ret)
		return ret;

	count = READ_ONCE(fw->glb.control->group_num);
	if (!count || count > PANTHOR_FW_MAX_CSGS ||
	    (!first && count != fw->csg_count))
		return reject(fw, "%u groups", count);
	fw->csg_count = count;

	for (csg = 0; !ret && csg < count; csg++)
		ret = find_group(fw, csg, first);
	if (ret || !first)
		return ret;

	fill_csif_info(fw);
	drm_info(&fw->ptdev->base,
		 "firmware interface %u.%u.%u, %u groups of %u streams\n",
		 GLB_VERSION_MAJOR(version), GLB_VERSION_MINOR(version),
		 GLB_VERSION_PATCH(version), fw->csg_count, fw->cs_count);
	return 0;
}

/** panthor_fw_get_glb_iface() - the device's interface */
struct panthor_fw_global_iface *
panthor_fw_get_glb_iface(struct panthor_device *ptdev)
{
	return &ptdev->fw->glb;
}

/** panthor_fw_get_csg_iface() - the interface of a group slot */
struct panthor_fw_csg_iface *
panthor_fw_get_csg_iface(struct panthor_device *ptdev, u32 csg)
{
	return &ptdev->fw->csgs[csg];
}

/** panthor_fw_get_cs_iface() - the interface of a stream of a group slot */
struct panthor_fw_cs_iface *
panthor_fw_get_cs_iface(struct panthor_device *ptdev, u32 csg, u32 cs)
{
	return &ptdev->fw->streams[csg][cs];
}

/* -------------------------------------------------------------- requests -- */

static u32 acked_of(const u32 *req, const u32 *ack, u32 mask)
{
	return mask & ~(READ_ONCE(*req) ^ READ_ONCE(*ack));
}

static int wait_acks(struct panthor_fw *fw, const u32 *req, const u32 *ack,
		     u32 mask, u32 *acked, u32 timeout_ms)
{
	/* A last look on timeout is part of the macro. */
	wait_event_timeout(fw->ack_wq, acked_of(req, ack, mask) == mask,
			   msecs_to_jiffies(timeout_ms * panthor_fw_patience));
	*acked = acked_of(req, ack, mask);

	return *acked == mask ? 0 : -ETIMEDOUT;
}

/**
 * panthor_fw_csg_wait_acks() - wait until a group's requests are carried out
 * @ptdev: the device
 * @csg: the slot
 * @mask: bits of req, all of which are in ack_irq_mask too
 * @acked: those that are equal in req and ack at the end
 * @timeout_ms: how long, times panthor_fw_patience
 *
 * Return: 0 if all are, else -ETIMEDOUT.
 */
int panthor_fw_csg_wait_acks(struct panthor_device *ptdev, u32 csg, u32 mask,
			     u32 *acked, u32 timeout_ms)
{
	const struct panthor_fw_csg_iface *iface = &ptdev->fw->csgs[csg];

	return wait_acks(ptdev->fw, &iface->input->req, &iface->output->ack,
			 mask, acked, timeout_ms);
}

/** panthor_fw_glb_wait_acks() - the same for requests to the device */
int panthor_fw_glb_wait_acks(struct panthor_device *ptdev, u32 mask, u32 *acked,
			     u32 timeout_ms)
{
	const struct panthor_fw_global_iface *iface = &ptdev->fw->glb;

	return wait_acks(ptdev->fw, &iface->input->req, &iface->output->ack,
			 mask, acked, timeout_ms);
}

/**
 * panthor_fw_ring_csg_doorbells() - have firmware look at groups' requests
 * @ptdev: the device
 * @csg_mask: bit n: slot n
 *
 * Does not sleep.
 */
void panthor_fw_ring_csg_doorbells(struct panthor_device *ptdev, u32 csg_mask)
{
	panthor_fw_toggle_reqs(&ptdev->fw->glb, doorbell_req, doorbell_ack,
			       csg_mask);
	gpu_write(ptdev, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
}

/* ---------------------------------------------------------------- memory -- */

/**
 * panthor_fw_alloc_queue_iface_mem() - memory for a ring buffer's positions
 * @ptdev: the device
 * @input: the CPU's view of what the driver writes
 * @output: and of what firmware writes
 * @input_fw_va: firmware's view of the same, for the stream's input block
 * @output_fw_va: likewise
 *
 * Return: the memory, zeroed, for panthor_kernel_bo_destroy() once firmware
 * does not use it any more, or an ERR_PTR.
 */
struct panthor_kernel_bo *panthor_fw_alloc_queue_iface_mem(
	struct panthor_device *ptdev,
	struct panthor_fw_ringbuf_input_iface **input,
	const struct panthor_fw_ringbuf_output_iface **output, u32 *input_fw_va,
	u32 *output_fw_va)
{
	struct panthor_kernel_bo *kbo;
	int ret;

	kbo = panthor_kernel_bo_create(
		ptdev, ptdev->fw->vm, QUEUE_IFACE_SIZE, DRM_PANTHOR_BO_NO_MMAP,
		DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED,
		PANTHOR_VM_KERNEL_AUTO_VA, "queue interface");
	if (IS_ERR(kbo))
		return kbo;

	ret = panthor_kernel_bo_vmap(kbo);
	if (ret) {
		panthor_kernel_bo_destroy(kbo);
		return ERR_PTR(ret);
	}

	*input = kbo->kmap;
	*output = kbo->kmap + QUEUE_IFACE_OUTPUT;
	*input_fw_va = kbo->va;
	*output_fw_va = kbo->va + QUEUE_IFACE_OUTPUT;
	return kbo;
}

/**
 * panthor_fw_alloc_suspend_buf_mem() - memory for the state of a group
 * @ptdev: the device
 * @size: bytes: suspend_size or protm_suspend_size of the group's interface
 *
 * Return: as panthor_fw_alloc_queue_iface_mem(); not mapped for the CPU.
 */
struct panthor_kernel_bo *
panthor_fw_alloc_suspend_buf_mem(struct panthor_device *ptdev, size_t size)
{
	return panthor_kernel_bo_create(
		ptdev, ptdev->fw->vm, size, DRM_PANTHOR_BO_NO_MMAP,
		DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, PANTHOR_VM_KERNEL_AUTO_VA,
		"suspend buffer");
}
