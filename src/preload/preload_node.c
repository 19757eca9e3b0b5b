/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the node. Each open() makes a pair of sockets. The program has
 * one end, which is found again by its inode, through whatever copies; the other
 * end stays here and hangs up when the last copy is closed, in whatever way and
 * process.
 *
 * nodes_lock guards the list and the machine; a node's file has its own locks,
 * in the machine. A child of fork() has the memory but none of the threads of the
 * machine, and so no node.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "preload.h"
#include "preload_guard.h"
#include "preload_real.h"

#define LEAK_STATUS 23 /* as with LeakSanitizer */

struct preload_node {
   struct preload_node *next; /* in nodes */
   struct host_file *file;
   dev_t dev; /* of the program's end */
   ino_t ino;
   int kernel_end;
   unsigned references; /* one for being open, one per call that uses it */
};

static pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct preload_node *nodes;
/* Once booted, until the process ends; written with nodes_lock held. */
static _Atomic(struct host_machine *) machine;
static atomic_uint node_count;
static atomic_bool mapped;
static atomic_bool in_child;

/* -------------------------------------------------------- the node's file -- */

static struct stat node_stat; /* st_ino 0: there is none */
static pthread_once_t node_stat_once = PTHREAD_ONCE_INIT;

static void
find_node_stat(void)
{
   char buffer[PATH_MAX];
   const char *path = preload_redirect(PRELOAD_NODE_PATH, buffer);
   int saved = errno;

   if (path != buffer || REAL(stat)(path, &node_stat))
      node_stat.st_ino = 0;
   errno = saved;
}

bool
preload_is_node(const struct stat *st)
{
   if (!S_ISREG(st->st_mode))
      return false;
   pthread_once(&node_stat_once, find_node_stat);
   return node_stat.st_ino && st->st_ino == node_stat.st_ino &&
          st->st_dev == node_stat.st_dev;
}

void
preload_fix_stat(struct stat *st)
{
   pthread_once(&node_stat_once, find_node_stat);
   *st = node_stat;
   st->st_mode = S_IFCHR | 0666;
   st->st_rdev = makedev(PRELOAD_MAJOR, PRELOAD_MINOR);
   st->st_size = 0;
   st->st_blocks = 0;
}

/* ---------------------------------------------------------------- machine -- */

static void
fork_prepare(void)
{
   pthread_mutex_lock(&nodes_lock);
}

static void
fork_parent(void)
{
   pthread_mutex_unlock(&nodes_lock);
}

static void
fork_child(void)
{
   atomic_store(&in_child, true);
   pthread_mutex_unlock(&nodes_lock);
}

/* With nodes_lock held. */
static int
boot(void)
{
   struct host_machine *new_machine;
   struct host_config config;

   if (machine)
      return 0;
   int ret = host_config_from_env(&config);
   /* Nothing here runs shaders: unbound memory is the driver's dummy. */
   config.null_memory = false;
   if (!ret)
      ret = host_machine_get(&config, &new_machine);
   if (ret) {
      preload_error("the machine cannot be booted: %s", strerror(-ret));
      return ret;
   }
   pthread_atfork(fork_prepare, fork_parent, fork_child);
   atomic_store(&machine, new_machine);
   return 0;
}

/* ------------------------------------------------------------------ nodes -- */

/* The program's end and ours, with the node that they are. */
static int
connect_node(struct preload_node *node, int flags)
{
   const int type = SOCK_STREAM | SOCK_CLOEXEC |
                    (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0);
   struct stat st;
   int ends[2];

   /* The wrapped one: the second end is guarded. */
   if (socketpair(AF_UNIX, type, 0, ends))
      return -errno;
   if (REAL(fstat)(ends[0], &st) ||
       (!(flags & O_CLOEXEC) && fcntl(ends[0], F_SETFD, 0))) {
      int ret = -errno;
      REAL(close)(ends[0]);
      preload_close_guarded(ends[1]);
      return ret;
   }
   node->dev = st.st_dev;
   node->ino = st.st_ino;
   node->kernel_end = ends[1];
   return ends[0];
}

/* With nodes_lock held: a descriptor or a negative errno. */
static int
open_locked(struct preload_node *node, int flags)
{
   int ret = boot();

   if (!ret)
      ret = host_open(machine, &node->file);
   if (ret)
      return ret;

   int fd = connect_node(node, flags);
   if (fd < 0) {
      host_close(node->file);
      return fd;
   }
   node->references = 1;
   node->next = nodes;
   nodes = node;
   atomic_fetch_add(&node_count, 1);
   return fd;
}

int
preload_node_open(int flags)
{
   int saved = errno;

   if (atomic_load(&in_child)) {
      preload_error("a child of fork() has no node before it calls exec()");
      errno = ENODEV;
      return -1;
   }

   struct preload_node *node = calloc(1, sizeof(*node));
   if (!node)
      return -1;

   pthread_mutex_lock(&nodes_lock);
   int fd = open_locked(node, flags);
   pthread_mutex_unlock(&nodes_lock);
   if (fd < 0) {
      free(node);
      errno = -fd;
      return -1;
   }
   errno = saved;
   return fd;
}

int
preload_debugfs_open(const char *name, int flags)
{
   char *text = NULL;
   size_t size_B;
   int saved = errno;
   int ret = preload_any_export()
                ? host_debugfs_read(machine, name, &text, &size_B)
                : -ENOENT;

   if (ret) {
      errno = -ret;
      return -1;
   }
   int fd = REAL(memfd_create)(name, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
   if (fd >= 0 && pwrite(fd, text, size_B, 0) != (ssize_t)size_B) {
      REAL(close)(fd);
      errno = ENOMEM;
      fd = -1;
   }
   free(text);
   if (fd >= 0)
      errno = saved;
   return fd;
}

struct preload_node *
preload_node_get(int fd)
{
   struct preload_node *node = NULL;
   int saved = errno;
   struct stat st;

   if (preload_any_node() && !REAL(fstat)(fd, &st) && S_ISSOCK(st.st_mode)) {
      pthread_mutex_lock(&nodes_lock);
      for (node = nodes; node; node = node->next) {
         if (node->ino == st.st_ino && node->dev == st.st_dev) {
            node->references++;
            break;
         }
      }
      pthread_mutex_unlock(&nodes_lock);
   }
   errno = saved;
   return node;
}

void
preload_node_put(struct preload_node *node)
{
   pthread_mutex_lock(&nodes_lock);
   bool last = --node->references == 0;
   pthread_mutex_unlock(&nodes_lock);
   if (!last)
      return;

   host_close(node->file);
   preload_close_guarded(node->kernel_end);
   free(node);
}

struct host_file *
preload_node_file(struct preload_node *node)
{
   return node->file;
}

bool
preload_in_child(void)
{
   return atomic_load(&in_child);
}

bool
preload_any_node(void)
{
   return atomic_load(&node_count) && !atomic_load(&in_child);
}

bool
preload_any_export(void)
{
   return atomic_load(&machine) && !atomic_load(&in_child);
}

bool
preload_any_mapping(void)
{
   return atomic_load(&mapped) && !atomic_load(&in_child);
}

void
preload_did_map(void)
{
   atomic_store(&mapped, true);
}

static bool
hung_up(const struct preload_node *node)
{
   struct pollfd poll_fd = {.fd = node->kernel_end};

   return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLHUP;
}

void
preload_nodes_collect(void)
{
   struct preload_node *dead = NULL;
   int saved = errno;

   if (!preload_any_node())
      return;

   pthread_mutex_lock(&nodes_lock);
   for (struct preload_node **link = &nodes; *link;) {
      struct preload_node *node = *link;

      if (!hung_up(node)) {
         link = &node->next;
         continue;
      }
      *link = node->next;
      node->next = dead;
      dead = node;
      atomic_fetch_sub(&node_count, 1);
   }
   pthread_mutex_unlock(&nodes_lock);

   while (dead) {
      struct preload_node *next = dead->next;

      preload_node_put(dead);
      dead = next;
   }
   errno = saved;
}

/* ------------------------------------------------------------------- exit -- */

/*
 * PANSPARSE_DRM_LEAKS=1: at the end of a program that has closed its nodes and
 * undone its mappings, what the driver still has is said, and is the program's
 * exit status. Otherwise the end of the process is the end of all.
 */
static void
check_leaks(void)
{
   const char *wanted = getenv("PANSPARSE_DRM_LEAKS");

   if (!wanted || !*wanted)
      return;
   preload_nodes_collect();
   if (atomic_load(&node_count)) {
      preload_error("leaks: %u open when the program ended, not looked for",
                    atomic_load(&node_count));
      return;
   }
   int leaks = host_machine_put(machine);
   if (!leaks)
      return;
   preload_error("leaks: %d", leaks);
   fflush(NULL);
   _exit(LEAK_STATUS);
}

static void __attribute__((destructor))
end_of_program(void)
{
   if (!machine || atomic_load(&in_child))
      return;
   preload_write_stats(machine);
   check_leaks();
}
