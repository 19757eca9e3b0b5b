/* SPDX-License-Identifier: MIT */
/* What the files of the diagnostics share with each other. */
#ifndef PANVK_DIAG_PRIVATE_H
#define PANVK_DIAG_PRIVATE_H

#include "panvk_diag.h"
#include "panvk_residency.h"
#include "panvk_tracer.h"

/* What a device's diagnostics are: dev->diag points to its base. */
struct panvk_diagnostics {
   struct panvk_diag base;
   struct panvk_device *dev;
   bool unbound, validate, trace; /* which of them were asked for */
   struct panvk_tracker tracker;
};

/* NULL where the device has none. */
static inline struct panvk_diagnostics *
panvk_diagnostics(struct panvk_device *dev)
{
   return (struct panvk_diagnostics *)dev->diag;
}

/* --------------------------------------------------------------- reports -- */

/*
 * Messages that are gathered under the tracker's lock and sent without it, for a
 * messenger's callback may take its time.
 */
struct panvk_report_line {
   bool is_error;
   const char *word; /* of PANSPARSE_DEBUG */
   const char *id; /* pMessageIdName */
   VkObjectType type;
   uint64_t object;
   char text[512];
};

struct panvk_reports {
   struct panvk_report_line *lines;
   uint32_t count, capacity;
   uint32_t lost; /* for want of memory */
};

/* @id and @word are static strings. */
void panvk_reports_add(struct panvk_reports *reports, bool is_error,
                       const char *word, const char *id, VkObjectType type,
                       uint64_t object, const char *format, ...)
   __attribute__((format(printf, 7, 8)));
/* Sends and frees all; @reports is empty then. */
void panvk_reports_send(struct panvk_diagnostics *diag,
                        struct panvk_reports *reports);

/* ------------------------------------------------------- panvk_unbound.c -- */

/*
 * Reports, and traces, what was done to unbound memory since the last call; with
 * @again what is shown of it traps again. Takes the lock.
 */
void panvk_unbound_look(struct panvk_diagnostics *diag, bool again);
/* The same for one resource that goes away, and the sum of it. Lock held. */
void panvk_unbound_finish(struct panvk_diagnostics *diag,
                          struct panvk_tracked *tracked,
                          struct panvk_reports *reports);

/* ------------------------------------------------------ panvk_validate.c -- */

/* Reports what is wrong with the binds of one batch. */
void panvk_validate_binds(struct panvk_diagnostics *diag, uint32_t batch,
                          const VkBindSparseInfo *info);
/* Memory is freed: reports where it is still bound. Takes the lock. */
void panvk_validate_free(struct panvk_diagnostics *diag, VkDeviceMemory handle);

/* -------------------------------------------------- panvk_trace_events.c -- */

/* Events of the trace; without one they must not be called. Lock held. */
void panvk_trace_resource(const struct panvk_tracked *tracked);
void panvk_trace_resource_end(const struct panvk_tracked *tracked);
void panvk_trace_memory(const struct panvk_tracked_memory *memory);
void panvk_trace_memory_end(const struct panvk_tracked_memory *memory);
void panvk_trace_name(uint32_t id, const char *name);
void panvk_trace_tile(const struct panvk_tracked *tracked, uint64_t tile,
                      uint32_t loads, uint32_t stores, uint32_t faults);
void panvk_trace_misses(const struct panvk_tracked *tracked, uint64_t misses);
/* The ops of a VM_BIND, and what each resource has bound after it. */
void panvk_trace_job(struct panvk_diagnostics *diag,
                     const struct panvk_job *job, uint64_t begin_ns, int ret);
/* Binds as the application gave them. Takes the lock. */
void panvk_trace_binds(struct panvk_diagnostics *diag, uint32_t batch,
                       const VkBindSparseInfo *info);

#endif /* PANVK_DIAG_PRIVATE_H */
