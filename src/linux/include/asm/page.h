/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see linux/page.h. */
#include <linux/page.h>
