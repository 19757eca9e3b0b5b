// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Interrupts of a device whose line stays active as long as a status bit is
 * set and not masked.
 */
#include "core_machine.h"

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

static char *regs;
static struct platform_device *device;

static int irq_probe(struct platform_device *pdev)
{
	device = pdev;
	regs = devm_platform_ioremap_resource(pdev, 0);
	return PTR_ERR_OR_ZERO(regs);
}

static const struct of_device_id irq_matches[] = {
	{.compatible = "arm,mali-valhall-csf"},
	{},
};

static struct platform_driver irq_driver = {
	.probe = irq_probe,
	.driver = {.name = "irq-test", .of_match_table = irq_matches},
};

static int setup(void **state)
{
	machine_setup(state);
	return platform_driver_register(&irq_driver);
}

static int teardown(void **state)
{
	platform_driver_unregister(&irq_driver);
	return machine_teardown(state);
}

static void wait_until(atomic_t *counter, int value)
{
	for (int i = 0; atomic_read(counter) < value; i++) {
		CHECK(i < 10000);
		msleep(1);
	}
}

static atomic_t hard_calls, thread_calls, bits_seen;

static void reset(u32 mask)
{
	atomic_set(&hard_calls, 0);
	atomic_set(&thread_calls, 0);
	atomic_set(&bits_seen, 0);
	writel(~0u, regs + DEV_CLEAR);
	writel(mask, regs + DEV_MASK);
}

/* Takes one bit at a time: the line stays active, and must call again. */
static irqreturn_t one_bit(int irq, void *data)
{
	u32 status = readl(regs + DEV_STATUS);

	CHECK(irq == DEV_IRQ && data == &hard_calls);
	CHECK(in_hardirq() && irqs_disabled());
	if (!status)
		return IRQ_NONE;
	atomic_inc(&hard_calls);
	writel(1u << __builtin_ctz(status), regs + DEV_CLEAR);
	atomic_inc(&bits_seen);
	return IRQ_HANDLED;
}

static void test_level_triggered(void **state)
{
	reset(~0u);
	/* Active before anybody listens. */
	writel(0x7, regs + DEV_STATUS);
	assert_int_equal(request_irq(DEV_IRQ, one_bit, 0, "test", &hard_calls),
			 0);
	wait_until(&bits_seen, 3);
	writel(0x30, regs + DEV_STATUS);
	wait_until(&bits_seen, 5);
	assert_string_equal(free_irq(DEV_IRQ, &hard_calls), "test");
	assert_int_equal(atomic_read(&hard_calls), 5);
	/* Nobody listens any more. */
	writel(1, regs + DEV_STATUS);
	msleep(5);
	assert_int_equal(atomic_read(&hard_calls), 5);
}

/* The way of Panthor: mask, wake; handle, unmask. */
static irqreturn_t mask_and_wake(int irq, void *data)
{
	if (!readl(regs + DEV_STATUS))
		return IRQ_NONE;
	atomic_inc(&hard_calls);
	writel(0, regs + DEV_MASK);
	return IRQ_WAKE_THREAD;
}

static DEFINE_MUTEX(thread_mutex);
static unsigned int thread_sleep_ms;

static irqreturn_t handle_and_unmask(int irq, void *data)
{
	u32 mask = ~0u;

	CHECK(!in_hardirq());
	/* Threads may sleep. */
	mutex_lock(&thread_mutex);
	msleep(READ_ONCE(thread_sleep_ms));
	writel(mask, regs + DEV_MASK);
	for (u32 status; (status = readl(regs + DEV_STATUS));) {
		atomic_add(__builtin_popcount(status), &bits_seen);
		writel(status, regs + DEV_CLEAR);
	}
	atomic_inc(&thread_calls);
	mutex_unlock(&thread_mutex);
	return IRQ_HANDLED;
}

static void test_threaded(void **state)
{
	int calls, done;

	reset(~0u);
	assert_int_equal(devm_request_threaded_irq(
				 &device->dev, DEV_IRQ, mask_and_wake,
				 handle_and_unmask, IRQF_SHARED, "thr", device),
			 0);
	for (int i = 0; i < 500; i++) {
		writel(1u << (i % 32), regs + DEV_STATUS);
		wait_until(&bits_seen, i + 1);
	}
	assert_true(atomic_read(&hard_calls) >= 1);
	synchronize_irq(DEV_IRQ);

	/* Nothing runs while it is disabled; nothing is lost. */
	disable_irq(DEV_IRQ);
	writel(2, regs + DEV_STATUS);
	msleep(5);
	assert_int_equal(atomic_read(&bits_seen), 500);
	disable_irq(DEV_IRQ);
	enable_irq(DEV_IRQ);
	msleep(5);
	assert_int_equal(atomic_read(&bits_seen), 500);
	enable_irq(DEV_IRQ);
	wait_until(&bits_seen, 501);
	catch_begin();
	enable_irq(DEV_IRQ);
	assert_non_null(strstr(caught(1), "once too often"));

	/* disable_irq() waits for the thread. */
	synchronize_irq(DEV_IRQ);
	WRITE_ONCE(thread_sleep_ms, 10);
	calls = atomic_read(&hard_calls);
	done = atomic_read(&thread_calls);
	writel(4, regs + DEV_STATUS);
	wait_until(&hard_calls, calls + 1);
	disable_irq(DEV_IRQ);
	assert_int_equal(atomic_read(&thread_calls), done + 1);
	assert_int_equal(atomic_read(&bits_seen), 502);
	WRITE_ONCE(thread_sleep_ms, 0);
	enable_irq(DEV_IRQ);

	/* Released with the driver: see teardown of this test. */
	platform_driver_unregister(&irq_driver);
	assert_int_equal(platform_driver_register(&irq_driver), 0);
}

/* One thread waits for what another line's interrupt brings. */
static DECLARE_COMPLETION(other_line);

static irqreturn_t wait_for_other(int irq, void *data)
{
	CHECK(wait_for_completion_timeout(&other_line, 10 * HZ));
	atomic_inc(&thread_calls);
	return IRQ_HANDLED;
}

static irqreturn_t wake_once(int irq, void *data)
{
	return atomic_fetch_inc(&hard_calls) == 1 ? IRQ_WAKE_THREAD : IRQ_NONE;
}

static irqreturn_t complete_other(int irq, void *data)
{
	if (!readl(regs + DEV_STATUS))
		return IRQ_NONE;
	writel(~0u, regs + DEV_CLEAR);
	complete(&other_line);
	return IRQ_HANDLED;
}

static void test_lines_are_independent(void **state)
{
	reset(~0u);
	assert_int_equal(request_threaded_irq(1, wake_once, wait_for_other, 0,
					      "waiter", regs),
			 0);
	wait_until(&hard_calls, 1);
	assert_int_equal(request_irq(DEV_IRQ, complete_other, 0, "other", regs),
			 0);
	linux_raise_irq(1);
	wait_until(&hard_calls, 2);
	writel(1, regs + DEV_STATUS);
	wait_until(&thread_calls, 1);
	free_irq(1, regs);
	free_irq(DEV_IRQ, regs);
}

/* Masked by the core from the interrupt to the end of its thread. */
static irqreturn_t wake_if_active(int irq, void *data)
{
	if (!readl(regs + DEV_STATUS))
		return IRQ_NONE;
	atomic_inc(&hard_calls);
	return IRQ_WAKE_THREAD;
}

static irqreturn_t oneshot_thread(int irq, void *data)
{
	u32 status = readl(regs + DEV_STATUS);
	int calls = atomic_read(&hard_calls);

	CHECK(status);
	/* Active all the time, and yet no interrupt. */
	msleep(2);
	CHECK(atomic_read(&hard_calls) == calls);
	writel(1u << __builtin_ctz(status), regs + DEV_CLEAR);
	atomic_inc(&bits_seen);
	return IRQ_HANDLED;
}

static void test_oneshot(void **state)
{
	reset(~0u);
	assert_int_equal(request_threaded_irq(DEV_IRQ, NULL, oneshot_thread, 0,
					      "x", regs),
			 -EINVAL);
	assert_int_equal(request_threaded_irq(DEV_IRQ, wake_if_active,
					      oneshot_thread, IRQF_ONESHOT,
					      "one", regs),
			 0);
	writel(0xf, regs + DEV_STATUS);
	wait_until(&bits_seen, 4);
	synchronize_irq(DEV_IRQ);
	assert_int_equal(atomic_read(&hard_calls), 4);
	/* Freed while its thread has something to do: that is done first. */
	writel(0x1, regs + DEV_STATUS);
	wait_until(&hard_calls, 5);
	free_irq(DEV_IRQ, regs);
	assert_int_equal(atomic_read(&bits_seen), 5);
}

static irqreturn_t not_mine(int irq, void *data)
{
	atomic_inc(&thread_calls);
	return IRQ_NONE;
}

static void test_sharing(void **state)
{
	int a, b;

	reset(~0u);
	assert_int_equal(request_irq(DEV_IRQ, not_mine, IRQF_SHARED, "a", &a),
			 0);
	assert_int_equal(request_irq(DEV_IRQ, not_mine, 0, "b", &b), -EBUSY);
	assert_int_equal(
		request_irq(DEV_IRQ, one_bit, IRQF_SHARED, "c", &hard_calls),
		0);
	assert_int_equal(request_irq(DEV_IRQ, not_mine, IRQF_SHARED, "d", NULL),
			 -EINVAL);
	assert_int_equal(request_irq(3, not_mine, 0, "e", &b), -EINVAL);
	writel(3, regs + DEV_STATUS);
	wait_until(&bits_seen, 2);
	free_irq(DEV_IRQ, &a);
	catch_begin();
	assert_null(free_irq(DEV_IRQ, &a));
	caught(1);
	free_irq(DEV_IRQ, &hard_calls);
	assert_true(atomic_read(&thread_calls) >= 2);
}

static DEFINE_SPINLOCK(shared_lock);

static irqreturn_t bad_handler(int irq, void *data)
{
	if (!readl(regs + DEV_STATUS))
		return IRQ_NONE;
	writel(~0u, regs + DEV_CLEAR);
	spin_lock(&shared_lock);
	spin_unlock(&shared_lock);
	might_sleep();
	atomic_inc(&bits_seen);
	return IRQ_HANDLED;
}

static void test_misuse(void **state)
{
	const char *text;

	reset(~0u);
	/* On a board the interrupt could hit right here, and hang. */
	spin_lock(&shared_lock);
	spin_unlock(&shared_lock);
	catch_begin();
	assert_int_equal(request_irq(DEV_IRQ, bad_handler, 0, "bad", regs), 0);
	writel(1, regs + DEV_STATUS);
	wait_until(&bits_seen, 1);
	free_irq(DEV_IRQ, regs);
	text = caught(2);
	assert_non_null(strstr(text, "elsewhere with interrupts enabled"));
	assert_non_null(strstr(text, "in an interrupt handler"));
}

static void test_left_behind(void **state)
{
	platform_driver_unregister(&irq_driver);
	machine_teardown(NULL);
	machine_boot(false);
	assert_int_equal(
		request_threaded_irq(1, not_mine, not_mine, 0, "left", regs),
		0);
	catch_begin();
	machine_shutdown(1);
	assert_non_null(strstr(caught(0), "leak: interrupt 1 of left"));
	setup(NULL);
}

/* Raised in a signal handler, as a missing translation is. */
static void on_signal(int sig)
{
	int saved = errno;

	linux_raise_irq(1);
	CHECK(errno == saved);
}

static irqreturn_t count_handler(int irq, void *data)
{
	sigset_t set;

	/* Our threads leave the program's signals to its own threads. */
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	CHECK(sigismember(&set, SIGUSR1) && sigismember(&set, SIGINT));
	CHECK(!sigismember(&set, SIGSEGV) && !sigismember(&set, SIGBUS));
	atomic_inc(&hard_calls);
	return IRQ_NONE;
}

static void test_raise_in_signal(void **state)
{
	reset(0);
	signal(SIGUSR1, on_signal);
	assert_int_equal(request_irq(1, count_handler, 0, "sig", regs), 0);
	wait_until(&hard_calls, 1);
	for (int i = 0; i < 20; i++) {
		raise(SIGUSR1);
		wait_until(&hard_calls, i + 2);
	}
	free_irq(1, regs);
	signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_triggered),
		cmocka_unit_test(test_threaded),
		cmocka_unit_test(test_lines_are_independent),
		cmocka_unit_test(test_oneshot),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_raise_in_signal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
