// SPDX-License-Identifier: MIT OR GPL-2.0
/* The range allocator against a map of units, and who may use an offset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <drm/drm_managed.h>
#include <drm/drm_mm.h>
#include <drm/drm_vma_manager.h>

#include "drm_fixture.h"

static void test_reserve(void **state)
{
	static const struct {
		uint64_t start, size;
		int ret;
	} cases[] = {
		/* [100, 200) is managed. */
		{ 150, 10, 0 },	       { 150, 10, -ENOSPC },
		{ 145, 10, -ENOSPC },  { 155, 10, -ENOSPC },
		{ 140, 100, -ENOSPC }, { 99, 1, -ENOSPC },
		{ 200, 1, -ENOSPC },   { 195, 6, -ENOSPC },
		{ 100, 50, 0 },	       { 160, 40, 0 },
		{ 120, 0, -ENOSPC },   { 100, 1, -ENOSPC },
	};
	struct drm_mm_node nodes[sizeof(cases) / sizeof(cases[0])] = {};
	struct drm_mm mm;

	drm_mm_init(&mm, 100, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		nodes[i].start = cases[i].start;
		nodes[i].size = cases[i].size;
		assert_int_equal(drm_mm_reserve_node(&mm, &nodes[i]),
				 cases[i].ret);
		assert_int_equal(drm_mm_node_allocated(&nodes[i]),
				 !cases[i].ret);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (drm_mm_node_allocated(&nodes[i]))
			drm_mm_remove_node(&nodes[i]);
	}
	assert_true(drm_mm_clean(&mm));
	drm_mm_takedown(&mm);
}

enum { UNITS = 500, SLOTS = 60 };

/* [start, end) is free, or not, in the reference. */
static bool is_free(const bool *used, uint64_t start, uint64_t end)
{
	for (uint64_t i = start; i < end; i++) {
		if (used[i])
			return false;
	}
	return true;
}

static bool fits_somewhere(const bool *used, uint64_t size, uint64_t align,
			   uint64_t start, uint64_t end)
{
	for (uint64_t at = (start + align - 1) / align * align;
	     at + size <= end; at += align) {
		if (is_free(used, at, at + size))
			return true;
	}
	return false;
}

static void test_random(void **state)
{
	struct drm_mm_node nodes[SLOTS] = {};
	bool used[UNITS] = {};
	unsigned int seed = 1;
	struct drm_mm mm;

	drm_mm_init(&mm, 0, UNITS);
	for (int step = 0; step < 20000; step++) {
		struct drm_mm_node *node = &nodes[rand_r(&seed) % SLOTS];
		uint64_t size = 1 + rand_r(&seed) % 40;
		uint64_t align = 1u << rand_r(&seed) % 5;
		uint64_t start = rand_r(&seed) % 100;
		uint64_t end = UNITS - rand_r(&seed) % 100;
		int ret;

		if (drm_mm_node_allocated(node)) {
			memset(used + node->start, false, node->size);
			drm_mm_remove_node(node);
			continue;
		}
		memset(node, 0, sizeof(*node));
		ret = drm_mm_insert_node_in_range(&mm, node, size, align, 0,
						  start, end,
						  step % 2 ?
							  DRM_MM_INSERT_BEST :
							  DRM_MM_INSERT_LOW);
		assert_int_equal(ret, fits_somewhere(used, size, align, start,
						     end) ?
					      0 :
					      -ENOSPC);
		if (ret)
			continue;
		assert_int_equal(node->size, size);
		assert_int_equal(node->start % align, 0);
		assert_true(node->start >= start && node->start + size <= end);
		assert_true(is_free(used, node->start, node->start + size));
		memset(used + node->start, true, size);
		assert_ptr_equal(linux_drm_mm_find(&mm, node->start), node);
		assert_ptr_equal(linux_drm_mm_find(&mm, node->start + size - 1),
				 node);
	}
	for (uint64_t i = 0; i < UNITS; i++)
		assert_int_equal(linux_drm_mm_find(&mm, i) != NULL, used[i]);
	for (int i = 0; i < SLOTS; i++) {
		if (drm_mm_node_allocated(&nodes[i]))
			drm_mm_remove_node(&nodes[i]);
	}
	drm_mm_takedown(&mm);
}

static void test_vma_manager(void **state)
{
	struct drm_file *one = (struct drm_file *)16, *two = (void *)32;
	struct drm_vma_offset_manager mgr;
	struct drm_vma_offset_node node;

	drm_vma_offset_manager_init(&mgr, 1000, 10);
	drm_vma_node_reset(&node);
	assert_int_equal(drm_vma_node_offset_addr(&node), 0);
	assert_int_equal(drm_vma_offset_add(&mgr, &node, 11), -ENOSPC);
	assert_int_equal(drm_vma_offset_add(&mgr, &node, 4), 0);
	assert_int_equal(drm_vma_offset_add(&mgr, &node, 4), 0);
	assert_int_equal(drm_vma_node_start(&node), 1000);
	assert_int_equal(drm_vma_node_offset_addr(&node), 1000 * 4096);

	drm_vma_offset_lock_lookup(&mgr);
	assert_ptr_equal(drm_vma_offset_lookup_locked(&mgr, 1000, 4), &node);
	assert_ptr_equal(drm_vma_offset_lookup_locked(&mgr, 1003, 1), &node);
	assert_null(drm_vma_offset_lookup_locked(&mgr, 1000, 5));
	assert_null(drm_vma_offset_lookup_locked(&mgr, 1004, 1));
	assert_null(drm_vma_offset_lookup_locked(&mgr, 1000, ~0ul));
	drm_vma_offset_unlock_lookup(&mgr);

	assert_false(drm_vma_node_is_allowed(&node, one));
	assert_int_equal(drm_vma_node_allow(&node, one), 0);
	assert_int_equal(drm_vma_node_allow(&node, one), 0);
	assert_int_equal(drm_vma_node_allow(&node, two), 0);
	drm_vma_node_revoke(&node, one);
	assert_true(drm_vma_node_is_allowed(&node, one));
	drm_vma_node_revoke(&node, one);
	assert_false(drm_vma_node_is_allowed(&node, one));
	assert_true(drm_vma_node_is_allowed(&node, two));
	drm_vma_node_revoke(&node, two);
	drm_vma_offset_remove(&mgr, &node);
	drm_vma_offset_manager_destroy(&mgr);
}

/* ---------------------------------------------------- managed resources --- */

static int released[3], num_released;
static struct mutex managed_mutex;

static void note_release(struct drm_device *dev, void *res)
{
	released[num_released++] = *(int *)res;
}

static void test_managed(void **state)
{
	static int numbers[] = { 1, 2, 3 };
	struct drm_device *dev = fixture_drm();
	void *memory;

	num_released = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(drmm_add_action(dev, note_release,
						 &numbers[i]),
				 0);
	drmm_release_action(dev, note_release, &numbers[1]);
	assert_int_equal(num_released, 1);
	assert_int_equal(released[0], 2);
	memory = drmm_kzalloc(dev, 100, GFP_KERNEL);
	assert_non_null(memory);
	drmm_kfree(dev, memory);
	assert_int_equal(drmm_mutex_init(dev, &managed_mutex), 0);
	mutex_lock(&managed_mutex);
	mutex_unlock(&managed_mutex);
	assert_string_equal(drmm_kstrdup(dev, "goes with the device",
					 GFP_KERNEL),
			    "goes with the device");
}

static int managed_teardown(void **state)
{
	fixture_teardown(state);
	/* The rest, newest first. */
	assert_int_equal(num_released, 3);
	assert_int_equal(released[1], 3);
	assert_int_equal(released[2], 1);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_random),
		cmocka_unit_test_setup_teardown(test_vma_manager, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_managed, fixture_setup,
						managed_teardown),
	};

	return cmocka_run_group_tests_name("drm mm", tests, NULL, NULL);
}
