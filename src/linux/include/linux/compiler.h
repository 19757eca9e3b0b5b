/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: annotations; READ_ONCE and WRITE_ONCE are relaxed atomics, so that
 * ThreadSanitizer knows them.
 */
#ifndef LINUX_COMPILER_H
#define LINUX_COMPILER_H

#include <linux/stddef.h>
#include <linux/types.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ volatile("" : : : "memory")

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif
#define noinline __attribute__((__noinline__))
#define __must_check __attribute__((__warn_unused_result__))
#define __maybe_unused __attribute__((__unused__))
#define __always_unused __attribute__((__unused__))
#define __used __attribute__((__used__))
#define __packed __attribute__((__packed__))
#define __aligned(x) __attribute__((__aligned__(x)))
#define __printf(a, b) __attribute__((__format__(__printf__, a, b)))
#define __cold __attribute__((__cold__))
#define __malloc __attribute__((__malloc__))
#define __noreturn __attribute__((__noreturn__))
#define __weak __attribute__((__weak__))
#ifndef __counted_by
#define __counted_by(member)
#endif
#define __read_mostly
#define ____cacheline_aligned __aligned(64)
#define ____cacheline_aligned_in_smp __aligned(64)
#define fallthrough __attribute__((__fallthrough__))
#define unreachable() __builtin_unreachable()

/* Lock annotations are checked at run time here: see lockdep.h. */
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x) (void)0
#define __release(x) (void)0

/* Scalars and pointers only, like most uses in the kernel. */
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val) __atomic_store_n(&(x), (val), __ATOMIC_RELAXED)
#define data_race(expr) (expr)

#define __same_type(a, b) __builtin_types_compatible_p(typeof(a), typeof(b))
#define __is_constexpr(x) __builtin_constant_p(x)
#define ___PASTE(a, b) a##b
#define __PASTE(a, b) ___PASTE(a, b)
#define __UNIQUE_ID(prefix) __PASTE(__PASTE(__uid_, prefix), __COUNTER__)
#define __stringify_1(x...) #x
#define __stringify(x...) __stringify_1(x)

#endif /* LINUX_COMPILER_H */
