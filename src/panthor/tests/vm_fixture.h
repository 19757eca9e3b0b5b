/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * For tests of VMs: the virtual Mali with what the driver tells its MMU on
 * record, and shorthands for the ioctls.
 */
#ifndef VM_FIXTURE_H
#define VM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include <drm-uapi/panthor_drm.h>

#include <linux/dma-fence.h>

#include "fw_fake.h"
#include "linux_machine.h"
#include "mali.h"
#include "panthor_device.h"
#include "panthor_host.h"
#include "panthor_vm.h"

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define SPARSE (DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE | NOEXEC)
#define UNMAP ((u32)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)

#define NO_BO                                                                  \
	(DRM_PANTHOR_VM_BIND_OP_TYPE_MASK | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE)

#define DRAM_B (64ull << 20)
#define BO_B (4ull << 20)
#define TILE (64ull << 10)
#define MiB (1ull << 20)

enum vm_event_type { UPDATE = 1, LOCK, UNLOCK, FLUSH };

struct vm_event {
	enum vm_event_type type;
	u32 slot;
	u64 lockaddr; /* LOCK */
};

extern struct vm_hw {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	struct fw_fake fw;
	struct panthor_device *ptdev;
	struct linux_file *file;
	u32 bo;

	/* Commands, as they were written. */
	pthread_mutex_t lock;
	struct vm_event events[256];
	u32 event_count;
	u64 lockaddr[32];

	_Atomic u32 stuck; /* LOCK commands to swallow, and then no answer */
	_Atomic bool no_answer;
	_Atomic u32 resets;
	struct dma_fence *reset_gate; /* signals during a reset */
	/* Called once, when the handler of a fault has seen its interrupt. */
	void (*fault_seen)(void);
	_Atomic u32 fault_reads; /* of the interrupt's status, since */
} vm_hw;

/* Setup and teardown of a test: a machine with a file and a BO of BO_B. */
int vm_boot(void **state);
int vm_power_off(void **state);
u32 vm_create(void);
int vm_destroy(u32 id);
u32 vm_get_state(u32 id);
/* Keeps the VM in a slot, which must be @slot. */
struct panthor_vm *vm_activate(u32 id, int slot);
/* With the BO where @flags ask for one, from its start. */
struct drm_panthor_vm_bind_op vm_make_op(u32 flags, u64 va, u64 size);
/* *@failed_out: the index of the op that failed; may be NULL. */
int vm_bind_ops(u32 vm_id, u32 flags, struct drm_panthor_vm_bind_op *ops,
		u32 count, u32 *failed_out);
int vm_bind(u32 vm_id, u32 flags, u64 va, u64 size);
bool vm_is_mapped(u32 vm_id, u64 va);
void vm_forget_events(void);
/* Checks that the MMU was told just this since, and forgets it. */
void vm_assert_events(const struct vm_event *events, u32 count);
/* Of slot 1, with its flush and its UNLOCK. */
void vm_assert_one_lock(u64 lockaddr);
void vm_wait_for_resets(u32 count);

#endif /* VM_FIXTURE_H */
