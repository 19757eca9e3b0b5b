/* SPDX-License-Identifier: MIT */
/*
 * Render pass instances over residency images: their attachments are exchanged
 * for shadows, with copies before and after. See panvk_attachment.h.
 *
 * What a subpass does, or a secondary command buffer, needs no look: all of it
 * is between the copies.
 */
#include "panvk_attachment.h"

#include <stdlib.h>
#include <string.h>

#include "panvk_chain.h"
#include "panvk_cmd.h"
#include "panvk_render.h"
#include "panvk_shadow.h"
#include "panvk_strict.h"

/* ------------------------------------------------- the copies to be made -- */

/* One of an attachment's stretches of layers. */
struct stretch {
   VkImage image, shadow;
   VkImageCopy region; /* from the image to the shadow */
   bool in, out;
};

struct panvk_render {
   uint32_t count, capacity;
   struct stretch *stretches;
};

void
panvk_render_finish(struct panvk_cmd *cmd)
{
   if (cmd->render)
      free(cmd->render->stretches);
   free(cmd->render);
   cmd->render = NULL;
}

/* NULL when out of memory, which is noted. */
static struct stretch *
add_stretch(struct panvk_cmd *cmd)
{
   struct panvk_render *render = cmd->render;

   if (!render)
      render = cmd->render = calloc(1, sizeof(*render));
   if (render && render->count == render->capacity) {
      uint32_t capacity = render->capacity ? 2 * render->capacity : 4;
      struct stretch *stretches =
         reallocarray(render->stretches, capacity, sizeof(*stretches));

      if (stretches) {
         render->stretches = stretches;
         render->capacity = capacity;
      }
   }
   if (!render || render->count == render->capacity) {
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
      return NULL;
   }
   return &render->stretches[render->count++];
}

/* One end of a copy: @layer is that of the image, or the slice. */
static void
place(const struct panvk_image *image, uint32_t level, uint32_t layer,
      uint32_t count, VkImageSubresourceLayers *subresource, VkOffset3D *offset)
{
   bool slices = image->kind.type == VK_IMAGE_TYPE_3D;

   *subresource = (VkImageSubresourceLayers){
      .aspectMask = panvk_format_aspect(image->kind.format),
      .mipLevel = level,
      .baseArrayLayer = slices ? 0 : layer,
      .layerCount = slices ? 1 : count,
   };
   offset->z = slices ? (int32_t)layer : 0;
}

static bool
same_subresource(const struct stretch *a, const struct stretch *b)
{
   return a->shadow == b->shadow &&
          memcmp(&a->region, &b->region, sizeof(a->region)) == 0;
}

/*
 * Two attachments may be the same part of an image: depth and stencil are.
 * Then it is copied once, if either wants it.
 */
static void
merge_last(struct panvk_render *render)
{
   const struct stretch *last = &render->stretches[render->count - 1];

   for (uint32_t i = 0; i + 1 < render->count; i++) {
      struct stretch *other = &render->stretches[i];

      if (same_subresource(other, last)) {
         other->in |= last->in;
         other->out |= last->out;
         render->count--;
         return;
      }
   }
}

/* The part of @extent that is in @area. */
static VkRect2D
clip(VkRect2D area, VkExtent3D extent)
{
   uint32_t x = PANVK_MIN((uint32_t)area.offset.x, extent.width);
   uint32_t y = PANVK_MIN((uint32_t)area.offset.y, extent.height);

   area.extent.width = PANVK_MIN(area.extent.width, extent.width - x);
   area.extent.height = PANVK_MIN(area.extent.height, extent.height - y);
   return area;
}

/* What of an attachment is rendered to, and what is wanted of it. */
struct part {
   VkRect2D area;
   uint32_t layers; /* from the view's first on, where view_mask is 0 */
   uint32_t view_mask;
   bool in, out;
};

/* @count layers of @view from its own @first on. */
static void
add_layers(struct panvk_cmd *cmd, const struct panvk_view *view,
           const struct part *part, uint32_t first, uint32_t count)
{
   const struct panvk_image *image = view->image;
   VkRect2D area = clip(part->area, image->layout.level[view->level].extent);
   struct stretch *s;

   if (first >= view->layer_count || !area.extent.width || !area.extent.height)
      return;
   count = PANVK_MIN(count, view->layer_count - first);
   s = add_stretch(cmd);
   if (!s)
      return;
   memset(s, 0, sizeof(*s));
   s->image = (VkImage)image->res.handle;
   s->shadow = view->shadow->image;
   s->in = part->in;
   s->out = part->out;
   first += view->first_layer;
   place(image, view->level, first, count, &s->region.srcSubresource,
         &s->region.srcOffset);
   place(image, 0, first, count, &s->region.dstSubresource,
         &s->region.dstOffset);
   s->region.srcOffset.x = s->region.dstOffset.x = area.offset.x;
   s->region.srcOffset.y = s->region.dstOffset.y = area.offset.y;
   s->region.extent = (VkExtent3D){
      area.extent.width,
      area.extent.height,
      image->kind.type == VK_IMAGE_TYPE_3D ? count : 1,
   };
   merge_last(cmd->render);
}

static void
add_part(struct panvk_cmd *cmd, const struct panvk_view *view,
         const struct part *part)
{
   uint32_t mask = part->view_mask;

   if (!mask) {
      add_layers(cmd, view, part, 0, part->layers);
      return;
   }
   while (mask) {
      uint32_t first = (uint32_t)__builtin_ctz(mask);
      uint32_t after = ~(mask >> first);
      uint32_t count = after ? (uint32_t)__builtin_ctz(after) : 32;

      add_layers(cmd, view, part, first, count);
      mask &= ~(uint32_t)(((1ull << count) - 1) << first);
   }
}

/* ---------------------------------------------------------------- copying --
 */

void
panvk_render_barrier(struct panvk_cmd *cmd, bool to_transfer)
{
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = to_transfer ? VK_ACCESS_MEMORY_WRITE_BIT
                                   : VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask =
         to_transfer
            ? VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT
            : VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
   };

   cmd->dev->vk.CmdPipelineBarrier(
      cmd->handle,
      to_transfer ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT
                  : VK_PIPELINE_STAGE_TRANSFER_BIT,
      to_transfer ? VK_PIPELINE_STAGE_TRANSFER_BIT
                  : VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
      0, 1, &barrier, 0, NULL, 0, NULL);
   if (!to_transfer)
      panvk_strict_record_barrier(cmd);
}

static void
copy_in(struct panvk_cmd *cmd, const struct stretch *s)
{
   cmd->dev->vk.CmdCopyImage(cmd->handle, s->image, VK_IMAGE_LAYOUT_GENERAL,
                             s->shadow, VK_IMAGE_LAYOUT_GENERAL, 1, &s->region);
}

static void
copy_out(struct panvk_cmd *cmd, const struct stretch *s)
{
   const VkImageCopy back = {
      .srcSubresource = s->region.dstSubresource,
      .srcOffset = s->region.dstOffset,
      .dstSubresource = s->region.srcSubresource,
      .dstOffset = s->region.srcOffset,
      .extent = s->region.extent,
   };

   cmd->dev->vk.CmdCopyImage(cmd->handle, s->shadow, VK_IMAGE_LAYOUT_GENERAL,
                             s->image, VK_IMAGE_LAYOUT_GENERAL, 1, &back);
}

static bool
is_wanted(const struct stretch *s, bool in)
{
   return in ? s->in : s->out;
}

/* All copies in one direction, between barriers; nothing if there are none. */
static void
copy_all(struct panvk_cmd *cmd, bool in)
{
   const struct panvk_render *render = cmd->render;
   bool any = false;

   for (uint32_t i = 0; render && i < render->count; i++) {
      const struct stretch *s = &render->stretches[i];

      if (!is_wanted(s, in))
         continue;
      if (!any)
         panvk_render_barrier(cmd, true);
      any = true;
      if (in)
         copy_in(cmd, s);
      else
         copy_out(cmd, s);
   }
   if (any)
      panvk_render_barrier(cmd, false);
}

/* Before the engine's render pass instance begins, and after it ended. */
static void
begin_render(struct panvk_cmd *cmd)
{
   copy_all(cmd, true);
   cmd->in_render_pass = true;
}

static void
end_render(struct panvk_cmd *cmd)
{
   cmd->in_render_pass = false;
   /* What transform feedback stored can be read from here on. */
   panvk_strict_record_barrier(cmd);
   copy_all(cmd, false);
   panvk_render_finish(cmd);
}

/* ---------------------------------------------------------- render passes --
 */

/*
 * Notes the copies of a render pass instance. Returns what takes the place of
 * @info's chain; *views, for the caller to free(), are those of an imageless
 * framebuffer, which *attachments names.
 */
static const void *
begin_pass(struct panvk_cmd *cmd, const VkRenderPassBeginInfo *info,
           VkRenderPassAttachmentBeginInfo *attachments, VkImageView **views)
{
   struct panvk_device *dev = cmd->dev;
   const struct panvk_framebuffer *fb =
      panvk_framebuffer_lookup(dev, info->framebuffer);

   if (!fb)
      return info->pNext;

   const struct panvk_pass *pass = panvk_pass_lookup(dev, info->renderPass);
   const VkRenderPassAttachmentBeginInfo *begin = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO);
   bool imageless = !fb->count && begin;
   const VkImageView *named = imageless ? begin->pAttachments : fb->views;
   uint32_t count = imageless ? begin->attachmentCount : fb->count;

   for (uint32_t i = 0; i < PANVK_MIN(count, pass->count); i++) {
      const struct panvk_pass_attachment *a = &pass->attachments[i];
      const struct panvk_view *view = panvk_view_lookup(dev, named[i]);
      const struct part part = {
         .area = info->renderArea,
         .layers = fb->layers,
         .view_mask = a->view_mask,
         .in = a->loads,
         .out = a->stores,
      };

      if (view && a->used)
         add_part(cmd, view, &part);
   }
   if (!imageless)
      return info->pNext;
   *views = calloc(count + 1, sizeof(**views));
   if (!*views) {
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
      return info->pNext;
   }
   for (uint32_t i = 0; i < count; i++)
      (*views)[i] = panvk_view_to_attachment(dev, named[i]);
   *attachments = (VkRenderPassAttachmentBeginInfo){
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO,
      .pNext = info->pNext, /* the first of its kind is the one that counts */
      .attachmentCount = count,
      .pAttachments = *views,
   };
   return attachments;
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdBeginRenderPass(VkCommandBuffer commandBuffer,
                         const VkRenderPassBeginInfo *pRenderPassBegin,
                         VkSubpassContents contents)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   VkRenderPassBeginInfo info = *pRenderPassBegin;
   VkRenderPassAttachmentBeginInfo attachments;
   VkImageView *views = NULL;

   info.pNext = begin_pass(cmd, pRenderPassBegin, &attachments, &views);
   begin_render(cmd);
   cmd->dev->vk.CmdBeginRenderPass(commandBuffer, &info, contents);
   free(views);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdBeginRenderPass2(VkCommandBuffer commandBuffer,
                          const VkRenderPassBeginInfo *pRenderPassBegin,
                          const VkSubpassBeginInfo *pSubpassBeginInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   VkRenderPassBeginInfo info = *pRenderPassBegin;
   VkRenderPassAttachmentBeginInfo attachments;
   VkImageView *views = NULL;

   info.pNext = begin_pass(cmd, pRenderPassBegin, &attachments, &views);
   begin_render(cmd);
   cmd->dev->vk.CmdBeginRenderPass2(commandBuffer, &info, pSubpassBeginInfo);
   free(views);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdEndRenderPass(VkCommandBuffer commandBuffer)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdEndRenderPass(commandBuffer);
   end_render(cmd);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdEndRenderPass2(VkCommandBuffer commandBuffer,
                        const VkSubpassEndInfo *pSubpassEndInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdEndRenderPass2(commandBuffer, pSubpassEndInfo);
   end_render(cmd);
}

/* ------------------------------------------------------ dynamic rendering --
 */

/* Exchanges one attachment, and notes its copies. */
static void
begin_attachment(struct panvk_cmd *cmd, const VkRenderingInfo *info,
                 VkRenderingAttachmentInfo *attachment)
{
   const struct panvk_view *view =
      panvk_view_lookup(cmd->dev, attachment->imageView);
   const struct panvk_view *resolve =
      attachment->resolveMode != VK_RESOLVE_MODE_NONE
         ? panvk_view_lookup(cmd->dev, attachment->resolveImageView)
         : NULL;
   struct part part = {
      .area = info->renderArea,
      .layers = info->layerCount,
      .view_mask = info->viewMask,
   };

   if (view) {
      part.in = !(info->flags & VK_RENDERING_RESUMING_BIT) &&
                attachment->loadOp != VK_ATTACHMENT_LOAD_OP_CLEAR &&
                attachment->loadOp != VK_ATTACHMENT_LOAD_OP_DONT_CARE;
      part.out = !(info->flags & VK_RENDERING_SUSPENDING_BIT) &&
                 attachment->storeOp == VK_ATTACHMENT_STORE_OP_STORE;
      add_part(cmd, view, &part);
      attachment->imageView = view->shadow_view;
   }
   if (resolve) {
      part.in = false;
      part.out = !(info->flags & VK_RENDERING_SUSPENDING_BIT);
      add_part(cmd, resolve, &part);
      attachment->resolveImageView = resolve->shadow_view;
   }
}

static const VkRenderingAttachmentInfo *
begin_optional(struct panvk_cmd *cmd, const VkRenderingInfo *info,
               const VkRenderingAttachmentInfo *attachment,
               VkRenderingAttachmentInfo *engines)
{
   if (!attachment)
      return NULL;
   *engines = *attachment;
   begin_attachment(cmd, info, engines);
   return engines;
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdBeginRendering(VkCommandBuffer commandBuffer,
                        const VkRenderingInfo *pRenderingInfo)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);
   const uint32_t count = pRenderingInfo->colorAttachmentCount;
   VkRenderingInfo info = *pRenderingInfo;
   VkRenderingAttachmentInfo depth, stencil;
   VkRenderingAttachmentInfo *colors = calloc(count + 1, sizeof(*colors));

   if (!colors) {
      panvk_cmd_set_error(cmd, VK_ERROR_OUT_OF_HOST_MEMORY);
      begin_render(cmd);
      cmd->dev->vk.CmdBeginRendering(commandBuffer, pRenderingInfo);
      return;
   }
   for (uint32_t i = 0; i < count; i++) {
      colors[i] = pRenderingInfo->pColorAttachments[i];
      begin_attachment(cmd, pRenderingInfo, &colors[i]);
   }
   info.pColorAttachments = colors;
   info.pDepthAttachment = begin_optional(
      cmd, pRenderingInfo, pRenderingInfo->pDepthAttachment, &depth);
   info.pStencilAttachment = begin_optional(
      cmd, pRenderingInfo, pRenderingInfo->pStencilAttachment, &stencil);
   begin_render(cmd);
   cmd->dev->vk.CmdBeginRendering(commandBuffer, &info);
   free(colors);
}

VKAPI_ATTR void VKAPI_CALL
panvk_CmdEndRendering(VkCommandBuffer commandBuffer)
{
   struct panvk_cmd *cmd = panvk_cmd_from_handle(commandBuffer);

   cmd->dev->vk.CmdEndRendering(commandBuffer);
   end_render(cmd);
}
