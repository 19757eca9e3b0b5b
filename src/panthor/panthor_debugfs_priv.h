/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the files of panthor_debugfs_*.c share. */
#ifndef PANTHOR_DEBUGFS_PRIV_H
#define PANTHOR_DEBUGFS_PRIV_H

#include <linux/seq_file.h>
#include <linux/types.h>

#include "panthor_debugfs.h"
#include "panthor_pt.h"

struct panthor_device;
struct panthor_file;
struct panthor_gem_object;
struct panthor_vm;

/* A VM or group as it is named: by the file, 1 for the oldest open one, and its id. */
struct panthor_debugfs_name {
	u32 file;
	u32 id;
};

/* The device whose file is read. */
struct panthor_device *panthor_debugfs_device(struct seq_file *m);

/*
 * A reference to what has the next higher name, or NULL. @get gives that of one
 * file, behind *@id. A file that is closed meanwhile gives its number to the next
 * one, of which what has lower ids is passed over then.
 */
void *panthor_debugfs_get_next(struct panthor_device *ptdev,
			       struct panthor_debugfs_name *name,
			       void *(*get)(struct panthor_file *pfile,
					    u32 *id));

/* Calls @show for each VM, of which there is a reference meanwhile, and no lock. */
int panthor_debugfs_show_vms(struct seq_file *m,
			     int (*show)(struct seq_file *m,
					 struct panthor_vm *vm,
					 struct panthor_debugfs_name name));

/* "file 1, VM 2", or what else a VM is, or "-" for NULL. */
#define PANTHOR_DEBUGFS_VM_NAME_LEN 40
void panthor_debugfs_name_vm(struct panthor_device *ptdev,
			     const struct panthor_vm *vm,
			     char text[PANTHOR_DEBUGFS_VM_NAME_LEN]);

/* What an object is called: nobody can make anything of it but "the same". */
static inline unsigned long long
panthor_debugfs_object(const struct panthor_gem_object *bo)
{
	return (u64)(uintptr_t)bo;
}

/* Of any bytes, those that would end a line or a column are put as '?'. */
void panthor_debugfs_put_name(struct seq_file *m, const char *name);
void panthor_debugfs_put_creator(struct seq_file *m,
				 const struct panthor_creator *creator);

/* "rwx", with dashes for what a leaf does not allow. */
static inline const char *panthor_debugfs_may(u64 desc)
{
	if (desc & PANTHOR_PTE_AP_RDONLY)
		return desc & PANTHOR_PTE_XN ? "r--" : "r-x";
	return desc & PANTHOR_PTE_XN ? "rw-" : "rwx";
}

/* The files; 0 or -ENOMEM. */
int panthor_debugfs_show_translations(struct seq_file *m, void *unused);
int panthor_debugfs_show_page_tables(struct seq_file *m, void *unused);
int panthor_debugfs_show_gems(struct seq_file *m, void *unused);
int panthor_debugfs_show_slots(struct seq_file *m, void *unused);
int panthor_debugfs_show_groups(struct seq_file *m, void *unused);
int panthor_debugfs_show_binds(struct seq_file *m, void *unused);

#endif /* PANTHOR_DEBUGFS_PRIV_H */
