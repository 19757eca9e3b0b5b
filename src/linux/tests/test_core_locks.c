// SPDX-License-Identifier: MIT OR GPL-2.0
/* Locks exclude, and every misuse of them is reported. */
#include "core_machine.h"

#include <linux/delay.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- exclusion -- */

#define ROUNDS 20000

static DEFINE_MUTEX(mutex);
static DEFINE_SPINLOCK(spin);
static DECLARE_RWSEM(rwsem);
static DEFINE_RWLOCK(rwlock);
static long a, b; /* equal whenever no lock is held */

static void change(void)
{
	CHECK(a == b);
	a++;
	b++;
}

static void *exclude(void *arg)
{
	int kind = *(int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned long flags;

		switch (kind) {
		case 0:
			mutex_lock(&mutex);
			change();
			mutex_unlock(&mutex);
			break;
		case 1:
			spin_lock_irqsave(&spin, flags);
			change();
			spin_unlock_irqrestore(&spin, flags);
			break;
		case 2:
			if (i % 4) {
				down_read(&rwsem);
				CHECK(a == b);
				up_read(&rwsem);
			} else {
				down_write(&rwsem);
				change();
				downgrade_write(&rwsem);
				CHECK(a == b);
				up_read(&rwsem);
			}
			break;
		case 3:
			if (i % 4) {
				read_lock(&rwlock);
				CHECK(a == b);
				read_unlock(&rwlock);
			} else {
				write_lock(&rwlock);
				change();
				write_unlock(&rwlock);
			}
			break;
		case 4:
			while (!mutex_trylock(&mutex))
				yield();
			change();
			mutex_unlock(&mutex);
			break;
		}
	}
	return NULL;
}

static void test_exclusion(void **state)
{
	for (int kind = 0; kind < 5; kind++) {
		pthread_t threads[3];
		long want = 3 * (kind == 2 || kind == 3 ? ROUNDS / 4 : ROUNDS);

		a = b = 0;
		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, exclude, &kind);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(a, want);
	}
	assert_false(mutex_is_locked(&mutex));
	assert_false(rwsem_is_locked(&rwsem));
}

/* ---------------------------------------------------------------- misuse -- */

static void *unlock_other(void *arg)
{
	mutex_unlock(arg);
	return NULL;
}

static void in_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, fn, arg);
	pthread_join(thread, NULL);
}

static void test_mutex_misuse(void **state)
{
	struct mutex m;

	mutex_init(&m);
	mutex_lock(&m);
	catch_begin();
	mutex_lock(&m);
	assert_non_null(strstr(caught(1), "locked twice"));

	catch_begin();
	in_thread(unlock_other, &m);
	assert_non_null(strstr(caught(1), "does not own"));
	assert_true(mutex_is_locked(&m));

	catch_begin();
	mutex_destroy(&m);
	assert_non_null(strstr(caught(1), "destroyed while held"));
	m.magic = LINUX_MUTEX_MAGIC;
	mutex_unlock(&m);

	catch_begin();
	mutex_unlock(&m);
	caught(1);

	mutex_destroy(&m);
	catch_begin();
	mutex_lock(&m);
	assert_non_null(strstr(caught(1), "never initialised, or destroyed"));
	mutex_unlock(&m);
}

static void *exit_holding(void *arg)
{
	mutex_lock(arg);
	return NULL;
}

static void test_held_too_long(void **state)
{
	struct mutex m;

	mutex_init(&m);
	catch_begin();
	in_thread(exit_holding, &m);
	assert_non_null(strstr(caught(1), "still held by thread"));

	mutex_init(&m);
	mutex_lock(&m);
	spin_lock(&spin);
	catch_begin();
	assert_int_equal(linux_assert_no_locks_held(), 2);
	caught(2);
	/* Forgotten, so that one mistake is not reported again and again. */
	assert_int_equal(linux_assert_no_locks_held(), 0);
	preempt_disable();
	rcu_read_lock();
	catch_begin();
	assert_int_equal(linux_assert_no_locks_held(), 2);
	caught(2);
	assert_int_equal(preempt_count(), 0);
	spin_lock_init(&spin);
}

static void test_sleeping_in_atomic(void **state)
{
	void *p;

	spin_lock(&spin);
	catch_begin();
	mutex_lock(&mutex);
	assert_non_null(strstr(caught(1), "sleeping while atomic: &spin"));
	mutex_unlock(&mutex);
	catch_begin();
	p = kmalloc(8, GFP_KERNEL);
	kfree(p);
	caught(1);
	/* These do not sleep. */
	p = kmalloc(8, GFP_ATOMIC);
	kfree(p);
	assert_int_equal(mutex_trylock(&mutex), 1);
	mutex_unlock(&mutex);
	spin_unlock(&spin);

	rcu_read_lock();
	catch_begin();
	might_sleep();
	assert_non_null(strstr(caught(1), "RCU reader"));
	rcu_read_unlock();
	might_sleep();
	catch_begin();
	rcu_read_unlock();
	caught(1);
}

static void test_spin_misuse(void **state)
{
	unsigned long flags;

	catch_begin();
	spin_unlock(&spin);
	assert_non_null(strstr(caught(1), "does not hold it"));

	spin_lock_irqsave(&spin, flags);
	assert_true(irqs_disabled());
	catch_begin();
	local_irq_restore(flags);
	local_irq_disable();
	caught(0);
	spin_unlock_irqrestore(&spin, flags);
	assert_false(irqs_disabled());

	local_irq_disable();
	catch_begin();
	spin_lock_irq(&spin);
	assert_non_null(strstr(caught(1), "interrupts off already"));
	spin_unlock_irq(&spin);
	assert_false(irqs_disabled());
}

static void test_rwsem_misuse(void **state)
{
	down_read(&rwsem);
	catch_begin();
	down_read(&rwsem);
	assert_non_null(strstr(caught(1), "taken twice"));
	assert_int_equal(down_write_trylock(&rwsem), 0);
	up_read(&rwsem);
	catch_begin();
	up_read(&rwsem);
	caught(1);
	assert_int_equal(down_write_trylock(&rwsem), 1);
	assert_int_equal(down_read_trylock(&rwsem), 0);
	up_write(&rwsem);
}

/* ----------------------------------------------------------------- order -- */

static void test_lock_order(void **state)
{
	struct mutex first, second, third;

	mutex_init(&first);
	mutex_init(&second);
	mutex_init(&third);
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&third);
	mutex_unlock(&second);
	mutex_unlock(&third);

	/* first -> second -> third is known; third -> first closes a ring. */
	mutex_lock(&third);
	catch_begin();
	mutex_lock(&first);
	assert_non_null(strstr(caught(1), "lock order: &first is taken while "
					  "&third is held"));
	mutex_unlock(&first);
	/* Once is enough. */
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&third);
	/* A trylock cannot wait, so it is never wrong. */
	mutex_lock(&second);
	assert_int_equal(mutex_trylock(&first), 1);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void init_twins(struct mutex *twins)
{
	for (int i = 0; i < 2; i++)
		mutex_init(&twins[i]);
}

static void test_lock_nesting(void **state)
{
	struct mutex twins[2];

	init_twins(twins);
	mutex_lock(&twins[0]);
	mutex_lock_nested(&twins[1], SINGLE_DEPTH_NESTING);
	mutex_unlock(&twins[1]);
	catch_begin();
	mutex_lock(&twins[1]);
	assert_non_null(strstr(caught(1), "nested without a subclass"));
	mutex_unlock(&twins[1]);
	mutex_unlock(&twins[0]);
}

/* Many locks of one class, as a reservation of many buffers takes them. */
static void test_many_locks(void **state)
{
	enum { COUNT = 5000 };
	struct mutex *locks = kvmalloc_array(COUNT, sizeof(*locks), GFP_KERNEL);

	for (int i = 0; i < COUNT; i++) {
		mutex_init(&locks[i]);
		assert_int_equal(mutex_trylock(&locks[i]), 1);
	}
	lockdep_assert_held(&locks[0]);
	lockdep_assert_held(&locks[COUNT - 1]);
	for (int i = COUNT; i--;)
		mutex_unlock(&locks[i]);
	lockdep_assert_not_held(&locks[0]);
	catch_begin();
	lockdep_assert_held(&locks[0]);
	caught(1);
	kvfree(locks);
}

/* ------------------------------------------------------------ references -- */

static int released;

static void release(struct kref *kref)
{
	released++;
}

static void test_refcounts(void **state)
{
	struct kref kref;
	refcount_t r;

	kref_init(&kref);
	kref_get(&kref);
	assert_int_equal(kref_put(&kref, release), 0);
	assert_int_equal(kref_put(&kref, release), 1);
	assert_int_equal(released, 1);
	assert_false(kref_get_unless_zero(&kref));
	catch_begin();
	kref_get(&kref);
	assert_non_null(strstr(caught(1), "use after free"));
	/* Saturated: it is never released again. */
	catch_begin();
	assert_int_equal(kref_put(&kref, release), 0);
	caught(1);

	refcount_set(&r, 0);
	catch_begin();
	assert_false(refcount_dec_and_test(&r));
	assert_non_null(strstr(caught(1), "underflow"));
	refcount_set(&r, INT_MAX);
	catch_begin();
	refcount_inc(&r);
	assert_non_null(strstr(caught(1), "overflow"));
	refcount_set(&r, 2);
	assert_false(refcount_dec_and_mutex_lock(&r, &mutex));
	assert_true(refcount_dec_and_mutex_lock(&r, &mutex));
	mutex_unlock(&mutex);
}

/* ------------------------------------------------------------------- RCU -- */

struct shared {
	long value, copy;
	struct rcu_head rcu;
};

static struct shared *published;
static bool readers_stop;

static void *rcu_reader(void *arg)
{
	while (!READ_ONCE(readers_stop)) {
		struct shared *s;

		rcu_read_lock();
		rcu_read_lock();
		s = rcu_dereference(published);
		CHECK(s->value == s->copy);
		rcu_read_unlock();
		ndelay(5000);
		CHECK(s->value == s->copy);
		rcu_read_unlock();
	}
	return NULL;
}

static void make_shared(long value)
{
	struct shared *s = kmalloc(sizeof(*s), GFP_KERNEL), *old = published;

	s->value = s->copy = value;
	rcu_assign_pointer(published, s);
	if (value % 3 == 0 && old) {
		synchronize_rcu();
		/* A reader that is still inside would see this. */
		old->value = -1;
		kfree(old);
	} else {
		kfree_rcu(old, rcu);
	}
}

static int called;

static void callback(struct rcu_head *head)
{
	called++;
	kfree(container_of(head, struct shared, rcu));
}

static void test_rcu(void **state)
{
	pthread_t threads[2];
	struct shared *last;

	make_shared(0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, rcu_reader, NULL);
	for (int i = 1; i < 300; i++)
		make_shared(i);
	WRITE_ONCE(readers_stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	last = published;
	published = NULL;
	call_rcu(&last->rcu, callback);
	rcu_barrier();
	assert_int_equal(called, 1);
}

/* The slowest that these may be, generously: see docs/linux.md for figures. */
static void test_costs(void **state)
{
	enum { N = 200000 };
	u64 start = ktime_get_ns(), lock_ns, alloc_ns;

	for (int i = 0; i < N; i++) {
		mutex_lock(&mutex);
		mutex_unlock(&mutex);
	}
	lock_ns = (ktime_get_ns() - start) / N;
	start = ktime_get_ns();
	for (int i = 0; i < N; i++)
		kfree(kmalloc(64, GFP_KERNEL));
	alloc_ns = (ktime_get_ns() - start) / N;
	print_message("# mutex %llu ns, kmalloc and kfree %llu ns\n",
		      (unsigned long long)lock_ns,
		      (unsigned long long)alloc_ns);
	assert_in_range(lock_ns, 0, 5000);
	assert_in_range(alloc_ns, 0, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exclusion),
		cmocka_unit_test(test_mutex_misuse),
		cmocka_unit_test(test_held_too_long),
		cmocka_unit_test(test_sleeping_in_atomic),
		cmocka_unit_test(test_spin_misuse),
		cmocka_unit_test(test_rwsem_misuse),
		cmocka_unit_test(test_lock_order),
		cmocka_unit_test(test_lock_nesting),
		cmocka_unit_test(test_many_locks),
		cmocka_unit_test(test_refcounts),
		cmocka_unit_test(test_rcu),
		cmocka_unit_test(test_costs),
	};

	return cmocka_run_group_tests(tests, machine_setup, machine_teardown);
}
