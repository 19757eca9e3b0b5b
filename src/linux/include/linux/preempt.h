/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: the sections are counted per thread, and sleeping inside is
 * reported.
 */
#ifndef LINUX_PREEMPT_H
#define LINUX_PREEMPT_H

#include <linux/sched.h>

#define preempt_count() ((int)current->atomic_depth)
#define preempt_disable() ((void)current->atomic_depth++)
#define preempt_enable() ((void)current->atomic_depth--)
#define in_atomic() (current->atomic_depth != 0 || current->irqs_off)
#define in_hardirq() (current->in_hardirq)
#define in_interrupt() (current->in_hardirq)
#define in_task() (!current->in_hardirq)
#define irqs_disabled() (current->irqs_off)

#define local_irq_save(flags)                     \
	do {                                      \
		(flags) = current->irqs_off;      \
		current->irqs_off = true;         \
	} while (0)
#define local_irq_restore(flags) ((void)(current->irqs_off = (flags)))
#define local_irq_disable() ((void)(current->irqs_off = true))
#define local_irq_enable() ((void)(current->irqs_off = false))

#endif /* LINUX_PREEMPT_H */
