/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: no wound/wait. Wait/die mutexes: several can be held without an
 * order among them. Each acquire context has an age; who holds something and
 * meets a mutex of an older context gets -EDEADLK, drops all it holds and
 * starts again.
 */
#ifndef LINUX_WW_MUTEX_H
#define LINUX_WW_MUTEX_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/wait.h>

struct ww_class {
	atomic_long_t stamp;
	const char *name;
};

struct ww_mutex {
	struct mutex base; /* whose owner lockdep_assert_held() knows */
	wait_queue_head_t wait;
	struct ww_acquire_ctx *ctx; /* of the owner; guarded by wait.lock */
};

/* On the stack of the thread that locks. */
struct ww_acquire_ctx {
	struct ww_class *ww_class;
	unsigned long stamp; /* smaller is older */
	unsigned int acquired;
	bool done_acquire;
};

#define DEFINE_WD_CLASS(classname)                                             \
	struct ww_class classname = { .stamp = ATOMIC_LONG_INIT(0),            \
				      .name = #classname }

void ww_mutex_init(struct ww_mutex *lock, struct ww_class *ww_class);
void ww_mutex_destroy(struct ww_mutex *lock);
void ww_acquire_init(struct ww_acquire_ctx *ctx, struct ww_class *ww_class);
/* Nothing more will be locked with @ctx. */
void ww_acquire_done(struct ww_acquire_ctx *ctx);
void ww_acquire_fini(struct ww_acquire_ctx *ctx);

/*
 * @ctx NULL: an ordinary mutex. -EALREADY: @ctx holds it; -EDEADLK: unlock all
 * and begin again, with ww_mutex_lock_slow() of this one.
 */
int ww_mutex_lock(struct ww_mutex *lock, struct ww_acquire_ctx *ctx);
int __must_check ww_mutex_lock_interruptible(struct ww_mutex *lock,
					     struct ww_acquire_ctx *ctx);
/* @ctx must hold nothing. */
void ww_mutex_lock_slow(struct ww_mutex *lock, struct ww_acquire_ctx *ctx);
int __must_check ww_mutex_lock_slow_interruptible(struct ww_mutex *lock,
						  struct ww_acquire_ctx *ctx);
/* 1: locked. */
int __must_check ww_mutex_trylock(struct ww_mutex *lock,
				  struct ww_acquire_ctx *ctx);
void ww_mutex_unlock(struct ww_mutex *lock);

static inline bool ww_mutex_is_locked(struct ww_mutex *lock)
{
	return mutex_is_locked(&lock->base);
}

#endif /* LINUX_WW_MUTEX_H */
