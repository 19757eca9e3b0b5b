/* SPDX-License-Identifier: MIT */
/*
 * Sparse residency images as attachments. Everything is rendered to a sparse
 * image and to an ordinary one, which must be equal wherever the sparse one is
 * bound; what is not bound must not be written anywhere.
 */
#include "vt_render.h"

#define RGBA8 VK_FORMAT_R8G8B8A8_UNORM
#define COLOR VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT

/* -------------------------------------------------------- dynamic rendering --
 */

struct rendering {
   uint32_t level, layer, layers;
   VkAttachmentLoadOp load;
   VkAttachmentStoreOp store;
   VkRect2D area;
   uint32_t view_mask;
   bool split;  /* in two, suspended in between */
   bool clears; /* a rectangle within, too */
};

static void
clear_rectangle(VkCommandBuffer cmd, VkRect2D area, uint32_t layers)
{
   const VkClearAttachment clear = {
      .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT,
      .clearValue.color.float32 = {0.9f, 0.1f, 0.7f, 0.3f},
   };
   const VkClearRect rect = {
      .rect = {{area.offset.x + 5, area.offset.y + 3}, {40, 30}},
      .layerCount = layers,
   };

   vkCmdClearAttachments(cmd, 1, &clear, 1, &rect);
}

static void
render_dynamic(const struct vt_pair *pair, VkImage image,
               const struct vt_pipeline *pipeline, const struct rendering *r)
{
   const VkImageView view = vt_attachment_view(
      image, pair->sparse.format->format, VK_IMAGE_VIEW_TYPE_2D_ARRAY, r->level,
      r->layer, r->layers);
   const VkRenderingAttachmentInfo color =
      vt_color_attachment(view, r->load, r->store);
   VkRenderingInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = r->area,
      .layerCount = r->view_mask ? 0 : r->layers,
      .viewMask = r->view_mask,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
   };
   const uint32_t width = vt_level_width(&pair->sparse, r->level);
   const uint32_t height = vt_level_height(&pair->sparse, r->level);
   VkCommandBuffer cmd = vkh_begin(&vt);

   if (r->split) {
      info.flags = VK_RENDERING_SUSPENDING_BIT;
      vkCmdBeginRendering(cmd, &info);
      vt_draw(cmd, pipeline, &vt_slanted_triangle, width, height, r->area);
      vkCmdEndRendering(cmd);
      info.flags = VK_RENDERING_RESUMING_BIT;
   }
   vkCmdBeginRendering(cmd, &info);
   vt_draw(cmd, pipeline, &vt_slanted_triangle, width, height, r->area);
   if (r->clears)
      clear_rectangle(cmd, r->area, r->view_mask ? 1 : r->layers);
   vkCmdEndRendering(cmd);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkDestroyImageView(vt.device, view, NULL);
}

static const VkRect2D whole = {{0, 0}, {600, 300}};

/* Load and store operations, areas, mips and layers. */
static void
test_dynamic(void **state)
{
   (void)state;
   const VkAttachmentLoadOp load = VK_ATTACHMENT_LOAD_OP_LOAD;
   const VkAttachmentLoadOp clear = VK_ATTACHMENT_LOAD_OP_CLEAR;
   const VkAttachmentStoreOp store = VK_ATTACHMENT_STORE_OP_STORE;
   const VkRect2D part = {{100, 90}, {211, 77}};
   const VkRect2D half = {{0, 0}, {300, 150}};
   const struct rendering cases[] = {
      {0, 0, 1, load, store, whole, 0, false, false},
      {0, 1, 1, clear, store, whole, 0, false, true},
      {0, 2, 1, load, store, part, 0, false, true},
      {0, 0, 1, clear, store, part, 0, false, false},
      {1, 1, 1, load, store, half, 0, false, false},
      {2, 0, 1, clear, store, {{0, 0}, {150, 75}}, 0, false, true},
      {4, 2, 1, load, store, {{3, 2}, {30, 10}}, 0, false, false},
      {0, 0, 3, clear, store, part, 0, false, true},
      {1, 1, 2, load, store, half, 0, false, true},
      {0, 0, 3, load, store, part, 5, false, false},
      {0, 1, 2, clear, store, half, 3, false, true},
      {0, 1, 1, load, store, part, 0, true, true},
      {0, 2, 1, clear, store, whole, 0, true, false},
   };
   struct vt_pair pair;

   vt_pair_create(RGBA8, 600, 300, 5, 3, COLOR, VT_BIND_CHECKERBOARD, &pair);
   for (unsigned i = 0; i < VKH_ARRAY_SIZE(cases); i++) {
      struct vt_pipeline pipeline =
         vt_pipeline_create(&(struct vt_pipeline_info){
            .formats = {RGBA8},
            .color_count = 1,
            .blend = true,
            .view_mask = cases[i].view_mask,
         });

      render_dynamic(&pair, pair.sparse.image, &pipeline, &cases[i]);
      render_dynamic(&pair, pair.plain, &pipeline, &cases[i]);
      vt_pipeline_destroy(&pipeline);
      vt_pair_compare(&pair);
   }
   vt_pair_check_unbound(&pair);
   vt_pair_destroy(&pair);
}

/* What is not stored leaves what is there, outside of the area at least. */
static void
test_not_stored(void **state)
{
   (void)state;
   const struct rendering r = {
      .layers = 1,
      .load = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
      .store = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .area = {{128, 0}, {128, 128}},
   };
   struct vt_pair pair;

   vt_pair_create(RGBA8, 384, 128, 1, 1, COLOR, VT_BIND_ALL, &pair);
   struct vt_pipeline pipeline = vt_pipeline_create(&(struct vt_pipeline_info){
      .formats = {RGBA8},
      .color_count = 1,
   });

   render_dynamic(&pair, pair.sparse.image, &pipeline, &r);
   pair.bound[1] = 2; /* undefined */
   vt_pair_compare(&pair);
   vt_pipeline_destroy(&pipeline);
   vt_pair_destroy(&pair);
}

/* Every renderable format that has tiles. */
static void
test_formats(void **state)
{
   (void)state;
   static const VkFormat formats[] = {
      VK_FORMAT_R8_UNORM,
      VK_FORMAT_R8G8_UNORM,
      VK_FORMAT_R5G6B5_UNORM_PACK16,
      VK_FORMAT_R8G8B8A8_SRGB,
      VK_FORMAT_B8G8R8A8_UNORM,
      VK_FORMAT_A2B10G10R10_UNORM_PACK32,
      VK_FORMAT_R16G16_SFLOAT,
      VK_FORMAT_R32_SFLOAT,
      VK_FORMAT_B10G11R11_UFLOAT_PACK32,
      VK_FORMAT_R16G16B16A16_SFLOAT,
      VK_FORMAT_R16G16B16A16_UNORM,
      VK_FORMAT_R32G32_SFLOAT,
      VK_FORMAT_R32G32B32A32_SFLOAT,
   };
   unsigned done = 0;

   for (unsigned i = 0; i < VKH_ARRAY_SIZE(formats); i++) {
      VkImageFormatProperties properties;
      const struct rendering r = {
         .layers = 1,
         .load = VK_ATTACHMENT_LOAD_OP_LOAD,
         .store = VK_ATTACHMENT_STORE_OP_STORE,
         .area = {{7, 5}, {520, 300}},
      };
      struct vt_pair pair;

      if (vkGetPhysicalDeviceImageFormatProperties(
             vt.physical, formats[i], VK_IMAGE_TYPE_2D, VK_IMAGE_TILING_OPTIMAL,
             COLOR | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                VK_IMAGE_USAGE_TRANSFER_DST_BIT,
             VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
                VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
             &properties) != VK_SUCCESS)
         continue;
      vt_pair_create(formats[i], 530, 310, 1, 1, COLOR, VT_BIND_CHECKERBOARD,
                     &pair);
      struct vt_pipeline pipeline =
         vt_pipeline_create(&(struct vt_pipeline_info){
            .formats = {formats[i]},
            .color_count = 1,
         });

      render_dynamic(&pair, pair.sparse.image, &pipeline, &r);
      render_dynamic(&pair, pair.plain, &pipeline, &r);
      vt_pair_compare(&pair);
      vt_pair_check_unbound(&pair);
      vt_pipeline_destroy(&pipeline);
      vt_pair_destroy(&pair);
      done++;
   }
   VT_NEED(done);
}

/* ------------------------------------------------------------ render passes --
 */

enum framebuffer_kind { WITH_VIEWS, IMAGELESS };

struct attachment {
   VkImageView view;
   VkFormat format;
   VkImageUsageFlags usage;
   VkAttachmentLoadOp load;
};

struct pass {
   VkRenderPass pass;
   VkFramebuffer framebuffer;
   uint32_t width, height;
};

/* One subpass writes all, or a second reads attachment 0 and writes 1. */
static VkRenderPass
create_render_pass(const struct attachment *attachments, uint32_t count,
                   bool reads_first, bool second_version)
{
   VkAttachmentDescription descriptions[2];
   const VkAttachmentReference refs[] = {{0, VK_IMAGE_LAYOUT_GENERAL},
                                         {1, VK_IMAGE_LAYOUT_GENERAL}};
   const VkSubpassDescription subpasses[] = {
      {.colorAttachmentCount = reads_first ? 1 : count,
       .pColorAttachments = refs},
      {.inputAttachmentCount = 1,
       .pInputAttachments = refs,
       .colorAttachmentCount = 1,
       .pColorAttachments = &refs[1]},
   };
   const VkSubpassDependency dependency = {
      .dstSubpass = 1,
      .srcStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
      .dstStageMask = VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT,
      .srcAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_INPUT_ATTACHMENT_READ_BIT,
      .dependencyFlags = VK_DEPENDENCY_BY_REGION_BIT,
   };
   const VkRenderPassCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = count,
      .pAttachments = descriptions,
      .subpassCount = reads_first ? 2 : 1,
      .pSubpasses = subpasses,
      .dependencyCount = reads_first ? 1 : 0,
      .pDependencies = &dependency,
   };
   VkRenderPass pass;

   for (uint32_t i = 0; i < count; i++)
      descriptions[i] = (VkAttachmentDescription){
         .format = attachments[i].format,
         .samples = VK_SAMPLE_COUNT_1_BIT,
         .loadOp = attachments[i].load,
         .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
         .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
         .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
         .initialLayout = VK_IMAGE_LAYOUT_GENERAL,
         .finalLayout = VK_IMAGE_LAYOUT_GENERAL,
      };
   if (!second_version) {
      VKH_CHECK(vkCreateRenderPass(vt.device, &info, NULL, &pass));
      return pass;
   }

   VkAttachmentDescription2 d2[2];
   const VkAttachmentReference2 r2[] = {
      {VK_STRUCTURE_TYPE_ATTACHMENT_REFERENCE_2, NULL, 0,
       VK_IMAGE_LAYOUT_GENERAL, VK_IMAGE_ASPECT_COLOR_BIT},
      {VK_STRUCTURE_TYPE_ATTACHMENT_REFERENCE_2, NULL, 1,
       VK_IMAGE_LAYOUT_GENERAL, VK_IMAGE_ASPECT_COLOR_BIT},
   };
   const VkSubpassDescription2 subpass2 = {
      .sType = VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_2,
      .colorAttachmentCount = count,
      .pColorAttachments = r2,
   };
   const VkRenderPassCreateInfo2 info2 = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO_2,
      .attachmentCount = count,
      .pAttachments = d2,
      .subpassCount = 1,
      .pSubpasses = &subpass2,
   };

   for (uint32_t i = 0; i < count; i++)
      d2[i] = (VkAttachmentDescription2){
         .sType = VK_STRUCTURE_TYPE_ATTACHMENT_DESCRIPTION_2,
         .format = descriptions[i].format,
         .samples = descriptions[i].samples,
         .loadOp = descriptions[i].loadOp,
         .storeOp = descriptions[i].storeOp,
         .stencilLoadOp = descriptions[i].stencilLoadOp,
         .stencilStoreOp = descriptions[i].stencilStoreOp,
         .initialLayout = VK_IMAGE_LAYOUT_GENERAL,
         .finalLayout = VK_IMAGE_LAYOUT_GENERAL,
      };
   VKH_CHECK(vkCreateRenderPass2(vt.device, &info2, NULL, &pass));
   return pass;
}

static VkFramebuffer
create_framebuffer(VkRenderPass pass, const struct attachment *attachments,
                   uint32_t count, uint32_t width, uint32_t height,
                   enum framebuffer_kind kind)
{
   VkImageView views[2];
   VkFramebufferAttachmentImageInfo images[2];
   const VkFramebufferAttachmentsCreateInfo imageless = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_ATTACHMENTS_CREATE_INFO,
      .attachmentImageInfoCount = count,
      .pAttachmentImageInfos = images,
   };
   const VkFramebufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
      .pNext = kind == IMAGELESS ? &imageless : NULL,
      .flags = kind == IMAGELESS ? VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT : 0,
      .renderPass = pass,
      .attachmentCount = count,
      .pAttachments = kind == IMAGELESS ? NULL : views,
      .width = width,
      .height = height,
      .layers = 1,
   };
   VkFramebuffer framebuffer;

   for (uint32_t i = 0; i < count; i++) {
      views[i] = attachments[i].view;
      images[i] = (VkFramebufferAttachmentImageInfo){
         .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_ATTACHMENT_IMAGE_INFO,
         .flags = attachments[i].usage & VK_IMAGE_USAGE_SAMPLED_BIT
                     ? 0
                     : VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
                          VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
         .usage = attachments[i].usage & ~VK_IMAGE_USAGE_SAMPLED_BIT,
         .width = width,
         .height = height,
         .layerCount = 1,
         .viewFormatCount = 1,
         .pViewFormats = &attachments[i].format,
      };
   }
   VKH_CHECK(vkCreateFramebuffer(vt.device, &info, NULL, &framebuffer));
   return framebuffer;
}

static void
begin_pass(VkCommandBuffer cmd, VkRenderPass pass, VkFramebuffer framebuffer,
           const struct attachment *attachments, uint32_t count, VkRect2D area,
           enum framebuffer_kind kind, bool second_version)
{
   VkImageView views[2];
   const VkRenderPassAttachmentBeginInfo named = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO,
      .attachmentCount = count,
      .pAttachments = views,
   };
   const VkClearValue clears[2] = {
      {.color.float32 = {0.3f, 0.5f, 0.1f, 1.0f}},
      {.color.float32 = {0.7f, 0.2f, 0.9f, 0.5f}},
   };
   const VkRenderPassBeginInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .pNext = kind == IMAGELESS ? &named : NULL,
      .renderPass = pass,
      .framebuffer = framebuffer,
      .renderArea = area,
      .clearValueCount = 2,
      .pClearValues = clears,
   };
   const VkSubpassBeginInfo subpass = {
      .sType = VK_STRUCTURE_TYPE_SUBPASS_BEGIN_INFO,
      .contents = VK_SUBPASS_CONTENTS_INLINE,
   };

   for (uint32_t i = 0; i < count; i++)
      views[i] = attachments[i].view;
   if (second_version)
      vkCmdBeginRenderPass2(cmd, &info, &subpass);
   else
      vkCmdBeginRenderPass(cmd, &info, VK_SUBPASS_CONTENTS_INLINE);
}

static void
end_pass(VkCommandBuffer cmd, bool second_version)
{
   const VkSubpassEndInfo end = {.sType = VK_STRUCTURE_TYPE_SUBPASS_END_INFO};

   if (second_version)
      vkCmdEndRenderPass2(cmd, &end);
   else
      vkCmdEndRenderPass(cmd);
}

/* Two attachments, drawn to at once. */
static void
render_two(const struct attachment attachments[2], VkRect2D area,
           uint32_t width, uint32_t height, enum framebuffer_kind kind,
           bool second_version)
{
   const VkRenderPass pass =
      create_render_pass(attachments, 2, false, second_version);
   const VkFramebuffer framebuffer =
      create_framebuffer(pass, attachments, 2, width, height, kind);
   struct vt_pipeline pipeline = vt_pipeline_create(&(struct vt_pipeline_info){
      .formats = {attachments[0].format, attachments[1].format},
      .color_count = 2,
      .blend = true,
      .pass = pass,
   });
   VkCommandBuffer cmd = vkh_begin(&vt);

   begin_pass(cmd, pass, framebuffer, attachments, 2, area, kind,
              second_version);
   vt_draw(cmd, &pipeline, &vt_slanted_triangle, width, height, area);
   end_pass(cmd, second_version);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vt_pipeline_destroy(&pipeline);
   vkDestroyFramebuffer(vt.device, framebuffer, NULL);
   vkDestroyRenderPass(vt.device, pass, NULL);
}

#define TRANSFERS                                                              \
   (VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT)
#define PLAIN VK_IMAGE_USAGE_SAMPLED_BIT /* see create_framebuffer() */

/* One sparse attachment and one ordinary; then both sparse. */
static void
test_render_pass(void **state)
{
   (void)state;
   const VkRect2D area = {{30, 20}, {333, 200}};
   struct vt_pair a, b;

   vt_pair_create(RGBA8, 400, 260, 1, 2, COLOR, VT_BIND_CHECKERBOARD, &a);
   vt_pair_create(VK_FORMAT_R16G16B16A16_SFLOAT, 400, 260, 1, 1, COLOR,
                  VT_BIND_CHECKERBOARD, &b);
   for (unsigned i = 0; i < 8; i++) {
      const bool mixed = i & 1;
      const enum framebuffer_kind kind = i & 2 ? IMAGELESS : WITH_VIEWS;
      const VkFormat format_b = b.sparse.format->format;
      const VkAttachmentLoadOp load =
         i & 4 ? VK_ATTACHMENT_LOAD_OP_LOAD : VK_ATTACHMENT_LOAD_OP_CLEAR;
      const VkImageViewType d2 = VK_IMAGE_VIEW_TYPE_2D;
      const struct attachment sparse[2] = {
         {vt_attachment_view(a.sparse.image, RGBA8, d2, 0, i % 2, 1), RGBA8,
          COLOR | TRANSFERS, load},
         {vt_attachment_view(mixed ? b.plain : b.sparse.image, format_b, d2, 0,
                             0, 1),
          format_b, COLOR | TRANSFERS | (mixed ? PLAIN : 0),
          VK_ATTACHMENT_LOAD_OP_LOAD},
      };
      const struct attachment plain[2] = {
         {vt_attachment_view(a.plain, RGBA8, d2, 0, i % 2, 1), RGBA8,
          COLOR | TRANSFERS | PLAIN, load},
         {vt_attachment_view(mixed ? b.sparse.image : b.plain, format_b, d2, 0,
                             0, 1),
          format_b, COLOR | TRANSFERS | (mixed ? 0 : PLAIN),
          VK_ATTACHMENT_LOAD_OP_LOAD},
      };

      render_two(sparse, area, 400, 260, kind, i & 4);
      render_two(plain, area, 400, 260, kind, i & 4);
      vt_pair_compare(&a);
      vt_pair_compare(&b);
      for (unsigned j = 0; j < 2; j++) {
         vkDestroyImageView(vt.device, sparse[j].view, NULL);
         vkDestroyImageView(vt.device, plain[j].view, NULL);
      }
   }
   vt_pair_check_unbound(&a);
   vt_pair_check_unbound(&b);
   vt_pair_destroy(&a);
   vt_pair_destroy(&b);
}

/* A second subpass reads what the first has rendered, and what was loaded. */
static void
render_input(VkImage first, VkImage second)
{
   const VkImageUsageFlags usage = COLOR | VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;
   const VkDescriptorType type = VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT;
   const VkRect2D area = {{10, 0}, {240, 200}};
   const struct attachment attachments[2] = {
      {vt_attachment_view(first, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1), RGBA8,
       usage, VK_ATTACHMENT_LOAD_OP_LOAD},
      {vt_attachment_view(second, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1), RGBA8,
       usage, VK_ATTACHMENT_LOAD_OP_LOAD},
   };
   const VkRenderPass pass = create_render_pass(attachments, 2, true, false);
   const VkFramebuffer framebuffer =
      create_framebuffer(pass, attachments, 2, 256, 256, WITH_VIEWS);
   struct vt_pipeline_info info = {
      .formats = {RGBA8},
      .color_count = 1,
      .pass = pass,
   };
   struct vt_pipeline writes = vt_pipeline_create(&info);
   VkDescriptorPool pool;

   info.subpass = 1;
   info.reads_input = true;

   struct vt_pipeline reads = vt_pipeline_create(&info);
   const VkDescriptorSet set =
      vkh_descriptor_set(&vt, reads.set_layout, &type, 1, &pool);

   vkh_write_image(&vt, set, 0, type, attachments[0].view,
                   VK_IMAGE_LAYOUT_GENERAL, VK_NULL_HANDLE);

   VkCommandBuffer cmd = vkh_begin(&vt);

   begin_pass(cmd, pass, framebuffer, attachments, 2, area, WITH_VIEWS, false);
   vt_draw(cmd, &writes, &vt_slanted_triangle, 256, 256, area);
   vkCmdNextSubpass(cmd, VK_SUBPASS_CONTENTS_INLINE);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_GRAPHICS, reads.layout,
                           0, 1, &set, 0, NULL);
   vt_draw(cmd, &reads, &vt_full_triangle, 256, 256, area);
   end_pass(cmd, false);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);

   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vt_pipeline_destroy(&writes);
   vt_pipeline_destroy(&reads);
   vkDestroyFramebuffer(vt.device, framebuffer, NULL);
   vkDestroyRenderPass(vt.device, pass, NULL);
   vkDestroyImageView(vt.device, attachments[0].view, NULL);
   vkDestroyImageView(vt.device, attachments[1].view, NULL);
}

static void
test_input_attachment(void **state)
{
   (void)state;
   const VkImageUsageFlags usage = COLOR | VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;
   struct vt_pair a, b;

   vt_pair_create(RGBA8, 256, 256, 1, 1, usage, VT_BIND_ALL, &a);
   vt_pair_create(RGBA8, 256, 256, 1, 1, usage, VT_BIND_CHECKERBOARD, &b);
   render_input(a.sparse.image, b.sparse.image);
   render_input(a.plain, b.plain);
   vt_pair_compare(&a);
   vt_pair_compare(&b);
   vt_pair_check_unbound(&b);
   vt_pair_destroy(&a);
   vt_pair_destroy(&b);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dynamic),
      cmocka_unit_test(test_not_stored),
      cmocka_unit_test(test_formats),
      cmocka_unit_test(test_render_pass),
      cmocka_unit_test(test_input_attachment),
   };
   return cmocka_run_group_tests_name("vulkan-attachment", tests,
                                      vt_group_setup, vt_group_teardown);
}
