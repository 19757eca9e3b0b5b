// SPDX-License-Identifier: MIT OR GPL-2.0
#include <drm/drm_managed.h>
#include <drm/drm_device.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "drm_internal.h"

struct drmres {
	struct list_head node; /* in drm_device::managed, newest first */
	drmres_release_t release; /* NULL: plain memory */
	void *data; /* the argument of release */
	const char *name;
	unsigned char memory[] __aligned(16);
};

static struct drmres *res_alloc(size_t size, gfp_t gfp)
{
	size_t bytes;

	if (check_add_overflow(sizeof(struct drmres), size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp);
}

static void res_add(struct drm_device *dev, struct drmres *res)
{
	spin_lock(&dev->managed.lock);
	list_add(&res->node, &dev->managed.resources);
	spin_unlock(&dev->managed.lock);
}

void linux_drm_managed_release(struct drm_device *dev)
{
	struct drmres *res, *next;

	/* The last reference is gone: nobody else looks at the list. */
	list_for_each_entry_safe(res, next, &dev->managed.resources, node) {
		if (res->release)
			res->release(dev, res->data);
		list_del(&res->node);
		kfree(res);
	}
}

int __drmm_add_action(struct drm_device *dev, drmres_release_t action,
		      void *data, const char *name)
{
	struct drmres *res = res_alloc(0, GFP_KERNEL);

	if (!res)
		return -ENOMEM;
	res->release = action;
	res->data = data;
	res->name = name;
	res_add(dev, res);
	return 0;
}

int __drmm_add_action_or_reset(struct drm_device *dev, drmres_release_t action,
			       void *data, const char *name)
{
	int ret = __drmm_add_action(dev, action, data, name);

	if (ret)
		action(dev, data);
	return ret;
}

/* Takes the newest match out of the list, or returns NULL. */
static struct drmres *res_take(struct drm_device *dev, drmres_release_t release,
			       void *data)
{
	struct drmres *res, *found = NULL;

	spin_lock(&dev->managed.lock);
	list_for_each_entry(res, &dev->managed.resources, node) {
		if (res->release == release && res->data == data) {
			found = res;
			list_del(&res->node);
			break;
		}
	}
	spin_unlock(&dev->managed.lock);
	return found;
}

void drmm_release_action(struct drm_device *dev, drmres_release_t action,
			 void *data)
{
	struct drmres *res = res_take(dev, action, data);

	if (WARN(!res, "no such managed action"))
		return;
	action(dev, data);
	kfree(res);
}

void *drmm_kmalloc(struct drm_device *dev, size_t size, gfp_t gfp)
{
	struct drmres *res = res_alloc(size, gfp);

	if (!res)
		return NULL;
	res->release = NULL;
	res->data = res->memory;
	res->name = "kmalloc";
	res_add(dev, res);
	return res->memory;
}

char *drmm_kstrdup(struct drm_device *dev, const char *s, gfp_t gfp)
{
	size_t size = strlen(s) + 1;
	char *copy = drmm_kmalloc(dev, size, gfp);

	return copy ? memcpy(copy, s, size) : NULL;
}

void drmm_kfree(struct drm_device *dev, void *data)
{
	struct drmres *res;

	if (!data)
		return;
	res = res_take(dev, NULL, data);
	if (!WARN(!res, "no such managed memory"))
		kfree(res);
}

void __drmm_mutex_release(struct drm_device *dev, void *res)
{
	mutex_destroy(res);
}
