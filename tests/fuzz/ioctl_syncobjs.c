/* SPDX-License-Identifier: MIT */
#include "ioctl_objects.h"

#include "ioctl_bind.h"

#include <errno.h>

void
ioctl_syncobj_create(struct world *w, struct world_file *file,
                     struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   struct drm_syncobj_create args = {
      .flags = how >= 250 ? fuzz_u32(in) : how & DRM_SYNCOBJ_CREATE_SIGNALED,
   };
   struct world_syncobj *syncobj = NULL;

   for (unsigned i = 0; i < WORLD_SYNCOBJS; i++)
      if (!file->syncobj[i].handle)
         syncobj = &file->syncobj[i];
   if (!syncobj)
      return;
   int ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_CREATE, &args);
   world_expect(w, "SYNCOBJ_CREATE", ret, args.flags > 1 ? -EINVAL : 0, true);
   if (ret)
      return;
   fuzz_check(args.handle && !world_syncobj(file, args.handle));
   syncobj->handle = args.handle;
   syncobj->fence = args.flags ? FENCE_PLAIN : FENCE_NONE;
}

void
ioctl_syncobj_destroy(struct world *w, struct world_file *file,
                      struct fuzz_input *in)
{
   struct drm_syncobj_destroy args = {
      .handle = ioctl_pick_syncobj(in, file),
      .pad = fuzz_below(in, 16) == 15,
   };
   struct world_syncobj *syncobj = world_syncobj(file, args.handle);

   int ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
   world_expect(w, "SYNCOBJ_DESTROY", ret, args.pad || !syncobj ? -EINVAL : 0,
                true);
   if (!ret)
      *syncobj = (struct world_syncobj){0};
}

static void
change_one(struct world *w, struct world_file *file, uint32_t how,
           uint32_t handle, uint64_t point)
{
   struct drm_syncobj_array binary = {
      .handles = (uintptr_t)&handle,
      .count_handles = 1,
   };
   struct drm_syncobj_timeline_array timeline = {
      .handles = (uintptr_t)&handle,
      .points = (uintptr_t)&point,
      .count_handles = 1,
   };
   struct world_syncobj *syncobj = world_syncobj(file, handle);
   int ret;

   if (how == 0)
      ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_SIGNAL, &binary);
   else if (how == 1)
      ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_RESET, &binary);
   else
      ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &timeline);
   world_expect(w, "SYNCOBJ_SIGNAL, _RESET or _TIMELINE_SIGNAL", ret,
                syncobj ? 0 : -ENOENT, true);
   if (ret)
      return;
   if (how == 2)
      world_add_point(syncobj, point);
   else
      syncobj->fence = how == 0 ? FENCE_PLAIN : FENCE_NONE;
}

static void
transfer(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_syncobj_transfer args = {
      .src_handle = ioctl_pick_syncobj(in, file),
      .dst_handle = ioctl_pick_syncobj(in, file),
      .src_point = fuzz_below(in, 4),
      .dst_point = fuzz_below(in, 4),
      .pad = fuzz_below(in, 16) == 15,
   };
   struct world_syncobj *src = world_syncobj(file, args.src_handle);
   struct world_syncobj *dst = world_syncobj(file, args.dst_handle);
   int want = 0;

   if (args.pad)
      want = -EINVAL;
   else if (!src || !dst)
      want = -ENOENT;
   else if (!world_has_point(src, args.src_point))
      want = -EINVAL;
   int ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_TRANSFER, &args);
   world_expect(w, "SYNCOBJ_TRANSFER", ret, want, true);
   if (ret)
      return;
   if (args.dst_point) {
      world_add_point(dst, args.dst_point);
   } else if (args.src_point) {
      /* Some link of the chain: which one is nobody's business. */
      struct drm_syncobj_array signal = {
         .handles = (uintptr_t)&args.dst_handle,
         .count_handles = 1,
      };
      fuzz_check(!host_ioctl(file->file, DRM_IOCTL_SYNCOBJ_SIGNAL, &signal));
      dst->fence = FENCE_PLAIN;
   } else {
      dst->fence = src->fence;
      dst->point = src->point;
   }
}

void
ioctl_syncobj_change(struct world *w, struct world_file *file,
                     struct fuzz_input *in)
{
   const uint32_t how = fuzz_below(in, 5);

   if (how == 4)
      transfer(w, file, in);
   else
      change_one(w, file, how > 2 ? 2 : how, ioctl_pick_syncobj(in, file),
                 fuzz_below(in, 6));
}

void
ioctl_syncobj_wait(struct world *w, struct world_file *file,
                   struct fuzz_input *in)
{
   uint32_t handle = ioctl_pick_syncobj(in, file);
   uint64_t point = fuzz_below(in, 6);
   const uint8_t how = fuzz_u8(in);
   struct drm_syncobj_timeline_wait args = {
      .handles = (uintptr_t)&handle,
      .points = (uintptr_t)&point,
      .count_handles = how != 255,
      .flags = how % 4, /* WAIT_ALL, WAIT_FOR_SUBMIT */
   };
   const struct world_syncobj *syncobj = world_syncobj(file, handle);
   const bool has = syncobj && world_has_point(syncobj, point);
   int want = 0;

   if (!args.count_handles)
      want = 0; /* unlike elsewhere */
   else if (!syncobj)
      want = -ENOENT;
   else if (!has)
      want = args.flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT ? -ETIME
                                                                 : -EINVAL;
   /* All jobs end by themselves. */
   args.timeout_nsec = has ? INT64_MAX : 0;
   world_expect(w, "SYNCOBJ_TIMELINE_WAIT",
                world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args),
                want, true);
}

void
ioctl_syncobj_query(struct world *w, struct world_file *file,
                    struct fuzz_input *in)
{
   uint32_t handle = ioctl_pick_syncobj(in, file);
   uint64_t point = 77;
   struct drm_syncobj_timeline_array args = {
      .handles = (uintptr_t)&handle,
      .points = (uintptr_t)&point,
      .count_handles = 1,
      .flags = DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED,
   };
   const struct world_syncobj *syncobj = world_syncobj(file, handle);

   int ret = world_ioctl(w, file, DRM_IOCTL_SYNCOBJ_QUERY, &args);
   world_expect(w, "SYNCOBJ_QUERY", ret, syncobj ? 0 : -ENOENT, true);
   if (!ret)
      fuzz_check(point ==
                 (syncobj->fence == FENCE_CHAIN ? syncobj->point : 0));
}
