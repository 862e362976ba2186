// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/base/fd.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

static int pair[2], n_fds_before;

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	n_fds_before = count_fds();
}

static void teardown(void)
{
	ck_assert_int_eq(count_fds(), n_fds_before);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

START_TEST(closing)
{
	int fd = dup(0), stolen;

	errno = EXDEV;
	ck_assert_int_eq(fd_close(-1), -1);
	ck_assert_int_eq(fd_close(1000), -1); /* not open: EBADF, swallowed */
	ck_assert_int_eq(errno, EXDEV);
	{
		_cleanup_(fd_closep) int owned = fd;

		stolen = fd_steal(&owned);
		ck_assert_int_eq(owned, -1);
	}
	ck_assert_int_ge(fcntl(stolen, F_GETFD), 0);
	{
		_cleanup_(fd_closep) int owned _unused_ = stolen;
	}
	ck_assert_int_eq(fcntl(stolen, F_GETFD), -1);
}
END_TEST

START_TEST(message_without_fd)
{
	char bytes[8];
	int fd = 77;

	ck_assert_int_eq(fd_send(pair[0], "hello", 5, -1, 0), 5);
	ck_assert_int_eq(fd_receive(pair[1], bytes, sizeof(bytes), &fd, 0), 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fd_receive(pair[1], bytes, sizeof(bytes), &fd, MSG_DONTWAIT), -EAGAIN);
}
END_TEST

START_TEST(message_with_fd)
{
	int fd = -1, sent[2];
	char byte;

	ck_assert_int_eq(pipe(sent), 0);
	ck_assert_int_eq(fd_send(pair[0], "x", 1, sent[0], 0), 1);
	fd_close(sent[0]);
	ck_assert_int_eq(fd_receive(pair[1], &byte, 1, &fd, 0), 1);
	ck_assert_int_eq(byte, 'x');
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(sent[1], "y", 1), 1); /* it is that pipe */
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	fd_close(fd);
	fd_close(sent[1]);
}
END_TEST

/* the fd of a message that doesn't fit is closed */
START_TEST(message_too_long)
{
	char bytes[4];
	int fd = 77;

	ck_assert_int_eq(fd_send(pair[0], "hello", 5, 0, 0), 5);
	ck_assert_int_eq(fd_receive(pair[1], bytes, sizeof(bytes), &fd, 0), -EMSGSIZE);
	ck_assert_int_eq(fd, 77);
}
END_TEST

/* a sender who breaks the rule leaves no fd behind */
START_TEST(message_with_many_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	const size_t n = _i;
	char byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fd = 77, fds[3] = { 0, 1, 2 };

	*cmsg = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(n * sizeof(int)),
	};
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	ck_assert_int_eq(sendmsg(pair[0], &msg, 0), 1);
	ck_assert_int_eq(fd_receive(pair[1], &byte, 1, &fd, 0), -EMFILE);
	ck_assert_int_eq(fd, 77);
}
END_TEST

START_TEST(message_but_no_fd_free)
{
	struct rlimit limit, none;
	int fd = 77;
	char byte;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(fd_send(pair[0], "x", 1, 0, 0), 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(fd_receive(pair[1], &byte, 1, &fd, 0), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(fd, 77);
}
END_TEST

/* no SIGPIPE */
START_TEST(nobody_there)
{
	int fd = 77;
	char byte;

	ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
	ck_assert_int_eq(fd_receive(pair[1], &byte, 1, &fd, 0), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fd_send(pair[0], "x", 1, -1, 0), -EPIPE);
	ck_assert_int_eq(fd_send(pair[0], "x", 1, 1000, 0), -EBADF);
}
END_TEST

START_TEST(texts)
{
	char path[] = "/tmp/check_fd.XXXXXX", text[8];

	fd_close(mkstemp(path));
	ck_assert_int_eq(file_read_text(path, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(file_write_text(path, "12345\n"), 0);
	ck_assert_int_eq(file_read_text(path, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "12345\n");
	unlink(path);
	ck_assert_int_eq(file_read_text(path, text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(file_write_text(path, "1"), -ENOENT);
	ck_assert_int_eq(file_write_text("/", "1"), -EISDIR);
	ck_assert_int_eq(file_read_text("/", text, sizeof(text)), -EISDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd");
	TCase *tcase = tcase_create("fd");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, closing);
	tcase_add_test(tcase, message_without_fd);
	tcase_add_test(tcase, message_with_fd);
	tcase_add_test(tcase, message_too_long);
	tcase_add_loop_test(tcase, message_with_many_fds, 2, 4);
	tcase_add_test(tcase, message_but_no_fd_free);
	tcase_add_test(tcase, nobody_there);
	tcase_add_test(tcase, texts);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
