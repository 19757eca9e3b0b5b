/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A machine made of a memfd, and a DRM driver that does as little as a test
 * needs. Calls return 0 or a negative errno, as system calls do.
 */
#ifndef DRM_FIXTURE_H
#define DRM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <drm/drm.h>
#include <drm/drm_device.h>

#include "linux_machine.h"

struct drm_gem_object;

/* ------------------------------------------------------------- machine --- */

#define FIXTURE_RAM_B (64ull << 20)

enum fixture_ram {
	FIXTURE_RAM_CONTIGUOUS, /* first fit, as much as there is */
	FIXTURE_RAM_FRAGMENTED, /* one page at a time, no two neighbours */
};

/* Boots with the driver probed; fails the test where that does not work. */
void fixture_boot(enum fixture_ram ram);
/* Removes the driver and shuts down; fails the test on any leak or warning. */
void fixture_shutdown(void);
/* Pages that the machine has given out. */
uint64_t fixture_ram_pages(void);
/* The CPU's view of RAM. */
void *fixture_ram(uint64_t pa);
/* What the test provokes on purpose; checked at shutdown. */
void fixture_expect_warnings(unsigned long count);
void fixture_expect_leaks(int count);

/* cmocka setup and teardown; *state is not NULL where RAM is fragmented. */
int fixture_setup(void **state);
int fixture_setup_fragmented(void **state);
int fixture_teardown(void **state);

/* -------------------------------------------------------------- driver --- */

/* _IOWR: returns fail, after it has stored in + 1 in out. */
struct fixture_echo {
	__u64 in;
	__u64 out;
	__s32 fail;
	__u32 tail; /* an older caller does not know it; the driver adds 1 */
};
/* _IOWR: a BO, with its offset for mmap. */
struct fixture_bo {
	__u64 size;
	__u64 offset;
	__u32 handle;
	__u32 flags; /* FIXTURE_BO_* */
};
#define FIXTURE_BO_NO_EXPORT 1

#define FIXTURE_NR_ECHO 0x40
#define FIXTURE_NR_BO 0x41
#define FIXTURE_NR_HOLE 0x42
#define FIXTURE_NR_PRIMARY 0x43
#define FIXTURE_NR_LARGE 0x44
#define FIXTURE_NR_END 0x45

struct fixture_large {
	__u8 bytes[600];
};

#define FIXTURE_ECHO DRM_IOWR(FIXTURE_NR_ECHO, struct fixture_echo)
#define FIXTURE_BO DRM_IOWR(FIXTURE_NR_BO, struct fixture_bo)
#define FIXTURE_PRIMARY DRM_IOWR(FIXTURE_NR_PRIMARY, struct fixture_echo)
/* Adds 1 to each byte. */
#define FIXTURE_LARGE DRM_IOWR(FIXTURE_NR_LARGE, struct fixture_large)

/* Lines of the file "lines" in debugfs. */
#define FIXTURE_DEBUGFS_LINES 3000

struct fixture_driver_stats {
	int opens;
	int postcloses;
	int bos; /* that exist */
	int gem_opens; /* object opens less closes */
};
struct fixture_driver_stats fixture_driver_stats(void);
struct drm_device *fixture_drm(void);
/* What drm_driver::open returns from now on. */
void fixture_fail_open(int ret);

/* ------------------------------------------------------------ shorthands -- */

struct linux_file *fixture_open(void);
/* Creates a BO and returns its handle; *offset_out may be NULL. */
uint32_t fixture_bo(struct linux_file *file, uint64_t size,
		    uint64_t *offset_out);
int fixture_gem_close(struct linux_file *file, uint32_t handle);
/* A reference on the object. */
struct drm_gem_object *fixture_lookup(struct linux_file *file, uint32_t handle);
/* MAP_SHARED, readable and writable. */
void *fixture_map(struct linux_file *file, uint64_t offset, size_t size);
int64_t fixture_now_ns(void);
/* In threads other than the test's, where cmocka must not be used. */
#define FIXTURE_CHECK(cond) fixture_check(cond, #cond, __FILE__, __LINE__)
void fixture_check(bool ok, const char *what, const char *file, int line);

/* Calls @step with its n-th fallible step failing, n = 0, 1, … to the end. */
void fixture_fail_each(int (*step)(void *arg), void *arg, unsigned int max);

#endif /* DRM_FIXTURE_H */
