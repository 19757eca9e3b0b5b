/* SPDX-License-Identifier: MIT */
/*
 * The picture on the megatexture: the topographic map of an invented country,
 * as a pure function of level and texel. No two tiles are alike: each has its
 * level, column and row written into its corner and a frame in the colour of
 * its level, and contour lines come closer the finer the level. So a tile in
 * the wrong place shows, and a program can tell too: landscape_texel() says
 * what any texel has to be, independently of how tiles are filled.
 *
 * All functions are pure apart from the seed, which landscape_seed() sets once
 * before any other call; they may then be called from any thread.
 */
#ifndef LANDSCAPE_H
#define LANDSCAPE_H

#include <stdint.h>

#define LANDSCAPE_SIZE 16384u /* texels across level 0 */
#define LANDSCAPE_LEVELS 15u
#define LANDSCAPE_TILE 128u /* texels across the tiles drawn on the map */

void landscape_seed(uint32_t seed);

/*
 * Elevation, in units of level-0 texels, at a place in units of level-0
 * texels. Detail finer than @level can show is left out. The sea is at 0, its
 * bed below.
 */
float landscape_height(unsigned level, float u, float v);

/* RGBA8, red in the lowest byte. @x, @y: inside the level. */
uint32_t landscape_texel(unsigned level, uint32_t x, uint32_t y);

/*
 * The same for a rectangle, faster: row-major into @rgba, @width texels a row.
 * Parts beyond the level's edge are filled as if the map went on.
 */
void landscape_fill(unsigned level, uint32_t x, uint32_t y, uint32_t width,
                    uint32_t height, uint32_t *rgba);

/* A texel without frames and labels, for pictures of the map. */
uint32_t landscape_ground(unsigned level, uint32_t x, uint32_t y);

/* The colour of a level's tile frames: RGBA8. */
uint32_t landscape_level_color(unsigned level);

#endif /* LANDSCAPE_H */
