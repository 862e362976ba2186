// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A storm on the core: a thousand clients of some users come, allocate, share, hold and go at
 * random, against a model that is nothing but counters. STORM_SEED=N repeats a run, STORM_STEPS=N
 * sets its length; the seed is printed where it fails.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "core_fixture.h"
#include "fault.h"

#define CLIENTS	 1000
#define USERS	 7
#define ALLOCS	 20  /* under way at once */
#define FILES	 200 /* held at once */
#define LEN_MAX	 (12 * 4096)
#define ALL_SEEN 64 /* steps between two looks at everything */

struct held { /* what some program holds of a buffer */
	int fd;
	void *map; /* of its first page */
	uint64_t size;
};

struct storm {
	struct core_fixture core;
	struct client *clients[CLIENTS];
	struct alloc *allocs[ALLOCS];
	struct client *alloc_clients[ALLOCS]; /* who asked; NULL: gone */
	uint64_t alloc_sizes[ALLOCS];
	bool alloc_ran[ALLOCS];
	struct file *undelivered;
	struct held *undelivered_file;
	struct held files[FILES];
	uint64_t n_clients, n_clients_most, n_allocated, n_refused, n_again;
	uint64_t random;
};

static struct storm storm;

/* ---- chance ---- */

static uint64_t chance(struct storm *s)
{
	/* splitmix64 */
	uint64_t z = s->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t below(struct storm *s, uint64_t n)
{
	return chance(s) % n;
}

/* ---- what may happen ---- */

static void do_client_comes_or_goes(struct storm *s)
{
	struct client **client = &s->clients[below(s, CLIENTS)];
	uint64_t fh;

	if (!*client) {
		const struct client_who who = { .uid = below(s, USERS), .tid = 1 + below(s, 99) };

		ck_assert_int_eq(client_new(client, s->core.service, &who, &fh), 0);
		ck_assert_ptr_eq(service_client(s->core.service, fh), *client);
		s->n_clients++;
		s->n_clients_most = MAX(s->n_clients_most, s->n_clients);
		return;
	}
	if (below(s, 3))
		return;
	for (int i = 0; i < ALLOCS; i++)
		if (s->alloc_clients[i] == *client)
			s->alloc_clients[i] = NULL;
	*client = client_free(*client);
	s->n_clients--;
}

static void do_begin(struct storm *s)
{
	struct client *client = s->clients[below(s, CLIENTS)];
	int i = below(s, ALLOCS), r;
	const struct alloc_want want = {
		.unique = chance(s),
		.len = below(s, LEN_MAX + 1),
		.mask = chance(s) & chance(s),
		.flags = chance(s),
	};

	if (!client || s->allocs[i])
		return;
	s->core.odd_reserve = below(s, 4) ? 0 : -ENOMEM;
	r = alloc_begin(&s->allocs[i], client, &want);
	ck_assert(r == 0 || r == -EINVAL || r == -ENODEV || r == -ENOMEM);
	ck_assert_int_eq(r == -EINVAL, !want.len);
	s->n_refused += r == -ENOMEM;
	s->alloc_clients[i] = r ? NULL : client;
	s->alloc_sizes[i] = pages_round(want.len);
	s->alloc_ran[i] = false;
}

static void do_run(struct storm *s)
{
	int i = below(s, ALLOCS);

	if (!s->allocs[i] || s->alloc_ran[i])
		return;
	s->core.odd_fill = below(s, 4) ? 0 : -EIO;
	if (!below(s, 8))
		fault_arm(1 + below(s, 8));
	alloc_run(s->allocs[i]);
	fault_disarm();
	s->alloc_ran[i] = true;
}

/* new memory is zero, whoever had it before; it is soiled for the next one */
static void file_check(struct held *file)
{
	static const char zero[4096];
	char *map;

	ck_assert_int_eq(lseek(file->fd, 0, SEEK_END), file->size);
	map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (uint64_t at = 0; at < file->size; at += sizeof(zero))
		ck_assert_mem_eq(map + at, zero, sizeof(zero));
	memset(map, 0xa5, file->size);
	munmap(map, file->size);
}

static void do_finish(struct storm *s)
{
	struct held *file = &s->files[below(s, FILES)];
	struct alloc_done done = { .fd = -1 };
	int i = below(s, ALLOCS), r;

	if (!s->allocs[i] || !s->alloc_ran[i] || file->size || s->undelivered)
		return;
	s->core.odd_reserve = below(s, 4) ? 0 : -ENOMEM;
	r = alloc_finish(s->allocs[i], &done);
	if (r == ALLOC_E_AGAIN) {
		s->alloc_ran[i] = false;
		s->n_again++;
		return;
	}
	s->allocs[i] = NULL;
	ck_assert_int_eq(r == -ECANCELED, !s->alloc_clients[i]);
	s->alloc_clients[i] = NULL;
	ck_assert_int_eq(r == 0, done.fd >= 0 && done.file);
	if (r < 0)
		return;
	s->n_allocated++;
	*file = (struct held){ .fd = done.fd, .size = s->alloc_sizes[i] };
	file_check(file);
	s->undelivered = done.file;
	s->undelivered_file = file;
	if (!below(s, 4)) { /* it could not be handed over */
		file->fd = fd_close(file->fd);
		file->size = 0;
	}
}

static void do_give_up(struct storm *s)
{
	int i = below(s, ALLOCS);

	if (below(s, 4))
		return;
	s->allocs[i] = alloc_free(s->allocs[i]);
	s->alloc_clients[i] = NULL;
}

static void do_deliver(struct storm *s)
{
	if (s->undelivered)
		file_delivered(s->undelivered);
	s->undelivered = NULL;
}

/* a program copies its fd, maps it, closes it, unmaps it */
static void do_hold(struct storm *s)
{
	struct held *file = &s->files[below(s, FILES)];
	int copy;

	if (!file->size)
		return;
	switch (below(s, 4)) {
	case 0:
		if (file->fd >= 0) {
			copy = dup(file->fd);
			fd_close(file->fd);
			file->fd = copy;
		}
		break;
	case 1:
		if (!file->map && file->fd >= 0)
			file->map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file->fd, 0);
		break;
	case 2:
		file->fd = fd_close(file->fd);
		break;
	default:
		if (file->map)
			munmap(file->map, 4096);
		file->map = NULL;
	}
	if (file->fd < 0 && !file->map)
		file->size = 0;
}

static void do_look(struct storm *s)
{
	service_look(s->core.service);
}

static void do_change_exporter(struct storm *s)
{
	if (!below(s, 16))
		s->core.exporter->notifies = !s->core.exporter->notifies;
}

/* ---- the model ---- */

static void check_all(struct storm *s)
{
	uint64_t buffers = 0, bytes = 0;
	struct service_totals t;

	service_look(s->core.service);
	service_totals(s->core.service, &t);
	for (int i = 0; i < FILES; i++) {
		buffers += s->files[i].size != 0;
		bytes += s->files[i].size;
	}
	for (int i = 0; i < ALLOCS; i++) {
		buffers += s->allocs[i] != NULL;
		bytes += s->allocs[i] ? s->alloc_sizes[i] : 0;
	}
	if (s->undelivered && !s->undelivered_file->size) { /* over, but it waits for that */
		buffers++;
		bytes += s->undelivered->buffer->size;
	}
	ck_assert_uint_eq(t.clients, s->n_clients);
	ck_assert_uint_eq(t.buffers, buffers);
	ck_assert_uint_eq(t.bytes, bytes);
	ck_assert_uint_eq(t.heaps[0].buffers + t.heaps[1].buffers, buffers);
	ck_assert_uint_eq(state_count(s->core.state, STATE_CLIENT), s->n_clients);
	ck_assert_uint_eq(state_count(s->core.state, STATE_BUFFER), buffers);
}

static void calm(struct storm *s)
{
	do_deliver(s);
	for (int i = 0; i < ALLOCS; i++)
		s->allocs[i] = alloc_free(s->allocs[i]);
	for (int i = 0; i < CLIENTS; i++)
		s->clients[i] = client_free(s->clients[i]);
	for (int i = 0; i < FILES; i++) {
		struct held *file = &s->files[i];

		if (file->map)
			munmap(file->map, 4096);
		if (file->size)
			fd_close(file->fd);
	}
	service_look(s->core.service);
	core_assert_empty(&s->core);
}

static const struct {
	unsigned int weight;
	void (*act)(struct storm *s);
} acts[] = {
	{ 20, do_client_comes_or_goes },
	{ 25, do_begin },
	{ 25, do_run },
	{ 30, do_finish },
	{ 10, do_deliver },
	{ 80, do_hold },
	{ 10, do_look },
	{ 2, do_give_up },
	{ 1, do_change_exporter },
};

static void step(struct storm *s)
{
	unsigned int total = 0, dice;

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		total += acts[i].weight;
	dice = below(s, total);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		if (dice < acts[i].weight) {
			acts[i].act(s);
			return;
		}
		dice -= acts[i].weight;
	}
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

START_TEST(storms)
{
	const uint64_t steps = setting("STORM_STEPS", 40000);
	const uint64_t seed = setting("STORM_SEED", (uint64_t)time(NULL) << 16 | getpid());
	const struct quota_limits limits = {
		.user = { 60 * 4096, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT },
		.client = { QUOTA_NO_LIMIT, 3, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT },
	};
	struct storm *s = &storm;

	printf("STORM_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	s->random = seed;
	core_start(&s->core, &limits);
	for (uint64_t i = 0; i < steps; i++) {
		step(s);
		if (i % ALL_SEEN == 0)
			check_all(s);
	}
	calm(s);
	core_stop(&s->core);
	/* it went everywhere */
	ck_assert_uint_gt(s->n_clients_most, CLIENTS / 2);
	ck_assert_uint_gt(s->n_allocated, steps / 100);
	ck_assert_uint_gt(s->n_refused, 0);
	ck_assert_uint_gt(s->n_again, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("storm");
	TCase *tcase = tcase_create("storm");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, storms);
	tcase_set_timeout(tcase, 110); /* also under emulation */
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
