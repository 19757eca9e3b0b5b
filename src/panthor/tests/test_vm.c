// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * VMs on the virtual Mali, with what they tell its MMU on record: region locks,
 * address-space slots, faults, an MMU that does not answer, and VMs that are
 * destroyed or unusable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm-uapi/panthor_drm.h>

#include <linux/dma-fence.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

#include "fw_fake.h"
#include "linux_machine.h"
#include "mali.h"
#include "mali_regs.h"
#include "panthor_device.h"
#include "panthor_host.h"
#include "panthor_vm.h"
#include "pt_walker.h"

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define SPARSE (DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE | NOEXEC)
#define UNMAP ((u32)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)

#define NO_BO                                                                  \
	(DRM_PANTHOR_VM_BIND_OP_TYPE_MASK | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE)

#define DRAM_B (64ull << 20)
#define BO_B (4ull << 20)
#define TILE (64ull << 10)
#define MiB (1ull << 20)

/* -------------------------------------------------------------- machine -- */

enum event_type { UPDATE = 1, LOCK, UNLOCK, FLUSH };

struct event {
	enum event_type type;
	u32 slot;
	u64 lockaddr; /* LOCK */
};

static struct {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	struct fw_fake fw;
	struct panthor_device *ptdev;
	struct linux_file *file;
	u32 bo;

	/* Commands, as they were written. */
	pthread_mutex_t lock;
	struct event events[256];
	u32 event_count;
	u64 lockaddr[32];

	_Atomic u32 stuck; /* LOCK commands to swallow, and then no answer */
	_Atomic bool no_answer;
	_Atomic u32 resets;
	struct dma_fence *reset_gate; /* signals during a reset */
} hw;

static void record(enum event_type type, u32 slot, u64 lockaddr)
{
	pthread_mutex_lock(&hw.lock);
	if (hw.event_count < 256)
		hw.events[hw.event_count++] = (struct event){
			.type = type,
			.slot = slot,
			.lockaddr = lockaddr,
		};
	pthread_mutex_unlock(&hw.lock);
}

static bool is_as_register(uint32_t offset, uint32_t reg)
{
	return offset >= MALI_AS(0) && offset < MALI_AS(32) &&
	       (offset - MALI_AS(0)) % 0x40 == reg;
}

static u32 slot_of(uint32_t offset)
{
	return (offset - MALI_AS(0)) / 0x40;
}

static uint32_t mmio_read32(void *machine, uint32_t offset)
{
	uint32_t value;

	if (fw_fake_read(&hw.fw, offset, &value))
		return value;
	if (is_as_register(offset, 0x28) && hw.no_answer)
		return 1;
	return mali_gpu_read32(hw.gpu, offset);
}

static void mmio_write32(void *machine, uint32_t offset, uint32_t value)
{
	u32 slot = slot_of(offset);

	if (fw_fake_write(&hw.fw, offset, value))
		return;
	if (is_as_register(offset, 0x10)) {
		hw.lockaddr[slot] = value;
	} else if (is_as_register(offset, 0x14)) {
		hw.lockaddr[slot] |= (u64)value << 32;
	} else if (is_as_register(offset, 0x18)) {
		if (value == MALI_AS_COMMAND_LOCK && hw.stuck && !--hw.stuck) {
			hw.no_answer = true;
			return;
		}
		record(value == MALI_AS_COMMAND_UPDATE ? UPDATE
		       : value == MALI_AS_COMMAND_LOCK ? LOCK
						       : UNLOCK,
		       slot, hw.lockaddr[slot]);
	} else if (offset == MALI_GPU_CMD) {
		if ((value & 0xff) == MALI_GPU_CMD_FLUSH_CACHES)
			record(FLUSH, 0, 0);
		if (value == MALI_GPU_CMD_SOFT_RESET) {
			hw.no_answer = false;
			if (hw.reset_gate)
				dma_fence_signal(hw.reset_gate);
			hw.resets++;
		}
	}
	mali_gpu_write32(hw.gpu, offset, value);
}

static int firmware(void *machine, const char *name, const void **data_out,
		    size_t *size_B_out)
{
	*data_out = fw_fake_image(size_B_out);
	return 0;
}

static int ram_alloc(void *machine, uint64_t want_B, uint64_t *pa_out,
		     uint64_t *got_B_out)
{
	return mali_dram_alloc(hw.dram, want_B, pa_out, got_B_out);
}

static void ram_free(void *machine, uint64_t pa, uint64_t size_B)
{
	mali_dram_free(hw.dram, pa, size_B);
}

static void raise_irq(void *data, enum mali_irq line)
{
	linux_raise_irq(line);
}

static int boot(void **state)
{
	static const struct linux_machine_ops ops = {
		.mmio_read32 = mmio_read32,
		.mmio_write32 = mmio_write32,
		.ram_alloc = ram_alloc,
		.ram_free = ram_free,
	};
	const struct mali_dram_config dram_config = {.size_B = DRAM_B};
	struct linux_machine_desc desc = {
		.ops = &ops,
		.ram_size_B = DRAM_B,
		.dma_mask = (1ull << 40) - 1,
		.dma_coherent = true,
		.irq_count = MALI_IRQ_COUNT,
		.firmware = firmware,
	};
	struct mali_gpu_config gpu_config = {
		.va_bits = 48,
		.pa_bits = 40,
		.as_present = 0x7, /* the firmware's, and two for users */
		.coherent = true,
	};
	struct drm_panthor_bo_create bo = {.size = BO_B};

	memset(&hw, 0, sizeof(hw));
	pthread_mutex_init(&hw.lock, NULL);
	if (mali_dram_create(&dram_config, &hw.dram))
		return -1;
	gpu_config.dram = hw.dram;
	if (mali_gpu_create(&gpu_config, &hw.gpu))
		return -1;
	hw.fw.dram = hw.dram;
	hw.fw.gpu = hw.gpu;
	hw.fw.spoil_offset = UINT32_MAX;
	mali_gpu_set_irq_handler(hw.gpu, raise_irq, NULL);
	desc.ram_base = mali_dram_base(hw.dram);
	desc.ram_fd = mali_dram_fd(hw.dram);
	if (linux_boot(&desc) || panthor_probe(PANTHOR_UAPI_1_9, &hw.ptdev) ||
	    linux_sys_open(&hw.file) ||
	    linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_BO_CREATE, &bo))
		return -1;
	hw.bo = bo.handle;
	hw.resets = 0;
	return 0;
}

static int power_off(void **state)
{
	struct mali_dram_stats stats;
	int leaks;

	if (hw.file)
		linux_sys_close(hw.file);
	panthor_remove(hw.ptdev);
	leaks = linux_shutdown();
	mali_gpu_destroy(hw.gpu);
	mali_dram_get_stats(hw.dram, &stats);
	mali_dram_destroy(hw.dram);
	return leaks || stats.allocated_B ? -1 : 0;
}

/* -------------------------------------------------------------- helpers -- */

static u32 create_vm(void)
{
	struct drm_panthor_vm_create args = {};

	assert_int_equal(
		linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_CREATE, &args),
		0);
	return args.id;
}

static int destroy_vm(u32 id)
{
	struct drm_panthor_vm_destroy args = {.id = id};

	return linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_DESTROY, &args);
}

static u32 vm_state(u32 id)
{
	struct drm_panthor_vm_get_state args = {.vm_id = id};

	assert_int_equal(
		linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args),
		0);
	return args.state;
}

static struct panthor_vm *activate(u32 id, int slot)
{
	struct panthor_vm *vm = NULL;

	assert_int_equal(
		panthor_host_vm_active(linux_file_drm(hw.file), id, &vm), slot);
	return vm;
}

static struct drm_panthor_vm_bind_op make_op(u32 flags, u64 va, u64 size)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = flags,
		.bo_handle = flags & NO_BO ? 0 : hw.bo,
		.va = va,
		.size = size,
	};
}

/* *@failed_out: the index of the op that failed; may be NULL. */
static int bind_ops(u32 vm_id, u32 flags, struct drm_panthor_vm_bind_op *ops,
		    u32 count, u32 *failed_out)
{
	struct drm_panthor_vm_bind args = {
		.vm_id = vm_id,
		.flags = flags,
		.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
	};
	int ret = linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_BIND, &args);

	if (failed_out)
		*failed_out = args.ops.count;
	return ret;
}

static int bind(u32 vm_id, u32 flags, u64 va, u64 size)
{
	struct drm_panthor_vm_bind_op op = make_op(flags, va, size);

	return bind_ops(vm_id, 0, &op, 1, NULL);
}

static bool is_mapped(u32 vm_id, u64 va)
{
	struct pt_walker walker = {
		.dram = mali_dram_base(hw.dram),
		.dram_size_B = DRAM_B,
		.va_bits = 48,
	};
	u64 root_pa;

	assert_int_equal(
		panthor_host_vm_root(linux_file_drm(hw.file), vm_id, &root_pa),
		0);
	walker.root_pa = root_pa;
	return pt_walker_walk(&walker, va).valid;
}

static void forget_events(void)
{
	pthread_mutex_lock(&hw.lock);
	hw.event_count = 0;
	pthread_mutex_unlock(&hw.lock);
}

/* Checks that the MMU was told just this since, and forgets it. */
static void assert_events(const struct event *events, u32 count)
{
	static struct event got[ARRAY_SIZE(hw.events)];
	u32 got_count;

	pthread_mutex_lock(&hw.lock);
	memcpy(got, hw.events, sizeof(got));
	got_count = hw.event_count;
	hw.event_count = 0;
	pthread_mutex_unlock(&hw.lock);

	for (u32 i = 0; i < min(count, got_count); i++) {
		assert_int_equal(got[i].type, events[i].type);
		if (events[i].type != FLUSH)
			assert_int_equal(got[i].slot, events[i].slot);
		if (events[i].type == LOCK)
			assert_int_equal(got[i].lockaddr, events[i].lockaddr);
	}
	assert_int_equal(got_count, count);
}

static void assert_one_lock(u64 lockaddr)
{
	const struct event events[] = {
		{LOCK, 1, lockaddr},
		{FLUSH},
		{UNLOCK, 1},
	};

	assert_events(events, 3);
}

static void wait_for_resets(u32 count)
{
	for (u32 i = 0; i < 10000 && hw.resets < count; i++)
		usleep(1000);
	assert_true(hw.resets >= count);
	/* The rest of the reset is not visible from here. */
	usleep(20000);
}

/* ---------------------------------------------------------------- locks -- */

/* An op locks its range, flushes, unlocks; one that changes nothing does not.
 */
static void test_lock_of_an_op(void **state)
{
	u32 id = create_vm();
	struct panthor_vm *vm = activate(id, 1);

	forget_events();
	assert_int_equal(bind(id, NOEXEC, 16 * MiB + TILE, TILE), 0);
	assert_one_lock((16 * MiB + TILE) | 15);
	assert_int_equal(bind(id, NOEXEC, 32 * MiB, 4 * MiB), 0);
	assert_one_lock(32 * MiB | 21);

	/* The same again, and nothing where nothing is. */
	assert_int_equal(bind(id, NOEXEC, 32 * MiB, 4 * MiB), 0);
	assert_int_equal(bind(id, UNMAP, 64 * MiB, 64 * MiB), 0);
	assert_events(NULL, 0);

	/* A part of a block locks all of it, and so does making it whole. */
	assert_int_equal(bind(id, UNMAP, 34 * MiB, TILE), 0);
	assert_one_lock(34 * MiB | 20);
	{
		struct drm_panthor_vm_bind_op op =
			make_op(NOEXEC, 34 * MiB, TILE);

		op.bo_offset = 2 * MiB;
		assert_int_equal(bind_ops(id, 0, &op, 1, NULL), 0);
		assert_one_lock(34 * MiB | 20);
	}

	/* The smallest region there is. */
	assert_int_equal(bind(id, SPARSE, 128 * MiB + 0x4000, 0x1000), 0);
	assert_one_lock(128 * MiB | 14);
	panthor_host_vm_idle(vm);
}

/* Neighbours share a lock as long as it locks no more than twice what they
 * bind. */
static void test_batches(void **state)
{
	struct drm_panthor_vm_bind_op ops[8];
	u32 id = create_vm();
	struct panthor_vm *vm = activate(id, 1);

	for (u32 i = 0; i < 8; i++)
		ops[i] = make_op(NOEXEC, 16 * MiB + i * TILE, TILE);
	forget_events();
	assert_int_equal(bind_ops(id, 0, ops, 8, NULL), 0);
	assert_one_lock(16 * MiB | 18);

	/* Every other tile: just so. */
	for (u32 i = 0; i < 8; i++)
		ops[i] = make_op(UNMAP, 16 * MiB + i * 2 * TILE, TILE);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(bind(id, NOEXEC, ops[i].va, TILE), 0);
	forget_events();
	assert_int_equal(bind_ops(id, 0, ops, 4, NULL), 0);
	assert_one_lock(16 * MiB | 18);

	/* Every fourth: not. Each has a lock of its own. */
	for (u32 i = 0; i < 8; i++)
		ops[i] = make_op(NOEXEC, 32 * MiB + i * 4 * TILE, TILE);
	assert_int_equal(bind_ops(id, 0, ops, 8, NULL), 0);
	{
		struct event events[24];

		for (u32 i = 0; i < 8; i++) {
			events[3 * i] = (struct event){
				LOCK, 1, (32 * MiB + i * 4 * TILE) | 15};
			events[3 * i + 1] = (struct event){FLUSH};
			events[3 * i + 2] = (struct event){UNLOCK, 1};
		}
		assert_events(events, 24);
	}
	panthor_host_vm_idle(vm);
}

/* An op across a line of high alignment is cut there. */
static void test_cut(void **state)
{
	static const struct {
		u64 start, size;
		u64 locks[2]; /* as LOCKADDR has it; 0: there is just one */
	} cases[] = {
		{(1ull << 39) - 0x1000,
		 0x2000,
		 {((1ull << 39) - 0x8000) | 14, (1ull << 39) | 14}},
		{(1ull << 46) - TILE,
		 2 * TILE,
		 {((1ull << 46) - TILE) | 15, (1ull << 46) | 15}},
		{64 * MiB - TILE,
		 32 * MiB,
		 {(64 * MiB - TILE) | 15, 64 * MiB | 24}},
		{64 * MiB - TILE, 64 * MiB, {0 | 26}},
		{64 * MiB, 33 * MiB, {64 * MiB | 25}},
		{0, 1ull << 47, {0 | 46}},
	};
	u32 id = create_vm();
	struct panthor_vm *vm = activate(id, 1);

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct event events[] = {
			{LOCK, 1, cases[i].locks[0]}, {FLUSH}, {UNLOCK, 1},
			{LOCK, 1, cases[i].locks[1]}, {FLUSH}, {UNLOCK, 1},
		};

		forget_events();
		assert_int_equal(
			bind(id, SPARSE, cases[i].start, cases[i].size), 0);
		assert_events(events, cases[i].locks[1] ? 6 : 3);
		assert_true(is_mapped(id, cases[i].start));
		assert_true(is_mapped(id, cases[i].start + cases[i].size - 1));
		assert_int_equal(bind(id, UNMAP, 0, 1ull << 47), 0);
		assert_false(is_mapped(id, cases[i].start));
	}
	panthor_host_vm_idle(vm);
}

/* Locking and expanding are two functions, and tell each other's misuse. */
static void test_lock_and_expand(void **state)
{
	u32 id = create_vm();
	struct panthor_vm *vm = activate(id, 1);

	mutex_lock(&vm->op_lock);
	forget_events();
	assert_int_equal(panthor_mmu_expand_locked_region(vm, 0, TILE),
			 -EINVAL);
	assert_int_equal(panthor_mmu_lock_region(vm, TILE, TILE), -EINVAL);
	assert_events(NULL, 0);

	assert_int_equal(panthor_mmu_lock_region(vm, TILE, 2 * TILE), 0);
	assert_events(&(struct event){LOCK, 1, TILE | 15}, 1);
	assert_int_equal(panthor_mmu_lock_region(vm, TILE, 2 * TILE), -EINVAL);
	assert_int_equal(panthor_mmu_expand_locked_region(vm, MiB, 2 * MiB),
			 -EINVAL);
	assert_int_equal(panthor_mmu_expand_locked_region(vm, TILE, 2 * TILE),
			 0);
	assert_events(NULL, 0);

	assert_int_equal(panthor_mmu_expand_locked_region(vm, TILE, 3 * TILE),
			 0);
	assert_events(&(struct event){LOCK, 1, 17}, 1);
	panthor_mmu_unlock_region(vm);
	assert_events((const struct event[]){{FLUSH}, {UNLOCK, 1}}, 2);
	mutex_unlock(&vm->op_lock);
	panthor_host_vm_idle(vm);
}

static struct panthor_vm *get_vm(u32 id)
{
	struct panthor_file *pfile = linux_file_drm(hw.file)->driver_priv;
	struct panthor_vm *vm = panthor_vm_pool_get_vm(pfile->vms, id);

	assert_non_null(vm);
	return vm;
}

/* A VM that gets its slot in the middle of an op is locked there, too. */
static void test_slot_in_mid_op(void **state)
{
	const struct event gained[] = {
		{FLUSH}, /* of the VM that had the slot */
		{UPDATE, 1},
		{LOCK, 1, TILE | 15},
	};
	struct panthor_vm *vm = get_vm(create_vm());

	/* Both slots are taken by others that are idle. */
	panthor_host_vm_idle(activate(create_vm(), 1));
	panthor_host_vm_idle(activate(create_vm(), 2));

	mutex_lock(&vm->op_lock);
	forget_events();
	assert_int_equal(panthor_mmu_lock_region(vm, TILE, 2 * TILE), 0);
	assert_events(NULL, 0);

	/* Nobody waits for the op. */
	assert_int_equal(panthor_vm_active(vm), 1);
	assert_events(gained, 3);
	panthor_mmu_unlock_region(vm);
	assert_events((const struct event[]){{FLUSH}, {UNLOCK, 1}}, 2);
	mutex_unlock(&vm->op_lock);
	panthor_vm_idle(vm);
	panthor_vm_put(vm);
}

/* ---------------------------------------------------------------- slots -- */

static void test_slots(void **state)
{
	u32 a = create_vm(), b = create_vm(), c = create_vm();
	struct panthor_vm *vm_a = activate(a, 1), *vm_b = activate(b, 2), *vm;

	activate(c, -EBUSY);
	activate(100, -EINVAL);

	/* It nests, and what is in use is never taken. */
	assert_ptr_equal(activate(a, 1), vm_a);
	panthor_host_vm_idle(vm_a);
	activate(c, -EBUSY);

	/* The one that was idle longest gives way. */
	panthor_host_vm_idle(vm_b);
	panthor_host_vm_idle(vm_a);
	vm = activate(c, 2);
	vm_b = activate(b, 1);
	activate(a, -EBUSY);
	panthor_host_vm_idle(vm);
	panthor_host_vm_idle(vm_b);

	/* A slot that was kept is as good as new. */
	forget_events();
	vm = activate(c, 2);
	assert_events(NULL, 0);

	/* A VM that goes frees its slot. */
	assert_int_equal(destroy_vm(b), 0);
	vm_a = activate(a, 1);
	panthor_host_vm_idle(vm_a);
	panthor_host_vm_idle(vm);
}

/* --------------------------------------------------------------- faults -- */

/* A fault ends translation until the VM is scheduled anew; its state stays. */
static void test_fault(void **state)
{
	u32 id = create_vm();
	struct panthor_vm *vm = activate(id, 1);
	struct mali_window *window;
	volatile u32 *words;

	words = mmap(NULL, 2 * TILE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	assert_true(words != MAP_FAILED);
	/* cmocka has a handler of its own. */
	mali_fault_handler_ensure();
	assert_int_equal(mali_window_create(hw.gpu, 1, 0, (void *)words,
					    2 * TILE, &window),
			 0);
	assert_int_equal(bind(id, NOEXEC, 0, TILE), 0);
	words[0] = 1;
	assert_true(panthor_vm_can_run_jobs(vm));

	words[TILE / 4] = 2;
	for (u32 i = 0; i < 5000 && panthor_vm_can_run_jobs(vm); i++)
		usleep(1000);
	assert_false(panthor_vm_can_run_jobs(vm));
	assert_int_equal(vm_state(id), DRM_PANTHOR_VM_STATE_USABLE);

	/* Ops go on, in memory. */
	forget_events();
	assert_int_equal(bind(id, NOEXEC, TILE, TILE), 0);
	assert_events(NULL, 0);
	assert_true(is_mapped(id, TILE));

	panthor_host_vm_idle(vm);
	vm = activate(id, 1);
	assert_true(panthor_vm_can_run_jobs(vm));
	assert_int_equal(words[0], 1);
	mali_window_destroy(window);
	munmap((void *)words, 2 * TILE);
	panthor_host_vm_idle(vm);
}

/* ----------------------------------------------- an MMU without answers -- */

/* Whatever LOCK gets no answer: its op is not executed, those before it are. */
static void test_lost_lock(void **state)
{
	struct drm_panthor_vm_bind_op ops[4];
	u32 id = create_vm(), failed;
	struct panthor_vm *vm = activate(id, 1);

	for (u32 n = 1; n <= 4; n++) {
		u32 resets = hw.resets;

		for (u32 i = 0; i < 4; i++)
			ops[i] = make_op(NOEXEC, 32 * MiB + i * 4 * TILE, TILE);
		hw.stuck = n;
		assert_int_equal(bind_ops(id, 0, ops, 4, &failed), -ETIMEDOUT);
		assert_int_equal(failed, n - 1);
		for (u32 i = 0; i < 4; i++)
			assert_int_equal(is_mapped(id, ops[i].va), i < n - 1);
		assert_int_equal(vm_state(id), DRM_PANTHOR_VM_STATE_USABLE);

		/* After the reset all is as it was, in the same slot. */
		wait_for_resets(resets + 1);
		forget_events();
		assert_int_equal(bind(id, NOEXEC, 64 * MiB, TILE), 0);
		assert_one_lock(64 * MiB | 15);
		assert_int_equal(bind(id, UNMAP, 0, 1ull << 47), 0);
	}
	panthor_host_vm_idle(vm);
}

/* An op that was cut is completed if only its second half cannot be locked. */
static void test_lost_lock_of_a_cut(void **state)
{
	u64 line = 1ull << 39;
	u32 id = create_vm();
	struct panthor_vm *vm = activate(id, 1);

	hw.stuck = 1;
	assert_int_equal(bind(id, SPARSE, line - TILE, 2 * TILE), -ETIMEDOUT);
	assert_false(is_mapped(id, line - TILE));
	assert_false(is_mapped(id, line));
	wait_for_resets(1);

	hw.stuck = 2;
	assert_int_equal(bind(id, SPARSE, line - TILE, 2 * TILE), 0);
	assert_true(is_mapped(id, line - TILE));
	assert_true(is_mapped(id, line));
	wait_for_resets(2);
	panthor_host_vm_idle(vm);
}

static u32 create_syncobj(void)
{
	struct drm_syncobj_create args = {};

	assert_int_equal(
		linux_sys_ioctl(hw.file, DRM_IOCTL_SYNCOBJ_CREATE, &args), 0);
	return args.handle;
}

static int wait_syncobj(u32 handle)
{
	struct drm_syncobj_wait args = {
		.handles = (u64)(uintptr_t)&handle,
		.count_handles = 1,
		.timeout_nsec = INT64_MAX,
	};

	return linux_sys_ioctl(hw.file, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

/* Asynchronously, such a failure makes the VM unusable: no more MAPs. */
static void test_unusable(void **state)
{
	struct drm_panthor_sync_op signal = {
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL,
		.handle = create_syncobj(),
	};
	u32 id = create_vm(), other = create_vm();
	struct panthor_vm *vm = activate(id, 1);
	struct drm_panthor_vm_bind_op ops[] = {
		make_op(NOEXEC, 0, TILE),
		make_op(NOEXEC, 16 * MiB, TILE),
		make_op(UNMAP, 0, TILE),
		make_op(DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY, 0, 0),
	};
	struct drm_panthor_vm_bind_op op;

	ops[3].syncs =
		(struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	hw.stuck = 2;
	assert_int_equal(bind_ops(id, DRM_PANTHOR_VM_BIND_ASYNC, ops, 4, NULL),
			 0);
	assert_int_equal(wait_syncobj(signal.handle), 0);
	assert_int_equal(vm_state(id), DRM_PANTHOR_VM_STATE_UNUSABLE);
	/* The UNMAP behind the failure was executed. */
	assert_false(is_mapped(id, 0));
	assert_false(is_mapped(id, 16 * MiB));
	assert_false(panthor_vm_can_run_jobs(vm));

	for (u32 flags = 0; flags <= DRM_PANTHOR_VM_BIND_ASYNC; flags++) {
		op = make_op(NOEXEC, 0, TILE);
		assert_int_equal(bind_ops(id, flags, &op, 1, NULL), -EINVAL);
		op = make_op(UNMAP, 0, TILE);
		assert_int_equal(bind_ops(id, flags, &op, 1, NULL), 0);
	}
	assert_int_equal(
		bind_ops(id, DRM_PANTHOR_VM_BIND_ASYNC, &ops[3], 1, NULL), 0);
	wait_for_resets(1);
	panthor_host_vm_idle(vm);
	activate(id, -EINVAL);

	/* Others are none the worse. */
	assert_int_equal(bind(other, NOEXEC, 0, TILE), 0);
	panthor_host_vm_idle(activate(other, 2));
}

/* --------------------------------------------------------------- queues -- */

struct gate {
	struct dma_fence base;
	spinlock_t lock;
};

static const char *gate_name(struct dma_fence *fence)
{
	return "gate";
}

/* Gives a syncobj a fence that signals when we say so. Holds a reference. */
static struct dma_fence *close_gate(u32 handle)
{
	static const struct dma_fence_ops ops = {
		.get_driver_name = gate_name,
		.get_timeline_name = gate_name,
	};
	struct drm_syncobj *syncobj =
		drm_syncobj_find(linux_file_drm(hw.file), handle);
	struct gate *gate = kzalloc(sizeof(*gate), GFP_KERNEL);

	assert_non_null(syncobj);
	assert_non_null(gate);
	spin_lock_init(&gate->lock);
	dma_fence_init(&gate->base, &ops, &gate->lock,
		       dma_fence_context_alloc(1), 1);
	drm_syncobj_replace_fence(syncobj, &gate->base);
	drm_syncobj_put(syncobj);
	return &gate->base;
}

static void open_gate(struct dma_fence *gate)
{
	dma_fence_signal(gate);
	dma_fence_put(gate);
}

/* Three jobs: one behind the gate, one without syncs, one that tells the end.
 */
static void queue_three(u32 vm_id, u32 gate, u32 end)
{
	struct drm_panthor_sync_op syncs[] = {
		{.flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = gate},
		{.flags = DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = end},
	};
	struct drm_panthor_vm_bind_op ops[] = {
		make_op(NOEXEC, 0, TILE),
		make_op(SPARSE, 32 * MiB, 1ull << 40),
		make_op(NOEXEC, 4 * TILE, TILE),
		make_op(UNMAP, 0, TILE),
	};

	ops[0].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(
		1, &syncs[0]);
	ops[3].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(
		1, &syncs[1]);
	assert_int_equal(
		bind_ops(vm_id, DRM_PANTHOR_VM_BIND_ASYNC, ops, 4, NULL), 0);
}

static u64 vmas(void)
{
	struct panthor_stats stats;

	panthor_host_get_stats(hw.ptdev, &stats);
	return stats.vmas;
}

/* Ops behind a fence wait; synchronous ones overtake them. */
static void test_gate(void **state)
{
	u32 id = create_vm(), gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);

	queue_three(id, gate, end);
	assert_false(is_mapped(id, 0));
	assert_false(is_mapped(id, 32 * MiB));
	assert_int_equal(bind(id, NOEXEC, 16 * MiB, TILE), 0);
	assert_true(is_mapped(id, 16 * MiB));
	assert_int_equal(bind(id, NOEXEC, 0, MiB), 0);

	open_gate(fence);
	assert_int_equal(wait_syncobj(end), 0);
	assert_false(is_mapped(id, 0));
	assert_true(is_mapped(id, TILE));
	assert_true(is_mapped(id, 32 * MiB + (1ull << 40) - 1));
	/* One new, one that split another in two, one that went, one older. */
	assert_int_equal(vmas(), 5);
}

/* What is queued when its VM goes does nothing, and leaks nothing. */
static void test_destroy_with_queued_ops(void **state)
{
	u32 id = create_vm(), gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);
	struct panthor_stats stats;

	queue_three(id, gate, end);
	assert_int_equal(bind(id, NOEXEC, 16 * MiB, TILE), 0);
	assert_int_equal(destroy_vm(id), 0);
	assert_int_equal(destroy_vm(id), -EINVAL);
	assert_int_equal(vmas(), 0);

	open_gate(fence);
	assert_int_equal(wait_syncobj(end), 0);
	/* The last reference goes with the queue, a moment later. */
	for (u32 i = 0; i < 5000; i++) {
		panthor_host_get_stats(hw.ptdev, &stats);
		if (!stats.pt_pages)
			break;
		usleep(1000);
	}
	assert_int_equal(stats.pt_pages, 0);
	assert_int_equal(stats.vmas, 0);
}

/* The same when the file goes. */
static void test_close_with_queued_ops(void **state)
{
	u32 id = create_vm(), gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);

	queue_three(id, gate, end);
	linux_sys_close(hw.file);
	hw.file = NULL;
	assert_int_equal(vmas(), 0);
	/* The queue's work may still be at it when the device goes. */
	open_gate(fence);
}

/* Jobs that become ready during a reset run after it. */
static void test_reset_with_queued_ops(void **state)
{
	u32 id = create_vm(), other = create_vm();
	u32 gate = create_syncobj(), end = create_syncobj();
	struct dma_fence *fence = close_gate(gate);
	struct panthor_vm *vm = activate(id, 1), *vm_other = activate(other, 2);

	queue_three(id, gate, end);
	hw.reset_gate = fence;
	hw.stuck = 1;
	assert_int_equal(bind(other, NOEXEC, 0, TILE), -ETIMEDOUT);
	wait_for_resets(1);
	assert_int_equal(wait_syncobj(end), 0);
	assert_int_equal(vm_state(id), DRM_PANTHOR_VM_STATE_USABLE);
	assert_true(is_mapped(id, 32 * MiB));
	dma_fence_put(fence);
	panthor_host_vm_idle(vm);
	panthor_host_vm_idle(vm_other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, boot, power_off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lock_of_an_op),
		TEST(batches),
		TEST(cut),
		TEST(lock_and_expand),
		TEST(slot_in_mid_op),
		TEST(slots),
		TEST(fault),
		TEST(lost_lock),
		TEST(lost_lock_of_a_cut),
		TEST(unusable),
		TEST(gate),
		TEST(destroy_with_queued_ops),
		TEST(close_with_queued_ops),
		TEST(reset_with_queued_ops),
	};

	return cmocka_run_group_tests_name("VMs", tests, NULL, NULL);
}
