/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of [cusiond], [device ion] and [device dma_heap]: all are read into struct settings
 * itself.
 */
#ifndef DAEMON_CONF_DEVICE_H
#define DAEMON_CONF_DEVICE_H

#include "daemon/conf_key.h"

enum dma_heap_key {
	DMA_HEAP_KEY_NAMES,
};

extern const struct conf_keys conf_cusiond_keys, conf_device_keys, conf_dma_heap_keys;

#endif
