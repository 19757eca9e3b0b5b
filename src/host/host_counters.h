/* SPDX-License-Identifier: MIT */
/* What PANSPARSE_STATS writes, for the driver and for programs with the node. */
#ifndef HOST_COUNTERS_H
#define HOST_COUNTERS_H

#include <stdint.h>

struct host_counter {
   const char *name;
   uint64_t value;
};

/* More than a line of counters ever has. */
#define HOST_COUNTERS_LINE_B 4096

/*
 * Appends a JSON object with the process id and the counters to @path, as a line,
 * in one write. A negative errno: the file cannot be written.
 */
int host_counters_append(const char *path, const struct host_counter *counters,
                         uint32_t count);

/*
 * The members of struct host_stats that this is about, in the order in which they
 * are said: those that count what happened, and what there is now.
 */

#define HOST_COUNTERS(SINCE, NOW)                                              \
   SINCE(ioctls)                                                               \
   SINCE(vm_bind_ioctls)                                                       \
   SINCE(vm_bind_ops)                                                          \
   SINCE(pt_entries_written)                                                   \
   NOW(pt_pages)                                                               \
   NOW(pt_pages_peak)                                                          \
   NOW(vmas)                                                                   \
   SINCE(tlb_misses)                                                           \
   SINCE(tlb_stalls)                                                           \
   SINCE(tlb_evictions)                                                        \
   NOW(tlb_entries)                                                            \
   SINCE(mmu_faults)                                                           \
   SINCE(null_steps)                                                           \
   SINCE(null_bulks)                                                           \
   SINCE(mmu_locks)                                                            \
   SINCE(mmu_locked_B)                                                         \
   SINCE(cache_flushes)                                                        \
   SINCE(host_calls)                                                           \
   NOW(dram_size_B)                                                            \
   NOW(dram_allocated_B)                                                       \
   NOW(dram_peak_B)

#endif /* HOST_COUNTERS_H */
