/* SPDX-License-Identifier: MIT */
/*
 * Semaphores of swapchains on binds: a frame is acquired, tiles are bound when it
 * is, the frame is drawn from them, and it is presented. On a headless surface.
 */
#include "vt.h"

#include <stdlib.h>

#define FRAMES 60
#define SIZE 64
/* Of what the frame is drawn from: a row of it is a tile of the buffer. */
#define TILES 4

static VkSurfaceKHR surface;
static VkSwapchainKHR swapchain;
static VkImage images[8];
static uint32_t image_count;
static VkBuffer buffer; /* one tile, exchanged each frame */
static VkDeviceMemory memory;
static struct vkh_buffer out;

static void
create_swapchain(void)
{
   PFN_vkCreateHeadlessSurfaceEXT create_surface =
      (PFN_vkCreateHeadlessSurfaceEXT)vkGetInstanceProcAddr(
         vt.instance, "vkCreateHeadlessSurfaceEXT");
   const VkHeadlessSurfaceCreateInfoEXT surface_info = {
      .sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT,
   };
   VkSurfaceCapabilitiesKHR caps;
   VkSurfaceFormatKHR format;
   VkBool32 supported;
   uint32_t one = 1;

   VKH_CHECK(create_surface(vt.instance, &surface_info, NULL, &surface));
   VKH_CHECK(vkGetPhysicalDeviceSurfaceSupportKHR(vt.physical, vt.family,
                                                  surface, &supported));
   assert_true(supported);
   VKH_CHECK(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(vt.physical, surface,
                                                       &caps));
   assert_true(vkGetPhysicalDeviceSurfaceFormatsKHR(vt.physical, surface, &one,
                                                    &format) >= 0);
   assert_true(caps.supportedUsageFlags & VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   const VkSwapchainCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .surface = surface,
      .minImageCount = caps.minImageCount > 3 ? caps.minImageCount : 3,
      .imageFormat = format.format,
      .imageColorSpace = format.colorSpace,
      .imageExtent = {SIZE, SIZE},
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      .preTransform = caps.currentTransform,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = VK_PRESENT_MODE_FIFO_KHR,
   };
   VKH_CHECK(vkCreateSwapchainKHR(vt.device, &info, NULL, &swapchain));
   image_count = VKH_ARRAY_SIZE(images);
   VKH_CHECK(vkGetSwapchainImagesKHR(vt.device, swapchain, &image_count,
                                     images));
}

static int
setup(void **state)
{
   setenv("VT_PRESENT", "1", 1);
   if (vt_group_setup(state) != 0)
      return -1;
   if (!vt.can_present)
      return 0;
   create_swapchain();

   const uint32_t families[] = {vt.family, vt.sparse_family};
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      .size = VT_TILE,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
      .sharingMode = vt.family == vt.sparse_family ? VK_SHARING_MODE_EXCLUSIVE
                                                   : VK_SHARING_MODE_CONCURRENT,
      .queueFamilyIndexCount = 2,
      .pQueueFamilyIndices = families,
   };
   VKH_CHECK(vkCreateBuffer(vt.device, &info, NULL, &buffer));
   memory = vt_memory(TILES, vt_buffer_requirements(buffer).memoryTypeBits);
   vkh_buffer_create(&vt, FRAMES * 4, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &out);
   for (uint32_t i = 0; i < TILES; i++) {
      const VkSparseMemoryBind bind = {0, VT_TILE, memory, i * VT_TILE, 0};

      vt_bind_buffer(buffer, &bind, 1);
      vt_fill_words(buffer, 0, VT_TILE / 4, 1000000 * (i + 1));
   }
   return 0;
}

static int
teardown(void **state)
{
   if (vt.can_present) {
      vkh_buffer_destroy(&vt, &out);
      vkDestroyBuffer(vt.device, buffer, NULL);
      vkFreeMemory(vt.device, memory, NULL);
      vkDestroySwapchainKHR(vt.device, swapchain, NULL);
      vkDestroySurfaceKHR(vt.instance, surface, NULL);
   }
   return vt_group_teardown(state);
}

/* Exchanges the buffer's tile, between two binary semaphores. */
static void
bind(uint32_t tile, VkSemaphore wait, VkSemaphore signal)
{
   const VkSparseMemoryBind range = {0, VT_TILE, memory, tile * VT_TILE, 0};
   const VkSparseBufferMemoryBindInfo buffers = {buffer, 1, &range};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &wait,
      .bufferBindCount = 1,
      .pBufferBinds = &buffers,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &signal,
   };
   VKH_CHECK(vkQueueBindSparse(vt.sparse_queue, 1, &info, VK_NULL_HANDLE));
}

/* The buffer into the frame, and its first word to where it is checked. */
static VkCommandBuffer
draw(uint32_t frame, VkImage image)
{
   const VkBufferImageCopy copy = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {SIZE, SIZE, 1},
   };
   const VkBufferCopy word = {0, frame * 4ull, 4};
   VkCommandBuffer cmd = vkh_begin(&vt);

   vkh_image_layout(cmd, image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_UNDEFINED,
                    VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdCopyBufferToImage(cmd, buffer, image,
                          VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
   vkCmdCopyBuffer(cmd, buffer, out.buffer, 1, &word);
   vkh_image_layout(cmd, image, VK_IMAGE_ASPECT_COLOR_BIT,
                    VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                    VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
   vkh_full_barrier(cmd);
   VKH_CHECK(vkEndCommandBuffer(cmd));
   return cmd;
}

/* One frame; its semaphores are free when @fence is signalled. */
static void
show(uint32_t frame, VkSemaphore acquired, VkSemaphore bound,
     VkSemaphore drawn, VkFence fence)
{
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   uint32_t index;

   VKH_CHECK(vkAcquireNextImageKHR(vt.device, swapchain, UINT64_MAX, acquired,
                                   VK_NULL_HANDLE, &index));
   bind(frame % TILES, acquired, bound);
   VkCommandBuffer cmd = draw(frame, images[index]);
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &bound,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &cmd,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &drawn,
   };
   const VkPresentInfoKHR present = {
      .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &drawn,
      .swapchainCount = 1,
      .pSwapchains = &swapchain,
      .pImageIndices = &index,
   };
   VKH_CHECK(vkQueueSubmit(vt.queue, 1, &submit, fence));
   VKH_CHECK(vkQueuePresentKHR(vt.queue, &present));
   VKH_CHECK(vkWaitForFences(vt.device, 1, &fence, VK_TRUE, UINT64_MAX));
   VKH_CHECK(vkResetFences(vt.device, 1, &fence));
   vkFreeCommandBuffers(vt.device, vt.pool, 1, &cmd);
}

static void
test_frames(void **state)
{
   (void)state;
   VT_NEED(vt.can_present);
   VkSemaphore acquired = vkh_semaphore_create(&vt);
   VkSemaphore bound = vkh_semaphore_create(&vt);
   /* Waited for by a present, of which nothing tells the end. */
   VkSemaphore drawn[FRAMES];
   VkFence fence = vkh_fence_create(&vt);

   for (uint32_t frame = 0; frame < FRAMES; frame++) {
      drawn[frame] = vkh_semaphore_create(&vt);
      show(frame, acquired, bound, drawn[frame], fence);
   }
   VKH_CHECK(vkDeviceWaitIdle(vt.device));
   for (uint32_t frame = 0; frame < FRAMES; frame++) {
      assert_int_equal(((uint32_t *)out.map)[frame],
                       1000000 * (frame % TILES + 1));
      vkDestroySemaphore(vt.device, drawn[frame], NULL);
   }
   vkDestroyFence(vt.device, fence, NULL);
   vkDestroySemaphore(vt.device, acquired, NULL);
   vkDestroySemaphore(vt.device, bound, NULL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_frames),
   };
   return cmocka_run_group_tests_name("vulkan-swapchain", tests, setup,
                                      teardown);
}
