/* SPDX-License-Identifier: MIT */
/*
 * Blits, resolves, clears and copies between images of sparse residency and
 * ordinary ones. Everything is done to a sparse image and to an ordinary one,
 * which must be equal wherever the sparse one is bound; what is not bound must
 * not be written anywhere.
 */
#include "vt_render.h"

#define RGBA8 VK_FORMAT_R8G8B8A8_UNORM
#define GENERAL VK_IMAGE_LAYOUT_GENERAL
#define ASPECT VK_IMAGE_ASPECT_COLOR_BIT

/* Runs what @record records, on each of a pair's images. */
static void
run_on(VkImage image, VkImage other, const void *what,
       void (*record)(VkCommandBuffer cmd, VkImage image, VkImage other,
                      const void *what))
{
   VkCommandBuffer cmd = vkh_begin(&vt);

   vkh_full_barrier(cmd);
   record(cmd, image, other, what);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
}

/* ----------------------------------------------------------------- blits -- */

struct blit {
   VkImageBlit region;
   VkFilter filter;
   bool second_version;
};

#define SUB(level, layer, layers)                                              \
   {                                                                           \
      ASPECT, level, layer, layers                                             \
   }

static const struct blit blits[] = {
   /* as it is, enlarged, reduced */
   {{SUB(0, 0, 1),
     {{0, 0, 0}, {200, 150, 1}},
     SUB(0, 0, 1),
     {{0, 0, 0}, {200, 150, 1}}},
    VK_FILTER_NEAREST,
    false},
   {{SUB(0, 0, 1),
     {{0, 0, 0}, {200, 150, 1}},
     SUB(0, 0, 1),
     {{0, 0, 0}, {500, 300, 1}}},
    VK_FILTER_LINEAR,
    true},
   {{SUB(0, 0, 1),
     {{0, 0, 0}, {200, 150, 1}},
     SUB(1, 1, 1),
     {{100, 20, 0}, {179, 70, 1}}},
    VK_FILTER_NEAREST,
    true},
   /* mirrored in x, in y, in both, from a mirrored source */
   {{SUB(0, 0, 1),
     {{10, 0, 0}, {110, 100, 1}},
     SUB(0, 1, 1),
     {{310, 100, 0}, {210, 200, 1}}},
    VK_FILTER_NEAREST,
    false},
   {{SUB(0, 0, 1),
     {{10, 0, 0}, {110, 100, 1}},
     SUB(0, 0, 1),
     {{250, 250, 0}, {480, 110, 1}}},
    VK_FILTER_LINEAR,
    false},
   {{SUB(0, 0, 1),
     {{200, 0, 0}, {0, 150, 1}},
     SUB(0, 1, 1),
     {{490, 290, 0}, {3, 7, 1}}},
    VK_FILTER_LINEAR,
    true},
   /* two layers, a small level */
   {{SUB(0, 0, 2),
     {{0, 0, 0}, {200, 150, 1}},
     SUB(1, 0, 2),
     {{0, 0, 0}, {250, 150, 1}}},
    VK_FILTER_LINEAR,
    false},
   {{SUB(0, 1, 1),
     {{0, 0, 0}, {200, 150, 1}},
     SUB(3, 0, 1),
     {{1, 2, 0}, {60, 33, 1}}},
    VK_FILTER_LINEAR,
    false},
};

/* From @other to @image. */
static void
record_blit(VkCommandBuffer cmd, VkImage image, VkImage other, const void *what)
{
   const struct blit *blit = what;
   const VkImageBlit2 region = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_BLIT_2,
      .srcSubresource = blit->region.srcSubresource,
      .srcOffsets = {blit->region.srcOffsets[0], blit->region.srcOffsets[1]},
      .dstSubresource = blit->region.dstSubresource,
      .dstOffsets = {blit->region.dstOffsets[0], blit->region.dstOffsets[1]},
   };
   const VkBlitImageInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_BLIT_IMAGE_INFO_2,
      .srcImage = other,
      .srcImageLayout = GENERAL,
      .dstImage = image,
      .dstImageLayout = GENERAL,
      .regionCount = 1,
      .pRegions = &region,
      .filter = blit->filter,
   };

   if (blit->second_version)
      vkCmdBlitImage2(cmd, &info);
   else
      vkCmdBlitImage(cmd, other, GENERAL, image, GENERAL, 1, &blit->region,
                     blit->filter);
}

/* Into images of each of some formats, from an ordinary one. */
static void
test_blit_to(void **state)
{
   (void)state;
   static const VkFormat formats[] = {RGBA8, VK_FORMAT_B8G8R8A8_UNORM,
                                      VK_FORMAT_R16G16B16A16_SFLOAT,
                                      VK_FORMAT_R8_UNORM};
   struct vt_pair source;

   vt_pair_create(RGBA8, 200, 150, 1, 2, 0, VT_BIND_ALL, &source);
   for (unsigned f = 0; f < VKH_ARRAY_SIZE(formats); f++) {
      struct vt_pair pair;

      vt_pair_create(formats[f], 500, 300, 4, 2, 0, VT_BIND_CHECKERBOARD,
                     &pair);
      for (unsigned i = 0; i < VKH_ARRAY_SIZE(blits); i++) {
         run_on(pair.sparse.image, source.plain, &blits[i], record_blit);
         run_on(pair.plain, source.plain, &blits[i], record_blit);
         vt_pair_compare(&pair);
      }
      vt_pair_check_unbound(&pair);
      vt_pair_destroy(&pair);
   }
   vt_pair_destroy(&source);
}

/*
 * From a sparse image, to an ordinary one and to a sparse one. How precisely an
 * image is filtered may depend on how it is stored.
 */
static void
test_blit_from(void **state)
{
   (void)state;
   struct vt_pair source, pair;

   vt_pair_create(RGBA8, 200, 150, 1, 2, 0, VT_BIND_ALL, &source);
   vt_pair_create(VK_FORMAT_B8G8R8A8_UNORM, 500, 300, 4, 2, 0, VT_BIND_ALL,
                  &pair);
   for (unsigned i = 0; i < VKH_ARRAY_SIZE(blits); i++) {
      run_on(pair.sparse.image, source.sparse.image, &blits[i], record_blit);
      run_on(pair.plain, source.plain, &blits[i], record_blit);
      vt_pair_compare_near(&pair);
      run_on(pair.plain, source.sparse.image, &blits[i], record_blit);
      vt_pair_compare_near(&pair);
   }
   vt_pair_destroy(&pair);
   vt_pair_destroy(&source);
}

/*
 * Mips of an image are made of its own levels, in one command buffer. Odd sizes
 * have no ties.
 */
static void
record_mips(VkCommandBuffer cmd, VkImage image, VkImage other, const void *what)
{
   (void)other;
   const struct vt_image *shape = what;

   for (uint32_t level = 1; level < shape->levels; level++) {
      const struct blit blit = {
         .region =
            {
               .srcSubresource = SUB(level - 1, 0, shape->layers),
               .srcOffsets[1] = {(int32_t)vt_level_width(shape, level - 1),
                                 (int32_t)vt_level_height(shape, level - 1), 1},
               .dstSubresource = SUB(level, 0, shape->layers),
               .dstOffsets[1] = {(int32_t)vt_level_width(shape, level),
                                 (int32_t)vt_level_height(shape, level), 1},
            },
         .filter = VK_FILTER_NEAREST,
      };

      record_blit(cmd, image, image, &blit);
      vkh_full_barrier(cmd);
   }
}

static void
test_mips(void **state)
{
   (void)state;
   struct vt_pair pair;

   vt_pair_create(RGBA8, 511, 255, 9, 2, 0, VT_BIND_ALL, &pair);
   run_on(pair.sparse.image, VK_NULL_HANDLE, &pair.sparse, record_mips);
   run_on(pair.plain, VK_NULL_HANDLE, &pair.sparse, record_mips);
   vt_pair_compare(&pair);
   vt_pair_destroy(&pair);
}

/* -------------------------------------------------------------- resolves -- */

/* A multisampled image with a slanted triangle in it, in GENERAL. */
static void
create_multisampled(uint32_t width, uint32_t height, struct vkh_image *out)
{
   const VkRect2D area = {{0, 0}, {width, height}};
   struct vt_pipeline pipeline = vt_pipeline_create(&(struct vt_pipeline_info){
      .formats = {RGBA8},
      .color_count = 1,
      .samples = VK_SAMPLE_COUNT_4_BIT,
   });

   vkh_image_create(&vt, RGBA8, width, height, VK_SAMPLE_COUNT_4_BIT,
                    VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                       VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
                    ASPECT, out);

   const VkRenderingAttachmentInfo color = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = out->view,
      .imageLayout = GENERAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
   };
   const VkRenderingInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = area,
      .layerCount = 1,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
   };
   VkCommandBuffer cmd = vkh_begin(&vt);

   vkh_image_layout(cmd, out->image, ASPECT, VK_IMAGE_LAYOUT_UNDEFINED,
                    GENERAL);
   vkCmdBeginRendering(cmd, &info);
   vt_draw(cmd, &pipeline, &vt_slanted_triangle, width, height, area);
   vkCmdEndRendering(cmd);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vt_pipeline_destroy(&pipeline);
}

static void
record_resolve(VkCommandBuffer cmd, VkImage image, VkImage other,
               const void *what)
{
   const VkImageResolve region = {
      .srcSubresource = SUB(0, 0, 1),
      .srcOffset = {13, 5, 0},
      .dstSubresource = SUB(1, 1, 1),
      .dstOffset = {22, 31, 0},
      .extent = {210, 100, 1},
   };
   const VkImageResolve2 region2 = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_RESOLVE_2,
      .srcSubresource = SUB(0, 0, 1),
      .dstSubresource = SUB(0, 0, 1),
      .dstOffset = {222, 31, 0},
      .extent = {256, 160, 1},
   };
   const VkResolveImageInfo2 info = {
      .sType = VK_STRUCTURE_TYPE_RESOLVE_IMAGE_INFO_2,
      .srcImage = other,
      .srcImageLayout = GENERAL,
      .dstImage = image,
      .dstImageLayout = GENERAL,
      .regionCount = 1,
      .pRegions = &region2,
   };
   (void)what;

   vkCmdResolveImage(cmd, other, GENERAL, image, GENERAL, 1, &region);
   vkCmdResolveImage2(cmd, &info);
}

static void
test_resolve(void **state)
{
   (void)state;
   struct vkh_image source;
   struct vt_pair pair;

   vt_pair_create(RGBA8, 500, 300, 2, 2, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
                  VT_BIND_CHECKERBOARD, &pair);
   create_multisampled(256, 160, &source);
   run_on(pair.sparse.image, source.image, NULL, record_resolve);
   run_on(pair.plain, source.image, NULL, record_resolve);
   vt_pair_compare(&pair);
   vt_pair_check_unbound(&pair);
   vkh_image_destroy(&vt, &source);
   vt_pair_destroy(&pair);
}

/* ------------------------------------------------------- clears and copies --
 */

static void
record_clear(VkCommandBuffer cmd, VkImage image, VkImage other,
             const void *what)
{
   const VkClearColorValue color = {.float32 = {0.1f, 0.9f, 0.4f, 0.6f}};
   const VkImageSubresourceRange ranges[] = {{ASPECT, 1, 2, 0, 1},
                                             {ASPECT, 0, 1, 1, 1}};
   (void)other;
   (void)what;

   vkCmdClearColorImage(cmd, image, GENERAL, &color, 2, ranges);
}

static void
test_clear(void **state)
{
   (void)state;
   struct vt_pair pair;

   vt_pair_create(RGBA8, 500, 300, 4, 2, 0, VT_BIND_CHECKERBOARD, &pair);
   run_on(pair.sparse.image, VK_NULL_HANDLE, NULL, record_clear);
   run_on(pair.plain, VK_NULL_HANDLE, NULL, record_clear);
   vt_pair_compare(&pair);
   vt_pair_check_unbound(&pair);
   vt_pair_destroy(&pair);
}

/* From @other to @image. */
static void
record_copy(VkCommandBuffer cmd, VkImage image, VkImage other, const void *what)
{
   vkCmdCopyImage(cmd, other, GENERAL, image, GENERAL, 1, what);
}

/*
 * Between formats of one texel size, and between compressed formats and those
 * with a texel of the size of a block: all four pairs of sparse and ordinary.
 */
static void
test_copy_formats(void **state)
{
   (void)state;
   static const struct {
      VkFormat from, to;
      uint32_t from_size, to_size; /* texels a side of level 0 */
      VkImageCopy copy;            /* extent in texels of the source */
   } cases[] = {
      {RGBA8,
       VK_FORMAT_R32_UINT,
       300,
       300,
       {SUB(0, 0, 1), {20, 100, 0}, SUB(0, 0, 1), {31, 9, 0}, {260, 150, 1}}},
      {VK_FORMAT_R16G16B16A16_UINT,
       VK_FORMAT_R32G32_SFLOAT,
       300,
       300,
       {SUB(1, 0, 1), {0, 0, 0}, SUB(0, 0, 1), {40, 71, 0}, {150, 150, 1}}},
      {VK_FORMAT_BC1_RGB_UNORM_BLOCK,
       VK_FORMAT_R32G32_UINT,
       1200,
       300,
       {SUB(0, 0, 1), {400, 40, 0}, SUB(0, 0, 1), {31, 9, 0}, {800, 800, 1}}},
      {VK_FORMAT_R32G32B32A32_UINT,
       VK_FORMAT_BC3_UNORM_BLOCK,
       150,
       600,
       {SUB(0, 0, 1), {7, 30, 0}, SUB(0, 0, 1), {40, 64, 0}, {130, 110, 1}}},
   };

   for (unsigned i = 0; i < VKH_ARRAY_SIZE(cases); i++) {
      struct vt_pair from, to;

      vt_pair_create(cases[i].from, cases[i].from_size, cases[i].from_size, 2,
                     1, 0, VT_BIND_ALL, &from);
      vt_pair_create(cases[i].to, cases[i].to_size, cases[i].to_size, 1, 1, 0,
                     VT_BIND_CHECKERBOARD, &to);
      run_on(to.plain, from.plain, &cases[i].copy, record_copy);
      run_on(to.sparse.image, from.plain, &cases[i].copy, record_copy);
      vt_pair_compare(&to);
      run_on(to.sparse.image, from.sparse.image, &cases[i].copy, record_copy);
      vt_pair_compare(&to);
      run_on(to.plain, from.sparse.image, &cases[i].copy, record_copy);
      vt_pair_compare(&to);
      vt_pair_check_unbound(&to);
      vt_pair_destroy(&from);
      vt_pair_destroy(&to);
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blit_to), cmocka_unit_test(test_blit_from),
      cmocka_unit_test(test_mips),    cmocka_unit_test(test_resolve),
      cmocka_unit_test(test_clear),   cmocka_unit_test(test_copy_formats),
   };
   return cmocka_run_group_tests_name("vulkan-blit", tests, vt_group_setup,
                                      vt_group_teardown);
}
