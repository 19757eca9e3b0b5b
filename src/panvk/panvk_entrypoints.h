/* SPDX-License-Identifier: MIT */
/*
 * The Vulkan commands that this driver answers itself; all others go straight
 * to the engine. X(name) declares panvk_<name> with the type of vk<name>.
 * ALIAS(alias, name) makes vk<alias> another way to panvk_<name>.
 *
 * A command is offered only where the engine offers the one of the same name,
 * so that what an extension adds appears with the extension alone.
 */
#ifndef PANVK_ENTRYPOINTS_H
#define PANVK_ENTRYPOINTS_H

#include "panvk_vk_compat.h"

/* Work without an instance. */
#define PANVK_GLOBAL_ENTRYPOINTS(X)                                            \
   X(GetInstanceProcAddr)                                                      \
   X(CreateInstance)                                                           \
   X(EnumerateInstanceExtensionProperties)

#define PANVK_INSTANCE_ENTRYPOINTS(X, ALIAS)                                   \
   X(DestroyInstance)                                                          \
   X(CreateDebugUtilsMessengerEXT)                                             \
   X(DestroyDebugUtilsMessengerEXT)                                            \
   X(GetDeviceProcAddr)

#define PANVK_PHYSICAL_DEVICE_ENTRYPOINTS(X, ALIAS)                            \
   X(GetPhysicalDeviceFeatures)                                                \
   X(GetPhysicalDeviceFeatures2)                                               \
   ALIAS(GetPhysicalDeviceFeatures2KHR, GetPhysicalDeviceFeatures2)            \
   X(GetPhysicalDeviceProperties)                                              \
   X(GetPhysicalDeviceProperties2)                                             \
   ALIAS(GetPhysicalDeviceProperties2KHR, GetPhysicalDeviceProperties2)        \
   X(GetPhysicalDeviceExternalBufferProperties)                                \
   ALIAS(GetPhysicalDeviceExternalBufferPropertiesKHR,                         \
         GetPhysicalDeviceExternalBufferProperties)                            \
   X(GetPhysicalDeviceQueueFamilyProperties)                                   \
   X(GetPhysicalDeviceQueueFamilyProperties2)                                  \
   ALIAS(GetPhysicalDeviceQueueFamilyProperties2KHR,                           \
         GetPhysicalDeviceQueueFamilyProperties2)                              \
   X(GetPhysicalDeviceSurfaceSupportKHR)                                       \
   X(EnumerateDeviceExtensionProperties)                                       \
   X(CreateDevice)                                                             \
   /* the image half */                                                        \
   X(GetPhysicalDeviceImageFormatProperties)                                   \
   X(GetPhysicalDeviceImageFormatProperties2)                                  \
   ALIAS(GetPhysicalDeviceImageFormatProperties2KHR,                           \
         GetPhysicalDeviceImageFormatProperties2)                              \
   X(GetPhysicalDeviceSparseImageFormatProperties)                             \
   X(GetPhysicalDeviceSparseImageFormatProperties2)                            \
   ALIAS(GetPhysicalDeviceSparseImageFormatProperties2KHR,                     \
         GetPhysicalDeviceSparseImageFormatProperties2)

#define PANVK_DEVICE_ENTRYPOINTS(X, ALIAS)                                     \
   X(DestroyDevice)                                                            \
   X(AllocateMemory)                                                           \
   X(FreeMemory)                                                               \
   X(CreateBuffer)                                                             \
   X(DestroyBuffer)                                                            \
   X(GetBufferMemoryRequirements)                                              \
   X(GetBufferMemoryRequirements2)                                             \
   ALIAS(GetBufferMemoryRequirements2KHR, GetBufferMemoryRequirements2)        \
   X(GetDeviceBufferMemoryRequirements)                                        \
   ALIAS(GetDeviceBufferMemoryRequirementsKHR,                                 \
         GetDeviceBufferMemoryRequirements)                                    \
   X(SetDebugUtilsObjectNameEXT)                                               \
   X(GetDeviceQueue)                                                           \
   X(GetDeviceQueue2)                                                          \
   X(QueueSubmit)                                                              \
   X(QueueSubmit2)                                                             \
   ALIAS(QueueSubmit2KHR, QueueSubmit2)                                        \
   X(QueuePresentKHR)                                                          \
   X(QueueBindSparse)                                                          \
   X(CreateSemaphore)                                                          \
   X(DestroySemaphore)                                                         \
   X(QueueWaitIdle)                                                            \
   X(DeviceWaitIdle)                                                           \
   X(WaitForFences)                                                            \
   X(GetFenceStatus)                                                           \
   X(CreateCommandPool)                                                        \
   X(DestroyCommandPool)                                                       \
   X(ResetCommandPool)                                                         \
   X(AllocateCommandBuffers)                                                   \
   X(FreeCommandBuffers)                                                       \
   X(BeginCommandBuffer)                                                       \
   X(EndCommandBuffer)                                                         \
   X(ResetCommandBuffer)                                                       \
   X(WaitSemaphores)                                                           \
   ALIAS(WaitSemaphoresKHR, WaitSemaphores)                                    \
   X(CreateShaderModule)                                                       \
   X(CreateComputePipelines)                                                   \
   X(CreateGraphicsPipelines)                                                  \
   /* the image half */                                                        \
   X(CreateImage)                                                              \
   X(DestroyImage)                                                             \
   X(GetImageMemoryRequirements)                                               \
   X(GetImageMemoryRequirements2)                                              \
   ALIAS(GetImageMemoryRequirements2KHR, GetImageMemoryRequirements2)          \
   X(GetDeviceImageMemoryRequirements)                                         \
   ALIAS(GetDeviceImageMemoryRequirementsKHR,                                  \
         GetDeviceImageMemoryRequirements)                                     \
   X(GetImageSparseMemoryRequirements)                                         \
   X(GetImageSparseMemoryRequirements2)                                        \
   ALIAS(GetImageSparseMemoryRequirements2KHR,                                 \
         GetImageSparseMemoryRequirements2)                                    \
   X(GetDeviceImageSparseMemoryRequirements)                                   \
   ALIAS(GetDeviceImageSparseMemoryRequirementsKHR,                            \
         GetDeviceImageSparseMemoryRequirements)                               \
   X(CreateImageView)                                                          \
   X(DestroyImageView)                                                         \
   /* attachments, see panvk_attachment.h */                                   \
   X(CreateFramebuffer)                                                        \
   X(DestroyFramebuffer)                                                       \
   X(CreateRenderPass)                                                         \
   X(CreateRenderPass2)                                                        \
   ALIAS(CreateRenderPass2KHR, CreateRenderPass2)                              \
   X(DestroyRenderPass)                                                        \
   X(CmdBeginRenderPass)                                                       \
   X(CmdBeginRenderPass2)                                                      \
   ALIAS(CmdBeginRenderPass2KHR, CmdBeginRenderPass2)                          \
   X(CmdEndRenderPass)                                                         \
   X(CmdEndRenderPass2)                                                        \
   ALIAS(CmdEndRenderPass2KHR, CmdEndRenderPass2)                              \
   X(CopyMemoryToImageEXT)                                                     \
   ALIAS(CopyMemoryToImage, CopyMemoryToImageEXT)                              \
   X(CopyImageToImageEXT)                                                      \
   ALIAS(CopyImageToImage, CopyImageToImageEXT)                                \
   X(CmdPipelineBarrier)                                                       \
   X(CmdPipelineBarrier2)                                                      \
   ALIAS(CmdPipelineBarrier2KHR, CmdPipelineBarrier2)                          \
   X(CmdWaitEvents)                                                            \
   X(CmdWaitEvents2)                                                           \
   ALIAS(CmdWaitEvents2KHR, CmdWaitEvents2)                                    \
   X(CmdBlitImage)                                                             \
   X(CmdBlitImage2)                                                            \
   ALIAS(CmdBlitImage2KHR, CmdBlitImage2)                                      \
   X(CmdResolveImage)                                                          \
   X(CmdResolveImage2)                                                         \
   ALIAS(CmdResolveImage2KHR, CmdResolveImage2)                                \
   X(CmdBeginRendering)                                                        \
   ALIAS(CmdBeginRenderingKHR, CmdBeginRendering)                              \
   X(CmdEndRendering)                                                          \
   ALIAS(CmdEndRenderingKHR, CmdEndRendering)                                  \
   X(CreateDescriptorUpdateTemplate)                                           \
   ALIAS(CreateDescriptorUpdateTemplateKHR, CreateDescriptorUpdateTemplate)    \
   X(DestroyDescriptorUpdateTemplate)                                          \
   ALIAS(DestroyDescriptorUpdateTemplateKHR, DestroyDescriptorUpdateTemplate)  \
   X(UpdateDescriptorSetWithTemplate)                                          \
   ALIAS(UpdateDescriptorSetWithTemplateKHR, UpdateDescriptorSetWithTemplate)  \
   X(UpdateDescriptorSets)                                                     \
   X(CmdPushDescriptorSetKHR)                                                  \
   ALIAS(CmdPushDescriptorSet, CmdPushDescriptorSetKHR)                        \
   X(CmdPushDescriptorSetWithTemplateKHR)                                      \
   ALIAS(CmdPushDescriptorSetWithTemplate,                                     \
         CmdPushDescriptorSetWithTemplateKHR)                                  \
   X(CmdPushDescriptorSet2KHR)                                                 \
   ALIAS(CmdPushDescriptorSet2, CmdPushDescriptorSet2KHR)                      \
   X(CmdPushDescriptorSetWithTemplate2KHR)                                     \
   ALIAS(CmdPushDescriptorSetWithTemplate2,                                    \
         CmdPushDescriptorSetWithTemplate2KHR)                                 \
   X(GetDescriptorEXT)

#define PANVK_DECLARE_ENTRYPOINT(name) __typeof__(vk##name) panvk_##name;
#define PANVK_IGNORE_ALIAS(alias, name)
PANVK_GLOBAL_ENTRYPOINTS(PANVK_DECLARE_ENTRYPOINT)
PANVK_INSTANCE_ENTRYPOINTS(PANVK_DECLARE_ENTRYPOINT, PANVK_IGNORE_ALIAS)
PANVK_PHYSICAL_DEVICE_ENTRYPOINTS(PANVK_DECLARE_ENTRYPOINT, PANVK_IGNORE_ALIAS)
PANVK_DEVICE_ENTRYPOINTS(PANVK_DECLARE_ENTRYPOINT, PANVK_IGNORE_ALIAS)
#undef PANVK_DECLARE_ENTRYPOINT
#undef PANVK_IGNORE_ALIAS

#endif /* PANVK_ENTRYPOINTS_H */
