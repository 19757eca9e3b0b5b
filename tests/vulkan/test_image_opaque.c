/* SPDX-License-Identifier: MIT */
/*
 * Sparse-bound images without residency, of every format, type and sample count
 * that the device has for ordinary ones: what goes in by copy comes out as it
 * comes out of an ordinary image, whatever piece of memory it went through.
 */
#include "vt.h"

#define TRANSFER                                                               \
   (VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT)

enum { WIDTH = 140, HEIGHT = 76, DEPTH = 6, LAYERS = 2, LEVELS = 2 };
/* Bytes that one level of any format takes at most, 16 a texel. */
#define STAGING (WIDTH * HEIGHT * DEPTH * 16)

/* Every second block of memory backwards, so that no two are neighbours. */
static VkDeviceMemory
bind_scattered(VkImage image)
{
   VkMemoryRequirements req = vt_image_requirements(image);
   const uint32_t tiles = (uint32_t)((req.size + VT_TILE - 1) / VT_TILE);
   VkDeviceMemory memory = vt_memory(2 * tiles, req.memoryTypeBits);
   VkSparseMemoryBind *binds = vkh_calloc(tiles, sizeof(*binds));

   for (uint32_t i = 0; i < tiles; i++)
      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = i * VT_TILE,
         .size = i + 1 < tiles ? VT_TILE : req.size - i * VT_TILE,
         .memory = memory,
         .memoryOffset = 2 * (tiles - 1 - i) * VT_TILE,
      };
   vt_bind_opaque(image, binds, tiles);
   free(binds);
   return memory;
}

static VkDeviceMemory
bind_ordinary(VkImage image)
{
   VkMemoryRequirements req;
   VkDeviceMemory memory;

   vkGetImageMemoryRequirements(vt.device, image, &req);
   VKH_CHECK(vkh_memory_try_alloc(&vt, req.size, req.memoryTypeBits,
                                  VKH_MEMORY_DEVICE, &memory));
   VKH_CHECK(vkBindImageMemory(vt.device, image, memory, 0));
   return memory;
}

/* The aspects that can be copied one by one. */
static VkImageAspectFlags
aspects_of(VkFormat format)
{
   switch (format) {
   case VK_FORMAT_D16_UNORM:
   case VK_FORMAT_X8_D24_UNORM_PACK32:
   case VK_FORMAT_D32_SFLOAT:
      return VK_IMAGE_ASPECT_DEPTH_BIT;
   case VK_FORMAT_S8_UINT:
      return VK_IMAGE_ASPECT_STENCIL_BIT;
   case VK_FORMAT_D16_UNORM_S8_UINT:
   case VK_FORMAT_D24_UNORM_S8_UINT:
   case VK_FORMAT_D32_SFLOAT_S8_UINT:
      return VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT;
   case VK_FORMAT_G8_B8R8_2PLANE_420_UNORM:
   case VK_FORMAT_G8_B8R8_2PLANE_422_UNORM:
   case VK_FORMAT_G16_B16R16_2PLANE_420_UNORM:
   case VK_FORMAT_G16_B16R16_2PLANE_422_UNORM:
      return VK_IMAGE_ASPECT_PLANE_0_BIT | VK_IMAGE_ASPECT_PLANE_1_BIT;
   case VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM:
   case VK_FORMAT_G8_B8_R8_3PLANE_422_UNORM:
   case VK_FORMAT_G8_B8_R8_3PLANE_444_UNORM:
   case VK_FORMAT_G16_B16_R16_3PLANE_420_UNORM:
   case VK_FORMAT_G16_B16_R16_3PLANE_422_UNORM:
   case VK_FORMAT_G16_B16_R16_3PLANE_444_UNORM:
      return VK_IMAGE_ASPECT_PLANE_0_BIT | VK_IMAGE_ASPECT_PLANE_1_BIT |
             VK_IMAGE_ASPECT_PLANE_2_BIT;
   default:
      return VK_IMAGE_ASPECT_COLOR_BIT;
   }
}

/* Half of both sides, for the planes that are smaller. */
static VkExtent3D
copy_extent(const VkImageCreateInfo *info, VkImageAspectFlags aspect,
            uint32_t level)
{
   const bool chroma = aspect == VK_IMAGE_ASPECT_PLANE_1_BIT ||
                       aspect == VK_IMAGE_ASPECT_PLANE_2_BIT;
   VkExtent3D e = info->extent;

   e.width = e.width >> level >> chroma;
   e.height = e.height >> level >> chroma ? e.height >> level >> chroma : 1;
   e.depth = e.depth >> level ? e.depth >> level : 1;
   return e;
}

/* One (level, last layer, aspect), in or out. */
static void
copy(const VkImageCreateInfo *info, VkImage image, VkImageAspectFlags aspect,
     uint32_t level, const struct vkh_buffer *buffer, bool in)
{
   const VkBufferImageCopy region = {
      .imageSubresource = {aspect, level, info->arrayLayers - 1, 1},
      .imageExtent = copy_extent(info, aspect, level),
   };
   VkCommandBuffer cmd = vkh_begin(&vt);

   if (in)
      vkCmdCopyBufferToImage(cmd, buffer->buffer, image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &region);
   else
      vkCmdCopyImageToBuffer(cmd, image, VK_IMAGE_LAYOUT_GENERAL,
                             buffer->buffer, 1, &region);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
}

/* No NaNs; in [0, 1] where it is a 32-bit depth. */
static void
fill(uint8_t *bytes, VkFormat format, uint32_t seed)
{
   for (uint32_t i = 0; i < STAGING; i++)
      bytes[i] = (uint8_t)(0x21 + ((i * 2654435761u + seed * 977) >> 27));
   if (format == VK_FORMAT_D32_SFLOAT || format == VK_FORMAT_D32_SFLOAT_S8_UINT)
      for (uint32_t i = 0; i < STAGING / 4; i++)
         ((float *)bytes)[i] = (float)(i % 9973 + 1) / 9974.0f;
}

static void
compare(const VkImageCreateInfo *ordinary_info)
{
   VkImageCreateInfo sparse_info = *ordinary_info;
   const VkImageAspectFlags aspects = aspects_of(ordinary_info->format);
   struct vkh_buffer buffers[3]; /* in, out of each */
   VkDeviceMemory memories[2];
   VkImage images[2];

   sparse_info.flags |= VK_IMAGE_CREATE_SPARSE_BINDING_BIT;
   VKH_CHECK(vkCreateImage(vt.device, ordinary_info, NULL, &images[0]));
   VKH_CHECK(vkCreateImage(vt.device, &sparse_info, NULL, &images[1]));
   memories[0] = bind_ordinary(images[0]);
   memories[1] = bind_scattered(images[1]);
   for (int i = 0; i < 3; i++)
      vkh_buffer_create(&vt, STAGING,
                        VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                           VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                        VKH_MEMORY_READBACK, &buffers[i]);
   VkCommandBuffer cmd = vkh_begin(&vt);
   for (int i = 0; i < 2; i++)
      vkh_image_layout(
         cmd, images[i],
         aspects & (VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT)
            ? aspects
            : VK_IMAGE_ASPECT_COLOR_BIT,
         VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   vkh_run(&vt, cmd);

   /* All goes in before anything comes out. */
   for (int in = 1; in >= 0; in--)
      for (uint32_t level = 0; level < ordinary_info->mipLevels; level++)
         for (VkImageAspectFlags a = 1; a <= aspects; a <<= 1) {
            if (!(aspects & a))
               continue;
            if (in)
               fill(buffers[0].map, ordinary_info->format, level + a);
            for (int i = 0; i < 2; i++) {
               if (!in)
                  memset(buffers[1 + i].map, 0, STAGING);
               copy(ordinary_info, images[i], a, level,
                    &buffers[in ? 0 : 1 + i], in);
            }
            if (!in && memcmp(buffers[1].map, buffers[2].map, STAGING))
               fail_msg("format %d type %d level %u aspect %#x differs",
                        ordinary_info->format, ordinary_info->imageType, level,
                        a);
         }
   /* And it was not just nothing. */
   assert_true(((uint32_t *)buffers[2].map)[0] != 0);
   for (int i = 0; i < 3; i++)
      vkh_buffer_destroy(&vt, &buffers[i]);
   for (int i = 0; i < 2; i++) {
      vkDestroyImage(vt.device, images[i], NULL);
      vkFreeMemory(vt.device, memories[i], NULL);
   }
}

static VkImageCreateInfo
info_for(VkFormat format, VkImageType type)
{
   const bool planes = aspects_of(format) & VK_IMAGE_ASPECT_PLANE_0_BIT;

   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = type,
      .format = format,
      .extent = {WIDTH, type == VK_IMAGE_TYPE_1D ? 1 : HEIGHT,
                 type == VK_IMAGE_TYPE_3D ? DEPTH : 1},
      .mipLevels = planes ? 1 : LEVELS,
      .arrayLayers = planes || type == VK_IMAGE_TYPE_3D ? 1 : LAYERS,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = TRANSFER,
   };
}

static bool
offered(const VkImageCreateInfo *info, VkImageCreateFlags flags)
{
   VkImageFormatProperties p;

   return vkGetPhysicalDeviceImageFormatProperties(
             vt.physical, info->format, info->imageType, info->tiling,
             info->usage, info->flags | flags, &p) == VK_SUCCESS &&
          (p.sampleCounts & info->samples) &&
          p.maxMipLevels >= info->mipLevels &&
          p.maxArrayLayers >= info->arrayLayers;
}

/* Formats [first, last] of every type, where ordinary images have them. */
static uint32_t
compare_formats(uint32_t first, uint32_t last, VkImageType type)
{
   uint32_t count = 0;

   for (uint32_t f = first; f <= last; f++) {
      const VkImageCreateInfo info = info_for((VkFormat)f, type);

      if (!offered(&info, 0))
         continue;
      /* What an ordinary image can be, a sparse-bound one can be as well. */
      assert_true(offered(&info, VK_IMAGE_CREATE_SPARSE_BINDING_BIT));
      compare(&info);
      count++;
   }
   return count;
}

static void
test_1d(void **state)
{
   (void)state;
   assert_true(compare_formats(1, VK_FORMAT_ASTC_12x12_SRGB_BLOCK,
                               VK_IMAGE_TYPE_1D) > 20);
}

static void
test_2d(void **state)
{
   (void)state;
   assert_true(compare_formats(1, VK_FORMAT_ASTC_12x12_SRGB_BLOCK,
                               VK_IMAGE_TYPE_2D) > 40);
}

static void
test_3d(void **state)
{
   (void)state;
   assert_true(compare_formats(1, VK_FORMAT_ASTC_12x12_SRGB_BLOCK,
                               VK_IMAGE_TYPE_3D) > 20);
}

static void
test_planes(void **state)
{
   (void)state;
   static const VkFormat formats[] = {
      VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM,
      VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
      VK_FORMAT_G8_B8_R8_3PLANE_444_UNORM,
      VK_FORMAT_G16_B16_R16_3PLANE_420_UNORM,
      VK_FORMAT_G16_B16R16_2PLANE_420_UNORM,
   };

   for (unsigned i = 0; i < VKH_ARRAY_SIZE(formats); i++)
      compare_formats(formats[i], formats[i], VK_IMAGE_TYPE_2D);
}

/* A multisampled image is cleared and resolved. */
static void
multisampled(VkFormat format, VkSampleCountFlagBits samples)
{
   VkImageCreateInfo info = info_for(format, VK_IMAGE_TYPE_2D);
   const VkClearColorValue colour = {.float32 = {64 / 255.0f, 128 / 255.0f,
                                                191 / 255.0f, 1.0f}};
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0,
                                          1};
   const VkImageResolve resolve = {
      .srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .extent = info.extent,
   };
   struct vkh_buffer out;
   VkDeviceMemory memories[2];
   VkImage images[2];

   info.mipLevels = info.arrayLayers = 1;
   info.usage = TRANSFER | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
   info.samples = samples;
   if (!offered(&info, 0))
      return;
   assert_true(offered(&info, VK_IMAGE_CREATE_SPARSE_BINDING_BIT));
   info.flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT;
   VKH_CHECK(vkCreateImage(vt.device, &info, NULL, &images[0]));
   memories[0] = bind_scattered(images[0]);
   info.samples = VK_SAMPLE_COUNT_1_BIT;
   VKH_CHECK(vkCreateImage(vt.device, &info, NULL, &images[1]));
   memories[1] = bind_scattered(images[1]);
   vkh_buffer_create(&vt, WIDTH * HEIGHT * 4, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &out);

   VkCommandBuffer cmd = vkh_begin(&vt);
   for (int i = 0; i < 2; i++)
      vkh_image_layout(cmd, images[i], VK_IMAGE_ASPECT_COLOR_BIT,
                       VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   vkCmdClearColorImage(cmd, images[0], VK_IMAGE_LAYOUT_GENERAL, &colour, 1,
                        &range);
   vkh_full_barrier(cmd);
   vkCmdResolveImage(cmd, images[0], VK_IMAGE_LAYOUT_GENERAL, images[1],
                     VK_IMAGE_LAYOUT_GENERAL, 1, &resolve);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   info.mipLevels = 1;
   copy(&info, images[1], VK_IMAGE_ASPECT_COLOR_BIT, 0, &out, false);
   for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
      assert_int_equal(((uint32_t *)out.map)[i], 0xffbf8040);
   vkh_buffer_destroy(&vt, &out);
   for (int i = 0; i < 2; i++) {
      vkDestroyImage(vt.device, images[i], NULL);
      vkFreeMemory(vt.device, memories[i], NULL);
   }
}

static void
test_multisampled(void **state)
{
   (void)state;
   for (uint32_t samples = 2; samples <= 16; samples *= 2)
      multisampled(VK_FORMAT_R8G8B8A8_UNORM, (VkSampleCountFlagBits)samples);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_1d),           cmocka_unit_test(test_2d),
      cmocka_unit_test(test_3d),           cmocka_unit_test(test_planes),
      cmocka_unit_test(test_multisampled),
   };
   return cmocka_run_group_tests_name("vulkan-image-opaque", tests,
                                      vt_group_setup, vt_group_teardown);
}
