/* SPDX-License-Identifier: MIT */
/*
 * A command stream: a thread that fetches instructions from a ring buffer, and
 * from the buffers that those call, until it has nothing to do.
 *
 *	parked ── run, and a reason to look ──> executing
 *	executing ── ring empty, blocked, dead, or told to stop ──> parked
 *
 * A blocked stream looks at its wait when a synchronisation object was written
 * by a stream, when a doorbell rings, and every millisecond, because the CPU
 * may have written it without a word. One whose tiler heap is empty waits for
 * the driver's answer, and asks once more when it is resumed before that came.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "mali_csf.h"

#define POLL_NS 1000000
/* Instructions between two looks at the clock. */
#define CLOCK_INTERVAL 256

/* Offsets in the pages that the driver and a stream share. */
#define RING_INPUT_INSERT 0x0
#define RING_OUTPUT_EXTRACT 0x0
#define RING_OUTPUT_ACTIVE 0x8

#define FATAL_CS_CONFIG_FAULT 0x40
#define FATAL_CS_BUS_FAULT 0x48

void mali_cs_port(const struct mali_cs *cs, struct mali_port *port_out)
{
	*port_out = (struct mali_port){
		.gpu = cs->csg->mcu->gpu,
		.as = cs->csg->as,
		.source = MALI_SOURCE_CS(cs->csg->index, cs->index),
		.cs = cs,
		.run = &cs->run,
	};
}

/* ----------------------------------------------------------- execution -- */

/* What the driver sees of the ring. */
static void publish(struct mali_cs *cs, bool active)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	uint64_t va = cs->context.ring_output_va;

	mali_mcu_write64(mcu, va + RING_OUTPUT_EXTRACT,
			 cs->context.frames[0].pc);
	mali_mcu_write(mcu, va + RING_OUTPUT_ACTIVE, active);
}

enum fetch { FETCH_NEXT, FETCH_EMPTY, FETCH_OVERFULL };

/* Where the next instruction is, if there is one. */
static enum fetch next_address(struct mali_cs *cs, uint64_t *va_out)
{
	struct mali_cs_context *context = &cs->context;
	struct mali_cs_frame *frame = &context->frames[context->depth];
	bool returned = false;
	uint64_t filled;

	for (; context->depth && frame->pc >= frame->end; frame--) {
		context->depth--;
		returned = true;
	}
	if (context->depth) {
		*va_out = frame->pc;
		return FETCH_NEXT;
	}
	if (returned)
		publish(cs, true);
	filled = mali_mcu_read64(cs->csg->mcu,
				 context->ring_input_va + RING_INPUT_INSERT) -
		 frame->pc;
	*va_out = context->ring_va + frame->pc % context->ring_size_B;
	if (filled > context->ring_size_B || filled % 8)
		return FETCH_OVERFULL;
	return filled ? FETCH_NEXT : FETCH_EMPTY;
}

static enum mali_cs_step step(struct mali_cs *cs, uint64_t va)
{
	struct mali_cs_context *context = &cs->context;
	struct mali_port port;
	uint32_t exception;
	uint64_t word;

	mali_cs_port(cs, &port);
	/* Ring buffers are never executable: fetching is reading. */
	exception = mali_mem_load64(&port, va, &word);
	if (exception == MALI_INTERRUPTED)
		return MALI_CS_STEP_NEXT;
	if (exception)
		return mali_cs_fatal(cs, FATAL_CS_BUS_FAULT, va);
	context->frames[context->depth].pc += sizeof(word);
	atomic_fetch_add_explicit(&cs->csg->mcu->instructions, 1,
				  memory_order_relaxed);
	return mali_cs_execute(cs, word, va);
}

/* How long this thread has executed: waiting for a processor is no standstill. */
static uint64_t executed_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Tells, once for each time that the stream was set going. */
static void check_progress(struct mali_cs *cs, uint64_t since_ns, bool *told)
{
	uint64_t limit_ns =
		(uint64_t)atomic_load_explicit(&cs->csg->mcu->progress_limit_k,
					       memory_order_relaxed) *
		1024;

	if (*told || !limit_ns || executed_ns() - since_ns < limit_ns)
		return;
	*told = true;
	mali_cs_post(cs, MALI_CS_EVENT_PROGRESS_TIMER, 0, 0);
}

/* Fetches and executes one instruction; *@empty_out: there is none. */
static enum mali_cs_step advance(struct mali_cs *cs, bool *empty_out)
{
	uint64_t va;

	*empty_out = false;
	if (cs->context.wait.is_blocked)
		return mali_cs_retry_wait(cs);
	if (cs->context.heap.is_empty)
		return mali_cs_ask(cs);
	switch (next_address(cs, &va)) {
	case FETCH_NEXT:
		return step(cs, va);
	case FETCH_EMPTY:
		*empty_out = true;
		return MALI_CS_STEP_NEXT;
	default:
		return mali_cs_fatal(cs, FATAL_CS_CONFIG_FAULT, va);
	}
}

/* Executes until there is a reason to park. Nothing is locked. */
static enum mali_cs_idle execute(struct mali_cs *cs)
{
	uint64_t since_ns = executed_ns();
	bool told = false, empty;

	publish(cs, true);
	for (uint64_t n = 1; atomic_load(&cs->run); n++) {
		enum mali_cs_step result = advance(cs, &empty);

		if (empty) {
			publish(cs, false);
			return MALI_CS_EMPTY;
		}
		if (result == MALI_CS_STEP_FATAL)
			return MALI_CS_DEAD;
		if (result == MALI_CS_STEP_BLOCKED)
			return MALI_CS_BLOCKED;
		if (result == MALI_CS_STEP_OOM)
			return MALI_CS_OOM;
		if (n % CLOCK_INTERVAL == 0)
			check_progress(cs, since_ns, &told);
	}
	return MALI_CS_STOPPED;
}

/* ---------------------------------------------------------- the thread -- */

static void wait_for_wake(struct mali_cs *cs, bool poll)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	struct timespec until;

	if (!poll) {
		pthread_cond_wait(&cs->wake, &mcu->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += POLL_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&cs->wake, &mcu->lock, &until);
}

/* Is what a parked stream waits for there? Drops the lock to look. */
static bool poll_wait(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	bool over;

	cs->polling = true;
	pthread_mutex_unlock(&mcu->lock);
	over = mali_cs_wait_is_over(cs);
	pthread_mutex_lock(&mcu->lock);
	cs->polling = false;
	if (!atomic_load(&cs->run))
		mali_mcu_wake(mcu);
	return over;
}

/* Is there a reason to execute? Lock held; may be dropped meanwhile. */
static bool has_reason(struct mali_cs *cs)
{
	if (!atomic_load(&cs->run))
		return false;
	switch (cs->idle) {
	case MALI_CS_STOPPED:
		return true;
	case MALI_CS_EMPTY:
		return cs->kick;
	case MALI_CS_BLOCKED:
		cs->kick = false;
		return poll_wait(cs) && atomic_load(&cs->run);
	case MALI_CS_OOM:
		cs->kick = false;
		return !cs->context.heap.is_empty;
	default:
		/* Nothing wakes the dead. */
		cs->kick = false;
		return false;
	}
}

static void *cs_main(void *data)
{
	struct mali_cs *cs = data;
	struct mali_mcu *mcu = cs->csg->mcu;

	pthread_mutex_lock(&mcu->lock);
	while (!cs->quit) {
		if (!has_reason(cs)) {
			/* A kick may have come while that looked. */
			if (!cs->quit && !(cs->kick && atomic_load(&cs->run)))
				wait_for_wake(cs,
					      atomic_load(&cs->run) &&
						      cs->idle ==
							      MALI_CS_BLOCKED);
			continue;
		}
		cs->parked = false;
		cs->kick = false;
		cs->csg->told_idle = false;
		pthread_mutex_unlock(&mcu->lock);
		enum mali_cs_idle idle = execute(cs);
		pthread_mutex_lock(&mcu->lock);
		cs->idle = idle;
		cs->parked = true;
		mali_mcu_wake(mcu);
	}
	pthread_mutex_unlock(&mcu->lock);
	return NULL;
}

/* ------------------------------------------------------------- control -- */

int mali_cs_run(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	sigset_t all, old;
	int ret = 0;

	pthread_mutex_lock(&mcu->lock);
	cs->idle = cs->context.fatal ? MALI_CS_DEAD : MALI_CS_STOPPED;
	cs->doorbell = cs->context.doorbell;
	cs->events = 0;
	atomic_store(&cs->run, true);
	if (!cs->has_thread) {
		/* Signals of the program are for its own threads. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		ret = -pthread_create(&cs->thread, NULL, cs_main, cs);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		cs->has_thread = !ret;
		atomic_store(&cs->run, !ret);
	}
	pthread_cond_signal(&cs->wake);
	pthread_mutex_unlock(&mcu->lock);
	return ret;
}

void mali_cs_halt(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;

	pthread_mutex_lock(&mcu->lock);
	atomic_store(&cs->run, false);
	cs->doorbell = 0;
	pthread_mutex_unlock(&mcu->lock);
	/* It may be waiting for memory. */
	mali_as_interrupt(&mcu->gpu->as[cs->csg->as]);
}

bool mali_cs_is_parked(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	bool parked;

	pthread_mutex_lock(&mcu->lock);
	parked = cs->parked && !cs->polling;
	pthread_mutex_unlock(&mcu->lock);
	return parked;
}

void mali_cs_kick(struct mali_cs *cs)
{
	cs->kick = true;
	pthread_cond_signal(&cs->wake);
}

bool mali_cs_answer(struct mali_cs *cs, uint64_t chunk)
{
	struct mali_mcu *mcu = cs->csg->mcu;
	struct mali_cs_heap *heap = &cs->context.heap;
	bool ready;

	pthread_mutex_lock(&mcu->lock);
	/* The MCU is woken when the stream parks. */
	ready = cs->parked && heap->is_empty;
	if (ready) {
		cs->context.regs[heap->answer_reg] = (uint32_t)chunk;
		cs->context.regs[heap->answer_reg + 1] =
			(uint32_t)(chunk >> 32);
		heap->is_empty = 0;
		pthread_cond_signal(&cs->wake);
	}
	pthread_mutex_unlock(&mcu->lock);
	return ready;
}

void mali_cs_kick_blocked(struct mali_mcu *mcu)
{
	pthread_mutex_lock(&mcu->lock);
	for (unsigned i = 0; i < mcu->gpu->config.csg_count; i++) {
		for (unsigned j = 0; j < mcu->gpu->config.cs_count; j++) {
			struct mali_cs *cs = &mcu->csg[i].cs[j];

			if (cs->parked && cs->idle == MALI_CS_BLOCKED)
				mali_cs_kick(cs);
		}
	}
	pthread_mutex_unlock(&mcu->lock);
}

void mali_cs_post(struct mali_cs *cs, uint32_t event, uint32_t code,
		  uint64_t info)
{
	struct mali_mcu *mcu = cs->csg->mcu;

	pthread_mutex_lock(&mcu->lock);
	cs->events |= event;
	if (event == MALI_CS_EVENT_FATAL) {
		cs->fatal = code;
		cs->fatal_info = info;
	} else if (event == MALI_CS_EVENT_FAULT) {
		cs->fault = code;
		cs->fault_info = info;
	}
	mali_mcu_wake(mcu);
	pthread_mutex_unlock(&mcu->lock);
}

/* ------------------------------------------------------------ lifetime -- */

int mali_cs_init(struct mali_cs *cs, struct mali_csg *csg, uint32_t index)
{
	pthread_condattr_t attr;
	int ret;

	cs->csg = csg;
	cs->index = index;
	cs->parked = true;
	cs->idle = MALI_CS_STOPPED;
	ret = pthread_condattr_init(&attr);
	if (ret)
		return -ret;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	ret = pthread_cond_init(&cs->wake, &attr);
	pthread_condattr_destroy(&attr);
	return -ret;
}

void mali_cs_finish(struct mali_cs *cs)
{
	struct mali_mcu *mcu = cs->csg->mcu;

	if (cs->has_thread) {
		pthread_mutex_lock(&mcu->lock);
		atomic_store(&cs->run, false);
		cs->quit = true;
		pthread_cond_signal(&cs->wake);
		pthread_mutex_unlock(&mcu->lock);
		pthread_join(cs->thread, NULL);
	}
	pthread_cond_destroy(&cs->wake);
}
