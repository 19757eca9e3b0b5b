/* SPDX-License-Identifier: MIT */
/*
 * The counters of a device and of the machine below it, when the device is
 * destroyed: for a person (PANSPARSE_DEBUG=stats) and for programs
 * (PANSPARSE_STATS=FILE, one JSON object a line).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_device.h"
/* pan_kmod hands the machine's counters through as they are. */
#include "host/host.h"
#include "host/host_counters.h"

#define MAX_COUNTERS 32

void
panvk_stats_begin(struct panvk_device *dev)
{
   dev->stats_at_start = calloc(1, sizeof(*dev->stats_at_start));
   if (dev->stats_at_start != NULL &&
       pan_kmod_get_stats(dev->kmod, dev->stats_at_start) != 0)
      memset(dev->stats_at_start, 0, sizeof(*dev->stats_at_start));
}

void
panvk_stats_end(struct panvk_device *dev)
{
   free(dev->stats_at_start);
   dev->stats_at_start = NULL;
}

/* Returns how many there are. */
static uint32_t
gather(struct panvk_device *dev, struct host_counter counters[MAX_COUNTERS])
{
   static const struct host_stats zero;
   const struct host_stats *start =
      dev->stats_at_start != NULL ? dev->stats_at_start : &zero;
   struct host_stats stats;
   uint32_t count = 0;

   counters[count++] = (struct host_counter){"binds", atomic_load(&dev->binds)};
   counters[count++] =
      (struct host_counter){"bind_batches", atomic_load(&dev->bind_batches)};
   if (pan_kmod_get_stats(dev->kmod, &stats) != 0)
      return count;
#define SINCE(member)                                                          \
   counters[count++] = (struct host_counter){#member, stats.member - start->member};
#define NOW(member) counters[count++] = (struct host_counter){#member, stats.member};
   HOST_COUNTERS(SINCE, NOW)
#undef NOW
#undef SINCE
   return count;
}

void
panvk_report_stats(struct panvk_device *dev)
{
   struct host_counter counters[MAX_COUNTERS];
   const char *path = secure_getenv("PANSPARSE_STATS");
   bool wanted = path != NULL && path[0] != '\0';

   if (!wanted && !(panvk_debug() & PANVK_DEBUG_STATS))
      return;
   uint32_t count = gather(dev, counters);
   panvk_trace(PANVK_DEBUG_STATS, "counters of device 0x%" PRIx64 ":",
               panvk_key(dev->handle));
   for (uint32_t i = 0; i < count; i++)
      panvk_trace(PANVK_DEBUG_STATS, "   %-20s %" PRIu64, counters[i].name,
                  counters[i].value);
   int ret = wanted ? host_counters_append(path, counters, count) : 0;
   if (ret != 0)
      panvk_warning(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
                    panvk_key(dev->handle),
                    "cannot write PANSPARSE_STATS=%s: %s", path, strerror(-ret));
}
