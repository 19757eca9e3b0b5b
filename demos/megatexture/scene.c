/* SPDX-License-Identifier: MIT */
#include "scene.h"
#include "landscape.h"
#include "scene_mesh.h"
#include "scene_pipeline.h"

#include <string.h>

/* As in shaders/common.glsl. */
struct push {
   float clip_from_eye[16];
   float eye[4];
   uint32_t frame[4];
};

struct layout {
   uint32_t levels[16][4];
   uint32_t tile[4];
};

static const VkDescriptorType set_types[] = {
   VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
   VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
};

#define ALL_STAGES (VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT)
/* Sharper than the footprint asks for: the taps along it overlap. */
#define LOD_BIAS (-0.35f)

static void
create_targets(struct scene *scene)
{
   const VkImageUsageFlags usage =
      VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;

   vkh_image_create(scene->vk, SCENE_COLOR_FORMAT, scene->width, scene->height,
                    VK_SAMPLE_COUNT_1_BIT, usage, VK_IMAGE_ASPECT_COLOR_BIT,
                    &scene->color);
   vkh_image_create(scene->vk, SCENE_EXACT_FORMAT, scene->width, scene->height,
                    VK_SAMPLE_COUNT_1_BIT, usage, VK_IMAGE_ASPECT_COLOR_BIT,
                    &scene->exact);
   vkh_image_create(scene->vk, SCENE_DEPTH_FORMAT, scene->width, scene->height,
                    VK_SAMPLE_COUNT_1_BIT,
                    VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT,
                    VK_IMAGE_ASPECT_DEPTH_BIT, &scene->depth);
}

static void
create_buffers(struct scene *scene)
{
   const struct residency *res = &scene->tex->residency;
   const struct vkh *vk = scene->vk;

   scene->bitmap_size_B = (res->tile_count + 31) / 32 * 4;
   scene->bitmap = vkh_calloc(1, scene->bitmap_size_B);
   vkh_buffer_create(vk, scene->bitmap_size_B,
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                        VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                        VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_DEVICE, &scene->feedback);
   vkh_buffer_create(vk, scene->bitmap_size_B,
                     VK_BUFFER_USAGE_TRANSFER_DST_BIT, VKH_MEMORY_READBACK,
                     &scene->feedback_host);
   vkh_buffer_create(vk, scene->bitmap_size_B,
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                        VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_DEVICE, &scene->resident);

   vkh_buffer_create(vk, sizeof(struct layout),
                     VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT, VKH_MEMORY_UPLOAD,
                     &scene->layout);

   struct layout *layout = scene->layout.map;

   memset(layout, 0, sizeof(*layout));
   for (uint32_t i = 0; i < LANDSCAPE_LEVELS; i++) {
      if (i < res->level_count) {
         layout->levels[i][0] = res->levels[i].first;
         layout->levels[i][1] = res->levels[i].columns;
      }
      layout->levels[i][2] = LANDSCAPE_SIZE >> i;
   }
   layout->tile[0] = scene->tex->tile_width;
   layout->tile[1] = scene->tex->tile_height;
   layout->tile[2] = res->level_count;
   layout->tile[3] = LANDSCAPE_LEVELS;
}

static void
create_set(struct scene *scene)
{
   const struct vkh *vk = scene->vk;
   const uint32_t count = VKH_ARRAY_SIZE(set_types);

   scene->set_layout = vkh_set_layout(vk, ALL_STAGES, set_types, count);
   scene->pipeline_layout = vkh_pipeline_layout(
      vk, scene->set_layout, ALL_STAGES, sizeof(struct push));
   scene->set = vkh_descriptor_set(vk, scene->set_layout, set_types, count,
                                   &scene->descriptor_pool);
   vkh_write_buffer(vk, scene->set, 0, set_types[0], scene->layout.buffer, 0,
                    VK_WHOLE_SIZE);
   vkh_write_image(vk, scene->set, 1, set_types[1], scene->tex->view,
                   VK_IMAGE_LAYOUT_GENERAL, scene->tex->sampler);
   vkh_write_buffer(vk, scene->set, 2, set_types[2], scene->feedback.buffer, 0,
                    VK_WHOLE_SIZE);
   vkh_write_buffer(vk, scene->set, 3, set_types[3], scene->resident.buffer, 0,
                    VK_WHOLE_SIZE);
}

void
scene_create(struct scene *scene, const struct vkh *vk, struct megatexture *tex,
             uint32_t width, uint32_t height, bool use_residency_codes)
{
   memset(scene, 0, sizeof(*scene));
   scene->vk = vk;
   scene->tex = tex;
   scene->width = width;
   scene->height = height;
   scene->uses_residency_codes = use_residency_codes;
   scene_mesh_create(scene);
   create_targets(scene);
   create_buffers(scene);
   create_set(scene);
   scene_pipelines_create(scene);
}

void
scene_destroy(struct scene *scene)
{
   const struct vkh *vk = scene->vk;

   vkDestroyPipeline(vk->device, scene->sky, NULL);
   vkDestroyPipeline(vk->device, scene->terrain, NULL);
   vkDestroyPipeline(vk->device, scene->terrain_exact, NULL);
   vkDestroyDescriptorPool(vk->device, scene->descriptor_pool, NULL);
   vkDestroyPipelineLayout(vk->device, scene->pipeline_layout, NULL);
   vkDestroyDescriptorSetLayout(vk->device, scene->set_layout, NULL);
   vkh_buffer_destroy(vk, &scene->vertices);
   vkh_buffer_destroy(vk, &scene->indices);
   vkh_buffer_destroy(vk, &scene->layout);
   vkh_buffer_destroy(vk, &scene->feedback);
   vkh_buffer_destroy(vk, &scene->feedback_host);
   vkh_buffer_destroy(vk, &scene->resident);
   vkh_image_destroy(vk, &scene->color);
   vkh_image_destroy(vk, &scene->exact);
   vkh_image_destroy(vk, &scene->depth);
   free(scene->bitmap);
}

/* Starts rendering into @target, whose contents are dropped. */
static void
begin_rendering(const struct scene *scene, VkCommandBuffer cmd,
                const struct vkh_image *target, VkClearColorValue clear)
{
   const VkRenderingAttachmentInfo color = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = target->view,
      .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .clearValue.color = clear,
   };
   const VkRenderingAttachmentInfo depth = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = scene->depth.view,
      .imageLayout = VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .clearValue.depthStencil.depth = 0.0f,
   };
   const VkRenderingInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = {{0, 0}, {scene->width, scene->height}},
      .layerCount = 1,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
      .pDepthAttachment = &depth,
   };

   vkh_image_layout(cmd, target->image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED,
                    VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
   vkh_image_layout(cmd, scene->depth.image, VK_IMAGE_ASPECT_DEPTH_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED,
                    VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL);
   vkCmdBeginRendering(cmd, &info);
}

static void
bind_and_push(const struct scene *scene, VkCommandBuffer cmd,
              const struct camera *camera, uint32_t frame)
{
   struct push push = {
      .eye = {camera->eye[0], camera->eye[1], camera->eye[2], LOD_BIAS},
      /* All 16 pixels of each square get their turn; 5 is coprime to 16. */
      .frame = {frame * 5 % 16 % 4, frame * 5 % 16 / 4},
   };

   memcpy(push.clip_from_eye, camera->clip_from_eye,
          sizeof(push.clip_from_eye));
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_GRAPHICS,
                           scene->pipeline_layout, 0, 1, &scene->set, 0, NULL);
   vkCmdPushConstants(cmd, scene->pipeline_layout, ALL_STAGES, 0, sizeof(push),
                      &push);
}

/* The bitmaps as the shaders shall find them. */
static void
prepare_bitmaps(struct scene *scene, VkCommandBuffer cmd)
{
   residency_bitmap(&scene->tex->residency, scene->bitmap);
   vkCmdUpdateBuffer(cmd, scene->resident.buffer, 0, scene->bitmap_size_B,
                     scene->bitmap);
   vkCmdFillBuffer(cmd, scene->feedback.buffer, 0, VK_WHOLE_SIZE, 0);
   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                      VK_ACCESS_2_TRANSFER_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      VK_ACCESS_2_SHADER_STORAGE_READ_BIT |
                         VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT);
}

const uint32_t *
scene_render(struct scene *scene, const struct camera *camera, uint32_t frame)
{
   VkCommandBuffer cmd = vkh_begin(scene->vk);
   const VkBufferCopy all = {0, 0, scene->bitmap_size_B};

   megatexture_upload(scene->tex, cmd);
   prepare_bitmaps(scene, cmd);
   begin_rendering(scene, cmd, &scene->color, (VkClearColorValue){0});
   bind_and_push(scene, cmd, camera, frame);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_GRAPHICS, scene->terrain);
   scene_mesh_draw(scene, cmd, camera);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_GRAPHICS, scene->sky);
   vkCmdDraw(cmd, 3, 1, 0, 0);
   vkCmdEndRendering(cmd);

   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_COPY_BIT,
                      VK_ACCESS_2_TRANSFER_READ_BIT);
   vkCmdCopyBuffer(cmd, scene->feedback.buffer, scene->feedback_host.buffer, 1,
                   &all);
   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_COPY_BIT,
                      VK_ACCESS_2_TRANSFER_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_HOST_BIT, VK_ACCESS_2_HOST_READ_BIT);
   megatexture_submit_and_wait(scene->tex, cmd);
   return scene->feedback_host.map;
}

/* Copies a target to memory of the CPU. */
static void *
read_target(const struct scene *scene, const struct vkh_image *target,
            size_t pixel_size_B)
{
   const size_t size_B = pixel_size_B * scene->width * scene->height;
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {scene->width, scene->height, 1},
   };
   VkCommandBuffer cmd = vkh_begin(scene->vk);
   void *pixels = vkh_calloc(1, size_B);
   struct vkh_buffer buffer;

   vkh_buffer_create(scene->vk, size_B, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &buffer);
   vkh_image_layout(cmd, target->image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                    VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(cmd, target->image,
                          VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, buffer.buffer,
                          1, &region);
   vkh_memory_barrier(cmd, VK_PIPELINE_STAGE_2_COPY_BIT,
                      VK_ACCESS_2_TRANSFER_WRITE_BIT,
                      VK_PIPELINE_STAGE_2_HOST_BIT, VK_ACCESS_2_HOST_READ_BIT);
   vkh_run(scene->vk, cmd);
   memcpy(pixels, buffer.map, size_B);
   vkh_buffer_destroy(scene->vk, &buffer);
   return pixels;
}

uint32_t *
scene_read_picture(const struct scene *scene)
{
   return read_target(scene, &scene->color, sizeof(uint32_t));
}

struct scene_texel *
scene_render_exact(struct scene *scene, const struct camera *camera)
{
   VkCommandBuffer cmd = vkh_begin(scene->vk);
   const VkClearColorValue nothing = {.uint32 = {0, 0, SCENE_NO_TEXEL, 0}};

   prepare_bitmaps(scene, cmd);
   begin_rendering(scene, cmd, &scene->exact, nothing);
   bind_and_push(scene, cmd, camera, 0);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_GRAPHICS,
                     scene->terrain_exact);
   scene_mesh_draw(scene, cmd, camera);
   vkCmdEndRendering(cmd);
   megatexture_submit_and_wait(scene->tex, cmd);
   return read_target(scene, &scene->exact, sizeof(struct scene_texel));
}
