/* SPDX-License-Identifier: MIT */
#ifndef PNG_FILE_H
#define PNG_FILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes RGBA8 pixels (red in the lowest byte; alpha is left out) as a PNG.
 * Returns false, with the reason on stderr and no file left, when it could not.
 */
bool png_file_write(const char *path, uint32_t width, uint32_t height,
                    const uint32_t *rgba);

#endif /* PNG_FILE_H */
