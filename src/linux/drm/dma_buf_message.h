/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What goes along with the descriptor of a dma-buf, for other machines, which
 * are other processes: where its memory is.
 *
 * A descriptor is one end of a socket pair. The machine that made it has sent one
 * message from the other end, which is never taken out, only looked at
 * (MSG_PEEK): so it is there for each copy of the descriptor, in any process, also
 * after the machine is gone. The message is a struct linux_dma_buf_message with
 * two descriptors (SCM_RIGHTS): the memfd that is the machine's RAM, and a memfd,
 * sealed, with an array of struct linux_dma_buf_extent.
 *
 * libc types only: tests that know nothing of the kernel include this, too.
 */
#ifndef DMA_BUF_MESSAGE_H
#define DMA_BUF_MESSAGE_H

#include <stdint.h>

#define LINUX_DMA_BUF_MAGIC 0x7fbd6d612d667562ull
#define LINUX_DMA_BUF_VERSION 1

struct linux_dma_buf_message {
	uint64_t magic;
	uint32_t version;
	uint32_t writable; /* 1: mmap() of the descriptor may write; else 0 */
	/* With the identity of the RAM's file, that of the dma-buf. */
	uint64_t id;
	uint64_t size_B; /* of the dma-buf: whole pages, not 0 */
	uint64_t num_extents; /* 1 up to its pages */
};

/* One of the stretches of RAM that are the dma-buf, in this order. */
struct linux_dma_buf_extent {
	uint64_t offset; /* in the RAM's file, bytes, a multiple of 4 KiB */
	uint64_t size_B; /* the same, and not 0 */
};

#endif /* DMA_BUF_MESSAGE_H */
