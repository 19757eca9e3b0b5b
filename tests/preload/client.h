/* SPDX-License-Identifier: MIT */
/* What the clients share: libc, libdrm, cmocka and the uAPI. */
#ifndef CLIENT_H
#define CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <xf86drm.h>

#include "drm-uapi/panthor_drm.h"

#define NODE "/dev/dri/renderD128"
#define BY_PATH "/dev/dri/by-path/platform-fb000000.gpu-render"

/* What must fail with @error. */
#define assert_errno(expression, error)                                        \
   do {                                                                        \
      errno = 0;                                                               \
      assert_int_equal((long)(expression), -1);                                \
      assert_int_equal(errno, (error));                                        \
   } while (0)

static inline int
open_node(void)
{
   int fd = open(NODE, O_RDWR | O_CLOEXEC);

   assert_true(fd >= 0);
   return fd;
}

static inline uint32_t
create_vm(int fd)
{
   struct drm_panthor_vm_create args = {0};

   assert_int_equal(drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &args), 0);
   return args.id;
}

static inline uint32_t
create_bo(int fd, uint64_t size_B)
{
   struct drm_panthor_bo_create args = {.size = size_B};

   assert_int_equal(drmIoctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &args), 0);
   return args.handle;
}

static inline uint64_t
mmap_offset(int fd, uint32_t handle)
{
   struct drm_panthor_bo_mmap_offset args = {.handle = handle};

   assert_int_equal(drmIoctl(fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args), 0);
   return args.offset;
}

/* Whether the file that @fd is has a VM of that id. */
static inline bool
has_vm(int fd, uint32_t id)
{
   struct drm_panthor_vm_get_state args = {.vm_id = id};

   return drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args) == 0;
}

#endif /* CLIENT_H */
