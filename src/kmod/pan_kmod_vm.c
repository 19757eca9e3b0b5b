/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "pan_kmod_private.h"

int
pan_kmod_vm_create(struct pan_kmod_dev *dev, uint64_t user_va_range,
                   struct pan_kmod_vm **vm_out)
{
   struct pan_kmod_vm *vm = calloc(1, sizeof(*vm));
   if (!vm)
      return -ENOMEM;

   struct drm_panthor_vm_create args = {.user_va_range = user_va_range};
   int ret = pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_VM_CREATE, &args);
   if (ret) {
      free(vm);
      return ret;
   }

   vm->dev = dev;
   vm->id = args.id;
   vm->user_va_range = args.user_va_range;
   *vm_out = vm;
   return 0;
}

void
pan_kmod_vm_destroy(struct pan_kmod_vm *vm)
{
   if (!vm)
      return;

   struct drm_panthor_vm_destroy args = {.id = vm->id};

   /* It cannot fail for an id that is ours. */
   if (pan_kmod_ioctl(vm->dev, DRM_IOCTL_PANTHOR_VM_DESTROY, &args))
      pan_kmod_error("VM %u was destroyed by somebody else", vm->id);
   free(vm);
}

int
pan_kmod_vm_get_state(struct pan_kmod_vm *vm, uint32_t *state_out)
{
   struct drm_panthor_vm_get_state args = {.vm_id = vm->id};

   int ret = pan_kmod_ioctl(vm->dev, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args);
   if (!ret)
      *state_out = args.state;
   return ret;
}

/*
 * A synchronous bind that was interrupted has executed the ops before the one
 * that it names, and put that op's index where the count was. Restarting the
 * same ioctl, as pan_kmod_ioctl() would, would drop all ops from there on.
 */
int
pan_kmod_vm_bind(struct pan_kmod_vm *vm, uint32_t flags,
                 const struct drm_panthor_vm_bind_op *ops, uint32_t op_count,
                 uint32_t *failed_op_out)
{
   struct pan_kmod_dev *dev = vm->dev;
   bool async = flags & DRM_PANTHOR_VM_BIND_ASYNC;
   uint32_t done = 0;
   struct drm_panthor_vm_bind args;
   int ret;

   for (;;) {
      args = (struct drm_panthor_vm_bind){
          .vm_id = vm->id,
          .flags = flags,
          .ops = DRM_PANTHOR_OBJ_ARRAY(op_count - done, ops + done),
      };

      ret = dev->ops->ioctl(dev, DRM_IOCTL_PANTHOR_VM_BIND, &args);
      if (ret != -EINTR && ret != -EAGAIN)
         break;

      /* An unchanged count says that not even the first op was reached. */
      if (!async && args.ops.count < op_count - done)
         done += args.ops.count;
   }

   if (failed_op_out)
      *failed_op_out = async ? op_count : done + args.ops.count;

   return ret;
}
