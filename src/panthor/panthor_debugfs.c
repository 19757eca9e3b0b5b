// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/err.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "panthor_debugfs.h"
#include "panthor_debugfs_priv.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_group.h"
#include "panthor_heap.h"
#include "panthor_vm.h"

void panthor_creator_init(struct panthor_creator *creator)
{
	creator->tgid = task_tgid_nr(current);
	strscpy(creator->comm, current->group_leader->comm,
		sizeof(creator->comm));
}

/* ----------------------------------------------------------------- names -- */

struct panthor_device *panthor_debugfs_device(struct seq_file *m)
{
	struct drm_info_node *node = m->private;

	return to_panthor_device(node->minor->dev);
}

void *panthor_debugfs_get_next(struct panthor_device *ptdev,
			       struct panthor_debugfs_name *name,
			       void *(*get)(struct panthor_file *pfile,
					    u32 *id))
{
	struct drm_file *file;
	void *found = NULL;
	u32 number = 0;

	mutex_lock(&ptdev->base.filelist_mutex);
	list_for_each_entry_reverse (file, &ptdev->base.filelist, lhead) {
		if (++number < name->file)
			continue;
		if (number > name->file)
			*name = (struct panthor_debugfs_name){.file = number};
		found = get(file->driver_priv, &name->id);
		if (found)
			break;
	}
	mutex_unlock(&ptdev->base.filelist_mutex);
	return found;
}

static void *get_vm(struct panthor_file *pfile, u32 *id)
{
	return panthor_vm_pool_get_next(pfile->vms, id);
}

int panthor_debugfs_show_vms(struct seq_file *m,
			     int (*show)(struct seq_file *m,
					 struct panthor_vm *vm,
					 struct panthor_debugfs_name name))
{
	struct panthor_device *ptdev = panthor_debugfs_device(m);
	struct panthor_debugfs_name name = {};
	struct panthor_vm *vm;
	int ret = 0;

	while (!ret && (vm = panthor_debugfs_get_next(ptdev, &name, get_vm))) {
		ret = show(m, vm, name);
		panthor_vm_put(vm);
	}
	return ret;
}

void panthor_debugfs_name_vm(struct panthor_device *ptdev,
			     const struct panthor_vm *vm,
			     char text[PANTHOR_DEBUGFS_VM_NAME_LEN])
{
	struct panthor_debugfs_name name = {};
	struct panthor_vm *other;
	bool found = false;

	while (vm && !found &&
	       (other = panthor_debugfs_get_next(ptdev, &name, get_vm))) {
		found = other == vm;
		panthor_vm_put(other);
	}
	if (found)
		snprintf(text, PANTHOR_DEBUGFS_VM_NAME_LEN, "file %u, VM %u",
			 name.file, name.id);
	else if (vm)
		strscpy(text, vm->for_mcu ? "firmware" : "destroyed",
			PANTHOR_DEBUGFS_VM_NAME_LEN);
	else
		strscpy(text, "-", PANTHOR_DEBUGFS_VM_NAME_LEN);
}

void panthor_debugfs_put_name(struct seq_file *m, const char *name)
{
	for (; *name; name++)
		seq_putc(m, (u8)*name < ' ' || *name == '|' || *name == 0x7f ?
				    '?' :
				    *name);
}

void panthor_debugfs_put_creator(struct seq_file *m,
				 const struct panthor_creator *creator)
{
	seq_printf(m, "%d ", creator->tgid);
	panthor_debugfs_put_name(m, creator->comm);
}

/* ----------------------------------------------------------------- files -- */

struct file_row {
	struct panthor_creator creator;
	u64 client_id;
	u32 handles, syncobjs;
	u32 vms, groups, heaps, chunks;
};

static u32 count_ids(struct idr *idr)
{
	void *entry;
	u32 count = 0;
	int id;

	idr_for_each_entry(idr, entry, id)
		count++;
	return count;
}

static bool read_file(struct panthor_device *ptdev, u32 wanted,
		      struct file_row *row)
{
	struct drm_file *file;
	u32 number = 0;

	mutex_lock(&ptdev->base.filelist_mutex);
	list_for_each_entry_reverse (file, &ptdev->base.filelist, lhead) {
		struct panthor_file *pfile = file->driver_priv;

		if (++number < wanted)
			continue;
		*row = (struct file_row){
			.creator = pfile->creator,
			.client_id = file->client_id,
		};
		spin_lock(&file->table_lock);
		row->handles = count_ids(&file->object_idr);
		spin_unlock(&file->table_lock);
		spin_lock(&file->syncobj_table_lock);
		row->syncobjs = count_ids(&file->syncobj_idr);
		spin_unlock(&file->syncobj_table_lock);
		break;
	}
	mutex_unlock(&ptdev->base.filelist_mutex);
	return number == wanted;
}

static void count_vms(struct panthor_device *ptdev, u32 file,
		      struct file_row *row)
{
	struct panthor_debugfs_name name = {.file = file};
	struct panthor_heap_pool *pool;
	struct panthor_vm *vm;

	while ((vm = panthor_debugfs_get_next(ptdev, &name, get_vm))) {
		if (name.file == file) {
			row->vms++;
			pool = panthor_heap_pool_get(vm, false);
			if (!IS_ERR(pool)) {
				panthor_heap_pool_count(pool, &row->heaps,
							&row->chunks);
				panthor_heap_pool_put(pool);
			}
		}
		panthor_vm_put(vm);
		if (name.file != file)
			break;
	}
}

static void *get_group(struct panthor_file *pfile, u32 *handle)
{
	return panthor_group_pool_get_next(pfile->groups, handle);
}

static void count_groups(struct panthor_device *ptdev, u32 file,
			 struct file_row *row)
{
	struct panthor_debugfs_name name = {.file = file};
	struct panthor_group *group;

	while ((group = panthor_debugfs_get_next(ptdev, &name, get_group))) {
		panthor_group_put(group);
		if (name.file != file)
			break;
		row->groups++;
	}
}

static int show_files(struct seq_file *m, void *unused)
{
	struct panthor_device *ptdev = panthor_debugfs_device(m);
	struct file_row row;
	u32 number;

	seq_puts(m, "Open files\n\n");
	seq_puts(m, " file | client | handles | syncobjs | VMs | groups | heaps | chunks | opened by\n");
	seq_puts(m, "---------------------------------------------------------------------------------\n");
	for (number = 1; read_file(ptdev, number, &row); number++) {
		count_vms(ptdev, number, &row);
		count_groups(ptdev, number, &row);
		seq_printf(m,
			   " %4u | %6llu | %7u | %8u | %3u | %6u | %5u | %6u | ",
			   number, (unsigned long long)row.client_id,
			   row.handles, row.syncobjs, row.vms, row.groups,
			   row.heaps, row.chunks);
		panthor_debugfs_put_creator(m, &row.creator);
		seq_putc(m, '\n');
	}
	seq_putc(m, '\n');
	return 0;
}

/* ---------------------------------------------------------------- gpuvas -- */

static int show_vmas(struct seq_file *m, struct panthor_vm *vm,
		     struct panthor_debugfs_name name)
{
	struct panthor_vma *vma;

	seq_printf(m,
		   "DRM GPU VA space (panthor-file-%u-vm-%u) [0x%016llx;0x%016llx]\n",
		   name.file, name.id, 0ull, (unsigned long long)vm->va_range);
	seq_printf(m, "Kernel reserved node [0x%016llx;0x%016llx]\n\n",
		   (unsigned long long)vm->user_va_range,
		   (unsigned long long)vm->va_range);
	seq_puts(m, " VAs | start              | range              | end                | object             | object offset\n");
	seq_puts(m, "-------------------------------------------------------------------------------------------------------------\n");
	mutex_lock(&vm->op_lock);
	for (vma = panthor_vma_first(&vm->vmas, 0); vma;
	     vma = panthor_vma_next(vma))
		seq_printf(m,
			   "     | 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx\n",
			   (unsigned long long)vma->start,
			   (unsigned long long)(vma->end - vma->start),
			   (unsigned long long)vma->end,
			   panthor_debugfs_object(vma->bo->bo),
			   (unsigned long long)vma->offset);
	mutex_unlock(&vm->op_lock);
	seq_putc(m, '\n');
	return 0;
}

static int show_gpuvas(struct seq_file *m, void *unused)
{
	return panthor_debugfs_show_vms(m, show_vmas);
}

/* -------------------------------------------------------------- registry -- */

static const struct drm_info_list files[] = {
	{"files", show_files, DRIVER_GEM, NULL},
	{"gpuvas", show_gpuvas, DRIVER_GEM, NULL},
	{"translations", panthor_debugfs_show_translations, DRIVER_GEM, NULL},
	{"page_tables", panthor_debugfs_show_page_tables, DRIVER_GEM, NULL},
	{"gems", panthor_debugfs_show_gems, DRIVER_GEM, NULL},
	{"slots", panthor_debugfs_show_slots, DRIVER_GEM, NULL},
	{"groups", panthor_debugfs_show_groups, DRIVER_GEM, NULL},
	{"binds", panthor_debugfs_show_binds, DRIVER_GEM, NULL},
};

void panthor_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_create_files(files, ARRAY_SIZE(files), minor->debugfs_root,
				 minor);
}
