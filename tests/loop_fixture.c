// SPDX-License-Identifier: LGPL-2.1-or-later
#include "loop_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

const enum loop_backend_kind backends[2] = { LOOP_URING, LOOP_POLL };

struct loop *loop;
struct end ends[2];
int peers[2];
static int n_fds_before;

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct iovec end_buffer(struct loop_read *source)
{
	struct end *e = source->user;

	e->n_asked++;
	return (struct iovec){ e->bytes, sizeof(e->bytes) };
}

void end_data(struct loop_read *source, ssize_t n)
{
	struct end *e = source->user;

	e->n_called++;
	e->last = n;
	if (e->victim)
		e->victim->last = loop_read_remove(&e->victim->read);
}

void end_ready(struct loop_poll *source, short revents)
{
	struct end *e = source->user;

	e->n_called++;
	e->revents = revents;
	if (e->victim)
		loop_poll_remove(&e->victim->poll);
}

void setup(int backend)
{
	int pair[2];

	n_fds_before = count_fds();
	ck_assert_int_eq(loop_new(&loop, backends[backend]), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
		ends[i] = (struct end){ .fd = pair[0] };
		peers[i] = pair[1];
		loop_poll_init(&ends[i].poll, end_ready, &ends[i]);
		loop_read_init(&ends[i].read, end_buffer, end_data, &ends[i]);
	}
}

void teardown(void)
{
	for (int i = 0; i < 2; i++) {
		loop_poll_remove(&ends[i].poll);
		loop_read_remove(&ends[i].read);
		ends[i].fd = fd_close(ends[i].fd);
		peers[i] = fd_close(peers[i]);
	}
	loop = loop_free(loop);
	ck_assert_int_eq(count_fds(), n_fds_before);
}

void say(int i, const char *text)
{
	ck_assert_int_eq(send(peers[i], text, strlen(text), 0), strlen(text));
}

void settle(void)
{
	int r;

	do {
		r = loop_step(loop, 0);
		ck_assert_int_ge(r, 0);
	} while (r);
}

int run_over_backends(const char *name, const TTest *const cases[], size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tcase, cases[i], 0, ARRAY_SIZE(backends));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
