/* SPDX-License-Identifier: MIT */
#include "panvk_log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_private.h"

static const struct {
   const char *word;
   uint32_t flag;
   const char *meaning;
} debug_words[] = {
   {"binds", PANVK_DEBUG_BINDS, "each sparse bind and the VM_BIND ops of it"},
   {"stats", PANVK_DEBUG_STATS, "all counters when a device is destroyed"},
   {"engine", PANVK_DEBUG_ENGINE, "what was loaded, probed and chosen"},
   {"unbound", PANVK_DEBUG_UNBOUND, "accesses to memory that is not bound"},
   {"validate", PANVK_DEBUG_VALIDATE, "sparse misuse that layers do not check"},
};

static uint32_t debug_flags;

uint32_t
panvk_debug_parse(const char *words,
                  void (*unknown)(const char *word, void *data), void *data)
{
   uint32_t flags = 0;
   while (*words != '\0') {
      size_t length = strcspn(words, ", ");
      bool known = length == 0;
      for (size_t i = 0; i < PANVK_ARRAY_SIZE(debug_words); i++) {
         if (strlen(debug_words[i].word) == length &&
             strncmp(words, debug_words[i].word, length) == 0) {
            flags |= debug_words[i].flag;
            known = true;
         }
      }
      if (!known && unknown != NULL) {
         char word[32];
         snprintf(word, sizeof(word), "%.*s", (int)length, words);
         unknown(word, data);
      }
      words += length;
      words += strspn(words, ", ");
   }
   return flags;
}

static void
tell_unknown_word(const char *word, void *data)
{
   if (strcmp(word, "help") != 0)
      fprintf(stderr, "pansparse: PANSPARSE_DEBUG: unknown word '%s'\n", word);
   /* The list once, whatever the number of unknown words. */
   bool *told = data;
   if (*told)
      return;
   *told = true;
   fprintf(stderr, "pansparse: PANSPARSE_DEBUG takes these words, separated "
                   "by commas:\n");
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(debug_words); i++)
      fprintf(stderr, "   %-8s %s\n", debug_words[i].word,
              debug_words[i].meaning);
   fprintf(stderr, "   %-8s this list\n", "help");
}

static void
read_debug_words(void)
{
   bool told = false;
   const char *words = getenv("PANSPARSE_DEBUG");
   if (words != NULL)
      debug_flags = panvk_debug_parse(words, tell_unknown_word, &told);
}

uint32_t
panvk_debug(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, read_debug_words);
   return debug_flags;
}

void
panvk_trace(enum panvk_debug flag, const char *format, ...)
{
   if (!(panvk_debug() & flag))
      return;
   char text[1024];
   va_list args;
   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);
   /* One call, so that lines of several threads do not mix. */
   fprintf(stderr, "pansparse: %s\n", text);
}

static bool
is_error(VkDebugUtilsMessageSeverityFlagBitsEXT severity)
{
   return severity == VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
}

/* Does a messenger want messages of this severity? */
static bool
has_listener(struct panvk_instance *instance,
             VkDebugUtilsMessageSeverityFlagBitsEXT severity)
{
   return instance != NULL &&
          atomic_load(is_error(severity) ? &instance->error_listeners
                                         : &instance->warning_listeners) != 0;
}

static void
tell_listeners(struct panvk_instance *instance,
               VkDebugUtilsMessageSeverityFlagBitsEXT severity, const char *id,
               VkObjectType type, uint64_t object, const char *text)
{
   VkDebugUtilsObjectNameInfoEXT named = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
      .objectType = type,
      .objectHandle = object,
   };
   VkDebugUtilsMessengerCallbackDataEXT data = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CALLBACK_DATA_EXT,
      .pMessageIdName = id,
      .pMessage = text,
      .objectCount = object != 0,
      .pObjects = object != 0 ? &named : NULL,
   };
   instance->vk.SubmitDebugUtilsMessageEXT(
      instance->handle, severity, VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
      &data);
}

static void
send_message(struct panvk_instance *instance,
             VkDebugUtilsMessageSeverityFlagBitsEXT severity,
             VkObjectType type, uint64_t object, const char *format,
             va_list args)
{
   char text[1024];
   vsnprintf(text, sizeof(text), format, args);

   if (has_listener(instance, severity))
      tell_listeners(instance, severity, "pansparse", type, object, text);
   else
      fprintf(stderr, "pansparse: %s: %s\n",
              is_error(severity) ? "error" : "warning", text);
}

void
panvk_report(struct panvk_instance *instance,
             VkDebugUtilsMessageSeverityFlagBitsEXT severity, const char *word,
             const char *id, VkObjectType type, uint64_t object,
             const char *format, ...)
{
   char text[1024];
   va_list args;
   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);

   fprintf(stderr, "pansparse: %s: %s\n", word, text);
   if (has_listener(instance, severity))
      tell_listeners(instance, severity, id, type, object, text);
}

void
panvk_error(struct panvk_instance *instance, VkObjectType type, uint64_t object,
            const char *format, ...)
{
   va_list args;
   va_start(args, format);
   send_message(instance, VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT, type,
                object, format, args);
   va_end(args);
}

void
panvk_warning(struct panvk_instance *instance, VkObjectType type,
              uint64_t object, const char *format, ...)
{
   va_list args;
   va_start(args, format);
   send_message(instance, VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT, type,
                object, format, args);
   va_end(args);
}
