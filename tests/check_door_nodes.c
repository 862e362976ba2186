// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/daemon/doors.c: which nodes there are by the settings */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf_fixture.h"
#include "daemon/doors.h"

static struct doors doors;

/* all names, with the heaps, as one text */
static const char *nodes_of(const struct settings *settings)
{
	static char text[NODES_MAX * 64];
	size_t n = 0;

	doors_list_nodes(&doors, settings);
	for (size_t i = 0; i < doors.n_nodes; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%s=%x", i ? " " : "",
			      doors.nodes[i].name, doors.nodes[i].heaps);
	return text;
}

static const struct {
	const char *conf;
	const char *nodes;
} cases[] = {
	{ "", "ion=0 dma_heap/system=1 dma_heap/carveout=4 dma_heap/linux,cma=10 "
	      "dma_heap/reserved=10 dma_heap/default_cma_region=10" },
	{ "[device dma_heap]\nnames = none\n", "ion=0" },
	{ "[device dma_heap]\nnames = auto\n[area main]\nceiling = 0\n",
	  "ion=0 dma_heap/system=1" },
	{ "[device dma_heap]\nnames = reserved ion_system_heap\n",
	  "ion=0 dma_heap/reserved=10 dma_heap/ion_system_heap=1" },
	{ "[heap qsecom]\nkind = dma\nid = 27\narea = main\n[device dma_heap]\nnames=qsecom\n",
	  "ion=0 dma_heap/qsecom=8000000" },
	{ "[heap carveout]\nkind = none\n[heap linux,cma]\nalias-names =\n",
	  "ion=0 dma_heap/system=1 dma_heap/linux,cma=10" },
};

START_TEST(names)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, cases[_i].conf), 0);
	ck_assert_str_eq(nodes_of(&settings), cases[_i].nodes);
}
END_TEST

START_TEST(modes)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "[device ion]\ngroup = root\n"), 0);
	log_set_level(LOG_LEVEL_ERROR); /* there may be no group cusion */
	nodes_of(&settings);
	ck_assert_uint_eq(doors.nodes[0].mode, 0660);
	ck_assert_uint_eq(doors.nodes[0].gid, 0);
	ck_assert(doors.given[0]);
	ck_assert_uint_eq(doors.nodes[1].mode, 0660);
	ck_assert(!doors.given[1]);

	ck_assert_int_eq(
		conf_read_text(&settings, "[device dma_heap]\nmode = 0644\ngroup = daemon\n"), 0);
	nodes_of(&settings);
	ck_assert_uint_eq(doors.nodes[0].mode, 0660);
	ck_assert(!doors.given[0]);
	for (size_t i = 1; i < doors.n_nodes; i++) {
		ck_assert_uint_eq(doors.nodes[i].mode, 0644);
		ck_assert_uint_eq(doors.nodes[i].gid, 1);
		ck_assert(doors.given[i]);
	}
}
END_TEST

/* more names than there is room for nodes: those that are left are said on the log */
START_TEST(too_many)
{
	struct settings settings;

	settings_init(&settings, (uint64_t)1 << 30);
	settings.n_heaps = 5;
	for (size_t i = 0; i < settings.n_heaps; i++) {
		struct heap_settings *heap = &settings.heaps[i];

		*heap = (struct heap_settings){ .id = i, .n_alias_names = HEAP_ALIASES_MAX };
		snprintf(heap->name, sizeof(heap->name), "heap%zu", i);
		for (size_t k = 0; k < HEAP_ALIASES_MAX; k++)
			snprintf(heap->alias_names[k], HEAP_NAME_SIZE, "alias%zu-%zu", i, k);
	}
	log_set_level(LOG_LEVEL_ERROR);
	nodes_of(&settings);
	ck_assert_uint_eq(doors.n_nodes, NODES_MAX);
	ck_assert_str_eq(doors.nodes[NODES_MAX - 1].name, "dma_heap/alias3-3");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("door_nodes");
	TCase *tcase = tcase_create("door_nodes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, names, 0, ARRAY_SIZE(cases));
	tcase_add_test(tcase, modes);
	tcase_add_test(tcase, too_many);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
