// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/front/: a node that stands for a heap, by both doors */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doors_rig.h"

static const struct wire_dma_heap_alloc ordinary = { .len = 5000, .fd_flags = O_RDWR | O_CLOEXEC };

static int ask(uint64_t fh, struct wire_dma_heap_alloc alloc)
{
	return fake_ioctl(&rig.kernel, fh, WIRE_DMA_HEAP_ALLOC, ARG, &alloc);
}

/* a delivery, @flags of which are as they should be; it succeeds */
static void expect_file(uint32_t cmd, uint64_t size, uint32_t flags)
{
	struct deliver_job *job = wait_job();
	int fd;

	ck_assert_int_eq(job->verb, DELIVER_GIVE_FD);
	ck_assert_uint_eq(job->call.cmd, cmd);
	ck_assert_uint_eq(job->address, ARG + 8);
	ck_assert_uint_eq(job->flags, flags);
	ck_assert_int_eq(lseek(job->fd, 0, SEEK_END), size);
	fake_deliver_end(&rig.deliver, 3, true, &fd);
	ck_assert(fake_is_quiet(&rig.kernel));
	ck_assert_uint_eq(rig_totals().buffers, 1);
	close(fd);
	ck_assert_uint_eq(rig_totals().buffers, 0);
}

START_TEST(alloc)
{
	struct wire_dma_heap_alloc over_exec = { .len = 8 << 20, .fd_flags = O_RDWR };
	uint64_t fh;

	rig_up_node(_i, RIG_SYSTEM);
	fh = rig_client();
	fake_send_ioctl(&rig.kernel, fh, WIRE_DMA_HEAP_ALLOC, ARG, &ordinary);
	expect_file(WIRE_DMA_HEAP_ALLOC, 8192, 0);
	fake_send_ioctl(&rig.kernel, fh, WIRE_DMA_HEAP_ALLOC, ARG, &over_exec);
	expect_file(WIRE_DMA_HEAP_ALLOC, 8 << 20, DELIVER_OVER_EXEC);
	ck_assert_uint_eq(rig.dispatch.counters.allocations, 2);
	rig_down();
}
END_TEST

/* the struct may be longer, or lack heap_flags; the letter is nothing to the kernel */
START_TEST(other_numbers)
{
	static const uint32_t numbers[] = { 0xc0104800, 0xc0284800, 0xc0184900 };
	const struct {
		struct wire_dma_heap_alloc alloc;
		uint64_t behind[2];
	} in = { ordinary, { 1, 2 } };
	uint64_t fh;

	rig_up_node(_i, RIG_SYSTEM);
	fh = rig_client();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		fake_send_ioctl(&rig.kernel, fh, numbers[i], ARG, &in);
		expect_file(numbers[i], 8192, 0);
	}
	rig_down();
}
END_TEST

/* which heap serves is the node's matter */
START_TEST(heaps)
{
	static const struct {
		enum rig_node node;
		uint32_t heap;
	} nodes[] = { { RIG_SYSTEM, 0 }, { RIG_CMA, 4 } };
	struct service_totals totals;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		rig_up_node(_i, nodes[i].node);
		fake_send_ioctl(&rig.kernel, rig_client(), WIRE_DMA_HEAP_ALLOC, ARG, &ordinary);
		wait_job();
		totals = rig_totals();
		for (size_t k = 0; k < totals.n_heaps; k++)
			ck_assert_uint_eq(totals.heaps[k].buffers,
					  totals.heaps[k].info.id == nodes[i].heap);
		rig_down();
	}
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		struct wire_dma_heap_alloc alloc;
		int result;
	} allocs[] = {
		{ { .len = 0, .fd_flags = O_RDWR }, -EINVAL },
		{ { .len = UINT64_MAX, .fd_flags = O_RDWR }, -EINVAL },
		{ { .len = 1ull << 50, .fd_flags = O_RDWR }, -ENOMEM },
		{ { .len = 4096, .fd = 1, .fd_flags = O_RDWR }, -EINVAL },
		{ { .len = 4096, .fd_flags = O_RDWR | O_NONBLOCK }, -EINVAL },
		{ { .len = 4096, .fd_flags = O_RDWR, .heap_flags = 1 }, -EINVAL },
	};
	uint8_t bytes[64] = { 0 };
	uint64_t fh;

	rig_up_node(_i, RIG_SYSTEM);
	fh = rig_client();
	for (size_t i = 0; i < ARRAY_SIZE(allocs); i++)
		ck_assert_int_eq(ask(fh, allocs[i].alloc), allocs[i].result);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, _IOWR('H', 1, int), ARG, bytes), -EINVAL);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, WIRE_ION_HEAP_QUERY, ARG, bytes), -EINVAL);
	ck_assert_int_eq(ask(fh + 1, ordinary), -EBADF);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	rig_down();
}
END_TEST

/* a heap that the settings name, but whose area was not to be had */
START_TEST(no_heap)
{
	rig_up_node(_i, RIG_NONE);
	ck_assert_int_eq(ask(rig_client(), ordinary), -ENODEV);
	rig_down();
}
END_TEST

/* an ION node next to it stays one */
START_TEST(beside_ion)
{
	const struct wire_ion_alloc ion = { .len = 4096, .heap_id_mask = 1 };
	uint64_t heap, fh;

	rig_up_node(_i | 2, RIG_SYSTEM);
	heap = rig_client();
	rig.kernel.node -= RIG_SYSTEM;
	ck_assert_int_eq(fake_open(&rig.kernel, &fh), 0);
	fake_send_ioctl(&rig.kernel, fh, WIRE_ION_ALLOC, ARG, &ion);
	ck_assert_uint_eq(wait_job()->address, ARG + 16);
	fake_deliver_end(&rig.deliver, 3, true, NULL);
	fake_send_ioctl(&rig.kernel, heap, WIRE_DMA_HEAP_ALLOC, ARG, &ordinary);
	expect_file(WIRE_DMA_HEAP_ALLOC, 8192, 0);
	rig_down();
}
END_TEST

START_TEST(delivery_fails)
{
	uint64_t unique, fh;

	rig_up_node(_i, RIG_SYSTEM);
	fh = rig_client();
	unique = fake_send_ioctl(&rig.kernel, fh, WIRE_DMA_HEAP_ALLOC, ARG, &ordinary);
	wait_job();
	fake_deliver_end(&rig.deliver, -EMFILE, false, NULL);
	ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, unique, NULL, 24), -EMFILE);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	rig_down();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		alloc, other_numbers, heaps, refusals, no_heap, beside_ion, delivery_fails,
	};
	Suite *suite = suite_create("door_dma_heap");
	TCase *tcase = tcase_create("door_dma_heap");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 20);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tcase_add_loop_test(tcase, cases[i], 0, WAYS);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
