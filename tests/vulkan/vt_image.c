/* SPDX-License-Identifier: MIT */
#include "vt_image.h"

#include "resident_float.spv.h"
#include "resident_int.spv.h"
#include "resident_uint.spv.h"

#define F(f, w, h, bw, bh, bytes, n)                                           \
   {VK_FORMAT_##f, #f, w, h, bw, bh, bytes, n}
#define F8(f, n) F(f, 256, 256, 1, 1, 1, n)
#define F16(f, n) F(f, 256, 128, 1, 1, 2, n)
#define F32(f, n) F(f, 128, 128, 1, 1, 4, n)
#define F64(f, n) F(f, 128, 64, 1, 1, 8, n)
#define F128(f, n) F(f, 64, 64, 1, 1, 16, n)
/* The standard shapes are in texel blocks: 64- and 128-bit blocks. */
#define B64(f, w, h) F(f, 128 * w, 64 * h, w, h, 8, VT_FLOAT)
#define B128(f, w, h) F(f, 64 * w, 64 * h, w, h, 16, VT_FLOAT)

const struct vt_format vt_formats[] = {
   F8(R8_UNORM, VT_FLOAT), F8(R8_SNORM, VT_FLOAT), F8(R8_UINT, VT_UINT),
   F8(R8_SINT, VT_INT), F16(R8G8_UNORM, VT_FLOAT), F16(R8G8_SNORM, VT_FLOAT),
   F16(R8G8_UINT, VT_UINT), F16(R8G8_SINT, VT_INT), F16(R16_UNORM, VT_FLOAT),
   F16(R16_SNORM, VT_FLOAT), F16(R16_UINT, VT_UINT), F16(R16_SINT, VT_INT),
   F16(R16_SFLOAT, VT_FLOAT), F16(R5G6B5_UNORM_PACK16, VT_FLOAT),
   F16(A1R5G5B5_UNORM_PACK16, VT_FLOAT), F16(B4G4R4A4_UNORM_PACK16, VT_FLOAT),
   F32(R8G8B8A8_UNORM, VT_FLOAT), F32(R8G8B8A8_SNORM, VT_FLOAT),
   F32(R8G8B8A8_UINT, VT_UINT), F32(R8G8B8A8_SINT, VT_INT),
   F32(R8G8B8A8_SRGB, VT_FLOAT), F32(B8G8R8A8_UNORM, VT_FLOAT),
   F32(B8G8R8A8_SRGB, VT_FLOAT), F32(A8B8G8R8_UNORM_PACK32, VT_FLOAT),
   F32(A2B10G10R10_UNORM_PACK32, VT_FLOAT),
   F32(A2B10G10R10_UINT_PACK32, VT_UINT), F32(R16G16_UNORM, VT_FLOAT),
   F32(R16G16_SNORM, VT_FLOAT), F32(R16G16_UINT, VT_UINT),
   F32(R16G16_SINT, VT_INT), F32(R16G16_SFLOAT, VT_FLOAT),
   F32(R32_UINT, VT_UINT), F32(R32_SINT, VT_INT), F32(R32_SFLOAT, VT_FLOAT),
   F32(B10G11R11_UFLOAT_PACK32, VT_FLOAT),
   F32(E5B9G9R9_UFLOAT_PACK32, VT_FLOAT), F64(R16G16B16A16_UNORM, VT_FLOAT),
   F64(R16G16B16A16_SNORM, VT_FLOAT), F64(R16G16B16A16_UINT, VT_UINT),
   F64(R16G16B16A16_SINT, VT_INT), F64(R16G16B16A16_SFLOAT, VT_FLOAT),
   F64(R32G32_UINT, VT_UINT), F64(R32G32_SINT, VT_INT),
   F64(R32G32_SFLOAT, VT_FLOAT), F128(R32G32B32A32_UINT, VT_UINT),
   F128(R32G32B32A32_SINT, VT_INT), F128(R32G32B32A32_SFLOAT, VT_FLOAT),
   B64(BC1_RGB_UNORM_BLOCK, 4, 4), B64(BC1_RGB_SRGB_BLOCK, 4, 4),
   B64(BC1_RGBA_UNORM_BLOCK, 4, 4), B64(BC1_RGBA_SRGB_BLOCK, 4, 4),
   B128(BC2_UNORM_BLOCK, 4, 4), B128(BC2_SRGB_BLOCK, 4, 4),
   B128(BC3_UNORM_BLOCK, 4, 4), B128(BC3_SRGB_BLOCK, 4, 4),
   B64(BC4_UNORM_BLOCK, 4, 4), B64(BC4_SNORM_BLOCK, 4, 4),
   B128(BC5_UNORM_BLOCK, 4, 4), B128(BC5_SNORM_BLOCK, 4, 4),
   B128(BC6H_UFLOAT_BLOCK, 4, 4), B128(BC6H_SFLOAT_BLOCK, 4, 4),
   B128(BC7_UNORM_BLOCK, 4, 4), B128(BC7_SRGB_BLOCK, 4, 4),
   B64(ETC2_R8G8B8_UNORM_BLOCK, 4, 4), B64(ETC2_R8G8B8_SRGB_BLOCK, 4, 4),
   B64(ETC2_R8G8B8A1_UNORM_BLOCK, 4, 4), B128(ETC2_R8G8B8A8_UNORM_BLOCK, 4, 4),
   B128(ETC2_R8G8B8A8_SRGB_BLOCK, 4, 4), B64(EAC_R11_UNORM_BLOCK, 4, 4),
   B64(EAC_R11_SNORM_BLOCK, 4, 4), B128(EAC_R11G11_UNORM_BLOCK, 4, 4),
   B128(ASTC_4x4_UNORM_BLOCK, 4, 4), B128(ASTC_5x5_UNORM_BLOCK, 5, 5),
   B128(ASTC_6x6_SRGB_BLOCK, 6, 6), B128(ASTC_8x8_UNORM_BLOCK, 8, 8),
   B128(ASTC_12x12_UNORM_BLOCK, 12, 12),
};
const unsigned vt_format_count = VKH_ARRAY_SIZE(vt_formats);

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

uint32_t
vt_level_width(const struct vt_image *image, uint32_t level)
{
   return minify(image->width, level);
}

uint32_t
vt_level_height(const struct vt_image *image, uint32_t level)
{
   return minify(image->height, level);
}

uint32_t
vt_tiles_x(const struct vt_image *image, uint32_t level)
{
   return div_up(vt_level_width(image, level), image->format->tile_w);
}

uint32_t
vt_tiles_y(const struct vt_image *image, uint32_t level)
{
   return div_up(vt_level_height(image, level), image->format->tile_h);
}

#define SPARSE_FLAGS                                                           \
   (VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT)

bool
vt_image_supported(const struct vt_format *format, VkImageUsageFlags usage)
{
   VkImageFormatProperties properties;
   uint32_t count = 0;

   if (!vt.features.sparseResidencyImage2D ||
       vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, format->format, VK_IMAGE_TYPE_2D,
          VK_IMAGE_TILING_OPTIMAL, usage, SPARSE_FLAGS,
          &properties) != VK_SUCCESS)
      return false;
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, format->format, VK_IMAGE_TYPE_2D, VK_SAMPLE_COUNT_1_BIT,
      usage, VK_IMAGE_TILING_OPTIMAL, &count, NULL);
   return count > 0;
}

void
vt_image_create(const struct vt_format *format, uint32_t width, uint32_t height,
                uint32_t levels, uint32_t layers, VkImageCreateFlags flags,
                VkImageUsageFlags usage, struct vt_image *image_out)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = SPARSE_FLAGS | flags,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = format->format,
      .extent = {width, height, 1},
      .mipLevels = levels,
      .arrayLayers = layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };

   *image_out = (struct vt_image){
      .format = format,
      .width = width,
      .height = height,
      .levels = levels,
      .layers = layers,
   };
   VKH_CHECK(vkCreateImage(vt.device, &info, NULL, &image_out->image));
   image_out->req = vt_image_requirements(image_out->image);
   image_out->sparse = vkh_sparse_requirements(&vt, image_out->image);
   if (usage & VK_IMAGE_USAGE_SAMPLED_BIT) {
      const VkImageViewCreateInfo view = {
         .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
         .image = image_out->image,
         .viewType = VK_IMAGE_VIEW_TYPE_2D_ARRAY,
         .format = format->format,
         .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, levels, 0, layers},
      };
      VKH_CHECK(vkCreateImageView(vt.device, &view, NULL, &image_out->view));
   }
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkh_image_layout(cmd, image_out->image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   vkh_run(&vt, cmd);
}

void
vt_image_destroy(struct vt_image *image)
{
   vkDestroyImageView(vt.device, image->view, NULL);
   vkDestroyImage(vt.device, image->image, NULL);
}

static uint32_t
least(uint32_t a, uint32_t b)
{
   return a < b ? a : b;
}

uint32_t
vt_tail_count(const struct vt_image *image)
{
   if (image->sparse.imageMipTailFirstLod >= image->levels)
      return 0;
   return image->sparse.formatProperties.flags &
                VK_SPARSE_IMAGE_FORMAT_SINGLE_MIPTAIL_BIT
             ? 1
             : image->layers;
}

VkSparseMemoryBind
vt_tail_bind(const struct vt_image *image, uint32_t tail,
             VkDeviceMemory memory, VkDeviceSize memory_offset)
{
   return (VkSparseMemoryBind){
      .resourceOffset = image->sparse.imageMipTailOffset +
                        tail * image->sparse.imageMipTailStride,
      .size = image->sparse.imageMipTailSize,
      .memory = memory,
      .memoryOffset = memory_offset,
   };
}

VkSparseImageMemoryBind
vt_tile_bind(const struct vt_image *image, uint32_t level, uint32_t layer,
             uint32_t x, uint32_t y, uint32_t w, uint32_t h,
             VkDeviceMemory memory, uint64_t at_tile)
{
   const uint32_t left = x * image->format->tile_w;
   const uint32_t top = y * image->format->tile_h;

   return (VkSparseImageMemoryBind){
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, layer},
      .offset = {(int32_t)left, (int32_t)top, 0},
      .extent =
         {
            least(w * image->format->tile_w,
                  vt_level_width(image, level) - left),
            least(h * image->format->tile_h,
                  vt_level_height(image, level) - top),
            1,
         },
      .memory = memory,
      .memoryOffset = at_tile * VT_TILE,
   };
}

/* The texel rectangle of a tile, and its size in blocks. */
struct rectangle {
   VkBufferImageCopy copy;
   uint32_t blocks;
};

static struct rectangle
tile_rectangle(const struct vt_image *image, uint32_t level, uint32_t layer,
               uint32_t x, uint32_t y)
{
   VkSparseImageMemoryBind bind =
      vt_tile_bind(image, level, layer, x, y, 1, 1, VK_NULL_HANDLE, 0);

   return (struct rectangle){
      .copy =
         {
            .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, layer, 1},
            .imageOffset = bind.offset,
            .imageExtent = bind.extent,
         },
      .blocks = div_up(bind.extent.width, image->format->block_w) *
                div_up(bind.extent.height, image->format->block_h),
   };
}

/*
 * Bytes that every format keeps as they are: no NaN or denormal appears in a
 * float channel of any width, since every byte lies in 0x41..0x50.
 */
static uint8_t
pattern(uint32_t seed, uint32_t block, uint32_t byte)
{
   uint32_t hash = seed * 0x9e3779b9u + block * 0x85ebca6bu + byte * 0xc2b2ae35u;

   hash ^= hash >> 15;
   hash *= 0x2c1b3c6du;
   return (uint8_t)(0x41 + (hash >> 24) % 16);
}

void
vt_tile_write(const struct vt_image *image, uint32_t level, uint32_t layer,
              uint32_t x, uint32_t y, uint32_t seed)
{
   struct rectangle r = tile_rectangle(image, level, layer, x, y);
   const uint32_t block_B = image->format->block_B;
   struct vkh_buffer staging;

   vkh_buffer_create(&vt, (VkDeviceSize)r.blocks * block_B,
                     VK_BUFFER_USAGE_TRANSFER_SRC_BIT, VKH_MEMORY_UPLOAD,
                     &staging);
   for (uint32_t i = 0; i < r.blocks * block_B; i++)
      ((uint8_t *)staging.map)[i] = pattern(seed, i / block_B, i % block_B);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdCopyBufferToImage(cmd, staging.buffer, image->image,
                          VK_IMAGE_LAYOUT_GENERAL, 1, &r.copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkh_buffer_destroy(&vt, &staging);
}

void
vt_tile_check(const struct vt_image *image, uint32_t level, uint32_t layer,
              uint32_t x, uint32_t y, uint32_t seed)
{
   struct rectangle r = tile_rectangle(image, level, layer, x, y);
   const uint32_t block_B = image->format->block_B;
   struct vkh_buffer staging;

   vkh_buffer_create(&vt, (VkDeviceSize)r.blocks * block_B,
                     VK_BUFFER_USAGE_TRANSFER_DST_BIT, VKH_MEMORY_READBACK,
                     &staging);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdCopyImageToBuffer(cmd, image->image, VK_IMAGE_LAYOUT_GENERAL,
                          staging.buffer, 1, &r.copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   for (uint32_t i = 0; i < r.blocks * block_B; i++) {
      uint8_t got = ((uint8_t *)staging.map)[i];
      uint8_t want = pattern(seed, i / block_B, i % block_B);

      if (got != want)
         fail_msg("%s level %u layer %u tile %u,%u block %u byte %u: got %#x, "
                  "want %#x",
                  image->format->name, level, layer, x, y, i / block_B,
                  i % block_B, got, want);
   }
   vkh_buffer_destroy(&vt, &staging);
}

void
vt_residency(const struct vt_image *image, uint32_t level, uint32_t layer,
             uint32_t *out)
{
   static const VkDescriptorType types[] = {
      VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
      VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   };
   const struct {
      const uint32_t *code;
      size_t size_B;
   } shader[] = {
      [VT_FLOAT] = {vt_resident_float, sizeof(vt_resident_float)},
      [VT_INT] = {vt_resident_int, sizeof(vt_resident_int)},
      [VT_UINT] = {vt_resident_uint, sizeof(vt_resident_uint)},
   };
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .maxLod = VK_LOD_CLAMP_NONE,
   };
   const uint32_t push[] = {level, layer, vt_tiles_x(image, level),
                            vt_tiles_y(image, level), image->format->tile_w,
                            image->format->tile_h, vt_level_width(image, level),
                            vt_level_height(image, level)};
   const uint32_t tiles = push[2] * push[3];
   struct vkh_buffer result;
   VkDescriptorPool pool;
   VkSampler sampler;

   VKH_CHECK(vkCreateSampler(vt.device, &sampler_info, NULL, &sampler));
   vkh_buffer_create(&vt, tiles * 4ull, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &result);
   VkDescriptorSetLayout set_layout =
      vkh_set_layout(&vt, VK_SHADER_STAGE_COMPUTE_BIT, types, 2);
   VkPipelineLayout layout = vkh_pipeline_layout(
      &vt, set_layout, VK_SHADER_STAGE_COMPUTE_BIT, sizeof(push));
   VkPipeline pipeline =
      vkh_compute_pipeline(&vt, layout, shader[image->format->numeric].code,
                           shader[image->format->numeric].size_B);
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, types, 2, &pool);
   vkh_write_image(&vt, set, 0, types[0], image->view, VK_IMAGE_LAYOUT_GENERAL,
                   sampler);
   vkh_write_buffer(&vt, set, 1, types[1], result.buffer, 0, tiles * 4ull);

   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdPushConstants(cmd, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push),
                      push);
   vkCmdDispatch(cmd, div_up(tiles, 64), 1, 1);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   memcpy(out, result.map, tiles * 4ull);

   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
   vkh_buffer_destroy(&vt, &result);
   vkDestroySampler(vt.device, sampler, NULL);
}
