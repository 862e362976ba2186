// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/base/log.c, src/base/err.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static char text[8192];
static int fds[2], saved;

/* what goes to stderr from here on comes to logged() */
static void setup(void)
{
	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
}

static void teardown(void)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

static const char *logged(void)
{
	ssize_t n = read(fds[0], text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

START_TEST(levels)
{
	static const char *const names[] = { "error", "warning", "notice", "info", "debug" };
	enum log_level level;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(log_level_parse(&level, names[i]), 0);
		ck_assert_int_eq(level, LOG_LEVEL_ERROR + i);
		log_set_level(level);
		ck_assert(log_wants(LOG_LEVEL_ERROR));
		ck_assert(log_wants(level));
		ck_assert(!log_wants(level + 1));
	}
	level = 77;
	ck_assert_int_eq(log_level_parse(&level, "Error"), -EINVAL);
	ck_assert_int_eq(log_level_parse(&level, ""), -EINVAL);
	ck_assert_int_eq(log_level_parse(&level, "info "), -EINVAL);
	ck_assert_int_eq(level, 77);
}
END_TEST

static int n_evaluated;

static int evaluated(void)
{
	return ++n_evaluated;
}

START_TEST(lines)
{
	char expected[256];

	log_set_level(LOG_LEVEL_WARNING);
	log_warning("topic", "%d of %s", 3, "them");
	snprintf(expected, sizeof(expected), "%s: warning: topic: 3 of them\n",
		 program_invocation_short_name);
	ck_assert_str_eq(logged(), expected);
	log_notice("topic", "%d", evaluated());
	ck_assert_str_eq(logged(), "");
	ck_assert_int_eq(n_evaluated, 0);

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_error("topic", "bad");
	ck_assert_str_eq(logged(), "<3>topic: bad\n");
}
END_TEST

/* a line that is too long is cut, and still one line */
START_TEST(long_line)
{
	static char long_text[4000];
	size_t n;

	memset(long_text, 'x', sizeof(long_text) - 1);
	log_error("topic", "%s", long_text);
	n = strlen(logged());
	ck_assert_uint_ge(n, 1000);
	ck_assert_uint_le(n, 1024);
	ck_assert_ptr_eq(strchr(text, '\n'), text + n - 1);
}
END_TEST

START_TEST(origins)
{
	log_set_level(LOG_LEVEL_DEBUG);
	ck_assert_int_eq(err_origin(-ENOENT), -ENOENT);
	ck_assert_ptr_nonnull(strstr(logged(), "debug: error: origins_fn() "));
	ck_assert_ptr_nonnull(strstr(text, "check_log.c:"));
	ck_assert_ptr_nonnull(strstr(text, ": No such file or directory\n"));
	ck_assert_int_eq(err_origin(0), 0);
	ck_assert_int_eq(err_origin(3), 3);
	ck_assert_int_eq(err_fold(0), 0);
	ck_assert_int_eq(err_fold(-EIO), -EIO);
	ck_assert_str_eq(logged(), "");
	ck_assert_int_eq(err_fold(3), -ENOTRECOVERABLE); /* a result that nobody met */
	ck_assert_ptr_nonnull(strstr(logged(), "debug: error: "));
	log_set_level(LOG_LEVEL_INFO);
	ck_assert_int_eq(err_origin(-ENOENT), -ENOENT);
	ck_assert_str_eq(logged(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, levels);
	tcase_add_test(tcase, lines);
	tcase_add_test(tcase, long_line);
	tcase_add_test(tcase, origins);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
