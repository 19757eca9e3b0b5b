/* SPDX-License-Identifier: MIT */
/*
 * Group slots: what the driver asks of them and of their streams, and what they
 * tell the driver. Everything here runs in the MCU's thread.
 *
 *	        START, RESUME           SUSPEND, TERMINATE
 *	FREE ───────────────────> RUNNING ─────────────────> LEAVING ──> FREE
 *
 * A group leaves its slot when all of its streams have stopped, each at the end
 * of an instruction. One that waits for memory is called off, and executes its
 * instruction again when it is resumed.
 */
#include <string.h>

#include "mali_csf.h"

/* Offsets in the blocks of a group. */
#define CSG_CONTROL_FEATURES 0x0
#define CSG_CONTROL_INPUT 0x4
#define CSG_CONTROL_OUTPUT 0x8
#define CSG_CONTROL_SUSPEND_SIZE 0xc
#define CSG_CONTROL_PROTM_SUSPEND_SIZE 0x10
#define CSG_CONTROL_STREAM_NUM 0x14
#define CSG_CONTROL_STREAM_STRIDE 0x18
#define CSG_CONTROL_STREAMS 0x40
#define CSG_REQ 0x0
#define CSG_ACK_IRQ_MASK 0x4
#define CSG_DOORBELL_REQ 0x8
#define CSG_IRQ_ACK 0xc
#define CSG_ENDPOINT_REQ 0x34
#define CSG_SUSPEND_BUF 0x40
#define CSG_CONFIG 0x50
#define CSG_ACK 0x0
#define CSG_DOORBELL_ACK 0x8
#define CSG_IRQ_REQ 0xc
#define CSG_STATUS_ENDPOINT_CURRENT 0x10
#define CSG_STATUS_ENDPOINT_REQ 0x14
#define CSG_STATUS_STATE 0x18

#define CSG_CONFIG_AS_MASK 0x1fu
#define CSG_STATUS_STATE_IDLE (1u << 0)

#define CSG_STATE_MASK 7u
#define CSG_STATE_TERMINATE 0
#define CSG_STATE_START 1
#define CSG_STATE_SUSPEND 2
#define CSG_STATE_RESUME 3
#define CSG_EP_CFG (1u << 4)
#define CSG_STATUS_UPDATE (1u << 5)
#define CSG_SYNC_UPDATE (1u << 28)
#define CSG_IDLE (1u << 29)
#define CSG_PROGRESS_TIMER_EVENT (1u << 31)

/* Offsets in the blocks of a stream. */
#define CS_CONTROL_FEATURES 0x0
#define CS_CONTROL_INPUT 0x4
#define CS_CONTROL_OUTPUT 0x8
#define CS_REQ 0x0
#define CS_CONFIG 0x4
#define CS_ACK_IRQ_MASK 0xc
#define CS_RINGBUF_BASE 0x10
#define CS_RINGBUF_SIZE 0x18
#define CS_HEAP_START 0x20
#define CS_RINGBUF_INPUT 0x30
#define CS_RINGBUF_OUTPUT 0x38
#define CS_ACK 0x0
#define CS_STATUS_CMD_PTR 0x40
#define CS_STATUS_WAIT 0x48
#define CS_STATUS_REQ_RESOURCE 0x4c
#define CS_STATUS_WAIT_SYNC_PTR 0x50
#define CS_STATUS_WAIT_SYNC_VALUE 0x58
#define CS_STATUS_SCOREBOARDS 0x5c
#define CS_STATUS_BLOCKED_REASON 0x60
#define CS_STATUS_WAIT_SYNC_VALUE_HI 0x64
#define CS_FAULT_STATUS 0x80
#define CS_FATAL_STATUS 0x84
#define CS_FAULT_INFO 0x88
#define CS_FATAL_INFO 0x90
#define CS_HEAP_VT_START 0xc0
#define CS_HEAP_VT_END 0xc4
#define CS_HEAP_FRAG_END 0xcc
#define CS_HEAP_ADDRESS 0xd0

#define CS_FEATURES                                                            \
	((MALI_CS_REGS - 1) | 8u << 8 | 1u << 16 | 1u << 17 | 1u << 18)
#define CS_CONFIG_DOORBELL(config) ((config) >> 8 & 0xff)
#define CS_STATE_MASK 7u
#define CS_STATE_STOP 0
#define CS_STATE_START 1
#define CS_IDLE_SYNC_WAIT (1u << 8)
#define CS_IDLE_EMPTY (1u << 10)
#define CS_REQ_TILER_OOM (1u << 26)
#define CS_REQ_FATAL (1u << 30)
#define CS_REQ_FAULT (1u << 31)
#define CS_STATUS_WAIT_GREATER (1u << 24)
#define CS_STATUS_WAIT_SYNC_64 (1u << 30)
#define CS_STATUS_WAIT_SYNC (1u << 31)
#define CS_BLOCKED_REASON_SYNC_WAIT 3

#define RING_INPUT_EXTRACT_INIT 0x8

#define FATAL_CS_CONFIG_FAULT 0x40

static uint32_t stream_count(const struct mali_csg *csg)
{
	return csg->mcu->gpu->config.cs_count;
}

static uint64_t input(const struct mali_csg *csg)
{
	return MALI_FW_CSG_INPUT(csg->index);
}

static uint64_t output(const struct mali_csg *csg)
{
	return MALI_FW_CSG_OUTPUT(csg->index);
}

static uint64_t cs_input(const struct mali_cs *cs)
{
	return MALI_FW_CS_INPUT(cs->csg->index, cs->index);
}

static uint64_t cs_output(const struct mali_cs *cs)
{
	return MALI_FW_CS_OUTPUT(cs->csg->index, cs->index);
}

/* Changes bits of the group's ack, and interrupts where that is wanted. */
static void acknowledge(struct mali_csg *csg, uint32_t bits, uint32_t value)
{
	struct mali_mcu *mcu = csg->mcu;
	uint32_t ack = mali_mcu_read(mcu, output(csg) + CSG_ACK);

	value = (ack & ~bits) | (value & bits);
	if (value == ack)
		return;
	mali_mcu_write(mcu, output(csg) + CSG_ACK, value);
	if ((value ^ ack) & mali_mcu_read(mcu, input(csg) + CSG_ACK_IRQ_MASK))
		mali_mcu_interrupt(mcu, 1u << csg->index);
}

/* An event, unless the driver has not yet seen the last one of its kind. */
static void tell(struct mali_csg *csg, uint32_t event)
{
	struct mali_mcu *mcu = csg->mcu;
	uint32_t req = mali_mcu_read(mcu, input(csg) + CSG_REQ);
	uint32_t ack = mali_mcu_read(mcu, output(csg) + CSG_ACK);

	acknowledge(csg, event & ~(req ^ ack), ~ack);
}

/* ------------------------------------------------------------- streams -- */

/* A ring that cannot be one would make the stream's address arithmetic fail. */
static bool has_ring(const struct mali_cs *cs)
{
	const struct mali_cs_context *context = &cs->context;
	uint32_t size_B = context->ring_size_B;
	uint64_t addresses = context->ring_va | context->ring_input_va |
			     context->ring_output_va;

	return size_B >= 8 && !(size_B & (size_B - 1)) && addresses % 8 == 0;
}

/* The context that the input block describes, at its beginning. */
static void load_stream(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	struct mali_cs_context *context = &cs->context;
	uint64_t at = cs_input(cs);

	memset(context, 0, sizeof(*context));
	context->started = 1;
	context->ring_va = mali_mcu_read64(mcu, at + CS_RINGBUF_BASE);
	context->ring_size_B = mali_mcu_read(mcu, at + CS_RINGBUF_SIZE);
	context->ring_input_va = mali_mcu_read64(mcu, at + CS_RINGBUF_INPUT);
	context->ring_output_va = mali_mcu_read64(mcu, at + CS_RINGBUF_OUTPUT);
	context->doorbell =
		CS_CONFIG_DOORBELL(mali_mcu_read(mcu, at + CS_CONFIG));
	if (has_ring(cs))
		context->frames[0].pc = mali_mcu_read64(
			mcu, context->ring_input_va + RING_INPUT_EXTRACT_INIT);
}

/* Lets a stream execute that has a context. */
static void run_stream(struct mali_cs *cs)
{
	struct mali_cs_context *context = &cs->context;
	uint32_t fatal = has_ring(cs) ? context->fatal : FATAL_CS_CONFIG_FAULT;
	uint64_t info = context->fatal_info;

	context->fatal = fatal;
	/* From here on the context is the thread's. */
	if (mali_cs_run(cs))
		mali_mcu_fail(cs->csg->mcu);
	/* Also when a dead one is resumed: it may not have been heard before.
	 */
	else if (fatal)
		mali_cs_post(cs, MALI_CS_EVENT_FATAL, fatal, info);
}

/* START and STOP; true if the request is done. */
static bool update_stream_state(struct mali_cs *cs, uint32_t state)
{
	if (state == CS_STATE_START) {
		if (!cs->context.started) {
			load_stream(cs);
			run_stream(cs);
		}
		return true;
	}
	mali_cs_halt(cs);
	if (!mali_cs_is_parked(cs))
		return false;
	cs->context.started = 0;
	return true;
}

static void update_stream(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	uint32_t req = mali_mcu_read(mcu, cs_input(cs) + CS_REQ);
	uint32_t ack = mali_mcu_read(mcu, cs_output(cs) + CS_ACK);

	if (!((req ^ ack) & CS_STATE_MASK) ||
	    !update_stream_state(cs, req & CS_STATE_MASK))
		return;
	mali_mcu_write(mcu, cs_output(cs) + CS_ACK,
		       (ack & ~CS_STATE_MASK) | (req & CS_STATE_MASK));
	if (mali_mcu_read(mcu, cs_input(cs) + CS_ACK_IRQ_MASK) & CS_STATE_MASK)
		mali_mcu_interrupt(mcu, 1u << cs->csg->index);
}

/*
 * The driver has made request and acknowledgement of TILER_OOM equal: what
 * heap_start holds goes to the stream, and into its suspend buffer if it is
 * about to leave.
 */
static void take_answer(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	uint32_t req, ack;

	if (!cs->asked)
		return;
	req = mali_mcu_read(mcu, cs_input(cs) + CS_REQ);
	ack = mali_mcu_read(mcu, cs_output(cs) + CS_ACK);
	if ((req ^ ack) & CS_REQ_TILER_OOM)
		return;
	if (mali_cs_answer(cs,
			   mali_mcu_read64(mcu, cs_input(cs) + CS_HEAP_START)))
		cs->asked = false;
}

/* What a parked stream waits for, and where it is. */
static void write_status(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	struct mali_cs_context context = {0};
	uint64_t at = cs_output(cs);
	uint32_t wait = 0;

	pthread_mutex_lock(&mcu->lock);
	if (cs->parked)
		context = cs->context;
	pthread_mutex_unlock(&mcu->lock);

	if (context.wait.is_blocked)
		wait = CS_STATUS_WAIT_SYNC |
		       (context.wait.is_64 ? CS_STATUS_WAIT_SYNC_64 : 0) |
		       (context.wait.is_greater ? CS_STATUS_WAIT_GREATER : 0);
	mali_mcu_write64(mcu, at + CS_STATUS_CMD_PTR,
			 context.depth ? context.frames[context.depth].pc
				       : context.ring_va);
	mali_mcu_write(mcu, at + CS_STATUS_WAIT, wait);
	mali_mcu_write(mcu, at + CS_STATUS_REQ_RESOURCE, 0);
	mali_mcu_write64(mcu, at + CS_STATUS_WAIT_SYNC_PTR, context.wait.va);
	mali_mcu_write(mcu, at + CS_STATUS_WAIT_SYNC_VALUE,
		       (uint32_t)context.wait.ref);
	mali_mcu_write(mcu, at + CS_STATUS_WAIT_SYNC_VALUE_HI,
		       (uint32_t)(context.wait.ref >> 32));
	mali_mcu_write(mcu, at + CS_STATUS_SCOREBOARDS, 0);
	mali_mcu_write(mcu, at + CS_STATUS_BLOCKED_REASON,
		       wait ? CS_BLOCKED_REASON_SYNC_WAIT : 0);
}

/* ------------------------------------------------------------- idleness -- */

/* Has the stream nothing to do, for a reason that the driver lets count? */
static bool stream_is_idle(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	uint32_t req = mali_mcu_read(mcu, cs_input(cs) + CS_REQ);
	bool idle = false;

	pthread_mutex_lock(&mcu->lock);
	if (cs->parked && cs->idle == MALI_CS_EMPTY)
		idle = !cs->kick && (req & CS_IDLE_EMPTY);
	else if (cs->parked && cs->idle == MALI_CS_BLOCKED)
		idle = req & CS_IDLE_SYNC_WAIT;
	else if (cs->parked)
		idle = cs->idle == MALI_CS_DEAD;
	pthread_mutex_unlock(&mcu->lock);
	return idle;
}

static bool group_is_idle(struct mali_csg *csg)
{
	bool any = false;

	for (uint32_t i = 0; i < stream_count(csg); i++) {
		if (!csg->cs[i].context.started)
			continue;
		any = true;
		if (!stream_is_idle(&csg->cs[i]))
			return false;
	}
	return any;
}

static void update_idle(struct mali_csg *csg)
{
	struct mali_mcu *mcu = csg->mcu;
	bool idle = group_is_idle(csg), news;

	pthread_mutex_lock(&mcu->lock);
	news = idle && !csg->told_idle;
	csg->told_idle = idle;
	pthread_mutex_unlock(&mcu->lock);

	if (!news)
		return;
	for (uint32_t i = 0; i < stream_count(csg); i++)
		write_status(&csg->cs[i]);
	mali_mcu_write(mcu, output(csg) + CSG_STATUS_STATE,
		       CSG_STATUS_STATE_IDLE);
	tell(csg, CSG_IDLE);
}

static void status_update(struct mali_csg *csg)
{
	for (uint32_t i = 0; i < stream_count(csg); i++)
		write_status(&csg->cs[i]);
	mali_mcu_write(csg->mcu, output(csg) + CSG_STATUS_STATE,
		       group_is_idle(csg) ? CSG_STATUS_STATE_IDLE : 0);
}

/* ------------------------------------------------------- state requests -- */

void mali_csg_halt(struct mali_csg *csg)
{
	for (uint32_t i = 0; i < stream_count(csg); i++)
		mali_cs_halt(&csg->cs[i]);
}

bool mali_csg_is_parked(struct mali_csg *csg)
{
	for (uint32_t i = 0; i < stream_count(csg); i++) {
		if (!mali_cs_is_parked(&csg->cs[i]))
			return false;
	}
	return true;
}

void mali_csg_forget(struct mali_csg *csg)
{
	csg->state = MALI_CSG_FREE;
	for (uint32_t i = 0; i < stream_count(csg); i++)
		csg->cs[i].context.started = 0;
}

/* The suspend buffer holds the contexts of all streams, one behind the other.
 */
static void copy_contexts(struct mali_csg *csg, bool store)
{
	struct mali_mcu *mcu = csg->mcu;
	uint64_t at =
		mali_mcu_read64(mcu, input(csg) + CSG_SUSPEND_BUF) & ~7ull;

	for (uint32_t i = 0; i < stream_count(csg); i++) {
		struct mali_cs_context *context = &csg->cs[i].context;
		uint64_t *words = (uint64_t *)context;

		for (size_t j = 0; j < sizeof(*context) / 8; j++, at += 8) {
			if (store)
				mali_mcu_write64(mcu, at, words[j]);
			else
				words[j] = mali_mcu_read64(mcu, at);
		}
	}
}

static void configure(struct mali_csg *csg)
{
	struct mali_mcu *mcu = csg->mcu;
	uint32_t endpoints = mali_mcu_read(mcu, input(csg) + CSG_ENDPOINT_REQ);

	mali_mcu_write(mcu, output(csg) + CSG_STATUS_ENDPOINT_REQ, endpoints);
	mali_mcu_write(mcu, output(csg) + CSG_STATUS_ENDPOINT_CURRENT,
		       endpoints);
}

/* No event is pending: those of the group that was here before are nobody's. */
static void clear_events(struct mali_csg *csg)
{
	const uint32_t events =
		CSG_SYNC_UPDATE | CSG_IDLE | CSG_PROGRESS_TIMER_EVENT;
	struct mali_mcu *mcu = csg->mcu;
	uint32_t req = mali_mcu_read(mcu, input(csg) + CSG_REQ);
	uint32_t ack = mali_mcu_read(mcu, output(csg) + CSG_ACK);

	mali_mcu_write(mcu, output(csg) + CSG_ACK,
		       (ack & ~events) | (req & events));
	mali_mcu_write(mcu, output(csg) + CSG_IRQ_REQ,
		       mali_mcu_read(mcu, input(csg) + CSG_IRQ_ACK));
	for (uint32_t i = 0; i < stream_count(csg); i++) {
		struct mali_cs *cs = &csg->cs[i];

		req = mali_mcu_read(mcu, cs_input(cs) + CS_REQ);
		mali_mcu_write(mcu, cs_output(cs) + CS_ACK,
			       req & ~CS_STATE_MASK);
		cs->asked = false;
	}
}

static void start_group(struct mali_csg *csg, bool resume)
{
	struct mali_mcu *mcu = csg->mcu;

	csg->state = MALI_CSG_RUNNING;
	csg->as = mali_mcu_read(mcu, input(csg) + CSG_CONFIG) &
		  CSG_CONFIG_AS_MASK;
	pthread_mutex_lock(&mcu->lock);
	csg->told_idle = false;
	pthread_mutex_unlock(&mcu->lock);
	atomic_fetch_add_explicit(&mcu->starts, 1, memory_order_relaxed);
	mali_mcu_write(mcu, output(csg) + CSG_STATUS_STATE, 0);
	configure(csg);
	clear_events(csg);

	if (resume)
		copy_contexts(csg, false);
	for (uint32_t i = 0; i < stream_count(csg); i++) {
		struct mali_cs *cs = &csg->cs[i];

		if (!resume) {
			cs->context.started = 0;
		} else if (cs->context.started) {
			/* The slot may be another one than before. */
			cs->context.doorbell = CS_CONFIG_DOORBELL(
				mali_mcu_read(mcu, cs_input(cs) + CS_CONFIG));
			run_stream(cs);
		}
	}
}

/* True if the state that the driver asks for is reached. */
static bool update_state(struct mali_csg *csg, uint32_t wanted)
{
	switch (wanted) {
	case CSG_STATE_START:
	case CSG_STATE_RESUME:
		if (csg->state == MALI_CSG_FREE)
			start_group(csg, wanted == CSG_STATE_RESUME);
		return csg->state == MALI_CSG_RUNNING;
	case CSG_STATE_SUSPEND:
	case CSG_STATE_TERMINATE:
		if (csg->state == MALI_CSG_FREE)
			return true;
		csg->state = MALI_CSG_LEAVING;
		mali_csg_halt(csg);
		if (!mali_csg_is_parked(csg))
			return false;
		/* What there is to tell is told before the answer. */
		mali_csg_events(csg);
		if (wanted == CSG_STATE_SUSPEND) {
			status_update(csg);
			copy_contexts(csg, true);
		}
		mali_csg_forget(csg);
		return true;
	default:
		return true;
	}
}

/* Rings that the driver has written to. */
static void update_doorbells(struct mali_csg *csg)
{
	struct mali_mcu *mcu = csg->mcu;
	uint32_t req = mali_mcu_read(mcu, input(csg) + CSG_DOORBELL_REQ);
	uint32_t ack = mali_mcu_read(mcu, output(csg) + CSG_DOORBELL_ACK);

	if (req == ack)
		return;
	mali_mcu_write(mcu, output(csg) + CSG_DOORBELL_ACK, req);
	pthread_mutex_lock(&mcu->lock);
	for (uint32_t i = 0; i < stream_count(csg); i++) {
		if ((req ^ ack) >> i & 1)
			mali_cs_kick(&csg->cs[i]);
	}
	pthread_mutex_unlock(&mcu->lock);
}

void mali_csg_update(struct mali_csg *csg)
{
	struct mali_mcu *mcu = csg->mcu;
	uint32_t req = mali_mcu_read(mcu, input(csg) + CSG_REQ);
	uint32_t pending = req ^ mali_mcu_read(mcu, output(csg) + CSG_ACK);
	uint32_t done = pending & CSG_EP_CFG;

	if (csg->state != MALI_CSG_FREE) {
		for (uint32_t i = 0; i < stream_count(csg); i++)
			take_answer(&csg->cs[i]);
	}
	if ((pending & CSG_STATE_MASK) &&
	    update_state(csg, req & CSG_STATE_MASK))
		done |= CSG_STATE_MASK;
	if (csg->state == MALI_CSG_RUNNING) {
		if (pending & CSG_EP_CFG)
			configure(csg);
		for (uint32_t i = 0; i < stream_count(csg); i++)
			update_stream(&csg->cs[i]);
		update_doorbells(csg);
	}
	if (pending & CSG_STATUS_UPDATE) {
		status_update(csg);
		done |= CSG_STATUS_UPDATE;
	}
	acknowledge(csg, done, req);
}

/* --------------------------------------------------------------- events -- */

/* Has the driver not yet dealt with the last event of its kind? */
static bool is_pending(struct mali_cs *cs, uint32_t bit)
{
	struct mali_mcu *mcu = cs->csg->mcu;

	return (mali_mcu_read(mcu, cs_input(cs) + CS_REQ) ^
		mali_mcu_read(mcu, cs_output(cs) + CS_ACK)) &
	       bit;
}

/* An event of a stream, of which all is written that is known about it. */
static void tell_stream(struct mali_cs *cs, uint32_t bit)
{
	struct mali_csg *csg = cs->csg;
	struct mali_mcu *mcu = csg->mcu;
	uint32_t ack = mali_mcu_read(mcu, cs_output(cs) + CS_ACK);
	uint32_t irq_req = mali_mcu_read(mcu, output(csg) + CSG_IRQ_REQ);
	uint32_t irq_ack = mali_mcu_read(mcu, input(csg) + CSG_IRQ_ACK);

	mali_mcu_write(mcu, cs_output(cs) + CS_ACK, ack ^ bit);
	if (!((irq_req ^ irq_ack) >> cs->index & 1))
		mali_mcu_write(mcu, output(csg) + CSG_IRQ_REQ,
			       irq_req ^ 1u << cs->index);
	if (mali_mcu_read(mcu, cs_input(cs) + CS_ACK_IRQ_MASK) & bit)
		mali_mcu_interrupt(mcu, 1u << csg->index);
}

/* FATAL and FAULT of a stream, with what is known about them. */
static void tell_error(struct mali_cs *cs, uint32_t bit, uint32_t status_at,
		       uint32_t status, uint32_t info_at, uint64_t info)
{
	struct mali_mcu *mcu = cs->csg->mcu;

	/* The last one was not seen yet: that says it all. */
	if (is_pending(cs, bit))
		return;
	mali_mcu_write(mcu, cs_output(cs) + status_at, status);
	mali_mcu_write64(mcu, cs_output(cs) + info_at, info);
	tell_stream(cs, bit);
}

/* The stream waits, so that nobody changes its heap meanwhile. */
static void tell_oom(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	uint64_t at = cs_output(cs);
	struct mali_cs_heap heap;

	cs->asked = true;
	if (is_pending(cs, CS_REQ_TILER_OOM))
		return;
	pthread_mutex_lock(&mcu->lock);
	heap = cs->context.heap;
	pthread_mutex_unlock(&mcu->lock);
	mali_mcu_write(mcu, at + CS_HEAP_VT_START, heap.vt_started);
	mali_mcu_write(mcu, at + CS_HEAP_VT_END, heap.vt_completed);
	mali_mcu_write(mcu, at + CS_HEAP_FRAG_END, heap.frag_completed);
	mali_mcu_write64(mcu, at + CS_HEAP_ADDRESS, heap.va);
	tell_stream(cs, CS_REQ_TILER_OOM);
}

void mali_csg_events(struct mali_csg *csg)
{
	struct mali_mcu *mcu = csg->mcu;
	uint32_t all = 0;

	for (uint32_t i = 0; i < stream_count(csg); i++) {
		struct mali_cs *cs = &csg->cs[i];
		uint64_t fatal_info, fault_info;
		uint32_t events, fatal, fault;

		pthread_mutex_lock(&mcu->lock);
		events = cs->events;
		cs->events = 0;
		fatal = cs->fatal;
		fault = cs->fault;
		fatal_info = cs->fatal_info;
		fault_info = cs->fault_info;
		pthread_mutex_unlock(&mcu->lock);

		all |= events;
		if (events & MALI_CS_EVENT_FATAL)
			tell_error(cs, CS_REQ_FATAL, CS_FATAL_STATUS, fatal,
				   CS_FATAL_INFO, fatal_info);
		if (events & MALI_CS_EVENT_FAULT)
			tell_error(cs, CS_REQ_FAULT, CS_FAULT_STATUS, fault,
				   CS_FAULT_INFO, fault_info);
		if (events & MALI_CS_EVENT_TILER_OOM)
			tell_oom(cs);
	}
	/* What streams did before they stopped is told all the same. */
	if (all & MALI_CS_EVENT_SYNC_UPDATE)
		tell(csg, CSG_SYNC_UPDATE);
	if (all & MALI_CS_EVENT_PROGRESS_TIMER)
		tell(csg, CSG_PROGRESS_TIMER_EVENT);
	if (csg->state == MALI_CSG_RUNNING)
		update_idle(csg);
}

void mali_csg_describe(struct mali_csg *csg, uint64_t control_va)
{
	struct mali_mcu *mcu = csg->mcu;

	mali_mcu_write(mcu, control_va + CSG_CONTROL_FEATURES, 0);
	mali_mcu_write(mcu, control_va + CSG_CONTROL_INPUT, input(csg));
	mali_mcu_write(mcu, control_va + CSG_CONTROL_OUTPUT, output(csg));
	mali_mcu_write(mcu, control_va + CSG_CONTROL_SUSPEND_SIZE,
		       mali_csg_suspend_B(stream_count(csg)));
	mali_mcu_write(mcu, control_va + CSG_CONTROL_PROTM_SUSPEND_SIZE,
		       mali_csg_suspend_B(stream_count(csg)));
	mali_mcu_write(mcu, control_va + CSG_CONTROL_STREAM_NUM,
		       stream_count(csg));
	mali_mcu_write(mcu, control_va + CSG_CONTROL_STREAM_STRIDE,
		       MALI_FW_CS_STRIDE);
	mali_mcu_write(mcu, output(csg) + CSG_ACK, 0);
	mali_mcu_write(mcu, output(csg) + CSG_DOORBELL_ACK, 0);
	mali_mcu_write(mcu, output(csg) + CSG_IRQ_REQ, 0);

	for (uint32_t i = 0; i < stream_count(csg); i++) {
		struct mali_cs *cs = &csg->cs[i];
		uint64_t at = control_va + CSG_CONTROL_STREAMS +
			      i * MALI_FW_CS_STRIDE;

		mali_mcu_write(mcu, at + CS_CONTROL_FEATURES, CS_FEATURES);
		mali_mcu_write(mcu, at + CS_CONTROL_INPUT, cs_input(cs));
		mali_mcu_write(mcu, at + CS_CONTROL_OUTPUT, cs_output(cs));
		mali_mcu_write(mcu, cs_output(cs) + CS_ACK, 0);
	}
}
