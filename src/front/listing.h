/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The answers to the verbs `heaps`, `buffers` and `clients` of the control protocol. Heaps are for
 * all to see; of buffers and clients, a user sees his own, and how many of others were left out.
 *
 * The latter two come in pages: what is not the last one has "after", which the next request gives
 * back.
 */
#ifndef FRONT_LISTING_H
#define FRONT_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/listing.h"
#include "core/who.h"

struct json_object;

/* a heap that the settings name, and that can't be here */
struct listing_missing {
	char name[HEAP_NAME_SIZE];
	uint32_t id;
	const char *why;
};

/* what is asked for, and by whom; all borrowed */
struct listing {
	struct service *service;
	struct who who;
	bool all;	    /* he may see what is of others */
	const char **nodes; /* paths, by channel */
	size_t n_nodes;
	const struct listing_missing *missing;
	size_t n_missing;
	struct json_object *request;
};

struct json_object *listing_heaps(const struct listing *listing);

/* with "error" where the request's "after" or "physical" is none */
struct json_object *listing_buffers(const struct listing *listing);
struct json_object *listing_clients(const struct listing *listing);

#endif
