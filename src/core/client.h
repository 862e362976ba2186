/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client: one open file of a node, however many processes share it. Buffers outlive it.
 */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/list.h"
#include "core/quota.h"

struct service;

/* who opened it, and through which node */
struct client_who {
	uid_t uid;
	gid_t gid;
	uint32_t tid;
	uint32_t channel;
};

struct client {
	struct service *service;
	struct client_who who;
	uint64_t id;	     /* of its record: the file handle that the door gives the kernel */
	struct list link;    /* service.clients */
	struct list buffers; /* buffer.client_link */
	struct list allocs;  /* alloc.link */
	struct quota_user *user;
	struct charge charge; /* to the user, for being there */
	struct account account;
};

/* Return: 0, -ENOMEM (also where the user may have no more), or a negative error. */
int client_new(struct client **ret, struct service *service, const struct client_who *who,
	       uint64_t *ret_fh);
struct client *client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free);

#endif
