/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Registers of Mali GPUs of architecture 10, as far as the driver uses them. */
#ifndef PANTHOR_REGS_H
#define PANTHOR_REGS_H

#include <linux/bits.h>

/* ----------------------------------------------------------- GPU control -- */

#define GPU_ID 0x0
#define GPU_L2_FEATURES 0x4
#define GPU_CORE_FEATURES 0x8
#define GPU_TILER_FEATURES 0xc
#define GPU_MEM_FEATURES 0x10
#define GPU_MMU_FEATURES 0x14
#define GPU_MMU_FEATURES_VA_BITS(x) ((x) & GENMASK(7, 0))
#define GPU_MMU_FEATURES_PA_BITS(x) (((x) >> 8) & GENMASK(7, 0))
#define GPU_AS_PRESENT 0x18
#define GPU_CSF_ID 0x1c

#define GPU_INT_RAWSTAT 0x20
#define GPU_INT_CLEAR 0x24
#define GPU_INT_MASK 0x28
#define GPU_INT_STAT 0x2c
#define GPU_IRQ_FAULT BIT(0)
#define GPU_IRQ_PROTM_FAULT BIT(1)
#define GPU_IRQ_RESET_COMPLETED BIT(8)
#define GPU_IRQ_CLEAN_CACHES_COMPLETED BIT(17)

#define GPU_CMD 0x30
#define GPU_CMD_DEF(type, payload) ((type) | ((payload) << 8))
#define GPU_SOFT_RESET GPU_CMD_DEF(1, 1)
#define GPU_HARD_RESET GPU_CMD_DEF(1, 2)
/* An operation for each of the L2, the load/store cache and all others. */
#define GPU_FLUSH_CACHES(l2, lsc, oth)                                         \
	GPU_CMD_DEF(4, ((l2) << 0) | ((lsc) << 4) | ((oth) << 8))
#define CACHE_CLEAN BIT(0)
#define CACHE_INV BIT(1)

#define GPU_STATUS 0x34
#define GPU_FAULT_STATUS 0x3c
#define GPU_FAULT_ADDR 0x40
#define GPU_TIMESTAMP_OFFSET 0x88
#define GPU_CYCLE_COUNT 0x90
#define GPU_TIMESTAMP 0x98
#define GPU_THREAD_MAX_THREADS 0xa0
#define GPU_THREAD_MAX_WORKGROUP_SIZE 0xa4
#define GPU_THREAD_MAX_BARRIER_SIZE 0xa8
#define GPU_THREAD_FEATURES 0xac
#define GPU_TEXTURE_FEATURES(n) (0xb0 + 4 * (n))
#define GPU_SHADER_PRESENT 0x100
#define GPU_TILER_PRESENT 0x110
#define GPU_L2_PRESENT 0x120
#define GPU_REVID 0x280
/* Of the virtual GPU alone; reads 0 on hardware. */
#define GPU_VIRT_FEATURES 0xff8
#define GPU_VIRT_FEATURES_ABSENT_STALL BIT(0)
#define GPU_VIRT_FEATURES_NULL_LEAVES BIT(1)
#define GPU_COHERENCY_FEATURES 0x300
#define GPU_COHERENCY_PROT_BIT(protocol) BIT(GPU_COHERENCY_##protocol)
#define GPU_COHERENCY_PROTOCOL 0x304
#define GPU_COHERENCY_ACE_LITE 0
#define GPU_COHERENCY_ACE 1
#define GPU_COHERENCY_NONE 31

/* ------------------------------------------------------------------- MMU -- */

#define MMU_INT_RAWSTAT 0x2000
#define MMU_INT_CLEAR 0x2004
#define MMU_INT_MASK 0x2008
#define MMU_INT_STAT 0x200c

#define AS_BASE(as) (0x2400 + 0x40 * (as))
#define AS_TRANSTAB(as) (AS_BASE(as) + 0x00)
#define AS_MEMATTR(as) (AS_BASE(as) + 0x08)
#define AS_LOCKADDR(as) (AS_BASE(as) + 0x10)
#define AS_COMMAND(as) (AS_BASE(as) + 0x18)
#define AS_FAULTSTATUS(as) (AS_BASE(as) + 0x1c)
#define AS_FAULTADDRESS(as) (AS_BASE(as) + 0x20)
#define AS_STATUS(as) (AS_BASE(as) + 0x28)
#define AS_TRANSCFG(as) (AS_BASE(as) + 0x30)
#define AS_FAULTEXTRA(as) (AS_BASE(as) + 0x38)

#define AS_COMMAND_NOP 0
#define AS_COMMAND_UPDATE 1
#define AS_COMMAND_LOCK 2
#define AS_COMMAND_UNLOCK 3
#define AS_COMMAND_FLUSH_PT 4
#define AS_COMMAND_FLUSH_MEM 5

#define AS_STATUS_AS_ACTIVE BIT(0)

/* LOCKADDR cannot name less than this. */
#define AS_LOCK_REGION_MIN_SIZE (1ull << 15)

#define AS_TRANSCFG_ADRMODE_UNMAPPED (1ull << 0)
#define AS_TRANSCFG_ADRMODE_IDENTITY (2ull << 0)
#define AS_TRANSCFG_ADRMODE_AARCH64_4K (6ull << 0)
#define AS_TRANSCFG_INA_BITS(x) ((u64)(x) << 6)
#define AS_TRANSCFG_OUTA_BITS(x) ((u64)(x) << 14)
#define AS_TRANSCFG_PTW_MEMATTR_NC (1ull << 24)
#define AS_TRANSCFG_PTW_MEMATTR_WB (2ull << 24)
#define AS_TRANSCFG_PTW_SH_NS (0ull << 28)
#define AS_TRANSCFG_PTW_SH_OS (2ull << 28)
#define AS_TRANSCFG_PTW_SH_IS (3ull << 28)
#define AS_TRANSCFG_PTW_RA (1ull << 30)

#define AS_FAULTSTATUS_EXCEPTION(x) ((x) & GENMASK(7, 0))
/* Of the virtual GPU alone: the access waits until the interrupt is cleared. */
#define AS_FAULTSTATUS_ABSENT 0xf0
#define AS_FAULTSTATUS_ACCESS(x) (((x) >> 8) & GENMASK(1, 0))
#define AS_FAULTSTATUS_ACCESS_ATOMIC 0
#define AS_FAULTSTATUS_ACCESS_EXECUTE 1
#define AS_FAULTSTATUS_ACCESS_READ 2
#define AS_FAULTSTATUS_ACCESS_WRITE 3
#define AS_FAULTSTATUS_SOURCE_ID(x) ((x) >> 16)
/* Of a source: a command stream, and which one. */
#define AS_FAULTSTATUS_SOURCE_IS_CS 0x8000
#define AS_FAULTSTATUS_SOURCE_CSG(x) (((x) >> 8) & 0x1f)
#define AS_FAULTSTATUS_SOURCE_CS(x) ((x)&0x1f)

/* -------------------------------------------------------------- firmware -- */

#define MCU_CONTROL 0x700
#define MCU_CONTROL_DISABLE 0
#define MCU_CONTROL_ENABLE 1
#define MCU_CONTROL_AUTO 2
#define MCU_STATUS 0x704
#define MCU_STATUS_DISABLED 0
#define MCU_STATUS_ENABLED 1
#define MCU_STATUS_HALT 2
#define MCU_STATUS_FATAL 3

/* Bit n: group slot n; bit 31: the device's interface. */
#define JOB_INT_RAWSTAT 0x1000
#define JOB_INT_CLEAR 0x1004
#define JOB_INT_MASK 0x1008
#define JOB_INT_STAT 0x100c
#define JOB_INT_GLOBAL_IF BIT(31)

/* Doorbell 0 is for requests to the firmware, the others for ring buffers. */
#define CSF_DOORBELL(i) (0x80000 + 0x10000 * (i))
#define CSF_GLB_DOORBELL_ID 0

/* ------------------------------------------------------------- user page -- */

/* The page that processes may map read-only; word 0 is LATEST_FLUSH_ID. */
#define CSF_GPU_LATEST_FLUSH_ID 0x10000

#endif /* PANTHOR_REGS_H */
