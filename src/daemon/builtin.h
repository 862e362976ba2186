/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in heaps, exporters and quotas: what a service has that no configuration describes
 * (DESIGN.md section 7, ABI.md section 9).
 */
#ifndef DAEMON_BUILTIN_H
#define DAEMON_BUILTIN_H

#include "core/service.h"
#include "core/state.h"
#include "mem/export.h"

struct builtin {
	/* owned, set before builtin_init(): one that works here, for where udmabuf does not; or
	 * NULL */
	struct exporter *file;
	struct watch *watch;
	struct exporter *exporter; /* of all heaps */
	struct heaps *heaps;
	struct service *service;
	const char *exporter_name;
};

/* @udmabuf is an open /dev/udmabuf, borrowed, or -1. Return: 0 or a negative error;
 * builtin_deinit() in both cases. */
int builtin_init(struct builtin *builtin, struct state *state, int udmabuf);
void builtin_deinit(struct builtin *builtin);

#endif
