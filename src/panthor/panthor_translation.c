// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/lockdep.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_backing.h"
#include "panthor_gem.h"
#include "panthor_translation.h"
#include "panthor_vm.h"

static u64 attributes_of(u64 desc)
{
	return desc & (PANTHOR_PTE_AP_RDONLY | PANTHOR_PTE_XN |
		       PANTHOR_PTE_ATTRINDX(7));
}

/* Whether the entry's memory is what the BO has at @offset. */
static bool shows(const struct panthor_pt_entry *entry,
		  struct panthor_vm_bo *bo, u64 offset)
{
	u64 length;

	switch (panthor_pt_entry_kind(entry)) {
	case PANTHOR_PT_KIND_MEMORY:
		return bo->backing &&
		       panthor_backing_find(bo->backing, offset, &length) ==
			       (entry->desc & PANTHOR_PTE_ADDR_MASK) &&
		       length >= entry->end - entry->start;
	case PANTHOR_PT_KIND_ABSENT:
		return bo->evicted &&
		       (entry->desc & PANTHOR_PTE_ADDR_MASK) == offset;
	case PANTHOR_PT_KIND_NULL:
		return bo->bo->null;
	case PANTHOR_PT_KIND_SHARED:
		break;
	}
	return bo->bo->dummy;
}

static struct panthor_translation
translation_of(struct panthor_vm *vm, const struct panthor_pt_entry *entry)
{
	enum panthor_pt_kind kind = panthor_pt_entry_kind(entry);
	struct panthor_vma *vma = panthor_vma_first(&vm->vmas, entry->start);
	struct panthor_translation run = {
		.start = entry->start,
		.end = entry->end,
	};
	u64 wanted;

	run.entries[kind] = 1;
	run.attributes = attributes_of(entry->desc);
	if (!vma || vma->start > entry->start || vma->end < entry->end)
		return run;
	wanted = attributes_of(panthor_pt_leaf(vma->flags));
	/* Those of a shared table's leaves, which only sets can differ in. */
	if (kind == PANTHOR_PT_KIND_SHARED)
		run.attributes = wanted;
	run.bo = vma->bo;
	run.sparse = vma->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
	run.offset = run.sparse ? entry->start % PANTHOR_DUMMY_BO_SIZE :
				  vma->offset + (entry->start - vma->start);
	run.agrees = run.attributes == wanted &&
		     shows(entry, run.bo, run.offset);
	return run;
}

/* Sparse memory repeats its object: an address tells which page it shows. */
static bool continues(const struct panthor_translation *run,
		      const struct panthor_translation *next)
{
	return run->bo && run->end == next->start && run->bo == next->bo &&
	       run->sparse == next->sparse && run->agrees == next->agrees &&
	       run->attributes == next->attributes &&
	       (run->sparse ||
		run->offset + (run->end - run->start) == next->offset);
}

/**
 * panthor_vm_next_translation() - the first translation from an address on
 * @vm: the VM, whose op_lock is held
 * @va: the address
 * @out: filled: it covers @va or is behind it, and is as long as it can be
 *
 * O(log VMAs + levels) for each entry of it.
 *
 * Return: whether there is one.
 */
bool panthor_vm_next_translation(struct panthor_vm *vm, u64 va,
				 struct panthor_translation *out)
{
	struct panthor_translation next;
	struct panthor_pt_entry entry;

	lockdep_assert_held(&vm->op_lock);
	if (!panthor_pt_next_entry(&vm->pt, va, &entry))
		return false;
	*out = translation_of(vm, &entry);
	while (panthor_pt_next_entry(&vm->pt, out->end, &entry)) {
		next = translation_of(vm, &entry);
		if (!continues(out, &next))
			break;
		out->end = next.end;
		for (int i = 0; i <= PANTHOR_PT_KIND_SHARED; i++)
			out->entries[i] += next.entries[i];
	}
	return true;
}
