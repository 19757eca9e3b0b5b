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

#define COLOR VK_IMAGE_ASPECT_COLOR_BIT
#define DEPTH VK_IMAGE_ASPECT_DEPTH_BIT
#define STENCIL VK_IMAGE_ASPECT_STENCIL_BIT
#define CUBE VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT
#define MUTABLE VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT
#define T(dim) VK_IMAGE_TYPE_##dim
#define F(format) #format, VK_FORMAT_##format

/* No extent is a multiple of a tile; all levels, so that there is a tail. */
static const struct vt_texels_info images[] = {
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(2D), {300, 200, 1}, 9, 1, 0},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(2D), {270, 300, 1}, 9, 3, 0},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(2D), {140, 140, 1}, 8, 6, CUBE},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(2D), {260, 130, 1}, 1, 2, MUTABLE},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(3D), {70, 50, 21}, 7, 1, 0},
   {F(R8_UNORM), COLOR, 1, 1, 1, T(2D), {600, 300, 1}, 10, 1, 0},
   {F(R16G16B16A16_SFLOAT), COLOR, 1, 1, 8, T(3D), {40, 40, 40}, 6, 1, 0},
   {F(R32G32B32A32_UINT), COLOR, 1, 1, 16, T(2D), {150, 90, 1}, 8, 2, 0},
   {F(BC1_RGBA_UNORM_BLOCK), COLOR, 4, 4, 8, T(2D), {1100, 530, 1}, 11, 1, 0},
   {F(BC3_UNORM_BLOCK), COLOR, 4, 4, 16, T(2D), {350, 262, 1}, 9, 2, MUTABLE},
   {F(BC1_RGBA_UNORM_BLOCK), COLOR, 4, 4, 8, T(3D), {140, 140, 20}, 8, 1, 0},
   {F(D16_UNORM), DEPTH, 1, 1, 2, T(2D), {300, 140, 1}, 9, 2, 0},
   {F(D32_SFLOAT), DEPTH, 1, 1, 4, T(2D), {200, 140, 1}, 8, 2, 0},
   {F(S8_UINT), STENCIL, 1, 1, 1, T(2D), {300, 270, 1}, 9, 2, 0},
   {F(R8G8B8A8_UNORM), COLOR, 1, 1, 4, T(1D), {3000, 1, 1}, 12, 2, 0},
};

/* See above. */
static bool
promises_more(void)
{
   return strcmp(vt.driver.driverName, "pansparse") == 0;
}

/* Runs @fn for each image of each kind that the device has. */
static void
foreach_image(void (*fn)(const struct vt_texels_info *info, enum vt_kind kind))
{
   uint32_t count = 0;

   VT_NEED(vt.extension);
   for (uint32_t i = 0; i < VKH_ARRAY_SIZE(images); i++)
      for (enum vt_kind kind = VT_ORDINARY; kind <= VT_RESIDENCY; kind++)
         if (vt_host_supported(&images[i], kind)) {
            fn(&images[i], kind);
            count += kind != VT_ORDINARY;
         }
   VT_NEED(count);
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

      vt_host_write(t, &to, seed + i);
      vt_host_check(t, &to);
      vt_host_check(t, &from);
   }
   vt_host_check_all(t);
}

static void
whole_levels(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels t;

   vt_host_create(info, kind, vt_bind_everything, 1, &t);
   vt_host_check_all(&t);
   for (uint32_t level = 0; level < info->levels; level++) {
      const struct vt_region whole = vt_texels_whole(&t, level);

      vt_host_write(&t, &whole, 100 + level);
   }
   vt_host_check_all(&t);
   vt_texels_destroy(&t);
}

static void
regions(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels t;

   vt_host_create(info, kind, vt_bind_everything, 1000, &t);
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
   vt_host_create(info, kind, vt_bind_everything, 1, &t);
   vt_texels_bind(&t, vt_bind_even);
   for (uint32_t i = 0; i < t.tile_count; i++) {
      struct vt_region r;

      if (!vt_texels_tile(&t, i, &r))
         continue;
      vt_host_write(&t, &r, 50 + i);
      vt_host_check(&t, &r);
   }
   vt_texels_check(&t);
   vt_texels_bind(&t, vt_bind_everything);
   vt_host_check_all(&t);
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
   vt_host_create(info, kind, vt_bind_everything, 1, &t);
   if (t.tile_count >= 2 && vt_texels_tile(&t, 0, &a) &&
       vt_texels_tile(&t, 1, &b) &&
       memcmp(&a.extent, &b.extent, sizeof(a.extent)) == 0 &&
       a.level == b.level) {
      vt_host_write(&t, &a, 7);
      vt_host_write(&t, &b, 8);
      vt_texels_swap(&t, 0, 1);
      vt_host_expect(&t, &a, 8);
      vt_host_expect(&t, &b, 7);
      vt_host_check_all(&t);
      vt_host_write(&t, &a, 9);
      vt_texels_swap(&t, 0, 1);
      vt_host_expect(&t, &a, 7);
      vt_host_expect(&t, &b, 9);
      vt_host_check_all(&t);
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
   vt_host_create(info, kind, vt_bind_everything, 1, &t);
   vt_texels_bind(&t, vt_bind_even);
   vt_host_check_all(&t);
   try_regions(&t, 3000);
   vt_texels_bind(&t, vt_bind_nothing);
   try_regions(&t, 4000);
   vt_texels_bind(&t, vt_bind_everything);
   vt_host_check_all(&t);
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

/* Two regions of one size in levels of whole blocks; else all of a level. */
static void
random_copy(struct vt_texels *from, uint32_t *state, struct vt_host_copy *copy)
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
      struct vt_host_copy copy;

      random_copy(from, &state, &copy);
      vt_host_copy_image(&copy, to, 0);
   }
   vt_host_check_all(to);
}

static void
same_kind(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels a, b;

   vt_host_create(info, kind, vt_bind_everything, 10, &a);
   vt_host_create(info, kind, vt_bind_everything, 50, &b);
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

   if (!vt_host_supported(info, VT_RESIDENCY))
      return;
   vt_host_create(info, VT_RESIDENCY, vt_bind_everything, 10, &sparse);
   vt_host_create(info, kind, vt_bind_everything, 50, &other);
   copy_between(&sparse, &other, 3);
   copy_between(&other, &sparse, 4);
   if (vt.properties.sparseProperties.residencyNonResidentStrict) {
      vt_texels_bind(&sparse, vt_bind_even);
      copy_between(&sparse, &other, 5);
      copy_between(&other, &sparse, 6);
      vt_texels_bind(&sparse, vt_bind_everything);
      vt_host_check_all(&sparse);
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

static void
memcpy_all(const struct vt_texels_info *info, enum vt_kind kind)
{
   struct vt_texels a, b;

   vt_host_create(info, kind, vt_bind_everything, 10, &a);
   vt_host_create(info, kind, vt_bind_everything, 50, &b);
   for (uint32_t level = 0; level < info->levels; level++)
      for (uint32_t layer = 0; layer < info->layers; layer++) {
         struct vt_region r = vt_texels_whole(&a, level);

         r.layer = layer;
         r.layers = 1;
         if ((level + layer) % 2) {
            struct vt_host_copy copy = {&a, r, r};

            vt_host_copy_image(&copy, &b, VK_HOST_IMAGE_COPY_MEMCPY_EXT);
         } else {
            vt_host_memcpy(&a, &b, &r);
         }
      }
   vt_host_check_all(&b);
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
         vt_host_write(t, &r, pass * 1000 + i);
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
   VT_NEED(vt.extension && vt_host_supported(info, VT_RESIDENCY));
   vt_host_create(info, VT_RESIDENCY, vt_bind_everything, 10, &other);
   for (uint32_t i = 0; i < 2; i++) {
      vt_host_create(info, VT_RESIDENCY, vt_bind_everything, 30 * i, &t[i]);
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
      vt_host_check_all(&t[i]);
      vt_texels_destroy(&t[i]);
   }
   vt_host_check_all(&other);
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
      .usage = VT_HOST_USAGE,
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

   vt_texels_create(info, kind, VT_HOST_USAGE, &with);
   vt_texels_create(info, kind, VT_HOST_USAGE & ~host, &without);
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

   return cmocka_run_group_tests_name("vulkan-host-copy", tests, vt_host_setup,
                                      vt_group_teardown);
}
