/* SPDX-License-Identifier: MIT */
#include "vt_volume.h"

#include "texels_3d.spv.h"

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

VkImageCreateInfo
vt_volume_info(const struct vt_volume_format *format, VkImageType type,
               VkExtent3D extent, uint32_t levels, VkImageUsageFlags usage)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = type,
      .format = format->format,
      .extent = extent,
      .mipLevels = levels,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };
}

bool
vt_volume_supported(const VkImageCreateInfo *info)
{
   VkImageFormatProperties properties;
   uint32_t count = 0;

   if (vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, info->format, info->imageType, info->tiling, info->usage,
          info->flags, &properties) != VK_SUCCESS)
      return false;
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, info->format, info->imageType, info->samples, info->usage,
      info->tiling, &count, NULL);
   return count > 0 && info->extent.width <= properties.maxExtent.width &&
          info->extent.height <= properties.maxExtent.height &&
          info->extent.depth <= properties.maxExtent.depth;
}

void
vt_volume_create(const struct vt_volume_format *format,
                 const VkImageCreateInfo *info, struct vt_volume *volume_out)
{
   *volume_out = (struct vt_volume){.format = format, .info = *info};
   VKH_CHECK(vkCreateImage(vt.device, info, NULL, &volume_out->image));
   volume_out->req = vt_image_requirements(volume_out->image);
   volume_out->sparse = vkh_sparse_requirements(&vt, volume_out->image);
   if (info->usage & VK_IMAGE_USAGE_SAMPLED_BIT) {
      const VkImageViewCreateInfo view = {
         .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
         .image = volume_out->image,
         .viewType = info->imageType == VK_IMAGE_TYPE_3D
                        ? VK_IMAGE_VIEW_TYPE_3D
                        : VK_IMAGE_VIEW_TYPE_2D_ARRAY,
         .format = info->format,
         .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, info->mipLevels, 0,
                              info->arrayLayers},
      };
      VKH_CHECK(vkCreateImageView(vt.device, &view, NULL, &volume_out->view));
   }
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkh_image_layout(cmd, volume_out->image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   vkh_run(&vt, cmd);
}

void
vt_volume_destroy(struct vt_volume *volume)
{
   vkDestroyImageView(vt.device, volume->view, NULL);
   vkDestroyImage(vt.device, volume->image, NULL);
}

VkExtent3D
vt_volume_level(const struct vt_volume *volume, uint32_t level)
{
   const VkExtent3D *extent = &volume->info.extent;

   return (VkExtent3D){
      minify(extent->width, level),
      minify(extent->height, level),
      minify(extent->depth, level),
   };
}

VkExtent3D
vt_volume_tiles(const struct vt_volume *volume, uint32_t level)
{
   const VkExtent3D size = vt_volume_level(volume, level);
   const VkExtent3D *tile = &volume->format->tile;

   return (VkExtent3D){
      div_up(size.width, tile->width),
      div_up(size.height, tile->height),
      div_up(size.depth, tile->depth),
   };
}

uint32_t
vt_volume_foreach(const struct vt_volume *volume,
                  void (*fn)(struct vt_tile tile, void *data), void *data)
{
   uint32_t count = 0;
   struct vt_tile t;

   for (t.layer = 0; t.layer < volume->info.arrayLayers; t.layer++)
      for (t.level = 0; t.level < volume->sparse.imageMipTailFirstLod &&
                        t.level < volume->info.mipLevels;
           t.level++) {
         const VkExtent3D n = vt_volume_tiles(volume, t.level);

         for (t.z = 0; t.z < n.depth; t.z++)
            for (t.y = 0; t.y < n.height; t.y++)
               for (t.x = 0; t.x < n.width; t.x++) {
                  count++;
                  if (fn)
                     fn(t, data);
               }
      }
   return count;
}

VkSparseImageMemoryBind
vt_volume_bind(const struct vt_volume *volume, struct vt_tile tile,
               VkExtent3D tiles, VkDeviceMemory memory, uint64_t at_tile)
{
   const VkExtent3D *shape = &volume->format->tile;
   const VkExtent3D size = vt_volume_level(volume, tile.level);
   const uint32_t x = tile.x * shape->width, y = tile.y * shape->height,
                  z = tile.z * shape->depth;

   return (VkSparseImageMemoryBind){
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, tile.level, tile.layer},
      .offset = {(int32_t)x, (int32_t)y, (int32_t)z},
      .extent =
         {
            least(tiles.width * shape->width, size.width - x),
            least(tiles.height * shape->height, size.height - y),
            least(tiles.depth * shape->depth, size.depth - z),
         },
      .memory = memory,
      .memoryOffset = at_tile * VT_TILE,
   };
}

/* As in vt_image.c: no NaN or denormal in a float channel of any width. */
static uint8_t
pattern(uint32_t seed, uint32_t byte)
{
   uint32_t hash = seed * 0x9e3779b9u + byte * 0x85ebca6bu;

   hash ^= hash >> 15;
   hash *= 0x2c1b3c6du;
   return (uint8_t)(0x41 + (hash >> 24) % 16);
}

static void
box_transfer(const struct vt_volume *volume, uint32_t level, uint32_t layer,
             VkOffset3D offset, VkExtent3D extent, uint32_t seed, bool write)
{
   const struct vt_volume_format *f = volume->format;
   const uint32_t size_B = div_up(extent.width, f->block_w) *
                           div_up(extent.height, f->block_h) * extent.depth *
                           f->block_B;
   const VkBufferImageCopy copy = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, layer, 1},
      .imageOffset = offset,
      .imageExtent = extent,
   };
   struct vkh_buffer staging;

   vkh_buffer_create(&vt, size_B,
                     write ? VK_BUFFER_USAGE_TRANSFER_SRC_BIT
                           : VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     write ? VKH_MEMORY_UPLOAD : VKH_MEMORY_READBACK, &staging);
   uint8_t *bytes = staging.map;
   for (uint32_t i = 0; i < size_B; i++)
      bytes[i] = write ? pattern(seed, i) : 0;
   VkCommandBuffer cmd = vkh_begin(&vt);
   if (write)
      vkCmdCopyBufferToImage(cmd, staging.buffer, volume->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
   else
      vkCmdCopyImageToBuffer(cmd, volume->image, VK_IMAGE_LAYOUT_GENERAL,
                             staging.buffer, 1, &copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   for (uint32_t i = 0; i < size_B; i++)
      if (bytes[i] != pattern(seed, i))
         fail_msg("%s level %u layer %u box %ux%ux%u at %d,%d,%d byte %u: got "
                  "%#x, want %#x",
                  f->name, level, layer, extent.width, extent.height,
                  extent.depth, offset.x, offset.y, offset.z, i, bytes[i],
                  pattern(seed, i));
   vkh_buffer_destroy(&vt, &staging);
}

void
vt_box_write(const struct vt_volume *volume, uint32_t level, VkOffset3D offset,
             VkExtent3D extent, uint32_t seed)
{
   box_transfer(volume, level, 0, offset, extent, seed, true);
}

void
vt_box_check(const struct vt_volume *volume, uint32_t level, VkOffset3D offset,
             VkExtent3D extent, uint32_t seed)
{
   box_transfer(volume, level, 0, offset, extent, seed, false);
}

void
vt_volume_write(const struct vt_volume *volume, struct vt_tile tile,
                uint32_t seed)
{
   const VkSparseImageMemoryBind b =
      vt_volume_bind(volume, tile, (VkExtent3D){1, 1, 1}, VK_NULL_HANDLE, 0);

   box_transfer(volume, tile.level, tile.layer, b.offset, b.extent, seed, true);
}

void
vt_volume_check(const struct vt_volume *volume, struct vt_tile tile,
                uint32_t seed)
{
   const VkSparseImageMemoryBind b =
      vt_volume_bind(volume, tile, (VkExtent3D){1, 1, 1}, VK_NULL_HANDLE, 0);

   box_transfer(volume, tile.level, tile.layer, b.offset, b.extent, seed,
                false);
}

void
vt_fetch_texels_3d(const struct vt_volume *volume, struct vt_texel *texels,
                   uint32_t count)
{
   static const VkDescriptorType types[] = {
      VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
      VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   };
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .maxLod = VK_LOD_CLAMP_NONE,
   };
   const VkShaderStageFlags stage = VK_SHADER_STAGE_COMPUTE_BIT;
   const VkDeviceSize size_B = count * sizeof(*texels);
   struct vkh_buffer queries;
   VkDescriptorPool pool;
   VkSampler sampler;

   VKH_CHECK(vkCreateSampler(vt.device, &sampler_info, NULL, &sampler));
   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &queries);
   memcpy(queries.map, texels, size_B);
   VkDescriptorSetLayout set_layout = vkh_set_layout(&vt, stage, types, 2);
   VkPipelineLayout layout =
      vkh_pipeline_layout(&vt, set_layout, stage, sizeof(count));
   VkPipeline pipeline =
      vkh_compute_pipeline(&vt, layout, vt_texels_3d, sizeof(vt_texels_3d));
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, types, 2, &pool);
   vkh_write_image(&vt, set, 0, types[0], volume->view, VK_IMAGE_LAYOUT_GENERAL,
                   sampler);
   vkh_write_buffer(&vt, set, 1, types[1], queries.buffer, 0, size_B);

   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdPushConstants(cmd, layout, stage, 0, sizeof(count), &count);
   vkCmdDispatch(cmd, div_up(count, 64), 1, 1);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   memcpy(texels, queries.map, size_B);

   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
   vkh_buffer_destroy(&vt, &queries);
   vkDestroySampler(vt.device, sampler, NULL);
}

void
vt_volume_check_resident(const struct vt_volume *volume, struct vt_tile tile,
                         bool resident)
{
   const VkSparseImageMemoryBind b =
      vt_volume_bind(volume, tile, (VkExtent3D){1, 1, 1}, VK_NULL_HANDLE, 0);
   struct vt_texel texels[2];

   if (!vt.features.shaderResourceResidency)
      return;
   for (int i = 0; i < 2; i++)
      texels[i] = (struct vt_texel){
         .x = b.offset.x + (i ? (int32_t)b.extent.width - 1 : 0),
         .y = b.offset.y + (i ? (int32_t)b.extent.height - 1 : 0),
         .z = b.offset.z + (i ? (int32_t)b.extent.depth - 1 : 0),
         .level = (int32_t)tile.level,
      };
   vt_fetch_texels_3d(volume, texels, 2);
   for (int i = 0; i < 2; i++)
      if (texels[i].resident != resident)
         fail_msg("%s level %u tile %u,%u,%u corner %d: residency %u",
                  volume->format->name, tile.level, tile.x, tile.y, tile.z, i,
                  texels[i].resident);
}
