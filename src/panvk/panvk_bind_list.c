/* SPDX-License-Identifier: MIT */
#include "panvk_bind_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drm-uapi/panthor_drm.h"

#define PAGE_SHIFT 12
#define DUMMY_SIZE_B (2ull << 20)

/* Below this many binds an insertion sort beats the radix sort's set-up. */
#define RADIX_MIN_COUNT 48
#define RADIX_BITS 11
#define RADIX_BUCKETS (1u << RADIX_BITS)

/* What an emptied list may keep: enough for 65,536 scattered binds. */
#define KEPT_CAPACITY 65536u

void
panvk_bind_list_init(struct panvk_bind_list *list)
{
   *list = (struct panvk_bind_list){.sorted = true};
}

void
panvk_bind_list_finish(struct panvk_bind_list *list)
{
   free(list->binds);
   free(list->keys);
   free(list->residency);
   panvk_bind_list_init(list);
}

void
panvk_bind_list_reset(struct panvk_bind_list *list)
{
   if (list->capacity > KEPT_CAPACITY || list->key_capacity > KEPT_CAPACITY ||
       list->residency_capacity > KEPT_CAPACITY) {
      panvk_bind_list_finish(list);
      return;
   }
   list->count = list->residency_count = list->appended = 0;
   list->sorted = true;
   list->out_of_memory = false;
}

/* Room for one more element of *@array; false when memory has run out. */
static bool
grow(void **array, uint32_t *capacity, uint32_t count, size_t element_B)
{
   if (count < *capacity)
      return true;
   uint32_t bigger = *capacity != 0 ? *capacity * 2 : 16;
   void *moved =
      bigger > count ? reallocarray(*array, bigger, element_B) : NULL;
   if (moved == NULL)
      return false;
   *array = moved;
   *capacity = bigger;
   return true;
}

/* Does @next go on where @last ends, in GPU VA and in memory alike? */
static bool
continues(const struct panvk_bind *last, const struct panvk_bind *next)
{
   return last->va + last->size_B == next->va &&
          last->bo_handle == next->bo_handle &&
          (last->bo_handle == 0 ||
           last->bo_offset_B + last->size_B == next->bo_offset_B);
}

void
panvk_bind_list_add(struct panvk_bind_list *list, uint64_t va, uint64_t size_B,
                    uint32_t bo_handle, uint64_t bo_offset_B)
{
   struct panvk_bind bind = {
      .va = va,
      .size_B = size_B,
      .bo_offset_B = bo_handle != 0 ? bo_offset_B : 0,
      .bo_handle = bo_handle,
   };
   if (size_B == 0)
      return;

   list->appended++;
   if (list->count != 0) {
      struct panvk_bind *last = &list->binds[list->count - 1];
      if (continues(last, &bind)) {
         last->size_B += size_B;
         return;
      }
      list->sorted = list->sorted && last->va + last->size_B <= va;
   }
   if (!grow((void **)&list->binds, &list->capacity, list->count,
             sizeof(*list->binds))) {
      list->out_of_memory = true;
      return;
   }
   list->binds[list->count++] = bind;
}

void
panvk_bind_list_add_residency(struct panvk_bind_list *list,
                              struct panvk_image *image, uint32_t first_tile,
                              uint32_t tile_count, bool resident)
{
   if (list->residency_count != 0) {
      struct panvk_residency_change *last =
         &list->residency[list->residency_count - 1];
      if (last->image == image && last->resident == resident &&
          last->first_tile + last->tile_count == first_tile) {
         last->tile_count += tile_count;
         return;
      }
   }
   if (!grow((void **)&list->residency, &list->residency_capacity,
             list->residency_count, sizeof(*list->residency))) {
      list->out_of_memory = true;
      return;
   }
   list->residency[list->residency_count++] = (struct panvk_residency_change){
      .image = image,
      .first_tile = first_tile,
      .tile_count = tile_count,
      .resident = resident,
   };
}

/* --------------------------------------------------------------- sorting -- */

/*
 * What is sorted is not the binds but 64-bit keys: where a bind starts, from
 * the lowest of the list on and in units of the largest power of two that all
 * of them are multiples of, above the bind's index.
 */
struct key_format {
   uint64_t lowest_va;
   unsigned va_shift; /* the unit */
   unsigned index_bits;
   unsigned bits; /* of a whole key */
};

static unsigned
bit_width(uint64_t value)
{
   return value != 0 ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

static struct key_format
choose_keys(const struct panvk_bind_list *list)
{
   struct key_format format = {.lowest_va = UINT64_MAX};
   uint64_t highest = 0, all = 0;
   for (uint32_t i = 0; i < list->count; i++) {
      uint64_t va = list->binds[i].va;
      format.lowest_va = va < format.lowest_va ? va : format.lowest_va;
      highest = va > highest ? va : highest;
   }
   for (uint32_t i = 0; i < list->count; i++)
      all |= list->binds[i].va - format.lowest_va;
   if (all != 0)
      format.va_shift = (unsigned)__builtin_ctzll(all);
   format.index_bits = bit_width(list->count - 1);
   format.bits = format.index_bits +
                 bit_width((highest - format.lowest_va) >> format.va_shift);
   return format;
}

static uint64_t
key_of(const struct key_format *format, const struct panvk_bind_list *list,
       uint32_t i)
{
   return (list->binds[i].va - format->lowest_va) >> format->va_shift
                                                        << format->index_bits |
          i;
}

static void
insertion_sort(uint64_t *keys, uint32_t count)
{
   for (uint32_t i = 1; i < count; i++) {
      uint64_t key = keys[i];
      uint32_t j = i;
      for (; j > 0 && keys[j - 1] > key; j--)
         keys[j] = keys[j - 1];
      keys[j] = key;
   }
}

/* One pass: a stable distribution by the digit at @shift. */
static void
radix_pass(const uint64_t *from, uint64_t *to, uint32_t count, unsigned shift)
{
   uint32_t next[RADIX_BUCKETS] = {0};
   for (uint32_t i = 0; i < count; i++)
      next[(from[i] >> shift) & (RADIX_BUCKETS - 1)]++;

   uint32_t start = 0;
   for (uint32_t i = 0; i < RADIX_BUCKETS; i++) {
      uint32_t size = next[i];
      next[i] = start;
      start += size;
   }
   for (uint32_t i = 0; i < count; i++)
      to[next[(from[i] >> shift) & (RADIX_BUCKETS - 1)]++] = from[i];
}

/* Room for @count keys, twice. */
static bool
reserve_keys(struct panvk_bind_list *list, uint32_t count)
{
   if (count <= list->key_capacity)
      return true;
   uint64_t *keys = reallocarray(list->keys, count, 2 * sizeof(*keys));
   if (keys == NULL)
      return false;
   list->keys = keys;
   list->key_capacity = count;
   return true;
}

/*
 * The order by VA, stable: *order_out[i] & *mask_out is the index of the i-th
 * bind, in memory of the list's. O(n): one pass for 11 bits of the addresses
 * that differ, and the binds of a batch lie in few resources.
 */
static int
sort(struct panvk_bind_list *list, const uint64_t **order_out,
     uint64_t *mask_out)
{
   uint32_t count = list->count;
   struct key_format format = choose_keys(list);
   /* Out of 64 bits only with more binds than anyone has memory for. */
   if (format.bits > 64 || !reserve_keys(list, count))
      return -ENOMEM;

   uint64_t *from = list->keys, *to = list->keys + count;
   for (uint32_t i = 0; i < count; i++)
      from[i] = key_of(&format, list, i);
   if (count < RADIX_MIN_COUNT) {
      insertion_sort(from, count);
   } else {
      for (unsigned shift = format.index_bits; shift < format.bits;
           shift += RADIX_BITS) {
         radix_pass(from, to, count, shift);
         uint64_t *swap = from;
         from = to;
         to = swap;
      }
   }
   *order_out = from;
   *mask_out = (1ull << format.index_bits) - 1;
   return 0;
}

/* -------------------------------------------------------------- emission -- */

static struct drm_panthor_vm_bind_op
map_op(uint64_t va, uint64_t size_B, uint32_t bo_handle, uint64_t bo_offset_B,
       uint32_t flags)
{
   return (struct drm_panthor_vm_bind_op){
      .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
               DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC | flags,
      .bo_handle = bo_handle,
      .bo_offset = bo_offset_B,
      .va = va,
      .size = size_B,
   };
}

/* Writes the ops of an unbound range that the dummy BO stands for. */
static struct drm_panthor_vm_bind_op *
emit_chunks(struct drm_panthor_vm_bind_op *op, const struct panvk_bind *bind,
            uint32_t dummy_bo_handle)
{
   uint64_t end = bind->va + bind->size_B;
   for (uint64_t va = bind->va; va < end;) {
      uint64_t offset_B = va % DUMMY_SIZE_B;
      uint64_t size_B = DUMMY_SIZE_B - offset_B;
      size_B = size_B < end - va ? size_B : end - va;
      *op++ = map_op(va, size_B, dummy_bo_handle, offset_B, 0);
      va += size_B;
   }
   return op;
}

static struct drm_panthor_vm_bind_op *
emit_bind(struct drm_panthor_vm_bind_op *op, const struct panvk_bind *bind,
          uint32_t dummy_bo_handle)
{
   if (bind->bo_handle != 0)
      *op++ = map_op(bind->va, bind->size_B, bind->bo_handle, bind->bo_offset_B,
                     0);
   else if (dummy_bo_handle != 0)
      op = emit_chunks(op, bind, dummy_bo_handle);
   else
      *op++ = map_op(bind->va, bind->size_B, 0, 0,
                     DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE);
   return op;
}

/* No fewer ops than the list becomes: merging can only lower the number. */
static uint64_t
max_op_count(const struct panvk_bind_list *list, uint32_t dummy_bo_handle)
{
   if (dummy_bo_handle == 0)
      return list->count;
   uint64_t total = 0;
   for (uint32_t i = 0; i < list->count; i++) {
      const struct panvk_bind *bind = &list->binds[i];
      uint64_t chunks = (bind->va + bind->size_B - 1) / DUMMY_SIZE_B -
                        bind->va / DUMMY_SIZE_B + 1;
      total += bind->bo_handle == 0 ? chunks : 1;
   }
   return total;
}

int
panvk_bind_list_emit(struct panvk_bind_list *list,
                     const struct panvk_null_mapping *null_mapping,
                     struct drm_panthor_vm_bind_op **ops_out,
                     uint32_t *count_out)
{
   uint32_t dummy_bo_handle = null_mapping->dummy_bo_handle;
   const uint64_t *order = NULL;
   uint64_t mask = 0;

   *ops_out = NULL;
   *count_out = 0;
   if (list->out_of_memory)
      return -ENOMEM;
   if (list->count == 0)
      return 0;
   if (!list->sorted && sort(list, &order, &mask) != 0)
      return -ENOMEM;
   uint64_t max_count = max_op_count(list, dummy_bo_handle);
   struct drm_panthor_vm_bind_op *ops =
      max_count <= UINT32_MAX ? reallocarray(NULL, max_count, sizeof(*ops))
                              : NULL;
   if (ops == NULL)
      return -ENOMEM;

   struct drm_panthor_vm_bind_op *op = ops;
   struct panvk_bind merged = {0};
   for (uint32_t i = 0; i < list->count; i++) {
      const struct panvk_bind *bind =
         &list->binds[order != NULL ? order[i] & mask : i];
      if (merged.size_B != 0 && continues(&merged, bind)) {
         merged.size_B += bind->size_B;
         continue;
      }
      if (merged.size_B != 0)
         op = emit_bind(op, &merged, dummy_bo_handle);
      merged = *bind;
   }
   op = emit_bind(op, &merged, dummy_bo_handle);

   uint32_t count = (uint32_t)(op - ops);
   /* Ops may wait in a queue: what merging saved is given back. */
   if (count < max_count / 2) {
      struct drm_panthor_vm_bind_op *fewer =
         reallocarray(ops, count, sizeof(*ops));
      ops = fewer != NULL ? fewer : ops;
   }
   *ops_out = ops;
   *count_out = count;
   return 0;
}
