// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/handle.c, share.c, file.c: names of buffers inside, and files of them outside */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/check.h"
#include "core/handle.h"
#include "core/share.h"
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

/* the number of a new buffer's handle, or a negative error */
static int allocate(struct client *of, uint64_t len)
{
	const struct alloc_want want = { .len = len, .mask = MASK(0), .handle = true };
	struct alloc_done done;
	struct alloc *alloc;
	int r;

	r = alloc_begin(&alloc, of, &want);
	if (r < 0)
		return r;
	alloc_run(alloc);
	r = alloc_finish(alloc, &done);
	if (r < 0)
		return r;
	ck_assert_ptr_null(done.file);
	ck_assert_int_eq(done.fd, -1);
	return done.handle;
}

/* an fd of a new file, or a negative error */
static int share(struct client *of, uint32_t handle)
{
	struct share *share;
	struct file *file;
	int fd, r;

	r = share_begin(&share, of, handle, 78, 13);
	if (r < 0)
		return r;
	share_run(share);
	r = share_finish(share, &file, &fd);
	if (r < 0)
		return r;
	file_delivered(file);
	return fd;
}

static uint64_t ino_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* a handle of what is open at @fd, or a negative error */
static int import(struct client *to, int fd)
{
	uint32_t handle = 0;
	int r;

	r = share_import(to, f.exporter->mount, ino_of(fd), &handle);
	return r < 0 ? r : (int)handle;
}

static uint64_t n_buffers(void)
{
	struct service_totals totals;

	service_look(f.service);
	service_totals(f.service, &totals);
	return totals.buffers;
}

static void check_clean(void)
{
	struct check check;

	ck_assert_int_eq(check_init(&check), 0);
	ck_assert_uint_eq(service_check(f.service, &check), 0);
	ck_assert_msg(!check.n_findings, "%s", check.texts[0]);
	check_deinit(&check);
}

START_TEST(lowest_first)
{
	for (int i = 1; i <= 5; i++)
		ck_assert_int_eq(allocate(client, 4096), i);
	ck_assert_int_eq(handle_put(client, 4), 0);
	ck_assert_int_eq(handle_put(client, 2), 0);
	ck_assert_int_eq(allocate(client, 4096), 2);
	ck_assert_int_eq(allocate(client, 4096), 4);
	ck_assert_int_eq(allocate(client, 4096), 6);
	ck_assert_uint_eq(n_buffers(), 6);
	check_clean();
}
END_TEST

START_TEST(no_such_handle)
{
	const uint32_t numbers[] = { 0, 2, 3, UINT32_MAX, INT32_MAX };

	ck_assert_int_eq(allocate(client, 4096), 1);
	ck_assert_int_eq(allocate(client, 4096), 2);
	ck_assert_int_eq(handle_put(client, 2), 0);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		ck_assert_int_eq(handle_put(client, numbers[i]), -EINVAL);
		ck_assert_int_eq(share(client, numbers[i]), -EINVAL);
		ck_assert_ptr_null(handle_buffer(client, numbers[i]));
	}
	ck_assert_uint_eq(n_buffers(), 1);
}
END_TEST

/* another client's number names nothing, or something else */
START_TEST(each_client_has_its_own)
{
	struct client *other = core_client(&f, 1001);

	ck_assert_int_eq(allocate(client, 4096), 1);
	ck_assert_int_eq(handle_put(other, 1), -EINVAL);
	ck_assert_int_eq(allocate(other, 8192), 1);
	ck_assert_uint_eq(handle_buffer(other, 1)->size, 8192);
	ck_assert_uint_eq(handle_buffer(client, 1)->size, 4096);
	check_clean();
	client_free(other);
	ck_assert_uint_eq(n_buffers(), 1);
}
END_TEST

/* the buffer of a file, with what was written to it, by whoever imports it */
START_TEST(shared_and_imported)
{
	struct client *other = core_client(&f, 1001);
	int fd, again;
	char *map;

	ck_assert_int_eq(allocate(client, 5000), 1);
	fd = share(client, 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8192);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	strcpy(map, "kept");
	munmap(map, 8192);

	/* who has it already gets the same number, once more */
	ck_assert_int_eq(import(client, fd), 1);
	ck_assert_int_eq(import(other, fd), 1);
	check_clean();
	close(fd);
	ck_assert_int_eq(handle_put(client, 1), 0);
	ck_assert_int_eq(handle_put(client, 1), 0);
	ck_assert_int_eq(handle_put(client, 1), -EINVAL);
	client = client_free(client);
	ck_assert_uint_eq(n_buffers(), 1);

	again = share(other, 1);
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, again, 0);
	ck_assert_str_eq(map, "kept");
	munmap(map, 8192);
	client_free(other);
	ck_assert_uint_eq(n_buffers(), 1);
	close(again);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(not_ours)
{
	int fd = open("/dev/null", O_RDWR);

	ck_assert_int_eq(allocate(client, 4096), 1);
	ck_assert_int_eq(import(client, fd), -EINVAL);
	close(share(client, 1)); /* from here on our files' mount is known */
	ck_assert_int_eq(import(client, fd), -EINVAL);
	close(fd);
}
END_TEST

/* a file whose mount is another is not ours, whatever its inode */
START_TEST(an_inode_of_another_mount)
{
	uint32_t handle;
	int fd;

	ck_assert_int_eq(allocate(client, 4096), 1);
	fd = share(client, 1);
	ck_assert_int_eq(share_import(client, f.exporter->mount + 1, ino_of(fd), &handle), -EINVAL);
	ck_assert_int_eq(share_import(client, f.exporter->mount, ino_of(fd), &handle), 0);
	close(fd);
}
END_TEST

/* each file is a file of its own on record, and the memory goes with the last of all names */
START_TEST(several_files)
{
	int fds[4];

	ck_assert_int_eq(allocate(client, 4096), 1);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = share(client, 1);
		ck_assert_int_ge(fds[i], 0);
	}
	ck_assert_uint_eq(state_count(f.state, STATE_BUFFER), ARRAY_SIZE(fds));
	check_clean();
	ck_assert_int_eq(handle_put(client, 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		ck_assert_uint_eq(n_buffers(), 1);
		close(fds[i]);
	}
	ck_assert_uint_eq(n_buffers(), 0);
	ck_assert_uint_eq(state_count(f.state, STATE_BUFFER), 0);
}
END_TEST

/* files come and go while a handle stays: the record's own place for one is used again */
START_TEST(files_in_turn)
{
	const struct state_buffer *record;
	uint32_t place = 0;
	uint64_t id;

	ck_assert_int_eq(allocate(client, 4096), 1);
	record = state_next(f.state, STATE_BUFFER, &place, &id);
	ck_assert_uint_eq(record->end, EXPORT_END_NONE);
	for (int i = 0; i < 10; i++) {
		int fd = share(client, 1);

		ck_assert_uint_ne(record->end, EXPORT_END_NONE);
		ck_assert_uint_eq(record->ino, ino_of(fd));
		close(fd);
		ck_assert_uint_eq(n_buffers(), 1);
		ck_assert_uint_eq(state_count(f.state, STATE_BUFFER), 1);
		ck_assert_uint_eq(record->end, EXPORT_END_NONE);
		ck_assert_uint_eq(record->ino, 0);
		check_clean();
	}
}
END_TEST

/* a client's end takes its handles, however often they were had */
START_TEST(client_goes)
{
	int fd, orphan;

	ck_assert_int_eq(allocate(client, 4096), 1);
	ck_assert_int_eq(allocate(client, 4096), 2);
	fd = share(client, 2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(import(client, fd), 2);
	orphan = fd;
	client = client_free(client);
	ck_assert_uint_eq(n_buffers(), 1);
	ck_assert_uint_eq(state_count(f.state, STATE_HANDLE), 0);
	check_clean();
	close(orphan);
}
END_TEST

/* a buffer is paid for by who asked for it; a handle by who has it */
START_TEST(who_pays)
{
	struct client *other = core_client(&f, 1001);
	int fd;

	ck_assert_int_eq(allocate(client, 4096), 1);
	fd = share(client, 1);
	ck_assert_int_eq(import(other, fd), 1);
	ck_assert_uint_eq(other->account.used[QUOTA_BUFFERS], 0);
	ck_assert_uint_eq(other->account.used[QUOTA_HANDLES], 1);
	ck_assert_int_eq(handle_put(client, 1), 0);
	ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 1);
	ck_assert_uint_eq(client->account.used[QUOTA_HANDLES], 0);
	close(fd);
	ck_assert_uint_eq(n_buffers(), 1);
	client_free(other);
	ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 0);
}
END_TEST

START_TEST(no_more_handles)
{
	client->account.limit[QUOTA_HANDLES] = 2;
	ck_assert_int_eq(allocate(client, 4096), 1);
	ck_assert_int_eq(allocate(client, 4096), 2);
	ck_assert_int_eq(allocate(client, 4096), -ENOMEM);
	ck_assert_uint_eq(n_buffers(), 2);
	ck_assert_int_eq(handle_put(client, 1), 0);
	ck_assert_int_eq(allocate(client, 4096), 1);
}
END_TEST

START_TEST(on_record)
{
	const struct state_handle *record;
	uint32_t place = 0;
	uint64_t id;

	ck_assert_int_eq(allocate(client, 4096), 1);
	record = state_next(f.state, STATE_HANDLE, &place, &id);
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->client, client->id);
	ck_assert_uint_eq(record->buffer, handle_buffer(client, 1)->id);
	ck_assert_uint_eq(record->number, 1);
	ck_assert_uint_eq(record->references, 1);
	close(share(client, 1));
	ck_assert_int_eq(handle_put(client, 1), 0);
	place = 0;
	ck_assert_ptr_null(state_next(f.state, STATE_HANDLE, &place, &id));
}
END_TEST

/* given up before it ran, or after; the handle may have gone meanwhile */
START_TEST(share_given_up)
{
	struct share *shares[2], *last;
	struct file *file;
	int fd;

	ck_assert_int_eq(allocate(client, 4096), 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(share_begin(&shares[i], client, 1, 1, 1), 0);
	ck_assert_int_eq(share_begin(&last, client, 1, 1, 1), 0);
	ck_assert_int_eq(handle_put(client, 1), 0);
	share_free(shares[0]);
	share_run(shares[1]);
	share_free(shares[1]);
	share_run(last);
	ck_assert_int_eq(share_finish(last, &file, &fd), 0);
	ck_assert_uint_eq(n_buffers(), 1);
	close(fd);
	file_delivered(file);
	ck_assert_uint_eq(n_buffers(), 0);
}
END_TEST

START_TEST(faults)
{
	unsigned int nth = 0, fds = open_fds();
	bool failed;

	do {
		int handle, fd;

		fault_arm(++nth);
		handle = allocate(client, 8192);
		fd = handle > 0 ? share(client, handle) : -1;
		failed = fault_disarm();
		ck_assert((handle > 0 && fd >= 0) || failed);
		ck_assert_int_ne(fd, -EMFILE);
		fd_close(fd);
		if (handle > 0)
			ck_assert_int_eq(handle_put(client, handle), 0);
		ck_assert_uint_eq(n_buffers(), 0);
		ck_assert_uint_eq(open_fds(), fds);
		ck_assert_uint_eq(state_count(f.state, STATE_BUFFER), 0);
		ck_assert_uint_eq(state_count(f.state, STATE_HANDLE), 0);
		ck_assert_uint_eq(client->account.used[QUOTA_HANDLES], 0);
	} while (failed);
	ck_assert_uint_gt(nth, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handle");
	TCase *tcase = tcase_create("handle");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lowest_first);
	tcase_add_test(tcase, no_such_handle);
	tcase_add_test(tcase, each_client_has_its_own);
	tcase_add_test(tcase, shared_and_imported);
	tcase_add_test(tcase, not_ours);
	tcase_add_test(tcase, an_inode_of_another_mount);
	tcase_add_test(tcase, several_files);
	tcase_add_test(tcase, files_in_turn);
	tcase_add_test(tcase, client_goes);
	tcase_add_test(tcase, who_pays);
	tcase_add_test(tcase, no_more_handles);
	tcase_add_test(tcase, on_record);
	tcase_add_test(tcase, share_given_up);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
