/* SPDX-License-Identifier: MIT */
/*
 * From a Vulkan handle to our state. The engine's handles reach the application
 * as they are, so what this driver knows of an object lies beside it, in a map
 * with the handle as its key.
 *
 * Any thread may call anything here; each map has one reader-writer lock. A
 * looked-up object stays valid for as long as Vulkan's rules on external
 * synchronisation keep its handle valid.
 */
#ifndef PANVK_OBJECT_H
#define PANVK_OBJECT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct panvk_map_slot {
   uint64_t key; /* 0: empty */
   void *value;
};

struct panvk_map {
   pthread_rwlock_t lock; /* guards all that follows */
   struct panvk_map_slot *slots;
   uint32_t count;
   uint32_t capacity; /* 0 or a power of two */
};

/* A handle of either kind as a key. */
#define panvk_key(handle) ((uint64_t)(uintptr_t)(handle))

#define PANVK_MAP_INITIALIZER                                                  \
   {                                                                           \
      .lock = PTHREAD_RWLOCK_INITIALIZER                                       \
   }

void panvk_map_init(struct panvk_map *map);
/* The map must be empty or its values be of no more interest. */
void panvk_map_finish(struct panvk_map *map);
/*
 * Adds or replaces. @key and @value must not be 0. False when out of memory:
 * the map is as it was.
 */
bool panvk_map_insert(struct panvk_map *map, uint64_t key, void *value);
/* NULL where there is none. */
void *panvk_map_find(struct panvk_map *map, uint64_t key);
/* Takes the value out and returns it; NULL where there is none. */
void *panvk_map_remove(struct panvk_map *map, uint64_t key);
/* Calls @fn for every value, under the read lock. */
void panvk_map_foreach(struct panvk_map *map,
                       void (*fn)(void *value, void *data), void *data);

#endif /* PANVK_OBJECT_H */
