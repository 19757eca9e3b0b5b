/* SPDX-License-Identifier: MIT */
#include "pt_view.h"

#include "uapi.h"

/* Arm VMSAv8-64, 4 KiB granule: bits 47:12 of a descriptor are an address. */
#define DESC_ADDRESS 0x0000fffffffff000ull

static uint64_t
read_desc(struct pan_kmod_dev *dev, uint64_t table_pa, unsigned index)
{
   const uint8_t *bytes = pan_kmod_dram_ptr(dev, table_pa + 8 * index);
   uint64_t desc = 0;

   for (int i = 7; i >= 0; i--)
      desc = desc << 8 | __atomic_load_n(&bytes[i], __ATOMIC_RELAXED);
   return desc;
}

static uint64_t
root(struct pan_kmod_vm *vm)
{
   uint64_t pa;

   assert_int_equal(pan_kmod_vm_root(vm, &pa), 0);
   return pa;
}

struct pt_leaf
pt_view(struct pan_kmod_vm *vm, uint64_t va)
{
   static const int shift[] = {39, 30, 21, 12};
   uint64_t table = root(vm);

   for (int level = 0; level < 4; level++) {
      uint64_t desc =
         read_desc(vm->dev, table, (va >> shift[level]) & 511);
      unsigned type = desc & 3;

      if (type == 0)
         break;
      if (type == 3 && level < 3) {
         table = desc & DESC_ADDRESS;
         continue;
      }
      /* A block at level 1 or 2, or a page: anything else is malformed. */
      if ((type == 1 && (level == 1 || level == 2)) ||
          (type == 3 && level == 3)) {
         uint64_t within = ((1ull << shift[level]) - 1) & ~0xfffull;

         assert_int_equal(desc & DESC_ADDRESS & within, 0);
         return (struct pt_leaf){
            .pa = (desc & DESC_ADDRESS) + (va & within),
            .attributes = desc & ~DESC_ADDRESS,
            .level = level,
         };
      }
      fail_msg("malformed descriptor %#llx at level %d of va %#llx",
               (unsigned long long)desc, level, (unsigned long long)va);
   }
   return (struct pt_leaf){0};
}

static void
count_table(struct pan_kmod_dev *dev, uint64_t table, int level, uint64_t base,
            uint64_t start, uint64_t end, struct pt_census *census)
{
   const uint64_t span = 1ull << (39 - 9 * level);

   for (unsigned i = 0; i < 512; i++) {
      uint64_t va = base + i * span;

      if (va + span <= start || va >= end)
         continue;
      uint64_t desc = read_desc(dev, table, i);
      if ((desc & 3) == 3 && level < 3) {
         census->tables++;
         count_table(dev, desc & DESC_ADDRESS, level + 1, va, start, end,
                     census);
      } else if ((desc & 3) == 3) {
         census->pages++;
      } else if ((desc & 3) == 1) {
         census->blocks++;
      }
   }
}

struct pt_census
pt_count(struct pan_kmod_vm *vm, uint64_t va, uint64_t size_B)
{
   struct pt_census census = {0};

   count_table(vm->dev, root(vm), 0, 0, va, va + size_B, &census);
   return census;
}
