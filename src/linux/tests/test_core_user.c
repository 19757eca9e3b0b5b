// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Copies to and from user memory with good, bad and half-bad addresses. Run a
 * second time with LINUX_UACCESS_PIPE=1 for the way without process_vm_readv().
 */
#include "core_machine.h"

#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Two pages, of which the second is not there. */
static char *half_bad(int prot)
{
	char *p = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	memset(p, 'u', PAGE_SIZE);
	munmap(p + PAGE_SIZE, PAGE_SIZE);
	mprotect(p, PAGE_SIZE, prot);
	return p;
}

static void *const bad_pointers[] = {
	NULL,
	(void *)8,
	(void *)0x0000700000000000ul,
	(void *)0x8000000000000000ul, /* no user address */
	(void *)0xffffffffffffffffull,
};

static void test_good(void **state)
{
	char from[10000], to[10000];
	union {
		u64 all;
		u16 low; /* little-endian */
	} user = {5};
	u16 small = 0;

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (char)(i * 7);
	memset(to, 0, sizeof(to));
	assert_int_equal(copy_from_user(to, from, sizeof(to)), 0);
	assert_memory_equal(to, from, sizeof(to));
	memset(to, 0, sizeof(to));
	assert_int_equal(copy_to_user(to + 1, from, sizeof(to) - 1), 0);
	assert_memory_equal(to + 1, from, sizeof(to) - 1);
	assert_int_equal(copy_from_user(to, from, 0), 0);
	assert_int_equal(clear_user(to, sizeof(to)), 0);
	assert_int_equal(check_zeroed_user(to, sizeof(to)), 1);
	to[9999] = 1;
	assert_int_equal(check_zeroed_user(to, sizeof(to)), 0);

	assert_int_equal(put_user(9, &user.all), 0);
	assert_int_equal(user.all, 9);
	user.all = 0x123456789ull;
	assert_int_equal(get_user(small, &user.low), 0);
	assert_int_equal(small, 0x6789);
}

static void test_bad(void **state)
{
	char buf[64];
	u32 value = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad_pointers); i++) {
		void *bad = bad_pointers[i];
		char *s;

		memset(buf, 'k', sizeof(buf));
		assert_int_equal(copy_from_user(buf, bad, 64), 64);
		/* Nothing of the kernel's stays in there. */
		assert_null(memchr_inv(buf, 0, 64));
		assert_int_equal(copy_to_user(bad, buf, 64), 64);
		assert_int_equal(clear_user(bad, 64), 64);
		assert_int_equal(get_user(value, (u32 *)bad), -EFAULT);
		assert_int_equal(put_user(value, (u32 *)bad), -EFAULT);
		assert_int_equal(check_zeroed_user(bad, 64), -EFAULT);
		assert_int_equal(copy_struct_from_user(buf, 8, bad, 8),
				 -EFAULT);
		assert_int_equal(strnlen_user(bad, 10), 0);
		assert_int_equal(strncpy_from_user(buf, bad, 10), -EFAULT);
		s = strndup_user(bad, 10);
		assert_int_equal(PTR_ERR(s), -EFAULT);
		assert_int_equal(PTR_ERR(memdup_user(bad, 10)), -EFAULT);
	}
}

static void test_half_bad(void **state)
{
	char *p = half_bad(PROT_READ | PROT_WRITE);
	char *end = p + PAGE_SIZE, *s;
	char buf[200];

	memset(buf, 'k', sizeof(buf));
	assert_int_equal(copy_from_user(buf, end - 50, 200), 150);
	for (int i = 0; i < 200; i++)
		assert_int_equal(buf[i], i < 50 ? 'u' : 0);
	memset(buf, 'k', sizeof(buf));
	assert_int_equal(copy_to_user(end - 50, buf, 200), 150);
	assert_int_equal(end[-50], 'k');
	assert_int_equal(clear_user(end - 20, 200), 180);
	assert_int_equal(end[-20], 0);

	/* A string may end with the page, whatever comes behind. */
	strcpy(end - 4, "abc");
	s = strndup_user(end - 4, 100);
	assert_string_equal(s, "abc");
	kfree(s);
	assert_int_equal(strnlen_user(end - 4, 100), 4);
	assert_int_equal(strncpy_from_user(buf, end - 4, 100), 3);
	memcpy(end - 4, "abcd", 4);
	assert_int_equal(PTR_ERR(strndup_user(end - 4, 100)), -EFAULT);
	assert_int_equal(PTR_ERR(strndup_user(end - 4, 3)), -EINVAL);
	assert_int_equal(strncpy_from_user(buf, end - 4, 4), 4);
	munmap(p, PAGE_SIZE);

	p = half_bad(PROT_READ);
	assert_int_equal(copy_from_user(buf, p, 10), 0);
	assert_int_equal(copy_to_user(p, buf, 10), 10);
	munmap(p, PAGE_SIZE);
	p = half_bad(PROT_NONE);
	assert_int_equal(copy_from_user(buf, p, 10), 10);
	munmap(p, PAGE_SIZE);
}

struct copies {
	int count;
	bool to_user;
	const void *user;
	char bytes[200];
	size_t size;
};

static void note_copy(void *data, bool to_user, const void *user,
		      const void *bytes, size_t size)
{
	struct copies *copies = data;

	copies->count++;
	copies->to_user = to_user;
	copies->user = user;
	copies->size = size;
	memcpy(copies->bytes, bytes, size);
}

/* What was copied, and no more. */
static void test_observed(void **state)
{
	char *p = half_bad(PROT_READ | PROT_WRITE);
	char *end = p + PAGE_SIZE;
	struct copies copies = {};
	char buf[200] = "text";

	linux_observe_copies(note_copy, &copies);
	assert_int_equal(copy_to_user(p, buf, 5), 0);
	assert_int_equal(copies.count, 1);
	assert_true(copies.to_user && copies.user == p && copies.size == 5);
	assert_string_equal(copies.bytes, "text");
	assert_int_equal(copy_from_user(buf, end - 50, 200), 150);
	assert_int_equal(copies.count, 2);
	assert_true(!copies.to_user && copies.user == end - 50);
	assert_int_equal(copies.size, 50);
	linux_observe_copies(NULL, NULL);
	assert_int_equal(copy_to_user(p, buf, 5), 0);
	assert_int_equal(copies.count, 2);
	munmap(p, PAGE_SIZE);
}

static void test_struct(void **state)
{
	u8 user[16], kernel[16];

	memset(user, 1, sizeof(user));
	/* The user knows less: the rest is zero. */
	memset(kernel, 0xff, sizeof(kernel));
	assert_int_equal(copy_struct_from_user(kernel, 16, user, 10), 0);
	assert_int_equal(kernel[9], 1);
	assert_int_equal(kernel[10], 0);
	assert_int_equal(kernel[15], 0);
	/* The user knows more: it must be zero. */
	assert_int_equal(copy_struct_from_user(kernel, 8, user, 16), -E2BIG);
	memset(user + 8, 0, 8);
	assert_int_equal(copy_struct_from_user(kernel, 8, user, 16), 0);
}

static void test_atomic_context(void **state)
{
	DEFINE_SPINLOCK(lock);
	char buf[4];

	spin_lock(&lock);
	catch_begin();
	assert_int_equal(copy_from_user(buf, "abc", 4), 0);
	assert_non_null(strstr(caught(1), "sleeping while atomic"));
	spin_unlock(&lock);
}

/* errno is the program's, and not ours to change. */
static void test_errno_is_kept(void **state)
{
	char buf[4];

	errno = 77;
	assert_int_equal(copy_from_user(buf, NULL, 4), 4);
	assert_int_equal(copy_from_user(buf, (void *)4096, 4), 4);
	assert_int_equal(errno, 77);
}

static void test_capable(void **state)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long effective = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "CapEff: %llx", &effective);
	fclose(f);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		assert_int_equal(capable(cap), (effective >> cap) & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_half_bad),
		cmocka_unit_test(test_observed),
		cmocka_unit_test(test_struct),
		cmocka_unit_test(test_atomic_context),
		cmocka_unit_test(test_errno_is_kept),
		cmocka_unit_test(test_capable),
	};

	return cmocka_run_group_tests(tests, machine_setup, machine_teardown);
}
