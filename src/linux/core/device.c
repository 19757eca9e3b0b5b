// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The machine's one platform device, the driver bound to it, and what is
 * managed on the driver's behalf.
 */
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/string.h>
#include "internal.h"

static struct device_node gpu_node = {
	.full_name = "gpu",
	.compatible = "arm,mali-valhall-csf",
};

static struct resource gpu_resource = {
	.start = LINUX_MMIO_PHYS,
	.end = LINUX_MMIO_PHYS + LINUX_MMIO_SIZE - 1,
	.name = "gpu",
	.flags = IORESOURCE_MEM,
};

static const char *const irq_names[] = {"job", "mmu", "gpu"};

static u64 gpu_dma_mask;
static struct platform_device gpu;

static DEFINE_MUTEX(driver_lock); /* guards bound */
static struct platform_driver *bound;

/* ----------------------------------------------------- managed resources -- */

struct devres {
	struct list_head link;
	void (*action)(void *data);
	void *data;
};

int linux_devm_add_action(struct device *dev, void (*action)(void *),
			  void *data)
{
	struct devres *res = kmalloc(sizeof(*res), GFP_KERNEL);

	if (!res)
		return -ENOMEM;
	res->action = action;
	res->data = data;
	mutex_lock(&dev->devres_lock);
	list_add(&res->link, &dev->devres);
	mutex_unlock(&dev->devres_lock);
	return 0;
}

int devm_add_action_or_reset(struct device *dev, void (*action)(void *),
			     void *data)
{
	int ret = linux_devm_add_action(dev, action, data);

	if (ret)
		action(data);
	return ret;
}

/* The newest match, taken off the list; NULL: none. */
static struct devres *take_devres(struct device *dev, void (*action)(void *),
				  void *data)
{
	struct devres *res, *found = NULL;

	mutex_lock(&dev->devres_lock);
	list_for_each_entry (res, &dev->devres, link) {
		if (res->action == action && res->data == data) {
			found = res;
			list_del(&res->link);
			break;
		}
	}
	mutex_unlock(&dev->devres_lock);
	return found;
}

void devm_remove_action(struct device *dev, void (*action)(void *), void *data)
{
	struct devres *res = take_devres(dev, action, data);

	WARN_ON(!res);
	kfree(res);
}

void devm_release_action(struct device *dev, void (*action)(void *), void *data)
{
	struct devres *res = take_devres(dev, action, data);

	if (WARN_ON(!res))
		return;
	action(data);
	kfree(res);
}

static void devm_kfree_action(void *data)
{
	kfree(data);
}

void *linux_devm_kmalloc(struct device *dev, size_t size, gfp_t gfp,
			 struct linux_alloc_site *site)
{
	void *p = linux_kmalloc(size, gfp, KMALLOC_MAX_SIZE, site);

	if (p && linux_devm_add_action(dev, devm_kfree_action, p)) {
		kfree(p);
		return NULL;
	}
	return p;
}

void devm_kfree(struct device *dev, const void *p)
{
	if (p)
		devm_release_action(dev, devm_kfree_action,
				    (void *)(uintptr_t)p);
}

/* Newest first; an action may add others. */
static void release_all(struct device *dev)
{
	for (;;) {
		struct devres *res;

		mutex_lock(&dev->devres_lock);
		res = list_first_entry_or_null(&dev->devres, struct devres,
					       link);
		if (res)
			list_del(&res->link);
		mutex_unlock(&dev->devres_lock);
		if (!res)
			return;
		res->action(res->data);
		kfree(res);
	}
}

/* -------------------------------------------------------------- matching -- */

const struct of_device_id *of_match_node(const struct of_device_id *matches,
					 const struct device_node *node)
{
	if (!matches || !node)
		return NULL;
	for (; matches->compatible[0]; matches++)
		if (!strcmp(matches->compatible, node->compatible))
			return matches;
	return NULL;
}

const void *of_device_get_match_data(const struct device *dev)
{
	const struct of_device_id *match =
		dev->driver ? of_match_node(dev->driver->of_match_table,
					    dev->of_node)
			    : NULL;

	return match ? match->data : NULL;
}

enum dev_dma_attr device_get_dma_attr(const struct device *dev)
{
	return dev->dma_coherent ? DEV_DMA_COHERENT : DEV_DMA_NON_COHERENT;
}

/* --------------------------------------------------------------- drivers -- */

static void unbind(void)
{
	release_all(&gpu.dev);
	gpu.dev.driver = NULL;
	gpu.dev.driver_data = NULL;
	mutex_lock(&driver_lock);
	bound = NULL;
	mutex_unlock(&driver_lock);
}

int __platform_driver_register(struct platform_driver *drv,
			       struct module *owner)
{
	int ret = 0;

	drv->driver.owner = owner;
	if (!linux_machine.ops ||
	    !of_match_node(drv->driver.of_match_table, &gpu_node))
		return -ENODEV;
	mutex_lock(&driver_lock);
	if (bound)
		ret = -EBUSY;
	else
		bound = drv;
	mutex_unlock(&driver_lock);
	if (ret)
		return ret;

	gpu.dev.driver = &drv->driver;
	ret = drv->probe(&gpu);
	if (ret)
		unbind();
	return ret;
}

void platform_driver_unregister(struct platform_driver *drv)
{
	if (WARN(READ_ONCE(bound) != drv, "driver %s is not registered",
		 drv->driver.name))
		return;
	if (drv->remove)
		drv->remove(&gpu);
	unbind();
}

/* ------------------------------------------------------------- resources -- */

int platform_get_irq(struct platform_device *pdev, unsigned int num)
{
	return num < linux_machine.irq_count ? (int)num : -ENXIO;
}

int platform_get_irq_byname(struct platform_device *pdev, const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(irq_names); i++)
		if (!strcmp(name, irq_names[i]))
			return platform_get_irq(pdev, i);
	return -ENXIO;
}

struct resource *platform_get_resource(struct platform_device *pdev,
				       unsigned int type, unsigned int num)
{
	return type == IORESOURCE_MEM && num < pdev->num_resources
		       ? &pdev->resource[num]
		       : NULL;
}

void __iomem *devm_platform_get_and_ioremap_resource(
	struct platform_device *pdev, unsigned int index, struct resource **res)
{
	struct resource *r = platform_get_resource(pdev, IORESOURCE_MEM, index);

	if (res)
		*res = r;
	return r ? linux_mmio_base() : ERR_PTR(-EINVAL);
}

void __iomem *devm_platform_ioremap_resource(struct platform_device *pdev,
					     unsigned int index)
{
	return devm_platform_get_and_ioremap_resource(pdev, index, NULL);
}

/* ------------------------------------------------------------------ boot -- */

int linux_device_boot(void)
{
	gpu_dma_mask = linux_machine.dma_mask;
	gpu = (struct platform_device){
		.name = "gpu",
		.id = -1,
		.num_resources = 1,
		.resource = &gpu_resource,
		.dev =
			{
				.init_name = "gpu",
				.of_node = &gpu_node,
				.dma_mask = &gpu_dma_mask,
				.coherent_dma_mask = linux_machine.dma_mask,
				.dma_coherent = linux_machine.dma_coherent,
			},
	};
	mutex_init(&gpu.dev.devres_lock);
	INIT_LIST_HEAD(&gpu.dev.devres);
	return 0;
}

/* A driver that is still bound is removed, and reported. */
int linux_device_report_leaks(void)
{
	int lines = 0, users;

	if (bound) {
		linux_report("leak: driver %s is still registered",
			     bound->driver.name);
		platform_driver_unregister(bound);
		lines++;
	}
	users = atomic_read(&gpu.dev.power.usage_count);
	if (users) {
		linux_report("leak: %d runtime PM references", users);
		lines++;
	}
	return lines;
}

void linux_device_shutdown(void)
{
	mutex_destroy(&gpu.dev.devres_lock);
}
