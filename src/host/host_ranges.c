/* SPDX-License-Identifier: MIT */
/* What a VM's page tables translate, as a list. */
#include <errno.h>
#include <stdlib.h>

#include "host_private.h"

struct list {
   struct record_range *ranges;
   struct object *objects; /* of each range */
   size_t count, room;
   bool failed; /* no memory */
};

/* Whose memory range @index shows. */
struct object {
   const void *name; /* NULL: none, or sparse */
   size_t index;
};

static bool
grow(struct list *list)
{
   size_t room = list->room ? 2 * list->room : 64;
   void *ranges = realloc(list->ranges, room * sizeof(*list->ranges));

   if (!ranges)
      return false;
   list->ranges = ranges;
   void *objects = realloc(list->objects, room * sizeof(*list->objects));
   if (!objects)
      return false;
   list->objects = objects;
   list->room = room;
   return true;
}

static void
add(void *data, const struct panthor_host_range *range)
{
   struct list *list = data;

   list->failed = list->failed || (list->count == list->room && !grow(list));
   if (list->failed)
      return;
   list->objects[list->count] = (struct object){
      range->sparse ? NULL : range->object, list->count};
   list->ranges[list->count++] = (struct record_range){
      .start = range->start,
      .end = range->end,
      .what = (range->readonly ? RECORD_RANGE_READONLY : 0) |
              (range->noexec ? RECORD_RANGE_NOEXEC : 0) |
              (range->agrees ? 0 : RECORD_RANGE_WRONG),
      .offset = range->sparse ? 0 : range->offset,
   };
}

static int
compare_names(const void *a, const void *b)
{
   const struct object *left = a, *right = b;

   if (left->name != right->name)
      return left->name < right->name ? -1 : 1;
   return left->index < right->index ? -1 : 1;
}

/* Each object becomes the first range that shows it; then those are counted. */
static void
number_objects(struct list *list)
{
   uint64_t count = 0;
   size_t first = 0;

   qsort(list->objects, list->count, sizeof(*list->objects), compare_names);
   for (size_t i = 0; i < list->count; i++) {
      if (!i || list->objects[i].name != list->objects[i - 1].name)
         first = list->objects[i].index;
      if (list->objects[i].name)
         list->ranges[list->objects[i].index].what |= (first + 1) << 8;
   }
   for (size_t i = 0; i < list->count; i++) {
      struct record_range *range = &list->ranges[i];

      first = range->what >> 8;
      if (!first)
         continue;
      /* The first one has its number already, and comes before the others. */
      uint64_t number = first == i + 1 ? ++count : list->ranges[first - 1].what >> 8;
      range->what = (range->what & 0xff) | number << 8;
   }
}

int
host_vm_ranges(struct host_file *file, uint32_t vm_id,
               struct record_range **ranges_out, size_t *count_out)
{
   struct list list = {0};
   int ret =
      panthor_host_vm_ranges(linux_file_drm(file->file), vm_id, add, &list);

   if (!ret && list.failed)
      ret = -ENOMEM;
   if (!ret) {
      if (list.count)
         number_objects(&list);
      *ranges_out = list.ranges;
      *count_out = list.count;
   } else {
      free(list.ranges);
   }
   free(list.objects);
   return ret;
}
