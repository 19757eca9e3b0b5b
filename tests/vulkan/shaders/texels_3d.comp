#version 460
#extension GL_ARB_sparse_texture2 : require
// SPDX-License-Identifier: MIT
// Fetches texels of a 3D image, with their residency codes.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform sampler3D image;
struct Query {
	ivec4 at; // x, y, z, level
	uint resident;
	float red;
};
layout(set = 0, binding = 1, std430) buffer Queries { Query query[]; };
layout(push_constant) uniform Push { uint count; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= count)
		return;
	vec4 texel;
	int code = sparseTexelFetchARB(image, query[i].at.xyz, query[i].at.w, texel);
	query[i].resident = sparseTexelsResidentARB(code) ? 1 : 0;
	query[i].red = texel.r;
}
