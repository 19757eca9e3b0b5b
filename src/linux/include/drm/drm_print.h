/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: messages of a DRM device, to where linux_printk() sends them. What
 * gets through is decided by the log level alone, not by drm.debug categories.
 */
#ifndef LINUX_DRM_PRINT_H
#define LINUX_DRM_PRINT_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/stringify.h>

#include <drm/drm.h>
#include <drm/drm_device.h>

struct drm_printer;

#define __drm_printk(drm, level, fmt, ...)                                     \
	({                                                                     \
		const struct drm_device *__drm = (drm);                        \
		linux_printk(level, linux_drm_log_name(__drm), fmt,            \
			     ##__VA_ARGS__);                                   \
	})
/* The driver's name, or "drm" without a device. */
const char *linux_drm_log_name(const struct drm_device *drm);

#define drm_err(drm, fmt, ...)                                                 \
	__drm_printk(drm, LINUX_LOG_ERR, "*ERROR* " fmt, ##__VA_ARGS__)
#define drm_warn(drm, fmt, ...)                                                \
	__drm_printk(drm, LINUX_LOG_WARN, fmt, ##__VA_ARGS__)
#define drm_notice(drm, fmt, ...)                                              \
	__drm_printk(drm, LINUX_LOG_NOTICE, fmt, ##__VA_ARGS__)
#define drm_info(drm, fmt, ...)                                                \
	__drm_printk(drm, LINUX_LOG_INFO, fmt, ##__VA_ARGS__)
#define drm_dbg(drm, fmt, ...)                                                 \
	__drm_printk(drm, LINUX_LOG_DEBUG, fmt, ##__VA_ARGS__)
#define drm_dbg_core(drm, fmt, ...) drm_dbg(drm, fmt, ##__VA_ARGS__)
#define drm_dbg_driver(drm, fmt, ...) drm_dbg(drm, fmt, ##__VA_ARGS__)
#define drm_dbg_prime(drm, fmt, ...) drm_dbg(drm, fmt, ##__VA_ARGS__)

#define drm_err_once(drm, fmt, ...)                                            \
	__linux_once(drm_err(drm, fmt, ##__VA_ARGS__))
#define drm_warn_once(drm, fmt, ...)                                           \
	__linux_once(drm_warn(drm, fmt, ##__VA_ARGS__))
#define drm_info_once(drm, fmt, ...)                                           \
	__linux_once(drm_info(drm, fmt, ##__VA_ARGS__))

#define drm_err_ratelimited(drm, fmt, ...)                                     \
	__linux_ratelimited(drm_err(drm, fmt, ##__VA_ARGS__))
#define drm_dbg_ratelimited(drm, fmt, ...)                                     \
	__linux_ratelimited(drm_dbg(drm, fmt, ##__VA_ARGS__))

#define drm_WARN(drm, condition, format, arg...)                               \
	WARN(condition, "%s: " format, linux_drm_log_name(drm), ##arg)
#define drm_WARN_ONCE(drm, condition, format, arg...)                          \
	WARN_ONCE(condition, "%s: " format, linux_drm_log_name(drm), ##arg)
#define drm_WARN_ON(drm, x) drm_WARN((drm), (x), "%s", __stringify(x))
#define drm_WARN_ON_ONCE(drm, x) drm_WARN_ONCE((drm), (x), "%s", __stringify(x))

#endif /* LINUX_DRM_PRINT_H */
