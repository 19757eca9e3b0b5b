/* SPDX-License-Identifier: MIT */
/*
 * Compares what the GPU reads from the megatexture with what must be there:
 * landscape_texel() for bound tiles, no residency for the others, and zero
 * there where the device promises it (residencyNonResidentStrict).
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "scene.h"

#define VERIFY_MAX_REPORTS 10 /* wrong texels told one by one */

struct verify {
   const struct vkh *vk;
   struct megatexture *tex;
   bool uses_residency_codes;
   bool strict; /* unbound texels read as zero */
   uint32_t capacity; /* texels per round */
   struct vkh_buffer questions, answers;
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout pipeline_layout;
   VkDescriptorPool descriptor_pool;
   VkDescriptorSet set;
   VkPipeline pipeline;
   uint32_t random; /* state */

   /* since the start */
   uint64_t texels, pixels, wrong;
};

void verify_create(struct verify *verify, const struct vkh *vk,
                   struct megatexture *tex, bool use_residency_codes,
                   uint32_t seed);
/* The device must be idle. */
void verify_destroy(struct verify *verify);

/*
 * Fetches random texels of every bound tile and of the mip tail, and of as many
 * unbound tiles. Each wrong texel is counted and, the first few, described on
 * stderr.
 */
void verify_tiles(struct verify *verify);
/* Compares each pixel of an exact rendering with the texel that it shows. */
void verify_picture(struct verify *verify, const struct scene_texel *pixels,
                    uint32_t width, uint32_t height);

#endif /* VERIFY_H */
