/* SPDX-License-Identifier: MIT */
/*
 * The SIGSEGV handler among others, and the exhaustion of the host's mappings.
 * Every case runs in a child process of its own, since most end with a crash.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mali_test.h"

#define VA GiB(1)
/* An address that no window has, and nothing else either. */
static int *volatile nowhere = (int *)0x10;

/* A crash. Not instrumented: sanitizers would look the address up first. */
__attribute__((no_sanitize("address", "thread", "undefined"),
	       noinline)) static void
crash(void)
{
	*(volatile int *)nowhere = 1;
}

/* The child says which check failed; cmocka is not at home there. */
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			_exit(99);                                             \
		}                                                              \
	} while (0)

struct machine {
	struct test_gpu t;
	struct mali_window *window;
	volatile uint32_t *host;
	uint64_t pa;
};

/* One page of memory that holds 77, bound at VA. */
static void machine_init(struct machine *m)
{
	test_gpu_init(&m->t, NULL);
	m->pa = test_pages(&m->t, 4096);
	*(uint32_t *)test_cpu(&m->t, m->pa) = 77;
	test_map(&m->t, VA, m->pa, 4096, TEST_RW);
	m->host = test_reserve(MiB(2));
	m->window = test_window(&m->t, VA, (void *)m->host, MiB(2));
}

static void machine_finish(struct machine *m)
{
	mali_window_destroy(m->window);
	mali_dram_free(m->t.dram, m->pa, 4096);
	test_gpu_finish(&m->t);
}

/* Makes the window miss again. */
static void machine_drop(struct machine *m)
{
	test_lock(&m->t, VA, 4096);
	test_unlock(&m->t);
}

/* What a child ran counts in a build for coverage, though it skips exit(). */
#ifdef COVERAGE
void __gcov_dump(void);
#else
#define __gcov_dump() ((void)0)
#endif

static void leave(int code)
{
	__gcov_dump();
	_exit(code);
}

typedef void (*child_fn)(void);

/* Runs @fn in a child without cmocka's handlers; returns its wait status. */
static int run_child(child_fn fn)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		alarm(60);
		fn();
		leave(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_exit(child_fn fn)
{
	int status = run_child(fn);

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("the child ended with status 0x%x", status);
}

static void expect_crash(child_fn fn)
{
	int status = run_child(fn);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		fail_msg("the child ended with status 0x%x", status);
}

/* ------------------------------------------ programs without handler -- */

static void child_crash(void)
{
	struct machine m;

	machine_init(&m);
	CHECK(m.host[0] == 77);
	crash();
}

static void child_killed(void)
{
	struct machine m;

	machine_init(&m);
	CHECK(m.host[0] == 77);
	kill(getpid(), SIGSEGV);
	pause();
}

static void child_ignores(void)
{
	struct machine m;

	signal(SIGSEGV, SIG_IGN);
	machine_init(&m);
	kill(getpid(), SIGSEGV);
	raise(SIGSEGV);
	CHECK(m.host[0] == 77);
	machine_finish(&m);
}

static void child_ignores_trap(void)
{
	struct machine m;

	signal(SIGSEGV, SIG_IGN);
	machine_init(&m);
	crash();
}

static void test_default_action(void **state)
{
	expect_crash(child_crash);
	expect_crash(child_killed);
	expect_exit(child_ignores);
	expect_crash(child_ignores_trap);
}

static void child_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(98);
	child_crash();
}

/* A debugger, or a core dump, sees the program's own address at the end. */
static void test_crash_keeps_address(void **state)
{
	void *last_addr = NULL;
	int status, last_code = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		child_traced();
		_exit(0);
	}
	for (;;) {
		siginfo_t info;

		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) == SIGSEGV &&
		    !ptrace(PTRACE_GETSIGINFO, pid, NULL, &info)) {
			last_addr = info.si_addr;
			last_code = info.si_code;
		}
		assert_int_equal(ptrace(PTRACE_CONT, pid, NULL,
					(void *)(uintptr_t)WSTOPSIG(status)),
				 0);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 98)
		skip();
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_ptr_equal(last_addr, nowhere);
	assert_int_equal(last_code, SEGV_MAPERR);
}

/* -------------------------------------------- programs with handlers -- */

static sigjmp_buf recover;
static void *volatile seen_addr;
static volatile int seen_calls, seen_signal;
static sigset_t seen_mask;

static void on_siginfo(int signal, siginfo_t *info, void *context)
{
	seen_addr = info->si_addr;
	seen_signal = signal;
	seen_calls++;
	pthread_sigmask(SIG_SETMASK, NULL, &seen_mask);
	siglongjmp(recover, 1);
}

static void on_plain(int signal)
{
	seen_signal = signal;
	seen_calls++;
	siglongjmp(recover, 1);
}

static void install(void (*fn)(int, siginfo_t *, void *), int flags,
		    struct sigaction *old)
{
	struct sigaction action = {
		.sa_sigaction = fn,
		.sa_flags = SA_SIGINFO | flags,
	};

	sigaddset(&action.sa_mask, SIGUSR1);
	CHECK(!sigaction(SIGSEGV, &action, old));
}

/* The handler must run, with the address; then we go on. */
static void expect_handled(void)
{
	int calls = seen_calls;

	if (!sigsetjmp(recover, 1)) {
		crash();
		CHECK(!"reached");
	}
	CHECK(seen_calls == calls + 1);
	CHECK(seen_signal == SIGSEGV);
}

static void child_handler_before(void)
{
	struct sigaction current;
	struct machine m;
	sigset_t mask;

	install(on_siginfo, 0, NULL);
	machine_init(&m);
	CHECK(m.host[0] == 77);
	for (unsigned i = 0; i < 3; i++) {
		expect_handled();
		CHECK(seen_addr == nowhere);
		machine_drop(&m);
		CHECK(m.host[0] == 77);
	}
	/* It ran with the mask that it would have had. */
	CHECK(sigismember(&seen_mask, SIGUSR1) == 1);
	CHECK(sigismember(&seen_mask, SIGSEGV) == 1);
	CHECK(sigismember(&seen_mask, SIGUSR2) == 0);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	CHECK(sigismember(&mask, SIGUSR1) == 0);
	CHECK(sigismember(&mask, SIGSEGV) == 0);

	/* Signals that were sent are handed on as well. */
	if (!sigsetjmp(recover, 1)) {
		kill(getpid(), SIGSEGV);
		CHECK(!"reached");
	}
	CHECK(seen_calls == 4);

	/* With the last GPU gone, everything is as before. */
	machine_finish(&m);
	CHECK(!sigaction(SIGSEGV, NULL, &current));
	CHECK(current.sa_sigaction == on_siginfo);
	expect_handled();
}

static void child_plain_before(void)
{
	struct machine m;

	signal(SIGSEGV, on_plain);
	machine_init(&m);
	expect_handled();
	CHECK(m.host[0] == 77);
	expect_handled();
	machine_finish(&m);
}

static void child_nodefer(void)
{
	struct machine m;

	install(on_siginfo, SA_NODEFER, NULL);
	machine_init(&m);
	expect_handled();
	CHECK(sigismember(&seen_mask, SIGSEGV) == 0);
	machine_finish(&m);
}

static void test_handler_before(void **state)
{
	expect_exit(child_handler_before);
	expect_exit(child_plain_before);
	expect_exit(child_nodefer);
}

static void child_reset_once(void)
{
	struct machine m;

	install(on_siginfo, SA_RESETHAND, NULL);
	machine_init(&m);
	expect_handled();
	CHECK(m.host[0] == 77);
	crash();
}

static void test_reset_hand(void **state)
{
	expect_crash(child_reset_once);
}

/* Recovering on an alternate stack puts each frame where the last one was. */
static void child_altstack(void)
{
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
	struct machine m;

	CHECK(stack.ss_sp && !sigaltstack(&stack, NULL));
	install(on_siginfo, SA_ONSTACK, NULL);
	machine_init(&m);
	for (unsigned i = 0; i < 1000; i++) {
		expect_handled();
		if (i % 100 == 0)
			machine_drop(&m);
		CHECK(m.host[0] == 77);
	}
	machine_finish(&m);
}

static void test_altstack(void **state)
{
	expect_exit(child_altstack);
}

/* ----------------------------------------------- handlers after ours -- */

static void child_handler_after(void)
{
	struct sigaction current;
	struct machine m;

	machine_init(&m);
	CHECK(m.host[0] == 77);
	install(on_siginfo, 0, NULL);
	machine_drop(&m);
	/* Without us in front the program gets our miss ... */
	if (!sigsetjmp(recover, 1)) {
		CHECK(m.host[0] == 77);
		CHECK(!"reached");
	}
	CHECK(seen_addr == (void *)m.host);
	/* ... and with us only its own. */
	mali_fault_handler_ensure();
	CHECK(m.host[0] == 77);
	expect_handled();
	CHECK(seen_addr == nowhere);

	/* Twice is as good as once, and so is another handler. */
	mali_fault_handler_ensure();
	signal(SIGSEGV, on_plain);
	mali_fault_handler_ensure();
	for (unsigned i = 0; i < 20; i++) {
		install(on_siginfo, 0, NULL);
		mali_fault_handler_ensure();
		machine_drop(&m);
		CHECK(m.host[0] == 77);
		expect_handled();
	}
	machine_finish(&m);
	CHECK(!sigaction(SIGSEGV, NULL, &current));
	CHECK(current.sa_sigaction == on_siginfo);
}

static struct sigaction chained_to;
static volatile int chained_calls;

/* A well-behaved library: what it does not know goes to whoever was before. */
static void on_chaining(int signal, siginfo_t *info, void *context)
{
	chained_calls++;
	if (chained_to.sa_flags & SA_SIGINFO) {
		chained_to.sa_sigaction(signal, info, context);
	} else if (chained_to.sa_handler == SIG_DFL) {
		sigaction(SIGSEGV, &chained_to, NULL);
	} else {
		chained_to.sa_handler(signal);
	}
}

/* It passes misses on, though it is in front. */
static void child_chaining_in_front(void)
{
	struct machine m;

	install(on_siginfo, 0, NULL);
	machine_init(&m);
	install(on_chaining, 0, &chained_to);
	CHECK(m.host[0] == 77);
	CHECK(chained_calls == 1);
	expect_handled();
	CHECK(chained_calls == 2);
	machine_finish(&m);
}

/* Ours in front, its behind, and it passes on to us: once round, no more. */
static void child_chaining_behind(void)
{
	struct machine m;

	install(on_siginfo, 0, NULL);
	machine_init(&m);
	install(on_chaining, 0, &chained_to);
	mali_fault_handler_ensure();
	for (int i = 1; i < 4; i++) {
		CHECK(m.host[0] == 77);
		machine_drop(&m);
		expect_handled();
		CHECK(chained_calls == i);
	}
	machine_finish(&m);
}

static void child_chaining_to_default(void)
{
	struct machine m;

	machine_init(&m);
	install(on_chaining, 0, &chained_to);
	mali_fault_handler_ensure();
	CHECK(m.host[0] == 77);
	crash();
}

static void test_handler_after(void **state)
{
	expect_exit(child_handler_after);
	expect_exit(child_chaining_in_front);
	expect_exit(child_chaining_behind);
	expect_crash(child_chaining_to_default);
}

static void child_errno(void)
{
	struct machine m;

	machine_init(&m);
	for (unsigned i = 0; i < 10; i++) {
		errno = 4321;
		CHECK(m.host[0] == 77);
		CHECK(errno == 4321);
		/* A fault, and scratch memory. */
		m.host[4096] = 1;
		CHECK(errno == 4321);
		machine_drop(&m);
	}
	machine_finish(&m);
}

/* Two GPUs come and go; the handler stays as long as one is there. */
static void child_two_gpus(void)
{
	struct sigaction current;
	struct machine a, b;

	machine_init(&a);
	machine_init(&b);
	CHECK(a.host[0] == 77 && b.host[0] == 77);
	machine_finish(&a);
	machine_drop(&b);
	CHECK(b.host[0] == 77);
	machine_finish(&b);
	CHECK(!sigaction(SIGSEGV, NULL, &current));
	CHECK(current.sa_handler == SIG_DFL);
	crash();
}

static void test_errno_and_lifetime(void **state)
{
	expect_exit(child_errno);
	expect_crash(child_two_gpus);
}

/* ------------------------------------------- vm.max_map_count is out -- */

#define PAGES 2048

/* Uses up all mappings that the host permits. False if that would take ages. */
static bool exhaust_mappings(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	unsigned long max = 0;
	char *memory;

	if (!file || fscanf(file, "%lu", &max) != 1 || max > 2000000)
		return false;
	fclose(file);
	memory = mmap(NULL, (max + 16) * 2 * 4096, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(memory != MAP_FAILED);
	for (unsigned long i = 1;; i += 2) {
		CHECK(i < max * 2);
		if (mprotect(memory + i * 4096, 4096, PROT_READ))
			break;
	}
	CHECK(errno == ENOMEM);
	return true;
}

struct scattered {
	struct test_gpu t;
	struct mali_window *window;
	volatile uint32_t *host;
	uint64_t pages[PAGES];
};

static void scattered_init(struct scattered *s, bool contiguous)
{
	const struct test_config config = {.dram_fragmented = !contiguous};

	test_gpu_init(&s->t, &config);
	if (contiguous)
		s->pages[0] = test_pages(&s->t, PAGES * 4096);
	for (unsigned i = 0; i < PAGES; i++) {
		if (contiguous)
			s->pages[i] = s->pages[0] + i * 4096;
		else
			s->pages[i] = test_pages(&s->t, 4096);
		*(uint32_t *)test_cpu(&s->t, s->pages[i]) = 1000 + i;
		test_map(&s->t, VA + i * 4096, s->pages[i], 4096, TEST_RW);
	}
	s->host = test_reserve(PAGES * 4096);
	s->window = test_window(&s->t, VA, (void *)s->host, PAGES * 4096);
}

/* Entries are there to be evicted, so the program notices nothing. */
static void child_exhausted(void)
{
	static struct scattered s;
	struct mali_stats stats;

	scattered_init(&s, false);
	for (unsigned i = 0; i < PAGES; i += 4)
		CHECK(s.host[i * 1024] == 1000 + i);
	if (!exhaust_mappings())
		_exit(98);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < PAGES; i++)
			CHECK(s.host[i * 1024] == 1000 + i);
	}
	stats = test_stats(&s.t);
	CHECK(stats.evictions > 0 || stats.invalidations > 0);
	CHECK(stats.faults == 0);
}

/* Withdrawing the middle of a mapping needs one more: it must work anyway. */
static void child_exhausted_lock(void)
{
	static struct scattered s;

	scattered_init(&s, true);
	CHECK(s.host[0] == 1000);
	CHECK(test_stats(&s.t).misses == 1);
	if (!exhaust_mappings())
		_exit(98);
	for (unsigned i = 16; i < PAGES; i += 64) {
		test_lock(&s.t, VA + i * 4096, 4096);
		test_map(&s.t, VA + i * 4096, s.pages[0], 4096, TEST_RW);
		test_unlock(&s.t);
		CHECK(s.host[(i + 20) * 1024] == 1000 + i + 20);
		CHECK(s.host[i * 1024] == 1000);
	}
	CHECK(test_stats(&s.t).faults == 0);
}

/* Nothing to evict at all: the ballast gives a few, and the user is told. */
static void child_exhausted_before_first(void)
{
	static struct scattered s;

	scattered_init(&s, false);
	if (!exhaust_mappings())
		_exit(98);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(s.host[i * 1024] == 1000 + i);
	CHECK(test_stats(&s.t).faults == 0);
}

static void expect_exit_or_skip(child_fn fn, const char *said)
{
	static char text[4096];
	int pipe_fds[2], old_stderr = dup(STDERR_FILENO), status;
	ssize_t n;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
	status = run_child(fn);
	assert_true(dup2(old_stderr, STDERR_FILENO) >= 0);
	close(pipe_fds[1]);
	close(old_stderr);
	n = read(pipe_fds[0], text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(pipe_fds[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 98)
		skip();
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("the child ended with status 0x%x: %s", status, text);
	if (said) {
		const char *first = strstr(text, said);

		/* Once, and once only. */
		assert_non_null(first);
		assert_null(strstr(first + 1, said));
	} else {
		assert_string_equal(text, "");
	}
}

static void test_mappings_exhausted(void **state)
{
	expect_exit_or_skip(child_exhausted, NULL);
	expect_exit_or_skip(child_exhausted_lock, NULL);
	expect_exit_or_skip(child_exhausted_before_first,
			    "no memory mappings left");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_action),
		cmocka_unit_test(test_crash_keeps_address),
		cmocka_unit_test(test_handler_before),
		cmocka_unit_test(test_reset_hand),
		cmocka_unit_test(test_altstack),
		cmocka_unit_test(test_handler_after),
		cmocka_unit_test(test_errno_and_lifetime),
		cmocka_unit_test(test_mappings_exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
