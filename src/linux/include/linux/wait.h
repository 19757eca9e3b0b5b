/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: wait queues as the kernel has them. Interruptible waits are never
 * interrupted.
 */
#ifndef LINUX_WAIT_H
#define LINUX_WAIT_H

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define WQ_FLAG_EXCLUSIVE 0x01

struct wait_queue_entry;
/* Non-zero: this entry was woken, which counts against exclusive wakeups. */
typedef int (*wait_queue_func_t)(struct wait_queue_entry *entry,
				 unsigned int mode, int flags, void *key);

struct wait_queue_entry {
	unsigned int flags;
	void *private; /* the task */
	wait_queue_func_t func;
	struct list_head entry;
};
typedef struct wait_queue_entry wait_queue_entry_t;

struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
};
typedef struct wait_queue_head wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INITIALIZER(name)                    \
	{                                                      \
		.lock = __SPIN_LOCK_INITIALIZER(name.lock),    \
		.head = LIST_HEAD_INIT(name.head),             \
	}
#define DECLARE_WAIT_QUEUE_HEAD(name) \
	wait_queue_head_t name = __WAIT_QUEUE_HEAD_INITIALIZER(name)

void __init_waitqueue_head(struct wait_queue_head *wq, const char *name,
			   struct lock_class_key *key);
#define init_waitqueue_head(wq)                               \
	do {                                                  \
		static struct lock_class_key __key;           \
		__init_waitqueue_head((wq), #wq, &__key);     \
	} while (0)

int default_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			  int flags, void *key);
/* The same, and takes the entry off the queue. */
int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			     int flags, void *key);

#define DEFINE_WAIT_FUNC(name, function)                       \
	struct wait_queue_entry name = {                       \
		.private = current,                            \
		.func = function,                              \
		.entry = LIST_HEAD_INIT((name).entry),         \
	}
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)

void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry);
void remove_wait_queue(struct wait_queue_head *wq,
		       struct wait_queue_entry *entry);
void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry,
		     int state);
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry);

/* nr: how many exclusive waiters to wake; 0: all. Others are always woken. */
void __wake_up(struct wait_queue_head *wq, unsigned int mode, int nr,
	       void *key);
void __wake_up_locked(struct wait_queue_head *wq, unsigned int mode, int nr);

#define wake_up(wq) __wake_up(wq, TASK_NORMAL, 1, NULL)
#define wake_up_nr(wq, nr) __wake_up(wq, TASK_NORMAL, nr, NULL)
#define wake_up_all(wq) __wake_up(wq, TASK_NORMAL, 0, NULL)
#define wake_up_locked(wq) __wake_up_locked((wq), TASK_NORMAL, 1)
#define wake_up_all_locked(wq) __wake_up_locked((wq), TASK_NORMAL, 0)
#define wake_up_interruptible(wq) __wake_up(wq, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_all(wq) __wake_up(wq, TASK_INTERRUPTIBLE, 0, NULL)

static inline int waitqueue_active(struct wait_queue_head *wq)
{
	return !list_empty(&wq->head);
}

static inline bool wq_has_sleeper(struct wait_queue_head *wq)
{
	smp_mb();
	return waitqueue_active(wq);
}

/*
 * Evaluates the condition until it is true or the time is over; never again
 * once it was true. Gives the jiffies left: at least 1 if the condition became
 * true, 0 if not.
 */
#define __linux_wait_event(wq, condition, state, timeout)                     \
	({                                                                    \
		long __we_left = (timeout);                                   \
		bool __we_true;                                               \
                                                                              \
		might_sleep();                                                \
		__we_true = (condition);                                      \
		if (!__we_true) {                                             \
			DEFINE_WAIT(__we_entry);                              \
			for (;;) {                                            \
				prepare_to_wait(&(wq), &__we_entry, (state)); \
				__we_true = (condition);                      \
				if (__we_true || !__we_left)                  \
					break;                                \
				__we_left = schedule_timeout(__we_left);      \
			}                                                     \
			finish_wait(&(wq), &__we_entry);                      \
		}                                                             \
		!__we_true ? 0 : __we_left ? __we_left : 1;                   \
	})

#define wait_event(wq, condition)                                        \
	((void)__linux_wait_event(wq, condition, TASK_UNINTERRUPTIBLE, \
				  MAX_SCHEDULE_TIMEOUT))
#define wait_event_timeout(wq, condition, timeout) \
	__linux_wait_event(wq, condition, TASK_UNINTERRUPTIBLE, timeout)
#define wait_event_interruptible(wq, condition)                        \
	((void)__linux_wait_event(wq, condition, TASK_INTERRUPTIBLE, \
				  MAX_SCHEDULE_TIMEOUT),             \
	 0)
#define wait_event_interruptible_timeout(wq, condition, timeout) \
	__linux_wait_event(wq, condition, TASK_INTERRUPTIBLE, timeout)
#define wait_event_killable(wq, condition) \
	wait_event_interruptible(wq, condition)

#endif /* LINUX_WAIT_H */
