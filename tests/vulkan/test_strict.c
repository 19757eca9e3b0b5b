/* SPDX-License-Identifier: MIT */
/*
 * residencyNonResidentStrict: what is not bound reads as zero and keeps nothing
 * of what is written to it, whatever reads and writes.
 */
#include <unistd.h>

#include "vt_image.h"

#include "strict.spv.h"

#define TILE_WORDS ((uint32_t)(VT_TILE / 4))
#define RESULTS 16u
#define GIB (1ull << 30)
#define NEED_STRICT()                                                          \
   VT_NEED(vt.features.sparseResidencyBuffer &&                                \
           vt.properties.sparseProperties.residencyNonResidentStrict)

static VkBuffer
create(uint64_t size_B)
{
   return vkh_sparse_buffer_create(
      &vt, size_B,
      VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
         VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
         VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
}

static void
bind_tile(VkBuffer buffer, uint64_t tile, VkDeviceMemory memory, uint64_t at)
{
   const VkSparseMemoryBind bind = {
      .resourceOffset = tile * VT_TILE,
      .size = VT_TILE,
      .memory = memory,
      .memoryOffset = at * VT_TILE,
   };

   vt_bind_buffer(buffer, &bind, 1);
}

/* Through a copy, as other tests read through shaders. */
static void
read_back(VkBuffer buffer, uint64_t offset, uint64_t size_B, void *out)
{
   const VkBufferCopy region = {offset, 0, size_B};
   struct vkh_buffer readback;
   VkCommandBuffer cmd;

   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &readback);
   memset(readback.map, 0xee, size_B);
   cmd = vkh_begin(&vt);
   vkCmdCopyBuffer(cmd, buffer, readback.buffer, 1, &region);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   memcpy(out, readback.map, size_B);
   vkh_buffer_destroy(&vt, &readback);
}

static void
check_zero(VkBuffer buffer, uint64_t offset, uint64_t size_B)
{
   uint32_t *words = vkh_calloc(size_B / 4, 4);

   for (int shader = 0; shader < 2; shader++) {
      if (shader)
         vt_read_words(buffer, offset, (uint32_t)(size_B / 4), words);
      else
         read_back(buffer, offset, size_B, words);
      for (uint64_t i = 0; i < size_B / 4; i++)
         if (words[i])
            fail_msg("%s: byte %#llx is %#x", shader ? "shader" : "copy",
                     (unsigned long long)(offset + i * 4), words[i]);
   }
   free(words);
}

/* Resident memory of this process, in bytes. */
static uint64_t
resident_B(void)
{
   FILE *file = fopen("/proc/self/statm", "r");
   unsigned long long total, resident;

   assert_non_null(file);
   assert_int_equal(fscanf(file, "%llu %llu", &total, &resident), 2);
   fclose(file);
   return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ------------------------------------------------------------- shaders -- */

static const VkDescriptorType types[] = {
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
};

struct strict_push {
   uint32_t stride, width;
};

/* strict.comp over words and texels 0, stride, ...; @out has RESULTS of each. */
static void
run_strict(VkBuffer buffer, const struct vt_image *image, uint32_t groups,
           uint32_t stride, uint32_t *out)
{
   const VkImageViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image->image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = VK_FORMAT_R32_UINT,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   const struct strict_push push = {stride, image->width};
   const uint64_t size_B = groups * 64ull * RESULTS * 4;
   VkDescriptorSetLayout set_layout =
      vkh_set_layout(&vt, VK_SHADER_STAGE_COMPUTE_BIT, types, 3);
   VkPipelineLayout layout = vkh_pipeline_layout(
      &vt, set_layout, VK_SHADER_STAGE_COMPUTE_BIT, sizeof(push));
   VkPipeline pipeline =
      vkh_compute_pipeline(&vt, layout, vt_strict, sizeof(vt_strict));
   struct vkh_buffer results;
   VkDescriptorPool pool;
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, types, 3, &pool);
   VkCommandBuffer cmd;
   VkImageView view;

   VKH_CHECK(vkCreateImageView(vt.device, &info, NULL, &view));
   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &results);
   vkh_write_buffer(&vt, set, 0, types[0], buffer, 0, VK_WHOLE_SIZE);
   vkh_write_buffer(&vt, set, 1, types[1], results.buffer, 0, size_B);
   vkh_write_image(&vt, set, 2, types[2], view, VK_IMAGE_LAYOUT_GENERAL,
                   VK_NULL_HANDLE);
   cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdPushConstants(cmd, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push),
                      &push);
   vkCmdDispatch(cmd, groups, 1, 1);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   memcpy(out, results.map, size_B);

   vkh_buffer_destroy(&vt, &results);
   vkDestroyImageView(vt.device, view, NULL);
   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
}

static void
check_results(const uint32_t *got, bool buffer_bound, bool image_bound,
              uint32_t invocation)
{
   static const uint32_t bound[8] = {0, 7, 7, 12, 3, 100, 200, 201};

   for (uint32_t i = 0; i < RESULTS; i++) {
      bool is_bound = i < 8 ? buffer_bound : image_bound;
      uint32_t want = is_bound ? bound[i % 8] : 0;

      if (got[i] != want)
         fail_msg("invocation %u, result %u: %u, not %u", invocation, i, got[i],
                  want);
   }
}

static const struct vt_format *
format_r32ui(void)
{
   for (unsigned i = 0; i < vt_format_count; i++)
      if (vt_formats[i].format == VK_FORMAT_R32_UINT)
         return &vt_formats[i];
   fail_msg("no R32_UINT among the formats");
   return NULL;
}

/* Half of the tiles are bound, of both; the others see nothing of themselves. */
static void
test_shader(void **state)
{
   const VkImageUsageFlags usage = VK_IMAGE_USAGE_STORAGE_BIT |
                                   VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                   VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   const uint32_t groups = 64, stride = 61;
   uint32_t *results = vkh_calloc(groups * 64 * RESULTS, 4);
   struct vt_image image;
   VkBuffer buffer;
   VkDeviceMemory memory, image_memory;

   (void)state;
   NEED_STRICT();
   VT_NEED(vt_image_supported(format_r32ui(), usage));
   vt_image_create(format_r32ui(), 512, 512, 1, 1, 0, usage, &image);
   /* Thousands, each looked at; 64 * 64 * 61 words are less than 16 tiles. */
   buffer = create(16 * VT_TILE);
   memory = vt_memory(8, vt_buffer_requirements(buffer).memoryTypeBits);
   image_memory = vt_memory(8, image.req.memoryTypeBits);
   for (uint32_t tile = 0; tile < 16; tile += 2) {
      VkSparseImageMemoryBind bind =
         vt_tile_bind(&image, 0, 0, tile % 4, tile / 4, 1, 1, image_memory,
                      tile / 2);

      bind_tile(buffer, tile, memory, tile / 2);
      vt_bind_image(image.image, &bind, 1);
   }
   VkCommandBuffer cmd = vkh_begin(&vt);
   const VkClearColorValue zero = {0};
   const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   vkCmdFillBuffer(cmd, buffer, 0, VK_WHOLE_SIZE, 0);
   vkCmdClearColorImage(cmd, image.image, VK_IMAGE_LAYOUT_GENERAL, &zero, 1,
                        &all);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);

   run_strict(buffer, &image, groups, stride, results);
   for (uint32_t i = 0; i < groups * 64; i++) {
      uint32_t k = i * stride, x = k % 512 / 128, y = k / 512 / 128;

      check_results(&results[i * RESULTS], k / TILE_WORDS % 2 == 0,
                    (y * 4 + x) % 2 == 0, i);
   }
   for (uint32_t tile = 1; tile < 16; tile += 2)
      check_zero(buffer, tile * VT_TILE, VT_TILE);
   vt_image_destroy(&image);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
   vkFreeMemory(vt.device, image_memory, NULL);
   free(results);
}

/* What was written to nowhere does not come up when memory is bound. */
static void
test_bound_later(void **state)
{
   VkBuffer buffer;
   VkDeviceMemory memory;

   (void)state;
   NEED_STRICT();
   buffer = create(4 * VT_TILE);
   memory = vt_memory(1, vt_buffer_requirements(buffer).memoryTypeBits);
   bind_tile(buffer, 0, memory, 0);
   vt_fill_words(buffer, 0, TILE_WORDS, 500);
   bind_tile(buffer, 0, VK_NULL_HANDLE, 0);
   vt_fill_words(buffer, 0, TILE_WORDS, 900000);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdFillBuffer(cmd, buffer, 0, 4 * VT_TILE, 0x22222222);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   check_zero(buffer, 0, 4 * VT_TILE);
   bind_tile(buffer, 2, memory, 0);
   vt_check_words(buffer, 2 * VT_TILE, TILE_WORDS, 500);
   check_zero(buffer, 0, 2 * VT_TILE);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* ----------------------------------------------------------- transfers -- */

/* Every transfer to a buffer, across bound and unbound tiles, then from it. */
static void
test_transfers(void **state)
{
   const uint64_t size_B = 4 * VT_TILE;
   const VkBufferCopy whole = {0, 0, size_B}, shifted = {1, VT_TILE - 3, 9999};
   uint32_t update[256];
   struct vkh_buffer source;
   VkDeviceMemory memory;
   VkBuffer buffer;

   (void)state;
   NEED_STRICT();
   buffer = create(size_B);
   memory = vt_memory(2, vt_buffer_requirements(buffer).memoryTypeBits);
   bind_tile(buffer, 0, memory, 0);
   bind_tile(buffer, 2, memory, 1);
   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                     VKH_MEMORY_UPLOAD, &source);
   memset(source.map, 0x31, size_B);
   memset(update, 0x32, sizeof(update));

   for (int kind = 0; kind < 4; kind++) {
      VkCommandBuffer cmd = vkh_begin(&vt);
      uint8_t *got = vkh_calloc(size_B, 1);

      vkCmdFillBuffer(cmd, buffer, 0, size_B, 0x10101010);
      vkh_full_barrier(cmd);
      if (kind == 0)
         vkCmdFillBuffer(cmd, buffer, 0, size_B, 0x31313131);
      else if (kind == 1)
         vkCmdCopyBuffer(cmd, source.buffer, buffer, 1, &whole);
      else if (kind == 2)
         vkCmdCopyBuffer(cmd, source.buffer, buffer, 1, &shifted);
      else
         vkCmdUpdateBuffer(cmd, buffer, 2 * VT_TILE - 512, sizeof(update),
                           update);
      vkh_full_barrier(cmd);
      vkh_run(&vt, cmd);
      read_back(buffer, 0, size_B, got);
      for (uint64_t i = 0; i < size_B; i++) {
         bool bound = i / VT_TILE % 2 == 0;
         bool hit = kind < 2 || (kind == 2 && i >= VT_TILE - 3) ||
                    (kind == 3 && i >= 2 * VT_TILE - 512 &&
                     i < 2 * VT_TILE - 512 + sizeof(update));
         uint8_t want = !bound ? 0 : hit ? (kind == 3 ? 0x32 : 0x31) : 0x10;

         if (kind == 2 && bound && i >= VT_TILE + 9996)
            want = 0x10;
         if (got[i] != want)
            fail_msg("kind %d, byte %#llx: %#x, not %#x", kind,
                     (unsigned long long)i, got[i], want);
      }
      free(got);
   }
   vkh_buffer_destroy(&vt, &source);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* From what is not bound to what is, in the same buffer and the same commands. */
static void
test_copy_of_nothing(void **state)
{
   const VkBufferCopy region = {VT_TILE, 0, VT_TILE};
   VkDeviceMemory memory;
   VkBuffer buffer;
   VkCommandBuffer cmd;

   (void)state;
   NEED_STRICT();
   buffer = create(2 * VT_TILE);
   memory = vt_memory(1, vt_buffer_requirements(buffer).memoryTypeBits);
   bind_tile(buffer, 0, memory, 0);
   cmd = vkh_begin(&vt);
   vkCmdFillBuffer(cmd, buffer, 0, 2 * VT_TILE, 0x55555555);
   vkh_full_barrier(cmd);
   vkCmdCopyBuffer(cmd, buffer, buffer, 1, &region);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   check_zero(buffer, 0, 2 * VT_TILE);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/*
 * Copies whose sources lie beside their targets, in one tile of nothing to which
 * other transfers have stored before. Small ones: of large ones the C library makes
 * one instruction.
 */
static void
test_copy_beside(void **state)
{
   enum { PART_B = 4096, PARTS = VT_TILE / PART_B };
   const VkBufferCopy beside[] = {{0, 2 * PART_B, PART_B},
                                  {PART_B, VT_TILE, PART_B}};
   VkBufferCopy whole[PARTS];
   struct vkh_buffer source;
   VkDeviceMemory memory;
   VkBuffer buffer;
   VkCommandBuffer cmd;

   (void)state;
   NEED_STRICT();
   buffer = create(2 * VT_TILE);
   memory = vt_memory(1, vt_buffer_requirements(buffer).memoryTypeBits);
   bind_tile(buffer, 1, memory, 0);
   vkh_buffer_create(&vt, VT_TILE, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                     VKH_MEMORY_UPLOAD, &source);
   memset(source.map, 0x31, VT_TILE);
   for (uint32_t i = 0; i < PARTS; i++)
      whole[i] = (VkBufferCopy){i * PART_B, i * PART_B, PART_B};
   cmd = vkh_begin(&vt);
   vkCmdCopyBuffer(cmd, source.buffer, buffer, PARTS, whole);
   vkCmdFillBuffer(cmd, buffer, VT_TILE, VT_TILE, 0x55555555);
   vkh_full_barrier(cmd);
   vkCmdCopyBuffer(cmd, buffer, buffer, 2, beside);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   check_zero(buffer, 0, VT_TILE + PART_B);
   vkh_buffer_destroy(&vt, &source);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Nothing is dispatched from a place that reads as zero. */
static void
test_indirect(void **state)
{
   VkBuffer buffer;
   VkCommandBuffer cmd;

   (void)state;
   NEED_STRICT();
   buffer = create(VT_TILE);
   cmd = vkh_begin(&vt);
   vkCmdFillBuffer(cmd, buffer, 0, VT_TILE, 1000000);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   /* A million groups in each dimension would not come to an end. */
   vt_dispatch_indirect(buffer, 256);
   vkDestroyBuffer(vt.device, buffer, NULL);
}

/* A gibibyte of nothing: written in seconds, and of no cost in memory. */
static void
test_large(void **state)
{
   VkBuffer buffer;
   VkCommandBuffer cmd;
   uint64_t before_B, after_B;
   double start, seconds;

   (void)state;
   NEED_STRICT();
   buffer = create(GIB);
   vt_fill_words(buffer, 0, 64, 1);
   before_B = resident_B();
   start = vkh_seconds();
   cmd = vkh_begin(&vt);
   vkCmdFillBuffer(cmd, buffer, 0, GIB, 0x12345678);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   seconds = vkh_seconds() - start;
   after_B = resident_B();
   printf("# 1 GiB filled in %.2f s, %llu KiB more resident\n", seconds,
          after_B > before_B
             ? (unsigned long long)((after_B - before_B) >> 10)
             : 0ull);
   assert_true(seconds < 20);
   assert_true(after_B < before_B + (32ull << 20));
   for (uint64_t at = 0; at < GIB; at += GIB / 16)
      check_zero(buffer, at, VT_TILE);
   vkDestroyBuffer(vt.device, buffer, NULL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shader),     cmocka_unit_test(test_bound_later),
      cmocka_unit_test(test_transfers),  cmocka_unit_test(test_copy_of_nothing),
      cmocka_unit_test(test_copy_beside),
      cmocka_unit_test(test_indirect),   cmocka_unit_test(test_large),
   };

   return cmocka_run_group_tests(tests, vt_group_setup, vt_group_teardown);
}
