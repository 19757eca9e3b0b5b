// SPDX-License-Identifier: MIT OR GPL-2.0
/* Files that a driver offers in debugfs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drm_fixture.h"

static void test_read(void **state)
{
	char expected[32], *text, *at;
	size_t size;

	assert_int_equal(linux_debugfs_read("lines", &text, &size), 0);
	assert_int_equal(size, strlen(text));
	at = text;
	for (int i = 0; i < FIXTURE_DEBUGFS_LINES; i++) {
		int length = snprintf(expected, sizeof(expected), "line %d\n",
				      i);

		assert_memory_equal(at, expected, length);
		at += length;
	}
	assert_string_equal(at, "end.");
	free(text);

	assert_int_equal(linux_debugfs_read("nothing", &text, &size), 0);
	assert_int_equal(size, 0);
	assert_string_equal(text, "");
	free(text);
}

static void test_errors(void **state)
{
	char *text;
	size_t size;

	assert_int_equal(linux_debugfs_read("error", &text, &size), -EIO);
	assert_int_equal(linux_debugfs_read("line", &text, &size), -ENOENT);
	/* The device does not have what that one is about. */
	assert_int_equal(linux_debugfs_read("displays", &text, &size), -ENOENT);
}

static int read_step(void *arg)
{
	char *text;
	size_t size;
	int ret = linux_debugfs_read("lines", &text, &size);

	if (!ret)
		free(text);
	return ret;
}

static void test_failures(void **state)
{
	fixture_fail_each(read_step, NULL, 100);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_read),
		TEST(test_errors),
		TEST(test_failures),
	};

	return cmocka_run_group_tests_name("drm debugfs", tests, NULL, NULL);
}
