/* SPDX-License-Identifier: MIT */
/*
 * The machine's life: DRAM, GPU, kernel and driver come up in this order and go
 * down in the opposite one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "mali_regs.h"

/* Where a board has LATEST_FLUSH, from the beginning of its registers. */
#define LATEST_FLUSH_PAGE 0x10000

pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;

/* The one machine, or NULL. Guarded by host_lock. */
static struct host_machine *host_machine;

void
host_error(const char *format, ...)
{
   char text[256];
   va_list args;

   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);

   /* One call, so that lines of several threads do not mix. */
   fprintf(stderr, "pansparse: host: %s\n", text);
}

struct host_machine *
host_machine_current(void)
{
   return host_machine;
}

/* ------------------------------------------- the hardware, for src/linux -- */

static uint32_t
mmio_read32(void *data, uint32_t offset)
{
   struct host_machine *machine = data;

   return mali_gpu_read32(machine->gpu, offset);
}

static void
mmio_write32(void *data, uint32_t offset, uint32_t value)
{
   struct host_machine *machine = data;

   mali_gpu_write32(machine->gpu, offset, value);
}

static int
ram_alloc(void *data, uint64_t want_B, uint64_t *pa_out, uint64_t *got_B_out)
{
   struct host_machine *machine = data;

   return mali_dram_alloc(machine->dram, want_B, pa_out, got_B_out);
}

static void
ram_free(void *data, uint64_t pa, uint64_t size_B)
{
   struct host_machine *machine = data;

   mali_dram_free(machine->dram, pa, size_B);
}

static int
ram_overlay(void *data, uint64_t pa, uint64_t size_B, int fd,
            uint64_t fd_offset)
{
   struct host_machine *machine = data;

   return mali_dram_overlay(machine->dram, pa, size_B, fd, fd_offset);
}

static void
ram_keep_contents(void *data)
{
   struct host_machine *machine = data;

   mali_dram_keep_contents(machine->dram);
}

static int
firmware(void *data, const char *name, const void **data_out,
         size_t *size_B_out)
{
   (void)data;
   if (strcmp(name, "arm/mali/arch10.8/mali_csffw.bin"))
      return -ENOENT;

   *data_out = mali_firmware_image(size_B_out);
   return 0;
}

/* Of the registers, processes may see one page. */
static int
mmio_page(void *data, uint32_t offset, int *fd_out, uint64_t *fd_offset_out)
{
   struct host_machine *machine = data;

   if (offset != LATEST_FLUSH_PAGE)
      return -ENXIO;

   *fd_out = mali_gpu_user_page_fd(machine->gpu);
   *fd_offset_out = 0;
   return 0;
}

static const struct linux_machine_ops machine_ops = {
    .mmio_read32 = mmio_read32,
    .mmio_write32 = mmio_write32,
    .ram_alloc = ram_alloc,
    .ram_free = ram_free,
    .ram_overlay = ram_overlay,
    .ram_keep_contents = ram_keep_contents,
};

/* The GPU's lines are the machine's lines. Async-signal-safe. */
static void
raise_irq(void *data, enum mali_irq line)
{
   (void)data;
   linux_raise_irq(line);
}

/* -------------------------------------------------------- boot, shutdown -- */

static int
create_hardware(struct host_machine *machine, const struct host_config *config)
{
   const struct mali_dram_config dram_config = {
       .size_B = config->dram_size_B,
       .fragmented = config->dram_fragmented,
   };
   int ret = mali_dram_create(&dram_config, &machine->dram);
   if (ret) {
      host_error("the host refused %" PRIu64
                 " MiB of DRAM (%s): free memory, raise 'ulimit -v', or ask "
                 "for less (PANSPARSE_DRAM, e.g. 1G)",
                 config->dram_size_B >> 20, strerror(-ret));
      return ret;
   }

   const struct mali_gpu_config gpu_config = {
       .dram = machine->dram,
       .va_bits = config->va_bits,
       .pa_bits = config->pa_bits,
       .as_present = (uint32_t)((UINT64_C(1) << config->as_count) - 1),
       .coherent = !config->noncoherent,
       .tlb_entries = config->tlb_entries,
       .csg_count = config->csg_count,
       .cs_count = config->cs_count,
       .no_absent_stall = config->no_absent_stall,
       .null_leaves = config->null_memory,
   };
   ret = mali_gpu_create(&gpu_config, &machine->gpu);
   if (ret) {
      host_error("the virtual GPU could not be created: %s", strerror(-ret));
      mali_dram_destroy(machine->dram);
      return ret;
   }

   mali_gpu_set_irq_handler(machine->gpu, raise_irq, NULL);
   return 0;
}

static void
destroy_hardware(struct host_machine *machine)
{
   mali_gpu_destroy(machine->gpu);
   mali_dram_destroy(machine->dram);
}

static int
boot_linux(struct host_machine *machine, const struct host_config *config)
{
   const struct linux_machine_desc desc = {
       .ops = &machine_ops,
       .machine = machine,
       .ram_base = mali_dram_base(machine->dram),
       .ram_size_B = mali_dram_size(machine->dram),
       .ram_fd = mali_dram_fd(machine->dram),
       .swap_size_B = config->swap_size_B,
       .dma_mask = (UINT64_C(1) << config->pa_bits) - 1,
       .dma_coherent = !config->noncoherent,
       .irq_count = MALI_IRQ_COUNT,
       .firmware = firmware,
       .mmio_page = mmio_page,
   };
   int ret = linux_boot(&desc);
   if (ret)
      host_error("the kernel did not boot: %s", strerror(-ret));

   return ret;
}

static enum panthor_uapi
driver_uapi(enum host_uapi uapi)
{
   switch (uapi) {
   case HOST_UAPI_1_8_SPARSE:
      return PANTHOR_UAPI_1_8_SPARSE;
   case HOST_UAPI_1_8:
      return PANTHOR_UAPI_1_8;
   default:
      return PANTHOR_UAPI_1_9;
   }
}

static int
machine_boot(const struct host_config *config,
             struct host_machine **machine_out)
{
   struct host_machine *machine = calloc(1, sizeof(*machine));
   if (!machine)
      return -ENOMEM;

   int ret = create_hardware(machine, config);
   if (ret)
      goto err_free;

   ret = boot_linux(machine, config);
   if (ret)
      goto err_destroy_hardware;

   panthor_fw_patience = config->fw_patience;
   ret = panthor_probe(driver_uapi(config->uapi), &machine->ptdev);
   if (ret) {
      host_error("the driver did not probe: %s", strerror(-ret));
      goto err_shutdown_linux;
   }

   if (!config->no_inspect)
      machine->inspect = host_inspect_start(machine);
   machine->references = 1;
   host_record_boot(machine, config);
   *machine_out = machine;
   return 0;

err_shutdown_linux:
   linux_shutdown();
err_destroy_hardware:
   destroy_hardware(machine);
err_free:
   free(machine);
   return ret;
}

/* Returns the number of leaks. */
static int
machine_shutdown(struct host_machine *machine)
{
   struct mali_dram_stats dram;

   host_inspect_stop(machine->inspect);
   while (machine->files) {
      struct host_file *file = machine->files;

      host_error("leak: a file was not closed");
      machine->leaks++;
      machine->files = file->next;
      host_file_release(file);
   }

   host_record_stats(machine);
   panthor_remove(machine->ptdev);

   int leaks = machine->leaks + linux_shutdown();

   mali_dram_get_stats(machine->dram, &dram);
   if (dram.allocated_B) {
      host_error("leak: %" PRIu64 " KiB of DRAM", dram.allocated_B >> 10);
      leaks++;
   }

   destroy_hardware(machine);
   free(machine);
   host_record_shutdown(leaks);
   return leaks;
}

/* ---------------------------------------------------------------- border -- */

int
host_machine_get(const struct host_config *config,
                 struct host_machine **machine_out)
{
   struct host_config resolved;
   int ret = 0;

   pthread_mutex_lock(&host_lock);

   if (host_machine && config) {
      ret = -EBUSY;
   } else if (host_machine) {
      host_machine->references++;
   } else {
      ret = host_config_resolve(config, &resolved);
      if (!ret)
         ret = machine_boot(&resolved, &host_machine);
   }

   if (!ret)
      *machine_out = host_machine;

   pthread_mutex_unlock(&host_lock);
   return ret;
}

int
host_machine_put(struct host_machine *machine)
{
   int leaks = 0;

   pthread_mutex_lock(&host_lock);

   if (--machine->references == 0) {
      leaks = machine_shutdown(machine);
      host_machine = NULL;
   }

   pthread_mutex_unlock(&host_lock);
   return leaks;
}

bool
host_has_null_memory(struct host_machine *machine)
{
   return mali_gpu_read32(machine->gpu, MALI_GPU_VIRT_FEATURES) &
          MALI_GPU_VIRT_NULL_LEAVES;
}

int
host_barrier_add(struct host_machine *machine, void *page)
{
   return mali_barrier_add(machine->gpu, page);
}

void
host_barrier_remove(struct host_machine *machine, void *page)
{
   mali_barrier_remove(machine->gpu, page);
}

void
host_barrier(struct host_machine *machine)
{
   mali_barrier(machine->gpu);
}

int
host_bulk_code_add(const void *start, size_t size_B)
{
   return mali_bulk_code_add(start, size_B);
}

void
host_get_stats(struct host_machine *machine, struct host_stats *stats_out)
{
   struct panthor_stats driver;
   struct mali_stats gpu;
   struct mali_dram_stats dram;
   struct linux_swap_stats swap;

   panthor_host_get_stats(machine->ptdev, &driver);
   mali_gpu_get_stats(machine->gpu, &gpu);
   mali_dram_get_stats(machine->dram, &dram);
   linux_get_swap_stats(&swap);

   *stats_out = (struct host_stats){
       .ioctls = atomic_load_explicit(&machine->ioctls, memory_order_relaxed),
       .vm_bind_ioctls = driver.vm_bind_ioctls,
       .vm_bind_ops = driver.vm_bind_ops,
       .pt_entries_written = driver.pt_entries_written,
       .pt_pages = driver.pt_pages,
       .pt_pages_peak = driver.pt_pages_peak,
       .vmas = driver.vmas,
       .evictions = driver.evictions,
       .restores = driver.restores,
       .tlb_misses = gpu.misses,
       .tlb_stalls = gpu.stalls,
       .tlb_evictions = gpu.evictions,
       .tlb_entries = gpu.entries,
       .mmu_faults = gpu.faults,
       .null_steps = gpu.null_steps,
       .null_bulks = gpu.null_bulks,
       .mmu_locks = gpu.locks,
       .mmu_locked_B = gpu.locked_B,
       .cache_flushes = gpu.flushes,
       .host_calls = gpu.host_calls,
       .dram_size_B = mali_dram_size(machine->dram),
       .dram_allocated_B = dram.allocated_B,
       .dram_peak_B = dram.peak_B,
       .swap_out_B = swap.out_B,
       .swap_in_B = swap.in_B,
   };
}

void *
host_dram_ptr(struct host_machine *machine, uint64_t pa)
{
   return (char *)mali_dram_base(machine->dram) + pa;
}

int
host_debugfs_read(struct host_machine *machine, const char *name,
                  char **text_out, size_t *size_out)
{
   (void)machine;
   return linux_debugfs_read(name, text_out, size_out);
}

uint64_t
host_reclaim(struct host_machine *machine, uint64_t size_B)
{
   (void)machine;
   return linux_reclaim(size_B);
}

uint64_t
host_inject_failure(uint64_t n)
{
   return linux_inject_failure(n);
}

bool
host_inject_stuck_as(struct host_machine *machine, uint32_t command,
                     uint32_t skip)
{
   return mali_gpu_inject_stuck_as(machine->gpu, UINT32_MAX, command, skip);
}

void
host_inject_stuck_mcu(struct host_machine *machine)
{
   mali_gpu_inject_stuck_mcu(machine->gpu);
}
