// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion clients: who has the device open, and what each user has of his limits */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cusion.h"
#include "cli/people.h"
#include "cli/table.h"

static const char help[] = "Usage: cusion clients [--json]\n"
			   "Show who has the device open: yours, or, for root and the group of\n"
			   "/dev/ion, all.\n"
			   "\n"
			   "  --json  print one JSON object, for programs\n"
			   "  --help  print this, and exit\n";

static void print_clients(struct json_object *answer)
{
	static const char *const titles[] = { ">client",  "user",    ">group",
					      ">thread",  "process", "device",
					      ">buffers", ">memory", ">handles" };
	_cleanup_(table_freep) struct table *table = table_new(titles, ARRAY_SIZE(titles));
	char name[PEOPLE_NAME_SIZE];
	struct json_object *client;

	for (size_t i = 0; (client = answer_entry(answer, "clients", i)); i++) {
		table_cell(table, "%s", answer_text(client, "id"));
		table_cell(table, "%s", user_name(name, answer_u64(client, "uid")));
		table_cell(table, "%" PRIu64, answer_u64(client, "gid"));
		table_cell(table, "%" PRIu64, answer_u64(client, "tid"));
		table_cell(table, "%s", thread_name(name, answer_u64(client, "tid")));
		table_cell(table, "%s", answer_text(client, "node"));
		table_cell(table, "%" PRIu64, answer_u64(client, "buffers"));
		table_size(table, answer_u64(client, "bytes"));
		table_cell(table, "%" PRIu64, answer_u64(client, "handles"));
	}
	table_print(table);
}

/* was a client of that user's seen before the @n-th? */
static bool seen(struct json_object *answer, size_t n, uint64_t uid)
{
	for (size_t i = 0; i < n; i++)
		if (answer_u64(answer_entry(answer, "clients", i), "uid") == uid)
			return true;
	return false;
}

/* "3 of 10", or "3" where there is no limit */
static void add_share(struct table *table, struct json_object *user, const char *key, bool sizes)
{
	uint64_t used = answer_u64(user, key), limit;
	char text[2][32], limit_key[64];

	snprintf(limit_key, sizeof(limit_key), "%s-limit", key);
	limit = answer_u64(user, limit_key);
	snprintf(text[0], sizeof(text[0]), "%" PRIu64, used);
	snprintf(text[1], sizeof(text[1]), "%" PRIu64, limit);
	if (sizes) {
		human(text[0], sizeof(text[0]), used);
		human(text[1], sizeof(text[1]), limit);
	}
	if (answer_member(user, limit_key))
		table_cell(table, "%s of %s", text[0], text[1]);
	else
		table_cell(table, "%s", text[0]);
}

static void print_users(struct json_object *answer)
{
	static const char *const titles[] = { "user", ">clients", ">buffers", ">memory",
					      ">handles" };
	_cleanup_(table_freep) struct table *table = table_new(titles, ARRAY_SIZE(titles));
	char name[PEOPLE_NAME_SIZE];
	struct json_object *client;

	for (size_t i = 0; (client = answer_entry(answer, "clients", i)); i++) {
		struct json_object *user = answer_member(client, "user");
		uint64_t uid = answer_u64(client, "uid");

		if (seen(answer, i, uid))
			continue;
		table_cell(table, "%s", user_name(name, uid));
		add_share(table, user, "clients", false);
		add_share(table, user, "buffers", false);
		add_share(table, user, "bytes", true);
		add_share(table, user, "handles", false);
	}
	putchar('\n');
	table_print(table);
}

int cusion_clients(int argc, char **argv)
{
	struct json_object *answer;
	bool json;
	int r;

	r = cusion_options(argc, argv, help, &json);
	if (r != OPTIONS_GO_ON)
		return r;
	r = cusion_ask_list(&answer, "clients", "");
	if (r)
		return r;
	if (json) {
		answer_print(answer);
	} else {
		print_clients(answer);
		if (answer_entry(answer, "clients", 0))
			print_users(answer);
		answer_print_others(answer);
	}
	json_object_put(answer);
	return EXIT_SUCCESS;
}
