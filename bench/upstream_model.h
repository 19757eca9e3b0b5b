/* SPDX-License-Identifier: MIT */
/*
 * How Linux 7.2.13 edits page tables for VM_BIND, as a small program that does
 * the same work in memory, so that counts and times come from doing it:
 *
 * - every op first sets aside tables for the worst case, one per 512 GiB, 1 GiB
 *   and 2 MiB unit that it touches, in an array that kmalloc() must hold;
 * - an op over part of a mapping takes that part out first, widened to 2 MiB
 *   where the mapping has blocks or is sparse, and writes the rest back;
 * - leaves are written run by run, with a walk from the root for each;
 * - one region lock and one cache flush per op; nothing merges.
 *
 * It is a model of an algorithm, not of a machine: locks and flushes are
 * counted and take no time, mappings are kept per 4 KiB in the tables alone.
 * Written from a description of the behaviour; single-threaded.
 */
#ifndef UPSTREAM_MODEL_H
#define UPSTREAM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct upstream_stats {
   uint64_t entries; /* stored, cleared ones included */
   uint64_t tables; /* in use now, without the root */
   uint64_t reserved_peak; /* most tables set aside for one op */
   uint64_t locked_B; /* sum over the region locks */
   uint64_t flushes;
   uint64_t walks;
};

struct upstream_vm;

/*
 * @fragmented: the dummy is 512 pages, none next to another, and so are BOs;
 * else it is a 2 MiB block. NULL when memory runs out.
 */
struct upstream_vm *upstream_vm_create(bool fragmented);
void upstream_vm_destroy(struct upstream_vm *vm);

/*
 * Ops. Addresses and sizes are multiples of 4 KiB. @pa is the address of a
 * contiguous BO at @va. -ENOMEM where Linux would say so: the tables to set
 * aside do not fit into one kmalloc(), or memory runs out; nothing is changed
 * then.
 */
int upstream_map_sparse(struct upstream_vm *vm, uint64_t va, uint64_t size_B);
int upstream_map(struct upstream_vm *vm, uint64_t va, uint64_t size_B,
                 uint64_t pa);
int upstream_unmap(struct upstream_vm *vm, uint64_t va, uint64_t size_B);

struct upstream_stats upstream_stats(const struct upstream_vm *vm);

#endif /* UPSTREAM_MODEL_H */
