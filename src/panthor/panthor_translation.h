/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the page tables of a VM translate, in words that a person or a comparison can
 * use, and whether that is what its VMAs say.
 */
#ifndef PANTHOR_TRANSLATION_H
#define PANTHOR_TRANSLATION_H

#include <linux/types.h>

#include "panthor_pt.h"

struct panthor_vm;
struct panthor_vm_bo;

/* Neighbouring entries that say the same of consecutive memory. */
struct panthor_translation {
	u64 start, end;
	struct panthor_vm_bo *bo; /* NULL: entries that no VMA explains */
	u64 offset;		  /* of a sparse one: in its dummy */
	u64 attributes;		  /* of the descriptors */
	bool sparse;
	bool agrees; /* with the VMA: object, offset, attributes */
	u64 entries[PANTHOR_PT_KIND_SHARED + 1];
};

bool panthor_vm_next_translation(struct panthor_vm *vm, u64 va,
				 struct panthor_translation *out);

#endif /* PANTHOR_TRANSLATION_H */
