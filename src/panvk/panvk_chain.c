/* SPDX-License-Identifier: MIT */
#include "panvk_chain.h"

#include <stdlib.h>
#include <string.h>

const void *
panvk_find_struct_const(const void *chain, VkStructureType type)
{
   for (const VkBaseInStructure *s = chain; s != NULL; s = s->pNext) {
      if (s->sType == type)
         return s;
   }
   return NULL;
}

void *
panvk_find_struct(void *chain, VkStructureType type)
{
   for (VkBaseOutStructure *s = chain; s != NULL; s = s->pNext) {
      if (s->sType == type)
         return s;
   }
   return NULL;
}

bool
panvk_has_name(const char *const *names, uint32_t count, const char *name)
{
   for (uint32_t i = 0; i < count; i++) {
      if (strcmp(names[i], name) == 0)
         return true;
   }
   return false;
}

const char **
panvk_merge_names(const char *const *names, uint32_t count,
                  const char *const *more, uint32_t more_count,
                  uint32_t *count_out)
{
   /* One more, so that no names at all is not a request for 0 bytes. */
   const char **merged =
      calloc((size_t)count + more_count + 1, sizeof(*merged));
   if (merged == NULL)
      return NULL;
   uint32_t merged_count = 0;
   for (uint32_t i = 0; i < count; i++)
      merged[merged_count++] = names[i];
   for (uint32_t i = 0; i < more_count; i++) {
      if (!panvk_has_name(names, count, more[i]))
         merged[merged_count++] = more[i];
   }
   *count_out = merged_count;
   return merged;
}
