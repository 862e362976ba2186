// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion buffers: each buffer that is there, who pays for it and what holds it */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cusion.h"
#include "cli/people.h"
#include "cli/table.h"

static const char help[] =
	"Usage: cusion buffers [--physical] [--json]\n"
	"Show each buffer: yours, or, for root and the group of /dev/ion, all.\n"
	"\n"
	"  --physical  also where it lies in physical memory, to whom its heap's\n"
	"              physical-address allows\n"
	"  --json      print one JSON object, for programs\n"
	"  --help      print this, and exit\n";

static void add_buffer(struct table *table, struct json_object *buffer)
{
	const char *client = answer_text(buffer, "client");
	char name[PEOPLE_NAME_SIZE];

	table_cell(table, "%s", answer_text(buffer, "id"));
	table_size(table, answer_u64(buffer, "size"));
	table_cell(table, "%s", answer_text(buffer, "heap"));
	table_cell(table, "%#" PRIx64, answer_u64(buffer, "flags"));
	table_cell(table, "%s", user_name(name, answer_u64(buffer, "uid")));
	table_cell(table, "%" PRIu64, answer_u64(buffer, "tid"));
	table_cell(table, "%s", thread_name(name, answer_u64(buffer, "tid")));
	table_cell(table, "%s", client[0] ? client : "gone");
	table_cell(table, "%" PRIu64, answer_u64(buffer, "handles"));
	table_cell(table, "%s", answer_text(buffer, "exporter"));
	table_cell(table, "%s", answer_text(buffer, "end"));
	table_cell(table, "%" PRIu64, answer_u64(buffer, "inode"));
}

struct refusals {
	uint64_t eperm, enodev;
};

static void add_place(struct table *table, struct json_object *buffer, struct refusals *refusals)
{
	struct json_object *place = answer_member(buffer, "physical");
	const char *refused = answer_text(place, "refused");

	if (refused[0]) {
		refusals->eperm += !strcmp(refused, "EPERM");
		refusals->enodev += !strcmp(refused, "ENODEV");
		for (int i = 0; i < 3; i++)
			table_cell(table, "-");
		return;
	}
	table_cell(table, "%#" PRIx64, answer_u64(place, "address"));
	table_size(table, answer_u64(place, "length"));
	table_cell(table, "%s", answer_u64(place, "contiguous") ? "yes" : "no");
}

static void print_buffers(struct json_object *answer, bool physical)
{
	static const char *const titles[] = {
		">buffer", ">size",   "heap",	  ">flags",    "user",
		">thread", "process", ">client",  ">handles",  "it is a",
		"ends by", ">inode",  ">address", ">adjacent", "contiguous",
	};
	_cleanup_(table_freep) struct table *table =
		table_new(titles, ARRAY_SIZE(titles) - (physical ? 0 : 3));
	struct refusals refusals = { 0 };
	struct json_object *buffer;

	for (size_t i = 0; (buffer = answer_entry(answer, "buffers", i)); i++) {
		add_buffer(table, buffer);
		if (physical)
			add_place(table, buffer, &refusals);
	}
	table_print(table);
	if (refusals.eperm)
		printf("%" PRIu64 " of them: you may not know where (EPERM); physical-address of "
		       "the heap says who may, root may\n",
		       refusals.eperm);
	if (refusals.enodev)
		printf("%" PRIu64 " of them: in no place of their own (ENODEV); the heap's memory "
		       "may be anywhere, and move\n",
		       refusals.enodev);
	answer_print_others(answer);
}

int cusion_buffers(int argc, char **argv)
{
	struct json_object *answer;
	bool json, physical;
	int r;

	r = cusion_options_more(argc, argv, help, &json, "physical", &physical);
	if (r != OPTIONS_GO_ON)
		return r;
	r = cusion_ask_list(&answer, "buffers", physical ? ",\"physical\":true" : "");
	if (r)
		return r;
	if (json)
		answer_print(answer);
	else
		print_buffers(answer, physical);
	json_object_put(answer);
	return EXIT_SUCCESS;
}
