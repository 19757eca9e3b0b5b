/* SPDX-License-Identifier: MIT */
/*
 * Every free range is a node of two treaps at once: one ordered by start, to
 * merge with its neighbours, one ordered by (size, start), to find the smallest
 * that fits. A treap because it needs no more than a random priority and two
 * short functions, split and join.
 */
#include "panvk_va.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum order { BY_START, BY_SIZE };

struct link {
   struct panvk_va_node *left, *right;
};

struct panvk_va_node {
   uint64_t start, size_B;
   uint64_t priority;
   struct link link[2]; /* by enum order */
};

/* Compares (size, start) or (start). */
static bool
is_less(enum order order, const struct panvk_va_node *node, uint64_t size_B,
        uint64_t start)
{
   if (order == BY_SIZE && node->size_B != size_B)
      return node->size_B < size_B;
   return node->start < start;
}

/* Splits @tree into what is less than the key and the rest. */
static void
split(enum order order, struct panvk_va_node *tree, uint64_t size_B,
      uint64_t start, struct panvk_va_node **less_out,
      struct panvk_va_node **rest_out)
{
   while (tree != NULL) {
      if (is_less(order, tree, size_B, start)) {
         *less_out = tree;
         less_out = &tree->link[order].right;
         tree = *less_out;
      } else {
         *rest_out = tree;
         rest_out = &tree->link[order].left;
         tree = *rest_out;
      }
   }
   *less_out = *rest_out = NULL;
}

/* Joins two trees, all of @low before all of @high. */
static struct panvk_va_node *
join(enum order order, struct panvk_va_node *low, struct panvk_va_node *high)
{
   struct panvk_va_node *root, **place = &root;
   while (low != NULL && high != NULL) {
      if (low->priority > high->priority) {
         *place = low;
         place = &low->link[order].right;
         low = *place;
      } else {
         *place = high;
         place = &high->link[order].left;
         high = *place;
      }
   }
   *place = low != NULL ? low : high;
   return root;
}

static struct panvk_va_node **
tree_of(struct panvk_va_heap *heap, enum order order)
{
   return order == BY_START ? &heap->by_start : &heap->by_size;
}

static void
insert(struct panvk_va_heap *heap, enum order order, struct panvk_va_node *node)
{
   struct panvk_va_node **root = tree_of(heap, order), *less, *rest;
   split(order, *root, node->size_B, node->start, &less, &rest);
   node->link[order] = (struct link){NULL, NULL};
   *root = join(order, join(order, less, node), rest);
}

static void
erase(struct panvk_va_heap *heap, enum order order, struct panvk_va_node *node)
{
   struct panvk_va_node **place = tree_of(heap, order);
   while (*place != node) {
      assert(*place != NULL);
      place = is_less(order, *place, node->size_B, node->start)
                 ? &(*place)->link[order].right
                 : &(*place)->link[order].left;
   }
   *place = join(order, node->link[order].left, node->link[order].right);
}

/* xorshift64*: any sequence without a pattern will do. */
static uint64_t
next_priority(struct panvk_va_heap *heap)
{
   heap->seed ^= heap->seed >> 12;
   heap->seed ^= heap->seed << 25;
   heap->seed ^= heap->seed >> 27;
   return heap->seed * 0x2545f4914f6cdd1dull;
}

static void
add_free(struct panvk_va_heap *heap, struct panvk_va_node *node, uint64_t start,
         uint64_t size_B)
{
   node->start = start;
   node->size_B = size_B;
   node->priority = next_priority(heap);
   insert(heap, BY_START, node);
   insert(heap, BY_SIZE, node);
}

static void
remove_free(struct panvk_va_heap *heap, struct panvk_va_node *node)
{
   erase(heap, BY_START, node);
   erase(heap, BY_SIZE, node);
}

/*
 * There is one node more than there are allocations, in the trees or among the
 * spares: no less are ever needed, so that giving back cannot fail.
 */
static void
add_spare(struct panvk_va_heap *heap, struct panvk_va_node *node)
{
   node->link[BY_START].left = heap->spares;
   heap->spares = node;
}

static struct panvk_va_node *
take_spare(struct panvk_va_heap *heap)
{
   struct panvk_va_node *node = heap->spares;
   assert(node != NULL);
   heap->spares = node->link[BY_START].left;
   return node;
}

int
panvk_va_heap_init(struct panvk_va_heap *heap, uint64_t start, uint64_t end)
{
   assert(start < end && (start | end) % PANVK_VA_MIN_ALIGN == 0);
   *heap = (struct panvk_va_heap){.seed = 0x9e3779b97f4a7c15ull};
   struct panvk_va_node *node = malloc(sizeof(*node));
   if (node == NULL)
      return -ENOMEM;
   pthread_mutex_init(&heap->lock, NULL);
   add_free(heap, node, start, end - start);
   heap->free_B = end - start;
   return 0;
}

void
panvk_va_heap_finish(struct panvk_va_heap *heap)
{
   while (heap->by_start != NULL) {
      struct panvk_va_node *node = heap->by_start;
      remove_free(heap, node);
      free(node);
   }
   while (heap->spares != NULL)
      free(take_spare(heap));
   pthread_mutex_destroy(&heap->lock);
}

static uint64_t
alignment_of(uint64_t size_B)
{
   uint64_t alignment = PANVK_VA_MIN_ALIGN;
   while (alignment < size_B && alignment < PANVK_VA_MAX_ALIGN)
      alignment <<= 1;
   return alignment;
}

static uint64_t
align_up(uint64_t value, uint64_t alignment)
{
   return (value + alignment - 1) & ~(alignment - 1);
}

static bool
fits(const struct panvk_va_node *node, uint64_t size_B, uint64_t alignment)
{
   uint64_t skip = align_up(node->start, alignment) - node->start;
   return skip <= node->size_B && size_B <= node->size_B - skip;
}

/* The first node in (size, start) order that is not less than the key. */
static struct panvk_va_node *
lower_bound(struct panvk_va_node *tree, uint64_t size_B, uint64_t start)
{
   struct panvk_va_node *found = NULL;
   while (tree != NULL) {
      if (is_less(BY_SIZE, tree, size_B, start)) {
         tree = tree->link[BY_SIZE].right;
      } else {
         found = tree;
         tree = tree->link[BY_SIZE].left;
      }
   }
   return found;
}

/*
 * The smallest range that fits. Of those that are just large enough some are
 * misaligned, so a few are looked at; a range with room to align within
 * certainly fits, which bounds the search.
 */
static struct panvk_va_node *
best_fit(struct panvk_va_heap *heap, uint64_t size_B, uint64_t alignment)
{
   struct panvk_va_node *node = lower_bound(heap->by_size, size_B, 0);
   for (unsigned i = 0; i < 8 && node != NULL; i++) {
      if (fits(node, size_B, alignment))
         return node;
      node = lower_bound(heap->by_size, node->size_B, node->start + 1);
   }
   return lower_bound(heap->by_size, size_B + alignment - PANVK_VA_MIN_ALIGN,
                      0);
}

/* When nothing else is left: any range that fits, in O(n). */
static struct panvk_va_node *
any_fit(struct panvk_va_heap *heap, uint64_t size_B, uint64_t alignment)
{
   struct panvk_va_node *node = lower_bound(heap->by_size, size_B, 0);
   while (node != NULL && !fits(node, size_B, alignment))
      node = lower_bound(heap->by_size, node->size_B, node->start + 1);
   return node;
}

int
panvk_va_alloc(struct panvk_va_heap *heap, uint64_t size_B, uint64_t *va_out)
{
   int ret = 0;

   if (size_B == 0)
      return -EINVAL;
   if (size_B > UINT64_MAX / 4)
      return -ENOSPC;
   size_B = align_up(size_B, PANVK_VA_MIN_ALIGN);
   uint64_t alignment = alignment_of(size_B);
   struct panvk_va_node *spare = malloc(sizeof(*spare));
   if (spare == NULL)
      return -ENOMEM;

   pthread_mutex_lock(&heap->lock);
   struct panvk_va_node *node = best_fit(heap, size_B, alignment);
   if (node == NULL)
      node = any_fit(heap, size_B, alignment);
   if (node == NULL) {
      free(spare);
      ret = -ENOSPC;
      goto out;
   }

   add_spare(heap, spare);
   remove_free(heap, node);
   uint64_t start = node->start, end = node->start + node->size_B;
   uint64_t va = align_up(start, alignment);
   add_spare(heap, node);
   if (va > start)
      add_free(heap, take_spare(heap), start, va - start);
   if (va + size_B < end)
      add_free(heap, take_spare(heap), va + size_B, end - va - size_B);
   heap->free_B -= size_B;
   *va_out = va;
out:
   pthread_mutex_unlock(&heap->lock);
   return ret;
}

/* The free ranges right before and right after @va. */
static void
find_neighbours(struct panvk_va_heap *heap, uint64_t va,
                struct panvk_va_node **before_out,
                struct panvk_va_node **after_out)
{
   *before_out = *after_out = NULL;
   for (struct panvk_va_node *node = heap->by_start; node != NULL;) {
      if (node->start < va) {
         *before_out = node;
         node = node->link[BY_START].right;
      } else {
         *after_out = node;
         node = node->link[BY_START].left;
      }
   }
}

void
panvk_va_free(struct panvk_va_heap *heap, uint64_t va, uint64_t size_B)
{
   size_B = align_up(size_B, PANVK_VA_MIN_ALIGN);
   uint64_t start = va, end = va + size_B;
   struct panvk_va_node *before, *after;

   pthread_mutex_lock(&heap->lock);
   find_neighbours(heap, va, &before, &after);
   assert(before == NULL || before->start + before->size_B <= start);
   assert(after == NULL || end <= after->start);
   if (before != NULL && before->start + before->size_B == start) {
      start = before->start;
      remove_free(heap, before);
      add_spare(heap, before);
   }
   if (after != NULL && after->start == end) {
      end += after->size_B;
      remove_free(heap, after);
      add_spare(heap, after);
   }
   add_free(heap, take_spare(heap), start, end - start);
   heap->free_B += size_B;
   struct panvk_va_node *spare = take_spare(heap);
   pthread_mutex_unlock(&heap->lock);
   free(spare);
}
