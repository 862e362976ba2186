// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/zones.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

static const char *line_after(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static size_t count_zones(const char *text)
{
	size_t n = 0;

	for (; *text; text = line_after(text))
		n += !strncmp(text, "Node ", 5);
	return n;
}

/* a zone without pages has no start_pfn: the next one takes its place */
static void parse_line(const char *line, struct zone *zone, size_t *n)
{
	struct zone head = { .node = 0 };

	if (sscanf(line, "Node %u, zone %15s", &head.node, head.name) == 2)
		*zone = head;
	else if (sscanf(line, " spanned %" SCNu64, &zone->n_frames) != 1 &&
		 sscanf(line, " start_pfn: %" SCNu64, &zone->frame) == 1)
		*n += zone->name[0] && zone->n_frames;
}

int zones_parse(struct zones *ret, const char *text)
{
	struct zones zones = { .n = 0 };

	zones.zones = calloc(count_zones(text) + 1, sizeof(*zones.zones));
	if (!zones.zones)
		return err_origin(-ENOMEM);
	for (; *text; text = line_after(text))
		parse_line(text, &zones.zones[zones.n], &zones.n);
	if (!zones.n) {
		zones_deinit(&zones);
		return err_origin(-EINVAL);
	}
	*ret = zones;
	return 0;
}

void zones_deinit(struct zones *zones)
{
	free(zones->zones);
	*zones = (struct zones){ .n = 0 };
}

const struct zone *zones_find(const struct zones *zones, uint64_t frame)
{
	for (size_t i = 0; i < zones->n; i++) {
		const struct zone *zone = &zones->zones[i];

		if (frame >= zone->frame && frame - zone->frame < zone->n_frames)
			return zone;
	}
	return NULL;
}
