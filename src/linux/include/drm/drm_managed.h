/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful. Resources that live as long as a drm_device, released newest first.
 */
#ifndef LINUX_DRM_MANAGED_H
#define LINUX_DRM_MANAGED_H

#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/types.h>

struct drm_device;

typedef void (*drmres_release_t)(struct drm_device *dev, void *res);

/* Calls action(dev, data) when @dev goes away. -ENOMEM. */
#define drmm_add_action(dev, action, data)                                     \
	__drmm_add_action(dev, action, data, #action)
int __must_check __drmm_add_action(struct drm_device *dev,
				   drmres_release_t action, void *data,
				   const char *name);
/* On failure calls the action at once. */
#define drmm_add_action_or_reset(dev, action, data)                            \
	__drmm_add_action_or_reset(dev, action, data, #action)
int __must_check __drmm_add_action_or_reset(struct drm_device *dev,
					    drmres_release_t action,
					    void *data, const char *name);
/* Calls the newest action registered with this pair, now. */
void drmm_release_action(struct drm_device *dev, drmres_release_t action,
			 void *data);

/* Memory that is freed with @dev, or by drmm_kfree(). NULL: there is none. */
void *drmm_kmalloc(struct drm_device *dev, size_t size, gfp_t gfp);
char *drmm_kstrdup(struct drm_device *dev, const char *s, gfp_t gfp);
void drmm_kfree(struct drm_device *dev, void *data);

static inline void *drmm_kzalloc(struct drm_device *dev, size_t size, gfp_t gfp)
{
	return drmm_kmalloc(dev, size, gfp | __GFP_ZERO);
}

static inline void *drmm_kmalloc_array(struct drm_device *dev, size_t n,
				       size_t size, gfp_t flags)
{
	size_t bytes;

	if (check_mul_overflow(n, size, &bytes))
		return NULL;
	return drmm_kmalloc(dev, bytes, flags);
}

static inline void *drmm_kcalloc(struct drm_device *dev, size_t n, size_t size,
				 gfp_t flags)
{
	return drmm_kmalloc_array(dev, n, size, flags | __GFP_ZERO);
}

void __drmm_mutex_release(struct drm_device *dev, void *res);
/* mutex_init() now, mutex_destroy() with the device. 0 or -ENOMEM. */
#define drmm_mutex_init(dev, lock)                                             \
	({                                                                     \
		mutex_init(lock);                                              \
		drmm_add_action_or_reset(dev, __drmm_mutex_release, lock);     \
	})

#endif /* LINUX_DRM_MANAGED_H */
