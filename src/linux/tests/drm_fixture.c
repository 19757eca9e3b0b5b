// SPDX-License-Identifier: MIT OR GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <linux/err.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "drm_fixture.h"

/* ------------------------------------------------------------- machine --- */

#define PAGE_B 4096ull
#define RAM_PAGES (FIXTURE_RAM_B / PAGE_B)

static struct {
	int fd;
	char *base;
	enum fixture_ram mode;
	pthread_mutex_t lock; /* guards what follows */
	bool used[RAM_PAGES];
	bool overlaid[RAM_PAGES];
	bool keep_contents;
	uint64_t used_pages;
	unsigned long warnings_before;
	unsigned long warnings_expected;
	int leaks_expected;
} machine = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint32_t mmio_read32(void *arg, uint32_t offset)
{
	return 0;
}

static void mmio_write32(void *arg, uint32_t offset, uint32_t value)
{
}

static int ram_alloc(void *arg, uint64_t want_B, uint64_t *pa_out,
		     uint64_t *got_B_out)
{
	bool fragmented = machine.mode == FIXTURE_RAM_FRAGMENTED;
	uint64_t step = fragmented ? 2 : 1, want = want_B / PAGE_B, got = 0;
	uint64_t first;

	pthread_mutex_lock(&machine.lock);
	for (first = 0; first < RAM_PAGES && machine.used[first];)
		first += step;
	while (first + got < RAM_PAGES && got < (fragmented ? 1 : want) &&
	       !machine.used[first + got])
		machine.used[first + got++] = true;
	machine.used_pages += got;
	pthread_mutex_unlock(&machine.lock);
	if (!got)
		return -ENOMEM;
	*pa_out = first * PAGE_B;
	*got_B_out = got * PAGE_B;
	return 0;
}

static bool show(uint64_t pa, uint64_t size_B, int fd, uint64_t offset)
{
	return mmap(machine.base + pa, size_B, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, (off_t)offset) != MAP_FAILED;
}

static int ram_overlay(void *arg, uint64_t pa, uint64_t size_B, int fd,
		       uint64_t fd_offset)
{
	if (!show(pa, size_B, fd, fd_offset))
		return -ENOMEM;
	pthread_mutex_lock(&machine.lock);
	for (uint64_t page = pa / PAGE_B; page < (pa + size_B) / PAGE_B;
	     page++) {
		FIXTURE_CHECK(machine.used[page] && !machine.overlaid[page]);
		machine.overlaid[page] = true;
	}
	pthread_mutex_unlock(&machine.lock);
	return 0;
}

static void ram_keep_contents(void *arg)
{
	machine.keep_contents = true;
}

static void ram_free(void *arg, uint64_t pa, uint64_t size_B)
{
	/* The pages are the caller's still. */
	for (uint64_t at = pa; at < pa + size_B; at += PAGE_B) {
		if (machine.overlaid[at / PAGE_B])
			FIXTURE_CHECK(show(at, PAGE_B, machine.fd, at));
	}
	if (!machine.keep_contents)
		memset(machine.base + pa, 0, size_B);
	pthread_mutex_lock(&machine.lock);
	for (uint64_t page = pa / PAGE_B; page < (pa + size_B) / PAGE_B;
	     page++) {
		FIXTURE_CHECK(machine.used[page]);
		machine.used[page] = false;
		machine.overlaid[page] = false;
		machine.used_pages--;
	}
	pthread_mutex_unlock(&machine.lock);
}

uint64_t fixture_ram_pages(void)
{
	uint64_t pages;

	pthread_mutex_lock(&machine.lock);
	pages = machine.used_pages;
	pthread_mutex_unlock(&machine.lock);
	return pages;
}

void *fixture_ram(uint64_t pa)
{
	return machine.base + pa;
}

static const struct linux_machine_ops machine_ops = {
	.mmio_read32 = mmio_read32,
	.mmio_write32 = mmio_write32,
	.ram_alloc = ram_alloc,
	.ram_free = ram_free,
	.ram_overlay = ram_overlay,
	.ram_keep_contents = ram_keep_contents,
};

/* -------------------------------------------------------------- driver --- */

struct fixture_device {
	struct drm_device drm;
};

struct fixture_object {
	struct drm_gem_shmem_object base;
	uint32_t flags;
};

static struct fixture_device *the_device;
static struct fixture_driver_stats stats; /* atomics */
static int fail_open;

static int driver_open(struct drm_device *dev, struct drm_file *file)
{
	if (fail_open)
		return fail_open;
	__atomic_fetch_add(&stats.opens, 1, __ATOMIC_RELAXED);
	return 0;
}

static void driver_postclose(struct drm_device *dev, struct drm_file *file)
{
	__atomic_fetch_add(&stats.postcloses, 1, __ATOMIC_RELAXED);
}

static void object_free(struct drm_gem_object *obj)
{
	__atomic_fetch_sub(&stats.bos, 1, __ATOMIC_RELAXED);
	drm_gem_shmem_object_free(obj);
}

static int object_open(struct drm_gem_object *obj, struct drm_file *file)
{
	__atomic_fetch_add(&stats.gem_opens, 1, __ATOMIC_RELAXED);
	return 0;
}

static void object_close(struct drm_gem_object *obj, struct drm_file *file)
{
	__atomic_fetch_sub(&stats.gem_opens, 1, __ATOMIC_RELAXED);
}

static struct dma_buf *object_export(struct drm_gem_object *obj, int flags)
{
	struct fixture_object *bo =
		container_of(obj, struct fixture_object, base.base);

	if (bo->flags & FIXTURE_BO_NO_EXPORT)
		return ERR_PTR(-EINVAL);
	return drm_gem_prime_export(obj, flags);
}

static const struct drm_gem_object_funcs object_funcs = {
	.free = object_free,
	.open = object_open,
	.close = object_close,
	.export = object_export,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

static struct drm_gem_object *create_object(struct drm_device *dev, size_t size)
{
	struct fixture_object *bo = kzalloc(sizeof(*bo), GFP_KERNEL);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.base.funcs = &object_funcs;
	return &bo->base.base;
}

static int ioctl_echo(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct fixture_echo *args = data;

	args->out = args->in + 1;
	args->tail++;
	return args->fail;
}

static int ioctl_large(struct drm_device *dev, void *data,
		       struct drm_file *file)
{
	struct fixture_large *args = data;

	for (size_t i = 0; i < sizeof(args->bytes); i++)
		args->bytes[i]++;
	return 0;
}

static int ioctl_bo(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct fixture_bo *args = data;
	struct drm_gem_shmem_object *shmem;
	int ret;

	shmem = drm_gem_shmem_create(dev, args->size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	__atomic_fetch_add(&stats.bos, 1, __ATOMIC_RELAXED);
	container_of(shmem, struct fixture_object, base)->flags = args->flags;
	args->size = shmem->base.size;
	args->offset = drm_vma_node_offset_addr(&shmem->base.vma_node);
	ret = drm_gem_handle_create(file, &shmem->base, &args->handle);
	drm_gem_object_put(&shmem->base);
	return ret;
}

static struct drm_gem_object *
import_sg_table(struct drm_device *dev, struct dma_buf_attachment *attach,
		struct sg_table *sgt)
{
	struct drm_gem_object *obj =
		drm_gem_shmem_prime_import_sg_table(dev, attach, sgt);

	if (!IS_ERR(obj))
		__atomic_fetch_add(&stats.bos, 1, __ATOMIC_RELAXED);
	return obj;
}

static const struct drm_ioctl_desc driver_ioctls[] = {
	[FIXTURE_NR_ECHO - DRM_COMMAND_BASE] = { .cmd = FIXTURE_ECHO,
						 .flags = DRM_RENDER_ALLOW,
						 .func = ioctl_echo },
	[FIXTURE_NR_BO - DRM_COMMAND_BASE] = { .cmd = FIXTURE_BO,
					       .flags = DRM_RENDER_ALLOW,
					       .func = ioctl_bo },
	[FIXTURE_NR_PRIMARY - DRM_COMMAND_BASE] = { .cmd = FIXTURE_PRIMARY,
						    .flags = DRM_AUTH,
						    .func = ioctl_echo },
	[FIXTURE_NR_LARGE - DRM_COMMAND_BASE] = { .cmd = FIXTURE_LARGE,
						  .flags = DRM_RENDER_ALLOW,
						  .func = ioctl_large },
};

DEFINE_DRM_GEM_FOPS(driver_fops);

static int show_lines(struct seq_file *m, void *unused)
{
	struct drm_info_node *node = m->private;

	if (node->minor->dev != fixture_drm())
		return -EINVAL;
	for (int i = 0; i < FIXTURE_DEBUGFS_LINES; i++)
		seq_printf(m, "line %d\n", i);
	seq_puts(m, "end");
	seq_putc(m, '.');
	return 0;
}

static int show_error(struct seq_file *m, void *unused)
{
	seq_puts(m, "something");
	return -EIO;
}

static int show_nothing(struct seq_file *m, void *unused)
{
	return 0;
}

static const struct drm_info_list debugfs_files[] = {
	{ "lines", show_lines, DRIVER_GEM, NULL },
	{ "error", show_error, 0, NULL },
	{ "nothing", show_nothing, 0, NULL },
	{ "displays", show_lines, DRIVER_MODESET, NULL },
};

static void driver_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_create_files(debugfs_files, ARRAY_SIZE(debugfs_files),
				 minor->debugfs_root, minor);
}

static const struct drm_driver driver = {
	.driver_features = DRIVER_RENDER | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = driver_open,
	.postclose = driver_postclose,
	.debugfs_init = driver_debugfs_init,
	.gem_create_object = create_object,
	.gem_prime_import_sg_table = import_sg_table,
	.name = "fixture",
	.desc = "DRM test driver",
	.date = "20261121",
	.major = 3,
	.minor = 14,
	.patchlevel = 15,
	.ioctls = driver_ioctls,
	.num_ioctls = ARRAY_SIZE(driver_ioctls),
	.fops = &driver_fops,
};

static int driver_probe(struct platform_device *pdev)
{
	struct fixture_device *fdev = devm_drm_dev_alloc(
		&pdev->dev, &driver, struct fixture_device, drm);
	int ret;

	if (IS_ERR(fdev))
		return PTR_ERR(fdev);
	ret = drm_dev_register(&fdev->drm, 0);
	if (ret)
		return ret;
	the_device = fdev;
	return 0;
}

static void driver_remove(struct platform_device *pdev)
{
	drm_dev_unplug(&the_device->drm);
	the_device = NULL;
}

static const struct of_device_id driver_match[] = {
	{ .compatible = "arm,mali-valhall-csf" },
	{}
};

static struct platform_driver platform_driver = {
	.probe = driver_probe,
	.remove = driver_remove,
	.driver = { .name = "fixture", .of_match_table = driver_match },
};

struct fixture_driver_stats fixture_driver_stats(void)
{
	return stats;
}

struct drm_device *fixture_drm(void)
{
	return &the_device->drm;
}

void fixture_fail_open(int ret)
{
	fail_open = ret;
}

/* ---------------------------------------------------------------- boot --- */

void fixture_boot(enum fixture_ram mode)
{
	struct linux_machine_desc desc = {
		.ops = &machine_ops,
		.ram_size_B = FIXTURE_RAM_B,
		.swap_size_B = FIXTURE_RAM_B,
		.dma_mask = (1ull << 40) - 1,
		.dma_coherent = true,
		.irq_count = 1,
	};

	machine.mode = mode;
	machine.fd = memfd_create("ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(machine.fd >= 0);
	assert_int_equal(ftruncate(machine.fd, FIXTURE_RAM_B), 0);
	assert_int_equal(fcntl(machine.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	machine.base = mmap(NULL, FIXTURE_RAM_B, PROT_READ | PROT_WRITE,
			    MAP_SHARED, machine.fd, 0);
	assert_true(machine.base != MAP_FAILED);
	memset(machine.used, 0, sizeof(machine.used));
	memset(machine.overlaid, 0, sizeof(machine.overlaid));
	machine.keep_contents = false;
	machine.used_pages = 0;
	memset(&stats, 0, sizeof(stats));
	fail_open = 0;

	desc.ram_base = machine.base;
	desc.ram_fd = machine.fd;
	machine.warnings_before = linux_warn_count();
	machine.warnings_expected = 0;
	machine.leaks_expected = 0;
	assert_int_equal(linux_boot(&desc), 0);
	assert_int_equal(platform_driver_register(&platform_driver), 0);
}

void fixture_shutdown(void)
{
	unsigned long warnings;

	platform_driver_unregister(&platform_driver);
	assert_int_equal(linux_shutdown(), machine.leaks_expected);
	assert_int_equal(fixture_ram_pages(), 0);
	assert_int_equal(stats.opens, stats.postcloses);
	assert_int_equal(stats.bos, 0);
	assert_int_equal(stats.gem_opens, 0);
	warnings = linux_warn_count() - machine.warnings_before;
	assert_int_equal(warnings, machine.warnings_expected);
	munmap(machine.base, FIXTURE_RAM_B);
	close(machine.fd);
}

void fixture_expect_warnings(unsigned long count)
{
	machine.warnings_expected += count;
}

void fixture_expect_leaks(int count)
{
	machine.leaks_expected += count;
}

int fixture_setup(void **state)
{
	fixture_boot(FIXTURE_RAM_CONTIGUOUS);
	return 0;
}

int fixture_setup_fragmented(void **state)
{
	fixture_boot(FIXTURE_RAM_FRAGMENTED);
	*state = &machine;
	return 0;
}

int fixture_teardown(void **state)
{
	linux_inject_failure(UINT64_MAX);
	fixture_shutdown();
	return 0;
}

/* ------------------------------------------------------------ shorthands -- */

struct linux_file *fixture_open(void)
{
	struct linux_file *file;

	assert_int_equal(linux_sys_open(&file), 0);
	return file;
}

uint32_t fixture_bo(struct linux_file *file, uint64_t size,
		    uint64_t *offset_out)
{
	struct fixture_bo args = { .size = size };

	assert_int_equal(linux_sys_ioctl(file, FIXTURE_BO, &args), 0);
	assert_int_not_equal(args.handle, 0);
	if (offset_out)
		*offset_out = args.offset;
	return args.handle;
}

int fixture_gem_close(struct linux_file *file, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return linux_sys_ioctl(file, DRM_IOCTL_GEM_CLOSE, &args);
}

struct drm_gem_object *fixture_lookup(struct linux_file *file, uint32_t handle)
{
	struct drm_gem_object *obj =
		drm_gem_object_lookup(linux_file_drm(file), handle);

	assert_non_null(obj);
	return obj;
}

void *fixture_map(struct linux_file *file, uint64_t offset, size_t size)
{
	void *addr = NULL;

	assert_int_equal(linux_sys_mmap(file, NULL, size,
					PROT_READ | PROT_WRITE, MAP_SHARED,
					offset, &addr),
			 0);
	return addr;
}

int64_t fixture_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

void fixture_check(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
	abort();
}

void fixture_fail_each(int (*step)(void *arg), void *arg, unsigned int max)
{
	for (uint64_t n = 0; n < max; n++) {
		uint64_t passed;
		int ret;

		linux_inject_failure(n);
		ret = step(arg);
		passed = linux_inject_failure(UINT64_MAX);
		if (passed <= n) {
			/* The failure was never reached. */
			assert_int_equal(ret, 0);
			assert_true(n > 0);
			return;
		}
	}
	fail_msg("still failing after %u steps", max);
}
