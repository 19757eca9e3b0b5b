/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: see lockdep.h. Contended, it sleeps in the host kernel; the
 * interrupt state is bookkeeping per thread.
 */
#ifndef LINUX_SPINLOCK_H
#define LINUX_SPINLOCK_H

#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/types.h>

typedef struct spinlock {
	u32 futex; /* as in struct mutex */
	u32 magic;
	struct task_struct *owner;
	struct lockdep_map dep_map;
} spinlock_t;

typedef spinlock_t raw_spinlock_t;

#define LINUX_SPIN_MAGIC 0x7370696eu
#define __SPIN_LOCK_UNLOCKED(lockname)               \
	(spinlock_t)                                 \
	{                                            \
		.magic = LINUX_SPIN_MAGIC,           \
		.dep_map = __LINUX_MAP_INIT(#lockname), \
	}
#define __SPIN_LOCK_INITIALIZER(lockname)            \
	{                                            \
		.magic = LINUX_SPIN_MAGIC,           \
		.dep_map = __LINUX_MAP_INIT(#lockname), \
	}
#define DEFINE_SPINLOCK(name) spinlock_t name = __SPIN_LOCK_INITIALIZER(name)

void __spin_lock_init(spinlock_t *lock, const char *name,
		      struct lock_class_key *key);
#define spin_lock_init(lock)                              \
	do {                                              \
		static struct lock_class_key __key;       \
		__spin_lock_init((lock), #lock, &__key);  \
	} while (0)

/* Taking a spinlock that the thread holds is reported and aborts. */
void spin_lock(spinlock_t *lock);
void spin_lock_nested(spinlock_t *lock, int subclass);
int spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
void spin_lock_irq(spinlock_t *lock);
void spin_unlock_irq(spinlock_t *lock);
/* The interrupt state from before. */
unsigned long linux_spin_lock_irqsave(spinlock_t *lock);
void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags);
#define spin_lock_irqsave(lock, flags) \
	((flags) = linux_spin_lock_irqsave(lock))
#define spin_lock_irqsave_nested(lock, flags, subclass) \
	spin_lock_irqsave(lock, flags)
#define spin_lock_bh(lock) spin_lock(lock)
#define spin_unlock_bh(lock) spin_unlock(lock)

static inline int spin_is_locked(spinlock_t *lock)
{
	return __atomic_load_n(&lock->futex, __ATOMIC_RELAXED) != 0;
}

#define assert_spin_locked(lock) lockdep_assert_held(lock)

#include <linux/rwlock.h>

#endif /* LINUX_SPINLOCK_H */
