// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/seq_file.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_debugfs_priv.h"
#include "panthor_gem.h"
#include "panthor_pt_priv.h"
#include "panthor_translation.h"
#include "panthor_vm.h"

/* ---------------------------------------------------------- translations -- */

static void show_run(struct seq_file *m,
		     const struct panthor_translation *run)
{
	seq_printf(m,
		   " 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx | %-6s | %s | %llu + %llu + %llu + %llu%s\n",
		   (unsigned long long)run->start,
		   (unsigned long long)run->end,
		   run->bo ? panthor_debugfs_object(run->bo->bo) : 0ull,
		   (unsigned long long)run->offset,
		   run->sparse ? "sparse" : "memory",
		   panthor_debugfs_may(run->attributes),
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_MEMORY],
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_NULL],
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_ABSENT],
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_SHARED],
		   run->agrees ? "" : " | DISAGREES");
}

static int show_runs(struct seq_file *m, struct panthor_vm *vm,
		     struct panthor_debugfs_name name)
{
	struct panthor_translation run;
	u64 va;

	mutex_lock(&vm->op_lock);
	seq_printf(m, "Translations of file %u, VM %u: %llu tables at 0x%llx\n\n",
		   name.file, name.id, (unsigned long long)vm->pt.pages,
		   (unsigned long long)panthor_pt_root_pa(&vm->pt));
	seq_puts(m, " start              | end                | object             | object offset      | what   | may | present + null + absent leaves + shared tables\n");
	seq_puts(m, "----------------------------------------------------------------------------------------------------------------------------------\n");
	for (va = 0; panthor_vm_next_translation(vm, va, &run); va = run.end)
		show_run(m, &run);
	mutex_unlock(&vm->op_lock);
	seq_putc(m, '\n');
	return 0;
}

int panthor_debugfs_show_translations(struct seq_file *m, void *unused)
{
	return panthor_debugfs_show_vms(m, show_runs);
}

/* ----------------------------------------------------------- page_tables -- */

/* Entries of a table, one behind the other, that are alike. */
struct entries {
	u32 first, count;
	u64 desc;   /* of the first */
	u64 stride; /* from an entry's descriptor to the next one's */
};

static bool is_leaf(u64 desc, int level)
{
	return level == LEAF_LEVEL || !is_table(desc);
}

/*
 * Takes in the next entry if it is like the others: names the same shared table or
 * block, or the memory behind theirs. Private tables stand alone.
 */
static bool take_entry(struct entries *entries, u64 desc, int level)
{
	u64 first = entries->desc;

	if (!entries->count || !desc ||
	    is_leaf(first, level) != is_leaf(desc, level) ||
	    (!is_leaf(desc, level) && !is_shared(desc)))
		return false;
	/* A null leaf's address means nothing. */
	if ((desc & PANTHOR_PTE_NULL) && !is_absent(desc))
		desc = (desc & ~PANTHOR_PTE_ADDR_MASK) |
		       (first & PANTHOR_PTE_ADDR_MASK);
	if (entries->count == 1)
		entries->stride = desc == first ? 0 : entry_span(level);
	if (desc != first + entries->count * entries->stride)
		return false;
	entries->count++;
	return true;
}

static void show_table(struct seq_file *m, const u64 *table, int level,
		       u64 start, int indent);

static void show_leaves(struct seq_file *m, const struct entries *entries,
			int level)
{
	u64 desc = entries->desc, span = entry_span(level);
	bool big = span >= SZ_1M;

	seq_printf(m, "%u x %llu %s, %s%s", entries->count,
		   (unsigned long long)(big ? span / SZ_1M : span / SZ_1K),
		   big ? "MiB" : "KiB", panthor_debugfs_may(desc),
		   desc & PANTHOR_PTE_ATTRINDX(1) ? "" : " uncached");
	if (is_absent(desc))
		seq_printf(m, ", absent: 0x%llx of an evicted object\n",
			   (unsigned long long)(desc & PANTHOR_PTE_ADDR_MASK));
	else if (desc & PANTHOR_PTE_NULL)
		seq_puts(m, ", null memory\n");
	else
		seq_printf(m, "%s at 0x%llx\n",
			   entries->count > 1 && !entries->stride ? ", each" :
								    "",
			   (unsigned long long)(desc & PANTHOR_PTE_ADDR_MASK));
}

static void show_entries(struct seq_file *m, const struct entries *entries,
			 int level, u64 start, int indent)
{
	u64 va = start + entries->first * entry_span(level);
	u64 desc = entries->desc;

	seq_printf(m, "%*s[%3u", indent, "", entries->first);
	if (entries->count > 1)
		seq_printf(m, "-%3u", entries->first + entries->count - 1);
	seq_printf(m, "] 0x%012llx ", (unsigned long long)va);

	if (is_leaf(desc, level)) {
		show_leaves(m, entries, level);
		return;
	}
	seq_printf(m, "%stable of level %d at 0x%llx",
		   is_shared(desc) ? "shared " : "", level + 1,
		   (unsigned long long)(desc & PANTHOR_PTE_ADDR_MASK));
	if (is_shared(desc)) {
		seq_putc(m, '\n');
	} else {
		seq_printf(m, ", %u in use\n", live_count(desc_table(desc)));
		show_table(m, desc_table(desc), level + 1, va, indent + 2);
	}
}

static void show_table(struct seq_file *m, const u64 *table, int level,
		       u64 start, int indent)
{
	struct entries entries = {};
	u32 i;

	for (i = 0; i < PANTHOR_PT_ENTRIES; i++) {
		if (take_entry(&entries, table[i], level))
			continue;
		if (entries.count)
			show_entries(m, &entries, level, start, indent);
		entries = (struct entries){
			.first = i,
			.count = table[i] != 0,
			.desc = table[i],
		};
	}
	if (entries.count)
		show_entries(m, &entries, level, start, indent);
}

/* Once each, whatever names them; their addresses count from their start. */
static void show_shared(struct seq_file *m, const struct panthor_pt *pt)
{
	const struct panthor_pt_shared *shared;
	int set, level;
	u64 leaf;

	for (set = 0; set < PANTHOR_PT_SETS; set++) {
		leaf = panthor_pt_leaf(panthor_pt_set_flags(set));
		for (level = 0; level < PANTHOR_PT_LEVELS; level++) {
			shared = &pt->shared[set][level];
			if (!shared->page)
				continue;
			seq_printf(m,
				   "shared table of level %d at 0x%llx: %s%s, named by %llu entries\n",
				   level,
				   (unsigned long long)page_to_phys(
					   shared->page),
				   panthor_debugfs_may(leaf),
				   leaf & PANTHOR_PTE_ATTRINDX(1) ? "" :
								    " uncached",
				   (unsigned long long)shared->refs);
			show_table(m, page_address(shared->page), level, 0, 2);
		}
	}
}

static int show_tree(struct seq_file *m, struct panthor_vm *vm,
		     struct panthor_debugfs_name name)
{
	const struct panthor_pt *pt = &vm->pt;
	const u64 *root = page_address(pt->root);

	mutex_lock(&vm->op_lock);
	seq_printf(m, "Page tables of file %u, VM %u: %llu tables\n\n",
		   name.file, name.id, (unsigned long long)pt->pages);
	seq_printf(m, "table of level %d at 0x%llx, %u in use\n",
		   pt->root_level, (unsigned long long)panthor_pt_root_pa(pt),
		   live_count(root));
	show_table(m, root, pt->root_level, 0, 2);
	show_shared(m, pt);
	mutex_unlock(&vm->op_lock);
	seq_putc(m, '\n');
	return 0;
}

int panthor_debugfs_show_page_tables(struct seq_file *m, void *unused)
{
	return panthor_debugfs_show_vms(m, show_tree);
}
