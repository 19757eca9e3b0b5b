// SPDX-License-Identifier: MIT
// Writes a word into every page of 4 KiB.
#version 460

layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint pages; uint value; } push;
layout(set = 0, binding = 0) buffer Words { uint words[]; };

void main()
{
   if (gl_GlobalInvocationID.x < push.pages)
      words[gl_GlobalInvocationID.x * 1024] = push.value;
}
