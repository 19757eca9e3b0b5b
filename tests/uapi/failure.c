/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include "pt_view.h"

#include "linux/linux_machine.h"

#include <dirent.h>

#define HANDLES 12 /* of a kind that a snapshot asks for */
#define ISLAND (512 * SZ_4K)

static failure_begin begin_world;
static failure_end end_world;

/* ------------------------------------------------------------- snapshots -- */

struct snapshot {
   struct host_stats stats;
   struct pt_leaf leaf[4][512];
   int bo[HANDLES], vm[HANDLES], group[HANDLES], syncobj[HANDLES];
   uint64_t point[HANDLES];
   unsigned descriptors;
};

static const uint64_t islands[4] = {0, SZ_1G, SZ_1G + ISLAND, SZ_512G - ISLAND};

static unsigned
count_descriptors(void)
{
   DIR *dir = opendir("/proc/self/fd");
   unsigned count = 0;

   assert_non_null(dir);
   while (readdir(dir))
      count++;
   closedir(dir);
   return count;
}

static void
take_snapshot(const struct failure_view *view, struct snapshot *s)
{
   struct pan_kmod_dev *dev = view->dev;

   memset(s, 0, sizeof(*s));
   s->stats = uapi_stats(dev);
   for (unsigned i = 0; i < 4; i++)
      for (unsigned page = 0; page < 512; page++)
         s->leaf[i][page] = pt_view(view->vm, islands[i] + page * SZ_4K);
   for (uint32_t i = 0; i < HANDLES; i++) {
      struct drm_panthor_bo_query_info bo = {.handle = i + 1};
      struct drm_panthor_vm_get_state vm = {.vm_id = i + 1};
      struct drm_panthor_group_get_state group = {.group_handle = i + 1};

      s->bo[i] = pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &bo);
      s->vm[i] = pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_VM_GET_STATE, &vm);
      s->group[i] =
         pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &group);
      s->syncobj[i] = pan_kmod_syncobj_query(dev, i + 1, &s->point[i]);
   }
   s->descriptors = count_descriptors();
}

static void
compare(const struct failure_call *call, uint64_t n,
        const struct snapshot *before, const struct snapshot *after)
{
   const char *what = NULL;

   if (before->stats.vmas != after->stats.vmas)
      what = "VMAs";
   else if (before->stats.pt_pages != after->stats.pt_pages)
      what = "page-table pages";
   else if (!call->undoes && before->stats.pt_entries_written !=
                                after->stats.pt_entries_written)
      what = "page-table entries";
   else if (memcmp(before->leaf, after->leaf, sizeof(before->leaf)))
      what = "translations";
   else if (memcmp(before->bo, after->bo, sizeof(before->bo)))
      what = "BO handles";
   else if (memcmp(before->vm, after->vm, sizeof(before->vm)))
      what = "VM ids";
   else if (memcmp(before->group, after->group, sizeof(before->group)))
      what = "group handles";
   else if (memcmp(before->syncobj, after->syncobj, sizeof(before->syncobj)))
      what = "syncobj handles";
   else if (memcmp(before->point, after->point, sizeof(before->point)))
      what = "syncobj points";
   else if (before->descriptors != after->descriptors)
      what = "descriptors";
   if (what)
      fail_msg("%s: failed at step %llu, but changed the %s", call->name,
               (unsigned long long)n, what);
}

/* ------------------------------------------------------------- the loop --- */

/* With step @n failing. True if the call failed; *steps_out: those it made. */
static bool
run_once(const struct failure_call *call, uint64_t n, uint64_t *steps_out)
{
   static struct snapshot before, after;
   const unsigned long warnings = linux_warn_count();
   struct failure_view view;
   void *world = begin_world(&view);

   take_snapshot(&view, &before);
   host_inject_failure(n);
   const int ret = call->make(world);
   *steps_out = host_inject_failure(UINT64_MAX);
   if (ret) {
      if (ret != -ENOMEM && ret != -EMFILE && ret != call->other_errno)
         fail_msg("%s: failed with %d at step %llu", call->name, ret,
                  (unsigned long long)n);
      take_snapshot(&view, &after);
      compare(call, n, &before, &after);
      const int again = call->make(world);
      if (again)
         fail_msg("%s: after a failure at step %llu it fails with %d",
                  call->name, (unsigned long long)n, again);
   }
   if (call->check)
      call->check(world);
   end_world(world);
   assert_int_equal(linux_warn_count(), warnings);
   return ret != 0;
}

static void
test_call(void **state)
{
   const struct failure_call *call = *state;
   uint64_t n, steps, failures = 0;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   const bool is_virtual = pan_kmod_dev_props(dev)->virtual_gpu;

   uapi_close(dev);
   if (!is_virtual)
      skip();
   for (n = 0;; n++) {
      const bool failed = run_once(call, n, &steps);

      failures += failed;
      if (steps <= n) {
         assert_false(failed);
         break;
      }
   }
   print_message("# %s: %llu fallible steps, %llu make it fail\n", call->name,
                 (unsigned long long)n, (unsigned long long)failures);
   assert_true(failures >= call->min_failures);
}

int
failure_run(const char *name, failure_begin begin, failure_end end,
            const struct failure_call *calls, unsigned count)
{
   struct CMUnitTest *tests = calloc(count, sizeof(*tests));
   int ret;

   begin_world = begin;
   end_world = end;
   for (unsigned i = 0; i < count; i++)
      tests[i] = (struct CMUnitTest){
         .name = calls[i].name,
         .test_func = test_call,
         .initial_state = (void *)&calls[i],
      };
   /* As cmocka_run_group_tests_name(), which counts an array. */
   ret = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
   free(tests);
   return ret;
}
