/* SPDX-License-Identifier: MIT */
#include "debugfs_text.h"

#include "uapi.h"

#define CELLS 16
#define CELL_B 256

char *
debugfs_text(struct pan_kmod_dev *dev, const char *name)
{
   size_t size_B;
   char *text;

   uapi_need_virtual(dev);
   assert_int_equal(pan_kmod_debugfs_read(dev, name, &text, &size_B), 0);
   assert_int_equal(strlen(text), size_B);
   return text;
}

/* The line behind this one, or NULL. */
static const char *
next_line(const char *line)
{
   const char *end = strchr(line, '\n');

   return end ? end + 1 : NULL;
}

/* The table's first line, which names the columns, or NULL. */
static const char *
find_table(const char *text, const char *title)
{
   for (const char *line = text; line; line = next_line(line)) {
      if (!strncmp(line, title, strlen(title)))
         return next_line(next_line(line));
   }
   return NULL;
}

/* What is between the bars before and behind column @n of a line; -1: no such. */
static int
find_cell(const char *line, unsigned n, const char **start_out)
{
   const char *end = line + strcspn(line, "\n"), *cell = line;

   for (; n; n--) {
      cell = memchr(cell, '|', (size_t)(end - cell));
      if (!cell)
         return -1;
      cell++;
   }
   const char *bar = memchr(cell, '|', (size_t)(end - cell));
   end = bar ? bar : end;
   while (cell < end && *cell == ' ')
      cell++;
   while (end > cell && end[-1] == ' ')
      end--;
   *start_out = cell;
   return (int)(end - cell);
}

static int
find_column(const char *head, const char *column)
{
   const char *cell;
   int length;

   for (unsigned n = 0; (length = find_cell(head, n, &cell)) >= 0; n++) {
      if (strlen(column) == (size_t)length && !memcmp(cell, column, (size_t)length))
         return (int)n;
   }
   return -1;
}

const char *
debugfs_cell(const char *text, const char *title, unsigned row,
             const char *column)
{
   static char cells[CELLS][CELL_B];
   static unsigned next;
   const char *line = find_table(text, title), *cell;
   int n = line ? find_column(line, column) : -1;

   if (n < 0)
      return NULL;
   /* Past the head and the rule. */
   line = next_line(next_line(line));
   while (row-- && *line && *line != '\n')
      line = next_line(line);
   if (!*line || *line == '\n')
      return NULL;
   int length = find_cell(line, (unsigned)n, &cell);
   if (length < 0 || length >= CELL_B)
      return NULL;
   char *copy = cells[next++ % CELLS];
   memcpy(copy, cell, (size_t)length);
   copy[length] = '\0';
   return copy;
}

int
debugfs_row(const char *text, const char *title, const char *column,
            const char *value)
{
   const char *cell;

   for (int row = 0; (cell = debugfs_cell(text, title, (unsigned)row, column));
        row++) {
      if (!strcmp(cell, value))
         return row;
   }
   return -1;
}
