/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful semantics over one pool of threads; reduced: no CPUs, priorities or
 * attributes. Stricter: locks held at the end of a work item are reported.
 */
#ifndef LINUX_WORKQUEUE_H
#define LINUX_WORKQUEUE_H

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct workqueue_struct;
struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);

/*
 * A work item is pending from being queued, or its timer being armed, until a
 * worker takes it. It may be queued again while it runs, and never runs twice
 * at the same time. All but func and dep_map is guarded by the lock of
 * core/workqueue.c.
 */
struct work_struct {
	work_func_t func;
	struct list_head entry; /* in the queue, the pool or a worker's list */
	struct list_head flushers; /* who waits for the pending instance */
	struct workqueue_struct *wq; /* where it is queued, else NULL */
	unsigned int disabled; /* queueing is refused while non-zero */
	bool pending;
	u8 color; /* of the queued instance: see flush_workqueue() */
	u8 where; /* enum place in core/workqueue.c */
	struct lockdep_map dep_map; /* held while it runs and is flushed */
};

struct delayed_work {
	struct work_struct work;
	struct rb_node timer; /* empty: not armed */
	struct workqueue_struct *timer_wq;
	u64 expires_ns;
};

enum {
	WQ_UNBOUND = 1 << 1,
	WQ_FREEZABLE = 1 << 2,
	WQ_MEM_RECLAIM = 1 << 3,
	WQ_HIGHPRI = 1 << 4,
	WQ_CPU_INTENSIVE = 1 << 5,
	WQ_SYSFS = 1 << 6,
	WQ_POWER_EFFICIENT = 1 << 7,
	__WQ_ORDERED = 1 << 17,

	WQ_MAX_ACTIVE = 2048,
	WQ_DFL_ACTIVE = 1024,
};

void linux_init_work(struct work_struct *work, work_func_t func,
		     const char *name, struct lock_class_key *key);
void linux_init_delayed_work(struct delayed_work *dwork, work_func_t func,
			     const char *name, struct lock_class_key *key);
#define INIT_WORK(work, func)                                      \
	do {                                                       \
		static struct lock_class_key __key;                \
		linux_init_work((work), (func), #work, &__key);    \
	} while (0)
#define INIT_DELAYED_WORK(dwork, func)                                   \
	do {                                                             \
		static struct lock_class_key __key;                      \
		linux_init_delayed_work((dwork), (func), #dwork, &__key); \
	} while (0)
#define INIT_WORK_ONSTACK(work, func) INIT_WORK(work, func)
#define destroy_work_on_stack(work) ((void)(work))
#define DECLARE_WORK(name, fn)                               \
	struct work_struct name = {                          \
		.func = (fn),                                \
		.entry = LIST_HEAD_INIT(name.entry),         \
		.flushers = LIST_HEAD_INIT(name.flushers),   \
		.dep_map = __LINUX_MAP_INIT(#name),          \
	}

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

bool work_pending(struct work_struct *work);
/* Armed, or pending. */
bool delayed_work_pending(struct delayed_work *dwork);

/* max_active 0: the default. NULL when out of memory. */
struct workqueue_struct *linux_alloc_workqueue(struct lock_class_key *key,
					       const char *fmt,
					       unsigned int flags,
					       int max_active, ...)
	__printf(2, 5);
#define alloc_workqueue(fmt, flags, max_active, args...)                    \
	({                                                                  \
		static struct lock_class_key __key;                         \
		linux_alloc_workqueue(&__key, fmt, flags, max_active, ##args); \
	})
/* One at a time, in the order of queueing. */
#define alloc_ordered_workqueue(fmt, flags, args...) \
	alloc_workqueue(fmt, WQ_UNBOUND | __WQ_ORDERED | (flags), 1, ##args)
/* Runs what is pending first. */
void destroy_workqueue(struct workqueue_struct *wq);

/* False: it was pending already. Callable in atomic sections. */
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay);
/* Sets the delay anew; true: it was armed or pending before. */
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay);
#define schedule_work(work) queue_work(system_wq, work)
#define schedule_delayed_work(dwork, delay) \
	queue_delayed_work(system_wq, dwork, delay)

/* Waits for the last queued instance; true: there was one. */
bool flush_work(struct work_struct *work);
/* Queues at once what is armed, then flushes. */
bool flush_delayed_work(struct delayed_work *dwork);
/* Waits for all that was queued before. */
#define flush_workqueue(wq) __flush_workqueue(wq)
void __flush_workqueue(struct workqueue_struct *wq);
/* Until nothing is left; only work of the queue itself may queue meanwhile. */
void drain_workqueue(struct workqueue_struct *wq);

/* True: it was pending. The _sync forms also wait for a running instance. */
bool cancel_work(struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);
bool cancel_delayed_work(struct delayed_work *dwork);
bool cancel_delayed_work_sync(struct delayed_work *dwork);
/* The same, and refuse to queue until enable_work() as many times. */
bool disable_work_sync(struct work_struct *work);
bool disable_delayed_work_sync(struct delayed_work *dwork);
bool enable_work(struct work_struct *work);
bool enable_delayed_work(struct delayed_work *dwork);

/* The work item that the calling thread is running, or NULL. */
struct work_struct *current_work(void);

extern struct workqueue_struct *system_wq;
extern struct workqueue_struct *system_highpri_wq;
extern struct workqueue_struct *system_long_wq;
extern struct workqueue_struct *system_unbound_wq;

#endif /* LINUX_WORKQUEUE_H */
