/* SPDX-License-Identifier: MIT */
#include "replay_model.h"

#include <stdlib.h>
#include <string.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_ids.h"

bool
replay_model_add(struct replay_model *model, const struct replay_bind *bind)
{
   if (model->count == model->room) {
      size_t room = model->room ? 2 * model->room : 64;
      struct replay_bind *binds =
         realloc(model->binds, room * sizeof(*binds));

      if (!binds)
         return false;
      model->binds = binds;
      model->room = room;
   }
   if (bind->start < bind->end)
      model->binds[model->count++] = *bind;
   return true;
}

const struct replay_bind *
replay_model_find(const struct replay_model *model, uint64_t va)
{
   for (size_t i = model->count; i > 0; i--) {
      const struct replay_bind *bind = &model->binds[i - 1];

      if (va >= bind->start && va < bind->end)
         return bind->is_map ? bind : NULL;
   }
   return NULL;
}

void
replay_model_free(struct replay_model *model)
{
   free(model->binds);
   memset(model, 0, sizeof(*model));
}

/* -------------------------------------------------------------- painting -- */

/*
 * All ends of binds cut the addresses into cells. The last bind is painted first, and
 * paints what nobody has painted yet.
 */
struct canvas {
   uint64_t *edges; /* ascending, no two the same */
   size_t edge_count;
   const struct replay_bind **cells; /* between edges i and i + 1 */
   size_t *next; /* of a cell: the next one that may be free, itself if it is */
};

static int
compare_addresses(const void *a, const void *b)
{
   uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

   return left < right ? -1 : left > right;
}

static size_t
edge_of(const struct canvas *canvas, uint64_t address)
{
   const uint64_t *edge = bsearch(&address, canvas->edges, canvas->edge_count,
                                  sizeof(address), compare_addresses);

   return (size_t)(edge - canvas->edges);
}

static size_t
next_free(struct canvas *canvas, size_t cell)
{
   size_t found = cell;

   while (canvas->next[found] != found)
      found = canvas->next[found];
   /* The way there is short the next time. */
   while (canvas->next[cell] != found) {
      size_t after = canvas->next[cell];

      canvas->next[cell] = found;
      cell = after;
   }
   return found;
}

static void
paint(struct canvas *canvas, const struct replay_bind *bind)
{
   size_t end = edge_of(canvas, bind->end);

   for (size_t cell = next_free(canvas, edge_of(canvas, bind->start)); cell < end;
        cell = next_free(canvas, cell)) {
      canvas->cells[cell] = bind;
      canvas->next[cell] = cell + 1;
   }
}

static void
find_edges(struct canvas *canvas, const struct replay_model *model)
{
   size_t count = 0;

   for (size_t i = 0; i < model->count; i++) {
      canvas->edges[2 * i] = model->binds[i].start;
      canvas->edges[2 * i + 1] = model->binds[i].end;
   }
   qsort(canvas->edges, 2 * model->count, sizeof(*canvas->edges),
         compare_addresses);
   for (size_t i = 0; i < 2 * model->count; i++) {
      if (!count || canvas->edges[count - 1] != canvas->edges[i])
         canvas->edges[count++] = canvas->edges[i];
   }
   canvas->edge_count = count;
}

static bool
init_canvas(struct canvas *canvas, const struct replay_model *model)
{
   size_t most = 2 * model->count + 1;

   canvas->edges = malloc(most * sizeof(*canvas->edges));
   canvas->cells = calloc(most, sizeof(struct replay_bind *));
   canvas->next = malloc(most * sizeof(*canvas->next));
   if (!canvas->edges || !canvas->cells || !canvas->next)
      return false;
   find_edges(canvas, model);
   for (size_t i = 0; i < most; i++)
      canvas->next[i] = i;
   return true;
}

/* --------------------------------------------------------------- ranges -- */

static bool
continues(const struct record_range *range, const struct replay_bind *last,
          const struct replay_bind *bind, uint64_t start)
{
   if (range->end != start || last->flags != bind->flags ||
       last->object != bind->object)
      return false;
   return !bind->object || range->offset + (start - range->start) ==
                              bind->offset + (start - bind->start);
}

/* Their number, in the order in which they are met; 0: no memory. */
static uint64_t
number_of(struct replay_ids *objects, uint64_t object)
{
   struct replay_id *known = replay_ids_find(objects, object);
   struct replay_id id = {.recorded = object, .real = objects->count + 1};

   if (known)
      return known->real;
   return replay_ids_add(objects, &id) ? id.real : 0;
}

static bool
collect(const struct canvas *canvas, struct record_range *ranges,
        size_t *count_out)
{
   const struct replay_bind *last = NULL;
   struct replay_ids objects = {0};
   size_t count = 0;
   bool done = true;

   for (size_t cell = 0; done && cell + 1 < canvas->edge_count; cell++) {
      const struct replay_bind *bind = canvas->cells[cell];
      uint64_t start = canvas->edges[cell], end = canvas->edges[cell + 1];

      if (!bind || !bind->is_map)
         continue;
      if (count && continues(&ranges[count - 1], last, bind, start)) {
         ranges[count - 1].end = end;
         continue;
      }
      uint64_t number = bind->object ? number_of(&objects, bind->object) : 0;
      done = number || !bind->object;
      ranges[count++] = (struct record_range){
         .start = start,
         .end = end,
         .what = number << 8 |
                 (bind->flags & DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
                     ? RECORD_RANGE_READONLY
                     : 0) |
                 (bind->flags & DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
                     ? RECORD_RANGE_NOEXEC
                     : 0),
         .offset = bind->object ? bind->offset + (start - bind->start) : 0,
      };
      last = bind;
   }
   replay_ids_free(&objects);
   *count_out = count;
   return done;
}

bool
replay_model_ranges(const struct replay_model *model,
                    struct record_range **ranges_out, size_t *count_out)
{
   struct canvas canvas = {0};
   struct record_range *ranges = NULL;
   bool done = init_canvas(&canvas, model);

   if (done) {
      for (size_t i = model->count; i > 0; i--)
         paint(&canvas, &model->binds[i - 1]);
      ranges = malloc((2 * model->count + 1) * sizeof(*ranges));
      done = ranges && collect(&canvas, ranges, count_out);
   }
   free(canvas.edges);
   free(canvas.cells);
   free(canvas.next);
   if (!done) {
      free(ranges);
      return false;
   }
   *ranges_out = ranges;
   return true;
}
