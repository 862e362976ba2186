/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of [heap NAME].
 */
#ifndef DAEMON_CONF_HEAP_H
#define DAEMON_CONF_HEAP_H

#include "daemon/conf_key.h"
#include "daemon/settings.h"

enum heap_key {
	HEAP_KEY_KIND,
	HEAP_KEY_ID,
	HEAP_KEY_ALIAS_IDS,
	HEAP_KEY_ALIAS_NAMES,
	HEAP_KEY_AREA,
	HEAP_KEY_ALIGN,
	HEAP_KEY_MAXIMUM,
	HEAP_KEY_EXPORT,
	HEAP_KEY_TRUSTED,
	HEAP_KEY_PHYSICAL_ADDRESS,
};

struct conf_heap {
	struct heap_settings settings; /* but for .area */
	char area[AREA_NAME_SIZE];     /* which may stand further down in the file; "": none */
	bool builtin, removed;
	struct conf_lines lines;
};

extern const struct conf_keys conf_heap_keys; /* of a struct conf_heap */

/* what a heap has where the file says nothing */
void conf_heap_init(struct conf_heap *heap, const char *name);

/* whether heaps of that kind are over an area */
bool conf_kind_has_area(enum heap_kind kind);

#endif
