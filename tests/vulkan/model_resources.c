/* SPDX-License-Identifier: MIT */
/* The resources and the memory of a world. */
#include "model_world.h"

static const struct {
   VkFormat format;
   const char *name;
   uint32_t texel_B, components;
} formats[] = {
   {VK_FORMAT_R8_UINT, "r8", 1, 1},
   {VK_FORMAT_R16_UINT, "r16", 2, 1},
   {VK_FORMAT_R8G8B8A8_UINT, "rgba8", 4, 4},
   {VK_FORMAT_R32_UINT, "r32", 4, 1}, /* twice: it can be stored to */
   {VK_FORMAT_R32_UINT, "r32", 4, 1},
   {VK_FORMAT_R32G32_UINT, "rg32", 8, 2},
   {VK_FORMAT_R32G32B32A32_UINT, "rgba32", 16, 4},
};

void
world_init(struct world *world, uint64_t seed, bool aliased)
{
   const bool verbose = world->verbose;

   *world = (struct world){
      .random = {seed * 0x9e3779b97f4a7c15ull | 1},
      .seed = seed,
      .aliased = aliased && vt.features.sparseResidencyAliased,
      .strict = vt.properties.sparseProperties.residencyNonResidentStrict,
      .codes = vt.features.shaderResourceResidency,
      .verbose = verbose,
      .next_layout = 1,
   };
   for (int i = 0; i < 8; i++)
      world_below(&world->random, 2);
}

static void
destroy_memory(struct world_memory *memory)
{
   vkFreeMemory(vt.device, memory->handle, NULL);
   model_memory_finish(&memory->model);
}

static void
destroy_resource(struct world_resource *res)
{
   for (uint32_t i = 0; i < MODEL_MAX_LEVELS; i++)
      vkDestroyImageView(vt.device, res->level_views[i], NULL);
   vkDestroyImageView(vt.device, res->view, NULL);
   vkDestroyImage(vt.device, res->image, NULL);
   vkDestroyBuffer(vt.device, res->buffer, NULL);
   destroy_memory(&res->tails);
   destroy_memory(&res->whole);
   model_resource_finish(&res->model);
}

/* Memory goes first or last, as chance has it: either is allowed. */
void
world_finish(struct world *world)
{
   const bool memory_first = world_one_in(&world->random, 2);

   world_checkpoint(world);
   for (uint32_t i = 0; memory_first && i < world->memory_count; i++)
      destroy_memory(&world->memory[i]);
   for (uint32_t i = 0; i < world->resource_count; i++)
      destroy_resource(&world->resources[i]);
   for (uint32_t i = 0; !memory_first && i < world->memory_count; i++)
      destroy_memory(&world->memory[i]);
}

static void
create_memory(struct world_memory *memory, uint32_t blocks, uint32_t type_bits)
{
   if (!blocks)
      return;
   memory->handle = vt_memory(blocks, type_bits);
   model_memory_init(&memory->model, blocks);
}

bool
world_add_memory(struct world *world, uint32_t blocks)
{
   uint32_t type_bits = UINT32_MAX;

   for (uint32_t i = 0; i < world->resource_count; i++)
      type_bits &= world->resources[i].req.memoryTypeBits;
   if (!type_bits)
      return false;
   create_memory(&world->memory[world->memory_count++], blocks, type_bits);
   return true;
}

/* --------------------------------------------------------------- buffers -- */

struct world_resource *
world_add_buffer(struct world *world, bool residency)
{
   struct world_resource *res = &world->resources[world->resource_count++];
   const uint32_t tiles = 1 + world_below(&world->random, 6);
   const uint32_t odd_B = world_one_in(&world->random, 2)
                             ? 0
                             : 1 + world_below(&world->random, 65535);
   const struct model_shape shape = {
      .strict = world->strict,
      .size = {tiles * MODEL_BLOCK_B - odd_B, 1, 1},
      .levels = 1,
      .layers = 1,
      .texel_B = 1,
      .tile = {MODEL_BLOCK_B, 1, 1},
      .tail_level = 1,
   };

   *res = (struct world_resource){.kind = WORLD_BUFFER, .residency = residency};
   snprintf(res->name, sizeof(res->name), "buffer%u",
            world->resource_count - 1);
   res->buffer = vkh_sparse_buffer_create(
      &vt, shape.size[0],
      (residency ? VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT : 0) |
         (world->aliased ? VK_BUFFER_CREATE_SPARSE_ALIASED_BIT : 0),
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
         VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   res->req = vt_buffer_requirements(res->buffer);
   assert_true(res->req.size >= shape.size[0] &&
               res->req.size <= tiles * MODEL_BLOCK_B);
   /* Buffers are linear: whoever shares a block sees the same. */
   model_resource_init(&res->model, &shape, 1, 0);
   world_say(world, "%s: %u bytes%s", res->name, shape.size[0],
             residency ? "" : ", without residency");
   return res;
}

/* ---------------------------------------------------------------- images -- */

static bool
is_supported(const VkImageCreateInfo *info)
{
   VkImageFormatProperties properties;
   uint32_t count = 0;

   if (vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, info->format, info->imageType, info->tiling, info->usage,
          info->flags, &properties) != VK_SUCCESS)
      return false;
   if (info->arrayLayers > properties.maxArrayLayers ||
       info->mipLevels > properties.maxMipLevels)
      return false;
   if (!(info->flags & VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT))
      return true;
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, info->format, info->imageType, info->samples, info->usage,
      info->tiling, &count, NULL);
   return count != 0;
}

/* Sizes of one to three tiles a side, odd or whole, by the tile's usual size.
 */
static VkExtent3D
random_extent(struct world_random *random, enum world_kind kind,
              uint32_t texel_B)
{
   const uint32_t texels = MODEL_BLOCK_B / texel_B;
   uint32_t side = 1;

   if (kind == WORLD_IMAGE_2D) {
      while (side * side < texels)
         side *= 2;
      return (VkExtent3D){
         1 + world_below(random, side * 5 / 2),
         1 + world_below(random, side * 2),
         1,
      };
   }
   while (side * side * side < texels)
      side *= 2;
   return (VkExtent3D){
      1 + world_below(random, side * 5 / 2),
      1 + world_below(random, side * 3 / 2),
      1 + world_below(random, side * 3 / 2),
   };
}

static void
create_views(struct world_resource *res, bool storage)
{
   VkImageViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = res->image,
      .viewType = res->kind == WORLD_IMAGE_3D ? VK_IMAGE_VIEW_TYPE_3D
                                              : VK_IMAGE_VIEW_TYPE_2D_ARRAY,
      .format = res->format,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, res->model.levels, 0,
                           res->model.layers},
   };

   VKH_CHECK(vkCreateImageView(vt.device, &info, NULL, &res->view));
   info.subresourceRange.levelCount = 1;
   for (uint32_t l = 0; storage && l < res->model.levels; l++) {
      info.subresourceRange.baseMipLevel = l;
      VKH_CHECK(
         vkCreateImageView(vt.device, &info, NULL, &res->level_views[l]));
   }
}

/* Fills in what the driver says of tiles and tails. */
static void
shape_of_image(struct world_resource *res, struct model_shape *shape)
{
   if (!res->residency) {
      shape->tile[0] = shape->tile[1] = shape->tile[2] = 1;
      shape->tail_level = 0;
      shape->tail_count = 1;
      shape->tail_blocks =
         (uint32_t)((res->req.size + MODEL_BLOCK_B - 1) / MODEL_BLOCK_B);
      return;
   }
   res->sparse = vkh_sparse_requirements(&vt, res->image);
   const VkSparseImageFormatProperties *format = &res->sparse.formatProperties;
   const bool single =
      format->flags & VK_SPARSE_IMAGE_FORMAT_SINGLE_MIPTAIL_BIT;

   shape->tile[0] = format->imageGranularity.width;
   shape->tile[1] = format->imageGranularity.height;
   shape->tile[2] = format->imageGranularity.depth;
   assert_int_equal((uint64_t)shape->tile[0] * shape->tile[1] * shape->tile[2] *
                       shape->texel_B,
                    MODEL_BLOCK_B);
   shape->tail_level = res->sparse.imageMipTailFirstLod;
   if (shape->tail_level >= shape->levels)
      shape->tail_level = shape->levels;
   else {
      shape->tail_count = single ? 1 : shape->layers;
      shape->tail_blocks =
         (uint32_t)(res->sparse.imageMipTailSize / MODEL_BLOCK_B);
   }
}

static void
init_model(struct world *world, struct world_resource *res,
           struct model_shape *shape, uint32_t format)
{
   /* Blocks of like images look alike only if aliasing is to be consistent. */
   uint32_t layout = 2 + format + (res->kind == WORLD_IMAGE_3D ? 100 : 0);

   shape_of_image(res, shape);
   if (!world->aliased)
      layout = 1000 + world->next_layout++;
   model_resource_init(&res->model, shape, layout,
                       (1u << 20) * world->resource_count);
   create_memory(&res->tails, 2 * shape->tail_count * shape->tail_blocks,
                 res->req.memoryTypeBits);
   if (res->residency && world_one_in(&world->random, 3))
      create_memory(&res->whole, (uint32_t)(res->req.size / MODEL_BLOCK_B),
                    res->req.memoryTypeBits);
   world_say(world,
             "%s: %s %ux%ux%u, %u levels, %u layers, tiles %ux%ux%u%s; tail "
             "from level %u: %u of %u blocks",
             res->name, formats[format].name, shape->size[0], shape->size[1],
             shape->size[2], shape->levels, shape->layers, shape->tile[0],
             shape->tile[1], shape->tile[2],
             res->residency ? "" : ", without residency", shape->tail_level,
             shape->tail_count, shape->tail_blocks);
}

void
world_image_ready(struct world *world, struct world_resource *res)
{
   if (res->kind == WORLD_BUFFER || res->ready)
      return;
   vkh_image_layout(world_commands(world), res->image,
                    VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                    VK_IMAGE_LAYOUT_GENERAL);
   res->ready = true;
}

struct world_resource *
world_add_image(struct world *world, enum world_kind kind, bool residency)
{
   struct world_random *random = &world->random;
   const uint32_t f = world_below(random, VKH_ARRAY_SIZE(formats));
   const VkExtent3D extent = random_extent(random, kind, formats[f].texel_B);
   const bool storage = formats[f].format == VK_FORMAT_R32_UINT;
   uint32_t most = 1;

   for (uint32_t s = extent.width | extent.height | extent.depth; s > 1; s /= 2)
      most++;
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               (residency ? VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT : 0) |
               (world->aliased ? VK_IMAGE_CREATE_SPARSE_ALIASED_BIT : 0),
      .imageType = kind == WORLD_IMAGE_3D ? VK_IMAGE_TYPE_3D : VK_IMAGE_TYPE_2D,
      .format = formats[f].format,
      .extent = extent,
      .mipLevels =
         1 +
         world_below(random, most < MODEL_MAX_LEVELS ? most : MODEL_MAX_LEVELS),
      .arrayLayers = kind == WORLD_IMAGE_3D ? 1 : 1 + world_below(random, 2),
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
               VK_IMAGE_USAGE_TRANSFER_DST_BIT |
               (storage ? VK_IMAGE_USAGE_STORAGE_BIT : 0),
   };
   struct model_shape shape = {
      .strict = world->strict,
      .size = {extent.width, extent.height, extent.depth},
      .levels = info.mipLevels,
      .layers = info.arrayLayers,
      .texel_B = formats[f].texel_B,
   };

   if (!is_supported(&info))
      return NULL;
   struct world_resource *res = &world->resources[world->resource_count++];
   *res = (struct world_resource){
      .kind = kind,
      .residency = residency,
      .format = formats[f].format,
      .components = formats[f].components,
   };
   snprintf(res->name, sizeof(res->name), "image%u", world->resource_count - 1);
   VKH_CHECK(vkCreateImage(vt.device, &info, NULL, &res->image));
   res->req = vt_image_requirements(res->image);
   init_model(world, res, &shape, f);
   create_views(res, storage);
   /* Others may not be used at all before they are bound. */
   if (residency)
      world_image_ready(world, res);
   return res;
}
