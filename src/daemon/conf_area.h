/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of [area NAME].
 */
#ifndef DAEMON_CONF_AREA_H
#define DAEMON_CONF_AREA_H

#include "daemon/conf_key.h"
#include "daemon/settings.h"

enum area_key {
	AREA_KEY_PAGE_SIZE,
	AREA_KEY_NODE,
	AREA_KEY_FLOOR,
	AREA_KEY_CEILING,
	AREA_KEY_ORDER_PER_BIT,
	AREA_KEY_MAX_ADDRESS,
	AREA_KEY_PARTIAL,
};

struct conf_area {
	struct area_settings settings;
	struct conf_lines lines;
};

extern const struct conf_keys conf_area_keys; /* of a struct conf_area */

/* what an area has where the file says nothing, but for its ceiling */
void conf_area_init(struct conf_area *area, const char *name);

#endif
