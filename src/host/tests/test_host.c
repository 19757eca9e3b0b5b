/* SPDX-License-Identifier: MIT */
/* The machine's life, its border, and what it says when something is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drm-uapi/panthor_drm.h"
#include "host.h"

#define MIB(x) ((uint64_t)(x) << 20)
#define PAGE_B 4096
#define BLOCK_B MIB(2)

static struct host_machine *
boot(const struct host_config *config)
{
   struct host_machine *machine;

   assert_int_equal(host_machine_get(config, &machine), 0);
   return machine;
}

static struct host_file *
open_file(struct host_machine *machine)
{
   struct host_file *file;

   assert_int_equal(host_open(machine, &file), 0);
   return file;
}

static uint32_t
bo_create(struct host_file *file, uint64_t size_B)
{
   struct drm_panthor_bo_create args = {.size = size_B};

   assert_int_equal(host_ioctl(file, DRM_IOCTL_PANTHOR_BO_CREATE, &args), 0);
   return args.handle;
}

static int
bo_mmap(struct host_file *file, uint32_t handle, uint64_t size_B,
        uint32_t **words_out)
{
   struct drm_panthor_bo_mmap_offset args = {.handle = handle};
   void *mapped;

   int ret = host_ioctl(file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args);
   if (ret)
      return ret;

   ret = host_mmap(file, NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED,
                   args.offset, &mapped);
   if (!ret)
      *words_out = mapped;
   return ret;
}

static uint32_t
vm_create(struct host_file *file)
{
   struct drm_panthor_vm_create args = {0};

   assert_int_equal(host_ioctl(file, DRM_IOCTL_PANTHOR_VM_CREATE, &args), 0);
   return args.id;
}

static int
vm_map(struct host_file *file, uint32_t vm_id, uint32_t handle, uint64_t va,
       uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {
       .flags =
           DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
       .bo_handle = handle,
       .va = va,
       .size = size_B,
   };
   struct drm_panthor_vm_bind args = {
       .vm_id = vm_id,
       .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
   };

   return host_ioctl(file, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

/* ------------------------------------------------------- boot, shutdown --- */

static void
test_boot_shutdown_boot(void **state)
{
   for (int i = 0; i < 3; i++) {
      struct host_machine *machine = boot(NULL);

      assert_int_equal(host_machine_put(machine), 0);
   }
}

static void
test_one_machine(void **state)
{
   const struct host_config config = {.dram_size_B = MIB(64)};
   struct host_machine *machine = boot(&config), *other = NULL;

   assert_int_equal(host_machine_get(&config, &other), -EBUSY);
   assert_null(other);

   assert_int_equal(host_machine_get(NULL, &other), 0);
   assert_ptr_equal(other, machine);
   assert_int_equal(host_machine_put(other), 0);

   /* It still runs. */
   host_close(open_file(machine));
   assert_int_equal(host_machine_put(machine), 0);
}

/* The configuration reaches the hardware, and the driver reads it from there.
 */
static void
test_config_is_used(void **state)
{
   const struct host_config config = {
       .dram_size_B = MIB(64),
       .as_count = 5,
       .va_bits = 40,
       .pa_bits = 36,
       .noncoherent = true,
   };
   struct host_machine *machine = boot(&config);
   struct host_file *file = open_file(machine);
   struct drm_panthor_gpu_info info;
   struct drm_panthor_dev_query args = {
       .type = DRM_PANTHOR_DEV_QUERY_GPU_INFO,
       .size = sizeof(info),
       .pointer = (uintptr_t)&info,
   };
   struct host_stats stats;

   assert_int_equal(host_ioctl(file, DRM_IOCTL_PANTHOR_DEV_QUERY, &args), 0);
   assert_int_equal(info.mmu_features & 0xffff, 36 << 8 | 40);
   assert_int_equal(info.as_present, 0x1f);
   assert_int_equal(info.selected_coherency, DRM_PANTHOR_GPU_COHERENCY_NONE);

   host_get_stats(machine, &stats);
   assert_int_equal(stats.dram_size_B, MIB(64));
   assert_int_equal(stats.ioctls, 1);

   host_close(file);
   assert_int_equal(host_machine_put(machine), 0);
}

/* ---------------------------------------------------- bad configurations -- */

/* What @call writes to stderr, up to a limit. */
static void
capture_stderr(int (*call)(const struct host_config *config),
               const struct host_config *config, int expect, char *text,
               size_t text_B)
{
   int ends[2], saved = dup(STDERR_FILENO);

   assert_true(saved >= 0);
   assert_int_equal(pipe(ends), 0);
   assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
   close(ends[1]);

   int ret = call(config);

   fflush(stderr);
   assert_true(dup2(saved, STDERR_FILENO) >= 0);
   close(saved);

   ssize_t length = read(ends[0], text, text_B - 1);
   close(ends[0]);
   assert_true(length >= 0);
   text[length] = '\0';
   assert_int_equal(ret, expect);
}

static int
try_boot(const struct host_config *config)
{
   struct host_machine *machine;
   int ret = host_machine_get(config, &machine);

   if (!ret)
      host_machine_put(machine);
   return ret;
}

static void
test_bad_configs(void **state)
{
   static const struct {
      struct host_config config;
      int error;
      const char *says;
   } cases[] = {
       {{.dram_size_B = 4096}, -EINVAL, "dram_size_B"},
       {{.dram_size_B = MIB(3)}, -EINVAL, "2 MiB"},
       {{.dram_size_B = MIB(8192), .pa_bits = 32}, -EINVAL, "pa_bits"},
       {{.va_bits = 32}, -EINVAL, "va_bits"},
       {{.va_bits = 49}, -EINVAL, "va_bits"},
       {{.pa_bits = 39}, -EINVAL, "pa_bits"},
       {{.pa_bits = 52}, -EINVAL, "pa_bits"},
       {{.as_count = 1}, -EINVAL, "as_count"},
       {{.as_count = 33}, -EINVAL, "as_count"},
       {{.csg_count = 17}, -EINVAL, "csg_count"},
       {{.cs_count = 33}, -EINVAL, "cs_count"},
       {{.fw_patience = 1001}, -EINVAL, "fw_patience"},
       {{.uapi = (enum host_uapi)3}, -EINVAL, "uapi"},
       /* More than a process has addresses for. */
       {{.dram_size_B = UINT64_C(1) << 48, .pa_bits = 48},
        -ENOMEM,
        "PANSPARSE_DRAM"},
   };
   char text[1024];

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      capture_stderr(try_boot, &cases[i].config, cases[i].error, text,
                     sizeof(text));
      if (!strstr(text, cases[i].says))
         fail_msg("case %zu: '%s' does not mention '%s'", i, text,
                  cases[i].says);
   }

   /* Nothing was left behind. */
   assert_int_equal(host_machine_put(boot(NULL)), 0);
}

/* ----------------------------------------------------------------- files -- */

static void
test_bo_contents(void **state)
{
   struct host_machine *machine = boot(NULL);
   struct host_file *file = open_file(machine);
   uint32_t handle = bo_create(file, 3 * PAGE_B);
   uint32_t *a, *b;

   assert_int_equal(bo_mmap(file, handle, 3 * PAGE_B, &a), 0);
   assert_int_equal(bo_mmap(file, handle, 3 * PAGE_B, &b), 0);
   assert_ptr_not_equal(a, b);

   for (uint32_t i = 0; i < 3 * PAGE_B / 4; i++) {
      assert_int_equal(a[i], 0);
      a[i] = ~i;
   }
   for (uint32_t i = 0; i < 3 * PAGE_B / 4; i++)
      assert_int_equal(b[i], ~i);

   /* Memory stays while it is mapped, whatever happens to the file. */
   host_close(file);
   assert_int_equal(a[5], ~5u);

   assert_int_equal(host_munmap(a, 3 * PAGE_B), 0);
   assert_int_equal(host_munmap(b, 3 * PAGE_B), 0);

   struct host_stats stats;
   host_get_stats(machine, &stats);
   assert_true(stats.dram_peak_B >= 3 * PAGE_B);
   assert_int_equal(host_machine_put(machine), 0);
}

static void
test_files_are_separate(void **state)
{
   struct host_machine *machine = boot(NULL);
   struct host_file *one = open_file(machine), *two = open_file(machine);
   uint32_t handle = bo_create(one, PAGE_B);
   uint32_t vm = vm_create(one);
   uint32_t *words;
   uint64_t pa;

   assert_int_equal(bo_mmap(two, handle, PAGE_B, &words), -ENOENT);
   assert_int_equal(host_vm_root(one, vm, &pa), 0);
   assert_int_equal(host_vm_root(two, vm, &pa), -EINVAL);

   /* The other one's end does not concern this one. */
   host_close(two);
   assert_int_equal(bo_mmap(one, handle, PAGE_B, &words), 0);
   words[0] = 1;
   assert_int_equal(host_munmap(words, PAGE_B), 0);

   host_close(one);
   assert_int_equal(host_machine_put(machine), 0);
}

/* An open, everything a small program would do, and a close. */
static int
use_everything(struct host_machine *machine)
{
   struct host_file *file;
   int ret = host_open(machine, &file);
   if (ret)
      return ret;

   struct drm_panthor_vm_create vm = {0};
   struct drm_panthor_bo_create bo = {.size = BLOCK_B};
   uint32_t *words;

   ret = host_ioctl(file, DRM_IOCTL_PANTHOR_VM_CREATE, &vm);
   if (!ret)
      ret = host_ioctl(file, DRM_IOCTL_PANTHOR_BO_CREATE, &bo);
   if (!ret)
      ret = vm_map(file, vm.id, bo.handle, BLOCK_B, BLOCK_B);
   if (!ret)
      ret = bo_mmap(file, bo.handle, BLOCK_B, &words);
   if (!ret) {
      words[7] = 7;
      /* This can be the step that fails; then only once. */
      ret = host_munmap(words, BLOCK_B);
      if (ret)
         assert_int_equal(host_munmap(words, BLOCK_B), 0);
   }

   host_close(file);
   return ret;
}

/* Whichever step fails, the caller hears of it and nothing stays behind. */
static void
test_failure_of_every_step(void **state)
{
   struct host_machine *machine = boot(NULL);
   struct host_stats before, after;
   uint64_t n, passed;
   int ret;

   assert_int_equal(use_everything(machine), 0);
   host_get_stats(machine, &before);

   for (n = 0;; n++) {
      host_inject_failure(n);
      ret = use_everything(machine);
      passed = host_inject_failure(UINT64_MAX);

      /* No step was left to fail. */
      if (passed <= n)
         break;

      if (ret != -ENOMEM && ret != 0)
         fail_msg("failing step %llu gives %d", (unsigned long long)n, ret);

      host_get_stats(machine, &after);
      assert_int_equal(after.pt_pages, before.pt_pages);
      assert_int_equal(after.vmas, before.vmas);
   }

   assert_int_equal(ret, 0);
   assert_true(n > 10);
   assert_int_equal(host_machine_put(machine), 0);
}

/* --------------------------------------------------------------- windows -- */

static void *
reserve(uint64_t size_B)
{
   void *host = mmap(NULL, size_B, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

   assert_ptr_not_equal(host, MAP_FAILED);
   return host;
}

static void
test_window_shows_bo(void **state)
{
   struct host_machine *machine = boot(NULL);
   struct host_file *file = open_file(machine);
   uint32_t handle = bo_create(file, 4 * PAGE_B), vm = vm_create(file);
   volatile uint32_t *gpu = reserve(4 * PAGE_B);
   struct host_window *window;
   struct host_stats stats;
   uint32_t *cpu;

   assert_int_equal(bo_mmap(file, handle, 4 * PAGE_B, &cpu), 0);
   assert_int_equal(vm_map(file, vm, handle, BLOCK_B, 4 * PAGE_B), 0);
   assert_int_equal(
       host_window_create(file, vm, BLOCK_B, (void *)gpu, 4 * PAGE_B, &window),
       0);

   for (uint32_t page = 0; page < 4; page++) {
      cpu[page * 1024 + 3] = 100 + page;
      assert_int_equal(gpu[page * 1024 + 3], 100 + page);
      gpu[page * 1024 + 4] = 200 + page;
      assert_int_equal(cpu[page * 1024 + 4], 200 + page);
   }

   host_get_stats(machine, &stats);
   assert_true(stats.tlb_misses >= 1);
   assert_int_equal(stats.mmu_faults, 0);
   assert_int_equal(stats.vm_bind_ioctls, 1);
   assert_int_equal(stats.vm_bind_ops, 1);
   assert_int_equal(stats.vmas, 1);

   host_window_destroy(window);
   assert_int_equal(munmap((void *)gpu, 4 * PAGE_B), 0);
   assert_int_equal(host_munmap(cpu, 4 * PAGE_B), 0);
   host_close(file);
   assert_int_equal(host_machine_put(machine), 0);
}

/* What the firmware was built with arrives at the process. */
static void
test_firmware(void **state)
{
   const struct host_config config = {.csg_count = 3, .cs_count = 5};
   struct host_machine *machine = boot(&config);
   struct host_file *file = open_file(machine);
   struct drm_panthor_csif_info info = {0};
   struct drm_panthor_dev_query args = {
       .type = DRM_PANTHOR_DEV_QUERY_CSIF_INFO,
       .size = sizeof(info),
       .pointer = (uintptr_t)&info,
   };

   assert_int_equal(host_ioctl(file, DRM_IOCTL_PANTHOR_DEV_QUERY, &args), 0);
   assert_int_equal(info.csg_slot_count, 3);
   assert_int_equal(info.cs_slot_count, 5);
   assert_int_equal(info.cs_reg_count, 96);
   host_close(file);
   assert_int_equal(host_machine_put(machine), 0);
}

/* Every flush that the driver has the GPU do is seen in the user page. */
static void
test_flush_id(void **state)
{
   struct host_machine *machine = boot(NULL);
   struct host_file *file = open_file(machine);
   uint32_t vm = vm_create(file), bo = bo_create(file, BLOCK_B);
   char *host = reserve(PAGE_B);
   struct host_window *window;
   struct host_stats stats;
   uint64_t flushes;
   void *page;

   assert_int_equal(host_mmap(file, NULL, PAGE_B, PROT_READ, MAP_SHARED,
                              DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET, &page),
                    0);
   assert_int_equal(host_window_create(file, vm, 0, host, PAGE_B, &window), 0);
   host_get_stats(machine, &stats);
   flushes = stats.cache_flushes;
   const uint32_t id = *(volatile uint32_t *)page;
   assert_int_not_equal(id, 0);
   assert_int_equal(vm_map(file, vm, bo, 0, BLOCK_B), 0);
   host_get_stats(machine, &stats);
   assert_true(stats.cache_flushes > flushes);
   assert_int_equal(*(volatile uint32_t *)page - id,
                    stats.cache_flushes - flushes);

   host_window_destroy(window);
   assert_int_equal(host_munmap(page, PAGE_B), 0);
   munmap(host, PAGE_B);
   host_close(file);
   assert_int_equal(host_machine_put(machine), 0);
}

static void
test_window_errors(void **state)
{
   /* Slot 0 is reserved: one VM can run at a time. */
   const struct host_config config = {.as_count = 2};
   struct host_machine *machine = boot(&config);
   struct host_file *file = open_file(machine);
   uint32_t a = vm_create(file), b = vm_create(file);
   char *host = reserve(4 * PAGE_B);
   struct host_window *window, *again, *other;

   assert_int_equal(host_window_create(file, 77, 0, host, PAGE_B, &window),
                    -EINVAL);
   assert_int_equal(host_window_create(file, a, 1, host, PAGE_B, &window),
                    -EINVAL);

   assert_int_equal(host_window_create(file, a, 0, host, PAGE_B, &window), 0);
   assert_int_equal(
       host_window_create(file, a, 0, host + PAGE_B, PAGE_B, &again), 0);
   assert_int_equal(
       host_window_create(file, b, 0, host + 2 * PAGE_B, PAGE_B, &other),
       -EBUSY);

   /* The slot is free once the last window is gone. */
   host_window_destroy(window);
   assert_int_equal(
       host_window_create(file, b, 0, host + 2 * PAGE_B, PAGE_B, &other),
       -EBUSY);
   host_window_destroy(again);
   assert_int_equal(
       host_window_create(file, b, 0, host + 2 * PAGE_B, PAGE_B, &other), 0);
   host_window_destroy(other);
   host_window_destroy(NULL);

   assert_int_equal(munmap(host, 4 * PAGE_B), 0);
   host_close(file);
   assert_int_equal(host_machine_put(machine), 0);
}

/* ----------------------------------------------------------------- leaks -- */

enum leak {
   LEAK_NOTHING,
   LEAK_FILE,
   LEAK_MAPPING,
   LEAK_WINDOW,
};

/* Returns what the machine counts on its way down. */
static int
leak(enum leak what)
{
   struct host_machine *machine;
   struct host_file *file;
   struct host_window *window = NULL;
   uint32_t *words;

   if (host_machine_get(NULL, &machine) || host_open(machine, &file))
      return 99;

   uint32_t handle = bo_create(file, PAGE_B), vm = vm_create(file);
   if (bo_mmap(file, handle, PAGE_B, &words))
      return 99;
   if (host_window_create(file, vm, 0, reserve(PAGE_B), PAGE_B, &window))
      return 99;

   words[0] = 1;
   if (what != LEAK_MAPPING)
      host_munmap(words, PAGE_B);
   if (what != LEAK_WINDOW)
      host_window_destroy(window);
   if (what != LEAK_FILE)
      host_close(file);

   return host_machine_put(machine);
}

/* In a child, whose memory may then be in any state. */
static int
leak_in_child(enum leak what)
{
   int status;
   pid_t pid = fork();

   assert_true(pid >= 0);
   if (!pid) {
      int null = open("/dev/null", O_WRONLY);

      dup2(null, STDERR_FILENO);
      _exit(leak(what));
   }

   assert_int_equal(waitpid(pid, &status, 0), pid);
   assert_true(WIFEXITED(status));
   return WEXITSTATUS(status);
}

static void
test_leaks_are_counted(void **state)
{
   assert_int_equal(leak_in_child(LEAK_NOTHING), 0);

   for (enum leak what = LEAK_FILE; what <= LEAK_WINDOW; what++) {
      int leaks = leak_in_child(what);

      if (leaks < 1 || leaks > 20)
         fail_msg("leak %d: %d reported", (int)what, leaks);
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
       /* First: it forks, which wants no threads around. */
       cmocka_unit_test(test_leaks_are_counted),
       cmocka_unit_test(test_boot_shutdown_boot),
       cmocka_unit_test(test_one_machine),
       cmocka_unit_test(test_config_is_used),
       cmocka_unit_test(test_bad_configs),
       cmocka_unit_test(test_bo_contents),
       cmocka_unit_test(test_files_are_separate),
       cmocka_unit_test(test_failure_of_every_step),
       cmocka_unit_test(test_window_shows_bo),
       cmocka_unit_test(test_window_errors),
       cmocka_unit_test(test_firmware),
       cmocka_unit_test(test_flush_id),
   };

   return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
