/* SPDX-License-Identifier: MIT */
/*
 * The members of struct host_stats that PANSPARSE_STATS is about, in the order in
 * which they are said: those that count what happened, and what there is now.
 */
#ifndef HOST_COUNTERS_H
#define HOST_COUNTERS_H

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
