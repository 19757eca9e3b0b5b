/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_STATS=FILE: at the end of a program that has opened the node, a line
 * of JSON with the counters of its machine, as our Vulkan driver writes it of a
 * device.
 */
#include <stdlib.h>
#include <string.h>

#include "host/host_counters.h"
#include "preload.h"

void
preload_write_stats(struct host_machine *machine)
{
   const char *path = secure_getenv("PANSPARSE_STATS");
   struct host_stats stats;

   if (!path || !*path)
      return;
   host_get_stats(machine, &stats);
#define COUNTER(member) {#member, stats.member},
   const struct host_counter counters[] = {HOST_COUNTERS(COUNTER, COUNTER)};
#undef COUNTER
   int ret = host_counters_append(path, counters,
                                  sizeof(counters) / sizeof(counters[0]));
   if (ret)
      preload_error("cannot write PANSPARSE_STATS=%s: %s", path, strerror(-ret));
}
