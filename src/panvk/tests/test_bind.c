/* SPDX-License-Identifier: MIT */
/*
 * From a VkBindSparseInfo to the ioctl, with recorders in place of all that
 * panvk_bind.c calls: the engine, the kernel driver and the image half.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "panvk_device.h"
#include "panvk_queue.h"

#define TILE 65536ull
#define VA (5ull << 32)

/* ------------------------------------------------------------- recorders -- */

static struct {
   char calls[64]; /* one letter a call: v(m_bind), -(resident off), + (on) */
   uint32_t op_count;
   struct drm_panthor_vm_bind_op ops[64];
   int ret; /* of the next vm_bind */
   uint32_t failed_op;
   uint32_t lookups; /* of memory objects */
   char message[512];
} seen;

static struct pan_kmod_bo bo = {.handle = 9, .size_B = 64 * TILE};
static struct panvk_memory memory = {.bo = &bo};

static void
note(char call)
{
   size_t length = strlen(seen.calls);
   assert_true(length + 1 < sizeof(seen.calls));
   seen.calls[length] = call;
}

int
pan_kmod_vm_bind(struct pan_kmod_vm *vm, uint32_t flags,
                 const struct drm_panthor_vm_bind_op *ops, uint32_t op_count,
                 uint32_t *failed_op_out)
{
   note('v');
   assert_int_equal(flags, 0);
   assert_true(op_count <= 64);
   memcpy(seen.ops, ops, op_count * sizeof(*ops));
   seen.op_count = op_count;
   *failed_op_out = seen.ret != 0 ? seen.failed_op : op_count;
   return seen.ret;
}

struct panvk_memory *
panvk_memory_lookup(struct panvk_device *dev, VkDeviceMemory handle)
{
   seen.lookups++;
   return panvk_key(handle) == 1 ? &memory : NULL;
}

const char *
panvk_resource_describe(const struct panvk_resource *res,
                        char text[static 128])
{
   return strcpy(text, "a resource");
}

const char *
panvk_resource_describe_at(struct panvk_device *dev, uint64_t va,
                           char text[static 128])
{
   sprintf(text, "what is at %llx", (unsigned long long)va);
   return text;
}

struct panvk_null_mapping
panvk_null_mapping(const struct panvk_device *dev)
{
   return (struct panvk_null_mapping){0};
}

/* Each bind of image n makes tile n resident, or not without memory. */
VkResult
panvk_image_append_binds(struct panvk_batch *batch,
                         const VkSparseImageMemoryBindInfo *info)
{
   static const struct panvk_resource image = {.va = VA, .size_B = 64 * TILE};
   for (uint32_t i = 0; i < info->bindCount; i++) {
      const VkSparseImageMemoryBind *bind = &info->pBinds[i];
      uint32_t tile = (uint32_t)bind->offset.x;
      VkResult result =
         panvk_batch_bind(batch, &image, VA + tile * TILE, TILE, bind->memory,
                          bind->memoryOffset);
      if (result != VK_SUCCESS)
         return result;
      panvk_bind_list_add_residency(&batch->list, (void *)&image, tile, 1,
                                    bind->memory != VK_NULL_HANDLE);
   }
   return VK_SUCCESS;
}

VkResult
panvk_image_append_opaque_binds(struct panvk_batch *batch,
                                const VkSparseImageOpaqueMemoryBindInfo *info)
{
   return VK_SUCCESS;
}

void
panvk_image_apply_residency(struct panvk_device *dev,
                            const struct panvk_residency_change *changes,
                            uint32_t count, bool resident)
{
   for (uint32_t i = 0; i < count; i++) {
      if (changes[i].resident == resident)
         note(resident ? '+' : '-');
   }
}

uint32_t
panvk_debug(void)
{
   return 0;
}

void
panvk_trace(enum panvk_debug flag, const char *format, ...)
{
   fail();
}

void
panvk_error(struct panvk_instance *instance, VkObjectType type, uint64_t object,
            const char *format, ...)
{
   va_list args;
   va_start(args, format);
   vsnprintf(seen.message, sizeof(seen.message), format, args);
   va_end(args);
}

/* ----------------------------------------------------------------- tests -- */

static struct panvk_physical_device pdev;
static struct panvk_device dev;
static struct panvk_resource buffer = {
   .type = VK_OBJECT_TYPE_BUFFER,
   .va = VA + 64 * TILE,
   .size_B = 64 * TILE,
};
#define BUFFER ((VkBuffer)16)
#define MEMORY ((VkDeviceMemory)1)
#define FOREIGN ((VkDeviceMemory)2)

static int
setup(void **state)
{
   memset(&seen, 0, sizeof(seen));
   memset(&dev, 0, sizeof(dev));
   dev.pdev = &pdev;
   panvk_bind_list_init(&dev.scratch);
   panvk_map_init(&dev.buffers);
   assert_true(panvk_map_insert(&dev.buffers, panvk_key(BUFFER), &buffer));
   return 0;
}

static int
teardown(void **state)
{
   panvk_bind_list_finish(&dev.scratch);
   panvk_map_finish(&dev.buffers);
   return 0;
}

static VkResult
create(const VkSparseMemoryBind *buffer_binds, uint32_t buffer_bind_count,
       const VkSparseImageMemoryBind *image_binds, uint32_t image_bind_count,
       struct panvk_job **job_out)
{
   VkSparseBufferMemoryBindInfo buffers = {BUFFER, buffer_bind_count,
                                           buffer_binds};
   VkSparseImageMemoryBindInfo images = {(VkImage)32, image_bind_count,
                                         image_binds};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffers,
      .imageBindCount = 1,
      .pImageBinds = &images,
   };
   return panvk_job_create(&dev, &info, job_out);
}

/* Resources share one ioctl, with residency around it in the safe order. */
static void
test_one_ioctl(void **state)
{
   VkSparseMemoryBind buffer_binds[] = {
      {TILE, TILE, MEMORY, 8 * TILE, 0},
      {0, TILE, MEMORY, 7 * TILE, 0},
   };
   VkSparseImageMemoryBind image_binds[] = {
      {.offset = {63, 0, 0}, .memory = MEMORY, .memoryOffset = 6 * TILE},
      {.offset = {5, 0, 0}, .memory = VK_NULL_HANDLE},
      {.offset = {4, 0, 0}, .memory = VK_NULL_HANDLE},
   };
   struct panvk_job *job;

   assert_int_equal(create(buffer_binds, 2, image_binds, 3, &job), VK_SUCCESS);
   assert_int_equal(seen.lookups, 1); /* the rest came from the last one */
   assert_int_equal(panvk_job_execute(&dev, job), VK_SUCCESS);
   assert_string_equal(seen.calls, "--v+");
   assert_int_equal(seen.op_count, 2);
   assert_int_equal(seen.ops[0].va, VA + 4 * TILE);
   assert_int_equal(seen.ops[0].size, 2 * TILE);
   assert_int_equal(seen.ops[0].bo_handle, 0);
   assert_int_equal(seen.ops[1].va, VA + 63 * TILE);
   assert_int_equal(seen.ops[1].size, 3 * TILE);
   assert_int_equal(seen.ops[1].bo_handle, 9);
   assert_int_equal(seen.ops[1].bo_offset, 6 * TILE);
   assert_int_equal(atomic_load(&dev.binds), 5);
   assert_int_equal(atomic_load(&dev.bind_batches), 1);
   panvk_job_destroy(job);
}

static void
test_nothing_to_do(void **state)
{
   VkBindSparseInfo empty = {.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO};
   VkSparseMemoryBind of_nothing = {0, 0, MEMORY, 0, 0};
   VkSparseBufferMemoryBindInfo no_binds = {(VkBuffer)777, 0, NULL};
   VkBindSparseInfo zero_count = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &no_binds,
   };
   struct panvk_job *job = (void *)1;

   assert_int_equal(panvk_job_create(&dev, &empty, &job), VK_SUCCESS);
   assert_null(job);
   assert_int_equal(panvk_job_create(&dev, &zero_count, &job), VK_SUCCESS);
   assert_null(job);
   assert_int_equal(create(&of_nothing, 1, NULL, 0, &job), VK_SUCCESS);
   assert_null(job);
   panvk_job_destroy(NULL);
}

static void
test_refusals(void **state)
{
   VkSparseMemoryBind foreign = {0, TILE, FOREIGN, 0, 0};
   VkSparseImageMemoryBind image = {.memory = FOREIGN};
   VkDeviceGroupBindSparseInfo group = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_GROUP_BIND_SPARSE_INFO,
      .memoryDeviceIndex = 1,
   };
   VkBindSparseInfo grouped = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .pNext = &group,
   };
   struct panvk_job *job;

   assert_int_equal(create(&foreign, 1, NULL, 0, &job),
                    VK_ERROR_VALIDATION_FAILED_EXT);
   assert_null(job);
   assert_non_null(strstr(seen.message, "a resource"));
   assert_int_equal(create(NULL, 0, &image, 1, &job),
                    VK_ERROR_VALIDATION_FAILED_EXT);
   assert_int_equal(panvk_job_create(&dev, &grouped, &job),
                    VK_ERROR_VALIDATION_FAILED_EXT);
   assert_non_null(strstr(seen.message, "one device"));
   assert_string_equal(seen.calls, "");
   assert_int_equal(atomic_load(&dev.bind_batches), 0);
}

/* The message names the op; later jobs do not even reach the kernel. */
static void
test_lost_device(void **state)
{
   VkSparseMemoryBind binds[] = {
      {0, TILE, MEMORY, 0, 0},
      {4 * TILE, TILE, MEMORY, 12 * TILE, 0},
   };
   VkSparseImageMemoryBind image = {.offset = {1, 0, 0}, .memory = MEMORY};
   struct panvk_job *job;

   assert_int_equal(create(binds, 2, &image, 1, &job), VK_SUCCESS);
   seen.ret = -ENOMEM;
   seen.failed_op = 2;
   assert_int_equal(panvk_job_execute(&dev, job), VK_ERROR_DEVICE_LOST);
   assert_true(atomic_load(&dev.lost));
   assert_string_equal(seen.calls, "v"); /* nothing became resident */
   assert_non_null(strstr(seen.message, "op 2 of 3"));
   assert_non_null(strstr(seen.message, "what is at 500440000"));
   assert_non_null(strstr(seen.message, "BO 9 at 0xc0000"));
   assert_non_null(strstr(seen.message, strerror(ENOMEM)));

   seen.ret = 0;
   assert_int_equal(panvk_job_execute(&dev, job), VK_ERROR_DEVICE_LOST);
   assert_string_equal(seen.calls, "v");
   panvk_job_destroy(job);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(test_one_ioctl),
      TEST(test_nothing_to_do),
      TEST(test_refusals),
      TEST(test_lost_device),
   };
   return cmocka_run_group_tests_name("panvk_bind", tests, NULL, NULL);
}
