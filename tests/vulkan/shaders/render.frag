#version 460
// SPDX-License-Identifier: MIT
#extension GL_EXT_multiview : require
// Colours that tell the texel, the view, the seed and the attachment.
layout(push_constant) uniform Push { vec4 corner[3]; float seed; };
layout(location = 0) out vec4 first;
layout(location = 1) out vec4 second;

void main()
{
	vec2 at = gl_FragCoord.xy;

	first = vec4(fract(at / 37.0),
		     fract(at.x * at.y / 511.0 + seed + 0.31 * float(gl_ViewIndex)), 0.5);
	second = 1.0 - first;
}
