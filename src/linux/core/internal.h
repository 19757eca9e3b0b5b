/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the files of src/linux share and drivers must not see: host threads,
 * futexes, the machine, and the order in which the parts boot and shut down.
 */
#ifndef LINUX_CORE_INTERNAL_H
#define LINUX_CORE_INTERNAL_H

#include <linux/types.h>
#include <linux_machine.h>
#include <pthread.h>

struct linux_alloc_site;
struct task_struct;

/* ------------------------------------------------------------- host side -- */

/* Sleeps while *word == value; spurious returns happen. */
void linux_futex_wait(u32 *word, u32 value);
/* The same until the monotonic clock shows deadline_ns. */
void linux_futex_wait_until(u32 *word, u32 value, u64 deadline_ns);
/* Async-signal-safe. The word may be freed memory: only its address counts. */
void linux_futex_wake(u32 *word, int threads);

/*
 * A thread that takes no signals but those that its own instructions cause.
 * 0 or a negative errno.
 */
int linux_thread_create(pthread_t *thread_out, const char *name,
			void *(*fn)(void *), void *arg);

/* --------------------------------------------------------------- machine -- */

/* The description given to linux_boot(); ops is NULL while nothing runs. */
extern struct linux_machine_desc linux_machine;

/* The driver's window on the registers, and where a board would have it. */
#define LINUX_MMIO_SIZE 0x200000ull
#define LINUX_MMIO_PHYS 0x100000000000ull
void __iomem *linux_mmio_base(void);

/* --------------------------------------------------------- boot, by part -- */

int linux_io_boot(void);
void linux_io_shutdown(void);
int linux_pages_boot(void);
void linux_pages_shutdown(void);
int linux_swap_boot(void);
void linux_swap_shutdown(void);
int linux_rcu_boot(void);
void linux_rcu_shutdown(void);
int linux_timer_boot(void);
void linux_timer_shutdown(void);
int linux_workqueue_boot(void);
void linux_workqueue_shutdown(void);
int linux_irq_boot(void);
void linux_irq_shutdown(void);
int linux_device_boot(void);
void linux_device_shutdown(void);

/*
 * Each says what is left on stderr and forgets it, so that the next machine
 * starts at zero. They return the number of lines.
 */
int linux_slab_report_leaks(void);
int linux_dma_report_leaks(void);
int linux_device_report_leaks(void);
int linux_irq_report_leaks(void);
int linux_workqueue_report_leaks(void);
int linux_timer_report_leaks(void);

/* --------------------------------------------------------------- reclaim -- */

/*
 * Tries to free that many pages, unless this thread does so already. Returns
 * how many were freed meanwhile, by anybody. Takes no lock of the kernel API
 * for longer than a try-lock gets it, except in shrinkers.
 */
u64 linux_reclaim_pages(u64 want);
/*
 * Lockdep: an allocation that may block takes part in the lock order as what
 * reclaim could do, whether it comes to that or not.
 */
void linux_might_reclaim(void);
/* RAM went back to the machine. */
void linux_count_freed(u64 pages);
/* Has the count of freed pages reached @goal? */
bool linux_freed_enough(u64 goal);
/* drm/shmem_swap.c: swaps out objects that nobody holds until it has. */
void linux_shmem_swap_out(u64 freed_goal);

/*
 * Calls @alloc until it succeeds, fails otherwise, or reclaim brings nothing
 * more: @ret is the result.
 */
#define LINUX_RECLAIM_RETRIES 64
#define linux_alloc_or_reclaim(ret, alloc, pages)                              \
	do {                                                                   \
		int tries_ = LINUX_RECLAIM_RETRIES;                            \
									       \
		while (((ret) = (alloc)) == -ENOMEM && tries_-- &&             \
		       linux_reclaim_pages(pages))                             \
			;                                                      \
	} while (0)

/* ------------------------------------------------------------------ misc -- */

/* struct linux_alloc_site::live, which one atomic operation updates. */
#define LINUX_LIVE(count, bytes) ((u64)(count) << 40 | (u64)(bytes))
#define LINUX_LIVE_COUNT(live) ((live) >> 40)
#define LINUX_LIVE_BYTES(live) ((live) & ((1ull << 40) - 1))
/* Puts the site on the list that the leak report walks; once. */
void linux_alloc_site_list(struct linux_alloc_site *site);

/* A line on stderr, whatever the log level. */
void linux_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Work and the delays of delayed work have one lock, so that an item is always
 * in exactly one of: idle, armed, queued, running.
 */
extern pthread_mutex_t linux_work_lock;
struct delayed_work;
/* With the lock held. The item must not be armed. */
void linux_timer_arm(struct delayed_work *dwork, u64 expires_ns);
/* With the lock held. True: it was armed. */
bool linux_timer_disarm(struct delayed_work *dwork);
/* workqueue.c, with the lock held: the delay of this one is over. */
void linux_delayed_work_expired(struct delayed_work *dwork);

/* All tasks known, for RCU. fn must not block. */
void linux_for_each_task(void (*fn)(struct task_struct *task, void *data),
			 void *data);

#endif /* LINUX_CORE_INTERNAL_H */
