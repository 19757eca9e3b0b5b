/* SPDX-License-Identifier: MIT */
/*
 * Drives a fuzz target without libFuzzer: replays the files of a corpus, then
 * runs inputs made of them, or of nothing, for PANSPARSE_FUZZ_SECONDS (0).
 *
 *    fuzz-NAME PATH...   files, or folders of files
 *
 * PANSPARSE_TEST_SEED is the seed; every run prints its own. The input at work
 * is in fuzz-NAME.input in the working directory: after a crash it is the one to
 * replay. Mutations know nothing of coverage; that is what libFuzzer is for.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_INPUT_B 4096u
#define MAX_FILES 16384u

struct input {
   char *name;
   uint8_t *data;
   size_t size;
};

static struct input corpus[MAX_FILES];
static unsigned corpus_count;
static uint64_t seed;

static uint64_t
below(uint64_t n)
{
   seed ^= seed << 13;
   seed ^= seed >> 7;
   seed ^= seed << 17;
   return (seed >> 11) % n;
}

static void
read_file(const char *path)
{
   struct stat st;
   int fd = open(path, O_RDONLY | O_CLOEXEC);

   if (fd < 0 || fstat(fd, &st) || corpus_count == MAX_FILES)
      fuzz_fail("%s cannot be read", path);
   struct input *input = &corpus[corpus_count++];
   input->name = strdup(path);
   input->size = (size_t)st.st_size;
   input->data = malloc(input->size ? input->size : 1);
   if (!input->data ||
       read(fd, input->data, input->size) != (ssize_t)input->size)
      fuzz_fail("%s cannot be read", path);
   close(fd);
}

static void
read_path(const char *path)
{
   struct dirent **names;
   struct stat st;
   char *file;

   if (!stat(path, &st) && S_ISREG(st.st_mode)) {
      read_file(path);
      return;
   }
   int count = scandir(path, &names, NULL, alphasort);
   if (count < 0)
      fuzz_fail("%s cannot be read", path);
   for (int i = 0; i < count; i++) {
      if (names[i]->d_name[0] != '.') {
         if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
            abort();
         read_file(file);
         free(file);
      }
      free(names[i]);
   }
   free(names);
}

/* Something of the corpus, or nothing. */
static size_t
pick(uint8_t *data)
{
   if (!corpus_count || !below(8)) {
      size_t size = 1 + below(512);
      for (size_t i = 0; i < size; i++)
         data[i] = (uint8_t)below(256);
      return size;
   }
   const struct input *input = &corpus[below(corpus_count)];
   size_t size = input->size < MAX_INPUT_B ? input->size : MAX_INPUT_B;
   memcpy(data, input->data, size);
   return size;
}

/* One change: a byte, a run of another input, or a hole. */
static size_t
change(uint8_t *data, size_t size)
{
   size_t at = size ? below(size) : 0;
   size_t length = 1 + below(32);

   switch (below(5)) {
   case 0: /* a hole */
      if (at + length < size) {
         memmove(data + at, data + at + length, size - at - length);
         return size - length;
      }
      return size;
   case 1: /* a run of another, put in between */
   case 2: {
      const struct input *other =
         corpus_count ? &corpus[below(corpus_count)] : NULL;

      if (!other || other->size < length || size + length > MAX_INPUT_B)
         return size;
      memmove(data + at + length, data + at, size - at);
      memcpy(data + at, other->data + below(other->size - length + 1), length);
      return size + length;
   }
   default:
      if (size)
         data[at] = below(2) ? (uint8_t)below(256)
                             : (uint8_t)(data[at] + below(9) - 4);
      return size;
   }
}

/* A shared mapping of a file: survives whatever the target does. */
static uint8_t *
open_record(const char *program, int *fd_out)
{
   const char *name = strrchr(program, '/');
   char *path;

   if (asprintf(&path, "%s.input", name ? name + 1 : program) < 0)
      abort();
   int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
   free(path);
   uint8_t *data = MAP_FAILED;
   if (fd >= 0 && !ftruncate(fd, MAX_INPUT_B))
      data = mmap(NULL, MAX_INPUT_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
   if (data == MAP_FAILED)
      fuzz_fail("cannot record inputs");
   *fd_out = fd;
   return data;
}

static uint64_t
fuzz_for(double seconds, const char *program)
{
   struct timespec begin, now;
   uint64_t runs = 0;
   int fd;
   uint8_t *data = open_record(program, &fd);

   clock_gettime(CLOCK_MONOTONIC, &begin);
   do {
      size_t size = pick(data);

      for (uint64_t n = 1 + below(8); n; n--)
         size = change(data, size);
      /* What follows reads as the zeros behind an input's end. */
      memset(data + size, 0, MAX_INPUT_B - size);
      /* On the heap, so that a sanitizer sees its end. */
      uint8_t *copy = malloc(size ? size : 1);
      if (!copy)
         abort();
      memcpy(copy, data, size);
      LLVMFuzzerTestOneInput(copy, size);
      free(copy);
      runs++;
      clock_gettime(CLOCK_MONOTONIC, &now);
   } while ((double)(now.tv_sec - begin.tv_sec) +
               1e-9 * (double)(now.tv_nsec - begin.tv_nsec) <
            seconds);
   munmap(data, MAX_INPUT_B);
   close(fd);
   return runs;
}

int
main(int argc, char **argv)
{
   const char *seconds = getenv("PANSPARSE_FUZZ_SECONDS");
   const char *seed_text = getenv("PANSPARSE_TEST_SEED");
   uint64_t runs = 0;

   seed = seed_text && *seed_text ? strtoull(seed_text, NULL, 0)
                                  : (uint64_t)time(NULL);
   printf("# seed %llu\n", (unsigned long long)seed);
   seed = seed * 0x9e3779b97f4a7c15ull | 1;
   LLVMFuzzerInitialize(&argc, &argv);
   for (int i = 1; i < argc; i++)
      read_path(argv[i]);
   for (unsigned i = 0; i < corpus_count; i++) {
      fuzz_file = corpus[i].name;
      LLVMFuzzerTestOneInput(corpus[i].data, corpus[i].size);
   }
   fuzz_file = NULL;
   printf("ok 1 - replay of %u files\n", corpus_count);
   fflush(stdout);
   if (seconds && *seconds && strtod(seconds, NULL) > 0)
      runs = fuzz_for(strtod(seconds, NULL), argv[0]);
   printf("ok 2 - %llu inputs made of them\n1..2\n", (unsigned long long)runs);
   for (unsigned i = 0; i < corpus_count; i++) {
      free(corpus[i].name);
      free(corpus[i].data);
   }
   return 0;
}
