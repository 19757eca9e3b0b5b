/* SPDX-License-Identifier: MIT */
/*
 * Image binds in, GPU ranges and residency bits out. What lies below
 * panvk_image_bind.c is replaced by recorders in this file, so neither an
 * engine nor a kernel driver takes part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "panvk_image.h"

#define TILE 65536ull
#define VA 0x7000000000ull
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_TILES 128

static VkImage
image_handle(uint64_t n)
{
   return (VkImage)n;
}

static VkDeviceMemory
memory_handle(uint64_t n)
{
   return (VkDeviceMemory)n;
}

/* ---------------------------------------------- what the recorders keep -- */

/* What each tile of the GPU range was bound to: memory + offset, or unbound. */
static struct {
   struct panvk_image *image; /* what every lookup finds */
   uint64_t tile[MAX_TILES]; /* 0: never bound */
   uint32_t calls;
   VkResult fail_with; /* returned by panvk_batch_bind() */
   struct panvk_residency_change changes[MAX_TILES];
   uint32_t change_count;
   char message[256];
} seen;

#define UNBOUND UINT64_MAX

static void
record_bind(uint64_t va, uint64_t size_B, VkDeviceMemory memory,
            uint64_t offset_B)
{
   assert_true(va >= VA && size_B && size_B % TILE == 0 && va % TILE == 0);
   assert_true(va - VA + size_B <= MAX_TILES * TILE);
   for (uint64_t at = 0; at < size_B; at += TILE)
      seen.tile[(va - VA + at) / TILE] =
         memory ? panvk_key(memory) + offset_B + at : UNBOUND;
   seen.calls++;
}

VkResult
panvk_batch_bind(struct panvk_batch *batch, const struct panvk_resource *res,
                 uint64_t va, uint64_t size_B, VkDeviceMemory memory,
                 VkDeviceSize memory_offset)
{
   if (seen.fail_with != VK_SUCCESS)
      return seen.fail_with;
   record_bind(va, size_B, memory, memory_offset);
   return VK_SUCCESS;
}

VkResult
panvk_batch_bind_opaque(struct panvk_batch *batch,
                        const struct panvk_resource *res,
                        const VkSparseMemoryBind *bind)
{
   record_bind(res->va + bind->resourceOffset, bind->size, bind->memory,
               bind->memoryOffset);
   return VK_SUCCESS;
}

void
panvk_bind_list_add_residency(struct panvk_bind_list *list,
                              struct panvk_image *image, uint32_t first_tile,
                              uint32_t tile_count, bool resident)
{
   assert_true(seen.change_count < MAX_TILES);
   seen.changes[seen.change_count++] =
      (struct panvk_residency_change){image, first_tile, tile_count, resident};
}

struct panvk_image *
panvk_image_lookup(struct panvk_device *dev, VkImage image)
{
   return seen.image;
}

const char *
panvk_resource_describe(const struct panvk_resource *res, char text[static 128])
{
   snprintf(text, 128, "image 'test'");
   return text;
}

void
panvk_error(struct panvk_instance *instance, VkObjectType type, uint64_t object,
            const char *format, ...)
{
   va_list args;

   va_start(args, format);
   vsnprintf(seen.message, sizeof(seen.message), format, args);
   va_end(args);
}

/* -------------------------------------------------------------- fixture -- */

/*
 * RGBA8, 300 x 200, three levels, two layers, in tiles:
 *
 *   GPU range   layer 0: level 0 [0..5], level 1 [6..7], level 2 [8]
 *               layer 1: level 0 [9..14], level 1 [15..16], level 2 [17]
 *   engine      level 0: layer 0 [0..5], layer 1 [6..11]
 *               level 1: layer 0 [12..13], layer 1 [14..15]
 *               level 2: layer 0 [16], layer 1 [17]
 */
#define TILES 18
static const uint8_t engine_tile[TILES] = {0, 1, 2, 3, 4,  5,  12, 13, 16,
                                           6, 7, 8, 9, 10, 11, 14, 15, 17};

struct fixture {
   struct panvk_physical_device pdev;
   struct panvk_device dev;
   struct panvk_batch batch;
   struct panvk_image image;
   uint32_t bits[MAX_TILES / 32];
};

static int
setup(void **state)
{
   static struct fixture f;
   const struct panvk_layout_info info = {
      .type = VK_IMAGE_TYPE_2D,
      .aspect = VK_IMAGE_ASPECT_COLOR_BIT,
      .block = {1, 1, 4, false},
      .extent = {300, 200, 1},
      .levels = 3,
      .layers = 2,
   };

   f = (struct fixture){
      .dev.pdev = &f.pdev,
      .batch.dev = &f.dev,
      .image =
         {
            .res = {.type = VK_OBJECT_TYPE_IMAGE,
                    .handle = 0x1234,
                    .va = VA,
                    .size_B = TILES * TILE},
            .residency = true,
            .engine.residency = f.bits,
         },
   };
   memset(&seen, 0, sizeof(seen));
   seen.image = &f.image;
   *state = &f;
   return !panvk_layout_init(&f.image.layout, &info);
}

static VkResult
bind_tiles(struct fixture *f, uint32_t count, const VkSparseImageMemoryBind *b)
{
   const VkSparseImageMemoryBindInfo info = {image_handle(0x1234), count, b};

   return panvk_image_append_binds(&f->batch, &info);
}

static VkResult
bind_opaque(struct fixture *f, uint32_t count, const VkSparseMemoryBind *b)
{
   const VkSparseImageOpaqueMemoryBindInfo info = {image_handle(0x1234), count,
                                                   b};

   return panvk_image_append_opaque_binds(&f->batch, &info);
}

/* Applies all that was recorded, in the order a queue does. */
static void
apply(struct fixture *f)
{
   panvk_image_apply_residency(&f->dev, seen.changes, seen.change_count, false);
   panvk_image_apply_residency(&f->dev, seen.changes, seen.change_count, true);
   seen.change_count = 0;
}

/* The bit of each tile must say whether the tile is bound. */
static void
assert_bits_follow(const struct fixture *f)
{
   for (uint32_t i = 0; i < TILES; i++) {
      bool bound = seen.tile[i] && seen.tile[i] != UNBOUND;
      uint32_t bit = engine_tile[i];

      assert_int_equal((f->bits[bit / 32] >> bit % 32) & 1, bound);
   }
}

/* ---------------------------------------------------------------- tests -- */

static void
test_image_binds(void **state)
{
   struct fixture *f = *state;
   const VkSparseImageMemoryBind binds[] = {
      /* All of level 0 of layer 1: one range. */
      {{1, 0, 1}, {0, 0, 0}, {300, 200, 1}, memory_handle(0x1000000), 0, 0},
      /* The right two columns of level 0 of layer 0: a range for each row. */
      {{1, 0, 0},
       {128, 0, 0},
       {172, 200, 1},
       memory_handle(0x2000000),
       3 * TILE,
       0},
      {{1, 1, 1}, {128, 0, 0}, {22, 100, 1}, memory_handle(0x3000000), 0, 0},
      {{1, 2, 0}, {0, 0, 0}, {75, 50, 1}, VK_NULL_HANDLE, 0, 0},
   };
   const uint64_t expected[TILES] = {
      [9] = 0x1000000,
      [10] = 0x1000000 + TILE,
      [11] = 0x1000000 + 2 * TILE,
      [12] = 0x1000000 + 3 * TILE,
      [13] = 0x1000000 + 4 * TILE,
      [14] = 0x1000000 + 5 * TILE,
      /* Memory advances x first: two tiles of row 0, two of row 1. */
      [1] = 0x2000000 + 3 * TILE,
      [2] = 0x2000000 + 4 * TILE,
      [4] = 0x2000000 + 5 * TILE,
      [5] = 0x2000000 + 6 * TILE,
      [16] = 0x3000000,
      [8] = UNBOUND,
   };

   assert_int_equal(bind_tiles(f, COUNT(binds), binds), VK_SUCCESS);
   assert_int_equal(seen.calls, 1 + 2 + 1 + 1);
   assert_memory_equal(seen.tile, expected, sizeof(expected));
   apply(f);
   assert_bits_follow(f);
}

static void
test_opaque_binds(void **state)
{
   struct fixture *f = *state;
   const VkSparseMemoryBind all = {0, TILES * TILE, memory_handle(0x1000000), 0,
                                   0};
   /* From the middle of level 0 of layer 0 to the middle of layer 1's. */
   const VkSparseMemoryBind hole = {4 * TILE, 7 * TILE, VK_NULL_HANDLE, 0, 0};

   assert_int_equal(bind_opaque(f, 1, &all), VK_SUCCESS);
   assert_int_equal(seen.calls, 1);
   apply(f);
   assert_bits_follow(f);
   assert_int_equal(f->bits[0], (1u << TILES) - 1);

   assert_int_equal(bind_opaque(f, 1, &hole), VK_SUCCESS);
   assert_int_equal(seen.calls, 2);
   apply(f);
   assert_bits_follow(f);
   for (uint32_t i = 0; i < TILES; i++)
      assert_int_equal(seen.tile[i] == UNBOUND, i >= 4 && i < 11);
}

/* An opaque image has no tiles, and so no bits. */
static void
test_opaque_image(void **state)
{
   struct fixture *f = *state;
   const VkSparseMemoryBind bind = {TILE, 2 * TILE, memory_handle(0x1000000), 0,
                                    0};
   const VkSparseImageMemoryBind tile = {
      {1, 0, 0}, {0, 0, 0}, {128, 128, 1}, memory_handle(0x1000000), 0, 0};

   f->image.residency = false;
   assert_int_equal(bind_opaque(f, 1, &bind), VK_SUCCESS);
   assert_int_equal(seen.calls, 1);
   assert_int_equal(seen.change_count, 0);

   assert_int_equal(bind_tiles(f, 1, &tile), VK_ERROR_VALIDATION_FAILED_EXT);
   assert_non_null(strstr(seen.message, "RESIDENCY"));
}

static void
test_empty(void **state)
{
   struct fixture *f = *state;

   /* Legal even where the image is none of ours. */
   assert_int_equal(bind_tiles(f, 0, NULL), VK_SUCCESS);
   assert_int_equal(bind_opaque(f, 0, NULL), VK_SUCCESS);
   seen.image = NULL;
   assert_int_equal(bind_tiles(f, 0, NULL), VK_SUCCESS);
   assert_int_equal(bind_opaque(f, 0, NULL), VK_SUCCESS);
   assert_int_equal(seen.calls, 0);
   assert_int_equal(seen.message[0], 0);
}

static void
test_bad_image_binds(void **state)
{
   struct fixture *f = *state;
   const VkSparseImageMemoryBind good = {
      {1, 0, 0}, {0, 0, 0}, {128, 128, 1}, memory_handle(0x1000000), 0, 0};
   VkSparseImageMemoryBind bad[5];

   for (size_t i = 0; i < COUNT(bad); i++)
      bad[i] = good;
   bad[0].flags = VK_SPARSE_MEMORY_BIND_METADATA_BIT;
   bad[1].subresource.aspectMask = VK_IMAGE_ASPECT_DEPTH_BIT;
   bad[2].subresource.mipLevel = 3;
   bad[3].subresource.arrayLayer = 2;
   bad[4].extent.width = 64;
   for (size_t i = 0; i < COUNT(bad); i++) {
      seen.message[0] = 0;
      assert_int_equal(bind_tiles(f, 1, &bad[i]),
                       VK_ERROR_VALIDATION_FAILED_EXT);
      assert_non_null(strstr(seen.message, "image bind 0 of image 'test': "));
   }
   assert_int_equal(seen.calls, 0);
   assert_int_equal(seen.change_count, 0);

   seen.image = NULL;
   assert_int_equal(bind_tiles(f, 1, &good), VK_ERROR_VALIDATION_FAILED_EXT);
   assert_int_equal(bind_opaque(f, 1, &(VkSparseMemoryBind){0, TILE}),
                    VK_ERROR_VALIDATION_FAILED_EXT);
}

static void
test_bad_opaque_binds(void **state)
{
   struct fixture *f = *state;
   const VkSparseMemoryBind bad[] = {
      {0, TILE, memory_handle(1), 0, VK_SPARSE_MEMORY_BIND_METADATA_BIT},
      {0, 0, memory_handle(1), 0, 0},
      {4096, TILE, memory_handle(1), 0, 0},
      {0, 4096, memory_handle(1), 0, 0},
      {TILES * TILE, TILE, memory_handle(1), 0, 0},
      {(TILES - 1) * TILE, 2 * TILE, memory_handle(1), 0, 0},
      {TILE, -TILE, memory_handle(1), 0, 0},
   };

   for (size_t i = 0; i < COUNT(bad); i++) {
      seen.message[0] = 0;
      assert_int_equal(bind_opaque(f, 1, &bad[i]),
                       VK_ERROR_VALIDATION_FAILED_EXT);
      assert_non_null(strstr(seen.message, "opaque bind 0 of image 'test': "));
   }
   assert_int_equal(seen.calls, 0);
   assert_int_equal(seen.change_count, 0);
}

/* What the batch refuses must not change a bit. */
static void
test_refused_memory(void **state)
{
   struct fixture *f = *state;
   const VkSparseImageMemoryBind tile = {
      {1, 0, 0}, {0, 0, 0}, {128, 128, 1}, memory_handle(1), 0, 0};
   const VkSparseMemoryBind opaque = {0, TILE, memory_handle(1), 0, 0};

   seen.fail_with = VK_ERROR_OUT_OF_DEVICE_MEMORY;
   assert_int_equal(bind_tiles(f, 1, &tile), VK_ERROR_OUT_OF_DEVICE_MEMORY);
   assert_int_equal(bind_opaque(f, 1, &opaque), VK_ERROR_OUT_OF_DEVICE_MEMORY);
   assert_int_equal(seen.change_count, 0);
}

/* Stretches that begin, end and lie anywhere in a word. */
static void
test_bits(void **state)
{
   struct fixture *f = *state;
   bool bits[MAX_TILES] = {0};

   f->image.layout.engine_size_B = MAX_TILES * TILE;
   for (int i = 0; i < 20000; i++) {
      struct panvk_residency_change change = {
         .image = &f->image,
         .first_tile = (uint32_t)rand() % MAX_TILES,
         .resident = rand() & 1,
      };

      change.tile_count =
         1 + (uint32_t)rand() % (MAX_TILES - change.first_tile);
      panvk_image_apply_residency(&f->dev, &change, 1, change.resident);
      /* The other pass must leave it alone. */
      panvk_image_apply_residency(&f->dev, &change, 1, !change.resident);
      for (uint32_t t = 0; t < change.tile_count; t++)
         bits[change.first_tile + t] = change.resident;
      for (uint32_t t = 0; t < MAX_TILES; t++)
         assert_int_equal((f->bits[t / 32] >> t % 32) & 1, bits[t]);
   }
}

/*
 * RGBA8, 512 x 512, ten levels, two layers; the tail of each has two blocks:
 *
 *   block 0    levels 3 to 7
 *   block 1    levels 8 and 9
 */
static void
test_tail(void **state)
{
   static const struct {
      uint32_t layer, block, count;
      bool bound;
      uint32_t resident[2]; /* levels, as bits, of each layer */
   } steps[] = {
      {0, 0, 1, true, {0x0f8, 0}},     {1, 1, 1, true, {0x0f8, 0x300}},
      {0, 1, 1, true, {0x3f8, 0x300}}, {1, 0, 2, true, {0x3f8, 0x3f8}},
      {0, 0, 2, false, {0, 0x3f8}},    {1, 1, 1, false, {0, 0x0f8}},
   };
   struct fixture *f = *state;
   const struct panvk_layout_info info = {
      .type = VK_IMAGE_TYPE_2D,
      .aspect = VK_IMAGE_ASPECT_COLOR_BIT,
      .block = {1, 1, 4, false},
      .extent = {512, 512, 1},
      .levels = 10,
      .layers = 2,
      .packed_tail = true,
   };
   const VkSparseImageMemoryBind tile = {
      {1, 3, 0}, {0, 0, 0}, {64, 64, 1}, memory_handle(0x1000000), 0, 0};
   struct panvk_layout *layout = &f->image.layout;
   bool tail_bound[4] = {0};

   assert_true(panvk_layout_init(layout, &info));
   f->image.tail_bound = tail_bound;
   assert_int_equal(bind_tiles(f, 1, &tile), VK_ERROR_VALIDATION_FAILED_EXT);
   assert_non_null(strstr(seen.message, "mip tail"));

   for (size_t i = 0; i < COUNT(steps); i++) {
      const VkSparseMemoryBind bind = {
         .resourceOffset = steps[i].layer * layout->layer_stride_B +
                           layout->tail_offset_B + steps[i].block * TILE,
         .size = steps[i].count * TILE,
         .memory = steps[i].bound ? memory_handle(0x1000000) : VK_NULL_HANDLE,
      };

      assert_int_equal(bind_opaque(f, 1, &bind), VK_SUCCESS);
      apply(f);
      for (uint32_t layer = 0; layer < 2; layer++)
         for (uint32_t level = 0; level < 10; level++) {
            uint64_t n =
               panvk_layout_engine_offset(layout, level, layer) / TILE;

            if ((f->bits[n / 32] >> n % 32 & 1) !=
                (steps[i].resident[layer] >> level & 1))
               fail_msg("step %zu: layer %u level %u", i, layer, level);
         }
   }
   /* Nothing but tails has changed. */
   for (uint32_t n = 0; n < 2 * 21; n++)
      assert_int_equal(f->bits[n / 32] >> n % 32 & 1, 0);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_image_binds, setup),
      cmocka_unit_test_setup(test_opaque_binds, setup),
      cmocka_unit_test_setup(test_opaque_image, setup),
      cmocka_unit_test_setup(test_empty, setup),
      cmocka_unit_test_setup(test_bad_image_binds, setup),
      cmocka_unit_test_setup(test_bad_opaque_binds, setup),
      cmocka_unit_test_setup(test_refused_memory, setup),
      cmocka_unit_test_setup(test_bits, setup),
      cmocka_unit_test_setup(test_tail, setup),
   };

   srand(1);
   return cmocka_run_group_tests(tests, NULL, NULL);
}
