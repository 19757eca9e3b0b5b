/* SPDX-License-Identifier: MIT */
/* The descriptors that are the machine's own, which the program must not close. */
#ifndef PRELOAD_GUARD_H
#define PRELOAD_GUARD_H

#include <stdbool.h>

/* close(2) of one of them. */
int preload_close_guarded(int fd);
bool preload_is_guarded(int fd);
/* The lowest guarded one in @first..@last. */
bool preload_next_guarded(unsigned first, unsigned last, unsigned *found_out);

#endif /* PRELOAD_GUARD_H */
