/* SPDX-License-Identifier: MIT */
/*
 * A sparse queue of a family of its own beside the universal one. Skips where
 * the driver has one family.
 */
#include "vt.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "add.spv.h"

#define TILE_WORDS (VT_TILE / 4)

static VkBuffer buffer; /* a tile, and concurrent */
static VkDeviceMemory memory[2];

static int
setup(void **state)
{
   setenv("VT_SEPARATE_QUEUE", "1", 1);
   if (vt_group_setup(state) != 0)
      return -1;
   const uint32_t families[] = {vt.family, vt.sparse_family};
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      .size = VT_TILE,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
      .sharingMode = VK_SHARING_MODE_CONCURRENT,
      .queueFamilyIndexCount = 2,
      .pQueueFamilyIndices = families,
   };
   VKH_CHECK(vkCreateBuffer(vt.device, &info, NULL, &buffer));
   uint32_t types = vt_buffer_requirements(buffer).memoryTypeBits;
   for (unsigned i = 0; i < 2; i++) {
      memory[i] = vt_memory(1, types);
      const VkSparseMemoryBind bind = {.size = VT_TILE, .memory = memory[i]};
      vt_bind_buffer(buffer, &bind, 1);
      vt_fill_words(buffer, 0, 16, 1000 * (i + 1));
   }
   return 0;
}

static int
teardown(void **state)
{
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory[0], NULL);
   vkFreeMemory(vt.device, memory[1], NULL);
   return vt_group_teardown(state);
}

/* Binds to memory @which on @queue; values of binary semaphores are ignored. */
static void
bind(VkQueue queue, unsigned which, VkSemaphore wait, uint64_t wait_value,
     VkSemaphore signal, uint64_t signal_value, VkFence fence)
{
   const VkSparseMemoryBind range = {.size = VT_TILE, .memory = memory[which]};
   const VkSparseBufferMemoryBindInfo buffers = {buffer, 1, &range};
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = wait ? 1 : 0,
      .pWaitSemaphoreValues = &wait_value,
      .signalSemaphoreValueCount = signal ? 1 : 0,
      .pSignalSemaphoreValues = &signal_value,
   };
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .pNext = &values,
      .waitSemaphoreCount = wait ? 1 : 0,
      .pWaitSemaphores = &wait,
      .bufferBindCount = 1,
      .pBufferBinds = &buffers,
      .signalSemaphoreCount = signal ? 1 : 0,
      .pSignalSemaphores = &signal,
   };
   VKH_CHECK(vkQueueBindSparse(queue, 1, &info, fence));
}

static void
pause_a_little(void)
{
   nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void
test_families(void **state)
{
   (void)state;
   uint32_t count = 0;
   VkQueueFamilyProperties one[16];
   VkQueueFamilyProperties2 two[16] = {0};

   vkGetPhysicalDeviceQueueFamilyProperties(vt.physical, &count, NULL);
   assert_in_range(count, 2, 16);
   vkGetPhysicalDeviceQueueFamilyProperties(vt.physical, &count, one);
   for (uint32_t i = 0; i < count; i++)
      two[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2;
   vkGetPhysicalDeviceQueueFamilyProperties2(vt.physical, &count, two);
   for (uint32_t i = 0; i < count; i++)
      assert_memory_equal(&one[i], &two[i].queueFamilyProperties,
                          sizeof(one[i]));
   assert_true(one[vt.sparse_family].queueFlags & VK_QUEUE_SPARSE_BINDING_BIT);
   assert_ptr_not_equal(vt.queue, vt.sparse_queue);
   const VkDeviceQueueInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_INFO_2,
      .queueFamilyIndex = vt.sparse_family,
   };
   VkQueue queue;
   vkGetDeviceQueue2(vt.device, &info, &queue);
   assert_ptr_equal(queue, vt.sparse_queue);
}

/* Work and binds by turns, each queue waiting for the other. */
static void
test_chain(void **state)
{
   (void)state;
   enum { ROUNDS = 200 };
   VkSemaphore timeline = vkh_timeline_create(&vt, 0);

   for (uint64_t n = 0; n < ROUNDS; n++) {
      bind(vt.sparse_queue, n % 2, timeline, 2 * n, timeline, 2 * n + 1,
           VK_NULL_HANDLE);
      vt_submit(vt.queue, timeline, 2 * n + 1, timeline, 2 * n + 2,
                VK_NULL_HANDLE);
   }
   vkh_timeline_wait(&vt, timeline, 2 * ROUNDS);
   vt_check_words(buffer, 0, 16, 2000);
   vkDestroySemaphore(vt.device, timeline, NULL);
}

/* Each queue waits for what is submitted to the other one later. */
static void
test_wait_before_signal(void **state)
{
   (void)state;
   VkFence fence = vkh_fence_create(&vt);
   VkSemaphore timeline = vkh_timeline_create(&vt, 0);

   for (uint64_t n = 0; n < 20; n += 4) {
      bind(vt.sparse_queue, 0, timeline, n + 1, timeline, n + 2, fence);
      pause_a_little();
      assert_int_equal(vkGetFenceStatus(vt.device, fence), VK_NOT_READY);
      vt_submit(vt.queue, VK_NULL_HANDLE, 0, timeline, n + 1, VK_NULL_HANDLE);
      VKH_CHECK(vkWaitForFences(vt.device, 1, &fence, VK_TRUE, UINT64_MAX));
      VKH_CHECK(vkResetFences(vt.device, 1, &fence));
      vt_check_words(buffer, 0, 16, 1000);

      vt_submit(vt.queue, timeline, n + 3, timeline, n + 4, fence);
      pause_a_little();
      assert_int_equal(vkGetFenceStatus(vt.device, fence), VK_NOT_READY);
      bind(vt.sparse_queue, 1, VK_NULL_HANDLE, 0, timeline, n + 3,
           VK_NULL_HANDLE);
      VKH_CHECK(vkWaitForFences(vt.device, 1, &fence, VK_TRUE, UINT64_MAX));
      VKH_CHECK(vkResetFences(vt.device, 1, &fence));
      vt_check_words(buffer, 0, 16, 2000);
   }
   vkDestroySemaphore(vt.device, timeline, NULL);
   vkDestroyFence(vt.device, fence, NULL);
}

/* Binary semaphores there and back. */
static void
test_binary(void **state)
{
   (void)state;
   VkFence fence = vkh_fence_create(&vt);
   VkSemaphore there = vkh_semaphore_create(&vt), back = vkh_semaphore_create(&vt);
   VkSemaphore gate = vkh_timeline_create(&vt, 0);

   for (uint64_t n = 1; n <= 20; n++) {
      vt_submit(vt.queue, gate, n, there, 0, VK_NULL_HANDLE);
      vkh_timeline_signal(&vt, gate, n);
      bind(vt.sparse_queue, n % 2, there, 0, back, 0, VK_NULL_HANDLE);
      vt_submit(vt.queue, back, 0, VK_NULL_HANDLE, 0, fence);
      VKH_CHECK(vkWaitForFences(vt.device, 1, &fence, VK_TRUE, UINT64_MAX));
      VKH_CHECK(vkResetFences(vt.device, 1, &fence));
      vt_check_words(buffer, 0, 16, 1000 * (1 + n % 2));
   }
   vkDestroySemaphore(vt.device, gate, NULL);
   vkDestroySemaphore(vt.device, there, NULL);
   vkDestroySemaphore(vt.device, back, NULL);
   vkDestroyFence(vt.device, fence, NULL);
}

/*
 * 10,000 binds behind a gate hold up neither the caller nor the other queue, and
 * none takes more than so much memory. (Under AddressSanitizer mallinfo2() knows
 * nothing.)
 */
#define PENDING_BIND_MAX_B 4096
static void
test_many(void **state)
{
   (void)state;
   enum { COUNT = 10000 };
   VkSemaphore gate = vkh_timeline_create(&vt, 0);
   VkSemaphore done = vkh_timeline_create(&vt, 0);
   size_t before = mallinfo2().uordblks;

   for (uint64_t n = 1; n <= COUNT; n++)
      bind(vt.sparse_queue, n % 2, gate, 1, done, n, VK_NULL_HANDLE);
   size_t bytes = mallinfo2().uordblks - before;
   print_message("# %zu bytes for each of %d waiting binds\n", bytes / COUNT, COUNT);
   assert_in_range(bytes / COUNT, 0, PENDING_BIND_MAX_B);
   vt_submit(vt.queue, VK_NULL_HANDLE, 0, gate, 1, VK_NULL_HANDLE);
   VKH_CHECK(vkQueueWaitIdle(vt.queue));
   vkh_timeline_wait(&vt, done, COUNT);
   VKH_CHECK(vkQueueWaitIdle(vt.sparse_queue));
   vt_check_words(buffer, 0, 16, 1000);
   vkDestroySemaphore(vt.device, gate, NULL);
   vkDestroySemaphore(vt.device, done, NULL);
}

/* Idle is a queue of its own, or all of a device. */
static void
test_wait_idle(void **state)
{
   (void)state;
   VkSemaphore gate = vkh_timeline_create(&vt, 0);
   VkSemaphore done = vkh_timeline_create(&vt, 0);
   uint64_t value = 0;

   bind(vt.sparse_queue, 1, gate, 1, done, 1, VK_NULL_HANDLE);
   VKH_CHECK(vkQueueWaitIdle(vt.queue)); /* not held up by the other one */
   vkh_timeline_signal(&vt, gate, 1);
   VKH_CHECK(vkDeviceWaitIdle(vt.device));
   VKH_CHECK(vkGetSemaphoreCounterValue(vt.device, done, &value));
   assert_int_equal(value, 1);
   vt_check_words(buffer, 0, 16, 2000);
   vkDestroySemaphore(vt.device, gate, NULL);
   vkDestroySemaphore(vt.device, done, NULL);
}

/* Both queues bind: the universal one still can. */
static void
test_both_bind(void **state)
{
   (void)state;
   VkQueueFamilyProperties families[16];
   uint32_t count = 16;
   vkGetPhysicalDeviceQueueFamilyProperties(vt.physical, &count, families);
   VT_NEED(families[vt.family].queueFlags & VK_QUEUE_SPARSE_BINDING_BIT);
   VkSemaphore timeline = vkh_timeline_create(&vt, 0);

   for (uint64_t n = 0; n < 100; n++)
      bind(n % 2 ? vt.queue : vt.sparse_queue, n % 2, timeline, n, timeline,
           n + 1, VK_NULL_HANDLE);
   vkh_timeline_wait(&vt, timeline, 100);
   vt_check_words(buffer, 0, 16, 2000);
   vkDestroySemaphore(vt.device, timeline, NULL);
}

/* The sparse queue takes submits, between its binds and in their order. */
static void
test_submits(void **state)
{
   (void)state;
   enum { ROUNDS = 50 };
   VkSemaphore timeline = vkh_timeline_create(&vt, 0);
   VkFence fence = vkh_fence_create(&vt);

   for (uint64_t n = 0; n < ROUNDS; n++) {
      vt_submit(vt.queue, VK_NULL_HANDLE, 0, timeline, 4 * n + 1,
                VK_NULL_HANDLE);
      vt_submit(vt.sparse_queue, timeline, 4 * n + 1, timeline, 4 * n + 2,
                VK_NULL_HANDLE);
      bind(vt.sparse_queue, n % 2, timeline, 4 * n + 2, timeline, 4 * n + 3,
           VK_NULL_HANDLE);
      vt_submit(vt.sparse_queue, timeline, 4 * n + 3, timeline, 4 * n + 4, fence);
      VKH_CHECK(vkWaitForFences(vt.device, 1, &fence, VK_TRUE, UINT64_MAX));
      VKH_CHECK(vkResetFences(vt.device, 1, &fence));
      vt_check_words(buffer, 0, 16, 1000 * (1 + n % 2));
   }
   vkDestroyFence(vt.device, fence, NULL);
   vkDestroySemaphore(vt.device, timeline, NULL);
}

enum { RUNNING_TILES = 64, RUNNING_ROUNDS = 100 };

/* Starts work on the even tiles of @many, that ends with @fence. */
static VkCommandBuffer
start_adding(VkBuffer many, VkPipelineLayout layout, VkPipeline pipeline,
             VkDescriptorSet set, VkFence fence)
{
   const uint32_t push[] = {TILE_WORDS, RUNNING_ROUNDS};
   VkCommandBuffer cmd = vkh_begin(&vt);
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &cmd,
   };

   vkh_write_buffer(&vt, set, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, many, 0,
                    VK_WHOLE_SIZE);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdPushConstants(cmd, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push),
                      push);
   vkCmdDispatch(cmd, RUNNING_TILES / 2, 1, 1);
   vkh_full_barrier(cmd);
   VKH_CHECK(vkEndCommandBuffer(cmd));
   VKH_CHECK(vkQueueSubmit(vt.queue, 1, &submit, fence));
   return cmd;
}

/* Exchanges the odd tiles of @many while @fence is not signalled. */
static uint32_t
exchange_odd_tiles(VkBuffer many, VkDeviceMemory odd, VkFence fence)
{
   VkSparseMemoryBind binds[RUNNING_TILES / 2];
   const VkSparseBufferMemoryBindInfo buffers = {many, RUNNING_TILES / 2,
                                                 binds};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffers,
   };
   uint32_t calls = 0;

   do {
      for (uint32_t i = 0; i < RUNNING_TILES / 2; i++) {
         uint32_t at = (i + calls) % (RUNNING_TILES / 2);

         binds[i] = (VkSparseMemoryBind){
            .resourceOffset = (2 * i + 1) * VT_TILE,
            .size = VT_TILE,
            .memory = (i + calls) % 5 ? odd : VK_NULL_HANDLE,
            .memoryOffset = (i + calls) % 5 ? at * VT_TILE : 0,
         };
      }
      VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1, &info, VK_NULL_HANDLE));
      calls++;
   } while (vkGetFenceStatus(vt.device, fence) == VK_NOT_READY);
   VKH_CHECK(vkQueueWaitIdle(vt.sparse_queue));
   return calls;
}

/* Tiles come and go beside those that a shader works on. */
static void
test_under_running_work(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyBuffer);
   const VkDescriptorType type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
   const uint32_t families[] = {vt.family, vt.sparse_family};
   const VkBufferCreateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
               VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      .size = RUNNING_TILES * VT_TILE,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
      .sharingMode = VK_SHARING_MODE_CONCURRENT,
      .queueFamilyIndexCount = 2,
      .pQueueFamilyIndices = families,
   };
   VkDescriptorSetLayout set_layout =
      vkh_set_layout(&vt, VK_SHADER_STAGE_COMPUTE_BIT, &type, 1);
   VkPipelineLayout layout =
      vkh_pipeline_layout(&vt, set_layout, VK_SHADER_STAGE_COMPUTE_BIT, 8);
   VkPipeline pipeline =
      vkh_compute_pipeline(&vt, layout, vt_add, sizeof(vt_add));
   VkDescriptorPool pool;
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, &type, 1, &pool);
   VkFence fence = vkh_fence_create(&vt);
   VkDeviceMemory even, odd;
   VkBuffer many;

   VKH_CHECK(vkCreateBuffer(vt.device, &buffer_info, NULL, &many));
   uint32_t types = vt_buffer_requirements(many).memoryTypeBits;
   even = vt_memory(RUNNING_TILES / 2, types);
   odd = vt_memory(RUNNING_TILES / 2, types);
   for (uint32_t i = 0; i < RUNNING_TILES; i += 2) {
      const VkSparseMemoryBind bind = {i * VT_TILE, VT_TILE, even,
                                       i / 2 * VT_TILE, 0};
      vt_bind_buffer(many, &bind, 1);
      vt_fill_words(many, i * VT_TILE, TILE_WORDS, 1000 * i);
   }
   VkCommandBuffer cmd = start_adding(many, layout, pipeline, set, fence);
   print_message("# %u exchanges of 32 tiles meanwhile\n",
                 exchange_odd_tiles(many, odd, fence));
   for (uint32_t i = 0; i < RUNNING_TILES; i += 2)
      vt_check_words(many, i * VT_TILE, TILE_WORDS, 1000 * i + RUNNING_ROUNDS);

   vkFreeCommandBuffers(vt.device, vt.pool, 1, &cmd);
   vkDestroyFence(vt.device, fence, NULL);
   vkDestroyBuffer(vt.device, many, NULL);
   vkFreeMemory(vt.device, even, NULL);
   vkFreeMemory(vt.device, odd, NULL);
   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
}

/* A device with no other queue binds, waits and goes. */
static void
test_sparse_queue_alone(void **state)
{
   (void)state;
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = vt.sparse_family,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkPhysicalDeviceFeatures features = {.sparseBinding = VK_TRUE};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue_info,
      .pEnabledFeatures = &features,
   };
   const VkBufferCreateInfo buffer_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      .size = 4 * VT_TILE,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
   };
   VkMemoryRequirements needs;
   VkDevice device;
   VkQueue queue;
   VkBuffer alone;
   VkDeviceMemory its_memory;

   VKH_CHECK(vkCreateDevice(vt.physical, &info, NULL, &device));
   vkGetDeviceQueue(device, vt.sparse_family, 0, &queue);
   VKH_CHECK(vkCreateBuffer(device, &buffer_info, NULL, &alone));
   vkGetBufferMemoryRequirements(device, alone, &needs);
   const VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs.size,
      .memoryTypeIndex = (uint32_t)__builtin_ctz(needs.memoryTypeBits),
   };
   VKH_CHECK(vkAllocateMemory(device, &memory_info, NULL, &its_memory));

   const VkSparseMemoryBind range = {.size = needs.size, .memory = its_memory};
   const VkSparseBufferMemoryBindInfo buffers = {alone, 1, &range};
   const VkBindSparseInfo bind_info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffers,
   };
   const VkFenceCreateInfo fence_info = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;
   VKH_CHECK(vkCreateFence(device, &fence_info, NULL, &fence));
   VKH_CHECK(vkQueueBindSparse(queue, 1, &bind_info, fence));
   VKH_CHECK(vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX));
   VKH_CHECK(vkDeviceWaitIdle(device));

   vkDestroyFence(device, fence, NULL);
   vkDestroyBuffer(device, alone, NULL);
   vkFreeMemory(device, its_memory, NULL);
   vkDestroyDevice(device, NULL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families),
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_wait_before_signal),
      cmocka_unit_test(test_wait_idle),
      cmocka_unit_test(test_both_bind),
      cmocka_unit_test(test_binary),
      cmocka_unit_test(test_submits),
      cmocka_unit_test(test_under_running_work),
      cmocka_unit_test(test_sparse_queue_alone),
      cmocka_unit_test(test_many),
   };
   return cmocka_run_group_tests_name("vulkan-two-queues", tests, setup,
                                      teardown);
}
