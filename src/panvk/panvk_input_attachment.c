/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of input attachments. What a subpass reads of a residency image
 * was loaded or rendered into its shadow (panvk_attachment.h), so that is what
 * they name. All other descriptors are the engine's.
 */
#include <stdlib.h>
#include <string.h>

#include "panvk_attachment.h"
#include "panvk_cmd.h"

/* ---------------------------------------------------------------- writes -- */

/* Writes with shadows in them; on their own memory, if any. */
struct writes {
   const VkWriteDescriptorSet *writes;
   VkWriteDescriptorSet *owned;
};

/* The input attachments in @writes; most have none. */
static size_t
count_inputs(const VkWriteDescriptorSet *writes, uint32_t count)
{
   size_t inputs = 0;

   for (uint32_t i = 0; i < count; i++)
      if (writes[i].descriptorType == VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT)
         inputs += writes[i].descriptorCount;
   return inputs;
}

static VkDescriptorImageInfo
exchange(struct panvk_device *dev, VkDescriptorImageInfo info)
{
   info.imageView = panvk_view_to_attachment(dev, info.imageView);
   return info;
}

/* False when out of memory; else *@out is for finish_writes(). */
static bool
exchange_writes(struct panvk_device *dev, const VkWriteDescriptorSet *writes,
                uint32_t count, struct writes *out)
{
   size_t inputs = count_inputs(writes, count);

   *out = (struct writes){.writes = writes};
   if (!inputs)
      return true;
   out->owned =
      malloc(count * sizeof(*writes) + inputs * sizeof(VkDescriptorImageInfo));
   if (!out->owned)
      return false;

   VkDescriptorImageInfo *infos = (VkDescriptorImageInfo *)(out->owned + count);

   out->writes = out->owned;
   for (uint32_t i = 0; i < count; i++) {
      out->owned[i] = writes[i];
      if (writes[i].descriptorType != VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT)
         continue;
      out->owned[i].pImageInfo = infos;
      for (uint32_t j = 0; j < writes[i].descriptorCount; j++)
         *infos++ = exchange(dev, writes[i].pImageInfo[j]);
   }
   return true;
}

static void
finish_writes(struct writes *writes)
{
   free(writes->owned);
}

VKAPI_ATTR void VKAPI_CALL
panvk_UpdateDescriptorSets(VkDevice device, uint32_t descriptorWriteCount,
                           const VkWriteDescriptorSet *pDescriptorWrites,
                           uint32_t descriptorCopyCount,
                           const VkCopyDescriptorSet *pDescriptorCopies)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct writes writes;

   /* There is no way to report it: subpasses would read the image itself. */
   if (!exchange_writes(dev, pDescriptorWrites, descriptorWriteCount, &writes))
      panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE, panvk_key(device),
                  "vkUpdateDescriptorSets: out of memory for input "
                  "attachments with sparse residency");
   dev->vk.UpdateDescriptorSets(device, descriptorWriteCount, writes.writes,
                                descriptorCopyCount, pDescriptorCopies);
   finish_writes(&writes);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdPushDescriptorSetKHR(VkCommandBuffer commandBuffer,
                              VkPipelineBindPoint pipelineBindPoint,
                              VkPipelineLayout layout, uint32_t set,
                              uint32_t descriptorWriteCount,
                              const VkWriteDescriptorSet *pDescriptorWrites)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   struct writes writes;

   if (!exchange_writes(cmd->dev, pDescriptorWrites, descriptorWriteCount,
                        &writes))
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
   cmd->dev->vk.CmdPushDescriptorSetKHR(commandBuffer, pipelineBindPoint,
                                        layout, set, descriptorWriteCount,
                                        writes.writes);
   finish_writes(&writes);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdPushDescriptorSet2KHR(VkCommandBuffer commandBuffer,
                               const VkPushDescriptorSetInfoKHR *pInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   VkPushDescriptorSetInfoKHR info = *pInfo;
   struct writes writes;

   if (!exchange_writes(cmd->dev, info.pDescriptorWrites,
                        info.descriptorWriteCount, &writes))
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
   info.pDescriptorWrites = writes.writes;
   cmd->dev->vk.CmdPushDescriptorSet2KHR(commandBuffer, &info);
   finish_writes(&writes);
}

/* ------------------------------------------------------------- templates -- */

/* A template with input attachments; others are not known. */
struct template
{
   size_t size_B; /* of the data that its entries reach */
   uint32_t count;
   VkDescriptorUpdateTemplateEntry inputs[];
};

/* Of the structures that an entry of @type reads. */
static size_t
element_size_B(VkDescriptorType type)
{
   switch (type) {
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC:
      return sizeof(VkDescriptorBufferInfo);
   case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
      return sizeof(VkBufferView);
   case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR:
      return sizeof(VkAccelerationStructureKHR);
   default:
      return sizeof(VkDescriptorImageInfo);
   }
}

/* Where the data of @entry ends; an inline block's count is in bytes. */
static size_t
end_of_entry(const VkDescriptorUpdateTemplateEntry *entry)
{
   if (!entry->descriptorCount)
      return 0;
   if (entry->descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK)
      return entry->offset + entry->descriptorCount;
   return entry->offset + (entry->descriptorCount - 1) * entry->stride +
          element_size_B(entry->descriptorType);
}

/* With no entries where there are no input attachments. NULL: no memory. */
static struct template *
describe_template(const VkDescriptorUpdateTemplateCreateInfo *info)
{
   struct template *t = calloc(
      1, sizeof(*t) + info->descriptorUpdateEntryCount * sizeof(t->inputs[0]));

   if (!t)
      return NULL;
   for (uint32_t i = 0; i < info->descriptorUpdateEntryCount; i++) {
      const VkDescriptorUpdateTemplateEntry *entry =
         &info->pDescriptorUpdateEntries[i];

      t->size_B = PANVK_MAX(t->size_B, end_of_entry(entry));
      if (entry->descriptorType == VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT)
         t->inputs[t->count++] = *entry;
   }
   return t;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateDescriptorUpdateTemplate(
   VkDevice device, const VkDescriptorUpdateTemplateCreateInfo *pCreateInfo,
   const VkAllocationCallbacks *pAllocator,
   VkDescriptorUpdateTemplate *pDescriptorUpdateTemplate)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct template *t = describe_template(pCreateInfo);
   VkDescriptorUpdateTemplate handle;

   if (!t)
      return VK_ERROR_OUT_OF_HOST_MEMORY;

   VkResult result = dev->vk.CreateDescriptorUpdateTemplate(
      device, pCreateInfo, pAllocator, &handle);

   if (result == VK_SUCCESS && t->count &&
       !panvk_map_insert(&dev->templates, panvk_key(handle), t)) {
      dev->vk.DestroyDescriptorUpdateTemplate(device, handle, pAllocator);
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   if (result != VK_SUCCESS || !t->count)
      free(t);
   if (result == VK_SUCCESS)
      *pDescriptorUpdateTemplate = handle;
   return result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyDescriptorUpdateTemplate(
   VkDevice device, VkDescriptorUpdateTemplate descriptorUpdateTemplate,
   const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   if (descriptorUpdateTemplate)
      free(panvk_map_remove(&dev->templates,
                            panvk_key(descriptorUpdateTemplate)));
   dev->vk.DestroyDescriptorUpdateTemplate(device, descriptorUpdateTemplate,
                                           pAllocator);
}

/*
 * @data, or a copy with shadows in it that *owned_out is for free(). False when
 * out of memory: then it is @data.
 */
static bool
exchange_data(struct panvk_device *dev, VkDescriptorUpdateTemplate handle,
              const void **data, void **owned_out)
{
   const struct template *t =
      panvk_map_find(&dev->templates, panvk_key(handle));

   *owned_out = NULL;
   if (!t)
      return true;

   char *copy = malloc(t->size_B);

   if (!copy)
      return false;
   memcpy(copy, *data, t->size_B);
   for (uint32_t i = 0; i < t->count; i++) {
      for (uint32_t j = 0; j < t->inputs[i].descriptorCount; j++) {
         char *at = copy + t->inputs[i].offset + j * t->inputs[i].stride;
         VkDescriptorImageInfo info;

         memcpy(&info, at, sizeof(info));
         info = exchange(dev, info);
         memcpy(at, &info, sizeof(info));
      }
   }
   *data = *owned_out = copy;
   return true;
}

VKAPI_ATTR void VKAPI_CALL
panvk_UpdateDescriptorSetWithTemplate(
   VkDevice device, VkDescriptorSet descriptorSet,
   VkDescriptorUpdateTemplate descriptorUpdateTemplate, const void *pData)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   void *owned;

   if (!exchange_data(dev, descriptorUpdateTemplate, &pData, &owned))
      panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE, panvk_key(device),
                  "vkUpdateDescriptorSetWithTemplate: out of memory for input "
                  "attachments with sparse residency");
   dev->vk.UpdateDescriptorSetWithTemplate(device, descriptorSet,
                                           descriptorUpdateTemplate, pData);
   free(owned);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdPushDescriptorSetWithTemplateKHR(
   VkCommandBuffer commandBuffer,
   VkDescriptorUpdateTemplate descriptorUpdateTemplate, VkPipelineLayout layout,
   uint32_t set, const void *pData)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   void *owned;

   if (!exchange_data(cmd->dev, descriptorUpdateTemplate, &pData, &owned))
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
   cmd->dev->vk.CmdPushDescriptorSetWithTemplateKHR(
      commandBuffer, descriptorUpdateTemplate, layout, set, pData);
   free(owned);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdPushDescriptorSetWithTemplate2KHR(
   VkCommandBuffer commandBuffer,
   const VkPushDescriptorSetWithTemplateInfoKHR *pInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   VkPushDescriptorSetWithTemplateInfoKHR info = *pInfo;
   void *owned;

   if (!exchange_data(cmd->dev, info.descriptorUpdateTemplate, &info.pData,
                      &owned))
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
   cmd->dev->vk.CmdPushDescriptorSetWithTemplate2KHR(commandBuffer, &info);
   free(owned);
}

/* ---------------------------------------------------- descriptor buffers -- */

VKAPI_ATTR void VKAPI_CALL
panvk_GetDescriptorEXT(VkDevice device,
                       const VkDescriptorGetInfoEXT *pDescriptorInfo,
                       size_t dataSize, void *pDescriptor)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkDescriptorGetInfoEXT info = *pDescriptorInfo;
   VkDescriptorImageInfo image;

   if (info.type == VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT &&
       info.data.pInputAttachmentImage) {
      image = exchange(dev, *info.data.pInputAttachmentImage);
      info.data.pInputAttachmentImage = &image;
   }
   dev->vk.GetDescriptorEXT(device, &info, dataSize, pDescriptor);
}
