// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/daemon/opener.c: the process over a socketpair, with a folder in place of the mount. The real
 * mount is in tests/check_file_export.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "daemon/opener.h"
#include "daemon/spawn.h"
#include "fault.h"

static struct opener_config config;
static struct opener *opener;
static unsigned int fds;
static int sockets[2];
static char folder[] = "/tmp/opener.XXXXXX";
static pid_t process;

static int run(void *user)
{
	return opener_run(&config);
}

static void start(void)
{
	ck_assert_int_eq(spawn(&process, SPAWN_SHARED_TABLE, "opener", run, NULL), 0);
}

static void setup(void)
{
	fds = open_fds();
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	config.socket = sockets[1];
	config.root = open(folder, O_PATH | O_CLOEXEC);
	config.channel = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(opener_new(&opener, sockets[0]), 0);
}

static int wait_end(void)
{
	int status;

	ck_assert_int_eq(waitpid(process, &status, 0), process);
	return status;
}

static void teardown(void)
{
	opener = opener_free(opener);
	close(sockets[0]);
	close(sockets[1]);
	close(config.root);
	close(config.channel);
	ck_assert_uint_eq(open_fds(), fds);
	unlinkat(AT_FDCWD, folder, AT_REMOVEDIR);
}

START_TEST(opens)
{
	struct stat before, after;
	int fd;

	start();
	fd = openat(config.root, "dmabuf:5:0", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fstat(fd, &before), 0);
	close(fd);
	ck_assert_int_eq(opener_open(opener, 6, -1), -ENOENT);
	fd = opener_open(opener, 5, -1);
	ck_assert_int_ge(fd, 0); /* a number of this table */
	ck_assert_int_eq(fstat(fd, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
	unlinkat(config.root, "dmabuf:5:0", 0);
	opener_stop(opener);
	ck_assert_int_eq(wait_end(), 0);
}
END_TEST

START_TEST(backs)
{
	start();
	ck_assert_int_eq(opener_open(opener, 5, config.channel), -ENOTTY); /* no FUSE device */
	opener_stop(opener);
	ck_assert_int_eq(opener_open(opener, 5, config.channel), -EIO);
	ck_assert_int_eq(opener_open(opener, 5, -1), -EIO);
	ck_assert_int_eq(wait_end(), 0);
}
END_TEST

static void *ask(void *result)
{
	*(int *)result = opener_open(opener, 5, -1);
	return NULL;
}

/* somebody waits, and the opener is not there */
START_TEST(dies)
{
	pthread_t thread;
	int result = 0;
	char byte;

	pthread_create(&thread, NULL, ask, &result);
	ck_assert_int_gt(recv(sockets[1], &byte, 1, MSG_PEEK), 0);
	opener_excuse(sockets[1]);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, -EIO);
	/* the next one serves, what its predecessor left undone too; an excuse too many is nobody's
	 */
	opener_excuse(sockets[1]);
	start();
	ck_assert_int_eq(opener_open(opener, 7, -1), -ENOENT);
	kill(process, SIGKILL);
	ck_assert(WIFSIGNALED(wait_end()));
}
END_TEST

START_TEST(stopped_while_waiting)
{
	pthread_t thread;
	int result = 0;
	char byte;

	pthread_create(&thread, NULL, ask, &result);
	ck_assert_int_gt(recv(sockets[1], &byte, 1, MSG_PEEK), 0);
	opener_stop(opener);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, -EIO);
}
END_TEST

START_TEST(capabilities)
{
	char command[64], line[64] = "";
	FILE *status;

	if (geteuid() != 0)
		return; /* it has none to keep */
	start();
	ck_assert_int_eq(opener_open(opener, 5, -1), -ENOENT);
	snprintf(command, sizeof(command), "grep -E '^Cap(Prm|Eff)' /proc/%d/status", process);
	status = popen(command, "re");
	while (fgets(line, sizeof(line), status))
		ck_assert_uint_eq(strtoull(strchr(line, '\t'), NULL, 16) & ~(1ull << 21), 0);
	ck_assert_int_eq(pclose(status), 0);
	opener_stop(opener);
	ck_assert_int_eq(wait_end(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opener");
	TCase *tcase = tcase_create("opener");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, opens);
	tcase_add_test(tcase, backs);
	tcase_add_test(tcase, dies);
	tcase_add_test(tcase, stopped_while_waiting);
	tcase_add_test(tcase, capabilities);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
