// SPDX-License-Identifier: MIT OR GPL-2.0
/* Containers and arithmetic, against models too simple to be wrong. */
#include "core_machine.h"

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/idr.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/xarray.h>
#include <pthread.h>

/* ---------------------------------------------------------------- rbtree -- */

struct item {
	struct rb_node node;
	u32 key;
};

static struct item *to_item(const struct rb_node *node)
{
	return rb_entry(node, struct item, node);
}

static bool item_less(struct rb_node *a, const struct rb_node *b)
{
	return to_item(a)->key < to_item(b)->key;
}

static int item_cmp(const void *key, const struct rb_node *node)
{
	u32 k = *(const u32 *)key, n = to_item(node)->key;

	return k < n ? -1 : k > n;
}

/* The number of black nodes on every way down; fails if they differ. */
static int black_height(const struct rb_node *node,
			const struct rb_node *parent)
{
	bool red;
	int left, right;

	if (!node)
		return 0;
	red = !(node->__rb_parent_color & 1);
	CHECK(rb_parent(node) == parent);
	if (red) {
		CHECK(parent && (parent->__rb_parent_color & 1));
		CHECK(!node->rb_left || (node->rb_left->__rb_parent_color & 1));
		CHECK(!node->rb_right ||
		      (node->rb_right->__rb_parent_color & 1));
	}
	left = black_height(node->rb_left, node);
	right = black_height(node->rb_right, node);
	CHECK(left == right);
	return left + !red;
}

#define KEYS 300

static void test_rbtree_random(void **state)
{
	struct item items[KEYS];
	bool present[KEYS] = {false};
	struct rb_root_cached tree = RB_ROOT_CACHED;
	struct rb_root *root = &tree.rb_root;

	for (u32 i = 0; i < KEYS; i++) {
		items[i].key = i;
		RB_CLEAR_NODE(&items[i].node);
	}
	for (int step = 0; step < 20000; step++) {
		/* Long runs of insertions and of removals. */
		bool insert = (machine_random() % 100) <
			      ((step / 1000) % 2 ? 20 : 80);
		u32 i = machine_random() % KEYS;
		struct rb_node *node, *found;
		u32 k;

		if (insert && !present[i]) {
			rb_add_cached(&items[i].node, &tree, item_less);
			present[i] = true;
		} else if (!insert && present[i]) {
			rb_erase_cached(&items[i].node, &tree);
			RB_CLEAR_NODE(&items[i].node);
			present[i] = false;
		}
		found = rb_find(&i, root, item_cmp);
		CHECK(found == (present[i] ? &items[i].node : NULL));
		if (step % 16)
			continue;

		black_height(root->rb_node, NULL);
		CHECK(rb_first_cached(&tree) == rb_first(root));
		for (k = 0, node = rb_first(root); node; node = rb_next(node)) {
			while (k < KEYS && !present[k])
				k++;
			CHECK(k < KEYS && to_item(node)->key == k);
			k++;
		}
		while (k < KEYS)
			CHECK(!present[k++]);
		for (node = rb_last(root), k = KEYS; node;
		     node = rb_prev(node)) {
			CHECK(to_item(node)->key < k);
			k = to_item(node)->key;
		}
	}
}

static void test_rbtree_equal_and_replace(void **state)
{
	struct item items[10], other = {.key = 5};
	struct rb_root root = RB_ROOT;
	struct item *pos, *next;
	u32 key = 5;
	int seen = 0;

	for (int i = 0; i < 10; i++) {
		items[i].key = 5;
		rb_add(&items[i].node, &root, item_less);
	}
	/* Equal keys keep the order of insertion. */
	assert_ptr_equal(rb_find_first(&key, &root, item_cmp), &items[0].node);
	assert_ptr_equal(rb_first(&root), &items[0].node);
	assert_ptr_equal(rb_last(&root), &items[9].node);

	rb_replace_node(&items[4].node, &other.node, &root);
	assert_ptr_equal(rb_next(&items[3].node), &other.node);
	assert_ptr_equal(rb_prev(&items[5].node), &other.node);
	black_height(root.rb_node, NULL);

	/* Children come before their parents, so each may be overwritten. */
	rbtree_postorder_for_each_entry_safe(pos, next, &root, node)
	{
		memset(pos, 0xff, sizeof(*pos));
		seen++;
	}
	assert_int_equal(seen, 10);
	root = RB_ROOT;
	assert_true(RB_EMPTY_ROOT(&root));
	assert_null(rb_first(&root));
	assert_null(rb_first_postorder(&root));
}

/* ---------------------------------------------------------------- xarray -- */

#define INDICES 5000

static unsigned long spread(unsigned long i)
{
	/* A dense start, a sparse middle, and both ends of the range. */
	if (i < 1000)
		return i;
	if (i < 4000)
		return 1000 + (i - 1000) * 7919;
	return ULONG_MAX - (INDICES - 1 - i) * 4097;
}

static void test_xarray_random(void **state)
{
	static u32 values[INDICES];
	void *model[INDICES] = {NULL};
	DEFINE_XARRAY(xa);

	for (int step = 0; step < 60000; step++) {
		unsigned long i = machine_random() % INDICES;
		unsigned long index = spread(i), at;
		void *entry = &values[machine_random() % INDICES];
		void *found;
		u64 j;

		switch (machine_random() % 6) {
		case 0:
		case 1:
			CHECK(xa_store(&xa, index, entry, GFP_KERNEL) ==
			      model[i]);
			model[i] = entry;
			break;
		case 2:
			CHECK(xa_insert(&xa, index, entry, GFP_KERNEL) ==
			      (model[i] ? -EBUSY : 0));
			if (!model[i])
				model[i] = entry;
			break;
		case 3:
			CHECK(xa_erase(&xa, index) == model[i]);
			model[i] = NULL;
			break;
		case 4:
			CHECK(xa_cmpxchg(&xa, index, model[i], entry,
					 GFP_KERNEL) == model[i]);
			model[i] = entry;
			break;
		default:
			CHECK(xa_load(&xa, index) == model[i]);
		}
		if (step % 1000)
			continue;
		j = 0;
		xa_for_each (&xa, at, found) {
			while (j < INDICES && !model[j])
				j++;
			CHECK(j < INDICES && at == spread(j) &&
			      found == model[j]);
			j++;
		}
		while (j < INDICES)
			CHECK(!model[j++]);
	}
	xa_destroy(&xa);
	assert_true(xa_empty(&xa));
}

static void test_xarray_alloc_lowest(void **state)
{
	bool model[300] = {false};
	struct xarray xa;
	u32 id, v;

	xa_init_flags(&xa, XA_FLAGS_ALLOC1);
	for (int step = 0; step < 20000; step++) {
		if (machine_random() % 100 < 55) {
			u32 min = machine_random() % 2
					  ? 1
					  : 1 + machine_random() % 299;
			u32 want = min;
			int ret = xa_alloc(&xa, &id, &v, XA_LIMIT(min, 299),
					   GFP_KERNEL);

			while (want < 300 && model[want])
				want++;
			if (want == 300) {
				CHECK(ret == -EBUSY);
			} else {
				CHECK(ret == 0 && id == want);
				model[want] = true;
			}
		} else {
			id = 1 + machine_random() % 299;
			CHECK((xa_erase(&xa, id) != NULL) == model[id]);
			model[id] = false;
		}
	}
	xa_destroy(&xa);
}

static void test_xarray_alloc_far(void **state)
{
	DEFINE_XARRAY_ALLOC(xa);
	u32 id, next = 0, v;

	/* Full stretches on several levels must be skipped. */
	for (u32 i = 0; i < 64 * 64 + 10; i++) {
		assert_int_equal(
			xa_alloc(&xa, &id, &v, xa_limit_32b, GFP_KERNEL), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(
		xa_alloc(&xa, &id, &v, XA_LIMIT(4000, 4100), GFP_KERNEL),
		-EBUSY);
	assert_int_equal(xa_alloc(&xa, &id, &v, XA_LIMIT(UINT_MAX, UINT_MAX),
				  GFP_KERNEL),
			 0);
	assert_int_equal(id, UINT_MAX);
	assert_int_equal(xa_alloc(&xa, &id, &v, XA_LIMIT(UINT_MAX, UINT_MAX),
				  GFP_KERNEL),
			 -EBUSY);
	/* What is free below the limit does not lead the search astray. */
	xa_erase(&xa, 5);
	xa_erase(&xa, 4040);
	assert_int_equal(
		xa_alloc(&xa, &id, &v, XA_LIMIT(4090, UINT_MAX), GFP_KERNEL),
		0);
	assert_int_equal(id, 4106);
	assert_int_equal(xa_alloc(&xa, &id, &v, xa_limit_32b, GFP_KERNEL), 0);
	assert_int_equal(id, 5);
	assert_int_equal(xa_insert(&xa, 4040, &v, GFP_KERNEL), 0);
	xa_erase(&xa, 77);
	assert_int_equal(xa_alloc(&xa, &id, &v, xa_limit_32b, GFP_KERNEL), 0);
	assert_int_equal(id, 77);

	/* Cyclic: onwards, then round. */
	next = 5000;
	assert_int_equal(xa_alloc_cyclic(&xa, &id, &v, XA_LIMIT(0, 5001), &next,
					 GFP_KERNEL),
			 0);
	assert_int_equal(id, 5000);
	xa_erase(&xa, 3);
	assert_int_equal(xa_alloc_cyclic(&xa, &id, &v, XA_LIMIT(0, 5001), &next,
					 GFP_KERNEL),
			 0);
	assert_int_equal(id, 5001);
	next = 5002;
	assert_int_equal(xa_alloc_cyclic(&xa, &id, &v, XA_LIMIT(0, 5001), &next,
					 GFP_KERNEL),
			 1);
	assert_int_equal(id, 3);

	/* A NULL entry keeps its index and is invisible. */
	xa_erase(&xa, 9);
	assert_int_equal(xa_alloc(&xa, &id, NULL, xa_limit_32b, GFP_KERNEL), 0);
	assert_int_equal(id, 9);
	assert_null(xa_load(&xa, 9));
	assert_int_equal(xa_insert(&xa, 9, &v, GFP_KERNEL), -EBUSY);
	xa_destroy(&xa);
}

/* Readers never see a freed node, nor anything but what was stored. */
static struct xarray raced;
static u32 raced_values[200];
static bool raced_stop;

static void *race_reader(void *arg)
{
	while (!READ_ONCE(raced_stop)) {
		unsigned long index;
		void *entry;

		for (unsigned long i = 0; i < 200; i++) {
			entry = xa_load(&raced, i * 67);
			CHECK(!entry || entry == &raced_values[i]);
		}
		xa_for_each (&raced, index, entry)
			CHECK(entry == &raced_values[index / 67]);
	}
	return NULL;
}

static void test_xarray_rcu_readers(void **state)
{
	pthread_t threads[2];

	xa_init(&raced);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, race_reader, NULL);
	for (int step = 0; step < 20000; step++) {
		unsigned long i = machine_random() % 200;

		if (machine_random() % 2)
			xa_store(&raced, i * 67, &raced_values[i], GFP_KERNEL);
		else
			xa_erase(&raced, i * 67);
		if (step % 5000 == 4999)
			xa_destroy(&raced);
	}
	WRITE_ONCE(raced_stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	xa_destroy(&raced);
}

static void test_xarray_no_memory(void **state)
{
	DEFINE_XARRAY_ALLOC(xa);
	u32 id, v;
	void *ret;

	for (u64 n = 0;; n++) {
		linux_inject_failure(n);
		ret = xa_store(&xa, 1ul << 40, &v, GFP_KERNEL);
		linux_inject_failure(UINT64_MAX);
		if (!xa_is_err(ret))
			break;
		assert_int_equal(xa_err(ret), -ENOMEM);
		assert_null(xa_load(&xa, 1ul << 40));
		/* What was made on the way is gone again. */
		assert_true(xa_empty(&xa));
	}
	assert_ptr_equal(xa_load(&xa, 1ul << 40), &v);
	linux_inject_failure(0);
	assert_int_equal(xa_alloc(&xa, &id, &v, xa_limit_32b, GFP_KERNEL),
			 -ENOMEM);
	linux_inject_failure(UINT64_MAX);
	assert_int_equal(xa_alloc(&xa, &id, &v, xa_limit_32b, GFP_KERNEL), 0);
	assert_int_equal(id, 0);
	xa_destroy(&xa);

	assert_false(xa_is_err(NULL));
	assert_false(xa_is_err(&v));
	assert_false(xa_is_err(xa_mk_value(5)));
	assert_int_equal(xa_to_value(xa_mk_value(5)), 5);
}

static int sum_ids(int id, void *p, void *data)
{
	*(int *)data += id;
	return id == 12 ? -EINTR : 0;
}

static void test_idr(void **state)
{
	DEFINE_IDR(idr);
	u32 a, b;
	void *entry;
	int id, sum = 0;

	assert_int_equal(idr_alloc(&idr, &a, 10, 13, GFP_KERNEL), 10);
	assert_int_equal(idr_alloc(&idr, &b, 10, 13, GFP_KERNEL), 11);
	idr_preload(GFP_KERNEL);
	assert_int_equal(idr_alloc(&idr, NULL, 10, 13, GFP_NOWAIT), 12);
	idr_preload_end();
	assert_int_equal(idr_alloc(&idr, &a, 10, 13, GFP_KERNEL), -ENOSPC);
	assert_null(idr_find(&idr, 12));
	assert_ptr_equal(idr_replace(&idr, &a, 12), NULL);
	assert_ptr_equal(idr_find(&idr, 12), &a);
	assert_int_equal(PTR_ERR(idr_replace(&idr, &a, 99)), -ENOENT);
	assert_null(idr_find(&idr, 99));
	assert_int_equal(idr_for_each(&idr, sum_ids, &sum), -EINTR);
	assert_int_equal(sum, 33);
	assert_ptr_equal(idr_remove(&idr, 11), &b);
	assert_null(idr_remove(&idr, 11));
	sum = 0;
	idr_for_each_entry(&idr, entry, id) sum += id;
	assert_int_equal(sum, 22);
	assert_int_equal(idr_alloc_cyclic(&idr, &a, 1, 0, GFP_KERNEL), 1);
	assert_int_equal(idr_alloc_cyclic(&idr, &a, 1, 0, GFP_KERNEL), 2);
	idr_remove(&idr, 1);
	assert_int_equal(idr_alloc_cyclic(&idr, &a, 1, 0, GFP_KERNEL), 3);
	idr_destroy(&idr);
	assert_true(idr_is_empty(&idr));

	/* Ids can start at 1. */
	idr_init_base(&idr, 1);
	assert_int_equal(idr_alloc(&idr, &a, 0, 0, GFP_KERNEL), 1);
	idr_destroy(&idr);
}

/* ----------------------------------------------------------------- lists -- */

struct node {
	int value;
	struct list_head link;
};

static void check_list(struct list_head *head, int count, const int *values)
{
	struct node *pos;
	int i = 0;

	list_for_each_entry (pos, head, link)
		CHECK(i < count && pos->value == values[i++]);
	CHECK(i == count);
	list_for_each_entry_reverse(pos, head, link)
		CHECK(pos->value == values[--i]);
}
#define CHECK_LIST(head, ...)                                                  \
	check_list(head, ARRAY_SIZE(((int[]){__VA_ARGS__})),                   \
		   (int[]){__VA_ARGS__})

static void test_list(void **state)
{
	struct node n[6], *pos, *next;
	LIST_HEAD(a);
	LIST_HEAD(b);

	for (int i = 0; i < 6; i++)
		n[i].value = i;
	list_add_tail(&n[0].link, &a);
	list_add_tail(&n[1].link, &a);
	list_add(&n[2].link, &a);
	CHECK_LIST(&a, 2, 0, 1);
	list_add_tail(&n[3].link, &b);
	list_add_tail(&n[4].link, &b);
	list_splice_init(&b, &a);
	CHECK_LIST(&a, 3, 4, 2, 0, 1);
	assert_true(list_empty(&b));
	list_move_tail(&n[4].link, &a);
	CHECK_LIST(&a, 3, 2, 0, 1, 4);
	list_cut_position(&b, &a, &n[2].link);
	CHECK_LIST(&b, 3, 2);
	CHECK_LIST(&a, 0, 1, 4);
	list_splice_tail_init(&b, &a);
	CHECK_LIST(&a, 0, 1, 4, 3, 2);
	list_rotate_left(&a);
	CHECK_LIST(&a, 1, 4, 3, 2, 0);
	list_replace(&n[4].link, &n[5].link);
	CHECK_LIST(&a, 1, 5, 3, 2, 0);
	assert_int_equal(list_count_nodes(&a), 5);
	assert_true(list_is_last(&n[0].link, &a));
	assert_true(list_is_first(&n[1].link, &a));
	list_for_each_entry_safe (pos, next, &a, link)
		list_del_init(&pos->link);
	assert_true(list_empty(&a));
	assert_null(list_first_entry_or_null(&a, struct node, link));
}

/* ------------------------------------------------------------ arithmetic -- */

static int cmp_u32(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void test_sort(void **state)
{
	for (u32 n = 0; n < 200; n++) {
		u32 a[200], sum = 0;

		for (u32 i = 0; i < n; i++)
			sum += a[i] = machine_random() % 50;
		sort(a, n, sizeof(a[0]), cmp_u32, NULL);
		for (u32 i = 0; i < n; i++) {
			CHECK(!i || a[i - 1] <= a[i]);
			sum -= a[i];
		}
		CHECK(sum == 0);
	}
}

static void test_bits(void **state)
{
	DECLARE_BITMAP(map, 200);
	unsigned long bit;
	int sum = 0;

	assert_int_equal(fls(0), 0);
	assert_int_equal(fls(1), 1);
	assert_int_equal(fls(0x80000000u), 32);
	assert_int_equal(fls64(1ull << 63), 64);
	assert_int_equal(__ffs(0x50), 4);
	assert_int_equal(ilog2(4096), 12);
	assert_int_equal(ilog2(4097), 12);
	assert_int_equal(order_base_2(4097), 13);
	assert_int_equal(roundup_pow_of_two(4097), 8192);
	assert_int_equal(hweight32(0xf0f0), 8);
	assert_in_range(hash_64(12345, 4), 0, 15);
	assert_true(hash_64(1, 10) != hash_64(2, 10));
	assert_int_equal(GENMASK(7, 4), 0xf0);
	assert_true(GENMASK_ULL(63, 0) == ~0ull);
	assert_int_equal(FIELD_GET(GENMASK(15, 8), 0xabcd), 0xab);
	assert_int_equal(FIELD_PREP(GENMASK(15, 8), 0xab), 0xab00);
	assert_true(FIELD_FIT(GENMASK(3, 0), 15));
	assert_false(FIELD_FIT(GENMASK(3, 0), 16));

	bitmap_zero(map, 200);
	bitmap_set(map, 60, 10);
	__set_bit(199, map);
	for_each_set_bit(bit, map, 200) sum += (int)bit;
	assert_int_equal(sum, 60 * 10 + 45 + 199);
	assert_int_equal(find_next_zero_bit(map, 200, 62), 70);
	assert_int_equal(find_next_bit(map, 199, 70), 199);
	assert_true(test_and_clear_bit(199, map));
	assert_false(test_and_set_bit(199, map));
}

static void test_arithmetic(void **state)
{
	u64 sum;
	size_t size;

	assert_true(check_add_overflow(~0ull, 1ull, &sum));
	assert_false(check_add_overflow(1ull, 2ull, &sum));
	assert_int_equal(sum, 3);
	assert_true(
		check_mul_overflow((size_t)1 << 40, (size_t)1 << 40, &size));
	assert_true(array_size((size_t)1 << 40, (size_t)1 << 40) == SIZE_MAX);
	assert_true(size_add(SIZE_MAX, 1) == SIZE_MAX);
	assert_true(size_sub(1, 2) == SIZE_MAX);

	assert_int_equal(ALIGN(4097, 4096), 8192);
	assert_int_equal(ALIGN_DOWN(4097ull, 4096), 4096);
	assert_true(ALIGN(0x1fffff001ull, SZ_2M) == 0x200000000ull);
	assert_true(IS_ALIGNED(0x200000000ull, SZ_2M));
	assert_int_equal(round_up(5, 4), 8);
	assert_int_equal(roundup(7, 3), 9);
	assert_int_equal(DIV_ROUND_UP(7, 3), 3);
	assert_int_equal(min_t(u32, 5, 3), 3);
	assert_int_equal(clamp(17, 1, 10), 10);
	assert_true(in_range(5, 5, 1));
	assert_false(in_range(4, 5, 1));
	assert_int_equal(upper_32_bits(0x1234567890ull), 0x12);
	assert_int_equal(div64_u64(1ull << 40, 1ull << 20), 1 << 20);
	assert_true(mul_u64_u64_div_u64(~0ull, 1000, 1000) == ~0ull);
	assert_int_equal(IS_ENABLED(CONFIG_NO_SUCH_OPTION), 0);
#define CONFIG_SOME_OPTION 1
	assert_int_equal(IS_ENABLED(CONFIG_SOME_OPTION), 1);
}

static void test_strings(void **state)
{
	char buf[8];

	assert_int_equal(strscpy(buf, "abc", sizeof(buf)), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(strscpy(buf, "abcdefgh", sizeof(buf)), -E2BIG);
	assert_string_equal(buf, "abcdefg");
	assert_int_equal(strscpy(buf, "x", 0), -E2BIG);
	assert_int_equal(scnprintf(buf, sizeof(buf), "%s", "0123456789"), 7);
	assert_null(memchr_inv("aaaa", 'a', 4));
	assert_string_equal(memchr_inv("aaba", 'a', 4), "ba");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rbtree_random),
		cmocka_unit_test(test_rbtree_equal_and_replace),
		cmocka_unit_test(test_xarray_random),
		cmocka_unit_test(test_xarray_alloc_lowest),
		cmocka_unit_test(test_xarray_alloc_far),
		cmocka_unit_test(test_xarray_rcu_readers),
		cmocka_unit_test(test_xarray_no_memory),
		cmocka_unit_test(test_idr),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, machine_setup, machine_teardown);
}
