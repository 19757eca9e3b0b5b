/* SPDX-License-Identifier: MIT */
/* libdrm finds the device, in each of its ways, and names it. */
#include "client.h"

#include <stdlib.h>

static void
check_device(drmDevicePtr device)
{
   assert_int_equal(device->available_nodes, 1 << DRM_NODE_RENDER);
   assert_string_equal(device->nodes[DRM_NODE_RENDER], NODE);
   assert_int_equal(device->bustype, DRM_BUS_PLATFORM);
   assert_string_equal(device->businfo.platform->fullname, "/gpu@fb000000");
   assert_string_equal(device->deviceinfo.platform->compatible[0],
                       "arm,mali-valhall-csf");
   assert_null(device->deviceinfo.platform->compatible[1]);
}

static void
test_enumerate(void **state)
{
   drmDevicePtr devices[8];

   assert_int_equal(drmGetDevices2(0, NULL, 0), 1);
   assert_int_equal(drmGetDevices2(0, devices, 8), 1);
   check_device(devices[0]);
   drmFreeDevices(devices, 1);
}

static void
test_of_descriptor(void **state)
{
   int fd = open_node();
   drmDevicePtr device, same;
   struct stat st;

   assert_int_equal(drmGetDevice2(fd, 0, &device), 0);
   check_device(device);

   assert_int_equal(fstat(fd, &st), 0);
   assert_int_equal(drmGetDeviceFromDevId(st.st_rdev, 0, &same), 0);
   check_device(same);
   assert_true(drmDevicesEqual(device, same));
   drmFreeDevice(&same);
   drmFreeDevice(&device);

   assert_int_equal(drmGetNodeTypeFromFd(fd), DRM_NODE_RENDER);
   char *name = drmGetRenderDeviceNameFromFd(fd);
   assert_string_equal(name, NODE);
   free(name);
   name = drmGetDeviceNameFromFd2(fd);
   assert_string_equal(name, NODE);
   free(name);
   close(fd);
}

static void
test_version(void **state)
{
   int fd = open_node();
   drmVersionPtr version = drmGetVersion(fd);

   assert_non_null(version);
   assert_string_equal(version->name, "panthor");
   assert_int_equal(version->version_major, 1);
   assert_int_equal(version->version_minor, 9);
   drmFreeVersion(version);
   close(fd);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_enumerate),
      cmocka_unit_test(test_of_descriptor),
      cmocka_unit_test(test_version),
   };
   return cmocka_run_group_tests_name("preload-find", tests, NULL, NULL);
}
