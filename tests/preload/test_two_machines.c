/* SPDX-License-Identifier: MIT */
/*
 * Two machines in one process: the node's, and that of our Vulkan driver, which
 * the program uses as well. Neither knows of the other.
 */
#include "client.h"

#include "../stock/vk.h"

static void
bind_something(struct vk *vk)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      .size = 1 << 20,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;
   VkBuffer buffer;

   assert_int_equal(vk->CreateBuffer(vk->device, &info, NULL, &buffer), VK_SUCCESS);
   vk->GetBufferMemoryRequirements(vk->device, buffer, &needs);
   VkDeviceMemory memory = vk_memory(vk, needs.size, needs.memoryTypeBits);
   const VkSparseMemoryBind bind = {.size = needs.size, .memory = memory};
   const VkSparseBufferMemoryBindInfo buffer_bind = {buffer, 1, &bind};
   const VkBindSparseInfo submit = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffer_bind,
   };
   assert_int_equal(vk->QueueBindSparse(vk->sparse, 1, &submit, VK_NULL_HANDLE),
                    VK_SUCCESS);
   assert_int_equal(vk->DeviceWaitIdle(vk->device), VK_SUCCESS);
   vk->DestroyBuffer(vk->device, buffer, NULL);
   vk->FreeMemory(vk->device, memory, NULL);
}

static void
test_node_first(void **state)
{
   int fd = open_node();
   uint32_t vm = create_vm(fd);
   struct vk vk;

   vk_open(&vk);
   assert_non_null(strstr(vk.properties.deviceName, "pansparse"));
   bind_something(&vk);
   assert_true(has_vm(fd, vm));
   vk_close(&vk);
   assert_true(has_vm(fd, vm));
   assert_false(has_vm(fd, vm + 1));
   close(fd);
}

static void
test_driver_first(void **state)
{
   struct vk vk;

   vk_open(&vk);
   int fd = open_node();
   uint32_t vm = create_vm(fd);
   bind_something(&vk);
   assert_true(has_vm(fd, vm));
   close(fd);
   bind_something(&vk);
   vk_close(&vk);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_node_first),
      cmocka_unit_test(test_driver_first),
   };
   return cmocka_run_group_tests_name("preload-two-machines", tests, NULL, NULL);
}
