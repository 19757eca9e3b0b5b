/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "host_private.h"

#define DEFAULT_VA_BITS 48
#define DEFAULT_PA_BITS 40
#define MAX_AS_COUNT 32
#define MAX_CSG_COUNT 16
#define MAX_CS_COUNT 32
#define MAX_FW_PATIENCE 1000
#define DEFAULT_CSG_COUNT 8
#define DEFAULT_CS_COUNT 8
#define DEFAULT_FW_PATIENCE 10

static uint64_t
physical_memory_B(void)
{
   long pages = sysconf(_SC_PHYS_PAGES);
   long page_size_B = sysconf(_SC_PAGESIZE);

   if (pages <= 0 || page_size_B <= 0)
      return 0;

   return (uint64_t)pages * (uint64_t)page_size_B;
}

static bool
pa_bits_valid(uint32_t bits)
{
   switch (bits) {
   case 32:
   case 36:
   case 40:
   case 42:
   case 44:
   case 48:
      return true;
   default:
      return false;
   }
}

static int
check_dram_size(const struct host_config *config)
{
   uint64_t limit_B = UINT64_C(1) << config->pa_bits;

   if (config->dram_size_B % MALI_BLOCK_SIZE || !config->dram_size_B) {
      host_error("dram_size_B is %" PRIu64
                 ", but must be a multiple of 2 MiB and not 0",
                 config->dram_size_B);
      return -EINVAL;
   }

   if (config->dram_size_B > limit_B) {
      host_error("dram_size_B is %" PRIu64 " MiB, but pa_bits %" PRIu32
                 " reach only %" PRIu64 " MiB: ask for less, or more pa_bits",
                 config->dram_size_B >> 20, config->pa_bits, limit_B >> 20);
      return -EINVAL;
   }

   return 0;
}

int
host_config_resolve(const struct host_config *config,
                    struct host_config *resolved_out)
{
   struct host_config c = config ? *config : (struct host_config){0};

   if (!c.va_bits)
      c.va_bits = DEFAULT_VA_BITS;
   if (!c.pa_bits)
      c.pa_bits = DEFAULT_PA_BITS;
   if (!c.as_count)
      c.as_count = MAX_AS_COUNT;
   if (!c.csg_count)
      c.csg_count = DEFAULT_CSG_COUNT;
   if (!c.cs_count)
      c.cs_count = DEFAULT_CS_COUNT;
   if (!c.fw_patience)
      c.fw_patience = DEFAULT_FW_PATIENCE;

   if (c.va_bits < 33 || c.va_bits > 48) {
      host_error("va_bits is %" PRIu32 ", but must be 33..48", c.va_bits);
      return -EINVAL;
   }

   if (!pa_bits_valid(c.pa_bits)) {
      host_error("pa_bits is %" PRIu32 ", but must be 32, 36, 40, 42, 44 or 48",
                 c.pa_bits);
      return -EINVAL;
   }

   if (c.as_count < 2 || c.as_count > MAX_AS_COUNT) {
      host_error("as_count is %" PRIu32
                 ", but must be 2..32: slot 0 is reserved",
                 c.as_count);
      return -EINVAL;
   }

   if (c.csg_count > MAX_CSG_COUNT || c.cs_count > MAX_CS_COUNT) {
      host_error("csg_count is %" PRIu32 " and cs_count %" PRIu32
                 ", but they must be at most 16 and 32",
                 c.csg_count, c.cs_count);
      return -EINVAL;
   }

   if (c.fw_patience > MAX_FW_PATIENCE) {
      host_error("fw_patience is %" PRIu32 ", but must be 1..1000",
                 c.fw_patience);
      return -EINVAL;
   }

   if (c.uapi > HOST_UAPI_1_8) {
      host_error("uapi is %d, which is no enum host_uapi", (int)c.uapi);
      return -EINVAL;
   }

   if (!c.dram_size_B) {
      uint64_t limit_B = UINT64_C(1) << c.pa_bits;

      c.dram_size_B = physical_memory_B();
      if (c.dram_size_B > limit_B)
         c.dram_size_B = limit_B;
      c.dram_size_B -= c.dram_size_B % MALI_BLOCK_SIZE;
   }

   int ret = check_dram_size(&c);
   if (ret)
      return ret;

   if (c.swap_size_B == HOST_NO_SWAP)
      c.swap_size_B = 0;
   else if (!c.swap_size_B)
      c.swap_size_B = c.dram_size_B;

   *resolved_out = c;
   return 0;
}
