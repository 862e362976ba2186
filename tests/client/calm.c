// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a test looks at once a caller did its worst:
 *
 *	calm -p PID,PID... -s FILE [-d NODE] [-l MILLISECONDS]
 *
 * The first time, FILE being absent, it writes the fds and threads of each process to FILE. From
 * then on it waits, within a bound, until they are as they were (but for memory that is kept for
 *the next buffers: cusion check knows each fd of it), no thread of anybody's sleeps where nothing
 *can wake it, and a user who has nothing to do with it all allocates well: each of a few
 *allocations within MILLISECONDS. The status is 0 if so; what isn't is told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

enum { BYSTANDER = 2002, ROUNDS = 5, PIDS_MAX = 8, TRIES = 100, TRY_MS = 100 };

struct process {
	int pid, fds, threads;
};

static int count(int pid, const char *what)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* /memfd:ion is a buffer's memory, in use or kept */
static int count_fds(int pid)
{
	char path[300], link[16];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		length = readlink(path, link, sizeof(link));
		n += entry->d_name[0] != '.' &&
		     (length < 11 || strncmp(link, "/memfd:ion ", 11) != 0);
	}
	closedir(dir);
	return n;
}

static int look(struct process *processes, char *pids)
{
	int n = 0;

	for (char *p = strtok(pids, ","); p && n < PIDS_MAX; p = strtok(NULL, ",")) {
		processes[n].pid = atoi(p);
		processes[n].fds = count_fds(processes[n].pid);
		processes[n].threads = count(processes[n].pid, "task");
		n++;
	}
	return n;
}

static void show_fds(int pid)
{
	char path[300], link[200];
	struct dirent *entry;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n > 0)
			printf("#	%s: %.*s\n", entry->d_name, (int)n, link);
	}
	if (dir)
		closedir(dir);
}

static bool as_before(const struct process *was, int n, bool tell)
{
	bool good = true;

	for (int i = 0; i < n; i++) {
		int fds = count_fds(was[i].pid), threads = count(was[i].pid, "task");

		if (fds == was[i].fds && threads == was[i].threads)
			continue;
		good = false;
		if (tell)
			show_fds(was[i].pid);
		if (tell)
			printf("# process %d: %d fds, were %d; %d threads, were %d\n", was[i].pid,
			       fds, was[i].fds, threads, was[i].threads);
	}
	return good;
}

/* the kernel's own threads have no command line's memory and parent 2 */
static bool stuck(const char *task)
{
	char text[512], state = '?';
	int parent = 0, fd = open(task, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	sscanf(strrchr(text, ')') ?: text, ") %c %d", &state, &parent);
	return state == 'D' && parent != 2;
}

static bool none_stuck(bool tell)
{
	struct dirent *process, *task;
	bool good = true;
	char path[700];
	DIR *all = opendir("/proc"), *tasks;

	while (all && (process = readdir(all))) {
		if (process->d_name[0] < '0' || process->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", process->d_name);
		tasks = opendir(path);
		while (tasks && (task = readdir(tasks))) {
			if (task->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "/proc/%s/task/%s/stat", process->d_name,
				 task->d_name);
			if (!stuck(path))
				continue;
			good = false;
			if (tell)
				printf("# thread %s of process %s is stuck\n", task->d_name,
				       process->d_name);
		}
		if (tasks)
			closedir(tasks);
	}
	if (all)
		closedir(all);
	return good;
}

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000l + t.tv_nsec / 1000;
}

static bool allocates_here(const char *node, long limit_us)
{
	int device = open(node, O_RDONLY | O_CLOEXEC);
	long longest = 0;

	if (device < 0 || setgroups(0, NULL) || setresgid(BYSTANDER, BYSTANDER, BYSTANDER) ||
	    setresuid(BYSTANDER, BYSTANDER, BYSTANDER)) {
		printf("# the bystander can't start: %m\n");
		return false;
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct ion_alloc alloc = { .len = 5 * PAGE, .mask = 1, .fd = UINT32_MAX };
		long begin = now_us(), took;

		if (ioctl(device, ION_ALLOC, &alloc)) {
			printf("# the bystander got no buffer: %m\n");
			return false;
		}
		took = now_us() - begin;
		longest = took > longest ? took : longest;
		close(alloc.fd);
	}
	close(device);
	if (longest > limit_us)
		printf("# an allocation took the bystander %ld us\n", longest);
	return longest <= limit_us;
}

static bool allocates(const char *node, long limit_us)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		bool good = allocates_here(node, limit_us);

		fflush(stdout);
		_exit(!good);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int settle(const struct process *was, int n)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000l };

	for (int i = 0; i < TRIES; i++) {
		if (as_before(was, n, false) && none_stuck(false))
			return 0;
		nanosleep(&pause, NULL);
	}
	as_before(was, n, true);
	none_stuck(true);
	return 1;
}

/* a service that has just begun may have threads that begin yet: @was gets what stays for a second
 */
static void look_until_still(struct process *was, int n)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000l };

	for (int i = 0, still = 0; i < TRIES && still < 1000 / TRY_MS; i++) {
		still = as_before(was, n, false) ? still + 1 : 0;
		for (int k = 0; k < n; k++) {
			was[k].fds = count_fds(was[k].pid);
			was[k].threads = count(was[k].pid, "task");
		}
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	const char *node = "/dev/ion", *file = NULL;
	struct process processes[PIDS_MAX];
	int letter, n = 0, fd;
	long limit_ms = 2000;

	while ((letter = getopt(argc, argv, "d:l:p:s:")) >= 0) {
		if (letter == 'd')
			node = optarg;
		else if (letter == 'l')
			limit_ms = atol(optarg);
		else if (letter == 'p')
			n = look(processes, optarg);
		else if (letter == 's')
			file = optarg;
		else
			return 2;
	}
	if (!n || !file)
		return 2;
	alarm(60);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		look_until_still(processes, n);
		fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		return write(fd, processes, sizeof(*processes) * n) < 0;
	}
	n = read(fd, processes, sizeof(processes)) / (int)sizeof(*processes);
	close(fd);
	return !allocates(node, limit_ms * 1000) || settle(processes, n);
}
