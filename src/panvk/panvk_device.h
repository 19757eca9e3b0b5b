/* SPDX-License-Identifier: MIT */
#ifndef PANVK_DEVICE_H
#define PANVK_DEVICE_H

#include "panvk_private.h"

/* ------------------------------------------------- panvk_device_engine.c -- */

/*
 * Creates the engine's device and loads its functions: sets pdev, handle, vk
 * and the added extensions of @dev.
 */
VkResult panvk_device_init_engine(struct panvk_device *dev,
                                  struct panvk_physical_device *pdev,
                                  const VkDeviceCreateInfo *info,
                                  const VkAllocationCallbacks *allocator);
/* Is it a command of an extension that only this driver has enabled? */
bool panvk_device_hides_command(const struct panvk_device *dev,
                                const char *name);
/*
 * A device of the engine for this driver's own use, without a kernel device:
 * handle, vk and pdev are all that is valid of it. It is not found by handle.
 */
VkResult panvk_device_create_private(struct panvk_physical_device *pdev,
                                     const VkAllocationCallbacks *allocator,
                                     struct panvk_device **dev_out);
void panvk_device_destroy_private(struct panvk_device *dev,
                                  const VkAllocationCallbacks *allocator);

/* ------------------------------------------------------ panvk_resource.c -- */

/* Describes the resource whose GPU range holds @va, as far as there is one. */
const char *panvk_resource_describe_at(struct panvk_device *dev, uint64_t va,
                                       char text[static 128]);
/* How the kernel maps what is not bound. */
struct panvk_null_mapping panvk_null_mapping(const struct panvk_device *dev);

/* --------------------------------------------------------- panvk_stats.c -- */

/*
 * Counters count from panvk_stats_begin() on. Both are no-ops where there are
 * none or no memory: the counters then count from the machine's boot.
 */
void panvk_stats_begin(struct panvk_device *dev);
void panvk_stats_end(struct panvk_device *dev);
/*
 * What PANSPARSE_DEBUG=stats and PANSPARSE_STATS ask for; see docs/panvk.md.
 * Nothing where neither is set.
 */
void panvk_report_stats(struct panvk_device *dev);

#endif /* PANVK_DEVICE_H */
