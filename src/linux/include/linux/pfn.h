/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see page.h. */
#ifndef LINUX_PFN_H
#define LINUX_PFN_H

#include <linux/page.h>

#endif /* LINUX_PFN_H */
