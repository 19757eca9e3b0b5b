// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_gpu.h"
#include "panthor_mmu.h"
#include "panthor_reclaim.h"
#include "panthor_regs.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

#define MAX_AS_SLOTS 32
/* Slot 0 belongs to the firmware's own address space. */
#define MCU_SLOT 0
#define FIRST_USER_SLOT 1

#define AS_POLL_US 10
#define AS_TIMEOUT_US (100 * 1000)

struct panthor_mmu {
	struct panthor_device *ptdev;

	struct mutex slots_lock;
	/* All below is guarded by slots_lock. */
	struct panthor_vm *slots[MAX_AS_SLOTS]; /* NULL: free */
	u32 present;	       /* slots that user VMs may have */
	u32 int_mask;	       /* slots whose faults are listened to */
	bool in_reset;	       /* the registers are not to be touched */
	u32 stuck;	       /* slots that gave no answer; until a reset */
	struct list_head idle; /* VMs that keep a slot unused, oldest first */
	struct list_head vms;  /* all VMs */

	/* What asynchronous binds run on; fences that reclaim waits for depend
	 * on it. */
	struct workqueue_struct *bind_wq;
	/* What cleans up behind them. */
	struct workqueue_struct *cleanup_wq;
	/* What brings evicted memory back that the GPU waits for. */
	struct workqueue_struct *restore_wq;
};

/* ----------------------------------------------------------- region lock -- */

/**
 * panthor_mmu_lock_block() - what locking a range really locks
 * @start: first address of the range
 * @end: the address behind its last
 * @size_out: bytes of the block
 *
 * The MMU locks naturally aligned powers of two, of 32 KiB at least.
 *
 * Return: the block's first address.
 */
u64 panthor_mmu_lock_block(u64 start, u64 end, u64 *size_out)
{
	/* The highest bit in which the first and the last byte differ. */
	u64 size = 1ull << fls64(start ^ (end - 1));

	size = max_t(u64, size, AS_LOCK_REGION_MIN_SIZE);
	*size_out = size;
	return ALIGN_DOWN(start, size);
}

/**
 * panthor_mmu_lockaddr() - the value of AS_LOCKADDR for a range
 *
 * The block's address; the low bits hold log2 of its size, less one.
 */
u64 panthor_mmu_lockaddr(u64 start, u64 end)
{
	u64 size, base = panthor_mmu_lock_block(start, end, &size);

	return base | (ilog2(size) - 1);
}

/* ------------------------------------------------------------- registers -- */

static int wait_as_idle(struct panthor_mmu *mmu, int slot)
{
	struct panthor_device *ptdev = mmu->ptdev;
	u32 status;
	int ret;

	lockdep_assert_held(&mmu->slots_lock);

	/* The usual case, without looking at a clock. */
	if (!(gpu_read(ptdev, AS_STATUS(slot)) & AS_STATUS_AS_ACTIVE))
		return 0;
	/* It had its time. The reset is on its way, and needs the lock. */
	if (mmu->stuck & BIT(slot))
		return -ETIMEDOUT;

	ret = gpu_read_poll_timeout_atomic(ptdev, AS_STATUS(slot), status,
					   !(status & AS_STATUS_AS_ACTIVE),
					   AS_POLL_US, AS_TIMEOUT_US);
	if (ret) {
		drm_err(&ptdev->base, "address space %d is stuck\n", slot);
		mmu->stuck |= BIT(slot);
		panthor_device_schedule_reset(ptdev);
	}

	return ret;
}

static int as_command(struct panthor_mmu *mmu, int slot, u32 command)
{
	int ret = wait_as_idle(mmu, slot);

	if (ret)
		return ret;

	gpu_write(mmu->ptdev, AS_COMMAND(slot), command);
	return wait_as_idle(mmu, slot);
}

static void set_int_mask(struct panthor_mmu *mmu, u32 set, u32 clear)
{
	mmu->int_mask = (mmu->int_mask & ~clear) | set;
	gpu_write(mmu->ptdev, MMU_INT_MASK, mmu->int_mask);
}

/* AttrIndx 0 is uncached, 1 is write-back; no page uses the others. */
static u64 memattr(const struct panthor_device *ptdev)
{
	const u64 uncached = 0x4c; /* non-cacheable, explicit allocation */
	const u64 cached = 0x8f | (ptdev->coherent ? BIT(4) : 0);
	const u64 cached_noalloc = cached & ~3ull;

	return uncached | cached << 8 | uncached << 16 | cached_noalloc << 24 |
	       uncached << 32 | uncached << 40 | uncached << 48 |
	       uncached << 56;
}

static u64 transcfg(const struct panthor_device *ptdev, u32 va_bits)
{
	return AS_TRANSCFG_ADRMODE_AARCH64_4K |
	       AS_TRANSCFG_INA_BITS(55 - va_bits) | AS_TRANSCFG_PTW_MEMATTR_WB |
	       AS_TRANSCFG_PTW_RA |
	       (ptdev->coherent ? AS_TRANSCFG_PTW_SH_OS : 0);
}

static int program_slot(struct panthor_mmu *mmu, int slot, u64 transtab,
			u64 attr, u64 cfg)
{
	struct panthor_device *ptdev = mmu->ptdev;

	gpu_write64(ptdev, AS_TRANSTAB(slot), transtab);
	gpu_write64(ptdev, AS_MEMATTR(slot), attr);
	gpu_write64(ptdev, AS_TRANSCFG(slot), cfg);

	return as_command(mmu, slot, AS_COMMAND_UPDATE);
}

static int issue_lock(struct panthor_vm *vm, u64 start, u64 size)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	gpu_write64(vm->ptdev, AS_LOCKADDR(vm->as.slot),
		    panthor_mmu_lockaddr(start, start + size));
	return as_command(mmu, vm->as.slot, AS_COMMAND_LOCK);
}

/* ----------------------------------------------------------------- slots -- */

/* Translates with the VM's tables from now on. */
static int enable_slot(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	struct panthor_vm_as *as = &vm->as;
	int ret;

	lockdep_assert_held(&mmu->slots_lock);

	gpu_write(mmu->ptdev, MMU_INT_CLEAR, BIT(as->slot));
	ret = program_slot(mmu, as->slot, as->root_pa, memattr(mmu->ptdev),
			   transcfg(mmu->ptdev, vm->pt.va_bits));
	if (ret)
		return ret;

	/* An op is at work on this VM: it relies on the GPU being kept out. */
	if (as->locked_size) {
		ret = issue_lock(vm, as->locked_start, as->locked_size);
		if (ret)
			return ret;
	}

	WRITE_ONCE(as->enabled, true);
	as->faulted = false;
	set_int_mask(mmu, BIT(as->slot), 0);
	return 0;
}

/*
 * Stops translating. With @reused the slot is about to be programmed again, so
 * it need not be cleared. Errors have scheduled a reset, which clears it too.
 */
static void disable_slot(struct panthor_vm *vm, bool reused)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	struct panthor_vm_as *as = &vm->as;

	lockdep_assert_held(&mmu->slots_lock);

	if (!as->enabled)
		return;

	WRITE_ONCE(as->enabled, false);
	as->absent = false;
	set_int_mask(mmu, 0, BIT(as->slot));
	if (panthor_gpu_flush_caches(vm->ptdev, CACHE_CLEAN | CACHE_INV,
				     CACHE_CLEAN | CACHE_INV, CACHE_INV))
		return;
	if (as->locked_size && as_command(mmu, as->slot, AS_COMMAND_UNLOCK))
		return;
	if (!reused)
		(void)program_slot(mmu, as->slot, 0, 0,
				   AS_TRANSCFG_ADRMODE_UNMAPPED);
}

static void release_slot(struct panthor_vm *vm, bool reused)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	if (vm->as.slot < 0)
		return;

	disable_slot(vm, reused);
	list_del_init(&vm->as.lru);
	mmu->slots[vm->as.slot] = NULL;
	vm->as.slot = -1;
}

/*
 * The lowest free slot, or that of the VM that was idle longest, or -EBUSY; the
 * firmware's for its VM.
 */
static int take_slot(struct panthor_mmu *mmu, const struct panthor_vm *vm)
{
	struct panthor_vm *victim;
	int slot;

	if (vm->for_mcu)
		return MCU_SLOT;

	for (slot = FIRST_USER_SLOT; slot < MAX_AS_SLOTS; slot++) {
		if ((mmu->present & BIT(slot)) && !mmu->slots[slot])
			return slot;
	}

	victim =
		list_first_entry_or_null(&mmu->idle, struct panthor_vm, as.lru);
	if (!victim)
		return -EBUSY;

	slot = victim->as.slot;
	release_slot(victim, true);
	return slot;
}

static int get_slot(struct panthor_mmu *mmu, struct panthor_vm *vm)
{
	struct panthor_vm_as *as = &vm->as;
	int slot, ret;

	if (as->slot < 0) {
		slot = take_slot(mmu, vm);
		if (slot < 0)
			return slot;
		as->slot = slot;
		mmu->slots[slot] = vm;
	}
	list_del_init(&as->lru);

	/* Otherwise panthor_mmu_post_reset() will. */
	if (mmu->in_reset || (as->enabled && !as->faulted))
		return 0;

	ret = enable_slot(vm);
	if (ret)
		release_slot(vm, false);
	return ret;
}

/**
 * panthor_mmu_activate() - give a VM a slot and keep it there
 * @vm: the VM
 *
 * Nests. Does not wait for an op on this or another VM.
 *
 * Return: the slot; -EINVAL for a VM that became unusable; -EBUSY if all slots
 * are in use; -ETIMEDOUT.
 */
int panthor_mmu_activate(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	int ret = 0;

	mutex_lock(&mmu->slots_lock);
	if (READ_ONCE(vm->unusable))
		ret = -EINVAL;
	else if (!vm->as.users)
		ret = get_slot(mmu, vm);
	if (!ret) {
		vm->as.users++;
		ret = vm->as.slot;
	}
	mutex_unlock(&mmu->slots_lock);
	panthor_reclaim_touch_vm(vm);

	return ret;
}

/** panthor_mmu_idle() - the inverse; the slot may be taken away afterwards */
void panthor_mmu_idle(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	mutex_lock(&mmu->slots_lock);
	if (!WARN_ON(!vm->as.users) && !--vm->as.users)
		list_add_tail(&vm->as.lru, &mmu->idle);
	mutex_unlock(&mmu->slots_lock);
	panthor_reclaim_touch_vm(vm);
}

/** panthor_mmu_disable() - translate nothing until the next activation */
void panthor_mmu_disable(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	mutex_lock(&mmu->slots_lock);
	disable_slot(vm, false);
	mutex_unlock(&mmu->slots_lock);
}

/** panthor_mmu_vm_faulted() - has an access of a VM in use faulted? */
bool panthor_mmu_vm_faulted(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	bool faulted;

	mutex_lock(&mmu->slots_lock);
	faulted = vm->as.faulted;
	mutex_unlock(&mmu->slots_lock);

	return faulted;
}

/** panthor_mmu_add_vm() - make a VM known, without a slot; its tables exist */
void panthor_mmu_add_vm(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	vm->as = (struct panthor_vm_as){.slot = -1};
	vm->as.root_pa = panthor_pt_root_pa(&vm->pt);
	INIT_LIST_HEAD(&vm->as.lru);

	mutex_lock(&mmu->slots_lock);
	list_add_tail(&vm->as.node, &mmu->vms);
	mutex_unlock(&mmu->slots_lock);
}

/** panthor_mmu_remove_vm() - the inverse, before its tables are freed */
void panthor_mmu_remove_vm(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	mutex_lock(&mmu->slots_lock);
	WARN_ON(vm->as.users);
	release_slot(vm, false);
	list_del(&vm->as.node);
	mutex_unlock(&mmu->slots_lock);
}

/**
 * panthor_mmu_get_slot() - look at an address-space slot
 * @ptdev: the device
 * @slot: number of the slot
 * @slot_out: what is in it
 * @vm_out: a reference to the VM that has it, or NULL
 *
 * Return: whether there is a slot of that number.
 */
bool panthor_mmu_get_slot(struct panthor_device *ptdev, u32 slot,
			  struct panthor_mmu_slot *slot_out,
			  struct panthor_vm **vm_out)
{
	struct panthor_mmu *mmu = ptdev->mmu;
	struct panthor_vm *vm;

	if (slot >= MAX_AS_SLOTS || !(ptdev->gpu_info.as_present & BIT(slot)))
		return false;

	*slot_out = (struct panthor_mmu_slot){};
	mutex_lock(&mmu->slots_lock);
	vm = mmu->slots[slot];
	if (vm) {
		slot_out->as = vm->as;
		/* It leaves its slot before it is freed, but not at once. */
		if (!kref_get_unless_zero(&vm->refcount))
			vm = NULL;
	}
	*vm_out = vm;
	slot_out->stuck = mmu->stuck & BIT(slot);
	if (!mmu->in_reset) {
		slot_out->transtab = gpu_read64(ptdev, AS_TRANSTAB(slot));
		slot_out->transcfg = gpu_read64(ptdev, AS_TRANSCFG(slot));
		slot_out->faultstatus = gpu_read(ptdev, AS_FAULTSTATUS(slot));
		slot_out->faultaddress =
			gpu_read64(ptdev, AS_FAULTADDRESS(slot));
	}
	mutex_unlock(&mmu->slots_lock);

	return true;
}

/* --------------------------------------------------------------- locking -- */

/* Locks the block of [start, end) if the VM has a slot, and remembers it. */
static int apply_lock(struct panthor_vm *vm, u64 start, u64 end)
{
	u64 size, base = panthor_mmu_lock_block(start, end, &size);
	int ret;

	if (vm->as.enabled) {
		ret = issue_lock(vm, base, size);
		if (ret)
			return ret;
	}

	vm->as.locked_start = base;
	vm->as.locked_size = size;
	return 0;
}

/**
 * panthor_mmu_lock_region() - keep the GPU out of a range
 * @vm: the VM; the caller holds its op_lock, and no region of it is locked
 * @start: first address
 * @end: the address behind the last
 *
 * GPU accesses to the block around the range wait until
 * panthor_mmu_unlock_region(). A VM without a slot has nobody to keep out; if
 * it gains one, the lock is in place before anything can be translated with it.
 *
 * Return: 0; -EINVAL for an empty range or if a region is locked; -ETIMEDOUT if
 * the MMU does not answer, and then nothing is locked and a reset is scheduled.
 */
int panthor_mmu_lock_region(struct panthor_vm *vm, u64 start, u64 end)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	int ret;

	lockdep_assert_held(&vm->op_lock);

	mutex_lock(&mmu->slots_lock);
	if (start >= end || vm->as.locked_size)
		ret = -EINVAL;
	else
		ret = apply_lock(vm, start, end);
	mutex_unlock(&mmu->slots_lock);

	return ret;
}

/**
 * panthor_mmu_force_lock_region() - as panthor_mmu_lock_region(), surely
 *
 * Where the MMU does not answer, the VM translates nothing until the reset that
 * is on its way. That is settled before the reset can be over: nobody would
 * enable the VM again.
 */
void panthor_mmu_force_lock_region(struct panthor_vm *vm, u64 start, u64 end)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	lockdep_assert_held(&vm->op_lock);

	mutex_lock(&mmu->slots_lock);
	WARN_ON(start >= end || vm->as.locked_size);
	if (apply_lock(vm, start, end)) {
		disable_slot(vm, false);
		(void)apply_lock(vm, start, end);
	}
	mutex_unlock(&mmu->slots_lock);
}

/**
 * panthor_mmu_expand_locked_region() - keep the GPU out of more
 * @vm: the VM; the caller holds its op_lock and has locked a region
 * @start: first address of a range that overlaps or touches the region
 * @end: the address behind the last
 *
 * Return: 0, at once if the range is locked already; -EINVAL if no region is
 * locked, or one that lies elsewhere; -ETIMEDOUT, and then the region is what
 * it was as far as the MMU still answers, and a reset is scheduled.
 */
int panthor_mmu_expand_locked_region(struct panthor_vm *vm, u64 start, u64 end)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	struct panthor_vm_as *as = &vm->as;
	u64 locked_end;
	int ret = 0;

	lockdep_assert_held(&vm->op_lock);

	mutex_lock(&mmu->slots_lock);
	locked_end = as->locked_start + as->locked_size;
	if (start >= end || !as->locked_size || start > locked_end ||
	    end < as->locked_start)
		ret = -EINVAL;
	else if (start < as->locked_start || end > locked_end)
		ret = apply_lock(vm, min(start, as->locked_start),
				 max(end, locked_end));
	mutex_unlock(&mmu->slots_lock);

	return ret;
}

/**
 * panthor_mmu_unlock_region() - let the GPU see what was edited
 * @vm: the VM; the caller holds its op_lock and has locked a region
 *
 * Flushes the GPU's caches before. A flush or an UNLOCK that fails has
 * scheduled a reset, after which nothing is locked or cached either.
 */
void panthor_mmu_unlock_region(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	struct panthor_vm_as *as = &vm->as;
	bool enabled;

	lockdep_assert_held(&vm->op_lock);

	/* Not under slots_lock: others need that more urgently. */
	enabled = READ_ONCE(as->enabled);
	if (enabled)
		(void)panthor_gpu_flush_caches(
			vm->ptdev, CACHE_CLEAN | CACHE_INV,
			CACHE_CLEAN | CACHE_INV, CACHE_INV);

	mutex_lock(&mmu->slots_lock);
	WARN_ON(!as->locked_size);
	/* A slot gained since was empty when the last edit was made. */
	if (as->enabled)
		(void)as_command(mmu, as->slot, AS_COMMAND_UNLOCK);
	as->locked_size = 0;
	mutex_unlock(&mmu->slots_lock);
}

/* ---------------------------------------------------------------- faults -- */

static const char *access_name(u32 status)
{
	static const char *const names[] = {
		[AS_FAULTSTATUS_ACCESS_ATOMIC] = "atomic access",
		[AS_FAULTSTATUS_ACCESS_EXECUTE] = "execution",
		[AS_FAULTSTATUS_ACCESS_READ] = "read",
		[AS_FAULTSTATUS_ACCESS_WRITE] = "write",
	};

	return names[AS_FAULTSTATUS_ACCESS(status)];
}

static const char *exception_name(u32 status)
{
	switch (AS_FAULTSTATUS_EXCEPTION(status)) {
	case 0xc0 ... 0xc4:
		return "nothing is mapped there";
	case 0xc8 ... 0xcb:
		return "the mapping does not allow it";
	case 0xd9 ... 0xdb:
		return "access flag";
	case 0xe0 ... 0xe7:
		return "address out of range";
	case 0xe8 ... 0xeb:
		return "memory attributes";
	case AS_FAULTSTATUS_ABSENT:
		return "there is no memory to bring its contents back";
	default:
		return "unknown reason";
	}
}

static void tell_fault(struct panthor_vm *vm, u32 status, u64 addr)
{
	u32 source = AS_FAULTSTATUS_SOURCE_ID(status);

	if (source & AS_FAULTSTATUS_SOURCE_IS_CS) {
		drm_err(&vm->ptdev->base,
			"GPU %s at VA 0x%012llx failed: %s (group slot %u, "
			"queue %u, address space %d, status 0x%08x); its group "
			"is lost\n",
			access_name(status), addr, exception_name(status),
			AS_FAULTSTATUS_SOURCE_CSG(source),
			AS_FAULTSTATUS_SOURCE_CS(source), vm->as.slot, status);
		return;
	}

	if (vm->as.fault_told)
		return;

	vm->as.fault_told = true;
	drm_err(&vm->ptdev->base,
		"GPU %s at VA 0x%012llx failed: %s (address space %d, status "
		"0x%08x); its VM translates nothing any more\n",
		access_name(status), addr, exception_name(status), vm->as.slot,
		status);
}

/* No access of the VM succeeds any more. */
static void end_translation(struct panthor_vm *vm)
{
	vm->as.faulted = true;
	disable_slot(vm, false);
	panthor_sched_vm_failed(vm);
	if (vm->for_mcu)
		panthor_device_schedule_reset(vm->ptdev);
}

/*
 * An access waits for memory that was evicted. The interrupt stays raised, and
 * is not listened to until the memory is back.
 */
static void handle_absent(struct panthor_vm *vm, u32 status, u64 addr)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;

	lockdep_assert_held(&mmu->slots_lock);

	set_int_mask(mmu, 0, BIT(vm->as.slot));
	vm->as.absent = true;
	vm->as.absent_va = addr;
	vm->as.absent_status = status;
	panthor_vm_get(vm);
	if (!queue_work(mmu->restore_wq, &vm->absent_work))
		panthor_vm_put(vm);
}

/** panthor_mmu_absent_va() - what address an access of a VM waits for */
u64 panthor_mmu_absent_va(struct panthor_vm *vm)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	u64 va;

	mutex_lock(&mmu->slots_lock);
	va = vm->as.absent_va;
	mutex_unlock(&mmu->slots_lock);

	return va;
}

/**
 * panthor_mmu_absent_done() - let an access that met an absent leaf go on
 * @vm: the VM
 * @restored: the memory is back; else the access fails
 */
void panthor_mmu_absent_done(struct panthor_vm *vm, bool restored)
{
	struct panthor_mmu *mmu = vm->ptdev->mmu;
	struct panthor_vm_as *as = &vm->as;

	mutex_lock(&mmu->slots_lock);
	/* Otherwise the slot was disabled, which answers the access, too. */
	if (as->absent) {
		as->absent = false;
		if (!restored) {
			tell_fault(vm, as->absent_status, as->absent_va);
			end_translation(vm);
		}
		gpu_write(mmu->ptdev, MMU_INT_CLEAR, BIT(as->slot));
		if (restored)
			set_int_mask(mmu, BIT(as->slot), 0);
	}
	mutex_unlock(&mmu->slots_lock);
}

static bool is_stream_fault(u32 status)
{
	return AS_FAULTSTATUS_SOURCE_ID(status) & AS_FAULTSTATUS_SOURCE_IS_CS;
}

/*
 * A fault of a command stream stops that stream, of which the firmware tells
 * the scheduler: other groups on the VM go on. Any other ends translation.
 */
static void handle_fault(struct panthor_mmu *mmu, int slot)
{
	struct panthor_device *ptdev = mmu->ptdev;
	struct panthor_vm *vm;
	u32 status;
	u64 addr;

	mutex_lock(&mmu->slots_lock);
	/* Since the interrupt, the slot may have gone to another VM. */
	if (!(gpu_read(ptdev, MMU_INT_STAT) & BIT(slot))) {
		mutex_unlock(&mmu->slots_lock);
		return;
	}

	status = gpu_read(ptdev, AS_FAULTSTATUS(slot));
	addr = gpu_read64(ptdev, AS_FAULTADDRESS(slot));
	vm = mmu->slots[slot];
	if (vm && vm->as.enabled &&
	    AS_FAULTSTATUS_EXCEPTION(status) == AS_FAULTSTATUS_ABSENT) {
		handle_absent(vm, status, addr);
	} else {
		gpu_write(ptdev, MMU_INT_CLEAR, BIT(slot));
		if (vm && vm->as.enabled) {
			tell_fault(vm, status, addr);
			if (!is_stream_fault(status))
				end_translation(vm);
		}
	}
	mutex_unlock(&mmu->slots_lock);
}

static irqreturn_t panthor_mmu_irq_is_raised(int irq, void *data)
{
	return gpu_read(data, MMU_INT_STAT) ? IRQ_WAKE_THREAD : IRQ_NONE;
}

static irqreturn_t panthor_mmu_irq_handler(int irq, void *data)
{
	struct panthor_device *ptdev = data;
	struct panthor_mmu *mmu = ptdev->mmu;
	u32 status = gpu_read(ptdev, MMU_INT_STAT);
	int slot;

	if (!status)
		return IRQ_NONE;

	for (slot = 0; slot < MAX_AS_SLOTS; slot++) {
		if (status & BIT(slot))
			handle_fault(mmu, slot);
	}

	return IRQ_HANDLED;
}

/* ----------------------------------------------------------------- reset -- */

/**
 * panthor_mmu_pre_reset() - keep off the registers
 *
 * Asynchronous binds stop. A synchronous one that is at work goes on in memory
 * alone.
 */
void panthor_mmu_pre_reset(struct panthor_device *ptdev)
{
	struct panthor_mmu *mmu = ptdev->mmu;
	struct panthor_vm *vm;

	mutex_lock(&mmu->slots_lock);
	mmu->in_reset = true;
	mmu->int_mask = 0;
	list_for_each_entry (vm, &mmu->vms, as.node) {
		WRITE_ONCE(vm->as.enabled, false);
		vm->as.absent = false;
		panthor_job_queue_stop(&vm->queue.base);
	}
	mutex_unlock(&mmu->slots_lock);
}

/* A process lives with what it did; the firmware begins anew. */
static bool may_resume(const struct panthor_vm *vm)
{
	return vm->for_mcu || (!vm->as.faulted && !READ_ONCE(vm->unusable));
}

/**
 * panthor_mmu_post_reset() - the GPU has forgotten everything
 *
 * VMs in use get their slots back, with their region locks; others lose them.
 */
void panthor_mmu_post_reset(struct panthor_device *ptdev)
{
	struct panthor_mmu *mmu = ptdev->mmu;
	struct panthor_vm *vm;

	mutex_lock(&mmu->slots_lock);
	mmu->in_reset = false;
	mmu->stuck = 0;
	list_for_each_entry (vm, &mmu->vms, as.node) {
		if (vm->as.slot >= 0) {
			if (!vm->as.users)
				release_slot(vm, false);
			else if (may_resume(vm))
				(void)enable_slot(vm);
		}
		panthor_job_queue_start(&vm->queue.base);
	}
	mutex_unlock(&mmu->slots_lock);
}

/* ------------------------------------------------------------------ init -- */

/** panthor_mmu_bind_wq() - what the bind queues of the device's VMs run on */
struct workqueue_struct *panthor_mmu_bind_wq(struct panthor_device *ptdev)
{
	return ptdev->mmu->bind_wq;
}

/** panthor_mmu_cleanup_wq() - for what may wait until binds have gone on */
struct workqueue_struct *panthor_mmu_cleanup_wq(struct panthor_device *ptdev)
{
	return ptdev->mmu->cleanup_wq;
}

/**
 * panthor_mmu_init() - set up the slots and the fault interrupt
 *
 * Return: 0; -ENODEV for a GPU without a slot for users; -ENOMEM; what
 * panthor_request_irq() returned.
 */
int panthor_mmu_init(struct panthor_device *ptdev)
{
	struct panthor_mmu *mmu;
	u32 features;
	int ret;

	mmu = kzalloc(sizeof(*mmu), GFP_KERNEL);
	if (!mmu)
		return -ENOMEM;

	mmu->ptdev = ptdev;
	mmu->present = ptdev->gpu_info.as_present & ~(BIT(FIRST_USER_SLOT) - 1);
	mutex_init(&mmu->slots_lock);
	INIT_LIST_HEAD(&mmu->idle);
	INIT_LIST_HEAD(&mmu->vms);

	if (!mmu->present) {
		drm_err(&ptdev->base, "no address space for user VMs\n");
		ret = -ENODEV;
		goto err_free;
	}

	mmu->bind_wq = alloc_workqueue("panthor-vm-bind",
				       WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!mmu->bind_wq) {
		ret = -ENOMEM;
		goto err_free;
	}

	mmu->cleanup_wq = alloc_workqueue("panthor-vm-cleanup", WQ_UNBOUND, 0);
	if (!mmu->cleanup_wq) {
		ret = -ENOMEM;
		goto err_destroy_bind_wq;
	}

	mmu->restore_wq = alloc_workqueue("panthor-vm-restore", WQ_UNBOUND, 0);
	if (!mmu->restore_wq) {
		ret = -ENOMEM;
		goto err_destroy_cleanup_wq;
	}

	features = gpu_read(ptdev, GPU_VIRT_FEATURES);
	ptdev->absent_stall = features & GPU_VIRT_FEATURES_ABSENT_STALL;
	ptdev->null_leaves = features & GPU_VIRT_FEATURES_NULL_LEAVES;
	ptdev->mmu = mmu;
	gpu_write(ptdev, MMU_INT_MASK, 0);
	gpu_write(ptdev, MMU_INT_CLEAR, ~0u);
	ret = panthor_request_irq(ptdev, "mmu", ptdev->irqs.mmu,
				  panthor_mmu_irq_is_raised,
				  panthor_mmu_irq_handler);
	if (ret)
		goto err_destroy_restore_wq;

	return 0;

err_destroy_restore_wq:
	ptdev->mmu = NULL;
	destroy_workqueue(mmu->restore_wq);
err_destroy_cleanup_wq:
	destroy_workqueue(mmu->cleanup_wq);
err_destroy_bind_wq:
	destroy_workqueue(mmu->bind_wq);
err_free:
	mutex_destroy(&mmu->slots_lock);
	kfree(mmu);
	return ret;
}

/** panthor_mmu_fini() - the inverse; all files are closed */
void panthor_mmu_fini(struct panthor_device *ptdev)
{
	struct panthor_mmu *mmu = ptdev->mmu;

	/* The last reference to a VM may be with work that is on its way. */
	destroy_workqueue(mmu->restore_wq);
	destroy_workqueue(mmu->bind_wq);
	destroy_workqueue(mmu->cleanup_wq);
	WARN_ON(!list_empty(&mmu->vms));

	gpu_write(ptdev, MMU_INT_MASK, 0);
	panthor_free_irq(ptdev, ptdev->irqs.mmu);
	ptdev->mmu = NULL;
	mutex_destroy(&mmu->slots_lock);
	kfree(mmu);
}
