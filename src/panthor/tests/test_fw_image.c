// SPDX-License-Identifier: MIT OR GPL-2.0
/* Firmware images, whole and damaged: what is accepted, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "panthor_fw_image.h"

/* An image as it may come from a vendor: all sizes in bytes. */
struct entry {
	u32 header, flags, va_start, va_end, data_start, data_end;
};

struct test_image {
	u32 magic;
	u8 minor, major;
	u16 padding0;
	u32 version_hash, padding1, size;
	struct entry code, shared;
	u32 build_info[3];
	u32 text[4];
};

#define ENTRY_HEADER(type, size_B) ((type) | (size_B) << 8)
#define OPTIONAL (1u << 31)
#define HEADERS_B offsetof(struct test_image, text)

static const struct test_image good = {
	.magic = 0xc3f13a6e,
	.minor = 3,
	.size = HEADERS_B,
	.code = {ENTRY_HEADER(0, 24), 0x0000000d, 0x00800000, 0x00802000,
		 HEADERS_B, HEADERS_B + 16},
	.shared = {ENTRY_HEADER(0, 24), 0xc0000013, 0x04000000, 0x04080000,
		   HEADERS_B, HEADERS_B},
	.build_info = {ENTRY_HEADER(6, 12), 0, 0},
	.text = {1, 2, 3, 4},
};

static int parse(const struct test_image *image, size_t size_B,
		 struct panthor_fw_image *parsed)
{
	/* Exactly as long as it says, and nowhere aligned, for ASan. */
	u8 *copy = malloc(size_B + 1);
	int ret;

	memcpy(copy + 1, image, size_B);
	ret = panthor_fw_image_parse(NULL, copy + 1, size_B, parsed);
	free(copy);
	return ret;
}

static void test_good(void **state)
{
	struct panthor_fw_image parsed;

	assert_int_equal(
		panthor_fw_image_parse(NULL, &good, sizeof(good), &parsed), 0);
	assert_int_equal(parsed.count, 2);
	assert_int_equal(parsed.shared, 1);
	assert_int_equal(parsed.sections[0].flags, 0xd);
	assert_int_equal(parsed.sections[0].va, 0x00800000);
	assert_int_equal(parsed.sections[0].size, 0x2000);
	assert_ptr_equal(parsed.sections[0].data, good.text);
	assert_int_equal(parsed.sections[0].data_size, 16);
	assert_int_equal(parsed.sections[1].va, PANTHOR_FW_SHARED_START);
	assert_int_equal(parsed.sections[1].size, 0x80000);
	assert_int_equal(parsed.sections[1].data_size, 0);
}

struct change {
	const char *what;
	size_t offset; /* of the word that is changed in the good image */
	u32 value;
	int ret;
	u32 count; /* sections, if it is accepted */
};

#define AT(field) offsetof(struct test_image, field)

static const struct change changes[] = {
	{"another magic number", AT(magic), 0xc3f13a6f, -EINVAL, 0},
	{"a later minor version", AT(minor), 0x0000007f, 0, 2},
	{"a later major version", AT(minor), 0x00000100, -EINVAL, 0},
	{"no entries' size", AT(size), 0, -EINVAL, 0},
	{"a size within the header", AT(size), 19, -EINVAL, 0},
	{"no entries at all", AT(size), 20, -EINVAL, 0},
	{"a size that cuts an entry's word", AT(size), 22, -EINVAL, 0},
	{"a size that cuts an entry", AT(size), 40, -EINVAL, 0},
	{"a size without the last entry", AT(size), AT(build_info), 0, 2},
	{"a size beyond the file", AT(size), sizeof(good) + 4, -EINVAL, 0},
	{"a size of everything", AT(size), 0xffffffff, -EINVAL, 0},

	{"an entry of 0 bytes", AT(build_info), ENTRY_HEADER(6, 0), -EINVAL, 0},
	{"an entry of 2 bytes", AT(build_info), ENTRY_HEADER(6, 2), -EINVAL, 0},
	{"an entry of 6 bytes", AT(build_info), ENTRY_HEADER(6, 6), -EINVAL, 0},
	{"an entry behind the end", AT(build_info), ENTRY_HEADER(6, 16),
	 -EINVAL, 0},
	{"an unknown entry", AT(build_info), ENTRY_HEADER(9, 12), -EINVAL, 0},
	{"an unknown entry that is optional", AT(build_info),
	 ENTRY_HEADER(9, 12) | OPTIONAL, 0, 2},
	{"configuration", AT(build_info), ENTRY_HEADER(1, 12), 0, 2},
	{"a section cut short", AT(build_info), ENTRY_HEADER(0, 12), -EINVAL,
	 0},

	{"unknown flags", AT(code.flags), 0x4d, -EINVAL, 0},
	{"a section not to be read", AT(code.flags), 0x0c, -EINVAL, 0},
	{"protected mode", AT(code.flags), 0x2d, 0, 1},
	{"a protected shared section", AT(shared.flags), 0xc0000033, -EINVAL,
	 0},
	{"two shared sections", AT(code.flags), 0xc0000013, -EINVAL, 0},
	{"no shared section", AT(shared.flags), 0x80000013, -EINVAL, 0},
	{"a shared section to be read only", AT(shared.flags), 0xc0000011,
	 -EINVAL, 0},
	{"a shared section elsewhere", AT(shared.va_start), 0x04001000, -EINVAL,
	 0},
	{"a shared section too long", AT(shared.va_end), 0x08001000, -EINVAL,
	 0},
	{"a shared section as long as may be", AT(shared.va_end), 0x08000000, 0,
	 2},

	{"a start within a page", AT(code.va_start), 0x00800004, -EINVAL, 0},
	{"an end within a page", AT(code.va_end), 0x00801800, -EINVAL, 0},
	{"an end before the start", AT(code.va_end), 0x007ff000, -EINVAL, 0},
	{"no addresses, but data", AT(code.va_end), 0x00800000, -EINVAL, 0},
	{"sections that overlap", AT(code.va_end), 0x04001000, -EINVAL, 0},
	{"sections that touch", AT(code.va_end), 0x04000000, 0, 2},
	{"data that ends before it starts", AT(code.data_end), HEADERS_B - 4,
	 -EINVAL, 0},
	{"data beyond the file", AT(code.data_end), sizeof(good) + 1, -EINVAL,
	 0},
	{"data from far beyond the file", AT(code.data_start), 0xfffffff0,
	 -EINVAL, 0},
	{"data of the whole file", AT(code.data_start), 0, 0, 2},
};

static void test_damaged(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		const struct change *change = &changes[i];
		struct test_image image = good;
		struct panthor_fw_image parsed;
		int ret;

		memcpy((u8 *)&image + change->offset, &change->value, 4);
		ret = parse(&image, sizeof(image), &parsed);
		if (ret != change->ret)
			fail_msg("%s: %d", change->what, ret);
		if (!ret && parsed.count != change->count)
			fail_msg("%s: %u sections", change->what, parsed.count);
	}
}

/* More data than the section has room for. */
static void test_data_too_long(void **state)
{
	struct panthor_fw_image parsed;
	struct test_image *image = calloc(1, 0x3000);

	*image = good;
	image->code.data_end = HEADERS_B + 0x2000;
	assert_int_equal(parse(image, 0x3000, &parsed), 0);
	image->code.data_end++;
	assert_int_equal(parse(image, 0x3000, &parsed), -EINVAL);
	free(image);
}

static void test_nothing_where_nothing_is(void **state)
{
	struct test_image image = good;
	struct panthor_fw_image parsed;

	image.code.va_end = image.code.va_start;
	image.code.data_end = image.code.data_start;
	assert_int_equal(parse(&image, sizeof(image), &parsed), 0);
	assert_int_equal(parsed.count, 1);
	assert_int_equal(parsed.shared, 0);
}

/* Every file that ends too early is refused, but for those behind all data. */
static void test_truncated(void **state)
{
	struct panthor_fw_image parsed;

	for (size_t size_B = 0; size_B < sizeof(good); size_B++)
		assert_int_equal(parse(&good, size_B, &parsed), -EINVAL);
}

/* One section more than there is room for. */
static void test_too_many(void **state)
{
	const u32 count = PANTHOR_FW_MAX_SECTIONS;
	const size_t size_B = AT(code) + (count + 1) * sizeof(struct entry);
	struct test_image *image = calloc(1, size_B);
	struct panthor_fw_image parsed;
	struct entry *entries = &image->code;

	*image = (struct test_image){.magic = good.magic, .size = size_B};
	for (u32 i = 0; i <= count; i++)
		entries[i] = (struct entry){
			ENTRY_HEADER(0, 24),	 1, 0x01000000 + i * 0x1000,
			0x01001000 + i * 0x1000, 0, 0};
	entries[0] = good.shared;
	entries[0].data_start = entries[0].data_end = 0;
	assert_int_equal(parse(image, size_B, &parsed), -EINVAL);

	image->size -= sizeof(struct entry);
	assert_int_equal(parse(image, size_B, &parsed), 0);
	assert_int_equal(parsed.count, count);
	free(image);
}

/* Random bytes in the headers: whatever is accepted lies within the file. */
static void test_random(void **state)
{
	u32 seed = 1;

	for (u32 round = 0; round < 200000; round++) {
		struct test_image image = good;
		struct panthor_fw_image parsed;
		u8 *bytes = (u8 *)&image;

		for (u32 i = 0; i < 1 + round % 3; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 8) % HEADERS_B] = seed >> 24;
		}
		if (panthor_fw_image_parse(NULL, &image, sizeof(image),
					   &parsed))
			continue;

		for (u32 i = 0; i < parsed.count; i++) {
			const struct panthor_fw_section *s =
				&parsed.sections[i];
			const u8 *data = s->data;

			assert_true(data >= bytes &&
				    data + s->data_size <=
					    bytes + sizeof(image));
			assert_true(s->data_size <= s->size && s->size &&
				    s->va % 4096 == 0 && s->size % 4096 == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_data_too_long),
		cmocka_unit_test(test_nothing_where_nothing_is),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_random),
	};

	/* Hundreds of images are refused with a message each. */
	setenv("LINUX_LOGLEVEL", "-1", 1);
	return cmocka_run_group_tests_name("panthor-fw-image", tests, NULL,
					   NULL);
}
