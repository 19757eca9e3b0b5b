#version 450
// Loads, stores and atomics of word k of a buffer and texel k of an image, each
// seen by the same invocation at once: 16 words of results for each. Volatile:
// a compiler may hand a stored value on to a load without asking memory.
layout(local_size_x = 64) in;
layout(binding = 0, std430) volatile buffer Data { uint data[]; };
layout(binding = 1, std430) writeonly buffer Out { uint results[]; };
layout(binding = 2, r32ui) uniform volatile uimage2D image;
layout(push_constant) uniform Push { uint stride, width; };

void main()
{
   uint i = gl_GlobalInvocationID.x;
   uint k = i * stride;
   uint at = i * 16;
   ivec2 texel = ivec2(k % width, k / width);

   results[at + 0] = data[k];
   data[k] = 7;
   results[at + 1] = data[k];
   results[at + 2] = atomicAdd(data[k], 5);
   results[at + 3] = atomicExchange(data[k], 3);
   results[at + 4] = atomicCompSwap(data[k], 3, 100);
   results[at + 5] = atomicMax(data[k], 200);
   results[at + 6] = atomicOr(data[k], 1);
   results[at + 7] = data[k];

   results[at + 8] = imageLoad(image, texel).x;
   imageStore(image, texel, uvec4(7));
   results[at + 9] = imageLoad(image, texel).x;
   results[at + 10] = imageAtomicAdd(image, texel, 5);
   results[at + 11] = imageAtomicExchange(image, texel, 3);
   results[at + 12] = imageAtomicCompSwap(image, texel, 3, 100);
   results[at + 13] = imageAtomicMax(image, texel, 200);
   results[at + 14] = imageAtomicOr(image, texel, 1);
   results[at + 15] = imageLoad(image, texel).x;
}
