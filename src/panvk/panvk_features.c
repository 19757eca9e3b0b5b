/* SPDX-License-Identifier: MIT */
/*
 * The features of the engine that this driver does not offer, or not always.
 * One table rules what is reported and what may be enabled.
 */
#include <stddef.h>

#include "panvk_physical_device.h"
#include "panvk_probe.h"

enum need {
   NEVER, /* does not work yet */
   IMAGES, /* works where sparse residency images do */
   IMAGES_3D, /* and of those 3D images as well */
};

static const struct {
   VkStructureType type;
   enum need need;
   size_t offset; /* of a VkBool32 in the structure of that type */
   const char *name;
} filtered[] = {
#define CORE(feature, need)                                                    \
   {                                                                           \
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, need,                      \
         offsetof(VkPhysicalDeviceFeatures2, features.feature), #feature       \
   }
#define CHAINED(type, structure, feature, need)                                \
   {                                                                           \
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##type, need,                          \
         offsetof(VkPhysicalDevice##structure, feature), #feature              \
   }

   CORE(sparseResidencyImage2D, IMAGES),
   CORE(shaderResourceResidency, IMAGES),
   CORE(sparseResidencyImage3D, IMAGES_3D),
   CORE(sparseResidency2Samples, NEVER),
   CORE(sparseResidency4Samples, NEVER),
   CORE(sparseResidency8Samples, NEVER),
   CORE(sparseResidency16Samples, NEVER),
   CHAINED(SHADER_IMAGE_ATOMIC_INT64_FEATURES_EXT,
           ShaderImageAtomicInt64FeaturesEXT, sparseImageInt64Atomics, IMAGES),
   CHAINED(SHADER_ATOMIC_FLOAT_FEATURES_EXT, ShaderAtomicFloatFeaturesEXT,
           sparseImageFloat32Atomics, IMAGES),
   CHAINED(SHADER_ATOMIC_FLOAT_FEATURES_EXT, ShaderAtomicFloatFeaturesEXT,
           sparseImageFloat32AtomicAdd, IMAGES),
   CHAINED(SHADER_ATOMIC_FLOAT_2_FEATURES_EXT, ShaderAtomicFloat2FeaturesEXT,
           sparseImageFloat32AtomicMinMax, IMAGES),
   /* Of an extension that is hidden. */
   CHAINED(MAP_MEMORY_PLACED_FEATURES_EXT, MapMemoryPlacedFeaturesEXT,
           memoryMapPlaced, NEVER),
   CHAINED(MAP_MEMORY_PLACED_FEATURES_EXT, MapMemoryPlacedFeaturesEXT,
           memoryMapRangePlaced, NEVER),
   CHAINED(MAP_MEMORY_PLACED_FEATURES_EXT, MapMemoryPlacedFeaturesEXT,
           memoryUnmapReserve, NEVER),
#undef CHAINED
#undef CORE
};

static bool
is_offered(struct panvk_physical_device *pdev, enum need need)
{
   const struct panvk_probe *probe;

   if (need == NEVER)
      return false;
   probe = panvk_physical_device_probe(pdev);
   return probe != NULL && (need == IMAGES || probe->images_3d);
}

void
panvk_filter_feature_chain(struct panvk_physical_device *pdev, void *chain)
{
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(filtered); i++) {
      char *structure = panvk_find_struct(chain, filtered[i].type);
      if (structure != NULL && !is_offered(pdev, filtered[i].need))
         *(VkBool32 *)(structure + filtered[i].offset) = VK_FALSE;
   }
}

void
panvk_filter_features(struct panvk_physical_device *pdev,
                      VkPhysicalDeviceFeatures *features)
{
   VkPhysicalDeviceFeatures2 chain = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .features = *features,
   };
   panvk_filter_feature_chain(pdev, &chain);
   *features = chain.features;
}

const char *
panvk_missing_feature(struct panvk_physical_device *pdev,
                      const VkDeviceCreateInfo *info)
{
   /* Core features come in one of two ways, never both. */
   VkPhysicalDeviceFeatures2 chain = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .pNext = (void *)info->pNext,
   };
   const void *first = info->pNext;
   if (info->pEnabledFeatures != NULL) {
      chain.features = *info->pEnabledFeatures;
      first = &chain;
   }
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(filtered); i++) {
      const char *structure = panvk_find_struct_const(first, filtered[i].type);
      if (structure != NULL &&
          *(const VkBool32 *)(structure + filtered[i].offset) &&
          !is_offered(pdev, filtered[i].need))
         return filtered[i].name;
   }
   return NULL;
}
