/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * For tests that look inside the driver: the virtual Mali with fragmented DRAM
 * and the firmware of fw_fake.c, booted for each test, with the driver to be
 * probed by the test.
 */
#ifndef FW_MACHINE_H
#define FW_MACHINE_H

#include "fw_fake.h"
#include "linux_machine.h"
#include "mali.h"
#include "panthor_host.h"

struct fw_machine {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	struct panthor_device *ptdev; /* from probe() on */
	struct fw_fake fw;
	const void *image; /* NULL: there is no file */
	size_t image_size_B;
	int user_page_fd; /* one page; word 0 is what LATEST_FLUSH_ID says */
	bool no_user_page;
	_Atomic u32 resets;
	/* Slot 0 reports a fault until its interrupt is cleared. */
	_Atomic bool mmu_fault;
};

extern struct fw_machine hw;

/* cmocka setup and teardown: no leak and no warning. */
int machine_boot(void **state);
int machine_shutdown(void **state);

int probe(void);
/* Waits, for seconds at most, until @value is at least @wanted. */
void wait_until(_Atomic u32 *value, u32 wanted);
/* Bytes of DRAM that are handed out. */
u64 dram_used(void);

#endif /* FW_MACHINE_H */
