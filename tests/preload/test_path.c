/* SPDX-License-Identifier: MIT */
/* The node and what sysfs says of it, as files; and that other files are theirs. */
#include "client.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define SYS_NODE "/sys/dev/char/226:128"
#define SYS_DEVICE "/sys/devices/platform/fb000000.gpu"

/* ------------------------------------------------------------------- stat -- */

static void
check_node(const struct stat *st)
{
   assert_true(S_ISCHR(st->st_mode));
   assert_int_equal(major(st->st_rdev), 226);
   assert_int_equal(minor(st->st_rdev), 128);
   assert_int_equal(st->st_mode & 0666, 0666);
}

static void
test_stat(void **state)
{
   struct stat st, same;
   struct statx stx;
   int fd = open_node();
   int dir = open("/dev/dri", O_RDONLY | O_DIRECTORY);

   assert_int_equal(stat(NODE, &st), 0);
   check_node(&st);
   assert_int_equal(lstat(NODE, &same), 0);
   check_node(&same);
   assert_int_equal(stat(BY_PATH, &same), 0);
   check_node(&same);
   assert_int_equal(stat("//dev/./dri//renderD128", &same), 0);
   check_node(&same);
   assert_int_equal(lstat(BY_PATH, &same), 0);
   assert_true(S_ISLNK(same.st_mode));
   assert_int_equal(fstat(fd, &same), 0);
   check_node(&same);
   assert_int_equal(same.st_ino, st.st_ino);
   assert_int_equal(same.st_dev, st.st_dev);
   assert_int_equal(fstatat(dir, "renderD128", &same, 0), 0);
   check_node(&same);
   assert_int_equal(fstatat(fd, "", &same, AT_EMPTY_PATH), 0);
   check_node(&same);

   assert_int_equal(statx(AT_FDCWD, NODE, 0, STATX_BASIC_STATS, &stx), 0);
   assert_true(S_ISCHR(stx.stx_mode));
   assert_int_equal(stx.stx_rdev_major, 226);
   assert_int_equal(stx.stx_rdev_minor, 128);
   assert_int_equal(stx.stx_ino, st.st_ino);
   assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx), 0);
   assert_int_equal(stx.stx_rdev_minor, 128);

   assert_errno(stat("/dev/dri/card0", &st), ENOENT);
   assert_errno(stat("/dev/dri/renderD1280", &st), ENOENT);
   close(dir);
   close(fd);
}

/* What programs built with glibc 2.32 or older call instead. */
static void
test_old_stat(void **state)
{
   int (*xstat)(int, const char *, struct stat *) =
      dlsym(RTLD_DEFAULT, "__xstat");
   int (*fxstat)(int, int, struct stat *) = dlsym(RTLD_DEFAULT, "__fxstat");
   int fd = open_node();
   struct stat st;

   assert_non_null(xstat);
   assert_non_null(fxstat);
   assert_int_equal(xstat(1, NODE, &st), 0);
   check_node(&st);
   assert_int_equal(fxstat(1, fd, &st), 0);
   check_node(&st);
   close(fd);
}

static void
test_access(void **state)
{
   assert_int_equal(access(NODE, F_OK), 0);
   assert_int_equal(access(NODE, R_OK | W_OK), 0);
   assert_errno(access(NODE, X_OK), EACCES);
   assert_int_equal(faccessat(AT_FDCWD, NODE, R_OK | W_OK, 0), 0);
   assert_int_equal(eaccess(NODE, R_OK), 0);
   assert_errno(access("/dev/dri/card0", F_OK), ENOENT);
}

/* ------------------------------------------------------------ directories -- */

static int
is_render_node(const struct dirent *entry)
{
   return !strncmp(entry->d_name, "renderD", 7);
}

static void
test_listing(void **state)
{
   DIR *dir = opendir("/dev/dri");
   unsigned nodes = 0;

   assert_non_null(dir);
   for (struct dirent *entry; (entry = readdir(dir));) {
      if (!is_render_node(entry))
         continue;
      nodes++;
      assert_string_equal(entry->d_name, "renderD128");
      assert_int_equal(entry->d_type, DT_CHR);
   }
   closedir(dir);
   assert_int_equal(nodes, 1);

   struct dirent **names;
   assert_int_equal(scandir("/dev/dri", &names, is_render_node, alphasort), 1);
   assert_string_equal(names[0]->d_name, "renderD128");
   free(names[0]);
   free(names);

   dir = opendir(SYS_NODE "/device/drm");
   assert_non_null(dir);
   nodes = 0;
   for (struct dirent *entry; (entry = readdir(dir));)
      nodes += is_render_node(entry);
   assert_int_equal(nodes, 1);
   closedir(dir);
}

/* ------------------------------------------------------------------ links -- */

static void
test_links(void **state)
{
   char target[PATH_MAX], path[64];
   ssize_t length = readlink(SYS_NODE "/device/subsystem", target, PATH_MAX);

   assert_true(length > 9);
   assert_memory_equal(target + length - 9, "/platform", 9);

   assert_non_null(realpath(SYS_NODE, target));
   assert_string_equal(target, SYS_DEVICE "/drm/renderD128");
   char *resolved = realpath(SYS_NODE "/device", NULL);
   assert_string_equal(resolved, SYS_DEVICE);
   free(resolved);
   resolved = canonicalize_file_name(BY_PATH);
   assert_string_equal(resolved, NODE);
   free(resolved);
   assert_null(realpath("/dev/dri/card0", target));

   int fd = open_node();
   snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
   length = readlink(path, target, PATH_MAX);
   assert_int_equal(length, strlen(NODE));
   assert_memory_equal(target, NODE, (size_t)length);
   assert_int_equal(readlink(path, target, 4), 4);
   assert_memory_equal(target, "/dev", 4);
   close(fd);
}

/* ------------------------------------------------------------------- open -- */

static void
test_uevent(void **state)
{
   FILE *file = fopen(SYS_NODE "/device/uevent", "r");
   char line[128];
   bool found = false;

   assert_non_null(file);
   while (fgets(line, sizeof(line), file))
      found |= !strcmp(line, "OF_COMPATIBLE_0=arm,mali-valhall-csf\n");
   fclose(file);
   assert_true(found);

   /* sysfs lets nobody write here. */
   assert_null(fopen(SYS_NODE "/uevent", "w"));
   assert_errno(open(SYS_NODE "/uevent", O_RDWR), EACCES);
   assert_errno(open("/dev/dri/new", O_RDWR | O_CREAT, 0600), ENOENT);
}

static bool
is_open_node(int fd)
{
   drmVersionPtr version = fd >= 0 ? drmGetVersion(fd) : NULL;
   bool is = version && !strcmp(version->name, "panthor");

   drmFreeVersion(version);
   if (fd >= 0)
      close(fd);
   return is;
}

static void
test_open(void **state)
{
   int dir = open("/dev/dri", O_RDONLY | O_DIRECTORY);
   char cwd[PATH_MAX];

   assert_true(dir >= 0);
   assert_true(is_open_node(open(NODE, O_RDWR)));
   assert_true(is_open_node(open(NODE, O_RDWR | O_CREAT, 0600)));
   assert_true(is_open_node(open(BY_PATH, O_RDWR)));
   assert_true(is_open_node(open64(NODE, O_RDWR)));
   assert_true(is_open_node(openat(AT_FDCWD, NODE, O_RDWR)));
   assert_true(is_open_node(openat(dir, "renderD128", O_RDWR)));
   assert_true(is_open_node(openat64(dir, "./renderD128", O_RDWR)));
   assert_non_null(getcwd(cwd, sizeof(cwd)));
   assert_int_equal(fchdir(dir), 0);
   assert_true(is_open_node(open("renderD128", O_RDWR)));
   assert_int_equal(chdir(cwd), 0);
   close(dir);

   assert_errno(open(NODE, O_RDWR | O_DIRECTORY), ENOTDIR);
   assert_errno(open(NODE, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
   assert_errno(open(BY_PATH, O_RDWR | O_NOFOLLOW), ELOOP);
   assert_errno(open("/dev/dri/card0", O_RDWR), ENOENT);
}

static void
test_open_flags(void **state)
{
   int fd = open(NODE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

   assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
   assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK),
                    O_RDWR | O_NONBLOCK);
   close(fd);
   fd = open(NODE, O_RDWR);
   assert_int_equal(fcntl(fd, F_GETFD), 0);
   assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
   close(fd);
}

/* ----------------------------------------------------------- other files -- */

static void
test_others(void **state)
{
   char path[] = "/tmp/renderD128.XXXXXX", target[PATH_MAX];
   int fd = mkstemp(path);
   struct stat st;

   assert_true(fd >= 0);
   assert_int_equal(fstat(fd, &st), 0);
   assert_true(S_ISREG(st.st_mode));
   assert_int_equal(write(fd, "x", 1), 1);
   assert_errno(ioctl(fd, DRM_IOCTL_VERSION, target), ENOTTY);
   close(fd);
   assert_int_equal(stat(path, &st), 0);
   assert_int_equal(st.st_size, 1);
   assert_non_null(realpath(path, target));
   assert_string_equal(target, path);
   assert_int_equal(unlink(path), 0);
   assert_errno(open(path, O_RDONLY), ENOENT);

   assert_int_equal(stat("/dev/null", &st), 0);
   assert_true(S_ISCHR(st.st_mode));
   assert_int_equal(major(st.st_rdev), 1);
   assert_errno(close(-1), EBADF);
   assert_errno(fstat(-1, &st), EBADF);
   assert_errno(ioctl(-1, DRM_IOCTL_VERSION, target), EBADF);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stat),       cmocka_unit_test(test_access),
      cmocka_unit_test(test_old_stat),
      cmocka_unit_test(test_listing),    cmocka_unit_test(test_links),
      cmocka_unit_test(test_uevent),     cmocka_unit_test(test_open),
      cmocka_unit_test(test_open_flags), cmocka_unit_test(test_others),
   };
   return cmocka_run_group_tests_name("preload-path", tests, NULL, NULL);
}
