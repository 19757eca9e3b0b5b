/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * For tests of page tables and VA trees without a device: a machine that has
 * RAM and nothing else, BOs that are only addresses, and checked binds.
 */
#ifndef PT_FIXTURE_H
#define PT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/device.h>
#include <linux/types.h>

#include "panthor_backing.h"
#include "panthor_pt.h"
#include "pt_walker.h"

/* Boots and shuts down around each test; the latter fails on any leak or WARN.
 */
int fixture_setup(void **state);
int fixture_teardown(void **state);

struct device *fixture_device(void);
/* RAM pages in use, tables and reserves included. */
u64 fixture_pages(void);

/*
 * Backing of @run_count contiguous runs of @run_pages pages each, from @addr
 * on, with a hole of one page between any two.
 */
struct panthor_backing *fixture_backing(u64 addr, u32 run_pages, u32 run_count);

/* A 2 MiB dummy: one aligned block, or no two pages next to each other. */
struct panthor_backing *fixture_dummy(bool block);

struct pt_walker fixture_walker(const struct panthor_pt *pt);

/*
 * Edits with exactly the reserve that the page tables ask for, settles, and
 * checks that nothing is left over and that no table is empty.
 */
void fixture_edit(struct panthor_pt *pt, const struct panthor_pt_edit *edit);
void fixture_map(struct panthor_pt *pt, u64 va, u64 size,
		 struct panthor_backing *backing, u64 offset, u32 flags);
void fixture_sparse(struct panthor_pt *pt, u64 va, u64 size,
		    struct panthor_backing *dummy, u32 flags);
void fixture_unmap(struct panthor_pt *pt, u64 va, u64 size);

/* Unmaps all, drops shared tables, checks that only the root is left. */
void fixture_pt_clear(struct panthor_pt *pt);

/* Every page of [va, va + size): what a mapping says, or nothing. */
void assert_maps(struct panthor_pt *pt, u64 va, u64 size,
		 struct panthor_backing *backing, u64 offset, u32 flags);
void assert_sparse(struct panthor_pt *pt, u64 va, u64 size,
		   struct panthor_backing *dummy, u32 flags);
void assert_unmapped(struct panthor_pt *pt, u64 va, u64 size);

#endif /* PT_FIXTURE_H */
