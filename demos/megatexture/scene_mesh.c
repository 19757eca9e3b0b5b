/* SPDX-License-Identifier: MIT */
#include "scene_mesh.h"
#include "landscape.h"

#include <math.h>

#define CELLS 512 /* squares across the landscape */
#define CHUNK_CELLS (CELLS / SCENE_CHUNKS)
#define ROW (CELLS + 1) /* vertices across */
#define CELL_SIZE ((float)LANDSCAPE_SIZE / CELLS)
#define HEIGHT_LEVEL 4 /* what the mesh can show */

static void
create_vertices(struct scene *scene)
{
   vkh_buffer_create(scene->vk, (VkDeviceSize)ROW * ROW * 3 * sizeof(float),
                     VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, VKH_MEMORY_UPLOAD,
                     &scene->vertices);

   float *vertex = scene->vertices.map;

   for (int z = 0; z < ROW; z++) {
      for (int x = 0; x < ROW; x++, vertex += 3) {
         vertex[0] = (float)x * CELL_SIZE;
         vertex[2] = (float)z * CELL_SIZE;
         /* The sea is flat. */
         vertex[1] =
            SCENE_STEEPNESS *
            fmaxf(landscape_height(HEIGHT_LEVEL, vertex[0], vertex[2]), 0.0f);
      }
   }
}

/* All chunks have the same indices, from their own first vertex. */
static void
create_indices(struct scene *scene)
{
   scene->index_count = CHUNK_CELLS * CHUNK_CELLS * 6;
   vkh_buffer_create(scene->vk, scene->index_count * sizeof(uint16_t),
                     VK_BUFFER_USAGE_INDEX_BUFFER_BIT, VKH_MEMORY_UPLOAD,
                     &scene->indices);

   uint16_t *index = scene->indices.map;

   for (int z = 0; z < CHUNK_CELLS; z++) {
      for (int x = 0; x < CHUNK_CELLS; x++) {
         const uint16_t a = (uint16_t)(z * ROW + x), b = (uint16_t)(a + 1);
         const uint16_t c = (uint16_t)(a + ROW), d = (uint16_t)(c + 1);
         const uint16_t quad[6] = {a, c, b, b, c, d};

         for (int i = 0; i < 6; i++)
            *index++ = quad[i];
      }
   }
}

static int
first_vertex(int chunk)
{
   return chunk / SCENE_CHUNKS * CHUNK_CELLS * ROW +
          chunk % SCENE_CHUNKS * CHUNK_CELLS;
}

static void
measure_chunk(struct scene *scene, int chunk)
{
   const float *vertices = scene->vertices.map;
   struct scene_chunk *c = &scene->chunks[chunk];

   for (int i = 0; i < 3; i++) {
      c->low[i] = INFINITY;
      c->high[i] = -INFINITY;
   }
   for (int z = 0; z <= CHUNK_CELLS; z++) {
      for (int x = 0; x <= CHUNK_CELLS; x++) {
         const float *v = &vertices[3 * (first_vertex(chunk) + z * ROW + x)];

         for (int i = 0; i < 3; i++) {
            c->low[i] = fminf(c->low[i], v[i]);
            c->high[i] = fmaxf(c->high[i], v[i]);
         }
      }
   }
}

void
scene_mesh_create(struct scene *scene)
{
   create_vertices(scene);
   create_indices(scene);
   for (int i = 0; i < SCENE_CHUNKS * SCENE_CHUNKS; i++)
      measure_chunk(scene, i);
}

void
scene_mesh_draw(const struct scene *scene, VkCommandBuffer cmd,
                const struct camera *camera)
{
   const VkDeviceSize zero = 0;

   vkCmdBindVertexBuffers(cmd, 0, 1, &scene->vertices.buffer, &zero);
   vkCmdBindIndexBuffer(cmd, scene->indices.buffer, 0, VK_INDEX_TYPE_UINT16);
   for (int i = 0; i < SCENE_CHUNKS * SCENE_CHUNKS; i++) {
      if (camera_sees_box(camera, scene->chunks[i].low, scene->chunks[i].high))
         vkCmdDrawIndexed(cmd, scene->index_count, 1, 0, first_vertex(i), 0);
   }
}
