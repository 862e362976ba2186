/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A range of free memory that a helper thread is clearing, and how it is made to let go of it: who
 * needs the range says so, and from then on not a byte of it is written by that thread.
 */
#ifndef MEM_CLAIM_H
#define MEM_CLAIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct claim {
	/* the owner's, of one thread */
	uint64_t frame, n_frames; /* 0 frames: no claim */
	char *memory;
	bool is_void; /* somebody took some of it: what was cleared says nothing any more */

	pthread_mutex_t lock;
	uint64_t serial; /* lock: of this claim; never 0 */
	bool stopped;	 /* lock */
	_Atomic unsigned int
		n_stopping; /* who wait for the lock: it is not taken again before them */
	/* the helper's, until it is back */
	uint64_t n_cleared; /* frames, from the start */
	bool lost;	    /* the frame after those is gone */
};

void claim_init(struct claim *claim);
void claim_deinit(struct claim *claim);

/* there is none now */
void claim_start(struct claim *claim, uint64_t frame, uint64_t n_frames, char *memory);
void claim_end(struct claim *claim);

bool claim_overlaps(const struct claim *claim, uint64_t frame, uint64_t n_frames);

/* clear it, step by step, until it is done or stopped; any thread */
void claim_clear(struct claim *claim);

/*
 * The claim of @serial is not written to from here on; where that has ended, nothing happens. Any
 * thread; waits for a step, some 10 µs.
 */
void claim_stop(struct claim *claim, uint64_t serial);

#endif
