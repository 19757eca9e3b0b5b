#version 460
// SPDX-License-Identifier: MIT
// Stores x + 256 * y + 65536 * (6 * cube + face) into every texel of one level
// of a cube array, or counts the texels that do not hold that.
layout(local_size_x = 8, local_size_y = 8, local_size_z = 1) in;
layout(set = 0, binding = 0, r32ui) uniform uimageCubeArray image;
layout(set = 0, binding = 1, std430) buffer Out { uint wrong; };
layout(push_constant) uniform Push { uint check; };

void main()
{
	uvec3 at = gl_GlobalInvocationID;
	if (any(greaterThanEqual(at.xy, uvec2(imageSize(image).xy))))
		return;
	uint value = at.x + 256 * at.y + 65536 * at.z;
	if (check == 0)
		imageStore(image, ivec3(at), uvec4(value));
	else if (imageLoad(image, ivec3(at)).r != value)
		atomicAdd(wrong, 1);
}
