/* SPDX-License-Identifier: MIT */
/*
 * What only this driver promises, through the loader: a deep queue of binds,
 * bad binds that change nothing, memory freed while bound, statistics, devices
 * that are left with things in them, Vulkan 1.0 applications.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <vulkan/vulkan.h>

#define TILE 65536ull
#define TILES 16u
#define BUFFER_B (TILES * TILE)
#define TIMEOUT 20000000000ull /* ns */

#define ok(call) assert_int_equal(call, VK_SUCCESS)

static struct core {
   VkInstance instance;
   VkDebugUtilsMessengerEXT messenger;
   VkPhysicalDevice pdev;
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkFence fence;
   char message[4096]; /* errors and warnings since it was emptied */
} core;

/* ---------------------------------------------------------------- set-up -- */

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
           VkDebugUtilsMessageTypeFlagsEXT types,
           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
   /* The loader may have something to say about the same thing. */
   size_t used = strlen(core.message);
   snprintf(core.message + used, sizeof(core.message) - used, "%s\n",
            data->pMessage);
   return VK_FALSE;
}

static void
create_instance(uint32_t api_version)
{
   static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
   VkApplicationInfo app = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .apiVersion = api_version,
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

   ok(vkCreateInstance(&info, NULL, &core.instance));
   ok(vkEnumeratePhysicalDevices(core.instance, &count, &core.pdev));
   PFN_vkCreateDebugUtilsMessengerEXT create =
      (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
         core.instance, "vkCreateDebugUtilsMessengerEXT");
   ok(create(core.instance, &messenger, NULL, &core.messenger));
}

static void
destroy_instance(void)
{
   PFN_vkDestroyDebugUtilsMessengerEXT destroy =
      (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
         core.instance, "vkDestroyDebugUtilsMessengerEXT");
   destroy(core.instance, core.messenger, NULL);
   vkDestroyInstance(core.instance, NULL);
}

static VkResult
create_device_with(const VkPhysicalDeviceFeatures *features,
                   const char *extension, VkDevice *device_out)
{
   float priority = 1;
   VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = extension != NULL,
      .ppEnabledExtensionNames = &extension,
      .pEnabledFeatures = features,
   };
   return vkCreateDevice(core.pdev, &info, NULL, device_out);
}

static const VkPhysicalDeviceFeatures sparse_features = {
   .sparseBinding = VK_TRUE,
   .sparseResidencyBuffer = VK_TRUE,
};

static void
create_device(const char *extension)
{
   VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
   };
   VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

   ok(create_device_with(&sparse_features, extension, &core.device));
   vkGetDeviceQueue(core.device, 0, 0, &core.queue);
   ok(vkCreateCommandPool(core.device, &pool, NULL, &core.pool));
   ok(vkCreateFence(core.device, &fence, NULL, &core.fence));
}

static void
destroy_device(void)
{
   vkDestroyFence(core.device, core.fence, NULL);
   vkDestroyCommandPool(core.device, core.pool, NULL);
   vkDestroyDevice(core.device, NULL);
}

static int
setup(void **state)
{
   create_instance(VK_API_VERSION_1_3);
   create_device(VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME);
   core.message[0] = '\0';
   return 0;
}

static int
teardown(void **state)
{
   destroy_device();
   destroy_instance();
   return 0;
}

/* --------------------------------------------------------------- helpers -- */

static VkBuffer
create_buffer(VkDeviceSize size_B, VkBufferCreateFlags flags)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = flags,
      .size = size_B,
      .usage =
         VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkBuffer buffer;
   ok(vkCreateBuffer(core.device, &info, NULL, &buffer));
   return buffer;
}

static VkBuffer
create_sparse(VkDeviceSize size_B)
{
   return create_buffer(size_B, VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
                                   VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT);
}

static VkDeviceMemory
allocate(VkDeviceSize size_B, uint32_t **map_out)
{
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = size_B,
   };
   VkDeviceMemory memory;
   void *map;
   ok(vkAllocateMemory(core.device, &info, NULL, &memory));
   ok(vkMapMemory(core.device, memory, 0, VK_WHOLE_SIZE, 0, &map));
   if (map_out != NULL)
      *map_out = map;
   return memory;
}

/* Tile @i of the map gets words that name it. */
static void
fill_tiles(uint32_t *map, uint32_t tiles, uint32_t seed)
{
   for (uint32_t i = 0; i < tiles * TILE / 4; i++)
      map[i] = seed + (uint32_t)(i / (TILE / 4));
}

static VkResult
bind_one(VkBuffer buffer, const VkSparseMemoryBind *bind)
{
   VkSparseBufferMemoryBindInfo buffer_info = {buffer, 1, bind};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffer_info,
   };
   VkResult result = vkQueueBindSparse(core.queue, 1, &info, core.fence);
   if (result == VK_SUCCESS) {
      ok(vkWaitForFences(core.device, 1, &core.fence, VK_TRUE, TIMEOUT));
      ok(vkResetFences(core.device, 1, &core.fence));
   }
   return result;
}

/* The first word of each tile of @buffer, read by the device. */
static void
read_tiles(VkBuffer buffer, uint32_t words_out[TILES])
{
   VkBuffer staging = create_buffer(TILES * 4, 0);
   uint32_t *map;
   VkDeviceMemory memory = allocate(4096, &map);
   VkCommandBufferAllocateInfo allocate_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = core.pool,
      .commandBufferCount = 1,
   };
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
   };
   VkCommandBuffer commands;
   VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };

   ok(vkBindBufferMemory(core.device, staging, memory, 0));
   ok(vkAllocateCommandBuffers(core.device, &allocate_info, &commands));
   ok(vkBeginCommandBuffer(commands, &begin));
   for (uint32_t i = 0; i < TILES; i++) {
      VkBufferCopy copy = {i * TILE, i * 4, 4};
      vkCmdCopyBuffer(commands, buffer, staging, 1, &copy);
   }
   ok(vkEndCommandBuffer(commands));
   ok(vkQueueSubmit(core.queue, 1, &submit, core.fence));
   ok(vkWaitForFences(core.device, 1, &core.fence, VK_TRUE, TIMEOUT));
   ok(vkResetFences(core.device, 1, &core.fence));
   memcpy(words_out, map, TILES * 4);
   vkFreeCommandBuffers(core.device, core.pool, 1, &commands);
   vkDestroyBuffer(core.device, staging, NULL);
   vkFreeMemory(core.device, memory, NULL);
}

static void
expect_tiles(VkBuffer buffer, const uint32_t expected[TILES])
{
   uint32_t words[TILES];
   read_tiles(buffer, words);
   for (uint32_t i = 0; i < TILES; i++)
      assert_int_equal(words[i], expected[i]);
}

static VkSemaphore
create_timeline(void)
{
   VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = &type,
   };
   VkSemaphore semaphore;
   ok(vkCreateSemaphore(core.device, &info, NULL, &semaphore));
   return semaphore;
}

/* ----------------------------------------------------------------- tests -- */

#define DEEP 10000u

/*
 * Ten thousand batches wait for a value that this very thread signals after
 * the last of them: nothing may block, and the last bind of each tile counts.
 */
static void
test_deep_queue(void **state)
{
   VkBuffer buffer = create_sparse(BUFFER_B);
   uint32_t *map, expected[TILES];
   VkDeviceMemory memory = allocate(2 * BUFFER_B, &map);
   VkSemaphore gate = create_timeline(), count = create_timeline();

   fill_tiles(map, 2 * TILES, 100);
   for (uint32_t i = 0; i < DEEP; i++) {
      uint32_t tile = i * 7 % TILES, source = i * 11 % (2 * TILES);
      VkSparseMemoryBind bind = {tile * TILE, TILE, memory, source * TILE, 0};
      VkSparseBufferMemoryBindInfo buffer_info = {buffer, 1, &bind};
      uint64_t wait = i + 1, signal = i + 1;
      VkTimelineSemaphoreSubmitInfo values = {
         .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
         .waitSemaphoreValueCount = 1,
         .pWaitSemaphoreValues = &wait,
         .signalSemaphoreValueCount = 1,
         .pSignalSemaphoreValues = &signal,
      };
      /* Every tenth waits for nothing but its turn. */
      bool waits = i % 10 != 9;
      VkBindSparseInfo info = {
         .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
         .pNext = &values,
         .waitSemaphoreCount = waits,
         .pWaitSemaphores = &gate,
         .bufferBindCount = 1,
         .pBufferBinds = &buffer_info,
         .signalSemaphoreCount = 1,
         .pSignalSemaphores = &count,
      };
      values.waitSemaphoreValueCount = waits;
      expected[tile] = 100 + source;
      ok(vkQueueBindSparse(core.queue, 1, &info,
                           i + 1 == DEEP ? core.fence : VK_NULL_HANDLE));
   }

   uint64_t value;
   ok(vkGetSemaphoreCounterValue(core.device, count, &value));
   assert_int_equal(value, 0);
   assert_int_equal(vkGetFenceStatus(core.device, core.fence), VK_NOT_READY);
   VkSemaphoreSignalInfo open = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = gate,
      .value = DEEP,
   };
   ok(vkSignalSemaphore(core.device, &open));
   ok(vkWaitForFences(core.device, 1, &core.fence, VK_TRUE, TIMEOUT));
   ok(vkResetFences(core.device, 1, &core.fence));
   /* The engine may set the fence a moment before the semaphore. */
   VkSemaphoreWaitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &count,
      .pValues = &(uint64_t){DEEP},
   };
   ok(vkWaitSemaphores(core.device, &wait, TIMEOUT));
   ok(vkGetSemaphoreCounterValue(core.device, count, &value));
   assert_int_equal(value, DEEP);
   expect_tiles(buffer, expected);

   vkDestroySemaphore(core.device, gate, NULL);
   vkDestroySemaphore(core.device, count, NULL);
   vkDestroyBuffer(core.device, buffer, NULL);
   vkFreeMemory(core.device, memory, NULL);
}

/* Waiting for the queue waits for binds that another's signal releases. */
static void
test_wait_idle_waits_for_binds(void **state)
{
   VkBuffer buffer = create_sparse(BUFFER_B);
   uint32_t *map, expected[TILES] = {0};
   VkDeviceMemory memory = allocate(BUFFER_B, &map);
   VkSemaphore gate = create_timeline();
   VkSparseMemoryBind bind = {0, BUFFER_B, memory, 0, 0};
   VkSparseBufferMemoryBindInfo buffer_info = {buffer, 1, &bind};
   uint64_t one = 1;
   VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &one,
   };
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .pNext = &values,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &gate,
      .bufferBindCount = 1,
      .pBufferBinds = &buffer_info,
   };
   VkSemaphoreSignalInfo open = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = gate,
      .value = 1,
   };

   fill_tiles(map, TILES, 300);
   for (uint32_t i = 0; i < TILES; i++)
      expected[i] = 300 + i;
   for (int round = 0; round < 2; round++) {
      ok(vkQueueBindSparse(core.queue, 1, &info, VK_NULL_HANDLE));
      if (round == 0)
         ok(vkSignalSemaphore(core.device, &open));
      ok(round == 0 ? vkQueueWaitIdle(core.queue)
                    : vkDeviceWaitIdle(core.device));
      expect_tiles(buffer, expected);
   }
   vkDestroySemaphore(core.device, gate, NULL);
   vkDestroyBuffer(core.device, buffer, NULL);
   vkFreeMemory(core.device, memory, NULL);
}

/* Each is refused with a message, and what was bound stays bound. */
static void
test_bad_binds(void **state)
{
   VkBuffer buffer = create_sparse(BUFFER_B), ordinary = create_buffer(4096, 0);
   uint32_t *map, expected[TILES];
   VkDeviceMemory memory = allocate(BUFFER_B, &map), external;
   VkExportMemoryAllocateInfo export_info = {
      .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
      .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
   };
   VkMemoryAllocateInfo external_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = &export_info,
      .allocationSize = BUFFER_B,
   };
   ok(vkAllocateMemory(core.device, &external_info, NULL, &external));

   VkSparseMemoryBind whole = {0, BUFFER_B, memory, 0, 0};
   fill_tiles(map, TILES, 500);
   for (uint32_t i = 0; i < TILES; i++)
      expected[i] = 500 + i;
   ok(bind_one(buffer, &whole));

   const struct {
      VkBuffer buffer;
      VkSparseMemoryBind bind;
      const char *message;
   } cases[] = {
      {buffer, {0, TILE, external, 0, 0}, "neither imported nor exportable"},
      {buffer, {100, TILE, memory, 0, 0}, "resource offset"},
      {buffer, {0, TILE, memory, 100, 0}, "memory offset"},
      {buffer, {0, TILE, memory, BUFFER_B, 0}, "end of the memory"},
      {buffer, {0, 2 * TILE, memory, BUFFER_B - TILE, 0}, "end of the memory"},
      {buffer, {0, TILE, memory, 1ull << 60, 0}, "end of the memory"},
      {buffer, {BUFFER_B, TILE, VK_NULL_HANDLE, 0, 0}, "end of the resource"},
      {buffer, {TILE, UINT64_MAX - 4095, memory, 0, 0}, "end of the resource"},
      {buffer, {0, TILE, memory, 0, 1}, "metadata"},
      {ordinary, {0, TILE, memory, 0, 0}, "SPARSE_BINDING"},
   };
   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      core.message[0] = '\0';
      assert_int_equal(bind_one(cases[i].buffer, &cases[i].bind),
                       VK_ERROR_VALIDATION_FAILED_EXT);
      if (strstr(core.message, cases[i].message) == NULL)
         fail_msg("case %zu: '%s'", i, core.message);
   }

   /* A good batch before a bad one in the same call does nothing either. */
   VkSparseMemoryBind unbind = {0, BUFFER_B, VK_NULL_HANDLE, 0, 0};
   VkSparseBufferMemoryBindInfo good = {buffer, 1, &unbind};
   VkSparseBufferMemoryBindInfo bad = {buffer, 1, &cases[0].bind};
   VkBindSparseInfo infos[2] = {
      {.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
       .bufferBindCount = 1,
       .pBufferBinds = &good},
      {.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
       .bufferBindCount = 1,
       .pBufferBinds = &bad},
   };
   assert_int_equal(vkQueueBindSparse(core.queue, 2, infos, VK_NULL_HANDLE),
                    VK_ERROR_VALIDATION_FAILED_EXT);
   expect_tiles(buffer, expected);

   vkDestroyBuffer(core.device, buffer, NULL);
   vkDestroyBuffer(core.device, ordinary, NULL);
   vkFreeMemory(core.device, external, NULL);
   vkFreeMemory(core.device, memory, NULL);
}

/* Messages carry the name that the application gave. */
static void
test_names(void **state)
{
   VkBuffer buffer = create_sparse(BUFFER_B);
   VkDebugUtilsObjectNameInfoEXT name = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
      .objectType = VK_OBJECT_TYPE_BUFFER,
      .objectHandle = (uint64_t)(uintptr_t)buffer,
      .pObjectName = "terrain pages",
   };
   VkSparseMemoryBind bind = {100, TILE, VK_NULL_HANDLE, 0, 0};
   PFN_vkSetDebugUtilsObjectNameEXT set_name =
      (PFN_vkSetDebugUtilsObjectNameEXT)vkGetInstanceProcAddr(
         core.instance, "vkSetDebugUtilsObjectNameEXT");

   ok(set_name(core.device, &name));
   assert_int_equal(bind_one(buffer, &bind), VK_ERROR_VALIDATION_FAILED_EXT);
   assert_non_null(strstr(core.message, "'terrain pages'"));
   vkDestroyBuffer(core.device, buffer, NULL);
}

/* The pages stay for as long as the buffer shows them. */
static void
test_memory_freed_while_bound(void **state)
{
   VkBuffer buffer = create_sparse(BUFFER_B);
   uint32_t *map, expected[TILES];
   VkDeviceMemory memory = allocate(BUFFER_B, &map);
   VkSparseMemoryBind bind = {0, BUFFER_B, memory, 0, 0};

   fill_tiles(map, TILES, 700);
   for (uint32_t i = 0; i < TILES; i++)
      expected[i] = 700 + i;
   ok(bind_one(buffer, &bind));
   vkFreeMemory(core.device, memory, NULL);
   /* Somebody else's memory must not show up there. */
   VkDeviceMemory other = allocate(BUFFER_B, &map);
   fill_tiles(map, TILES, 900);
   expect_tiles(buffer, expected);
   vkFreeMemory(core.device, other, NULL);
   vkDestroyBuffer(core.device, buffer, NULL);
}

/* A buffer whose end is in the middle of a block, bound as its size says. */
static void
test_ragged_end(void **state)
{
   VkBuffer buffer = create_sparse(15 * TILE + 100);
   uint32_t *map, expected[TILES];
   VkDeviceMemory memory = allocate(15 * TILE + 100, &map);
   VkSparseMemoryBind bind = {0, 15 * TILE + 100, memory, 0, 0};
   VkMemoryRequirements requirements;

   vkGetBufferMemoryRequirements(core.device, buffer, &requirements);
   assert_int_equal(requirements.size, 15 * TILE + 4096);
   assert_int_equal(requirements.alignment, 4096);
   fill_tiles(map, 15, 1100);
   map[15 * TILE / 4] = 1115;
   for (uint32_t i = 0; i < TILES; i++)
      expected[i] = 1100 + i;
   ok(bind_one(buffer, &bind));
   expect_tiles(buffer, expected);
   vkDestroyBuffer(core.device, buffer, NULL);
   vkFreeMemory(core.device, memory, NULL);
}

static void
test_zero_sized_allocation(void **state)
{
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
   };
   VkDeviceMemory memory = VK_NULL_HANDLE;
   (void)vkAllocateMemory(core.device, &info, NULL, &memory);
   vkFreeMemory(core.device, memory, NULL);
   vkFreeMemory(core.device, VK_NULL_HANDLE, NULL);
   vkDestroyBuffer(core.device, VK_NULL_HANDLE, NULL);
}

/* More than the address space: an error, not a crash, and the device lives. */
static void
test_too_large(void **state)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      .size = 1ull << 46,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
   };
   VkBuffer buffer = VK_NULL_HANDLE;
   assert_int_equal(vkCreateBuffer(core.device, &info, NULL, &buffer),
                    VK_ERROR_OUT_OF_DEVICE_MEMORY);
   vkDestroyBuffer(core.device, create_sparse(BUFFER_B), NULL);
}

static void
test_features_are_checked(void **state)
{
   VkPhysicalDeviceFeatures features = {.sparseResidency16Samples = VK_TRUE};
   VkDevice device;
   core.message[0] = '\0';
   assert_int_equal(create_device_with(&features, NULL, &device),
                    VK_ERROR_FEATURE_NOT_PRESENT);
   assert_non_null(strstr(core.message, "sparseResidency16Samples"));
   assert_int_equal(
      create_device_with(NULL, "VK_EXT_map_memory_placed", &device),
      VK_ERROR_EXTENSION_NOT_PRESENT);
}

/* What is left in a device goes with it, and the next one works. */
static void
test_leftovers(void **state)
{
   VkDevice first = core.device;
   VkQueue first_queue = core.queue;
   VkCommandPool first_pool = core.pool;
   VkFence first_fence = core.fence;

   create_device(NULL);
   VkBuffer buffer = create_sparse(BUFFER_B);
   VkSparseMemoryBind bind = {0, BUFFER_B, allocate(BUFFER_B, NULL), 0, 0};
   ok(bind_one(buffer, &bind));
   core.message[0] = '\0';
   destroy_device();
   assert_non_null(strstr(core.message, "1 sparse buffers and 1 memory"));

   core.device = first;
   core.queue = first_queue;
   core.pool = first_pool;
   core.fence = first_fence;
   vkDestroyBuffer(core.device, create_sparse(BUFFER_B), NULL);
}

/* The value of @name in the last line of the file at @path, or -1. */
static long long
read_counter(const char *path, const char *name)
{
   char text[8192], key[64];
   FILE *file = fopen(path, "re");
   assert_non_null(file);
   size_t length = fread(text, 1, sizeof(text) - 1, file);
   fclose(file);
   text[length] = '\0';
   assert_true(length > 2 && strcmp(text + length - 2, "}\n") == 0);
   snprintf(key, sizeof(key), "\"%s\": ", name);
   const char *last = NULL;
   for (const char *at = text; (at = strstr(at, key)) != NULL; at++)
      last = at;
   return last != NULL ? atoll(last + strlen(key)) : -1;
}

/* 16 tiles bound backwards in one call: one batch, one op. */
static void
test_statistics(void **state)
{
   char path[] = "/tmp/pansparse-stats-XXXXXX";
   int fd = mkstemp(path);
   assert_true(fd >= 0);
   close(fd);
   setenv("PANSPARSE_STATS", path, 1);

   create_instance(VK_API_VERSION_1_3);
   create_device(NULL);
   destroy_device();
   assert_int_equal(read_counter(path, "vm_bind_ioctls"), 0);
   assert_int_equal(read_counter(path, "binds"), 0);

   create_device(NULL);
   VkBuffer buffer = create_sparse(BUFFER_B);
   VkDeviceMemory memory = allocate(BUFFER_B, NULL);
   VkSparseMemoryBind binds[TILES];
   for (uint32_t i = 0; i < TILES; i++) {
      uint32_t tile = TILES - 1 - i;
      binds[i] =
         (VkSparseMemoryBind){tile * TILE, TILE, memory, tile * TILE, 0};
   }
   VkSparseBufferMemoryBindInfo buffer_info = {buffer, TILES, binds};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffer_info,
   };
   ok(vkQueueBindSparse(core.queue, 1, &info, VK_NULL_HANDLE));
   vkDestroyBuffer(core.device, buffer, NULL);
   vkFreeMemory(core.device, memory, NULL);
   destroy_device();
   destroy_instance();
   unsetenv("PANSPARSE_STATS");

   assert_int_equal(read_counter(path, "binds"), TILES);
   assert_int_equal(read_counter(path, "bind_batches"), 1);
   /* One each for the buffer's creation, the batch, and its destruction. */
   assert_int_equal(read_counter(path, "vm_bind_ioctls"), 3);
   assert_int_equal(read_counter(path, "vm_bind_ops"), 3);
   unlink(path);
}

static void
test_vulkan_1_0(void **state)
{
   create_instance(VK_API_VERSION_1_0);
   create_device(NULL);
   /* What the driver enables in the engine does not show. */
   assert_null(vkGetDeviceProcAddr(core.device, "vkWaitSemaphoresKHR"));
   assert_null(vkGetDeviceProcAddr(core.device, "vkGetDescriptorEXT"));
   VkBuffer buffer = create_sparse(BUFFER_B);
   uint32_t *map, expected[TILES];
   VkDeviceMemory memory = allocate(BUFFER_B, &map);
   VkSparseMemoryBind bind = {0, BUFFER_B, memory, 0, 0};
   VkSemaphoreCreateInfo semaphore_info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
   };
   VkSemaphore semaphore;
   VkSparseBufferMemoryBindInfo buffer_info = {buffer, 1, &bind};
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &semaphore,
      .bufferBindCount = 1,
      .pBufferBinds = &buffer_info,
   };
   VkSubmitInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &semaphore,
   };

   fill_tiles(map, TILES, 1300);
   for (uint32_t i = 0; i < TILES; i++)
      expected[i] = 1300 + i;
   ok(vkCreateSemaphore(core.device, &semaphore_info, NULL, &semaphore));
   ok(vkQueueSubmit(core.queue, 1, &signal, VK_NULL_HANDLE));
   ok(vkQueueBindSparse(core.queue, 1, &info, core.fence));
   ok(vkWaitForFences(core.device, 1, &core.fence, VK_TRUE, TIMEOUT));
   ok(vkResetFences(core.device, 1, &core.fence));
   expect_tiles(buffer, expected);
   vkDestroySemaphore(core.device, semaphore, NULL);
   vkDestroyBuffer(core.device, buffer, NULL);
   vkFreeMemory(core.device, memory, NULL);
   destroy_device();
   destroy_instance();
}

#define DEVICE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
   const struct CMUnitTest tests[] = {
      DEVICE_TEST(test_deep_queue),
      DEVICE_TEST(test_wait_idle_waits_for_binds),
      DEVICE_TEST(test_bad_binds),
      DEVICE_TEST(test_names),
      DEVICE_TEST(test_memory_freed_while_bound),
      DEVICE_TEST(test_ragged_end),
      DEVICE_TEST(test_zero_sized_allocation),
      DEVICE_TEST(test_too_large),
      DEVICE_TEST(test_features_are_checked),
      DEVICE_TEST(test_leftovers),
      cmocka_unit_test(test_statistics),
      cmocka_unit_test(test_vulkan_1_0),
   };
   return cmocka_run_group_tests_name("panvk_vk_core", tests, NULL, NULL);
}
