/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: open files, as far as a DRM node and what it exports need them. */
#ifndef LINUX_FS_H
#define LINUX_FS_H

#include <linux/bits.h>
#include <linux/kref.h>
#include <linux/types.h>

struct file;
struct inode;
struct module;
struct poll_table_struct;
struct seq_file;
struct vm_area_struct;

#define MAX_LFS_FILESIZE ((loff_t)0x7fffffffffffffffll)

#define FOP_UNSIGNED_OFFSET BIT(5)

/* llseek()'s whence */
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

struct file_operations {
	struct module *owner;
	unsigned int fop_flags;
	int (*open)(struct inode *inode, struct file *file);
	int (*release)(struct inode *inode, struct file *file);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd,
			       unsigned long arg);
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
	/* There are no such system calls here. */
	long (*compat_ioctl)(struct file *file, unsigned int cmd,
			     unsigned long arg);
	unsigned int (*poll)(struct file *file, struct poll_table_struct *wait);
	ssize_t (*read)(struct file *file, char *buf, size_t count,
			loff_t *pos);
	void (*show_fdinfo)(struct seq_file *m, struct file *file);
};

#define noop_llseek NULL

/* What was opened: the device node. */
struct inode {
	unsigned int i_minor;
	void *i_private;
};

static inline unsigned int iminor(const struct inode *inode)
{
	return inode->i_minor;
}

struct file {
	struct kref f_count;
	const struct file_operations *f_op;
	struct inode *f_inode;
	unsigned int f_flags; /* O_* */
	void *private_data;
	bool f_released; /* release() was called: see linux_sys_close() */
};

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

static inline struct file *get_file(struct file *file)
{
	kref_get(&file->f_count);
	return file;
}

/* Drops a reference; the last one calls release(). */
void fput(struct file *file);

#endif /* LINUX_FS_H */
