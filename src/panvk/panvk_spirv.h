/* SPDX-License-Identifier: MIT */
/*
 * A repair of shaders that the engine would crash in.
 *
 * OpImageSparseFetch of a texel buffer makes the engine look into a bitmap that
 * buffers do not have. Each becomes an OpImageFetch and a residency code that
 * says "resident", as the engine's own OpImageSparseRead of a storage texel
 * buffer always does. Texels are right either way: unbound ones are zero.
 */
#ifndef PANVK_SPIRV_H
#define PANVK_SPIRV_H

#include <stddef.h>
#include <stdint.h>

/*
 * Looks through a module of @count words; one without the capability
 * SparseResidency costs a look at its capabilities.
 *
 * Returns 1 if it needed repair: *@out, of *@count_out words, is the repaired
 * one, for the caller to free(). 0 if it did not, or is no valid SPIR-V, which
 * is the engine's to deal with. -ENOMEM.
 */
int panvk_spirv_repair(const uint32_t *words, size_t count, uint32_t **out,
                       size_t *count_out);

#endif /* PANVK_SPIRV_H */
