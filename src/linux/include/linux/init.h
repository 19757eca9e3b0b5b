/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: no sections to discard. */
#ifndef LINUX_INIT_H
#define LINUX_INIT_H

#define __init
#define __exit
#define __initdata
#define __initconst
#define __exitdata

#endif /* LINUX_INIT_H */
