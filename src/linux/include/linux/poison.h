/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful idea: pointers that fault when followed. */
#ifndef LINUX_POISON_H
#define LINUX_POISON_H

#define LIST_POISON1 ((void *)0xdead000000000100ul)
#define LIST_POISON2 ((void *)0xdead000000000122ul)

#endif /* LINUX_POISON_H */
