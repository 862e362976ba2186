// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/heap/pool.c, and the heap `system` on it. What a client holds of a buffer is played by
 * further open files and mappings of its memfd. POOL_SEED=N repeats the storm.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "chance.h"
#include "fault.h"
#include "heap/heaps.h"
#include "heap/pool.h"
#include "mem/export.h"
#include "mem/pages.h"

#define TOTALRAM (256u << 20) /* so a sixteenth of it may be pooled */
#define POOLED	 (16u << 20)
#define STEPS	 6000

/* an exporter whose files are let go of: only that is asked for here */
static struct exporter_ops exporter_ops;
static struct exporter exporter;
static struct heaps *heaps;
static struct heap *heap;
static struct pool *pool;
static unsigned int fds_before;

static void setup(void)
{
	const struct heap_config config = { .id = 3, .name = "s", .exporter = &exporter };

	exporter_ops.hands_out_memfd = false;
	exporter = (struct exporter){ .ops = &exporter_ops, .lets_go = true };
	fds_before = open_fds();
	ck_assert_int_eq(heaps_new(&heaps), 0);
	ck_assert_int_eq(heap_system_new(&heap, &config, TOTALRAM), 0);
	ck_assert_int_eq(heaps_add(heaps, heap), 0);
	ck_assert_int_eq(pool_new(&pool, POOLED), 0);
}

static void teardown(void)
{
	pool = pool_free(pool);
	heaps = heaps_free(heaps);
	ck_assert_uint_eq(open_fds(), fds_before);
}

/* ---- helpers ---- */

static bool tend(struct heap *h)
{
	if (!heap_tend_begin(h))
		return false;
	heap_tend_run(h);
	heap_tend_finish(h);
	return true;
}

static unsigned int work(void)
{
	unsigned int n = 0;

	for (; pool_begin(pool); n++) {
		pool_run(pool);
		pool_finish(pool);
	}
	return n;
}

static void expect(uint64_t clean, uint64_t dirty, uint64_t going, uint64_t n)
{
	struct pool_totals totals;

	pool_totals(pool, &totals);
	ck_assert_uint_eq(totals.clean, clean);
	ck_assert_uint_eq(totals.dirty, dirty);
	ck_assert_uint_eq(totals.going, going);
	ck_assert_uint_eq(totals.n, n);
}

static void soil(int fd, uint64_t size)
{
	char byte = 0x5a;

	for (uint64_t at = 0; at < size; at += 1000)
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	ck_assert_int_eq(pwrite(fd, &byte, 1, size - 1), 1);
}

static bool is_zero(int fd, uint64_t size)
{
	static const char zero[4096];
	bool is = true;
	char *map;

	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (uint64_t at = 0; is && at < size; at += sizeof(zero))
		is = !memcmp(map + at, zero, sizeof(zero));
	munmap(map, size);
	return is;
}

static ino_t ino_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* a soiled memfd of @size for the pool */
static ino_t give(uint64_t size)
{
	ino_t ino;
	int fd;

	ck_assert_int_eq(pages_new(&fd, size, false), 0);
	soil(fd, size);
	ino = ino_of(fd);
	pool_give_fd(pool, fd, size);
	return ino;
}

/* ---- the pool ---- */

START_TEST(cleared_in_the_background)
{
	struct pooled *p;
	ino_t ino = give(8192);

	expect(0, 8192, 0, 1);
	ck_assert_uint_eq(work(), 1);
	expect(8192, 0, 0, 1);
	ck_assert_ptr_null(pool_take(pool, 4096));
	p = pool_take(pool, 8192);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->n_clean, 8192);
	ck_assert_uint_eq(ino_of(p->fd), ino);
	ck_assert(is_zero(p->fd, 8192));
	expect(0, 0, 0, 0);

	/* what comes back is dirty, whatever was done with it */
	pool_give(pool, p);
	expect(0, 8192, 0, 1);
	ck_assert_uint_eq(pool_spare(pool), 8192);
	ck_assert_uint_eq(pool_trim(pool), 8192);
	expect(0, 0, 0, 0);
}
END_TEST

START_TEST(taken_dirty)
{
	struct pooled *p;

	give(5 << 20);
	ck_assert(pool_begin(pool));
	ck_assert_ptr_null(pool_take(pool, 5 << 20)); /* in hand */
	ck_assert_uint_eq(pool_spare(pool), 0);
	pool_run(pool);
	pool_finish(pool);
	p = pool_take(pool, 5 << 20);
	ck_assert_uint_eq(p->n_clean, 2 << 20); /* a piece */
	ck_assert(!is_zero(p->fd, 5 << 20));
	ck_assert_int_eq(pooled_clear(p), 0);
	ck_assert(is_zero(p->fd, 5 << 20));
	pool_give(pool, p);
	ck_assert_uint_eq(work(), 3);
	expect(5 << 20, 0, 0, 1);
}
END_TEST

START_TEST(clean_ones_first)
{
	struct pooled *p;
	ino_t clean;

	clean = give(4096);
	work();
	give(4096);
	give(4096);
	p = pool_take(pool, 4096);
	ck_assert_uint_eq(ino_of(p->fd), clean);
	pool_give(pool, p);
	ck_assert_uint_eq(work(), 1); /* small ones in one go */
	expect(3 * 4096, 0, 0, 3);
}
END_TEST

struct holder {
	int fd;
	void *map;
};

/* @fd is consumed: kept open, or only mapped */
static struct holder hold(int fd, bool mapped)
{
	struct holder holder = { fd, NULL };

	if (mapped) {
		holder.map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		ck_assert_ptr_ne(holder.map, MAP_FAILED);
		holder.fd = fd_close(fd);
	}
	return holder;
}

static void let_go(struct holder *holder)
{
	if (holder->map)
		munmap(holder->map, 4096);
	fd_close(holder->fd);
}

START_TEST(never_what_is_held)
{
	struct holder holder;
	struct pooled *p;
	ino_t held;
	int fd;

	ck_assert_int_eq(pages_new(&fd, 4096, false), 0);
	holder = hold(pages_reopen(fd, O_RDONLY), _i);
	pool_give_fd(pool, fd, 4096);
	expect(0, 0, 0, 0);
	let_go(&holder);

	give(4096);
	give(4096);
	work();
	p = pool_take(pool, 4096);
	held = ino_of(p->fd);
	holder = hold(pages_reopen(p->fd, O_RDWR), _i);
	pool_give(pool, p);
	expect(4096, 0, 0, 1);
	p = pool_take(pool, 4096);
	ck_assert_uint_ne(ino_of(p->fd), held);
	ck_assert(is_zero(p->fd, 4096));
	pool_give(pool, p);
	let_go(&holder);
}
END_TEST

START_TEST(held_while_it_lies_there)
{
	struct pooled *p;
	int path_fd, fd;

	give(4096);
	p = pool_take(pool, 4096);
	path_fd = pages_reopen(p->fd, O_PATH); /* what no test can see ... */
	pool_give(pool, p);
	expect(0, 4096, 0, 1);
	work();
	fd = pages_reopen(path_fd, O_RDWR); /* ... until it is opened */
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(pool_take(pool, 4096));
	expect(0, 0, 0, 0);
	fd_close(path_fd);
	fd_close(fd);
}
END_TEST

START_TEST(bound)
{
	ino_t first, inos[6];
	struct pooled *p;

	for (int i = 0; i < 6; i++)
		inos[i] = give(4 << 20);
	first = inos[0];
	expect(0, POOLED, 8 << 20, 6);
	work(); /* the oldest were sent off */
	expect(POOLED, 0, 0, 4);
	for (int i = 0; i < 4; i++) {
		p = pool_take(pool, 4 << 20);
		ck_assert_uint_ne(ino_of(p->fd), first);
		pooled_clear(p);
		p->lost = true; /* so that it isn't kept */
		pool_give(pool, p);
	}
	expect(0, 0, 0, 0);
}
END_TEST

START_TEST(too_large)
{
	give(POOLED + 4096);
	expect(0, 0, POOLED + 4096, 1);
	ck_assert_uint_eq(pool_spare(pool), POOLED + 4096);
	/* that road is bounded, too */
	for (int i = 0; i < 8; i++)
		give(POOLED + 4096);
	expect(0, 0, 3 * (POOLED + 4096), 3);
	work();
	expect(0, 0, 0, 0);
	ck_assert_ptr_null(pool_take(pool, POOLED + 4096));
}
END_TEST

START_TEST(many)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 1100; i++)
		give(4096);
	expect(0, 1024 * 4096, 76 * 4096, 1100);
	work();
	expect(1024 * 4096, 0, 0, 1024);
}
END_TEST

START_TEST(idle)
{
	struct pooled *p;

	give(4096);
	work();
	pool_age(pool, false);
	give(8192);
	pool_age(pool, false);
	expect(0, 8192, 4096, 2);
	p = pool_take(pool, 8192);
	pool_give(pool, p); /* used */
	pool_age(pool, false);
	expect(0, 8192, 4096, 2);
	work();
	expect(8192, 0, 0, 1);
	pool_age(pool, false);
	expect(0, 0, 8192, 1);
	work();
	expect(0, 0, 0, 0);
}
END_TEST

START_TEST(pressure)
{
	give(8 << 20);
	give(4096);
	ck_assert(pool_begin(pool));
	pool_age(pool, true); /* what is in hand follows */
	expect(0, 8 << 20, 4096, 2);
	pool_run(pool);
	pool_finish(pool);
	expect(0, 0, (8 << 20) + 4096, 2);
	give(4096);
	ck_assert_uint_eq(work(), 2);
	expect(4096, 0, 0, 1);
}
END_TEST

static void name(int fd, void *user)
{
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	++*(unsigned int *)user;
}

START_TEST(names)
{
	unsigned int n = 0, open_before = open_fds();

	give(4096);
	work();
	give(4 << 20);
	give(POOLED + 4096);
	ck_assert(pool_begin(pool));
	pool_name_fds(pool, name, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(open_fds(), open_before + 3);
	/* freed with work in hand */
}
END_TEST

START_TEST(faults)
{
	bool failed = true, cleared;

	for (unsigned int nth = 1; failed; nth++) {
		unsigned int fds = open_fds();
		struct pooled *p;
		int fd;

		ck_assert_int_eq(pages_new(&fd, 3 << 20, false), 0);
		soil(fd, 3 << 20);
		fault_arm(nth);
		pool_give_fd(pool, fd, 3 << 20);
		if (pool_begin(pool)) {
			pool_run(pool);
			pool_finish(pool);
		}
		p = pool_take(pool, 3 << 20);
		cleared = p && pooled_clear(p) == 0;
		failed = fault_disarm();
		ck_assert(!cleared || is_zero(p->fd, 3 << 20));
		ck_assert(p || failed);
		if (p)
			pool_give(pool, p);
		pool_trim(pool);
		expect(0, 0, 0, 0);
		ck_assert_uint_eq(open_fds(), fds);
	}
}
END_TEST

/* ---- the heap on it ---- */

static int block_new(struct heap_block *block, uint64_t size)
{
	const struct heap_want want = { .size = size };
	int r;

	heap_block_init(block);
	ck_assert_int_eq(heap_reserve(heap, block, &want), 0);
	r = heap_fill(block);
	if (r) {
		heap_release(block);
		return r;
	}
	ck_assert_uint_eq(block->n_slices, 1);
	ck_assert_int_eq(block->slices[0].fd, block->memfd);
	ck_assert_uint_eq(block->slices[0].size, size);
	return 0;
}

static uint64_t pooled(void)
{
	struct heap_stock stock;

	heap_stock(heap, &stock);
	ck_assert_uint_eq(stock.pooled, stock.clean + stock.dirty);
	return stock.pooled;
}

START_TEST(heap_recycles)
{
	struct heap_block block;
	ino_t ino;

	ck_assert_int_eq(block_new(&block, 1 << 20), 0);
	ino = ino_of(block.memfd);
	soil(block.memfd, 1 << 20);
	heap_release(&block);
	ck_assert_uint_eq(pooled(), 1 << 20);
	ck_assert_uint_eq(heap->bytes, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(block_new(&block, 1 << 20), 0);
		ck_assert_uint_eq(ino_of(block.memfd), ino);
		ck_assert(is_zero(block.memfd, 1 << 20));
		ck_assert_uint_eq(pooled(), 0);
		soil(block.memfd, 1 << 20);
		heap_release(&block);
		ck_assert_ptr_eq(heaps_tend_begin(heaps), heap); /* once dirty, once clean */
		heap_tend_run(heap);
		heap_tend_finish(heap);
	}
	ck_assert_ptr_null(heaps_tend_begin(heaps));
	ck_assert(heaps_age(heaps, false));
	ck_assert(heaps_age(heaps, true)); /* not gone yet */
	ck_assert(tend(heap));
	ck_assert(!heaps_age(heaps, true));
}
END_TEST

static void count_work(void *user)
{
	++*(unsigned int *)user;
}

START_TEST(heap_tells_of_work)
{
	struct heap_block block;
	unsigned int n = 0;

	heaps_on_work(heaps, count_work, &n);
	ck_assert_int_eq(block_new(&block, 4096), 0);
	ck_assert_uint_eq(n, 0);
	heap_release(&block);
	ck_assert_uint_eq(n, 1);
	ck_assert(tend(heap));
	heap_age(heap, true);
	ck_assert_uint_eq(n, 2);
	ck_assert(tend(heap));
	heaps_on_work(heaps, NULL, NULL);
	heap_age(heap, true);
	ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(heap_does_not_recycle)
{
	struct heap_block block;

	/* pages that may be held in ways that nobody sees; a memfd that was given away */
	exporter.lets_go = _i == 1;
	exporter_ops.hands_out_memfd = _i == 1;
	ck_assert_int_eq(block_new(&block, 8192), 0);
	heap_release(&block);
	ck_assert_uint_eq(pooled(), 0);
	ck_assert(!heap_tend_begin(heap));
}
END_TEST

START_TEST(heap_gives_up_for_a_block)
{
	struct heap_block block;

	ck_assert_int_eq(block_new(&block, 1 << 20), 0);
	heap_release(&block);
	heap_block_init(&block);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 4096, 0, 0 }), 0);
	heap_release(&block); /* not filled: nobody is short of anything */
	ck_assert_uint_eq(pooled(), 1 << 20);
	fault_arm(3); /* fallocate() */
	ck_assert_int_eq(block_new(&block, 2 << 20), HEAP_E_AGAIN);
	ck_assert(fault_disarm());
	ck_assert_uint_eq(pooled(), 0);
	fault_arm(3);
	ck_assert_int_eq(block_new(&block, 2 << 20), -ENOMEM);
	ck_assert(fault_disarm());
}
END_TEST

START_TEST(heap_loses_one)
{
	struct heap_block block;

	ck_assert_int_eq(block_new(&block, 4096), 0);
	heap_release(&block);
	heap_block_init(&block);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 4096, 0, 0 }), 0);
	fault_arm(1);
	ck_assert_int_eq(heap_fill(&block), HEAP_E_AGAIN);
	ck_assert(fault_disarm());
	heap_release(&block);
	ck_assert_uint_eq(pooled(), 0);
}
END_TEST

/* ---- a storm ---- */

#define BLOCKS 24

static uint64_t seed;
static struct heap_block blocks[BLOCKS];
static int holders[BLOCKS]; /* who should be gone when the block is released, and isn't */

static void storm_take(struct heap_block *block)
{
	static const uint64_t sizes[] = { 1, 1, 1, 2, 3, 16, 16, 18, 256, 600 };
	uint64_t size = sizes[chance_below(&seed, ARRAY_SIZE(sizes))] * 4096;

	if (!chance_below(&seed, 16))
		fault_arm(1 + chance_below(&seed, 6));
	if (block_new(block, size) != 0)
		ck_assert(fault_disarm());
	fault_disarm();
	if (!block->heap)
		return;
	ck_assert(is_zero(block->memfd, size));
	soil(block->memfd, size);
}

/* somebody holds on to it: what he has stays as it is */
static void storm_release(struct heap_block *block, int *holder)
{
	uint64_t size = block->size;
	ino_t ino = ino_of(block->memfd);

	if (*holder >= 0)
		*holder = fd_close(*holder);
	if (!chance_below(&seed, 8)) /* fails where a fault has left the lease of a test there */
		*holder = MAX(pages_reopen(block->memfd, O_RDWR | O_NONBLOCK), -1);
	if (!chance_below(&seed, 16))
		fault_arm(1 + chance_below(&seed, 4));
	heap_release(block);
	fault_disarm();
	if (*holder < 0)
		return;
	ck_assert_int_eq(block_new(block, size), 0);
	ck_assert_uint_ne(ino_of(block->memfd), ino);
	ck_assert(is_zero(block->memfd, size));
	ck_assert(!is_zero(*holder, size));
	soil(block->memfd, size);
}

static uint64_t storm_bytes(void)
{
	uint64_t bytes = 0;

	for (int i = 0; i < BLOCKS; i++)
		bytes += blocks[i].heap ? blocks[i].size : 0;
	return bytes;
}

START_TEST(storm)
{
	bool in_hand = false;

	seed = chance_seed("POOL_SEED");
	printf("# POOL_SEED=%#lx\n", (unsigned long)seed);
	fflush(stdout);
	for (int i = 0; i < BLOCKS; i++) {
		heap_block_init(&blocks[i]);
		holders[i] = -1;
	}
	for (int step = 0; step < STEPS; step++) {
		int i = chance_below(&seed, BLOCKS);

		if (!blocks[i].heap)
			storm_take(&blocks[i]);
		else
			storm_release(&blocks[i], &holders[i]);
		if (in_hand && !chance_below(&seed, 3)) {
			heap_tend_run(heap);
			heap_tend_finish(heap);
			in_hand = false;
		} else if (!in_hand && !chance_below(&seed, 4)) {
			in_hand = heap_tend_begin(heap);
		}
		if (!chance_below(&seed, 500))
			heap_age(heap, !chance_below(&seed, 4));
		ck_assert_uint_eq(heap->bytes, storm_bytes());
		ck_assert_uint_le(pooled(), 5 * POOLED);
	}
	for (int i = 0; i < BLOCKS; i++) {
		heap_release(&blocks[i]);
		fd_close(holders[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tcase = tcase_create("pool");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, cleared_in_the_background);
	tcase_add_test(tcase, taken_dirty);
	tcase_add_test(tcase, clean_ones_first);
	tcase_add_loop_test(tcase, never_what_is_held, 0, 2);
	tcase_add_test(tcase, held_while_it_lies_there);
	tcase_add_test(tcase, bound);
	tcase_add_test(tcase, too_large);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, idle);
	tcase_add_test(tcase, pressure);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, faults);
	tcase_add_test(tcase, heap_recycles);
	tcase_add_test(tcase, heap_tells_of_work);
	tcase_add_loop_test(tcase, heap_does_not_recycle, 0, 2);
	tcase_add_test(tcase, heap_gives_up_for_a_block);
	tcase_add_test(tcase, heap_loses_one);
	tcase_add_test(tcase, storm);
	tcase_set_timeout(tcase, 120); /* also under emulation */
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
