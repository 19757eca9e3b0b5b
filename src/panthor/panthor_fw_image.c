// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <drm/drm_device.h>
#include <drm/drm_print.h>

#include "panthor_fw_image.h"

#define IMAGE_MAGIC 0xc3f13a6e
/* Minor versions add what older drivers may ignore. */
#define IMAGE_MAJOR_MAX 0

struct image_header {
	u32 magic;
	u8 minor;
	u8 major;
	u16 padding0;
	u32 version_hash;
	u32 padding1;
	u32 size; /* bytes of the header and of all entries */
};

#define ENTRY_TYPE(x) ((x)&GENMASK(7, 0))
#define ENTRY_SIZE(x) (((x) >> 8) & GENMASK(7, 0))
#define ENTRY_OPTIONAL BIT(31)

#define ENTRY_TYPE_IFACE 0
#define ENTRY_TYPE_CONFIG 1
#define ENTRY_TYPE_FUTF_TEST 2
#define ENTRY_TYPE_TRACE_BUFFER 3
#define ENTRY_TYPE_TIMELINE_METADATA 4
#define ENTRY_TYPE_BUILD_INFO_METADATA 6

struct iface_entry {
	u32 header;
	u32 flags;
	u32 va_start, va_end;
	u32 data_start, data_end; /* bytes, in the image */
};

#define KNOWN_FLAGS                                                            \
	(PANTHOR_FW_SECTION_RD | PANTHOR_FW_SECTION_WR |                       \
	 PANTHOR_FW_SECTION_EX | GENMASK(4, 3) | PANTHOR_FW_SECTION_PROT |     \
	 PANTHOR_FW_SECTION_SHARED | PANTHOR_FW_SECTION_ZERO)

/* What is parsed, and where to complain. */
struct parser {
	struct drm_device *ddev;
	const u8 *data;
	size_t size_B;
	struct panthor_fw_image *image;
	bool has_shared;
};

#define reject(parser, fmt, ...)                                               \
	({                                                                     \
		drm_err((parser)->ddev, "firmware image: " fmt "\n",           \
			##__VA_ARGS__);                                        \
		-EINVAL;                                                       \
	})

/* The image has no alignment of its own. */
static void copy_from(const struct parser *parser, size_t offset, void *to,
		      size_t size_B)
{
	memcpy(to, parser->data + offset, size_B);
}

static int check_header(struct parser *parser, struct image_header *header)
{
	if (parser->size_B < sizeof(*header))
		return reject(parser, "%zu bytes are not even a header",
			      parser->size_B);

	copy_from(parser, 0, header, sizeof(*header));
	if (header->magic != IMAGE_MAGIC)
		return reject(parser, "0x%08x is no magic number of it",
			      header->magic);
	if (header->major > IMAGE_MAJOR_MAX)
		return reject(parser, "format %u.%u is unknown", header->major,
			      header->minor);
	if (header->size < sizeof(*header) || header->size > parser->size_B)
		return reject(parser,
			      "header and entries of %u bytes in a file of %zu",
			      header->size, parser->size_B);

	return 0;
}

static int check_ranges(const struct parser *parser,
			const struct iface_entry *entry)
{
	if (entry->va_start >= entry->va_end ||
	    !PAGE_ALIGNED(entry->va_start) || !PAGE_ALIGNED(entry->va_end))
		return reject(parser, "a section at [0x%x, 0x%x)",
			      entry->va_start, entry->va_end);

	if (entry->data_start > entry->data_end ||
	    entry->data_end > parser->size_B ||
	    entry->data_end - entry->data_start >
		    entry->va_end - entry->va_start)
		return reject(parser,
			      "data [0x%x, 0x%x) for the section at [0x%x, "
			      "0x%x), in a file of %zu bytes",
			      entry->data_start, entry->data_end,
			      entry->va_start, entry->va_end, parser->size_B);

	return 0;
}

static int check_flags(const struct parser *parser,
		       const struct iface_entry *entry)
{
	const u32 read_write = PANTHOR_FW_SECTION_RD | PANTHOR_FW_SECTION_WR;
	bool shared = entry->flags & PANTHOR_FW_SECTION_SHARED;

	if (entry->flags & ~KNOWN_FLAGS ||
	    !(entry->flags & PANTHOR_FW_SECTION_RD))
		return reject(parser, "flags 0x%x of the section at 0x%x",
			      entry->flags, entry->va_start);

	if (!shared)
		return 0;

	if (parser->has_shared)
		return reject(parser, "a second shared section, at 0x%x",
			      entry->va_start);
	if (entry->va_start != PANTHOR_FW_SHARED_START ||
	    entry->va_end > PANTHOR_FW_SHARED_END ||
	    (entry->flags & read_write) != read_write)
		return reject(parser,
			      "the shared section is [0x%x, 0x%x), flags 0x%x",
			      entry->va_start, entry->va_end, entry->flags);

	return 0;
}

/* Two sections cannot have one address. */
static int check_overlap(const struct parser *parser,
			 const struct iface_entry *entry)
{
	const struct panthor_fw_image *image = parser->image;
	u32 i;

	for (i = 0; i < image->count; i++) {
		const struct panthor_fw_section *other = &image->sections[i];

		if (entry->va_start < other->va + other->size &&
		    other->va < entry->va_end)
			return reject(parser,
				      "sections at 0x%x and 0x%x overlap",
				      other->va, entry->va_start);
	}

	return 0;
}

static int parse_iface(struct parser *parser, size_t offset, u32 size_B)
{
	struct panthor_fw_image *image = parser->image;
	struct iface_entry entry;
	int ret;

	if (size_B < sizeof(entry))
		return reject(parser, "a section's entry of %u bytes", size_B);

	copy_from(parser, offset, &entry, sizeof(entry));

	/* Protected mode needs memory that this driver has none of. */
	if (entry.flags & PANTHOR_FW_SECTION_PROT) {
		drm_info(parser->ddev,
			 "firmware image: left out the section at 0x%x, which "
			 "is for protected mode\n",
			 entry.va_start);
		return 0;
	}

	/* Some builds leave out what a section would have had. */
	if (entry.va_start == entry.va_end &&
	    entry.data_start == entry.data_end)
		return 0;

	ret = check_ranges(parser, &entry);
	if (!ret)
		ret = check_flags(parser, &entry);
	if (!ret)
		ret = check_overlap(parser, &entry);
	if (ret)
		return ret;

	if (image->count == PANTHOR_FW_MAX_SECTIONS)
		return reject(parser, "more than %u sections",
			      PANTHOR_FW_MAX_SECTIONS);

	if (entry.flags & PANTHOR_FW_SECTION_SHARED) {
		parser->has_shared = true;
		image->shared = image->count;
	}
	image->sections[image->count++] = (struct panthor_fw_section){
		.flags = entry.flags,
		.va = entry.va_start,
		.size = entry.va_end - entry.va_start,
		.data = parser->data + entry.data_start,
		.data_size = entry.data_end - entry.data_start,
	};
	return 0;
}

static int parse_entry(struct parser *parser, size_t offset, u32 header)
{
	switch (ENTRY_TYPE(header)) {
	case ENTRY_TYPE_IFACE:
		return parse_iface(parser, offset, ENTRY_SIZE(header));
	case ENTRY_TYPE_CONFIG:
	case ENTRY_TYPE_FUTF_TEST:
	case ENTRY_TYPE_TRACE_BUFFER:
	case ENTRY_TYPE_TIMELINE_METADATA:
	case ENTRY_TYPE_BUILD_INFO_METADATA:
		return 0;
	default:
		if (header & ENTRY_OPTIONAL)
			return 0;
		return reject(parser, "unknown entry 0x%08x at 0x%zx", header,
			      offset);
	}
}

/**
 * panthor_fw_image_parse() - find the sections of an image
 * @ddev: for messages
 * @data: the image, which the result points into
 * @size_B: bytes of it
 * @image: the sections
 *
 * Return: 0, or -EINVAL with a message that says what is wrong.
 */
int panthor_fw_image_parse(struct drm_device *ddev, const void *data,
			   size_t size_B, struct panthor_fw_image *image)
{
	struct parser parser = {
		.ddev = ddev,
		.data = data,
		.size_B = size_B,
		.image = image,
	};
	struct image_header header;
	u32 offset, entry, entry_size_B;
	int ret;

	memset(image, 0, sizeof(*image));
	ret = check_header(&parser, &header);
	if (ret)
		return ret;

	for (offset = sizeof(header); offset < header.size;
	     offset += entry_size_B) {
		if (header.size - offset < sizeof(entry))
			return reject(&parser, "an entry is cut off at 0x%x",
				      offset);

		copy_from(&parser, offset, &entry, sizeof(entry));
		entry_size_B = ENTRY_SIZE(entry);
		if (entry_size_B < sizeof(entry) ||
		    !IS_ALIGNED(entry_size_B, sizeof(entry)) ||
		    entry_size_B > header.size - offset)
			return reject(&parser, "an entry of %u bytes at 0x%x",
				      entry_size_B, offset);

		ret = parse_entry(&parser, offset, entry);
		if (ret)
			return ret;
	}

	return parser.has_shared ? 0
				 : reject(&parser, "it has no shared section");
}
