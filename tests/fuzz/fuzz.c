/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TAIL_B 0x10000u
#define GUARD_B 0x1000u

const char *fuzz_file;

uint8_t
fuzz_u8(struct fuzz_input *in)
{
   return in->next < in->end ? *in->next++ : 0;
}

uint32_t
fuzz_u32(struct fuzz_input *in)
{
   uint32_t value = 0;

   for (int i = 0; i < 4; i++)
      value |= (uint32_t)fuzz_u8(in) << 8 * i;
   return value;
}

uint64_t
fuzz_u64(struct fuzz_input *in)
{
   uint64_t low = fuzz_u32(in);

   return low | (uint64_t)fuzz_u32(in) << 32;
}

uint32_t
fuzz_below(struct fuzz_input *in, uint32_t n)
{
   return (n <= 256 ? fuzz_u8(in) : fuzz_u32(in)) % n;
}

void *
fuzz_tail(unsigned place, const void *data, size_t size)
{
   static char *area;

   if (!area) {
      area = mmap(NULL, FUZZ_TAILS * (TAIL_B + GUARD_B),
                  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (area == MAP_FAILED)
         fuzz_fail("no memory");
      for (unsigned i = 0; i < FUZZ_TAILS; i++)
         if (mprotect(area + i * (TAIL_B + GUARD_B) + TAIL_B, GUARD_B,
                      PROT_NONE))
            fuzz_fail("mprotect() failed");
   }
   fuzz_check(place < FUZZ_TAILS && size <= TAIL_B);
   char *at = area + place * (TAIL_B + GUARD_B) + TAIL_B - size;
   memcpy(at, data, size);
   return at;
}

void
fuzz_fail(const char *format, ...)
{
   va_list args;

   if (fuzz_file)
      fprintf(stderr, "%s: ", fuzz_file);
   va_start(args, format);
   vfprintf(stderr, format, args);
   va_end(args);
   fputc('\n', stderr);
   abort();
}
