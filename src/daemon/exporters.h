/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The exporters that work on this machine, and which of them a heap's buffers are made with.
 */
#ifndef DAEMON_EXPORTERS_H
#define DAEMON_EXPORTERS_H

#include "daemon/settings.h"

struct exporters {
	struct exporter *of[EXPORTERS_END]; /* by kind; owned; NULL: does not work here */
};

/**
 * exporters_init() - find out what works
 * @exporters:	to be filled; exporters_deinit() in any case
 * @udmabuf:	an open /dev/udmabuf, borrowed for their life; or -1
 * @file:	one that works here, consumed; or NULL
 *
 * Return: 0, or a negative error.
 */
int exporters_init(struct exporters *exporters, int udmabuf, struct exporter *file);
void exporters_deinit(struct exporters *exporters);

/* the first of what the settings name, or would, that works; NULL: none does. @contiguous: the
 * memory is a part of an area. */
struct exporter *exporters_pick(const struct exporters *exporters,
				const struct heap_settings *settings, bool contiguous);

#endif
