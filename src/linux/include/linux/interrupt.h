/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful semantics for level-triggered lines; stricter: handlers run in a
 * hard interrupt context in which sleeping is reported.
 */
#ifndef LINUX_INTERRUPT_H
#define LINUX_INTERRUPT_H

#include <linux/irqreturn.h>
#include <linux/preempt.h>
#include <linux/types.h>

struct device;

#define IRQF_TRIGGER_HIGH 0x4ul
#define IRQF_SHARED 0x80ul
#define IRQF_ONESHOT 0x2000ul
#define IRQF_NO_SUSPEND 0x4000ul
#define IRQF_NO_AUTOEN 0x80000ul

typedef irqreturn_t (*irq_handler_t)(int irq, void *dev_id);

/*
 * handler runs in the interrupt thread of the machine, with interrupts off,
 * again and again until all handlers of the line return IRQ_NONE: the line is
 * level triggered. IRQ_WAKE_THREAD runs thread_fn in a thread of its own. A
 * NULL handler stands for one that wakes the thread; it needs IRQF_ONESHOT,
 * which keeps the line masked until thread_fn returns.
 *
 * -EINVAL: no such line, or bad flags. -EBUSY: taken by one that does not
 * share. -ENOMEM.
 */
int __must_check request_threaded_irq(unsigned int irq, irq_handler_t handler,
				      irq_handler_t thread_fn,
				      unsigned long flags, const char *name,
				      void *dev_id);
int __must_check devm_request_threaded_irq(struct device *dev, unsigned int irq,
					   irq_handler_t handler,
					   irq_handler_t thread_fn,
					   unsigned long flags,
					   const char *name, void *dev_id);
#define request_irq(irq, handler, flags, name, dev) \
	request_threaded_irq(irq, handler, NULL, flags, name, dev)
#define devm_request_irq(dev, irq, handler, flags, name, dev_id) \
	devm_request_threaded_irq(dev, irq, handler, NULL, flags, name, dev_id)
/* Waits for running handlers. Returns the name it was requested under. */
const void *free_irq(unsigned int irq, void *dev_id);

/* Calls nest. disable_irq() and synchronize_irq() wait, threads included. */
void disable_irq(unsigned int irq);
void disable_irq_nosync(unsigned int irq);
void enable_irq(unsigned int irq);
void synchronize_irq(unsigned int irq);

#endif /* LINUX_INTERRUPT_H */
