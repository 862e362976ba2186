// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What programs do thousands of times, by both generations of the ABI: fork, allocate and exit on
 * one inherited fd; a hundred threads on one; sizes, flags and masks on every heap in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "either.h"
#include "old.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SYSTEM	 (1u << ION_ID_SYSTEM)
#define THREADS	 100
#define HELD	 (64ull << 20) /* bytes held at a time */
#define WHOLE	 (256u << 10)  /* buffers up to here are looked at whole */
#define RING	 1024	       /* buffers held at a time */

static const size_t sizes[] = { 4 << 10, 64 << 10, 1 << 20, 2 << 20 };

static int open_node(const struct options *o)
{
	int ion = open(o->node, O_RDONLY | O_CLOEXEC);

	if (ion < 0)
		tap_bail("%s: %s", o->node, strerror(errno));
	return ion;
}

/* the lowest handle is free again: nothing of what was done is left with the client */
static void check_empty(int ion, const char *after)
{
	const struct old_alloc want = { PAGE, 0, SYSTEM, 0, 0 };
	int handle = old_alloc(ion, &want);

	tap_equal(handle, 1, "after %s the client has no handle left", after);
	old_free(ion, handle);
}

/* ---- fork, allocate, exit ---- */

/* a mapping is all that is left when it exits, but for what a modern program leaves to exit, too */
static int alloc_and_exit(int ion, bool old)
{
	struct either e = { .len = PAGE, .mask = SYSTEM };
	char *p;

	if (either_get(ion, old, &e))
		return 1;
	p = probe_map(e.fd, PAGE, 0);
	if (!p || !probe_zero(p, PAGE))
		return 2;
	probe_stamp(p, PAGE, 3);
	if (old && either_put(ion, &e))
		return 3;
	return probe_stamped(p, PAGE, 3) ? 0 : 4;
}

static void check_forks(const struct options *o, bool old)
{
	int ion = open_node(o), status, last = 0;
	unsigned long i, failed = 0;

	for (i = 0; i < o->others; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(alloc_and_exit(ion, old));
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			tap_bail("fork: %s", strerror(errno));
		failed += status != 0;
		last = status ? status : last;
	}
	tap_equal(failed, 0, "%s: %lu children allocate and exit, one after the other",
		  either_names[old], o->others);
	if (failed)
		tap_diag("the last one's status was %#x", last);
	check_empty(ion, "all the children");
	close(ion);
}

/* ---- a hundred threads ---- */

struct crowd {
	int ion;
	unsigned long rounds; /* of each */
	pthread_barrier_t start;
	atomic_int failed, error;
};

static int use(int ion, bool old, uint64_t seed)
{
	struct either e = { .len = 2 * PAGE, .mask = SYSTEM, .flags = seed >> 17 & 3 };
	char *p;
	int r = either_get(ion, old, &e);

	if (r < 0)
		return r;
	p = probe_map(e.fd, e.len, 0);
	if (!p)
		return -errno;
	r = probe_zero(p, e.len) ? 0 : -EUCLEAN;
	probe_stamp(p, e.len, seed);
	if (old && old_import(ion, e.fd) != e.handle)
		r = -EXDEV;
	if (old && old_free(ion, e.handle))
		r = -EBADR;
	if (!probe_stamped(p, e.len, seed))
		r = -ESTALE;
	munmap(p, e.len);
	return either_put(ion, &e) ? -EBADR : r;
}

static void *one_of_many(void *arg)
{
	static atomic_ulong serial;
	struct crowd *crowd = arg;
	unsigned long i, n;
	int r;

	pthread_barrier_wait(&crowd->start);
	for (i = 0; i < crowd->rounds; i++) {
		n = atomic_fetch_add(&serial, 1);
		r = use(crowd->ion, n & 1, n << 16);
		if (r >= 0)
			continue;
		atomic_fetch_add(&crowd->failed, 1);
		atomic_store(&crowd->error, -r);
	}
	return NULL;
}

static void check_threads(const struct options *o)
{
	struct crowd crowd = { .ion = open_node(o), .rounds = o->buffers };
	int i, fds = probe_fd_count();
	pthread_t threads[THREADS];
	pthread_attr_t attr;

	pthread_barrier_init(&crowd.start, NULL, THREADS);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], &attr, one_of_many, &crowd))
			tap_bail("no thread");
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_equal(crowd.failed, 0, "%d threads on one fd, both generations", THREADS);
	if (crowd.failed)
		tap_diag("the last error was %s", strerrorname_np(crowd.error));
	tap_equal(probe_fd_count(), fds, "as many fds as before");
	check_empty(crowd.ion, "all the threads");
	close(crowd.ion);
}

/* ---- every size with every flag ---- */

/* zero, as far as we look; then no longer */
static bool is_new(char *p, size_t size)
{
	bool zero = size <= WHOLE ? probe_zero(p, size)
				  : probe_zero(p, PAGE) && probe_zero(p + size - PAGE, PAGE);

	memset(p, 0xa5, size <= WHOLE ? size : PAGE);
	memset(p + size - PAGE, 0xa5, PAGE);
	return zero;
}

static int get_and_use(int ion, bool old, struct either *e)
{
	int r = either_get(ion, old, e);
	char *p;

	if (r < 0)
		return r;
	if (probe_size(e->fd) != (int64_t)e->len)
		return -EMSGSIZE;
	p = probe_map(e->fd, e->len, 0);
	if (!p)
		return -errno;
	r = is_new(p, e->len) ? 0 : -EUCLEAN;
	munmap(p, e->len);
	return r;
}

static void check_size(const struct options *o, bool old, const struct ion_heap *heap, size_t size)
{
	static struct either ring[RING];
	size_t n = HELD / size < RING ? HELD / size : RING;
	int ion = open_node(o), r, last = 0;
	unsigned long i, failed = 0;

	for (i = 0; i < n; i++)
		ring[i] = (struct either){ .fd = -1 };
	for (i = 0; i < o->count; i++) {
		struct either *e = &ring[i % n];

		failed += either_put(ion, e) != 0;
		*e = (struct either){ .len = size, .mask = 1u << heap->id, .flags = i & 3 };
		r = get_and_use(ion, old, e);
		failed += r != 0;
		last = r ? r : last;
	}
	for (i = 0; i < n; i++)
		failed += either_put(ion, &ring[i]) != 0;
	tap_equal(failed, 0, "%s: %lu times %zu KiB of %s, flags 0 to 3", either_names[old],
		  o->count, size >> 10, heap->name);
	if (last)
		tap_diag("the last error was %s", strerrorname_np(-last));
	close(ion);
}

/* ---- masks, and more than there is ---- */

static void check_masks(int ion, bool old)
{
	uint32_t given = 0, wrong = 0, bit;

	for (bit = 0; bit < 32; bit++) {
		struct either e = { .len = PAGE, .mask = 1u << bit };
		int r = either_get(ion, old, &e);

		if (r == 0 && probe_size(e.fd) == PAGE && either_put(ion, &e) == 0)
			given |= 1u << bit;
		else if (r != -ENODEV)
			wrong |= 1u << bit;
	}
	tap_equal(wrong, 0, "%s: each of the 32 masks of one bit gives a buffer or ENODEV",
		  either_names[old]);
	tap_ok(given & SYSTEM, "%s: that of the system heap gives one", either_names[old]);
	tap_diag("%s: a buffer for %#x", either_names[old], given);
}

/* more than any heap may give, as far as the struct has room for that; or 0 */
static uint64_t oversize(bool old)
{
	struct sysinfo info;

	if (!old || sizeof(size_t) == 8)
		return 1ull << 40;
	sysinfo(&info);
	return (uint64_t)info.totalram * info.mem_unit / 2 < 0xfffff000 ? 0xfffff000 : 0;
}

static void check_oversize(int ion, bool old, const struct ion_heap *heap)
{
	struct either e = { .len = oversize(old), .mask = 1u << heap->id };

	if (!e.len) {
		tap_skip("this machine has more than 32 bits can ask for", "%s: oversize of %s",
			 either_names[old], heap->name);
		return;
	}
	tap_errno(either_get(ion, old, &e), ENOMEM, "%s: oversize of %s", either_names[old],
		  heap->name);
	either_put(ion, &e);
}

static void check_heaps(const struct options *o, bool old)
{
	struct ion_heap heaps[EITHER_HEAPS];
	int ion = open_node(o), n = either_heaps(ion, heaps), i;
	size_t k;

	tap_ok(n > 0, "%s: heaps are listed", either_names[old]);
	for (i = 0; i < n; i++) {
		for (k = 0; k < COUNT(sizes); k++)
			check_size(o, old, &heaps[i], sizes[k]);
		check_oversize(ion, old, &heaps[i]);
	}
	check_masks(ion, old);
	close(ion);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int fds, old;

	o.count = 1024;
	o.others = 4096;
	o.buffers = 8;
	o.seconds = 900;
	options_parse(&o, argc, argv, "d:n:o:b:T:");
	tap_limit(o.seconds);
	fds = probe_fd_count();
	check_threads(&o);
	for (old = 0; old < 2; old++) {
		check_forks(&o, old);
		check_heaps(&o, old);
	}
	tap_equal(probe_fd_count(), fds, "as many fds as at the start");
	return tap_done();
}
