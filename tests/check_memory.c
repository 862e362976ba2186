// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/daemon/memory.c, areas.c and exporters.c: which heaps there are, and, where there are
 * /dev/udmabuf and huge pages (the test machine), what becomes of a contiguous buffer's memory.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/client.h"
#include "core/file.h"
#include "daemon/memory.h"
#include "fault.h"
#include "heap/heaps.h"
#include "mem/area.h"
#include "mem/clear.h"

#define MIB	   ((uint64_t)1 << 20)
#define NR_PATH	   "/proc/sys/vm/nr_hugepages"
#define AREA_PAGES 16u

static struct {
	unsigned int fds;
	int udmabuf, pagemap, state_fd;
	struct settings settings;
	struct loop *loop;
	struct state *state;
	struct memory memory;
} rig;

static void setup(void)
{
	rig.fds = open_fds();
	rig.udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	rig.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(clear_catch_sigbus(), 0);
	ck_assert_int_eq(loop_new(&rig.loop, LOOP_AUTO), 0);
	ck_assert_int_eq(state_create(&rig.state_fd), 0);
	ck_assert_int_eq(state_attach(&rig.state, rig.state_fd), 0);
	settings_init(&rig.settings, 1024 * MIB);
	rig.settings.areas[0].floor = 2 * MIB;
	rig.settings.areas[0].ceiling = AREA_PAGES * 2 * MIB;
	rig.settings.areas[0].partial = true; /* the pages may lie in two zones */
}

static void teardown(void)
{
	memory_deinit(&rig.memory);
	rig.memory = (struct memory){ 0 };
	state_free(rig.state);
	close(rig.state_fd);
	loop_free(rig.loop);
	fd_close(rig.pagemap);
	fd_close(rig.udmabuf);
	ck_assert_uint_eq(open_fds(), rig.fds);
}

static void start(int udmabuf)
{
	const struct memory_config config = {
		.settings = &rig.settings,
		.state = rig.state,
		.loop = rig.loop,
		.udmabuf = udmabuf,
		.pagemap = rig.pagemap,
	};

	ck_assert_int_eq(memory_init(&rig.memory, &config), 0);
}

static size_t n_heaps(void)
{
	struct heap_info infos[HEAP_IDS];

	return service_heaps(rig.memory.service, infos, HEAP_IDS);
}

/* all heaps are there, of whatever memory: programs ask for them by habit */
START_TEST(without_dma_bufs)
{
	static const struct heap_info want[] = {
		{ "linux,cma", HEAP_TYPE_DMA, 4 },
		{ "carveout", HEAP_TYPE_CARVEOUT, 2 },
		{ "ion_system_contig_heap", HEAP_TYPE_SYSTEM_CONTIG, 1 },
		{ "ion_system_heap", HEAP_TYPE_SYSTEM, 0 },
	};
	struct heap_info infos[HEAP_IDS];

	start(-1);
	ck_assert_uint_eq(service_heaps(rig.memory.service, infos, HEAP_IDS), ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		ck_assert_str_eq(infos[i].name, want[i].name);
		ck_assert_uint_eq(infos[i].type, want[i].type);
		ck_assert_uint_eq(infos[i].id, want[i].id);
	}
	ck_assert_ptr_eq(heaps_find(rig.memory.heaps, "system"), heaps_get(rig.memory.heaps, 0));
	ck_assert_uint_eq(heaps_resolve(rig.memory.heaps, 1u << 25 | 1u << 27), 1u << 0 | 1u << 4);
	ck_assert_str_eq(rig.memory.exporter_name, "memfd");
}
END_TEST

/* a heap whose exporter does not work here is left out, the others are there */
START_TEST(a_heap_that_the_kernel_has_not)
{
	rig.settings.heaps[2].kind = HEAP_KIND_DMA_HEAP;
	rig.settings.heaps[2].area = -1;
	start(-1);
	ck_assert_uint_eq(n_heaps(), 3);
	ck_assert_ptr_null(heaps_get(rig.memory.heaps, 2));
}
END_TEST

START_TEST(exporters_in_the_order_of_the_settings)
{
	struct heap_settings *heap = &rig.settings.heaps[0];
	struct heap_settings *other = &rig.settings.heaps[rig.settings.n_heaps++];

	*other = *heap;
	other->id = 9;
	strcpy(other->name, "files");
	other->alias_ids = 0;
	other->n_alias_names = 0;
	other->n_exporters = 1;
	other->exporters[0] = EXPORTER_FILE;
	heap->n_exporters = 2;
	heap->exporters[0] = EXPORTER_FILE;
	heap->exporters[1] = EXPORTER_MEMFD;
	start(-1);
	ck_assert_uint_eq(n_heaps(), 4);
	ck_assert_ptr_null(heaps_get(rig.memory.heaps, 9));
	ck_assert_int_eq(heaps_get(rig.memory.heaps, 0)->exporter->ops->kind, EXPORTER_MEMFD);
	ck_assert_uint_eq(rig.memory.n_missing, 1);
	ck_assert_str_eq(rig.memory.missing[0].name, "files");
	ck_assert_uint_eq(rig.memory.missing[0].id, 9);
	ck_assert_str_eq(rig.memory.missing[0].why, "no exporter of it works here");
}
END_TEST

static const struct heap *started_with_rule(enum physical_rule rule, const char *group)
{
	rig.settings.heaps[0].physical = rule;
	snprintf(rig.settings.heaps[0].physical_group, sizeof(rig.settings.heaps[0].physical_group),
		 "%s", group);
	start(-1);
	return heaps_get(rig.memory.heaps, 0);
}

/* a gid is never 0 by accident */
START_TEST(rule_of_a_group)
{
	const struct group *group = getgrent(); /* whichever there is */
	const struct heap *heap;
	gid_t gid;

	ck_assert_ptr_nonnull(group);
	gid = group->gr_gid;
	heap = started_with_rule(PHYSICAL_GROUP, group->gr_name);
	ck_assert_int_eq(heap->physical, PHYSICAL_GROUP);
	ck_assert_uint_eq(heap->physical_gid, gid);
	endgrent();
}
END_TEST

START_TEST(rule_of_no_group)
{
	ck_assert_int_eq(started_with_rule(PHYSICAL_GROUP, "no such group")->physical,
			 PHYSICAL_ROOT);
}
END_TEST

START_TEST(rule_for_all)
{
	ck_assert_int_eq(started_with_rule(PHYSICAL_ALL, "")->physical, PHYSICAL_ALL);
}
END_TEST

/* the configuration is checked before: here it must not go unseen all the same */
START_TEST(two_of_an_id)
{
	const struct memory_config config = {
		.settings = &rig.settings,
		.state = rig.state,
		.loop = rig.loop,
		.udmabuf = -1,
		.pagemap = -1,
	};

	rig.settings.heaps[1].id = rig.settings.heaps[0].id;
	rig.settings.heaps[1].kind = HEAP_KIND_SYSTEM;
	rig.settings.heaps[1].area = -1;
	ck_assert_int_lt(memory_init(&rig.memory, &config), 0);
}
END_TEST

START_TEST(nth_call_fails)
{
	const struct memory_config config = {
		.settings = &rig.settings,
		.state = rig.state,
		.loop = rig.loop,
		.udmabuf = -1,
		.pagemap = -1,
	};
	unsigned int n = 0;
	bool faulted;
	int r;

	do {
		fault_arm(++n);
		r = memory_init(&rig.memory, &config);
		faulted = fault_disarm();
		ck_assert(r == 0 || faulted);
		memory_deinit(&rig.memory);
		rig.memory = (struct memory){ 0 };
	} while (faulted);
	ck_assert_uint_gt(n, 5);
}
END_TEST

static int allocate(struct client *client, uint32_t mask, uint64_t len)
{
	const struct alloc_want want = { .len = len, .mask = mask };
	struct alloc_done done;
	struct alloc *alloc;

	ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
	alloc_run(alloc);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	file_delivered(done.file);
	return done.fd;
}

static void fill(int fd, uint64_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert(!map[0] && !memcmp(map, map + 1, size - 1)); /* all zero */
	memset(map, 0x5a, size);
	munmap(map, size);
}

static struct heap_stock stock(void)
{
	struct heap_stock stock;

	heap_stock(heaps_get(rig.memory.heaps, 0), &stock);
	return stock;
}

/* what ended is kept and cleared in the background, where nobody else may have it */
static void keep_one(void)
{
	const struct client_who who = { .uid = 1000 };
	struct client *client;
	uint64_t fh;
	int fd;

	ck_assert_int_eq(client_new(&client, rig.memory.service, &who, &fh), 0);
	fd = allocate(client, 1, MIB);
	fill(fd, MIB);
	close(fd);
	while (client->account.used[QUOTA_BUFFERS])
		service_look(rig.memory.service);
	client_free(client);
	if (!stock().pooled)
		return; /* of an exporter that hands the memory out */
	while (stock().dirty)
		ck_assert_int_ge(loop_step(rig.loop, 2000), 0);
	ck_assert_uint_eq(stock().clean, MIB);
	ck_assert(loop_timer_is_set(&rig.memory.tender.age));
}

START_TEST(kept_and_given_up)
{
	start(rig.udmabuf);
	keep_one();
	ck_assert_uint_eq(stock().pooled, rig.udmabuf >= 0 ? MIB : 0);
	heaps_age(rig.memory.heaps, true);
	while (stock().pooled)
		ck_assert_int_ge(loop_step(rig.loop, 2000), 0);
}
END_TEST

/* ---- with dma-bufs and huge pages ---- */

static struct area_totals totals(void)
{
	struct area_totals t;

	area_totals(rig.memory.areas.of[0].area, &t);
	return t;
}

static void wait_until_clean(void)
{
	while (totals().used)
		service_look(rig.memory.service);
	while (totals().dirty)
		ck_assert_int_ge(loop_step(rig.loop, 2000), 0);
}

/* what a buffer leaves is cleared in the background, whichever heap had it */
START_TEST(freed_and_cleared)
{
	const struct client_who who = { .uid = 1000 };
	struct client *client;
	uint64_t fh, size;

	start(rig.udmabuf);
	ck_assert_uint_eq(n_heaps(), 4);
	ck_assert_str_eq(rig.memory.exporter_name, "udmabuf");
	size = totals().size;
	ck_assert_uint_eq(size, totals().clean);
	ck_assert_int_eq(client_new(&client, rig.memory.service, &who, &fh), 0);
	for (uint32_t id = 1; id <= 4; id *= 2) {
		int fd = allocate(client, 1u << id, MIB);

		ck_assert_uint_eq(totals().used, MIB);
		fill(fd, MIB);
		close(fd);
		wait_until_clean();
		ck_assert_uint_eq(totals().clean, size);
	}
	/* an alias, and all that is in one piece */
	close(allocate(client, 1u << 26, totals().largest));
	client_free(client);
}
END_TEST

/* a buffer that stands when all ends is let go of like any other */
START_TEST(ends_with_buffers)
{
	const struct client_who who = { .uid = 1000 };
	struct client *client;
	uint64_t fh;
	int fds[8];

	start(rig.udmabuf);
	ck_assert_int_eq(client_new(&client, rig.memory.service, &who, &fh), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = allocate(client, 1u << 4, 2 * MIB);
	fill(fds[0], 2 * MIB);
	close(fds[0]);
	memory_deinit(&rig.memory);
	rig.memory = (struct memory){ 0 };
	fill(fds[1], 2 * MIB);
	for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}
END_TEST

/* the kernel's heap `system` behind our heap 2: a dma-buf of it, as it comes */
START_TEST(a_heap_of_the_kernels)
{
	int devices[HEAP_IDS] = { -1, -1, open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), -1 };
	const struct memory_config config = {
		.settings = &rig.settings,
		.state = rig.state,
		.loop = rig.loop,
		.udmabuf = -1,
		.pagemap = -1,
		.kernel_heaps = devices,
	};
	const struct client_who who = { .uid = 1000 };
	struct client *client;
	uint64_t fh;
	int fd;

	rig.settings.heaps[2].kind = HEAP_KIND_DMA_HEAP;
	rig.settings.heaps[2].area = -1;
	ck_assert_int_eq(memory_init(&rig.memory, &config), 0);
	ck_assert_int_eq(devices[2], -1);
	ck_assert_int_eq(client_new(&client, rig.memory.service, &who, &fh), 0);
	fd = allocate(client, 1u << 2, MIB);
	fill(fd, MIB);
	ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 1);
	close(fd);
	while (client->account.used[QUOTA_BUFFERS])
		service_look(rig.memory.service);
	client_free(client);
}
END_TEST

START_TEST(an_area_that_is_too_small)
{
	rig.settings.areas[0].floor = rig.settings.areas[0].ceiling = 1 << 30;
	start(rig.udmabuf);
	ck_assert_ptr_null(rig.memory.areas.of[0].area);
	ck_assert_uint_eq(n_heaps(), 1);
}
END_TEST

static long huge_pages(void)
{
	char text[24];

	return file_read_text(NR_PATH, text, sizeof(text)) < 0 ? -1 : atol(text);
}

static bool reserve(long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", n);
	return file_write_text(NR_PATH, text) == 0 && huge_pages() == n;
}

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = tcase_create("memory");
	SRunner *runner = srunner_create(suite);
	long before = huge_pages();
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_dma_bufs);
	tcase_add_test(tcase, a_heap_that_the_kernel_has_not);
	tcase_add_test(tcase, exporters_in_the_order_of_the_settings);
	tcase_add_test(tcase, rule_of_a_group);
	tcase_add_test(tcase, rule_of_no_group);
	tcase_add_test(tcase, rule_for_all);
	tcase_add_test(tcase, two_of_an_id);
	tcase_add_test(tcase, nth_call_fails);
	tcase_add_test(tcase, kept_and_given_up);
	if (access("/dev/udmabuf", R_OK | W_OK) < 0) {
		printf("# no udmabuf: no area is activated\n");
	} else if (!reserve(before + AREA_PAGES)) {
		printf("# no huge pages that may be reserved\n");
		return EXIT_FAILURE;
	} else {
		tcase_add_test(tcase, freed_and_cleared);
		tcase_add_test(tcase, ends_with_buffers);
		tcase_add_test(tcase, an_area_that_is_too_small);
		if (access("/dev/dma_heap/system", R_OK | W_OK) == 0)
			tcase_add_test(tcase, a_heap_of_the_kernels);
	}
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (huge_pages() != before)
		reserve(before);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
