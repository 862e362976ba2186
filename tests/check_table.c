// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/cli/table.c and human.c: what a table looks like, and on a terminal */
#include <check.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cusion.h"
#include "cli/table.h"

static const char *const titles[] = { ">id", "name", ">memory", "area" };

static struct table *table;
static char out[4096];

static void setup(void)
{
	table = table_new(titles, ARRAY_SIZE(titles));
	unsetenv("NO_COLOR");
}

static void teardown(void)
{
	table = table_free(table);
}

static void add_row(const char *id, const char *name, uint64_t bytes, const char *area)
{
	table_cell(table, "%s", id);
	table_cell(table, "%s", name);
	table_size(table, bytes);
	table_cell(table, "%s", area);
}

/* what it prints to @fd, whose other end is @end; both are closed */
static void print_to(int fd, int end)
{
	size_t n = 0;
	ssize_t r;
	pid_t child = fork();

	if (child == 0) {
		dup2(fd, STDOUT_FILENO);
		table_print(table);
		fflush(stdout);
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	close(fd);
	while ((r = read(end, out + n, sizeof(out) - 1 - n)) > 0)
		n += r;
	out[n] = '\0';
	close(end);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

static void print_to_pipe(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	print_to(fds[1], fds[0]);
}

static void print_to_terminal(void)
{
	int here, there;

	ck_assert_int_eq(openpty(&here, &there, NULL, NULL, NULL), 0);
	print_to(there, here);
}

START_TEST(aligned)
{
	add_row("1", "a", 0, "main");
	add_row("100", "longer than its title", 70000, "-");
	print_to_pipe();
	ck_assert_str_eq(out, " id  name                     memory  area\n"
			      "  1  a                             -  main\n"
			      "100  longer than its title  68.4 KiB  -\n");
}
END_TEST

START_TEST(empty)
{
	print_to_pipe();
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(many_rows)
{
	for (int i = 0; i < 100; i++)
		add_row("1", "2", 3, "4");
	print_to_pipe();
	ck_assert_uint_eq(strlen(out), strlen("id  name  memory  area\n") +
					       100 * strlen(" 1  2        3 B  4\n"));
}
END_TEST

/* what somebody else has named can't move the cursor */
START_TEST(tamed)
{
	add_row("1", "\033[2Jx\n\x7f\xc3\xa9", 1, "a");
	print_to_pipe();
	ck_assert_ptr_nonnull(strstr(out, "?[2Jx????"));
	ck_assert_ptr_null(strchr(out, '\033'));
}
END_TEST

START_TEST(colours)
{
	add_row("1", "a", 1, "b");
	print_to_terminal();
	ck_assert_ptr_nonnull(strstr(out, "\033[1mid  name"));
	setenv("NO_COLOR", "", 1); /* as if it were not there */
	print_to_terminal();
	ck_assert_ptr_nonnull(strchr(out, '\033'));
	setenv("NO_COLOR", "1", 1);
	print_to_terminal();
	ck_assert_ptr_nonnull(strstr(out, "id  name"));
	ck_assert_ptr_null(strchr(out, '\033'));
	unsetenv("NO_COLOR");
	print_to_pipe();
	ck_assert_ptr_null(strchr(out, '\033'));
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes_of[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 64ull << 20, "64 MiB" },
		{ 5ull << 40, "5 TiB" },
		{ 1ull << 50, "1024 TiB" },
	};
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(sizes_of); i++)
		ck_assert_str_eq(human(text, sizeof(text), sizes_of[i].bytes), sizes_of[i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, aligned);
	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, many_rows);
	tcase_add_test(tcase, tamed);
	tcase_add_test(tcase, colours);
	tcase_add_test(tcase, sizes);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
