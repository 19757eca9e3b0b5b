/* SPDX-License-Identifier: MIT */
/*
 * The n-th-failure loop over a table of system calls: each is made in a new
 * world with its first, second, third … fallible step failing. One that fails
 * must leave everything as it was, and the same call must succeed when it is
 * made again.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include "uapi.h"

/* What is compared before and after a call that fails. */
struct failure_view {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm; /* its page tables */
};

struct failure_call {
   const char *name;
   int (*make)(void *world); /* makes the call, once; its errno */
   unsigned min_failures; /* of how many steps at least the call must fail */
   int other_errno; /* what it may say instead of -ENOMEM or -EMFILE, or 0 */
   bool undoes; /* maps things first and unmaps them where it fails later */
   void (*check)(void *world); /* after it succeeded, or NULL */
};

/* Makes a world; the end of it must count leaks (uapi_close()). */
typedef void *(*failure_begin)(struct failure_view *view_out);
typedef void (*failure_end)(void *world);

/* The body of main(): a test per call. Skips them where nothing can fail. */
int failure_run(const char *name, failure_begin begin, failure_end end,
                const struct failure_call *calls, unsigned count);

#endif /* FAILURE_H */
