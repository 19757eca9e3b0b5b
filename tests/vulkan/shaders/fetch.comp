#version 460
// SPDX-License-Identifier: MIT
// All texels of one (level, layer) of an image, as they come: four words each.
#ifdef FETCH_FLOAT
#define SAMPLER sampler2DArray
#define BITS floatBitsToUint
#else
#define SAMPLER usampler2DArray
#define BITS uvec4
#endif
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform SAMPLER image;
layout(set = 0, binding = 1, std430) buffer Out { uvec4 texel[]; };
layout(push_constant) uniform Push { uint width, height, layer, level; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < width * height)
		texel[i] = BITS(texelFetch(image, ivec3(i % width, i / width, layer),
					   int(level)));
}
