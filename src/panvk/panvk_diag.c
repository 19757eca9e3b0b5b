/* SPDX-License-Identifier: MIT */
/* The diagnostics of a device: their life, their hooks, their messages. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "panvk_diag_private.h"
#include "panvk_queue.h"

/* -------------------------------------------------------------- messages -- */

void
panvk_reports_add(struct panvk_reports *reports, bool is_error,
                  const char *word, const char *id, VkObjectType type,
                  uint64_t object, const char *format, ...)
{
   if (reports->count == reports->capacity) {
      uint32_t capacity = reports->capacity * 2 + 8;
      void *larger =
         reallocarray(reports->lines, capacity, sizeof(*reports->lines));
      if (larger == NULL) {
         reports->lost++;
         return;
      }
      reports->lines = larger;
      reports->capacity = capacity;
   }
   struct panvk_report_line *line = &reports->lines[reports->count++];
   line->is_error = is_error;
   line->word = word;
   line->id = id;
   line->type = type;
   line->object = object;
   va_list args;
   va_start(args, format);
   vsnprintf(line->text, sizeof(line->text), format, args);
   va_end(args);
}

void
panvk_reports_send(struct panvk_diagnostics *diag,
                   struct panvk_reports *reports)
{
   struct panvk_instance *instance = diag->dev->pdev->instance;

   for (uint32_t i = 0; i < reports->count; i++) {
      const struct panvk_report_line *line = &reports->lines[i];
      panvk_report(instance,
                   line->is_error
                      ? VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT
                      : VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
                   line->word, line->id, line->type, line->object, "%s",
                   line->text);
   }
   if (reports->lost != 0)
      panvk_warning(instance, VK_OBJECT_TYPE_UNKNOWN, 0,
                    "diagnostics: out of memory, %u reports are missing",
                    reports->lost);
   free(reports->lines);
   *reports = (struct panvk_reports){0};
}

/* ----------------------------------------------------------------- hooks -- */

static struct panvk_diagnostics *
to_diagnostics(struct panvk_diag *diag)
{
   return (struct panvk_diagnostics *)diag;
}

/* Said once: what is not tracked is missing from everything. */
static void
say_out_of_memory(struct panvk_diagnostics *diag)
{
   if (diag->tracker.out_of_memory)
      return;
   diag->tracker.out_of_memory = true;
   fprintf(stderr, "pansparse: warning: diagnostics: out of memory, something "
                   "is missing from what follows\n");
}

static void
add_resource(struct panvk_diag *base, struct panvk_resource *res)
{
   struct panvk_diagnostics *diag = to_diagnostics(base);
   struct panvk_tracker *tracker = &diag->tracker;

   pthread_mutex_lock(&tracker->lock);
   struct panvk_tracked *tracked = panvk_tracker_add(tracker, res);
   if (tracked == NULL)
      say_out_of_memory(diag);
   else if (diag->trace)
      panvk_trace_resource(tracked);
   pthread_mutex_unlock(&tracker->lock);
}

static void
remove_resource(struct panvk_diag *base, struct panvk_resource *res)
{
   struct panvk_diagnostics *diag = to_diagnostics(base);
   struct panvk_tracker *tracker = &diag->tracker;
   struct panvk_reports reports = {0};

   pthread_mutex_lock(&tracker->lock);
   if (res->tracked != NULL) {
      panvk_unbound_finish(diag, res->tracked, &reports);
      if (diag->trace)
         panvk_trace_resource_end(res->tracked);
      panvk_tracker_remove(tracker, res->tracked);
   }
   pthread_mutex_unlock(&tracker->lock);
   panvk_reports_send(diag, &reports);
}

static void
watch(struct panvk_diag *base, struct panvk_resource *res,
      struct pan_kmod_window *window, uint64_t va, uint64_t size_B)
{
   struct panvk_diagnostics *diag = to_diagnostics(base);
   struct panvk_tracker *tracker = &diag->tracker;

   pthread_mutex_lock(&tracker->lock);
   if (res->tracked != NULL &&
       !panvk_tracked_watch(res->tracked, window, va, size_B))
      say_out_of_memory(diag);
   pthread_mutex_unlock(&tracker->lock);
}

static uint64_t
begin_job(struct panvk_diag *base, const struct panvk_job *job)
{
   struct panvk_diagnostics *diag = to_diagnostics(base);
   struct panvk_tracker *tracker = &diag->tracker;

   pthread_mutex_lock(&tracker->lock);
   panvk_tracker_apply(tracker, job->ops, job->op_count, true);
   pthread_mutex_unlock(&tracker->lock);
   return diag->trace ? panvk_tracer_now() : 0;
}

static void
end_job(struct panvk_diag *base, const struct panvk_job *job, uint64_t begin,
        int ret)
{
   struct panvk_diagnostics *diag = to_diagnostics(base);
   struct panvk_tracker *tracker = &diag->tracker;

   pthread_mutex_lock(&tracker->lock);
   panvk_tracker_apply(tracker, job->ops, job->op_count, false);
   if (diag->trace)
      panvk_trace_job(diag, job, begin, ret);
   pthread_mutex_unlock(&tracker->lock);
   if (diag->trace)
      panvk_tracer_flush();
}

static const struct panvk_diag_ops diag_ops = {
   .add_resource = add_resource,
   .remove_resource = remove_resource,
   .watch = watch,
   .begin_job = begin_job,
   .end_job = end_job,
};

/* ------------------------------------------------------------- life time -- */

void
panvk_diag_create(struct panvk_device *dev)
{
   bool unbound = panvk_debug() & PANVK_DEBUG_UNBOUND;
   bool validate = panvk_debug() & PANVK_DEBUG_VALIDATE;
   bool trace = panvk_tracer_on();

   if (!unbound && !validate && !trace)
      return;
   struct panvk_diagnostics *diag = calloc(1, sizeof(*diag));
   if (diag == NULL) {
      panvk_warning(dev->pdev->instance, VK_OBJECT_TYPE_UNKNOWN, 0,
                    "no memory for diagnostics: there will be none");
      return;
   }
   diag->base.ops = &diag_ops;
   diag->dev = dev;
   diag->unbound = unbound;
   diag->validate = validate;
   diag->trace = trace;
   panvk_tracker_init(&diag->tracker,
                      dev->dummy_bo != NULL ? dev->dummy_bo->handle : 0);
   dev->diag = &diag->base;
}

void
panvk_diag_destroy(struct panvk_device *dev)
{
   struct panvk_diagnostics *diag = panvk_diagnostics(dev);

   if (diag == NULL)
      return;
   panvk_tracker_finish(&diag->tracker);
   if (diag->trace)
      panvk_tracer_flush_all();
   dev->diag = NULL;
   free(diag);
}
