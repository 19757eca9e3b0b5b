/* SPDX-License-Identifier: MIT */
/* See panvk_spirv.h. Numbers are those of the SPIR-V specification. */
#include "panvk_spirv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x07230203u
#define HEADER_WORDS 5
#define HEADER_BOUND 3
/* "Universal Limits": Result <id> bound. */
#define BOUND_MAX 4194303u

enum {
   OP_UNDEF = 1,
   OP_CAPABILITY = 17,
   OP_TYPE_IMAGE = 25,
   OP_TYPE_STRUCT = 30,
   OP_CONSTANT = 43,
   OP_FUNCTION = 54,
   OP_FUNCTION_PARAMETER = 55,
   OP_FUNCTION_CALL = 57,
   OP_LOAD = 61,
   OP_COMPOSITE_CONSTRUCT = 80,
   OP_COMPOSITE_EXTRACT = 81,
   OP_COPY_OBJECT = 83,
   OP_IMAGE_FETCH = 95,
   OP_IMAGE = 100,
   OP_SELECT = 169,
   OP_PHI = 245,
   OP_IMAGE_SPARSE_FETCH = 313,
};

#define CAPABILITY_SPARSE_RESIDENCY 41
#define DIM_BUFFER 5
/* Any code but 0 is resident to the engine. */
#define RESIDENT 1

/* What is known of an <id>. */
struct id {
   bool is_buffer_image; /* type */
   uint32_t member[2]; /* of a structure type, the first ones */
   uint32_t type; /* of a value that may be an image */
};

struct module {
   const uint32_t *words;
   size_t count;
   uint32_t bound;
   struct id *ids;
   uint32_t fetches; /* to be repaired */
};

static uint32_t
op_of(const uint32_t *instruction)
{
   return instruction[0] & 0xffff;
}

static uint32_t
length_of(const uint32_t *instruction)
{
   return instruction[0] >> 16;
}

/* Capabilities come first. Also checks that instructions fill the module. */
static bool
is_candidate(const uint32_t *words, size_t count)
{
   bool sparse = false;
   size_t at = HEADER_WORDS;

   if (count < HEADER_WORDS || words[0] != MAGIC ||
       words[HEADER_BOUND] > BOUND_MAX)
      return false;
   for (; at < count; at += length_of(&words[at])) {
      if (!length_of(&words[at]) || length_of(&words[at]) > count - at)
         return false;
      if (op_of(&words[at]) == OP_CAPABILITY && length_of(&words[at]) == 2)
         sparse |= words[at + 1] == CAPABILITY_SPARSE_RESIDENCY;
      else if (!sparse)
         return false;
   }
   return sparse;
}

/* An OpImageSparseFetch of a texel buffer, all of whose types are known. */
static bool
needs_repair(const struct module *module, const uint32_t *instruction)
{
   if (op_of(instruction) != OP_IMAGE_SPARSE_FETCH ||
       length_of(instruction) < 5 || instruction[1] >= module->bound ||
       instruction[3] >= module->bound)
      return false;
   return module->ids[module->ids[instruction[3]].type].is_buffer_image &&
          module->ids[instruction[1]].member[1];
}

static void
learn(struct module *module, const uint32_t *instruction)
{
   uint32_t length = length_of(instruction);
   struct id *ids = module->ids;

   switch (op_of(instruction)) {
   case OP_TYPE_IMAGE:
      if (length > 3 && instruction[1] < module->bound)
         ids[instruction[1]].is_buffer_image = instruction[3] == DIM_BUFFER;
      break;
   case OP_TYPE_STRUCT:
      if (length == 4 && instruction[1] < module->bound)
         memcpy(ids[instruction[1]].member, &instruction[2],
                sizeof(ids->member));
      break;
   case OP_UNDEF:
   case OP_FUNCTION_PARAMETER:
   case OP_FUNCTION_CALL:
   case OP_LOAD:
   case OP_COMPOSITE_EXTRACT:
   case OP_COPY_OBJECT:
   case OP_IMAGE:
   case OP_SELECT:
   case OP_PHI:
      if (length > 2 && instruction[1] < module->bound &&
          instruction[2] < module->bound)
         ids[instruction[2]].type = instruction[1];
      break;
   default:
      break;
   }
}

/* Once all <id>s are known: an image may come from a block further below. */
static uint32_t
count_fetches(const struct module *module)
{
   uint32_t fetches = 0;

   for (size_t at = HEADER_WORDS; at < module->count;
        at += length_of(&module->words[at]))
      fetches += needs_repair(module, &module->words[at]);
   return fetches;
}

/*
 * The <id>s of repair @i: that of the texel and that of the code, a constant of
 * its own for each.
 */
static uint32_t
texel_id(const struct module *module, uint32_t i)
{
   return module->bound + 2 * i;
}

static uint32_t
code_id(const struct module *module, uint32_t i)
{
   return module->bound + 2 * i + 1;
}

#define CONSTANT_WORDS 4
#define CONSTRUCT_WORDS 5

/* The constants of all repairs: global, so in front of the first function. */
static uint32_t *
put_constants(const struct module *module, uint32_t *to)
{
   uint32_t i = 0;

   for (size_t at = HEADER_WORDS; at < module->count;
        at += length_of(&module->words[at])) {
      const uint32_t *instruction = &module->words[at];

      if (!needs_repair(module, instruction))
         continue;
      *to++ = CONSTANT_WORDS << 16 | OP_CONSTANT;
      *to++ = module->ids[instruction[1]].member[0];
      *to++ = code_id(module, i++);
      *to++ = RESIDENT;
   }
   return to;
}

static uint32_t *
put_repair(const struct module *module, const uint32_t *fetch, uint32_t i,
           uint32_t *to)
{
   uint32_t length = length_of(fetch);

   memcpy(to, fetch, length * sizeof(*to));
   to[0] = length << 16 | OP_IMAGE_FETCH;
   to[1] = module->ids[fetch[1]].member[1];
   to[2] = texel_id(module, i);
   to += length;
   *to++ = CONSTRUCT_WORDS << 16 | OP_COMPOSITE_CONSTRUCT;
   *to++ = fetch[1];
   *to++ = fetch[2];
   *to++ = code_id(module, i);
   *to++ = texel_id(module, i);
   return to;
}

/* Returns the end of what it has written. */
static uint32_t *
put_module(const struct module *module, uint32_t *to)
{
   bool has_constants = false;
   uint32_t i = 0;

   memcpy(to, module->words, HEADER_WORDS * sizeof(*to));
   to[HEADER_BOUND] = module->bound + 2 * module->fetches;
   to += HEADER_WORDS;
   for (size_t at = HEADER_WORDS; at < module->count;
        at += length_of(&module->words[at])) {
      const uint32_t *instruction = &module->words[at];

      if (op_of(instruction) == OP_FUNCTION && !has_constants) {
         to = put_constants(module, to);
         has_constants = true;
      }
      if (needs_repair(module, instruction)) {
         to = put_repair(module, instruction, i++, to);
      } else {
         memcpy(to, instruction, length_of(instruction) * sizeof(*to));
         to += length_of(instruction);
      }
   }
   return to;
}

int
panvk_spirv_repair(const uint32_t *words, size_t count, uint32_t **out,
                   size_t *count_out)
{
   if (!is_candidate(words, count))
      return 0;

   struct module module = {
      .words = words, .count = count, .bound = words[HEADER_BOUND]};
   int result = 0;

   module.ids = calloc((size_t)module.bound + 1, sizeof(*module.ids));
   if (!module.ids)
      return -ENOMEM;
   for (size_t at = HEADER_WORDS; at < count; at += length_of(&words[at]))
      learn(&module, &words[at]);
   module.fetches = count_fetches(&module);
   if (module.fetches) {
      *out = malloc(sizeof(**out) *
                    (count + (size_t)module.fetches *
                                (CONSTANT_WORDS + CONSTRUCT_WORDS)));
      result = *out ? 1 : -ENOMEM;
      if (*out)
         *count_out = (size_t)(put_module(&module, *out) - *out);
   }
   free(module.ids);
   return result;
}
