/* SPDX-License-Identifier: MIT */
#include "png_file.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

bool
png_file_write(const char *path, uint32_t width, uint32_t height,
               const uint32_t *rgba)
{
   png_image image = {
      .version = PNG_IMAGE_VERSION,
      .width = width,
      .height = height,
      .format = PNG_FORMAT_RGB,
   };
   uint8_t *rgb = malloc((size_t)width * height * 3);

   if (!rgb) {
      fprintf(stderr, "%s: out of memory\n", path);
      return false;
   }
   for (size_t i = 0; i < (size_t)width * height; i++) {
      rgb[3 * i + 0] = (uint8_t)rgba[i];
      rgb[3 * i + 1] = (uint8_t)(rgba[i] >> 8);
      rgb[3 * i + 2] = (uint8_t)(rgba[i] >> 16);
   }
   const bool ok = png_image_write_to_file(&image, path, 0, rgb, 0, NULL);

   if (!ok) {
      fprintf(stderr, "%s: %s\n", path, image.message);
      remove(path);
   }
   free(rgb);
   return ok;
}
