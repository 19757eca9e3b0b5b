/* SPDX-License-Identifier: MIT */
/*
 * The oracle of fuzz_ioctl.c: what a machine with some open files should be
 * like after a sequence of calls. Knows handles, sizes, flags, who maps what,
 * the contents of two words of each page, and which fences syncobjs have; and
 * checks translations in DRAM alone. Belongs to one thread.
 */
#ifndef IOCTL_WORLD_H
#define IOCTL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "drm-uapi/panthor_drm.h"
#include "host/host.h"
#include "uapi/model.h"

#define WORLD_FILES 3
#define WORLD_BOS 48
#define WORLD_VMS 6 /* of a file */
#define WORLD_HANDLES 48 /* of a file */
#define WORLD_SYNCOBJS 8 /* of a file */
#define WORLD_FDS 4
#define WORLD_MAPS 6
#define WORLD_ISLAND_PAGES 1024u

struct world_bo {
   uint64_t size_B; /* 0: no such BO */
   uint32_t flags;
   uint32_t exclusive; /* serial number of the VM, or 0 */
   bool tagged; /* word 0 of each page names the page */
   uint32_t pages; /* that are followed; 0 for an absurdly large BO */
   uint64_t *pa; /* of an untagged BO's pages: 0 until seen */
   uint32_t *word; /* what word 1 of each page should be */
};

struct world_vm {
   uint32_t id; /* 0: no such VM */
   uint32_t serial;
   uint64_t user_va_range;
   bool pending; /* asynchronous jobs may not have run yet */
   struct model model;
};

enum world_fence { FENCE_NONE, FENCE_PLAIN, FENCE_CHAIN };

struct world_syncobj {
   uint32_t handle; /* 0: no such syncobj */
   enum world_fence fence;
   uint64_t point; /* FENCE_CHAIN: the last one */
};

struct world_handle {
   uint32_t handle; /* 0: none */
   uint16_t bo;
};

struct world_file {
   struct host_file *file; /* NULL: closed */
   uint64_t mmio_offset;
   struct world_handle handle[WORLD_HANDLES];
   struct world_vm vm[WORLD_VMS];
   struct world_syncobj syncobj[WORLD_SYNCOBJS];
   uint32_t flush_syncobj; /* of the world itself */
   uint64_t flush_point;
   uint64_t dummy_pa[512]; /* 0 until seen */
   uint32_t group[4]; /* handles that the driver gave out */
   uint32_t heap[4];
};

struct world_map {
   uint32_t *words; /* NULL: none */
   uint16_t bo;
};

struct world {
   struct host_machine *machine;
   struct host_stats stats; /* before the call at work */
   uint64_t dram_size_B;
   uint64_t evictions; /* since which no page has moved */
   struct world_file file[WORLD_FILES];
   struct world_bo bo[WORLD_BOS];
   struct {
      int fd; /* -1: none */
      uint16_t bo;
   } fd[WORLD_FDS];
   struct world_map map[WORLD_MAPS];
   uint32_t serial;
   uint64_t inject; /* the next call's n-th step fails; UINT64_MAX: none */
   bool excuse; /* the next call may find too little memory */
   bool may_fail; /* the last call could, or met a failure */
};

/* Boots. Aborts on failure, as everything below. */
void world_begin(struct world *w, const struct host_config *config);
/* Checks everything, closes everything, and nothing may have leaked. */
void world_end(struct world *w);

bool world_open(struct world *w, struct world_file *file);
void world_close(struct world *w, struct world_file *file);

/* Before and after a call that may be injected a failure. */
void world_arm(struct world *w);
void world_disarm(struct world *w);
int world_ioctl(struct world *w, struct world_file *file, unsigned long request,
                void *arg);
/*
 * Is @got what @want says? -ENOMEM is right as well when the call met a failure.
 * A call that failed must have changed nothing, if @unchanged.
 */
void world_expect(struct world *w, const char *what, int got, int want,
                  bool unchanged);

/* A BO of @file by handle, a VM by id, a syncobj by handle; NULL if unknown. */
struct world_handle *world_handle(struct world_file *file, uint32_t handle);
struct world_vm *world_vm(struct world_file *file, uint32_t id);
struct world_syncobj *world_syncobj(struct world_file *file, uint32_t handle);
/* drm_syncobj_find_fence() of Linux, as far as it can be seen. */
bool world_has_point(const struct world_syncobj *syncobj, uint64_t point);
void world_add_point(struct world_syncobj *syncobj, uint64_t point);

/* Starts to follow a BO that was created; NULL if the world has too many. */
struct world_bo *world_bo_add(struct world *w, uint64_t size_B, uint32_t flags,
                              uint32_t exclusive);
/* Names its pages, through a CPU mapping, if there is memory. */
void world_bo_tag(struct world *w, struct world_file *file, uint32_t handle,
                  struct world_bo *bo);
uint32_t world_tag(const struct world *w, const struct world_bo *bo,
                   uint32_t page);
/* Waits for a VM's asynchronous jobs. */
void world_flush(struct world *w, struct world_file *file, struct world_vm *vm);
/* Compares the translations of pages that touch [va, va + size_B). */
void world_check_vm(struct world *w, struct world_file *file,
                    struct world_vm *vm, uint64_t va, uint64_t size_B);
void world_vm_gone(struct world_vm *vm);

#endif /* IOCTL_WORLD_H */
