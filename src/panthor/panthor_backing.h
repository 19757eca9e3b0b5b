/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where the pages of a pinned BO lie, made for random access: a scatter list
 * has to be walked from its head, which would make a bind of the last tile of a
 * large BO cost more than one of the first.
 *
 * Locking: immutable but for the search hint, which belongs to whoever holds
 * the op_lock of the VM that the index was made for.
 */
#ifndef PANTHOR_BACKING_H
#define PANTHOR_BACKING_H

#include <linux/types.h>

struct sg_table;

/* A run of contiguous DMA addresses; it ends where the next one begins. */
struct panthor_backing_run {
	u64 offset; /* bytes, in the BO */
	u64 addr;   /* DMA address */
};

struct panthor_backing {
	u32 count;
	u32 hint; /* the run that the last search found */
	/* count runs in ascending order, and a last one that ends them. */
	struct panthor_backing_run runs[];
};

struct panthor_backing *panthor_backing_create(const struct sg_table *sgt);
void panthor_backing_destroy(struct panthor_backing *backing);

u64 panthor_backing_find(struct panthor_backing *backing, u64 offset,
			 u64 *len_out);

#endif /* PANTHOR_BACKING_H */
