// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/listing.c: all that is there, once each, also where it comes and goes meanwhile */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/listing.h"
#include "core_fixture.h"

enum { N = 6 };

static struct core_fixture f;

static void setup(void)
{
	core_start(&f, &core_limits);
}

static void teardown(void)
{
	service_look(f.service);
	core_assert_empty(&f);
	core_stop(&f);
}

static size_t count_buffers(uint64_t after)
{
	struct buffer_info info;
	size_t n = 0;

	while (service_next_buffer(f.service, &after, &info)) {
		ck_assert_uint_eq(info.id, after);
		n++;
	}
	return n;
}

START_TEST(nothing)
{
	struct buffer_info buffer;
	struct client_info client;
	uint64_t after = 0;

	ck_assert(!service_next_buffer(f.service, &after, &buffer));
	ck_assert(!service_next_client(f.service, &after, &client));
	after = UINT64_MAX;
	ck_assert(!service_next_buffer(f.service, &after, &buffer));
}
END_TEST

START_TEST(one_buffer)
{
	struct client *client = core_client(&f, 1000);
	struct buffer_info info;
	struct file *file;
	uint64_t after = 0;
	int fd;

	ck_assert_int_eq(core_alloc(client, 5000, MASK(CORE_HEAP_ODD), &file, &fd), 0);
	ck_assert(service_next_buffer(f.service, &after, &info));
	ck_assert_uint_eq(info.id, file->id);
	ck_assert_uint_eq(after, file->id);
	ck_assert_uint_eq(info.size, 8192);
	ck_assert_uint_eq(info.client, client->id);
	ck_assert_uint_eq(info.ino, file->export.ino);
	ck_assert_str_eq(info.heap, "odd");
	ck_assert_str_eq(info.exporter, "memfd");
	ck_assert_uint_eq(info.heap_id, CORE_HEAP_ODD);
	ck_assert_uint_eq(info.uid, 1000);
	ck_assert_uint_eq(info.tid, 12);
	ck_assert_int_ne(info.end, EXPORT_END_NONE);
	file_delivered(file);

	/* it outlives who asked for it */
	client_free(client);
	after = 0;
	ck_assert(service_next_buffer(f.service, &after, &info));
	ck_assert_uint_eq(info.client, 0);
	ck_assert_uint_eq(info.uid, 1000);
	close(fd);
}
END_TEST

/* held by a name inside alone: it has no file */
START_TEST(handle)
{
	const struct alloc_want want = { .len = 4096, .mask = MASK(0), .handle = true };
	struct client *client = core_client(&f, 1000);
	struct client_info owner;
	struct buffer_info info;
	struct alloc_done done;
	struct alloc *alloc;
	uint64_t after = 0;

	ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
	alloc_run(alloc);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	ck_assert(service_next_buffer(f.service, &after, &info));
	ck_assert_uint_eq(info.handles, 1);
	ck_assert_uint_eq(info.ino, 0);
	ck_assert_int_eq(info.end, EXPORT_END_NONE);
	after = 0;
	ck_assert(service_next_client(f.service, &after, &owner));
	ck_assert_uint_eq(owner.handles, 1);
	ck_assert_uint_eq(owner.user.used[QUOTA_HANDLES], 1);
	client_free(client);
}
END_TEST

/* one that is being made has no heap's memory, nor a file */
START_TEST(under_way)
{
	struct client *client = core_client(&f, 1000);
	const struct alloc_want want = { .len = 4096, .mask = MASK(0) };
	struct alloc_done done;
	struct alloc *alloc;

	ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
	ck_assert_uint_eq(count_buffers(0), 0);
	alloc_run(alloc);
	ck_assert_uint_eq(count_buffers(0), 0);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	ck_assert_uint_eq(count_buffers(0), 1);
	file_delivered(done.file);
	close(done.fd);
	client_free(client);
}
END_TEST

/* a listing that was broken off goes on behind what it has told, though that is gone, though its
 * place is another's */
START_TEST(goes_on)
{
	struct client *client = core_client(&f, 1000);
	uint64_t ids[N], after = 0, seen;
	struct buffer_info info;
	int fds[N], fd;

	for (int i = 0; i < N; i++) {
		fds[i] = core_alloc_fd(client, 4096);
		ck_assert(service_next_buffer(f.service, &after, &info));
		ids[i] = info.id;
	}
	after = 0;
	for (int i = 0; i < N / 2; i++)
		ck_assert(service_next_buffer(f.service, &after, &info));
	ck_assert_uint_eq(after, ids[N / 2 - 1]);

	close(fds[N / 2 - 1]);
	service_look(f.service);
	ck_assert_uint_eq(count_buffers(after), N / 2);
	fd = core_alloc_fd(client, 4096); /* has that place now, under another id */
	seen = ids[N / 2 - 2];
	ck_assert(service_next_buffer(f.service, &seen, &info));
	ck_assert_uint_ne(info.id, ids[N / 2 - 1]);
	for (int i = N / 2; i < N; i++) {
		ck_assert(service_next_buffer(f.service, &after, &info));
		ck_assert_uint_eq(info.id, ids[i]);
	}
	ck_assert(!service_next_buffer(f.service, &after, &info));
	ck_assert_uint_eq(count_buffers(0), N);

	close(fd);
	for (int i = 0; i < N; i++)
		if (i != N / 2 - 1)
			close(fds[i]);
	client_free(client);
}
END_TEST

START_TEST(clients)
{
	const struct client_who who = { .uid = 7, .gid = 8, .tid = 9, .channel = 3 };
	struct client *a = core_client(&f, 1000), *b = core_client(&f, 1000), *c;
	struct client_info info;
	uint64_t after = 0, fh;
	int fd;

	ck_assert_int_eq(client_new(&c, f.service, &who, &fh), 0);
	fd = core_alloc_fd(a, 8192);
	ck_assert(service_next_client(f.service, &after, &info));
	ck_assert_uint_eq(info.id, a->id);
	ck_assert_uint_eq(info.buffers, 1);
	ck_assert_uint_eq(info.bytes, 8192);
	ck_assert_uint_eq(info.user.used[QUOTA_CLIENTS], 2);
	ck_assert_uint_eq(info.user.used[QUOTA_BYTES], 8192);
	ck_assert_uint_eq(info.user.limit[QUOTA_BYTES], CORE_BYTES);
	ck_assert(service_next_client(f.service, &after, &info));
	ck_assert_uint_eq(info.id, b->id);
	ck_assert_uint_eq(info.bytes, 0);
	ck_assert_uint_eq(info.user.used[QUOTA_BYTES], 8192);
	ck_assert(service_next_client(f.service, &after, &info));
	ck_assert_uint_eq(info.id, fh);
	ck_assert_int_eq(memcmp(&info.who, &who, sizeof(who)), 0);
	ck_assert_uint_eq(info.user.used[QUOTA_BYTES], 0);
	ck_assert(!service_next_client(f.service, &after, &info));
	close(fd);
	client_free(a);
	client_free(b);
	client_free(c);
}
END_TEST

START_TEST(heaps)
{
	struct client *client = core_client(&f, 1000);
	struct heap_detail details[HEAP_IDS];
	int fd = core_alloc_fd(client, 8192);

	ck_assert_uint_eq(service_heap_details(f.service, NULL, 0), 2);
	ck_assert_uint_eq(service_heap_details(f.service, details, HEAP_IDS), 2);
	ck_assert_str_eq(details[0].info.name, "odd");
	ck_assert_uint_eq(details[0].info.id, CORE_HEAP_ODD);
	ck_assert_uint_eq(details[0].bytes, 0);
	ck_assert_ptr_null(details[0].stock.area);
	ck_assert_str_eq(details[1].info.name, "ion_system_heap");
	ck_assert_uint_eq(details[1].bytes, 8192);
	ck_assert_uint_eq(details[1].buffers, 1);
	ck_assert_str_eq(details[1].exporter, "memfd");
	ck_assert_int_eq(details[1].physical, PHYSICAL_ROOT);
	close(fd);
	client_free(client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listing");
	TCase *tcase = tcase_create("listing");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, one_buffer);
	tcase_add_test(tcase, handle);
	tcase_add_test(tcase, under_way);
	tcase_add_test(tcase, goes_on);
	tcase_add_test(tcase, clients);
	tcase_add_test(tcase, heaps);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
