// SPDX-License-Identifier: MIT
// Draws the map from the finest level that is bound, and tells the CPU which
// tiles it would have liked. Built in four variants:
//   RESIDENCY_CODE  asks the driver whether texels are bound (GL_ARB_sparse_texture2,
//                   needs shaderResourceResidency); else looks into the CPU's bitmap
//   EXACT           fetches one texel without filtering and writes which one, and
//                   what it read, for the CPU to compare; gives no feedback
#version 460
#extension GL_GOOGLE_include_directive : require
#ifdef RESIDENCY_CODE
#extension GL_ARB_sparse_texture2 : require
#endif
#include "common.glsl"

layout(early_fragment_tests) in; // hidden places ask for nothing

layout(location = 0) in vec2 map_place;
layout(location = 1) in vec3 from_eye;

layout(set = 0, binding = 1) uniform sampler2D map;
layout(set = 0, binding = 2) buffer Feedback { uint wanted[]; };
layout(set = 0, binding = 3) readonly buffer Resident { uint resident[]; };

#ifdef EXACT
layout(location = 0) out uvec4 result; // x, y, level, RGBA8
#else
layout(location = 0) out vec4 result;
#endif

const float MAX_ANISOTROPY = 4.0;
const int TAPS = 4;

int last_level()
{
   return int(layout_.tile.w) - 1;
}

ivec2 level_size(int level)
{
   return ivec2(layout_.levels[level].z);
}

#ifndef RESIDENCY_CODE
bool texel_resident(int level, ivec2 texel)
{
   const int tile = tile_index(level, texel);

   return tile < 0 || (resident[tile >> 5] >> (tile & 31) & 1u) != 0u;
}

// All four texels that a bilinear sample of the level reads.
bool footprint_resident(int level, vec2 place)
{
   const ivec2 last = level_size(level) - 1;
   const ivec2 low = ivec2(floor(place * vec2(level_size(level)) - 0.5));
   const ivec2 a = clamp(low, ivec2(0), last);
   const ivec2 b = clamp(low + 1, ivec2(0), last);

   return texel_resident(level, a) && texel_resident(level, b) &&
          texel_resident(level, ivec2(a.x, b.y)) &&
          texel_resident(level, ivec2(b.x, a.y));
}
#endif

// Bilinear, from @level or, where that is not bound, a coarser one: the coarsest
// always are. The levels are sampled one by one, with a sampler that takes the
// nearest: lavapipe 25 gets the residency code of a trilinear sample wrong when
// its level of detail is a whole number.
vec4 sample_level(vec2 place, inout int level)
{
   for (;; level++) {
      const bool last = level >= last_level();
#ifdef RESIDENCY_CODE
      vec4 texel;

      if (sparseTexelsResidentARB(
             sparseTextureLodARB(map, place, float(level), texel)) || last)
         return texel;
#else
      if (last || footprint_resident(level, place))
         return textureLod(map, place, float(level));
#endif
   }
}

vec4 sample_map(vec2 place, float lod)
{
   const int wanted = int(lod);
   int fine = wanted, coarse = wanted + 1;
   const vec4 texel = sample_level(place, fine);

   if (fine != wanted || lod == float(wanted))
      return texel;
   return mix(texel, sample_level(place, coarse), lod - float(wanted));
}

uvec4 fetch_map(vec2 place, int level)
{
   for (;; level++) {
      const ivec2 size = level_size(level);
      const ivec2 at = clamp(ivec2(place * vec2(size)), ivec2(0), size - 1);
      const bool last = level == last_level();
      vec4 texel;
#ifdef RESIDENCY_CODE
      if (sparseTexelsResidentARB(sparseTexelFetchARB(map, at, level, texel)) ||
          last)
         return uvec4(at, level, packUnorm4x8(texel));
#else
      if (last || texel_resident(level, at)) {
         texel = texelFetch(map, at, level);
         return uvec4(at, level, packUnorm4x8(texel));
      }
#endif
   }
}

void want(int level, vec2 place)
{
   const ivec2 size = level_size(level);
   const int tile =
      tile_index(level, clamp(ivec2(place * vec2(size)), ivec2(0), size - 1));

   if (tile < 0)
      return;

   const uint bit = 1u << (tile & 31);

   // Most pixels ask for what others asked for already.
   if ((wanted[tile >> 5] & bit) == 0u)
      atomicOr(wanted[tile >> 5], bit);
}

void main()
{
   const vec2 dx = dFdx(map_place) * MAP_SIZE, dy = dFdy(map_place) * MAP_SIZE;
   const bool x_longer = dot(dx, dx) >= dot(dy, dy);
   const vec2 major = x_longer ? dx : dy;
   const float major_length = max(length(major), 1e-6);
   // The width of the pixel's footprint across its long axis.
   const float minor_length = abs(dx.x * dy.y - dx.y * dy.x) / major_length;
   const float step_length =
      max(minor_length, major_length / MAX_ANISOTROPY);
   const float lod = clamp(log2(max(step_length, 1e-6)) + push.eye.w, 0.0,
                           float(last_level()));

#ifdef EXACT
   result = fetch_map(map_place, int(lod + 0.5));
#else
   if ((uvec2(gl_FragCoord.xy) & 3u) == push.frame.xy) {
      want(int(lod), map_place);
      want(min(int(lod) + 1, last_level()), map_place);
   }

   vec4 sum = vec4(0.0);

   if (major_length < 1.5 * step_length || lod == 0.0) {
      sum = sample_map(map_place, lod);
   } else {
      const vec2 along = major / MAP_SIZE / float(TAPS);

      for (int i = 0; i < TAPS; i++)
         sum += sample_map(map_place + along * (float(i) - 0.5 * float(TAPS - 1)),
                           lod);
      sum /= float(TAPS);
   }
   result = vec4(through_haze(sum.rgb, from_eye), 1.0);
#endif
}
