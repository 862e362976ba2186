// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/frames.c, as far as a machine without huge pages goes: the rest is in check_huge.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "fault.h"
#include "mem/frames.h"
#include "mem/pages.h"

#define HUGE_SIZE (2u << 20)

START_TEST(config)
{
	static const struct frames_config wrong[] = {
		{ .page_size = 0, .n_blocks = 1, .node = -1 },
		{ .page_size = 3 << 20, .n_blocks = 1, .node = -1 },
		{ .page_size = 16 << 10, .n_blocks = 1, .node = -1 }, /* no such huge pages */
		{ .page_size = HUGE_SIZE, .n_blocks = 0, .node = -1 },
		{ .page_size = 1ull << 62, .n_blocks = 4, .node = -1 },
		{ .page_size = HUGE_SIZE, .n_blocks = 1, .node = 1024 },
	};
	struct frames *frames = NULL;
	unsigned int fds = open_fds();

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(frames_huge_new(&frames, &wrong[i]), -EINVAL);
	ck_assert_ptr_null(frames);
	ck_assert_ptr_null(frames_free(NULL));
	ck_assert_uint_eq(open_fds(), fds);
}
END_TEST

START_TEST(nothing_taken)
{
	const struct frames_config large = { HUGE_SIZE, 1000, -1, -1, NULL, NULL };
	struct frames *frames;
	unsigned int fds = open_fds();

	/* none is reserved by it, so there may be more than the machine has */
	ck_assert_int_eq(frames_huge_new(&frames, &large), 0);
	ck_assert_uint_eq(frames->n_blocks, 1000);
	ck_assert_uint_eq(frames->block_size, HUGE_SIZE);
	ck_assert(fcntl(frames->memfd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(fcntl(frames->memfd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	frames_free(frames);
	ck_assert_uint_eq(open_fds(), fds);
}
END_TEST

START_TEST(faults)
{
	const struct frames_config one = { HUGE_SIZE, 1, -1, -1, NULL, NULL };
	unsigned int fds = open_fds(), made = 0;
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct frames *frames = NULL;
		int r;

		fault_arm(nth);
		r = frames_huge_new(&frames, &one);
		failed = fault_disarm();
		made += failed;
		ck_assert_int_eq(r < 0, failed);
		frames_free(frames);
		ck_assert_uint_eq(open_fds(), fds);
	}
	ck_assert_uint_eq(made, 6); /* two callocs, memfd, size, seals, mapping */
}
END_TEST

START_TEST(pagemap)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t frame = 0;
	char *map;
	int r;

	map = mmap(NULL, 2 * PAGES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	map[0] = 1;
	ck_assert_int_eq(frames_read_pagemap(fd, map + PAGES_SIZE, &frame), -ENODATA);
	r = frames_read_pagemap(fd, map + 8, &frame);
	ck_assert(r == 0 || r == -EPERM);
	ck_assert_int_eq(r == 0, frame != 0);
	ck_assert_int_eq(frames_read_pagemap(-1, map, &frame), -EBADF);
	munmap(map, 2 * PAGES_SIZE);
	fd_close(fd);
}
END_TEST

START_TEST(no_udmabuf)
{
	struct slice slice = { .fd = -1, .size = HUGE_SIZE };

	ck_assert_int_eq(frames_pin_udmabuf(&(int){ -1 }, &slice, NULL), -EBADF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frames");
	TCase *tcase = tcase_create("frames");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, config);
	tcase_add_test(tcase, nothing_taken);
	tcase_add_test(tcase, faults);
	tcase_add_test(tcase, pagemap);
	tcase_add_test(tcase, no_udmabuf);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
