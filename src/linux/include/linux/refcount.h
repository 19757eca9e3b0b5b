/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: under- and overflow, and a count taken from zero, are reported and
 * saturate.
 */
#ifndef LINUX_REFCOUNT_H
#define LINUX_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n) { .refs = ATOMIC_INIT(n) }
#define REFCOUNT_SATURATED (-0x40000000)

struct mutex;
void linux_refcount_bad(refcount_t *r, const char *what) __cold;
bool refcount_dec_and_mutex_lock(refcount_t *r, struct mutex *lock);

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return (unsigned int)atomic_read(&r->refs);
}

static inline void refcount_add(int i, refcount_t *r)
{
	int old = atomic_fetch_add_relaxed(i, &r->refs);

	if (unlikely(old == 0))
		linux_refcount_bad(r, "taken from zero: use after free");
	else if (unlikely(old < 0 || old + (s64)i > 0x7fffffff))
		linux_refcount_bad(r, "overflow");
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

static inline bool __must_check refcount_add_not_zero(int i, refcount_t *r)
{
	int old = atomic_fetch_add_unless(&r->refs, i, 0);

	if (unlikely(old < 0 || old + (s64)i > 0x7fffffff))
		linux_refcount_bad(r, "overflow");
	return old != 0;
}

static inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	return refcount_add_not_zero(1, r);
}

/* True: the caller dropped the last reference. */
static inline bool __must_check refcount_sub_and_test(int i, refcount_t *r)
{
	int old = atomic_fetch_sub(i, &r->refs);

	if (old == i && i > 0)
		return true;
	if (unlikely(old < i))
		linux_refcount_bad(r, "underflow: one put too many");
	return false;
}

static inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

static inline void refcount_dec(refcount_t *r)
{
	if (unlikely(atomic_fetch_sub(1, &r->refs) <= 1))
		linux_refcount_bad(r, "decremented to zero without a release");
}

#endif /* LINUX_REFCOUNT_H */
