/* SPDX-License-Identifier: MIT */
/*
 * Blits and resolves into residency images. The engine renders them, which it
 * gets wrong there, so each layer of a region is made in a scratch
 * (panvk_shadow.h) and copied from it. Nothing needs to be copied in: a region
 * is overwritten as a whole.
 */
#include <stdlib.h>

#include "panvk_attachment.h"
#include "panvk_cmd.h"
#include "panvk_render.h"
#include "panvk_shadow.h"

/* One layer of a region of the destination, as it lies in the image. */
struct target {
   struct panvk_image *image;
   VkImageSubresourceLayers subresource;
   VkOffset3D offset;
   VkExtent3D extent;
};

/* The layers that @subresource, of @image, names. */
static uint32_t
count_layers(const struct panvk_image *image,
             const VkImageSubresourceLayers *subresource)
{
   return subresource->layerCount == VK_REMAINING_ARRAY_LAYERS
             ? image->layout.layers - subresource->baseArrayLayer
             : subresource->layerCount;
}

static VkImageSubresourceLayers
one_layer(VkImageSubresourceLayers subresource, uint32_t i)
{
   subresource.baseArrayLayer += i;
   subresource.layerCount = 1;
   return subresource;
}

/* Where it is in the scratch: at the origin of its one level and layer. */
static VkImageSubresourceLayers
in_scratch(const struct target *target)
{
   return (VkImageSubresourceLayers){
      .aspectMask = target->subresource.aspectMask,
      .layerCount = 1,
   };
}

/*
 * The scratch for @target, after a barrier that lets transfers write to it.
 * VK_NULL_HANDLE if there is nothing to be done, or no memory, which is noted.
 */
static VkImage
begin_target(struct panvk_cmd *cmd, const struct target *target)
{
   struct panvk_shadow *scratch;

   if (!target->extent.width || !target->extent.height || !target->extent.depth)
      return VK_NULL_HANDLE;

   VkResult result = panvk_shadow_get_scratch(cmd->dev, target->image,
                                              target->extent.width, &scratch);

   if (result != VK_SUCCESS) {
      panvk_cmd_set_error(cmd, result);
      return VK_NULL_HANDLE;
   }
   panvk_render_barrier(cmd, true);
   return scratch->image;
}

static void
end_target(struct panvk_cmd *cmd, const struct target *target, VkImage scratch)
{
   const VkImageCopy copy = {
      .srcSubresource = in_scratch(target),
      .dstSubresource = target->subresource,
      .dstOffset = target->offset,
      .extent = target->extent,
   };

   panvk_render_barrier(cmd, true);
   cmd->dev->vk.CmdCopyImage(cmd->handle, scratch, VK_IMAGE_LAYOUT_GENERAL,
                             (VkImage)target->image->res.handle,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
   panvk_render_barrier(cmd, false);
}

/* ----------------------------------------------------------------- blits -- */

static int32_t
least(int32_t a, int32_t b)
{
   return a < b ? a : b;
}

static uint32_t
distance(int32_t a, int32_t b)
{
   return a < b ? (uint32_t)b - (uint32_t)a : (uint32_t)a - (uint32_t)b;
}

/* The box between two corners, which come in any order. */
static void
set_box(struct target *target, const VkOffset3D corners[2])
{
   target->offset = (VkOffset3D){
      least(corners[0].x, corners[1].x),
      least(corners[0].y, corners[1].y),
      least(corners[0].z, corners[1].z),
   };
   target->extent = (VkExtent3D){
      distance(corners[0].x, corners[1].x),
      distance(corners[0].y, corners[1].y),
      distance(corners[0].z, corners[1].z),
   };
}

static VkOffset3D
less(VkOffset3D a, VkOffset3D b)
{
   return (VkOffset3D){a.x - b.x, a.y - b.y, a.z - b.z};
}

static void
blit_region(struct panvk_cmd *cmd, struct panvk_image *image, VkImage source,
            VkImageLayout source_layout, const VkImageBlit *region,
            VkFilter filter)
{
   uint32_t layers = count_layers(image, &region->dstSubresource);
   struct target target = {.image = image};

   set_box(&target, region->dstOffsets);
   for (uint32_t i = 0; i < layers; i++) {
      target.subresource = one_layer(region->dstSubresource, i);

      VkImage scratch = begin_target(cmd, &target);
      VkImageBlit moved = *region;

      if (!scratch)
         return;
      moved.srcSubresource = one_layer(region->srcSubresource, i);
      moved.dstSubresource = in_scratch(&target);
      moved.dstOffsets[0] = less(region->dstOffsets[0], target.offset);
      moved.dstOffsets[1] = less(region->dstOffsets[1], target.offset);
      cmd->dev->vk.CmdBlitImage(cmd->handle, source, source_layout, scratch,
                                VK_IMAGE_LAYOUT_GENERAL, 1, &moved, filter);
      end_target(cmd, &target, scratch);
   }
}

/* NULL where the engine does right. */
static struct panvk_image *
lookup_target(struct panvk_cmd *cmd, VkImage handle)
{
   struct panvk_image *image = panvk_image_lookup(cmd->dev, handle);

   return image && image->residency ? image : NULL;
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdBlitImage(VkCommandBuffer commandBuffer, VkImage srcImage,
                   VkImageLayout srcImageLayout, VkImage dstImage,
                   VkImageLayout dstImageLayout, uint32_t regionCount,
                   const VkImageBlit *pRegions, VkFilter filter)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   struct panvk_image *image = lookup_target(cmd, dstImage);

   if (!image) {
      cmd->dev->vk.CmdBlitImage(commandBuffer, srcImage, srcImageLayout,
                                dstImage, dstImageLayout, regionCount, pRegions,
                                filter);
      return;
   }
   for (uint32_t i = 0; i < regionCount; i++)
      blit_region(cmd, image, srcImage, srcImageLayout, &pRegions[i], filter);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdBlitImage2(VkCommandBuffer commandBuffer,
                    const VkBlitImageInfo2 *pBlitImageInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   struct panvk_image *image = lookup_target(cmd, pBlitImageInfo->dstImage);

   if (!image) {
      cmd->dev->vk.CmdBlitImage2(commandBuffer, pBlitImageInfo);
      return;
   }
   for (uint32_t i = 0; i < pBlitImageInfo->regionCount; i++) {
      const VkImageBlit2 *r = &pBlitImageInfo->pRegions[i];
      const VkImageBlit region = {
         .srcSubresource = r->srcSubresource,
         .srcOffsets = {r->srcOffsets[0], r->srcOffsets[1]},
         .dstSubresource = r->dstSubresource,
         .dstOffsets = {r->dstOffsets[0], r->dstOffsets[1]},
      };

      blit_region(cmd, image, pBlitImageInfo->srcImage,
                  pBlitImageInfo->srcImageLayout, &region,
                  pBlitImageInfo->filter);
   }
}

/* -------------------------------------------------------------- resolves -- */

static void
resolve_region(struct panvk_cmd *cmd, struct panvk_image *image, VkImage source,
               VkImageLayout source_layout, const VkImageResolve *region)
{
   uint32_t layers = count_layers(image, &region->dstSubresource);
   struct target target = {
      .image = image,
      .offset = region->dstOffset,
      .extent = region->extent,
   };

   for (uint32_t i = 0; i < layers; i++) {
      target.subresource = one_layer(region->dstSubresource, i);

      VkImage scratch = begin_target(cmd, &target);
      VkImageResolve moved = *region;

      if (!scratch)
         return;
      moved.srcSubresource = one_layer(region->srcSubresource, i);
      moved.dstSubresource = in_scratch(&target);
      moved.dstOffset = (VkOffset3D){0};
      cmd->dev->vk.CmdResolveImage(cmd->handle, source, source_layout, scratch,
                                   VK_IMAGE_LAYOUT_GENERAL, 1, &moved);
      end_target(cmd, &target, scratch);
   }
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdResolveImage(VkCommandBuffer commandBuffer, VkImage srcImage,
                      VkImageLayout srcImageLayout, VkImage dstImage,
                      VkImageLayout dstImageLayout, uint32_t regionCount,
                      const VkImageResolve *pRegions)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   struct panvk_image *image = lookup_target(cmd, dstImage);

   if (!image) {
      cmd->dev->vk.CmdResolveImage(commandBuffer, srcImage, srcImageLayout,
                                   dstImage, dstImageLayout, regionCount,
                                   pRegions);
      return;
   }
   for (uint32_t i = 0; i < regionCount; i++)
      resolve_region(cmd, image, srcImage, srcImageLayout, &pRegions[i]);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdResolveImage2(VkCommandBuffer commandBuffer,
                       const VkResolveImageInfo2 *pResolveImageInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   struct panvk_image *image = lookup_target(cmd, pResolveImageInfo->dstImage);

   if (!image) {
      cmd->dev->vk.CmdResolveImage2(commandBuffer, pResolveImageInfo);
      return;
   }
   for (uint32_t i = 0; i < pResolveImageInfo->regionCount; i++) {
      const VkImageResolve2 *r = &pResolveImageInfo->pRegions[i];
      const VkImageResolve region = {
         .srcSubresource = r->srcSubresource,
         .srcOffset = r->srcOffset,
         .dstSubresource = r->dstSubresource,
         .dstOffset = r->dstOffset,
         .extent = r->extent,
      };

      resolve_region(cmd, image, pResolveImageInfo->srcImage,
                     pResolveImageInfo->srcImageLayout, &region);
   }
}
