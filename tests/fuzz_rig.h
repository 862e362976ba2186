/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole service for fuzz targets, small and without a clock: what is dear to make (state, watch,
 * loop, heaps) stands for the whole run, service and dispatcher are new for each input. It is poor:
 * quotas are soon used up.
 *
 * Heap 0 is `ion_system_heap` (ids 25 and 27 too), of memfds; heap 2 is `carveout`, over an area of
 * 1 MiB; heap 4 is `odd`: it fails as it is told. Files of the latter two are fuzz_exporter.h's.
 */
#ifndef TESTS_FUZZ_RIG_H
#define TESTS_FUZZ_RIG_H

#include "fake_deliver.h"
#include "fake_jobs.h"
#include "front/dispatch.h"
#include "fuzz_exporter.h"
#include "heap/heaps.h"
#include "mem/export.h"
#include "mem/watch.h"

enum {
	RIG_HEAP_AREA = 2,
	RIG_HEAP_ODD = 4,
	RIG_HEAPS = 3,
	RIG_CLIENT_HANDLES = 8,
	RIG_CHANNELS = 2,
	RIG_PER_USER = 3,     /* calls that are worked on at a time */
	RIG_FRAME_MAX = 4096, /* of a request; so much of a slot is zero at the start */
};

struct fuzz_rig {
	struct loop *loop; /* these stay */
	struct state *state;
	struct watch *watch;
	struct exporter *memfd;
	struct fuzz_exporter fuzz;
	struct heaps *heaps;
	struct area *area;
	struct loop_poll watch_poll;
	int odd_reserve, odd_fill; /* what these return */

	struct service *service; /* these are of one input */
	struct loop_jobs jobs;
	struct fake_deliver deliver;
	struct dispatch dispatch;
	unsigned int fds; /* open at the start */
};

/* how ends of buffers come to be known */
enum {
	RIG_MEMFD_LOOKED = 1, /* nothing tells of a memfd's close */
	RIG_ODD_TELLS = 2,    /* the odd heap's exporter tells by itself, not the watch */
	RIG_ODD_WAITS = 4,    /* ... and its files are made by helper threads */
};

/* the rig, made at the first call; @ends: of RIG_* */
struct fuzz_rig *fuzz_rig_up(const struct wire_policy *policy, unsigned int ends);

/* what the input has made is gone from all books; nothing may be under way */
void fuzz_rig_down(struct fuzz_rig *rig);

/* turns the loop while there is something to do */
void fuzz_rig_turn(struct fuzz_rig *rig);

/* the books agree with each other, as far as the service can tell and beyond; no fault may be
 * armed. @ret is what the service says. */
void fuzz_rig_totals(struct fuzz_rig *rig, struct service_totals *ret);

#endif
