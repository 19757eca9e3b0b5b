// SPDX-License-Identifier: MIT
// One triangle over the whole picture, at infinite distance.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(location = 0) out vec3 direction;

void main()
{
   const vec2 clip = vec2(gl_VertexIndex == 1 ? 3.0 : -1.0,
                          gl_VertexIndex == 2 ? 3.0 : -1.0);
   // The rows for x, y and w: what turns a direction into clip space.
   const mat4 rows = transpose(push.clip_from_eye);

   direction = inverse(transpose(mat3(rows[0].xyz, rows[1].xyz, rows[3].xyz))) *
               vec3(clip, 1.0);
   gl_Position = vec4(clip, 0.0, 1.0);
}
