/* SPDX-License-Identifier: MIT */
/* Creation and destruction of sparse images. See panvk_image.h. */
#include "panvk_image.h"

#include <inttypes.h>
#include <stdlib.h>

#include "panvk_attachment.h"
#include "panvk_chain.h"
#include "panvk_diag.h"
#include "panvk_probe.h"

struct panvk_image *
panvk_image_lookup(struct panvk_device *dev, VkImage image)
{
   return panvk_map_find(&dev->images, panvk_key(image));
}

static VkResult
refuse(struct panvk_device *dev, VkResult result, const char *why)
{
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
               panvk_key(dev->handle), "cannot create a sparse image: %s", why);
   return result;
}

/* -------------------------------------------------------------- windows -- */

static void
finish_windows(struct panvk_image *image)
{
   for (uint32_t i = 0; i < image->window_count; i++)
      pan_kmod_window_destroy(image->windows[i]);
   free(image->windows);
   image->windows = NULL;
   image->window_count = 0;
}

static VkResult
add_window(struct panvk_device *dev, struct panvk_image *image, uint64_t va,
           void *host, uint64_t size_B)
{
   int ret = pan_kmod_window_create(dev->vm, va, host, size_B,
                                    &image->windows[image->window_count]);

   if (ret) {
      panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_IMAGE, image->res.handle,
                  "cannot lay a window of %" PRIu64
                  " bytes over a sparse image: error %d",
                  size_B, -ret);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   panvk_diag_watch(dev, &image->res, image->windows[image->window_count], va,
                    size_B);
   image->window_count++;
   return VK_SUCCESS;
}

/* One over all of an opaque image. */
static VkResult
init_opaque_window(struct panvk_device *dev, struct panvk_image *image)
{
   image->windows = calloc(1, sizeof(*image->windows));
   if (!image->windows)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   return add_window(dev, image, image->res.va, image->host.ptr,
                     image->res.size_B);
}

/*
 * Over the engine's own mapping of a residency image, one for each stretch in
 * which the engine's order is ours.
 */
static VkResult
init_residency_windows(struct panvk_device *dev, struct panvk_image *image)
{
   const struct panvk_layout *layout = &image->layout;
   struct panvk_segment_cursor cursor = {0};
   struct panvk_segment segment;
   uint32_t count = 0;
   VkResult result = VK_SUCCESS;

   while (panvk_layout_next_segment(layout, &cursor, &segment))
      count++;
   image->windows = calloc(count, sizeof(*image->windows));
   if (!image->windows)
      return VK_ERROR_OUT_OF_HOST_MEMORY;

   cursor = (struct panvk_segment_cursor){0};
   while (result == VK_SUCCESS &&
          panvk_layout_next_segment(layout, &cursor, &segment))
      result = add_window(dev, image, image->res.va + segment.offset_B,
                          image->engine.base + segment.engine_offset_B,
                          segment.size_B);
   return result;
}

/* -------------------------------------------------------- the two kinds -- */

/* On failure the caller destroys what there is of the image. */
static VkResult
init_opaque(struct panvk_device *dev, struct panvk_image *image)
{
   VkImage handle = (VkImage)image->res.handle;
   VkMemoryRequirements requirements;
   VkResult result;

   dev->vk.GetImageMemoryRequirements(dev->handle, handle, &requirements);
   if (requirements.size > PANVK_ENGINE_MAX_IMAGE_SIZE_B)
      return refuse(dev, VK_ERROR_OUT_OF_DEVICE_MEMORY,
                    "the engine cannot address more than 2 GiB of an image");

   result = panvk_resource_init_range(dev, &image->res, requirements.size);
   if (result != VK_SUCCESS)
      return result;
   result = panvk_host_range_init(
      dev, image->res.size_B,
      (uint32_t)__builtin_ctz(requirements.memoryTypeBits), &image->host);
   if (result != VK_SUCCESS)
      return result;
   result = init_opaque_window(dev, image);
   if (result != VK_SUCCESS)
      return result;
   return dev->vk.BindImageMemory(dev->handle, handle, image->host.memory, 0);
}

static VkResult
init_residency(struct panvk_device *dev, struct panvk_image *image,
               VkFormat format)
{
   const struct panvk_probe *probe = panvk_physical_device_probe(dev->pdev);
   const char *reason;
   VkResult result = panvk_engine_image_inspect(
      dev, (VkImage)image->res.handle, format, &image->layout,
      probe->sampled_descriptor_size_B, &image->engine, &reason);

   if (result == VK_ERROR_INITIALIZATION_FAILED)
      return refuse(dev, VK_ERROR_OUT_OF_HOST_MEMORY, reason);
   if (result != VK_SUCCESS)
      return result;

   image->tail_bound =
      calloc((size_t)image->layout.layers * image->layout.tail_blocks + 1,
             sizeof(*image->tail_bound));
   if (!image->tail_bound)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   result = panvk_resource_init_range(dev, &image->res, image->layout.size_B);
   if (result != VK_SUCCESS)
      return result;
   return init_residency_windows(dev, image);
}

/*
 * Accepts an image whose creation stopped anywhere after the engine's part. The
 * engine unmaps a residency image's addresses when it destroys it, so the
 * windows must be gone by then; the memory of an opaque image must outlive it.
 */
static void
destroy_image(struct panvk_device *dev, struct panvk_image *image,
              const VkAllocationCallbacks *allocator)
{
   panvk_diag_remove_resource(dev, &image->res);
   panvk_shadows_finish(dev, &image->shadows);
   finish_windows(image);
   panvk_resource_finish_range(dev, &image->res);
   dev->vk.DestroyImage(dev->handle, (VkImage)image->res.handle, allocator);
   panvk_host_range_finish(dev, &image->host);
   free(image->tail_bound);
   free(image);
}

/*
 * What the engine is asked for: an opaque image loses its sparse flags, and a
 * residency image gains SAMPLED usage, which every format that comes this far
 * has and which costs nothing, so that there is a descriptor to look at.
 */
static VkResult
create_engine_image(struct panvk_device *dev, const VkImageCreateInfo *info,
                    const VkAllocationCallbacks *allocator,
                    struct panvk_image *image)
{
   VkImageCreateInfo engine_info = *info;
   VkImage handle;
   VkResult result;

   if (image->residency)
      engine_info.usage |= VK_IMAGE_USAGE_SAMPLED_BIT;
   else
      engine_info.flags &= ~(VkImageCreateFlags)PANVK_IMAGE_SPARSE_FLAGS;

   result = dev->vk.CreateImage(dev->handle, &engine_info, allocator, &handle);
   if (result == VK_SUCCESS)
      image->res.handle = panvk_key(handle);
   return result;
}

static VkResult
create_sparse_image(struct panvk_device *dev, const VkImageCreateInfo *info,
                    const VkAllocationCallbacks *allocator, VkImage *image_out)
{
   struct panvk_image *image = calloc(1, sizeof(*image));
   const char *reason;
   VkResult result;

   if (!image)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   image->res.type = VK_OBJECT_TYPE_IMAGE;
   image->res.alignment_B = PANVK_SPARSE_BLOCK_SIZE;
   image->residency = info->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT;
   image->res.may_be_partly_bound = image->residency;
   image->kind = panvk_image_kind_of_create_info(info);

   reason = panvk_image_unsupported(dev->pdev, info, &image->layout);
   if (reason) {
      result = refuse(dev, VK_ERROR_FORMAT_NOT_SUPPORTED, reason);
      goto err_free;
   }
   if (image->residency &&
       image->layout.engine_size_B > PANVK_ENGINE_MAX_IMAGE_SIZE_B) {
      result = refuse(dev, VK_ERROR_OUT_OF_DEVICE_MEMORY,
                      "the engine cannot address more than 2 GiB of an image");
      goto err_free;
   }

   result = create_engine_image(dev, info, allocator, image);
   if (result != VK_SUCCESS)
      goto err_free;
   result = image->residency ? init_residency(dev, image, info->format)
                             : init_opaque(dev, image);
   if (result != VK_SUCCESS)
      goto err_destroy;
   if (!panvk_map_insert(&dev->images, image->res.handle, image)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto err_destroy;
   }
   *image_out = (VkImage)image->res.handle;
   return VK_SUCCESS;

err_destroy:
   destroy_image(dev, image, allocator);
   return result;
err_free:
   free(image);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateImage(VkDevice device, const VkImageCreateInfo *pCreateInfo,
                  const VkAllocationCallbacks *pAllocator, VkImage *pImage)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   if (!(pCreateInfo->flags & PANVK_IMAGE_SPARSE_FLAGS))
      return dev->vk.CreateImage(dev->handle, pCreateInfo, pAllocator, pImage);
   return create_sparse_image(dev, pCreateInfo, pAllocator, pImage);
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyImage(VkDevice device, VkImage image,
                   const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_image *sparse =
      image ? panvk_map_remove(&dev->images, panvk_key(image)) : NULL;

   if (sparse)
      destroy_image(dev, sparse, pAllocator);
   else
      dev->vk.DestroyImage(dev->handle, image, pAllocator);
}

/* What a view may be used for: the image's usage, unless it says less. */
static VkImageUsageFlags
view_usage(const struct panvk_image *image, const VkImageViewCreateInfo *info)
{
   const VkImageViewUsageCreateInfo *usage = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO);

   return usage ? usage->usage : image->kind.usage;
}

/*
 * Views are the engine's; but for sampled cube arrays of sparse images it
 * generates code that leaves the row out of the address. As storage images they
 * work.
 */
static VkResult
check_view(struct panvk_device *dev, const struct panvk_image *image,
           const VkImageViewCreateInfo *info)
{
   if (info->viewType != VK_IMAGE_VIEW_TYPE_CUBE_ARRAY || !image->residency ||
       !(view_usage(image, info) & VK_IMAGE_USAGE_SAMPLED_BIT))
      return VK_SUCCESS;
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_IMAGE, image->res.handle,
               "the engine cannot sample cube arrays of images with sparse "
               "residency (a view whose usage, by VkImageViewUsageCreateInfo, "
               "is not sampled would work)");
   return VK_ERROR_FORMAT_NOT_SUPPORTED;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateImageView(VkDevice device, const VkImageViewCreateInfo *pCreateInfo,
                      const VkAllocationCallbacks *pAllocator,
                      VkImageView *pView)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_image *image = panvk_image_lookup(dev, pCreateInfo->image);
   VkImageView view;
   VkResult result = image ? check_view(dev, image, pCreateInfo) : VK_SUCCESS;

   if (result == VK_SUCCESS)
      result = dev->vk.CreateImageView(device, pCreateInfo, pAllocator, &view);
   if (result != VK_SUCCESS)
      return result;
   if (image) {
      result = panvk_view_add(dev, image, pCreateInfo, view);
      if (result != VK_SUCCESS) {
         dev->vk.DestroyImageView(device, view, pAllocator);
         return result;
      }
   }
   *pView = view;
   return VK_SUCCESS;
}
