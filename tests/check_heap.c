// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/heap/heap.c, system.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "heap/heap.h"
#include "mem/export.h"

#define TOTALRAM (1u << 20)

static struct exporter *exporter;
static struct heap *heap;
static unsigned int fds_before;

static void setup(void)
{
	fds_before = open_fds();
	ck_assert_int_eq(exporter_memfd_new(&exporter), 0);
	ck_assert_int_eq(
		heap_system_new(&heap,
				&(struct heap_config){ .id = 3, .name = "s", .exporter = exporter },
				TOTALRAM),
		0);
}

static void teardown(void)
{
	heap = heap_free(heap);
	exporter = exporter_free(exporter);
	ck_assert_uint_eq(open_fds(), fds_before);
}

START_TEST(one_block)
{
	struct heap_block block;
	struct stat st;

	heap_block_init(&block);
	heap_release(&block);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 8192, 1u << 31, 0 }), 0);
	ck_assert_uint_eq(heap->bytes, 8192);
	ck_assert_uint_eq(heap->buffers, 1);
	ck_assert_uint_eq(block.flags, 1u << 31);
	ck_assert_int_eq(heap_fill(&block), 0);
	ck_assert_uint_eq(block.n_slices, 1);
	ck_assert_int_eq(block.slices[0].fd, block.memfd);
	ck_assert_uint_eq(block.slices[0].offset, 0);
	ck_assert_uint_eq(block.slices[0].size, 8192);
	ck_assert_int_eq(fstat(block.memfd, &st), 0);
	ck_assert_int_eq(st.st_size, 8192);
	/* the memfd exporter gives the memfd away: ours can only read */
	ck_assert_int_eq(fcntl(block.memfd, F_GETFL) & O_ACCMODE, O_RDONLY);
	heap_release(&block);
	ck_assert_uint_eq(heap->bytes, 0);
	ck_assert_uint_eq(heap->buffers, 0);
	ck_assert_ptr_null(block.heap);
	ck_assert_int_eq(block.memfd, -1);
}
END_TEST

START_TEST(half_of_memory)
{
	struct heap_block block;

	heap_block_init(&block);
	ck_assert_int_eq(
		heap_reserve(heap, &block, &(struct heap_want){ TOTALRAM / 2 + 4096, 0, 0 }),
		-ENOMEM);
	ck_assert_ptr_null(block.heap);
	ck_assert_uint_eq(block.size, 0);
	ck_assert_uint_eq(heap->buffers, 0);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ TOTALRAM / 2, 0, 0 }), 0);
	heap_release(&block); /* not filled */
}
END_TEST

START_TEST(alignment)
{
	struct heap_block block;

	heap_block_init(&block);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 8192, 0, 4097 }), -EINVAL);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 8192, 0, 4096 }), 0);
	heap_release(&block);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 8192, 0, 3 }), 0);
	heap_release(&block);
}
END_TEST

START_TEST(config)
{
	static const struct heap_config wrong[] = {
		{ .id = 32, .name = "a" },
		{ .id = 0, .name = "" },
		{ .id = 0, .name = "a name of thirty-two characters." },
	};
	const struct heap_config longest = {
		.id = 31,
		.name = "a name of thirty-one characters",
		.exporter = exporter,
		.physical = PHYSICAL_GROUP,
		.physical_gid = 5,
	};
	struct heap *h = NULL;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(heap_system_new(&h, &wrong[i], TOTALRAM), -EINVAL);
	ck_assert_ptr_null(h);
	ck_assert_int_eq(heap_system_new(&h, &longest, TOTALRAM), 0);
	ck_assert_str_eq(h->name, longest.name);
	ck_assert_uint_eq(h->type, HEAP_TYPE_SYSTEM);
	ck_assert_int_eq(h->physical, PHYSICAL_GROUP);
	ck_assert_uint_eq(h->physical_gid, 5);
	heap_free(h);
	ck_assert_ptr_null(heap_free(NULL));
}
END_TEST

/* listed as what it stands for, and with a limit of its own */
START_TEST(stand_in)
{
	const struct heap_config dma = {
		.id = 4,
		.name = "linux,cma",
		.exporter = exporter,
		.stands_for = HEAP_TYPE_DMA,
		.maximum = 8192,
	};
	struct heap_block block = HEAP_BLOCK_INIT;
	struct heap_place place;
	struct heap *h;

	ck_assert_int_eq(heap_system_new(&h, &dma, TOTALRAM), 0);
	ck_assert_uint_eq(h->type, HEAP_TYPE_DMA);
	ck_assert_int_eq(heap_reserve(h, &block, &(struct heap_want){ .size = 12288 }), -ENOMEM);
	ck_assert_int_eq(heap_reserve(h, &block, &(struct heap_want){ .size = 8192 }), 0);
	ck_assert_int_eq(heap_fill(&block), 0);
	ck_assert_int_eq(heap_place(&block, &place), -ENODEV);
	heap_release(&block);
	heap_free(h);
}
END_TEST

START_TEST(faults)
{
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct heap_block block;
		unsigned int fds = open_fds();
		int r;

		heap_block_init(&block);
		ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 4096, 0, 0 }), 0);
		fault_arm(nth);
		r = heap_fill(&block);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, failed);
		heap_release(&block);
		ck_assert_uint_eq(open_fds(), fds);
		ck_assert_uint_eq(heap->bytes, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heap");
	TCase *tcase = tcase_create("heap");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_block);
	tcase_add_test(tcase, half_of_memory);
	tcase_add_test(tcase, alignment);
	tcase_add_test(tcase, config);
	tcase_add_test(tcase, stand_in);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
