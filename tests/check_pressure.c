// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/pressure.c, with files of the test's own in place of /proc */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/fd.h"
#include "mem/pressure.h"

static const char *meminfo, *psi; /* NULL: there is no such file */

int __wrap_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size)
{
	const char *found = strstr(path, "meminfo") ? meminfo : psi;

	if (!found)
		return -ENOENT;
	snprintf(text, size, "%s", found);
	return 0;
}

#define MEMINFO(available) \
	"MemTotal:       16000000 kB\nMemFree:  1 kB\n" available "Buffers:  2 kB\n"
#define PLENTY MEMINFO("MemAvailable:    1000001 kB\n")
#define SHORT  MEMINFO("MemAvailable:    1000000 kB\n")
#define NONE   MEMINFO("MemAvailable:          0 kB\n")
#define CALM   "some avg10=9.99 avg60=50.00 avg300=50.00 total=1\nfull avg10=90.00 avg60=0.00\n"
#define STALLS "some avg10=10.01 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00\n"

static const struct {
	const char *meminfo, *psi;
	bool high;
} cases[] = {
	{ PLENTY, CALM, false }, { PLENTY, NULL, false }, { SHORT, CALM, true },
	{ SHORT, NULL, true },	 { NONE, NULL, true },	  { PLENTY, STALLS, true },
	{ NULL, STALLS, true },	 { NULL, NULL, false },	  { MEMINFO(""), NULL, false },
	{ "", "", false },
};

START_TEST(high)
{
	meminfo = cases[_i].meminfo;
	psi = cases[_i].psi;
	ck_assert_int_eq(pressure_is_high(), cases[_i].high);
}
END_TEST

START_TEST(spare)
{
	meminfo = PLENTY;
	ck_assert_uint_eq(pressure_spare(), 1024);
	meminfo = SHORT;
	ck_assert_uint_eq(pressure_spare(), 0);
	meminfo = NULL;
	ck_assert_uint_eq(pressure_spare(), UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pressure");
	TCase *tcase = tcase_create("pressure");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, high, 0, ARRAY_SIZE(cases));
	tcase_add_test(tcase, spare);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
