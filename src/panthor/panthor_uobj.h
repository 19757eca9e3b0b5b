/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Copying extensible objects and arrays of them from and to user space. */
#ifndef PANTHOR_UOBJ_H
#define PANTHOR_UOBJ_H

#include <linux/stddef.h>
#include <linux/types.h>

struct drm_panthor_obj_array;

int panthor_uobj_get_array(const struct drm_panthor_obj_array *array,
			   size_t min_stride, size_t obj_size, void **objs_out);
int panthor_uobj_set(u64 user_ptr, u32 user_size, size_t min_size,
		     size_t obj_size, const void *obj);

/*
 * Copies a user array into *@objs_out (a pointer to a pointer to the element
 * type), which the caller frees with kvfree() and which is NULL for an empty
 * array. @last_field is the last one that user space must know. Errors:
 * panthor_uobj_get_array().
 */
#define PANTHOR_UOBJ_GET_ARRAY(objs_out, array, last_field)                    \
	panthor_uobj_get_array(array,                                          \
			       offsetofend(typeof(**(objs_out)), last_field),  \
			       sizeof(**(objs_out)), (void **)(objs_out))

/*
 * Answers a query with *@obj: see panthor_uobj_set(). @last_field as above.
 */
#define PANTHOR_UOBJ_SET(user_ptr, user_size, obj, last_field)                 \
	panthor_uobj_set(user_ptr, user_size,                                  \
			 offsetofend(typeof(*(obj)), last_field),              \
			 sizeof(*(obj)), obj)

#endif /* PANTHOR_UOBJ_H */
