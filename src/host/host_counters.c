/* SPDX-License-Identifier: MIT */
#include "host_counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

int
host_counters_append(const char *path, const struct host_counter *counters,
                     uint32_t count)
{
   char buffer[HOST_COUNTERS_LINE_B];
   FILE *file = fopen(path, "ae");

   if (!file)
      return -errno;
   /* One write, when it is closed: lines of several processes do not mix. */
   setvbuf(file, buffer, _IOFBF, sizeof(buffer));
   fprintf(file, "{\"pid\": %d", (int)getpid());
   for (uint32_t i = 0; i < count; i++)
      fprintf(file, ", \"%s\": %" PRIu64, counters[i].name, counters[i].value);
   fputs("}\n", file);
   return fclose(file) ? -errno : 0;
}
