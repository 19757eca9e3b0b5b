// SPDX-License-Identifier: MIT
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(location = 0) in vec3 position; // in texels of level 0; y is up
layout(location = 0) out vec2 map_place; // 0..1
layout(location = 1) out vec3 from_eye;

void main()
{
   map_place = position.xz / MAP_SIZE;
   from_eye = position - push.eye.xyz;
   gl_Position = push.clip_from_eye * vec4(from_eye, 1.0);
}
