/* SPDX-License-Identifier: MIT */
/*
 * What the numbers of a recording are in a replay: of the objects of a file, and of
 * descriptors, which are known by their inode.
 */
#ifndef REPLAY_IDS_H
#define REPLAY_IDS_H

#include "replay_uapi.h"

struct replay_id {
   uint64_t recorded;
   /* Whether the replay has it, too: what it is there. */
   bool is_real;
   uint64_t real;
   uint64_t object; /* of a BO: the same in all files; 0: unknown */
};

/* O(1), on average. */
struct replay_ids {
   struct replay_id *items;
   size_t count;
   uint32_t *table; /* heads of chains through next; index and 1 */
   uint32_t *next;  /* of each item */
   size_t table_size;
};

/* False: no memory. */
bool replay_ids_add(struct replay_ids *ids, const struct replay_id *id);
/* The one with that number, or NULL. Valid until one is added or dropped. */
struct replay_id *replay_ids_find(const struct replay_ids *ids, uint64_t recorded);
/* Where there is one. */
void replay_ids_drop(struct replay_ids *ids, uint64_t recorded);
void replay_ids_free(struct replay_ids *ids);

#endif /* REPLAY_IDS_H */
