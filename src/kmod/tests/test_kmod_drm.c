/* SPDX-License-Identifier: MIT */
/*
 * The render-node back end, without a render node: this program has its own
 * ioctl(), which stands in for the kernel behind /dev/null.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pan_kmod_private.h"

#define NODE "/dev/null"
#define MAX_OPS 16

/* What the kernel behind NODE is. */
static struct {
   const char *driver; /* NULL: no DRM device at all */
   int major;
   bool sparse, mmu_info;

   /* VM_BIND: interrupted once before this op (-1: never), or failing there. */
   int interrupt_at, fail_at;
   uint64_t executed_vas[MAX_OPS];
   uint32_t executed;
   uint32_t bind_ioctls;
   int vms;
} kernel;

static void
answer_version(struct drm_version *version)
{
   size_t length = strlen(kernel.driver);

   version->version_major = kernel.major;
   version->version_minor = kernel.mmu_info ? 9 : 8;
   if (version->name && version->name_len >= length)
      memcpy(version->name, kernel.driver, length);
   version->name_len = length;
}

static int
answer_query(const struct drm_panthor_dev_query *query)
{
   void *pointer = (void *)(uintptr_t)query->pointer;

   if (query->type == DRM_PANTHOR_DEV_QUERY_MMU_INFO && !kernel.mmu_info)
      return -EINVAL;

   memset(pointer, 0, query->size);
   if (query->type == DRM_PANTHOR_DEV_QUERY_GPU_INFO)
      ((struct drm_panthor_gpu_info *)pointer)->gpu_id = 0xa8670000;
   if (query->type == DRM_PANTHOR_DEV_QUERY_MMU_INFO)
      ((struct drm_panthor_mmu_info *)pointer)->page_size_bitmap = 0x1000;
   return 0;
}

static int
answer_bind(struct drm_panthor_vm_bind *bind)
{
   const struct drm_panthor_vm_bind_op *ops =
       (void *)(uintptr_t)bind->ops.array;

   kernel.bind_ioctls++;
   for (uint32_t i = 0; i < bind->ops.count; i++) {
      if ((int)kernel.executed == kernel.interrupt_at) {
         kernel.interrupt_at = -1;
         bind->ops.count = i;
         return -EINTR;
      }

      if ((int)kernel.executed == kernel.fail_at ||
          (!kernel.sparse &&
           (ops[i].flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE))) {
         bind->ops.count = i;
         return -EINVAL;
      }

      assert_true(kernel.executed < MAX_OPS);
      kernel.executed_vas[kernel.executed++] = ops[i].va;
   }

   return 0;
}

static int
answer(unsigned long request, void *arg)
{
   if (!kernel.driver)
      return -ENOTTY;

   switch (request) {
   case DRM_IOCTL_VERSION:
      answer_version(arg);
      return 0;
   case DRM_IOCTL_PANTHOR_DEV_QUERY:
      return answer_query(arg);
   case DRM_IOCTL_PANTHOR_VM_CREATE:
      kernel.vms++;
      ((struct drm_panthor_vm_create *)arg)->id = 1;
      return 0;
   case DRM_IOCTL_PANTHOR_VM_DESTROY:
      kernel.vms--;
      return 0;
   case DRM_IOCTL_PANTHOR_VM_BIND:
      return answer_bind(arg);
   default:
      return -EINVAL;
   }
}

/* Takes precedence over libc's. */
int
ioctl(int fd, unsigned long request, ...)
{
   va_list args;
   void *arg;

   va_start(args, request);
   arg = va_arg(args, void *);
   va_end(args);

   if (_IOC_TYPE(request) != DRM_IOCTL_BASE)
      return (int)syscall(SYS_ioctl, fd, request, arg);

   int ret = answer(request, arg);
   if (ret) {
      errno = -ret;
      return -1;
   }
   return 0;
}

/* ----------------------------------------------------------------- tests -- */

static int
setup_kernel(void **state)
{
   memset(&kernel, 0, sizeof(kernel));
   kernel.driver = "panthor";
   kernel.major = 1;
   kernel.sparse = true;
   kernel.mmu_info = true;
   kernel.interrupt_at = -1;
   kernel.fail_at = -1;
   return 0;
}

static struct pan_kmod_dev *
open_node(void)
{
   struct pan_kmod_dev *dev;

   assert_int_equal(pan_kmod_dev_create(NODE, NULL, &dev), 0);
   kernel.executed = 0;
   kernel.bind_ioctls = 0;
   return dev;
}

/* Opening @path fails with @error and says @says, in one line on stderr. */
static void
assert_refused(const char *path, int error, const char *says)
{
   struct pan_kmod_dev *dev = NULL;
   int ends[2], saved = dup(STDERR_FILENO);
   char text[1024];

   assert_int_equal(pipe(ends), 0);
   dup2(ends[1], STDERR_FILENO);
   close(ends[1]);
   int ret = pan_kmod_dev_create(path, NULL, &dev);
   fflush(stderr);
   dup2(saved, STDERR_FILENO);
   close(saved);

   ssize_t length = read(ends[0], text, sizeof(text) - 1);
   close(ends[0]);
   assert_true(length > 0);
   text[length] = '\0';

   assert_int_equal(ret, error);
   assert_null(dev);
   assert_ptr_equal(strchr(text, '\n'), text + length - 1);
   if (!strstr(text, says))
      fail_msg("'%s' does not say '%s'", text, says);
}

static void
test_refused(void **state)
{
   assert_refused("/nonexistent/renderD128", -ENOENT, "/nonexistent");
   assert_refused("/proc", -EISDIR, "/proc");

   kernel.driver = NULL;
   assert_refused(NODE, -ENODEV, "not a DRM device");

   kernel.driver = "i915";
   assert_refused(NODE, -ENODEV, "'i915'");

   /* Longer than any buffer that we would offer. */
   kernel.driver = "a driver with a name of more than thirty-two letters";
   assert_refused(NODE, -ENODEV, "must be 'panthor'");

   kernel.driver = "panthor";
   kernel.major = 2;
   assert_refused(NODE, -ENODEV, "version 2.");
}

static void
test_environment(void **state)
{
   struct pan_kmod_dev *dev;

   setenv("PANSPARSE_DEVICE", "/nonexistent/node", 1);
   assert_refused(NULL, -ENOENT, "/nonexistent/node");

   setenv("PANSPARSE_DEVICE", NODE, 1);
   assert_int_equal(pan_kmod_dev_create(NULL, NULL, &dev), 0);
   assert_false(pan_kmod_dev_props(dev)->virtual_gpu);
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);

   /* A path of one's own comes before it. */
   setenv("PANSPARSE_DEVICE", "/nonexistent/node", 1);
   assert_int_equal(pan_kmod_dev_create(NODE, NULL, &dev), 0);
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);

   /* Empty: the machine in this process. */
   setenv("PANSPARSE_DEVICE", "", 1);
   assert_int_equal(pan_kmod_dev_create(NULL, NULL, &dev), 0);
   assert_true(pan_kmod_dev_props(dev)->virtual_gpu);
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);
   unsetenv("PANSPARSE_DEVICE");
}

static void
test_props(void **state)
{
   struct pan_kmod_dev *dev = open_node();
   const struct pan_kmod_dev_props *props = pan_kmod_dev_props(dev);

   assert_int_equal(props->gpu.gpu_id, 0xa8670000);
   assert_int_equal(props->page_size_bitmap, 0x1000);
   assert_true(props->map_sparse);
   assert_false(props->virtual_gpu);
   assert_int_equal(kernel.vms, 0);
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);

   kernel.sparse = false;
   kernel.mmu_info = false;
   dev = open_node();
   props = pan_kmod_dev_props(dev);
   assert_int_equal(props->version_minor, 8);
   assert_int_equal(props->page_size_bitmap, 0x201000);
   assert_false(props->map_sparse);
   assert_int_equal(kernel.vms, 0);
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);
}

static void
test_no_virtual_gpu(void **state)
{
   struct pan_kmod_dev *dev = open_node();
   struct pan_kmod_vm vm = {.dev = dev, .id = 1};
   struct pan_kmod_window *window;
   uint64_t pa;

   assert_int_equal(pan_kmod_window_create(&vm, 0, NULL, 4096, &window),
                    -ENOTSUP);
   assert_int_equal(pan_kmod_get_stats(dev, NULL), -ENOTSUP);
   assert_int_equal(pan_kmod_vm_root(&vm, &pa), -ENOTSUP);
   assert_null(pan_kmod_dram_ptr(dev, 0));
   pan_kmod_fault_handler_ensure(dev);
   assert_int_equal(pan_kmod_dev_destroy(dev), 0);
}

/* Every op is executed once, in order, however the ioctl is interrupted. */
static void
test_bind_interrupted(void **state)
{
   struct drm_panthor_vm_bind_op ops[6] = {0};
   struct pan_kmod_dev *dev = open_node();
   struct pan_kmod_vm vm = {.dev = dev, .id = 1};
   uint32_t failed;

   for (uint32_t i = 0; i < 6; i++)
      ops[i].va = 100 + i;

   for (int at = -1; at < 6; at++) {
      kernel.interrupt_at = at;
      kernel.executed = 0;
      kernel.bind_ioctls = 0;
      failed = 77;
      assert_int_equal(pan_kmod_vm_bind(&vm, 0, ops, 6, &failed), 0);
      assert_int_equal(failed, 6);
      assert_int_equal(kernel.bind_ioctls, at < 0 ? 1 : 2);
      assert_int_equal(kernel.executed, 6);
      for (uint32_t i = 0; i < 6; i++)
         assert_int_equal(kernel.executed_vas[i], 100 + i);
   }

   /* The index of a failure counts from the caller's first op. */
   kernel.interrupt_at = 2;
   kernel.fail_at = 4;
   kernel.executed = 0;
   assert_int_equal(pan_kmod_vm_bind(&vm, 0, ops, 6, &failed), -EINVAL);
   assert_int_equal(failed, 4);
   assert_int_equal(kernel.executed, 4);

   assert_int_equal(pan_kmod_dev_destroy(dev), 0);
}

#define KERNEL_TEST(f) cmocka_unit_test_setup(f, setup_kernel)

int
main(void)
{
   const struct CMUnitTest tests[] = {
       KERNEL_TEST(test_refused),
       KERNEL_TEST(test_environment),
       KERNEL_TEST(test_props),
       KERNEL_TEST(test_no_virtual_gpu),
       KERNEL_TEST(test_bind_interrupted),
   };

   return cmocka_run_group_tests_name("kmod-drm", tests, NULL, NULL);
}
