/* SPDX-License-Identifier: MIT */
/* Register offsets and fields of the virtual Mali: those of a Mali-G610. */
#ifndef MALI_REGS_H
#define MALI_REGS_H

/* GPU control */
#define MALI_GPU_ID 0x0
#define MALI_GPU_L2_FEATURES 0x4
#define MALI_GPU_CORE_FEATURES 0x8
#define MALI_GPU_TILER_FEATURES 0xc
#define MALI_GPU_MEM_FEATURES 0x10
#define MALI_GPU_MMU_FEATURES 0x14
#define MALI_GPU_AS_PRESENT 0x18
#define MALI_GPU_CSF_ID 0x1c
#define MALI_GPU_INT_RAWSTAT 0x20
#define MALI_GPU_INT_CLEAR 0x24
#define MALI_GPU_INT_MASK 0x28
#define MALI_GPU_INT_STAT 0x2c
#define MALI_GPU_IRQ_FAULT (1u << 0)
#define MALI_GPU_IRQ_RESET_COMPLETED (1u << 8)
#define MALI_GPU_IRQ_CLEAN_CACHES_COMPLETED (1u << 17)
#define MALI_GPU_CMD 0x30
#define MALI_GPU_CMD_SOFT_RESET 0x101
#define MALI_GPU_CMD_HARD_RESET 0x201
#define MALI_GPU_CMD_FLUSH_CACHES 0x4 /* low byte; operations above */
#define MALI_GPU_CMD_FLUSH_L2(op) ((op) << 8)
#define MALI_GPU_CMD_FLUSH_LSC(op) ((op) << 12)
#define MALI_GPU_CMD_FLUSH_OTHER(op) ((op) << 16)
#define MALI_GPU_CMD_FLUSH_CLEAN 1
#define MALI_GPU_CMD_FLUSH_INVALIDATE 2
#define MALI_GPU_STATUS 0x34
#define MALI_GPU_TIMESTAMP_OFFSET 0x88
#define MALI_GPU_CYCLE_COUNT 0x90
#define MALI_GPU_TIMESTAMP 0x98
#define MALI_GPU_THREAD_MAX_THREADS 0xa0
#define MALI_GPU_THREAD_MAX_WORKGROUP_SIZE 0xa4
#define MALI_GPU_THREAD_MAX_BARRIER_SIZE 0xa8
#define MALI_GPU_THREAD_FEATURES 0xac
#define MALI_GPU_TEXTURE_FEATURES(n) (0xb0 + 4 * (n))
#define MALI_GPU_SHADER_PRESENT 0x100
#define MALI_GPU_TILER_PRESENT 0x110
#define MALI_GPU_L2_PRESENT 0x120
#define MALI_GPU_REVID 0x280
#define MALI_GPU_COHERENCY_FEATURES 0x300
#define MALI_GPU_COHERENCY_PROTOCOL 0x304
#define MALI_GPU_COHERENCY_ACE_LITE 0 /* bit number in FEATURES, PROTOCOL */
#define MALI_GPU_COHERENCY_NONE 31
/* Of the virtual GPU only; 0 on hardware. */
#define MALI_GPU_VIRT_FEATURES 0xff8
#define MALI_GPU_VIRT_ABSENT_STALL (1u << 0)
#define MALI_GPU_VIRT_NULL_LEAVES (1u << 1)

/* Microcontroller */
#define MALI_MCU_CONTROL 0x700
#define MALI_MCU_CONTROL_DISABLE 0
#define MALI_MCU_CONTROL_ENABLE 1
#define MALI_MCU_CONTROL_AUTO 2
#define MALI_MCU_STATUS 0x704 /* disabled, enabled, halted, fatal */
#define MALI_JOB_INT_RAWSTAT 0x1000
#define MALI_JOB_INT_CLEAR 0x1004
#define MALI_JOB_INT_MASK 0x1008
#define MALI_JOB_INT_STAT 0x100c
#define MALI_JOB_INT_GLOBAL_IF (1u << 31)
#define MALI_CSF_DOORBELL(n) (0x80000 + 0x10000 * (n))
#define MALI_CSF_DOORBELL_COUNT 64

/* MMU */
#define MALI_MMU_INT_RAWSTAT 0x2000
#define MALI_MMU_INT_CLEAR 0x2004
#define MALI_MMU_INT_MASK 0x2008
#define MALI_MMU_INT_STAT 0x200c
#define MALI_AS(n) (0x2400 + 0x40 * (n))
#define MALI_AS_TRANSTAB(n) (MALI_AS(n) + 0x00)
#define MALI_AS_MEMATTR(n) (MALI_AS(n) + 0x08)
#define MALI_AS_LOCKADDR(n) (MALI_AS(n) + 0x10)
#define MALI_AS_COMMAND(n) (MALI_AS(n) + 0x18)
#define MALI_AS_FAULTSTATUS(n) (MALI_AS(n) + 0x1c)
#define MALI_AS_FAULTADDRESS(n) (MALI_AS(n) + 0x20)
#define MALI_AS_STATUS(n) (MALI_AS(n) + 0x28)
#define MALI_AS_TRANSCFG(n) (MALI_AS(n) + 0x30)
#define MALI_AS_FAULTEXTRA(n) (MALI_AS(n) + 0x38)

/* LOCKADDR: a naturally aligned block of 2^(width + 1) bytes. */
#define MALI_AS_LOCKADDR_WIDTH_MASK 0x3full
#define MALI_AS_LOCKADDR_WIDTH_MIN 14 /* 32 KiB */

/* TRANSCFG, 64 bits */
#define MALI_AS_TRANSCFG_ADRMODE_MASK 0xfull
#define MALI_AS_TRANSCFG_ADRMODE_UNMAPPED 1
#define MALI_AS_TRANSCFG_ADRMODE_IDENTITY 2
#define MALI_AS_TRANSCFG_ADRMODE_AARCH64_4K 6
#define MALI_AS_TRANSCFG_ADRMODE_AARCH64_64K 8
#define MALI_AS_TRANSCFG_INA_BITS(va_bits) ((uint64_t)(55 - (va_bits)) << 6)
#define MALI_AS_TRANSCFG_INA_BITS_MASK (0x1full << 6)
#define MALI_AS_TRANSCFG_PTW_MEMATTR_NC (1ull << 24)
#define MALI_AS_TRANSCFG_PTW_MEMATTR_WB (2ull << 24)
#define MALI_AS_TRANSCFG_PTW_SH_OS (2ull << 28)
#define MALI_AS_TRANSCFG_PTW_SH_IS (3ull << 28)
#define MALI_AS_TRANSCFG_PTW_RA (1ull << 30)
#define MALI_AS_TRANSCFG_DISABLE_HIER_AP (1ull << 33)
#define MALI_AS_TRANSCFG_DISABLE_AF_FAULT (1ull << 34)

/* FAULTSTATUS */
#define MALI_AS_FAULTSTATUS_EXCEPTION_MASK 0xffu
#define MALI_AS_FAULTSTATUS_ACCESS(access) ((uint32_t)(access) << 8)
#define MALI_AS_FAULTSTATUS_ACCESS_MASK (3u << 8)
#define MALI_AS_FAULTSTATUS_SOURCE(source) ((uint32_t)(source) << 16)
#define MALI_ACCESS_ATOMIC 0
#define MALI_ACCESS_EXECUTE 1
#define MALI_ACCESS_READ 2
#define MALI_ACCESS_WRITE 3

#define MALI_FAULT_GPU_BUS 0x80
#define MALI_FAULT_TRANSLATION(level) (0xc0 + (level)) /* 0..4 */
#define MALI_FAULT_PERMISSION(level) (0xc8 + (level)) /* 0..3 */
#define MALI_FAULT_ACCESS_FLAG(level) (0xd8 + (level)) /* 1..3 */
#define MALI_FAULT_ADDR_SIZE_IN 0xe0
#define MALI_FAULT_ADDR_SIZE_OUT(level) (0xe4 + (level)) /* 0..3 */
#define MALI_FAULT_ABSENT 0xf0 /* of the virtual GPU: see mali_walk() */
#define MALI_FAULT_MEM_ATTR(level) (0xe8 + (level)) /* 0..3 */

#define MALI_AS_STATUS_ACTIVE (1u << 0)

#define MALI_AS_COMMAND_NOP 0
#define MALI_AS_COMMAND_UPDATE 1
#define MALI_AS_COMMAND_LOCK 2
#define MALI_AS_COMMAND_UNLOCK 3
#define MALI_AS_COMMAND_FLUSH_PT 4
#define MALI_AS_COMMAND_FLUSH_MEM 5

/*
 * Descriptors of the LPAE page tables: 64-bit little-endian entries, 512 to a
 * table of 4 KiB, the lookup levels being 0 to 3.
 */
#define MALI_PTE_VALID (1ull << 0)
#define MALI_PTE_TYPE_MASK 3ull
#define MALI_PTE_BLOCK 1ull /* levels 1 and 2 */
#define MALI_PTE_TABLE 3ull /* levels 0 to 2 */
#define MALI_PTE_PAGE 3ull /* level 3 */
#define MALI_PTE_ADDR_MASK 0x0000fffffffff000ull
#define MALI_PTE_ATTR_INDEX_SHIFT 2
#define MALI_PTE_ATTR_INDEX_MASK (7ull << 2)
#define MALI_PTE_AP_UNPRIV (1ull << 6)
#define MALI_PTE_AP_READONLY (1ull << 7)
#define MALI_PTE_AF (1ull << 10)
#define MALI_PTE_XN (3ull << 53)
#define MALI_PTE_NULL (1ull << 55) /* with MALI_GPU_VIRT_NULL_LEAVES */
#define MALI_PTE_TABLE_XN (3ull << 59) /* hierarchical: applies below */
#define MALI_PTE_TABLE_AP_NO_UNPRIV (1ull << 61)
#define MALI_PTE_TABLE_AP_READONLY (1ull << 62)

/*
 * MEMATTR: one byte for each AttrIndx. Bits 7:6 set mean that an access through
 * this index faults.
 */
#define MALI_AS_MEMATTR_FAULT 3

/* The user page, mapped read-only into processes: word 0 is LATEST_FLUSH_ID. */
#define MALI_USER_LATEST_FLUSH_ID 0x10000

#endif /* MALI_REGS_H */
