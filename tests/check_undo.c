// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/daemon/undo.c and the kernel's own numbers of huge pages: for root, where memory is to spare.
 * The rest of it is in check_reserve.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "daemon/undo.h"

#define POOL "kernel/mm/hugepages/hugepages-2048kB"
#define NODE "devices/system/node/node0/hugepages/hugepages-2048kB"

enum { PAGES = 8, PAGE = 2 << 20 };

static char note[64];
static struct undo undo;

static uint64_t number(const char *file)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/" POOL "/%s", file);
	ck_assert_int_eq(file_read_text(path, text, sizeof(text)), 0);
	return strtoull(text, NULL, 10);
}

static void setup(void)
{
	snprintf(note, sizeof(note), "/tmp/check_undo.%d", getpid());
	undo_init(&undo, "/sys", note);
}

static void raise_pages(const char *path)
{
	uint64_t before, added = 0;

	ck_assert_int_eq(undo_read(&undo, UNDO_PAGES, path, &before), 0);
	ck_assert_int_eq(undo_raise(&undo, UNDO_PAGES, path, PAGES, &added), 0);
	ck_assert_uint_eq(added, PAGES);
}

START_TEST(up_and_down)
{
	uint64_t before = number("nr_hugepages");

	raise_pages(POOL);
	raise_pages(NODE);
	ck_assert_uint_eq(number("nr_hugepages"), before + 2 * PAGES);
	undo_all(&undo);
	ck_assert_uint_eq(number("nr_hugepages"), before);
	ck_assert_int_ne(access(note, F_OK), 0);
}
END_TEST

/* pages that somebody holds are put back when he lets go of them, with no act of ours */
START_TEST(held)
{
	uint64_t before = number("nr_hugepages"), now;
	void *map;

	raise_pages(POOL);
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	undo_all(&undo);
	now = number("nr_hugepages") - number("surplus_hugepages");
	ck_assert_uint_eq(now, before);
	munmap(map, PAGES * PAGE);
	ck_assert_uint_eq(number("nr_hugepages"), before);
	ck_assert_uint_eq(number("surplus_hugepages"), 0);
}
END_TEST

/* surplus pages are not taken for ours */
START_TEST(beside_surplus)
{
	uint64_t before = number("nr_hugepages"), now;
	void *map;

	raise_pages(POOL);
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	undo_all(&undo);
	raise_pages(POOL);
	now = number("nr_hugepages") - number("surplus_hugepages");
	ck_assert_uint_eq(now, before + PAGES);
	munmap(map, PAGES * PAGE);
	undo_all(&undo);
	ck_assert_uint_eq(number("nr_hugepages"), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("undo");
	TCase *tcase = tcase_create("undo");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (access("/sys/" POOL "/nr_hugepages", W_OK) < 0 || access("/sys/" NODE, F_OK) < 0) {
		puts("skipped: no number of huge pages that may be written");
		return 77;
	}
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, up_and_down);
	tcase_add_test(tcase, held);
	tcase_add_test(tcase, beside_surplus);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
