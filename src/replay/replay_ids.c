/* SPDX-License-Identifier: MIT */
#include "replay_ids.h"

#include <stdlib.h>
#include <string.h>

static size_t
slot_of(const struct replay_ids *ids, uint64_t recorded)
{
   uint64_t hash = recorded * UINT64_C(0x9e3779b97f4a7c15);

   return (size_t)(hash >> 32) & (ids->table_size - 1);
}

static void
link_item(struct replay_ids *ids, size_t index)
{
   uint32_t *head = &ids->table[slot_of(ids, ids->items[index].recorded)];

   ids->next[index] = *head;
   *head = (uint32_t)index + 1;
}

static bool
grow(struct replay_ids *ids)
{
   size_t size = ids->table_size ? 2 * ids->table_size : 16;
   struct replay_id *items = realloc(ids->items, size * sizeof(*items));
   if (!items)
      return false;
   ids->items = items;
   uint32_t *next = realloc(ids->next, size * sizeof(*next));
   if (!next)
      return false;
   ids->next = next;
   uint32_t *table = calloc(size, sizeof(*table));
   if (!table)
      return false;
   free(ids->table);
   ids->table = table;
   ids->table_size = size;
   for (size_t i = 0; i < ids->count; i++)
      link_item(ids, i);
   return true;
}

bool
replay_ids_add(struct replay_ids *ids, const struct replay_id *id)
{
   if (ids->count == ids->table_size && !grow(ids))
      return false;
   ids->items[ids->count] = *id;
   link_item(ids, ids->count++);
   return true;
}

struct replay_id *
replay_ids_find(const struct replay_ids *ids, uint64_t recorded)
{
   if (!ids->count)
      return NULL;
   for (uint32_t at = ids->table[slot_of(ids, recorded)]; at; at = ids->next[at - 1]) {
      if (ids->items[at - 1].recorded == recorded)
         return &ids->items[at - 1];
   }
   return NULL;
}

/* The link that leads to an item. */
static uint32_t *
link_to(struct replay_ids *ids, size_t index)
{
   uint32_t *link = &ids->table[slot_of(ids, ids->items[index].recorded)];

   while (*link != index + 1)
      link = &ids->next[*link - 1];
   return link;
}

void
replay_ids_drop(struct replay_ids *ids, uint64_t recorded)
{
   const struct replay_id *id = replay_ids_find(ids, recorded);

   if (!id)
      return;
   size_t index = (size_t)(id - ids->items), last = ids->count - 1;
   *link_to(ids, index) = ids->next[index];
   /* The last item takes its place. */
   if (index != last) {
      *link_to(ids, last) = (uint32_t)index + 1;
      ids->next[index] = ids->next[last];
      ids->items[index] = ids->items[last];
   }
   ids->count--;
}

void
replay_ids_free(struct replay_ids *ids)
{
   free(ids->items);
   free(ids->next);
   free(ids->table);
   memset(ids, 0, sizeof(*ids));
}
