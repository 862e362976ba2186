// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a message costs in the loop: a child sends one over a socket pair and waits for its echo.
 * Once with both processes on one CPU, once on two; "plain" is read and write with no loop, the
 * floor.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"

enum {
	WARM_UP = 2000,
	ROUNDS = 20000,
	MESSAGE = 120, /* about an ioctl's request */
};

static const struct {
	const char *name;
	enum loop_backend_kind kind;
	bool plain;
} servers[] = {
	{ "plain", 0, true },
	{ "io_uring", LOOP_URING, false },
	{ "poll", LOOP_POLL, false },
};

static struct loop *loop;
static char bytes[4096];

static void die(const char *what, int error)
{
	errno = error;
	perror(what);
	exit(EXIT_FAILURE);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity", errno);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* the child: prints its figures and goes, which ends the server */
static _Noreturn void ask(int fd, const char *name, int cpu)
{
	static uint64_t took[ROUNDS];
	uint64_t start;

	pin(cpu);
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		start = now_ns();
		if (write(fd, bytes, MESSAGE) != MESSAGE)
			die("write", errno);
		if (read(fd, bytes, sizeof(bytes)) != MESSAGE)
			die("read", errno);
		if (i >= 0)
			took[i] = now_ns() - start;
	}
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	printf("%-8s  %s  median %6.2f us  p99 %6.2f us\n", name, cpu ? "two CPUs" : "one CPU ",
	       took[ROUNDS / 2] / 1e3, took[ROUNDS * 99 / 100] / 1e3);
	exit(EXIT_SUCCESS);
}

static struct iovec place(struct loop_read *source)
{
	return (struct iovec){ bytes, sizeof(bytes) };
}

static void echo(struct loop_read *source, ssize_t n)
{
	if (n <= 0)
		loop_quit(loop, n);
	else if (write(*(int *)source->user, bytes, n) != n)
		die("write", errno);
}

static void serve_by_loop(int fd, enum loop_backend_kind kind)
{
	struct loop_read source;
	int r;

	r = loop_new(&loop, kind);
	if (r < 0)
		die("loop_new", -r);
	loop_read_init(&source, place, echo, &fd);
	r = loop_read_add(loop, &source, fd);
	if (!r)
		r = loop_run(loop);
	if (r < 0)
		die("loop", -r);
	loop_free(loop);
}

static void serve_plainly(int fd)
{
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		if (write(fd, bytes, n) != n)
			die("write", errno);
	}
}

static void bench(int server, int cpu)
{
	const bool plain = servers[server].plain;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		die("socketpair", errno);
	if (!plain && fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		die("fcntl", errno);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		ask(pair[1], servers[server].name, cpu);
	}
	close(pair[1]);
	if (plain)
		serve_plainly(pair[0]);
	else
		serve_by_loop(pair[0], servers[server].kind);
	close(pair[0]);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	int n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	pin(0);
	for (int cpu = 0; cpu < 2 && cpu < n_cpus; cpu++) {
		for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
			bench(i, cpu);
	}
	return EXIT_SUCCESS;
}
