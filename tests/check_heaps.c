// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/heap/heaps.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "fault.h"
#include "heap/heaps.h"

static struct heaps *heaps;

static void setup(void)
{
	ck_assert_int_eq(heaps_new(&heaps), 0);
}

static void teardown(void)
{
	heaps = heaps_free(heaps);
}

/* the result of adding a heap */
static int add(uint32_t id, const char *name)
{
	struct heap *heap;
	int r;

	ck_assert_int_eq(
		heap_system_new(&heap,
				&(struct heap_config){ .id = id, .name = name, .exporter = NULL },
				4096),
		0);
	r = heaps_add(heaps, heap);
	if (r)
		heap_free(heap);
	return r;
}

START_TEST(ids_and_names)
{
	ck_assert_int_eq(add(0, "ion_system_heap"), 0);
	ck_assert_int_eq(add(4, "linux,cma"), 0);
	ck_assert_int_eq(add(31, "last"), 0);
	ck_assert_int_eq(add(4, "other"), HEAPS_E_TAKEN);
	ck_assert_int_eq(add(5, "last"), HEAPS_E_TAKEN);
	ck_assert_uint_eq(heaps_get(heaps, 31)->id, 31);
	ck_assert_ptr_null(heaps_get(heaps, 1));
	ck_assert_ptr_null(heaps_get(heaps, 32));
	ck_assert_ptr_null(heaps_get(heaps, UINT32_MAX));
	ck_assert_uint_eq(heaps_find(heaps, "linux,cma")->id, 4);
	ck_assert_ptr_null(heaps_find(heaps, "linux"));
}
END_TEST

START_TEST(aliases)
{
	ck_assert_int_eq(add(0, "ion_system_heap"), 0);
	ck_assert_int_eq(add(4, "linux,cma"), 0);
	ck_assert_int_eq(heaps_alias_id(heaps, 0, 25), 0);
	ck_assert_int_eq(heaps_alias_id(heaps, 4, 27), 0);
	ck_assert_int_eq(heaps_alias_id(heaps, 4, 25), HEAPS_E_TAKEN);
	ck_assert_int_eq(heaps_alias_id(heaps, 4, 0), HEAPS_E_TAKEN);
	ck_assert_int_eq(heaps_alias_id(heaps, 4, 32), -EINVAL);
	ck_assert_int_eq(heaps_alias_id(heaps, 25, 26), -ENOENT); /* no alias of an alias */
	ck_assert_int_eq(add(25, "x"), HEAPS_E_TAKEN);
	ck_assert_ptr_null(heaps_get(heaps, 25));

	ck_assert_int_eq(heaps_alias_name(heaps, 4, "reserved"), 0);
	ck_assert_int_eq(heaps_alias_name(heaps, 0, "reserved"), HEAPS_E_TAKEN);
	ck_assert_int_eq(heaps_alias_name(heaps, 0, "linux,cma"), HEAPS_E_TAKEN);
	ck_assert_int_eq(heaps_alias_name(heaps, 0, ""), -EINVAL);
	ck_assert_int_eq(heaps_alias_name(heaps, 0, "a name of thirty-two characters."), -EINVAL);
	ck_assert_int_eq(heaps_alias_name(heaps, 9, "y"), -ENOENT);
	ck_assert_int_eq(add(1, "reserved"), HEAPS_E_TAKEN);
	ck_assert_uint_eq(heaps_find(heaps, "reserved")->id, 4);
}
END_TEST

START_TEST(masks)
{
	ck_assert_uint_eq(heaps_resolve(heaps, UINT32_MAX), 0);
	ck_assert_int_eq(add(0, "a"), 0);
	ck_assert_int_eq(add(4, "b"), 0);
	ck_assert_int_eq(heaps_alias_id(heaps, 0, 31), 0);
	ck_assert_uint_eq(heaps_resolve(heaps, 0), 0);
	ck_assert_uint_eq(heaps_resolve(heaps, 1u << 31), 1);
	ck_assert_uint_eq(heaps_resolve(heaps, 1u << 31 | 1), 1);
	ck_assert_uint_eq(heaps_resolve(heaps, 1u << 4 | 1u << 5), 1u << 4);
	ck_assert_uint_eq(heaps_resolve(heaps, UINT32_MAX), 1u << 4 | 1);
}
END_TEST

START_TEST(listing)
{
	struct heap_info infos[2];

	ck_assert_uint_eq(heaps_list(heaps, infos, 2), 0);
	ck_assert_int_eq(add(2, "two"), 0);
	ck_assert_int_eq(add(31, "last"), 0);
	ck_assert_int_eq(add(0, "first"), 0);
	ck_assert_int_eq(heaps_alias_id(heaps, 0, 7), 0);
	ck_assert_uint_eq(heaps_list(heaps, NULL, 0), 3);
	ck_assert_uint_eq(heaps_list(heaps, infos, 2), 3);
	ck_assert_str_eq(infos[0].name, "last");
	ck_assert_uint_eq(infos[0].id, 31);
	ck_assert_uint_eq(infos[0].type, HEAP_TYPE_SYSTEM);
	ck_assert_str_eq(infos[1].name, "two");
}
END_TEST

START_TEST(faults)
{
	struct heaps *other = NULL;
	struct heap *heap = NULL;

	fault_arm(1);
	ck_assert_int_eq(heaps_new(&other), -ENOMEM);
	fault_arm(1);
	ck_assert_int_eq(
		heap_system_new(&heap,
				&(struct heap_config){ .id = 0, .name = "x", .exporter = NULL }, 1),
		-ENOMEM);
	ck_assert(fault_disarm());
	ck_assert(!other && !heap);
	ck_assert_int_eq(add(0, "a"), 0);
	fault_arm(1);
	ck_assert_int_eq(heaps_alias_name(heaps, 0, "b"), -ENOMEM);
	ck_assert(fault_disarm());
	ck_assert_ptr_null(heaps_find(heaps, "b"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heaps");
	TCase *tcase = tcase_create("heaps");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, ids_and_names);
	tcase_add_test(tcase, aliases);
	tcase_add_test(tcase, masks);
	tcase_add_test(tcase, listing);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
