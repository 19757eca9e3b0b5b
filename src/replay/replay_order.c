/* SPDX-License-Identifier: MIT */
#include "replay_order.h"

#include <stdlib.h>

#include "replay_uapi.h"

static bool
makes_something(const struct uapi_ioctl *uapi)
{
   for (size_t i = 0; i < uapi->arg.field_count; i++) {
      enum uapi_field_kind kind = uapi->arg.fields[i].kind;

      if (kind == UAPI_NEW || kind == UAPI_NEW_OR_OLD || kind == UAPI_FD_OUT)
         return true;
   }
   return false;
}

static uint64_t
place_of(const struct record_event *event)
{
   const struct uapi_ioctl *uapi =
      event->kind == RECORD_IOCTL ? uapi_find(event->ioctl.request) : NULL;

   return uapi && !uapi->waits && !makes_something(uapi) ? event->begin_at
                                                         : event->end_at;
}

static int
compare(const void *a, const void *b)
{
   uint64_t left = place_of(a), right = place_of(b);

   return left < right ? -1 : left > right;
}

void
replay_order(struct record_stream *stream)
{
   if (stream->count)
      qsort(stream->events, stream->count, sizeof(*stream->events),
            compare);
}
