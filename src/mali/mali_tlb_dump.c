/* SPDX-License-Identifier: MIT */
/* What the TLB holds, copied out for somebody who looks at it. */
#include <errno.h>
#include <stdlib.h>

#include "mali_private.h"

/* More that come between counting and copying. */
#define SPARE_LINES 64

struct lines {
	struct mali_tlb_line *line;
	size_t count, room;
};

/* Counts also what there is no room for. */
static void add_line(struct lines *lines, const struct mali_window *window,
		     const struct mali_entry *entry)
{
	if (lines->count < lines->room)
		lines->line[lines->count] = (struct mali_tlb_line){
			.as = (uint32_t)(window->as - window->gpu->as),
			.window_va = window->va,
			.window_size_B = window->size_B,
			.window_host = window->host,
			.va = entry ? entry->node.start : window->va,
			.size_B = entry ? entry->node.last -
						  entry->node.start + 1
					: 0,
			.pa = entry ? entry->pa : 0,
			.kind = entry ? entry->kind : MALI_ENTRY_READ,
		};
	lines->count++;
}

static void collect(struct mali_gpu *gpu, struct lines *lines)
{
	struct mali_window *window = NULL;
	struct mali_node *node;

	lines->count = 0;
	/* The lines are malloc()'s, which no window ever covers. */
	mali_tlb_lock();
	while ((window = mali_window_next(gpu, window))) {
		node = mali_tree_first(&window->entries, 0, UINT64_MAX);
		if (!node)
			add_line(lines, window, NULL);
		for (; node; node = mali_tree_next(node, 0, UINT64_MAX))
			add_line(lines, window,
				 mali_container_of(node, struct mali_entry,
						   node));
	}
	mali_tlb_unlock();
}

int mali_gpu_read_tlb(struct mali_gpu *gpu, struct mali_tlb_line **lines_out,
		      size_t *count_out)
{
	struct lines lines = {0};

	collect(gpu, &lines);
	while (lines.count > lines.room || !lines.line) {
		free(lines.line);
		lines.room = lines.count + SPARE_LINES;
		lines.line = malloc(lines.room * sizeof(*lines.line));
		if (!lines.line)
			return -ENOMEM;
		collect(gpu, &lines);
	}
	*lines_out = lines.line;
	*count_out = lines.count;
	return 0;
}
