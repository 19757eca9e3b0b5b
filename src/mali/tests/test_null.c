/* SPDX-License-Identifier: MIT */
/*
 * Null memory through windows. The oracle of the instruction tests is the
 * processor: each is executed on plain memory that holds what a load would
 * return, and then in a window, where the same registers and flags must come out
 * and the same bytes outside of null memory.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cs_test.h"

/* [bound page][null page][bound page][null pages] */
#define VA MiB(16)
#define WINDOW_B MiB(8)
#define PAGE 4096

struct fixture {
	struct test_gpu t;
	uint64_t pa;
	char *host;
	struct mali_window *window;
	void *barrier;
};

static int setup(void **state)
{
	static struct fixture f;
	const struct test_config config = {.null_leaves = true};

	test_gpu_init(&f.t, &config);
	f.pa = test_pages(&f.t, 2 * PAGE);
	test_map(&f.t, VA, 0, WINDOW_B, TEST_NULL);
	test_map(&f.t, VA, f.pa, PAGE, TEST_RW);
	test_map(&f.t, VA + 2 * PAGE, f.pa + PAGE, PAGE, TEST_RW);
	f.host = test_reserve(WINDOW_B);
	f.window = test_window(&f.t, VA, f.host, WINDOW_B);
	f.barrier = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(f.barrier != MAP_FAILED);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mali_window_destroy(f->window);
	munmap(f->host, WINDOW_B);
	munmap(f->barrier, PAGE);
	mali_dram_free(f->t.dram, f->pa, 2 * PAGE);
	test_gpu_finish(&f->t);
	return 0;
}

static bool supported(struct fixture *f)
{
	return mali_gpu_read32(f->t.gpu, MALI_GPU_VIRT_FEATURES) &
	       MALI_GPU_VIRT_NULL_LEAVES;
}

/* The framework puts its own handler in front for each test. */
#define SKIP_UNLESS_SUPPORTED(f)                                               \
	do {                                                                   \
		if (!supported(f))                                             \
			skip();                                                \
		mali_fault_handler_ensure();                                   \
	} while (0)

static void assert_zero(const volatile char *at, size_t size_B)
{
	for (size_t i = 0; i < size_B; i++)
		assert_int_equal(at[i], 0);
}

/* ------------------------------------------------------ loads, stores -- */

static void test_loads_and_stores(void **state)
{
	struct fixture *f = *state;
	volatile uint32_t *word = (volatile uint32_t *)(f->host + PAGE + 8);
	struct mali_stats before, after;

	SKIP_UNLESS_SUPPORTED(f);
	before = test_stats(&f->t);
	assert_int_equal(*word, 0);
	*word = 7;
	assert_int_equal(*word, 0);
	*word += 3;
	assert_int_equal(*word, 0);
	after = test_stats(&f->t);
	assert_int_equal(after.null_steps - before.null_steps, 2);
	assert_int_equal(after.null_bulks, before.null_bulks);
	assert_int_equal(after.faults, before.faults);
}

/* Without the feature the bit means nothing, as on hardware. */
static void test_feature_off(void **state)
{
	struct fixture *f = *state;
	struct test_gpu t;
	char *host = test_reserve(PAGE);
	struct mali_window *window;
	uint64_t pa;

	test_gpu_init(&t, NULL);
	assert_int_equal(mali_gpu_read32(t.gpu, MALI_GPU_VIRT_FEATURES) &
				 MALI_GPU_VIRT_NULL_LEAVES,
			 0);
	pa = test_pages(&t, PAGE);
	test_map(&t, VA, pa, PAGE, TEST_NULL);
	window = test_window(&t, VA, host, PAGE);
	*(volatile char *)host = 5;
	assert_int_equal(*(char *)test_cpu(&t, pa), 5);
	mali_window_destroy(window);
	munmap(host, PAGE);
	mali_dram_free(t.dram, pa, PAGE);
	test_gpu_finish(&t);
	(void)f;
}

/* The page becomes memory, and null again; each seen by the next access. */
static void test_changes(void **state)
{
	struct fixture *f = *state;
	volatile char *at = f->host + PAGE;
	uint64_t pa = test_pages(&f->t, PAGE);

	SKIP_UNLESS_SUPPORTED(f);
	*at = 1;
	assert_int_equal(*at, 0);
	for (int i = 0; i < 3; i++) {
		test_lock(&f->t, VA + PAGE, PAGE);
		test_map(&f->t, VA + PAGE, pa, PAGE, TEST_RW);
		test_unlock(&f->t);
		assert_int_equal(*at, i);
		*at = (char)(i + 1);
		assert_int_equal(*at, i + 1);
		test_lock(&f->t, VA + PAGE, PAGE);
		test_map(&f->t, VA + PAGE, 0, PAGE, TEST_NULL);
		test_unlock(&f->t);
		assert_int_equal(*at, 0);
		*at = 9;
		assert_int_equal(*at, 0);
	}
	mali_dram_free(f->t.dram, pa, PAGE);
}

/* A leaf that may not be stored to is a fault, null or not. */
static void test_readonly(void **state)
{
	struct fixture *f = *state;
	volatile char *at = f->host + PAGE;
	uint64_t faults = test_stats(&f->t).faults;

	SKIP_UNLESS_SUPPORTED(f);
	test_lock(&f->t, VA + PAGE, PAGE);
	test_map(&f->t, VA + PAGE, 0, PAGE, TEST_NULL | MALI_PTE_AP_READONLY);
	test_unlock(&f->t);
	assert_int_equal(*at, 0);
	assert_int_equal(test_stats(&f->t).faults, faults);
	*at = 1;
	assert_int_equal(test_stats(&f->t).faults, faults + 1);
	test_lock(&f->t, VA + PAGE, PAGE);
	test_map(&f->t, VA + PAGE, 0, PAGE, TEST_NULL);
	test_unlock(&f->t);
}

/* ------------------------------------------------------- instructions -- */

#if defined(__x86_64__)

/* What an instruction is given, and what came out. */
struct regs {
	uint64_t a, b, c, d; /* rax, rbx, rcx, rdx */
	uint64_t flags;
	uint8_t vector[64];
};

#define FLAGS 0x8d5u /* overflow, sign, zero, adjust, parity, carry */

/*
 * GP(name, code): %[p] is the address; rax, rbx, rcx and rdx are the
 * instruction's to use.
 */
#define GP(name, code)                                                         \
	static void run_##name(char *p, struct regs *r)                        \
	{                                                                      \
		__asm__ volatile("xorl %%esi, %%esi\n\t" code                  \
				 "\n\tpushfq\n\tpopq %[flags]"                 \
				 : "+a"(r->a), "+b"(r->b), "+c"(r->c),         \
				   "+d"(r->d), [flags] "=&r"(r->flags)         \
				 : [p] "r"(p)                                  \
				 : "memory", "cc", "rsi");                     \
		r->flags &= FLAGS;                                             \
	}

GP(mov8, "movb %%al, (%[p])")
GP(mov16, "movw %%ax, (%[p])")
GP(mov32, "movl %%eax, (%[p])")
GP(mov64, "movq %%rax, (%[p])")
GP(mov_imm, "movq $0x12345678, (%[p])")
GP(mov_index, "movl %%eax, 4(%[p], %%rsi, 8)")
GP(movnti, "movntiq %%rax, (%[p])")
GP(add, "addl %%eax, (%[p])")
GP(sub_imm, "subq $-5, (%[p])")
GP(lock_add, "lock addl $7, (%[p])")
GP(lock_dec, "lock decq (%[p])")
GP(lock_or, "lock orl %%ecx, (%[p])")
GP(lock_bts, "movl $5, %%ecx\n\tlock btsl %%ecx, (%[p])")
GP(neg, "negl (%[p])")
GP(shl, "shll $3, (%[p])")
GP(sete, "testl %%eax, %%eax\n\tsete (%[p])")
GP(xchg, "xchgl %%eax, (%[p])")
GP(xadd, "lock xaddl %%eax, (%[p])")
GP(xadd64, "lock xaddq %%rbx, (%[p])")
GP(cmpxchg_eq, "xorl %%eax, %%eax\n\tlock cmpxchgl %%ebx, (%[p])")
GP(cmpxchg_ne, "movl $3, %%eax\n\tlock cmpxchgl %%ebx, (%[p])")
GP(cmpxchg8b, "lock cmpxchg8b (%[p])")
GP(fst, "fldpi\n\tfstpl (%[p])")
GP(stmxcsr, "stmxcsr (%[p])")

/* %[v] is r->vector, eax what a mask is made of. */
#define VECTOR(name, code, ...)                                                \
	static void run_##name(char *p, struct regs *r)                        \
	{                                                                      \
		__asm__ volatile(code                                          \
				 :                                             \
				 : [p] "r"(p), [v] "r"(r->vector),             \
				   "a"((uint32_t)r->a)                         \
				 : "memory", "xmm1", "xmm2", "xmm9");          \
	}

VECTOR(movups, "movups (%[v]), %%xmm1\n\tmovups %%xmm1, (%[p])")
VECTOR(movss, "movups (%[v]), %%xmm1\n\tmovss %%xmm1, (%[p])")
VECTOR(movsd, "movups (%[v]), %%xmm1\n\tmovsd %%xmm1, (%[p])")
VECTOR(pextrd, "movups (%[v]), %%xmm1\n\tpextrd $2, %%xmm1, (%[p])")
VECTOR(vmovups, "vmovups (%[v]), %%ymm9\n\tvmovups %%ymm9, (%[p])\n\tvzeroupper")
VECTOR(vextract, "vmovups (%[v]), %%ymm9\n\tvextractf128 $1, %%ymm9, (%[p])\n\t"
		 "vzeroupper")
VECTOR(vmaskmov, "vmovups (%[v]), %%ymm9\n\tvpmaskmovd %%ymm9, %%ymm9, (%[p])\n\t"
		 "vzeroupper")
VECTOR(vmovups512, "vmovups (%[v]), %%zmm9\n\tvmovups %%zmm9, (%[p])\n\t"
		   "vzeroupper")
VECTOR(vmovups512_disp8,
       "vmovups (%[v]), %%zmm9\n\tsub $64, %[p]\n\tvmovups %%zmm9, 64(%[p])\n\t"
       "add $64, %[p]\n\tvzeroupper")
VECTOR(vmovdqu_masked,
       "kmovw %%eax, %%k1\n\tvmovups (%[v]), %%zmm9\n\t"
       "vmovdqu32 %%zmm9, (%[p])%{%%k1%}\n\tvzeroupper")
VECTOR(vcompress,
       "kmovw %%eax, %%k1\n\tvmovups (%[v]), %%zmm9\n\t"
       "vcompressps %%zmm9, (%[p])%{%%k1%}\n\tvzeroupper")
/* Elements at p + 4 * (lane * 16 mod 31): all around. */
static const uint32_t lanes[16] = {0,  16, 1, 17, 2, 18, 3, 19,
				   4,  20, 5, 21, 6, 22, 7, 23};
static void run_scatter(char *p, struct regs *r)
{
	__asm__ volatile("kmovw %%eax, %%k1\n\tvmovups (%[v]), %%zmm9\n\t"
			 "vmovups (%[lanes]), %%zmm1\n\t"
			 "vpscatterdd %%zmm9, (%[p],%%zmm1,4)%{%%k1%}\n\t"
			 "kmovw %%k1, %%ebx\n\tvzeroupper"
			 : "=b"(r->b)
			 : [p] "r"(p), [v] "r"(r->vector), [lanes] "r"(lanes),
			   "a"((uint32_t)r->a)
			 : "memory", "xmm1", "xmm9");
}

enum { ALWAYS, AVX2, AVX512 };

#define I(name, size, needs) {#name, run_##name, size, needs}
#define ALIGNED(name, size) {#name, run_##name, size, ALWAYS, size}
static const struct instruction {
	const char *name;
	void (*run)(char *p, struct regs *r);
	unsigned size_B;
	int needs;
	unsigned align_B; /* split locks, and split lanes, are not for tests */
} instructions[] = {
	I(mov8, 1, ALWAYS), I(mov16, 2, ALWAYS), I(mov32, 4, ALWAYS),
	I(mov64, 8, ALWAYS), I(mov_imm, 8, ALWAYS), I(mov_index, 8, ALWAYS),
	I(movnti, 8, ALWAYS), I(add, 4, ALWAYS), I(sub_imm, 8, ALWAYS),
	ALIGNED(lock_add, 4), ALIGNED(lock_dec, 8), ALIGNED(lock_or, 4),
	ALIGNED(lock_bts, 4), I(neg, 4, ALWAYS), I(shl, 4, ALWAYS),
	I(sete, 1, ALWAYS), ALIGNED(xchg, 4), ALIGNED(xadd, 4),
	ALIGNED(xadd64, 8), ALIGNED(cmpxchg_eq, 4), ALIGNED(cmpxchg_ne, 4),
	ALIGNED(cmpxchg8b, 8), I(fst, 8, ALWAYS), I(stmxcsr, 4, ALWAYS),
	I(movups, 16, ALWAYS), I(movss, 4, ALWAYS), I(movsd, 8, ALWAYS),
	I(pextrd, 4, ALWAYS), I(vmovups, 32, AVX2), I(vextract, 16, AVX2),
	I(vmaskmov, 32, AVX2), I(vmovups512, 64, AVX512),
	I(vmovups512_disp8, 64, AVX512), I(vmovdqu_masked, 64, AVX512),
	I(vcompress, 64, AVX512), {"scatter", run_scatter, 96, AVX512, 4},
};

static bool has(int needs)
{
	return needs == ALWAYS ||
	       (needs == AVX2 && __builtin_cpu_supports("avx2")) ||
	       (needs == AVX512 && __builtin_cpu_supports("avx512f"));
}

static void fill(void *at, size_t size_B, uint64_t *seed)
{
	for (size_t i = 0; i < size_B; i++)
		((uint8_t *)at)[i] = (uint8_t)test_random(seed);
}

static bool is_null(size_t offset)
{
	return offset / PAGE == 1 || offset / PAGE >= 3;
}

/* At @offset of the window, and on memory that reads the same. */
static void check_instruction(struct fixture *f, const struct instruction *insn,
			      size_t offset, uint64_t *seed)
{
	static char plain[5 * PAGE];
	struct regs r = {0}, expected;

	fill(test_cpu(&f->t, f->pa), 2 * PAGE, seed);
	memset(plain, 0, sizeof(plain));
	memcpy(plain, test_cpu(&f->t, f->pa), PAGE);
	memcpy(plain + 2 * PAGE, test_cpu(&f->t, f->pa + PAGE), PAGE);
	fill(&r, sizeof(r), seed);
	expected = r;
	insn->run(plain + offset, &expected);
	insn->run(f->host + offset, &r);
	for (size_t i = 0; i < sizeof(plain); i++) {
		char want = is_null(i) ? 0 : plain[i];

		if (f->host[i] != want)
			fail_msg("%s at 0x%zx: byte 0x%zx is %d, not %d",
				 insn->name, offset, i, f->host[i], want);
	}
	if (memcmp(&r, &expected, sizeof(r)))
		fail_msg("%s at 0x%zx: registers or flags differ", insn->name,
			 offset);
}

static void test_instructions(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	unsigned skipped = 0;

	SKIP_UNLESS_SUPPORTED(f);
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]);
	     i++) {
		const struct instruction *insn = &instructions[i];
		unsigned step = insn->align_B ? insn->align_B : 1;

		if (!has(insn->needs)) {
			skipped++;
			continue;
		}
		/* Within, at both ends, and across both edges. */
		check_instruction(f, insn, PAGE + 64, &seed);
		check_instruction(f, insn, PAGE, &seed);
		check_instruction(f, insn, 3 * PAGE, &seed);
		for (unsigned at = step; at <= insn->size_B; at += step) {
			check_instruction(f, insn, 2 * PAGE - at, &seed);
			check_instruction(f, insn, PAGE - at, &seed);
		}
	}
	if (skipped)
		printf("# %u instructions that this processor lacks\n", skipped);
}

/* A loop of stores: every instruction comes from its slot's cache. */
static void test_again_and_again(void **state)
{
	struct fixture *f = *state;
	volatile uint32_t *words = (volatile uint32_t *)(f->host + PAGE);
	uint64_t steps = test_stats(&f->t).null_steps;

	SKIP_UNLESS_SUPPORTED(f);
	for (unsigned i = 0; i < PAGE / 4; i++) {
		words[i] = i + 1;
		assert_int_equal(words[i], 0);
	}
	assert_int_equal(test_stats(&f->t).null_steps - steps, PAGE / 4);
}

/* -------------------------------------------------------------- strings -- */

static void rep_stos(char *to, uint64_t value, size_t count, unsigned size_B)
{
	if (size_B == 1)
		__asm__ volatile("rep stosb"
				 : "+D"(to), "+c"(count)
				 : "a"(value)
				 : "memory");
	else
		__asm__ volatile("rep stosq"
				 : "+D"(to), "+c"(count)
				 : "a"(value)
				 : "memory");
	assert_int_equal(count, 0);
}

static void rep_movs(char *to, const char *from, size_t count, unsigned size_B)
{
	if (size_B == 1)
		__asm__ volatile("rep movsb"
				 : "+D"(to), "+S"(from), "+c"(count)
				 :
				 : "memory");
	else
		__asm__ volatile("rep movsq"
				 : "+D"(to), "+S"(from), "+c"(count)
				 :
				 : "memory");
	assert_int_equal(count, 0);
}

/* From one bound page across null memory to the other, at odd addresses. */
static void test_strings(void **state)
{
	struct fixture *f = *state;
	static char plain[4 * PAGE], source[4 * PAGE];
	uint64_t seed = 77;

	SKIP_UNLESS_SUPPORTED(f);
	fill(source, sizeof(source), &seed);
	for (unsigned run = 0; run < 64; run++) {
		unsigned size_B = run & 1 ? 8 : 1;
		size_t first = PAGE - 1 - test_random(&seed) % 64;
		size_t count = (PAGE + 100 + test_random(&seed) % 64) / size_B;
		uint64_t value = test_random(&seed);

		memset(test_cpu(&f->t, f->pa), 0x5a, 2 * PAGE);
		memset(plain, 0x5a, sizeof(plain));
		if (run & 2) {
			rep_movs(plain + first, source, count, size_B);
			rep_movs(f->host + first, source, count, size_B);
		} else {
			rep_stos(plain + first, value, count, size_B);
			rep_stos(f->host + first, value, count, size_B);
		}
		assert_memory_equal(f->host, plain, PAGE);
		assert_zero(f->host + PAGE, PAGE);
		assert_memory_equal(f->host + 2 * PAGE, plain + 2 * PAGE, PAGE);
	}
	/* From null memory: zeroes. */
	rep_movs(f->host + 2 * PAGE, f->host + PAGE, PAGE / 8, 8);
	assert_zero(f->host + 2 * PAGE, PAGE);
}

/* One trap skips all that 512 leaves say is null. */
static void test_string_steps(void **state)
{
	struct fixture *f = *state;
	uint64_t steps = test_stats(&f->t).null_steps;

	SKIP_UNLESS_SUPPORTED(f);
	rep_stos(f->host + 3 * PAGE, 0x11, WINDOW_B - 3 * PAGE, 1);
	assert_int_equal(test_stats(&f->t).null_steps - steps, WINDOW_B / MiB(2));
}

/* What cannot be stepped over is taken until the next barrier, and said. */
static void test_unknown_instruction(void **state)
{
	struct fixture *f = *state;
	char *end = f->host + PAGE + 512 - 8;
	size_t count = 64;

	SKIP_UNLESS_SUPPORTED(f);
	assert_int_equal(mali_barrier_add(f->t.gpu, f->barrier), 0);
	__asm__ volatile("std\n\trep stosq\n\tcld"
			 : "+D"(end), "+c"(count)
			 : "a"(0x1111111111111111)
			 : "memory");
	assert_int_equal(count, 0);
	*(volatile char *)f->barrier = 1;
	assert_zero(f->host + PAGE, PAGE);
	mali_barrier_remove(f->t.gpu, f->barrier);
}

#endif

/* ---------------------------------------------------------------- bulk -- */

#define CHUNKS (WINDOW_B / KiB(64))

/* Of this program's own code, so that a test can say what is in bulk. */
__attribute__((noinline)) static void store_many(char *at, size_t size_B)
{
	for (size_t i = 0; i < size_B; i += 4)
		*(volatile uint32_t *)(at + i) = 0x77777777;
}

static void test_bulk(void **state)
{
	struct fixture *f = *state;
	struct mali_stats before, after;
	struct mali_dram_stats dram;
	uint64_t used;

	SKIP_UNLESS_SUPPORTED(f);
	mali_dram_get_stats(f->t.dram, &dram);
	used = dram.allocated_B;
	assert_int_equal(mali_bulk_code_add((const void *)store_many, 256), 0);
	assert_int_equal(mali_bulk_code_add((const void *)store_many, 256), 0);

	/* No barrier, no bulk. */
	before = test_stats(&f->t);
	store_many(f->host + 3 * PAGE, PAGE);
	after = test_stats(&f->t);
	assert_int_equal(after.null_steps - before.null_steps, PAGE / 4);
	assert_int_equal(after.null_bulks, before.null_bulks);

	assert_int_equal(mali_barrier_add(f->t.gpu, f->barrier), 0);
	for (int run = 0; run < 3; run++) {
		before = test_stats(&f->t);
		memset(test_cpu(&f->t, f->pa), 0, 2 * PAGE);
		store_many(f->host, WINDOW_B);
		after = test_stats(&f->t);
		/* Eight steps; for each 64 KiB a mapping, two for the hole. */
		assert_in_range(after.null_bulks - before.null_bulks, CHUNKS,
				CHUNKS + 1);
		assert_in_range(after.null_steps - before.null_steps, 8, 16);
		assert_int_equal(*(uint32_t *)test_cpu(&f->t, f->pa + 8),
				 0x77777777);
		if (run == 2)
			mali_barrier(f->t.gpu);
		else
			*(volatile char *)f->barrier = 1;
		assert_zero(f->host + PAGE, PAGE);
		assert_zero(f->host + 3 * PAGE, WINDOW_B - 3 * PAGE);
		assert_int_equal(*(uint32_t *)(f->host + 2 * PAGE), 0x77777777);
	}
	/* Not armed: it is memory like any other. */
	before = test_stats(&f->t);
	*(volatile char *)f->barrier = 2;
	assert_int_equal(*(volatile char *)f->barrier, 2);
	/* A LOCK takes it as well. */
	store_many(f->host + 3 * PAGE, PAGE);
	test_lock(&f->t, VA, MiB(8));
	test_unlock(&f->t);
	assert_zero(f->host + 3 * PAGE, PAGE);
	store_many(f->host + 3 * PAGE, PAGE);
	mali_barrier_remove(f->t.gpu, f->barrier);
	assert_zero(f->host + 3 * PAGE, PAGE);
	*(volatile char *)f->barrier = 3;
	mali_dram_get_stats(f->t.dram, &dram);
	assert_int_equal(dram.allocated_B, used);
}

/*
 * What bulk code did not store to reads as zero, whatever was stored there or
 * elsewhere before: a copy may have its source beside its target.
 */
static void test_bulk_source(void **state)
{
	struct fixture *f = *state;
	char *tile = f->host + KiB(64), *other = f->host + KiB(640);

	SKIP_UNLESS_SUPPORTED(f);
	assert_int_equal(mali_bulk_code_add((const void *)store_many, 256), 0);
	assert_int_equal(mali_barrier_add(f->t.gpu, f->barrier), 0);
	for (int run = 0; run < 3; run++) {
		store_many(tile, WINDOW_B - KiB(64));
		*(volatile char *)f->barrier = 1;
		store_many(tile + KiB(40), KiB(4));
		assert_zero(tile, KiB(40));
		assert_zero(tile + KiB(44), KiB(84));
		store_many(other, KiB(32));
		assert_zero(other + KiB(32), KiB(32));
		assert_zero(tile, KiB(40));
	}
	/* When there are many, those that were first are zeroes again. */
	store_many(tile, WINDOW_B - KiB(64));
	assert_zero(tile, KiB(64));
	mali_barrier_remove(f->t.gpu, f->barrier);
}

/* Any code, when there is no end to it: exact at first, and fast then. */
static void test_flood(void **state)
{
	struct fixture *f = *state;
	volatile uint32_t *words = (volatile uint32_t *)(f->host + 3 * PAGE);
	const unsigned count = 100000, words_there = (WINDOW_B - 3 * PAGE) / 4;
	struct mali_stats before, after;

	SKIP_UNLESS_SUPPORTED(f);
	assert_int_equal(mali_barrier_add(f->t.gpu, f->barrier), 0);
	for (int run = 0; run < 3; run++) {
		before = test_stats(&f->t);
		for (unsigned i = 0; i < count; i++)
			words[i * 31 % words_there] = 1 + i;
		after = test_stats(&f->t);
		assert_int_equal(after.null_steps - before.null_steps, 2048);
		/* One and a half times around: there is memory for half. */
		assert_in_range(after.null_bulks - before.null_bulks, 1,
				2 * CHUNKS);
		*(volatile char *)f->barrier = 1;
		assert_zero(f->host + 3 * PAGE, WINDOW_B - 3 * PAGE);
		/* Atomics always are. */
		for (unsigned i = 0; i < 5000; i++) {
			uint32_t *word = (uint32_t *)(f->host + PAGE) + i % 9;

			assert_int_equal(__atomic_fetch_add(word, 3,
							    __ATOMIC_SEQ_CST),
					 0);
			assert_int_equal(__atomic_exchange_n(word, 3,
							     __ATOMIC_SEQ_CST),
					 0);
		}
		/* Exact again. */
		words[5] = 5;
		assert_int_equal(words[5], 0);
		*(volatile char *)f->barrier = 1;
	}
	mali_barrier_remove(f->t.gpu, f->barrier);
}

/* Code that looks at what it stored is never in bulk, however long it stores. */
static void test_looked_at(void **state)
{
	struct fixture *f = *state;
	volatile uint32_t *words = (volatile uint32_t *)(f->host + 3 * PAGE);
	const unsigned words_there = (WINDOW_B - 3 * PAGE) / 4;
	struct mali_stats before, after;

	SKIP_UNLESS_SUPPORTED(f);
	assert_int_equal(mali_barrier_add(f->t.gpu, f->barrier), 0);
	for (int run = 0; run < 2; run++) {
		before = test_stats(&f->t);
		for (unsigned i = 0; i < 10000; i++) {
			volatile uint32_t *word = &words[i * 31 % words_there];

			*word = 1 + i;
			assert_int_equal(*word, 0);
		}
		after = test_stats(&f->t);
		assert_int_equal(after.null_steps - before.null_steps, 10000);
		assert_int_equal(after.null_bulks, before.null_bulks);
		*(volatile char *)f->barrier = 1;
	}

	/* A late look, at other null memory, ends bulk stores: exact again. */
	for (unsigned i = 0; i < 10000; i++)
		words[i % KiB(4)] = 1 + i;
	before = test_stats(&f->t);
	assert_true(before.null_bulks > after.null_bulks);
	assert_int_equal(words[words_there - 1], 0);
	for (unsigned i = 0; i < 10000; i++) {
		words[i % KiB(4)] = 1 + i;
		assert_int_equal(words[i % KiB(4)], 0);
	}
	after = test_stats(&f->t);
	assert_int_equal(after.null_bulks, before.null_bulks);
	mali_barrier_remove(f->t.gpu, f->barrier);
}

/* ------------------------------------------------------------- streams -- */

/* A stream loads zeroes, and what it stores and adds goes nowhere. */
static void test_stream(void **state)
{
	static struct cs_test c;
	const uint64_t buffer[] = {
		CS_MOVE(80, CS_DATA_VA),
		CS_MOVE(82, CS_NOWHERE_VA),
		CS_MOVE32(0, 5),
		CS_MOVE32(1, 6),
		CS_STORE(0, 82, 3, 0),
		CS_SYNC_ADD32(82, 0, 0),
		CS_SYNC_SET64(82, 0, 0),
		CS_LOAD(0, 82, 3, 0),
		CS_STORE(0, 80, 3, 0),
	};
	uint32_t *data;
	uint64_t info;

	(void)state;
	cs_init_config(&c, &(struct test_config){.null_leaves = true});
	if (!(mali_gpu_read32(c.t.gpu, MALI_GPU_VIRT_FEATURES) &
	      MALI_GPU_VIRT_NULL_LEAVES)) {
		cs_finish(&c);
		skip();
	}
	test_map(&c.t, CS_NOWHERE_VA, 0, PAGE, TEST_NULL);
	data = cs_data(&c, CS_DATA_VA);
	data[0] = data[1] = 9;
	assert_int_equal(cs_run_buffer(&c, buffer,
				       sizeof(buffer) / sizeof(buffer[0]),
				       10000, &info),
			 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(data[1], 0);
	assert_int_equal(test_stats(&c.t).faults, 0);
	cs_finish(&c);
}

/* -------------------------------------------------------------- threads -- */

struct stress {
	struct fixture *f;
	_Atomic bool stop;
	_Atomic uint64_t wrong, rounds;
	_Atomic unsigned threads;
};

/*
 * Stores of all threads to null memory, none of which anyone may see. Each has
 * words of its own, or ThreadSanitizer would rightly call it a race.
 */
static void *stress_thread(void *data)
{
	struct stress *s = data;
	uint64_t seed = (uintptr_t)&seed;
	size_t lane = 8 * (atomic_fetch_add(&s->threads, 1) % 4);

	while (!atomic_load(&s->stop)) {
		size_t at = (test_random(&seed) % (WINDOW_B - 3 * PAGE) & ~31ull) +
			    lane;
		volatile uint64_t *word =
			(volatile uint64_t *)(s->f->host + 3 * PAGE + at);

		*word = seed;
		if (*word || __atomic_fetch_add(word, 5, __ATOMIC_SEQ_CST))
			atomic_fetch_add(&s->wrong, 1);
		atomic_fetch_add(&s->rounds, 1);
	}
	return NULL;
}

static void test_stress(void **state)
{
	struct fixture *f = *state;
	struct stress s = {.f = f};
	uint64_t end = test_now_ns() + test_seconds(2) * 1000000000ull;
	pthread_t threads[4];

	SKIP_UNLESS_SUPPORTED(f);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						stress_thread, &s),
				 0);
	while (test_now_ns() < end) {
		test_lock(&f->t, VA, MiB(8));
		test_unlock(&f->t);
		usleep(200);
	}
	atomic_store(&s.stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&s.wrong), 0);
	assert_true(atomic_load(&s.rounds) > 100);
}

/* Threads that come and go leave their slots to others. */
static void *one_store(void *data)
{
	*(volatile char *)data = 1;
	return NULL;
}

static void test_many_threads(void **state)
{
	struct fixture *f = *state;
	uint64_t steps = test_stats(&f->t).null_steps;

	SKIP_UNLESS_SUPPORTED(f);
	for (int i = 0; i < 1500; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, one_store,
						f->host + PAGE),
				 0);
		pthread_join(thread, NULL);
		assert_int_equal(*(volatile char *)(f->host + PAGE), 0);
	}
	assert_int_equal(test_stats(&f->t).null_steps - steps, 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loads_and_stores, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_feature_off, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_readonly, setup, teardown),
#if defined(__x86_64__)
		cmocka_unit_test_setup_teardown(test_instructions, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_again_and_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_string_steps, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unknown_instruction, setup,
						teardown),
#endif
		cmocka_unit_test_setup_teardown(test_bulk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bulk_source, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stress, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_threads, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
