/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: the one platform device, managed resources, messages. */
#ifndef LINUX_DEVICE_H
#define LINUX_DEVICE_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/pm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/types.h>

struct module;

struct device_driver {
	const char *name;
	struct module *owner;
	const struct of_device_id *of_match_table;
	const struct dev_pm_ops *pm;
	const void *dev_groups;
	bool suppress_bind_attrs;
};

struct device {
	struct device *parent;
	const char *init_name;
	void *driver_data;
	struct device_driver *driver;
	struct device_node *of_node;
	u64 *dma_mask;
	u64 coherent_dma_mask;
	unsigned int max_seg_size;
	bool dma_coherent;
	struct {
		atomic_t usage_count;
	} power;
	struct mutex devres_lock; /* guards devres */
	struct list_head devres;
};

static inline const char *dev_name(const struct device *dev)
{
	return dev->init_name;
}

const char *dev_driver_string(const struct device *dev);

static inline void *dev_get_drvdata(const struct device *dev)
{
	return dev->driver_data;
}

static inline void dev_set_drvdata(struct device *dev, void *data)
{
	dev->driver_data = data;
}

/* References are not counted: the device lives as long as the machine. */
static inline struct device *get_device(struct device *dev)
{
	return dev;
}

static inline void put_device(struct device *dev)
{
}

/* --------------------------------------- released when the driver leaves -- */

/* In reverse order. The first returns -ENOMEM and runs nothing. */
int linux_devm_add_action(struct device *dev, void (*action)(void *),
			  void *data);
#define devm_add_action(dev, action, data) \
	linux_devm_add_action(dev, action, data)
int __must_check devm_add_action_or_reset(struct device *dev,
					  void (*action)(void *), void *data);
/* Runs the action now, once; -ENOENT if it is not there. */
void devm_release_action(struct device *dev, void (*action)(void *),
			 void *data);
void devm_remove_action(struct device *dev, void (*action)(void *), void *data);

void *linux_devm_kmalloc(struct device *dev, size_t size, gfp_t gfp,
			 struct linux_alloc_site *site) __malloc;
#define devm_kmalloc(dev, size, gfp) \
	linux_devm_kmalloc(dev, size, gfp, __LINUX_SITE())
#define devm_kzalloc(dev, size, gfp) devm_kmalloc(dev, size, (gfp) | __GFP_ZERO)
#define devm_kmalloc_array(dev, n, size, gfp) \
	devm_kmalloc(dev, size_mul(n, size), gfp)
#define devm_kcalloc(dev, n, size, gfp) \
	devm_kmalloc_array(dev, n, size, (gfp) | __GFP_ZERO)
void devm_kfree(struct device *dev, const void *p);

/* -------------------------------------------------------------- messages -- */

void linux_dev_printk(enum linux_loglevel level, const struct device *dev,
		      const char *fmt, ...) __printf(3, 4);
#define dev_err(dev, fmt, ...) \
	linux_dev_printk(LINUX_LOG_ERR, dev, fmt, ##__VA_ARGS__)
#define dev_warn(dev, fmt, ...) \
	linux_dev_printk(LINUX_LOG_WARN, dev, fmt, ##__VA_ARGS__)
#define dev_notice(dev, fmt, ...) \
	linux_dev_printk(LINUX_LOG_NOTICE, dev, fmt, ##__VA_ARGS__)
#define dev_info(dev, fmt, ...) \
	linux_dev_printk(LINUX_LOG_INFO, dev, fmt, ##__VA_ARGS__)
#define dev_dbg(dev, fmt, ...) \
	linux_dev_printk(LINUX_LOG_DEBUG, dev, fmt, ##__VA_ARGS__)
#define dev_err_once(dev, fmt, ...) \
	__linux_once(dev_err(dev, fmt, ##__VA_ARGS__))
#define dev_warn_once(dev, fmt, ...) \
	__linux_once(dev_warn(dev, fmt, ##__VA_ARGS__))
#define dev_info_once(dev, fmt, ...) \
	__linux_once(dev_info(dev, fmt, ##__VA_ARGS__))
#define dev_err_ratelimited(dev, fmt, ...) \
	__linux_ratelimited(dev_err(dev, fmt, ##__VA_ARGS__))
#define dev_warn_ratelimited(dev, fmt, ...) \
	__linux_ratelimited(dev_warn(dev, fmt, ##__VA_ARGS__))
#define dev_WARN(dev, fmt, args...) \
	WARN(1, "%s %s: " fmt, dev_driver_string(dev), dev_name(dev), ##args)
#define dev_WARN_ONCE(dev, cond, fmt, args...)                          \
	WARN_ONCE(cond, "%s %s: " fmt, dev_driver_string(dev),          \
		  dev_name(dev), ##args)
/* Says why probing failed and returns err. */
int dev_err_probe(const struct device *dev, int err, const char *fmt, ...)
	__printf(3, 4);

#endif /* LINUX_DEVICE_H */
