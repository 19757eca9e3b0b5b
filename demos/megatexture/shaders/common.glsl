// SPDX-License-Identifier: MIT
// What the shaders share with scene.h: the push constants, and how a tile is
// found among the bits of the feedback and residency bitmaps.

layout(push_constant) uniform Push {
   mat4 clip_from_eye; // from places relative to the eye
   vec4 eye;           // in texels of level 0; w: bias of the level of detail
   uvec4 frame;        // x, y: which pixel of each 4 x 4 gives feedback
} push;

layout(set = 0, binding = 0) uniform Layout {
   uvec4 levels[16]; // index of the first tile, columns, texels across, -
   uvec4 tile;       // texels across and down, levels with tiles, all levels
} layout_;

const float MAP_SIZE = 16384.0;

// The tile of level @level that holds the texel; levels of the mip tail: -1.
int tile_index(int level, ivec2 texel)
{
   if (level >= int(layout_.tile.z))
      return -1;

   const uvec4 l = layout_.levels[level];
   const uvec2 place = uvec2(texel) / layout_.tile.xy;

   return int(l.x + place.y * l.y + place.x);
}

vec3 sky_color(vec3 direction)
{
   const float up = max(normalize(direction).y, 0.0);

   return mix(vec3(0.83, 0.88, 0.92), vec3(0.30, 0.52, 0.80),
              1.0 - exp(-4.0 * up));
}

vec3 through_haze(vec3 color, vec3 from_eye)
{
   const float far = length(from_eye) / 15000.0;

   return mix(color, sky_color(vec3(from_eye.x, 0.0, from_eye.z)),
              1.0 - exp(-far * far));
}
