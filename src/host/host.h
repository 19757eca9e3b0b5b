/* SPDX-License-Identifier: MIT */
/*
 * One machine inside this process: the virtual Mali with the Panthor driver
 * booted on it, offered the way a kernel offers a DRM render node: open, ioctl,
 * mmap, close. Nothing else of the parts below is visible here, except what a
 * person with a probe on a board could do: count, and connect shader cores.
 *
 * Functions return 0 or a negative errno. All are thread-safe; as with file
 * descriptors, a file must not be used during or after its close.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_machine;
struct host_file;

/* Which shape of the uAPI the driver shows; for tests of fallbacks. */
enum host_uapi {
   HOST_UAPI_1_9 = 0, /* MAP_SPARSE and MMU_INFO */
   HOST_UAPI_1_8_SPARSE, /* MAP_SPARSE, but says 1.8 and has no MMU_INFO */
   HOST_UAPI_1_8, /* neither */
};

#define HOST_NO_SWAP UINT64_MAX

struct host_config {
   /* A multiple of 2 MiB, reserved lazily; 0: the host's physical memory */
   uint64_t dram_size_B;
   /*
    * Bound of what may be swapped out of DRAM, into memory of the host; 0: as
    * much as DRAM, HOST_NO_SWAP: nothing
    */
   uint64_t swap_size_B;
   bool dram_fragmented; /* no two pages of an allocation are neighbours */
   uint32_t as_count; /* 2..32 address-space slots, slot 0 included; 0: 32 */
   uint32_t va_bits; /* 33..48; 0: 48 */
   uint32_t pa_bits; /* 32, 36, 40, 42, 44 or 48; 0: 40 */
   bool noncoherent;
   uint32_t tlb_entries; /* 0: derived from vm.max_map_count */
   uint32_t csg_count; /* 1..16 groups that the GPU runs at a time; 0: 8 */
   uint32_t cs_count; /* 1..32 queues of a group; 0: 8 */
   /*
    * How many times as long as on hardware the driver waits for the firmware's
    * answers, which has to share processors; 1..1000; 0: 10
    */
   uint32_t fw_patience;
   bool no_absent_stall; /* the GPU faults where a page is away, as hardware */
   /*
    * Sparse memory is null memory (mali.h): loads return zero, stores are
    * discarded. Else it is the driver's dummy, as on hardware. Only on x86-64:
    * host_has_null_memory() tells.
    */
   bool null_memory;
   bool no_inspect; /* nobody can look inside from outside: docs/host.md */
   enum host_uapi uapi;
};

/*
 * The configuration that a user asks for where the program asks for none:
 * PANSPARSE_DRAM, PANSPARSE_TLB_ENTRIES, PANSPARSE_UAPI, PANSPARSE_NULL and
 * PANSPARSE_INSPECT. -EINVAL, said in words: one is not what it may be.
 */
int host_config_from_env(struct host_config *config_out);

/*
 * Boots the machine. There is one per process at a time: while one runs, a
 * call with config NULL returns it with one more reference, and any other call
 * returns -EBUSY. NULL boots the default configuration if none runs.
 *
 * -EINVAL: a value out of range; -ENOMEM: not enough memory, or address space,
 * on the host; other errors as the driver's probe gave them. What went wrong and
 * what to do about it is said on stderr.
 */
int host_machine_get(const struct host_config *config,
                     struct host_machine **machine_out);
/*
 * Drops a reference; the last one shuts the machine down. Every file must have
 * been closed. Returns the number of leaks found on the way down (objects,
 * locks, DRAM pages), each of which was reported on stderr: 0 when all is well.
 */
int host_machine_put(struct host_machine *machine);

int host_open(struct host_machine *machine, struct host_file **file_out);
/*
 * Like close(2) of the last descriptor: releases all the file holds. Its windows
 * have been destroyed.
 */
void host_close(struct host_file *file);
/* @arg is read and written as the ioctl defines. */
int host_ioctl(struct host_file *file, unsigned long request, void *arg);
/* Like mmap(2) on the file; undo it with host_munmap(). */
int host_mmap(struct host_file *file, void *addr, size_t size_B, int prot,
              int flags, uint64_t offset, void **addr_out);
/*
 * Like munmap(2), for mappings of files: a plain munmap(2) would leave the
 * references that they hold to their objects. May follow the close of the file,
 * but not the end of the machine. -ENOMEM: nothing was unmapped.
 */
int host_munmap(void *addr, size_t size_B);
/* Whether mappings of files are in the range. */
bool host_is_mapped(const void *addr, size_t size_B);
/*
 * After other mappings took their place by MAP_FIXED: lets go of what mappings of
 * files held in the range. -ENOMEM: nothing was, and they are held on to until
 * host_munmap().
 */
int host_forget_mappings(void *addr, size_t size_B);
/*
 * System calls on a descriptor that an ioctl of a file gave out: a dma-buf, a
 * syncobj or a sync file, or on the dma-buf of another process' machine. -EBADF:
 * it is none of these.
 */
int host_fd_ioctl(int fd, unsigned long request, void *arg);
int host_fd_mmap(int fd, void *addr, size_t size_B, int prot, int flags,
                 uint64_t offset, void **addr_out);
int host_fd_lseek(int fd, int64_t offset, int whence, int64_t *pos_out);

/*
 * Connects shader cores: see struct mali_window in mali.h for what a window is.
 * Keeps the VM scheduled (in an AS slot) while it has windows, as a group that
 * runs on it would. -EINVAL: unknown VM; -EBUSY: no AS slot left.
 */
struct host_window;
int host_window_create(struct host_file *file, uint32_t vm_id, uint64_t va,
                       void *host, uint64_t size_B,
                       struct host_window **window_out);
void host_window_destroy(struct host_window *window);
/*
 * What traps in a window is told to @observe: see mali_observe_fn in mali.h, of
 * which this is the type, for what it is told and what it may do. @access: 2 for
 * a load, 3 for a store. @found: 0 for memory, else the exception code of a
 * fault. @observe NULL: nobody.
 */
typedef bool (*host_observe_fn)(void *data, uint64_t va, uint32_t access,
                                uint32_t found, uint64_t *first_va,
                                uint64_t *last_va);
void host_window_observe(struct host_window *window, host_observe_fn observe,
                         void *data);
/* The next accesses to this range of GPU addresses trap. */
void host_window_drop(struct host_window *window, uint64_t va, uint64_t size_B);
/*
 * Null memory: see mali.h. A store to a barrier page, one host mapping of the
 * caller's, ends what was stored in bulk by code that was named before.
 * -ENOMEM: there are too many.
 */
bool host_has_null_memory(struct host_machine *machine);
/*
 * Makes a BO stand for nothing: null memory wherever it is mapped from then on.
 * -EINVAL: unknown handle; -EBUSY: it is mapped; -EOPNOTSUPP: there is none.
 */
int host_bo_set_null(struct host_file *file, uint32_t handle);
int host_barrier_add(struct host_machine *machine, void *page);
void host_barrier_remove(struct host_machine *machine, void *page);
void host_barrier(struct host_machine *machine);
int host_bulk_code_add(const void *start, size_t size_B);
/* Puts the miss handler in front of handlers that the program installed. */
void host_fault_handler_ensure(void);

struct host_stats {
   /* driver */
   uint64_t ioctls;
   uint64_t vm_bind_ioctls;
   uint64_t vm_bind_ops;
   uint64_t pt_entries_written;
   uint64_t pt_pages; /* page-table pages held now */
   uint64_t pt_pages_peak;
   uint64_t vmas; /* held now */
   uint64_t evictions;
   uint64_t restores;
   /* GPU */
   uint64_t tlb_misses;
   uint64_t tlb_stalls;
   uint64_t tlb_evictions;
   uint64_t tlb_entries;
   uint64_t mmu_faults;
   uint64_t null_steps; /* stores to null memory, one by one */
   uint64_t null_bulks; /* pieces of it that took stores in bulk */
   uint64_t mmu_locks;
   uint64_t mmu_locked_B;
   uint64_t cache_flushes;
   uint64_t host_calls;
   /* memory */
   uint64_t dram_size_B;
   uint64_t dram_allocated_B;
   uint64_t dram_peak_B;
   uint64_t swap_out_B; /* written so far; pages of zeroes are not */
   uint64_t swap_in_B;
};
void host_get_stats(struct host_machine *machine, struct host_stats *stats_out);

/*
 * For tests: the physical address of the VM's level-0 page table. The tests
 * walk from there with code of their own. -EINVAL: unknown VM.
 */
int host_vm_root(struct host_file *file, uint32_t vm_id, uint64_t *pa_out);
/* For tests: the CPU's view of DRAM at physical address @pa. */
void *host_dram_ptr(struct host_machine *machine, uint64_t pa);

/*
 * What the driver offers in debugfs: panthor_debugfs.h has the names. The text ends
 * in NUL, which does not count, and is to be free()d. -ENOENT, -ENOMEM.
 */
int host_debugfs_read(struct host_machine *machine, const char *name,
                      char **text_out, size_t *size_out);

/*
 * What the page tables of the VM translate below its user_va_range, by address, to be
 * free()d: see record/record.h. -EINVAL: unknown VM; -EBUSY: asynchronous binds are
 * under way; -ENOMEM.
 */
struct record_range;
int host_vm_ranges(struct host_file *file, uint32_t vm_id,
                   struct record_range **ranges_out, size_t *count_out);

/*
 * For tests: frees DRAM as an allocation does that finds none, at least @size_B
 * bytes if there is as much to swap out. Returns how many were freed.
 */
uint64_t host_reclaim(struct host_machine *machine, uint64_t size_B);

/*
 * For tests: makes the @n-th (0-based) fallible step from now on fail once:
 * allocations, DRAM pages, and host calls of the machine. UINT64_MAX disarms.
 * Returns how many fallible steps have passed since the last call.
 */
uint64_t host_inject_failure(uint64_t n);
/*
 * For tests: hardware that hangs, until the driver resets it. After @skip more
 * AS commands @command of any slot the next one never ends (true: an earlier
 * injection had not struck yet, and never will); the firmware answers nothing
 * any more.
 */
bool host_inject_stuck_as(struct host_machine *machine, uint32_t command,
                          uint32_t skip);
void host_inject_stuck_mcu(struct host_machine *machine);

#endif /* HOST_H */
