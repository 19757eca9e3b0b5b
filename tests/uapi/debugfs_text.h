/* SPDX-License-Identifier: MIT */
/* Tables in the text of debugfs files. */
#ifndef DEBUGFS_TEXT_H
#define DEBUGFS_TEXT_H

struct pan_kmod_dev;

/* A file of the driver's, to be free()d. Skips the test on a render node. */
char *debugfs_text(struct pan_kmod_dev *dev, const char *name);
/*
 * A cell of the table under the line that begins with @title, without the spaces
 * around it; NULL: there is no such table, row or column. @row counts from 0.
 * Belongs to this function, and is good for the next 15 calls.
 */
const char *debugfs_cell(const char *text, const char *title, unsigned row,
                         const char *column);
/* The row whose @column has @value, or -1. */
int debugfs_row(const char *text, const char *title, const char *column,
                const char *value);

#endif /* DEBUGFS_TEXT_H */
