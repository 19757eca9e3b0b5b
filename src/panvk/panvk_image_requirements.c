/* SPDX-License-Identifier: MIT */
/*
 * Memory requirements of sparse images, of those that exist and of those that
 * are only described. Sizes are those of the GPU range; the engine's are what
 * its own layout would take.
 */
#include "panvk_image.h"

#include "panvk_chain.h"

/* -------------------------------------------------- memory requirements -- */

static void
set_sparse_requirements(VkMemoryRequirements *requirements, uint64_t size_B)
{
   requirements->size = PANVK_ALIGN(size_B, PANVK_SPARSE_BLOCK_SIZE);
   requirements->alignment = PANVK_SPARSE_BLOCK_SIZE;
}

static void
set_sparse_requirements2(VkMemoryRequirements2 *requirements, uint64_t size_B)
{
   VkMemoryDedicatedRequirements *dedicated = panvk_find_struct(
      requirements->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);

   set_sparse_requirements(&requirements->memoryRequirements, size_B);
   /* The engine leaves it as it was where an image is only described. */
   if (dedicated) {
      dedicated->prefersDedicatedAllocation = VK_FALSE;
      dedicated->requiresDedicatedAllocation = VK_FALSE;
   }
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetImageMemoryRequirements(VkDevice device, VkImage image,
                                 VkMemoryRequirements *pMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   const struct panvk_image *sparse = panvk_image_lookup(dev, image);

   dev->vk.GetImageMemoryRequirements(dev->handle, image, pMemoryRequirements);
   if (sparse)
      set_sparse_requirements(pMemoryRequirements, sparse->res.size_B);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetImageMemoryRequirements2(VkDevice device,
                                  const VkImageMemoryRequirementsInfo2 *pInfo,
                                  VkMemoryRequirements2 *pMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   const struct panvk_image *sparse = panvk_image_lookup(dev, pInfo->image);

   dev->vk.GetImageMemoryRequirements2(dev->handle, pInfo, pMemoryRequirements);
   if (sparse)
      set_sparse_requirements2(pMemoryRequirements, sparse->res.size_B);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetDeviceImageMemoryRequirements(
   VkDevice device, const VkDeviceImageMemoryRequirements *pInfo,
   VkMemoryRequirements2 *pMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkImageCreateInfo info = *pInfo->pCreateInfo;
   VkDeviceImageMemoryRequirements engine_info = *pInfo;
   struct panvk_layout layout;
   bool sparse = info.flags & PANVK_IMAGE_SPARSE_FLAGS;
   bool residency = info.flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT;

   /*
    * Without the flags, as an opaque image is created; a residency image only
    * needs the memory types from the engine, which needs no tiles for them.
    */
   info.flags &= ~(VkImageCreateFlags)PANVK_IMAGE_SPARSE_FLAGS;
   engine_info.pCreateInfo = &info;
   dev->vk.GetDeviceImageMemoryRequirements(
      dev->handle, sparse ? &engine_info : pInfo, pMemoryRequirements);
   if (!sparse)
      return;

   uint64_t size_B = pMemoryRequirements->memoryRequirements.size;

   if (residency &&
       !panvk_image_unsupported(dev->pdev, pInfo->pCreateInfo, &layout))
      size_B = layout.size_B;
   set_sparse_requirements2(pMemoryRequirements, size_B);
}

/* ------------------------------------------- sparse memory requirements -- */

static VkSparseImageMemoryRequirements
residency_requirements(const struct panvk_layout *layout)
{
   return (VkSparseImageMemoryRequirements){
      .formatProperties =
         {
            .aspectMask = layout->aspect,
            .imageGranularity = layout->tile,
         },
      /* The number of levels where there is no tail. */
      .imageMipTailFirstLod = layout->tail_first,
      .imageMipTailSize = (uint64_t)layout->tail_blocks << PANVK_TILE_SHIFT,
      .imageMipTailOffset = layout->tail_offset_B,
      .imageMipTailStride = layout->tail_blocks ? layout->layer_stride_B : 0,
   };
}

/* The two-call idiom for one entry, or none if @layout is NULL. */
static void
answer(const struct panvk_layout *layout, uint32_t *count,
       VkSparseImageMemoryRequirements2 *requirements)
{
   if (!layout) {
      *count = 0;
   } else if (!requirements) {
      *count = 1;
   } else if (*count) {
      requirements->memoryRequirements = residency_requirements(layout);
      *count = 1;
   }
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetImageSparseMemoryRequirements2(
   VkDevice device, const VkImageSparseMemoryRequirementsInfo2 *pInfo,
   uint32_t *pSparseMemoryRequirementCount,
   VkSparseImageMemoryRequirements2 *pSparseMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   const struct panvk_image *image = panvk_image_lookup(dev, pInfo->image);

   answer(image && image->residency ? &image->layout : NULL,
          pSparseMemoryRequirementCount, pSparseMemoryRequirements);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetImageSparseMemoryRequirements(
   VkDevice device, VkImage image, uint32_t *pSparseMemoryRequirementCount,
   VkSparseImageMemoryRequirements *pSparseMemoryRequirements)
{
   const VkImageSparseMemoryRequirementsInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_SPARSE_MEMORY_REQUIREMENTS_INFO_2,
      .image = image,
   };
   VkSparseImageMemoryRequirements2 requirements = {
      .sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_MEMORY_REQUIREMENTS_2,
   };

   panvk_GetImageSparseMemoryRequirements2(
      device, &info, pSparseMemoryRequirementCount,
      pSparseMemoryRequirements ? &requirements : NULL);
   if (pSparseMemoryRequirements && *pSparseMemoryRequirementCount)
      *pSparseMemoryRequirements = requirements.memoryRequirements;
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetDeviceImageSparseMemoryRequirements(
   VkDevice device, const VkDeviceImageMemoryRequirements *pInfo,
   uint32_t *pSparseMemoryRequirementCount,
   VkSparseImageMemoryRequirements2 *pSparseMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_layout layout;
   bool residency =
      (pInfo->pCreateInfo->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT) &&
      !panvk_image_unsupported(dev->pdev, pInfo->pCreateInfo, &layout);

   answer(residency ? &layout : NULL, pSparseMemoryRequirementCount,
          pSparseMemoryRequirements);
}
