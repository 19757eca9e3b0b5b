/* SPDX-License-Identifier: MIT */
/*
 * Creation of sparse images over an engine and a kernel device that are made up
 * here: every step fails once, the engine keeps its images in another way than
 * expected, and each time nothing must be left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "panvk_image.h"
#include "panvk_probe.h"

#define TILE 65536ull
#define VA 0x7000000000ull

/* ---------------------------------------------------- the made-up world -- */

enum lie {
   LIE_NONE,
   LIE_NO_MEMORY, /* the engine's mmap failed, and it did not notice */
   LIE_MISALIGNED,
   LIE_UNMAPPED,
   LIE_NO_BITMAP,
   LIE_LEVELS, /* a level lies elsewhere */
   LIE_LAYERS, /* a layer does */
   LIE_COUNT,
};

struct window {
   uint64_t va, size_B;
   uint8_t *host;
};

static struct {
   struct panvk_device dev;
   struct panvk_physical_device pdev;
   struct panvk_instance instance;
   enum lie lie;
   uint64_t steps_until_failure;
   bool failed; /* the step that was to fail was reached */
   /* What exists. */
   unsigned engine_images, views, windows, ranges, host_ranges;
   VkImageCreateInfo created; /* as the engine was asked for it */
   bool bound; /* BindImageMemory was called */
   struct window window[64];
   /* The one engine image. */
   struct panvk_layout layout;
   uint8_t *base;
   uint32_t bitmap[4];
   uint32_t view_first_layer;
   char message[256];
} w;

/* True once, when it is time for a step to fail. */
static bool
step_fails(void)
{
   if (w.steps_until_failure--)
      return false;
   w.failed = true;
   return true;
}

#define ENGINE_SIZE_B (1u << 20) /* of an image that is not sparse */

static VKAPI_ATTR VkResult VKAPI_CALL
engine_CreateImage(VkDevice device, const VkImageCreateInfo *info,
                   const VkAllocationCallbacks *allocator, VkImage *image_out)
{
   const struct panvk_layout_info layout_info = {
      .type = VK_IMAGE_TYPE_2D,
      .block = {1, 1, 4, false},
      .extent = info->extent,
      .levels = info->mipLevels,
      .layers = info->arrayLayers,
   };

   if (step_fails())
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   w.created = *info;
   if (info->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT) {
      assert_true(panvk_layout_init(&w.layout, &layout_info));
      w.base = mmap(NULL, w.layout.engine_size_B, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      assert_ptr_not_equal(w.base, MAP_FAILED);
   }
   w.engine_images++;
   *image_out = (VkImage)0x1000;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
engine_DestroyImage(VkDevice device, VkImage image,
                    const VkAllocationCallbacks *allocator)
{
   /* The engine unmaps what the windows lie over. */
   assert_int_equal(w.windows, 0);
   if (w.bound)
      assert_int_equal(w.host_ranges, 1);
   if (w.base)
      munmap(w.base, w.layout.engine_size_B);
   w.base = NULL;
   w.engine_images--;
}

static VKAPI_ATTR VkResult VKAPI_CALL
engine_CreateImageView(VkDevice device, const VkImageViewCreateInfo *info,
                       const VkAllocationCallbacks *allocator,
                       VkImageView *view_out)
{
   if (step_fails())
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   assert_int_equal(info->viewType, w.layout.layers > 1
                                       ? VK_IMAGE_VIEW_TYPE_2D_ARRAY
                                       : VK_IMAGE_VIEW_TYPE_2D);
   w.view_first_layer = info->subresourceRange.baseArrayLayer;
   w.views++;
   *view_out = (VkImageView)0x2000;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
engine_DestroyImageView(VkDevice device, VkImageView view,
                        const VkAllocationCallbacks *allocator)
{
   w.views--;
}

static VKAPI_ATTR void VKAPI_CALL
engine_GetDescriptorEXT(VkDevice device, const VkDescriptorGetInfoEXT *info,
                        size_t size_B, void *descriptor)
{
   uint8_t *bytes = descriptor;
   uint64_t base = (uintptr_t)w.base, bitmap = (uintptr_t)w.bitmap;

   if (w.lie == LIE_NO_MEMORY)
      base = (uintptr_t)MAP_FAILED;
   if (w.lie == LIE_MISALIGNED)
      base += 64;
   if (w.lie == LIE_UNMAPPED)
      base = 0x10000;
   if (w.lie == LIE_NO_BITMAP)
      bitmap = 0;
   memcpy(bytes + PANVK_SAMPLED_BASE, &base, 8);
   memcpy(bytes + PANVK_SAMPLED_RESIDENCY, &bitmap, 8);
   for (uint32_t level = 0; level < w.layout.levels; level++) {
      uint32_t offset = (uint32_t)panvk_layout_engine_offset(
         &w.layout, level, w.view_first_layer);

      if ((w.lie == LIE_LEVELS && level == w.layout.levels - 1) ||
          (w.lie == LIE_LAYERS && w.view_first_layer))
         offset += 4096;
      memcpy(bytes + PANVK_SAMPLED_MIP_OFFSETS + 4 * level, &offset, 4);
   }
}

static VKAPI_ATTR void VKAPI_CALL
engine_GetImageMemoryRequirements(VkDevice device, VkImage image,
                                  VkMemoryRequirements *requirements)
{
   requirements->size = ENGINE_SIZE_B;
   requirements->alignment = 64;
   requirements->memoryTypeBits = 4;
}

static VKAPI_ATTR VkResult VKAPI_CALL
engine_BindImageMemory(VkDevice device, VkImage image, VkDeviceMemory memory,
                       VkDeviceSize offset)
{
   if (step_fails())
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   assert_int_equal(panvk_key(memory), 0x3000);
   assert_int_equal(offset, 0);
   w.bound = true;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
engine_GetPhysicalDeviceSparseImageFormatProperties2(
   VkPhysicalDevice pdev, const VkPhysicalDeviceSparseImageFormatInfo2 *info,
   uint32_t *count, VkSparseImageFormatProperties2 *props)
{
   assert_true(info->usage & VK_IMAGE_USAGE_SAMPLED_BIT);
   *count = 1;
   props->properties.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT;
   props->properties.imageGranularity = (VkExtent3D){128, 128, 1};
}

int
pan_kmod_window_create(struct pan_kmod_vm *vm, uint64_t va, void *host,
                       uint64_t size_B, struct pan_kmod_window **window_out)
{
   if (step_fails())
      return -12;
   assert_true(w.windows < PANVK_ARRAY_SIZE(w.window));
   w.window[w.windows] = (struct window){va, size_B, host};
   *window_out = (struct pan_kmod_window *)&w.window[w.windows++];
   return 0;
}

void
pan_kmod_window_destroy(struct pan_kmod_window *window)
{
   if (window)
      w.windows--;
}

VkResult
panvk_resource_init_range(struct panvk_device *dev, struct panvk_resource *res,
                          uint64_t size_B)
{
   if (step_fails())
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   res->va = VA;
   res->size_B = PANVK_ALIGN(size_B, TILE);
   w.ranges++;
   return VK_SUCCESS;
}

void
panvk_resource_finish_range(struct panvk_device *dev,
                            struct panvk_resource *res)
{
   if (!res->size_B)
      return;
   assert_int_equal(w.windows, 0);
   w.ranges--;
}

VkResult
panvk_host_range_init(struct panvk_device *dev, uint64_t size_B,
                      uint32_t type_index, struct panvk_host_range *range_out)
{
   if (step_fails())
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   assert_int_equal(type_index, 2);
   *range_out = (struct panvk_host_range){(void *)0x50000000, size_B,
                                          (VkDeviceMemory)0x3000};
   w.host_ranges++;
   return VK_SUCCESS;
}

void
panvk_host_range_finish(struct panvk_device *dev,
                        struct panvk_host_range *range)
{
   if (!range->ptr)
      return;
   assert_int_equal(w.engine_images, 0);
   w.host_ranges--;
}

struct panvk_device *
panvk_device_from_handle(VkDevice handle)
{
   return &w.dev;
}

struct panvk_physical_device *
panvk_physical_device_from_handle(VkPhysicalDevice handle)
{
   return &w.pdev;
}

const struct panvk_probe *
panvk_physical_device_probe(struct panvk_physical_device *pdev)
{
   static const struct panvk_probe probe = {.sampled_descriptor_size_B = 256};

   return &probe;
}

void
panvk_error(struct panvk_instance *instance, VkObjectType type, uint64_t object,
            const char *format, ...)
{
   va_list args;

   va_start(args, format);
   vsnprintf(w.message, sizeof(w.message), format, args);
   va_end(args);
}

static int
setup(void **state)
{
   memset(&w, 0, sizeof(w));
   w.steps_until_failure = UINT64_MAX;
   w.pdev.instance = &w.instance;
   w.dev.pdev = &w.pdev;
   panvk_map_init(&w.dev.images);
   w.instance.vk.GetPhysicalDeviceSparseImageFormatProperties2 =
      engine_GetPhysicalDeviceSparseImageFormatProperties2;
   w.dev.vk = (struct panvk_device_table){
      .CreateImage = engine_CreateImage,
      .DestroyImage = engine_DestroyImage,
      .CreateImageView = engine_CreateImageView,
      .DestroyImageView = engine_DestroyImageView,
      .GetDescriptorEXT = engine_GetDescriptorEXT,
      .GetImageMemoryRequirements = engine_GetImageMemoryRequirements,
      .BindImageMemory = engine_BindImageMemory,
   };
   return 0;
}

static int
teardown(void **state)
{
   panvk_map_finish(&w.dev.images);
   return 0;
}

static void
assert_nothing_left(void)
{
   assert_int_equal(w.engine_images, 0);
   assert_int_equal(w.views, 0);
   assert_int_equal(w.windows, 0);
   assert_int_equal(w.ranges, 0);
   assert_int_equal(w.host_ranges, 0);
   assert_int_equal(w.dev.images.count, 0);
}

/* ---------------------------------------------------------------- tests -- */

#define RESIDENCY                                                              \
   (VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT)

static VkImageCreateInfo
image_info(VkImageCreateFlags flags, uint32_t levels, uint32_t layers)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = flags,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {300, 200, 1},
      .mipLevels = levels,
      .arrayLayers = layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
}

static VkResult
create(VkImageCreateFlags flags, uint32_t levels, uint32_t layers,
       VkImage *image_out)
{
   const VkImageCreateInfo info = image_info(flags, levels, layers);

   return panvk_CreateImage(NULL, &info, NULL, image_out);
}

static void
test_residency(void **state)
{
   VkImage handle;

   assert_int_equal(create(RESIDENCY, 3, 2, &handle), VK_SUCCESS);
   assert_int_equal(w.created.flags, RESIDENCY);
   assert_int_equal(w.created.usage, VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                                        VK_IMAGE_USAGE_SAMPLED_BIT);
   /* Six, two and one tile a layer; the engine has its levels first. */
   const struct window expected[] = {
      {VA, 6 * TILE, w.base},
      {VA + 6 * TILE, 2 * TILE, w.base + 12 * TILE},
      {VA + 8 * TILE, 1 * TILE, w.base + 16 * TILE},
      {VA + 9 * TILE, 6 * TILE, w.base + 6 * TILE},
      {VA + 15 * TILE, 2 * TILE, w.base + 14 * TILE},
      {VA + 17 * TILE, 1 * TILE, w.base + 17 * TILE},
   };
   assert_int_equal(w.windows, 6);
   assert_memory_equal(w.window, expected, sizeof(expected));

   const struct panvk_image *image = panvk_image_lookup(&w.dev, handle);
   assert_non_null(image);
   assert_ptr_equal(image->engine.residency, w.bitmap);
   panvk_DestroyImage(NULL, handle, NULL);
   assert_nothing_left();
}

/* Where both orders are the same one window does. */
static void
test_single_window(void **state)
{
   static const uint32_t shapes[][3] = {{3, 1, 6 + 2 + 1}, {1, 5, 30}};

   for (size_t i = 0; i < PANVK_ARRAY_SIZE(shapes); i++) {
      VkImage handle;

      assert_int_equal(create(RESIDENCY, shapes[i][0], shapes[i][1], &handle),
                       VK_SUCCESS);
      assert_int_equal(w.windows, 1);
      assert_int_equal(w.window[0].size_B, shapes[i][2] * TILE);
      assert_ptr_equal(w.window[0].host, w.base);
      panvk_DestroyImage(NULL, handle, NULL);
      assert_nothing_left();
   }
}

/*
 * Nine levels: those from 150 x 100 on are packed, each tile of them with the
 * pages of its rows.
 */
static void
test_tail_windows(void **state)
{
   static const uint8_t pages[] = {13, 13, 7, 4, 2, 1, 1, 1, 1};
   uint64_t va = VA + 6 * TILE;
   VkImage handle;

   assert_int_equal(create(RESIDENCY, 9, 1, &handle), VK_SUCCESS);
   assert_int_equal(w.windows, 9);
   /* Level 0 and the tail's first tile join. */
   assert_int_equal(w.window[0].va, VA);
   assert_int_equal(w.window[0].size_B, 6 * TILE + 13 * 4096);
   assert_ptr_equal(w.window[0].host, w.base);
   for (uint32_t i = 1; i < 9; i++) {
      va += pages[i - 1] * 4096;
      assert_int_equal(w.window[i].va, va);
      assert_int_equal(w.window[i].size_B, pages[i] * 4096);
      assert_ptr_equal(w.window[i].host, w.base + (6 + i) * TILE);
   }
   assert_int_equal(panvk_image_lookup(&w.dev, handle)->res.size_B,
                    (6 + 3) * TILE);
   panvk_DestroyImage(NULL, handle, NULL);
   assert_nothing_left();
}

static void
test_opaque(void **state)
{
   VkImage handle;

   assert_int_equal(create(VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
                              VK_IMAGE_CREATE_SPARSE_ALIASED_BIT |
                              VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT,
                           3, 2, &handle),
                    VK_SUCCESS);
   assert_int_equal(w.created.flags, VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT);
   assert_int_equal(w.created.usage, VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   assert_true(w.bound);
   assert_int_equal(w.windows, 1);
   assert_int_equal(w.window[0].va, VA);
   assert_int_equal(w.window[0].size_B, ENGINE_SIZE_B);
   assert_ptr_equal(w.window[0].host, (void *)0x50000000);
   panvk_DestroyImage(NULL, handle, NULL);
   assert_nothing_left();
}

/* Nothing of an image that is not sparse is known here. */
static void
test_not_sparse(void **state)
{
   VkImage handle;

   assert_int_equal(create(0, 3, 2, &handle), VK_SUCCESS);
   assert_int_equal(w.dev.images.count, 0);
   assert_int_equal(w.windows + w.ranges + w.host_ranges, 0);
   panvk_DestroyImage(NULL, handle, NULL);
   assert_nothing_left();
}

/* Fail the n-th step, for n = 0, 1, 2, ... until none fails. */
static void
test_every_step_fails(void **state)
{
   static const struct {
      VkImageCreateFlags flags;
      unsigned steps;
   } kinds[] = {
      /* The image, two views, the range, six windows. */
      {RESIDENCY, 10},
      /* The image, the range, the host's, a window, its binding. */
      {VK_IMAGE_CREATE_SPARSE_BINDING_BIT, 5},
   };

   for (size_t i = 0; i < PANVK_ARRAY_SIZE(kinds); i++) {
      for (unsigned n = 0;; n++) {
         VkImage handle = VK_NULL_HANDLE;

         teardown(state);
         setup(state);
         w.steps_until_failure = n;
         VkResult result = create(kinds[i].flags, 3, 2, &handle);
         if (!w.failed) {
            assert_int_equal(result, VK_SUCCESS);
            assert_int_equal(n, kinds[i].steps);
            panvk_DestroyImage(NULL, handle, NULL);
            assert_nothing_left();
            break;
         }
         assert_int_not_equal(result, VK_SUCCESS);
         assert_true(handle == VK_NULL_HANDLE);
         assert_nothing_left();
      }
   }
}

/* An engine that keeps one image otherwise than the probe's. */
static void
test_engine_lies(void **state)
{
   for (enum lie lie = LIE_NONE + 1; lie < LIE_COUNT; lie++) {
      VkImage handle;

      w.lie = lie;
      w.message[0] = 0;
      assert_int_equal(create(RESIDENCY, 3, 2, &handle),
                       VK_ERROR_OUT_OF_HOST_MEMORY);
      assert_true(w.message[0]);
      assert_nothing_left();
   }
}

static void
test_refused(void **state)
{
   const VkExternalMemoryImageCreateInfo external = {
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
      .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
   };
   VkImageCreateInfo bad[12];
   VkImage handle;

   for (size_t i = 0; i < PANVK_ARRAY_SIZE(bad); i++)
      bad[i] = image_info(RESIDENCY, 1, 1);
   bad[0].pNext = &external;
   bad[1].tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT;
   bad[2].flags |= VK_IMAGE_CREATE_DISJOINT_BIT;
   bad[3].imageType = VK_IMAGE_TYPE_3D;
   bad[4].samples = VK_SAMPLE_COUNT_4_BIT;
   bad[5].tiling = VK_IMAGE_TILING_LINEAR;
   bad[6].format = VK_FORMAT_D32_SFLOAT_S8_UINT;
   bad[7].usage |= VK_IMAGE_USAGE_TRANSIENT_ATTACHMENT_BIT;
   bad[8].usage |= VK_IMAGE_USAGE_ATTACHMENT_FEEDBACK_LOOP_BIT_EXT;
   bad[9].format = VK_FORMAT_R8_UNORM; /* the engine says 128 x 128 */
   bad[10].pNext = &external; /* and opaque */
   bad[10].flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT;
   bad[11].mipLevels = 10;
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(bad); i++) {
      w.message[0] = 0;
      assert_int_equal(panvk_CreateImage(NULL, &bad[i], NULL, &handle),
                       VK_ERROR_FORMAT_NOT_SUPPORTED);
      assert_true(w.message[0]);
      assert_nothing_left();
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_residency, setup, teardown),
      cmocka_unit_test_setup_teardown(test_single_window, setup, teardown),
      cmocka_unit_test_setup_teardown(test_tail_windows, setup, teardown),
      cmocka_unit_test_setup_teardown(test_opaque, setup, teardown),
      cmocka_unit_test_setup_teardown(test_not_sparse, setup, teardown),
      cmocka_unit_test_setup_teardown(test_every_step_fails, setup, teardown),
      cmocka_unit_test_setup_teardown(test_engine_lies, setup, teardown),
      cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
   };

   return cmocka_run_group_tests(tests, NULL, NULL);
}
