/* SPDX-License-Identifier: MIT */
#include "uapi.h"

#include <stdio.h>
#include <unistd.h>

const struct host_config uapi_small = {
   .dram_size_B = 1ull << 30,
   .as_count = 8,
};

const struct host_config uapi_small_fragmented = {
   .dram_size_B = 1ull << 30,
   .dram_fragmented = true,
   .as_count = 8,
};

struct pan_kmod_dev *
uapi_open(const struct host_config *config)
{
   struct pan_kmod_dev *dev = NULL;
   int ret = pan_kmod_dev_create(NULL, config, &dev);

   assert_int_equal(ret, 0);
   return dev;
}

void
uapi_close(struct pan_kmod_dev *dev)
{
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);
}

int
uapi_bind(struct pan_kmod_vm *vm, uint32_t flags, struct pan_kmod_bo *bo,
          uint64_t bo_offset, uint64_t va, uint64_t size_B)
{
   const struct drm_panthor_vm_bind_op op = {
      .flags = flags,
      .bo_handle = bo ? bo->handle : 0,
      .bo_offset = bo_offset,
      .va = va,
      .size = size_B,
   };

   return pan_kmod_vm_bind(vm, 0, &op, 1, NULL);
}

struct pan_kmod_bo *
uapi_bo(struct pan_kmod_dev *dev, uint64_t size_B)
{
   struct pan_kmod_bo *bo = NULL;

   assert_int_equal(pan_kmod_bo_create(dev, size_B, 0, 0, NULL, &bo), 0);
   return bo;
}

struct pan_kmod_vm *
uapi_vm(struct pan_kmod_dev *dev)
{
   struct pan_kmod_vm *vm = NULL;

   assert_int_equal(pan_kmod_vm_create(dev, 0, &vm), 0);
   return vm;
}

void
uapi_need_virtual(struct pan_kmod_dev *dev)
{
   if (!pan_kmod_dev_props(dev)->virtual_gpu)
      skip();
}

struct host_stats
uapi_stats(struct pan_kmod_dev *dev)
{
   struct host_stats stats;

   uapi_need_virtual(dev);
   assert_int_equal(pan_kmod_get_stats(dev, &stats), 0);
   return stats;
}

void
uapi_evict(struct pan_kmod_dev *dev, uint64_t count)
{
   uint64_t before = uapi_stats(dev).evictions;

   for (unsigned i = 0; i < 1000 && uapi_stats(dev).evictions - before < count;
        i++) {
      pan_kmod_reclaim(dev, 1ull << 40);
      usleep(1000);
   }
   assert_int_equal(uapi_stats(dev).evictions - before, count);
}

void
uapi_unchanged(struct pan_kmod_dev *dev, const struct host_stats *before,
               const char *what)
{
   struct host_stats now = uapi_stats(dev);

   if (now.vmas != before->vmas || now.pt_pages != before->pt_pages ||
       now.pt_entries_written != before->pt_entries_written ||
       now.dram_allocated_B != before->dram_allocated_B)
      fail_msg("%s changed something: vmas %llu -> %llu, tables %llu -> %llu, "
               "entries written %llu -> %llu, DRAM %llu -> %llu",
               what, (unsigned long long)before->vmas,
               (unsigned long long)now.vmas,
               (unsigned long long)before->pt_pages,
               (unsigned long long)now.pt_pages,
               (unsigned long long)before->pt_entries_written,
               (unsigned long long)now.pt_entries_written,
               (unsigned long long)before->dram_allocated_B,
               (unsigned long long)now.dram_allocated_B);
}

void
uapi_select(void)
{
   const char *test = getenv("PANSPARSE_TEST");

   if (test && *test)
      cmocka_set_test_filter(test);
}

bool
uapi_is_on_node(void)
{
   const char *device = getenv("PANSPARSE_DEVICE");

   return device && *device;
}

int
uapi_skip_all(const struct CMUnitTest *tests, size_t count)
{
   const char *only = getenv("PANSPARSE_TEST");
   unsigned number = 0;

   for (size_t i = 0; i < count; i++)
      if (!only || !*only || !strcmp(only, tests[i].name))
         printf("ok %u - %s # SKIP\n", ++number, tests[i].name);
   printf("1..%u\n", number);
   return 0;
}

uint64_t
uapi_env(const char *name, uint64_t fallback)
{
   const char *value = getenv(name);

   return value && *value ? strtoull(value, NULL, 0) : fallback;
}
