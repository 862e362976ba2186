// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a call costs: an ioctl that does nothing (HEAP_QUERY with a NULL array), and a page
 * allocated and given back. One line a figure; no pass mark.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/abi.h"
#include "client/options.h"

#define WARM_UP 100

struct figures {
	double median, p99; /* µs */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int null_ioctl(int ion)
{
	struct ion_query query = { 0 };

	return ioctl(ion, ION_HEAP_QUERY, &query);
}

static int alloc_and_close(int ion)
{
	struct ion_alloc data = { .len = PAGE, .mask = 1u << ION_ID_SYSTEM, .fd = UINT32_MAX };

	return ioctl(ion, ION_ALLOC, &data) || close(data.fd);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct figures measure(int ion, int (*act)(int), unsigned long n)
{
	double *times = calloc(n, sizeof(*times));
	struct figures figures;
	unsigned long i;

	for (i = 0; i < WARM_UP + n; i++) {
		double start = now();

		if (!times || act(ion)) {
			fprintf(stderr, "call %lu: %s\n", i, strerror(errno));
			exit(1);
		}
		if (i >= WARM_UP)
			times[i - WARM_UP] = now() - start;
	}
	qsort(times, n, sizeof(*times), compare);
	figures = (struct figures){ times[n / 2], times[n * 99 / 100] };
	free(times);
	return figures;
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	struct figures null, alloc;
	int ion;

	o.count = 10000;
	options_parse(&o, argc, argv, "d:n:T:");
	alarm(o.seconds);
	ion = open(o.node, O_RDONLY | O_CLOEXEC);
	if (ion < 0 || !o.count) {
		fprintf(stderr, "%s: %s\n", o.node, ion < 0 ? strerror(errno) : "no count");
		return 1;
	}
	null = measure(ion, null_ioctl, o.count);
	alloc = measure(ion, alloc_and_close, o.count);
	printf("null ioctl           median %9.1f us   p99 %9.1f us\n", null.median, null.p99);
	printf("4 KiB alloc + close  median %9.1f us   p99 %9.1f us\n", alloc.median, alloc.p99);
	printf("ratio of the medians        %9.1f\n", alloc.median / null.median);
	return 0;
}
