/* SPDX-License-Identifier: MIT */
#include "replay_cut.h"

#include <stdlib.h>
#include <string.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_call.h"

#define OPS_MAX (1u << 24)

static bool
read_bind(const struct record_ioctl *ioctl, struct drm_panthor_vm_bind *bind_out)
{
   return ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_VM_BIND &&
          replay_read_in(ioctl, ioctl->arg, bind_out, sizeof(*bind_out)) ==
             sizeof(*bind_out);
}

uint32_t
replay_op_count(const struct record_ioctl *ioctl)
{
   struct drm_panthor_vm_bind bind;

   if (!read_bind(ioctl, &bind) || bind.ops.count > OPS_MAX)
      return 0;
   size_t size_B = (size_t)bind.ops.count * bind.ops.stride;
   uint8_t *ops = size_B ? malloc(size_B) : NULL;
   bool known = ops && replay_read_in(ioctl, bind.ops.array, ops, size_B) == size_B;

   free(ops);
   return known ? bind.ops.count : 0;
}

/* Puts those that stay together; how many. */
static uint32_t
keep_ops(uint8_t *ops, const struct drm_panthor_obj_array *array,
         const uint8_t *mask)
{
   uint32_t kept = 0;

   for (uint32_t i = 0; i < array->count; i++) {
      if (mask[i])
         memmove(ops + (size_t)kept++ * array->stride,
                 ops + (size_t)i * array->stride, array->stride);
   }
   return kept;
}

bool
replay_cut(const struct record_ioctl *ioctl, const uint8_t *mask,
           struct replay_cut *cut_out)
{
   struct drm_panthor_vm_bind bind;

   if (!read_bind(ioctl, &bind))
      return false;
   size_t ops_B = (size_t)bind.ops.count * bind.ops.stride;
   uint8_t *memory = malloc(sizeof(bind) + ops_B);
   struct record_copy *copies =
      malloc((ioctl->copy_count + 1) * sizeof(*copies));
   if (!memory || !copies) {
      free(memory);
      free(copies);
      return false;
   }
   uint8_t *ops = memory + sizeof(bind);
   replay_read_in(ioctl, bind.ops.array, ops, ops_B);
   const struct drm_panthor_obj_array whole = bind.ops;
   bind.ops.count = keep_ops(ops, &whole, mask);
   memcpy(memory, &bind, sizeof(bind));

   cut_out->ioctl = *ioctl;
   cut_out->ioctl.copies = copies;
   cut_out->ioctl.copy_count = 0;
   cut_out->memory = memory;
   for (size_t i = 0; i < ioctl->copy_count; i++) {
      struct record_copy copy = ioctl->copies[i];

      if (copy.addr == ioctl->arg && copy.size_B == sizeof(bind))
         copy.bytes = memory;
      /* The ops come in one piece, where the first one was. */
      else if (copy.addr == whole.array) {
         copy.bytes = ops;
         copy.size_B = (size_t)bind.ops.count * whole.stride;
      } else if (copy.addr > whole.array && copy.addr < whole.array + ops_B)
         continue;
      copies[cut_out->ioctl.copy_count++] = copy;
   }
   return true;
}

void
replay_cut_free(struct replay_cut *cut)
{
   free(cut->ioctl.copies);
   free(cut->memory);
}
