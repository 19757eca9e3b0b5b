/* SPDX-License-Identifier: MIT */
/* Opening a device, its properties, and what goes to the back end as it is. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pan_kmod_private.h"

#define PAGE_4K_B UINT64_C(0x1000)
#define PAGE_2M_B UINT64_C(0x200000)

void
pan_kmod_error(const char *format, ...)
{
   char text[512];
   va_list args;

   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);

   fprintf(stderr, "pansparse: kmod: %s\n", text);
}

int
pan_kmod_ioctl(struct pan_kmod_dev *dev, unsigned long request, void *arg)
{
   int ret;

   do {
      ret = dev->ops->ioctl(dev, request, arg);
   } while (ret == -EINTR || ret == -EAGAIN);

   return ret;
}

int
pan_kmod_mmap(struct pan_kmod_dev *dev, void *addr, size_t size_B, int prot,
              int flags, uint64_t offset, void **addr_out)
{
   return dev->ops->mmap(dev, addr, size_B, prot, flags, offset, addr_out);
}

int
pan_kmod_munmap(struct pan_kmod_dev *dev, void *addr, size_t size_B)
{
   return dev->ops->munmap(dev, addr, size_B);
}

/* ------------------------------------------------------------ properties -- */

/* @path: what to call the device in a message. */
static int
read_version(struct pan_kmod_dev *dev, const char *path)
{
   char name[32] = "";
   struct drm_version version = {
       .name = name,
       .name_len = sizeof(name) - 1,
   };

   int ret = pan_kmod_ioctl(dev, DRM_IOCTL_VERSION, &version);
   if (ret) {
      pan_kmod_error("%s is not a DRM device: %s", path, strerror(-ret));
      return -ENODEV;
   }

   if (strcmp(name, "panthor") != 0) {
      pan_kmod_error("%s belongs to the driver '%s'; it must be 'panthor'",
                     path, name);
      return -ENODEV;
   }

   if (version.version_major != 1) {
      pan_kmod_error("%s: version %d.%d of the driver is not known here; "
                     "it must be 1.x",
                     path, version.version_major, version.version_minor);
      return -ENODEV;
   }

   dev->props.version_major = (uint32_t)version.version_major;
   dev->props.version_minor = (uint32_t)version.version_minor;
   return 0;
}

static int
query(struct pan_kmod_dev *dev, uint32_t type, void *info, uint32_t size_B)
{
   struct drm_panthor_dev_query args = {
       .type = type,
       .size = size_B,
       .pointer = (uint64_t)(uintptr_t)info,
   };

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &args);
}

static int
read_info(struct pan_kmod_dev *dev)
{
   struct pan_kmod_dev_props *props = &dev->props;
   struct drm_panthor_mmu_info mmu;

   int ret = query(dev, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &props->gpu,
                   sizeof(props->gpu));
   if (!ret)
      ret = query(dev, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &props->csif,
                  sizeof(props->csif));
   if (ret)
      return ret;

   /* Older drivers do not know this query, and have these sizes. */
   props->page_size_bitmap = PAGE_4K_B | PAGE_2M_B;
   ret = query(dev, DRM_PANTHOR_DEV_QUERY_MMU_INFO, &mmu, sizeof(mmu));
   if (!ret)
      props->page_size_bitmap = mmu.page_size_bitmap;

   return ret == -EINVAL ? 0 : ret;
}

/* A driver without MAP_SPARSE answers -EINVAL: it does not know the flag. */
static int
probe_map_sparse(struct pan_kmod_dev *dev)
{
   const struct drm_panthor_vm_bind_op ops[] = {
       {
           .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
                    DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
                    DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE,
           .va = 0,
           .size = PAGE_4K_B,
       },
       {
           .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
           .va = 0,
           .size = PAGE_4K_B,
       },
   };
   struct pan_kmod_vm *vm;

   int ret = pan_kmod_vm_create(dev, 0, &vm);
   if (ret)
      return ret;

   ret = pan_kmod_vm_bind(vm, 0, ops, 2, NULL);
   pan_kmod_vm_destroy(vm);

   dev->props.map_sparse = ret == 0;
   return ret == -EINVAL ? 0 : ret;
}

/* --------------------------------------------------------------- devices -- */

static int
open_device(const char *path, const struct host_config *config,
            struct pan_kmod_dev **dev_out)
{
   return path ? pan_kmod_drm_create(path, dev_out)
               : pan_kmod_host_create(config, dev_out);
}

int
pan_kmod_dev_create(const char *path, const struct host_config *config,
                    struct pan_kmod_dev **dev_out)
{
   struct pan_kmod_dev *dev;

   if (!path)
      path = getenv("PANSPARSE_DEVICE");
   if (path && !*path)
      path = NULL;

   const char *name = path ? path : "the machine in this process";

   int ret = open_device(path, config, &dev);
   if (ret)
      return ret;

   ret = read_version(dev, name);
   if (ret)
      goto err_destroy;

   ret = read_info(dev);
   if (ret) {
      pan_kmod_error("%s does not answer DEV_QUERY: %s", name, strerror(-ret));
      goto err_destroy;
   }

   ret = probe_map_sparse(dev);
   if (ret) {
      pan_kmod_error("%s cannot create a VM and bind in it: %s", name,
                     strerror(-ret));
      goto err_destroy;
   }

   *dev_out = dev;
   return 0;

err_destroy:
   dev->ops->destroy(dev);
   return ret;
}

int
pan_kmod_dev_destroy(struct pan_kmod_dev *dev)
{
   return dev ? dev->ops->destroy(dev) : 0;
}

const struct pan_kmod_dev_props *
pan_kmod_dev_props(const struct pan_kmod_dev *dev)
{
   return &dev->props;
}

/* ------------------------------------------- what the virtual GPU offers -- */

int
pan_kmod_window_create(struct pan_kmod_vm *vm, uint64_t va, void *host,
                       uint64_t size_B, struct pan_kmod_window **window_out)
{
   const struct pan_kmod_ops *ops = vm->dev->ops;

   if (!ops->window_create)
      return -ENOTSUP;

   int ret = ops->window_create(vm, va, host, size_B, window_out);
   if (!ret)
      (*window_out)->dev = vm->dev;
   return ret;
}

void
pan_kmod_window_destroy(struct pan_kmod_window *window)
{
   if (window)
      window->dev->ops->window_destroy(window);
}

void
pan_kmod_window_observe(struct pan_kmod_window *window,
                        pan_kmod_observe_fn observe, void *data)
{
   window->dev->ops->window_observe(window, observe, data);
}

void
pan_kmod_window_drop(struct pan_kmod_window *window, uint64_t va,
                     uint64_t size_B)
{
   window->dev->ops->window_drop(window, va, size_B);
}

int
pan_kmod_bo_set_null(struct pan_kmod_bo *bo)
{
   if (!bo->dev->props.null_memory)
      return -ENOTSUP;
   return bo->dev->ops->bo_set_null(bo);
}

int
pan_kmod_bulk_code_add(struct pan_kmod_dev *dev, const void *start,
                       size_t size_B)
{
   if (!dev->props.null_memory)
      return -ENOTSUP;
   return dev->ops->bulk_code_add(start, size_B);
}

int
pan_kmod_barrier_add(struct pan_kmod_dev *dev, void *page)
{
   if (!dev->props.null_memory)
      return -ENOTSUP;
   return dev->ops->barrier_add(dev, page);
}

void
pan_kmod_barrier_remove(struct pan_kmod_dev *dev, void *page)
{
   if (dev->props.null_memory)
      dev->ops->barrier_remove(dev, page);
}

void
pan_kmod_barrier(struct pan_kmod_dev *dev)
{
   if (dev->props.null_memory)
      dev->ops->barrier(dev);
}

void
pan_kmod_fault_handler_ensure(struct pan_kmod_dev *dev)
{
   if (dev->ops->fault_handler_ensure)
      dev->ops->fault_handler_ensure();
}

int
pan_kmod_get_stats(struct pan_kmod_dev *dev, struct host_stats *stats_out)
{
   return dev->ops->get_stats ? dev->ops->get_stats(dev, stats_out) : -ENOTSUP;
}

int
pan_kmod_vm_root(struct pan_kmod_vm *vm, uint64_t *pa_out)
{
   const struct pan_kmod_ops *ops = vm->dev->ops;

   return ops->vm_root ? ops->vm_root(vm, pa_out) : -ENOTSUP;
}

void *
pan_kmod_dram_ptr(struct pan_kmod_dev *dev, uint64_t pa)
{
   return dev->ops->dram_ptr ? dev->ops->dram_ptr(dev, pa) : NULL;
}

int
pan_kmod_debugfs_read(struct pan_kmod_dev *dev, const char *name,
                      char **text_out, size_t *size_out)
{
   return dev->ops->debugfs_read
             ? dev->ops->debugfs_read(dev, name, text_out, size_out)
             : -ENOTSUP;
}

uint64_t
pan_kmod_reclaim(struct pan_kmod_dev *dev, uint64_t size_B)
{
   return dev->ops->reclaim ? dev->ops->reclaim(dev, size_B) : 0;
}

int
pan_kmod_inject_stuck_as(struct pan_kmod_dev *dev, uint32_t command,
                         uint32_t skip)
{
   if (!dev->ops->inject_stuck_as)
      return -ENOTSUP;

   dev->ops->inject_stuck_as(dev, command, skip);
   return 0;
}

int
pan_kmod_inject_stuck_mcu(struct pan_kmod_dev *dev)
{
   if (!dev->ops->inject_stuck_mcu)
      return -ENOTSUP;

   dev->ops->inject_stuck_mcu(dev);
   return 0;
}
