/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Another driver's buffer in a VM: findings 9 and 10 of docs/panthor.md. The
 * exporter is the kernel's side of this program; all else goes through the
 * uAPI and is read back from the page tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm/drm_prime.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "drm-uapi/panthor_drm.h"
#include "host.h"
#include "pt_walker.h"

#define ORDER 9
#define PAGES (1u << ORDER)
#define PAGE_B 4096ull
#define BLOCK_B (PAGES * PAGE_B)
#define VA (1ull << 30)
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define UNMAP ((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)

static struct {
   struct host_machine *machine;
   struct host_file *file;
   struct page *pages; /* 2 MiB in one piece */
   struct dma_resv resv;
   bool reversed; /* shows them in the opposite order */
   uint32_t vm, bo;
   int mapped, released;
} t;

/* An entry for each page: contiguous, but of nothing larger than 4 KiB. */
static struct sg_table *
exporter_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
   struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
   struct scatterlist *sg;
   uint32_t i;

   assert_non_null(sgt);
   assert_int_equal(sg_alloc_table(sgt, PAGES, GFP_KERNEL), 0);
   for_each_sgtable_sg(sgt, sg, i)
      sg_set_page(sg, t.pages + (t.reversed ? PAGES - 1 - i : i), PAGE_SIZE, 0);
   assert_int_equal(dma_map_sgtable(attach->dev, sgt, dir, 0), 0);
   t.mapped++;
   return sgt;
}

static void
exporter_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
               enum dma_data_direction dir)
{
   dma_unmap_sgtable(attach->dev, sgt, dir, 0);
   sg_free_table(sgt);
   kfree(sgt);
   t.mapped--;
}

static void
exporter_release(struct dma_buf *dmabuf)
{
   t.released++;
}

static const struct dma_buf_ops exporter_ops = {
   .map_dma_buf = exporter_map,
   .unmap_dma_buf = exporter_unmap,
   .release = exporter_release,
};

static void
start(bool reversed)
{
   static const struct host_config config = {.dram_size_B = 64 << 20,
                                             .as_count = 4};
   DEFINE_DMA_BUF_EXPORT_INFO(info);
   struct drm_panthor_vm_create vm = {0};
   struct drm_prime_handle prime = {0};
   struct dma_buf *dmabuf;

   memset(&t, 0, sizeof(t));
   t.reversed = reversed;
   assert_int_equal(host_machine_get(&config, &t.machine), 0);
   assert_int_equal(host_open(t.machine, &t.file), 0);
   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_PANTHOR_VM_CREATE, &vm), 0);
   t.vm = vm.id;

   t.pages = alloc_pages(GFP_KERNEL, ORDER);
   assert_non_null(t.pages);
   dma_resv_init(&t.resv);
   info.ops = &exporter_ops;
   info.size = BLOCK_B;
   info.resv = &t.resv;
   dmabuf = dma_buf_export(&info);
   assert_false(IS_ERR(dmabuf));
   prime.fd = dma_buf_fd(dmabuf, O_CLOEXEC);
   assert_true(prime.fd >= 0);
   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime),
                    0);
   close(prime.fd);
   t.bo = prime.handle;
}

static void
stop(void)
{
   host_close(t.file);
   assert_int_equal(t.mapped, 0);
   assert_int_equal(t.released, 1);
   dma_resv_fini(&t.resv);
   __free_pages(t.pages, ORDER);
   assert_int_equal(host_machine_put(t.machine), 0);
}

static void
bind(uint32_t flags, uint64_t va, uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {
      .flags = flags,
      .bo_handle = flags == UNMAP ? 0 : t.bo,
      .va = va,
      .size = size_B,
   };
   struct drm_panthor_vm_bind args = {.vm_id = t.vm,
                                      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_PANTHOR_VM_BIND, &args), 0);
}

static struct pt_walk
walk(uint64_t va)
{
   struct host_stats stats;
   struct pt_walker walker = {.va_bits = 48};

   host_get_stats(t.machine, &stats);
   walker.dram = host_dram_ptr(t.machine, 0);
   walker.dram_size_B = stats.dram_size_B;
   assert_int_equal(host_vm_root(t.file, t.vm, &walker.root_pa), 0);
   return pt_walker_walk(&walker, va);
}

/* All of the buffer but [from, to) pages of it is where the exporter says. */
static void
assert_all_but(uint32_t from, uint32_t to, int level)
{
   struct drm_panthor_vm_get_state args = {.vm_id = t.vm};

   for (uint32_t i = 0; i < PAGES; i++) {
      const struct pt_walk found = walk(VA + i * PAGE_B);

      assert_int_equal(found.valid, i < from || i >= to);
      if (!found.valid)
         continue;
      assert_int_equal(found.level, level);
      assert_int_equal(found.pa,
                       page_to_phys(t.pages + (t.reversed ? PAGES - 1 - i : i)));
   }
   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args),
                    0);
   assert_int_equal(args.state, DRM_PANTHOR_VM_STATE_USABLE);
}

/* An imported buffer has no pages to ask; it can be unmapped in part, though. */
static void
finding_09_partial_unmap_of_an_import(void **state)
{
   struct drm_panthor_bo_query_info info = {0};
   struct drm_panthor_bo_sync_op sync = {.size = PAGE_B};
   struct drm_panthor_bo_sync syncs = {.ops = DRM_PANTHOR_OBJ_ARRAY(1, &sync)};

   start(true);
   sync.handle = t.bo;
   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_PANTHOR_BO_SYNC, &syncs),
                    -EINVAL);
   info.handle = t.bo;
   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info),
                    0);
   assert_int_equal(info.extra_flags, DRM_PANTHOR_BO_IS_IMPORTED);
   bind(NOEXEC, VA, BLOCK_B);
   assert_all_but(0, 0, 3);
   bind(UNMAP, VA + 3 * PAGE_B, 5 * PAGE_B);
   assert_all_but(3, 8, 3);
   stop();
}

/* Small pieces that lie next to each other make a block, which can be cut. */
static void
finding_10_block_of_small_pieces(void **state)
{
   start(false);
   bind(NOEXEC, VA, BLOCK_B);
   assert_all_but(0, 0, 2);
   bind(UNMAP, VA + 16 * PAGE_B, 16 * PAGE_B);
   assert_all_but(16, 32, 3);
   bind(UNMAP, VA, BLOCK_B);
   assert_all_but(0, PAGES, 0);
   stop();
}

/* The exporter's buffer outlives its handle as long as it is mapped. */
static void
test_import_lives_while_mapped(void **state)
{
   struct drm_gem_close args;

   start(false);
   bind(NOEXEC, VA, BLOCK_B);
   args = (struct drm_gem_close){.handle = t.bo};
   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_GEM_CLOSE, &args), 0);
   assert_int_equal(t.released, 0);
   assert_all_but(0, 0, 2);
   stop();
}

/* debugfs tells it from those of our own. */
static void
test_import_in_debugfs(void **state)
{
   size_t size_B;
   char *text, *row;

   start(false);
   bind(NOEXEC, VA, BLOCK_B);
   assert_int_equal(host_debugfs_read(t.machine, "gems", &text, &size_B), 0);
   row = strstr(text, " | imported | ");
   assert_non_null(row);
   assert_null(strstr(row + 4, "imported"));
   free(text);
   stop();
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(finding_09_partial_unmap_of_an_import),
      cmocka_unit_test(finding_10_block_of_small_pieces),
      cmocka_unit_test(test_import_lives_while_mapped),
      cmocka_unit_test(test_import_in_debugfs),
   };
   return cmocka_run_group_tests_name("host-import", tests, NULL, NULL);
}
