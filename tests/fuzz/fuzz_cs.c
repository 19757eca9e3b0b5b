/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: bytes become a command stream, which runs on the virtual GPU in a
 * VM with memory that is bound, read-only, sparse and missing. It must end, or
 * be ended; reach nothing that the VM does not map; and leave a GPU that works.
 * What cs_oracle.h can follow must come to the same registers, memory and
 * exception.
 */
#include "cs_oracle.h"
#include "cs_rig.h"
#include "fuzz.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INSTRS 256u
#define SHORT_MS 4 /* for what need not end */
#define LONG_MS 5000 /* for what must */

#define INSTR(op, a, b, c, low)                                                \
   ((uint64_t)(op) << 56 | (uint64_t)(a) << 48 | (uint64_t)(b) << 40 |         \
    (uint64_t)(c) << 32 | (uint64_t)(low))
#define MOVE48(reg, value) INSTR(1, reg, 0, 0, value)
#define MOVE32(reg, value) INSTR(2, reg, 0, 0, value)
#define STORE_16(base, address, offset)                                        \
   INSTR(21, base, address, 0, 0xffffull << 16 | (offset))

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
   (void)argc;
   (void)argv;
   return 0;
}

/* --------------------------------------------------------------- decoding -- */

static uint64_t
pick_va(struct fuzz_input *in)
{
   static const uint64_t areas[] = {
      CS_DATA_VA,  CS_DATA_VA,   CS_DATA_VA, CS_SPARSE_VA, CS_SPARSE_VA,
      CS_CONST_VA, CS_RING_VA,   CS_CODE_VA, CS_DATA_VA + CS_DATA_B - 32,
      CS_DUMP_VA,  CS_CODE_VA - 64, 0,       0x7ffffffff000ull,
      0xfffffffffff8ull,
   };
   const uint8_t how = fuzz_u8(in);
   uint64_t va = areas[how % 14] + fuzz_u8(in) * 8ull;

   if (how >= 252)
      va += fuzz_u8(in);
   return va;
}

/* Registers that meet: few of them, and now and then any. */
static uint64_t
pick_reg(struct fuzz_input *in, bool pair)
{
   const uint8_t how = fuzz_u8(in);

   if (how >= 250)
      return fuzz_u8(in);
   return pair ? how % 8 * 2 : how % 16;
}

static uint64_t
decode(struct fuzz_input *in)
{
   const uint8_t op = fuzz_u8(in);

   switch (op % 32) {
   case 0 ... 4: /* an address to use */
      return MOVE48(pick_reg(in, true), pick_va(in));
   case 5:
   case 6:
      return MOVE32(pick_reg(in, false), fuzz_u32(in));
   case 7:
      return MOVE32(pick_reg(in, false), fuzz_u8(in));
   case 8:
      return INSTR(16, pick_reg(in, false), pick_reg(in, false), 0,
                   fuzz_u32(in));
   case 9:
      return INSTR(17, pick_reg(in, true), pick_reg(in, true), 0, fuzz_u32(in));
   case 10:
      return INSTR(18, pick_reg(in, false), pick_reg(in, false),
                   pick_reg(in, false), 0);
   case 11 ... 13:
   case 14 ... 16: /* LOAD_MULTIPLE, STORE_MULTIPLE */
      return INSTR(op % 32 < 14 ? 20 : 21, pick_reg(in, false),
                   pick_reg(in, true), 0,
                   (fuzz_u32(in) & 0xffff0000u) | fuzz_u8(in) * 4u);
   case 17: /* SYNC_ADD, SET and WAIT, 32 and 64 */
   case 18:
   case 19: {
      static const uint8_t syncs[] = {37, 38, 39, 51, 52, 53};
      const uint8_t how = fuzz_u8(in);
      return INSTR(syncs[how % 6], 0, pick_reg(in, true), pick_reg(in, true),
                   (how & 64 ? 1ull << 28 : 0) | (how >> 7));
   }
   case 20: /* FLUSH_CACHE2, WAIT, ERROR_BARRIER */
      return INSTR(36, 0, pick_reg(in, false), 0, 0x233);
   case 21:
      return INSTR(3, 0, 0, 0, 0xff0000);
   case 22:
      return INSTR(47, 0, 0, 0, 0);
   case 23: /* BRANCH */
      return INSTR(22, 0, pick_reg(in, false), 0,
                   (uint64_t)fuzz_below(in, 8) << 28 |
                      (uint16_t)(fuzz_u8(in) - 128));
   case 24: /* CALL and JUMP, here and elsewhere */
      return INSTR(fuzz_u8(in) & 1 ? 32 : 33, 0, pick_reg(in, true),
                   pick_reg(in, false), 0);
   case 25: /* STORE_STATE */
      return INSTR(40, 0, pick_reg(in, true), fuzz_below(in, 4),
                   fuzz_u8(in) * 8u);
   case 26: /* anything, of a known instruction */
      return (uint64_t)(fuzz_u8(in) % 54) << 56 | fuzz_u64(in) >> 8;
   case 27:
      return fuzz_u64(in);
   default:
      return 0;
   }
}

/* ----------------------------------------------------------------- running -- */

static void
fill_memory(struct cs_rig *rig)
{
   uint32_t *data = test_cpu(&rig->vm, rig->data_pa);
   uint32_t *constants = test_cpu(&rig->vm, rig->const_pa);

   for (uint32_t i = 0; i < CS_DATA_B / 4; i++)
      data[i] = i % 5 ? i * 0x01010101u : 0;
   for (uint32_t i = 0; i < CS_CONST_B / 4; i++)
      constants[i] = ~i;
}

/* The stream is called as a driver does: with the pair 92 and register 94. */
static void
call_stream(struct cs_rig *rig, unsigned count)
{
   const uint64_t words[] = {
      MOVE48(92, CS_CODE_VA),
      MOVE32(94, count * 8),
      INSTR(32, 0, 92, 94, 0),
   };

   cs_rig_submit(rig, words, 3);
}

/* Registers 0 to 93, and two that this clobbers, go to the dump page. */
static void
dump_registers(struct cs_rig *rig)
{
   uint64_t words[7] = {MOVE48(94, CS_DUMP_VA)};

   for (unsigned i = 0; i < 6; i++)
      words[1 + i] = STORE_16(16 * i, 94, 64 * i);
   cs_rig_submit(rig, words, 7);
   fuzz_check(cs_rig_wait(rig, LONG_MS) == CS_DONE);
}

static void
compare(const char *what, const uint32_t *got, const uint32_t *want,
        uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      if (got[i] != want[i])
         fuzz_fail("%s %u: %#x, should be %#x", what, i, got[i], want[i]);
}

static bool
same_memory(struct cs_rig *rig, const struct oracle *o)
{
   return !memcmp(test_cpu(&rig->vm, rig->data_pa), o->data, CS_DATA_B) &&
          !memcmp(test_cpu(&rig->vm, rig->dummy_pa), o->dummy, 4096) &&
          !memcmp(test_cpu(&rig->vm, rig->dump_pa), o->dump, 4096);
}

/*
 * A stream that waits for ever says nothing when it begins to: on a busy
 * machine it may not have come that far yet.
 */
static void
settle(struct cs_rig *rig, const struct oracle *o)
{
   const uint64_t begin = test_now_ns();

   while (!same_memory(rig, o) &&
          test_now_ns() - begin < LONG_MS * 1000000ull)
      sched_yield();
}

static void
check_end(struct cs_rig *rig, struct oracle *o, enum oracle_end want,
          enum cs_end got)
{
   static const enum cs_end ends[] = {
      [ORACLE_DONE] = CS_DONE,
      [ORACLE_FATAL] = CS_FATAL,
      [ORACLE_BLOCKED] = CS_TIMEOUT,
   };
   uint64_t info;

   if (got != ends[want])
      fuzz_fail("ended as %d, should be %d", got, ends[want]);
   if (got == CS_FATAL) {
      const uint32_t code = cs_rig_fatal(rig, &info) & 0xff;

      if (code != o->fatal || info != o->fatal_info)
         fuzz_fail("exception %#x about %#llx, should be %#x about %#llx", code,
                   (unsigned long long)info, o->fatal,
                   (unsigned long long)o->fatal_info);
   }
   if (want == ORACLE_BLOCKED)
      settle(rig, o);
   compare("data word", test_cpu(&rig->vm, rig->data_pa), o->data,
           CS_DATA_B / 4);
   compare("word of the dummy", test_cpu(&rig->vm, rig->dummy_pa), o->dummy,
           1024);
   compare("dumped word", test_cpu(&rig->vm, rig->dump_pa), o->dump, 1024);
   if (got == CS_DONE) {
      dump_registers(rig);
      compare("register", test_cpu(&rig->vm, rig->dump_pa), o->reg, 94);
   }
}

/* A group is started anew and does what it is told. */
static void
check_works(struct cs_rig *rig)
{
   const uint64_t words[] = {
      MOVE48(0, CS_DATA_VA),
      MOVE32(2, 0xfee1900d),
      INSTR(21, 2, 0, 0, 1 << 16),
   };
   uint32_t *data = test_cpu(&rig->vm, rig->data_pa);

   data[0] = 0;
   cs_rig_start(rig);
   cs_rig_submit(rig, words, 3);
   fuzz_check(cs_rig_wait(rig, LONG_MS) == CS_DONE);
   fuzz_check(data[0] == 0xfee1900d);
   cs_rig_terminate(rig);
}

static void
run_stream(struct cs_rig *rig, struct oracle *o, unsigned count,
           unsigned suspends)
{
   cs_rig_start(rig);
   fill_memory(rig);
   memcpy(o->data, test_cpu(&rig->vm, rig->data_pa), CS_DATA_B);
   memcpy(o->constants, test_cpu(&rig->vm, rig->const_pa), CS_CONST_B);
   call_stream(rig, count);
   /* Not changed by what runs: the VM maps it read-only. */
   o->ring = test_cpu(&rig->vm, rig->ring_pa);
   o->reg[92] = (uint32_t)CS_CODE_VA;
   o->reg[94] = count * 8;
   const enum oracle_end want = oracle_run(o, count);
   /* In the middle of it, or before, or after; or of a stream that is dead. */
   for (; suspends; suspends--) {
      cs_rig_suspend(rig);
      cs_rig_resume(rig);
   }
   const bool ends = want == ORACLE_DONE || want == ORACLE_FATAL;
   const enum cs_end got = cs_rig_wait(rig, ends ? LONG_MS : SHORT_MS);
   if (want != ORACLE_UNKNOWN)
      check_end(rig, o, want, got);
   /* More work for a stream that is dead, or busy, is no reason to hang. */
   call_stream(rig, count);
   cs_rig_terminate(rig);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
   struct fuzz_input in = {data, data + size};
   struct oracle *o = calloc(1, sizeof(*o));
   uint32_t *dump = calloc(1024, sizeof(*dump));
   struct cs_rig rig;
   unsigned count = 0;

   if (!o || !dump)
      abort();
   cs_rig_begin(&rig);
   const unsigned suspends = fuzz_below(&in, 3);
   uint64_t *code = test_cpu(&rig.vm, rig.code_pa);
   while (in.next < in.end && count < MAX_INSTRS)
      code[count++] = decode(&in);
   o->code = code;
   o->dump = dump;
   run_stream(&rig, o, count, suspends);
   check_works(&rig);
   cs_rig_end(&rig);
   free(dump);
   free(o);
   return 0;
}
