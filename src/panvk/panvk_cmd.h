/* SPDX-License-Identifier: MIT */
/*
 * Command buffers. They are the engine's; what this driver needs to know of one
 * while commands are recorded lies beside it.
 *
 * Locking: a command buffer and its pool are externally synchronised, so one
 * thread at a time uses a struct panvk_cmd.
 */
#ifndef PANVK_CMD_H
#define PANVK_CMD_H

#include "panvk_private.h"

struct panvk_cmd {
   VkCommandBuffer handle;
   struct panvk_device *dev;
   struct panvk_cmd *next, **prev; /* in the pool's list */
   /* What vkEndCommandBuffer returns instead of success. */
   VkResult result;
   bool in_render_pass; /* or was begun to continue one */
   /* The render pass instance that began, if it needs copies at its end. */
   struct panvk_render *render;
};

/*
 * The command buffer's own, never NULL for a handle that came from this driver.
 * Any thread; some 40 ns, or 4 where this thread asked for the same one last.
 */
struct panvk_cmd *panvk_cmd_from_handle(VkCommandBuffer handle);
/* Its device. The same cost. */
struct panvk_device *panvk_device_of_cmd(VkCommandBuffer handle);

/*
 * Notes that a command could not be recorded: vkEndCommandBuffer returns the
 * first error. VK_ERROR_OUT_OF_HOST_MEMORY or _DEVICE_MEMORY.
 */
void panvk_cmd_set_error(struct panvk_cmd *cmd, VkResult result);

/* Frees what is left of pools that the application did not destroy. */
void panvk_cmd_finish_device(struct panvk_device *dev);

#endif /* PANVK_CMD_H */
