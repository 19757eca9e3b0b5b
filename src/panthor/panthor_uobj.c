// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_uobj.h"

static int copy_array(void *objs, size_t obj_size, const char __user *user,
		      u32 stride, u32 count)
{
	int ret;
	u32 i;

	if (stride == obj_size)
		return copy_from_user(objs, user, obj_size * count) ? -EFAULT
								    : 0;

	for (i = 0; i < count; i++) {
		ret = copy_struct_from_user(objs + i * obj_size, obj_size,
					    user + (u64)i * stride, stride);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * panthor_uobj_get_array() - copy an array of objects from user space
 * @array: where it is and how far apart its elements are
 * @min_stride: bytes up to the end of the last field that must be there
 * @obj_size: bytes of one element as the driver knows it
 * @objs_out: the elements, back to back; free with kvfree(). NULL if empty.
 *
 * An element shorter than @obj_size reads as zero behind its end; what a longer
 * one has behind @obj_size must be zero.
 *
 * Return: 0; -EINVAL for too small a stride; -ENOMEM; -EFAULT; -E2BIG where an
 * element uses fields that the driver does not know.
 */
int panthor_uobj_get_array(const struct drm_panthor_obj_array *array,
			   size_t min_stride, size_t obj_size, void **objs_out)
{
	void *objs;
	int ret;

	*objs_out = NULL;

	if (!array->count)
		return 0;

	if (array->stride < min_stride)
		return -EINVAL;

	/* The count is the user's: an absurd one is no reason to warn. */
	objs = kvmalloc_array(array->count, obj_size,
			      GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!objs)
		return -ENOMEM;

	ret = copy_array(objs, obj_size, u64_to_user_ptr(array->array),
			 array->stride, array->count);
	if (ret) {
		kvfree(objs);
		return ret;
	}

	*objs_out = objs;
	return 0;
}

/**
 * panthor_uobj_set() - hand an object to a user buffer of another size
 * @user_ptr: the buffer
 * @user_size: its bytes
 * @min_size: bytes up to the end of the last field that it must have room for
 * @obj_size: bytes of @obj
 * @obj: the object
 *
 * Copies what fits and clears the rest of the buffer.
 *
 * Return: 0; -EINVAL for too small a buffer; -EFAULT.
 */
int panthor_uobj_set(u64 user_ptr, u32 user_size, size_t min_size,
		     size_t obj_size, const void *obj)
{
	size_t copied = min_t(size_t, user_size, obj_size);
	char __user *user = u64_to_user_ptr(user_ptr);

	if (user_size < min_size)
		return -EINVAL;

	if (copy_to_user(user, obj, copied))
		return -EFAULT;

	if (user_size > copied && clear_user(user + copied, user_size - copied))
		return -EFAULT;

	return 0;
}
