// SPDX-License-Identifier: MIT OR GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <drm/drm_file.h>
#include <drm-uapi/panthor_drm.h>

#include "fw_vm.h"
#include "panthor_device.h"
#include "panthor_vm.h"
#include "pt_walker.h"

struct linux_file *file;
struct panthor_vm *vm;
u32 vm_id;

void start(void)
{
	struct drm_panthor_vm_create args = {};
	struct panthor_file *pfile;

	assert_int_equal(probe(), 0);
	assert_int_equal(linux_sys_open(&file), 0);
	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_PANTHOR_VM_CREATE, &args), 0);
	vm_id = args.id;
	pfile = linux_file_drm(file)->driver_priv;
	vm = panthor_vm_pool_get_vm(pfile->vms, vm_id);
	assert_non_null(vm);
}

void destroy_vm(void)
{
	struct drm_panthor_vm_destroy args = {.id = vm_id};

	assert_int_equal(
		linux_sys_ioctl(file, DRM_IOCTL_PANTHOR_VM_DESTROY, &args), 0);
}

void stop(void)
{
	panthor_vm_put(vm);
	linux_sys_close(file);
	panthor_remove(hw.ptdev);
}

void *at(u64 va)
{
	const struct pt_walker walker = {
		.dram = mali_dram_base(hw.dram),
		.dram_size_B = mali_dram_size(hw.dram),
		.va_bits = 48,
		.root_pa = panthor_pt_root_pa(&vm->pt),
	};
	const struct pt_walk walk = pt_walker_walk(&walker, va);

	return walk.valid ? (char *)mali_dram_base(hw.dram) + walk.pa : NULL;
}
