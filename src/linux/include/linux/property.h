/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced */
#ifndef LINUX_PROPERTY_H
#define LINUX_PROPERTY_H

#include <linux/of.h>

enum dev_dma_attr {
	DEV_DMA_NOT_SUPPORTED,
	DEV_DMA_NON_COHERENT,
	DEV_DMA_COHERENT,
};

enum dev_dma_attr device_get_dma_attr(const struct device *dev);
#define device_get_match_data(dev) of_device_get_match_data(dev)

#endif /* LINUX_PROPERTY_H */
