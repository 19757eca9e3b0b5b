// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Ops: prepared one by one, committed in batches.
 *
 * A batch is a run of ops under one region lock, one cache flush and one
 * unlock. LOCKADDR can only name aligned powers of two, and everything in the
 * block waits, so neither a batch nor an op may lock more than twice what it
 * binds: a batch ends before the op that would make it so, and an op that
 * crosses a line of high alignment is cut there.
 */
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/string.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_backing.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_regs.h"
#include "panthor_vm.h"

#define MAP_FLAGS                                                              \
	(DRM_PANTHOR_VM_BIND_OP_MAP_READONLY |                                 \
	 DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |                                   \
	 DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED |                                 \
	 DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE)
#define OP_TYPE(flags) ((flags)&DRM_PANTHOR_VM_BIND_OP_TYPE_MASK)

/* --------------------------------------------------------------- prepare -- */

/* The file's dummy BO in this VM, used. */
static struct panthor_vm_bo *get_dummy(struct panthor_vm *vm)
{
	struct panthor_vm_bo *vm_bo;
	bool first = false;
	int ret;

	vm_bo = READ_ONCE(vm->dummy_bo);
	if (vm_bo) {
		ret = panthor_vm_bo_use(vm_bo);
		return ret ? ERR_PTR(ret) : panthor_vm_bo_get(vm_bo);
	}

	vm_bo = panthor_vm_use_bo(vm, vm->dummy);
	if (IS_ERR(vm_bo))
		return vm_bo;

	/* The next sparse op finds it faster. */
	spin_lock(&vm->bos.lock);
	if (!vm->dummy_bo) {
		WRITE_ONCE(vm->dummy_bo, vm_bo);
		first = true;
	}
	spin_unlock(&vm->bos.lock);

	return first ? panthor_vm_bo_get(vm_bo) : vm_bo;
}

/* The BO of @handle in this VM, used, if it may be mapped; by the cache. */
static struct panthor_vm_bo *get_bo(struct panthor_vm *vm,
				    struct drm_file *file, u32 handle,
				    u64 offset, u64 size,
				    struct panthor_vm_op_cache *cache)
{
	struct panthor_gem_object *bo;
	struct drm_gem_object *obj;
	struct panthor_vm_bo *vm_bo;
	int ret;

	if (cache->vm_bo && cache->handle == handle) {
		bo = cache->vm_bo->bo;
		if (size > panthor_bo_size(bo) ||
		    offset > panthor_bo_size(bo) - size)
			return ERR_PTR(-EINVAL);
		ret = panthor_vm_bo_use(cache->vm_bo);
		return ret ? ERR_PTR(ret) : panthor_vm_bo_get(cache->vm_bo);
	}

	obj = drm_gem_object_lookup(file, handle);
	if (!obj)
		return ERR_PTR(-EINVAL);

	bo = to_panthor_bo(obj);
	if (size > panthor_bo_size(bo) || offset > panthor_bo_size(bo) - size ||
	    (bo->exclusive_vm_root_gem &&
	     bo->exclusive_vm_root_gem != vm->root_gem)) {
		vm_bo = ERR_PTR(-EINVAL);
		goto out_put;
	}

	vm_bo = panthor_vm_use_bo(vm, bo);
	if (IS_ERR(vm_bo))
		goto out_put;

	panthor_vm_op_cache_fini(cache);
	cache->handle = handle;
	cache->vm_bo = panthor_vm_bo_get(vm_bo);

out_put:
	drm_gem_object_put(obj);
	return vm_bo;
}

static int prepare_map(struct panthor_vm *vm, struct drm_file *file,
		       const struct drm_panthor_vm_bind_op *args,
		       struct panthor_vm_op_cache *cache,
		       struct panthor_vm_op *op)
{
	bool sparse = args->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
	struct panthor_vm_bo *vm_bo;

	if (args->flags & ~MAP_FLAGS)
		return -EINVAL;
	if (sparse && vm->ptdev->uapi == PANTHOR_UAPI_1_8)
		return -EINVAL;
	if (sparse && !(args->flags & DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC))
		return -EINVAL;
	if (sparse && (args->bo_handle || args->bo_offset))
		return -EINVAL;

	if (sparse)
		vm_bo = get_dummy(vm);
	else
		vm_bo = get_bo(vm, file, args->bo_handle, args->bo_offset,
			       args->size, cache);
	if (IS_ERR(vm_bo))
		return PTR_ERR(vm_bo);

	op->mapping.bo = vm_bo;
	op->mapping.flags = args->flags & MAP_FLAGS;
	op->mapping.offset = sparse ? args->va % SZ_2M : args->bo_offset;
	return 0;
}

/**
 * panthor_vm_op_prepare() - validate an op, and get hold of its BO
 * @vm: the VM
 * @file: whose handles @args names
 * @args: the op as it came from user space
 * @cache: zeroed before the first op of an ioctl
 * @op: the result; panthor_vm_op_cleanup() is due where this succeeded
 *
 * The syncs of the op are not looked at, but for SYNC_ONLY having some.
 *
 * Return: 0; -EINVAL for what docs/panthor.md lists; -ENOMEM; what using the
 * BO gave.
 */
int panthor_vm_op_prepare(struct panthor_vm *vm, struct drm_file *file,
			  const struct drm_panthor_vm_bind_op *args,
			  struct panthor_vm_op_cache *cache,
			  struct panthor_vm_op *op)
{
	memset(op, 0, sizeof(*op));
	op->type = OP_TYPE(args->flags);
	op->mapping.start = args->va;
	op->mapping.end = args->va + args->size;

	/* 4 KiB whatever the CPU's pages are. */
	if (!IS_ALIGNED(args->va | args->size | args->bo_offset, SZ_4K))
		return -EINVAL;
	if (args->va >= vm->user_va_range ||
	    args->size > vm->user_va_range - args->va)
		return -EINVAL;

	switch (op->type) {
	case DRM_PANTHOR_VM_BIND_OP_TYPE_MAP:
		return prepare_map(vm, file, args, cache, op);
	case (u32)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP:
		if (args->flags != op->type || args->bo_handle ||
		    args->bo_offset)
			return -EINVAL;
		return 0;
	case (u32)DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY:
		if (args->flags != op->type || args->bo_handle ||
		    args->bo_offset || args->va || args->size ||
		    !args->syncs.count)
			return -EINVAL;
		return 0;
	default:
		return -EINVAL;
	}
}

/** panthor_vm_op_cleanup() - drop what an op holds, executed or not */
void panthor_vm_op_cleanup(struct panthor_vm_op *op)
{
	panthor_vm_bo_unuse(op->mapping.bo);
	panthor_vm_bo_put(op->mapping.bo);
	op->mapping.bo = NULL;
}

/** panthor_vm_op_cache_fini() - drop what the cache holds */
void panthor_vm_op_cache_fini(struct panthor_vm_op_cache *cache)
{
	panthor_vm_bo_put(cache->vm_bo);
	cache->vm_bo = NULL;
	cache->handle = 0;
}

/* --------------------------------------------------------------- reserve -- */

static bool is_empty(const struct panthor_vm_op *op)
{
	return op->mapping.start == op->mapping.end;
}

/* The part [start, end) of an op as an edit of the page tables. */
static struct panthor_pt_edit make_edit(const struct panthor_vm_op *op,
					u64 start, u64 end)
{
	const struct panthor_mapping *mapping = &op->mapping;
	struct panthor_pt_edit edit = {.start = start, .end = end};
	bool sparse;

	if (!mapping->bo) {
		edit.type = PANTHOR_PT_UNMAP;
		return edit;
	}

	sparse = mapping->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
	edit.offset = mapping->offset + (start - mapping->start);
	if (op->type == PANTHOR_VM_OP_EVICT) {
		edit.type = sparse ? PANTHOR_PT_EVICT_SPARSE : PANTHOR_PT_EVICT;
		return edit;
	}

	edit.backing = mapping->bo->backing;
	edit.leaf = panthor_pt_leaf(mapping->flags);
	if (mapping->bo->bo->null)
		edit.leaf |= PANTHOR_PTE_NULL;
	if (sparse) {
		edit.type = PANTHOR_PT_SPARSE;
		edit.set = panthor_pt_set(mapping->flags);
	} else {
		edit.type = PANTHOR_PT_MAP;
	}

	return edit;
}

/* Does the op leave the VA tree as it is? */
static bool is_residency_op(const struct panthor_vm_op *op)
{
	return op->type == PANTHOR_VM_OP_EVICT ||
	       op->type == PANTHOR_VM_OP_RESTORE;
}

/** panthor_vm_op_need() - count the tables that an op may need */
void panthor_vm_op_need(const struct panthor_vm *vm,
			const struct panthor_vm_op *op,
			struct panthor_pt_need *need)
{
	struct panthor_pt_edit edit;

	if (is_empty(op))
		return;

	edit = make_edit(op, op->mapping.start, op->mapping.end);
	panthor_pt_need_add(&vm->pt, need, &edit);
}

/* What @ops need beyond what is there now. */
static void count_needs(struct panthor_vm *vm, const struct panthor_vm_op *ops,
			u32 count, struct panthor_vm_reserve *reserve)
{
	u32 i;

	memset(reserve, 0, sizeof(*reserve));
	for (i = 0; i < count; i++) {
		if (is_empty(&ops[i]))
			continue;

		panthor_vm_op_need(vm, &ops[i], &reserve->need);
		reserve->vmas += ops[i].mapping.bo ? 2 : 1;
	}
}

/**
 * panthor_vm_lock_ops() - take the op_lock with all that ops may need
 * @vm: the VM
 * @ops: prepared ops
 * @count: how many
 * @reserve: what is held for them until panthor_vm_release_ops()
 *
 * On success the caller holds the op_lock, and may commit the ops now or, after
 * panthor_vm_unlock(), later. On failure it does not.
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_vm_lock_ops(struct panthor_vm *vm, const struct panthor_vm_op *ops,
			u32 count, struct panthor_vm_reserve *reserve)
{
	struct device *dev = vm->ptdev->base.dev;
	u64 page_count, vma_count;
	LIST_HEAD(pages);
	LIST_HEAD(vmas);

	for (;;) {
		panthor_vm_lock(vm);
		count_needs(vm, ops, count, reserve);
		page_count = panthor_pt_shortage(&vm->pt, &reserve->need);
		vma_count = panthor_vma_shortage(&vm->vmas, reserve->vmas);
		if (!page_count && !vma_count)
			break;

		/* Others may go on while we allocate, and change the need. */
		panthor_vm_unlock(vm);
		if (panthor_pt_alloc_pages(dev, page_count, &pages))
			return -ENOMEM;
		if (panthor_vma_alloc(vma_count, &vmas)) {
			panthor_pt_free_pages(dev, &pages);
			return -ENOMEM;
		}

		panthor_vm_lock(vm);
		panthor_pt_reserve_add(&vm->pt, page_count, &pages);
		panthor_vma_reserve_add(&vm->vmas, vma_count, &vmas);
		count_needs(vm, ops, count, reserve);
		if (!panthor_pt_shortage(&vm->pt, &reserve->need) &&
		    !panthor_vma_shortage(&vm->vmas, reserve->vmas))
			break;
		panthor_vm_unlock(vm);
	}

	panthor_pt_reserve_hold(&vm->pt, &reserve->need);
	panthor_vma_reserve_hold(&vm->vmas, reserve->vmas);
	return 0;
}

/** panthor_vm_release_ops() - ops are over, or will never be; under op_lock */
void panthor_vm_release_ops(struct panthor_vm *vm,
			    const struct panthor_vm_reserve *reserve)
{
	lockdep_assert_held(&vm->op_lock);

	panthor_pt_reserve_drop(&vm->pt, &reserve->need);
	panthor_vma_reserve_drop(&vm->vmas, reserve->vmas);
}

/**
 * panthor_vm_hold_instead() - keep only what one of several ops will need
 * @vm: the VM, with op_lock held since panthor_vm_lock_ops()
 * @op: the one among those ops that has not been committed
 * @reserve: what is held for all of them; out: for @op, given what the others
 * left in the tables
 */
void panthor_vm_hold_instead(struct panthor_vm *vm,
			     const struct panthor_vm_op *op,
			     struct panthor_vm_reserve *reserve)
{
	panthor_vm_release_ops(vm, reserve);
	count_needs(vm, op, 1, reserve);
	panthor_pt_reserve_hold(&vm->pt, &reserve->need);
	panthor_vma_reserve_hold(&vm->vmas, reserve->vmas);
}

/* ---------------------------------------------------------------- commit -- */

/* Would locking [start, end) lock more than twice @bound bytes? */
static bool locks_too_much(u64 start, u64 end, u64 bound)
{
	u64 size;

	(void)panthor_mmu_lock_block(start, end, &size);
	return size > AS_LOCK_REGION_MIN_SIZE && size > 2 * bound;
}

/* How many ops to try in vain before a batch is taken to be complete. */
#define BATCH_LOOK_AHEAD 4

/*
 * How many of @ops to commit under one lock; [*start_out, *end_out) is what
 * they span.
 */
static u32 batch_ops(const struct panthor_vm_op *ops, u32 count, u64 *start_out,
		     u64 *end_out)
{
	u64 start = ops[0].mapping.start, end = ops[0].mapping.end;
	u64 bound = end - start;
	u32 i, good = 1;

	*start_out = start;
	*end_out = end;

	for (i = 1; i < count && i - good < BATCH_LOOK_AHEAD; i++) {
		u64 op_start = ops[i].mapping.start;
		u64 op_end = ops[i].mapping.end;

		if (is_empty(&ops[i]))
			continue;

		/* What lies between the others may have been counted. */
		if (op_start < start)
			bound += min(start, op_end) - op_start;
		if (op_end > end)
			bound += op_end - max(end, op_start);

		start = min(start, op_start);
		end = max(end, op_end);
		if (!locks_too_much(start, end, bound)) {
			*start_out = start;
			*end_out = end;
			good = i + 1;
		}
	}

	return good;
}

/* The address of highest alignment inside (start, end). */
static u64 cut_line(u64 start, u64 end)
{
	u64 size, base = panthor_mmu_lock_block(start, end, &size);

	return base + size / 2;
}

/*
 * Makes sure that the MMU is locked for an edit. *@locked: that it is already,
 * for an earlier edit of the batch, which spans [start, end). @force: it cannot
 * fail unless *@locked.
 */
static int lock_edit(struct panthor_vm *vm, const struct panthor_pt_edit *edit,
		     u64 start, u64 end, bool force, bool *locked)
{
	u64 edit_start, edit_end;
	int ret;

	panthor_pt_footprint(&vm->pt, edit, &edit_start, &edit_end);
	if (*locked)
		return panthor_mmu_expand_locked_region(vm, edit_start,
							edit_end);

	start = min(start, edit_start);
	end = max(end, edit_end);
	if (force) {
		panthor_mmu_force_lock_region(vm, start, end);
		ret = 0;
	} else {
		ret = panthor_mmu_lock_region(vm, start, end);
	}
	*locked = !ret;
	return ret;
}

/* Shared tables that no sparse memory is left for go with the last of it. */
static void drop_unused_tables(struct panthor_vm *vm)
{
	u8 set;

	for (set = 0; set < PANTHOR_PT_SETS; set++) {
		if (!vm->vmas.sparse[set])
			panthor_pt_drop_shared(&vm->pt, set);
	}
}

/* Lets the GPU back in, if it was kept out, and recycles what was unlinked. */
static void unlock_edits(struct panthor_vm *vm, bool locked)
{
	if (locked)
		panthor_mmu_unlock_region(vm);
	panthor_pt_recycle(&vm->pt);
}

/* May the op run? 0, or 1 if there is nothing to do, or why not. */
static int check_op(struct panthor_vm *vm, const struct panthor_vm_op *op)
{
	if (is_empty(op))
		return 1;
	if (is_residency_op(op))
		return 0;
	if (op->mapping.bo && (vm->destroyed || (vm->unusable && !op->kernel)))
		return -EINVAL;

	/* Binding again what is bound, or unbinding nothing. */
	return panthor_vma_is_mapped(&vm->vmas, &op->mapping);
}

/*
 * An op whose block would be too large: two halves with a lock each. If only
 * the second one cannot be locked, the MMU does not answer any more and a reset
 * is on its way, until which the VM translates nothing; so the op is completed.
 */
static int commit_cut(struct panthor_vm *vm, const struct panthor_vm_op *op,
		      bool force)
{
	u64 start = op->mapping.start, end = op->mapping.end;
	u64 line = cut_line(start, end);
	struct panthor_pt_edit edit;
	bool locked = false;
	int ret;

	ret = check_op(vm, op);
	if (ret)
		return ret < 0 ? ret : 0;

	edit = make_edit(op, start, line);
	ret = lock_edit(vm, &edit, start, line, force, &locked);
	if (ret)
		return ret;

	if (!is_residency_op(op))
		panthor_vma_assign(&vm->vmas, &op->mapping);
	panthor_pt_edit(&vm->pt, &edit);
	unlock_edits(vm, locked);

	locked = false;
	edit = make_edit(op, line, end);
	(void)lock_edit(vm, &edit, line, end, true, &locked);
	panthor_pt_edit(&vm->pt, &edit);
	drop_unused_tables(vm);
	unlock_edits(vm, locked);

	return 0;
}

/*
 * Commits ops under one lock, which is taken with the first that has effect.
 * *@done_out: how many it got through. Fewer than @count without an error: what
 * was unlinked has to be recycled, because the next op may count on it.
 */
static int commit_batch(struct panthor_vm *vm, const struct panthor_vm_op *ops,
			u32 count, u64 start, u64 end, bool force,
			u32 *done_out)
{
	bool locked = false;
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !vm->pt.unlinked_count; i++) {
		const struct panthor_mapping *mapping = &ops[i].mapping;
		struct panthor_pt_edit edit;

		ret = check_op(vm, &ops[i]);
		if (ret > 0)
			continue;
		if (ret < 0)
			break;

		edit = make_edit(&ops[i], mapping->start, mapping->end);
		ret = lock_edit(vm, &edit, start, end, force, &locked);
		if (ret)
			break;

		if (!is_residency_op(&ops[i]))
			panthor_vma_assign(&vm->vmas, mapping);
		panthor_pt_edit(&vm->pt, &edit);
	}

	if (locked) {
		drop_unused_tables(vm);
		unlock_edits(vm, locked);
	}

	*done_out = i;
	return ret < 0 ? ret : 0;
}

/* As panthor_vm_commit(). @force: there is one op, and the MMU locks for it. */
static int commit(struct panthor_vm *vm, const struct panthor_vm_op *ops,
		  u32 count, bool force, u32 *done_out)
{
	u32 i = 0, n, done;
	u64 start, end;
	int ret = 0;

	lockdep_assert_held(&vm->op_lock);

	while (i < count && !ret) {
		if (is_empty(&ops[i])) {
			i++;
			continue;
		}

		n = batch_ops(ops + i, count - i, &start, &end);

		/* An op without a range, SYNC_ONLY, locks nothing. */
		if (n == 1 && start < end &&
		    locks_too_much(start, end, end - start)) {
			ret = commit_cut(vm, &ops[i], force);
			done = ret ? 0 : 1;
		} else {
			ret = commit_batch(vm, ops + i, n, start, end, force,
					   &done);
		}
		i += done;
	}

	*done_out = i;
	return ret;
}

/**
 * panthor_vm_commit() - execute prepared ops
 * @vm: the VM, with op_lock held and the needs of all @ops held in reserve
 * @ops: the ops, in order
 * @count: how many
 * @done_out: how many were executed
 *
 * Nothing is allocated. An op is executed as a whole or not at all.
 *
 * Return: 0; or why op *@done_out was not executed, in which case those behind
 * it were not tried: -EINVAL for a MAP on a VM that is unusable or destroyed,
 * -ETIMEDOUT if the MMU could not be locked.
 */
int panthor_vm_commit(struct panthor_vm *vm, const struct panthor_vm_op *ops,
		      u32 count, u32 *done_out)
{
	return commit(vm, ops, count, false, done_out);
}

/**
 * panthor_vm_commit_unmap() - unmap what must not stay mapped
 * @vm: the VM, with op_lock held
 * @op: an UNMAP that the reserve has been held for, or one of the whole VM
 *
 * Where the MMU cannot be locked, the VM translates nothing until the reset
 * that is on its way.
 */
void panthor_vm_commit_unmap(struct panthor_vm *vm,
			     const struct panthor_vm_op *op)
{
	u32 done;

	WARN_ON(commit(vm, op, 1, true, &done));
}
