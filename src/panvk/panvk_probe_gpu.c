/* SPDX-License-Identifier: MIT */
#include "panvk_probe_gpu.h"

#include <stddef.h>

#include "panvk_probe.comp.h"
#include "panvk_probe_3d.comp.h"

#define TRY(call)                                                              \
   do {                                                                        \
      VkResult try_result = (call);                                            \
      if (try_result != VK_SUCCESS)                                            \
         return try_result;                                                    \
   } while (0)

_Static_assert(offsetof(struct panvk_probe_results, copy) == 4096,
               "the copy starts at a page");

/* 4x2, 2x1 and one tile of 128 x 128, in two layers. */
const struct panvk_probe_shape panvk_probe_shape_2d = {
   .name = "2D",
   .type = VK_IMAGE_TYPE_2D,
   .extent = {512, 256, 1},
   .layers = 2,
   .view_type = VK_IMAGE_VIEW_TYPE_2D_ARRAY,
   .copy_layer = 1,
   .common = {128, 64, 1},
};

/* 4x2x3, 2x1x2 and one tile of 32 x 32 x 16. */
const struct panvk_probe_shape panvk_probe_shape_3d = {
   .name = "3D",
   .type = VK_IMAGE_TYPE_3D,
   .extent = {128, 64, 48},
   .layers = 1,
   .view_type = VK_IMAGE_VIEW_TYPE_3D,
   .common = {32, 16, 8},
};

VkExtent3D
panvk_probe_copy_extent(const struct panvk_probe_shape *shape)
{
   bool deep = shape->type == VK_IMAGE_TYPE_3D;

   return (VkExtent3D){
      .width = shape->extent.width >> PROBE_STORAGE_LEVEL,
      .height = shape->extent.height >> PROBE_STORAGE_LEVEL,
      .depth = deep ? shape->extent.depth >> PROBE_STORAGE_LEVEL : 1,
   };
}

VkResult
panvk_probe_gpu_init_image(struct panvk_probe_gpu *gpu,
                           struct panvk_device *dev,
                           const struct panvk_probe_shape *shape)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = shape->type,
      .format = PROBE_FORMAT,
      .extent = shape->extent,
      .mipLevels = PROBE_LEVELS,
      .arrayLayers = shape->layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT |
               VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
   };

   *gpu = (struct panvk_probe_gpu){.dev = dev, .shape = shape};
   TRY(dev->vk.CreateImage(dev->handle, &info, NULL, &gpu->image));
   dev->vk.GetDeviceQueue(dev->handle, 0, 0, &gpu->queue);
   return VK_SUCCESS;
}

static VkResult
create_view(struct panvk_probe_gpu *gpu, uint32_t first_level,
            uint32_t level_count, VkImageView *view_out)
{
   const VkImageViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = gpu->image,
      .viewType = gpu->shape->view_type,
      .format = PROBE_FORMAT,
      .subresourceRange =
         {
            .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT,
            .baseMipLevel = first_level,
            .levelCount = level_count,
            .layerCount = gpu->shape->layers,
         },
   };

   return gpu->dev->vk.CreateImageView(gpu->dev->handle, &info, NULL, view_out);
}

static VkResult
create_buffer(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = sizeof(struct panvk_probe_results),
      .usage =
         VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements requirements;

   TRY(dev->vk.CreateBuffer(dev->handle, &info, NULL, &gpu->buffer));
   dev->vk.GetBufferMemoryRequirements(dev->handle, gpu->buffer, &requirements);

   /* All of the engine's memory can be mapped. */
   const VkMemoryAllocateInfo allocate_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = requirements.size,
      .memoryTypeIndex = (uint32_t)__builtin_ctz(requirements.memoryTypeBits),
   };
   void *map;

   TRY(dev->vk.AllocateMemory(dev->handle, &allocate_info, NULL, &gpu->memory));
   TRY(dev->vk.BindBufferMemory(dev->handle, gpu->buffer, gpu->memory, 0));
   TRY(dev->vk.MapMemory(dev->handle, gpu->memory, 0, VK_WHOLE_SIZE, 0, &map));
   gpu->results = map;
   return VK_SUCCESS;
}

static VkResult
create_set(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   static const VkDescriptorType types[] = {
      VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
      VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
      VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   };
   const VkDescriptorImageInfo sampled = {gpu->sampler, gpu->sampled_view,
                                          VK_IMAGE_LAYOUT_GENERAL};
   const VkDescriptorImageInfo storage = {VK_NULL_HANDLE, gpu->storage_view,
                                          VK_IMAGE_LAYOUT_GENERAL};
   const VkDescriptorBufferInfo buffer = {
      gpu->buffer, 0, offsetof(struct panvk_probe_results, copy)};
   VkDescriptorSetLayoutBinding bindings[PANVK_ARRAY_SIZE(types)];
   VkDescriptorPoolSize sizes[PANVK_ARRAY_SIZE(types)];
   VkWriteDescriptorSet writes[PANVK_ARRAY_SIZE(types)];

   for (uint32_t i = 0; i < PANVK_ARRAY_SIZE(types); i++) {
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i,
         .descriptorType = types[i],
         .descriptorCount = 1,
         .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
      };
      sizes[i] = (VkDescriptorPoolSize){types[i], 1};
   }

   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = PANVK_ARRAY_SIZE(types),
      .pBindings = bindings,
   };
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = PANVK_ARRAY_SIZE(types),
      .pPoolSizes = sizes,
   };
   TRY(dev->vk.CreateDescriptorSetLayout(dev->handle, &layout_info, NULL,
                                         &gpu->set_layout));
   TRY(dev->vk.CreateDescriptorPool(dev->handle, &pool_info, NULL,
                                    &gpu->descriptor_pool));

   const VkDescriptorSetAllocateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = gpu->descriptor_pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &gpu->set_layout,
   };
   TRY(dev->vk.AllocateDescriptorSets(dev->handle, &set_info, &gpu->set));

   for (uint32_t i = 0; i < PANVK_ARRAY_SIZE(types); i++) {
      writes[i] = (VkWriteDescriptorSet){
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = gpu->set,
         .dstBinding = i,
         .descriptorCount = 1,
         .descriptorType = types[i],
      };
   }
   writes[0].pImageInfo = &sampled;
   writes[1].pImageInfo = &storage;
   writes[2].pBufferInfo = &buffer;
   dev->vk.UpdateDescriptorSets(dev->handle, PANVK_ARRAY_SIZE(writes), writes,
                                0, NULL);
   return VK_SUCCESS;
}

static VkResult
create_pipeline(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 8};
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &gpu->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &push,
   };
   bool deep = gpu->shape->type == VK_IMAGE_TYPE_3D;
   const VkShaderModuleCreateInfo shader_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = deep ? sizeof(panvk_probe_3d_comp) : sizeof(panvk_probe_comp),
      .pCode = deep ? panvk_probe_3d_comp : panvk_probe_comp,
   };

   TRY(dev->vk.CreatePipelineLayout(dev->handle, &layout_info, NULL,
                                    &gpu->pipeline_layout));
   TRY(dev->vk.CreateShaderModule(dev->handle, &shader_info, NULL,
                                  &gpu->shader));

   const VkComputePipelineCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = gpu->shader,
            .pName = "main",
         },
      .layout = gpu->pipeline_layout,
   };
   return dev->vk.CreateComputePipelines(dev->handle, VK_NULL_HANDLE, 1,
                                         &pipeline_info, NULL, &gpu->pipeline);
}

/*
 * The image stays in the layout it was created in: a transition out of
 * UNDEFINED would be allowed to destroy what the CPU wrote, and the engine
 * keeps no layouts.
 */
static VkResult
record_commands(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   const VkCommandBufferBeginInfo begin_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
   };
   const uint32_t push[2] = {PROBE_MAX_QUERIES, PROBE_STORAGE_LEVEL};
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_HOST_READ_BIT,
   };
   const VkBufferImageCopy copy = {
      .bufferOffset = offsetof(struct panvk_probe_results, copy),
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, PROBE_STORAGE_LEVEL,
                           gpu->shape->copy_layer, 1},
      .imageExtent = panvk_probe_copy_extent(gpu->shape),
   };
   VkCommandBuffer commands = gpu->commands;

   TRY(dev->vk.BeginCommandBuffer(commands, &begin_info));
   dev->vk.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                           gpu->pipeline);
   dev->vk.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                                 gpu->pipeline_layout, 0, 1, &gpu->set, 0,
                                 NULL);
   dev->vk.CmdPushConstants(commands, gpu->pipeline_layout,
                            VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push), push);
   dev->vk.CmdDispatch(commands, PROBE_MAX_QUERIES / 32, 1, 1);
   dev->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                              VK_PIPELINE_STAGE_TRANSFER_BIT |
                                 VK_PIPELINE_STAGE_HOST_BIT,
                              0, 1, &barrier, 0, NULL, 0, NULL);
   dev->vk.CmdCopyImageToBuffer(commands, gpu->image, VK_IMAGE_LAYOUT_GENERAL,
                                gpu->buffer, 1, &copy);
   return dev->vk.EndCommandBuffer(commands);
}

static VkResult
create_commands(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
   };
   const VkFenceCreateInfo fence_info = {
      .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
   };

   TRY(dev->vk.CreateFence(dev->handle, &fence_info, NULL, &gpu->fence));
   TRY(dev->vk.CreateCommandPool(dev->handle, &pool_info, NULL,
                                 &gpu->command_pool));

   const VkCommandBufferAllocateInfo allocate_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = gpu->command_pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
   };
   TRY(dev->vk.AllocateCommandBuffers(dev->handle, &allocate_info,
                                      &gpu->commands));
   return record_commands(gpu);
}

VkResult
panvk_probe_gpu_init(struct panvk_probe_gpu *gpu)
{
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
      .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
      .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
   };
   struct panvk_device *dev = gpu->dev;

   TRY(dev->vk.CreateSampler(dev->handle, &sampler_info, NULL, &gpu->sampler));
   TRY(create_view(gpu, 0, PROBE_LEVELS, &gpu->sampled_view));
   TRY(create_view(gpu, PROBE_STORAGE_LEVEL, 1, &gpu->storage_view));
   TRY(create_buffer(gpu));
   TRY(create_set(gpu));
   TRY(create_pipeline(gpu));
   return create_commands(gpu);
}

void
panvk_probe_gpu_finish(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   VkDevice handle = dev->handle;

   dev->vk.DestroyCommandPool(handle, gpu->command_pool, NULL);
   dev->vk.DestroyFence(handle, gpu->fence, NULL);
   dev->vk.DestroyPipeline(handle, gpu->pipeline, NULL);
   dev->vk.DestroyPipelineLayout(handle, gpu->pipeline_layout, NULL);
   dev->vk.DestroyShaderModule(handle, gpu->shader, NULL);
   dev->vk.DestroyDescriptorPool(handle, gpu->descriptor_pool, NULL);
   dev->vk.DestroyDescriptorSetLayout(handle, gpu->set_layout, NULL);
   dev->vk.DestroyBuffer(handle, gpu->buffer, NULL);
   dev->vk.FreeMemory(handle, gpu->memory, NULL);
   dev->vk.DestroySampler(handle, gpu->sampler, NULL);
   dev->vk.DestroyImageView(handle, gpu->storage_view, NULL);
   dev->vk.DestroyImageView(handle, gpu->sampled_view, NULL);
   dev->vk.DestroyImage(handle, gpu->image, NULL);
}

VkResult
panvk_probe_gpu_run(struct panvk_probe_gpu *gpu)
{
   struct panvk_device *dev = gpu->dev;
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &gpu->commands,
   };

   TRY(dev->vk.QueueSubmit(gpu->queue, 1, &submit, gpu->fence));
   /* Five seconds: an engine that hangs must not hang the program. */
   TRY(dev->vk.WaitForFences(dev->handle, 1, &gpu->fence, VK_TRUE,
                             5000000000ull));
   return dev->vk.ResetFences(dev->handle, 1, &gpu->fence);
}
