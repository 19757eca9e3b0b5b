/* SPDX-License-Identifier: MIT */
/*
 * pansparse-bench-vm: what VM_BIND costs in page-table entries, tables, locked
 * addresses and time, against a model of Linux 7.2.13 that does the same ops.
 * Runs on the machine in this process, or on PANSPARSE_DEVICE, where only times
 * can be had. Prints a JSON object a line, for bin/bench.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "host/host.h"
#include "kmod/pan_kmod.h"
#include "upstream_model.h"

#define TILE_B (1ull << 16)
#define MiB (1ull << 20)
#define GiB (1ull << 30)
#define TiB (1ull << 40)

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define SPARSE (DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE | NOEXEC)
#define UNMAP ((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)
#define REPETITIONS 5
#define NONE NAN

/* One device or model, and a VM on it that is scheduled where it can be. */
struct bench {
   bool fragmented, quick, counters;
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo; /* memory for tiles */
   struct pan_kmod_window *window; /* keeps the VM in an AS slot */
   void *window_host;
   struct upstream_vm *upstream;
};

/* What some ops cost; NaN: not known, or not possible. */
struct cost {
   double entries, tables, locked_B, ns;
};

static const struct cost no_cost = {NONE, NONE, NONE, NONE};

static void
check(int ret, const char *what)
{
   if (!ret)
      return;
   fprintf(stderr, "pansparse-bench-vm: %s: %s\n", what, strerror(-ret));
   exit(1);
}

static double
now_ns(void)
{
   struct timespec t;

   clock_gettime(CLOCK_MONOTONIC, &t);
   return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
   const double x = *(const double *)a, y = *(const double *)b;

   return (x > y) - (x < y);
}

static double
median(double *values, unsigned count)
{
   qsort(values, count, sizeof(*values), compare);
   return values[count / 2];
}

/* -------------------------------------------------------------- set up -- */

static void
vm_start(struct bench *b)
{
   check(pan_kmod_vm_create(b->dev, 0, &b->vm), "VM_CREATE");
   b->upstream = upstream_vm_create(b->fragmented);
   if (!b->upstream)
      check(-ENOMEM, "the model");
   if (!b->counters)
      return;
   b->window_host =
      mmap(NULL, 2 * MiB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (b->window_host == MAP_FAILED)
      check(-errno, "mmap");
   check(pan_kmod_window_create(b->vm, 0, b->window_host, 2 * MiB, &b->window),
         "a window");
}

static void
vm_stop(struct bench *b)
{
   pan_kmod_window_destroy(b->window);
   if (b->window_host)
      munmap(b->window_host, 2 * MiB);
   b->window = NULL;
   b->window_host = NULL;
   pan_kmod_vm_destroy(b->vm);
   upstream_vm_destroy(b->upstream);
}

static void
device_start(struct bench *b)
{
   const struct host_config config = {
      .dram_size_B = 2 * GiB,
      .dram_fragmented = b->fragmented,
   };
   const char *device = getenv("PANSPARSE_DEVICE");

   check(pan_kmod_dev_create(NULL, device && *device ? NULL : &config, &b->dev),
         "the device");
   b->counters = pan_kmod_dev_props(b->dev)->virtual_gpu;
   check(pan_kmod_bo_create(b->dev, 64 * MiB, 0, 0, "tiles", &b->bo),
         "BO_CREATE");
}

static void
device_stop(struct bench *b)
{
   pan_kmod_bo_destroy(b->bo);
   check(pan_kmod_dev_destroy(b->dev) ? -EIO : 0, "leaks");
}

/* ------------------------------------------------------------- measure -- */

static struct host_stats
stats_of(const struct bench *b)
{
   struct host_stats stats = {0};

   if (b->counters)
      check(pan_kmod_get_stats(b->dev, &stats), "counters");
   return stats;
}

static struct drm_panthor_vm_bind_op
make_op(const struct bench *b, uint32_t flags, uint64_t va, uint64_t size_B,
        uint64_t bo_offset)
{
   return (struct drm_panthor_vm_bind_op){
      .flags = flags,
      .bo_handle = flags == NOEXEC ? b->bo->handle : 0,
      .bo_offset = flags == NOEXEC ? bo_offset : 0,
      .va = va,
      .size = size_B,
   };
}

/* Each op in an ioctl of its own. */
static struct cost
ours(struct bench *b, const struct drm_panthor_vm_bind_op *ops, unsigned count)
{
   const struct host_stats before = stats_of(b);
   const double start = now_ns();

   for (unsigned i = 0; i < count; i++)
      check(pan_kmod_vm_bind(b->vm, 0, &ops[i], 1, NULL), "VM_BIND");

   const double ns = now_ns() - start;
   const struct host_stats after = stats_of(b);
   if (!b->counters)
      return (struct cost){NONE, NONE, NONE, ns / count};
   return (struct cost){
      .entries = (double)(after.pt_entries_written - before.pt_entries_written),
      .tables = (double)after.pt_pages - (double)before.pt_pages,
      .locked_B = (double)(after.mmu_locked_B - before.mmu_locked_B),
      .ns = ns / count,
   };
}

static int
upstream_op(struct bench *b, const struct drm_panthor_vm_bind_op *op)
{
   if (op->flags == SPARSE)
      return upstream_map_sparse(b->upstream, op->va, op->size);
   if (op->flags == UNMAP)
      return upstream_unmap(b->upstream, op->va, op->size);
   return upstream_map(b->upstream, op->va, op->size,
                       (1ull << 39) + op->bo_offset);
}

static struct cost
theirs(struct bench *b, const struct drm_panthor_vm_bind_op *ops,
       unsigned count)
{
   const struct upstream_stats before = upstream_stats(b->upstream);
   const double start = now_ns();

   for (unsigned i = 0; i < count; i++) {
      int ret = upstream_op(b, &ops[i]);
      if (ret) {
         fprintf(stderr, "  Linux 7.2.13: an op of %llu GiB fails: %s\n",
                 ops[i].size / GiB, strerror(-ret));
         return no_cost;
      }
   }

   const double ns = now_ns() - start;
   const struct upstream_stats after = upstream_stats(b->upstream);
   return (struct cost){
      .entries = (double)(after.entries - before.entries),
      .tables = (double)after.tables - (double)before.tables,
      .locked_B = (double)(after.locked_B - before.locked_B),
      .ns = ns / count,
   };
}

/* --------------------------------------------------------------- print -- */

static void
print_value(double value)
{
   if (isnan(value))
      printf("null");
   else
      printf("%.15g", value);
}

static void
row(const char *name, const char *what, const char *unit, double value,
    double peer_value)
{
   printf("{\"name\": \"%s_%s\", \"unit\": \"%s\", \"better\": \"lower\", "
          "\"value\": ", name, what, unit);
   print_value(value);
   printf(", \"peer_value\": ");
   print_value(peer_value);
   printf("}\n");
   fflush(stdout);
}

static void
rows(const struct bench *b, const char *test, const struct cost *us,
     const struct cost *them)
{
   char name[64];

   snprintf(name, sizeof(name), "%s%s", test, b->fragmented ? "_frag" : "");
   if (b->counters) {
      row(name, "entries", "entries", us->entries, them->entries);
      row(name, "tables", "tables", us->tables, them->tables);
      row(name, "locked", "bytes", us->locked_B, them->locked_B);
   }
   row(name, "time", "ns/op", us->ns, them->ns);
}

/* --------------------------------------------------------------- tests -- */

static const struct {
   const char *name;
   uint64_t size_B;
} sizes[] = {
   {"2mib", 2 * MiB},     {"64mib", 64 * MiB}, {"1gib", GiB},
   {"64gib", 64 * GiB},   {"512gib", 512 * GiB}, {"1tib", TiB},
   {"16tib", 16 * TiB},   {"128tib", 128 * TiB},
};

/* What the model would need gigabytes and minutes for. */
static bool
too_large(const struct bench *b, uint64_t size_B)
{
   const uint64_t limit_B = b->quick ? GiB : b->fragmented ? 64 * GiB : TiB;

   /* What fails at once takes no time. */
   return size_B > limit_B && size_B < TiB;
}

/*
 * One range, mapped and unmapped in a new VM; the tables are those of the first
 * time, shared ones included.
 */
static void
test_size(struct bench *b, const char *size_name, uint64_t size_B)
{
   const uint64_t va = size_B == 128 * TiB ? 0 : size_B;
   const struct drm_panthor_vm_bind_op map = make_op(b, SPARSE, va, size_B, 0);
   const struct drm_panthor_vm_bind_op unmap = make_op(b, UNMAP, va, size_B, 0);
   const unsigned theirs_n = size_B > GiB ? 1 : REPETITIONS;
   double map_ns[2][REPETITIONS], unmap_ns[2][REPETITIONS];
   struct cost up[2], down[2] = {no_cost, no_cost};
   char name[64];

   vm_start(b);
   up[1] = no_cost;
   for (unsigned i = 0; i < REPETITIONS; i++) {
      const struct cost m = ours(b, &map, 1), u = ours(b, &unmap, 1);
      map_ns[0][i] = m.ns;
      unmap_ns[0][i] = u.ns;
      if (!i) {
         up[0] = m;
         down[0] = u;
      }
   }
   up[0].ns = median(map_ns[0], REPETITIONS);
   down[0].ns = median(unmap_ns[0], REPETITIONS);
   if (too_large(b, size_B)) {
      fprintf(stderr, "  Linux 7.2.13: %s would take too long here\n",
              size_name);
   } else {
      for (unsigned i = 0; i < theirs_n; i++) {
         const struct cost m = theirs(b, &map, 1);
         if (isnan(m.ns))
            break;
         const struct cost u = theirs(b, &unmap, 1);
         map_ns[1][i] = m.ns;
         unmap_ns[1][i] = u.ns;
         if (!i) {
            up[1] = m;
            down[1] = u;
         }
         if (i == theirs_n - 1) {
            up[1].ns = median(map_ns[1], theirs_n);
            down[1].ns = median(unmap_ns[1], theirs_n);
         }
      }
   }
   snprintf(name, sizeof(name), "map_sparse_%s", size_name);
   rows(b, name, &up[0], &up[1]);
   snprintf(name, sizeof(name), "unmap_%s", size_name);
   rows(b, name, &down[0], &down[1]);
   vm_stop(b);
}

static void
test_ops(struct bench *b, const char *name,
         const struct drm_panthor_vm_bind_op *ops, unsigned count)
{
   const struct cost us = ours(b, ops, count), them = theirs(b, ops, count);

   rows(b, name, &us, &them);
}

/* Tiles in the middle of a sparse 1 GiB: bound, bound again, unbound. */
static void
test_tiles(struct bench *b, bool random)
{
   const unsigned count = 64 * MiB / TILE_B;
   const uint64_t base = 512 * MiB;
   struct drm_panthor_vm_bind_op map = make_op(b, SPARSE, 0, GiB, 0);
   struct drm_panthor_vm_bind_op *ops = calloc(count, sizeof(*ops));
   char name[64];
   const char *order = random ? "random" : "ordered";

   if (!ops)
      check(-ENOMEM, "tiles");
   vm_start(b);
   ours(b, &map, 1);
   theirs(b, &map, 1);
   for (unsigned i = 0; i < count; i++) {
      /* 389 is prime to the count, and no neighbour follows a neighbour. */
      const unsigned t = random ? i * 389 % count : i;
      ops[i] = make_op(b, NOEXEC, base + t * TILE_B, TILE_B, t * TILE_B);
   }
   snprintf(name, sizeof(name), "bind_%s", order);
   test_ops(b, name, ops, count);
   snprintf(name, sizeof(name), "rebind_%s", order);
   test_ops(b, name, ops, count);
   for (unsigned i = 0; i < count; i++)
      ops[i] = make_op(b, SPARSE, ops[i].va, TILE_B, 0);
   snprintf(name, sizeof(name), "unbind_%s", order);
   test_ops(b, name, ops, count);
   vm_stop(b);
   free(ops);
}

/* Every other tile: no two VMAs merge. In ioctls of 4096 ops, for speed. */
static void
fill_vmas(struct bench *b, uint64_t from, uint64_t count)
{
   static struct drm_panthor_vm_bind_op ops[4096];

   for (uint64_t i = from; i < count;) {
      unsigned n = 0;
      for (; n < 4096 && i < count; i++)
         ops[n++] = make_op(b, NOEXEC, TiB + i * 8192, 4096, 0);
      check(pan_kmod_vm_bind(b->vm, 0, ops, n, NULL), "VM_BIND");
   }
}

/* Cost of an op among so many VMAs: bind and unbind a page at random places. */
static double
cost_among(struct bench *b, uint64_t vmas)
{
   double ns[15];

   for (unsigned r = 0; r < 15; r++) {
      struct drm_panthor_vm_bind_op ops[512];
      for (unsigned i = 0; i < 512; i += 2) {
         const uint64_t at = (i * 7919ull + r * 104729ull) % 1000 * (vmas / 1000);
         const uint64_t va = TiB + at * 8192 + 4096;
         ops[i] = make_op(b, NOEXEC, va, 4096, 2 * MiB);
         ops[i + 1] = make_op(b, UNMAP, va, 4096, 0);
      }
      ns[r] = ours(b, ops, 512).ns;
   }
   return median(ns, 15);
}

static void
test_vmas(struct bench *b)
{
   const uint64_t many = b->quick ? 100000 : 1000000;

   vm_start(b);
   fill_vmas(b, 0, 1000);
   const double few_ns = cost_among(b, 1000);
   fill_vmas(b, 1000, many);
   const double many_ns = cost_among(b, many);
   row("op_among_1k_vmas", "time", "ns/op", few_ns, NONE);
   row(b->quick ? "op_among_100k_vmas" : "op_among_1m_vmas", "time", "ns/op",
       many_ns, NONE);
   row("op_many_vs_1k_vmas", "time", "x", many_ns / few_ns, NONE);
   vm_stop(b);
}

int
main(int argc, char **argv)
{
   struct bench b = {0};

   b.quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
   for (unsigned f = 0; f < 2; f++) {
      b.fragmented = f;
      device_start(&b);
      for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
         test_size(&b, sizes[i].name, sizes[i].size_B);
      test_tiles(&b, false);
      test_tiles(&b, true);
      if (!f)
         test_vmas(&b);
      device_stop(&b);
   }
   return 0;
}
