// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/front/turns.c */
#include <check.h>
#include <stdlib.h>

#include "base/attr.h"
#include "front/turns.h"

enum { MOST = 2, N = 8, UIDS = 3, STORM = 20000 };

static struct turns turns;
static struct turn turn[N];

static void setup(void)
{
	turns_init(&turns, MOST);
}

/* the @i-th asks for @uid; returns whether it may go on */
static bool ask(int i, uint32_t uid)
{
	turn_init(&turn[i], uid);
	return turns_ask(&turns, &turn[i]);
}

/* which is the next, or -1 */
static int next(void)
{
	struct turn *t = turns_next(&turns);

	return t ? t - turn : -1;
}

/* one user's own calls: so many at once, the others in their order */
START_TEST(in_order)
{
	ck_assert(ask(0, 1000));
	ck_assert(ask(1, 1000));
	for (int i = 2; i < 5; i++)
		ck_assert(!ask(i, 1000));
	ck_assert_uint_eq(turns.n_waiting, 3);
	ck_assert(!turns_are_ready(&turns));
	ck_assert_int_eq(next(), -1);

	turns_end(&turns, &turn[1]);
	ck_assert(turns_are_ready(&turns));
	ck_assert(!ask(5, 1000)); /* the free place is the waiting one's */
	ck_assert_int_eq(next(), 2);
	ck_assert_int_eq(next(), -1);
	turns_end(&turns, &turn[0]);
	turns_end(&turns, &turn[2]);
	ck_assert_int_eq(next(), 3);
	ck_assert_int_eq(next(), 4);
	ck_assert_uint_eq(turns.n_waiting, 1);
	turns_end(&turns, &turn[3]);
	ck_assert_int_eq(next(), 5);
	turns_end(&turns, &turn[4]);
	turns_end(&turns, &turn[5]);
	ck_assert_uint_eq(turns.n_waiting, 0);
	ck_assert(ask(6, 1000));
}
END_TEST

/* a burst is in nobody else's way, also where both are in one bucket */
START_TEST(others)
{
	for (int i = 0; i < 5; i++)
		ask(i, 1000);
	ck_assert(ask(5, 1000 + TURNS_BUCKETS));
	ck_assert(ask(6, 1001));
	ck_assert(ask(7, 1000 + TURNS_BUCKETS));
	turns_end(&turns, &turn[5]);
	ck_assert_int_eq(next(), -1); /* its place is no one else's */
}
END_TEST

/* what is ready goes on in the order in which it got so */
START_TEST(ready)
{
	for (int i = 0; i < 4; i++)
		ask(i, 1000);
	for (int i = 4; i < 7; i++)
		ask(i, 1001);
	turns_end(&turns, &turn[0]);
	turns_end(&turns, &turn[4]);
	turns_end(&turns, &turn[1]);
	ck_assert_int_eq(next(), 2);
	ck_assert_int_eq(next(), 6);
	ck_assert_int_eq(next(), 3);
}
END_TEST

/* ended before its turn has come: the others move up, and no place is lost or won */
START_TEST(ended_early)
{
	for (int i = 0; i < 6; i++)
		ask(i, 1000);
	turns_end(&turns, &turn[3]); /* it waits */
	ck_assert_int_eq(next(), -1);
	turns_end(&turns, &turn[0]);
	turns_end(&turns, &turn[2]); /* it is ready */
	ck_assert_uint_eq(turns.n_waiting, 2);
	ck_assert_int_eq(next(), 4);
	ck_assert_int_eq(next(), -1);
	turns_end(&turns, &turn[1]);
	ck_assert_int_eq(next(), 5);
	turns_end(&turns, &turn[1]); /* over already */
	turns_end(&turns, &turn[4]);
	turns_end(&turns, &turn[5]);
	turn_init(&turn[6], 1000); /* never asked */
	turns_end(&turns, &turn[6]);
	ck_assert(ask(0, 1000));
	ck_assert(ask(1, 1000));
	ck_assert(!ask(2, 1000));
}
END_TEST

START_TEST(all_end)
{
	struct turn *t;
	int n = 0;

	for (int i = 0; i < N; i++)
		ask(i, 1000 + i % UIDS);
	turns_end(&turns, &turn[0]);
	while ((t = turns_waiting(&turns))) {
		ck_assert(t->state == TURN_WAITS || t->state == TURN_READY);
		turns_end(&turns, t);
		n++;
	}
	ck_assert_int_eq(n, N - UIDS * MOST);
	ck_assert_uint_eq(turns.n_waiting, 0);
	ck_assert_int_eq(next(), -1);
}
END_TEST

/* whether the books are right: nobody waits while there is a place, nobody has too many */
static void check_books(void)
{
	size_t going[UIDS] = { 0 }, waiting[UIDS] = { 0 }, n = 0;

	for (int i = 0; i < N; i++) {
		uint32_t user = turn[i].uid % UIDS;

		going[user] += turn[i].state == TURN_GOES_ON || turn[i].state == TURN_READY;
		waiting[user] += turn[i].state == TURN_WAITS;
		n += turn[i].state == TURN_WAITS || turn[i].state == TURN_READY;
	}
	for (int user = 0; user < UIDS; user++) {
		ck_assert_uint_le(going[user], MOST);
		ck_assert(!waiting[user] || going[user] == MOST);
	}
	ck_assert_uint_eq(turns.n_waiting, n);
}

START_TEST(storm)
{
	srand(1);
	for (int i = 0; i < N; i++)
		turn_init(&turn[i], i % UIDS);
	for (int round = 0; round < STORM; round++) {
		int i = rand() % N;

		if (turn[i].state != TURN_NONE)
			turns_end(&turns, &turn[i]);
		else if (rand() % 2)
			ask(i, rand() % UIDS);
		if (rand() % 2)
			next();
		check_books();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("turns");
	TCase *tcase = tcase_create("turns");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, in_order);
	tcase_add_test(tcase, others);
	tcase_add_test(tcase, ready);
	tcase_add_test(tcase, ended_early);
	tcase_add_test(tcase, all_end);
	tcase_add_test(tcase, storm);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
