/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two halves of tests/fuzz_service share: fuzz_acts.c has what callers and the kernel do,
 * fuzz_service.c the doors, the deliverer, who holds buffers, and the books.
 */
#ifndef TESTS_FUZZ_SERVICE_H
#define TESTS_FUZZ_SERVICE_H

#include "front/cuse.h"
#include "front/fusefile.h"
#include "fuzz.h"
#include "fuzz_model.h"
#include "fuzz_rig.h"

struct door {
	struct fake_kernel kernel;
	struct cuse_door *cuse;
	struct fusefile_door *fusefile;
	bool dead, gone;
	size_t n_answers; /* written, and not taken yet */
	/* what the channel's slot holds: libfuse may look behind the end of a short frame */
	_Alignas(struct fuse_in_header) uint8_t slot[RIG_FRAME_MAX];
};

struct fuzz {
	struct fuzz_rig *rig;
	struct model model;
	struct door doors[RIG_CHANNELS];
	unsigned int current; /* door */
	unsigned int batch;   /* frames still to send before the loop turns */
	bool killed;	      /* the kernel has forgotten the next request that is answered */
};

extern struct fuzz fuzz;

typedef void act(struct fuzz_bytes *bytes);

/* letters by their place in the alphabet */
extern act *const fuzz_acts[32];

/* a request on the current door, and what comes of it */
void fuzz_send(uint32_t opcode, uint64_t node, const void *body, size_t size);

/* the loop turns, unless a batch is being sent; answers are taken, books checked */
void fuzz_turn(void);

#endif
