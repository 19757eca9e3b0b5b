/* SPDX-License-Identifier: MIT */
#include "ioctl_objects.h"

#include "ioctl_bind.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE_B 4096ull
#define SZ_256M (256ull << 20)
#define FULL_VA (1ull << 48)

/* ------------------------------------------------------------------- VMs -- */

uint32_t
ioctl_pick_vm(struct fuzz_input *in, struct world_file *file)
{
   const uint8_t n = fuzz_u8(in);

   if (n >= 252)
      return n == 255 ? fuzz_u32(in) | 64 : n - 252u;
   for (unsigned i = 0; i < WORLD_VMS; i++)
      if (file->vm[(n + i) % WORLD_VMS].id)
         return file->vm[(n + i) % WORLD_VMS].id;
   return 0;
}

static struct world_vm *
free_vm(struct world_file *file)
{
   for (unsigned i = 0; i < WORLD_VMS; i++)
      if (!file->vm[i].id)
         return &file->vm[i];
   return NULL;
}

/* What the process gets of the VA space; 0 where it asked for too much. */
static uint64_t
user_range(uint64_t want)
{
   uint64_t kernel = FULL_VA / 2;

   if (!want)
      return FULL_VA / 2;
   if (want > FULL_VA - SZ_256M)
      return 0;
   while (kernel > FULL_VA - want)
      kernel /= 2;
   return FULL_VA - kernel;
}

void
ioctl_vm_create(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   static const uint64_t ranges[] = {
      0, 0, 0, 1, 1ull << 31, 3ull << 30, 1ull << 40, FULL_VA - SZ_256M,
      FULL_VA - SZ_256M + 1, FULL_VA,
   };
   const uint8_t how = fuzz_u8(in);
   struct drm_panthor_vm_create args = {
      .flags = how >= 250 ? how - 249 : 0,
      .user_va_range = how == 249 ? fuzz_u64(in) : ranges[how % 10],
   };
   const uint64_t range = user_range(args.user_va_range);
   struct world_vm *vm = free_vm(file);

   if (!vm)
      return;
   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_VM_CREATE, &args);
   world_expect(w, "VM_CREATE", ret, args.flags || !range ? -EINVAL : 0, true);
   if (ret)
      return;
   fuzz_check(args.id && !world_vm(file, args.id));
   fuzz_check(args.user_va_range == range);
   vm->id = args.id;
   vm->serial = ++w->serial;
   vm->user_va_range = range;
   model_init(&vm->model, ioctl_islands, WORLD_ISLAND_PAGES);
}

void
ioctl_vm_destroy(struct world *w, struct world_file *file,
                 struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   struct drm_panthor_vm_destroy args = {
      .id = ioctl_pick_vm(in, file),
      .pad = how == 255,
   };
   struct world_vm *vm = world_vm(file, args.id);

   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_VM_DESTROY, &args);
   world_expect(w, "VM_DESTROY", ret, args.pad || !vm ? -EINVAL : 0, true);
   if (!ret)
      world_vm_gone(vm);
}

void
ioctl_vm_get_state(struct world *w, struct world_file *file,
                   struct fuzz_input *in)
{
   struct drm_panthor_vm_get_state args = {.vm_id = ioctl_pick_vm(in, file)};
   const bool known = world_vm(file, args.vm_id);

   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args);
   world_expect(w, "VM_GET_STATE", ret, known ? 0 : -EINVAL, true);
   if (!ret)
      fuzz_check(args.state == DRM_PANTHOR_VM_STATE_USABLE);
}

/* ------------------------------------------------------------ BO handles -- */

static struct world_handle *
free_handle(struct world_file *file)
{
   for (unsigned i = 0; i < WORLD_HANDLES; i++)
      if (!file->handle[i].handle)
         return &file->handle[i];
   return NULL;
}

static uint64_t
pick_bo_size(struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);

   if (how == 255)
      return fuzz_u64(in);
   if (how == 254)
      return 1ull << (25 + fuzz_below(in, 16));
   if (how == 253)
      return 0;
   if (how >= 200)
      return (2ull << 20) + (how % 3) * PAGE_B;
   return 1 + how * 1000ull;
}

void
ioctl_bo_create(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   struct drm_panthor_bo_create args = {
      .size = pick_bo_size(in),
      .flags = how < 128 ? 0 : how < 250 ? how % 4 : fuzz_u32(in),
      .exclusive_vm_id = how % 8 == 7 ? ioctl_pick_vm(in, file) : 0,
      .pad = how == 249,
   };
   const struct world_vm *vm = world_vm(file, args.exclusive_vm_id);
   struct world_handle *handle = free_handle(file);
   const uint64_t size_B = (args.size + PAGE_B - 1) & ~(PAGE_B - 1);
   int want = 0;

   if (!handle)
      return;
   if (!args.size || args.pad || args.flags > 2 ||
       (args.exclusive_vm_id && !vm))
      want = -EINVAL;
   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_BO_CREATE, &args);
   /* A file, or the space of mmap offsets, may end before it does. */
   if (!want && size_B - 1 >= 32ull << 20 && (ret == -EINVAL || ret == -ENOSPC))
      want = ret;
   world_expect(w, "BO_CREATE", ret, want, true);
   if (ret)
      return;
   fuzz_check(args.size == size_B);
   fuzz_check(args.handle && !world_handle(file, args.handle));
   struct world_bo *bo =
      world_bo_add(w, size_B, args.flags, vm ? vm->serial : 0);
   if (!bo) {
      struct drm_gem_close close = {.handle = args.handle};
      fuzz_check(!host_ioctl(file->file, DRM_IOCTL_GEM_CLOSE, &close));
      return;
   }
   handle->handle = args.handle;
   handle->bo = (uint16_t)(bo - w->bo);
   if (how & 1)
      world_bo_tag(w, file, args.handle, bo);
}

void
ioctl_gem_close(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_gem_close args = {.handle = ioctl_pick_handle(in, file)};
   struct world_handle *handle = world_handle(file, args.handle);

   int ret = world_ioctl(w, file, DRM_IOCTL_GEM_CLOSE, &args);
   world_expect(w, "GEM_CLOSE", ret, handle ? 0 : -EINVAL, true);
   if (!ret)
      handle->handle = 0;
}

void
ioctl_export(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   struct drm_prime_handle args = {
      .handle = ioctl_pick_handle(in, file),
      .flags = how == 255 ? fuzz_u32(in) : DRM_CLOEXEC,
   };
   const unsigned slot = how % WORLD_FDS;
   const struct world_handle *handle = world_handle(file, args.handle);
   int want = 0;

   if (args.flags & ~(uint32_t)(DRM_CLOEXEC | DRM_RDWR))
      want = -EINVAL;
   else if (!handle)
      want = -ENOENT;
   else if (w->bo[handle->bo].exclusive)
      want = -EINVAL;
   int ret = world_ioctl(w, file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);
   world_expect(w, "PRIME_HANDLE_TO_FD", ret, want, true);
   if (ret)
      return;
   if (w->fd[slot].fd >= 0)
      close(w->fd[slot].fd);
   w->fd[slot].fd = args.fd;
   w->fd[slot].bo = handle->bo;
}

void
ioctl_import(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   const unsigned slot = how % WORLD_FDS;
   struct drm_prime_handle args = {.fd = how < 250 ? w->fd[slot].fd : 9999};
   struct world_handle *known, *handle = free_handle(file);

   if (!handle)
      return;
   int ret = world_ioctl(w, file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);
   world_expect(w, "PRIME_FD_TO_HANDLE", ret,
                args.fd < 0 || args.fd == 9999 ? -EBADF : 0, true);
   if (ret)
      return;
   known = world_handle(file, args.handle);
   if (known) {
      fuzz_check(known->bo == w->fd[slot].bo);
      return;
   }
   handle->handle = args.handle;
   handle->bo = w->fd[slot].bo;
}

/* -------------------------------------------------------- other BO ioctls -- */

void
ioctl_bo_label(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   char label[4200];
   const uint8_t how = fuzz_u8(in);
   const uint32_t length = how < 128 ? how : 4000 + how % 128;
   struct drm_panthor_bo_set_label args = {
      .handle = ioctl_pick_handle(in, file),
      .pad = how == 127,
   };
   int want = 0;

   memset(label, 'x', length);
   label[length] = '\0';
   if (how)
      args.label = (uintptr_t)fuzz_tail(0, label, length + 1);
   if (how == 126)
      args.label = 1;
   if (args.pad)
      want = -EINVAL;
   else if (!world_handle(file, args.handle))
      want = -ENOENT;
   else if (length + 1 > 4096)
      want = -E2BIG;
   else if (how == 126)
      want = -EFAULT;
   world_expect(w, "BO_SET_LABEL",
                world_ioctl(w, file, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args),
                want, true);
}

static int
check_sync_op(struct world *w, struct world_file *file,
              const struct drm_panthor_bo_sync_op *op)
{
   const struct world_handle *handle = world_handle(file, op->handle);

   if (!handle)
      return -ENOENT;
   const uint64_t size_B = w->bo[handle->bo].size_B;
   return op->offset > size_B || op->size > size_B - op->offset || op->type > 1
             ? -EINVAL
             : 0;
}

void
ioctl_bo_sync(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_panthor_bo_sync_op ops[3] = {0};
   struct drm_panthor_bo_sync args;
   const uint32_t count = fuzz_below(in, 4);
   int want;

   for (uint32_t i = 0; i < count; i++) {
      const uint8_t how = fuzz_u8(in);

      ops[i].handle = ioctl_pick_handle(in, file);
      ops[i].type = how % 8 == 7 ? 2 : how & 1;
      ops[i].offset = how >= 240 ? fuzz_u64(in) : how * 16ull;
      ops[i].size = how >= 224 ? fuzz_u64(in) : how * 8ull;
   }
   want = ioctl_array(in, 0, ops, count, sizeof(ops[0]), 24, &args.ops);
   for (uint32_t i = 0; i < count && !want; i++)
      want = check_sync_op(w, file, &ops[i]);
   world_expect(w, "BO_SYNC",
                world_ioctl(w, file, DRM_IOCTL_PANTHOR_BO_SYNC, &args), want,
                true);
}

void
ioctl_bo_query(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_panthor_bo_query_info args = {
      .handle = ioctl_pick_handle(in, file),
      .pad = fuzz_below(in, 16) == 15,
   };
   const struct world_handle *handle = world_handle(file, args.handle);

   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &args);
   world_expect(w, "BO_QUERY_INFO", ret,
                args.pad ? -EINVAL : handle ? 0 : -ENOENT, true);
   if (!ret)
      fuzz_check(args.create_flags == w->bo[handle->bo].flags &&
                 args.extra_flags == 0);
}

/* ---------------------------------------------------------------- device -- */

/* size: as the driver knows it; min: what every version had. */
static const struct {
   uint32_t size, min;
} queries[] = {
   {sizeof(struct drm_panthor_gpu_info), 96},
   {sizeof(struct drm_panthor_csif_info), 24},
   {sizeof(struct drm_panthor_timestamp_info), 16},
   {sizeof(struct drm_panthor_group_priorities_info), 4},
   {sizeof(struct drm_panthor_mmu_info), 8},
};

static int
check_timestamp(uint32_t flags, uint32_t size, bool tail)
{
   const uint32_t flags_end =
      offsetof(struct drm_panthor_timestamp_info, flags) + 4;

   if (size > sizeof(struct drm_panthor_timestamp_info) && tail)
      return -E2BIG;
   return size >= flags_end && (flags > 255 || (flags & 0xe) > 4) ? -EINVAL : 0;
}

void
ioctl_dev_query(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   uint8_t buffer[256] = {0};
   const uint8_t how = fuzz_u8(in);
   struct drm_panthor_dev_query args = {
      .type = how >= 250 ? fuzz_u32(in) : how % 6,
      .size = fuzz_below(in, 161),
   };
   /* The flags of a timestamp query are complete, or not there. */
   const uint32_t at = offsetof(struct drm_panthor_timestamp_info, flags);
   const uint32_t flags = how & 64 ? fuzz_below(in, 256) : fuzz_below(in, 7);
   const bool tail = how & 32;
   int want = 0;

   args.size &= ~3u;
   memcpy(buffer + at, &flags, 4);
   buffer[sizeof(struct drm_panthor_timestamp_info)] = tail;
   if (how & 128)
      args.pointer = (uintptr_t)fuzz_tail(0, buffer, args.size);
   const uint32_t size = args.size;
   if (args.type >= 5) {
      want = -EINVAL;
   } else if (args.pointer) {
      if (args.type == DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO)
         want = check_timestamp(flags, size, tail);
      if (!want && size < queries[args.type].min)
         want = -EINVAL;
   }
   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_DEV_QUERY, &args);
   world_expect(w, "DEV_QUERY", ret, want, true);
   if (!ret) {
      const uint32_t known = queries[args.type].size;
      fuzz_check(args.size == (args.pointer && size < known ? size : known));
   }
}

void
ioctl_mmio_offset(struct world *w, struct world_file *file,
                  struct fuzz_input *in)
{
   static const uint64_t offsets[] = {
      DRM_PANTHOR_USER_MMIO_OFFSET_32BIT,
      DRM_PANTHOR_USER_MMIO_OFFSET_64BIT,
      0,
      1ull << 44,
   };
   const uint32_t n = fuzz_below(in, 4);
   struct drm_panthor_set_user_mmio_offset args = {.offset = offsets[n]};

   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, &args);
   world_expect(w, "SET_USER_MMIO_OFFSET", ret, n < 2 ? 0 : -EINVAL, true);
   if (!ret)
      file->mmio_offset = args.offset;
}

void
ioctl_unknown(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   uint8_t args[256] = {0};
   const uint8_t nr = fuzz_u8(in);
   const bool other_type = nr < 64;
   /* Numbers behind the driver's, and those of another subsystem. */
   const unsigned long request =
      other_type ? _IOC(_IOC_READ | _IOC_WRITE, 'X', nr, 16)
                 : _IOC(fuzz_below(in, 4), 'd', DRM_COMMAND_BASE + 17 + nr % 40,
                        fuzz_below(in, 128));

   world_expect(w, "an unknown ioctl", world_ioctl(w, file, request, args),
                other_type ? -ENOTTY : -EINVAL, true);
}

/* ------------------------------------------------------- groups and heaps -- */

static void
group_create(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_panthor_queue_create queues[3] = {0};
   struct drm_panthor_group_create args = {0};
   const uint32_t count = fuzz_below(in, 4);

   for (uint32_t i = 0; i < count; i++) {
      queues[i].priority = fuzz_u8(in) % 17;
      queues[i].ringbuf_size = 1024u << fuzz_below(in, 8);
   }
   ioctl_array(in, 0, queues, count, sizeof(queues[0]), 8, &args.queues);
   args.max_compute_cores = args.max_fragment_cores = fuzz_u8(in) % 5;
   args.max_tiler_cores = fuzz_u8(in) % 3;
   args.priority = fuzz_u8(in) % 5;
   args.compute_core_mask = args.fragment_core_mask = fuzz_u8(in);
   args.tiler_core_mask = 1;
   args.vm_id = ioctl_pick_vm(in, file);
   if (!world_ioctl(w, file, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args))
      file->group[args.group_handle % 4] = args.group_handle;
}

static void
group_submit(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_panthor_queue_submit submits[2] = {0};
   struct drm_panthor_group_submit args = {
      .group_handle = file->group[fuzz_below(in, 4)],
   };
   const uint32_t count = fuzz_below(in, 3);

   for (uint32_t i = 0; i < count; i++) {
      submits[i].queue_index = fuzz_below(in, 4);
      submits[i].stream_size = fuzz_u8(in) * 8u;
      submits[i].stream_addr = fuzz_u8(in) * 64ull;
      submits[i].latest_flush = fuzz_u8(in);
   }
   ioctl_array(in, 0, submits, count, sizeof(submits[0]), 40,
               &args.queue_submits);
   world_ioctl(w, file, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}

static void
heap_create(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_panthor_tiler_heap_create args = {
      .vm_id = ioctl_pick_vm(in, file),
      .initial_chunk_count = fuzz_u8(in) % 6,
      .chunk_size = 64u << 10 << fuzz_below(in, 5),
      .max_chunks = fuzz_u8(in) % 9,
      .target_in_flight = fuzz_u8(in) % 4,
   };

   if (!world_ioctl(w, file, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &args))
      file->heap[args.handle % 4] = args.handle;
}

void
ioctl_group(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct drm_panthor_group_destroy group = {0};
   struct drm_panthor_group_get_state state = {0};
   struct drm_panthor_tiler_heap_destroy heap = {0};

   /* They may take what their objects need. */
   w->excuse = true;
   switch (fuzz_below(in, 6)) {
   case 0:
      group_create(w, file, in);
      break;
   case 1:
      group_submit(w, file, in);
      break;
   case 2:
      heap_create(w, file, in);
      break;
   case 3:
      group.group_handle = file->group[fuzz_below(in, 4)];
      world_ioctl(w, file, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &group);
      break;
   case 4:
      state.group_handle = file->group[fuzz_below(in, 4)];
      world_ioctl(w, file, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state);
      break;
   default:
      heap.handle = file->heap[fuzz_below(in, 4)];
      world_ioctl(w, file, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &heap);
      break;
   }
}
