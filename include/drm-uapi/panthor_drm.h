/* SPDX-License-Identifier: MIT */
/*
 * The Panthor user-space interface, version 1.9: ioctl numbers, structures and
 * flags, nothing else. Names, values and layouts are those of Linux; what each
 * of them means, with the validation order and the errno of every rule, is in
 * docs/panthor.md.
 */
#ifndef PANTHOR_DRM_H
#define PANTHOR_DRM_H

#include <drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* mmap offsets at and above this one name device pages instead of BOs. */
#define DRM_PANTHOR_USER_MMIO_OFFSET_32BIT (1ull << 43)
#define DRM_PANTHOR_USER_MMIO_OFFSET_64BIT (1ull << 56)
#define DRM_PANTHOR_USER_MMIO_OFFSET                                           \
	(sizeof(unsigned long) < 8 ? DRM_PANTHOR_USER_MMIO_OFFSET_32BIT        \
				   : DRM_PANTHOR_USER_MMIO_OFFSET_64BIT)
/* The read-only page whose first word is LATEST_FLUSH_ID. */
#define DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET (DRM_PANTHOR_USER_MMIO_OFFSET | 0)

enum drm_panthor_ioctl_id {
	DRM_PANTHOR_DEV_QUERY = 0,
	DRM_PANTHOR_VM_CREATE,
	DRM_PANTHOR_VM_DESTROY,
	DRM_PANTHOR_VM_BIND,
	DRM_PANTHOR_VM_GET_STATE,
	DRM_PANTHOR_BO_CREATE,
	DRM_PANTHOR_BO_MMAP_OFFSET,
	DRM_PANTHOR_GROUP_CREATE,
	DRM_PANTHOR_GROUP_DESTROY,
	DRM_PANTHOR_GROUP_SUBMIT,
	DRM_PANTHOR_GROUP_GET_STATE,
	DRM_PANTHOR_TILER_HEAP_CREATE,
	DRM_PANTHOR_TILER_HEAP_DESTROY,
	DRM_PANTHOR_BO_SET_LABEL,
	DRM_PANTHOR_SET_USER_MMIO_OFFSET,
	DRM_PANTHOR_BO_SYNC,
	DRM_PANTHOR_BO_QUERY_INFO,
};

#define DRM_IOCTL_PANTHOR(__access, __id, __type)                              \
	DRM_IO##__access(DRM_COMMAND_BASE + DRM_PANTHOR_##__id,                \
			 struct drm_panthor_##__type)

#define DRM_IOCTL_PANTHOR_DEV_QUERY DRM_IOCTL_PANTHOR(WR, DEV_QUERY, dev_query)
#define DRM_IOCTL_PANTHOR_VM_CREATE DRM_IOCTL_PANTHOR(WR, VM_CREATE, vm_create)
#define DRM_IOCTL_PANTHOR_VM_DESTROY                                           \
	DRM_IOCTL_PANTHOR(WR, VM_DESTROY, vm_destroy)
#define DRM_IOCTL_PANTHOR_VM_BIND DRM_IOCTL_PANTHOR(WR, VM_BIND, vm_bind)
#define DRM_IOCTL_PANTHOR_VM_GET_STATE                                         \
	DRM_IOCTL_PANTHOR(WR, VM_GET_STATE, vm_get_state)
#define DRM_IOCTL_PANTHOR_BO_CREATE DRM_IOCTL_PANTHOR(WR, BO_CREATE, bo_create)
#define DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET                                       \
	DRM_IOCTL_PANTHOR(WR, BO_MMAP_OFFSET, bo_mmap_offset)
#define DRM_IOCTL_PANTHOR_GROUP_CREATE                                         \
	DRM_IOCTL_PANTHOR(WR, GROUP_CREATE, group_create)
#define DRM_IOCTL_PANTHOR_GROUP_DESTROY                                        \
	DRM_IOCTL_PANTHOR(WR, GROUP_DESTROY, group_destroy)
#define DRM_IOCTL_PANTHOR_GROUP_SUBMIT                                         \
	DRM_IOCTL_PANTHOR(WR, GROUP_SUBMIT, group_submit)
#define DRM_IOCTL_PANTHOR_GROUP_GET_STATE                                      \
	DRM_IOCTL_PANTHOR(WR, GROUP_GET_STATE, group_get_state)
#define DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE                                    \
	DRM_IOCTL_PANTHOR(WR, TILER_HEAP_CREATE, tiler_heap_create)
#define DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY                                   \
	DRM_IOCTL_PANTHOR(WR, TILER_HEAP_DESTROY, tiler_heap_destroy)
#define DRM_IOCTL_PANTHOR_BO_SET_LABEL                                         \
	DRM_IOCTL_PANTHOR(WR, BO_SET_LABEL, bo_set_label)
#define DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET                                 \
	DRM_IOCTL_PANTHOR(WR, SET_USER_MMIO_OFFSET, set_user_mmio_offset)
#define DRM_IOCTL_PANTHOR_BO_SYNC DRM_IOCTL_PANTHOR(WR, BO_SYNC, bo_sync)
#define DRM_IOCTL_PANTHOR_BO_QUERY_INFO                                        \
	DRM_IOCTL_PANTHOR(WR, BO_QUERY_INFO, bo_query_info)

/* An array behind a pointer; the stride makes its elements extensible. */
struct drm_panthor_obj_array {
	__u32 stride;
	__u32 count;
	__u64 array;
};

#define DRM_PANTHOR_OBJ_ARRAY(cnt, ptr)                                        \
	{                                                                      \
		.stride = sizeof((ptr)[0]), .count = (cnt),                    \
		.array = (__u64)(uintptr_t)(ptr)                               \
	}

enum drm_panthor_sync_op_flags {
	DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_MASK = 0xff,
	DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ = 0,
	DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ = 1,
	DRM_PANTHOR_SYNC_OP_WAIT = 0 << 31,
	DRM_PANTHOR_SYNC_OP_SIGNAL = (int)(1u << 31),
};

struct drm_panthor_sync_op {
	__u32 flags; /* enum drm_panthor_sync_op_flags */
	__u32 handle;
	__u64 timeline_value; /* 0 for a binary syncobj */
};

enum drm_panthor_dev_query_type {
	DRM_PANTHOR_DEV_QUERY_GPU_INFO = 0,
	DRM_PANTHOR_DEV_QUERY_CSIF_INFO,
	DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO,
	DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO,
	DRM_PANTHOR_DEV_QUERY_MMU_INFO,
};

enum drm_panthor_gpu_coherency {
	DRM_PANTHOR_GPU_COHERENCY_ACE_LITE = 0,
	DRM_PANTHOR_GPU_COHERENCY_ACE = 1,
	DRM_PANTHOR_GPU_COHERENCY_NONE = 31,
};

struct drm_panthor_gpu_info {
	__u32 gpu_id;
#define DRM_PANTHOR_ARCH_MAJOR(x) ((x) >> 28)
#define DRM_PANTHOR_ARCH_MINOR(x) (((x) >> 24) & 0xf)
#define DRM_PANTHOR_ARCH_REV(x) (((x) >> 20) & 0xf)
#define DRM_PANTHOR_PRODUCT_MAJOR(x) (((x) >> 16) & 0xf)
#define DRM_PANTHOR_VERSION_MAJOR(x) (((x) >> 12) & 0xf)
#define DRM_PANTHOR_VERSION_MINOR(x) (((x) >> 4) & 0xff)
#define DRM_PANTHOR_VERSION_STATUS(x) ((x) & 0xf)
	__u32 gpu_rev;
	__u32 csf_id;
#define DRM_PANTHOR_CSHW_MAJOR(x) (((x) >> 26) & 0x3f)
#define DRM_PANTHOR_CSHW_MINOR(x) (((x) >> 20) & 0x3f)
#define DRM_PANTHOR_CSHW_REV(x) (((x) >> 16) & 0xf)
#define DRM_PANTHOR_MCU_MAJOR(x) (((x) >> 10) & 0x3f)
#define DRM_PANTHOR_MCU_MINOR(x) (((x) >> 4) & 0x3f)
#define DRM_PANTHOR_MCU_REV(x) ((x) & 0xf)
	__u32 l2_features;
	__u32 tiler_features;
	__u32 mem_features;
	__u32 mmu_features; /* 7:0 VA bits, 15:8 PA bits */
#define DRM_PANTHOR_MMU_VA_BITS(x) ((x) & 0xff)
	__u32 thread_features;
	__u32 max_threads;
	__u32 thread_max_workgroup_size;
	__u32 thread_max_barrier_size;
	__u32 coherency_features;
	__u32 texture_features[4];
	__u32 as_present; /* bit n: address-space slot n exists */
	__u32 selected_coherency; /* enum drm_panthor_gpu_coherency */
	__u64 shader_present;
	__u64 l2_present;
	__u64 tiler_present;
	__u32 core_features;
	__u32 pad;
	__u64 gpu_features;
};

struct drm_panthor_csif_info {
	__u32 csg_slot_count;
	__u32 cs_slot_count;
	__u32 cs_reg_count;
	__u32 scoreboard_slot_count;
	__u32 unpreserved_cs_reg_count;
	__u32 pad;
};

enum drm_panthor_timestamp_info_flags {
	DRM_PANTHOR_TIMESTAMP_GPU = 1 << 0,
	/* Bits 3:1 are one field: the CPU clock to read. */
	DRM_PANTHOR_TIMESTAMP_CPU_NONE = 0 << 1,
	DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC = 1 << 1,
	DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC_RAW = 2 << 1,
	DRM_PANTHOR_TIMESTAMP_CPU_TYPE_MASK = 7 << 1,
	DRM_PANTHOR_TIMESTAMP_GPU_OFFSET = 1 << 4,
	DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT = 1 << 5,
	DRM_PANTHOR_TIMESTAMP_FREQ = 1 << 6,
	DRM_PANTHOR_TIMESTAMP_DURATION = 1 << 7,
};

struct drm_panthor_timestamp_info {
	__u64 timestamp_frequency; /* Hz */
	__u64 current_timestamp;
	__u64 timestamp_offset;
	__u32 flags; /* in: enum drm_panthor_timestamp_info_flags */
	__u32 duration_nsec;
	__u64 cycle_count;
	__u64 cpu_timestamp_sec;
	__u64 cpu_timestamp_nsec;
};

enum drm_panthor_group_priority {
	PANTHOR_GROUP_PRIORITY_LOW = 0,
	PANTHOR_GROUP_PRIORITY_MEDIUM,
	PANTHOR_GROUP_PRIORITY_HIGH,
	PANTHOR_GROUP_PRIORITY_REALTIME,
};

struct drm_panthor_group_priorities_info {
	__u8 allowed_mask; /* bit n: priority n is permitted */
	__u8 pad[3];
};

struct drm_panthor_mmu_info {
	__u64 page_size_bitmap; /* OR of the leaf sizes in bytes */
};

struct drm_panthor_dev_query {
	__u32 type; /* enum drm_panthor_dev_query_type */
	__u32 size; /* bytes behind pointer */
	__u64 pointer; /* NULL asks for the size */
};

struct drm_panthor_vm_create {
	__u32 flags; /* MBZ */
	__u32 id; /* out */
	__u64 user_va_range; /* bytes, in and out; 0 asks for the default */
};

struct drm_panthor_vm_destroy {
	__u32 id;
	__u32 pad; /* MBZ */
};

enum drm_panthor_vm_bind_op_flags {
	DRM_PANTHOR_VM_BIND_OP_MAP_READONLY = 1 << 0,
	DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC = 1 << 1,
	DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED = 1 << 2,
	DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE = 1 << 3,
	DRM_PANTHOR_VM_BIND_OP_TYPE_MASK = (int)(0xfu << 28),
	DRM_PANTHOR_VM_BIND_OP_TYPE_MAP = 0 << 28,
	DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP = 1 << 28,
	DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY = 2 << 28,
};

struct drm_panthor_vm_bind_op {
	__u32 flags; /* enum drm_panthor_vm_bind_op_flags */
	__u32 bo_handle;
	__u64 bo_offset; /* bytes */
	__u64 va; /* bytes */
	__u64 size; /* bytes */
	struct drm_panthor_obj_array syncs; /* of drm_panthor_sync_op */
};

enum drm_panthor_vm_bind_flags {
	DRM_PANTHOR_VM_BIND_ASYNC = 1 << 0,
};

struct drm_panthor_vm_bind {
	__u32 vm_id;
	__u32 flags; /* enum drm_panthor_vm_bind_flags */
	struct drm_panthor_obj_array ops; /* of drm_panthor_vm_bind_op */
};

enum drm_panthor_vm_state {
	DRM_PANTHOR_VM_STATE_USABLE,
	DRM_PANTHOR_VM_STATE_UNUSABLE,
};

struct drm_panthor_vm_get_state {
	__u32 vm_id;
	__u32 state; /* out: enum drm_panthor_vm_state */
};

enum drm_panthor_bo_flags {
	DRM_PANTHOR_BO_NO_MMAP = 1 << 0,
	DRM_PANTHOR_BO_WB_MMAP = 1 << 1,
};

struct drm_panthor_bo_create {
	__u64 size; /* bytes, in and out */
	__u32 flags; /* enum drm_panthor_bo_flags */
	__u32 exclusive_vm_id; /* 0: may be mapped in any VM, and exported */
	__u32 handle; /* out */
	__u32 pad; /* MBZ */
};

struct drm_panthor_bo_mmap_offset {
	__u32 handle;
	__u32 pad; /* MBZ */
	__u64 offset; /* out */
};

struct drm_panthor_queue_create {
	__u8 priority; /* 0..15 */
	__u8 pad[3]; /* MBZ */
	__u32 ringbuf_size; /* bytes, a power of two, 4096..65536 */
};

struct drm_panthor_group_create {
	struct drm_panthor_obj_array queues; /* of drm_panthor_queue_create */
	__u8 max_compute_cores;
	__u8 max_fragment_cores;
	__u8 max_tiler_cores;
	__u8 priority; /* enum drm_panthor_group_priority */
	__u32 pad; /* MBZ */
	__u64 compute_core_mask;
	__u64 fragment_core_mask;
	__u64 tiler_core_mask;
	__u32 vm_id;
	__u32 group_handle; /* out */
};

struct drm_panthor_group_destroy {
	__u32 group_handle;
	__u32 pad; /* MBZ */
};

struct drm_panthor_queue_submit {
	__u32 queue_index;
	__u32 stream_size; /* bytes, a multiple of 8; 0 for no GPU work */
	__u64 stream_addr; /* GPU VA, 64-byte aligned */
	__u32 latest_flush;
	__u32 pad; /* MBZ */
	struct drm_panthor_obj_array syncs; /* of drm_panthor_sync_op */
};

struct drm_panthor_group_submit {
	__u32 group_handle;
	__u32 pad; /* MBZ */
	struct drm_panthor_obj_array queue_submits; /* of ..._queue_submit */
};

enum drm_panthor_group_state_flags {
	DRM_PANTHOR_GROUP_STATE_TIMEDOUT = 1 << 0,
	DRM_PANTHOR_GROUP_STATE_FATAL_FAULT = 1 << 1,
	DRM_PANTHOR_GROUP_STATE_INNOCENT = 1 << 2,
};

struct drm_panthor_group_get_state {
	__u32 group_handle;
	__u32 state; /* out: enum drm_panthor_group_state_flags */
	__u32 fatal_queues; /* out: bit per queue */
	__u32 pad; /* MBZ */
};

struct drm_panthor_tiler_heap_create {
	__u32 vm_id;
	__u32 initial_chunk_count;
	__u32 chunk_size; /* bytes */
	__u32 max_chunks;
	__u32 target_in_flight;
	__u32 handle; /* out */
	__u64 tiler_heap_ctx_gpu_va; /* out */
	__u64 first_heap_chunk_gpu_va; /* out */
};

struct drm_panthor_tiler_heap_destroy {
	__u32 handle;
	__u32 pad; /* MBZ */
};

struct drm_panthor_bo_set_label {
	__u32 handle;
	__u32 pad; /* MBZ */
	__u64 label; /* NUL-terminated string, or NULL to clear */
};

struct drm_panthor_set_user_mmio_offset {
	__u64 offset;
};

enum drm_panthor_bo_sync_op_type {
	DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH = 0,
	DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE = 1,
};

struct drm_panthor_bo_sync_op {
	__u32 handle;
	__u32 type; /* enum drm_panthor_bo_sync_op_type */
	__u64 offset; /* bytes */
	__u64 size; /* bytes */
};

struct drm_panthor_bo_sync {
	struct drm_panthor_obj_array ops; /* of drm_panthor_bo_sync_op */
};

enum drm_panthor_bo_extra_flags {
	DRM_PANTHOR_BO_IS_IMPORTED = 1 << 0,
};

struct drm_panthor_bo_query_info {
	__u32 handle;
	__u32 extra_flags; /* out: enum drm_panthor_bo_extra_flags */
	__u32 create_flags; /* out: enum drm_panthor_bo_flags */
	__u32 pad; /* MBZ */
};

#if defined(__cplusplus)
}
#endif

#endif /* PANTHOR_DRM_H */
