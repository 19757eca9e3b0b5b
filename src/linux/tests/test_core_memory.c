// SPDX-License-Identifier: MIT OR GPL-2.0
/* kmalloc, caches, pages, tables of pages; what fails and what leaks. */
#include "core_machine.h"

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <errno.h>
#include <string.h>

/* --------------------------------------------------------------- kmalloc -- */

static void test_kmalloc(void **state)
{
	char *p = kmalloc(100, GFP_KERNEL), *q;
	u32 *zero;

	assert_int_equal((uintptr_t)p % 16, 0);
	assert_int_equal(ksize(p), 100);
	strcpy(p, "kept");
	p = krealloc(p, 5000, GFP_KERNEL);
	assert_string_equal(p, "kept");
	q = kstrdup(p, GFP_KERNEL);
	assert_string_equal(q, "kept");
	kfree(q);
	q = kstrndup(p, 2, GFP_KERNEL);
	assert_string_equal(q, "ke");
	kfree(q);
	q = kmemdup(p, 5, GFP_KERNEL);
	assert_string_equal(q, "kept");
	kfree(q);
	kfree(p);
	q = kasprintf(GFP_KERNEL, "%d-%s", 7, "x");
	assert_string_equal(q, "7-x");
	kfree(q);
	zero = kcalloc(1000, sizeof(*zero), GFP_KERNEL);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(zero[i], 0);
	kfree(zero);

	/* Nothing is an object too. */
	p = kmalloc(0, GFP_KERNEL);
	assert_ptr_equal(p, ZERO_SIZE_PTR);
	kfree(p);
	kfree(NULL);

	/* Limits and overflow. */
	assert_null(kmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL | __GFP_NOWARN));
	assert_null(kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	catch_begin();
	assert_null(kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	assert_non_null(strstr(caught(1), "test_core_memory.c"));
	p = kvmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL);
	assert_non_null(p);
	kvfree(p);
}

struct thing {
	u64 a;
	char b[40];
};

static void construct(void *obj)
{
	((struct thing *)obj)->a = 42;
}

static void test_caches(void **state)
{
	struct kmem_cache *cache = KMEM_CACHE(thing, 0), *other;
	struct kmem_cache_args args = {.align = 256, .ctor = construct};
	struct thing *t, *bulk[10];

	t = kmem_cache_zalloc(cache, GFP_KERNEL);
	assert_int_equal(t->a, 0);
	kmem_cache_free(cache, t);
	assert_int_equal(
		kmem_cache_alloc_bulk(cache, GFP_KERNEL, 10, (void **)bulk),
		10);
	kmem_cache_free_bulk(cache, 10, (void **)bulk);
	linux_inject_failure(7);
	assert_int_equal(
		kmem_cache_alloc_bulk(cache, GFP_KERNEL, 10, (void **)bulk), 0);
	linux_inject_failure(UINT64_MAX);

	other = kmem_cache_create("aligned", sizeof(*t), &args, 0);
	t = kmem_cache_alloc(other, GFP_KERNEL);
	assert_int_equal((uintptr_t)t % 256, 0);
	assert_int_equal(t->a, 42);
	catch_begin();
	kmem_cache_free(cache, t);
	assert_non_null(strstr(caught(1), "no object of cache thing"));
	/* kfree() takes objects of caches. */
	kfree(t);
	kmem_cache_destroy(other);

	other = kmem_cache_create("five", 24, 0, SLAB_HWCACHE_ALIGN, NULL);
	t = kmem_cache_alloc(other, GFP_KERNEL);
	assert_int_equal((uintptr_t)t % 64, 0);
	catch_begin();
	kmem_cache_destroy(other);
	assert_non_null(strstr(caught(1), "five destroyed with 1 objects"));
	kmem_cache_free(other, t);
	kmem_cache_destroy(other);
	kmem_cache_destroy(NULL);
	kmem_cache_destroy(cache);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* The sanitizers catch these themselves, and end the process. */
static void test_bad_frees(void **state)
{
	u64 block[8] = {0};
	char *p = kmalloc(10000, GFP_KERNEL);

	catch_begin();
	kfree(&block[4]);
	assert_non_null(strstr(caught(1), "no slab object"));
	catch_begin();
	kfree(p + 16);
	caught(1);
	kfree(p);
}
#endif

/* ----------------------------------------------------------------- leaks -- */

/* Freed never, but known to LeakSanitizer. */
static void *volatile kept[2];

static void test_leaks_are_reported(void **state)
{
	const char *text;

	machine_teardown(NULL);
	machine_boot(false);
	kept[0] = kmalloc(111, GFP_KERNEL);
	kept[1] = kmalloc(1, GFP_KERNEL);
	assert_non_null(alloc_pages(GFP_KERNEL, 1));
	catch_begin();
	machine_shutdown(3);
	text = caught(0);
	assert_non_null(strstr(text, "1 kmalloc objects (111 bytes) from"));
	assert_non_null(strstr(text, "test_core_memory.c:"));
	assert_non_null(strstr(text, "1 page allocations (8192 bytes)"));

	/* Forgotten by the next machine. */
	machine_boot(false);
	machine_shutdown(0);
	machine_setup(NULL);
}

/* -------------------------------------------------------------- failures -- */

struct graph {
	char *name;
	void *array;
	struct page *page;
	struct sg_table sgt;
	struct workqueue_struct *wq;
};

static void graph_free(struct graph *g)
{
	if (!g)
		return;
	if (g->wq)
		destroy_workqueue(g->wq);
	if (g->sgt.sgl)
		sg_free_table(&g->sgt);
	if (g->page)
		__free_page(g->page);
	kvfree(g->array);
	kfree(g->name);
	kfree(g);
}

static struct graph *graph_create(void)
{
	struct graph *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (!g)
		return NULL;
	g->name = kstrdup("graph", GFP_KERNEL);
	g->array = kvcalloc(100, 100, GFP_KERNEL);
	g->page = alloc_page(GFP_KERNEL);
	g->wq = alloc_workqueue("graph", 0, 0);
	if (!g->name || !g->array || !g->page || !g->wq ||
	    sg_alloc_table(&g->sgt, 10, GFP_KERNEL)) {
		graph_free(g);
		return NULL;
	}
	return g;
}

static void test_injected_failures(void **state)
{
	struct graph *g;
	void *p;
	u64 n;

	for (n = 0;; n++) {
		linux_inject_failure(n);
		g = graph_create();
		if (linux_inject_failure(UINT64_MAX) <= n)
			break;
		assert_null(g);
		assert_int_equal(machine_pages(), 0);
	}
	assert_int_equal(n, 6);
	assert_non_null(g);
	graph_free(g);

	/* What must not fail is not counted. */
	linux_inject_failure(0);
	p = kmalloc(8, GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(p);
	kfree(p);
	assert_int_equal(linux_inject_failure(UINT64_MAX), 0);
}

/* ----------------------------------------------------------------- pages -- */

static void test_pages(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL), *block;
	unsigned long got, addr;
	u8 *bytes = page_address(page);

	for (unsigned long i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(bytes[i], 0);
	assert_ptr_equal(virt_to_page(bytes + 100), page);
	assert_ptr_equal(phys_to_page(page_to_phys(page)), page);
	assert_ptr_equal(phys_to_virt(virt_to_phys(bytes)), bytes);
	assert_true(virt_addr_valid(bytes));
	assert_false(virt_addr_valid(&page));
	set_page_private(page, 77);
	assert_int_equal(page_private(page), 77);
	get_page(page);
	assert_int_equal(page_count(page), 2);
	put_page(page);
	assert_int_equal(machine_pages(), 1);
	__free_page(page);
	assert_int_equal(machine_pages(), 0);
	catch_begin();
	get_page(page);
	caught(1);
	atomic_set(&page->_refcount, 0);

	for (unsigned int order = 1; order <= 9; order++) {
		block = alloc_pages(GFP_KERNEL, order);
		assert_non_null(block);
		assert_true(
			IS_ALIGNED(page_to_phys(block), PAGE_SIZE << order));
		assert_int_equal(machine_pages(), 1ul << order);
		__free_pages(block, order);
		assert_int_equal(machine_pages(), 0);
	}
	catch_begin();
	assert_null(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1));
	caught(1);

	/* A run is pages of their own. */
	block = alloc_page_run(GFP_KERNEL, 10, &got);
	assert_int_equal(got, 10);
	get_page(block + 4);
	linux_put_page_run(block, got);
	assert_int_equal(machine_pages(), 1);
	put_page(block + 4);
	assert_int_equal(machine_pages(), 0);

	addr = get_zeroed_page(GFP_KERNEL);
	assert_true(addr && PAGE_ALIGNED(addr));
	free_page(addr);
	assert_int_equal(get_order(1), 0);
	assert_int_equal(get_order(PAGE_SIZE + 1), 1);
	assert_int_equal(get_order(5 * PAGE_SIZE), 3);

	/* All of RAM, and one more. */
	addr = 0;
	while ((page = alloc_page(GFP_KERNEL))) {
		set_page_private(page, addr);
		addr = (unsigned long)page;
	}
	assert_int_equal(machine_pages(), CORE_RAM_B / PAGE_SIZE - 1);
	while ((page = (struct page *)addr)) {
		addr = page_private(page);
		__free_page(page);
	}
}

static void test_fragmented_pages(void **state)
{
	struct page *page, *pages[20];
	struct sg_table sgt;
	unsigned long got;

	machine_teardown(NULL);
	machine_boot(true);
	assert_null(alloc_pages(GFP_KERNEL, 1));
	assert_int_equal(machine_pages(), 0);
	page = alloc_page_run(GFP_KERNEL, 512, &got);
	assert_int_equal(got, 1);
	put_page(page);
	for (int i = 0; i < 20; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	assert_int_equal(sg_alloc_table_from_pages(&sgt, pages, 20, 0,
						   20 * PAGE_SIZE, GFP_KERNEL),
			 0);
	assert_int_equal(sgt.orig_nents, 20);
	sg_free_table(&sgt);
	for (int i = 0; i < 20; i++)
		__free_page(pages[i]);
	machine_shutdown(0);
	machine_setup(NULL);
}

/* ------------------------------------------------------------ sg and DMA -- */

static int no_probe(struct platform_device *pdev)
{
	return 0;
}

static const struct of_device_id matches[] = {
	{.compatible = "arm,mali-valhall-csf"},
	{},
};

static struct device *dma_dev;

static int keep_device(struct platform_device *pdev)
{
	dma_dev = &pdev->dev;
	return no_probe(pdev);
}

static struct platform_driver dma_driver = {
	.probe = keep_device,
	.driver = {.name = "dma-test", .of_match_table = matches},
};

static void test_sg_tables(void **state)
{
	struct page *run, *pages[12];
	struct scatterlist *sg;
	struct sg_table sgt;
	unsigned long got;
	unsigned int i;
	u64 total = 0;

	assert_int_equal(platform_driver_register(&dma_driver), 0);
	run = alloc_page_run(GFP_KERNEL, 12, &got);
	assert_int_equal(got, 12);
	/* Neighbours: 0-4, 5-7 backwards, 8-11. */
	for (i = 0; i < 12; i++)
		pages[i] = run + (i >= 5 && i <= 7 ? 12 - i : i);

	assert_int_equal(sg_alloc_table_from_pages(&sgt, pages, 12, 100,
						   12 * PAGE_SIZE - 300,
						   GFP_KERNEL),
			 0);
	assert_int_equal(sgt.orig_nents, 5);
	assert_int_equal(sgt.sgl[0].offset, 100);
	assert_int_equal(sgt.sgl[0].length, 5 * PAGE_SIZE - 100);
	assert_int_equal(sgt.sgl[1].length, PAGE_SIZE);
	assert_int_equal(sgt.sgl[4].length, 4 * PAGE_SIZE - 200);
	for_each_sgtable_sg(&sgt, sg, i) total += sg->length;
	assert_int_equal(total, 12 * PAGE_SIZE - 300);
	assert_null(sg_next(&sgt.sgl[4]));

	assert_int_equal(dma_map_sgtable(dma_dev, &sgt, DMA_BIDIRECTIONAL, 0),
			 0);
	for_each_sgtable_dma_sg (&sgt, sg, i) {
		assert_int_equal(sg_dma_address(sg), sg_phys(sg));
		assert_int_equal(sg_dma_len(sg), sg->length);
	}
	dma_unmap_sgtable(dma_dev, &sgt, DMA_BIDIRECTIONAL, 0);
	sg_free_table(&sgt);

	/* Segments no longer than asked for. */
	assert_int_equal(sg_alloc_table_from_pages_segment(
				 &sgt, pages, 5, 0, 5 * PAGE_SIZE,
				 2 * PAGE_SIZE + 1, GFP_KERNEL),
			 0);
	assert_int_equal(sgt.orig_nents, 3);
	assert_int_equal(sgt.sgl[2].length, PAGE_SIZE);
	sg_free_table(&sgt);

	assert_int_equal(sg_alloc_table(&sgt, 0, GFP_KERNEL), -EINVAL);
	assert_int_equal(sg_alloc_table_from_pages(&sgt, pages, 2, 1,
						   2 * PAGE_SIZE, GFP_KERNEL),
			 -EINVAL);
	linux_put_page_run(run, got);
	platform_driver_unregister(&dma_driver);
}

static void test_dma_mapping(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL);
	dma_addr_t addr;
	void *cpu;
	int on_stack;

	assert_int_equal(platform_driver_register(&dma_driver), 0);
	addr = dma_map_page(dma_dev, page, 64, 128, DMA_TO_DEVICE);
	assert_int_equal(dma_mapping_error(dma_dev, addr), 0);
	assert_int_equal(addr, page_to_phys(page) + 64);
	dma_unmap_page(dma_dev, addr, 128, DMA_TO_DEVICE);
	catch_begin();
	addr = dma_map_single(dma_dev, &on_stack, 4, DMA_TO_DEVICE);
	assert_non_null(strstr(caught(1), "not in the machine's RAM"));
	assert_int_equal(dma_mapping_error(dma_dev, addr), -ENOMEM);

	assert_int_equal(dma_set_mask_and_coherent(dma_dev, DMA_BIT_MASK(24)),
			 -EIO);
	assert_int_equal(dma_set_mask_and_coherent(dma_dev, DMA_BIT_MASK(32)),
			 0);
	cpu = dma_alloc_coherent(dma_dev, 3 * PAGE_SIZE, &addr, GFP_KERNEL);
	assert_non_null(cpu);
	assert_int_equal(virt_to_phys(cpu), addr);
	dma_free_coherent(dma_dev, 3 * PAGE_SIZE, cpu, addr);
	__free_page(page);
	catch_begin();
	dma_unmap_page(dma_dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	assert_non_null(strstr(caught(1), "more DMA unmapped"));
	dma_map_page(dma_dev, page, 0, 1, DMA_TO_DEVICE);
	platform_driver_unregister(&dma_driver);
}

static void test_dma_pool(void **state)
{
	struct dma_pool *pool;
	void *blocks[100];
	dma_addr_t addrs[100];

	assert_int_equal(platform_driver_register(&dma_driver), 0);
	/* 96-byte blocks, none across a multiple of 512: 5 in each. */
	pool = dma_pool_create("pool", dma_dev, 90, 32, 512);
	for (int i = 0; i < 100; i++) {
		blocks[i] = dma_pool_zalloc(pool, GFP_KERNEL, &addrs[i]);
		assert_non_null(blocks[i]);
		assert_int_equal(virt_to_phys(blocks[i]), addrs[i]);
		assert_int_equal(addrs[i] % 32, 0);
		assert_int_equal(addrs[i] / 512, (addrs[i] + 89) / 512);
		for (int j = 0; j < i; j++)
			assert_true(addrs[j] != addrs[i]);
		memset(blocks[i], 0xff, 90);
	}
	assert_int_equal(machine_pages(), 3);
	for (int i = 0; i < 99; i++)
		dma_pool_free(pool, blocks[i], addrs[i]);
	catch_begin();
	dma_pool_free(pool, blocks[0], addrs[0]);
	caught(1);
	catch_begin();
	dma_pool_destroy(pool);
	assert_non_null(strstr(caught(1), "1 blocks in use"));
	platform_driver_unregister(&dma_driver);
}

static void test_vmap(void **state)
{
	struct page *pages[6];
	u32 *view;

	for (int i = 0; i < 6; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	swap(pages[1], pages[4]);
	view = vmap(pages, 6, VM_MAP, PAGE_KERNEL);
	assert_non_null(view);
	for (int i = 0; i < 6; i++) {
		view[i * 1024] = (u32)i + 1;
		assert_int_equal(*(u32 *)page_address(pages[i]), i + 1);
	}
	vunmap(view);
	vunmap(NULL);
	catch_begin();
	vunmap(view);
	caught(1);
	for (int i = 0; i < 6; i++)
		__free_page(pages[i]);
}

/* ------------------------------------------------------------ the device -- */

static char trace[32];

static void note(void *data)
{
	strcat(trace, data);
}

static int probe_result;

static int devres_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;

	trace[0] = '\0';
	platform_set_drvdata(pdev, trace);
	assert_non_null(devm_kzalloc(dev, 100, GFP_KERNEL));
	devm_kfree(dev, devm_kcalloc(dev, 10, 10, GFP_KERNEL));
	assert_int_equal(devm_add_action_or_reset(dev, note, "a"), 0);
	assert_int_equal(devm_add_action_or_reset(dev, note, "b"), 0);
	assert_int_equal(devm_add_action_or_reset(dev, note, "c"), 0);
	devm_release_action(dev, note, "b");
	linux_inject_failure(0);
	assert_int_equal(devm_add_action_or_reset(dev, note, "d"), -ENOMEM);
	linux_inject_failure(UINT64_MAX);
	return probe_result;
}

static void devres_remove(struct platform_device *pdev)
{
	assert_ptr_equal(platform_get_drvdata(pdev), trace);
	strcat(trace, "R");
}

static struct platform_driver devres_driver = {
	.probe = devres_probe,
	.remove = devres_remove,
	.driver = {.name = "devres-test", .of_match_table = matches},
};

static void test_driver_life(void **state)
{
	static const struct of_device_id other[] = {{.compatible = "x"}, {}};
	struct platform_driver stranger = {
		.probe = no_probe,
		.driver = {.name = "stranger", .of_match_table = other},
	};

	assert_int_equal(platform_driver_register(&stranger), -ENODEV);
	/* A probe that fails leaves nothing behind. */
	probe_result = -EIO;
	assert_int_equal(platform_driver_register(&devres_driver), -EIO);
	assert_string_equal(trace, "bdca");
	probe_result = 0;
	assert_int_equal(platform_driver_register(&devres_driver), 0);
	assert_int_equal(platform_driver_register(&dma_driver), -EBUSY);
	platform_driver_unregister(&devres_driver);
	assert_string_equal(trace, "bdRca");
	catch_begin();
	platform_driver_unregister(&devres_driver);
	caught(1);

	/* A machine that goes down takes its driver along, and says so. */
	machine_teardown(NULL);
	machine_boot(false);
	assert_int_equal(platform_driver_register(&devres_driver), 0);
	catch_begin();
	machine_shutdown(1);
	assert_non_null(strstr(caught(0), "driver devres-test"));
	assert_string_equal(trace, "bdRca");
	machine_setup(NULL);
}

static void test_boot_failures(void **state)
{
	struct linux_machine_desc desc = {.irq_count = 1000};
	static const struct linux_machine_ops none;

	/* One at a time. */
	assert_int_equal(linux_boot(&desc), -EBUSY);

	/* Whatever fails, what was booted before is taken down again. */
	machine_teardown(NULL);
	desc.ops = &none;
	assert_int_equal(linux_boot(&desc), -EINVAL);
	desc.irq_count = 1;
	for (u64 n = 0;; n++) {
		int ret;

		linux_inject_failure(n);
		ret = linux_boot(&desc);
		if (linux_inject_failure(UINT64_MAX) <= n) {
			assert_true(n > 0);
			assert_int_equal(ret, 0);
			break;
		}
		assert_int_equal(ret, -ENOMEM);
	}
	assert_int_equal(linux_shutdown(), 0);
	machine_setup(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kmalloc),
		cmocka_unit_test(test_caches),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(test_bad_frees),
#endif
		cmocka_unit_test(test_leaks_are_reported),
		cmocka_unit_test(test_injected_failures),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_fragmented_pages),
		cmocka_unit_test(test_sg_tables),
		cmocka_unit_test(test_dma_mapping),
		cmocka_unit_test(test_dma_pool),
		cmocka_unit_test(test_vmap),
		cmocka_unit_test(test_driver_life),
		cmocka_unit_test(test_boot_failures),
	};

	return cmocka_run_group_tests(tests, machine_setup, machine_teardown);
}
