/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handles: a client's names for buffers. A handle holds a reference of its buffer and counts its
 * own. Numbers start at 1; the lowest free one is taken, as the kernel's idr does (ABI.md 2.3).
 */
#ifndef CORE_HANDLE_H
#define CORE_HANDLE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "core/quota.h"

struct buffer;
struct client;
struct state_handle;

struct handle {
	struct client *client;
	struct buffer *buffer;
	struct list buffer_link; /* buffer.handles */
	uint32_t number;	 /* as the client knows it */
	uint64_t id;		 /* of its record */
	struct state_handle *record;
	struct charge charge; /* to the client */
	struct charge user_charge;
};

/*
 * One more reference for @client's handle of @buffer, which is made where there is none. Return: 0,
 * -ENOMEM, also where the client may have no more, -EOVERFLOW, or a negative error.
 */
int handle_get(struct client *client, struct buffer *buffer, uint32_t *ret_number);

/* the client's buffer of that name, borrowed; or NULL */
struct buffer *handle_buffer(struct client *client, uint32_t number);

/* FREE: one reference less. Return: 0, or -EINVAL where the client has no such handle. */
int handle_put(struct client *client, uint32_t number);

/* the client goes, and all of its handles with it */
void handle_drop_all(struct client *client);

#endif
