// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion check: does all that the service knows twice agree? */
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cusion.h"

enum {
	TRIES = 20,
	PAUSE_MS = 100,
};

static const char help[] = "Usage: cusion check [--json]\n"
			   "Compare the service's records, charges, totals and open files.\n"
			   "\n"
			   "  --json  print one JSON object, for programs\n"
			   "  --help  print this, and exit\n";

static int is_clean(struct json_object *answer)
{
	return !answer_u64(answer, "n-findings") && !answer_u64(answer, "under-way");
}

/* What is under way may look odd for a moment: only what stays is a finding. Return: 0, or the exit
 * status. */
static int check_ask(struct json_object **ret)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct json_object *answer;
	int r;

	for (int i = 1;; i++) {
		r = cusion_ask(&answer, "check");
		if (r)
			return r;
		if (is_clean(answer) || i == TRIES)
			break;
		json_object_put(answer);
		nanosleep(&pause, NULL);
	}
	*ret = answer;
	return 0;
}

static void print_check(struct json_object *answer)
{
	uint64_t n = answer_u64(answer, "n-findings");
	struct json_object *texts;

	if (json_object_object_get_ex(answer, "findings", &texts))
		for (size_t i = 0; i < json_object_array_length(texts); i++)
			puts(json_object_get_string(json_object_array_get_idx(texts, i)));
	if (n)
		printf("%llu findings\n", (unsigned long long)n);
	else
		printf("clean: %llu clients, %llu buffers, %llu bytes\n",
		       (unsigned long long)answer_u64(answer, "clients"),
		       (unsigned long long)answer_u64(answer, "buffers"),
		       (unsigned long long)answer_u64(answer, "bytes"));
	if (answer_u64(answer, "under-way"))
		puts("open files were not compared: allocations are under way");
}

int cusion_check(int argc, char **argv)
{
	struct json_object *answer;
	bool json;
	int r;

	r = cusion_options(argc, argv, help, &json);
	if (r != OPTIONS_GO_ON)
		return r;
	r = check_ask(&answer);
	if (r)
		return r;
	if (json)
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PRETTY));
	else
		print_check(answer);
	r = answer_u64(answer, "n-findings") ? EXIT_FAILURE : EXIT_SUCCESS;
	json_object_put(answer);
	return r;
}
