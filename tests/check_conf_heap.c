// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/daemon/conf_heap.c and conf_ids.c, and what conf_check.c says of heaps; 1 GiB of memory */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "conf_fixture.h"

#define BUILTIN_HEAPS 4

static const struct heap_settings *find(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_heaps; i++) {
		if (!strcmp(settings->heaps[i].name, name))
			return &settings->heaps[i];
	}
	return NULL;
}

START_TEST(all_keys)
{
	struct settings settings;
	const struct heap_settings *heap = &settings.heaps[BUILTIN_HEAPS];

	ck_assert_int_eq(conf_read_text(&settings, "[heap camera]\n"
						   "kind = chunk\n"
						   "id = 9\n"
						   "alias-ids = 0xa 11\t12\n"
						   "alias-names = cam,0 cam,1\n"
						   "area = second\n"
						   "align = 64K\n"
						   "maximum = 8M\n"
						   "export = memfd udmabuf\n"
						   "trusted = yes\n"
						   "physical-address = group:video\n"
						   "[area second]\n"
						   "ceiling = 16M\n"),
			 0);
	ck_assert_str_eq(conf_said, "");
	ck_assert_uint_eq(settings.n_heaps, BUILTIN_HEAPS + 1);
	ck_assert_str_eq(heap->name, "camera");
	ck_assert_int_eq(heap->kind, HEAP_KIND_CHUNK);
	ck_assert_uint_eq(heap->id, 9);
	ck_assert_uint_eq(heap->alias_ids, 7 << 10);
	ck_assert_uint_eq(heap->n_alias_names, 2);
	ck_assert_str_eq(heap->alias_names[0], "cam,0");
	ck_assert_str_eq(heap->alias_names[1], "cam,1");
	ck_assert_int_eq(heap->area, 1);
	ck_assert_uint_eq(heap->align, 64 << 10);
	ck_assert_uint_eq(heap->maximum, 8 << 20);
	ck_assert_uint_eq(heap->n_exporters, 2);
	ck_assert_int_eq(heap->exporters[0], EXPORTER_MEMFD);
	ck_assert_int_eq(heap->exporters[1], EXPORTER_UDMABUF);
	ck_assert(heap->trusted);
	ck_assert_int_eq(heap->physical, PHYSICAL_GROUP);
	ck_assert_str_eq(heap->physical_group, "video");
}
END_TEST

static const struct {
	const char *word;
	enum heap_kind kind;
	const char *more;
	int area;
} kinds[] = {
	{ "system", HEAP_KIND_SYSTEM, "", -1 },
	{ "system_contig", HEAP_KIND_SYSTEM_CONTIG, "area = main\n", 0 },
	{ "carveout", HEAP_KIND_CARVEOUT, "area = main\n", 0 },
	{ "chunk", HEAP_KIND_CHUNK, "area = main\nalign = 1M\n", 0 },
	{ "dma", HEAP_KIND_DMA, "area = main\n", 0 },
	{ "custom", HEAP_KIND_CUSTOM, "area = main\n", 0 },
	{ "dma-heap", HEAP_KIND_DMA_HEAP, "", -1 },
};

START_TEST(all_kinds)
{
	const struct heap_settings *heap;
	struct settings settings;
	char text[128];

	snprintf(text, sizeof(text), "[heap x]\nid = 31\nkind = %s\n%s", kinds[_i].word,
		 kinds[_i].more);
	ck_assert_int_eq(conf_read_text(&settings, text), 0);
	heap = find(&settings, "x");
	ck_assert_int_eq(heap->kind, kinds[_i].kind);
	ck_assert_int_eq(heap->area, kinds[_i].area);
	ck_assert_uint_eq(heap->n_exporters, 0);
	ck_assert_uint_eq(heap->maximum, 0);
	ck_assert(!heap->trusted);
	ck_assert_int_eq(heap->physical, PHYSICAL_ROOT);
}
END_TEST

/* a section of a built-in heap's name changes it, and leaves alone what it doesn't say */
START_TEST(builtin)
{
	const struct heap_settings *heap;
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "[heap linux,cma]\n"
						   "maximum = 64M\n"
						   "alias-names =\n"
						   "physical-address = all\n"
						   "[heap carveout]\n"
						   "kind = system\n"),
			 0);
	ck_assert_uint_eq(settings.n_heaps, BUILTIN_HEAPS);
	heap = find(&settings, "linux,cma");
	ck_assert_uint_eq(heap->id, 4);
	ck_assert_uint_eq(heap->alias_ids, 1u << 21 | 1u << 22 | 7u << 26);
	ck_assert_uint_eq(heap->n_alias_names, 0);
	ck_assert_uint_eq(heap->maximum, 64 << 20);
	ck_assert_int_eq(heap->physical, PHYSICAL_ALL);
	ck_assert_int_eq(heap->area, 0);
	ck_assert_int_eq(find(&settings, "carveout")->area, -1);
}
END_TEST

START_TEST(removed)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "[heap carveout]\nkind = none\n"
						   "[heap mine]\nid = 2\nkind = system\n"),
			 0);
	ck_assert_uint_eq(settings.n_heaps, BUILTIN_HEAPS);
	ck_assert_ptr_null(find(&settings, "carveout"));
	ck_assert_uint_eq(find(&settings, "mine")->id, 2);
}
END_TEST

/* built-in aliases are for what nobody else has */
START_TEST(aliases_give_way)
{
	const struct heap_settings *heap;
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "[heap qsecom]\n"
						   "kind = dma\n"
						   "area = main\n"
						   "id = 27\n"
						   "alias-ids = 25 22\n"
						   "[heap system]\n"
						   "kind = dma-heap\n"
						   "id = 8\n"
						   "alias-names = reserved\n"),
			 0);
	heap = find(&settings, "linux,cma");
	ck_assert_uint_eq(heap->alias_ids, 1u << 21 | 1u << 26 | 1u << 28);
	ck_assert_uint_eq(heap->n_alias_names, 1);
	ck_assert_str_eq(heap->alias_names[0], "default_cma_region");
	heap = find(&settings, "ion_system_heap");
	ck_assert_uint_eq(heap->alias_ids, 0);
	ck_assert_uint_eq(heap->n_alias_names, 0);
}
END_TEST

#define HEAP(name, id) "[heap " name "]\nkind = system\nid = " id "\n"
#define DMA	       "[heap x]\nkind = dma\nid = 9\narea = main\n"

static const struct {
	const char *text;
	int line;
	const char *names;
} bad[] = {
	/* what one key says */
	{ "[heap x]\nkind = cma\n", 2, "system, system_contig" },
	{ "[heap x]\nid = 32\n", 2, "0 to 31" },
	{ "[heap x]\nalias-ids = 1 32\n", 2, "0 to 31" },
	{ "[heap x]\nalias-ids = 1 1\n", 2, "different" },
	{ "[heap x]\nalias-ids = 1,2\n", 2, "blanks between" },
	{ "[heap x]\nalias-names = a b c d e f g h i\n", 2, "at most 8" },
	{ "[heap x]\nalias-names = 12345678901234567890123456789012\n", 2, "at most 31" },
	{ "[heap x]\nalias-names = a/b\n", 2, "names" },
	{ "[heap x]\narea =\n", 2, "name of an area" },
	{ "[heap x]\nalign = 3K\n", 2, "power of two" },
	{ "[heap x]\nalign = 2K\n", 2, "at least 4K" },
	{ "[heap x]\nmaximum = 4095\n", 2, "at least 4K" },
	{ "[heap x]\nexport =\n", 2, "auto, or" },
	{ "[heap x]\nexport = file file\n", 2, "different" },
	{ "[heap x]\nexport = auto file\n", 2, "auto, or" },
	{ "[heap x]\ntrusted = very\n", 2, "yes or no" },
	{ "[heap x]\nphysical-address = nobody\n", 2, "group:NAME" },
	{ "[heap x]\nphysical-address = group:\n", 2, "group:NAME" },
	{ "[heap x]\nallow = root\n", 2, "unknown key" },
	{ "[heap x/y]\n", 1, "bad name" },
	{ "[heap 12345678901234567890123456789012]\n", 1, "bad name" },
	/* what a heap must have, and what it can't */
	{ "[heap x]\n", 1, "kind: missing" },
	{ "[heap x]\nkind = system\n", 1, "id: missing" },
	{ "[heap x]\nkind = dma\nid = 9\n", 1, "area: missing" },
	{ "[heap ion_system_heap]\nkind = dma\n", 1, "area: missing" },
	{ HEAP("x", "9") "area = main\n", 4, "have none" },
	{ HEAP("x", "9") "align = 64K\n", 4, "have none" },
	{ "[heap x]\nkind = dma-heap\nid = 9\nexport = auto\n", 4, "have none" },
	{ "[heap x]\nkind = dma\nid = 9\narea = man\n", 4, "man is unknown" },
	{ DMA "[area main]\nceiling = 0\n", 4, "main is left out" },
	{ "[heap carveout]\nid = 3\n[area main]\nceiling = 0\n", 1, "main is left out" },
	{ "[heap x]\nkind = chunk\nid = 9\narea = main\n", 1, "align: missing" },
	{ DMA "align = 512M\n", 5, "more than the area main has (256M)" },
	{ DMA "export = udmabuf memfd\n", 5, "trusted = yes" },
	{ "[heap x]\nkind = none\n", 2, "no built-in heap" },
	{ "[heap carveout]\nid = 3\nkind = none\n", 2, "is removed" },
	{ "[heap carveout]\nkind = none\n[heap carveout]\n", 3, "line 1" },
	{ "[area main]\nceiling = 0\n[heap ion_system_heap]\nkind = none\n", 3, "no heap is left" },
	/* ids and names that others have */
	{ HEAP("x", "4"), 3, "4 is taken (by [heap linux,cma], built in)" },
	{ HEAP("x", "9") HEAP("y", "9"), 6, "9 is taken (by [heap x], in line 3)" },
	{ HEAP("x", "9") HEAP("y", "10") "alias-ids = 9\n", 7,
	  "alias-ids: 9 is taken (by [heap x]" },
	{ "[heap x]\nalias-ids = 10\nkind = system\nid = 9\n" HEAP("y", "10"), 7,
	  "id: 10 is taken (by [heap x], in line 2)" },
	{ "[heap carveout]\nid = 1\n", 2, "by [heap ion_system_contig_heap], built in" },
	{ "[heap carveout]\nid = 3\n[heap ion_system_contig_heap]\nid = 3\n", 4, "in line 2" },
	{ HEAP("x", "9") "alias-ids = 9\n", 4, "own id" },
	{ HEAP("x", "9") "alias-ids = 0\n", 4, "by [heap ion_system_heap], built in" },
	{ HEAP("x", "9") "alias-names = carveout\n", 4,
	  "alias-names: carveout is taken (by [heap carveout], built in)" },
	{ HEAP("x", "9") "alias-names = n\n" HEAP("y", "10") "alias-names = m n\n", 8,
	  "in line 4" },
	{ HEAP("x", "9") "alias-names = y\n" HEAP("y", "10"), 5,
	  "name: y is taken (by [heap x], in line 4)" },
	{ HEAP("x", "9") "alias-names = x\n", 4, "already" },
	{ HEAP("x", "9") "alias-names = n n\n", 4, "already" },
	{ HEAP("x", "9") HEAP("x", "10"), 4, "line 1" },
};

START_TEST(bad_files)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, bad[_i].text), -EINVAL);
	conf_assert_said(bad[_i].line, bad[_i].names);
	ck_assert_uint_eq(settings.n_heaps, BUILTIN_HEAPS);
}
END_TEST

/* every id may be a heap, and no more */
START_TEST(many)
{
	char text[2048] = "[heap linux,cma]\nkind = none\n";
	struct settings settings;

	for (int id = 3; id < HEAP_IDS; id++)
		sprintf(text + strlen(text), "[heap h%d]\nid = %d\nkind = system\n", id, id);
	ck_assert_int_eq(conf_read_text(&settings, text), 0);
	ck_assert_uint_eq(settings.n_heaps, HEAP_IDS);
	strcat(text, "[heap more]\nid = 3\nkind = system\n");
	ck_assert_int_eq(conf_read_text(&settings, text), -EINVAL);
	conf_assert_said(2 + 29 * 3 + 1, "more than 32 heaps");
}
END_TEST

START_TEST(far_too_many)
{
	char text[4096] = "";
	struct settings settings;

	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "[heap h%d]\nkind = system\n", i);
	ck_assert_int_eq(conf_read_text(&settings, text), -EINVAL);
	conf_assert_said(2 * (2 * HEAP_IDS - BUILTIN_HEAPS) + 1, "too many sections");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_heap");
	TCase *tcase = tcase_create("conf_heap");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, all_keys);
	tcase_add_loop_test(tcase, all_kinds, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tcase, builtin);
	tcase_add_test(tcase, removed);
	tcase_add_test(tcase, aliases_give_way);
	tcase_add_loop_test(tcase, bad_files, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, far_too_many);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
