/* SPDX-License-Identifier: MIT */
#include "vt_render.h"

#include "render.frag.spv.h"
#include "render.vert.spv.h"
#include "render_input.frag.spv.h"

/* ----------------------------------------------------------------- pairs -- */

static const struct vt_format *
find_format(VkFormat format)
{
   for (unsigned i = 0; i < vt_format_count; i++)
      if (vt_formats[i].format == format)
         return &vt_formats[i];
   fail_msg("format %d is not in the table", format);
   return NULL;
}

uint32_t
vt_pair_tile(const struct vt_pair *pair, uint32_t level, uint32_t layer,
             uint32_t x, uint32_t y)
{
   uint32_t first = 0;

   for (uint32_t i = 0; i < level; i++)
      first += vt_tiles_x(&pair->sparse, i) * vt_tiles_y(&pair->sparse, i) *
               pair->sparse.layers;
   return first +
          (layer * vt_tiles_y(&pair->sparse, level) + y) *
             vt_tiles_x(&pair->sparse, level) +
          x;
}

/* Texel blocks of a level. */
static uint32_t
blocks_x(const struct vt_pair *pair, uint32_t level)
{
   const uint32_t w = pair->sparse.format->block_w;

   return (vt_level_width(&pair->sparse, level) + w - 1) / w;
}

static uint32_t
blocks_y(const struct vt_pair *pair, uint32_t level)
{
   const uint32_t h = pair->sparse.format->block_h;

   return (vt_level_height(&pair->sparse, level) + h - 1) / h;
}

static size_t
level_size_B(const struct vt_pair *pair, uint32_t level)
{
   return (size_t)blocks_x(pair, level) * blocks_y(pair, level) *
          pair->sparse.format->block_B;
}

static VkBufferImageCopy
level_copy(const struct vt_pair *pair, uint32_t level, uint32_t layer)
{
   return (VkBufferImageCopy){
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, layer, 1},
      .imageExtent = {vt_level_width(&pair->sparse, level),
                      vt_level_height(&pair->sparse, level), 1},
   };
}

uint8_t *
vt_read_level(const struct vt_pair *pair, VkImage image, uint32_t level,
              uint32_t layer)
{
   const VkBufferImageCopy copy = level_copy(pair, level, layer);
   const size_t size_B = level_size_B(pair, level);
   uint8_t *bytes = vkh_calloc(size_B, 1);
   struct vkh_buffer out;

   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &out);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkh_full_barrier(cmd);
   vkCmdCopyImageToBuffer(cmd, image, VK_IMAGE_LAYOUT_GENERAL, out.buffer, 1,
                          &copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   memcpy(bytes, out.map, size_B);
   vkh_buffer_destroy(&vt, &out);
   return bytes;
}

/* No NaN or denormal in any width, as in vt_image.c. */
static uint8_t
pattern(uint32_t seed, size_t i)
{
   uint32_t hash = seed * 0x9e3779b9u + (uint32_t)i * 0x85ebca6bu;

   hash ^= hash >> 15;
   hash *= 0x2c1b3c6du;
   return (uint8_t)(0x41 + (hash >> 24) % 16);
}

static void
fill_level(const struct vt_pair *pair, uint32_t level, uint32_t layer)
{
   const VkBufferImageCopy copy = level_copy(pair, level, layer);
   const size_t size_B = level_size_B(pair, level);
   struct vkh_buffer in;

   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                     VKH_MEMORY_UPLOAD, &in);
   for (size_t i = 0; i < size_B; i++)
      ((uint8_t *)in.map)[i] = pattern(level * 100 + layer, i);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdCopyBufferToImage(cmd, in.buffer, pair->sparse.image,
                          VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
   vkCmdCopyBufferToImage(cmd, in.buffer, pair->plain, VK_IMAGE_LAYOUT_GENERAL,
                          1, &copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkh_buffer_destroy(&vt, &in);
}

static bool
is_bound(enum vt_binding binding, uint32_t x, uint32_t y, uint32_t layer)
{
   return binding == VT_BIND_ALL ||
          (binding == VT_BIND_CHECKERBOARD && (x + y + layer) % 2 == 0);
}

/* Of tile @x, @y; the levels of a tail are bound together. */
static uint8_t
initial_flag(const struct vt_image *image, enum vt_binding binding,
             uint32_t level, uint32_t layer, uint32_t x, uint32_t y)
{
   if (level < image->sparse.imageMipTailFirstLod)
      return is_bound(binding, x, y, layer);
   return is_bound(binding, 0, 0, vt_tail_count(image) == 1 ? 0 : layer);
}

/* Binds the tails whose flag is @flag, to memory behind that of the tiles. */
static void
bind_tails(const struct vt_pair *pair, uint8_t flag)
{
   const struct vt_image *image = &pair->sparse;
   const uint32_t first = image->sparse.imageMipTailFirstLod;

   for (uint32_t tail = 0; tail < vt_tail_count(image); tail++) {
      const VkSparseMemoryBind bind = vt_tail_bind(
         image, tail, pair->memory,
         pair->tile_count * VT_TILE + tail * image->sparse.imageMipTailSize);

      if (pair->bound[vt_pair_tile(pair, first, tail, 0, 0)] == flag)
         vt_bind_opaque(image->image, &bind, 1);
   }
}

/* Binds what has the flag @flag: tiles to the place of their number. */
static void
bind_tiles(const struct vt_pair *pair, uint8_t flag)
{
   const struct vt_image *image = &pair->sparse;
   VkSparseImageMemoryBind *binds =
      vkh_calloc(pair->tile_count, sizeof(*binds));
   uint32_t count = 0;

   for (uint32_t level = 0;
        level < image->levels && level < image->sparse.imageMipTailFirstLod;
        level++)
      for (uint32_t layer = 0; layer < image->layers; layer++)
         for (uint32_t y = 0; y < vt_tiles_y(image, level); y++)
            for (uint32_t x = 0; x < vt_tiles_x(image, level); x++) {
               uint32_t tile = vt_pair_tile(pair, level, layer, x, y);

               if (pair->bound[tile] == flag)
                  binds[count++] = vt_tile_bind(image, level, layer, x, y, 1, 1,
                                                pair->memory, tile);
            }
   if (count)
      vt_bind_image(image->image, binds, count);
   free(binds);
   bind_tails(pair, flag);
}

static void
create_plain(struct vt_pair *pair, VkImageUsageFlags usage)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = pair->sparse.format->format,
      .extent = {pair->sparse.width, pair->sparse.height, 1},
      .mipLevels = pair->sparse.levels,
      .arrayLayers = pair->sparse.layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };

   VKH_CHECK(vkCreateImage(vt.device, &info, NULL, &pair->plain));

   VkMemoryRequirements req;

   vkGetImageMemoryRequirements(vt.device, pair->plain, &req);
   VKH_CHECK(vkh_memory_try_alloc(&vt, req.size, req.memoryTypeBits,
                                  VKH_MEMORY_DEVICE, &pair->plain_memory));
   VKH_CHECK(vkBindImageMemory(vt.device, pair->plain, pair->plain_memory, 0));
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkh_image_layout(cmd, pair->plain, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
   vkh_run(&vt, cmd);
}

/* Whole levels, all bound for a moment: memory that is not bound has it too. */
static void
fill(struct vt_pair *pair)
{
   const VkSparseMemoryBind none = {.size = pair->sparse.req.size};

   bind_tiles(pair, 0);
   bind_tiles(pair, 1);
   for (uint32_t level = 0; level < pair->sparse.levels; level++)
      for (uint32_t layer = 0; layer < pair->sparse.layers; layer++)
         fill_level(pair, level, layer);
   vt_bind_opaque(pair->sparse.image, &none, 1);
   bind_tiles(pair, 1);
}

void
vt_pair_create(VkFormat format, uint32_t width, uint32_t height,
               uint32_t levels, uint32_t layers, VkImageUsageFlags usage,
               enum vt_binding binding, struct vt_pair *pair)
{
   const struct vt_format *f = find_format(format);

   usage |= VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   VT_NEED(vt_image_supported(f, usage));
   memset(pair, 0, sizeof(*pair));
   vt_image_create(f, width, height, levels, layers, 0, usage, &pair->sparse);
   pair->tile_count = vt_pair_tile(pair, levels, 0, 0, 0);
   pair->memory = vt_memory(
      pair->tile_count + vt_tail_count(&pair->sparse) *
                            pair->sparse.sparse.imageMipTailSize / VT_TILE,
      pair->sparse.req.memoryTypeBits);
   pair->bound = vkh_calloc(pair->tile_count, 1);
   for (uint32_t level = 0; level < levels; level++)
      for (uint32_t layer = 0; layer < layers; layer++)
         for (uint32_t y = 0; y < vt_tiles_y(&pair->sparse, level); y++)
            for (uint32_t x = 0; x < vt_tiles_x(&pair->sparse, level); x++)
               pair->bound[vt_pair_tile(pair, level, layer, x, y)] =
                  initial_flag(&pair->sparse, binding, level, layer, x, y);
   create_plain(pair, usage);
   fill(pair);
}

void
vt_pair_destroy(struct vt_pair *pair)
{
   vt_image_destroy(&pair->sparse);
   vkFreeMemory(vt.device, pair->memory, NULL);
   vkDestroyImage(vt.device, pair->plain, NULL);
   vkFreeMemory(vt.device, pair->plain_memory, NULL);
   free(pair->bound);
}

static bool
is_near(const uint8_t *got, const uint8_t *want, uint32_t size_B, int distance)
{
   for (uint32_t i = 0; i < size_B; i++)
      if (abs(got[i] - want[i]) > distance)
         return false;
   return true;
}

/*
 * Texel blocks of tiles whose flag is @flag must be those of @want, but for
 * @distance in each byte.
 */
static void
check_level(const struct vt_pair *pair, uint32_t level, uint32_t layer,
            uint8_t flag, const uint8_t *want, int distance)
{
   const struct vt_format *f = pair->sparse.format;
   const uint32_t width = blocks_x(pair, level);
   const uint32_t height = blocks_y(pair, level);
   uint8_t *got = vt_read_level(pair, pair->sparse.image, level, layer);

   for (uint32_t y = 0; y < height; y++)
      for (uint32_t x = 0; x < width; x++) {
         size_t at = ((size_t)y * width + x) * f->block_B;

         if (pair->bound[vt_pair_tile(pair, level, layer,
                                      x * f->block_w / f->tile_w,
                                      y * f->block_h / f->tile_h)] == flag &&
             !is_near(got + at, want + at, f->block_B, distance))
            fail_msg("%s level %u layer %u block %u,%u: got %02x%02x.., want "
                     "%02x%02x..",
                     f->name, level, layer, x, y, got[at],
                     got[at + f->block_B - 1u], want[at],
                     want[at + f->block_B - 1u]);
      }
   free(got);
}

static void
compare(const struct vt_pair *pair, int distance)
{
   for (uint32_t level = 0; level < pair->sparse.levels; level++)
      for (uint32_t layer = 0; layer < pair->sparse.layers; layer++) {
         uint8_t *want = vt_read_level(pair, pair->plain, level, layer);

         check_level(pair, level, layer, 1, want, distance);
         if (vt.properties.sparseProperties.residencyNonResidentStrict) {
            memset(want, 0, level_size_B(pair, level));
            check_level(pair, level, layer, 0, want, 0);
         }
         free(want);
      }
}

void
vt_pair_compare(const struct vt_pair *pair)
{
   compare(pair, 0);
}

void
vt_pair_compare_near(const struct vt_pair *pair)
{
   compare(pair, 1);
}

void
vt_pair_check_unbound(struct vt_pair *pair)
{
   bind_tiles(pair, 0);
   for (uint32_t level = 0; level < pair->sparse.levels; level++)
      for (uint32_t layer = 0; layer < pair->sparse.layers; layer++) {
         size_t size_B = level_size_B(pair, level);
         uint8_t *want = vkh_calloc(size_B, 1);

         for (size_t i = 0; i < size_B; i++)
            want[i] = pattern(level * 100 + layer, i);
         check_level(pair, level, layer, 0, want, 0);
         free(want);
      }
}

VkImageView
vt_attachment_view(VkImage image, VkFormat format, VkImageViewType type,
                   uint32_t level, uint32_t layer, uint32_t layers)
{
   const VkImageViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image,
      .viewType = type,
      .format = format,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, level, 1, layer, layers},
   };
   VkImageView view;

   VKH_CHECK(vkCreateImageView(vt.device, &info, NULL, &view));
   return view;
}

VkRenderingAttachmentInfo
vt_color_attachment(VkImageView view, VkAttachmentLoadOp load,
                    VkAttachmentStoreOp store)
{
   return (VkRenderingAttachmentInfo){
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = view,
      .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .loadOp = load,
      .storeOp = store,
      .clearValue.color.float32 = {0.2f, 0.4f, 0.6f, 0.8f},
   };
}

/* ------------------------------------------------------------- pipelines -- */

const struct vt_triangle vt_full_triangle = {
   .corner = {{-1, -1, 0.25f}, {3, -1, 0.25f}, {-1, 3, 0.25f}},
   .seed = 0.125f,
};
const struct vt_triangle vt_slanted_triangle = {
   .corner = {{-0.97f, -0.9f, 0.1f}, {1.1f, -0.7f, 0.9f}, {-0.6f, 1.2f, 0.4f}},
   .seed = 0.625f,
};

static VkPipelineShaderStageCreateInfo
stage(VkShaderStageFlagBits bit, const uint32_t *code, size_t size_B)
{
   return (VkPipelineShaderStageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage = bit,
      .module = vkh_shader(&vt, code, size_B),
      .pName = "main",
   };
}

static VkPipeline
create_pipeline(const struct vt_pipeline_info *info, VkPipelineLayout layout)
{
   const VkPipelineShaderStageCreateInfo stages[] = {
      stage(VK_SHADER_STAGE_VERTEX_BIT, vt_render_vert, sizeof(vt_render_vert)),
      info->reads_input
         ? stage(VK_SHADER_STAGE_FRAGMENT_BIT, vt_render_input_frag,
                 sizeof(vt_render_input_frag))
         : stage(VK_SHADER_STAGE_FRAGMENT_BIT, vt_render_frag,
                 sizeof(vt_render_frag)),
   };
   const VkPipelineVertexInputStateCreateInfo vertices = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
   };
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
   };
   const VkPipelineViewportStateCreateInfo viewport = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .scissorCount = 1,
   };
   const VkPipelineRasterizationStateCreateInfo raster = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .lineWidth = 1.0f,
   };
   const VkPipelineMultisampleStateCreateInfo multisample = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples =
         info->samples ? info->samples : VK_SAMPLE_COUNT_1_BIT,
   };
   const VkPipelineDepthStencilStateCreateInfo depth = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO,
      .depthTestEnable = info->depth != VK_FORMAT_UNDEFINED,
      .depthWriteEnable = info->depth != VK_FORMAT_UNDEFINED,
      .depthCompareOp = VK_COMPARE_OP_LESS,
   };
   const VkPipelineColorBlendAttachmentState one = {
      .blendEnable = info->blend,
      .srcColorBlendFactor = VK_BLEND_FACTOR_SRC_ALPHA,
      .dstColorBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
      .srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
      .colorWriteMask = 0xf,
   };
   const VkPipelineColorBlendAttachmentState both[] = {one, one};
   const VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = info->color_count,
      .pAttachments = both,
   };
   const VkDynamicState states[] = {VK_DYNAMIC_STATE_VIEWPORT,
                                    VK_DYNAMIC_STATE_SCISSOR};
   const VkPipelineDynamicStateCreateInfo dynamic = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
      .dynamicStateCount = 2,
      .pDynamicStates = states,
   };
   const VkPipelineRenderingCreateInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .viewMask = info->view_mask,
      .colorAttachmentCount = info->color_count,
      .pColorAttachmentFormats = info->formats,
      .depthAttachmentFormat = info->depth,
   };
   const VkGraphicsPipelineCreateInfo create = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = info->pass ? NULL : &rendering,
      .stageCount = 2,
      .pStages = stages,
      .pVertexInputState = &vertices,
      .pInputAssemblyState = &assembly,
      .pViewportState = &viewport,
      .pRasterizationState = &raster,
      .pMultisampleState = &multisample,
      .pDepthStencilState = &depth,
      .pColorBlendState = &blend,
      .pDynamicState = &dynamic,
      .layout = layout,
      .renderPass = info->pass,
      .subpass = info->subpass,
   };
   VkPipeline pipeline;

   VKH_CHECK(vkCreateGraphicsPipelines(vt.device, VK_NULL_HANDLE, 1, &create,
                                       NULL, &pipeline));
   vkDestroyShaderModule(vt.device, stages[0].module, NULL);
   vkDestroyShaderModule(vt.device, stages[1].module, NULL);
   return pipeline;
}

#define PUSH_STAGES (VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT)

struct vt_pipeline
vt_pipeline_create(const struct vt_pipeline_info *info)
{
   static const VkDescriptorType input = VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT;
   struct vt_pipeline p;

   p.set_layout = vkh_set_layout(&vt, VK_SHADER_STAGE_FRAGMENT_BIT, &input, 1);
   p.layout = vkh_pipeline_layout(&vt, p.set_layout, PUSH_STAGES,
                                  sizeof(struct vt_triangle));
   p.pipeline = create_pipeline(info, p.layout);
   return p;
}

void
vt_pipeline_destroy(struct vt_pipeline *pipeline)
{
   vkDestroyPipeline(vt.device, pipeline->pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, pipeline->layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, pipeline->set_layout, NULL);
}

void
vt_draw(VkCommandBuffer cmd, const struct vt_pipeline *pipeline,
        const struct vt_triangle *triangle, uint32_t width, uint32_t height,
        VkRect2D scissor)
{
   const VkViewport viewport = {0, 0, (float)width, (float)height, 0, 1};

   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline->pipeline);
   vkCmdSetViewport(cmd, 0, 1, &viewport);
   vkCmdSetScissor(cmd, 0, 1, &scissor);
   vkCmdPushConstants(cmd, pipeline->layout, PUSH_STAGES, 0, sizeof(*triangle),
                      triangle);
   vkCmdDraw(cmd, 3, 1, 0, 0);
}
