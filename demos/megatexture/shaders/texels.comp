// SPDX-License-Identifier: MIT
// Fetches single texels of the map, for the CPU to compare.
#version 460
#ifdef RESIDENCY_CODE
#extension GL_ARB_sparse_texture2 : require
#endif

layout(local_size_x = 64) in;

layout(push_constant) uniform Push { uint count; } push;

layout(set = 0, binding = 0) uniform sampler2D map;
layout(set = 0, binding = 1) readonly buffer Questions { uvec4 questions[]; }; // x, y, level
layout(set = 0, binding = 2) writeonly buffer Answers { uvec2 answers[]; }; // RGBA8, bound

void main()
{
   const uint i = gl_GlobalInvocationID.x;

   if (i >= push.count)
      return;

   const uvec4 q = questions[i];
   vec4 texel = vec4(0.0);
#ifdef RESIDENCY_CODE
   const bool bound = sparseTexelsResidentARB(
      sparseTexelFetchARB(map, ivec2(q.xy), int(q.z), texel));
#else
   const bool bound = true;

   texel = texelFetch(map, ivec2(q.xy), int(q.z));
#endif
   answers[i] = uvec2(packUnorm4x8(texel), uint(bound));
}
