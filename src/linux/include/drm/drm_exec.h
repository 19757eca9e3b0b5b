/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful, but for drm_exec_for_each_locked_object(), which is not here: its
 * arguments changed within 6.12. Locks the reservations of several objects
 * without deadlock:
 *
 *	drm_exec_init(&exec, flags, 0);
 *	drm_exec_until_all_locked(&exec) {
 *		ret = drm_exec_prepare_obj(&exec, obj, 1);
 *		drm_exec_retry_on_contention(&exec);
 *		if (ret)
 *			goto err_fini;
 *	}
 *	...
 *	drm_exec_fini(&exec);
 */
#ifndef LINUX_DRM_EXEC_H
#define LINUX_DRM_EXEC_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/ww_mutex.h>

#define DRM_EXEC_INTERRUPTIBLE_WAIT BIT(0)
#define DRM_EXEC_IGNORE_DUPLICATES BIT(1)

struct drm_gem_object;

/* Lives on the stack of one thread; holds a reference on each object. */
struct drm_exec {
	u32 flags;
	struct ww_acquire_ctx ticket;
	unsigned int num_objects;
	unsigned int max_objects;
	struct drm_gem_object **objects;
	/* The object that made the last attempt back off; NULL: none. */
	struct drm_gem_object *contended;
	/* Locked first in this attempt because it was contended in the last. */
	struct drm_gem_object *prelocked;
};

/* The @index-th that is locked, or NULL. */
static inline struct drm_gem_object *drm_exec_obj(struct drm_exec *exec,
						  unsigned long index)
{
	return index < exec->num_objects ? exec->objects[index] : NULL;
}

/*
 * A loop whose body runs until it got through without contention. The label's
 * address lets drm_exec_retry_on_contention() leave inner loops.
 */
#define LINUX_DRM_EXEC_LABEL_(line) linux_drm_exec_retry_##line
#define LINUX_DRM_EXEC_LABEL(line) LINUX_DRM_EXEC_LABEL_(line)
#define drm_exec_until_all_locked(exec)                                        \
	LINUX_DRM_EXEC_LABEL(__LINE__):                                        \
	for (void *const __drm_exec_retry_ptr =                                \
		     &&LINUX_DRM_EXEC_LABEL(__LINE__);                         \
	     (void)__drm_exec_retry_ptr, drm_exec_cleanup(exec);)

#define drm_exec_retry_on_contention(exec)                                     \
	do {                                                                   \
		if (unlikely(drm_exec_is_contended(exec)))                     \
			goto *__drm_exec_retry_ptr;                            \
	} while (0)

static inline bool drm_exec_is_contended(struct drm_exec *exec)
{
	return !!exec->contended;
}

/* @nr: how many objects to expect, 0: unknown. */
void drm_exec_init(struct drm_exec *exec, u32 flags, unsigned nr);
/* Unlocks all and drops the references. */
void drm_exec_fini(struct drm_exec *exec);
/* The loop's condition: true as long as another attempt is needed. */
bool drm_exec_cleanup(struct drm_exec *exec);
/* -EDEADLK: contended, retry; -EALREADY: twice; -ENOMEM; -EINTR. */
int drm_exec_lock_obj(struct drm_exec *exec, struct drm_gem_object *obj);
void drm_exec_unlock_obj(struct drm_exec *exec, struct drm_gem_object *obj);
/* drm_exec_lock_obj() and dma_resv_reserve_fences(). */
int drm_exec_prepare_obj(struct drm_exec *exec, struct drm_gem_object *obj,
			 unsigned int num_fences);

#endif /* LINUX_DRM_EXEC_H */
