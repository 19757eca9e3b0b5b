/* SPDX-License-Identifier: MIT */
/*
 * VkAllocationCallbacks that fail: each creation with its first, second, third …
 * allocation failing, until it runs through without meeting the failure. A call
 * that failed says VK_ERROR_OUT_OF_HOST_MEMORY and keeps nothing; what was
 * created gives everything back when it is destroyed.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "vt_image.h"

/* One more than any creation makes. */
#define STEPS_MAX 4000

/* A queue's thread frees what the caller allocated. */
struct heap {
   _Atomic uint32_t live; /* allocations */
   _Atomic int64_t countdown; /* the one that counts 0 fails */
   _Atomic uint32_t failures;
};

/* In front of each allocation, as large as the largest alignment. */
struct header {
   void *start;
   size_t size;
};

static void *VKAPI_PTR
heap_alloc(void *data, size_t size, size_t alignment,
           VkSystemAllocationScope scope)
{
   struct heap *heap = data;

   (void)scope;
   if (atomic_fetch_sub(&heap->countdown, 1) == 0) {
      heap->failures++;
      return NULL;
   }
   if (alignment < 16)
      alignment = 16;
   char *start = malloc(size + alignment + sizeof(struct header));
   if (!start)
      return NULL;
   uintptr_t at = ((uintptr_t)start + sizeof(struct header) + alignment - 1) &
                  ~(uintptr_t)(alignment - 1);
   ((struct header *)at)[-1] = (struct header){start, size};
   heap->live++;
   return (void *)at;
}

static void VKAPI_PTR
heap_free(void *data, void *memory)
{
   struct heap *heap = data;

   if (!memory)
      return;
   heap->live--;
   free(((struct header *)memory)[-1].start);
}

static void *VKAPI_PTR
heap_realloc(void *data, void *original, size_t size, size_t alignment,
             VkSystemAllocationScope scope)
{
   if (!original)
      return heap_alloc(data, size, alignment, scope);
   if (!size) {
      heap_free(data, original);
      return NULL;
   }
   void *moved = heap_alloc(data, size, alignment, scope);
   if (moved) {
      size_t old = ((struct header *)original)[-1].size;
      memcpy(moved, original, old < size ? old : size);
      heap_free(data, original);
   }
   return moved;
}

/* ------------------------------------------------------------- objects -- */

/* An object by handle, whatever it is; its parts that were made without heap. */
struct object {
   VkBuffer buffer;
   VkImage image;
   VkDeviceMemory memory;
   VkImageView view;
   VkSemaphore semaphore;
   VkRenderPass pass;
   VkCommandPool pool;
   VkDevice device;
};

struct kind {
   const char *name;
   VkResult (*create)(struct object *object, const VkAllocationCallbacks *heap);
   void (*destroy)(struct object *object, const VkAllocationCallbacks *heap);
};

static VkResult
create_buffer(struct object *object, const VkAllocationCallbacks *heap)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
               VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      .size = 16 * VT_TILE,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
   };
   return vkCreateBuffer(vt.device, &info, heap, &object->buffer);
}

static void
destroy_buffer(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroyBuffer(vt.device, object->buffer, heap);
}

static VkResult
create_image(struct object *object, const VkAllocationCallbacks *heap)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {1024, 512, 1},
      .mipLevels = 4,
      .arrayLayers = 2,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
               VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
   };
   return vkCreateImage(vt.device, &info, heap, &object->image);
}

static void
destroy_image(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroyImage(vt.device, object->image, heap);
}

/* Of an image that is there; with a shadow, where attachments have one. */
static VkResult
create_view(struct object *object, const VkAllocationCallbacks *heap)
{
   VkImageViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 1, 1, 1, 1},
   };

   if (!object->image)
      VKH_CHECK(create_image(object, NULL));
   info.image = object->image;
   return vkCreateImageView(vt.device, &info, heap, &object->view);
}

static void
destroy_view(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroyImageView(vt.device, object->view, heap);
   vkDestroyImage(vt.device, object->image, NULL);
}

static VkResult
create_memory(struct object *object, const VkAllocationCallbacks *heap)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = 4 * VT_TILE,
      .memoryTypeIndex = vkh_memory_type(&vt, UINT32_MAX, VKH_MEMORY_DEVICE),
   };
   return vkAllocateMemory(vt.device, &info, heap, &object->memory);
}

static void
destroy_memory(struct object *object, const VkAllocationCallbacks *heap)
{
   vkFreeMemory(vt.device, object->memory, heap);
}

static VkResult
create_semaphore(struct object *object, const VkAllocationCallbacks *heap)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = &type,
   };
   return vkCreateSemaphore(vt.device, &info, heap, &object->semaphore);
}

static void
destroy_semaphore(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroySemaphore(vt.device, object->semaphore, heap);
}

static VkResult
create_pass(struct object *object, const VkAllocationCallbacks *heap)
{
   const VkAttachmentDescription attachment = {
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .finalLayout = VK_IMAGE_LAYOUT_GENERAL,
   };
   const VkAttachmentReference color = {0, VK_IMAGE_LAYOUT_GENERAL};
   const VkSubpassDescription subpass = {
      .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
   };
   const VkRenderPassCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
      .subpassCount = 1,
      .pSubpasses = &subpass,
   };
   return vkCreateRenderPass(vt.device, &info, heap, &object->pass);
}

static void
destroy_pass(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroyRenderPass(vt.device, object->pass, heap);
}

static VkResult
create_pool(struct object *object, const VkAllocationCallbacks *heap)
{
   const VkCommandPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = vt.family,
   };
   return vkCreateCommandPool(vt.device, &info, heap, &object->pool);
}

static void
destroy_pool(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroyCommandPool(vt.device, object->pool, heap);
}

/* With a queue of each family, where there is one for binds. */
static VkResult
create_device(struct object *object, const VkAllocationCallbacks *heap)
{
   const float priority = 1.0f;
   VkDeviceQueueCreateInfo queues[2];
   uint32_t families = 0;

   vkGetPhysicalDeviceQueueFamilyProperties(vt.physical, &families, NULL);
   if (families > 2)
      families = 2;
   for (uint32_t i = 0; i < families; i++)
      queues[i] = (VkDeviceQueueCreateInfo){
         .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
         .queueFamilyIndex = i,
         .queueCount = 1,
         .pQueuePriorities = &priority,
      };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = families,
      .pQueueCreateInfos = queues,
   };
   return vkCreateDevice(vt.physical, &info, heap, &object->device);
}

static void
destroy_device(struct object *object, const VkAllocationCallbacks *heap)
{
   vkDestroyDevice(object->device, heap);
}

static const struct kind kinds[] = {
   {"buffer", create_buffer, destroy_buffer},
   {"image", create_image, destroy_image},
   {"image view", create_view, destroy_view},
   {"memory", create_memory, destroy_memory},
   {"semaphore", create_semaphore, destroy_semaphore},
   {"render pass", create_pass, destroy_pass},
   {"command pool", create_pool, destroy_pool},
   {"device", create_device, destroy_device},
};

/* --------------------------------------------------------------- tests -- */

static VkAllocationCallbacks
callbacks(struct heap *heap)
{
   return (VkAllocationCallbacks){
      .pUserData = heap,
      .pfnAllocation = heap_alloc,
      .pfnReallocation = heap_realloc,
      .pfnFree = heap_free,
   };
}

static void
fail_each(const struct kind *kind)
{
   struct object object = {0};
   int64_t n;

   for (n = 0; n < STEPS_MAX; n++) {
      struct heap heap = {.countdown = n};
      const VkAllocationCallbacks calls = callbacks(&heap);
      VkResult result = kind->create(&object, &calls);

      if (result == VK_SUCCESS) {
         /* It may do without what it could not have. */
         kind->destroy(&object, &calls);
         object = (struct object){0};
         if (heap.live)
            fail_msg("%s, step %u: %u allocations are left", kind->name,
                     (unsigned)n, heap.live);
         if (!heap.failures)
            break;
         continue;
      }
      if (result != VK_ERROR_OUT_OF_HOST_MEMORY || heap.live ||
          !heap.failures)
         fail_msg("%s, step %u: %s, %u allocations are left", kind->name,
                  (unsigned)n, vkh_result_name(result), heap.live);
   }
   assert_true(n < STEPS_MAX);
   printf("# %s: %u allocations\n", kind->name, (unsigned)n);
   vkDestroyImage(vt.device, object.image, NULL);
}

static void
test_failures(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyBuffer &&
           vt.features.sparseResidencyImage2D);
   for (unsigned i = 0; i < VKH_ARRAY_SIZE(kinds); i++)
      fail_each(&kinds[i]);
}

/* After all that, the device works. */
static void
test_afterwards(void **state)
{
   struct object object = {0};
   VkSparseMemoryBind bind = {.size = 16 * VT_TILE};

   (void)state;
   VT_NEED(vt.features.sparseResidencyBuffer);
   VKH_CHECK(create_buffer(&object, NULL));
   VkDeviceMemory memory =
      vt_memory(16, vt_buffer_requirements(object.buffer).memoryTypeBits);
   bind.memory = memory;
   vt_bind_buffer(object.buffer, &bind, 1);
   vt_fill_words(object.buffer, 0, 1024, 5);
   vt_check_words(object.buffer, 0, 1024, 5);
   vkDestroyBuffer(vt.device, object.buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_afterwards),
   };

   return cmocka_run_group_tests(tests, vt_group_setup, vt_group_teardown);
}
