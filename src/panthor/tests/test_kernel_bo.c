// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * BOs of the driver's own: where they go, how long they are mapped, what is
 * refused, and that a failure on the way leaves nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <linux/err.h>
#include <linux/sizes.h>

#include <drm/drm_file.h>
#include <drm-uapi/panthor_drm.h>

#include "fw_vm.h"
#include "panthor_device.h"
#include "panthor_kernel_bo.h"
#include "panthor_vm.h"
#include "pt_walker.h"

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define ANYWHERE PANTHOR_VM_KERNEL_AUTO_VA

static struct panthor_kernel_bo *create(u64 size, u64 va)
{
	return panthor_kernel_bo_create(
		hw.ptdev, vm, size, DRM_PANTHOR_BO_NO_MMAP, NOEXEC, va, "test");
}

static void test_range(void **state)
{
	const u64 start_va = 1ull << 47, end_va = 1ull << 48;
	struct panthor_kernel_bo *small, *large, *fixed;

	start();
	assert_int_equal(vm->user_va_range, start_va);

	small = create(5000, ANYWHERE);
	large = create(SZ_2M + 1, ANYWHERE);
	fixed = create(SZ_4K, end_va - SZ_4K);
	assert_false(IS_ERR(small) || IS_ERR(large) || IS_ERR(fixed));
	assert_int_equal(small->size, SZ_8K);
	assert_in_range(small->va, start_va, end_va - SZ_8K);
	assert_int_equal(large->va % SZ_2M, 0);
	assert_true(fixed->va == end_va - SZ_4K);
	assert_non_null(at(small->va + SZ_4K));
	assert_non_null(at(large->va + SZ_2M));
	assert_non_null(at(fixed->va));

	/* Taken, a process's, or nobody's. */
	assert_int_equal(PTR_ERR(create(SZ_4K, small->va + SZ_4K)), -ENOSPC);
	assert_int_equal(PTR_ERR(create(SZ_8K, end_va - SZ_8K)), -ENOSPC);
	assert_int_equal(PTR_ERR(create(SZ_4K, start_va - SZ_4K)), -ENOSPC);
	assert_int_equal(PTR_ERR(create(SZ_8K, start_va - SZ_4K)), -ENOSPC);
	assert_int_equal(PTR_ERR(create(SZ_4K, end_va)), -ENOSPC);
	assert_int_equal(PTR_ERR(create(0, ANYWHERE)), -EINVAL);

	panthor_kernel_bo_destroy(fixed);
	assert_null(at(end_va - SZ_4K));
	fixed = create(SZ_8K, end_va - SZ_8K);
	assert_false(IS_ERR(fixed));

	panthor_kernel_bo_destroy(fixed);
	panthor_kernel_bo_destroy(large);
	panthor_kernel_bo_destroy(small);
	panthor_kernel_bo_destroy(NULL);
	panthor_kernel_bo_destroy(ERR_PTR(-ENOMEM));
	stop();
}

/* A process can neither bind nor unbind there. */
static void test_out_of_reach(void **state)
{
	struct panthor_kernel_bo *kbo;
	struct drm_panthor_vm_bind_op op = {
		.flags = (u32)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.size = SZ_4K,
	};
	struct drm_panthor_vm_bind bind = {
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	start();
	kbo = create(SZ_4K, ANYWHERE);
	assert_false(IS_ERR(kbo));
	bind.vm_id = vm_id;
	op.va = kbo->va;
	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_PANTHOR_VM_BIND, &bind),
		-EINVAL);
	assert_non_null(at(kbo->va));
	panthor_kernel_bo_destroy(kbo);
	stop();
}

static void test_contents(void **state)
{
	struct panthor_kernel_bo *kbo;
	char *first, *second;

	start();
	kbo = create(SZ_8K, ANYWHERE);
	assert_false(IS_ERR(kbo));
	first = at(kbo->va);
	second = at(kbo->va + SZ_4K);
	assert_int_equal(first[0], 0);

	assert_null(kbo->kmap);
	assert_int_equal(panthor_kernel_bo_vmap(kbo), 0);
	assert_int_equal(panthor_kernel_bo_vmap(kbo), 0);
	strcpy(kbo->kmap, "first");
	strcpy((char *)kbo->kmap + SZ_4K, "second");
	assert_string_equal(first, "first");
	assert_string_equal(second, "second");
	panthor_kernel_bo_vunmap(kbo);
	assert_null(kbo->kmap);
	panthor_kernel_bo_vunmap(kbo);

	panthor_kernel_bo_destroy(kbo);
	stop();
}

/* VM_DESTROY unmaps; the owner frees when it likes. */
static void test_destroyed_vm(void **state)
{
	struct panthor_kernel_bo *kbos[3];
	u32 i;

	start();
	for (i = 0; i < ARRAY_SIZE(kbos); i++) {
		kbos[i] = create(SZ_64K, ANYWHERE);
		assert_false(IS_ERR(kbos[i]));
	}
	assert_int_equal(panthor_kernel_bo_vmap(kbos[0]), 0);

	destroy_vm();
	for (i = 0; i < ARRAY_SIZE(kbos); i++)
		assert_null(at(kbos[i]->va));
	strcpy(kbos[0]->kmap, "still there");
	assert_int_equal(PTR_ERR(create(SZ_4K, ANYWHERE)), -EINVAL);

	for (i = 0; i < ARRAY_SIZE(kbos); i++)
		panthor_kernel_bo_destroy(kbos[i]);
	stop();
}

/* The driver goes on where a process may not. */
static void test_unusable_vm(void **state)
{
	struct panthor_kernel_bo *kbo;

	start();
	panthor_vm_lock(vm);
	panthor_vm_set_unusable(vm);
	panthor_vm_unlock(vm);

	kbo = create(SZ_4K, ANYWHERE);
	assert_false(IS_ERR(kbo));
	assert_non_null(at(kbo->va));
	panthor_kernel_bo_destroy(kbo);
	stop();
}

/*
 * Unmapping sets nothing aside and cannot fail: not even where pages of
 * neighbours had become one block, which must be split again.
 */
static void test_unmap_without_memory(void **state)
{
	const u64 va = (1ull << 47) + SZ_2M;
	struct panthor_kernel_bo *kbos[8];
	u32 i;

	start();
	for (i = 0; i < ARRAY_SIZE(kbos); i++) {
		kbos[i] = create(SZ_256K, va + i * SZ_256K);
		assert_false(IS_ERR(kbos[i]));
	}
	for (i = 1; i < ARRAY_SIZE(kbos); i += 2) {
		linux_inject_failure(0);
		panthor_kernel_bo_destroy(kbos[i]);
		linux_inject_failure(UINT64_MAX);
		assert_null(at(va + i * SZ_256K));
		assert_non_null(at(va + i * SZ_256K - SZ_4K));
	}
	for (i = 0; i < ARRAY_SIZE(kbos); i += 2)
		panthor_kernel_bo_destroy(kbos[i]);
	stop();
}

/* The n-th step fails, for every n. */
static void test_without_memory(void **state)
{
	struct panthor_kernel_bo *kbo;
	u64 n, passed, used;
	u64 failures = 0;

	start();
	used = dram_used();
	for (n = 0;; n++) {
		linux_inject_failure(n);
		kbo = create(SZ_64K, ANYWHERE);
		if (!IS_ERR(kbo) && panthor_kernel_bo_vmap(kbo)) {
			panthor_kernel_bo_destroy(kbo);
			kbo = ERR_PTR(-ENOMEM);
		}
		passed = linux_inject_failure(UINT64_MAX);
		if (IS_ERR(kbo)) {
			failures++;
			assert_int_equal(PTR_ERR(kbo), -ENOMEM);
			assert_int_equal(vm->vmas.count, 0);
			assert_int_equal(vm->pt.pages, 1);
			assert_int_equal(dram_used(), used);
			continue;
		}
		panthor_kernel_bo_destroy(kbo);
		if (passed <= n)
			break;
	}
	assert_in_range(failures, 8, 200);
	stop();
}

#define KBO_TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, machine_boot, machine_shutdown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KBO_TEST(test_range),
		KBO_TEST(test_out_of_reach),
		KBO_TEST(test_contents),
		KBO_TEST(test_destroyed_vm),
		KBO_TEST(test_unusable_vm),
		KBO_TEST(test_unmap_without_memory),
		KBO_TEST(test_without_memory),
	};

	return cmocka_run_group_tests_name("panthor-kernel-bo", tests, NULL,
					   NULL);
}
