/* SPDX-License-Identifier: MIT */
#include "diag_fixture.h"

struct diag_world diag;

/* -------------------------------------------------------------- messages -- */

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
           VkDebugUtilsMessageTypeFlagsEXT types,
           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
   /* The loader speaks, too. */
   if (data->pMessageIdName == NULL ||
       (strncmp(data->pMessageIdName, "pansparse", 9) != 0 &&
        strncmp(data->pMessageIdName, "VUID", 4) != 0))
      return VK_FALSE;
   assert_true(diag.message_count < DIAG_MAX_MESSAGES);
   struct diag_message *message = &diag.messages[diag.message_count++];
   message->severity = severity;
   snprintf(message->id, sizeof(message->id), "%s", data->pMessageIdName);
   snprintf(message->text, sizeof(message->text), "%s", data->pMessage);
   message->type =
      data->objectCount != 0 ? data->pObjects[0].objectType : 0;
   message->object =
      data->objectCount != 0 ? data->pObjects[0].objectHandle : 0;
   return VK_FALSE;
}

void
diag_expect(const char *const *texts, uint32_t count)
{
   for (uint32_t i = 0; i < diag.message_count && i < count; i++) {
      if (strncmp(diag.messages[i].text, texts[i], strlen(texts[i])) != 0)
         fail_msg("message %u is\n   %s\nand not\n   %s", i,
                  diag.messages[i].text, texts[i]);
   }
   if (diag.message_count > count)
      fail_msg("unexpected message: %s", diag.messages[count].text);
   if (diag.message_count < count)
      fail_msg("missing message: %s", texts[diag.message_count]);
   diag.message_count = 0;
}

/* ------------------------------------------------------ instance, device -- */

static PFN_vkVoidFunction
instance_command(const char *name)
{
   return vkGetInstanceProcAddr(diag.instance, name);
}

static void
create_instance(void)
{
   static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
   VkApplicationInfo app = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .apiVersion = VK_API_VERSION_1_3,
   };
   VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &app,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = extensions,
   };
   VkDebugUtilsMessengerCreateInfoEXT messenger = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
      .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
      .pfnUserCallback = on_message,
   };
   uint32_t count = 1;

   ok(vkCreateInstance(&info, NULL, &diag.instance));
   ok(vkEnumeratePhysicalDevices(diag.instance, &count, &diag.pdev));
   ok(((PFN_vkCreateDebugUtilsMessengerEXT)instance_command(
      "vkCreateDebugUtilsMessengerEXT"))(diag.instance, &messenger, NULL,
                                         &diag.messenger));
}

static void
create_device(void)
{
   float priority = 1;
   VkPhysicalDeviceFeatures has;
   vkGetPhysicalDeviceFeatures(diag.pdev, &has);
   diag.has_images = has.sparseResidencyImage2D;
   VkPhysicalDeviceFeatures features = {
      .sparseBinding = VK_TRUE,
      .sparseResidencyBuffer = VK_TRUE,
      .sparseResidencyAliased = VK_TRUE,
      .sparseResidencyImage2D = has.sparseResidencyImage2D,
   };
   VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .pEnabledFeatures = &features,
   };
   VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
   };
   VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

   ok(vkCreateDevice(diag.pdev, &info, NULL, &diag.device));
   vkGetDeviceQueue(diag.device, 0, 0, &diag.queue);
   ok(vkCreateCommandPool(diag.device, &pool, NULL, &diag.pool));
   ok(vkCreateFence(diag.device, &fence, NULL, &diag.fence));
}

static void
create_plain(void)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = TILE,
      .usage =
         VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   ok(vkCreateBuffer(diag.device, &info, NULL, &diag.plain));
   diag.plain_memory = diag_memory(NULL, TILE);
   ok(vkBindBufferMemory(diag.device, diag.plain, diag.plain_memory, 0));
}

int
diag_setup(void **state)
{
   create_instance();
   create_device();
   create_plain();
   diag.message_count = 0;
   return 0;
}

int
diag_teardown(void **state)
{
   vkDestroyBuffer(diag.device, diag.plain, NULL);
   vkFreeMemory(diag.device, diag.plain_memory, NULL);
   vkDestroyFence(diag.device, diag.fence, NULL);
   vkDestroyCommandPool(diag.device, diag.pool, NULL);
   vkDestroyDevice(diag.device, NULL);
   ((PFN_vkDestroyDebugUtilsMessengerEXT)instance_command(
      "vkDestroyDebugUtilsMessengerEXT"))(diag.instance, diag.messenger, NULL);
   vkDestroyInstance(diag.instance, NULL);
   return 0;
}

/* --------------------------------------------------------------- objects -- */

void
diag_name(VkObjectType type, uint64_t object, const char *name)
{
   VkDebugUtilsObjectNameInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
      .objectType = type,
      .objectHandle = object,
      .pObjectName = name,
   };
   if (name != NULL)
      ok(((PFN_vkSetDebugUtilsObjectNameEXT)instance_command(
         "vkSetDebugUtilsObjectNameEXT"))(diag.device, &info));
}

VkBuffer
diag_buffer(const char *name, VkDeviceSize size_B, VkBufferCreateFlags flags)
{
   if (flags == 0)
      flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
              VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT;
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = flags,
      .size = size_B,
      .usage =
         VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkBuffer buffer;
   ok(vkCreateBuffer(diag.device, &info, NULL, &buffer));
   diag_name(VK_OBJECT_TYPE_BUFFER, (uint64_t)(uintptr_t)buffer, name);
   return buffer;
}

VkImage
diag_image(const char *name, uint32_t width, uint32_t height, uint32_t levels,
           uint32_t layers)
{
   VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {width, height, 1},
      .mipLevels = levels,
      .arrayLayers = layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage =
         VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   VkImage image;
   ok(vkCreateImage(diag.device, &info, NULL, &image));
   diag_name(VK_OBJECT_TYPE_IMAGE, (uint64_t)(uintptr_t)image, name);
   return image;
}

VkDeviceMemory
diag_memory(const char *name, VkDeviceSize size_B)
{
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = size_B,
   };
   VkDeviceMemory memory;
   ok(vkAllocateMemory(diag.device, &info, NULL, &memory));
   diag_name(VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)memory, name);
   return memory;
}

/* ------------------------------------------------------------------ work -- */

static void
wait(void)
{
   ok(vkWaitForFences(diag.device, 1, &diag.fence, VK_TRUE, UINT64_MAX));
   ok(vkResetFences(diag.device, 1, &diag.fence));
}

VkResult
diag_bind(const VkBindSparseInfo *info)
{
   VkResult result = vkQueueBindSparse(diag.queue, 1, info, diag.fence);
   if (result == VK_SUCCESS)
      wait();
   return result;
}

VkResult
diag_bind_buffer(VkBuffer buffer, const VkSparseMemoryBind *binds,
                 uint32_t count)
{
   VkSparseBufferMemoryBindInfo buffers = {buffer, count, binds};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffers,
   };
   return diag_bind(&info);
}

VkResult
diag_bind_image(VkImage image, const VkSparseImageMemoryBind *binds,
                uint32_t count)
{
   VkSparseImageMemoryBindInfo images = {image, count, binds};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageBindCount = 1,
      .pImageBinds = &images,
   };
   return diag_bind(&info);
}

VkCommandBuffer
diag_begin(void)
{
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = diag.pool,
      .commandBufferCount = 1,
   };
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
   };
   VkCommandBuffer commands;
   ok(vkAllocateCommandBuffers(diag.device, &info, &commands));
   ok(vkBeginCommandBuffer(commands, &begin));
   return commands;
}

void
diag_run(VkCommandBuffer commands)
{
   VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };
   ok(vkEndCommandBuffer(commands));
   ok(vkQueueSubmit(diag.queue, 1, &submit, diag.fence));
   wait();
   vkFreeCommandBuffers(diag.device, diag.pool, 1, &commands);
}

void
diag_read(VkBuffer buffer, VkDeviceSize offset_B, VkDeviceSize size_B)
{
   VkCommandBuffer commands = diag_begin();
   VkBufferCopy region = {offset_B, 0, size_B};
   vkCmdCopyBuffer(commands, buffer, diag.plain, 1, &region);
   diag_run(commands);
}

void
diag_write(VkBuffer buffer, VkDeviceSize offset_B, VkDeviceSize size_B)
{
   VkCommandBuffer commands = diag_begin();
   vkCmdFillBuffer(commands, buffer, offset_B, size_B, 0x5a5a5a5a);
   diag_run(commands);
}

void
diag_read_tile(VkImage image, uint32_t level, uint32_t layer, int32_t x,
               int32_t y)
{
   VkCommandBuffer commands = diag_begin();
   VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, layer, 1},
      .imageOffset = {x * 128, y * 128, 0},
      .imageExtent = {128, 128, 1},
   };
   vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, diag.plain,
                          1, &region);
   diag_run(commands);
}

void
diag_make_general(VkImage image, uint32_t levels, uint32_t layers)
{
   VkCommandBuffer commands = diag_begin();
   VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, levels, 0, layers},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL,
                        1, &barrier);
   diag_run(commands);
}
