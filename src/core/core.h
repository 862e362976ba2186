/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct service: what the objects of the core share. Its verbs are in core/service.h; this is for
 * the files of this folder.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdint.h>

#include "base/list.h"

struct heaps;
struct quota;
struct state;
struct watch;

struct service {
	struct state *state; /* borrowed, these three */
	struct heaps *heaps;
	struct watch *watch;
	struct quota *quota;
	struct list clients; /* client.link */
	struct list buffers; /* buffer.link */
	struct list looked;  /* buffer.look_link: nothing tells of their end */
	uint64_t n_clients, n_buffers, n_looked, n_allocs;
	uint64_t bytes; /* of all buffers */
};

#endif
