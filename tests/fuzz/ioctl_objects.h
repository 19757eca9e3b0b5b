/* SPDX-License-Identifier: MIT */
/* The calls of fuzz_ioctl.c other than VM_BIND: each decodes, calls, compares. */
#ifndef IOCTL_OBJECTS_H
#define IOCTL_OBJECTS_H

#include "fuzz.h"
#include "ioctl_world.h"

/* The id of a VM of @file, or, now and then, one that means nothing. */
uint32_t ioctl_pick_vm(struct fuzz_input *in, struct world_file *file);

#define IOCTL_OP(name)                                                         \
   void ioctl_##name(struct world *w, struct world_file *file,                 \
                     struct fuzz_input *in)

/* ioctl_objects.c: VMs, BOs and their handles */
IOCTL_OP(vm_create);
IOCTL_OP(vm_destroy);
IOCTL_OP(vm_get_state);
IOCTL_OP(bo_create);
IOCTL_OP(gem_close);
IOCTL_OP(export);
IOCTL_OP(import);
IOCTL_OP(bo_label);
IOCTL_OP(bo_sync);
IOCTL_OP(bo_query);
IOCTL_OP(dev_query);
IOCTL_OP(mmio_offset);
/* ioctl numbers that are none */
IOCTL_OP(unknown);
/* groups and heaps: arbitrary arguments, no oracle */
IOCTL_OP(group);

/* ioctl_syncobjs.c */
IOCTL_OP(syncobj_create);
IOCTL_OP(syncobj_destroy);
IOCTL_OP(syncobj_change); /* signal, reset, timeline signal, transfer */
IOCTL_OP(syncobj_wait);
IOCTL_OP(syncobj_query);

/* ioctl_access.c: loads and stores of the CPU and the GPU */
IOCTL_OP(mmap);
IOCTL_OP(munmap);
IOCTL_OP(cpu_store);
IOCTL_OP(gpu_access);

#endif /* IOCTL_OBJECTS_H */
