// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What VM_BIND tells the MMU: the region locks of ops, of batches of them and
 * of those that are cut, and of a VM that gains a slot in the middle of one.
 */
#include "vm_fixture.h"

#include <linux/mutex.h>

#include <drm/drm_file.h>

/* ---------------------------------------------------------------- locks -- */

/* An op locks its range, flushes, unlocks; one that changes nothing does not.
 */
static void test_lock_of_an_op(void **state)
{
	u32 id = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);

	vm_forget_events();
	assert_int_equal(vm_bind(id, NOEXEC, 16 * MiB + TILE, TILE), 0);
	vm_assert_one_lock((16 * MiB + TILE) | 15);
	assert_int_equal(vm_bind(id, NOEXEC, 32 * MiB, 4 * MiB), 0);
	vm_assert_one_lock(32 * MiB | 21);

	/* The same again, and nothing where nothing is. */
	assert_int_equal(vm_bind(id, NOEXEC, 32 * MiB, 4 * MiB), 0);
	assert_int_equal(vm_bind(id, UNMAP, 64 * MiB, 64 * MiB), 0);
	vm_assert_events(NULL, 0);

	/* A part of a block locks all of it, and so does making it whole. */
	assert_int_equal(vm_bind(id, UNMAP, 34 * MiB, TILE), 0);
	vm_assert_one_lock(34 * MiB | 20);
	{
		struct drm_panthor_vm_bind_op op =
			vm_make_op(NOEXEC, 34 * MiB, TILE);

		op.bo_offset = 2 * MiB;
		assert_int_equal(vm_bind_ops(id, 0, &op, 1, NULL), 0);
		vm_assert_one_lock(34 * MiB | 20);
	}

	/* The smallest region there is. */
	assert_int_equal(vm_bind(id, SPARSE, 128 * MiB + 0x4000, 0x1000), 0);
	vm_assert_one_lock(128 * MiB | 14);
	panthor_host_vm_idle(vm);
}

/* Neighbours share a lock as long as it locks no more than twice what they
 * bind. */
static void test_batches(void **state)
{
	struct drm_panthor_vm_bind_op ops[8];
	u32 id = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);

	for (u32 i = 0; i < 8; i++)
		ops[i] = vm_make_op(NOEXEC, 16 * MiB + i * TILE, TILE);
	vm_forget_events();
	assert_int_equal(vm_bind_ops(id, 0, ops, 8, NULL), 0);
	vm_assert_one_lock(16 * MiB | 18);

	/* Every other tile: just so. */
	for (u32 i = 0; i < 8; i++)
		ops[i] = vm_make_op(UNMAP, 16 * MiB + i * 2 * TILE, TILE);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(vm_bind(id, NOEXEC, ops[i].va, TILE), 0);
	vm_forget_events();
	assert_int_equal(vm_bind_ops(id, 0, ops, 4, NULL), 0);
	vm_assert_one_lock(16 * MiB | 18);

	/* Every fourth: not. Each has a lock of its own. */
	for (u32 i = 0; i < 8; i++)
		ops[i] = vm_make_op(NOEXEC, 32 * MiB + i * 4 * TILE, TILE);
	assert_int_equal(vm_bind_ops(id, 0, ops, 8, NULL), 0);
	{
		struct vm_event events[24];

		for (u32 i = 0; i < 8; i++) {
			events[3 * i] = (struct vm_event){
				LOCK, 1, (32 * MiB + i * 4 * TILE) | 15};
			events[3 * i + 1] = (struct vm_event){FLUSH};
			events[3 * i + 2] = (struct vm_event){UNLOCK, 1};
		}
		vm_assert_events(events, 24);
	}
	panthor_host_vm_idle(vm);
}

/* An op across a line of high alignment is cut there. */
static void test_cut(void **state)
{
	static const struct {
		u64 start, size;
		u64 locks[2]; /* as LOCKADDR has it; 0: there is just one */
	} cases[] = {
		{(1ull << 39) - 0x1000,
		 0x2000,
		 {((1ull << 39) - 0x8000) | 14, (1ull << 39) | 14}},
		{(1ull << 46) - TILE,
		 2 * TILE,
		 {((1ull << 46) - TILE) | 15, (1ull << 46) | 15}},
		{64 * MiB - TILE,
		 32 * MiB,
		 {(64 * MiB - TILE) | 15, 64 * MiB | 24}},
		{64 * MiB - TILE, 64 * MiB, {0 | 26}},
		{64 * MiB, 33 * MiB, {64 * MiB | 25}},
		{0, 1ull << 47, {0 | 46}},
	};
	u32 id = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vm_event events[] = {
			{LOCK, 1, cases[i].locks[0]}, {FLUSH}, {UNLOCK, 1},
			{LOCK, 1, cases[i].locks[1]}, {FLUSH}, {UNLOCK, 1},
		};

		vm_forget_events();
		assert_int_equal(
			vm_bind(id, SPARSE, cases[i].start, cases[i].size), 0);
		vm_assert_events(events, cases[i].locks[1] ? 6 : 3);
		assert_true(vm_is_mapped(id, cases[i].start));
		assert_true(
			vm_is_mapped(id, cases[i].start + cases[i].size - 1));
		assert_int_equal(vm_bind(id, UNMAP, 0, 1ull << 47), 0);
		assert_false(vm_is_mapped(id, cases[i].start));
	}
	panthor_host_vm_idle(vm);
}

/* Locking and expanding are two functions, and tell each other's misuse. */
static void test_lock_and_expand(void **state)
{
	u32 id = vm_create();
	struct panthor_vm *vm = vm_activate(id, 1);

	mutex_lock(&vm->op_lock);
	vm_forget_events();
	assert_int_equal(panthor_mmu_expand_locked_region(vm, 0, TILE),
			 -EINVAL);
	assert_int_equal(panthor_mmu_lock_region(vm, TILE, TILE), -EINVAL);
	vm_assert_events(NULL, 0);

	assert_int_equal(panthor_mmu_lock_region(vm, TILE, 2 * TILE), 0);
	vm_assert_events(&(struct vm_event){LOCK, 1, TILE | 15}, 1);
	assert_int_equal(panthor_mmu_lock_region(vm, TILE, 2 * TILE), -EINVAL);
	assert_int_equal(panthor_mmu_expand_locked_region(vm, MiB, 2 * MiB),
			 -EINVAL);
	assert_int_equal(panthor_mmu_expand_locked_region(vm, TILE, 2 * TILE),
			 0);
	vm_assert_events(NULL, 0);

	assert_int_equal(panthor_mmu_expand_locked_region(vm, TILE, 3 * TILE),
			 0);
	vm_assert_events(&(struct vm_event){LOCK, 1, 17}, 1);
	panthor_mmu_unlock_region(vm);
	vm_assert_events((const struct vm_event[]){{FLUSH}, {UNLOCK, 1}}, 2);
	mutex_unlock(&vm->op_lock);
	panthor_host_vm_idle(vm);
}

static struct panthor_vm *get_vm(u32 id)
{
	struct panthor_file *pfile = linux_file_drm(vm_hw.file)->driver_priv;
	struct panthor_vm *vm = panthor_vm_pool_get_vm(pfile->vms, id);

	assert_non_null(vm);
	return vm;
}

/* A VM that gets its slot in the middle of an op is locked there, too. */
static void test_slot_in_mid_op(void **state)
{
	const struct vm_event gained[] = {
		{FLUSH}, /* of the VM that had the slot */
		{UPDATE, 1},
		{LOCK, 1, TILE | 15},
	};
	struct panthor_vm *vm = get_vm(vm_create());

	/* Both slots are taken by others that are idle. */
	panthor_host_vm_idle(vm_activate(vm_create(), 1));
	panthor_host_vm_idle(vm_activate(vm_create(), 2));

	mutex_lock(&vm->op_lock);
	vm_forget_events();
	assert_int_equal(panthor_mmu_lock_region(vm, TILE, 2 * TILE), 0);
	vm_assert_events(NULL, 0);

	/* Nobody waits for the op. */
	assert_int_equal(panthor_vm_active(vm), 1);
	vm_assert_events(gained, 3);
	panthor_mmu_unlock_region(vm);
	vm_assert_events((const struct vm_event[]){{FLUSH}, {UNLOCK, 1}}, 2);
	mutex_unlock(&vm->op_lock);
	panthor_vm_idle(vm);
	panthor_vm_put(vm);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, vm_boot, vm_power_off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lock_of_an_op),   TEST(batches),	     TEST(cut),
		TEST(lock_and_expand), TEST(slot_in_mid_op),
	};

	return cmocka_run_group_tests_name("locks of VMs", tests, NULL, NULL);
}
