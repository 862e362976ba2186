// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/loop/timer.c, in a loop */
#include <string.h>

#include "base/clock.h"
#include "loop_fixture.h"

static struct loop_timer timers[3];
static char fired[16];
static uint64_t fired_at[16];

static void fire(struct loop_timer *timer)
{
	size_t n = strlen(fired);

	fired_at[n] = now_ns();
	fired[n] = '0' + (timer - timers);
	if (timer->user)
		loop_timer_cancel(timer->user);
}

static void setup_timers(int i)
{
	setup(i);
	memset(fired, 0, sizeof(fired));
	for (size_t n = 0; n < ARRAY_SIZE(timers); n++)
		loop_timer_init(&timers[n], fire, NULL);
}

START_TEST(timers_in_order)
{
	uint64_t start;

	setup_timers(_i);
	start = now_ns();
	loop_timer_set(loop, &timers[0], 6 * NS_PER_MS);
	loop_timer_set(loop, &timers[1], 2 * NS_PER_MS);
	loop_timer_set(loop, &timers[2], 10 * NS_PER_MS);
	loop_timer_set(loop, &timers[2], 4 * NS_PER_MS); /* moves */
	ck_assert(loop_timer_is_set(&timers[2]));
	ck_assert_int_eq(loop_step(loop, 0), 0);
	while (strlen(fired) < 3)
		ck_assert_int_ge(loop_step(loop, -1), 0);
	ck_assert_str_eq(fired, "120");
	for (int n = 0; n < 3; n++)
		ck_assert_uint_ge(fired_at[n], start + (2 + 2 * n) * NS_PER_MS);
	ck_assert(!loop_timer_is_set(&timers[2]));
	ck_assert_int_eq(loop_step(loop, 5), 0);
	teardown();
}
END_TEST

START_TEST(timer_cancelled)
{
	setup_timers(_i);
	loop_timer_cancel(&timers[0]); /* not set: harmless */
	loop_timer_set(loop, &timers[0], 0);
	loop_timer_set(loop, &timers[1], 0);
	timers[0].user = &timers[1]; /* due in the same turn */
	loop_timer_set(loop, &timers[2], UINT64_MAX);
	while (!*fired)
		ck_assert_int_ge(loop_step(loop, -1), 0);
	ck_assert_int_eq(loop_step(loop, 1), 0);
	ck_assert_str_eq(fired, "0");
	loop_timer_cancel(&timers[2]);
	teardown();
}
END_TEST

static void fire_again(struct loop_timer *timer)
{
	fire(timer);
	if (strlen(fired) < 5)
		loop_timer_set(loop, timer, 0);
}

/* one that is always due doesn't keep a turn from ending */
START_TEST(timer_sets_itself)
{
	setup_timers(_i);
	loop_timer_init(&timers[0], fire_again, NULL);
	loop_timer_set(loop, &timers[0], 0);
	for (size_t n = 1; n <= 5; n++) {
		ck_assert_int_eq(loop_step(loop, -1), 1);
		ck_assert_uint_eq(strlen(fired), n);
	}
	ck_assert_int_eq(loop_step(loop, 0), 0);
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		timers_in_order,
		timer_cancelled,
		timer_sets_itself,
	};

	return run_over_backends("timer", cases, ARRAY_SIZE(cases));
}
