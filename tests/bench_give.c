// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a delivery costs: `bench_give [ROUNDS [TRACERS]]` times a null ioctl, an ALLOC with the
 * close of its fd, and what is looked at, of one caller over the rig's FUSE file; run it under
 * taskset(1) to pin all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "fuse_rig.h"

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int allocate(int device)
{
	uint32_t alloc[6] = { 4096, 0, 1, 0, 0, 0 };

	if (ioctl(device, RIG_ALLOC, alloc) < 0)
		return -errno;
	close(alloc[4]);
	return 0;
}

static int query(int device)
{
	uint32_t data[6] = { 0 };

	return ioctl(device, RIG_QUERY, data) < 0 ? -errno : 0;
}

static int whose(int device)
{
	uint32_t data[6] = { device };

	return ioctl(device, RIG_WHOSE, data) < 0 ? -errno : 0;
}

static int peek(int device)
{
	static const char name[32] = "a name";
	struct rig_peek peek = { .address = (uintptr_t)name, .most = 32, .least = 1 };

	return ioctl(device, RIG_PEEK, &peek) < 0 ? -errno : 0;
}

static double measure(const char *name, int device, int (*call)(int device), uint64_t *times,
		      size_t n)
{
	uint64_t before;
	int r;

	for (size_t i = 0; i < n; i++) {
		before = now();
		r = call(device);
		times[i] = now() - before;
		if (r) {
			fprintf(stderr, "bench_give: %s: %s\n", name, strerror(-r));
			exit(EXIT_FAILURE);
		}
	}
	qsort(times, n, sizeof(*times), compare);
	printf("%-12s median %7.1f us   p99 %7.1f us\n", name, times[n / 2] / 1e3,
	       times[n - 1 - n / 100] / 1e3);
	return times[n / 2];
}

static void client(const char *path, size_t rounds)
{
	uint64_t *times = calloc(rounds, sizeof(*times));
	int device = open(path, O_RDONLY | O_CLOEXEC);
	double null, alloc;

	if (!times || device < 0)
		exit(EXIT_FAILURE);
	null = measure("null", device, query, times, rounds);
	alloc = measure("alloc+close", device, allocate, times, rounds);
	printf("%-12s %.1f\n", "ratio", alloc / null);
	measure("whose fd", device, whose, times, rounds);
	measure("peek 32", device, peek, times, rounds);
	exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 5000;
	size_t tracers =
		argc > 2 ? strtoul(argv[2], NULL, 0) : (size_t)sysconf(_SC_NPROCESSORS_ONLN);
	struct rig *rig;
	int status = 0, r;
	pid_t pid;

	r = rig_new(&rig, MAX(tracers, (size_t)1));
	if (r) {
		fprintf(stderr, "bench_give: no FUSE file: %s\n", strerror(-r));
		return 77;
	}
	pid = fork();
	if (!pid)
		client(rig_path(rig), MAX(rounds, (size_t)100));
	waitpid(pid, &status, 0);
	rig_free(rig);
	return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
