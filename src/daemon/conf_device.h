/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of [cusiond] and [device ion]: both are read into struct settings itself.
 */
#ifndef DAEMON_CONF_DEVICE_H
#define DAEMON_CONF_DEVICE_H

#include "daemon/conf_key.h"

extern const struct conf_keys conf_cusiond_keys, conf_device_keys;

#endif
