// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/service.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "core_fixture.h"
#include "fault.h"

static struct core_fixture f;

static void setup(void)
{
	core_start(&f, &core_limits);
}

static void teardown(void)
{
	core_assert_empty(&f);
	core_stop(&f);
}

START_TEST(heaps)
{
	struct heap_info infos[4];

	/* the aliases aren't listed */
	ck_assert_uint_eq(service_heaps(f.service, infos, 4), 2);
	ck_assert_uint_eq(infos[0].id, CORE_HEAP_ODD);
	ck_assert_uint_eq(infos[0].type, HEAP_TYPE_DMA);
	ck_assert_uint_eq(infos[1].id, 0);
	ck_assert_str_eq(infos[1].name, "ion_system_heap");
	ck_assert_uint_eq(service_heaps(f.service, NULL, 0), 2);
}
END_TEST

START_TEST(totals)
{
	struct client *a = core_client(&f, 1), *b = core_client(&f, 2);
	struct service_totals t;
	struct file *file;
	int fd[2];

	ck_assert_int_eq(core_alloc(a, 5000, MASK(CORE_HEAP_ODD), &file, &fd[0]), 0);
	file_delivered(file);
	fd[1] = core_alloc_fd(b, 4096);
	service_totals(f.service, &t);
	ck_assert_uint_eq(t.clients, 2);
	ck_assert_uint_eq(t.buffers, 2);
	ck_assert_uint_eq(t.bytes, 3 * 4096);
	ck_assert_uint_eq(t.n_heaps, 2);
	ck_assert_str_eq(t.heaps[0].info.name, "odd");
	ck_assert_uint_eq(t.heaps[0].bytes, 8192);
	ck_assert_uint_eq(t.heaps[0].buffers, 1);
	ck_assert_uint_eq(t.heaps[1].bytes, 4096);
	client_free(a);
	client_free(b);
	fd_close(fd[0]);
	fd_close(fd[1]);
	service_look(f.service);
}
END_TEST

START_TEST(faults)
{
	const struct service_config config = { .state = f.state,
					       .heaps = f.heaps,
					       .watch = f.watch };
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct service *service = NULL;
		int r;

		fault_arm(nth);
		r = service_new(&service, &config);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, failed);
		ck_assert_int_eq(r < 0, !service);
		service_free(service);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service");
	TCase *tcase = tcase_create("service");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, heaps);
	tcase_add_test(tcase, totals);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
