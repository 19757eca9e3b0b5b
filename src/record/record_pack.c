/* SPDX-License-Identifier: MIT */
#include "record_pack.h"

#include <endian.h>
#include <string.h>

/* -------------------------------------------------------------- numbers -- */

static uint64_t
fold(int64_t value)
{
   return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t
unfold(uint64_t value)
{
   return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

uint8_t *
record_put_number(uint8_t *at, uint64_t value)
{
   for (; value > 0x7f; value >>= 7)
      *at++ = (uint8_t)(value | 0x80);
   *at++ = (uint8_t)value;
   return at;
}

uint8_t *
record_put_signed(uint8_t *at, int64_t value)
{
   return record_put_number(at, fold(value));
}

bool
record_get_number(struct record_cursor *cursor, uint64_t *value_out)
{
   uint64_t value = 0;

   for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
      uint8_t byte = *cursor->at++;

      if (shift == 63 && byte > 1)
         return false;
      value |= (uint64_t)(byte & 0x7f) << shift;
      if (!(byte & 0x80)) {
         *value_out = value;
         return true;
      }
   }
   return false;
}

bool
record_get_signed(struct record_cursor *cursor, int64_t *value_out)
{
   uint64_t value;

   if (!record_get_number(cursor, &value))
      return false;
   *value_out = unfold(value);
   return true;
}

/* --------------------------------------------------------------- blocks -- */

/* The word at @offset of a block of @size_B bytes. */
static inline uint64_t
word_at(const void *bytes, size_t offset, size_t size_B)
{
   uint64_t word = 0;

   if (size_B - offset >= sizeof(word))
      memcpy(&word, (const char *)bytes + offset, sizeof(word));
   else
      memcpy(&word, (const char *)bytes + offset, size_B - offset);
   return le64toh(word);
}

static inline uint64_t
predicted(const void *bytes, size_t offset, size_t size_B, const void *like,
          size_t stride_B)
{
   if (like)
      return word_at(like, offset, size_B);
   return stride_B && offset >= stride_B
             ? word_at(bytes, offset - stride_B, size_B)
             : 0;
}

/* Stores all eight bytes, of which those that count stay. */
static inline unsigned
put_word(uint8_t *at, uint64_t word, uint64_t wanted)
{
   uint64_t value = fold((int64_t)(word - wanted));
   uint64_t stored = htole64(value);

   memcpy(at, &stored, sizeof(stored));
   return value ? 8 - (unsigned)__builtin_clzll(value) / 8 : 0;
}

static inline uint64_t
load_word(const uint8_t *at)
{
   uint64_t word;

   memcpy(&word, at, sizeof(word));
   return le64toh(word);
}

static inline uint8_t *
put_pair(uint8_t *at, const uint8_t *words, const uint8_t *wanted)
{
   uint8_t *lengths = at++;
   unsigned first_B = put_word(at, load_word(words), load_word(wanted));
   unsigned second_B =
      put_word(at + first_B, load_word(words + 8), load_word(wanted + 8));

   *lengths = (uint8_t)(first_B | second_B << 4);
   return at + first_B + second_B;
}

/* The last, incomplete pair: the same, word by word. */
static uint8_t *
put_rest(uint8_t *at, const void *bytes, size_t offset, size_t size_B,
         const void *like, size_t stride_B)
{
   uint8_t *lengths = at++;
   unsigned first_B, second_B = 0;

   first_B = put_word(at, word_at(bytes, offset, size_B),
                      predicted(bytes, offset, size_B, like, stride_B));
   at += first_B;
   if (offset + 8 < size_B)
      second_B = put_word(at, word_at(bytes, offset + 8, size_B),
                          predicted(bytes, offset + 8, size_B, like, stride_B));
   *lengths = (uint8_t)(first_B | second_B << 4);
   return at + second_B;
}

uint8_t *
record_put_block(uint8_t *at, const void *bytes, size_t size_B,
                 const void *like, size_t stride_B)
{
   static const uint8_t zeroes[16];
   const uint8_t *words = bytes, *same = like;
   size_t offset = 0;

   for (; offset + 16 <= size_B; offset += 16) {
      const uint8_t *wanted = zeroes;

      if (same)
         wanted = same + offset;
      else if (stride_B && offset >= stride_B)
         wanted = words + offset - stride_B;
      at = put_pair(at, words + offset, wanted);
   }
   return offset < size_B ? put_rest(at, bytes, offset, size_B, like, stride_B)
                          : at;
}

bool
record_get_block(struct record_cursor *cursor, void *bytes_out, size_t size_B,
                 const void *like, size_t stride_B)
{
   uint8_t lengths = 0;

   for (size_t offset = 0, i = 0; offset < size_B; offset += 8, i++) {
      if (i % 2 == 0) {
         if (cursor->at == cursor->end)
            return false;
         lengths = *cursor->at++;
      }
      unsigned length_B = i % 2 ? lengths >> 4 : lengths & 0xf;
      if (length_B > 8 || length_B > (size_t)(cursor->end - cursor->at))
         return false;

      uint64_t value = 0;
      for (unsigned byte = 0; byte < length_B; byte++)
         value |= (uint64_t)*cursor->at++ << 8 * byte;
      value = htole64((uint64_t)unfold(value) +
                      predicted(bytes_out, offset, size_B, like, stride_B));
      memcpy((char *)bytes_out + offset, &value,
             size_B - offset < 8 ? size_B - offset : 8);
   }
   return true;
}

uint32_t
record_check(uint32_t head, const uint8_t *payload, size_t size_B)
{
   const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
   uint64_t hash = head;

   /* What goes in anywhere moves up: the upper half has all of it. */
   for (size_t offset = 0; offset < size_B; offset += 8)
      hash = (hash ^ word_at(payload, offset, size_B)) * factor;
   return (uint32_t)(hash * factor >> 32);
}
