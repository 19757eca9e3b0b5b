/* SPDX-License-Identifier: MIT */
/* Creation and destruction of sparse resources to which nothing is bound. */
#include "bench.h"

#define SIZE_B (1ull << 30)
#define SIZE_QUICK_B (64ull << 20)
#define ROUNDS 64 /* of each measurement */

static double
create_buffer(struct bench *bench)
{
   const struct vkh *vk = &bench->vk;
   const VkDeviceSize size_B = bench->quick ? SIZE_QUICK_B : SIZE_B;
   double times[bench->repetitions];

   for (unsigned i = 0; i <= bench->repetitions; i++) {
      const double start = vkh_seconds();

      for (int round = 0; round < ROUNDS; round++) {
         VkBuffer buffer = vkh_sparse_buffer_create(
            vk, size_B, VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
            VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);

         vkDestroyBuffer(vk->device, buffer, NULL);
      }
      if (i > 0)
         times[i - 1] = 1e6 * (vkh_seconds() - start) / ROUNDS;
   }
   return bench_median(times, bench->repetitions);
}

const struct bench_case bench_create_cases[] = {
   {"create_buffer_1g", "create", "us",
    "creates and destroys a residency buffer of 1 GiB", BENCH_LOWER,
    create_buffer},
   {0},
};
