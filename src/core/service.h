/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The service: all clients and buffers of all nodes. Single-threaded; knows no clock, so its caller
 * tells it when to look for what has ended.
 */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/quota.h"
#include "heap/heap.h"

struct client;
struct service;
struct state;
struct watch;

#define SERVICE_LOOK_BATCH 256 /* how many buffers one service_look() asks */

/* all borrowed: they outlive the service */
struct service_config {
	struct state *state;
	struct heaps *heaps;
	struct watch *watch;
	struct quota_limits limits;
};

struct heap_totals {
	struct heap_info info;
	uint64_t bytes, buffers;
};

struct service_totals {
	uint64_t clients, buffers, bytes;
	size_t n_heaps;
	struct heap_totals heaps[HEAP_IDS]; /* highest id first */
};

int service_new(struct service **ret, const struct service_config *config);

/* frees its clients, files and buffers too, held or not; nothing may be under way */
struct service *service_free(struct service *service);
DEFINE_CLEANUP(struct service *, service_free);

/* the client whose file handle is @fh, or NULL */
struct client *service_client(struct service *service, uint64_t fh);

/* as heaps_list() */
size_t service_heaps(struct service *service, struct heap_info *infos, size_t max);

/* readable: call service_look() */
int service_watch_fd(struct service *service);

/* find buffers that have ended: what the watch tells, and a batch of those that must be asked */
void service_look(struct service *service);

/* some buffers' ends are told by nobody: call service_look() from time to time */
bool service_must_look(struct service *service);

/* requests on record: those that wait for an answer */
uint64_t service_requests(const struct service *service);

void service_totals(struct service *service, struct service_totals *ret);

#endif
