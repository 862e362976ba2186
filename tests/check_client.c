// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/client.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "core_fixture.h"
#include "fault.h"

static struct core_fixture f;

static void setup(void)
{
	core_start(&f, &core_limits);
}

static void teardown(void)
{
	core_assert_empty(&f);
	core_stop(&f);
}

START_TEST(record_and_handle)
{
	const struct client_who who = { .uid = 1, .gid = 2, .tid = 3, .channel = 4 };
	const struct state_client *record;
	struct client *client;
	uint64_t fh, again;

	ck_assert_int_eq(client_new(&client, f.service, &who, &fh), 0);
	record = state_find(f.state, STATE_CLIENT, fh);
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->uid, 1);
	ck_assert_uint_eq(record->gid, 2);
	ck_assert_uint_eq(record->tid, 3);
	ck_assert_uint_eq(record->channel, 4);
	ck_assert_ptr_null(client_free(client));
	ck_assert_ptr_null(state_find(f.state, STATE_CLIENT, fh));
	ck_assert_ptr_null(service_client(f.service, fh));

	/* a handle isn't used twice */
	ck_assert_int_eq(client_new(&client, f.service, &who, &again), 0);
	ck_assert_uint_ne(again, fh);
	ck_assert_ptr_null(service_client(f.service, fh));
	ck_assert_ptr_null(service_client(f.service, 0));
	ck_assert_ptr_null(service_client(f.service, UINT64_MAX));
	client_free(client);
	ck_assert_ptr_null(client_free(NULL));
}
END_TEST

START_TEST(limit)
{
	struct client *clients[4], *other, *more = NULL;
	uint64_t fh;

	for (int i = 0; i < 4; i++)
		clients[i] = core_client(&f, 1000);
	ck_assert_int_eq(client_new(&more, f.service, &(struct client_who){ .uid = 1000 }, &fh),
			 -ENOMEM);
	ck_assert_ptr_null(more);
	other = core_client(&f, 1001);
	client_free(clients[2]);
	clients[2] = core_client(&f, 1000);
	for (int i = 0; i < 4; i++)
		client_free(clients[i]);
	client_free(other);
}
END_TEST

START_TEST(buffers_outlive_it)
{
	struct client *client = core_client(&f, 1000), *next;
	struct service_totals totals;
	int fd, fds[8];

	fd = core_alloc_fd(client, CORE_BYTES);
	client_free(client);
	service_totals(f.service, &totals);
	ck_assert_uint_eq(totals.clients, 0);
	ck_assert_uint_eq(totals.buffers, 1);

	/* the user still pays; the next client's own account is its own */
	next = core_client(&f, 1000);
	ck_assert_int_eq(core_alloc(next, 1, 1, &(struct file *){ NULL }, &(int){ -1 }), -ENOMEM);
	fd_close(fd);
	for (int i = 0; i < 8; i++)
		fds[i] = core_alloc_fd(next, 4096);
	ck_assert_int_eq(core_alloc(next, 1, 1, &(struct file *){ NULL }, &(int){ -1 }), -ENOMEM);
	client_free(next);
	next = core_client(&f, 1000);
	fd = core_alloc_fd(next, 4096);
	client_free(next);
	for (int i = 0; i < 8; i++)
		fd_close(fds[i]);
	fd_close(fd);
	service_look(f.service);
}
END_TEST

START_TEST(faults)
{
	unsigned int fds = open_fds();
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct client *client = NULL;
		uint64_t fh = 0;
		int r;

		fault_arm(nth);
		r = client_new(&client, f.service, &(struct client_who){ .uid = 7 }, &fh);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, failed);
		ck_assert_int_eq(r < 0, !client);
		client_free(client);
		ck_assert_uint_eq(open_fds(), fds);
		core_assert_empty(&f);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("client");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, record_and_handle);
	tcase_add_test(tcase, limit);
	tcase_add_test(tcase, buffers_outlive_it);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
