/* SPDX-License-Identifier: MIT */
/*
 * From a command buffer to its device, and the life of both. See panvk_cmd.h.
 *
 * Command buffers are found in one map for the process: nothing but the handle
 * is given when a command is recorded. Their pools are the device's.
 */
#include "panvk_cmd.h"

#include <stdlib.h>

#include "panvk_render.h"
#include "panvk_queue_family.h"
#include "panvk_strict.h"

struct panvk_cmd_pool {
   struct panvk_cmd *first;
};

static struct panvk_map cmds = PANVK_MAP_INITIALIZER;

/* -------------------------------------------------------------- look-up -- */

/*
 * Threads record many commands into one command buffer, so each remembers the
 * one it found last, for as long as none is freed anywhere.
 */
static _Atomic uint64_t frees;
static _Thread_local struct {
   struct panvk_cmd *cmd;
   VkCommandBuffer handle;
   uint64_t frees;
} last;

struct panvk_cmd *
panvk_cmd_from_handle(VkCommandBuffer handle)
{
   /*
    * Whoever may use a handle comes after its allocation, and so after the
    * free of whatever had it before.
    */
   uint64_t now = atomic_load_explicit(&frees, memory_order_relaxed);

   if (last.handle != handle || last.frees != now || !last.cmd) {
      last.cmd = panvk_map_find(&cmds, panvk_key(handle));
      last.handle = handle;
      last.frees = now;
   }
   return last.cmd;
}

struct panvk_device *
panvk_device_of_cmd(VkCommandBuffer handle)
{
   return panvk_cmd_from_handle(handle)->dev;
}

void
panvk_cmd_set_error(struct panvk_cmd *cmd, VkResult result)
{
   if (cmd->result == VK_SUCCESS)
      cmd->result = result;
}

/* ------------------------------------------------------------- life time -- */

/* To the state of a command buffer that nothing was recorded into. */
static void
reset(struct panvk_cmd *cmd)
{
   cmd->result = VK_SUCCESS;
   cmd->in_render_pass = false;
   panvk_render_finish(cmd);
}

/* Where it returns false nothing has changed. */
static bool
add(struct panvk_device *dev, struct panvk_cmd_pool *pool,
    VkCommandBuffer handle)
{
   struct panvk_cmd *cmd = calloc(1, sizeof(*cmd));

   if (!cmd)
      return false;
   cmd->handle = handle;
   cmd->dev = dev;
   if (!panvk_map_insert(&cmds, panvk_key(handle), cmd)) {
      free(cmd);
      return false;
   }
   cmd->next = pool->first;
   cmd->prev = &pool->first;
   if (cmd->next)
      cmd->next->prev = &cmd->next;
   pool->first = cmd;
   return true;
}

static void
drop(struct panvk_cmd *cmd)
{
   atomic_fetch_add_explicit(&frees, 1, memory_order_relaxed);
   panvk_map_remove(&cmds, panvk_key(cmd->handle));
   *cmd->prev = cmd->next;
   if (cmd->next)
      cmd->next->prev = cmd->prev;
   reset(cmd);
   free(cmd);
}

static void
drop_all(struct panvk_cmd_pool *pool)
{
   while (pool->first)
      drop(pool->first);
}

static void
drop_handles(const VkCommandBuffer *handles, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      struct panvk_cmd *cmd =
         handles[i] ? panvk_map_find(&cmds, panvk_key(handles[i])) : NULL;

      if (cmd)
         drop(cmd);
   }
}

static void
finish_pool(void *value, void *data)
{
   (void)data;
   drop_all(value);
   free(value);
}

void
panvk_cmd_finish_device(struct panvk_device *dev)
{
   panvk_map_foreach(&dev->cmd_pools, finish_pool, NULL);
}

/* ----------------------------------------------------------------- pools -- */

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateCommandPool(VkDevice device,
                        const VkCommandPoolCreateInfo *pCreateInfo,
                        const VkAllocationCallbacks *pAllocator,
                        VkCommandPool *pCommandPool)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_cmd_pool *pool = calloc(1, sizeof(*pool));
   VkCommandPool handle;

   if (!pool)
      return VK_ERROR_OUT_OF_HOST_MEMORY;

   /* A pool of the sparse family is allowed, and of no use. */
   VkCommandPoolCreateInfo info = *pCreateInfo;
   info.queueFamilyIndex = PANVK_FAMILY_UNIVERSAL;
   VkResult result =
      dev->vk.CreateCommandPool(device, &info, pAllocator, &handle);
   if (result != VK_SUCCESS)
      goto err_free;
   if (!panvk_map_insert(&dev->cmd_pools, panvk_key(handle), pool)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto err_destroy;
   }
   *pCommandPool = handle;
   return VK_SUCCESS;

err_destroy:
   dev->vk.DestroyCommandPool(device, handle, pAllocator);
err_free:
   free(pool);
   return result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyCommandPool(VkDevice device, VkCommandPool commandPool,
                         const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_cmd_pool *pool =
      commandPool ? panvk_map_remove(&dev->cmd_pools, panvk_key(commandPool))
                  : NULL;

   if (pool) {
      drop_all(pool);
      free(pool);
   }
   dev->vk.DestroyCommandPool(device, commandPool, pAllocator);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_ResetCommandPool(VkDevice device, VkCommandPool commandPool,
                       VkCommandPoolResetFlags flags)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_cmd_pool *pool =
      panvk_map_find(&dev->cmd_pools, panvk_key(commandPool));

   for (struct panvk_cmd *cmd = pool->first; cmd; cmd = cmd->next)
      reset(cmd);
   return dev->vk.ResetCommandPool(device, commandPool, flags);
}

/* ------------------------------------------------------- command buffers -- */

VKAPI_ATTR VkResult VKAPI_CALL
panvk_AllocateCommandBuffers(VkDevice device,
                             const VkCommandBufferAllocateInfo *pAllocateInfo,
                             VkCommandBuffer *pCommandBuffers)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_cmd_pool *pool =
      panvk_map_find(&dev->cmd_pools, panvk_key(pAllocateInfo->commandPool));
   const uint32_t count = pAllocateInfo->commandBufferCount;
   VkResult result =
      dev->vk.AllocateCommandBuffers(device, pAllocateInfo, pCommandBuffers);

   if (result != VK_SUCCESS)
      return result;
   for (uint32_t i = 0; i < count; i++) {
      if (add(dev, pool, pCommandBuffers[i]))
         continue;
      drop_handles(pCommandBuffers, i);
      dev->vk.FreeCommandBuffers(device, pAllocateInfo->commandPool, count,
                                 pCommandBuffers);
      for (uint32_t j = 0; j < count; j++)
         pCommandBuffers[j] = VK_NULL_HANDLE;
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL
panvk_FreeCommandBuffers(VkDevice device, VkCommandPool commandPool,
                         uint32_t commandBufferCount,
                         const VkCommandBuffer *pCommandBuffers)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   drop_handles(pCommandBuffers, commandBufferCount);
   dev->vk.FreeCommandBuffers(device, commandPool, commandBufferCount,
                              pCommandBuffers);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_BeginCommandBuffer(VkCommandBuffer commandBuffer,
                         const VkCommandBufferBeginInfo *pBeginInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   reset(cmd);
   cmd->in_render_pass =
      pBeginInfo->flags & VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT;
   return cmd->dev->vk.BeginCommandBuffer(commandBuffer, pBeginInfo);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_EndCommandBuffer(VkCommandBuffer commandBuffer)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   panvk_strict_record_barrier(cmd);

   VkResult result = cmd->dev->vk.EndCommandBuffer(commandBuffer);

   return result == VK_SUCCESS ? cmd->result : result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_ResetCommandBuffer(VkCommandBuffer commandBuffer,
                         VkCommandBufferResetFlags flags)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   reset(cmd);
   return cmd->dev->vk.ResetCommandBuffer(commandBuffer, flags);
}
