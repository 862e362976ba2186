// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/place.c: who is told where a buffer lies */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/place.h"
#include "core_fixture.h"

enum { GROUP = 44 };

static struct core_fixture f;
static struct client *client;
static struct file *file;
static int fd;

static const gid_t groups[] = { 7, GROUP };

static const struct who root = { .uid = 0, .gid = 0 };
static const struct who outsider = { .uid = 1000, .gid = 1000, .groups = groups, .n_groups = 1 };
static const struct who by_gid = { .uid = 1000, .gid = GROUP };
static const struct who member = { .uid = 1000, .gid = 1000, .groups = groups, .n_groups = 2 };

static void setup(void)
{
	core_start(&f, &core_limits);
	f.odd_place = (struct heap_place){ 0x40000000, 8192, true };
	client = core_client(&f, 1000);
	ck_assert_int_eq(core_alloc(client, 8192, MASK(CORE_HEAP_ODD), &file, &fd), 0);
}

static void teardown(void)
{
	file_delivered(file);
	close(fd);
	client_free(client);
	service_look(f.service);
	core_assert_empty(&f);
	core_stop(&f);
}

static int place(const struct who *who)
{
	struct heap_place place = { .address = 1 };
	int r = service_place(f.service, file->id, who, &place);

	ck_assert_uint_eq(place.address, r ? 1 : f.odd_place.address);
	ck_assert_uint_eq(place.length, r ? 0 : f.odd_place.length);
	ck_assert(place.contiguous == (r == 0));
	return r;
}

START_TEST(root_alone)
{
	ck_assert_int_eq(f.odd->physical, PHYSICAL_ROOT); /* where nothing is said */
	ck_assert_int_eq(place(&root), 0);
	ck_assert_int_eq(place(&outsider), -EPERM);
	ck_assert_int_eq(place(&by_gid), -EPERM);
	ck_assert_int_eq(place(&member), -EPERM);
	/* who pays for it has no right by that; nor has the group 0 */
	ck_assert_int_eq(place(&(struct who){ .uid = 1000, .gid = 0 }), -EPERM);
}
END_TEST

START_TEST(group)
{
	f.odd->physical = PHYSICAL_GROUP;
	f.odd->physical_gid = GROUP;
	ck_assert_int_eq(place(&root), 0);
	ck_assert_int_eq(place(&outsider), -EPERM);
	ck_assert_int_eq(place(&by_gid), 0);
	ck_assert_int_eq(place(&member), 0);
}
END_TEST

START_TEST(all)
{
	f.odd->physical = PHYSICAL_ALL;
	ck_assert_int_eq(place(&root), 0);
	ck_assert_int_eq(place(&outsider), 0);
}
END_TEST

/* that is no secret: heaps are listed to all */
START_TEST(no_address)
{
	f.odd_place.length = 0;
	ck_assert_int_eq(place(&root), -ENODEV);
	ck_assert_int_eq(place(&outsider), -ENODEV);
}
END_TEST

START_TEST(no_such_buffer)
{
	const uint64_t ids[] = { 0, file->id + 1, file->id ^ 1ull << 32, UINT64_MAX };
	struct heap_place place;
	struct alloc *alloc;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_int_eq(service_place(f.service, ids[i], &root, &place), -ENOENT);

	/* one that is being made: its place is the next one */
	ck_assert_int_eq(alloc_begin(&alloc, client,
				     &(struct alloc_want){ .len = 1, .mask = MASK(CORE_HEAP_ODD) }),
			 0);
	ck_assert_int_eq(service_place(f.service, file->id + 1, &root, &place), -ENOENT);
	alloc_run(alloc);
	ck_assert_int_eq(service_place(f.service, file->id + 1, &root, &place), -ENOENT);
	alloc_free(alloc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("place");
	TCase *tcase = tcase_create("place");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, root_alone);
	tcase_add_test(tcase, group);
	tcase_add_test(tcase, all);
	tcase_add_test(tcase, no_address);
	tcase_add_test(tcase, no_such_buffer);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
