/* SPDX-License-Identifier: MIT */
/* The back end over the machine in this process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "pan_kmod_private.h"

struct kmod_host_dev {
   struct pan_kmod_dev base;
   struct host_machine *machine;
   struct host_file *file;
};

struct kmod_host_window {
   struct pan_kmod_window base;
   struct host_window *window;
};

static struct kmod_host_dev *
to_host_dev(struct pan_kmod_dev *dev)
{
   return (struct kmod_host_dev *)dev;
}

static int
kmod_host_destroy(struct pan_kmod_dev *dev)
{
   struct kmod_host_dev *host = to_host_dev(dev);

   host_close(host->file);
   int leaks = host_machine_put(host->machine);
   free(host);
   return leaks;
}

static int
kmod_host_ioctl(struct pan_kmod_dev *dev, unsigned long request, void *arg)
{
   return host_ioctl(to_host_dev(dev)->file, request, arg);
}

static int
kmod_host_mmap(struct pan_kmod_dev *dev, void *addr, size_t size_B, int prot,
               int flags, uint64_t offset, void **addr_out)
{
   return host_mmap(to_host_dev(dev)->file, addr, size_B, prot, flags, offset,
                    addr_out);
}

static int
kmod_host_munmap(struct pan_kmod_dev *dev, void *addr, size_t size_B)
{
   (void)dev;
   return host_munmap(addr, size_B);
}

static int
kmod_host_window_create(struct pan_kmod_vm *vm, uint64_t va, void *host,
                        uint64_t size_B, struct pan_kmod_window **window_out)
{
   struct kmod_host_window *window = calloc(1, sizeof(*window));
   if (!window)
      return -ENOMEM;

   int ret = host_window_create(to_host_dev(vm->dev)->file, vm->id, va, host,
                                size_B, &window->window);
   if (ret) {
      free(window);
      return ret;
   }

   *window_out = &window->base;
   return 0;
}

static void
kmod_host_window_destroy(struct pan_kmod_window *window)
{
   struct kmod_host_window *host = (struct kmod_host_window *)window;

   host_window_destroy(host->window);
   free(host);
}

static void
kmod_host_window_observe(struct pan_kmod_window *window,
                         pan_kmod_observe_fn observe, void *data)
{
   host_window_observe(((struct kmod_host_window *)window)->window, observe,
                       data);
}

static void
kmod_host_window_drop(struct pan_kmod_window *window, uint64_t va,
                      uint64_t size_B)
{
   host_window_drop(((struct kmod_host_window *)window)->window, va, size_B);
}

static int
kmod_host_bo_set_null(struct pan_kmod_bo *bo)
{
   return host_bo_set_null(to_host_dev(bo->dev)->file, bo->handle);
}

static int
kmod_host_barrier_add(struct pan_kmod_dev *dev, void *page)
{
   return host_barrier_add(to_host_dev(dev)->machine, page);
}

static void
kmod_host_barrier_remove(struct pan_kmod_dev *dev, void *page)
{
   host_barrier_remove(to_host_dev(dev)->machine, page);
}

static void
kmod_host_barrier(struct pan_kmod_dev *dev)
{
   host_barrier(to_host_dev(dev)->machine);
}

static int
kmod_host_get_stats(struct pan_kmod_dev *dev, struct host_stats *stats_out)
{
   host_get_stats(to_host_dev(dev)->machine, stats_out);
   return 0;
}

static int
kmod_host_vm_root(struct pan_kmod_vm *vm, uint64_t *pa_out)
{
   return host_vm_root(to_host_dev(vm->dev)->file, vm->id, pa_out);
}

static void *
kmod_host_dram_ptr(struct pan_kmod_dev *dev, uint64_t pa)
{
   return host_dram_ptr(to_host_dev(dev)->machine, pa);
}

static int
kmod_host_debugfs_read(struct pan_kmod_dev *dev, const char *name,
                       char **text_out, size_t *size_out)
{
   return host_debugfs_read(to_host_dev(dev)->machine, name, text_out, size_out);
}

static uint64_t
kmod_host_reclaim(struct pan_kmod_dev *dev, uint64_t size_B)
{
   return host_reclaim(to_host_dev(dev)->machine, size_B);
}

static void
kmod_host_inject_stuck_as(struct pan_kmod_dev *dev, uint32_t command,
                          uint32_t skip)
{
   host_inject_stuck_as(to_host_dev(dev)->machine, command, skip);
}

static void
kmod_host_inject_stuck_mcu(struct pan_kmod_dev *dev)
{
   host_inject_stuck_mcu(to_host_dev(dev)->machine);
}

static const struct pan_kmod_ops kmod_host_ops = {
    .destroy = kmod_host_destroy,
    .ioctl = kmod_host_ioctl,
    .mmap = kmod_host_mmap,
    .munmap = kmod_host_munmap,
    .window_create = kmod_host_window_create,
    .window_destroy = kmod_host_window_destroy,
    .window_observe = kmod_host_window_observe,
    .window_drop = kmod_host_window_drop,
    .bo_set_null = kmod_host_bo_set_null,
    .bulk_code_add = host_bulk_code_add,
    .barrier_add = kmod_host_barrier_add,
    .barrier_remove = kmod_host_barrier_remove,
    .barrier = kmod_host_barrier,
    .fault_handler_ensure = host_fault_handler_ensure,
    .get_stats = kmod_host_get_stats,
    .vm_root = kmod_host_vm_root,
    .dram_ptr = kmod_host_dram_ptr,
    .debugfs_read = kmod_host_debugfs_read,
    .reclaim = kmod_host_reclaim,
    .inject_stuck_as = kmod_host_inject_stuck_as,
    .inject_stuck_mcu = kmod_host_inject_stuck_mcu,
};

/*
 * Without a configuration the first device boots the machine as the environment
 * says, and the others join it.
 */
static int
get_machine(const struct host_config *config, struct host_machine **machine_out)
{
   struct host_config from_env;

   if (!config) {
      int ret = host_config_from_env(&from_env);
      if (ret)
         return ret;
      ret = host_machine_get(&from_env, machine_out);
      if (ret != -EBUSY)
         return ret;
   }
   return host_machine_get(config, machine_out);
}

int
pan_kmod_host_create(const struct host_config *config,
                     struct pan_kmod_dev **dev_out)
{
   struct kmod_host_dev *host = calloc(1, sizeof(*host));
   if (!host)
      return -ENOMEM;

   int ret = get_machine(config, &host->machine);
   if (ret) {
      if (ret == -EBUSY)
         pan_kmod_error("a machine runs in this process already: a "
                        "configuration can be given to the first device only");
      goto err_free;
   }

   ret = host_open(host->machine, &host->file);
   if (ret) {
      pan_kmod_error("the machine in this process cannot be opened: %s",
                     strerror(-ret));
      goto err_put_machine;
   }

   host->base.ops = &kmod_host_ops;
   host->base.props.virtual_gpu = true;
   host->base.props.null_memory = host_has_null_memory(host->machine);
   *dev_out = &host->base;
   return 0;

err_put_machine:
   host_machine_put(host->machine);
err_free:
   free(host);
   return ret;
}
