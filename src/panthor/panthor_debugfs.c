// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/list.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_debugfs.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_translation.h"
#include "panthor_vm.h"

/* ------------------------------------------------------------------- VMs -- */

/* A VM as it is named: by the file, 1 for the oldest that is open, and its id. */
struct vm_name {
	u32 file;
	u32 id;
};

/*
 * A reference to the VM with the next higher name, or NULL. A file that is closed
 * meanwhile gives its number to the next one, whose VMs are passed over then.
 */
static struct panthor_vm *get_next_vm(struct panthor_device *ptdev,
				      struct vm_name *name)
{
	struct panthor_vm *vm = NULL;
	struct drm_file *file;
	u32 number = 0;

	mutex_lock(&ptdev->base.filelist_mutex);
	list_for_each_entry_reverse (file, &ptdev->base.filelist, lhead) {
		struct panthor_file *pfile = file->driver_priv;

		if (++number < name->file)
			continue;
		if (number > name->file)
			*name = (struct vm_name){ .file = number };
		vm = panthor_vm_pool_get_next(pfile->vms, &name->id);
		if (vm)
			break;
	}
	mutex_unlock(&ptdev->base.filelist_mutex);
	return vm;
}

static int show_vms(struct seq_file *m,
		    void (*show)(struct seq_file *m, struct panthor_vm *vm,
				 struct vm_name name))
{
	struct drm_info_node *node = m->private;
	struct panthor_device *ptdev = to_panthor_device(node->minor->dev);
	struct vm_name name = {};
	struct panthor_vm *vm;

	while ((vm = get_next_vm(ptdev, &name))) {
		mutex_lock(&vm->op_lock);
		show(m, vm, name);
		mutex_unlock(&vm->op_lock);
		panthor_vm_put(vm);
	}
	return 0;
}

/* What an object is called: nobody can make anything of it but "the same". */
static u64 object_name(const struct panthor_vm_bo *vm_bo)
{
	return (u64)(uintptr_t)&vm_bo->bo->base.base;
}

/* ---------------------------------------------------------------- gpuvas -- */

static void show_vmas(struct seq_file *m, struct panthor_vm *vm,
		      struct vm_name name)
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
	for (vma = panthor_vma_first(&vm->vmas, 0); vma;
	     vma = panthor_vma_next(vma))
		seq_printf(m,
			   "     | 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx\n",
			   (unsigned long long)vma->start,
			   (unsigned long long)(vma->end - vma->start),
			   (unsigned long long)vma->end,
			   (unsigned long long)object_name(vma->bo),
			   (unsigned long long)vma->offset);
	seq_putc(m, '\n');
}

static int show_gpuvas(struct seq_file *m, void *unused)
{
	return show_vms(m, show_vmas);
}

/* ---------------------------------------------------------- translations -- */

static void show_run(struct seq_file *m,
		     const struct panthor_translation *run)
{
	seq_printf(m,
		   " 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx | %-6s | %s%s | %llu + %llu + %llu + %llu%s\n",
		   (unsigned long long)run->start,
		   (unsigned long long)run->end,
		   run->bo ? (unsigned long long)object_name(run->bo) : 0ull,
		   (unsigned long long)run->offset,
		   run->sparse ? "sparse" : "memory",
		   run->attributes & PANTHOR_PTE_AP_RDONLY ? "r-" : "rw",
		   run->attributes & PANTHOR_PTE_XN ? "-" : "x",
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_MEMORY],
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_NULL],
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_ABSENT],
		   (unsigned long long)run->entries[PANTHOR_PT_KIND_SHARED],
		   run->agrees ? "" : " | DISAGREES");
}

static void show_page_tables(struct seq_file *m, struct panthor_vm *vm,
			     struct vm_name name)
{
	struct panthor_translation run;
	u64 va;

	seq_printf(m, "Translations of file %u, VM %u: %llu tables at 0x%llx\n\n",
		   name.file, name.id, (unsigned long long)vm->pt.pages,
		   (unsigned long long)panthor_pt_root_pa(&vm->pt));
	seq_puts(m, " start              | end                | object             | object offset      | what   | may | present + null + absent leaves + shared tables\n");
	seq_puts(m, "----------------------------------------------------------------------------------------------------------------------------------\n");
	for (va = 0; panthor_vm_next_translation(vm, va, &run); va = run.end)
		show_run(m, &run);
	seq_putc(m, '\n');
}

static int show_translations(struct seq_file *m, void *unused)
{
	return show_vms(m, show_page_tables);
}

/* ----------------------------------------------------------------- files -- */

static const struct drm_info_list files[] = {
	{ "gpuvas", show_gpuvas, DRIVER_GEM, NULL },
	{ "translations", show_translations, DRIVER_GEM, NULL },
};

void panthor_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_create_files(files, ARRAY_SIZE(files), minor->debugfs_root,
				 minor);
}
