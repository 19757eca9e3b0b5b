// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The delays of delayed work: one thread, one tree ordered by expiry.
 */
#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/workqueue.h>
#include <time.h>
#include "internal.h"

/* Guarded by linux_work_lock. */
static struct {
	pthread_cond_t changed; /* on the monotonic clock */
	struct rb_root_cached tree;
	bool running;
	bool stop;
	pthread_t thread;
} timers;

static struct delayed_work *to_dwork(const struct rb_node *node)
{
	return rb_entry(node, struct delayed_work, timer);
}

static bool earlier(struct rb_node *a, const struct rb_node *b)
{
	return to_dwork(a)->expires_ns < to_dwork(b)->expires_ns;
}

void linux_timer_arm(struct delayed_work *dwork, u64 expires_ns)
{
	dwork->expires_ns = expires_ns;
	if (rb_add_cached(&dwork->timer, &timers.tree, earlier) &&
	    timers.running)
		pthread_cond_signal(&timers.changed);
}

bool linux_timer_disarm(struct delayed_work *dwork)
{
	if (RB_EMPTY_NODE(&dwork->timer))
		return false;
	rb_erase_cached(&dwork->timer, &timers.tree);
	RB_CLEAR_NODE(&dwork->timer);
	return true;
}

static void *timer_thread(void *arg)
{
	pthread_mutex_lock(&linux_work_lock);
	while (!timers.stop) {
		struct rb_node *first = rb_first_cached(&timers.tree);
		struct delayed_work *dwork;
		struct timespec ts;

		if (!first) {
			pthread_cond_wait(&timers.changed, &linux_work_lock);
			continue;
		}
		dwork = to_dwork(first);
		if (dwork->expires_ns <= ktime_get_ns()) {
			linux_timer_disarm(dwork);
			linux_delayed_work_expired(dwork);
			continue;
		}
		ts.tv_sec = (time_t)(dwork->expires_ns / NSEC_PER_SEC);
		ts.tv_nsec = (long)(dwork->expires_ns % NSEC_PER_SEC);
		pthread_cond_timedwait(&timers.changed, &linux_work_lock, &ts);
	}
	pthread_mutex_unlock(&linux_work_lock);
	return NULL;
}

int linux_timer_boot(void)
{
	pthread_condattr_t attr;
	int ret;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	ret = pthread_cond_init(&timers.changed, &attr);
	pthread_condattr_destroy(&attr);
	if (ret)
		return -ret;
	timers.stop = false;
	timers.running = true;
	ret = linux_thread_create(&timers.thread, "linux-timer", timer_thread,
				  NULL);
	if (ret) {
		timers.running = false;
		pthread_cond_destroy(&timers.changed);
	}
	return ret;
}

void linux_timer_shutdown(void)
{
	pthread_mutex_lock(&linux_work_lock);
	timers.stop = true;
	pthread_cond_signal(&timers.changed);
	pthread_mutex_unlock(&linux_work_lock);
	pthread_join(timers.thread, NULL);
	timers.running = false;
	pthread_cond_destroy(&timers.changed);
}

int linux_timer_report_leaks(void)
{
	int lines = 0;

	pthread_mutex_lock(&linux_work_lock);
	for (struct rb_node *node = rb_first_cached(&timers.tree); node;
	     node = rb_next(node), lines++)
		linux_report("leak: delayed work %p still armed",
			     (void *)to_dwork(node));
	timers.tree = RB_ROOT_CACHED;
	pthread_mutex_unlock(&linux_work_lock);
	return lines;
}
