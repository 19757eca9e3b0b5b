/* SPDX-License-Identifier: MIT */
#include "panvk_engine.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_log.h"

#define ENGINE_LIBRARY "libvulkan_lvp.so"

static struct panvk_engine engine;
static bool engine_loaded;
static char first_error[512]; /* why the first candidate failed */

static void
note_error(const char *path, const char *why)
{
   /* What dlopen() says mostly starts with the path. */
   size_t length = strlen(path);
   if (strncmp(why, path, length) == 0 && why[length] == ':')
      why += length + 1 + strspn(why + length + 1, " ");
   if (first_error[0] == '\0')
      snprintf(first_error, sizeof(first_error), "%s: %s", path, why);
   panvk_trace(PANVK_DEBUG_ENGINE, "tried %s: %s", path, why);
}

/* Fills in the engine from the library at @path. */
static bool
try_library(const char *path)
{
   void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
   if (library == NULL) {
      const char *why = dlerror();
      note_error(path, why != NULL ? why : "cannot be loaded");
      return false;
   }

   engine.negotiate = (PFN_vk_icdNegotiateLoaderICDInterfaceVersion)dlsym(
      library, "vk_icdNegotiateLoaderICDInterfaceVersion");
   engine.get_instance_proc_addr = (PFN_vk_icdGetInstanceProcAddr)dlsym(
      library, "vk_icdGetInstanceProcAddr");
   engine.get_physical_device_proc_addr =
      (PFN_vk_icdGetPhysicalDeviceProcAddr)dlsym(
         library, "vk_icdGetPhysicalDeviceProcAddr");
   if (engine.get_instance_proc_addr == NULL || engine.negotiate == NULL) {
      note_error(path, "not a Vulkan driver");
      goto err_close;
   }
   /* PANSPARSE_ENGINE may name this very library: that would never end. */
   if (engine.get_instance_proc_addr == vk_icdGetInstanceProcAddr) {
      note_error(path, "is pansparse itself");
      goto err_close;
   }

#define LOAD(name)                                                             \
   engine.vk.name =                                                            \
      (PFN_vk##name)engine.get_instance_proc_addr(NULL, "vk" #name);
   PANVK_GLOBAL_FUNCS(LOAD)
#undef LOAD
   if (engine.vk.CreateInstance == NULL) {
      note_error(path, "has no vkCreateInstance");
      goto err_close;
   }
   snprintf(engine.path, sizeof(engine.path), "%s", path);
   return true;

err_close:
   memset(&engine, 0, sizeof(engine));
   dlclose(library);
   return false;
}

/*
 * The "library_path" of the ICD manifest @dir/@name. A manifest is a small JSON
 * object; the value of that one key is all that is wanted of it.
 */
static bool
read_library_path(const char *dir, const char *name, char *path_out,
                  size_t path_size)
{
   char file_name[512], text[4096];
   snprintf(file_name, sizeof(file_name), "%s/%s", dir, name);
   FILE *file = fopen(file_name, "re");
   if (file == NULL)
      return false;
   size_t length = fread(text, 1, sizeof(text) - 1, file);
   fclose(file);
   text[length] = '\0';

   const char *value = strstr(text, "\"library_path\"");
   if (value == NULL)
      return false;
   value = strchr(value + strlen("\"library_path\""), '"');
   const char *end = value != NULL ? strchr(value + 1, '"') : NULL;
   if (end == NULL)
      return false;
   int value_length = (int)(end - value - 1);
   /* Like the loader: a path with a slash is relative to the manifest. */
   bool relative =
      value[1] != '/' && memchr(value + 1, '/', (size_t)value_length) != NULL;
   int written = snprintf(path_out, path_size, "%s%s%.*s", relative ? dir : "",
                          relative ? "/" : "", value_length, value + 1);
   return written > 0 && (size_t)written < path_size;
}

/* Tries the libraries that lavapipe's manifests in @dir name. */
static bool
try_manifests(const char *dir)
{
   DIR *stream = opendir(dir);
   if (stream == NULL)
      return false;

   bool found = false;
   struct dirent *entry;
   while (!found && (entry = readdir(stream)) != NULL) {
      char path[512];
      if (strncmp(entry->d_name, "lvp_icd", 7) == 0 &&
          read_library_path(dir, entry->d_name, path, sizeof(path)))
         found = try_library(path);
   }
   closedir(stream);
   return found;
}

static bool
find_engine(void)
{
   const char *chosen = secure_getenv("PANSPARSE_ENGINE");
   if (chosen != NULL && chosen[0] != '\0')
      return try_library(chosen);

   static const char *const dirs[] = {
      "/usr/share/vulkan/icd.d",
      "/usr/local/share/vulkan/icd.d",
      "/etc/vulkan/icd.d",
   };
   bool found = try_library(ENGINE_LIBRARY);
   for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !found; i++)
      found = try_manifests(dirs[i]);
   return found;
}

static void
load_engine(void)
{
   engine_loaded = find_engine();
   if (engine_loaded) {
      panvk_trace(PANVK_DEBUG_ENGINE, "engine: %s", engine.path);
      return;
   }
   const char *chosen = secure_getenv("PANSPARSE_ENGINE");
   panvk_error(NULL, VK_OBJECT_TYPE_UNKNOWN, 0,
               "cannot load the engine, Mesa's lavapipe (%s). Install Mesa's "
               "Vulkan drivers, version %d or newer (Debian, Ubuntu, Fedora: "
               "mesa-vulkan-drivers, Arch: vulkan-swrast)%s",
               first_error, PANVK_ENGINE_MIN_MESA,
               chosen != NULL && chosen[0] != '\0'
                  ? ", or let PANSPARSE_ENGINE name the right file"
                  : ", or name its file in PANSPARSE_ENGINE");
}

const struct panvk_engine *
panvk_engine_get(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, load_engine);
   return engine_loaded ? &engine : NULL;
}

bool
panvk_engine_parse_version(const char *driver_info, unsigned *major_out,
                           unsigned *minor_out)
{
   return sscanf(driver_info, "Mesa %u.%u", major_out, minor_out) == 2;
}

PFN_vkVoidFunction
panvk_engine_instance_proc(VkInstance instance, const char *name)
{
   const struct panvk_engine *loaded = panvk_engine_get();
   return loaded != NULL ? loaded->get_instance_proc_addr(instance, name)
                         : NULL;
}

/*
 * An older API version may have a command under the name of its extension
 * alone, so that name is tried where the core name is not there.
 */
static PFN_vkVoidFunction
load_instance_func(VkInstance instance, const char *name)
{
   char khr_name[96];
   PFN_vkVoidFunction func = panvk_engine_instance_proc(instance, name);
   if (func == NULL) {
      snprintf(khr_name, sizeof(khr_name), "%sKHR", name);
      func = panvk_engine_instance_proc(instance, khr_name);
   }
   return func;
}

/* Or the other way round, where the table has an extension's name. */
static PFN_vkVoidFunction
load_device_func(VkDevice device, PFN_vkGetDeviceProcAddr get, const char *name)
{
   char other_name[96];
   size_t length = strlen(name);
   PFN_vkVoidFunction func = get(device, name);
   if (func == NULL) {
      if (length > 3 && (strcmp(name + length - 3, "KHR") == 0 ||
                         strcmp(name + length - 3, "EXT") == 0))
         snprintf(other_name, sizeof(other_name), "%.*s", (int)(length - 3),
                  name);
      else
         snprintf(other_name, sizeof(other_name), "%sKHR", name);
      func = get(device, other_name);
   }
   return func;
}

void
panvk_instance_table_load(struct panvk_instance_table *table,
                          VkInstance instance)
{
#define LOAD(name)                                                             \
   table->name = (PFN_vk##name)load_instance_func(instance, "vk" #name);
   PANVK_INSTANCE_FUNCS(LOAD)
#undef LOAD
}

void
panvk_device_table_load(struct panvk_device_table *table, VkDevice device,
                        PFN_vkGetDeviceProcAddr get_device_proc_addr)
{
#define LOAD(name)                                                             \
   table->name = (PFN_vk##name)load_device_func(device, get_device_proc_addr,  \
                                                "vk" #name);
   PANVK_DEVICE_FUNCS(LOAD)
#undef LOAD
}
