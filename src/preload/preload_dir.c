/* SPDX-License-Identifier: MIT */
/* Directories: those of the tree, in which the node is a device. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "preload.h"
#include "preload_real.h"

PRELOAD_API DIR *
opendir(const char *path)
{
   char buffer[PATH_MAX];

   return REAL(opendir)(preload_redirect(path, buffer));
}

/* Whether the entry is the node, which is a plain file there. */
static bool
is_node_entry(DIR *dir, const char *name, unsigned char type)
{
   int saved = errno;
   struct stat st;

   if (type != DT_REG || strcmp(name, PRELOAD_NODE_NAME))
      return false;
   bool found =
      !REAL(fstatat)(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW);
   errno = saved;
   return found && preload_is_node(&st);
}

PRELOAD_API struct dirent *
readdir(DIR *dir)
{
   struct dirent *entry = REAL(readdir)(dir);

   if (entry && is_node_entry(dir, entry->d_name, entry->d_type))
      entry->d_type = DT_CHR;
   return entry;
}

PRELOAD_API struct dirent64 *
readdir64(DIR *dir)
{
   struct dirent64 *entry = REAL(readdir64)(dir);

   if (entry && is_node_entry(dir, entry->d_name, entry->d_type))
      entry->d_type = DT_CHR;
   return entry;
}

PRELOAD_API int
scandir(const char *path, struct dirent ***names_out,
        int (*filter)(const struct dirent *),
        int (*compare)(const struct dirent **, const struct dirent **))
{
   char buffer[PATH_MAX];

   return REAL(scandir)(preload_redirect(path, buffer), names_out, filter,
                        compare);
}

PRELOAD_API int
scandir64(const char *path, struct dirent64 ***names_out,
          int (*filter)(const struct dirent64 *),
          int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
   char buffer[PATH_MAX];

   return REAL(scandir64)(preload_redirect(path, buffer), names_out, filter,
                          compare);
}
