/* SPDX-License-Identifier: MIT */
/*
 * The Vulkan loader's way in: interface negotiation and the look-up of commands
 * by name. A command of panvk_entrypoints.h is answered here, where the engine
 * offers it at all; the others are the engine's own pointers.
 */
#include <stdlib.h>
#include <string.h>

#include "panvk_device.h"
#include "panvk_diag.h"

#define PUBLIC __attribute__((visibility("default")))

struct entrypoint {
   const char *name;
   PFN_vkVoidFunction func;
};

#define ENTRY(name) {"vk" #name, (PFN_vkVoidFunction)panvk_##name},
#define ALIAS_ENTRY(alias, name)                                               \
   {"vk" #alias, (PFN_vkVoidFunction)panvk_##name},

static const struct entrypoint global_entrypoints[] = {
   PANVK_GLOBAL_ENTRYPOINTS(ENTRY)
};
static const struct entrypoint instance_entrypoints[] = {
   PANVK_INSTANCE_ENTRYPOINTS(ENTRY, ALIAS_ENTRY)
};
static const struct entrypoint physical_device_entrypoints[] = {
   PANVK_PHYSICAL_DEVICE_ENTRYPOINTS(ENTRY, ALIAS_ENTRY)
};
static const struct entrypoint device_entrypoints[] = {
   PANVK_DEVICE_ENTRYPOINTS(ENTRY, ALIAS_ENTRY)
};

/* NULL: not one of ours. Tens of entries, looked up when programs start. */
static PFN_vkVoidFunction
find(const struct entrypoint *entries, size_t count, const char *name)
{
   for (size_t i = 0; i < count; i++) {
      if (strcmp(entries[i].name, name) == 0)
         return entries[i].func;
   }
   return NULL;
}

#define FIND(entries, name) find(entries, PANVK_ARRAY_SIZE(entries), name)

/* One of the device's commands, or what diagnostics put in its place. */
static PFN_vkVoidFunction
find_device_command(const char *name)
{
   PFN_vkVoidFunction func = FIND(device_entrypoints, name);
   PFN_vkVoidFunction diag =
      func != NULL ? panvk_diag_entrypoint(name) : NULL;
   return diag != NULL ? diag : func;
}

/* Ours where both have it, else the engine's; NULL where it has none. */
static PFN_vkVoidFunction
prefer_ours(PFN_vkVoidFunction ours, PFN_vkVoidFunction engines)
{
   return engines != NULL && ours != NULL ? ours : engines;
}

/* -------------------------------------------------- device-level look-up -- */

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
panvk_GetDeviceProcAddr(VkDevice device, const char *pName)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   if (dev == NULL || pName == NULL || panvk_device_hides_command(dev, pName))
      return NULL;
   /* The one device-level command that finds itself. */
   if (strcmp(pName, "vkGetDeviceProcAddr") == 0)
      return (PFN_vkVoidFunction)panvk_GetDeviceProcAddr;

   return prefer_ours(
      find_device_command(pName),
      dev->pdev->instance->vk.GetDeviceProcAddr(device, pName));
}

/* ------------------------------------------------ instance-level look-up -- */

static PFN_vkVoidFunction
find_ours(const char *name)
{
   PFN_vkVoidFunction func = FIND(instance_entrypoints, name);
   if (func == NULL)
      func = FIND(physical_device_entrypoints, name);
   if (func == NULL)
      func = find_device_command(name);
   return func;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
panvk_GetInstanceProcAddr(VkInstance instance, const char *pName)
{
   const struct panvk_engine *engine = panvk_engine_get();
   if (engine == NULL || pName == NULL)
      return NULL;

   PFN_vkVoidFunction func = FIND(global_entrypoints, pName);
   if (func == NULL && instance != VK_NULL_HANDLE)
      func = find_ours(pName);
   return prefer_ours(func, engine->get_instance_proc_addr(instance, pName));
}

/* ------------------------------------------------------ loader interface -- */

PUBLIC VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance instance, const char *pName)
{
   /* Since version 7 of the interface the loader may look these up too. */
   static const struct entrypoint loader_entrypoints[] = {
      {"vk_icdNegotiateLoaderICDInterfaceVersion",
       (PFN_vkVoidFunction)vk_icdNegotiateLoaderICDInterfaceVersion},
      {"vk_icdGetPhysicalDeviceProcAddr",
       (PFN_vkVoidFunction)vk_icdGetPhysicalDeviceProcAddr},
   };
   PFN_vkVoidFunction func =
      pName != NULL ? FIND(loader_entrypoints, pName) : NULL;
   return func != NULL ? func : panvk_GetInstanceProcAddr(instance, pName);
}

PUBLIC VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *pName)
{
   const struct panvk_engine *engine = panvk_engine_get();
   if (engine == NULL || pName == NULL ||
       engine->get_physical_device_proc_addr == NULL)
      return NULL;
   return prefer_ours(FIND(physical_device_entrypoints, pName),
                      engine->get_physical_device_proc_addr(instance, pName));
}

/*
 * The version is the highest that the loader, this driver and the engine know,
 * since the engine's objects are those that the loader gets to see.
 */
PUBLIC VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *pVersion)
{
   const struct panvk_engine *engine = panvk_engine_get();
   if (engine == NULL)
      return VK_ERROR_INCOMPATIBLE_DRIVER;
   *pVersion = PANVK_MIN(*pVersion, CURRENT_LOADER_ICD_INTERFACE_VERSION);
   return engine->negotiate(pVersion);
}
