/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: the device is always on; the usage count is kept and may not fall
 * below zero.
 */
#ifndef LINUX_PM_RUNTIME_H
#define LINUX_PM_RUNTIME_H

#include <linux/device.h>
#include <linux/errno.h>

static inline int pm_runtime_get_sync(struct device *dev)
{
	atomic_inc(&dev->power.usage_count);
	return 1;
}

static inline int pm_runtime_resume_and_get(struct device *dev)
{
	atomic_inc(&dev->power.usage_count);
	return 0;
}

static inline void pm_runtime_get_noresume(struct device *dev)
{
	atomic_inc(&dev->power.usage_count);
}

static inline int pm_runtime_get(struct device *dev)
{
	return pm_runtime_get_sync(dev);
}

static inline int pm_runtime_get_if_in_use(struct device *dev)
{
	return atomic_inc_not_zero(&dev->power.usage_count);
}

static inline int pm_runtime_get_if_active(struct device *dev)
{
	return pm_runtime_get_sync(dev);
}

static inline void pm_runtime_put_noidle(struct device *dev)
{
	WARN_ON(atomic_dec_return(&dev->power.usage_count) < 0);
}

static inline int pm_runtime_put(struct device *dev)
{
	pm_runtime_put_noidle(dev);
	return 0;
}

#define pm_runtime_put_sync(dev) pm_runtime_put(dev)
#define pm_runtime_put_autosuspend(dev) pm_runtime_put(dev)
#define pm_runtime_put_sync_suspend(dev) pm_runtime_put(dev)
#define pm_runtime_put_sync_autosuspend(dev) pm_runtime_put(dev)
#define pm_runtime_mark_last_busy(dev) ((void)(dev))
#define pm_runtime_enable(dev) ((void)(dev))
#define pm_runtime_disable(dev) ((void)(dev))
#define pm_runtime_use_autosuspend(dev) ((void)(dev))
#define pm_runtime_dont_use_autosuspend(dev) ((void)(dev))
#define pm_runtime_set_autosuspend_delay(dev, ms) ((void)(dev), (void)(ms))
#define pm_runtime_set_active(dev) ((void)(dev), 0)
#define pm_runtime_set_suspended(dev) ((void)(dev), 0)
#define devm_pm_runtime_enable(dev) ((void)(dev), 0)
#define pm_runtime_active(dev) ((void)(dev), true)
#define pm_runtime_suspended(dev) ((void)(dev), false)
#define pm_runtime_status_suspended(dev) ((void)(dev), false)

#endif /* LINUX_PM_RUNTIME_H */
