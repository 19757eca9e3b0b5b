/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target is libFuzzer's one function; fuzz_main.c
 * drives the same function where there is no libFuzzer. Any disagreement ends
 * the process, so that the input that caused it is kept.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The target: never fails; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The input, read from the front; behind its end it is zeros. */
struct fuzz_input {
   const uint8_t *next, *end;
};
uint8_t fuzz_u8(struct fuzz_input *in);
uint32_t fuzz_u32(struct fuzz_input *in);
uint64_t fuzz_u64(struct fuzz_input *in);
/* 0..n-1; takes one byte, or four where @n is above 256. */
uint32_t fuzz_below(struct fuzz_input *in, uint32_t n);

/*
 * Copies @size bytes to where an inaccessible page follows: who reads an
 * element too many gets -EFAULT. One of FUZZ_TAILS such places, 64 KiB each.
 */
#define FUZZ_TAILS 12
void *fuzz_tail(unsigned place, const void *data, size_t size);

/* The file that is being replayed, or NULL; for messages. */
extern const char *fuzz_file;
/* Prints a line and aborts. */
_Noreturn void fuzz_fail(const char *format, ...)
   __attribute__((format(printf, 1, 2)));
#define fuzz_check(condition)                                                  \
   do {                                                                        \
      if (!(condition))                                                        \
         fuzz_fail("%s:%d: %s", __FILE__, __LINE__, #condition);               \
   } while (0)

#endif /* FUZZ_H */
