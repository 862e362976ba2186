// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/deliver/: real deliveries into real callers, tests/give_victim.c, over a FUSE file */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "fuse_rig.h"

#define N_TRACERS 4

static struct rig *rig;

/* programs by what they are: 64 bit, and i386 where it was built */
static char victims[2][4096], hostiles[2][4096], lookers[2][4096];
static size_t n_programs;

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
		setpgid(0, 0);
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
	{ "nowhere", -EFAULT }, { "put", -EFAULT },
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

/* ---- hostile callers, see tests/give_hostile.c ---- */

static const struct {
	const char *name;
	const char *rounds;
} attacks[] = {
	{ "swap", "300" },	    { "steal", "300" },		{ "limits", "300" },
	{ "maps", "300" },	    { "late_unmap", "1" },	{ "late_ud2", "1" },
	{ "late_spin", "1" },	    { "late_int3", "1" },	{ "late_nop", "1" },
	{ "late_hlt", "1" },	    { "late_exec", "1" },	{ "late_thread_exit", "1" },
	{ "late_again", "1" },	    { "exec_in_thread", "1" },	{ "exec_in_thread", "20" },
	{ "exec_in_leader", "1" },  { "exec_in_leader", "20" }, { "exit_in_thread", "1" },
	{ "exit_in_thread", "20" }, { "exit_in_leader", "1" },	{ "exit_in_leader", "20" },
	{ "flood", "3" },
};

/* these stay in the kernel until the file server that they wait for is gone */
static const struct {
	const char *name;
	bool looks; /* of tests/look_victim.c */
} hangs[] = {
	{ "late_hang_struct", false }, { "hang_swap", false }, { "hang_put", false },
	{ "peek_missing", true },      { "peek_hangs", true },
};

static unsigned int count_entries(const char *what)
{
	char path[64];
	unsigned int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", rig_injector(rig), what);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

struct before {
	unsigned int fds, threads;
	struct rig_stats stats;
};

static void look_before(struct before *before, size_t bits)
{
	ck_assert_int_eq(finish(start(victims[bits], "plain", "1")), 0);
	rig_stats(rig, &before->stats);
	before->fds = count_entries("fd");
	before->threads = count_entries("task");
}

static void wait_a_little(unsigned int us)
{
	struct timespec ts = { .tv_nsec = us * 1000 };

	nanosleep(&ts, NULL);
}

/* the tracers are as they were, or will be when the replaced ones are up */
static void look_after(const struct before *before, size_t bits)
{
	struct rig_stats stats;

	ck_assert_int_eq(finish(start(victims[bits], "plain", "5")), 0);
	rig_stats(rig, &stats);
	for (int i = 0; i < 500 && (count_entries("fd") != before->fds ||
				    count_entries("task") != before->threads);
	     i++)
		wait_a_little(10000);
	ck_assert_uint_eq(count_entries("fd"), before->fds);
	ck_assert_uint_eq(count_entries("task"), before->threads);
}

START_TEST(hostile)
{
	const char *name = attacks[_i % ARRAY_SIZE(attacks)].name;
	const char *rounds = attacks[_i % ARRAY_SIZE(attacks)].rounds;
	size_t bits = _i / ARRAY_SIZE(attacks);
	struct before before;
	int status;

	look_before(&before, bits);
	status = finish(start(hostiles[bits], name, rounds));
	if (getenv("GIVE_VERBOSE"))
		fprintf(stderr, "%s: 0x%x\n", name, status);
	look_after(&before, bits);
}
END_TEST

START_TEST(hanging)
{
	size_t bits = _i / ARRAY_SIZE(hangs), i = _i % ARRAY_SIZE(hangs);
	struct before before;
	struct rig_stats stats;
	int status;
	pid_t pid;

	look_before(&before, bits);
	pid = start(hangs[i].looks ? lookers[bits] : hostiles[bits], hangs[i].name, "20");
	do {
		wait_a_little(10000);
		rig_stats(rig, &stats);
	} while (stats.failed == before.stats.failed && stats.given < before.stats.given + 20);
	look_after(&before, bits);
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
}
END_TEST

/* ---- what a caller has is looked at, see tests/look_victim.c ---- */

static const char *const looks[] = {
	"whose",     "whose_none", "whose_thread", "whose_child",  "whose_moves",   "whose_hangs",
	"peek",	     "peek_edge",  "peek_signals", "peek_threads", "peek_confined", "peek_far",
	"peek_full", "peek_swap",  "over_exec",	   "told",	   "whose_epoll",   "whose_flood",
};

/* the tracers are as before, whatever it was that they looked at */
START_TEST(looked_at)
{
	size_t bits = _i / ARRAY_SIZE(looks);
	const char *name = looks[_i % ARRAY_SIZE(looks)];
	struct before before;
	int status;
	pid_t pid;

	look_before(&before, bits);
	pid = start(lookers[bits], name, "300");
	status = finish(pid);
	kill(-pid, SIGKILL); /* file servers of its */
	ck_assert_msg(status == 0, "%s: status 0x%x", name, status);
	look_after(&before, bits);
}
END_TEST

/* ---- callers that are killed or stopped ---- */

/* at a random moment of a delivery; its parent can have it at once */
START_TEST(killed)
{
	struct rig_stats stats;
	unsigned int seed = 1;
	pid_t pid;

	for (int i = 0; i < 60; i++) {
		pid = start(victims[_i], i % 2 ? "loop" : "threads", "1000000");
		wait_a_little(2000 + rand_r(&seed) % 3000);
		kill(pid, SIGKILL);
		ck_assert_int_eq(finish(pid), SIGKILL);
	}
	rig_stats(rig, &stats);
	ck_assert_int_eq(finish(start(victims[_i], "plain", "5")), 0);
}
END_TEST

/* each stop is seen by the parent, and a continue after it is not lost either */
START_TEST(stopped)
{
	struct rig_stats before, after;
	unsigned int seed = 1;
	pid_t pid = start(victims[_i], "loop", "0");
	int status;

	for (int i = 0; i < 100; i++) {
		wait_a_little(rand_r(&seed) % 2000);
		kill(pid, SIGSTOP);
		ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
		ck_assert_msg(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "0x%x", status);
		kill(pid, SIGCONT);
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
		while (waitpid(pid, &status, WUNTRACED | WNOHANG) > 0)
			ck_assert(WIFSTOPPED(status));
	}
	rig_stats(rig, &before);
	wait_a_little(50000);
	rig_stats(rig, &after);
	ck_assert_uint_gt(after.given, before.given);
	kill(pid, SIGKILL);
	finish(pid);
}
END_TEST

/* the programs that were built, beside this one, and whether there is a device for them */
static bool find_programs(void)
{
	char self[2048] = { 0 };

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return false;
	*strrchr(self, '/') = '\0';
	for (int i = 0; i < 2; i++) {
		const char *bits = i ? "32" : "";

		snprintf(victims[i], sizeof(victims[i]), "%s/give_victim%s", self, bits);
		snprintf(hostiles[i], sizeof(hostiles[i]), "%s/give_hostile%s", self, bits);
		snprintf(lookers[i], sizeof(lookers[i]), "%s/look_victim%s", self, bits);
		n_programs += access(victims[i], X_OK) == 0;
	}
	if (geteuid() || access("/dev/fuse", R_OK | W_OK)) {
		puts("check_give: skipped: no root or no /dev/fuse");
		return false;
	}
	if (!n_programs)
		puts("check_give: skipped: no give_victim, which is built statically");
	return n_programs;
}

static TCase *tcase_new(Suite *suite, const char *name, const TTest *test, size_t n)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test, 0, n * n_programs);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("give");
	SRunner *runner;
	int failed;

	if (!find_programs())
		return 77;
	tcase_new(suite, "odd", odd, ARRAY_SIZE(cases));
	tcase_new(suite, "hostile", hostile, ARRAY_SIZE(attacks));
	tcase_new(suite, "hanging", hanging, ARRAY_SIZE(hangs));
	tcase_new(suite, "looked_at", looked_at, ARRAY_SIZE(looks));
	tcase_new(suite, "killed", killed, 1);
	tcase_new(suite, "stopped", stopped, 1);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
