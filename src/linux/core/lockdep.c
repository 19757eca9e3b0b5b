// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Lock order by class. One bit per ordered pair of classes: "b was taken while
 * a was held". A new pair is checked once, by looking for a way back from b to
 * a; from then on it costs one bit test. Per thread, the classes held are kept
 * apart from the locks held, so that a thread with thousands of locks of one
 * class pays for one.
 */
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define MAX_CLASSES 512
#define WORDS (MAX_CLASSES / 64)
/* Locks of classes beyond the table are tracked, but not ordered. */
#define NO_CLASS 0

#define USED_IN_IRQ 1u
#define USED_IRQ_ON 2u

static struct {
	pthread_mutex_t lock; /* guards all but reads of single bits and ids */
	unsigned int count;   /* class ids 1..count */
	const char *name[MAX_CLASSES];
	u32 usage[MAX_CLASSES];	       /* atomic */
	u64 after[MAX_CLASSES][WORDS]; /* atomic; [a] has b: a, then b */
} classes = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool order_checked(void)
{
	static int state; /* 0: not asked, 1: on, 2: off */
	int s = __atomic_load_n(&state, __ATOMIC_RELAXED);

	if (unlikely(!s)) {
		const char *env = getenv("LINUX_LOCKDEP");

		s = env && env[0] == '0' ? 2 : 1;
		__atomic_store_n(&state, s, __ATOMIC_RELAXED);
	}
	return s == 1;
}

/* --------------------------------------------------------------- classes -- */

/* Locks without a key, such as those in on-stack objects, go by their name. */
static unsigned int find_by_name(const char *name)
{
	for (unsigned int id = 1; id <= classes.count; id++)
		if (classes.name[id] == name)
			return id;
	return 0;
}

static noinline unsigned int register_class(const struct lockdep_map *map,
					    struct lock_class_key *key)
{
	unsigned int id;

	pthread_mutex_lock(&classes.lock);
	id = READ_ONCE(key->linux_class);
	if (!id && !map->key)
		id = find_by_name(map->name);
	if (!id && classes.count + 1 < MAX_CLASSES) {
		id = ++classes.count;
		classes.name[id] = map->name ?: "?";
	}
	WRITE_ONCE(key->linux_class, id);
	pthread_mutex_unlock(&classes.lock);
	return id;
}

static unsigned int class_of(struct lockdep_map *map)
{
	struct lock_class_key *key = map->key ?: &map->own_key;
	unsigned int id = READ_ONCE(key->linux_class);

	return likely(id) ? id : register_class(map, key);
}

void lockdep_init_map(struct lockdep_map *map, const char *name,
		      struct lock_class_key *key, int subclass)
{
	map->key = key;
	map->own_key.linux_class = 0;
	map->name = name;
}

/* ----------------------------------------------------------------- order -- */

static bool has_edge(unsigned int a, unsigned int b)
{
	return __atomic_load_n(&classes.after[a][b / 64], __ATOMIC_RELAXED) &
	       (1ull << (b % 64));
}

/*
 * Fills via[] with a way from one class to another, breadth first: via[x] is
 * the class before x. Called with classes.lock held.
 */
static bool find_way(unsigned int from, unsigned int to, u16 via[MAX_CLASSES])
{
	u16 queue[MAX_CLASSES];
	unsigned int head = 0, tail = 0;

	memset(via, 0, MAX_CLASSES * sizeof(via[0]));
	queue[tail++] = from;
	via[from] = from;
	while (head < tail) {
		unsigned int a = queue[head++];

		for (unsigned int b = 1; b <= classes.count; b++) {
			if (via[b] || !has_edge(a, b))
				continue;
			via[b] = a;
			if (b == to)
				return true;
			queue[tail++] = b;
		}
	}
	return false;
}

static void describe_way(unsigned int from, unsigned int to,
			 const u16 via[MAX_CLASSES], char *text, size_t size)
{
	size_t used = 0;

	/* Backwards, from the end of the way to its start. */
	for (unsigned int c = to;; c = via[c]) {
		int n = snprintf(text + used, size - used, "%s%s",
				 used ? " after " : "", classes.name[c]);

		used += n > 0 ? (size_t)n : 0;
		if (c == from || used >= size)
			return;
	}
}

static noinline void add_edge(unsigned int held, unsigned int taken)
{
	u16 via[MAX_CLASSES];
	char way[256];
	bool cycle = false;

	pthread_mutex_lock(&classes.lock);
	if (!has_edge(held, taken)) {
		cycle = find_way(taken, held, via);
		if (cycle)
			describe_way(taken, held, via, way, sizeof(way));
		__atomic_fetch_or(&classes.after[held][taken / 64],
				  1ull << (taken % 64), __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&classes.lock);
	WARN(cycle, "lock order: %s is taken while %s is held; seen before: %s",
	     classes.name[taken], classes.name[held], way);
}

static void check_order(const struct task_struct *task, unsigned int class,
			unsigned int flags)
{
	for (unsigned int i = 0; i < task->nr_classes; i++) {
		unsigned int held = task->held_classes[i].lock_class;

		if (held == class && (flags & LINUX_LOCK_NESTED))
			continue;
		if (unlikely(!has_edge(held, class))) {
			add_edge(held, class);
			WARN(held == class,
			     "two locks of class %s nested without a subclass",
			     classes.name[class]);
		}
	}
}

/*
 * An interrupt handler that takes a lock which the interrupted thread holds
 * would wait for ever. Here it runs in a thread of its own and merely waits.
 */
static void check_irq_usage(const struct task_struct *task, unsigned int class)
{
	u32 use = task->in_hardirq  ? USED_IN_IRQ
		  : !task->irqs_off ? USED_IRQ_ON
				    : 0;
	u32 seen = __atomic_load_n(&classes.usage[class], __ATOMIC_RELAXED);

	if (likely(!(use & ~seen)))
		return;
	seen = __atomic_fetch_or(&classes.usage[class], use, __ATOMIC_RELAXED);
	WARN(seen && !(seen & use),
	     "spinlock %s is taken by an interrupt handler, and elsewhere with "
	     "interrupts enabled",
	     classes.name[class]);
}

/* ------------------------------------------------------------ held locks -- */

static void count_class(struct task_struct *task, unsigned int class)
{
	for (unsigned int i = 0; i < task->nr_classes; i++) {
		if (task->held_classes[i].lock_class == class) {
			task->held_classes[i].count++;
			return;
		}
	}
	if (task->nr_classes == LINUX_HELD_CLASSES)
		return; /* checked no more, rather than wrongly */
	task->held_classes[task->nr_classes].lock_class = (u16) class;
	task->held_classes[task->nr_classes++].count = 1;
}

static void uncount_class(struct task_struct *task, unsigned int class)
{
	for (unsigned int i = task->nr_classes; i--;) {
		if (task->held_classes[i].lock_class != class)
			continue;
		if (--task->held_classes[i].count == 0)
			task->held_classes[i] =
				task->held_classes[--task->nr_classes];
		return;
	}
}

static noinline void grow_held(struct task_struct *task)
{
	unsigned int max = task->max_held * 2;
	size_t size = max * sizeof(*task->held);
	struct linux_held_lock *held = task->held == task->held_inline
					       ? malloc(size)
					       : realloc(task->held, size);

	if (!held)
		abort();
	if (task->held == task->held_inline)
		memcpy(held, task->held_inline, sizeof(task->held_inline));
	task->held = held;
	task->max_held = max;
}

static int find_held(const struct task_struct *task,
		     const struct lockdep_map *map)
{
	for (int i = (int)task->nr_held - 1; i >= 0; i--)
		if (task->held[i].map == map)
			return i;
	return -1;
}

bool linux_lock_acquire(struct lockdep_map *map, enum linux_lock_kind kind,
			unsigned int flags)
{
	struct task_struct *task = current;
	unsigned int class = class_of(map);

	/* Mutexes and spinlocks know their owner and do not ask. */
	if ((kind == LINUX_LOCK_READ || kind == LINUX_LOCK_WRITE) &&
	    !(flags & LINUX_LOCK_TRY) &&
	    WARN(find_held(task, map) >= 0, "%s taken twice by one thread",
		 map->name))
		return false;
	if (kind == LINUX_LOCK_MAP)
		flags |= LINUX_LOCK_NESTED;
	if (class != NO_CLASS) {
		if (!(flags & LINUX_LOCK_TRY) && task->nr_classes &&
		    order_checked())
			check_order(task, class, flags);
		if (kind == LINUX_LOCK_SPIN)
			check_irq_usage(task, class);
		count_class(task, class);
	}
	if (unlikely(task->nr_held == task->max_held))
		grow_held(task);
	task->held[task->nr_held++] = (struct linux_held_lock){
		.map = map,
		.lock_class = (u16) class,
		.kind = (u16)kind,
	};
	return true;
}

bool linux_lock_release(struct lockdep_map *map)
{
	struct task_struct *task = current;
	int i = find_held(task, map);

	if (WARN(i < 0, "%s released by a thread that does not hold it",
		 map->name))
		return false;
	uncount_class(task, task->held[i].lock_class);
	task->nr_held--;
	if (unlikely((unsigned int)i != task->nr_held))
		memmove(&task->held[i], &task->held[i + 1],
			(task->nr_held - (unsigned int)i) *
				sizeof(task->held[0]));
	return true;
}

bool linux_lock_is_held(const struct lockdep_map *map)
{
	return find_held(current, map) >= 0;
}

int linux_assert_no_locks_held(void)
{
	struct task_struct *task = current;
	int found = 0;

	for (unsigned int i = 0; i < task->nr_held; i++, found++)
		WARN(1, "%s still held by thread %s",
		     classes.name[task->held[i].lock_class] ?: "a lock",
		     task->comm);
	if (WARN(!found && (task->atomic_depth || task->irqs_off),
		 "thread %s left an atomic section open (depth %u, interrupts "
		 "%s)",
		 task->comm, task->atomic_depth, task->irqs_off ? "off" : "on"))
		found++;
	if (WARN(task->rcu_nesting, "thread %s is still an RCU reader",
		 task->comm)) {
		found++;
		task->rcu_nesting = 1;
		rcu_read_unlock();
	}
	task->nr_held = 0;
	task->nr_classes = 0;
	task->atomic_depth = 0;
	task->irqs_off = false;
	return found;
}

static const char *why_atomic(const struct task_struct *task)
{
	if (task->in_hardirq)
		return "in an interrupt handler";
	for (unsigned int i = task->nr_held; i--;)
		if (task->held[i].kind == LINUX_LOCK_SPIN)
			return classes.name[task->held[i].lock_class]
				       ?: "a lock";
	if (task->rcu_nesting)
		return "in an RCU reader";
	return task->irqs_off ? "interrupts are off" : "preemption is off";
}

void __might_sleep(const char *file, int line)
{
	struct task_struct *task = current;

	if (unlikely(task->atomic_depth || task->irqs_off || task->rcu_nesting))
		linux_warn(file, line, "might_sleep",
			   "sleeping while atomic: %s", why_atomic(task));
}
