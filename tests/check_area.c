// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/area.c, over frames that nobody has */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "chance.h"
#include "fake_frames.h"
#include "fault.h"
#include "mem/area.h"
#include "mem/clear.h"
#include "mem/pages.h"
#include "mem/zones.h"

#define BLOCK	 16u /* frames */
#define N_BLOCKS 8u
#define BASE	 0x1000u
#define BYTES(n) ((uint64_t)(n)*PAGES_SIZE)

static struct fake_frames *fake;
static struct area *area;
static struct area_report report;
static unsigned int fds_before;

static void setup(void)
{
	fds_before = open_fds();
	ck_assert_int_eq(clear_catch_sigbus(), 0);
	fake = fake_frames_new(N_BLOCKS, BLOCK, BASE);
}

static void teardown(void)
{
	ck_assert_uint_eq(open_fds(), fds_before);
}

static int try_area(const struct area_config *config)
{
	int r = area_new(&area, config, &fake->frames, &report);

	if (r < 0) {
		ck_assert_uint_eq(fake->n_taken, 0);
		frames_free(&fake->frames);
	}
	return r;
}

static void make_area(unsigned int order)
{
	ck_assert_int_eq(try_area(&(struct area_config){
				 .name = "main", .order_per_bit = order, .rules = { .node = -1 } }),
			 0);
	ck_assert_str_eq(report.text, "");
}

static void check_totals(uint64_t used, uint64_t clean, uint64_t dirty, uint64_t retired)
{
	struct area_totals t;

	area_totals(area, &t);
	ck_assert_uint_eq(t.size, t.used + t.clean + t.dirty + t.retired);
	ck_assert_uint_eq(t.used, BYTES(used));
	ck_assert_uint_eq(t.clean, BYTES(clean));
	ck_assert_uint_eq(t.dirty, BYTES(dirty));
	ck_assert_uint_eq(t.retired, BYTES(retired));
}

static struct area_range take(uint64_t n, unsigned int align, uint64_t frame)
{
	struct area_range range = AREA_RANGE_INIT;

	ck_assert_int_eq(area_take(area, &range, n, align), 0);
	ck_assert_uint_eq(range.frame, frame);
	ck_assert_uint_eq(range.n_frames, n);
	return range;
}

static void take_none(uint64_t n, unsigned int align)
{
	struct area_range range = AREA_RANGE_INIT;

	ck_assert_int_eq(area_take(area, &range, n, align), AREA_E_FULL);
	ck_assert_ptr_null(range.area);
}

/* ---- activation ---- */

static struct zone zone_list[] = {
	{ 0, "DMA32", 0x1000, 5 * BLOCK },
	{ 0, "Normal", 0x1000 + 5 * BLOCK, 0x1000 },
};
static const struct zones zones = { zone_list, ARRAY_SIZE(zone_list) };

START_TEST(whole)
{
	struct area_totals t;

	make_area(0);
	ck_assert_str_eq(area_name(area), "main");
	ck_assert_uint_eq(report.n_asked, N_BLOCKS);
	ck_assert_uint_eq(report.n_taken, N_BLOCKS);
	check_totals(0, N_BLOCKS * BLOCK, 0, 0);
	area_totals(area, &t);
	ck_assert_uint_eq(t.largest, BYTES(N_BLOCKS * BLOCK));
	ck_assert_uint_eq(t.n_runs, 1);
	ck_assert_ptr_null(area_free(area));
	ck_assert_ptr_null(area_free(NULL));
}
END_TEST

START_TEST(two_zones)
{
	ck_assert_int_eq(try_area(&(struct area_config){
				 .name = "main", .rules = { .zones = &zones, .node = -1 } }),
			 -EINVAL);
	ck_assert_str_eq(report.text, "area main could not be activated: frame 0x1050 is in zone "
				      "Normal of node 0, not DMA32 of 0");
}
END_TEST

START_TEST(two_zones_in_part)
{
	ck_assert_int_eq(try_area(&(struct area_config){
				 .name = "main",
				 .rules = { .zones = &zones, .node = -1, .partial = true } }),
			 0);
	ck_assert_uint_eq(report.n_left_out, 3);
	ck_assert_msg(strstr(report.text, "leaves out"), "%s", report.text);
	ck_assert_uint_eq(fake->n_taken, 5);
	ck_assert(!fake->taken[5] && !fake->taken[6] && !fake->taken[7]);
	check_totals(0, 5 * BLOCK, 0, 0);
	area_free(area);
}
END_TEST

START_TEST(two_zones_in_too_small_a_part)
{
	ck_assert_int_eq(try_area(&(struct area_config){
				 .name = "main",
				 .floor = BYTES(6 * BLOCK),
				 .rules = { .zones = &zones, .node = -1, .partial = true } }),
			 -EINVAL);
	ck_assert_msg(strstr(report.text, "could not be activated"), "%s", report.text);
}
END_TEST

START_TEST(fewer_than_asked)
{
	fake->n_there = 3;
	ck_assert_int_eq(try_area(&(struct area_config){ .name = "main",
							 .floor = BYTES(3 * BLOCK),
							 .rules = { .node = -1 } }),
			 0);
	ck_assert_str_eq(report.text,
			 "area main is smaller than asked: 3 of 8 pages of 64 KiB were to be had");
	check_totals(0, 3 * BLOCK, 0, 0);
	area_free(area);
}
END_TEST

START_TEST(fewer_than_the_floor)
{
	fake->n_there = 3;
	ck_assert_int_eq(try_area(&(struct area_config){ .name = "main",
							 .floor = BYTES(3 * BLOCK) + 1,
							 .rules = { .node = -1 } }),
			 -ENOMEM);
	ck_assert_str_eq(report.text, "area main could not be activated: "
				      "3 of 8 pages of 64 KiB were to be had");
}
END_TEST

START_TEST(none_at_all)
{
	fake->n_there = 0;
	ck_assert_int_eq(try_area(&(struct area_config){ .name = "main", .rules = { .node = -1 } }),
			 -ENOMEM);
}
END_TEST

START_TEST(other_errors)
{
	struct area_config config = { .name = "main", .rules = { .node = -1 } };

	fake->take_error = -EIO;
	fake->n_there = 3;
	ck_assert_int_eq(area_new(&area, &config, &fake->frames, &report), -EIO);
	ck_assert_uint_eq(fake->n_taken, 0);
	fake->locate_error = -EPERM;
	ck_assert_int_eq(area_new(&area, &config, &fake->frames, &report), -EPERM);
	ck_assert_uint_eq(fake->n_taken, 0);
	config.order_per_bit = 5; /* a bit of more than a block */
	ck_assert_int_eq(area_new(&area, &config, &fake->frames, &report), -EINVAL);
	config.order_per_bit = 64;
	ck_assert_int_eq(area_new(&area, &config, &fake->frames, &report), -EINVAL);
	config = (struct area_config){ .name = "a name of thirty-two characters." };
	ck_assert_int_eq(area_new(&area, &config, &fake->frames, &report), -EINVAL);
	frames_free(&fake->frames);
}
END_TEST

START_TEST(no_memory)
{
	struct area_config config = {
		.name = "main",
		.rules = { .zones = &zones, .node = -1, .partial = true },
	};
	unsigned int made = 0;
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		int r;

		fault_arm(nth);
		r = area_new(&area, &config, &fake->frames, &report);
		failed = fault_disarm();
		made += failed;
		ck_assert_int_eq(r, failed ? -ENOMEM : 0);
		ck_assert_uint_eq(fake->n_taken, failed ? 0 : 5);
		if (failed && nth > 2)
			ck_assert_msg(strstr(report.text, "could not be activated"), "%s",
				      report.text);
	}
	ck_assert_uint_eq(made, 13); /* area, blocks, 3 of the layout, 2, and 3 bitmaps of 2 */
	area_free(area);
}
END_TEST

/* ---- taking and giving back ---- */

START_TEST(first_fit)
{
	struct area_range a, b, c;

	make_area(0);
	a = take(3, 0, BASE);
	b = take(20, 0, BASE + 3);
	c = take(1, 4, BASE + 32);
	ck_assert_uint_eq(b.n_slices, 1); /* the fake's blocks are in order in the memfd, too */
	ck_assert_uint_eq(b.slices[0].offset, BYTES(3));
	ck_assert_uint_eq(b.slices[0].size, BYTES(20));
	ck_assert_int_eq(b.slices[0].fd, fake->frames.memfd);
	ck_assert(!area_range_is_dirty(&a));
	ck_assert_int_eq(area_range_clear(&a), 0);
	check_totals(24, 104, 0, 0);
	take_none(105, 0);
	take_none(1, 63);
	area_range_release(&b);
	ck_assert_ptr_null(b.area);
	area_range_release(&b);
	check_totals(4, 104, 20, 0);
	area_range_release(&a);
	area_range_release(&c);
	check_totals(0, 104, 24, 0);
	area_free(area);
}
END_TEST

START_TEST(in_frame_order)
{
	struct area_range range;

	for (uint32_t i = 0; i < N_BLOCKS; i++)
		fake->located[i] = BASE + (N_BLOCKS - 1 - i) * BLOCK;
	make_area(0);
	range = take(40, 0, BASE);
	ck_assert_uint_eq(range.n_slices, 3);
	ck_assert_uint_eq(range.slices[0].offset, BYTES(7 * BLOCK));
	ck_assert_uint_eq(range.slices[1].offset, BYTES(6 * BLOCK));
	ck_assert_uint_eq(range.slices[2].offset, BYTES(5 * BLOCK));
	ck_assert_uint_eq(range.slices[2].size, BYTES(8));
	ck_assert_ptr_eq(area_address(area, BASE + 33), fake->frames.map + BYTES(5 * BLOCK + 1));
	area_range_release(&range);
	area_free(area);
}
END_TEST

START_TEST(over_no_gap)
{
	struct area_range a, b;
	struct area_totals t;

	for (uint32_t i = 4; i < N_BLOCKS; i++)
		fake->located[i] += BLOCK;
	make_area(0);
	area_totals(area, &t);
	ck_assert_uint_eq(t.n_runs, 2);
	ck_assert_uint_eq(t.largest, BYTES(4 * BLOCK));
	take_none(4 * BLOCK + 1, 0);
	a = take(60, 0, BASE);
	b = take(60, 0, BASE + 5 * BLOCK);
	take_none(5, 0);
	ck_assert_int_eq(area_release(area, BASE + 60, 10), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, BASE + 4 * BLOCK, 1), AREA_E_OUTSIDE);
	area_range_release(&a);
	area_range_release(&b);
	area_free(area);
}
END_TEST

START_TEST(wrong_releases)
{
	struct area_range a;

	make_area(0);
	a = take(10, 0, BASE);
	ck_assert_int_eq(area_release(area, BASE, 0), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, BASE - 1, 2), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, BASE, UINT64_MAX), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, BASE + 127, 2), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, BASE + 128, 1), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, 0, 1), AREA_E_OUTSIDE);
	ck_assert_int_eq(area_release(area, BASE + 5, 6), AREA_E_FREE);
	ck_assert_int_eq(area_release(area, BASE + 100, 1), AREA_E_FREE);
	check_totals(10, 118, 0, 0);
	ck_assert_int_eq(area_release(area, BASE + 5, 5), 0);
	ck_assert_int_eq(area_release(area, BASE + 5, 5), AREA_E_FREE);
	ck_assert_int_eq(area_release(area, BASE, 5), 0);
	free(a.slices);
	area_free(area);
}
END_TEST

START_TEST(bits_of_many_pages)
{
	struct area_range a, b;

	make_area(2);
	a = take(1, 0, BASE);
	b = take(5, 0, BASE + 4);
	ck_assert_uint_eq(b.slices[0].size, BYTES(5)); /* what was asked for, and no more */
	check_totals(12, 116, 0, 0);
	area_range_release(&a);
	area_range_release(&b);
	/* one page of a bit that was cleared makes no bit clean */
	area_set_clean(area, BASE, 3);
	check_totals(0, 116, 12, 0);
	area_set_clean(area, BASE, 7);
	check_totals(0, 120, 8, 0);
	area_free(area);
}
END_TEST

/* ---- clean and dirty ---- */

static void soil(struct area_range *range)
{
	for (uint64_t i = 0; i < range->n_frames; i++)
		memset(area_address(area, range->frame + i), 0xee, PAGES_SIZE);
}

static void check_zero(const struct area_range *range)
{
	static const char zero[PAGES_SIZE];

	for (uint64_t i = 0; i < range->n_frames; i++)
		ck_assert_mem_eq(area_address(area, range->frame + i), zero, PAGES_SIZE);
}

START_TEST(clean_first)
{
	struct area_range a, b, c, d;

	make_area(0);
	a = take(64, 0, BASE);
	soil(&a);
	area_range_release(&a);
	b = take(60, 0, BASE + 64); /* a place behind, but clean */
	ck_assert(!area_range_is_dirty(&b));
	c = take(10, 0, BASE); /* nothing clean is as long */
	ck_assert(area_range_is_dirty(&c));
	ck_assert_int_eq(area_range_clear(&c), 0);
	ck_assert(!area_range_is_dirty(&c));
	check_zero(&c);
	ck_assert_int_eq(*area_address(area, BASE + 10), (char)0xee); /* and no more than it */
	area_set_clean(area, BASE + 10, 54);
	d = take(54, 0, BASE + 10);
	ck_assert(!area_range_is_dirty(&d));
	area_range_release(&b);
	area_range_release(&c);
	area_range_release(&d);
	area_free(area);
}
END_TEST

START_TEST(only_what_is_dirty)
{
	struct area_range a, b, all;

	make_area(0);
	a = take(30, 0, BASE);
	b = take(7, 0, BASE + 30);
	soil(&b);
	area_range_release(&b);
	area_range_release(&a);
	area_set_clean(area, BASE, 30);
	all = take(128, 0, BASE);
	ck_assert_uint_eq(all.dirty, BASE + 30);
	ck_assert_uint_eq(all.n_dirty, 7);
	ck_assert_int_eq(area_range_clear(&all), 0);
	check_zero(&all);
	area_range_release(&all);
	area_free(area);
}
END_TEST

/* ---- what the hardware lost ---- */

START_TEST(retire)
{
	struct area_range a, b;

	make_area(0);
	a = take(20, 0, BASE);
	area_retire(area, BASE + 17);
	area_retire(area, BASE + 18);
	area_retire(area, BASE - 1);
	check_totals(20, 96, 0, 12);
	b = take(1, 0, BASE + 32);
	area_range_release(&a);
	check_totals(1, 95, 16, 16);
	ck_assert_int_eq(area_release(area, BASE + 16, 4), AREA_E_FREE);
	ck_assert_int_eq(area_release(area, BASE + 20, 1), AREA_E_FREE);
	take_none(96, 0);
	area_range_release(&b);
	a = take(96, 0, BASE + 32);
	area_range_release(&a);
	area_free(area);
}
END_TEST

START_TEST(lost_while_cleared)
{
	struct area_range a;

	make_area(0);
	a = take(128, 0, BASE);
	area_range_release(&a);
	fake_frames_lose(fake, 2);
	a = take(64, 0, BASE);
	ck_assert_int_eq(area_range_clear(&a), -EIO);
	area_range_release(&a);
	check_totals(0, 0, 112, 16);
	a = take(64, 0, BASE + 48);
	ck_assert_int_eq(area_range_clear(&a), 0);
	check_zero(&a);
	area_range_release(&a);
	area_free(area);
}
END_TEST

/* ---- many ---- */

struct storm_range {
	struct area_range range;
	char mark;
};

static void storm_take(struct storm_range *s, uint64_t *random)
{
	uint64_t n = 1 + chance_below(random, 24);
	unsigned int align = chance_below(random, 5);

	if (area_take(area, &s->range, n, align))
		return;
	ck_assert_uint_eq(s->range.frame & ((1u << align) - 1), 0);
	ck_assert_int_eq(area_range_clear(&s->range), 0);
	check_zero(&s->range);
	s->mark = 1 + chance_below(random, 100);
	for (uint64_t i = 0; i < n; i++)
		*area_address(area, s->range.frame + i) = s->mark;
}

static void storm_give(struct storm_range *s)
{
	for (uint64_t i = 0; i < s->range.n_frames; i++)
		ck_assert_int_eq(*area_address(area, s->range.frame + i), s->mark);
	area_range_release(&s->range);
}

START_TEST(storm)
{
	struct storm_range ranges[32] = { 0 };
	uint64_t seed = chance_seed("AREA_SEED"), random = seed;

	printf("# AREA_SEED=%llu\n", (unsigned long long)seed);
	for (uint32_t i = N_BLOCKS - 1; i; i--) { /* in any order, with a gap */
		uint32_t k = chance_below(&random, i + 1);
		uint64_t located = fake->located[i];

		fake->located[i] = fake->located[k];
		fake->located[k] = located + (located >= BASE + 6 * BLOCK ? BLOCK * 1000 : 0);
	}
	make_area(0);
	for (int step = 0; step < 20000; step++) {
		struct storm_range *s = &ranges[chance_below(&random, ARRAY_SIZE(ranges))];

		if (s->range.area)
			storm_give(s);
		else
			storm_take(s, &random);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		storm_give(&ranges[i]);
	area_free(area);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("area");
	TCase *tcase = tcase_create("area");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, whole);
	tcase_add_test(tcase, two_zones);
	tcase_add_test(tcase, two_zones_in_part);
	tcase_add_test(tcase, two_zones_in_too_small_a_part);
	tcase_add_test(tcase, fewer_than_asked);
	tcase_add_test(tcase, fewer_than_the_floor);
	tcase_add_test(tcase, none_at_all);
	tcase_add_test(tcase, other_errors);
	tcase_add_test(tcase, no_memory);
	tcase_add_test(tcase, first_fit);
	tcase_add_test(tcase, in_frame_order);
	tcase_add_test(tcase, over_no_gap);
	tcase_add_test(tcase, wrong_releases);
	tcase_add_test(tcase, bits_of_many_pages);
	tcase_add_test(tcase, clean_first);
	tcase_add_test(tcase, only_what_is_dirty);
	tcase_add_test(tcase, retire);
	tcase_add_test(tcase, lost_while_cleared);
	tcase_add_test(tcase, storm);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
