/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Memory that the driver shares with the firmware of architecture 10: control
 * blocks, which firmware fills in when it boots, and a pair of input (driver to
 * firmware) and output (firmware to driver) blocks for the device, for each
 * command-stream group (CSG) slot and for each command stream (CS) of a group.
 *
 * A request is pending while a bit of input req differs from the same bit of
 * output ack. Both sides may write at any time: every access is a READ_ONCE or
 * a WRITE_ONCE.
 */
#ifndef PANTHOR_FW_IFACE_H
#define PANTHOR_FW_IFACE_H

#include <linux/bits.h>
#include <linux/types.h>

/* ---------------------------------------------------------------- device -- */

struct panthor_fw_global_control_iface {
	u32 version; /* major 31:24, minor 23:16, patch 15:0 */
	u32 features;
	u32 input_va;
	u32 output_va;
	u32 group_num;
	u32 group_stride; /* bytes from one group's control block to the next */
	u32 perfcnt_size;
	u32 instr_features;
};

#define GLB_VERSION_MAJOR(x) ((x) >> 24)
#define GLB_VERSION_MINOR(x) (((x) >> 16) & 0xff)
#define GLB_VERSION_PATCH(x) ((x) & 0xffff)

struct panthor_fw_global_input_iface {
	u32 req;
	u32 ack_irq_mask;
	u32 doorbell_req; /* bit per CSG */
	u32 reserved0;
	u32 progress_timer; /* 1024 GPU cycles; 0: off */
	u32 poweroff_timer; /* GLB_TIMER_* */
	u64 core_en_mask;
	u32 reserved1[24]; /* performance counters */
	u32 idle_timer;	   /* GLB_TIMER_* */
};

#define GLB_HALT BIT(0)
#define GLB_CFG_PROGRESS_TIMER BIT(1)
#define GLB_CFG_ALLOC_EN BIT(2)
#define GLB_CFG_POWEROFF_TIMER BIT(3)
#define GLB_PROTM_ENTER BIT(4)
#define GLB_PERFCNT_EN BIT(5)
#define GLB_PERFCNT_SAMPLE BIT(6)
#define GLB_COUNTER_EN BIT(7)
#define GLB_PING BIT(8)
#define GLB_FIRMWARE_CONFIG_UPDATE BIT(9)
#define GLB_IDLE_EN BIT(10)
#define GLB_IDLE_EVENT BIT(26)

/* In 1024 ticks of the system counter, or of the GPU's clock. */
#define GLB_TIMER_VAL(x) ((x)&GENMASK(30, 0))
#define GLB_TIMER_SOURCE_GPU_COUNTER BIT(31)

struct panthor_fw_global_output_iface {
	u32 ack;
	u32 reserved0;
	u32 doorbell_ack;
	u32 reserved1;
	u32 halt_status;
};

/* ----------------------------------------------------------------- group -- */

/* Where the control blocks of groups are, from the device's one on. */
#define CSG_CONTROL_OFFSET 0x1000

struct panthor_fw_csg_control_iface {
	u32 features;
	u32 input_va;
	u32 output_va;
	u32 suspend_size; /* bytes of a suspend buffer */
	u32 protm_suspend_size;
	u32 stream_num;
	u32 stream_stride;
};

struct panthor_fw_csg_input_iface {
	u32 req;
	u32 ack_irq_mask;
	u32 doorbell_req; /* bit per CS */
	u32 cs_irq_ack;
	u32 reserved0[4];
	u64 allow_compute;
	u64 allow_fragment;
	u32 allow_other;
	u32 endpoint_req; /* CSG_EP_REQ_* */
	u32 reserved1[2];
	u64 suspend_buf; /* VA of the MCU VM */
	u64 protm_suspend_buf;
	u32 config; /* AS slot in 4:0 */
	u32 iter_trace_config;
};

#define CSG_STATE_MASK GENMASK(2, 0)
#define CSG_STATE_TERMINATE 0
#define CSG_STATE_START 1
#define CSG_STATE_SUSPEND 2
#define CSG_STATE_RESUME 3
#define CSG_ENDPOINT_CONFIG BIT(4)
#define CSG_STATUS_UPDATE BIT(5)
#define CSG_SYNC_UPDATE BIT(28)
#define CSG_IDLE BIT(29)
#define CSG_DOORBELL BIT(30)
#define CSG_PROGRESS_TIMER_EVENT BIT(31)
/* What firmware tells by itself. */
#define CSG_EVT_MASK (CSG_SYNC_UPDATE | CSG_IDLE | CSG_PROGRESS_TIMER_EVENT)

#define CSG_EP_REQ_COMPUTE(x) ((x)&GENMASK(7, 0))
#define CSG_EP_REQ_FRAGMENT(x) (((x) << 8) & GENMASK(15, 8))
#define CSG_EP_REQ_TILER(x) (((x) << 16) & GENMASK(19, 16))
#define CSG_EP_REQ_EXCL_COMPUTE BIT(20)
#define CSG_EP_REQ_EXCL_FRAGMENT BIT(21)
#define CSG_EP_REQ_PRIORITY(x) (((u32)(x) << 28) & GENMASK(31, 28))

#define CSG_CONFIG_AS(x) ((x)&GENMASK(4, 0))

struct panthor_fw_csg_output_iface {
	u32 ack;
	u32 reserved0;
	u32 doorbell_ack;
	u32 cs_irq_req; /* bit per CS with events */
	u32 status_endpoint_current;
	u32 status_endpoint_req;
	u32 status_state;
	u32 resource_dep;
};

#define CSG_STATUS_STATE_IS_IDLE BIT(0)

/* -------------------------------------------------------- command stream -- */

/* Where the control blocks of streams are, from their group's one on. */
#define CS_CONTROL_OFFSET 0x40

struct panthor_fw_cs_control_iface {
	u32 features; /* CS_FEATURES_* */
	u32 input_va;
	u32 output_va;
};

#define CS_FEATURES_WORK_REGS(x) (((x)&GENMASK(7, 0)) + 1)
#define CS_FEATURES_SCOREBOARDS(x) (((x)&GENMASK(15, 8)) >> 8)
#define CS_FEATURES_COMPUTE BIT(16)
#define CS_FEATURES_FRAGMENT BIT(17)
#define CS_FEATURES_TILER BIT(18)

struct panthor_fw_cs_input_iface {
	u32 req;
	u32 config; /* CS_CONFIG_* */
	u32 reserved0;
	u32 ack_irq_mask;
	u64 ringbuf_base; /* VA of the group's VM */
	u32 ringbuf_size; /* bytes */
	u32 reserved1;
	u64 heap_start;
	u64 heap_end;
	u64 ringbuf_input;  /* VA of the MCU VM */
	u64 ringbuf_output; /* VA of the MCU VM */
	u32 instr_config;
	u32 instrbuf_size;
	u64 instrbuf_base;
	u64 instrbuf_offset_ptr;
};

#define CS_STATE_MASK GENMASK(2, 0)
#define CS_STATE_STOP 0
#define CS_STATE_START 1
#define CS_EXTRACT_EVENT BIT(4)
#define CS_IDLE_SYNC_WAIT BIT(8)
#define CS_IDLE_PROTM_PENDING BIT(9)
#define CS_IDLE_EMPTY BIT(10)
#define CS_IDLE_RESOURCE_REQ BIT(11)
#define CS_TILER_OOM BIT(26)
#define CS_PROTM_PENDING BIT(27)
#define CS_FATAL BIT(30)
#define CS_FAULT BIT(31)
/* What firmware tells by itself. */
#define CS_EVT_MASK (CS_TILER_OOM | CS_PROTM_PENDING | CS_FATAL | CS_FAULT)

#define CS_CONFIG_PRIORITY(x) ((x)&GENMASK(3, 0))
#define CS_CONFIG_DOORBELL(x) (((x) << 8) & GENMASK(15, 8))

struct panthor_fw_cs_output_iface {
	u32 ack;
	u32 reserved0[15];
	u64 status_cmd_ptr;
	u32 status_wait; /* CS_STATUS_WAIT_* */
	u32 status_req_resource;
	u64 status_wait_sync_ptr;
	u32 status_wait_sync_value;
	u32 status_scoreboards;
	u32 status_blocked_reason; /* CS_STATUS_BLOCKED_REASON_* */
	u32 status_wait_sync_value_hi;
	u32 reserved1[6];
	u32 fault; /* CS_EXCEPTION_* */
	u32 fatal; /* CS_EXCEPTION_* */
	u64 fault_info;
	u64 fatal_info;
	u32 reserved2[10];
	u32 heap_vt_start;
	u32 heap_vt_end;
	u32 reserved3;
	u32 heap_frag_end;
	u64 heap_address;
};

#define CS_STATUS_WAIT_SB_MASK GENMASK(15, 0)
#define CS_STATUS_WAIT_SYNC_COND_MASK GENMASK(27, 24)
#define CS_STATUS_WAIT_SYNC_COND(x) (((x)&GENMASK(27, 24)) >> 24)
#define CS_STATUS_WAIT_SYNC_COND_LE 0
#define CS_STATUS_WAIT_SYNC_COND_GT 1
#define CS_STATUS_WAIT_PROGRESS BIT(28)
#define CS_STATUS_WAIT_PROTM BIT(29)
#define CS_STATUS_WAIT_SYNC_64B BIT(30)
#define CS_STATUS_WAIT_SYNC BIT(31)

#define CS_STATUS_BLOCKED_REASON_UNBLOCKED 0
#define CS_STATUS_BLOCKED_REASON_SB_WAIT 1
#define CS_STATUS_BLOCKED_REASON_PROGRESS_WAIT 2
#define CS_STATUS_BLOCKED_REASON_SYNC_WAIT 3
#define CS_STATUS_BLOCKED_REASON_DEFERRED 4
#define CS_STATUS_BLOCKED_REASON_RESOURCE 5
#define CS_STATUS_BLOCKED_REASON_FLUSH 6

#define CS_EXCEPTION_TYPE(x) ((x)&GENMASK(7, 0))
#define CS_EXCEPTION_DATA(x) ((x) >> 8)

/* --------------------------------------------------------- ring buffers -- */

/* Byte counts that only grow; the ring's position is the count mod its size. */
struct panthor_fw_ringbuf_input_iface {
	u64 insert;
	u64 extract; /* where the stream begins when it is started */
};

struct panthor_fw_ringbuf_output_iface {
	u64 extract;
	u32 active;
};

#endif /* PANTHOR_FW_IFACE_H */
