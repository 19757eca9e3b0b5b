/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The driver on hardware that misbehaves: slow and lost cache flushes, resets
 * that help and resets that do not, and a probe without a GPU. The hardware is
 * the virtual Mali behind register accessors that interfere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "drm-uapi/panthor_drm.h"
#include "fw_fake.h"
#include "linux_machine.h"
#include "mali.h"
#include "mali_regs.h"
#include "panthor_host.h"

#define DRAM_B (64ull << 20)
#define BLOCK_B (2ull << 20)

enum mood {
	FINE,
	SLOW,	/* flushes begin late */
	LOST,	/* flushes never end; a reset helps */
	DEAD,	/* neither do resets */
	ABSENT, /* nothing answers */
};

static struct {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	struct fw_fake fw;
	struct panthor_device *ptdev;
	struct linux_file *file;

	_Atomic enum mood mood;
	atomic_uint flushes, resets, slow_threads, interrupts;
	struct panthor_vm *vm;
	uint32_t vm_id, bo;
} hw;

static void *late_flush(void *data)
{
	usleep(3000);
	mali_gpu_write32(hw.gpu, MALI_GPU_CMD, (uint32_t)(uintptr_t)data);
	atomic_fetch_sub(&hw.slow_threads, 1);
	return NULL;
}

static uint32_t mmio_read32(void *machine, uint32_t offset)
{
	uint32_t value;

	if (atomic_load(&hw.mood) == ABSENT)
		return 0;
	if (fw_fake_read(&hw.fw, offset, &value))
		return value;

	return mali_gpu_read32(hw.gpu, offset);
}

static void write_command(uint32_t value)
{
	enum mood mood = atomic_load(&hw.mood);
	pthread_t thread;

	if ((value & 0xff) == MALI_GPU_CMD_FLUSH_CACHES) {
		atomic_fetch_add(&hw.flushes, 1);
		if (mood == LOST || mood == DEAD)
			return;
		if (mood == SLOW) {
			atomic_fetch_add(&hw.slow_threads, 1);
			if (!pthread_create(&thread, NULL, late_flush,
					    (void *)(uintptr_t)value))
				pthread_detach(thread);
			return;
		}
	}

	if (value == MALI_GPU_CMD_SOFT_RESET) {
		atomic_fetch_add(&hw.resets, 1);
		if (mood == DEAD)
			return;
		atomic_store(&hw.mood, FINE);
	}

	mali_gpu_write32(hw.gpu, MALI_GPU_CMD, value);
}

static void mmio_write32(void *machine, uint32_t offset, uint32_t value)
{
	if (fw_fake_write(&hw.fw, offset, value))
		return;
	if (offset == MALI_GPU_CMD)
		write_command(value);
	else
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
	if (line == MALI_IRQ_GPU)
		atomic_fetch_add(&hw.interrupts, 1);
	linux_raise_irq(line);
}

static const struct linux_machine_ops ops = {
	.mmio_read32 = mmio_read32,
	.mmio_write32 = mmio_write32,
	.ram_alloc = ram_alloc,
	.ram_free = ram_free,
};

/* ----------------------------------------------------------- the machine -- */

static int boot(void **state)
{
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
		.as_present = 0xff,
		.coherent = true,
	};

	memset(&hw, 0, sizeof(hw));
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
	return linux_boot(&desc);
}

static int power_off(void **state)
{
	struct mali_dram_stats stats;
	int leaks = linux_shutdown();

	mali_gpu_destroy(hw.gpu);
	mali_dram_get_stats(hw.dram, &stats);
	mali_dram_destroy(hw.dram);
	return leaks || stats.allocated_B ? -1 : 0;
}

/* A file with a VM that is scheduled, so that binds in it reach the hardware.
 */
static void start(void)
{
	struct drm_panthor_vm_create vm = {};
	struct drm_panthor_bo_create bo = {.size = BLOCK_B};

	assert_int_equal(panthor_probe(PANTHOR_UAPI_1_9, &hw.ptdev), 0);
	assert_int_equal(linux_sys_open(&hw.file), 0);
	assert_int_equal(
		linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_CREATE, &vm), 0);
	assert_int_equal(
		linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_BO_CREATE, &bo), 0);
	hw.vm_id = vm.id;
	hw.bo = bo.handle;
	assert_true(panthor_host_vm_active(linux_file_drm(hw.file), vm.id,
					   &hw.vm) >= 0);
	atomic_store(&hw.resets, 0);
}

static void stop(void)
{
	panthor_host_vm_idle(hw.vm);
	linux_sys_close(hw.file);
	panthor_remove(hw.ptdev);
}

static int bind(uint32_t flags, uint64_t va)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle =
			flags & DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP ? 0 : hw.bo,
		.va = va,
		.size = BLOCK_B,
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = hw.vm_id,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	return linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

/* Waits, for seconds at most, until @value is at least @wanted. */
static void wait_until(atomic_uint *value, unsigned int wanted)
{
	for (int i = 0; i < 5000 && atomic_load(value) < wanted; i++)
		usleep(1000);

	assert_true(atomic_load(value) >= wanted);
}

/* ----------------------------------------------------------------- tests -- */

/* The usual flush is over before anybody could sleep: no interrupt is taken. */
static void test_fast_flush(void **state)
{
	start();
	atomic_store(&hw.interrupts, 0);
	atomic_store(&hw.flushes, 0);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(bind(0, i * BLOCK_B), 0);

	assert_true(atomic_load(&hw.flushes) >= 16);
	assert_int_equal(atomic_load(&hw.interrupts), 0);
	stop();
}

/* One that takes its time is waited for with an interrupt. */
static void test_slow_flush(void **state)
{
	start();
	atomic_store(&hw.mood, SLOW);
	atomic_store(&hw.interrupts, 0);
	/* On a busy host, polling alone can take long enough now and then. */
	for (uint64_t i = 0; i < 100 && !atomic_load(&hw.interrupts); i++)
		assert_int_equal(bind(0, i * BLOCK_B), 0);

	assert_true(atomic_load(&hw.interrupts) >= 1);
	assert_int_equal(atomic_load(&hw.resets), 0);
	atomic_store(&hw.mood, FINE);
	stop();

	while (atomic_load(&hw.slow_threads))
		usleep(1000);
}

/* One that never ends brings a reset, after which all is well. */
static void test_lost_flush(void **state)
{
	start();
	assert_int_equal(bind(0, 0), 0);

	atomic_store(&hw.mood, LOST);
	bind(0, BLOCK_B); /* what it returns is the VM half's business */
	wait_until(&hw.resets, 1);

	/* The VM gets its slot back, maybe not by the first of these ops, and
	 * flushes work. Each op changes something: what does not, flushes
	 * nothing. */
	for (int i = 0; i < 5000; i++) {
		atomic_store(&hw.flushes, 0);
		assert_int_equal(
			bind(i & 1 ? 0 : DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, 0),
			0);
		if (atomic_load(&hw.flushes))
			break;
		usleep(1000);
	}
	assert_true(atomic_load(&hw.flushes) >= 1);
	stop();
}

/* A GPU that does not come back is unplugged. */
static void test_dead_gpu(void **state)
{
	struct drm_panthor_vm_create vm = {};
	struct linux_file *file;
	int ret = 0;

	start();
	atomic_store(&hw.mood, DEAD);
	bind(0, 0);
	wait_until(&hw.resets, 1);

	for (int i = 0; i < 5000 && ret != -ENODEV; i++) {
		usleep(1000);
		ret = linux_sys_ioctl(hw.file, DRM_IOCTL_PANTHOR_VM_CREATE,
				      &vm);
	}
	assert_int_equal(ret, -ENODEV);
	assert_int_equal(bind(0, 0), -ENODEV);
	assert_true(linux_sys_open(&file) < 0);
	stop();
}

static void test_probe_fails(void **state)
{
	struct panthor_device *ptdev;

	atomic_store(&hw.mood, ABSENT);
	assert_int_equal(panthor_probe(PANTHOR_UAPI_1_9, &ptdev), -ENODEV);
	atomic_store(&hw.mood, DEAD);
	assert_int_equal(panthor_probe(PANTHOR_UAPI_1_9, &ptdev), -ETIMEDOUT);

	/* Nothing is in the way of another try. */
	atomic_store(&hw.mood, FINE);
	assert_int_equal(panthor_probe(PANTHOR_UAPI_1_9, &ptdev), 0);
	panthor_remove(ptdev);
}

/* Whichever allocation fails, the probe does, and leaves nothing behind. */
static void test_probe_without_memory(void **state)
{
	struct panthor_device *ptdev;
	uint64_t n, passed;
	int ret;

	for (n = 0;; n++) {
		linux_inject_failure(n);
		ret = panthor_probe(PANTHOR_UAPI_1_9, &ptdev);
		passed = linux_inject_failure(UINT64_MAX);
		if (!ret)
			panthor_remove(ptdev);
		if (passed <= n)
			break;
		if (ret && ret != -ENOMEM)
			fail_msg("step %llu: %d", (unsigned long long)n, ret);
	}

	assert_int_equal(ret, 0);
	assert_true(n > 3);
}

#define DEVICE_TEST(f) cmocka_unit_test_setup_teardown(f, boot, power_off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(test_fast_flush),
		DEVICE_TEST(test_slow_flush),
		DEVICE_TEST(test_lost_flush),
		DEVICE_TEST(test_dead_gpu),
		DEVICE_TEST(test_probe_fails),
		DEVICE_TEST(test_probe_without_memory),
	};

	return cmocka_run_group_tests_name("panthor-device", tests, NULL, NULL);
}
