/* SPDX-License-Identifier: MIT */
/* Image views with shadows. See panvk_attachment.h. */
#include "panvk_attachment.h"

#include <stdlib.h>

#include "panvk_chain.h"
#include "panvk_shadow.h"

struct panvk_view *
panvk_view_lookup(struct panvk_device *dev, VkImageView view)
{
   return view ? panvk_map_find(&dev->views, panvk_key(view)) : NULL;
}

VkImageView
panvk_view_to_attachment(struct panvk_device *dev, VkImageView view)
{
   const struct panvk_view *known = panvk_view_lookup(dev, view);

   return known ? known->shadow_view : view;
}

/* Can views like @info be attachments? */
static bool
may_be_attachment(const struct panvk_image *image,
                  const VkImageViewCreateInfo *info)
{
   const VkImageViewUsageCreateInfo *usage = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO);
   uint32_t levels = info->subresourceRange.levelCount;

   if (levels == VK_REMAINING_MIP_LEVELS)
      levels = image->layout.levels - info->subresourceRange.baseMipLevel;
   return image->residency && levels == 1 &&
          info->viewType != VK_IMAGE_VIEW_TYPE_3D &&
          ((usage ? usage->usage : image->kind.usage) & PANVK_ATTACHMENT_USAGE);
}

static VkImageViewType
shadow_view_type(VkImageViewType type)
{
   switch (type) {
   case VK_IMAGE_VIEW_TYPE_CUBE:
   case VK_IMAGE_VIEW_TYPE_CUBE_ARRAY:
      return VK_IMAGE_VIEW_TYPE_2D_ARRAY;
   default:
      return type;
   }
}

/* The layers or slices of @view->level that @range selects. */
static void
set_layers(struct panvk_view *view, const VkImageSubresourceRange *range)
{
   const struct panvk_layout *layout = &view->image->layout;
   uint32_t all = view->image->kind.type == VK_IMAGE_TYPE_3D
                     ? layout->level[view->level].extent.depth
                     : layout->layers;

   view->first_layer = range->baseArrayLayer;
   view->layer_count = range->layerCount == VK_REMAINING_ARRAY_LAYERS
                          ? all - range->baseArrayLayer
                          : range->layerCount;
}

static VkResult
create_shadow_view(struct panvk_device *dev, struct panvk_view *view,
                   const VkImageViewCreateInfo *info)
{
   const VkImageViewUsageCreateInfo *usage = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO);
   const VkImageViewUsageCreateInfo shadow_usage = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO,
      .usage = (usage ? usage->usage : view->image->kind.usage) &
               PANVK_ATTACHMENT_USAGE,
   };
   const VkImageViewCreateInfo shadow_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .pNext = &shadow_usage,
      .image = view->shadow->image,
      .viewType = shadow_view_type(info->viewType),
      .format = info->format,
      .components = info->components,
      .subresourceRange =
         {
            .aspectMask = info->subresourceRange.aspectMask,
            .levelCount = 1,
            .baseArrayLayer = view->first_layer,
            .layerCount = view->layer_count,
         },
   };

   return dev->vk.CreateImageView(dev->handle, &shadow_info, NULL,
                                  &view->shadow_view);
}

static void
destroy_view(struct panvk_device *dev, struct panvk_view *view)
{
   if (view->shadow_view)
      dev->vk.DestroyImageView(dev->handle, view->shadow_view, NULL);
   if (view->shadow)
      panvk_shadow_unref(dev, view->shadow);
   free(view);
}

VkResult
panvk_view_add(struct panvk_device *dev, struct panvk_image *image,
               const VkImageViewCreateInfo *info, VkImageView handle)
{
   if (!may_be_attachment(image, info))
      return VK_SUCCESS;

   struct panvk_view *view = calloc(1, sizeof(*view));

   if (!view)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   view->image = image;
   view->level = info->subresourceRange.baseMipLevel;
   set_layers(view, &info->subresourceRange);

   VkResult result =
      panvk_shadow_ref_level(dev, image, view->level, &view->shadow);

   if (result == VK_SUCCESS)
      result = create_shadow_view(dev, view, info);
   if (result == VK_SUCCESS &&
       !panvk_map_insert(&dev->views, panvk_key(handle), view))
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result != VK_SUCCESS)
      destroy_view(dev, view);
   return result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyImageView(VkDevice device, VkImageView imageView,
                       const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_view *view =
      imageView ? panvk_map_remove(&dev->views, panvk_key(imageView)) : NULL;

   if (view)
      destroy_view(dev, view);
   dev->vk.DestroyImageView(device, imageView, pAllocator);
}

static void
destroy_left_view(void *value, void *data)
{
   destroy_view(data, value);
}

void
panvk_view_finish_device(struct panvk_device *dev)
{
   panvk_map_foreach(&dev->views, destroy_left_view, dev);
}
