/* SPDX-License-Identifier: MIT */
#include "driver_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "PANSPARSE_STATS"
#define MAX_SIZE_B 65536

void
driver_stats_begin(struct driver_stats *stats)
{
   const char *named = getenv(VARIABLE);

   memset(stats, 0, sizeof(*stats));
   if (named && named[0])
      return;
   strcpy(stats->path, "/tmp/megatexture-stats-XXXXXX");

   const int fd = mkstemp(stats->path);

   if (fd < 0) {
      /* Then the summary has no counters. */
      stats->path[0] = '\0';
      return;
   }
   close(fd);
   setenv(VARIABLE, stats->path, 1);
}

void
driver_stats_end(struct driver_stats *stats)
{
   const char *path = getenv(VARIABLE);
   FILE *file = path && path[0] ? fopen(path, "r") : NULL;

   if (file) {
      char *text = calloc(1, MAX_SIZE_B + 1);
      /* A file that the user named may hold objects of earlier runs. */
      const bool sought = fseek(file, -MAX_SIZE_B, SEEK_END) == 0 ||
                          fseek(file, 0, SEEK_SET) == 0;

      if (text && sought && fread(text, 1, MAX_SIZE_B, file) > 0) {
         const char *last = strrchr(text, '{');

         if (last)
            stats->text = strdup(last);
      }
      free(text);
      fclose(file);
   }
   if (stats->path[0])
      unlink(stats->path);
}

bool
driver_stats_get(const struct driver_stats *stats, const char *key,
                 uint64_t *value_out)
{
   char quoted[64];
   const char *at;

   snprintf(quoted, sizeof(quoted), "\"%s\"", key);
   at = stats->text ? strstr(stats->text, quoted) : NULL;
   if (!at)
      return false;
   at += strlen(quoted);
   at += strspn(at, " \t\n:");
   if (*at < '0' || *at > '9')
      return false;
   *value_out = strtoull(at, NULL, 10);
   return true;
}

void
driver_stats_finish(struct driver_stats *stats)
{
   free(stats->text);
   stats->text = NULL;
}
