/* SPDX-License-Identifier: MIT */
#include "panvk_object.h"

#include <assert.h>
#include <stdlib.h>

/* Linear probing, at most three quarters full, no tombstones. */

/* Handles are pointers: the low bits are equal, so mix all into the top. */
static uint32_t
first_slot(const struct panvk_map *map, uint64_t key)
{
   uint64_t mixed = key * 0x9e3779b97f4a7c15ull;
   return (uint32_t)(mixed >> 32) & (map->capacity - 1);
}

/* The slot of @key, or the empty one where it would go. Needs capacity. */
static uint32_t
find_slot(const struct panvk_map *map, uint64_t key)
{
   uint32_t i = first_slot(map, key);
   while (map->slots[i].key != 0 && map->slots[i].key != key)
      i = (i + 1) & (map->capacity - 1);
   return i;
}

static bool
grow(struct panvk_map *map)
{
   struct panvk_map bigger = {
      .capacity = map->capacity != 0 ? map->capacity * 2 : 16,
   };
   bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
   if (bigger.slots == NULL)
      return false;
   for (uint32_t i = 0; i < map->capacity; i++) {
      if (map->slots[i].key != 0)
         bigger.slots[find_slot(&bigger, map->slots[i].key)] = map->slots[i];
   }
   free(map->slots);
   map->slots = bigger.slots;
   map->capacity = bigger.capacity;
   return true;
}

void
panvk_map_init(struct panvk_map *map)
{
   *map = (struct panvk_map)PANVK_MAP_INITIALIZER;
}

void
panvk_map_finish(struct panvk_map *map)
{
   free(map->slots);
   map->slots = NULL;
   map->capacity = map->count = 0;
   pthread_rwlock_destroy(&map->lock);
}

bool
panvk_map_insert(struct panvk_map *map, uint64_t key, void *value)
{
   assert(key != 0 && value != NULL);
   pthread_rwlock_wrlock(&map->lock);
   bool ok = (map->count + 1) * 4ull <= map->capacity * 3ull || grow(map);
   if (ok) {
      struct panvk_map_slot *slot = &map->slots[find_slot(map, key)];
      map->count += slot->key == 0;
      *slot = (struct panvk_map_slot){key, value};
   }
   pthread_rwlock_unlock(&map->lock);
   return ok;
}

void *
panvk_map_find(struct panvk_map *map, uint64_t key)
{
   pthread_rwlock_rdlock(&map->lock);
   void *value =
      map->count != 0 ? map->slots[find_slot(map, key)].value : NULL;
   pthread_rwlock_unlock(&map->lock);
   return value;
}

/* Empties slot @i and moves what follows so that no probe is cut short. */
static void
close_gap(struct panvk_map *map, uint32_t i)
{
   uint32_t mask = map->capacity - 1;
   for (uint32_t next = (i + 1) & mask; map->slots[next].key != 0;
        next = (next + 1) & mask) {
      uint32_t home = first_slot(map, map->slots[next].key);
      /* May it move back to i: is i between its home and its place? */
      if (((next - home) & mask) >= ((next - i) & mask)) {
         map->slots[i] = map->slots[next];
         i = next;
      }
   }
   map->slots[i] = (struct panvk_map_slot){0};
}

void *
panvk_map_remove(struct panvk_map *map, uint64_t key)
{
   void *value = NULL;
   pthread_rwlock_wrlock(&map->lock);
   if (map->count != 0) {
      uint32_t i = find_slot(map, key);
      value = map->slots[i].value;
      if (map->slots[i].key != 0) {
         close_gap(map, i);
         map->count--;
      }
   }
   pthread_rwlock_unlock(&map->lock);
   return value;
}

void
panvk_map_foreach(struct panvk_map *map, void (*fn)(void *value, void *data),
                  void *data)
{
   pthread_rwlock_rdlock(&map->lock);
   for (uint32_t i = 0; i < map->capacity; i++) {
      if (map->slots[i].key != 0)
         fn(map->slots[i].value, data);
   }
   pthread_rwlock_unlock(&map->lock);
}
