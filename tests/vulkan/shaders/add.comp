#version 450
// SPDX-License-Identifier: MIT
// Each workgroup adds 1, `rounds` times, to each word of one of the even tiles.
layout(local_size_x = 64) in;
layout(binding = 0, std430) volatile buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint tile_words, rounds; };

void main()
{
   uint first = 2 * gl_WorkGroupID.x * tile_words;

   for (uint round = 0; round < rounds; round++)
      for (uint i = gl_LocalInvocationID.x; i < tile_words; i += 64)
         data[first + i] += 1;
}
