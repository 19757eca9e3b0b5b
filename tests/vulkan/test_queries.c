/* SPDX-License-Identifier: MIT */
/* What the device says of itself is consistent, in every form of the question. */
#include "vt_image.h"

static void
test_features(void **state)
{
   (void)state;
   VkPhysicalDeviceFeatures old;
   VkPhysicalDeviceFeatures2 both = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};

   vkGetPhysicalDeviceFeatures(vt.physical, &old);
   vkGetPhysicalDeviceFeatures2(vt.physical, &both);
   assert_memory_equal(&old, &both.features, sizeof(old));
   /* Residency of any kind implies binding. */
   if (old.sparseResidencyBuffer || old.sparseResidencyImage2D ||
       old.sparseResidencyImage3D || old.sparseResidencyAliased)
      assert_true(old.sparseBinding);
   if (old.sparseResidency2Samples || old.sparseResidency4Samples ||
       old.sparseResidency8Samples || old.sparseResidency16Samples)
      assert_true(old.sparseResidencyImage2D);
}

static void
test_properties(void **state)
{
   (void)state;
   VkPhysicalDeviceVulkan12Properties vk12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
   VkPhysicalDeviceProperties2 both = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &vk12};
   VkPhysicalDeviceProperties old;

   vkGetPhysicalDeviceProperties(vt.physical, &old);
   vkGetPhysicalDeviceProperties2(vt.physical, &both);
   assert_string_equal(old.deviceName, both.properties.deviceName);
   assert_int_equal(old.limits.sparseAddressSpaceSize,
                    both.properties.limits.sparseAddressSpaceSize);
   assert_int_equal(old.limits.bufferImageGranularity,
                    both.properties.limits.bufferImageGranularity);
   assert_memory_equal(&old.sparseProperties, &both.properties.sparseProperties,
                       sizeof(old.sparseProperties));
   assert_string_equal(vk12.driverName, vt.driver.driverName);
   assert_string_equal(vk12.driverInfo, vt.driver.driverInfo);
   assert_int_not_equal(old.limits.sparseAddressSpaceSize, 0);
   print_message("# %s, %s (%s)\n", old.deviceName, vk12.driverName,
                 vk12.driverInfo);
}

static void
test_queue_families(void **state)
{
   (void)state;
   VkQueueFamilyProperties families[16];
   uint32_t count = 16;
   bool sparse = false;

   vkGetPhysicalDeviceQueueFamilyProperties(vt.physical, &count, families);
   for (uint32_t i = 0; i < count; i++)
      if (families[i].queueFlags & VK_QUEUE_SPARSE_BINDING_BIT) {
         sparse = true;
         /* vkd3d-proton skips families without a granularity. */
         assert_int_not_equal(families[i].minImageTransferGranularity.width, 0);
      }
   assert_true(sparse);
}

/* Asking a device for a feature that it does not have must fail. */
static void
test_missing_feature(void **state)
{
   (void)state;
   static const size_t offsets[] = {
      offsetof(VkPhysicalDeviceFeatures, sparseBinding),
      offsetof(VkPhysicalDeviceFeatures, sparseResidencyBuffer),
      offsetof(VkPhysicalDeviceFeatures, sparseResidencyImage2D),
      offsetof(VkPhysicalDeviceFeatures, sparseResidencyImage3D),
      offsetof(VkPhysicalDeviceFeatures, sparseResidency2Samples),
      offsetof(VkPhysicalDeviceFeatures, sparseResidency4Samples),
      offsetof(VkPhysicalDeviceFeatures, sparseResidency8Samples),
      offsetof(VkPhysicalDeviceFeatures, sparseResidency16Samples),
      offsetof(VkPhysicalDeviceFeatures, sparseResidencyAliased),
      offsetof(VkPhysicalDeviceFeatures, shaderResourceResidency),
   };
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = vt.family,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkPhysicalDeviceFeatures has;

   vkGetPhysicalDeviceFeatures(vt.physical, &has);
   for (unsigned i = 0; i < VKH_ARRAY_SIZE(offsets); i++) {
      VkPhysicalDeviceFeatures ask = {0};
      VkBool32 offered;
      VkDevice device;

      memcpy(&offered, (char *)&has + offsets[i], sizeof(offered));
      /* The layers would report the invalid call; it is the point here. */
      if (!offered && getenv("VK_INSTANCE_LAYERS"))
         continue;
      memcpy((char *)&ask + offsets[i], &(VkBool32){VK_TRUE},
             sizeof(VkBool32));
      const VkPhysicalDeviceFeatures2 chain = {
         .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
         .features = ask,
      };
      for (int form = 0; form < 2; form++) {
         const VkDeviceCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
            .pNext = form ? &chain : NULL,
            .queueCreateInfoCount = 1,
            .pQueueCreateInfos = &queue,
            .pEnabledFeatures = form ? NULL : &ask,
         };
         VkResult result = vkCreateDevice(vt.physical, &info, NULL, &device);
         assert_int_equal(result, offered ? VK_SUCCESS
                                          : VK_ERROR_FEATURE_NOT_PRESENT);
         if (result == VK_SUCCESS)
            vkDestroyDevice(device, NULL);
      }
   }
}

static void
assert_same_requirements(const VkMemoryRequirements *a,
                         const VkMemoryRequirements *b)
{
   assert_int_equal(a->size, b->size);
   assert_int_equal(a->alignment, b->alignment);
   assert_int_equal(a->memoryTypeBits, b->memoryTypeBits);
}

/* The requirements of a buffer, asked in all three ways. */
static void
test_buffer_requirements(void **state)
{
   (void)state;
   static const VkDeviceSize sizes[] = {1, 4096, 65535, 65536, 65537, 1 << 24};

   for (unsigned i = 0; i < VKH_ARRAY_SIZE(sizes); i++) {
      const VkBufferCreateInfo info = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
         .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
         .size = sizes[i],
         .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
      };
      VkBuffer buffer;

      VKH_CHECK(vkCreateBuffer(vt.device, &info, NULL, &buffer));
      VkMemoryRequirements req = vt_buffer_requirements(buffer);
      VkMemoryRequirements2 req2 = {
         .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
      const VkBufferMemoryRequirementsInfo2 info2 = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
         .buffer = buffer,
      };
      const VkDeviceBufferMemoryRequirements device_info = {
         .sType = VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS,
         .pCreateInfo = &info,
      };
      assert_true(req.size >= sizes[i]);
      vkGetBufferMemoryRequirements2(vt.device, &info2, &req2);
      assert_same_requirements(&req, &req2.memoryRequirements);
      req2.memoryRequirements = (VkMemoryRequirements){0};
      vkGetDeviceBufferMemoryRequirements(vt.device, &device_info, &req2);
      assert_same_requirements(&req, &req2.memoryRequirements);
      vkDestroyBuffer(vt.device, buffer, NULL);
   }
}

/* The requirements of images, asked in all ways, counted and truncated. */
static void
test_image_requirements(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyImage2D);
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {512, 512, 1},
      .mipLevels = 10,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
   };
   VkSparseImageMemoryRequirements sparse[2];
   VkSparseImageMemoryRequirements2 sparse2[2] = {
      {.sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_MEMORY_REQUIREMENTS_2},
      {.sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_MEMORY_REQUIREMENTS_2}};
   VkMemoryRequirements2 req2 = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   VkImage image;
   uint32_t count = 0;

   VKH_CHECK(vkCreateImage(vt.device, &info, NULL, &image));
   VkMemoryRequirements req = vt_image_requirements(image);
   const VkImageMemoryRequirementsInfo2 info2 = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
      .image = image,
   };
   const VkImageSparseMemoryRequirementsInfo2 sparse_info2 = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_SPARSE_MEMORY_REQUIREMENTS_INFO_2,
      .image = image,
   };
   const VkDeviceImageMemoryRequirements device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_IMAGE_MEMORY_REQUIREMENTS,
      .pCreateInfo = &info,
   };
   vkGetImageMemoryRequirements2(vt.device, &info2, &req2);
   assert_same_requirements(&req, &req2.memoryRequirements);
   vkGetDeviceImageMemoryRequirements(vt.device, &device_info, &req2);
   assert_same_requirements(&req, &req2.memoryRequirements);

   vkGetImageSparseMemoryRequirements(vt.device, image, &count, NULL);
   assert_int_equal(count, 1);
   count = 2;
   vkGetImageSparseMemoryRequirements(vt.device, image, &count, sparse);
   assert_int_equal(count, 1);
   /* All tiles of the levels before the tail, and the tail, are in the size. */
   uint64_t tiles = 0;
   for (uint32_t level = 0; level < sparse[0].imageMipTailFirstLod; level++) {
      uint32_t across = ((512u >> level) + 127) / 128;
      tiles += (uint64_t)across * across;
   }
   assert_true(req.size >= tiles * VT_TILE + sparse[0].imageMipTailSize);

   count = 2;
   vkGetImageSparseMemoryRequirements2(vt.device, &sparse_info2, &count,
                                       sparse2);
   assert_int_equal(count, 1);
   assert_memory_equal(&sparse[0], &sparse2[0].memoryRequirements,
                       sizeof(sparse[0]));
   count = 2;
   vkGetDeviceImageSparseMemoryRequirements(vt.device, &device_info, &count,
                                            sparse2);
   assert_int_equal(count, 1);
   assert_memory_equal(&sparse[0], &sparse2[0].memoryRequirements,
                       sizeof(sparse[0]));
   vkDestroyImage(vt.device, image, NULL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_features),
      cmocka_unit_test(test_properties),
      cmocka_unit_test(test_queue_families),
      cmocka_unit_test(test_missing_feature),
      cmocka_unit_test(test_buffer_requirements),
      cmocka_unit_test(test_image_requirements),
   };
   return cmocka_run_group_tests_name("vulkan-queries", tests, vt_group_setup,
                                      vt_group_teardown);
}
