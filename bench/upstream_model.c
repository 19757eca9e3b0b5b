/* SPDX-License-Identifier: MIT */
#include "upstream_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SZ_4K (1ull << 12)
#define SZ_2M (1ull << 21)
#define ENTRIES 512
#define KMALLOC_MAX_B (4ull << 20)
#define LOCK_MIN_BITS 15

#define DUMMY_PA (1ull << 38)
#define BLOCK 1ull
#define PAGE 3ull
#define SPARSE_BIT (1ull << 55) /* a leaf of the dummy */
#define ADDRESS (((1ull << 48) - 1) & ~(SZ_4K - 1))

/* A table as the MMU reads it, and where its children are in memory. */
struct table {
   uint64_t entry[ENTRIES];
   struct table *child[ENTRIES];
};

struct upstream_vm {
   struct table *root;
   bool fragmented;
   /* Zeroed tables that were set aside for the op at work. */
   struct table **reserve;
   uint64_t reserve_count;
   struct upstream_stats stats;
};

static unsigned
shift_of(int level)
{
   return 39 - 9 * (unsigned)level;
}

static unsigned
index_of(uint64_t va, int level)
{
   return va >> shift_of(level) & (ENTRIES - 1);
}

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
   return a < b ? a : b;
}

static uint64_t
units(uint64_t va, uint64_t size_B, unsigned shift)
{
   return ((va + size_B - 1) >> shift) - (va >> shift) + 1;
}

/* ------------------------------------------------------------- reserve -- */

static void
reserve_drop(struct upstream_vm *vm)
{
   while (vm->reserve_count)
      free(vm->reserve[--vm->reserve_count]);
   free(vm->reserve);
   vm->reserve = NULL;
}

static int
reserve_fill(struct upstream_vm *vm, uint64_t count)
{
   if (count * sizeof(void *) > KMALLOC_MAX_B)
      return -ENOMEM;
   vm->reserve = calloc(count ? count : 1, sizeof(*vm->reserve));
   if (!vm->reserve)
      return -ENOMEM;
   for (uint64_t i = 0; i < count; i++) {
      /* Zeroed when it is taken, not before. */
      vm->reserve[i] = malloc(sizeof(struct table));
      if (!vm->reserve[i]) {
         reserve_drop(vm);
         return -ENOMEM;
      }
      vm->reserve_count++;
   }
   if (count > vm->stats.reserved_peak)
      vm->stats.reserved_peak = count;
   return 0;
}

static struct table *
reserve_take(struct upstream_vm *vm)
{
   if (!vm->reserve_count)
      abort(); /* the worst case was not the worst */

   struct table *table = vm->reserve[--vm->reserve_count];
   memset(table, 0, sizeof(*table));
   vm->stats.tables++;
   return table;
}

/* -------------------------------------------------------------- tables -- */

static void
store(struct upstream_vm *vm, struct table *table, unsigned i, uint64_t value)
{
   *(volatile uint64_t *)&table->entry[i] = value;
   vm->stats.entries++;
}

static void
table_free(struct table *table)
{
   for (unsigned i = 0; i < ENTRIES; i++) {
      if (table->child[i])
         table_free(table->child[i]);
   }
   free(table);
}

/*
 * The table of @level that covers @va; makes those that miss if @make. NULL: a
 * table is missing, or there is a block.
 */
static struct table *
walk(struct upstream_vm *vm, uint64_t va, int level, bool make)
{
   struct table *table = vm->root;

   vm->stats.walks++;
   for (int l = 0; l < level; l++) {
      unsigned i = index_of(va, l);
      if (!table->child[i]) {
         if (!make)
            return NULL;
         table->child[i] = reserve_take(vm);
         store(vm, table, i, PAGE | 1ull << 12);
      }
      table = table->child[i];
   }
   return table;
}

/* The leaf that translates @va; *@block_out: it is a block. 0: none. */
static uint64_t
leaf_at(struct upstream_vm *vm, uint64_t va, bool *block_out)
{
   const struct table *table = walk(vm, va, 2, false);

   *block_out = false;
   if (!table)
      return 0;
   const unsigned i = index_of(va, 2);
   if (!table->child[i]) {
      *block_out = table->entry[i] != 0;
      return table->entry[i];
   }
   return table->child[i]->entry[index_of(va, 3)];
}

/* Contiguous memory: blocks where both sides are aligned, else pages. */
static void
write_run(struct upstream_vm *vm, uint64_t va, uint64_t size_B, uint64_t pa,
          uint64_t bits)
{
   while (size_B) {
      /* One call for what lies in one table, with a walk from the root. */
      const bool block = !((va | pa) & (SZ_2M - 1)) && size_B >= SZ_2M;
      const int level = block ? 2 : 3;
      const uint64_t step_B = 1ull << shift_of(level);
      struct table *table = walk(vm, va, level, true);
      unsigned i = index_of(va, level);

      for (; i < ENTRIES && size_B >= step_B; i++) {
         if (table->child[i]) {
            free(table->child[i]);
            table->child[i] = NULL;
            vm->stats.tables--;
         }
         store(vm, table, i, pa | bits | (block ? BLOCK : PAGE));
         va += step_B;
         pa += step_B;
         size_B -= step_B;
      }
   }
}

/* Memory without two neighbouring pages: a call for each. */
static void
write_pages(struct upstream_vm *vm, uint64_t va, uint64_t size_B, uint64_t pa,
            uint64_t bits)
{
   for (uint64_t at = 0; at < size_B; at += SZ_4K)
      write_run(vm, va + at, SZ_4K, pa + at, bits);
}

static void
write_leaves(struct upstream_vm *vm, uint64_t va, uint64_t size_B, uint64_t pa,
             uint64_t bits)
{
   (vm->fragmented ? write_pages : write_run)(vm, va, size_B, pa, bits);
}

/* The dummy again and again, in chunks that end at lines of 2 MiB. */
static void
write_sparse(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   while (size_B) {
      const uint64_t offset_B = va & (SZ_2M - 1);
      const uint64_t chunk_B = min_u64(size_B, SZ_2M - offset_B);

      write_leaves(vm, va, chunk_B, DUMMY_PA + offset_B, SPARSE_BIT);
      va += chunk_B;
      size_B -= chunk_B;
   }
}

/* From @va to where the smallest unit without any table ends. */
static uint64_t
empty_B(const struct upstream_vm *vm, uint64_t va)
{
   const struct table *table = vm->root;

   for (int level = 0; level < 2; level++) {
      table = table->child[index_of(va, level)];
      if (!table)
         return (1ull << shift_of(level)) - (va & ((1ull << shift_of(level)) - 1));
   }
   return 0;
}

/* No block may straddle the range's ends: see take_out(). */
static void
clear(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   while (size_B) {
      const uint64_t skip_B = min_u64(size_B, empty_B(vm, va));
      if (skip_B) {
         va += skip_B;
         size_B -= skip_B;
         continue;
      }
      const uint64_t chunk_B = min_u64(size_B, SZ_2M - (va & (SZ_2M - 1)));
      struct table *table = walk(vm, va, 2, false);
      const unsigned i = index_of(va, 2);

      if (table && chunk_B == SZ_2M && table->entry[i]) {
         store(vm, table, i, 0);
         if (table->child[i]) {
            free(table->child[i]);
            table->child[i] = NULL;
            vm->stats.tables--;
         }
      } else if (table && table->child[i]) {
         for (uint64_t at = va; at < va + chunk_B; at += SZ_4K) {
            if (table->child[i]->entry[index_of(at, 3)])
               store(vm, table->child[i], index_of(at, 3), 0);
         }
      }
      va += chunk_B;
      size_B -= chunk_B;
   }
}

/* ----------------------------------------------------------------- ops -- */

static void
lock_and_flush(struct upstream_vm *vm, uint64_t start, uint64_t end)
{
   const uint64_t differs = start ^ (end - 1);
   unsigned bits = differs ? 64 - (unsigned)__builtin_clzll(differs) : 0;

   if (bits < LOCK_MIN_BITS)
      bits = LOCK_MIN_BITS;
   vm->stats.locked_B += 1ull << bits;
   vm->stats.flushes++;
}

/* What an op sweeps in on one side, and has to write back. */
struct side {
   uint64_t va, size_B, leaf;
};

/* All of one side, which ends at a line of 2 MiB, is sparse memory. */
static bool
all_sparse(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   const struct table *table = walk(vm, va, 3, false);

   for (uint64_t at = 0; table && at < size_B; at += SZ_4K) {
      if (!(table->entry[index_of(va + at, 3)] & SPARSE_BIT))
         return false;
   }
   return table != NULL;
}

static struct side
side_of(struct upstream_vm *vm, uint64_t va, uint64_t size_B, uint64_t outside)
{
   struct side side = {.va = va, .size_B = size_B};
   bool block;

   if (size_B) {
      side.leaf = leaf_at(vm, outside, &block);
      if (!side.leaf || (!block && !all_sparse(vm, va, size_B)))
         side.size_B = 0;
      else if (block)
         side.leaf += va & (SZ_2M - 1);
   }
   return side;
}

static void
write_back(struct upstream_vm *vm, const struct side *side)
{
   if (!side->size_B)
      return;
   if (side->leaf & SPARSE_BIT)
      write_sparse(vm, side->va, side->size_B);
   else
      write_leaves(vm, side->va, side->size_B, side->leaf & ADDRESS, 0);
}

/* Takes out what is mapped in the range, lines of 2 MiB permitting. */
static void
take_out(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   const uint64_t end = va + size_B, low = va & ~(SZ_2M - 1);
   const uint64_t high = (end + SZ_2M - 1) & ~(SZ_2M - 1);
   const struct side left = side_of(vm, low, va - low, va - SZ_4K);
   const struct side right = side_of(vm, end, high - end, end);
   const uint64_t from = va - left.size_B, to = end + right.size_B;

   clear(vm, from, to - from);
   write_back(vm, &left);
   write_back(vm, &right);
   lock_and_flush(vm, from, to);
}

static int
prepare_map(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   return reserve_fill(vm, units(va, size_B, 39) + units(va, size_B, 30) +
                              units(va, size_B, 21));
}

int
upstream_map_sparse(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   int ret = prepare_map(vm, va, size_B);
   if (ret)
      return ret;
   take_out(vm, va, size_B);
   write_sparse(vm, va, size_B);
   reserve_drop(vm);
   return 0;
}

int
upstream_map(struct upstream_vm *vm, uint64_t va, uint64_t size_B, uint64_t pa)
{
   int ret = prepare_map(vm, va, size_B);
   if (ret)
      return ret;
   take_out(vm, va, size_B);
   write_leaves(vm, va, size_B, pa, 0);
   reserve_drop(vm);
   return 0;
}

int
upstream_unmap(struct upstream_vm *vm, uint64_t va, uint64_t size_B)
{
   const uint64_t end = va + size_B;
   uint64_t count = va % SZ_2M != 0;

   if (end % SZ_2M && (!count || end / SZ_2M != va / SZ_2M))
      count++;
   int ret = reserve_fill(vm, count);
   if (ret)
      return ret;
   take_out(vm, va, size_B);
   reserve_drop(vm);
   return 0;
}

/* ------------------------------------------------------------------ VMs -- */

struct upstream_vm *
upstream_vm_create(bool fragmented)
{
   struct upstream_vm *vm = calloc(1, sizeof(*vm));

   if (!vm)
      return NULL;
   vm->fragmented = fragmented;
   vm->root = calloc(1, sizeof(*vm->root));
   if (!vm->root) {
      free(vm);
      return NULL;
   }
   return vm;
}

void
upstream_vm_destroy(struct upstream_vm *vm)
{
   if (!vm)
      return;
   table_free(vm->root);
   free(vm);
}

struct upstream_stats
upstream_stats(const struct upstream_vm *vm)
{
   return vm->stats;
}
