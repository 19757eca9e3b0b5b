/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of binds and work against the model of model.h.
 *
 *   --seed N       of the first sequence; the next ones follow it
 *   --sequences N  of each kind; without it as many as there is time for:
 *                  $PANSPARSE_TEST_SECONDS (20) for all kinds together
 *   --steps N      of a sequence (40)
 *   --test NAME    only the test of that name (test_buffers, ...; * stands for
 * any)
 *   --without A,B  leaves out actions: bind, opaque, fill, update, ...
 *   --verbose      says what is done
 */
#include "model_world.h"

#include <inttypes.h>
#include <time.h>

static struct {
   uint64_t seed;
   unsigned long sequences; /* 0: by time */
   unsigned long steps;
   const char *without;
   bool verbose;
   double seconds; /* for one kind */
} options = {.steps = 40, .without = ""};

/* Is @name in the comma-separated list? */
static bool
is_left_out(const char *name)
{
   const size_t length = strlen(name);

   for (const char *at = options.without; (at = strstr(at, name)); at += length)
      if ((at == options.without || at[-1] == ',') &&
          (!at[length] || at[length] == ','))
         return true;
   return false;
}

static void
act(struct world *world)
{
   unsigned total = 0;

   for (unsigned i = 0; i < world_action_count; i++)
      total += world_actions[i].weight;
   unsigned at = world_below(&world->random, total), i = 0;

   while (at >= world_actions[i].weight)
      at -= world_actions[i++].weight;
   if (is_left_out(world_actions[i].name))
      return;
   world_make_room(world);
   (void)world_actions[i].run(world);
}

enum { BUFFERS = 1, IMAGES_2D = 2, IMAGES_3D = 4 };

static void
add_resource(struct world *world, unsigned kinds)
{
   const unsigned kind = 1u << world_below(&world->random, 3);
   const bool bound_only = world_one_in(&world->random, 6);

   if (!(kinds & kind))
      return;
   if (kind == BUFFERS)
      world_add_buffer(world, vt.features.sparseResidencyBuffer && !bound_only);
   else if (kind == IMAGES_2D)
      world_add_image(world, WORLD_IMAGE_2D,
                      vt.features.sparseResidencyImage2D && !bound_only);
   else
      world_add_image(world, WORLD_IMAGE_3D,
                      vt.features.sparseResidencyImage3D && !bound_only);
}

/* Something to work with: most of what could be compared is bound and written.
 */
static void
begin(struct world *world)
{
   for (uint32_t i = 0; i < 4 * world->resource_count; i++) {
      world_make_room(world);
      (void)(i % 4 ? world_act_upload(world) : world_act_bind(world));
   }
}

/* Returns the bytes that were compared. */
static uint64_t
run_sequence(uint64_t seed, unsigned kinds)
{
   static struct world world;

   world.verbose = options.verbose;
   world_init(&world, seed, seed % 2);
   const uint32_t wanted = 1 + world_below(&world.random, WORLD_MAX_RESOURCES);

   world_say(&world, "sequence %" PRIu64 "%s", seed,
             world.aliased ? ", aliased" : "");
   for (unsigned tries = 0; world.resource_count < wanted && tries < 64;
        tries++)
      add_resource(&world, kinds);
   if (world.resource_count &&
       world_add_memory(&world, 2 + world_below(&world.random, 20)) &&
       world_add_memory(&world, 1 + world_below(&world.random, 8))) {
      begin(&world);
      for (unsigned long i = 0; i < options.steps; i++)
         act(&world);
      world_read_all(&world);
   }
   world_finish(&world);
   return world.checked_B;
}

static void
run(unsigned kinds)
{
   const double end = vkh_seconds() + options.seconds;
   uint64_t checked_B = 0, count = 0;

   world_rig_reset();
   while (options.sequences ? count < options.sequences : vkh_seconds() < end)
      checked_B += run_sequence(options.seed + count++, kinds);
   print_message("%" PRIu64 " sequences from seed %" PRIu64 ", %" PRIu64
                 " MiB compared\n",
                 count, options.seed, checked_B >> 20);
   assert_true(checked_B != 0 || count < 10);
}

static void
test_buffers(void **state)
{
   (void)state;
   run(BUFFERS);
}

static void
test_images_2d(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyImage2D);
   run(IMAGES_2D);
}

static void
test_images_3d(void **state)
{
   (void)state;
   VT_NEED(vt.features.sparseResidencyImage3D);
   run(IMAGES_3D);
}

static void
test_all(void **state)
{
   (void)state;
   run(BUFFERS | IMAGES_2D | IMAGES_3D);
}

static int
setup(void **state)
{
   int ret = vt_group_setup(state);

   if (!ret)
      world_rig_init();
   return ret;
}

static int
teardown(void **state)
{
   world_rig_finish();
   return vt_group_teardown(state);
}

static void
parse(int argc, char **argv)
{
   const char *seed = getenv("PANSPARSE_TEST_SEED");
   const char *seconds = getenv("PANSPARSE_TEST_SECONDS");

   options.seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 1000;
   options.seconds = (seconds ? strtod(seconds, NULL) : 20.0) / 4;
   for (int i = 1; i < argc; i++) {
      const char *value = i + 1 < argc ? argv[i + 1] : NULL;

      if (!strcmp(argv[i], "--verbose")) {
         options.verbose = true;
         continue;
      }
      if (!value)
         vkh_die("%s: unknown, or without a value", argv[i]);
      if (!strcmp(argv[i], "--seed"))
         options.seed = strtoull(value, NULL, 0);
      else if (!strcmp(argv[i], "--sequences"))
         options.sequences = strtoul(value, NULL, 0);
      else if (!strcmp(argv[i], "--steps"))
         options.steps = strtoul(value, NULL, 0);
      else if (!strcmp(argv[i], "--test"))
         cmocka_set_test_filter(value);
      else if (!strcmp(argv[i], "--without"))
         options.without = value;
      else
         vkh_die("%s: unknown", argv[i]);
      i++;
   }
}

int
main(int argc, char **argv)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buffers),
      cmocka_unit_test(test_images_2d),
      cmocka_unit_test(test_images_3d),
      cmocka_unit_test(test_all),
   };

   parse(argc, argv);
   return cmocka_run_group_tests_name("vulkan-model", tests, setup, teardown);
}
