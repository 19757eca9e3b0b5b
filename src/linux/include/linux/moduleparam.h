/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: parameters are ordinary variables with their defaults. */
#ifndef LINUX_MODULEPARAM_H
#define LINUX_MODULEPARAM_H

#define module_param(name, type, perm) \
	_Static_assert(sizeof(name) > 0, "")
#define module_param_named(name, value, type, perm) \
	_Static_assert(sizeof(value) > 0, "")
#define MODULE_PARM_DESC(name, text) _Static_assert(sizeof(text) > 0, "")

#endif /* LINUX_MODULEPARAM_H */
