/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: one device, there from boot to shutdown. Altered: registering a
 * driver returns what its probe() returned.
 */
#ifndef LINUX_PLATFORM_DEVICE_H
#define LINUX_PLATFORM_DEVICE_H

#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>

struct platform_device {
	const char *name;
	int id;
	struct device dev;
	u32 num_resources;
	struct resource *resource;
};

struct platform_driver {
	int (*probe)(struct platform_device *pdev);
	union {
		void (*remove)(struct platform_device *pdev);
		void (*remove_new)(struct platform_device *pdev);
	};
	void (*shutdown)(struct platform_device *pdev);
	int (*suspend)(struct platform_device *pdev, pm_message_t state);
	int (*resume)(struct platform_device *pdev);
	struct device_driver driver;
	const struct platform_device_id *id_table;
	bool prevent_deferred_probe;
	bool driver_managed_dma;
};

#define to_platform_device(x) container_of((x), struct platform_device, dev)
#define to_platform_driver(drv) \
	container_of((drv), struct platform_driver, driver)

/*
 * Probes the machine's device if the driver's table names it. -ENODEV: it does
 * not, or there is no machine; -EBUSY: another driver has it; probe()'s error,
 * after which its managed resources are released and the driver is not
 * registered.
 */
int __platform_driver_register(struct platform_driver *drv,
			       struct module *owner);
#define platform_driver_register(drv) \
	__platform_driver_register(drv, THIS_MODULE)
/* Calls remove(), then releases what is managed. */
void platform_driver_unregister(struct platform_driver *drv);

#define module_platform_driver(drv)                                     \
	static int __maybe_unused linux_##drv##_init(void)              \
	{                                                               \
		return platform_driver_register(&(drv));                \
	}                                                               \
	static void __maybe_unused linux_##drv##_exit(void)             \
	{                                                               \
		platform_driver_unregister(&(drv));                     \
	}

static inline void *platform_get_drvdata(const struct platform_device *pdev)
{
	return dev_get_drvdata(&pdev->dev);
}

static inline void platform_set_drvdata(struct platform_device *pdev,
					void *data)
{
	dev_set_drvdata(&pdev->dev, data);
}

/* The lines are "job", "mmu", "gpu": 0, 1, 2. -ENXIO: no such line. */
int platform_get_irq(struct platform_device *pdev, unsigned int num);
int platform_get_irq_byname(struct platform_device *pdev, const char *name);
struct resource *platform_get_resource(struct platform_device *pdev,
				       unsigned int type, unsigned int num);
/* For readl() and friends; ERR_PTR(-EINVAL): there is one window, number 0. */
void __iomem *devm_platform_ioremap_resource(struct platform_device *pdev,
					     unsigned int index);
void __iomem *
devm_platform_get_and_ioremap_resource(struct platform_device *pdev,
				       unsigned int index,
				       struct resource **res);

#endif /* LINUX_PLATFORM_DEVICE_H */
