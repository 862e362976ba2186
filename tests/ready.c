/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a service as systemd would with Type=notify and says when it is ready, so that a test waits
 * for the event itself:
 *
 *	ready -o FILE [-t SECONDS] -- COMMAND [ARG...]
 *
 * At READY=1 one line "ready PID" is written to FILE (a FIFO, most often); "failed" where the
 *service ends before, or says nothing for SECONDS (30). SIGTERM and SIGINT are passed on. Ends with
 *the service's exit status, or 128 + signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct ready {
	const char *answer; /* where the answer goes */
	int seconds;	    /* how long the service may take */
	char **command;
	sigset_t old_mask; /* the service gets the mask that we were started with */
	int socket;	   /* NOTIFY_SOCKET */
	int signals;
	pid_t pid;
	bool answered;
};

static void die(const char *what)
{
	fprintf(stderr, "ready: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void usage(void)
{
	fputs("usage: ready -o FILE [-t SECONDS] -- COMMAND [ARG...]\n", stderr);
	exit(125);
}

static void parse(struct ready *r, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+o:t:")) != -1) {
		if (c == 'o')
			r->answer = optarg;
		else if (c == 't')
			r->seconds = atoi(optarg);
		else
			usage();
	}
	if (!r->answer || r->seconds <= 0 || optind == argc)
		usage();
	r->command = argv + optind;
}

/* A socket under a name that the kernel chooses, in the abstract namespace: nothing to clean up. */
static void make_socket(struct ready *r)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(sa_family_t);
	char path[sizeof(name.sun_path) + 1];

	r->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->socket < 0 || bind(r->socket, (struct sockaddr *)&name, size) < 0)
		die("socket");
	size = sizeof(name);
	if (getsockname(r->socket, (struct sockaddr *)&name, &size) < 0)
		die("getsockname");
	size -= offsetof(struct sockaddr_un, sun_path);
	path[0] = '@';
	memcpy(path + 1, name.sun_path + 1, size - 1);
	path[size] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
}

static void block_signals(struct ready *r)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, &r->old_mask);
	r->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (r->signals < 0)
		die("signalfd");
}

static void start(struct ready *r)
{
	r->pid = fork();
	if (r->pid < 0)
		die("fork");
	if (r->pid > 0)
		return;
	sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
	execvp(r->command[0], r->command);
	fprintf(stderr, "ready: %s: %s\n", r->command[0], strerror(errno));
	_exit(127);
}

static void answer(struct ready *r, bool ready)
{
	FILE *f;

	if (r->answered)
		return;
	r->answered = true;
	f = fopen(r->answer, "w");
	if (!f)
		die(r->answer);
	if (ready)
		fprintf(f, "ready %d\n", (int)r->pid);
	else
		fputs("failed\n", f);
	fclose(f);
}

/* One message holds lines like READY=1 and STATUS=...; fds that come with it are dropped. */
static void read_message(struct ready *r)
{
	char buffer[4096];
	char *line, *rest = buffer;
	ssize_t n;

	n = recv(r->socket, buffer, sizeof(buffer) - 1, 0);
	if (n < 0)
		die("recv");
	buffer[n] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		if (!strcmp(line, "READY=1"))
			answer(r, true);
	}
}

/* Return: the service's exit status, or -1 while it runs. */
static int read_signal(struct ready *r)
{
	struct signalfd_siginfo info;
	int status;

	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		die("signalfd");
	if (info.ssi_signo != SIGCHLD) {
		kill(r->pid, (int)info.ssi_signo);
		return -1;
	}
	if (waitpid(r->pid, &status, WNOHANG) != r->pid)
		return -1;
	answer(r, false);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int time_left(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

static int watch(struct ready *r)
{
	struct pollfd fds[] = {
		{ .fd = r->socket, .events = POLLIN },
		{ .fd = r->signals, .events = POLLIN },
	};
	struct timespec end;
	int n, status;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += r->seconds;
	for (;;) {
		n = poll(fds, 2, r->answered ? -1 : time_left(&end));
		if (n == 0) {
			fprintf(stderr, "ready: %s is not ready after %d s\n", r->command[0],
				r->seconds);
			answer(r, false);
			kill(r->pid, SIGTERM);
			continue;
		}
		if (fds[0].revents)
			read_message(r);
		if (!fds[1].revents)
			continue;
		status = read_signal(r);
		if (status >= 0)
			return status;
	}
}

int main(int argc, char **argv)
{
	struct ready r = { .seconds = 30 };

	parse(&r, argc, argv);
	make_socket(&r);
	block_signals(&r);
	start(&r);
	return watch(&r);
}
