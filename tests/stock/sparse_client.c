/* SPDX-License-Identifier: MIT */
/*
 * An application with sparse resources of every kind that runs no shaders: it
 * creates, binds, rebinds and unbinds, waits on fences and semaphores, and
 * destroys. It links nothing, and says what it did, as TAP; the same program runs
 * on any Vulkan driver.
 *
 * SPARSE_CLIENT_TRANSLATIONS=FILE: what Panthor's page tables say after each bind
 * is appended to FILE, as debugfs has it.
 * SPARSE_CLIENT_PAUSE=1: waits for a line, with a buffer that is bound and filled,
 * for somebody to look at the process.
 */
#include "vk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_PAGES 4096u
#define BOUND_PAGES 64u

static unsigned steps;

/* A line of TAP: what was not so would have ended the program. */
static void __attribute__((format(printf, 1, 2)))
done(const char *format, ...)
{
   va_list args;

   va_start(args, format);
   printf("ok %u - ", ++steps);
   vprintf(format, args);
   printf("\n");
   va_end(args);
}

/* Some page of the buffer for each page of memory, no two alike. */
static uint32_t
scattered(uint32_t i)
{
   return i * 1031 % BUFFER_PAGES;
}

static void
note_translations(void)
{
   const char *path = getenv("SPARSE_CLIENT_TRANSLATIONS");
   static unsigned binds;
   char line[256];

   if (!path)
      return;
   FILE *from = fopen("/sys/kernel/debug/dri/128/translations", "re");
   FILE *to = fopen(path, "ae");
   CHECK(from && to);
   fprintf(to, "bind %u\n", ++binds);
   while (fgets(line, sizeof(line), from))
      fputs(line, to);
   fclose(from);
   CHECK(!fclose(to));
}

static void
pause_if_asked(void)
{
   char line[16];

   if (!getenv("SPARSE_CLIENT_PAUSE"))
      return;
   printf("# pause\n");
   CHECK(fgets(line, sizeof(line), stdin));
}

static VkFence
create_fence(struct vk *vk)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;

   CHECK(vk->CreateFence(vk->device, &info, NULL, &fence) == VK_SUCCESS);
   return fence;
}

static void
bind_and_wait(struct vk *vk, VkBindSparseInfo *info)
{
   VkFence fence = create_fence(vk);

   info->sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO;
   CHECK(vk->QueueBindSparse(vk->sparse, 1, info, fence) == VK_SUCCESS);
   CHECK(vk->WaitForFences(vk->device, 1, &fence, VK_TRUE, 10000000000ull) ==
         VK_SUCCESS);
   vk->DestroyFence(vk->device, fence, NULL);
   note_translations();
}

/* ----------------------------------------------------------------- buffer -- */

static VkBuffer
create_buffer(struct vk *vk, VkDeviceSize size_B, VkBufferCreateFlags flags,
              VkMemoryRequirements *needs_out)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT | flags,
      .size = size_B,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
   };
   VkBuffer buffer;

   CHECK(vk->CreateBuffer(vk->device, &info, NULL, &buffer) == VK_SUCCESS);
   vk->GetBufferMemoryRequirements(vk->device, buffer, needs_out);
   return buffer;
}

static void
bind_buffer(struct vk *vk, VkBuffer buffer, uint32_t count,
            const VkSparseMemoryBind *binds)
{
   const VkSparseBufferMemoryBindInfo info = {buffer, count, binds};

   bind_and_wait(vk, &(VkBindSparseInfo){.bufferBindCount = 1,
                                         .pBufferBinds = &info});
}

/* Pages here and there, then each to another's memory, then none. */
static void
use_buffer(struct vk *vk)
{
   const VkDeviceSize page_B = 65536;
   VkSparseMemoryBind binds[BOUND_PAGES];
   VkMemoryRequirements needs;
   VkBuffer buffer = create_buffer(vk, BUFFER_PAGES * page_B,
                                   VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT, &needs);
   VkDeviceMemory memory =
      vk_memory(vk, BOUND_PAGES * page_B, needs.memoryTypeBits);

   CHECK(page_B % needs.alignment == 0);
   for (uint32_t i = 0; i < BOUND_PAGES; i++)
      binds[i] = (VkSparseMemoryBind){.resourceOffset = scattered(i) * page_B,
                                      .size = page_B,
                                      .memory = memory,
                                      .memoryOffset = i * page_B};
   bind_buffer(vk, buffer, BOUND_PAGES, binds);
   for (uint32_t i = 0; i < BOUND_PAGES; i++)
      binds[i].memoryOffset = (BOUND_PAGES - 1 - i) * page_B;
   bind_buffer(vk, buffer, BOUND_PAGES, binds);
   /* All of the memory in one piece, over what is there. */
   bind_buffer(vk, buffer, 1,
               &(VkSparseMemoryBind){.size = BOUND_PAGES * page_B,
                                     .memory = memory});
   bind_buffer(vk, buffer, 1,
               &(VkSparseMemoryBind){.size = BUFFER_PAGES * page_B});

   vk->DestroyBuffer(vk->device, buffer, NULL);
   vk->FreeMemory(vk->device, memory, NULL);
   done("a residency buffer: bound, rebound, unbound");
}

/* ----------------------------------------------------------------- images -- */

static VkImage
create_image(struct vk *vk, VkImageType type, VkExtent3D extent, uint32_t levels,
             VkImageCreateFlags flags, VkMemoryRequirements *needs_out)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT | flags,
      .imageType = type,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = extent,
      .mipLevels = levels,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   VkImage image;

   CHECK(vk->CreateImage(vk->device, &info, NULL, &image) == VK_SUCCESS);
   vk->GetImageMemoryRequirements(vk->device, image, needs_out);
   return image;
}

static void
bind_opaque(struct vk *vk, VkImage image, const VkSparseMemoryBind *bind)
{
   const VkSparseImageOpaqueMemoryBindInfo info = {image, 1, bind};

   bind_and_wait(vk, &(VkBindSparseInfo){.imageOpaqueBindCount = 1,
                                         .pImageOpaqueBinds = &info});
}

/* A block of 4 x 4 x 1 tiles; @memory may be none. */
static void
bind_tiles(struct vk *vk, VkImage image, VkExtent3D tile, VkDeviceMemory memory)
{
   const VkSparseImageMemoryBind bind = {
      .subresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT},
      .offset = {(int32_t)tile.width, (int32_t)tile.height, 0},
      .extent = {4 * tile.width, 4 * tile.height, tile.depth},
      .memory = memory,
   };
   const VkSparseImageMemoryBindInfo info = {image, 1, &bind};

   bind_and_wait(vk, &(VkBindSparseInfo){.imageBindCount = 1,
                                         .pImageBinds = &info});
}

/* Tiles and the tail, bound twice and unbound. */
static void
use_residency_image(struct vk *vk, const char *what, VkImageType type,
                    VkExtent3D extent, uint32_t levels)
{
   VkMemoryRequirements needs;
   VkImage image = create_image(vk, type, extent, levels,
                                VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT, &needs);
   VkSparseImageMemoryRequirements sparse;
   uint32_t count = 1;

   vk->GetImageSparseMemoryRequirements(vk->device, image, &count, &sparse);
   CHECK(count == 1);
   VkExtent3D tile = sparse.formatProperties.imageGranularity;
   VkDeviceMemory tiles = vk_memory(vk, 16 * needs.alignment,
                                    needs.memoryTypeBits);
   VkDeviceMemory others = vk_memory(vk, 16 * needs.alignment,
                                     needs.memoryTypeBits);
   VkDeviceMemory tail = VK_NULL_HANDLE;
   VkSparseMemoryBind tail_bind = {
      .resourceOffset = sparse.imageMipTailOffset,
      .size = sparse.imageMipTailSize,
   };

   bind_tiles(vk, image, tile, tiles);
   if (tail_bind.size) {
      tail = vk_memory(vk, tail_bind.size, needs.memoryTypeBits);
      tail_bind.memory = tail;
      bind_opaque(vk, image, &tail_bind);
   }
   bind_tiles(vk, image, tile, others);
   bind_tiles(vk, image, tile, VK_NULL_HANDLE);
   if (tail_bind.size) {
      tail_bind.memory = VK_NULL_HANDLE;
      bind_opaque(vk, image, &tail_bind);
   }
   vk->DestroyImage(vk->device, image, NULL);
   vk->FreeMemory(vk->device, tiles, NULL);
   vk->FreeMemory(vk->device, others, NULL);
   vk->FreeMemory(vk->device, tail, NULL);
   done("%s: tiles of %u x %u x %u and a tail of %llu KiB, bound, rebound, unbound",
        what, tile.width, tile.height, tile.depth,
        (unsigned long long)sparse.imageMipTailSize / 1024);
}

/* As a whole, in two halves of memory that change places. */
static void
use_opaque_image(struct vk *vk)
{
   const VkExtent3D extent = {1024, 1024, 1};
   VkMemoryRequirements needs;
   VkImage image = create_image(vk, VK_IMAGE_TYPE_2D, extent, 1, 0, &needs);
   VkDeviceMemory memory = vk_memory(vk, needs.size, needs.memoryTypeBits);
   VkDeviceSize half_B = needs.size / 2 / needs.alignment * needs.alignment;

   bind_opaque(vk, image, &(VkSparseMemoryBind){.size = needs.size,
                                                .memory = memory});
   bind_opaque(vk, image, &(VkSparseMemoryBind){.size = half_B,
                                                .memory = memory,
                                                .memoryOffset = half_B});
   bind_opaque(vk, image, &(VkSparseMemoryBind){.resourceOffset = half_B,
                                                .size = half_B,
                                                .memory = memory});
   vk->DestroyImage(vk->device, image, NULL);
   vk->FreeMemory(vk->device, memory, NULL);
   done("a sparse image without residency: bound, rebound, destroyed bound");
}

/* ------------------------------------------------------------------- work -- */

static VkSemaphore
create_timeline(struct vk *vk)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = &type,
   };
   VkSemaphore semaphore;

   CHECK(vk->CreateSemaphore(vk->device, &info, NULL, &semaphore) == VK_SUCCESS);
   return semaphore;
}

/* A command buffer that fills what is bound of @buffer. */
static VkCommandBuffer
record_fill(struct vk *vk, VkCommandPool *pool_out, VkBuffer buffer)
{
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = vk->work_family,
   };
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
   };
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
   };
   VkCommandBuffer commands;

   CHECK(vk->CreateCommandPool(vk->device, &pool_info, NULL, pool_out) ==
         VK_SUCCESS);
   info.commandPool = *pool_out;
   CHECK(vk->AllocateCommandBuffers(vk->device, &info, &commands) == VK_SUCCESS);
   CHECK(vk->BeginCommandBuffer(commands, &begin) == VK_SUCCESS);
   vk->CmdFillBuffer(commands, buffer, 0, 65536, 0x12345678);
   CHECK(vk->EndCommandBuffer(commands) == VK_SUCCESS);
   return commands;
}

/* 1: the host, 2: the bind that waits for it, 3: the work that waits for that. */
static void
submit_chain(struct vk *vk, VkSemaphore timeline, VkBuffer buffer,
             const VkSparseMemoryBind *bind, VkCommandBuffer commands)
{
   const uint64_t values[] = {1, 2, 3};
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkSparseBufferMemoryBindInfo binds = {buffer, 1, bind};
   VkTimelineSemaphoreSubmitInfo points = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &values[0],
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &values[1],
   };
   const VkBindSparseInfo bind_info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .pNext = &points,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &timeline,
      .bufferBindCount = 1,
      .pBufferBinds = &binds,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &timeline,
   };
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = &points,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &timeline,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &timeline,
   };

   CHECK(vk->QueueBindSparse(vk->sparse, 1, &bind_info, VK_NULL_HANDLE) ==
         VK_SUCCESS);
   points.pWaitSemaphoreValues = &values[1];
   points.pSignalSemaphoreValues = &values[2];
   CHECK(vk->QueueSubmit(vk->work, 1, &submit, VK_NULL_HANDLE) == VK_SUCCESS);
}

static void
wait_for(struct vk *vk, VkSemaphore timeline, uint64_t value)
{
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &timeline,
      .pValues = &value,
   };

   CHECK(vk->WaitSemaphores(vk->device, &info, 10000000000ull) == VK_SUCCESS);
}

static void
use_queues(struct vk *vk)
{
   VkMemoryRequirements needs;
   VkBuffer buffer = create_buffer(vk, 1 << 20, 0, &needs);
   VkDeviceMemory memory = vk_memory(vk, needs.size, needs.memoryTypeBits);
   const VkSparseMemoryBind bind = {.size = needs.size, .memory = memory};
   VkSemaphore timeline = create_timeline(vk);
   VkCommandPool pool;
   VkCommandBuffer commands = record_fill(vk, &pool, buffer);
   const VkSemaphoreSignalInfo go = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = timeline,
      .value = 1,
   };
   uint64_t value;

   submit_chain(vk, timeline, buffer, &bind, commands);
   CHECK(vk->GetSemaphoreCounterValue(vk->device, timeline, &value) ==
         VK_SUCCESS);
   CHECK(value == 0);
   CHECK(vk->SignalSemaphore(vk->device, &go) == VK_SUCCESS);
   wait_for(vk, timeline, 3);
   note_translations();
   CHECK(vk->DeviceWaitIdle(vk->device) == VK_SUCCESS);
   pause_if_asked();

   vk->DestroyCommandPool(vk->device, pool, NULL);
   vk->DestroySemaphore(vk->device, timeline, NULL);
   vk->DestroyBuffer(vk->device, buffer, NULL);
   vk->FreeMemory(vk->device, memory, NULL);
   done("a bind that waits for the host, and work that waits for the bind");
}

int
main(void)
{
   struct vk vk;

   /* What was done is known even where the next thing ends badly. */
   setvbuf(stdout, NULL, _IOLBF, 0);
   vk_open(&vk);
   printf("# %s, sparse queue family %u\n", vk.properties.deviceName,
          vk.sparse_family);
   if (vk.features.sparseResidencyBuffer)
      use_buffer(&vk);
   use_opaque_image(&vk);
   if (vk.features.sparseResidencyImage2D)
      use_residency_image(&vk, "a residency image", VK_IMAGE_TYPE_2D,
                          (VkExtent3D){4096, 4096, 1}, 13);
   if (vk.features.sparseResidencyImage3D)
      use_residency_image(&vk, "a residency volume", VK_IMAGE_TYPE_3D,
                          (VkExtent3D){256, 256, 64}, 1);
   use_queues(&vk);
   vk_close(&vk);
   done("all destroyed");
   printf("1..%u\n", steps);
   return 0;
}
