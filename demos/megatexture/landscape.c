/* SPDX-License-Identifier: MIT */
#include "landscape.h"
#include "glyphs.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_PERIOD 5200.0f /* texels, of the coarsest hills */
#define OCTAVES 11
#define RELIEF 3400.0f /* texels, from the sea bed to the highest peaks */
#define SEA 0.455f /* of the relief */

static uint32_t seed_bits;

void
landscape_seed(uint32_t seed)
{
   seed_bits = seed * 0x9e3779b9u;
}

/* ----------------------------------------------------------------- noise -- */

static inline uint32_t
mix(uint32_t x)
{
   x ^= x >> 16;
   x *= 0x7feb352du;
   x ^= x >> 15;
   x *= 0x846ca68bu;
   x ^= x >> 16;
   return x;
}

/* A value in [0, 1) for each point of an integer grid. */
static inline float
grid_value(int32_t x, int32_t y, uint32_t salt)
{
   const uint32_t bits = mix((uint32_t)x * 0x1b873593u ^
                             mix((uint32_t)y * 0x68bc21ebu ^ salt ^ seed_bits));

   return (float)(bits >> 8) * 0x1p-24f;
}

/* floorf() is a call on x86-64 as the compiler must assume it. */
static inline int32_t
floor_int(float x)
{
   const int32_t i = (int32_t)x;

   return i - ((float)i > x);
}

struct noise {
   float value, dx, dy;
};

/* Value noise in [0, 1) with its derivatives; smooth to the second order. */
static inline struct noise
value_noise(float x, float y, uint32_t salt)
{
   const int32_t ix = floor_int(x), iy = floor_int(y);
   const float tx = x - (float)ix, ty = y - (float)iy;
   const float ux = tx * tx * tx * (tx * (tx * 6.0f - 15.0f) + 10.0f);
   const float uy = ty * ty * ty * (ty * (ty * 6.0f - 15.0f) + 10.0f);
   const float dux = 30.0f * tx * tx * (tx * (tx - 2.0f) + 1.0f);
   const float duy = 30.0f * ty * ty * (ty * (ty - 2.0f) + 1.0f);
   const float a = grid_value(ix, iy, salt);
   const float b = grid_value(ix + 1, iy, salt);
   const float c = grid_value(ix, iy + 1, salt);
   const float d = grid_value(ix + 1, iy + 1, salt);
   const float k = a - b - c + d;

   return (struct noise){
      .value = a + (b - a) * ux + (c - a) * uy + k * ux * uy,
      .dx = dux * ((b - a) + k * uy),
      .dy = duy * ((c - a) + k * ux),
   };
}

static inline float
smooth(float from, float to, float x)
{
   const float t = fminf(fmaxf((x - from) / (to - from), 0.0f), 1.0f);

   return t * t * (3.0f - 2.0f * t);
}

/*
 * Octaves of noise, each weighed down where the ones before are steep: ridges
 * stay sharp and valleys smooth, much as rain leaves them. Each octave turns
 * the grid, so that its axes do not show.
 *
 * Not inlined: wherever it is called from, the same code must round the same
 * way, for landscape_fill() and landscape_texel() to agree to the last bit.
 */
__attribute__((noinline)) float
landscape_height(unsigned level, float u, float v)
{
   const float texel = (float)(1u << level);
   float x = u / FIRST_PERIOD + 11.7f, y = v / FIRST_PERIOD + 3.1f;
   float period = FIRST_PERIOD, weight = 0.66f, sum = 0.0f;
   float slope_x = 0.0f, slope_y = 0.0f;

   for (unsigned i = 0; i < OCTAVES; i++) {
      /* Octaves near the texel size fade out, so that levels agree. */
      const float visible = smooth(2.0f, 5.0f, period / texel);

      if (visible <= 0.0f)
         break;

      const struct noise n = value_noise(x, y, i);

      slope_x += n.dx * visible;
      slope_y += n.dy * visible;
      sum += weight * (n.value - 0.5f) * visible /
             (1.0f + 0.55f * (slope_x * slope_x + slope_y * slope_y));
      weight *= 0.5f;
      period *= 0.5f;

      const float turned_x = 1.6f * x - 1.2f * y;
      const float turned_y = 1.2f * x + 1.6f * y;

      x = turned_x;
      y = turned_y;
   }

   /* An island: the land sinks into the sea towards the map's edges. */
   const float half = 0.5f * (float)LANDSCAPE_SIZE;
   const float ex = fabsf(u - half) / half, ey = fabsf(v - half) / half;
   const float edge = fmaxf(ex, ey) * 0.6f + 0.4f * sqrtf(ex * ex + ey * ey);

   sum += 0.5f - 0.45f * smooth(0.55f, 1.05f, edge);
   return (sum - SEA) * RELIEF;
}

/* --------------------------------------------------------------- colours -- */

struct color {
   float r, g, b;
};

static inline struct color
blend(struct color a, struct color b, float t)
{
   return (struct color){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t,
                         a.b + (b.b - a.b) * t};
}

static inline struct color
scale(struct color a, float f)
{
   return (struct color){a.r * f, a.g * f, a.b * f};
}

static uint32_t
pack(struct color c)
{
   const uint32_t r = (uint32_t)(fminf(fmaxf(c.r, 0.0f), 1.0f) * 255.0f + 0.5f);
   const uint32_t g = (uint32_t)(fminf(fmaxf(c.g, 0.0f), 1.0f) * 255.0f + 0.5f);
   const uint32_t b = (uint32_t)(fminf(fmaxf(c.b, 0.0f), 1.0f) * 255.0f + 0.5f);

   return r | g << 8 | b << 16 | 0xff000000u;
}

static const struct color level_colors[] = {
   {0.90f, 0.22f, 0.20f}, {0.96f, 0.56f, 0.12f}, {0.98f, 0.85f, 0.20f},
   {0.36f, 0.75f, 0.30f}, {0.10f, 0.66f, 0.68f}, {0.20f, 0.42f, 0.88f},
   {0.50f, 0.30f, 0.82f}, {0.82f, 0.34f, 0.70f}, {0.55f, 0.55f, 0.58f},
};

static struct color
level_color(unsigned level)
{
   const unsigned last = sizeof(level_colors) / sizeof(level_colors[0]) - 1;

   return level_colors[level < last ? level : last];
}

uint32_t
landscape_level_color(unsigned level)
{
   return pack(level_color(level));
}

/* Elevation tints, as on a printed map. */
static struct color
land_tint(float height)
{
   static const struct {
      float height;
      struct color color;
   } stops[] = {
      {0.0f, {0.93f, 0.89f, 0.70f}},    {14.0f, {0.64f, 0.77f, 0.47f}},
      {150.0f, {0.52f, 0.70f, 0.40f}},  {330.0f, {0.78f, 0.80f, 0.50f}},
      {520.0f, {0.86f, 0.74f, 0.48f}},  {720.0f, {0.70f, 0.54f, 0.38f}},
      {900.0f, {0.62f, 0.56f, 0.52f}},  {1020.0f, {0.93f, 0.94f, 0.96f}},
      {1400.0f, {1.00f, 1.00f, 1.00f}},
   };
   const unsigned count = sizeof(stops) / sizeof(stops[0]);
   unsigned i = 1;

   while (i < count - 1 && height > stops[i].height)
      i++;

   const float t = (height - stops[i - 1].height) /
                   (stops[i].height - stops[i - 1].height);

   return blend(stops[i - 1].color, stops[i].color,
                fminf(fmaxf(t, 0.0f), 1.0f));
}

static struct color
sea_tint(float depth)
{
   const struct color shallow = {0.60f, 0.80f, 0.86f};
   const struct color deep = {0.13f, 0.33f, 0.55f};

   return blend(shallow, deep, 1.0f - expf(-depth / 220.0f));
}

/* How much of the texel a contour line at multiples of @interval covers. */
static float
contour(float height, float interval, float slope, float width)
{
   const float nearest =
      (float)floor_int(height / interval + 0.5f) * interval;
   const float distance = fabsf(height - nearest) / fmaxf(slope, 1e-3f);

   return fminf(fmaxf(width + 0.5f - distance, 0.0f), 1.0f);
}

/* The number of digits that a tile column or row can have, and the text. */
#define LABEL_LENGTH 16

/* Whether the tile's label covers this pixel of the tile. */
static bool
label_pixel(const char *label, int x, int y)
{
   if (y < 0 || y >= GLYPH_HEIGHT || x < 0)
      return false;
   for (int i = 0; label[i]; i++) {
      if (x < (i + 1) * GLYPH_ADVANCE)
         return glyph_pixel(label[i], x - i * GLYPH_ADVANCE, y);
   }
   return false;
}

static void
make_label(char label[LABEL_LENGTH], unsigned level, uint32_t x, uint32_t y)
{
   if ((LANDSCAPE_SIZE >> level) >= LANDSCAPE_TILE)
      snprintf(label, LABEL_LENGTH, "%u:%u,%u", level % 16,
               x / LANDSCAPE_TILE % 1000, y / LANDSCAPE_TILE % 1000);
   else
      label[0] = '\0';
}

/* The frame of a tile and its label, over the map. */
static struct color
overprint(struct color map, unsigned level, uint32_t x, uint32_t y,
          const char *label)
{
   const struct color tint = level_color(level);
   const struct color paper = {1.0f, 1.0f, 1.0f};
   const int tx = (int)(x % LANDSCAPE_TILE), ty = (int)(y % LANDSCAPE_TILE);
   const int last = (int)LANDSCAPE_TILE - 1;
   const int text_x = tx - 5, text_y = ty - 5;

   map = blend(map, tint, 0.07f);
   if ((LANDSCAPE_SIZE >> level) < LANDSCAPE_TILE)
      return map;
   if (tx == 0 || ty == 0)
      return blend(map, tint, 0.75f);
   if (tx == last || ty == last)
      return blend(map, paper, 0.25f);
   if (text_x < -1 || text_y < -1 || text_y > GLYPH_HEIGHT ||
       text_x > LABEL_LENGTH * GLYPH_ADVANCE)
      return map;
   if (label_pixel(label, text_x, text_y))
      return scale(tint, 0.45f);
   /* A halo keeps the digits legible on dark ground. */
   for (int dy = -1; dy <= 1; dy++) {
      for (int dx = -1; dx <= 1; dx++) {
         if (label_pixel(label, text_x + dx, text_y + dy))
            return blend(map, paper, 0.75f);
      }
   }
   return map;
}

/*
 * The ground from the elevations of a texel's centre and of the centres of its
 * right and lower neighbours.
 */
static inline struct color
ground_color(unsigned level, float here, float right, float below)
{
   const float texel = (float)(1u << level);
   const float gx = (right - here) / texel, gy = (below - here) / texel;
   const float slope = sqrtf(gx * gx + gy * gy);
   /* Light from the north-west, 45 degrees above the horizon. */
   const float light =
      (0.5f * (gx + gy) + 0.7071f) / sqrtf(1.0f + slope * slope);
   const bool lines = level < 6; /* coarser levels would be all lines */
   const float interval = (here > 0.0f ? 16.0f : 40.0f) * texel;
   struct color c;

   if (here > 0.0f) {
      const struct color rock = {0.58f, 0.53f, 0.48f};
      const struct color ink = {0.36f, 0.24f, 0.14f};

      c = land_tint(here);
      c = blend(c, rock, 0.75f * smooth(0.55f, 1.1f, slope));
      c = scale(c, 0.42f + 0.82f * fmaxf(light, 0.0f));
      if (lines) {
         const float thin = contour(here, interval, slope * texel, 0.35f);
         const float thick =
            contour(here, interval * 5.0f, slope * texel, 0.9f);

         c = blend(c, ink, fmaxf(thin * 0.30f, thick * 0.50f));
      }
   } else {
      const struct color foam = {1.0f, 1.0f, 1.0f};

      c = scale(sea_tint(-here), 0.88f + 0.17f * light);
      if (lines)
         c = blend(c, foam,
                   0.35f * contour(here, interval, slope * texel, 0.3f));
   }
   return c;
}

/* The whole of a texel. Not inlined: see landscape_height(). */
__attribute__((noinline)) static uint32_t
texel_color(unsigned level, uint32_t x, uint32_t y, float here, float right,
            float below, const char *label)
{
   return pack(overprint(ground_color(level, here, right, below), level, x, y,
                         label));
}

uint32_t
landscape_texel(unsigned level, uint32_t x, uint32_t y)
{
   const float texel = (float)(1u << level);
   const float u = ((float)x + 0.5f) * texel, v = ((float)y + 0.5f) * texel;
   char label[LABEL_LENGTH];

   make_label(label, level, x, y);
   return texel_color(level, x, y, landscape_height(level, u, v),
                      landscape_height(level, u + texel, v),
                      landscape_height(level, u, v + texel), label);
}

uint32_t
landscape_ground(unsigned level, uint32_t x, uint32_t y)
{
   const float texel = (float)(1u << level);
   const float u = ((float)x + 0.5f) * texel, v = ((float)y + 0.5f) * texel;

   return pack(ground_color(level, landscape_height(level, u, v),
                            landscape_height(level, u + texel, v),
                            landscape_height(level, u, v + texel)));
}

void
landscape_fill(unsigned level, uint32_t x, uint32_t y, uint32_t width,
               uint32_t height, uint32_t *rgba)
{
   const float texel = (float)(1u << level);
   const uint32_t stride = width + 1;
   float *heights = malloc(sizeof(*heights) * stride * (height + 1));
   char label[LABEL_LENGTH];

   if (!heights)
      abort();
   for (uint32_t j = 0; j <= height; j++) {
      for (uint32_t i = 0; i <= width; i++) {
         heights[j * stride + i] =
            landscape_height(level, ((float)(x + i) + 0.5f) * texel,
                             ((float)(y + j) + 0.5f) * texel);
      }
   }
   for (uint32_t j = 0; j < height; j++) {
      for (uint32_t i = 0; i < width; i++) {
         const float *h = &heights[j * stride + i];

         if (i == 0 || (x + i) % LANDSCAPE_TILE == 0)
            make_label(label, level, x + i, y + j);
         rgba[j * width + i] = texel_color(level, x + i, y + j, h[0], h[1],
                                           h[stride], label);
      }
   }
   free(heights);
}
