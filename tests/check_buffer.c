// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/buffer.c, look.c: when a buffer ends, by each of the ways that an end is seen */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
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
	core_assert_empty(&f);
	core_stop(&f);
}

static uint64_t n_buffers(void)
{
	struct service_totals totals;

	service_look(f.service);
	service_totals(f.service, &totals);
	ck_assert_uint_eq(totals.buffers, state_count(f.state, STATE_BUFFER));
	return totals.buffers;
}

static bool is_told(void)
{
	struct pollfd p = { .fd = service_watch_fd(f.service), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* the memfd exporter with the one property of udmabuf's that the core sees: its close is its end */
static struct exporter_ops one_file_ops;

static void use_one_file(void)
{
	one_file_ops = *f.exporter->ops;
	one_file_ops.hands_out_memfd = false;
	f.exporter->ops = &one_file_ops;
}

START_TEST(held_by_anyone)
{
	int fd = core_alloc_fd(client, 8192), copy;
	void *map;

	ck_assert(!service_must_look(f.service));
	copy = dup(fd);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 4096);
	ck_assert_ptr_ne(map, MAP_FAILED);
	fd_close(fd);
	ck_assert_uint_eq(n_buffers(), 1);
	fd_close(copy);
	ck_assert_uint_eq(n_buffers(), 1);
	ck_assert(!is_told());
	munmap(map, 4096);
	ck_assert(is_told());
	ck_assert_uint_eq(n_buffers(), 0);
	ck_assert(!is_told());
}
END_TEST

START_TEST(opened_again)
{
	int fd = core_alloc_fd(client, 4096), again;

	again = pages_reopen(fd, O_RDWR);
	fd_close(fd);
	ck_assert(is_told()); /* a close, but not the end */
	ck_assert_uint_eq(n_buffers(), 1);
	fd_close(again);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(over_before_delivered)
{
	struct file *file;
	int fd;

	/* the delivery failed, or its taker was faster than the news of it */
	ck_assert_int_eq(core_alloc(client, 4096, MASK(0), &file, &fd), 0);
	fd_close(fd);
	ck_assert_uint_eq(n_buffers(), 1);
	ck_assert(file->over);
	file_delivered(file);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(one_file)
{
	struct file *file;
	int fd, copy;

	use_one_file();
	ck_assert_int_eq(core_alloc(client, 4096, MASK(0), &file, &fd), 0);
	ck_assert_int_eq(file->export.end, EXPORT_END_CLOSE);
	ck_assert_int_eq(file->record->look_fd, -1);
	copy = dup(fd);
	fd_close(fd);
	file_delivered(file);
	ck_assert_uint_eq(n_buffers(), 1);
	ck_assert(!service_must_look(f.service));
	fd_close(copy);
	ck_assert_uint_eq(n_buffers(), 0);

	/* also where nobody but us ever had it */
	ck_assert_int_eq(core_alloc(client, 4096, MASK(0), &file, &fd), 0);
	fd_close(fd);
	service_look(f.service);
	file_delivered(file);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

/* the memfd exporter as one that tells of the end by itself, as `file` does */
static struct export *teller;
static int n_dropped;

static int tell_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		     size_t n)
{
	export->fd = pages_reopen(slices[0].fd, O_RDWR);
	export->ino = 4711;
	export->tells = true;
	export->file = &teller;
	return export->fd < 0 ? export->fd : 0;
}

static void tell_follow(struct export *export)
{
	ck_assert_ptr_nonnull(export->ended);
	teller = export;
}

static void tell_drop(struct export *export)
{
	teller = NULL;
	n_dropped++;
}

static struct exporter_ops tell_ops;

static void use_tell(void)
{
	tell_ops = *f.exporter->ops;
	tell_ops.waits = true;
	tell_ops.make = tell_make;
	tell_ops.follow = tell_follow;
	tell_ops.drop = tell_drop;
	f.exporter->ops = &tell_ops;
}

START_TEST(told)
{
	struct file *file;
	int fd;

	use_tell();
	ck_assert_int_eq(core_alloc(client, 4096, MASK(0), &file, &fd), 0);
	ck_assert_int_eq(file->record->end, EXPORT_END_TOLD);
	ck_assert_uint_eq(file->record->ino, 4711);
	file_delivered(file);
	ck_assert(!service_must_look(f.service));
	fd_close(fd);
	ck_assert(!is_told());
	ck_assert_uint_eq(n_buffers(), 1);
	teller->ended(teller);
	ck_assert_uint_eq(n_buffers(), 0);
	ck_assert_int_eq(n_dropped, 1);

	/* told before it was delivered, and given up before it was made known */
	ck_assert_int_eq(core_alloc(client, 4096, MASK(0), &file, &fd), 0);
	fd_close(fd);
	teller->ended(teller);
	ck_assert_uint_eq(n_buffers(), 1);
	file_delivered(file);
	ck_assert_uint_eq(n_buffers(), 0);
	ck_assert_int_eq(n_dropped, 2);
}
END_TEST

START_TEST(waits)
{
	const struct alloc_want want = { .len = 4096, .mask = 1 };
	struct alloc *alloc;

	use_tell();
	ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
	ck_assert(alloc_is_slow(alloc)); /* however small */
	alloc_run(alloc);
	alloc_free(alloc);
	ck_assert_int_eq(n_dropped, 1);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(must_look)
{
	struct file *file;
	int fds[3];

	f.exporter->notifies = false;
	ck_assert_int_eq(core_alloc(client, 4096, MASK(0), &file, &fds[0]), 0);
	ck_assert_int_eq(file->record->end, EXPORT_END_HOLD);
	ck_assert(!service_must_look(f.service)); /* not while it is being delivered */
	file_delivered(file);
	ck_assert(service_must_look(f.service));
	fds[1] = core_alloc_fd(client, 4096);
	fds[2] = core_alloc_fd(client, 4096);
	ck_assert_uint_eq(n_buffers(), 3);
	fd_close(fds[1]);
	ck_assert(!is_told());
	ck_assert_uint_eq(n_buffers(), 2);
	fd_close(fds[0]);
	fd_close(fds[2]);
	ck_assert_uint_eq(n_buffers(), 0);
	ck_assert(!service_must_look(f.service));
}
END_TEST

START_TEST(looked_at_by_turns)
{
	enum { N = SERVICE_LOOK_BATCH + 10 };
	int fds[N];

	client->account.limit[QUOTA_BUFFERS] = N;
	f.exporter->notifies = false;
	for (int i = 0; i < N; i++)
		fds[i] = core_alloc_fd(client, 4096);
	for (int i = 0; i < N; i++)
		fd_close(fds[i]);
	ck_assert_uint_eq(n_buffers(), 10);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(looked_at_in_passing)
{
	/* nobody calls service_look(): what has ended can't grow without a bound */
	f.exporter->notifies = false;
	client->account.limit[QUOTA_BUFFERS] = 64;
	for (int i = 0; i < 200; i++)
		fd_close(core_alloc_fd(client, 4096));
	ck_assert_uint_le(client->account.used[QUOTA_BUFFERS], 2);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(no_more_watches)
{
	struct file *file;
	int fd, again;

	/* at first: the fault is in inotify_add_watch(), the last call of all; earlier ones make it
	 * fail, or look for memory and go on */
	for (unsigned int nth = 1;; nth++) {
		fault_arm(nth);
		if (core_alloc(client, 4096, MASK(0), &file, &fd) < 0)
			continue;
		ck_assert(fault_disarm());
		if (file->export.end == EXPORT_END_HOLD)
			break;
		file_delivered(file);
		fd_close(fd);
	}
	file_delivered(file);
	ck_assert(service_must_look(f.service));
	fd_close(fd);
	ck_assert_uint_eq(n_buffers(), 0);

	/* and when it is to be watched again: open files of it come and go until the fault is there
	 */
	fd = core_alloc_fd(client, 4096);
	for (unsigned int nth = 1; !service_must_look(f.service); nth++) {
		again = pages_reopen(fd, O_RDONLY);
		fd_close(again);
		fault_arm(nth);
		ck_assert_uint_eq(n_buffers(), 1);
		ck_assert(fault_disarm());
	}
	fd_close(fd);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(service_goes_first)
{
	const struct service_config config = { .state = f.state,
					       .heaps = f.heaps,
					       .watch = f.watch };
	int fd = core_alloc_fd(client, 4096);

	/* buffers that are held, and their clients, go with the service: their files stay */
	client = NULL;
	f.service = service_free(f.service);
	ck_assert_uint_eq(state_count(f.state, STATE_BUFFER), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 4096);
	fd_close(fd);
	ck_assert_int_eq(service_new(&f.service, &config), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tcase = tcase_create("buffer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, held_by_anyone);
	tcase_add_test(tcase, opened_again);
	tcase_add_test(tcase, over_before_delivered);
	tcase_add_test(tcase, one_file);
	tcase_add_test(tcase, told);
	tcase_add_test(tcase, waits);
	tcase_add_test(tcase, must_look);
	tcase_add_test(tcase, looked_at_by_turns);
	tcase_add_test(tcase, looked_at_in_passing);
	tcase_add_test(tcase, no_more_watches);
	tcase_add_test(tcase, service_goes_first);
	tcase_set_timeout(tcase, 60); /* also under emulation */
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
