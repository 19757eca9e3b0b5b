/* SPDX-License-Identifier: MIT */
/*
 * Random VM_BIND ops against a model that is slow and obviously right: an array
 * with an entry per page. After each ioctl, every page that an op touched, its
 * neighbours and a random sample of the others must translate as the model
 * says; every so often all pages are compared. PANSPARSE_TEST_OPS sets the
 * number of ops of each scenario, PANSPARSE_TEST_SEED the seed.
 *
 * In one scenario memory is evicted between the ops, and comes back in other
 * places as ops name it: pages are then known by what is in them.
 */
#include "uapi.h"
#include "model.h"
#include "pt_view.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

/*
 * Three islands of VA, so that ops near the lines of every level are common:
 * around 2 MiB lines at the bottom, a 1 GiB line, and a 512 GiB line.
 */
#define ISLANDS MODEL_ISLANDS
#define ISLAND_PAGES 4096 /* 16 MiB */
static const uint64_t island_va[ISLANDS] = {
   0,
   5 * SZ_1G - 8 * (1ull << 20),
   3 * SZ_512G - 8 * (1ull << 20),
};

#define BOS 3
static const uint64_t bo_size[BOS] = {6 << 20, 2 << 20, 192 << 10};

struct world {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo[BOS];
   bool evicting;
   /* Physical address of each page; evicting: 0 until it is seen. */
   uint64_t *bo_pa[BOS];
   uint64_t dummy_pa[512];
   struct model model;
   uint64_t random;
   uint32_t syncobj;
   uint64_t point;
};

static uint64_t
rnd(struct world *w, uint64_t below)
{
   /* xorshift64* */
   w->random ^= w->random >> 12;
   w->random ^= w->random << 25;
   w->random ^= w->random >> 27;
   return (w->random * 0x2545f4914f6cdd1dull >> 33) % below;
}

/* What is in the first word of each page of a BO; zero in the dummy's. */
static uint64_t
page_word(unsigned bo, unsigned page)
{
   return (uint64_t)(bo + 1) << 32 | page;
}

/* One page of a leaf that may be absent, and that was at *@pa if not 0. */
static bool
check_evictable(struct world *w, const struct pt_leaf *leaf, uint64_t offset,
                uint64_t word, uint64_t *pa)
{
   if (leaf->absent)
      return leaf->pa == offset;
   if (!leaf->level)
      return false;
   if (!*pa)
      *pa = leaf->pa;
   return leaf->pa == *pa &&
          *(uint64_t *)pan_kmod_dram_ptr(w->dev, leaf->pa) == word;
}

static void
check_page(struct world *w, unsigned island, unsigned i)
{
   const struct model_page *want = model_at(&w->model, island, i);
   const uint64_t va = model_va(&w->model, island, i);
   const struct pt_leaf leaf = pt_view(w->vm, va);
   uint64_t pa = w->dummy_pa[va / SZ_4K % 512];

   if (want->kind == MODEL_BO)
      pa = w->bo_pa[want->bo][want->bo_page];
   if (w->evicting && want->kind != MODEL_NOTHING) {
      const bool is_bo = want->kind == MODEL_BO;

      if (leaf.attributes == model_attributes(want->attr) &&
          check_evictable(w, &leaf,
                          is_bo ? want->bo_page * SZ_4K : va % SZ_2M,
                          is_bo ? page_word(want->bo, want->bo_page) : 0,
                          is_bo ? &w->bo_pa[want->bo][want->bo_page]
                                : &w->dummy_pa[va / SZ_4K % 512]))
         return;
   } else if (!leaf.absent && model_agrees(want, pa, leaf.level, leaf.pa,
                                           leaf.attributes)) {
      return;
   }
   fail_msg("va %#llx: level %d pa %#llx attributes %#llx%s, want kind %d "
            "pa %#llx attributes %#llx",
            (unsigned long long)va, leaf.level, (unsigned long long)leaf.pa,
            (unsigned long long)leaf.attributes, leaf.absent ? " absent" : "",
            want->kind, (unsigned long long)pa,
            (unsigned long long)model_attributes(want->attr));
}

static void
check_all(struct world *w)
{
   for (unsigned island = 0; island < ISLANDS; island++)
      for (unsigned i = 0; i < ISLAND_PAGES; i++)
         check_page(w, island, i);
}

static void
check_near(struct world *w, unsigned island, unsigned first, unsigned count)
{
   /* Both edges in full, the middle by sample. */
   for (int i = -2; i < 4; i++) {
      int64_t low = (int64_t)first + i, high = (int64_t)first + count + i - 2;

      if (low >= 0 && low < ISLAND_PAGES)
         check_page(w, island, (unsigned)low);
      if (high >= 0 && high < ISLAND_PAGES)
         check_page(w, island, (unsigned)high);
   }
   for (unsigned n = 0; n < 8; n++)
      check_page(w, island, first + (unsigned)rnd(w, count));
   for (unsigned n = 0; n < 8; n++)
      check_page(w, (unsigned)rnd(w, ISLANDS), (unsigned)rnd(w, ISLAND_PAGES));
}

/* A range: aligned to something at each end, so that all cases are common. */
static void
random_range(struct world *w, unsigned limit, unsigned *first, unsigned *count)
{
   static const unsigned unit[] = {1, 1, 16, 16, 16, 512};
   unsigned align = unit[rnd(w, 6)];

   if (align > limit)
      align = 16;
   unsigned most = limit / align;
   unsigned n = 1 + (unsigned)rnd(w, rnd(w, 4) ? (most > 8 ? 8 : most) : most);

   *count = n * align;
   *first = (unsigned)rnd(w, (ISLAND_PAGES - *count) / align + 1) * align;
}

static struct drm_panthor_vm_bind_op
random_op(struct world *w, unsigned *island_out, unsigned *first_out,
          unsigned *count_out)
{
   const unsigned island = (unsigned)rnd(w, ISLANDS);
   struct drm_panthor_vm_bind_op op = {0};
   struct model_page page = {0};
   unsigned first, count;

   switch (rnd(w, 8)) {
   case 0:
   case 1:
      random_range(w, ISLAND_PAGES, &first, &count);
      op.flags = UNMAP;
      break;
   case 2:
   case 3:
      random_range(w, ISLAND_PAGES, &first, &count);
      page.kind = MODEL_SPARSE;
      page.attr = NOEXEC | (rnd(w, 4) ? 0 : READONLY) |
                  (rnd(w, 8) ? 0 : UNCACHED);
      op.flags = SPARSE | page.attr;
      break;
   default:
      page.kind = MODEL_BO;
      page.bo = (uint8_t)rnd(w, BOS);
      page.attr = (rnd(w, 8) ? NOEXEC : 0) | (rnd(w, 8) ? 0 : READONLY) |
                  (rnd(w, 16) ? 0 : UNCACHED);
      const unsigned bo_pages = (unsigned)(bo_size[page.bo] / SZ_4K);
      random_range(w, bo_pages, &first, &count);
      /* Often what makes blocks and neighbours: the VA's own alignment. */
      unsigned slack = bo_pages - count;
      page.bo_page = rnd(w, 2) ? first % 512 : (unsigned)rnd(w, slack + 1);
      if (page.bo_page > slack)
         page.bo_page = slack;
      op.flags = page.attr;
      op.bo_handle = w->bo[page.bo]->handle;
      op.bo_offset = page.bo_page * SZ_4K;
      break;
   }
   op.va = island_va[island] + first * SZ_4K;
   op.size = count * SZ_4K;
   model_set(&w->model, op.va, op.size, page);
   *island_out = island;
   *first_out = first;
   *count_out = count;
   return op;
}

/* Reads where a range lies by mapping it somewhere and looking. */
static void
learn_pages(struct world *w, uint32_t flags, struct pan_kmod_bo *bo,
            uint64_t *pa, unsigned pages)
{
   const uint64_t va = 1ull << 46;

   assert_int_equal(uapi_bind(w->vm, flags, bo, 0, va, pages * SZ_4K), 0);
   for (unsigned i = 0; i < pages; i++) {
      struct pt_leaf leaf = pt_view(w->vm, va + i * SZ_4K);
      assert_int_not_equal(leaf.level, 0);
      pa[i] = leaf.pa;
   }
   assert_int_equal(uapi_bind(w->vm, UNMAP, NULL, 0, va, pages * SZ_4K), 0);
}

/* One ioctl of one to eight ops; synchronous, or asynchronous and waited for. */
static unsigned
step(struct world *w)
{
   struct drm_panthor_vm_bind_op ops[8];
   struct drm_panthor_sync_op signal = {
      .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
               DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
      .handle = w->syncobj,
   };
   unsigned island[8], first[8], page_count[8];
   const unsigned count = rnd(w, 4) ? 1 : 1 + (unsigned)rnd(w, 8);

   for (unsigned i = 0; i < count; i++)
      ops[i] = random_op(w, &island[i], &first[i], &page_count[i]);
   if (rnd(w, 16)) {
      assert_int_equal(pan_kmod_vm_bind(w->vm, 0, ops, count, NULL), 0);
   } else {
      signal.timeline_value = ++w->point;
      ops[count - 1].syncs =
         (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
      assert_int_equal(pan_kmod_vm_bind(w->vm, ASYNC, ops, count, NULL), 0);
      assert_int_equal(pan_kmod_syncobj_wait(w->dev, w->syncobj, w->point,
                                             INT64_MAX), 0);
   }
   for (unsigned i = 0; i < count; i++)
      check_near(w, island[i], first[i], page_count[i]);
   return count;
}

/* Evicts something, or brings everything back, and forgets where it was. */
static void
move_memory(struct world *w)
{
   struct pan_kmod_window *window;
   void *host;

   for (unsigned i = 0; i < BOS; i++)
      memset(w->bo_pa[i], 0, bo_size[i] / SZ_4K * sizeof(uint64_t));
   memset(w->dummy_pa, 0, sizeof(w->dummy_pa));

   if (rnd(w, 4)) {
      pan_kmod_reclaim(w->dev, rnd(w, 4) ? SZ_4K : SZ_1G);
      return;
   }
   host = mmap(NULL, SZ_4K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_ptr_not_equal(host, MAP_FAILED);
   assert_int_equal(pan_kmod_window_create(w->vm, 0, host, SZ_4K, &window), 0);
   pan_kmod_window_destroy(window);
   munmap(host, SZ_4K);
}

static void
write_words(struct world *w, unsigned bo)
{
   uint64_t *map;

   assert_int_equal(pan_kmod_bo_mmap(w->bo[bo], NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, (void **)&map), 0);
   for (unsigned i = 0; i < bo_size[bo] / SZ_4K; i++)
      map[i * SZ_4K / sizeof(*map)] = page_word(bo, i);
   assert_int_equal(pan_kmod_munmap(w->dev, map, bo_size[bo]), 0);
}

static void
run_model(const struct host_config *config, uint64_t op_count, bool evicting)
{
   struct world *w = calloc(1, sizeof(*w));
   const uint64_t seed = uapi_env("PANSPARSE_TEST_SEED", 1);

   print_message("# seed %llu, %llu ops\n", (unsigned long long)seed,
                 (unsigned long long)op_count);
   model_init(&w->model, island_va, ISLAND_PAGES);
   w->random = seed * 0x9e3779b97f4a7c15ull + 1;
   w->dev = uapi_open(config);
   uapi_need_virtual(w->dev);
   const uint64_t dram_before = uapi_stats(w->dev).dram_allocated_B;
   w->vm = uapi_vm(w->dev);
   assert_int_equal(pan_kmod_syncobj_create(w->dev, false, &w->syncobj), 0);
   for (unsigned i = 0; i < BOS; i++) {
      w->bo[i] = uapi_bo(w->dev, bo_size[i]);
      w->bo_pa[i] = calloc(bo_size[i] / SZ_4K, sizeof(uint64_t));
      learn_pages(w, NOEXEC, w->bo[i], w->bo_pa[i],
                  (unsigned)(bo_size[i] / SZ_4K));
   }
   learn_pages(w, SPARSE, NULL, w->dummy_pa, 512);
   w->evicting = evicting;
   for (unsigned i = 0; i < BOS && evicting; i++)
      write_words(w, i);

   uint64_t next_full = 0;
   for (uint64_t done = 0; done < op_count;) {
      if (evicting && !rnd(w, 8))
         move_memory(w);
      done += step(w);
      if (done >= next_full) {
         check_all(w);
         next_full = done + op_count / 40;
      }
   }
   check_all(w);
   if (evicting) {
      struct host_stats stats = uapi_stats(w->dev);

      assert_true(stats.evictions > 10 && stats.restores > 10);
   }

   /* Nothing leaks: unmapped, only the root is left of the page tables. */
   assert_int_equal(uapi_bind(w->vm, UNMAP, NULL, 0, 0, USER_VA), 0);
   struct host_stats end = uapi_stats(w->dev);
   assert_int_equal(end.vmas, 0);
   struct pt_counts counts = pt_count(w->vm);
   assert_int_equal(counts.pages + counts.blocks + counts.tables, 0);
   pan_kmod_vm_destroy(w->vm);
   pan_kmod_syncobj_destroy(w->dev, w->syncobj);
   for (unsigned i = 0; i < BOS; i++) {
      pan_kmod_bo_destroy(w->bo[i]);
      free(w->bo_pa[i]);
   }
   end = uapi_stats(w->dev);
   assert_int_equal(end.pt_pages, 0);
   /* The dummy's 2 MiB belong to the file. */
   assert_true(end.dram_allocated_B <= dram_before + SZ_2M);
   uapi_close(w->dev);
   model_fini(&w->model);
   free(w);
}

/*
 * Sanitizers cost a factor, and that for threads has little to see in a test of
 * one; the plain build runs the million. Moving memory is what takes the time.
 */
#if defined(__SANITIZE_THREAD__)
#define DEFAULT_OPS 10000
#define EVICTING_OPS 400
#elif defined(__SANITIZE_ADDRESS__)
#define DEFAULT_OPS 60000
#define EVICTING_OPS 4000
#else
#define DEFAULT_OPS 1000000
#define EVICTING_OPS 4000
#endif

/* Random ops translate as a table of pages says, over contiguous memory. */
static void
test_contiguous(void **state)
{
   (void)state;
   run_model(&uapi_small, uapi_env("PANSPARSE_TEST_OPS", DEFAULT_OPS), false);
}

/* Random ops translate as a table of pages says, over scattered pages. */
static void
test_fragmented(void **state)
{
   (void)state;
   run_model(&uapi_small_fragmented,
             uapi_env("PANSPARSE_TEST_OPS", DEFAULT_OPS / 4), false);
}

/*
 * Random ops translate as a table of pages says, while BOs are evicted and come
 * back.
 */
static void
test_evicting(void **state)
{
   (void)state;
   struct host_config config = uapi_small;

   config.no_absent_stall = true; /* opening a window restores */
   run_model(&config, uapi_env("PANSPARSE_TEST_OPS", EVICTING_OPS), true);
}

/*
 * Random ops translate as a table of pages says, while BOs of scattered pages
 * come and go.
 */
static void
test_evicting_fragmented(void **state)
{
   (void)state;
   struct host_config config = uapi_small_fragmented;

   config.no_absent_stall = true;
   run_model(&config, uapi_env("PANSPARSE_TEST_OPS", EVICTING_OPS), true);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_contiguous),
      cmocka_unit_test(test_fragmented),
      cmocka_unit_test(test_evicting),
      cmocka_unit_test(test_evicting_fragmented),
   };
   return cmocka_run_group_tests_name("uapi-model", tests, NULL, NULL);
}
