/* SPDX-License-Identifier: MIT */
/*
 * The command-stream front end: a microcontroller (MCU) with firmware built in,
 * group slots (CSG) with command streams (CS) in them, and their interpreter.
 *
 *   mali_fw_image.c   the image that a driver loads
 *   mali_mcu.c        boot and stop, doorbells, the MCU's thread
 *   mali_csg.c        group slots: start, suspend, resume, terminate, events
 *   mali_cs.c         the thread of a command stream: its ring buffer
 *   mali_cs_exec.c    instructions
 *   mali_mem.c        loads and stores through an address space
 *
 * Threads. The MCU's thread alone reads and writes what is shared with the
 * driver, through the page tables of address space 0. Every command stream that
 * was ever started has a thread, which is parked while the stream has nothing
 * to do or is not to run. Streams tell the MCU of events by flags.
 *
 * Locks. mali_mcu::lock guards the fields that say so below. It is held for
 * some stores only, and never while GPU memory is accessed: that may have to
 * wait for the driver. It comes before nothing and after nothing: the tlb lock
 * is not taken inside. A stream's context belongs to its thread while `parked`
 * is false, and to the MCU's thread otherwise.
 */
#ifndef MALI_CSF_H
#define MALI_CSF_H

#include <pthread.h>

#include "mali_private.h"

#define MALI_MAX_CSG 16
#define MALI_MAX_CS 32
#define MALI_CS_REGS 96
/* The ring's own CALL included. */
#define MALI_CS_MAX_DEPTH 8

struct mali_mcu;
struct mali_cs;
struct mali_csg;

/* --------------------------------------------------- memory (mali_mem.c) -- */

/* Whose accesses these are: what FAULTSTATUS says, and where they go. */
struct mali_port {
	struct mali_gpu *gpu;
	uint32_t as;
	uint32_t source; /* FAULTSTATUS 31:16 */
	const struct mali_cs *cs; /* NULL: the MCU */
	const _Atomic bool
		*run; /* an access that waits is called off without */
};

/* Bits 31:16 of FAULTSTATUS for an access of a command stream. */
#define MALI_SOURCE_CS(csg, cs) (0x8000u | (csg) << 8 | (cs))
#define MALI_SOURCE_MCU 0x4000u

/*
 * Load or store 4 or 8 bytes at @va, a multiple of that. They wait while the
 * address is locked or absent, and see the old translation or the new one.
 * Return 0, the exception code of the fault, which has been recorded, or
 * MALI_INTERRUPTED, where *run became false before they could be done.
 */
uint32_t mali_mem_load32(const struct mali_port *port, uint64_t va,
			 uint32_t *value_out);
uint32_t mali_mem_load64(const struct mali_port *port, uint64_t va,
			 uint64_t *value_out);
uint32_t mali_mem_store32(const struct mali_port *port, uint64_t va,
			  uint32_t value);
uint32_t mali_mem_store64(const struct mali_port *port, uint64_t va,
			  uint64_t value);
/* Atomically adds; @value_out: the sum. */
uint32_t mali_mem_add32(const struct mali_port *port, uint64_t va,
			uint32_t value);
uint32_t mali_mem_add64(const struct mali_port *port, uint64_t va,
			uint64_t value);

/* ------------------------------------------------------ command streams -- */

/* Where execution is in one buffer; frame 0 is the ring. */
struct mali_cs_frame {
	uint64_t pc; /* address of the next instruction; ring: bytes consumed */
	uint64_t end; /* address behind the last one; unused for the ring */
};

/* A SYNC_WAIT that was not satisfied when it was looked at last. */
struct mali_cs_wait {
	uint64_t va;
	uint64_t ref;
	uint32_t is_blocked;
	uint32_t is_64;
	uint32_t is_greater; /* wait for value > ref, else for value <= ref */
	uint32_t error_reject;
};

/* The tiler heap of a stream, and how many render passes it has seen. */
struct mali_cs_heap {
	uint64_t va; /* of the context, as the driver knows the heap */
	uint32_t vt_started, vt_completed, frag_completed;
	uint32_t is_empty; /* waits for the driver to answer TILER_OOM */
	uint32_t answer_reg;
	uint32_t reserved;
};

/*
 * All that a stream is, and what suspending stores: plain words, no pointers.
 */
struct mali_cs_context {
	uint32_t started;
	uint32_t fatal; /* an error it does not come back from */
	uint64_t fatal_info;
	uint32_t error; /* jobs are to say that they failed */
	uint32_t depth; /* index of the current frame */
	uint32_t regs[MALI_CS_REGS];
	struct mali_cs_frame frames[MALI_CS_MAX_DEPTH];
	struct mali_cs_wait wait;
	struct mali_cs_heap heap;
	/* From the input block, when the stream was started. */
	uint64_t ring_va, ring_input_va, ring_output_va;
	uint32_t ring_size_B;
	uint32_t doorbell;
};

/* Why a stream is parked. */
enum mali_cs_idle {
	MALI_CS_STOPPED,
	MALI_CS_EMPTY,
	MALI_CS_BLOCKED,
	MALI_CS_OOM,
	MALI_CS_DEAD,
};

/* What a stream has to tell: bits of mali_cs::events. */
#define MALI_CS_EVENT_FATAL (1u << 0)
#define MALI_CS_EVENT_FAULT (1u << 1)
#define MALI_CS_EVENT_SYNC_UPDATE (1u << 2)
#define MALI_CS_EVENT_PROGRESS_TIMER (1u << 3)
#define MALI_CS_EVENT_TILER_OOM (1u << 4)

struct mali_cs {
	struct mali_csg *csg;
	uint32_t index;
	struct mali_cs_context context;

	/* The MCU's thread only: TILER_OOM was told and is not answered yet. */
	bool asked;

	/* The rest is guarded by mali_mcu::lock. */
	pthread_t thread;
	bool has_thread;
	pthread_cond_t wake;
	/* The thread may execute. Read without the lock, too. */
	_Atomic bool run;
	bool quit;    /* the thread is to end */
	bool kick;    /* look at the ring, or at what is waited for, again */
	bool parked;  /* the thread executes nothing */
	bool polling; /* though parked, it reads the context */
	enum mali_cs_idle idle;
	uint32_t events;
	/* Details of the events. */
	uint32_t fatal, fault;
	uint64_t fatal_info, fault_info;
	uint32_t doorbell; /* copy of the context's, for the register */
};

enum mali_csg_state {
	MALI_CSG_FREE,
	MALI_CSG_RUNNING,
	MALI_CSG_LEAVING, /* until all streams have stopped */
};

struct mali_csg {
	struct mali_mcu *mcu;
	uint32_t index;
	struct mali_cs cs[MALI_MAX_CS];

	/* The MCU's thread only. */
	enum mali_csg_state state;

	/* Set while no stream runs; read by their threads. */
	uint32_t as;

	/* Guarded by mali_mcu::lock. */
	bool told_idle; /* since a stream executed last */
};

/* -------------------------------------------------------------- the MCU -- */

enum mali_mcu_status {
	MALI_MCU_OFF = 0,
	MALI_MCU_ENABLED = 1,
	MALI_MCU_HALTED = 2,
	MALI_MCU_FATAL = 3,
};

struct mali_mcu {
	struct mali_gpu *gpu;
	struct mali_irq_block job_irq;
	struct mali_port port; /* address space 0 */
	struct mali_csg csg[MALI_MAX_CSG];

	pthread_mutex_t lock;
	pthread_cond_t wake;	/* there is work for the MCU's thread */
	pthread_cond_t settled; /* the thread has done a round of work */
	pthread_t thread;
	/* Guarded by lock. */
	bool quit;
	bool work;  /* a doorbell, an event, or a change of control */
	bool stop;  /* drop everything: MCU_CONTROL, or a reset */
	bool start; /* boot */
	bool busy;  /* the thread is at work */
	bool stuck; /* injected: answers nothing until a reset */
	_Atomic uint32_t status;	   /* MALI_MCU_* */
	_Atomic uint32_t progress_limit_k; /* 1024 cycles; 0: none */
	_Atomic uint64_t instructions, starts;
	_Atomic bool said_shaders;
};

int mali_mcu_init(struct mali_mcu *mcu, struct mali_gpu *gpu);
void mali_mcu_finish(struct mali_mcu *mcu);
/* Everything stopped and forgotten when this returns; no GPU memory needed. */
void mali_mcu_reset(struct mali_mcu *mcu);
void mali_mcu_control(struct mali_mcu *mcu, uint32_t value);
void mali_mcu_doorbell(struct mali_mcu *mcu, uint32_t doorbell);
void mali_mcu_wake(struct mali_mcu *mcu); /* lock held */
/* Raises JOB_INT bits. */
void mali_mcu_interrupt(struct mali_mcu *mcu, uint32_t bits);
/* The MCU cannot reach what it shares with the driver any more. */
void mali_mcu_fail(struct mali_mcu *mcu);

/* Words shared with the driver; a fault makes the MCU fail. */
uint32_t mali_mcu_read(struct mali_mcu *mcu, uint64_t va);
uint64_t mali_mcu_read64(struct mali_mcu *mcu, uint64_t va);
void mali_mcu_write(struct mali_mcu *mcu, uint64_t va, uint32_t value);
void mali_mcu_write64(struct mali_mcu *mcu, uint64_t va, uint64_t value);

/* Group slots; the MCU's thread. */
void mali_csg_describe(struct mali_csg *csg, uint64_t control_va);
void mali_csg_update(struct mali_csg *csg);
void mali_csg_events(struct mali_csg *csg);
/* Tells all streams to stop. */
void mali_csg_halt(struct mali_csg *csg);
void mali_cs_halt(struct mali_cs *cs);
bool mali_cs_is_parked(struct mali_cs *cs);
/* Have all streams stopped? */
bool mali_csg_is_parked(struct mali_csg *csg);
void mali_csg_forget(struct mali_csg *csg);

/* Streams. */
int mali_cs_init(struct mali_cs *cs, struct mali_csg *csg, uint32_t index);
void mali_cs_finish(struct mali_cs *cs);
/* Lets the thread execute its context; makes it with the first. 0 or -errno. */
int mali_cs_run(struct mali_cs *cs);
/* A doorbell: look at the ring, and at what the stream waits for. Lock held. */
void mali_cs_kick(struct mali_cs *cs);
/* A synchronisation object was written: look at what streams wait for. */
void mali_cs_kick_blocked(struct mali_mcu *mcu);
/* Tells the MCU. */
void mali_cs_post(struct mali_cs *cs, uint32_t event, uint32_t code,
		  uint64_t info);
/* The driver's answer to TILER_OOM; true if the stream was ready for it. */
bool mali_cs_answer(struct mali_cs *cs, uint64_t chunk);
void mali_cs_port(const struct mali_cs *cs, struct mali_port *port_out);

enum mali_cs_step {
	MALI_CS_STEP_NEXT,
	MALI_CS_STEP_BLOCKED, /* context->wait says on what */
	MALI_CS_STEP_OOM,     /* context->heap is empty; it has been posted */
	MALI_CS_STEP_FATAL,   /* it has been posted */
};
/* Executes the instruction @word, which lies at @va. */
enum mali_cs_step mali_cs_execute(struct mali_cs *cs, uint64_t word,
				  uint64_t va);
/* Looks at a blocked wait again. */
enum mali_cs_step mali_cs_retry_wait(struct mali_cs *cs);
/* Asks for memory for the heap, again after it was resumed. */
enum mali_cs_step mali_cs_ask(struct mali_cs *cs);
/* Would that end the wait? Changes nothing. */
bool mali_cs_wait_is_over(const struct mali_cs *cs);
enum mali_cs_step mali_cs_fatal(struct mali_cs *cs, uint32_t code,
				uint64_t info);

/* What the image's code section begins with. */
extern const char mali_fw_ident[16];

/* Shared memory as this firmware lays it out. */
#define MALI_FW_CODE_VA 0x00800000u
#define MALI_FW_SHARED_VA 0x04000000u
#define MALI_FW_SHARED_B 0x80000u
#define MALI_FW_CSG_STRIDE 0x400u
#define MALI_FW_CS_STRIDE 0x10u
#define MALI_FW_CSG_CONTROL(csg)                                               \
	(MALI_FW_SHARED_VA + 0x1000u + (csg)*MALI_FW_CSG_STRIDE)
#define MALI_FW_GLB_INPUT (MALI_FW_SHARED_VA + 0x10000u)
#define MALI_FW_GLB_OUTPUT (MALI_FW_SHARED_VA + 0x10100u)
#define MALI_FW_CSG_INPUT(csg) (MALI_FW_SHARED_VA + 0x11000u + (csg)*0x200u)
#define MALI_FW_CSG_OUTPUT(csg) (MALI_FW_CSG_INPUT(csg) + 0x100u)
#define MALI_FW_CS_INPUT(csg, cs)                                              \
	(MALI_FW_SHARED_VA + 0x20000u + ((csg)*MALI_MAX_CS + (cs)) * 0x200u)
#define MALI_FW_CS_OUTPUT(csg, cs) (MALI_FW_CS_INPUT(csg, cs) + 0x100u)

/* Bytes that suspending a group of @streams stores. */
static inline uint32_t mali_csg_suspend_B(uint32_t streams)
{
	uint64_t size_B = streams * sizeof(struct mali_cs_context);

	return (size_B + MALI_PAGE_SIZE - 1) & ~(MALI_PAGE_SIZE - 1);
}

#endif /* MALI_CSF_H */
