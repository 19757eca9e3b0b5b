/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the kernel API in src/linux needs from the machine below it, and what it
 * offers the machine's owner (src/host) that no kernel header has: boot, the
 * entry points of the system call layer, fault injection and the leak check.
 * Plain C and libc types only.
 */
#ifndef LINUX_MACHINE_H
#define LINUX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hardware, as functions. All may be called from any thread. */
struct linux_machine_ops {
	/* MMIO of the one device, by byte offset in its register window. */
	uint32_t (*mmio_read32)(void *machine, uint32_t offset);
	void (*mmio_write32)(void *machine, uint32_t offset, uint32_t value);
	/* Contiguous zeroed RAM: see mali_dram_alloc/free in mali.h. */
	int (*ram_alloc)(void *machine, uint64_t want_B, uint64_t *pa_out,
			 uint64_t *got_B_out);
	void (*ram_free)(void *machine, uint64_t pa, uint64_t size_B);
	/*
	 * Shows part of a file in allocated RAM until that is freed: see
	 * mali_dram_overlay in mali.h. May be NULL: then memory of other
	 * machines cannot be imported.
	 */
	int (*ram_overlay)(void *machine, uint64_t pa, uint64_t size_B, int fd,
			   uint64_t fd_offset);
	/*
	 * Before linux_shutdown() frees what other processes may still see: RAM
	 * keeps its contents when it is freed from now on. May be NULL.
	 */
	void (*ram_keep_contents)(void *machine);
};

struct linux_machine_desc {
	const struct linux_machine_ops *ops;
	void *machine; /* passed back to ops */
	void *ram_base; /* CPU address of physical address 0 */
	uint64_t ram_size_B;
	/*
	 * A memfd, offset = physical address, sealed with F_SEAL_SHRINK: else
	 * other processes do not import what is in it.
	 */
	int ram_fd;
	uint64_t swap_size_B; /* bound of the swap file; 0: no swap */
	uint64_t dma_mask;
	bool dma_coherent;
	uint32_t irq_count; /* lines 0..irq_count-1 */
	/*
	 * The image that request_firmware() finds under @name, valid until
	 * linux_shutdown(). 0, or a negative errno: -ENOENT where there is
	 * none. May be NULL: then there are none at all.
	 */
	int (*firmware)(void *machine, const char *name, const void **data_out,
			size_t *size_B_out);
	/*
	 * The page of registers at @offset as a page of a file, for processes
	 * to map: it must stay what it is until linux_shutdown(). 0, or
	 * -ENXIO where there is none. May be NULL: then there are none at all.
	 */
	int (*mmio_page)(void *machine, uint32_t offset, int *fd_out,
			 uint64_t *fd_offset_out);
};

/*
 * Boots: creates "struct page"s, workqueue threads and one interrupt thread.
 * One machine at a time: -EBUSY otherwise.
 */
int linux_boot(const struct linux_machine_desc *desc);
/*
 * Stops the threads, runs what was deferred, and counts what was leaked
 * (memory, pages, references, held locks), each said on stderr. Returns the
 * number of such lines: 0 when all is well. Everything is down in any case.
 */
int linux_shutdown(void);

/*
 * An interrupt line became active. Async-signal-safe: callable from a SIGSEGV
 * handler. The handlers registered with request_threaded_irq() then run in the
 * interrupt thread, until the hardware's line is quiet again.
 */
void linux_raise_irq(uint32_t line);

/* ------------------------------------------------------ system call layer -- */

struct linux_file; /* an open file description of the device node */

/* These are the system calls of a process; 0 or a negative errno. */
int linux_sys_open(struct linux_file **file_out);
void linux_sys_close(struct linux_file *file);
int linux_sys_ioctl(struct linux_file *file, unsigned int cmd, void *arg);
int linux_sys_mmap(struct linux_file *file, void *addr, size_t size_B, int prot,
		   int flags, uint64_t offset, void **addr_out);
/*
 * Unmaps whatever lies in the range, as munmap(2) does, and drops what mappings
 * of the node in it held. A plain munmap(2) of such a mapping keeps its buffer
 * alive until linux_shutdown(), which reports it.
 */
int linux_sys_munmap(void *addr, size_t size_B);
/* Whether mappings of the node are in the range. */
bool linux_sys_is_mapped(const void *addr, size_t size_B);
/*
 * Drops what mappings of the node in the range held, which other mappings have
 * replaced. -ENOMEM: nothing was dropped.
 */
int linux_sys_forget_mappings(void *addr, size_t size_B);
/*
 * The same on a descriptor that an ioctl gave out: a dma-buf, a syncobj or a sync
 * file; or on the dma-buf of another machine. -EBADF: it is none of these.
 */
int linux_sys_fd_ioctl(int fd, unsigned int cmd, void *arg);
int linux_sys_fd_mmap(int fd, void *addr, size_t size_B, int prot, int flags,
		      uint64_t offset, void **addr_out);
int linux_sys_fd_lseek(int fd, int64_t offset, int whence, int64_t *pos_out);
/*
 * Reads a file that the driver of the node offers in debugfs, as a whole. The text
 * ends in NUL, which does not count, and is to be free()d. -ENOENT: no such file;
 * -ENODEV: no node; -ENOMEM.
 */
int linux_debugfs_read(const char *name, char **text_out, size_t *size_out);
/*
 * Tells @fn what the system calls of the calling thread copy from the user and to the
 * user, when it has been copied, piece by piece. NULL: nobody.
 */
typedef void (*linux_copy_fn)(void *data, bool to_user, const void *user,
			      const void *bytes, size_t size_B);
void linux_observe_copies(linux_copy_fn fn, void *data);
/* The DRM core's struct drm_file of an open file, for the machine's owner. */
struct drm_file;
struct drm_file *linux_file_drm(struct linux_file *file);

/* ---------------------------------------------------------------- memory -- */

/*
 * Reclaims RAM as an allocation does that finds none: swaps out what nobody
 * holds, and asks the shrinkers. Tries to free @size_B bytes, and 2 MiB at
 * least; returns how many were.
 */
uint64_t linux_reclaim(uint64_t size_B);

struct linux_swap_stats {
	uint64_t out_B; /* written to the swap since boot; zero pages are not */
	uint64_t in_B; /* read back */
};
void linux_get_swap_stats(struct linux_swap_stats *stats_out);

/* --------------------------------------------------------- fault injection */

/*
 * Makes the n-th (0-based) fallible step from now on fail once: kmalloc and
 * slab allocations, pages, user copies are not counted, mmap is. UINT64_MAX
 * disarms. Returns the steps passed since the last call. GFP_NOFAIL never
 * fails. Everything in src/linux that can return -ENOMEM asks
 * linux_should_fail() first.
 */
uint64_t linux_inject_failure(uint64_t n);
bool linux_should_fail(void);

/* ------------------------------------------------------------ being strict */

/*
 * WARN()s and broken rules of locking, reference counting and allocation so
 * far, since the process began. LINUX_PANIC_ON_WARN=1 in the environment makes
 * the first one abort.
 */
unsigned long linux_warn_count(void);
/*
 * At the end of a system call: the calling thread must hold no lock and be in
 * no atomic section or RCU reader. What it still has is reported, counted and
 * forgotten. Returns how many there were.
 */
int linux_assert_no_locks_held(void);

#endif /* LINUX_MACHINE_H */
