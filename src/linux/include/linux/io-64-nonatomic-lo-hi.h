/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see io.h. */
#ifndef LINUX_IO_64_NONATOMIC_LO_HI_H
#define LINUX_IO_64_NONATOMIC_LO_HI_H

#include <linux/io.h>

#endif /* LINUX_IO_64_NONATOMIC_LO_HI_H */
