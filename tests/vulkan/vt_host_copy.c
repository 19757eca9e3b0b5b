/* SPDX-License-Identifier: MIT */
#include "vt_host_copy.h"

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

bool
vt_host_supported(const struct vt_texels_info *info, enum vt_kind kind)
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
          vt_texels_supported(info, kind, VT_HOST_USAGE);
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

void
vt_host_create(const struct vt_texels_info *info, enum vt_kind kind,
               bool (*wanted)(uint32_t number, bool is_tail), uint32_t seed,
               struct vt_texels *t)
{
   vt_texels_create(info, kind, VT_HOST_USAGE, t);
   vt_texels_bind(t, wanted);
   move_to_general(t);
   vt_texels_fill(t, seed);
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

void
vt_host_expect(struct vt_texels *t, const struct vt_region *r, uint32_t seed)
{
   const size_t size_B = vt_region_foreach(t, r, NULL, NULL);
   uint8_t *bytes = vkh_calloc(size_B, 1);
   struct source source = {bytes, r->level};

   vt_texels_pattern(t, seed, bytes, size_B);
   vt_region_foreach(t, r, expect, &source);
   free(bytes);
}

void
vt_host_write(struct vt_texels *t, const struct vt_region *r, uint32_t seed)
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
   vt_host_expect(t, r, seed);
   free(bytes);
}

void
vt_host_check(struct vt_texels *t, const struct vt_region *r)
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

void
vt_host_check_all(struct vt_texels *t)
{
   for (uint32_t level = 0; level < t->info->levels; level++) {
      const struct vt_region whole = vt_texels_whole(t, level);

      vt_host_check(t, &whole);
   }
   vt_texels_check(t);
}

/* ------------------------------------------------------ image to image -- */

static void
expect_copied(struct vt_texels *t, struct vt_place place, void *data)
{
   const struct vt_host_copy *copy = data;
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

void
vt_host_copy_image(const struct vt_host_copy *copy, struct vt_texels *to,
                   VkHostImageCopyFlagsEXT flags)
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
   vt_region_foreach(to, &copy->target, expect_copied, (void *)copy);
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

void
vt_host_memcpy(struct vt_texels *from, struct vt_texels *to,
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
   struct vt_host_copy copy = {from, *r, *r};

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

int
vt_host_setup(void **state)
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
