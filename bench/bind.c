/* SPDX-License-Identifier: MIT */
/* Binds and unbinds of buffer tiles that nothing has touched. */
#include "bench.h"

#define TILES 16384u /* 1 GiB */
#define TILES_QUICK 2048u
#define CALLS 4096u
#define CALLS_QUICK 512u

typedef void (*plan_fn)(struct bench_buffer *buffer);

/* Binds a second, all in one call. @timed and @untimed take turns. */
static double
one_call(struct bench *bench, plan_fn untimed, plan_fn timed)
{
   const uint32_t tiles = bench->quick ? TILES_QUICK : TILES;
   double rates[bench->repetitions];
   struct bench_buffer buffer;

   if (!bench_buffer_create(bench, tiles, tiles, &buffer))
      return BENCH_UNSUPPORTED;
   for (unsigned i = 0; i <= bench->repetitions; i++) {
      untimed(&buffer);
      bench_bind(bench, &buffer, 0, tiles);
      timed(&buffer);

      const double seconds = bench_bind(bench, &buffer, 0, tiles);

      if (i > 0)
         rates[i - 1] = tiles / seconds;
   }
   bench_unbind_all(bench, &buffer);
   bench_buffer_destroy(bench, &buffer);
   return bench_median(rates, bench->repetitions);
}

static double
bind_contiguous(struct bench *bench)
{
   return one_call(bench, bench_plan_unbind, bench_plan_contiguous);
}

static double
bind_scattered(struct bench *bench)
{
   return one_call(bench, bench_plan_unbind, bench_plan_scattered);
}

static double
rebind_scattered(struct bench *bench)
{
   return one_call(bench, bench_plan_contiguous, bench_plan_scattered);
}

static double
unbind_contiguous(struct bench *bench)
{
   return one_call(bench, bench_plan_contiguous, bench_plan_unbind);
}

static double
unbind_scattered(struct bench *bench)
{
   return one_call(bench, bench_plan_scattered, bench_plan_unbind);
}

/* One tile a call, each behind the one before it, as an OpenGL driver does. */
static double
seconds_of_calls(struct bench *bench, const struct bench_buffer *buffer,
                 VkSemaphore timeline, uint64_t *value)
{
   const double start = vkh_seconds();

   for (uint32_t i = 0; i < buffer->tiles; i++) {
      const uint64_t wait = *value, signal = wait + 1;
      const VkTimelineSemaphoreSubmitInfo values = {
         .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
         .waitSemaphoreValueCount = 1,
         .pWaitSemaphoreValues = &wait,
         .signalSemaphoreValueCount = 1,
         .pSignalSemaphoreValues = &signal,
      };
      const VkSparseBufferMemoryBindInfo bind = {
         .buffer = buffer->buffer,
         .bindCount = 1,
         .pBinds = &buffer->binds[i],
      };
      const VkBindSparseInfo info = {
         .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
         .pNext = &values,
         .waitSemaphoreCount = 1,
         .pWaitSemaphores = &timeline,
         .bufferBindCount = 1,
         .pBufferBinds = &bind,
         .signalSemaphoreCount = 1,
         .pSignalSemaphores = &timeline,
      };

      VKH_CHECK(vkQueueBindSparse(bench->vk.sparse_queue, 1, &info,
                                  VK_NULL_HANDLE));
      *value = signal;
   }
   vkh_timeline_wait(&bench->vk, timeline, *value);
   return vkh_seconds() - start;
}

static double
bind_calls(struct bench *bench)
{
   const uint32_t calls = bench->quick ? CALLS_QUICK : CALLS;
   double rates[bench->repetitions];
   struct bench_buffer buffer;
   uint64_t value = 0;

   if (!bench_buffer_create(bench, calls, calls, &buffer))
      return BENCH_UNSUPPORTED;

   VkSemaphore timeline = vkh_timeline_create(&bench->vk, value);

   for (unsigned i = 0; i <= bench->repetitions; i++) {
      bench_plan_scattered(&buffer);

      const double seconds =
         seconds_of_calls(bench, &buffer, timeline, &value);

      if (i > 0)
         rates[i - 1] = calls / seconds;
      bench_unbind_all(bench, &buffer);
   }
   vkDestroySemaphore(bench->vk.device, timeline, NULL);
   bench_buffer_destroy(bench, &buffer);
   return bench_median(rates, bench->repetitions);
}

const struct bench_case bench_bind_cases[] = {
   {"bind_contiguous_64k", "bind", "binds/s",
    "16,384 tiles of 64 KiB, one after the other in buffer and memory, in one "
    "call",
    BENCH_HIGHER, bind_contiguous},
   {"bind_scattered_64k", "bind", "binds/s",
    "the same with memory and binds in random order", BENCH_HIGHER,
    bind_scattered},
   {"rebind_scattered_64k", "bind", "binds/s",
    "the same where other memory was bound before", BENCH_HIGHER,
    rebind_scattered},
   {"bind_calls_64k", "bind", "binds/s",
    "4,096 tiles in random order, one call each, on one timeline", BENCH_HIGHER,
    bind_calls},
   {"unbind_contiguous_64k", "bind", "binds/s",
    "takes away the memory of bind_contiguous_64k", BENCH_HIGHER,
    unbind_contiguous},
   {"unbind_scattered_64k", "bind", "binds/s",
    "takes away the memory of bind_scattered_64k", BENCH_HIGHER,
    unbind_scattered},
   {0},
};
