/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the service has, one after the other, for who shows it. A listing may be broken off and
 * taken up again by the last id: what is there all the while is told exactly once, whatever comes
 * and goes, as places are visited in their order and ids are never used again.
 */
#ifndef CORE_LISTING_H
#define CORE_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "core/quota.h"
#include "heap/heap.h"
#include "mem/export.h"

struct buffer_info {
	uint64_t id, size;
	uint64_t client;	     /* who asked for it; 0: gone */
	uint64_t ino;		     /* of its first file; 0: it has none */
	const char *heap, *exporter; /* names; live as long as the service */
	uint32_t heap_id, flags;
	uint32_t handles;    /* of it, whoever has them */
	uid_t uid;	     /* who pays */
	uint32_t tid;	     /* of the thread that asked */
	enum export_end end; /* how its end will be seen */
};

struct client_info {
	uint64_t id;
	struct client_who who;
	uint64_t buffers, bytes, handles;
	struct account user; /* of all that the uid has */
};

struct heap_detail {
	struct heap_info info;
	struct heap_stock stock;
	const char *exporter; /* name */
	enum physical_rule physical;
	uint64_t bytes, buffers;
};

/* the next one after the id *@after (0 at first; any number will do), which becomes its own. One
 * that is being made is not listed. Return: whether there was one. */
bool service_next_buffer(struct service *service, uint64_t *after, struct buffer_info *ret);
bool service_next_client(struct service *service, uint64_t *after, struct client_info *ret);

/* all heaps, highest id first, at most @max. Return: how many there are. */
size_t service_heap_details(struct service *service, struct heap_detail *details, size_t max);

#endif
