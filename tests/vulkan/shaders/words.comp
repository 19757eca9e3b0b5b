#version 460
// SPDX-License-Identifier: MIT
// mode 0: word i of data becomes seed + i; mode 1: of out becomes that of data.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) buffer Data { uint data[]; };
layout(set = 0, binding = 1, std430) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint mode, first, count, seed; };

void main()
{
	for (uint i = gl_GlobalInvocationID.x; i < count;
	     i += gl_NumWorkGroups.x * gl_WorkGroupSize.x) {
		if (mode == 0)
			data[first + i] = seed + i;
		else
			result[i] = data[first + i];
	}
}
