/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: see lockdep.h. A thread may not nest readers of one lock.
 * Contended, it sleeps in the host kernel.
 */
#ifndef LINUX_RWLOCK_H
#define LINUX_RWLOCK_H

#include <linux/lockdep.h>
#include <linux/types.h>

/* Included by spinlock.h. */
typedef struct {
	u32 count; /* as in struct rw_semaphore */
	u32 waiters;
	struct lockdep_map dep_map;
} rwlock_t;

#define __RW_LOCK_UNLOCKED(name) { .dep_map = __LINUX_MAP_INIT(#name) }
#define DEFINE_RWLOCK(name) rwlock_t name = __RW_LOCK_UNLOCKED(name)

void __rwlock_init(rwlock_t *lock, const char *name,
		   struct lock_class_key *key);
#define rwlock_init(lock)                               \
	do {                                            \
		static struct lock_class_key __key;     \
		__rwlock_init((lock), #lock, &__key);   \
	} while (0)

void read_lock(rwlock_t *lock);
void read_unlock(rwlock_t *lock);
void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);

#endif /* LINUX_RWLOCK_H */
