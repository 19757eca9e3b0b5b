// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * VMs on the virtual Mali: address-space slots, faults, an MMU that does not
 * answer, ops that wait, and VMs that are destroyed or unusable.
 */
#include "vm_fixture.h"

#include <sys/mman.h>
#include <unistd.h>

#include <linux/interrupt.h>
#include <linux/slab.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

/* ---------------------------------------------------------------- slots -- */

static void test_slots(void **state)
{
	u32 a = vm_create(), b = vm_create(), c = vm_create();
	struct panthor_vm *vm_a = vm_activate(a, 1), *vm_b = vm_activate(b, 2),
			  *vm;

	vm_activate(c, -EBUSY);
	vm_activate(100, -EINVAL);

	/* It nests, and what is in use is never taken. */
	assert_ptr_equal(vm_activate(a, 1), vm_a);
	panthor_host_vm_idle(vm_a);
	vm_activate(c, -EBUSY);

	/* The one that was idle longest gives way. */
	panthor_host_vm_idle(vm_b);
	panthor_host_vm_idle(vm_a);
	vm = vm_activate(c, 2);
	vm_b = vm_activate(b, 1);
	vm_activate(a, -EBUSY);
	panthor_host_vm_idle(vm);
	panthor_host_vm_idle(vm_b);

	/* A slot that was kept is as good as new. */
	vm_forget_events();
	vm = vm_activate(c, 2);
	vm_assert_events(NULL, 0);

	/* A VM that goes frees its slot. */
	assert_int_equal(vm_destroy(b), 0);
	vm_a = vm_activate(a, 1);
	panthor_host_vm_idle(vm_a);
	panthor_host_vm_idle(vm);
}

/* --------------------------------------------------------------- faults -- */

/* A fault ends translation until the VM is scheduled anew; its state stays. */
static void test_fault(void **state)
{
	u32 id = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);
	struct mali_window *window;
	volatile u32 *words;

	words = mmap(NULL, 2 * TILE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	assert_true(words != MAP_FAILED);
	/* cmocka has a handler of its own. */
	mali_fault_handler_ensure();
	assert_int_equal(mali_window_create(vm_hw.gpu, 1, 0, (void *)words,
					    2 * TILE, &window),
			 0);
	assert_int_equal(vm_bind(id, NOEXEC, 0, TILE), 0);
	words[0] = 1;
	assert_true(panthor_vm_can_run_jobs(vm));

	words[TILE / 4] = 2;
	for (u32 i = 0; i < 5000 && panthor_vm_can_run_jobs(vm); i++)
		usleep(1000);
	assert_false(panthor_vm_can_run_jobs(vm));
	assert_int_equal(vm_get_state(id), DRM_PANTHOR_VM_STATE_USABLE);

	/* Ops go on, in memory. */
	vm_forget_events();
	assert_int_equal(vm_bind(id, NOEXEC, TILE, TILE), 0);
	vm_assert_events(NULL, 0);
	assert_true(vm_is_mapped(id, TILE));

	panthor_host_vm_idle(vm);
	vm = vm_activate(id, 1);
	assert_true(panthor_vm_can_run_jobs(vm));
	assert_int_equal(words[0], 1);
	mali_window_destroy(window);
	munmap((void *)words, 2 * TILE);
	panthor_host_vm_idle(vm);
}

static struct panthor_vm *late_old, *late_new;
static _Atomic bool late_stored, late_done;
static u32 late_id;

static void give_slot_away(void)
{
	/* The access is over: it must not be made again, by the new owner. */
	while (!late_stored)
		usleep(100);
	panthor_host_vm_idle(late_old);
	late_new = vm_activate(late_id, 1);
	late_done = true;
}

/* A fault whose slot went to another VM meanwhile is not that VM's. */
static void test_late_fault(void **state)
{
	u32 a = vm_create(), b = vm_create();
	struct mali_window *window;
	struct panthor_vm *vm_b;
	volatile u32 *words;

	late_id = vm_create();
	late_old = vm_activate(a, 1);
	vm_b = vm_activate(b, 2);
	words = mmap(NULL, TILE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(words != MAP_FAILED);
	mali_fault_handler_ensure();
	assert_int_equal(mali_window_create(vm_hw.gpu, 1, 0, (void *)words,
					    TILE, &window),
			 0);
	vm_hw.fault_seen = give_slot_away;
	words[0] = 1;
	mali_window_destroy(window);
	munmap((void *)words, TILE);
	late_stored = true;

	for (u32 i = 0; i < 5000 && !late_done; i++)
		usleep(1000);
	assert_true(late_done);
	/* Its thread has yet to act on what it saw. */
	synchronize_irq(MALI_IRQ_MMU);
	assert_true(panthor_vm_can_run_jobs(late_new));
	panthor_host_vm_idle(late_new);
	panthor_host_vm_idle(vm_b);
}

/* ----------------------------------------------- an MMU without answers -- */

/* Whatever LOCK gets no answer: its op is not executed, those before it are. */
static void test_lost_lock(void **state)
{
	struct drm_panthor_vm_bind_op ops[4];
	u32 id = vm_create(), failed;
	struct panthor_vm *vm = vm_activate(id, 1);

	for (u32 n = 1; n <= 4; n++) {
		u32 resets = vm_hw.resets;

		for (u32 i = 0; i < 4; i++)
			ops[i] = vm_make_op(NOEXEC, 32 * MiB + i * 4 * TILE,
					    TILE);
		vm_hw.stuck = n;
		assert_int_equal(vm_bind_ops(id, 0, ops, 4, &failed),
				 -ETIMEDOUT);
		assert_int_equal(failed, n - 1);
		for (u32 i = 0; i < 4; i++)
			assert_int_equal(vm_is_mapped(id, ops[i].va),
					 i < n - 1);
		assert_int_equal(vm_get_state(id), DRM_PANTHOR_VM_STATE_USABLE);

		/* After the reset all is as it was, in the same slot. */
		vm_wait_for_resets(resets + 1);
		vm_forget_events();
		assert_int_equal(vm_bind(id, NOEXEC, 64 * MiB, TILE), 0);
		vm_assert_one_lock(64 * MiB | 15);
		assert_int_equal(vm_bind(id, UNMAP, 0, 1ull << 47), 0);
	}
	panthor_host_vm_idle(vm);
}

/* An op that was cut is completed if only its second half cannot be locked. */
static void test_lost_lock_of_a_cut(void **state)
{
	u64 line = 1ull << 39;
	u32 id = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);

	vm_hw.stuck = 1;
	assert_int_equal(vm_bind(id, SPARSE, line - TILE, 2 * TILE),
			 -ETIMEDOUT);
	assert_false(vm_is_mapped(id, line - TILE));
	assert_false(vm_is_mapped(id, line));
	vm_wait_for_resets(1);

	vm_hw.stuck = 2;
	assert_int_equal(vm_bind(id, SPARSE, line - TILE, 2 * TILE), 0);
	assert_true(vm_is_mapped(id, line - TILE));
	assert_true(vm_is_mapped(id, line));
	vm_wait_for_resets(2);
	panthor_host_vm_idle(vm);
}

static u32 create_syncobj(void)
{
	struct drm_syncobj_create args = {};

	assert_int_equal(
		linux_sys_ioctl(vm_hw.file, DRM_IOCTL_SYNCOBJ_CREATE, &args),
		0);
	return args.handle;
}

static int wait_syncobj(u32 handle)
{
	struct drm_syncobj_wait args = {
		.handles = (u64)(uintptr_t)&handle,
		.count_handles = 1,
		.timeout_nsec = INT64_MAX,
	};

	return linux_sys_ioctl(vm_hw.file, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

/* Asynchronously, such a failure makes the VM unusable: no more MAPs. */
static void test_unusable(void **state)
{
	struct drm_panthor_sync_op signal = {
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL,
		.handle = create_syncobj(),
	};
	u32 id = vm_create(), other = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);
	struct drm_panthor_vm_bind_op ops[] = {
		vm_make_op(NOEXEC, 0, TILE),
		vm_make_op(NOEXEC, 16 * MiB, TILE),
		vm_make_op(UNMAP, 0, TILE),
		vm_make_op(DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY, 0, 0),
	};
	struct drm_panthor_vm_bind_op op;

	ops[3].syncs =
		(struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	vm_hw.stuck = 2;
	assert_int_equal(
		vm_bind_ops(id, DRM_PANTHOR_VM_BIND_ASYNC, ops, 4, NULL), 0);
	assert_int_equal(wait_syncobj(signal.handle), 0);
	assert_int_equal(vm_get_state(id), DRM_PANTHOR_VM_STATE_UNUSABLE);
	/* The UNMAP behind the failure was executed. */
	assert_false(vm_is_mapped(id, 0));
	assert_false(vm_is_mapped(id, 16 * MiB));
	assert_false(panthor_vm_can_run_jobs(vm));

	for (u32 flags = 0; flags <= DRM_PANTHOR_VM_BIND_ASYNC; flags++) {
		op = vm_make_op(NOEXEC, 0, TILE);
		assert_int_equal(vm_bind_ops(id, flags, &op, 1, NULL), -EINVAL);
		op = vm_make_op(UNMAP, 0, TILE);
		assert_int_equal(vm_bind_ops(id, flags, &op, 1, NULL), 0);
	}
	assert_int_equal(
		vm_bind_ops(id, DRM_PANTHOR_VM_BIND_ASYNC, &ops[3], 1, NULL),
		0);
	vm_wait_for_resets(1);
	panthor_host_vm_idle(vm);
	vm_activate(id, -EINVAL);

	/* Others are none the worse. */
	assert_int_equal(vm_bind(other, NOEXEC, 0, TILE), 0);
	panthor_host_vm_idle(vm_activate(other, 2));
}

/* --------------------------------------------------------------- queues -- */

struct gate {
	struct dma_fence base;
	spinlock_t lock;
};

static const char *gate_name(struct dma_fence *fence)
{
	return "gate";
}

/* Gives a syncobj a fence that signals when we say so. Holds a reference. */
static struct dma_fence *close_gate(u32 handle)
{
	static const struct dma_fence_ops ops = {
		.get_driver_name = gate_name,
		.get_timeline_name = gate_name,
	};
	struct drm_syncobj *syncobj =
		drm_syncobj_find(linux_file_drm(vm_hw.file), handle);
	struct gate *gate = kzalloc(sizeof(*gate), GFP_KERNEL);

	assert_non_null(syncobj);
	assert_non_null(gate);
	spin_lock_init(&gate->lock);
	dma_fence_init(&gate->base, &ops, &gate->lock,
		       dma_fence_context_alloc(1), 1);
	drm_syncobj_replace_fence(syncobj, &gate->base);
	drm_syncobj_put(syncobj);
	return &gate->base;
}

static void open_gate(struct dma_fence *gate)
{
	dma_fence_signal(gate);
	dma_fence_put(gate);
}

/* Three jobs: one behind the gate, one without syncs, one that tells the end.
 */
static void queue_three(u32 vm_id, u32 gate, u32 end)
{
	struct drm_panthor_sync_op syncs[] = {
		{.flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = gate},
		{.flags = DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = end},
	};
	struct drm_panthor_vm_bind_op ops[] = {
		vm_make_op(NOEXEC, 0, TILE),
		vm_make_op(SPARSE, 32 * MiB, 1ull << 40),
		vm_make_op(NOEXEC, 4 * TILE, TILE),
		vm_make_op(UNMAP, 0, TILE),
	};

	ops[0].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(
		1, &syncs[0]);
	ops[3].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(
		1, &syncs[1]);
	assert_int_equal(
		vm_bind_ops(vm_id, DRM_PANTHOR_VM_BIND_ASYNC, ops, 4, NULL), 0);
}

static u64 vmas(void)
{
	struct panthor_stats stats;

	panthor_host_get_stats(vm_hw.ptdev, &stats);
	return stats.vmas;
}

/* Ops behind a fence wait; synchronous ones overtake them. */
static void test_gate(void **state)
{
	u32 id = vm_create(), gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);

	queue_three(id, gate, end);
	assert_false(vm_is_mapped(id, 0));
	assert_false(vm_is_mapped(id, 32 * MiB));
	assert_int_equal(vm_bind(id, NOEXEC, 16 * MiB, TILE), 0);
	assert_true(vm_is_mapped(id, 16 * MiB));
	assert_int_equal(vm_bind(id, NOEXEC, 0, MiB), 0);

	open_gate(fence);
	assert_int_equal(wait_syncobj(end), 0);
	assert_false(vm_is_mapped(id, 0));
	assert_true(vm_is_mapped(id, TILE));
	assert_true(vm_is_mapped(id, 32 * MiB + (1ull << 40) - 1));
	/* One new, one that split another in two, one that went, one older. */
	assert_int_equal(vmas(), 5);
}

/* What is queued when its VM goes does nothing, and leaks nothing. */
static void test_destroy_with_queued_ops(void **state)
{
	u32 id = vm_create(), gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);
	struct panthor_stats stats;

	queue_three(id, gate, end);
	assert_int_equal(vm_bind(id, NOEXEC, 16 * MiB, TILE), 0);
	assert_int_equal(vm_destroy(id), 0);
	assert_int_equal(vm_destroy(id), -EINVAL);
	assert_int_equal(vmas(), 0);

	open_gate(fence);
	assert_int_equal(wait_syncobj(end), 0);
	/* The last reference goes with the queue, a moment later. */
	for (u32 i = 0; i < 5000; i++) {
		panthor_host_get_stats(vm_hw.ptdev, &stats);
		if (!stats.pt_pages)
			break;
		usleep(1000);
	}
	assert_int_equal(stats.pt_pages, 0);
	assert_int_equal(stats.vmas, 0);
}

/* The same when the file goes. */
static void test_close_with_queued_ops(void **state)
{
	u32 id = vm_create(), gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);

	queue_three(id, gate, end);
	linux_sys_close(vm_hw.file);
	vm_hw.file = NULL;
	assert_int_equal(vmas(), 0);
	/* The queue's work may still be at it when the device goes. */
	open_gate(fence);
}

/* The same again and again: what the work meets depends on who is faster. */
static void test_remove_with_queued_ops(void **state)
{
	for (u32 i = 0; i < 40; i++) {
		test_close_with_queued_ops(state);
		assert_int_equal(vm_power_off(state), 0);
		assert_int_equal(vm_boot(state), 0);
	}
}

/* Jobs that become ready during a reset run after it. */
static void test_reset_with_queued_ops(void **state)
{
	u32 id = vm_create(), other = vm_create();
	u32 gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);
	struct panthor_vm *vm = vm_activate(id, 1),
			  *vm_other = vm_activate(other, 2);

	queue_three(id, gate, end);
	vm_hw.reset_gate = fence;
	vm_hw.stuck = 1;
	assert_int_equal(vm_bind(other, NOEXEC, 0, TILE), -ETIMEDOUT);
	vm_wait_for_resets(1);
	assert_int_equal(wait_syncobj(end), 0);
	assert_int_equal(vm_get_state(id), DRM_PANTHOR_VM_STATE_USABLE);
	assert_true(vm_is_mapped(id, 32 * MiB));
	dma_fence_put(fence);
	panthor_host_vm_idle(vm);
	panthor_host_vm_idle(vm_other);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, vm_boot, vm_power_off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slots),
		TEST(fault),
		TEST(late_fault),
		TEST(lost_lock),
		TEST(lost_lock_of_a_cut),
		TEST(unusable),
		TEST(gate),
		TEST(destroy_with_queued_ops),
		TEST(close_with_queued_ops),
		TEST(remove_with_queued_ops),
		TEST(reset_with_queued_ops),
	};

	return cmocka_run_group_tests_name("VMs", tests, NULL, NULL);
}
