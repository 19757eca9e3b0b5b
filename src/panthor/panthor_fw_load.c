// SPDX-License-Identifier: MIT OR GPL-2.0
/* From the file to the firmware's address space. */
#include <linux/err.h>
#include <linux/firmware.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_fw_priv.h"
#include "panthor_kernel_bo.h"

static int request_file(struct panthor_fw *fw)
{
	struct panthor_device *ptdev = fw->ptdev;
	u32 id = ptdev->gpu_info.gpu_id;
	char name[48];

	snprintf(name, sizeof(name), "arm/mali/arch%u.%u/mali_csffw.bin",
		 DRM_PANTHOR_ARCH_MAJOR(id), DRM_PANTHOR_ARCH_MINOR(id));
	return request_firmware(&fw->file, name, ptdev->base.dev);
}

static u32 map_flags(const struct panthor_fw_section *section)
{
	u32 flags = 0;

	if (!(section->flags & PANTHOR_FW_SECTION_WR))
		flags |= DRM_PANTHOR_VM_BIND_OP_MAP_READONLY;
	if (!(section->flags & PANTHOR_FW_SECTION_EX))
		flags |= DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
	/* The MMU has no attributes for coherent modes: memory alone is. */
	if (PANTHOR_FW_SECTION_CACHE_MODE(section->flags) !=
	    PANTHOR_FW_CACHE_MODE_CACHED)
		flags |= DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED;

	return flags;
}

/* What the image says of a section; without ZERO the rest is left as it is. */
static void fill_section(const struct panthor_fw_section *section, void *to)
{
	memcpy(to, section->data, section->data_size);
	if (section->flags & PANTHOR_FW_SECTION_ZERO)
		memset(to + section->data_size, 0,
		       section->size - section->data_size);
}

static int create_section(struct panthor_fw *fw, u32 i)
{
	const struct panthor_fw_section *section = &fw->image.sections[i];
	struct panthor_kernel_bo *kbo;
	int ret;

	kbo = panthor_kernel_bo_create(
		fw->ptdev, fw->vm, section->size, DRM_PANTHOR_BO_NO_MMAP,
		map_flags(section), section->va, "firmware section");
	if (IS_ERR(kbo))
		return PTR_ERR(kbo);

	fw->sections[i] = kbo;
	ret = panthor_kernel_bo_vmap(kbo);
	if (!ret)
		fill_section(section, kbo->kmap);

	return ret;
}

/**
 * panthor_fw_load() - put the sections of the firmware's file into its VM
 *
 * Return: 0; what request_firmware() gave; -EINVAL for a bad image; -ENOMEM;
 * -ETIMEDOUT. On failure panthor_fw_unload() is due as well.
 */
int panthor_fw_load(struct panthor_fw *fw)
{
	int ret;
	u32 i;

	ret = request_file(fw);
	if (ret)
		return ret;

	ret = panthor_fw_image_parse(&fw->ptdev->base, fw->file->data,
				     fw->file->size, &fw->image);
	for (i = 0; !ret && i < fw->image.count; i++)
		ret = create_section(fw, i);

	return ret;
}

/** panthor_fw_unload() - the inverse, of however much there is */
void panthor_fw_unload(struct panthor_fw *fw)
{
	u32 i;

	for (i = 0; i < fw->image.count; i++)
		panthor_kernel_bo_destroy(fw->sections[i]);

	release_firmware(fw->file);
}

/** panthor_fw_reload() - undo what firmware wrote; it does not run */
void panthor_fw_reload(struct panthor_fw *fw)
{
	u32 i;

	for (i = 0; i < fw->image.count; i++) {
		if (fw->image.sections[i].flags & PANTHOR_FW_SECTION_WR)
			fill_section(&fw->image.sections[i],
				     fw->sections[i]->kmap);
	}
}
