/* SPDX-License-Identifier: MIT */
/*
 * The landscape as a mesh with the megatexture on it, rendered off screen, and
 * the two buffers through which shaders and CPU talk about tiles: feedback
 * (what the picture wants) and residency (what it can have).
 */
#ifndef SCENE_H
#define SCENE_H

#include "camera.h"
#include "megatexture.h"
#include "vkh.h"

#define SCENE_CHUNKS 16 /* across; what is drawn or left out as a whole */

struct scene_chunk {
   float low[3], high[3];
};

/* What an exact rendering says of a pixel; level SCENE_NO_TEXEL: sky. */
struct scene_texel {
   uint32_t x, y, level, rgba;
};
#define SCENE_NO_TEXEL UINT32_MAX

struct scene {
   const struct vkh *vk;
   struct megatexture *tex;
   uint32_t width, height;
   bool uses_residency_codes; /* else the residency buffer */

   struct vkh_buffer vertices, indices;
   uint32_t index_count; /* of one chunk */
   struct scene_chunk chunks[SCENE_CHUNKS * SCENE_CHUNKS];

   struct vkh_image color, exact, depth;
   struct vkh_buffer layout; /* uniform: where which tile is */
   struct vkh_buffer feedback, feedback_host;
   struct vkh_buffer resident;
   uint32_t bitmap_size_B;
   uint32_t *bitmap; /* of the frame */

   VkDescriptorSetLayout set_layout;
   VkPipelineLayout pipeline_layout;
   VkDescriptorPool descriptor_pool;
   VkDescriptorSet set;
   VkPipeline sky, terrain, terrain_exact;
};

void scene_create(struct scene *scene, const struct vkh *vk,
                  struct megatexture *tex, uint32_t width, uint32_t height,
                  bool use_residency_codes);
/* The device must be idle. */
void scene_destroy(struct scene *scene);

/*
 * Uploads the tiles of the last megatexture_update(), renders a frame and waits
 * for it. Returns the feedback, valid until the next call: one bit a tile.
 */
const uint32_t *scene_render(struct scene *scene, const struct camera *camera,
                             uint32_t frame);
/* The last frame: width x height RGBA8 pixels, to be freed by the caller. */
uint32_t *scene_read_picture(const struct scene *scene);
/*
 * Renders without filtering and tells for each pixel which texel it shows:
 * width x height elements, to be freed by the caller.
 */
struct scene_texel *scene_render_exact(struct scene *scene,
                                       const struct camera *camera);

#endif /* SCENE_H */
