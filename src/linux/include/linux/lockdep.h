/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: always on. Held locks are tracked per thread, lock order per class.
 */
#ifndef LINUX_LOCKDEP_H
#define LINUX_LOCKDEP_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Every lock has a map, every map a class: the place in the source where the
 * lock is initialised, or the key given by lockdep_set_class(). Reported, and
 * counted like a WARN: a lock taken twice by one thread, released by a thread
 * that does not hold it, held at the end of a system call, work item or thread;
 * two classes taken in both orders; two locks of one class nested without a
 * subclass; a spinlock that an interrupt handler takes and that is elsewhere
 * taken with interrupts enabled; sleeping where that is forbidden.
 *
 * LINUX_LOCKDEP=0 in the environment switches the order check off.
 */
struct lock_class_key {
	unsigned int linux_class; /* 0: not registered yet */
};

struct lockdep_map {
	struct lock_class_key *key; /* NULL: the map's own */
	struct lock_class_key own_key;
	const char *name;
};

enum linux_lock_kind {
	LINUX_LOCK_MUTEX,
	LINUX_LOCK_SPIN,
	LINUX_LOCK_READ,
	LINUX_LOCK_WRITE,
	LINUX_LOCK_MAP, /* no lock: a section that takes part in the order */
};

/* For linux_lock_acquire(). */
#define LINUX_LOCK_TRY 1u /* already taken, so it cannot deadlock */
#define LINUX_LOCK_NESTED 2u /* may nest in its own class */

/* False: the thread holds it already; reported, and nothing was recorded. */
bool linux_lock_acquire(struct lockdep_map *map, enum linux_lock_kind kind,
			unsigned int flags);
/* False: the thread does not hold it; reported. */
bool linux_lock_release(struct lockdep_map *map);
bool linux_lock_is_held(const struct lockdep_map *map);

void lockdep_init_map(struct lockdep_map *map, const char *name,
		      struct lock_class_key *key, int subclass);
static inline void lockdep_register_key(struct lock_class_key *key)
{
	key->linux_class = 0;
}
static inline void lockdep_unregister_key(struct lock_class_key *key)
{
}

#define __LINUX_MAP_INIT(lock_name) { .name = lock_name }
#define STATIC_LOCKDEP_MAP_INIT(lock_name, lock_key) \
	{ .name = (lock_name), .key = (void *)(lock_key) }
#define lockdep_set_class(lock, lock_key) \
	lockdep_init_map(&(lock)->dep_map, #lock_key, lock_key, 0)
#define lockdep_set_class_and_name(lock, lock_key, lock_name) \
	lockdep_init_map(&(lock)->dep_map, lock_name, lock_key, 0)

#define lockdep_is_held(lock) linux_lock_is_held(&(lock)->dep_map)
#define lockdep_assert(cond) ((void)WARN_ON(!(cond)))
#define lockdep_assert_held(lock) \
	((void)WARN(!lockdep_is_held(lock), "%s is not held", #lock))
#define lockdep_assert_held_once(lock) lockdep_assert_held(lock)
#define lockdep_assert_held_write(lock) lockdep_assert_held(lock)
#define lockdep_assert_held_read(lock) lockdep_assert_held(lock)
#define lockdep_assert_not_held(lock) \
	((void)WARN(lockdep_is_held(lock), "%s is held", #lock))
#define lockdep_assert_none_held_once() linux_assert_no_locks_held()

#define lock_map_acquire(map) \
	((void)linux_lock_acquire(map, LINUX_LOCK_MAP, 0))
#define lock_map_acquire_read(map) lock_map_acquire(map)
#define lock_map_release(map) ((void)linux_lock_release(map))
/* The order check of taking the lock, without taking it. */
#define might_lock(lock)                                                \
	do {                                                            \
		if (linux_lock_acquire(&(lock)->dep_map, LINUX_LOCK_MAP, 0)) \
			linux_lock_release(&(lock)->dep_map);           \
	} while (0)

/*
 * Also in linux_machine.h: the calling thread must hold no lock, be in no
 * atomic section and no RCU reader. Reports what it finds, then forgets it.
 * Returns the number of reports.
 */
int linux_assert_no_locks_held(void);

#endif /* LINUX_LOCKDEP_H */
