// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-resv.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>

DEFINE_WD_CLASS(reservation_ww_class);

void dma_resv_init(struct dma_resv *obj)
{
	ww_mutex_init(&obj->lock, &reservation_ww_class);
	spin_lock_init(&obj->list_lock);
	obj->entries = NULL;
	obj->num_entries = 0;
	obj->num_reserved = 0;
	obj->max_entries = 0;
}

void dma_resv_fini(struct dma_resv *obj)
{
	for (unsigned int i = 0; i < obj->num_entries; i++)
		dma_fence_put(obj->entries[i].fence);
	kfree(obj->entries);
	ww_mutex_destroy(&obj->lock);
}

void dma_resv_unlock(struct dma_resv *obj)
{
	obj->num_reserved = 0;
	ww_mutex_unlock(&obj->lock);
}

/* Forgets fences that have signalled. */
static void prune(struct dma_resv *obj)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < obj->num_entries; i++) {
		if (dma_fence_is_signaled(obj->entries[i].fence))
			dma_fence_put(obj->entries[i].fence);
		else
			obj->entries[kept++] = obj->entries[i];
	}
	obj->num_entries = kept;
}

int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_entry *entries, *old;
	unsigned int needed, max_entries;

	dma_resv_assert_held(obj);
	if (WARN_ON(!num_fences))
		return -EINVAL;

	/* Reservations of one locked section add up. */
	needed = max(obj->num_entries, obj->num_reserved) + num_fences;
	if (needed > obj->max_entries && !obj->num_reserved) {
		spin_lock(&obj->list_lock);
		prune(obj);
		spin_unlock(&obj->list_lock);
		needed = obj->num_entries + num_fences;
	}
	if (needed > obj->max_entries) {
		max_entries = max(needed, 2 * obj->max_entries);
		entries = kmalloc_array(max_entries, sizeof(*entries),
					GFP_KERNEL);
		if (!entries)
			return -ENOMEM;
		spin_lock(&obj->list_lock);
		if (obj->num_entries)
			memcpy(entries, obj->entries,
			       obj->num_entries * sizeof(*entries));
		old = obj->entries;
		obj->entries = entries;
		obj->max_entries = max_entries;
		spin_unlock(&obj->list_lock);
		kfree(old);
	}
	obj->num_reserved = needed;
	return 0;
}

static bool replaces(const struct dma_resv_entry *old, struct dma_fence *fence,
		     enum dma_resv_usage usage)
{
	if (old->fence->context == fence->context && old->usage >= usage &&
	    dma_fence_is_later_or_same(fence, old->fence))
		return true;
	return dma_fence_is_signaled(old->fence);
}

void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	struct dma_fence *replaced = NULL;
	unsigned int i;

	dma_resv_assert_held(obj);
	/* Containers hide whose fences they hold. */
	WARN_ON(dma_fence_is_container(fence));

	dma_fence_get(fence);
	spin_lock(&obj->list_lock);
	for (i = 0; i < obj->num_entries; i++) {
		if (replaces(&obj->entries[i], fence, usage)) {
			replaced = obj->entries[i].fence;
			break;
		}
	}
	if (i == obj->num_entries) {
		/* dma_resv_reserve_fences() was forgotten. */
		BUG_ON(i >= obj->num_reserved);
		obj->num_entries++;
	}
	obj->entries[i].fence = fence;
	obj->entries[i].usage = usage;
	spin_unlock(&obj->list_lock);
	dma_fence_put(replaced);
}

void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage)
{
	dma_resv_assert_held(obj);

	spin_lock(&obj->list_lock);
	for (unsigned int i = 0; i < obj->num_entries; i++) {
		struct dma_resv_entry *entry = &obj->entries[i];

		if (entry->fence->context != context)
			continue;
		dma_fence_put(entry->fence);
		entry->fence = dma_fence_get(fence);
		entry->usage = usage;
	}
	spin_unlock(&obj->list_lock);
}

/* ------------------------------------------------------------ iteration -- */

struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor)
{
	struct dma_resv *obj = cursor->obj;

	dma_resv_assert_held(obj);
	while (cursor->index < obj->num_entries) {
		struct dma_resv_entry *entry = &obj->entries[cursor->index++];

		if (entry->usage <= cursor->usage) {
			cursor->fence_usage = entry->usage;
			return entry->fence;
		}
	}
	return NULL;
}

struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor)
{
	cursor->index = 0;
	return dma_resv_iter_next(cursor);
}

int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	*num_fences = 0;
	*fences = NULL;
	dma_resv_for_each_fence(&cursor, obj, usage, fence)
		count++;
	if (!count)
		return 0;
	*fences = kmalloc_array(count, sizeof(**fences), GFP_KERNEL);
	if (!*fences)
		return -ENOMEM;
	dma_resv_for_each_fence(&cursor, obj, usage, fence)
		(*fences)[(*num_fences)++] = dma_fence_get(fence);
	return 0;
}

/* ---------------------------------------------------------------- waits -- */

/* A reference on some fence of the usage that has not signalled, or NULL. */
static struct dma_fence *get_unsignaled(struct dma_resv *obj,
					enum dma_resv_usage usage)
{
	struct dma_fence *fence = NULL;

	spin_lock(&obj->list_lock);
	for (unsigned int i = 0; i < obj->num_entries && !fence; i++) {
		struct dma_resv_entry *entry = &obj->entries[i];

		if (entry->usage <= usage &&
		    !dma_fence_is_signaled(entry->fence))
			fence = dma_fence_get(entry->fence);
	}
	spin_unlock(&obj->list_lock);
	return fence;
}

long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout)
{
	long left = timeout ? (long)timeout : 1;
	struct dma_fence *fence;

	while ((fence = get_unsignaled(obj, usage))) {
		left = dma_fence_wait_timeout(fence, intr, timeout ? left : 0);
		dma_fence_put(fence);
		if (left <= 0)
			return left;
	}
	return left;
}

bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_fence *fence = get_unsignaled(obj, usage);

	dma_fence_put(fence);
	return !fence;
}
