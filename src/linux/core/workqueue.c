// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Workqueues: queues hold back what exceeds their limit, one pool of threads
 * runs the rest.
 *
 *	idle -> (armed ->) queued: INACTIVE in its queue, while max_active items
 *	                   of the queue are under way
 *	                -> POOL, in the pool's list, until a thread takes it
 *	                -> COLLIDED, in the list of the worker that is running
 *	                   an earlier instance of the same item
 *	     -> running, during which it may be queued again
 *
 * The pool grows by one thread at a time, when something is pending and nobody
 * idle: so blocked items never hold up others, and many short ones do not
 * create many threads.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <errno.h>
#include <stdarg.h>
#include <time.h>
#include "internal.h"

#define MAX_WORKERS 512
#define MAX_IDLE 2
#define IDLE_NS (2 * NSEC_PER_SEC)

enum place { NOWHERE, INACTIVE, POOL, COLLIDED };

struct workqueue_struct {
	struct list_head all;
	struct list_head inactive;
	int max_active;
	int nr_active; /* in the pool or running */
	/*
	 * Items are counted under the colour of their time; a flush changes
	 * the colour and waits for the old one to run out.
	 */
	u8 color;
	unsigned int in_flight[2];
	bool flushing;
	bool draining;
	bool system;
	char name[32];
	struct lockdep_map dep_map;
};

struct worker {
	struct list_head busy; /* in pool.busy while it runs something */
	struct list_head collided;
	struct list_head flushers; /* of the instance that runs */
	struct work_struct *current_work;
	work_func_t current_func;
	struct workqueue_struct *current_wq;
	pthread_t thread;
	struct list_head dead; /* in pool.dead, to be joined */
};

struct flusher {
	struct list_head link;
	bool done;
};

pthread_mutex_t linux_work_lock = PTHREAD_MUTEX_INITIALIZER;

/* Guarded by linux_work_lock. */
static struct {
	bool up;
	bool stop;
	struct list_head queues;
	struct list_head pending;
	struct list_head busy;
	struct list_head dead;
	unsigned int nr_workers;
	unsigned int nr_idle;
	bool starting;	     /* one thread was created and has not looked yet */
	pthread_cond_t wake; /* idle workers; on the monotonic clock */
	pthread_cond_t done; /* an instance ended, or a worker */
} pool = {
	.queues = LIST_HEAD_INIT(pool.queues),
	.pending = LIST_HEAD_INIT(pool.pending),
	.busy = LIST_HEAD_INIT(pool.busy),
	.dead = LIST_HEAD_INIT(pool.dead),
	.done = PTHREAD_COND_INITIALIZER,
};

struct workqueue_struct *system_wq;
struct workqueue_struct *system_highpri_wq;
struct workqueue_struct *system_long_wq;
struct workqueue_struct *system_unbound_wq;

static void *worker_thread(void *arg);

static void lock_pool(void)
{
	pthread_mutex_lock(&linux_work_lock);
}

static void unlock_pool(void)
{
	pthread_mutex_unlock(&linux_work_lock);
}

/* ------------------------------------------------------------------ pool -- */

static void spawn_worker(void)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int ret = -ENOMEM;

	if (worker) {
		INIT_LIST_HEAD(&worker->collided);
		INIT_LIST_HEAD(&worker->flushers);
		/* It blocks on our lock first, so ->thread is set in time. */
		ret = linux_thread_create(&worker->thread, "linux-worker",
					  worker_thread, worker);
	}
	if (ret) {
		free(worker);
		WARN(!pool.nr_workers, "no thread to run work: %d", ret);
		return;
	}
	pool.starting = true;
	pool.nr_workers++;
}

/* Somebody must look at what is pending. */
static void kick_pool(void)
{
	if (list_empty(&pool.pending))
		return;
	if (pool.nr_idle)
		pthread_cond_signal(&pool.wake);
	else if (!pool.starting && pool.nr_workers < MAX_WORKERS)
		spawn_worker();
}

static struct worker *find_running(const struct work_struct *work)
{
	struct worker *worker;

	list_for_each_entry (worker, &pool.busy, busy)
		if (worker->current_work == work &&
		    worker->current_func == work->func)
			return worker;
	return NULL;
}

static void activate(struct workqueue_struct *wq, struct work_struct *work)
{
	wq->nr_active++;
	work->where = POOL;
	list_add_tail(&work->entry, &pool.pending);
	kick_pool();
}

static void enqueue(struct workqueue_struct *wq, struct work_struct *work)
{
	work->pending = true;
	work->wq = wq;
	work->color = wq->color;
	wq->in_flight[work->color]++;
	if (wq->nr_active < wq->max_active) {
		activate(wq, work);
	} else {
		work->where = INACTIVE;
		list_add_tail(&work->entry, &wq->inactive);
	}
}

/* An instance is over, whether it ran or was cancelled. */
static void end_instance(struct workqueue_struct *wq, u8 color, bool was_active)
{
	wq->in_flight[color]--;
	if (was_active) {
		wq->nr_active--;
		if (!list_empty(&wq->inactive)) {
			struct work_struct *next = list_first_entry(
				&wq->inactive, struct work_struct, entry);

			list_del_init(&next->entry);
			activate(wq, next);
		}
	}
	pthread_cond_broadcast(&pool.done);
}

static void release_flushers(struct list_head *flushers)
{
	struct flusher *flusher, *next;

	list_for_each_entry_safe (flusher, next, flushers, link) {
		list_del_init(&flusher->link);
		flusher->done = true;
	}
	pthread_cond_broadcast(&pool.done);
}

static void run_work(struct worker *worker, struct work_struct *work)
{
	struct workqueue_struct *wq = work->wq;
	work_func_t func = work->func;
	struct lockdep_map map = work->dep_map;
	u8 color = work->color;

	list_del_init(&work->entry);
	list_splice_tail_init(&work->flushers, &worker->flushers);
	work->pending = false;
	work->wq = NULL;
	work->where = NOWHERE;
	worker->current_work = work;
	worker->current_func = func;
	worker->current_wq = wq;
	list_add_tail(&worker->busy, &pool.busy);
	unlock_pool();

	/* The function may free the item. */
	lock_map_acquire(&wq->dep_map);
	lock_map_acquire(&map);
	func(work);
	lock_map_release(&map);
	lock_map_release(&wq->dep_map);
	linux_assert_no_locks_held();

	lock_pool();
	list_del(&worker->busy);
	worker->current_work = NULL;
	release_flushers(&worker->flushers);
	end_instance(wq, color, true);
}

/* NULL: it runs elsewhere, and that worker will run it again. */
static struct work_struct *take_work(void)
{
	struct work_struct *work =
		list_first_entry(&pool.pending, struct work_struct, entry);
	struct worker *other = find_running(work);

	if (!other)
		return work;
	work->where = COLLIDED;
	list_move_tail(&work->entry, &other->collided);
	return NULL;
}

static void work_all(struct worker *worker)
{
	while (!list_empty(&pool.pending)) {
		struct work_struct *work = take_work();

		if (!work)
			continue;
		list_del_init(&work->entry);
		kick_pool();
		run_work(worker, work);
		while (!list_empty(&worker->collided))
			run_work(worker,
				 list_first_entry(&worker->collided,
						  struct work_struct, entry));
	}
}

/* False: it was idle long enough, with others to spare. */
static bool wait_idle(void)
{
	u64 end = ktime_get_ns() + IDLE_NS;
	struct timespec ts = {
		.tv_sec = (time_t)(end / NSEC_PER_SEC),
		.tv_nsec = (long)(end % NSEC_PER_SEC),
	};
	int ret;

	pool.nr_idle++;
	ret = pthread_cond_timedwait(&pool.wake, &linux_work_lock, &ts);
	pool.nr_idle--;
	return ret != ETIMEDOUT || pool.nr_idle < MAX_IDLE;
}

/* Joins the threads that ended; drops the lock meanwhile. */
static void reap_workers(void)
{
	while (!list_empty(&pool.dead)) {
		struct worker *worker =
			list_first_entry(&pool.dead, struct worker, dead);

		list_del(&worker->dead);
		unlock_pool();
		pthread_join(worker->thread, NULL);
		free(worker);
		lock_pool();
	}
}

static void *worker_thread(void *arg)
{
	struct worker *worker = arg;

	current->worker = worker;
	lock_pool();
	pool.starting = false;
	for (;;) {
		work_all(worker);
		reap_workers();
		if (!list_empty(&pool.pending))
			continue;
		if ((pool.stop || !wait_idle()) && list_empty(&pool.pending))
			break;
	}
	pool.nr_workers--;
	list_add_tail(&worker->dead, &pool.dead);
	pthread_cond_broadcast(&pool.done);
	unlock_pool();
	current->worker = NULL;
	return NULL;
}

/* -------------------------------------------------------------- queueing -- */

void linux_init_work(struct work_struct *work, work_func_t func,
		     const char *name, struct lock_class_key *key)
{
	*work = (struct work_struct){.func = func};
	INIT_LIST_HEAD(&work->entry);
	INIT_LIST_HEAD(&work->flushers);
	lockdep_init_map(&work->dep_map, name, key, 0);
}

void linux_init_delayed_work(struct delayed_work *dwork, work_func_t func,
			     const char *name, struct lock_class_key *key)
{
	linux_init_work(&dwork->work, func, name, key);
	RB_CLEAR_NODE(&dwork->timer);
	dwork->timer_wq = NULL;
	dwork->expires_ns = 0;
}

static struct worker *current_worker(void)
{
	return current->worker;
}

/* While a queue drains, only its own items may add to it. */
static bool may_queue(const struct workqueue_struct *wq)
{
	const struct worker *worker = current_worker();

	if (WARN(!pool.up, "work queued while no machine runs"))
		return false;
	return !WARN(wq->draining && (!worker || worker->current_wq != wq),
		     "work queued to %s while it drains", wq->name);
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	lock_pool();
	queued = !work->pending && !work->disabled && may_queue(wq);
	if (queued)
		enqueue(wq, work);
	unlock_pool();
	return queued;
}

static void arm(struct workqueue_struct *wq, struct delayed_work *dwork,
		unsigned long delay)
{
	if (!delay) {
		enqueue(wq, &dwork->work);
		return;
	}
	if (delay > MAX_JIFFY_OFFSET / (NSEC_PER_SEC / HZ))
		delay = MAX_JIFFY_OFFSET / (NSEC_PER_SEC / HZ);
	dwork->work.pending = true;
	dwork->timer_wq = wq;
	linux_timer_arm(dwork, ktime_get_ns() + jiffies_to_nsecs(delay));
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay)
{
	bool queued;

	lock_pool();
	queued = !dwork->work.pending && !dwork->work.disabled && may_queue(wq);
	if (queued)
		arm(wq, dwork, delay);
	unlock_pool();
	return queued;
}

void linux_delayed_work_expired(struct delayed_work *dwork)
{
	enqueue(dwork->timer_wq, &dwork->work);
}

/* Takes a queued item back. False: it was not queued. */
static bool dequeue(struct work_struct *work)
{
	struct workqueue_struct *wq = work->wq;
	bool was_active = work->where != INACTIVE;

	if (!wq)
		return false;
	list_del_init(&work->entry);
	work->pending = false;
	work->wq = NULL;
	work->where = NOWHERE;
	release_flushers(&work->flushers);
	end_instance(wq, work->color, was_active);
	return true;
}

static bool dequeue_delayed(struct delayed_work *dwork)
{
	if (linux_timer_disarm(dwork)) {
		dwork->work.pending = false;
		return true;
	}
	return dequeue(&dwork->work);
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	bool was;

	lock_pool();
	was = dequeue_delayed(dwork);
	if (!dwork->work.disabled && may_queue(wq))
		arm(wq, dwork, delay);
	unlock_pool();
	return was;
}

bool work_pending(struct work_struct *work)
{
	bool pending;

	lock_pool();
	pending = work->pending;
	unlock_pool();
	return pending;
}

bool delayed_work_pending(struct delayed_work *dwork)
{
	return work_pending(&dwork->work);
}

struct work_struct *current_work(void)
{
	struct worker *worker = current_worker();

	return worker ? worker->current_work : NULL;
}

/* -------------------------------------------------- waiting, taking back -- */

/*
 * The order check of waiting for the item: whoever holds a lock here that the
 * item takes would wait for ever.
 */
static void check_flush_order(struct lockdep_map *map)
{
	lock_map_acquire(map);
	lock_map_release(map);
}

static void wait_for(struct list_head *flushers)
{
	struct flusher flusher = {.done = false};

	list_add_tail(&flusher.link, flushers);
	while (!flusher.done)
		pthread_cond_wait(&pool.done, &linux_work_lock);
}

/* Waits for a running instance; false: there was none. */
static bool wait_running(struct work_struct *work)
{
	struct worker *worker = find_running(work);

	if (!worker ||
	    WARN(worker == current_worker(), "work waits for itself"))
		return false;
	wait_for(&worker->flushers);
	return true;
}

bool flush_work(struct work_struct *work)
{
	bool waited = true;

	might_sleep();
	check_flush_order(&work->dep_map);
	lock_pool();
	if (work->wq)
		wait_for(&work->flushers);
	else
		waited = wait_running(work);
	unlock_pool();
	return waited;
}

bool flush_delayed_work(struct delayed_work *dwork)
{
	lock_pool();
	if (linux_timer_disarm(dwork))
		enqueue(dwork->timer_wq, &dwork->work);
	unlock_pool();
	return flush_work(&dwork->work);
}

bool cancel_work(struct work_struct *work)
{
	bool was;

	lock_pool();
	was = dequeue(work);
	unlock_pool();
	return was;
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	bool was;

	lock_pool();
	was = dequeue_delayed(dwork);
	unlock_pool();
	return was;
}

/* delta: what is left of the disabling afterwards. */
static bool cancel_sync(struct work_struct *work, struct delayed_work *dwork,
			unsigned int keep_disabled)
{
	bool was;

	might_sleep();
	check_flush_order(&work->dep_map);
	lock_pool();
	work->disabled++;
	was = dwork ? dequeue_delayed(dwork) : dequeue(work);
	wait_running(work);
	work->disabled -= 1 - keep_disabled;
	unlock_pool();
	return was;
}

bool cancel_work_sync(struct work_struct *work)
{
	return cancel_sync(work, NULL, 0);
}

bool cancel_delayed_work_sync(struct delayed_work *dwork)
{
	return cancel_sync(&dwork->work, dwork, 0);
}

bool disable_work_sync(struct work_struct *work)
{
	return cancel_sync(work, NULL, 1);
}

bool disable_delayed_work_sync(struct delayed_work *dwork)
{
	return cancel_sync(&dwork->work, dwork, 1);
}

bool enable_work(struct work_struct *work)
{
	bool enabled;

	lock_pool();
	if (!WARN(!work->disabled, "work enabled that was not disabled"))
		work->disabled--;
	enabled = !work->disabled;
	unlock_pool();
	return enabled;
}

bool enable_delayed_work(struct delayed_work *dwork)
{
	return enable_work(&dwork->work);
}

static void flush_locked(struct workqueue_struct *wq)
{
	u8 old;

	while (wq->flushing)
		pthread_cond_wait(&pool.done, &linux_work_lock);
	wq->flushing = true;
	old = wq->color;
	wq->color ^= 1;
	while (wq->in_flight[old])
		pthread_cond_wait(&pool.done, &linux_work_lock);
	wq->flushing = false;
	pthread_cond_broadcast(&pool.done);
}

static bool flushes_itself(const struct workqueue_struct *wq)
{
	const struct worker *worker = current_worker();

	return WARN(worker && worker->current_wq == wq,
		    "work flushes its own queue %s", wq->name);
}

void __flush_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	if (flushes_itself(wq))
		return;
	check_flush_order(&wq->dep_map);
	lock_pool();
	flush_locked(wq);
	unlock_pool();
}

static void drain_locked(struct workqueue_struct *wq)
{
	wq->draining = true;
	while (wq->in_flight[0] || wq->in_flight[1])
		flush_locked(wq);
	wq->draining = false;
}

void drain_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	if (flushes_itself(wq))
		return;
	check_flush_order(&wq->dep_map);
	lock_pool();
	drain_locked(wq);
	unlock_pool();
}

/* ---------------------------------------------------------------- queues -- */

struct workqueue_struct *linux_alloc_workqueue(struct lock_class_key *key,
					       const char *fmt,
					       unsigned int flags,
					       int max_active, ...)
{
	struct workqueue_struct *wq = kzalloc(sizeof(*wq), GFP_KERNEL);
	va_list args;

	if (!wq)
		return NULL;
	va_start(args, max_active);
	vsnprintf(wq->name, sizeof(wq->name), fmt, args);
	va_end(args);
	lockdep_init_map(&wq->dep_map, fmt, key, 0);
	INIT_LIST_HEAD(&wq->inactive);
	wq->max_active = max_active ?: WQ_DFL_ACTIVE;
	lock_pool();
	list_add_tail(&wq->all, &pool.queues);
	unlock_pool();
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	drain_workqueue(wq);
	lock_pool();
	list_del(&wq->all);
	unlock_pool();
	kfree(wq);
}

/* ------------------------------------------------------------------ boot -- */

static struct workqueue_struct **const system_queues[] = {
	&system_wq, &system_highpri_wq, &system_long_wq, &system_unbound_wq};

static void free_system_queues(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_queues); i++) {
		if (*system_queues[i])
			destroy_workqueue(*system_queues[i]);
		*system_queues[i] = NULL;
	}
}

int linux_workqueue_boot(void)
{
	pthread_condattr_t attr;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(system_queues); i++) {
		*system_queues[i] = alloc_workqueue("system", 0, 0);
		if (!*system_queues[i]) {
			free_system_queues();
			return -ENOMEM;
		}
		(*system_queues[i])->system = true;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	ret = pthread_cond_init(&pool.wake, &attr);
	pthread_condattr_destroy(&attr);
	if (ret) {
		free_system_queues();
		return -ret;
	}
	lock_pool();
	pool.stop = false;
	pool.up = true;
	unlock_pool();
	return 0;
}

/* Queues that nobody destroyed are run dry too; timers are stopped by now. */
void linux_workqueue_shutdown(void)
{
	struct workqueue_struct *wq;

	lock_pool();
	list_for_each_entry (wq, &pool.queues, all)
		drain_locked(wq);
	pool.up = false;
	pool.stop = true;
	while (pool.nr_workers) {
		pthread_cond_broadcast(&pool.wake);
		pthread_cond_wait(&pool.done, &linux_work_lock);
	}
	reap_workers();
	unlock_pool();
	free_system_queues();
	pthread_cond_destroy(&pool.wake);
}

int linux_workqueue_report_leaks(void)
{
	struct workqueue_struct *wq, *next;
	int lines = 0;

	lock_pool();
	list_for_each_entry_safe (wq, next, &pool.queues, all) {
		if (wq->system)
			continue;
		linux_report("leak: workqueue %s", wq->name);
		list_del_init(&wq->all);
		lines++;
	}
	unlock_pool();
	return lines;
}
