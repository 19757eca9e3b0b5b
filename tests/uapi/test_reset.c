/* SPDX-License-Identifier: MIT */
/*
 * Hardware that stops answering while groups run: the driver resets it, every
 * fence signals, and what was not to blame goes on.
 */
#include "cs_asm.h"

#include <unistd.h>

#define RESULT 0x100000ull
#define SECONDS 1000000000ll

enum { UPDATE = 1, LOCK = 2, UNLOCK = 3 };

struct fixture {
   struct pan_kmod_dev *dev;
   struct cs_vm vm, other; /* streams run on both */
   uint32_t group, other_group;
   uint32_t done, other_done;
};

/* A group that stores 1 and then runs until it is stopped. */
static void
run_forever(struct fixture *f, struct cs_vm *vm, uint32_t *group_out,
            uint32_t done)
{
   const struct drm_panthor_sync_op signal = {SIGNAL, done, 0};
   struct cs cs = cs_at(vm, 0);

   *group_out = cs_group(f->dev, vm, 1, 1);
   cs_poke(&cs, vm->va + RESULT, 1);
   cs_forever(&cs);
   assert_int_equal(cs_submit(f->dev, vm, *group_out, 0, &cs, &signal, 1), 0);
   for (unsigned i = 0; i < 5000 && !*cs_word(vm, RESULT); i++)
      usleep(1000);
   assert_int_equal(*cs_word(vm, RESULT), 1);
}

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));
   struct host_config config = uapi_small;

   /* The firmware is meant to fail: no use in waiting. */
   config.fw_patience = 1;
   f->dev = uapi_open(&config);
   cs_vm_init(&f->vm, f->dev);
   cs_vm_init(&f->other, f->dev);
   f->done = cs_syncobj(f->dev);
   f->other_done = cs_syncobj(f->dev);
   run_forever(f, &f->vm, &f->group, f->done);
   run_forever(f, &f->other, &f->other_group, f->other_done);
   *state = f;
   return 0;
}

/* A group of a VM works, new as it is. */
static void
check_works(struct fixture *f, struct cs_vm *vm)
{
   const uint32_t done = cs_syncobj(f->dev);
   const struct drm_panthor_sync_op signal = {SIGNAL, done, 0};
   const uint32_t group = cs_group(f->dev, vm, 1, 1);
   struct cs cs = cs_at(vm, 0x10000);

   *cs_word(vm, RESULT) = 0;
   cs_poke(&cs, vm->va + RESULT, 42);
   assert_int_equal(cs_submit(f->dev, vm, group, 0, &cs, &signal, 1), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, done, 0, 5 * SECONDS), 0);
   assert_int_equal(*cs_word(vm, RESULT), 42);
   assert_int_equal(cs_state(f->dev, group).state, 0);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
   pan_kmod_syncobj_destroy(f->dev, done);
}

/*
 * An op that has something to lock, when the address space answers again. Until
 * the reset has begun it does not, and ops fail as the first one did.
 */
static void
wait_for_reset(struct fixture *f)
{
   int ret = -ETIMEDOUT;

   for (unsigned i = 0; i < 500 && ret == -ETIMEDOUT; i++) {
      ret = uapi_bind(f->vm.vm, NOEXEC, f->vm.bo, 0, 2 * SZ_1G, SZ_64K);
      if (ret)
         usleep(10000);
   }
   assert_int_equal(ret, 0);
}

/* The machine says whether something was lost on the way. */
static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->done);
   pan_kmod_syncobj_destroy(f->dev, f->other_done);
   cs_vm_fini(&f->vm);
   cs_vm_fini(&f->other);
   uapi_close(f->dev);
   free(f);
   return 0;
}

/*
 * Each command gets stuck once. The firmware is well, so that groups are
 * suspended before the reset and go on after it.
 */
static void
stuck_as(struct fixture *f, uint32_t command)
{
   assert_int_equal(pan_kmod_inject_stuck_as(f->dev, command, 0), 0);
   if (command == UPDATE) {
      /* A VM that gets an address space: it cannot run for now, but soon. */
      struct cs_vm fresh;

      cs_vm_init(&fresh, f->dev);
      check_works(f, &fresh);
      cs_vm_fini(&fresh);
   } else {
      const int ret =
         uapi_bind(f->vm.vm, NOEXEC, f->vm.bo, 0, SZ_1G, SZ_64K);

      assert_int_equal(ret, command == LOCK ? -ETIMEDOUT : 0);
   }

   /* Both VMs are usable, bind and run. */
   wait_for_reset(f);
   check_works(f, &f->other);
   check_works(f, &f->vm);
   assert_int_equal(cs_state(f->dev, f->group).state, 0);
   assert_int_equal(cs_state(f->dev, f->other_group).state, 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 0), -ETIME);
   assert_int_equal(cs_group_destroy(f->dev, f->group), 0);
   assert_int_equal(cs_group_destroy(f->dev, f->other_group), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 5 * SECONDS), 0);
   assert_int_equal(
      pan_kmod_syncobj_wait(f->dev, f->other_done, 0, 5 * SECONDS), 0);
}

/* A LOCK that never ends while groups run: a reset, and the innocent go on. */
static void
test_stuck_lock(void **state)
{
   stuck_as(*state, LOCK);
}

/*
 * An UNLOCK that never ends while groups run: a reset, and the innocent go on.
 */
static void
test_stuck_unlock(void **state)
{
   stuck_as(*state, UNLOCK);
}

/*
 * An UPDATE that never ends while groups run: a reset, and the innocent go on.
 */
static void
test_stuck_update(void **state)
{
   stuck_as(*state, UPDATE);
}

/*
 * Firmware that answers nothing is noticed with the first request, here the one
 * to terminate a group. That one is gone anyway; of the other nobody knows
 * where it was, so that it is lost, and said not to be to blame.
 */
static void
test_stuck_mcu(void **state)
{
   struct fixture *f = *state;

   assert_int_equal(pan_kmod_inject_stuck_mcu(f->dev), 0);
   assert_int_equal(cs_group_destroy(f->dev, f->group), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 5 * SECONDS), 0);
   assert_int_equal(
      pan_kmod_syncobj_wait(f->dev, f->other_done, 0, 5 * SECONDS), 0);
   assert_int_equal(cs_state(f->dev, f->other_group).state,
                    DRM_PANTHOR_GROUP_STATE_TIMEDOUT |
                       DRM_PANTHOR_GROUP_STATE_INNOCENT);
   assert_int_equal(cs_submit(f->dev, &f->other, f->other_group, 0, NULL, NULL,
                              0), -EINVAL);
   check_works(f, &f->vm);
   check_works(f, &f->other);
}

/*
 * Firmware that answers nothing is noticed when a new group is to be put into a
 * slot: it hangs.
 */
static void
test_stuck_mcu_at_start(void **state)
{
   struct fixture *f = *state;
   const uint32_t done = cs_syncobj(f->dev);
   const struct drm_panthor_sync_op signal = {SIGNAL, done, 0};
   const uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs cs = cs_at(&f->vm, 0x10000);

   cs_poke(&cs, f->vm.va + RESULT, 2);
   assert_int_equal(pan_kmod_inject_stuck_mcu(f->dev), 0);
   assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, &cs, &signal, 1), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, done, 0, 5 * SECONDS), 0);
   assert_int_equal(cs_state(f->dev, group).state,
                    DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 5 * SECONDS), 0);
   assert_int_equal(cs_state(f->dev, f->group).state,
                    DRM_PANTHOR_GROUP_STATE_TIMEDOUT |
                       DRM_PANTHOR_GROUP_STATE_INNOCENT);
   check_works(f, &f->vm);
   check_works(f, &f->other);
   pan_kmod_syncobj_destroy(f->dev, done);
}

/* Groups can be made at any time, also while the firmware is loaded again. */
static void
test_create_meanwhile(void **state)
{
   struct fixture *f = *state;

   assert_int_equal(pan_kmod_inject_stuck_mcu(f->dev), 0);
   assert_int_equal(cs_group_destroy(f->dev, f->group), 0);
   while (pan_kmod_syncobj_wait(f->dev, f->other_done, 0, 0) == -ETIME)
      assert_int_equal(
         cs_group_destroy(f->dev, cs_group(f->dev, &f->other, 1, 1)), 0);
   check_works(f, &f->vm);
   check_works(f, &f->other);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_stuck_lock),
      WITH_FIXTURE(test_stuck_unlock),
      WITH_FIXTURE(test_stuck_update),
      WITH_FIXTURE(test_stuck_mcu),
      WITH_FIXTURE(test_stuck_mcu_at_start),
      WITH_FIXTURE(test_create_meanwhile),
   };
   if (uapi_is_on_node())
      return uapi_skip_all(tests, sizeof(tests) / sizeof(tests[0]));

   return cmocka_run_group_tests_name("uapi-reset", tests, NULL, NULL);
}
