// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion alloc: allocate as a client does, to try it, to measure it, or to have something to hold
 */
#include "cli/alloc.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cli/cusion.h"

enum { OTHER_FDS = 64 }; /* beside the buffers' */

static const char help[] =
	"Usage: cusion alloc [OPTION]... [-- COMMAND...]\n"
	"Allocate from /dev/ion as any client does, and say what came of it.\n"
	"\n"
	"  --heap NAME|ID  from this heap; else from the system heap\n"
	"  --size SIZE     bytes, or with K, M, G or T behind; 1M if not given\n"
	"  --flags N       of the allocation\n"
	"  --count N       so many buffers\n"
	"  --device PATH   another device\n"
	"  --hold          hold them until Ctrl-C\n"
	"  --json          print one JSON object, for programs\n"
	"  --help          print this, and exit\n"
	"\n"
	"COMMAND is run while they are held; CUSION_FD has the numbers of their fds.\n"
	"The exit status is then COMMAND's.\n";

/* ---- options ---- */

static int bad_option(const char *option, const char *hint)
{
	fprintf(stderr, "cusion alloc: --%s '%s': %s\n", option, optarg, hint);
	return EXIT_USAGE;
}

static int alloc_option(struct alloc_options *options, int letter)
{
	switch (letter) {
	case 'p':
		options->heap = optarg;
		return OPTIONS_GO_ON;
	case 's':
		if (parse_size(&options->size, optarg) < 0)
			return bad_option("size", "not a size like 4096, 64K or 1M");
		return OPTIONS_GO_ON;
	case 'f':
		if (parse_u32(&options->flags, optarg) < 0)
			return bad_option("flags", "not a number of 32 bits");
		return OPTIONS_GO_ON;
	case 'c':
		if (parse_u32(&options->count, optarg) < 0 || !options->count)
			return bad_option("count", "not a number from 1 on");
		return OPTIONS_GO_ON;
	case 'd':
		options->device = optarg;
		return OPTIONS_GO_ON;
	case 'w':
		options->hold = true;
		return OPTIONS_GO_ON;
	case 'j':
		options->json = true;
		return OPTIONS_GO_ON;
	case 'h':
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	return EXIT_USAGE;
}

static int alloc_parse(struct alloc_options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "heap", required_argument, NULL, 'p' },
		{ "size", required_argument, NULL, 's' },
		{ "flags", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ "device", required_argument, NULL, 'd' },
		{ "hold", no_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int letter, r;

	*options = (struct alloc_options){ .device = "/dev/ion", .size = 1 << 20, .count = 1 };
	while ((letter = getopt_long(argc, argv, "+", names, NULL)) != -1) {
		r = alloc_option(options, letter);
		if (r != OPTIONS_GO_ON)
			return r;
	}
	if (optind < argc)
		options->command = argv + optind;
	if (options->command && options->hold) {
		fputs("cusion alloc: --hold or a command: they are held while it runs\n", stderr);
		return EXIT_USAGE;
	}
	return OPTIONS_GO_ON;
}

/* ---- what came of it ---- */

static void print_buffers(const struct alloc_device *device, const struct alloc_buffer *buffers,
			  size_t n)
{
	char size[32];

	for (size_t i = 0; i < n; i++)
		printf("fd %d: %s of heap %" PRIu32 "%s%s, in %.1f us\n", buffers[i].fd,
		       human(size, sizeof(size), buffers[i].size), device->heap.id,
		       device->heap.name[0] ? ", " : "", device->heap.name,
		       (double)buffers[i].ns / 1000);
}

static void print_json(const struct alloc_device *device, const struct alloc_options *options,
		       const struct alloc_buffer *buffers, size_t n)
{
	struct json_object *object = json_object_new_object(), *entry;
	struct json_object *entries = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		entry = json_object_new_object();
		json_object_object_add(entry, "fd", json_object_new_int(buffers[i].fd));
		json_object_object_add(entry, "size", json_object_new_uint64(buffers[i].size));
		json_object_object_add(entry, "ns", json_object_new_uint64(buffers[i].ns));
		json_object_array_add(entries, entry);
	}
	json_object_object_add(object, "device", json_object_new_string(options->device));
	json_object_object_add(object, "heap-id", json_object_new_uint64(device->heap.id));
	json_object_object_add(object, "heap", json_object_new_string(device->heap.name));
	json_object_object_add(object, "buffers", entries);
	answer_print(object);
	json_object_put(object);
}

/* ---- the steps ---- */

/* where many are asked for: as many fds as this user may have */
static void raise_fds(uint32_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)n + OTHER_FDS) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int alloc_all(struct alloc_device *device, const struct alloc_options *options,
		     struct alloc_buffer *buffers)
{
	int r;

	raise_fds(options->count);
	for (uint32_t i = 0; i < options->count; i++) {
		r = alloc_one(device, options, &buffers[i]);
		if (r < 0)
			return alloc_say_failed(device, options, r);
	}
	if (options->json)
		print_json(device, options, buffers, options->count);
	else
		print_buffers(device, buffers, options->count);
	return 0;
}

static int alloc_use(struct alloc_device *device, const struct alloc_options *options)
{
	_cleanup_(freep) struct alloc_buffer *buffers = NULL;
	int r;

	r = alloc_list(device);
	if (r < 0 && (r != -ENOTTY || !options->heap))
		return alloc_say_open(options, r);
	if (alloc_pick(device, options->heap) < 0)
		return alloc_say_pick(device, options);
	buffers = calloc(options->count, sizeof(*buffers));
	if (!buffers)
		return alloc_say_failed(device, options, -ENOMEM);
	r = alloc_all(device, options, buffers);
	if (r)
		return r;
	if (options->command)
		return alloc_run_command(options->command, buffers, options->count);
	if (options->hold)
		alloc_hold();
	return EXIT_SUCCESS;
}

/* fds of buffers are closed by the exit */
int cusion_alloc(int argc, char **argv)
{
	struct alloc_device device = { .fd = -1 };
	struct alloc_options options;
	int r;

	r = alloc_parse(&options, argc, argv);
	if (r != OPTIONS_GO_ON)
		return r;
	r = alloc_open(&device, options.device);
	if (r < 0)
		return alloc_say_open(&options, r);
	r = alloc_use(&device, &options);
	fd_close(device.fd);
	return r;
}
