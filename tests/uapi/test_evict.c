/* SPDX-License-Identifier: MIT */
/*
 * Eviction: what is evicted and in which order, what page tables say meanwhile,
 * what brings memory back, and that its contents are what they were.
 */
#include "uapi.h"
#include "pt_view.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define SZ_1M (1ull << 20)

static const struct host_config small = {
   .dram_size_B = 64ull << 20,
   .swap_size_B = 512ull << 20,
   .as_count = 8,
};

/* Accesses do not wait for what is absent, as on hardware. */
static const struct host_config small_hardware = {
   .dram_size_B = 64ull << 20,
   .swap_size_B = 512ull << 20,
   .as_count = 8,
   .no_absent_stall = true,
};

static const struct host_config small_fragmented = {
   .dram_size_B = 128ull << 20, /* half of it can be used */
   .swap_size_B = 512ull << 20,
   .dram_fragmented = true,
   .as_count = 8,
   .no_absent_stall = true,
};

static uint64_t
pattern(uint32_t seed, uint64_t word)
{
   return (seed + 1) * 0x9e3779b97f4a7c15ull + word;
}

static void *
map(struct pan_kmod_bo *bo)
{
   void *addr;

   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, &addr), 0);
   return addr;
}

static void
unmap(struct pan_kmod_bo *bo, void *addr)
{
   assert_int_equal(pan_kmod_munmap(bo->dev, addr, bo->size_B), 0);
}

/* A word in each page is enough to see that it is the right page. */
static void
fill(struct pan_kmod_bo *bo, uint32_t seed)
{
   uint64_t *words = map(bo);

   for (uint64_t at = 0; at < bo->size_B; at += SZ_4K)
      words[at / 8 + at / SZ_4K % 512] = pattern(seed, at);
   unmap(bo, words);
}

static void
check_words(const uint64_t *words, uint64_t first_B, uint64_t size_B,
            uint32_t seed)
{
   for (uint64_t at = 0; at < size_B; at += SZ_4K) {
      uint64_t in_bo = first_B + at;

      assert_int_equal(words[at / 8 + in_bo / SZ_4K % 512],
                       pattern(seed, in_bo));
   }
}

static void
check(struct pan_kmod_bo *bo, uint32_t seed)
{
   uint64_t *words = map(bo);

   check_words(words, 0, bo->size_B, seed);
   unmap(bo, words);
}

/* The same through the page tables of a VM. */
static void
check_gpu(struct pan_kmod_vm *vm, uint64_t va, uint64_t first_B,
          uint64_t size_B, uint32_t seed)
{
   struct pan_kmod_window *window;
   void *host = mmap(NULL, size_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);

   assert_ptr_not_equal(host, MAP_FAILED);
   assert_int_equal(pan_kmod_window_create(vm, va, host, size_B, &window), 0);
   check_words(host, first_B, size_B, seed);
   pan_kmod_window_destroy(window);
   munmap(host, size_B);
}

static bool
is_absent(struct pan_kmod_vm *vm, uint64_t va)
{
   return pt_view(vm, va).absent;
}

/* Frees what can be freed; returns how many BOs were evicted. */
static uint64_t
evict_all(struct pan_kmod_dev *dev)
{
   uint64_t before = uapi_stats(dev).evictions;

   pan_kmod_reclaim(dev, 1ull << 40);
   return uapi_stats(dev).evictions - before;
}

/* A device of which nothing can be evicted: opening it has made a dummy. */
static struct pan_kmod_dev *
evict_open(const struct host_config *config)
{
   struct pan_kmod_dev *dev = uapi_open(config);

   uapi_need_virtual(dev);
   evict_all(dev);
   return dev;
}

/* Evicts one BO, of at least 2 MiB. */
static void
evict_one(struct pan_kmod_dev *dev)
{
   uint64_t before = uapi_stats(dev).evictions;

   assert_true(pan_kmod_reclaim(dev, SZ_4K) >= SZ_2M);
   assert_int_equal(uapi_stats(dev).evictions - before, 1);
}

/* ----------------------------------------------------------------- cases -- */

static void
contents(const struct host_config *config)
{
   const uint64_t va = SZ_1G, size = 5 * SZ_1M;
   struct pan_kmod_dev *dev = evict_open(config);

   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, size);
   const uint64_t dram = uapi_stats(dev).dram_allocated_B;

   fill(bo, 1);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, va, size), 0);
   struct pt_leaf leaf = pt_view(vm, va + SZ_2M + SZ_4K);
   struct pt_counts counts = pt_count(vm);

   assert_int_equal(evict_all(dev), 1);
   struct host_stats stats = uapi_stats(dev);
   /* Page tables stay. */
   assert_true(stats.dram_allocated_B <= dram + SZ_64K);
   /* A page in the file for each that was written. */
   assert_int_equal(stats.swap_out_B, size);
   struct pt_counts evicted = pt_count(vm);
   assert_int_equal(evicted.pages + evicted.blocks, 0);
   assert_int_equal(evicted.absent, counts.pages + counts.blocks);
   assert_int_equal(evicted.tables, counts.tables);
   /* The attributes stay; the address is the offset. */
   struct pt_leaf absent = pt_view(vm, va + SZ_2M + SZ_4K);
   assert_true(absent.absent);
   assert_int_equal(absent.attributes, leaf.attributes);
   assert_int_equal(absent.pa, SZ_2M + SZ_4K);
   /* Twice does nothing. */
   assert_int_equal(evict_all(dev), 0);

   /* A MAP that names the BO brings back what was mapped before, too. */
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, SZ_1M, 2 * va, SZ_64K), 0);
   assert_false(is_absent(vm, va));
   stats = uapi_stats(dev);
   assert_int_equal(stats.restores, 1);
   assert_int_equal(stats.swap_in_B, size);
   check_gpu(vm, va, 0, size, 1);
   check_gpu(vm, 2 * va, SZ_1M, SZ_64K, 1);
   check(bo, 1);

   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/*
 * What was evicted comes back with its contents, as blocks where it was blocks.
 */
static void
test_contents(void **state)
{
   (void)state;
   contents(&small);
}

/* What was evicted comes back with its contents, into scattered pages. */
static void
test_contents_fragmented(void **state)
{
   (void)state;
   contents(&small_fragmented);
}

/* Unused BOs first, then by VM, idle for longest first, then shared ones. */
static void
test_order(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = evict_open(&small);

   struct pan_kmod_vm *vm[2] = {uapi_vm(dev), uapi_vm(dev)};
   struct pan_kmod_bo *own[2], *shared = uapi_bo(dev, SZ_2M),
                               *unused = uapi_bo(dev, SZ_2M);

   for (unsigned i = 0; i < 2; i++) {
      own[i] = uapi_bo(dev, SZ_2M);
      assert_int_equal(uapi_bind(vm[i], NOEXEC, shared, 0, 0, SZ_2M), 0);
      assert_int_equal(uapi_bind(vm[i], NOEXEC, own[i], 0, SZ_2M, SZ_2M), 0);
      fill(own[i], i);
   }
   fill(shared, 2);
   /* Known to nobody any more, but for its pages. */
   assert_int_equal(uapi_bind(vm[0], NOEXEC, unused, 0, SZ_1G, SZ_2M), 0);
   assert_int_equal(uapi_bind(vm[0], UNMAP, NULL, 0, SZ_1G, SZ_2M), 0);
   /* VM 0 was active last. */
   check_gpu(vm[1], SZ_2M, 0, SZ_2M, 1);
   check_gpu(vm[0], SZ_2M, 0, SZ_2M, 0);

   evict_one(dev);
   assert_int_equal(pt_count(vm[0]).absent + pt_count(vm[1]).absent, 0);
   evict_one(dev);
   assert_true(is_absent(vm[1], SZ_2M));
   assert_int_equal(pt_count(vm[0]).absent, 0);
   evict_one(dev);
   assert_true(is_absent(vm[0], SZ_2M));
   assert_false(is_absent(vm[0], 0));
   evict_one(dev);
   assert_true(is_absent(vm[0], 0) && is_absent(vm[1], 0));
   assert_int_equal(evict_all(dev), 0);

   /* Back in one VM, it is still missing in the other. */
   assert_int_equal(uapi_bind(vm[0], NOEXEC, shared, 0, SZ_1G, SZ_4K), 0);
   assert_false(is_absent(vm[0], 0));
   assert_true(is_absent(vm[1], 0));
   check_gpu(vm[1], 0, 0, SZ_2M, 2);
   for (unsigned i = 0; i < 2; i++) {
      check_gpu(vm[i], SZ_2M, 0, SZ_2M, i);
      pan_kmod_bo_destroy(own[i]);
      pan_kmod_vm_destroy(vm[i]);
   }
   pan_kmod_bo_destroy(shared);
   pan_kmod_bo_destroy(unused);
   uapi_close(dev);
}

/*
 * Memory that the CPU maps, that is exported, or that jobs use is not evicted.
 */
static void
test_what_stays(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = evict_open(&small);

   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *mapped = uapi_bo(dev, SZ_2M), *exported = uapi_bo(dev, SZ_2M);
   void *addr = map(mapped);

   assert_int_equal(uapi_bind(vm, NOEXEC, mapped, 0, 0, SZ_2M), 0);
   assert_int_equal(uapi_bind(vm, NOEXEC, exported, 0, SZ_2M, SZ_2M), 0);
   struct drm_prime_handle prime = {.handle = exported->handle};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime),
                    0);

   assert_int_equal(evict_all(dev), 0);
   close(prime.fd);
   unmap(mapped, addr);
   assert_int_equal(evict_all(dev), 1);
   assert_true(is_absent(vm, 0));
   assert_false(is_absent(vm, SZ_2M));

   pan_kmod_bo_destroy(mapped);
   pan_kmod_bo_destroy(exported);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* --------------------------------------------------------- sparse memory -- */

static uint64_t
entries(struct pan_kmod_dev *dev)
{
   return uapi_stats(dev).pt_entries_written;
}

static void
expect_sparse(struct pan_kmod_vm *vm, uint64_t va, bool absent)
{
   struct pt_leaf leaf = pt_view(vm, va);

   assert_int_equal(leaf.absent, absent);
   assert_true(absent || leaf.level);
   if (absent)
      assert_int_equal(leaf.pa, va % SZ_2M);
}

/*
 * However much memory is sparse, dropping the dummy writes one shared table,
 * and what is private: here the edges of a hole that one tile is bound in.
 */
static void
sparse(const struct host_config *config, bool fragmented)
{
   struct pan_kmod_dev *dev = evict_open(config);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_2M);
   uint64_t before, dram;

   fill(bo, 7);
   dram = uapi_stats(dev).dram_allocated_B;
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, SZ_1T, SZ_1T), 0);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, 4 * SZ_1T, 3 * SZ_1T), 0);
   assert_int_equal(pt_view(vm, SZ_1T).level, fragmented ? 3 : 2);

   before = entries(dev);
   assert_int_equal(evict_all(dev), 1);
   assert_int_equal(entries(dev) - before, 512);
   expect_sparse(vm, SZ_1T, true);
   expect_sparse(vm, 2 * SZ_1T - SZ_4K, true);
   expect_sparse(vm, 6 * SZ_1T + 5 * SZ_1M, true);
   /* Discarded, not written out; the BO was, though it was not evicted. */
   assert_int_equal(uapi_stats(dev).swap_out_B, SZ_2M);
   assert_true(uapi_stats(dev).dram_allocated_B <= dram + SZ_64K - SZ_2M);

   /* The next sparse op brings all of it back. */
   before = entries(dev);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, 2 * SZ_1T, SZ_1T), 0);
   assert_int_equal(entries(dev) - before, 512 + 2);
   expect_sparse(vm, SZ_1T + SZ_4K, false);
   expect_sparse(vm, 7 * SZ_1T - SZ_4K, false);

   /* A tile: its page tables are private, 32 of the entries are the BO's. */
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, SZ_64K, SZ_1T + SZ_64K, SZ_64K),
                    0);
   before = entries(dev);
   assert_int_equal(evict_all(dev), 2);
   assert_int_equal(entries(dev) - before,
                    512 + 32 + 480 + (fragmented ? 0 : 511));
   assert_int_equal(pt_count(vm).pages + pt_count(vm).blocks, 0);

   /* Edits of what is absent: a hole, and a tile that stays away. */
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, 5 * SZ_1T, SZ_4K), 0);
   assert_int_equal(pt_view(vm, 5 * SZ_1T).level, 0);
   assert_false(is_absent(vm, 5 * SZ_1T));
   expect_sparse(vm, 5 * SZ_1T + SZ_4K, true);
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, SZ_1T + SZ_64K, SZ_4K), 0);
   assert_true(is_absent(vm, SZ_1T + SZ_64K + SZ_4K));

   /* Back with everything that a job could need. */
   check_gpu(vm, SZ_1T + SZ_64K + SZ_4K, SZ_64K + SZ_4K, 15 * SZ_4K, 7);
   expect_sparse(vm, SZ_1T, false);
   expect_sparse(vm, 5 * SZ_1T + SZ_4K, false);
   expect_sparse(vm, 6 * SZ_1T, false);
   assert_int_equal(pt_view(vm, 5 * SZ_1T).level, 0);

   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, 0, USER_VA), 0);
   assert_int_equal(pt_count(vm).tables, 0);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/*
 * Sparse ranges survive the eviction of their dummy, which costs nothing to
 * bring back.
 */
static void
test_sparse(void **state)
{
   (void)state;
   sparse(&small_hardware, false);
}

/* Sparse ranges survive the eviction of a dummy of scattered pages. */
static void
test_sparse_fragmented(void **state)
{
   (void)state;
   sparse(&small_fragmented, true);
}

/* --------------------------------------------------------------- windows -- */

struct view {
   struct pan_kmod_window *window;
   uint64_t *words;
   uint64_t size_B;
};

static struct view
view_open(struct pan_kmod_vm *vm, uint64_t va, uint64_t size_B)
{
   struct view v = {.size_B = size_B};

   v.words = mmap(NULL, size_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_ptr_not_equal(v.words, MAP_FAILED);
   assert_int_equal(pan_kmod_window_create(vm, va, v.words, size_B, &v.window),
                    0);
   return v;
}

static void
view_close(struct view *v)
{
   pan_kmod_window_destroy(v->window);
   munmap(v->words, v->size_B);
}

/* An access waits for its BO, whatever the size of the others. */
static void
test_access_restores(void **state)
{
   (void)state;
   const uint64_t size = 4 * SZ_1M;
   struct pan_kmod_dev *dev = evict_open(&small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo[2];

   for (unsigned i = 0; i < 2; i++) {
      bo[i] = uapi_bo(dev, size);
      fill(bo[i], i);
      assert_int_equal(uapi_bind(vm, NOEXEC, bo[i], 0, i * size, size), 0);
   }
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, 2 * size, size), 0);
   struct view view = view_open(vm, 0, 3 * size);

   check_words(view.words, 0, size, 0);
   assert_int_equal(evict_all(dev), 3);
   for (unsigned i = 0; i < 3; i++)
      assert_true(is_absent(vm, i * size));

   const uint64_t restores = uapi_stats(dev).restores;
   check_words(view.words + size / 8, 0, size, 1);
   assert_int_equal(uapi_stats(dev).restores, restores + 1);
   assert_true(is_absent(vm, 0));
   /* Stores, too; what they change is evicted again, and comes back. */
   view.words[1] = 0x1234;
   assert_false(is_absent(vm, 0));
   uapi_evict(dev, 2);
   assert_int_equal(view.words[1], 0x1234);
   check_words(view.words, 0, size, 0);
   assert_int_equal(view.words[2 * size / 8], 0);
   assert_false(is_absent(vm, 2 * size));
   assert_int_equal(uapi_stats(dev).mmu_faults, 0);

   view_close(&view);
   for (unsigned i = 0; i < 2; i++)
      pan_kmod_bo_destroy(bo[i]);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* Where accesses cannot wait, nothing is missing from a VM in use. */
static void
test_in_use_stays(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = evict_open(&small_hardware);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_2M);

   fill(bo, 5);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, 0, SZ_2M), 0);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, SZ_2M, SZ_2M), 0);
   assert_int_equal(evict_all(dev), 2);
   struct view view = view_open(vm, 0, 2 * SZ_2M);

   assert_int_equal(pt_count(vm).absent, 0);
   assert_int_equal(evict_all(dev), 0);
   check_words(view.words, 0, SZ_2M, 5);
   assert_int_equal(uapi_stats(dev).mmu_faults, 0);
   view_close(&view);
   assert_int_equal(evict_all(dev), 2);

   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* A window over more memory than there is DRAM. */
static void
test_window_larger_than_dram(void **state)
{
   (void)state;
   enum { BOS = 24 };
   const uint64_t size = 4 * SZ_1M;
   struct pan_kmod_dev *dev = evict_open(&small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo[BOS];

   for (unsigned i = 0; i < BOS; i++) {
      assert_int_equal(pan_kmod_bo_create(dev, size, 0, i % 2 ? vm->id : 0,
                                          NULL, &bo[i]), 0);
      assert_int_equal(uapi_bind(vm, NOEXEC, bo[i], 0, i * size, size), 0);
   }
   struct view view = view_open(vm, 0, BOS * size);

   for (uint64_t at = 0; at < BOS * size; at += SZ_4K)
      view.words[at / 8] = at + 1;
   for (uint64_t at = 0; at < BOS * size; at += SZ_4K)
      assert_int_equal(view.words[at / 8], at + 1);
   struct host_stats stats = uapi_stats(dev);
   assert_int_equal(stats.mmu_faults, 0);
   assert_true(stats.restores >= BOS);

   view_close(&view);
   for (unsigned i = 0; i < BOS; i++)
      pan_kmod_bo_destroy(bo[i]);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* ------------------------------------------------------------------ ends -- */

/* Evicted memory is unmapped, destroyed and closed like any other. */
static void
test_ends(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = evict_open(&small_hardware);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, 8 * SZ_1M);

   fill(bo, 3);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, SZ_1G, 8 * SZ_1M), 0);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, SZ_1T, SZ_1T), 0);
   assert_int_equal(evict_all(dev), 2);

   /* The middle of an absent block, and whole ones. */
   assert_int_equal(
      uapi_bind(vm, UNMAP, NULL, 0, SZ_1G + SZ_1M, 4 * SZ_1M), 0);
   assert_true(is_absent(vm, SZ_1G));
   assert_false(is_absent(vm, SZ_1G + SZ_1M));
   assert_int_equal(pt_view(vm, SZ_1G + 5 * SZ_1M).pa, 5 * SZ_1M);
   check_gpu(vm, SZ_1G, 0, SZ_1M, 3);
   check_gpu(vm, SZ_1G + 5 * SZ_1M, 5 * SZ_1M, 3 * SZ_1M, 3);

   /* Its last mapping goes while it is evicted; the contents do not. */
   assert_int_equal(evict_all(dev), 2);
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, SZ_1G, 8 * SZ_1M), 0);
   check(bo, 3);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, SZ_1G, 8 * SZ_1M), 0);
   assert_int_equal(evict_all(dev), 1);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);

   /* And with the file, all at once. */
   vm = uapi_vm(dev);
   bo = uapi_bo(dev, 8 * SZ_1M);
   fill(bo, 4);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, SZ_1G, 8 * SZ_1M), 0);
   assert_int_equal(evict_all(dev), 1);
   uapi_close(dev);
   free(vm);
   free(bo);
}

/* Four times as much as there is DRAM, in one VM; then no swap is left. */
static void
oversubscribe(uint32_t exclusive)
{
   enum { BOS = 48 };
   const uint64_t size = 4 * SZ_1M;
   struct pan_kmod_dev *dev = evict_open(&small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo[BOS], *more;

   for (unsigned i = 0; i < BOS; i++) {
      assert_int_equal(pan_kmod_bo_create(dev, size, 0, exclusive * vm->id,
                                          NULL, &bo[i]), 0);
      fill(bo[i], i);
      assert_int_equal(uapi_bind(vm, NOEXEC, bo[i], 0, i * size, size), 0);
   }
   for (unsigned i = 0; i < BOS; i++)
      check(bo[i], i);
   struct host_stats stats = uapi_stats(dev);
   /* At least those that do not fit, and each was looked at. */
   assert_true(stats.evictions >= BOS * 2 / 3);
   assert_true(stats.swap_in_B >= BOS * 2 / 3 * size);

   /* More than both together is an error, and loses nothing. */
   assert_int_equal(pan_kmod_bo_create(dev, 1ull << 30, 0, 0, NULL, &more), 0);
   assert_int_equal(uapi_bind(vm, NOEXEC, more, 0, SZ_1T, 1ull << 30), -ENOMEM);
   for (unsigned i = 0; i < BOS; i++) {
      check(bo[i], i);
      pan_kmod_bo_destroy(bo[i]);
   }
   pan_kmod_bo_destroy(more);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* More is bound than there is memory: all of it can be used, in turn. */
static void
test_oversubscribe(void **state)
{
   (void)state;
   oversubscribe(0);
}

/* More is bound than there is memory, of BOs that share one reservation. */
static void
test_oversubscribe_exclusive(void **state)
{
   (void)state;
   oversubscribe(1);
}

/* Without swap nothing is evicted, and memory ends where DRAM does. */
static void
test_no_swap(void **state)
{
   (void)state;
   struct host_config config = small;
   config.swap_size_B = HOST_NO_SWAP;
   struct pan_kmod_dev *dev = uapi_open(&config);

   uapi_need_virtual(dev);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo[2] = {uapi_bo(dev, 40 * SZ_1M),
                                uapi_bo(dev, 40 * SZ_1M)};

   assert_int_equal(uapi_bind(vm, NOEXEC, bo[0], 0, 0, 40 * SZ_1M), 0);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo[1], 0, SZ_1G, 40 * SZ_1M), -ENOMEM);
   assert_int_equal(evict_all(dev), 0);
   pan_kmod_bo_destroy(bo[0]);
   pan_kmod_bo_destroy(bo[1]);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_contents),
      cmocka_unit_test(test_contents_fragmented),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_what_stays),
      cmocka_unit_test(test_sparse),
      cmocka_unit_test(test_sparse_fragmented),
      cmocka_unit_test(test_access_restores),
      cmocka_unit_test(test_in_use_stays),
      cmocka_unit_test(test_window_larger_than_dram),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_oversubscribe),
      cmocka_unit_test(test_oversubscribe_exclusive),
      cmocka_unit_test(test_no_swap),
   };
   return cmocka_run_group_tests_name("uapi-evict", tests, NULL, NULL);
}
