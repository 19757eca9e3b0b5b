// SPDX-License-Identifier: MIT
// Writes every word of its workgroup's stretch of 64 KiB.
#version 460

layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Words { uint words[]; };

void main()
{
   for (uint i = 0; i < 256; i++)
      words[gl_WorkGroupID.x * 16384 + i * 64 + gl_LocalInvocationID.x] = i;
}
