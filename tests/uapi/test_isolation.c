/* SPDX-License-Identifier: MIT */
/* Finding 19: ops on one VM, however large, delay nobody on another. */
#include "cs_asm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ROUNDS 101
#define OPS 8192u

struct binder {
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo;
   _Atomic bool stop;
   _Atomic uint32_t rounds;
   _Atomic int error;
};

/* The op_lock of the VM is hardly ever free. */
static void *
bind_all_the_time(void *data)
{
   struct binder *b = data;
   static struct drm_panthor_vm_bind_op ops[OPS];

   /* Every other tile of a BO, backwards, over sparse memory: none merge. */
   for (unsigned i = 0; i < OPS; i++)
      ops[i] = (struct drm_panthor_vm_bind_op){
         .flags = NOEXEC,
         .bo_handle = b->bo->handle,
         .bo_offset = (i % 32) * SZ_64K,
         .va = SZ_1T + (OPS - i) * 2 * SZ_64K,
         .size = SZ_64K,
      };
   while (!b->stop && !b->error) {
      b->error = uapi_bind(b->vm, SPARSE, NULL, 0, SZ_1T, SZ_1T);
      if (!b->error)
         b->error = pan_kmod_vm_bind(b->vm, 0, ops, OPS, NULL);
      if (!b->error)
         b->error = uapi_bind(b->vm, UNMAP, NULL, 0, SZ_1T, SZ_1T);
      b->rounds++;
   }
   return NULL;
}

static uint64_t
now_ns(void)
{
   struct timespec ts;

   clock_gettime(CLOCK_MONOTONIC, &ts);
   return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
   const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

   return (x > y) - (x < y);
}

/* From the submit to a new group, which has to get a slot, to its fence. */
static uint64_t
median_latency_ns(struct pan_kmod_dev *dev, struct cs_vm *vm)
{
   const uint32_t done = cs_syncobj(dev);
   const struct drm_panthor_sync_op signal = {SIGNAL, done, 0};
   struct cs cs = cs_at(vm, 0);
   uint64_t ns[ROUNDS];

   cs_poke(&cs, vm->va + SZ_64K, 1);
   for (unsigned i = 0; i < ROUNDS; i++) {
      const uint32_t group = cs_group(dev, vm, 1, 1);
      const uint64_t start = now_ns();

      assert_int_equal(cs_submit(dev, vm, group, 0, &cs, &signal, 1), 0);
      cs_finish(dev, done);
      ns[i] = now_ns() - start;
      assert_int_equal(cs_group_destroy(dev, group), 0);
   }
   pan_kmod_syncobj_destroy(dev, done);
   qsort(ns, ROUNDS, sizeof(ns[0]), compare);
   return ns[ROUNDS / 2];
}

/* Jobs of a VM end as soon as ever while another VM is bound all the time. */
static void
finding_19_binds_delay_nobody_else(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct cs_vm vm, bound;
   struct binder binder = {};
   pthread_t thread;

   cs_vm_init(&vm, dev);
   cs_vm_init(&bound, dev);
   binder.vm = bound.vm;
   binder.bo = bound.bo;

   /* In a slot, so that its ops lock, too. */
   const uint32_t resident = cs_group(dev, &bound, 1, 1);
   struct cs cs = cs_at(&bound, 0);
   const uint32_t started = cs_syncobj(dev);
   const struct drm_panthor_sync_op signal = {SIGNAL, started, 0};

   cs_poke(&cs, bound.va + SZ_64K, 1);
   assert_int_equal(cs_submit(dev, &bound, resident, 0, &cs, &signal, 1), 0);
   cs_finish(dev, started);

   const uint64_t idle_ns = median_latency_ns(dev, &vm);
   assert_int_equal(pthread_create(&thread, NULL, bind_all_the_time, &binder),
                    0);
   while (!binder.rounds && !binder.error)
      sched_yield();
   const uint64_t busy_ns = median_latency_ns(dev, &vm);
   binder.stop = true;
   pthread_join(thread, NULL);

   assert_int_equal(binder.error, 0);
   print_message("# median latency: %llu ns alone, %llu ns beside %u rounds\n",
                 (unsigned long long)idle_ns, (unsigned long long)busy_ns,
                 binder.rounds);
   /* The binder has a CPU's worth of work: a few time slices are fair. */
   assert_true(busy_ns < 10 * idle_ns + 10000000);

   pan_kmod_syncobj_destroy(dev, started);
   cs_vm_fini(&bound);
   cs_vm_fini(&vm);
   uapi_close(dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(finding_19_binds_delay_nobody_else),
   };
   return cmocka_run_group_tests_name("uapi-isolation", tests, NULL, NULL);
}
