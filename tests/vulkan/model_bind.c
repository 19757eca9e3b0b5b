/* SPDX-License-Identifier: MIT */
/* Random binds: of tiles, levels and tails, to memory or to none. */
#include "model_world.h"

/* One vkQueueBindSparse in the making, and the tiles that it has already. */
struct batch {
   VkSparseMemoryBind opaque[WORLD_MAX_BINDS];
   VkSparseImageMemoryBind image[WORLD_MAX_BINDS];
   VkSparseBufferMemoryBindInfo buffers[WORLD_MAX_BINDS];
   VkSparseImageOpaqueMemoryBindInfo opaques[WORLD_MAX_BINDS];
   VkSparseImageMemoryBindInfo images[WORLD_MAX_BINDS];
   uint32_t buffer_count, opaque_count, image_count;
   /* Tiles of a resource from first to last are bound; tails come last. */
   struct {
      const struct world_resource *res;
      uint32_t tiles[512];
      uint32_t count;
   } bound[WORLD_MAX_BINDS];
   uint32_t bound_count;
};

/* A tile of the batch's new bind; false if an earlier bind has it. */
static bool
claim(struct batch *batch, const struct world_resource *res, uint32_t tile)
{
   for (uint32_t i = 0; i < batch->bound_count; i++)
      for (uint32_t k = 0; k < batch->bound[i].count; k++)
         if (batch->bound[i].res == res && batch->bound[i].tiles[k] == tile)
            return false;
   uint32_t *count = &batch->bound[batch->bound_count].count;

   batch->bound[batch->bound_count].res = res;
   assert_true(*count < VKH_ARRAY_SIZE(batch->bound[0].tiles));
   batch->bound[batch->bound_count].tiles[(*count)++] = tile;
   return true;
}

static bool
is_bound(const struct world *world, const struct model_memory *memory,
         uint32_t block)
{
   for (uint32_t i = 0; i < world->resource_count; i++)
      if (model_uses_block(&world->resources[i].model, memory, block))
         return true;
   return false;
}

/*
 * Somewhere to bind @blocks blocks to: shared memory, of which no block is in
 * use unless the world is aliased; or nothing, by chance or for lack of a
 * place.
 */
static struct world_memory *
choose_place(struct world *world, uint32_t blocks, uint32_t *first_out)
{
   struct world_random *random = &world->random;
   struct world_memory *memory =
      &world->memory[world_below(random, world->memory_count)];
   const uint32_t count = memory->model.block_count;

   if (world_one_in(random, 5) || blocks > count)
      return NULL;
   const uint32_t start = world_below(random, count - blocks + 1);

   for (uint32_t i = 0; i <= count - blocks; i++) {
      const uint32_t first = (start + i) % (count - blocks + 1);
      uint32_t free = 0;

      while (free < blocks &&
             (world->aliased || !is_bound(world, &memory->model, first + free)))
         free++;
      if (free == blocks) {
         *first_out = first;
         return memory;
      }
   }
   return NULL;
}

static struct model_place
place_of(struct world_memory *memory, uint32_t block)
{
   return (struct model_place){memory ? &memory->model : NULL, block};
}

/* --------------------------------------------------------------- buffers -- */

static bool
bind_buffer(struct world *world, struct world_resource *res,
            struct batch *batch)
{
   const uint32_t tiles = res->model.layer_tiles;
   const uint32_t first = world_below(&world->random, tiles);
   uint32_t count = 1 + world_below(&world->random, tiles - first), block = 0;

   for (uint32_t i = 0; i < count; i++)
      if (!claim(batch, res, first + i))
         return false;
   struct world_memory *memory = choose_place(world, count, &block);

   world_say(world, "bind %s: tiles %u..%u to %s %u", res->name, first,
             first + count - 1, memory ? "block" : "nothing", block);
   const VkDeviceSize offset = (VkDeviceSize)first * MODEL_BLOCK_B;
   const VkDeviceSize size = (VkDeviceSize)count * MODEL_BLOCK_B;
   const VkDeviceSize room = res->req.size - offset; /* 4 KiB granular */
   batch->opaque[batch->bound_count] = (VkSparseMemoryBind){
      .resourceOffset = offset,
      .size = size < room ? size : room,
      .memory = memory ? memory->handle : VK_NULL_HANDLE,
      .memoryOffset = (VkDeviceSize)block * MODEL_BLOCK_B,
   };
   batch->buffers[batch->buffer_count++] = (VkSparseBufferMemoryBindInfo){
      res->buffer, 1, &batch->opaque[batch->bound_count]};
   for (uint32_t i = 0; i < count; i++)
      res->model.tiles[first + i] = place_of(memory, block + i);
   return true;
}

/* ---------------------------------------------------------------- images -- */

/* A box of whole tiles of a (level, layer), cut at the edge as Vulkan asks. */
struct box {
   uint32_t level, layer, at[3], size[3];
};

static struct box
random_box(struct world_random *random, const struct model_resource *model)
{
   struct box box = {
      .level = world_below(random, model->tail_level),
      .layer = world_below(random, model->layers),
   };
   const uint32_t *tiles = model->level[box.level].tiles;

   for (int i = 0; i < 3; i++) {
      box.at[i] = world_below(random, tiles[i]);
      box.size[i] = 1 + world_below(random, tiles[i] - box.at[i]);
   }
   if (world_one_in(random, 4)) { /* all of the level */
      memset(box.at, 0, sizeof(box.at));
      memcpy(box.size, tiles, sizeof(box.size));
   }
   return box;
}

/* The tile with the number @i in the box: x, then y, then z. */
static uint32_t
tile_in_box(const struct model_resource *model, const struct box *box,
            uint32_t i)
{
   return model_tile_index(model, box->level, box->layer,
                           box->at[0] + i % box->size[0],
                           box->at[1] + i / box->size[0] % box->size[1],
                           box->at[2] + i / box->size[0] / box->size[1]);
}

static VkSparseImageMemoryBind
bind_of_box(const struct model_resource *model, const struct box *box,
            const struct world_memory *memory, uint32_t block)
{
   const uint32_t *size = model->level[box->level].size;
   uint32_t at[3], extent[3];

   for (int i = 0; i < 3; i++) {
      at[i] = box->at[i] * model->tile[i];
      extent[i] = box->size[i] * model->tile[i];
      if (extent[i] > size[i] - at[i])
         extent[i] = size[i] - at[i];
   }
   return (VkSparseImageMemoryBind){
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, box->level, box->layer},
      .offset = {(int32_t)at[0], (int32_t)at[1], (int32_t)at[2]},
      .extent = {extent[0], extent[1], extent[2]},
      .memory = memory ? memory->handle : VK_NULL_HANDLE,
      .memoryOffset = memory ? (VkDeviceSize)block * MODEL_BLOCK_B : 0,
   };
}

static bool
bind_tiles(struct world *world, struct world_resource *res, struct batch *batch)
{
   struct model_resource *model = &res->model;

   if (!model->layer_tiles)
      return false;
   const struct box box = random_box(&world->random, model);
   const uint32_t count = box.size[0] * box.size[1] * box.size[2];
   uint32_t block = 0;

   for (uint32_t i = 0; i < count; i++)
      if (!claim(batch, res, tile_in_box(model, &box, i)))
         return false;
   struct world_memory *memory = choose_place(world, count, &block);

   world_say(world,
             "bind %s: level %u layer %u tile %u,%u,%u size %u,%u,%u to %s %u",
             res->name, box.level, box.layer, box.at[0], box.at[1], box.at[2],
             box.size[0], box.size[1], box.size[2],
             memory ? "block" : "nothing", block);
   batch->image[batch->bound_count] = bind_of_box(model, &box, memory, block);
   batch->images[batch->image_count++] = (VkSparseImageMemoryBindInfo){
      res->image, 1, &batch->image[batch->bound_count]};
   for (uint32_t i = 0; i < count; i++)
      model->tiles[tile_in_box(model, &box, i)] = place_of(memory, block + i);
   return true;
}

static void
add_opaque(struct batch *batch, const struct world_resource *res,
           VkDeviceSize offset, VkDeviceSize size,
           const struct world_memory *memory, uint32_t block)
{
   batch->opaque[batch->bound_count] = (VkSparseMemoryBind){
      .resourceOffset = offset,
      .size = size,
      .memory = memory ? memory->handle : VK_NULL_HANDLE,
      .memoryOffset = memory ? (VkDeviceSize)block * MODEL_BLOCK_B : 0,
   };
   batch->opaques[batch->opaque_count++] = (VkSparseImageOpaqueMemoryBindInfo){
      res->image, 1, &batch->opaque[batch->bound_count]};
}

/* A tail is bound at one of its two places, or nowhere. */
static bool
bind_tail(struct world *world, struct world_resource *res, struct batch *batch)
{
   struct model_resource *model = &res->model;
   const uint32_t tail = world_below(&world->random, model->tail_count);
   const uint32_t which = world_below(&world->random, 2);
   struct world_memory *memory =
      world_one_in(&world->random, 5) ? NULL : &res->tails;
   const uint32_t block =
      (tail + which * model->tail_count) * model->tail_blocks;

   if (!model->tail_count ||
       !claim(batch, res, model->layers * model->layer_tiles + tail))
      return false;
   world_say(world, "bind %s: tail %u to %s %u", res->name, tail,
             memory ? "its own block" : "nothing", memory ? block : 0);
   if (res->residency)
      add_opaque(
         batch, res,
         res->sparse.imageMipTailOffset + tail * res->sparse.imageMipTailStride,
         (VkDeviceSize)model->tail_blocks * MODEL_BLOCK_B, memory, block);
   else
      add_opaque(batch, res, 0, res->req.size, memory, block);
   model->tails[tail] = place_of(memory, memory ? block : 0);
   return true;
}

/*
 * The whole range in one opaque bind. Which block a tile gets is the driver's
 * choice, always the same: the model has one of its own.
 */
static bool
bind_whole(struct world *world, struct world_resource *res, struct batch *batch)
{
   struct model_resource *model = &res->model;
   const uint32_t tiles = model->layers * model->layer_tiles;
   struct world_memory *memory =
      world_one_in(&world->random, 3) ? NULL : &res->whole;

   if (!res->whole.handle || tiles + model->tail_count > 400)
      return false;
   for (uint32_t i = 0; i < tiles + model->tail_count; i++)
      if (!claim(batch, res, i))
         return false;
   world_say(world, "bind %s: all of it to %s", res->name,
             memory ? "its own memory" : "nothing");
   add_opaque(batch, res, 0, res->req.size, memory, 0);
   for (uint32_t i = 0; i < tiles; i++)
      model->tiles[i] = place_of(memory, i);
   for (uint32_t i = 0; i < model->tail_count; i++)
      model->tails[i] = place_of(memory, tiles + i * model->tail_blocks);
   return true;
}

/* ----------------------------------------------------------------- batch -- */

static void
execute(struct world *world, struct batch *batch)
{
   VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = batch->buffer_count,
      .pBufferBinds = batch->buffers,
      .imageOpaqueBindCount = batch->opaque_count,
      .pImageOpaqueBinds = batch->opaques,
      .imageBindCount = batch->image_count,
      .pImageBinds = batch->images,
   };

   world_bind(world, &info, world_one_in(&world->random, 2));
   for (uint32_t i = 0; i < world->resource_count; i++)
      if (world->resources[i].residency ||
          model_is_fully_bound(&world->resources[i].model))
         world_image_ready(world, &world->resources[i]);
}

/* Binds by @choose, each of one resource, until one of them is impossible. */
static bool
bind_some(struct world *world,
          bool (*choose)(struct world *world, struct world_resource *res,
                         struct batch *batch))
{
   const uint32_t count = 1 + world_below(&world->random, WORLD_MAX_BINDS);
   struct batch batch = {0};

   for (uint32_t i = 0; i < count; i++) {
      struct world_resource *res =
         &world->resources[world_below(&world->random, world->resource_count)];

      if (!choose(world, res, &batch)) {
         batch.bound[batch.bound_count].count = 0;
         break;
      }
      batch.bound_count++;
   }
   if (batch.bound_count)
      execute(world, &batch);
   return batch.bound_count != 0;
}

static bool
choose_tiles(struct world *world, struct world_resource *res,
             struct batch *batch)
{
   if (res->kind == WORLD_BUFFER)
      return bind_buffer(world, res, batch);
   if (res->model.tail_count && world_one_in(&world->random, 2))
      return bind_tail(world, res, batch);
   return bind_tiles(world, res, batch);
}

bool
world_act_bind(struct world *world)
{
   return bind_some(world, choose_tiles);
}

bool
world_act_opaque(struct world *world)
{
   return bind_some(world, bind_whole);
}
