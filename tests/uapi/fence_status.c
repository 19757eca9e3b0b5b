/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The one file of these tests that sees kernel headers. */
#include <linux/errno.h>
#include <linux/sync_file.h>

#include "fence_status.h"

int
fence_status(int sync_file)
{
   struct dma_fence *fence = sync_file_get_fence(sync_file);
   int status;

   if (!fence)
      return -EBADF;

   status = dma_fence_get_status(fence);
   dma_fence_put(fence);
   return status;
}
