/* SPDX-License-Identifier: MIT */
/*
 * megatexture: a flight over a landscape whose texture has 16,384 x 16,384
 * texels, of which at most 64 MiB have memory at any time. See docs/demo.md.
 */
#include "camera.h"
#include "driver_stats.h"
#include "landscape.h"
#include "megatexture.h"
#include "png_file.h"
#include "residency_map.h"
#include "scene.h"
#include "verify.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERIFY_ROUNDS 12 /* of tiles, spread over the flight */

struct options {
   const char *out;
   uint32_t frames;
   uint32_t width, height;
   uint32_t budget_MiB;
   uint32_t seed;
   bool quiet;
   bool use_table; /* the CPU's bitmap instead of residency codes */
   bool sabotage;
   enum vkh_sparse_queue queue;
};

static const char usage[] =
   "usage: megatexture [OPTIONS]\n"
   "Flies over a landscape with a sparse texture of 16384 x 16384 texels and\n"
   "writes megatexture.png (the last frame), residency.png (what is bound).\n"
   "\n"
   "  --out DIR           where the pictures go (.)\n"
   "  --frames N          length of the flight (120)\n"
   "  --size WxH          of the picture (1280x720)\n"
   "  --budget MIB        memory bound to the texture at most (64)\n"
   "  --seed N            of the landscape (3)\n"
   "  --residency HOW     how shaders know what is bound: code (the driver's\n"
   "                      residency code, the default where there is one) or\n"
   "                      table (a bitmap kept by the CPU)\n"
   "  --queue WHICH       binds go to: any (the default), universal, separate\n"
   "  --sabotage          bind one tile to a wrong page; succeeds if that is\n"
   "                      found\n"
   "  --quiet             no progress, no summary\n"
   "  --help\n"
   "\n"
   "Exit code: 0 all texels right; 1 not, or another error; 77 the device has\n"
   "no sparse residency images.\n";

/* --------------------------------------------------------------- options -- */

static uint32_t
parse_number(const char *option, const char *text, uint32_t low, uint32_t high)
{
   char *end;
   errno = 0;
   const unsigned long long value = strtoull(text, &end, 10);

   if (errno || end == text || *end || text[0] == '-' || value < low ||
       value > high)
      vkh_die("megatexture: --%s takes a number from %u to %u, not \"%s\"",
              option, low, high, text);
   return (uint32_t)value;
}

static void
parse_size(const char *text, struct options *options)
{
   char tail;

   if (sscanf(text, "%ux%u%c", &options->width, &options->height, &tail) != 2 ||
       options->width < 16 || options->width > 8192 || options->height < 16 ||
       options->height > 8192)
      vkh_die("megatexture: --size takes WxH, each 16 to 8192, not \"%s\"",
              text);
}

static enum vkh_sparse_queue
parse_queue(const char *text)
{
   if (strcmp(text, "any") == 0)
      return VKH_SPARSE_QUEUE_ANY;
   if (strcmp(text, "universal") == 0)
      return VKH_SPARSE_QUEUE_UNIVERSAL;
   if (strcmp(text, "separate") == 0)
      return VKH_SPARSE_QUEUE_SEPARATE;
   vkh_die("megatexture: --queue takes any, universal or separate, not \"%s\"",
           text);
}

static bool
parse_residency(const char *text)
{
   if (strcmp(text, "code") != 0 && strcmp(text, "table") != 0)
      vkh_die("megatexture: --residency takes code or table, not \"%s\"", text);
   return strcmp(text, "table") == 0;
}

static struct options
parse_options(int argc, char **argv)
{
   enum { OUT, FRAMES, SIZE, BUDGET, SEED, RESIDENCY, QUEUE, SABOTAGE, QUIET,
          HELP };
   static const struct option list[] = {
      {"out", required_argument, NULL, OUT},
      {"frames", required_argument, NULL, FRAMES},
      {"size", required_argument, NULL, SIZE},
      {"budget", required_argument, NULL, BUDGET},
      {"seed", required_argument, NULL, SEED},
      {"residency", required_argument, NULL, RESIDENCY},
      {"queue", required_argument, NULL, QUEUE},
      {"sabotage", no_argument, NULL, SABOTAGE},
      {"quiet", no_argument, NULL, QUIET},
      {"help", no_argument, NULL, HELP},
      {0},
   };
   struct options options = {
      .out = ".",
      .frames = 120,
      .width = 1280,
      .height = 720,
      .budget_MiB = 64,
      .seed = 3,
      .queue = VKH_SPARSE_QUEUE_ANY,
   };
   int choice;

   while ((choice = getopt_long(argc, argv, "", list, NULL)) != -1) {
      switch (choice) {
      case OUT:
         options.out = optarg;
         break;
      case FRAMES:
         options.frames = parse_number("frames", optarg, 2, 1000000);
         break;
      case SIZE:
         parse_size(optarg, &options);
         break;
      case BUDGET:
         options.budget_MiB = parse_number("budget", optarg, 1, 1400);
         break;
      case SEED:
         options.seed = parse_number("seed", optarg, 0, UINT32_MAX);
         break;
      case RESIDENCY:
         options.use_table = parse_residency(optarg);
         break;
      case QUEUE:
         options.queue = parse_queue(optarg);
         break;
      case SABOTAGE:
         options.sabotage = true;
         break;
      case QUIET:
         options.quiet = true;
         break;
      case HELP:
         fputs(usage, stdout);
         exit(0);
      default:
         fputs(usage, stderr);
         exit(1);
      }
   }
   if (optind < argc)
      vkh_die("megatexture: unexpected argument \"%s\"; see --help",
              argv[optind]);
   return options;
}

/* ------------------------------------------------------------ the flight -- */

struct demo {
   struct options options;
   struct vkh vk;
   struct megatexture tex;
   struct scene scene;
   struct verify verify;
   double flight_seconds; /* the frames alone, without checks */
   bool failed; /* something but a wrong texel */
};

static void
show_progress(const struct demo *demo, uint32_t frame)
{
   const uint32_t frames = demo->options.frames;
   const bool terminal = isatty(STDERR_FILENO);
   const struct residency *res = &demo->tex.residency;

   if (demo->options.quiet)
      return;
   /* A log gets a line now and then, a terminal one that changes. */
   if (!terminal && frame % (frames / 8 + 1) != 0 && frame != frames)
      return;
   fprintf(stderr,
           "%smegatexture: frame %u of %u, %u of %u pages in use, %" PRIu64
           " tiles evicted%s",
           terminal ? "\r" : "", frame, frames,
           res->page_count - res->free_count, res->page_count, res->evicted,
           terminal && frame != frames ? "" : "\n");
}

static void
fly(struct demo *demo, struct camera *camera)
{
   const struct options *options = &demo->options;
   const float aspect = (float)options->width / (float)options->height;
   const uint32_t interval = options->frames / VERIFY_ROUNDS + 1;
   uint32_t *requests = vkh_calloc(1, demo->scene.bitmap_size_B);

   for (uint32_t frame = 1; frame <= options->frames; frame++) {
      const double start = vkh_seconds();

      camera_fly(camera, (float)(frame - 1) / (float)(options->frames - 1),
                 aspect);
      if (options->sabotage && frame == options->frames / 2)
         demo->tex.sabotage = true;
      megatexture_update(&demo->tex, requests, frame);
      memcpy(requests, scene_render(&demo->scene, camera, frame),
             demo->scene.bitmap_size_B);
      demo->flight_seconds += vkh_seconds() - start;
      show_progress(demo, frame);
      if (frame % interval == 0 || frame == options->frames)
         verify_tiles(&demo->verify);
   }
   free(requests);
}

static void
write_pictures(struct demo *demo)
{
   const struct options *options = &demo->options;
   char path[4096];
   uint32_t *picture = scene_read_picture(&demo->scene);

   snprintf(path, sizeof(path), "%s/megatexture.png", options->out);
   demo->failed |=
      !png_file_write(path, options->width, options->height, picture);
   free(picture);
   snprintf(path, sizeof(path), "%s/residency.png", options->out);
   demo->failed |= !residency_map_write(&demo->tex, path);
}

static void
check_last_frame(struct demo *demo, const struct camera *camera)
{
   struct scene_texel *pixels = scene_render_exact(&demo->scene, camera);

   verify_picture(&demo->verify, pixels, demo->options.width,
                  demo->options.height);
   free(pixels);
}

/* --------------------------------------------------------------- summary -- */

static void
print_counter(const struct driver_stats *stats, const char *label,
              const char *key, uint64_t factor)
{
   uint64_t value;

   if (driver_stats_get(stats, key, &value))
      printf("  %-28s %" PRIu64 "\n", label, value * factor);
   else
      printf("  %-28s n/a\n", label);
}

static void
print_summary(const struct demo *demo, const struct driver_stats *stats)
{
   const struct megatexture *tex = &demo->tex;
   const struct residency *res = &tex->residency;
   const double frames = demo->options.frames;

   printf("megatexture on %s (%s)\n", demo->vk.properties.deviceName,
          demo->vk.driver.driverName);
   printf("  %-28s %u x %u, %u levels, %u tiles\n", "texture", LANDSCAPE_SIZE,
          LANDSCAPE_SIZE, LANDSCAPE_LEVELS, res->tile_count);
   printf("  %-28s %.1f of %.1f MiB\n", "memory bound, at most",
          ((double)res->peak_pages * (double)tex->page_size_B +
           (double)tex->tail_size_B) / 0x1p20,
          (double)tex->bound_limit_B / 0x1p20);
   printf("  %-28s %u at %u x %u, %.1f a second\n", "frames",
          demo->options.frames, demo->options.width, demo->options.height,
          frames / demo->flight_seconds);
   printf("  %-28s %" PRIu64 "\n", "tiles bound", res->bound);
   printf("  %-28s %" PRIu64 "\n", "tiles evicted", res->evicted);
   printf("  %-28s %" PRIu64 "\n", "tiles that had to wait", res->deferred);
   printf("  %-28s %" PRIu64 " in %" PRIu64 " calls, %.2f ms in all\n",
          "binds and unbinds", tex->binds, tex->bind_calls,
          1e3 * tex->bind_seconds);
   print_counter(stats, "ioctls", "ioctls", 1);
   print_counter(stats, "VM_BIND ioctls", "vm_bind_ioctls", 1);
   print_counter(stats, "VM_BIND ops", "vm_bind_ops", 1);
   print_counter(stats, "TLB misses", "tlb_misses", 1);
   print_counter(stats, "page-table bytes, at most", "pt_pages_peak", 4096);
   printf("  %-28s %s\n", "shaders know residency by",
          demo->scene.uses_residency_codes ? "the driver's residency codes"
                                           : "a bitmap of the CPU");
   printf("  %-28s %" PRIu64 " texels of tiles, %" PRIu64
          " pixels: %" PRIu64 " wrong\n",
          "checked", demo->verify.texels, demo->verify.pixels,
          demo->verify.wrong);
}

/* ------------------------------------------------------------------ main -- */

static void
finish(struct demo *demo)
{
   verify_destroy(&demo->verify);
   scene_destroy(&demo->scene);
   megatexture_destroy(&demo->tex);
}

int
main(int argc, char **argv)
{
   struct demo demo = {.options = parse_options(argc, argv)};
   const struct vkh_config config = {
      .name = "megatexture",
      .required = {.sparseBinding = VK_TRUE,
                   .sparseResidencyImage2D = VK_TRUE,
                   .fragmentStoresAndAtomics = VK_TRUE},
      .wanted = {.shaderResourceResidency = VK_TRUE},
      .sparse_queue = demo.options.queue,
   };
   struct driver_stats stats;
   struct camera camera;
   int exit_code = 1;

   if (access(demo.options.out, W_OK) != 0)
      vkh_die("megatexture: --out %s: %s", demo.options.out, strerror(errno));
   landscape_seed(demo.options.seed);
   driver_stats_begin(&stats);
   if (!vkh_init(&demo.vk, &config)) {
      driver_stats_end(&stats);
      driver_stats_finish(&stats);
      return VKH_EXIT_UNSUPPORTED;
   }
   if (megatexture_create(&demo.tex, &demo.vk,
                          (VkDeviceSize)demo.options.budget_MiB << 20)) {
      const bool codes =
         demo.vk.features.shaderResourceResidency && !demo.options.use_table;

      scene_create(&demo.scene, &demo.vk, &demo.tex, demo.options.width,
                   demo.options.height, codes);
      verify_create(&demo.verify, &demo.vk, &demo.tex, codes,
                    demo.options.seed);
      fly(&demo, &camera);
      write_pictures(&demo);
      check_last_frame(&demo, &camera);
      exit_code =
         demo.failed || (demo.verify.wrong > 0) != demo.options.sabotage;

      struct demo after = demo; /* what the summary counts */

      finish(&demo);
      vkh_finish(&demo.vk);
      driver_stats_end(&stats);
      if (!demo.options.quiet)
         print_summary(&after, &stats);
   } else {
      vkh_finish(&demo.vk);
      driver_stats_end(&stats);
   }
   driver_stats_finish(&stats);
   if (demo.verify.wrong > 0)
      fprintf(stderr, "megatexture: %" PRIu64 " wrong texels\n",
              demo.verify.wrong);
   if (atomic_load(&demo.vk.validation_errors) > 0) {
      fprintf(stderr, "megatexture: %u validation errors\n",
              atomic_load(&demo.vk.validation_errors));
      exit_code = 1;
   }
   return exit_code;
}
