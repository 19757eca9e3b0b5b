// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/slab.h>

/* The first plain fence from the cursor's link on. */
static struct dma_fence *enter_link(struct dma_fence_unwrap *cursor)
{
	struct dma_fence *fence;

	while (cursor->chain) {
		cursor->array = dma_fence_chain_contained(cursor->chain);
		cursor->index = 0;
		fence = dma_fence_array_first(cursor->array);
		if (fence)
			return fence;
		cursor->chain = dma_fence_chain_walk(cursor->chain);
	}
	return NULL;
}

struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor)
{
	cursor->chain = dma_fence_get(head);
	return enter_link(cursor);
}

struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	struct dma_fence *fence =
		dma_fence_array_next(cursor->array, ++cursor->index);

	if (fence)
		return fence;
	cursor->chain = dma_fence_chain_walk(cursor->chain);
	return enter_link(cursor);
}

unsigned int linux_dma_fence_count(struct dma_fence *head)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_fence_unwrap_for_each(fence, &cursor, head)
		count++;
	return count;
}

/* ---------------------------------------------------------------- merge -- */

static unsigned int count_unsignaled(struct dma_fence **heads,
				     unsigned int num_heads)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	for (unsigned int i = 0; i < num_heads; i++)
		dma_fence_unwrap_for_each(fence, &cursor, heads[i])
			count += !dma_fence_is_signaled(fence);
	return count;
}

/* Of a context, its last fence stands for those before it. */
static unsigned int add_fence(struct dma_fence **fences, unsigned int count,
			      struct dma_fence *fence)
{
	for (unsigned int i = 0; i < count; i++) {
		if (fences[i]->context != fence->context)
			continue;
		if (dma_fence_is_later(fence, fences[i])) {
			dma_fence_put(fences[i]);
			fences[i] = dma_fence_get(fence);
		}
		return count;
	}
	fences[count] = dma_fence_get(fence);
	return count + 1;
}

/* Fences only ever signal: there are no more of them than were counted. */
static unsigned int collect_unsignaled(struct dma_fence **heads,
				       unsigned int num_heads,
				       struct dma_fence **fences)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	for (unsigned int i = 0; i < num_heads; i++)
		dma_fence_unwrap_for_each(fence, &cursor, heads[i])
			if (!dma_fence_is_signaled(fence))
				count = add_fence(fences, count, fence);
	return count;
}

struct dma_fence *linux_dma_fence_merge(struct dma_fence **heads,
					unsigned int num_heads)
{
	unsigned int count = count_unsignaled(heads, num_heads);
	struct dma_fence **fences, *single;
	struct dma_fence_array *array;

	fences = kmalloc_array(count ? count : 1, sizeof(*fences), GFP_KERNEL);
	if (!fences)
		return NULL;
	count = collect_unsignaled(heads, num_heads, fences);
	if (count <= 1) {
		single = count ? fences[0] : dma_fence_get_stub();
		kfree(fences);
		return single;
	}
	array = dma_fence_array_create(count, fences,
				       dma_fence_context_alloc(1), 1, false);
	if (array)
		return &array->base;
	while (count--)
		dma_fence_put(fences[count]);
	kfree(fences);
	return NULL;
}
