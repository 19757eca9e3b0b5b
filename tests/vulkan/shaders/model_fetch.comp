#version 460
// SPDX-License-Identifier: MIT
// Fetches a box of texels: for each, five words: 1 if it is resident, else 0;
// then its components. Without CODES, residency is not asked for, and 2 stands
// there. The z of an array is the layer.
#ifdef CODES
#extension GL_ARB_sparse_texture2 : require
#endif
#ifdef DIM3
#define SAMPLER usampler3D
#else
#define SAMPLER usampler2DArray
#endif
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform SAMPLER image;
layout(set = 0, binding = 1, std430) buffer Out { uint result[]; };
layout(push_constant) uniform Push {
	uint mode, seed, level, x, y, z, width, height, depth;
};

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= width * height * depth)
		return;
	ivec3 at = ivec3(x + i % width, y + i / width % height,
			 z + i / width / height);
	uvec4 texel;
#ifdef CODES
	int code = sparseTexelFetchARB(image, at, int(level), texel);
	result[5 * i] = sparseTexelsResidentARB(code) ? 1 : 0;
#else
	texel = texelFetch(image, at, int(level));
	result[5 * i] = 2;
#endif
	for (uint c = 0; c < 4; c++)
		result[5 * i + 1 + c] = texel[c];
}
