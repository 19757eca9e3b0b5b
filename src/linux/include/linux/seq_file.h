/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: the text of a file that is made when it is read, as a whole. */
#ifndef LINUX_SEQ_FILE_H
#define LINUX_SEQ_FILE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct seq_file {
	char *buf; /* grows as needed */
	size_t size;
	size_t count; /* bytes written; size: memory ran out, and more is lost */
	void *private;
};

static inline bool seq_has_overflowed(const struct seq_file *m)
{
	return m->count == m->size;
}

void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);

#endif /* LINUX_SEQ_FILE_H */
