/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The service and a client, as the objects of the core see them. What can be done with them is in
 * core/service.h and core/client.h.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/idmap.h"
#include "base/list.h"
#include "core/quota.h"

struct heaps;
struct state;
struct state_client;
struct watch;

#define SERVICE_FILES 256 /* lists */

struct service {
	struct state *state; /* borrowed, these three */
	struct heaps *heaps;
	struct watch *watch;
	struct quota *quota;
	struct list clients;		  /* client.link */
	struct list buffers;		  /* buffer.link */
	struct list looked;		  /* file.look_link: nothing tells of their end */
	struct list files[SERVICE_FILES]; /* file.link: published, by their inodes */
	uint64_t n_clients, n_buffers, n_looked;
	uint64_t n_allocs, n_shares; /* under way */
	uint64_t bytes;		     /* of all buffers */
};

/* who opened it, and through which node */
struct client_who {
	uid_t uid;
	gid_t gid;
	uint32_t tid;
	uint32_t channel;
	uint32_t heaps; /* the node stands for these ids: a dma-heap's; 0: an ION node */
};

struct client {
	struct service *service;
	struct client_who who;
	uint64_t id;	      /* of its record: the file handle that the door gives the kernel */
	struct list link;     /* service.clients */
	struct list buffers;  /* buffer.client_link */
	struct list allocs;   /* alloc.link */
	struct idmap handles; /* struct handle, by number */
	struct state_client *record;
	struct quota_user *user;
	struct charge charge; /* to the user, for being there */
	struct account account;
};

#endif
