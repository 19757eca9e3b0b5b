/* SPDX-License-Identifier: MIT */
/*
 * A VM's page tables as a debugger with a probe on the memory bus would read
 * them: the oracle of the tests, over src/panthor/tests/pt_walker.h.
 */
#ifndef PT_VIEW_H
#define PT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct pan_kmod_vm;

struct pt_leaf {
   uint64_t pa; /* of the address asked for */
   uint64_t attributes; /* a page descriptor's bits that are no address */
   int level; /* 2: in a 2 MiB block, 3: a page; 0: nothing mapped */
   /* The memory was evicted: level is 0, pa is the offset in the BO. */
   bool absent;
};

/* Walks the VM's tables from level 0. */
struct pt_leaf pt_view(struct pan_kmod_vm *vm, uint64_t va);

/*
 * All leaves of a VM, and all tables but the root, each counted once. Fails the
 * test on entries that mean nothing and on tables without any.
 */
struct pt_counts {
   uint64_t pages, blocks, tables;
   uint64_t absent; /* leaves of evicted memory */
};
struct pt_counts pt_count(struct pan_kmod_vm *vm);

#endif /* PT_VIEW_H */
