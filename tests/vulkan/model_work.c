/* SPDX-License-Identifier: MIT */
/* Random work on resources: transfers, shaders, clears. */
#include "model_world.h"

#define MAX_TEXELS 16384u /* of what is not a whole level */

/* ---------------------------------------------------------------- choice -- */

/* A resource of @kinds (bits) that may be used now; NULL: chance found none. */
#define BUFFERS (1u << WORLD_BUFFER)
#define IMAGES ((1u << WORLD_IMAGE_2D) | (1u << WORLD_IMAGE_3D))

static struct world_resource *
choose(struct world *world, unsigned kinds)
{
   struct world_resource *res =
      &world->resources[world_below(&world->random, world->resource_count)];

   if (!(kinds & 1u << res->kind) ||
       (!res->residency && !model_is_fully_bound(&res->model)))
      return NULL;
   return res;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
   return a < b ? a : b;
}

/*
 * [at, at + size) within @whole: often small, often around an edge between
 * tiles, sometimes all.
 */
static void
random_range(struct world_random *random, uint32_t whole, uint32_t tile,
             uint32_t most, uint32_t *at_out, uint32_t *size_out)
{
   uint32_t size = 1 + world_below(random, least(whole, most));
   uint32_t at = world_below(random, whole - size + 1);

   if (world_one_in(random, 4))
      size = least(whole, most), at = 0;
   if (tile < whole && world_one_in(random, 3)) {
      const uint32_t edge =
         tile * (1 + world_below(random, (whole - 1) / tile));
      const uint32_t before = least(edge, 1 + world_below(random, 20));

      at = edge - before;
      size =
         least(before + 1 + world_below(random, 20), least(whole - at, most));
   }
   *at_out = at;
   *size_out = size;
}

static struct model_region
random_region(struct world *world, const struct world_resource *res)
{
   const struct model_resource *model = &res->model;
   struct model_region region = {
      .level = world_below(&world->random, model->levels),
      .layer = world_below(&world->random, model->layers),
   };
   uint32_t most = res->kind == WORLD_BUFFER ? 4 * MODEL_BLOCK_B : MAX_TEXELS;

   for (int i = 0; i < 3; i++) {
      random_range(&world->random, model->level[region.level].size[i],
                   model->tile[i], most, &region.at[i], &region.size[i]);
      most /= region.size[i];
      most = most ? most : 1;
   }
   return region;
}

/* Of a buffer, with @align bytes as unit of both ends. False if it is too
 * small. */
static bool
random_words(struct world *world, const struct world_resource *res,
             uint32_t align, struct model_region *region)
{
   *region = random_region(world, res);
   const uint32_t end = (region->at[0] + region->size[0]) / 4 * 4;

   region->at[0] = region->at[0] / align * align;
   if (end <= region->at[0])
      return false;
   region->size[0] = end - region->at[0];
   return true;
}

static struct model_bytes
read_region(const struct world_resource *res, const struct model_region *region)
{
   struct model_bytes bytes =
      model_bytes_create(model_region_size(&res->model, region));

   model_read(&res->model, region, &bytes);
   return bytes;
}

static struct model_bytes
random_bytes(struct world *world, size_t size_B)
{
   struct model_bytes bytes = model_bytes_create(size_B);
   uint32_t x = world_below(&world->random, UINT32_MAX) | 1;

   for (size_t i = 0; i < size_B; i++) {
      x = x * 1664525u + 1013904223u;
      bytes.value[i] = (uint8_t)(x >> 24);
   }
   return bytes;
}

static void
write_region(struct world_resource *res, const struct model_region *region,
             struct model_bytes bytes)
{
   model_write(&res->model, region, &bytes);
   model_bytes_destroy(&bytes);
}

static void
say(const struct world *world, const char *what,
    const struct world_resource *res, const struct model_region *region)
{
   world_say(world, "%s %s level %u layer %u at %u,%u,%u size %u,%u,%u", what,
             res->name, region->level, region->layer, region->at[0],
             region->at[1], region->at[2], region->size[0], region->size[1],
             region->size[2]);
}

/* --------------------------------------------------------------- buffers -- */

static bool
act_fill(struct world *world)
{
   struct world_resource *res = choose(world, BUFFERS);
   const uint32_t word = world_below(&world->random, UINT32_MAX);
   struct model_region region;

   if (!res || !random_words(world, res, 4, &region))
      return false;
   say(world, "fill", res, &region);
   vkCmdFillBuffer(world_commands(world), res->buffer, region.at[0],
                   region.size[0], word);
   world_barrier(world);
   struct model_bytes bytes = model_bytes_create(region.size[0]);
   for (uint32_t i = 0; i < region.size[0]; i += 4)
      memcpy(bytes.value + i, &word, 4);
   write_region(res, &region, bytes);
   return true;
}

static bool
act_update(struct world *world)
{
   struct world_resource *res = choose(world, BUFFERS);
   struct model_region region;

   if (!res || !random_words(world, res, 4, &region))
      return false;
   region.size[0] = least(region.size[0], 65536);
   say(world, "update", res, &region);
   struct model_bytes bytes = random_bytes(world, region.size[0]);
   vkCmdUpdateBuffer(world_commands(world), res->buffer, region.at[0],
                     region.size[0], bytes.value);
   world_barrier(world);
   write_region(res, &region, bytes);
   return true;
}

/*
 * In one buffer that has two tiles: the target behind the source, and around an
 * edge between tiles, so that the source's tile is where the target begins.
 */
static void
random_neighbours(struct world_random *random, const struct world_resource *res,
                  struct model_region *source, struct model_region *target)
{
   const uint32_t whole = res->model.level[0].size[0];

   if (whole <= MODEL_BLOCK_B)
      return;
   const uint32_t edge =
      MODEL_BLOCK_B * (1 + world_below(random, (whole - 1) / MODEL_BLOCK_B));
   const uint32_t size = 1 + world_below(random, least(whole - edge, 8192));

   target->at[0] = edge - world_below(random, size);
   source->at[0] = target->at[0] - size;
   source->size[0] = target->size[0] = size;
}

static bool
act_copy_buffer(struct world *world)
{
   struct world_resource *from = choose(world, BUFFERS);
   const bool beside = world_one_in(&world->random, 3);
   struct world_resource *to = beside ? from : choose(world, BUFFERS);

   if (!from || !to)
      return false;
   struct model_region source = random_region(world, from);
   struct model_region target = random_region(world, to);
   source.size[0] = target.size[0] = least(source.size[0], target.size[0]);
   if (beside)
      random_neighbours(&world->random, from, &source, &target);
   if (model_overlap(&from->model, &source, &to->model, &target))
      return false;
   /* Unbound both: still one place of one buffer. */
   if (from == to && source.at[0] < target.at[0] + target.size[0] &&
       target.at[0] < source.at[0] + source.size[0])
      return false;
   say(world, "copy from", from, &source);
   say(world, "copy to", to, &target);
   const VkBufferCopy copy = {source.at[0], target.at[0], source.size[0]};
   vkCmdCopyBuffer(world_commands(world), from->buffer, to->buffer, 1, &copy);
   world_barrier(world);
   write_region(to, &target, read_region(from, &source));
   return true;
}

/* The values of the shaders: word @i of a dispatch. */
static uint32_t
shader_value(uint32_t seed, uint32_t i)
{
   return (seed + i) * 2654435761u;
}

/* What atomics leave behind, and what they return: the words before. */
static struct model_bytes
add_words(struct model_bytes before, uint32_t seed)
{
   struct model_bytes after = model_bytes_create(before.size_B);

   for (size_t i = 0; i < before.size_B / 4; i++) {
      uint32_t word, known;

      memcpy(&word, before.value + 4 * i, 4);
      memcpy(&known, before.known + 4 * i, 4);
      word += shader_value(seed, (uint32_t)i);
      memcpy(after.value + 4 * i, &word, 4);
      memset(after.known + 4 * i, known == UINT32_MAX ? 0xff : 0, 4);
   }
   return after;
}

static bool
act_buffer_shader(struct world *world)
{
   struct world_resource *res = choose(world, BUFFERS);
   const uint32_t align =
      (uint32_t)vt.properties.limits.minStorageBufferOffsetAlignment;
   const uint32_t mode = world_below(&world->random, 3);
   const uint32_t seed = world_below(&world->random, UINT32_MAX);
   static const char *const names[] = {"store", "load", "atomics"};
   struct model_region region;

   if (!res || !random_words(world, res, align < 4 ? 4 : align, &region))
      return false;
   /* Two places of one word: what an atomic returns depends on the order. */
   if (mode == 2 && model_aliases_itself(&res->model, &region))
      return false;
   say(world, names[mode], res, &region);
   struct model_bytes before = read_region(res, &region), after;
   if (mode == 0) {
      after = model_bytes_create(before.size_B);
      for (uint32_t i = 0; i < region.size[0] / 4; i++) {
         const uint32_t word = shader_value(seed, i);
         memcpy(after.value + 4ull * i, &word, 4);
      }
      memset(before.known, 0, before.size_B); /* it returns nothing */
   } else if (mode == 2) {
      after = add_words(before, seed);
   }
   if (mode != 1)
      write_region(res, &region, after);
   struct world_slice out =
      world_expect(world, before, "%s %s at %u size %u", names[mode], res->name,
                   region.at[0], region.size[0]);
   world_dispatch(world, WORLD_SHADER_BUFFER, res, &region, mode, seed, out,
                  region.size[0]);
   return true;
}

/* ---------------------------------------------------------------- images -- */

static VkImageSubresourceLayers
subresource(const struct model_region *region)
{
   return (VkImageSubresourceLayers){VK_IMAGE_ASPECT_COLOR_BIT, region->level,
                                     region->layer, 1};
}

static VkOffset3D
offset_of(const struct model_region *region)
{
   return (VkOffset3D){(int32_t)region->at[0], (int32_t)region->at[1],
                       (int32_t)region->at[2]};
}

static VkExtent3D
extent_of(const struct model_region *region)
{
   return (VkExtent3D){region->size[0], region->size[1], region->size[2]};
}

static VkBufferImageCopy
image_copy(const struct model_region *region, uint64_t buffer_offset)
{
   return (VkBufferImageCopy){
      .bufferOffset = buffer_offset,
      .imageSubresource = subresource(region),
      .imageOffset = offset_of(region),
      .imageExtent = extent_of(region),
   };
}

/* Texels of an image and as many bytes of a buffer, in tightly packed rows. */
static bool
act_buffer_image(struct world *world)
{
   struct world_resource *image = choose(world, IMAGES);
   struct world_resource *buffer = choose(world, BUFFERS);
   const bool to_image = world_one_in(&world->random, 2);

   if (!image || !buffer)
      return false;
   struct model_region texels = random_region(world, image);
   struct model_region bytes = {.size = {0, 1, 1}};
   const uint32_t size_B = (uint32_t)model_region_size(&image->model, &texels);
   const uint32_t unit = image->model.texel_B < 4 ? 4 : image->model.texel_B;
   const uint32_t room = buffer->model.level[0].size[0];

   if (size_B > room)
      return false;
   bytes.at[0] = world_below(&world->random, room - size_B + 1) / unit * unit;
   bytes.size[0] = size_B;
   if (model_overlap(&image->model, &texels, &buffer->model, &bytes))
      return false;
   say(world, to_image ? "copy to" : "copy from", image, &texels);
   say(world, to_image ? "copy from" : "copy to", buffer, &bytes);
   const VkBufferImageCopy copy = image_copy(&texels, bytes.at[0]);
   VkCommandBuffer cmd = world_commands(world);
   if (to_image) {
      vkCmdCopyBufferToImage(cmd, buffer->buffer, image->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
      write_region(image, &texels, read_region(buffer, &bytes));
   } else {
      vkCmdCopyImageToBuffer(cmd, image->image, VK_IMAGE_LAYOUT_GENERAL,
                             buffer->buffer, 1, &copy);
      write_region(buffer, &bytes, read_region(image, &texels));
   }
   world_barrier(world);
   return true;
}

static bool
regions_intersect(const struct model_region *a, const struct model_region *b)
{
   if (a->level != b->level || a->layer != b->layer)
      return false;
   for (int i = 0; i < 3; i++)
      if (a->at[i] >= b->at[i] + b->size[i] ||
          b->at[i] >= a->at[i] + a->size[i])
         return false;
   return true;
}

static bool
act_copy_image(struct world *world)
{
   struct world_resource *from = choose(world, IMAGES);
   struct world_resource *to = choose(world, IMAGES);

   if (!from || !to || from->format != to->format || from->kind != to->kind)
      return false;
   struct model_region source = random_region(world, from);
   struct model_region target = random_region(world, to);
   for (int i = 0; i < 3; i++)
      source.size[i] = target.size[i] = least(source.size[i], target.size[i]);
   if (model_overlap(&from->model, &source, &to->model, &target) ||
       (from == to && regions_intersect(&source, &target)))
      return false;
   say(world, "copy from", from, &source);
   say(world, "copy to", to, &target);
   const VkImageCopy copy = {
      .srcSubresource = subresource(&source),
      .srcOffset = offset_of(&source),
      .dstSubresource = subresource(&target),
      .dstOffset = offset_of(&target),
      .extent = extent_of(&source),
   };
   vkCmdCopyImage(world_commands(world), from->image, VK_IMAGE_LAYOUT_GENERAL,
                  to->image, VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
   world_barrier(world);
   write_region(to, &target, read_region(from, &source));
   return true;
}

static void
clear_model(struct world_resource *res, uint32_t level, uint32_t layer,
            const VkClearColorValue *color)
{
   const struct model_resource *model = &res->model;
   const uint32_t *size = model->level[level].size;
   const struct model_region region = {
      level, layer, {0, 0, 0}, {size[0], size[1], size[2]}};
   struct model_bytes bytes =
      model_bytes_create(model_region_size(model, &region));
   const uint32_t component_B = model->texel_B / res->components;

   for (size_t i = 0; i < bytes.size_B; i += component_B)
      memcpy(bytes.value + i, &color->uint32[i / component_B % res->components],
             component_B);
   write_region(res, &region, bytes);
}

static bool
act_clear(struct world *world)
{
   struct world_random *random = &world->random;
   struct world_resource *res = choose(world, IMAGES);
   VkClearColorValue color;

   if (!res)
      return false;
   VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT,
                                    world_below(random, res->model.levels), 1,
                                    world_below(random, res->model.layers), 1};
   range.levelCount +=
      world_below(random, res->model.levels - range.baseMipLevel);
   range.layerCount +=
      world_below(random, res->model.layers - range.baseArrayLayer);
   for (int i = 0; i < 4; i++)
      color.uint32[i] = world_below(random, 256);
   world_say(world, "clear %s levels %u+%u layers %u+%u", res->name,
             range.baseMipLevel, range.levelCount, range.baseArrayLayer,
             range.layerCount);
   vkCmdClearColorImage(world_commands(world), res->image,
                        VK_IMAGE_LAYOUT_GENERAL, &color, 1, &range);
   world_barrier(world);
   for (uint32_t l = 0; l < range.levelCount; l++)
      for (uint32_t k = 0; k < range.layerCount; k++)
         clear_model(res, range.baseMipLevel + l, range.baseArrayLayer + k,
                     &color);
   return true;
}

/* Texel @i of the region, from left to right, down, inwards. */
static bool
resident_at(const struct world_resource *res, const struct model_region *region,
            size_t i)
{
   const uint32_t *size = region->size;
   const uint32_t at[3] = {
      region->at[0] + (uint32_t)i % size[0],
      region->at[1] + (uint32_t)i / size[0] % size[1],
      region->at[2] + (uint32_t)i / size[0] / size[1],
   };

   return model_is_resident(&res->model, region->level, region->layer, at);
}

static void
expect_word(struct model_bytes *bytes, size_t word, uint32_t value, bool known)
{
   memcpy(bytes->value + 4 * word, &value, 4);
   memset(bytes->known + 4 * word, known ? 0xff : 0, 4);
}

/* The output of model_fetch.comp: a code and four components a texel. */
static struct model_bytes
expect_fetch(const struct world *world, const struct world_resource *res,
             const struct model_region *region)
{
   struct model_bytes texels = read_region(res, region);
   const uint32_t component_B = res->model.texel_B / res->components;
   const size_t count = texels.size_B / res->model.texel_B;
   const bool codes = world_has_codes(world, res);
   struct model_bytes out = model_bytes_create(count * 20);

   for (size_t i = 0; i < count; i++) {
      expect_word(&out, 5 * i, codes ? resident_at(res, region, i) : 2, true);
      for (uint32_t c = 0; c < 4; c++) {
         const size_t at = i * res->model.texel_B + c * component_B;
         uint32_t value = 0;
         bool known = c < res->components;

         for (uint32_t b = 0; c < res->components && b < component_B; b++)
            known &= texels.known[at + b] != 0;
         if (known)
            memcpy(&value, texels.value + at, component_B);
         expect_word(&out, 5 * i + 1 + c, value, known);
      }
   }
   model_bytes_destroy(&texels);
   return out;
}

static bool
act_fetch(struct world *world)
{
   struct world_resource *res = choose(world, IMAGES);

   if (!res)
      return false;
   const struct model_region region = random_region(world, res);
   struct model_bytes expected = expect_fetch(world, res, &region);
   const size_t size_B = expected.size_B;

   say(world, "fetch", res, &region);
   struct world_slice out = world_expect(
      world, expected, "fetch %s level %u layer %u at %u,%u,%u size %u,%u,%u",
      res->name, region.level, region.layer, region.at[0], region.at[1],
      region.at[2], region.size[0], region.size[1], region.size[2]);
   world_dispatch(world, WORLD_SHADER_FETCH, res, &region, 0, 0, out, size_B);
   return true;
}

/* The output of model_store.comp: what was there and a code. */
static struct model_bytes
expect_store(const struct world *world, const struct world_resource *res,
             const struct model_region *region, uint32_t mode,
             const struct model_bytes *before)
{
   const size_t count = before->size_B / 4;
   const bool codes = world_has_codes(world, res);
   struct model_bytes out = model_bytes_create(count * 8);

   for (size_t i = 0; i < count; i++) {
      uint32_t word = 0, known = UINT32_MAX;

      if (mode != 0) {
         memcpy(&word, before->value + 4 * i, 4);
         memcpy(&known, before->known + 4 * i, 4);
      }
      expect_word(&out, 2 * i, word, known == UINT32_MAX);
      expect_word(&out, 2 * i + 1,
                  mode == 1 && codes ? resident_at(res, region, i) : 2, true);
   }
   return out;
}

static bool
act_image_shader(struct world *world)
{
   struct world_resource *res = choose(world, IMAGES);
   const uint32_t mode = world_below(&world->random, 3);
   const uint32_t seed = world_below(&world->random, UINT32_MAX);
   static const char *const names[] = {"store", "load", "atomics"};

   if (!res || !res->level_views[0])
      return false;
   const struct model_region region = random_region(world, res);
   if (mode == 2 && model_aliases_itself(&res->model, &region))
      return false;
   struct model_bytes before = read_region(res, &region);
   struct model_bytes expected =
      expect_store(world, res, &region, mode, &before);
   const size_t size_B = expected.size_B;

   say(world, names[mode], res, &region);
   if (mode == 2) {
      write_region(res, &region, add_words(before, seed));
   } else if (mode == 0) {
      struct model_bytes after = model_bytes_create(before.size_B);
      for (size_t i = 0; i < after.size_B / 4; i++)
         expect_word(&after, i, shader_value(seed, (uint32_t)i), true);
      write_region(res, &region, after);
   }
   model_bytes_destroy(&before);
   struct world_slice out = world_expect(
      world, expected, "%s %s level %u layer %u at %u,%u,%u size %u,%u,%u",
      names[mode], res->name, region.level, region.layer, region.at[0],
      region.at[1], region.at[2], region.size[0], region.size[1],
      region.size[2]);
   world_dispatch(world, WORLD_SHADER_STORE, res, &region, mode, seed, out,
                  size_B);
   return true;
}

/* ------------------------------------------------------- up- and download --
 */

bool
world_act_upload(struct world *world)
{
   struct world_resource *res = choose(world, BUFFERS | IMAGES);

   if (!res)
      return false;
   const struct model_region region = random_region(world, res);
   struct model_bytes bytes =
      random_bytes(world, model_region_size(&res->model, &region));
   struct world_slice slice = world_upload(world, bytes.size_B);
   const VkBufferCopy buffer_copy = {slice.offset, region.at[0], bytes.size_B};
   const VkBufferImageCopy copy = image_copy(&region, slice.offset);

   say(world, "upload", res, &region);
   memcpy(slice.map, bytes.value, bytes.size_B);
   if (res->kind == WORLD_BUFFER)
      vkCmdCopyBuffer(world_commands(world), slice.buffer, res->buffer, 1,
                      &buffer_copy);
   else
      vkCmdCopyBufferToImage(world_commands(world), slice.buffer, res->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
   world_barrier(world);
   write_region(res, &region, bytes);
   return true;
}

static void
download(struct world *world, const struct world_resource *res,
         const struct model_region *region)
{
   struct model_bytes expected = read_region(res, region);
   const size_t size_B = expected.size_B;
   struct world_slice slice = world_expect(
      world, expected,
      "download %s level %u layer %u at %u,%u,%u size %u,%u,%u", res->name,
      region->level, region->layer, region->at[0], region->at[1], region->at[2],
      region->size[0], region->size[1], region->size[2]);
   const VkBufferCopy buffer_copy = {region->at[0], slice.offset, size_B};
   const VkBufferImageCopy copy = image_copy(region, slice.offset);

   if (res->kind == WORLD_BUFFER)
      vkCmdCopyBuffer(world_commands(world), res->buffer, slice.buffer, 1,
                      &buffer_copy);
   else
      vkCmdCopyImageToBuffer(world_commands(world), res->image,
                             VK_IMAGE_LAYOUT_GENERAL, slice.buffer, 1, &copy);
   world_barrier(world);
}

static bool
act_download(struct world *world)
{
   struct world_resource *res = choose(world, BUFFERS | IMAGES);

   if (!res)
      return false;
   const struct model_region region = random_region(world, res);
   say(world, "download", res, &region);
   download(world, res, &region);
   return true;
}

void
world_read_all(struct world *world)
{
   for (uint32_t i = 0; i < world->resource_count; i++) {
      struct world_resource *res = &world->resources[i];

      if (!res->residency && !model_is_fully_bound(&res->model))
         continue;
      for (uint32_t l = 0; l < res->model.levels * res->model.layers; l++) {
         const uint32_t *size = res->model.level[l / res->model.layers].size;
         const struct model_region all = {l / res->model.layers,
                                          l % res->model.layers,
                                          {0, 0, 0},
                                          {size[0], size[1], size[2]}};
         world_make_room(world);
         download(world, res, &all);
      }
   }
   world_checkpoint(world);
}

static bool
act_check(struct world *world)
{
   world_say(world, "check everything");
   world_read_all(world);
   return true;
}

const struct world_action world_actions[] = {
   {"bind", 30, world_act_bind},
   {"opaque", 2, world_act_opaque},
   {"fill", 4, act_fill},
   {"update", 4, act_update},
   {"upload", 12, world_act_upload},
   {"download", 6, act_download},
   {"copy-buffer", 6, act_copy_buffer},
   {"copy-image", 10, act_copy_image},
   {"buffer-image", 8, act_buffer_image},
   {"clear", 3, act_clear},
   {"buffer-shader", 8, act_buffer_shader},
   {"fetch", 8, act_fetch},
   {"image-shader", 10, act_image_shader},
   {"check", 1, act_check},
};
const unsigned world_action_count = VKH_ARRAY_SIZE(world_actions);
