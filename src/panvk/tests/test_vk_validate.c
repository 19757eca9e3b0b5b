/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_DEBUG=validate, through the loader: each rule broken once, with the
 * numbers in the message; and correct programs, about which nothing is said.
 */
#include "diag_fixture.h"

/* Of two tiles' worth of 4 x 4 tiles: 512 x 512, level 1 of 2 x 2. */
static VkImage
create_image(void)
{
   return diag_image("terrain", 512, 512, 2, 1);
}

/* There is one message by that id, whose text holds @what. */
static void
expect_rule(const char *id, const char *what)
{
   uint32_t found = 0;
   for (uint32_t i = 0; i < diag.message_count; i++) {
      const struct diag_message *message = &diag.messages[i];
      if (strcmp(message->id, id) != 0)
         continue;
      found++;
      if (strstr(message->text, what) == NULL)
         fail_msg("'%s' is not in: %s", what, message->text);
   }
   if (found != 1)
      fail_msg("%u messages %s", found, id);
}

/* No message by a rule's name: what the driver refuses may have been said. */
static void
expect_no_rule(void)
{
   for (uint32_t i = 0; i < diag.message_count; i++)
      if (strcmp(diag.messages[i].id, "pansparse") != 0)
         fail_msg("unexpected: %s", diag.messages[i].text);
   diag.message_count = 0;
}

/* ---------------------------------------------------------------- buffers -- */

#define BUFFER_TILES 8

/* A bind of a buffer of eight tiles to a memory of four. */
struct buffer_case {
   const char *id, *text;
   VkDeviceSize offset, size, memory_offset;
   bool unbind;
};

static const struct buffer_case buffer_cases[] = {
   {"VUID-VkSparseMemoryBind-size-01098",
    "batch 0, buffer bind 1 of buffer 'pages' (0x", 0, 0, 0},
   {"VUID-VkSparseMemoryBind-resourceOffset-01099",
    "resourceOffset 0x80000 is beyond the resource, which has 0x80000 bytes",
    BUFFER_TILES *TILE, TILE, 0},
   {"VUID-VkSparseMemoryBind-size-01100",
    "[0x70000, 0x90000) reaches beyond the resource, which has 0x80000 bytes",
    7 * TILE, 2 * TILE, 0},
   {"VUID-VkSparseMemoryBind-size-01100",
    "reaches beyond the resource, which has 0x80000 bytes", 7 * TILE,
    2 * TILE, 0, true},
   {"VUID-VkSparseMemoryBind-resourceOffset-09491",
    "resourceOffset 0x800 or size 0x10000 is not a multiple of the alignment, "
    "0x1000 (VUID",
    PAGE / 2, TILE, 0},
   {"VUID-VkSparseMemoryBind-resourceOffset-09491",
    "resourceOffset 0x10000 or size 0x1800 is not a multiple of the alignment, "
    "0x1000 (VUID",
    TILE, 3 * PAGE / 2, 0},
   {"VUID-VkSparseMemoryBind-resourceOffset-09491",
    "memoryOffset 0x1800 is not a multiple of the alignment, 0x1000", TILE,
    TILE, 3 * PAGE / 2},
   {"VUID-VkSparseMemoryBind-resourceOffset-09491",
    "are these tiles? they are bytes", 2, 3, 0},
   {"VUID-VkSparseMemoryBind-size-01102",
    "[0x30000, 0x50000) of memory 'pool' (0x", TILE, 2 * TILE, 3 * TILE},
};

static void
test_buffer_rules(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_TILES * TILE, 0);
   VkDeviceMemory memory = diag_memory("pool", 4 * TILE);

   for (size_t i = 0; i < sizeof(buffer_cases) / sizeof(buffer_cases[0]);
        i++) {
      const struct buffer_case *c = &buffer_cases[i];
      /* The first one is right, so that the index says something. */
      VkSparseMemoryBind binds[] = {
         {.resourceOffset = 6 * TILE, .size = TILE},
         {c->offset, c->size, c->unbind ? VK_NULL_HANDLE : memory,
          c->memory_offset},
      };
      diag.message_count = 0;
      (void)diag_bind_buffer(buffer, binds, 2);
      expect_rule(c->id, c->text);
      expect_rule(c->id, "buffer bind 1 of ");
      assert_int_equal(diag.messages[0].severity,
                       VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT);
   }
   vkDestroyBuffer(diag.device, buffer, NULL);
   vkFreeMemory(diag.device, memory, NULL);
}

/* ----------------------------------------------------------------- images -- */

struct image_case {
   const char *id, *text;
   VkOffset3D offset;
   VkExtent3D extent;
   uint32_t level, layer;
};

static const struct image_case image_cases[] = {
   {"VUID-VkSparseImageMemoryBindInfo-subresource-01722",
    "mipLevel 2 of an image with 2 levels", {0, 0, 0}, {128, 128, 1}, 2, 0},
   {"VUID-VkSparseImageMemoryBindInfo-subresource-01723",
    "arrayLayer 1 of an image with 1 layers", {0, 0, 0}, {128, 128, 1}, 0, 1},
   {"VUID-VkSparseImageMemoryBind-offset-01107",
    "offset.x 64 is not a multiple of the block's 128 texels (VUID",
    {64, 0, 0}, {128, 128, 1}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-offset-01109",
    "offset.y 100 is not a multiple of the block's 128 texels",
    {0, 100, 0}, {128, 128, 1}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-offset-01107",
    "offset.x -128 is not", {-128, 0, 0}, {128, 128, 1}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-extent-01108",
    "extent along x, 100, is not a multiple of the block's 128 texels and does "
    "not reach the level's edge at 512",
    {128, 0, 0}, {100, 128, 1}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-extent-01110",
    "[384, 640) along y is not within the level, which has 512 texels",
    {0, 384, 0}, {128, 256, 1}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-extent-01112",
    "[0, 2) along z is not within the level, which has 1 texels", {0, 0, 0},
    {128, 128, 2}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-offset-01107",
    "; are these tiles? they are texels, 128x128x1 a tile", {1, 0, 0},
    {2, 4, 1}, 0, 0},
   {"VUID-VkSparseImageMemoryBind-memory-01105",
    "[0x20000, 0x60000) of memory 'pool' (0x", {0, 0, 0}, {512, 128, 1}, 0, 0},
};

static void
test_image_rules(void **state)
{
   if (!diag.has_images)
      skip();
   VkImage image = create_image();
   VkDeviceMemory memory = diag_memory("pool", 4 * TILE);

   for (size_t i = 0; i < sizeof(image_cases) / sizeof(image_cases[0]); i++) {
      const struct image_case *c = &image_cases[i];
      VkSparseImageMemoryBind bind = {
         .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, c->level, c->layer},
         .offset = c->offset,
         .extent = c->extent,
         .memory = memory,
         .memoryOffset = 2 * TILE,
      };
      diag.message_count = 0;
      assert_int_not_equal(diag_bind_image(image, &bind, 1), VK_SUCCESS);
      expect_rule(c->id, c->text);
      expect_rule(c->id, "batch 0, image bind 0 of image 'terrain' (0x");
   }
   vkDestroyImage(diag.device, image, NULL);
   vkFreeMemory(diag.device, memory, NULL);
}

/* An image bind of an image that has no tiles. */
static void
test_opaque_image(void **state)
{
   VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {256, 256, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
   };
   VkSparseImageMemoryBind bind = {
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0},
      .extent = {128, 128, 1},
   };
   VkImage image;

   ok(vkCreateImage(diag.device, &info, NULL, &image));
   assert_int_not_equal(diag_bind_image(image, &bind, 1), VK_SUCCESS);
   expect_rule("VUID-VkSparseImageMemoryBindInfo-image-02901",
               "the image was created without");
   diag.message_count = 0;

   VkSparseMemoryBind opaque = {.resourceOffset = PAGE, .size = TILE};
   VkSparseImageOpaqueMemoryBindInfo opaques = {image, 1, &opaque};
   VkBindSparseInfo batch = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageOpaqueBindCount = 1,
      .pImageOpaqueBinds = &opaques,
   };
   (void)diag_bind(&batch);
   expect_rule("VUID-VkSparseMemoryBind-resourceOffset-09492",
               "opaque bind 0 of image 0x");
   vkDestroyImage(diag.device, image, NULL);
}

/* ------------------------------------------------------------ bound twice -- */

static void
test_twice(void **state)
{
   VkBuffer buffer = diag_buffer("pages", 8 * TILE, 0);
   VkDeviceMemory memory = diag_memory("pool", 8 * TILE);
   /* The second comes into the first; the third touches both, no more. */
   VkSparseMemoryBind binds[] = {
      {2 * TILE, 3 * TILE, memory, 0},
      {4 * TILE, 2 * TILE, memory, 4 * TILE},
      {6 * TILE, TILE, memory, 6 * TILE},
   };

   (void)diag_bind_buffer(buffer, binds, 3);
   expect_rule("pansparse-bind-twice",
               "batch 0, buffer bind 1 of buffer 'pages' (0x");
   expect_rule("pansparse-bind-twice",
               ": [0x40000, 0x50000) is bound by buffer bind 0 of the same "
               "batch, too");
   assert_int_equal(diag.message_count, 1);
   diag.message_count = 0;

   /* In batches of their own they may. */
   VkSparseBufferMemoryBindInfo buffers[] = {{buffer, 1, &binds[0]},
                                             {buffer, 1, &binds[1]}};
   VkBindSparseInfo batches[2];
   for (uint32_t i = 0; i < 2; i++)
      batches[i] = (VkBindSparseInfo){
         .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
         .bufferBindCount = 1,
         .pBufferBinds = &buffers[i],
      };
   ok(vkQueueBindSparse(diag.queue, 2, batches, VK_NULL_HANDLE));
   ok(vkQueueWaitIdle(diag.queue));
   EXPECT_NOTHING();

   /* One that holds all others is told with each of them. */
   VkSparseMemoryBind many[] = {
      {0, TILE, memory, 0},
      {3 * TILE, TILE, memory, TILE},
      {0, 8 * TILE, VK_NULL_HANDLE, 0},
   };
   (void)diag_bind_buffer(buffer, many, 3);
   assert_true(diag.message_count >= 1);
   for (uint32_t i = 0; i < diag.message_count; i++)
      assert_string_equal(diag.messages[i].id, "pansparse-bind-twice");
   diag.message_count = 0;
   vkDestroyBuffer(diag.device, buffer, NULL);
   vkFreeMemory(diag.device, memory, NULL);
}

static void
test_image_twice(void **state)
{
   if (!diag.has_images)
      skip();
   VkImage image = create_image();
   VkDeviceMemory memory = diag_memory("pool", 8 * TILE);
   VkSparseImageMemoryBind binds[] = {
      {{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0}, {0, 0, 0}, {256, 256, 1}, memory, 0},
      {{VK_IMAGE_ASPECT_COLOR_BIT, 1, 0}, {0, 0, 0}, {128, 128, 1}, memory,
       4 * TILE},
      {{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0}, {128, 128, 0}, {128, 128, 1}, memory,
       5 * TILE},
   };

   (void)diag_bind_image(image, binds, 3);
   expect_rule("pansparse-bind-twice",
               "batch 0, image bind 2 of image 'terrain' (0x");
   expect_rule("pansparse-bind-twice", "is bound by image bind 0 of");
   assert_int_equal(diag.message_count, 1);
   diag.message_count = 0;
   ok(diag_bind_image(image, binds, 2));
   EXPECT_NOTHING();
   vkDestroyImage(diag.device, image, NULL);
   vkFreeMemory(diag.device, memory, NULL);
   EXPECT_NOTHING();
}

/* ----------------------------------------------------------- freed memory -- */

static void
test_free_bound(void **state)
{
   VkBuffer first = diag_buffer("first", 4 * TILE, 0);
   VkBuffer second = diag_buffer("second", 4 * TILE, 0);
   VkDeviceMemory memory = diag_memory("pool", 4 * TILE);
   VkDeviceMemory other = diag_memory("other", 4 * TILE);
   VkSparseMemoryBind in_first[] = {
      {0, TILE, memory, 0},
      {TILE, TILE, memory, TILE},
      {2 * TILE, TILE, other, 0},
      {3 * TILE, TILE, memory, 2 * TILE},
   };
   VkSparseMemoryBind in_second = {2 * TILE, TILE, memory, 3 * TILE};

   ok(diag_bind_buffer(first, in_first, 4));
   ok(diag_bind_buffer(second, &in_second, 1));
   vkFreeMemory(diag.device, memory, NULL);
   EXPECT("vkFreeMemory: memory 'pool' (0x", "vkFreeMemory: memory 'pool' (0x",
          "vkFreeMemory: memory 'pool' (0x");
   assert_string_equal(diag.messages[0].id, "pansparse-free-bound-memory");
   assert_int_equal(diag.messages[0].type, VK_OBJECT_TYPE_DEVICE_MEMORY);
   assert_int_equal(diag.messages[0].severity,
                    VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT);
   assert_non_null(strstr(diag.messages[0].text, "[0x0, 0x20000) of buffer 'f"));
   assert_non_null(
      strstr(diag.messages[1].text, "[0x30000, 0x40000) of buffer 'first'"));
   assert_non_null(
      strstr(diag.messages[2].text, "[0x20000, 0x30000) of buffer 'second'"));

   /* Its use is an error, that of the other memory is not. */
   diag_read(first, 2 * TILE, TILE);
   EXPECT_NOTHING();
   diag_read(first, TILE, PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_string_equal(diag.messages[0].id, "pansparse-freed-memory");
   diag.message_count = 0;

   /* Bound to something else it is right again. */
   VkSparseMemoryBind again = {TILE, TILE, other, TILE};
   ok(diag_bind_buffer(first, &again, 1));
   diag_read(first, TILE, TILE);
   vkDestroyBuffer(diag.device, first, NULL);
   vkDestroyBuffer(diag.device, second, NULL);
   vkFreeMemory(diag.device, other, NULL);
   EXPECT_NOTHING();
}

/* ------------------------------------------------------ nothing to report -- */

static void
test_silence(void **state)
{
   VkBuffer buffer = diag_buffer(NULL, 4 * TILE - 12, 0);
   VkDeviceMemory memory = diag_memory(NULL, 4 * TILE);
   VkSparseMemoryBind binds[] = {
      {3 * TILE, TILE, memory, 0},
      {0, 2 * TILE, memory, 2 * TILE},
      {2 * TILE, TILE, VK_NULL_HANDLE, 123}, /* ignored there */
   };

   ok(diag_bind_buffer(buffer, binds, 3));
   /* Reading unbound memory is no mistake; "unbound" would tell. */
   diag_read(buffer, 2 * TILE, TILE);
   diag_write(buffer, 0, 2 * TILE);
   vkDestroyBuffer(diag.device, buffer, NULL);
   vkFreeMemory(diag.device, memory, NULL);
   EXPECT_NOTHING();
   expect_no_rule();
}

/* A resource that must be bound as a whole is one that must be, here too. */
static void
test_not_fully_bound(void **state)
{
   VkBuffer buffer =
      diag_buffer("whole", 2 * TILE, VK_BUFFER_CREATE_SPARSE_BINDING_BIT);
   diag_read(buffer, TILE, PAGE);
   expect_rule("pansparse-not-fully-bound", "buffer 'whole' (0x");
   assert_int_equal(diag.message_count, 1);
   diag.message_count = 0;
   vkDestroyBuffer(diag.device, buffer, NULL);
   EXPECT_NOTHING();
}

#define TEST(name)                                                             \
   cmocka_unit_test_setup_teardown(name, diag_setup, diag_teardown)

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(test_buffer_rules),
      TEST(test_image_rules),
      TEST(test_opaque_image),
      TEST(test_twice),
      TEST(test_image_twice),
      TEST(test_free_bound),
      TEST(test_silence),
      TEST(test_not_fully_bound),
   };
   return cmocka_run_group_tests_name("panvk_vk_validate", tests, NULL, NULL);
}
