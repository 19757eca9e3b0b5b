/* SPDX-License-Identifier: MIT */
#include "replay_uapi.h"

#include <drm.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>

#include "drm-uapi/panthor_drm.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(type, member, kind, id)                                          \
   {#member, UAPI_##kind, id, offsetof(struct type, member),                   \
    sizeof(((struct type *)0)->member)}
/* An answer, a descriptor or a deadline: no object. */
#define PLAIN(type, member, kind) FIELD(type, member, kind, UAPI_ID_COUNT)
#define OBJ_ARRAY(type, member, item)                                          \
   {#member, UAPI_OBJ_ARRAY, offsetof(struct type, member), 0, 0, 0, false, item}
#define COUNTED(type, pointer, count, item_B, compared, item)                  \
   {#pointer, UAPI_COUNTED, offsetof(struct type, pointer),                    \
    offsetof(struct type, count), sizeof(((struct type *)0)->count), item_B,   \
    compared, item}
#define STRUCT(fields, arrays) {fields, COUNT(fields), arrays, COUNT(arrays)}

/* -------------------------------------------------------------- elements -- */

static const struct uapi_field sync_fields[] = {
   FIELD(drm_panthor_sync_op, handle, USE, UAPI_SYNCOBJ)};
static const struct uapi_struct sync_item = {sync_fields, 1, NULL, 0};

static const struct uapi_field bind_fields[] = {
   FIELD(drm_panthor_vm_bind_op, bo_handle, USE, UAPI_BO)};
static const struct uapi_array bind_arrays[] = {
   OBJ_ARRAY(drm_panthor_vm_bind_op, syncs, &sync_item)};
static const struct uapi_struct bind_item = STRUCT(bind_fields, bind_arrays);

static const struct uapi_array submit_arrays[] = {
   OBJ_ARRAY(drm_panthor_queue_submit, syncs, &sync_item)};
static const struct uapi_struct submit_item = {NULL, 0, submit_arrays, 1};

static const struct uapi_field bo_sync_fields[] = {
   FIELD(drm_panthor_bo_sync_op, handle, USE, UAPI_BO)};
static const struct uapi_struct bo_sync_item = {bo_sync_fields, 1, NULL, 0};

static const struct uapi_field handle_fields[] = {
   {"handle", UAPI_USE, UAPI_SYNCOBJ, 0, sizeof(uint32_t)}};
static const struct uapi_struct handle_item = {handle_fields, 1, NULL, 0};

/* --------------------------------------------------------------- Panthor -- */

static const struct uapi_field dev_query_fields[] = {
   PLAIN(drm_panthor_dev_query, size, OUT)};
static const struct uapi_array dev_query_arrays[] = {
   COUNTED(drm_panthor_dev_query, pointer, size, 1, true, NULL)};
static const struct uapi_field vm_create_fields[] = {
   FIELD(drm_panthor_vm_create, id, NEW, UAPI_VM),
   PLAIN(drm_panthor_vm_create, user_va_range, OUT)};
static const struct uapi_field vm_destroy_fields[] = {
   FIELD(drm_panthor_vm_destroy, id, DROP, UAPI_VM)};
static const struct uapi_field vm_bind_fields[] = {
   FIELD(drm_panthor_vm_bind, vm_id, USE, UAPI_VM),
   PLAIN(drm_panthor_vm_bind, ops.count, OUT)};
static const struct uapi_array vm_bind_arrays[] = {
   OBJ_ARRAY(drm_panthor_vm_bind, ops, &bind_item)};
static const struct uapi_field vm_get_state_fields[] = {
   FIELD(drm_panthor_vm_get_state, vm_id, USE, UAPI_VM),
   PLAIN(drm_panthor_vm_get_state, state, OUT)};
static const struct uapi_field bo_create_fields[] = {
   PLAIN(drm_panthor_bo_create, size, OUT),
   FIELD(drm_panthor_bo_create, exclusive_vm_id, USE, UAPI_VM),
   FIELD(drm_panthor_bo_create, handle, NEW, UAPI_BO)};
static const struct uapi_field bo_mmap_offset_fields[] = {
   FIELD(drm_panthor_bo_mmap_offset, handle, USE, UAPI_BO),
   FIELD(drm_panthor_bo_mmap_offset, offset, NEW_OR_OLD, UAPI_OFFSET)};
static const struct uapi_field group_create_fields[] = {
   FIELD(drm_panthor_group_create, vm_id, USE, UAPI_VM),
   FIELD(drm_panthor_group_create, group_handle, NEW, UAPI_GROUP)};
static const struct uapi_array group_create_arrays[] = {
   OBJ_ARRAY(drm_panthor_group_create, queues, NULL)};
static const struct uapi_field group_destroy_fields[] = {
   FIELD(drm_panthor_group_destroy, group_handle, DROP, UAPI_GROUP)};
static const struct uapi_field group_submit_fields[] = {
   FIELD(drm_panthor_group_submit, group_handle, USE, UAPI_GROUP)};
static const struct uapi_array group_submit_arrays[] = {
   OBJ_ARRAY(drm_panthor_group_submit, queue_submits, &submit_item)};
static const struct uapi_field group_get_state_fields[] = {
   FIELD(drm_panthor_group_get_state, group_handle, USE, UAPI_GROUP),
   PLAIN(drm_panthor_group_get_state, state, OUT),
   PLAIN(drm_panthor_group_get_state, fatal_queues, OUT)};
static const struct uapi_field heap_create_fields[] = {
   FIELD(drm_panthor_tiler_heap_create, vm_id, USE, UAPI_VM),
   FIELD(drm_panthor_tiler_heap_create, handle, NEW, UAPI_HEAP)};
static const struct uapi_field heap_destroy_fields[] = {
   FIELD(drm_panthor_tiler_heap_destroy, handle, DROP, UAPI_HEAP)};
static const struct uapi_field bo_set_label_fields[] = {
   FIELD(drm_panthor_bo_set_label, handle, USE, UAPI_BO)};
static const struct uapi_array bo_set_label_arrays[] = {
   {"label", UAPI_STRING, offsetof(struct drm_panthor_bo_set_label, label)}};
static const struct uapi_array bo_sync_arrays[] = {
   OBJ_ARRAY(drm_panthor_bo_sync, ops, &bo_sync_item)};
static const struct uapi_field bo_query_info_fields[] = {
   FIELD(drm_panthor_bo_query_info, handle, USE, UAPI_BO),
   PLAIN(drm_panthor_bo_query_info, extra_flags, OUT),
   PLAIN(drm_panthor_bo_query_info, create_flags, OUT)};

/* ------------------------------------------------------------------- DRM -- */

static const struct uapi_field version_fields[] = {
   PLAIN(drm_version, version_major, OUT), PLAIN(drm_version, version_minor, OUT),
   PLAIN(drm_version, version_patchlevel, OUT),
   PLAIN(drm_version, name_len, OUT)};
static const struct uapi_array version_arrays[] = {
   COUNTED(drm_version, name, name_len, 1, true, NULL),
   COUNTED(drm_version, date, date_len, 1, false, NULL),
   COUNTED(drm_version, desc, desc_len, 1, false, NULL)};
static const struct uapi_field get_cap_fields[] = {
   PLAIN(drm_get_cap, value, OUT)};
static const struct uapi_field gem_close_fields[] = {
   FIELD(drm_gem_close, handle, DROP, UAPI_BO)};
static const struct uapi_field prime_export_fields[] = {
   FIELD(drm_prime_handle, handle, USE, UAPI_BO),
   PLAIN(drm_prime_handle, fd, FD_OUT)};
static const struct uapi_field prime_import_fields[] = {
   PLAIN(drm_prime_handle, fd, FD_IN),
   FIELD(drm_prime_handle, handle, NEW_OR_OLD, UAPI_BO)};

/* -------------------------------------------------------------- syncobjs -- */

static const struct uapi_field syncobj_create_fields[] = {
   FIELD(drm_syncobj_create, handle, NEW, UAPI_SYNCOBJ)};
static const struct uapi_field syncobj_destroy_fields[] = {
   FIELD(drm_syncobj_destroy, handle, DROP, UAPI_SYNCOBJ)};
static const struct uapi_field syncobj_export_fields[] = {
   FIELD(drm_syncobj_handle, handle, USE, UAPI_SYNCOBJ),
   PLAIN(drm_syncobj_handle, fd, FD_OUT)};
/* With IMPORT_SYNC_FILE the handle is one that there is. */
static const struct uapi_field syncobj_import_fields[] = {
   PLAIN(drm_syncobj_handle, fd, FD_IN),
   FIELD(drm_syncobj_handle, handle, NEW_OR_OLD, UAPI_SYNCOBJ)};
static const struct uapi_field syncobj_transfer_fields[] = {
   FIELD(drm_syncobj_transfer, src_handle, USE, UAPI_SYNCOBJ),
   FIELD(drm_syncobj_transfer, dst_handle, USE, UAPI_SYNCOBJ)};
static const struct uapi_field syncobj_wait_fields[] = {
   PLAIN(drm_syncobj_wait, timeout_nsec, DEADLINE)};
static const struct uapi_array syncobj_wait_arrays[] = {
   COUNTED(drm_syncobj_wait, handles, count_handles, 4, false, &handle_item)};
static const struct uapi_field timeline_wait_fields[] = {
   PLAIN(drm_syncobj_timeline_wait, timeout_nsec, DEADLINE)};
static const struct uapi_array timeline_wait_arrays[] = {
   COUNTED(drm_syncobj_timeline_wait, handles, count_handles, 4, false,
           &handle_item),
   COUNTED(drm_syncobj_timeline_wait, points, count_handles, 8, false, NULL)};
static const struct uapi_field syncobj_eventfd_fields[] = {
   FIELD(drm_syncobj_eventfd, handle, USE, UAPI_SYNCOBJ),
   PLAIN(drm_syncobj_eventfd, fd, EVENTFD)};
static const struct uapi_array syncobj_array_arrays[] = {
   COUNTED(drm_syncobj_array, handles, count_handles, 4, false, &handle_item)};
static const struct uapi_array timeline_array_arrays[] = {
   COUNTED(drm_syncobj_timeline_array, handles, count_handles, 4, false,
           &handle_item),
   COUNTED(drm_syncobj_timeline_array, points, count_handles, 8, false, NULL)};

/* ----------------------------------------------------------- descriptors -- */

static const struct uapi_field sync_merge_fields[] = {
   PLAIN(sync_merge_data, fd2, FD_IN), PLAIN(sync_merge_data, fence, FD_OUT)};
static const struct uapi_array sync_info_arrays[] = {
   COUNTED(sync_file_info, sync_fence_info, num_fences,
           sizeof(struct sync_fence_info), false, NULL)};
static const struct uapi_field export_sync_file_fields[] = {
   PLAIN(dma_buf_export_sync_file, fd, FD_OUT)};
static const struct uapi_field import_sync_file_fields[] = {
   PLAIN(dma_buf_import_sync_file, fd, FD_IN)};

/* ------------------------------------------------------------- the table -- */

#define BOTH(name, fields, arrays)                                             \
   {#name, (uint32_t)DRM_IOCTL_##name, false, STRUCT(fields, arrays)}
#define FIELDS(name, fields)                                                   \
   {#name, (uint32_t)DRM_IOCTL_##name, false, {fields, COUNT(fields), NULL, 0}}
#define ARRAYS(name, arrays)                                                   \
   {#name, (uint32_t)DRM_IOCTL_##name, false, {NULL, 0, arrays, COUNT(arrays)}}
#define WAIT(name, fields, arrays)                                             \
   {#name, (uint32_t)DRM_IOCTL_##name, true, STRUCT(fields, arrays)}

static const struct uapi_ioctl table[] = {
   BOTH(PANTHOR_DEV_QUERY, dev_query_fields, dev_query_arrays),
   FIELDS(PANTHOR_VM_CREATE, vm_create_fields),
   FIELDS(PANTHOR_VM_DESTROY, vm_destroy_fields),
   BOTH(PANTHOR_VM_BIND, vm_bind_fields, vm_bind_arrays),
   FIELDS(PANTHOR_VM_GET_STATE, vm_get_state_fields),
   FIELDS(PANTHOR_BO_CREATE, bo_create_fields),
   FIELDS(PANTHOR_BO_MMAP_OFFSET, bo_mmap_offset_fields),
   BOTH(PANTHOR_GROUP_CREATE, group_create_fields, group_create_arrays),
   FIELDS(PANTHOR_GROUP_DESTROY, group_destroy_fields),
   BOTH(PANTHOR_GROUP_SUBMIT, group_submit_fields, group_submit_arrays),
   FIELDS(PANTHOR_GROUP_GET_STATE, group_get_state_fields),
   FIELDS(PANTHOR_TILER_HEAP_CREATE, heap_create_fields),
   FIELDS(PANTHOR_TILER_HEAP_DESTROY, heap_destroy_fields),
   BOTH(PANTHOR_BO_SET_LABEL, bo_set_label_fields, bo_set_label_arrays),
   {"PANTHOR_SET_USER_MMIO_OFFSET",
    (uint32_t)DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET},
   ARRAYS(PANTHOR_BO_SYNC, bo_sync_arrays),
   FIELDS(PANTHOR_BO_QUERY_INFO, bo_query_info_fields),

   BOTH(VERSION, version_fields, version_arrays),
   FIELDS(GET_CAP, get_cap_fields),
   FIELDS(GEM_CLOSE, gem_close_fields),
   FIELDS(PRIME_HANDLE_TO_FD, prime_export_fields),
   FIELDS(PRIME_FD_TO_HANDLE, prime_import_fields),

   FIELDS(SYNCOBJ_CREATE, syncobj_create_fields),
   FIELDS(SYNCOBJ_DESTROY, syncobj_destroy_fields),
   FIELDS(SYNCOBJ_HANDLE_TO_FD, syncobj_export_fields),
   FIELDS(SYNCOBJ_FD_TO_HANDLE, syncobj_import_fields),
   FIELDS(SYNCOBJ_TRANSFER, syncobj_transfer_fields),
   WAIT(SYNCOBJ_WAIT, syncobj_wait_fields, syncobj_wait_arrays),
   WAIT(SYNCOBJ_TIMELINE_WAIT, timeline_wait_fields, timeline_wait_arrays),
   FIELDS(SYNCOBJ_EVENTFD, syncobj_eventfd_fields),
   ARRAYS(SYNCOBJ_RESET, syncobj_array_arrays),
   ARRAYS(SYNCOBJ_SIGNAL, syncobj_array_arrays),
   ARRAYS(SYNCOBJ_TIMELINE_SIGNAL, timeline_array_arrays),
   ARRAYS(SYNCOBJ_QUERY, timeline_array_arrays),

   {"SYNC_IOC_MERGE", (uint32_t)SYNC_IOC_MERGE, false,
    {sync_merge_fields, COUNT(sync_merge_fields), NULL, 0}},
   {"SYNC_IOC_FILE_INFO", (uint32_t)SYNC_IOC_FILE_INFO, false,
    {NULL, 0, sync_info_arrays, COUNT(sync_info_arrays)}},
   {"DMA_BUF_IOCTL_SYNC", (uint32_t)DMA_BUF_IOCTL_SYNC},
   {"DMA_BUF_IOCTL_EXPORT_SYNC_FILE", (uint32_t)DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
    false, {export_sync_file_fields, COUNT(export_sync_file_fields), NULL, 0}},
   {"DMA_BUF_IOCTL_IMPORT_SYNC_FILE", (uint32_t)DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
    false, {import_sync_file_fields, COUNT(import_sync_file_fields), NULL, 0}},
};

/* Structs grow: their size is no part of what an ioctl is. */
static uint32_t
without_size(uint32_t request)
{
   return request & ~(uint32_t)(_IOC_SIZEMASK << _IOC_SIZESHIFT);
}

const struct uapi_ioctl *
uapi_find(uint32_t request)
{
   for (size_t i = 0; i < COUNT(table); i++) {
      if (without_size(table[i].request) == without_size(request))
         return &table[i];
   }
   return NULL;
}
