/* SPDX-License-Identifier: MIT */
/* Vulkan's structure chains and lists of names. */
#ifndef PANVK_CHAIN_H
#define PANVK_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "panvk_vk_compat.h"

/* The first structure of @type in a pNext chain, or NULL. */
const void *panvk_find_struct_const(const void *chain, VkStructureType type);
/* The same in a chain that is written to. */
void *panvk_find_struct(void *chain, VkStructureType type);

bool panvk_has_name(const char *const *names, uint32_t count, const char *name);
/*
 * @names with those of @more that it lacks behind them, for the caller to
 * free(). The strings stay where they are. NULL when out of memory.
 */
const char **panvk_merge_names(const char *const *names, uint32_t count,
                               const char *const *more, uint32_t more_count,
                               uint32_t *count_out);

#endif /* PANVK_CHAIN_H */
