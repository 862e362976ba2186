// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/scrub.c */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "chance.h"
#include "fake_frames.h"
#include "fault.h"
#include "mem/area.h"
#include "mem/claim.h"
#include "mem/clear.h"
#include "mem/pages.h"
#include "mem/scrub.h"

#define BLOCK	 512u /* frames */
#define N_BLOCKS 4u
#define BASE	 0x1000u

static struct fake_frames *fake;
static struct area *area;

static void make_area(unsigned int order)
{
	struct area_report report;

	ck_assert_int_eq(clear_catch_sigbus(), 0);
	fake = fake_frames_new(N_BLOCKS, BLOCK, BASE);
	ck_assert_int_eq(area_new(&area,
				  &(struct area_config){ .name = "main",
							 .order_per_bit = order,
							 .rules = { .node = -1 } },
				  &fake->frames, &report),
			 0);
}

static uint64_t dirty_frames(void)
{
	struct area_totals t;

	area_totals(area, &t);
	return t.dirty / PAGES_SIZE;
}

static struct area_range take(uint64_t n)
{
	struct area_range range = AREA_RANGE_INIT;

	ck_assert_int_eq(area_take(area, &range, n, 0), 0);
	return range;
}

static void write_all(const struct area_range *range, char byte)
{
	for (uint64_t i = 0; i < range->n_frames; i++)
		memset(area_address(area, range->frame + i), byte, PAGES_SIZE);
}

static void check_all(const struct area_range *range, char byte)
{
	char page[PAGES_SIZE];

	memset(page, byte, sizeof(page));
	for (uint64_t i = 0; i < range->n_frames; i++) {
		if (memcmp(area_address(area, range->frame + i), page, PAGES_SIZE))
			ck_abort_msg("frame 0x%llx isn't all %d",
				     (unsigned long long)range->frame + i, byte);
	}
}

/* used, written to and given back */
static void soil(uint64_t n)
{
	struct area_range range = take(n);

	write_all(&range, 0x5a);
	area_range_release(&range);
}

static void scrub_all(void)
{
	while (scrub_begin(area)) {
		scrub_run(area);
		scrub_finish(area);
	}
}

START_TEST(all_of_it)
{
	struct area_range range;

	make_area(0);
	ck_assert(!scrub_begin(area));
	soil(1300);
	ck_assert_uint_eq(dirty_frames(), 1300);
	ck_assert(scrub_begin(area));
	scrub_run(area);
	ck_assert_uint_eq(dirty_frames(), 1300); /* known when it is finished */
	scrub_finish(area);
	ck_assert_uint_eq(dirty_frames(), 1300 - BLOCK);
	scrub_all();
	ck_assert_uint_eq(dirty_frames(), 0);
	range = take(N_BLOCKS * BLOCK);
	ck_assert(!area_range_is_dirty(&range));
	check_all(&range, 0);
	area_range_release(&range);
	area_free(area);
}
END_TEST

START_TEST(large_bits)
{
	make_area(8);
	soil(100);
	ck_assert_uint_eq(dirty_frames(), 256);
	/* a piece that was left in the middle of a bit makes nothing clean */
	ck_assert(scrub_begin(area));
	area_claim(area)->n_cleared = 64;
	scrub_finish(area);
	ck_assert_uint_eq(dirty_frames(), 256);
	scrub_all();
	ck_assert_uint_eq(dirty_frames(), 0);
	area_free(area);
}
END_TEST

/* ---- demand ---- */

START_TEST(gives_way)
{
	struct area_range range, small;

	make_area(0);
	soil(N_BLOCKS * BLOCK);
	ck_assert(scrub_begin(area));
	range = take(100); /* of the piece in hand, and before it was begun */
	ck_assert(area_range_is_dirty(&range));
	ck_assert_int_eq(area_range_clear(&range), 0);
	check_all(&range, 0);
	write_all(&range, 1);
	scrub_run(area);
	check_all(&range, 1);
	small = take(5);
	write_all(&small, 2);
	area_range_release(&small);
	scrub_finish(area);
	ck_assert_uint_eq(dirty_frames(), N_BLOCKS * BLOCK - 100);
	scrub_all();
	check_all(&range, 1);
	small = take(5);
	ck_assert(!area_range_is_dirty(&small));
	check_all(&small, 0);
	area_range_release(&small);
	area_range_release(&range);
	area_free(area);
}
END_TEST

START_TEST(cleared_then_taken)
{
	struct area_range range;

	make_area(0);
	soil(N_BLOCKS * BLOCK);
	ck_assert(scrub_begin(area));
	scrub_run(area);
	range = take(100); /* it isn't known yet that it is clean */
	ck_assert_int_eq(area_range_clear(&range), 0);
	write_all(&range, 1);
	area_range_release(&range);
	scrub_finish(area); /* of all that, nothing counts */
	ck_assert_uint_eq(dirty_frames(), N_BLOCKS * BLOCK);
	range = take(100);
	ck_assert(area_range_is_dirty(&range));
	area_range_release(&range);
	area_free(area);
}
END_TEST

/* ---- what the hardware lost ---- */

START_TEST(lost)
{
	struct area_totals t;

	make_area(0);
	soil(N_BLOCKS * BLOCK);
	fake_frames_lose(fake, 1);
	scrub_all();
	area_totals(area, &t);
	ck_assert_uint_eq(t.dirty, 0);
	ck_assert_uint_eq(t.retired, BLOCK * PAGES_SIZE);
	ck_assert_uint_eq(t.clean, 3 * BLOCK * PAGES_SIZE);
	ck_assert_uint_eq(t.largest, 2 * BLOCK * PAGES_SIZE);
	area_free(area);
}
END_TEST

START_TEST(lost_and_taken)
{
	struct area_range range;
	struct area_totals t;

	make_area(0);
	soil(N_BLOCKS * BLOCK);
	fake_frames_lose(fake, 0);
	ck_assert(scrub_begin(area));
	range = take(100);
	scrub_run(area);
	ck_assert_int_eq(area_range_clear(&range), -EIO);
	area_range_release(&range);
	scrub_finish(area);
	area_totals(area, &t);
	ck_assert_uint_eq(t.retired, BLOCK * PAGES_SIZE);
	ck_assert_uint_eq(t.used, 0);
	area_free(area);
}
END_TEST

/* ---- with a thread ---- */

#define RANGES 12

static void *run(void *arg)
{
	scrub_run(area);
	return NULL;
}

struct held {
	struct area_range range;
	char mark;
};

static void storm_step(struct held *held, uint64_t *random)
{
	struct held *h = &held[chance_below(random, RANGES)];

	if (h->range.area) {
		check_all(&h->range, h->mark);
		area_range_release(&h->range);
		return;
	}
	if (area_take(area, &h->range, 1 + chance_below(random, 400), 0))
		return;
	ck_assert_int_eq(area_range_clear(&h->range), 0);
	check_all(&h->range, 0);
	h->mark = 1 + chance_below(random, 100);
	write_all(&h->range, h->mark);
}

/* nobody gets a byte that isn't zero, and nobody's bytes are cleared */
START_TEST(storm)
{
	struct held held[RANGES] = { 0 };
	uint64_t seed = chance_seed("SCRUB_SEED"), random = seed;

	printf("# SCRUB_SEED=%llu\n", (unsigned long long)seed);
	make_area(chance_below(&random, 2) * 3);
	for (int round = 0; round < 150; round++) {
		bool scrubbing = scrub_begin(area);
		pthread_t thread;

		if (scrubbing)
			ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
		for (uint64_t i = chance_below(&random, 12); i; i--)
			storm_step(held, &random);
		if (scrubbing) {
			pthread_join(thread, NULL);
			scrub_finish(area);
		}
	}
	for (int i = 0; i < RANGES; i++)
		area_range_release(&held[i].range);
	area_free(area);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scrub");
	TCase *tcase = tcase_create("scrub");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_of_it);
	tcase_add_test(tcase, large_bits);
	tcase_add_test(tcase, gives_way);
	tcase_add_test(tcase, cleared_then_taken);
	tcase_add_test(tcase, lost);
	tcase_add_test(tcase, lost_and_taken);
	tcase_add_test(tcase, storm);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
