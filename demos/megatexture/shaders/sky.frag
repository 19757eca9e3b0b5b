// SPDX-License-Identifier: MIT
// The sky, and below the horizon the sea beyond the edges of the map.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(location = 0) in vec3 direction;
layout(location = 0) out vec4 color;

void main()
{
   vec3 c = sky_color(direction);

   if (direction.y < 0.0)
      c = through_haze(vec3(0.13, 0.33, 0.55),
                       direction * (push.eye.y / -direction.y));
   color = vec4(c, 1.0);
}
