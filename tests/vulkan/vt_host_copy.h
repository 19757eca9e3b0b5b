/* SPDX-License-Identifier: MIT */
/*
 * Copies by VK_EXT_host_image_copy to, from and between images, and what they
 * should do. Images are in layout GENERAL.
 */
#ifndef VT_HOST_COPY_H
#define VT_HOST_COPY_H

#include "vt_host_compat.h"
#include "vt_texels.h"

/* Of the images. */
#define VT_HOST_USAGE                                                          \
   (VK_IMAGE_USAGE_HOST_TRANSFER_BIT_EXT | VK_IMAGE_USAGE_SAMPLED_BIT |        \
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT)

/* A cmocka group fixture: vt_group_setup() with the extension. */
int vt_host_setup(void **state);

/* Whether the device has such images with host copies. */
bool vt_host_supported(const struct vt_texels_info *info, enum vt_kind kind);
/* Bound as @wanted says and filled. */
void vt_host_create(const struct vt_texels_info *info, enum vt_kind kind,
                    bool (*wanted)(uint32_t number, bool is_tail),
                    uint32_t seed, struct vt_texels *texels_out);

/* Writes the pattern of @seed. Any thread may, to images of its own. */
void vt_host_write(struct vt_texels *texels, const struct vt_region *region,
                   uint32_t seed);
/* Notes that the region holds the pattern of @seed, as if it had been written.
 */
void vt_host_expect(struct vt_texels *texels, const struct vt_region *region,
                    uint32_t seed);
/* Reads a region, and fails unless it is as expected. */
void vt_host_check(struct vt_texels *texels, const struct vt_region *region);
/* The same for everything, by the host and by the device. */
void vt_host_check_all(struct vt_texels *texels);

/* From image to image; the regions have one size. */
struct vt_host_copy {
   struct vt_texels *from;
   struct vt_region source, target;
};
void vt_host_copy_image(const struct vt_host_copy *copy, struct vt_texels *to,
                        VkHostImageCopyFlagsEXT flags);
/*
 * From image to memory and on to another image of the same parameters, with the
 * MEMCPY flag. @region: all of one layer of a level.
 */
void vt_host_memcpy(struct vt_texels *from, struct vt_texels *to,
                    const struct vt_region *region);

#endif /* VT_HOST_COPY_H */
