/* SPDX-License-Identifier: MIT */
/*
 * Which sparse images work, and the physical-device queries that say so.
 *
 * The engine's answers are taken where it knows (formats, extents, usage) and
 * narrowed where it is wrong about itself: it offers sparse images larger than
 * it can address, and renders to sparse images as if they were linear.
 */
#include "panvk_image.h"

#include "panvk_chain.h"
#include "panvk_probe.h"

static bool
has_usage(const struct panvk_image_kind *kind, VkImageUsageFlags usage)
{
   return (kind->usage & usage) != 0;
}

static bool
same_extent(VkExtent3D a, VkExtent3D b)
{
   return a.width == b.width && a.height == b.height && a.depth == b.depth;
}

/*
 * Does the engine keep sparse images of this format in tiles of the standard
 * shape? Usage that only formats of views need have (EXTENDED_USAGE) is not asked
 * for: the query has no flags. Mesa 25 gives the aspect of all formats as COLOR. For compressed
 * formats Mesa 25 gives the shape in texel blocks instead of texels; both mean
 * the same tiles.
 */
static bool
engine_has_standard_shape(struct panvk_physical_device *pdev,
                          const struct panvk_image_kind *kind,
                          const struct panvk_format_block *block)
{
   const VkImageUsageFlags always = VK_IMAGE_USAGE_SAMPLED_BIT |
                                    VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                    VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   bool extended = kind->flags & VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
   const VkPhysicalDeviceSparseImageFormatInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SPARSE_IMAGE_FORMAT_INFO_2,
      .format = kind->format,
      .type = kind->type,
      .samples = kind->samples,
      .usage = (extended ? kind->usage & always : kind->usage) |
               VK_IMAGE_USAGE_SAMPLED_BIT,
      .tiling = kind->tiling,
   };
   VkSparseImageFormatProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_FORMAT_PROPERTIES_2,
   };
   uint32_t count = 1;

   pdev->instance->vk.GetPhysicalDeviceSparseImageFormatProperties2(
      pdev->handle, &info, &count, &props);
   if (count != 1 || props.properties.aspectMask != VK_IMAGE_ASPECT_COLOR_BIT)
      return false;

   VkExtent3D shape = panvk_format_tile_shape(block, kind->type);
   VkExtent3D in_blocks = {shape.width / block->width,
                           shape.height / block->height, shape.depth};

   return same_extent(props.properties.imageGranularity, shape) ||
          (block->compressed &&
           same_extent(props.properties.imageGranularity, in_blocks));
}

const char *
panvk_image_residency_unsupported(struct panvk_physical_device *pdev,
                                  const struct panvk_image_kind *kind)
{
   const struct panvk_probe *probe;
   struct panvk_format_block block;

   if (kind->type == VK_IMAGE_TYPE_1D)
      return "only 2D and 3D images can have sparse residency";
   if (kind->samples != VK_SAMPLE_COUNT_1_BIT)
      return "multisampled images cannot have sparse residency";
   if (kind->tiling != VK_IMAGE_TILING_OPTIMAL)
      return "images with sparse residency must have optimal tiling";
   if (!panvk_format_get_block(kind->format, &block))
      return "its format has no standard sparse block shape";
   if (has_usage(kind, VK_IMAGE_USAGE_TRANSIENT_ATTACHMENT_BIT))
      return "transient attachments cannot be sparse";
   /* What is rendered is in a shadow, until the render pass instance ends. */
   if (has_usage(kind, VK_IMAGE_USAGE_ATTACHMENT_FEEDBACK_LOOP_BIT_EXT))
      return "images with sparse residency cannot be in a feedback loop";
   probe = panvk_physical_device_probe(pdev);
   if (!probe || (kind->type == VK_IMAGE_TYPE_3D && !probe->images_3d))
      return "the engine failed the image probe";
   if (!engine_has_standard_shape(pdev, kind, &block))
      return "the engine has no sparse images of its format and usage";
   return NULL;
}

struct panvk_image_kind
panvk_image_kind_of_create_info(const VkImageCreateInfo *info)
{
   return (struct panvk_image_kind){
      .format = info->format,
      .type = info->imageType,
      .tiling = info->tiling,
      .samples = info->samples,
      .usage = info->usage,
      .flags = info->flags,
   };
}

/* Memory of others cannot be bound through our page tables. */
static bool
create_info_is_external(const VkImageCreateInfo *info)
{
   const VkExternalMemoryImageCreateInfo *external = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO);

   return external && external->handleTypes;
}

const char *
panvk_image_unsupported(struct panvk_physical_device *pdev,
                        const VkImageCreateInfo *info,
                        struct panvk_layout *layout_out)
{
   struct panvk_image_kind kind = panvk_image_kind_of_create_info(info);
   const char *reason;

   if (create_info_is_external(info))
      return "sparse images cannot have external memory";
   if (kind.tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
      return "sparse images cannot have a DRM format modifier";
   if (info->flags & VK_IMAGE_CREATE_DISJOINT_BIT)
      return "sparse images cannot be disjoint";
   if (!(info->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT))
      return NULL;

   reason = panvk_image_residency_unsupported(pdev, &kind);
   if (reason)
      return reason;

   struct panvk_layout_info layout_info = {
      .type = info->imageType,
      .aspect = panvk_format_aspect(info->format),
      .extent = info->extent,
      .levels = info->mipLevels,
      .layers = info->arrayLayers,
      .packed_tail = true,
   };
   if (!panvk_format_get_block(info->format, &layout_info.block) ||
       !panvk_layout_init(layout_out, &layout_info))
      return "its extent, levels or layers are not those of an image";
   return NULL;
}

VkSparseImageFormatProperties
panvk_sparse_format_properties(VkFormat format, VkImageType type)
{
   VkSparseImageFormatProperties props = {
      .aspectMask = panvk_format_aspect(format),
   };
   struct panvk_format_block block;

   if (panvk_format_get_block(format, &block))
      props.imageGranularity = panvk_format_tile_shape(&block, type);
   return props;
}

/* ---------------------------------------------- physical-device queries -- */

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceSparseImageFormatProperties2(
   VkPhysicalDevice physicalDevice,
   const VkPhysicalDeviceSparseImageFormatInfo2 *pFormatInfo,
   uint32_t *pPropertyCount, VkSparseImageFormatProperties2 *pProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   const struct panvk_image_kind kind = {
      .format = pFormatInfo->format,
      .type = pFormatInfo->type,
      .tiling = pFormatInfo->tiling,
      .samples = pFormatInfo->samples,
      .usage = pFormatInfo->usage,
   };

   if (panvk_image_residency_unsupported(pdev, &kind)) {
      *pPropertyCount = 0;
   } else if (!pProperties) {
      *pPropertyCount = 1;
   } else if (*pPropertyCount) {
      pProperties->properties =
         panvk_sparse_format_properties(kind.format, kind.type);
      *pPropertyCount = 1;
   }
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceSparseImageFormatProperties(
   VkPhysicalDevice physicalDevice, VkFormat format, VkImageType type,
   VkSampleCountFlagBits samples, VkImageUsageFlags usage, VkImageTiling tiling,
   uint32_t *pPropertyCount, VkSparseImageFormatProperties *pProperties)
{
   const VkPhysicalDeviceSparseImageFormatInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SPARSE_IMAGE_FORMAT_INFO_2,
      .format = format,
      .type = type,
      .samples = samples,
      .usage = usage,
      .tiling = tiling,
   };
   VkSparseImageFormatProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_FORMAT_PROPERTIES_2,
   };

   panvk_GetPhysicalDeviceSparseImageFormatProperties2(
      physicalDevice, &info, pPropertyCount, pProperties ? &props : NULL);
   if (pProperties && *pPropertyCount)
      *pProperties = props.properties;
}

/* NULL, or why an image of these flags cannot be sparse. */
static const char *
format_info_unsupported(struct panvk_physical_device *pdev,
                        const VkPhysicalDeviceImageFormatInfo2 *info)
{
   const VkPhysicalDeviceExternalImageFormatInfo *external =
      panvk_find_struct_const(
         info->pNext,
         VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
   const struct panvk_image_kind kind = {
      .format = info->format,
      .type = info->type,
      .tiling = info->tiling,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = info->usage,
      .flags = info->flags,
   };

   if (external && external->handleType)
      return "sparse images cannot have external memory";
   if (info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
      return "sparse images cannot have a DRM format modifier";
   if (info->flags & VK_IMAGE_CREATE_DISJOINT_BIT)
      return "sparse images cannot be disjoint";
   if (!(info->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT))
      return NULL;
   return panvk_image_residency_unsupported(pdev, &kind);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_GetPhysicalDeviceImageFormatProperties2(
   VkPhysicalDevice physicalDevice,
   const VkPhysicalDeviceImageFormatInfo2 *pImageFormatInfo,
   VkImageFormatProperties2 *pImageFormatProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   VkPhysicalDeviceImageFormatInfo2 info = *pImageFormatInfo;
   VkImageFormatProperties *props =
      &pImageFormatProperties->imageFormatProperties;
   VkResult result;

   if ((info.flags & PANVK_IMAGE_SPARSE_FLAGS) &&
       format_info_unsupported(pdev, &info)) {
      *props = (VkImageFormatProperties){0};
      return VK_ERROR_FORMAT_NOT_SUPPORTED;
   }

   info.flags &= ~(VkImageCreateFlags)PANVK_IMAGE_SPARSE_FLAGS;
   result = pdev->instance->vk.GetPhysicalDeviceImageFormatProperties2(
      pdev->handle, &info, pImageFormatProperties);
   if (result != VK_SUCCESS)
      return result;

   if (pImageFormatInfo->flags & PANVK_IMAGE_SPARSE_FLAGS) {
      props->maxResourceSize =
         PANVK_MIN(props->maxResourceSize, PANVK_ENGINE_MAX_IMAGE_SIZE_B);
      props->maxMipLevels =
         PANVK_MIN(props->maxMipLevels, PANVK_SAMPLED_LEVELS);
   }
   if (pImageFormatInfo->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT)
      props->sampleCounts = VK_SAMPLE_COUNT_1_BIT;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_GetPhysicalDeviceImageFormatProperties(
   VkPhysicalDevice physicalDevice, VkFormat format, VkImageType type,
   VkImageTiling tiling, VkImageUsageFlags usage, VkImageCreateFlags flags,
   VkImageFormatProperties *pImageFormatProperties)
{
   const VkPhysicalDeviceImageFormatInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      .format = format,
      .type = type,
      .tiling = tiling,
      .usage = usage,
      .flags = flags,
   };
   VkImageFormatProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2,
   };
   VkResult result = panvk_GetPhysicalDeviceImageFormatProperties2(
      physicalDevice, &info, &props);

   *pImageFormatProperties = props.imageFormatProperties;
   return result;
}
