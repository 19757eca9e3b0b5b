/* SPDX-License-Identifier: MIT */
/*
 * Groups that fail: what GROUP_GET_STATE says, which fences signal, and that
 * nobody else is hurt.
 */
#include "cs_asm.h"

#define RESULT 0x100000ull

struct fixture {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t done, bystander; /* syncobj, group on the same VM */
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   cs_vm_init(&f->vm, f->dev);
   f->done = cs_syncobj(f->dev);
   f->bystander = cs_group(f->dev, &f->vm, 1, 1);
   *state = f;
   return 0;
}

/* The bystander is as well as ever. */
static void
check_bystander(struct fixture *f)
{
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};
   struct cs cs = cs_at(&f->vm, 0x80000);

   *cs_word(&f->vm, RESULT) = 0;
   cs_poke(&cs, f->vm.va + RESULT, 99);
   assert_int_equal(cs_submit(f->dev, &f->vm, f->bystander, 0, &cs, &done, 1),
                    0);
   cs_finish(f->dev, f->done);
   assert_int_equal(*cs_word(&f->vm, RESULT), 99);
   assert_int_equal(cs_state(f->dev, f->bystander).state, 0);
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   check_bystander(f);
   pan_kmod_syncobj_destroy(f->dev, f->done);
   cs_vm_fini(&f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

static void
submit(struct fixture *f, uint32_t group, uint32_t queue, const struct cs *cs,
       uint32_t syncobj)
{
   const struct drm_panthor_sync_op signal = {SIGNAL, syncobj, 0};

   assert_int_equal(cs_submit(f->dev, &f->vm, group, queue, cs, &signal, 1), 0);
}

static void
expect_dead(struct fixture *f, uint32_t group, uint32_t state,
            uint32_t fatal_queues)
{
   struct drm_panthor_group_get_state now = cs_state(f->dev, group);
   struct cs cs = cs_at(&f->vm, 0x70000);

   assert_int_equal(now.state, state);
   assert_int_equal(now.fatal_queues, fatal_queues);
   assert_int_equal(now.group_handle, 0);
   cs_poke(&cs, f->vm.va, 0);
   assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, &cs, NULL, 0), -EINVAL);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
   assert_int_equal(cs_group_destroy(f->dev, group), -EINVAL);
}

/* A fault of queue 1 takes queue 0 with it, which runs for ever, and a job
 * behind each. */
static void
check_fatal(struct fixture *f, const struct cs *bad)
{
   uint32_t group = cs_group(f->dev, &f->vm, 2, 1);
   struct drm_panthor_queue_submit jobs[4];
   struct drm_panthor_sync_op signals[4];
   uint32_t fences[4];
   struct cs loop = cs_at(&f->vm, 0x60000), after = cs_at(&f->vm, 0x61000);

   cs_forever(&loop);
   cs_poke(&after, f->vm.va + RESULT + 8, 1);
   *cs_word(&f->vm, RESULT + 8) = 0;
   /* In one ioctl: later it would be too late for some of them. */
   for (unsigned i = 0; i < 4; i++) {
      const struct cs *cs = i < 2 ? (i ? bad : &loop) : &after;

      fences[i] = cs_syncobj(f->dev);
      signals[i] = (struct drm_panthor_sync_op){SIGNAL, fences[i], 0};
      jobs[i] = (struct drm_panthor_queue_submit){
         .queue_index = i % 2, .stream_addr = cs_va(&f->vm, cs),
         .stream_size = cs_size_B(cs),
         .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signals[i])};
   }
   assert_int_equal(cs_submit_raw(f->dev, group, jobs, 4), 0);
   for (unsigned i = 0; i < 4; i++) {
      cs_finish(f->dev, fences[i]);
      pan_kmod_syncobj_destroy(f->dev, fences[i]);
   }
   assert_int_equal(*cs_word(&f->vm, RESULT + 8), 0);
   expect_dead(f, group, DRM_PANTHOR_GROUP_STATE_FATAL_FAULT, 1 << 1);
}

/*
 * An access that nothing is mapped for, or that is not allowed, ends the group
 * and not its VM.
 */
static void
test_mmu_fault(void **state)
{
   struct fixture *f = *state;
   struct cs load = cs_at(&f->vm, 0), store = cs_at(&f->vm, 0x1000);
   uint32_t vm_state;

   cs_move48(&load, 0, SZ_512G);
   cs_load(&load, 2, 0, 1, 0);
   cs_wait_all(&load);
   check_fatal(f, &load);

   assert_int_equal(uapi_bind(f->vm.vm, SPARSE | READONLY, NULL, 0, SZ_1G,
                              SZ_2M), 0);
   cs_poke(&store, SZ_1G, 1);
   check_fatal(f, &store);

   /* The VM is none the worse. */
   assert_int_equal(pan_kmod_vm_get_state(f->vm.vm, &vm_state), 0);
   assert_int_equal(vm_state, DRM_PANTHOR_VM_STATE_USABLE);
}

/* Unknown instructions and endless calls end the group. */
static void
test_bad_instruction(void **state)
{
   struct fixture *f = *state;
   struct cs unknown = cs_at(&f->vm, 0), deep = cs_at(&f->vm, 0x1000);

   cs_raw(&unknown, 0xee00000000000000ull);
   check_fatal(f, &unknown);

   /* Calls itself. */
   cs_move48(&deep, 0, cs_va(&f->vm, &deep));
   cs_move32(&deep, 2, 24);
   cs_call(&deep, 0, 2);
   check_fatal(f, &deep);
}

/* A recoverable fault: the group lives on, and runs what is behind. */
static void
test_fault(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs bad = cs_at(&f->vm, 0), good = cs_at(&f->vm, 0x1000);

   *cs_word(&f->vm, RESULT) = 5;
   *cs_word(&f->vm, RESULT + 8) = 1; /* the status: a job failed */
   cs_move48(&bad, 0, f->vm.va + RESULT);
   cs_move48(&bad, 2, 4);
   cs_sync_wait64(&bad, CS_GT, 0, 2, true);
   submit(f, group, 0, &bad, f->done);
   cs_poke(&good, f->vm.va + RESULT + 64, 1);
   submit(f, group, 0, &good, f->done);
   cs_finish(f->dev, f->done);
   assert_int_equal(*cs_word(&f->vm, RESULT + 64), 1);
   assert_int_equal(cs_state(f->dev, group).state, 0);
   *cs_word(&f->vm, RESULT + 8) = 0;
}

/* One that loops and one that waits for ever, at the same time; 5 s. */
static void
test_timeout(void **state)
{
   struct fixture *f = *state;
   uint32_t loops = cs_group(f->dev, &f->vm, 1, 1);
   uint32_t waits = cs_group(f->dev, &f->vm, 1, 1);
   struct cs loop = cs_at(&f->vm, 0), wait = cs_at(&f->vm, 0x1000);
   uint32_t other = cs_syncobj(f->dev);

   *(volatile uint64_t *)cs_word(&f->vm, RESULT + 64) = 0;
   cs_forever(&loop);
   cs_move48(&wait, 0, f->vm.va + RESULT + 64);
   cs_move48(&wait, 2, 0);
   cs_sync_wait64(&wait, CS_GT, 0, 2, false);
   submit(f, loops, 0, &loop, f->done);
   submit(f, waits, 0, &wait, other);
   cs_finish(f->dev, f->done);
   cs_finish(f->dev, other);
   pan_kmod_syncobj_destroy(f->dev, other);
   expect_dead(f, loops, DRM_PANTHOR_GROUP_STATE_TIMEDOUT, 0);
   expect_dead(f, waits, DRM_PANTHOR_GROUP_STATE_TIMEDOUT, 0);
}

/* Destroyed while it runs: its fences signal all the same. */
static void
test_destroy_running(void **state)
{
   struct fixture *f = *state;
   struct cs loop = cs_at(&f->vm, 0);

   cs_forever(&loop);
   for (unsigned i = 0; i < 20; i++) {
      uint32_t group = cs_group(f->dev, &f->vm, 1, 1);

      submit(f, group, 0, &loop, f->done);
      assert_int_equal(cs_group_destroy(f->dev, group), 0);
      cs_finish(f->dev, f->done);
   }
}

/* The jobs of a destroyed VM fault. */
static void
test_vm_destroyed(void **state)
{
   struct fixture *f = *state;
   struct cs_vm doomed;
   struct cs loop;

   cs_vm_init(&doomed, f->dev);
   uint32_t group = cs_group(f->dev, &doomed, 1, 1);
   const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};

   loop = cs_at(&doomed, 0);
   cs_forever(&loop);
   assert_int_equal(cs_submit(f->dev, &doomed, group, 0, &loop, &signal, 1), 0);
   cs_vm_fini(&doomed);
   cs_finish(f->dev, f->done);
   assert_int_equal(cs_state(f->dev, group).state,
                    DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
}

/* Closed while it runs: nothing is left, which uapi_close() checks. */
static void
test_close_running(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct cs_vm vm;

   cs_vm_init(&vm, dev);
   uint32_t group = cs_group(dev, &vm, 2, 1);
   struct cs loop = cs_at(&vm, 0);

   cs_forever(&loop);
   for (unsigned i = 0; i < 40; i++)
      assert_int_equal(cs_submit(dev, &vm, group, i % 2, &loop, NULL, 0), 0);
   assert_int_equal(pan_kmod_munmap(dev, vm.map, SZ_2M), 0);
   /* No destructor of the VM or the BO: the file goes first. */
   uapi_close(dev);
   free(vm.vm);
   free(vm.bo);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_mmu_fault),       WITH_FIXTURE(test_bad_instruction),
      WITH_FIXTURE(test_fault),           WITH_FIXTURE(test_timeout),
      WITH_FIXTURE(test_destroy_running), WITH_FIXTURE(test_vm_destroyed),
      cmocka_unit_test(test_close_running),
   };
   return cmocka_run_group_tests_name("uapi-group-fault", tests, NULL, NULL);
}
