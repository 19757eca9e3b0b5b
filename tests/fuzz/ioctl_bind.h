/* SPDX-License-Identifier: MIT */
/* VM_BIND of fuzz_ioctl.c: arbitrary ops, and what should come of them. */
#ifndef IOCTL_BIND_H
#define IOCTL_BIND_H

#include "fuzz.h"
#include "ioctl_world.h"

/* The VA islands of every VM's model: the lines of all levels are in there. */
extern const uint64_t ioctl_islands[MODEL_ISLANDS];

/* A handle of a BO of @file, or, now and then, one that means nothing. */
uint32_t ioctl_pick_handle(struct fuzz_input *in, struct world_file *file);
/* The same of syncobjs. */
uint32_t ioctl_pick_syncobj(struct fuzz_input *in, struct world_file *file);
/* One VM_BIND of @file's VM @id, which may mean nothing. */
void ioctl_bind(struct world *w, struct world_file *file, uint32_t id,
                struct fuzz_input *in);
/*
 * An array of @count elements of @size bytes as a program may pass it, with a
 * stride of its own, or too many of them. @min_stride: the mandatory bytes of
 * an element. Returns what should come of it; 0 if it can be read.
 */
int ioctl_array(struct fuzz_input *in, unsigned place, const void *elements,
                uint32_t count, uint32_t size, uint32_t min_stride,
                struct drm_panthor_obj_array *array_out);

#endif /* IOCTL_BIND_H */
