/* SPDX-License-Identifier: MIT */
#include "replay_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_memory.h"

/* What the driver did not read needs no memory; this much is there. */
#define UNREAD_MAX_B 4096u
#define BAD_ADDRESS 8u
#define IOCTL_MAX_B ((1u << _IOC_SIZEBITS) - 1)

/* A call on its way. */
struct call {
   const struct record_ioctl *ioctl;
   const struct uapi_ioctl *uapi; /* NULL: unknown */
   struct replay_world *world;
   struct replay_ids_of_file *ids;
   const struct replay_options *options;
   struct replay_memory memory;
   bool missing; /* names an object that is not there */
};

static uint64_t
load(const unsigned char *at, size_t size_B)
{
   uint64_t value = 0;

   memcpy(&value, at, size_B);
   return value;
}

static void
store(unsigned char *at, uint64_t value, size_t size_B)
{
   memcpy(at, &value, size_B);
}

size_t
replay_read_in(const struct record_ioctl *ioctl, uint64_t addr, void *bytes_out,
               size_t size_B)
{
   size_t done = 0;

   for (size_t i = 0; i < ioctl->copy_count && done < size_B; i++) {
      const struct record_copy *copy = &ioctl->copies[i];
      uint64_t offset = addr + done - copy->addr;

      if (copy->out || copy->addr > addr + done || offset >= copy->size_B)
         continue;
      size_t some = copy->size_B - offset < size_B - done ? copy->size_B - offset
                                                          : size_B - done;
      memcpy((char *)bytes_out + done, copy->bytes + offset, some);
      done += some;
   }
   return done;
}

size_t
replay_read_out(const struct record_ioctl *ioctl, uint64_t addr, void *bytes_out,
                size_t size_B)
{
   size_t known = replay_read_in(ioctl, addr, bytes_out, size_B);

   for (size_t i = 0; i < ioctl->copy_count; i++) {
      const struct record_copy *copy = &ioctl->copies[i];

      if (!copy->out || copy->addr != addr)
         continue;
      size_t some = copy->size_B < size_B ? copy->size_B : size_B;
      memcpy(bytes_out, copy->bytes, some);
      known = some > known ? some : known;
   }
   return known;
}

/* ---------------------------------------------------------- descriptors -- */

static const struct record_fd *
find_fd(const struct record_ioctl *ioctl, int fd)
{
   for (size_t i = 0; i < ioctl->fd_count; i++) {
      if (ioctl->fds[i].fd == fd)
         return &ioctl->fds[i];
   }
   return NULL;
}

/* A descriptor as of another process: a dma-buf of that size, or what has signalled. */
static int
make_substitute(struct replay_file *helper, const struct record_fd *fd, bool file)
{
   struct drm_panthor_bo_create bo = {.size = fd->size_B};
   struct drm_syncobj_create syncobj = {.flags = DRM_SYNCOBJ_CREATE_SIGNALED};
   const struct replay_target_ops *ops = helper->target->ops;

   if (fd->size_B) {
      if (ops->ioctl(helper, DRM_IOCTL_PANTHOR_BO_CREATE, &bo))
         return -1;
      struct drm_prime_handle prime = {.handle = bo.handle,
                                       .flags = DRM_CLOEXEC | DRM_RDWR};
      return ops->ioctl(helper, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) ? -1
                                                                      : prime.fd;
   }
   if (ops->ioctl(helper, DRM_IOCTL_SYNCOBJ_CREATE, &syncobj))
      return -1;
   struct drm_syncobj_handle handle = {
      .handle = syncobj.handle,
      .flags = file ? DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE : 0};
   return ops->ioctl(helper, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle) ? -1
                                                                      : handle.fd;
}

/* What it is here: -1, or one that is open, where it was nothing of the driver's. */
static int
translate_fd(struct call *call, int fd)
{
   const struct record_fd *recorded = find_fd(call->ioctl, fd);
   bool is_file = call->ioctl->request != (uint32_t)DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE;

   if (recorded && recorded->inode == RECORD_FD_OTHER)
      return STDERR_FILENO;
   if (!recorded || recorded->inode == RECORD_FD_NONE)
      return -1;
   struct replay_id *known = replay_ids_find(&call->world->fds, recorded->inode);
   if (!known) {
      /* What was no good then will not be now. */
      if (call->ioctl->ret)
         return STDERR_FILENO;
      struct replay_id made = {.recorded = recorded->inode};
      made.real =
         (uint64_t)make_substitute(call->world->helper, recorded, is_file);
      made.is_real = (int)made.real >= 0;
      if (!replay_ids_add(&call->world->fds, &made))
         return -1;
      known = replay_ids_find(&call->world->fds, recorded->inode);
   }
   call->missing |= !known->is_real;
   return known->is_real ? (int)known->real : -1;
}

static int
make_eventfd(struct call *call)
{
   struct replay_id made = {.is_real = true};
   int fd = eventfd(0, EFD_CLOEXEC);

   made.real = (uint64_t)fd;
   if (fd >= 0 && !replay_ids_add(&call->world->eventfds, &made)) {
      close(fd);
      fd = -1;
   }
   return fd;
}

/* ----------------------------------------------------------- into the call -- */

/* A fence that signalled in the recording does so here, or something is wrong. */
static uint64_t
deadline(const struct call *call, uint64_t recorded)
{
   const struct record_ioctl *ioctl = call->ioctl;
   struct timespec now;

   if (!ioctl->ended || ioctl->ret == -ETIME)
      return 0;
   if (ioctl->ret)
      return recorded;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec +
          (uint64_t)call->options->wait_ms * 1000000u;
}

/* A number that the program took for an object's. */
static uint64_t
translate_id(struct call *call, const struct uapi_field *field, uint64_t recorded)
{
   struct replay_id *id =
      replay_ids_find(&call->ids->ids[field->id], recorded);

   /* Not in the recording, either: it is to be wrong, or no object at all. */
   if (!id)
      return recorded;
   call->missing |= !id->is_real;
   return id->real;
}

static void
translate_field(struct call *call, const struct uapi_field *field,
                unsigned char *at)
{
   uint64_t value = load(at, field->size_B);

   switch (field->kind) {
   case UAPI_USE:
   case UAPI_DROP:
      if (value)
         value = translate_id(call, field, value);
      break;
   case UAPI_NEW_OR_OLD:
      /* Of an import of a sync file, the handle goes in. */
      if (field->id == UAPI_SYNCOBJ && value)
         value = translate_id(call, field, value);
      break;
   case UAPI_FD_IN:
      value = (uint64_t)translate_fd(call, (int)value);
      break;
   case UAPI_EVENTFD:
      value = (uint64_t)make_eventfd(call);
      break;
   case UAPI_DEADLINE:
      value = deadline(call, value);
      break;
   case UAPI_OUT:
   case UAPI_NEW:
   case UAPI_FD_OUT:
      return;
   }
   store(at, value, field->size_B);
}

static void build_struct(struct call *call, const struct uapi_struct *what,
                         size_t piece, size_t offset, size_t size_B);

/* A pointer becomes one to memory of ours. */
static void
build_pointer(struct call *call, size_t parent, size_t offset, uint64_t total_B,
              const struct uapi_struct *item, size_t stride_B)
{
   uint64_t recorded =
      load(call->memory.pieces[parent].real + offset, sizeof(uint64_t));
   uint64_t real = BAD_ADDRESS;

   if (!recorded)
      return;
   size_t least_B = total_B < UNREAD_MAX_B ? (size_t)total_B : UNREAD_MAX_B;
   struct replay_piece *piece =
      replay_memory_add(&call->memory, recorded, least_B, total_B);
   if (!piece)
      return;
   if (piece->size_B || !call->ioctl->ended || call->ioctl->ret != -EFAULT)
      real = (uintptr_t)piece->real;
   store(call->memory.pieces[parent].real + offset, real, sizeof(real));
   if (!item || !stride_B)
      return;
   size_t index = call->memory.count - 1, size_B = piece->size_B;
   for (size_t at = 0; at < size_B && !call->memory.failed; at += stride_B)
      build_struct(call, item, index, at,
                   size_B - at < stride_B ? size_B - at : stride_B);
}

static void
build_array(struct call *call, const struct uapi_array *array, size_t parent,
            size_t base)
{
   const unsigned char *at = call->memory.pieces[parent].real + base;
   struct drm_panthor_obj_array objects;
   uint64_t count;

   switch (array->kind) {
   case UAPI_OBJ_ARRAY:
      memcpy(&objects, at + array->offset, sizeof(objects));
      build_pointer(call, parent,
                    base + array->offset + offsetof(typeof(objects), array),
                    (uint64_t)objects.stride * objects.count, array->item,
                    objects.stride);
      break;
   case UAPI_COUNTED:
      count = load(at + array->count_offset, array->count_size_B);
      if (count > UINT64_MAX / array->item_B)
         count = UINT64_MAX / array->item_B;
      build_pointer(call, parent, base + array->offset, count * array->item_B,
                    array->item, array->item_B);
      break;
   case UAPI_STRING:
      build_pointer(call, parent, base + array->offset, UNREAD_MAX_B, NULL, 0);
      break;
   }
}

static size_t
array_end(const struct uapi_array *array)
{
   size_t end = array->offset + (array->kind == UAPI_OBJ_ARRAY
                                    ? sizeof(struct drm_panthor_obj_array)
                                    : sizeof(uint64_t));
   size_t count_end = array->count_offset + array->count_size_B;

   return end > count_end ? end : count_end;
}

/* The struct at @offset of a piece, of which @size_B are there. */
static void
build_struct(struct call *call, const struct uapi_struct *what, size_t piece,
             size_t offset, size_t size_B)
{
   for (size_t i = 0; i < what->field_count; i++) {
      const struct uapi_field *field = &what->fields[i];

      if (field->offset + field->size_B <= size_B)
         translate_field(call, field,
                         call->memory.pieces[piece].real + offset + field->offset);
   }
   for (size_t i = 0; i < what->array_count && !call->memory.failed; i++) {
      if (array_end(&what->arrays[i]) <= size_B)
         build_array(call, &what->arrays[i], piece, offset);
   }
}

/* False: no memory. *arg_out: the argument. */
static bool
build(struct call *call, void **arg_out)
{
   size_t size_B = _IOC_SIZE(call->ioctl->request);

   replay_memory_init(&call->memory, call->ioctl);
   *arg_out = NULL;
   if (!call->ioctl->arg)
      return true;
   struct replay_piece *arg = replay_memory_add(
      &call->memory, call->ioctl->arg, size_B, size_B ? size_B : IOCTL_MAX_B);
   if (!arg)
      return false;
   *arg_out = arg->real;
   if (size_B && arg->size_B < size_B)
      *arg_out = (void *)BAD_ADDRESS;
   else if (call->uapi)
      build_struct(call, &call->uapi->arg, 0, 0, arg->size_B);
   return !call->memory.failed;
}

/* ------------------------------------------------------- out of the call -- */

static uint64_t
object_of(struct replay_world *world, uint64_t inode)
{
   struct replay_id *fd = replay_ids_find(&world->fds, inode);

   return fd ? fd->object : 0;
}

/* A number for something that all files may know, from 1. */
static uint64_t
new_object(void)
{
   static uint64_t count;

   return ++count;
}

/* The object that the call was about, if it named a BO. */
static uint64_t
object_in_call(struct call *call)
{
   struct drm_prime_handle prime;

   if (call->ioctl->request != (uint32_t)DRM_IOCTL_PRIME_HANDLE_TO_FD ||
       replay_read_in(call->ioctl, call->ioctl->arg, &prime, sizeof(prime)) <
          sizeof(prime))
      return 0;
   struct replay_id *id =
      replay_ids_find(&call->ids->ids[UAPI_BO], prime.handle);
   return id ? id->object : 0;
}

static void
learn_new(struct call *call, const struct uapi_field *field, uint64_t recorded,
          uint64_t real, bool done)
{
   struct replay_ids *ids = &call->ids->ids[field->id];
   struct replay_id *old =
      field->kind == UAPI_NEW_OR_OLD ? replay_ids_find(ids, recorded) : NULL;
   struct replay_id id = {.recorded = recorded, .is_real = done, .real = real};

   if (old) {
      /* An offset may be that of a later BO. */
      if (field->id == UAPI_OFFSET)
         *old = id;
      return;
   }
   id.object = call->ioctl->fd_count
                  ? object_of(call->world, call->ioctl->fds[0].inode)
                  : 0;
   if (!id.object)
      id.object = new_object();
   call->memory.failed |= !replay_ids_add(ids, &id);
}

static void
learn_fd(struct call *call, uint64_t recorded, uint64_t real, bool done)
{
   const struct record_fd *fd = find_fd(call->ioctl, (int)recorded);
   struct replay_id id = {.is_real = done, .real = real};

   if (!fd || fd->inode <= RECORD_FD_OTHER) {
      if (done)
         close((int)real);
      return;
   }
   id.recorded = fd->inode;
   id.object = object_in_call(call);
   call->memory.failed |= !replay_ids_add(&call->world->fds, &id);
}

/* A descriptor that only the replay made. */
static void
close_new_fd(struct call *call)
{
   const struct uapi_struct *what = &call->uapi->arg;

   for (size_t i = 0; i < what->field_count; i++) {
      if (what->fields[i].kind == UAPI_FD_OUT)
         close((int)load(call->memory.pieces[0].real + what->fields[i].offset,
                         what->fields[i].size_B));
   }
}

/* What the call made and took, in the recording, is so from now on. @done: here, too. */
static void
learn(struct call *call, bool done)
{
   const struct uapi_struct *what = &call->uapi->arg;
   const struct replay_piece *arg = call->memory.count ? call->memory.pieces : NULL;

   if (call->ioctl->ret || !call->ioctl->ended || !arg) {
      if (done && arg)
         close_new_fd(call);
      return;
   }
   for (size_t i = 0; i < what->field_count; i++) {
      const struct uapi_field *field = &what->fields[i];

      if (field->offset + field->size_B > arg->size_B)
         continue;
      uint64_t recorded = load(arg->expected + field->offset, field->size_B);
      uint64_t real = load(arg->real + field->offset, field->size_B);
      if (field->kind == UAPI_NEW || field->kind == UAPI_NEW_OR_OLD)
         learn_new(call, field, recorded, real, done);
      else if (field->kind == UAPI_DROP)
         replay_ids_drop(&call->ids->ids[field->id], recorded);
      else if (field->kind == UAPI_FD_OUT)
         learn_fd(call, recorded, real, done);
   }
}

/* The first answer that is another one, or NULL. */
static const char *
compare_struct(struct call *call)
{
   const struct uapi_struct *what = &call->uapi->arg;
   const struct replay_piece *arg = call->memory.pieces;

   for (size_t i = 0; i < what->field_count; i++) {
      const struct uapi_field *field = &what->fields[i];

      if (field->kind == UAPI_OUT && field->offset + field->size_B <= arg->size_B &&
          memcmp(arg->real + field->offset, arg->expected + field->offset,
                 field->size_B))
         return field->name;
   }
   return NULL;
}

/* A query of the time never has the same answer. */
static bool
asks_for_time(const struct call *call)
{
   const struct drm_panthor_dev_query *query =
      (const void *)call->memory.pieces[0].real;

   return call->ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_DEV_QUERY &&
          query->type == DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO;
}

static const char *
compare_arrays(struct call *call)
{
   const struct uapi_struct *what = &call->uapi->arg;
   size_t index = 1; /* pieces are in the order of the arrays, if there is no item */

   for (size_t i = 0; i < what->array_count; i++) {
      const struct uapi_array *array = &what->arrays[i];

      if (!array->compared || index >= call->memory.count)
         continue;
      const struct replay_piece *piece = &call->memory.pieces[index++];
      for (size_t at = 0; at < piece->size_B; at++) {
         if (piece->written[at] && piece->real[at] != piece->expected[at])
            return array->name;
      }
   }
   return NULL;
}

static struct replay_result
compare(struct call *call, int ret)
{
   const struct record_ioctl *ioctl = call->ioctl;
   struct replay_result result = {.ret = ret};

   if (!ioctl->ended)
      return result;
   if (ret != ioctl->ret) {
      bool by_time = call->uapi && call->uapi->waits && ioctl->ret == -ETIME && !ret;

      result.outcome = by_time ? REPLAY_TIMING : REPLAY_RESULT;
      return result;
   }
   if (!call->uapi || !call->memory.count || call->options->is_cut ||
       call->options->other_device)
      return result;
   if (ret != -EFAULT)
      result.where = compare_struct(call);
   if (!result.where && !ret && !asks_for_time(call))
      result.where = compare_arrays(call);
   if (result.where)
      result.outcome = REPLAY_OUTPUT;
   return result;
}

/* ------------------------------------------------------------- the call -- */

static int
make(struct call *call, struct replay_file *file, void *arg)
{
   const struct record_ioctl *ioctl = call->ioctl;

   if (ioctl->target == RECORD_ON_FILE)
      return file->target->ops->ioctl(file, ioctl->request, arg);
   int fd = translate_fd(call, (int)ioctl->id);
   return fd < 0 ? -EBADF
                 : call->world->helper->target->ops->fd_ioctl(
                      fd, ioctl->request, arg);
}

struct replay_result
replay_call(const struct record_ioctl *ioctl, const struct uapi_ioctl *uapi,
            struct replay_world *world, struct replay_file *file,
            struct replay_ids_of_file *ids, const struct replay_options *options)
{
   struct call call = {.ioctl = ioctl, .uapi = uapi, .world = world, .ids = ids,
                       .options = options};
   struct replay_result result = {.outcome = REPLAY_NO_MEMORY};
   bool done = false;
   void *arg;

   if (build(&call, &arg)) {
      if (ioctl->target == RECORD_ON_FD)
         call.missing |= translate_fd(&call, (int)ioctl->id) < 0;
      if (options->skip || call.missing) {
         result.outcome = REPLAY_SKIPPED;
      } else {
         result = compare(&call, make(&call, file, arg));
         done = result.ret == 0;
      }
      if (uapi)
         learn(&call, done);
      if (call.memory.failed)
         result.outcome = REPLAY_NO_MEMORY;
   }
   replay_memory_free(&call.memory);
   return result;
}
