/* SPDX-License-Identifier: MIT */
/* vkQueueBindSparse as a queue operation: semaphores, fences, empty batches. */
#include "vt.h"

#include <pthread.h>
#include <time.h>

#define TILE_WORDS (VT_TILE / 4)

struct fixture {
   VkBuffer buffer; /* four tiles, unbound */
   VkDeviceMemory memory[2]; /* of four tiles */
   VkFence fence;
};

static int
setup(void **state)
{
   struct fixture *f = vkh_calloc(1, sizeof(*f));

   f->buffer = vkh_sparse_buffer_create(
      &vt, 4 * VT_TILE, VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
         VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   uint32_t types = vt_buffer_requirements(f->buffer).memoryTypeBits;
   f->memory[0] = vt_memory(4, types);
   f->memory[1] = vt_memory(4, types);
   f->fence = vkh_fence_create(&vt);
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   VKH_CHECK(vkDeviceWaitIdle(vt.device));
   vkDestroyFence(vt.device, f->fence, NULL);
   vkDestroyBuffer(vt.device, f->buffer, NULL);
   vkFreeMemory(vt.device, f->memory[0], NULL);
   vkFreeMemory(vt.device, f->memory[1], NULL);
   free(f);
   return 0;
}

/* A batch that binds the whole buffer to one of the memories. */
struct batch {
   VkSparseMemoryBind bind;
   VkSparseBufferMemoryBindInfo buffer;
   VkTimelineSemaphoreSubmitInfo timeline;
   VkBindSparseInfo info;
   VkSemaphore wait, signal;
   uint64_t wait_value, signal_value;
};

static const VkBindSparseInfo *
make_batch(struct batch *b, const struct fixture *f, unsigned which,
           VkSemaphore wait, uint64_t wait_value, VkSemaphore signal,
           uint64_t signal_value)
{
   *b = (struct batch){
      .bind = {.size = 4 * VT_TILE, .memory = f->memory[which]},
      .buffer = {f->buffer, 1, &b->bind},
      .wait = wait,
      .signal = signal,
      .wait_value = wait_value,
      .signal_value = signal_value,
      .timeline =
         {
            .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
            .waitSemaphoreValueCount = wait ? 1 : 0,
            .pWaitSemaphoreValues = &b->wait_value,
            .signalSemaphoreValueCount = signal ? 1 : 0,
            .pSignalSemaphoreValues = &b->signal_value,
         },
      .info =
         {
            .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
            .pNext = &b->timeline,
            .waitSemaphoreCount = wait ? 1 : 0,
            .pWaitSemaphores = &b->wait,
            .bufferBindCount = 1,
            .pBufferBinds = &b->buffer,
            .signalSemaphoreCount = signal ? 1 : 0,
            .pSignalSemaphores = &b->signal,
         },
   };
   return &b->info;
}

static void
wait_fence(const struct fixture *f)
{
   VKH_CHECK(vkWaitForFences(vt.device, 1, &f->fence, VK_TRUE, UINT64_MAX));
   VKH_CHECK(vkResetFences(vt.device, 1, &f->fence));
}

static uint64_t
counter(VkSemaphore timeline)
{
   uint64_t value;

   VKH_CHECK(vkGetSemaphoreCounterValue(vt.device, timeline, &value));
   return value;
}

/* Fills both memories through the buffer, with 1000000 * (1 + index) + i. */
static void
fill(const struct fixture *f)
{
   for (unsigned i = 0; i < 2; i++) {
      VkSparseMemoryBind whole = {.size = 4 * VT_TILE, .memory = f->memory[i]};
      vt_bind_buffer(f->buffer, &whole, 1);
      vt_fill_words(f->buffer, 0, 4 * TILE_WORDS, 1000000 * (1 + i));
   }
}

static void
check(const struct fixture *f, unsigned which)
{
   vt_check_words(f->buffer, 0, 4 * TILE_WORDS, 1000000 * (1 + which));
}

static void
test_empty(void **state)
{
   struct fixture *f = *state;
   const VkBindSparseInfo nothing = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO};
   const VkBindSparseInfo nothings[3] = {nothing, nothing, nothing};

   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 0, NULL, VK_NULL_HANDLE));
   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 0, NULL, f->fence));
   wait_fence(f);
   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1, &nothing, VK_NULL_HANDLE));
   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 3, nothings, f->fence));
   wait_fence(f);

   /*
    * vkd3d-proton's counts are upper bounds: arrays of no binds occur, though
    * VUID-VkSparseBufferMemoryBindInfo-bindCount-arraylength forbids them. So
    * only without the layers, and on drivers that are known to take them.
    */
   if (!getenv("VK_INSTANCE_LAYERS") &&
       vt.driver.driverID == VK_DRIVER_ID_MESA_LLVMPIPE) {
      const VkSparseBufferMemoryBindInfo none = {f->buffer, 0, NULL};
      const VkBindSparseInfo info = {
         .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
         .bufferBindCount = 1,
         .pBufferBinds = &none,
      };
      VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1, &info, f->fence));
      wait_fence(f);
   }
}

static void
test_fence(void **state)
{
   struct fixture *f = *state;
   struct batch b[2];
   VkBindSparseInfo infos[2];

   fill(f);
   for (unsigned n = 0; n < 20; n++) {
      /* Two batches of one call; the later one wins by the semaphore. */
      VkSemaphore order = vkh_semaphore_create(&vt);
      infos[0] = *make_batch(&b[0], f, n % 2, VK_NULL_HANDLE, 0, order, 0);
      infos[1] = *make_batch(&b[1], f, 1 - n % 2, order, 0, VK_NULL_HANDLE, 0);
      VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 2, infos, f->fence));
      wait_fence(f);
      check(f, 1 - n % 2);
      vkDestroySemaphore(vt.device, order, NULL);
   }
}

static void
test_binary(void **state)
{
   struct fixture *f = *state;
   VkSemaphore before = vkh_semaphore_create(&vt), after = vkh_semaphore_create(&vt);
   struct batch b;

   fill(f);
   for (unsigned n = 0; n < 20; n++) {
      vt_submit(vt.queue, VK_NULL_HANDLE, 0, before, 0, VK_NULL_HANDLE);
      VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1,
                                  make_batch(&b, f, n % 2, before, 0, after, 0),
                                  VK_NULL_HANDLE));
      vt_submit(vt.queue, after, 0, VK_NULL_HANDLE, 0, f->fence);
      wait_fence(f);
      check(f, n % 2);
   }
   vkDestroySemaphore(vt.device, before, NULL);
   vkDestroySemaphore(vt.device, after, NULL);
}

static void
test_timeline(void **state)
{
   struct fixture *f = *state;
   VkSemaphore timeline = vkh_timeline_create(&vt, 0);
   struct batch b;
   uint64_t value = 0;

   fill(f);
   for (unsigned n = 0; n < 20; n++) {
      vt_submit(vt.queue, timeline, value, timeline, value + 1, VK_NULL_HANDLE);
      VKH_CHECK(vkQueueBindSparse(
         vt.sparse_queue, 1,
         make_batch(&b, f, n % 2, timeline, value + 1, timeline, value + 2),
         VK_NULL_HANDLE));
      value += 2;
      vkh_timeline_wait(&vt, timeline, value);
      check(f, n % 2);
   }
   vkDestroySemaphore(vt.device, timeline, NULL);
}

/* Binds queued before what they wait for: nothing runs until the host says so. */
static void
test_wait_before_signal(void **state)
{
   struct fixture *f = *state;
   enum { COUNT = 200 };
   VkSemaphore gate = vkh_timeline_create(&vt, 0);
   VkSemaphore done = vkh_timeline_create(&vt, 0);
   struct batch b;

   fill(f);
   for (uint64_t n = 1; n <= COUNT; n++)
      VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1,
                                  make_batch(&b, f, n % 2, gate, n, done, n),
                                  VK_NULL_HANDLE));
   assert_int_equal(counter(done), 0);
   for (uint64_t n = 1; n <= COUNT; n++) {
      vkh_timeline_signal(&vt, gate, n);
      vkh_timeline_wait(&vt, done, n);
      assert_int_equal(counter(done), n);
   }
   check(f, COUNT % 2);
   vkDestroySemaphore(vt.device, gate, NULL);
   vkDestroySemaphore(vt.device, done, NULL);
}

/*
 * Each bind waits for the one before it, as OpenGL on Vulkan does, with other
 * work in between now and then; all of it behind a gate.
 */
static void
test_chain(void **state)
{
   struct fixture *f = *state;
   enum { COUNT = 500 };
   VkSemaphore gate = vkh_timeline_create(&vt, 0);
   VkSemaphore chain = vkh_timeline_create(&vt, 0);
   struct batch b;

   fill(f);
   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1,
                               make_batch(&b, f, 1, gate, 1, chain, 1),
                               VK_NULL_HANDLE));
   for (uint64_t n = 1; n < COUNT; n++) {
      VKH_CHECK(vkQueueBindSparse(
         vt.sparse_queue, 1, make_batch(&b, f, n % 2, chain, n, chain, n + 1),
         VK_NULL_HANDLE));
      if (n % 50 == 0)
         vt_submit(vt.queue, chain, n + 1, VK_NULL_HANDLE, 0, VK_NULL_HANDLE);
   }
   nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
   assert_int_equal(counter(chain), 0);
   vkh_timeline_signal(&vt, gate, 1);
   vkh_timeline_wait(&vt, chain, COUNT);
   check(f, (COUNT - 1) % 2);
   vkDestroySemaphore(vt.device, gate, NULL);
   vkDestroySemaphore(vt.device, chain, NULL);
}

/* A new timeline is a new one, whatever its handle was before. */
static void
test_new_timeline(void **state)
{
   struct fixture *f = *state;
   VkSemaphore done = vkh_timeline_create(&vt, 0);
   struct batch b;

   fill(f);
   for (uint64_t n = 1; n <= 10; n++) {
      VkSemaphore timeline = vkh_timeline_create(&vt, 0);

      VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1,
                                  make_batch(&b, f, n % 2, timeline, 1, done, n),
                                  VK_NULL_HANDLE));
      nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
      assert_int_equal(counter(done), n - 1);
      vkh_timeline_signal(&vt, timeline, 1);
      vkh_timeline_wait(&vt, done, n);
      check(f, n % 2);

      /* What the next bind waits for is what this one signals. */
      VKH_CHECK(vkQueueBindSparse(
         vt.sparse_queue, 1,
         make_batch(&b, f, n % 2, timeline, 1, timeline, 2), VK_NULL_HANDLE));
      vkh_timeline_wait(&vt, timeline, 2);
      vkDestroySemaphore(vt.device, timeline, NULL);
   }
   vkDestroySemaphore(vt.device, done, NULL);
}

/* Work, bind, work, bind …, ordered by one timeline, never waited for. */
static void
test_interleaved(void **state)
{
   struct fixture *f = *state;
   enum { ROUNDS = 64 };
   VkSemaphore timeline = vkh_timeline_create(&vt, 0);
   struct vkh_buffer out;
   VkCommandBuffer cmds[ROUNDS];
   struct batch b;

   fill(f);
   vkh_buffer_create(&vt, ROUNDS * 16, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &out);
   for (uint64_t n = 0; n < ROUNDS; n++) {
      VKH_CHECK(vkQueueBindSparse(
         vt.sparse_queue, 1,
         make_batch(&b, f, n % 2, timeline, 2 * n, timeline, 2 * n + 1),
         VK_NULL_HANDLE));
      cmds[n] = vkh_begin(&vt);
      const VkBufferCopy copy = {(n % 4) * VT_TILE, n * 16, 16};
      vkCmdCopyBuffer(cmds[n], f->buffer, out.buffer, 1, &copy);
      VKH_CHECK(vkEndCommandBuffer(cmds[n]));
      const VkCommandBufferSubmitInfo cmd_info = {
         .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
         .commandBuffer = cmds[n],
      };
      const VkSemaphoreSubmitInfo wait = {
         .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
         .semaphore = timeline,
         .value = 2 * n + 1,
         .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
      };
      VkSemaphoreSubmitInfo signal = wait;
      signal.value = 2 * n + 2;
      const VkSubmitInfo2 info = {
         .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
         .waitSemaphoreInfoCount = 1,
         .pWaitSemaphoreInfos = &wait,
         .commandBufferInfoCount = 1,
         .pCommandBufferInfos = &cmd_info,
         .signalSemaphoreInfoCount = 1,
         .pSignalSemaphoreInfos = &signal,
      };
      VKH_CHECK(vkQueueSubmit2(vt.queue, 1, &info, VK_NULL_HANDLE));
   }
   vkh_timeline_wait(&vt, timeline, 2 * ROUNDS);
   const uint32_t *words = out.map;
   for (uint64_t n = 0; n < ROUNDS; n++)
      assert_int_equal(words[n * 4],
                       1000000 * (1 + n % 2) + (n % 4) * TILE_WORDS);
   vkFreeCommandBuffers(vt.device, vt.pool, ROUNDS, cmds);
   vkh_buffer_destroy(&vt, &out);
   vkDestroySemaphore(vt.device, timeline, NULL);
}

/* Idle means idle: binds included. */
static void
test_wait_idle(void **state)
{
   struct fixture *f = *state;
   VkSemaphore done = vkh_timeline_create(&vt, 0);
   struct batch b;

   fill(f);
   for (uint64_t n = 1; n <= 10; n++) {
      VKH_CHECK(vkQueueBindSparse(
         vt.sparse_queue, 1,
         make_batch(&b, f, n % 2, VK_NULL_HANDLE, 0, done, n), VK_NULL_HANDLE));
      VKH_CHECK(n % 2 ? vkQueueWaitIdle(vt.sparse_queue)
                      : vkDeviceWaitIdle(vt.device));
      assert_int_equal(counter(done), n);
      check(f, n % 2);
   }
   vkDestroySemaphore(vt.device, done, NULL);
}

/* One call that binds a lot, in an order that nobody likes. */
static void
test_big_batch(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyBuffer);
   enum { TILES = 4096 };
   VkBuffer buffer = vkh_sparse_buffer_create(
      &vt, TILES * VT_TILE,
      VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
         VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   VkDeviceMemory memory =
      vt_memory(TILES, vt_buffer_requirements(buffer).memoryTypeBits);
   VkSparseMemoryBind *binds = vkh_calloc(TILES, sizeof(*binds));

   for (unsigned i = 0; i < TILES; i++) {
      unsigned tile = i * 1663 % TILES;
      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = tile * VT_TILE,
         .size = VT_TILE,
         .memory = memory,
         .memoryOffset = (TILES - 1 - tile) * VT_TILE,
      };
   }
   vt_bind_buffer(buffer, binds, TILES);
   for (unsigned i = 0; i < TILES; i += 61)
      vt_fill_words(buffer, i * VT_TILE, 16, i << 8);
   for (unsigned i = 0; i < TILES; i += 61)
      vt_check_words(buffer, i * VT_TILE, 16, i << 8);
   free(binds);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_empty),       WITH_FIXTURE(test_fence),
      WITH_FIXTURE(test_binary),      WITH_FIXTURE(test_timeline),
      WITH_FIXTURE(test_wait_before_signal),
      WITH_FIXTURE(test_chain),       WITH_FIXTURE(test_new_timeline),
      WITH_FIXTURE(test_interleaved), WITH_FIXTURE(test_wait_idle),
      cmocka_unit_test(test_big_batch),
   };
   return cmocka_run_group_tests_name("vulkan-queue", tests, vt_group_setup,
                                      vt_group_teardown);
}
