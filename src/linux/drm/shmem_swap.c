// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Swap of shmem objects. An object whose pages nobody holds any more is on a
 * list, oldest first, until somebody holds them again; when RAM runs out, its
 * contents go to a file of the host and its pages are freed. The file is a
 * memfd whose offsets are handed out by a range allocator over far more than
 * its bound, so that objects never have to be divided; pages of zeroes leave
 * holes in it.
 */
#include <drm/drm_gem_shmem_helper.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../core/internal.h"
#include "drm_internal.h"

/* Pages of file offsets: 2^60 bytes. */
#define FILE_PAGES (1ull << 48)

static struct {
	/* Guards all below, and what is written or freed of unheld objects. */
	pthread_mutex_t lock;
	int fd; /* -1: no swap */
	struct drm_mm mm;
	struct list_head unheld; /* drm_gem_shmem_object::swap_link */
	struct linux_swap_stats stats;
} swap = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.fd = -1,
	.unheld = LIST_HEAD_INIT(swap.unheld),
};

atomic_long_t nr_swap_pages;

static unsigned long num_pages(const struct drm_gem_shmem_object *shmem)
{
	return shmem->base.size >> PAGE_SHIFT;
}

/* ------------------------------------------------------------- transfers -- */

static bool is_zero(const char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

static int write_all(const char *data, size_t size_B, off_t offset)
{
	while (size_B) {
		ssize_t n = pwrite(swap.fd, data, size_B, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		offset += n;
		size_B -= (size_t)n;
	}
	return 0;
}

/* Writes the pages of a run that are not zero, as few pieces as possible. */
static int write_run(const struct linux_ram_run *run, off_t offset)
{
	const char *data = pfn_to_virt(run->pfn);
	unsigned long first = 0, i;
	int ret = 0;

	for (i = 0; i <= run->num_pages && !ret; i++) {
		if (i < run->num_pages && !is_zero(data + (i << PAGE_SHIFT)))
			continue;
		if (i > first) {
			ret = write_all(data + (first << PAGE_SHIFT),
					(i - first) << PAGE_SHIFT,
					offset + (off_t)(first << PAGE_SHIFT));
			swap.stats.out_B += (i - first) << PAGE_SHIFT;
		}
		first = i + 1;
	}
	return ret;
}

static int read_all(char *data, size_t size_B, off_t offset)
{
	while (size_B) {
		ssize_t n = pread(swap.fd, data, size_B, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		offset += n;
		size_B -= (size_t)n;
	}
	return 0;
}

/* Fills zeroed RAM with what the file has of it; holes are left out. */
static int read_run(const struct linux_ram_run *run, off_t offset, u64 *read_B)
{
	off_t end = offset + (off_t)(run->num_pages << PAGE_SHIFT);
	char *data = pfn_to_virt(run->pfn);
	off_t at = offset, hole;
	int ret;

	while (at < end) {
		at = lseek(swap.fd, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? 0 : -errno;
		if (at >= end)
			return 0;
		hole = lseek(swap.fd, at, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		hole = min(hole, end);
		ret = read_all(data + (at - offset), (size_t)(hole - at), at);
		if (ret)
			return ret;
		*read_B += (u64)(hole - at);
		at = hole;
	}
	return 0;
}

/* -------------------------------------------------------------- in, out -- */

static void release_node(struct drm_gem_shmem_object *shmem)
{
	off_t start = (off_t)(shmem->swap_node.start << PAGE_SHIFT);

	if (!drm_mm_node_allocated(&shmem->swap_node))
		return;
	/* A file that keeps its pages is only a waste. */
	(void)!fallocate(swap.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 start, (off_t)shmem->base.size);
	drm_mm_remove_node(&shmem->swap_node);
	atomic_long_add((long)num_pages(shmem), &nr_swap_pages);
}

static int swap_out(struct drm_gem_shmem_object *shmem)
{
	off_t offset;
	int ret;

	if (get_nr_swap_pages() < (long)num_pages(shmem))
		return -ENOSPC;
	ret = drm_mm_insert_node(&swap.mm, &shmem->swap_node,
				 num_pages(shmem));
	if (ret)
		return ret;
	atomic_long_sub((long)num_pages(shmem), &nr_swap_pages);
	offset = (off_t)(shmem->swap_node.start << PAGE_SHIFT);
	for (unsigned int i = 0; i < shmem->num_runs && !ret; i++) {
		ret = write_run(&shmem->runs[i], offset);
		offset += (off_t)(shmem->runs[i].num_pages << PAGE_SHIFT);
	}
	if (ret) {
		release_node(shmem);
		return ret;
	}
	linux_shmem_free_runs(shmem);
	return 0;
}

void linux_shmem_swap_out(u64 freed_goal)
{
	struct drm_gem_shmem_object *shmem, *next;

	pthread_mutex_lock(&swap.lock);
	list_for_each_entry_safe(shmem, next, &swap.unheld, swap_link) {
		if (linux_freed_enough(freed_goal))
			break;
		if (!swap_out(shmem))
			list_del_init(&shmem->swap_link);
	}
	pthread_mutex_unlock(&swap.lock);
}

int linux_shmem_swap_in(struct drm_gem_shmem_object *shmem)
{
	u64 read_B = 0;
	off_t offset;
	int ret = 0;

	if (!drm_mm_node_allocated(&shmem->swap_node))
		return 0;
	offset = (off_t)(shmem->swap_node.start << PAGE_SHIFT);
	for (unsigned int i = 0; i < shmem->num_runs && !ret; i++) {
		ret = read_run(&shmem->runs[i], offset, &read_B);
		offset += (off_t)(shmem->runs[i].num_pages << PAGE_SHIFT);
	}
	if (ret)
		return ret;
	pthread_mutex_lock(&swap.lock);
	swap.stats.in_B += read_B;
	release_node(shmem);
	pthread_mutex_unlock(&swap.lock);
	return 0;
}

/* ---------------------------------------------------------------- owners -- */

void linux_shmem_unhold(struct drm_gem_shmem_object *shmem)
{
	pthread_mutex_lock(&swap.lock);
	if (shmem->runs && shmem->pages_mark_dirty_on_put)
		list_add_tail(&shmem->swap_link, &swap.unheld);
	pthread_mutex_unlock(&swap.lock);
}

void linux_shmem_hold(struct drm_gem_shmem_object *shmem)
{
	pthread_mutex_lock(&swap.lock);
	list_del_init(&shmem->swap_link);
	pthread_mutex_unlock(&swap.lock);
}

void linux_shmem_truncate(struct drm_gem_shmem_object *shmem)
{
	pthread_mutex_lock(&swap.lock);
	list_del_init(&shmem->swap_link);
	release_node(shmem);
	pthread_mutex_unlock(&swap.lock);
	linux_shmem_free_runs(shmem);
}

/* ------------------------------------------------------------------ boot -- */

void linux_get_swap_stats(struct linux_swap_stats *stats_out)
{
	pthread_mutex_lock(&swap.lock);
	*stats_out = swap.stats;
	pthread_mutex_unlock(&swap.lock);
}

int linux_swap_boot(void)
{
	u64 pages = linux_machine.swap_size_B >> PAGE_SHIFT;

	swap.stats = (struct linux_swap_stats){0};
	swap.fd = -1;
	atomic_long_set(&nr_swap_pages, 0);
	drm_mm_init(&swap.mm, 0, FILE_PAGES);
	if (!pages)
		return 0;
	swap.fd = memfd_create("linux-swap", MFD_CLOEXEC);
	if (swap.fd < 0)
		return -errno;
	atomic_long_set(&nr_swap_pages, (long)pages);
	return 0;
}

void linux_swap_shutdown(void)
{
	drm_mm_takedown(&swap.mm);
	if (swap.fd >= 0)
		close(swap.fd);
	swap.fd = -1;
}
