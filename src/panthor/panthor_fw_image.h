/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The container that firmware comes in: a header, entries of several types,
 * and the data that some of them name. What counts here are the interface
 * entries: sections of the firmware's address space.
 *
 * Nothing in an image is trusted: whatever parse() accepts can be loaded.
 */
#ifndef PANTHOR_FW_IMAGE_H
#define PANTHOR_FW_IMAGE_H

#include <linux/bits.h>
#include <linux/types.h>

struct drm_device;

/*
 * Where firmware expects what is shared with it: the one shared section at its
 * beginning, and behind that what the driver puts there.
 */
#define PANTHOR_FW_SHARED_START 0x04000000u
#define PANTHOR_FW_SHARED_END 0x08000000u

/* More than real images have. */
#define PANTHOR_FW_MAX_SECTIONS 64

/* Flags of a section, as in the image. */
#define PANTHOR_FW_SECTION_RD BIT(0)
#define PANTHOR_FW_SECTION_WR BIT(1)
#define PANTHOR_FW_SECTION_EX BIT(2)
#define PANTHOR_FW_SECTION_CACHE_MODE(x) (((x)&GENMASK(4, 3)) >> 3)
#define PANTHOR_FW_CACHE_MODE_NONE 0
#define PANTHOR_FW_CACHE_MODE_CACHED 1
#define PANTHOR_FW_CACHE_MODE_UNCACHED_COHERENT 2
#define PANTHOR_FW_CACHE_MODE_CACHED_COHERENT 3
#define PANTHOR_FW_SECTION_PROT BIT(5)
#define PANTHOR_FW_SECTION_SHARED BIT(30)
#define PANTHOR_FW_SECTION_ZERO BIT(31)

struct panthor_fw_section {
	u32 flags;
	u32 va;
	u32 size;	  /* bytes, whole pages, not 0 */
	const void *data; /* what it begins with; inside the image */
	u32 data_size;	  /* bytes, at most size */
};

struct panthor_fw_image {
	u32 count;
	u32 shared; /* index of the shared section */
	struct panthor_fw_section sections[PANTHOR_FW_MAX_SECTIONS];
};

int panthor_fw_image_parse(struct drm_device *ddev, const void *data,
			   size_t size_B, struct panthor_fw_image *image);

#endif /* PANTHOR_FW_IMAGE_H */
