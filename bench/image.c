/* SPDX-License-Identifier: MIT */
/* Binds of the tiles of a 2D residency image. */
#include "bench.h"

#include <string.h>

#define SIZE 16384u /* texels across: 1 GiB of RGBA8 */
#define SIZE_QUICK 4096u

struct rig {
   VkImage image;
   VkDeviceMemory memory;
   VkFence fence;
   uint32_t size; /* texels across */
   VkExtent3D tile;
   uint32_t columns, rows, tiles;
   VkSparseImageMemoryBind *binds; /* one a tile */
};

static void
rig_destroy(struct bench *bench, struct rig *rig)
{
   vkDestroyFence(bench->vk.device, rig->fence, NULL);
   vkDestroyImage(bench->vk.device, rig->image, NULL);
   vkFreeMemory(bench->vk.device, rig->memory, NULL);
   free(rig->binds);
}

static bool
rig_create(struct bench *bench, struct rig *rig)
{
   const struct vkh *vk = &bench->vk;

   memset(rig, 0, sizeof(*rig));
   rig->size = bench->quick ? SIZE_QUICK : SIZE;
   if (!vk->features.sparseResidencyImage2D) {
      fprintf(stderr, "pansparse-bench: no sparse residency images\n");
      return false;
   }

   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {rig->size, rig->size, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements requirements;

   VKH_CHECK(vkCreateImage(vk->device, &info, NULL, &rig->image));
   rig->tile = vkh_sparse_requirements(vk, rig->image)
                  .formatProperties.imageGranularity;
   rig->columns = rig->size / rig->tile.width;
   rig->rows = rig->size / rig->tile.height;
   rig->tiles = rig->columns * rig->rows;
   rig->binds = vkh_calloc(rig->tiles, sizeof(*rig->binds));
   rig->fence = vkh_fence_create(vk);
   vkGetImageMemoryRequirements(vk->device, rig->image, &requirements);
   if (rig->tile.width * rig->tile.height * 4 != BENCH_TILE_B ||
       vkh_memory_try_alloc(vk, rig->tiles * BENCH_TILE_B,
                            requirements.memoryTypeBits, VKH_MEMORY_DEVICE,
                            &rig->memory) != VK_SUCCESS) {
      fprintf(stderr, "pansparse-bench: no tiles of 64 KiB, or no memory\n");
      rig_destroy(bench, rig);
      return false;
   }
   return true;
}

static void
plan_tile(struct rig *rig, uint32_t i, uint32_t tile, VkDeviceMemory memory,
          uint32_t page)
{
   rig->binds[i] = (VkSparseImageMemoryBind){
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0},
      .offset = {(int32_t)(tile % rig->columns * rig->tile.width),
                 (int32_t)(tile / rig->columns * rig->tile.height), 0},
      .extent = {rig->tile.width, rig->tile.height, 1},
      .memory = memory,
      .memoryOffset = memory ? page * BENCH_TILE_B : 0,
   };
}

/* @binds with the first @count of them in one call; seconds until done. */
static double
bind(struct bench *bench, const struct rig *rig,
     const VkSparseImageMemoryBind *binds, uint32_t count)
{
   const VkSparseImageMemoryBindInfo image = {rig->image, count, binds};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageBindCount = 1,
      .pImageBinds = &image,
   };
   const double start = vkh_seconds();

   vkh_bind_and_wait(&bench->vk, &info, rig->fence);
   return vkh_seconds() - start;
}

/* All of the level in one bind, or none of it. */
static double
bind_level(struct bench *bench, const struct rig *rig, bool bound)
{
   const VkSparseImageMemoryBind all = {
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0},
      .extent = {rig->size, rig->size, 1},
      .memory = bound ? rig->memory : VK_NULL_HANDLE,
   };

   return bind(bench, rig, &all, 1);
}

enum plan { TILES_IN_ORDER, TILES_SHUFFLED, WHOLE_LEVEL };

static void
make_plan(struct rig *rig, enum plan plan)
{
   uint32_t *tiles = bench_shuffled(rig->tiles, 3);
   uint32_t *pages = bench_shuffled(rig->tiles, 4);
   const bool shuffled = plan == TILES_SHUFFLED;

   for (uint32_t i = 0; i < rig->tiles; i++)
      plan_tile(rig, i, shuffled ? tiles[i] : i, rig->memory,
                shuffled ? pages[i] : i);
   free(tiles);
   free(pages);
}

static double
measure(struct bench *bench, enum plan plan)
{
   double rates[bench->repetitions];
   struct rig rig;

   if (!rig_create(bench, &rig))
      return BENCH_UNSUPPORTED;
   make_plan(&rig, plan);
   for (unsigned i = 0; i <= bench->repetitions; i++) {
      const double seconds = plan == WHOLE_LEVEL
                                ? bind_level(bench, &rig, true)
                                : bind(bench, &rig, rig.binds, rig.tiles);

      if (i > 0)
         rates[i - 1] = rig.tiles / seconds;
      bind_level(bench, &rig, false);
   }
   rig_destroy(bench, &rig);
   return bench_median(rates, bench->repetitions);
}

static double
image_tiles(struct bench *bench)
{
   return measure(bench, TILES_IN_ORDER);
}

static double
image_scattered(struct bench *bench)
{
   return measure(bench, TILES_SHUFFLED);
}

static double
image_level(struct bench *bench)
{
   return measure(bench, WHOLE_LEVEL);
}

const struct bench_case bench_image_cases[] = {
   {"bind_image_tiles", "image", "tiles/s",
    "the 16,384 tiles of a 16384 x 16384 RGBA8 image in order, in one call",
    BENCH_HIGHER, image_tiles},
   {"bind_image_scattered", "image", "tiles/s",
    "the same with memory and tiles in random order", BENCH_HIGHER,
    image_scattered},
   {"bind_image_level", "image", "tiles/s",
    "the same tiles as one bind of the whole level", BENCH_HIGHER, image_level},
   {0},
};
