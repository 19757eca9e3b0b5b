/* SPDX-License-Identifier: MIT */
/* Fetches one texel for each query, with its residency code. */
#version 460
#extension GL_ARB_sparse_texture2 : require

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) uniform sampler2DArray image;

struct query {
   uint x, y, layer, level;
   uint resident;
   float red;
};

layout(set = 0, binding = 1, std430) buffer queries
{
   uint count;
   query q[];
};

void
main()
{
   uint i = gl_GlobalInvocationID.x;

   if (i >= count)
      return;

   ivec3 at = ivec3(q[i].x, q[i].y, q[i].layer);
   vec4 texel;
   int code = sparseTexelFetchARB(image, at, int(q[i].level), texel);

   q[i].resident = uint(sparseTexelsResidentARB(code));
   q[i].red = texel.x;
}
