/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <string.h>

static int
compare(const void *a, const void *b)
{
   const double x = *(const double *)a, y = *(const double *)b;

   return (x > y) - (x < y);
}

double
bench_median(double *values, unsigned count)
{
   qsort(values, count, sizeof(*values), compare);
   return count % 2 ? values[count / 2]
                    : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

uint32_t *
bench_shuffled(uint32_t count, uint32_t seed)
{
   uint32_t *order = vkh_calloc(count, sizeof(*order));
   uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;

   for (uint32_t i = 0; i < count; i++)
      order[i] = i;
   for (uint32_t i = count; i > 1; i--) {
      /* xorshift64 */
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;

      const uint32_t j = (uint32_t)(state % i), swap = order[i - 1];

      order[i - 1] = order[j];
      order[j] = swap;
   }
   return order;
}

/* Memory for @pages tiles or, while the driver refuses, for half as many. */
static bool
allocate(struct bench *bench, struct bench_buffer *buffer, uint32_t pages)
{
   VkMemoryRequirements requirements;

   vkGetBufferMemoryRequirements(bench->vk.device, buffer->buffer,
                                 &requirements);
   if (BENCH_TILE_B % requirements.alignment != 0) {
      fprintf(stderr, "pansparse-bench: tiles of %llu bytes, not 64 KiB\n",
              (unsigned long long)requirements.alignment);
      return false;
   }
   for (; pages > 0; pages /= 2) {
      if (vkh_memory_try_alloc(&bench->vk, pages * BENCH_TILE_B,
                               requirements.memoryTypeBits, VKH_MEMORY_DEVICE,
                               &buffer->memory) == VK_SUCCESS) {
         buffer->pages = pages;
         return true;
      }
   }
   fprintf(stderr, "pansparse-bench: no memory\n");
   return false;
}

bool
bench_buffer_create(struct bench *bench, uint32_t tiles, uint32_t pages,
                    struct bench_buffer *buffer)
{
   const struct vkh *vk = &bench->vk;
   const bool may_alias = vk->features.sparseResidencyAliased;

   memset(buffer, 0, sizeof(*buffer));
   buffer->tiles = tiles;
   buffer->buffer = vkh_sparse_buffer_create(
      vk, tiles * BENCH_TILE_B,
      VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT |
         (may_alias ? VK_BUFFER_CREATE_SPARSE_ALIASED_BIT : 0),
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
         VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   buffer->binds = vkh_calloc(tiles, sizeof(*buffer->binds));
   buffer->fence = vkh_fence_create(vk);
   if (!allocate(bench, buffer, pages))
      goto err;
   if (buffer->pages < tiles && !may_alias) {
      fprintf(stderr, "pansparse-bench: memory for %u of %u tiles, and it "
                      "cannot be aliased\n",
              buffer->pages, tiles);
      goto err;
   }
   return true;

err:
   bench_buffer_destroy(bench, buffer);
   return false;
}

void
bench_buffer_destroy(struct bench *bench, struct bench_buffer *buffer)
{
   vkDestroyFence(bench->vk.device, buffer->fence, NULL);
   vkDestroyBuffer(bench->vk.device, buffer->buffer, NULL);
   vkFreeMemory(bench->vk.device, buffer->memory, NULL);
   free(buffer->binds);
   memset(buffer, 0, sizeof(*buffer));
}

static VkSparseMemoryBind
tile_bind(const struct bench_buffer *buffer, uint32_t tile, uint32_t page)
{
   return (VkSparseMemoryBind){
      .resourceOffset = tile * BENCH_TILE_B,
      .size = BENCH_TILE_B,
      .memory = buffer->memory,
      .memoryOffset = page % buffer->pages * BENCH_TILE_B,
   };
}

void
bench_plan_contiguous(struct bench_buffer *buffer)
{
   for (uint32_t i = 0; i < buffer->tiles; i++)
      buffer->binds[i] = tile_bind(buffer, i, i);
}

void
bench_plan_scattered(struct bench_buffer *buffer)
{
   uint32_t *tiles = bench_shuffled(buffer->tiles, 1);
   uint32_t *pages = bench_shuffled(buffer->tiles, 2);

   for (uint32_t i = 0; i < buffer->tiles; i++)
      buffer->binds[i] = tile_bind(buffer, tiles[i], pages[i]);
   free(tiles);
   free(pages);
}

void
bench_plan_unbind(struct bench_buffer *buffer)
{
   for (uint32_t i = 0; i < buffer->tiles; i++) {
      buffer->binds[i] = (VkSparseMemoryBind){
         .resourceOffset = i * BENCH_TILE_B,
         .size = BENCH_TILE_B,
      };
   }
}

double
bench_bind(struct bench *bench, const struct bench_buffer *buffer,
           uint32_t first, uint32_t count)
{
   const VkSparseBufferMemoryBindInfo binds = {
      .buffer = buffer->buffer,
      .bindCount = count,
      .pBinds = buffer->binds + first,
   };
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &binds,
   };
   const double start = vkh_seconds();

   vkh_bind_and_wait(&bench->vk, &info, buffer->fence);
   return vkh_seconds() - start;
}

void
bench_unbind_all(struct bench *bench, struct bench_buffer *buffer)
{
   bench_plan_unbind(buffer);
   bench_bind(bench, buffer, 0, buffer->tiles);
}
