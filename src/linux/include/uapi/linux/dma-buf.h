/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the ioctls of a dma-buf's descriptor, of Linux 6.12. */
#ifndef UAPI_LINUX_DMA_BUF_H
#define UAPI_LINUX_DMA_BUF_H

#include <linux/types.h>
#include <sys/ioctl.h>

#define DMA_BUF_SYNC_READ (1 << 0)
#define DMA_BUF_SYNC_WRITE (1 << 1)
#define DMA_BUF_SYNC_RW (DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)
#define DMA_BUF_SYNC_START (0 << 2)
#define DMA_BUF_SYNC_END (1 << 2)
#define DMA_BUF_SYNC_VALID_FLAGS_MASK (DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)

#define DMA_BUF_NAME_LEN 32

struct dma_buf_sync {
	__u64 flags; /* DMA_BUF_SYNC_* */
};

struct dma_buf_export_sync_file {
	__u32 flags; /* DMA_BUF_SYNC_READ, _WRITE: before which access */
	__s32 fd; /* out */
};

struct dma_buf_import_sync_file {
	__u32 flags; /* DMA_BUF_SYNC_READ, _WRITE: what ends with the fence */
	__s32 fd;
};

#define DMA_BUF_BASE 'b'
#define DMA_BUF_IOCTL_SYNC _IOW(DMA_BUF_BASE, 0, struct dma_buf_sync)
/* One for each size of a pointer. */
#define DMA_BUF_SET_NAME_A _IOW(DMA_BUF_BASE, 1, __u32)
#define DMA_BUF_SET_NAME_B _IOW(DMA_BUF_BASE, 1, __u64)
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE \
	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE \
	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)

#endif /* UAPI_LINUX_DMA_BUF_H */
