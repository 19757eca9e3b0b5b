/* SPDX-License-Identifier: MIT */
/* Binds and the GPU's first access to each page of them. */
#include "bench.h"

#include "touch_comp.h"

#define TILES 4096u /* 256 MiB */
#define TILES_QUICK 512u
#define CHUNK_B (64ull << 20) /* of what a descriptor shows */
#define WORKGROUP 64

struct toucher {
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDescriptorPool pool;
   VkDescriptorSet set;
   uint64_t size_B, chunk_B;
};

static const VkDescriptorType types[] = {
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC,
};

static void
toucher_create(struct bench *bench, const struct bench_buffer *buffer,
               struct toucher *t)
{
   const struct vkh *vk = &bench->vk;

   t->size_B = buffer->tiles * BENCH_TILE_B;
   t->chunk_B = t->size_B < CHUNK_B ? t->size_B : CHUNK_B;
   t->set_layout =
      vkh_set_layout(vk, VK_SHADER_STAGE_COMPUTE_BIT, types, 1);
   t->layout = vkh_pipeline_layout(vk, t->set_layout,
                                   VK_SHADER_STAGE_COMPUTE_BIT,
                                   2 * sizeof(uint32_t));
   t->pipeline =
      vkh_compute_pipeline(vk, t->layout, touch_comp, sizeof(touch_comp));
   t->set = vkh_descriptor_set(vk, t->set_layout, types, 1, &t->pool);
   vkh_write_buffer(vk, t->set, 0, types[0], buffer->buffer, 0, t->chunk_B);
}

static void
toucher_destroy(struct bench *bench, struct toucher *t)
{
   VkDevice device = bench->vk.device;

   vkDestroyPipeline(device, t->pipeline, NULL);
   vkDestroyPipelineLayout(device, t->layout, NULL);
   vkDestroyDescriptorPool(device, t->pool, NULL);
   vkDestroyDescriptorSetLayout(device, t->set_layout, NULL);
}

static void
touch_all(struct bench *bench, const struct toucher *t)
{
   const uint32_t push[2] = {(uint32_t)(t->chunk_B / BENCH_PAGE_B), 0x50414745};
   VkCommandBuffer cmd = vkh_begin(&bench->vk);

   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, t->pipeline);
   vkCmdPushConstants(cmd, t->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                      sizeof(push), push);
   for (uint64_t at = 0; at < t->size_B; at += t->chunk_B) {
      const uint32_t offset = (uint32_t)at;

      vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, t->layout, 0,
                              1, &t->set, 1, &offset);
      vkCmdDispatch(cmd, (push[0] + WORKGROUP - 1) / WORKGROUP, 1, 1);
   }
   vkh_run(&bench->vk, cmd);
}

typedef void (*plan_fn)(struct bench_buffer *buffer);

enum timed { BIND_AND_TOUCH, UNBIND_TOUCHED };

/* Milliseconds. The memory itself was touched before, in the warm-up. */
static double
measure(struct bench *bench, plan_fn plan, enum timed timed)
{
   const uint32_t tiles = bench->quick ? TILES_QUICK : TILES;
   double times[bench->repetitions];
   struct bench_buffer buffer;
   struct toucher toucher;

   if (!bench_buffer_create(bench, tiles, tiles, &buffer))
      return BENCH_UNSUPPORTED;
   toucher_create(bench, &buffer, &toucher);
   for (unsigned i = 0; i <= bench->repetitions; i++) {
      plan(&buffer);

      const double start = vkh_seconds();

      bench_bind(bench, &buffer, 0, tiles);
      touch_all(bench, &toucher);

      const double bound = vkh_seconds();

      bench_plan_unbind(&buffer);

      const double unbind = bench_bind(bench, &buffer, 0, tiles);

      if (i > 0)
         times[i - 1] =
            1e3 * (timed == BIND_AND_TOUCH ? bound - start : unbind);
   }
   toucher_destroy(bench, &toucher);
   bench_buffer_destroy(bench, &buffer);
   return bench_median(times, bench->repetitions);
}

static double
touch_contiguous(struct bench *bench)
{
   return measure(bench, bench_plan_contiguous, BIND_AND_TOUCH);
}

static double
touch_scattered(struct bench *bench)
{
   return measure(bench, bench_plan_scattered, BIND_AND_TOUCH);
}

static double
unbind_touched(struct bench *bench)
{
   return measure(bench, bench_plan_scattered, UNBIND_TOUCHED);
}

const struct bench_case bench_touch_cases[] = {
   {"bind_touch_contiguous_64k", "touch", "ms",
    "binds 4,096 tiles in order and writes to each of their 65,536 pages",
    BENCH_LOWER, touch_contiguous},
   {"bind_touch_scattered_64k", "touch", "ms",
    "the same with memory and binds in random order", BENCH_LOWER,
    touch_scattered},
   {"unbind_touched_64k", "touch", "ms",
    "takes away the memory of bind_touch_scattered_64k", BENCH_LOWER,
    unbind_touched},
   {0},
};
