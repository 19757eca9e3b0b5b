/* SPDX-License-Identifier: MIT */
/* What the uAPI tests share: a device, shorthands for ops, and a quiet check. */
#ifndef UAPI_H
#define UAPI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "host/host.h"
#include "kmod/pan_kmod.h"

#define SZ_4K 0x1000ull
#define SZ_64K 0x10000ull
#define SZ_2M 0x200000ull
#define SZ_1G 0x40000000ull
#define SZ_512G 0x8000000000ull
#define SZ_1T 0x10000000000ull

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define READONLY DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED
#define SPARSE (DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE | NOEXEC)
#define UNMAP ((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)
#define SYNC_ONLY ((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY)
#define ASYNC DRM_PANTHOR_VM_BIND_ASYNC
#define USER_VA (1ull << 47)

/*
 * Opens the device for a test: the one that PANSPARSE_DEVICE names, else the
 * machine in this process, booted with @config (may be NULL). Fails the test
 * when that fails.
 */
struct pan_kmod_dev *uapi_open(const struct host_config *config);
/* Closes it; the machine must not have leaked. */
void uapi_close(struct pan_kmod_dev *dev);
/* A machine of fixed, small size, for tests that count. */
extern const struct host_config uapi_small;
extern const struct host_config uapi_small_fragmented;

/* One synchronous op; returns its errno. */
int uapi_bind(struct pan_kmod_vm *vm, uint32_t flags, struct pan_kmod_bo *bo,
              uint64_t bo_offset, uint64_t va, uint64_t size_B);

struct pan_kmod_bo *uapi_bo(struct pan_kmod_dev *dev, uint64_t size_B);
struct pan_kmod_vm *uapi_vm(struct pan_kmod_dev *dev);

/* The counters; skips the test on a device that has none. */
struct host_stats uapi_stats(struct pan_kmod_dev *dev);
/* Skips the test unless it runs on the machine in this process. */
void uapi_need_virtual(struct pan_kmod_dev *dev);

/*
 * Evicts until @count BOs were, and no more. An access to what was evicted goes
 * on as soon as its page is there, and the kernel may be busy with the BO for a
 * moment longer: eviction passes it by then.
 */
void uapi_evict(struct pan_kmod_dev *dev, uint64_t count);

/*
 * What an ioctl that fails must not change: objects, page tables, memory.
 * uapi_unchanged() fails the test, naming @what, where it did.
 */
void uapi_unchanged(struct pan_kmod_dev *dev, const struct host_stats *before,
                    const char *what);

/*
 * To be called first in main(): of the program's tests only that one runs whose
 * function PANSPARSE_TEST names, if it names one. For bin/uapi-test, which takes
 * what a test is about from the comment above it.
 */
void uapi_select(void);
/*
 * Whether PANSPARSE_DEVICE names a node; and, for programs all of whose tests need
 * the machine in this process already to set up, what to return from main() then:
 * says of each test that would have run that it is skipped.
 */
bool uapi_is_on_node(void);
int uapi_skip_all(const struct CMUnitTest *tests, size_t count);

/* An environment variable as a number, for longer runs. */
uint64_t uapi_env(const char *name, uint64_t fallback);

#endif /* UAPI_H */
