/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The zones of physical memory, as /proc/zoneinfo tells them.
 */
#ifndef MEM_ZONES_H
#define MEM_ZONES_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_NAME_SIZE 16

struct zone {
	unsigned int node;
	char name[ZONE_NAME_SIZE];
	uint64_t frame, n_frames; /* spanned, holes and all */
};

struct zones {
	struct zone *zones;
	size_t n;
};

/* @text: all of /proc/zoneinfo. Return: 0, -EINVAL where there is no zone in it, -ENOMEM. */
int zones_parse(struct zones *ret, const char *text);
void zones_deinit(struct zones *zones);

/* the zone that a frame lies in, or NULL */
const struct zone *zones_find(const struct zones *zones, uint64_t frame);

#endif
