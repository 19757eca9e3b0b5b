// SPDX-License-Identifier: MIT OR GPL-2.0
/* The ioctls that change or read several syncobjs at once. */
#include <drm/drm.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "drm_internal.h"
#include "drm_syncobj_array.h"
#include "drm_syncobj_internal.h"

/* --------------------------------------------------------------- arrays -- */

/* Looks up handles, read in portions so that a large array needs no copy. */
static int find_syncobjs(struct drm_file *file,
			 struct linux_syncobj_array *array,
			 const u32 __user *handles)
{
	u32 portion[64], count = array->count;

	array->count = 0;
	while (array->count < count) {
		u32 n = min_t(u32, count - array->count, ARRAY_SIZE(portion));

		if (copy_from_user(portion, handles + array->count,
				   n * sizeof(*portion)))
			return -EFAULT;
		for (u32 i = 0; i < n; i++) {
			struct drm_syncobj *syncobj =
				drm_syncobj_find(file, portion[i]);

			if (!syncobj)
				return -ENOENT;
			array->syncobjs[array->count++] = syncobj;
		}
	}
	return 0;
}

int linux_syncobj_array_get(struct drm_file *file,
			    struct linux_syncobj_array *array, u64 handles,
			    u32 count)
{
	int ret;

	array->count = count;
	array->points = NULL;
	array->syncobjs = array->inline_syncobjs;
	if (count > LINUX_SYNCOBJ_ARRAY_INLINE) {
		array->syncobjs = kvmalloc_array(
			count, sizeof(*array->syncobjs), GFP_KERNEL);
		if (!array->syncobjs)
			return -ENOMEM;
	}
	ret = find_syncobjs(file, array, u64_to_user_ptr(handles));
	if (ret)
		linux_syncobj_array_put(array);
	return ret;
}

int linux_syncobj_array_get_points(struct linux_syncobj_array *array,
				   u64 points)
{
	size_t size = array->count * sizeof(u64);
	u64 *copy = array->inline_points;

	if (array->count > LINUX_SYNCOBJ_ARRAY_INLINE) {
		copy = kvmalloc_array(array->count, sizeof(u64), GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	array->points = copy;
	if (!points)
		memset(copy, 0, size);
	else if (copy_from_user(copy, u64_to_user_ptr(points), size))
		return -EFAULT;
	return 0;
}

void linux_syncobj_array_put(struct linux_syncobj_array *array)
{
	for (u32 i = 0; i < array->count; i++)
		drm_syncobj_put(array->syncobjs[i]);
	if (array->syncobjs != array->inline_syncobjs)
		kvfree(array->syncobjs);
	if (array->points != array->inline_points)
		kvfree(array->points);
}

/* --------------------------------------------------------------- binary -- */

/*
 * What all ioctls on arrays begin with. @mbz: fields and flags that must be 0.
 * On success the array is the caller's.
 */
static int get_array(struct drm_device *dev, struct drm_file *file,
		     enum drm_driver_feature feature, u32 mbz, u64 handles,
		     u32 count, struct linux_syncobj_array *array)
{
	if (!drm_core_check_feature(dev, feature))
		return -EOPNOTSUPP;
	if (mbz || !count)
		return -EINVAL;
	return linux_syncobj_array_get(file, array, handles, count);
}

int linux_drm_syncobj_reset_ioctl(struct drm_device *dev, void *data,
				  struct drm_file *file)
{
	struct drm_syncobj_array *args = data;
	struct linux_syncobj_array array;
	int ret;

	ret = get_array(dev, file, DRIVER_SYNCOBJ, args->pad,
			args->handles, args->count_handles, &array);
	if (ret)
		return ret;
	for (u32 i = 0; i < array.count; i++)
		drm_syncobj_replace_fence(array.syncobjs[i], NULL);
	linux_syncobj_array_put(&array);
	return 0;
}

int linux_drm_syncobj_signal_ioctl(struct drm_device *dev, void *data,
				   struct drm_file *file)
{
	struct drm_syncobj_array *args = data;
	struct linux_syncobj_array array;
	struct dma_fence *fence;
	int ret;

	ret = get_array(dev, file, DRIVER_SYNCOBJ, args->pad,
			args->handles, args->count_handles, &array);
	if (ret)
		return ret;
	/* One for all: they signalled at the same time. */
	fence = dma_fence_allocate_private_stub(ktime_get());
	if (fence) {
		for (u32 i = 0; i < array.count; i++)
			drm_syncobj_replace_fence(array.syncobjs[i], fence);
		dma_fence_put(fence);
	} else {
		ret = -ENOMEM;
	}
	linux_syncobj_array_put(&array);
	return ret;
}

/* ------------------------------------------------------------ timelines -- */

/* All chains or none, so that the rest of the ioctl cannot fail. */
static struct dma_fence_chain **alloc_chains(u32 count)
{
	struct dma_fence_chain **chains =
		kvmalloc_array(count, sizeof(*chains), GFP_KERNEL);
	u32 i;

	if (!chains)
		return NULL;
	for (i = 0; i < count; i++) {
		chains[i] = dma_fence_chain_alloc();
		if (!chains[i])
			goto err_free;
	}
	return chains;

err_free:
	while (i--)
		dma_fence_chain_free(chains[i]);
	kvfree(chains);
	return NULL;
}

int linux_drm_syncobj_timeline_signal_ioctl(struct drm_device *dev, void *data,
					    struct drm_file *file)
{
	struct drm_syncobj_timeline_array *args = data;
	struct dma_fence_chain **chains;
	struct linux_syncobj_array array;
	struct dma_fence *fence;
	int ret;

	ret = get_array(dev, file, DRIVER_SYNCOBJ_TIMELINE, args->flags,
			args->handles, args->count_handles, &array);
	if (ret)
		return ret;
	ret = linux_syncobj_array_get_points(&array, args->points);
	if (ret)
		goto out_put;
	chains = alloc_chains(array.count);
	if (!chains) {
		ret = -ENOMEM;
		goto out_put;
	}
	fence = dma_fence_get_stub();
	for (u32 i = 0; i < array.count; i++)
		drm_syncobj_add_point(array.syncobjs[i], chains[i], fence,
				      array.points[i]);
	dma_fence_put(fence);
	kvfree(chains);
out_put:
	linux_syncobj_array_put(&array);
	return ret;
}

/*
 * The last point of a timeline that has signalled. That is the link before the
 * oldest one that has not, and a walk leaves no others than that.
 */
static u64 last_signaled_point(struct dma_fence *head)
{
	struct dma_fence *link, *oldest = dma_fence_get(head);
	u64 point;

	dma_fence_chain_for_each(link, head) {
		/* What came before an out-of-order point does not count. */
		if (link->context != head->context) {
			dma_fence_put(link);
			break;
		}
		dma_fence_put(oldest);
		oldest = dma_fence_get(link);
	}
	point = dma_fence_is_signaled(oldest) ?
			oldest->seqno :
			to_dma_fence_chain(oldest)->prev_seqno;
	dma_fence_put(oldest);
	return point;
}

static u64 query_point(struct drm_syncobj *syncobj, u32 flags)
{
	struct dma_fence *fence = drm_syncobj_fence_get(syncobj);
	u64 point = 0;

	/* A binary syncobj, or an empty one, is at 0. */
	if (to_dma_fence_chain(fence))
		point = flags & DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED ?
				fence->seqno :
				last_signaled_point(fence);
	dma_fence_put(fence);
	return point;
}

int linux_drm_syncobj_query_ioctl(struct drm_device *dev, void *data,
				  struct drm_file *file)
{
	struct drm_syncobj_timeline_array *args = data;
	u64 __user *points = u64_to_user_ptr(args->points);
	struct linux_syncobj_array array;
	int ret;

	ret = get_array(dev, file, DRIVER_SYNCOBJ_TIMELINE,
			args->flags &
				~(u32)DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED,
			args->handles, args->count_handles, &array);
	if (ret)
		return ret;
	for (u32 i = 0; i < array.count && !ret; i++) {
		u64 point = query_point(array.syncobjs[i], args->flags);

		if (copy_to_user(&points[i], &point, sizeof(point)))
			ret = -EFAULT;
	}
	linux_syncobj_array_put(&array);
	return ret;
}

/* ------------------------------------------------------------- transfer -- */

/* A point must not be a chain itself: what is in it is taken out. */
static int transfer_to_timeline(struct drm_syncobj *dst, u64 point,
				struct dma_fence *fence)
{
	struct dma_fence *plain = dma_fence_unwrap_merge(fence);
	struct dma_fence_chain *chain;

	if (!plain)
		return -ENOMEM;
	chain = dma_fence_chain_alloc();
	if (chain)
		drm_syncobj_add_point(dst, chain, plain, point);
	dma_fence_put(plain);
	return chain ? 0 : -ENOMEM;
}

int linux_drm_syncobj_transfer_ioctl(struct drm_device *dev, void *data,
				     struct drm_file *file)
{
	struct drm_syncobj_transfer *args = data;
	struct drm_syncobj *dst;
	struct dma_fence *fence;
	int ret;

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ_TIMELINE))
		return -EOPNOTSUPP;
	if (args->pad)
		return -EINVAL;
	dst = drm_syncobj_find(file, args->dst_handle);
	if (!dst)
		return -ENOENT;
	ret = drm_syncobj_find_fence(file, args->src_handle, args->src_point,
				     args->flags, &fence);
	if (ret)
		goto out_put;
	if (args->dst_point)
		ret = transfer_to_timeline(dst, args->dst_point, fence);
	else
		drm_syncobj_replace_fence(dst, fence);
	dma_fence_put(fence);
out_put:
	drm_syncobj_put(dst);
	return ret;
}
