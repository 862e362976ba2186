// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/loop/loop.c: messages */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop_fixture.h"

START_TEST(read_messages)
{
	setup(_i);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0);
	ck_assert_int_eq(ends[0].n_asked, 1);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	say(0, "one");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].last, 3);
	say(0, "seven..");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].last, 7);
	ck_assert_mem_eq(ends[0].bytes, "seven..", 7);
	ck_assert_int_eq(ends[0].n_called, 2);
	ck_assert_int_eq(ends[0].n_asked, 3); /* once per message, and for the next */
	teardown();
}
END_TEST

/* at most 16 of one source in a turn: another one isn't kept waiting */
START_TEST(read_drains_in_portions)
{
	setup(_i);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(loop_read_add(loop, &ends[i].read, ends[i].fd), 0);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(send(peers[0], "x", 1, MSG_DONTWAIT), 1);
	say(1, "y");
	ck_assert_int_eq(loop_step(loop, -1), 2);
	ck_assert_int_eq(ends[0].n_called, 16);
	ck_assert_int_eq(ends[1].n_called, 1);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].n_called, 32);
	settle();
	ck_assert_int_eq(ends[0].n_called, 40);
	ck_assert_int_eq(ends[0].n_asked, 41);
	teardown();
}
END_TEST

START_TEST(read_end_of_file)
{
	setup(_i);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0);
	say(0, "last words");
	peers[0] = fd_close(peers[0]);
	settle();
	ck_assert_int_eq(ends[0].n_called, 2);
	ck_assert_int_eq(ends[0].last, 0);
	ck_assert_ptr_null(ends[0].read.loop);
	teardown();
}
END_TEST

START_TEST(read_error)
{
	_cleanup_(fd_closep) int dir = -1;

	setup(_i);
	dir = open("/", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, dir), 0);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].last, -EISDIR);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	ck_assert_int_eq(ends[0].n_called, 1);

	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0); /* may come back */
	say(0, "x");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].last, 1);
	dir = fd_close(dir);
	teardown();
}
END_TEST

START_TEST(read_refuses)
{
	int fd;

	setup(_i);
	fd = fcntl(ends[0].fd, F_GETFL);
	fcntl(ends[0].fd, F_SETFL, fd & ~O_NONBLOCK);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), -EINVAL);
	fd = dup(ends[0].fd);
	close(fd);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, fd), -EBADF);
	ck_assert_int_eq(loop_read_remove(&ends[0].read), 0);
	teardown();
}
END_TEST

/* what comes after the removal stays in the file, and the buffer is the owner's */
START_TEST(read_removed)
{
	char bytes[8];

	setup(_i);
	memset(ends[0].bytes, 0x5a, sizeof(ends[0].bytes));
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	ck_assert_int_eq(loop_read_remove(&ends[0].read), 0);
	say(0, "later");
	ck_assert_int_eq(loop_step(loop, 0), 0);
	for (size_t i = 0; i < sizeof(ends[0].bytes); i++)
		ck_assert_int_eq(ends[0].bytes[i], 0x5a);
	ck_assert_int_eq(recv(ends[0].fd, bytes, sizeof(bytes), MSG_DONTWAIT), 5);
	ck_assert_int_eq(ends[0].n_called, 0);
	teardown();
}
END_TEST

/* nothing gets lost: the message is in the file, or in the buffer and loop_read_remove() says so */
START_TEST(read_removed_as_its_message_comes)
{
	ssize_t n;

	setup(_i);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0);
		if (i & 1)
			ck_assert_int_eq(loop_step(loop, 0), 0);
		say(0, "now");
		n = loop_read_remove(&ends[0].read);
		if (!n)
			n = recv(ends[0].fd, ends[0].bytes, sizeof(ends[0].bytes), MSG_DONTWAIT);
		ck_assert_int_eq(n, 3);
		ck_assert_mem_eq(ends[0].bytes, "now", 3);
	}
	ck_assert_int_eq(ends[0].n_called, 0);
	teardown();
}
END_TEST

START_TEST(read_removed_by_another)
{
	setup(_i);
	for (int i = 0; i < 2; i++) {
		ends[i].victim = &ends[!i];
		ck_assert_int_eq(loop_read_add(loop, &ends[i].read, ends[i].fd), 0);
		say(i, "four");
	}
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].n_called, 1);
	ck_assert_int_eq(ends[1].n_called, 0);
	ck_assert_int_eq(ends[1].last, 4); /* it had been read: the remover is told */
	ck_assert_mem_eq(ends[1].bytes, "four", 4);
	teardown();
}
END_TEST

static void read_free_it(struct loop_read *source, ssize_t n)
{
	struct end *e = source->user;

	loop_read_remove(source);
	memset(e, 0xa5, sizeof(*e));
	free(e);
}

START_TEST(read_freed_by_its_callback)
{
	struct end *e = calloc(1, sizeof(*e));

	setup(_i);
	loop_read_init(&e->read, end_buffer, read_free_it, e);
	ck_assert_int_eq(loop_read_add(loop, &e->read, ends[0].fd), 0);
	say(0, "x");
	say(0, "y"); /* not drained: the source is gone */
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	ck_assert_int_eq(recv(ends[0].fd, ends[0].bytes, 1, MSG_DONTWAIT), 1);
	teardown();
}
END_TEST

static void read_move_on(struct loop_read *source, ssize_t n)
{
	struct end *e = source->user;

	e->n_called++;
	e->last = n;
	if (e->fd == ends[0].fd) {
		loop_read_remove(source);
		e->fd = ends[1].fd;
		ck_assert_int_eq(loop_read_add(loop, source, e->fd), 0);
	}
}

START_TEST(read_added_again_by_its_callback)
{
	struct end e = { 0 };

	setup(_i);
	e.fd = ends[0].fd;
	loop_read_init(&e.read, end_buffer, read_move_on, &e);
	ck_assert_int_eq(loop_read_add(loop, &e.read, e.fd), 0);
	peers[0] = fd_close(peers[0]); /* the end of one file, on with the next */
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(e.last, 0);
	say(1, "go on");
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(e.last, 5);
	ck_assert_int_eq(e.n_called, 2);
	loop_read_remove(&e.read);
	teardown();
}
END_TEST

/*
 * Others read the same file: woken for nothing, as often as it takes. A kernel that had enough of
 * that lets a thread of its own try, so now and then the loop has the message: nobody loses one.
 */
START_TEST(read_in_competition)
{
	char bytes[8];
	int taken = 0;

	setup(_i);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, ends[0].fd), 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_ge(loop_step(loop, 0), 0);
		say(0, "x");
		taken += recv(ends[0].fd, bytes, sizeof(bytes), MSG_DONTWAIT) == 1;
	}
	ck_assert_int_ge(taken, 900);
	say(0, "mine");
	while (ends[0].last != 4)
		ck_assert_int_ge(loop_step(loop, -1), 1);
	ck_assert_int_eq(taken + ends[0].n_called, 1001);
	teardown();
}
END_TEST

/* not a socket, and one that reads only whole events */
START_TEST(read_inotify)
{
	union {
		struct inotify_event event;
		char bytes[512];
	} u;
	char path[] = "/tmp/check_loop_read.XXXXXX";
	_cleanup_(fd_closep) int file = -1, fd = -1;

	setup(_i);
	file = mkstemp(path);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ck_assert_int_ge(inotify_add_watch(fd, path, IN_MODIFY), 0);
	ck_assert_int_eq(loop_read_add(loop, &ends[0].read, fd), 0);
	ck_assert_int_eq(loop_step(loop, 0), 0);
	ck_assert_int_eq(write(file, "x", 1), 1);
	ck_assert_int_eq(loop_step(loop, -1), 1);
	ck_assert_int_eq(ends[0].last, sizeof(struct inotify_event));
	memcpy(u.bytes, ends[0].bytes, ends[0].last);
	ck_assert_uint_eq(u.event.mask, IN_MODIFY);
	loop_read_remove(&ends[0].read);
	unlink(path);
	file = fd_close(file);
	fd = fd_close(fd);
	teardown();
}
END_TEST

/*
 * A process that shared our fd table dies with a read under way: it takes no message with it, and
 * its ring stays behind as an fd that is known by number.
 */
static _Noreturn void be_killed(int i, int go)
{
	int ring;

	if (loop_new(&loop, backends[i]) < 0)
		_exit(1);
	ring = loop_ring_fd(loop);
	loop_read_init(&ends[0].read, end_buffer, end_data, &ends[0]);
	if (loop_read_add(loop, &ends[0].read, ends[0].fd) < 0 || loop_step(loop, 0) < 0)
		_exit(1);
	if (write(go, &ring, sizeof(ring)) != sizeof(ring))
		_exit(1);
	loop_run(loop);
	_exit(1);
}

START_TEST(read_of_a_killed_process)
{
	int pair[2], pipefd[2], ring, status;
	char bytes[8];
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	ck_assert_int_eq(pipe(pipefd), 0);
	ends[0] = (struct end){ .fd = pair[0] };
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		be_killed(_i, pipefd[1]);
	ck_assert_int_eq(read(pipefd[0], &ring, sizeof(ring)), sizeof(ring));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));

	ck_assert_int_eq(send(pair[1], "still here", 10, 0), 10);
	ck_assert_int_eq(recv(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC), 10);
	if (backends[_i] == LOOP_URING)
		ck_assert_int_eq(close(ring), 0);
	else
		ck_assert_int_eq(ring, -1);
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		read_messages,
		read_drains_in_portions,
		read_end_of_file,
		read_error,
		read_refuses,
		read_removed,
		read_removed_as_its_message_comes,
		read_removed_by_another,
		read_freed_by_its_callback,
		read_added_again_by_its_callback,
		read_in_competition,
		read_inotify,
		read_of_a_killed_process,
	};

	return run_over_backends("loop_read", cases, ARRAY_SIZE(cases));
}
