// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A contiguous buffer allocated and closed, against the kernel's own heap of pages
 * (/dev/dma_heap/system, which clears while its caller waits), in the same run. One line a size:
 * the medians, their ratio and that of the quickest ones. The status is 1 where the latter is above
 * three times the mark: an allocation of ours is a dozen turns of several processes, and what else
 * a machine has to do comes between them.
 *
 * -c COMMAND prints how many bytes of the service's are yet to be cleared: it is waited for 0
 * before each round, as this is about memory that is clean.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/abi.h"
#include "client/held.h"
#include "client/options.h"

#define KERNEL_HEAP "/dev/dma_heap/system"
#define TOLERANCE   3

static const struct bench {
	size_t size;
	double mark; /* 0: none */
} benches[] = { { 2 << 20, 0 }, { 16 << 20, 0.2 }, { 64 << 20, 0.1 } };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static double ours(const struct options *o, int ion, size_t size)
{
	struct ion_alloc data = { .len = size, .mask = o->mask, .fd = UINT32_MAX };
	double start;

	if (o->held && !held_becomes(o->held, 0))
		exit(1);
	start = now();
	if (ioctl(ion, ION_ALLOC, &data) || close(data.fd))
		die("ION_IOC_ALLOC");
	return now() - start;
}

static double the_kernels(int heap, size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	double start = now();

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) || close(data.fd))
		die("DMA_HEAP_IOCTL_ALLOC");
	return now() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Return: whether the quickest ones are within three times the mark. */
static int judge(const struct bench *bench, double *mine, double *kernel, unsigned long n)
{
	double a, b, best;

	qsort(mine, n, sizeof(*mine), compare);
	qsort(kernel, n, sizeof(*kernel), compare);
	a = mine[n / 2];
	b = kernel[n / 2];
	best = mine[0] / kernel[0];
	printf("%3zu MiB alloc + close  %9.1f us, the kernel's %9.1f us, ratio %.3f, best %.3f",
	       bench->size >> 20, a, b, a / b, best);
	if (bench->mark > 0)
		printf(" (mark %.1f)", bench->mark);
	printf("\n");
	return !(bench->mark > 0) || best <= TOLERANCE * bench->mark;
}

static int measure(const struct options *o, int ion, int heap, const struct bench *bench)
{
	double *mine = calloc(o->count, sizeof(*mine)), *kernel = calloc(o->count, sizeof(*kernel));
	int good;

	if (!mine || !kernel)
		die("memory");
	for (unsigned long i = 0; i < o->count; i++) {
		mine[i] = ours(o, ion, bench->size);
		kernel[i] = the_kernels(heap, bench->size);
	}
	good = judge(bench, mine, kernel, o->count);
	free(mine);
	free(kernel);
	return good;
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int ion, heap, good = 1;

	o.count = 20;
	o.mask = 1u << ION_ID_DMA;
	options_parse(&o, argc, argv, "d:n:T:M:c:");
	alarm(o.seconds);
	ion = open(o.node, O_RDONLY | O_CLOEXEC);
	if (ion < 0 || !o.count)
		die(o.node);
	heap = open(KERNEL_HEAP, O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		die(KERNEL_HEAP);
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
		good &= measure(&o, ion, heap, &benches[i]);
	return !good;
}
