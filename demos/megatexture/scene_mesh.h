/* SPDX-License-Identifier: MIT */
#ifndef SCENE_MESH_H
#define SCENE_MESH_H

#include "scene.h"

/* Fills the vertex and index buffers and the chunks' bounds. */
void scene_mesh_create(struct scene *scene);
/* Draws the chunks that the camera sees; the pipeline is bound already. */
void scene_mesh_draw(const struct scene *scene, VkCommandBuffer cmd,
                     const struct camera *camera);

#endif /* SCENE_MESH_H */
