// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/daemon/reserve.c and undo.c, over a folder that stands for /sys: what is written to a number
 * of huge pages comes to as many as the kernel of this test has left.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemon/reserve.h"

#define MIB	((uint64_t)1 << 20)
#define GIB	((uint64_t)1 << 30)
#define POOL	"kernel/mm/hugepages/hugepages-2048kB"
#define POOL_1G "kernel/mm/hugepages/hugepages-1048576kB"
#define NODE	"devices/system/node/node1/hugepages/hugepages-2048kB"
#define SIZE	"module/udmabuf/parameters/size_limit_mb"
#define LIST	"module/udmabuf/parameters/list_limit"

static char dir[32], note[64];
static struct settings settings;
static struct undo undo;

/* the kernel */
static uint64_t kernel_pages; /* that a pool can grow to */
static int kernel_error;      /* of each write below a folder of huge pages, or 0 */
static void (*on_write)(void);

int __wrap_file_write_text(const char *path, const char *text);

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

int __wrap_file_write_text(const char *path, const char *text)
{
	bool pages = strstr(path, "/nr_hugepages");
	uint64_t n = strtoull(text, NULL, 10);
	char given[32];

	if (pages && kernel_error)
		return kernel_error;
	snprintf(given, sizeof(given), "%llu\n",
		 (unsigned long long)(pages ? MIN(n, kernel_pages) : n));
	put(path, given);
	if (pages && on_write)
		on_write();
	return 0;
}

static void set_number(const char *path, uint64_t n)
{
	char full[160], text[32];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(full, 0700);
	}
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
	put(full, text);
}

static uint64_t number(const char *path)
{
	char full[160], text[32];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	ck_assert_int_eq(file_read_text(full, text, sizeof(text)), 0);
	return strtoull(text, NULL, 10);
}

static void make_pool(const char *path, uint64_t n, uint64_t surplus)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/nr_hugepages", path);
	set_number(file, n);
	snprintf(file, sizeof(file), "%s/surplus_hugepages", path);
	set_number(file, surplus);
}

static void setup(void)
{
	strcpy(dir, "/tmp/check_reserve.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(note, sizeof(note), "%s/run/reserved", dir);
	make_pool(POOL, 10, 0);
	make_pool(NODE, 3, 0);
	set_number(SIZE, 64);
	set_number(LIST, 1024);
	settings_init(&settings, GIB); /* an area of 256 MiB, its floor 16 */
	undo_init(&undo, dir, note);
	kernel_pages = UINT64_MAX;
	kernel_error = 0;
	on_write = NULL;
	log_set_level(LOG_LEVEL_ERROR);
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* a service that was killed knows nothing */
static void forget(void)
{
	settings_init(&settings, GIB);
	undo_init(&undo, dir, note);
}

static void assert_clean(void)
{
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10);
	ck_assert_uint_eq(number(NODE "/nr_hugepages"), 3);
	ck_assert_uint_eq(number(SIZE), 64);
	ck_assert_uint_eq(number(LIST), 1024);
	ck_assert_int_lt(access(note, F_OK), 0);
}

START_TEST(take_and_give)
{
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10 + 128);
	ck_assert_uint_eq(settings.areas[0].ceiling, 256 * MIB);
	ck_assert_uint_eq(number(SIZE), 4095);
	ck_assert_uint_eq(number(LIST), 1024);
	ck_assert_int_eq(access(note, F_OK), 0);
	reserve_give(&undo);
	assert_clean();
	reserve_give(&undo);
	assert_clean();
}
END_TEST

START_TEST(nodes_and_more_areas)
{
	settings.areas[1] = settings.areas[0];
	settings.areas[1].node = 1;
	settings.areas[2] = settings.areas[0];
	settings.areas[2].ceiling = 16 * MIB;
	settings.n_areas = 3;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10 + 128 + 8);
	ck_assert_uint_eq(number(NODE "/nr_hugepages"), 3 + 128);
	reserve_give(&undo);
	assert_clean();
}
END_TEST

/* surplus pages go by themselves: they are not what was there */
START_TEST(surplus)
{
	make_pool(POOL, 15, 5);
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10 + 128);
}
END_TEST

START_TEST(killed)
{
	for (int i = 0; i < 3; i++) {
		forget();
		reserve_take(&undo, &settings);
		ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10 + 128);
		ck_assert_uint_eq(number(SIZE), 4095);
	}
	reserve_give(&undo);
	assert_clean();
}
END_TEST

static char *note_then;

static void keep_note(void)
{
	char text[512];

	ck_assert_int_eq(file_read_text(note, text, sizeof(text)), 0);
	note_then = strdup(text);
	on_write = NULL;
}

/* in the middle of a raise: the note promises more than has come */
START_TEST(killed_in_between)
{
	kernel_pages = 10 + 50;
	on_write = keep_note;
	reserve_take(&undo, &settings);
	ck_assert_ptr_nonnull(note_then);
	put(note, note_then);
	free(steal(note_then));
	set_number(SIZE, 64);

	forget();
	ck_assert_int_eq(undo_recover(&undo), 1);
	assert_clean();
	ck_assert_int_eq(undo_recover(&undo), 0);
}
END_TEST

START_TEST(short_of_ceiling)
{
	kernel_pages = 10 + 8;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 18);
	ck_assert_uint_eq(settings.areas[0].ceiling, 16 * MIB);
	kernel_pages = UINT64_MAX;
	reserve_give(&undo);
	assert_clean();
}
END_TEST

/* nothing is held that no area can use */
START_TEST(short_of_floor)
{
	kernel_pages = 10 + 7;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10);
	ck_assert_uint_eq(settings.areas[0].ceiling, 0);
	reserve_give(&undo);
	assert_clean();
}
END_TEST

/* an area may have no floor; without a page it is none all the same */
START_TEST(nothing_came)
{
	kernel_pages = 10;
	settings.areas[0].floor = 0;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(settings.areas[0].ceiling, 0);
	reserve_give(&undo);
	assert_clean();
}
END_TEST

START_TEST(read_only)
{
	kernel_error = -EROFS;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(settings.areas[0].ceiling, 256 * MIB);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10);
	reserve_give(&undo);
	assert_clean();
}
END_TEST

/* what can't be noted is not done */
START_TEST(no_note)
{
	undo_init(&undo, dir, "/proc/nowhere/reserved");
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(settings.areas[0].ceiling, 256 * MIB);
	reserve_give(&undo);
	assert_clean();
}
END_TEST

START_TEST(no_such_pages)
{
	settings.areas[0].page_size = GIB;
	settings.areas[0].floor = settings.areas[0].ceiling = GIB;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(settings.areas[0].ceiling, 0);
	reserve_give(&undo);

	settings_init(&settings, GIB);
	settings.areas[0].node = 9;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(settings.areas[0].ceiling, 0);
	reserve_give(&undo);
	assert_clean();
}
END_TEST

START_TEST(pages_of_1g)
{
	make_pool(POOL_1G, 1, 0);
	settings.areas[0].page_size = GIB;
	settings.areas[0].floor = settings.areas[0].ceiling = 2 * GIB;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(POOL_1G "/nr_hugepages"), 3);
	reserve_give(&undo);
	ck_assert_uint_eq(number(POOL_1G "/nr_hugepages"), 1);
	assert_clean();
}
END_TEST

/* somebody wrote a number while we ran: what there is above that of before is ours, as far as we
 * added so much */
START_TEST(others)
{
	static const struct {
		uint64_t then, left;
	} cases[] = { { 10 + 128 + 5, 15 }, { 64, 10 }, { 4, 4 }, { 10, 10 }, { 0, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_pool(POOL, 10, 0);
		forget();
		reserve_take(&undo, &settings);
		make_pool(POOL, cases[i].then, 0);
		reserve_give(&undo);
		ck_assert_uint_eq(number(POOL "/nr_hugepages"), cases[i].left);
	}
}
END_TEST

/* pages that clients still hold become surplus */
START_TEST(held)
{
	reserve_take(&undo, &settings);
	make_pool(POOL, 10 + 128 + 6, 6);
	reserve_give(&undo);
	ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10);
}
END_TEST

START_TEST(limits)
{
	settings.memory = 64 * GIB;
	settings.heaps[3].kind = HEAP_KIND_CHUNK;
	settings.heaps[3].align = 4096;
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(SIZE), 32768 + 4095);
	ck_assert_uint_eq(number(LIST), 65536);
	set_number(LIST, 99999); /* no longer ours */
	reserve_give(&undo);
	ck_assert_uint_eq(number(SIZE), 64);
	ck_assert_uint_eq(number(LIST), 99999);

	set_number(SIZE, 1 << 20); /* never lowered */
	forget();
	reserve_take(&undo, &settings);
	ck_assert_uint_eq(number(SIZE), 1 << 20);
	reserve_give(&undo);
	ck_assert_uint_eq(number(SIZE), 1 << 20);
}
END_TEST

START_TEST(bad_notes)
{
	static const char *const texts[] = {
		"",
		"pages\n",
		"words " POOL " 1 2\n",
		"pages " POOL " -\n",
		"pages no/such/folder 1 2\n",
		"limit no/such/file 1 2\n",
	};
	char run[64];

	snprintf(run, sizeof(run), "%s/run", dir);
	mkdir(run, 0700);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(note, texts[i]);
		forget();
		reserve_take(&undo, &settings);
		ck_assert_uint_eq(number(POOL "/nr_hugepages"), 10 + 128);
		reserve_give(&undo);
		assert_clean();
	}
}
END_TEST

/* no more than fit into the note, and no path that does not */
START_TEST(full)
{
	char path[200];
	uint64_t added;

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(undo_raise(&undo, UNDO_LIMIT, path, 1, &added), -ENOSPC);
	for (int i = 0; i < UNDO_MAX; i++)
		ck_assert_int_eq(undo_raise(&undo, UNDO_LIMIT, LIST, 1, &added), 0);
	ck_assert_int_eq(undo_raise(&undo, UNDO_LIMIT, LIST, 1, &added), -ENOSPC);
	ck_assert_uint_eq(number(LIST), 1024 + UNDO_MAX);
	forget();
	ck_assert_int_eq(undo_recover(&undo), UNDO_MAX);
	assert_clean();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reserve");
	TCase *tcase = tcase_create("reserve");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, take_and_give);
	tcase_add_test(tcase, nodes_and_more_areas);
	tcase_add_test(tcase, surplus);
	tcase_add_test(tcase, killed);
	tcase_add_test(tcase, killed_in_between);
	tcase_add_test(tcase, short_of_ceiling);
	tcase_add_test(tcase, short_of_floor);
	tcase_add_test(tcase, nothing_came);
	tcase_add_test(tcase, read_only);
	tcase_add_test(tcase, no_note);
	tcase_add_test(tcase, no_such_pages);
	tcase_add_test(tcase, pages_of_1g);
	tcase_add_test(tcase, others);
	tcase_add_test(tcase, held);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, bad_notes);
	tcase_add_test(tcase, full);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
