// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The driver and its firmware: boot, what the driver tells firmware and what it
 * believes of what firmware tells, firmware that fails to boot or falls silent,
 * and memory in the firmware's address space. The firmware is fw_fake.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/err.h>
#include <linux/sizes.h>

#include <drm-uapi/panthor_drm.h>

#include "fw_machine.h"
#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_kernel_bo.h"
#include "panthor_regs.h"

/* ------------------------------------------------------------------ boot -- */

static void test_boot(void **state)
{
	struct drm_panthor_csif_info info = {};
	struct drm_panthor_dev_query query = {
		.type = DRM_PANTHOR_DEV_QUERY_CSIF_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};
	struct linux_file *file;

	assert_int_equal(probe(), 0);
	assert_int_equal(hw.fw.boots, 1);
	assert_true(hw.fw.was_clean);

	assert_int_equal(linux_sys_open(&file), 0);
	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_PANTHOR_DEV_QUERY, &query), 0);
	assert_int_equal(info.csg_slot_count, FW_FAKE_GROUPS);
	assert_int_equal(info.cs_slot_count, FW_FAKE_STREAMS);
	assert_int_equal(info.cs_reg_count, 96);
	assert_int_equal(info.scoreboard_slot_count, 8);
	assert_int_equal(info.unpreserved_cs_reg_count, 4);
	linux_sys_close(file);

	panthor_remove(hw.ptdev);
	assert_int_equal(hw.fw.status, 0);
	assert_int_equal(hw.fw.mask, 0);
}

/* What firmware is told before anything may run. */
static void test_configuration(void **state)
{
	const uint32_t *input;

	assert_int_equal(probe(), 0);
	input = fw_fake_word(&hw.fw, FW_FAKE_SHARED + FW_FAKE_GLB_INPUT);
	assert_non_null(input);
	/* Timers, the allocation of cores; counters and idle events on. */
	assert_int_equal(input[0], 0x48e);
	/* These, a ping and being idle interrupt. */
	assert_int_equal(input[1], 0x0400058e);
	assert_int_equal(input[4], 2500u << 10);
	assert_int_equal(input[5] & 0x7fffffff, 9766); /* 10 ms at 1 GHz */
	assert_int_equal(input[6], 0x50005);
	assert_int_equal(input[32] & 0x7fffffff, 782); /* 0.8 ms */
	panthor_remove(hw.ptdev);
}

static void test_no_file(void **state)
{
	hw.image = NULL;
	assert_int_equal(probe(), -ENOENT);

	hw.image = "not an image, but long enough for its header";
	hw.image_size_B = 44;
	assert_int_equal(probe(), -EINVAL);
	assert_int_equal(hw.fw.boots, 0);
}

static void test_does_not_boot(void **state)
{
	const enum fw_fake_mood moods[] = {FW_NO_BOOT, FW_FATAL, FW_DEAF};

	for (u32 i = 0; i < ARRAY_SIZE(moods); i++) {
		hw.fw.mood = moods[i];
		assert_int_equal(probe(), -ETIMEDOUT);
		assert_int_equal(hw.fw.status, 0);
		assert_int_equal(hw.fw.mask, 0);
	}

	hw.fw.mood = FW_FINE;
	assert_int_equal(probe(), 0);
	panthor_remove(hw.ptdev);
}

/* -------------------------------------------------------------- the lies -- */

static const struct lie {
	const char *what;
	u32 offset; /* in the shared section */
	u32 value;
	int ret;
} lies[] = {
	{"nothing but the truth", UINT32_MAX, 0, 0},
	{"no version", 0x0, 0, -EINVAL},
	{"another version", 0x0, 0x03070001, 0},
	{"input before the section", 0x8, 0x03fffff8, -EINVAL},
	{"input at 0", 0x8, 0, -EINVAL},
	{"input behind the section", 0x8, 0x04010000, -EINVAL},
	{"input that does not fit", 0x8, 0x0400ff80, -EINVAL},
	{"input that just fits", 0x8, 0x0400ff78, -ETIMEDOUT},
	{"input at the end of all addresses", 0x8, 0xfffffff8, -EINVAL},
	{"input at an odd address", 0x8, 0x04008004, -EINVAL},
	{"output behind the section", 0xc, 0x04010000, -EINVAL},
	{"no groups", 0x10, 0, -EINVAL},
	{"32 groups", 0x10, 32, -EINVAL},
	{"billions of groups", 0x10, 0xffffffff, -EINVAL},
	{"a group more than there is", 0x10, FW_FAKE_GROUPS + 1, -EINVAL},
	{"a group less", 0x10, FW_FAKE_GROUPS - 1, 0},
	{"groups far apart", 0x14, 0x8000, -EINVAL},
	{"groups very far apart", 0x14, 0xfffff000, -EINVAL},
	{"groups at odd addresses", 0x14, 0x202, -EINVAL},

	{"a group's input elsewhere", FW_FAKE_GROUP(1) + 0x4, 0x08000000,
	 -EINVAL},
	{"a group's output elsewhere", FW_FAKE_GROUP(2) + 0x8, 0x00800000,
	 -EINVAL},
	{"another suspend buffer", FW_FAKE_GROUP(1) + 0xc, 0x2000, -EINVAL},
	{"another protected one", FW_FAKE_GROUP(2) + 0x10, 0x2000, -EINVAL},
	{"no streams", FW_FAKE_GROUP(0) + 0x14, 0, -EINVAL},
	{"33 streams", FW_FAKE_GROUP(0) + 0x14, 33, -EINVAL},
	{"more streams in one group", FW_FAKE_GROUP(1) + 0x14, 3, -EINVAL},
	{"fewer streams in one group", FW_FAKE_GROUP(1) + 0x14, 1, -EINVAL},
	{"streams far apart", FW_FAKE_GROUP(0) + 0x18, 0x7fffffff, -EINVAL},

	{"no registers", FW_FAKE_STREAM(0, 0), 3, -EINVAL},
	{"other registers", FW_FAKE_STREAM(1, 1), 63, -EINVAL},
	{"a stream's input elsewhere", FW_FAKE_STREAM(2, 1) + 4, 0x0400fff8,
	 -EINVAL},
	{"a stream's output elsewhere", FW_FAKE_STREAM(0, 1) + 8, 4, -EINVAL},
};

static void test_lies(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(lies); i++) {
		int ret;

		hw.fw.spoil_offset = lies[i].offset;
		hw.fw.spoil_value = lies[i].value;
		ret = probe();
		if (ret != lies[i].ret)
			fail_msg("%s: %d", lies[i].what, ret);
		if (!ret)
			panthor_remove(hw.ptdev);
	}
}

/* -------------------------------------------------------------- watchdog -- */

/* Firmware that answers is left alone. */
static void test_ping(void **state)
{
	panthor_fw_ping_ms = 5;
	assert_int_equal(probe(), 0);
	hw.resets = 0;
	wait_until(&hw.fw.pings, 5);
	assert_int_equal(hw.resets, 0);
	assert_int_equal(hw.fw.boots, 1);
	panthor_remove(hw.ptdev);
}

/* Firmware that falls silent is booted again, from its file, and goes on. */
static void test_silence(void **state)
{
	struct panthor_fw_csg_iface *csg;
	u32 pings;

	panthor_fw_ping_ms = 5;
	assert_int_equal(probe(), 0);
	csg = panthor_fw_get_csg_iface(hw.ptdev, 1);
	hw.resets = 0;
	wait_until(&hw.fw.pings, 1);

	hw.fw.mood = FW_DEAF_ONCE;
	wait_until(&hw.fw.boots, 2);
	assert_int_equal(hw.resets, 1);
	assert_true(hw.fw.was_clean);
	pings = hw.fw.pings;
	wait_until(&hw.fw.pings, pings + 2);
	assert_ptr_equal(csg, panthor_fw_get_csg_iface(hw.ptdev, 1));
	panthor_remove(hw.ptdev);
}

/* Where patience is asked for, firmware may be slow. */
static void test_patience(void **state)
{
	u32 pings;

	panthor_fw_ping_ms = 5;
	panthor_fw_patience = 30;
	assert_int_equal(probe(), 0);
	hw.resets = 0;
	wait_until(&hw.fw.pings, 1);

	hw.fw.mood = FW_DEAF;
	usleep(1300000);
	pings = hw.fw.pings;
	hw.fw.mood = FW_FINE;
	fw_fake_write(&hw.fw, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	wait_until(&hw.fw.pings, pings + 3);
	assert_int_equal(hw.resets, 0);
	assert_int_equal(hw.fw.boots, 1);
	panthor_remove(hw.ptdev);
}

static int unplugged(void)
{
	struct linux_file *file;
	int ret = linux_sys_open(&file);

	if (!ret)
		linux_sys_close(file);
	return ret;
}

/* What comes back is not what was there: then there is nothing to go on with.
 */
static void test_changed_by_reset(void **state)
{
	static const struct {
		u32 offset, value;
		enum fw_fake_mood mood;
	} cases[] = {
		{0x10, FW_FAKE_GROUPS - 1, FW_DEAF_ONCE},
		{0x8, FW_FAKE_SHARED + 0x9000, FW_DEAF_ONCE},
		{UINT32_MAX, 0, FW_NO_BOOT},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		hw.fw.mood = FW_FINE;
		hw.fw.spoil_offset = UINT32_MAX;
		assert_int_equal(probe(), 0);

		hw.fw.spoil_offset = cases[i].offset;
		hw.fw.spoil_value = cases[i].value;
		hw.fw.mood = cases[i].mood;
		panthor_device_schedule_reset(hw.ptdev);
		for (int ms = 0; ms < 10000 && !unplugged(); ms++)
			usleep(1000);
		assert_true(unplugged() < 0);
		panthor_remove(hw.ptdev);
	}
}

/* A fault of firmware's own brings a reset, and its space comes back. */
static void test_fault(void **state)
{
	assert_int_equal(probe(), 0);
	hw.resets = 0;
	hw.mmu_fault = true;
	linux_raise_irq(MALI_IRQ_MMU);
	wait_until(&hw.fw.boots, 2);
	assert_int_equal(hw.resets, 1);
	panthor_remove(hw.ptdev);
}

/* ---------------------------------------------------------------- memory -- */

static void test_memory(void **state)
{
	const struct panthor_fw_ringbuf_output_iface *output;
	struct panthor_fw_ringbuf_input_iface *input;
	struct panthor_kernel_bo *queue, *suspend;
	u32 input_va, output_va, *word;

	assert_int_equal(probe(), 0);
	queue = panthor_fw_alloc_queue_iface_mem(hw.ptdev, &input, &output,
						 &input_va, &output_va);
	assert_false(IS_ERR(queue));
	suspend = panthor_fw_alloc_suspend_buf_mem(hw.ptdev, 0x1801);
	assert_false(IS_ERR(suspend));
	assert_int_equal(suspend->size, 0x2000);

	/* Behind the shared section, in reach of firmware. */
	assert_true(input_va >= FW_FAKE_SHARED + FW_FAKE_SHARED_SIZE);
	assert_true(suspend->va >= FW_FAKE_SHARED + FW_FAKE_SHARED_SIZE &&
		    suspend->va + suspend->size <= 0x08000000);

	/* Both sides see the same. */
	input->insert = 0x123456789abcull;
	word = fw_fake_word(&hw.fw, input_va);
	assert_non_null(word);
	assert_int_equal(word[0], 0x56789abc);
	assert_int_equal(word[1], 0x1234);
	word = fw_fake_word(&hw.fw, output_va);
	assert_non_null(word);
	word[2] = 7;
	assert_int_equal(output->active, 7);

	panthor_kernel_bo_destroy(queue);
	assert_null(fw_fake_word(&hw.fw, input_va));
	panthor_kernel_bo_destroy(suspend);
	panthor_remove(hw.ptdev);
}

/* It survives a reset, mapped and with what is in it. */
static void test_memory_and_reset(void **state)
{
	const struct panthor_fw_ringbuf_output_iface *output;
	struct panthor_fw_ringbuf_input_iface *input;
	struct panthor_kernel_bo *queue;
	u32 input_va, output_va;

	assert_int_equal(probe(), 0);
	queue = panthor_fw_alloc_queue_iface_mem(hw.ptdev, &input, &output,
						 &input_va, &output_va);
	assert_false(IS_ERR(queue));
	input->insert = 42;
	panthor_device_schedule_reset(hw.ptdev);
	wait_until(&hw.fw.boots, 2);
	assert_int_equal(*fw_fake_word(&hw.fw, input_va), 42);
	panthor_kernel_bo_destroy(queue);
	panthor_remove(hw.ptdev);
}

/* Firmware's 4 GiB end some day; what was given out can be given back. */
static void test_memory_runs_out(void **state)
{
	static struct panthor_kernel_bo *kbos[64];
	u32 count = 0;

	assert_int_equal(probe(), 0);
	while (count < ARRAY_SIZE(kbos)) {
		/* DRAM gives half of it, in this mode. */
		kbos[count] = panthor_fw_alloc_suspend_buf_mem(hw.ptdev, SZ_2M);
		if (IS_ERR(kbos[count]))
			break;
		count++;
	}
	assert_in_range(count, 8, 63);
	assert_int_equal(PTR_ERR(kbos[count]), -ENOMEM);
	while (count--)
		panthor_kernel_bo_destroy(kbos[count]);
	panthor_remove(hw.ptdev);
}

/* Processes see the counter itself, also across a reset. */
static void test_flush_id_page(void **state)
{
	volatile u32 *page;
	struct linux_file *file;
	u32 id = 5;

	assert_int_equal(probe(), 0);
	assert_int_equal(linux_sys_open(&file), 0);
	assert_int_equal(linux_sys_mmap(file, NULL, SZ_4K, PROT_READ,
					MAP_SHARED,
					DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET,
					(void **)&page),
			 0);
	assert_int_equal(*page, 0);
	assert_int_equal(pwrite(hw.user_page_fd, &id, 4, 0), 4);
	assert_int_equal(*page, 5);

	panthor_device_schedule_reset(hw.ptdev);
	wait_until(&hw.fw.boots, 2);
	id = 6;
	assert_int_equal(pwrite(hw.user_page_fd, &id, 4, 0), 4);
	assert_int_equal(*page, 6);
	assert_int_equal(linux_sys_munmap((void *)page, SZ_4K), 0);

	/* A machine that cannot show it. */
	hw.no_user_page = true;
	assert_int_equal(linux_sys_mmap(file, NULL, SZ_4K, PROT_READ,
					MAP_SHARED,
					DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET,
					(void **)&page),
			 -ENXIO);
	linux_sys_close(file);
	panthor_remove(hw.ptdev);
}

/* Whichever step of a probe fails, nothing is left behind. */
static void test_probe_without_memory(void **state)
{
	uint64_t n, passed;
	int ret;

	for (n = 0;; n++) {
		linux_inject_failure(n);
		ret = probe();
		passed = linux_inject_failure(UINT64_MAX);
		if (!ret)
			panthor_remove(hw.ptdev);
		if (passed <= n)
			break;
		if (ret && ret != -ENOMEM)
			fail_msg("step %llu: %d", (unsigned long long)n, ret);
	}

	assert_int_equal(ret, 0);
	assert_true(n > 30);
}

#define FW_TEST(f)                                                             \
	cmocka_unit_test_setup_teardown(f, machine_boot, machine_shutdown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FW_TEST(test_boot),
		FW_TEST(test_configuration),
		FW_TEST(test_no_file),
		FW_TEST(test_does_not_boot),
		FW_TEST(test_lies),
		FW_TEST(test_ping),
		FW_TEST(test_silence),
		FW_TEST(test_patience),
		FW_TEST(test_changed_by_reset),
		FW_TEST(test_fault),
		FW_TEST(test_memory),
		FW_TEST(test_memory_and_reset),
		FW_TEST(test_memory_runs_out),
		FW_TEST(test_flush_id_page),
		FW_TEST(test_probe_without_memory),
	};

	return cmocka_run_group_tests_name("panthor-fw", tests, NULL, NULL);
}
