// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mod_devicetable.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_bind.h"
#include "panthor_debugfs.h"
#include "panthor_device.h"
#include "panthor_drv.h"
#include "panthor_gem.h"
#include "panthor_group.h"
#include "panthor_heap.h"
#include "panthor_query.h"
#include "panthor_vm.h"
#include "panthor_vm_pool.h"

enum panthor_uapi panthor_uapi_param = PANTHOR_UAPI_1_9;
struct panthor_probe_result panthor_last_probe;

/* ------------------------------------------------------------ open files -- */

static int panthor_open(struct drm_device *ddev, struct drm_file *file)
{
	struct panthor_device *ptdev = to_panthor_device(ddev);
	struct panthor_file *pfile;

	pfile = kzalloc(sizeof(*pfile), GFP_KERNEL);
	if (!pfile)
		return -ENOMEM;

	pfile->ptdev = ptdev;
	panthor_creator_init(&pfile->creator);
	pfile->user_mmio_offset = DRM_PANTHOR_USER_MMIO_OFFSET;
#ifdef CONFIG_COMPAT
	if (in_compat_syscall())
		pfile->user_mmio_offset = DRM_PANTHOR_USER_MMIO_OFFSET_32BIT;
#endif

	pfile->vms = panthor_vm_pool_create(ptdev);
	if (IS_ERR(pfile->vms)) {
		int ret = PTR_ERR(pfile->vms);

		kfree(pfile);
		return ret;
	}

	pfile->groups = panthor_group_pool_create();
	if (!pfile->groups) {
		panthor_vm_pool_destroy(pfile->vms);
		kfree(pfile);
		return -ENOMEM;
	}

	file->driver_priv = pfile;
	return 0;
}

static void panthor_postclose(struct drm_device *ddev, struct drm_file *file)
{
	struct panthor_file *pfile = file->driver_priv;

	/* Groups first, so that what they run has no fault to tell of. */
	panthor_group_pool_destroy(pfile->groups);
	panthor_vm_pool_destroy(pfile->vms);
	kfree(pfile);
}

static int panthor_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct panthor_file *pfile = file->driver_priv;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 mmio_offset = READ_ONCE(pfile->user_mmio_offset);
	int ret, idx;

	if (!drm_dev_enter(file->minor->dev, &idx))
		return -ENODEV;

	if (offset >= mmio_offset)
		ret = panthor_device_mmap_io(pfile->ptdev, offset - mmio_offset,
					     vma);
	else
		ret = drm_gem_mmap(filp, vma);

	drm_dev_exit(idx);
	return ret;
}

/* ---------------------------------------------------------------- ioctls -- */

static int ioctl_vm_create(struct drm_device *ddev, void *data,
			   struct drm_file *file)
{
	struct panthor_device *ptdev = to_panthor_device(ddev);
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_vm_create *args = data;
	int idx, ret;

	if (!drm_dev_enter(ddev, &idx))
		return -ENODEV;

	if (args->flags)
		ret = -EINVAL;
	else
		ret = panthor_vm_pool_create_vm(ptdev, pfile->vms, args);

	if (ret >= 0) {
		args->id = ret;
		ret = 0;
	}

	drm_dev_exit(idx);
	return ret;
}

static int ioctl_vm_destroy(struct drm_device *ddev, void *data,
			    struct drm_file *file)
{
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_vm_destroy *args = data;

	if (args->pad)
		return -EINVAL;

	return panthor_vm_pool_destroy_vm(pfile->vms, args->id);
}

static int ioctl_vm_get_state(struct drm_device *ddev, void *data,
			      struct drm_file *file)
{
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_vm_get_state *args = data;
	struct panthor_vm *vm;

	vm = panthor_vm_pool_get_vm(pfile->vms, args->vm_id);
	if (!vm)
		return -EINVAL;

	args->state = panthor_vm_is_unusable(vm) ? DRM_PANTHOR_VM_STATE_UNUSABLE
						 : DRM_PANTHOR_VM_STATE_USABLE;
	panthor_vm_put(vm);
	return 0;
}

static int ioctl_set_user_mmio_offset(struct drm_device *ddev, void *data,
				      struct drm_file *file)
{
	struct drm_panthor_set_user_mmio_offset *args = data;
	struct panthor_file *pfile = file->driver_priv;

	if (args->offset != DRM_PANTHOR_USER_MMIO_OFFSET_32BIT &&
	    args->offset != DRM_PANTHOR_USER_MMIO_OFFSET_64BIT)
		return -EINVAL;

	WRITE_ONCE(pfile->user_mmio_offset, args->offset);
	return 0;
}

#define PANTHOR_IOCTL(name, handler)                                           \
	DRM_IOCTL_DEF_DRV(PANTHOR_##name, handler, DRM_RENDER_ALLOW)

static const struct drm_ioctl_desc panthor_ioctls[] = {
	PANTHOR_IOCTL(DEV_QUERY, panthor_ioctl_dev_query),
	PANTHOR_IOCTL(VM_CREATE, ioctl_vm_create),
	PANTHOR_IOCTL(VM_DESTROY, ioctl_vm_destroy),
	PANTHOR_IOCTL(VM_BIND, panthor_ioctl_vm_bind),
	PANTHOR_IOCTL(VM_GET_STATE, ioctl_vm_get_state),
	PANTHOR_IOCTL(BO_CREATE, panthor_ioctl_bo_create),
	PANTHOR_IOCTL(BO_MMAP_OFFSET, panthor_ioctl_bo_mmap_offset),
	PANTHOR_IOCTL(GROUP_CREATE, panthor_ioctl_group_create),
	PANTHOR_IOCTL(GROUP_DESTROY, panthor_ioctl_group_destroy),
	PANTHOR_IOCTL(GROUP_SUBMIT, panthor_ioctl_group_submit),
	PANTHOR_IOCTL(GROUP_GET_STATE, panthor_ioctl_group_get_state),
	PANTHOR_IOCTL(TILER_HEAP_CREATE, panthor_ioctl_tiler_heap_create),
	PANTHOR_IOCTL(TILER_HEAP_DESTROY, panthor_ioctl_tiler_heap_destroy),
	PANTHOR_IOCTL(BO_SET_LABEL, panthor_ioctl_bo_set_label),
	PANTHOR_IOCTL(SET_USER_MMIO_OFFSET, ioctl_set_user_mmio_offset),
	PANTHOR_IOCTL(BO_SYNC, panthor_ioctl_bo_sync),
	PANTHOR_IOCTL(BO_QUERY_INFO, panthor_ioctl_bo_query_info),
};

/* ---------------------------------------------------------------- driver -- */

static const struct file_operations panthor_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = panthor_mmap,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

/*
 * Versions: 1.1 TIMESTAMP_INFO, 1.2 GROUP_PRIORITIES_INFO, 1.3 the innocent
 * group state, 1.4 BO_SET_LABEL, 1.5 SET_USER_MMIO_OFFSET, 1.6 a coherent GPU
 * timestamp, 1.7 WB_MMAP, BO_SYNC, BO_QUERY_INFO and selected_coherency, 1.8
 * timestamp flags, 1.9 MMU_INFO and MAP_SPARSE.
 */
#define PANTHOR_DRM_DRIVER(minor_version)                                      \
	{                                                                      \
		.driver_features = DRIVER_RENDER | DRIVER_GEM |                \
				   DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,   \
		.open = panthor_open, .postclose = panthor_postclose,          \
		.ioctls = panthor_ioctls,                                      \
		.num_ioctls = ARRAY_SIZE(panthor_ioctls),                      \
		.fops = &panthor_fops, .name = "panthor",                      \
		.desc = "Panthor DRM driver", .date = "20261121", .major = 1,  \
		.minor = (minor_version),                                      \
		.debugfs_init = panthor_debugfs_init,                          \
		.gem_create_object = panthor_gem_create_object,                \
		.gem_prime_import = panthor_gem_import,                        \
		.gem_prime_import_sg_table =                                   \
			drm_gem_shmem_prime_import_sg_table,                   \
	}

static const struct drm_driver panthor_driver_1_9 = PANTHOR_DRM_DRIVER(9);
static const struct drm_driver panthor_driver_1_8 = PANTHOR_DRM_DRIVER(8);

static int probe(struct platform_device *pdev,
		 struct panthor_device **ptdev_out)
{
	const struct drm_driver *driver = panthor_uapi_param == PANTHOR_UAPI_1_9
						  ? &panthor_driver_1_9
						  : &panthor_driver_1_8;
	struct panthor_device *ptdev;
	int ret;

	ptdev = devm_drm_dev_alloc(&pdev->dev, driver, struct panthor_device,
				   base);
	if (IS_ERR(ptdev))
		return PTR_ERR(ptdev);

	ptdev->uapi = panthor_uapi_param;
	platform_set_drvdata(pdev, ptdev);

	ret = panthor_device_init(ptdev, pdev);
	if (ret)
		return ret;

	ret = drm_dev_register(&ptdev->base, 0);
	if (ret) {
		panthor_device_fini(ptdev);
		return ret;
	}

	*ptdev_out = ptdev;
	return 0;
}

static int panthor_platform_probe(struct platform_device *pdev)
{
	struct panthor_probe_result result = {};

	result.error = probe(pdev, &result.ptdev);
	panthor_last_probe = result;
	return result.error;
}

static void panthor_platform_remove(struct platform_device *pdev)
{
	struct panthor_device *ptdev = platform_get_drvdata(pdev);

	panthor_device_unplug(ptdev);
	panthor_device_fini(ptdev);
}

static const struct of_device_id panthor_of_match[] = {
	{.compatible = "arm,mali-valhall-csf"}, {}};
MODULE_DEVICE_TABLE(of, panthor_of_match);

struct platform_driver panthor_platform_driver = {
	.probe = panthor_platform_probe,
	.remove = panthor_platform_remove,
	.driver =
		{
			.name = "panthor",
			.of_match_table = panthor_of_match,
		},
};
