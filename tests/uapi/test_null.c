/* SPDX-License-Identifier: MIT */
/*
 * Null memory: sparse memory of a GPU that knows leaves without memory. What the
 * page tables say, what accesses meet, and that binds, evictions and the shapes
 * of the uAPI change nothing of it.
 */
#include "uapi.h"
#include "pt_view.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#define NULL_LEAF (1ull << 55)
#define VA SZ_1G
#define WINDOW_B (4 * SZ_2M)

static const struct host_config null_config = {
   .dram_size_B = 64ull << 20,
   .swap_size_B = 64ull << 20,
   .null_memory = true,
};

static const struct host_config null_fragmented = {
   .dram_size_B = 64ull << 20,
   .dram_fragmented = true,
   .null_memory = true,
};

static const struct host_config null_1_8 = {
   .dram_size_B = 64ull << 20,
   .null_memory = true,
   .uapi = HOST_UAPI_1_8,
};

/* Skips on real hardware, and where the host cannot step over stores. */
static struct pan_kmod_dev *
null_open(const struct host_config *config)
{
   struct pan_kmod_dev *dev = uapi_open(config);

   uapi_need_virtual(dev);
   if (!pan_kmod_dev_props(dev)->null_memory) {
      uapi_close(dev);
      skip();
   }
   return dev;
}

struct view {
   char *host;
   struct pan_kmod_window *window;
};

static struct view
view_open(struct pan_kmod_vm *vm)
{
   struct view view = {
      .host = mmap(NULL, WINDOW_B, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
   };

   assert_ptr_not_equal(view.host, MAP_FAILED);
   assert_int_equal(pan_kmod_window_create(vm, VA, view.host, WINDOW_B,
                                           &view.window), 0);
   pan_kmod_fault_handler_ensure(vm->dev);
   return view;
}

static void
view_close(struct view *view)
{
   pan_kmod_window_destroy(view->window);
   munmap(view->host, WINDOW_B);
}

/* A store, a load and an atomic of which nothing comes. */
static void
check_null(struct view *view, uint64_t at)
{
   volatile uint64_t *word = (volatile uint64_t *)(view->host + at);

   assert_int_equal(*word, 0);
   *word = 0x1234;
   assert_int_equal(*word, 0);
   assert_int_equal(__atomic_fetch_add(word, 5, __ATOMIC_SEQ_CST), 0);
   assert_int_equal(*word, 0);
}

static void
check_memory(struct view *view, uint64_t at, uint64_t value)
{
   volatile uint64_t *word = (volatile uint64_t *)(view->host + at);

   *word = value;
   assert_int_equal(*word, value);
}

/* Sparse all over, 64 KiB of memory in it, and sparse again. */
static void
binds(const struct host_config *config)
{
   struct pan_kmod_dev *dev = null_open(config);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K);
   const uint64_t at = SZ_2M + 3 * SZ_64K;

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, VA, WINDOW_B), 0);
   assert_int_equal(pt_view(vm, VA + at).attributes & NULL_LEAF, NULL_LEAF);
   struct view view = view_open(vm);

   check_null(&view, 0);
   check_null(&view, at);
   check_null(&view, WINDOW_B - 8);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, VA + at, SZ_64K), 0);
   assert_int_equal(pt_view(vm, VA + at).attributes & NULL_LEAF, 0);
   check_memory(&view, at, 77);
   check_memory(&view, at + SZ_64K - 8, 78);
   check_null(&view, at - 8);
   check_null(&view, at + SZ_64K);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, VA + at, SZ_64K), 0);
   check_null(&view, at);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, VA, SZ_64K), 0);
   assert_int_equal(*(volatile uint64_t *)view.host, 77);
   view_close(&view);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* Sparse ranges are null memory however they are cut, next to what is bound. */
static void
test_binds(void **state)
{
   (void)state;
   binds(&null_config);
}

/* Sparse ranges are null memory, with a dummy of scattered pages. */
static void
test_binds_fragmented(void **state)
{
   (void)state;
   binds(&null_fragmented);
}

/* Stores over all of it commit nothing, however they come. */
static void
test_no_memory(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = null_open(&null_config);
   struct pan_kmod_vm *vm = uapi_vm(dev);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, VA, WINDOW_B), 0);
   struct view view = view_open(vm);
   uint64_t before = uapi_stats(dev).dram_allocated_B;

   for (uint64_t at = 0; at < WINDOW_B; at += SZ_64K)
      check_null(&view, at + 24);
   struct host_stats stats = uapi_stats(dev);
   assert_int_equal(stats.dram_allocated_B, before);
   assert_int_equal(stats.mmu_faults, 0);
   assert_int_equal(stats.null_steps, 2 * WINDOW_B / SZ_64K);
   view_close(&view);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* The dummy goes and comes back; its leaves stay what they are. */
static void
test_eviction(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = null_open(&null_config);
   struct pan_kmod_vm *vm = uapi_vm(dev);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, VA, WINDOW_B), 0);
   struct view view = view_open(vm);
   for (int i = 0; i < 3; i++) {
      check_null(&view, SZ_2M + 8);
      uapi_evict(dev, 1);
      assert_true(pt_view(vm, VA).absent);
      assert_int_equal(pt_view(vm, VA).attributes & NULL_LEAF, NULL_LEAF);
      check_null(&view, 8);
      assert_int_equal(pt_view(vm, VA).attributes & NULL_LEAF, NULL_LEAF);
   }
   view_close(&view);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* Without MAP_SPARSE a BO can stand for nothing. */
static void
test_null_bo(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = null_open(&null_1_8);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *dummy = uapi_bo(dev, SZ_2M), *bo = uapi_bo(dev, SZ_2M);

   assert_false(pan_kmod_dev_props(dev)->map_sparse);
   assert_int_equal(pan_kmod_bo_set_null(dummy), 0);
   for (uint64_t at = 0; at < WINDOW_B; at += SZ_2M)
      assert_int_equal(uapi_bind(vm, NOEXEC, dummy, 0, VA + at, SZ_2M), 0);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, VA + SZ_2M, SZ_64K), 0);
   /* Too late for one that is mapped. */
   assert_int_equal(pan_kmod_bo_set_null(bo), -EBUSY);
   struct view view = view_open(vm);

   check_null(&view, 16);
   check_memory(&view, SZ_2M + 16, 5);
   check_null(&view, SZ_2M + SZ_64K);
   view_close(&view);

   struct pan_kmod_bo unknown = *dummy;
   unknown.handle = 12345;
   assert_int_equal(pan_kmod_bo_set_null(&unknown), -EINVAL);
   pan_kmod_bo_destroy(bo);
   pan_kmod_bo_destroy(dummy);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* A GPU without null leaves: the dummy, and an error for what needs them. */
static void
test_without(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);

   uapi_need_virtual(dev);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K);
   char page[64];

   assert_false(pan_kmod_dev_props(dev)->null_memory);
   assert_int_equal(pan_kmod_bo_set_null(bo), -ENOTSUP);
   assert_int_equal(pan_kmod_barrier_add(dev, page), -ENOTSUP);
   assert_int_equal(pan_kmod_bulk_code_add(dev, page, 64), -ENOTSUP);
   pan_kmod_barrier(dev);
   pan_kmod_barrier_remove(dev, page);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, VA, WINDOW_B), 0);
   assert_int_equal(pt_view(vm, VA).attributes & NULL_LEAF, 0);
   struct view view = view_open(vm);
   check_memory(&view, 8, 9);
   assert_int_equal(*(volatile uint64_t *)(view.host + SZ_2M + 8), 9);
   view_close(&view);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_binds),      cmocka_unit_test(test_binds_fragmented),
      cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_eviction),
      cmocka_unit_test(test_null_bo),    cmocka_unit_test(test_without),
   };

   return cmocka_run_group_tests(tests, NULL, NULL);
}
