/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the ioctls of a sync file, of Linux 6.12. */
#ifndef UAPI_LINUX_SYNC_FILE_H
#define UAPI_LINUX_SYNC_FILE_H

#include <linux/types.h>
#include <sys/ioctl.h>

struct sync_merge_data {
	char name[32]; /* of the new one */
	__s32 fd2;
	__s32 fence; /* out: descriptor of the new one */
	__u32 flags; /* 0 */
	__u32 pad;
};

struct sync_fence_info {
	char obj_name[32];
	char driver_name[32];
	__s32 status; /* 0: not yet, 1: signalled, or a negative errno */
	__u32 flags;
	__u64 timestamp_ns; /* of signalling */
};

struct sync_file_info {
	char name[32];
	__s32 status; /* as of a fence */
	__u32 flags; /* 0 */
	__u32 num_fences; /* in: room; out: how many there are */
	__u32 pad;
	__u64 sync_fence_info; /* pointer to num_fences of them */
};

struct sync_set_deadline {
	__u64 deadline_ns; /* on the monotonic clock */
	__u64 pad; /* 0 */
};

#define SYNC_IOC_MAGIC '>'
#define SYNC_IOC_MERGE _IOWR(SYNC_IOC_MAGIC, 3, struct sync_merge_data)
#define SYNC_IOC_FILE_INFO _IOWR(SYNC_IOC_MAGIC, 4, struct sync_file_info)
#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)

#endif /* UAPI_LINUX_SYNC_FILE_H */
