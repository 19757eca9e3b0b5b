/* SPDX-License-Identifier: MIT */
/* The image binds of vkQueueBindSparse. */
#include "panvk_image.h"

#include <inttypes.h>

static VkResult
bad_bind(const struct panvk_device *dev, VkImage handle,
         const struct panvk_image *image, const char *what, uint32_t index,
         const char *rule)
{
   char text[128] = "an image that is not sparse";

   if (image)
      panvk_resource_describe(&image->res, text);
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_IMAGE, panvk_key(handle),
               "%s %" PRIu32 " of %s: %s", what, index, text, rule);
   return VK_ERROR_VALIDATION_FAILED_EXT;
}

static void
note_residency(struct panvk_batch *batch, struct panvk_image *image,
               const struct panvk_tile_run *run, bool resident)
{
   panvk_bind_list_add_residency(
      &batch->list, image, (uint32_t)(run->engine_offset_B >> PANVK_TILE_SHIFT),
      (uint32_t)(run->size_B >> PANVK_TILE_SHIFT), resident);
}

/* ---------------------------------------------------------- image binds -- */

/* NULL, or the rule that @bind breaks. */
static const char *
check_image_bind(const struct panvk_image *image,
                 const VkSparseImageMemoryBind *bind,
                 struct panvk_tile_box *box_out)
{
   if (bind->flags & VK_SPARSE_MEMORY_BIND_METADATA_BIT)
      return "there is no metadata aspect to bind";
   if (bind->subresource.aspectMask != image->layout.aspect)
      return "the aspect is not the one that the image has";
   return panvk_layout_box(&image->layout, bind->subresource.mipLevel,
                           bind->subresource.arrayLayer, bind->offset,
                           bind->extent, box_out);
}

static VkResult
append_image_bind(struct panvk_batch *batch, struct panvk_image *image,
                  const VkSparseImageMemoryBind *bind,
                  const struct panvk_tile_box *box)
{
   struct panvk_tile_run run;
   uint64_t cursor = 0;

   while (panvk_layout_next_box_run(&image->layout, box, &cursor, &run)) {
      VkResult result = panvk_batch_bind(
         batch, &image->res, image->res.va + run.offset_B, run.size_B,
         bind->memory, bind->memoryOffset + run.memory_offset_B);

      if (result != VK_SUCCESS)
         return result;
      note_residency(batch, image, &run, bind->memory != VK_NULL_HANDLE);
   }
   return VK_SUCCESS;
}

VkResult
panvk_image_append_binds(struct panvk_batch *batch,
                         const VkSparseImageMemoryBindInfo *info)
{
   struct panvk_device *dev = batch->dev;
   struct panvk_image *image = panvk_image_lookup(dev, info->image);

   for (uint32_t i = 0; i < info->bindCount; i++) {
      const VkSparseImageMemoryBind *bind = &info->pBinds[i];
      struct panvk_tile_box box;
      const char *rule;
      VkResult result;

      if (!image || !image->residency)
         return bad_bind(dev, info->image, image, "image bind", i,
                         "it was created without "
                         "VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT");
      rule = check_image_bind(image, bind, &box);
      if (rule)
         return bad_bind(dev, info->image, image, "image bind", i, rule);
      result = append_image_bind(batch, image, bind, &box);
      if (result != VK_SUCCESS)
         return result;
   }
   return VK_SUCCESS;
}

/* --------------------------------------------------------- opaque binds -- */

static const char *
check_opaque_bind(const struct panvk_image *image,
                  const VkSparseMemoryBind *bind)
{
   if (bind->flags & VK_SPARSE_MEMORY_BIND_METADATA_BIT)
      return "there is no metadata aspect to bind";
   if (!bind->size)
      return "its size is 0";
   if (bind->resourceOffset % PANVK_TILE_SIZE_B ||
       bind->size % PANVK_TILE_SIZE_B)
      return "its offset or size is not a multiple of 64 KiB";
   if (bind->resourceOffset > image->layout.size_B ||
       bind->size > image->layout.size_B - bind->resourceOffset)
      return "it reaches beyond the image";
   return NULL;
}

/*
 * Opaque offsets of a residency image are offsets in PanVK's order, tails
 * included. One stretch of the GPU range, but as many of the residency bitmap
 * as the engine's order makes of it.
 */
static VkResult
append_opaque_tiles(struct panvk_batch *batch, struct panvk_image *image,
                    const VkSparseMemoryBind *bind)
{
   struct panvk_tile_run run;
   uint64_t cursor = 0;
   VkResult result =
      panvk_batch_bind(batch, &image->res, image->res.va + bind->resourceOffset,
                       bind->size, bind->memory, bind->memoryOffset);

   if (result != VK_SUCCESS)
      return result;
   while (panvk_layout_next_range_run(&image->layout, bind->resourceOffset,
                                      bind->size, &cursor, &run))
      note_residency(batch, image, &run, bind->memory != VK_NULL_HANDLE);
   return VK_SUCCESS;
}

VkResult
panvk_image_append_opaque_binds(struct panvk_batch *batch,
                                const VkSparseImageOpaqueMemoryBindInfo *info)
{
   struct panvk_device *dev = batch->dev;
   struct panvk_image *image = panvk_image_lookup(dev, info->image);

   for (uint32_t i = 0; i < info->bindCount; i++) {
      const VkSparseMemoryBind *bind = &info->pBinds[i];
      const char *rule = NULL;
      VkResult result;

      if (!image)
         rule = "it was created without VK_IMAGE_CREATE_SPARSE_BINDING_BIT";
      else if (image->residency)
         rule = check_opaque_bind(image, bind);
      if (rule)
         return bad_bind(dev, info->image, image, "opaque bind", i, rule);

      result = image->residency
                  ? append_opaque_tiles(batch, image, bind)
                  : panvk_batch_bind_opaque(batch, &image->res, bind);
      if (result != VK_SUCCESS)
         return result;
   }
   return VK_SUCCESS;
}
