/* SPDX-License-Identifier: MIT */
/* Groups that work: streams load, store, call, and wait for each other. */
#include "cs_asm.h"
#include "pt_view.h"

struct fixture {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t done;
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   cs_vm_init(&f->vm, f->dev);
   f->done = cs_syncobj(f->dev);
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->done);
   cs_vm_fini(&f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

#define RESULT SZ_1M
#define SZ_1M 0x100000ull

static void
run(struct fixture *f, uint32_t group, const struct cs *cs)
{
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};

   assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, cs, &done, 1), 0);
   cs_finish(f->dev, f->done);
}

/* The stream of IGT's group_submit. */
static void
test_store(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs cs = cs_at(&f->vm, 0);

   cs_move48(&cs, 68, f->vm.va + RESULT);
   cs_move32(&cs, 70, 0xdeadbeef);
   cs_store(&cs, 70, 68, 1, 0);
   cs_wait_all(&cs);
   cs_move32(&cs, 70, 0);
   cs_flush(&cs, 70);
   cs_wait_all(&cs);
   run(f, group, &cs);
   assert_int_equal(*cs_word(&f->vm, RESULT), 0xdeadbeef);
   assert_int_equal(cs_state(f->dev, group).state, 0);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
}

/* Memory that is bound keeps words; sparse memory is there, whatever it says. */
static void
test_copy_sparse(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct pan_kmod_bo *bo = uapi_bo(f->dev, SZ_64K);
   struct cs cs = cs_at(&f->vm, 0);

   assert_int_equal(uapi_bind(f->vm.vm, SPARSE, NULL, 0, SZ_1G, SZ_1G), 0);
   assert_int_equal(uapi_bind(f->vm.vm, NOEXEC, bo, 0, SZ_1G + SZ_64K, SZ_64K),
                    0);
   for (unsigned i = 0; i < 256; i++)
      *cs_word(&f->vm, RESULT + 4 * i) = 1000 + i;
   cs_copy(&cs, SZ_1G + SZ_64K, f->vm.va + RESULT, 256);
   /* The bound tile and the sparse memory in front of it. */
   cs_copy(&cs, f->vm.va + RESULT + 2 * SZ_4K, SZ_1G + SZ_64K - 16, 260);
   /* 2 MiB further on is the same place. */
   cs_copy(&cs, SZ_1G + 4096, f->vm.va + RESULT, 16);
   cs_copy(&cs, f->vm.va + RESULT + 4 * SZ_4K, SZ_1G + SZ_2M + 4096, 16);
   run(f, group, &cs);

   for (unsigned i = 0; i < 256; i++)
      assert_int_equal(*cs_word(&f->vm, RESULT + 2 * SZ_4K + 16 + 4 * i),
                       1000 + i);
   for (unsigned i = 0; i < 4; i++)
      assert_int_equal(*cs_word(&f->vm, RESULT + 2 * SZ_4K + 4 * i), 0);
   for (unsigned i = 0; i < 16; i++)
      assert_int_equal(*cs_word(&f->vm, RESULT + 4 * SZ_4K + 4 * i), 1000 + i);
   pan_kmod_bo_destroy(bo);
}

/* A submit brings back all that was evicted of its VM, before its job runs. */
static void
test_evicted(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct pan_kmod_bo *bo = uapi_bo(f->dev, SZ_2M);
   struct cs cs = cs_at(&f->vm, 0);

   assert_int_equal(uapi_bind(f->vm.vm, NOEXEC, bo, 0, SZ_1G, SZ_2M), 0);
   assert_int_equal(uapi_bind(f->vm.vm, SPARSE, NULL, 0, 2 * SZ_1G, SZ_1G), 0);
   for (unsigned i = 0; i < 16; i++)
      *cs_word(&f->vm, RESULT + 4 * i) = 500 + i;
   cs_copy(&cs, SZ_1G + 5 * SZ_4K, f->vm.va + RESULT, 16);
   run(f, group, &cs);

   const struct host_stats before = uapi_stats(f->dev);
   /* What the CPU has mapped stays: the streams. */
   uapi_evict(f->dev, 2);
   assert_true(pt_view(f->vm.vm, SZ_1G).absent);
   assert_true(pt_view(f->vm.vm, 2 * SZ_1G).absent);

   cs = cs_at(&f->vm, 0);
   cs_copy(&cs, f->vm.va + RESULT + SZ_4K, SZ_1G + 5 * SZ_4K, 16);
   run(f, group, &cs);
   for (unsigned i = 0; i < 16; i++)
      assert_int_equal(*cs_word(&f->vm, RESULT + SZ_4K + 4 * i), 500 + i);
   assert_false(pt_view(f->vm.vm, SZ_1G).absent);
   assert_false(pt_view(f->vm.vm, 2 * SZ_1G).absent);
   assert_int_equal(uapi_stats(f->dev).restores - before.restores, 2);
   assert_int_equal(cs_state(f->dev, group).state, 0);
   pan_kmod_bo_destroy(bo);
}

/* CALL runs another buffer and comes back. */
static void
test_call(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs callee = cs_at(&f->vm, SZ_64K), cs = cs_at(&f->vm, 0);

   cs_poke(&callee, f->vm.va + RESULT, 7);
   cs_move48(&cs, 0, cs_va(&f->vm, &callee));
   cs_move32(&cs, 2, cs_size_B(&callee));
   cs_call(&cs, 0, 2);
   cs_poke(&cs, f->vm.va + RESULT + 4, 8);
   run(f, group, &cs);
   assert_int_equal(*cs_word(&f->vm, RESULT), 7);
   assert_int_equal(*cs_word(&f->vm, RESULT + 4), 8);
}

/* Two queues, or two groups, take turns by sync objects in memory. */
static void
ping_pong(struct fixture *f, uint32_t a, uint32_t b, uint32_t queue_b)
{
   const uint64_t ball = f->vm.va + RESULT;
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};

   memset((void *)cs_word(&f->vm, RESULT), 0, 64);
   for (unsigned side = 0; side < 2; side++) {
      struct cs cs = cs_at(&f->vm, side * SZ_64K);

      cs_move48(&cs, 0, ball);
      cs_move48(&cs, 2, 1);
      for (unsigned i = 0; i < 20; i++) {
         if (i || side) {
            cs_move48(&cs, 4, 2 * i + side - 1);
            cs_sync_wait64(&cs, CS_GT, 0, 4, false);
         }
         cs_sync_add64(&cs, 0, 2);
      }
      assert_int_equal(cs_submit(f->dev, &f->vm, side ? b : a,
                                 side ? queue_b : 0, &cs, &done, 1), 0);
   }
   cs_finish(f->dev, f->done);
   assert_int_equal(*cs_word(&f->vm, RESULT), 40);
}

/* SYNC_SET and SYNC_WAIT between queues of a group, and between groups. */
static void
test_sync(void **state)
{
   struct fixture *f = *state;
   uint32_t a = cs_group(f->dev, &f->vm, 2, 1);
   uint32_t b = cs_group(f->dev, &f->vm, 1, 1);

   ping_pong(f, a, a, 1);
   ping_pong(f, a, b, 0);
}

/* Fences order jobs of different groups; jobs without a stream, too. */
static void
test_fences(void **state)
{
   struct fixture *f = *state;
   uint32_t a = cs_group(f->dev, &f->vm, 1, 1);
   uint32_t b = cs_group(f->dev, &f->vm, 1, 1);
   uint32_t line = cs_syncobj(f->dev);
   uint64_t at = 0;

   *cs_word(&f->vm, RESULT) = 0;
   for (unsigned i = 1; i <= 200; i++) {
      struct cs cs = cs_at(&f->vm, at);
      const struct drm_panthor_sync_op syncs[] = {
         {SIGNAL | TIMELINE, line, i}, {TIMELINE, line, i - 1}};

      /* word = word * 1 + 1, in turns: no other order gives 200. */
      cs_move48(&cs, 0, f->vm.va + RESULT);
      cs_load(&cs, 2, 0, 1, 0);
      cs_wait_all(&cs);
      cs_add32(&cs, 2, 2, 1);
      cs_store(&cs, 2, 0, 1, 0);
      cs_wait_all(&cs);
      assert_int_equal(cs_submit(f->dev, &f->vm, i % 2 ? a : b, 0,
                                 i % 7 == 3 ? NULL : &cs, syncs,
                                 i > 1 ? 2 : 1), 0);
      at += 128;
   }
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, line, 200, 20000000000ll), 0);
   assert_int_equal(*cs_word(&f->vm, RESULT), 200 - 29);
   pan_kmod_syncobj_destroy(f->dev, line);
}

/* A ring of 32 jobs takes a thousand, in order. */
static void
test_many(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};
   struct cs cs = cs_at(&f->vm, 0);

   *cs_word(&f->vm, RESULT) = 0;
   cs_move48(&cs, 0, f->vm.va + RESULT);
   cs_load(&cs, 2, 0, 1, 0);
   cs_wait_all(&cs);
   cs_add32(&cs, 2, 2, 1);
   cs_store(&cs, 2, 0, 1, 0);
   for (unsigned i = 0; i < 1000; i++)
      assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, &cs, &done, 1), 0);
   /* Done when the one before is, and not before. */
   assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, NULL, &done, 1), 0);
   cs_finish(f->dev, f->done);
   assert_int_equal(*cs_word(&f->vm, RESULT), 1000);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_store),  WITH_FIXTURE(test_copy_sparse),
      WITH_FIXTURE(test_evicted),
      WITH_FIXTURE(test_call),   WITH_FIXTURE(test_sync),
      WITH_FIXTURE(test_fences), WITH_FIXTURE(test_many),
   };
   return cmocka_run_group_tests_name("uapi-group", tests, NULL, NULL);
}
