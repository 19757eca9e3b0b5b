/* SPDX-License-Identifier: MIT */
/*
 * The engine: Mesa's lavapipe, loaded with dlopen, reached through its ICD
 * interface and through tables of its functions.
 */
#ifndef PANVK_ENGINE_H
#define PANVK_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "panvk_engine_funcs.h"
#include "panvk_vk_compat.h"

/* The oldest Mesa whose lavapipe has what is needed. */
#define PANVK_ENGINE_MIN_MESA 25

#define PANVK_TABLE_MEMBER(name) PFN_vk##name name;
struct panvk_global_table {
   PANVK_GLOBAL_FUNCS(PANVK_TABLE_MEMBER)
};
struct panvk_instance_table {
   PANVK_INSTANCE_FUNCS(PANVK_TABLE_MEMBER)
};
struct panvk_device_table {
   PANVK_DEVICE_FUNCS(PANVK_TABLE_MEMBER)
};
#undef PANVK_TABLE_MEMBER

/* The loaded library; one per process, never unloaded. */
struct panvk_engine {
   char path[512]; /* as it was found */
   PFN_vk_icdNegotiateLoaderICDInterfaceVersion negotiate;
   PFN_vk_icdGetInstanceProcAddr get_instance_proc_addr;
   PFN_vk_icdGetPhysicalDeviceProcAddr get_physical_device_proc_addr;
   struct panvk_global_table vk;
};

/*
 * Loads the engine on the first call. NULL when there is none, after a message
 * on stderr, once, that says what to install. Any thread.
 */
const struct panvk_engine *panvk_engine_get(void);

/*
 * Mesa's version from a driverInfo such as "Mesa 25.0.7-2 (LLVM 15.0.6)".
 * False if it does not start like one.
 */
bool panvk_engine_parse_version(const char *driver_info, unsigned *major_out,
                                unsigned *minor_out);

/* A function of the engine by its full name. NULL: it has none. */
PFN_vkVoidFunction panvk_engine_instance_proc(VkInstance instance,
                                              const char *name);

void panvk_instance_table_load(struct panvk_instance_table *table,
                               VkInstance instance);
void panvk_device_table_load(struct panvk_device_table *table, VkDevice device,
                             PFN_vkGetDeviceProcAddr get_device_proc_addr);

#endif /* PANVK_ENGINE_H */
