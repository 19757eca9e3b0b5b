/* SPDX-License-Identifier: MIT */
#include "panvk_probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "panvk_engine_image.h"
#include "panvk_private.h"
#include "panvk_probe_gpu.h"

/* Each check returns NULL, or what is not as it should be. */

struct probe {
   struct panvk_device *dev;
   struct panvk_probe_gpu gpu;
   struct panvk_layout layout;
   struct panvk_engine_image image;
   VkPhysicalDeviceDescriptorBufferPropertiesEXT sizes;
   uint32_t tiles;
};

/* The n-th word that the CPU writes into tile @tile. */
static uint32_t
pattern(uint32_t tile, uint32_t n)
{
   return 0x5ca10000u + n * 0x1000u + tile;
}

/* The word of @query's texel, where this driver thinks it is. */
static uint32_t *
texel_word(const struct probe *p, const struct panvk_probe_query *query)
{
   const struct panvk_layout_level *level = &p->layout.level[query->level];
   const VkExtent3D *t = &p->layout.tile;
   bool deep = p->gpu.shape->type == VK_IMAGE_TYPE_3D;
   uint32_t slice = deep ? query->z : 0;
   uint32_t tile = (slice / t->depth * level->tiles_y + query->y / t->height) *
                      level->tiles_x +
                   query->x / t->width;
   uint32_t word =
      (slice % t->depth * t->height + query->y % t->height) * t->width +
      query->x % t->width;

   return (uint32_t *)(p->image.base +
                       panvk_layout_engine_offset(&p->layout, query->level,
                                                  deep ? 0 : query->z) +
                       (uint64_t)tile * PANVK_TILE_SIZE_B) +
          word;
}

/*
 * One query for each tile, in PanVK's order, somewhere else in each, so that
 * rows, columns and slices cannot be confused.
 */
static void
init_queries(struct probe *p)
{
   struct panvk_probe_query *queries = p->gpu.results->query;
   const VkExtent3D *common = &p->gpu.shape->common;
   bool deep = p->gpu.shape->type == VK_IMAGE_TYPE_3D;

   memset(p->gpu.results, 0, sizeof(*p->gpu.results));
   for (uint32_t i = 0; i < p->tiles; i++) {
      struct panvk_tile tile =
         panvk_layout_tile_at(&p->layout, (uint64_t)i << PANVK_TILE_SHIFT);

      queries[i].x =
         tile.x * p->layout.tile.width + (i * 37 + 5) % common->width;
      queries[i].y =
         tile.y * p->layout.tile.height + (i * 53 + 11) % common->height;
      queries[i].z =
         deep ? tile.z * p->layout.tile.depth + (i * 29 + 3) % common->depth
              : tile.layer;
      queries[i].level = tile.level;
   }
}

static uint32_t
engine_tile(const struct probe *p, const struct panvk_probe_query *query)
{
   return (uint32_t)(((uint8_t *)texel_word(p, query) - p->image.base) >>
                     PANVK_TILE_SHIFT);
}

/* True if all of [start, start + size_B) is mapped for loads and stores. */
static bool
range_is_writable(uint64_t start, uint64_t size_B)
{
   FILE *maps = fopen("/proc/self/maps", "re");
   uint64_t first, end, next = start;
   char perms[5], line[512];

   if (!maps)
      return false;
   /* The file is sorted by address. */
   while (next < start + size_B && fgets(line, sizeof(line), maps)) {
      if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &first, &end, perms) != 3)
         continue;
      if (end <= next)
         continue;
      if (first > next || perms[0] != 'r' || perms[1] != 'w')
         break;
      next = end;
   }
   fclose(maps);
   return next >= start + size_B;
}

static const char *
check_descriptor_sizes(struct probe *p)
{
   struct panvk_physical_device *pdev = p->dev->pdev;
   VkPhysicalDeviceProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &p->sizes,
   };

   p->sizes = (VkPhysicalDeviceDescriptorBufferPropertiesEXT){
      .sType =
         VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT,
   };
   if (!p->dev->vk.GetDescriptorEXT)
      return "it does not have VK_EXT_descriptor_buffer";
   pdev->instance->vk.GetPhysicalDeviceProperties2(pdev->handle, &props);
   if (p->sizes.sampledImageDescriptorSize < PANVK_SAMPLED_MIN_SIZE_B ||
       p->sizes.sampledImageDescriptorSize >
          PANVK_ENGINE_MAX_DESCRIPTOR_SIZE_B ||
       p->sizes.storageImageDescriptorSize < PANVK_STORAGE_MIN_SIZE_B ||
       p->sizes.storageImageDescriptorSize > PANVK_ENGINE_MAX_DESCRIPTOR_SIZE_B)
      return "its descriptors have an unknown size";
   return NULL;
}

/* Where the image lies: nothing is dereferenced before this has passed. */
static const char *
check_image(struct probe *p)
{
   const struct panvk_layout_info info = {
      .type = p->gpu.shape->type,
      .aspect = VK_IMAGE_ASPECT_COLOR_BIT,
      .block = {1, 1, 4, false},
      .extent = p->gpu.shape->extent,
      .levels = PROBE_LEVELS,
      .layers = p->gpu.shape->layers,
   };
   VkMemoryRequirements requirements;
   const char *reason;

   if (panvk_probe_gpu_init_image(&p->gpu, p->dev, p->gpu.shape) != VK_SUCCESS)
      return "it cannot create a sparse image";
   if (!panvk_layout_init(&p->layout, &info))
      return "the probe's own image is wrong";
   p->tiles = (uint32_t)(p->layout.size_B >> PANVK_TILE_SHIFT);

   p->dev->vk.GetImageMemoryRequirements(p->dev->handle, p->gpu.image,
                                         &requirements);
   if (requirements.size != p->layout.size_B)
      return "a sparse image has another size than expected";
   if (panvk_engine_image_inspect(p->dev, p->gpu.image, PROBE_FORMAT,
                                  &p->layout,
                                  p->sizes.sampledImageDescriptorSize,
                                  &p->image, &reason) != VK_SUCCESS)
      return reason;
   if (!range_is_writable((uintptr_t)p->image.base, p->layout.size_B))
      return "what a descriptor shows is not an image's address";
   if (!range_is_writable((uintptr_t)p->image.residency, 4))
      return "what a descriptor shows is not a bitmap's address";
   if (*p->image.residency & ((1ull << p->tiles) - 1))
      return "tiles are resident before any was bound";
   return NULL;
}

static const char *
check_storage_descriptor(struct probe *p)
{
   uint8_t descriptor[PANVK_ENGINE_MAX_DESCRIPTOR_SIZE_B] = {0};
   const VkDescriptorImageInfo image_info = {
      .imageView = p->gpu.storage_view,
      .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
   };
   const VkDescriptorGetInfoEXT get_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
      .type = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
      .data.pStorageImage = &image_info,
   };
   uint64_t offset_B =
      panvk_layout_engine_offset(&p->layout, PROBE_STORAGE_LEVEL, 0);

   p->dev->vk.GetDescriptorEXT(p->dev->handle, &get_info,
                               p->sizes.storageImageDescriptorSize, descriptor);
   if (panvk_descriptor_u64(descriptor, PANVK_STORAGE_BASE) !=
          (uintptr_t)p->image.base + offset_B ||
       panvk_descriptor_u64(descriptor, PANVK_STORAGE_RESIDENCY) !=
          (uintptr_t)p->image.residency ||
       panvk_descriptor_u32(descriptor, PANVK_STORAGE_OFFSET) != offset_B)
      return "sampled and storage descriptors disagree";
   return NULL;
}

/* Did the copy, if it covers @query's texel, find @want there? */
static bool
copy_is_right(const struct probe *p, const struct panvk_probe_query *query,
              uint32_t want)
{
   const struct panvk_probe_shape *shape = p->gpu.shape;
   VkExtent3D extent = panvk_probe_copy_extent(shape);
   uint32_t slice = query->z;

   if (shape->type != VK_IMAGE_TYPE_3D) {
      if (query->z != shape->copy_layer)
         return true;
      slice = 0;
   }
   return p->gpu.results
             ->copy[(slice * extent.height + query->y) * extent.width +
                    query->x] == want;
}

/* Compares what one run brought with what was written for round @n. */
static const char *
check_results(struct probe *p, uint32_t n)
{
   const struct panvk_probe_results *results = p->gpu.results;

   for (uint32_t i = 0; i < p->tiles; i++) {
      const struct panvk_probe_query *query = &results->query[i];
      bool resident = (*p->image.residency >> engine_tile(p, query)) & 1;

      if (query->sampled_value != pattern(i, n))
         return "a texel fetch found another word than was written there";
      if (query->sampled_resident != resident)
         return "a residency code of a texel fetch is wrong";
      if (query->level != PROBE_STORAGE_LEVEL)
         continue;
      if (query->storage_value != pattern(i, n))
         return "an image load found another word than was written there";
      if (query->storage_resident != resident)
         return "a residency code of an image load is wrong";
      if (query->store && *texel_word(p, query) != query->store)
         return "an image store did not reach the page below it";
      if (!query->store && !copy_is_right(p, query, pattern(i, n)))
         return "a copy found another word than was written there";
   }
   return NULL;
}

/* Words written by the CPU, and every other tile resident. */
static const char *
check_first_run(struct probe *p)
{
   init_queries(p);
   for (uint32_t i = 0; i < p->tiles; i++) {
      const struct panvk_probe_query *query = &p->gpu.results->query[i];

      *texel_word(p, query) = pattern(i, 0);
      if (i % 2)
         *p->image.residency |= 1u << engine_tile(p, query);
   }
   if (panvk_probe_gpu_run(&p->gpu) != VK_SUCCESS)
      return "the probe's commands failed";
   return check_results(p, 0);
}

/* The other tiles resident, other pages below all, and a store in each. */
static const char *
check_second_run(struct probe *p)
{
   init_queries(p);
   if (mmap(p->image.base, p->layout.size_B, PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
      return "its pages cannot be exchanged";

   *p->image.residency ^= (uint32_t)((1ull << p->tiles) - 1);
   for (uint32_t i = 0; i < p->tiles; i++) {
      struct panvk_probe_query *query = &p->gpu.results->query[i];

      *texel_word(p, query) = pattern(i, 1);
      if (query->level == PROBE_STORAGE_LEVEL && i % 2)
         query->store = pattern(i, 2);
   }
   if (panvk_probe_gpu_run(&p->gpu) != VK_SUCCESS)
      return "the probe's commands failed";
   return check_results(p, 1);
}

/* Is it asked for by name that this probe fails? */
static bool
failure_is_forced(const struct panvk_probe_shape *shape)
{
   const char *forced = getenv("PANSPARSE_PROBE_FAIL");

   if (!forced || !*forced || !strcmp(forced, "0"))
      return false;
   return strcmp(forced, "3D") || !strcmp(shape->name, "3D");
}

static const char *
check_everything(struct probe *p)
{
   const char *failed;

   if (failure_is_forced(p->gpu.shape))
      return "PANSPARSE_PROBE_FAIL is set";
   failed = check_descriptor_sizes(p);
   if (!failed)
      failed = check_image(p);
   if (!failed && panvk_probe_gpu_init(&p->gpu) != VK_SUCCESS)
      failed = "it cannot create a compute pipeline that reads sparse images";
   if (!failed)
      failed = check_storage_descriptor(p);
   if (!failed)
      failed = check_first_run(p);
   if (!failed)
      failed = check_second_run(p);
   return failed;
}

static double
now_ms(void)
{
   struct timespec ts;

   clock_gettime(CLOCK_MONOTONIC, &ts);
   return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Probes images of one shape. False after a warning that ends in @instead. */
static bool
probe_shape(struct panvk_device *dev, const struct panvk_probe_shape *shape,
            const char *instead, struct panvk_probe *probe)
{
   struct probe p = {.dev = dev, .gpu = {.dev = dev, .shape = shape}};
   double start_ms = now_ms();
   const char *failed = check_everything(&p);

   if (failed)
      panvk_warning(dev->pdev->instance, VK_OBJECT_TYPE_UNKNOWN, 0,
                    "%s sparse residency images are not offered, because the "
                    "engine (%s, %s) failed the image probe: %s; %s",
                    shape->name, dev->pdev->engine_name, dev->pdev->engine_info,
                    failed, instead);
   else
      probe->sampled_descriptor_size_B = p.sizes.sampledImageDescriptorSize;
   panvk_probe_gpu_finish(&p.gpu);
   panvk_trace(PANVK_DEBUG_ENGINE, "%s image probe %s after %.1f ms",
               shape->name, failed ? "failed" : "passed", now_ms() - start_ms);
   return !failed;
}

struct panvk_probe *
panvk_probe_run(struct panvk_device *dev)
{
   struct panvk_probe *probe = calloc(1, sizeof(*probe));

   if (!probe)
      return NULL;
   if (!probe_shape(dev, &panvk_probe_shape_2d,
                    "sparse buffers and sparse images without residency work",
                    probe)) {
      free(probe);
      return NULL;
   }
   probe->images_3d = probe_shape(dev, &panvk_probe_shape_3d,
                                  "other sparse images work", probe);
   return probe;
}

void
panvk_probe_destroy(struct panvk_probe *probe)
{
   free(probe);
}
