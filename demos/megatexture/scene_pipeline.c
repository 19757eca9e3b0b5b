/* SPDX-License-Identifier: MIT */
#include "scene_pipeline.h"

#include "exact_code_frag.h"
#include "exact_table_frag.h"
#include "sky_frag.h"
#include "sky_vert.h"
#include "terrain_code_frag.h"
#include "terrain_table_frag.h"
#include "terrain_vert.h"

struct spirv {
   const uint32_t *code;
   size_t size_B;
};

#define SPIRV(name)                                                            \
   ((struct spirv){name, sizeof(name)})

static VkPipelineShaderStageCreateInfo
stage(const struct scene *scene, VkShaderStageFlagBits which,
      struct spirv shader)
{
   return (VkPipelineShaderStageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage = which,
      .module = vkh_shader(scene->vk, shader.code, shader.size_B),
      .pName = "main",
   };
}

/* @mesh: with vertices and depth; else a triangle behind everything. */
static VkPipeline
create_pipeline(const struct scene *scene, struct spirv vertex,
                struct spirv fragment, bool mesh, VkFormat color_format)
{
   const VkPipelineShaderStageCreateInfo stages[2] = {
      stage(scene, VK_SHADER_STAGE_VERTEX_BIT, vertex),
      stage(scene, VK_SHADER_STAGE_FRAGMENT_BIT, fragment),
   };
   const VkVertexInputBindingDescription binding = {
      0, 3 * sizeof(float), VK_VERTEX_INPUT_RATE_VERTEX};
   const VkVertexInputAttributeDescription attribute = {
      0, 0, VK_FORMAT_R32G32B32_SFLOAT, 0};
   const VkPipelineVertexInputStateCreateInfo input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
      .vertexBindingDescriptionCount = mesh ? 1 : 0,
      .pVertexBindingDescriptions = &binding,
      .vertexAttributeDescriptionCount = mesh ? 1 : 0,
      .pVertexAttributeDescriptions = &attribute,
   };
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
   };
   const VkViewport viewport = {
      0.0f, 0.0f, (float)scene->width, (float)scene->height, 0.0f, 1.0f};
   const VkRect2D scissor = {{0, 0}, {scene->width, scene->height}};
   const VkPipelineViewportStateCreateInfo viewports = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .pViewports = &viewport,
      .scissorCount = 1,
      .pScissors = &scissor,
   };
   const VkPipelineRasterizationStateCreateInfo raster = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .cullMode = mesh ? VK_CULL_MODE_BACK_BIT : VK_CULL_MODE_NONE,
      .frontFace = VK_FRONT_FACE_COUNTER_CLOCKWISE,
      .lineWidth = 1.0f,
   };
   const VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   const VkPipelineDepthStencilStateCreateInfo depth = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO,
      .depthTestEnable = VK_TRUE,
      .depthWriteEnable = mesh,
      .depthCompareOp = VK_COMPARE_OP_GREATER_OR_EQUAL,
   };
   const VkPipelineColorBlendAttachmentState attachment = {
      .colorWriteMask = VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_G_BIT |
                        VK_COLOR_COMPONENT_B_BIT | VK_COLOR_COMPONENT_A_BIT,
   };
   const VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
   };
   const VkPipelineRenderingCreateInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &color_format,
      .depthAttachmentFormat = SCENE_DEPTH_FORMAT,
   };
   const VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = &rendering,
      .stageCount = VKH_ARRAY_SIZE(stages),
      .pStages = stages,
      .pVertexInputState = &input,
      .pInputAssemblyState = &assembly,
      .pViewportState = &viewports,
      .pRasterizationState = &raster,
      .pMultisampleState = &samples,
      .pDepthStencilState = &depth,
      .pColorBlendState = &blend,
      .layout = scene->pipeline_layout,
   };
   VkPipeline pipeline;

   VKH_CHECK(vkCreateGraphicsPipelines(scene->vk->device, VK_NULL_HANDLE, 1,
                                       &info, NULL, &pipeline));
   for (size_t i = 0; i < VKH_ARRAY_SIZE(stages); i++)
      vkDestroyShaderModule(scene->vk->device, stages[i].module, NULL);
   return pipeline;
}

void
scene_pipelines_create(struct scene *scene)
{
   const bool codes = scene->uses_residency_codes;

   scene->sky = create_pipeline(scene, SPIRV(sky_vert), SPIRV(sky_frag), false,
                                SCENE_COLOR_FORMAT);
   scene->terrain = create_pipeline(
      scene, SPIRV(terrain_vert),
      codes ? SPIRV(terrain_code_frag) : SPIRV(terrain_table_frag), true,
      SCENE_COLOR_FORMAT);
   scene->terrain_exact = create_pipeline(
      scene, SPIRV(terrain_vert),
      codes ? SPIRV(exact_code_frag) : SPIRV(exact_table_frag), true,
      SCENE_EXACT_FORMAT);
}
