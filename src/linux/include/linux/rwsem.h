/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* stricter: see lockdep.h. A waiting writer holds new readers off. */
#ifndef LINUX_RWSEM_H
#define LINUX_RWSEM_H

#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/types.h>

struct rw_semaphore {
	u32 count; /* readers; LINUX_RWSEM_WRITER: one writer */
	u32 waiters; /* threads that sleep on count */
	u32 writers_waiting;
	struct lockdep_map dep_map;
};

#define LINUX_RWSEM_WRITER 0x80000000u
#define __RWSEM_INITIALIZER(name) { .dep_map = __LINUX_MAP_INIT(#name) }
#define DECLARE_RWSEM(name) struct rw_semaphore name = __RWSEM_INITIALIZER(name)

void __init_rwsem(struct rw_semaphore *sem, const char *name,
		  struct lock_class_key *key);
#define init_rwsem(sem)                               \
	do {                                          \
		static struct lock_class_key __key;   \
		__init_rwsem((sem), #sem, &__key);    \
	} while (0)

void down_read(struct rw_semaphore *sem);
int down_read_trylock(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
int down_write_trylock(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);
/* A writer becomes a reader without a gap. */
void downgrade_write(struct rw_semaphore *sem);
#define down_read_interruptible(sem) (down_read(sem), 0)
#define down_read_killable(sem) (down_read(sem), 0)
#define down_write_killable(sem) (down_write(sem), 0)

static inline int rwsem_is_locked(struct rw_semaphore *sem)
{
	return __atomic_load_n(&sem->count, __ATOMIC_RELAXED) != 0;
}

#endif /* LINUX_RWSEM_H */
