/* SPDX-License-Identifier: MIT */
#include "panvk_format.h"
#include "panvk_vk_compat.h"

#include <assert.h>
#include <stddef.h>

/*
 * VkFormat numbers its formats in runs of equal block size, so a table of runs
 * says it all. Sorted by the first member; gaps are formats without a shape.
 */
struct format_run {
   VkFormat first, last;
   struct panvk_format_block block;
};

#define PLAIN(first, last, size)                                               \
   {                                                                           \
      VK_FORMAT_##first, VK_FORMAT_##last,                                     \
      {                                                                        \
         1, 1, size, false                                                     \
      }                                                                        \
   }
#define BLOCKS(first, last, width, height, size)                               \
   {                                                                           \
      VK_FORMAT_##first, VK_FORMAT_##last,                                     \
      {                                                                        \
         width, height, size, true                                             \
      }                                                                        \
   }
#define ASTC(width, height)                                                    \
   BLOCKS(ASTC_##width##x##height##_UNORM_BLOCK,                               \
          ASTC_##width##x##height##_SRGB_BLOCK, width, height, 16)

static const struct format_run format_runs[] = {
   PLAIN(R4G4_UNORM_PACK8, R4G4_UNORM_PACK8, 1),
   PLAIN(R4G4B4A4_UNORM_PACK16, A1R5G5B5_UNORM_PACK16, 2),
   PLAIN(R8_UNORM, R8_SRGB, 1),
   PLAIN(R8G8_UNORM, R8G8_SRGB, 2),
   PLAIN(R8G8B8A8_UNORM, A2B10G10R10_SINT_PACK32, 4),
   PLAIN(R16_UNORM, R16_SFLOAT, 2),
   PLAIN(R16G16_UNORM, R16G16_SFLOAT, 4),
   PLAIN(R16G16B16A16_UNORM, R16G16B16A16_SFLOAT, 8),
   PLAIN(R32_UINT, R32_SFLOAT, 4),
   PLAIN(R32G32_UINT, R32G32_SFLOAT, 8),
   PLAIN(R32G32B32A32_UINT, R32G32B32A32_SFLOAT, 16),
   PLAIN(R64_UINT, R64_SFLOAT, 8),
   PLAIN(R64G64_UINT, R64G64_SFLOAT, 16),
   PLAIN(B10G11R11_UFLOAT_PACK32, E5B9G9R9_UFLOAT_PACK32, 4),
   PLAIN(D16_UNORM, D16_UNORM, 2),
   PLAIN(X8_D24_UNORM_PACK32, D32_SFLOAT, 4),
   PLAIN(S8_UINT, S8_UINT, 1),
   BLOCKS(BC1_RGB_UNORM_BLOCK, BC1_RGBA_SRGB_BLOCK, 4, 4, 8),
   BLOCKS(BC2_UNORM_BLOCK, BC3_SRGB_BLOCK, 4, 4, 16),
   BLOCKS(BC4_UNORM_BLOCK, BC4_SNORM_BLOCK, 4, 4, 8),
   BLOCKS(BC5_UNORM_BLOCK, BC7_SRGB_BLOCK, 4, 4, 16),
   BLOCKS(ETC2_R8G8B8_UNORM_BLOCK, ETC2_R8G8B8A1_SRGB_BLOCK, 4, 4, 8),
   BLOCKS(ETC2_R8G8B8A8_UNORM_BLOCK, ETC2_R8G8B8A8_SRGB_BLOCK, 4, 4, 16),
   BLOCKS(EAC_R11_UNORM_BLOCK, EAC_R11_SNORM_BLOCK, 4, 4, 8),
   BLOCKS(EAC_R11G11_UNORM_BLOCK, EAC_R11G11_SNORM_BLOCK, 4, 4, 16),
   ASTC(4, 4),
   ASTC(5, 4),
   ASTC(5, 5),
   ASTC(6, 5),
   ASTC(6, 6),
   ASTC(8, 5),
   ASTC(8, 6),
   ASTC(8, 8),
   ASTC(10, 5),
   ASTC(10, 6),
   ASTC(10, 8),
   ASTC(10, 10),
   ASTC(12, 10),
   ASTC(12, 12),
   BLOCKS(G8B8G8R8_422_UNORM, B8G8R8G8_422_UNORM, 2, 1, 4),
   PLAIN(R10X6_UNORM_PACK16, R10X6_UNORM_PACK16, 2),
   PLAIN(R10X6G10X6_UNORM_2PACK16, R10X6G10X6_UNORM_2PACK16, 4),
   PLAIN(R10X6G10X6B10X6A10X6_UNORM_4PACK16,
         R10X6G10X6B10X6A10X6_UNORM_4PACK16, 8),
   PLAIN(R12X4_UNORM_PACK16, R12X4_UNORM_PACK16, 2),
   PLAIN(R12X4G12X4_UNORM_2PACK16, R12X4G12X4_UNORM_2PACK16, 4),
   PLAIN(R12X4G12X4B12X4A12X4_UNORM_4PACK16,
         R12X4G12X4B12X4A12X4_UNORM_4PACK16, 8),
   PLAIN(A4R4G4B4_UNORM_PACK16, A4B4G4R4_UNORM_PACK16, 2),
   PLAIN(A1B5G5R5_UNORM_PACK16_KHR, A1B5G5R5_UNORM_PACK16_KHR, 2),
   PLAIN(A8_UNORM_KHR, A8_UNORM_KHR, 1),
};

bool
panvk_format_get_block(VkFormat format, struct panvk_format_block *block_out)
{
   for (size_t i = 0; i < sizeof(format_runs) / sizeof(format_runs[0]); i++) {
      const struct format_run *run = &format_runs[i];

      if (format >= run->first && format <= run->last) {
         *block_out = run->block;
         return true;
      }
   }
   return false;
}

VkImageAspectFlagBits
panvk_format_aspect(VkFormat format)
{
   if (format >= VK_FORMAT_D16_UNORM && format <= VK_FORMAT_D32_SFLOAT)
      return VK_IMAGE_ASPECT_DEPTH_BIT;
   if (format == VK_FORMAT_S8_UINT)
      return VK_IMAGE_ASPECT_STENCIL_BIT;
   return VK_IMAGE_ASPECT_COLOR_BIT;
}

/* Texel blocks per tile as powers of two; row n is for blocks of 2^n bytes. */
static const uint8_t shape_2d_log2[5][2] = {
   {8, 8}, {8, 7}, {7, 7}, {7, 6}, {6, 6},
};
static const uint8_t shape_3d_log2[5][3] = {
   {6, 5, 5}, {5, 5, 5}, {5, 5, 4}, {5, 4, 4}, {4, 4, 4},
};

VkExtent3D
panvk_format_tile_shape(const struct panvk_format_block *block,
                        VkImageType type)
{
   unsigned row = (unsigned)__builtin_ctz(block->size_B);

   assert(row < 5 && block->size_B == 1u << row);
   if (type == VK_IMAGE_TYPE_3D) {
      return (VkExtent3D){
         .width = (uint32_t)block->width << shape_3d_log2[row][0],
         .height = (uint32_t)block->height << shape_3d_log2[row][1],
         .depth = 1u << shape_3d_log2[row][2],
      };
   }
   return (VkExtent3D){
      .width = (uint32_t)block->width << shape_2d_log2[row][0],
      .height = (uint32_t)block->height << shape_2d_log2[row][1],
      .depth = 1,
   };
}
