/* SPDX-License-Identifier: MIT */
/* What the files of src/kmod share: the device, and its back ends. */
#ifndef PAN_KMOD_PRIVATE_H
#define PAN_KMOD_PRIVATE_H

#include "pan_kmod.h"

/*
 * A back end: the system calls on one open file of the driver. NULL where
 * marked optional means that the device cannot do that.
 */
struct pan_kmod_ops {
   /* Returns the leaks that were found. */
   int (*destroy)(struct pan_kmod_dev *dev);

   /* One system call; the caller restarts it. */
   int (*ioctl)(struct pan_kmod_dev *dev, unsigned long request, void *arg);
   int (*mmap)(struct pan_kmod_dev *dev, void *addr, size_t size_B, int prot,
               int flags, uint64_t offset, void **addr_out);
   int (*munmap)(struct pan_kmod_dev *dev, void *addr, size_t size_B);

   /* What only the virtual GPU has; optional. */
   int (*window_create)(struct pan_kmod_vm *vm, uint64_t va, void *host,
                        uint64_t size_B, struct pan_kmod_window **window_out);
   void (*window_destroy)(struct pan_kmod_window *window);
   void (*window_observe)(struct pan_kmod_window *window,
                          pan_kmod_observe_fn observe, void *data);
   void (*window_drop)(struct pan_kmod_window *window, uint64_t va,
                       uint64_t size_B);
   int (*bo_set_null)(struct pan_kmod_bo *bo);
   int (*bulk_code_add)(const void *start, size_t size_B);
   int (*barrier_add)(struct pan_kmod_dev *dev, void *page);
   void (*barrier_remove)(struct pan_kmod_dev *dev, void *page);
   void (*barrier)(struct pan_kmod_dev *dev);
   void (*fault_handler_ensure)(void);
   int (*get_stats)(struct pan_kmod_dev *dev, struct host_stats *stats_out);
   int (*vm_root)(struct pan_kmod_vm *vm, uint64_t *pa_out);
   void *(*dram_ptr)(struct pan_kmod_dev *dev, uint64_t pa);
   int (*debugfs_read)(struct pan_kmod_dev *dev, const char *name,
                       char **text_out, size_t *size_out);
   uint64_t (*reclaim)(struct pan_kmod_dev *dev, uint64_t size_B);
   void (*inject_stuck_as)(struct pan_kmod_dev *dev, uint32_t command,
                           uint32_t skip);
   void (*inject_stuck_mcu)(struct pan_kmod_dev *dev);
};

/* First member of each back end's device; constant once created. */
struct pan_kmod_dev {
   const struct pan_kmod_ops *ops;
   struct pan_kmod_dev_props props;
};

/* First member of a back end's window. */
struct pan_kmod_window {
   struct pan_kmod_dev *dev;
};

/* These open a device without reading its properties. */
int pan_kmod_host_create(const struct host_config *config,
                         struct pan_kmod_dev **dev_out);
int pan_kmod_drm_create(const char *path, struct pan_kmod_dev **dev_out);

/* One line on stderr. */
void pan_kmod_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif /* PAN_KMOD_PRIVATE_H */
