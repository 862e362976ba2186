// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/base/log_limit.c, by a clock of the test's own */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log_limit.h"

enum { MOST = 3, INTERVAL = 100, THREADS = 4, LINES = 200 };

static struct log_limit limit;
static uint64_t now;
static int fds[2], saved;
static char text[65536];

static uint64_t test_now(void)
{
	return now;
}

static void setup(void)
{
	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	now = 7;
	log_set_level(LOG_LEVEL_INFO);
	log_limit_init(&limit, MOST, INTERVAL, test_now);
}

static void teardown(void)
{
	log_limit_deinit(&limit);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

/* how many lines were written since the last call; they are in text */
static int lines(void)
{
	ssize_t size = read(fds[0], text, sizeof(text) - 1);
	int n = 0;

	text[size < 0 ? 0 : size] = '\0';
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static void say(uint32_t uid, int times)
{
	const struct log_about about = { &limit, uid };

	for (int i = 0; i < times; i++)
		log_about(&about, LOG_LEVEL_INFO, "topic", "user %u did it", uid);
}

START_TEST(so_many)
{
	say(1000, 10);
	ck_assert_int_eq(lines(), MOST);
	say(1001, 2); /* another user's words are another account's */
	ck_assert_int_eq(lines(), 2);
	now += INTERVAL - 1;
	say(1000, 1);
	ck_assert_int_eq(lines(), 0);
}
END_TEST

START_TEST(told_afterwards)
{
	say(1000, MOST + 5);
	lines();
	now += INTERVAL;
	ck_assert_int_eq(lines(), 0); /* nothing wakes up for it */
	say(1000, 1);
	ck_assert_int_eq(lines(), 2);
	ck_assert_ptr_nonnull(strstr(text, "notice: topic: 5 further messages about uid 1000 were "
					   "suppressed\n"));
	ck_assert_ptr_nonnull(strstr(text, "user 1000 did it\n"));
	say(1000, MOST);
	ck_assert_int_eq(lines(), MOST - 1);
	now += INTERVAL;
	say(1000, 1); /* by now it is one again */
	ck_assert_int_eq(lines(), 2);
	ck_assert_ptr_nonnull(strstr(text, " 1 further messages"));
	now += INTERVAL;
	say(1000, 1);
	ck_assert_int_eq(lines(), 1);
}
END_TEST

/* what isn't wanted anyway is on nobody's account */
START_TEST(level)
{
	log_set_level(LOG_LEVEL_WARNING);
	say(1000, 10);
	ck_assert_int_eq(lines(), 0);
	log_set_level(LOG_LEVEL_INFO);
	say(1000, 10);
	ck_assert_int_eq(lines(), MOST);
}
END_TEST

START_TEST(no_limit)
{
	const struct log_about about = { NULL, 1000 };

	for (int i = 0; i < 10; i++)
		log_about(&about, LOG_LEVEL_INFO, "topic", "said");
	ck_assert_int_eq(lines(), 10);
}
END_TEST

/* more users than there are accounts: the others have one together, and what an account that is
 * taken over has held back is not forgotten */
START_TEST(many_users)
{
	for (uint32_t uid = 0; uid < LOG_LIMIT_USERS; uid++)
		say(uid, MOST + 1);
	ck_assert_int_eq(lines(), LOG_LIMIT_USERS * MOST);
	for (uint32_t uid = 5000; uid < 5100; uid++)
		say(uid, 1);
	ck_assert_int_eq(lines(), MOST);
	now += INTERVAL;
	say(6000, 1);
	ck_assert_int_eq(lines(), 2);
	ck_assert_ptr_nonnull(strstr(text, " 1 further messages about uid 0 were"));
	for (uint32_t uid = 1; uid < LOG_LIMIT_USERS; uid++)
		say(uid, 1);
	ck_assert_int_eq(lines(), (LOG_LIMIT_USERS - 1) * 2);
	say(7000, 1);
	ck_assert_int_eq(lines(), 2);
	ck_assert_ptr_nonnull(strstr(text, " 97 further messages about other users were"));
}
END_TEST

static void *say_on(void *user)
{
	say(1000, LINES);
	return NULL;
}

START_TEST(threads)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, say_on, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(lines(), MOST);
	now += INTERVAL;
	say(1000, 1);
	lines();
	ck_assert_int_eq(strtol(strstr(text, "topic: ") + 7, NULL, 10), THREADS * LINES - MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_limit");
	TCase *tcase = tcase_create("log_limit");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, so_many);
	tcase_add_test(tcase, told_afterwards);
	tcase_add_test(tcase, level);
	tcase_add_test(tcase, no_limit);
	tcase_add_test(tcase, many_users);
	tcase_add_test(tcase, threads);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
