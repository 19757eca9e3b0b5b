/* SPDX-License-Identifier: MIT */
/* What the driver says in debugfs of files, BOs, slots, groups and binds. */
#include "cs_asm.h"
#include "debugfs_text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE SZ_1T

/* A cell as it must be. */
#define assert_cell(text, title, row, column, wanted)                          \
   do {                                                                        \
      const char *cell_ = debugfs_cell(text, title, row, column);              \
                                                                               \
      assert_non_null(cell_);                                                  \
      assert_string_equal(cell_, wanted);                                      \
   } while (0)

/* ----------------------------------------------------------------- files -- */

static void
create_heap(struct pan_kmod_vm *vm)
{
   struct drm_panthor_tiler_heap_create args = {
      .vm_id = vm->id,
      .initial_chunk_count = 3,
      .chunk_size = SZ_64K * 2,
      .max_chunks = 4,
      .target_in_flight = 1,
   };

   assert_int_equal(pan_kmod_ioctl(vm->dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE,
                                   &args), 0);
}

/* What each of two open files has. */
static void
test_files(void **state)
{
   struct pan_kmod_dev *first = uapi_open(&uapi_small), *second;
   char creator[16];
   (void)state;

   uapi_need_virtual(first);
   assert_int_equal(pan_kmod_dev_create(NULL, NULL, &second), 0);
   struct cs_vm vm;
   cs_vm_init(&vm, second);
   struct pan_kmod_vm *other = uapi_vm(second);
   struct pan_kmod_bo *bo = uapi_bo(first, SZ_64K);
   uint32_t syncobj = cs_syncobj(second);
   cs_group(second, &vm, 1, 1);
   create_heap(other);

   char *text = debugfs_text(first, "files");
   snprintf(creator, sizeof(creator), "%d ", (int)getpid());
   for (unsigned i = 0; i < 2; i++)
      assert_memory_equal(debugfs_cell(text, "Open files", i, "opened by"),
                          creator, strlen(creator));
   assert_cell(text, "Open files", 0, "file", "1");
   assert_cell(text, "Open files", 0, "handles", "1");
   assert_cell(text, "Open files", 0, "VMs", "0");
   assert_cell(text, "Open files", 0, "groups", "0");
   assert_cell(text, "Open files", 0, "heaps", "0");
   assert_cell(text, "Open files", 1, "file", "2");
   assert_cell(text, "Open files", 1, "handles", "1");
   assert_cell(text, "Open files", 1, "syncobjs", "1");
   assert_cell(text, "Open files", 1, "VMs", "2");
   assert_cell(text, "Open files", 1, "groups", "1");
   assert_cell(text, "Open files", 1, "heaps", "1");
   assert_cell(text, "Open files", 1, "chunks", "3");
   assert_null(debugfs_cell(text, "Open files", 2, "file"));
   free(text);

   pan_kmod_syncobj_destroy(second, syncobj);
   pan_kmod_vm_destroy(other);
   cs_vm_fini(&vm);
   pan_kmod_bo_destroy(bo);
   assert_int_equal(pan_kmod_dev_destroy(second), 0);
   text = debugfs_text(first, "files");
   assert_null(debugfs_cell(text, "Open files", 1, "file"));
   free(text);
   uapi_close(first);
}

/* ------------------------------------------------------------------ gems -- */

#define GEMS "Buffer objects"

/* The row of a BO, by its label. */
static unsigned
gem_row(const char *text, const char *label)
{
   int row = debugfs_row(text, GEMS, "label", label);

   assert_true(row >= 0);
   return (unsigned)row;
}

static void
assert_gem(struct pan_kmod_dev *dev, const char *label, const char *handles,
           const char *resident, const char *vms, const char *words)
{
   char *text = debugfs_text(dev, "gems");
   unsigned row = gem_row(text, label);

   assert_cell(text, GEMS, row, "handles", handles);
   assert_cell(text, GEMS, row, "resident", resident);
   assert_cell(text, GEMS, row, "VMs", vms);
   assert_cell(text, GEMS, row, "state", words);
   free(text);
}

/* A BO's life: without pages, bound, evicted, gone. */
static void
test_gems(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo;
   char creator[16];
   (void)state;

   uapi_need_virtual(dev);
   assert_int_equal(pan_kmod_bo_create(dev, SZ_64K, 0, 0, "life", &bo), 0);
   assert_gem(dev, "life", "1", "0", "0", "-");
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, BASE, SZ_64K), 0);
   assert_gem(dev, "life", "1", "65536", "1", "-");
   char *text = debugfs_text(dev, "gems");
   snprintf(creator, sizeof(creator), "%d ", (int)getpid());
   assert_memory_equal(debugfs_cell(text, GEMS, gem_row(text, "life"), "created by"),
                       creator, strlen(creator));
   assert_cell(text, GEMS, gem_row(text, "life"), "size", "65536");

   /* The name under which the VMA has it. */
   char *vmas = debugfs_text(dev, "gpuvas");
   assert_non_null(strstr(vmas, debugfs_cell(text, GEMS, gem_row(text, "life"),
                                             "object")));
   free(vmas);
   free(text);

   /* The file's dummy goes, too. */
   uapi_evict(dev, 2);
   assert_gem(dev, "life", "1", "0", "1", "evicted");
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, BASE + SZ_1G, SZ_64K), 0);
   assert_gem(dev, "life", "1", "65536", "1", "-");
   pan_kmod_bo_destroy(bo);
   assert_gem(dev, "life", "0", "65536", "1", "-");
   pan_kmod_vm_destroy(vm);
   text = debugfs_text(dev, "gems");
   assert_int_equal(debugfs_row(text, GEMS, "label", "life"), -1);
   free(text);
   uapi_close(dev);
}

static int
export(struct pan_kmod_dev *dev, uint32_t handle)
{
   struct drm_prime_handle args = {.handle = handle, .flags = DRM_CLOEXEC};

   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args), 0);
   return args.fd;
}

/* Of all kinds, each is called what it is. */
static void
test_kinds_of_gems(void **state)
{
   const struct host_config null = {.dram_size_B = SZ_1G, .null_memory = true};
   struct pan_kmod_dev *dev = uapi_open(&null);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bos[4];
   (void)state;

   uapi_need_virtual(dev);
   bool has_null = pan_kmod_dev_props(dev)->null_memory;
   assert_int_equal(pan_kmod_bo_create(dev, SZ_4K, 0, vm->id, "own", &bos[0]), 0);
   assert_int_equal(pan_kmod_bo_create(dev, SZ_4K, DRM_PANTHOR_BO_NO_MMAP, 0,
                                       "hidden", &bos[1]), 0);
   assert_int_equal(pan_kmod_bo_create(dev, SZ_4K, DRM_PANTHOR_BO_WB_MMAP, 0,
                                       "shared", &bos[2]), 0);
   assert_int_equal(pan_kmod_bo_create(dev, SZ_4K, 0, 0, "a|b\n\x7f", &bos[3]), 0);
   if (has_null)
      assert_int_equal(pan_kmod_bo_set_null(bos[3]), 0);
   int fd = export(dev, bos[2]->handle);

   assert_gem(dev, "own", "1", "0", "0", "exclusive");
   assert_gem(dev, "hidden", "1", "0", "0", "no-mmap");
   /* Whoever gets the descriptor finds pages. */
   assert_gem(dev, "shared", "1", "4096", "0", "exported,wb-mmap");
   assert_gem(dev, "a?b??", "1", "0", "0", has_null ? "null" : "-");
   char *text = debugfs_text(dev, "gems");
   const char *dummy = has_null ? "dummy,null,no-mmap" : "dummy,no-mmap";
   assert_int_not_equal(debugfs_row(text, GEMS, "state", dummy), -1);
   assert_cell(text, GEMS, gem_row(text, "firmware section"), "state",
               "kernel,exclusive,no-mmap");
   free(text);

   close(fd);
   for (unsigned i = 0; i < 4; i++)
      pan_kmod_bo_destroy(bos[i]);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* ----------------------------------------------------------------- slots -- */

#define SLOTS "Address-space slots in use"

static void
assert_slot(struct pan_kmod_dev *dev, const char *users, const char *what)
{
   char *text = debugfs_text(dev, "slots");

   assert_cell(text, SLOTS, 0, "VM", "firmware");
   assert_cell(text, SLOTS, 0, "state", "active");
   assert_cell(text, SLOTS, 1, "slot", "1");
   assert_cell(text, SLOTS, 1, "VM", "file 1, VM 1");
   assert_cell(text, SLOTS, 1, "users", users);
   assert_cell(text, SLOTS, 1, "state", what);
   assert_null(debugfs_cell(text, SLOTS, 2, "slot"));
   free(text);
}

/* A VM with a slot, in use, idle, and after a fault. */
static void
test_slots(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_window *window;
   char root[32];
   uint64_t pa;
   (void)state;

   uapi_need_virtual(dev);
   char *text = debugfs_text(dev, "slots");
   assert_null(debugfs_cell(text, SLOTS, 1, "slot"));
   free(text);

   volatile char *host = mmap(NULL, SZ_64K, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_int_equal(pan_kmod_window_create(vm, BASE, (void *)host, SZ_64K,
                                           &window), 0);
   assert_slot(dev, "1", "active");
   text = debugfs_text(dev, "slots");
   assert_int_equal(pan_kmod_vm_root(vm, &pa), 0);
   snprintf(root, sizeof(root), "0x%016" PRIx64, pa);
   assert_cell(text, SLOTS, 1, "TRANSTAB", root);
   assert_cell(text, SLOTS, 1, "locked", "-");
   assert_cell(text, SLOTS, 1, "last fault", "-");
   free(text);

   (void)host[SZ_4K];
   const char *fault = "-";
   for (unsigned i = 0; i < 1000 && !strcmp(fault, "-"); i++) {
      usleep(1000);
      text = debugfs_text(dev, "slots");
      if (!strcmp(debugfs_cell(text, SLOTS, 1, "state"), "faulted"))
         fault = debugfs_cell(text, SLOTS, 1, "last fault");
      free(text);
   }
   assert_non_null(strstr(fault, " at 0x10000001000"));
   pan_kmod_window_destroy(window);
   assert_slot(dev, "0", "faulted");

   /* The next use begins anew. */
   assert_int_equal(pan_kmod_window_create(vm, BASE, (void *)host, SZ_64K,
                                           &window), 0);
   pan_kmod_window_destroy(window);
   assert_slot(dev, "0", "idle");
   munmap((void *)host, SZ_64K);
   pan_kmod_vm_destroy(vm);
   text = debugfs_text(dev, "slots");
   assert_null(strstr(text, "VM 1"));
   free(text);
   uapi_close(dev);
}

/* ------------------------------------------------------- groups and binds -- */

#define WAIT (2 * SZ_64K) /* offset of a word in the memory of struct cs_vm */
#define BINDS "Binds of file 1, VM 1"
#define JOBS_0 "Jobs of file 1, group 1, queue 0"
#define JOBS_1 "Jobs of file 1, group 1, queue 1"
#define GROUP "Group 1 of file 1 on file 1, VM 1, priority medium"

struct chain {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t group, job, bind, end;
   uint32_t past; /* has signalled */
};

static void
chain_init(struct chain *chain)
{
   chain->dev = uapi_open(&uapi_small);
   uapi_need_virtual(chain->dev);
   cs_vm_init(&chain->vm, chain->dev);
   chain->group = cs_group(chain->dev, &chain->vm, 2,
                           PANTHOR_GROUP_PRIORITY_MEDIUM);
   chain->job = cs_syncobj(chain->dev);
   chain->bind = cs_syncobj(chain->dev);
   chain->end = cs_syncobj(chain->dev);
   assert_int_equal(pan_kmod_syncobj_create(chain->dev, true, &chain->past), 0);
}

static void
chain_fini(struct chain *chain)
{
   pan_kmod_syncobj_destroy(chain->dev, chain->job);
   pan_kmod_syncobj_destroy(chain->dev, chain->bind);
   pan_kmod_syncobj_destroy(chain->dev, chain->end);
   pan_kmod_syncobj_destroy(chain->dev, chain->past);
   cs_vm_fini(&chain->vm);
   uapi_close(chain->dev);
}

/*
 * Queue 0 has a stream that waits for a word; a bind waits for its fence, and a
 * job of queue 1 for that of the bind, and for one that is past.
 */
static void
chain_start(struct chain *chain)
{
   const struct drm_panthor_sync_op first = {SIGNAL, chain->job, 0};
   const struct drm_panthor_sync_op middle[] = {{0, chain->job, 0},
                                                {SIGNAL, chain->bind, 0}};
   const struct drm_panthor_sync_op last[] = {{0, chain->bind, 0},
                                              {0, chain->past, 0},
                                              {SIGNAL, chain->end, 0}};
   struct drm_panthor_vm_bind_op op = {
      .flags = NOEXEC | DRM_PANTHOR_VM_BIND_OP_TYPE_MAP,
      .bo_handle = chain->vm.bo->handle,
      .va = BASE,
      .size = SZ_64K,
      .syncs = DRM_PANTHOR_OBJ_ARRAY(2, middle),
   };
   struct cs cs = cs_at(&chain->vm, 0);

   cs_move48(&cs, 0, chain->vm.va + WAIT);
   cs_move48(&cs, 2, 0);
   cs_sync_wait64(&cs, CS_GT, 0, 2, false);
   assert_int_equal(cs_submit(chain->dev, &chain->vm, chain->group, 0, &cs,
                              &first, 1), 0);
   assert_int_equal(pan_kmod_vm_bind(chain->vm.vm, ASYNC, &op, 1, NULL), 0);
   assert_int_equal(cs_submit(chain->dev, &chain->vm, chain->group, 1, NULL,
                              last, 3), 0);
}

/* Until the stream waits, which takes the firmware a moment. */
static char *
wait_until_blocked(struct chain *chain)
{
   for (unsigned i = 0; i < 1000; i++) {
      char *text = debugfs_text(chain->dev, "groups");
      const char *insert = debugfs_cell(text, GROUP, 0, "insert");

      if (strcmp(insert, "0x0000000000000000") && strstr(text, "in slot 0"))
         return text;
      free(text);
      usleep(1000);
   }
   fail_msg("the group never ran");
   return NULL;
}

/* Groups, their queues, and jobs and binds that wait for each other's fences. */
static void
test_waits(void **state)
{
   struct chain chain;
   (void)state;

   chain_init(&chain);
   char *text = debugfs_text(chain.dev, "groups");
   assert_non_null(strstr(text, GROUP ": has no work"));
   assert_cell(text, GROUP, 0, "ring size", "4096");
   assert_cell(text, GROUP, 0, "insert", "0x0000000000000000");
   assert_cell(text, GROUP, 1, "queue", "1");
   assert_null(strstr(text, "Jobs of"));
   free(text);
   text = debugfs_text(chain.dev, "binds");
   assert_string_equal(text, "");
   free(text);

   chain_start(&chain);
   text = wait_until_blocked(&chain);
   assert_cell(text, GROUP, 0, "insert", "0x0000000000000080");
   assert_cell(text, GROUP, 0, "ended", "0");
   assert_cell(text, GROUP, 1, "insert", "0x0000000000000000");
   assert_cell(text, JOBS_0, 0, "state", "started");
   assert_cell(text, JOBS_0, 0, "waits for", "");
   assert_null(debugfs_cell(text, JOBS_0, 1, "state"));
   assert_cell(text, JOBS_1, 0, "state", "queued");

   /* Each names what the other one is. */
   char *binds = debugfs_text(chain.dev, "binds");
   assert_cell(binds, BINDS, 0, "state", "queued");
   assert_string_equal(debugfs_cell(binds, BINDS, 0, "waits for"),
                       debugfs_cell(text, JOBS_0, 0, "fence"));
   const char *fence = debugfs_cell(binds, BINDS, 0, "fence");
   const char *waits = debugfs_cell(text, JOBS_1, 0, "waits for");
   assert_memory_equal(waits, fence, strlen(fence));
   assert_memory_equal(waits + strlen(fence), ", ", 2);
   assert_string_equal(waits + strlen(waits) - 12, " (signalled)");
   assert_null(strstr(fence, "signalled"));
   assert_memory_equal(debugfs_cell(binds, BINDS, 0, "fence"), "panthor vm-bind ",
                       16);
   assert_null(debugfs_cell(binds, BINDS, 1, "state"));
   free(binds);
   free(text);

   /* Looking has signalled nothing. */
   assert_int_equal(pan_kmod_syncobj_wait(chain.dev, chain.end, 0, 0), -ETIME);
   *cs_word(&chain.vm, WAIT) = 1;
   cs_finish(chain.dev, chain.end);
   text = debugfs_text(chain.dev, "groups");
   assert_cell(text, GROUP, 0, "ended", "1");
   assert_null(strstr(text, "started"));
   free(text);

   assert_int_equal(cs_group_destroy(chain.dev, chain.group), 0);
   text = debugfs_text(chain.dev, "groups");
   assert_string_equal(text, "");
   free(text);
   chain_fini(&chain);
}

/* A group that lost its work to a fault says so; so does a VM. */
static void
test_lost(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct cs_vm vm;
   (void)state;

   uapi_need_virtual(dev);
   cs_vm_init(&vm, dev);
   uint32_t group = cs_group(dev, &vm, 1, PANTHOR_GROUP_PRIORITY_LOW);
   uint32_t done = cs_syncobj(dev);
   const struct drm_panthor_sync_op signal = {SIGNAL, done, 0};
   struct cs cs = cs_at(&vm, 0);

   cs_poke(&cs, BASE, 1);
   assert_int_equal(cs_submit(dev, &vm, group, 0, &cs, &signal, 1), 0);
   cs_finish(dev, done);
   char *text = debugfs_text(dev, "groups");
   assert_non_null(strstr(text, "priority low: "));
   assert_non_null(strstr(text, "fatal fault of queues 0x1, "));
   free(text);
   pan_kmod_syncobj_destroy(dev, done);
   assert_int_equal(cs_group_destroy(dev, group), 0);
   cs_vm_fini(&vm);
   uapi_close(dev);
}

/* -------------------------------------------------------------- failures -- */

/* Each step of reading may fail, and nothing is left of it. */
static void
test_failures(void **state)
{
   static const char *const files[] = {"files", "gems", "slots", "groups", "binds"};
   struct chain chain;
   size_t size_B;
   char *text;
   (void)state;

   chain_init(&chain);
   chain_start(&chain);
   free(wait_until_blocked(&chain));
   for (unsigned i = 0; i < 5; i++) {
      uint64_t n = 0;
      int ret;

      do {
         host_inject_failure(n++);
         ret = pan_kmod_debugfs_read(chain.dev, files[i], &text, &size_B);
         host_inject_failure(UINT64_MAX);
         assert_true(ret == 0 || ret == -ENOMEM);
      } while (ret);
      assert_true(n > 1);
      free(text);
   }
   *cs_word(&chain.vm, WAIT) = 1;
   cs_finish(chain.dev, chain.end);
   assert_int_equal(cs_group_destroy(chain.dev, chain.group), 0);
   chain_fini(&chain);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),  cmocka_unit_test(test_gems),
      cmocka_unit_test(test_kinds_of_gems),
      cmocka_unit_test(test_slots),  cmocka_unit_test(test_waits),
      cmocka_unit_test(test_lost),   cmocka_unit_test(test_failures),
   };

   return cmocka_run_group_tests_name("uapi-debugfs-state", tests, NULL, NULL);
}
