#version 460
// SPDX-License-Identifier: MIT
// A box of texels of one level of an R32_UINT image, two words each: 0 stores
// values, 1 loads, 2 adds and returns what was. The second word is the residency
// code where one is asked for, as in model_fetch.comp.
#ifdef CODES
#extension GL_ARB_sparse_texture2 : require
#endif
#ifdef DIM3
#define IMAGE uimage3D
#else
#define IMAGE uimage2DArray
#endif
layout(local_size_x = 64) in;
layout(set = 0, binding = 0, r32ui) uniform IMAGE image;
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
	uint value = (seed + i) * 2654435761u;
	uint code = 2, was = 0;
	if (mode == 0) {
		imageStore(image, at, uvec4(value));
	} else if (mode == 1) {
#ifdef CODES
		uvec4 texel;
		code = sparseTexelsResidentARB(
			sparseImageLoadARB(image, at, texel)) ? 1 : 0;
		was = texel.x;
#else
		was = imageLoad(image, at).x;
#endif
	} else {
		was = imageAtomicAdd(image, at, value);
	}
	result[2 * i] = was;
	result[2 * i + 1] = code;
}
