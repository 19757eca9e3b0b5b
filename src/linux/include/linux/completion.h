/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_COMPLETION_H
#define LINUX_COMPLETION_H

#include <linux/wait.h>

struct completion {
	unsigned int done; /* guarded by wait.lock; UINT_MAX: for ever */
	wait_queue_head_t wait;
};

#define COMPLETION_INITIALIZER(work) \
	{ 0, __WAIT_QUEUE_HEAD_INITIALIZER((work).wait) }
#define DECLARE_COMPLETION(work) \
	struct completion work = COMPLETION_INITIALIZER(work)
#define DECLARE_COMPLETION_ONSTACK(work) DECLARE_COMPLETION(work)

void init_completion(struct completion *x);
static inline void reinit_completion(struct completion *x)
{
	WRITE_ONCE(x->done, 0);
}

/* Lets one waiter through, now or later; all of them, for good. */
void complete(struct completion *x);
void complete_all(struct completion *x);

void wait_for_completion(struct completion *x);
/* 0: timed out; otherwise the jiffies left, at least 1. */
unsigned long wait_for_completion_timeout(struct completion *x,
					  unsigned long timeout);
#define wait_for_completion_interruptible(x) (wait_for_completion(x), 0)
#define wait_for_completion_killable(x) (wait_for_completion(x), 0)
#define wait_for_completion_interruptible_timeout(x, timeout) \
	((long)wait_for_completion_timeout(x, timeout))
bool try_wait_for_completion(struct completion *x);
bool completion_done(struct completion *x);

#endif /* LINUX_COMPLETION_H */
