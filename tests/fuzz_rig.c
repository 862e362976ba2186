// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_rig.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/log.h"
#include "core/check.h"
#include "core/service.h"
#include "core/state.h"
#include "fake_frames.h"
#include "fault.h"
#include "mem/area.h"
#include "mem/clear.h"

#define TOTALRAM (4u << 20) /* one buffer has at most half of it */

static const struct quota_limits limits = {
	.user = { 4 << 20, QUOTA_NO_LIMIT, 6, QUOTA_NO_LIMIT },
	.client = { QUOTA_NO_LIMIT, 8, QUOTA_NO_LIMIT, RIG_CLIENT_HANDLES },
};

static struct fuzz_rig the_rig;

/* ---- the odd heap: any size costs one page ---- */

static int odd_reserve(struct heap *heap, struct heap_block *block)
{
	return the_rig.odd_reserve;
}

/* the file is no memfd of the block's own, as that would have its size */
static int odd_fill(struct heap_block *block)
{
	int fd, r = the_rig.odd_fill;

	if (r == 0)
		r = pages_new(&fd, PAGES_SIZE, false);
	if (r < 0)
		return r;
	block->one = (struct slice){ .fd = fd, .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	return 0;
}

static void odd_release(struct heap_block *block)
{
	if (block->n_slices)
		fd_close(block->one.fd);
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

/* ---- the area: two blocks, apart from each other ---- */

static void rig_make_area(struct fuzz_rig *rig, struct heap **ret)
{
	const struct heap_config config = {
		.id = RIG_HEAP_AREA,
		.name = "carveout",
		.exporter = &rig->fuzz.exporter,
	};
	struct fake_frames *fake = fake_frames_new(2, 128, 0x1000);
	struct area_report report;

	fake->located[1] += 128;
	ck_assert_int_eq(clear_catch_sigbus(), 0);
	ck_assert_int_eq(area_new(&rig->area,
				  &(struct area_config){ .name = "a", .rules = { .node = -1 } },
				  &fake->frames, &report),
			 0);
	ck_assert_int_eq(
		heap_carveout_new(ret, &config, &(struct heap_area_config){ .area = rig->area }),
		0);
}

/* what of it is taken is what its heap's buffers have */
static void rig_check_area(struct fuzz_rig *rig)
{
	struct area_totals totals;

	area_totals(rig->area, &totals);
	ck_assert_uint_eq(totals.used, heaps_get(rig->heaps, RIG_HEAP_AREA)->bytes);
	ck_assert_uint_eq(totals.retired, 0);
	ck_assert_uint_eq(totals.used + totals.clean + totals.dirty, totals.size);
}

/* ---- the rig ---- */

static void rig_make_heaps(struct fuzz_rig *rig)
{
	struct heap *system, *carveout, *odd = calloc(1, sizeof(*odd));

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
	rig_make_area(rig, &carveout);
	ck_assert_int_eq(heaps_add(rig->heaps, system), 0);
	ck_assert_int_eq(heaps_add(rig->heaps, carveout), 0);
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

static void rig_check_service(struct fuzz_rig *rig)
{
	static struct check check;

	ck_assert_int_eq(check_init(&check), 0);
	service_check(rig->service, &check);
	ck_assert_msg(!check.n_findings, "%s", check.texts[0]);
	check_deinit(&check);
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
	ck_assert_uint_ge(state_count(rig->state, STATE_BUFFER), ret->buffers);
	rig_check_area(rig);
	rig_check_service(rig);
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
