/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * For the tests of src/linux/core: a machine made of a memfd, with one device
 * that has a level-triggered interrupt, and a way to provoke warnings in
 * silence.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "linux_machine.h"

#define CORE_RAM_B (32ull << 20)

/* Registers of the device on line 2, by offset. */
#define DEV_STATUS 0x0	 /* read: pending bits; write: sets them */
#define DEV_CLEAR 0x4	 /* write: clears pending bits */
#define DEV_MASK 0x8	 /* which of them raise the line */
#define DEV_COUNTER 0xc	 /* read: how often it was read before */
#define DEV_SCRATCH 0x10 /* 0x10..0x1c: plain storage */
#define DEV_IRQ 2

/* The one image that it has, the NUL included. */
#define DEV_FIRMWARE "vendor/device.bin"
#define DEV_FIRMWARE_DATA "code"

/* fragmented: one page at a time, no two neighbours. */
void machine_boot(bool fragmented);
/* Fails the test unless linux_shutdown() reports this many leaks. */
void machine_shutdown(int leaks);
/* Pages of RAM that are handed out. */
uint64_t machine_pages(void);

/* cmocka setup and teardown: no leaks, no warnings but those caught. */
int machine_setup(void **state);
int machine_teardown(void **state);

/*
 * Collects stderr until caught(), which returns what was written, valid until
 * the next catch_begin(), and fails the test unless as many warnings were
 * counted.
 */
void catch_begin(void);
const char *caught(unsigned long warnings);

/* From any thread; cmocka's own assertions are for the test's thread only. */
#define CHECK(cond) machine_check(cond, #cond, __FILE__, __LINE__)
void machine_check(bool ok, const char *what, const char *file, int line);

/* Small, seeded from TEST_SEED in the environment, which is printed. */
uint32_t machine_random(void);

#endif /* CORE_MACHINE_H */
