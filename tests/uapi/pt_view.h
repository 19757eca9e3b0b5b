/* SPDX-License-Identifier: MIT */
/*
 * Page tables as a debugger with a probe on the memory bus would read them. The
 * oracle of the tests: it shares no code with the driver or with the MMU.
 */
#ifndef PT_VIEW_H
#define PT_VIEW_H

#include <stdint.h>

struct pan_kmod_vm;

struct pt_leaf {
   uint64_t pa; /* of the 4 KiB page of the address asked for */
   uint64_t attributes; /* the descriptor without its address bits */
   int level; /* 2: in a 2 MiB block, 3: a page; 0: nothing mapped */
};

/* Walks the VM's tables from level 0. */
struct pt_leaf pt_view(struct pan_kmod_vm *vm, uint64_t va);

/*
 * The valid leaves in [va, va + size_B), and the tables below the root that
 * lead to them, each counted as often as it is named.
 */
struct pt_census {
   uint64_t pages, blocks, tables;
};
struct pt_census pt_count(struct pan_kmod_vm *vm, uint64_t va, uint64_t size_B);

#endif /* PT_VIEW_H */
