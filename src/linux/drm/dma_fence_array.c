// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence-array.h>
#include <linux/overflow.h>
#include <linux/slab.h>

static const char *array_driver_name(struct dma_fence *fence)
{
	return "dma_fence_array";
}

static const char *array_timeline_name(struct dma_fence *fence)
{
	return "unbound";
}

static void array_signal(struct irq_work *work)
{
	struct dma_fence_array *array =
		container_of(work, struct dma_fence_array, work);

	linux_dma_fence_signal_lazy(&array->base);
	dma_fence_put(&array->base);
}

/* The first error among the members becomes the array's. */
static void array_note_error(struct dma_fence_array *array,
			     struct dma_fence *member)
{
	int none = 0;

	if (member->error &&
	    !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &array->base.flags))
		__atomic_compare_exchange_n(&array->base.error, &none,
					    member->error, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void array_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_array_cb *array_cb =
		container_of(cb, struct dma_fence_array_cb, cb);
	struct dma_fence_array *array = array_cb->array;

	array_note_error(array, fence);
	/* Each added callback owns a reference on the array. */
	if (atomic_dec_and_test(&array->num_pending))
		irq_work_queue(&array->work);
	else
		dma_fence_put(&array->base);
}

static bool array_enable_signaling(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	for (unsigned i = 0; i < array->num_fences; i++) {
		struct dma_fence_array_cb *cb = &array->callbacks[i];

		cb->array = array;
		dma_fence_get(&array->base);
		if (!dma_fence_add_callback(array->fences[i], &cb->cb,
					    array_callback))
			continue;
		array_note_error(array, array->fences[i]);
		dma_fence_put(&array->base);
		if (atomic_dec_and_test(&array->num_pending))
			return false;
	}
	return true;
}

static bool array_signaled(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	int num_pending = atomic_read(&array->num_pending);

	/*
	 * Once callbacks count for us num_pending is all there is to know;
	 * until then it is the number of members that have to signal.
	 */
	if (test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		return num_pending <= 0;
	for (unsigned i = 0; i < array->num_fences; i++) {
		if (dma_fence_is_signaled(array->fences[i]) && !--num_pending)
			return true;
	}
	return false;
}

static void array_release(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	for (unsigned i = 0; i < array->num_fences; i++)
		dma_fence_put(array->fences[i]);
	kfree(array->fences);
	dma_fence_free(fence);
}

static void array_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	for (unsigned i = 0; i < array->num_fences; i++)
		dma_fence_set_deadline(array->fences[i], deadline);
}

const struct dma_fence_ops dma_fence_array_ops = {
	.get_driver_name = array_driver_name,
	.get_timeline_name = array_timeline_name,
	.enable_signaling = array_enable_signaling,
	.signaled = array_signaled,
	.release = array_release,
	.set_deadline = array_set_deadline,
};

struct dma_fence_array *dma_fence_array_create(int num_fences,
					       struct dma_fence **fences,
					       u64 context, unsigned seqno,
					       bool signal_on_any)
{
	struct dma_fence_array *array;

	if (WARN_ON(num_fences <= 0 || !fences))
		return NULL;
	array = kzalloc(struct_size(array, callbacks, num_fences), GFP_KERNEL);
	if (!array)
		return NULL;
	array->num_fences = num_fences;
	array->fences = fences;
	spin_lock_init(&array->lock);
	atomic_set(&array->num_pending, signal_on_any ? 1 : num_fences);
	init_irq_work(&array->work, array_signal);
	dma_fence_init(&array->base, &dma_fence_array_ops, &array->lock,
		       context, seqno);
	/* Nesting would make the release recurse. */
	for (int i = 0; i < num_fences; i++)
		WARN_ON(dma_fence_is_container(fences[i]));
	return array;
}

struct dma_fence *dma_fence_array_first(struct dma_fence *head)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	return array ? array->fences[0] : head;
}

struct dma_fence *dma_fence_array_next(struct dma_fence *head,
				       unsigned int index)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	return array && index < array->num_fences ? array->fences[index] : NULL;
}
