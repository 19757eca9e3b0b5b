/* SPDX-License-Identifier: MIT */
/*
 * Overlays: physical addresses that show another file than DRAM's own, which is
 * how memory of another machine is seen in this one.
 *
 * The linear mapping shows each of them, so units that go through that need not
 * know. Whoever maps DRAM by file and offset asks mali_overlay_at(): O(log n) of
 * the overlays, and one load where there are none. To add or to remove one is
 * O(log n), and a system call or two.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mali_private.h"

struct overlay {
	struct mali_node node; /* by PA; disjoint */
	int fd;
	uint64_t offset; /* in that file, of node.start */
};

static struct overlay *overlay_of(struct mali_node *node)
{
	return mali_container_of(node, struct overlay, node);
}

/* Shows a file in the linear mapping. 0 or -errno. */
static int show(const struct mali_overlays *overlays, uint64_t pa,
		uint64_t size_B, int fd, uint64_t offset)
{
	uintptr_t host = (uintptr_t)overlays->base + pa;

	if (mali_host_mmap(host, size_B, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd,
			   offset) == MAP_FAILED)
		return -errno;
	/*
	 * As all of DRAM; see mali_dram.c. What shows DRAM's own file again
	 * becomes one host mapping with its neighbours by this. Where the host
	 * refuses, it is one more until it is replaced.
	 */
	(void)syscall(SYS_madvise, host, size_B, MADV_DONTDUMP);
	return 0;
}

int mali_overlay_add(struct mali_overlays *overlays, uint64_t pa,
		     uint64_t size_B, int fd, uint64_t offset)
{
	struct overlay *overlay = calloc(1, sizeof(*overlay));
	int ret;

	if (!overlay)
		return -ENOMEM;
	overlay->node.start = pa;
	overlay->node.last = pa + size_B - 1;
	overlay->fd = fd;
	overlay->offset = offset;
	ret = show(overlays, pa, size_B, fd, offset);
	if (ret) {
		free(overlay);
		return ret;
	}
	mali_tlb_lock();
	assert(!mali_tree_first(&overlays->tree, pa, pa + size_B - 1));
	mali_tree_insert(&overlays->tree, &overlay->node);
	mali_tlb_unlock();
	atomic_fetch_add_explicit(&overlays->count, 1, memory_order_relaxed);
	return 0;
}

/* Nobody but the caller, who owns the addresses, adds or removes any there. */
static struct overlay *first_in(struct mali_overlays *overlays, uint64_t first,
				uint64_t last)
{
	struct mali_node *node;

	mali_tlb_lock();
	node = mali_tree_first(&overlays->tree, first, last);
	mali_tlb_unlock();
	return node ? overlay_of(node) : NULL;
}

static void forget(struct mali_overlays *overlays, struct overlay *overlay)
{
	mali_tlb_lock();
	mali_tree_remove(&overlays->tree, &overlay->node);
	mali_tlb_unlock();
	atomic_fetch_sub_explicit(&overlays->count, 1, memory_order_relaxed);
	free(overlay);
}

int mali_overlay_remove(struct mali_overlays *overlays, uint64_t pa,
			uint64_t size_B)
{
	uint64_t last = pa + size_B - 1;
	struct overlay *overlay;

	if (!atomic_load_explicit(&overlays->count, memory_order_relaxed))
		return 0;
	while ((overlay = first_in(overlays, pa, last))) {
		const struct mali_node *node = &overlay->node;
		int ret;

		assert(node->start >= pa && node->last <= last);
		ret = show(overlays, node->start, node->last - node->start + 1,
			   overlays->fd, node->start);
		if (ret)
			return ret;
		forget(overlays, overlay);
	}
	return 0;
}

void mali_overlay_at(const struct mali_overlays *overlays, uint64_t pa,
		     struct mali_file_run *run_out)
{
	struct mali_node *node;

	assert(mali_tlb_locked());
	*run_out = (struct mali_file_run){.fd = overlays->fd,
					  .last_pa = UINT64_MAX};
	if (!overlays->tree.root)
		return;
	node = mali_tree_before(&overlays->tree, pa);
	if (node && node->last >= pa) {
		const struct overlay *overlay = overlay_of(node);

		run_out->fd = overlay->fd;
		run_out->first_pa = node->start;
		run_out->last_pa = node->last;
		run_out->offset = overlay->offset;
		return;
	}
	if (node)
		run_out->first_pa = node->last + 1;
	run_out->offset = run_out->first_pa;
	node = mali_tree_after(&overlays->tree, pa);
	if (node)
		run_out->last_pa = node->start - 1;
}

void mali_overlay_finish(struct mali_overlays *overlays)
{
	struct overlay *overlay;

	while ((overlay = first_in(overlays, 0, UINT64_MAX)))
		forget(overlays, overlay);
}
