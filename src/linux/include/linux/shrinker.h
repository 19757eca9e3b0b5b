/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: no NUMA nodes, memory cgroups or debugfs. When an allocation of
 * pages finds none, it calls the shrinkers in its own context, with whatever
 * locks its caller holds, and tries again.
 */
#ifndef LINUX_SHRINKER_H
#define LINUX_SHRINKER_H

#include <linux/gfp_types.h>
#include <linux/list.h>
#include <linux/types.h>

struct shrink_control {
	gfp_t gfp_mask;
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

/* From scan_objects: no progress can be made in this context. */
#define SHRINK_STOP (~0UL)
/* From count_objects: there is nothing. */
#define SHRINK_EMPTY (~0UL - 1)
#define DEFAULT_SEEKS 2

struct shrinker {
	unsigned long (*count_objects)(struct shrinker *shrinker,
				       struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *shrinker,
				      struct shrink_control *sc);
	long batch; /* objects to scan at a time; 0: 128 */
	int seeks;
	void *private_data;
	/* private */
	struct list_head list;
};

/* NULL: no memory. The name is for a debugfs that is not here. */
struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void shrinker_register(struct shrinker *shrinker);
/* Also of one that was not registered. It is not called any more afterwards. */
void shrinker_free(struct shrinker *shrinker);

#endif /* LINUX_SHRINKER_H */
