/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: callback tables may be filled in; nothing suspends. */
#ifndef LINUX_PM_H
#define LINUX_PM_H

struct device;

typedef struct pm_message {
	int event;
} pm_message_t;

struct dev_pm_ops {
	int (*suspend)(struct device *dev);
	int (*resume)(struct device *dev);
	int (*runtime_suspend)(struct device *dev);
	int (*runtime_resume)(struct device *dev);
	int (*runtime_idle)(struct device *dev);
};

#endif /* LINUX_PM_H */
