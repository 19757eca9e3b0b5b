/* SPDX-License-Identifier: MIT */
#include "vt.h"

#include <stdlib.h>

#include "words.spv.h"

struct vkh vt;
static bool have_device;

/* The pipeline of words.comp; made once. */
static struct {
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDescriptorPool pool;
   VkDescriptorSet set;
   VkFence fence;
} words;

struct push {
   uint32_t mode, first, count, seed;
};

static const VkDescriptorType word_types[] = {
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};

int
vt_group_setup(void **state)
{
   (void)state;
   return vt_group_setup_with(NULL, NULL);
}

int
vt_group_setup_with(const char *extension, void *features)
{
   const struct vkh_config config = {
      .name = "pansparse tests",
      .required = {.sparseBinding = VK_TRUE},
      .wanted =
         {
            .sparseResidencyBuffer = VK_TRUE,
            .sparseResidencyImage2D = VK_TRUE,
            .sparseResidencyImage3D = VK_TRUE,
            .sparseResidencyAliased = VK_TRUE,
            .shaderResourceResidency = VK_TRUE,
            .imageCubeArray = VK_TRUE,
            .textureCompressionBC = VK_TRUE,
            .textureCompressionETC2 = VK_TRUE,
            .textureCompressionASTC_LDR = VK_TRUE,
         },
      .wants_buffer_address = true,
      .wants_present = getenv("VT_PRESENT") != NULL,
      .sparse_queue = getenv("VT_SEPARATE_QUEUE") != NULL
                         ? VKH_SPARSE_QUEUE_SEPARATE
                         : VKH_SPARSE_QUEUE_ANY,
      .wanted_extension = extension,
      .extension_features = features,
   };

   if (!vkh_init(&vt, &config))
      exit(VKH_EXIT_UNSUPPORTED);
   have_device = true;
   words.set_layout =
      vkh_set_layout(&vt, VK_SHADER_STAGE_COMPUTE_BIT, word_types, 2);
   words.layout = vkh_pipeline_layout(
      &vt, words.set_layout, VK_SHADER_STAGE_COMPUTE_BIT, sizeof(struct push));
   words.pipeline =
      vkh_compute_pipeline(&vt, words.layout, vt_words, sizeof(vt_words));
   words.set =
      vkh_descriptor_set(&vt, words.set_layout, word_types, 2, &words.pool);
   words.fence = vkh_fence_create(&vt);
   return 0;
}

int
vt_group_teardown(void **state)
{
   (void)state;
   if (!have_device)
      return 0;
   vkDestroyFence(vt.device, words.fence, NULL);
   vkDestroyDescriptorPool(vt.device, words.pool, NULL);
   vkDestroyPipeline(vt.device, words.pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, words.layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, words.set_layout, NULL);
   vkh_finish(&vt);
   if (vt.validation_errors)
      print_error("%u validation errors\n", vt.validation_errors);
   return vt.validation_errors ? -1 : 0;
}

VkDeviceMemory
vt_memory(uint64_t tiles, uint32_t type_bits)
{
   VkDeviceMemory memory;

   VKH_CHECK(vkh_memory_try_alloc(&vt, tiles * VT_TILE, type_bits,
                                  VKH_MEMORY_DEVICE, &memory));
   return memory;
}

static VkMemoryRequirements
check_requirements(VkMemoryRequirements req)
{
   assert_int_not_equal(req.memoryTypeBits, 0);
   assert_int_not_equal(req.alignment, 0);
   assert_int_equal(VT_TILE % req.alignment, 0);
   assert_int_equal(req.size % req.alignment, 0);
   return req;
}

VkMemoryRequirements
vt_buffer_requirements(VkBuffer buffer)
{
   VkMemoryRequirements req;

   vkGetBufferMemoryRequirements(vt.device, buffer, &req);
   return check_requirements(req);
}

VkMemoryRequirements
vt_image_requirements(VkImage image)
{
   VkMemoryRequirements req;

   vkGetImageMemoryRequirements(vt.device, image, &req);
   return check_requirements(req);
}

void
vt_bind_buffer(VkBuffer buffer, const VkSparseMemoryBind *binds, uint32_t count)
{
   const VkSparseBufferMemoryBindInfo info = {buffer, count, binds};
   const VkBindSparseInfo batch = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &info,
   };

   vkh_bind_and_wait(&vt, &batch, words.fence);
}

void
vt_bind_opaque(VkImage image, const VkSparseMemoryBind *binds, uint32_t count)
{
   const VkSparseImageOpaqueMemoryBindInfo info = {image, count, binds};
   const VkBindSparseInfo batch = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageOpaqueBindCount = 1,
      .pImageOpaqueBinds = &info,
   };

   vkh_bind_and_wait(&vt, &batch, words.fence);
}

void
vt_bind_image(VkImage image, const VkSparseImageMemoryBind *binds,
              uint32_t count)
{
   const VkSparseImageMemoryBindInfo info = {image, count, binds};
   const VkBindSparseInfo batch = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageBindCount = 1,
      .pImageBinds = &info,
   };

   vkh_bind_and_wait(&vt, &batch, words.fence);
}

/* Runs words.comp over @buffer in pieces that a descriptor can name. */
static void
run_words(uint32_t mode, VkBuffer buffer, uint64_t offset, uint32_t count,
          uint32_t seed, VkBuffer out)
{
   const struct push push = {mode, 0, count, seed};

   vkh_write_buffer(&vt, words.set, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                    buffer, offset, (VkDeviceSize)count * 4);
   vkh_write_buffer(&vt, words.set, 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                    out ? out : buffer, out ? 0 : offset,
                    (VkDeviceSize)count * 4);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, words.pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, words.layout, 0,
                           1, &words.set, 0, NULL);
   vkCmdPushConstants(cmd, words.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                      sizeof(push), &push);
   vkCmdDispatch(cmd, count < 64 * 256 ? (count + 63) / 64 : 256, 1, 1);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
}

void
vt_fill_words(VkBuffer buffer, uint64_t offset, uint32_t count, uint32_t seed)
{
   run_words(0, buffer, offset, count, seed, VK_NULL_HANDLE);
}

void
vt_read_words(VkBuffer buffer, uint64_t offset, uint32_t count, uint32_t *out)
{
   struct vkh_buffer readback;

   vkh_buffer_create(&vt, (VkDeviceSize)count * 4,
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VKH_MEMORY_READBACK,
                     &readback);
   run_words(1, buffer, offset, count, 0, readback.buffer);
   memcpy(out, readback.map, (size_t)count * 4);
   vkh_buffer_destroy(&vt, &readback);
}

void
vt_dispatch_indirect(VkBuffer buffer, uint64_t offset)
{
   const struct push push = {0, 0, 1, 0};
   struct vkh_buffer out;

   vkh_buffer_create(&vt, 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &out);
   for (uint32_t i = 0; i < 2; i++)
      vkh_write_buffer(&vt, words.set, i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                       out.buffer, 0, 4);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, words.pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, words.layout, 0,
                           1, &words.set, 0, NULL);
   vkCmdPushConstants(cmd, words.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                      sizeof(push), &push);
   vkCmdDispatchIndirect(cmd, buffer, offset);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkh_buffer_destroy(&vt, &out);
}

void
vt_check_words(VkBuffer buffer, uint64_t offset, uint32_t count, uint32_t seed)
{
   uint32_t *got = vkh_calloc(count, sizeof(uint32_t));

   vt_read_words(buffer, offset, count, got);
   for (uint32_t i = 0; i < count; i++)
      if (got[i] != seed + i)
         fail_msg("byte %#llx: got %#x, want %#x",
                  (unsigned long long)offset + i * 4ull, got[i], seed + i);
   free(got);
}

void
vt_submit(VkQueue queue, VkSemaphore wait, uint64_t wait_value,
          VkSemaphore signal, uint64_t signal_value, VkFence fence)
{
   const VkSemaphoreSubmitInfo waits = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = wait,
      .value = wait_value,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   VkSemaphoreSubmitInfo signals = waits;
   signals.semaphore = signal;
   signals.value = signal_value;
   const VkSubmitInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .waitSemaphoreInfoCount = wait ? 1 : 0,
      .pWaitSemaphoreInfos = &waits,
      .signalSemaphoreInfoCount = signal ? 1 : 0,
      .pSignalSemaphoreInfos = &signals,
   };
   VKH_CHECK(vkQueueSubmit2(queue, 1, &info, fence));
}
