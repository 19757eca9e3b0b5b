// SPDX-License-Identifier: MIT OR GPL-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "linux_machine.h"
#include "pt_fixture.h"

#define RAM_PAGES (48 * 1024u)

static struct {
	char *ram;
	int fd;
	/* Bump allocation with a stack of freed pages in front of it. */
	u32 next, used, free_count;
	u32 *free_pages;
	unsigned long warns;
	u64 dma_mask;
	struct device dev;
} machine;

static uint32_t mmio_read32(void *data, uint32_t offset)
{
	return 0;
}

static void mmio_write32(void *data, uint32_t offset, uint32_t value)
{
}

static int ram_alloc(void *data, uint64_t want_B, uint64_t *pa_out,
		     uint64_t *got_B_out)
{
	u32 page;

	if (machine.free_count)
		page = machine.free_pages[--machine.free_count];
	else if (machine.next < RAM_PAGES)
		page = machine.next++;
	else
		return -ENOMEM;

	machine.used++;
	memset(machine.ram + (u64)page * PAGE_SIZE, 0, PAGE_SIZE);
	*pa_out = (u64)page * PAGE_SIZE;
	*got_B_out = PAGE_SIZE;
	return 0;
}

static void ram_free(void *data, uint64_t pa, uint64_t size_B)
{
	u64 page;

	for (page = pa / PAGE_SIZE; page < (pa + size_B) / PAGE_SIZE; page++) {
		/* So that a table that is used after it was freed shows. */
		memset(machine.ram + page * PAGE_SIZE, 0xa5, PAGE_SIZE);
		machine.free_pages[machine.free_count++] = page;
		machine.used--;
	}
}

int fixture_setup(void **state)
{
	static const struct linux_machine_ops ops = {
		.mmio_read32 = mmio_read32,
		.mmio_write32 = mmio_write32,
		.ram_alloc = ram_alloc,
		.ram_free = ram_free,
	};
	struct linux_machine_desc desc = {
		.ops = &ops,
		.ram_size_B = (u64)RAM_PAGES * PAGE_SIZE,
		.dma_mask = ~0ull,
		.dma_coherent = true,
		.irq_count = 3,
	};

	memset(&machine, 0, sizeof(machine));
	machine.fd = memfd_create("ram", MFD_CLOEXEC);
	assert_true(machine.fd >= 0);
	assert_int_equal(ftruncate(machine.fd, desc.ram_size_B), 0);
	machine.ram = mmap(NULL, desc.ram_size_B, PROT_READ | PROT_WRITE,
			   MAP_SHARED, machine.fd, 0);
	assert_true(machine.ram != MAP_FAILED);
	machine.free_pages = calloc(RAM_PAGES, sizeof(u32));
	assert_non_null(machine.free_pages);
	machine.next = 1;

	machine.dma_mask = ~0ull;
	machine.dev.init_name = "fixture";
	machine.dev.dma_mask = &machine.dma_mask;
	machine.dev.coherent_dma_mask = ~0ull;
	machine.dev.dma_coherent = true;

	desc.ram_base = machine.ram;
	desc.ram_fd = machine.fd;
	machine.warns = linux_warn_count();
	return linux_boot(&desc);
}

int fixture_teardown(void **state)
{
	int leaks = linux_shutdown();

	assert_int_equal(leaks, 0);
	assert_int_equal(machine.used, 0);
	assert_int_equal(linux_warn_count(), machine.warns);
	munmap(machine.ram, (u64)RAM_PAGES * PAGE_SIZE);
	close(machine.fd);
	free(machine.free_pages);
	return 0;
}

struct device *fixture_device(void)
{
	return &machine.dev;
}

u64 fixture_pages(void)
{
	return machine.used;
}

struct panthor_backing *fixture_backing(u64 addr, u32 run_pages, u32 run_count)
{
	struct scatterlist *sgl = calloc(run_count, sizeof(*sgl));
	struct sg_table sgt = {
		.sgl = sgl, .nents = run_count, .orig_nents = run_count};
	struct panthor_backing *backing;

	assert_non_null(sgl);
	for (u32 i = 0; i < run_count; i++) {
		sgl[i].dma_address = addr;
		sgl[i].dma_length = run_pages * PAGE_SIZE;
		addr += (run_pages + 1ull) * PAGE_SIZE;
	}
	sg_mark_end(&sgl[run_count - 1]);

	backing = panthor_backing_create(&sgt);
	assert_non_null(backing);
	free(sgl);
	return backing;
}

struct panthor_backing *fixture_dummy(bool block)
{
	return block ? fixture_backing(0xd00000000, 512, 1)
		     : fixture_backing(0xd00000000, 1, 512);
}

struct pt_walker fixture_walker(const struct panthor_pt *pt)
{
	return (struct pt_walker){
		.dram = machine.ram,
		.dram_size_B = (u64)RAM_PAGES * PAGE_SIZE,
		.va_bits = pt->va_bits,
		.root_pa = panthor_pt_root_pa(pt),
	};
}

/* ---------------------------------------------------------------- edits -- */

static void check_tables(struct panthor_pt *pt)
{
	struct pt_walker walker = fixture_walker(pt);
	struct pt_census census;
	u64 idle = 0;

	pt_walker_census(&walker, &census);
	assert_int_equal(census.empty_tables, 0);
	assert_int_equal(census.invalid, 0);

	/* Shared tables that cannot be reached at the moment. */
	for (u32 set = 0; set < PANTHOR_PT_SETS; set++) {
		bool above = false;

		for (u32 level = 1; level < PANTHOR_PT_LEVELS; level++) {
			const struct panthor_pt_shared *shared =
				&pt->shared[set][level];

			above = shared->page &&
				(!shared->refs ||
				 (above && shared->refs == PANTHOR_PT_ENTRIES));
			idle += above;
		}
	}
	assert_int_equal(census.tables + idle, pt->pages);
}

void fixture_edit(struct panthor_pt *pt, const struct panthor_pt_edit *edit)
{
	struct panthor_pt_need need = {};
	u64 count, held = pt->held;
	LIST_HEAD(pages);

	panthor_pt_need_add(pt, &need, edit);
	count = panthor_pt_shortage(pt, &need);
	assert_int_equal(panthor_pt_alloc_pages(pt->dev, count, &pages), 0);
	panthor_pt_reserve_add(pt, count, &pages);
	assert_int_equal(panthor_pt_shortage(pt, &need), 0);
	panthor_pt_reserve_hold(pt, &need);

	panthor_pt_edit(pt, edit);

	panthor_pt_reserve_drop(pt, &need);
	panthor_pt_settle(pt, &pages);
	panthor_pt_free_pages(pt->dev, &pages);
	assert_int_equal(pt->held, held);
	if (!held)
		assert_int_equal(fixture_pages(), pt->pages);
	check_tables(pt);
}

void fixture_map(struct panthor_pt *pt, u64 va, u64 size,
		 struct panthor_backing *backing, u64 offset, u32 flags)
{
	fixture_edit(pt, &(struct panthor_pt_edit){
				 .type = PANTHOR_PT_MAP,
				 .start = va,
				 .end = va + size,
				 .backing = backing,
				 .offset = offset,
				 .leaf = panthor_pt_leaf(flags),
			 });
}

void fixture_sparse(struct panthor_pt *pt, u64 va, u64 size,
		    struct panthor_backing *dummy, u32 flags)
{
	flags |= DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
	fixture_edit(pt, &(struct panthor_pt_edit){
				 .type = PANTHOR_PT_SPARSE,
				 .start = va,
				 .end = va + size,
				 .backing = dummy,
				 .leaf = panthor_pt_leaf(flags),
				 .set = panthor_pt_set(flags),
			 });
}

void fixture_unmap(struct panthor_pt *pt, u64 va, u64 size)
{
	fixture_edit(pt, &(struct panthor_pt_edit){
				 .type = PANTHOR_PT_UNMAP,
				 .start = va,
				 .end = va + size,
			 });
}

void fixture_pt_clear(struct panthor_pt *pt)
{
	LIST_HEAD(pages);

	fixture_unmap(pt, 0, 1ull << pt->va_bits);
	for (u8 set = 0; set < PANTHOR_PT_SETS; set++)
		panthor_pt_drop_shared(pt, set);
	panthor_pt_settle(pt, &pages);
	panthor_pt_free_pages(pt->dev, &pages);
	assert_int_equal(pt->pages, 1);
	assert_int_equal(fixture_pages(), 1);
}

/* --------------------------------------------------------------- checks -- */

static void assert_page(const struct pt_walker *walker, u64 va,
			struct panthor_backing *backing, u64 offset, u32 flags)
{
	struct pt_walk walk = pt_walker_walk(walker, va);
	u64 len;

	if (!backing) {
		if (walk.valid)
			fail_msg("VA 0x%llx maps PA 0x%llx", va,
				 (unsigned long long)walk.pa);
		return;
	}

	if (!walk.valid ||
	    walk.pa != panthor_backing_find(backing, offset, &len) ||
	    walk.attrs != panthor_pt_leaf(flags))
		fail_msg("VA 0x%llx: valid %d PA 0x%llx attributes 0x%llx, not "
			 "PA 0x%llx attributes 0x%llx",
			 va, walk.valid, (unsigned long long)walk.pa,
			 (unsigned long long)walk.attrs,
			 panthor_backing_find(backing, offset, &len),
			 panthor_pt_leaf(flags));
}

void assert_maps(struct panthor_pt *pt, u64 va, u64 size,
		 struct panthor_backing *backing, u64 offset, u32 flags)
{
	struct pt_walker walker = fixture_walker(pt);

	for (u64 at = 0; at < size; at += PAGE_SIZE)
		assert_page(&walker, va + at, backing, offset + at, flags);
}

void assert_sparse(struct panthor_pt *pt, u64 va, u64 size,
		   struct panthor_backing *dummy, u32 flags)
{
	struct pt_walker walker = fixture_walker(pt);

	flags |= DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
	for (u64 at = va; at < va + size; at += PAGE_SIZE)
		assert_page(&walker, at, dummy, at % SZ_2M, flags);
}

void assert_unmapped(struct panthor_pt *pt, u64 va, u64 size)
{
	struct pt_walker walker = fixture_walker(pt);

	for (u64 at = va; at < va + size; at += PAGE_SIZE)
		assert_page(&walker, at, NULL, 0, 0);
}
