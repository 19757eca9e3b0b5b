/* SPDX-License-Identifier: MIT */
#ifndef FENCE_STATUS_H
#define FENCE_STATUS_H

/*
 * Of the fence in a sync_file of the machine in this process: 0 pending, 1
 * signalled, or a negative error. The uAPI would ask with SYNC_IOC_FILE_INFO.
 */
int fence_status(int sync_file);

#endif /* FENCE_STATUS_H */
