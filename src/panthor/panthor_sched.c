// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bitops.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_group.h"
#include "panthor_regs.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

/* What a tick wants in the slots. */
struct plan {
	u32 count, vm_count;
	u32 keep; /* slots whose group stays */
	u32 newcomer_count;
	struct panthor_group *newcomers[PANTHOR_FW_MAX_CSGS];
	const struct panthor_vm *vms[PANTHOR_FW_MAX_CSGS];
};

/* ---------------------------------------------------------------- lists -- */

/** panthor_sched_kick() - have a tick as soon as possible; any context */
void panthor_sched_kick(struct panthor_scheduler *sched)
{
	mod_delayed_work(sched->wq, &sched->tick_work, 0);
}

/* Out of the lists of those without a slot. */
static void unlist(struct panthor_group *group)
{
	unsigned long waited = jiffies - group->wait_since;
	u32 i;

	list_del_init(&group->run_node);
	if (!group->is_runnable)
		return;

	/* It could not run: that is no fault of its jobs. */
	group->is_runnable = false;
	for (i = 0; i < group->queue_count; i++)
		panthor_queue_delay_deadline(&group->queues[i], waited);
}

static void make_runnable(struct panthor_scheduler *sched,
			  struct panthor_group *group)
{
	lockdep_assert_held(&sched->lock);

	if (group->is_runnable)
		return;

	list_del_init(&group->run_node);
	group->is_runnable = true;
	group->wait_since = jiffies;
	list_add_tail(&group->run_node, &sched->runnable[group->priority]);
	panthor_sched_kick(sched);
}

/**
 * panthor_sched_kill_locked() - let a group run nothing any more
 *
 * The caller has set the reason. Fences signal when the GPU has let go of it.
 */
void panthor_sched_kill_locked(struct panthor_scheduler *sched,
			       struct panthor_group *group)
{
	lockdep_assert_held(&sched->lock);

	if (group->killed)
		return;

	WRITE_ONCE(group->killed, true);
	unlist(group);
	if (group->slot >= 0) {
		panthor_sched_kick(sched);
	} else {
		WRITE_ONCE(group->dead, true);
		panthor_group_queue_work(group);
	}
}

/* --------------------------------------------------------------- a tick -- */

static bool plan_has_vm(const struct plan *plan, const struct panthor_vm *vm)
{
	u32 i;

	for (i = 0; i < plan->vm_count; i++) {
		if (plan->vms[i] == vm)
			return true;
	}
	return false;
}

/* Gives a group a slot in the plan, if there is one, and one for its VM. */
static void plan_group(struct panthor_scheduler *sched, struct plan *plan,
		       struct panthor_group *group)
{
	if (plan->count == sched->slot_count)
		return;

	if (!plan_has_vm(plan, group->vm)) {
		if (plan->vm_count == sched->as_count)
			return;
		plan->vms[plan->vm_count++] = group->vm;
	}

	plan->count++;
	if (group->slot >= 0)
		plan->keep |= BIT(group->slot);
	else
		plan->newcomers[plan->newcomer_count++] = group;
}

/* The resident group that has its slot for the shortest time, of those left. */
static struct panthor_group *latest_resident(struct panthor_scheduler *sched,
					     u32 priority, bool idle, u32 seen)
{
	struct panthor_group *best = NULL, *group;
	u32 i;

	for (i = 0; i < sched->slot_count; i++) {
		group = sched->slots[i];
		if (!group || group->killed || (seen & BIT(i)) ||
		    group->priority != priority || group->idle != idle)
			continue;
		if (!best || group->slot_since > best->slot_since)
			best = group;
	}

	return best;
}

static void plan_residents(struct panthor_scheduler *sched, struct plan *plan,
			   u32 priority, bool idle)
{
	struct panthor_group *group;
	u32 seen = 0;

	while ((group = latest_resident(sched, priority, idle, seen))) {
		seen |= BIT(group->slot);
		plan_group(sched, plan, group);
	}
}

/*
 * Priorities from the top. With @rotate, those who wait come before those who
 * have had their turn.
 */
static void make_plan(struct panthor_scheduler *sched, struct plan *plan,
		      bool rotate)
{
	struct panthor_group *group;
	int prio;

	for (prio = PANTHOR_PRIORITY_COUNT - 1; prio >= 0; prio--) {
		if (!rotate)
			plan_residents(sched, plan, prio, false);
		list_for_each_entry (group, &sched->runnable[prio], run_node)
			plan_group(sched, plan, group);
		if (rotate)
			plan_residents(sched, plan, prio, false);
	}
	for (prio = PANTHOR_PRIORITY_COUNT - 1; prio >= 0; prio--)
		plan_residents(sched, plan, prio, true);
}

/*
 * Waits until the slots' requests are carried out. Returns those that were not,
 * for whose sake the GPU is reset.
 */
static u32 wait_for_slots(struct panthor_scheduler *sched, u32 slots)
{
	u32 timeout_ms = PANTHOR_CSG_TIMEOUT_MS, late = 0, acked, i;

	for (i = 0; i < sched->slot_count; i++) {
		if (!(slots & BIT(i)))
			continue;
		if (!panthor_fw_csg_wait_acks(sched->ptdev, i, CSG_STATE_MASK,
					      &acked, timeout_ms))
			continue;
		late |= BIT(i);
		/* The others have had that time, too. */
		timeout_ms = 1;
	}

	return late;
}

static void blame_slots(struct panthor_scheduler *sched, u32 slots)
{
	u32 i;

	for (i = 0; i < sched->slot_count; i++) {
		if (slots & BIT(i))
			sched->slots[i]->hung = true;
	}
	drm_err(&sched->ptdev->base, "group slots 0x%x are stuck\n", slots);
	panthor_device_schedule_reset(sched->ptdev);
}

/* Suspends, or terminates, what is in @slots; returns those that hang. */
static u32 clear_slots(struct panthor_scheduler *sched, u32 slots)
{
	u32 late, i;

	for (i = 0; i < sched->slot_count; i++) {
		if (slots & BIT(i))
			panthor_csg_request(sched, i,
					    sched->slots[i]->killed
						    ? CSG_STATE_TERMINATE
						    : CSG_STATE_SUSPEND);
	}
	panthor_fw_ring_csg_doorbells(sched->ptdev, slots);
	late = wait_for_slots(sched, slots);

	for (i = 0; i < sched->slot_count; i++) {
		if (!(slots & ~late & BIT(i)))
			continue;
		/* The last ones: a fatal error makes the group a dead one. */
		panthor_csg_process_events(sched, i);
		panthor_csg_unbind(sched, i, true);
	}

	return late;
}

static int free_slot(struct panthor_scheduler *sched)
{
	u32 i;

	for (i = 0; i < sched->slot_count; i++) {
		if (!sched->slots[i])
			return i;
	}
	return -1;
}

/* Binds the plan's newcomers; returns the slots that they got. */
static u32 bind_newcomers(struct panthor_scheduler *sched,
			  const struct plan *plan)
{
	u32 slots = 0, i;

	for (i = 0; i < plan->newcomer_count; i++) {
		struct panthor_group *group = plan->newcomers[i];
		int slot = free_slot(sched), ret;

		/* It may have been killed since. */
		if (slot < 0 || group->killed)
			continue;

		ret = panthor_csg_bind(sched, slot, group);
		if (ret == -EINVAL) {
			/* The VM has just become unusable. */
			group->fatal_queues |=
				GENMASK(group->queue_count - 1, 0);
			panthor_sched_kill_locked(sched, group);
		}
		/* No address space just now: it goes on waiting. */
		if (ret)
			continue;

		unlist(group);
		slots |= BIT(slot);
	}

	return slots;
}

static void start_slots(struct panthor_scheduler *sched, u32 slots)
{
	u32 late, i;

	for (i = 0; i < sched->slot_count; i++) {
		if (slots & BIT(i))
			panthor_csg_request(sched, i,
					    sched->slots[i]->suspended
						    ? CSG_STATE_RESUME
						    : CSG_STATE_START);
	}
	panthor_fw_ring_csg_doorbells(sched->ptdev, slots);
	late = wait_for_slots(sched, slots);
	if (late)
		blame_slots(sched, late);
}

/* Groups on a VM that became unusable, or lost its address space to a fault. */
static void kill_failed_vms(struct panthor_scheduler *sched)
{
	struct panthor_group *group;

	list_for_each_entry (group, &sched->groups, node) {
		if (group->killed)
			continue;
		if (!panthor_vm_is_unusable(group->vm) &&
		    (group->slot < 0 || !panthor_mmu_vm_faulted(group->vm)))
			continue;
		group->fatal_queues |= GENMASK(group->queue_count - 1, 0);
		panthor_sched_kill_locked(sched, group);
	}
}

static void tick(struct panthor_scheduler *sched, bool rotate)
{
	struct plan plan = {};
	u32 occupied = 0, late, slots, i;

	kill_failed_vms(sched);
	make_plan(sched, &plan, rotate);

	for (i = 0; i < sched->slot_count; i++) {
		if (sched->slots[i])
			occupied |= BIT(i);
	}

	if (occupied & ~plan.keep) {
		late = clear_slots(sched, occupied & ~plan.keep);
		if (late) {
			blame_slots(sched, late);
			return;
		}
	}

	slots = bind_newcomers(sched, &plan);
	if (slots)
		start_slots(sched, slots);
}

static bool somebody_waits(const struct panthor_scheduler *sched)
{
	u32 prio;

	for (prio = 0; prio < PANTHOR_PRIORITY_COUNT; prio++) {
		if (!list_empty(&sched->runnable[prio]))
			return true;
	}
	/* What these wait for may be written by the CPU, of which nobody tells.
	 */
	return !list_empty(&sched->blocked);
}

static void tick_work(struct work_struct *work)
{
	struct panthor_scheduler *sched = container_of(
		to_delayed_work(work), struct panthor_scheduler, tick_work);
	unsigned long period = msecs_to_jiffies(PANTHOR_TICK_MS);
	struct panthor_group *group;
	bool rotate;

	mutex_lock(&sched->lock);
	if (sched->stopped)
		goto out_unlock;

	sched->tick++;
	rotate = time_after_eq(jiffies, sched->next_rotation);
	if (rotate) {
		sched->next_rotation = jiffies + period;
		list_for_each_entry (group, &sched->blocked, run_node)
			panthor_group_queue_wait_work(group);
	}
	tick(sched, rotate);
	if (somebody_waits(sched))
		queue_delayed_work(sched->wq, &sched->tick_work, period);
out_unlock:
	mutex_unlock(&sched->lock);
}

/* --------------------------------------------------------------- groups -- */

static struct panthor_scheduler *sched_of(struct panthor_group *group)
{
	return group->ptdev->sched;
}

/** panthor_sched_add_group() - make a new group known */
void panthor_sched_add_group(struct panthor_group *group)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	list_add_tail(&group->node, &sched->groups);
	if (sched->gone)
		panthor_sched_kill_locked(sched, group);
	mutex_unlock(&sched->lock);
}

/** panthor_sched_remove_group() - the inverse; it was killed */
void panthor_sched_remove_group(struct panthor_group *group)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	WARN_ON(!group->killed || group->slot >= 0);
	list_del(&group->node);
	mutex_unlock(&sched->lock);
}

/** panthor_sched_kill_group() - for GROUP_DESTROY and files that are closed */
void panthor_sched_kill_group(struct panthor_group *group)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	panthor_sched_kill_locked(sched, group);
	mutex_unlock(&sched->lock);
}

/** panthor_sched_group_has_work() - its rings, or what it waits for, changed */
void panthor_sched_group_has_work(struct panthor_group *group)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	if (!group->killed && group->slot < 0) {
		make_runnable(sched, group);
	} else if (!group->killed) {
		group->idle = false;
		if (!sched->stopped)
			gpu_write(sched->ptdev, CSF_DOORBELL(group->slot + 1),
				  1);
	}
	mutex_unlock(&sched->lock);
}

/**
 * panthor_sched_check_timeout() - has a job of a group run for too long?
 *
 * Time in which the group had work but no slot does not count.
 */
void panthor_sched_check_timeout(struct panthor_group *group)
{
	struct panthor_scheduler *sched = sched_of(group);
	unsigned long deadline, next = 0;
	bool busy = false, expired = false;
	u32 i;

	mutex_lock(&sched->lock);
	for (i = 0; i < group->queue_count && !group->killed; i++) {
		if (!panthor_queue_next_deadline(&group->queues[i], &deadline))
			continue;
		if (!busy || time_before(deadline, next))
			next = deadline;
		busy = true;
	}

	if (busy && group->is_runnable)
		next = jiffies + msecs_to_jiffies(PANTHOR_JOB_TIMEOUT_MS);
	else if (busy)
		expired = time_after_eq(jiffies, next);

	if (expired) {
		drm_warn(&sched->ptdev->base, "a job takes too long\n");
		group->timedout = true;
		panthor_sched_kill_locked(sched, group);
	} else if (busy) {
		panthor_group_arm_timeout(group, next - jiffies);
	}
	mutex_unlock(&sched->lock);
}

/** panthor_sched_get_wait() - what a queue of a blocked group waits for */
bool panthor_sched_get_wait(struct panthor_group *group, u32 queue,
			    struct panthor_sync_wait *wait_out)
{
	struct panthor_scheduler *sched = sched_of(group);
	bool blocked;

	mutex_lock(&sched->lock);
	*wait_out = group->queues[queue].wait;
	blocked = group->slot < 0 && !group->is_runnable && !group->killed &&
		  wait_out->blocked;
	mutex_unlock(&sched->lock);

	return blocked;
}

/** panthor_sched_get_oom() - see panthor_csg_get_oom() */
bool panthor_sched_get_oom(struct panthor_group *group, u32 queue,
			   struct panthor_tiler_oom *oom_out)
{
	struct panthor_scheduler *sched = sched_of(group);
	bool asks;

	mutex_lock(&sched->lock);
	asks = panthor_csg_get_oom(sched, group, queue, oom_out);
	mutex_unlock(&sched->lock);

	return asks;
}

/** panthor_sched_answer_oom() - see panthor_csg_answer_oom() */
bool panthor_sched_answer_oom(struct panthor_group *group, u32 queue, u64 chunk)
{
	struct panthor_scheduler *sched = sched_of(group);
	bool taken;

	mutex_lock(&sched->lock);
	taken = panthor_csg_answer_oom(sched, group, queue, chunk);
	mutex_unlock(&sched->lock);

	return taken;
}

/**
 * panthor_sched_fail_oom() - the heap of a queue cannot be what it says
 *
 * Or something is wrong with the driver. The group is lost, for reason @error.
 */
void panthor_sched_fail_oom(struct panthor_group *group, u32 queue, int error)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	if (!group->killed) {
		drm_err(&sched->ptdev->base,
			"a group is lost: the tiler heap of queue %u cannot "
			"grow: %d\n",
			queue, error);
		group->fatal_queues |= BIT(queue);
		panthor_sched_kill_locked(sched, group);
	}
	mutex_unlock(&sched->lock);
}

/** panthor_sched_get_state() - what GROUP_GET_STATE reports */
void panthor_sched_get_state(struct panthor_group *group, u32 *state_out,
			     u32 *fatal_queues_out)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	*state_out = (group->timedout ? DRM_PANTHOR_GROUP_STATE_TIMEDOUT : 0) |
		     (group->fatal_queues ? DRM_PANTHOR_GROUP_STATE_FATAL_FAULT
					  : 0) |
		     (group->innocent ? DRM_PANTHOR_GROUP_STATE_INNOCENT : 0);
	*fatal_queues_out = group->fatal_queues;
	mutex_unlock(&sched->lock);
}

/** panthor_sched_get_place() - where a group stands: for debugfs */
void panthor_sched_get_place(struct panthor_group *group,
			     struct panthor_sched_place *place_out)
{
	struct panthor_scheduler *sched = sched_of(group);

	mutex_lock(&sched->lock);
	*place_out = (struct panthor_sched_place){
		.slot = group->slot,
		.idle = group->idle,
		.suspended = group->suspended,
		.runnable = group->is_runnable,
		.blocked = !group->is_runnable &&
			   !list_empty(&group->run_node),
		.killed = group->killed,
		.dead = group->dead,
		.timedout = group->timedout,
		.innocent = group->innocent,
		.fatal_queues = group->fatal_queues,
	};
	mutex_unlock(&sched->lock);
}

/* --------------------------------------------------------------- events -- */

static void events_work(struct work_struct *work)
{
	struct panthor_scheduler *sched =
		container_of(work, struct panthor_scheduler, events_work);
	u32 slots, i;

	mutex_lock(&sched->lock);
	slots = atomic_xchg(&sched->events, 0);
	for (i = 0; i < sched->slot_count && !sched->stopped; i++) {
		if (slots & BIT(i))
			panthor_csg_process_events(sched, i);
	}
	mutex_unlock(&sched->lock);
}

/**
 * panthor_sched_report_fw_events() - the firmware raised its interrupt
 * @ptdev: the device
 * @events: bit n: slot n; others are ignored. Does not sleep.
 */
void panthor_sched_report_fw_events(struct panthor_device *ptdev, u32 events)
{
	struct panthor_scheduler *sched = smp_load_acquire(&ptdev->sched);

	/* The firmware boots before there is a scheduler. */
	if (!sched || !(events & ~PANTHOR_FW_EVENT_GLB))
		return;

	atomic_or(events & ~PANTHOR_FW_EVENT_GLB, &sched->events);
	queue_work(sched->wq, &sched->events_work);
}

/**
 * panthor_sched_vm_failed() - a VM became unusable or translates nothing more
 *
 * Kills its groups, soon. Does not sleep.
 */
void panthor_sched_vm_failed(struct panthor_vm *vm)
{
	struct panthor_scheduler *sched = smp_load_acquire(&vm->ptdev->sched);

	if (sched)
		panthor_sched_kick(sched);
}

/* ---------------------------------------------------------------- reset -- */

/* A group that did not survive a reset. */
static void lose_slot(struct panthor_scheduler *sched, u32 slot)
{
	struct panthor_group *group = sched->slots[slot];

	/* A group that was being killed anyway keeps its reason. */
	if (!group->killed) {
		group->timedout = true;
		group->innocent = !group->hung;
		WRITE_ONCE(group->killed, true);
	}
	panthor_csg_unbind(sched, slot, false);
}

/**
 * panthor_sched_pre_reset() - get groups off the GPU as far as it answers
 *
 * Those that can be suspended go on after the reset.
 */
void panthor_sched_pre_reset(struct panthor_device *ptdev)
{
	struct panthor_scheduler *sched = ptdev->sched;
	u32 occupied = 0, i;

	mutex_lock(&sched->lock);
	for (i = 0; i < sched->slot_count; i++) {
		if (sched->slots[i])
			occupied |= BIT(i);
	}
	if (occupied)
		(void)clear_slots(sched, occupied);
	sched->stopped = true;
	mutex_unlock(&sched->lock);
}

/* Nothing runs on the GPU any more, whatever it was. */
static void lose_slots(struct panthor_scheduler *sched)
{
	u32 i;

	for (i = 0; i < sched->slot_count; i++) {
		if (sched->slots[i])
			lose_slot(sched, i);
	}
}

/**
 * panthor_sched_post_reset() - the GPU works again, or not
 * @ptdev: the device
 * @failed: it does not: all groups are lost
 */
void panthor_sched_post_reset(struct panthor_device *ptdev, bool failed)
{
	struct panthor_scheduler *sched = ptdev->sched;
	struct panthor_group *group;

	mutex_lock(&sched->lock);
	lose_slots(sched);
	atomic_set(&sched->events, 0);
	sched->gone |= failed;
	sched->stopped = sched->gone;
	list_for_each_entry (group, &sched->groups, node) {
		if (failed && !group->killed) {
			group->timedout = true;
			group->innocent = true;
			panthor_sched_kill_locked(sched, group);
		}
	}
	panthor_sched_kick(sched);
	mutex_unlock(&sched->lock);
}

/* ----------------------------------------------------------------- init -- */

/**
 * panthor_sched_init() - after the firmware was booted
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_sched_init(struct panthor_device *ptdev)
{
	struct panthor_scheduler *sched;
	u32 i;

	sched = kzalloc(sizeof(*sched), GFP_KERNEL);
	if (!sched)
		return -ENOMEM;

	sched->ptdev = ptdev;
	sched->slot_count = ptdev->csif_info.csg_slot_count;
	/* Address space 0 is the firmware's. */
	sched->as_count = hweight32(ptdev->gpu_info.as_present & ~BIT(0));
	mutex_init(&sched->lock);
	for (i = 0; i < PANTHOR_PRIORITY_COUNT; i++)
		INIT_LIST_HEAD(&sched->runnable[i]);
	INIT_LIST_HEAD(&sched->blocked);
	INIT_LIST_HEAD(&sched->groups);
	INIT_DELAYED_WORK(&sched->tick_work, tick_work);
	INIT_WORK(&sched->events_work, events_work);
	sched->next_rotation = jiffies;

	sched->wq = alloc_workqueue("panthor-csf-sched",
				    WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!sched->wq)
		goto err_free;

	sched->heap_wq = alloc_workqueue("panthor-heap-grow", WQ_UNBOUND, 0);
	if (!sched->heap_wq)
		goto err_destroy_wq;

	sched->cleanup_wq =
		alloc_workqueue("panthor-group-cleanup", WQ_UNBOUND, 0);
	if (!sched->cleanup_wq)
		goto err_destroy_heap_wq;

	/* The firmware's interrupt handler looks for it. */
	smp_store_release(&ptdev->sched, sched);
	return 0;

err_destroy_heap_wq:
	destroy_workqueue(sched->heap_wq);
err_destroy_wq:
	destroy_workqueue(sched->wq);
err_free:
	mutex_destroy(&sched->lock);
	kfree(sched);
	return -ENOMEM;
}

/**
 * panthor_sched_fini() - the inverse
 *
 * All files are closed, so that groups are killed; here they lose their slots.
 * The interrupt of the firmware may still come.
 */
void panthor_sched_fini(struct panthor_device *ptdev)
{
	struct panthor_scheduler *sched = ptdev->sched;

	panthor_sched_pre_reset(ptdev);
	panthor_sched_post_reset(ptdev, true);
	disable_delayed_work_sync(&sched->tick_work);
	/* The interrupt queues no work to what is drained. */
	disable_work_sync(&sched->events_work);
	/* Each queues work on those that come after it. */
	drain_workqueue(sched->heap_wq);
	drain_workqueue(sched->wq);
	drain_workqueue(sched->cleanup_wq);
	WARN_ON(!list_empty(&sched->groups));
}

/** panthor_sched_free() - after the firmware's interrupt and all VMs are gone */
void panthor_sched_free(struct panthor_device *ptdev)
{
	struct panthor_scheduler *sched = ptdev->sched;

	ptdev->sched = NULL;
	destroy_workqueue(sched->heap_wq);
	destroy_workqueue(sched->wq);
	destroy_workqueue(sched->cleanup_wq);
	mutex_destroy(&sched->lock);
	kfree(sched);
}
