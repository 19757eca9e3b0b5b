/* SPDX-License-Identifier: MIT */
/*
 * The n-th-failure loop, call by call: every system call that a program can make
 * on a device, in a world where it has something to do, with its first, second,
 * third … fallible step failing. One that fails must leave everything as it was:
 * handles, translations, syncobjs, descriptors; and the same call must succeed
 * when it is made again. Nothing may leak.
 */
#include "failure.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIGNAL ((uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL)
#define TIMELINE DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ

/* What all calls find. */
struct world {
   struct pan_kmod_dev *dev;
   struct pan_kmod_dev *other; /* another file of the machine */
   struct pan_kmod_vm *vm;
   struct pan_kmod_vm *victim; /* with a BO in it */
   struct pan_kmod_bo *bound; /* 2 MiB at 1 GiB, mapped for the CPU too */
   struct pan_kmod_bo *fresh; /* never touched */
   struct pan_kmod_bo *shared; /* exported as shared_fd */
   void *map;
   int shared_fd;
   uint32_t timeline; /* at point 3 */
   uint32_t binary; /* signalled */
   int sync_fd; /* of timeline */
   int event_fd;
   /* What a call made, and the end of the test has to undo. */
   int new_fd;
   void *new_map;
   size_t new_map_B;
   struct pan_kmod_dev *new_dev;
   struct pan_kmod_window *new_window;
};

/* ----------------------------------------------------------------- world -- */

static int
export(struct world *w, uint32_t handle, int *fd_out)
{
   struct drm_prime_handle prime = {.handle = handle, .flags = DRM_CLOEXEC};
   int ret = pan_kmod_ioctl(w->dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

   if (!ret)
      *fd_out = prime.fd;
   return ret;
}

static int
syncobj_to_fd(struct world *w, uint32_t flags, int *fd_out)
{
   struct drm_syncobj_handle args = {.handle = w->timeline, .flags = flags};
   int ret = pan_kmod_ioctl(w->dev, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

   if (!ret)
      *fd_out = args.fd;
   return ret;
}

static void
begin(struct world *w)
{
   *w = (struct world){.new_fd = -1};
   w->dev = uapi_open(&uapi_small);
   assert_int_equal(pan_kmod_dev_create(NULL, NULL, &w->other), 0);
   w->vm = uapi_vm(w->dev);
   w->victim = uapi_vm(w->dev);
   w->bound = uapi_bo(w->dev, SZ_2M);
   w->fresh = uapi_bo(w->dev, SZ_2M);
   w->shared = uapi_bo(w->dev, SZ_64K);
   assert_int_equal(pan_kmod_bo_mmap(w->bound, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, &w->map), 0);
   assert_int_equal(uapi_bind(w->vm, NOEXEC, w->bound, 0, SZ_1G, SZ_2M), 0);
   assert_int_equal(
      uapi_bind(w->vm, SPARSE, NULL, 0, SZ_1G + SZ_2M, SZ_512G), 0);
   assert_int_equal(uapi_bind(w->victim, NOEXEC, w->shared, 0, 0, SZ_64K), 0);
   assert_int_equal(export(w, w->shared->handle, &w->shared_fd), 0);
   assert_int_equal(pan_kmod_syncobj_create(w->dev, false, &w->timeline), 0);
   assert_int_equal(pan_kmod_syncobj_create(w->dev, true, &w->binary), 0);
   assert_int_equal(pan_kmod_syncobj_signal(w->dev, w->timeline, 3), 0);
   assert_int_equal(syncobj_to_fd(w, 0, &w->sync_fd), 0);
   w->event_fd = eventfd(0, EFD_CLOEXEC);
}

static void
end(struct world *w)
{
   if (w->new_fd >= 0)
      close(w->new_fd);
   if (w->new_map)
      assert_int_equal(pan_kmod_munmap(w->dev, w->new_map, w->new_map_B), 0);
   pan_kmod_window_destroy(w->new_window);
   if (w->new_dev)
      assert_int_equal(pan_kmod_dev_destroy(w->new_dev), 0);
   assert_int_equal(pan_kmod_dev_destroy(w->other), 0);
   /* One that was split is unmapped in part already, which is no error. */
   assert_int_equal(pan_kmod_munmap(w->dev, w->map, SZ_2M), 0);
   close(w->shared_fd);
   close(w->sync_fd);
   close(w->event_fd);
   /* BOs, VM and syncobjs go with the file. */
   free(w->bound);
   free(w->fresh);
   free(w->shared);
   free(w->vm);
   free(w->victim);
   uapi_close(w->dev);
}

/* ----------------------------------------------------------------- calls -- */

#define IOCTL(w, request, ...)                                                 \
   pan_kmod_ioctl((w)->dev, request, &(__VA_ARGS__))

static int
call_dev_query(void *data)
{
   struct world *w = data;
   struct drm_panthor_gpu_info info;

   return IOCTL(w, DRM_IOCTL_PANTHOR_DEV_QUERY,
                (struct drm_panthor_dev_query){
                   .type = DRM_PANTHOR_DEV_QUERY_GPU_INFO,
                   .size = sizeof(info),
                   .pointer = (uintptr_t)&info,
                });
}

static int
call_vm_create(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_VM_CREATE,
                (struct drm_panthor_vm_create){0});
}

static int
call_vm_destroy(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_VM_DESTROY,
                (struct drm_panthor_vm_destroy){.id = w->victim->id});
}

static int
call_vm_get_state(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_VM_GET_STATE,
                (struct drm_panthor_vm_get_state){.vm_id = w->vm->id});
}

static int
call_bind_fresh(void *data)
{
   struct world *w = data;
   return uapi_bind(w->vm, NOEXEC, w->fresh, 0, SZ_2M, SZ_2M);
}

static int
call_bind_split(void *data)
{
   struct world *w = data;
   return uapi_bind(w->vm, READONLY, w->fresh, SZ_64K, SZ_1G + SZ_64K, SZ_4K);
}

static int
call_bind_in_sparse(void *data)
{
   struct world *w = data;
   return uapi_bind(w->vm, NOEXEC, w->fresh, 0, SZ_1G + 3 * SZ_2M + SZ_4K,
                    SZ_64K);
}

static int
call_bind_sparse(void *data)
{
   struct world *w = data;
   return uapi_bind(w->vm, SPARSE | READONLY, NULL, 0, SZ_4K, SZ_1G);
}

static int
call_unmap(void *data)
{
   struct world *w = data;
   return uapi_bind(w->vm, UNMAP, NULL, 0, SZ_1G + SZ_4K, SZ_512G - SZ_1G);
}

static int
call_bind_async(void *data)
{
   struct world *w = data;
   struct drm_panthor_sync_op syncs[] = {
      {.flags = TIMELINE, .handle = w->timeline, .timeline_value = 3},
      {.flags = 0, .handle = w->binary},
      {.flags = SIGNAL | TIMELINE, .handle = w->timeline, .timeline_value = 4},
   };
   const struct drm_panthor_vm_bind_op ops[] = {
      {.flags = NOEXEC, .bo_handle = w->fresh->handle, .va = SZ_4K,
       .size = SZ_64K},
      {.flags = SPARSE, .va = SZ_1G, .size = SZ_1G,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(3, syncs)},
      {.flags = UNMAP, .va = SZ_512G, .size = SZ_4K},
   };

   return pan_kmod_vm_bind(w->vm, ASYNC, ops, 3, NULL);
}

static int
call_bo_create(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_BO_CREATE,
                (struct drm_panthor_bo_create){.size = SZ_2M});
}

static int
call_bo_create_exclusive(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_BO_CREATE,
                (struct drm_panthor_bo_create){
                   .size = SZ_4K,
                   .flags = DRM_PANTHOR_BO_NO_MMAP,
                   .exclusive_vm_id = w->vm->id,
                });
}

static int
call_bo_mmap(void *data)
{
   struct world *w = data;
   w->new_map_B = SZ_2M;
   return pan_kmod_bo_mmap(w->fresh, NULL, PROT_READ | PROT_WRITE, MAP_SHARED,
                           &w->new_map);
}

static int
call_munmap_part(void *data)
{
   struct world *w = data;
   return pan_kmod_munmap(w->dev, (char *)w->map + SZ_64K, SZ_64K);
}

static int
call_mmap_flush_id(void *data)
{
   struct world *w = data;
   w->new_map_B = SZ_4K;
   return pan_kmod_mmap(w->dev, NULL, SZ_4K, PROT_READ, MAP_SHARED,
                        DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET, &w->new_map);
}

static int
call_set_mmio_offset(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET,
                (struct drm_panthor_set_user_mmio_offset){
                   .offset = DRM_PANTHOR_USER_MMIO_OFFSET,
                });
}

static int
call_bo_label(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_BO_SET_LABEL,
                (struct drm_panthor_bo_set_label){
                   .handle = w->bound->handle,
                   .label = (uintptr_t) "label",
                });
}

static int
call_bo_sync(void *data)
{
   struct world *w = data;
   const struct drm_panthor_bo_sync_op ops[] = {
      {.handle = w->bound->handle, .size = SZ_4K},
      {.handle = w->fresh->handle, .size = SZ_4K},
   };

   return IOCTL(w, DRM_IOCTL_PANTHOR_BO_SYNC,
                (struct drm_panthor_bo_sync){
                   .ops = DRM_PANTHOR_OBJ_ARRAY(2, ops),
                });
}

static int
call_bo_query(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_PANTHOR_BO_QUERY_INFO,
                (struct drm_panthor_bo_query_info){.handle = w->bound->handle});
}

static int
call_gem_close(void *data)
{
   struct world *w = data;
   /* It stays bound, and mapped. */
   return IOCTL(w, DRM_IOCTL_GEM_CLOSE,
                (struct drm_gem_close){.handle = w->bound->handle});
}

static int
call_export(void *data)
{
   struct world *w = data;
   return export(w, w->fresh->handle, &w->new_fd);
}

/* Into another file, which does not know it yet. */
static int
call_import(void *data)
{
   struct world *w = data;
   struct drm_prime_handle prime = {.fd = w->shared_fd};

   return pan_kmod_ioctl(w->other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
}

static int
call_syncobj_create(void *data)
{
   struct world *w = data;
   uint32_t handle;

   return pan_kmod_syncobj_create(w->dev, true, &handle);
}

static int
call_syncobj_destroy(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_DESTROY,
                (struct drm_syncobj_destroy){.handle = w->binary});
}

static int
call_syncobj_reset(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_RESET,
                (struct drm_syncobj_array){
                   .handles = (uintptr_t)&w->timeline,
                   .count_handles = 1,
                });
}

static int
call_syncobj_signal(void *data)
{
   struct world *w = data;
   return pan_kmod_syncobj_signal(w->dev, w->timeline, 0);
}

/* More than an ioctl keeps on its stack, all the same one. */
#define MANY 40

static int
call_timeline_signal(void *data)
{
   struct world *w = data;
   uint32_t handles[MANY];
   uint64_t points[MANY];

   for (unsigned i = 0; i < MANY; i++) {
      handles[i] = w->timeline;
      points[i] = 4 + i;
   }
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
                (struct drm_syncobj_timeline_array){
                   .handles = (uintptr_t)handles,
                   .points = (uintptr_t)points,
                   .count_handles = MANY,
                });
}

static int
call_timeline_wait(void *data)
{
   struct world *w = data;
   uint32_t handles[MANY];
   uint64_t points[MANY];

   for (unsigned i = 0; i < MANY; i++) {
      handles[i] = w->timeline;
      points[i] = 3;
   }
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT,
                (struct drm_syncobj_timeline_wait){
                   .handles = (uintptr_t)handles,
                   .points = (uintptr_t)points,
                   .timeout_nsec = INT64_MAX,
                   .count_handles = MANY,
                   .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL,
                });
}

static int
call_syncobj_query(void *data)
{
   struct world *w = data;
   uint32_t handles[MANY];
   uint64_t points[MANY];

   for (unsigned i = 0; i < MANY; i++)
      handles[i] = w->timeline;
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_QUERY,
                (struct drm_syncobj_timeline_array){
                   .handles = (uintptr_t)handles,
                   .points = (uintptr_t)points,
                   .count_handles = MANY,
                });
}

static int
call_syncobj_transfer(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_TRANSFER,
                (struct drm_syncobj_transfer){
                   .src_handle = w->binary,
                   .dst_handle = w->timeline,
                   .dst_point = 9,
                });
}

static int
call_syncobj_to_fd(void *data)
{
   struct world *w = data;
   return syncobj_to_fd(w, 0, &w->new_fd);
}

static int
call_syncobj_to_sync_file(void *data)
{
   struct world *w = data;
   return syncobj_to_fd(w, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
                        &w->new_fd);
}

static int
call_syncobj_from_fd(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE,
                (struct drm_syncobj_handle){.fd = w->sync_fd});
}

static int
call_syncobj_eventfd(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_SYNCOBJ_EVENTFD,
                (struct drm_syncobj_eventfd){
                   .handle = w->timeline,
                   .point = 50,
                   .fd = w->event_fd,
                });
}

static int
call_version(void *data)
{
   struct world *w = data;
   return IOCTL(w, DRM_IOCTL_VERSION, (struct drm_version){0});
}

static int
call_open(void *data)
{
   struct world *w = data;
   return pan_kmod_dev_create(NULL, NULL, &w->new_dev);
}

static int
call_window(void *data)
{
   struct world *w = data;
   static char *host;

   if (!host)
      host = mmap(NULL, SZ_64K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   return pan_kmod_window_create(w->vm, SZ_1G, host, SZ_64K, &w->new_window);
}

/* ------------------------------------------------------------- the table -- */

static const struct failure_call calls[] = {
   {"VERSION", call_version, 0},
   {"DEV_QUERY", call_dev_query, 0},
   {"open", call_open, 3},
   {"VM_CREATE", call_vm_create, 3},
   {"VM_DESTROY", call_vm_destroy, 0},
   {"VM_GET_STATE", call_vm_get_state, 0},
   {"VM_BIND of a BO without pages", call_bind_fresh, 5},
   {"VM_BIND that splits a block", call_bind_split, 5},
   {"VM_BIND in sparse memory", call_bind_in_sparse, 5},
   {"VM_BIND MAP_SPARSE", call_bind_sparse, 3},
   {"VM_BIND UNMAP", call_unmap, 2},
   {"VM_BIND ASYNC", call_bind_async, 10},
   {"BO_CREATE", call_bo_create, 2},
   {"BO_CREATE for a VM", call_bo_create_exclusive, 2},
   {"mmap of a BO", call_bo_mmap, 2},
   {"munmap in the middle", call_munmap_part, 1},
   {"mmap of the flush id", call_mmap_flush_id, 1},
   {"SET_USER_MMIO_OFFSET", call_set_mmio_offset, 0},
   {"BO_SET_LABEL", call_bo_label, 1},
   {"BO_SYNC", call_bo_sync, 1},
   {"BO_QUERY_INFO", call_bo_query, 0},
   {"GEM_CLOSE", call_gem_close, 0},
   {"PRIME_HANDLE_TO_FD", call_export, 3},
   {"PRIME_FD_TO_HANDLE", call_import, 2},
   {"SYNCOBJ_CREATE", call_syncobj_create, 2},
   {"SYNCOBJ_DESTROY", call_syncobj_destroy, 0},
   {"SYNCOBJ_RESET", call_syncobj_reset, 0},
   {"SYNCOBJ_SIGNAL", call_syncobj_signal, 1},
   {"SYNCOBJ_TIMELINE_SIGNAL", call_timeline_signal, MANY},
   {"SYNCOBJ_TIMELINE_WAIT", call_timeline_wait, 2},
   {"SYNCOBJ_QUERY", call_syncobj_query, 1},
   {"SYNCOBJ_TRANSFER", call_syncobj_transfer, 1},
   {"SYNCOBJ_HANDLE_TO_FD", call_syncobj_to_fd, 2},
   {"SYNCOBJ_HANDLE_TO_FD, sync file", call_syncobj_to_sync_file, 2,
    -EINVAL},
   {"SYNCOBJ_FD_TO_HANDLE", call_syncobj_from_fd, 0},
   {"SYNCOBJ_EVENTFD", call_syncobj_eventfd, 1},
   {"a window", call_window, 0},
};

static void *
begin_world(struct failure_view *view)
{
   struct world *w = malloc(sizeof(*w));

   begin(w);
   *view = (struct failure_view){w->dev, w->vm};
   return w;
}

static void
end_world(void *data)
{
   end(data);
   free(data);
}

int
main(void)
{
   uapi_select();

   return failure_run("uapi-failure-ioctl", begin_world, end_world, calls,
                      sizeof(calls) / sizeof(calls[0]));
}
