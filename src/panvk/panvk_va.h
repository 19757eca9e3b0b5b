/* SPDX-License-Identifier: MIT */
/*
 * The GPU VA allocator of a VM. Best fit over free ranges, O(log n).
 *
 * Big ranges are aligned to their own size, rounded up to a power of two (up to
 * PANVK_VA_MAX_ALIGN): LOCKADDR can only name an aligned power of two, so a
 * naturally aligned resource can be locked without locking its neighbours.
 */
#ifndef PANVK_VA_H
#define PANVK_VA_H

#include <pthread.h>
#include <stdint.h>

#define PANVK_VA_MIN_ALIGN (64ull << 10)
#define PANVK_VA_MAX_ALIGN (512ull << 30)

struct panvk_va_node;

struct panvk_va_heap {
   pthread_mutex_t lock; /* guards all that follows */
   struct panvk_va_node *by_start; /* the free ranges, in two treaps */
   struct panvk_va_node *by_size;
   struct panvk_va_node *spares; /* nodes in no treap */
   uint64_t free_B;
   uint64_t seed;
};

/* The free range [start, end), both multiples of PANVK_VA_MIN_ALIGN. */
int panvk_va_heap_init(struct panvk_va_heap *heap, uint64_t start,
                       uint64_t end);
void panvk_va_heap_finish(struct panvk_va_heap *heap);

/*
 * Takes a range of @size_B, rounded up to PANVK_VA_MIN_ALIGN and aligned as
 * said above. -ENOSPC: no free range is large enough; -ENOMEM; -EINVAL: size 0.
 */
int panvk_va_alloc(struct panvk_va_heap *heap, uint64_t size_B,
                   uint64_t *va_out);
/* Gives back exactly what one panvk_va_alloc() took. */
void panvk_va_free(struct panvk_va_heap *heap, uint64_t va, uint64_t size_B);

#endif /* PANVK_VA_H */
