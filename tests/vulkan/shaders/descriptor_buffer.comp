#version 460
// Loads or stores of word or texel k of what the descriptors of one buffer name;
// the uniform buffer is smaller, so there it is word i.
#ifdef CODES
#extension GL_ARB_sparse_texture2 : require
#endif
layout(local_size_x = 64) in;
layout(binding = 0, std140) uniform Uniform { uvec4 vectors[1024]; };
layout(binding = 1, std430) buffer Storage { uint words[]; };
layout(binding = 2) uniform usamplerBuffer uniform_texels;
layout(binding = 3, r32ui) uniform uimageBuffer storage_texels;
layout(binding = 4) uniform usampler2D sampled;
layout(binding = 5, r32ui) uniform uimage2D storage;
layout(binding = 6, std430) writeonly buffer Out { uint results[]; };
layout(push_constant) uniform Push { uint store, stride, width, seed; };

void main()
{
   uint i = gl_GlobalInvocationID.x;
   uint k = i * stride;
   uint at = i * 7;
   ivec2 texel = ivec2(k % width, k / width);

   if (store != 0) {
      words[k] = seed + k;
      imageStore(storage_texels, int(k), uvec4(seed + k + 1));
      imageStore(storage, texel, uvec4(seed + k + 2));
      return;
   }
   results[at + 0] = vectors[i / 4][i % 4];
   results[at + 1] = words[k];
   results[at + 2] = texelFetch(uniform_texels, int(k)).x;
   results[at + 3] = imageLoad(storage_texels, int(k)).x;
   results[at + 4] = texelFetch(sampled, texel, 0).x;
   results[at + 5] = imageLoad(storage, texel).x;
#ifdef CODES
   uvec4 unused;
   results[at + 6] =
      sparseTexelsResidentARB(sparseTexelFetchARB(sampled, texel, 0, unused)) ? 1
                                                                              : 0;
#endif
}
