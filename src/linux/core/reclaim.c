// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What happens when RAM runs out: pages of shmem objects that nobody holds go
 * to the swap; where that is not enough, the shrinkers make their owners let go
 * of more.
 */
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/mm.h>
#include "internal.h"

/* Fewer are not worth the trouble: 2 MiB. */
#define RECLAIM_MIN_PAGES 512ul
#define DEFAULT_BATCH 128

static struct {
	/* Guards the list; held while somebody reclaims. */
	pthread_mutex_t lock;
	struct list_head shrinkers;
} reclaim = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.shrinkers = LIST_HEAD_INIT(reclaim.shrinkers),
};

/* This thread reclaims: what it allocates must not do so again. */
static _Thread_local bool reclaiming;

/* What is held while the shrinkers run. */
static struct lockdep_map reclaim_map = __LINUX_MAP_INIT("fs_reclaim");

void linux_might_reclaim(void)
{
	if (reclaiming)
		return;
	lock_map_acquire(&reclaim_map);
	lock_map_release(&reclaim_map);
}

static u64 freed_pages; /* since the beginning; atomic */

void linux_count_freed(u64 pages)
{
	__atomic_fetch_add(&freed_pages, pages, __ATOMIC_RELAXED);
}

static u64 freed_since(u64 before)
{
	return __atomic_load_n(&freed_pages, __ATOMIC_RELAXED) - before;
}

/* Scans one shrinker's objects once, or until enough is free. */
static void call_shrinker(struct shrinker *shrinker, u64 before, u64 want)
{
	unsigned long batch = shrinker->batch ?: DEFAULT_BATCH;
	struct shrink_control sc = {.gfp_mask = GFP_KERNEL};
	unsigned long count = shrinker->count_objects(shrinker, &sc), ret;

	if (count == SHRINK_EMPTY)
		return;

	while (count && freed_since(before) < want) {
		sc.nr_to_scan = min(count, batch);
		sc.nr_scanned = sc.nr_to_scan;
		ret = shrinker->scan_objects(shrinker, &sc);
		/* What was let go of still has its contents. */
		linux_shmem_swap_out(before + want);
		if (ret == SHRINK_STOP)
			return;
		count -= min(count, max(sc.nr_scanned, 1ul));
	}
}

bool linux_freed_enough(u64 goal)
{
	return __atomic_load_n(&freed_pages, __ATOMIC_RELAXED) >= goal;
}

u64 linux_reclaim_pages(u64 want)
{
	u64 before = freed_since(0);
	struct shrinker *shrinker;

	if (reclaiming)
		return 0;

	pthread_mutex_lock(&reclaim.lock);
	/* Somebody else may have done it while we waited. */
	if (!freed_since(before)) {
		reclaiming = true;
		lock_map_acquire(&reclaim_map);
		want = max_t(u64, want, RECLAIM_MIN_PAGES);
		linux_shmem_swap_out(before + want);
		list_for_each_entry(shrinker, &reclaim.shrinkers, list) {
			if (freed_since(before) < want)
				call_shrinker(shrinker, before, want);
		}
		lock_map_release(&reclaim_map);
		reclaiming = false;
	}
	pthread_mutex_unlock(&reclaim.lock);

	return freed_since(before);
}

uint64_t linux_reclaim(uint64_t size_B)
{
	return linux_reclaim_pages(DIV_ROUND_UP(size_B, PAGE_SIZE))
	       << PAGE_SHIFT;
}

struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->seeks = DEFAULT_SEEKS;
	INIT_LIST_HEAD(&shrinker->list);
	return shrinker;
}

void shrinker_register(struct shrinker *shrinker)
{
	pthread_mutex_lock(&reclaim.lock);
	list_add_tail(&shrinker->list, &reclaim.shrinkers);
	pthread_mutex_unlock(&reclaim.lock);
}

void shrinker_free(struct shrinker *shrinker)
{
	if (!shrinker)
		return;
	pthread_mutex_lock(&reclaim.lock);
	list_del(&shrinker->list);
	pthread_mutex_unlock(&reclaim.lock);
	kfree(shrinker);
}
