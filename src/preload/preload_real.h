/* SPDX-License-Identifier: MIT */
/* libc's own functions, behind those of this library. */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <stdatomic.h>

/* The next definition of @name in the order of loading; aborts without. */
void *preload_find_real(const char *name);

/* libc's function of that name, of the type of the declared one. */
#define REAL(name)                                                             \
   ({                                                                          \
      static _Atomic(void *) found_;                                           \
      void *real_ = atomic_load_explicit(&found_, memory_order_acquire);       \
      if (!real_) {                                                            \
         real_ = preload_find_real(#name);                                     \
         atomic_store_explicit(&found_, real_, memory_order_release);          \
      }                                                                        \
      (__typeof__(&name))real_;                                                \
   })

#endif /* PRELOAD_REAL_H */
