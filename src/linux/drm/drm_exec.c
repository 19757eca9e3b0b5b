// SPDX-License-Identifier: MIT OR GPL-2.0
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

/* contended: before the first attempt; a value no object can have. */
#define NOT_STARTED ((struct drm_gem_object *)~0ul)

#define OBJECTS_AT_FIRST 32

static void unlock_all(struct drm_exec *exec)
{
	while (exec->num_objects) {
		struct drm_gem_object *obj =
			exec->objects[--exec->num_objects];

		dma_resv_unlock(obj->resv);
		drm_gem_object_put(obj);
	}
	if (exec->prelocked) {
		dma_resv_unlock(exec->prelocked->resv);
		drm_gem_object_put(exec->prelocked);
		exec->prelocked = NULL;
	}
}

void drm_exec_init(struct drm_exec *exec, u32 flags, unsigned nr)
{
	exec->flags = flags;
	exec->num_objects = 0;
	exec->max_objects = nr ? nr : OBJECTS_AT_FIRST;
	exec->objects = kvmalloc_array(exec->max_objects,
				       sizeof(*exec->objects), GFP_KERNEL);
	/* Tried again, with a result, when the first object is locked. */
	if (!exec->objects)
		exec->max_objects = 0;
	exec->contended = NOT_STARTED;
	exec->prelocked = NULL;
}

void drm_exec_fini(struct drm_exec *exec)
{
	unlock_all(exec);
	kvfree(exec->objects);
	if (exec->contended == NOT_STARTED)
		return;
	drm_gem_object_put(exec->contended);
	ww_acquire_fini(&exec->ticket);
}

bool drm_exec_cleanup(struct drm_exec *exec)
{
	if (likely(!exec->contended)) {
		ww_acquire_done(&exec->ticket);
		return false;
	}
	if (exec->contended == NOT_STARTED) {
		exec->contended = NULL;
		ww_acquire_init(&exec->ticket, &reservation_ww_class);
		return true;
	}
	/* Keeps the ticket, and with it the age: it will win in the end. */
	unlock_all(exec);
	return true;
}

static int add_object(struct drm_exec *exec, struct drm_gem_object *obj)
{
	if (exec->num_objects == exec->max_objects) {
		unsigned int max_objects =
			exec->max_objects + OBJECTS_AT_FIRST +
			exec->max_objects / 2;
		struct drm_gem_object **objects = kvmalloc_array(
			max_objects, sizeof(*objects), GFP_KERNEL);

		if (!objects)
			return -ENOMEM;
		if (exec->num_objects)
			memcpy(objects, exec->objects,
			       exec->num_objects * sizeof(*objects));
		kvfree(exec->objects);
		exec->objects = objects;
		exec->max_objects = max_objects;
	}
	drm_gem_object_get(obj);
	exec->objects[exec->num_objects++] = obj;
	return 0;
}

/* Waits for the one that made the last attempt fail, before any other. */
static int lock_contended(struct drm_exec *exec)
{
	struct drm_gem_object *obj = exec->contended;
	int ret = 0;

	if (likely(!obj))
		return 0;
	exec->contended = NULL;
	if (exec->flags & DRM_EXEC_INTERRUPTIBLE_WAIT)
		ret = dma_resv_lock_slow_interruptible(obj->resv,
						       &exec->ticket);
	else
		dma_resv_lock_slow(obj->resv, &exec->ticket);
	if (ret)
		drm_gem_object_put(obj);
	else
		exec->prelocked = obj; /* with the reference */
	return ret;
}

int drm_exec_lock_obj(struct drm_exec *exec, struct drm_gem_object *obj)
{
	int ret = lock_contended(exec);

	if (ret)
		return ret;
	if (exec->prelocked == obj) {
		/* Its lock moves to the list. */
		ret = add_object(exec, obj);
		if (ret)
			return ret;
		exec->prelocked = NULL;
		drm_gem_object_put(obj);
		return 0;
	}

	ret = exec->flags & DRM_EXEC_INTERRUPTIBLE_WAIT ?
		      dma_resv_lock_interruptible(obj->resv, &exec->ticket) :
		      dma_resv_lock(obj->resv, &exec->ticket);
	if (unlikely(ret == -EDEADLK)) {
		drm_gem_object_get(obj);
		exec->contended = obj;
		return -EDEADLK;
	}
	if (unlikely(ret == -EALREADY) &&
	    exec->flags & DRM_EXEC_IGNORE_DUPLICATES)
		return 0;
	if (unlikely(ret))
		return ret;
	ret = add_object(exec, obj);
	if (ret)
		dma_resv_unlock(obj->resv);
	return ret;
}

void drm_exec_unlock_obj(struct drm_exec *exec, struct drm_gem_object *obj)
{
	/* Usually the last one. */
	for (unsigned int i = exec->num_objects; i--;) {
		if (exec->objects[i] != obj)
			continue;
		dma_resv_unlock(obj->resv);
		for (++i; i < exec->num_objects; ++i)
			exec->objects[i - 1] = exec->objects[i];
		exec->num_objects--;
		drm_gem_object_put(obj);
		return;
	}
	/* Fine for one that shares its reservation with another. */
	WARN(!(exec->flags & DRM_EXEC_IGNORE_DUPLICATES),
	     "the object is not locked here");
}

int drm_exec_prepare_obj(struct drm_exec *exec, struct drm_gem_object *obj,
			 unsigned int num_fences)
{
	int ret = drm_exec_lock_obj(exec, obj);

	if (ret)
		return ret;
	ret = dma_resv_reserve_fences(obj->resv, num_fences);
	if (ret)
		drm_exec_unlock_obj(exec, obj);
	return ret;
}
