/* SPDX-License-Identifier: MIT */
#include "megatexture.h"
#include "landscape.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define PINNED_LEVEL 5 /* 4 x 4 tiles, and all coarser levels */
#define TEXEL_SIZE_B 4
#define MAX_FILL_THREADS 16

/* -------------------------------------------------------------- creation -- */

static bool
create_image(struct megatexture *tex)
{
   const struct vkh *vk = tex->vk;
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {LANDSCAPE_SIZE, LANDSCAPE_SIZE, 1},
      .mipLevels = LANDSCAPE_LEVELS,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   VkImageFormatProperties limits;
   VkResult result = vkGetPhysicalDeviceImageFormatProperties(
      vk->physical, info.format, info.imageType, info.tiling, info.usage,
      info.flags, &limits);

   if (result == VK_SUCCESS && (limits.maxExtent.width < LANDSCAPE_SIZE ||
                                limits.maxExtent.height < LANDSCAPE_SIZE ||
                                limits.maxMipLevels < LANDSCAPE_LEVELS))
      result = VK_ERROR_FORMAT_NOT_SUPPORTED;
   if (result == VK_SUCCESS)
      result = vkCreateImage(vk->device, &info, NULL, &tex->image);
   if (result != VK_SUCCESS) {
      fprintf(stderr,
              "megatexture: no sparse image of %u x %u texels on this device: "
              "%s\n",
              LANDSCAPE_SIZE, LANDSCAPE_SIZE, vkh_result_name(result));
      return false;
   }
   return true;
}

/* Reads the layout of the image; false if it needs what is not done here. */
static bool
read_requirements(struct megatexture *tex, uint32_t *type_bits_out)
{
   const struct vkh *vk = tex->vk;
   const VkSparseImageMemoryRequirements sparse =
      vkh_sparse_requirements(vk, tex->image);
   VkSparseImageMemoryRequirements list[8];
   uint32_t count = VKH_ARRAY_SIZE(list);
   VkMemoryRequirements memory;

   vkGetImageSparseMemoryRequirements(vk->device, tex->image, &count, list);
   for (uint32_t i = 0; i < count; i++) {
      if (list[i].formatProperties.aspectMask & VK_IMAGE_ASPECT_METADATA_BIT) {
         fprintf(stderr, "megatexture: %s wants memory for metadata, which "
                         "this program does not bind\n",
                 vk->properties.deviceName);
         return false;
      }
   }
   vkGetImageMemoryRequirements(vk->device, tex->image, &memory);
   *type_bits_out = memory.memoryTypeBits;
   tex->tile_width = sparse.formatProperties.imageGranularity.width;
   tex->tile_height = sparse.formatProperties.imageGranularity.height;
   tex->page_size_B =
      (VkDeviceSize)tex->tile_width * tex->tile_height * TEXEL_SIZE_B;
   /* A tile takes a page, and pages start at multiples of the alignment. */
   tex->page_size_B = (tex->page_size_B + memory.alignment - 1) /
                      memory.alignment * memory.alignment;
   tex->tail_first_level = sparse.imageMipTailFirstLod < LANDSCAPE_LEVELS
                              ? sparse.imageMipTailFirstLod
                              : LANDSCAPE_LEVELS;
   tex->tail_size_B = tex->tail_first_level < LANDSCAPE_LEVELS
                         ? sparse.imageMipTailSize
                         : 0;
   return true;
}

static bool
create_pool(struct megatexture *tex, uint32_t type_bits, VkDeviceSize budget_B)
{
   const VkDeviceSize page_B = tex->page_size_B;
   /* The mip tail lies behind the pages. */
   const VkDeviceSize tail_B =
      (tex->tail_size_B + page_B - 1) / page_B * page_B;
   const VkDeviceSize pages_B =
      budget_B > tail_B ? (budget_B - tail_B) / page_B * page_B : 0;

   residency_init(&tex->residency, LANDSCAPE_SIZE, tex->tile_width,
                  tex->tile_height, tex->tail_first_level,
                  (uint32_t)(pages_B / page_B));
   tex->bound_limit_B = pages_B + tail_B;
   if (pages_B == 0) {
      fprintf(stderr, "megatexture: the budget does not hold one tile\n");
      return false;
   }

   VkResult result = vkh_memory_try_alloc(tex->vk, tex->bound_limit_B,
                                          type_bits, VKH_MEMORY_DEVICE,
                                          &tex->pool);

   if (result != VK_SUCCESS)
      fprintf(stderr, "megatexture: no memory of %llu MiB: %s\n",
              (unsigned long long)(tex->bound_limit_B >> 20),
              vkh_result_name(result));
   return result == VK_SUCCESS;
}

static void
create_view_and_sampler(struct megatexture *tex)
{
   const VkImageViewCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = tex->image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, LANDSCAPE_LEVELS, 0,
                           1},
   };
   const VkSamplerCreateInfo sampler = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .magFilter = VK_FILTER_LINEAR,
      .minFilter = VK_FILTER_LINEAR,
      .mipmapMode = VK_SAMPLER_MIPMAP_MODE_NEAREST,
      .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
      .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
      .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
      .maxLod = VK_LOD_CLAMP_NONE,
   };

   VKH_CHECK(vkCreateImageView(tex->vk->device, &view, NULL, &tex->view));
   VKH_CHECK(vkCreateSampler(tex->vk->device, &sampler, NULL, &tex->sampler));
}

/* --------------------------------------------------------------- filling -- */

struct fill_job {
   struct megatexture *tex;
   uint32_t next; /* taken with atomic increments */
};

static VkExtent2D
tile_extent(const struct megatexture *tex, uint32_t level, uint32_t column,
            uint32_t row)
{
   const uint32_t across = LANDSCAPE_SIZE >> level;
   const uint32_t x = column * tex->tile_width, y = row * tex->tile_height;

   return (VkExtent2D){
      across - x < tex->tile_width ? across - x : tex->tile_width,
      across - y < tex->tile_height ? across - y : tex->tile_height,
   };
}

static void *
fill_tiles(void *data)
{
   struct fill_job *job = data;
   struct megatexture *tex = job->tex;

   for (;;) {
      const uint32_t i = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
      uint32_t level, column, row;

      if (i >= tex->plan_count)
         return NULL;
      residency_locate(&tex->residency, tex->plan[i].tile, &level, &column,
                       &row);

      const VkExtent2D extent = tile_extent(tex, level, column, row);

      landscape_fill(level, column * tex->tile_width, row * tex->tile_height,
                     extent.width, extent.height,
                     (uint32_t *)((char *)tex->staging.map +
                                  i * tex->page_size_B));
   }
}

/* The tiles of the plan into the staging buffer, one page each. */
static void
fill_staging(struct megatexture *tex)
{
   struct fill_job job = {.tex = tex};
   pthread_t threads[MAX_FILL_THREADS];
   long wanted = sysconf(_SC_NPROCESSORS_ONLN) - 1;
   int started = 0;
   const double start = vkh_seconds();

   if (wanted > MAX_FILL_THREADS)
      wanted = MAX_FILL_THREADS;
   /* Where no thread can be had, this one does it all. */
   while (started < wanted && started + 1 < (int)tex->plan_count &&
          pthread_create(&threads[started], NULL, fill_tiles, &job) == 0)
      started++;
   fill_tiles(&job);
   for (int i = 0; i < started; i++)
      pthread_join(threads[i], NULL);
   tex->tiles_filled += tex->plan_count;
   tex->fill_seconds += vkh_seconds() - start;
}

/* --------------------------------------------------------------- binding -- */

static VkSparseImageMemoryBind
tile_bind(const struct megatexture *tex, uint32_t tile, uint32_t page)
{
   uint32_t level, column, row;

   residency_locate(&tex->residency, tile, &level, &column, &row);

   const VkExtent2D extent = tile_extent(tex, level, column, row);
   VkSparseImageMemoryBind bind = {
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0},
      .offset = {(int32_t)(column * tex->tile_width),
                 (int32_t)(row * tex->tile_height), 0},
      .extent = {extent.width, extent.height, 1},
   };

   if (page != RESIDENCY_NO_PAGE) {
      bind.memory = tex->pool;
      bind.memoryOffset = page * tex->page_size_B;
   }
   return bind;
}

/* One call, one batch: behind all rendering so far, before all that follows. */
static void
bind_batch(struct megatexture *tex, const VkSparseImageMemoryBindInfo *tiles,
           const VkSparseImageOpaqueMemoryBindInfo *tail)
{
   const uint64_t wait = tex->timeline_value, signal = wait + 1;
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &wait,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &signal,
   };
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .pNext = &values,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &tex->timeline,
      .imageBindCount = tiles ? 1 : 0,
      .pImageBinds = tiles,
      .imageOpaqueBindCount = tail ? 1 : 0,
      .pImageOpaqueBinds = tail,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &tex->timeline,
   };
   const double start = vkh_seconds();

   VKH_CHECK(
      vkQueueBindSparse(tex->vk->sparse_queue, 1, &info, VK_NULL_HANDLE));
   tex->bind_seconds += vkh_seconds() - start;
   tex->timeline_value = signal;
   tex->bind_calls++;
   tex->binds += (tiles ? tiles->bindCount : 0) + (tail ? tail->bindCount : 0);
}

static void
bind_plan(struct megatexture *tex)
{
   VkSparseImageMemoryBind binds[2 * MEGATEXTURE_FRAME_BINDS];
   uint32_t count = 0;

   for (uint32_t i = 0; i < tex->plan_count; i++) {
      if (tex->plan[i].evicted != UINT32_MAX)
         binds[count++] =
            tile_bind(tex, tex->plan[i].evicted, RESIDENCY_NO_PAGE);
      binds[count++] = tile_bind(tex, tex->plan[i].tile, tex->plan[i].page);
   }
   if (tex->sabotage && tex->plan_count >= 2) {
      /* The last tile gets the page of the one before it. */
      const VkDeviceSize wrong =
         tex->plan[tex->plan_count - 2].page * tex->page_size_B;

      binds[count - 1].memoryOffset = wrong;
      tex->sabotage = false;
   }

   const VkSparseImageMemoryBindInfo info = {tex->image, count, binds};

   bind_batch(tex, &info, NULL);
}

/* The levels of the mip tail, in one piece behind the pages. */
static void
bind_tail(struct megatexture *tex, VkDeviceSize tail_offset_B)
{
   const VkSparseMemoryBind bind = {
      .resourceOffset = tail_offset_B,
      .size = tex->tail_size_B,
      .memory = tex->pool,
      .memoryOffset = tex->residency.page_count * tex->page_size_B,
   };
   const VkSparseImageOpaqueMemoryBindInfo info = {tex->image, 1, &bind};

   bind_batch(tex, NULL, &info);
}

static VkBufferImageCopy
copy_region(uint32_t level, uint32_t x, uint32_t y, VkExtent2D extent,
            VkDeviceSize buffer_offset)
{
   return (VkBufferImageCopy){
      .bufferOffset = buffer_offset,
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
      .imageOffset = {(int32_t)x, (int32_t)y, 0},
      .imageExtent = {extent.width, extent.height, 1},
   };
}

static void
upload_tail(struct megatexture *tex)
{
   VkCommandBuffer cmd = vkh_begin(tex->vk);
   VkDeviceSize offset = 0;

   for (uint32_t level = tex->tail_first_level; level < LANDSCAPE_LEVELS;
        level++) {
      const uint32_t across = LANDSCAPE_SIZE >> level;
      const VkBufferImageCopy region =
         copy_region(level, 0, 0, (VkExtent2D){across, across}, offset);

      landscape_fill(level, 0, 0, across, across,
                     (uint32_t *)((char *)tex->staging.map + offset));
      vkCmdCopyBufferToImage(cmd, tex->staging.buffer, tex->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &region);
      offset += (VkDeviceSize)across * across * TEXEL_SIZE_B;
   }
   megatexture_submit_and_wait(tex, cmd);
}

/* Binds and fills all that stays: the coarse levels and the mip tail. */
static bool
bind_pinned(struct megatexture *tex)
{
   const uint32_t pinned_first =
      PINNED_LEVEL < tex->tail_first_level
         ? tex->residency.levels[PINNED_LEVEL].first
         : tex->residency.tile_count;
   const uint32_t pinned = tex->residency.tile_count - pinned_first;
   struct residency_bind *all = vkh_calloc(pinned, sizeof(*all));
   uint32_t count;

   /* Evicting needs something to evict: leave room for a frame's worth. */
   if (tex->residency.page_count < pinned + MEGATEXTURE_FRAME_BINDS ||
       !residency_pin(&tex->residency, PINNED_LEVEL, all, &count)) {
      fprintf(stderr,
              "megatexture: the budget must be %llu MiB or more on this "
              "device\n",
              (unsigned long long)(((pinned + MEGATEXTURE_FRAME_BINDS) *
                                       tex->page_size_B +
                                    tex->tail_size_B + (1 << 20) - 1) >>
                                   20));
      free(all);
      return false;
   }

   VkCommandBuffer cmd = vkh_begin(tex->vk);

   vkh_image_layout(cmd, tex->image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   megatexture_submit_and_wait(tex, cmd);

   for (uint32_t done = 0; done < count; done += tex->plan_count) {
      tex->plan_count = count - done < MEGATEXTURE_FRAME_BINDS
                           ? count - done
                           : MEGATEXTURE_FRAME_BINDS;
      memcpy(tex->plan, all + done, tex->plan_count * sizeof(*all));
      fill_staging(tex);
      bind_plan(tex);
      cmd = vkh_begin(tex->vk);
      megatexture_upload(tex, cmd);
      megatexture_submit_and_wait(tex, cmd);
   }
   free(all);
   return true;
}

bool
megatexture_create(struct megatexture *tex, const struct vkh *vk,
                   VkDeviceSize budget_B)
{
   uint32_t type_bits;

   memset(tex, 0, sizeof(*tex));
   tex->vk = vk;
   if (!create_image(tex) || !read_requirements(tex, &type_bits) ||
       !create_pool(tex, type_bits, budget_B)) {
      megatexture_destroy(tex);
      return false;
   }
   create_view_and_sampler(tex);
   tex->timeline = vkh_timeline_create(vk, 0);
   tex->plan = vkh_calloc(MEGATEXTURE_FRAME_BINDS, sizeof(*tex->plan));
   vkh_buffer_create(vk, MEGATEXTURE_FRAME_BINDS * tex->page_size_B,
                     VK_BUFFER_USAGE_TRANSFER_SRC_BIT, VKH_MEMORY_UPLOAD,
                     &tex->staging);

   if (!bind_pinned(tex)) {
      megatexture_destroy(tex);
      return false;
   }
   if (tex->tail_size_B > 0) {
      bind_tail(tex,
                vkh_sparse_requirements(vk, tex->image).imageMipTailOffset);
      upload_tail(tex);
   }
   return true;
}

void
megatexture_destroy(struct megatexture *tex)
{
   VkDevice device = tex->vk->device;

   vkDestroySampler(device, tex->sampler, NULL);
   vkDestroyImageView(device, tex->view, NULL);
   vkDestroyImage(device, tex->image, NULL);
   vkFreeMemory(device, tex->pool, NULL);
   vkDestroySemaphore(device, tex->timeline, NULL);
   vkh_buffer_destroy(tex->vk, &tex->staging);
   residency_finish(&tex->residency);
   free(tex->plan);
}

/* ------------------------------------------------------------ each frame -- */

uint32_t
megatexture_update(struct megatexture *tex, const uint32_t *requests,
                   uint32_t frame)
{
   tex->plan_count = residency_plan(&tex->residency, requests, frame, tex->plan,
                                    MEGATEXTURE_FRAME_BINDS);
   if (tex->plan_count > 0) {
      bind_plan(tex);
      fill_staging(tex);
   }
   return tex->plan_count;
}

void
megatexture_upload(const struct megatexture *tex, VkCommandBuffer cmd)
{
   for (uint32_t i = 0; i < tex->plan_count; i++) {
      uint32_t level, column, row;

      residency_locate(&tex->residency, tex->plan[i].tile, &level, &column,
                       &row);

      const VkBufferImageCopy region = copy_region(
         level, column * tex->tile_width, row * tex->tile_height,
         tile_extent(tex, level, column, row), i * tex->page_size_B);

      vkCmdCopyBufferToImage(cmd, tex->staging.buffer, tex->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &region);
   }
   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_COPY_BIT,
                      VK_ACCESS_2_TRANSFER_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                      VK_ACCESS_2_SHADER_SAMPLED_READ_BIT |
                         VK_ACCESS_2_TRANSFER_WRITE_BIT);
}

void
megatexture_submit_and_wait(struct megatexture *tex, VkCommandBuffer cmd)
{
   const struct vkh *vk = tex->vk;
   const VkCommandBufferSubmitInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
      .commandBuffer = cmd,
   };
   const VkSemaphoreSubmitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = tex->timeline,
      .value = tex->timeline_value,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   const VkSemaphoreSubmitInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = tex->timeline,
      .value = tex->timeline_value + 1,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   const VkSubmitInfo2 submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .waitSemaphoreInfoCount = 1,
      .pWaitSemaphoreInfos = &wait,
      .commandBufferInfoCount = 1,
      .pCommandBufferInfos = &commands,
      .signalSemaphoreInfoCount = 1,
      .pSignalSemaphoreInfos = &signal,
   };

   VKH_CHECK(vkEndCommandBuffer(cmd));
   VKH_CHECK(vkQueueSubmit2(vk->queue, 1, &submit, VK_NULL_HANDLE));
   tex->timeline_value++;
   vkh_timeline_wait(vk, tex->timeline, tex->timeline_value);
   vkFreeCommandBuffers(vk->device, vk->pool, 1, &cmd);
}
