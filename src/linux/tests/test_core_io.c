// SPDX-License-Identifier: MIT OR GPL-2.0
/* Registers, polling, clocks. */
#include "core_machine.h"

#include <linux/delay.h>
#include <linux/firmware.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <errno.h>
#include <string.h>

static char *regs;
static struct device *dev;

static int io_probe(struct platform_device *pdev)
{
	struct resource *res;
	void __iomem *base =
		devm_platform_get_and_ioremap_resource(pdev, 0, &res);

	if (IS_ERR(base))
		return PTR_ERR(base);
	regs = base;
	dev = &pdev->dev;
	assert_true(resource_size(res) >= 0x80000);
	assert_int_equal(PTR_ERR(devm_platform_ioremap_resource(pdev, 1)),
			 -EINVAL);
	assert_int_equal(platform_get_irq_byname(pdev, "job"), 0);
	assert_int_equal(platform_get_irq_byname(pdev, "mmu"), 1);
	assert_int_equal(platform_get_irq_byname(pdev, "gpu"), 2);
	assert_int_equal(platform_get_irq_byname(pdev, "cpu"), -ENXIO);
	assert_int_equal(platform_get_irq(pdev, 3), -ENXIO);
	return 0;
}

static const struct of_device_id io_matches[] = {
	{.compatible = "arm,mali-valhall-csf"},
	{},
};

static struct platform_driver io_driver = {
	.probe = io_probe,
	.driver = {.name = "io-test", .of_match_table = io_matches},
};

static int setup(void **state)
{
	machine_setup(state);
	return platform_driver_register(&io_driver);
}

static int teardown(void **state)
{
	platform_driver_unregister(&io_driver);
	return machine_teardown(state);
}

static void test_registers(void **state)
{
	writel(0x12345678, regs + DEV_SCRATCH);
	assert_int_equal(readl(regs + DEV_SCRATCH), 0x12345678);
	writeq(0x1122334455667788ull, regs + DEV_SCRATCH + 8);
	assert_int_equal(readl_relaxed(regs + DEV_SCRATCH + 8), 0x55667788);
	assert_int_equal(readl_relaxed(regs + DEV_SCRATCH + 12), 0x11223344);
	assert_true(readq(regs + DEV_SCRATCH + 8) == 0x1122334455667788ull);

	catch_begin();
	assert_int_equal(readl(regs - 4), 0xffffffff);
	writel(1, regs + 0x200000);
	assert_int_equal(readl(regs + 2), 0xffffffff);
	caught(3);
}

static void test_poll_at_once(void **state)
{
	u32 first = readl(regs + DEV_COUNTER), val;
	u64 start = ktime_get_ns();

	/* True already: one read, and no sleep of a second. */
	assert_int_equal(readl_poll_timeout(regs + DEV_COUNTER, val,
					    val == first + 1, 1000000, 2000000),
			 0);
	assert_int_equal(val, first + 1);
	assert_true(ktime_get_ns() - start < 500000000);
}

static void test_poll_until_true(void **state)
{
	u32 first = readl(regs + DEV_COUNTER), val;

	assert_int_equal(readl_relaxed_poll_timeout(regs + DEV_COUNTER, val,
						    val >= first + 5, 10,
						    10000000),
			 0);
	assert_int_equal(val, first + 5);
	assert_int_equal(
		readl_relaxed_poll_timeout_atomic(
			regs + DEV_COUNTER, val, val >= first + 9, 1, 10000000),
		0);
	/* Without end. */
	assert_int_equal(readl_poll_timeout(regs + DEV_COUNTER, val,
					    val >= first + 99, 0, 0),
			 0);
}

static u32 slow_read(int *calls)
{
	(*calls)++;
	msleep(30);
	return 0;
}

static void test_poll_timeout(void **state)
{
	DEFINE_SPINLOCK(lock);
	u64 start = ktime_get_ns();
	int calls = 0;
	u32 val;

	assert_int_equal(readl_poll_timeout(regs + DEV_SCRATCH, val,
					    val == 0xdead, 100, 20000),
			 -ETIMEDOUT);
	assert_true(ktime_get_ns() - start >= 20000000);
	/* Once more after the time, in case the thread was held up. */
	assert_int_equal(
		read_poll_timeout(slow_read, val, val, 0, 10000, false, &calls),
		-ETIMEDOUT);
	assert_int_equal(calls, 2);

	/* The atomic form may be used in atomic sections, the other not. */
	spin_lock(&lock);
	assert_int_equal(readl_poll_timeout_atomic(regs + DEV_SCRATCH, val,
						   val == 0xdead, 1, 200),
			 -ETIMEDOUT);
	catch_begin();
	assert_int_equal(readl_poll_timeout(regs + DEV_SCRATCH, val,
					    val != 0xdead, 1, 200),
			 0);
	caught(1);
	spin_unlock(&lock);
}

static void test_time(void **state)
{
	struct timespec64 ts;
	u64 start = ktime_get_ns();
	unsigned long j = jiffies;

	udelay(2000);
	assert_true(ktime_get_ns() - start >= 2000000);
	usleep_range(3000, 4000);
	assert_true(ktime_get_ns() - start >= 5000000);
	msleep(10);
	assert_true(time_after(jiffies, j));
	assert_true(time_before_eq(j + 14, jiffies));

	assert_int_equal(msecs_to_jiffies(1500), HZ * 3 / 2);
	assert_int_equal(usecs_to_jiffies(1), 1);
	assert_true(msecs_to_jiffies(-1) == MAX_JIFFY_OFFSET);
	assert_int_equal(nsecs_to_jiffies(1999999), HZ / 1000);
	assert_int_equal(jiffies_to_msecs(HZ), 1000);
	assert_true(time_after(5ul, ~0ul));
	ts = ktime_to_timespec64(-1);
	assert_int_equal(ts.tv_sec, -1);
	assert_int_equal(ts.tv_nsec, 999999999);
	assert_true(ktime_set(KTIME_MAX, 0) == KTIME_MAX);
	assert_int_equal(ktime_to_us(ktime_add_us(0, 7)), 7);
	ktime_get_raw_ts64(&ts);
	assert_true(ktime_get_raw_ns() >= (u64)ts.tv_sec * NSEC_PER_SEC);
	assert_true(ktime_get_boottime_ns() > 0);
}

static void test_firmware(void **state)
{
	const struct firmware *fw;

	assert_int_equal(request_firmware(&fw, DEV_FIRMWARE, dev), 0);
	assert_int_equal(fw->size, sizeof(DEV_FIRMWARE_DATA));
	assert_memory_equal(fw->data, DEV_FIRMWARE_DATA, fw->size);
	release_firmware(fw);

	assert_int_equal(request_firmware(&fw, "other", dev), -ENOENT);
	assert_null(fw);
	assert_int_equal(request_firmware(&fw, "", dev), -EINVAL);
	release_firmware(fw);

	linux_inject_failure(0);
	assert_int_equal(request_firmware(&fw, DEV_FIRMWARE, dev), -ENOMEM);
	linux_inject_failure(UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_poll_at_once),
		cmocka_unit_test(test_poll_until_true),
		cmocka_unit_test(test_poll_timeout),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_firmware),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
