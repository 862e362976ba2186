/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scrubber clears what is free and dirty in an area, piece by piece, in the background:
 * begin() in the area's thread, run() in any, finish() in the area's again. An allocation that
 * needs the piece in hand takes it away (mem/claim.h). One piece of an area is in hand at a time.
 */
#ifndef MEM_SCRUB_H
#define MEM_SCRUB_H

#include <stdbool.h>

struct area;

/* is there a piece to clear? Then run() and finish() are due. */
bool scrub_begin(struct area *area);
void scrub_run(struct area *area);
void scrub_finish(struct area *area);

#endif
