/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: IS_ENABLED() of an option that the build does not define is 0. */
#ifndef LINUX_KCONFIG_H
#define LINUX_KCONFIG_H

#define __LINUX_ARG_1 0,
#define __linux_second(ignored, val, ...) val
#define __linux_is_one(junk) __linux_second(junk 1, 0)
#define __linux_is_def(val) __linux_is_one(__LINUX_ARG_##val)
#define __linux_is_defined(option) __linux_is_def(option)
#define IS_ENABLED(option) __linux_is_defined(option)
#define IS_REACHABLE(option) IS_ENABLED(option)
#define IS_BUILTIN(option) IS_ENABLED(option)

#endif /* LINUX_KCONFIG_H */
