/* SPDX-License-Identifier: MIT */
/*
 * VK_EXT_host_image_copy on sparse images of both kinds, and on ordinary ones
 * beside them.
 *
 * Vulkan forbids host copies of what is not bound (VUID 09109 of each of their
 * structures) and from one kind of image to another (09069), so both are tried
 * on the driver that promises more alone.
 */
#include <pthread.h>

#include "vt_host_copy.h"
#include "vt_texels.h"

#define USAGE                                                                  \
   (VK_IMAGE_USAGE_HOST_TRANSFER_BIT_EXT | VK_IMAGE_USAGE_SAMPLED_BIT |        \
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT)
#define GAP 0xcd

static VkPhysicalDeviceHostImageCopyFeaturesEXT feature = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_IMAGE_COPY_FEATURES_EXT,
   .hostImageCopy = VK_TRUE,
};
static PFN_vkCopyMemoryToImageEXT copy_memory_to_image;
static PFN_vkCopyImageToMemoryEXT copy_image_to_memory;
static PFN_vkCopyImageToImageEXT copy_image_to_image;
static PFN_vkTransitionImageLayoutEXT transition_image_layout;
static PFN_vkGetImageSubresourceLayout2EXT get_subresource_layout;

#define COLOR VK_IMAGE_ASPECT_COLOR_BIT
#define DEPTH VK_IMAGE_ASPECT_DEPTH_BIT
#define STENCIL VK_IMAGE_ASPECT_STENCIL_BIT
#define T(dim) VK_IMAGE_TYPE_##dim
#define F(format) #format, VK_FORMAT_##format

/* No extent is a multiple of a tile; all levels, so that there is a tail. */
static const struct vt_texels_info images[] = {
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(2D), {300, 200, 1}, 9, 1, 0},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(2D), {270, 300, 1}, 9, 3, 0},
   {F(R8G8B8A8_UNORM),
    COLOR,
    1,
    1,
    4,
    T(2D),
    {140, 140, 1},
    8,
    6,
    VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT},
   {F(R8G8B8A8_UNORM),
    COLOR,
    1,
    1,
    4,
    T(2D),
    {260, 130, 1},
    1,
    2,
    VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(3D), {70, 50, 21}, 7, 1, 0},
   {F(R8_UNORM), COLOR, 1, 1, 1, T(2D), {600, 300, 1}, 10, 1, 0},
   {F(R16G16B16A16_SFLOAT), COLOR, 1, 1, 8, T(3D), {40, 40, 40}, 6, 1, 0},
   {F(R32G32B32A32_UINT), COLOR, 1, 1, 16, T(2D), {150, 90, 1}, 8, 2, 0},
   {F(BC1_RGBA_UNORM_BLOCK), COLOR, 4, 4, 8, T(2D), {1100, 530, 1}, 11, 1, 0},
   {F(BC3_UNORM_BLOCK),
    COLOR,
    4,
    4,
    16,
    T(2D),
    {350, 262, 1},
    9,
    2,
    VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT},
   {F(BC1_RGBA_UNORM_BLOCK), COLOR, 4, 4, 8, T(3D), {140, 140, 20}, 8, 1, 0},
   {F(D16_UNORM), DEPTH, 1, 1, 2, T(2D), {300, 140, 1}, 9, 2, 0},
   {F(D32_SFLOAT), DEPTH, 1, 1, 4, T(2D), {200, 140, 1}, 8, 2, 0},
   {F(S8_UINT), STENCIL, 1, 1, 1, T(2D), {300, 270, 1}, 9, 2, 0},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(1D), {3000, 1, 1}, 12, 2, 0},
};

/* ------------------------------------------------------------- helpers -- */

static bool
is_supported(const struct vt_texels_info *info, enum vt_kind kind)
{
   VkFormatProperties3 props3 = {
      .sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_3,
   };
   VkFormatProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2,
      .pNext = &props3,
   };

   vkGetPhysicalDeviceFormatProperties2(vt.physical, info->format, &props);
   return (props3.optimalTilingFeatures &
           VK_FORMAT_FEATURE_2_HOST_IMAGE_TRANSFER_BIT_EXT) &&
          vt_texels_supported(info, kind, USAGE);
}

/* See above. */
static bool
promises_more(void)
{
   return strcmp(vt.driver.driverName, "pansparse") == 0;
}

static void
move_to_general(struct vt_texels *t)
{
   const VkHostImageLayoutTransitionInfoEXT transition = {
      .sType = VK_STRUCTURE_TYPE_HOST_IMAGE_LAYOUT_TRANSITION_INFO_EXT,
      .image = t->image,
      .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
      .newLayout = VK_IMAGE_LAYOUT_GENERAL,
      .subresourceRange = {t->info->aspect, 0, t->info->levels, 0,
                           t->info->layers},
   };

   VKH_CHECK(transition_image_layout(vt.device, 1, &transition));
}

/* Bound as said, in layout GENERAL, filled. */
static void
create(const struct vt_texels_info *info, enum vt_kind kind,
       bool (*wanted)(uint32_t number, bool is_tail), uint32_t seed,
       struct vt_texels *t)
{
   vt_texels_create(info, kind, USAGE, t);
   vt_texels_bind(t, wanted);
   move_to_general(t);
   vt_texels_fill(t, seed);
}

/* Runs @fn for each image of each kind that the device has. */
static void
foreach_image(void (*fn)(const struct vt_texels_info *info, enum vt_kind kind))
{
   uint32_t count = 0;

   VT_NEED(vt.extension);
   for (uint32_t i = 0; i < VKH_ARRAY_SIZE(images); i++)
      for (enum vt_kind kind = VT_ORDINARY; kind <= VT_RESIDENCY; kind++)
         if (is_supported(&images[i], kind)) {
            fn(&images[i], kind);
            count += kind != VT_ORDINARY;
         }
   VT_NEED(count);
}

static VkImageSubresourceLayers
subresource(const struct vt_texels *t, const struct vt_region *r)
{
   return (VkImageSubresourceLayers){t->info->aspect, r->level, r->layer,
                                     r->layers};
}

struct source {
   const uint8_t *bytes;
   uint32_t level;
};

static void
expect(struct vt_texels *t, struct vt_place place, void *data)
{
   const struct source *source = data;
   uint8_t *block = vt_texels_block(t, source->level, place.layer, place.block);

   if (block)
      memcpy(block, source->bytes + place.offset_B, t->info->block_B);
}

/* @r is as if the pattern of @seed had been written to it. */
static void
expect_region(struct vt_texels *t, const struct vt_region *r, uint32_t seed)
{
   const size_t size_B = vt_region_foreach(t, r, NULL, NULL);
   uint8_t *bytes = vkh_calloc(size_B, 1);
   struct source source = {bytes, r->level};

   vt_texels_pattern(t, seed, bytes, size_B);
   vt_region_foreach(t, r, expect, &source);
   free(bytes);
}

static void
write_region(struct vt_texels *t, const struct vt_region *r, uint32_t seed)
{
   const size_t size_B = vt_region_foreach(t, r, NULL, NULL);
   uint8_t *bytes = vkh_calloc(size_B, 1);
   const VkMemoryToImageCopyEXT copy = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_EXT,
      .pHostPointer = bytes,
      .memoryRowLength = r->row_length,
      .memoryImageHeight = r->image_height,
      .imageSubresource = subresource(t, r),
      .imageOffset = r->offset,
      .imageExtent = r->extent,
   };
   const VkCopyMemoryToImageInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_EXT,
      .dstImage = t->image,
      .dstImageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .regionCount = 1,
      .pRegions = &copy,
   };

   vt_texels_pattern(t, seed, bytes, size_B);
   VKH_CHECK(copy_memory_to_image(vt.device, &info));
   expect_region(t, r, seed);
   free(bytes);
}

static void
check_region(struct vt_texels *t, const struct vt_region *r)
{
   const size_t size_B = vt_region_foreach(t, r, NULL, NULL);
   uint8_t *bytes = vkh_calloc(size_B, 1);
   const VkImageToMemoryCopyEXT copy = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_TO_MEMORY_COPY_EXT,
      .pHostPointer = bytes,
      .memoryRowLength = r->row_length,
      .memoryImageHeight = r->image_height,
      .imageSubresource = subresource(t, r),
      .imageOffset = r->offset,
      .imageExtent = r->extent,
   };
   const VkCopyImageToMemoryInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_EXT,
      .srcImage = t->image,
      .srcImageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .regionCount = 1,
      .pRegions = &copy,
   };

   memset(bytes, GAP, size_B);
   VKH_CHECK(copy_image_to_memory(vt.device, &info));
   vt_texels_check_memory(t, r, bytes, size_B, GAP);
   free(bytes);
}

/* By the host and by the device. */
static void
check_everything(struct vt_texels *t)
{
   for (uint32_t level = 0; level < t->info->levels; level++) {
      const struct vt_region whole = vt_texels_whole(t, level);

      check_region(t, &whole);
   }
   vt_texels_check(t);
}

/* ------------------------------------------------------------- regions -- */

static uint32_t
random_below(uint32_t *state, uint32_t bound)
{
   *state = *state * 1664525u + 1013904223u;
   return (uint32_t)(((uint64_t)*state * bound) >> 32);
}

/* A stretch of @count blocks. */
static void
random_stretch(uint32_t *state, uint32_t count, uint32_t *first, uint32_t *n)
{
   *first = random_below(state, count);
   *n = 1 + random_below(state, count - *first);
}

/* Of any size and place: tiles' edges are crossed, or not met at all. */
static struct vt_region
random_region(const struct vt_texels *t, uint32_t level, uint32_t *state)
{
   const VkExtent3D n = vt_texels_blocks(t, level),
                    e = vt_texels_level(t, level);
   const uint32_t bw = t->info->block_w, bh = t->info->block_h;
   struct vt_region r = {.level = level};
   uint32_t x, y, z, w, h;

   random_stretch(state, n.width, &x, &w);
   random_stretch(state, n.height, &y, &h);
   random_stretch(state, n.depth, &z, &r.extent.depth);
   random_stretch(state, t->info->layers, &r.layer, &r.layers);
   r.offset = (VkOffset3D){(int32_t)(x * bw), (int32_t)(y * bh), (int32_t)z};
   r.extent.width = x + w == n.width ? e.width - x * bw : w * bw;
   r.extent.height = y + h == n.height ? e.height - y * bh : h * bh;
   if (random_below(state, 2))
      r.row_length = (w + random_below(state, 9)) * bw;
   if (random_below(state, 2))
      r.image_height = (h + random_below(state, 9)) * bh;
   return r;
}

static void
try_regions(struct vt_texels *t, uint32_t seed)
{
   uint32_t state = seed;

   for (uint32_t i = 0; i < 24; i++) {
      const uint32_t level = i % 3 ? random_below(&state, t->info->levels) : 0;
      const struct vt_region to = random_region(t, level, &state);
      const struct vt_region from = random_region(t, level, &state);

      write_region(t, &to, seed + i);
      check_region(t, &to);
      check_region(t, &from);
   }
   check_everything(t);
}

static void
whole_levels(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels t;

   create(info, kind, vt_bind_everything, 1, &t);
   check_everything(&t);
   for (uint32_t level = 0; level < info->levels; level++) {
      const struct vt_region whole = vt_texels_whole(&t, level);

      write_region(&t, &whole, 100 + level);
   }
   check_everything(&t);
   vt_texels_destroy(&t);
}

static void
regions(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels t;

   create(info, kind, vt_bind_everything, 1000, &t);
   try_regions(&t, 2000);
   vt_texels_destroy(&t);
}

static void
test_whole_levels(void **state)
{
   (void)state;
   foreach_image(whole_levels);
}

static void
test_regions(void **state)
{
   (void)state;
   foreach_image(regions);
}

/* -------------------------------------------------------- partly bound -- */

/*
 * Each bound tile by itself; its neighbours are not bound. What was written
 * before they were unbound is back with their memory.
 */
static void
bound_tiles(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels t;

   if (kind != VT_RESIDENCY)
      return;
   create(info, kind, vt_bind_everything, 1, &t);
   vt_texels_bind(&t, vt_bind_even);
   for (uint32_t i = 0; i < t.tile_count; i++) {
      struct vt_region r;

      if (!vt_texels_tile(&t, i, &r))
         continue;
      write_region(&t, &r, 50 + i);
      check_region(&t, &r);
   }
   vt_texels_check(&t);
   vt_texels_bind(&t, vt_bind_everything);
   check_everything(&t);
   vt_texels_destroy(&t);
}

static void
test_bound_tiles(void **state)
{
   (void)state;
   foreach_image(bound_tiles);
}

/* Two tiles change places: what the host wrote goes with the memory. */
static void
rebind(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_region a, b;
   struct vt_texels t;

   if (kind != VT_RESIDENCY)
      return;
   create(info, kind, vt_bind_everything, 1, &t);
   if (t.tile_count >= 2 && vt_texels_tile(&t, 0, &a) &&
       vt_texels_tile(&t, 1, &b) &&
       memcmp(&a.extent, &b.extent, sizeof(a.extent)) == 0 &&
       a.level == b.level) {
      write_region(&t, &a, 7);
      write_region(&t, &b, 8);
      vt_texels_swap(&t, 0, 1);
      expect_region(&t, &a, 8);
      expect_region(&t, &b, 7);
      check_everything(&t);
      write_region(&t, &a, 9);
      vt_texels_swap(&t, 0, 1);
      expect_region(&t, &a, 7);
      expect_region(&t, &b, 9);
      check_everything(&t);
   }
   vt_texels_destroy(&t);
}

static void
test_rebind(void **state)
{
   (void)state;
   foreach_image(rebind);
}

/* Across bound and unbound tiles and tails: only what is bound changes. */
static void
unbound(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels t;

   if (kind != VT_RESIDENCY)
      return;
   create(info, kind, vt_bind_everything, 1, &t);
   vt_texels_bind(&t, vt_bind_even);
   check_everything(&t);
   try_regions(&t, 3000);
   vt_texels_bind(&t, vt_bind_nothing);
   try_regions(&t, 4000);
   vt_texels_bind(&t, vt_bind_everything);
   check_everything(&t);
   vt_texels_destroy(&t);
}

static void
test_unbound(void **state)
{
   (void)state;
   VT_NEED(promises_more());
   foreach_image(unbound);
}

/* ------------------------------------------------------ image to image -- */

struct image_copy {
   struct vt_texels *from;
   struct vt_region source, target;
};

static void
expect_copied(struct vt_texels *t, struct vt_place place, void *data)
{
   const struct image_copy *copy = data;
   const struct vt_region *s = &copy->source, *d = &copy->target;
   const int32_t bw = t->info->block_w, bh = t->info->block_h;
   const VkOffset3D block = {
      place.block.x + (s->offset.x - d->offset.x) / bw,
      place.block.y + (s->offset.y - d->offset.y) / bh,
      place.block.z + s->offset.z - d->offset.z,
   };
   const uint8_t *from = vt_texels_block(
      copy->from, s->level, place.layer + s->layer - d->layer, block);
   uint8_t *to = vt_texels_block(t, d->level, place.layer, place.block);

   if (to && from)
      memcpy(to, from, t->info->block_B);
   else if (to)
      memset(to, 0, t->info->block_B);
}

static void
copy_image(struct image_copy *copy, struct vt_texels *to, uint32_t flags)
{
   const VkImageCopy2 region = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_COPY_2,
      .srcSubresource = subresource(copy->from, &copy->source),
      .srcOffset = copy->source.offset,
      .dstSubresource = subresource(to, &copy->target),
      .dstOffset = copy->target.offset,
      .extent = copy->target.extent,
   };
   const VkCopyImageToImageInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_IMAGE_INFO_EXT,
      .flags = flags,
      .srcImage = copy->from->image,
      .srcImageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .dstImage = to->image,
      .dstImageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .regionCount = 1,
      .pRegions = &region,
   };

   VKH_CHECK(copy_image_to_image(vt.device, &info));
   vt_region_foreach(to, &copy->target, expect_copied, copy);
}

/* Two regions of one size in levels of whole blocks; else all of a level. */
static void
random_copy(struct vt_texels *from, uint32_t *state, struct image_copy *copy)
{
   const struct vt_texels_info *info = from->info;
   const uint32_t level = random_below(state, info->levels);
   struct vt_region *s = &copy->source, *d = &copy->target;

   copy->from = from;
   *s = random_region(from, level, state);
   s->row_length = s->image_height = 0;
   *d = *s;
   d->layer = random_below(state, info->layers - s->layers + 1);
   d->level = random_below(state, level + 1);
   const VkExtent3D e = vt_texels_level(from, d->level);
   if (s->extent.width % info->block_w || s->extent.height % info->block_h ||
       s->extent.width > e.width || s->extent.height > e.height) {
      d->level = level;
      return;
   }
   d->offset = (VkOffset3D){
      (int32_t)(random_below(state,
                             (e.width - s->extent.width) / info->block_w + 1) *
                info->block_w),
      (int32_t)(random_below(
                   state, (e.height - s->extent.height) / info->block_h + 1) *
                info->block_h),
      (int32_t)random_below(state, e.depth - s->extent.depth + 1),
   };
}

static void
copy_between(struct vt_texels *from, struct vt_texels *to, uint32_t seed)
{
   uint32_t state = seed;

   for (uint32_t i = 0; i < 24; i++) {
      struct image_copy copy;

      random_copy(from, &state, &copy);
      copy_image(&copy, to, 0);
   }
   check_everything(to);
   check_everything(from);
}

static void
same_kind(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels a, b;

   create(info, kind, vt_bind_everything, 10, &a);
   create(info, kind, vt_bind_everything, 50, &b);
   copy_between(&a, &b, 1);
   copy_between(&b, &a, 2);
   vt_texels_destroy(&a);
   vt_texels_destroy(&b);
}

static void
test_same_kind(void **state)
{
   (void)state;
   foreach_image(same_kind);
}

/* Residency images that are bound in part, and each other kind. */
static void
other_kinds(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels sparse, other;

   if (!is_supported(info, VT_RESIDENCY))
      return;
   create(info, VT_RESIDENCY, vt_bind_everything, 10, &sparse);
   create(info, kind, vt_bind_everything, 50, &other);
   copy_between(&sparse, &other, 3);
   copy_between(&other, &sparse, 4);
   if (vt.properties.sparseProperties.residencyNonResidentStrict) {
      vt_texels_bind(&sparse, vt_bind_even);
      copy_between(&sparse, &other, 5);
      copy_between(&other, &sparse, 6);
      vt_texels_bind(&sparse, vt_bind_everything);
      check_everything(&sparse);
   }
   vt_texels_destroy(&sparse);
   vt_texels_destroy(&other);
}

static void
test_other_kinds(void **state)
{
   (void)state;
   VT_NEED(promises_more());
   foreach_image(other_kinds);
}

/* -------------------------------------------------------------- memcpy -- */

static VkDeviceSize
memcpy_size(const struct vt_texels *t, uint32_t level, uint32_t layer)
{
   VkSubresourceHostMemcpySizeEXT size = {
      .sType = VK_STRUCTURE_TYPE_SUBRESOURCE_HOST_MEMCPY_SIZE_EXT,
   };
   const VkImageSubresource2EXT what = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_SUBRESOURCE_2_EXT,
      .imageSubresource = {t->info->aspect, level, layer},
   };
   VkSubresourceLayout2EXT layout = {
      .sType = VK_STRUCTURE_TYPE_SUBRESOURCE_LAYOUT_2_EXT,
      .pNext = &size,
   };

   get_subresource_layout(vt.device, t->image, &what, &layout);
   return size.size;
}

/* A subresource of @from to @to, by way of memory of the size that is asked
 * for. */
static void
memcpy_subresource(struct vt_texels *from, struct vt_texels *to,
                   const struct vt_region *r)
{
   const VkDeviceSize size_B = memcpy_size(from, r->level, r->layer);
   assert_int_not_equal(size_B, 0);
   uint8_t *bytes = vkh_calloc(size_B + 256, 1);
   const VkImageToMemoryCopyEXT out = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_TO_MEMORY_COPY_EXT,
      .pHostPointer = bytes,
      .imageSubresource = subresource(from, r),
      .imageExtent = r->extent,
   };
   const VkMemoryToImageCopyEXT in = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_EXT,
      .pHostPointer = bytes,
      .imageSubresource = subresource(to, r),
      .imageExtent = r->extent,
   };
   const VkCopyImageToMemoryInfoEXT out_info = {
      .sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_EXT,
      .flags = VK_HOST_IMAGE_COPY_MEMCPY_EXT,
      .srcImage = from->image,
      .srcImageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .regionCount = 1,
      .pRegions = &out,
   };
   const VkCopyMemoryToImageInfoEXT in_info = {
      .sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_EXT,
      .flags = VK_HOST_IMAGE_COPY_MEMCPY_EXT,
      .dstImage = to->image,
      .dstImageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .regionCount = 1,
      .pRegions = &in,
   };
   struct image_copy copy = {from, *r, *r};

   memset(bytes + size_B, GAP, 256);
   VKH_CHECK(copy_image_to_memory(vt.device, &out_info));
   for (uint32_t i = 0; i < 256; i++)
      if (bytes[size_B + i] != GAP)
         fail_msg("%s, kind %d, level %u: byte %u beyond the %llu that it asks "
                  "for is written",
                  from->info->name, from->kind, r->level, i,
                  (unsigned long long)size_B);
   VKH_CHECK(copy_memory_to_image(vt.device, &in_info));
   vt_region_foreach(to, r, expect_copied, &copy);
   free(bytes);
}

static void
memcpy_all(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels a, b;

   create(info, kind, vt_bind_everything, 10, &a);
   create(info, kind, vt_bind_everything, 50, &b);
   for (uint32_t level = 0; level < info->levels; level++)
      for (uint32_t layer = 0; layer < info->layers; layer++) {
         struct vt_region r = vt_texels_whole(&a, level);

         r.layer = layer;
         r.layers = 1;
         if ((level + layer) % 2) {
            struct image_copy copy = {&a, r, r};

            copy_image(&copy, &b, VK_HOST_IMAGE_COPY_MEMCPY_EXT);
         } else {
            memcpy_subresource(&a, &b, &r);
         }
      }
   check_everything(&b);
   vt_texels_destroy(&a);
   vt_texels_destroy(&b);
}

static void
test_memcpy(void **state)
{
   (void)state;
   foreach_image(memcpy_all);
}

/* ------------------------------------------------------------- threads -- */

/* Writes all tiles of even numbers, over and over. */
static void *
write_even_tiles(void *data)
{
   struct vt_texels *t = data;

   for (uint32_t pass = 0; pass < 6; pass++)
      for (uint32_t i = 0; i < t->tile_count; i += 2) {
         struct vt_region r;

         vt_texels_tile(t, i, &r);
         write_region(t, &r, pass * 1000 + i);
      }
   return NULL;
}

/*
 * The host writes to two images while tiles beside those are bound and unbound,
 * and commands write to a third.
 */
static void
test_threads(void **state)
{
   const struct vt_texels_info *info = &images[1];
   struct vt_texels t[2], other;
   pthread_t threads[2];

   (void)state;
   VT_NEED(vt.extension && is_supported(info, VT_RESIDENCY));
   create(info, VT_RESIDENCY, vt_bind_everything, 10, &other);
   for (uint32_t i = 0; i < 2; i++) {
      create(info, VT_RESIDENCY, vt_bind_everything, 30 * i, &t[i]);
      vt_texels_bind(&t[i], vt_bind_even);
   }
   for (uint32_t i = 0; i < 2; i++)
      assert_int_equal(
         pthread_create(&threads[i], NULL, write_even_tiles, &t[i]), 0);
   for (uint32_t n = 1; n < t[0].tile_count; n += 2) {
      for (uint32_t i = 0; i < 2; i++)
         vt_texels_bind_tile(&t[i], n, true);
      vt_texels_fill(&other, n);
      for (uint32_t i = 0; i < 2; i++)
         vt_texels_bind_tile(&t[i], n, false);
   }
   for (uint32_t i = 0; i < 2; i++) {
      assert_int_equal(pthread_join(threads[i], NULL), 0);
      vt_texels_check(&t[i]);
      vt_texels_bind(&t[i], vt_bind_everything);
      check_everything(&t[i]);
      vt_texels_destroy(&t[i]);
   }
   check_everything(&other);
   vt_texels_destroy(&other);
}

/* ------------------------------------------------------------- queries -- */

static VkPhysicalDeviceHostImageCopyPropertiesEXT
host_copy_properties(void)
{
   VkPhysicalDeviceHostImageCopyPropertiesEXT host = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_IMAGE_COPY_PROPERTIES_EXT,
   };
   VkPhysicalDeviceProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &host,
   };

   vkGetPhysicalDeviceProperties2(vt.physical, &props);
   return host;
}

/* "If identicalMemoryLayout is VK_TRUE, optimalDeviceAccess must be VK_TRUE."
 */
static void
performance(const struct vt_texels_info *info, enum vt_kind kind)
{
   VkHostImageCopyDevicePerformanceQueryEXT query = {
      .sType = VK_STRUCTURE_TYPE_HOST_IMAGE_COPY_DEVICE_PERFORMANCE_QUERY_EXT,
      .optimalDeviceAccess = 99,
      .identicalMemoryLayout = 99,
   };
   VkImageFormatProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2,
      .pNext = &query,
   };
   const VkPhysicalDeviceImageFormatInfo2 what = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      .format = info->format,
      .type = info->type,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = USAGE,
      .flags =
         info->flags |
         (kind != VT_ORDINARY ? VK_IMAGE_CREATE_SPARSE_BINDING_BIT : 0) |
         (kind == VT_RESIDENCY ? VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT : 0),
   };

   VKH_CHECK(
      vkGetPhysicalDeviceImageFormatProperties2(vt.physical, &what, &props));
   assert_true(query.optimalDeviceAccess <= 1);
   assert_true(query.identicalMemoryLayout <= query.optimalDeviceAccess);
}

/* With and without the usage, where the device says it makes no difference. */
static void
requirements(const struct vt_texels_info *info, enum vt_kind kind)
{
   const VkImageUsageFlags host = VK_IMAGE_USAGE_HOST_TRANSFER_BIT_EXT;
   struct vt_texels with, without;

   vt_texels_create(info, kind, USAGE, &with);
   vt_texels_create(info, kind, USAGE & ~host, &without);
   if (host_copy_properties().identicalMemoryTypeRequirements)
      assert_int_equal(with.req.memoryTypeBits, without.req.memoryTypeBits);
   vt_texels_destroy(&with);
   vt_texels_destroy(&without);
}

static void
test_queries(void **state)
{
   (void)state;
   foreach_image(performance);
   foreach_image(requirements);
}

/* ---------------------------------------------------------------- main -- */

/* GENERAL is all that the tests need; it "must" be among the layouts. */
static bool
has_general(const VkImageLayout *layouts, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      if (layouts[i] == VK_IMAGE_LAYOUT_GENERAL)
         return true;
   return false;
}

static void
test_layouts(void **state)
{
   VkPhysicalDeviceHostImageCopyPropertiesEXT host;
   VkPhysicalDeviceProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &host,
   };

   (void)state;
   VT_NEED(vt.extension);
   host = host_copy_properties();
   host.pNext = NULL;
   host.pCopySrcLayouts =
      vkh_calloc(host.copySrcLayoutCount, sizeof(VkImageLayout));
   host.pCopyDstLayouts =
      vkh_calloc(host.copyDstLayoutCount, sizeof(VkImageLayout));
   vkGetPhysicalDeviceProperties2(vt.physical, &props);
   assert_true(has_general(host.pCopySrcLayouts, host.copySrcLayoutCount));
   assert_true(has_general(host.pCopyDstLayouts, host.copyDstLayoutCount));
   free(host.pCopySrcLayouts);
   free(host.pCopyDstLayouts);
}

static int
setup(void **state)
{
   int ret =
      vt_group_setup_with(VK_EXT_HOST_IMAGE_COPY_EXTENSION_NAME, &feature);

   (void)state;
#define LOAD(pointer, name)                                                    \
   pointer = (PFN_vk##name)vkGetDeviceProcAddr(vt.device, "vk" #name)
   if (vt.extension) {
      LOAD(copy_memory_to_image, CopyMemoryToImageEXT);
      LOAD(copy_image_to_memory, CopyImageToMemoryEXT);
      LOAD(copy_image_to_image, CopyImageToImageEXT);
      LOAD(transition_image_layout, TransitionImageLayoutEXT);
      LOAD(get_subresource_layout, GetImageSubresourceLayout2EXT);
   }
#undef LOAD
   return ret;
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layouts),      cmocka_unit_test(test_queries),
      cmocka_unit_test(test_whole_levels), cmocka_unit_test(test_regions),
      cmocka_unit_test(test_bound_tiles),  cmocka_unit_test(test_rebind),
      cmocka_unit_test(test_unbound),      cmocka_unit_test(test_same_kind),
      cmocka_unit_test(test_other_kinds),  cmocka_unit_test(test_memcpy),
      cmocka_unit_test(test_threads),
   };

   return cmocka_run_group_tests_name("vulkan-host-copy", tests, setup,
                                      vt_group_teardown);
}
