// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/claim.c, clear.c */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_frames.h"
#include "mem/claim.h"
#include "mem/clear.h"
#include "mem/pages.h"

#define BLOCK_FRAMES 512u
#define BLOCK_SIZE   (BLOCK_FRAMES * PAGES_SIZE)

static struct fake_frames *fake;
static struct claim claim;
static char *memory;

static void setup(void)
{
	fake = fake_frames_new(3, BLOCK_FRAMES, 0x1000);
	memory = fake->frames.map;
	memset(memory, 0x5a, 3 * BLOCK_SIZE);
	claim_init(&claim);
	ck_assert_int_eq(clear_catch_sigbus(), 0);
}

static void teardown(void)
{
	claim_deinit(&claim);
	frames_free(&fake->frames);
}

static size_t count_zero(const char *p, size_t n)
{
	size_t zero = 0;

	for (size_t i = 0; i < n; i++)
		zero += !p[i];
	return zero;
}

/* ---- clearing ---- */

START_TEST(clear)
{
	ck_assert_int_eq(clear_memory(memory + 4096, 8192), 0);
	ck_assert_uint_eq(count_zero(memory, 4 * 4096), 8192);
	ck_assert_int_eq(memory[4095], 0x5a);
	ck_assert_int_eq(memory[4096 + 8192], 0x5a);
	ck_assert_int_eq(clear_memory(memory, 0), 0);
}
END_TEST

static void *clear_lost(void *result)
{
	sigset_t all, now;

	/* as the helper threads of the service are */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (int i = 0; i < 3; i++)
		*(int *)result = clear_memory(memory, 2 * BLOCK_SIZE);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	if (!sigismember(&now, SIGBUS) || !sigismember(&now, SIGTERM))
		*(int *)result = -EBUSY;
	return NULL;
}

START_TEST(lost)
{
	sigset_t now;
	pthread_t thread;
	int r = 0;

	fake_frames_lose(fake, 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(clear_memory(memory, 2 * BLOCK_SIZE), -EIO);
	ck_assert_uint_eq(count_zero(memory, BLOCK_SIZE), BLOCK_SIZE);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	ck_assert(!sigismember(&now, SIGBUS));
	ck_assert_int_eq(pthread_create(&thread, NULL, clear_lost, &r), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(r, -EIO);
	ck_assert_int_eq(clear_memory(memory + 2 * BLOCK_SIZE, BLOCK_SIZE), 0);
}
END_TEST

/* the kernel says that a page went bad which nobody is touching */
START_TEST(told_in_advance)
{
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AO };

	info.si_addr = memory;
	ck_assert_int_eq(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGBUS, &info), 0);
	fake_frames_lose(fake, 1);
	ck_assert_int_eq(clear_memory(memory, 2 * BLOCK_SIZE), -EIO);
}
END_TEST

START_TEST(not_ours)
{
	pid_t child = fork();
	int status;

	if (!child) {
		fake_frames_lose(fake, 0);
		*(volatile char *)memory = 1; /* nobody is clearing */
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (BUILD_IS_SANITIZED)
		ck_assert_int_ne(status, 0);
	else
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}
END_TEST

/* ---- claims ---- */

START_TEST(whole)
{
	ck_assert(!claim_overlaps(&claim, 0, 0x100000));
	claim_start(&claim, 0x1000, BLOCK_FRAMES, memory);
	ck_assert(claim_overlaps(&claim, 0x11ff, 1));
	ck_assert(claim_overlaps(&claim, 0xfff, 2));
	ck_assert(!claim_overlaps(&claim, 0xfff, 1));
	ck_assert(!claim_overlaps(&claim, 0x1200, 1));
	claim_clear(&claim);
	ck_assert_uint_eq(claim.n_cleared, BLOCK_FRAMES);
	ck_assert(!claim.lost);
	ck_assert_uint_eq(count_zero(memory, 2 * BLOCK_SIZE), BLOCK_SIZE);
	claim_end(&claim);
	ck_assert(!claim_overlaps(&claim, 0, 0x100000));
}
END_TEST

START_TEST(stopped)
{
	claim_start(&claim, 0x1000, BLOCK_FRAMES, memory);
	claim_stop(&claim, claim.serial);
	claim_clear(&claim); /* whoever is late does nothing */
	ck_assert_uint_eq(claim.n_cleared, 0);
	ck_assert_uint_eq(count_zero(memory, BLOCK_SIZE), 0);
	claim_end(&claim);

	/* of an earlier one: nothing to the one of now */
	claim_start(&claim, 0x1000, 3, memory);
	claim_stop(&claim, claim.serial - 1);
	claim_clear(&claim);
	ck_assert_uint_eq(claim.n_cleared, 3);
	claim_end(&claim);
}
END_TEST

START_TEST(lost_in_a_claim)
{
	fake_frames_lose(fake, 1);
	claim_start(&claim, 0x1000, 2 * BLOCK_FRAMES, memory);
	claim_clear(&claim);
	ck_assert(claim.lost);
	ck_assert_uint_eq(claim.n_cleared, BLOCK_FRAMES);
	claim_end(&claim);
}
END_TEST

static void *run_claim(void *arg)
{
	claim_clear(&claim);
	return NULL;
}

/* after a stop, whatever the thread was at, not a byte is written */
START_TEST(stop_in_the_middle)
{
	unsigned int n_whole = 0;

	for (int round = 0; round < 200; round++) {
		pthread_t thread;

		claim_start(&claim, 0x1000, BLOCK_FRAMES, memory);
		ck_assert_int_eq(pthread_create(&thread, NULL, run_claim, NULL), 0);
		claim_stop(&claim, claim.serial);
		memset(memory, 0x77, BLOCK_SIZE);
		pthread_join(thread, NULL);
		ck_assert_uint_eq(count_zero(memory, BLOCK_SIZE), 0);
		n_whole += claim.n_cleared == BLOCK_FRAMES;
		claim_end(&claim);
	}
	ck_assert_uint_lt(n_whole, 200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("claim");
	TCase *tcase = tcase_create("claim");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, clear);
	tcase_add_test(tcase, lost);
	tcase_add_test(tcase, told_in_advance);
	tcase_add_test(tcase, not_ours);
	tcase_add_test(tcase, whole);
	tcase_add_test(tcase, stopped);
	tcase_add_test(tcase, lost_in_a_claim);
	tcase_add_test(tcase, stop_in_the_middle);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
