/* SPDX-License-Identifier: MIT */
/*
 * Messages for a person. Errors and warnings go to the application's debug
 * messengers (VK_EXT_debug_utils) where one listens to them, else to stderr. What PANSPARSE_DEBUG asks for goes to stderr always.
 */
#ifndef PANVK_LOG_H
#define PANVK_LOG_H

#include <stdint.h>

#include "panvk_vk_compat.h"

struct panvk_instance;

enum panvk_debug {
   PANVK_DEBUG_BINDS = 1u << 0, /* each bind and the ops it became */
   PANVK_DEBUG_STATS = 1u << 1, /* counters when a device is destroyed */
   PANVK_DEBUG_ENGINE = 1u << 2, /* what was loaded and probed */
   PANVK_DEBUG_UNBOUND = 1u << 3, /* accesses to unbound memory */
   PANVK_DEBUG_VALIDATE = 1u << 4, /* misuse that no layer checks */
};

/* The words of PANSPARSE_DEBUG, read once; enum panvk_debug. */
uint32_t panvk_debug(void);
/* The same for a string; unknown words are told to @unknown, if not NULL. */
uint32_t panvk_debug_parse(const char *words,
                           void (*unknown)(const char *word, void *data),
                           void *data);

/*
 * @instance NULL: stderr. @object: the handle the message is about, or 0 with
 * VK_OBJECT_TYPE_UNKNOWN. One line, no newline at its end.
 */
void panvk_error(struct panvk_instance *instance, VkObjectType type,
                 uint64_t object, const char *format, ...)
   __attribute__((format(printf, 4, 5)));
void panvk_warning(struct panvk_instance *instance, VkObjectType type,
                   uint64_t object, const char *format, ...)
   __attribute__((format(printf, 4, 5)));
/*
 * What PANSPARSE_DEBUG asked for by @word, about a resource: to those who listen
 * to @severity, with @id as pMessageIdName, and to stderr as well.
 */
void panvk_report(struct panvk_instance *instance,
                  VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                  const char *word, const char *id, VkObjectType type,
                  uint64_t object, const char *format, ...)
   __attribute__((format(printf, 7, 8)));
/* To stderr when @flag is among the words of PANSPARSE_DEBUG. */
void panvk_trace(enum panvk_debug flag, const char *format, ...)
   __attribute__((format(printf, 2, 3)));

#endif /* PANVK_LOG_H */
