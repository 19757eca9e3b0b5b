/* SPDX-License-Identifier: MIT */
#include "vt_texels.h"

#include <stdlib.h>

#define RESIDENCY_FLAGS                                                        \
   (VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT)

static uint32_t
minify(uint32_t size, uint32_t level)
{
   return size >> level ? size >> level : 1;
}

static uint32_t
div_up(uint32_t a, uint32_t b)
{
   return (a + b - 1) / b;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
   return a < b ? a : b;
}

/* ------------------------------------------------------------ creation -- */

static VkImageCreateInfo
create_info(const struct vt_texels_info *info, enum vt_kind kind,
            VkImageUsageFlags usage)
{
   static const VkImageCreateFlags flags[] = {
      [VT_OPAQUE] = VK_IMAGE_CREATE_SPARSE_BINDING_BIT,
      [VT_RESIDENCY] = RESIDENCY_FLAGS,
   };

   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = info->flags | flags[kind],
      .imageType = info->type,
      .format = info->format,
      .extent = info->extent,
      .mipLevels = info->levels,
      .arrayLayers = info->layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };
}

bool
vt_texels_supported(const struct vt_texels_info *info, enum vt_kind kind,
                    VkImageUsageFlags usage)
{
   const VkImageCreateInfo i = create_info(info, kind, usage);
   VkImageFormatProperties props;
   uint32_t count = 0;

   if (vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, i.format, i.imageType, i.tiling, usage, i.flags,
          &props) != VK_SUCCESS ||
       i.mipLevels > props.maxMipLevels || i.arrayLayers > props.maxArrayLayers)
      return false;
   if (kind != VT_RESIDENCY)
      return true;
   /* VUID-VkImageCreateInfo-imageType-00970 */
   if (info->type == VK_IMAGE_TYPE_1D)
      return false;
   if (!(info->type == VK_IMAGE_TYPE_3D ? vt.features.sparseResidencyImage3D
                                        : vt.features.sparseResidencyImage2D))
      return false;
   vkGetPhysicalDeviceSparseImageFormatProperties(vt.physical, i.format,
                                                  i.imageType, i.samples, usage,
                                                  i.tiling, &count, NULL);
   return count > 0;
}

static VkSparseImageMemoryRequirements
sparse_requirements(const struct vt_texels *t)
{
   VkSparseImageMemoryRequirements list[8];
   uint32_t count = VKH_ARRAY_SIZE(list);

   vkGetImageSparseMemoryRequirements(vt.device, t->image, &count, list);
   for (uint32_t i = 0; i < count; i++)
      if (list[i].formatProperties.aspectMask & t->info->aspect)
         return list[i];
   fail_msg("%s: no sparse memory requirements", t->info->name);
   return list[0];
}

VkExtent3D
vt_texels_level(const struct vt_texels *t, uint32_t level)
{
   const VkExtent3D *e = &t->info->extent;

   return (VkExtent3D){minify(e->width, level), minify(e->height, level),
                       minify(e->depth, level)};
}

VkExtent3D
vt_texels_blocks(const struct vt_texels *t, uint32_t level)
{
   const VkExtent3D e = vt_texels_level(t, level);

   return (VkExtent3D){div_up(e.width, t->info->block_w),
                       div_up(e.height, t->info->block_h), e.depth};
}

/* Tiles of a layer of a level; a residency image's. */
static VkExtent3D
level_tiles(const struct vt_texels *t, uint32_t level)
{
   const VkExtent3D e = vt_texels_level(t, level);
   const VkExtent3D g = t->sparse.formatProperties.imageGranularity;

   return (VkExtent3D){div_up(e.width, g.width), div_up(e.height, g.height),
                       div_up(e.depth, g.depth)};
}

static bool
in_tail(const struct vt_texels *t, uint32_t level)
{
   return level >= t->sparse.imageMipTailFirstLod;
}

/* Tiles before a layer of a level. */
static uint32_t
first_tile(const struct vt_texels *t, uint32_t level, uint32_t layer)
{
   const VkExtent3D n = level_tiles(t, level);

   return t->level_tile[level] + layer * n.width * n.height * n.depth;
}

static void
count_tiles(struct vt_texels *t)
{
   const bool single = t->sparse.formatProperties.flags &
                       VK_SPARSE_IMAGE_FORMAT_SINGLE_MIPTAIL_BIT;

   for (uint32_t level = 0; level < t->info->levels; level++)
      t->level_tile[level + 1] = in_tail(t, level)
                                    ? t->level_tile[level]
                                    : first_tile(t, level, t->info->layers);
   t->tile_count = t->level_tile[t->info->levels];
   if (in_tail(t, t->info->levels - 1))
      t->tail_count = single ? 1 : t->info->layers;
   t->tile_bound = vkh_calloc(t->tile_count, sizeof(bool));
   t->tail_bound = vkh_calloc(t->tail_count, sizeof(bool));
   t->tile_place = vkh_calloc(t->tile_count, sizeof(uint32_t));
   for (uint32_t i = 0; i < t->tile_count; i++)
      t->tile_place[i] = i;
}

static void
allocate(struct vt_texels *t)
{
   if (t->kind == VT_RESIDENCY) {
      t->sparse = sparse_requirements(t);
      count_tiles(t);
      t->memory =
         vt_memory(t->tile_count +
                      t->tail_count *
                         div_up((uint32_t)t->sparse.imageMipTailSize, VT_TILE) +
                      1,
                   t->req.memoryTypeBits);
      return;
   }
   t->tile_count = (uint32_t)((t->req.size + VT_TILE - 1) / VT_TILE);
   t->tile_bound = vkh_calloc(t->tile_count, sizeof(bool));
   t->memory = vt_memory(t->tile_count, t->req.memoryTypeBits);
   if (t->kind == VT_ORDINARY) {
      VKH_CHECK(vkBindImageMemory(vt.device, t->image, t->memory, 0));
      memset(t->tile_bound, true, t->tile_count);
   }
}

void
vt_texels_create(const struct vt_texels_info *info, enum vt_kind kind,
                 VkImageUsageFlags usage, struct vt_texels *t)
{
   const VkImageCreateInfo image_info = create_info(info, kind, usage);

   *t = (struct vt_texels){.info = info, .kind = kind};
   VKH_CHECK(vkCreateImage(vt.device, &image_info, NULL, &t->image));
   vkGetImageMemoryRequirements(vt.device, t->image, &t->req);
   allocate(t);
   for (uint32_t level = 0; level < info->levels; level++) {
      const VkExtent3D n = vt_texels_blocks(t, level);

      t->expected[level] = vkh_calloc(
         (size_t)n.width * n.height * n.depth * info->layers, info->block_B);
   }
}

void
vt_texels_destroy(struct vt_texels *t)
{
   vkDestroyImage(vt.device, t->image, NULL);
   vkFreeMemory(vt.device, t->memory, NULL);
   for (uint32_t level = 0; level < VT_TEXELS_LEVELS; level++)
      free(t->expected[level]);
   free(t->tile_bound);
   free(t->tail_bound);
   free(t->tile_place);
}

/* ------------------------------------------------------------- binding -- */

bool
vt_bind_everything(uint32_t number, bool is_tail)
{
   (void)number;
   (void)is_tail;
   return true;
}

bool
vt_bind_nothing(uint32_t number, bool is_tail)
{
   (void)number;
   (void)is_tail;
   return false;
}

bool
vt_bind_even(uint32_t number, bool is_tail)
{
   return number % 2 == (is_tail ? 1 : 0);
}

bool
vt_texels_tile(const struct vt_texels *t, uint32_t number,
               struct vt_region *region_out)
{
   uint32_t level = 0, layer = 0;

   while (number >= t->level_tile[level + 1])
      level++;
   while (layer + 1 < t->info->layers &&
          number >= first_tile(t, level, layer + 1))
      layer++;

   const VkExtent3D n = level_tiles(t, level), e = vt_texels_level(t, level);
   const VkExtent3D g = t->sparse.formatProperties.imageGranularity;
   const uint32_t i = number - first_tile(t, level, layer);
   const uint32_t x = i % n.width * g.width,
                  y = i / n.width % n.height * g.height,
                  z = i / n.width / n.height * g.depth;

   *region_out = (struct vt_region){
      .level = level,
      .layer = layer,
      .layers = 1,
      .offset = {(int32_t)x, (int32_t)y, (int32_t)z},
      .extent = {least(g.width, e.width - x), least(g.height, e.height - y),
                 least(g.depth, e.depth - z)},
   };
   return t->tile_bound[number];
}

static VkSparseImageMemoryBind
tile_bind(const struct vt_texels *t, uint32_t number)
{
   struct vt_region r;
   const bool bound = vt_texels_tile(t, number, &r);

   return (VkSparseImageMemoryBind){
      .subresource = {t->info->aspect, r.level, r.layer},
      .offset = r.offset,
      .extent = r.extent,
      .memory = bound ? t->memory : VK_NULL_HANDLE,
      .memoryOffset = bound ? t->tile_place[number] * VT_TILE : 0,
   };
}

void
vt_texels_bind_tile(struct vt_texels *t, uint32_t number, bool bound)
{
   t->tile_bound[number] = bound;
   const VkSparseImageMemoryBind bind = tile_bind(t, number);
   vt_bind_image(t->image, &bind, 1);
}

void
vt_texels_swap(struct vt_texels *t, uint32_t a, uint32_t b)
{
   const uint32_t place = t->tile_place[a];

   t->tile_place[a] = t->tile_place[b];
   t->tile_place[b] = place;
   const VkSparseImageMemoryBind binds[] = {tile_bind(t, a), tile_bind(t, b)};
   vt_bind_image(t->image, binds, 2);
}

static void
bind_tiles(struct vt_texels *t)
{
   VkSparseImageMemoryBind *binds = vkh_calloc(t->tile_count, sizeof(*binds));

   for (uint32_t i = 0; i < t->tile_count; i++)
      binds[i] = tile_bind(t, i);
   if (t->tile_count)
      vt_bind_image(t->image, binds, t->tile_count);
   free(binds);
}

/* Tails of a residency image, or the tiles of one that is bound as a whole. */
static void
bind_opaque(struct vt_texels *t)
{
   const bool tails = t->kind == VT_RESIDENCY;
   const uint32_t count = tails ? t->tail_count : t->tile_count;
   VkSparseMemoryBind *binds = vkh_calloc(count, sizeof(*binds));

   for (uint32_t i = 0; i < count; i++) {
      const uint64_t size_B = tails ? t->sparse.imageMipTailSize : VT_TILE;
      const uint64_t start_B = tails ? t->tile_count * VT_TILE : 0;
      const uint64_t place = tails ? i : count - 1 - i;
      const bool bound = tails ? t->tail_bound[i] : t->tile_bound[i];

      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = tails ? t->sparse.imageMipTailOffset +
                                      i * t->sparse.imageMipTailStride
                                 : i * VT_TILE,
         .size = tails || i + 1 < count ? size_B : t->req.size - i * VT_TILE,
         .memory = bound ? t->memory : VK_NULL_HANDLE,
         .memoryOffset = bound ? start_B + place * size_B : 0,
      };
   }
   if (count)
      vt_bind_opaque(t->image, binds, count);
   free(binds);
}

void
vt_texels_bind(struct vt_texels *t,
               bool (*wanted)(uint32_t number, bool is_tail))
{
   if (t->kind == VT_ORDINARY)
      return;
   for (uint32_t i = 0; i < t->tile_count; i++)
      t->tile_bound[i] = wanted(i, false);
   for (uint32_t i = 0; i < t->tail_count; i++)
      t->tail_bound[i] = wanted(i, true);
   if (t->kind == VT_RESIDENCY)
      bind_tiles(t);
   bind_opaque(t);
}

/* -------------------------------------------------------- expectations -- */

struct vt_region
vt_texels_whole(const struct vt_texels *t, uint32_t level)
{
   return (struct vt_region){
      .level = level,
      .layers = t->info->layers,
      .extent = vt_texels_level(t, level),
   };
}

static bool
is_bound(const struct vt_texels *t, uint32_t level, uint32_t layer,
         VkOffset3D block)
{
   if (t->kind != VT_RESIDENCY)
      return true;
   if (in_tail(t, level))
      return t->tail_bound[t->tail_count == 1 ? 0 : layer];

   const VkExtent3D g = t->sparse.formatProperties.imageGranularity;
   const VkExtent3D n = level_tiles(t, level);
   const uint32_t x = (uint32_t)block.x * t->info->block_w / g.width,
                  y = (uint32_t)block.y * t->info->block_h / g.height,
                  z = (uint32_t)block.z / g.depth;

   return t->tile_bound[first_tile(t, level, layer) +
                        (z * n.height + y) * n.width + x];
}

uint8_t *
vt_texels_block(struct vt_texels *t, uint32_t level, uint32_t layer,
                VkOffset3D block)
{
   const VkExtent3D n = vt_texels_blocks(t, level);
   const size_t i = (((size_t)layer * n.depth + (uint32_t)block.z) * n.height +
                     (uint32_t)block.y) *
                       n.width +
                    (uint32_t)block.x;

   return is_bound(t, level, layer, block)
             ? t->expected[level] + i * t->info->block_B
             : NULL;
}

size_t
vt_region_foreach(struct vt_texels *t, const struct vt_region *r,
                  vt_place_fn fn, void *data)
{
   const uint32_t bw = t->info->block_w, bh = t->info->block_h;
   const uint32_t width = div_up(r->extent.width, bw),
                  height = div_up(r->extent.height, bh);
   const size_t row = r->row_length ? div_up(r->row_length, bw) : width;
   const size_t rows = r->image_height ? div_up(r->image_height, bh) : height;
   size_t end_B = 0;

   for (uint32_t slice = 0; slice < r->layers * r->extent.depth; slice++)
      for (uint32_t y = 0; y < height; y++)
         for (uint32_t x = 0; x < width; x++) {
            const struct vt_place place = {
               .layer = r->layer + slice / r->extent.depth,
               .block = {r->offset.x / (int32_t)bw + (int32_t)x,
                         r->offset.y / (int32_t)bh + (int32_t)y,
                         r->offset.z + (int32_t)(slice % r->extent.depth)},
               .offset_B = ((slice * rows + y) * row + x) * t->info->block_B,
            };

            end_B = place.offset_B + t->info->block_B;
            if (fn)
               fn(t, place, data);
         }
   return end_B;
}

/* As in vt_image.c; depths of 32 bits lie in [0.5, 1). */
void
vt_texels_pattern(const struct vt_texels *t, uint32_t seed, void *bytes,
                  size_t size_B)
{
   uint8_t *out = bytes;

   for (size_t i = 0; i < size_B; i++) {
      uint32_t hash = seed * 0x9e3779b9u + (uint32_t)i * 0x85ebca6bu;

      hash ^= hash >> 15;
      hash *= 0x2c1b3c6du;
      out[i] = (uint8_t)(0x41 + (hash >> 24) % 16);
      if (t->info->format == VK_FORMAT_D32_SFLOAT && i % 4 == 3)
         out[i] = 0x3f;
      if (t->info->format == VK_FORMAT_D32_SFLOAT && i % 4 == 2)
         out[i] &= 0x7f;
   }
}

/* ------------------------------------------------- by the device's queue -- */

static VkBufferImageCopy
whole_copy(const struct vt_texels *t, uint32_t level)
{
   return (VkBufferImageCopy){
      .imageSubresource = {t->info->aspect, level, 0, t->info->layers},
      .imageExtent = vt_texels_level(t, level),
   };
}

struct memory {
   uint8_t *bytes;
   uint32_t level;
   uint8_t gap;
};

static void
store(struct vt_texels *t, struct vt_place place, void *data)
{
   const struct memory *memory = data;
   uint8_t *block = vt_texels_block(t, memory->level, place.layer, place.block);

   if (block)
      memcpy(block, memory->bytes + place.offset_B, t->info->block_B);
}

void
vt_texels_fill(struct vt_texels *t, uint32_t seed)
{
   for (uint32_t level = 0; level < t->info->levels; level++) {
      const struct vt_region whole = vt_texels_whole(t, level);
      const VkBufferImageCopy copy = whole_copy(t, level);
      const size_t size_B = vt_region_foreach(t, &whole, NULL, NULL);
      struct vkh_buffer staging;

      vkh_buffer_create(&vt, (size_B + 3) & ~3ull,
                        VK_BUFFER_USAGE_TRANSFER_SRC_BIT, VKH_MEMORY_UPLOAD,
                        &staging);
      vt_texels_pattern(t, seed + level, staging.map, size_B);
      VkCommandBuffer cmd = vkh_begin(&vt);
      vkCmdCopyBufferToImage(cmd, staging.buffer, t->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
      vkh_full_barrier(cmd);
      vkh_run(&vt, cmd);
      struct memory memory = {.bytes = staging.map, .level = level};
      vt_region_foreach(t, &whole, store, &memory);
      vkh_buffer_destroy(&vt, &staging);
   }
}

static void
check_block(struct vt_texels *t, struct vt_place place, void *data)
{
   static const uint8_t zero[16];
   const struct memory *memory = data;
   const bool strict =
      vt.properties.sparseProperties.residencyNonResidentStrict;
   const uint8_t *want =
      vt_texels_block(t, memory->level, place.layer, place.block);
   uint8_t *got = memory->bytes + place.offset_B;

   if (!want && strict)
      want = zero;
   for (uint32_t i = 0; want && i < t->info->block_B; i++)
      if (got[i] != want[i])
         fail_msg("%s, kind %d, level %u, layer %u, block %d,%d,%d, byte %u: "
                  "%#x, not %#x",
                  t->info->name, t->kind, memory->level, place.layer,
                  place.block.x, place.block.y, place.block.z, i, got[i],
                  want[i]);
   memset(got, memory->gap, t->info->block_B);
}

void
vt_texels_check_memory(struct vt_texels *t, const struct vt_region *region,
                       uint8_t *bytes, size_t size_B, uint8_t gap)
{
   struct memory memory = {bytes, region->level, gap};

   vt_region_foreach(t, region, check_block, &memory);
   for (size_t i = 0; i < size_B; i++)
      if (bytes[i] != gap)
         fail_msg("%s, kind %d, level %u: byte %zu, outside of the region, is "
                  "%#x",
                  t->info->name, t->kind, region->level, i, bytes[i]);
}

void
vt_texels_check(struct vt_texels *t)
{
   for (uint32_t level = 0; level < t->info->levels; level++) {
      const struct vt_region whole = vt_texels_whole(t, level);
      const VkBufferImageCopy copy = whole_copy(t, level);
      const size_t size_B = vt_region_foreach(t, &whole, NULL, NULL);
      struct vkh_buffer staging;

      vkh_buffer_create(&vt, (size_B + 3) & ~3ull,
                        VK_BUFFER_USAGE_TRANSFER_DST_BIT, VKH_MEMORY_READBACK,
                        &staging);
      VkCommandBuffer cmd = vkh_begin(&vt);
      vkCmdCopyImageToBuffer(cmd, t->image, VK_IMAGE_LAYOUT_GENERAL,
                             staging.buffer, 1, &copy);
      vkh_full_barrier(cmd);
      vkh_run(&vt, cmd);
      vt_texels_check_memory(t, &whole, staging.map, size_B, 0);
      vkh_buffer_destroy(&vt, &staging);
   }
}
