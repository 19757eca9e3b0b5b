// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Interrupts. Raising a line sets a bit and wakes the interrupt thread, which
 * calls the line's handlers until all of them say that it was not their device:
 * the lines are level triggered, and only the handlers can tell the level.
 * Threaded handlers have a thread each, so that one which waits does not keep
 * others from running.
 */
#include <linux/bug.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "internal.h"

#define MAX_LINES 31
#define STOP (1u << 31)
/* Calls in a row after which a line counts as stuck. */
#define STORM 100000

struct irqaction {
	struct list_head link;
	unsigned int irq;
	irq_handler_t handler;
	irq_handler_t thread_fn;
	void *dev_id;
	unsigned long flags;
	const char *name;

	/* Of thread_fn */
	pthread_t thread;
	pthread_cond_t wake;
	bool woken;
	bool running;
	bool stop;
	bool holds_line; /* IRQF_ONESHOT: it is counted in line->masked */
};

struct irq_line {
	struct list_head actions; /* constant while in_handlers */
	unsigned int disabled;
	unsigned int masked; /* one-shot threads under way */
	bool in_handlers;
};

static struct {
	u32 raised; /* futex and atomic: lines to look at, and STOP */
	pthread_t thread;
	/* Guards all below. */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something ended */
	struct irq_line lines[MAX_LINES];
} irqs = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

void linux_raise_irq(uint32_t line)
{
	if (line >= MAX_LINES)
		return;
	__atomic_fetch_or(&irqs.raised, 1u << line, __ATOMIC_RELEASE);
	linux_futex_wake(&irqs.raised, 1);
}

static struct irq_line *line_of(unsigned int irq)
{
	return irq < linux_machine.irq_count ? &irqs.lines[irq] : NULL;
}

static void lock_irqs(void)
{
	pthread_mutex_lock(&irqs.lock);
}

static void unlock_irqs(void)
{
	pthread_mutex_unlock(&irqs.lock);
}

/* -------------------------------------------------------------- handlers -- */

static irqreturn_t call_handler(struct irqaction *action)
{
	struct task_struct *task = current;
	irqreturn_t ret;

	if (!action->handler)
		return IRQ_WAKE_THREAD;
	task->in_hardirq = true;
	task->irqs_off = true;
	ret = action->handler((int)action->irq, action->dev_id);
	WARN(!task->irqs_off, "handler of %s enabled interrupts", action->name);
	task->in_hardirq = false;
	task->irqs_off = false;
	linux_assert_no_locks_held();
	return ret;
}

static void wake_thread(struct irq_line *line, struct irqaction *action)
{
	if (WARN(!action->thread_fn, "%s has no thread to wake", action->name))
		return;
	action->woken = true;
	if ((action->flags & IRQF_ONESHOT) && !action->holds_line) {
		action->holds_line = true;
		line->masked++;
	}
	pthread_cond_signal(&action->wake);
}

/* Calls each handler once; drops the lock. True: one of them had to do. */
static bool call_handlers(struct irq_line *line)
{
	struct irqaction *action;
	bool any = false;

	line->in_handlers = true;
	list_for_each_entry (action, &line->actions, link) {
		irqreturn_t ret;

		unlock_irqs();
		ret = call_handler(action);
		lock_irqs();
		any |= ret != IRQ_NONE;
		if (ret == IRQ_WAKE_THREAD)
			wake_thread(line, action);
	}
	line->in_handlers = false;
	pthread_cond_broadcast(&irqs.changed);
	return any;
}

/* Until it is quiet. A line that is off is looked at again when it goes on. */
static void handle_line(unsigned int irq)
{
	struct irq_line *line = line_of(irq);
	unsigned int calls = 0;

	if (!line)
		return;
	lock_irqs();
	while (!line->disabled && !line->masked && call_handlers(line))
		if (WARN(++calls == STORM, "interrupt %u never gets quiet",
			 irq))
			break;
	unlock_irqs();
}

static void *irq_thread(void *arg)
{
	for (;;) {
		u32 raised =
			__atomic_exchange_n(&irqs.raised, 0, __ATOMIC_ACQUIRE);

		if (raised & STOP)
			return NULL;
		if (!raised)
			linux_futex_wait(&irqs.raised, 0);
		for (unsigned int irq = 0; raised; irq++, raised >>= 1)
			if (raised & 1)
				handle_line(irq);
	}
}

static void *action_thread(void *arg)
{
	struct irqaction *action = arg;
	struct irq_line *line = line_of(action->irq);

	lock_irqs();
	for (;;) {
		while (!action->woken && !action->stop)
			pthread_cond_wait(&action->wake, &irqs.lock);
		if (!action->woken)
			break;
		action->woken = false;
		action->running = true;
		unlock_irqs();
		action->thread_fn((int)action->irq, action->dev_id);
		linux_assert_no_locks_held();
		lock_irqs();
		action->running = false;
		if (action->holds_line && !action->woken) {
			action->holds_line = false;
			if (--line->masked == 0)
				linux_raise_irq(action->irq);
		}
		pthread_cond_broadcast(&irqs.changed);
	}
	unlock_irqs();
	return NULL;
}

/* ------------------------------------------------------ request and free -- */

static bool on_own_thread(const struct irqaction *action)
{
	return action->thread_fn &&
	       pthread_equal(action->thread, pthread_self());
}

static bool in_irq_thread(void)
{
	return pthread_equal(irqs.thread, pthread_self());
}

static void wait_for_handlers(struct irq_line *line)
{
	if (WARN(in_irq_thread(), "an interrupt handler waits for itself"))
		return;
	while (line->in_handlers)
		pthread_cond_wait(&irqs.changed, &irqs.lock);
}

static bool may_share(const struct irq_line *line, unsigned long flags)
{
	const struct irqaction *first;

	if (list_empty(&line->actions))
		return true;
	first = list_first_entry(&line->actions, struct irqaction, link);
	return (first->flags & flags & IRQF_SHARED) &&
	       !((first->flags ^ flags) & IRQF_ONESHOT);
}

static int start_action(struct irqaction *action)
{
	char name[32];
	int ret;

	if (!action->thread_fn)
		return 0;
	/* Cut to what a thread's name holds. */
	snprintf(name, sizeof(name), "irq/%u-%.6s", action->irq, action->name);
	pthread_cond_init(&action->wake, NULL);
	ret = linux_thread_create(&action->thread, name, action_thread, action);
	if (ret)
		pthread_cond_destroy(&action->wake);
	return ret;
}

static void stop_action(struct irqaction *action)
{
	if (!action->thread_fn)
		return;
	lock_irqs();
	action->stop = true;
	pthread_cond_signal(&action->wake);
	unlock_irqs();
	pthread_join(action->thread, NULL);
	pthread_cond_destroy(&action->wake);
}

int request_threaded_irq(unsigned int irq, irq_handler_t handler,
			 irq_handler_t thread_fn, unsigned long flags,
			 const char *name, void *dev_id)
{
	struct irq_line *line = line_of(irq);
	struct irqaction *action;
	int ret;

	might_sleep();
	if (!line || (!handler && !thread_fn) ||
	    (!handler && !(flags & IRQF_ONESHOT)) ||
	    ((flags & IRQF_SHARED) && !dev_id))
		return -EINVAL;
	action = kzalloc(sizeof(*action), GFP_KERNEL);
	if (!action)
		return -ENOMEM;
	action->irq = irq;
	action->handler = handler;
	action->thread_fn = thread_fn;
	action->flags = flags;
	action->name = name ?: "irq";
	action->dev_id = dev_id;
	ret = start_action(action);
	if (ret)
		goto err_free;

	lock_irqs();
	wait_for_handlers(line);
	if (!may_share(line, flags)) {
		unlock_irqs();
		ret = -EBUSY;
		goto err_stop;
	}
	if (flags & IRQF_NO_AUTOEN)
		line->disabled++;
	list_add_tail(&action->link, &line->actions);
	unlock_irqs();
	/* The device may have been waiting for somebody to listen. */
	linux_raise_irq(irq);
	return 0;

err_stop:
	stop_action(action);
err_free:
	kfree(action);
	return ret;
}

const void *free_irq(unsigned int irq, void *dev_id)
{
	struct irq_line *line = line_of(irq);
	struct irqaction *action, *found = NULL;
	const char *name;

	might_sleep();
	if (WARN_ON(!line))
		return NULL;
	lock_irqs();
	wait_for_handlers(line);
	list_for_each_entry (action, &line->actions, link)
		if (action->dev_id == dev_id)
			found = action;
	if (found)
		list_del(&found->link);
	unlock_irqs();
	if (WARN(!found, "interrupt %u freed, but not requested", irq))
		return NULL;

	stop_action(found);
	lock_irqs();
	if (list_empty(&line->actions))
		line->disabled = 0;
	unlock_irqs();
	name = found->name;
	kfree(found);
	return name;
}

struct devm_irq {
	unsigned int irq;
	void *dev_id;
};

static void devm_irq_release(void *data)
{
	struct devm_irq *devm = data;

	free_irq(devm->irq, devm->dev_id);
	kfree(devm);
}

int devm_request_threaded_irq(struct device *dev, unsigned int irq,
			      irq_handler_t handler, irq_handler_t thread_fn,
			      unsigned long flags, const char *name,
			      void *dev_id)
{
	struct devm_irq *devm = kmalloc(sizeof(*devm), GFP_KERNEL);
	int ret;

	if (!devm)
		return -ENOMEM;
	devm->irq = irq;
	devm->dev_id = dev_id;
	ret = request_threaded_irq(irq, handler, thread_fn, flags,
				   name ?: dev_name(dev), dev_id);
	if (ret) {
		kfree(devm);
		return ret;
	}
	return devm_add_action_or_reset(dev, devm_irq_release, devm);
}

/* ---------------------------------------------------- enable and disable -- */

static bool threads_busy(const struct irq_line *line)
{
	const struct irqaction *action;

	list_for_each_entry (action, &line->actions, link)
		if ((action->woken || action->running) &&
		    !WARN(on_own_thread(action),
			  "threaded handler %s waits for itself", action->name))
			return true;
	return false;
}

void synchronize_irq(unsigned int irq)
{
	struct irq_line *line = line_of(irq);

	might_sleep();
	if (WARN_ON(!line))
		return;
	lock_irqs();
	wait_for_handlers(line);
	while (threads_busy(line))
		pthread_cond_wait(&irqs.changed, &irqs.lock);
	unlock_irqs();
}

void disable_irq_nosync(unsigned int irq)
{
	struct irq_line *line = line_of(irq);

	if (WARN_ON(!line))
		return;
	lock_irqs();
	line->disabled++;
	unlock_irqs();
}

void disable_irq(unsigned int irq)
{
	disable_irq_nosync(irq);
	synchronize_irq(irq);
}

void enable_irq(unsigned int irq)
{
	struct irq_line *line = line_of(irq);
	bool look = false;

	if (WARN_ON(!line))
		return;
	lock_irqs();
	if (!WARN(!line->disabled, "interrupt %u enabled once too often", irq))
		look = --line->disabled == 0;
	unlock_irqs();
	if (look)
		linux_raise_irq(irq);
}

/* ------------------------------------------------------------------ boot -- */

int linux_irq_boot(void)
{
	if (linux_machine.irq_count > MAX_LINES)
		return -EINVAL;
	for (unsigned int i = 0; i < MAX_LINES; i++) {
		irqs.lines[i] = (struct irq_line){.disabled = 0};
		INIT_LIST_HEAD(&irqs.lines[i].actions);
	}
	__atomic_store_n(&irqs.raised, 0, __ATOMIC_RELAXED);
	return linux_thread_create(&irqs.thread, "linux-irq", irq_thread, NULL);
}

void linux_irq_shutdown(void)
{
	__atomic_fetch_or(&irqs.raised, STOP, __ATOMIC_RELEASE);
	linux_futex_wake(&irqs.raised, 1);
	pthread_join(irqs.thread, NULL);
}

int linux_irq_report_leaks(void)
{
	int lines = 0;

	for (unsigned int irq = 0; irq < linux_machine.irq_count; irq++) {
		struct list_head *actions = &irqs.lines[irq].actions;

		/* Nobody else is left who could change the list. */
		while (!list_empty(actions)) {
			struct irqaction *action = list_first_entry(
				actions, struct irqaction, link);

			linux_report("leak: interrupt %u of %s", irq,
				     action->name);
			free_irq(irq, action->dev_id);
			lines++;
		}
	}
	return lines;
}
