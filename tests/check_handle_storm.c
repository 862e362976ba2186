// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/core/handle.c, share.c, file.c against a model: clients that allocate, share, import and free
 * at random. STORM_SEED=N repeats a run, STORM_STEPS=N makes it another length.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "chance.h"
#include "core/check.h"
#include "core/handle.h"
#include "core/share.h"
#include "core_fixture.h"

#define CLIENTS	 12
#define USERS	 5
#define FILES	 40
#define NUMBERS	 24 /* of a client that the model follows */
#define ALL_SEEN 50 /* steps between two looks at everything */

/* a buffer is told from others by what stands in its first bytes; 0: none */
struct storm {
	struct core_fixture core;
	struct client *clients[CLIENTS];
	uint64_t names[CLIENTS][NUMBERS + 1]; /* of which buffer, by number */
	unsigned int references[CLIENTS][NUMBERS + 1];
	int fds[FILES];
	uint64_t of[FILES];
	uint64_t serial, random;
	uint64_t n_shared, n_imported, n_again;
};

static struct storm storm;

static uint64_t below(struct storm *s, uint64_t n)
{
	return chance_below(&s->random, n);
}

static int pick_client(struct storm *s)
{
	int i = below(s, CLIENTS);

	if (!s->clients[i])
		s->clients[i] = core_client(&s->core, below(s, USERS));
	return i;
}

static uint32_t lowest_free(const struct storm *s, int client)
{
	uint32_t number = 1;

	while (number <= NUMBERS && s->references[client][number])
		number++;
	return number;
}

static void do_allocate(struct storm *s)
{
	int i = pick_client(s);
	uint32_t number = lowest_free(s, i);
	const struct alloc_want want = {
		.len = 1 + below(s, 3 * 4096),
		.mask = MASK(0),
		.handle = true,
	};
	struct alloc_done done;
	struct alloc *alloc;

	if (number > NUMBERS)
		return;
	ck_assert_int_eq(alloc_begin(&alloc, s->clients[i], &want), 0);
	alloc_run(alloc);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	ck_assert_uint_eq(done.handle, number);
	s->names[i][number] = ++s->serial;
	s->references[i][number] = 1;
}

/* the first file of a buffer gets its serial written, which any further one must show */
static void file_mark(struct storm *s, int fd, uint64_t buffer)
{
	uint64_t seen;

	ck_assert_int_eq(pread(fd, &seen, sizeof(seen), 0), sizeof(seen));
	ck_assert(!seen || seen == buffer);
	ck_assert_int_eq(pwrite(fd, &buffer, sizeof(buffer), 0), sizeof(buffer));
}

static void do_share(struct storm *s)
{
	int i = pick_client(s), at = below(s, FILES), r;
	uint32_t number = below(s, NUMBERS + 2);
	struct share *share;
	struct file *file;

	if (s->of[at])
		return;
	r = share_begin(&share, s->clients[i], number, 1, 1);
	if (number > NUMBERS || !s->references[i][number]) {
		ck_assert_int_eq(r, -EINVAL);
		return;
	}
	ck_assert_int_eq(r, 0);
	share_run(share);
	ck_assert_int_eq(share_finish(share, &file, &s->fds[at]), 0);
	file_delivered(file);
	s->of[at] = s->names[i][number];
	file_mark(s, s->fds[at], s->of[at]);
	s->n_shared++;
}

/* the number by which a client knows a buffer, or 0 */
static uint32_t number_of(const struct storm *s, int client, uint64_t buffer)
{
	for (uint32_t number = 1; number <= NUMBERS; number++)
		if (s->references[client][number] && s->names[client][number] == buffer)
			return number;
	return 0;
}

static void do_import(struct storm *s)
{
	int i = pick_client(s), at = below(s, FILES);
	uint32_t number, got;
	struct stat st;

	if (!s->of[at])
		return;
	number = number_of(s, i, s->of[at]);
	s->n_again += number != 0;
	if (!number)
		number = lowest_free(s, i);
	if (number > NUMBERS)
		return;
	ck_assert_int_eq(fstat(s->fds[at], &st), 0);
	ck_assert_int_eq(share_import(s->clients[i], s->core.exporter->mount, st.st_ino, &got), 0);
	ck_assert_uint_eq(got, number);
	s->names[i][number] = s->of[at];
	s->references[i][number]++;
	s->n_imported++;
}

static void do_free(struct storm *s)
{
	int i = pick_client(s);
	uint32_t number = below(s, NUMBERS + 2);
	bool has = number <= NUMBERS && s->references[i][number];

	ck_assert_int_eq(handle_put(s->clients[i], number), has ? 0 : -EINVAL);
	if (has)
		s->references[i][number]--;
}

static void do_close(struct storm *s)
{
	int at = below(s, FILES);

	if (s->of[at])
		close(s->fds[at]);
	s->of[at] = 0;
}

static void do_go(struct storm *s)
{
	int i = below(s, CLIENTS);

	if (!s->clients[i] || below(s, 10))
		return;
	s->clients[i] = client_free(s->clients[i]);
	for (uint32_t number = 0; number <= NUMBERS; number++)
		s->references[i][number] = 0;
}

static void do_change_exporter(struct storm *s)
{
	if (!below(s, 16))
		s->core.exporter->notifies = !s->core.exporter->notifies;
}

/* ---- the model ---- */

/* buffers that have a name, inside or outside */
static uint64_t model_buffers(const struct storm *s)
{
	uint64_t n = 0;

	for (uint64_t buffer = 1; buffer <= s->serial; buffer++) {
		bool named = false;

		for (int i = 0; !named && i < CLIENTS; i++)
			named = number_of(s, i, buffer) != 0;
		for (int at = 0; !named && at < FILES; at++)
			named = s->of[at] == buffer;
		n += named;
	}
	return n;
}

static void check_all(struct storm *s)
{
	struct service_totals totals;
	struct check check;

	/* files of one memfd end together, those that are looked at as well */
	service_look(s->core.service);
	service_totals(s->core.service, &totals);
	ck_assert_uint_eq(totals.buffers, model_buffers(s));
	ck_assert_int_eq(check_init(&check), 0);
	ck_assert_uint_eq(service_check(s->core.service, &check), 0);
	ck_assert_msg(!check.n_findings, "%s", check.texts[0]);
	check_deinit(&check);
}

static void calm(struct storm *s)
{
	for (int at = 0; at < FILES; at++)
		if (s->of[at])
			close(s->fds[at]);
	for (int i = 0; i < CLIENTS; i++)
		client_free(s->clients[i]);
	service_look(s->core.service);
	core_assert_empty(&s->core);
}

static void (*const acts[])(struct storm *s) = {
	do_allocate, do_allocate, do_share, do_share, do_import,	  do_import,
	do_free,     do_free,	  do_close, do_go,    do_change_exporter,
};

START_TEST(storms)
{
	const char *text = getenv("STORM_STEPS");
	const uint64_t steps = text ? strtoull(text, NULL, 0) : 10000;
	const struct quota_limits limits = {
		.user = { QUOTA_NO_LIMIT, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT },
		.client = { QUOTA_NO_LIMIT, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT },
	};
	struct storm *s = &storm;

	s->random = chance_seed("STORM_SEED");
	printf("STORM_SEED=%llu\n", (unsigned long long)s->random);
	fflush(stdout);
	core_start(&s->core, &limits);
	for (uint64_t i = 0; i < steps; i++) {
		acts[below(s, ARRAY_SIZE(acts))](s);
		if (i % ALL_SEEN == 0)
			check_all(s);
	}
	calm(s);
	core_stop(&s->core);
	/* it went everywhere */
	ck_assert_uint_gt(s->n_shared, steps / 100);
	ck_assert_uint_gt(s->n_imported, steps / 100);
	ck_assert_uint_gt(s->n_again, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handle_storm");
	TCase *tcase = tcase_create("storm");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, storms);
	tcase_set_timeout(tcase, 110);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
