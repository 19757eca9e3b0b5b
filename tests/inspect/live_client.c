/* SPDX-License-Identifier: MIT */
/*
 * A program to look into: has a bit of everything, says "ready", and does what
 * the lines of its standard input say, answering each with "done".
 *
 *    close   closes all descriptors but the first three and its node, as daemons do
 *    fork    has a child that sleeps until this program ends
 *    map     maps one more page
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <xf86drm.h>

#include "drm-uapi/panthor_drm.h"

#define BASE (1ull << 40)
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define READONLY DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define SPARSE DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE

static int fd;

static void
call(unsigned long request, void *args)
{
   if (drmIoctl(fd, request, args)) {
      perror("ioctl");
      exit(1);
   }
}

static void
map(uint32_t vm, uint32_t flags, uint32_t bo, uint64_t offset, uint64_t va,
     uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {
      .flags = MAP | NOEXEC | flags,
      .bo_handle = bo,
      .bo_offset = offset,
      .va = va,
      .size = size_B,
   };
   struct drm_panthor_vm_bind args = {
      .vm_id = vm,
      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
   };

   call(DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static uint32_t
create_bo(uint64_t size_B, const char *label)
{
   struct drm_panthor_bo_create create = {.size = size_B};
   struct drm_panthor_bo_set_label args = {.label = (uintptr_t)label};

   call(DRM_IOCTL_PANTHOR_BO_CREATE, &create);
   args.handle = create.handle;
   call(DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args);
   return create.handle;
}

static void
create_group(uint32_t vm)
{
   struct drm_panthor_queue_create queues[2] = {
      {.priority = 1, .ringbuf_size = 4096}, {.ringbuf_size = 65536}};
   struct drm_panthor_group_create args = {
      .queues = DRM_PANTHOR_OBJ_ARRAY(2, queues),
      .max_compute_cores = 1,
      .max_fragment_cores = 1,
      .max_tiler_cores = 1,
      .priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
      .compute_core_mask = 1,
      .fragment_core_mask = 1,
      .tiler_core_mask = 1,
      .vm_id = vm,
   };

   call(DRM_IOCTL_PANTHOR_GROUP_CREATE, &args);
}

static void
work(const char *line, uint32_t vm, uint32_t bo)
{
   static uint64_t page;

   if (!strncmp(line, "map", 3)) {
      map(vm, 0, bo, 0, BASE + MIB(1 << 20) + KIB(8) * page++, KIB(4));
   } else if (!strncmp(line, "close", 5)) {
      for (int i = 3; i < 65536; i++)
         if (i != fd)
            close(i);
   } else if (!strncmp(line, "fork", 4)) {
      if (!fork()) {
         prctl(PR_SET_PDEATHSIG, SIGKILL);
         pause();
         _exit(0);
      }
   }
   puts("done");
}

int
main(void)
{
   struct drm_panthor_vm_create vm = {0}, other = {0};
   char line[16];

   setbuf(stdout, NULL);
   fd = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
   if (fd < 0)
      return 1;
   call(DRM_IOCTL_PANTHOR_VM_CREATE, &vm);
   call(DRM_IOCTL_PANTHOR_VM_CREATE, &other);
   uint32_t texture = create_bo(MIB(4), "texture <1> & | so on");
   uint32_t constants = create_bo(KIB(64), "constants");
   map(vm.id, SPARSE, 0, 0, BASE, MIB(1 << 10));
   for (unsigned i = 0; i < 8; i++)
      map(vm.id, 0, texture, KIB(64) * i, BASE + MIB(6) + KIB(192) * i, KIB(64));
   map(vm.id, READONLY, constants, 0, BASE + MIB(2 << 20), KIB(64));
   map(vm.id, 0, texture, MIB(2), BASE + MIB(3 << 20), MIB(2));
   create_group(other.id);
   puts("ready");
   while (fgets(line, sizeof(line), stdin))
      work(line, vm.id, texture);
   close(fd);
   return 0;
}
