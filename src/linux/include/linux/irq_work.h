/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: "call this as soon as no lock is held". Where the kernel interrupts
 * itself, the thread here runs the work when it leaves the outermost section
 * between linux_irq_work_enter() and linux_irq_work_leave(); work queued
 * outside of one goes to a worker thread.
 */
#ifndef LINUX_IRQ_WORK_H
#define LINUX_IRQ_WORK_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct irq_work {
	void (*func)(struct irq_work *work); /* must not sleep; may free work */
	struct irq_work *next; /* in the thread's list */
	struct work_struct work;
};

void init_irq_work(struct irq_work *work, void (*func)(struct irq_work *work));
/* Queued once at a time; the caller sees to that. Callable under any lock. */
void irq_work_queue(struct irq_work *work);

/*
 * Private to src/linux. Around a locked region at whose end the caller may
 * hold no other spinlock: where it does, enter() returns false, leave() must
 * not be called, and work goes to the worker.
 */
bool linux_irq_work_enter(void);
void linux_irq_work_leave(void);

#endif /* LINUX_IRQ_WORK_H */
