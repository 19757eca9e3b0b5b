/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_DEBUG=unbound, through the loader: which accesses a messenger hears
 * of, where they were, and how many.
 */
#include "diag_fixture.h"

/* As diag_buffer() of eight tiles that nothing is bound to; freed with it. */
#define BUFFER_B (8 * TILE)

static void
destroy(VkBuffer buffer, const char *sum)
{
   vkDestroyBuffer(diag.device, buffer, NULL);
   if (sum != NULL)
      EXPECT("");
   else
      EXPECT_NOTHING();
}

/* A page, three pages of another tile, and the whole of a third. */
static void
test_read(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_B, 0);

   diag_read(buffer, 2 * TILE, PAGE);
   EXPECT("buffer 'pages' (0x");
   diag_read(buffer, 3 * TILE + PAGE, 3 * PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text,
                          ", bytes [0x31000, 0x34000) in tile 3: 3 reads of "
                          "unbound memory"));
   assert_string_equal(diag.messages[0].id, "pansparse-unbound");
   assert_int_equal(diag.messages[0].severity,
                    VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT);
   assert_int_equal(diag.messages[0].type, VK_OBJECT_TYPE_BUFFER);
   assert_int_equal(diag.messages[0].object, (uint64_t)(uintptr_t)buffer);
   diag.message_count = 0;
   diag_read(buffer, 7 * TILE, TILE);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text, ": 16 reads of unbound"));
   diag.message_count = 0;

   vkDestroyBuffer(diag.device, buffer, NULL);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text,
                          " is destroyed: in all 20 reads and 0 writes without "
                          "memory, in 3 tiles"));
   diag.message_count = 0;
}

/* Each tile once; a first write after reads is news. */
static void
test_once(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_B, 0);

   diag_read(buffer, TILE, PAGE);
   EXPECT("buffer 'pages'");
   diag_read(buffer, TILE, PAGE);
   diag_read(buffer, TILE, PAGE);
   EXPECT_NOTHING();
   diag_write(buffer, TILE, PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text, ": 3 reads and "));
   assert_non_null(strstr(diag.messages[0].text, "write"));
   diag.message_count = 0;
   diag_write(buffer, TILE, PAGE);
   EXPECT_NOTHING();
   destroy(buffer, "sum");
}

/* A write of a page that was read in the same submit is seen, too. */
static void
test_read_then_write(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_B, 0);
   VkCommandBuffer commands = diag_begin();
   VkBufferCopy region = {0, 0, PAGE};
   VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
   };

   vkCmdCopyBuffer(commands, buffer, diag.plain, 1, &region);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0, NULL,
                        0, NULL);
   vkCmdFillBuffer(commands, buffer, 0, PAGE, 1);
   diag_run(commands);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(
      strstr(diag.messages[0].text, "bytes [0x0, 0x1000) in tile 0: 1 read and "));
   diag.message_count = 0;
   destroy(buffer, "sum");
}

/* What is bound is silent; what is not any more is told again. */
static void
test_bound(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_B, 0);
   VkDeviceMemory memory = diag_memory("pool", 2 * TILE);
   VkSparseMemoryBind bind = {
      .resourceOffset = TILE,
      .size = 2 * TILE,
      .memory = memory,
   };

   diag_read(buffer, TILE, PAGE);
   EXPECT("buffer 'pages'");
   ok(diag_bind_buffer(buffer, &bind, 1));
   diag_write(buffer, TILE, 2 * TILE);
   diag_read(buffer, TILE, TILE);
   diag_read(buffer, 2 * TILE, TILE);
   EXPECT_NOTHING();
   diag_read(buffer, 3 * TILE - PAGE, 2 * PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text,
                          "bytes [0x30000, 0x31000) in tile 3: 1 read"));
   diag.message_count = 0;

   bind.memory = VK_NULL_HANDLE;
   ok(diag_bind_buffer(buffer, &bind, 1));
   diag_read(buffer, TILE, PAGE);
   EXPECT("buffer 'pages'");
   vkFreeMemory(diag.device, memory, NULL);
   destroy(buffer, "sum");
}

/* Binds of single pages: the rest of the tile is unbound. */
static void
test_page_bind(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_B, 0);
   VkDeviceMemory memory = diag_memory("pool", TILE);
   VkSparseMemoryBind bind = {
      .resourceOffset = TILE + 4 * PAGE,
      .size = 2 * PAGE,
      .memory = memory,
   };

   ok(diag_bind_buffer(buffer, &bind, 1));
   diag_read(buffer, TILE + 4 * PAGE, 2 * PAGE);
   EXPECT_NOTHING();
   diag_read(buffer, TILE + 3 * PAGE, 4 * PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text,
                          "bytes [0x13000, 0x17000) in tile 1: 2 reads"));
   diag.message_count = 0;
   vkFreeMemory(diag.device, memory, NULL);
   destroy(buffer, "sum");
}

/* Level, layer, tile and texels, the last ones cut at the level's edge. */
static void
test_image(void **state)
{
   if (!diag.has_images)
      skip();
   VkImage image = diag_image("terrain", 1024, 512, 4, 2);
   VkDeviceMemory memory = diag_memory("pool", TILE);
   VkSparseImageMemoryBind bind = {
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, 1, 1},
      .offset = {256, 128, 0},
      .extent = {128, 128, 1},
      .memory = memory,
   };

   diag_make_general(image, 4, 2);
   ok(diag_bind_image(image, &bind, 1));
   diag.message_count = 0;
   diag_read_tile(image, 1, 1, 2, 1);
   EXPECT_NOTHING();
   diag_read_tile(image, 1, 1, 3, 1);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text, "image 'terrain' (0x"));
   assert_non_null(strstr(diag.messages[0].text,
                          ", level 1, layer 1, tile (3, 1, 0), texels [384, "
                          "512) x [128, 256): 16 reads of unbound memory"));
   diag.message_count = 0;
   diag_read_tile(image, 0, 0, 7, 3);
   assert_int_equal(diag.message_count, 1);
   assert_non_null(strstr(diag.messages[0].text,
                          ", level 0, layer 0, tile (7, 3, 0), texels [896, "
                          "1024) x [384, 512)"));
   diag.message_count = 0;
   vkDestroyImage(diag.device, image, NULL);
   EXPECT("image 'terrain'");
   vkFreeMemory(diag.device, memory, NULL);
   EXPECT_NOTHING();
}

/* Without SPARSE_RESIDENCY every access to what is unbound is an error. */
static void
test_not_fully_bound(void **state)
{
   VkBuffer buffer = diag_buffer("whole", 2 * TILE,
                                 VK_BUFFER_CREATE_SPARSE_BINDING_BIT);

   diag_read(buffer, 0, PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_string_equal(diag.messages[0].id, "pansparse-not-fully-bound");
   assert_int_equal(diag.messages[0].severity,
                    VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT);
   diag.message_count = 0;
   destroy(buffer, "sum");
}

/* Memory that is freed while bound is as good as unbound. */
static void
test_freed(void **state)
{
   VkBuffer buffer = diag_buffer("pages", BUFFER_B, 0);
   VkDeviceMemory memory = diag_memory("pool", TILE);
   VkSparseMemoryBind bind = {.size = TILE, .memory = memory};

   ok(diag_bind_buffer(buffer, &bind, 1));
   diag_read(buffer, 0, TILE);
   EXPECT_NOTHING();
   vkFreeMemory(diag.device, memory, NULL);
   diag.message_count = 0; /* "validate" has its own test */
   diag_read(buffer, 0, PAGE);
   assert_int_equal(diag.message_count, 1);
   assert_string_equal(diag.messages[0].id, "pansparse-freed-memory");
   assert_non_null(strstr(diag.messages[0].text,
                          ": 1 read of memory 'pool' (0x"));
   diag.message_count = 0;
   destroy(buffer, "sum");
}

/* Very many tiles: the first ones by name, the others as a number. */
static void
test_flood(void **state)
{
   VkBuffer buffer = diag_buffer("sea", 100 * TILE, 0);

   diag_write(buffer, 0, 100 * TILE);
   assert_int_equal(diag.message_count, 65);
   assert_non_null(strstr(diag.messages[63].text, "in tile 63: "));
   assert_non_null(strstr(diag.messages[64].text, "and 36 more tiles"));
   diag.message_count = 0;
   destroy(buffer, "sum");
}

#define TEST(name)                                                             \
   cmocka_unit_test_setup_teardown(name, diag_setup, diag_teardown)

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(test_read),
      TEST(test_once),
      TEST(test_read_then_write),
      TEST(test_bound),
      TEST(test_page_bind),
      TEST(test_image),
      TEST(test_not_fully_bound),
      TEST(test_freed),
      TEST(test_flood),
   };
   return cmocka_run_group_tests_name("panvk_vk_unbound", tests, NULL, NULL);
}
