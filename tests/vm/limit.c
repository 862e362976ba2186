/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one test in a test machine, in a cgroup of its own and within a time limit:
 *
 *	limit NAME SECONDS COMMAND [ARG...]
 *
 * Prints "@@begin NAME" before and "@@end NAME STATUS MILLISECONDS" behind the test's own output;
 *the machine's host takes the stream apart by these lines. STATUS is the test's exit status, 128 +
 *signal, or one of ours: a test that leaves a process behind has failed, whatever it says itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LIMIT_TIME = 124,  /* the time limit was reached */
	LIMIT_LEFT = 125,  /* processes were left behind */
	LIMIT_STUCK = 126, /* processes that even SIGKILL doesn't end */
};

enum {
	GRACE_LEFT_MS = 3000, /* for processes that are ending by themselves */
	GRACE_KILL_MS = 5000, /* for SIGKILL */
};

struct limit {
	char group[600]; /* path of the cgroup */
	int events;	 /* its cgroup.events */
};

static void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(LIMIT_LEFT);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static FILE *group_file(const struct limit *l, const char *name, const char *mode)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s", l->group, name);
	return fopen(path, mode);
}

static void group_write(const struct limit *l, const char *name, const char *text)
{
	FILE *f;

	f = group_file(l, name, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		die(name);
}

/* Below our own cgroup: in the systemd machine that is the test unit's. */
static void group_make(struct limit *l, const char *name)
{
	char own[300] = "/", line[300], path[700];
	FILE *f;

	f = fopen("/proc/self/cgroup", "r");
	if (!f)
		die("/proc/self/cgroup");
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			snprintf(own, sizeof(own), "%s", line + 3);
	}
	fclose(f);
	snprintf(l->group, sizeof(l->group), "/sys/fs/cgroup%s/%s", strcmp(own, "/") ? own : "",
		 name);
	if (mkdir(l->group, 0755) < 0 && errno != EEXIST)
		die(l->group);
	snprintf(path, sizeof(path), "%s/cgroup.events", l->group);
	l->events = open(path, O_RDONLY | O_CLOEXEC);
	if (l->events < 0)
		die(path);
}

static bool group_populated(const struct limit *l)
{
	char text[256] = "";

	if (pread(l->events, text, sizeof(text) - 1, 0) < 0)
		die("cgroup.events");
	return strstr(text, "populated 1");
}

/* Return: whether the group is empty within the time. */
static bool group_wait_empty(const struct limit *l, long ms)
{
	struct pollfd p = { .fd = l->events, .events = POLLPRI };
	long end = now_ms() + ms, left;

	while (group_populated(l)) {
		left = end - now_ms();
		if (left <= 0)
			return false;
		poll(&p, 1, (int)left);
	}
	return true;
}

static void show_file(const char *pid, const char *name)
{
	char path[400], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Name:", 5) || !strncmp(line, "State:", 6) ||
		    !strcmp(name, "stack"))
			printf("#   %s%s", line, strchr(line, '\n') ? "" : "\n");
	}
	fclose(f);
}

/* What a process that should be gone is at, thread by thread. */
static void show_process(const char *pid)
{
	char path[400];
	struct dirent *task;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		printf("# thread %s of %s\n", task->d_name, pid);
		snprintf(path, sizeof(path), "%s/task/%s", pid, task->d_name);
		show_file(path, "status");
		show_file(path, "stack");
	}
	closedir(tasks);
}

static void group_show(const struct limit *l)
{
	char pid[32];
	FILE *f;

	f = group_file(l, "cgroup.procs", "r");
	if (!f)
		return;
	while (fgets(pid, sizeof(pid), f)) {
		pid[strcspn(pid, "\n")] = '\0';
		show_process(pid);
	}
	fclose(f);
}

static pid_t start(const struct limit *l, char **command)
{
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	group_write(l, "cgroup.procs", "0");
	setsid();
	execvp(command[0], command);
	fprintf(stderr, "limit: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/* Return: the test's exit status, or LIMIT_TIME. */
static int wait_test(pid_t pid, long seconds)
{
	struct pollfd p = { .events = POLLIN };
	int status, n;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd < 0)
		die("pidfd_open");
	n = poll(&p, 1, (int)(seconds * 1000));
	close(p.fd);
	if (n == 0)
		return LIMIT_TIME;
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Ends whatever is left of a test and judges it. Return: the status to report. */
static int finish(const struct limit *l, int status, long seconds)
{
	if (status == LIMIT_TIME) {
		printf("\nBail out! time limit of %ld s reached\n", seconds);
		group_show(l);
	} else if (!group_wait_empty(l, GRACE_LEFT_MS)) {
		printf("\nBail out! processes left behind\n");
		group_show(l);
		status = LIMIT_LEFT;
	}
	group_write(l, "cgroup.kill", "1");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (!group_wait_empty(l, GRACE_KILL_MS)) {
		printf("\nBail out! processes that SIGKILL does not end\n");
		group_show(l);
		status = LIMIT_STUCK;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct limit l;
	long seconds, begin;
	int status;

	if (argc < 4 || (seconds = strtol(argv[2], NULL, 10)) <= 0) {
		fputs("usage: limit NAME SECONDS COMMAND [ARG...]\n", stderr);
		return LIMIT_LEFT;
	}
	group_make(&l, argv[1]);
	printf("\n@@begin %s\n", argv[1]);
	fflush(stdout);
	begin = now_ms();
	status = finish(&l, wait_test(start(&l, argv + 3), seconds), seconds);
	printf("\n@@end %s %d %ld\n", argv[1], status, now_ms() - begin);
	rmdir(l.group);
	return 0;
}
