/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sees to what heaps keep of the buffers that have ended: has it cleared in a helper thread, and
 * given up when it is old or when memory is short.
 */
#ifndef DAEMON_TENDER_H
#define DAEMON_TENDER_H

#include <stdbool.h>

#include "loop/jobs.h"
#include "loop/loop.h"

struct heap;
struct heaps;

struct tender {
	struct loop *loop; /* borrowed, these three */
	struct loop_jobs *jobs;
	struct heaps *heaps;
	struct heap *heap; /* whose piece of work is in hand; NULL: none's */
	struct loop_job job;
	struct loop_timer age;
	bool stopped;
};

/* @tender stays where it is until tender_stop(); it may be zeroed before tender_start() */
void tender_start(struct tender *tender, struct loop *loop, struct loop_jobs *jobs,
		  struct heaps *heaps);

/* begins nothing more; the piece in hand ends with @jobs. Never started, but zeroed: is let be. */
void tender_stop(struct tender *tender);

#endif
