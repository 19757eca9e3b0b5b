/* SPDX-License-Identifier: MIT */
/*
 * Counters of the driver below, which Vulkan has no words for: pansparse
 * appends them as a JSON object to the file that $PANSPARSE_STATS names when a
 * device is destroyed. Other drivers write nothing.
 */
#ifndef DRIVER_STATS_H
#define DRIVER_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct driver_stats {
   char path[64]; /* of a temporary file; empty: the user named one */
   char *text; /* the object, NULL if the driver wrote none */
};

/* Call before the Vulkan instance is created. */
void driver_stats_begin(struct driver_stats *stats);
/* Call after the device was destroyed. */
void driver_stats_end(struct driver_stats *stats);
/* Finds a counter by its key; false if there is none. */
bool driver_stats_get(const struct driver_stats *stats, const char *key,
                      uint64_t *value_out);
void driver_stats_finish(struct driver_stats *stats);

#endif /* DRIVER_STATS_H */
