/* SPDX-License-Identifier: MIT */
/* The environment variables that configure the machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host_private.h"

/*
 * An environment variable as a number of bytes or things, with an optional K, M,
 * G or T; 0 where it is unset. -EINVAL, said in words, where it is no number.
 */
static int
read_env(const char *name, uint64_t *value_out)
{
   static const char suffixes[] = "KMGT";
   const char *text = getenv(name);
   char *end;

   *value_out = 0;
   if (!text || !*text)
      return 0;

   errno = 0;
   uint64_t value = strtoull(text, &end, 0);
   const char *suffix = *end ? strchr(suffixes, *end) : NULL;
   int shift = suffix ? 10 * (int)(suffix - suffixes + 1) : 0;
   if (errno || end == text || *text == '-' || (*end && (!suffix || end[1])) ||
       value > UINT64_MAX >> shift) {
      host_error("%s=%s is not a number with an optional K, M, G or T",
                     name, text);
      return -EINVAL;
   }

   *value_out = value << shift;
   return 0;
}

/*
 * The index of the word in @words, which has @count, that an environment variable
 * is, 0 where it is unset. -EINVAL, said in words, where it is none of them.
 */
static int
read_word(const char *name, const char *const *words, size_t count,
          unsigned *index_out)
{
   const char *text = getenv(name);

   *index_out = 0;
   if (!text || !*text)
      return 0;

   char list[64] = "";
   for (unsigned i = 0; i < count; i++) {
      if (strcmp(text, words[i]) == 0) {
         *index_out = i;
         return 0;
      }
      strcat(strcat(list, i ? ", " : ""), words[i]);
   }
   host_error("%s=%s must be one of %s", name, text, list);
   return -EINVAL;
}

/* PANSPARSE_UAPI: the shape of the driver's uAPI; 1.8-sparse has MAP_SPARSE. */
static const char *const uapi_words[] = {
   [HOST_UAPI_1_9] = "1.9",
   [HOST_UAPI_1_8_SPARSE] = "1.8-sparse",
   [HOST_UAPI_1_8] = "1.8",
};

/* PANSPARSE_NULL: what accesses to unbound memory meet, nothing or a dummy. */
static const char *const null_words[] = {"strict", "dummy"};

/* PANSPARSE_INSPECT: whether others may attach. */
static const char *const inspect_words[] = {"1", "0"};

#define READ_WORD(name, words, index_out)                                      \
   read_word(name, words, sizeof(words) / sizeof((words)[0]), index_out)

int
host_config_from_env(struct host_config *config_out)
{
   uint64_t dram_size_B, tlb_entries;
   unsigned uapi, null, inspect;
   int ret = read_env("PANSPARSE_DRAM", &dram_size_B);

   if (!ret)
      ret = read_env("PANSPARSE_TLB_ENTRIES", &tlb_entries);
   if (!ret)
      ret = READ_WORD("PANSPARSE_UAPI", uapi_words, &uapi);
   if (!ret)
      ret = READ_WORD("PANSPARSE_NULL", null_words, &null);
   if (!ret)
      ret = READ_WORD("PANSPARSE_INSPECT", inspect_words, &inspect);
   if (ret)
      return ret;

   if (tlb_entries > UINT32_MAX)
      tlb_entries = UINT32_MAX;
   *config_out = (struct host_config){
      .dram_size_B = dram_size_B,
      .tlb_entries = (uint32_t)tlb_entries,
      .uapi = (enum host_uapi)uapi,
      .null_memory = null == 0,
      .no_inspect = inspect == 1,
   };
   return 0;
}
