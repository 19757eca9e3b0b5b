/* SPDX-License-Identifier: MIT */
/*
 * What a VM's page tables must be after binds, without a driver: the last one to name an
 * address has it.
 */
#ifndef REPLAY_MODEL_H
#define REPLAY_MODEL_H

#include "record/record.h"

struct replay_bind {
   uint64_t start, end; /* addresses */
   bool is_map;
   uint64_t object; /* that it maps; 0: sparse */
   uint64_t offset; /* bytes in the object */
   uint32_t flags;  /* enum drm_panthor_vm_bind_op_flags, of MAP_* */
};

struct replay_model {
   struct replay_bind *binds;
   size_t count, room;
   /* A bind failed half-way, and nobody knows what it did. */
   bool unknown;
};

/* False: no memory. */
bool replay_model_add(struct replay_model *model, const struct replay_bind *bind);
/*
 * The ranges, as host_vm_ranges() has them, to be free()d. False: no memory.
 * O(n log n) for n binds.
 */
bool replay_model_ranges(const struct replay_model *model,
                         struct record_range **ranges_out, size_t *count_out);
/* The last bind that maps the address, or NULL. O(binds). */
const struct replay_bind *replay_model_find(const struct replay_model *model,
                                            uint64_t va);
void replay_model_free(struct replay_model *model);

#endif /* REPLAY_MODEL_H */
