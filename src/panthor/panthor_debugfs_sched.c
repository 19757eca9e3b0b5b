// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence.h>
#include <linux/io.h>
#include <linux/seq_file.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_debugfs_priv.h"
#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_group.h"
#include "panthor_kernel_bo.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

/* ---------------------------------------------------------------- fences -- */

/*
 * By its context, which is a queue or a timeline, and number. Does not ask
 * whether it has signalled: that might have it signal.
 */
static void show_fence(struct seq_file *m, struct dma_fence *fence)
{
	seq_printf(m, "%s %s %llu:%llu%s", fence->ops->get_driver_name(fence),
		   fence->ops->get_timeline_name(fence),
		   (unsigned long long)fence->context,
		   (unsigned long long)fence->seqno,
		   test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) ?
			   " (signalled)" :
			   "");
}

/* A line for each job: its fence, and those that it waits for. */
static void show_jobs(struct seq_file *m, const struct panthor_fence_list *list)
{
	u32 i, deps = 0;

	seq_puts(m, " fence               | state  | waits for\n");
	seq_puts(m, "-------------------------------------------\n");
	for (i = 0; i < list->count; i++) {
		const struct panthor_fence_item *item = &list->items[i];

		if (item->kind == PANTHOR_FENCE_WAITS_FOR) {
			seq_puts(m, deps++ ? ", " : "");
			show_fence(m, item->fence);
			continue;
		}
		seq_puts(m, i ? "\n " : " ");
		show_fence(m, item->fence);
		seq_printf(m, " | %s | ",
			   item->kind == PANTHOR_FENCE_STARTED ? "started" :
								 "queued");
		deps = 0;
	}
	seq_puts(m, list->count ? "\n\n" : "\n");
}

/* ---------------------------------------------------------------- groups -- */

static void show_place(struct seq_file *m,
		       const struct panthor_sched_place *place)
{
	if (place->slot >= 0)
		seq_printf(m, "in slot %d%s", place->slot,
			   place->idle ? ", idle" : "");
	else if (place->runnable)
		seq_puts(m, "waits for a slot");
	else if (place->blocked)
		seq_puts(m, "waits for memory to change");
	else
		seq_puts(m, "has no work");
	if (place->suspended)
		seq_puts(m, ", suspended");
	if (place->timedout)
		seq_puts(m, place->innocent ? ", lost in a reset" :
					      ", timed out");
	if (place->fatal_queues)
		seq_printf(m, ", fatal fault of queues 0x%x",
			   place->fatal_queues);
	if (place->killed)
		seq_puts(m, place->dead ? ", dead" : ", killed");
}

static void show_queue(struct seq_file *m, const struct panthor_queue *queue)
{
	struct panthor_sync_wait wait;

	seq_printf(m, " %5u | %8u | %9llu | 0x%016llx | 0x%016llx | %5llu | ",
		   queue->index, queue->priority,
		   (unsigned long long)queue->ringbuf->size,
		   (unsigned long long)READ_ONCE(queue->input->insert),
		   (unsigned long long)READ_ONCE(queue->output->extract),
		   (unsigned long long)panthor_queue_done(queue));
	if (panthor_sched_get_wait(queue->group, queue->index, &wait))
		seq_printf(m, "%u bits at 0x%llx %s 0x%llx\n",
			   wait.is_64 ? 64 : 32, (unsigned long long)wait.va,
			   wait.is_greater ? ">" : "<=",
			   (unsigned long long)wait.ref);
	else
		seq_puts(m, "-\n");
}

static void collect_queue(struct panthor_fence_list *list, void *data)
{
	panthor_queue_collect(data, list);
}

static int show_queue_jobs(struct seq_file *m, struct panthor_queue *queue,
			   struct panthor_debugfs_name name)
{
	struct panthor_fence_list list = {};
	int ret = panthor_fence_list_fill(&list, collect_queue, queue);

	if (ret)
		return ret;
	if (list.count) {
		seq_printf(m, "Jobs of file %u, group %u, queue %u\n\n",
			   name.file, name.id, queue->index);
		show_jobs(m, &list);
	}
	panthor_fence_list_fini(&list);
	return 0;
}

static int show_group(struct seq_file *m, struct panthor_group *group,
		      struct panthor_debugfs_name name)
{
	static const char *const priorities[] = {
		[PANTHOR_GROUP_PRIORITY_LOW] = "low",
		[PANTHOR_GROUP_PRIORITY_MEDIUM] = "medium",
		[PANTHOR_GROUP_PRIORITY_HIGH] = "high",
		[PANTHOR_GROUP_PRIORITY_REALTIME] = "realtime",
	};
	char vm[PANTHOR_DEBUGFS_VM_NAME_LEN];
	struct panthor_sched_place place;
	int ret = 0;
	u32 i;

	panthor_debugfs_name_vm(group->ptdev, group->vm, vm);
	panthor_sched_get_place(group, &place);
	seq_printf(m, "Group %u of file %u on %s, priority %s: ", name.id,
		   name.file, vm, priorities[group->priority]);
	show_place(m, &place);
	seq_puts(m, "\n\n");
	seq_puts(m, " queue | priority | ring size | insert             | extract            | ended | stream waits for\n");
	seq_puts(m, "-----------------------------------------------------------------------------------------------------\n");
	for (i = 0; i < group->queue_count; i++)
		show_queue(m, &group->queues[i]);
	seq_putc(m, '\n');
	for (i = 0; i < group->queue_count && !ret; i++)
		ret = show_queue_jobs(m, &group->queues[i], name);
	return ret;
}

static void *get_group(struct panthor_file *pfile, u32 *handle)
{
	return panthor_group_pool_get_next(pfile->groups, handle);
}

int panthor_debugfs_show_groups(struct seq_file *m, void *unused)
{
	struct panthor_device *ptdev = panthor_debugfs_device(m);
	struct panthor_debugfs_name name = {};
	struct panthor_group *group;
	int ret = 0;

	while (!ret &&
	       (group = panthor_debugfs_get_next(ptdev, &name, get_group))) {
		ret = show_group(m, group, name);
		panthor_group_put(group);
	}
	return ret;
}

/* ----------------------------------------------------------------- binds -- */

static void collect_binds(struct panthor_fence_list *list, void *data)
{
	struct panthor_vm *vm = data;

	panthor_job_queue_collect(&vm->queue.base, list);
}

static int show_bind_queue(struct seq_file *m, struct panthor_vm *vm,
			   struct panthor_debugfs_name name)
{
	struct panthor_fence_list list = {};
	int ret = panthor_fence_list_fill(&list, collect_binds, vm);

	if (ret)
		return ret;
	if (list.count || panthor_vm_is_unusable(vm)) {
		seq_printf(m, "Binds of file %u, VM %u%s\n\n", name.file,
			   name.id,
			   panthor_vm_is_unusable(vm) ? ", which is unusable" :
							"");
		show_jobs(m, &list);
	}
	panthor_fence_list_fini(&list);
	return 0;
}

int panthor_debugfs_show_binds(struct seq_file *m, void *unused)
{
	return panthor_debugfs_show_vms(m, show_bind_queue);
}

/* ----------------------------------------------------------------- slots -- */

static const char *slot_state(const struct panthor_mmu_slot *slot)
{
	if (slot->stuck)
		return "stuck";
	if (slot->as.faulted)
		return "faulted";
	if (slot->as.absent)
		return "restores";
	if (!slot->as.enabled)
		return "disabled";
	return slot->as.users ? "active" : "idle";
}

static void show_slot(struct seq_file *m, struct panthor_device *ptdev,
		      u32 number, const struct panthor_mmu_slot *slot,
		      const struct panthor_vm *vm)
{
	char name[PANTHOR_DEBUGFS_VM_NAME_LEN];

	panthor_debugfs_name_vm(ptdev, vm, name);
	seq_printf(m, " %4u | %-15s | %5u | %-8s | 0x%016llx | 0x%016llx | ",
		   number, name, vm ? slot->as.users : 0,
		   vm ? slot_state(slot) : "free",
		   (unsigned long long)slot->transtab,
		   (unsigned long long)slot->transcfg);
	if (vm && slot->as.locked_size)
		seq_printf(m, "0x%llx+0x%llx | ",
			   (unsigned long long)slot->as.locked_start,
			   (unsigned long long)slot->as.locked_size);
	else
		seq_puts(m, "- | ");
	if (slot->faultstatus)
		seq_printf(m, "0x%08x at 0x%llx\n", slot->faultstatus,
			   (unsigned long long)slot->faultaddress);
	else
		seq_puts(m, "-\n");
}

int panthor_debugfs_show_slots(struct seq_file *m, void *unused)
{
	struct panthor_device *ptdev = panthor_debugfs_device(m);
	struct panthor_mmu_slot slot;
	struct panthor_vm *vm;
	u32 i;

	seq_puts(m, "Address-space slots in use\n\n");
	seq_puts(m, " slot | VM              | users | state    | TRANSTAB           | TRANSCFG           | locked | last fault\n");
	seq_puts(m, "----------------------------------------------------------------------------------------------------------\n");
	for (i = 0; i < 32; i++) {
		if (!panthor_mmu_get_slot(ptdev, i, &slot, &vm))
			continue;
		if (vm || slot.stuck || slot.faultstatus)
			show_slot(m, ptdev, i, &slot, vm);
		panthor_vm_put(vm);
	}
	seq_putc(m, '\n');
	return 0;
}
