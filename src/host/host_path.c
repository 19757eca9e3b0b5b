/* SPDX-License-Identifier: MIT */
#include "host_path.h"

#include <stdio.h>
#include <unistd.h>

bool
host_path_expand(const char *pattern, char *path, size_t size)
{
   size_t used = 0;
   for (const char *s = pattern; *s != '\0' && used < size; s++) {
      if (s[0] == '%' && s[1] == 'p') {
         used += (size_t)snprintf(path + used, size - used, "%d",
                                  (int)getpid());
         s++;
      } else {
         path[used++] = *s;
      }
   }
   if (used >= size)
      return false;
   path[used] = '\0';
   return true;
}
