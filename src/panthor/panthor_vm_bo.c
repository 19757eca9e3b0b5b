// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>

#include "panthor_backing.h"
#include "panthor_gem.h"
#include "panthor_reclaim.h"
#include "panthor_vm_bo.h"

static struct panthor_vm_bo *to_vm_bo(struct rb_node *node)
{
	return rb_entry(node, struct panthor_vm_bo, node);
}

/* Where @bo is in the tree, or NULL; *@link_out and *@parent_out as for rb. */
static struct panthor_vm_bo *find_link(struct panthor_vm_bos *bos,
				       const struct panthor_gem_object *bo,
				       struct rb_node ***link_out,
				       struct rb_node **parent_out)
{
	struct rb_node **link = &bos->tree.rb_node, *parent = NULL;

	lockdep_assert_held(&bos->lock);

	while (*link) {
		struct panthor_vm_bo *vm_bo = to_vm_bo(*link);

		if (vm_bo->bo == bo)
			return vm_bo;
		parent = *link;
		link = bo < vm_bo->bo ? &parent->rb_left : &parent->rb_right;
	}

	*link_out = link;
	*parent_out = parent;
	return NULL;
}

static struct panthor_vm_bo *find(struct panthor_vm_bos *bos,
				  const struct panthor_gem_object *bo)
{
	struct rb_node **link, *parent;
	struct panthor_vm_bo *vm_bo;

	spin_lock(&bos->lock);
	vm_bo = find_link(bos, bo, &link, &parent);
	/* One whose last reference just went is still on its way out. */
	if (vm_bo && !refcount_inc_not_zero(&vm_bo->refcount))
		vm_bo = NULL;
	spin_unlock(&bos->lock);

	return vm_bo;
}

static void destroy(struct panthor_vm_bo *vm_bo)
{
	struct panthor_gem_object *bo = vm_bo->bo;

	dma_resv_lock(bo->base.base.resv, NULL);
	list_del(&vm_bo->bo_node);
	panthor_reclaim_update(bo);
	dma_resv_unlock(bo->base.base.resv);

	panthor_backing_destroy(vm_bo->backing);
	drm_gem_object_put(&bo->base.base);
	kfree(vm_bo);
}

static struct panthor_vm_bo *create(struct panthor_vm_bos *bos,
				    struct panthor_gem_object *bo)
{
	struct panthor_vm_bo *vm_bo;

	vm_bo = kzalloc(sizeof(*vm_bo), GFP_KERNEL_ACCOUNT);
	if (!vm_bo)
		return ERR_PTR(-ENOMEM);

	vm_bo->backing = panthor_backing_create(bo->base.sgt);
	if (!vm_bo->backing) {
		kfree(vm_bo);
		return ERR_PTR(-ENOMEM);
	}

	refcount_set(&vm_bo->refcount, 1);
	RB_CLEAR_NODE(&vm_bo->node);
	vm_bo->bos = bos;
	vm_bo->bo = bo;
	drm_gem_object_get(&bo->base.base);
	INIT_LIST_HEAD(&vm_bo->vmas);
	INIT_LIST_HEAD(&vm_bo->evicted_node);

	dma_resv_lock(bo->base.base.resv, NULL);
	list_add_tail(&vm_bo->bo_node, &bo->vm_bos);
	panthor_reclaim_update(bo);
	dma_resv_unlock(bo->base.base.resv);

	return vm_bo;
}

/* Puts @fresh into the tree, unless a live one got there first: then that. */
static struct panthor_vm_bo *insert(struct panthor_vm_bos *bos,
				    struct panthor_vm_bo *fresh)
{
	struct rb_node **link, *parent;
	struct panthor_vm_bo *other;

	spin_lock(&bos->lock);
	other = find_link(bos, fresh->bo, &link, &parent);
	if (!other) {
		rb_link_node(&fresh->node, parent, link);
		rb_insert_color(&fresh->node, &bos->tree);
	} else if (!refcount_inc_not_zero(&other->refcount)) {
		rb_replace_node(&other->node, &fresh->node, &bos->tree);
		RB_CLEAR_NODE(&other->node);
		other = NULL;
	}
	spin_unlock(&bos->lock);

	if (!other)
		return fresh;

	destroy(fresh);
	return other;
}

/**
 * panthor_vm_bos_get() - the one panthor_vm_bo of a BO
 * @bos: of the VM
 * @bo: the BO
 *
 * The caller uses the BO, and does not hold its resv. May sleep.
 *
 * Return: a new reference, or ERR_PTR(-ENOMEM).
 */
struct panthor_vm_bo *panthor_vm_bos_get(struct panthor_vm_bos *bos,
					 struct panthor_gem_object *bo)
{
	struct panthor_vm_bo *vm_bo = find(bos, bo);

	if (vm_bo)
		return vm_bo;

	vm_bo = create(bos, bo);
	if (IS_ERR(vm_bo))
		return vm_bo;

	return insert(bos, vm_bo);
}

/** panthor_vm_bo_put() - drop a reference; does not sleep, NULL is allowed */
void panthor_vm_bo_put(struct panthor_vm_bo *vm_bo)
{
	struct panthor_vm_bos *bos;

	if (!vm_bo || !refcount_dec_and_test(&vm_bo->refcount))
		return;

	bos = vm_bo->bos;
	spin_lock(&bos->lock);
	if (!RB_EMPTY_NODE(&vm_bo->node))
		rb_erase(&vm_bo->node, &bos->tree);
	list_del_init(&vm_bo->evicted_node);
	list_add_tail(&vm_bo->dead, &bos->dead);
	spin_unlock(&bos->lock);
}

/**
 * panthor_vm_bo_set_evicted() - say whether leaves of a BO may be absent
 *
 * Under the VM's op_lock.
 */
void panthor_vm_bo_set_evicted(struct panthor_vm_bo *vm_bo, bool evicted)
{
	struct panthor_vm_bos *bos = vm_bo->bos;

	spin_lock(&bos->lock);
	WRITE_ONCE(vm_bo->evicted, evicted);
	list_del_init(&vm_bo->evicted_node);
	/* One without references is beyond being restored. */
	if (evicted && refcount_read(&vm_bo->refcount))
		list_add_tail(&vm_bo->evicted_node, &bos->evicted);
	spin_unlock(&bos->lock);
}

/**
 * panthor_vm_bos_get_evicted() - walk what is evicted
 * @bos: of the VM, whose resv is held, so that no more is evicted
 * @prev: what the last call returned, or NULL
 *
 * Return: the BO behind @prev, or the first where @prev is on the list no more,
 * with a reference; NULL behind the last.
 */
struct panthor_vm_bo *panthor_vm_bos_get_evicted(struct panthor_vm_bos *bos,
						 struct panthor_vm_bo *prev)
{
	struct panthor_vm_bo *vm_bo = NULL;
	struct list_head *node;

	spin_lock(&bos->lock);
	node = prev && !list_empty(&prev->evicted_node) ? &prev->evicted_node
							: &bos->evicted;
	for (node = node->next; node != &bos->evicted; node = node->next) {
		vm_bo = list_entry(node, struct panthor_vm_bo, evicted_node);
		if (refcount_inc_not_zero(&vm_bo->refcount))
			break;
		vm_bo = NULL;
	}
	spin_unlock(&bos->lock);

	return vm_bo;
}

/** panthor_vm_bos_need_reap() - is there anything to free? */
bool panthor_vm_bos_need_reap(struct panthor_vm_bos *bos)
{
	bool need;

	spin_lock(&bos->lock);
	need = !list_empty(&bos->dead);
	spin_unlock(&bos->lock);

	return need;
}

/** panthor_vm_bos_reap() - free what lost its last reference; may sleep */
void panthor_vm_bos_reap(struct panthor_vm_bos *bos)
{
	struct panthor_vm_bo *vm_bo, *next;
	LIST_HEAD(dead);

	spin_lock(&bos->lock);
	list_splice_init(&bos->dead, &dead);
	spin_unlock(&bos->lock);

	list_for_each_entry_safe (vm_bo, next, &dead, dead)
		destroy(vm_bo);
}

/** panthor_vm_bos_init() - set up for a VM that maps nothing */
void panthor_vm_bos_init(struct panthor_vm_bos *bos)
{
	spin_lock_init(&bos->lock);
	bos->tree = RB_ROOT;
	INIT_LIST_HEAD(&bos->dead);
	INIT_LIST_HEAD(&bos->evicted);
}

/** panthor_vm_bos_fini() - the inverse; all references are gone */
void panthor_vm_bos_fini(struct panthor_vm_bos *bos)
{
	panthor_vm_bos_reap(bos);
	WARN_ON(!RB_EMPTY_ROOT(&bos->tree));
}
