// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Wait/die on top of an ordinary mutex. Waiters do not sleep in the mutex but
 * on a queue beside it, and look again whenever the owner changed: only so can
 * one that waited for a younger context die when an older one gets in first.
 */
#include <linux/ww_mutex.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>

void ww_mutex_init(struct ww_mutex *lock, struct ww_class *ww_class)
{
	mutex_init(&lock->base);
	init_waitqueue_head(&lock->wait);
	lock->ctx = NULL;
}

void ww_mutex_destroy(struct ww_mutex *lock)
{
	WARN_ON(lock->ctx);
	mutex_destroy(&lock->base);
}

void ww_acquire_init(struct ww_acquire_ctx *ctx, struct ww_class *ww_class)
{
	ctx->ww_class = ww_class;
	ctx->stamp = (unsigned long)atomic_long_inc_return(&ww_class->stamp);
	ctx->acquired = 0;
	ctx->done_acquire = false;
}

void ww_acquire_done(struct ww_acquire_ctx *ctx)
{
	WARN_ON(ctx->done_acquire);
	ctx->done_acquire = true;
}

void ww_acquire_fini(struct ww_acquire_ctx *ctx)
{
	WARN_ON(ctx->acquired);
}

/* 0: locked; -EBUSY: wait; -EALREADY, -EDEADLK as ww_mutex_lock(). */
static int try_lock(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	int ret = -EBUSY;

	spin_lock(&lock->wait.lock);
	if (ctx && lock->ctx == ctx) {
		ret = -EALREADY;
	} else if (mutex_trylock(&lock->base)) {
		lock->ctx = ctx;
		ret = 0;
	} else if (ctx && ctx->acquired && lock->ctx &&
		   lock->ctx->stamp < ctx->stamp) {
		ret = -EDEADLK;
	}
	/* Whoever waits must compare itself with the new owner. */
	if (!ret && ctx)
		wake_up_locked(&lock->wait);
	spin_unlock(&lock->wait.lock);
	if (!ret && ctx)
		ctx->acquired++;
	return ret;
}

int ww_mutex_lock(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	int ret;

	might_sleep();
	WARN_ON(ctx && ctx->done_acquire);
	/* Among mutexes of one context there is no order, but the first has. */
	if (!ctx || !ctx->acquired)
		might_lock(&lock->base);
	ret = try_lock(lock, ctx);
	if (ret == -EBUSY)
		wait_event(lock->wait, (ret = try_lock(lock, ctx)) != -EBUSY);
	return ret;
}

/* No signal ever interrupts a thread of this kernel. */
int ww_mutex_lock_interruptible(struct ww_mutex *lock,
				struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(lock, ctx);
}

void ww_mutex_lock_slow(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	int ret;

	WARN_ON(ctx->acquired);
	ret = ww_mutex_lock(lock, ctx);
	WARN_ON(ret);
}

int ww_mutex_lock_slow_interruptible(struct ww_mutex *lock,
				     struct ww_acquire_ctx *ctx)
{
	WARN_ON(ctx->acquired);
	return ww_mutex_lock(lock, ctx);
}

int ww_mutex_trylock(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	return try_lock(lock, ctx) == 0;
}

void ww_mutex_unlock(struct ww_mutex *lock)
{
	struct ww_acquire_ctx *ctx;

	lockdep_assert_held(&lock->base);
	spin_lock(&lock->wait.lock);
	ctx = lock->ctx;
	lock->ctx = NULL;
	mutex_unlock(&lock->base);
	wake_up_locked(&lock->wait);
	spin_unlock(&lock->wait.lock);
	if (ctx) {
		WARN_ON(!ctx->acquired);
		ctx->acquired--;
	}
}
