/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * User mappings. Each is recorded, and holds what it shows, until it is
 * unmapped or mapped over through this file.
 */
#ifndef DRM_MMAP_H
#define DRM_MMAP_H

#include <linux/types.h>

struct file;

/*
 * mmap(2): addresses and sizes in bytes, prot and flags as the host has them.
 * -EINVAL, -EEXIST (MAP_FIXED_NOREPLACE), -EACCES (to be written through a file
 * for reading), -ENOMEM, or what the driver returned.
 * With MAP_FIXED the range is as before where the driver refused, and
 * inaccessible where the host did half-way.
 */
int linux_mmap(struct file *file, unsigned long addr, size_t size_B, int prot,
	       int flags, u64 offset, void **addr_out);
/* munmap(2), for whatever lies there. -EINVAL, -ENOMEM. */
int linux_munmap(unsigned long addr, size_t size_B);
/* Whether something of the range is recorded. */
bool linux_is_mapped(unsigned long addr, size_t size_B);
/*
 * The range, of whole pages, shows something else already: drops what is recorded
 * there. -ENOMEM: nothing was dropped.
 */
int linux_forget_mappings(unsigned long addr, size_t size_B);
/* Drops what is still recorded, without touching those addresses. */
int linux_mmap_report_leaks(void);

#endif /* DRM_MMAP_H */
