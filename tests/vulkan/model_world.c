/* SPDX-License-Identifier: MIT */
/* Recording, waiting and comparing. Resources are in model_resources.c. */
#include "model_world.h"

#include <inttypes.h>

#include "model_buffer.spv.h"
#include "model_fetch_2d.spv.h"
#include "model_fetch_2d_codes.spv.h"
#include "model_fetch_3d.spv.h"
#include "model_fetch_3d_codes.spv.h"
#include "model_store_2d.spv.h"
#include "model_store_2d_codes.spv.h"
#include "model_store_3d.spv.h"
#include "model_store_3d_codes.spv.h"

#define STAGING_B (16ull << 20)
#define SLICE_ALIGN 256u /* the most that a device may ask for */
#define MAX_SETS 128u
#define MAX_EXPECTED 512u
#define MAX_SUBMITS 64u

struct expected {
   struct model_bytes bytes;
   uint64_t offset;
   char what[96];
};

/* One kind of shader: its layouts; pipelines for 2D and 3D, without and with
 * codes. */
struct shader {
   VkDescriptorType types[2];
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipelines[2][2];
};

static struct {
   struct vkh_buffer upload, readback;
   uint64_t upload_used, readback_used;
   VkSemaphore timeline;
   uint64_t value; /* that the last submit or bind signals */
   VkFence fence;
   VkSampler sampler;
   struct shader shaders[3];
   VkDescriptorPool pool;
   uint32_t set_count;
   VkCommandBuffer recording; /* or null */
   VkCommandBuffer submitted[MAX_SUBMITS];
   uint32_t submitted_count;
   struct expected expected[MAX_EXPECTED];
   uint32_t expected_count;
} rig;

/* ---------------------------------------------------------------- chance -- */

uint32_t
world_below(struct world_random *random, uint32_t limit)
{
   random->state ^= random->state >> 12;
   random->state ^= random->state << 25;
   random->state ^= random->state >> 27;
   return limit
             ? (uint32_t)((random->state * 0x2545f4914f6cdd1dull >> 33) % limit)
             : 0;
}

bool
world_one_in(struct world_random *random, uint32_t n)
{
   return world_below(random, n) == 0;
}

void
world_say(const struct world *world, const char *format, ...)
{
   va_list args;

   if (!world->verbose)
      return;
   va_start(args, format);
   vfprintf(stderr, format, args);
   va_end(args);
   fputc('\n', stderr);
}

/* ------------------------------------------------------------------- rig -- */

static void
shader_init(struct shader *shader, VkDescriptorType type, uint32_t push_B)
{
   shader->types[0] = type;
   shader->types[1] = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
   shader->set_layout =
      vkh_set_layout(&vt, VK_SHADER_STAGE_COMPUTE_BIT, shader->types, 2);
   shader->layout = vkh_pipeline_layout(&vt, shader->set_layout,
                                        VK_SHADER_STAGE_COMPUTE_BIT, push_B);
}

#define PIPELINE(shader, name)                                                 \
   vkh_compute_pipeline(&vt, (shader)->layout, vt_##name, sizeof(vt_##name))

static void
shaders_init(void)
{
   struct shader *buffer = &rig.shaders[WORLD_SHADER_BUFFER];
   struct shader *fetch = &rig.shaders[WORLD_SHADER_FETCH];
   struct shader *store = &rig.shaders[WORLD_SHADER_STORE];

   shader_init(buffer, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3 * 4);
   shader_init(fetch, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
               sizeof(struct world_push));
   shader_init(store, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
               sizeof(struct world_push));
   buffer->pipelines[0][0] = PIPELINE(buffer, model_buffer);
   fetch->pipelines[0][0] = PIPELINE(fetch, model_fetch_2d);
   fetch->pipelines[1][0] = PIPELINE(fetch, model_fetch_3d);
   store->pipelines[0][0] = PIPELINE(store, model_store_2d);
   store->pipelines[1][0] = PIPELINE(store, model_store_3d);
   if (!vt.features.shaderResourceResidency)
      return;
   fetch->pipelines[0][1] = PIPELINE(fetch, model_fetch_2d_codes);
   fetch->pipelines[1][1] = PIPELINE(fetch, model_fetch_3d_codes);
   store->pipelines[0][1] = PIPELINE(store, model_store_2d_codes);
   store->pipelines[1][1] = PIPELINE(store, model_store_3d_codes);
}

static void
pool_init(void)
{
   const VkDescriptorPoolSize sizes[] = {
      {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2 * MAX_SETS},
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, MAX_SETS},
      {VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, MAX_SETS},
   };
   const VkDescriptorPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = MAX_SETS,
      .poolSizeCount = VKH_ARRAY_SIZE(sizes),
      .pPoolSizes = sizes,
   };

   VKH_CHECK(vkCreateDescriptorPool(vt.device, &info, NULL, &rig.pool));
}

void
world_rig_init(void)
{
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                    VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                                    VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   const VkSamplerCreateInfo sampler = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .maxLod = VK_LOD_CLAMP_NONE,
   };

   memset(&rig, 0, sizeof(rig));
   vkh_buffer_create(&vt, STAGING_B, usage, VKH_MEMORY_UPLOAD, &rig.upload);
   vkh_buffer_create(&vt, STAGING_B, usage, VKH_MEMORY_READBACK, &rig.readback);
   rig.timeline = vkh_timeline_create(&vt, 0);
   rig.fence = vkh_fence_create(&vt);
   VKH_CHECK(vkCreateSampler(vt.device, &sampler, NULL, &rig.sampler));
   shaders_init();
   pool_init();
}

void
world_rig_finish(void)
{
   for (unsigned i = 0; i < VKH_ARRAY_SIZE(rig.shaders); i++) {
      for (unsigned k = 0; k < 4; k++)
         vkDestroyPipeline(vt.device, rig.shaders[i].pipelines[k / 2][k % 2],
                           NULL);
      vkDestroyPipelineLayout(vt.device, rig.shaders[i].layout, NULL);
      vkDestroyDescriptorSetLayout(vt.device, rig.shaders[i].set_layout, NULL);
   }
   vkDestroyDescriptorPool(vt.device, rig.pool, NULL);
   vkDestroySampler(vt.device, rig.sampler, NULL);
   vkDestroyFence(vt.device, rig.fence, NULL);
   vkDestroySemaphore(vt.device, rig.timeline, NULL);
   vkh_buffer_destroy(&vt, &rig.upload);
   vkh_buffer_destroy(&vt, &rig.readback);
}

/* ------------------------------------------------------------- recording -- */

void
world_make_room(struct world *world)
{
   if (rig.upload_used + 2 * WORLD_SLICE_MAX_B > STAGING_B ||
       rig.readback_used + 2 * WORLD_SLICE_MAX_B > STAGING_B ||
       rig.expected_count + 2 > MAX_EXPECTED || rig.set_count == MAX_SETS ||
       rig.submitted_count == MAX_SUBMITS)
      world_checkpoint(world);
}

VkCommandBuffer
world_commands(struct world *world)
{
   (void)world;
   if (!rig.recording)
      rig.recording = vkh_begin(&vt);
   return rig.recording;
}

void
world_barrier(struct world *world)
{
   vkh_full_barrier(world_commands(world));
}

/* Ends and submits what records, on the timeline. */
static void
submit(void)
{
   if (!rig.recording)
      return;
   const VkCommandBufferSubmitInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
      .commandBuffer = rig.recording,
   };
   const VkSemaphoreSubmitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = rig.timeline,
      .value = rig.value,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   const VkSemaphoreSubmitInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = rig.timeline,
      .value = ++rig.value,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   const VkSubmitInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .waitSemaphoreInfoCount = 1,
      .pWaitSemaphoreInfos = &wait,
      .commandBufferInfoCount = 1,
      .pCommandBufferInfos = &commands,
      .signalSemaphoreInfoCount = 1,
      .pSignalSemaphoreInfos = &signal,
   };

   vkh_full_barrier(rig.recording);
   VKH_CHECK(vkEndCommandBuffer(rig.recording));
   VKH_CHECK(vkQueueSubmit2(vt.queue, 1, &info, VK_NULL_HANDLE));
   rig.submitted[rig.submitted_count++] = rig.recording;
   rig.recording = VK_NULL_HANDLE;
}

void
world_bind(struct world *world, VkBindSparseInfo *info, bool by_semaphores)
{
   const uint64_t before = (submit(), rig.value), after = before + 1;
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &before,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &after,
   };

   (void)world;
   if (!by_semaphores) {
      vkh_timeline_wait(&vt, rig.timeline, rig.value);
      vkh_bind_and_wait(&vt, info, rig.fence);
      return;
   }
   info->pNext = &values;
   info->waitSemaphoreCount = info->signalSemaphoreCount = 1;
   info->pWaitSemaphores = info->pSignalSemaphores = &rig.timeline;
   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1, info, VK_NULL_HANDLE));
   rig.value = after;
}

struct world_slice
world_upload(struct world *world, size_t size_B)
{
   const uint64_t offset = rig.upload_used;

   (void)world;
   assert_true(size_B <= WORLD_SLICE_MAX_B && offset + size_B <= STAGING_B);
   rig.upload_used =
      (offset + size_B + SLICE_ALIGN - 1) / SLICE_ALIGN * SLICE_ALIGN;
   return (struct world_slice){rig.upload.buffer, offset,
                               (uint8_t *)rig.upload.map + offset};
}

struct world_slice
world_expect(struct world *world, struct model_bytes expected,
             const char *format, ...)
{
   va_list args;

   const uint64_t offset = rig.readback_used;

   (void)world;
   assert_true(expected.size_B <= WORLD_SLICE_MAX_B &&
               offset + expected.size_B <= STAGING_B &&
               rig.expected_count < MAX_EXPECTED);
   struct expected *e = &rig.expected[rig.expected_count++];

   rig.readback_used =
      (offset + expected.size_B + SLICE_ALIGN - 1) / SLICE_ALIGN * SLICE_ALIGN;
   e->bytes = expected;
   e->offset = offset;
   va_start(args, format);
   vsnprintf(e->what, sizeof(e->what), format, args);
   va_end(args);
   return (struct world_slice){rig.readback.buffer, offset,
                               (uint8_t *)rig.readback.map + offset};
}

/* --------------------------------------------------------------- shaders -- */

static VkDescriptorSet
new_set(struct world *world, const struct shader *shader)
{
   const VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = rig.pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &shader->set_layout,
   };
   VkDescriptorSet set;

   (void)world;
   VKH_CHECK(vkAllocateDescriptorSets(vt.device, &info, &set));
   rig.set_count++;
   return set;
}

/*
 * Images without residency are left out: Mesa 25.0's shaders crash when they
 * are asked for the residency of an image that is not sparse to them.
 */
bool
world_has_codes(const struct world *world, const struct world_resource *res)
{
   return world->codes && res->residency && res->kind != WORLD_BUFFER;
}

void
world_dispatch(struct world *world, enum world_shader which,
               const struct world_resource *res,
               const struct model_region *region, uint32_t mode, uint32_t seed,
               struct world_slice out, size_t out_B)
{
   const struct shader *shader = &rig.shaders[which];
   const bool is_buffer = which == WORLD_SHADER_BUFFER;
   const uint32_t words = region->size[0] / 4;
   const uint32_t buffer_push[] = {mode, words, seed};
   struct world_push push = {mode, seed, region->level};
   const uint32_t count =
      is_buffer ? words : region->size[0] * region->size[1] * region->size[2];
   VkDescriptorSet set = new_set(world, shader);

   memcpy(push.at, region->at, sizeof(push.at));
   memcpy(push.size, region->size, sizeof(push.size));
   if (res->kind == WORLD_IMAGE_2D)
      push.at[2] = region->layer;
   if (is_buffer)
      vkh_write_buffer(&vt, set, 0, shader->types[0], res->buffer,
                       region->at[0], words * 4ull);
   else
      vkh_write_image(
         &vt, set, 0, shader->types[0],
         which == WORLD_SHADER_FETCH ? res->view
                                     : res->level_views[region->level],
         VK_IMAGE_LAYOUT_GENERAL,
         which == WORLD_SHADER_FETCH ? rig.sampler : VK_NULL_HANDLE);
   vkh_write_buffer(&vt, set, 1, shader->types[1], out.buffer, out.offset,
                    out_B);

   VkCommandBuffer cmd = world_commands(world);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE,
                     shader->pipelines[res->kind == WORLD_IMAGE_3D]
                                      [world_has_codes(world, res)]);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, shader->layout,
                           0, 1, &set, 0, NULL);
   vkCmdPushConstants(cmd, shader->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                      is_buffer ? sizeof(buffer_push) : sizeof(push),
                      is_buffer ? (const void *)buffer_push : &push);
   vkCmdDispatch(cmd, (count + 63) / 64, 1, 1);
   world_barrier(world);
}

/* ------------------------------------------------------------ checkpoints --
 */

static void
compare(struct world *world, const struct expected *e)
{
   const uint8_t *got = (const uint8_t *)rig.readback.map + e->offset;

   for (size_t i = 0; i < e->bytes.size_B; i++) {
      if ((got[i] ^ e->bytes.value[i]) & e->bytes.known[i])
         fail_msg("%s: byte %zu of %zu is %#x, not %#x (--seed %" PRIu64
                  " --sequences 1 --verbose)",
                  e->what, i, e->bytes.size_B, got[i], e->bytes.value[i],
                  world->seed);
      world->checked_B += e->bytes.known[i] & 1;
   }
}

/* Waits for everything; then nothing is recorded, queued or expected. */
static void
drain(void)
{
   submit();
   vkh_timeline_wait(&vt, rig.timeline, rig.value);
   if (rig.submitted_count)
      vkFreeCommandBuffers(vt.device, vt.pool, rig.submitted_count,
                           rig.submitted);
   rig.submitted_count = 0;
   rig.upload_used = rig.readback_used = 0;
   if (rig.set_count)
      VKH_CHECK(vkResetDescriptorPool(vt.device, rig.pool, 0));
   rig.set_count = 0;
}

static void
forget_expected(void)
{
   for (uint32_t i = 0; i < rig.expected_count; i++)
      model_bytes_destroy(&rig.expected[i].bytes);
   rig.expected_count = 0;
}

void
world_checkpoint(struct world *world)
{
   drain();
   for (uint32_t i = 0; i < rig.expected_count; i++)
      compare(world, &rig.expected[i]);
   forget_expected();
}

void
world_rig_reset(void)
{
   drain();
   forget_expected();
}
