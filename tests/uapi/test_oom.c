/* SPDX-License-Identifier: MIT */
/*
 * Streams whose tiler heap runs out of chunks (TILER_OOM), which only streams
 * of the virtual GPU can do at will: what the driver answers, and whom it ends.
 */
#include "cs_asm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define RESULT 0x100000ull
#define CHUNK_B (256u << 10)
#define MAX_CHUNKS 3
#define TARGET_IN_FLIGHT 2
#define LOCK 2 /* commands of an address space */
#define UNLOCK 3
#define CHUNK_VA(ref) ((ref) & ~0xfffull)

struct fixture {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t done, bystander; /* syncobj, group on the same VM */
   struct drm_panthor_tiler_heap_create heap;
};

static struct drm_panthor_tiler_heap_create
heap_args(uint32_t vm_id)
{
   return (struct drm_panthor_tiler_heap_create){
      .vm_id = vm_id,
      .initial_chunk_count = 1,
      .chunk_size = CHUNK_B,
      .max_chunks = MAX_CHUNKS,
      .target_in_flight = TARGET_IN_FLIGHT,
   };
}

static struct drm_panthor_tiler_heap_create
create_heap(struct pan_kmod_dev *dev, uint32_t vm_id)
{
   struct drm_panthor_tiler_heap_create args = heap_args(vm_id);

   assert_int_equal(
      pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &args), 0);
   return args;
}

static int
destroy_heap(struct pan_kmod_dev *dev, uint32_t handle)
{
   struct drm_panthor_tiler_heap_destroy args = {.handle = handle};

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &args);
}

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   cs_vm_init(&f->vm, f->dev);
   f->done = cs_syncobj(f->dev);
   f->bystander = cs_group(f->dev, &f->vm, 1, 1);
   f->heap = create_heap(f->dev, f->vm.vm->id);
   *state = f;
   return 0;
}

static void
run(struct fixture *f, uint32_t group, const struct cs *cs)
{
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};

   assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, cs, &done, 1), 0);
   cs_finish(f->dev, f->done);
}

/* The bystander is as well as ever. */
static int
teardown(void **state)
{
   struct fixture *f = *state;
   struct cs cs = cs_at(&f->vm, 0x80000);

   *cs_word(&f->vm, RESULT) = 0;
   cs_poke(&cs, f->vm.va + RESULT, 99);
   run(f, f->bystander, &cs);
   assert_int_equal(*cs_word(&f->vm, RESULT), 99);
   assert_int_equal(cs_state(f->dev, f->bystander).state, 0);

   pan_kmod_syncobj_destroy(f->dev, f->done);
   cs_vm_fini(&f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

enum { VT_STARTED, VT_COMPLETED, EXHAUSTED, FRAG_COMPLETED };

static void
heap_set(struct cs *cs, uint64_t va)
{
   cs_move48(cs, 8, va);
   cs_raw(cs, 48ull << 56 | 8ull << 40);
}

static void
heap_op(struct cs *cs, unsigned operation, unsigned times)
{
   for (unsigned i = 0; i < times; i++)
      cs_raw(cs, 49ull << 56 | (uint64_t)operation << 32);
}

/* Stores the answer, r10:11, at RESULT + 8 @index. */
static void
heap_exhaust(struct cs *cs, struct cs_vm *vm, unsigned index)
{
   cs_raw(cs, 49ull << 56 | 10ull << 40 | (uint64_t)EXHAUSTED << 32);
   cs_move48(cs, 12, vm->va + RESULT + 8 * index);
   cs_store(cs, 10, 12, 3, 0);
   cs_wait_all(cs);
}

static uint64_t
answer(struct fixture *f, unsigned index)
{
   return *(volatile uint64_t *)cs_word(&f->vm, RESULT + 8 * index);
}

/* Runs out twice, gets two chunks, and writes to and reads from the last. */
static void
test_grow(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs cs = cs_at(&f->vm, 0);

   heap_set(&cs, f->heap.tiler_heap_ctx_gpu_va);
   heap_op(&cs, VT_STARTED, 1);
   heap_exhaust(&cs, &f->vm, 0);
   heap_exhaust(&cs, &f->vm, 1);
   run(f, group, &cs);

   uint64_t chunk = CHUNK_VA(answer(f, 1));
   assert_true(chunk && CHUNK_VA(answer(f, 0)));
   assert_int_equal(answer(f, 0) & 0xfff, CHUNK_B >> 12);
   assert_true(chunk != CHUNK_VA(answer(f, 0)));
   assert_true(chunk != f->heap.first_heap_chunk_gpu_va);
   assert_true(chunk >= f->vm.vm->user_va_range);

   cs = cs_at(&f->vm, 0x1000);
   cs_poke(&cs, chunk + CHUNK_B - 4, 77);
   cs_copy(&cs, f->vm.va + RESULT, chunk + CHUNK_B - 4, 1);
   run(f, group, &cs);
   assert_int_equal(*cs_word(&f->vm, RESULT), 77);
   assert_int_equal(cs_state(f->dev, group).state, 0);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
}

/* At the limit, with and without fragment jobs to wait for, the answer is 0. */
static void
test_limits(void **state)
{
   struct fixture *f = *state;
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs cs = cs_at(&f->vm, 0);

   heap_set(&cs, f->heap.tiler_heap_ctx_gpu_va);
   heap_op(&cs, VT_STARTED, TARGET_IN_FLIGHT + 1);
   heap_exhaust(&cs, &f->vm, 0); /* too many passes in flight */
   heap_op(&cs, VT_COMPLETED, 1);
   heap_op(&cs, FRAG_COMPLETED, 1);
   for (unsigned i = 1; i <= MAX_CHUNKS; i++)
      heap_exhaust(&cs, &f->vm, i); /* the last one is too many */
   heap_op(&cs, VT_COMPLETED, 1);
   heap_exhaust(&cs, &f->vm, MAX_CHUNKS + 1); /* one will return chunks */
   memset(f->vm.map + RESULT, 0x55, 64);
   run(f, group, &cs);

   assert_int_equal(answer(f, 0), 0);
   for (unsigned i = 1; i < MAX_CHUNKS; i++)
      assert_true(CHUNK_VA(answer(f, i)));
   assert_int_equal(answer(f, MAX_CHUNKS), 0);
   assert_int_equal(answer(f, MAX_CHUNKS + 1), 0);
   assert_int_equal(cs_state(f->dev, group).state, 0);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
}

/* Asks for a heap, after so many passes begun, tiled and done. */
static void
expect_fatal(struct fixture *f, uint64_t va, const unsigned passes[3])
{
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   struct cs cs = cs_at(&f->vm, 0);

   memset(f->vm.map + RESULT, 0x55, 64);
   heap_set(&cs, va);
   heap_op(&cs, VT_STARTED, passes[0]);
   heap_op(&cs, VT_COMPLETED, passes[1]);
   heap_op(&cs, FRAG_COMPLETED, passes[2]);
   heap_exhaust(&cs, &f->vm, 0);
   run(f, group, &cs);

   struct drm_panthor_group_get_state now = cs_state(f->dev, group);
   assert_int_equal(now.state, DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
   assert_int_equal(now.fatal_queues, 1);
   assert_int_equal(*cs_word(&f->vm, RESULT), 0x55555555);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
}

/* A stream without a heap, or with impossible numbers of it, ends its group. */
static void
test_no_heap(void **state)
{
   struct fixture *f = *state;
   const uint64_t va = f->heap.tiler_heap_ctx_gpu_va;
   static const unsigned one[3] = {1, 0, 0};
   static const unsigned impossible[][3] = {
      {0, 0, 0}, {1, 1, 0}, {1, 2, 0}, {2, 1, 2}, {3, 1, 2}, {1, 2, 2},
   };

   expect_fatal(f, 0, one);
   expect_fatal(f, va + 8, one);
   expect_fatal(f, va + SZ_4K * 128, one);
   expect_fatal(f, f->heap.first_heap_chunk_gpu_va, one);
   for (size_t i = 0; i < sizeof(impossible) / sizeof(*impossible); i++)
      expect_fatal(f, va, impossible[i]);

   assert_int_equal(destroy_heap(f->dev, f->heap.handle), 0);
   expect_fatal(f, va, one);
}

/* A VM that never had a heap. */
static void
test_no_pool(void **state)
{
   struct fixture *f = *state;
   struct fixture other = {.dev = f->dev, .done = f->done};
   static const unsigned one[3] = {1, 0, 0};

   cs_vm_init(&other.vm, f->dev);
   expect_fatal(&other, f->heap.tiler_heap_ctx_gpu_va, one);
   cs_vm_fini(&other.vm);
}

/* Waits for the word at RESULT + 64 to be written, then asks once. */
static struct cs
ask_when_told(struct fixture *f, uint64_t heap_va)
{
   struct cs cs = cs_at(&f->vm, 0);

   memset(f->vm.map + RESULT, 0, 128);
   cs_move48(&cs, 0, f->vm.va + RESULT + 64);
   cs_move48(&cs, 2, 0);
   cs_sync_wait64(&cs, CS_GT, 0, 2, false);
   heap_set(&cs, heap_va);
   heap_op(&cs, VT_STARTED, 1);
   heap_exhaust(&cs, &f->vm, 0);
   cs_poke(&cs, f->vm.va + RESULT + 32, 1);
   return cs;
}

/* Every step of growing fails once: then there is no chunk, and that is all. */
static void
test_no_memory(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
   unsigned without = 0;
   uint64_t n = 0;

   for (bool struck = true; struck; n++) {
      struct drm_panthor_tiler_heap_create heap =
         create_heap(f->dev, f->vm.vm->id);
      struct cs cs = ask_when_told(f, heap.tiler_heap_ctx_gpu_va);

      assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, &cs, &done, 1), 0);
      host_inject_failure(n);
      *cs_word(&f->vm, RESULT + 64) = 1;
      while (!*cs_word(&f->vm, RESULT + 32))
         usleep(100);
      struck = host_inject_failure(UINT64_MAX) > n;
      cs_finish(f->dev, f->done);

      if (!struck)
         assert_true(answer(f, 0));
      without += !answer(f, 0);
      assert_int_equal(cs_state(f->dev, group).state, 0);
      assert_int_equal(destroy_heap(f->dev, heap.handle), 0);
   }
   assert_true(without >= 3);
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
}

/*
 * The MMU does not answer, before the chunk is mapped or after it. The stream
 * may have to ask again after the reset, and then finds the one chunk that the
 * heap may still get: a chunk that it was not there to take has gone back.
 */
static void
test_reset(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};
   uint32_t group = cs_group(f->dev, &f->vm, 1, 1);

   for (unsigned i = 0; i < 8; i++) {
      struct drm_panthor_tiler_heap_create heap = heap_args(f->vm.vm->id);

      heap.max_chunks = 2;
      assert_int_equal(
         pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap), 0);
      struct cs cs = ask_when_told(f, heap.tiler_heap_ctx_gpu_va);

      assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, &cs, &done, 1), 0);
      assert_int_equal(
         pan_kmod_inject_stuck_as(f->dev, i % 2 ? LOCK : UNLOCK, 0), 0);
      *cs_word(&f->vm, RESULT + 64) = 1;
      cs_finish(f->dev, f->done);
      assert_true(CHUNK_VA(answer(f, 0)));
      assert_int_equal(cs_state(f->dev, group).state, 0);
      assert_int_equal(destroy_heap(f->dev, heap.handle), 0);
   }
   assert_int_equal(cs_group_destroy(f->dev, group), 0);
}

/* ------------------------------------------------------------ concurrently -- */

/* Asks for ever. */
static struct cs
ask_forever(struct cs_vm *vm, uint64_t heap_va)
{
   struct cs cs = cs_at(vm, 0x2000);

   heap_set(&cs, heap_va);
   heap_op(&cs, VT_STARTED, 1);
   cs_move32(&cs, 20, 0);
   const uint64_t *loop = cs.at;
   cs_raw(&cs, 49ull << 56 | 10ull << 40 | (uint64_t)EXHAUSTED << 32);
   cs_branch(&cs, 20, CS_ALWAYS, loop);
   return cs;
}

/* More groups than slots ask at once, so that many lose theirs meanwhile. */
static void
test_rotation(void **state)
{
   struct fixture *f = *state;
   enum { GROUPS = 20, ASKS = 20 };
   uint32_t groups[GROUPS], fences[GROUPS];

   for (unsigned i = 0; i < GROUPS; i++) {
      struct cs cs = cs_at(&f->vm, 0x4000 + i * 0x1000);
      const struct drm_panthor_sync_op signal = {
         SIGNAL, fences[i] = cs_syncobj(f->dev), 0};

      groups[i] = cs_group(f->dev, &f->vm, 1, 1);
      heap_set(&cs, f->heap.tiler_heap_ctx_gpu_va);
      heap_op(&cs, VT_STARTED, 1);
      for (unsigned j = 0; j < ASKS; j++)
         heap_exhaust(&cs, &f->vm, i * ASKS + j);
      assert_int_equal(
         cs_submit(f->dev, &f->vm, groups[i], 0, &cs, &signal, 1), 0);
   }

   unsigned chunks = 0;
   for (unsigned i = 0; i < GROUPS; i++) {
      cs_finish(f->dev, fences[i]);
      pan_kmod_syncobj_destroy(f->dev, fences[i]);
      assert_int_equal(cs_state(f->dev, groups[i]).state, 0);
      assert_int_equal(cs_group_destroy(f->dev, groups[i]), 0);
      for (unsigned j = 0; j < ASKS; j++)
         chunks += answer(f, i * ASKS + j) != 0;
   }
   /* None was lost to somebody who was not there to take it. */
   assert_int_equal(chunks, MAX_CHUNKS - 1);
}

struct churn {
   struct fixture *f;
   atomic_bool stop;
};

static void *
churn_heap(void *data)
{
   struct churn *churn = data;
   struct fixture *f = churn->f;

   while (!atomic_load(&churn->stop)) {
      assert_int_equal(destroy_heap(f->dev, f->heap.handle), 0);
      f->heap = create_heap(f->dev, f->vm.vm->id);
   }
   return NULL;
}

/* The heap goes, and comes again, while streams ask: they get chunks or die. */
static void
test_destroy_heap_meanwhile(void **state)
{
   struct fixture *f = *state;
   struct churn churn = {.f = f};
   const uint64_t va = f->heap.tiler_heap_ctx_gpu_va;
   pthread_t thread;

   assert_int_equal(pthread_create(&thread, NULL, churn_heap, &churn), 0);
   for (unsigned i = 0; i < 20; i++) {
      uint32_t group = cs_group(f->dev, &f->vm, 1, 1);
      struct cs cs = ask_forever(&f->vm, va);

      run(f, group, &cs);
      assert_int_equal(cs_state(f->dev, group).state,
                       DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
      assert_int_equal(cs_group_destroy(f->dev, group), 0);
   }
   atomic_store(&churn.stop, true);
   pthread_join(thread, NULL);
}

/* The group goes, or the VM. */
static void
test_destroy_others_meanwhile(void **state)
{
   struct fixture *f = *state;

   for (unsigned i = 0; i < 40; i++) {
      struct cs_vm doomed;

      cs_vm_init(&doomed, f->dev);
      uint32_t group = cs_group(f->dev, &doomed, 1, 1);
      uint64_t va = create_heap(f->dev, doomed.vm->id).tiler_heap_ctx_gpu_va;
      const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};
      struct cs cs = ask_forever(&doomed, va);

      assert_int_equal(
         cs_submit(f->dev, &doomed, group, 0, &cs, &signal, 1), 0);
      if (i % 2)
         assert_int_equal(cs_group_destroy(f->dev, group), 0);
      cs_vm_fini(&doomed);
      cs_finish(f->dev, f->done);
      if (i % 2 == 0)
         assert_int_equal(cs_group_destroy(f->dev, group), 0);
   }
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_grow),
      WITH_FIXTURE(test_limits),
      WITH_FIXTURE(test_no_heap),
      WITH_FIXTURE(test_no_pool),
      WITH_FIXTURE(test_no_memory),
      WITH_FIXTURE(test_reset),
      WITH_FIXTURE(test_rotation),
      WITH_FIXTURE(test_destroy_heap_meanwhile),
      WITH_FIXTURE(test_destroy_others_meanwhile),
   };
   if (uapi_is_on_node())
      return uapi_skip_all(tests, sizeof(tests) / sizeof(tests[0]));

   return cmocka_run_group_tests_name("uapi-oom", tests, NULL, NULL);
}
