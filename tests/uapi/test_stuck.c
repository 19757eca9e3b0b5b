/* SPDX-License-Identifier: MIT */
/*
 * Commands of address spaces that never end: each LOCK, UNLOCK and UPDATE that
 * a system call leads to hangs once, in a world of its own. An op is executed
 * as a whole or not at all, the device gets over it by its reset, and what
 * comes later works: on the VM or, where that became unusable, on a new one.
 *
 * The oracle is a twin: a VM with the same mappings that is on no GPU, so that
 * its ops need no commands.
 */
#include "uapi.h"
#include "cs_asm.h"
#include "pt_view.h"

#include "linux/linux_machine.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LOCK 2
#define UNLOCK 3
#define UPDATE 1
#define NEVER UINT32_MAX

#define BASE SZ_1G
#define LINE SZ_512G
#define ISLANDS 3
#define ISLAND_PAGES 640
#define OPS_MAX 3
#define RESULT 0x100000ull

/* Accesses in a SIGSEGV handler's reach are none of TSan's business. */
#define SHADER_CORE __attribute__((noinline, no_sanitize("thread")))

static const uint64_t islands[ISLANDS] = {
   BASE, BASE + SZ_1G - SZ_4K * ISLAND_PAGES / 2,
   LINE - SZ_4K * ISLAND_PAGES / 2,
};

struct world {
   struct pan_kmod_dev *dev;
   struct host_machine *machine;
   struct pan_kmod_vm *vm;
   struct pan_kmod_window *window; /* keeps the VM on the GPU */
   void *host;
   struct pan_kmod_bo *bound, *fresh;
   uint32_t syncobj;
   struct cs_vm cs_vm; /* on no GPU while its group has nothing to do */
   uint32_t group;
};

struct leaves {
   struct pt_leaf leaf[ISLANDS][ISLAND_PAGES];
};

static void
view(struct pan_kmod_vm *vm, struct leaves *leaves)
{
   memset(leaves, 0, sizeof(*leaves));
   for (unsigned i = 0; i < ISLANDS; i++)
      for (unsigned page = 0; page < ISLAND_PAGES; page++)
         leaves->leaf[i][page] = pt_view(vm, islands[i] + page * SZ_4K);
}

/* ----------------------------------------------------------------- world -- */

static void
bind_base(struct world *w, struct pan_kmod_vm *vm)
{
   assert_int_equal(uapi_bind(vm, NOEXEC, w->bound, 0, BASE, SZ_2M), 0);
   assert_int_equal(
      uapi_bind(vm, SPARSE, NULL, 0, BASE + SZ_2M, SZ_1G), 0);
   assert_int_equal(
      uapi_bind(vm, NOEXEC, w->bound, 0, LINE - SZ_64K, SZ_2M), 0);
}

static void *
reserve(void)
{
   void *host =
      mmap(NULL, SZ_64K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

   assert_true(host != MAP_FAILED);
   return host;
}

static void
begin(struct world *w)
{
   void *map;

   memset(w, 0, sizeof(*w));
   w->dev = uapi_open(&uapi_small);
   assert_int_equal(host_machine_get(NULL, &w->machine), 0);
   w->bound = uapi_bo(w->dev, SZ_2M);
   w->fresh = uapi_bo(w->dev, SZ_2M);
   assert_int_equal(pan_kmod_bo_mmap(w->bound, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, &map), 0);
   *(uint32_t *)map = 17;
   assert_int_equal(pan_kmod_munmap(w->dev, map, SZ_2M), 0);
   w->syncobj = cs_syncobj(w->dev);
   w->vm = uapi_vm(w->dev);
   bind_base(w, w->vm);
   w->host = reserve();
   assert_int_equal(
      pan_kmod_window_create(w->vm, BASE, w->host, SZ_64K, &w->window), 0);
   cs_vm_init(&w->cs_vm, w->dev);
   w->group = cs_group(w->dev, &w->cs_vm, 1, 1);
}

static void
end(struct world *w)
{
   pan_kmod_window_destroy(w->window);
   munmap(w->host, SZ_64K);
   pan_kmod_vm_destroy(w->vm);
   pan_kmod_bo_destroy(w->bound);
   pan_kmod_bo_destroy(w->fresh);
   pan_kmod_syncobj_destroy(w->dev, w->syncobj);
   assert_int_equal(cs_group_destroy(w->dev, w->group), 0);
   cs_vm_fini(&w->cs_vm);
   assert_int_equal(host_machine_put(w->machine), 0);
   uapi_close(w->dev);
}

/* ------------------------------------------------------------- recovery --- */

SHADER_CORE static uint32_t
load(const void *host)
{
   return *(const volatile uint32_t *)host;
}

/* What the GPU reads, or 0 for long: during a reset it reads nothing. */
static void
check_word(const void *host, uint32_t want)
{
   for (unsigned i = 0; i < 1000 && load(host) != want; i++)
      usleep(1000);
   assert_int_equal(load(host), want);
}

/* Ops on a VM, which work when the reset is over. */
static void
bind_surely(struct pan_kmod_vm *vm, const struct drm_panthor_vm_bind_op *ops,
            uint32_t count)
{
   int ret = -ETIMEDOUT;

   for (unsigned i = 0; i < 1000 && ret == -ETIMEDOUT; i++) {
      if (i)
         usleep(1000);
      ret = pan_kmod_vm_bind(vm, 0, ops, count, NULL);
   }
   assert_int_equal(ret, 0);
}

/* An op and an access of a VM of its own work, after some time. */
static void
check_device(struct world *w)
{
   const struct drm_panthor_vm_bind_op fresh = {
      .flags = NOEXEC, .bo_handle = w->fresh->handle, .va = BASE, .size = SZ_2M,
   };
   struct pan_kmod_vm *vm = uapi_vm(w->dev);
   struct pan_kmod_window *window = NULL;
   void *host = reserve();
   int ret = -1;

   assert_int_equal(uapi_bind(vm, NOEXEC, w->bound, 0, BASE, SZ_2M), 0);
   for (unsigned i = 0; i < 1000 && ret; i++) {
      ret = pan_kmod_window_create(vm, BASE, host, SZ_64K, &window);
      if (ret)
         usleep(1000);
   }
   assert_int_equal(ret, 0);
   check_word(host, 17);
   bind_surely(vm, &fresh, 1);
   check_word(host, 0);
   pan_kmod_window_destroy(window);
   pan_kmod_vm_destroy(vm);
   munmap(host, SZ_64K);
}

static bool
is_usable(struct pan_kmod_vm *vm)
{
   uint32_t state;

   assert_int_equal(pan_kmod_vm_get_state(vm, &state), 0);
   return state == DRM_PANTHOR_VM_STATE_USABLE;
}

/* ------------------------------------------------------------------- ops -- */

/* BOs are named by number: 1: bound, 2: fresh. */
struct script {
   const char *name;
   unsigned count;
   struct drm_panthor_vm_bind_op ops[OPS_MAX];
   unsigned min_stuck; /* commands of each kind that it needs at least */
};

static const struct script scripts[] = {
   {"MAP into a block", 1,
    {{.flags = NOEXEC, .bo_handle = 2, .va = BASE + SZ_64K, .size = SZ_64K}},
    1},
   {"MAP into sparse memory", 1,
    {{.flags = NOEXEC, .bo_handle = 2, .va = BASE + SZ_2M + SZ_4K,
      .size = SZ_4K}}, 1},
   {"UNMAP of a page", 1,
    {{.flags = UNMAP, .va = BASE + 5 * SZ_4K, .size = SZ_4K}}, 1},
   {"MAP_SPARSE", 1, {{.flags = SPARSE, .va = BASE, .size = SZ_2M}}, 1},
   {"MAP across a line", 1,
    {{.flags = NOEXEC, .bo_handle = 2, .va = LINE - 2 * SZ_64K,
      .size = SZ_2M}}, 2},
   {"UNMAP across a line", 1,
    {{.flags = UNMAP, .va = LINE - SZ_4K, .size = SZ_64K}}, 2},
   {"MAP_SPARSE across a line", 1,
    {{.flags = SPARSE, .va = LINE - SZ_64K, .size = 2 * SZ_64K}}, 2},
   {"3 ops in three places", 3,
    {{.flags = NOEXEC, .bo_handle = 2, .va = BASE, .size = SZ_2M},
     {.flags = SPARSE, .va = LINE - SZ_4K, .size = 2 * SZ_4K},
     {.flags = UNMAP, .va = BASE + SZ_1G - SZ_4K, .size = SZ_64K}}, 4},
   {"3 ops in one place", 3,
    {{.flags = NOEXEC, .bo_handle = 2, .va = BASE, .size = SZ_4K},
     {.flags = SPARSE, .va = BASE + SZ_4K, .size = SZ_4K},
     {.flags = UNMAP, .va = BASE + 2 * SZ_4K, .size = SZ_4K}}, 1},
};

static void
resolve(const struct world *w, const struct script *script,
        struct drm_panthor_vm_bind_op *ops)
{
   const uint32_t handles[] = {0, w->bound->handle, w->fresh->handle};

   for (unsigned i = 0; i < script->count; i++) {
      ops[i] = script->ops[i];
      ops[i].bo_handle = handles[ops[i].bo_handle];
   }
}

/* What the VM looks like where the ops of @mask were executed. */
static void
expect(struct world *w, const struct drm_panthor_vm_bind_op *ops,
       unsigned count, unsigned mask, struct leaves *leaves)
{
   struct pan_kmod_vm *twin = uapi_vm(w->dev);

   bind_base(w, twin);
   for (unsigned i = 0; i < count; i++)
      if (mask & 1u << i)
         assert_int_equal(pan_kmod_vm_bind(twin, 0, &ops[i], 1, NULL), 0);
   view(twin, leaves);
   pan_kmod_vm_destroy(twin);
}

/* Which ops were executed: a mask; fails where one was in part. */
static unsigned
executed(struct world *w, const struct script *script,
         const struct drm_panthor_vm_bind_op *ops)
{
   static struct leaves now, want;
   const unsigned masks = 1u << script->count;

   view(w->vm, &now);
   /* All, then fewer of them. */
   for (unsigned mask = masks; mask--;) {
      expect(w, ops, script->count, mask, &want);
      if (!memcmp(&now, &want, sizeof(now)))
         return mask;
   }
   fail_msg("%s: an op was executed in part", script->name);
   return 0;
}

/* True if a command got stuck. */
static bool
run_script(const struct script *script, bool async, uint32_t command,
           uint32_t skip)
{
   struct drm_panthor_vm_bind_op ops[OPS_MAX];
   struct drm_panthor_sync_op signal = {SIGNAL, 0, 0};
   const struct drm_panthor_vm_bind_op unmap = {.flags = UNMAP,
                                                .size = USER_VA};
   const unsigned all = (1u << script->count) - 1;
   uint32_t failed_op = script->count;
   struct world w;
   int ret;

   begin(&w);
   resolve(&w, script, ops);
   signal.handle = w.syncobj;
   if (async)
      ops[script->count - 1].syncs =
         (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
   host_inject_stuck_as(w.machine, command, skip);
   ret = pan_kmod_vm_bind(w.vm, async ? ASYNC : 0, ops, script->count,
                          &failed_op);
   if (async) {
      assert_int_equal(ret, 0);
      cs_finish(w.dev, w.syncobj);
      ops[script->count - 1].syncs = (struct drm_panthor_obj_array){0};
   }
   const bool stuck = !host_inject_stuck_as(w.machine, command, NEVER);

   if (stuck)
      check_device(&w);
   const unsigned mask = executed(&w, script, ops);

   if (!stuck || (command == UNLOCK && script->count == 1) || (!async && !ret))
      assert_int_equal(mask, all);
   if (!async && ret) {
      assert_int_equal(ret, -ETIMEDOUT);
      assert_int_equal(mask, (1u << failed_op) - 1);
   }
   assert_int_equal(is_usable(w.vm), !async || mask == all);
   if (is_usable(w.vm)) {
      bind_surely(w.vm, ops, script->count);
      assert_int_equal(executed(&w, script, ops), all);
      check_word(w.host, *(uint32_t *)pan_kmod_dram_ptr(
                            w.dev, pt_view(w.vm, BASE).pa));
   } else {
      assert_int_equal(uapi_bind(w.vm, NOEXEC, w.fresh, 0, 0, SZ_4K), -EINVAL);
   }
   /* Nothing is in the way of the end. */
   bind_surely(w.vm, &unmap, 1);
   const struct pt_counts counts = pt_count(w.vm);
   assert_int_equal(counts.pages + counts.blocks + counts.absent, 0);
   end(&w);
   return stuck;
}

static void
run_all(bool async, uint32_t command)
{
   /* It is the same code that executes them: some will do. */
   for (unsigned i = async ? 5 : 0; i < sizeof(scripts) / sizeof(scripts[0]);
        i++) {
      uint32_t skip = 0;

      while (run_script(&scripts[i], async, command, skip))
         skip++;
      assert_true(skip >= scripts[i].min_stuck);
   }
}

/*
 * Each LOCK of synchronous binds hangs once: an op happened as a whole or not
 * at all.
 */
static void
test_lock(void **state)
{
   (void)state;
   run_all(false, LOCK);
}

/* Each UNLOCK of synchronous binds hangs once. */
static void
test_unlock(void **state)
{
   (void)state;
   run_all(false, UNLOCK);
}

/* Each LOCK of asynchronous binds hangs once. */
static void
test_lock_async(void **state)
{
   (void)state;
   run_all(true, LOCK);
}

/* Each UNLOCK of asynchronous binds hangs once. */
static void
test_unlock_async(void **state)
{
   (void)state;
   run_all(true, UNLOCK);
}

/* ------------------------------------------------------ everything else --- */

/* A call that is made once or, where that timed out, again; its errno. */
typedef int (*call_fn)(struct world *w);

static int
call_window(struct world *w)
{
   struct pan_kmod_window *window;
   void *host = reserve();
   const int ret = pan_kmod_window_create(w->cs_vm.vm, w->cs_vm.va, host,
                                          SZ_64K, &window);

   if (!ret)
      pan_kmod_window_destroy(window);
   munmap(host, SZ_64K);
   return ret;
}

static int
call_window_destroy(struct world *w)
{
   pan_kmod_window_destroy(w->window);
   w->window = NULL;
   return 0;
}

static int
call_vm_destroy(struct world *w)
{
   pan_kmod_window_destroy(w->window);
   w->window = NULL;
   pan_kmod_vm_destroy(w->vm);
   w->vm = NULL;
   return 0;
}

static int
call_heap(struct world *w)
{
   struct drm_panthor_tiler_heap_create args = {
      .vm_id = w->vm->id,
      .initial_chunk_count = 1,
      .chunk_size = 256 << 10,
      .max_chunks = 8,
      .target_in_flight = 2,
   };
   struct drm_panthor_tiler_heap_destroy destroy;
   const int ret =
      pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &args);

   if (ret)
      return ret;
   destroy = (struct drm_panthor_tiler_heap_destroy){.handle = args.handle};
   return pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY,
                         &destroy);
}

static int
call_group(struct world *w)
{
   struct cs_vm on_gpu = {.vm = w->vm};
   struct cs_group_args args;
   int ret;

   cs_group_args(&args, &on_gpu, 1);
   ret = pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args.create);
   return ret ? ret : cs_group_destroy(w->dev, args.create.group_handle);
}

/* The fence signals, whatever became of the job. */
static int
call_job(struct world *w)
{
   const struct drm_panthor_sync_op done = {SIGNAL, w->syncobj, 0};
   struct cs cs = cs_at(&w->cs_vm, 0);
   int ret;

   cs_poke(&cs, w->cs_vm.va + RESULT, 5);
   *cs_word(&w->cs_vm, RESULT) = 0;
   ret = cs_submit(w->dev, &w->cs_vm, w->group, 0, &cs, &done, 1);
   if (ret)
      return ret;
   cs_finish(w->dev, w->syncobj);
   if (cs_state(w->dev, w->group).state) {
      /* It is told that it lost its work, and makes another group. */
      assert_int_equal(cs_group_destroy(w->dev, w->group), 0);
      w->group = cs_group(w->dev, &w->cs_vm, 1, 1);
      return -ETIMEDOUT;
   }
   assert_int_equal(*cs_word(&w->cs_vm, RESULT), 5);
   return 0;
}

static const struct {
   const char *name;
   call_fn make;
   unsigned min_stuck[4]; /* by command */
} calls[] = {
   {"a window", call_window, {[UPDATE] = 1}},
   {"the end of a window", call_window_destroy, {0}},
   {"VM_DESTROY", call_vm_destroy, {[UPDATE] = 1}},
   {"a heap", call_heap, {[LOCK] = 4, [UNLOCK] = 4}},
   {"a group", call_group, {[LOCK] = 4, [UNLOCK] = 4}},
   {"a job", call_job, {[UPDATE] = 1}},
};

static bool
run_call(unsigned index, uint32_t command, uint32_t skip)
{
   struct world w;
   int ret;

   begin(&w);
   host_inject_stuck_as(w.machine, command, skip);
   ret = calls[index].make(&w);
   const bool stuck = !host_inject_stuck_as(w.machine, command, NEVER);
   if (ret && (ret != -ETIMEDOUT || !stuck))
      fail_msg("%s: %d after %u commands %u", calls[index].name, ret, skip,
               command);
   if (stuck)
      check_device(&w);
   /* While the reset is not over, it may time out again. */
   for (unsigned i = 0; i < 1000 && ret == -ETIMEDOUT; i++) {
      usleep(1000);
      ret = calls[index].make(&w);
   }
   assert_int_equal(ret, 0);
   end(&w);
   return stuck;
}

/* Each command of every other call hangs once, and the device gets over it. */
static void
test_calls(void **state)
{
   (void)state;
   for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
      for (uint32_t command = UPDATE; command <= UNLOCK; command++) {
         /* Of many commands every fifth, where time is short. */
         const bool few = calls[i].min_stuck[command] < 4;
         const uint32_t stride =
            few || uapi_env("PANSPARSE_TEST_SECONDS", 0) > 10 ? 1 : 5;
         uint32_t skip = 0;

         while (run_call(i, command, skip))
            skip += stride;
         print_message("# %s: %u of command %u\n", calls[i].name, skip,
                       command);
         assert_true(skip >= calls[i].min_stuck[command]);
      }
   }
}

/* A reset loads firmware anew; groups are made all the while. */
static void
test_groups_in_resets(void **state)
{
   struct world w;

   (void)state;
   begin(&w);
   for (unsigned i = 0; i < 5; i++) {
      host_inject_stuck_as(w.machine, LOCK, 0);
      /* Without a LOCK where the last reset is not over: then later. */
      const int bound =
         uapi_bind(w.vm, UNMAP, NULL, 0, BASE + i * SZ_4K, SZ_4K);

      assert_true(bound == 0 || bound == -ETIMEDOUT);
      for (unsigned j = 0; j < 300; j++) {
         const int ret = call_group(&w);

         assert_true(ret == 0 || ret == -ETIMEDOUT);
      }
      host_inject_stuck_as(w.machine, LOCK, NEVER);
      check_device(&w);
   }
   end(&w);
}

static int
setup(void **state)
{
   static unsigned long warnings;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   const bool is_virtual = pan_kmod_dev_props(dev)->virtual_gpu;

   uapi_close(dev);
   if (!is_virtual)
      return 1;
   warnings = linux_warn_count();
   *state = &warnings;
   return 0;
}

static int
teardown(void **state)
{
   const unsigned long *before = *state;

   return linux_warn_count() != *before;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      TEST(test_groups_in_resets), TEST(test_lock), TEST(test_unlock), TEST(test_lock_async),
      TEST(test_unlock_async), TEST(test_calls),
   };
   if (uapi_is_on_node())
      return uapi_skip_all(tests, sizeof(tests) / sizeof(tests[0]));

   /* Commands that are stuck are told. */
   setenv("LINUX_LOGLEVEL", "-1", 0);
   return cmocka_run_group_tests_name("uapi-stuck", tests, NULL, NULL);
}
