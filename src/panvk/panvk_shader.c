/* SPDX-License-Identifier: MIT */
/*
 * Shaders on their way to the engine, which crashes in some (panvk_spirv.h):
 * modules, and those that a pipeline brings along (VK_KHR_maintenance5).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_device.h"
#include "panvk_spirv.h"

/*
 * A module of @info that is repaired, or VK_NULL_HANDLE in *@module_out where
 * there is nothing to repair.
 */
static VkResult
create_repaired(struct panvk_device *dev, const VkShaderModuleCreateInfo *info,
                const VkAllocationCallbacks *allocator,
                VkShaderModule *module_out)
{
   VkShaderModuleCreateInfo repaired = *info;
   uint32_t *words = NULL;
   size_t count = 0;
   int status = panvk_spirv_repair(info->pCode, info->codeSize / sizeof(*words),
                                   &words, &count);

   *module_out = VK_NULL_HANDLE;
   if (status <= 0)
      return status ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_SUCCESS;
   panvk_trace(PANVK_DEBUG_ENGINE, "a shader asks for residency codes of a "
                                   "texel buffer: they will say \"resident\"");
   repaired.pCode = words;
   repaired.codeSize = count * sizeof(*words);

   VkResult result = dev->vk.CreateShaderModule(dev->handle, &repaired,
                                                allocator, module_out);
   free(words);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateShaderModule(VkDevice device,
                         const VkShaderModuleCreateInfo *pCreateInfo,
                         const VkAllocationCallbacks *pAllocator,
                         VkShaderModule *pShaderModule)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result =
      create_repaired(dev, pCreateInfo, pAllocator, pShaderModule);

   if (result != VK_SUCCESS || *pShaderModule)
      return result;
   return dev->vk.CreateShaderModule(device, pCreateInfo, pAllocator,
                                     pShaderModule);
}

/* ------------------------------------------------------------- pipelines -- */

/* Modules in place of code that stages bring along, for one command's time. */
struct stages {
   VkPipelineShaderStageCreateInfo *stages;
   VkShaderModule *modules;
   uint32_t count;
};

static void
finish_stages(struct panvk_device *dev, struct stages *stages)
{
   for (uint32_t i = 0; i < stages->count; i++)
      if (stages->modules[i])
         dev->vk.DestroyShaderModule(dev->handle, stages->modules[i], NULL);
   free(stages->modules);
   free(stages->stages);
}

static VkResult
init_stages(struct stages *stages, uint32_t count)
{
   *stages = (struct stages){
      .stages = calloc((size_t)count + 1, sizeof(*stages->stages)),
      .modules = calloc((size_t)count + 1, sizeof(*stages->modules)),
   };
   return stages->stages && stages->modules ? VK_SUCCESS
                                            : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static const VkShaderModuleCreateInfo *
code_of(const VkPipelineShaderStageCreateInfo *stage)
{
   return stage->module ? NULL
                        : panvk_find_struct_const(
                             stage->pNext,
                             VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
}

/* A copy of @stage. The module goes before what the chain has. */
static VkResult
add_stage(struct panvk_device *dev, struct stages *stages,
          const VkPipelineShaderStageCreateInfo *stage)
{
   const VkShaderModuleCreateInfo *code = code_of(stage);
   uint32_t n = stages->count++;
   VkResult result = VK_SUCCESS;

   stages->stages[n] = *stage;
   if (code)
      result = create_repaired(dev, code, NULL, &stages->modules[n]);
   if (stages->modules[n])
      stages->stages[n].module = stages->modules[n];
   return result;
}

static VkResult
create_compute(struct panvk_device *dev, VkPipelineCache cache, uint32_t count,
               const VkComputePipelineCreateInfo *infos,
               const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
   VkComputePipelineCreateInfo *copies = malloc(count * sizeof(*copies));
   struct stages stages;
   VkResult result = init_stages(&stages, count);

   if (!copies)
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
      result = add_stage(dev, &stages, &infos[i].stage);
      copies[i] = infos[i];
      copies[i].stage = stages.stages[i];
   }
   if (result == VK_SUCCESS)
      result = dev->vk.CreateComputePipelines(dev->handle, cache, count, copies,
                                              allocator, pipelines);
   else
      memset(pipelines, 0, count * sizeof(*pipelines));
   finish_stages(dev, &stages);
   free(copies);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateComputePipelines(VkDevice device, VkPipelineCache pipelineCache,
                             uint32_t createInfoCount,
                             const VkComputePipelineCreateInfo *pCreateInfos,
                             const VkAllocationCallbacks *pAllocator,
                             VkPipeline *pPipelines)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   for (uint32_t i = 0; i < createInfoCount; i++)
      if (code_of(&pCreateInfos[i].stage))
         return create_compute(dev, pipelineCache, createInfoCount,
                               pCreateInfos, pAllocator, pPipelines);
   return dev->vk.CreateComputePipelines(device, pipelineCache,
                                         createInfoCount, pCreateInfos,
                                         pAllocator, pPipelines);
}

/* A library of state that has no shaders ignores what is said of stages. */
static uint32_t
stage_count(const VkGraphicsPipelineCreateInfo *info)
{
   const VkGraphicsPipelineLibraryFlagsEXT with_shaders =
      VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT |
      VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT;
   const VkGraphicsPipelineLibraryCreateInfoEXT *library =
      panvk_find_struct_const(
         info->pNext,
         VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_LIBRARY_CREATE_INFO_EXT);

   if (library && !(library->flags & with_shaders))
      return 0;
   return info->pStages ? info->stageCount : 0;
}

static VkResult
create_graphics(struct panvk_device *dev, VkPipelineCache cache, uint32_t count,
                const VkGraphicsPipelineCreateInfo *infos,
                const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
   VkGraphicsPipelineCreateInfo *copies = malloc(count * sizeof(*copies));
   struct stages stages;
   uint32_t total = 0;

   for (uint32_t i = 0; i < count; i++)
      total += stage_count(&infos[i]);

   VkResult result = init_stages(&stages, total);

   if (!copies)
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
      copies[i] = infos[i];
      if (stage_count(&infos[i]))
         copies[i].pStages = &stages.stages[stages.count];
      for (uint32_t s = 0; s < stage_count(&infos[i]) && result == VK_SUCCESS;
           s++)
         result = add_stage(dev, &stages, &infos[i].pStages[s]);
   }
   if (result == VK_SUCCESS)
      result = dev->vk.CreateGraphicsPipelines(dev->handle, cache, count,
                                               copies, allocator, pipelines);
   else
      memset(pipelines, 0, count * sizeof(*pipelines));
   finish_stages(dev, &stages);
   free(copies);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateGraphicsPipelines(VkDevice device, VkPipelineCache pipelineCache,
                              uint32_t createInfoCount,
                              const VkGraphicsPipelineCreateInfo *pCreateInfos,
                              const VkAllocationCallbacks *pAllocator,
                              VkPipeline *pPipelines)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   for (uint32_t i = 0; i < createInfoCount; i++)
      for (uint32_t s = 0; s < stage_count(&pCreateInfos[i]); s++)
         if (code_of(&pCreateInfos[i].pStages[s]))
            return create_graphics(dev, pipelineCache, createInfoCount,
                                   pCreateInfos, pAllocator, pPipelines);
   return dev->vk.CreateGraphicsPipelines(device, pipelineCache,
                                          createInfoCount, pCreateInfos,
                                          pAllocator, pPipelines);
}
