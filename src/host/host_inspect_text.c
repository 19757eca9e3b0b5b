/* SPDX-License-Identifier: MIT */
/* What can be said of a machine from outside, part by part, as text. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_counters.h"
#include "host_private.h"

/* Of the requests and of how the text is laid out; bin/inspect compares it. */
#define FORMAT_VERSION 1

static int
write_machine(struct host_machine *machine, FILE *out)
{
   fprintf(out, "Machine\n\n what         | value\n----------------------\n");
   fprintf(out, " format       | %d\n", FORMAT_VERSION);
   fprintf(out, " pansparse    | %s\n", PANSPARSE_VERSION);
   fprintf(out, " DRAM         | %" PRIu64 "\n", mali_dram_size(machine->dram));
   fprintf(out, " null memory  | %s\n\n",
           host_has_null_memory(machine) ? "yes" : "no");
   return 0;
}

static int
write_stats(struct host_machine *machine, FILE *out)
{
   struct host_stats stats;

   host_get_stats(machine, &stats);
   fprintf(out, "Counters\n\n counter            | value\n"
                "--------------------------------\n");
#define WRITE(member)                                                          \
   fprintf(out, " %-18s | %" PRIu64 "\n", #member, stats.member);
   HOST_COUNTERS(WRITE, WRITE)
   WRITE(evictions)
   WRITE(restores)
   WRITE(swap_out_B)
   WRITE(swap_in_B)
#undef WRITE
   fprintf(out, "\n");
   return 0;
}

static void
write_window(const struct mali_tlb_line *line, FILE *out)
{
   fprintf(out,
           "Window [0x%016" PRIx64 ", +0x%" PRIx64 ") of address-space slot "
           "%" PRIu32 ", at 0x%016" PRIxPTR " of the process\n\n",
           line->window_va, line->window_size_B, line->as, line->window_host);
   fprintf(out, " start              | end                | address            "
                "| shows\n"
                "------------------------------------------------------------"
                "--------------\n");
}

static void
write_entry(const struct mali_tlb_line *line, FILE *out)
{
   static const char *const shows[] = {
      [MALI_ENTRY_READ] = "r-",
      [MALI_ENTRY_WRITE] = "rw",
      [MALI_ENTRY_SCRATCH] = "scratch",
      [MALI_ENTRY_ZERO] = "zeroes",
      [MALI_ENTRY_BULK] = "bulk",
   };
   bool memory = line->kind == MALI_ENTRY_READ || line->kind == MALI_ENTRY_WRITE;

   fprintf(out, " 0x%016" PRIx64 " | 0x%016" PRIx64 " | ", line->va,
           line->va + line->size_B);
   if (memory)
      fprintf(out, "0x%016" PRIx64 " | %s\n", line->pa, shows[line->kind]);
   else
      fprintf(out, "%-18s | %s\n", "-", shows[line->kind]);
}

static int
write_tlb(struct host_machine *machine, FILE *out)
{
   struct mali_tlb_line *lines;
   size_t count;
   int ret = mali_gpu_read_tlb(machine->gpu, &lines, &count);

   if (ret)
      return ret;
   for (size_t i = 0; i < count; i++) {
      if (!i || lines[i].window_host != lines[i - 1].window_host) {
         fputs(i ? "\n" : "", out);
         write_window(&lines[i], out);
      }
      if (lines[i].size_B)
         write_entry(&lines[i], out);
   }
   fprintf(out, "\n");
   free(lines);
   return 0;
}

int
host_inspect_text(struct host_machine *machine, const char *part,
                  char **text_out, size_t *size_out)
{
   static const struct {
      const char *name;
      int (*write)(struct host_machine *machine, FILE *out);
   } parts[] = {
      {"machine", write_machine}, {"stats", write_stats}, {"tlb", write_tlb}};
   FILE *out;

   for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
      if (strcmp(part, parts[i].name))
         continue;
      *text_out = NULL;
      out = open_memstream(text_out, size_out);
      if (!out)
         return -ENOMEM;
      int ret = parts[i].write(machine, out);
      /* That is how the stream says that it ran out of memory. */
      if (fclose(out) && !ret)
         ret = -ENOMEM;
      if (ret)
         free(*text_out);
      return ret;
   }
   return host_debugfs_read(machine, part, text_out, size_out);
}
