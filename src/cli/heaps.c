// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion heaps: what memory there is, and what of it is taken */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cusion.h"
#include "cli/table.h"

static const char help[] = "Usage: cusion heaps [--json]\n"
			   "Show the heaps and the areas of memory under them.\n"
			   "\n"
			   "  --json  print one JSON object, for programs\n"
			   "  --help  print this, and exit\n";

static void print_heaps(struct json_object *answer)
{
	static const char *const titles[] = { ">heap",	 "name",     "kind",	 "buffers are",
					      "area",	 "physical", ">buffers", ">memory",
					      ">pooled", ">largest" };
	_cleanup_(table_freep) struct table *table = table_new(titles, ARRAY_SIZE(titles));
	struct json_object *heap;

	for (size_t i = 0; (heap = answer_entry(answer, "heaps", i)); i++) {
		const char *area = answer_text(heap, "area");

		table_cell(table, "%" PRIu64, answer_u64(heap, "id"));
		table_cell(table, "%s", answer_text(heap, "name"));
		table_cell(table, "%s", answer_text(heap, "kind"));
		table_cell(table, "%s", answer_text(heap, "exporter"));
		table_cell(table, "%s", area[0] ? area : "-");
		table_cell(table, "%s", area[0] ? answer_text(heap, "physical-address") : "-");
		table_cell(table, "%" PRIu64, answer_u64(heap, "buffers"));
		table_size(table, answer_u64(heap, "bytes"));
		table_size(table, answer_u64(heap, "pooled"));
		table_size(table, answer_u64(heap, "largest"));
	}
	table_print(table);
}

static void print_areas(struct json_object *answer)
{
	static const char *const titles[] = { "area",	">size",    ">used",	   ">clean",
					      ">dirty", ">retired", ">longest run" };
	static const char *const sizes[] = { "size",  "used",	 "clean",
					     "dirty", "retired", "largest-run" };
	_cleanup_(table_freep) struct table *table = table_new(titles, ARRAY_SIZE(titles));
	struct json_object *area;

	for (size_t i = 0; (area = answer_entry(answer, "areas", i)); i++) {
		if (!i)
			putchar('\n');
		table_cell(table, "%s", answer_text(area, "name"));
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			table_size(table, answer_u64(area, sizes[k]));
	}
	table_print(table);
}

static void print_missing(struct json_object *answer)
{
	struct json_object *heap;

	for (size_t i = 0; (heap = answer_entry(answer, "missing", i)); i++)
		printf("%sno heap %" PRIu64 ", %s: %s\n", i ? "" : "\n", answer_u64(heap, "id"),
		       answer_text(heap, "name"), answer_text(heap, "why"));
}

int cusion_heaps(int argc, char **argv)
{
	struct json_object *answer;
	bool json;
	int r;

	r = cusion_options(argc, argv, help, &json);
	if (r != OPTIONS_GO_ON)
		return r;
	r = cusion_ask(&answer, "heaps");
	if (r)
		return r;
	if (json) {
		answer_print(answer);
	} else {
		print_heaps(answer);
		print_areas(answer);
		print_missing(answer);
	}
	json_object_put(answer);
	return EXIT_SUCCESS;
}
