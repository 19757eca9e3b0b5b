// SPDX-License-Identifier: MIT OR GPL-2.0
/* The files of debugfs, made when they are read. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../core/internal.h"
#include "drm_internal.h"

/* ------------------------------------------------------------- seq_file -- */

/* Makes room for @more bytes and one behind them; false: never again. */
static bool seq_grow(struct seq_file *m, size_t more)
{
	size_t size = m->size ? m->size : PAGE_SIZE;
	char *buf;

	if (m->size && seq_has_overflowed(m))
		return false;
	while (size <= m->count + more)
		size *= 2;
	if (size == m->size)
		return true;
	buf = kvmalloc(size, GFP_KERNEL);
	if (!buf) {
		if (!m->size)
			m->size = 1;
		m->count = m->size;
		return false;
	}
	if (m->count)
		memcpy(buf, m->buf, m->count);
	kvfree(m->buf);
	m->buf = buf;
	m->size = size;
	return true;
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	va_list args, again;
	int length;

	va_start(args, fmt);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, args);
	if (length > 0 && seq_grow(m, length)) {
		vsnprintf(m->buf + m->count, m->size - m->count, fmt, again);
		m->count += length;
	}
	va_end(again);
	va_end(args);
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_printf(m, "%s", s);
}

void seq_putc(struct seq_file *m, char c)
{
	seq_printf(m, "%c", c);
}

/* ---------------------------------------------------------------- files --- */

void drm_debugfs_create_files(const struct drm_info_list *files, int count,
			      struct dentry *root, struct drm_minor *minor)
{
	if (WARN_ON(minor->debugfs_files))
		return;
	minor->debugfs_files = files;
	minor->num_debugfs_files = count;
}

static const struct drm_info_list *find_file(struct drm_minor *minor,
					     const char *name)
{
	for (int i = 0; i < minor->num_debugfs_files; i++) {
		const struct drm_info_list *file = &minor->debugfs_files[i];

		if (!strcmp(file->name, name) &&
		    (!file->driver_features ||
		     drm_core_check_all_features(minor->dev,
						 file->driver_features)))
			return file;
	}
	return NULL;
}

static int show(struct drm_minor *minor, const struct drm_info_list *file,
		char **text_out, size_t *size_out)
{
	struct drm_info_node node = { .minor = minor, .info_ent = file };
	struct seq_file m = { .private = &node };
	int ret = file->show(&m, NULL);

	if (!ret && m.size && seq_has_overflowed(&m))
		ret = -ENOMEM;
	if (!ret) {
		/* It leaves the kernel: the caller's memory is libc's. */
		*text_out = linux_should_fail() ? NULL : malloc(m.count + 1);
		*size_out = m.count;
		if (*text_out) {
			if (m.count)
				memcpy(*text_out, m.buf, m.count);
			(*text_out)[m.count] = '\0';
		} else {
			ret = -ENOMEM;
		}
	}
	kvfree(m.buf);
	return ret;
}

int linux_debugfs_read(const char *name, char **text_out, size_t *size_out)
{
	struct drm_minor *minor = linux_drm_minor_acquire(NULL);
	const struct drm_info_list *file;
	int ret = -ENOENT;

	if (IS_ERR(minor))
		return PTR_ERR(minor);
	file = find_file(minor, name);
	if (file)
		ret = show(minor, file, text_out, size_out);
	drm_dev_put(minor->dev);
	linux_assert_no_locks_held();
	return ret;
}
