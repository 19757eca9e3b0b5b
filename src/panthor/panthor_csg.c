// SPDX-License-Identifier: MIT OR GPL-2.0
/* A group in a slot of the firmware: putting it there, its events. */
#include <linux/bitops.h>
#include <linux/io.h>
#include <linux/jiffies.h>

#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_group.h"
#include "panthor_kernel_bo.h"
#include "panthor_regs.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

#define CS_EXCEPTION_BUS_FAULT 0x48
#define ALL_CS_IDLE_REASONS (CS_IDLE_EMPTY | CS_IDLE_SYNC_WAIT)

/* ---------------------------------------------------------- in and out -----
 */

static void program_stream(struct panthor_scheduler *sched, u32 slot, u32 index)
{
	struct panthor_group *group = sched->slots[slot];
	struct panthor_fw_cs_iface *cs =
		panthor_fw_get_cs_iface(sched->ptdev, slot, index);
	struct panthor_queue *queue = &group->queues[index];
	struct panthor_fw_cs_input_iface *input = cs->input;

	WRITE_ONCE(queue->input->extract, READ_ONCE(queue->output->extract));

	WRITE_ONCE(input->ringbuf_base, queue->ringbuf->va);
	WRITE_ONCE(input->ringbuf_size, queue->ringbuf->size);
	WRITE_ONCE(input->ringbuf_input, queue->input_fw_va);
	WRITE_ONCE(input->ringbuf_output, queue->output_fw_va);
	WRITE_ONCE(input->config, CS_CONFIG_PRIORITY(queue->priority) |
					  CS_CONFIG_DOORBELL(slot + 1));
	WRITE_ONCE(input->ack_irq_mask, ~0u);
	panthor_fw_update_reqs(cs, req, READ_ONCE(cs->output->ack),
			       CS_EVT_MASK);
	panthor_fw_update_reqs(cs, req, CS_STATE_START | ALL_CS_IDLE_REASONS,
			       CS_STATE_MASK | ALL_CS_IDLE_REASONS);
	queue->wait.blocked = false;
}

static void program_group(struct panthor_scheduler *sched, u32 slot, int as)
{
	struct panthor_group *group = sched->slots[slot];
	struct panthor_fw_csg_iface *csg =
		panthor_fw_get_csg_iface(sched->ptdev, slot);
	struct panthor_fw_csg_input_iface *input = csg->input;
	u32 i;

	for (i = 0; i < group->queue_count; i++)
		program_stream(sched, slot, i);

	WRITE_ONCE(input->allow_compute, group->compute_core_mask);
	WRITE_ONCE(input->allow_fragment, group->fragment_core_mask);
	WRITE_ONCE(input->allow_other, (u32)group->tiler_core_mask);
	WRITE_ONCE(input->endpoint_req,
		   CSG_EP_REQ_COMPUTE(group->max_compute_cores) |
			   CSG_EP_REQ_FRAGMENT(group->max_fragment_cores) |
			   CSG_EP_REQ_TILER(group->max_tiler_cores) |
			   CSG_EP_REQ_PRIORITY(group->priority * 5));
	WRITE_ONCE(input->config, CSG_CONFIG_AS(as));
	WRITE_ONCE(input->suspend_buf, group->suspend_buf->va);
	WRITE_ONCE(input->protm_suspend_buf, group->protm_suspend_buf->va);
	WRITE_ONCE(input->cs_irq_ack, READ_ONCE(csg->output->cs_irq_req));
	WRITE_ONCE(input->ack_irq_mask, ~0u);

	panthor_fw_update_reqs(csg, req, READ_ONCE(csg->output->ack),
			       CSG_EVT_MASK);
	panthor_fw_toggle_reqs(csg, req, ack, CSG_ENDPOINT_CONFIG);
	panthor_fw_toggle_reqs(csg, doorbell_req, doorbell_ack,
			       GENMASK(group->queue_count - 1, 0));
}

/**
 * panthor_csg_bind() - put a group into a free slot
 *
 * The firmware is to be told with panthor_csg_request() START, or RESUME if the
 * group was suspended.
 *
 * Return: 0, or what panthor_vm_active() returned.
 */
int panthor_csg_bind(struct panthor_scheduler *sched, u32 slot,
		     struct panthor_group *group)
{
	int as;

	lockdep_assert_held(&sched->lock);

	as = panthor_vm_active(group->vm);
	if (as < 0)
		return as;

	sched->slots[slot] = panthor_group_get(group);
	group->slot = slot;
	group->slot_since = sched->tick;
	group->idle = false;
	program_group(sched, slot, as);
	return 0;
}

/** panthor_csg_request() - CSG_STATE_*; the doorbell is still to be rung */
void panthor_csg_request(struct panthor_scheduler *sched, u32 slot, u32 state)
{
	struct panthor_fw_csg_iface *csg =
		panthor_fw_get_csg_iface(sched->ptdev, slot);

	panthor_fw_update_reqs(csg, req, state, CSG_STATE_MASK);
}

/* What a stream was at when the firmware looked at it last. */
static void read_wait(struct panthor_scheduler *sched, u32 slot, u32 index,
		      struct panthor_sync_wait *wait)
{
	const struct panthor_fw_cs_output_iface *out =
		panthor_fw_get_cs_iface(sched->ptdev, slot, index)->output;
	u32 status = READ_ONCE(out->status_wait);

	*wait = (struct panthor_sync_wait){
		.blocked = READ_ONCE(out->status_blocked_reason) ==
			   CS_STATUS_BLOCKED_REASON_SYNC_WAIT,
		.is_64 = status & CS_STATUS_WAIT_SYNC_64B,
		.is_greater = CS_STATUS_WAIT_SYNC_COND(status) ==
			      CS_STATUS_WAIT_SYNC_COND_GT,
		.va = READ_ONCE(out->status_wait_sync_ptr),
		.ref = READ_ONCE(out->status_wait_sync_value),
	};
	if (wait->is_64)
		wait->ref |= (u64)READ_ONCE(out->status_wait_sync_value_hi)
			     << 32;
}

/* Where a group goes that is suspended: to those with work, blocked, or idle.
 */
static void park(struct panthor_scheduler *sched, u32 slot,
		 struct panthor_group *group)
{
	bool runnable = false, blocked = false;
	u32 i;

	for (i = 0; i < group->queue_count; i++) {
		struct panthor_queue *queue = &group->queues[i];

		if (panthor_queue_is_empty(queue))
			continue;
		read_wait(sched, slot, i, &queue->wait);
		if (queue->wait.blocked)
			blocked = true;
		else
			runnable = true;
	}

	if (runnable) {
		group->is_runnable = true;
		group->wait_since = jiffies;
		list_add_tail(&group->run_node,
			      &sched->runnable[group->priority]);
	} else if (blocked) {
		list_add_tail(&group->run_node, &sched->blocked);
		panthor_group_queue_wait_work(group);
	}
}

/**
 * panthor_csg_unbind() - take a group out of its slot
 * @sched: the scheduler
 * @slot: the slot; nothing runs in it any more
 * @suspended: the group can be resumed; otherwise it is dead
 */
void panthor_csg_unbind(struct panthor_scheduler *sched, u32 slot,
			bool suspended)
{
	struct panthor_group *group = sched->slots[slot];
	u32 i;

	lockdep_assert_held(&sched->lock);

	sched->slots[slot] = NULL;
	group->slot = -1;
	group->suspended = suspended;
	panthor_vm_idle(group->vm);

	if (suspended && !group->killed)
		park(sched, slot, group);

	for (i = 0; i < group->queue_count; i++)
		panthor_fw_update_reqs(
			panthor_fw_get_cs_iface(sched->ptdev, slot, i), req,
			CS_STATE_STOP, CS_STATE_MASK);

	if (!suspended || group->killed) {
		WRITE_ONCE(group->killed, true);
		WRITE_ONCE(group->dead, true);
		panthor_group_queue_work(group);
	}
	panthor_group_put(group);
}

/** panthor_csg_is_idle() - has nothing in a slot anything to do? */
bool panthor_csg_is_idle(struct panthor_scheduler *sched, u32 slot)
{
	struct panthor_group *group = sched->slots[slot];
	struct panthor_sync_wait wait;
	u32 i;

	for (i = 0; i < group->queue_count; i++) {
		if (panthor_queue_is_empty(&group->queues[i]))
			continue;
		read_wait(sched, slot, i, &wait);
		if (!wait.blocked)
			return false;
	}

	return true;
}

/* ---------------------------------------------------------------- events ---
 */

static const char *exception_name(u32 type)
{
	switch (type) {
	case CS_EXCEPTION_BUS_FAULT:
		return "a memory access failed";
	case 0x49:
		return "not an instruction";
	case 0x4a:
		return "too many nested calls";
	case 0x4b:
		return "a failed job was waited for";
	default:
		return "unknown reason";
	}
}

static void process_fatal(struct panthor_scheduler *sched, u32 slot, u32 index)
{
	struct panthor_group *group = sched->slots[slot];
	const struct panthor_fw_cs_output_iface *out =
		panthor_fw_get_cs_iface(sched->ptdev, slot, index)->output;
	u32 type = CS_EXCEPTION_TYPE(READ_ONCE(out->fatal));

	/* The MMU tells of its faults itself, and knows more. */
	if (type != CS_EXCEPTION_BUS_FAULT)
		drm_err(&sched->ptdev->base,
			"group in slot %u is lost: queue %u, exception 0x%02x "
			"(%s) at VA 0x%012llx\n",
			slot, index, type, exception_name(type),
			READ_ONCE(out->fatal_info));

	group->fatal_queues |= BIT(index);
	panthor_sched_kill_locked(sched, group);
}

static void process_fault(struct panthor_scheduler *sched, u32 slot, u32 index)
{
	struct panthor_group *group = sched->slots[slot];
	const struct panthor_fw_cs_output_iface *out =
		panthor_fw_get_cs_iface(sched->ptdev, slot, index)->output;
	u32 type = CS_EXCEPTION_TYPE(READ_ONCE(out->fault));

	drm_warn(&sched->ptdev->base,
		 "a job of the group in slot %u failed: queue %u, exception "
		 "0x%02x (%s) at VA 0x%012llx\n",
		 slot, index, type, exception_name(type),
		 READ_ONCE(out->fault_info));
	panthor_queue_set_fault(&group->queues[index]);
}

static void process_stream(struct panthor_scheduler *sched, u32 slot, u32 index)
{
	struct panthor_fw_cs_iface *cs =
		panthor_fw_get_cs_iface(sched->ptdev, slot, index);
	u32 ack = READ_ONCE(cs->output->ack);
	u32 events = (READ_ONCE(cs->input->req) ^ ack) & CS_EVT_MASK;

	if (index < sched->slots[slot]->queue_count) {
		if (events & CS_FAULT)
			process_fault(sched, slot, index);
		if (events & CS_FATAL)
			process_fatal(sched, slot, index);
	}
	/* This one is acknowledged with the answer. */
	if (events & CS_TILER_OOM)
		panthor_group_queue_oom_work(sched->slots[slot]);
	panthor_fw_update_reqs(cs, req, ack, events & ~CS_TILER_OOM);
}

/* The interface of a stream whose tiler waits for memory, or NULL. */
static struct panthor_fw_cs_iface *find_oom(struct panthor_scheduler *sched,
					    struct panthor_group *group,
					    u32 index)
{
	struct panthor_fw_cs_iface *cs;

	if (sched->stopped || group->killed || group->slot < 0)
		return NULL;

	cs = panthor_fw_get_cs_iface(sched->ptdev, group->slot, index);
	if (!((READ_ONCE(cs->input->req) ^ READ_ONCE(cs->output->ack)) &
	      CS_TILER_OOM))
		return NULL;

	return cs;
}

/**
 * panthor_csg_get_oom() - what heap does a stream want memory for?
 *
 * A group that is not resident will ask again when it is.
 *
 * Return: whether it wants any, and may have it.
 */
bool panthor_csg_get_oom(struct panthor_scheduler *sched,
			 struct panthor_group *group, u32 index,
			 struct panthor_tiler_oom *oom_out)
{
	struct panthor_fw_cs_iface *cs;

	lockdep_assert_held(&sched->lock);

	cs = find_oom(sched, group, index);
	if (!cs)
		return false;

	/* The bit that says that there is something, before it. */
	rmb();
	*oom_out = (struct panthor_tiler_oom){
		.heap_va = READ_ONCE(cs->output->heap_address),
		.vt_start = READ_ONCE(cs->output->heap_vt_start),
		.vt_end = READ_ONCE(cs->output->heap_vt_end),
		.frag_end = READ_ONCE(cs->output->heap_frag_end),
	};
	return true;
}

/**
 * panthor_csg_answer_oom() - give a stream a chunk, or none (0)
 *
 * Return: false if it does not ask any more, so that the chunk is still ours.
 */
bool panthor_csg_answer_oom(struct panthor_scheduler *sched,
			    struct panthor_group *group, u32 index, u64 chunk)
{
	struct panthor_fw_cs_iface *cs;

	lockdep_assert_held(&sched->lock);

	cs = find_oom(sched, group, index);
	if (!cs)
		return false;

	WRITE_ONCE(cs->input->heap_start, chunk);
	WRITE_ONCE(cs->input->heap_end, chunk);
	/* The chunk before the bit that makes it count. */
	wmb();
	panthor_fw_update_reqs(cs, req, READ_ONCE(cs->output->ack),
			       CS_TILER_OOM);
	panthor_fw_ring_csg_doorbells(sched->ptdev, BIT(group->slot));
	return true;
}

/* Sync objects changed: perhaps what somebody without a slot waits for. */
static void wake_blocked(struct panthor_scheduler *sched)
{
	struct panthor_group *group;

	list_for_each_entry (group, &sched->blocked, run_node)
		panthor_group_queue_wait_work(group);
}

/** panthor_csg_process_events() - look at what the firmware says of a slot */
void panthor_csg_process_events(struct panthor_scheduler *sched, u32 slot)
{
	struct panthor_fw_csg_iface *csg =
		panthor_fw_get_csg_iface(sched->ptdev, slot);
	struct panthor_group *group = sched->slots[slot];
	u32 ack = READ_ONCE(csg->output->ack);
	u32 events = (READ_ONCE(csg->input->req) ^ ack) & CSG_EVT_MASK;
	u32 cs_req = READ_ONCE(csg->output->cs_irq_req);
	unsigned long streams = cs_req ^ READ_ONCE(csg->input->cs_irq_ack);
	unsigned int i;

	lockdep_assert_held(&sched->lock);

	if (!group)
		return;

	/* Acknowledged before it is looked at, so that nothing is lost. */
	panthor_fw_update_reqs(csg, req, ack, events);
	WRITE_ONCE(csg->input->cs_irq_ack, cs_req);
	mb();

	for_each_set_bit(i, &streams, 32) process_stream(sched, slot, i);

	if (events & CSG_PROGRESS_TIMER_EVENT) {
		drm_warn(&sched->ptdev->base,
			 "group in slot %u makes no progress\n", slot);
		group->timedout = true;
		panthor_sched_kill_locked(sched, group);
	}
	if (events & CSG_SYNC_UPDATE) {
		panthor_group_queue_work(group);
		wake_blocked(sched);
	}
	if (events & CSG_IDLE) {
		group->idle = panthor_csg_is_idle(sched, slot);
		panthor_group_queue_work(group);
		panthor_sched_kick(sched);
	}
	if (events || streams)
		panthor_fw_ring_csg_doorbells(sched->ptdev, BIT(slot));
}
