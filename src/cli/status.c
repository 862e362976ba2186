// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion status: what the service serves and holds, in one look */
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cusion.h"

static const char help[] = "Usage: cusion status [--json]\n"
			   "Show what the service serves and holds.\n"
			   "\n"
			   "  --json  print one JSON object, for programs\n"
			   "  --help  print this, and exit\n";

static void print_nodes(struct json_object *status)
{
	struct json_object *nodes;

	printf("%-12s", "nodes");
	if (json_object_object_get_ex(status, "nodes", &nodes))
		for (size_t i = 0; i < json_object_array_length(nodes); i++)
			printf(" %s", json_object_get_string(json_object_array_get_idx(nodes, i)));
	putchar('\n');
}

static void print_heaps(struct json_object *status)
{
	struct json_object *heaps, *heap;
	char bytes[32];

	if (!json_object_object_get_ex(status, "heaps", &heaps))
		return;
	printf("\n%4s  %-24s %10s %12s\n", "heap", "name", "buffers", "memory");
	for (size_t i = 0; i < json_object_array_length(heaps); i++) {
		heap = json_object_array_get_idx(heaps, i);
		printf("%4llu  %-24s %10llu %12s\n", (unsigned long long)answer_u64(heap, "id"),
		       answer_text(heap, "name"), (unsigned long long)answer_u64(heap, "buffers"),
		       human(bytes, sizeof(bytes), answer_u64(heap, "bytes")));
	}
}

static void print_status(struct json_object *status)
{
	static const char *const counts[] = { "clients", "ioctls", "allocations", "refused",
					      "delivery-fails" };
	char bytes[32];

	printf("%-12s %s\n", "cusiond", answer_text(status, "version"));
	print_nodes(status);
	printf("%-12s %s\n", "buffers are", answer_text(status, "exporter"));
	printf("%-12s %llu, %s\n", "buffers", (unsigned long long)answer_u64(status, "buffers"),
	       human(bytes, sizeof(bytes), answer_u64(status, "bytes")));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		printf("%-12s %llu\n", counts[i],
		       (unsigned long long)answer_u64(status, counts[i]));
	print_heaps(status);
}

int cusion_status(int argc, char **argv)
{
	struct json_object *status;
	bool json;
	int r;

	r = cusion_options(argc, argv, help, &json);
	if (r != OPTIONS_GO_ON)
		return r;
	r = cusion_ask(&status, "status");
	if (r)
		return r;
	if (json)
		puts(json_object_to_json_string_ext(status, JSON_C_TO_STRING_PRETTY));
	else
		print_status(status);
	json_object_put(status);
	return EXIT_SUCCESS;
}
