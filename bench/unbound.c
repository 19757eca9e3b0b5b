/* SPDX-License-Identifier: MIT */
/* Writes to memory that is not there. */
#include "bench.h"

#include <unistd.h>

#include "store_comp.h"

#define FILL_TILES 16384u /* 1 GiB */
#define COPY_TILES 4096u /* 256 MiB */
#define STORE_TILES 256u /* 4 Mi words */

static const VkDescriptorType types[] = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};

/* A residency buffer without any memory. */
static VkBuffer
create(struct bench *bench, uint64_t size_B)
{
   return vkh_sparse_buffer_create(
      &bench->vk, size_B,
      VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
         VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
}

static uint64_t
size_of(const struct bench *bench, uint32_t tiles)
{
   return (bench->quick ? tiles / 16 : tiles) * BENCH_TILE_B;
}

static double
seconds_of(struct bench *bench, VkCommandBuffer cmd)
{
   const double start = vkh_seconds();

   vkh_run(&bench->vk, cmd);
   return vkh_seconds() - start;
}

static double
fill(struct bench *bench)
{
   const uint64_t size_B = size_of(bench, FILL_TILES);
   VkBuffer buffer = create(bench, size_B);
   double rates[bench->repetitions];

   for (unsigned i = 0; i <= bench->repetitions; i++) {
      VkCommandBuffer cmd = vkh_begin(&bench->vk);

      vkCmdFillBuffer(cmd, buffer, 0, VK_WHOLE_SIZE, 0x12345678);
      vkh_full_barrier(cmd);

      const double seconds = seconds_of(bench, cmd);

      if (i > 0)
         rates[i - 1] = (double)size_B / seconds * 1e-9;
   }
   vkDestroyBuffer(bench->vk.device, buffer, NULL);
   return bench_median(rates, bench->repetitions);
}

static double
copy(struct bench *bench)
{
   const uint64_t size_B = size_of(bench, COPY_TILES);
   const VkBufferCopy all = {0, 0, size_B};
   VkBuffer buffer = create(bench, size_B);
   double rates[bench->repetitions];
   struct vkh_buffer source;

   vkh_buffer_create(
      &bench->vk, size_B,
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
      VKH_MEMORY_DEVICE, &source);

   VkCommandBuffer cmd = vkh_begin(&bench->vk);

   vkCmdFillBuffer(cmd, source.buffer, 0, VK_WHOLE_SIZE, 1);
   vkh_run(&bench->vk, cmd);
   for (unsigned i = 0; i <= bench->repetitions; i++) {
      cmd = vkh_begin(&bench->vk);
      vkCmdCopyBuffer(cmd, source.buffer, buffer, 1, &all);
      vkh_full_barrier(cmd);

      const double seconds = seconds_of(bench, cmd);

      if (i > 0)
         rates[i - 1] = (double)size_B / seconds * 1e-9;
   }
   vkDestroyBuffer(bench->vk.device, buffer, NULL);
   vkh_buffer_destroy(&bench->vk, &source);
   return bench_median(rates, bench->repetitions);
}

/* What the process has resident, in bytes; negative where nobody tells. */
static double
resident_B(void)
{
   FILE *file = fopen("/proc/self/statm", "re");
   unsigned long long total, resident;
   int found;

   if (!file)
      return -1.0;
   found = fscanf(file, "%llu %llu", &total, &resident);
   fclose(file);
   return found == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : -1.0;
}

static double
fill_memory(struct bench *bench)
{
   VkBuffer buffer = create(bench, size_of(bench, FILL_TILES));
   VkCommandBuffer cmd = vkh_begin(&bench->vk);
   const double before_B = resident_B();

   if (before_B < 0.0) {
      vkDestroyBuffer(bench->vk.device, buffer, NULL);
      return BENCH_UNSUPPORTED;
   }
   vkCmdFillBuffer(cmd, buffer, 0, VK_WHOLE_SIZE, 0x12345678);
   vkh_full_barrier(cmd);
   vkh_run(&bench->vk, cmd);

   const double more_B = resident_B() - before_B;

   vkDestroyBuffer(bench->vk.device, buffer, NULL);
   return more_B > 0.0 ? more_B / (1 << 20) : 0.0;
}

/* @tiles of stores by shaders, in one dispatch; ns a store. */
static double
ns_per_store(struct bench *bench, uint32_t tiles)
{
   const struct vkh *vk = &bench->vk;
   VkBuffer buffer = create(bench, tiles * BENCH_TILE_B);
   VkDescriptorSetLayout set_layout =
      vkh_set_layout(vk, VK_SHADER_STAGE_COMPUTE_BIT, types, 1);
   VkPipelineLayout layout = vkh_pipeline_layout(vk, set_layout, 0, 0);
   VkPipeline pipeline =
      vkh_compute_pipeline(vk, layout, store_comp, sizeof(store_comp));
   VkDescriptorPool pool;
   VkDescriptorSet set = vkh_descriptor_set(vk, set_layout, types, 1, &pool);
   double times[bench->repetitions];

   vkh_write_buffer(vk, set, 0, types[0], buffer, 0, VK_WHOLE_SIZE);
   for (unsigned i = 0; i <= bench->repetitions; i++) {
      VkCommandBuffer cmd = vkh_begin(vk);

      vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
      vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                              &set, 0, NULL);
      vkCmdDispatch(cmd, tiles, 1, 1);
      vkh_full_barrier(cmd);

      const double seconds = seconds_of(bench, cmd);

      if (i > 0)
         times[i - 1] = seconds * 1e9 / (tiles * (double)BENCH_TILE_B / 4);
   }
   vkDestroyPipeline(vk->device, pipeline, NULL);
   vkDestroyPipelineLayout(vk->device, layout, NULL);
   vkDestroyDescriptorPool(vk->device, pool, NULL);
   vkDestroyDescriptorSetLayout(vk->device, set_layout, NULL);
   vkDestroyBuffer(vk->device, buffer, NULL);
   return bench_median(times, bench->repetitions);
}

static double
store_few(struct bench *bench)
{
   return ns_per_store(bench, 1);
}

static double
store_many(struct bench *bench)
{
   return ns_per_store(bench, bench->quick ? STORE_TILES / 8 : STORE_TILES);
}

const struct bench_case bench_unbound_cases[] = {
   {"unbound_fill", "unbound", "GB/s", "fill of 1 GiB without memory",
    BENCH_HIGHER, fill},
   {"unbound_fill_memory", "unbound", "MiB",
    "what the process grows by that fill", BENCH_LOWER, fill_memory},
   {"unbound_copy", "unbound", "GB/s", "copy to 256 MiB without memory",
    BENCH_HIGHER, copy},
   {"unbound_store_few", "unbound", "ns",
    "a shader's store to no memory, of 16,384", BENCH_LOWER, store_few},
   {"unbound_store_many", "unbound", "ns",
    "a shader's store to no memory, of 4,194,304", BENCH_LOWER, store_many},
   {0},
};
