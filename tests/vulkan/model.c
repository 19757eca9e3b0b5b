/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
allocate(size_t count, size_t size_B)
{
   void *memory = calloc(count ? count : 1, size_B);

   if (!memory) {
      fprintf(stderr, "no memory for the model\n");
      abort();
   }
   return memory;
}

struct model_bytes
model_bytes_create(size_t size_B)
{
   struct model_bytes bytes = {
      .value = allocate(size_B, 1),
      .known = allocate(size_B, 1),
      .size_B = size_B,
   };

   memset(bytes.known, 0xff, size_B);
   return bytes;
}

void
model_bytes_destroy(struct model_bytes *bytes)
{
   free(bytes->value);
   free(bytes->known);
   *bytes = (struct model_bytes){0};
}

void
model_memory_init(struct model_memory *memory, uint32_t block_count)
{
   memory->blocks = allocate(block_count, sizeof(*memory->blocks));
   memory->block_count = block_count;
}

void
model_memory_finish(struct model_memory *memory)
{
   free(memory->blocks);
   *memory = (struct model_memory){0};
}

/* -------------------------------------------------------------- geometry -- */

static void
init_levels(struct model_resource *res, const struct model_shape *shape)
{
   size_t tail_B = 0;

   for (uint32_t l = 0; l < res->levels; l++) {
      struct model_level *level = &res->level[l];
      uint32_t tiles = 1, texels = 1;

      for (int i = 0; i < 3; i++) {
         uint32_t size = shape->size[i] >> l;

         level->size[i] = size ? size : 1;
         level->tiles[i] = (level->size[i] + res->tile[i] - 1) / res->tile[i];
         tiles *= level->tiles[i];
         texels *= level->size[i];
      }
      if (l < res->tail_level) {
         level->first_tile = res->layer_tiles;
         res->layer_tiles += tiles;
      } else {
         memset(level->tiles, 0, sizeof(level->tiles));
         level->tail_at_B = tail_B;
         tail_B += (size_t)texels * res->texel_B *
                   (res->tail_count == 1 ? res->layers : 1);
      }
   }
   assert(tail_B <= (size_t)res->tail_blocks * MODEL_BLOCK_B);
}

void
model_resource_init(struct model_resource *res, const struct model_shape *shape,
                    uint32_t layout, uint32_t tail_layout)
{
   *res = (struct model_resource){
      .strict = shape->strict,
      .texel_B = shape->texel_B,
      .tile = {shape->tile[0], shape->tile[1], shape->tile[2]},
      .levels = shape->levels,
      .layers = shape->layers,
      .layout = layout,
      .tail_level = shape->tail_level,
      .tail_count = shape->tail_count,
      .tail_blocks = shape->tail_blocks,
      .tail_layout = tail_layout,
   };
   assert(shape->levels <= MODEL_MAX_LEVELS);
   init_levels(res, shape);
   res->tiles =
      allocate((size_t)res->layers * res->layer_tiles, sizeof(*res->tiles));
   res->tails = allocate(res->tail_count, sizeof(*res->tails));
}

void
model_resource_finish(struct model_resource *res)
{
   free(res->tiles);
   free(res->tails);
   *res = (struct model_resource){0};
}

size_t
model_region_size(const struct model_resource *res,
                  const struct model_region *region)
{
   return (size_t)region->size[0] * region->size[1] * region->size[2] *
          res->texel_B;
}

uint32_t
model_tile_index(const struct model_resource *res, uint32_t level,
                 uint32_t layer, uint32_t x, uint32_t y, uint32_t z)
{
   const struct model_level *l = &res->level[level];

   assert(x < l->tiles[0] && y < l->tiles[1] && z < l->tiles[2]);
   return layer * res->layer_tiles + l->first_tile +
          (z * l->tiles[1] + y) * l->tiles[0] + x;
}

/* A piece of a row that lies in one block. */
struct piece {
   struct model_block *block; /* NULL: not bound */
   uint32_t at_B;             /* in the block */
   uint32_t size_B;
   uint32_t layout;
};

static struct piece
piece_of_tile(const struct model_resource *res, uint32_t level, uint32_t layer,
              const uint32_t at[3])
{
   const uint32_t *tile = res->tile;
   const struct model_place *place = &res->tiles[model_tile_index(
      res, level, layer, at[0] / tile[0], at[1] / tile[1], at[2] / tile[2])];
   const uint32_t x = at[0] % tile[0], y = at[1] % tile[1], z = at[2] % tile[2];

   return (struct piece){
      .block = place->memory ? &place->memory->blocks[place->block] : NULL,
      .at_B = ((z * tile[1] + y) * tile[0] + x) * res->texel_B,
      .size_B = (tile[0] - x) * res->texel_B,
      .layout = res->layout,
   };
}

static struct piece
piece_of_tail(const struct model_resource *res, uint32_t level, uint32_t layer,
              const uint32_t at[3])
{
   const uint32_t *size = res->level[level].size;
   const uint32_t tail = res->tail_count == 1 ? 0 : layer;
   const struct model_place *place = &res->tails[tail];
   const size_t slice = res->tail_count == 1 ? (size_t)layer * size[2] : 0;
   const size_t at_B =
      res->level[level].tail_at_B +
      (((slice + at[2]) * size[1] + at[1]) * size[0] + at[0]) * res->texel_B;
   const uint32_t block = (uint32_t)(at_B / MODEL_BLOCK_B);

   return (struct piece){
      .block =
         place->memory ? &place->memory->blocks[place->block + block] : NULL,
      .at_B = at_B % MODEL_BLOCK_B,
      .size_B = MODEL_BLOCK_B - at_B % MODEL_BLOCK_B,
      .layout = res->tail_layout + tail * res->tail_blocks + block,
   };
}

static struct piece
piece_at(const struct model_resource *res, uint32_t level, uint32_t layer,
         const uint32_t at[3])
{
   return level < res->tail_level ? piece_of_tile(res, level, layer, at)
                                  : piece_of_tail(res, level, layer, at);
}

/*
 * Calls @fn for every piece of the region, with the offset of its bytes among
 * the region's.
 */
static void
for_each_piece(const struct model_resource *res,
               const struct model_region *region,
               void (*fn)(const struct piece *piece, size_t offset_B,
                          void *data),
               void *data)
{
   size_t offset_B = 0;

   for (uint32_t z = 0; z < region->size[2]; z++) {
      for (uint32_t y = 0; y < region->size[1]; y++) {
         uint32_t left_B = region->size[0] * res->texel_B;

         while (left_B) {
            const uint32_t done = region->size[0] - left_B / res->texel_B;
            const uint32_t at[3] = {region->at[0] + done, region->at[1] + y,
                                    region->at[2] + z};
            struct piece piece =
               piece_at(res, region->level, region->layer, at);

            if (piece.size_B > left_B)
               piece.size_B = left_B;
            fn(&piece, offset_B, data);
            offset_B += piece.size_B;
            left_B -= piece.size_B;
         }
      }
   }
}

/* ----------------------------------------------------------------- state -- */

bool
model_is_resident(const struct model_resource *res, uint32_t level,
                  uint32_t layer, const uint32_t at[3])
{
   return piece_at(res, level, layer, at).block != NULL;
}

bool
model_is_fully_bound(const struct model_resource *res)
{
   for (uint32_t i = 0; i < res->layers * res->layer_tiles; i++)
      if (!res->tiles[i].memory)
         return false;
   for (uint32_t i = 0; i < res->tail_count; i++)
      if (!res->tails[i].memory)
         return false;
   return true;
}

bool
model_uses_block(const struct model_resource *res,
                 const struct model_memory *memory, uint32_t block)
{
   for (uint32_t i = 0; i < res->layers * res->layer_tiles; i++)
      if (res->tiles[i].memory == memory && res->tiles[i].block == block)
         return true;
   for (uint32_t i = 0; i < res->tail_count; i++)
      if (res->tails[i].memory == memory &&
          block - res->tails[i].block < res->tail_blocks)
         return true;
   return false;
}

struct reader {
   bool strict;
   struct model_bytes *out;
};

static void
read_piece(const struct piece *piece, size_t offset_B, void *data)
{
   const struct reader *reader = data;
   uint8_t *value = reader->out->value + offset_B;
   uint8_t *known = reader->out->known + offset_B;

   if (piece->block && piece->block->layout == piece->layout) {
      memcpy(value, piece->block->value + piece->at_B, piece->size_B);
      memcpy(known, piece->block->known + piece->at_B, piece->size_B);
   } else {
      memset(value, 0, piece->size_B);
      memset(known, !piece->block && reader->strict ? 0xff : 0, piece->size_B);
   }
}

void
model_read(const struct model_resource *res, const struct model_region *region,
           struct model_bytes *out)
{
   struct reader reader = {res->strict, out};

   assert(out->size_B == model_region_size(res, region));
   for_each_piece(res, region, read_piece, &reader);
}

static void
write_piece(const struct piece *piece, size_t offset_B, void *data)
{
   const struct model_bytes *in = data;
   struct model_block *block = piece->block;

   if (!block)
      return;
   if (block->layout != piece->layout) {
      memset(block->known, 0, sizeof(block->known));
      block->layout = piece->layout;
   }
   memcpy(block->value + piece->at_B, in->value + offset_B, piece->size_B);
   memcpy(block->known + piece->at_B, in->known + offset_B, piece->size_B);
}

/* --------------------------------------------------------------- aliases -- */

/* The blocks of a region, each tile's once. */
struct blocks {
   struct model_block **list;
   uint32_t count;
};

static struct blocks
collect_blocks(const struct model_resource *res,
               const struct model_region *region)
{
   struct blocks blocks = {0};

   if (region->level >= res->tail_level) {
      const uint32_t tail = res->tail_count == 1 ? 0 : region->layer;
      const struct model_place *place = &res->tails[tail];

      blocks.list = allocate(res->tail_blocks, sizeof(*blocks.list));
      for (uint32_t i = 0; place->memory && i < res->tail_blocks; i++)
         blocks.list[blocks.count++] = &place->memory->blocks[place->block + i];
      return blocks;
   }
   uint32_t first[3], last[3], total = 1;

   for (int i = 0; i < 3; i++) {
      first[i] = region->at[i] / res->tile[i];
      last[i] = (region->at[i] + region->size[i] - 1) / res->tile[i];
      total *= last[i] - first[i] + 1;
   }
   blocks.list = allocate(total, sizeof(*blocks.list));
   for (uint32_t z = first[2]; z <= last[2]; z++) {
      for (uint32_t y = first[1]; y <= last[1]; y++) {
         for (uint32_t x = first[0]; x <= last[0]; x++) {
            const struct model_place *place = &res->tiles[model_tile_index(
               res, region->level, region->layer, x, y, z)];

            if (place->memory)
               blocks.list[blocks.count++] =
                  &place->memory->blocks[place->block];
         }
      }
   }
   return blocks;
}

/* The blocks that are in the list more than once; their number. */
static uint32_t
repeated(const struct blocks *blocks, struct model_block **out)
{
   uint32_t count = 0;

   for (uint32_t i = 0; i < blocks->count; i++)
      for (uint32_t k = 0; k < i; k++)
         if (blocks->list[i] == blocks->list[k]) {
            out[count++] = blocks->list[i];
            break;
         }
   return count;
}

void
model_write(struct model_resource *res, const struct model_region *region,
            const struct model_bytes *in)
{
   struct blocks blocks = collect_blocks(res, region);
   struct model_block **twice = allocate(blocks.count, sizeof(*twice));
   const uint32_t count = repeated(&blocks, twice);

   assert(in->size_B == model_region_size(res, region));
   for_each_piece(res, region, write_piece, (void *)in);
   for (uint32_t i = 0; i < count; i++)
      memset(twice[i]->known, 0, sizeof(twice[i]->known));
   free(twice);
   free(blocks.list);
}

bool
model_aliases_itself(const struct model_resource *res,
                     const struct model_region *region)
{
   struct blocks blocks = collect_blocks(res, region);
   struct model_block **twice = allocate(blocks.count, sizeof(*twice));
   const bool result = repeated(&blocks, twice) != 0;

   free(twice);
   free(blocks.list);
   return result;
}

bool
model_overlap(const struct model_resource *a,
              const struct model_region *a_region,
              const struct model_resource *b,
              const struct model_region *b_region)
{
   struct blocks of_a = collect_blocks(a, a_region);
   struct blocks of_b = collect_blocks(b, b_region);
   bool result = false;

   for (uint32_t i = 0; i < of_a.count; i++)
      for (uint32_t k = 0; k < of_b.count; k++)
         result |= of_a.list[i] == of_b.list[k];
   free(of_a.list);
   free(of_b.list);
   return result;
}
