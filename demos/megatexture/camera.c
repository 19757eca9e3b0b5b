/* SPDX-License-Identifier: MIT */
#include "camera.h"
#include "landscape.h"

#include <math.h>

#define NEAR_PLANE 20.0f
#define TAN_HALF_FOV 0.50f /* of the height */
#define CLEARANCE 220.0f /* over the ground */
#define GROUND_LEVEL 6 /* hills finer than this do not lift the eye */

/* Waypoints of the eye and what it looks at, in fractions of the map. */
static const struct waypoint {
   float x, z, height; /* height in texels over the sea */
   float look_x, look_z, look_height;
} waypoints[] = {
   {0.02f, 0.02f, 4500.0f, 0.50f, 0.50f, 0.0f},
   {0.10f, 0.30f, 3000.0f, 0.45f, 0.50f, 100.0f},
   {0.22f, 0.60f, 2000.0f, 0.55f, 0.60f, 100.0f},
   {0.33f, 0.85f, 1600.0f, 0.62f, 0.55f, 0.0f},
   {0.45f, 0.96f, 1350.0f, 0.64f, 0.52f, -100.0f},
   {0.57f, 0.965f, 1250.0f, 0.62f, 0.60f, -150.0f},
};

#define WAYPOINTS ((int)(sizeof(waypoints) / sizeof(waypoints[0])))

static float
spline(float a, float b, float c, float d, float t)
{
   return 0.5f * (2.0f * b + (c - a) * t +
                  (2.0f * a - 5.0f * b + 4.0f * c - d) * t * t +
                  (3.0f * (b - c) + d - a) * t * t * t);
}

static const struct waypoint *
waypoint(int i)
{
   return &waypoints[i < 0 ? 0 : i >= WAYPOINTS ? WAYPOINTS - 1 : i];
}

static void
normalize(float v[3])
{
   const float length = sqrtf(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

   for (int i = 0; i < 3; i++)
      v[i] /= length;
}

static void
cross(const float a[3], const float b[3], float out[3])
{
   out[0] = a[1] * b[2] - a[2] * b[1];
   out[1] = a[2] * b[0] - a[0] * b[2];
   out[2] = a[0] * b[1] - a[1] * b[0];
}

static void
look(struct camera *camera, const float target[3], float aspect)
{
   const float up[3] = {0.0f, 1.0f, 0.0f};
   float forward[3], right[3], above[3];
   float *m = camera->clip_from_eye;

   for (int i = 0; i < 3; i++)
      forward[i] = target[i] - camera->eye[i];
   normalize(forward);
   cross(forward, up, right);
   normalize(right);
   cross(right, forward, above);
   for (int i = 0; i < 3; i++) {
      m[4 * i + 0] = right[i] / (TAN_HALF_FOV * aspect);
      m[4 * i + 1] = -above[i] / TAN_HALF_FOV;
      m[4 * i + 2] = 0.0f;
      m[4 * i + 3] = forward[i];
   }
   m[12] = m[13] = m[15] = 0.0f;
   m[14] = NEAR_PLANE;
}

void
camera_fly(struct camera *camera, float t, float aspect)
{
   /* Slower towards the end, so that the last picture is complete. */
   const float eased = 1.0f - powf(1.0f - t, 1.6f);
   const float at = eased * (float)(WAYPOINTS - 1);
   const int i = (int)at < WAYPOINTS - 2 ? (int)at : WAYPOINTS - 2;
   const float f = at - (float)i;
   const struct waypoint *a = waypoint(i - 1), *b = waypoint(i);
   const struct waypoint *c = waypoint(i + 1), *d = waypoint(i + 2);
   const float size = (float)LANDSCAPE_SIZE;
   float target[3];

   camera->eye[0] = size * spline(a->x, b->x, c->x, d->x, f);
   camera->eye[1] = spline(a->height, b->height, c->height, d->height, f);
   camera->eye[2] = size * spline(a->z, b->z, c->z, d->z, f);
   target[0] = size * spline(a->look_x, b->look_x, c->look_x, d->look_x, f);
   target[1] = spline(a->look_height, b->look_height, c->look_height,
                      d->look_height, f);
   target[2] = size * spline(a->look_z, b->look_z, c->look_z, d->look_z, f);

   /* Other seeds have their mountains elsewhere. */
   const float ground =
      landscape_height(GROUND_LEVEL, camera->eye[0], camera->eye[2]);

   camera->eye[1] = fmaxf(camera->eye[1],
                          SCENE_STEEPNESS * fmaxf(ground, 0.0f) + CLEARANCE);
   look(camera, target, aspect);
}

bool
camera_sees_box(const struct camera *camera, const float low[3],
                const float high[3])
{
   const float *m = camera->clip_from_eye;
   unsigned outside = 0x1f; /* planes that all corners are behind */

   for (int corner = 0; corner < 8; corner++) {
      float p[3], clip[4];

      for (int i = 0; i < 3; i++)
         p[i] = (corner >> i & 1 ? high[i] : low[i]) - camera->eye[i];
      for (int i = 0; i < 4; i++)
         clip[i] = m[i] * p[0] + m[4 + i] * p[1] + m[8 + i] * p[2] + m[12 + i];
      outside &= (unsigned)(clip[0] > clip[3]) << 0 |
                 (unsigned)(clip[0] < -clip[3]) << 1 |
                 (unsigned)(clip[1] > clip[3]) << 2 |
                 (unsigned)(clip[1] < -clip[3]) << 3 |
                 (unsigned)(clip[3] < NEAR_PLANE) << 4;
   }
   return outside == 0;
}
