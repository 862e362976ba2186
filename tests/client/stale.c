// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * No byte of what was anybody's is ever seen again: eight processes allocate from the heaps of a
 * mask, one heap at random each time, find every new buffer all zero, fill it with random bytes and
 * close it some rounds later. -n counts the rounds of all of them; with -b SECONDS they end
 * before that when the time is up.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "abi.h"
#include "door.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define CLIENTS 8
#define HELD	6 /* buffers that each has at a time, at most */

struct count {
	unsigned long rounds, bytes, dirty, failed;
	int error;
};

struct held {
	int fd;
	void *map;
	size_t size;
};

struct client {
	const struct options *o;
	uint64_t random;
	time_t end;
	int ion;
	struct held held[HELD];
	struct count *count; /* the parent reads it */
};

static uint64_t chance(struct client *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

/* mostly a few pages, now and then up to 4 MiB, rarely whole pages */
static size_t chance_size(struct client *c)
{
	uint64_t kind = chance(c) % 64;

	if (kind == 0)
		return 1 + chance(c) % (4 << 20);
	if (kind < 8)
		return 1 + chance(c) % (256 << 10);
	return 1 + chance(c) % 70000;
}

/* one of the mask's heaps */
static uint32_t chance_heap(struct client *c)
{
	uint32_t mask = c->o->mask;

	for (uint64_t n = chance(c) % __builtin_popcount(mask); n; n--)
		mask &= mask - 1;
	return mask & -mask;
}

static void drop(struct held *h)
{
	if (!h->map)
		return;
	munmap(h->map, h->size);
	close(h->fd);
	*h = (struct held){ .fd = -1 };
}

/* no word that is filled in is 0, and none is another's */
static void fill(struct client *c, uint64_t *words, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = chance(c);
}

static bool one_round(struct client *c)
{
	struct held *h = &c->held[chance(c) % HELD];

	drop(h);
	h->size = (chance_size(c) + PAGE - 1) / PAGE * PAGE;
	h->fd = door_alloc(c->ion, h->size, chance_heap(c));
	h->map = h->fd < 0 ? NULL : probe_map(h->fd, h->size, 0);
	if (!h->map) {
		c->count->error = h->fd < 0 ? -h->fd : errno;
		c->count->failed++;
		return false;
	}
	c->count->dirty += !probe_zero(h->map, h->size);
	c->count->bytes += h->size;
	c->count->rounds++;
	fill(c, h->map, h->size);
	return true;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int client_run(struct client *c)
{
	unsigned long rounds = c->o->count / CLIENTS;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	c->ion = door_open(c->o->node);
	if (c->ion < 0)
		return 1;
	for (unsigned long i = 0; i < rounds && now() < c->end; i++)
		if (!one_round(c))
			return 2;
	return 0;
}

static void start_all(const struct options *o, pid_t *pids, struct count *counts, uint64_t seed)
{
	time_t end = now() + (o->buffers ? (time_t)o->buffers : o->seconds);

	for (int i = 0; i < CLIENTS; i++) {
		struct client c = { .o = o, .end = end, .count = &counts[i] };

		c.random = seed + (i + 1) * 0x9e3779b97f4a7c15ull;
		pids[i] = fork();
		if (!pids[i])
			_exit(client_run(&c));
	}
}

static struct count total(const struct count *counts)
{
	struct count all = { 0 };

	for (int i = 0; i < CLIENTS; i++) {
		all.rounds += counts[i].rounds;
		all.bytes += counts[i].bytes;
		all.dirty += counts[i].dirty;
		all.failed += counts[i].failed;
		all.error = counts[i].error ?: all.error;
	}
	return all;
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	uint64_t seed = time(NULL);
	struct count *counts, all;
	pid_t pids[CLIENTS];
	int good = 0, status;

	o.count = 20000;
	options_parse(&o, argc, argv, "d:n:T:M:b:");
	tap_limit(o.seconds);
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED || !o.mask)
		tap_bail("no memory, or no heap");
	start_all(&o, pids, counts, seed);
	for (int i = 0; i < CLIENTS; i++)
		good += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
	all = total(counts);
	tap_diag("seed %" PRIu64 ": %lu rounds, %lu MiB", seed, all.rounds, all.bytes >> 20);
	tap_equal(good, CLIENTS, "%d clients end well", CLIENTS);
	tap_ok(all.rounds >= CLIENTS, "they had rounds");
	tap_equal(all.dirty, 0, "every new buffer is all zero");
	if (!tap_equal(all.failed, 0, "every allocation is served"))
		tap_diag("%s", strerror(all.error));
	return tap_done();
}
