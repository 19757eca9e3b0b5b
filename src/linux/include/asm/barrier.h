/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see linux/barrier.h. */
#include <linux/barrier.h>
