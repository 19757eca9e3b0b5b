// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The 15 ways in which a request can meet an existing mapping, for a BO and for
 * sparse memory, checked in the tree and in the page tables.
 *
 * One character is 64 KiB. 'a' maps BO a at the offset of its column, 's' is
 * sparse, 'b' is BO b at the offset of its column, 'A' is BO a at an offset
 * that does not continue 'a', '.' is nothing. A case is what was mapped, what
 * is requested ('-' where it says nothing, 'u' where it unmaps), and the
 * result. 'x' stands for the kind of mapping that a case is run with.
 */
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_vm_bo.h"
#include "panthor_vma.h"
#include "pt_fixture.h"

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define SPARSE DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE

#define COLUMN SZ_64K
#define BASE (3ull << 30)

struct split_merge_case {
	const char *name;
	const char *before, *request, *after;
	u32 vmas; /* how many there are in the end */
};

static const struct split_merge_case cases[] = {
	{"map the same again", "..xxxx..", "--xxxx--", "..xxxx..", 1},
	{"map the same in part", "..xxxx..", "---xx---", "..xxxx..", 1},
	{"map exactly over, with another BO", "..xxxx..", "--bbbb--",
	 "..bbbb..", 1},
	{"map over the left part", "..xxxx..", "--bb----", "..bbxx..", 2},
	{"map over the right part", "..xxxx..", "----bb--", "..xxbb..", 2},
	{"map over the middle", "..xxxx..", "---bb---", "..xbbx..", 3},
	{"map across the left edge", "..xxxx..", "-bbb----", ".bbbxx..", 2},
	{"map across the right edge", "..xxxx..", "----bbb-", "..xxbbb.", 2},
	{"map over all and beyond", "..xxxx..", "-bbbbbb-", ".bbbbbb.", 1},
	{"map what continues to the left", "..xxxx..", "-x------", ".xxxxx..",
	 1},
	{"map what continues to the right", "..xxxx..", "------x-", "..xxxxx.",
	 1},
	{"map what closes a gap", ".xx..xx.", "---xx---", ".xxxxxx.", 1},
	{"unmap exactly, and beyond", "..xxxx..", "-uuuuuu-", "........", 0},
	{"unmap the edges of two", ".xxx.xx.", "--uuuu--", ".x....x.", 2},
	{"unmap the middle", "..xxxx..", "---uu---", "..x..x..", 2},
	/* And where merging would be wrong. */
	{"map next to it, from elsewhere in the BO", "..aaaa..", "------A-",
	 "..aaaaA.", 2},
	{"map over the middle, from elsewhere in the BO", "..aaaa..",
	 "---AA---", "..aAAa..", 3},
	{"give the middle back", "..xbbx..", "---xx---", "..xxxx..", 1},
	{"map over several", "xx.bb.xx", "-bbbbbb-", "xbbbbbbx", 3},
};

static struct {
	struct panthor_pt pt;
	struct panthor_vma_tree vmas;
	struct panthor_vm_bo a, b, dummy;
} t;

static bool map_column(char kind, u32 column, struct panthor_mapping *mapping)
{
	u64 start = BASE + (u64)column * COLUMN;

	*mapping = (struct panthor_mapping){
		.start = start,
		.end = start + COLUMN,
		.offset = (u64)column * COLUMN,
		.flags = NOEXEC,
	};

	switch (kind) {
	case 'a':
		mapping->bo = &t.a;
		return true;
	case 'A':
		mapping->bo = &t.a;
		mapping->offset += 8 * COLUMN;
		return true;
	case 'b':
		mapping->bo = &t.b;
		return true;
	case 's':
		mapping->bo = &t.dummy;
		mapping->flags |= SPARSE;
		mapping->offset = start % SZ_2M;
		return true;
	case 'u':
		mapping->flags = 0;
		mapping->offset = 0;
		return true;
	default:
		return false;
	}
}

/* Executes one op as the driver does. */
static void execute(const struct panthor_mapping *mapping)
{
	struct panthor_pt_edit edit = {
		.type = PANTHOR_PT_UNMAP,
		.start = mapping->start,
		.end = mapping->end,
		.offset = mapping->offset,
		.leaf = panthor_pt_leaf(mapping->flags),
	};
	u64 count = mapping->bo ? 2 : 1;
	LIST_HEAD(vmas);

	if (panthor_vma_is_mapped(&t.vmas, mapping))
		return;

	if (mapping->bo) {
		edit.type = mapping->flags & SPARSE ? PANTHOR_PT_SPARSE
						    : PANTHOR_PT_MAP;
		edit.backing = mapping->bo->backing;
	}

	assert_int_equal(panthor_vma_alloc(count, &vmas), 0);
	panthor_vma_reserve_add(&t.vmas, count, &vmas);
	panthor_vma_reserve_hold(&t.vmas, count);
	panthor_vma_assign(&t.vmas, mapping);
	panthor_vma_reserve_drop(&t.vmas, count);
	fixture_edit(&t.pt, &edit);
}

/* One op for each run of equal characters. */
static void execute_line(const char *line)
{
	struct panthor_mapping mapping, last;
	u32 i, end;

	for (i = 0; line[i]; i = end) {
		for (end = i + 1; line[end] == line[i]; end++)
			;
		if (!map_column(line[i], i, &mapping))
			continue;
		map_column(line[i], end - 1, &last);
		mapping.end = last.end;
		execute(&mapping);
	}
}

static void check_line(const char *line)
{
	struct panthor_mapping mapping;

	for (u32 i = 0; line[i]; i++) {
		u64 va = BASE + (u64)i * COLUMN;
		struct panthor_vma *vma = panthor_vma_first(&t.vmas, va);

		if (!map_column(line[i], i, &mapping)) {
			assert_unmapped(&t.pt, va, COLUMN);
			assert_true(!vma || vma->start >= va + COLUMN);
			continue;
		}

		assert_non_null(vma);
		assert_true(vma->start <= va && vma->end >= va + COLUMN);
		assert_ptr_equal(vma->bo, mapping.bo);
		assert_int_equal(vma->flags, mapping.flags);
		if (mapping.flags & SPARSE)
			assert_sparse(&t.pt, va, COLUMN, mapping.bo->backing,
				      mapping.flags);
		else
			assert_maps(&t.pt, va, COLUMN, mapping.bo->backing,
				    mapping.offset, mapping.flags);
	}
}

/* A copy of @line with its 'x' replaced. */
static const char *with_kind(const char *line, char kind, char *copy)
{
	u32 i;

	for (i = 0; line[i]; i++)
		copy[i] = line[i] == 'x' ? kind : line[i];
	copy[i] = '\0';
	return copy;
}

static void clear(void)
{
	execute(&(struct panthor_mapping){.end = 1ull << 47});
	assert_int_equal(t.vmas.count, 0);
	fixture_pt_clear(&t.pt);
}

static void run_cases(char kind, struct panthor_backing *backing,
		      bool block_dummy)
{
	char line[16];

	memset(&t, 0, sizeof(t));
	assert_int_equal(panthor_pt_init(&t.pt, fixture_device(), 48, true), 0);
	panthor_vma_tree_init(&t.vmas);
	t.a.backing = backing;
	t.b.backing = fixture_backing(0x900000000, 1, 512);
	t.dummy.backing = fixture_dummy(block_dummy);
	refcount_set(&t.a.refcount, 1);
	INIT_LIST_HEAD(&t.a.vmas);
	refcount_set(&t.b.refcount, 1);
	INIT_LIST_HEAD(&t.b.vmas);
	refcount_set(&t.dummy.refcount, 1);
	INIT_LIST_HEAD(&t.dummy.vmas);

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].name);
		execute_line(with_kind(cases[i].before, kind, line));
		check_line(with_kind(cases[i].before, kind, line));
		execute_line(with_kind(cases[i].request, kind, line));
		check_line(with_kind(cases[i].after, kind, line));
		assert_int_equal(t.vmas.count, cases[i].vmas);
		clear();
	}

	assert_int_equal(refcount_read(&t.a.refcount), 1);
	assert_int_equal(refcount_read(&t.b.refcount), 1);
	assert_int_equal(refcount_read(&t.dummy.refcount), 1);
	panthor_pt_fini(&t.pt);
	panthor_vma_tree_fini(&t.vmas);
	panthor_backing_destroy(t.a.backing);
	panthor_backing_destroy(t.b.backing);
	panthor_backing_destroy(t.dummy.backing);
}

static void test_contiguous_bo(void **state)
{
	run_cases('a', fixture_backing(0x800000000, 512, 1), true);
}

static void test_scattered_bo(void **state)
{
	run_cases('a', fixture_backing(0x800000000, 1, 512), false);
}

static void test_sparse_block(void **state)
{
	run_cases('s', fixture_backing(0x800000000, 512, 1), true);
}

static void test_sparse_pages(void **state)
{
	run_cases('s', fixture_backing(0x800000000, 512, 1), false);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, fixture_setup,            \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(contiguous_bo),
		TEST(scattered_bo),
		TEST(sparse_block),
		TEST(sparse_pages),
	};

	return cmocka_run_group_tests_name("split and merge", tests, NULL,
					   NULL);
}
