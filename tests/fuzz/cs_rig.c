/* SPDX-License-Identifier: MIT */
#include "cs_rig.h"

#include "fuzz.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#define MCU_AS 0
/* Of the firmware's address space. */
#define SHARED_VA 0x04000000ull
#define SHARED_B 0x80000ull
#define IFACE_VA 0x04100000ull
#define IFACE_B 0x20000ull
#define IFACE_OUTPUT 0x1000u /* page 0: the ring's input */
#define IFACE_SUSPEND 0x2000u /* and all behind it */

#define CANARY 0xca9a71e5u
#define ANSWER_NS 10000000000ull

/* Requests. */
#define CSG_STATE_MASK 7u
#define CSG_START 1u
#define CSG_SUSPEND 2u
#define CSG_RESUME 3u
#define CSG_TERMINATE 0u
#define CS_START 1u
#define CS_FATAL_BIT (1u << 30)

/* ----------------------------------------------------------- shared memory -- */

static uint32_t *
word(struct cs_rig *rig, uint64_t va)
{
   fuzz_check(va >= SHARED_VA && va < SHARED_VA + SHARED_B);
   return test_cpu(&rig->vm, rig->shared_pa + (va - SHARED_VA));
}

static uint32_t
get(struct cs_rig *rig, uint64_t va)
{
   return __atomic_load_n(word(rig, va), __ATOMIC_ACQUIRE);
}

static void
put(struct cs_rig *rig, uint64_t va, uint32_t value)
{
   __atomic_store_n(word(rig, va), value, __ATOMIC_RELEASE);
}

static void
put64(struct cs_rig *rig, uint64_t va, uint64_t value)
{
   put(rig, va, (uint32_t)value);
   put(rig, va + 4, (uint32_t)(value >> 32));
}

static uint64_t *
iface(struct cs_rig *rig, uint32_t offset)
{
   return test_cpu(&rig->vm, rig->iface_pa + offset);
}

/* The blocks of group 0 and its stream 0, as the firmware described them. */
static uint32_t
glb_input(struct cs_rig *rig)
{
   return get(rig, SHARED_VA + 8);
}

static uint64_t
csg_control(void)
{
   return SHARED_VA + 0x1000;
}

static uint32_t
csg_input(struct cs_rig *rig)
{
   return get(rig, csg_control() + 4);
}

static uint32_t
csg_output(struct cs_rig *rig)
{
   return get(rig, csg_control() + 8);
}

static uint32_t
cs_input(struct cs_rig *rig)
{
   return get(rig, csg_control() + 0x40 + 4);
}

static uint32_t
cs_output(struct cs_rig *rig)
{
   return get(rig, csg_control() + 0x40 + 8);
}

static void
ring_doorbell(struct cs_rig *rig, uint32_t n)
{
   mali_gpu_write32(rig->vm.gpu, MALI_CSF_DOORBELL(n), 1);
}

/* ------------------------------------------------------------------- boot -- */

/* The sections that have contents. */
static void
load_image(struct cs_rig *rig)
{
   size_t size_B;
   const uint8_t *image = mali_firmware_image(&size_B);
   uint32_t end, entry[6];

   memcpy(&end, image + 16, sizeof(end));
   for (uint32_t at = 20; at + sizeof(entry) <= end;) {
      memcpy(entry, image + at, sizeof(entry));
      at += entry[0] >> 8 & 0xff;
      if ((entry[0] & 0xff) || entry[4] == entry[5])
         continue;
      fuzz_check(entry[3] - entry[2] == 4096 && entry[5] <= size_B);
      const uint64_t pa = rig->canary_pa[0];
      memset(test_cpu(&rig->vm, pa), 0, 4096);
      memcpy(test_cpu(&rig->vm, pa), image + entry[4], entry[5] - entry[4]);
      test_map(&rig->mcu, entry[2], pa, 4096, TEST_RO);
   }
}

static uint64_t
alloc(struct cs_rig *rig, uint64_t size_B, unsigned canary)
{
   uint32_t *guard;

   /* A guard behind each: page 0 of these is the firmware's code. */
   rig->canary_pa[canary] = test_pages(&rig->vm, 4096);
   guard = test_cpu(&rig->vm, rig->canary_pa[canary]);
   for (unsigned i = 0; i < 1024; i++)
      guard[i] = CANARY;
   return test_pages(&rig->vm, size_B);
}

void
cs_rig_begin(struct cs_rig *rig)
{
   static const struct test_config config = {.dram_B = 8ull << 20};
   struct test_gpu *vm = &rig->vm;

   *rig = (struct cs_rig){0};
   test_gpu_init(vm, &config);
   rig->shared_pa = alloc(rig, SHARED_B, 0);
   rig->iface_pa = alloc(rig, IFACE_B, 1);
   rig->ring_pa = alloc(rig, 4096, 2);
   rig->code_pa = alloc(rig, CS_CODE_B, 3);
   rig->data_pa = alloc(rig, CS_DATA_B, 4);
   rig->const_pa = alloc(rig, CS_CONST_B, 5);
   rig->dummy_pa = alloc(rig, 4096, 6);
   rig->dump_pa = alloc(rig, 4096, 7);
   test_map(vm, CS_RING_VA, rig->ring_pa, 4096, TEST_RO);
   test_map(vm, CS_CODE_VA, rig->code_pa, CS_CODE_B, TEST_RO);
   test_map(vm, CS_DATA_VA, rig->data_pa, CS_DATA_B, TEST_RW);
   test_map(vm, CS_CONST_VA, rig->const_pa, CS_CONST_B, TEST_RO);
   test_map(vm, CS_DUMP_VA, rig->dump_pa, 4096, TEST_RW);
   for (uint64_t at = 0; at < CS_SPARSE_B; at += 4096)
      test_map(vm, CS_SPARSE_VA + at, rig->dummy_pa, 4096, TEST_RW);

   test_gpu_share(&rig->mcu, vm, MCU_AS);
   test_map(&rig->mcu, SHARED_VA, rig->shared_pa, SHARED_B, TEST_RW);
   test_map(&rig->mcu, IFACE_VA, rig->iface_pa, IFACE_B, TEST_RW);
   load_image(rig);

   mali_gpu_write32(vm->gpu, MALI_MCU_CONTROL, MALI_MCU_CONTROL_AUTO);
   const uint64_t begin = test_now_ns();
   while (!(mali_gpu_read32(vm->gpu, MALI_JOB_INT_RAWSTAT) &
            MALI_JOB_INT_GLOBAL_IF)) {
      if (test_now_ns() - begin > ANSWER_NS)
         fuzz_fail("the firmware does not boot");
      sched_yield();
   }
   fuzz_check(mali_gpu_read32(vm->gpu, MALI_MCU_STATUS) == 1);
}

void
cs_rig_end(struct cs_rig *rig)
{
   struct test_gpu *vm = &rig->vm;
   const uint64_t sizes[] = {SHARED_B, IFACE_B, 4096, CS_CODE_B, CS_DATA_B,
                             CS_CONST_B, 4096, 4096};
   const uint64_t pas[] = {rig->shared_pa, rig->iface_pa, rig->ring_pa,
                           rig->code_pa, rig->data_pa, rig->const_pa,
                           rig->dummy_pa, rig->dump_pa};

   for (unsigned canary = 1; canary < 8; canary++) {
      const uint32_t *guard = test_cpu(vm, rig->canary_pa[canary]);

      for (unsigned i = 0; i < 1024; i++)
         fuzz_check(guard[i] == CANARY);
   }
   mali_gpu_write32(vm->gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
   for (unsigned i = 0; i < 8; i++) {
      mali_dram_free(vm->dram, pas[i], sizes[i]);
      mali_dram_free(vm->dram, rig->canary_pa[i], 4096);
   }
   test_gpu_unshare(&rig->mcu);
   test_gpu_finish(vm);
}

/* ------------------------------------------------------------------ group -- */

/* Asks for a state of the group, and waits until it is reached. */
static void
request_state(struct cs_rig *rig, uint32_t state)
{
   const uint64_t begin = test_now_ns();
   const uint32_t req = get(rig, csg_input(rig));

   put(rig, csg_input(rig), (req & ~CSG_STATE_MASK) | state);
   put(rig, glb_input(rig) + 8, get(rig, glb_input(rig) + 8) ^ 1);
   ring_doorbell(rig, 0);
   while ((get(rig, csg_output(rig)) & CSG_STATE_MASK) != state) {
      if (test_now_ns() - begin > ANSWER_NS)
         fuzz_fail("the group does not reach state %u", state);
      sched_yield();
   }
}

void
cs_rig_start(struct cs_rig *rig)
{
   const uint32_t cs = cs_input(rig), csg = csg_input(rig);

   fuzz_check(get(rig, csg_control() + 0xc) <= IFACE_B - IFACE_SUSPEND);
   rig->inserted = 0;
   *iface(rig, 0) = 0;
   *iface(rig, 8) = 0;
   *iface(rig, IFACE_OUTPUT) = 0;
   put64(rig, cs + 0x10, CS_RING_VA);
   put(rig, cs + 0x18, 4096);
   put64(rig, cs + 0x30, IFACE_VA);
   put64(rig, cs + 0x38, IFACE_VA + IFACE_OUTPUT);
   put(rig, cs + 0x4, 1 << 8); /* doorbell 1 */
   /* What was fatal before is acknowledged by now. */
   put(rig, cs, (get(rig, cs_output(rig)) & CS_FATAL_BIT) | CS_START | 1u << 10 |
                   1u << 8);
   put64(rig, csg + 0x40, IFACE_VA + IFACE_SUSPEND);
   put(rig, csg + 0x50, TEST_AS);
   request_state(rig, CSG_START);
}

void
cs_rig_suspend(struct cs_rig *rig)
{
   request_state(rig, CSG_SUSPEND);
}

void
cs_rig_resume(struct cs_rig *rig)
{
   request_state(rig, CSG_RESUME);
}

void
cs_rig_terminate(struct cs_rig *rig)
{
   request_state(rig, CSG_TERMINATE);
}

/* ------------------------------------------------------------------- ring -- */

void
cs_rig_submit(struct cs_rig *rig, const uint64_t *words, unsigned count)
{
   uint64_t *ring = test_cpu(&rig->vm, rig->ring_pa);

   for (unsigned i = 0; i < count; i++)
      ring[(rig->inserted / 8 + i) % 512] = words[i];
   rig->inserted += count * 8;
   __atomic_store_n(iface(rig, 0), rig->inserted, __ATOMIC_RELEASE);
   ring_doorbell(rig, 1);
}

static bool
is_fatal(struct cs_rig *rig)
{
   return (get(rig, cs_input(rig)) ^ get(rig, cs_output(rig))) & CS_FATAL_BIT;
}

enum cs_end
cs_rig_wait(struct cs_rig *rig, unsigned timeout_ms)
{
   const uint64_t begin = test_now_ns();

   for (;;) {
      const uint64_t extract =
         __atomic_load_n(iface(rig, IFACE_OUTPUT), __ATOMIC_ACQUIRE);
      const uint32_t active = __atomic_load_n(
         (uint32_t *)iface(rig, IFACE_OUTPUT + 8), __ATOMIC_ACQUIRE);

      if (is_fatal(rig))
         return CS_FATAL;
      if (extract == rig->inserted && !active)
         return CS_DONE;
      if (test_now_ns() - begin > timeout_ms * 1000000ull)
         return CS_TIMEOUT;
      sched_yield();
   }
}

uint32_t
cs_rig_fatal(struct cs_rig *rig, uint64_t *info_out)
{
   const uint32_t out = cs_output(rig);

   *info_out = get(rig, out + 0x90) | (uint64_t)get(rig, out + 0x94) << 32;
   return get(rig, out + 0x84);
}
