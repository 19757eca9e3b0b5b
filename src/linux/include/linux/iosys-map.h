/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: a mapping is a pointer to memory. */
#ifndef LINUX_IOSYS_MAP_H
#define LINUX_IOSYS_MAP_H

#include <linux/types.h>

struct iosys_map {
	union {
		void __iomem *vaddr_iomem;
		void *vaddr;
	};
	bool is_iomem;
};

#define IOSYS_MAP_INIT_VADDR(ptr) { .vaddr = (ptr), .is_iomem = false }

static inline void iosys_map_set_vaddr(struct iosys_map *map, void *vaddr)
{
	map->vaddr = vaddr;
	map->is_iomem = false;
}

static inline void iosys_map_clear(struct iosys_map *map)
{
	iosys_map_set_vaddr(map, NULL);
}

static inline bool iosys_map_is_null(const struct iosys_map *map)
{
	return !map->vaddr;
}

#endif /* LINUX_IOSYS_MAP_H */
