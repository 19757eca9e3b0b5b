/* SPDX-License-Identifier: MIT */
#include "verify.h"
#include "landscape.h"

#include <string.h>

#include "texels_code_comp.h"
#include "texels_table_comp.h"

#define TEXELS_PER_TILE 8
#define WORKGROUP 64 /* as in shaders/texels.comp */

struct question {
   uint32_t x, y, level, tile; /* UINT32_MAX: in the mip tail */
};

struct answer {
   uint32_t rgba, bound;
};

static const VkDescriptorType set_types[] = {
   VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
};

void
verify_create(struct verify *verify, const struct vkh *vk,
              struct megatexture *tex, bool use_residency_codes, uint32_t seed)
{
   const uint32_t tail_levels = LANDSCAPE_LEVELS - tex->tail_first_level;
   const uint32_t count = VKH_ARRAY_SIZE(set_types);

   memset(verify, 0, sizeof(*verify));
   verify->vk = vk;
   verify->tex = tex;
   verify->uses_residency_codes = use_residency_codes;
   verify->strict =
      vk->properties.sparseProperties.residencyNonResidentStrict;
   verify->random = seed * 2654435761u | 1;
   verify->capacity = (2 * tex->residency.page_count + tail_levels) *
                      TEXELS_PER_TILE;
   vkh_buffer_create(vk, verify->capacity * sizeof(struct question),
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VKH_MEMORY_UPLOAD,
                     &verify->questions);
   vkh_buffer_create(vk, verify->capacity * sizeof(struct answer),
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VKH_MEMORY_READBACK,
                     &verify->answers);

   verify->set_layout =
      vkh_set_layout(vk, VK_SHADER_STAGE_COMPUTE_BIT, set_types, count);
   verify->pipeline_layout =
      vkh_pipeline_layout(vk, verify->set_layout, VK_SHADER_STAGE_COMPUTE_BIT,
                          sizeof(uint32_t));
   verify->set = vkh_descriptor_set(vk, verify->set_layout, set_types, count,
                                    &verify->descriptor_pool);
   vkh_write_image(vk, verify->set, 0, set_types[0], tex->view,
                   VK_IMAGE_LAYOUT_GENERAL, tex->sampler);
   vkh_write_buffer(vk, verify->set, 1, set_types[1], verify->questions.buffer,
                    0, VK_WHOLE_SIZE);
   vkh_write_buffer(vk, verify->set, 2, set_types[2], verify->answers.buffer, 0,
                    VK_WHOLE_SIZE);
   verify->pipeline =
      use_residency_codes
         ? vkh_compute_pipeline(vk, verify->pipeline_layout, texels_code_comp,
                                sizeof(texels_code_comp))
         : vkh_compute_pipeline(vk, verify->pipeline_layout, texels_table_comp,
                                sizeof(texels_table_comp));
}

void
verify_destroy(struct verify *verify)
{
   const struct vkh *vk = verify->vk;

   vkDestroyPipeline(vk->device, verify->pipeline, NULL);
   vkDestroyDescriptorPool(vk->device, verify->descriptor_pool, NULL);
   vkDestroyPipelineLayout(vk->device, verify->pipeline_layout, NULL);
   vkDestroyDescriptorSetLayout(vk->device, verify->set_layout, NULL);
   vkh_buffer_destroy(vk, &verify->questions);
   vkh_buffer_destroy(vk, &verify->answers);
}

/* A number below @limit; xorshift. */
static uint32_t
random_below(struct verify *verify, uint32_t limit)
{
   verify->random ^= verify->random << 13;
   verify->random ^= verify->random >> 17;
   verify->random ^= verify->random << 5;
   return (uint32_t)((uint64_t)verify->random * limit >> 32);
}

/* ------------------------------------------------------------- reporting -- */

/* Says which tile a texel is in: "level 2, tile 3,5, texel 400,700". */
static void
report(struct verify *verify, uint32_t level, uint32_t x, uint32_t y,
       const char *format, uint32_t got, uint32_t expected)
{
   const struct megatexture *tex = verify->tex;

   verify->wrong++;
   if (verify->wrong > VERIFY_MAX_REPORTS)
      return;
   fprintf(stderr, "wrong texel: level %u, tile %u,%u%s, texel %u,%u: ", level,
           x / tex->tile_width, y / tex->tile_height,
           level >= tex->tail_first_level ? " (mip tail)" : "", x, y);
   fprintf(stderr, format, got, expected);
   fputc('\n', stderr);
}

#define COLORS "got 0x%08x, expected 0x%08x (ABGR)"

/* ------------------------------------------------------- texels of tiles -- */

static uint32_t
ask_tile(struct verify *verify, struct question *questions, uint32_t tile)
{
   const struct megatexture *tex = verify->tex;
   uint32_t level, column, row;

   residency_locate(&tex->residency, tile, &level, &column, &row);

   const uint32_t x = column * tex->tile_width, y = row * tex->tile_height;
   const uint32_t across = LANDSCAPE_SIZE >> level;
   const uint32_t width =
      across - x < tex->tile_width ? across - x : tex->tile_width;
   const uint32_t height =
      across - y < tex->tile_height ? across - y : tex->tile_height;

   for (uint32_t i = 0; i < TEXELS_PER_TILE; i++) {
      questions[i] = (struct question){x + random_below(verify, width),
                                       y + random_below(verify, height), level,
                                       tile};
   }
   return TEXELS_PER_TILE;
}

static uint32_t
ask_all(struct verify *verify, struct question *questions)
{
   const struct residency *res = &verify->tex->residency;
   uint32_t count = 0, bound = 0;

   for (uint32_t tile = 0; tile < res->tile_count; tile++) {
      if (residency_is_bound(res, tile)) {
         count += ask_tile(verify, questions + count, tile);
         bound++;
      }
   }
   /* Without codes and strict reads there is nothing to know of the others. */
   for (uint32_t i = 0;
        (verify->uses_residency_codes || verify->strict) && i < bound; i++) {
      const uint32_t tile = random_below(verify, res->tile_count);

      if (!residency_is_bound(res, tile))
         count += ask_tile(verify, questions + count, tile);
   }
   for (uint32_t level = verify->tex->tail_first_level;
        level < LANDSCAPE_LEVELS; level++) {
      for (uint32_t i = 0; i < TEXELS_PER_TILE; i++) {
         questions[count++] = (struct question){
            random_below(verify, LANDSCAPE_SIZE >> level),
            random_below(verify, LANDSCAPE_SIZE >> level), level, UINT32_MAX};
      }
   }
   return count;
}

static void
check_answer(struct verify *verify, const struct question *q,
             const struct answer *a)
{
   const bool bound = q->tile == UINT32_MAX ||
                      residency_is_bound(&verify->tex->residency, q->tile);

   verify->texels++;
   if (verify->uses_residency_codes && a->bound != (uint32_t)bound) {
      report(verify, q->level, q->x, q->y,
             "the residency code says %u, expected %u", a->bound, bound);
   } else if (bound) {
      const uint32_t expected = landscape_texel(q->level, q->x, q->y);

      if (a->rgba != expected)
         report(verify, q->level, q->x, q->y, COLORS, a->rgba, expected);
   } else if (verify->strict && a->rgba != 0) {
      report(verify, q->level, q->x, q->y, "unbound: " COLORS, a->rgba, 0);
   }
}

void
verify_tiles(struct verify *verify)
{
   const struct vkh *vk = verify->vk;
   const struct answer *answers = verify->answers.map;
   const uint32_t count = ask_all(verify, verify->questions.map);
   const struct question *questions = verify->questions.map;
   VkCommandBuffer cmd = vkh_begin(vk);

   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, verify->pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE,
                           verify->pipeline_layout, 0, 1, &verify->set, 0,
                           NULL);
   vkCmdPushConstants(cmd, verify->pipeline_layout,
                      VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(count), &count);
   vkCmdDispatch(cmd, (count + WORKGROUP - 1) / WORKGROUP, 1, 1);
   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                      VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_HOST_BIT, VK_ACCESS_2_HOST_READ_BIT);
   megatexture_submit_and_wait(verify->tex, cmd);
   for (uint32_t i = 0; i < count; i++)
      check_answer(verify, &questions[i], &answers[i]);
}

/* ----------------------------------------------------- pixels of a frame -- */

static uint32_t
tile_of(const struct megatexture *tex, const struct scene_texel *t)
{
   const struct residency_level *level = &tex->residency.levels[t->level];

   return level->first + t->y / tex->tile_height * level->columns +
          t->x / tex->tile_width;
}

static void
check_pixel(struct verify *verify, const struct scene_texel *t)
{
   const struct megatexture *tex = verify->tex;

   verify->pixels++;
   if (t->level >= LANDSCAPE_LEVELS || t->x >= LANDSCAPE_SIZE >> t->level ||
       t->y >= LANDSCAPE_SIZE >> t->level) {
      report(verify, t->level, t->x, t->y,
             "no such texel (shown as 0x%08x; %u levels)", t->rgba,
             LANDSCAPE_LEVELS);
      return;
   }
   if (t->level < tex->tail_first_level &&
       !residency_is_bound(&tex->residency, tile_of(tex, t))) {
      report(verify, t->level, t->x, t->y,
             "shown as 0x%08x, but the tile is not bound (page %u)", t->rgba,
             RESIDENCY_NO_PAGE);
      return;
   }

   const uint32_t expected = landscape_texel(t->level, t->x, t->y);

   if (t->rgba != expected)
      report(verify, t->level, t->x, t->y, COLORS, t->rgba, expected);
}

void
verify_picture(struct verify *verify, const struct scene_texel *pixels,
               uint32_t width, uint32_t height)
{
   for (size_t i = 0; i < (size_t)width * height; i++) {
      if (pixels[i].level != SCENE_NO_TEXEL)
         check_pixel(verify, &pixels[i]);
   }
}
