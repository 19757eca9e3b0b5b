/* SPDX-License-Identifier: MIT */
/*
 * For tests of diagnostics, through the loader: a device with one queue that
 * binds and copies, and what its debug messengers heard. Failures end the cmocka
 * test that is running.
 */
#ifndef DIAG_FIXTURE_H
#define DIAG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <vulkan/vulkan.h>

#define TILE 65536ull
#define PAGE 4096ull

#define ok(call) assert_int_equal(call, VK_SUCCESS)

/* One message of this driver's. */
struct diag_message {
   VkDebugUtilsMessageSeverityFlagBitsEXT severity;
   char id[128];
   char text[1024];
   VkObjectType type;
   uint64_t object;
};

#define DIAG_MAX_MESSAGES 256

extern struct diag_world {
   VkInstance instance;
   VkDebugUtilsMessengerEXT messenger;
   VkPhysicalDevice pdev;
   bool has_images;
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkFence fence;
   VkBuffer plain; /* an ordinary buffer of a tile */
   VkDeviceMemory plain_memory;
   struct diag_message messages[DIAG_MAX_MESSAGES];
   uint32_t message_count; /* since it was set to 0 */
} diag;

/* cmocka fixtures of a test. */
int diag_setup(void **state);
int diag_teardown(void **state);

/* The messages are exactly these, each a prefix of the text; then none. */
void diag_expect(const char *const *texts, uint32_t count);
#define EXPECT(...)                                                            \
   do {                                                                        \
      static const char *const texts_[] = {__VA_ARGS__};                       \
      diag_expect(texts_, sizeof(texts_) / sizeof(texts_[0]));                 \
   } while (0)
#define EXPECT_NOTHING() diag_expect(NULL, 0)

/* @name may be NULL. Residency unless @flags say otherwise (0: residency). */
VkBuffer diag_buffer(const char *name, VkDeviceSize size_B,
                     VkBufferCreateFlags flags);
/* RGBA8 with residency: tiles of 128 x 128 texels. */
VkImage diag_image(const char *name, uint32_t width, uint32_t height,
                   uint32_t levels, uint32_t layers);
VkDeviceMemory diag_memory(const char *name, VkDeviceSize size_B);
void diag_name(VkObjectType type, uint64_t object, const char *name);

/* One batch of one kind, waited for. Returns what vkQueueBindSparse did. */
VkResult diag_bind(const VkBindSparseInfo *info);
VkResult diag_bind_buffer(VkBuffer buffer, const VkSparseMemoryBind *binds,
                          uint32_t count);
VkResult diag_bind_image(VkImage image, const VkSparseImageMemoryBind *binds,
                         uint32_t count);

VkCommandBuffer diag_begin(void);
/* Submits, waits, and frees. */
void diag_run(VkCommandBuffer commands);
/* Copies out of a sparse buffer, or fills it, in a submit of its own. */
void diag_read(VkBuffer buffer, VkDeviceSize offset_B, VkDeviceSize size_B);
void diag_write(VkBuffer buffer, VkDeviceSize offset_B, VkDeviceSize size_B);
/* The whole of a tile of an image that is in layout GENERAL. */
void diag_read_tile(VkImage image, uint32_t level, uint32_t layer, int32_t x,
                    int32_t y);
void diag_make_general(VkImage image, uint32_t levels, uint32_t layers);

#endif /* DIAG_FIXTURE_H */
