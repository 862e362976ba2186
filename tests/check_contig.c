// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/heap/over_area.c and the kinds of heap over an area, over frames that nobody has */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "fake_frames.h"
#include "fault.h"
#include "heap/heap.h"
#include "heap/over_area.h"
#include "mem/area.h"
#include "mem/clear.h"
#include "mem/export.h"
#include "mem/pages.h"

#define BLOCK	 512u /* frames */
#define N_BLOCKS 4u
#define BASE	 0x1000u
#define KIB	 1024ull
#define MIB	 (1024 * KIB)
#define CHUNK	 (64 * KIB)

typedef int (*new_fn)(struct heap **ret, const struct heap_config *config,
		      const struct heap_area_config *area);

static const struct kind {
	new_fn new;
	uint32_t type;
	/* of a buffer of 20 KiB: the largest that may be asked for, and what is given */
	uint64_t align_max, align_given;
	uint64_t takes; /* of the area, for 20 KiB */
} kinds[] = {
	{ heap_carveout_new, HEAP_TYPE_CARVEOUT, 4 * KIB, 4 * KIB, 20 * KIB },
	{ heap_chunk_new, HEAP_TYPE_CHUNK, CHUNK, CHUNK, CHUNK },
	{ heap_custom_new, HEAP_TYPE_CUSTOM, 8 * MIB, 4 * KIB, 20 * KIB },
	{ heap_dma_new, HEAP_TYPE_DMA, 4 * KIB, 32 * KIB, 20 * KIB },
	{ heap_system_contig_new, HEAP_TYPE_SYSTEM_CONTIG, 32 * KIB, 32 * KIB, 20 * KIB },
};

static struct fake_frames *fake;
static struct area *area;
static struct exporter *exporter;
static struct heap *heap;
static unsigned int fds_before;

static void setup(void)
{
	struct area_report report;

	fds_before = open_fds();
	ck_assert_int_eq(clear_catch_sigbus(), 0);
	ck_assert_int_eq(exporter_udmabuf_new(&exporter, -1), 0); /* never asked to make anything */
	fake = fake_frames_new(N_BLOCKS, BLOCK, BASE);
	/* in the memfd: the other way round */
	for (uint32_t i = 0; i < N_BLOCKS; i++)
		fake->located[i] = BASE + (N_BLOCKS - 1 - i) * BLOCK;
	ck_assert_int_eq(area_new(&area,
				  &(struct area_config){ .name = "a", .rules = { .node = -1 } },
				  &fake->frames, &report),
			 0);
}

static void teardown(void)
{
	heap = heap_free(heap);
	area = area_free(area);
	exporter = exporter_free(exporter);
	ck_assert_uint_eq(open_fds(), fds_before);
}

static void make_heap(new_fn new, uint64_t maximum)
{
	const struct heap_config config = {
		.id = 2, .name = "h", .exporter = exporter, .maximum = maximum
	};
	const struct heap_area_config over = { .area = area, .chunk = CHUNK };

	ck_assert_int_eq(new (&heap, &config, &over), 0);
}

static int try(struct heap_block *block, uint64_t size, uint64_t align)
{
	heap_block_init(block);
	return heap_reserve(heap, block, &(struct heap_want){ size, 0, align });
}

static void make(struct heap_block *block, uint64_t size, uint64_t align)
{
	ck_assert_int_eq(try(block, size, align), 0);
	ck_assert_int_eq(heap_fill(block), 0);
}

/* as its slices tell: all of its size, and where it begins */
static uint64_t check_slices(const struct heap_block *block)
{
	uint64_t size = 0, index;

	for (size_t i = 0; i < block->n_slices; i++) {
		ck_assert_int_eq(block->slices[i].fd, fake->frames.memfd);
		size += block->slices[i].size;
	}
	ck_assert_uint_eq(size, block->size);
	index = block->slices[0].offset / fake->frames.block_size;
	return fake->located[index] * PAGES_SIZE +
	       block->slices[0].offset % fake->frames.block_size;
}

static uint64_t used(void)
{
	struct area_totals t;

	area_totals(area, &t);
	return t.used;
}

/* ---- all kinds ---- */

START_TEST(one_block)
{
	const struct kind *kind = &kinds[_i];
	struct heap_block a, b;

	make_heap(kind->new, 0);
	ck_assert_uint_eq(heap->type, kind->type);
	make(&a, 4 * KIB, 0);
	make(&b, 20 * KIB, 0);
	check_slices(&a);
	ck_assert_uint_eq(check_slices(&b) & (kind->align_given - 1), 0);
	ck_assert_uint_eq(heap->bytes, 24 * KIB);
	ck_assert_uint_eq(heap->buffers, 2);
	ck_assert_int_eq(b.memfd, -1);
	heap_release(&a);
	ck_assert_uint_eq(used(), kind->takes);
	heap_release(&b);
	ck_assert_uint_eq(used(), 0);
	ck_assert_uint_eq(heap->bytes, 0);
	ck_assert_int_eq(try(&a, 4 * KIB, 0), 0);
	heap_release(&a); /* not filled */
}
END_TEST

START_TEST(alignment)
{
	const struct kind *kind = &kinds[_i];
	struct heap_block block;

	make_heap(kind->new, 0);
	ck_assert_int_eq(try(&block, 20 * KIB, 3), 0);
	heap_release(&block);
	if (kind->new != heap_custom_new) {
		ck_assert_int_eq(try(&block, 20 * KIB, kind->align_max + 1), -EINVAL);
		ck_assert_int_eq(try(&block, 20 * KIB, UINT64_MAX), -EINVAL);
	}
	ck_assert_int_eq(try(&block, 20 * KIB, kind->align_max), 0);
	heap_release(&block);
	ck_assert_uint_eq(used(), 0);
}
END_TEST

START_TEST(exhausted)
{
	const struct kind *kind = &kinds[_i];
	struct heap_block blocks[3], more;

	make_heap(kind->new, 0);
	ck_assert_int_eq(try(&more, 9 * MIB, 0), -ENOMEM);
	ck_assert_int_eq(try(&more, 1ull << 62, 0), -ENOMEM);
	make(&blocks[0], 4 * MIB, 0);
	make(&blocks[1], 3 * MIB, 0);
	make(&blocks[2], 1 * MIB, 0);
	ck_assert_int_eq(try(&more, 4 * KIB, 0), -ENOMEM);
	ck_assert_ptr_null(more.heap);
	for (int i = 0; i < 3; i++)
		heap_release(&blocks[i]);
	make(&more, 4 * MIB, 0);
	heap_release(&more);
}
END_TEST

START_TEST(maximum)
{
	struct heap_block block;

	make_heap(kinds[_i].new, 64 * KIB);
	ck_assert_int_eq(try(&block, 68 * KIB, 0), -ENOMEM);
	make(&block, 64 * KIB, 0);
	heap_release(&block);
}
END_TEST

static uint64_t largest(void)
{
	struct heap_stock stock;

	heap_stock(heap, &stock);
	return stock.largest;
}

/* what is said to be the largest is to be had, and not a page more */
START_TEST(largest_block)
{
	struct heap_block block;

	make_heap(kinds[_i].new, 0);
	make(&block, largest(), 0);
	heap_release(&block);
	ck_assert_int_eq(try(&block, largest() + 4 * KIB, 0), -ENOMEM);
	heap_free(heap);
	make_heap(kinds[_i].new, 64 * KIB);
	ck_assert_uint_eq(largest(), 64 * KIB);
}
END_TEST

static void write_all(const struct heap_block *block, char byte)
{
	for (size_t i = 0; i < block->n_slices; i++)
		memset(fake->frames.map + block->slices[i].offset, byte, block->slices[i].size);
}

static void check_zero(const struct heap_block *block)
{
	for (size_t i = 0; i < block->n_slices; i++) {
		const char *at = fake->frames.map + block->slices[i].offset;

		ck_assert(!at[0] && !memcmp(at, at + 1, block->slices[i].size - 1));
	}
}

START_TEST(zero)
{
	struct heap_block block;

	make_heap(kinds[_i].new, 0);
	for (int i = 0; i < 20; i++) {
		make(&block, 3 * MIB, 0); /* nothing is scrubbed here: the second is dirty */
		check_zero(&block);
		write_all(&block, i + 1);
		heap_release(&block);
	}
}
END_TEST

START_TEST(lost)
{
	struct heap_block block;
	struct area_totals t;

	make_heap(kinds[_i].new, 0);
	make(&block, 4 * MIB, 0);
	heap_release(&block);
	make(&block, 4 * MIB, 0);
	heap_release(&block);
	fake_frames_lose(fake, N_BLOCKS - 1); /* where the first frames are */
	ck_assert_int_eq(try(&block, 4 * MIB, 0), 0);
	ck_assert_int_eq(heap_fill(&block), HEAP_E_AGAIN);
	heap_release(&block);
	area_totals(area, &t);
	ck_assert_uint_eq(t.retired, 2 * MIB);
	make(&block, 4 * MIB, 0);
	check_zero(&block);
	heap_release(&block);
}
END_TEST

START_TEST(faults)
{
	bool failed = true;

	make_heap(kinds[_i].new, 0);
	for (unsigned int nth = 1; failed; nth++) {
		struct heap_block block;
		int r;

		fault_arm(nth);
		r = try(&block, 3 * MIB, 0);
		failed = fault_disarm();
		ck_assert_int_eq(r, failed ? -ENOMEM : 0);
		heap_release(&block);
		ck_assert_uint_eq(used(), 0);
	}
}
END_TEST

START_TEST(configs)
{
	const struct heap_area_config over = { .area = area, .chunk = CHUNK };
	struct heap_config wrong = { .id = 32, .name = "h", .exporter = exporter };
	struct exporter *memfd;

	ck_assert_int_eq(kinds[_i].new(&heap, &wrong, &over), -EINVAL);
	ck_assert_int_eq(exporter_memfd_new(&memfd), 0);
	wrong = (struct heap_config){ .id = 2, .name = "h", .exporter = memfd };
	ck_assert_int_eq(kinds[_i].new(&heap, &wrong, &over), -EINVAL);
	exporter_free(memfd);
	fault_arm(1);
	wrong.exporter = exporter;
	ck_assert_int_eq(kinds[_i].new(&heap, &wrong, &over), -ENOMEM);
	ck_assert(fault_disarm());
	ck_assert_ptr_null(heap);
}
END_TEST

/* ---- one kind each ---- */

START_TEST(orders)
{
	ck_assert_uint_eq(over_area_order(0), 0);
	ck_assert_uint_eq(over_area_order(1), 0);
	ck_assert_uint_eq(over_area_order(4096), 0);
	ck_assert_uint_eq(over_area_order(4097), 1);
	ck_assert_uint_eq(over_area_order(12288), 2);
	ck_assert_uint_eq(over_area_order(16384), 2);
	ck_assert_uint_eq(over_area_order(UINT64_MAX), 52);
}
END_TEST

START_TEST(system_contig_is_not_large)
{
	struct heap_block block;

	make_heap(heap_system_contig_new, 0);
	make(&block, 4 * MIB, 4 * MIB);
	ck_assert_uint_eq(check_slices(&block) & (4 * MIB - 1), 0);
	heap_release(&block);
	ck_assert_int_eq(try(&block, 4 * MIB + 4 * KIB, 0), -ENOMEM);
}
END_TEST

START_TEST(custom_aligns)
{
	struct heap_block a, b;

	make_heap(heap_custom_new, 0);
	make(&a, 4 * KIB, 0);
	make(&b, 4 * KIB, MIB + 1); /* the next power of two */
	ck_assert_uint_eq(check_slices(&b) & (2 * MIB - 1), 0);
	heap_release(&b);
	ck_assert_int_eq(try(&b, 4 * KIB, UINT64_MAX), -ENOMEM);
	heap_release(&a);
}
END_TEST

START_TEST(chunks_anywhere)
{
	struct heap_block one[32], block;

	make_heap(heap_chunk_new, 0);
	for (int i = 0; i < 32; i++)
		make(&one[i], 2 * CHUNK, 0);
	make(&block, 4 * MIB, 0);
	heap_release(&block);
	for (int i = 0; i < 32; i += 2)
		heap_release(&one[i]);
	ck_assert_uint_eq(largest(), 6 * MIB);
	make(&block, 5 * MIB + 4 * KIB, 0); /* more than there is in one piece */
	ck_assert_uint_gt(block.n_slices, 8);
	check_slices(&block);
	check_zero(&block);
	for (size_t i = 0; i + 1 < block.n_slices; i++)
		ck_assert_uint_eq(block.slices[i].size % CHUNK, 0);
	heap_release(&block);
	for (int i = 1; i < 32; i += 2)
		heap_release(&one[i]);
}
END_TEST

START_TEST(chunk_sizes)
{
	static const uint64_t wrong[] = { 0, 2048, 3 * 4096 };
	const struct heap_config config = { .id = 3, .name = "chunk", .exporter = exporter };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct heap_area_config over = { .area = area, .chunk = wrong[i] };

		ck_assert_int_eq(heap_chunk_new(&heap, &config, &over), -EINVAL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contig");
	TCase *tcase = tcase_create("contig");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, one_block, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, alignment, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, exhausted, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, maximum, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, largest_block, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, zero, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, lost, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, faults, 0, ARRAY_SIZE(kinds));
	tcase_add_loop_test(tcase, configs, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tcase, orders);
	tcase_add_test(tcase, system_contig_is_not_large);
	tcase_add_test(tcase, custom_aligns);
	tcase_add_test(tcase, chunks_anywhere);
	tcase_add_test(tcase, chunk_sizes);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
