/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_TRACE=FILE: events of this process in the JSON of Chrome's trace
 * viewer, which Perfetto reads too. docs/diagnostics.md has the events.
 *
 * The file is one array, an event a line. A thread gathers its events in a
 * buffer of its own, which goes to the file in whole lines when it is full or
 * flushed; its lock is uncontended but for flushes of everything. A program
 * that is killed leaves an array without its end, which the viewers accept, and
 * which lacks what was not flushed. A child of fork() writes nothing.
 */
#ifndef PANVK_TRACER_H
#define PANVK_TRACER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Is a trace wanted, and can it be written? Opens the file when called first;
 * a failure is said then, once. "%p" in the name becomes the process id.
 */
bool panvk_tracer_on(void);
/* Time for events, in ns. Async-signal-safe. */
uint64_t panvk_tracer_now(void);

enum panvk_trace_phase {
   PANVK_TRACE_SLICE = 'X', /* from begin to now */
   PANVK_TRACE_INSTANT = 'i', /* at begin */
   PANVK_TRACE_COUNTER = 'C', /* at begin; args are the values */
};

/*
 * One event on this thread's track. @args: printf-like, the members of the args
 * object in JSON, without its braces; strings in them have been through
 * panvk_trace_escape(). No-op where no trace is written.
 */
void panvk_trace_event(enum panvk_trace_phase phase, uint64_t begin_ns,
                       const char *category, const char *name, const char *args,
                       ...) __attribute__((format(printf, 5, 6)));
/* What this thread has gathered goes to the file; all threads' does. */
void panvk_tracer_flush(void);
void panvk_tracer_flush_all(void);

#define PANVK_TRACE_TEXT_MAX 200
/*
 * @text for the inside of a JSON string, cut where it does not fit; bytes that
 * are not UTF-8 become '?'. Returns @out.
 */
const char *panvk_trace_escape(const char *text,
                               char out[static PANVK_TRACE_TEXT_MAX]);

#endif /* PANVK_TRACER_H */
