/* SPDX-License-Identifier: MIT */
/* More groups than slots, more VMs than address spaces, priorities. */
#include "cs_asm.h"

#define RESULT 0x100000ull
#define GROUPS 32

/* Counts up a word of its own until somebody else's word is not 0. */
static void
count_until(struct cs *cs, uint64_t counter, uint64_t stop)
{
   cs_move48(cs, 0, counter);
   cs_move48(cs, 2, stop);
   cs_move32(cs, 4, 0);
   const uint64_t *loop = cs->at;
   cs_add32(cs, 4, 4, 1);
   cs_store(cs, 4, 0, 1, 0);
   cs_load(cs, 6, 2, 1, 0);
   cs_wait_all(cs);
   cs_branch(cs, 6, CS_EQ, loop);
}

#define MEDIUM_GROUPS (GROUPS / 2)

struct loops {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t groups[GROUPS], fences[GROUPS];
};

static volatile uint32_t *
counter_of(struct loops *l, unsigned i)
{
   return cs_word(&l->vm, RESULT + 64 * (i + 1));
}

/* Loop @i, with its group: the first half MEDIUM, the others LOW. */
static void
start_loop(struct loops *l, unsigned i)
{
   const uint64_t counter = RESULT + 64 * (i + 1);
   struct cs cs = cs_at(&l->vm, i * 0x400);

   l->fences[i] = cs_syncobj(l->dev);
   l->groups[i] = cs_group(l->dev, &l->vm, 1, i < MEDIUM_GROUPS);
   *counter_of(l, i) = 0;
   count_until(&cs, l->vm.va + counter, l->vm.va + RESULT);
   const struct drm_panthor_sync_op signal = {SIGNAL, l->fences[i], 0};
   assert_int_equal(cs_submit(l->dev, &l->vm, l->groups[i], 0, &cs, &signal, 1),
                    0);
}

/* Until the loop has counted. */
static void
wait_for_turn(struct loops *l, unsigned i)
{
   const uint32_t seen = *counter_of(l, i);

   while (*counter_of(l, i) == seen)
      assert_int_equal(pan_kmod_syncobj_wait(l->dev, l->fences[i], 0, 1000000),
                       -ETIME);
}

/* All of 32 loops make progress on 8 slots, and end when they are told to. */
static void
test_rotation(void **state)
{
   (void)state;
   struct loops l = {.dev = uapi_open(&uapi_small)};

   cs_vm_init(&l.vm, l.dev);
   *cs_word(&l.vm, RESULT) = 0;
   for (unsigned i = 0; i < MEDIUM_GROUPS; i++)
      start_loop(&l, i);
   for (unsigned i = 0; i < MEDIUM_GROUPS; i++)
      wait_for_turn(&l, i);
   /* MEDIUM goes before LOW: those get their turn without end. */
   for (unsigned i = MEDIUM_GROUPS; i < GROUPS; i++)
      start_loop(&l, i);
   for (unsigned i = 0; i < MEDIUM_GROUPS; i++)
      wait_for_turn(&l, i);
   for (unsigned i = MEDIUM_GROUPS; i < GROUPS; i++)
      assert_int_equal(*counter_of(&l, i), 0);

   *cs_word(&l.vm, RESULT) = 1;
   for (unsigned i = 0; i < GROUPS; i++) {
      cs_finish(l.dev, l.fences[i]);
      assert_true(*counter_of(&l, i));
      assert_int_equal(cs_state(l.dev, l.groups[i]).state, 0);
      pan_kmod_syncobj_destroy(l.dev, l.fences[i]);
   }
   cs_vm_fini(&l.vm);
   uapi_close(l.dev);
}

/*
 * Groups that wait fill all slots; others push them out, and the last one
 * signals what they wait for, from a place that needs to be looked at.
 */
static void
test_blocked(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   const uint64_t sparse = SZ_1G + 256;
   uint32_t fences[GROUPS];
   struct cs_vm vm;

   cs_vm_init(&vm, dev);
   assert_int_equal(uapi_bind(vm.vm, SPARSE, NULL, 0, SZ_1G, SZ_2M), 0);
   for (unsigned i = 0; i < GROUPS; i++) {
      uint32_t group = cs_group(dev, &vm, 1, 1);
      struct cs cs = cs_at(&vm, i * 0x400);
      bool last = i == GROUPS - 1;

      fences[i] = cs_syncobj(dev);
      /* Unsigned: as signed numbers these would be the other way round. */
      cs_move48(&cs, 0, i % 2 ? sparse : vm.va + RESULT);
      cs_move48(&cs, 2, 0xffffffffffffull);
      cs_add64(&cs, 2, 2, 1);
      if (!last) {
         cs_sync_wait64(&cs, CS_GT, 0, 2, false);
      } else {
         cs_add64(&cs, 2, 2, 1);
         cs_sync_add64(&cs, 0, 2);
         cs_move48(&cs, 0, vm.va + RESULT);
         cs_sync_add64(&cs, 0, 2);
      }
      *(volatile uint64_t *)cs_word(&vm, RESULT) = 0;
      const struct drm_panthor_sync_op signal = {SIGNAL, fences[i], 0};
      assert_int_equal(cs_submit(dev, &vm, group, 0, &cs, &signal, 1), 0);
   }
   for (unsigned i = 0; i < GROUPS; i++) {
      cs_finish(dev, fences[i]);
      pan_kmod_syncobj_destroy(dev, fences[i]);
   }
   cs_vm_fini(&vm);
   uapi_close(dev);
}

/* Six VMs on three address spaces. */
static void
test_address_spaces(void **state)
{
   (void)state;
   const struct host_config config = {.dram_size_B = 1ull << 30, .as_count = 4};
   enum { VMS = 6 };
   struct pan_kmod_dev *dev = uapi_open(&config);
   struct cs_vm vms[VMS];
   uint32_t fences[VMS];

   for (unsigned i = 0; i < VMS; i++) {
      cs_vm_init(&vms[i], dev);
      struct cs cs = cs_at(&vms[i], 0);

      fences[i] = cs_syncobj(dev);
      *cs_word(&vms[i], RESULT) = 0;
      *cs_word(&vms[i], RESULT + 64) = 0;
      count_until(&cs, vms[i].va + RESULT + 64, vms[i].va + RESULT);
      const struct drm_panthor_sync_op signal = {SIGNAL, fences[i], 0};
      assert_int_equal(cs_submit(dev, &vms[i], cs_group(dev, &vms[i], 1, 1), 0,
                                 &cs, &signal, 1), 0);
   }
   for (unsigned i = 0; i < VMS; i++) {
      while (!*cs_word(&vms[i], RESULT + 64))
         assert_int_equal(pan_kmod_syncobj_wait(dev, fences[i], 0, 1000000),
                          -ETIME);
   }
   for (unsigned i = 0; i < VMS; i++) {
      *cs_word(&vms[i], RESULT) = 1;
      cs_finish(dev, fences[i]);
      pan_kmod_syncobj_destroy(dev, fences[i]);
      cs_vm_fini(&vms[i]);
   }
   uapi_close(dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rotation),
      cmocka_unit_test(test_blocked),
      cmocka_unit_test(test_address_spaces),
   };
   return cmocka_run_group_tests_name("uapi-group-sched", tests, NULL, NULL);
}
