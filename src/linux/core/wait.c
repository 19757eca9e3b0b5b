// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/completion.h>
#include <linux/wait.h>

void __init_waitqueue_head(struct wait_queue_head *wq, const char *name,
			   struct lock_class_key *key)
{
	__spin_lock_init(&wq->lock, name, key);
	INIT_LIST_HEAD(&wq->head);
}

int default_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			  int flags, void *key)
{
	return wake_up_state(entry->private, mode);
}

int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			     int flags, void *key)
{
	int woken = default_wake_function(entry, mode, flags, key);

	/* From here on the entry may be gone: see finish_wait(). */
	if (woken)
		list_del_init_careful(&entry->entry);
	return woken;
}

void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq->lock, flags);
	list_add(&entry->entry, &wq->head);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void remove_wait_queue(struct wait_queue_head *wq,
		       struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_del(&entry->entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry,
		     int state)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	/* It may be queued already, from the last time around: wakers read it. */
	entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	if (list_empty(&entry->entry))
		list_add(&entry->entry, &wq->head);
	set_current_state(state);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	__set_current_state(TASK_RUNNING);
	/* Who took the entry off did so last, and no longer looks at it. */
	if (list_empty_careful(&entry->entry))
		return;
	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

static void wake_entries(struct wait_queue_head *wq, unsigned int mode, int nr,
			 void *key)
{
	struct wait_queue_entry *entry, *next;

	list_for_each_entry_safe (entry, next, &wq->head, entry) {
		unsigned int flags = entry->flags;

		if (entry->func(entry, mode, 0, key) &&
		    (flags & WQ_FLAG_EXCLUSIVE) && --nr == 0)
			break;
	}
}

void __wake_up(struct wait_queue_head *wq, unsigned int mode, int nr, void *key)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	wake_entries(wq, mode, nr, key);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void __wake_up_locked(struct wait_queue_head *wq, unsigned int mode, int nr)
{
	lockdep_assert_held(&wq->lock);
	wake_entries(wq, mode, nr, NULL);
}

/* ----------------------------------------------------------- completions -- */

void init_completion(struct completion *x)
{
	x->done = 0;
	init_waitqueue_head(&x->wait);
}

void complete(struct completion *x)
{
	unsigned long flags;

	spin_lock_irqsave(&x->wait.lock, flags);
	if (x->done != UINT_MAX)
		WRITE_ONCE(x->done, x->done + 1);
	__wake_up_locked(&x->wait, TASK_NORMAL, 0);
	spin_unlock_irqrestore(&x->wait.lock, flags);
}

void complete_all(struct completion *x)
{
	unsigned long flags;

	spin_lock_irqsave(&x->wait.lock, flags);
	WRITE_ONCE(x->done, UINT_MAX);
	__wake_up_locked(&x->wait, TASK_NORMAL, 0);
	spin_unlock_irqrestore(&x->wait.lock, flags);
}

/*
 * Always takes the lock: whoever completed may still hold it, and the waiter's
 * next step may be to free the completion.
 */
bool try_wait_for_completion(struct completion *x)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&x->wait.lock, flags);
	done = x->done != 0;
	if (done && x->done != UINT_MAX)
		WRITE_ONCE(x->done, x->done - 1);
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}

bool completion_done(struct completion *x)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&x->wait.lock, flags);
	done = x->done != 0;
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}

void wait_for_completion(struct completion *x)
{
	wait_event(x->wait, try_wait_for_completion(x));
}

unsigned long wait_for_completion_timeout(struct completion *x,
					  unsigned long timeout)
{
	long left = timeout > LONG_MAX ? LONG_MAX : (long)timeout;

	return (unsigned long)wait_event_timeout(
		x->wait, try_wait_for_completion(x), left);
}
