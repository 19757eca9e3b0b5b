/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <getopt.h>
#include <string.h>

static const struct bench_case *const case_lists[] = {
   bench_bind_cases,   bench_image_cases, bench_touch_cases,
   bench_access_cases, bench_flat_cases,  bench_create_cases,
   bench_unbound_cases,
};

static const char usage[] =
   "usage: pansparse-bench [OPTIONS] [NAME...]\n"
   "Runs benchmarks of sparse binding on the loader's first device; prints a\n"
   "JSON object a line. NAME: a benchmark or a group of them; default all.\n"
   "\n"
   "  --list           name, group, unit, better (higher or lower), what it\n"
   "                   measures; separated by tabs; needs no device\n"
   "  --quick          small sizes and few repetitions\n"
   "  --repetitions N  of each measurement, of which the median counts (5)\n"
   "  --help\n"
   "\n"
   "Exit code: 77 if the device has no sparse residency buffers.\n";

static const char *
better_name(enum bench_better better)
{
   return better == BENCH_HIGHER ? "higher" : "lower";
}

static bool
selected(const struct bench_case *c, char **names, int count)
{
   for (int i = 0; i < count; i++) {
      if (strcmp(names[i], c->name) == 0 || strcmp(names[i], c->group) == 0)
         return true;
   }
   return count == 0;
}

static void
list(char **names, int count)
{
   for (size_t l = 0; l < VKH_ARRAY_SIZE(case_lists); l++) {
      for (const struct bench_case *c = case_lists[l]; c->name; c++) {
         if (selected(c, names, count))
            printf("%s\t%s\t%s\t%s\t%s\n", c->name, c->group, c->unit,
                   better_name(c->better), c->what);
      }
   }
}

/* Dies for a name that is neither a benchmark nor a group. */
static void
check_names(char **names, int count)
{
   for (int i = 0; i < count; i++) {
      bool known = false;

      for (size_t l = 0; l < VKH_ARRAY_SIZE(case_lists); l++) {
         for (const struct bench_case *c = case_lists[l]; c->name; c++)
            known |= selected(c, &names[i], 1);
      }
      if (!known)
         vkh_die("pansparse-bench: no benchmark or group is called \"%s\"; "
                 "see --list",
                 names[i]);
   }
}

static void
run(struct bench *bench, char **names, int count)
{
   for (size_t l = 0; l < VKH_ARRAY_SIZE(case_lists); l++) {
      for (const struct bench_case *c = case_lists[l]; c->name; c++) {
         if (!selected(c, names, count))
            continue;

         const double value = c->run(bench);

         if (value >= 0.0)
            printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", "
                   "\"better\": \"%s\"}\n",
                   c->name, value, c->unit, better_name(c->better));
         fflush(stdout);
      }
   }
}

int
main(int argc, char **argv)
{
   enum { LIST, QUICK, REPETITIONS, HELP };
   static const struct option options[] = {
      {"list", no_argument, NULL, LIST},
      {"quick", no_argument, NULL, QUICK},
      {"repetitions", required_argument, NULL, REPETITIONS},
      {"help", no_argument, NULL, HELP},
      {0},
   };
   const struct vkh_config config = {
      .name = "pansparse-bench",
      .required = {.sparseBinding = VK_TRUE, .sparseResidencyBuffer = VK_TRUE},
      .wanted = {.sparseResidencyImage2D = VK_TRUE,
                 .sparseResidencyAliased = VK_TRUE},
      .sparse_queue = VKH_SPARSE_QUEUE_ANY,
   };
   struct bench bench = {.repetitions = 5};
   unsigned long repetitions;
   bool listing = false;
   int choice;

   while ((choice = getopt_long(argc, argv, "", options, NULL)) != -1) {
      switch (choice) {
      case LIST:
         listing = true;
         break;
      case QUICK:
         bench.quick = true;
         bench.repetitions = 3;
         break;
      case REPETITIONS:
         repetitions = strtoul(optarg, NULL, 10);
         if (repetitions < 1 || repetitions > 1000)
            vkh_die("pansparse-bench: --repetitions takes 1 to 1000");
         bench.repetitions = (unsigned)repetitions;
         break;
      case HELP:
         fputs(usage, stdout);
         return 0;
      default:
         fputs(usage, stderr);
         return 1;
      }
   }
   check_names(argv + optind, argc - optind);
   if (listing) {
      list(argv + optind, argc - optind);
      return 0;
   }
   if (!vkh_init(&bench.vk, &config))
      return VKH_EXIT_UNSUPPORTED;
   run(&bench, argv + optind, argc - optind);
   vkh_finish(&bench.vk);
   return atomic_load(&bench.vk.validation_errors) > 0;
}
