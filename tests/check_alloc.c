// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/alloc.c: which heap, which errno, and that what fails leaves nothing behind */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "core_fixture.h"
#include "fault.h"

static struct core_fixture f;
static struct client *client;

static void setup(void)
{
	core_start(&f, &core_limits);
	client = core_client(&f, 1000);
}

static void teardown(void)
{
	client = client_free(client);
	service_look(f.service);
	core_assert_empty(&f);
	core_stop(&f);
}

/* the errno of an allocation, which must not succeed */
static int refused(uint64_t len, uint32_t mask)
{
	struct file *file = NULL;
	int fd = -1, r;

	r = core_alloc(client, len, mask, &file, &fd);
	ck_assert_ptr_null(file);
	ck_assert_int_eq(fd, -1);
	return r;
}

/* the id of the heap that an allocation came from */
static uint32_t heap_of(uint32_t mask)
{
	struct file *file;
	uint32_t id;
	int fd;

	ck_assert_int_eq(core_alloc(client, 4096, mask, &file, &fd), 0);
	id = file->buffer->block.heap->id;
	file_delivered(file);
	fd_close(fd);
	service_look(f.service);
	return id;
}

START_TEST(lengths)
{
	ck_assert_int_eq(refused(0, MASK(0)), -EINVAL);
	ck_assert_int_eq(refused(UINT64_MAX, MASK(0)), -EINVAL);
	ck_assert_int_eq(refused(UINT64_MAX - 4094, MASK(0)), -EINVAL);
	ck_assert_int_eq(refused(UINT64_MAX - 4095, MASK(0)), -ENOMEM);
	ck_assert_int_eq(refused(1ull << 63, MASK(0)), -ENOMEM);
	ck_assert_int_eq(refused(0, 0), -EINVAL);
}
END_TEST

START_TEST(rounding)
{
	struct file *file;
	int fd;

	ck_assert_int_eq(core_alloc(client, 70000, MASK(0), &file, &fd), 0);
	ck_assert_uint_eq(file->buffer->size, 73728);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 73728);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	file_delivered(file);
	fd_close(fd);
	service_look(f.service);
}
END_TEST

START_TEST(masks)
{
	for (uint32_t id = 0; id < 32; id++) {
		if (id == 0 || id == 25)
			ck_assert_uint_eq(heap_of(MASK(id)), 0);
		else if (id == CORE_HEAP_ODD || id == CORE_ALIAS_ODD)
			ck_assert_uint_eq(heap_of(MASK(id)), CORE_HEAP_ODD);
		else
			ck_assert_int_eq(refused(4096, MASK(id)), -ENODEV);
	}
	ck_assert_int_eq(refused(4096, 0), -ENODEV);
	ck_assert_uint_eq(heap_of(UINT32_MAX), CORE_HEAP_ODD);
	/* an alias counts as its heap: 25 stands for 0, below 4 */
	ck_assert_uint_eq(heap_of(MASK(25) | MASK(CORE_HEAP_ODD)), CORE_HEAP_ODD);
}
END_TEST

START_TEST(next_heap)
{
	const uint32_t both = MASK(0) | MASK(CORE_HEAP_ODD);

	f.odd_reserve = -EPERM;
	ck_assert_uint_eq(heap_of(both), 0);
	ck_assert_int_eq(refused(4096, MASK(CORE_HEAP_ODD)), -EPERM);
	f.odd_reserve = 0;
	f.odd_fill = -EIO;
	ck_assert_uint_eq(heap_of(both), 0);
	ck_assert_int_eq(refused(4096, MASK(CORE_HEAP_ODD)), -EIO);
	/* that we are out of fds isn't EMFILE to a client */
	f.odd_fill = -EMFILE;
	ck_assert_int_eq(refused(4096, MASK(CORE_HEAP_ODD)), -ENOMEM);
}
END_TEST

START_TEST(last_errno)
{
	f.odd_fill = -EIO;
	/* more than half of memory, though the account has it */
	client->user->account.limit[QUOTA_BYTES] = QUOTA_NO_LIMIT;
	ck_assert_int_eq(refused(CORE_TOTALRAM / 2 + 1, MASK(0)), -ENOMEM);
	ck_assert_int_eq(refused(CORE_TOTALRAM / 2 + 1, MASK(CORE_HEAP_ODD)), -EIO);
	ck_assert_int_eq(refused(CORE_TOTALRAM / 2 + 1, UINT32_MAX), -ENOMEM);
}
END_TEST

START_TEST(quotas)
{
	int fds[8];

	ck_assert_int_eq(refused(CORE_BYTES + 1, MASK(0)), -ENOMEM);
	for (int i = 0; i < 8; i++)
		fds[i] = core_alloc_fd(client, 4096);
	ck_assert_int_eq(refused(4096, MASK(0)), -ENOMEM);
	/* what has ended is found when it is needed, without being told */
	for (int i = 0; i < 8; i++)
		fd_close(fds[i]);
	fd_close(core_alloc_fd(client, CORE_BYTES));
	fd_close(core_alloc_fd(client, CORE_BYTES));
	service_look(f.service);
}
END_TEST

/* a heap that is full, too, has room again as soon as something has ended */
START_TEST(full_heap)
{
	struct file *file;
	int fd, second;

	f.odd_most = 1;
	ck_assert_int_eq(core_alloc(client, 4096, MASK(CORE_HEAP_ODD), &file, &fd), 0);
	file_delivered(file);
	ck_assert_int_eq(refused(4096, MASK(CORE_HEAP_ODD)), -ENOMEM);
	ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 1);
	fd_close(fd);
	ck_assert_int_eq(core_alloc(client, 4096, MASK(CORE_HEAP_ODD), &file, &second), 0);
	file_delivered(file);
	fd_close(second);
	service_look(f.service);
}
END_TEST

START_TEST(slow)
{
	const uint64_t lens[] = { 1, ALLOC_SLOW_BYTES, ALLOC_SLOW_BYTES + 1 };

	for (int i = 0; i < 3; i++) {
		struct alloc *alloc;

		ck_assert_int_eq(alloc_begin(&alloc, client,
					     &(struct alloc_want){ .len = lens[i], .mask = 1 }),
				 0);
		ck_assert_int_eq(alloc_is_slow(alloc), i == 2);
		alloc_free(alloc); /* given up before it ran, or after */
	}
}
END_TEST

START_TEST(client_goes)
{
	const struct alloc_want want = { .len = 4096, .mask = 1 };
	struct alloc_done done = { .fd = -1 };
	struct alloc *allocs[2];

	ck_assert_int_eq(alloc_begin(&allocs[0], client, &want), 0);
	ck_assert_int_eq(alloc_begin(&allocs[1], client, &want), 0);
	alloc_run(allocs[0]);
	client = client_free(client);
	alloc_run(allocs[1]);
	ck_assert_int_eq(alloc_finish(allocs[0], &done), -ECANCELED);
	ck_assert_int_eq(alloc_finish(allocs[1], &done), -ECANCELED);
	ck_assert_ptr_null(done.file);
	ck_assert_int_eq(done.fd, -1);
	core_assert_empty(&f);
}
END_TEST

START_TEST(on_record)
{
	const struct state_buffer *record;
	struct file *file;
	uint32_t place = 0;
	uint64_t id;
	int fd;

	ck_assert_int_eq(core_alloc(client, 5000, MASK(0), &file, &fd), 0);
	record = state_next(f.state, STATE_BUFFER, &place, &id);
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(id, file->id);
	ck_assert_uint_eq(record->size, 8192);
	ck_assert_uint_eq(record->client, client->id);
	ck_assert_uint_eq(record->unique, 77);
	ck_assert_uint_eq(record->uid, 1000);
	ck_assert_uint_eq(record->tid, 12);
	ck_assert_uint_eq(record->exporter, EXPORTER_MEMFD);
	ck_assert_uint_eq(record->end, EXPORT_END_LOOK);
	ck_assert_int_ge(record->memfd, 0);
	ck_assert_int_eq(record->watch, 0);
	ck_assert_int_eq(state_header(f.state)->watch_fds[0], watch_instance_fd(f.watch, 0));
	ck_assert_int_eq(state_header(f.state)->watch_fds[1], -1);
	ck_assert_int_eq(state_header(f.state)->watch_fd, watch_fd(f.watch));
	ck_assert_uint_eq(record->delivered, 0);
	file_delivered(file);
	ck_assert_uint_eq(record->delivered, 1);
	client = client_free(client);
	ck_assert_uint_eq(record->client, 0);
	fd_close(fd);
	service_look(f.service);
	place = 0;
	ck_assert_ptr_null(state_next(f.state, STATE_BUFFER, &place, &id));
}
END_TEST

START_TEST(faults)
{
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct file *file = NULL;
		unsigned int fds = open_fds();
		int fd = -1, r;

		fault_arm(nth);
		r = core_alloc(client, 8192, MASK(0), &file, &fd);
		failed = fault_disarm();
		ck_assert(r == 0 || failed);
		ck_assert(r == 0 || (!file && fd < 0));
		if (!r) {
			file_delivered(file);
			fd_close(fd);
			service_look(f.service);
		}
		ck_assert_uint_eq(open_fds(), fds);
		ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 0);
		ck_assert_uint_eq(client->user->account.used[QUOTA_BYTES], 0);
		ck_assert_uint_eq(state_count(f.state, STATE_BUFFER), 0);
		ck_assert_int_ne(r, -EMFILE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alloc");
	TCase *tcase = tcase_create("alloc");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lengths);
	tcase_add_test(tcase, rounding);
	tcase_add_test(tcase, masks);
	tcase_add_test(tcase, next_heap);
	tcase_add_test(tcase, last_errno);
	tcase_add_test(tcase, quotas);
	tcase_add_test(tcase, full_heap);
	tcase_add_test(tcase, slow);
	tcase_add_test(tcase, client_goes);
	tcase_add_test(tcase, on_record);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
