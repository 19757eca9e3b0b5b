/* SPDX-License-Identifier: MIT */
/*
 * The driver's own structures, and what its files offer to each other.
 *
 * Engine handles are handed to the application as they are; what this driver
 * knows of an object is found by handle (panvk_object.h). Nothing here is
 * visible outside the shared library.
 *
 * Locking: structures are written while they are created and destroyed, which
 * Vulkan synchronises externally, and are constant in between. What changes
 * while others look says so beside it.
 */
#ifndef PANVK_PRIVATE_H
#define PANVK_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "panvk_vk_compat.h"
#include "panvk_bind_list.h"
#include "panvk_chain.h"
#include "panvk_engine.h"
#include "panvk_entrypoints.h"
#include "panvk_log.h"
#include "panvk_object.h"
#include "panvk_va.h"
#include "kmod/pan_kmod.h"

/* The sparse block size: alignment of sparse resources and of their binds. */
#define PANVK_SPARSE_BLOCK_SIZE 65536u
/* VM_BIND's granularity. */
#define PANVK_PAGE_SIZE 4096u

#define PANVK_BUFFER_SPARSE_FLAGS                                              \
   (VK_BUFFER_CREATE_SPARSE_BINDING_BIT |                                      \
    VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT |                                    \
    VK_BUFFER_CREATE_SPARSE_ALIASED_BIT)

#define PANVK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define PANVK_MAX(a, b) ((a) > (b) ? (a) : (b))
#define PANVK_ALIGN(x, a) (((x) + ((a) - 1)) & ~((uint64_t)(a) - 1))
#define PANVK_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct panvk_probe; /* panvk_probe.h */
struct panvk_diag; /* panvk_diag.h */
struct panvk_tracked; /* panvk_residency.h */

/* -------------------------------------------------------------- instance -- */

struct panvk_instance {
   VkInstance handle;
   struct panvk_instance_table vk; /* the engine's functions */
   /*
    * The application's debug messengers: VkDebugUtilsMessengerEXT -> its
    * VkDebugUtilsMessageSeverityFlagsEXT, and how many listen to what we send.
    */
   struct panvk_map messengers;
   _Atomic uint32_t error_listeners, warning_listeners;
   struct panvk_physical_device **pdevs;
   uint32_t pdev_count;
};

/* Never NULL for a handle that came from this driver. */
struct panvk_instance *panvk_instance_from_handle(VkInstance handle);

/* ------------------------------------------------------- physical device -- */

struct panvk_physical_device {
   VkPhysicalDevice handle;
   struct panvk_instance *instance;
   char engine_name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE]; /* its deviceName */
   char engine_info[VK_MAX_DRIVER_INFO_SIZE]; /* its driverInfo */
};

/* Never NULL for a handle that came from this driver. */
struct panvk_physical_device *
panvk_physical_device_from_handle(VkPhysicalDevice handle);
/*
 * What the image probe found, or NULL where it failed (which was said, once):
 * then sparse residency images are not offered. The first call of the process
 * takes some time: the probe runs on a device of our own.
 */
const struct panvk_probe *
panvk_physical_device_probe(struct panvk_physical_device *pdev);

/* ----------------------------------------------------------------- queue -- */

struct panvk_queue; /* panvk_queue.h */

/* ---------------------------------------------------------------- device -- */

/*
 * Host address space for windows, and the engine's memory object over it, to
 * which an engine buffer or image is bound.
 */
struct panvk_host_range {
   void *ptr;
   uint64_t size_B;
   VkDeviceMemory memory;
};

/* The barrier page: panvk_strict.h. */
struct panvk_strict {
   bool ready;
   VkBuffer buffer; /* the engine's, over the page */
   struct panvk_host_range range;
};

struct panvk_device {
   VkDevice handle;
   struct panvk_physical_device *pdev;
   struct panvk_device_table vk; /* the engine's functions */
   /* Enabled for this driver's own use: the application did not. */
   const char *added_extensions[4];
   uint32_t added_extension_count;

   /* NULL on the private device that a probe runs on. */
   struct pan_kmod_dev *kmod;
   struct pan_kmod_vm *vm;
   struct panvk_va_heap va_heap; /* of the VM's user range */
   /* Stands for unbound memory where the kernel has no MAP_SPARSE. */
   struct pan_kmod_bo *dummy_bo;
   struct panvk_strict strict;

   bool sparse_images_ok; /* probe is not NULL */
   const struct panvk_probe *probe; /* the physical device's */

   struct panvk_map memories; /* VkDeviceMemory -> struct panvk_memory */
   struct panvk_map buffers; /* VkBuffer -> struct panvk_buffer; sparse only */
   struct panvk_map images; /* VkImage -> the image half's; sparse only */

   struct panvk_map cmd_pools; /* VkCommandPool -> panvk_cmd.c's */
   /* Of panvk_attachment.h; of views and framebuffers those with shadows. */
   struct panvk_map views, passes, framebuffers;
   /* VkDescriptorUpdateTemplate -> panvk_input_attachment.c's */
   struct panvk_map templates;

   /* VkSemaphore -> its serial number; timelines only */
   struct panvk_map timelines;
   _Atomic uintptr_t timeline_serials; /* given out */

   struct panvk_queue *queue; /* the universal one; created with the device */
   /*
    * The sparse family's, if asked for, and the engine device whose queue
    * carries its batches; else NULL. See docs/panvk.md.
    */
   struct panvk_queue *sparse_queue;
   struct panvk_device *sparse_engine;
   /* Batches of all queues are expanded and executed one at a time. */
   pthread_mutex_t bind_lock;
   /* Empty, with memory for the next batch. Guarded by bind_lock. */
   struct panvk_bind_list scratch;

   /* Counters, for PANSPARSE_STATS. */
   struct host_stats *stats_at_start; /* of the machine */
   _Atomic uint64_t bind_batches; /* VkBindSparseInfos with binds in them */
   _Atomic uint64_t binds; /* as the application gave them */

   struct panvk_diag *diag; /* NULL unless diagnostics were asked for */

   /* A bind failed: later submits return VK_ERROR_DEVICE_LOST. */
   _Atomic bool lost;
};

/* Never NULL for a handle that came from this driver. */
struct panvk_device *panvk_device_from_handle(VkDevice handle);

/* ------------------------------------------------------ sparse resources -- */

/*
 * What buffers and images that are sparse share, as the first member of
 * struct panvk_buffer and struct panvk_image.
 */
struct panvk_resource {
   VkObjectType type; /* VK_OBJECT_TYPE_BUFFER or _IMAGE */
   uint64_t handle;
   /* What binds to it are multiples of: a page, or the sparse block size. */
   uint32_t alignment_B;
   /* The GPU range: [va, va + size_B). Unbound parts are mapped sparse. */
   uint64_t va;
   uint64_t size_B;
   /* For diagnostics: created with sparse residency; a buffer's own size. */
   bool may_be_partly_bound;
   uint64_t app_size_B;
   struct panvk_tracked *tracked; /* NULL without diagnostics */
   /* From VK_EXT_debug_utils, or empty. See panvk_resource_describe(). */
   char name[64];
};

/*
 * Takes a GPU VA range for @res (sets va and size_B, the latter rounded up to
 * its alignment_B) and maps all of it sparse: one op, one ioctl.
 * VK_ERROR_OUT_OF_DEVICE_MEMORY when it fails; @res is then as it was.
 */
VkResult panvk_resource_init_range(struct panvk_device *dev,
                                   struct panvk_resource *res, uint64_t size_B);
/* Unmaps the range, one op, and gives the VA back. No-op if size_B is 0. */
void panvk_resource_finish_range(struct panvk_device *dev,
                                 struct panvk_resource *res);
/*
 * "buffer 'name' (0x...)" for messages; returns @text. Takes the lock that
 * guards the names of all resources.
 */
const char *panvk_resource_describe(const struct panvk_resource *res,
                                    char text[static 128]);

/*
 * Reserves @size_B bytes of inaccessible host address space, aligned to
 * 64 KiB, and imports it into the engine as memory of @type_index. No memory is
 * used.
 */
VkResult panvk_host_range_init(struct panvk_device *dev, uint64_t size_B,
                               uint32_t type_index,
                               struct panvk_host_range *range_out);
/* Every window over it must have been destroyed. No-op if ptr is NULL. */
void panvk_host_range_finish(struct panvk_device *dev,
                             struct panvk_host_range *range);

/* ---------------------------------------------------------------- memory -- */

/*
 * Device memory that is one of our BOs, imported into the engine. Memory that
 * comes from elsewhere (imported or exportable) has no such struct: the engine
 * alone knows it, and it cannot be bound to sparse resources.
 */
struct panvk_memory {
   VkDeviceMemory handle;
   struct pan_kmod_bo *bo;
   void *map;
   uint64_t size_B; /* of the mapping, rounded up to pages */
};

/* NULL for memory that is not ours. */
struct panvk_memory *panvk_memory_lookup(struct panvk_device *dev,
                                         VkDeviceMemory memory);

/* ----------------------------------------------------------------- binds -- */

/* One VkBindSparseInfo while it is expanded. */
struct panvk_batch {
   struct panvk_device *dev;
   struct panvk_bind_list list;
   /* The memory object looked up last: most binds name the same one. */
   VkDeviceMemory last_memory;
   struct panvk_memory *last;
};

/*
 * Appends one bind: [va, va + size_B), which lies in @res, to @memory from
 * @memory_offset on, or to nothing if @memory is VK_NULL_HANDLE.
 *
 * The caller has checked va and size_B against the resource. Memory is checked
 * here: ours, the offset a multiple of the page size, the range within it.
 * VK_ERROR_VALIDATION_FAILED_EXT if not, after an error message that says so.
 * @size_B is rounded up to pages, which only the end of a resource needs.
 */
VkResult panvk_batch_bind(struct panvk_batch *batch,
                          const struct panvk_resource *res, uint64_t va,
                          uint64_t size_B, VkDeviceMemory memory,
                          VkDeviceSize memory_offset);
/*
 * The same for a VkSparseMemoryBind of a resource whose bind offsets are
 * offsets in its VA range: buffers, and images without residency. Checks the
 * bind against the resource.
 */
VkResult panvk_batch_bind_opaque(struct panvk_batch *batch,
                                 const struct panvk_resource *res,
                                 const VkSparseMemoryBind *bind);

/* --------------------------------------------- offered by the image half -- */

/*
 * Runs the layout probe on @dev, a private engine device without kmod. Returns
 * what it found, for panvk_probe_destroy(), or NULL after saying why.
 */
struct panvk_probe *panvk_probe_run(struct panvk_device *dev);
void panvk_probe_destroy(struct panvk_probe *probe);

/* Append the binds of one image, with the residency changes they bring. */
VkResult panvk_image_append_binds(struct panvk_batch *batch,
                                  const VkSparseImageMemoryBindInfo *info);
VkResult
panvk_image_append_opaque_binds(struct panvk_batch *batch,
                                const VkSparseImageOpaqueMemoryBindInfo *info);
/*
 * Applies the changes whose resident member equals @resident. Called with true
 * after the VM_BIND and with false before it, so that a residency bit is never
 * set over memory that is not there. Calls for one device never overlap.
 */
void panvk_image_apply_residency(struct panvk_device *dev,
                                 const struct panvk_residency_change *changes,
                                 uint32_t count, bool resident);

#endif /* PANVK_PRIVATE_H */
