/* SPDX-License-Identifier: MIT */
#ifndef PANVK_PHYSICAL_DEVICE_H
#define PANVK_PHYSICAL_DEVICE_H

#include "panvk_private.h"

/*
 * Our side of the engine's physical device. VK_ERROR_INCOMPATIBLE_DRIVER, after
 * a message, if it is not lavapipe of a new enough Mesa.
 */
VkResult panvk_physical_device_create(struct panvk_instance *instance,
                                      VkPhysicalDevice handle,
                                      struct panvk_physical_device **pdev_out);
void panvk_physical_device_destroy(struct panvk_physical_device *pdev);

/*
 * Does the engine's device offer the extension, hidden ones left out? See
 * panvk_EnumerateDeviceExtensionProperties().
 */
bool panvk_physical_device_has_extension(struct panvk_physical_device *pdev,
                                         const char *name);
/* Extensions that the engine may have and this driver cannot keep working. */
bool panvk_extension_is_hidden(const char *name);

/* ------------------------------------------------------ panvk_features.c -- */

/* Turns off what does not work in a filled-in feature chain's structures. */
void panvk_filter_features(struct panvk_physical_device *pdev,
                           VkPhysicalDeviceFeatures *features);
void panvk_filter_feature_chain(struct panvk_physical_device *pdev,
                                void *chain);
/*
 * NULL, or the name of a feature that is enabled in @info and not offered. Only
 * features that this driver filters are looked at; the engine checks the rest.
 */
const char *panvk_missing_feature(struct panvk_physical_device *pdev,
                                  const VkDeviceCreateInfo *info);

#endif /* PANVK_PHYSICAL_DEVICE_H */
