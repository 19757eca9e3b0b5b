/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What libdrm calls <drm.h>, for the module build. */
#include <drm/drm.h>
