/* SPDX-License-Identifier: MIT */
/* See panvk_strict.h. */
#include "panvk_strict.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "panvk_cmd.h"

/* ------------------------------------------------------------ bulk code -- */

struct search {
   struct pan_kmod_dev *kmod;
   uintptr_t addr;
};

/* The executable parts of the object that holds the address. */
static int
add_object(struct dl_phdr_info *info, size_t size, void *data)
{
   const struct search *search = data;
   bool found = false;

   (void)size;
   for (int i = 0; i < info->dlpi_phnum; i++) {
      const ElfW(Phdr) *header = &info->dlpi_phdr[i];
      if (header->p_type == PT_LOAD &&
          search->addr - (info->dlpi_addr + header->p_vaddr) < header->p_memsz)
         found = true;
   }
   for (int i = 0; i < info->dlpi_phnum && found; i++) {
      const ElfW(Phdr) *header = &info->dlpi_phdr[i];
      /* Where there is no room for more its stores are stepped over. */
      if (header->p_type == PT_LOAD && header->p_flags & PF_X)
         (void)pan_kmod_bulk_code_add(
            search->kmod, (const void *)(info->dlpi_addr + header->p_vaddr),
            header->p_memsz);
   }
   return found;
}

/* The engine's library, and the C library, which copies for it. */
static void
add_bulk_code(struct panvk_device *dev)
{
   struct search engine = {dev->kmod, (uintptr_t)dev->vk.CmdFillBuffer};
   struct search libc = {dev->kmod, (uintptr_t)memcpy};

   dl_iterate_phdr(add_object, &engine);
   dl_iterate_phdr(add_object, &libc);
}

/* -------------------------------------------------------- barrier page -- */

/* A page that is one mapping whatever its neighbours are. */
static bool
map_page(struct panvk_strict *strict)
{
   return mmap(strict->range.ptr, PANVK_PAGE_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static VkResult
create_page(struct panvk_device *dev, struct panvk_strict *strict)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = PANVK_PAGE_SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements requirements;
   VkResult result =
      dev->vk.CreateBuffer(dev->handle, &info, NULL, &strict->buffer);

   if (result != VK_SUCCESS)
      return result;
   dev->vk.GetBufferMemoryRequirements(dev->handle, strict->buffer,
                                       &requirements);
   result = panvk_host_range_init(
      dev, PANVK_ALIGN(requirements.size, PANVK_SPARSE_BLOCK_SIZE),
      (uint32_t)__builtin_ctz(requirements.memoryTypeBits), &strict->range);
   if (result != VK_SUCCESS)
      return result;
   if (!map_page(strict))
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   return dev->vk.BindBufferMemory(dev->handle, strict->buffer,
                                   strict->range.memory, 0);
}

void
panvk_strict_init(struct panvk_device *dev)
{
   struct panvk_strict *strict = &dev->strict;

   if (!pan_kmod_dev_props(dev->kmod)->null_memory)
      return;
   if (create_page(dev, strict) != VK_SUCCESS ||
       pan_kmod_barrier_add(dev->kmod, strict->range.ptr) != 0) {
      panvk_warning(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
                    panvk_key(dev->handle),
                    "no barrier page: transfers to unbound memory are slow");
      panvk_strict_finish(dev);
      return;
   }
   strict->ready = true;
   add_bulk_code(dev);
}

void
panvk_strict_finish(struct panvk_device *dev)
{
   struct panvk_strict *strict = &dev->strict;

   if (strict->ready)
      pan_kmod_barrier_remove(dev->kmod, strict->range.ptr);
   if (strict->buffer != VK_NULL_HANDLE)
      dev->vk.DestroyBuffer(dev->handle, strict->buffer, NULL);
   panvk_host_range_finish(dev, &strict->range);
   *strict = (struct panvk_strict){0};
}

/* ------------------------------------------------------------- barriers -- */

void
panvk_strict_record_barrier(struct panvk_cmd *cmd)
{
   const struct panvk_strict *strict = &cmd->dev->strict;

   if (strict->ready && !cmd->in_render_pass)
      cmd->dev->vk.CmdFillBuffer(cmd->handle, strict->buffer, 0, 4, 0);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdPipelineBarrier(
   VkCommandBuffer commandBuffer, VkPipelineStageFlags srcStageMask,
   VkPipelineStageFlags dstStageMask, VkDependencyFlags dependencyFlags,
   uint32_t memoryBarrierCount, const VkMemoryBarrier *pMemoryBarriers,
   uint32_t bufferMemoryBarrierCount,
   const VkBufferMemoryBarrier *pBufferMemoryBarriers,
   uint32_t imageMemoryBarrierCount,
   const VkImageMemoryBarrier *pImageMemoryBarriers)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdPipelineBarrier(
      commandBuffer, srcStageMask, dstStageMask, dependencyFlags,
      memoryBarrierCount, pMemoryBarriers, bufferMemoryBarrierCount,
      pBufferMemoryBarriers, imageMemoryBarrierCount, pImageMemoryBarriers);
   panvk_strict_record_barrier(cmd);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdPipelineBarrier2(VkCommandBuffer commandBuffer,
                          const VkDependencyInfo *pDependencyInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdPipelineBarrier2(commandBuffer, pDependencyInfo);
   panvk_strict_record_barrier(cmd);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdWaitEvents(VkCommandBuffer commandBuffer, uint32_t eventCount,
                    const VkEvent *pEvents, VkPipelineStageFlags srcStageMask,
                    VkPipelineStageFlags dstStageMask,
                    uint32_t memoryBarrierCount,
                    const VkMemoryBarrier *pMemoryBarriers,
                    uint32_t bufferMemoryBarrierCount,
                    const VkBufferMemoryBarrier *pBufferMemoryBarriers,
                    uint32_t imageMemoryBarrierCount,
                    const VkImageMemoryBarrier *pImageMemoryBarriers)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdWaitEvents(
      commandBuffer, eventCount, pEvents, srcStageMask, dstStageMask,
      memoryBarrierCount, pMemoryBarriers, bufferMemoryBarrierCount,
      pBufferMemoryBarriers, imageMemoryBarrierCount, pImageMemoryBarriers);
   panvk_strict_record_barrier(cmd);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdWaitEvents2(VkCommandBuffer commandBuffer, uint32_t eventCount,
                     const VkEvent *pEvents,
                     const VkDependencyInfo *pDependencyInfos)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdWaitEvents2(commandBuffer, eventCount, pEvents,
                               pDependencyInfos);
   panvk_strict_record_barrier(cmd);
}

/* --------------------------------------------------- copies by the host -- */

/* The application waits, and may read at once. */
static void
barrier_now(struct panvk_device *dev)
{
   if (dev->strict.ready)
      pan_kmod_barrier(dev->kmod);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CopyMemoryToImageEXT(
   VkDevice device, const VkCopyMemoryToImageInfoEXT *pCopyMemoryToImageInfo)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result =
      dev->vk.CopyMemoryToImageEXT(device, pCopyMemoryToImageInfo);

   barrier_now(dev);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CopyImageToImageEXT(
   VkDevice device, const VkCopyImageToImageInfoEXT *pCopyImageToImageInfo)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result = dev->vk.CopyImageToImageEXT(device, pCopyImageToImageInfo);

   barrier_now(dev);
   return result;
}
