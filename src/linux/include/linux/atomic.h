/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the kernel's memory orders, built on the compiler's atomics. */
#ifndef LINUX_ATOMIC_H
#define LINUX_ATOMIC_H

#include <linux/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * The kernel's rules: reading, setting and operations without a result are
 * relaxed; those that return a value are fully ordered unless their name ends
 * in _relaxed, _acquire or _release.
 */
#define __LINUX_ATOMIC_OP(pfx, type, val_t, op)                               \
	static inline void pfx##_##op(val_t i, type *v)                       \
	{                                                                     \
		__atomic_fetch_##op(&v->counter, i, __ATOMIC_RELAXED);        \
	}                                                                     \
	static inline val_t pfx##_fetch_##op(val_t i, type *v)                \
	{                                                                     \
		return __atomic_fetch_##op(&v->counter, i, __ATOMIC_SEQ_CST); \
	}                                                                     \
	static inline val_t pfx##_fetch_##op##_relaxed(val_t i, type *v)      \
	{                                                                     \
		return __atomic_fetch_##op(&v->counter, i, __ATOMIC_RELAXED); \
	}

#define __LINUX_ATOMIC_RETURN(pfx, type, val_t, sfx, order)                   \
	static inline val_t pfx##_add_return##sfx(val_t i, type *v)           \
	{                                                                     \
		return __atomic_add_fetch(&v->counter, i, order);             \
	}                                                                     \
	static inline val_t pfx##_sub_return##sfx(val_t i, type *v)           \
	{                                                                     \
		return __atomic_sub_fetch(&v->counter, i, order);             \
	}                                                                     \
	static inline val_t pfx##_inc_return##sfx(type *v)                    \
	{                                                                     \
		return __atomic_add_fetch(&v->counter, 1, order);             \
	}                                                                     \
	static inline val_t pfx##_dec_return##sfx(type *v)                    \
	{                                                                     \
		return __atomic_sub_fetch(&v->counter, 1, order);             \
	}                                                                     \
	static inline val_t pfx##_xchg##sfx(type *v, val_t new)               \
	{                                                                     \
		return __atomic_exchange_n(&v->counter, new, order);          \
	}

#define __LINUX_ATOMIC_CMPXCHG(pfx, type, val_t, sfx, order, fail)            \
	static inline val_t pfx##_cmpxchg##sfx(type *v, val_t old, val_t new) \
	{                                                                     \
		__atomic_compare_exchange_n(&v->counter, &old, new, false,    \
					    order, fail);                     \
		return old;                                                   \
	}                                                                     \
	static inline bool pfx##_try_cmpxchg##sfx(type *v, val_t *old,        \
						  val_t new)                  \
	{                                                                     \
		return __atomic_compare_exchange_n(&v->counter, old, new,     \
						   false, order, fail);       \
	}

#define __LINUX_ATOMIC(pfx, type, val_t)                                      \
	static inline val_t pfx##_read(const type *v)                         \
	{                                                                     \
		return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);        \
	}                                                                     \
	static inline val_t pfx##_read_acquire(const type *v)                 \
	{                                                                     \
		return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);        \
	}                                                                     \
	static inline void pfx##_set(type *v, val_t i)                        \
	{                                                                     \
		__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);           \
	}                                                                     \
	static inline void pfx##_set_release(type *v, val_t i)                \
	{                                                                     \
		__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);           \
	}                                                                     \
	__LINUX_ATOMIC_OP(pfx, type, val_t, add)                              \
	__LINUX_ATOMIC_OP(pfx, type, val_t, sub)                              \
	__LINUX_ATOMIC_OP(pfx, type, val_t, or)                               \
	__LINUX_ATOMIC_OP(pfx, type, val_t, and)                              \
	__LINUX_ATOMIC_OP(pfx, type, val_t, xor)                              \
	__LINUX_ATOMIC_RETURN(pfx, type, val_t, , __ATOMIC_SEQ_CST)           \
	__LINUX_ATOMIC_RETURN(pfx, type, val_t, _relaxed, __ATOMIC_RELAXED)   \
	__LINUX_ATOMIC_RETURN(pfx, type, val_t, _acquire, __ATOMIC_ACQUIRE)   \
	__LINUX_ATOMIC_RETURN(pfx, type, val_t, _release, __ATOMIC_RELEASE)   \
	__LINUX_ATOMIC_CMPXCHG(pfx, type, val_t, , __ATOMIC_SEQ_CST,          \
			       __ATOMIC_SEQ_CST)                              \
	__LINUX_ATOMIC_CMPXCHG(pfx, type, val_t, _relaxed, __ATOMIC_RELAXED,  \
			       __ATOMIC_RELAXED)                              \
	__LINUX_ATOMIC_CMPXCHG(pfx, type, val_t, _acquire, __ATOMIC_ACQUIRE,  \
			       __ATOMIC_RELAXED)                              \
	__LINUX_ATOMIC_CMPXCHG(pfx, type, val_t, _release, __ATOMIC_RELEASE,  \
			       __ATOMIC_RELAXED)                              \
	static inline void pfx##_inc(type *v)                                 \
	{                                                                     \
		pfx##_add(1, v);                                              \
	}                                                                     \
	static inline void pfx##_dec(type *v)                                 \
	{                                                                     \
		pfx##_sub(1, v);                                              \
	}                                                                     \
	static inline void pfx##_andnot(val_t i, type *v)                     \
	{                                                                     \
		pfx##_and(~i, v);                                             \
	}                                                                     \
	static inline val_t pfx##_fetch_inc(type *v)                          \
	{                                                                     \
		return pfx##_fetch_add(1, v);                                 \
	}                                                                     \
	static inline val_t pfx##_fetch_dec(type *v)                          \
	{                                                                     \
		return pfx##_fetch_sub(1, v);                                 \
	}                                                                     \
	static inline val_t pfx##_fetch_andnot(val_t i, type *v)              \
	{                                                                     \
		return pfx##_fetch_and(~i, v);                                \
	}                                                                     \
	static inline bool pfx##_dec_and_test(type *v)                        \
	{                                                                     \
		return pfx##_dec_return(v) == 0;                              \
	}                                                                     \
	static inline bool pfx##_inc_and_test(type *v)                        \
	{                                                                     \
		return pfx##_inc_return(v) == 0;                              \
	}                                                                     \
	static inline bool pfx##_sub_and_test(val_t i, type *v)               \
	{                                                                     \
		return pfx##_sub_return(i, v) == 0;                           \
	}                                                                     \
	static inline bool pfx##_add_negative(val_t i, type *v)               \
	{                                                                     \
		return pfx##_add_return(i, v) < 0;                            \
	}                                                                     \
	/* Adds unless the value is u; returns the value found. */            \
	static inline val_t pfx##_fetch_add_unless(type *v, val_t a, val_t u) \
	{                                                                     \
		val_t old = pfx##_read(v);                                    \
                                                                              \
		while (old != u && !pfx##_try_cmpxchg(v, &old, old + a))      \
			;                                                     \
		return old;                                                   \
	}                                                                     \
	static inline bool pfx##_add_unless(type *v, val_t a, val_t u)        \
	{                                                                     \
		return pfx##_fetch_add_unless(v, a, u) != u;                  \
	}                                                                     \
	static inline bool pfx##_inc_not_zero(type *v)                        \
	{                                                                     \
		return pfx##_add_unless(v, 1, 0);                             \
	}                                                                     \
	static inline bool pfx##_inc_unless_negative(type *v)                 \
	{                                                                     \
		val_t old = pfx##_read(v);                                    \
                                                                              \
		while (old >= 0 && !pfx##_try_cmpxchg(v, &old, old + 1))      \
			;                                                     \
		return old >= 0;                                              \
	}                                                                     \
	/* The new value; negative means that nothing was changed. */         \
	static inline val_t pfx##_dec_if_positive(type *v)                    \
	{                                                                     \
		val_t old = pfx##_read(v);                                    \
                                                                              \
		while (old > 0 && !pfx##_try_cmpxchg(v, &old, old - 1))       \
			;                                                     \
		return old - 1;                                               \
	}

__LINUX_ATOMIC(atomic, atomic_t, int)
__LINUX_ATOMIC(atomic64, atomic64_t, s64)
__LINUX_ATOMIC(atomic_long, atomic_long_t, long)

/* On any scalar or pointer. */
#define xchg(ptr, val) __atomic_exchange_n((ptr), (val), __ATOMIC_SEQ_CST)
#define cmpxchg(ptr, old, new)                                                \
	({                                                                    \
		typeof(*(ptr)) __cx_old = (old);                              \
		__atomic_compare_exchange_n((ptr), &__cx_old, (new), false,   \
					    __ATOMIC_SEQ_CST,                 \
					    __ATOMIC_SEQ_CST);                \
		__cx_old;                                                     \
	})
#define try_cmpxchg(ptr, oldp, new)                                           \
	__atomic_compare_exchange_n((ptr), (oldp), (new), false,              \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#endif /* LINUX_ATOMIC_H */
