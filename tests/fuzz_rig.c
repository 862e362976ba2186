// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_rig.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/log.h"
#include "core/service.h"
#include "core/state.h"
#include "fault.h"

#define TOTALRAM (4u << 20) /* one buffer has at most half of it */

static const struct quota_limits limits = {
	.user = { 4 << 20, QUOTA_NO_LIMIT, 6, QUOTA_NO_LIMIT },
	.client = { QUOTA_NO_LIMIT, 8, QUOTA_NO_LIMIT, 8 },
};

static struct fuzz_rig the_rig;

/* ---- the odd heap: any size costs one page ---- */

static int odd_reserve(struct heap *heap, struct heap_block *block)
{
	return the_rig.odd_reserve;
}

static int odd_fill(struct heap_block *block)
{
	int r = the_rig.odd_fill;

	if (r == 0)
		r = pages_new(&block->memfd, PAGES_SIZE, false);
	if (r < 0)
		return r;
	block->one = (struct slice){ .fd = block->memfd, .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	return 0;
}

static void odd_release(struct heap_block *block)
{
	fd_close(block->memfd);
}

static struct heap *odd_free(struct heap *heap)
{
	free(heap);
	return NULL;
}

static const struct heap_ops odd_ops = {
	.type = HEAP_TYPE_DMA,
	.reserve = odd_reserve,
	.fill = odd_fill,
	.release = odd_release,
	.free = odd_free,
};

/* ---- the rig ---- */

static void rig_make_heaps(struct fuzz_rig *rig)
{
	struct heap *system, *odd = calloc(1, sizeof(*odd));

	ck_assert_int_eq(exporter_memfd_new(&rig->memfd), 0);
	fuzz_exporter_init(&rig->fuzz);

	ck_assert_int_eq(heaps_new(&rig->heaps), 0);
	ck_assert_int_eq(heap_system_new(&system,
					 &(struct heap_config){ .id = 0,
								.name = "ion_system_heap",
								.exporter = rig->memfd },
					 TOTALRAM),
			 0);
	ck_assert_int_eq(heap_init(odd, &odd_ops,
				   &(struct heap_config){ .id = RIG_HEAP_ODD,
							  .name = "odd",
							  .exporter = &rig->fuzz.exporter }),
			 0);
	ck_assert_int_eq(heaps_add(rig->heaps, system), 0);
	ck_assert_int_eq(heaps_add(rig->heaps, odd), 0);
	ck_assert_int_eq(heaps_alias_id(rig->heaps, 0, 25), 0);
	ck_assert_int_eq(heaps_alias_id(rig->heaps, 0, 27), 0);
}

static void rig_watch(struct loop_poll *poll, short revents)
{
	service_look(the_rig.service);
}

static void rig_make(struct fuzz_rig *rig)
{
	int fd;

	signal(SIGPIPE, SIG_IGN); /* a door that answers after the fake kernel has hung up */
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert_int_eq(loop_new(&rig->loop, LOOP_POLL), 0);
	ck_assert_int_eq(state_create(&fd), 0);
	ck_assert_int_eq(state_attach(&rig->state, fd), 0);
	fd_close(fd);
	ck_assert_int_eq(watch_new(&rig->watch), 0);
	loop_poll_init(&rig->watch_poll, rig_watch, NULL);
	rig_make_heaps(rig);
}

struct fuzz_rig *fuzz_rig_up(const struct wire_policy *policy, unsigned int ends)
{
	struct fuzz_rig *rig = &the_rig;
	struct service_config service;
	struct dispatch_config dispatch;

	if (!rig->loop)
		rig_make(rig);
	rig->fds = open_fds();
	rig->odd_reserve = rig->odd_fill = 0;
	rig->memfd->notifies = !(ends & RIG_MEMFD_LOOKED);
	fuzz_exporter_set(&rig->fuzz, ends & RIG_ODD_TELLS, ends & RIG_ODD_WAITS);
	for (unsigned int i = 0; i < RIG_CHANNELS; i++)
		memset(state_slot(rig->state, i), 0, RIG_FRAME_MAX);

	service = (struct service_config){
		.state = rig->state,
		.heaps = rig->heaps,
		.watch = rig->watch,
		.limits = limits,
	};
	ck_assert_int_eq(service_new(&rig->service, &service), 0);
	fake_jobs_init(&rig->jobs);
	fake_deliver_init(&rig->deliver);
	dispatch = (struct dispatch_config){
		.loop = rig->loop,
		.jobs = &rig->jobs,
		.service = rig->service,
		.deliver = &rig->deliver.deliver,
		.policy = *policy,
		.per_user = RIG_PER_USER,
	};
	dispatch_init(&rig->dispatch, &dispatch);
	ck_assert_int_eq(
		loop_poll_add(rig->loop, &rig->watch_poll, service_watch_fd(rig->service), POLLIN),
		0);
	return rig;
}

void fuzz_rig_turn(struct fuzz_rig *rig)
{
	do
		while (loop_step(rig->loop, 0) > 0)
			;
	while (fuzz_exporter_tell(&rig->fuzz));
}

void fuzz_rig_totals(struct fuzz_rig *rig, struct service_totals *ret)
{
	uint64_t bytes = 0, buffers = 0;

	fuzz_exporter_tell(&rig->fuzz);
	service_look(rig->service);
	service_totals(rig->service, ret);
	for (size_t i = 0; i < ret->n_heaps; i++) {
		bytes += ret->heaps[i].bytes;
		buffers += ret->heaps[i].buffers;
	}
	ck_assert_uint_eq(bytes, ret->bytes);
	ck_assert_uint_eq(buffers, ret->buffers);
	ck_assert_uint_eq(state_count(rig->state, STATE_CLIENT), ret->clients);
	ck_assert_uint_eq(state_count(rig->state, STATE_BUFFER), ret->buffers);
}

void fuzz_rig_down(struct fuzz_rig *rig)
{
	struct service_totals totals;

	fuzz_rig_turn(rig);
	fuzz_rig_totals(rig, &totals);
	ck_assert_uint_eq(totals.clients, 0);
	ck_assert_uint_eq(totals.buffers, 0);
	for (int kind = 0; kind < _STATE_KIND_N; kind++)
		ck_assert_uint_eq(state_count(rig->state, kind), 0);
	dispatch_deinit(&rig->dispatch);
	loop_poll_remove(&rig->watch_poll);
	rig->service = service_free(rig->service); /* asserts that no user is charged any more */
	ck_assert_uint_eq(open_fds(), rig->fds);
}
