/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>

#include "drm-uapi/panthor_drm.h"

#define PAGE_B 4096ull

void
model_init(struct model *model, const uint64_t island_va[MODEL_ISLANDS],
           uint32_t island_pages)
{
   for (unsigned i = 0; i < MODEL_ISLANDS; i++)
      model->island_va[i] = island_va[i];
   model->island_pages = island_pages;
   model->page = calloc((size_t)MODEL_ISLANDS * island_pages,
                        sizeof(*model->page));
   if (!model->page)
      abort();
}

void
model_fini(struct model *model)
{
   free(model->page);
   model->page = NULL;
}

void
model_set(struct model *model, uint64_t va, uint64_t size_B,
          struct model_page first)
{
   for (unsigned island = 0; island < MODEL_ISLANDS; island++) {
      for (unsigned i = 0; i < model->island_pages; i++) {
         const uint64_t at = model_va(model, island, i);
         struct model_page page = first;

         if (at < va || at - va >= size_B)
            continue;
         page.bo_page += (uint32_t)((at - va) / PAGE_B);
         model->page[island * model->island_pages + i] = page;
      }
   }
}

const struct model_page *
model_at(const struct model *model, unsigned island, unsigned i)
{
   return &model->page[island * model->island_pages + i];
}

uint64_t
model_va(const struct model *model, unsigned island, unsigned i)
{
   return model->island_va[island] + i * PAGE_B;
}

uint64_t
model_attributes(uint8_t attr)
{
   uint64_t desc = attr & DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED ? 0xe43 : 0xf47;

   if (attr & DRM_PANTHOR_VM_BIND_OP_MAP_READONLY)
      desc |= 0x80;
   if (attr & DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)
      desc |= 0x0060000000000000ull;
   return desc;
}

bool
model_agrees(const struct model_page *want, uint64_t want_pa, int level,
             uint64_t pa, uint64_t attributes)
{
   if (want->kind == MODEL_NOTHING)
      return level == 0;
   return level != 0 && pa == want_pa &&
          attributes == model_attributes(want->attr);
}
