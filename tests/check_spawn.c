// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/daemon/spawn.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/spawn.h"

static int open_one(void *user)
{
	return fcntl(STDERR_FILENO, F_DUPFD, 500) == 500 ? 7 : 1;
}

static int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(shared_table)
{
	pid_t pid;

	ck_assert_int_eq(spawn(&pid, SPAWN_SHARED_TABLE, "x", open_one, NULL), 0);
	ck_assert_int_eq(status_of(pid), 7);
	/* what it opened is open here, though it is gone */
	ck_assert_int_ge(fcntl(500, F_GETFD), 0);
	close(500);
}
END_TEST

START_TEST(own_table)
{
	pid_t pid;

	ck_assert_int_eq(spawn(&pid, SPAWN_OWN_TABLE, "x", open_one, NULL), 0);
	ck_assert_int_eq(status_of(pid), 7);
	ck_assert_int_lt(fcntl(500, F_GETFD), 0);
}
END_TEST

static int memory; /* the child's writes stay its own */

static void *thread_main(void *user)
{
	return malloc(100000);
}

/* a raw clone3() leaves the C library whole: memory, threads, names */
static int use_libc(void *user)
{
	pthread_t thread;
	char name[16];
	void *p;

	memory = 1;
	if (prctl(PR_GET_NAME, name) < 0 || strcmp(name, "cusion-worker"))
		return 1;
	if (pthread_create(&thread, NULL, thread_main, NULL) || pthread_join(thread, &p) || !p)
		return 2;
	free(p);
	return getppid() == *(pid_t *)user ? 0 : 3;
}

START_TEST(whole_libc)
{
	pid_t pid, self = getpid();

	ck_assert_int_eq(spawn(&pid, SPAWN_SHARED_TABLE, "cusion-worker", use_libc, &self), 0);
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(memory, 0);
}
END_TEST

static int wait_for_ever(void *user)
{
	while (true)
		pause();
	return 0;
}

/* the pipe's far end is held by the grandchild alone: it hangs up when that one dies with its
 * parent */
START_TEST(dies_with_parent)
{
	struct pollfd hangup = { .events = POLLIN };
	int pipes[2];
	pid_t parent, child;

	ck_assert_int_eq(pipe(pipes), 0);
	parent = fork();
	if (parent == 0) {
		close(pipes[0]);
		if (spawn(&child, SPAWN_OWN_TABLE, "x", wait_for_ever, NULL) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	close(pipes[1]);
	waitpid(parent, NULL, 0);
	hangup.fd = pipes[0];
	ck_assert_int_eq(poll(&hangup, 1, 5000), 1);
	ck_assert(hangup.revents & POLLHUP);
	close(pipes[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spawn");
	TCase *tcase = tcase_create("spawn");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, shared_table);
	tcase_add_test(tcase, own_table);
	tcase_add_test(tcase, whole_libc);
	tcase_add_test(tcase, dies_with_parent);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
