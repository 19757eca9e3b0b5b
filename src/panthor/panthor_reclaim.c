// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/swap.h>

#include <drm/drm_managed.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim.h"
#include "panthor_vm.h"

/* How long to wait for fences, all BOs together, where that is allowed. */
#define FENCE_WAIT_JIFFIES 10

/* Pages to look for in one call of the shrinker: 2 MiB. */
#define BATCH_PAGES 512

struct panthor_reclaim {
	struct panthor_device *ptdev;
	struct shrinker *shrinker;
	struct mutex scan_lock;

	spinlock_t lock;
	/* panthor_gem_object::lru */
	struct list_head unused, shared;
	/* panthor_vm::reclaim.node, the longest inactive first. */
	struct list_head vms;
	/* Pages of all BOs on the lists; read without the lock, too. */
	u64 pages;
};

static u64 bo_pages(const struct panthor_gem_object *bo)
{
	return panthor_bo_size(bo) >> PAGE_SHIFT;
}

static struct panthor_reclaim *to_reclaim(const struct panthor_gem_object *bo)
{
	return to_panthor_device(bo->base.base.dev)->reclaim;
}

/* ----------------------------------------------------------------- lists -- */

static void unlink_bo(struct panthor_reclaim *reclaim,
		      struct panthor_gem_object *bo)
{
	if (list_empty(&bo->lru))
		return;

	list_del_init(&bo->lru);
	WRITE_ONCE(reclaim->pages, reclaim->pages - bo_pages(bo));
}

/* Where the BO belongs; NULL: it is not to be evicted. */
static struct list_head *find_list(struct panthor_reclaim *reclaim,
				   struct panthor_gem_object *bo)
{
	struct panthor_vm_bo *vm_bo;

	if (!bo->evictable || atomic_read(&bo->users) < 0)
		return NULL;
	if (list_empty(&bo->vm_bos))
		return &reclaim->unused;
	if (!list_is_singular(&bo->vm_bos))
		return &reclaim->shared;

	vm_bo = list_first_entry(&bo->vm_bos, struct panthor_vm_bo, bo_node);
	return &panthor_vm_of_bo(vm_bo)->reclaim.bos;
}

/**
 * panthor_reclaim_update() - put a BO on the list where it belongs
 * @bo: a BO that gained or lost its pages, or a VM; its resv is held
 */
void panthor_reclaim_update(struct panthor_gem_object *bo)
{
	struct panthor_reclaim *reclaim = to_reclaim(bo);
	struct list_head *list;

	dma_resv_assert_held(bo->base.base.resv);

	spin_lock(&reclaim->lock);
	unlink_bo(reclaim, bo);
	list = find_list(reclaim, bo);
	if (list) {
		list_add_tail(&bo->lru, list);
		WRITE_ONCE(reclaim->pages, reclaim->pages + bo_pages(bo));
	}
	spin_unlock(&reclaim->lock);
}

/** panthor_reclaim_remove() - forget a BO that nobody can find any more */
void panthor_reclaim_remove(struct panthor_gem_object *bo)
{
	struct panthor_reclaim *reclaim = to_reclaim(bo);

	if (!bo->evictable)
		return;

	/* Nor may anybody be about to evict it. */
	mutex_lock(&reclaim->scan_lock);
	spin_lock(&reclaim->lock);
	unlink_bo(reclaim, bo);
	spin_unlock(&reclaim->lock);
	mutex_unlock(&reclaim->scan_lock);
}

/** panthor_reclaim_add_vm() - make a VM known; it counts as active just now */
void panthor_reclaim_add_vm(struct panthor_vm *vm)
{
	struct panthor_reclaim *reclaim = vm->ptdev->reclaim;

	INIT_LIST_HEAD(&vm->reclaim.bos);
	spin_lock(&reclaim->lock);
	list_add_tail(&vm->reclaim.node, &reclaim->vms);
	spin_unlock(&reclaim->lock);
}

/** panthor_reclaim_touch_vm() - a VM becomes active, or inactive */
void panthor_reclaim_touch_vm(struct panthor_vm *vm)
{
	struct panthor_reclaim *reclaim = vm->ptdev->reclaim;

	spin_lock(&reclaim->lock);
	list_move_tail(&vm->reclaim.node, &reclaim->vms);
	spin_unlock(&reclaim->lock);
}

/** panthor_reclaim_remove_vm() - forget a VM that knows no BO any more */
void panthor_reclaim_remove_vm(struct panthor_vm *vm)
{
	struct panthor_reclaim *reclaim = vm->ptdev->reclaim;

	mutex_lock(&reclaim->scan_lock);
	spin_lock(&reclaim->lock);
	WARN_ON(!list_empty(&vm->reclaim.bos));
	list_del(&vm->reclaim.node);
	spin_unlock(&reclaim->lock);
	mutex_unlock(&reclaim->scan_lock);
}

/* ----------------------------------------------------------------- evict -- */

/* Waits until @wait_until at the latest, in jiffies. */
static bool fences_are_done(struct dma_resv *resv, unsigned long wait_until)
{
	if (dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP))
		return true;
	if (!time_before(jiffies, wait_until))
		return false;

	return dma_resv_wait_timeout(resv, DMA_RESV_USAGE_BOOKKEEP, false,
				     wait_until - jiffies) > 0;
}

/* Takes the BO out of one VM. */
static bool evict_from_vm(struct panthor_vm_bo *vm_bo, unsigned long wait_until)
{
	struct panthor_vm *vm = panthor_vm_of_bo(vm_bo);
	struct dma_resv *resv = panthor_vm_resv(vm);
	bool own = resv != vm_bo->bo->base.base.resv, done = false;

	/* Jobs that may access the BO have a fence there; new ones need it. */
	if (own && !dma_resv_trylock(resv))
		return false;

	if (!own || fences_are_done(resv, wait_until))
		done = !panthor_vm_evict_bo(vm_bo);

	if (own)
		dma_resv_unlock(resv);
	return done;
}

/* Evicts a BO whose resv is held. Returns whether it has. */
static bool evict_locked(struct panthor_gem_object *bo,
			 unsigned long wait_until)
{
	struct panthor_vm_bo *vm_bo;

	/* Without room in the swap its pages would stay where they are. */
	if (!bo->dummy && get_nr_swap_pages() < (long)bo_pages(bo))
		return false;
	if (!fences_are_done(bo->base.base.resv, wait_until))
		return false;
	if (!panthor_gem_claim_unused(bo))
		return false;

	list_for_each_entry (vm_bo, &bo->vm_bos, bo_node) {
		if (!evict_from_vm(vm_bo, wait_until)) {
			/* VMs that were will get it back before they run. */
			atomic_set_release(&bo->users, 0);
			return false;
		}
	}

	panthor_gem_drop_pages(bo);
	return true;
}

static u64 evict(struct panthor_reclaim *reclaim, struct panthor_gem_object *bo,
		 unsigned long wait_until)
{
	bool done;

	lockdep_assert_held(&reclaim->scan_lock);

	if (!dma_resv_trylock(bo->base.base.resv))
		return 0;
	done = evict_locked(bo, wait_until);
	dma_resv_unlock(bo->base.base.resv);

	if (!done)
		return 0;

	atomic64_inc(&reclaim->ptdev->counters.evictions);
	return bo_pages(bo);
}

/* Evicts from a list until it has @want pages, or has tried all; how many. */
static u64 scan_list(struct panthor_reclaim *reclaim, struct list_head *list,
		     u64 want, unsigned long wait_until)
{
	struct panthor_gem_object *bo;
	u64 pages = 0;
	LIST_HEAD(todo);

	spin_lock(&reclaim->lock);
	list_splice_init(list, &todo);
	while (pages < want && !list_empty(&todo)) {
		bo = list_first_entry(&todo, struct panthor_gem_object, lru);
		list_move_tail(&bo->lru, list);
		spin_unlock(&reclaim->lock);

		pages += evict(reclaim, bo, wait_until);

		spin_lock(&reclaim->lock);
	}
	/* Those that are left were there before any that came meanwhile. */
	list_splice(&todo, list);
	spin_unlock(&reclaim->lock);

	return pages;
}

static u64 scan_vms(struct panthor_reclaim *reclaim, u64 want,
		    unsigned long wait_until)
{
	struct panthor_vm *vm;
	u64 pages = 0;
	LIST_HEAD(todo);

	spin_lock(&reclaim->lock);
	list_splice_init(&reclaim->vms, &todo);
	while (pages < want && !list_empty(&todo)) {
		vm = list_first_entry(&todo, struct panthor_vm, reclaim.node);
		list_move_tail(&vm->reclaim.node, &reclaim->vms);
		spin_unlock(&reclaim->lock);

		pages += scan_list(reclaim, &vm->reclaim.bos, want - pages,
				   wait_until);

		spin_lock(&reclaim->lock);
	}
	list_splice_tail(&todo, &reclaim->vms);
	spin_unlock(&reclaim->lock);

	return pages;
}

static u64 scan_all(struct panthor_reclaim *reclaim, u64 want,
		    unsigned long wait_until)
{
	u64 pages = scan_list(reclaim, &reclaim->unused, want, wait_until);

	if (pages < want)
		pages += scan_vms(reclaim, want - pages, wait_until);
	if (pages < want)
		pages += scan_list(reclaim, &reclaim->shared, want - pages,
				   wait_until);
	return pages;
}

static u64 scan(struct panthor_reclaim *reclaim, u64 want, bool may_wait)
{
	u64 pages = scan_all(reclaim, want, jiffies);

	if (pages || !may_wait)
		return pages;

	return scan_all(reclaim, want, jiffies + FENCE_WAIT_JIFFIES);
}

/**
 * panthor_reclaim_make_room() - evict BOs for a caller that holds no resv
 * @ptdev: the device
 * @pages: how many pages to look for
 *
 * May sleep, and wait a little for fences.
 *
 * Return: pages evicted.
 */
u64 panthor_reclaim_make_room(struct panthor_device *ptdev, u64 pages)
{
	struct panthor_reclaim *reclaim = ptdev->reclaim;
	u64 done;

	mutex_lock(&reclaim->scan_lock);
	done = scan(reclaim, pages, true);
	mutex_unlock(&reclaim->scan_lock);

	return done;
}

/* -------------------------------------------------------------- shrinker -- */

static unsigned long count_objects(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	struct panthor_reclaim *reclaim = shrinker->private_data;
	unsigned long pages = READ_ONCE(reclaim->pages);

	if (get_nr_swap_pages() <= 0 || !pages)
		return SHRINK_EMPTY;

	return pages;
}

static unsigned long scan_objects(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	struct panthor_reclaim *reclaim = shrinker->private_data;
	u64 pages;

	/* One at a time; and a VM or BO that goes away does not take long. */
	if (!mutex_trylock(&reclaim->scan_lock))
		return SHRINK_STOP;

	pages = scan(reclaim, sc->nr_to_scan,
		     gfpflags_allow_blocking(sc->gfp_mask));
	mutex_unlock(&reclaim->scan_lock);

	return pages ? pages : SHRINK_STOP;
}

/**
 * panthor_reclaim_init() - offer BOs to whoever needs memory
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_reclaim_init(struct panthor_device *ptdev)
{
	struct panthor_reclaim *reclaim;
	int ret;

	/* BOs that processes hold on to are on its lists to the end. */
	reclaim = drmm_kzalloc(&ptdev->base, sizeof(*reclaim), GFP_KERNEL);
	if (!reclaim)
		return -ENOMEM;
	ret = drmm_mutex_init(&ptdev->base, &reclaim->scan_lock);
	if (ret)
		return ret;

	reclaim->shrinker = shrinker_alloc(0, "drm-panthor-gem");
	if (!reclaim->shrinker)
		return -ENOMEM;

	reclaim->ptdev = ptdev;
	spin_lock_init(&reclaim->lock);
	INIT_LIST_HEAD(&reclaim->unused);
	INIT_LIST_HEAD(&reclaim->shared);
	INIT_LIST_HEAD(&reclaim->vms);
	ptdev->reclaim = reclaim;

	reclaim->shrinker->count_objects = count_objects;
	reclaim->shrinker->scan_objects = scan_objects;
	reclaim->shrinker->batch = BATCH_PAGES;
	reclaim->shrinker->private_data = reclaim;
	shrinker_register(reclaim->shrinker);

	return 0;
}

/** panthor_reclaim_fini() - nothing is evicted any more */
void panthor_reclaim_fini(struct panthor_device *ptdev)
{
	shrinker_free(ptdev->reclaim->shrinker);
}
