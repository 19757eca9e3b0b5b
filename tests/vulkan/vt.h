/* SPDX-License-Identifier: MIT */
/*
 * What the Vulkan tests share, over vkh: a device for a whole group, a skip for
 * what it lacks, words in sparse buffers, and what it takes to bind images.
 */
#ifndef VT_H
#define VT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vkh.h"

#define VT_TILE 65536ull

/* The device of the group. */
extern struct vkh vt;
/*
 * cmocka group fixtures. Without a sparse-capable device every test skips.
 * $VT_SEPARATE_QUEUE, if set, asks for a sparse queue of another family than the
 * universal one: without such a family every test skips. $VT_PRESENT, if set,
 * asks for vt.can_present.
 */
int vt_group_setup(void **state);
/*
 * The same, with an extension of the device and its features, where the device
 * has it: vt.extension tells.
 */
int vt_group_setup_with(const char *extension, void *features);
/* Also fails the group if the validation layers reported an error. */
int vt_group_teardown(void **state);
/* Skips the running test unless @condition. */
#define VT_NEED(condition)                                                     \
   do {                                                                        \
      if (!(condition))                                                        \
         skip();                                                               \
   } while (0)

/* Memory for @tiles tiles, of a type in @type_bits. */
VkDeviceMemory vt_memory(uint64_t tiles, uint32_t type_bits);
/* Memory requirements, sanity-checked: tiles are aligned, and a usable type. */
VkMemoryRequirements vt_buffer_requirements(VkBuffer buffer);
VkMemoryRequirements vt_image_requirements(VkImage image);

/* One batch of one kind of bind, waited for. */
void vt_bind_buffer(VkBuffer buffer, const VkSparseMemoryBind *binds,
                    uint32_t count);
void vt_bind_opaque(VkImage image, const VkSparseMemoryBind *binds,
                    uint32_t count);
void vt_bind_image(VkImage image, const VkSparseImageMemoryBind *binds,
                   uint32_t count);

/*
 * An empty submit that waits for one semaphore and signals another, either or
 * none; values of binary semaphores are ignored.
 */
void vt_submit(VkQueue queue, VkSemaphore wait, uint64_t wait_value,
               VkSemaphore signal, uint64_t signal_value, VkFence fence);

/* Words of a buffer, by compute shader through a storage buffer descriptor. */
void vt_fill_words(VkBuffer buffer, uint64_t offset, uint32_t count,
                   uint32_t seed);
void vt_read_words(VkBuffer buffer, uint64_t offset, uint32_t count,
                   uint32_t *out);
/*
 * Dispatches a shader that stores to the first word of a buffer as often as
 * @buffer says at @offset, and waits.
 */
void vt_dispatch_indirect(VkBuffer buffer, uint64_t offset);
/* Fails unless words [offset/4, …) are seed, seed + 1, … */
void vt_check_words(VkBuffer buffer, uint64_t offset, uint32_t count,
                    uint32_t seed);

#endif /* VT_H */
