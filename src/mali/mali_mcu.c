/* SPDX-License-Identifier: MIT */
/*
 * The microcontroller: its thread, which plays the firmware, its registers, and
 * the interface of the device as a whole.
 *
 * Everything that the driver asks for is looked at when a doorbell rings; there
 * is no other clock. What cannot be done at once, because a stream has to stop
 * first, is looked at again whenever a stream tells of something.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "mali_csf.h"

/* The global interface: offsets in its blocks, and bits of a request. */
#define GLB_CONTROL_VERSION 0x0
#define GLB_CONTROL_FEATURES 0x4
#define GLB_CONTROL_INPUT 0x8
#define GLB_CONTROL_OUTPUT 0xc
#define GLB_CONTROL_GROUP_NUM 0x10
#define GLB_CONTROL_GROUP_STRIDE 0x14
#define GLB_CONTROL_PERFCNT_SIZE 0x18
#define GLB_CONTROL_INSTR_FEATURES 0x1c
#define GLB_REQ 0x0
#define GLB_ACK_IRQ_MASK 0x4
#define GLB_DOORBELL_REQ 0x8
#define GLB_PROGRESS_TIMER 0x10
#define GLB_ACK 0x0
#define GLB_DOORBELL_ACK 0x8
#define GLB_HALT_STATUS 0x10

#define GLB_VERSION (1u << 24 | 1u << 16 | 0)
#define GLB_REQ_HALT (1u << 0)
#define GLB_REQ_CFG_PROGRESS_TIMER (1u << 1)
#define GLB_REQ_IDLE_EVENT (1u << 26)

/* ------------------------------------------------------ shared memory -- */

void mali_mcu_fail(struct mali_mcu *mcu)
{
	atomic_store(&mcu->status, MALI_MCU_FATAL);
}

uint32_t mali_mcu_read(struct mali_mcu *mcu, uint64_t va)
{
	uint32_t value;

	if (mali_mem_load32(&mcu->port, va, &value))
		mali_mcu_fail(mcu);
	return value;
}

uint64_t mali_mcu_read64(struct mali_mcu *mcu, uint64_t va)
{
	uint64_t low = mali_mcu_read(mcu, va);

	return low | (uint64_t)mali_mcu_read(mcu, va + 4) << 32;
}

void mali_mcu_write(struct mali_mcu *mcu, uint64_t va, uint32_t value)
{
	if (mali_mem_store32(&mcu->port, va, value))
		mali_mcu_fail(mcu);
}

void mali_mcu_write64(struct mali_mcu *mcu, uint64_t va, uint64_t value)
{
	mali_mcu_write(mcu, va, (uint32_t)value);
	mali_mcu_write(mcu, va + 4, (uint32_t)(value >> 32));
}

void mali_mcu_interrupt(struct mali_mcu *mcu, uint32_t bits)
{
	if (bits && mali_irq_set(&mcu->job_irq, bits))
		mali_irq_raise(mcu->gpu, MALI_IRQ_JOB);
}

/* ------------------------------------------------------- boot and stop -- */

/* Did the driver load the image that it was given? */
static bool check_code(struct mali_mcu *mcu)
{
	uint32_t words[sizeof(mali_fw_ident) / 4];

	for (unsigned i = 0; i < sizeof(words) / 4; i++)
		words[i] = mali_mcu_read(mcu, MALI_FW_CODE_VA + 4 * i);
	return !memcmp(words, mali_fw_ident, sizeof(words));
}

static void boot(struct mali_mcu *mcu)
{
	const struct mali_gpu_config *config = &mcu->gpu->config;
	uint64_t at = MALI_FW_SHARED_VA;

	atomic_store(&mcu->status, MALI_MCU_ENABLED);
	if (!check_code(mcu)) {
		mali_mcu_fail(mcu);
		return;
	}
	for (unsigned i = 0; i < config->csg_count; i++)
		mali_csg_describe(&mcu->csg[i], MALI_FW_CSG_CONTROL(i));
	mali_mcu_write(mcu, at + GLB_CONTROL_FEATURES, 0);
	mali_mcu_write(mcu, at + GLB_CONTROL_INPUT, MALI_FW_GLB_INPUT);
	mali_mcu_write(mcu, at + GLB_CONTROL_OUTPUT, MALI_FW_GLB_OUTPUT);
	mali_mcu_write(mcu, at + GLB_CONTROL_GROUP_NUM, config->csg_count);
	mali_mcu_write(mcu, at + GLB_CONTROL_GROUP_STRIDE, MALI_FW_CSG_STRIDE);
	mali_mcu_write(mcu, at + GLB_CONTROL_PERFCNT_SIZE, 0);
	mali_mcu_write(mcu, at + GLB_CONTROL_INSTR_FEATURES, 0);
	mali_mcu_write(mcu, MALI_FW_GLB_OUTPUT + GLB_ACK, 0);
	mali_mcu_write(mcu, MALI_FW_GLB_OUTPUT + GLB_DOORBELL_ACK, 0);
	/* What tells the driver that the rest is there. */
	mali_mcu_write(mcu, at + GLB_CONTROL_VERSION, GLB_VERSION);
	if (atomic_load(&mcu->status) == MALI_MCU_ENABLED)
		mali_mcu_interrupt(mcu, MALI_JOB_INT_GLOBAL_IF);
}

/* Asks every stream to stop; true when all have. */
static bool stop_streams(struct mali_mcu *mcu)
{
	bool parked = true;

	for (unsigned i = 0; i < mcu->gpu->config.csg_count; i++) {
		mali_csg_halt(&mcu->csg[i]);
		parked &= mali_csg_is_parked(&mcu->csg[i]);
	}
	return parked;
}

/* ------------------------------------------------------------ requests -- */

/* Requests of the device that are pending are done, or begun, and answered. */
static void update_global(struct mali_mcu *mcu)
{
	uint32_t req = mali_mcu_read(mcu, MALI_FW_GLB_INPUT + GLB_REQ);
	uint32_t ack = mali_mcu_read(mcu, MALI_FW_GLB_OUTPUT + GLB_ACK);
	uint32_t mask =
		mali_mcu_read(mcu, MALI_FW_GLB_INPUT + GLB_ACK_IRQ_MASK);
	/* The idle event is ours to make, and never made. */
	uint32_t pending = (req ^ ack) & ~GLB_REQ_IDLE_EVENT;

	if (pending & GLB_REQ_CFG_PROGRESS_TIMER)
		atomic_store(&mcu->progress_limit_k,
			     mali_mcu_read(mcu, MALI_FW_GLB_INPUT +
							GLB_PROGRESS_TIMER));
	if (pending & req & GLB_REQ_HALT) {
		if (!stop_streams(mcu))
			pending &= ~GLB_REQ_HALT;
		else
			atomic_store(&mcu->status, MALI_MCU_HALTED);
	}
	if (!pending)
		return;
	mali_mcu_write(mcu, MALI_FW_GLB_OUTPUT + GLB_ACK, ack ^ pending);
	if (pending & mask)
		mali_mcu_interrupt(mcu, MALI_JOB_INT_GLOBAL_IF);
}

static void update_groups(struct mali_mcu *mcu)
{
	uint32_t doorbells =
		mali_mcu_read(mcu, MALI_FW_GLB_INPUT + GLB_DOORBELL_REQ);

	for (unsigned i = 0; i < mcu->gpu->config.csg_count; i++)
		mali_csg_update(&mcu->csg[i]);
	mali_mcu_write(mcu, MALI_FW_GLB_OUTPUT + GLB_DOORBELL_ACK, doorbells);
}

/* ------------------------------------------------------------ the thread -- */

/* Something was asked for or has happened. Nothing is locked. */
static void work(struct mali_mcu *mcu)
{
	bool start, stop;

	pthread_mutex_lock(&mcu->lock);
	stop = mcu->stop;
	start = mcu->start && !stop;
	if (start)
		mcu->start = false;
	pthread_mutex_unlock(&mcu->lock);

	if (stop) {
		if (!stop_streams(mcu))
			return;
		for (unsigned i = 0; i < mcu->gpu->config.csg_count; i++)
			mali_csg_forget(&mcu->csg[i]);
		atomic_store(&mcu->status, MALI_MCU_OFF);
		pthread_mutex_lock(&mcu->lock);
		mcu->stop = false;
		if (mcu->start)
			mali_mcu_wake(mcu);
		pthread_mutex_unlock(&mcu->lock);
		return;
	}
	if (start && atomic_load(&mcu->status) == MALI_MCU_OFF)
		boot(mcu);
	if (atomic_load(&mcu->status) != MALI_MCU_ENABLED)
		return;
	update_groups(mcu);
	for (unsigned i = 0; i < mcu->gpu->config.csg_count; i++)
		mali_csg_events(&mcu->csg[i]);
	/* Last, so that PING is answered when all before it is done. */
	update_global(mcu);
}

static void *mcu_main(void *data)
{
	struct mali_mcu *mcu = data;

	pthread_mutex_lock(&mcu->lock);
	while (!mcu->quit) {
		if (!mcu->work || (mcu->stuck && !mcu->stop)) {
			pthread_cond_wait(&mcu->wake, &mcu->lock);
			continue;
		}
		mcu->work = false;
		mcu->busy = true;
		pthread_mutex_unlock(&mcu->lock);
		work(mcu);
		pthread_mutex_lock(&mcu->lock);
		mcu->busy = false;
		pthread_cond_broadcast(&mcu->settled);
	}
	pthread_mutex_unlock(&mcu->lock);
	return NULL;
}

void mali_mcu_wake(struct mali_mcu *mcu)
{
	mcu->work = true;
	pthread_cond_signal(&mcu->wake);
}

/* ----------------------------------------------------------- registers -- */

void mali_mcu_control(struct mali_mcu *mcu, uint32_t value)
{
	pthread_mutex_lock(&mcu->lock);
	if (value == MALI_MCU_CONTROL_DISABLE)
		mcu->stop = true;
	else
		mcu->start = true;
	mali_mcu_wake(mcu);
	pthread_mutex_unlock(&mcu->lock);
}

void mali_mcu_doorbell(struct mali_mcu *mcu, uint32_t doorbell)
{
	pthread_mutex_lock(&mcu->lock);
	if (!doorbell)
		mali_mcu_wake(mcu);
	for (unsigned i = 0; doorbell && i < mcu->gpu->config.csg_count; i++) {
		for (unsigned j = 0; j < mcu->gpu->config.cs_count; j++) {
			struct mali_cs *cs = &mcu->csg[i].cs[j];

			if (cs->doorbell == doorbell)
				mali_cs_kick(cs);
		}
	}
	pthread_mutex_unlock(&mcu->lock);
}

void mali_mcu_reset(struct mali_mcu *mcu)
{
	pthread_mutex_lock(&mcu->lock);
	mcu->stop = true;
	mcu->start = false;
	mali_mcu_wake(mcu);
	while (mcu->stop)
		pthread_cond_wait(&mcu->settled, &mcu->lock);
	mcu->stuck = false;
	pthread_mutex_unlock(&mcu->lock);

	atomic_store(&mcu->progress_limit_k, 0);
	atomic_store(&mcu->job_irq.rawstat, 0);
	atomic_store(&mcu->job_irq.mask, 0);
}

void mali_gpu_inject_stuck_mcu(struct mali_gpu *gpu)
{
	pthread_mutex_lock(&gpu->mcu->lock);
	gpu->mcu->stuck = true;
	while (gpu->mcu->busy)
		pthread_cond_wait(&gpu->mcu->settled, &gpu->mcu->lock);
	pthread_mutex_unlock(&gpu->mcu->lock);
}

/* ------------------------------------------------------------ lifetime -- */

/* The firmware itself is not called off. */
static const _Atomic bool always = true;

static int init_group(struct mali_mcu *mcu, unsigned index)
{
	struct mali_csg *csg = &mcu->csg[index];

	csg->mcu = mcu;
	csg->index = index;
	for (unsigned i = 0; i < MALI_MAX_CS; i++) {
		int ret = mali_cs_init(&csg->cs[i], csg, i);

		if (ret) {
			while (i--)
				mali_cs_finish(&csg->cs[i]);
			return ret;
		}
	}
	return 0;
}

static void finish_group(struct mali_csg *csg)
{
	for (unsigned i = 0; i < MALI_MAX_CS; i++)
		mali_cs_finish(&csg->cs[i]);
}

/* The program's signals are for the program's threads. */
static int create_thread(struct mali_mcu *mcu)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&mcu->thread, NULL, mcu_main, mcu);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int mali_mcu_init(struct mali_mcu *mcu, struct mali_gpu *gpu)
{
	unsigned groups = 0;
	int ret = 0;

	mcu->gpu = gpu;
	mcu->port = (struct mali_port){
		.gpu = gpu, .source = MALI_SOURCE_MCU, .run = &always};
	pthread_mutex_init(&mcu->lock, NULL);
	pthread_cond_init(&mcu->wake, NULL);
	pthread_cond_init(&mcu->settled, NULL);
	while (groups < MALI_MAX_CSG && !ret) {
		ret = init_group(mcu, groups);
		groups += !ret;
	}
	if (!ret)
		ret = create_thread(mcu);
	if (!ret)
		return 0;

	while (groups--)
		finish_group(&mcu->csg[groups]);
	pthread_cond_destroy(&mcu->settled);
	pthread_cond_destroy(&mcu->wake);
	pthread_mutex_destroy(&mcu->lock);
	return ret;
}

void mali_mcu_finish(struct mali_mcu *mcu)
{
	pthread_mutex_lock(&mcu->lock);
	mcu->quit = true;
	mali_mcu_wake(mcu);
	pthread_mutex_unlock(&mcu->lock);
	pthread_join(mcu->thread, NULL);
	for (unsigned i = 0; i < MALI_MAX_CSG; i++)
		finish_group(&mcu->csg[i]);
	pthread_cond_destroy(&mcu->settled);
	pthread_cond_destroy(&mcu->wake);
	pthread_mutex_destroy(&mcu->lock);
}
