/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: a task is a thread of this process, made known the first time it
 * enters. No signals are pending, ever.
 */
#ifndef LINUX_SCHED_H
#define LINUX_SCHED_H

#include <linux/barrier.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>

#define TASK_RUNNING 0x0
#define TASK_INTERRUPTIBLE 0x1
#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_WAKEKILL 0x100
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_IDLE TASK_UNINTERRUPTIBLE
#define TASK_COMM_LEN 16
#define MAX_SCHEDULE_TIMEOUT LONG_MAX

struct lockdep_map;

struct linux_held_lock {
	const struct lockdep_map *map;
	u16 lock_class;
	u16 kind; /* enum linux_lock_kind */
};

#define LINUX_HELD_INLINE 16
#define LINUX_HELD_CLASSES 24

struct task_struct {
	unsigned int __state; /* also the futex that schedule() sleeps on */
	unsigned int atomic_depth; /* spinlocks, preempt_disable() */
	bool irqs_off;
	bool in_hardirq;
	pid_t pid;
	pid_t tgid;
	char comm[TASK_COMM_LEN];
	struct task_struct *group_leader;

	/* Held locks, oldest first, and how many of each class. */
	struct linux_held_lock *held;
	unsigned int nr_held;
	unsigned int max_held;
	unsigned int nr_classes;
	struct {
		u16 lock_class;
		u32 count;
	} held_classes[LINUX_HELD_CLASSES];
	struct linux_held_lock held_inline[LINUX_HELD_INLINE];

	unsigned long rcu_period; /* of the outermost reader; 0: none */
	unsigned int rcu_nesting;
	void *worker; /* struct worker of workqueue threads */
	struct list_head all_tasks;
};

extern __thread struct task_struct *linux_current
#ifdef __GLIBC__
	__attribute__((tls_model("initial-exec")))
#endif
	;
struct task_struct *linux_task_register(void);

static inline struct task_struct *linux_get_current(void)
{
	return likely(linux_current) ? linux_current : linux_task_register();
}
#define current linux_get_current()

#define __set_current_state(state) WRITE_ONCE(current->__state, (state))
/* Ordered before the condition that is tested next. */
#define set_current_state(state) smp_store_mb(current->__state, (state))

/* Sleeps until woken; returns at once if the state is TASK_RUNNING. */
void schedule(void);
/* In jiffies; what was left of them, 0 when the time is over. */
signed long schedule_timeout(signed long timeout);
signed long schedule_timeout_interruptible(signed long timeout);
signed long schedule_timeout_uninterruptible(signed long timeout);
/* 1 if the task was asleep in one of the states. */
int wake_up_state(struct task_struct *task, unsigned int state);
int wake_up_process(struct task_struct *task);

static inline int signal_pending(struct task_struct *task)
{
	return 0;
}

static inline int fatal_signal_pending(struct task_struct *task)
{
	return 0;
}

static inline int signal_pending_state(unsigned int state,
				       struct task_struct *task)
{
	return 0;
}

int cond_resched(void);
void yield(void);
#define cpu_relax() linux_cpu_relax()
static inline void linux_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" : : : "memory");
#else
	barrier();
#endif
}

static inline pid_t task_pid_nr(struct task_struct *task)
{
	return task->pid;
}

static inline pid_t task_tgid_nr(struct task_struct *task)
{
	return task->tgid;
}

#define raw_smp_processor_id() 0

#endif /* LINUX_SCHED_H */
