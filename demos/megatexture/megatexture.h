/* SPDX-License-Identifier: MIT */
/*
 * The sparse texture: a residency image of which only a small part has memory,
 * filled with the landscape. One vkQueueBindSparse call a frame.
 */
#ifndef MEGATEXTURE_H
#define MEGATEXTURE_H

#include "residency.h"
#include "vkh.h"

/* Tiles bound and filled in one frame, at most: more would delay the frame. */
#define MEGATEXTURE_FRAME_BINDS 48

struct megatexture {
   const struct vkh *vk;
   VkImage image;
   VkImageView view;
   VkSampler sampler; /* bilinear in the nearest level */
   VkDeviceMemory pool;
   VkDeviceSize page_size_B;
   uint32_t tile_width, tile_height;
   uint32_t tail_first_level; /* LANDSCAPE_LEVELS: there is no mip tail */
   VkDeviceSize tail_size_B;
   VkDeviceSize bound_limit_B; /* memory of the pool */

   struct residency residency;
   struct vkh_buffer staging;
   struct residency_bind *plan;
   uint32_t plan_count;

   /*
    * Binds and rendering take turns on one timeline: a bind waits for the
    * rendering before it, which may still read what is evicted.
    */
   VkSemaphore timeline;
   uint64_t timeline_value; /* reached when all submitted so far is done */

   bool sabotage; /* bind one tile of the next update to another's page */

   /* since the start */
   uint64_t bind_calls, binds, tiles_filled;
   double fill_seconds, bind_seconds;
};

/*
 * Creates the image and binds the coarsest levels, which stay. Returns false,
 * with the reason on stderr, if @budget_B does not hold them or the device
 * cannot have such an image: nothing is left then.
 */
bool megatexture_create(struct megatexture *tex, const struct vkh *vk,
                        VkDeviceSize budget_B);
/* The device must be idle. */
void megatexture_destroy(struct megatexture *tex);

/*
 * Binds what the bits in @requests lack, evicting other tiles, and fills the
 * staging buffer. @frame counts up from 1. The queue must have finished the
 * copies of the previous frame. Returns how many tiles that were.
 */
uint32_t megatexture_update(struct megatexture *tex, const uint32_t *requests,
                            uint32_t frame);
/* Records the copies of what was bound by the last update. */
void megatexture_upload(const struct megatexture *tex, VkCommandBuffer cmd);
/* Submits @cmd behind all binds and waits for it; frees it. */
void megatexture_submit_and_wait(struct megatexture *tex, VkCommandBuffer cmd);

#endif /* MEGATEXTURE_H */
