/* SPDX-License-Identifier: MIT */
/*
 * The Vulkan headers that every part of the driver includes, with the few
 * names that are newer than the headers of Debian 12 (1.3.239) while the engine
 * may well offer them. Only what is used is declared here.
 */
#ifndef PANVK_VK_COMPAT_H
#define PANVK_VK_COMPAT_H

#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

/* Objects are found by 64-bit handle; windows need a 64-bit address space. */
_Static_assert(sizeof(void *) == 8, "pansparse needs a 64-bit host");

#ifndef VK_EXT_map_memory_placed
#define VK_EXT_MAP_MEMORY_PLACED_EXTENSION_NAME "VK_EXT_map_memory_placed"
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAP_MEMORY_PLACED_FEATURES_EXT       \
   ((VkStructureType)1000272000)
typedef struct VkPhysicalDeviceMapMemoryPlacedFeaturesEXT {
   VkStructureType sType;
   void *pNext;
   VkBool32 memoryMapPlaced;
   VkBool32 memoryMapRangePlaced;
   VkBool32 memoryUnmapReserve;
} VkPhysicalDeviceMapMemoryPlacedFeaturesEXT;
#endif

#ifndef VK_KHR_maintenance6
typedef struct VkPushDescriptorSetInfoKHR {
   VkStructureType sType;
   const void *pNext;
   VkShaderStageFlags stageFlags;
   VkPipelineLayout layout;
   uint32_t set;
   uint32_t descriptorWriteCount;
   const VkWriteDescriptorSet *pDescriptorWrites;
} VkPushDescriptorSetInfoKHR;
typedef struct VkPushDescriptorSetWithTemplateInfoKHR {
   VkStructureType sType;
   const void *pNext;
   VkDescriptorUpdateTemplate descriptorUpdateTemplate;
   VkPipelineLayout layout;
   uint32_t set;
   const void *pData;
} VkPushDescriptorSetWithTemplateInfoKHR;
VKAPI_ATTR void VKAPI_CALL vkCmdPushDescriptorSet2KHR(
   VkCommandBuffer commandBuffer, const VkPushDescriptorSetInfoKHR *pInfo);
VKAPI_ATTR void VKAPI_CALL vkCmdPushDescriptorSetWithTemplate2KHR(
   VkCommandBuffer commandBuffer,
   const VkPushDescriptorSetWithTemplateInfoKHR *pInfo);
typedef __typeof__(vkCmdPushDescriptorSet2KHR) *PFN_vkCmdPushDescriptorSet2KHR;
typedef __typeof__(vkCmdPushDescriptorSetWithTemplate2KHR)
   *PFN_vkCmdPushDescriptorSetWithTemplate2KHR;
#endif

#ifndef VK_KHR_maintenance5
#define VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR                 \
   ((VkStructureType)1000470006)
typedef struct VkBufferUsageFlags2CreateInfoKHR {
   VkStructureType sType;
   const void *pNext;
   VkFlags64 usage;
} VkBufferUsageFlags2CreateInfoKHR;
#define VK_FORMAT_A1B5G5R5_UNORM_PACK16_KHR ((VkFormat)1000470000)
#define VK_FORMAT_A8_UNORM_KHR ((VkFormat)1000470001)
#endif

/* What these contain is the engine's business. */
#ifndef VK_EXT_host_image_copy
typedef struct VkCopyMemoryToImageInfoEXT VkCopyMemoryToImageInfoEXT;
typedef struct VkCopyImageToImageInfoEXT VkCopyImageToImageInfoEXT;
VKAPI_ATTR VkResult VKAPI_CALL vkCopyMemoryToImageEXT(
   VkDevice device, const VkCopyMemoryToImageInfoEXT *pCopyMemoryToImageInfo);
VKAPI_ATTR VkResult VKAPI_CALL vkCopyImageToImageEXT(
   VkDevice device, const VkCopyImageToImageInfoEXT *pCopyImageToImageInfo);
typedef __typeof__(vkCopyMemoryToImageEXT) *PFN_vkCopyMemoryToImageEXT;
typedef __typeof__(vkCopyImageToImageEXT) *PFN_vkCopyImageToImageEXT;
#endif

#endif /* PANVK_VK_COMPAT_H */
