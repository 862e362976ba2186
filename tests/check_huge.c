// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/mem/frames.c, area.c and scrub.c over the kernel's own huge pages: for the test machine, as
 * root. It reserves HUGE_PAGES beyond those that are, and gives them back. Where there is a
 * /dev/udmabuf, blocks are pinned and ranges are exported; only in the test machine, and where
 * HUGE_POISON is set, is a page poisoned: it is gone until the next boot. HUGE_SEED=N repeats a
 * run.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "chance.h"
#include "fault.h"
#include "mem/area.h"
#include "mem/clear.h"
#include "mem/export.h"
#include "mem/frames.h"
#include "mem/pages.h"
#include "mem/scrub.h"
#include "mem/zones.h"

#define NR_PATH	   "/proc/sys/vm/nr_hugepages"
#define HUGE_PAGES 24u
#define HUGE_SIZE  (2u << 20)
#define BLOCK	   (HUGE_SIZE / PAGES_SIZE)

static int udmabuf, pagemap;
static struct frames *frames;
static struct area *area;
static struct area_report report;
static struct zones zones;
static char *view; /* another mapping of the area's memfd */
static unsigned int fds_before;
static long pages_before;

static long meminfo(const char *key)
{
	static char text[8192];
	const char *line;

	if (file_read_text("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, key);
	return line ? atol(line + strlen(key)) : -1;
}

static long reserve(long pages)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", pages);
	if (file_write_text(NR_PATH, text) < 0)
		return -1;
	return meminfo("HugePages_Total:");
}

static void setup(void)
{
	static char text[1 << 20];

	fds_before = open_fds();
	udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(pagemap, 0);
	ck_assert_int_eq(file_read_text("/proc/zoneinfo", text, sizeof(text)), 0);
	ck_assert_int_eq(zones_parse(&zones, text), 0);
	ck_assert_int_eq(clear_catch_sigbus(), 0);
}

static void teardown(void)
{
	zones_deinit(&zones);
	fd_close(pagemap);
	fd_close(udmabuf);
	ck_assert_uint_eq(open_fds(), fds_before);
	ck_assert_int_eq(meminfo("HugePages_Free:"), HUGE_PAGES + pages_before);
}

static void make_frames(uint32_t n)
{
	const struct frames_config config = {
		.page_size = HUGE_SIZE,
		.n_blocks = n,
		.node = 0,
		.pagemap = pagemap,
		.pin = udmabuf >= 0 ? frames_pin_udmabuf : NULL,
		.pin_user = &udmabuf,
	};

	ck_assert_int_eq(frames_huge_new(&frames, &config), 0);
}

/* of all huge pages but @spare; on a machine with two zones it may get fewer */
static void make_area(uint32_t spare)
{
	const struct area_config config = {
		.name = "main",
		.rules = { .zones = &zones, .node = 0, .partial = true },
	};

	make_frames(HUGE_PAGES - spare);
	ck_assert_int_eq(area_new(&area, &config, frames, &report), 0);
	ck_assert_uint_eq(report.n_taken, HUGE_PAGES - spare);
	view = mmap(NULL, frames->n_blocks * HUGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, frames->memfd, 0);
	ck_assert_ptr_ne(view, MAP_FAILED);
}

static void drop_area(void)
{
	munmap(view, frames->n_blocks * HUGE_SIZE);
	area = area_free(area);
}

/* ---- what there is ---- */

START_TEST(taken_and_given_back)
{
	struct area_totals t;

	make_area(0);
	area_totals(area, &t);
	ck_assert_uint_eq(t.size, (HUGE_PAGES - report.n_left_out) * (uint64_t)HUGE_SIZE);
	ck_assert_int_eq(meminfo("HugePages_Free:"), pages_before + report.n_left_out);
	printf("# %u pages, %u runs, the longest %llu KiB, %s\n", report.n_taken, t.n_runs,
	       (unsigned long long)t.largest >> 10, udmabuf >= 0 ? "pinned" : "not pinned");
	drop_area();
}
END_TEST

START_TEST(fewer_than_asked)
{
	const struct area_config config = { .name = "main", .rules = { .node = -1 } };
	struct area_config more = config;

	make_frames(HUGE_PAGES + pages_before + 3);
	more.floor = (HUGE_PAGES + pages_before + 1) * (uint64_t)HUGE_SIZE;
	ck_assert_int_eq(area_new(&area, &more, frames, &report), -ENOMEM);
	ck_assert_int_eq(meminfo("HugePages_Free:"), HUGE_PAGES + pages_before);
	ck_assert_int_eq(area_new(&area, &config, frames, &report), 0);
	ck_assert_uint_eq(report.n_taken, HUGE_PAGES + pages_before);
	ck_assert_msg(strstr(report.text, "is smaller than asked"), "%s", report.text);
	area = area_free(area);
}
END_TEST

START_TEST(rules_on_real_frames)
{
	struct area_config config = {
		.name = "low",
		.rules = { .zones = &zones, .node = -1, .max_address = 4 << 20 },
	};

	make_frames(4);
	ck_assert_int_eq(area_new(&area, &config, frames, &report), -EINVAL);
	ck_assert_msg(strstr(report.text, "is not below address 0x400000"), "%s", report.text);
	config.rules.max_address = 0;
	config.rules.node = 63;
	ck_assert_int_eq(area_new(&area, &config, frames, &report), -EINVAL);
	ck_assert_msg(strstr(report.text, "is on node 0, not 63"), "%s", report.text);
	frames_free(frames);
}
END_TEST

/* ---- frames ---- */

/* what the kernel says of a slice, page by page: is it as the area says, from @frame on? */
static void check_slice(const struct slice *slice, uint64_t frame)
{
	static uint64_t entries[HUGE_PAGES * BLOCK];
	uint64_t n = slice->size / PAGES_SIZE;
	char *at = view + slice->offset;

	for (uint64_t i = 0; i < slice->size; i += HUGE_SIZE)
		(void)*(volatile char *)(at + i);
	(void)*(volatile char *)(at + slice->size - 1);
	ck_assert_int_eq(pread(pagemap, entries, 8 * n, (uintptr_t)at / PAGES_SIZE * 8), 8 * n);
	for (uint64_t i = 0; i < n; i++) {
		if ((entries[i] & ((1ull << 55) - 1)) != frame + i)
			ck_abort_msg("frame 0x%llx isn't there", (unsigned long long)frame + i);
	}
}

static void check_frames(const struct area_range *range)
{
	uint64_t frame = range->frame;

	for (size_t i = 0; i < range->n_slices; i++) {
		check_slice(&range->slices[i], frame);
		frame += range->slices[i].size / PAGES_SIZE;
	}
	ck_assert_uint_eq(frame, range->frame + range->n_frames);
}

START_TEST(frames_are_as_told)
{
	struct area_range ranges[16] = { 0 };
	uint64_t seed = chance_seed("HUGE_SEED"), random = seed;
	unsigned int n_taken = 0;

	printf("# HUGE_SEED=%llu\n", (unsigned long long)seed);
	make_area(0);
	while (n_taken < 10000) {
		struct area_range *range = &ranges[chance_below(&random, ARRAY_SIZE(ranges))];
		unsigned int align = chance_below(&random, 12);
		uint64_t n = 1 + chance_below(&random, 1u << chance_below(&random, 12));

		if (range->area) {
			area_range_release(range);
		} else if (area_take(area, range, n, align) == 0) {
			ck_assert_uint_eq(range->n_frames, n);
			ck_assert_uint_eq(range->frame & ((1u << align) - 1), 0);
			check_frames(range);
			n_taken++;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		area_range_release(&ranges[i]);
	drop_area();
}
END_TEST

/* ---- clean, and dirty ---- */

START_TEST(scrubbed)
{
	static const char zero[PAGES_SIZE];
	struct area_range range = AREA_RANGE_INIT;
	struct area_totals t;

	make_area(0);
	area_totals(area, &t);
	ck_assert_int_eq(area_take(area, &range, t.largest / PAGES_SIZE, 0), 0);
	for (uint64_t i = 0; i < range.n_frames; i++)
		memset(area_address(area, range.frame + i), 0x5a, PAGES_SIZE);
	area_range_release(&range);
	while (scrub_begin(area)) {
		scrub_run(area);
		scrub_finish(area);
	}
	area_totals(area, &t);
	ck_assert_uint_eq(t.clean, t.size);
	for (uint64_t at = 0; at < frames->n_blocks * (uint64_t)HUGE_SIZE; at += PAGES_SIZE) {
		if (memcmp(view + at, zero, PAGES_SIZE))
			ck_abort_msg("not cleared at 0x%llx", (unsigned long long)at);
	}
	drop_area();
}
END_TEST

/* ---- exported ---- */

static void export_one(struct exporter *exporter, uint64_t n, unsigned int align)
{
	struct area_range range = AREA_RANGE_INIT;
	struct export export = EXPORT_INIT;
	uint64_t *map;

	if (area_take(area, &range, n, align))
		return;
	for (uint64_t i = 0; i < n; i++)
		*(uint64_t *)area_address(area, range.frame + i) = range.frame + i;
	ck_assert_int_eq(export_make(&export, exporter, range.slices, range.n_slices), 0);
	map = mmap(NULL, n * PAGES_SIZE, PROT_READ, MAP_SHARED, export.fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (uint64_t i = 0; i < n; i++) {
		if (map[i * PAGES_SIZE / sizeof(*map)] != range.frame + i)
			ck_abort_msg("page %llu is another", (unsigned long long)i);
	}
	munmap(map, n * PAGES_SIZE);
	ck_assert_ptr_eq(mmap(NULL, (n + 1) * PAGES_SIZE, PROT_READ, MAP_SHARED, export.fd, 0),
			 MAP_FAILED);
	export_deinit(&export);
	area_range_release(&range);
}

START_TEST(stitched_in_frame_order)
{
	struct exporter *exporter;

	make_area(0);
	ck_assert_int_eq(exporter_udmabuf_new(&exporter, udmabuf), 0);
	for (uint64_t n = 1; n <= 8 * BLOCK; n = 3 * n + 1)
		export_one(exporter, n, n % 10);
	exporter_free(exporter);
	drop_area();
}
END_TEST

/* ---- taken away ---- */

START_TEST(pinned_stays)
{
	struct area_range range = AREA_RANGE_INIT;

	make_area(1); /* one is left that it could be moved to */
	ck_assert_int_eq(area_take(area, &range, BLOCK, 9), 0);
	madvise(area_address(area, range.frame), HUGE_SIZE, MADV_SOFT_OFFLINE);
	check_frames(&range);
	area_range_release(&range);
	drop_area();
}
END_TEST

START_TEST(poisoned)
{
	struct area_range range = AREA_RANGE_INIT;
	struct area_totals t;
	uint64_t size;

	make_area(0);
	area_totals(area, &t);
	size = t.size;
	ck_assert_int_eq(area_take(area, &range, BLOCK, 9), 0);
	if (madvise(area_address(area, range.frame), HUGE_SIZE, MADV_HWPOISON) < 0)
		printf("# MADV_HWPOISON: %s\n", strerror(errno));
	/* it raises a SIGBUS of its own, which nobody's clearing raised: the handler stepped back
	 */
	ck_assert_int_eq(clear_catch_sigbus(), 0);
	area_range_release(&range);
	while (scrub_begin(area)) {
		scrub_run(area);
		scrub_finish(area);
	}
	area_totals(area, &t);
	ck_assert_uint_eq(t.retired, HUGE_SIZE);
	ck_assert_uint_eq(t.clean, size - HUGE_SIZE);
	drop_area();
}
END_TEST

/* @poison is without a teardown that counts: a poisoned page is gone for good */
static void add_tests(TCase *tcase, TCase *poison)
{
	const char *where = getenv("WHERE");
	bool is_vm = where && !strcmp(where, "vm");
	bool has_udmabuf = access("/dev/udmabuf", R_OK | W_OK) == 0;

	tcase_add_test(tcase, taken_and_given_back);
	tcase_add_test(tcase, fewer_than_asked);
	tcase_add_test(tcase, rules_on_real_frames);
	tcase_add_test(tcase, frames_are_as_told);
	tcase_add_test(tcase, scrubbed);
	if (has_udmabuf)
		tcase_add_test(tcase, stitched_in_frame_order);
	else
		printf("# no udmabuf: nothing is pinned or exported\n");
	if (is_vm && has_udmabuf)
		tcase_add_test(tcase, pinned_stays);
	if (is_vm && getenv("HUGE_POISON"))
		tcase_add_test(poison, poisoned);
}

int main(void)
{
	Suite *suite = suite_create("huge");
	TCase *tcase = tcase_create("huge"), *poison = tcase_create("poison");
	SRunner *runner = srunner_create(suite);
	int failed;

	pages_before = meminfo("HugePages_Free:");
	if (reserve(meminfo("HugePages_Total:") + HUGE_PAGES) < 0 ||
	    meminfo("HugePages_Free:") != pages_before + HUGE_PAGES) {
		printf("no huge pages that may be reserved\n");
		return 77;
	}
	tcase_set_timeout(tcase, 100);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(poison, setup, NULL);
	add_tests(tcase, poison);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, poison);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	reserve(meminfo("HugePages_Total:") - HUGE_PAGES);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
