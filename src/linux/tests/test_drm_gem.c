// SPDX-License-Identifier: MIT OR GPL-2.0
/* Objects, handles, shmem pages and user mappings. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/scatterlist.h>

#include "drm_fixture.h"

#define PAGE_B 4096ull
#define MIB (1ull << 20)

/* -------------------------------------------------------------- handles -- */

static void test_handles(void **state)
{
	struct linux_file *file = fixture_open(), *other = fixture_open();
	uint32_t a, b, c;

	a = fixture_bo(file, PAGE_B, NULL);
	b = fixture_bo(file, PAGE_B, NULL);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	/* Each file has its own. */
	assert_int_equal(fixture_bo(other, PAGE_B, NULL), 1);
	assert_int_equal(fixture_driver_stats().bos, 3);
	assert_int_equal(fixture_driver_stats().gem_opens, 3);

	assert_int_equal(fixture_gem_close(file, a), 0);
	assert_int_equal(fixture_driver_stats().bos, 2);
	assert_int_equal(fixture_gem_close(file, a), -EINVAL);
	assert_int_equal(fixture_gem_close(file, 0), -EINVAL);
	assert_int_equal(fixture_gem_close(file, 77), -EINVAL);
	/* The lowest free number. */
	c = fixture_bo(file, PAGE_B, NULL);
	assert_int_equal(c, a);
	assert_null(drm_gem_object_lookup(linux_file_drm(other), b));

	/* What is still open goes with the file. */
	linux_sys_close(other);
	assert_int_equal(fixture_driver_stats().bos, 2);
	linux_sys_close(file);
	assert_int_equal(fixture_driver_stats().bos, 0);
}

static void test_reference_outlives_handle(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, PAGE_B, NULL);
	struct drm_gem_object *obj = fixture_lookup(file, handle);

	assert_int_equal(fixture_gem_close(file, handle), 0);
	assert_int_equal(fixture_driver_stats().gem_opens, 0);
	assert_int_equal(fixture_driver_stats().bos, 1);
	drm_gem_object_put(obj);
	assert_int_equal(fixture_driver_stats().bos, 0);
	linux_sys_close(file);
}

static void test_create_limits(void **state)
{
	static const struct {
		uint64_t size;
		int ret;
		uint64_t rounded;
	} cases[] = {
		{ 1, 0, PAGE_B },
		{ 5000, 0, 2 * PAGE_B },
		{ 1ull << 39, 0, 1ull << 39 }, /* nothing is allocated yet */
		{ 0, -ENOSPC, 0 },
		{ UINT64_MAX, -ENOSPC, 0 }, /* wraps to 0 when rounded */
		{ 1ull << 41, -ENOSPC, 0 }, /* beyond the space of offsets */
		{ 1ull << 63, -EINVAL, 0 }, /* beyond MAX_LFS_FILESIZE */
	};
	struct linux_file *file = fixture_open();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture_bo args = { .size = cases[i].size };
		int ret = linux_sys_ioctl(file, FIXTURE_BO, &args);

		if (ret != cases[i].ret)
			fail_msg("size %#llx: %d instead of %d",
				 (unsigned long long)cases[i].size, ret,
				 cases[i].ret);
		if (ret)
			continue;
		assert_int_equal(args.size, cases[i].rounded);
		assert_int_equal(fixture_ram_pages(), 0);
		assert_int_equal(fixture_gem_close(file, args.handle), 0);
	}
	linux_sys_close(file);
}

/* The offsets of 1 TiB run out, and come back. */
static void test_offset_space(void **state)
{
	struct linux_file *file = fixture_open();
	struct fixture_bo args = { .size = 1ull << 38 };
	uint64_t offsets[3];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(linux_sys_ioctl(file, FIXTURE_BO, &args), 0);
		offsets[i] = args.offset;
		assert_true(args.offset >= 1ull << 32);
		for (int j = 0; j < i; j++)
			assert_true(offsets[i] >= offsets[j] + args.size ||
				    offsets[j] >= offsets[i] + args.size);
	}
	/* 1 TiB less 1 MiB: the fourth does not fit any more. */
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_BO, &args), -ENOSPC);
	assert_int_equal(fixture_gem_close(file, 2), 0);
	assert_int_equal(linux_sys_ioctl(file, FIXTURE_BO, &args), 0);
	assert_int_equal(args.offset, offsets[1]);
	linux_sys_close(file);
}

/* ---------------------------------------------------------------- pages -- */

/* The object's DMA segments cover it, without overlap; returns how many. */
static unsigned int check_segments(struct drm_gem_object *obj)
{
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(obj);
	struct sg_table *sgt = drm_gem_shmem_get_pages_sgt(shmem);
	unsigned int i, count = 0;
	struct scatterlist *sg;
	uint64_t size = 0;

	assert_false(IS_ERR(sgt));
	/* The same one each time. */
	assert_ptr_equal(drm_gem_shmem_get_pages_sgt(shmem), sgt);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		size += sg_dma_len(sg);
		count++;
	}
	assert_int_equal(size, obj->size);
	return count;
}

static void test_pages_contiguous(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, 2 * MIB, NULL);
	struct drm_gem_object *obj = fixture_lookup(file, handle);

	assert_int_equal(fixture_ram_pages(), 0);
	assert_int_equal(check_segments(obj), 1);
	assert_int_equal(fixture_ram_pages(), 512);
	drm_gem_object_put(obj);
	linux_sys_close(file);
	assert_int_equal(fixture_ram_pages(), 0);
}

static void test_pages_fragmented(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, MIB, NULL);
	struct drm_gem_object *obj = fixture_lookup(file, handle);

	assert_int_equal(check_segments(obj), 256);
	assert_int_equal(fixture_ram_pages(), 256);
	drm_gem_object_put(obj);
	linux_sys_close(file);
}

static void test_pin(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, 3 * PAGE_B, NULL);
	struct drm_gem_object *obj = fixture_lookup(file, handle);
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(obj);

	assert_int_equal(drm_gem_shmem_pin(shmem), 0);
	assert_int_equal(fixture_ram_pages(), 3);
	drm_gem_shmem_unpin(shmem);
	/* What the pages hold must be there at the next pin. */
	assert_int_equal(fixture_ram_pages(), 3);
	drm_gem_object_put(obj);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	assert_int_equal(fixture_ram_pages(), 0);
	linux_sys_close(file);
}

static void test_out_of_ram(void **state)
{
	struct linux_file *file = fixture_open();
	uint32_t handle = fixture_bo(file, 2 * FIXTURE_RAM_B, NULL);
	struct drm_gem_object *obj = fixture_lookup(file, handle);

	assert_int_equal(drm_gem_shmem_pin(to_drm_gem_shmem_obj(obj)), -ENOMEM);
	assert_int_equal(fixture_ram_pages(), 0);
	drm_gem_object_put(obj);
	linux_sys_close(file);
}

/* Contents are zero, seen alike through vmap and mmap, and go when it dies. */
static void test_contents(void **state)
{
	struct linux_file *file = fixture_open();
	const size_t size = 37 * PAGE_B;
	struct drm_gem_object *obj;
	struct iosys_map map;
	uint64_t offset;
	uint32_t handle;
	char *user;

	for (int round = 0; round < 3; round++) {
		handle = fixture_bo(file, size, &offset);
		obj = fixture_lookup(file, handle);
		user = fixture_map(file, offset, size);
		assert_int_equal(drm_gem_vmap_unlocked(obj, &map), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(user[i], 0);
		for (size_t i = 0; i < size; i += PAGE_B)
			user[i] = (char)(1 + i / PAGE_B);
		assert_memory_equal(user, map.vaddr, size);
		drm_gem_vunmap_unlocked(obj, &map);
		drm_gem_object_put(obj);
		assert_int_equal(linux_sys_munmap(user, size), 0);
		assert_int_equal(fixture_gem_close(file, handle), 0);
		assert_int_equal(fixture_ram_pages(), 0);
	}
	linux_sys_close(file);
}

/* ------------------------------------------------------------------ mmap -- */

static void test_mmap_rules(void **state)
{
	struct linux_file *file = fixture_open(), *other = fixture_open();
	const int rw = PROT_READ | PROT_WRITE;
	uint64_t offset;
	void *fixed = mmap(NULL, 8 * PAGE_B, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fixture_bo(file, 4 * PAGE_B, &offset);

	const struct {
		const char *what;
		struct linux_file *file;
		void *addr;
		size_t size;
		int prot, flags;
		uint64_t offset;
		int ret;
	} cases[] = {
		{ "all", file, NULL, 4 * PAGE_B, rw, MAP_SHARED, offset, 0 },
		{ "the first page", file, NULL, PAGE_B, rw, MAP_SHARED, offset,
		  0 },
		{ "a size that is no multiple of pages", file, NULL, 5, rw,
		  MAP_SHARED, offset, 0 },
		{ "read-only", file, NULL, PAGE_B, PROT_READ, MAP_SHARED,
		  offset, 0 },
		{ "MAP_SHARED_VALIDATE", file, NULL, PAGE_B, rw,
		  MAP_SHARED_VALIDATE, offset, 0 },
		{ "at a given address", file, fixed, PAGE_B, rw,
		  MAP_SHARED | MAP_FIXED, offset, 0 },
		{ "private and writable", file, NULL, PAGE_B, rw, MAP_PRIVATE,
		  offset, -EINVAL },
		{ "private, may become writable", file, NULL, PAGE_B, PROT_READ,
		  MAP_PRIVATE, offset, -EINVAL },
		{ "neither shared nor private", file, NULL, PAGE_B, rw, 0,
		  offset, -EINVAL },
		{ "size 0", file, NULL, 0, rw, MAP_SHARED, offset, -EINVAL },
		{ "beyond the end", file, NULL, 5 * PAGE_B, rw, MAP_SHARED,
		  offset, -EINVAL },
		{ "an offset inside", file, NULL, PAGE_B, rw, MAP_SHARED,
		  offset + PAGE_B, -EINVAL },
		{ "an offset that nothing has", file, NULL, PAGE_B, rw,
		  MAP_SHARED, 0, -EINVAL },
		{ "an offset that is no page", file, NULL, PAGE_B, rw,
		  MAP_SHARED, offset + 1, -EINVAL },
		{ "a file without a handle", other, NULL, PAGE_B, rw,
		  MAP_SHARED, offset, -EACCES },
		{ "a fixed address that is no page", file, (char *)fixed + 1,
		  PAGE_B, rw, MAP_SHARED | MAP_FIXED, offset, -EINVAL },
		{ "no replacing", file, (char *)fixed + PAGE_B, PAGE_B, rw,
		  MAP_SHARED | MAP_FIXED_NOREPLACE, offset, -EEXIST },
		{ "an absurd size", file, NULL, SIZE_MAX, rw, MAP_SHARED,
		  offset, -ENOMEM },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *addr = NULL;
		int ret = linux_sys_mmap(cases[i].file, cases[i].addr,
					 cases[i].size, cases[i].prot,
					 cases[i].flags, cases[i].offset,
					 &addr);

		if (ret != cases[i].ret)
			fail_msg("%s: %d instead of %d", cases[i].what, ret,
				 cases[i].ret);
		if (ret)
			continue;
		if (cases[i].flags & MAP_FIXED)
			assert_ptr_equal(addr, cases[i].addr);
		if (cases[i].prot & PROT_WRITE)
			((volatile char *)addr)[cases[i].size - 1] = 1;
		assert_int_equal(linux_sys_munmap(addr, cases[i].size), 0);
	}
	assert_int_equal(linux_sys_munmap((char *)fixed + 1, PAGE_B), -EINVAL);
	assert_int_equal(linux_sys_munmap(fixed, 0), -EINVAL);
	munmap(fixed, 8 * PAGE_B);
	linux_sys_close(other);
	linux_sys_close(file);
}

/* How many lines of /proc/self/maps lie within the range. */
static unsigned int host_mappings(const char *addr, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	unsigned long start, end;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start >= (unsigned long)addr &&
		    end <= (unsigned long)addr + size)
			count++;
	}
	fclose(maps);
	return count;
}

static void test_mmap_contiguous_is_one_mapping(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	char *user;

	fixture_bo(file, 4 * MIB, &offset);
	user = fixture_map(file, offset, 4 * MIB);
	assert_int_equal(host_mappings(user, 4 * MIB), 1);
	assert_int_equal(linux_sys_munmap(user, 4 * MIB), 0);
	linux_sys_close(file);
}

/* A mapping keeps the buffer after its handle, and its file, are gone. */
static void test_mapping_keeps_pages(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	uint32_t handle = fixture_bo(file, 8 * PAGE_B, &offset);
	char *user = fixture_map(file, offset, 8 * PAGE_B);
	void *again;

	memset(user, 0x5a, 8 * PAGE_B);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	assert_int_equal(fixture_driver_stats().bos, 1);
	assert_int_equal(fixture_ram_pages(), 8);
	/* The offset is still its own, but this file has no right any more. */
	assert_int_equal(linux_sys_mmap(file, NULL, PAGE_B, PROT_READ,
					MAP_SHARED, offset, &again),
			 -EACCES);
	linux_sys_close(file);
	assert_int_equal(fixture_driver_stats().postcloses, 1);
	assert_int_equal(user[8 * PAGE_B - 1], 0x5a);
	user[0] = 1;
	assert_int_equal(linux_sys_munmap(user, 8 * PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	assert_int_equal(fixture_ram_pages(), 0);
}

/*
 *	|0 1 2 3 4 5 6 7|	one mapping of 8 pages
 *	|0 1 . . 4 5 6 7|	a hole in the middle
 *	|. 1 . . 4 5 6 7|	less of the front
 *	|. 1 . . 4 5 6 .|	less of the end
 *	|. . . . . . . .|	one call that covers all
 */
static void test_munmap_parts(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	uint32_t handle = fixture_bo(file, 8 * PAGE_B, &offset);
	char *user = fixture_map(file, offset, 8 * PAGE_B);

	for (int i = 0; i < 8; i++)
		user[i * PAGE_B] = (char)(10 + i);
	assert_int_equal(fixture_gem_close(file, handle), 0);

	assert_int_equal(linux_sys_munmap(user + 2 * PAGE_B, 2 * PAGE_B), 0);
	assert_int_equal(user[1 * PAGE_B], 11);
	assert_int_equal(user[4 * PAGE_B], 14);
	assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
	assert_int_equal(linux_sys_munmap(user + 7 * PAGE_B, PAGE_B), 0);
	assert_int_equal(user[1 * PAGE_B], 11);
	assert_int_equal(user[6 * PAGE_B], 16);
	assert_int_equal(fixture_driver_stats().bos, 1);
	assert_int_equal(linux_sys_munmap(user, 8 * PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	linux_sys_close(file);
}

/* MAP_FIXED ends what it replaces: whole, in part, or in the middle. */
static void test_mmap_over(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset_a, offset_b;
	uint32_t a = fixture_bo(file, 8 * PAGE_B, &offset_a);
	uint32_t b = fixture_bo(file, 2 * PAGE_B, &offset_b);
	char *user = fixture_map(file, offset_a, 8 * PAGE_B);
	void *addr;

	memset(user, 'a', 8 * PAGE_B);
	assert_int_equal(fixture_gem_close(file, a), 0);
	assert_int_equal(linux_sys_mmap(file, user + 3 * PAGE_B, 2 * PAGE_B,
					PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_FIXED, offset_b,
					&addr),
			 0);
	memset(addr, 'b', 2 * PAGE_B);
	for (int i = 0; i < 8; i++)
		assert_int_equal(user[i * PAGE_B],
				 i == 3 || i == 4 ? 'b' : 'a');
	/* Refused: all is as before. */
	assert_int_equal(linux_sys_mmap(file, user, 3 * PAGE_B, PROT_READ,
					MAP_SHARED | MAP_FIXED, offset_b,
					&addr),
			 -EINVAL);
	assert_int_equal(user[0], 'a');

	/* Over the rest of a, from both sides. */
	assert_int_equal(linux_sys_mmap(file, user, 2 * PAGE_B, PROT_READ,
					MAP_SHARED | MAP_FIXED, offset_b,
					&addr),
			 0);
	assert_int_equal(linux_sys_mmap(file, user + 2 * PAGE_B, 1 * PAGE_B,
					PROT_READ, MAP_SHARED | MAP_FIXED,
					offset_b, &addr),
			 0);
	assert_int_equal(fixture_driver_stats().bos, 2);
	assert_int_equal(linux_sys_munmap(user + 5 * PAGE_B, 3 * PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 1);
	assert_int_equal(fixture_gem_close(file, b), 0);
	assert_int_equal(linux_sys_munmap(user, 5 * PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	linux_sys_close(file);
}

/* A plain munmap() is not seen, but mapping there again is. */
static void test_stale_mapping(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	uint32_t handle = fixture_bo(file, PAGE_B, &offset);
	char *user = fixture_map(file, offset, PAGE_B);
	void *addr;

	assert_int_equal(munmap(user, PAGE_B), 0);
	assert_int_equal(linux_sys_mmap(file, user, PAGE_B, PROT_READ,
					MAP_SHARED | MAP_FIXED, offset, &addr),
			 0);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	linux_sys_close(file);
}

/* So is one that is replaced by something else, once we are told. */
static void test_forget_mappings(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	uint32_t handle = fixture_bo(file, 8 * PAGE_B, &offset);
	char *user = fixture_map(file, offset, 8 * PAGE_B);
	char *over = user + 3 * PAGE_B;

	memset(user, 'a', 8 * PAGE_B);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	assert_true(linux_sys_is_mapped(over, PAGE_B));
	assert_ptr_equal(mmap(over, 2 * PAGE_B, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 over);

	/* It takes a record for what is behind. */
	linux_inject_failure(0);
	assert_int_equal(linux_sys_forget_mappings(over, 2 * PAGE_B), -ENOMEM);
	linux_inject_failure(UINT64_MAX);
	assert_true(linux_sys_is_mapped(over, PAGE_B));
	assert_int_equal(linux_sys_forget_mappings(over, 2 * PAGE_B), 0);
	assert_false(linux_sys_is_mapped(over, 2 * PAGE_B));
	assert_true(linux_sys_is_mapped(user, 4 * PAGE_B));
	assert_true(linux_sys_is_mapped(over, 3 * PAGE_B));
	assert_int_equal(user[2 * PAGE_B], 'a');
	assert_int_equal(over[0], 0);
	assert_int_equal(user[5 * PAGE_B], 'a');

	/* What is there now stays there. */
	over[0] = 'b';
	assert_int_equal(linux_sys_forget_mappings(user, 8 * PAGE_B), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	assert_int_equal(over[0], 'b');
	assert_int_equal(munmap(user, 8 * PAGE_B), 0);
	linux_sys_close(file);
}

/* Nobody unmaps it in a way that we see: said at shutdown, and freed then. */
static void test_lost_mapping_is_reported(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	char *user;

	fixture_bo(file, 2 * PAGE_B, &offset);
	user = fixture_map(file, offset, 2 * PAGE_B);
	assert_int_equal(munmap(user, 2 * PAGE_B), 0);
	linux_sys_close(file);
	assert_int_equal(fixture_ram_pages(), 2);
	fixture_expect_leaks(1);
}

/* --------------------------------------------------------------- threads -- */

enum { STRESS_THREADS = 3, STRESS_ROUNDS = 400 };

struct stress {
	struct linux_file *file; /* all threads' */
	unsigned int seed;
};

/* Creates, maps, and closes what may be its own or another's. */
static void *stress_thread(void *arg)
{
	struct stress *stress = arg;

	for (int i = 0; i < STRESS_ROUNDS; i++) {
		struct fixture_bo bo = {
			.size = (1 + rand_r(&stress->seed) % 8) * PAGE_B
		};
		uint32_t victim = 1 + rand_r(&stress->seed) % 8;
		void *addr;
		int ret;

		FIXTURE_CHECK(!linux_sys_ioctl(stress->file, FIXTURE_BO, &bo));
		ret = linux_sys_mmap(stress->file, NULL, bo.size,
				     PROT_READ | PROT_WRITE, MAP_SHARED,
				     bo.offset, &addr);
		if (!ret) {
			/* Freshly made or not: nobody else writes this page. */
			((char *)addr)[0] = (char)i;
			FIXTURE_CHECK(((char *)addr)[0] == (char)i);
			FIXTURE_CHECK(!linux_sys_munmap(addr, bo.size));
		} else {
			/* Another thread has closed it. */
			FIXTURE_CHECK(ret == -EINVAL || ret == -EACCES);
		}
		ret = fixture_gem_close(stress->file, victim);
		FIXTURE_CHECK(!ret || ret == -EINVAL);
	}
	return NULL;
}

static void test_stress(void **state)
{
	struct linux_file *file = fixture_open();
	pthread_t threads[STRESS_THREADS];
	struct stress stress[STRESS_THREADS];

	for (int i = 0; i < STRESS_THREADS; i++) {
		stress[i] = (struct stress){ file, 77 + i };
		assert_int_equal(pthread_create(&threads[i], NULL,
						stress_thread, &stress[i]),
				 0);
	}
	for (int i = 0; i < STRESS_THREADS; i++)
		pthread_join(threads[i], NULL);
	linux_sys_close(file);
	assert_int_equal(fixture_ram_pages(), 0);
}

/* ------------------------------------------------------------- failures -- */

static int create_map_close_step(void *arg)
{
	struct linux_file *file;
	struct fixture_bo bo = { .size = 5 * PAGE_B };
	void *addr;
	int ret;

	ret = linux_sys_open(&file);
	if (ret)
		return ret;
	ret = linux_sys_ioctl(file, FIXTURE_BO, &bo);
	if (ret)
		goto out_close;
	ret = linux_sys_mmap(file, NULL, bo.size, PROT_READ | PROT_WRITE,
			     MAP_SHARED, bo.offset, &addr);
	if (ret)
		goto out_close;
	((volatile char *)addr)[bo.size - 1] = 1;
	/* The middle: needs memory for the second part. */
	ret = linux_sys_munmap((char *)addr + 2 * PAGE_B, PAGE_B);
	/* A process that exits unmaps whatever happened before. */
	while (linux_sys_munmap(addr, bo.size))
		ret = -ENOMEM;
out_close:
	linux_sys_close(file);
	assert_int_equal(fixture_ram_pages(), 0);
	return ret;
}

static void test_failures(void **state)
{
	fixture_fail_each(create_map_close_step, NULL, 200);
}

/* Without touching it: a pipe's write() says -EFAULT instead of crashing. */
static bool is_accessible(const char *page)
{
	int ends[2];
	bool accessible;

	assert_int_equal(pipe(ends), 0);
	accessible = write(ends[1], page, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return accessible;
}

/*
 * MAP_FIXED that fails: either nothing has changed, or the range has become
 * inaccessible as a whole and the rest is as before.
 */
static void test_map_over_failures(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset_a, offset_b, passed;
	uint32_t a = fixture_bo(file, 4 * PAGE_B, &offset_a);
	uint32_t b = fixture_bo(file, 2 * PAGE_B, &offset_b);
	int ret, hidden = 0;
	void *addr;

	/* So that it has its pages, and each round takes the same steps. */
	addr = fixture_map(file, offset_b, 2 * PAGE_B);
	assert_int_equal(linux_sys_munmap(addr, 2 * PAGE_B), 0);
	for (uint64_t n = 0;; n++) {
		char *user = fixture_map(file, offset_a, 4 * PAGE_B);

		for (int i = 0; i < 4; i++)
			user[i * PAGE_B] = 'x';
		linux_inject_failure(n);
		ret = linux_sys_mmap(file, user + PAGE_B, 2 * PAGE_B, PROT_READ,
				     MAP_SHARED | MAP_FIXED, offset_b, &addr);
		passed = linux_inject_failure(UINT64_MAX);
		assert_int_equal(user[0], 'x');
		assert_int_equal(user[3 * PAGE_B], 'x');
		if (ret) {
			bool second = is_accessible(user + 2 * PAGE_B);

			assert_int_equal(is_accessible(user + PAGE_B), second);
			if (second) {
				assert_int_equal(user[PAGE_B], 'x');
				assert_int_equal(user[2 * PAGE_B], 'x');
			} else {
				hidden++;
			}
		}
		assert_int_equal(linux_sys_munmap(user, 4 * PAGE_B), 0);
		if (passed <= n)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_true(n < 50);
	}
	assert_int_equal(ret, 0);
	/* Two pages that are no neighbours take two calls of the host. */
	if (*state)
		assert_int_equal(hidden, 1);
	assert_int_equal(fixture_gem_close(file, a), 0);
	assert_int_equal(fixture_gem_close(file, b), 0);
	assert_int_equal(fixture_driver_stats().bos, 0);
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define TEST_FRAGMENTED(name)                                                  \
	cmocka_unit_test_setup_teardown(name, fixture_setup_fragmented,        \
					fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_handles),
		TEST(test_reference_outlives_handle),
		TEST(test_create_limits),
		TEST(test_offset_space),
		TEST(test_pages_contiguous),
		TEST_FRAGMENTED(test_pages_fragmented),
		TEST(test_pin),
		TEST(test_out_of_ram),
		TEST(test_contents),
		{ "test_contents_fragmented", test_contents,
		  fixture_setup_fragmented, fixture_teardown, NULL },
		TEST(test_mmap_rules),
		TEST(test_mmap_contiguous_is_one_mapping),
		TEST(test_mapping_keeps_pages),
		TEST(test_munmap_parts),
		{ "test_munmap_parts_fragmented", test_munmap_parts,
		  fixture_setup_fragmented, fixture_teardown, NULL },
		TEST(test_mmap_over),
		TEST(test_stale_mapping),
		TEST(test_forget_mappings),
		TEST(test_lost_mapping_is_reported),
		TEST(test_stress),
		{ "test_stress_fragmented", test_stress,
		  fixture_setup_fragmented, fixture_teardown, NULL },
		TEST(test_failures),
		{ "test_failures_fragmented", test_failures,
		  fixture_setup_fragmented, fixture_teardown, NULL },
		TEST(test_map_over_failures),
		{ "test_map_over_failures_fragmented", test_map_over_failures,
		  fixture_setup_fragmented, fixture_teardown, NULL },
	};

	return cmocka_run_group_tests_name("drm gem", tests, NULL, NULL);
}
