// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/layout.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "fault.h"
#include "mem/layout.h"
#include "mem/pages.h"
#include "mem/zones.h"

#define BLOCK 512u

static struct zone zone_list[] = {
	{ 0, "DMA32", 0x1000, 0xff000 },
	{ 0, "Normal", 0x100000, 0x100000 },
	{ 1, "Normal", 0x200000, 0x100000 },
};
static const struct zones zones = { zone_list, ARRAY_SIZE(zone_list) };
static const struct layout_rules no_rules = { .node = -1 };
static char why[LAYOUT_WHY_SIZE];

static int try(struct layout *layout, const uint64_t *frames, uint32_t n,
	       const struct layout_rules *rules)
{
	struct layout_block *blocks = calloc(n, sizeof(*blocks));
	int r;

	for (uint32_t i = 0; i < n; i++)
		blocks[i] = (struct layout_block){ frames[i], i };
	r = layout_init(layout, blocks, n, BLOCK, rules, why);
	if (r < 0)
		free(blocks);
	return r;
}

/* ---- order ---- */

START_TEST(sorted_and_joined)
{
	static const uint64_t frames[] = { 0x1800, 0x1000, 0x1600, 0x1200, 0x9000, 0x1a00 };
	struct layout l;

	ck_assert_int_eq(try(&l, frames, 6, &no_rules), 0);
	ck_assert_str_eq(why, "");
	ck_assert_uint_eq(l.n_blocks, 6);
	ck_assert_uint_eq(l.n_runs, 3);
	ck_assert_uint_eq(l.runs[0].frame, 0x1000);
	ck_assert_uint_eq(l.runs[0].n_frames, 0x400);
	ck_assert_uint_eq(l.runs[1].frame, 0x1600);
	ck_assert_uint_eq(l.runs[1].n_frames, 0x600);
	ck_assert_uint_eq(l.runs[2].frame, 0x9000);
	ck_assert_uint_eq(l.blocks[1].index, 3);

	ck_assert_ptr_eq(layout_run(&l, 0x1000, 0x400), &l.runs[0]);
	ck_assert_ptr_null(layout_run(&l, 0x1000, 0x401));
	ck_assert_ptr_null(layout_run(&l, 0xfff, 1));
	ck_assert_ptr_null(layout_run(&l, 0x1400, 1));
	ck_assert_ptr_eq(layout_run(&l, 0x1bff, 1), &l.runs[1]);
	ck_assert_ptr_null(layout_run(&l, 0x1bff, UINT64_MAX));
	ck_assert_ptr_eq(layout_run(&l, 0x91ff, 1), &l.runs[2]);
	ck_assert_ptr_null(layout_run(&l, 0x9200, 1));
	ck_assert_uint_eq(layout_block(&l, 0x13ff)->index, 3);
	ck_assert_uint_eq(layout_block(&l, 0x9000)->index, 4);
	layout_deinit(&l);
}
END_TEST

START_TEST(slices)
{
	/* in the memfd: 2 3 0 1 (by frame); 2 and 3 stand side by side there too */
	static const uint64_t frames[] = { 0x1400, 0x1600, 0x1000, 0x1200 };
	struct slice *s;
	struct layout l;
	size_t n;

	ck_assert_int_eq(try(&l, frames, 4, &no_rules), 0);
	ck_assert_int_eq(layout_slices(&l, 0x1001, 0x600, 7, &s, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(s[0].fd, 7);
	ck_assert_uint_eq(s[0].offset, (2 * BLOCK + 1) * PAGES_SIZE);
	ck_assert_uint_eq(s[0].size, 0x3ff * PAGES_SIZE);
	ck_assert_uint_eq(s[1].offset, 0);
	ck_assert_uint_eq(s[1].size, 0x201 * PAGES_SIZE);
	free(s);
	ck_assert_int_eq(layout_slices(&l, 0x15ff, 1, 7, &s, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(s[0].offset, (BLOCK - 1) * PAGES_SIZE);
	ck_assert_uint_eq(s[0].size, PAGES_SIZE);
	free(s);
	fault_arm(1);
	ck_assert_int_eq(layout_slices(&l, 0x1000, 1, 7, &s, &n), -ENOMEM);
	fault_disarm();
	layout_deinit(&l);
}
END_TEST

START_TEST(nonsense)
{
	static const uint64_t twice[] = { 0x1000, 0x2000, 0x1000 };
	static const uint64_t odd[] = { 0x1001 };
	static const uint64_t far[] = { UINT64_MAX - BLOCK + 1 };
	struct layout l;

	ck_assert_int_eq(try(&l, twice, 3, &no_rules), -EINVAL);
	ck_assert_str_eq(why, "frame 0x1000 is there twice");
	ck_assert_int_eq(try(&l, odd, 1, &no_rules), -EINVAL);
	ck_assert_str_eq(why, "frame 0x1001 can't begin a block");
	ck_assert_int_eq(try(&l, far, 1, &no_rules), -EINVAL);
}
END_TEST

/* ---- the rules ---- */

struct rule_case {
	uint64_t frames[4];
	struct layout_rules rules;
	const char *why; /* "": nothing is wrong */
	uint32_t partial_runs, partial_left_out;
	uint64_t partial_frame; /* the first that is left */
};

static const struct rule_case rule_cases[] = {
	{ { 0x1000, 0x1200, 0x1400, 0xffe00 }, { .node = -1 }, "", 2, 0, 0x1000 },
	{ { 0x1000, 0x100000, 0x100200, 0x100400 },
	  { .node = -1 },
	  "frame 0x100000 is in zone Normal of node 0, not DMA32 of 0",
	  1,
	  1,
	  0x100000 },
	{ { 0x200000, 0x100000, 0x200400, 0x100400 },
	  { .node = -1 },
	  "frame 0x200000 is in zone Normal of node 1, not Normal of 0",
	  2,
	  2,
	  0x100000 },
	{ { 0x200000, 0x100000, 0x100200, 0x100400 },
	  { .node = 1 },
	  "frame 0x100000 is on node 0, not 1",
	  1,
	  3,
	  0x200000 },
	{ { 0x1000, 0x1200, 0x1400, 0xffe00 },
	  { .node = -1, .max_address = 0xffe00ull * 4096 },
	  "frame 0xffe00 is not below address 0xffe00000",
	  1,
	  1,
	  0x1000 },
	{ { 0x1000, 0x1200, 0x1400, 0xffe00 },
	  { .node = -1, .max_address = 1ull << 32 },
	  "",
	  2,
	  0,
	  0x1000 },
	{ { 0x1000, 0x1200, 0x1400, 0x300000 },
	  { .node = -1 },
	  "frame 0x300000 is not inside a zone",
	  1,
	  1,
	  0x1000 },
	{ { 0x300000, 0x300200, 0x300400, 0x300600 },
	  { .node = -1 },
	  "frame 0x300000 is not inside a zone",
	  0,
	  4,
	  0 },
};

START_TEST(rules)
{
	const struct rule_case *c = &rule_cases[_i];
	struct layout_rules checked = c->rules;
	struct layout l;

	checked.zones = &zones;
	ck_assert_int_eq(try(&l, c->frames, 4, &checked), c->why[0] ? -EINVAL : 0);
	ck_assert_str_eq(why, c->why);
	if (!c->why[0])
		layout_deinit(&l);

	checked.partial = true;
	if (c->partial_left_out == 4) {
		ck_assert_int_eq(try(&l, c->frames, 4, &checked), -EINVAL);
		return;
	}
	ck_assert_int_eq(try(&l, c->frames, 4, &checked), 0);
	ck_assert_uint_eq(l.n_left_out, c->partial_left_out);
	ck_assert_int_eq(why[0] != 0, c->partial_left_out != 0);
	ck_assert_uint_eq(l.n_blocks, 4 - c->partial_left_out);
	ck_assert_uint_eq(l.n_runs, c->partial_runs);
	ck_assert_uint_eq(l.runs[0].frame, c->partial_frame);
	layout_deinit(&l);
}
END_TEST

START_TEST(border_of_zones)
{
	/* the zone ends in the middle of the block */
	struct zone short_zone[] = { { 0, "Normal", 0x1000, 0x300 } };
	const struct zones one = { short_zone, 1 };
	const struct layout_rules checked = { .zones = &one, .node = -1 };
	struct layout l;

	ck_assert_int_eq(try(&l, (const uint64_t[]){ 0x1200 }, 1, &checked), -EINVAL);
	ck_assert_int_eq(try(&l, (const uint64_t[]){ 0x1000 }, 1, &checked), 0);
	layout_deinit(&l);
}
END_TEST

START_TEST(faults)
{
	const struct layout_rules checked = { .zones = &zones, .node = -1, .partial = true };
	static const uint64_t frames[] = { 0x1000, 0x1200, 0x100000 };
	struct layout_block blocks[3];
	unsigned int made = 0;
	struct layout l;
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct layout_block *own;
		int r;

		for (int i = 0; i < 3; i++)
			blocks[i] = (struct layout_block){ frames[i], i };
		own = malloc(sizeof(blocks));
		memcpy(own, blocks, sizeof(blocks));
		fault_arm(nth);
		r = layout_init(&l, own, 3, BLOCK, &checked, why);
		failed = fault_disarm();
		ck_assert_int_eq(r, failed ? -ENOMEM : 0);
		if (failed)
			free(own);
		else
			layout_deinit(&l);
		made += failed;
	}
	ck_assert_uint_eq(made, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tcase = tcase_create("layout");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, sorted_and_joined);
	tcase_add_test(tcase, slices);
	tcase_add_test(tcase, nonsense);
	tcase_add_loop_test(tcase, rules, 0, ARRAY_SIZE(rule_cases));
	tcase_add_test(tcase, border_of_zones);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
