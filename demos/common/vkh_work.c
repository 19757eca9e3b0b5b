/* SPDX-License-Identifier: MIT */
/* Pipelines and descriptors, command buffers, barriers, semaphores. */
#include "vkh.h"

#define MAX_BINDINGS 16

VkShaderModule
vkh_shader(const struct vkh *vk, const uint32_t *code, size_t size_B)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = size_B,
      .pCode = code,
   };
   VkShaderModule module;

   VKH_CHECK(vkCreateShaderModule(vk->device, &info, NULL, &module));
   return module;
}

VkPipeline
vkh_compute_pipeline(const struct vkh *vk, VkPipelineLayout layout,
                     const uint32_t *code, size_t size_B)
{
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = vkh_shader(vk, code, size_B),
            .pName = "main",
         },
      .layout = layout,
   };
   VkPipeline pipeline;

   VKH_CHECK(vkCreateComputePipelines(vk->device, VK_NULL_HANDLE, 1, &info,
                                      NULL, &pipeline));
   vkDestroyShaderModule(vk->device, info.stage.module, NULL);
   return pipeline;
}

VkDescriptorSetLayout
vkh_set_layout(const struct vkh *vk, VkShaderStageFlags stages,
               const VkDescriptorType *types, uint32_t count)
{
   VkDescriptorSetLayoutBinding bindings[MAX_BINDINGS];
   const VkDescriptorSetLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = count,
      .pBindings = bindings,
   };
   VkDescriptorSetLayout layout;

   if (count > MAX_BINDINGS)
      vkh_die("vkh_set_layout: %u bindings, at most %d", count, MAX_BINDINGS);
   for (uint32_t i = 0; i < count; i++) {
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i,
         .descriptorType = types[i],
         .descriptorCount = 1,
         .stageFlags = stages,
      };
   }
   VKH_CHECK(vkCreateDescriptorSetLayout(vk->device, &info, NULL, &layout));
   return layout;
}

VkPipelineLayout
vkh_pipeline_layout(const struct vkh *vk, VkDescriptorSetLayout set,
                    VkShaderStageFlags push_stages, uint32_t push_size_B)
{
   const VkPushConstantRange push = {push_stages, 0, push_size_B};
   const VkPipelineLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &set,
      .pushConstantRangeCount = push_size_B ? 1 : 0,
      .pPushConstantRanges = &push,
   };
   VkPipelineLayout layout;

   VKH_CHECK(vkCreatePipelineLayout(vk->device, &info, NULL, &layout));
   return layout;
}

VkDescriptorSet
vkh_descriptor_set(const struct vkh *vk, VkDescriptorSetLayout layout,
                   const VkDescriptorType *types, uint32_t count,
                   VkDescriptorPool *pool_out)
{
   VkDescriptorPoolSize sizes[MAX_BINDINGS];
   const VkDescriptorPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = count,
      .pPoolSizes = sizes,
   };
   VkDescriptorSet set;

   if (count > MAX_BINDINGS)
      vkh_die("vkh_descriptor_set: %u bindings, at most %d", count,
              MAX_BINDINGS);
   for (uint32_t i = 0; i < count; i++)
      sizes[i] = (VkDescriptorPoolSize){types[i], 1};
   VKH_CHECK(vkCreateDescriptorPool(vk->device, &pool, NULL, pool_out));

   const VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = *pool_out,
      .descriptorSetCount = 1,
      .pSetLayouts = &layout,
   };

   VKH_CHECK(vkAllocateDescriptorSets(vk->device, &info, &set));
   return set;
}

void
vkh_write_buffer(const struct vkh *vk, VkDescriptorSet set, uint32_t binding,
                 VkDescriptorType type, VkBuffer buffer, VkDeviceSize offset,
                 VkDeviceSize range)
{
   const VkDescriptorBufferInfo info = {buffer, offset, range};
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .dstBinding = binding,
      .descriptorCount = 1,
      .descriptorType = type,
      .pBufferInfo = &info,
   };

   vkUpdateDescriptorSets(vk->device, 1, &write, 0, NULL);
}

void
vkh_write_image(const struct vkh *vk, VkDescriptorSet set, uint32_t binding,
                VkDescriptorType type, VkImageView view, VkImageLayout layout,
                VkSampler sampler)
{
   const VkDescriptorImageInfo info = {sampler, view, layout};
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .dstBinding = binding,
      .descriptorCount = 1,
      .descriptorType = type,
      .pImageInfo = &info,
   };

   vkUpdateDescriptorSets(vk->device, 1, &write, 0, NULL);
}

VkCommandBuffer
vkh_begin(const struct vkh *vk)
{
   const VkCommandBufferAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = vk->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
   };
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   VkCommandBuffer cmd;

   VKH_CHECK(vkAllocateCommandBuffers(vk->device, &allocate, &cmd));
   VKH_CHECK(vkBeginCommandBuffer(cmd, &begin));
   return cmd;
}

void
vkh_run(const struct vkh *vk, VkCommandBuffer cmd)
{
   const VkCommandBufferSubmitInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
      .commandBuffer = cmd,
   };
   const VkSubmitInfo2 submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .commandBufferInfoCount = 1,
      .pCommandBufferInfos = &commands,
   };
   VkFence fence = vkh_fence_create(vk);

   VKH_CHECK(vkEndCommandBuffer(cmd));
   VKH_CHECK(vkQueueSubmit2(vk->queue, 1, &submit, fence));
   VKH_CHECK(vkWaitForFences(vk->device, 1, &fence, VK_TRUE, UINT64_MAX));
   vkDestroyFence(vk->device, fence, NULL);
   vkFreeCommandBuffers(vk->device, vk->pool, 1, &cmd);
}

void
vkh_full_barrier(VkCommandBuffer cmd)
{
   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                      VK_ACCESS_2_MEMORY_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                      VK_ACCESS_2_MEMORY_READ_BIT |
                         VK_ACCESS_2_MEMORY_WRITE_BIT);
}

void
vkh_memory_barrier(VkCommandBuffer cmd, VkPipelineStageFlags2 src_stage,
                   VkAccessFlags2 src_access, VkPipelineStageFlags2 dst_stage,
                   VkAccessFlags2 dst_access)
{
   const VkMemoryBarrier2 barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
      .srcStageMask = src_stage,
      .srcAccessMask = src_access,
      .dstStageMask = dst_stage,
      .dstAccessMask = dst_access,
   };
   const VkDependencyInfo dependency = {
      .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
      .memoryBarrierCount = 1,
      .pMemoryBarriers = &barrier,
   };

   vkCmdPipelineBarrier2(cmd, &dependency);
}

void
vkh_image_layout(VkCommandBuffer cmd, VkImage image, VkImageAspectFlags aspect,
                 VkImageLayout from, VkImageLayout to)
{
   const VkImageMemoryBarrier2 barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
      .srcStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
      .srcAccessMask = VK_ACCESS_2_MEMORY_WRITE_BIT,
      .dstStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
      .dstAccessMask = VK_ACCESS_2_MEMORY_READ_BIT |
                       VK_ACCESS_2_MEMORY_WRITE_BIT,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {aspect, 0, VK_REMAINING_MIP_LEVELS, 0,
                           VK_REMAINING_ARRAY_LAYERS},
   };
   const VkDependencyInfo dependency = {
      .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
      .imageMemoryBarrierCount = 1,
      .pImageMemoryBarriers = &barrier,
   };

   vkCmdPipelineBarrier2(cmd, &dependency);
}

VkSemaphore
vkh_semaphore_create(const struct vkh *vk)
{
   const VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
   };
   VkSemaphore semaphore;

   VKH_CHECK(vkCreateSemaphore(vk->device, &info, NULL, &semaphore));
   return semaphore;
}

VkSemaphore
vkh_timeline_create(const struct vkh *vk, uint64_t value)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
      .initialValue = value,
   };
   const VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = &type,
   };
   VkSemaphore semaphore;

   VKH_CHECK(vkCreateSemaphore(vk->device, &info, NULL, &semaphore));
   return semaphore;
}

void
vkh_timeline_wait(const struct vkh *vk, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &semaphore,
      .pValues = &value,
   };

   VKH_CHECK(vkWaitSemaphores(vk->device, &info, UINT64_MAX));
}

void
vkh_timeline_signal(const struct vkh *vk, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = semaphore,
      .value = value,
   };

   VKH_CHECK(vkSignalSemaphore(vk->device, &info));
}

VkFence
vkh_fence_create(const struct vkh *vk)
{
   const VkFenceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
   };
   VkFence fence;

   VKH_CHECK(vkCreateFence(vk->device, &info, NULL, &fence));
   return fence;
}

void
vkh_bind_and_wait(const struct vkh *vk, const VkBindSparseInfo *info,
                  VkFence fence)
{
   VKH_CHECK(vkQueueBindSparse(vk->sparse_queue, 1, info, fence));
   VKH_CHECK(vkWaitForFences(vk->device, 1, &fence, VK_TRUE, UINT64_MAX));
   VKH_CHECK(vkResetFences(vk->device, 1, &fence));
}
