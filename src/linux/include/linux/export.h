/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: one program, nothing to export. */
#ifndef LINUX_EXPORT_H
#define LINUX_EXPORT_H

#define EXPORT_SYMBOL(sym) _Static_assert(1, "")
#define EXPORT_SYMBOL_GPL(sym) _Static_assert(1, "")
#define EXPORT_SYMBOL_NS_GPL(sym, ns) _Static_assert(1, "")

#endif /* LINUX_EXPORT_H */
