#version 460
#extension GL_ARB_sparse_texture2 : require
// SPDX-License-Identifier: MIT
// A word per tile of one (level, layer): 1 if all four corners of the tile
// report that they are resident, 0 if none does, else 16 and a bit for each
// that does.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform isampler2DArray image;
layout(set = 0, binding = 1, std430) buffer Out { uint result[]; };
layout(push_constant) uniform Push {
	uint level, layer, tiles_x, tiles_y, tile_w, tile_h, width, height;
};

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= tiles_x * tiles_y)
		return;
	uvec2 low = uvec2(i % tiles_x * tile_w, i / tiles_x * tile_h);
	uvec2 high = min(low + uvec2(tile_w, tile_h), uvec2(width, height)) - 1;
	uint resident = 0;
	for (uint corner = 0; corner < 4; corner++) {
		ivec3 at = ivec3((corner & 1) != 0 ? high.x : low.x,
				 (corner & 2) != 0 ? high.y : low.y, layer);
		ivec4 texel;
		int code = sparseTexelFetchARB(image, at, int(level), texel);
		resident |= sparseTexelsResidentARB(code) ? 1u << corner : 0;
	}
	result[i] = resident == 15 ? 1 : resident == 0 ? 0 : 16 | resident;
}
