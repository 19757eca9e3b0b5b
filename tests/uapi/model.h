/* SPDX-License-Identifier: MIT */
/*
 * What a VM translates, page by page: the reference that the random tests and
 * the fuzzer compare page tables with. Slow, and obviously right: an entry for
 * each page of a few islands of VA; what an op does outside of them is not
 * followed. It knows nothing of blocks, tables or VMAs.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_ISLANDS 3

enum model_kind { MODEL_NOTHING, MODEL_SPARSE, MODEL_BO };

struct model_page {
   uint8_t kind; /* enum model_kind */
   uint8_t attr; /* READONLY | NOEXEC | UNCACHED, as in VM_BIND */
   uint16_t bo; /* MODEL_BO: the caller's number of it */
   uint32_t bo_page; /* MODEL_BO: page number in the BO */
};

struct model {
   uint64_t island_va[MODEL_ISLANDS]; /* page-aligned, disjoint */
   uint32_t island_pages;
   struct model_page *page; /* [island * island_pages + i] */
};

/* All of it is NOTHING. Aborts where there is no memory. */
void model_init(struct model *model, const uint64_t island_va[MODEL_ISLANDS],
                uint32_t island_pages);
void model_fini(struct model *model);

/*
 * [va, va + size_B) becomes @first and its successors: each page has the next
 * bo_page.
 */
void model_set(struct model *model, uint64_t va, uint64_t size_B,
               struct model_page first);

const struct model_page *model_at(const struct model *model, unsigned island,
                                  unsigned i);
uint64_t model_va(const struct model *model, unsigned island, unsigned i);

/*
 * Is this what the page tables should say? @level: 0 for no translation; @pa,
 * @attributes: of the page, as a page descriptor has them.
 */
bool model_agrees(const struct model_page *want, uint64_t want_pa, int level,
                  uint64_t pa, uint64_t attributes);
/* A page descriptor's bits that are no address. */
uint64_t model_attributes(uint8_t attr);

#endif /* MODEL_H */
