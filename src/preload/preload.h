/* SPDX-License-Identifier: MIT */
/*
 * The render node for any program: a library for LD_PRELOAD that stands before
 * libc, and gives the program a /dev/dri with one Panthor in it, which is the
 * machine of src/host. What is not about that node, libc gets as it came.
 *
 *   preload_path.c   which paths are redirected, and to where
 *   preload_node.c   descriptors of the node
 *   preload_real.c   libc, for this library and for the machine below it
 *   preload_guard.c  the machine's own descriptors
 *   preload_stats.c  counters, at the end
 *   preload_open.c, preload_close.c, preload_stat.c, preload_link.c,
 *   preload_dir.c, preload_io.c: the functions that stand before libc's
 *
 * /dev/dri and what sysfs says of the device are a small tree of files and links
 * in the file system (tree/), to which their paths are redirected. Of these
 * files one stands for the node: to open it is to open the machine.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "host/host.h"

#define PRELOAD_API __attribute__((visibility("default")))

/* As DRM numbers render nodes. */
#define PRELOAD_MAJOR 226
#define PRELOAD_MINOR 128
#define PRELOAD_NODE_NAME "renderD128"
#define PRELOAD_NODE_PATH "/dev/dri/" PRELOAD_NODE_NAME
#define PRELOAD_DEBUGFS_PATH "/sys/kernel/debug/dri/128/"

/* One line on stderr. Keeps errno. */
void preload_error(const char *format, ...)
   __attribute__((format(printf, 1, 2)));

/* ---------------------------------------------------------------- paths -- */

/*
 * @path, or where it is redirected to, in @buffer. Only absolute paths are: what
 * a program reaches from a directory of the tree is there already. A path that
 * would be too long comes back as it is, for libc to say so.
 */
const char *preload_redirect(const char *path, char buffer[PATH_MAX]);
/* Whether @path, which the kernel gave, is in the tree; then without its root. */
bool preload_unredirect(const char *path, const char **inside_out);

/* ----------------------------------------------------------------- node -- */

struct preload_node;

/* Whether this is the file that stands for the node. */
bool preload_is_node(const struct stat *st);
/* Makes of that file's struct stat the node's: a character device. */
void preload_fix_stat(struct stat *st);

/*
 * open(2) of the node, with its flags: a descriptor, or -1 and errno. Boots the
 * machine the first time; what went wrong then is said on stderr.
 */
int preload_node_open(int flags);
/*
 * open(2) of a file of the driver's in debugfs, as it is now: a descriptor, or -1
 * and errno.
 */
int preload_debugfs_open(const char *name, int flags);
/*
 * The open node behind @fd, with a reference, or NULL. Keeps errno. Copies of a
 * descriptor, however they were made, are the same node.
 */
struct preload_node *preload_node_get(int fd);
void preload_node_put(struct preload_node *node);
struct host_file *preload_node_file(struct preload_node *node);
/* In a child of fork(), which has the machine's memory and not its threads. */
bool preload_in_child(void);
/* Whether a node may be open; false is certain. */
bool preload_any_node(void);
/* Whether there may be descriptors that a node gave out; false is certain. */
bool preload_any_export(void);
/* Whether the program may have mappings of a node; false is certain. */
bool preload_any_mapping(void);
void preload_did_map(void);
/*
 * After descriptors were closed: closes the nodes that have none any more. Keeps
 * errno.
 */
void preload_nodes_collect(void);

/* ----------------------------------------------------------------- stats -- */

/* What PANSPARSE_STATS asks for, at the end of the program. */
void preload_write_stats(struct host_machine *machine);

#endif /* PRELOAD_H */
