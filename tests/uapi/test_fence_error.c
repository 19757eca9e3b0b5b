/* SPDX-License-Identifier: MIT */
/*
 * What the fence of a job says when the job has ended, and that all fences
 * signal: exported from its syncobj as a sync_file.
 */
#include "cs_asm.h"
#include "fence_status.h"

#include <drm.h>
#include <unistd.h>

#define RESULT 0x100000ull

struct fixture {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t group, done;
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   cs_vm_init(&f->vm, f->dev);
   f->group = cs_group(f->dev, &f->vm, 2, 1);
   f->done = cs_syncobj(f->dev);
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->done);
   (void)cs_group_destroy(f->dev, f->group);
   cs_vm_fini(&f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

/* The syncobj's fence as a file. */
static int
export_fence(struct fixture *f, uint32_t syncobj)
{
   struct drm_syncobj_handle args = {
      .handle = syncobj,
      .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
   };

   assert_int_equal(
      pan_kmod_ioctl(f->dev, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args), 0);
   return args.fd;
}

static void
expect_status(struct fixture *f, uint32_t syncobj, int status)
{
   int fd = export_fence(f, syncobj);

   cs_finish(f->dev, syncobj);
   assert_int_equal(fence_status(fd), status);
   close(fd);
}

static void
submit(struct fixture *f, uint32_t queue, const struct cs *cs, uint32_t syncobj)
{
   const struct drm_panthor_sync_op signal = {SIGNAL, syncobj, 0};

   assert_int_equal(
      cs_submit(f->dev, &f->vm, f->group, queue, cs, &signal, 1), 0);
}

static struct cs
good_stream(struct fixture *f)
{
   struct cs cs = cs_at(&f->vm, 0x8000);

   cs_poke(&cs, f->vm.va + RESULT + 64, 1);
   return cs;
}

/* A job that ends well signals without an error. */
static void
test_normal_end(void **state)
{
   struct fixture *f = *state;
   struct cs good = good_stream(f);

   submit(f, 0, &good, f->done);
   expect_status(f, f->done, 1);
   submit(f, 0, NULL, f->done);
   expect_status(f, f->done, 1);
}

/* A recoverable fault is that of one job, and of none behind it. */
static void
test_fault(void **state)
{
   struct fixture *f = *state;
   struct cs bad = cs_at(&f->vm, 0), good = good_stream(f);

   *cs_word(&f->vm, RESULT) = 5;
   *cs_word(&f->vm, RESULT + 8) = 1; /* the status: a job failed */
   cs_move48(&bad, 0, f->vm.va + RESULT);
   cs_move48(&bad, 2, 4);
   cs_sync_wait64(&bad, CS_GT, 0, 2, true);
   submit(f, 0, &bad, f->done);
   expect_status(f, f->done, -EINVAL);
   submit(f, 0, &good, f->done);
   expect_status(f, f->done, 1);
}

/* The queue with the fault, and the other one, whose job runs for ever. */
static void
test_fatal(void **state)
{
   struct fixture *f = *state;
   struct cs bad = cs_at(&f->vm, 0), loop = cs_at(&f->vm, 0x1000);
   uint32_t other = cs_syncobj(f->dev);

   cs_forever(&loop);
   cs_raw(&bad, 0xee00000000000000ull);
   submit(f, 1, &loop, other);
   submit(f, 0, &bad, f->done);
   expect_status(f, f->done, -EINVAL);
   expect_status(f, other, -ECANCELED);
   pan_kmod_syncobj_destroy(f->dev, other);
}

/* Five seconds; and the job behind the one that takes too long. */
static void
test_timeout(void **state)
{
   struct fixture *f = *state;
   struct cs loop = cs_at(&f->vm, 0), good = good_stream(f);
   uint32_t behind = cs_syncobj(f->dev);

   cs_forever(&loop);
   submit(f, 0, &loop, f->done);
   submit(f, 0, &good, behind);
   expect_status(f, f->done, -ETIMEDOUT);
   expect_status(f, behind, -ETIMEDOUT);
   pan_kmod_syncobj_destroy(f->dev, behind);
}

/* A job whose group is destroyed ends with -ECANCELED. */
static void
test_destroyed(void **state)
{
   struct fixture *f = *state;
   struct cs loop = cs_at(&f->vm, 0);

   cs_forever(&loop);
   submit(f, 0, &loop, f->done);
   int fd = export_fence(f, f->done);
   assert_int_equal(fence_status(fd), 0);
   assert_int_equal(cs_group_destroy(f->dev, f->group), 0);
   cs_finish(f->dev, f->done);
   assert_int_equal(fence_status(fd), -ECANCELED);
   close(fd);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_normal_end), WITH_FIXTURE(test_fault),
      WITH_FIXTURE(test_fatal),      WITH_FIXTURE(test_timeout),
      WITH_FIXTURE(test_destroyed),
   };
   if (uapi_is_on_node())
      return uapi_skip_all(tests, sizeof(tests) / sizeof(tests[0]));

   return cmocka_run_group_tests_name("uapi-fence-error", tests, NULL, NULL);
}
