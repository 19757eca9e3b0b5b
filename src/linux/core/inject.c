// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Fault injection: the n-th fallible step fails, once. A test arms it while
 * other threads are quiet.
 */
#include <linux/atomic.h>
#include "internal.h"

static u64 steps; /* since the last linux_inject_failure() */
static u64 fail_at = UINT64_MAX;

uint64_t linux_inject_failure(uint64_t n)
{
	__atomic_store_n(&fail_at, n, __ATOMIC_RELAXED);
	return __atomic_exchange_n(&steps, 0, __ATOMIC_SEQ_CST);
}

bool linux_should_fail(void)
{
	u64 at = __atomic_load_n(&fail_at, __ATOMIC_RELAXED);

	/* Nobody cares for an exact count while nothing is armed. */
	if (likely(at == UINT64_MAX)) {
		u64 n = __atomic_load_n(&steps, __ATOMIC_RELAXED);

		__atomic_store_n(&steps, n + 1, __ATOMIC_RELAXED);
		return false;
	}
	return __atomic_fetch_add(&steps, 1, __ATOMIC_RELAXED) == at;
}
