// SPDX-License-Identifier: MIT OR GPL-2.0
/* Export and import of buffers as descriptors, within the process. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_prime.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iosys-map.h>
#include <linux/slab.h>

#include "drm_fixture.h"

#define PAGE_B 4096ull

static int to_fd(struct linux_file *file, uint32_t handle, uint32_t flags,
		 int *fd_out)
{
	struct drm_prime_handle args = { .handle = handle,
					 .flags = flags,
					 .fd = -1 };
	int ret = linux_sys_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*fd_out = args.fd;
	return ret;
}

static int to_handle(struct linux_file *file, int fd, uint32_t *handle_out)
{
	struct drm_prime_handle args = { .fd = fd };
	int ret = linux_sys_ioctl(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle_out = args.handle;
	return ret;
}

static void test_share(void **state)
{
	struct linux_file *a = fixture_open(), *b = fixture_open();
	struct drm_gem_object *obj_a, *obj_b;
	uint64_t offset;
	uint32_t handle_a, handle_b, again;
	char *user;
	int fd;

	handle_a = fixture_bo(a, 2 * PAGE_B, &offset);
	user = fixture_map(a, offset, 2 * PAGE_B);
	strcpy(user, "shared");
	assert_int_equal(linux_sys_munmap(user, 2 * PAGE_B), 0);
	assert_int_equal(to_fd(a, handle_a, DRM_CLOEXEC | DRM_RDWR, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);

	assert_int_equal(to_handle(b, fd, &handle_b), 0);
	obj_a = fixture_lookup(a, handle_a);
	obj_b = fixture_lookup(b, handle_b);
	assert_ptr_equal(obj_a, obj_b);
	drm_gem_object_put(obj_a);
	drm_gem_object_put(obj_b);
	/* The same file gets the handle that it has. */
	assert_int_equal(to_handle(b, fd, &again), 0);
	assert_int_equal(again, handle_b);
	assert_int_equal(to_handle(a, fd, &again), 0);
	assert_int_equal(again, handle_a);

	/* The other file may map it now, and sees the contents. */
	user = fixture_map(b, offset, 2 * PAGE_B);
	assert_string_equal(user, "shared");
	assert_int_equal(linux_sys_munmap(user, 2 * PAGE_B), 0);

	linux_sys_close(a);
	assert_int_equal(fixture_driver_stats().bos, 1);
	linux_sys_close(b);
	/* The descriptor alone keeps it. */
	assert_int_equal(fixture_driver_stats().bos, 1);
	b = fixture_open();
	assert_int_equal(to_handle(b, fd, &handle_b), 0);
	close(fd);
	assert_int_equal(fixture_gem_close(b, handle_b), 0);
	linux_sys_close(b);
	assert_int_equal(fixture_driver_stats().bos, 0);
}

/* One buffer, one dma-buf, however often it is exported; copies count. */
static void test_descriptors(void **state)
{
	struct linux_file *a = fixture_open(), *b = fixture_open();
	uint32_t handle = fixture_bo(a, PAGE_B, NULL), first, second;
	int fd[3];

	assert_int_equal(to_fd(a, handle, 0, &fd[0]), 0);
	assert_int_equal(fcntl(fd[0], F_GETFD), 0);
	assert_int_equal(to_fd(a, handle, 0, &fd[1]), 0);
	assert_int_not_equal(fd[0], fd[1]);
	fd[2] = dup(fd[0]);
	close(fd[0]);
	assert_int_equal(to_handle(b, fd[2], &first), 0);
	assert_int_equal(to_handle(b, fd[1], &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(to_handle(b, fd[0], &second), -EBADF);
	close(fd[1]);
	close(fd[2]);
	linux_sys_close(a);
	linux_sys_close(b);
	assert_int_equal(fixture_driver_stats().bos, 0);
}

static void test_bad_arguments(void **state)
{
	struct linux_file *file = fixture_open();
	struct fixture_bo private_bo = { .size = PAGE_B,
					 .flags = FIXTURE_BO_NO_EXPORT };
	uint32_t handle;
	int fd, pipe_fds[2], event;

	assert_int_equal(linux_sys_ioctl(file, FIXTURE_BO, &private_bo), 0);
	assert_int_equal(to_fd(file, 99, 0, &fd), -ENOENT);
	assert_int_equal(to_fd(file, 0, 0, &fd), -ENOENT);
	assert_int_equal(to_fd(file, private_bo.handle, ~0u, &fd), -EINVAL);
	assert_int_equal(to_fd(file, private_bo.handle, 0, &fd), -EINVAL);

	assert_int_equal(to_handle(file, -1, &handle), -EBADF);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(to_handle(file, pipe_fds[0], &handle), -EINVAL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_fds), 0);
	assert_int_equal(to_handle(file, pipe_fds[0], &handle), -EINVAL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	event = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(to_handle(file, event, &handle), -EINVAL);
	close(event);
	linux_sys_close(file);
}

/* A closed descriptor's memory is found again when it is needed. */
static void test_closed_descriptor_gives_ram_back(void **state)
{
	struct linux_file *file = fixture_open();
	uint64_t offset;
	uint32_t handle;
	char *user;
	int fd;

	for (int i = 0; i < 3; i++) {
		/* More than half of all RAM. */
		handle = fixture_bo(file, FIXTURE_RAM_B / 4 * 3, &offset);
		user = fixture_map(file, offset, PAGE_B);
		assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
		assert_int_equal(to_fd(file, handle, 0, &fd), 0);
		assert_int_equal(fixture_gem_close(file, handle), 0);
		close(fd);
	}
	linux_sys_close(file);
}

static void test_lost_descriptor_is_reported(void **state)
{
	struct linux_file *file = fixture_open();
	int fd;

	assert_int_equal(to_fd(file, fixture_bo(file, PAGE_B, NULL),
			       DRM_CLOEXEC, &fd),
			 0);
	linux_sys_close(file);
	fixture_expect_leaks(1);
}

/* --------------------------------------------------------------- threads -- */

enum { STRESS_ROUNDS = 500 };

struct stress {
	struct linux_file *exporter, *importer;
	unsigned int seed;
};

/* In whatever order: each call works, or says what is not there. */
static void *stress_thread(void *arg)
{
	struct stress *stress = arg;

	for (int i = 0; i < STRESS_ROUNDS; i++) {
		struct fixture_bo bo = { .size = PAGE_B };
		uint32_t handle = 1 + rand_r(&stress->seed) % 4, imported;
		int fd, ret;

		FIXTURE_CHECK(
			!linux_sys_ioctl(stress->exporter, FIXTURE_BO, &bo));
		ret = to_fd(stress->exporter, handle, DRM_CLOEXEC, &fd);
		FIXTURE_CHECK(!ret || ret == -ENOENT);
		if (!ret) {
			FIXTURE_CHECK(
				!to_handle(stress->importer, fd, &imported));
			close(fd);
			ret = fixture_gem_close(stress->importer, imported);
			FIXTURE_CHECK(!ret || ret == -EINVAL);
		}
		ret = fixture_gem_close(stress->exporter,
					1 + rand_r(&stress->seed) % 4);
		FIXTURE_CHECK(!ret || ret == -EINVAL);
	}
	return NULL;
}

static void test_stress(void **state)
{
	struct linux_file *a = fixture_open(), *b = fixture_open();
	struct stress stress[3];
	pthread_t threads[3];

	for (int i = 0; i < 3; i++) {
		stress[i] = (struct stress){ a, b, 5 + i };
		assert_int_equal(pthread_create(&threads[i], NULL,
						stress_thread, &stress[i]),
				 0);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	linux_sys_close(b);
	linux_sys_close(a);
	assert_int_equal(fixture_driver_stats().bos, 0);
}

/* ------------------------------------------------ somebody else's buffer -- */

static struct {
	struct page *page;
	struct dma_resv resv;
	int attached, mapped, released;
} exporter;

static int exporter_attach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attach)
{
	exporter.attached++;
	return 0;
}

static void exporter_detach(struct dma_buf *dmabuf,
			    struct dma_buf_attachment *attach)
{
	exporter.attached--;
}

static struct sg_table *exporter_map(struct dma_buf_attachment *attach,
				     enum dma_data_direction dir)
{
	struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);

	assert_non_null(sgt);
	assert_int_equal(sg_alloc_table(sgt, 1, GFP_KERNEL), 0);
	sg_set_page(sgt->sgl, exporter.page, PAGE_SIZE, 0);
	assert_int_equal(dma_map_sgtable(attach->dev, sgt, dir, 0), 0);
	exporter.mapped++;
	return sgt;
}

static void exporter_unmap(struct dma_buf_attachment *attach,
			   struct sg_table *sgt, enum dma_data_direction dir)
{
	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	exporter.mapped--;
}

static void exporter_release(struct dma_buf *dmabuf)
{
	exporter.released++;
}

static int exporter_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return vm_insert_page(vma, vma->vm_start, exporter.page);
}

static int exporter_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, page_address(exporter.page));
	return 0;
}

static void exporter_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
}

static const struct dma_buf_ops exporter_ops = {
	.attach = exporter_attach,
	.detach = exporter_detach,
	.map_dma_buf = exporter_map,
	.unmap_dma_buf = exporter_unmap,
	.release = exporter_release,
	.mmap = exporter_mmap,
	.vmap = exporter_vmap,
	.vunmap = exporter_vunmap,
};

static void test_foreign(void **state)
{
	struct linux_file *file = fixture_open();
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct drm_gem_shmem_object *shmem;
	struct drm_gem_object *obj;
	struct dma_buf *dmabuf;
	struct iosys_map map;
	struct sg_table *sgt;
	uint32_t handle, again;
	char *user;
	int fd, out;

	memset(&exporter, 0, sizeof(exporter));
	exporter.page = alloc_page(GFP_KERNEL);
	assert_non_null(exporter.page);
	dma_resv_init(&exporter.resv);
	info.ops = &exporter_ops;
	info.size = PAGE_SIZE;
	info.resv = &exporter.resv;
	dmabuf = dma_buf_export(&info);
	assert_false(IS_ERR(dmabuf));
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	assert_true(fd >= 0);

	assert_int_equal(to_handle(file, fd, &handle), 0);
	assert_int_equal(to_handle(file, fd, &again), 0);
	assert_int_equal(handle, again);
	assert_int_equal(exporter.attached, 1);
	obj = fixture_lookup(file, handle);
	shmem = to_drm_gem_shmem_obj(obj);
	assert_true(drm_gem_is_imported(obj));
	assert_ptr_equal(obj->resv, &exporter.resv);
	sgt = drm_gem_shmem_get_pages_sgt(shmem);
	assert_int_equal(sg_dma_address(sgt->sgl), page_to_phys(exporter.page));

	strcpy(page_address(exporter.page), "foreign");
	user = fixture_map(file, drm_vma_node_offset_addr(&obj->vma_node),
			   PAGE_B);
	assert_string_equal(user, "foreign");
	assert_int_equal(linux_sys_munmap(user, PAGE_B), 0);
	assert_int_equal(drm_gem_vmap_unlocked(obj, &map), 0);
	assert_string_equal(map.vaddr, "foreign");
	drm_gem_vunmap_unlocked(obj, &map);
	drm_gem_object_put(obj);

	/* Exporting the import gives the original again. */
	assert_int_equal(to_fd(file, handle, 0, &out), 0);
	assert_ptr_equal(dma_buf_get(out), dmabuf);
	dma_buf_put(dmabuf);
	close(out);
	close(fd);
	assert_int_equal(fixture_gem_close(file, handle), 0);
	linux_sys_close(file);
	assert_int_equal(exporter.attached, 0);
	assert_int_equal(exporter.mapped, 0);
	assert_int_equal(exporter.released, 1);
	dma_resv_fini(&exporter.resv);
	__free_page(exporter.page);
}

/* ------------------------------------------------------------- failures -- */

static int share_step(void *arg)
{
	struct linux_file **files = arg;
	struct fixture_bo bo = { .size = PAGE_B };
	uint32_t other = 0;
	int fd, ret;

	ret = linux_sys_ioctl(files[0], FIXTURE_BO, &bo);
	if (ret)
		return ret;
	ret = to_fd(files[0], bo.handle, 0, &fd);
	if (ret)
		goto out_close;
	ret = to_handle(files[1], fd, &other);
	close(fd);
	if (!ret)
		assert_int_equal(fixture_gem_close(files[1], other), 0);
out_close:
	assert_int_equal(fixture_gem_close(files[0], bo.handle), 0);
	return ret;
}

static void test_failures(void **state)
{
	struct linux_file *files[2] = { fixture_open(), fixture_open() };

	fixture_fail_each(share_step, files, 200);
	linux_sys_close(files[0]);
	linux_sys_close(files[1]);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_share),
		TEST(test_descriptors),
		TEST(test_bad_arguments),
		TEST(test_closed_descriptor_gives_ram_back),
		TEST(test_lost_descriptor_is_reported),
		TEST(test_stress),
		TEST(test_foreign),
		TEST(test_failures),
	};

	return cmocka_run_group_tests_name("drm prime", tests, NULL, NULL);
}
