/* SPDX-License-Identifier: MIT */
/* Paths: which are redirected into the tree, and back. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload.h"
#include "preload_real.h"

/* Directories of which the program sees the tree's instead. */
static const char *const redirected[] = {
   "/dev/dri",
   "/sys/class/drm",
   "/sys/dev/char/226:128",
   "/sys/devices/platform/" PRELOAD_PLATFORM_DEVICE,
   "/sys/bus/platform/devices/" PRELOAD_PLATFORM_DEVICE,
   "/sys/bus/platform/drivers/panthor",
};

static char root[PATH_MAX]; /* of the tree, without links; "" where there is none */
static size_t root_length;
static pthread_once_t root_once = PTHREAD_ONCE_INIT;

void
preload_error(const char *format, ...)
{
   int saved = errno;
   char text[512];
   va_list args;

   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);
   fprintf(stderr, "pansparse: render node: %s\n", text);
   errno = saved;
}

/* realpath(@directory/tree) if there is a tree. */
static bool
try_root(const char *directory, const char *tree)
{
   char path[2 * PATH_MAX];

   snprintf(path, sizeof(path), "%s%s" PRELOAD_NODE_PATH, directory, tree);
   if (REAL(access)(path, F_OK))
      return false;
   path[strlen(path) - strlen(PRELOAD_NODE_PATH)] = '\0';
   return REAL(realpath)(path, root) != NULL;
}

/* Installed beside the library, else where it was built. */
static void
find_root(void)
{
   int saved = errno;
   Dl_info info;

   if (dladdr(redirected, &info) && info.dli_fname) {
      char directory[PATH_MAX];

      snprintf(directory, sizeof(directory), "%s", info.dli_fname);
      char *slash = strrchr(directory, '/');
      if (slash) {
         *slash = '\0';
         try_root(directory, "/pansparse-drm");
      }
   }
   if (!root[0] && !try_root(PRELOAD_BUILD_TREE, ""))
      preload_error("its files are neither beside the library nor in "
                    PRELOAD_BUILD_TREE ": there is no " PRELOAD_NODE_PATH);
   root_length = strlen(root);
   errno = saved;
}

static const char *
skip_slashes(const char *path)
{
   for (;;) {
      if (*path == '/')
         path++;
      else if (path[0] == '.' && path[1] == '/')
         path += 2;
      else
         return path;
   }
}

/* What follows @prefix in @path, "" or from a slash on; NULL: it is elsewhere. */
static const char *
match(const char *path, const char *prefix)
{
   while (*prefix) {
      /* A component of each, the prefix's without needless slashes. */
      if (*path != '/')
         return NULL;
      path = skip_slashes(path);
      prefix++;

      size_t length = strcspn(prefix, "/");
      if (strncmp(path, prefix, length) ||
          (path[length] && path[length] != '/'))
         return NULL;
      path += length;
      prefix += length;
   }
   return path;
}

const char *
preload_redirect(const char *path, char buffer[PATH_MAX])
{
   /* The common case, before anything else. */
   if (!path || path[0] != '/')
      return path;

   for (size_t i = 0; i < sizeof(redirected) / sizeof(redirected[0]); i++) {
      const char *rest = match(path, redirected[i]);
      if (!rest)
         continue;

      pthread_once(&root_once, find_root);
      if (!root[0])
         return path;
      int length =
         snprintf(buffer, PATH_MAX, "%s%s%s", root, redirected[i], rest);
      return length < PATH_MAX ? buffer : path;
   }
   return path;
}

bool
preload_unredirect(const char *path, const char **inside_out)
{
   pthread_once(&root_once, find_root);
   if (!root[0] || strncmp(path, root, root_length) ||
       path[root_length] != '/')
      return false;
   *inside_out = path + root_length;
   return true;
}
