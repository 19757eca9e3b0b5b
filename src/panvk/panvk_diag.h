/* SPDX-License-Identifier: MIT */
/*
 * Where diagnostics look into the driver: PANSPARSE_DEBUG=unbound and validate,
 * and PANSPARSE_TRACE. See docs/diagnostics.md.
 *
 * A device has a struct panvk_diag only if one of them was asked for. Where it
 * has none the hooks below are one test of a pointer, none of them in the way
 * of an access; the commands that diagnostics listen to are other functions
 * then (panvk_diag_entrypoint()), so they cost nothing at all.
 */
#ifndef PANVK_DIAG_H
#define PANVK_DIAG_H

#include "panvk_private.h"

struct panvk_job;

/*
 * The hooks. Every one may be called from any thread; they do not fail: what
 * they have no memory for is said once, and is missing from the reports.
 */
struct panvk_diag_ops {
   /* The resource has its GPU range, all of it unbound, and no window yet. */
   void (*add_resource)(struct panvk_diag *diag, struct panvk_resource *res);
   /* It is about to be destroyed: its windows still are there. */
   void (*remove_resource)(struct panvk_diag *diag, struct panvk_resource *res);
   /* A window over [va, va + size_B) of the resource; nobody has used it. */
   void (*watch)(struct panvk_diag *diag, struct panvk_resource *res,
                 struct pan_kmod_window *window, uint64_t va, uint64_t size_B);
   /* Around the VM_BIND of a job; begin returns a time for end. */
   uint64_t (*begin_job)(struct panvk_diag *diag, const struct panvk_job *job);
   void (*end_job)(struct panvk_diag *diag, const struct panvk_job *job,
                   uint64_t begin, int ret);
};

/* First member of what the implementation keeps. */
struct panvk_diag {
   const struct panvk_diag_ops *ops;
};

static inline void
panvk_diag_add_resource(struct panvk_device *dev, struct panvk_resource *res)
{
   if (__builtin_expect(dev->diag != NULL, 0))
      dev->diag->ops->add_resource(dev->diag, res);
}

static inline void
panvk_diag_remove_resource(struct panvk_device *dev, struct panvk_resource *res)
{
   if (__builtin_expect(dev->diag != NULL, 0))
      dev->diag->ops->remove_resource(dev->diag, res);
}

static inline void
panvk_diag_watch(struct panvk_device *dev, struct panvk_resource *res,
                 struct pan_kmod_window *window, uint64_t va, uint64_t size_B)
{
   if (__builtin_expect(dev->diag != NULL, 0))
      dev->diag->ops->watch(dev->diag, res, window, va, size_B);
}

static inline uint64_t
panvk_diag_begin_job(struct panvk_device *dev, const struct panvk_job *job)
{
   if (__builtin_expect(dev->diag != NULL, 0))
      return dev->diag->ops->begin_job(dev->diag, job);
   return 0;
}

static inline void
panvk_diag_end_job(struct panvk_device *dev, const struct panvk_job *job,
                   uint64_t begin, int ret)
{
   if (__builtin_expect(dev->diag != NULL, 0))
      dev->diag->ops->end_job(dev->diag, job, begin, ret);
}

/* ---------------------------------------------------------- panvk_diag.c -- */

/* Sets dev->diag if diagnostics were asked for and memory allows it. */
void panvk_diag_create(struct panvk_device *dev);
/* Reports what is left to report. All resources are gone. */
void panvk_diag_destroy(struct panvk_device *dev);

/* ------------------------------------------------- panvk_diag_commands.c -- */

/*
 * The function that takes the place of the driver's own for the command @name,
 * or NULL: always, where no diagnostics were asked for.
 */
PFN_vkVoidFunction panvk_diag_entrypoint(const char *name);

#endif /* PANVK_DIAG_H */
