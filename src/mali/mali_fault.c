/* SPDX-License-Identifier: MIT */
/*
 * The SIGSEGV handler and the program's own ones behind it.
 *
 * Addresses in a window are ours. Every other SIGSEGV must end as if we were
 * not there: with the program's handler called as the kernel would have called
 * it, or with the default action, at the same instruction.
 *
 * A program may install its handler after ours and pass on to us what it does
 * not know. When mali_fault_handler_ensure() then puts us in front again, each
 * of the two would hand a foreign fault to the other for ever. So all handlers
 * that were found are kept, in the order of their installation, and a fault
 * that comes back to us while we are passing it on goes one further down.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "mali_private.h"

#define CHAIN_MAX 8

/*
 * What was installed before us: [0] is the oldest. Guarded by the chain lock,
 * which is only taken with signals blocked.
 */
static struct sigaction chain[CHAIN_MAX];
static unsigned chain_length;
static bool chain_stale; /* we were taken out cleanly: it is history */
static unsigned handler_users;
static _Atomic uint32_t chain_lock_word;

/*
 * This thread is passing a fault on. A handler that longjmps away leaves this
 * behind; the next fault then does not mistake itself for the old one, because
 * a call from inside the old one has the same context and a deeper stack.
 */
struct passing {
	const void *context;
	uintptr_t frame;
	unsigned depth; /* how many handlers had it already */
};
static _Thread_local struct passing passing
	__attribute__((tls_model("initial-exec")));

static void on_segv(int signal, siginfo_t *info, void *context);

/* -------------------------------------------------------- chain lock -- */

/* The kernel's own set of signals is eight bytes. */
#define KERNEL_SIGSET_B 8

/*
 * Through the system call: sanitizers defer signals by looking at the calls
 * they intercept, and this set is only for us.
 */
static void set_mask(int how, const void *set, void *old)
{
	syscall(SYS_rt_sigprocmask, how, set, old, KERNEL_SIGSET_B);
}

static void chain_lock(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	set_mask(SIG_BLOCK, &all, old);
	while (atomic_exchange_explicit(&chain_lock_word, 1,
					memory_order_acquire))
		/* Held for a few system calls at most, and rarely. */
		syscall(SYS_sched_yield);
}

static void chain_unlock(const sigset_t *old)
{
	atomic_store_explicit(&chain_lock_word, 0, memory_order_release);
	set_mask(SIG_SETMASK, old, NULL);
}

/* ----------------------------------------------------- passing it on -- */

static bool is_default(const struct sigaction *action)
{
	return !(action->sa_flags & SA_SIGINFO) &&
	       (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN);
}

/* Sent by a process, not by a trap: nothing happens again by itself. */
static bool was_sent(const siginfo_t *info)
{
	return info->si_code <= 0;
}

/*
 * The default action. A trap happens again once we return, and then meets it
 * with its own address and context. A signal that was sent is sent again, with
 * what it carried.
 */
static void pass_to_default(const struct sigaction *action, int signal,
			    siginfo_t *info)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};

	/* Only a signal that was sent can be ignored. */
	if (was_sent(info) && action->sa_handler == SIG_IGN)
		return;
	if (sigaction(signal, &dfl, NULL))
		_exit(128 + signal);
	if (was_sent(info))
		syscall(SYS_rt_tgsigqueueinfo, getpid(),
			(pid_t)syscall(SYS_gettid), signal, info);
}

/* Calls a handler under the signal mask that it asked for. */
static void pass_to_handler(const struct sigaction *action, int signal,
			    siginfo_t *info, void *context)
{
	/* The kernel's view of the sets. */
	uint64_t mask, interrupted, old;

	/*
	 * The kernel would have added the handler's mask to that of the
	 * interrupted code, not to ours, which blocks all that is not a trap.
	 */
	memcpy(&mask, &action->sa_mask, sizeof(mask));
	memcpy(&interrupted, &((ucontext_t *)context)->uc_sigmask,
	       sizeof(interrupted));
	mask |= interrupted;
	if (!(action->sa_flags & SA_NODEFER))
		mask |= 1ull << (signal - 1);
	set_mask(SIG_SETMASK, &mask, &old);
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
	set_mask(SIG_SETMASK, &old, NULL);
}

/* The action for a fault that @depth handlers have had before. */
static struct sigaction chain_action(unsigned depth)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t old;

	chain_lock(&old);
	if (depth < chain_length) {
		struct sigaction *slot = &chain[chain_length - 1 - depth];

		action = *slot;
		if (slot->sa_flags & SA_RESETHAND)
			*slot = (struct sigaction){.sa_handler = SIG_DFL};
	}
	chain_unlock(&old);
	return action;
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	struct passing outer = passing;
	struct sigaction action;
	unsigned depth = 0;

	if (passing.context == context && frame < passing.frame)
		depth = passing.depth;
	action = chain_action(depth);
	if (is_default(&action)) {
		pass_to_default(&action, signal, info);
		return;
	}
	passing = (struct passing){context, frame, depth + 1};
	pass_to_handler(&action, signal, info, context);
	passing = outer;
}

/* ------------------------------------------------------- the handler -- */

/* What the trap was: MALI_ACCESS_*. */
static uint32_t access_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	/* The page-fault error code: bit 4 a fetch, bit 1 a write. */
	uint64_t error = context->uc_mcontext.gregs[REG_ERR];

	if (error & 1u << 4)
		return MALI_ACCESS_EXECUTE;
	return error & 1u << 1 ? MALI_ACCESS_WRITE : MALI_ACCESS_READ;
#elif defined(__aarch64__)
	/* A record with the syndrome may follow the registers. */
	const uint32_t esr_magic = 0x45535201;
	const uint8_t *at = (const uint8_t *)context->uc_mcontext.__reserved;
	const uint8_t *end = at + sizeof(context->uc_mcontext.__reserved);

	while (end - at >= 16) {
		uint32_t magic, size_B;
		uint64_t esr;

		memcpy(&magic, at, sizeof(magic));
		memcpy(&size_B, at + 4, sizeof(size_B));
		if (!magic || size_B < 8 || size_B > (size_t)(end - at))
			break;
		if (magic == esr_magic) {
			memcpy(&esr, at + 8, sizeof(esr));
			/* Exception class 0x20: an instruction fetch. */
			if (esr >> 26 == 0x20)
				return MALI_ACCESS_EXECUTE;
			return esr & 1u << 6 ? MALI_ACCESS_WRITE
					     : MALI_ACCESS_READ;
		}
		at += size_B;
	}
	return MALI_ACCESS_UNKNOWN;
#else
	return MALI_ACCESS_UNKNOWN;
#endif
}

static bool is_miss(const siginfo_t *info)
{
	return info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR;
}

static uintptr_t pc_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#else
	return 0;
#endif
}

static void message_unknown(void)
{
	static const char text[] =
		"mali: a store to null memory uses an instruction that cannot "
		"be stepped over: what it stores can be read until the next "
		"barrier\n";
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said)) {
		ssize_t ret = write(STDERR_FILENO, text, sizeof(text) - 1);

		/* There is nobody left to tell. */
		(void)ret;
	}
}

/* Does what the access needs; false: it is none of ours. */
static bool answer(const siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr;
	uint32_t access = access_of(context);
	struct mali_null_range null;

	if (access == MALI_ACCESS_EXECUTE)
		return mali_step_finish(context, addr);
	if (!is_miss(info))
		return false;
	switch (mali_window_miss(addr, access, pc_of(context), &null)) {
	case MALI_MISS_AGAIN:
		return true;
	case MALI_MISS_STEP:
		if (mali_step_store(context, addr, &null))
			return true;
		message_unknown();
		return mali_window_take_store(addr);
	default:
		return false;
	}
}

static void on_segv(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	if (!answer(info, context)) {
		errno = saved_errno;
		pass_on(signal, info, context);
	}
	errno = saved_errno;
}

/* ------------------------------------------------------ installation -- */

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) &&
	       action->sa_sigaction == on_segv;
}

static bool same_handler(const struct sigaction *a, const struct sigaction *b)
{
	if ((a->sa_flags ^ b->sa_flags) & SA_SIGINFO)
		return false;
	return a->sa_flags & SA_SIGINFO ? a->sa_sigaction == b->sa_sigaction
					: a->sa_handler == b->sa_handler;
}

/* Remembers @action as what was there last. Chain lock held. */
static void chain_push(const struct sigaction *action)
{
	/* Installed before: what came after it is gone. */
	for (unsigned i = 0; i < chain_length; i++) {
		if (same_handler(&chain[i], action))
			chain_length = i;
	}
	/* Very many: the last one gives way, the original ones stay. */
	if (chain_length == CHAIN_MAX)
		chain_length--;
	chain[chain_length++] = *action;
}

/*
 * Signals that are not traps wait while the handler runs: theirs could come in
 * while it holds the tlb lock. SA_NODEFER is for handlers behind this one.
 */
static int chain_install(void)
{
	struct sigaction ours = {
		.sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER,
	};
	struct sigaction old;

	sigfillset(&ours.sa_mask);
	sigdelset(&ours.sa_mask, SIGSEGV);
	sigdelset(&ours.sa_mask, SIGBUS);
	sigdelset(&ours.sa_mask, SIGILL);
	sigdelset(&ours.sa_mask, SIGFPE);
	sigdelset(&ours.sa_mask, SIGTRAP);
	sigdelset(&ours.sa_mask, SIGABRT);
	if (sigaction(SIGSEGV, &ours, &old))
		return -errno;
	if (chain_stale)
		chain_length = 0;
	chain_stale = false;
	if (!is_ours(&old))
		chain_push(&old);
	return 0;
}

int mali_fault_handler_get(void)
{
	sigset_t old;
	int ret;

	chain_lock(&old);
	ret = chain_install();
	if (!ret)
		handler_users++;
	chain_unlock(&old);
	return ret;
}

void mali_fault_handler_put(void)
{
	struct sigaction current;
	sigset_t old;

	chain_lock(&old);
	handler_users--;
	/*
	 * Where the program's handler is in front it may pass faults on to us;
	 * then we stay, with the chain behind us. The chain is kept in any
	 * case: another thread may be about to pass a fault on.
	 */
	if (!handler_users && !sigaction(SIGSEGV, NULL, &current) &&
	    is_ours(&current) &&
	    !sigaction(SIGSEGV, &chain[chain_length - 1], NULL))
		chain_stale = true;
	chain_unlock(&old);
}

void mali_fault_handler_ensure(void)
{
	struct sigaction current;
	sigset_t old;

	if (sigaction(SIGSEGV, NULL, &current) || is_ours(&current))
		return;
	chain_lock(&old);
	if (handler_users) {
		int ret = chain_install();

		/* sigaction() took the very same arguments before. */
		assert(!ret);
		(void)ret;
	}
	chain_unlock(&old);
}
