// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/deliver/: real deliveries into real callers, tests/give_victim.c, over a FUSE file */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "fuse_rig.h"

#define N_TRACERS 4

static struct rig *rig;

static const char *victims[2];
static size_t n_victims;

static void setup(void)
{
	ck_assert_int_eq(rig_new(&rig, N_TRACERS), 0);
}

static void teardown(void)
{
	rig = rig_free(rig);
}

static pid_t start(const char *victim, const char *name, const char *rounds)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		execl(victim, victim, rig_path(rig), name, rounds, NULL);
		_exit(126);
	}
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- callers that are merely odd, see tests/give_victim.c ---- */

static const struct {
	const char *name;
	int result; /* the last delivery's, 0: an fd */
} cases[] = {
	{ "plain", 0 },		{ "libc", 0 },
	{ "int80", 0 },		{ "stack_bottom", 0 },
	{ "thread", 0 },	{ "threads", 0 },
	{ "blocked", 0 },	{ "sigtrap", 0 },
	{ "dumpable", 0 },	{ "uid", 0 },
	{ "namespaces", 0 },	{ "seccomp_errno", 0 },
	{ "seccomp_kill", 0 },	{ "traced", -EBUSY },
	{ "full", 0 },		{ "one_left", 0 },
	{ "one_left_hard", 0 }, { "lowered", -EMFILE },
	{ "sparse", 0 },	{ "own_table", 0 },
	{ "vfork", 0 },		{ "readonly", -EFAULT },
	{ "nowhere", -EFAULT }, { "poke", -EFAULT },
};

START_TEST(odd)
{
	const char *victim = victims[_i / ARRAY_SIZE(cases)];
	const char *name = cases[_i % ARRAY_SIZE(cases)].name;
	int result = cases[_i % ARRAY_SIZE(cases)].result;
	struct rig_stats stats;
	int status;

	status = finish(start(victim, name, "50"));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		return; /* no such case in this victim */
	ck_assert_msg(status == 0, "%s: status 0x%x", name, status);
	rig_stats(rig, &stats);
	if (result)
		ck_assert_int_eq(stats.last.result, result);
}
END_TEST

/* the victims that were built, and whether there is a device for them */
static bool find_victims(void)
{
	static const char *const names[] = { "give_victim", "give_victim32" };
	static char paths[ARRAY_SIZE(names)][4096];
	char self[2048] = { 0 };

	/* they stand beside this program */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return false;
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", self, names[i]);
		if (access(paths[i], X_OK) == 0)
			victims[n_victims++] = paths[i];
	}
	if (geteuid() || access("/dev/fuse", R_OK | W_OK)) {
		puts("check_give: skipped: no root or no /dev/fuse");
		return false;
	}
	if (!n_victims)
		puts("check_give: skipped: no tests/give_victim, which is built statically");
	return n_victims;
}

int main(void)
{
	Suite *suite = suite_create("give");
	TCase *tcase = tcase_create("odd");
	SRunner *runner;
	int failed;

	if (!find_victims())
		return 77;
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, odd, 0, n_victims * ARRAY_SIZE(cases));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
