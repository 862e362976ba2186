/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The areas of the settings, each with a scrubber that clears in the background what was freed.
 */
#ifndef DAEMON_AREAS_H
#define DAEMON_AREAS_H

#include "daemon/settings.h"
#include "loop/jobs.h"

struct area;

/* of one area; its job is the helper thread's while it is busy */
struct area_scrubber {
	struct area *area;
	struct loop_jobs *jobs; /* borrowed; NULL: stopped */
	struct loop_job job;
	bool busy;
};

struct areas {
	struct area_scrubber of[AREAS_MAX];
	size_t n;
	int udmabuf; /* borrowed */
};

struct areas_config {
	const struct settings *settings; /* borrowed for the call */
	struct loop_jobs *jobs; /* for the scrubbers, borrowed; freed after areas_stop() and before
				 * areas_deinit() */
	int udmabuf;		/* pins what an area has; borrowed */
	int pagemap;		/* as struct frames_config has it; borrowed for the call */
};

/* activate the areas of the settings. One that can't be is said and left out: its areas.of[].area
 * is NULL. */
void areas_init(struct areas *areas, const struct areas_config *config);

/* the scrubbers begin nothing more; what they have in hand ends with the jobs */
void areas_stop(struct areas *areas);
void areas_deinit(struct areas *areas); /* nothing may be taken of them */

#endif
