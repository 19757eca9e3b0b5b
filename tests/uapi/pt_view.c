/* SPDX-License-Identifier: MIT */
#include "pt_view.h"

#include "pt_walker.h"
#include "uapi.h"

static struct pt_walker
walker_of(struct pan_kmod_vm *vm)
{
   struct host_stats stats = uapi_stats(vm->dev);
   struct pt_walker walker = {
      .dram = pan_kmod_dram_ptr(vm->dev, 0),
      .dram_size_B = stats.dram_size_B,
      .va_bits =
         DRM_PANTHOR_MMU_VA_BITS(pan_kmod_dev_props(vm->dev)->gpu.mmu_features),
   };

   assert_int_equal(pan_kmod_vm_root(vm, &walker.root_pa), 0);
   return walker;
}

struct pt_leaf
pt_view(struct pan_kmod_vm *vm, uint64_t va)
{
   const struct pt_walker walker = walker_of(vm);
   const struct pt_walk walk = pt_walker_walk(&walker, va);

   if (walk.absent)
      return (struct pt_leaf){
         .pa = walk.pa,
         .attributes = walk.attrs,
         .absent = true,
      };
   if (!walk.valid) {
      assert_int_equal(walk.entry, 0);
      return (struct pt_leaf){0};
   }
   return (struct pt_leaf){
      .pa = walk.pa,
      .attributes = walk.attrs,
      .level = walk.level,
   };
}

struct pt_counts
pt_count(struct pan_kmod_vm *vm)
{
   const struct pt_walker walker = walker_of(vm);
   struct pt_census census;

   pt_walker_census(&walker, &census);
   assert_int_equal(census.invalid, 0);
   assert_int_equal(census.empty_tables, 0);
   return (struct pt_counts){
      .pages = census.leaves[3],
      .blocks = census.leaves[2],
      .tables = census.tables - 1,
      .absent = census.absent[2] + census.absent[3],
   };
}
