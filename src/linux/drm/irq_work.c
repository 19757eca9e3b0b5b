// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/irq_work.h>
#include <linux/preempt.h>

/*
 * A thread inside a section, and what was queued there. Sections do not nest:
 * work that is run at the end of one may signal more fences, whose work then
 * joins the same list, so that chains of any length need no stack.
 */
static __thread struct {
	bool inside;
	struct irq_work *first;
	struct irq_work **last;
} section;

static void run_on_worker(struct work_struct *work)
{
	struct irq_work *irq_work = container_of(work, struct irq_work, work);

	irq_work->func(irq_work);
}

void init_irq_work(struct irq_work *work, void (*func)(struct irq_work *work))
{
	work->func = func;
	work->next = NULL;
	INIT_WORK(&work->work, run_on_worker);
}

void irq_work_queue(struct irq_work *work)
{
	if (!section.inside) {
		queue_work(system_highpri_wq, &work->work);
		return;
	}
	work->next = NULL;
	*section.last = work;
	section.last = &work->next;
}

bool linux_irq_work_enter(void)
{
	if (section.inside || in_atomic())
		return false;
	section.inside = true;
	section.first = NULL;
	section.last = &section.first;
	return true;
}

void linux_irq_work_leave(void)
{
	struct irq_work *work;

	while ((work = section.first)) {
		section.first = work->next;
		if (!section.first)
			section.last = &section.first;
		work->func(work);
	}
	section.inside = false;
}
