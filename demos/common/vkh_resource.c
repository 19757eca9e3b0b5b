/* SPDX-License-Identifier: MIT */
/* Memory, buffers and images. */
#include "vkh.h"

#include <string.h>

uint32_t
vkh_memory_type(const struct vkh *vk, uint32_t type_bits, enum vkh_memory kind)
{
   const VkMemoryPropertyFlags host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                      VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkMemoryPropertyFlags required = 0, preferred = 0;

   switch (kind) {
   case VKH_MEMORY_DEVICE:
      preferred = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
      break;
   case VKH_MEMORY_UPLOAD:
      required = host;
      break;
   case VKH_MEMORY_READBACK:
      required = host;
      preferred = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
      break;
   }
   for (int pass = 0; pass < 2; pass++) {
      const VkMemoryPropertyFlags flags = required | (pass ? 0 : preferred);

      for (uint32_t i = 0; i < vk->memory.memoryTypeCount; i++) {
         if ((type_bits & (1u << i)) &&
             (vk->memory.memoryTypes[i].propertyFlags & flags) == flags)
            return i;
      }
   }
   vkh_die("no memory type in 0x%x with the properties 0x%x", type_bits,
           required);
}

VkResult
vkh_memory_try_alloc(const struct vkh *vk, VkDeviceSize size_B,
                     uint32_t type_bits, enum vkh_memory kind,
                     VkDeviceMemory *memory_out)
{
   const VkMemoryAllocateFlagsInfo flags = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
   };
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = vk->buffer_address ? &flags : NULL,
      .allocationSize = size_B,
      .memoryTypeIndex = vkh_memory_type(vk, type_bits, kind),
   };

   return vkAllocateMemory(vk->device, &info, NULL, memory_out);
}

void
vkh_buffer_create(const struct vkh *vk, VkDeviceSize size_B,
                  VkBufferUsageFlags usage, enum vkh_memory kind,
                  struct vkh_buffer *buffer_out)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size_B,
      .usage = usage,
   };
   VkMemoryRequirements requirements;

   memset(buffer_out, 0, sizeof(*buffer_out));
   buffer_out->size_B = size_B;
   VKH_CHECK(vkCreateBuffer(vk->device, &info, NULL, &buffer_out->buffer));
   vkGetBufferMemoryRequirements(vk->device, buffer_out->buffer, &requirements);
   VKH_CHECK(vkh_memory_try_alloc(vk, requirements.size,
                                  requirements.memoryTypeBits, kind,
                                  &buffer_out->memory));
   VKH_CHECK(vkBindBufferMemory(vk->device, buffer_out->buffer,
                                buffer_out->memory, 0));
   if (kind != VKH_MEMORY_DEVICE) {
      VKH_CHECK(vkMapMemory(vk->device, buffer_out->memory, 0, VK_WHOLE_SIZE, 0,
                            &buffer_out->map));
   }
}

void
vkh_buffer_destroy(const struct vkh *vk, struct vkh_buffer *buffer)
{
   vkDestroyBuffer(vk->device, buffer->buffer, NULL);
   vkFreeMemory(vk->device, buffer->memory, NULL);
   memset(buffer, 0, sizeof(*buffer));
}

VkBuffer
vkh_sparse_buffer_create(const struct vkh *vk, VkDeviceSize size_B,
                         VkBufferCreateFlags flags, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT | flags,
      .size = size_B,
      .usage = usage,
   };
   VkBuffer buffer;

   VKH_CHECK(vkCreateBuffer(vk->device, &info, NULL, &buffer));
   return buffer;
}

void
vkh_image_create(const struct vkh *vk, VkFormat format, uint32_t width,
                 uint32_t height, VkSampleCountFlagBits samples,
                 VkImageUsageFlags usage, VkImageAspectFlags aspect,
                 struct vkh_image *image_out)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = format,
      .extent = {width, height, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = samples,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };
   VkMemoryRequirements requirements;

   memset(image_out, 0, sizeof(*image_out));
   image_out->format = format;
   image_out->extent = info.extent;
   VKH_CHECK(vkCreateImage(vk->device, &info, NULL, &image_out->image));
   vkGetImageMemoryRequirements(vk->device, image_out->image, &requirements);
   VKH_CHECK(vkh_memory_try_alloc(vk, requirements.size,
                                  requirements.memoryTypeBits,
                                  VKH_MEMORY_DEVICE, &image_out->memory));
   VKH_CHECK(vkBindImageMemory(vk->device, image_out->image, image_out->memory,
                               0));

   const VkImageViewCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image_out->image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = format,
      .subresourceRange = {aspect, 0, 1, 0, 1},
   };

   VKH_CHECK(vkCreateImageView(vk->device, &view, NULL, &image_out->view));
}

void
vkh_image_destroy(const struct vkh *vk, struct vkh_image *image)
{
   vkDestroyImageView(vk->device, image->view, NULL);
   vkDestroyImage(vk->device, image->image, NULL);
   vkFreeMemory(vk->device, image->memory, NULL);
   memset(image, 0, sizeof(*image));
}

VkSparseImageMemoryRequirements
vkh_sparse_requirements(const struct vkh *vk, VkImage image)
{
   VkSparseImageMemoryRequirements list[8];
   uint32_t count = VKH_ARRAY_SIZE(list);

   vkGetImageSparseMemoryRequirements(vk->device, image, &count, list);
   for (uint32_t i = 0; i < count; i++) {
      if (list[i].formatProperties.aspectMask & VK_IMAGE_ASPECT_COLOR_BIT)
         return list[i];
   }
   vkh_die("the driver states no sparse requirements for a colour image");
}
