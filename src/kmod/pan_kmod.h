/* SPDX-License-Identifier: MIT */
/*
 * pan_kmod: the Panthor uAPI as C calls, over a DRM render node or over the
 * machine in this process (src/host). User-mode code talks to the kernel
 * driver through this header only.
 *
 * Policy: thin. A call is at most one ioctl of the same name (bo_create with
 * its label: two); nothing is cached but the properties read at creation;
 * arguments are validated by the kernel alone. Functions return 0 or a negative
 * errno; outputs come last; destructors accept NULL. A device may be used from
 * any thread; an object must not be used during or after its destruction.
 */
#ifndef PAN_KMOD_H
#define PAN_KMOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drm-uapi/panthor_drm.h"

struct host_config;
struct host_stats;

/* ---------------------------------------------------------------- device -- */

struct pan_kmod_dev;

struct pan_kmod_dev_props {
   uint32_t version_major, version_minor;
   struct drm_panthor_gpu_info gpu;
   struct drm_panthor_csif_info csif;
   uint64_t page_size_bitmap; /* 4K | 2M where MMU_INFO is missing */
   /*
    * MAP_SPARSE works: probed by mapping and unmapping a page of a scratch VM,
    * never guessed from the version.
    */
   bool map_sparse;
   bool virtual_gpu; /* windows and statistics are available */
   /*
    * Sparse memory reads as zero and discards stores; else it is a dummy. So
    * does a BO after pan_kmod_bo_set_null().
    */
   bool null_memory;
};

/*
 * Opens a device. @path: NULL for $PANSPARSE_DEVICE or, where that is unset or
 * empty, the machine in this process; else a render node. @config boots that
 * machine; without one (NULL) the first device boots it as $PANSPARSE_DRAM
 * (bytes, with an optional K, M, G or T), $PANSPARSE_TLB_ENTRIES,
 * $PANSPARSE_NULL and $PANSPARSE_UAPI say, and others join it. -EINVAL: these are not what they must
 * be, or out of range; -EBUSY: it runs already and a @config was given; -ENODEV: the node is not Panthor; other errors as the
 * system call gave them. What went wrong is said on stderr, once, in words.
 */
int pan_kmod_dev_create(const char *path, const struct host_config *config,
                        struct pan_kmod_dev **dev_out);
/* Returns the leaks that the machine reported, 0 on a render node. */
int pan_kmod_dev_destroy(struct pan_kmod_dev *dev);
const struct pan_kmod_dev_props *
pan_kmod_dev_props(const struct pan_kmod_dev *dev);
/* The raw ioctl, restarted on EINTR and EAGAIN. For tests of the uAPI. */
int pan_kmod_ioctl(struct pan_kmod_dev *dev, unsigned long request, void *arg);
int pan_kmod_mmap(struct pan_kmod_dev *dev, void *addr, size_t size_B, int prot,
                  int flags, uint64_t offset, void **addr_out);
/* Undoes pan_kmod_mmap() and pan_kmod_bo_mmap(); not plain munmap(2). */
int pan_kmod_munmap(struct pan_kmod_dev *dev, void *addr, size_t size_B);

/* -------------------------------------------------------- buffer objects -- */

struct pan_kmod_bo {
   struct pan_kmod_dev *dev;
   uint32_t handle;
   uint32_t flags; /* enum drm_panthor_bo_flags */
   uint64_t size_B; /* as the kernel rounded it */
};

/* @label may be NULL. @exclusive_vm_id: 0 or the one VM that may map it. */
int pan_kmod_bo_create(struct pan_kmod_dev *dev, uint64_t size_B,
                       uint32_t flags, uint32_t exclusive_vm_id,
                       const char *label, struct pan_kmod_bo **bo_out);
void pan_kmod_bo_destroy(struct pan_kmod_bo *bo);
/*
 * With props.null_memory: makes it stand for nothing, as sparse memory does, for
 * where there is no MAP_SPARSE. Before it is mapped in a VM, else -EBUSY.
 * -ENOTSUP without null memory.
 */
int pan_kmod_bo_set_null(struct pan_kmod_bo *bo);
/* Maps all of it, MAP_SHARED. @addr NULL, or with MAP_FIXED in @flags. */
int pan_kmod_bo_mmap(struct pan_kmod_bo *bo, void *addr, int prot, int flags,
                     void **addr_out);

/* ------------------------------------------------------------------- VMs -- */

struct pan_kmod_vm {
   struct pan_kmod_dev *dev;
   uint32_t id;
   uint64_t user_va_range; /* bytes, from VA 0 */
};

int pan_kmod_vm_create(struct pan_kmod_dev *dev, uint64_t user_va_range,
                       struct pan_kmod_vm **vm_out);
void pan_kmod_vm_destroy(struct pan_kmod_vm *vm);
/* *state_out: enum drm_panthor_vm_state */
int pan_kmod_vm_get_state(struct pan_kmod_vm *vm, uint32_t *state_out);

/*
 * One VM_BIND ioctl with all of @ops, which the caller fills in as the uAPI
 * defines them. @flags: enum drm_panthor_vm_bind_flags. On failure of a
 * synchronous bind *failed_op_out (may be NULL) is the index of the op that
 * failed; it is op_count when none is to blame.
 */
int pan_kmod_vm_bind(struct pan_kmod_vm *vm, uint32_t flags,
                     const struct drm_panthor_vm_bind_op *ops,
                     uint32_t op_count, uint32_t *failed_op_out);

/* -------------------------------------------------------------- syncobjs -- */

int pan_kmod_syncobj_create(struct pan_kmod_dev *dev, bool signaled,
                            uint32_t *handle_out);
void pan_kmod_syncobj_destroy(struct pan_kmod_dev *dev, uint32_t handle);
/*
 * @point 0: the binary fence. Also waits for a fence, or point, that nobody has
 * promised yet. @timeout_ns: relative, INT64_MAX for ever. -ETIME.
 */
int pan_kmod_syncobj_wait(struct pan_kmod_dev *dev, uint32_t handle,
                          uint64_t point, int64_t timeout_ns);
int pan_kmod_syncobj_signal(struct pan_kmod_dev *dev, uint32_t handle,
                            uint64_t point);
int pan_kmod_syncobj_query(struct pan_kmod_dev *dev, uint32_t handle,
                           uint64_t *point_out);

/* --------------------------------------- the virtual GPU's shader cores --- */

/*
 * See struct mali_window: host memory through which CPU code loads and stores
 * as the GPU would. -ENOTSUP on a render node.
 */
struct pan_kmod_window;
int pan_kmod_window_create(struct pan_kmod_vm *vm, uint64_t va, void *host,
                           uint64_t size_B, struct pan_kmod_window **window_out);
void pan_kmod_window_destroy(struct pan_kmod_window *window);
/*
 * Tells @observe what traps in the window; NULL: nobody. It is called in a
 * SIGSEGV handler, one access at a time: see mali_observe_fn in mali.h for what
 * it is told and what it may do. @access is PAN_KMOD_LOAD or _STORE, @found 0
 * for memory or else the exception code of a fault; what is then shown lies
 * within [*@first_va, *@last_va], which it may narrow. Returns true to hear of
 * the first store to what a load is shown.
 */
#define PAN_KMOD_LOAD 2u
#define PAN_KMOD_STORE 3u
typedef bool (*pan_kmod_observe_fn)(void *data, uint64_t va, uint32_t access,
                                    uint32_t found, uint64_t *first_va,
                                    uint64_t *last_va);
void pan_kmod_window_observe(struct pan_kmod_window *window,
                             pan_kmod_observe_fn observe, void *data);
/* The next accesses to this range of GPU addresses trap again. */
void pan_kmod_window_drop(struct pan_kmod_window *window, uint64_t va,
                          uint64_t size_B);
/*
 * With props.null_memory: stores to it by code in [start, start + size_B) are
 * bulk, which is fast, and may be read back until the next store to a barrier
 * page, or the next pan_kmod_barrier(). See mali.h. -ENOTSUP without it;
 * -ENOMEM: there are too many.
 */
int pan_kmod_bulk_code_add(struct pan_kmod_dev *dev, const void *start,
                           size_t size_B);
int pan_kmod_barrier_add(struct pan_kmod_dev *dev, void *page);
void pan_kmod_barrier_remove(struct pan_kmod_dev *dev, void *page);
void pan_kmod_barrier(struct pan_kmod_dev *dev);
/* One system call; no-op on a render node. Call before work is submitted. */
void pan_kmod_fault_handler_ensure(struct pan_kmod_dev *dev);
/* -ENOTSUP on a render node. */
int pan_kmod_get_stats(struct pan_kmod_dev *dev, struct host_stats *stats_out);

/*
 * For tests, on the virtual GPU only: the physical address of the VM's root
 * table (-ENOTSUP elsewhere), and the CPU's view of physical memory.
 */
int pan_kmod_vm_root(struct pan_kmod_vm *vm, uint64_t *pa_out);
void *pan_kmod_dram_ptr(struct pan_kmod_dev *dev, uint64_t pa);
/*
 * A file of the kernel driver's in debugfs, on the virtual GPU (-ENOTSUP elsewhere):
 * see panthor_debugfs.h. The text ends in NUL, which does not count, and is to be
 * free()d. -ENOENT, -ENOMEM.
 */
int pan_kmod_debugfs_read(struct pan_kmod_dev *dev, const char *name,
                          char **text_out, size_t *size_out);
/*
 * Makes the kernel free @size_B bytes of memory, as when none is left; returns
 * how many it could, always 0 on a render node.
 */
uint64_t pan_kmod_reclaim(struct pan_kmod_dev *dev, uint64_t size_B);
/*
 * Hardware that hangs until the driver resets it: after @skip more AS commands
 * equal to @command the next one never ends; or the firmware answers nothing
 * any more. -ENOTSUP on a render node.
 */
int pan_kmod_inject_stuck_as(struct pan_kmod_dev *dev, uint32_t command,
                             uint32_t skip);
int pan_kmod_inject_stuck_mcu(struct pan_kmod_dev *dev);

#endif /* PAN_KMOD_H */
