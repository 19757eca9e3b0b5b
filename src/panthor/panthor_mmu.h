/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The MMU's address-space slots: which VM has which, the region lock that keeps
 * the GPU out of what is edited, and faults.
 *
 * Locking: panthor_mmu::slots_lock guards every panthor_vm_as and all AS
 * registers. It is taken inside op_lock and never held while waiting for
 * another VM. The region lock itself belongs to the op that holds op_lock.
 */
#ifndef PANTHOR_MMU_H
#define PANTHOR_MMU_H

#include <linux/list.h>
#include <linux/types.h>

struct panthor_device;
struct panthor_vm;
struct workqueue_struct;

/* The MMU's view of a VM. Guarded by slots_lock. */
struct panthor_vm_as {
	int slot;	 /* -1: none */
	u32 users;	 /* how many keep the slot; 0: it may be taken away */
	bool enabled;	 /* the slot translates; read without the lock, too */
	bool faulted;	 /* an access faulted since the slot was enabled */
	bool fault_told; /* the message has been printed */
	u64 root_pa;
	u64 absent_va;	   /* what an access waits for, while absent, */
	u32 absent_status; /* and its FAULTSTATUS */
	bool absent;	   /* vm->absent_work is to bring it back */
	/* What the GPU is kept out of, as LOCKADDR names it; size 0: nothing.
	 */
	u64 locked_start, locked_size;
	struct list_head lru;  /* in panthor_mmu::idle while users is 0 */
	struct list_head node; /* in panthor_mmu::vms */
};

int panthor_mmu_init(struct panthor_device *ptdev);
void panthor_mmu_fini(struct panthor_device *ptdev);
void panthor_mmu_pre_reset(struct panthor_device *ptdev);
void panthor_mmu_post_reset(struct panthor_device *ptdev);

struct workqueue_struct *panthor_mmu_bind_wq(struct panthor_device *ptdev);
struct workqueue_struct *panthor_mmu_cleanup_wq(struct panthor_device *ptdev);

void panthor_mmu_add_vm(struct panthor_vm *vm);
void panthor_mmu_remove_vm(struct panthor_vm *vm);
int panthor_mmu_activate(struct panthor_vm *vm);
void panthor_mmu_idle(struct panthor_vm *vm);
void panthor_mmu_disable(struct panthor_vm *vm);
u64 panthor_mmu_absent_va(struct panthor_vm *vm);
void panthor_mmu_absent_done(struct panthor_vm *vm, bool restored);
bool panthor_mmu_vm_faulted(struct panthor_vm *vm);

int panthor_mmu_lock_region(struct panthor_vm *vm, u64 start, u64 end);
void panthor_mmu_force_lock_region(struct panthor_vm *vm, u64 start, u64 end);
int panthor_mmu_expand_locked_region(struct panthor_vm *vm, u64 start, u64 end);
void panthor_mmu_unlock_region(struct panthor_vm *vm);

/* A slot, as panthor_mmu_get_slot() finds it. */
struct panthor_mmu_slot {
	/* Of the VM that has it, if there is one. */
	struct panthor_vm_as as;
	bool stuck; /* gave no answer; a reset is on its way */
	/* The registers; 0 while the GPU is being reset. */
	u64 transtab, transcfg, faultaddress;
	u32 faultstatus;
};

bool panthor_mmu_get_slot(struct panthor_device *ptdev, u32 slot,
			  struct panthor_mmu_slot *slot_out,
			  struct panthor_vm **vm_out);

u64 panthor_mmu_lock_block(u64 start, u64 end, u64 *size_out);
u64 panthor_mmu_lockaddr(u64 start, u64 end);

#endif /* PANTHOR_MMU_H */
