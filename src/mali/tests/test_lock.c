/* SPDX-License-Identifier: MIT */
/* The tlb lock: nobody else meanwhile, and nobody waits for ever. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "mali_private.h"
#include "mali_test.h"

#define THREADS 4
#define WAITS 40

struct shared {
	_Atomic bool stop;
	_Atomic uint64_t turns; /* changed under the lock */
	uint64_t hold_ns;
};

/* Has the lock nearly all the time, as a stream that loops. */
static void *hog(void *data)
{
	struct shared *s = data;
	uint64_t *turns = malloc(sizeof(*turns));

	for (*turns = 0; !atomic_load(&s->stop); ++*turns) {
		uint64_t since;

		mali_tlb_lock();
		since = test_now_ns();
		/* In two steps, which only the lock makes one. */
		atomic_store(&s->turns, atomic_load(&s->turns) + 1);
		while (test_now_ns() - since < s->hold_ns)
			;
		mali_tlb_unlock();
	}
	return turns;
}

static void start(struct shared *s, pthread_t *threads, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hog, s), 0);
}

/* Returns how many turns all of them had, by their own account. */
static uint64_t stop(struct shared *s, pthread_t *threads, unsigned count)
{
	uint64_t sum = 0;

	atomic_store(&s->stop, true);
	for (unsigned i = 0; i < count; i++) {
		void *turns;

		pthread_join(threads[i], &turns);
		sum += *(uint64_t *)turns;
		free(turns);
	}
	return sum;
}

static void test_exclusion(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned hold_ns = 0; hold_ns < 3000; hold_ns += 1000) {
		struct shared s = {.hold_ns = hold_ns};
		uint64_t sum;

		start(&s, threads, THREADS);
		usleep(300000);
		sum = stop(&s, threads, THREADS);
		assert_int_equal(sum, atomic_load(&s.turns));
		assert_true(sum > 100);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * One who comes now and then where another always is. Turns are counted, not
 * time, of which the host may take as much as it likes, and some waits may be
 * long: it may take the processor from who waits.
 */
static void test_starvation(void **state)
{
	struct shared s = {.hold_ns = 100000};
	uint64_t waits[WAITS];
	pthread_t thread;

	(void)state;
	start(&s, &thread, 1);
	for (unsigned i = 0; i < WAITS; i++) {
		usleep(2000);
		waits[i] = atomic_load(&s.turns);
		mali_tlb_lock();
		waits[i] = atomic_load(&s.turns) - waits[i];
		mali_tlb_unlock();
	}
	stop(&s, &thread, 1);
	qsort(waits, WAITS, sizeof(waits[0]), compare);
	print_message(
		"# in three of four waits the other had %llu turns at most, in "
		"all %llu\n",
		(unsigned long long)waits[WAITS * 3 / 4 - 1],
		(unsigned long long)waits[WAITS - 1]);
	assert_in_range(waits[WAITS * 3 / 4 - 1], 0, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exclusion),
		cmocka_unit_test(test_starvation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
