// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/zones.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "fault.h"
#include "mem/zones.h"

/* as two nodes have it, shortened; Movable has no pages, Device none either */
static const char text[] = "Node 0, zone      DMA\n"
			   "  per-node stats\n"
			   "      nr_inactive_anon 12\n"
			   "  pages free     2816\n"
			   "        spanned  4095\n"
			   "        present  3998\n"
			   "        managed  3840\n"
			   "  node_unreclaimable:  0\n"
			   "  start_pfn:           1\n"
			   "Node 0, zone    DMA32\n"
			   "        spanned  1044480\n"
			   "  start_pfn:           4096\n"
			   "Node 0, zone  Movable\n"
			   "        spanned  0\n"
			   "        present  0\n"
			   "Node 1, zone   Normal\n"
			   "        spanned  524288\n"
			   "  start_pfn:           1048576\n"
			   "Node 1, zone   Device\n"
			   "        spanned  0\n";

START_TEST(parse)
{
	struct zones zones;
	const struct zone *zone;

	ck_assert_int_eq(zones_parse(&zones, text), 0);
	ck_assert_uint_eq(zones.n, 3);
	ck_assert_ptr_null(zones_find(&zones, 0));
	zone = zones_find(&zones, 1);
	ck_assert_str_eq(zone->name, "DMA");
	ck_assert_ptr_eq(zones_find(&zones, 4095), zone);
	zone = zones_find(&zones, 4096);
	ck_assert_str_eq(zone->name, "DMA32");
	ck_assert_uint_eq(zone->node, 0);
	ck_assert_ptr_eq(zones_find(&zones, 1048575), zone);
	zone = zones_find(&zones, 1048576);
	ck_assert_str_eq(zone->name, "Normal");
	ck_assert_uint_eq(zone->node, 1);
	ck_assert_ptr_nonnull(zones_find(&zones, 1048576 + 524287));
	ck_assert_ptr_null(zones_find(&zones, 1048576 + 524288));
	ck_assert_ptr_null(zones_find(&zones, UINT64_MAX));
	zones_deinit(&zones);
}
END_TEST

START_TEST(no_zones)
{
	static const char *const none[] = {
		"",
		"\n",
		"spanned 3\nstart_pfn: 4\n",
		"Node 0, zone DMA\nspanned 0\nstart_pfn: 1\n",
		"Node 0, zone DMA\n",
	};
	struct zones zones;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_int_eq(zones_parse(&zones, none[i]), -EINVAL);
	fault_arm(1);
	ck_assert_int_eq(zones_parse(&zones, text), -ENOMEM);
	ck_assert(fault_disarm());
}
END_TEST

START_TEST(this_machine)
{
	static char here[1 << 20];
	struct zones zones;

	if (file_read_text("/proc/zoneinfo", here, sizeof(here)) < 0)
		return;
	ck_assert_int_eq(zones_parse(&zones, here), 0);
	ck_assert_ptr_nonnull(zones_find(&zones, 4096)); /* 16 MiB: there is memory everywhere */
	zones_deinit(&zones);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zones");
	TCase *tcase = tcase_create("zones");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, parse);
	tcase_add_test(tcase, no_zones);
	tcase_add_test(tcase, this_machine);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
