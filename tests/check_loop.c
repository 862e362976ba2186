// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/loop/loop.c: readiness, and the loop itself */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop_fixture.h"

START_TEST(poll_tells_as_long_as_it_lasts)
{
	char bytes[8];

	setup(_i);
	ck_assert_int_eq(loop_poll_add(loop, &ends[0].poll, ends[0].fd, POLLIN), 0);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	say(0, "hello");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].revents, POLLIN);
	ck_assert_int_eq(read(ends[0].fd, bytes, sizeof(bytes)), 5);
	settle();
	ends[0].n_called = 0;
	ck_assert_int_eq(loop_step(loop, 0), 0);

	loop_poll_remove(&ends[0].poll);
	loop_poll_remove(&ends[0].poll); /* harmless */
	ck_assert_int_eq(loop_poll_add(loop, &ends[0].poll, ends[0].fd, POLLIN | POLLOUT), 0);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].revents, POLLOUT);
	peers[0] = fd_close(peers[0]);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert(ends[0].revents & POLLHUP);
	teardown();
}
END_TEST

START_TEST(poll_of_no_file)
{
	int fd;

	setup(_i);
	fd = dup(ends[0].fd);
	close(fd);
	ck_assert_int_eq(loop_poll_add(loop, &ends[0].poll, fd, POLLIN), 0);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].revents, POLLNVAL);
	ck_assert_ptr_null(ends[0].poll.loop);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	teardown();
}
END_TEST

START_TEST(poll_removed_by_a_callback)
{
	setup(_i);
	for (int i = 0; i < 2; i++) {
		ends[i].victim = &ends[!i];
		ck_assert_int_eq(loop_poll_add(loop, &ends[i].poll, ends[i].fd, POLLIN), 0);
		say(i, "x");
	}
	ck_assert_int_eq(loop_step(loop, -1), 1); /* whichever is first removes the other */
	ck_assert_int_eq(ends[0].n_called + ends[1].n_called, 1);

	for (int i = 0; i < 2; i++)
		ends[i].victim = &ends[i]; /* and now itself */
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	teardown();
}
END_TEST

static void free_it(struct loop_poll *source, short revents)
{
	struct end *e = source->user;

	loop_poll_remove(source);
	memset(e, 0xa5, sizeof(*e));
	free(e);
}

START_TEST(poll_freed_by_its_callback)
{
	struct end *e = calloc(1, sizeof(*e));

	setup(_i);
	loop_poll_init(&e->poll, free_it, e);
	ck_assert_int_eq(loop_poll_add(loop, &e->poll, ends[0].fd, POLLIN), 0);
	say(0, "x");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	teardown();
}
END_TEST

/* an fd that is closed after its source's removal is closed in truth */
START_TEST(removal_lets_go_of_the_file)
{
	setup(_i);
	ck_assert_int_eq(loop_poll_add(loop, &ends[0].poll, ends[0].fd, POLLIN), 0);
	ck_assert_int_eq(loop_read_add(loop, &ends[1].read, ends[1].fd), 0);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	loop_poll_remove(&ends[0].poll);
	ck_assert_int_eq(loop_read_remove(&ends[1].read), 0);
	for (int i = 0; i < 2; i++) {
		ends[i].fd = fd_close(ends[i].fd);
		ck_assert_int_eq(send(peers[i], "x", 1, MSG_NOSIGNAL), -1);
		ck_assert_int_eq(errno, EPIPE);
	}
	teardown();
}
END_TEST

START_TEST(more_sources_than_the_ring_holds)
{
	static struct end many[300];

	setup(_i);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		loop_poll_init(&many[i].poll, end_ready, &many[i]);
		ck_assert_int_eq(loop_poll_add(loop, &many[i].poll, ends[0].fd, POLLIN), 0);
	}
	ck_assert_int_eq(loop_step(loop, 0), 0);
	say(0, "x");
	for (int turn = 0; turn < 10; turn++)
		ck_assert_int_ge(loop_step(loop, -1), 1);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		ck_assert_int_ge(many[i].n_called, 1);
		loop_poll_remove(&many[i].poll);
	}
	teardown();
}
END_TEST

static void quit_now(struct loop_read *source, ssize_t n)
{
	end_data(source, n);
	loop_quit(loop, 40 + n);
}

/* what isn't called before the quit is called by the next run */
START_TEST(run_and_quit)
{
	setup(_i);
	for (int i = 0; i < 2; i++) {
		ends[i].read.data = quit_now;
		ck_assert_int_eq(loop_read_add(loop, &ends[i].read, ends[i].fd), 0);
	}
	say(0, "xx");
	say(0, "xxx");
	say(1, "xxxx");
	ck_assert_int_eq(loop_run(loop), 42);
	ck_assert_int_eq(ends[0].n_called + ends[1].n_called, 1);
	ck_assert_int_eq(loop_run(loop), 44);
	ck_assert_int_eq(loop_run(loop), 43);
	ck_assert_int_eq(ends[0].n_called + ends[1].n_called, 3);
	teardown();
}
END_TEST

START_TEST(ring_fd)
{
	setup(_i);
	if (backends[_i] == LOOP_URING)
		ck_assert(fcntl(loop_ring_fd(loop), F_GETFD) & FD_CLOEXEC);
	else
		ck_assert_int_eq(loop_ring_fd(loop), -1);
	teardown();
}
END_TEST

/* a container's default profile: this process has no io_uring from here on */
START_TEST(auto_falls_back)
{
	static const int errors[] = { EPERM, ENOSYS };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	seccomp_rule_add(filter, SCMP_ACT_ERRNO(errors[_i]), SCMP_SYS(io_uring_setup), 0);
	ck_assert_int_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
	ck_assert_int_eq(loop_new(&loop, LOOP_URING), -errors[_i]);
	ck_assert_int_eq(loop_new(&loop, LOOP_AUTO), 0);
	ck_assert_int_eq(loop_ring_fd(loop), -1);
	loop = loop_free(loop);
}
END_TEST

START_TEST(auto_takes_the_ring)
{
	ck_assert_int_eq(loop_new(&loop, LOOP_AUTO), 0);
	ck_assert_int_ge(loop_ring_fd(loop), 0);
	loop = loop_free(loop);
	ck_assert_ptr_null(loop_free(NULL));
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		poll_tells_as_long_as_it_lasts,
		poll_of_no_file,
		poll_removed_by_a_callback,
		poll_freed_by_its_callback,
		removal_lets_go_of_the_file,
		more_sources_than_the_ring_holds,
		run_and_quit,
		ring_fd,
		auto_falls_back,
		auto_takes_the_ring,
	};

	return run_over_backends("loop", cases, ARRAY_SIZE(cases));
}
