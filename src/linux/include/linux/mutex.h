/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: owner, recursion, order and sleeping in atomic sections are
 * checked, see lockdep.h.
 */
#ifndef LINUX_MUTEX_H
#define LINUX_MUTEX_H

#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/types.h>

struct mutex {
	u32 futex; /* 0: free, 1: held, 2: held and somebody sleeps */
	u32 magic;
	struct task_struct *owner;
	struct lockdep_map dep_map;
};

#define LINUX_MUTEX_MAGIC 0x6d757478u
#define __MUTEX_INITIALIZER(lockname)                \
	{                                            \
		.magic = LINUX_MUTEX_MAGIC,          \
		.dep_map = __LINUX_MAP_INIT(#lockname), \
	}
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

void __mutex_init(struct mutex *lock, const char *name,
		  struct lock_class_key *key);
#define mutex_init(lock)                               \
	do {                                           \
		static struct lock_class_key __key;    \
		__mutex_init((lock), #lock, &__key);   \
	} while (0)
/* Reports a mutex that is still held. */
void mutex_destroy(struct mutex *lock);

/*
 * Taking a mutex that the thread holds is reported and does nothing: the kernel
 * would hang.
 */
void mutex_lock(struct mutex *lock);
/* For a mutex inside another of the same class. */
void mutex_lock_nested(struct mutex *lock, unsigned int subclass);
#define mutex_lock_nest_lock(lock, nest) mutex_lock_nested(lock, 1)
/* Always 0: no signal reaches a thread that waits in this kernel. */
int __must_check mutex_lock_interruptible(struct mutex *lock);
#define mutex_lock_interruptible_nested(lock, subclass) \
	(mutex_lock_nested(lock, subclass), 0)
#define mutex_lock_killable(lock) mutex_lock_interruptible(lock)
/* 1: taken. May be called in atomic sections. */
int mutex_trylock(struct mutex *lock);
/* Must be the owner; anybody else is reported, and nothing is unlocked. */
void mutex_unlock(struct mutex *lock);

static inline bool mutex_is_locked(struct mutex *lock)
{
	return __atomic_load_n(&lock->futex, __ATOMIC_RELAXED) != 0;
}

enum { SINGLE_DEPTH_NESTING = 1 };

#endif /* LINUX_MUTEX_H */
