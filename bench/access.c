/* SPDX-License-Identifier: MIT */
/* Access to bound tiles that were touched before, and to ordinary memory. */
#include "bench.h"

#include "read_comp.h"

#define TILES 4096u /* 256 MiB */
#define TILES_QUICK 512u
#define CHUNK_B (64ull << 20) /* of what a descriptor shows */
#define GROUP_B (256ull << 10) /* what a workgroup reads */
#define WORKGROUP 64

struct reader {
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDescriptorPool pools[2];
   VkDescriptorSet sets[2]; /* of the sparse and of the ordinary buffer */
   struct vkh_buffer sums;
};

struct rig {
   uint64_t size_B, chunk_B;
   struct bench_buffer sparse;
   struct vkh_buffer plain, target;
   VkBuffer sources[2]; /* sparse, ordinary */
   struct reader reader;
};

static const VkDescriptorType types[] = {
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
};

static void
reader_create(struct bench *bench, struct rig *rig)
{
   const struct vkh *vk = &bench->vk;
   struct reader *r = &rig->reader;

   vkh_buffer_create(vk, rig->chunk_B / GROUP_B * WORKGROUP * sizeof(uint32_t),
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VKH_MEMORY_DEVICE,
                     &r->sums);
   r->set_layout = vkh_set_layout(vk, VK_SHADER_STAGE_COMPUTE_BIT, types, 2);
   r->layout = vkh_pipeline_layout(vk, r->set_layout,
                                   VK_SHADER_STAGE_COMPUTE_BIT,
                                   sizeof(uint32_t));
   r->pipeline =
      vkh_compute_pipeline(vk, r->layout, read_comp, sizeof(read_comp));
   for (int i = 0; i < 2; i++) {
      r->sets[i] =
         vkh_descriptor_set(vk, r->set_layout, types, 2, &r->pools[i]);
      vkh_write_buffer(vk, r->sets[i], 0, types[0], rig->sources[i], 0,
                       rig->chunk_B);
      vkh_write_buffer(vk, r->sets[i], 1, types[1], r->sums.buffer, 0,
                       VK_WHOLE_SIZE);
   }
}

static void
reader_destroy(struct bench *bench, struct reader *r)
{
   const struct vkh *vk = &bench->vk;

   vkDestroyPipeline(vk->device, r->pipeline, NULL);
   vkDestroyPipelineLayout(vk->device, r->layout, NULL);
   vkDestroyDescriptorPool(vk->device, r->pools[0], NULL);
   vkDestroyDescriptorPool(vk->device, r->pools[1], NULL);
   vkDestroyDescriptorSetLayout(vk->device, r->set_layout, NULL);
   vkh_buffer_destroy(vk, &r->sums);
}

static bool
rig_create(struct bench *bench, struct rig *rig)
{
   const struct vkh *vk = &bench->vk;
   const uint32_t tiles = bench->quick ? TILES_QUICK : TILES;

   rig->size_B = tiles * BENCH_TILE_B;
   rig->chunk_B = rig->size_B < CHUNK_B ? rig->size_B : CHUNK_B;
   if (!bench_buffer_create(bench, tiles, tiles, &rig->sparse))
      return false;
   vkh_buffer_create(vk, rig->size_B,
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                        VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                        VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_DEVICE, &rig->plain);
   vkh_buffer_create(vk, rig->size_B, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_DEVICE, &rig->target);
   rig->sources[0] = rig->sparse.buffer;
   rig->sources[1] = rig->plain.buffer;
   reader_create(bench, rig);

   bench_plan_scattered(&rig->sparse);
   bench_bind(bench, &rig->sparse, 0, tiles);

   VkCommandBuffer cmd = vkh_begin(vk);

   vkCmdFillBuffer(cmd, rig->sparse.buffer, 0, VK_WHOLE_SIZE, 1);
   vkCmdFillBuffer(cmd, rig->plain.buffer, 0, VK_WHOLE_SIZE, 1);
   vkCmdFillBuffer(cmd, rig->target.buffer, 0, VK_WHOLE_SIZE, 1);
   vkh_run(vk, cmd);
   return true;
}

static void
rig_destroy(struct bench *bench, struct rig *rig)
{
   reader_destroy(bench, &rig->reader);
   vkh_buffer_destroy(&bench->vk, &rig->plain);
   vkh_buffer_destroy(&bench->vk, &rig->target);
   bench_buffer_destroy(bench, &rig->sparse);
}

/* Seconds. @which: 0 the sparse buffer, 1 the ordinary one. */
typedef double (*access_fn)(struct bench *bench, const struct rig *rig,
                            int which);

static double
copy(struct bench *bench, const struct rig *rig, int which)
{
   const VkBufferCopy all = {0, 0, rig->size_B};
   VkCommandBuffer cmd = vkh_begin(&bench->vk);

   vkCmdCopyBuffer(cmd, rig->sources[which], rig->target.buffer, 1, &all);

   const double start = vkh_seconds();

   vkh_run(&bench->vk, cmd);
   return vkh_seconds() - start;
}

static double
read_by_shader(struct bench *bench, const struct rig *rig, int which)
{
   const struct reader *r = &rig->reader;
   const uint32_t vectors = GROUP_B / 16;
   VkCommandBuffer cmd = vkh_begin(&bench->vk);

   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, r->pipeline);
   vkCmdPushConstants(cmd, r->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                      sizeof(vectors), &vectors);
   for (uint64_t at = 0; at < rig->size_B; at += rig->chunk_B) {
      const uint32_t offset = (uint32_t)at;

      vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, r->layout, 0,
                              1, &r->sets[which], 1, &offset);
      vkCmdDispatch(cmd, (uint32_t)(rig->chunk_B / GROUP_B), 1, 1);
   }

   const double start = vkh_seconds();

   vkh_run(&bench->vk, cmd);
   return vkh_seconds() - start;
}

enum answer { THROUGHPUT, AGAINST_ORDINARY };

/* The two buffers take turns, each pair in the other order than the last. */
static double
measure(struct bench *bench, access_fn access, enum answer answer)
{
   const unsigned pairs = 2 * bench->repetitions + 1;
   double rates[pairs], against[pairs];
   struct rig rig;

   if (!rig_create(bench, &rig))
      return BENCH_UNSUPPORTED;
   access(bench, &rig, 0);
   access(bench, &rig, 1);
   for (unsigned i = 0; i < pairs; i++) {
      double seconds[2];

      seconds[i % 2] = access(bench, &rig, (int)(i % 2));
      seconds[1 - i % 2] = access(bench, &rig, (int)(1 - i % 2));
      rates[i] = (double)rig.size_B / 0x1p30 / seconds[0];
      against[i] = 100.0 * seconds[1] / seconds[0];
   }
   rig_destroy(bench, &rig);
   return bench_median(answer == THROUGHPUT ? rates : against, pairs);
}

static double
access_copy(struct bench *bench)
{
   return measure(bench, copy, THROUGHPUT);
}

static double
access_read(struct bench *bench)
{
   return measure(bench, read_by_shader, THROUGHPUT);
}

static double
access_copy_vs_plain(struct bench *bench)
{
   return measure(bench, copy, AGAINST_ORDINARY);
}

static double
access_read_vs_plain(struct bench *bench)
{
   return measure(bench, read_by_shader, AGAINST_ORDINARY);
}

const struct bench_case bench_access_cases[] = {
   {"access_copy", "access", "GiB/s",
    "copies from 256 MiB of bound tiles in random order", BENCH_HIGHER,
    access_copy},
   {"access_read", "access", "GiB/s", "a compute shader reads the same",
    BENCH_HIGHER, access_read},
   {"access_copy_vs_plain", "access", "%",
    "speed of that copy against one from an ordinary buffer", BENCH_HIGHER,
    access_copy_vs_plain},
   {"access_read_vs_plain", "access", "%",
    "speed of that read against one of an ordinary buffer", BENCH_HIGHER,
    access_read_vs_plain},
   {0},
};
