/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: anon_inode_getfile() */
#include <linux/file.h>
