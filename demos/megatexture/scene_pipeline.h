/* SPDX-License-Identifier: MIT */
#ifndef SCENE_PIPELINE_H
#define SCENE_PIPELINE_H

#include "scene.h"

#define SCENE_COLOR_FORMAT VK_FORMAT_R8G8B8A8_UNORM
#define SCENE_EXACT_FORMAT VK_FORMAT_R32G32B32A32_UINT
#define SCENE_DEPTH_FORMAT VK_FORMAT_D32_SFLOAT

/* Creates the three pipelines of @scene, whose layouts exist. */
void scene_pipelines_create(struct scene *scene);

#endif /* SCENE_PIPELINE_H */
