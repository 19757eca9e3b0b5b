// SPDX-License-Identifier: MIT OR GPL-2.0
/* Work items, their delays, and the ways to wait for them. */
#include "core_machine.h"

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <dirent.h>
#include <pthread.h>
#include <string.h>

static u64 ms_since(u64 start_ns)
{
	return (ktime_get_ns() - start_ns) / 1000000;
}

/* --------------------------------------------------------------- waiting -- */

static DECLARE_WAIT_QUEUE_HEAD(wq_head);
static bool flag;

static void *set_flag_later(void *arg)
{
	msleep(20);
	WRITE_ONCE(flag, true);
	wake_up(&wq_head);
	return NULL;
}

static int evaluations;

static bool count_and_test(bool value)
{
	evaluations++;
	return value;
}

static void test_wait_event(void **state)
{
	pthread_t thread;
	u64 start = ktime_get_ns();
	long left;

	/* Never true: nothing is left after the time is over. */
	left = wait_event_timeout(wq_head, false, msecs_to_jiffies(30));
	assert_int_equal(left, 0);
	assert_in_range(ms_since(start), 29, 2000);
	assert_int_equal(wait_event_timeout(wq_head, false, 0), 0);
	assert_false(waitqueue_active(&wq_head));

	/* True at once: no sleep, one evaluation, all of the time left. */
	evaluations = 0;
	assert_int_equal(wait_event_timeout(wq_head, count_and_test(true), 50),
			 50);
	assert_int_equal(evaluations, 1);
	assert_int_equal(wait_event_timeout(wq_head, count_and_test(true), 0),
			 1);
	assert_int_equal(wait_event_interruptible(wq_head, true), 0);

	flag = false;
	pthread_create(&thread, NULL, set_flag_later, NULL);
	left = wait_event_interruptible_timeout(wq_head, READ_ONCE(flag),
						60 * HZ);
	assert_in_range(left, 1, 60 * HZ - 15);
	pthread_join(thread, NULL);

	flag = false;
	pthread_create(&thread, NULL, set_flag_later, NULL);
	wait_event(wq_head, READ_ONCE(flag));
	pthread_join(thread, NULL);
	assert_false(waitqueue_active(&wq_head));
}

/* A wakeup between the test of the condition and the sleep is not lost. */
static atomic_t turn;

static void *ping(void *arg)
{
	int me = *(int *)arg;

	for (int i = 0; i < 3000; i++) {
		wait_event(wq_head, atomic_read(&turn) % 2 == me);
		atomic_inc(&turn);
		wake_up_all(&wq_head);
	}
	return NULL;
}

static void test_no_lost_wakeup(void **state)
{
	int me[2] = {0, 1};
	pthread_t threads[2];

	atomic_set(&turn, 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, ping, &me[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_read(&turn), 6000);
}

static void *complete_later(void *arg)
{
	msleep(10);
	complete(arg);
	return NULL;
}

static void test_completion(void **state)
{
	DECLARE_COMPLETION_ONSTACK(done);
	pthread_t thread;

	assert_false(try_wait_for_completion(&done));
	assert_int_equal(wait_for_completion_timeout(&done, 5), 0);
	pthread_create(&thread, NULL, complete_later, &done);
	wait_for_completion(&done);
	pthread_join(thread, NULL);
	assert_false(completion_done(&done));
	complete(&done);
	complete(&done);
	assert_true(try_wait_for_completion(&done));
	assert_true(try_wait_for_completion(&done));
	assert_false(try_wait_for_completion(&done));
	complete_all(&done);
	assert_true(wait_for_completion_timeout(&done, 5) != 0);
	assert_true(completion_done(&done));
	reinit_completion(&done);
	assert_false(completion_done(&done));
}

/* ------------------------------------------------------------------ work -- */

struct item {
	struct work_struct work;
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	int number;
	int runs;
	struct completion started, go;
};

static int order[1000];
static atomic_t order_count;
static atomic_t inside, most_inside;

static void append(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);
	int now = atomic_inc_return(&inside);

	order[atomic_fetch_inc(&order_count)] = item->number;
	if (now > atomic_read(&most_inside))
		atomic_set(&most_inside, now);
	if (item->number % 100 == 0)
		usleep_range(500, 1000);
	item->runs++;
	atomic_dec(&inside);
}

static void test_ordered(void **state)
{
	struct workqueue_struct *wq =
		alloc_ordered_workqueue("ordered %d", 0, 1);
	struct item *items = kcalloc(1000, sizeof(*items), GFP_KERNEL);

	atomic_set(&order_count, 0);
	atomic_set(&most_inside, 0);
	for (int i = 0; i < 1000; i++) {
		items[i].number = i;
		INIT_WORK(&items[i].work, append);
		assert_true(queue_work(wq, &items[i].work));
	}
	flush_workqueue(wq);
	assert_int_equal(atomic_read(&order_count), 1000);
	assert_int_equal(atomic_read(&most_inside), 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(order[i], i);
	destroy_workqueue(wq);
	kfree(items);
}

static void rendezvous(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);

	item->runs++;
	complete(&item->started);
	wait_for_completion(&item->go);
}

static void init_item(struct item *item, work_func_t func)
{
	memset(item, 0, sizeof(*item));
	INIT_WORK(&item->work, func);
	INIT_DELAYED_WORK(&item->dwork, func);
	init_completion(&item->started);
	init_completion(&item->go);
}

/* Items that wait for each other all run, and a limit is a limit. */
static void test_concurrent(void **state)
{
	enum { COUNT = 20 };
	struct workqueue_struct *wq = alloc_workqueue("wide", WQ_UNBOUND, 0);
	struct workqueue_struct *narrow = alloc_workqueue("narrow", 0, 2);
	struct item items[COUNT];

	for (int i = 0; i < COUNT; i++) {
		init_item(&items[i], rendezvous);
		queue_work(wq, &items[i].work);
	}
	for (int i = 0; i < COUNT; i++)
		wait_for_completion(&items[i].started);
	for (int i = 0; i < COUNT; i++)
		complete(&items[i].go);
	destroy_workqueue(wq);

	for (int i = 0; i < 3; i++) {
		init_item(&items[i], rendezvous);
		queue_work(narrow, &items[i].work);
	}
	wait_for_completion(&items[0].started);
	wait_for_completion(&items[1].started);
	assert_int_equal(wait_for_completion_timeout(&items[2].started, 20), 0);
	complete(&items[0].go);
	wait_for_completion(&items[2].started);
	complete(&items[1].go);
	complete(&items[2].go);
	destroy_workqueue(narrow);
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The pool shrinks to a few threads when there is little to do. */
static void test_idle_threads_leave(void **state)
{
	int before = count_threads();

	test_concurrent(state);
	assert_true(count_threads() > before + 5);
	for (int i = 0; count_threads() > before + 4; i++) {
		assert_true(i < 200);
		msleep(50);
	}
}

static void test_pending_and_running(void **state)
{
	struct item item;

	init_item(&item, rendezvous);
	assert_true(queue_work(system_wq, &item.work));
	wait_for_completion(&item.started);
	/* Running is not pending: it can be queued once more, and only once. */
	assert_false(work_pending(&item.work));
	assert_true(queue_work(system_wq, &item.work));
	assert_false(queue_work(system_wq, &item.work));
	assert_true(work_pending(&item.work));
	/* It does not run beside itself. */
	assert_int_equal(wait_for_completion_timeout(&item.started, 20), 0);
	complete(&item.go);
	wait_for_completion(&item.started);
	assert_int_equal(item.runs, 2);
	complete(&item.go);
	assert_true(flush_work(&item.work) || !work_pending(&item.work));
	assert_false(flush_work(&item.work));
}

static void *release_later(void *arg)
{
	struct item *item = arg;

	msleep(20);
	complete(&item->go);
	return NULL;
}

static void test_cancel(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("cancel", 0);
	struct item first, second;
	pthread_t thread;

	init_item(&first, rendezvous);
	init_item(&second, rendezvous);
	queue_work(wq, &first.work);
	queue_work(wq, &second.work);
	wait_for_completion(&first.started);
	assert_true(cancel_work(&second.work));
	assert_false(cancel_work(&second.work));
	assert_false(cancel_work(&first.work));

	/* Waits for the instance that runs; queueing is refused meanwhile. */
	pthread_create(&thread, NULL, release_later, &first);
	assert_false(cancel_work_sync(&first.work));
	pthread_join(thread, NULL);
	assert_int_equal(first.runs, 1);
	assert_int_equal(second.runs, 0);

	assert_false(disable_work_sync(&second.work));
	assert_false(queue_work(wq, &second.work));
	assert_true(enable_work(&second.work));
	assert_true(queue_work(wq, &second.work));
	wait_for_completion(&second.started);
	complete(&second.go);
	destroy_workqueue(wq);
	assert_int_equal(second.runs, 1);
}

static void requeue(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);

	if (++item->runs < 50)
		queue_work(item->wq, work);
}

static void test_requeue_and_drain(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("drain", 0, 1);
	struct item item;

	init_item(&item, requeue);
	item.wq = wq;
	queue_work(wq, &item.work);
	drain_workqueue(wq);
	assert_int_equal(item.runs, 50);

	/* Cancelling beats requeueing. */
	item.runs = -1000000000;
	queue_work(wq, &item.work);
	msleep(5);
	cancel_work_sync(&item.work);
	assert_false(work_pending(&item.work));
	destroy_workqueue(wq);
}

static void free_itself(struct work_struct *work)
{
	kfree(container_of(work, struct item, work));
}

static void test_work_frees_itself(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("free", 0, 4);

	for (int i = 0; i < 200; i++) {
		struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

		init_item(item, free_itself);
		queue_work(wq, &item->work);
	}
	destroy_workqueue(wq);
}

/* ---------------------------------------------------------------- delays -- */

static void delayed_append(struct work_struct *work)
{
	struct item *item =
		container_of(to_delayed_work(work), struct item, dwork);

	order[atomic_fetch_inc(&order_count)] = item->number;
	item->runs++;
}

static void test_delayed(void **state)
{
	struct item items[5];
	u64 start = ktime_get_ns();

	atomic_set(&order_count, 0);
	for (int i = 0; i < 5; i++) {
		init_item(&items[i], delayed_append);
		items[i].number = i;
	}
	queue_delayed_work(system_wq, &items[0].dwork, msecs_to_jiffies(60));
	queue_delayed_work(system_wq, &items[1].dwork, msecs_to_jiffies(30));
	queue_delayed_work(system_wq, &items[2].dwork, 0);
	queue_delayed_work(system_wq, &items[3].dwork, 3600 * HZ);
	queue_delayed_work(system_wq, &items[4].dwork, 3600 * HZ);
	assert_false(queue_delayed_work(system_wq, &items[0].dwork, 1));
	assert_true(delayed_work_pending(&items[3].dwork));
	/* An armed timer is not a queued item. */
	assert_false(flush_work(&items[3].dwork.work));

	while (atomic_read(&order_count) < 3)
		msleep(1);
	assert_in_range(ms_since(start), 59, 5000);
	flush_workqueue(system_wq);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 0);

	/* Earlier, at once, or not at all. */
	assert_true(mod_delayed_work(system_wq, &items[3].dwork, 1));
	flush_delayed_work(&items[4].dwork);
	assert_int_equal(items[4].runs, 1);
	while (atomic_read(&order_count) < 5)
		msleep(1);
	flush_delayed_work(&items[3].dwork);
	assert_int_equal(items[3].runs, 1);
	assert_false(mod_delayed_work(system_wq, &items[0].dwork, 3600 * HZ));
	assert_true(cancel_delayed_work_sync(&items[0].dwork));
	assert_false(cancel_delayed_work(&items[0].dwork));
	for (int i = 0; i < 5; i++)
		assert_false(delayed_work_pending(&items[i].dwork));
}

/* Arming, firing and cancelling from several threads at once. */
static struct item hot[8];
static atomic_t hot_runs;

static void hot_work(struct work_struct *work)
{
	atomic_inc(&hot_runs);
}

static void *hammer(void *arg)
{
	unsigned int x = (unsigned int)(uintptr_t)arg * 2654435761u + 1;

	for (int i = 0; i < 2000; i++) {
		struct delayed_work *d;

		x = x * 1103515245u + 12345u;
		d = &hot[(x >> 16) % ARRAY_SIZE(hot)].dwork;
		switch ((x >> 24) % 5) {
		case 0:
			queue_delayed_work(system_wq, d, 0);
			break;
		case 1:
			queue_delayed_work(system_wq, d, 1);
			break;
		case 2:
			mod_delayed_work(system_wq, d, x % 2);
			break;
		case 3:
			cancel_delayed_work(d);
			break;
		default:
			cancel_delayed_work_sync(d);
		}
	}
	return NULL;
}

static void test_delayed_hammer(void **state)
{
	pthread_t threads[3];

	for (size_t i = 0; i < ARRAY_SIZE(hot); i++)
		init_item(&hot[i], hot_work);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, hammer, (void *)i);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(hot); i++) {
		cancel_delayed_work_sync(&hot[i].dwork);
		assert_false(delayed_work_pending(&hot[i].dwork));
	}
	assert_true(atomic_read(&hot_runs) > 0);
}

/* ---------------------------------------------------------------- misuse -- */

static DEFINE_MUTEX(leaked);

static void leak_lock(struct work_struct *work)
{
	mutex_lock(&leaked);
}

static void wait_for_myself(struct work_struct *work)
{
	flush_work(work);
	flush_workqueue(container_of(work, struct item, work)->wq);
}

static struct mutex deadlock;

static void take_deadlock(struct work_struct *work)
{
	mutex_lock(&deadlock);
	mutex_unlock(&deadlock);
}

static void test_work_misuse(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("misuse", 0, 1);
	struct item item;

	init_item(&item, leak_lock);
	catch_begin();
	queue_work(wq, &item.work);
	flush_workqueue(wq);
	assert_non_null(strstr(caught(1), "still held by thread linux-worker"));

	init_item(&item, wait_for_myself);
	item.wq = wq;
	catch_begin();
	queue_work(wq, &item.work);
	flush_workqueue(wq);
	caught(2);

	/*
	 * Flushing with a lock that the item takes: it happens not to hang
	 * here, because the item is through.
	 */
	mutex_init(&deadlock);
	init_item(&item, take_deadlock);
	queue_work(wq, &item.work);
	flush_work(&item.work);
	mutex_lock(&deadlock);
	catch_begin();
	flush_work(&item.work);
	assert_non_null(strstr(caught(1), "lock order"));
	mutex_unlock(&deadlock);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_event),
		cmocka_unit_test(test_no_lost_wakeup),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_ordered),
		cmocka_unit_test(test_idle_threads_leave),
		cmocka_unit_test(test_pending_and_running),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_requeue_and_drain),
		cmocka_unit_test(test_work_frees_itself),
		cmocka_unit_test(test_delayed),
		cmocka_unit_test(test_delayed_hammer),
		cmocka_unit_test(test_work_misuse),
	};

	return cmocka_run_group_tests(tests, machine_setup, machine_teardown);
}
