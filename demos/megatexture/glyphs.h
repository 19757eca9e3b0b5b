/* SPDX-License-Identifier: MIT */
/* A bitmap font of 5 x 7 pixels: digits, capitals, a few signs. */
#ifndef GLYPHS_H
#define GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

#define GLYPH_WIDTH 5
#define GLYPH_HEIGHT 7
#define GLYPH_ADVANCE 6

/* Whether the pixel of @c is set; not outside the glyph nor for unknown @c. */
bool glyph_pixel(char c, int x, int y);

/* Draws @text with its upper left corner at x, y, each pixel @scale wide. */
void glyph_draw(uint32_t *rgba, int width, int height, int x, int y, int scale,
                uint32_t color, const char *text);

#endif /* GLYPHS_H */
