// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Threads of the process as tasks, and the futex that they sleep on. A task is
 * known from the first time that its thread asks for "current" until the thread
 * ends.
 */
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "internal.h"

__thread struct task_struct *linux_current;

static struct {
	pthread_mutex_t lock; /* guards list */
	struct list_head list;
	pthread_once_t once;
	pthread_key_t key;
} tasks = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.list = LIST_HEAD_INIT(tasks.list),
	.once = PTHREAD_ONCE_INIT,
};

/* ----------------------------------------------------------------- futex -- */

void linux_futex_wait(u32 *word, u32 value)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
	errno = saved;
}

void linux_futex_wait_until(u32 *word, u32 value, u64 deadline_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline_ns / 1000000000ull),
		.tv_nsec = (long)(deadline_ns % 1000000000ull),
	};
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, &ts, NULL,
		FUTEX_BITSET_MATCH_ANY);
	errno = saved;
}

void linux_futex_wake(u32 *word, int threads)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
	errno = saved;
}

/* ----------------------------------------------------------------- tasks -- */

static void task_exit(void *data)
{
	struct task_struct *task = data;

	/* The thread-local pointer may be gone already, the locks are not. */
	linux_current = task;
	linux_assert_no_locks_held();
	linux_current = NULL;
	pthread_mutex_lock(&tasks.lock);
	list_del(&task->all_tasks);
	pthread_mutex_unlock(&tasks.lock);
	if (task->held != task->held_inline)
		free(task->held);
	free(task);
}

static void create_key(void)
{
	if (pthread_key_create(&tasks.key, task_exit))
		abort();
}

struct task_struct *linux_task_register(void)
{
	struct task_struct *task = calloc(1, sizeof(*task));

	if (!task)
		abort();
	pthread_once(&tasks.once, create_key);
	task->pid = (pid_t)syscall(SYS_gettid);
	task->tgid = getpid();
	task->group_leader = task;
	prctl(PR_GET_NAME, task->comm);
	task->held = task->held_inline;
	task->max_held = LINUX_HELD_INLINE;
	pthread_mutex_lock(&tasks.lock);
	list_add_tail(&task->all_tasks, &tasks.list);
	pthread_mutex_unlock(&tasks.lock);
	linux_current = task;
	pthread_setspecific(tasks.key, task);
	return task;
}

void linux_for_each_task(void (*fn)(struct task_struct *task, void *data),
			 void *data)
{
	struct task_struct *task;

	pthread_mutex_lock(&tasks.lock);
	list_for_each_entry (task, &tasks.list, all_tasks)
		fn(task, data);
	pthread_mutex_unlock(&tasks.lock);
}

struct start {
	void *(*fn)(void *arg);
	void *arg;
	char name[TASK_COMM_LEN];
};

static void *thread_start(void *data)
{
	struct start start = *(struct start *)data;

	free(data);
	prctl(PR_SET_NAME, start.name);
	return start.fn(start.arg);
}

int linux_thread_create(pthread_t *thread_out, const char *name,
			void *(*fn)(void *), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	sigset_t blocked, old;
	int ret;

	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->arg = arg;
	snprintf(start->name, sizeof(start->name), "%s", name);

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	ret = pthread_create(thread_out, NULL, thread_start, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		free(start);
	return -ret;
}

/* -------------------------------------------------------------- sleeping -- */

void schedule(void)
{
	struct task_struct *task = current;
	unsigned int state;

	while ((state = __atomic_load_n(&task->__state, __ATOMIC_ACQUIRE)))
		linux_futex_wait(&task->__state, state);
}

signed long schedule_timeout(signed long timeout)
{
	struct task_struct *task = current;
	u64 start, deadline, now;
	unsigned int state;

	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout;
	}
	if (WARN_ON(timeout < 0))
		timeout = 0;
	start = ktime_get_ns();
	/* A timeout beyond the clock's range is none. */
	if (check_mul_overflow((u64)timeout, (u64)(NSEC_PER_SEC / HZ),
			       &deadline) ||
	    check_add_overflow(deadline, start, &deadline))
		deadline = U64_MAX;
	while ((state = __atomic_load_n(&task->__state, __ATOMIC_ACQUIRE))) {
		if (ktime_get_ns() >= deadline)
			break;
		linux_futex_wait_until(&task->__state, state, deadline);
	}
	__set_current_state(TASK_RUNNING);
	now = ktime_get_ns();
	return now >= deadline ? 0
			       : (signed long)((deadline - now +
						NSEC_PER_SEC / HZ - 1) /
					       (NSEC_PER_SEC / HZ));
}

signed long schedule_timeout_interruptible(signed long timeout)
{
	__set_current_state(TASK_INTERRUPTIBLE);
	return schedule_timeout(timeout);
}

signed long schedule_timeout_uninterruptible(signed long timeout)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

int wake_up_state(struct task_struct *task, unsigned int state)
{
	/*
	 * Read-modify-write even when the task runs: it orders the waker's
	 * condition before the state, against set_current_state().
	 */
	unsigned int old =
		__atomic_fetch_or(&task->__state, 0, __ATOMIC_SEQ_CST);

	while (old & state) {
		if (__atomic_compare_exchange_n(
			    &task->__state, &old, TASK_RUNNING, false,
			    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			linux_futex_wake(&task->__state, 1);
			return 1;
		}
	}
	return 0;
}

int wake_up_process(struct task_struct *task)
{
	return wake_up_state(task, TASK_NORMAL);
}

int cond_resched(void)
{
	might_sleep();
	return 0;
}

void yield(void)
{
	might_sleep();
	sched_yield();
}
