/* SPDX-License-Identifier: MIT */
#include "vk_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vk_image.comp.h"

void
vk_check(VkResult result, const char *what, const char *file, int line)
{
   if (result == VK_SUCCESS)
      return;
   fprintf(stderr, "%s:%d: %s: VkResult %d\n", file, line, what, result);
   abort();
}

/* ----------------------------------------------------- instance, device -- */

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
           VkDebugUtilsMessageTypeFlagsEXT types,
           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
   struct vk_fixture *f = user;

   if (f->errors_expected) {
      f->errors++;
   } else {
      f->unexpected_errors++;
      fprintf(stderr, "%s\n", data->pMessage);
   }
   return VK_FALSE;
}

static void
create_instance(struct vk_fixture *f)
{
   static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
   const VkDebugUtilsMessengerCreateInfoEXT messenger = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
      .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                     VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
      .pfnUserCallback = on_message,
      .pUserData = f,
   };
   const VkApplicationInfo app = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "pansparse image tests",
      .apiVersion = VK_API_VERSION_1_3,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &app,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = extensions,
   };
   VkDebugUtilsMessengerEXT handle;
   PFN_vkCreateDebugUtilsMessengerEXT create;

   vk_ok(vkCreateInstance(&info, NULL, &f->instance));
   create = (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
      f->instance, "vkCreateDebugUtilsMessengerEXT");
   vk_ok(create(f->instance, &messenger, NULL, &handle));
   f->messenger = handle;
}

static bool
has_what_is_needed(const VkPhysicalDeviceFeatures *features)
{
   return features->sparseBinding && features->sparseResidencyImage2D &&
          features->sparseResidencyAliased && features->shaderResourceResidency;
}

static bool
pick_physical_device(struct vk_fixture *f)
{
   VkPhysicalDevice pdevs[16];
   uint32_t count = 16;
   VkResult result =
      vkEnumeratePhysicalDevices(f->instance, &count, pdevs);

   if (result != VK_SUCCESS && result != VK_INCOMPLETE)
      return false;
   for (uint32_t i = 0; i < count; i++) {
      VkPhysicalDeviceProperties props;
      VkQueueFamilyProperties family;
      uint32_t families = 1;

      vkGetPhysicalDeviceFeatures(pdevs[i], &f->features);
      vkGetPhysicalDeviceProperties(pdevs[i], &props);
      vkGetPhysicalDeviceQueueFamilyProperties(pdevs[i], &families, &family);
      f->ours = strstr(props.deviceName, "pansparse") != NULL;
      if (!has_what_is_needed(&f->features) ||
          !(family.queueFlags & VK_QUEUE_SPARSE_BINDING_BIT) ||
          !(family.queueFlags & VK_QUEUE_COMPUTE_BIT))
         continue;
      f->pdev = pdevs[i];
      fprintf(stderr, "# on %s\n", props.deviceName);
      vkGetPhysicalDeviceMemoryProperties(f->pdev, &f->memory_props);
      return true;
   }
   fprintf(stderr, "# no driver here has sparse residency images\n");
   return false;
}

static void
create_device(struct vk_fixture *f)
{
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkPhysicalDeviceFeatures features = {
      .imageCubeArray = f->features.imageCubeArray,
      .sparseBinding = VK_TRUE,
      .sparseResidencyImage2D = VK_TRUE,
      .sparseResidencyAliased = VK_TRUE,
      .shaderResourceResidency = VK_TRUE,
   };
   const VkPhysicalDeviceVulkan13Features features13 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
      .maintenance4 = VK_TRUE,
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features13,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .pEnabledFeatures = &features,
   };

   vk_ok(vkCreateDevice(f->pdev, &info, NULL, &f->device));
   vkGetDeviceQueue(f->device, 0, 0, &f->queue);
}

/* -------------------------------------------------------------- buffers -- */

VkDeviceMemory
vk_alloc(struct vk_fixture *f, VkDeviceSize size_B, uint32_t type_bits)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                        VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = size_B,
      .memoryTypeIndex = (uint32_t)__builtin_ctz(type_bits),
   };
   VkDeviceMemory memory;

   for (uint32_t i = 0; i < f->memory_props.memoryTypeCount; i++) {
      if ((type_bits >> i & 1) &&
          (f->memory_props.memoryTypes[i].propertyFlags & wanted) == wanted) {
         info.memoryTypeIndex = i;
         break;
      }
   }
   vk_ok(vkAllocateMemory(f->device, &info, NULL, &memory));
   return memory;
}

static void *
create_buffer(struct vk_fixture *f, VkDeviceSize size_B,
              VkBufferUsageFlags usage, VkBuffer *buffer_out,
              VkDeviceMemory *memory_out)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size_B,
      .usage = usage,
   };
   VkMemoryRequirements requirements;
   void *map;

   vk_ok(vkCreateBuffer(f->device, &info, NULL, buffer_out));
   vkGetBufferMemoryRequirements(f->device, *buffer_out, &requirements);
   *memory_out = vk_alloc(f, requirements.size, requirements.memoryTypeBits);
   vk_ok(vkBindBufferMemory(f->device, *buffer_out, *memory_out, 0));
   vk_ok(vkMapMemory(f->device, *memory_out, 0, VK_WHOLE_SIZE, 0, &map));
   return map;
}

/* ------------------------------------------------------------- pipeline -- */

static void
create_layouts(struct vk_fixture *f)
{
   const VkDescriptorSetLayoutBinding bindings[] = {
      {0, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1,
       VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT,
       NULL},
   };
   const VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 2,
      .pBindings = bindings,
   };
   const VkPipelineLayoutCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &f->set_layout,
   };
   const VkDescriptorPoolSize sizes[] = {
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1},
      {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1},
   };
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = 2,
      .pPoolSizes = sizes,
   };

   vk_ok(vkCreateDescriptorSetLayout(f->device, &set_info, NULL,
                                     &f->set_layout));
   vk_ok(vkCreatePipelineLayout(f->device, &pipeline_info, NULL,
                                &f->pipeline_layout));
   vk_ok(vkCreateDescriptorPool(f->device, &pool_info, NULL,
                                &f->descriptor_pool));
}

static void
create_pipeline(struct vk_fixture *f)
{
   const VkShaderModuleCreateInfo shader_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = sizeof(vk_image_comp),
      .pCode = vk_image_comp,
   };
   VkShaderModule shader;

   vk_ok(vkCreateShaderModule(f->device, &shader_info, NULL, &shader));
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_COMPUTE_BIT,
         .module = shader,
         .pName = "main",
      },
      .layout = f->pipeline_layout,
   };
   vk_ok(vkCreateComputePipelines(f->device, VK_NULL_HANDLE, 1, &info, NULL,
                                  &f->pipeline));
   vkDestroyShaderModule(f->device, shader, NULL);
}

/* ---------------------------------------------------------- the fixture -- */

bool
vk_fixture_init(struct vk_fixture *f)
{
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .maxLod = VK_LOD_CLAMP_NONE,
   };
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
   };
   const VkFenceCreateInfo fence_info = {
      .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
   };

   *f = (struct vk_fixture){0};
   create_instance(f);
   if (!pick_physical_device(f)) {
      vk_fixture_finish(f);
      return false;
   }
   create_device(f);
   vk_ok(vkCreateCommandPool(f->device, &pool_info, NULL, &f->pool));
   vk_ok(vkCreateFence(f->device, &fence_info, NULL, &f->fence));
   vk_ok(vkCreateSampler(f->device, &sampler_info, NULL, &f->sampler));
   f->staging_map = create_buffer(
      f, VK_STAGING_SIZE_B,
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
      &f->staging, &f->staging_memory);
   f->query_map = create_buffer(
      f, 4 + VK_MAX_QUERIES * sizeof(struct vk_query),
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, &f->query_buffer, &f->query_memory);
   create_layouts(f);
   create_pipeline(f);
   return true;
}

void
vk_fixture_finish(struct vk_fixture *f)
{
   PFN_vkDestroyDebugUtilsMessengerEXT destroy =
      (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
         f->instance, "vkDestroyDebugUtilsMessengerEXT");

   if (f->device) {
      vkDestroyPipeline(f->device, f->pipeline, NULL);
      vkDestroyPipelineLayout(f->device, f->pipeline_layout, NULL);
      vkDestroyDescriptorPool(f->device, f->descriptor_pool, NULL);
      vkDestroyDescriptorSetLayout(f->device, f->set_layout, NULL);
      vkDestroyBuffer(f->device, f->query_buffer, NULL);
      vkFreeMemory(f->device, f->query_memory, NULL);
      vkDestroyBuffer(f->device, f->staging, NULL);
      vkFreeMemory(f->device, f->staging_memory, NULL);
      vkDestroySampler(f->device, f->sampler, NULL);
      vkDestroyFence(f->device, f->fence, NULL);
      vkDestroyCommandPool(f->device, f->pool, NULL);
      vkDestroyDevice(f->device, NULL);
   }
   destroy(f->instance, f->messenger, NULL);
   vkDestroyInstance(f->instance, NULL);
}

/* ------------------------------------------------------------- commands -- */

VkCommandBuffer
vk_begin(struct vk_fixture *f)
{
   const VkCommandBufferAllocateInfo allocate_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = f->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
   };
   const VkCommandBufferBeginInfo begin_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   VkCommandBuffer commands;

   vk_ok(vkAllocateCommandBuffers(f->device, &allocate_info, &commands));
   vk_ok(vkBeginCommandBuffer(commands, &begin_info));
   return commands;
}

static void
wait_for_fence(struct vk_fixture *f)
{
   vk_ok(vkWaitForFences(f->device, 1, &f->fence, VK_TRUE, 20000000000ull));
   vk_ok(vkResetFences(f->device, 1, &f->fence));
}

void
vk_submit(struct vk_fixture *f, VkCommandBuffer commands)
{
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
   };
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };

   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0,
                        NULL);
   vk_ok(vkEndCommandBuffer(commands));
   vk_ok(vkQueueSubmit(f->queue, 1, &submit, f->fence));
   wait_for_fence(f);
   vkFreeCommandBuffers(f->device, f->pool, 1, &commands);
}

VkResult
vk_bind(struct vk_fixture *f, const VkBindSparseInfo *info)
{
   VkResult result = vkQueueBindSparse(f->queue, 1, info, f->fence);

   if (result == VK_SUCCESS)
      wait_for_fence(f);
   return result;
}

void
vk_make_general(struct vk_fixture *f, VkImage image)
{
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
      .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0,
                           VK_REMAINING_MIP_LEVELS, 0,
                           VK_REMAINING_ARRAY_LAYERS},
   };
   VkCommandBuffer commands = vk_begin(f);

   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL,
                        1, &barrier);
   vk_submit(f, commands);
}

void
vk_upload(struct vk_fixture *f, VkImage image,
          VkImageSubresourceLayers subresource, VkOffset3D offset,
          VkExtent3D extent)
{
   const VkBufferImageCopy copy = {
      .imageSubresource = subresource,
      .imageOffset = offset,
      .imageExtent = extent,
   };
   VkCommandBuffer commands = vk_begin(f);

   vkCmdCopyBufferToImage(commands, f->staging, image, VK_IMAGE_LAYOUT_GENERAL,
                          1, &copy);
   vk_submit(f, commands);
}

void
vk_download(struct vk_fixture *f, VkImage image,
            VkImageSubresourceLayers subresource, VkOffset3D offset,
            VkExtent3D extent)
{
   const VkBufferImageCopy copy = {
      .imageSubresource = subresource,
      .imageOffset = offset,
      .imageExtent = extent,
   };
   VkCommandBuffer commands = vk_begin(f);

   vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, f->staging,
                          1, &copy);
   vk_submit(f, commands);
}

/* -------------------------------------------------------------- fetches -- */

static VkDescriptorSet
create_set(struct vk_fixture *f, VkImageView view)
{
   const VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = f->descriptor_pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &f->set_layout,
   };
   const VkDescriptorImageInfo image = {f->sampler, view,
                                        VK_IMAGE_LAYOUT_GENERAL};
   const VkDescriptorBufferInfo buffer = {f->query_buffer, 0, VK_WHOLE_SIZE};
   VkWriteDescriptorSet writes[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstBinding = 0,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
         .pImageInfo = &image,
      },
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstBinding = 1,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .pBufferInfo = &buffer,
      },
   };
   VkDescriptorSet set;

   vk_ok(vkAllocateDescriptorSets(f->device, &info, &set));
   writes[0].dstSet = writes[1].dstSet = set;
   vkUpdateDescriptorSets(f->device, 2, writes, 0, NULL);
   return set;
}

void
vk_fetch(struct vk_fixture *f, VkImage image, VkFormat format, uint32_t levels,
         uint32_t layers, struct vk_query *queries, uint32_t count)
{
   const VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D_ARRAY,
      .format = format,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, levels, 0, layers},
   };
   VkImageView view;
   VkDescriptorSet set;
   VkCommandBuffer commands;

   if (count > VK_MAX_QUERIES)
      abort();
   vk_ok(vkCreateImageView(f->device, &view_info, NULL, &view));
   set = create_set(f, view);
   f->query_map[0] = count;
   memcpy(f->query_map + 1, queries, count * sizeof(*queries));

   commands = vk_begin(f);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, f->pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                           f->pipeline_layout, 0, 1, &set, 0, NULL);
   vkCmdDispatch(commands, (count + 63) / 64, 1, 1);
   vk_submit(f, commands);

   memcpy(queries, f->query_map + 1, count * sizeof(*queries));
   vk_ok(vkResetDescriptorPool(f->device, f->descriptor_pool, 0));
   vkDestroyImageView(f->device, view, NULL);
}
