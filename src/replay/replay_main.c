/* SPDX-License-Identifier: MIT */
/* The program behind bin/replay. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_order.h"
#include "replay_print.h"
#include "replay_shrink.h"

#define STATUS_DIFFERS 1
#define STATUS_CANNOT 2

static const char usage[] =
   "Replays what PANSPARSE_RECORD=FILE recorded, and compares.\n"
   "\n"
   "  bin/replay FILE                    on the machine of the recording\n"
   "  bin/replay FILE --device NODE      on another driver: /dev/dri/renderD128\n"
   "  bin/replay FILE --list             print what was recorded\n"
   "  bin/replay FILE --shrink OUT       write the smallest part of a recording that\n"
   "                                     fails in the same way\n"
   "  --json OUT                         write the numbers as JSON, too\n"
   "  --limit SECONDS                    with --shrink: what takes longer hangs\n"
   "\n"
   "Exit status: 0 all is as it was, 1 something differs (with --shrink: OUT was\n"
   "written), 2 it could not be done.\n";

struct arguments {
   const char *file, *device, *json, *shrink;
   int limit_s;
   bool list;
};

#define DEFAULT_LIMIT_S 60

static void __attribute__((format(printf, 1, 2)))
say(const char *format, ...)
{
   va_list args;

   va_start(args, format);
   fputs("bin/replay: ", stderr);
   vfprintf(stderr, format, args);
   fputc('\n', stderr);
   va_end(args);
}

/* -1, or the status to end with. */
static int
parse_arguments(int argc, char **argv, struct arguments *arguments)
{
   static const struct option options[] = {
      {"device", required_argument, NULL, 'd'},
      {"help", no_argument, NULL, 'h'},
      {"json", required_argument, NULL, 'j'},
      {"limit", required_argument, NULL, 't'},
      {"list", no_argument, NULL, 'l'},
      {"shrink", required_argument, NULL, 's'},
      {0},
   };
   int option;

   while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
      switch (option) {
      case 'd':
         arguments->device = optarg;
         break;
      case 'j':
         arguments->json = optarg;
         break;
      case 'l':
         arguments->list = true;
         break;
      case 's':
         arguments->shrink = optarg;
         break;
      case 't':
         arguments->limit_s = atoi(optarg);
         break;
      case 'h':
         fputs(usage, stdout);
         return 0;
      default:
         fputs(usage, stderr);
         return STATUS_CANNOT;
      }
   }
   if (optind + 1 != argc || arguments->limit_s <= 0 ||
       arguments->limit_s > INT_MAX / 1000) {
      fputs(usage, stderr);
      return STATUS_CANNOT;
   }
   arguments->file = argv[optind];
   return -1;
}

/* False: said why. */
static bool
read_stream(const char *path, struct record_stream *stream)
{
   int ret = record_stream_read(path, stream);

   if (ret == -ENOMSG)
      say("%s is no recording", path);
   else if (ret == -EPROTO)
      say("%s is a recording of version %u, and this program knows version %u",
          path, stream->header.version, RECORD_VERSION);
   else if (ret)
      say("%s cannot be read: %s", path, strerror(-ret));
   if (ret)
      return false;
   replay_order(stream);
   if (stream->damaged_at)
      say("%s is damaged at byte %llu; this is what comes before", path,
          (unsigned long long)stream->damaged_at);
   return true;
}

static bool
write_json(const struct arguments *arguments, const struct record_stream *stream,
           const struct replay_report *report)
{
   FILE *out = arguments->json ? fopen(arguments->json, "we") : NULL;

   if (!arguments->json)
      return true;
   if (out)
      replay_print_json(out, arguments->file, stream, report);
   if (!out || fclose(out)) {
      say("%s cannot be written: %s", arguments->json, strerror(errno));
      return false;
   }
   return true;
}

static int
replay(const struct arguments *arguments, const struct record_stream *stream,
       struct replay_target *target)
{
   const struct replay_run_options options = {
      .other_device = arguments->device, .show_progress = true};
   struct replay_report *report = calloc(1, sizeof(*report));
   int ret = report ? replay_run(stream, target, &options, report) : -ENOMEM;
   int status = STATUS_CANNOT;

   if (ret) {
      say("the replay broke off: %s", strerror(-ret));
   } else {
      replay_print_report(stdout, stream, report);
      status = report->difference_count ? STATUS_DIFFERS : 0;
      if (!write_json(arguments, stream, report))
         status = STATUS_CANNOT;
   }
   free(report);
   return status;
}

static int
shrink(const struct arguments *arguments, const struct record_stream *stream,
       struct replay_target *target)
{
   const struct replay_shrink_options options = {
      .other_device = arguments->device, .limit_ms = arguments->limit_s * 1000};
   struct replay_shrunk shrunk;
   int ret = replay_shrink(stream, target, &options, &shrunk);
   int status = STATUS_CANNOT;

   if (!ret)
      ret = replay_write(stream, &shrunk, arguments->shrink);
   if (ret == -ENOENT) {
      say("nothing to shrink: no part fails of itself");
      status = 0;
   } else if (ret) {
      say("%s was not written: %s", arguments->shrink, strerror(-ret));
   } else {
      fputs("fails: ", stdout);
      replay_print_difference(stdout, stream, &shrunk.failure);
      printf("%s has %zu calls with %zu ops of binds; %zu tries\n",
             arguments->shrink, shrunk.event_count, shrunk.op_count,
             shrunk.tries);
      status = STATUS_DIFFERS;
   }
   replay_shrunk_free(&shrunk, stream->count);
   return status;
}

int
main(int argc, char **argv)
{
   struct arguments arguments = {.limit_s = DEFAULT_LIMIT_S};
   struct replay_target *target = replay_target_host();
   struct record_stream stream;
   int status = parse_arguments(argc, argv, &arguments);

   if (status >= 0)
      return status;
   /* What is replayed is not recorded again, over itself perhaps. */
   unsetenv("PANSPARSE_RECORD");
   int ret = arguments.device ? replay_target_node(arguments.device, &target) : 0;
   if (ret) {
      say("%s: %s", arguments.device,
          ret == -ENODEV ? "not a node of Panthor's" : strerror(-ret));
      return STATUS_CANNOT;
   }
   if (!read_stream(arguments.file, &stream))
      return STATUS_CANNOT;
   if (arguments.list) {
      replay_print_stream(stdout, &stream);
      status = 0;
   } else if (arguments.shrink) {
      status = shrink(&arguments, &stream, target);
   } else {
      status = replay(&arguments, &stream, target);
   }
   record_stream_free(&stream);
   return status;
}
