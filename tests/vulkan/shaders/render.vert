#version 460
// SPDX-License-Identifier: MIT
// One triangle, with its corners in clip space.
layout(push_constant) uniform Push { vec4 corner[3]; float seed; };

void main()
{
	gl_Position = vec4(corner[gl_VertexIndex].xyz, 1.0);
}
