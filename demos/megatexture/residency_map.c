/* SPDX-License-Identifier: MIT */
#include "residency_map.h"
#include "glyphs.h"
#include "landscape.h"
#include "png_file.h"

#include <stdio.h>

#define MARGIN 24
#define TITLE 22 /* height of a line of text with its space */
#define FINEST 768 /* pixels across level 0 */
#define WIDTH (FINEST + FINEST / 2 + 3 * MARGIN)
#define HEIGHT (FINEST + 2 * MARGIN + TITLE)
#define BACKGROUND 0xff1c1816u
#define INK 0xffe8e4e0u
#define SMALLEST_DRAWN 12 /* pixels across a level */

static uint32_t
mix_colors(uint32_t a, uint32_t b, unsigned b_percent)
{
   uint32_t out = 0xff000000u;

   for (int shift = 0; shift < 24; shift += 8) {
      const unsigned x = a >> shift & 0xff, y = b >> shift & 0xff;

      out |= (x * (100 - b_percent) + y * b_percent) / 100 << shift;
   }
   return out;
}

/* A dark grey of about the same brightness: what is not bound. */
static uint32_t
dimmed(uint32_t color)
{
   const uint32_t grey =
      ((color & 0xff) * 3 + (color >> 8 & 0xff) * 6 + (color >> 16 & 0xff)) /
      10;

   return mix_colors(BACKGROUND, grey * 0x010101u, 22);
}

/* The pixel x, y of a level drawn @across pixels wide. */
static uint32_t
map_pixel(const struct megatexture *tex, uint32_t level, uint32_t across,
          uint32_t x, uint32_t y)
{
   const struct residency_level *l = &tex->residency.levels[level];
   const uint32_t tile = l->first + y * l->rows / across * l->columns +
                         x * l->columns / across;
   const uint32_t width = across / l->columns, height = across / l->rows;
   uint32_t shown = level;

   /* The level that has about a texel for each pixel. */
   while ((LANDSCAPE_SIZE >> shown) > across)
      shown++;

   const uint32_t texels = LANDSCAPE_SIZE >> shown;
   const uint32_t color =
      landscape_ground(shown, x * texels / across, y * texels / across);

   if (!residency_is_bound(&tex->residency, tile))
      return dimmed(color);
   if (width >= 4 && height >= 4 && (x % width == 0 || y % height == 0))
      return landscape_level_color(level);
   return mix_colors(color, landscape_level_color(level), 30);
}

static void
draw_level(const struct megatexture *tex, uint32_t *rgba, uint32_t level,
           int left, int top, int across)
{
   const struct residency_level *l = &tex->residency.levels[level];
   const uint32_t tiles = l->columns * l->rows;
   uint32_t bound = 0;
   char text[64];

   for (uint32_t i = 0; i < tiles; i++)
      bound += residency_is_bound(&tex->residency, l->first + i);
   if (across >= FINEST / 2)
      snprintf(text, sizeof(text), "LEVEL %u: %u OF %u TILES", level, bound,
               tiles);
   else
      snprintf(text, sizeof(text), "%u: %u/%u", level, bound, tiles);
   glyph_draw(rgba, WIDTH, HEIGHT, left, top, across >= FINEST / 4 ? 2 : 1,
              mix_colors(landscape_level_color(level), INK, 45), text);
   /* Small titles stand lower, next to what they are about. */
   top += across >= FINEST / 4 ? TITLE : TITLE / 2;
   for (int y = 0; y < across; y++) {
      for (int x = 0; x < across; x++)
         rgba[(top + y) * WIDTH + left + x] = map_pixel(
            tex, level, (uint32_t)across, (uint32_t)x, (uint32_t)y);
   }
}

/* Levels 0 and 1 side by side, 2 below 1, and the others right of 2. */
static void
draw_levels(const struct megatexture *tex, uint32_t *rgba)
{
   const int right = FINEST + 2 * MARGIN;
   const int below = MARGIN + FINEST / 2 + TITLE + MARGIN;
   int top = below, across = FINEST / 8;

   draw_level(tex, rgba, 0, MARGIN, MARGIN, FINEST);
   if (tex->residency.level_count > 1)
      draw_level(tex, rgba, 1, right, MARGIN, FINEST / 2);
   if (tex->residency.level_count > 2)
      draw_level(tex, rgba, 2, right, below, FINEST / 4);
   for (uint32_t level = 3;
        level < tex->residency.level_count && across >= SMALLEST_DRAWN;
        level++) {
      draw_level(tex, rgba, level, right + FINEST / 4 + MARGIN, top, across);
      top += across + TITLE;
      across /= 2;
   }
}

static void
draw_legend(const struct megatexture *tex, uint32_t *rgba)
{
   const struct residency *res = &tex->residency;
   const uint32_t bound = res->page_count - res->free_count;
   const int left = FINEST + 2 * MARGIN;
   int top = HEIGHT - MARGIN - 3 * TITLE;
   char text[64];

   snprintf(text, sizeof(text), "BOUND: %u OF %u TILES", bound,
            res->tile_count);
   glyph_draw(rgba, WIDTH, HEIGHT, left, top, 2, INK, text);
   snprintf(text, sizeof(text), "%.1f OF %.1f MIB",
            ((double)bound * (double)tex->page_size_B +
             (double)tex->tail_size_B) / 0x1p20,
            ((double)res->tile_count * (double)tex->page_size_B +
             (double)tex->tail_size_B) / 0x1p20);
   glyph_draw(rgba, WIDTH, HEIGHT, left, top + TITLE, 2, INK, text);
   glyph_draw(rgba, WIDTH, HEIGHT, left, top + 2 * TITLE, 2,
              mix_colors(BACKGROUND, INK, 50), "GREY: NOT BOUND");
}

bool
residency_map_write(const struct megatexture *tex, const char *path)
{
   uint32_t *rgba = vkh_calloc(WIDTH * HEIGHT, sizeof(uint32_t));
   bool ok;

   for (int i = 0; i < WIDTH * HEIGHT; i++)
      rgba[i] = BACKGROUND;
   draw_levels(tex, rgba);
   draw_legend(tex, rgba);
   ok = png_file_write(path, WIDTH, HEIGHT, rgba);
   free(rgba);
   return ok;
}
