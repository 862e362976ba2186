// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/pages.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "fault.h"
#include "mem/pages.h"

#define SIZE (5 * PAGES_SIZE)

START_TEST(rounding)
{
	ck_assert_uint_eq(pages_round(0), 0);
	ck_assert_uint_eq(pages_round(1), 4096);
	ck_assert_uint_eq(pages_round(4096), 4096);
	ck_assert_uint_eq(pages_round(4097), 8192);
	ck_assert_uint_eq(pages_round(UINT64_MAX - 4095), UINT64_MAX - 4095);
	ck_assert_uint_eq(pages_round(UINT64_MAX - 4094), 0);
	ck_assert_uint_eq(pages_round(UINT64_MAX), 0);
}
END_TEST

START_TEST(whole_zero_sealed)
{
	static const char zero[SIZE];
	struct stat st;
	char *map;
	int fd;

	ck_assert_int_eq(pages_new(&fd, SIZE, false), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, SIZE);
	ck_assert_int_eq(st.st_blocks, SIZE / 512); /* taken, though nobody touched them */
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	ck_assert_int_eq(ftruncate(fd, 4096), -1);
	ck_assert_int_eq(ftruncate(fd, SIZE + 4096), -1);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_mem_eq(map, zero, SIZE);
	munmap(map, SIZE);
	fd_close(fd);
}
END_TEST

START_TEST(read_only)
{
	_cleanup_(fd_closep) int fd = -1, again = -1;

	ck_assert_int_eq(pages_new(&fd, SIZE, true), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	/* it is the memfd's one open file */
	ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
	again = pages_reopen(fd, O_RDWR);
	ck_assert_int_ge(again, 0);
	ck_assert_int_eq(write(again, "x", 1), 1);
	ck_assert_int_eq(pages_reopen(-1, O_RDWR), -ENOENT);
}
END_TEST

START_TEST(whole_slice)
{
	_cleanup_(fd_closep) int fd = -1;

	ck_assert_int_eq(pages_new(&fd, SIZE, false), 0);
	ck_assert(pages_are_whole(&(struct slice){ fd, 0, SIZE }));
	ck_assert(!pages_are_whole(&(struct slice){ fd, 0, SIZE - PAGES_SIZE }));
	ck_assert(!pages_are_whole(&(struct slice){ fd, PAGES_SIZE, SIZE }));
	ck_assert(!pages_are_whole(&(struct slice){ -1, 0, SIZE }));
}
END_TEST

START_TEST(drop)
{
	_cleanup_(fd_closep) int kept = -1, again = -1;
	struct stat st;
	int fd;

	ck_assert_int_eq(pages_new(&fd, SIZE, true), 0);
	kept = pages_reopen(fd, O_PATH);
	ck_assert_int_eq(pages_drop(fd, SIZE), -1);
	again = pages_reopen(kept, O_RDONLY);
	ck_assert_int_eq(fstat(again, &st), 0);
	ck_assert_int_eq(st.st_size, SIZE);
	ck_assert_int_eq(st.st_blocks, 0);
}
END_TEST

/* the case's timeout is much less than the kernel's for a lease */
START_TEST(drop_under_lease)
{
	int fd;

	ck_assert_int_eq(pages_new(&fd, SIZE, true), 0);
	ck_assert_int_eq(fcntl(fd, F_SETSIG, SIGURG), 0);
	ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	ck_assert_int_eq(pages_drop(fd, SIZE), -1);
}
END_TEST

START_TEST(too_large)
{
	int fd = -1;

	ck_assert_int_eq(pages_new(&fd, UINT64_MAX - 4095, false), -ENOMEM);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(clear_a_part)
{
	enum { WHOLE = 9 * PAGES_SIZE, AT = 2 * PAGES_SIZE, N = 6 * PAGES_SIZE };
	struct stat st;
	char *map;
	int fd;

	ck_assert_int_eq(pages_new(&fd, WHOLE, false), 0);
	map = mmap(NULL, WHOLE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	memset(map, 1, WHOLE);
	ck_assert_int_eq(pages_clear(fd, AT, N), 0);
	for (int at = 0; at < WHOLE; at++)
		if (map[at] != (at < AT || at >= AT + N))
			ck_abort_msg("%d at %d", map[at], at);
	fault_arm(2);
	ck_assert_int_eq(pages_clear(fd, 0, WHOLE), -ENOMEM);
	ck_assert(fault_disarm());
	munmap(map, WHOLE);
	ck_assert_int_lt(pages_clear(fd, WHOLE, 4096), 0); /* it is sealed */
	pages_empty(fd, WHOLE);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_blocks, 0);
	fd_close(fd);
	ck_assert_int_eq(pages_clear(fd, 0, 4096), -EBADF);
}
END_TEST

START_TEST(faults)
{
	unsigned int fds = open_fds(), made = 0;
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		int fd = -1, r;

		fault_arm(nth);
		r = pages_new(&fd, SIZE, true);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, failed);
		ck_assert_int_eq(r < 0, fd < 0);
		fd_close(fd);
		ck_assert_uint_eq(open_fds(), fds);
		made += failed;
	}
	ck_assert_uint_eq(made, 5); /* memfd_create, ftruncate, fallocate, seals, open */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pages");
	TCase *tcase = tcase_create("pages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, rounding);
	tcase_add_test(tcase, whole_zero_sealed);
	tcase_add_test(tcase, read_only);
	tcase_add_test(tcase, whole_slice);
	tcase_add_test(tcase, drop);
	tcase_add_test(tcase, drop_under_lease);
	tcase_add_test(tcase, too_large);
	tcase_add_test(tcase, clear_a_part);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
