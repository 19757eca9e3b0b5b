/* SPDX-License-Identifier: MIT */
#include "cs_oracle.h"

#include <stdbool.h>
#include <stddef.h>

#define BUS_FAULT 0x48
#define INVALID 0x49

/* The word that the GPU sees at @va; NULL where it sees none. */
static uint32_t *
word_at(struct oracle *o, uint64_t va, bool store)
{
   if (va >= CS_DATA_VA && va < CS_DATA_VA + CS_DATA_B)
      return &o->data[(va - CS_DATA_VA) / 4];
   if (va >= CS_SPARSE_VA && va < CS_SPARSE_VA + CS_SPARSE_B)
      return &o->dummy[va % 4096 / 4];
   if (va >= CS_DUMP_VA && va < CS_DUMP_VA + 4096)
      return &o->dump[va % 4096 / 4];
   if (store)
      return NULL;
   if (va >= CS_CONST_VA && va < CS_CONST_VA + CS_CONST_B)
      return &o->constants[(va - CS_CONST_VA) / 4];
   if (va >= CS_CODE_VA && va < CS_CODE_VA + CS_CODE_B)
      return (uint32_t *)o->code + (va - CS_CODE_VA) / 4;
   if (va >= CS_RING_VA && va < CS_RING_VA + 4096)
      return (uint32_t *)o->ring + (va - CS_RING_VA) / 4;
   return NULL;
}

static enum oracle_end
fatal(struct oracle *o, uint32_t code, uint64_t info)
{
   o->fatal = code;
   o->fatal_info = info;
   return ORACLE_FATAL;
}

static uint64_t
get_pair(const struct oracle *o, unsigned reg)
{
   return o->reg[reg] | (uint64_t)o->reg[reg + 1] << 32;
}

static void
set_pair(struct oracle *o, unsigned reg, uint64_t value)
{
   o->reg[reg] = (uint32_t)value;
   o->reg[reg + 1] = (uint32_t)(value >> 32);
}

static enum oracle_end
multiple(struct oracle *o, uint64_t instr, uint64_t pc, bool store)
{
   const unsigned base = instr >> 48 & 0xff, address = instr >> 40 & 0xff;
   const uint32_t mask = instr >> 16 & 0xffff;

   if (address % 2 || address > 94)
      return fatal(o, INVALID, pc);
   const uint64_t va = get_pair(o, address) + (uint64_t)(int16_t)instr;
   bool bad = va % 4;
   for (unsigned i = 0; i < 16; i++)
      if ((mask >> i & 1) && base + i > 95)
         bad = true;
   if (bad)
      return fatal(o, INVALID, pc);
   for (unsigned i = 0; i < 16; i++) {
      if (!(mask >> i & 1))
         continue;
      uint32_t *word = word_at(o, va + 4 * i, store);
      if (!word)
         return fatal(o, BUS_FAULT, va + 4 * i);
      if (store)
         *word = o->reg[base + i];
      else
         o->reg[base + i] = *word;
   }
   return ORACLE_DONE;
}

static enum oracle_end
sync(struct oracle *o, uint64_t instr, uint64_t pc, bool wide, bool add)
{
   const unsigned address = instr >> 40 & 0xff, data = instr >> 32 & 0xff;

   if (address % 2 || address > 94 || data > 95 || (wide && data % 2))
      return fatal(o, INVALID, pc);
   const uint64_t va = get_pair(o, address);
   if (va % (wide ? 8 : 4))
      return fatal(o, INVALID, pc);
   if ((instr & 1) && o->error) {
      uint32_t *status = word_at(o, va + (wide ? 8 : 4), true);
      if (!status)
         return fatal(o, BUS_FAULT, va + (wide ? 8 : 4));
      *status = 1;
   }
   uint32_t *low = word_at(o, va, true);
   if (!low)
      return fatal(o, BUS_FAULT, va);
   /* Aligned, so both halves are in one page. */
   uint64_t value = low[0];
   if (wide)
      value |= (uint64_t)low[1] << 32;
   const uint64_t operand = wide ? get_pair(o, data) : o->reg[data];
   value = add ? value + operand : operand;
   low[0] = (uint32_t)value;
   if (wide)
      low[1] = (uint32_t)(value >> 32);
   return ORACLE_DONE;
}

static enum oracle_end
sync_wait(struct oracle *o, uint64_t instr, uint64_t pc, bool wide)
{
   const unsigned address = instr >> 40 & 0xff, data = instr >> 32 & 0xff;
   const unsigned condition = instr >> 28 & 0xf;

   if (address % 2 || address > 94 || data > 95 || (wide && data % 2) ||
       condition > 1)
      return fatal(o, INVALID, pc);
   const uint64_t va = get_pair(o, address);
   if (va % (wide ? 8 : 4))
      return fatal(o, INVALID, pc);
   const uint32_t *low = word_at(o, va, false);
   if (!low)
      return fatal(o, BUS_FAULT, va);
   uint64_t value = low[0];
   if (wide)
      value |= (uint64_t)low[1] << 32;
   const uint64_t ref = wide ? get_pair(o, data) : o->reg[data];
   if (condition ? value <= ref : value > ref)
      return ORACLE_BLOCKED;
   if (instr & 1) {
      const uint32_t *status = word_at(o, va + (wide ? 8 : 4), false);
      if (!status)
         return fatal(o, BUS_FAULT, va + (wide ? 8 : 4));
      if (*status)
         o->error = 1;
   }
   return ORACLE_DONE;
}

static enum oracle_end
arithmetic(struct oracle *o, uint64_t instr, uint64_t pc)
{
   const unsigned op = instr >> 56, dst = instr >> 48 & 0xff;
   const unsigned src = instr >> 40 & 0xff, third = instr >> 32 & 0xff;
   const bool pairs = op == 1 || op == 17;
   const bool has_src = op >= 16;

   if (dst > 95 || (pairs && dst % 2) ||
       (has_src && (src > 95 || (pairs && src % 2))) ||
       (op == 18 && third > 95))
      return fatal(o, INVALID, pc);
   switch (op) {
   case 1:
      set_pair(o, dst, instr & 0xffffffffffffull);
      break;
   case 2:
      o->reg[dst] = (uint32_t)instr;
      break;
   case 16:
      o->reg[dst] = o->reg[src] + (uint32_t)instr;
      break;
   case 17:
      set_pair(o, dst, get_pair(o, src) + (uint64_t)(int64_t)(int32_t)instr);
      break;
   default:
      o->reg[dst] =
         o->reg[src] < o->reg[third] ? o->reg[src] : o->reg[third];
      break;
   }
   return ORACLE_DONE;
}

static enum oracle_end
step(struct oracle *o, uint64_t instr, uint64_t pc)
{
   switch (instr >> 56) {
   case 1:
   case 2:
   case 16:
   case 17:
   case 18:
      return arithmetic(o, instr, pc);
   case 20:
      return multiple(o, instr, pc, false);
   case 21:
      return multiple(o, instr, pc, true);
   case 36:
      return (instr >> 40 & 0xff) > 95 ? fatal(o, INVALID, pc) : ORACLE_DONE;
   case 37:
      return sync(o, instr, pc, false, true);
   case 38:
      return sync(o, instr, pc, false, false);
   case 39:
      return sync_wait(o, instr, pc, false);
   case 47:
      o->error = 0;
      return ORACLE_DONE;
   case 51:
      return sync(o, instr, pc, true, true);
   case 52:
      return sync(o, instr, pc, true, false);
   case 53:
      return sync_wait(o, instr, pc, true);
   case 22:
   case 32:
   case 33:
   case 40:
      return ORACLE_UNKNOWN;
   /* What this GPU accepts and has nothing to do for. */
   case 0:
   case 3 ... 9:
   case 11:
   case 23 ... 25:
   case 34:
   case 41 ... 44:
   case 50:
      return ORACLE_DONE;
   case 48: /* HEAP_SET */
      if ((instr >> 40 & 0xff) > 95 || (instr >> 40 & 1))
         return fatal(o, INVALID, pc);
      return ORACLE_DONE;
   case 49: /* HEAP_OPERATION; "exhausted" waits for a driver */
      return (instr >> 32 & 3) == 2 ? ORACLE_UNKNOWN : ORACLE_DONE;
   default:
      return fatal(o, INVALID, pc);
   }
}

enum oracle_end
oracle_run(struct oracle *o, unsigned count)
{
   for (unsigned i = 0; i < count; i++) {
      const enum oracle_end end = step(o, o->code[i], CS_CODE_VA + 8 * i);

      if (end != ORACLE_DONE)
         return end;
   }
   return ORACLE_DONE;
}
