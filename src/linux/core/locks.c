// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Mutexes, spinlocks, reader-writer locks: the same futex lock underneath, with
 * different rules on top. Everything that can be checked is checked before the
 * host could block, so that a mistake is reported instead of hanging.
 *
 * A "spinlock" spins a little and then sleeps in the host kernel: the holder
 * may have been preempted, which cannot happen on a board.
 */
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include "internal.h"

#define SPINS 128

/* ------------------------------------------------------------ futex lock -- */

/* 0: free, 1: held, 2: held, and somebody may sleep. */

static bool futex_trylock(u32 *futex)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(futex, &free, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static noinline void futex_lock_slow(u32 *futex)
{
	for (int i = 0; i < SPINS; i++) {
		cpu_relax();
		if (__atomic_load_n(futex, __ATOMIC_RELAXED) == 0 &&
		    futex_trylock(futex))
			return;
	}
	while (__atomic_exchange_n(futex, 2, __ATOMIC_ACQUIRE) != 0)
		linux_futex_wait(futex, 2);
}

static void futex_lock(u32 *futex)
{
	if (unlikely(!futex_trylock(futex)))
		futex_lock_slow(futex);
}

static void futex_unlock(u32 *futex)
{
	if (unlikely(__atomic_exchange_n(futex, 0, __ATOMIC_RELEASE) == 2))
		linux_futex_wake(futex, 1);
}

static noinline void report_uninitialised(u32 *magic, u32 want,
					  const struct lockdep_map *map)
{
	linux_warn(__FILE__, __LINE__, __func__,
		   "lock %s (%p) was never initialised, or destroyed",
		   *magic ? "?" : map->name ?: "?", (const void *)magic);
	*magic = want;
}

static void check_magic(u32 *magic, u32 want, const struct lockdep_map *map)
{
	if (unlikely(*magic != want))
		report_uninitialised(magic, want, map);
}

/* --------------------------------------------------------------- mutexes -- */

void __mutex_init(struct mutex *lock, const char *name,
		  struct lock_class_key *key)
{
	lock->futex = 0;
	lock->magic = LINUX_MUTEX_MAGIC;
	lock->owner = NULL;
	lockdep_init_map(&lock->dep_map, name, key, 0);
}

void mutex_destroy(struct mutex *lock)
{
	check_magic(&lock->magic, LINUX_MUTEX_MAGIC, &lock->dep_map);
	WARN(mutex_is_locked(lock), "mutex %s destroyed while held",
	     lock->dep_map.name);
	lock->magic = 0;
}

static void mutex_lock_flags(struct mutex *lock, unsigned int flags)
{
	struct task_struct *task = current;

	might_sleep();
	check_magic(&lock->magic, LINUX_MUTEX_MAGIC, &lock->dep_map);
	if (WARN(READ_ONCE(lock->owner) == task,
		 "mutex %s locked twice by one thread", lock->dep_map.name))
		return;
	linux_lock_acquire(&lock->dep_map, LINUX_LOCK_MUTEX, flags);
	futex_lock(&lock->futex);
	WRITE_ONCE(lock->owner, task);
}

void mutex_lock(struct mutex *lock)
{
	mutex_lock_flags(lock, 0);
}

void mutex_lock_nested(struct mutex *lock, unsigned int subclass)
{
	mutex_lock_flags(lock, subclass ? LINUX_LOCK_NESTED : 0);
}

int mutex_lock_interruptible(struct mutex *lock)
{
	mutex_lock_flags(lock, 0);
	return 0;
}

int mutex_trylock(struct mutex *lock)
{
	check_magic(&lock->magic, LINUX_MUTEX_MAGIC, &lock->dep_map);
	if (!futex_trylock(&lock->futex))
		return 0;
	linux_lock_acquire(&lock->dep_map, LINUX_LOCK_MUTEX, LINUX_LOCK_TRY);
	WRITE_ONCE(lock->owner, current);
	return 1;
}

void mutex_unlock(struct mutex *lock)
{
	check_magic(&lock->magic, LINUX_MUTEX_MAGIC, &lock->dep_map);
	if (WARN(READ_ONCE(lock->owner) != current,
		 "mutex %s unlocked by a thread that does not own it",
		 lock->dep_map.name))
		return;
	linux_lock_release(&lock->dep_map);
	WRITE_ONCE(lock->owner, NULL);
	futex_unlock(&lock->futex);
}

bool refcount_dec_and_mutex_lock(refcount_t *r, struct mutex *lock)
{
	int old = atomic_read(&r->refs);

	while (old > 1)
		if (atomic_try_cmpxchg_release(&r->refs, &old, old - 1))
			return false;
	mutex_lock(lock);
	if (refcount_dec_and_test(r))
		return true;
	mutex_unlock(lock);
	return false;
}

/* ------------------------------------------------------------- spinlocks -- */

void __spin_lock_init(spinlock_t *lock, const char *name,
		      struct lock_class_key *key)
{
	lock->futex = 0;
	lock->magic = LINUX_SPIN_MAGIC;
	lock->owner = NULL;
	lockdep_init_map(&lock->dep_map, name, key, 0);
}

static void spin_lock_flags(spinlock_t *lock, struct task_struct *task,
			    unsigned int flags)
{
	check_magic(&lock->magic, LINUX_SPIN_MAGIC, &lock->dep_map);
	if (unlikely(READ_ONCE(lock->owner) == task)) {
		linux_warn(__FILE__, __LINE__, __func__,
			   "spinlock %s taken twice by one thread",
			   lock->dep_map.name);
		BUG();
	}
	task->atomic_depth++;
	linux_lock_acquire(&lock->dep_map, LINUX_LOCK_SPIN, flags);
	futex_lock(&lock->futex);
	WRITE_ONCE(lock->owner, task);
}

/* False: it was not ours. */
static bool spin_unlock_task(spinlock_t *lock, struct task_struct *task)
{
	if (WARN(READ_ONCE(lock->owner) != task,
		 "spinlock %s unlocked by a thread that does not hold it",
		 lock->dep_map.name))
		return false;
	linux_lock_release(&lock->dep_map);
	WRITE_ONCE(lock->owner, NULL);
	futex_unlock(&lock->futex);
	task->atomic_depth--;
	return true;
}

void spin_lock(spinlock_t *lock)
{
	spin_lock_flags(lock, current, 0);
}

void spin_lock_nested(spinlock_t *lock, int subclass)
{
	spin_lock_flags(lock, current, subclass ? LINUX_LOCK_NESTED : 0);
}

int spin_trylock(spinlock_t *lock)
{
	struct task_struct *task = current;

	check_magic(&lock->magic, LINUX_SPIN_MAGIC, &lock->dep_map);
	if (!futex_trylock(&lock->futex))
		return 0;
	task->atomic_depth++;
	linux_lock_acquire(&lock->dep_map, LINUX_LOCK_SPIN, LINUX_LOCK_TRY);
	WRITE_ONCE(lock->owner, task);
	return 1;
}

void spin_unlock(spinlock_t *lock)
{
	spin_unlock_task(lock, current);
}

void spin_lock_irq(spinlock_t *lock)
{
	struct task_struct *task = current;

	WARN(task->irqs_off, "spin_lock_irq(%s) with interrupts off already",
	     lock->dep_map.name);
	task->irqs_off = true;
	spin_lock_flags(lock, task, 0);
}

void spin_unlock_irq(spinlock_t *lock)
{
	struct task_struct *task = current;

	if (spin_unlock_task(lock, task))
		task->irqs_off = false;
}

unsigned long linux_spin_lock_irqsave(spinlock_t *lock)
{
	struct task_struct *task = current;
	unsigned long flags = task->irqs_off;

	task->irqs_off = true;
	spin_lock_flags(lock, task, 0);
	return flags;
}

void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	struct task_struct *task = current;

	if (spin_unlock_task(lock, task))
		task->irqs_off = flags;
}

/* --------------------------------------------------- readers and writers -- */

#define WRITER LINUX_RWSEM_WRITER

static bool rw_try(u32 *count, bool write)
{
	u32 seen = __atomic_load_n(count, __ATOMIC_RELAXED);

	do {
		if (write ? seen != 0 : (seen & WRITER) != 0)
			return false;
	} while (!__atomic_compare_exchange_n(
		count, &seen, write ? WRITER : seen + 1, false,
		__ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

/* The waiter is counted before it looks, so that a release cannot miss it. */
static void rw_wait(u32 *count, u32 *waiters, bool write)
{
	__atomic_fetch_add(waiters, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		u32 seen = __atomic_load_n(count, __ATOMIC_SEQ_CST);

		if (rw_try(count, write))
			break;
		if (write ? seen != 0 : (seen & WRITER) != 0)
			linux_futex_wait(count, seen);
	}
	__atomic_fetch_sub(waiters, 1, __ATOMIC_SEQ_CST);
}

static void rw_release(u32 *count, u32 *waiters, u32 minus)
{
	u32 left = __atomic_sub_fetch(count, minus, __ATOMIC_SEQ_CST);

	if (!(left & ~WRITER) && __atomic_load_n(waiters, __ATOMIC_SEQ_CST))
		linux_futex_wake(count, INT_MAX);
}

void __init_rwsem(struct rw_semaphore *sem, const char *name,
		  struct lock_class_key *key)
{
	sem->count = 0;
	sem->waiters = 0;
	sem->writers_waiting = 0;
	lockdep_init_map(&sem->dep_map, name, key, 0);
}

void down_read(struct rw_semaphore *sem)
{
	might_sleep();
	if (!linux_lock_acquire(&sem->dep_map, LINUX_LOCK_READ, 0))
		return;
	/* New readers queue up behind a writer, or it would never get in. */
	for (u32 n;
	     (n = __atomic_load_n(&sem->writers_waiting, __ATOMIC_SEQ_CST));)
		linux_futex_wait(&sem->writers_waiting, n);
	if (!rw_try(&sem->count, false))
		rw_wait(&sem->count, &sem->waiters, false);
}

int down_read_trylock(struct rw_semaphore *sem)
{
	if (!rw_try(&sem->count, false))
		return 0;
	linux_lock_acquire(&sem->dep_map, LINUX_LOCK_READ, LINUX_LOCK_TRY);
	return 1;
}

void up_read(struct rw_semaphore *sem)
{
	if (linux_lock_release(&sem->dep_map))
		rw_release(&sem->count, &sem->waiters, 1);
}

void down_write(struct rw_semaphore *sem)
{
	might_sleep();
	if (!linux_lock_acquire(&sem->dep_map, LINUX_LOCK_WRITE, 0))
		return;
	if (rw_try(&sem->count, true))
		return;
	__atomic_fetch_add(&sem->writers_waiting, 1, __ATOMIC_SEQ_CST);
	rw_wait(&sem->count, &sem->waiters, true);
	__atomic_fetch_sub(&sem->writers_waiting, 1, __ATOMIC_SEQ_CST);
	linux_futex_wake(&sem->writers_waiting, INT_MAX);
}

int down_write_trylock(struct rw_semaphore *sem)
{
	if (!rw_try(&sem->count, true))
		return 0;
	linux_lock_acquire(&sem->dep_map, LINUX_LOCK_WRITE, LINUX_LOCK_TRY);
	return 1;
}

void up_write(struct rw_semaphore *sem)
{
	if (linux_lock_release(&sem->dep_map))
		rw_release(&sem->count, &sem->waiters, WRITER);
}

void downgrade_write(struct rw_semaphore *sem)
{
	if (WARN_ON(!linux_lock_is_held(&sem->dep_map)))
		return;
	rw_release(&sem->count, &sem->waiters, WRITER - 1);
	linux_futex_wake(&sem->count, INT_MAX);
}

void __rwlock_init(rwlock_t *lock, const char *name, struct lock_class_key *key)
{
	lock->count = 0;
	lock->waiters = 0;
	lockdep_init_map(&lock->dep_map, name, key, 0);
}

static void rwlock_lock(rwlock_t *lock, enum linux_lock_kind kind)
{
	bool write = kind == LINUX_LOCK_WRITE;

	current->atomic_depth++;
	if (unlikely(!linux_lock_acquire(&lock->dep_map, kind, 0)))
		BUG();
	if (!rw_try(&lock->count, write))
		rw_wait(&lock->count, &lock->waiters, write);
}

static void rwlock_unlock(rwlock_t *lock, u32 minus)
{
	if (!linux_lock_release(&lock->dep_map))
		return;
	rw_release(&lock->count, &lock->waiters, minus);
	current->atomic_depth--;
}

void read_lock(rwlock_t *lock)
{
	rwlock_lock(lock, LINUX_LOCK_READ);
}

void read_unlock(rwlock_t *lock)
{
	rwlock_unlock(lock, 1);
}

void write_lock(rwlock_t *lock)
{
	rwlock_lock(lock, LINUX_LOCK_WRITE);
}

void write_unlock(rwlock_t *lock)
{
	rwlock_unlock(lock, WRITER);
}
