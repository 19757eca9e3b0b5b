/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the files of the firmware part share. */
#ifndef PANTHOR_FW_PRIV_H
#define PANTHOR_FW_PRIV_H

#include <linux/wait.h>
#include <linux/workqueue.h>

#include "panthor_fw.h"
#include "panthor_fw_image.h"

struct firmware;

struct panthor_fw {
	struct panthor_device *ptdev;
	struct panthor_vm *vm;

	/* The file is kept: a reset begins with what it holds. */
	const struct firmware *file;
	struct panthor_fw_image image;
	struct panthor_kernel_bo *sections[PANTHOR_FW_MAX_SECTIONS];

	/* Set once, while nobody else has the device; constant afterwards. */
	u32 csg_count, cs_count;
	struct panthor_fw_global_iface glb;
	struct panthor_fw_csg_iface csgs[PANTHOR_FW_MAX_CSGS];
	struct panthor_fw_cs_iface streams[PANTHOR_FW_MAX_CSGS]
					  [PANTHOR_FW_MAX_CS_PER_CSG];

	/* An interrupt came from the firmware; no lock, READ_ONCE. */
	bool booted;
	/* Woken by every interrupt of the firmware. */
	wait_queue_head_t ack_wq;
	/* On the device's reset queue: never runs next to a reset. */
	struct delayed_work ping_work;
};

int panthor_fw_load(struct panthor_fw *fw);
void panthor_fw_unload(struct panthor_fw *fw);
void panthor_fw_reload(struct panthor_fw *fw);

int panthor_fw_discover(struct panthor_fw *fw);

#endif /* PANTHOR_FW_PRIV_H */
