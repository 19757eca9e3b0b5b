// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The life of a machine. What is booted later may use what was booted earlier,
 * and is shut down first.
 */
#include <linux/lockdep.h>
#include <linux/kernel.h>
#include <errno.h>
#include "internal.h"

struct linux_machine_desc linux_machine;

/* src/linux/drm: open files and mappings; the number of lines on stderr. */
int linux_drm_report_leaks(void);

static const struct part {
	int (*boot)(void);
	void (*shutdown)(void);
} parts[] = {
	{linux_io_boot, linux_io_shutdown},
	{linux_pages_boot, linux_pages_shutdown},
	{linux_swap_boot, linux_swap_shutdown},
	{linux_rcu_boot, linux_rcu_shutdown},
	{linux_workqueue_boot, linux_workqueue_shutdown},
	{linux_timer_boot, linux_timer_shutdown},
	{linux_irq_boot, linux_irq_shutdown},
	{linux_device_boot, linux_device_shutdown},
};

static void shutdown_parts(size_t count)
{
	while (count--)
		parts[count].shutdown();
}

int linux_boot(const struct linux_machine_desc *desc)
{
	int ret;

	if (linux_machine.ops)
		return -EBUSY;
	linux_machine = *desc;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		ret = parts[i].boot();
		if (ret) {
			shutdown_parts(i);
			linux_machine.ops = NULL;
			return ret;
		}
	}
	return 0;
}

int linux_shutdown(void)
{
	int leaks = linux_assert_no_locks_held();

	/* What still needs the threads in order to go away comes first. */
	leaks += linux_drm_report_leaks();
	leaks += linux_device_report_leaks();
	leaks += linux_irq_report_leaks();
	shutdown_parts(ARRAY_SIZE(parts));
	leaks += linux_timer_report_leaks();
	leaks += linux_workqueue_report_leaks();
	leaks += linux_dma_report_leaks();
	leaks += linux_slab_report_leaks();
	linux_machine.ops = NULL;
	return leaks;
}
