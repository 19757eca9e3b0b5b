/* SPDX-License-Identifier: MIT */
/*
 * Strict accesses to unbound memory (docs/panvk.md): where the kernel driver's
 * sparse memory is null memory, loads return zero and stores are discarded,
 * which is residencyNonResidentStrict.
 *
 * Shaders get that for each instruction. What the engine's own code stores, for
 * transfers, is discarded at the next barrier, because it is much, and each is
 * recorded with every barrier of the application and at the end of every
 * command buffer: a store of the engine's to a page that traps if there is
 * something to discard.
 */
#ifndef PANVK_STRICT_H
#define PANVK_STRICT_H

#include "panvk_private.h"

struct panvk_cmd;

/*
 * Makes the barrier page of a new device; nothing where memory is not strict, or
 * there is no page to be had, which makes transfers slow and nothing else.
 */
void panvk_strict_init(struct panvk_device *dev);
void panvk_strict_finish(struct panvk_device *dev);

/*
 * Is unbound memory strict? Asks the kernel driver, once; false where it cannot
 * be opened.
 */
bool panvk_memory_is_strict(void);

/* Records one, unless in a render pass instance, where nothing can be. */
void panvk_strict_record_barrier(struct panvk_cmd *cmd);

#endif /* PANVK_STRICT_H */
