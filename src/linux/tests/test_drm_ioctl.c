// SPDX-License-Identifier: MIT OR GPL-2.0
/* The dispatcher's rules, and the ioctls that describe the device. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm_drv.h>

#include "drm_fixture.h"

/* ------------------------------------------------------------- dispatch -- */

static void test_numbers(void **state)
{
	static const struct {
		const char *what;
		unsigned int cmd;
		int ret;
	} cases[] = {
		{ "a driver ioctl", FIXTURE_ECHO, 0 },
		{ "the driver's table ends before", DRM_IO(FIXTURE_NR_END),
		  -EINVAL },
		{ "a hole in the driver's table", DRM_IO(FIXTURE_NR_HOLE),
		  -EINVAL },
		{ "the last driver number", DRM_IO(0x9f), -EINVAL },
		{ "beyond all core ioctls", DRM_IO(0xff), -EINVAL },
		{ "a hole in the core's table", DRM_IO(0x0e), -EINVAL },
		{ "not of type 'd'",
		  _IOWR('e', FIXTURE_NR_ECHO, struct fixture_echo), -ENOTTY },
		{ "type 0", _IO(0, 0), -ENOTTY },
		{ "a driver ioctl that is not for render nodes",
		  FIXTURE_PRIMARY, -EACCES },
		{ "core, not for render nodes", DRM_IOCTL_SET_CLIENT_CAP,
		  -EACCES },
		{ "core, not for render nodes", DRM_IOCTL_GET_MAGIC, -EACCES },
		{ "core, not for render nodes", DRM_IOCTL_SET_MASTER, -EACCES },
		{ "core, not for render nodes", DRM_IOCTL_MODE_CREATE_DUMB,
		  -EACCES },
	};
	struct linux_file *file = fixture_open();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char args[256] = {};
		int ret = linux_sys_ioctl(file, cases[i].cmd, args);

		if (ret != cases[i].ret)
			fail_msg("%s: %d instead of %d", cases[i].what, ret,
				 cases[i].ret);
	}
	linux_sys_close(file);
}

/* An ioctl number with another idea of the size or direction of the struct. */
static unsigned int echo_cmd(unsigned int dir, size_t size)
{
	return _IOC(dir, DRM_IOCTL_BASE, FIXTURE_NR_ECHO, size);
}

static void test_sizes(void **state)
{
	const unsigned int both = _IOC_READ | _IOC_WRITE;
	struct linux_file *file = fixture_open();
	struct {
		struct fixture_echo echo;
		unsigned char extra[16];
	} args;

	/* A caller from before "tail": it reads as 0 and is not written. */
	memset(&args, 0xab, sizeof(args));
	args.echo.in = 1;
	args.echo.fail = 0;
	assert_int_equal(
		linux_sys_ioctl(file,
				echo_cmd(both,
					 offsetof(struct fixture_echo, tail)),
				&args),
		0);
	assert_int_equal(args.echo.out, 2);
	assert_int_equal(args.echo.tail, 0xabababab);

	/* A caller from the future: what is too much comes back unchanged. */
	args.echo.tail = 6;
	assert_int_equal(linux_sys_ioctl(file, echo_cmd(both, sizeof(args)),
					 &args),
			 0);
	assert_int_equal(args.echo.tail, 7);
	for (size_t i = 0; i < sizeof(args.extra); i++)
		assert_int_equal(args.extra[i], 0xab);

	/* Size 0: nothing goes in, nothing comes out. */
	args.echo.in = 5;
	args.echo.out = 0;
	assert_int_equal(linux_sys_ioctl(file, echo_cmd(both, 0), &args), 0);
	assert_int_equal(args.echo.out, 0);

	/* Without the direction "write" the handler sees zeroes. */
	assert_int_equal(linux_sys_ioctl(file,
					 echo_cmd(_IOC_READ, sizeof(args.echo)),
					 &args),
			 0);
	assert_int_equal(args.echo.in, 0);
	assert_int_equal(args.echo.out, 1);

	/* Without "read" the caller sees nothing. */
	args.echo.in = 10;
	assert_int_equal(
		linux_sys_ioctl(file, echo_cmd(_IOC_WRITE, sizeof(args.echo)),
				&args),
		0);
	assert_int_equal(args.echo.out, 1);
	linux_sys_close(file);
}

static void test_copy_back_on_error(void **state)
{
	struct linux_file *file = fixture_open();
	struct fixture_echo args = { .in = 41, .fail = -EDOM };

	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, &args), -EDOM);
	assert_int_equal(args.out, 42);
	assert_int_equal(args.tail, 1);
	linux_sys_close(file);
}

static void test_large(void **state)
{
	struct linux_file *file = fixture_open();
	struct fixture_large args;

	memset(&args, 7, sizeof(args));
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_LARGE, &args), 0);
	for (size_t i = 0; i < sizeof(args.bytes); i++)
		assert_int_equal(args.bytes[i], 8);
	linux_sys_close(file);
}

static void test_bad_pointers(void **state)
{
	struct linux_file *file = fixture_open();
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, NULL), -EFAULT);
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, (void *)-4096ul),
			 -EFAULT);
	/* Half of it is there. */
	assert_int_equal(munmap(page + 4096, 4096), 0);
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, page + 4096 - 8),
			 -EFAULT);
	/* It cannot be written back, whatever the handler returned. */
	((struct fixture_echo *)page)->fail = -EDOM;
	assert_int_equal(mprotect(page, 4096, PROT_READ), 0);
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, page), -EFAULT);
	munmap(page, 4096);
	linux_sys_close(file);
}

static void test_unplugged(void **state)
{
	struct linux_file *file = fixture_open(), *other;
	struct fixture_echo args = {};
	void *addr;
	int idx;

	assert_true(drm_dev_enter(fixture_drm(), &idx));
	drm_dev_exit(idx);
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, &args), 0);
	drm_dev_unplug(fixture_drm());
	assert_false(drm_dev_enter(fixture_drm(), &idx));
	assert_true(drm_dev_is_unplugged(fixture_drm()));
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_ECHO, &args), -ENODEV);
	/* Before anything else is looked at. */
	assert_int_equal(linux_sys_ioctl(file, _IO('x', 1), NULL), -ENODEV);
	assert_int_equal(linux_sys_mmap(file, NULL, 4096, PROT_READ, MAP_SHARED,
					0, &addr),
			 -ENODEV);
	assert_int_equal(linux_sys_open(&other), -ENODEV);
	linux_sys_close(file);
}

struct section {
	int entered;
	int left;
};

static void *hold_section(void *arg)
{
	struct section *section = arg;
	int idx;

	FIXTURE_CHECK(drm_dev_enter(fixture_drm(), &idx));
	__atomic_store_n(&section->entered, 1, __ATOMIC_RELEASE);
	usleep(20000);
	__atomic_store_n(&section->left, 1, __ATOMIC_RELEASE);
	drm_dev_exit(idx);
	return NULL;
}

static void test_unplug_waits(void **state)
{
	struct section section = {};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, hold_section, &section),
			 0);
	while (!__atomic_load_n(&section.entered, __ATOMIC_ACQUIRE))
		usleep(100);
	drm_dev_unplug(fixture_drm());
	assert_true(__atomic_load_n(&section.left, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
}

/* ------------------------------------------------------- what it says ---- */

static void test_version(void **state)
{
	struct linux_file *file = fixture_open();
	char name[8] = "xxxxxxx", desc[32] = {};
	struct drm_version version = { .name = name,
				       .name_len = 3,
				       .desc = desc,
				       .desc_len = sizeof(desc) };

	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_VERSION, &version), 0);
	assert_int_equal(version.version_major, 3);
	assert_int_equal(version.version_minor, 14);
	assert_int_equal(version.version_patchlevel, 15);
	/* The length is the whole one, the text what fitted; no terminator. */
	assert_int_equal(version.name_len, strlen("fixture"));
	assert_memory_equal(name, "fixxxxx", 8);
	assert_string_equal(desc, "DRM test driver");
	assert_int_equal(version.date_len, strlen("20261121"));

	version.name = (char *)8;
	version.name_len = 3;
	assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_VERSION, &version),
			 -EFAULT);
	linux_sys_close(file);
}

static void test_caps(void **state)
{
	static const struct {
		uint64_t cap;
		int ret;
		uint64_t value;
	} cases[] = {
		{ DRM_CAP_SYNCOBJ, 0, 1 },
		{ DRM_CAP_SYNCOBJ_TIMELINE, 0, 1 },
		{ DRM_CAP_PRIME, 0,
		  DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT },
		{ DRM_CAP_TIMESTAMP_MONOTONIC, 0, 1 },
		{ DRM_CAP_DUMB_BUFFER, -EOPNOTSUPP, 0 },
		{ 12345, -EOPNOTSUPP, 0 },
	};
	struct linux_file *file = fixture_open();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct drm_get_cap args = { .capability = cases[i].cap,
					    .value = 99 };

		assert_int_equal(linux_sys_ioctl(file, DRM_IOCTL_GET_CAP,
						 &args),
				 cases[i].ret);
		assert_int_equal(args.value, cases[i].value);
	}
	linux_sys_close(file);
}

/* ---------------------------------------------------------------- files -- */

static void test_open_close(void **state)
{
	struct linux_file *a, *b, *c;

	a = fixture_open();
	b = fixture_open();
	assert_ptr_not_equal(linux_file_drm(a), linux_file_drm(b));
	assert_int_equal(fixture_driver_stats().opens, 2);
	fixture_fail_open(-EPERM);
	assert_int_equal(linux_sys_open(&c), -EPERM);
	fixture_fail_open(0);
	linux_sys_close(a);
	assert_int_equal(fixture_driver_stats().postcloses, 1);
	linux_sys_close(b);
	assert_int_equal(fixture_driver_stats().postcloses, 2);
}

static int open_close_step(void *arg)
{
	struct linux_file *file;
	int ret = linux_sys_open(&file);

	if (!ret)
		linux_sys_close(file);
	return ret;
}

static void test_open_failures(void **state)
{
	fixture_fail_each(open_close_step, NULL, 50);
}

static int large_step(void *arg)
{
	struct fixture_large args = {};

	return linux_sys_ioctl(arg, FIXTURE_LARGE, &args);
}

static void test_dispatch_failures(void **state)
{
	struct linux_file *file = fixture_open();

	fixture_fail_each(large_step, file, 50);
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_numbers),
		TEST(test_sizes),
		TEST(test_copy_back_on_error),
		TEST(test_large),
		TEST(test_bad_pointers),
		TEST(test_unplugged),
		TEST(test_unplug_waits),
		TEST(test_version),
		TEST(test_caps),
		TEST(test_open_close),
		TEST(test_open_failures),
		TEST(test_dispatch_failures),
	};

	return cmocka_run_group_tests_name("drm ioctl", tests, NULL, NULL);
}
