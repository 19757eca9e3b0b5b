/* SPDX-License-Identifier: MIT */
/*
 * Sparse residency images as attachments in less usual ways: resolved to,
 * in secondary command buffers, over several command buffers, from several
 * threads, as slices of volumes, as depth, in another format, in a large level.
 */
#include <pthread.h>
#include <unistd.h>

#include "vt_render.h"

#define RGBA8 VK_FORMAT_R8G8B8A8_UNORM
#define COLOR VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT
#define GENERAL VK_IMAGE_LAYOUT_GENERAL

static VkRenderingInfo
rendering(const VkRenderingAttachmentInfo *color, VkRect2D area)
{
   return (VkRenderingInfo){
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = area,
      .layerCount = 1,
      .colorAttachmentCount = color ? 1 : 0,
      .pColorAttachments = color,
   };
}

static struct vt_pipeline
color_pipeline(VkFormat format, VkSampleCountFlagBits samples)
{
   return vt_pipeline_create(&(struct vt_pipeline_info){
      .formats = {format},
      .color_count = 1,
      .samples = samples,
   });
}

/* Renders the same to a sparse image of @levels and to an ordinary one. */
static void
check_rendering(void (*render)(VkImage image,
                               const struct vt_pipeline *pipeline),
                uint32_t levels)
{
   struct vt_pair pair;

   vt_pair_create(RGBA8, 256, 256, levels, 1, COLOR, VT_BIND_CHECKERBOARD,
                  &pair);
   struct vt_pipeline pipeline = color_pipeline(RGBA8, VK_SAMPLE_COUNT_1_BIT);

   render(pair.sparse.image, &pipeline);
   render(pair.plain, &pipeline);
   vt_pair_compare(&pair);
   vt_pair_check_unbound(&pair);
   vt_pipeline_destroy(&pipeline);
   vt_pair_destroy(&pair);
}

/* -------------------------------------------------------------- resolves -- */

static void
resolve_to(VkImage image, const struct vkh_image *multisampled,
           const struct vt_pipeline *pipeline)
{
   const VkRect2D area = {{40, 50}, {200, 150}};
   const VkImageView view =
      vt_attachment_view(image, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 1, 1);
   VkRenderingAttachmentInfo color =
      vt_color_attachment(multisampled->view, VK_ATTACHMENT_LOAD_OP_CLEAR,
                          VK_ATTACHMENT_STORE_OP_STORE);
   const VkRenderingInfo info = rendering(&color, area);
   VkCommandBuffer cmd = vkh_begin(&vt);

   color.resolveMode = VK_RESOLVE_MODE_AVERAGE_BIT;
   color.resolveImageView = view;
   color.resolveImageLayout = GENERAL;
   vkh_image_layout(cmd, multisampled->image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED, GENERAL);
   vkCmdBeginRendering(cmd, &info);
   vt_draw(cmd, pipeline, &vt_slanted_triangle, 256, 256, area);
   vkCmdEndRendering(cmd);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkDestroyImageView(vt.device, view, NULL);
}

static void
test_resolve_attachment(void **state)
{
   (void)state;
   struct vkh_image multisampled;
   struct vt_pair pair;

   vt_pair_create(RGBA8, 256, 256, 1, 2, COLOR, VT_BIND_CHECKERBOARD, &pair);
   struct vt_pipeline pipeline = color_pipeline(RGBA8, VK_SAMPLE_COUNT_4_BIT);

   vkh_image_create(&vt, RGBA8, 256, 256, VK_SAMPLE_COUNT_4_BIT, COLOR,
                    VK_IMAGE_ASPECT_COLOR_BIT, &multisampled);
   resolve_to(pair.sparse.image, &multisampled, &pipeline);
   resolve_to(pair.plain, &multisampled, &pipeline);
   vt_pair_compare(&pair);
   vt_pair_check_unbound(&pair);
   vkh_image_destroy(&vt, &multisampled);
   vt_pipeline_destroy(&pipeline);
   vt_pair_destroy(&pair);
}

/* -------------------------------------------------------- command buffers --
 */

static VkCommandBuffer
begin_secondary(VkFormat format, bool within)
{
   const VkCommandBufferAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = vt.pool,
      .level = VK_COMMAND_BUFFER_LEVEL_SECONDARY,
      .commandBufferCount = 1,
   };
   const VkCommandBufferInheritanceRenderingInfo inherited = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_RENDERING_INFO,
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &format,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   const VkCommandBufferInheritanceInfo inheritance = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO,
      .pNext = within ? &inherited : NULL,
   };
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = within ? VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT : 0,
      .pInheritanceInfo = &inheritance,
   };
   VkCommandBuffer cmd;

   VKH_CHECK(vkAllocateCommandBuffers(vt.device, &allocate, &cmd));
   VKH_CHECK(vkBeginCommandBuffer(cmd, &begin));
   return cmd;
}

/* A secondary that draws, and one with an instance of its own. */
static void
render_with_secondaries(VkImage image, const struct vt_pipeline *pipeline)
{
   const VkRect2D area = {{0, 10}, {250, 200}};
   const VkRect2D other_area = {{100, 0}, {100, 250}};
   const VkImageView view =
      vt_attachment_view(image, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1);
   const VkRenderingAttachmentInfo color =
      vt_color_attachment(view, VK_ATTACHMENT_LOAD_OP_LOAD,
                          VK_ATTACHMENT_STORE_OP_STORE);
   VkRenderingInfo info = rendering(&color, other_area);
   VkCommandBuffer draws = begin_secondary(RGBA8, true);
   VkCommandBuffer whole = begin_secondary(RGBA8, false);

   vt_draw(draws, pipeline, &vt_slanted_triangle, 256, 256, area);
   VKH_CHECK(vkEndCommandBuffer(draws));
   vkCmdBeginRendering(whole, &info);
   vt_draw(whole, pipeline, &vt_full_triangle, 256, 256, other_area);
   vkCmdEndRendering(whole);
   vkh_full_barrier(whole);
   VKH_CHECK(vkEndCommandBuffer(whole));

   VkCommandBuffer cmd = vkh_begin(&vt);

   vkCmdExecuteCommands(cmd, 1, &whole);
   info.renderArea = area;
   info.flags = VK_RENDERING_CONTENTS_SECONDARY_COMMAND_BUFFERS_BIT;
   vkCmdBeginRendering(cmd, &info);
   vkCmdExecuteCommands(cmd, 1, &draws);
   vkCmdEndRendering(cmd);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkFreeCommandBuffers(vt.device, vt.pool, 1, &draws);
   vkFreeCommandBuffers(vt.device, vt.pool, 1, &whole);
   vkDestroyImageView(vt.device, view, NULL);
}

static void
test_secondary(void **state)
{
   (void)state;
   check_rendering(render_with_secondaries, 1);
}

/* An instance that is suspended in one command buffer and resumed in another.
 */
static void
render_suspended(VkImage image, const struct vt_pipeline *pipeline)
{
   const VkRect2D area = {{20, 0}, {230, 240}};
   const VkImageView view =
      vt_attachment_view(image, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1);
   const VkRenderingAttachmentInfo color =
      vt_color_attachment(view, VK_ATTACHMENT_LOAD_OP_LOAD,
                          VK_ATTACHMENT_STORE_OP_STORE);
   VkRenderingInfo info = rendering(&color, area);
   const VkRenderingFlags flags[] = {VK_RENDERING_SUSPENDING_BIT,
                                     VK_RENDERING_RESUMING_BIT};
   VkCommandBufferSubmitInfo infos[2];

   for (unsigned i = 0; i < 2; i++) {
      VkRect2D half = {{20, (int32_t)i * 120}, {230, 120}};

      infos[i] = (VkCommandBufferSubmitInfo){
         .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
         .commandBuffer = vkh_begin(&vt),
      };
      info.flags = flags[i];
      vkCmdBeginRendering(infos[i].commandBuffer, &info);
      vt_draw(infos[i].commandBuffer, pipeline, &vt_slanted_triangle, 256, 256,
              half);
      vkCmdEndRendering(infos[i].commandBuffer);
      if (i == 1)
         vkh_full_barrier(infos[i].commandBuffer);
      VKH_CHECK(vkEndCommandBuffer(infos[i].commandBuffer));
   }

   const VkSubmitInfo2 submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .commandBufferInfoCount = 2,
      .pCommandBufferInfos = infos,
   };

   VKH_CHECK(vkQueueSubmit2(vt.queue, 1, &submit, VK_NULL_HANDLE));
   VKH_CHECK(vkQueueWaitIdle(vt.queue));
   for (unsigned i = 0; i < 2; i++)
      vkFreeCommandBuffers(vt.device, vt.pool, 1, &infos[i].commandBuffer);
   vkDestroyImageView(vt.device, view, NULL);
}

static void
test_suspended(void **state)
{
   (void)state;
   check_rendering(render_suspended, 1);
}

/* ---------------------------------------------------------------- threads --
 */

enum { THREADS = 4, ROUNDS = 20 };

struct recorder {
   VkImage image;
   const struct vt_pipeline *pipeline;
   VkRect2D area;
   VkCommandPool pool;
   VkCommandBuffer cmd[ROUNDS];
   pthread_t thread;
};

/* Draws to an area of its own many times, through views of its own. */
static void *
record(void *data)
{
   struct recorder *r = data;
   const VkCommandBufferAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = r->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = ROUNDS,
   };
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
   };
   const VkImageView view =
      vt_attachment_view(r->image, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1);
   const VkRenderingAttachmentInfo color =
      vt_color_attachment(view, VK_ATTACHMENT_LOAD_OP_LOAD,
                          VK_ATTACHMENT_STORE_OP_STORE);
   const VkRenderingInfo info = rendering(&color, r->area);

   VKH_CHECK(vkAllocateCommandBuffers(vt.device, &allocate, r->cmd));
   for (unsigned i = 0; i < ROUNDS; i++) {
      /* Others come and go meanwhile. */
      VkImageView other =
         vt_attachment_view(r->image, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 1, 0, 1);

      vkDestroyImageView(vt.device, other, NULL);
      VKH_CHECK(vkBeginCommandBuffer(r->cmd[i], &begin));
      vkCmdBeginRendering(r->cmd[i], &info);
      vt_draw(r->cmd[i], r->pipeline, &vt_full_triangle, 256, 256, r->area);
      vkCmdEndRendering(r->cmd[i]);
      vkh_full_barrier(r->cmd[i]);
      VKH_CHECK(vkEndCommandBuffer(r->cmd[i]));
   }
   return (void *)view;
}

/* All of the threads' command buffers in one submit, one of each in turn. */
static void
submit_all(struct recorder recorders[THREADS])
{
   VkCommandBuffer cmds[THREADS * ROUNDS];
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = THREADS * ROUNDS,
      .pCommandBuffers = cmds,
   };

   for (unsigned i = 0; i < THREADS * ROUNDS; i++)
      cmds[i] = recorders[i % THREADS].cmd[i / THREADS];
   VKH_CHECK(vkQueueSubmit(vt.queue, 1, &submit, VK_NULL_HANDLE));
   VKH_CHECK(vkQueueWaitIdle(vt.queue));
}

static void
render_from_threads(VkImage image, const struct vt_pipeline *pipeline)
{
   const VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = vt.family,
   };
   struct recorder recorders[THREADS];
   VkImageView views[THREADS];

   for (unsigned i = 0; i < THREADS; i++) {
      recorders[i] = (struct recorder){
         .image = image,
         .pipeline = pipeline,
         .area = {{(int32_t)i % 2 * 120 + 3, (int32_t)i / 2 * 120 + 5},
                  {110, 100}},
      };
      VKH_CHECK(
         vkCreateCommandPool(vt.device, &pool, NULL, &recorders[i].pool));
      assert_int_equal(
         pthread_create(&recorders[i].thread, NULL, record, &recorders[i]), 0);
   }
   for (unsigned i = 0; i < THREADS; i++)
      assert_int_equal(pthread_join(recorders[i].thread, (void **)&views[i]),
                       0);
   submit_all(recorders);
   for (unsigned i = 0; i < THREADS; i++) {
      vkDestroyCommandPool(vt.device, recorders[i].pool, NULL);
      vkDestroyImageView(vt.device, views[i], NULL);
   }
}

static void
test_threads(void **state)
{
   (void)state;
   check_rendering(render_from_threads, 2);
}

/* ------------------------------------------------------------------ views --
 */

/* One command buffer: draws to the view, all of it. */
static void
draw_to(VkImageView view, const struct vt_pipeline *pipeline, VkRect2D area,
        uint32_t width, uint32_t height)
{
   const VkRenderingAttachmentInfo color =
      vt_color_attachment(view, VK_ATTACHMENT_LOAD_OP_LOAD,
                          VK_ATTACHMENT_STORE_OP_STORE);
   const VkRenderingInfo info = rendering(&color, area);
   VkCommandBuffer cmd = vkh_begin(&vt);

   vkCmdBeginRendering(cmd, &info);
   vt_draw(cmd, pipeline, &vt_slanted_triangle, width, height, area);
   vkCmdEndRendering(cmd);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
}

/* A view that is destroyed after its image. */
static void
test_view_outlives_image(void **state)
{
   (void)state;
   struct vt_pair pair;

   vt_pair_create(RGBA8, 256, 128, 1, 1, COLOR, VT_BIND_ALL, &pair);
   struct vt_pipeline pipeline = color_pipeline(RGBA8, VK_SAMPLE_COUNT_1_BIT);
   const VkRect2D area = {{0, 0}, {256, 128}};
   VkImageView view = vt_attachment_view(pair.sparse.image, RGBA8,
                                         VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1);
   VkImageView plain =
      vt_attachment_view(pair.plain, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1);

   draw_to(view, &pipeline, area, 256, 128);
   draw_to(plain, &pipeline, area, 256, 128);
   vt_pair_compare(&pair);
   vkDestroyImageView(vt.device, plain, NULL);
   vt_pair_destroy(&pair);
   vkDestroyImageView(vt.device, view, NULL);
   vt_pipeline_destroy(&pipeline);
}

/* ----------------------------------------------------------- large levels --
 */

static long
resident_KiB(void)
{
   long size, pages = 0;
   FILE *f = fopen("/proc/self/statm", "r");

   assert_non_null(f);
   assert_int_equal(fscanf(f, "%ld %ld", &size, &pages), 2);
   fclose(f);
   return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A page of a large virtual texture takes no memory for the rest of it. */
static void
test_large_level(void **state)
{
   (void)state;
   enum { SIZE = 16384, AT = 77 };
   const VkImageUsageFlags usage =
      COLOR | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   const VkRect2D area = {{AT * 128, AT * 128}, {128, 128}};
   struct vt_pair pair;
   struct vt_image image;

   vt_pair_create(RGBA8, 128, 128, 1, 1, COLOR, VT_BIND_ALL, &pair);
   VT_NEED(vt.properties.limits.maxImageDimension2D >= SIZE);
   vt_image_create(pair.sparse.format, SIZE, SIZE, 1, 1, 0, usage, &image);
   struct vt_pipeline pipeline = color_pipeline(RGBA8, VK_SAMPLE_COUNT_1_BIT);
   VkDeviceMemory memory = vt_memory(1, image.req.memoryTypeBits);
   const VkSparseImageMemoryBind bind =
      vt_tile_bind(&image, 0, 0, AT, AT, 1, 1, memory, 0);

   vt_bind_image(image.image, &bind, 1);

   const long before_KiB = resident_KiB();
   VkImageView view =
      vt_attachment_view(image.image, RGBA8, VK_IMAGE_VIEW_TYPE_2D, 0, 0, 1);

   draw_to(view, &pipeline, area, SIZE, SIZE);
   assert_true(resident_KiB() - before_KiB < 64 * 1024);
   vkDestroyImageView(vt.device, view, NULL);

   /* The shader's colours depend on the place: what was drawn must be there. */
   const VkImageCopy copy = {
      .srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .srcOffset = {area.offset.x, area.offset.y, 0},
      .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .extent = {128, 128, 1},
   };
   VkCommandBuffer cmd = vkh_begin(&vt);

   vkCmdCopyImage(cmd, image.image, GENERAL, pair.plain, GENERAL, 1, &copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);

   uint8_t *got = vt_read_level(&pair, pair.plain, 0, 0);

   for (unsigned y = 0; y < 128; y++)
      for (unsigned x = 0; x < 128; x++) {
         /* fract((x + 0.5) / 37) of render.frag */
         const double at_x = (area.offset.x + (double)x + 0.5) / 37;
         const double want = (at_x - (double)(long)at_x) * 255;
         const double error = got[(y * 128 + x) * 4] - want;

         if (error > 1.5 || error < -1.5)
            fail_msg("texel %u,%u: red is %u, want %f", x, y,
                     got[(y * 128 + x) * 4], want);
      }
   free(got);
   vt_pipeline_destroy(&pipeline);
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
   vt_pair_destroy(&pair);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resolve_attachment),
      cmocka_unit_test(test_secondary),
      cmocka_unit_test(test_suspended),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_view_outlives_image),
      cmocka_unit_test(test_large_level),
   };
   return cmocka_run_group_tests_name("vulkan-attachment-uses", tests,
                                      vt_group_setup, vt_group_teardown);
}
