// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Messages and warnings, each one write to stderr so that threads do not mix.
 */
#include <linux/bug.h>
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/printk.h>
#include <linux/refcount.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

static unsigned long warnings;

/* Ends the line if the text does not, and writes it. */
static void write_line(char *text, size_t size, size_t used)
{
	if (used >= size - 1)
		used = size - 2;
	if (!used || text[used - 1] != '\n')
		text[used++] = '\n';
	for (size_t done = 0; done < used;) {
		ssize_t n = write(STDERR_FILENO, text + done, used - done);

		if (n <= 0)
			return; /* nobody to tell */
		done += (size_t)n;
	}
}

static size_t append(char *text, size_t size, size_t used, const char *fmt, ...)
	__printf(4, 5);

static size_t append_va(char *text, size_t size, size_t used, const char *fmt,
			va_list args)
{
	int n = used < size ? vsnprintf(text + used, size - used, fmt, args)
			    : 0;

	return used + (n > 0 ? (size_t)n : 0);
}

static size_t append(char *text, size_t size, size_t used, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	used = append_va(text, size, used, fmt, args);
	va_end(args);
	return used;
}

static bool level_wanted(enum linux_loglevel level)
{
	static int wanted = -1;
	int w = READ_ONCE(wanted);

	if (w < 0) {
		const char *env = getenv("LINUX_LOGLEVEL");

		w = env ? atoi(env) : LINUX_LOG_WARN;
		WRITE_ONCE(wanted, w);
	}
	return (int)level <= w;
}

static const char *const level_names[] = {"error", "warning", "notice", "info",
					  "debug"};

static void vprint(enum linux_loglevel level, const char *prefix,
		   const char *fmt, va_list args)
{
	char text[1024];
	size_t used = 0;

	if (prefix)
		used = append(text, sizeof(text), used, "%s: ", prefix);
	used = append(text, sizeof(text), used, "%s: ", level_names[level]);
	used = append_va(text, sizeof(text), used, fmt, args);
	write_line(text, sizeof(text), used);
}

void linux_printk(enum linux_loglevel level, const char *prefix,
		  const char *fmt, ...)
{
	va_list args;

	if (!level_wanted(level))
		return;
	va_start(args, fmt);
	vprint(level, prefix ?: "linux", fmt, args);
	va_end(args);
}

const char *dev_driver_string(const struct device *dev)
{
	return dev->driver && dev->driver->name ? dev->driver->name : "device";
}

void linux_dev_printk(enum linux_loglevel level, const struct device *dev,
		      const char *fmt, ...)
{
	char prefix[96];
	va_list args;

	if (!level_wanted(level))
		return;
	snprintf(prefix, sizeof(prefix), "%s %s",
		 dev ? dev_driver_string(dev) : "linux",
		 dev && dev_name(dev) ? dev_name(dev) : "(no device)");
	va_start(args, fmt);
	vprint(level, prefix, fmt, args);
	va_end(args);
}

int dev_err_probe(const struct device *dev, int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	dev_err(dev, "probe failed with %d: %s", err, text);
	return err;
}

void linux_report(const char *fmt, ...)
{
	char text[1024];
	size_t used = append(text, sizeof(text), 0, "linux: ");
	va_list args;

	va_start(args, fmt);
	used = append_va(text, sizeof(text), used, fmt, args);
	va_end(args);
	write_line(text, sizeof(text), used);
}

bool linux_ratelimit_ok(struct linux_ratelimit *rl)
{
	unsigned long long now = ktime_get_ns();
	unsigned long long start =
		__atomic_load_n(&rl->window_start_ns, __ATOMIC_RELAXED);

	if (!start || now - start > 5ull * NSEC_PER_SEC) {
		__atomic_store_n(&rl->window_start_ns, now, __ATOMIC_RELAXED);
		__atomic_store_n(&rl->lines, 0, __ATOMIC_RELAXED);
	}
	return __atomic_fetch_add(&rl->lines, 1, __ATOMIC_RELAXED) < 10;
}

/* -------------------------------------------------------------- warnings -- */

void linux_warn(const char *file, int line, const char *func, const char *fmt,
		...)
{
	char text[1024];
	const char *base = strrchr(file, '/');
	const char *panic = getenv("LINUX_PANIC_ON_WARN");
	size_t used;
	va_list args;

	used = append(text, sizeof(text), 0,
		      "WARNING: %s:%d %s(): ", base ? base + 1 : file, line,
		      func);
	if (fmt) {
		va_start(args, fmt);
		used = append_va(text, sizeof(text), used, fmt, args);
		va_end(args);
	}
	write_line(text, sizeof(text), used);
	__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
	if (panic && panic[0] == '1')
		abort();
}

unsigned long linux_warn_count(void)
{
	return __atomic_load_n(&warnings, __ATOMIC_RELAXED);
}

void linux_bug(const char *file, int line, const char *func)
{
	linux_report("BUG: %s:%d %s()", file, line, func);
	abort();
}

void linux_refcount_bad(refcount_t *r, const char *what)
{
	refcount_set(r, REFCOUNT_SATURATED);
	WARN(1, "refcount %p: %s", (void *)r, what);
}
