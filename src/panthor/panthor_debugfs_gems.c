// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/seq_file.h>

#include <drm/drm_device.h>
#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_debugfs_priv.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_vm_bo.h"

/* What is said of a BO. */
struct gem_row {
	u32 refs, handles, vms;
	int users;
	u64 resident; /* bytes that have pages for the GPU or the CPU */
	bool null, evicted, exported, imported;
};

static void get_row(struct panthor_gem_object *bo, struct gem_row *row)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct panthor_vm_bo *vm_bo;

	/* Without ours. */
	row->refs = kref_read(&obj->refcount) - 1;
	row->imported = obj->import_attach;

	mutex_lock(&obj->dev->object_name_lock);
	row->handles = obj->handle_count;
	row->exported = !row->imported && obj->dma_buf;
	mutex_unlock(&obj->dev->object_name_lock);

	dma_resv_lock(obj->resv, NULL);
	row->null = bo->null;
	row->evicted = bo->evicted;
	row->users = atomic_read(&bo->users);
	if (bo->base.pages_use_count || bo->base.sgt)
		row->resident = panthor_bo_size(bo);
	list_for_each_entry (vm_bo, &bo->vm_bos, bo_node)
		row->vms++;
	dma_resv_unlock(obj->resv);
}

static void show_state(struct seq_file *m, const struct panthor_gem_object *bo,
		       const struct gem_row *row)
{
	const struct {
		bool is;
		const char *word;
	} words[] = {
		{!bo->evictable && !row->imported, "kernel"},
		{bo->dummy, "dummy"},
		{row->null, "null"},
		{row->evicted, "evicted"},
		{row->imported, "imported"},
		{row->exported, "exported"},
		{bo->exclusive_vm_root_gem, "exclusive"},
		{bo->flags & DRM_PANTHOR_BO_NO_MMAP, "no-mmap"},
		{bo->flags & DRM_PANTHOR_BO_WB_MMAP, "wb-mmap"},
	};
	bool any = false;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!words[i].is)
			continue;
		seq_printf(m, "%s%s", any ? "," : "", words[i].word);
		any = true;
	}
	if (!any)
		seq_putc(m, '-');
}

static void show_label(struct seq_file *m, struct panthor_gem_object *bo)
{
	mutex_lock(&bo->label.lock);
	if (bo->label.str)
		panthor_debugfs_put_name(m, bo->label.str);
	mutex_unlock(&bo->label.lock);
}

int panthor_debugfs_show_gems(struct seq_file *m, void *unused)
{
	struct panthor_device *ptdev = panthor_debugfs_device(m);
	struct panthor_gem_object *bo = NULL;

	seq_puts(m, "Buffer objects\n\n");
	seq_puts(m, " object             | refs | handles | size           | resident       | users | VMs | created by | state | label\n");
	seq_puts(m, "-----------------------------------------------------------------------------------------------------------------\n");
	while ((bo = panthor_gem_get_next(ptdev, bo))) {
		struct gem_row row = {};

		get_row(bo, &row);
		seq_printf(m,
			   " 0x%016llx | %4u | %7u | %14zu | %14llu | %5d | %3u | ",
			   panthor_debugfs_object(bo), row.refs, row.handles,
			   panthor_bo_size(bo),
			   (unsigned long long)row.resident, row.users,
			   row.vms);
		panthor_debugfs_put_creator(m, &bo->creator);
		seq_puts(m, " | ");
		show_state(m, bo, &row);
		seq_puts(m, " | ");
		show_label(m, bo);
		seq_putc(m, '\n');
	}
	seq_putc(m, '\n');
	return 0;
}
