// SPDX-License-Identifier: MIT
// Adds up a buffer: each invocation strides over its workgroup's stretch.
#version 460

layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint vectors_per_group; } push;
layout(set = 0, binding = 0) readonly buffer From { uvec4 vectors[]; };
layout(set = 0, binding = 1) writeonly buffer To { uint sums[]; };

void main()
{
   const uint first = gl_WorkGroupID.x * push.vectors_per_group;
   uvec4 sum = uvec4(0);

   for (uint i = gl_LocalInvocationID.x; i < push.vectors_per_group; i += 64)
      sum += vectors[first + i];
   sums[gl_GlobalInvocationID.x] = sum.x + sum.y + sum.z + sum.w;
}
