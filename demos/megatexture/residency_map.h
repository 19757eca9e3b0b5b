/* SPDX-License-Identifier: MIT */
#ifndef RESIDENCY_MAP_H
#define RESIDENCY_MAP_H

#include "megatexture.h"

/*
 * Draws which tile of which level is bound, as a mip pyramid: a bound tile
 * shows its part of the map in the colour of its level, an unbound one is dark.
 * Returns false, with the reason on stderr, when the file cannot be written.
 */
bool residency_map_write(const struct megatexture *tex, const char *path);

#endif /* RESIDENCY_MAP_H */
