/* SPDX-License-Identifier: MIT */
/* The engine's residency bits, which follow the binds. See panvk_image.h. */
#include "panvk_image.h"

/* Words are shared with other tiles, at which shaders may look meanwhile. */
static void
set_bits(uint32_t *words, uint64_t first, uint64_t count, bool value)
{
   while (count) {
      uint32_t bit = first % 32;
      uint32_t n = PANVK_MIN(count, 32 - bit);
      uint32_t mask = (uint32_t)(((1ull << n) - 1) << bit);

      if (value)
         __atomic_fetch_or(&words[first / 32], mask, __ATOMIC_RELEASE);
      else
         __atomic_fetch_and(&words[first / 32], ~mask, __ATOMIC_RELEASE);
      first += n;
      count -= n;
   }
}

/* A tile of the tail is resident when all blocks are that it has pages in. */
static bool
tail_part_is_bound(const struct panvk_image *image, uint32_t layer,
                   struct panvk_tail_part part)
{
   const struct panvk_layout *layout = &image->layout;
   const bool *bound = &image->tail_bound[layer * layout->tail_blocks];
   uint64_t start_B = part.offset_B - layout->tail_offset_B;
   uint64_t last = (start_B + part.size_B - 1) >> PANVK_TILE_SHIFT;

   for (uint64_t block = start_B >> PANVK_TILE_SHIFT; block <= last; block++) {
      if (!bound[block])
         return false;
   }
   return true;
}

/* Makes the bits of a layer's tail what tail_bound says. */
static void
update_tail(struct panvk_image *image, uint32_t layer)
{
   const struct panvk_layout *layout = &image->layout;

   for (uint32_t l = layout->tail_first; l < layout->levels; l++) {
      const struct panvk_layout_level *level = &layout->level[l];
      uint32_t tiles = level->tiles_x * level->tiles_y * level->tiles_z;
      uint64_t first =
         panvk_layout_engine_offset(layout, l, layer) >> PANVK_TILE_SHIFT;

      for (uint32_t i = 0; i < tiles; i++) {
         uint32_t row = i / level->tiles_x;
         struct panvk_tail_part part =
            panvk_layout_tail_part(layout, l, i % level->tiles_x,
                                   row % level->tiles_y, row / level->tiles_y);

         set_bits(image->engine.residency, first + i, 1,
                  tail_part_is_bound(image, layer, part));
      }
   }
}

/* [first, first + count): numbers of panvk_layout_tail_block(), less its base.
 */
static void
change_tails(struct panvk_image *image, uint32_t first, uint32_t count,
             bool resident)
{
   uint32_t blocks = image->layout.tail_blocks;

   for (uint32_t i = first; i < first + count; i++)
      image->tail_bound[i] = resident;
   for (uint32_t layer = first / blocks; layer <= (first + count - 1) / blocks;
        layer++)
      update_tail(image, layer);
}

void
panvk_image_apply_residency(struct panvk_device *dev,
                            const struct panvk_residency_change *changes,
                            uint32_t count, bool resident)
{
   for (uint32_t i = 0; i < count; i++) {
      const struct panvk_residency_change *change = &changes[i];
      struct panvk_image *image = change->image;
      uint32_t tiles =
         (uint32_t)(image->layout.engine_size_B >> PANVK_TILE_SHIFT);
      uint32_t first = change->first_tile, n = change->tile_count;

      if (change->resident != resident)
         continue;
      if (first < tiles) {
         uint32_t before_tails = PANVK_MIN(n, tiles - first);

         set_bits(image->engine.residency, first, before_tails, resident);
         first += before_tails;
         n -= before_tails;
      }
      if (n)
         change_tails(image, first - tiles, n, resident);
   }
}
