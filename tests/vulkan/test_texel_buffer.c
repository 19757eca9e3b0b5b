/* SPDX-License-Identifier: MIT */
/*
 * Sparse texel buffers: OpImageSparseFetch of uniform ones, OpImageSparseRead of
 * storage ones. GLSL has no words for either, so the shader is written in
 * SPIR-V.
 */
#include "vt.h"

#include <stdbool.h>
#include <stdlib.h>

#define TILES 8
#define TILE_WORDS (VT_TILE / 4)
/* Texels that are looked at lie this far apart: 64 a tile. */
#define STEP (TILE_WORDS / 64)
#define COUNT (TILES * 64)

/*
 * out[2 i] = is texel i * STEP resident; out[2 i + 1] = the texel
 */
enum {
   MAIN = 1, VOID, FUNCTION, UINT, UINT4, UINT3, INT, BOOL, SPARSE, IMAGE,
   IMAGE_PTR, IMAGE_VAR, ARRAY, BLOCK, BLOCK_PTR, BLOCK_VAR, UINT_PTR, IN3_PTR,
   IN_PTR, ID_VAR, ZERO, ONE, TWO, STEP_C, LABEL, AT_PTR, AT, INDEX, INDEX_INT,
   LOADED, RESULT, CODE, RESIDENT, BIT, TEXEL, RED, TWICE, NEXT, OUT0, OUT1, BOUND,
};
#define I(op, ...)                                                             \
   (uint32_t)(1 + sizeof((uint32_t[]){__VA_ARGS__}) / 4) << 16 | (op),         \
      __VA_ARGS__
/* Of the instruction: fetch or read; of the image type: sampled or storage. */
#define SHADER(sparse_op, sampled, format, ...)                                \
   {                                                                           \
      0x07230203, 0x10000, 0, BOUND, 0, I(17, 1) /* Shader */,                 \
         I(17, 41) /* SparseResidency */, __VA_ARGS__ /* one for the image */, \
         I(14, 0, 1) /* Logical, GLSL450 */,                                   \
         I(15, 5, MAIN, 0x6e69616d, 0, ID_VAR) /* GLCompute "main" */,         \
         I(16, MAIN, 17, 64, 1, 1) /* LocalSize */,                            \
         I(71, ID_VAR, 11, 28) /* BuiltIn GlobalInvocationId */,               \
         I(71, IMAGE_VAR, 34, 0), I(71, IMAGE_VAR, 33, 0),                     \
         I(71, BLOCK_VAR, 34, 0), I(71, BLOCK_VAR, 33, 1),                     \
         I(71, ARRAY, 6, 4) /* ArrayStride */,                                 \
         I(71, BLOCK, 3) /* BufferBlock */, I(72, BLOCK, 0, 35, 0),            \
         I(19, VOID), I(33, FUNCTION, VOID), I(21, UINT, 32, 0),               \
         I(21, INT, 32, 1), I(20, BOOL), I(23, UINT4, UINT, 4),                \
         I(23, UINT3, UINT, 3), I(30, SPARSE, UINT, UINT4),                    \
         I(25, IMAGE, UINT, 5, 0, 0, 0, sampled, format) /* Dim Buffer */,     \
         I(32, IMAGE_PTR, 0, IMAGE), I(59, IMAGE_PTR, IMAGE_VAR, 0),           \
         I(29, ARRAY, UINT), I(30, BLOCK, ARRAY), I(32, BLOCK_PTR, 2, BLOCK),  \
         I(59, BLOCK_PTR, BLOCK_VAR, 2), I(32, UINT_PTR, 2, UINT),             \
         I(32, IN3_PTR, 1, UINT3), I(32, IN_PTR, 1, UINT),                     \
         I(59, IN3_PTR, ID_VAR, 1), I(43, UINT, ZERO, 0), I(43, UINT, ONE, 1), \
         I(43, UINT, TWO, 2), I(43, UINT, STEP_C, STEP),                       \
         I(54, VOID, MAIN, 0, FUNCTION), I(248, LABEL),                        \
         I(65, IN_PTR, AT_PTR, ID_VAR, ZERO), I(61, UINT, AT, AT_PTR),         \
         I(132, UINT, INDEX, AT, STEP_C), I(124, INT, INDEX_INT, INDEX),       \
         I(61, IMAGE, LOADED, IMAGE_VAR),                                      \
         I(sparse_op, SPARSE, RESULT, LOADED, INDEX_INT),                      \
         I(81, UINT, CODE, RESULT, 0), I(316, BOOL, RESIDENT, CODE),           \
         I(169, UINT, BIT, RESIDENT, ONE, ZERO),                               \
         I(81, UINT4, TEXEL, RESULT, 1), I(81, UINT, RED, TEXEL, 0),           \
         I(132, UINT, TWICE, AT, TWO), I(128, UINT, NEXT, TWICE, ONE),         \
         I(65, UINT_PTR, OUT0, BLOCK_VAR, ZERO, TWICE), I(62, OUT0, BIT),      \
         I(65, UINT_PTR, OUT1, BLOCK_VAR, ZERO, NEXT), I(62, OUT1, RED),       \
         1 << 16 | 253, 1 << 16 | 56,                                          \
   }

static const uint32_t fetch_shader[] =
   SHADER(313, 1, 0, I(17, 46) /* SampledBuffer */);
static const uint32_t read_shader[] =
   SHADER(320, 2, 33 /* R32ui */, I(17, 47) /* ImageBuffer */);

/* Looks at all texels; @out has a code and a texel for each. */
static void
look(VkBuffer buffer, VkDescriptorType type, const uint32_t *code, size_t size,
     uint32_t out[COUNT][2])
{
   const VkDescriptorType types[] = {type, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};
   const VkBufferViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
      .buffer = buffer,
      .format = VK_FORMAT_R32_UINT,
      .range = VK_WHOLE_SIZE,
   };
   struct vkh_buffer result;
   VkDescriptorPool pool;
   VkBufferView view;

   VKH_CHECK(vkCreateBufferView(vt.device, &view_info, NULL, &view));
   vkh_buffer_create(&vt, COUNT * sizeof(*out),
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VKH_MEMORY_READBACK,
                     &result);
   VkDescriptorSetLayout set_layout =
      vkh_set_layout(&vt, VK_SHADER_STAGE_COMPUTE_BIT, types, 2);
   VkPipelineLayout layout =
      vkh_pipeline_layout(&vt, set_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0);
   VkPipeline pipeline = vkh_compute_pipeline(&vt, layout, code, size);
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, types, 2, &pool);
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .descriptorCount = 1,
      .descriptorType = type,
      .pTexelBufferView = &view,
   };
   vkUpdateDescriptorSets(vt.device, 1, &write, 0, NULL);
   vkh_write_buffer(&vt, set, 1, types[1], result.buffer, 0, VK_WHOLE_SIZE);

   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdDispatch(cmd, COUNT / 64, 1, 1);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   memcpy(out, result.map, COUNT * sizeof(*out));

   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
   vkDestroyBufferView(vt.device, view, NULL);
   vkh_buffer_destroy(&vt, &result);
}

/*
 * Every other tile is bound. Lavapipe knows no residency of buffers: its codes
 * are right for what is bound only.
 */
static void
check(VkBufferUsageFlags usage, VkDescriptorType type, const uint32_t *code,
      size_t size)
{
   VT_NEED(vt.features.sparseResidencyBuffer &&
           vt.features.shaderResourceResidency);
   const bool codes = vt.driver.driverID != VK_DRIVER_ID_MESA_LLVMPIPE;
   const bool strict =
      vt.properties.sparseProperties.residencyNonResidentStrict;
   VkBuffer buffer = vkh_sparse_buffer_create(
      &vt, TILES * VT_TILE,
      VK_BUFFER_CREATE_SPARSE_BINDING_BIT | VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | usage);
   VkDeviceMemory memory =
      vt_memory(TILES / 2, vt_buffer_requirements(buffer).memoryTypeBits);
   uint32_t(*out)[2] = malloc(COUNT * sizeof(*out));

   assert_non_null(out);
   for (uint32_t tile = 0; tile < TILES; tile += 2) {
      const VkSparseMemoryBind bind = {
         .resourceOffset = tile * VT_TILE,
         .size = VT_TILE,
         .memory = memory,
         .memoryOffset = tile / 2 * VT_TILE,
      };
      vt_bind_buffer(buffer, &bind, 1);
      vt_fill_words(buffer, tile * VT_TILE, TILE_WORDS, tile * TILE_WORDS + 1);
   }
   look(buffer, type, code, size, out);
   for (uint32_t i = 0; i < COUNT; i++) {
      bool bound = i / 64 % 2 == 0;

      if (bound || codes)
         assert_int_equal(out[i][0], bound);
      if (bound)
         assert_int_equal(out[i][1], i * STEP + 1);
      else if (strict)
         assert_int_equal(out[i][1], 0);
   }
   free(out);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

static void
test_sparse_fetch(void **state)
{
   (void)state;
   check(VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT,
         VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, fetch_shader,
         sizeof(fetch_shader));
}

static void
test_sparse_read(void **state)
{
   (void)state;
   check(VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT,
         VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, read_shader,
         sizeof(read_shader));
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sparse_read),
      cmocka_unit_test(test_sparse_fetch),
   };
   return cmocka_run_group_tests_name("vulkan-texel-buffer", tests,
                                      vt_group_setup, vt_group_teardown);
}
