/* SPDX-License-Identifier: MIT */
#include "panvk_engine_image.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "panvk_private.h"

uint64_t
panvk_descriptor_u64(const uint8_t *descriptor, size_t offset_B)
{
   uint64_t value;

   memcpy(&value, descriptor + offset_B, sizeof(value));
   return value;
}

uint32_t
panvk_descriptor_u32(const uint8_t *descriptor, size_t offset_B)
{
   uint32_t value;

   memcpy(&value, descriptor + offset_B, sizeof(value));
   return value;
}

/*
 * The type that the application is most likely to use itself: the engine
 * compiles code for each combination of format and view type once.
 */
static VkImageViewType
likely_view_type(const struct panvk_layout *layout)
{
   if (layout->type == VK_IMAGE_TYPE_3D)
      return VK_IMAGE_VIEW_TYPE_3D;
   return layout->layers > 1 ? VK_IMAGE_VIEW_TYPE_2D_ARRAY
                             : VK_IMAGE_VIEW_TYPE_2D;
}

/* The descriptor of all levels and of the layers from @first_layer on. */
static VkResult
get_sampled_descriptor(struct panvk_device *dev, VkImage image, VkFormat format,
                       const struct panvk_layout *layout, uint32_t first_layer,
                       size_t size_B, uint8_t *descriptor)
{
   const VkImageViewUsageCreateInfo usage = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
   };
   const VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .pNext = &usage,
      .image = image,
      .viewType = likely_view_type(layout),
      .format = format,
      .subresourceRange =
         {
            .aspectMask = layout->aspect,
            .levelCount = layout->levels,
            .baseArrayLayer = first_layer,
            .layerCount = layout->layers - first_layer,
         },
   };
   VkImageView view;
   VkResult result =
      dev->vk.CreateImageView(dev->handle, &view_info, NULL, &view);

   if (result != VK_SUCCESS)
      return result;

   const VkDescriptorImageInfo image_info = {
      .imageView = view,
      .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
   };
   const VkDescriptorGetInfoEXT get_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
      .type = VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE,
      .data.pSampledImage = &image_info,
   };
   memset(descriptor, 0, PANVK_ENGINE_MAX_DESCRIPTOR_SIZE_B);
   dev->vk.GetDescriptorEXT(dev->handle, &get_info, size_B, descriptor);
   dev->vk.DestroyImageView(dev->handle, view, NULL);
   return VK_SUCCESS;
}

static bool
mip_offsets_match(const uint8_t *descriptor, const struct panvk_layout *layout,
                  uint32_t layer)
{
   for (uint32_t level = 0; level < layout->levels; level++) {
      uint32_t offset = panvk_descriptor_u32(
         descriptor, PANVK_SAMPLED_MIP_OFFSETS + 4 * level);

      if (offset != panvk_layout_engine_offset(layout, level, layer))
         return false;
   }
   return true;
}

/* Where @base is not mapped we must not lay windows over it. */
static const char *
check_base(uint64_t base, uint64_t size_B)
{
   unsigned char present;

   /* The engine does not look at what its mmap returned. */
   if (!base || base == (uint64_t)(uintptr_t)MAP_FAILED)
      return "the engine got no address space for it";
   if (base % PANVK_PAGE_SIZE)
      return "the engine's image is not page-aligned";
   if (mincore((void *)(uintptr_t)base, PANVK_PAGE_SIZE, &present) ||
       mincore((void *)(uintptr_t)(base + size_B - PANVK_PAGE_SIZE),
               PANVK_PAGE_SIZE, &present))
      return "the engine's image is not mapped";
   return NULL;
}

VkResult
panvk_engine_image_inspect(struct panvk_device *dev, VkImage image,
                           VkFormat format, const struct panvk_layout *layout,
                           size_t descriptor_size_B,
                           struct panvk_engine_image *out,
                           const char **reason_out)
{
   uint8_t descriptor[PANVK_ENGINE_MAX_DESCRIPTOR_SIZE_B];
   VkResult result;

   assert(descriptor_size_B >= PANVK_SAMPLED_MIN_SIZE_B &&
          descriptor_size_B <= sizeof(descriptor));
   if (layout->levels > PANVK_SAMPLED_LEVELS) {
      *reason_out = "it has more levels than the engine can sample";
      return VK_ERROR_INITIALIZATION_FAILED;
   }

   result = get_sampled_descriptor(dev, image, format, layout, 0,
                                   descriptor_size_B, descriptor);
   if (result != VK_SUCCESS) {
      *reason_out = "the engine could not make a view of it";
      return result;
   }

   uint64_t base = panvk_descriptor_u64(descriptor, PANVK_SAMPLED_BASE);
   uint64_t residency =
      panvk_descriptor_u64(descriptor, PANVK_SAMPLED_RESIDENCY);

   *reason_out = check_base(base, layout->engine_size_B);
   if (!*reason_out && (!residency || residency % sizeof(uint32_t)))
      *reason_out = "it has no residency bitmap";
   if (!*reason_out && !mip_offsets_match(descriptor, layout, 0))
      *reason_out = "its levels do not lie where they should";
   if (*reason_out)
      return VK_ERROR_INITIALIZATION_FAILED;

   if (layout->layers > 1) {
      uint32_t last = layout->layers - 1;

      result = get_sampled_descriptor(dev, image, format, layout, last,
                                      descriptor_size_B, descriptor);
      if (result != VK_SUCCESS) {
         *reason_out = "the engine could not make a view of its last layer";
         return result;
      }
      if (panvk_descriptor_u64(descriptor, PANVK_SAMPLED_BASE) != base ||
          !mip_offsets_match(descriptor, layout, last)) {
         *reason_out = "its layers do not lie where they should";
         return VK_ERROR_INITIALIZATION_FAILED;
      }
   }

   *out = (struct panvk_engine_image){
      .base = (uint8_t *)(uintptr_t)base,
      .residency = (uint32_t *)(uintptr_t)residency,
   };
   return VK_SUCCESS;
}
