/* SPDX-License-Identifier: MIT */
/* See panvk_shadow.h. */
#include "panvk_shadow.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "panvk_image.h"

/* What of an image's flags a shadow needs for the same views. */
#define SHADOW_FLAGS                                                           \
   (VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT | VK_IMAGE_CREATE_EXTENDED_USAGE_BIT |  \
    VK_IMAGE_CREATE_2D_ARRAY_COMPATIBLE_BIT |                                  \
    VK_IMAGE_CREATE_MULTISAMPLED_RENDER_TO_SINGLE_SAMPLED_BIT_EXT)

/* ... and of its usage; blits need no more. */
#define SHADOW_USAGE                                                           \
   (VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |                                      \
    VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT |                              \
    VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT)

/*
 * Guards every image's pointers to its shadows, and what these say of each
 * other. Held while one is made, which is rare.
 */
static pthread_mutex_t shadow_lock = PTHREAD_MUTEX_INITIALIZER;

static void
destroy_shadow(struct panvk_device *dev, struct panvk_shadow *shadow)
{
   if (!shadow)
      return;
   dev->vk.DestroyImage(dev->handle, shadow->image, NULL);
   panvk_host_range_finish(dev, &shadow->memory);
   free(shadow);
}

/*
 * Memory that costs what is touched of it. The range is reserved without swap
 * accounting, which stays so when it becomes accessible.
 */
static VkResult
init_memory(struct panvk_device *dev, struct panvk_shadow *shadow)
{
   VkMemoryRequirements requirements;
   VkResult result;

   dev->vk.GetImageMemoryRequirements(dev->handle, shadow->image,
                                      &requirements);
   result = panvk_host_range_init(
      dev, PANVK_ALIGN(requirements.size, PANVK_PAGE_SIZE),
      (uint32_t)__builtin_ctz(requirements.memoryTypeBits), &shadow->memory);
   if (result != VK_SUCCESS)
      return result;
   if (mprotect(shadow->memory.ptr, shadow->memory.size_B,
                PROT_READ | PROT_WRITE))
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   return dev->vk.BindImageMemory(dev->handle, shadow->image,
                                  shadow->memory.memory, 0);
}

static VkResult
create_shadow(struct panvk_device *dev, const struct panvk_image *image,
              VkExtent3D extent, uint32_t layers,
              struct panvk_shadow **shadow_out)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = image->kind.flags & SHADOW_FLAGS,
      .imageType = image->kind.type,
      .format = image->kind.format,
      .extent = extent,
      .mipLevels = 1,
      .arrayLayers = layers,
      .samples = image->kind.samples,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = (image->kind.usage & SHADOW_USAGE) |
               VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
               VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   struct panvk_shadow *shadow = calloc(1, sizeof(*shadow));
   VkResult result;

   if (!shadow)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   result = dev->vk.CreateImage(dev->handle, &info, NULL, &shadow->image);
   if (result == VK_SUCCESS)
      result = init_memory(dev, shadow);
   if (result != VK_SUCCESS) {
      destroy_shadow(dev, shadow);
      return result;
   }
   *shadow_out = shadow;
   return VK_SUCCESS;
}

void
panvk_shadows_finish(struct panvk_device *dev, struct panvk_shadows *shadows)
{
   pthread_mutex_lock(&shadow_lock);
   for (uint32_t i = 0; i < PANVK_MAX_LEVELS; i++) {
      if (shadows->level[i])
         shadows->level[i]->slot = NULL;
   }
   pthread_mutex_unlock(&shadow_lock);
   for (uint32_t i = 0; i < PANVK_SCRATCH_WIDTHS; i++)
      destroy_shadow(dev, shadows->scratch[i]);
}

VkResult
panvk_shadow_ref_level(struct panvk_device *dev, struct panvk_image *image,
                       uint32_t level, struct panvk_shadow **shadow_out)
{
   struct panvk_shadow **slot = &image->shadows.level[level];
   VkResult result = VK_SUCCESS;

   pthread_mutex_lock(&shadow_lock);
   if (!*slot) {
      result = create_shadow(dev, image, image->layout.level[level].extent,
                             image->layout.layers, slot);
      if (result == VK_SUCCESS)
         (*slot)->slot = slot;
   }
   if (result == VK_SUCCESS) {
      (*slot)->users++;
      *shadow_out = *slot;
   }
   pthread_mutex_unlock(&shadow_lock);
   return result;
}

void
panvk_shadow_unref(struct panvk_device *dev, struct panvk_shadow *shadow)
{
   pthread_mutex_lock(&shadow_lock);

   bool last = --shadow->users == 0;

   if (last && shadow->slot)
      *shadow->slot = NULL;
   pthread_mutex_unlock(&shadow_lock);
   if (last)
      destroy_shadow(dev, shadow);
}

/* The least n with 2^n >= @width. */
static uint32_t
log2_up(uint32_t width)
{
   return width > 1 ? 32 - (uint32_t)__builtin_clz(width - 1) : 0;
}

VkResult
panvk_shadow_get_scratch(struct panvk_device *dev, struct panvk_image *image,
                         uint32_t width, struct panvk_shadow **shadow_out)
{
   uint32_t n = log2_up(width);
   VkExtent3D extent = image->layout.level[0].extent;
   struct panvk_shadow **shadow = &image->shadows.scratch[n];
   VkResult result = VK_SUCCESS;

   extent.width = PANVK_MIN(1u << n, extent.width);
   pthread_mutex_lock(&shadow_lock);
   if (!*shadow)
      result = create_shadow(dev, image, extent, 1, shadow);
   if (result == VK_SUCCESS)
      *shadow_out = *shadow;
   pthread_mutex_unlock(&shadow_lock);
   return result;
}
