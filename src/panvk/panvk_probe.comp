/* SPDX-License-Identifier: MIT */
/*
 * Reads texels of the probe's image in the two ways that a shader can, with
 * their residency codes, and stores one where asked to. See panvk_probe.c.
 */
#version 460
#extension GL_ARB_sparse_texture2 : require

layout(local_size_x = 32) in;

#ifdef PROBE_3D
#define SAMPLER usampler3D
#define IMAGE uimage3D
#else
#define SAMPLER usampler2DArray
#define IMAGE uimage2DArray
#endif

layout(set = 0, binding = 0) uniform SAMPLER sampled_image;
/* One level of the image only. */
layout(set = 0, binding = 1, r32ui) uniform IMAGE storage_image;

struct query {
   uint x, y, z, level;
   uint store; /* 0: nothing */
   uint sampled_resident, sampled_value;
   uint storage_resident, storage_value;
};

layout(set = 0, binding = 2, std430) buffer queries
{
   query q[];
};

layout(push_constant) uniform push
{
   uint count;
   uint storage_level;
};

void
main()
{
   uint i = gl_GlobalInvocationID.x;

   if (i >= count)
      return;

   ivec3 at = ivec3(q[i].x, q[i].y, q[i].z);
   uvec4 texel;
   int code;

   code = sparseTexelFetchARB(sampled_image, at, int(q[i].level), texel);
   q[i].sampled_resident = uint(sparseTexelsResidentARB(code));
   q[i].sampled_value = texel.x;

   if (q[i].level == storage_level) {
      code = sparseImageLoadARB(storage_image, at, texel);
      q[i].storage_resident = uint(sparseTexelsResidentARB(code));
      q[i].storage_value = texel.x;
      if (q[i].store != 0)
         imageStore(storage_image, at, uvec4(q[i].store));
   }
}
