/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: the driver is linked in; its init and exit functions are called by
 * whoever owns the machine.
 */
#ifndef LINUX_MODULE_H
#define LINUX_MODULE_H

/* No #include_next: system calls for modules are of no use here. */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

struct module {
	const char *name;
};

#define THIS_MODULE ((struct module *)0)
#define KBUILD_MODNAME "linux"
#define __MODULE_INFO(text) _Static_assert(sizeof(text) > 0, "")
#define MODULE_LICENSE(text) __MODULE_INFO(text)
#define MODULE_AUTHOR(text) __MODULE_INFO(text)
#define MODULE_DESCRIPTION(text) __MODULE_INFO(text)
#define MODULE_VERSION(text) __MODULE_INFO(text)
#define MODULE_ALIAS(text) __MODULE_INFO(text)
#define MODULE_IMPORT_NS(ns) __MODULE_INFO(#ns)
#define MODULE_SOFTDEP(text) __MODULE_INFO(text)
#define MODULE_FIRMWARE(text) __MODULE_INFO(text)
#define MODULE_DEVICE_TABLE(type, name) _Static_assert(sizeof(name) > 0, "")

/* Referenced, so that nothing is unused; not called. */
#define module_init(fn) \
	static int (*const linux_module_init)(void) __maybe_unused = fn
#define module_exit(fn) \
	static void (*const linux_module_exit)(void) __maybe_unused = fn

static inline bool try_module_get(struct module *module)
{
	return true;
}

static inline void module_put(struct module *module)
{
}

#endif /* LINUX_MODULE_H */
