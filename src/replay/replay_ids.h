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

/* O(1) to find, on average. Numbers may be used again before they are dropped. */
struct replay_ids {
   struct replay_id *items; /* in the order in which they came */
   size_t count;
   uint32_t *table; /* heads of chains through next; index and 1 */
   uint32_t *next;  /* towards older ones */
   size_t table_size;
};

/* False: no memory. */
bool replay_ids_add(struct replay_ids *ids, const struct replay_id *id);
/* The newest with that number, or NULL. Valid until the next one is added. */
struct replay_id *replay_ids_find(const struct replay_ids *ids, uint64_t recorded);
/* The oldest with that number, or NULL: the one that replay_ids_drop() is about. */
struct replay_id *replay_ids_find_oldest(const struct replay_ids *ids,
                                         uint64_t recorded);
/*
 * The oldest goes: two threads' calls may have ended in another order than they took
 * effect, a new object having the number of one that still seems to be there.
 */
void replay_ids_drop(struct replay_ids *ids, uint64_t recorded);
void replay_ids_free(struct replay_ids *ids);

#endif /* REPLAY_IDS_H */
