/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful semantics (readers nest, may not sleep, never block); stricter:
 * sleeping in a reader is reported.
 */
#ifndef LINUX_RCUPDATE_H
#define LINUX_RCUPDATE_H

#include <linux/barrier.h>
#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/types.h>

void rcu_read_lock(void);
void rcu_read_unlock(void);
static inline int rcu_read_lock_held(void)
{
	return current->rcu_nesting != 0;
}

/* Returns when every reader that was inside has left. Sleeps. */
void synchronize_rcu(void);
/* Calls func in the RCU thread after a grace period. Never sleeps. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* Waits until every call_rcu() so far has run. */
void rcu_barrier(void);

/* Frees kmalloc and kmem_cache memory alike after a grace period. */
void linux_kfree_rcu(struct rcu_head *head, size_t offset);
#define kfree_rcu(ptr, member)                                          \
	do {                                                            \
		typeof(ptr) __kr_ptr = (ptr);                           \
		if (__kr_ptr)                                           \
			linux_kfree_rcu(&__kr_ptr->member,              \
					offsetof(typeof(*__kr_ptr), member)); \
	} while (0)

#define RCU_INIT_POINTER(p, v) WRITE_ONCE(p, v)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))
#define rcu_dereference(p) smp_load_acquire(&(p))
#define rcu_dereference_raw(p) smp_load_acquire(&(p))
#define rcu_dereference_check(p, cond) smp_load_acquire(&(p))
#define rcu_dereference_protected(p, cond) READ_ONCE(p)
#define rcu_access_pointer(p) READ_ONCE(p)
#define rcu_replace_pointer(rcu_ptr, ptr, cond)                 \
	({                                                      \
		typeof(rcu_ptr) __rp_old = READ_ONCE(rcu_ptr);  \
		rcu_assign_pointer((rcu_ptr), (ptr));           \
		__rp_old;                                       \
	})

#endif /* LINUX_RCUPDATE_H */
