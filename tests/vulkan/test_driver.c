/* SPDX-License-Identifier: MIT */
/*
 * What only pansparse promises: clear messages when something is missing, and a
 * fault handler that gets out of the program's way. Every case runs in a child
 * of its own, whose exit, signal and stderr are looked at.
 */
#include "vt_image.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* AddressSanitizer turns a crash into an abort, and needs address space. */
#if defined(__SANITIZE_ADDRESS__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

struct outcome {
   int status; /* of waitpid() */
   char text[65536]; /* stdout and stderr */
};

typedef int (*case_fn)(void);

static void
run_child(case_fn function, struct outcome *out)
{
   int pipes[2];
   size_t used = 0;
   ssize_t got;

   assert_int_equal(pipe(pipes), 0);
   fflush(NULL);
   pid_t pid = fork();
   assert_int_not_equal(pid, -1);
   if (pid == 0) {
      const struct rlimit no_core = {0, 0};

      setrlimit(RLIMIT_CORE, &no_core);
      signal(SIGSEGV, SIG_DFL); /* cmocka has one of its own */
      dup2(pipes[1], 1);
      dup2(pipes[1], 2);
      close(pipes[0]);
      close(pipes[1]);
      int code = function();
      fflush(NULL);
      _exit(code);
   }
   close(pipes[1]);
   while (used < sizeof(out->text) - 1 &&
          (got = read(pipes[0], out->text + used,
                      sizeof(out->text) - 1 - used)) > 0)
      used += (size_t)got;
   out->text[used] = 0;
   close(pipes[0]);
   assert_int_equal(waitpid(pid, &out->status, 0), pid);
}

static void
expect(case_fn function, int code, const char *text)
{
   static struct outcome out;

   run_child(function, &out);
   if (!WIFEXITED(out.status) || WEXITSTATUS(out.status) != code ||
       (text && !strstr(out.text, text)))
      fail_msg("status %#x, want exit %d and \"%s\"; the child said:\n%s",
               out.status, code, text ? text : "", out.text);
}

static void
expect_signal(case_fn function, int sig)
{
   static struct outcome out;

   run_child(function, &out);
   if (!WIFSIGNALED(out.status) || WTERMSIG(out.status) != sig)
      fail_msg("status %#x, want signal %d; the child said:\n%s", out.status,
               sig, out.text);
}

/* The number of devices that an instance finds, or -1. */
static int
count_devices(void)
{
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   uint32_t count = 0;
   VkInstance instance;

   unsetenv("VK_INSTANCE_LAYERS");
   if (vkCreateInstance(&info, NULL, &instance) != VK_SUCCESS)
      return -1;
   VkResult result = vkEnumeratePhysicalDevices(instance, &count, NULL);
   vkDestroyInstance(instance, NULL);
   return result == VK_SUCCESS ? (int)count : -1;
}

static int
child_no_engine(void)
{
   setenv("PANSPARSE_ENGINE", "/nonexistent/libvulkan_lvp.so", 1);
   return count_devices() <= 0 ? 3 : 0;
}

static void
test_no_engine(void **state)
{
   (void)state;
   expect(child_no_engine, 3, "mesa-vulkan-drivers");
   expect(child_no_engine, 3, "/nonexistent/libvulkan_lvp.so");
}

static int
child_old_engine(void)
{
   setenv("PANSPARSE_ENGINE", getenv("VT_OLD_ENGINE"), 1);
   return count_devices() <= 0 ? 3 : 0;
}

static void
test_old_engine(void **state)
{
   (void)state;
   expect(child_old_engine, 3, "22.3.6");
}

static int
child_not_an_engine(void)
{
   setenv("PANSPARSE_ENGINE", "libm.so.6", 1);
   return count_devices() <= 0 ? 3 : 0;
}

static void
test_not_an_engine(void **state)
{
   (void)state;
   expect(child_not_an_engine, 3, "libm.so.6");
}

/* Sets up vt in a child; the parent never touches Vulkan. */
static void
child_device(void)
{
   unsetenv("VK_INSTANCE_LAYERS");
   vt_group_setup(NULL);
}

static VkBuffer
bound_buffer(VkDeviceMemory *memory_out)
{
   VkBuffer buffer = vkh_sparse_buffer_create(
      &vt, 4 * VT_TILE, VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   *memory_out = vt_memory(4, vt_buffer_requirements(buffer).memoryTypeBits);
   const VkSparseMemoryBind bind = {.size = 4 * VT_TILE, .memory = *memory_out};
   vt_bind_buffer(buffer, &bind, 1);
   return buffer;
}

static void
use_buffer(void)
{
   VkDeviceMemory memory;
   VkBuffer buffer = bound_buffer(&memory);

   vt_fill_words(buffer, 0, VT_TILE, 1);
   vt_check_words(buffer, 0, VT_TILE, 1);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

static int
child_probe_fails(void)
{
   setenv("PANSPARSE_PROBE_FAIL", "1", 1);
   child_device();
   if (vt.features.sparseResidencyImage2D)
      return 4;
   uint32_t count = 0;
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
      VK_SAMPLE_COUNT_1_BIT, VK_IMAGE_USAGE_SAMPLED_BIT,
      VK_IMAGE_TILING_OPTIMAL, &count, NULL);
   if (count)
      return 5;
   use_buffer();
   vt_group_teardown(NULL);
   return 0;
}

static void
test_probe_fails(void **state)
{
   (void)state;
   expect(child_probe_fails, 0, "sparse residency images");
}

/* Creates a device in the plainest way; what comes of it. */
static VkResult
try_device(void)
{
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   uint32_t count = 1;
   VkInstance instance;
   VkPhysicalDevice physical;
   VkDevice device;

   unsetenv("VK_INSTANCE_LAYERS");
   VKH_CHECK(vkCreateInstance(&info, NULL, &instance));
   VKH_CHECK(vkEnumeratePhysicalDevices(instance, &count, &physical));
   VkResult result = vkCreateDevice(physical, &device_info, NULL, &device);
   if (result == VK_SUCCESS)
      vkDestroyDevice(device, NULL);
   vkDestroyInstance(instance, NULL);
   return result;
}

static int
child_no_dram(void)
{
   const struct rlimit tight = {8ull << 30, 8ull << 30};

   if (setrlimit(RLIMIT_AS, &tight))
      return 9;
   setenv("PANSPARSE_DRAM", "64G", 1);
   return try_device() == VK_SUCCESS ? 0 : 3;
}

static int
child_bad_dram(void)
{
   setenv("PANSPARSE_DRAM", "plenty", 1);
   return try_device() == VK_SUCCESS ? 0 : 3;
}

static void
test_no_dram(void **state)
{
   (void)state;
   VT_NEED(!sanitized);
   expect(child_no_dram, 3, "PANSPARSE_DRAM");
   expect(child_bad_dram, 3, "PANSPARSE_DRAM=plenty");
}

/* A program's own crash is its own: SIGSEGV, with its own address. */
static int
child_crash(void)
{
   child_device();
   use_buffer();
   *(volatile int *)0x1234 = 5;
   return 0;
}

static void
test_crash(void **state)
{
   (void)state;
   VT_NEED(!sanitized);
   expect_signal(child_crash, SIGSEGV);
}

static void
own_handler(int sig, siginfo_t *info, void *context)
{
   (void)sig;
   (void)context;
   _exit(info->si_addr == (void *)0x1234 ? 42 : 43);
}

static void
install(void)
{
   const struct sigaction action = {
      .sa_sigaction = own_handler,
      .sa_flags = SA_SIGINFO,
   };

   sigaction(SIGSEGV, &action, NULL);
}

static int
child_handler_before(void)
{
   install();
   child_device();
   use_buffer();
   *(volatile int *)0x1234 = 5;
   return 0;
}

static int
child_handler_after(void)
{
   VkDeviceMemory memory;

   child_device();
   VkBuffer buffer = bound_buffer(&memory);
   install();
   /* Work goes on although the program has replaced the handler… */
   vt_fill_words(buffer, 0, VT_TILE, 1);
   vt_check_words(buffer, 0, VT_TILE, 1);
   install();
   use_buffer();
   /* … and its own faults still reach it. */
   *(volatile int *)0x1234 = 5;
   return 0;
}

static int
child_sigsegv_sent(void)
{
   child_device();
   use_buffer();
   raise(SIGSEGV);
   return 0;
}

static void
test_handlers(void **state)
{
   (void)state;
   expect(child_handler_before, 42, NULL);
   expect(child_handler_after, 42, NULL);
   if (!sanitized)
      expect_signal(child_sigsegv_sent, SIGSEGV);
}

/* A TLB of a few entries is slow, not wrong. */
static int
child_small_tlb(void)
{
   setenv("PANSPARSE_TLB_ENTRIES", "16", 1);
   child_device();
   VkBuffer buffer = vkh_sparse_buffer_create(
      &vt, 64 * VT_TILE, VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   VkDeviceMemory memory =
      vt_memory(64, vt_buffer_requirements(buffer).memoryTypeBits);
   VkSparseMemoryBind binds[64];
   for (unsigned i = 0; i < 64; i++)
      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = i * VT_TILE,
         .size = VT_TILE,
         .memory = memory,
         .memoryOffset = (i * 27 % 64) * VT_TILE,
      };
   vt_bind_buffer(buffer, binds, 64);
   vt_fill_words(buffer, 0, 16 * VT_TILE, 7);
   vt_check_words(buffer, 0, 16 * VT_TILE, 7);
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
   vt_group_teardown(NULL);
   return 0;
}

static void
test_small_tlb(void **state)
{
   (void)state;
   expect(child_small_tlb, 0, NULL);
}

/*
 * Everything destroyed: nothing is left in DRAM, and the counters say that a
 * resource of any size took one op, and a batch of any size one ioctl.
 */
static char stats_file[] = "/tmp/pansparse-stats-XXXXXX";

static int
child_budgets(void)
{
   setenv("PANSPARSE_STATS", stats_file, 1);
   child_device();
   VkDeviceMemory memory;
   VkBuffer buffer = vkh_sparse_buffer_create(
      &vt, 1ull << 31, VK_BUFFER_CREATE_SPARSE_BINDING_BIT |
                          VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   memory = vt_memory(1024, vt_buffer_requirements(buffer).memoryTypeBits);
   VkSparseMemoryBind binds[1024];
   for (unsigned i = 0; i < 1024; i++)
      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = (1023 - i) * VT_TILE,
         .size = VT_TILE,
         .memory = memory,
         .memoryOffset = (1023 - i) * VT_TILE,
      };
   vt_bind_buffer(buffer, binds, 1024); /* one run: one ioctl, one op */
   vkDestroyBuffer(vt.device, buffer, NULL);
   vkFreeMemory(vt.device, memory, NULL);
   vt_group_teardown(NULL);
   return 0;
}

static double
number(const char *json, const char *key)
{
   char quoted[64];

   snprintf(quoted, sizeof(quoted), "\"%s\":", key);
   const char *at = strstr(json, quoted);
   if (!at)
      fail_msg("no %s in %s", key, json);
   return strtod(at + strlen(quoted), NULL);
}

static void
test_budgets(void **state)
{
   (void)state;
   char json[4096] = "";
   int fd = mkstemp(stats_file);

   assert_int_not_equal(fd, -1);
   close(fd);
   static struct outcome out;
   run_child(child_budgets, &out);
   /* The machine counts what is left of it, when its last device is gone. */
   if (out.status || strstr(out.text, "leak"))
      fail_msg("status %#x; the child said:\n%s", out.status, out.text);
   FILE *file = fopen(stats_file, "r");
   assert_non_null(file);
   size_t n = fread(json, 1, sizeof(json) - 1, file);
   fclose(file);
   unlink(stats_file);
   assert_int_not_equal(n, 0);
   /* Create, bind, destroy. */
   assert_true(number(json, "vm_bind_ops") == 3);
   assert_true(number(json, "vm_bind_ioctls") == 3);
   /*
    * What is left is the VM's root table, the file's dummy, and less than a
    * megabyte of the firmware's.
    */
   assert_true(number(json, "vmas") == 0);
   assert_true(number(json, "pt_pages") == 1);
   assert_true(number(json, "dram_allocated_B") <= 3.0 * (1 << 20));
   assert_true(number(json, "mmu_faults") == 0);
}

static int
child_other_driver(void)
{
   child_device();
   return strcmp(vt.driver.driverName, "pansparse") ? 5 : 0;
}

/* A driver works, and it is another one. */
static bool
is_other_driver(void)
{
   static struct outcome out;

   run_child(child_other_driver, &out);
   return WIFEXITED(out.status) && WEXITSTATUS(out.status) == 5;
}

int
main(void)
{
   if (is_other_driver()) {
      puts("1..0 # SKIP only pansparse promises this");
      return 0;
   }
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_engine),     cmocka_unit_test(test_old_engine),
      cmocka_unit_test(test_not_an_engine), cmocka_unit_test(test_probe_fails),
      cmocka_unit_test(test_no_dram),       cmocka_unit_test(test_crash),
      cmocka_unit_test(test_handlers),      cmocka_unit_test(test_small_tlb),
      cmocka_unit_test(test_budgets),
   };
   return cmocka_run_group_tests_name("vulkan-driver", tests, NULL, NULL);
}
