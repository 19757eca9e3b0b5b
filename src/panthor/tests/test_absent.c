// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Eviction from VMs that are in use, on a GPU whose accesses wait for absent
 * memory: the virtual Mali, with that part of its registers played by the test.
 * And what queued ops and fences keep in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <drm-uapi/panthor_drm.h>

#include <linux/dma-fence.h>
#include <linux/slab.h>

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
#define DRAM_B (64ull << 20)
#define BO_B (4ull << 20)
#define VIRT_FEATURES 0xff8
#define ABSENT 0xf0

static struct {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	struct fw_fake fw;
	struct panthor_device *ptdev;
	struct linux_file *file;
	u32 vm_id, bo[2];

	/* An access that waits; all below under the lock. */
	pthread_mutex_t lock;
	bool waits;
	u64 va;
	u32 slot, mask, clears;
	u32 locks; /* LOCK commands */
} hw;

/* ----------------------------------------------------------- the machine -- */

static uint32_t played_status(void)
{
	return hw.waits ? 1u << hw.slot : 0;
}

static uint32_t mmio_read32(void *machine, uint32_t offset)
{
	uint32_t value;

	if (fw_fake_read(&hw.fw, offset, &value))
		return value;

	value = mali_gpu_read32(hw.gpu, offset);
	pthread_mutex_lock(&hw.lock);
	if (offset == VIRT_FEATURES)
		value = 1;
	else if (offset == MALI_MMU_INT_RAWSTAT)
		value |= played_status();
	else if (offset == MALI_MMU_INT_STAT)
		value |= played_status() & hw.mask;
	else if (hw.waits && offset == MALI_AS_FAULTSTATUS(hw.slot))
		value = ABSENT | 2 << 8;
	else if (hw.waits && offset == MALI_AS_FAULTADDRESS(hw.slot))
		value = (uint32_t)hw.va;
	else if (hw.waits && offset == MALI_AS_FAULTADDRESS(hw.slot) + 4)
		value = (uint32_t)(hw.va >> 32);
	pthread_mutex_unlock(&hw.lock);
	return value;
}

static void mmio_write32(void *machine, uint32_t offset, uint32_t value)
{
	bool raise = false;

	if (fw_fake_write(&hw.fw, offset, value))
		return;

	pthread_mutex_lock(&hw.lock);
	if (offset == MALI_MMU_INT_MASK) {
		raise = played_status() & value & ~hw.mask;
		hw.mask = value;
	} else if (offset == MALI_MMU_INT_CLEAR && (value & played_status())) {
		hw.waits = false;
		hw.clears++;
	} else if (offset >= MALI_AS(0) && offset < MALI_AS(32) &&
		   (offset - MALI_AS(0)) % 0x40 == 0x18 &&
		   value == MALI_AS_COMMAND_LOCK) {
		hw.locks++;
	}
	pthread_mutex_unlock(&hw.lock);

	mali_gpu_write32(hw.gpu, offset, value);
	if (raise)
		linux_raise_irq(MALI_IRQ_MMU);
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

static int ioctl_of(unsigned int cmd, void *arg)
{
	return linux_sys_ioctl(hw.file, cmd, arg);
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
		.swap_size_B = DRAM_B,
		.dma_mask = (1ull << 40) - 1,
		.dma_coherent = true,
		.irq_count = MALI_IRQ_COUNT,
		.firmware = firmware,
	};
	struct mali_gpu_config gpu_config = {
		.va_bits = 48,
		.pa_bits = 40,
		.as_present = 0x7,
		.coherent = true,
	};
	struct drm_panthor_vm_create vm = {};

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
	    ioctl_of(DRM_IOCTL_PANTHOR_VM_CREATE, &vm))
		return -1;
	hw.vm_id = vm.id;
	for (unsigned i = 0; i < 2; i++) {
		struct drm_panthor_bo_create bo = {.size = BO_B};

		if (ioctl_of(DRM_IOCTL_PANTHOR_BO_CREATE, &bo))
			return -1;
		hw.bo[i] = bo.handle;
	}
	return 0;
}

static int power_off(void **state)
{
	struct mali_dram_stats stats;
	int leaks;

	linux_sys_close(hw.file);
	panthor_remove(hw.ptdev);
	leaks = linux_shutdown();
	mali_gpu_destroy(hw.gpu);
	mali_dram_get_stats(hw.dram, &stats);
	mali_dram_destroy(hw.dram);
	return leaks || stats.allocated_B ? -1 : 0;
}

/* --------------------------------------------------------------- helpers -- */

static struct drm_panthor_vm_bind_op map_op(unsigned bo, u64 va)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = NOEXEC,
		.bo_handle = hw.bo[bo],
		.va = va,
		.size = BO_B,
	};
}

static int bind(u32 flags, const struct drm_panthor_vm_bind_op *op)
{
	struct drm_panthor_vm_bind args = {
		.vm_id = hw.vm_id,
		.flags = flags,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, op),
	};

	return ioctl_of(DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static void map_both(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct drm_panthor_vm_bind_op op = map_op(i, i * BO_B);

		assert_int_equal(bind(0, &op), 0);
	}
}

static struct pt_walk walk(u64 va)
{
	struct pt_walker walker = {
		.dram = mali_dram_base(hw.dram),
		.dram_size_B = DRAM_B,
		.va_bits = 48,
	};
	u64 root_pa;

	assert_int_equal(panthor_host_vm_root(linux_file_drm(hw.file), hw.vm_id,
					      &root_pa),
			 0);
	walker.root_pa = root_pa;
	return pt_walker_walk(&walker, va);
}

static struct panthor_vm *activate(void)
{
	struct panthor_vm *vm = NULL;

	hw.slot = panthor_host_vm_active(linux_file_drm(hw.file), hw.vm_id,
					 &vm);
	assert_int_equal(hw.slot, 1);
	return vm;
}

static u64 evictions(void)
{
	struct panthor_stats stats;

	panthor_host_get_stats(hw.ptdev, &stats);
	return stats.evictions;
}

/* An access meets an absent leaf; returns once it may go on. */
static void access_absent(u64 va)
{
	bool waits;

	pthread_mutex_lock(&hw.lock);
	hw.va = va;
	hw.waits = true;
	pthread_mutex_unlock(&hw.lock);
	linux_raise_irq(MALI_IRQ_MMU);

	do {
		usleep(1000);
		pthread_mutex_lock(&hw.lock);
		waits = hw.waits;
		pthread_mutex_unlock(&hw.lock);
	} while (waits);
}

/* ----------------------------------------------------------------- tests -- */

/* Also a VM in use is evicted, behind a region lock, and comes back BO by BO. */
static void test_fault(void **state)
{
	struct panthor_vm *vm = activate();
	u32 locks;

	map_both();
	locks = hw.locks;
	linux_reclaim(DRAM_B);
	assert_int_equal(evictions(), 2);
	/* One for each BO. */
	assert_int_equal(hw.locks - locks, 2);
	assert_true(walk(0).absent && walk(BO_B).absent);

	access_absent(BO_B + 5000);
	assert_int_equal(hw.clears, 1);
	assert_true(walk(BO_B + 5000).valid);
	assert_true(walk(0).absent);
	assert_true(panthor_vm_can_run_jobs(vm));

	/* The interrupt is listened to again. */
	access_absent(BO_B - 1);
	assert_true(walk(0).valid);

	/* Nobody needs to be brought back for what was unmapped meanwhile. */
	access_absent(1ull << 40);
	assert_int_equal(hw.clears, 3);
	assert_true(panthor_vm_can_run_jobs(vm));
	panthor_host_vm_idle(vm);
}

/* An access waits while there is no memory; a failure or two pass. */
static void test_fault_short_of_memory(void **state)
{
	struct panthor_vm *vm = activate();

	map_both();
	linux_reclaim(DRAM_B);
	linux_inject_failure(0);
	access_absent(0);
	linux_inject_failure(UINT64_MAX);
	assert_true(walk(0).valid);
	assert_true(panthor_vm_can_run_jobs(vm));
	panthor_host_vm_idle(vm);
}

struct dram_block {
	uint64_t pa, size_B;
};

/* All of the DRAM that is free. */
static unsigned take_dram(struct dram_block *blocks, unsigned max)
{
	unsigned count = 0;

	while (count < max && !mali_dram_alloc(hw.dram, DRAM_B,
					       &blocks[count].pa,
					       &blocks[count].size_B))
		count++;
	assert_true(count < max);
	return count;
}

/* Without memory to restore to, in the end it is a fault like any other. */
static void test_fault_without_memory(void **state)
{
	struct dram_block blocks[1024];
	struct panthor_vm *vm = activate();
	unsigned count;

	map_both();
	linux_reclaim(DRAM_B);
	count = take_dram(blocks, 1024);
	access_absent(0);
	while (count--)
		mali_dram_free(hw.dram, blocks[count].pa, blocks[count].size_B);
	assert_true(walk(0).absent);
	assert_false(panthor_vm_can_run_jobs(vm));

	/* The rest of the driver does not mind. */
	map_both();
	assert_true(walk(0).absent || walk(0).valid);
	panthor_host_vm_idle(vm);
}

struct gate {
	struct dma_fence base;
	spinlock_t lock;
};

static const char *gate_name(struct dma_fence *fence)
{
	return "gate";
}

/* A syncobj whose fence signals when we say so. */
static u32 close_gate(struct dma_fence **gate_out)
{
	static const struct dma_fence_ops ops = {
		.get_driver_name = gate_name,
		.get_timeline_name = gate_name,
	};
	struct drm_syncobj_create args = {};
	struct gate *gate = kzalloc(sizeof(*gate), GFP_KERNEL);
	struct drm_syncobj *syncobj;

	assert_int_equal(ioctl_of(DRM_IOCTL_SYNCOBJ_CREATE, &args), 0);
	syncobj = drm_syncobj_find(linux_file_drm(hw.file), args.handle);
	assert_non_null(gate);
	spin_lock_init(&gate->lock);
	dma_fence_init(&gate->base, &ops, &gate->lock,
		       dma_fence_context_alloc(1), 1);
	drm_syncobj_replace_fence(syncobj, &gate->base);
	drm_syncobj_put(syncobj);
	*gate_out = &gate->base;
	return args.handle;
}

/*
 * A queued op keeps its BO, and its fence all that its VM has mapped. When it
 * is done, everything may go.
 */
static void test_queued(void **state)
{
	struct drm_panthor_vm_bind_op first = map_op(0, 0);
	struct drm_panthor_vm_bind_op queued = map_op(1, BO_B);
	struct drm_panthor_sync_op wait = {.flags = DRM_PANTHOR_SYNC_OP_WAIT};
	struct dma_fence *gate;

	assert_int_equal(bind(0, &first), 0);
	wait.handle = close_gate(&gate);
	queued.syncs =
		(struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &wait);
	assert_int_equal(bind(DRM_PANTHOR_VM_BIND_ASYNC, &queued), 0);

	linux_reclaim(DRAM_B);
	assert_int_equal(evictions(), 0);
	assert_true(walk(0).valid);

	dma_fence_signal(gate);
	dma_fence_put(gate);
	while (!walk(BO_B).valid)
		usleep(1000);
	/* The op is carried out; it lets go of the VM a little later. */
	for (u32 i = 0; i < 10000 && evictions() < 2; i++) {
		linux_reclaim(DRAM_B);
		usleep(1000);
	}
	assert_int_equal(evictions(), 2);
	assert_true(walk(0).absent && walk(BO_B).absent);
}

/* What GROUP_SUBMIT does: all of it is back, and stays as long as the fence. */
static void test_restore_all(void **state)
{
	struct panthor_vm *vm = activate();

	map_both();
	linux_reclaim(DRAM_B);
	assert_true(walk(0).absent && walk(BO_B).absent);
	assert_int_equal(panthor_vm_restore_all(vm), 0);
	assert_true(walk(0).valid && walk(BO_B).valid);
	/* With nothing to do. */
	assert_int_equal(panthor_vm_restore_all(vm), 0);
	panthor_host_vm_idle(vm);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, boot, power_off)
	const struct CMUnitTest tests[] = {
		TEST(test_fault),
		TEST(test_fault_short_of_memory),
		TEST(test_fault_without_memory),
		TEST(test_queued),
		TEST(test_restore_all),
	};

	return cmocka_run_group_tests_name("panthor-absent", tests, NULL, NULL);
}
