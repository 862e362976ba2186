/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client: one open file of a node, however many processes share it. Buffers outlive it.
 */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/core.h"

/* Return: 0, -ENOMEM (also where the user may have no more), or a negative error. */
int client_new(struct client **ret, struct service *service, const struct client_who *who,
	       uint64_t *ret_fh);
struct client *client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free);

/* it has made a call that only a program with handles makes; it stays so (ABI.md section 9) */
void client_use_handles(struct client *client);
bool client_uses_handles(const struct client *client);

#endif
