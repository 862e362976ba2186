// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/daemon/conf_area.c, and what conf_check.c says of areas; the machine has 1 GiB */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "conf_fixture.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

START_TEST(all_keys)
{
	static const char text[] = "[area video]\n"
				   "page-size = 1G\n"
				   "node = 1\n"
				   "floor = 1G\n"
				   "ceiling = 2G\n"
				   "order-per-bit = 18\n"
				   "max-address = 4G\n"
				   "partial = yes\n";
	struct settings settings;
	const struct area_settings *area = &settings.areas[1];

	ck_assert_int_eq(conf_read_bytes(&settings, 4 * GIB, text, strlen(text)), 0);
	ck_assert_str_eq(conf_said, "");
	ck_assert_uint_eq(settings.n_areas, 2);
	ck_assert_str_eq(settings.areas[0].name, "main");
	ck_assert_str_eq(area->name, "video");
	ck_assert_uint_eq(area->page_size, GIB);
	ck_assert_int_eq(area->node, 1);
	ck_assert_uint_eq(area->floor, GIB);
	ck_assert_uint_eq(area->ceiling, 2 * GIB);
	ck_assert_uint_eq(area->order_per_bit, 18);
	ck_assert_uint_eq(area->max_address, 4 * GIB);
	ck_assert(area->partial);
}
END_TEST

START_TEST(defaults)
{
	struct settings settings;
	const struct area_settings *area = &settings.areas[1];

	ck_assert_int_eq(conf_read_text(&settings, "[area a]\nceiling = 64M\n"), 0);
	ck_assert_uint_eq(area->page_size, 2 * MIB);
	ck_assert_int_eq(area->node, -1);
	ck_assert_uint_eq(area->floor, 16 * MIB);
	ck_assert_uint_eq(area->order_per_bit, 0);
	ck_assert_uint_eq(area->max_address, 0);
	ck_assert(!area->partial);

	ck_assert_int_eq(conf_read_text(&settings, "[area a]\nceiling = 4M\nnode = any\n"), 0);
	ck_assert_uint_eq(area->floor, 4 * MIB);
}
END_TEST

/* a section of the built-in area's name changes it */
START_TEST(builtin)
{
	static const char pages[] = "[area main]\npage-size = 1G\nceiling = 1G\n";
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "[area main]\nmax-address = none\n"), 0);
	ck_assert_uint_eq(settings.n_areas, 1);
	ck_assert_uint_eq(settings.areas[0].ceiling, 256 * MIB);
	ck_assert_uint_eq(settings.areas[0].floor, 16 * MIB);

	ck_assert_int_eq(conf_read_text(&settings, "[area main]\nceiling = 8M\n"), 0);
	ck_assert_uint_eq(settings.areas[0].ceiling, 8 * MIB);
	ck_assert_uint_eq(settings.areas[0].floor, 8 * MIB);

	ck_assert_int_eq(conf_read_bytes(&settings, 2 * GIB, pages, strlen(pages)), 0);
	ck_assert_uint_eq(settings.areas[0].floor, GIB);
}
END_TEST

/* one without a byte is left out, with the built-in heaps over it */
START_TEST(left_out)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "[area main]\nceiling = 0\n"
						   "[area b]\nceiling = 0\n"
						   "[area c]\nceiling = 2M\n"
						   "[heap carveout]\narea = c\n"),
			 0);
	ck_assert_uint_eq(settings.n_areas, 1);
	ck_assert_str_eq(settings.areas[0].name, "c");
	ck_assert_uint_eq(settings.n_heaps, 2);
	ck_assert_str_eq(settings.heaps[0].name, "ion_system_heap");
	ck_assert_int_eq(settings.heaps[0].area, -1);
	ck_assert_str_eq(settings.heaps[1].name, "carveout");
	ck_assert_int_eq(settings.heaps[1].area, 0);
}
END_TEST

static const struct {
	const char *text;
	int line;
	const char *names;
} bad[] = {
	{ "[area a]\npage-size = 4K\n", 2, "2M or 1G" },
	{ "[area a]\npage-size = 3M\n", 2, "2M or 1G" },
	{ "[area a]\nnode = 1024\n", 2, "NUMA node" },
	{ "[area a]\nnode = -1\n", 2, "NUMA node" },
	{ "[area a]\nfloor = 16MB\n", 2, "a size like 16M" },
	{ "[area a]\nceiling = lots\n", 2, "a size like 512M" },
	{ "[area a]\norder-per-bit = 19\n", 2, "0 to 9" },
	{ "[area a]\nmax-address = 4294967295\n", 2, "multiple of 4K" },
	{ "[area a]\npartial = maybe\n", 2, "yes or no" },
	{ "[area a]\nidle = 10\n", 2, "unknown key" },
	{ "[area a]\n", 1, "ceiling: missing" },
	{ "[area a]\nnode = 0\n", 1, "ceiling: missing" },
	{ "[area a]\nfloor = 2M\nceiling = 3M\n", 3, "multiple of page-size (2M)" },
	{ "[area a]\nfloor = 3M\nceiling = 4M\n", 2, "floor: 3M is not a multiple" },
	{ "[area main]\n\npage-size = 1G\n", 3, "ceiling: 256M is not a multiple" },
	{ "[area a]\nfloor = 8M\nceiling = 4M\n", 3, "below the floor (8M)" },
	{ "[area a]\nceiling = 4M\nfloor = 8M\n", 3, "below the floor (8M)" },
	{ "[area a]\nceiling = 1026M\n", 2, "more than the machine has (1024M)" },
	{ "[area a]\nceiling = 512M\n[area b]\nceiling = 512M\n", 4, "together" },
	{ "[area a]\nceiling = 1022M\n", 2, "together" },
	{ "[area a]\nmax-address = 32M\nceiling = 64M\n", 2, "below the ceiling (64M)" },
	{ "[area a]\nceiling = 64M\norder-per-bit = 10\n", 3, "page of page-size (2M)" },
	{ "[area a]\nceiling = 2M\n[area a]\nfloor = 2M\n", 3, "line 1" },
	{ "[area ]\nceiling = 2M\n", 1, "bad name" },
	{ "[area a b]\nceiling = 2M\n", 1, "bad name" },
	{ "[area 1234567890123456789012345678901_]\nceiling = 2M\n", 1, "bad name" },
	{ "[area ../x]\nceiling = 2M\n", 1, "bad name" },
	{ "[area a]\nceiling = 2M\nceiling = 2M\n", 3, "line 2" },
};

START_TEST(bad_files)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, bad[_i].text), -EINVAL);
	conf_assert_said(bad[_i].line, bad[_i].names);
	ck_assert_uint_eq(settings.n_areas, 1);
	ck_assert_uint_eq(settings.areas[0].ceiling, 256 * MIB);
}
END_TEST

START_TEST(many)
{
	char text[1024] = "";
	struct settings settings;

	for (int i = 1; i < AREAS_MAX; i++)
		sprintf(text + strlen(text), "[area a%d]\nceiling = 2M\n", i);
	ck_assert_int_eq(conf_read_text(&settings, text), 0);
	ck_assert_uint_eq(settings.n_areas, AREAS_MAX);
	strcat(text, "[area more]\nceiling = 2M\n");
	ck_assert_int_eq(conf_read_text(&settings, text), -EINVAL);
	conf_assert_said(2 * AREAS_MAX - 1, "too many sections");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_area");
	TCase *tcase = tcase_create("conf_area");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, all_keys);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, builtin);
	tcase_add_test(tcase, left_out);
	tcase_add_loop_test(tcase, bad_files, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
