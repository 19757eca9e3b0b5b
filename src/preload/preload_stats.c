/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_STATS=FILE: at the end of a program that has opened the node, a line
 * of JSON with the counters of its machine, as our Vulkan driver writes it of a
 * device.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host_counters.h"
#include "preload.h"
#include "preload_real.h"

void
preload_write_stats(struct host_machine *machine)
{
   const char *path = secure_getenv("PANSPARSE_STATS");
   struct host_stats stats;
   char text[4096];

   if (!path || !*path)
      return;
   host_get_stats(machine, &stats);
   int length = snprintf(text, sizeof(text), "{\"pid\": %d", (int)getpid());
#define COUNTER(member)                                                        \
   length += snprintf(text + length, sizeof(text) - (size_t)length,            \
                      ", \"%s\": %" PRIu64, #member, stats.member);
   HOST_COUNTERS(COUNTER, COUNTER)
#undef COUNTER
   length += snprintf(text + length, sizeof(text) - (size_t)length, "}\n");

   /* One write, so that lines of several processes do not mix. */
   int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
   if (fd < 0 || write(fd, text, (size_t)length) != length)
      preload_error("cannot write PANSPARSE_STATS=%s: %s", path, strerror(errno));
   if (fd >= 0)
      REAL(close)(fd);
}
