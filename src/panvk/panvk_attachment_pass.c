/* SPDX-License-Identifier: MIT */
/*
 * Render passes, of which is kept what each attachment's old contents and new
 * ones are worth, and framebuffers. See panvk_attachment.h.
 */
#include "panvk_attachment.h"

#include <stdlib.h>

#include "panvk_chain.h"

/* ---------------------------------------------------------- render passes --
 */

/* Where all may change while it is made up, unlike later. */
static struct panvk_pass *
alloc_pass(uint32_t count)
{
   struct panvk_pass *pass =
      calloc(1, sizeof(*pass) + count * sizeof(pass->attachments[0]));

   if (pass)
      pass->count = count;
   return pass;
}

/* Anything else than these two keeps what is there, or some of it. */
static bool
keeps(VkAttachmentLoadOp op)
{
   return op != VK_ATTACHMENT_LOAD_OP_CLEAR &&
          op != VK_ATTACHMENT_LOAD_OP_DONT_CARE;
}

/*
 * A stencil operation counts for formats that have none, too: what is copied
 * once too often is only copied.
 */
static void
set_ops(struct panvk_pass *pass, uint32_t i, VkAttachmentLoadOp load,
        VkAttachmentLoadOp stencil_load, VkAttachmentStoreOp store,
        VkAttachmentStoreOp stencil_store)
{
   pass->attachments[i].loads = keeps(load) || keeps(stencil_load);
   pass->attachments[i].stores = store == VK_ATTACHMENT_STORE_OP_STORE ||
                                 stencil_store == VK_ATTACHMENT_STORE_OP_STORE;
}

static void
use(struct panvk_pass *pass, uint32_t attachment, uint32_t view_mask)
{
   if (attachment < pass->count) {
      pass->attachments[attachment].used = true;
      pass->attachments[attachment].view_mask |= view_mask;
   }
}

static void
use_references(struct panvk_pass *pass, uint32_t count,
               const VkAttachmentReference *references, uint32_t view_mask)
{
   for (uint32_t i = 0; references && i < count; i++)
      use(pass, references[i].attachment, view_mask);
}

static struct panvk_pass *
describe_pass(const VkRenderPassCreateInfo *info)
{
   const VkRenderPassMultiviewCreateInfo *multiview = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO);
   struct panvk_pass *pass = alloc_pass(info->attachmentCount);

   if (!pass)
      return NULL;
   for (uint32_t i = 0; i < info->attachmentCount; i++) {
      const VkAttachmentDescription *a = &info->pAttachments[i];

      set_ops(pass, i, a->loadOp, a->stencilLoadOp, a->storeOp,
              a->stencilStoreOp);
   }
   for (uint32_t i = 0; i < info->subpassCount; i++) {
      const VkSubpassDescription *s = &info->pSubpasses[i];
      uint32_t mask = multiview && i < multiview->subpassCount
                         ? multiview->pViewMasks[i]
                         : 0;

      use_references(pass, s->inputAttachmentCount, s->pInputAttachments, mask);
      use_references(pass, s->colorAttachmentCount, s->pColorAttachments, mask);
      use_references(pass, s->colorAttachmentCount, s->pResolveAttachments,
                     mask);
      use_references(pass, 1, s->pDepthStencilAttachment, mask);
   }
   return pass;
}

static void
use_references2(struct panvk_pass *pass, uint32_t count,
                const VkAttachmentReference2 *references, uint32_t view_mask)
{
   for (uint32_t i = 0; references && i < count; i++)
      use(pass, references[i].attachment, view_mask);
}

static void
use_subpass2(struct panvk_pass *pass, const VkSubpassDescription2 *s)
{
   const VkSubpassDescriptionDepthStencilResolve *resolve =
      panvk_find_struct_const(
         s->pNext, VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_DEPTH_STENCIL_RESOLVE);

   use_references2(pass, s->inputAttachmentCount, s->pInputAttachments,
                   s->viewMask);
   use_references2(pass, s->colorAttachmentCount, s->pColorAttachments,
                   s->viewMask);
   use_references2(pass, s->colorAttachmentCount, s->pResolveAttachments,
                   s->viewMask);
   use_references2(pass, 1, s->pDepthStencilAttachment, s->viewMask);
   if (resolve)
      use_references2(pass, 1, resolve->pDepthStencilResolveAttachment,
                      s->viewMask);
}

static struct panvk_pass *
describe_pass2(const VkRenderPassCreateInfo2 *info)
{
   struct panvk_pass *pass = alloc_pass(info->attachmentCount);

   if (!pass)
      return NULL;
   for (uint32_t i = 0; i < info->attachmentCount; i++) {
      const VkAttachmentDescription2 *a = &info->pAttachments[i];

      set_ops(pass, i, a->loadOp, a->stencilLoadOp, a->storeOp,
              a->stencilStoreOp);
   }
   for (uint32_t i = 0; i < info->subpassCount; i++)
      use_subpass2(pass, &info->pSubpasses[i]);
   return pass;
}

/* Takes @pass, which may be NULL for lack of memory. */
static VkResult
add_pass(struct panvk_device *dev, VkRenderPass handle, struct panvk_pass *pass,
         const VkAllocationCallbacks *allocator)
{
   if (pass && panvk_map_insert(&dev->passes, panvk_key(handle), pass))
      return VK_SUCCESS;
   free(pass);
   dev->vk.DestroyRenderPass(dev->handle, handle, allocator);
   return VK_ERROR_OUT_OF_HOST_MEMORY;
}

struct panvk_pass *
panvk_pass_lookup(struct panvk_device *dev, VkRenderPass handle)
{
   return panvk_map_find(&dev->passes, panvk_key(handle));
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateRenderPass(VkDevice device,
                       const VkRenderPassCreateInfo *pCreateInfo,
                       const VkAllocationCallbacks *pAllocator,
                       VkRenderPass *pRenderPass)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result =
      dev->vk.CreateRenderPass(device, pCreateInfo, pAllocator, pRenderPass);

   return result == VK_SUCCESS
             ? add_pass(dev, *pRenderPass, describe_pass(pCreateInfo),
                        pAllocator)
             : result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateRenderPass2(VkDevice device,
                        const VkRenderPassCreateInfo2 *pCreateInfo,
                        const VkAllocationCallbacks *pAllocator,
                        VkRenderPass *pRenderPass)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result =
      dev->vk.CreateRenderPass2(device, pCreateInfo, pAllocator, pRenderPass);

   return result == VK_SUCCESS
             ? add_pass(dev, *pRenderPass, describe_pass2(pCreateInfo),
                        pAllocator)
             : result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyRenderPass(VkDevice device, VkRenderPass renderPass,
                        const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   if (renderPass)
      free(panvk_map_remove(&dev->passes, panvk_key(renderPass)));
   dev->vk.DestroyRenderPass(device, renderPass, pAllocator);
}

/* ---------------------------------------------------------- framebuffers -- */

struct panvk_framebuffer *
panvk_framebuffer_lookup(struct panvk_device *dev, VkFramebuffer handle)
{
   return panvk_map_find(&dev->framebuffers, panvk_key(handle));
}

/*
 * What is to be known of a framebuffer, and in *engine_info the views that the
 * engine is to know. NULL when out of memory.
 */
static struct panvk_framebuffer *
describe_framebuffer(struct panvk_device *dev,
                     VkFramebufferCreateInfo *engine_info, bool *needed_out)
{
   bool imageless = engine_info->flags & VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT;
   uint32_t count = imageless ? 0 : engine_info->attachmentCount;
   /* The application's views, then the engine's. */
   struct panvk_framebuffer *fb =
      calloc(1, sizeof(*fb) + 2ull * count * sizeof(fb->views[0]));

   if (!fb)
      return NULL;
   fb->layers = engine_info->layers;
   fb->count = count;
   *needed_out = imageless;
   for (uint32_t i = 0; i < count; i++) {
      VkImageView view = engine_info->pAttachments[i];

      fb->views[i] = view;
      fb->views[count + i] = panvk_view_to_attachment(dev, view);
      *needed_out |= fb->views[count + i] != view;
   }
   if (!imageless)
      engine_info->pAttachments = &fb->views[count];
   return fb;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateFramebuffer(VkDevice device,
                        const VkFramebufferCreateInfo *pCreateInfo,
                        const VkAllocationCallbacks *pAllocator,
                        VkFramebuffer *pFramebuffer)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkFramebufferCreateInfo info = *pCreateInfo;
   bool needed;
   struct panvk_framebuffer *fb = describe_framebuffer(dev, &info, &needed);
   VkFramebuffer handle;

   if (!fb)
      return VK_ERROR_OUT_OF_HOST_MEMORY;

   VkResult result =
      dev->vk.CreateFramebuffer(device, &info, pAllocator, &handle);

   if (result == VK_SUCCESS && needed &&
       !panvk_map_insert(&dev->framebuffers, panvk_key(handle), fb)) {
      dev->vk.DestroyFramebuffer(device, handle, pAllocator);
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   if (result != VK_SUCCESS || !needed)
      free(fb);
   if (result == VK_SUCCESS)
      *pFramebuffer = handle;
   return result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyFramebuffer(VkDevice device, VkFramebuffer framebuffer,
                         const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   if (framebuffer)
      free(panvk_map_remove(&dev->framebuffers, panvk_key(framebuffer)));
   dev->vk.DestroyFramebuffer(device, framebuffer, pAllocator);
}

/* ------------------------------------------------------------- leftovers -- */

static void
free_value(void *value, void *data)
{
   (void)data;
   free(value);
}

void
panvk_pass_finish_device(struct panvk_device *dev)
{
   panvk_map_foreach(&dev->passes, free_value, NULL);
   panvk_map_foreach(&dev->framebuffers, free_value, NULL);
   panvk_map_foreach(&dev->templates, free_value, NULL);
}
