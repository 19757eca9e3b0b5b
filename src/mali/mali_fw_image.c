/* SPDX-License-Identifier: MIT */
/*
 * The firmware's image in the container of Mali CSF firmware: a header, entries
 * that describe sections of the MCU's address space, and their data. The code
 * section holds no code but a name, by which the MCU recognises that the driver
 * loaded what it was given and mapped it where it belongs.
 */
#include <stddef.h>

#include "mali_csf.h"

#define FW_MAGIC 0xc3f13a6eu
#define FW_MAJOR 0
#define FW_MINOR 3

#define ENTRY_IFACE 0u
#define ENTRY_HEADER(type, size_B) ((type) | (uint32_t)(size_B) << 8)

#define SECTION_READ (1u << 0)
#define SECTION_WRITE (1u << 1)
#define SECTION_EXECUTE (1u << 2)
#define SECTION_CACHED (1u << 3)
#define SECTION_UNCACHED_COHERENT (2u << 3)
#define SECTION_SHARED (1u << 30)
#define SECTION_ZERO (1u << 31)

struct fw_section {
	uint32_t header, flags;
	uint32_t va_start, va_end;
	uint32_t data_start, data_end; /* bytes in the file */
};

struct fw_image {
	uint32_t magic;
	uint8_t minor, major;
	uint16_t padding0;
	uint32_t version_hash;
	uint32_t padding1;
	uint32_t size_B; /* of all up to the data */
	struct fw_section code, shared;
	char ident[16];
};

#define FW_IDENT "pansparse mcu 1"

const char mali_fw_ident[16] = FW_IDENT;

static const struct fw_image image = {
	.magic = FW_MAGIC,
	.major = FW_MAJOR,
	.minor = FW_MINOR,
	.size_B = offsetof(struct fw_image, ident),
	.code =
		{
			.header = ENTRY_HEADER(ENTRY_IFACE,
					       sizeof(struct fw_section)),
			.flags =
				SECTION_READ | SECTION_EXECUTE | SECTION_CACHED,
			.va_start = MALI_FW_CODE_VA,
			.va_end = MALI_FW_CODE_VA + MALI_PAGE_SIZE,
			.data_start = offsetof(struct fw_image, ident),
			.data_end = offsetof(struct fw_image, ident) +
				    sizeof(FW_IDENT),
		},
	.shared =
		{
			.header = ENTRY_HEADER(ENTRY_IFACE,
					       sizeof(struct fw_section)),
			.flags = SECTION_READ | SECTION_WRITE |
				 SECTION_UNCACHED_COHERENT | SECTION_SHARED |
				 SECTION_ZERO,
			.va_start = MALI_FW_SHARED_VA,
			.va_end = MALI_FW_SHARED_VA + MALI_FW_SHARED_B,
		},
	.ident = FW_IDENT,
};

const void *mali_firmware_image(size_t *size_B_out)
{
	*size_B_out = sizeof(image);
	return &image;
}
