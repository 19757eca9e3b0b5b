/* SPDX-License-Identifier: MIT */
/*
 * The functions of the engine that this driver calls itself, as lists for the
 * preprocessor. A name on a list becomes a member of the table of the same
 * kind; it is NULL where the engine does not have it (an extension that is not
 * enabled). Add what you need, in the order of the Vulkan headers.
 */
#ifndef PANVK_ENGINE_FUNCS_H
#define PANVK_ENGINE_FUNCS_H

/* Found with a NULL instance. */
#define PANVK_GLOBAL_FUNCS(X)                                                  \
   X(CreateInstance)                                                           \
   X(EnumerateInstanceExtensionProperties)                                     \
   X(EnumerateInstanceVersion)

#define PANVK_INSTANCE_FUNCS(X)                                                \
   X(DestroyInstance)                                                          \
   X(EnumeratePhysicalDevices)                                                 \
   X(GetPhysicalDeviceFeatures)                                                \
   X(GetPhysicalDeviceFeatures2)                                               \
   X(GetPhysicalDeviceProperties)                                              \
   X(GetPhysicalDeviceProperties2)                                             \
   X(GetPhysicalDeviceFormatProperties)                                        \
   X(GetPhysicalDeviceFormatProperties2)                                       \
   X(GetPhysicalDeviceImageFormatProperties)                                   \
   X(GetPhysicalDeviceImageFormatProperties2)                                  \
   X(GetPhysicalDeviceQueueFamilyProperties)                                   \
   X(GetPhysicalDeviceQueueFamilyProperties2)                                  \
   X(GetPhysicalDeviceSurfaceSupportKHR)                                       \
   X(GetPhysicalDeviceMemoryProperties)                                        \
   X(GetPhysicalDeviceSparseImageFormatProperties)                             \
   X(GetPhysicalDeviceSparseImageFormatProperties2)                            \
   X(GetPhysicalDeviceExternalBufferProperties)                                \
   X(EnumerateDeviceExtensionProperties)                                       \
   X(CreateDevice)                                                             \
   X(GetDeviceProcAddr)                                                        \
   X(CreateDebugUtilsMessengerEXT)                                             \
   X(DestroyDebugUtilsMessengerEXT)                                            \
   X(SubmitDebugUtilsMessageEXT)

#define PANVK_DEVICE_FUNCS(X)                                                  \
   X(DestroyDevice)                                                            \
   X(GetDeviceQueue)                                                           \
   X(GetDeviceQueue2)                                                          \
   X(QueueSubmit)                                                              \
   X(QueueSubmit2)                                                             \
   X(QueueWaitIdle)                                                            \
   X(DeviceWaitIdle)                                                           \
   X(AllocateMemory)                                                           \
   X(FreeMemory)                                                               \
   X(MapMemory)                                                                \
   X(UnmapMemory)                                                              \
   X(BindBufferMemory)                                                         \
   X(BindBufferMemory2)                                                        \
   X(BindImageMemory)                                                          \
   X(BindImageMemory2)                                                         \
   X(GetBufferMemoryRequirements)                                              \
   X(GetBufferMemoryRequirements2)                                             \
   X(GetDeviceBufferMemoryRequirements)                                        \
   X(GetImageMemoryRequirements)                                               \
   X(GetImageMemoryRequirements2)                                              \
   X(GetDeviceImageMemoryRequirements)                                         \
   X(GetImageSparseMemoryRequirements)                                         \
   X(GetImageSparseMemoryRequirements2)                                        \
   X(GetDeviceImageSparseMemoryRequirements)                                   \
   X(GetImageSubresourceLayout)                                                \
   X(QueueBindSparse)                                                          \
   X(CreateFence)                                                              \
   X(DestroyFence)                                                             \
   X(ResetFences)                                                              \
   X(GetFenceStatus)                                                           \
   X(WaitForFences)                                                            \
   X(CreateSemaphore)                                                          \
   X(DestroySemaphore)                                                         \
   X(GetSemaphoreCounterValue)                                                 \
   X(WaitSemaphores)                                                           \
   X(SignalSemaphore)                                                          \
   X(CreateBuffer)                                                             \
   X(DestroyBuffer)                                                            \
   X(GetBufferDeviceAddress)                                                   \
   X(CreateImage)                                                              \
   X(DestroyImage)                                                             \
   X(CreateImageView)                                                          \
   X(DestroyImageView)                                                         \
   X(CreateBufferView)                                                         \
   X(DestroyBufferView)                                                        \
   X(CreateSampler)                                                            \
   X(DestroySampler)                                                           \
   X(CreateShaderModule)                                                       \
   X(DestroyShaderModule)                                                      \
   X(CreateDescriptorSetLayout)                                                \
   X(DestroyDescriptorSetLayout)                                               \
   X(CreateDescriptorPool)                                                     \
   X(DestroyDescriptorPool)                                                    \
   X(AllocateDescriptorSets)                                                   \
   X(UpdateDescriptorSets)                                                     \
   X(CreateDescriptorUpdateTemplate)                                           \
   X(DestroyDescriptorUpdateTemplate)                                          \
   X(UpdateDescriptorSetWithTemplate)                                          \
   X(CmdPushDescriptorSetKHR)                                                  \
   X(CmdPushDescriptorSetWithTemplateKHR)                                      \
   X(CmdPushDescriptorSet2KHR)                                                 \
   X(CmdPushDescriptorSetWithTemplate2KHR)                                     \
   X(CreatePipelineLayout)                                                     \
   X(DestroyPipelineLayout)                                                    \
   X(CreateComputePipelines)                                                   \
   X(CreateGraphicsPipelines)                                                  \
   X(DestroyPipeline)                                                          \
   X(CreateFramebuffer)                                                        \
   X(DestroyFramebuffer)                                                       \
   X(CreateRenderPass)                                                         \
   X(CreateRenderPass2)                                                        \
   X(DestroyRenderPass)                                                        \
   X(CreateCommandPool)                                                        \
   X(DestroyCommandPool)                                                       \
   X(ResetCommandPool)                                                         \
   X(AllocateCommandBuffers)                                                   \
   X(FreeCommandBuffers)                                                       \
   X(BeginCommandBuffer)                                                       \
   X(EndCommandBuffer)                                                         \
   X(ResetCommandBuffer)                                                       \
   X(CmdBindPipeline)                                                          \
   X(CmdBindDescriptorSets)                                                    \
   X(CmdPushConstants)                                                         \
   X(CmdDispatch)                                                              \
   X(CopyMemoryToImageEXT)                                                     \
   X(CopyImageToImageEXT)                                                      \
   X(CmdPipelineBarrier)                                                       \
   X(CmdPipelineBarrier2)                                                      \
   X(CmdWaitEvents)                                                            \
   X(CmdWaitEvents2)                                                           \
   X(CmdCopyBuffer)                                                            \
   X(CmdCopyImage)                                                             \
   X(CmdBlitImage)                                                             \
   X(CmdBlitImage2)                                                            \
   X(CmdCopyBufferToImage)                                                     \
   X(CmdCopyImageToBuffer)                                                     \
   X(CmdClearColorImage)                                                       \
   X(CmdClearDepthStencilImage)                                                \
   X(CmdResolveImage)                                                          \
   X(CmdResolveImage2)                                                         \
   X(CmdBeginRenderPass)                                                       \
   X(CmdBeginRenderPass2)                                                      \
   X(CmdEndRenderPass)                                                         \
   X(CmdEndRenderPass2)                                                        \
   X(CmdBeginRendering)                                                        \
   X(CmdEndRendering)                                                          \
   X(CmdFillBuffer)                                                            \
   X(GetDescriptorEXT)                                                         \
   X(GetDescriptorSetLayoutSizeEXT)                                            \
   X(SetDebugUtilsObjectNameEXT)                                               \
   X(QueuePresentKHR)

#endif /* PANVK_ENGINE_FUNCS_H */
