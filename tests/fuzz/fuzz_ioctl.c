/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: bytes become a sequence of system calls on one small machine;
 * ioctl_world.h says what should come of each, and of all of them.
 */
#include "fuzz.h"
#include "ioctl_bind.h"
#include "ioctl_objects.h"
#include "ioctl_world.h"

#include <stdlib.h>

typedef void (*op_fn)(struct world *w, struct world_file *file,
                      struct fuzz_input *in);

static void
op_bind(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   ioctl_bind(w, file, ioctl_pick_vm(in, file), in);
}

static void
op_inject(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   w->inject = fuzz_below(in, 64);
}

/* Memory is short, for the time of a call. */
static void
op_reclaim(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   (void)file;
   world_arm(w);
   host_reclaim(w->machine, 4096ull << fuzz_below(in, 14));
   world_disarm(w);
}

static void
op_open(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   (void)file;
   struct world_file *other = &w->file[fuzz_below(in, WORLD_FILES)];

   if (!other->file)
      world_open(w, other);
}

static void
op_close(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   /* The first stays. */
   if (file != &w->file[0])
      world_close(w, file);
}

/* Repeated: what is likelier. */
static const op_fn ops[] = {
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_bind,
   op_inject,
   op_inject,
   op_reclaim,
   op_reclaim,
   op_open,
   op_close,
   ioctl_vm_create,
   ioctl_vm_create,
   ioctl_vm_destroy,
   ioctl_vm_get_state,
   ioctl_bo_create,
   ioctl_bo_create,
   ioctl_bo_create,
   ioctl_gem_close,
   ioctl_export,
   ioctl_import,
   ioctl_syncobj_create,
   ioctl_syncobj_destroy,
   ioctl_syncobj_change,
   ioctl_syncobj_wait,
   ioctl_syncobj_query,
   ioctl_dev_query,
   ioctl_bo_label,
   ioctl_bo_sync,
   ioctl_bo_query,
   ioctl_mmio_offset,
   ioctl_mmap,
   ioctl_mmap,
   ioctl_munmap,
   ioctl_cpu_store,
   ioctl_gpu_access,
   ioctl_gpu_access,
   ioctl_unknown,
   ioctl_group,
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
   (void)argc;
   (void)argv;
   /* Faults and failures are what this is about. */
   setenv("LINUX_LOGLEVEL", "-1", 0);
   return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   struct fuzz_input in = {data, data + size};
   struct world *w = malloc(sizeof(*w));
   const uint8_t shape = fuzz_u8(&in);
   const struct host_config config = {
      .dram_size_B = shape & 1 ? 24u << 20 : 96u << 20,
      .dram_fragmented = shape & 2,
      .noncoherent = shape & 4,
      .as_count = shape & 8 ? 2 : 4,
      .swap_size_B = shape & 16   ? HOST_NO_SWAP
                     : shape & 32 ? 1u << 20
                                  : 0,
   };

   if (!w)
      abort();
   world_begin(w, &config);
   while (in.next < in.end) {
      const op_fn op = ops[fuzz_u8(&in) % (sizeof(ops) / sizeof(ops[0]))];
      struct world_file *file = &w->file[fuzz_below(&in, 8) % WORLD_FILES];

      if (!file->file)
         file = &w->file[0];
      op(w, file, &in);
   }
   world_end(w);
   free(w);
   return 0;
}
