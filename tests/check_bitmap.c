// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/mem/bitmap.c. The storm holds it against a plain scan of a plain bitmap with cma_alloc()'s
 * rule, a million operations by default: BITMAP_SEED=N repeats one, BITMAP_STEPS=N sets its length.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "chance.h"
#include "fault.h"
#include "mem/bitmap.h"

/* ---- by hand ---- */

START_TEST(init)
{
	struct bitmap b;

	ck_assert_int_eq(bitmap_init(&b, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(bitmap_init(&b, 1, 512, 1), -EINVAL);
	ck_assert_int_eq(bitmap_init(&b, 512, 513, 1), -EINVAL);
	ck_assert_int_eq(bitmap_init(&b, 0, 512, 52), -EINVAL);
	ck_assert_int_eq(bitmap_init(&b, 0, 1ull << 52, 0), -EINVAL);
	ck_assert_int_eq(bitmap_init(&b, 1024, 1000, 0), 0);
	ck_assert_uint_eq(bitmap_n_set(&b), 0);
	ck_assert_uint_eq(bitmap_longest(&b), 1000);
	ck_assert(bitmap_contains(&b, 1024, 1000));
	ck_assert(bitmap_contains(&b, 2023, 1));
	ck_assert(!bitmap_contains(&b, 1023, 1));
	ck_assert(!bitmap_contains(&b, 1024, 1001));
	ck_assert(!bitmap_contains(&b, 2024, 0));
	ck_assert(!bitmap_contains(&b, 2023, UINT64_MAX));
	bitmap_deinit(&b);
	bitmap_deinit(&b);
}
END_TEST

static void expect(const struct bitmap *b, uint64_t n, unsigned int align, uint64_t frame)
{
	uint64_t found = 0;

	ck_assert_int_eq(bitmap_find(b, &found, n, align), frame != 0);
	ck_assert_uint_eq(found, frame);
}

START_TEST(first_fit)
{
	struct bitmap b;

	ck_assert_int_eq(bitmap_init(&b, 1024, 2000, 0), 0);
	expect(&b, 0, 0, 0);
	expect(&b, 2001, 0, 0);
	expect(&b, UINT64_MAX, 0, 0);
	expect(&b, 2000, 0, 1024);
	bitmap_set(&b, 1024, 10);
	expect(&b, 1990, 0, 1034);
	expect(&b, 1991, 0, 0);
	bitmap_set(&b, 1500, 1);
	expect(&b, 466, 0, 1034);
	expect(&b, 467, 0, 1501); /* over the borders of blocks */
	expect(&b, 1523, 0, 1501);
	expect(&b, 1524, 0, 0);
	ck_assert_uint_eq(bitmap_longest(&b), 1523);
	ck_assert_uint_eq(bitmap_n_set(&b), 11);
	bitmap_clear(&b, 1500, 1);
	bitmap_clear(&b, 1500, 1); /* that it is so already changes nothing */
	bitmap_set(&b, 1030, 4);
	ck_assert_uint_eq(bitmap_n_set(&b), 10);
	ck_assert_uint_eq(bitmap_longest(&b), 1990);
	bitmap_deinit(&b);
}
END_TEST

START_TEST(alignment)
{
	struct bitmap b;

	/* it is the frame's own number that is aligned, not its place here */
	ck_assert_int_eq(bitmap_init(&b, 1000, 4000, 0), 0);
	expect(&b, 1, 0, 1000);
	expect(&b, 1, 4, 1008);
	expect(&b, 1, 10, 1024);
	expect(&b, 1, 12, 4096);
	expect(&b, 905, 12, 0);
	expect(&b, 904, 12, 4096);
	expect(&b, 1, 13, 0);
	expect(&b, 1, 51, 0);
	expect(&b, 1, 52, 0);
	expect(&b, 1, 64, 0);
	bitmap_set(&b, 2050, 1);
	expect(&b, 3, 10, 1024);
	expect(&b, 1100, 10, 3072);
	bitmap_deinit(&b);
}
END_TEST

START_TEST(bits_of_many_pages)
{
	struct bitmap b;

	ck_assert_int_eq(bitmap_init(&b, 1024, 1024, 4), 0);
	expect(&b, 1, 0, 1024);
	bitmap_set(&b, 1024, 1);
	ck_assert_uint_eq(bitmap_n_set(&b), 16);
	expect(&b, 1, 2, 1040);
	expect(&b, 17, 4, 1040);
	expect(&b, 1008, 0, 1040);
	expect(&b, 1009, 0, 0);
	ck_assert(bitmap_is_set(&b, 1025, 3));
	ck_assert(!bitmap_is_clear(&b, 1039, 2));
	ck_assert_uint_eq(bitmap_next_clear(&b, 1026, 2048), 1040);
	ck_assert_uint_eq(bitmap_next_set(&b, 1026, 2048), 1026);
	ck_assert_uint_eq(bitmap_next_set(&b, 1040, 1050), 1050);
	ck_assert_uint_eq(bitmap_next_set(&b, 1050, 1050), 1050);
	bitmap_deinit(&b);

	/* and where one bit is more than a block of 2 MiB */
	ck_assert_int_eq(bitmap_init(&b, 0x40000, 0x40000 * 2, 18), 0);
	expect(&b, 0x40001, 0, 0x40000);
	expect(&b, 0x40000, 19, 0x80000);
	bitmap_set(&b, 0x7ffff, 1);
	expect(&b, 1, 0, 0x80000);
	bitmap_deinit(&b);
}
END_TEST

START_TEST(no_memory)
{
	struct bitmap b;

	for (int nth = 1; nth <= 2; nth++) {
		fault_arm(nth);
		ck_assert_int_eq(bitmap_init(&b, 0, 512, 0), -ENOMEM);
		ck_assert(fault_disarm());
	}
}
END_TEST

/* ---- the plain scan ---- */

#define WORDS 512

struct plain {
	uint64_t words[WORDS];
	uint64_t base, n_bits;
	unsigned int order;
};

static uint64_t plain_next(const struct plain *p, uint64_t at, uint64_t end, bool set)
{
	for (; at < end; at = (at | 63) + 1) {
		uint64_t word = (set ? p->words[at / 64] : ~p->words[at / 64]) >> (at % 64);

		if (word)
			return MIN(at + __builtin_ctzll(word), end);
	}
	return end;
}

static bool plain_find(const struct plain *p, uint64_t *ret, uint64_t n_frames, unsigned int align)
{
	uint64_t mask = align > p->order ? (1ull << (align - p->order)) - 1 : 0;
	uint64_t offset = (p->base & ((1ull << align) - 1)) >> p->order;
	uint64_t n = (n_frames + (1ull << p->order) - 1) >> p->order, at = 0, taken;

	for (;;) {
		at = plain_next(p, at, p->n_bits, false);
		at = ((at + offset + mask) & ~mask) - offset;
		if (at + n > p->n_bits)
			return false;
		taken = plain_next(p, at, at + n, true);
		if (taken == at + n)
			break;
		at = taken + 1;
	}
	*ret = p->base + (at << p->order);
	return true;
}

static void plain_write(struct plain *p, uint64_t frame, uint64_t n_frames, bool set)
{
	uint64_t at = (frame - p->base) >> p->order;
	uint64_t end = (frame - p->base + n_frames + (1ull << p->order) - 1) >> p->order;

	for (; at < end; at++) {
		if (set)
			p->words[at / 64] |= 1ull << (at % 64);
		else
			p->words[at / 64] &= ~(1ull << (at % 64));
	}
}

static uint64_t plain_longest(const struct plain *p)
{
	uint64_t at = 0, longest = 0;

	while (at < p->n_bits) {
		uint64_t from = plain_next(p, at, p->n_bits, false);

		at = plain_next(p, from, p->n_bits, true);
		longest = MAX(longest, at - from);
	}
	return longest << p->order;
}

static uint64_t plain_n_set(const struct plain *p)
{
	uint64_t n = 0;

	for (uint64_t at = 0; at < p->n_bits; at++)
		n += p->words[at / 64] >> (at % 64) & 1;
	return n << p->order;
}

/* ---- the storm ---- */

static const struct {
	uint64_t base, n_frames, largest;
	unsigned int order, align_max;
} storms[] = {
	{ 0x100000, 16384, 2000, 0, 12 }, /* buffers of up to 8 MiB in 64 MiB */
	{ 0x12345, 9001, 40, 0, 6 },	  /* many small ones, odd borders */
	{ 0x80000, 32768, 16000, 0, 14 }, /* few large ones */
	{ 0x33330, 65536, 3000, 4, 11 },  { 0x40000, 0x100000, 0x9000, 9, 15 },
};

#define TAKEN_MAX 4096

struct storm {
	struct bitmap b;
	struct plain p;
	struct {
		uint64_t frame, n;
	} taken[TAKEN_MAX];
	unsigned int n_taken;
	uint64_t random, n_found, n_none;
};

static void storm_take(struct storm *s, uint64_t largest, unsigned int align_max)
{
	uint64_t n = 1 + chance_below(&s->random, largest) / (1 + chance_below(&s->random, 64));
	unsigned int align = chance_below(&s->random, align_max + 1);
	uint64_t frame = 0, plain = 0;
	bool found = bitmap_find(&s->b, &frame, n, align);

	ck_assert_int_eq(found, plain_find(&s->p, &plain, n, align));
	ck_assert_uint_eq(frame, plain);
	s->n_found += found;
	s->n_none += !found;
	if (!found || s->n_taken == TAKEN_MAX)
		return;
	ck_assert(bitmap_contains(&s->b, frame, n));
	ck_assert(bitmap_is_clear(&s->b, frame, n));
	bitmap_set(&s->b, frame, n);
	ck_assert(bitmap_is_set(&s->b, frame, n));
	plain_write(&s->p, frame, n, true);
	s->taken[s->n_taken].frame = frame;
	s->taken[s->n_taken++].n = n;
}

static void storm_give(struct storm *s)
{
	unsigned int i;

	if (!s->n_taken)
		return;
	i = chance_below(&s->random, s->n_taken);
	bitmap_clear(&s->b, s->taken[i].frame, s->taken[i].n);
	plain_write(&s->p, s->taken[i].frame, s->taken[i].n, false);
	s->taken[i] = s->taken[--s->n_taken];
}

START_TEST(against_a_plain_scan)
{
	static struct storm s;
	const char *steps = getenv("BITMAP_STEPS");
	uint64_t n = (steps ? strtoull(steps, NULL, 0) : 1000000) / ARRAY_SIZE(storms);
	uint64_t seed = chance_seed("BITMAP_SEED");

	printf("# BITMAP_SEED=%llu: ", (unsigned long long)seed);
	s = (struct storm){ .random = seed };
	s.p = (struct plain){ .base = storms[_i].base, .order = storms[_i].order };
	s.p.n_bits = storms[_i].n_frames >> s.p.order;
	ck_assert_int_eq(bitmap_init(&s.b, s.p.base, storms[_i].n_frames, s.p.order), 0);
	for (uint64_t i = 0; i < n; i++) {
		/* rather full: more is asked for than given back */
		if (chance_below(&s.random, 16) < 9)
			storm_take(&s, storms[_i].largest, storms[_i].align_max);
		else
			storm_give(&s);
		if (i % 1024 == 0) {
			ck_assert_uint_eq(bitmap_longest(&s.b), plain_longest(&s.p));
			ck_assert_uint_eq(bitmap_n_set(&s.b), plain_n_set(&s.p));
		}
	}
	printf("%llu found, %llu not\n", (unsigned long long)s.n_found,
	       (unsigned long long)s.n_none);
	ck_assert_uint_gt(s.n_found, n / 8);
	bitmap_deinit(&s.b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bitmap");
	TCase *tcase = tcase_create("bitmap");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, init);
	tcase_add_test(tcase, first_fit);
	tcase_add_test(tcase, alignment);
	tcase_add_test(tcase, bits_of_many_pages);
	tcase_add_test(tcase, no_memory);
	tcase_add_loop_test(tcase, against_a_plain_scan, 0, ARRAY_SIZE(storms));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
