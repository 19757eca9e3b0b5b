/* SPDX-License-Identifier: MIT */
/* Sparse buffers: binding, residency, aliasing, rebinding, addresses. */
#include "vt.h"

#define USAGE                                                                  \
   (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |    \
    VK_BUFFER_USAGE_TRANSFER_DST_BIT)
#define TILE_WORDS (VT_TILE / 4)

static VkBuffer
create(uint64_t tiles, VkBufferCreateFlags flags)
{
   return vkh_sparse_buffer_create(
      &vt, tiles * VT_TILE, VK_BUFFER_CREATE_SPARSE_BINDING_BIT | flags, USAGE);
}

static VkSparseMemoryBind
bind(uint64_t tile, uint64_t tiles, VkDeviceMemory memory, uint64_t at)
{
   return (VkSparseMemoryBind){
      .resourceOffset = tile * VT_TILE,
      .size = tiles * VT_TILE,
      .memory = memory,
      .memoryOffset = at * VT_TILE,
   };
}

/* Fully bound, in one piece and in many, through the shader. */
static void
test_binding(void **state)
{
   (void)state;
   VkBuffer buffer = create(8, 0);
   VkMemoryRequirements req = vt_buffer_requirements(buffer);
   VkDeviceMemory memory = vt_memory(8, req.memoryTypeBits);
   VkSparseMemoryBind whole = bind(0, 8, memory, 0), piece[8];

   assert_int_equal(req.size, 8 * VT_TILE);
   vt_bind_buffer(buffer, &whole, 1);
   vt_fill_words(buffer, 0, 8 * TILE_WORDS, 1000);
   vt_check_words(buffer, 0, 8 * TILE_WORDS, 1000);

   /* The same memory in reverse order of tiles. */
   for (unsigned i = 0; i < 8; i++)
      piece[i] = bind(i, 1, memory, 7 - i);
   vt_bind_buffer(buffer, piece, 8);
   for (unsigned i = 0; i < 8; i++)
      vt_check_words(buffer, i * VT_TILE, TILE_WORDS,
                     1000 + (7 - i) * TILE_WORDS);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Partly bound: what is bound holds, around what is not. */
static void
test_residency(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyBuffer);
   VkBuffer buffer = create(1024, VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT);
   VkMemoryRequirements req = vt_buffer_requirements(buffer);
   VkDeviceMemory memory = vt_memory(64, req.memoryTypeBits);
   VkSparseMemoryBind binds[64];

   for (unsigned i = 0; i < 64; i++)
      binds[i] = bind(i * 16 + i % 16, 1, memory, 63 - i);
   vt_bind_buffer(buffer, binds, 64);
   for (unsigned i = 0; i < 64; i++)
      vt_fill_words(buffer, binds[i].resourceOffset, TILE_WORDS, i << 20);
   for (unsigned i = 0; i < 64; i++)
      vt_check_words(buffer, binds[i].resourceOffset, TILE_WORDS, i << 20);

   /* Every second one is unbound; the others stay; the memory can go on. */
   for (unsigned i = 0; i < 64; i += 2)
      binds[i / 2] = bind(i * 16 + i % 16, 1, VK_NULL_HANDLE, 0);
   vt_bind_buffer(buffer, binds, 32);
   for (unsigned i = 1; i < 64; i += 2)
      vt_check_words(buffer, (i * 16 + i % 16) * VT_TILE, TILE_WORDS, i << 20);
   VkSparseMemoryBind again = bind(3, 1, memory, 63);
   vt_bind_buffer(buffer, &again, 1);
   vt_check_words(buffer, 3 * VT_TILE, TILE_WORDS, 0 << 20);

   /* Writes over unbound tiles reach no bound one. */
   vt_fill_words(buffer, 4 * VT_TILE, 8 * TILE_WORDS, 0xabcdef00);
   vt_check_words(buffer, 3 * VT_TILE, TILE_WORDS, 0 << 20);
   vt_check_words(buffer, 17 * VT_TILE, TILE_WORDS, 1 << 20);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* One piece of memory at two places of a buffer, and in two buffers. */
static void
test_aliased(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyAliased);
   VkBuffer a = create(4, VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT |
                             VK_BUFFER_CREATE_SPARSE_ALIASED_BIT);
   VkBuffer b = create(4, VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT |
                             VK_BUFFER_CREATE_SPARSE_ALIASED_BIT);
   VkDeviceMemory memory =
      vt_memory(2, vt_buffer_requirements(a).memoryTypeBits);
   VkSparseMemoryBind twice[] = {bind(0, 1, memory, 0), bind(2, 1, memory, 0)};
   VkSparseMemoryBind once = bind(1, 1, memory, 0);

   vt_bind_buffer(a, twice, 2);
   vt_bind_buffer(b, &once, 1);
   vt_fill_words(a, 0, TILE_WORDS, 5);
   vt_check_words(a, 2 * VT_TILE, TILE_WORDS, 5);
   vt_check_words(b, VT_TILE, TILE_WORDS, 5);
   vt_fill_words(b, VT_TILE, TILE_WORDS, 6000);
   vt_check_words(a, 0, TILE_WORDS, 6000);
   vkDestroyBuffer(vt.device, a, NULL);
   vkDestroyBuffer(vt.device, b, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Rebinding between two memories, many times: always the one bound last. */
static void
test_rebind(void **state)
{
   (void)state;
   VkBuffer buffer = create(4, 0);
   uint32_t types = vt_buffer_requirements(buffer).memoryTypeBits;
   VkDeviceMemory memory[2] = {vt_memory(4, types), vt_memory(4, types)};

   for (unsigned i = 0; i < 2; i++) {
      VkSparseMemoryBind whole = bind(0, 4, memory[i], 0);
      vt_bind_buffer(buffer, &whole, 1);
      vt_fill_words(buffer, 0, 4 * TILE_WORDS, (i + 1) * 0x1000000);
   }
   for (unsigned n = 0; n < 40; n++) {
      unsigned which = n * 7 % 2, tile = n * 5 % 4;
      VkSparseMemoryBind one = bind(tile, 1, memory[which], tile);
      vt_bind_buffer(buffer, &one, 1);
      vt_check_words(buffer, tile * VT_TILE, TILE_WORDS,
                     (which + 1) * 0x1000000 + tile * (uint32_t)TILE_WORDS);
   }
   vkDestroyBuffer(vt.device, buffer, NULL);
   for (unsigned i = 0; i < 2; i++)
      vkFreeMemory(vt.device, memory[i], NULL);
}

/* Pages of one tile, where the alignment is less than a tile. */
static void
test_pages(void **state)
{
   (void)state;
   VkBuffer buffer = create(1, 0);
   VkMemoryRequirements req = vt_buffer_requirements(buffer);
   const uint32_t page_words = (uint32_t)req.alignment / 4;
   const uint32_t pages = (uint32_t)(VT_TILE / req.alignment);
   VkDeviceMemory memory[2] = {vt_memory(1, req.memoryTypeBits),
                               vt_memory(1, req.memoryTypeBits)};

   for (unsigned i = 0; i < 2; i++) {
      VkSparseMemoryBind whole = bind(0, 1, memory[i], 0);
      vt_bind_buffer(buffer, &whole, 1);
      vt_fill_words(buffer, 0, TILE_WORDS, (i + 1) * 0x1000000);
   }
   /* Every second page shows the first memory, and there the page opposite. */
   for (uint32_t page = 1; page < pages; page += 2) {
      VkSparseMemoryBind one = {
         .resourceOffset = page * req.alignment,
         .size = req.alignment,
         .memory = memory[0],
         .memoryOffset = (pages - 1 - page) * req.alignment,
      };
      vt_bind_buffer(buffer, &one, 1);
   }
   for (uint32_t page = 0; page < pages; page++)
      vt_check_words(buffer, page * req.alignment, page_words,
                     page % 2 ? 0x1000000 + (pages - 1 - page) * page_words
                              : 0x2000000 + page * page_words);
   vkDestroyBuffer(vt.device, buffer, NULL);
   for (unsigned i = 0; i < 2; i++)
      vkFreeMemory(vt.device, memory[i], NULL);
}

/* Transfers: fill, copy in and out, over tile borders. */
static void
test_transfer(void **state)
{
   (void)state;
   VkBuffer buffer = create(4, 0);
   VkDeviceMemory memory =
      vt_memory(4, vt_buffer_requirements(buffer).memoryTypeBits);
   VkSparseMemoryBind piece[4];
   struct vkh_buffer staging;

   for (unsigned i = 0; i < 4; i++)
      piece[i] = bind(i, 1, memory, 3 - i);
   vt_bind_buffer(buffer, piece, 4);
   vkh_buffer_create(&vt, 4 * VT_TILE,
                     VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                        VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &staging);
   uint32_t *words = staging.map;
   for (unsigned i = 0; i < 2 * TILE_WORDS; i++)
      words[i] = i * 3;
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdFillBuffer(cmd, buffer, 0, 4 * VT_TILE, 0x11111111);
   vkh_full_barrier(cmd);
   const VkBufferCopy in = {0, VT_TILE / 2, 2 * VT_TILE};
   vkCmdCopyBuffer(cmd, staging.buffer, buffer, 1, &in);
   vkh_full_barrier(cmd);
   const VkBufferCopy out = {0, 0, 4 * VT_TILE};
   vkCmdCopyBuffer(cmd, buffer, staging.buffer, 1, &out);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   for (unsigned i = 0; i < 4 * TILE_WORDS; i++) {
      bool copied = i >= TILE_WORDS / 2 && i < TILE_WORDS / 2 + 2 * TILE_WORDS;
      assert_int_equal(words[i], copied ? (i - TILE_WORDS / 2) * 3
                                        : 0x11111111);
   }
   vkh_buffer_destroy(&vt, &staging);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* A host-visible memory object shows what the GPU wrote through the buffer. */
static void
test_memory_object(void **state)
{
   (void)state;
   VkBuffer buffer = create(4, 0);
   VkMemoryRequirements req = vt_buffer_requirements(buffer);
   VkDeviceMemory memory;
   uint32_t *map;
   bool mappable = false;

   for (uint32_t i = 0; i < vt.memory.memoryTypeCount; i++)
      mappable |= req.memoryTypeBits >> i & 1 &&
                  vt.memory.memoryTypes[i].propertyFlags &
                     VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   if (!mappable) {
      vkDestroyBuffer(vt.device, buffer, NULL);
      skip();
   }
   VKH_CHECK(vkh_memory_try_alloc(&vt, 8 * VT_TILE, req.memoryTypeBits,
                                  VKH_MEMORY_READBACK, &memory));
   VKH_CHECK(
      vkMapMemory(vt.device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
   VkSparseMemoryBind piece[4];
   for (unsigned i = 0; i < 4; i++)
      piece[i] = bind(i, 1, memory, 2 * (3 - i));
   vt_bind_buffer(buffer, piece, 4);
   vt_fill_words(buffer, 0, 4 * TILE_WORDS, 42);
   for (unsigned i = 0; i < 4; i++)
      for (unsigned w = 0; w < TILE_WORDS; w++)
         assert_int_equal(map[2 * (3 - i) * TILE_WORDS + w],
                          42 + i * TILE_WORDS + w);
   map[4 * TILE_WORDS + 64] = 0x5eed;
   uint32_t word;
   vt_read_words(buffer, VT_TILE + 256, 1, &word);
   assert_int_equal(word, 0x5eed);
   vkUnmapMemory(vt.device, memory);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Nearly the largest buffer, a tile at each end. */
static void
test_large(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyBuffer);
   const uint64_t tiles = 1ull << 14; /* 1 GiB */
   VkBuffer buffer = create(tiles, VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT);
   VkDeviceMemory memory =
      vt_memory(2, vt_buffer_requirements(buffer).memoryTypeBits);
   VkSparseMemoryBind ends[] = {bind(0, 1, memory, 1),
                                bind(tiles - 1, 1, memory, 0)};

   vt_bind_buffer(buffer, ends, 2);
   vt_fill_words(buffer, 0, TILE_WORDS, 1);
   vt_fill_words(buffer, (tiles - 1) * VT_TILE, TILE_WORDS, 2);
   vt_check_words(buffer, 0, TILE_WORDS, 1);
   vt_check_words(buffer, (tiles - 1) * VT_TILE, TILE_WORDS, 2);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Many buffers alive at once, destroyed while bound, memory freed first. */
static void
test_many(void **state)
{
   (void)state;
   enum { COUNT = 100 };
   VkBuffer buffer[COUNT];
   VkDeviceMemory memory[COUNT];

   for (unsigned i = 0; i < COUNT; i++) {
      buffer[i] = create(2, 0);
      memory[i] = vt_memory(2, vt_buffer_requirements(buffer[i]).memoryTypeBits);
      VkSparseMemoryBind whole = bind(0, 2, memory[i], 0);
      vt_bind_buffer(buffer[i], &whole, 1);
      vt_fill_words(buffer[i], 0, 2 * TILE_WORDS, i << 16);
   }
   for (unsigned i = 0; i < COUNT; i++) {
      vt_check_words(buffer[i], 0, 2 * TILE_WORDS, i << 16);
      vkDestroyBuffer(vt.device, buffer[i], NULL);
      vkFreeMemory(vt.device, memory[i], NULL);
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pages),
      cmocka_unit_test(test_binding),  cmocka_unit_test(test_residency),
      cmocka_unit_test(test_aliased),  cmocka_unit_test(test_rebind),
      cmocka_unit_test(test_transfer), cmocka_unit_test(test_memory_object),
      cmocka_unit_test(test_large),    cmocka_unit_test(test_many),
   };
   return cmocka_run_group_tests_name("vulkan-buffer", tests, vt_group_setup,
                                      vt_group_teardown);
}
