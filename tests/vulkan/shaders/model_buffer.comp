#version 460
// SPDX-License-Identifier: MIT
// The words of a buffer: 0 stores values, 1 loads, 2 adds and returns what was.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) buffer Data { uint data[]; };
layout(set = 0, binding = 1, std430) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint mode, count, seed; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= count)
		return;
	uint value = (seed + i) * 2654435761u;
	if (mode == 0)
		data[i] = value;
	else if (mode == 1)
		result[i] = data[i];
	else
		result[i] = atomicAdd(data[i], value);
}
