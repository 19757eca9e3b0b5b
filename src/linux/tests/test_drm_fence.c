// SPDX-License-Identifier: MIT OR GPL-2.0
/* Fences, arrays, chains, reservations and how several are locked. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "drm_fixture.h"

struct test_fence {
	struct dma_fence base;
	spinlock_t lock;
	int enables; /* calls of enable_signaling */
	bool enable_result;
	bool hardware_done; /* what signaled() says */
	bool *released;
};

static struct test_fence *to_test(struct dma_fence *fence)
{
	return container_of(fence, struct test_fence, base);
}

static const char *fence_name(struct dma_fence *fence)
{
	return "test";
}

static bool fence_enable(struct dma_fence *fence)
{
	to_test(fence)->enables++;
	return to_test(fence)->enable_result;
}

static bool fence_signaled(struct dma_fence *fence)
{
	return to_test(fence)->hardware_done;
}

static void fence_release(struct dma_fence *fence)
{
	if (to_test(fence)->released)
		*to_test(fence)->released = true;
	dma_fence_free(fence);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
	.enable_signaling = fence_enable,
	.signaled = fence_signaled,
	.release = fence_release,
};

static struct dma_fence *create_in(u64 context, u64 seqno)
{
	struct test_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	assert_non_null(fence);
	spin_lock_init(&fence->lock);
	fence->enable_result = true;
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, context, seqno);
	return &fence->base;
}

static struct dma_fence *create(void)
{
	return create_in(dma_fence_context_alloc(1), 1);
}

struct counting_cb {
	struct dma_fence_cb base;
	int calls;
	int error;
};

static void count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct counting_cb *counting =
		container_of(cb, struct counting_cb, base);

	counting->calls++;
	counting->error = fence->error;
}

/* --------------------------------------------------------------- fences -- */

static void test_signal(void **state)
{
	struct dma_fence *fence = create();
	struct counting_cb a = {}, b = {}, c = {};
	bool released = false;

	to_test(fence)->released = &released;
	assert_int_equal(dma_fence_get_status(fence), 0);
	assert_int_equal(dma_fence_add_callback(fence, &a.base, count_call), 0);
	assert_int_equal(dma_fence_add_callback(fence, &b.base, count_call), 0);
	assert_int_equal(to_test(fence)->enables, 1);
	assert_true(dma_fence_remove_callback(fence, &b.base));
	assert_false(dma_fence_remove_callback(fence, &b.base));
	dma_fence_set_error(fence, -ECANCELED);
	assert_int_equal(dma_fence_signal(fence), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error, -ECANCELED);
	assert_int_equal(b.calls, 0);
	assert_false(dma_fence_remove_callback(fence, &a.base));
	assert_int_equal(dma_fence_add_callback(fence, &c.base, count_call),
			 -ENOENT);
	assert_int_equal(c.calls, 0);
	assert_int_equal(dma_fence_get_status(fence), -ECANCELED);
	assert_true(dma_fence_timestamp(fence) > 0);
	dma_fence_put(fence);
	assert_true(released);
}

static void test_signal_twice_is_reported(void **state)
{
	struct dma_fence *fence = create();

	assert_int_equal(dma_fence_signal(fence), 0);
	fixture_expect_warnings(1);
	assert_int_equal(dma_fence_signal(fence), -EINVAL);
	fixture_expect_warnings(1);
	dma_fence_set_error(fence, -EIO);
	dma_fence_put(fence);
}

static void test_release_with_waiters_is_reported(void **state)
{
	struct dma_fence *fence = create();
	struct counting_cb cb = {};

	assert_int_equal(dma_fence_add_callback(fence, &cb.base, count_call),
			 0);
	fixture_expect_warnings(1);
	dma_fence_put(fence);
	assert_int_equal(cb.calls, 1);
	assert_int_equal(cb.error, -EDEADLK);
}

/* The hardware is done, but has told nobody: looking is enough. */
static void test_lazy_signal(void **state)
{
	struct dma_fence *fence = create();
	struct counting_cb cb = {};

	assert_int_equal(dma_fence_add_callback(fence, &cb.base, count_call),
			 0);
	to_test(fence)->hardware_done = true;
	assert_true(dma_fence_is_signaled(fence));
	assert_true(dma_fence_is_signaled(fence));
	assert_int_equal(cb.calls, 1);
	dma_fence_put(fence);

	/* Or it finds out when it is asked to tell. */
	fence = create();
	to_test(fence)->enable_result = false;
	assert_int_equal(dma_fence_add_callback(fence, &cb.base, count_call),
			 -ENOENT);
	assert_int_equal(dma_fence_get_status(fence), 1);
	dma_fence_put(fence);
}

static void test_later(void **state)
{
	struct dma_fence *a = create_in(7, 0xffffffffu);
	struct dma_fence *b = create_in(7, 1);

	/* 32-bit sequence numbers wrap. */
	assert_true(dma_fence_is_later(b, a));
	assert_false(dma_fence_is_later(a, b));
	assert_true(dma_fence_is_later_or_same(a, a));
	assert_ptr_equal(dma_fence_later(a, b), b);
	dma_fence_signal(b);
	assert_null(dma_fence_later(a, b));
	dma_fence_signal(a);
	dma_fence_put(a);
	dma_fence_put(b);
}

static void *signal_later(void *fence)
{
	usleep(10000);
	dma_fence_signal(fence);
	return NULL;
}

static void test_wait(void **state)
{
	struct dma_fence *fences[3] = { create(), create(), create() };
	uint32_t first = 99;
	pthread_t thread;
	signed long left;

	assert_int_equal(dma_fence_wait_timeout(fences[1], false, 0), 0);
	assert_int_equal(dma_fence_wait_timeout(fences[1], false, 2), 0);
	assert_int_equal(dma_fence_wait_any_timeout(fences, 3, false, 2, NULL),
			 0);
	assert_int_equal(pthread_create(&thread, NULL, signal_later, fences[1]),
			 0);
	left = dma_fence_wait_any_timeout(fences, 3, false, 100 * HZ, &first);
	assert_true(left > 0 && left < 100 * HZ);
	assert_int_equal(first, 1);
	pthread_join(thread, NULL);
	left = dma_fence_wait_any_timeout(fences, 3, false, 0, &first);
	assert_int_equal(left, 1);
	assert_int_equal(dma_fence_wait_timeout(fences[1], false, 0), 1);
	assert_int_equal(dma_fence_wait_timeout(fences[1], false, 5), 5);

	assert_int_equal(pthread_create(&thread, NULL, signal_later, fences[0]),
			 0);
	assert_int_equal(dma_fence_wait(fences[0], true), 0);
	pthread_join(thread, NULL);
	dma_fence_signal(fences[2]);
	for (int i = 0; i < 3; i++)
		dma_fence_put(fences[i]);
}

static void test_stubs(void **state)
{
	struct dma_fence *a = dma_fence_get_stub(), *b = dma_fence_get_stub();
	struct dma_fence *own = dma_fence_allocate_private_stub(1234);

	assert_ptr_equal(a, b);
	assert_true(dma_fence_is_signaled(a));
	assert_true(dma_fence_is_signaled(own));
	assert_int_equal(dma_fence_timestamp(own), 1234);
	dma_fence_put(a);
	dma_fence_put(b);
	dma_fence_put(own);
}

/* --------------------------------------------------------------- arrays -- */

static struct dma_fence *create_array(struct dma_fence *a, struct dma_fence *b,
				      bool any)
{
	struct dma_fence **fences =
		kmalloc_array(2, sizeof(*fences), GFP_KERNEL);

	fences[0] = dma_fence_get(a);
	fences[1] = dma_fence_get(b);
	return &dma_fence_array_create(2, fences, dma_fence_context_alloc(1), 1,
				       any)
			->base;
}

static void test_array(void **state)
{
	for (int any = 0; any < 2; any++) {
		for (int wait = 0; wait < 2; wait++) {
			struct dma_fence *a = create(), *b = create();
			struct dma_fence *array = create_array(a, b, any);
			struct counting_cb cb = {};

			if (wait)
				assert_int_equal(
					dma_fence_add_callback(
						array, &cb.base, count_call),
					0);
			assert_false(dma_fence_is_signaled(array));
			dma_fence_signal(b);
			assert_int_equal(dma_fence_is_signaled(array), any);
			assert_int_equal(cb.calls, any && wait);
			dma_fence_signal(a);
			assert_true(dma_fence_is_signaled(array));
			assert_int_equal(cb.calls, wait);
			dma_fence_put(a);
			dma_fence_put(b);
			dma_fence_put(array);
		}
	}
}

static void test_array_error(void **state)
{
	struct dma_fence *a = create(), *b = create();
	struct dma_fence *array = create_array(a, b, false);

	dma_fence_enable_sw_signaling(array);
	dma_fence_set_error(b, -EIO);
	dma_fence_signal(b);
	dma_fence_signal(a);
	assert_int_equal(dma_fence_get_status(array), -EIO);
	dma_fence_put(array);
	dma_fence_put(a);
	dma_fence_put(b);
}

/* --------------------------------------------------------------- chains -- */

/* Takes over @prev. */
static struct dma_fence *link_fence(struct dma_fence *prev,
				    struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	assert_non_null(chain);
	dma_fence_chain_init(chain, prev, dma_fence_get(fence), seqno);
	return &chain->base;
}

static unsigned int chain_length(struct dma_fence *head)
{
	struct dma_fence *link;
	unsigned int length = 0;

	dma_fence_chain_for_each(link, head)
		length++;
	return length;
}

static void test_chain(void **state)
{
	struct dma_fence *fences[4], *head = NULL, *found;
	struct counting_cb cb = {};

	for (int i = 0; i < 4; i++) {
		fences[i] = create();
		head = link_fence(head, fences[i], 10 * (i + 1));
	}
	assert_int_equal(chain_length(head), 4);
	assert_ptr_equal(dma_fence_chain_contained(head), fences[3]);

	/* The link that covers a point; beyond the last one there is none. */
	found = dma_fence_get(head);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 15), 0);
	assert_ptr_equal(dma_fence_chain_contained(found), fences[1]);
	dma_fence_put(found);
	found = head;
	assert_int_equal(dma_fence_chain_find_seqno(&found, 41), -EINVAL);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 0), 0);
	assert_ptr_equal(found, head);

	assert_int_equal(dma_fence_add_callback(head, &cb.base, count_call), 0);
	dma_fence_signal(fences[3]);
	dma_fence_signal(fences[1]);
	assert_int_equal(cb.calls, 0);
	/* Taken out: the second; the head is held. */
	assert_int_equal(chain_length(head), 3);
	found = dma_fence_get(head);
	/* Its own fence has, so only the one before is left to wait for. */
	assert_int_equal(dma_fence_chain_find_seqno(&found, 20), 0);
	assert_ptr_equal(dma_fence_chain_contained(found), fences[0]);
	dma_fence_put(found);
	dma_fence_signal(fences[0]);
	assert_int_equal(cb.calls, 0);
	assert_false(dma_fence_is_signaled(head));
	dma_fence_signal(fences[2]);
	assert_int_equal(cb.calls, 1);
	assert_true(dma_fence_is_signaled(head));
	/* A point that has gone: there is nothing to wait for. */
	found = dma_fence_get(head);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 20), 0);
	assert_null(found);
	assert_int_equal(chain_length(head), 1);
	dma_fence_put(head);
	for (int i = 0; i < 4; i++)
		dma_fence_put(fences[i]);
}

/* Signalled by a driver that holds its own lock, as interrupt handlers do. */
static void test_chain_signal_locked(void **state)
{
	struct dma_fence *fence = create();
	struct dma_fence *head = link_fence(NULL, fence, 1);
	unsigned long flags;

	dma_fence_enable_sw_signaling(head);
	spin_lock_irqsave(fence->lock, flags);
	dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(fence->lock, flags);
	assert_true(dma_fence_wait_timeout(head, false, 100 * HZ) > 0);
	dma_fence_put(head);
	dma_fence_put(fence);
}

static DEFINE_SPINLOCK(outer_lock);

struct lock_cb {
	struct dma_fence_cb base;
	int held; /* whether the caller held outer_lock; -1: not called */
};

static void note_lock(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct lock_cb *lock_cb = container_of(cb, struct lock_cb, base);

	WRITE_ONCE(lock_cb->held, lockdep_is_held(&outer_lock));
}

/*
 * The chain goes on in the thread that signals, but not inside of its locks,
 * which whoever listens to the chain may want.
 */
static void test_chain_signal_under_lock(void **state)
{
	for (int locked = 0; locked < 2; locked++) {
		struct dma_fence *fence = create();
		struct dma_fence *head = link_fence(NULL, fence, 1);
		struct lock_cb cb = { .held = -1 };

		assert_int_equal(dma_fence_add_callback(head, &cb.base,
							note_lock),
				 0);
		if (locked)
			spin_lock(&outer_lock);
		dma_fence_signal(fence);
		/* Without a lock it has happened by now. */
		if (locked)
			spin_unlock(&outer_lock);
		else
			assert_int_equal(READ_ONCE(cb.held), 0);
		dma_fence_wait(head, false);
		/* Called under the chain's lock, which this takes. */
		dma_fence_remove_callback(head, &cb.base);
		assert_int_equal(cb.held, 0);
		dma_fence_put(head);
		dma_fence_put(fence);
	}
}

/* Of several fences of one context, the last stands for all. */
static void test_merge(void **state)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = create_in(context, 1),
			 *last = create_in(context, 2), *other = create();
	struct dma_fence *array = create_array(first, other, false);
	struct dma_fence *heads[] = {last, array, first, other, NULL};
	struct dma_fence *merged =
		linux_dma_fence_merge(heads, ARRAY_SIZE(heads));

	assert_int_equal(to_dma_fence_array(merged)->num_fences, 2);
	assert_ptr_equal(to_dma_fence_array(merged)->fences[0], last);
	assert_ptr_equal(to_dma_fence_array(merged)->fences[1], other);
	dma_fence_put(merged);
	merged = dma_fence_unwrap_merge(first, last);
	assert_ptr_equal(merged, last);
	dma_fence_put(merged);
	merged = linux_dma_fence_merge(NULL, 0);
	assert_true(dma_fence_is_signaled(merged));
	dma_fence_put(merged);

	dma_fence_signal(first);
	dma_fence_signal(last);
	dma_fence_signal(other);
	dma_fence_put(array);
	dma_fence_put(first);
	dma_fence_put(last);
	dma_fence_put(other);
}

static void test_unwrap(void **state)
{
	struct dma_fence *a = create(), *b = create(), *c = create();
	struct dma_fence *array = create_array(a, b, false);
	struct dma_fence *head = link_fence(link_fence(NULL, array, 1), c, 2);
	struct dma_fence *plain = dma_fence_unwrap_merge(head);

	assert_non_null(plain);
	assert_true(dma_fence_is_array(plain));
	assert_int_equal(to_dma_fence_array(plain)->num_fences, 3);
	dma_fence_put(plain);
	dma_fence_signal(a);
	dma_fence_signal(c);
	plain = dma_fence_unwrap_merge(head);
	assert_ptr_equal(plain, b);
	dma_fence_put(plain);
	dma_fence_signal(b);
	plain = dma_fence_unwrap_merge(head);
	assert_true(dma_fence_is_signaled(plain));
	assert_false(dma_fence_is_container(plain));
	dma_fence_put(plain);
	dma_fence_put(head);
	dma_fence_put(array);
	dma_fence_put(a);
	dma_fence_put(b);
	dma_fence_put(c);
}

/* --------------------------------------------------------- reservations -- */

static unsigned int count_fences(struct dma_resv *resv,
				 enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_for_each_fence(&cursor, resv, usage, fence) {
		assert_true(dma_resv_iter_usage(&cursor) <= usage);
		count++;
	}
	return count;
}

static void test_resv(void **state)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = create_in(context, 1);
	struct dma_fence *second = create_in(context, 2);
	struct dma_fence *other = create();
	struct dma_fence **fences;
	struct dma_resv resv;
	unsigned int count;

	dma_resv_init(&resv);
	assert_true(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_BOOKKEEP));
	assert_true(dma_resv_trylock(&resv));
	assert_int_equal(dma_resv_reserve_fences(&resv, 1), 0);
	assert_int_equal(dma_resv_reserve_fences(&resv, 2), 0);
	dma_resv_add_fence(&resv, first, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_add_fence(&resv, other, DMA_RESV_USAGE_WRITE);
	assert_int_equal(count_fences(&resv, DMA_RESV_USAGE_BOOKKEEP), 2);
	assert_int_equal(count_fences(&resv, DMA_RESV_USAGE_READ), 1);
	assert_int_equal(count_fences(&resv, DMA_RESV_USAGE_KERNEL), 0);
	/* A later one of the same context takes the place of the earlier. */
	dma_resv_add_fence(&resv, second, DMA_RESV_USAGE_BOOKKEEP);
	assert_int_equal(count_fences(&resv, DMA_RESV_USAGE_BOOKKEEP), 2);
	assert_int_equal(dma_resv_get_fences(&resv, DMA_RESV_USAGE_BOOKKEEP,
					     &count, &fences),
			 0);
	assert_int_equal(count, 2);
	assert_true(fences[0] == second || fences[1] == second);
	dma_fence_put(fences[0]);
	dma_fence_put(fences[1]);
	kfree(fences);
	dma_resv_unlock(&resv);

	assert_true(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_KERNEL));
	assert_false(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_WRITE));
	assert_int_equal(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_WRITE,
					       true, 2),
			 0);
	dma_fence_signal(other);
	assert_true(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_READ, true, 0) >
		    0);
	assert_false(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_BOOKKEEP));

	/* Many contexts: it grows, and forgets what has signalled. */
	dma_resv_lock(&resv, NULL);
	for (int i = 0; i < 100; i++) {
		struct dma_fence *fence = create();

		assert_int_equal(dma_resv_reserve_fences(&resv, 1), 0);
		dma_resv_add_fence(&resv, fence, DMA_RESV_USAGE_READ);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	assert_true(count_fences(&resv, DMA_RESV_USAGE_BOOKKEEP) < 10);
	dma_resv_replace_fences(&resv, context, other, DMA_RESV_USAGE_READ);
	dma_resv_unlock(&resv);
	assert_true(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_BOOKKEEP));

	dma_resv_fini(&resv);
	dma_fence_signal(first);
	dma_fence_signal(second);
	dma_fence_put(first);
	dma_fence_put(second);
	dma_fence_put(other);
}

static void test_ww_rules(void **state)
{
	struct dma_resv a, b;
	struct ww_acquire_ctx older, younger;

	dma_resv_init(&a);
	dma_resv_init(&b);
	ww_acquire_init(&older, &reservation_ww_class);
	ww_acquire_init(&younger, &reservation_ww_class);
	assert_int_equal(dma_resv_lock(&a, &older), 0);
	assert_int_equal(dma_resv_lock(&a, &older), -EALREADY);
	assert_false(dma_resv_trylock(&a));
	assert_int_equal(dma_resv_lock(&b, &younger), 0);
	/* The younger one holds b, so it must not wait for a. */
	assert_int_equal(dma_resv_lock(&a, &younger), -EDEADLK);
	dma_resv_unlock(&b);
	assert_int_equal(dma_resv_lock(&b, &older), 0);
	ww_acquire_done(&older);
	dma_resv_unlock(&b);
	dma_resv_unlock(&a);
	dma_resv_lock_slow(&a, &younger);
	dma_resv_unlock(&a);
	ww_acquire_fini(&older);
	ww_acquire_fini(&younger);
	dma_resv_fini(&a);
	dma_resv_fini(&b);
}

/* ----------------------------------------------------------------- exec -- */

enum { EXEC_OBJECTS = 40, EXEC_THREADS = 4, EXEC_ROUNDS = 300 };

struct exec_stress {
	struct drm_gem_object *objects[EXEC_OBJECTS];
	unsigned long counters[EXEC_OBJECTS]; /* guarded by the reservations */
};

struct exec_thread {
	struct exec_stress *stress;
	unsigned int seed;
};

static int lock_all(struct drm_exec *exec, struct exec_stress *stress,
		    const unsigned int *picked, unsigned int count)
{
	int ret = 0;

	drm_exec_until_all_locked(exec) {
		for (unsigned int i = 0; i < count; i++) {
			ret = drm_exec_prepare_obj(
				exec, stress->objects[picked[i]], 1);
			/* Leaves both loops. */
			drm_exec_retry_on_contention(exec);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static void *exec_thread(void *arg)
{
	struct exec_thread *thread = arg;
	struct exec_stress *stress = thread->stress;

	for (int round = 0; round < EXEC_ROUNDS; round++) {
		unsigned int picked[10];
		struct drm_exec exec;

		for (int i = 0; i < 10; i++)
			picked[i] = rand_r(&thread->seed) % EXEC_OBJECTS;
		drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, round % 3);
		FIXTURE_CHECK(!lock_all(&exec, stress, picked, 10));
		for (int i = 0; i < 10; i++)
			stress->counters[picked[i]]++;
		drm_exec_fini(&exec);
	}
	return NULL;
}

static void test_exec_stress(void **state)
{
	struct linux_file *file = fixture_open();
	struct exec_stress *stress = calloc(1, sizeof(*stress));
	struct exec_thread args[EXEC_THREADS];
	pthread_t threads[EXEC_THREADS];
	unsigned long sum = 0;

	for (int i = 0; i < EXEC_OBJECTS; i++)
		stress->objects[i] =
			fixture_lookup(file, fixture_bo(file, 4096, NULL));
	for (int i = 0; i < EXEC_THREADS; i++) {
		args[i] = (struct exec_thread){ stress, 1000 + i };
		assert_int_equal(pthread_create(&threads[i], NULL, exec_thread,
						&args[i]),
				 0);
	}
	for (int i = 0; i < EXEC_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < EXEC_OBJECTS; i++) {
		sum += stress->counters[i];
		drm_gem_object_put(stress->objects[i]);
	}
	assert_int_equal(sum, EXEC_THREADS * EXEC_ROUNDS * 10);
	free(stress);
	linux_sys_close(file);
}

static void test_exec_rules(void **state)
{
	struct linux_file *file = fixture_open();
	struct exec_stress stress;
	unsigned int twice[] = { 0, 1, 0 };
	struct drm_gem_object *obj;
	unsigned long count;
	struct drm_exec exec;

	for (int i = 0; i < 2; i++)
		stress.objects[i] =
			fixture_lookup(file, fixture_bo(file, 4096, NULL));
	drm_exec_init(&exec, 0, 0);
	assert_int_equal(lock_all(&exec, &stress, twice, 3), -EALREADY);
	drm_exec_fini(&exec);

	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 1);
	assert_int_equal(lock_all(&exec, &stress, twice, 3), 0);
	for (count = 0; (obj = drm_exec_obj(&exec, count)); count++) {
		assert_ptr_equal(obj, stress.objects[count]);
		dma_resv_assert_held(obj->resv);
	}
	assert_int_equal(count, 2);
	drm_exec_fini(&exec);
	/* Nothing was ever locked. */
	drm_exec_init(&exec, 0, 0);
	drm_exec_fini(&exec);
	for (int i = 0; i < 2; i++)
		drm_gem_object_put(stress.objects[i]);
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_signal),
		TEST(test_signal_twice_is_reported),
		TEST(test_release_with_waiters_is_reported),
		TEST(test_lazy_signal),
		TEST(test_later),
		TEST(test_wait),
		TEST(test_stubs),
		TEST(test_array),
		TEST(test_array_error),
		TEST(test_chain),
		TEST(test_chain_signal_locked),
		TEST(test_chain_signal_under_lock),
		TEST(test_merge),
		TEST(test_unwrap),
		TEST(test_resv),
		TEST(test_ww_rules),
		TEST(test_exec_rules),
		TEST(test_exec_stress),
	};

	return cmocka_run_group_tests_name("drm fence", tests, NULL, NULL);
}
