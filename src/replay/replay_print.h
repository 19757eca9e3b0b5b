/* SPDX-License-Identifier: MIT */
/* What a recording has, and what a replay found: for people, and as JSON. */
#ifndef REPLAY_PRINT_H
#define REPLAY_PRINT_H

#include <stdio.h>

#include "replay_run.h"

/* One line an event, and one an op. */
void replay_print_stream(FILE *out, const struct record_stream *stream);
void replay_print_difference(FILE *out, const struct record_stream *stream,
                             const struct replay_difference *difference);
void replay_print_report(FILE *out, const struct record_stream *stream,
                         const struct replay_report *report);
void replay_print_json(FILE *out, const char *path,
                       const struct record_stream *stream,
                       const struct replay_report *report);

#endif /* REPLAY_PRINT_H */
