/* SPDX-License-Identifier: MIT */
/*
 * Queue families: the engine's universal one, and one of this driver's own for
 * sparse binding alone, whose index the engine never sees.
 */
#ifndef PANVK_QUEUE_FAMILY_H
#define PANVK_QUEUE_FAMILY_H

#include "panvk_private.h"

#define PANVK_FAMILY_UNIVERSAL 0u
#define PANVK_FAMILY_SPARSE 1u
#define PANVK_FAMILY_COUNT 2u

/*
 * VUID-VkDeviceQueueCreateInfo-queueFamilyIndex-00381 and -queueCount-00382,
 * after a message.
 */
bool panvk_check_queue_infos(struct panvk_physical_device *pdev,
                             const VkDeviceCreateInfo *info);
/* Does the application ask for a queue of @family? */
bool panvk_wants_family(const VkDeviceCreateInfo *info, uint32_t family);
/*
 * What the engine is to create: the universal queue, as the application asks
 * for it or else with what @fallback says.
 */
const VkDeviceQueueCreateInfo *
panvk_engine_queue_info(const VkDeviceCreateInfo *info,
                        const VkDeviceQueueCreateInfo *fallback);

#endif /* PANVK_QUEUE_FAMILY_H */
