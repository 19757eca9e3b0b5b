// SPDX-License-Identifier: MIT OR GPL-2.0
/* The system calls of a process on the device node; see linux_machine.h. */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <drm/drm_file.h>
#include <uapi/linux/dma-buf.h>

#include "drm_internal.h"
#include "drm_mmap.h"
#include "linux_machine.h"

struct linux_file {
	struct file file;
};

int linux_sys_open(struct linux_file **file_out)
{
	const struct file_operations *fops;
	struct linux_file *file;
	struct inode *inode;
	int ret;

	ret = linux_drm_node_get(&inode, &fops);
	if (ret)
		return ret;
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	kref_init(&file->file.f_count);
	file->file.f_op = fops;
	file->file.f_inode = inode;
	file->file.f_flags = O_RDWR;
	ret = fops->open(inode, &file->file);
	if (ret) {
		/* Never opened: there is nothing to release. */
		file->file.f_released = true;
		fput(&file->file);
	} else {
		*file_out = file;
	}
	linux_assert_no_locks_held();
	return ret;
}

void linux_sys_close(struct linux_file *file)
{
	/*
	 * At once, while mappings may still hold the struct: the kernel would
	 * wait for them, but here nobody tells us of a plain munmap().
	 */
	file->file.f_released = true;
	file->file.f_op->release(file->file.f_inode, &file->file);
	fput(&file->file);
	linux_file_reap();
	linux_assert_no_locks_held();
}

static int file_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	long ret = file->f_op->unlocked_ioctl ?
			   file->f_op->unlocked_ioctl(file, cmd,
						      (unsigned long)arg) :
			   -ENOTTY;

	linux_assert_no_locks_held();
	return ret == -ERESTARTSYS ? -EINTR : (int)ret;
}

int linux_sys_ioctl(struct linux_file *file, unsigned int cmd, void *arg)
{
	return file_ioctl(&file->file, cmd, arg);
}

int linux_sys_mmap(struct linux_file *file, void *addr, size_t size_B, int prot,
		   int flags, uint64_t offset, void **addr_out)
{
	int ret = linux_mmap(&file->file, (unsigned long)addr, size_B, prot,
			     flags, offset, addr_out);

	linux_assert_no_locks_held();
	return ret;
}

int linux_sys_munmap(void *addr, size_t size_B)
{
	int ret = linux_munmap((unsigned long)addr, size_B);

	linux_assert_no_locks_held();
	return ret;
}

bool linux_sys_is_mapped(const void *addr, size_t size_B)
{
	return linux_is_mapped((unsigned long)addr, size_B);
}

int linux_sys_forget_mappings(void *addr, size_t size_B)
{
	int ret = linux_forget_mappings((unsigned long)addr, size_B);

	linux_assert_no_locks_held();
	return ret;
}

/* ---------------------------------------------------------- descriptors -- */

/* A reference on the file behind @fd. ERR_PTR(-EBADF: none of this kernel's). */
static struct file *file_of(int fd)
{
	struct file *file = fget(fd);
	struct dma_buf *foreign;

	if (file)
		return file;
	foreign = linux_dma_buf_foreign_get(fd);
	if (IS_ERR(foreign))
		return ERR_PTR(PTR_ERR(foreign) == -EINVAL ? -EBADF :
							     PTR_ERR(foreign));
	return foreign->file;
}

int linux_sys_fd_ioctl(int fd, unsigned int cmd, void *arg)
{
	/* Sockets of a program's own know many an ioctl, but none of these. */
	bool of_dma_buf = _IOC_TYPE(cmd) == DMA_BUF_BASE;
	struct file *file = of_dma_buf ? file_of(fd) : fget(fd);
	int ret;

	if (IS_ERR_OR_NULL(file))
		return file ? PTR_ERR(file) : -EBADF;
	ret = file_ioctl(file, cmd, arg);
	fput(file);
	return ret;
}

int linux_sys_fd_mmap(int fd, void *addr, size_t size_B, int prot, int flags,
		      uint64_t offset, void **addr_out)
{
	struct file *file = file_of(fd);
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = linux_mmap(file, (unsigned long)addr, size_B, prot, flags, offset,
			 addr_out);
	fput(file);
	linux_assert_no_locks_held();
	return ret;
}

int linux_sys_fd_lseek(int fd, int64_t offset, int whence, int64_t *pos_out)
{
	struct file *file = file_of(fd);
	loff_t pos;

	if (IS_ERR(file))
		return PTR_ERR(file);
	pos = file->f_op->llseek ? file->f_op->llseek(file, offset, whence) :
				   -ESPIPE;
	fput(file);
	if (pos < 0)
		return (int)pos;
	*pos_out = pos;
	return 0;
}

struct drm_file *linux_file_drm(struct linux_file *file)
{
	return file->file.private_data;
}

int linux_drm_report_leaks(void)
{
	return linux_mmap_report_leaks() + linux_file_report_leaks();
}
