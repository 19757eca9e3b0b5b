/* SPDX-License-Identifier: MIT */
/* A flight over the landscape, and what its eye sees. */
#ifndef CAMERA_H
#define CAMERA_H

#include <stdbool.h>

/* Mountains are drawn higher than they are, as on most relief models. */
#define SCENE_STEEPNESS 1.4f

struct camera {
   float eye[3]; /* in texels of level 0; y is up */
   /*
    * Column-major; from places relative to the eye to clip space, with the
    * depth reversed: 1 at the near plane, 0 at infinity.
    */
   float clip_from_eye[16];
};

/* Where the flight is at @t, 0 to 1; @aspect: width by height. */
void camera_fly(struct camera *camera, float t, float aspect);

/* False if nothing of the box can be in the picture. */
bool camera_sees_box(const struct camera *camera, const float low[3],
                     const float high[3]);

#endif /* CAMERA_H */
