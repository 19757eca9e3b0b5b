// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/capability.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <drm/drm_auth.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_gpu.h"
#include "panthor_query.h"
#include "panthor_uobj.h"

#define TIMESTAMP_FLAGS GENMASK(7, 0)
#define TIMESTAMP_DEFAULT                                                      \
	(DRM_PANTHOR_TIMESTAMP_GPU | DRM_PANTHOR_TIMESTAMP_GPU_OFFSET |        \
	 DRM_PANTHOR_TIMESTAMP_FREQ)

static int check_timestamp_flags(u32 flags)
{
	if (flags & ~TIMESTAMP_FLAGS)
		return -EINVAL;

	switch (flags & DRM_PANTHOR_TIMESTAMP_CPU_TYPE_MASK) {
	case DRM_PANTHOR_TIMESTAMP_CPU_NONE:
	case DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC:
	case DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC_RAW:
		return 0;
	default:
		return -EINVAL;
	}
}

static void read_cpu_clock(u32 flags, struct drm_panthor_timestamp_info *info)
{
	struct timespec64 now;

	switch (flags & DRM_PANTHOR_TIMESTAMP_CPU_TYPE_MASK) {
	case DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC:
		ktime_get_ts64(&now);
		break;
	case DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC_RAW:
		ktime_get_raw_ts64(&now);
		break;
	default:
		return;
	}

	info->cpu_timestamp_sec = now.tv_sec;
	info->cpu_timestamp_nsec = now.tv_nsec;
}

/* Clocks that are compared with each other are read back to back. */
static void read_timestamps(struct panthor_device *ptdev, u32 flags,
			    struct drm_panthor_timestamp_info *info)
{
	u64 begin_ns, duration_ns;

	if (flags & DRM_PANTHOR_TIMESTAMP_FREQ)
		info->timestamp_frequency = panthor_gpu_timestamp_frequency();
	if (flags & DRM_PANTHOR_TIMESTAMP_GPU_OFFSET)
		info->timestamp_offset =
			panthor_gpu_read_timestamp_offset(ptdev);

	preempt_disable();
	begin_ns = ktime_get_raw_ns();
	read_cpu_clock(flags, info);
	if (flags & DRM_PANTHOR_TIMESTAMP_GPU)
		info->current_timestamp = panthor_gpu_read_timestamp(ptdev);
	if (flags & DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT)
		info->cycle_count = panthor_gpu_read_cycle_count(ptdev);
	duration_ns = ktime_get_raw_ns() - begin_ns;
	preempt_enable();

	if (flags & DRM_PANTHOR_TIMESTAMP_DURATION)
		info->duration_nsec = min_t(u64, duration_ns, U32_MAX);
}

static int query_timestamp(struct panthor_device *ptdev,
			   const struct drm_panthor_dev_query *args)
{
	struct drm_panthor_timestamp_info in, info = {};
	u32 flags;
	int ret;

	ret = copy_struct_from_user(&in, sizeof(in),
				    u64_to_user_ptr(args->pointer), args->size);
	if (ret)
		return ret;

	ret = check_timestamp_flags(in.flags);
	if (ret)
		return ret;

	flags = in.flags ? in.flags : TIMESTAMP_DEFAULT;
	info.flags = in.flags;
	read_timestamps(ptdev, flags, &info);

	return PANTHOR_UOBJ_SET(args->pointer, args->size, &info,
				current_timestamp);
}

static int query_group_priorities(struct drm_file *file,
				  const struct drm_panthor_dev_query *args)
{
	struct drm_panthor_group_priorities_info info = {
		.allowed_mask = BIT(PANTHOR_GROUP_PRIORITY_LOW) |
				BIT(PANTHOR_GROUP_PRIORITY_MEDIUM),
	};

	/* Others must not be able to starve the compositor. */
	if (capable(CAP_SYS_NICE) || drm_is_current_master(file))
		info.allowed_mask |= BIT(PANTHOR_GROUP_PRIORITY_HIGH) |
				     BIT(PANTHOR_GROUP_PRIORITY_REALTIME);

	return PANTHOR_UOBJ_SET(args->pointer, args->size, &info, pad);
}

static bool has_mmu_info(const struct panthor_device *ptdev)
{
	return ptdev->uapi == PANTHOR_UAPI_1_9;
}

/* Bytes of the answer as the driver knows it; 0 for an unknown query. */
static u32 query_size(const struct panthor_device *ptdev, u32 type)
{
	switch (type) {
	case DRM_PANTHOR_DEV_QUERY_GPU_INFO:
		return sizeof(struct drm_panthor_gpu_info);
	case DRM_PANTHOR_DEV_QUERY_CSIF_INFO:
		return sizeof(struct drm_panthor_csif_info);
	case DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO:
		return sizeof(struct drm_panthor_timestamp_info);
	case DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO:
		return sizeof(struct drm_panthor_group_priorities_info);
	case DRM_PANTHOR_DEV_QUERY_MMU_INFO:
		return has_mmu_info(ptdev) ? sizeof(struct drm_panthor_mmu_info)
					   : 0;
	default:
		return 0;
	}
}

static int query_answer(struct panthor_device *ptdev, struct drm_file *file,
			const struct drm_panthor_dev_query *args)
{
	switch (args->type) {
	case DRM_PANTHOR_DEV_QUERY_GPU_INFO:
		return PANTHOR_UOBJ_SET(args->pointer, args->size,
					&ptdev->gpu_info, tiler_present);
	case DRM_PANTHOR_DEV_QUERY_CSIF_INFO:
		return PANTHOR_UOBJ_SET(args->pointer, args->size,
					&ptdev->csif_info, pad);
	case DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO:
		return query_timestamp(ptdev, args);
	case DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO:
		return query_group_priorities(file, args);
	case DRM_PANTHOR_DEV_QUERY_MMU_INFO:
		return PANTHOR_UOBJ_SET(args->pointer, args->size,
					&ptdev->mmu_info, page_size_bitmap);
	default:
		return -EINVAL;
	}
}

/**
 * panthor_ioctl_dev_query() - DEV_QUERY
 *
 * Without a pointer, says how large the answer is. With one, answers, and says
 * how much of the buffer that took.
 *
 * Return: 0; -EINVAL for an unknown query, a buffer too small for the fields
 * that every version had, or invalid timestamp flags; -E2BIG for a timestamp
 * request with unknown fields set; -EFAULT.
 */
int panthor_ioctl_dev_query(struct drm_device *ddev, void *data,
			    struct drm_file *file)
{
	struct panthor_device *ptdev = to_panthor_device(ddev);
	struct drm_panthor_dev_query *args = data;
	u32 size = query_size(ptdev, args->type);
	int ret;

	if (!size)
		return -EINVAL;

	if (args->pointer) {
		ret = query_answer(ptdev, file, args);
		if (ret)
			return ret;
		size = min(size, args->size);
	}

	args->size = size;
	return 0;
}
