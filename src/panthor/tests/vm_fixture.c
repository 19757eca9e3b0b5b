// SPDX-License-Identifier: MIT OR GPL-2.0
#include "vm_fixture.h"

#include <unistd.h>

#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "mali_regs.h"
#include "pt_walker.h"

/* -------------------------------------------------------------- machine -- */

struct vm_hw vm_hw;

static void record(enum vm_event_type type, u32 slot, u64 lockaddr)
{
	pthread_mutex_lock(&vm_hw.lock);
	if (vm_hw.event_count < 256)
		vm_hw.events[vm_hw.event_count++] = (struct vm_event){
			.type = type,
			.slot = slot,
			.lockaddr = lockaddr,
		};
	pthread_mutex_unlock(&vm_hw.lock);
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

/* The interrupt looks first, and then its thread, which acts on it. */
static void mmu_status_was_read(void)
{
	if (vm_hw.fault_seen && ++vm_hw.fault_reads == 2)
		vm_hw.fault_seen();
}

static uint32_t mmio_read32(void *machine, uint32_t offset)
{
	uint32_t value;

	if (fw_fake_read(&vm_hw.fw, offset, &value))
		return value;
	if (is_as_register(offset, 0x28) && vm_hw.no_answer)
		return 1;
	value = mali_gpu_read32(vm_hw.gpu, offset);
	if (offset == MALI_MMU_INT_STAT && value)
		mmu_status_was_read();
	return value;
}

static void mmio_write32(void *machine, uint32_t offset, uint32_t value)
{
	u32 slot = slot_of(offset);

	if (fw_fake_write(&vm_hw.fw, offset, value))
		return;
	if (is_as_register(offset, 0x10)) {
		vm_hw.lockaddr[slot] = value;
	} else if (is_as_register(offset, 0x14)) {
		vm_hw.lockaddr[slot] |= (u64)value << 32;
	} else if (is_as_register(offset, 0x18)) {
		if (value == MALI_AS_COMMAND_LOCK && vm_hw.stuck &&
		    !--vm_hw.stuck) {
			vm_hw.no_answer = true;
			return;
		}
		record(value == MALI_AS_COMMAND_UPDATE ? UPDATE
		       : value == MALI_AS_COMMAND_LOCK ? LOCK
						       : UNLOCK,
		       slot, vm_hw.lockaddr[slot]);
	} else if (offset == MALI_GPU_CMD) {
		if ((value & 0xff) == MALI_GPU_CMD_FLUSH_CACHES)
			record(FLUSH, 0, 0);
		if (value == MALI_GPU_CMD_SOFT_RESET) {
			vm_hw.no_answer = false;
			if (vm_hw.reset_gate)
				dma_fence_signal(vm_hw.reset_gate);
			vm_hw.resets++;
		}
	}
	mali_gpu_write32(vm_hw.gpu, offset, value);
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
	return mali_dram_alloc(vm_hw.dram, want_B, pa_out, got_B_out);
}

static void ram_free(void *machine, uint64_t pa, uint64_t size_B)
{
	mali_dram_free(vm_hw.dram, pa, size_B);
}

static void raise_irq(void *data, enum mali_irq line)
{
	linux_raise_irq(line);
}

int vm_boot(void **state)
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

	memset(&vm_hw, 0, sizeof(vm_hw));
	pthread_mutex_init(&vm_hw.lock, NULL);
	if (mali_dram_create(&dram_config, &vm_hw.dram))
		return -1;
	gpu_config.dram = vm_hw.dram;
	if (mali_gpu_create(&gpu_config, &vm_hw.gpu))
		return -1;
	vm_hw.fw.dram = vm_hw.dram;
	vm_hw.fw.gpu = vm_hw.gpu;
	vm_hw.fw.spoil_offset = UINT32_MAX;
	mali_gpu_set_irq_handler(vm_hw.gpu, raise_irq, NULL);
	desc.ram_base = mali_dram_base(vm_hw.dram);
	desc.ram_fd = mali_dram_fd(vm_hw.dram);
	if (linux_boot(&desc) ||
	    panthor_probe(PANTHOR_UAPI_1_9, &vm_hw.ptdev) ||
	    linux_sys_open(&vm_hw.file) ||
	    linux_sys_ioctl(vm_hw.file, DRM_IOCTL_PANTHOR_BO_CREATE, &bo))
		return -1;
	vm_hw.bo = bo.handle;
	vm_hw.resets = 0;
	return 0;
}

int vm_power_off(void **state)
{
	struct mali_dram_stats stats;
	int leaks;

	if (vm_hw.file)
		linux_sys_close(vm_hw.file);
	panthor_remove(vm_hw.ptdev);
	leaks = linux_shutdown();
	mali_gpu_destroy(vm_hw.gpu);
	mali_dram_get_stats(vm_hw.dram, &stats);
	mali_dram_destroy(vm_hw.dram);
	return leaks || stats.allocated_B ? -1 : 0;
}

/* -------------------------------------------------------------- helpers -- */

u32 vm_create(void)
{
	struct drm_panthor_vm_create args = {};

	assert_int_equal(
		linux_sys_ioctl(vm_hw.file, DRM_IOCTL_PANTHOR_VM_CREATE, &args),
		0);
	return args.id;
}

int vm_destroy(u32 id)
{
	struct drm_panthor_vm_destroy args = {.id = id};

	return linux_sys_ioctl(vm_hw.file, DRM_IOCTL_PANTHOR_VM_DESTROY, &args);
}

u32 vm_get_state(u32 id)
{
	struct drm_panthor_vm_get_state args = {.vm_id = id};

	assert_int_equal(linux_sys_ioctl(vm_hw.file,
					 DRM_IOCTL_PANTHOR_VM_GET_STATE, &args),
			 0);
	return args.state;
}

struct panthor_vm *vm_activate(u32 id, int slot)
{
	struct panthor_vm *vm = NULL;

	assert_int_equal(
		panthor_host_vm_active(linux_file_drm(vm_hw.file), id, &vm),
		slot);
	return vm;
}

struct drm_panthor_vm_bind_op vm_make_op(u32 flags, u64 va, u64 size)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = flags,
		.bo_handle = flags & NO_BO ? 0 : vm_hw.bo,
		.va = va,
		.size = size,
	};
}

int vm_bind_ops(u32 vm_id, u32 flags, struct drm_panthor_vm_bind_op *ops,
		u32 count, u32 *failed_out)
{
	struct drm_panthor_vm_bind args = {
		.vm_id = vm_id,
		.flags = flags,
		.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
	};
	int ret = linux_sys_ioctl(vm_hw.file, DRM_IOCTL_PANTHOR_VM_BIND, &args);

	if (failed_out)
		*failed_out = args.ops.count;
	return ret;
}

int vm_bind(u32 vm_id, u32 flags, u64 va, u64 size)
{
	struct drm_panthor_vm_bind_op op = vm_make_op(flags, va, size);

	return vm_bind_ops(vm_id, 0, &op, 1, NULL);
}

bool vm_is_mapped(u32 vm_id, u64 va)
{
	struct pt_walker walker = {
		.dram = mali_dram_base(vm_hw.dram),
		.dram_size_B = DRAM_B,
		.va_bits = 48,
	};
	u64 root_pa;

	assert_int_equal(panthor_host_vm_root(linux_file_drm(vm_hw.file), vm_id,
					      &root_pa),
			 0);
	walker.root_pa = root_pa;
	return pt_walker_walk(&walker, va).valid;
}

void vm_forget_events(void)
{
	pthread_mutex_lock(&vm_hw.lock);
	vm_hw.event_count = 0;
	pthread_mutex_unlock(&vm_hw.lock);
}

void vm_assert_events(const struct vm_event *events, u32 count)
{
	static struct vm_event got[ARRAY_SIZE(vm_hw.events)];
	u32 got_count;

	pthread_mutex_lock(&vm_hw.lock);
	memcpy(got, vm_hw.events, sizeof(got));
	got_count = vm_hw.event_count;
	vm_hw.event_count = 0;
	pthread_mutex_unlock(&vm_hw.lock);

	for (u32 i = 0; i < min(count, got_count); i++) {
		assert_int_equal(got[i].type, events[i].type);
		if (events[i].type != FLUSH)
			assert_int_equal(got[i].slot, events[i].slot);
		if (events[i].type == LOCK)
			assert_int_equal(got[i].lockaddr, events[i].lockaddr);
	}
	assert_int_equal(got_count, count);
}

void vm_assert_one_lock(u64 lockaddr)
{
	const struct vm_event events[] = {
		{LOCK, 1, lockaddr},
		{FLUSH},
		{UNLOCK, 1},
	};

	vm_assert_events(events, 3);
}

void vm_wait_for_resets(u32 count)
{
	for (u32 i = 0; i < 10000 && vm_hw.resets < count; i++)
		usleep(1000);
	assert_true(vm_hw.resets >= count);
	/* The registers show its first half alone. */
	flush_work(&vm_hw.ptdev->reset.work);
}
