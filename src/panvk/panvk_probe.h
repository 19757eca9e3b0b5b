/* SPDX-License-Identifier: MIT */
/*
 * The image probe: does this engine keep sparse residency images the way this
 * driver was written for? Nothing is taken from its version. A small image is
 * made on a private device; its descriptors must show where it lies; words
 * written there by the CPU must reach shaders and copies at the right texels;
 * bits flipped in its bitmap must turn up as residency codes; pages exchanged
 * behind the engine's back must show, and what a shader stores must land there.
 * See docs/images.md.
 *
 * PANSPARSE_PROBE_FAIL=1 in the environment makes it fail, for tests of what
 * the driver does without sparse residency images; =3D fails 3D images only.
 */
#ifndef PANVK_PROBE_H
#define PANVK_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* What a successful probe leaves behind. */
struct panvk_probe {
   size_t sampled_descriptor_size_B;
   bool images_3d; /* 3D images work as well */
};

/* panvk_probe_run() and panvk_probe_destroy() are in panvk_private.h. */

#endif /* PANVK_PROBE_H */
