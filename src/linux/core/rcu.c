// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * RCU by periods. A reader notes the period it began in; whoever must wait for
 * readers starts a new period and waits until no thread is in an older one.
 *
 * Reader:  note the period; fence; read pointers
 * Updater: unlink; fence; look at the notes
 *
 * If the updater misses a reader's note, the reader's fence comes after the
 * updater's, so that the reader sees the pointer unlinked.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <sched.h>
#include <time.h>
#include "internal.h"

static unsigned long period = 1;

static struct {
	struct rcu_head *queue; /* atomic stack; newest first */
	u32 work; /* futex: changes when there is something to do */
	bool stop;
	bool running;
	pthread_t thread;
} rcu;

/* --------------------------------------------------------------- readers -- */

void rcu_read_lock(void)
{
	struct task_struct *task = current;

	if (task->rcu_nesting++ == 0) {
		WRITE_ONCE(task->rcu_period,
			   __atomic_load_n(&period, __ATOMIC_RELAXED));
		smp_mb();
	}
}

void rcu_read_unlock(void)
{
	struct task_struct *task = current;

	if (WARN(!task->rcu_nesting, "rcu_read_unlock() without a reader"))
		return;
	if (--task->rcu_nesting == 0)
		smp_store_release(&task->rcu_period, 0ul);
}

/* --------------------------------------------------------- grace periods -- */

struct scan {
	unsigned long period;
	bool busy;
};

static void look_at_task(struct task_struct *task, void *data)
{
	struct scan *scan = data;
	unsigned long in = smp_load_acquire(&task->rcu_period);

	if (in && in < scan->period)
		scan->busy = true;
}

static void wait_for_readers(void)
{
	struct scan scan = {
		.period = __atomic_add_fetch(&period, 1, __ATOMIC_SEQ_CST),
	};

	smp_mb();
	for (int tries = 0;; tries++) {
		const struct timespec pause = {.tv_nsec = 20000};

		scan.busy = false;
		linux_for_each_task(look_at_task, &scan);
		if (!scan.busy)
			return;
		if (tries < 10)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
}

void synchronize_rcu(void)
{
	might_sleep();
	wait_for_readers();
}

/* ------------------------------------------------------------- callbacks -- */

/* Offsets of an rcu_head in its object stand in for a function that frees. */
#define MAX_KFREE_OFFSET 4096ul

static void run_callback(struct rcu_head *head)
{
	unsigned long func = (unsigned long)head->func;

	if (func < MAX_KFREE_OFFSET)
		kfree((char *)head - func);
	else
		head->func(head);
}

/* Runs all that is queued; false: there was nothing. */
static bool run_batch(void)
{
	struct rcu_head *newest, *oldest = NULL;

	newest = __atomic_exchange_n(&rcu.queue, NULL, __ATOMIC_ACQ_REL);
	if (!newest)
		return false;
	wait_for_readers();
	while (newest) {
		struct rcu_head *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct rcu_head *next = oldest->next;

		run_callback(oldest);
		oldest = next;
	}
	return true;
}

static void *rcu_thread(void *arg)
{
	for (;;) {
		u32 seen = smp_load_acquire(&rcu.work);

		if (run_batch())
			continue;
		if (smp_load_acquire(&rcu.stop))
			return NULL;
		linux_futex_wait(&rcu.work, seen);
	}
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_head *below = __atomic_load_n(&rcu.queue, __ATOMIC_RELAXED);

	head->func = func;
	do {
		head->next = below;
	} while (!__atomic_compare_exchange_n(&rcu.queue, &below, head, false,
					      __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	/*
	 * The thread takes the whole stack: only its first entry wakes it. The
	 * head may have been freed by now.
	 */
	if (!below) {
		__atomic_fetch_add(&rcu.work, 1, __ATOMIC_SEQ_CST);
		linux_futex_wake(&rcu.work, 1);
	}
}

void linux_kfree_rcu(struct rcu_head *head, size_t offset)
{
	BUG_ON(offset >= MAX_KFREE_OFFSET);
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

struct barrier {
	struct rcu_head head;
	u32 done;
};

static void barrier_done(struct rcu_head *head)
{
	struct barrier *b = container_of(head, struct barrier, head);

	smp_store_release(&b->done, 1u);
	linux_futex_wake(&b->done, 1);
}

void rcu_barrier(void)
{
	struct barrier b = {.done = 0};

	might_sleep();
	if (!READ_ONCE(rcu.running)) {
		while (run_batch())
			;
		return;
	}
	call_rcu(&b.head, barrier_done);
	while (!smp_load_acquire(&b.done))
		linux_futex_wait(&b.done, 0);
}

/* ------------------------------------------------------------------ boot -- */

int linux_rcu_boot(void)
{
	int ret;

	rcu.stop = false;
	ret = linux_thread_create(&rcu.thread, "linux-rcu", rcu_thread, NULL);
	if (!ret)
		WRITE_ONCE(rcu.running, true);
	return ret;
}

void linux_rcu_shutdown(void)
{
	smp_store_release(&rcu.stop, true);
	__atomic_fetch_add(&rcu.work, 1, __ATOMIC_SEQ_CST);
	linux_futex_wake(&rcu.work, 1);
	pthread_join(rcu.thread, NULL);
	WRITE_ONCE(rcu.running, false);
	/* Callbacks may have queued others after the thread's last look. */
	while (run_batch())
		;
}
